#include "loop/loop.h"

#include "base/mem.h"
#include "loop/fd_watches.h"
#include "loop/timer_heap.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SIGNALS_MAX 8

struct turn_hook {
	int (*fn)(void *arg, struct err *err);
	void *arg;
};

struct signal_watch {
	int signo; /* 0: free */
	void (*fn)(void *arg, int signo);
	void *arg;
};

struct loop {
	struct clock *clock;
	struct task *first; /* ready queue, doubly linked */
	struct task *last;
	struct timer_heap timers;
	struct turn_hook hooks[LOOP_TURN_HOOKS_MAX];
	size_t hook_count;
	struct signal_watch watches[SIGNALS_MAX];
	sigset_t watched;
	int signal_fd; /* -1: no signal is watched */
	struct fd_watch signal_watch;
	struct fd_watches fds; /* the signals' among them */
	bool stopped;
};

static struct signal_watch *
find_watch(struct loop *loop, int signo)
{
	for (size_t i = 0; i < SIGNALS_MAX; i++)
		if (loop->watches[i].signo == signo)
			return &loop->watches[i];
	return NULL;
}

static void
read_signals(struct fd_watch *fd, unsigned events)
{
	struct loop *loop = (struct loop *)((char *)fd - offsetof(struct loop, signal_watch));
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		const struct signal_watch *watch = find_watch(loop, (int)info.ssi_signo);

		if (watch != NULL && watch->fn != NULL)
			watch->fn(watch->arg, watch->signo);
	}
}

struct loop *
loop_new(struct clock *clock)
{
	struct loop *loop = mem_zalloc(1, sizeof(*loop));

	loop->clock = clock;
	loop->signal_fd = -1;
	loop->signal_watch = (struct fd_watch){.ready = read_signals, .wanted = LOOP_FD_READ};
	fd_watches_init(&loop->fds);
	sigemptyset(&loop->watched);
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	fd_watches_fini(&loop->fds);
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	pthread_sigmask(SIG_UNBLOCK, &loop->watched, NULL);
	timer_heap_fini(&loop->timers);
	free(loop);
}

struct clock *
loop_clock(const struct loop *loop)
{
	return loop->clock;
}

void
loop_post(struct loop *loop, struct task *task)
{
	if (task->posted)
		return;
	task->posted = true;
	task->next = NULL;
	task->prev = loop->last;
	if (loop->last != NULL)
		loop->last->next = task;
	else
		loop->first = task;
	loop->last = task;
}

void
loop_unpost(struct loop *loop, struct task *task)
{
	if (!task->posted)
		return;
	task->posted = false;
	if (task->prev != NULL)
		task->prev->next = task->next;
	else
		loop->first = task->next;
	if (task->next != NULL)
		task->next->prev = task->prev;
	else
		loop->last = task->prev;
}

void
loop_timer_arm(struct loop *loop, struct timer *timer, int64_t at_mono_ms)
{
	loop_timer_disarm(loop, timer);
	timer->at_mono_ms = at_mono_ms;
	timer_heap_add(&loop->timers, timer);
}

void
loop_timer_disarm(struct loop *loop, struct timer *timer)
{
	if (timer->heap_index != 0)
		timer_heap_remove(&loop->timers, timer);
}

int
loop_watch_fd(struct loop *loop, struct fd_watch *watch, struct err *err)
{
	return fd_watches_add(&loop->fds, watch, err);
}

int
loop_rewatch_fd(struct loop *loop, struct fd_watch *watch, unsigned wanted, struct err *err)
{
	return fd_watches_change(&loop->fds, watch, wanted, err);
}

void
loop_unwatch_fd(struct loop *loop, struct fd_watch *watch)
{
	fd_watches_remove(&loop->fds, watch);
}

int
loop_add_turn_hook(struct loop *loop, int (*fn)(void *arg, struct err *err), void *arg)
{
	assert(loop->hook_count < LOOP_TURN_HOOKS_MAX);
	loop->hooks[loop->hook_count++] = (struct turn_hook){fn, arg};
	return 0;
}

void
loop_remove_turn_hook(struct loop *loop, int (*fn)(void *arg, struct err *err), void *arg)
{
	for (size_t i = 0; i < loop->hook_count; i++) {
		if (loop->hooks[i].fn != fn || loop->hooks[i].arg != arg)
			continue;
		memmove(&loop->hooks[i], &loop->hooks[i + 1],
		    (--loop->hook_count - i) * sizeof(loop->hooks[0]));
		return;
	}
}

