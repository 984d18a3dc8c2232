#include "tmflow/loop.h"

#include "base/clock.h"
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
	int (*fn)(void *arg, struct tmf_err *err);
	void *arg;
};

struct signal_watch {
	int signo; /* 0: free */
	void (*fn)(void *arg, int signo);
	void *arg;
};

struct tmf_loop {
	struct tmf_clock *clock;
	struct tmf_task *first; /* ready queue, doubly linked */
	struct tmf_task *last;
	struct timer_heap timers;
	struct turn_hook hooks[TMF_LOOP_TURN_HOOKS_MAX];
	size_t hook_count;
	struct signal_watch watches[SIGNALS_MAX];
	sigset_t watched;
	int signal_fd; /* -1: no signal is watched */
	struct tmf_fd_watch signal_watch;
	struct fd_watches fds; /* the signals' among them */
	bool stopped;
};

static struct signal_watch *
find_watch(struct tmf_loop *loop, int signo)
{
	for (size_t i = 0; i < SIGNALS_MAX; i++)
		if (loop->watches[i].signo == signo)
			return &loop->watches[i];
	return NULL;
}

static void
read_signals(struct tmf_fd_watch *fd, unsigned events)
{
	struct tmf_loop *loop =
	    (struct tmf_loop *)((char *)fd - offsetof(struct tmf_loop, signal_watch));
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		const struct signal_watch *watch = find_watch(loop, (int)info.ssi_signo);

		if (watch != NULL && watch->fn != NULL)
			watch->fn(watch->arg, watch->signo);
	}
}

struct tmf_loop *
tmf_loop_new(struct tmf_clock *clock)
{
	struct tmf_loop *loop = mem_zalloc(1, sizeof(*loop));

	loop->clock = clock != NULL ? clock : clock_system();
	loop->signal_fd = -1;
	loop->signal_watch =
	    (struct tmf_fd_watch){.ready = read_signals, .wanted = TMF_LOOP_FD_READ};
	fd_watches_init(&loop->fds);
	sigemptyset(&loop->watched);
	return loop;
}

void
tmf_loop_free(struct tmf_loop *loop)
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

struct tmf_clock *
tmf_loop_clock(const struct tmf_loop *loop)
{
	return loop->clock;
}

int64_t
tmf_loop_mono_ms(const struct tmf_loop *loop)
{
	return loop->clock->mono_ms(loop->clock);
}

void
tmf_loop_post(struct tmf_loop *loop, struct tmf_task *task)
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
tmf_loop_unpost(struct tmf_loop *loop, struct tmf_task *task)
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
tmf_loop_timer_arm(struct tmf_loop *loop, struct tmf_timer *timer, int64_t at_mono_ms)
{
	tmf_loop_timer_disarm(loop, timer);
	timer->at_mono_ms = at_mono_ms;
	timer_heap_add(&loop->timers, timer);
}

void
tmf_loop_timer_disarm(struct tmf_loop *loop, struct tmf_timer *timer)
{
	if (timer->heap_index != 0)
		timer_heap_remove(&loop->timers, timer);
}

int
tmf_loop_watch_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch, struct tmf_err *err)
{
	return fd_watches_add(&loop->fds, watch, err);
}

int
tmf_loop_rewatch_fd(
    struct tmf_loop *loop, struct tmf_fd_watch *watch, unsigned wanted, struct tmf_err *err)
{
	return fd_watches_change(&loop->fds, watch, wanted, err);
}

void
tmf_loop_unwatch_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch)
{
	fd_watches_remove(&loop->fds, watch);
}

int
tmf_loop_add_turn_hook(struct tmf_loop *loop, int (*fn)(void *arg, struct tmf_err *err), void *arg)
{
	assert(loop->hook_count < TMF_LOOP_TURN_HOOKS_MAX);
	loop->hooks[loop->hook_count++] = (struct turn_hook){fn, arg};
	return 0;
}

void
tmf_loop_remove_turn_hook(
    struct tmf_loop *loop, int (*fn)(void *arg, struct tmf_err *err), void *arg)
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
update_signal_fd(struct tmf_loop *loop, struct tmf_err *err)
{
	int fd = signalfd(loop->signal_fd, &loop->watched, SFD_NONBLOCK | SFD_CLOEXEC);

	if (fd < 0)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "signalfd: %s", strerror(errno));
	if (loop->signal_fd >= 0)
		return 0;
	loop->signal_fd = fd;
	loop->signal_watch.fd = fd;
	return fd_watches_add(&loop->fds, &loop->signal_watch, err);
}

int
tmf_loop_watch_signal(struct tmf_loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg,
    struct tmf_err *err)
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
run_timers(struct tmf_loop *loop)
{
	int64_t now_mono_ms = loop->clock->mono_ms(loop->clock);
	struct tmf_timer *timer;

	while (
	    (timer = timer_heap_first(&loop->timers)) != NULL && timer->at_mono_ms <= now_mono_ms) {
		timer_heap_remove(&loop->timers, timer);
		timer->fire(timer);
	}
}

static void
run_ready(struct tmf_loop *loop)
{
	for (unsigned i = 0; i < TMF_LOOP_READY_PER_TURN_MAX && loop->first != NULL; i++) {
		struct tmf_task *task = loop->first;

		tmf_loop_unpost(loop, task);
		task->run(task);
	}
}

static int
run_hooks(struct tmf_loop *loop, struct tmf_err *err)
{
	for (size_t i = 0; i < loop->hook_count; i++)
		if (loop->hooks[i].fn(loop->hooks[i].arg, err) < 0)
			return -1;
	return 0;
}

/* How long the poll may take: nothing while work is ready, else until the next timer. */
static int
poll_timeout_ms(const struct tmf_loop *loop)
{
	const struct tmf_timer *timer = timer_heap_first(&loop->timers);
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
jump_to_next_timer(struct tmf_loop *loop)
{
	const struct tmf_timer *timer = timer_heap_first(&loop->timers);
	int64_t left_ms;

	if (loop->clock->advance == NULL || loop->first != NULL || timer == NULL)
		return;
	left_ms = timer->at_mono_ms - loop->clock->mono_ms(loop->clock);
	if (left_ms > 0)
		loop->clock->advance(loop->clock, left_ms);
}

static int
wait_for_events(struct tmf_loop *loop, struct tmf_err *err)
{
	int ret = fd_watches_wait(&loop->fds, poll_timeout_ms(loop), err);

	jump_to_next_timer(loop);
	return ret;
}

/* Descriptors that somebody waits on; the signals do not keep a loop going. */
static bool
descriptors_watched(const struct tmf_loop *loop)
{
	return loop->fds.count > (loop->signal_fd >= 0 ? 1u : 0u);
}

static bool
idle(const struct tmf_loop *loop)
{
	return loop->first == NULL && timer_heap_first(&loop->timers) == NULL &&
	       !descriptors_watched(loop);
}

int
tmf_loop_run(struct tmf_loop *loop, struct tmf_err *err)
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
tmf_loop_stop(struct tmf_loop *loop)
{
	loop->stopped = true;
}
