#ifndef TMFLOW_LOOP_H
#define TMFLOW_LOOP_H

#include "tmflow/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One thread, one loop. A turn: due timers and everything ready run (at most
 * TMF_LOOP_READY_PER_TURN_MAX tasks), then the turn hooks (the store commits there, then held-back
 * calls start), then the one blocking call of the program: the poll for network, signals and the
 * next timer.
 *
 * A program of its own calls tmf_loop_run. A host that has a loop already gives it the descriptor
 * and calls a turn when that can be read, or when the timeout has passed:
 *
 *	struct pollfd ours = {.fd = tmf_loop_fd(loop, &err), .events = POLLIN};
 *
 *	do {
 *
 *		poll(&ours, 1, tmf_loop_timeout_ms(loop));	(with what else the host waits for)
 *
 *	} while (tmf_loop_turn(loop, 0, &err) > 0);
 *
 * The timeout is asked for before each wait, since every post and every timer may change it.
 */
struct tmf_loop;

/* Where a loop has its time from. */
struct tmf_clock;

#define TMF_LOOP_READY_PER_TURN_MAX 4096
#define TMF_LOOP_TURN_HOOKS_MAX	    256 /* one an engine, and a run may have many parts */
#define TMF_LOOP_SIGNALS_MAX	    8

/* A piece of work in the ready queue. Intrusive: lives in its owner, is posted at most once at a
 * time. */
struct tmf_task {
	void (*run)(struct tmf_task *task);
	/* The rest is the loop's. */
	struct tmf_task *next;
	struct tmf_task *prev;
	bool posted;
};

/* Lives in its owner, which sets fire; the rest is the loop's. */
struct tmf_timer {
	void (*fire)(struct tmf_timer *timer);
	int64_t at_mono_ms;
	size_t heap_index; /* 0: not armed */
};

/* What may be waited for at a descriptor, and what has come. Its end or an error comes as all that
 * was waited for. */
#define TMF_LOOP_FD_READ  1u
#define TMF_LOOP_FD_WRITE 2u

/* A descriptor that the loop waits on: a socket, a pipe, a process. Lives in its owner. */
struct tmf_fd_watch {
	/* May remove any watch, also its own. */
	void (*ready)(struct tmf_fd_watch *watch, unsigned events);
	int fd;
	unsigned wanted; /* TMF_LOOP_FD_... */
};

/* Makes a loop. clock: NULL is the system's. On a fake clock (of a test) the poll never sleeps:
 * when nothing is ready the clock jumps to the next timer.
 * Borrows: clock, until the loop is freed. */
struct tmf_loop *tmf_loop_new(struct tmf_clock *clock);

/* Frees the loop; NULL is fine. What is posted, armed or watched is dropped without a call.
 * Effects: watched signals stay blocked. One that comes while the program writes its last report
 * would otherwise end it in the middle of that. To let them in again, call tmf_loop_watch_signal
 * with NULL before. */
void tmf_loop_free(struct tmf_loop *loop);

/* Returns: the clock of tmf_loop_new, or the system's. Borrows. */
struct tmf_clock *tmf_loop_clock(const struct tmf_loop *loop);

/* The monotonic clock's time: what timers are armed by. Units: milliseconds since some start. */
int64_t tmf_loop_mono_ms(const struct tmf_loop *loop);

/* Puts task at the end of the ready queue (no effect if it is there). It runs in a later turn or
 * later in this one, never at once.
 * Borrows: task, until it runs or tmf_loop_unpost. */
void tmf_loop_post(struct tmf_loop *loop, struct tmf_task *task);

/* Takes task off the ready queue (no effect if it is not there). */
void tmf_loop_unpost(struct tmf_loop *loop, struct tmf_task *task);

/* Arms (or re-arms) timer. O(log n).
 * Units: at_mono_ms is a point of the monotonic clock.
 * Borrows: timer, until it fires or tmf_loop_timer_disarm. */
void tmf_loop_timer_arm(struct tmf_loop *loop, struct tmf_timer *timer, int64_t at_mono_ms);

/* Disarms timer (no effect if it is not armed). */
void tmf_loop_timer_disarm(struct tmf_loop *loop, struct tmf_timer *timer);

/* Adds fn, called once a turn after the ready queue, in order of adding. A failure of fn ends the
 * turn with its error.
 * Limits: TMF_LOOP_TURN_HOOKS_MAX. */
void
tmf_loop_add_turn_hook(struct tmf_loop *loop, int (*fn)(void *arg, struct tmf_err *err), void *arg);

/* Removes a hook that was added with the same fn and arg. */
void tmf_loop_remove_turn_hook(
    struct tmf_loop *loop, int (*fn)(void *arg, struct tmf_err *err), void *arg);

/* Calls fn from the loop (never from a signal handler) each time signo comes. One fn a signal, the
 * newest; NULL lets the signal have its default effect again. Watched signals do not keep a loop
 * from being idle.
 * Effects: signo is blocked in the calling thread. Threads that the host has already must block it
 * themselves.
 * Limits: TMF_LOOP_SIGNALS_MAX. Errors: TMF_ERR_SYSTEM. */
int tmf_loop_watch_signal(struct tmf_loop *loop, int signo, void (*fn)(void *arg, int signo),
    void *arg, struct tmf_err *err);

/* Waits on watch->fd for what is wanted, from the next poll on.
 * Borrows: watch and its descriptor, until tmf_loop_unwatch_fd. Errors: TMF_ERR_SYSTEM. */
int tmf_loop_watch_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch, struct tmf_err *err);

/* Waits no longer on watch: to be called before its descriptor is closed. */
void tmf_loop_unwatch_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch);

/* Runs turns until tmf_loop_stop, or until the loop is idle: nothing ready, no timer, no watched
 * descriptor.
 * Returns: 0. Errors: those of the hooks, TMF_ERR_SYSTEM when the poll fails. */
int tmf_loop_run(struct tmf_loop *loop, struct tmf_err *err);

/* Ends tmf_loop_run, or tmf_loop_turn with 0, at the end of the present turn. */
void tmf_loop_stop(struct tmf_loop *loop);

/* A descriptor that can be read when there is something to do for a descriptor or a signal. It says
 * nothing of timers and posted tasks: see tmf_loop_timeout_ms.
 * Returns: the same descriptor each time, or -1. Borrows: the loop closes it. Errors:
 * TMF_ERR_SYSTEM. */
int tmf_loop_fd(struct tmf_loop *loop, struct tmf_err *err);

/* How long a host may wait for tmf_loop_fd before the next turn.
 * Returns: milliseconds; 0: a turn is due; -1: no limit. */
int tmf_loop_timeout_ms(const struct tmf_loop *loop);

/* One turn that begins with the poll: waits at most timeout_ms (-1: no limit of the caller's) and
 * no longer than tmf_loop_timeout_ms, then does what is due. An idle loop does not wait.
 * Returns: 1 while there is more to do or to wait for, 0 when the loop is idle or was stopped.
 * Errors: as tmf_loop_run. */
int tmf_loop_turn(struct tmf_loop *loop, int timeout_ms, struct tmf_err *err);

#ifdef __cplusplus
}
#endif

#endif
