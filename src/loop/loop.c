#include "tmflow/loop.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/watchdog.h"
#include "loop/fd_watches.h"
#include "loop/loop_internal.h"
#include "loop/timer_heap.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Everything that a program does happens in some turn of this loop, in one thread: so no lock, no
 * order to be proved, and a test on a fake clock that does the same in every run. What may block
 * (a name lookup, a program, the disk of a store) is either asked for without blocking or short.
 *
 * The order within a turn matters. Timers and tasks run until nothing is ready, which leaves the
 * branches of an execution in a state that may be written; the hooks then commit all of it at
 * once; only then the loop waits, and AWS is asked for nothing that the store does not know about.
 * A crash at any point finds the last commit.
 *
 * Each timer, task, hook and event is a piece of work to the watchdog. A turn takes no new tasks
 * once it has lasted for TURN_TASKS_MS_MAX, so that many pieces which are slow but not overdue
 * cannot keep signals, heartbeats and the network waiting either.
 */

#define TURN_TASKS_MS_MAX 250

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
	struct signal_watch signals[TMF_LOOP_SIGNALS_MAX];
	sigset_t signals_watched;
	struct tmf_fd_watch signal_fd; /* its fd is -1 until a signal is watched */
	struct fd_watches fds;	       /* the signals' among them */
	pid_t *unreaped;	       /* processes that were killed and have not ended yet */
	size_t unreaped_count;
	bool stopped;
};

static struct signal_watch *
signal_find(struct tmf_loop *loop, int signo)
{
	for (size_t i = 0; i < TMF_LOOP_SIGNALS_MAX; i++)
		if (loop->signals[i].signo == signo)
			return &loop->signals[i];
	return NULL;
}

/* By signalfd: a handler of the usual kind may call almost nothing, and these call the engine. Two
 * of a kind that come before the first is read are one, as everywhere. */
static void
signal_fd_ready(struct tmf_fd_watch *fd, unsigned events)
{
	struct tmf_loop *loop =
	    (struct tmf_loop *)((char *)fd - offsetof(struct tmf_loop, signal_fd));
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		const struct signal_watch *watch = signal_find(loop, (int)info.ssi_signo);

		if (watch != NULL && watch->fn != NULL)
			watch->fn(watch->arg, watch->signo);
	}
}

struct tmf_loop *
tmf_loop_new(struct tmf_clock *clock)
{
	struct tmf_loop *loop = mem_zalloc(1, sizeof(*loop));

	loop->clock = clock != NULL ? clock : clock_system();
	loop->signal_fd =
	    (struct tmf_fd_watch){.ready = signal_fd_ready, .fd = -1, .wanted = TMF_LOOP_FD_READ};
	fd_watches_init(&loop->fds);
	sigemptyset(&loop->signals_watched);
	return loop;
}

/* Asks without waiting: a process that was killed ends soon, but one that hangs in the kernel (on a
 * network file system, say) may take minutes. */
static void
loop_reap_ended(struct tmf_loop *loop)
{
	size_t left = 0;

	for (size_t i = 0; i < loop->unreaped_count; i++)
		if (waitpid(loop->unreaped[i], NULL, WNOHANG) == 0)
			loop->unreaped[left++] = loop->unreaped[i];
	loop->unreaped_count = left;
}

/* Asked for at once, too: most have ended by then. */
void
loop_reap(struct tmf_loop *loop, pid_t pid)
{
	assert(pid > 0);
	loop->unreaped =
	    mem_resize(loop->unreaped, loop->unreaped_count + 1, sizeof(*loop->unreaped));
	loop->unreaped[loop->unreaped_count++] = pid;
	loop_reap_ended(loop);
}

void
tmf_loop_free(struct tmf_loop *loop)
{
	if (loop == NULL)
		return;
	loop_reap_ended(loop); /* what is left then becomes init's when this process ends */
	free(loop->unreaped);
	fd_watches_fini(&loop->fds);
	if (loop->signal_fd.fd >= 0)
		close(loop->signal_fd.fd);
	timer_heap_fini(&loop->timers);
	free(loop);
}

/* Callers ask the loop for the time, so that a test's clock holds for all of them. */
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

/* At the end of a list that runs through the tasks themselves: posting allocates nothing,
 * and order is that of posting. A task that is posted already stays where it is, so it runs
 * once. */
void
tmf_loop_post(struct tmf_loop *loop, struct tmf_task *task)
{
	assert(task->run != NULL);
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

/* So that an owner can be freed while its task is posted. Allowed for a task that is not
 * posted: an owner need not keep count. */
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
	assert(timer->fire != NULL);
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

void
tmf_loop_unwatch_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch)
{
	fd_watches_remove(&loop->fds, watch);
}

void
loop_forget_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch)
{
	fd_watches_forget(&loop->fds, watch);
}

void
tmf_loop_add_turn_hook(struct tmf_loop *loop, int (*fn)(void *arg, struct tmf_err *err), void *arg)
{
	assert(fn != NULL && loop->hook_count < TMF_LOOP_TURN_HOOKS_MAX);
	loop->hooks[loop->hook_count++] = (struct turn_hook){fn, arg};
}

/* In place, since the order of the others is a promise: the store commits before held-back calls
 * start. */
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

/* Blocked, so that it waits for the signalfd; the mask is changed last, when there is somebody to
 * read it. */
