#include "base/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Pieces are numbered. The signal's handler does nothing but compare numbers: a tick that finds the
 * number of the tick before adds to that piece's time. It stores *which* piece is overdue, so a
 * piece that ends at that very moment leaves nothing behind for the next one, and nothing has to be
 * reset or locked. The timer counts processor time, so it does not wake a process that waits.
 */

static struct {
	atomic_ulong piece;   /* at work; 0: none */
	atomic_ulong overdue; /* the piece that was found to be; 0: none yet */
	unsigned long begun;  /* pieces so far: the loop's thread only */
	unsigned long seen;   /* at the last tick: the handler only, as the next */
	unsigned ticks;
	bool started;
} watchdog;

/*
 * Somebody wants the process to end, and the piece does not let the loop hear it. The run is as
 * safe as after a kill: what was committed is resumed.
 */
static void
watchdog_let_signals_end(void)
{
	static const int signals[] = {SIGTERM, SIGINT};
	sigset_t pending;
	sigset_t one;

	if (sigpending(&pending) != 0)
		return;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigismember(&pending, signals[i]) != 1)
			continue;
		signal(signals[i], SIG_DFL);
		sigemptyset(&one);
		sigaddset(&one, signals[i]);
		pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	}
}

/* In a signal handler: nothing here but atomics and what signal-safety(7) allows. */
static void
watchdog_tick(int signo)
{
	static const char message[] =
	    "tmflow: one step holds the thread: aborted, resume goes on\n";
	unsigned long piece = atomic_load(&watchdog.piece);
	int saved_errno = errno;

	(void)signo;
	if (piece == 0 || piece != watchdog.seen) {
		watchdog.seen = piece;
		watchdog.ticks = 0;
		return;
	}
	if (++watchdog.ticks < WATCHDOG_TICKS_MAX)
		return;
	if (atomic_load(&watchdog.overdue) == piece)
		watchdog_let_signals_end(); /* it was a tick before, too: nobody looked */
	atomic_store(&watchdog.overdue, piece);
	if (watchdog.ticks >= WATCHDOG_TICKS_ABORT) {
		(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
		abort();
	}
	errno = saved_errno;
}

/* The clock of this thread and not of the process: a lookup in libcurl's thread does not count for
 * the loop's. */
int
watchdog_start(int tick_ms, struct tmf_err *err)
{
	struct sigaction action = {.sa_handler = watchdog_tick, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct timespec tick = {.tv_nsec = tick_ms * 1000000L};
	struct itimerspec every = {.it_interval = tick, .it_value = tick};
	timer_t timer;

	assert(tick_ms > 0 && tick_ms < 1000);
	if (watchdog.started)
		return 0;
	sigfillset(&action.sa_mask);
	if (sigaction(SIGRTMIN, &action, NULL) != 0 ||
	    timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0 ||
	    timer_settime(timer, 0, &every, NULL) != 0)
		return tmf_err_set(
		    err, TMF_ERR_SYSTEM, "cannot start the watchdog: %s", strerror(errno));
	watchdog.started = true;
	return 0;
}

/* Relaxed: the handler that reads it runs in some thread some time later, no data goes with it. */
void
watchdog_begin(void)
{
	atomic_store_explicit(&watchdog.piece, ++watchdog.begun, memory_order_relaxed);
}

void
watchdog_end(void)
{
	atomic_store_explicit(&watchdog.piece, 0, memory_order_relaxed);
}

bool
watchdog_overdue(void)
{
	unsigned long overdue = atomic_load_explicit(&watchdog.overdue, memory_order_relaxed);

	return overdue != 0 &&
	       overdue == atomic_load_explicit(&watchdog.piece, memory_order_relaxed);
}

int
watchdog_check(const char *what, struct tmf_err *err)
{
	if (!watchdog_overdue())
		return 0;
	return tmf_err_set(err, TMF_ERR_TIMEOUT,
	    "%s: ended, its step has used more than %d s of processor time", what,
	    WATCHDOG_TICKS_MAX * WATCHDOG_TICK_MS / 1000);
}

void
watchdog_expire(void)
{
	atomic_store(&watchdog.overdue, atomic_load(&watchdog.piece));
}
