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
 * One thread, one loop. A turn: due timers and everything ready run (at most TMF_LOOP_READY_PER_TURN_MAX tasks), then the turn hooks (the store commits there,
 * then held-back calls start), then the one blocking call of the program: the poll for network, signals and the next timer.
 * On a fake clock the poll never sleeps: when nothing is ready the clock jumps to the next timer.
 */
struct tmf_loop;
struct tmf_clock;

#define TMF_LOOP_READY_PER_TURN_MAX 4096
#define TMF_LOOP_TURN_HOOKS_MAX	    256 /* one an engine, and a run may have many parts */

/* A piece of work in the ready queue. Intrusive: lives in its owner, is posted at most once at a time. */
struct tmf_task {
	void (*run)(struct tmf_task *task);
	struct tmf_task *next;
	struct tmf_task *prev;
	bool posted;
};

struct tmf_timer {
	void (*fire)(struct tmf_timer *timer);
	int64_t at_mono_ms;
	size_t heap_index; /* 0 = not armed */
};

/* What may be waited for at a descriptor, and what has come. Its end or an error comes as all that was waited for. */
#define TMF_LOOP_FD_READ  1u
#define TMF_LOOP_FD_WRITE 2u

/* A descriptor that the loop waits on: a socket, a pipe, a process. Lives in its owner. */
struct tmf_fd_watch {
	void (*ready)(
	    struct tmf_fd_watch *watch, unsigned events); /* may take any watch off, its own too */
	int fd;
	unsigned wanted;     /* LOOP_FD_...; 0: it rests */
	unsigned registered; /* the loop's: what the kernel was told that is wanted */
};

/* clock is borrowed; NULL: the machine's. */
struct tmf_loop *tmf_loop_new(struct tmf_clock *clock);
void tmf_loop_free(struct tmf_loop *loop);
struct tmf_clock *tmf_loop_clock(const struct tmf_loop *loop);

/* The monotonic clock's time: what timers are armed by. Units: milliseconds since some start. */
int64_t tmf_loop_mono_ms(const struct tmf_loop *loop);

/* Puts task at the end of the ready queue (no effect if it is there). Never runs it at once. */
void tmf_loop_post(struct tmf_loop *loop, struct tmf_task *task);
void tmf_loop_unpost(struct tmf_loop *loop, struct tmf_task *task);

/* Arms (or re-arms) timer for a point of the monotonic clock. O(log n). */
void tmf_loop_timer_arm(struct tmf_loop *loop, struct tmf_timer *timer, int64_t at_mono_ms);
void tmf_loop_timer_disarm(struct tmf_loop *loop, struct tmf_timer *timer);

/* Adds fn, called once a turn after the ready queue, in order of adding. A failure ends tmf_loop_run with it. */
int
tmf_loop_add_turn_hook(struct tmf_loop *loop, int (*fn)(void *arg, struct tmf_err *err), void *arg);
void tmf_loop_remove_turn_hook(
    struct tmf_loop *loop, int (*fn)(void *arg, struct tmf_err *err), void *arg);

/* Calls fn from the loop (never from the signal handler) each time signo was caught. One handler a signal; NULL restores the default. */
int tmf_loop_watch_signal(struct tmf_loop *loop, int signo, void (*fn)(void *arg, int signo),
    void *arg, struct tmf_err *err);

/* Waits on watch->fd (borrowed) from the next poll on; a loop with a watch that does not rest is not idle. Errors: TMF_ERR_SYSTEM. */
int tmf_loop_watch_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch, struct tmf_err *err);

/* Waits for something else from now on; for nothing (0): the watch rests. The kernel hears of that only if something happens meanwhile, so that to rest
 * between two requests costs nothing. Errors: TMF_ERR_SYSTEM. */
int tmf_loop_rewatch_fd(
    struct tmf_loop *loop, struct tmf_fd_watch *watch, unsigned wanted, struct tmf_err *err);

/* Before the descriptor is closed. */
void tmf_loop_unwatch_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch);

/* Runs turns until tmf_loop_stop, or until the loop is idle (nothing ready, no timer, no watched descriptor). Returns 0, or -1 with *err. */
int tmf_loop_run(struct tmf_loop *loop, struct tmf_err *err);
void tmf_loop_stop(struct tmf_loop *loop);

#ifdef __cplusplus
}
#endif

#endif