int
tmf_loop_watch_signal(struct tmf_loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg,
    struct tmf_err *err)
{
	struct signal_watch *watch = signal_find(loop, signo);
	sigset_t one;
	int fd;

	assert(signo > 0);
	if (watch == NULL)
		watch = signal_find(loop, 0);
	assert(watch != NULL && "TMF_LOOP_SIGNALS_MAX is too small");
	*watch = (struct signal_watch){fn != NULL ? signo : 0, fn, arg};
	if (fn != NULL)
		sigaddset(&loop->signals_watched, signo);
	else
		sigdelset(&loop->signals_watched, signo);
	fd = signalfd(loop->signal_fd.fd, &loop->signals_watched, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "signalfd: %s", strerror(errno));
	if (loop->signal_fd.fd < 0) {
		loop->signal_fd.fd = fd;
		if (fd_watches_add(&loop->fds, &loop->signal_fd, err) < 0)
			return -1;
	}
	sigemptyset(&one);
	sigaddset(&one, signo);
	pthread_sigmask(fn != NULL ? SIG_BLOCK : SIG_UNBLOCK, &one, NULL);
	return 0;
}

/* Timers first: they post tasks, which then run in the same turn. The hooks come last, so that all
 * the writes of a turn are one commit. */
static int
turn_work(struct tmf_loop *loop, struct tmf_err *err)
{
	int64_t now_mono_ms = loop->clock->mono_ms(loop->clock);
	struct tmf_timer *timer;
	size_t i = 0;

	if (loop->unreaped_count > 0)
		loop_reap_ended(loop);
	while (
	    (timer = timer_heap_first(&loop->timers)) != NULL && timer->at_mono_ms <= now_mono_ms) {
		timer_heap_remove(&loop->timers, timer);
		watchdog_begin();
		timer->fire(timer);
	}
	/* Bounded: tasks that post tasks must not keep signals and the network waiting. */
	for (unsigned ran = 0; ran < TMF_LOOP_READY_PER_TURN_MAX && loop->first != NULL; ran++) {
		struct tmf_task *task = loop->first;

		tmf_loop_unpost(loop, task);
		watchdog_begin();
		task->run(task);
		if (loop->clock->mono_ms(loop->clock) - now_mono_ms > TURN_TASKS_MS_MAX)
			break;
	}
	for (; i < loop->hook_count; i++) {
		watchdog_begin();
		if (loop->hooks[i].fn(loop->hooks[i].arg, err) < 0)
			break;
	}
	watchdog_end();
	return i < loop->hook_count ? -1 : 0;
}

/* On a fake clock never wait: the time that would pass is jumped over. */
int
tmf_loop_timeout_ms(const struct tmf_loop *loop)
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
turn_jump_to_timer(struct tmf_loop *loop)
{
	const struct tmf_timer *timer = timer_heap_first(&loop->timers);
	int64_t left_ms;

	if (loop->clock->advance == NULL || loop->first != NULL || timer == NULL)
		return;
	left_ms = timer->at_mono_ms - loop->clock->mono_ms(loop->clock);
	if (left_ms > 0)
		loop->clock->advance(loop->clock, left_ms);
}

/* At most timeout_ms; -1: until the loop has something to do. */
static int
turn_wait(struct tmf_loop *loop, int timeout_ms, struct tmf_err *err)
{
	int own_ms = tmf_loop_timeout_ms(loop);
	int ret;

	assert(timeout_ms >= -1);
	if (timeout_ms < 0 || (own_ms >= 0 && own_ms < timeout_ms))
		timeout_ms = own_ms;
	ret = fd_watches_wait(&loop->fds, timeout_ms, err);
	watchdog_end();
	turn_jump_to_timer(loop);
	return ret;
}

/* The signals do not keep a loop going: else a program that watches SIGTERM would never end by
 * itself. */
static bool
loop_is_idle(const struct tmf_loop *loop)
{
	return loop->first == NULL && timer_heap_first(&loop->timers) == NULL &&
	       loop->fds.count == (loop->signal_fd.fd >= 0 ? 1u : 0u);
}

int
tmf_loop_run(struct tmf_loop *loop, struct tmf_err *err)
{
	loop->stopped = false;
	while (!loop->stopped) {
		if (turn_work(loop, err) < 0)
			return -1;
		if (loop->stopped || loop_is_idle(loop))
			break;
		if (turn_wait(loop, -1, err) < 0)
			return -1;
	}
	return 0;
}

void
tmf_loop_stop(struct tmf_loop *loop)
{
	loop->stopped = true;
}

int
tmf_loop_fd(struct tmf_loop *loop, struct tmf_err *err)
{
	return fd_watches_fd(&loop->fds, err);
}

/* Waits first, since a host calls it when the descriptor can be read: what has come is then handled
 * in this turn and not the next, and the host finds its writes committed when it returns. */
int
tmf_loop_turn(struct tmf_loop *loop, int timeout_ms, struct tmf_err *err)
{
	loop->stopped = false;
	if (turn_wait(loop, loop_is_idle(loop) ? 0 : timeout_ms, err) < 0)
		return -1;
	if (!loop->stopped && turn_work(loop, err) < 0)
		return -1;
	return !loop->stopped && !loop_is_idle(loop);
}
