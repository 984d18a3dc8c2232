#ifndef TMFLOW_LOOP_LOOP_H
#define TMFLOW_LOOP_LOOP_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One thread, one loop. A turn: due timers and everything ready run (at most LOOP_READY_PER_TURN_MAX tasks), then the turn hooks (the store commits there,
 * then held-back calls start), then the one blocking call of the program: the poll for network, signals and the next timer.
 * On a fake clock the poll never sleeps: when nothing is ready the clock jumps to the next timer.
 */
struct loop;

#define LOOP_READY_PER_TURN_MAX 4096
#define LOOP_TURN_HOOKS_MAX	256 /* one an engine, and a run may have many parts */

/* A piece of work in the ready queue. Intrusive: lives in its owner, is posted at most once at a time. */
struct task {
	void (*run)(struct task *task);
	struct task *next;
	struct task *prev;
	bool posted;
};

struct timer {
	void (*fire)(struct timer *timer);
	int64_t at_mono_ms;
	size_t heap_index; /* 0 = not armed */
};

/* What may be waited for at a descriptor, and what has come. Its end or an error comes as all that was waited for. */
#define LOOP_FD_READ  1u
#define LOOP_FD_WRITE 2u

/* A descriptor that the loop waits on: a socket, a pipe, a process. Lives in its owner. */
struct fd_watch {
	void (*ready)(
	    struct fd_watch *watch, unsigned events); /* may take any watch off, its own too */
	int fd;
	unsigned wanted;     /* LOOP_FD_...; 0: it rests */
	unsigned registered; /* the loop's: what the kernel was told that is wanted */
};

struct loop *loop_new(struct clock *clock);
void loop_free(struct loop *loop);
struct clock *loop_clock(const struct loop *loop);

/* Puts task at the end of the ready queue (no effect if it is there). Never runs it at once. */
void loop_post(struct loop *loop, struct task *task);
void loop_unpost(struct loop *loop, struct task *task);

/* Arms (or re-arms) timer for a point of the monotonic clock. O(log n). */
void loop_timer_arm(struct loop *loop, struct timer *timer, int64_t at_mono_ms);
void loop_timer_disarm(struct loop *loop, struct timer *timer);

/* Adds fn, called once a turn after the ready queue, in order of adding. A failure ends loop_run with it. */
int loop_add_turn_hook(struct loop *loop, int (*fn)(void *arg, struct err *err), void *arg);
void loop_remove_turn_hook(struct loop *loop, int (*fn)(void *arg, struct err *err), void *arg);

/* Calls fn from the loop (never from the signal handler) each time signo was caught. One handler a signal; NULL restores the default. */
int loop_watch_signal(
    struct loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg, struct err *err);

/* Waits on watch->fd (borrowed) from the next poll on; a loop with a watch that does not rest is not idle. Errors: ERR_SYSTEM. */
int loop_watch_fd(struct loop *loop, struct fd_watch *watch, struct err *err);

/* Waits for something else from now on; for nothing (0): the watch rests. The kernel hears of that only if something happens meanwhile, so that to rest
 * between two requests costs nothing. Errors: ERR_SYSTEM. */
int loop_rewatch_fd(struct loop *loop, struct fd_watch *watch, unsigned wanted, struct err *err);

/* Before the descriptor is closed. */
void loop_unwatch_fd(struct loop *loop, struct fd_watch *watch);

/* Runs turns until loop_stop, or until the loop is idle (nothing ready, no timer, no watched descriptor). Returns 0, or -1 with *err. */
int loop_run(struct loop *loop, struct err *err);
void loop_stop(struct loop *loop);

#endif