static int
update_signal_fd(struct loop *loop, struct err *err)
{
	int fd = signalfd(loop->signal_fd, &loop->watched, SFD_NONBLOCK | SFD_CLOEXEC);

	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "signalfd: %s", strerror(errno));
	if (loop->signal_fd >= 0)
		return 0;
	loop->signal_fd = fd;
	loop->signal_watch.fd = fd;
	return fd_watches_add(&loop->fds, &loop->signal_watch, err);
}

int
loop_watch_signal(
    struct loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg, struct err *err)
{
	struct signal_watch *watch = find_watch(loop, signo);
	sigset_t one;

	if (watch == NULL)
		watch = find_watch(loop, 0);
	assert(watch != NULL && "SIGNALS_MAX is too small");
	sigemptyset(&one);
	sigaddset(&one, signo);
	*watch = (struct signal_watch){fn != NULL ? signo : 0, fn, arg};
	if (fn != NULL)
		sigaddset(&loop->watched, signo);
	else
		sigdelset(&loop->watched, signo);
	if (update_signal_fd(loop, err) < 0)
		return -1;
	pthread_sigmask(fn != NULL ? SIG_BLOCK : SIG_UNBLOCK, &one, NULL);
	return 0;
}

static void
run_timers(struct loop *loop)
{
	int64_t now_mono_ms = loop->clock->mono_ms(loop->clock);
	struct timer *timer;

	while (
	    (timer = timer_heap_first(&loop->timers)) != NULL && timer->at_mono_ms <= now_mono_ms) {
		timer_heap_remove(&loop->timers, timer);
		timer->fire(timer);
	}
}

static void
run_ready(struct loop *loop)
{
	for (unsigned i = 0; i < LOOP_READY_PER_TURN_MAX && loop->first != NULL; i++) {
		struct task *task = loop->first;

		loop_unpost(loop, task);
		task->run(task);
	}
}

static int
run_hooks(struct loop *loop, struct err *err)
{
	for (size_t i = 0; i < loop->hook_count; i++)
		if (loop->hooks[i].fn(loop->hooks[i].arg, err) < 0)
			return -1;
	return 0;
}

/* How long the poll may take: nothing while work is ready, else until the next timer. */
static int
poll_timeout_ms(const struct loop *loop)
{
	const struct timer *timer = timer_heap_first(&loop->timers);
	int64_t left_ms;

	if (loop->first != NULL || loop->clock->advance != NULL)
		return 0;
	if (timer == NULL)
		return -1;
	left_ms = timer->at_mono_ms - loop->clock->mono_ms(loop->clock);
	if (left_ms <= 0)
		return 0;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* On a clock that a test owns: when nothing came of the poll, the next timer's time is now. */
static void
jump_to_next_timer(struct loop *loop)
{
	const struct timer *timer = timer_heap_first(&loop->timers);
	int64_t left_ms;

	if (loop->clock->advance == NULL || loop->first != NULL || timer == NULL)
		return;
	left_ms = timer->at_mono_ms - loop->clock->mono_ms(loop->clock);
	if (left_ms > 0)
		loop->clock->advance(loop->clock, left_ms);
}

static int
wait_for_events(struct loop *loop, struct err *err)
{
	int ret = fd_watches_wait(&loop->fds, poll_timeout_ms(loop), err);

	jump_to_next_timer(loop);
	return ret;
}

/* Descriptors that somebody waits on; the signals do not keep a loop going. */
static bool
descriptors_watched(const struct loop *loop)
{
	return loop->fds.count > (loop->signal_fd >= 0 ? 1u : 0u);
}

static bool
idle(const struct loop *loop)
{
	return loop->first == NULL && timer_heap_first(&loop->timers) == NULL &&
	       !descriptors_watched(loop);
}

int
loop_run(struct loop *loop, struct err *err)
{
	loop->stopped = false;
	while (!loop->stopped) {
		run_timers(loop);
		run_ready(loop);
		if (run_hooks(loop, err) < 0)
			return -1;
		if (loop->stopped || idle(loop))
			break;
		if (wait_for_events(loop, err) < 0)
			return -1;
	}
	return 0;
}

void
loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
