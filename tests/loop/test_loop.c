/* The loop on a fake clock: timers in order, tasks, hooks, idleness; calls that complete once or
 * are cancelled; signals. */
#include "base/mem.h"
#include "tmflow/call.h"

#include "base/clock.h"
#include "run_suite.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fake_clock fake;
static struct tmf_loop *loop;
static char order[256];

static void
set_up(void)
{
	fake_clock_init(&fake, 1000000);
	loop = tmf_loop_new(&fake.clock);
	order[0] = '\0';
}

static void
tear_down(void)
{
	tmf_loop_free(loop);
}

static void
note(const char *what)
{
	ck_assert_uint_lt(strlen(order) + strlen(what), sizeof(order));
	strcat(order, what);
}

static void
run(void)
{
	struct tmf_err err = {0};

	ck_assert_msg(tmf_loop_run(loop, &err) == 0, "%s", tmf_err_text(&err));
}

/* --- timers --- */

struct named_timer {
	struct tmf_timer timer;
	char name[4];
};

static void
fired(struct tmf_timer *timer)
{
	note(((struct named_timer *)timer)->name);
}

START_TEST(timers_fire_in_order)
{
	static const int at_ms[] = {50, 10, 40, 10, 30, 20, 60};
	struct named_timer timers[7];

	for (int i = 0; i < 7; i++) {
		timers[i] =
		    (struct named_timer){.timer = {.fire = fired}, .name = {(char)('a' + i)}};
		tmf_loop_timer_arm(loop, &timers[i].timer, at_ms[i]);
	}
	tmf_loop_timer_disarm(loop, &timers[2].timer);
	tmf_loop_timer_disarm(loop, &timers[2].timer); /* twice is fine */
	tmf_loop_timer_arm(loop, &timers[0].timer, 5); /* re-armed, earlier */
	run();
	ck_assert(strcmp(order, "abdfeg") == 0 || strcmp(order, "adbfeg") == 0);
	ck_assert_int_eq(fake.now_mono_ms, 60); /* nobody slept */
}
END_TEST

/* Many timers, armed and disarmed at random, against a plain look for the minimum. */
START_TEST(timer_heap_holds_its_order)
{
	enum { COUNT = 200 };
	struct named_timer timers[COUNT];
	unsigned state = 1;
	int64_t armed[COUNT];
	int expected = 0;

	for (int i = 0; i < COUNT; i++) {
		timers[i] = (struct named_timer){.timer = {.fire = fired}, .name = {'.'}};
		armed[i] = -1;
	}
	for (int step = 0; step < 5000; step++) {
		int i = (int)((state = state * 1103515245u + 12345u) >> 16) % COUNT;

		if ((state & 0x8000) != 0) {
			armed[i] = (int64_t)(state >> 20);
			tmf_loop_timer_arm(loop, &timers[i].timer, armed[i]);
		} else {
			armed[i] = -1;
			tmf_loop_timer_disarm(loop, &timers[i].timer);
		}
	}
	int64_t last = 0;
	for (int i = 0; i < COUNT; i++) {
		expected += armed[i] >= 0;
		last = armed[i] > last ? armed[i] : last;
	}
	run();
	ck_assert_int_eq((int)strlen(order), expected);
	ck_assert_int_eq(fake.now_mono_ms, last);
}
END_TEST

/* --- tasks and hooks --- */

static int again_left;

static void
task_again(struct tmf_task *task)
{
	note("t");
	if (--again_left > 0)
		tmf_loop_post(loop, task);
}

static int
hook(void *arg, struct tmf_err *err)
{
	(void)err;
	note(arg);
	return 0;
}

static int
failing_hook(void *arg, struct tmf_err *err)
{
	(void)arg;
	return tmf_err_set(err, TMF_ERR_STORE, "disk full");
}

START_TEST(tasks_run_before_hooks)
{
	struct tmf_task task = {.run = task_again};
	char a[] = "A";
	char b[] = "B";

	again_left = 3;
	tmf_loop_post(loop, &task);
	tmf_loop_post(loop, &task); /* is there already */
	tmf_loop_add_turn_hook(loop, hook, a);
	tmf_loop_add_turn_hook(loop, hook, b);
	run();
	ck_assert_str_eq(order, "tttAB");
	tmf_loop_remove_turn_hook(loop, hook, a);
	tmf_loop_post(loop, &task);
	tmf_loop_unpost(loop, &task);
	run();
	ck_assert_str_eq(order, "tttABB");
}
END_TEST

START_TEST(a_failing_hook_ends_the_loop)
{
	struct tmf_err err = {0};

	tmf_loop_add_turn_hook(loop, failing_hook, NULL);
	ck_assert_int_eq(tmf_loop_run(loop, &err), -1);
	ck_assert_str_eq(tmf_err_text(&err), "disk full");
	tmf_err_fini(&err);
}
END_TEST

static int runs;
static int turns;

static void
count_run(struct tmf_task *task)
{
	if (++runs < 3 * (int)TMF_LOOP_READY_PER_TURN_MAX)
		tmf_loop_post(loop, task);
}

static int
count_turn(void *arg, struct tmf_err *err)
{
	(void)arg;
	(void)err;
	turns++;
	return 0;
}

START_TEST(a_turn_is_bounded)
{
	struct tmf_task task = {.run = count_run};

	tmf_loop_add_turn_hook(loop, count_turn, NULL);
	tmf_loop_post(loop, &task);
	run();
	ck_assert_int_eq(turns, 3);
}
END_TEST

/* --- signals --- */

static void
on_signal(void *arg, int signo)
{
	(void)arg;
	note(signo == SIGUSR1 ? "u" : "?");
	tmf_loop_stop(loop);
}

START_TEST(signals_come_through_the_loop)
{
	struct named_timer timer = {.timer = {.fire = fired}, .name = "x"};
	struct tmf_err err = {0};

	ck_assert_int_eq(tmf_loop_watch_signal(loop, SIGUSR1, on_signal, NULL, &err), 0);
	raise(SIGUSR1);
	ck_assert_str_eq(order, ""); /* not from the handler */
	tmf_loop_timer_arm(loop, &timer.timer, 1000000);
	run();
	ck_assert_str_eq(order, "u");
	tmf_loop_timer_disarm(loop, &timer.timer);
}
END_TEST

static bool
is_pending(int signo)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, signo) == 1;
}

/* A program writes its last report after the loop is gone: a SIGTERM by then must not end it in
 * the middle of that. */
START_TEST(a_signal_after_the_loop_waits)
{
	struct tmf_err err = {0};

	ck_assert_int_eq(tmf_loop_watch_signal(loop, SIGTERM, on_signal, NULL, &err), 0);
	tmf_loop_free(loop);
	loop = NULL;
	raise(SIGTERM);
	ck_assert(is_pending(SIGTERM));
	ck_assert_str_eq(order, "");
}
END_TEST

static void
usual_handler(int signo)
{
	(void)signo;
	note("h");
}

START_TEST(a_signal_can_be_let_in_again)
{
	struct tmf_err err = {0};

	signal(SIGUSR1, usual_handler);
	ck_assert_int_eq(tmf_loop_watch_signal(loop, SIGUSR1, on_signal, NULL, &err), 0);
	raise(SIGUSR1);
	ck_assert_str_eq(order, "");
	ck_assert_int_eq(tmf_loop_watch_signal(loop, SIGUSR1, NULL, NULL, &err), 0);
	ck_assert_str_eq(order, "h");
}
END_TEST

/* --- calls --- */

static void
call_done(void *arg, struct tmf_call *call)
{
	json_t *result = tmf_call_take_result(call);

	(void)arg;
	note(result != NULL ? "r" : "e");
	if (result == NULL)
		ck_assert_str_eq(tmf_err_text(&call->err), "no");
	json_decref(result);
}

START_TEST(calls_complete_once_and_later)
{
	struct tmf_err err = {0};

	tmf_call_on_done(tmf_call_of_result(loop, json_true()), call_done, NULL);
	tmf_err_set(&err, TMF_ERR_TRANSPORT, "no");
	tmf_call_on_done(tmf_call_of_err(loop, &err), call_done, NULL);
	ck_assert_str_eq(order, "");
	run();
	ck_assert_str_eq(order, "re");
}
END_TEST

static int cancels;

static void
count_cancel(struct tmf_call *call)
{
	(void)call;
	cancels++;
}

START_TEST(cancelled_calls_say_nothing)
{
	static const struct tmf_call_ops ops = {.cancel = count_cancel};
	struct tmf_call *pending = mem_zalloc(1, sizeof(*pending));
	struct tmf_call *complete = tmf_call_of_result(loop, json_object());

	tmf_call_init(pending, &ops, loop);
	tmf_call_on_done(pending, call_done, NULL);
	tmf_call_on_done(complete, call_done, NULL);
	tmf_call_cancel(pending);
	tmf_call_cancel(complete); /* completed, not yet delivered */
	tmf_call_cancel(NULL);
	run();
	ck_assert_str_eq(order, "");
	ck_assert_int_eq(cancels, 1);
}
END_TEST

/* --- descriptors --- */

static struct tmf_fd_watch watches[2];

/* Both are ready: whoever hears of it first takes the other off, and then itself. */
static void
take_both_off(struct tmf_fd_watch *watch, unsigned events)
{
	ck_assert_uint_eq(events, TMF_LOOP_FD_READ);
	note("r");
	tmf_loop_unwatch_fd(loop, watch == &watches[0] ? &watches[1] : &watches[0]);
	tmf_loop_unwatch_fd(loop, watch);
}

START_TEST(a_watch_that_is_off_says_nothing)
{
	struct tmf_err err = {0};
	int ends[2][2];

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe(ends[i]), 0);
		ck_assert_int_eq(write(ends[i][1], "x", 1), 1);
		watches[i] = (struct tmf_fd_watch){
		    .ready = take_both_off, .fd = ends[i][0], .wanted = TMF_LOOP_FD_READ};
		ck_assert_int_eq(tmf_loop_watch_fd(loop, &watches[i], &err), 0);
	}
	run();
	ck_assert_str_eq(order, "r");
	for (int i = 0; i < 4; i++)
		close(ends[i / 2][i % 2]);
}
END_TEST

/* First to read; once there is something, to write. */
static void
turn_round(struct tmf_fd_watch *watch, unsigned events)
{
	struct tmf_err err = {0};

	note((events & TMF_LOOP_FD_READ) != 0 ? "r" : "");
	note((events & TMF_LOOP_FD_WRITE) != 0 ? "w" : "");
	tmf_loop_unwatch_fd(loop, watch);
	watch->wanted = TMF_LOOP_FD_WRITE;
	if (events == TMF_LOOP_FD_READ)
		ck_assert_int_eq(tmf_loop_watch_fd(loop, watch, &err), 0);
}

START_TEST(a_watch_waits_for_what_is_wanted)
{
	struct tmf_err err = {0};
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	watches[0] =
	    (struct tmf_fd_watch){.ready = turn_round, .fd = ends[0], .wanted = TMF_LOOP_FD_READ};
	ck_assert_int_eq(tmf_loop_watch_fd(loop, &watches[0], &err), 0);
	run();
	ck_assert_str_eq(order, "rw");
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* --- a host's own loop --- */

static void
read_byte(struct tmf_fd_watch *watch, unsigned events)
{
	char byte;

	ck_assert_uint_eq(events, TMF_LOOP_FD_READ);
	ck_assert_int_eq(read(watch->fd, &byte, 1), 1);
	note((char[]){byte, '\0'});
	if (byte == '.')
		tmf_loop_unwatch_fd(loop, watch);
}

/* Timers, posted tasks, descriptors and signals of a loop that poll(2) of the host drives; the
 * host's own descriptor stands beside it. The pipe is written to by the timer, so that each kind
 * wakes the host in its turn. */
struct host_timer {
	struct tmf_timer timer;
	int write_fd;
	struct tmf_task task;
};

static void
host_task(struct tmf_task *task)
{
	const struct host_timer *host =
	    (struct host_timer *)((char *)task - offsetof(struct host_timer, task));

	note("p");
	ck_assert_int_eq(write(host->write_fd, "a", 1), 1);
}

static void
host_timer_fired(struct tmf_timer *timer)
{
	struct host_timer *host = (struct host_timer *)timer;

	note("t");
	tmf_loop_post(loop, &host->task);
}

static void
on_host_signal(void *arg, int signo)
{
	ck_assert_int_eq(signo, SIGUSR1);
	note("s");
	ck_assert_int_eq(write(*(int *)arg, ".", 1), 1);
}

START_TEST(a_host_drives_the_loop)
{
	struct host_timer host = {.timer.fire = host_timer_fired, .task.run = host_task};
	struct tmf_err err = {0};
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	int ends[2], own[2], host_bytes = 0, more;

	tmf_loop_free(loop);
	loop = tmf_loop_new(NULL); /* the system's clock */
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(pipe(own), 0);
	ck_assert_int_eq(tmf_loop_timeout_ms(loop), -1);
	ck_assert_int_eq(tmf_loop_turn(loop, -1, &err), 0); /* idle: does not wait */
	fds[0].fd = tmf_loop_fd(loop, &err);
	ck_assert_int_ge(fds[0].fd, 0);
	ck_assert_int_eq(tmf_loop_fd(loop, &err), fds[0].fd);
	fds[1].fd = own[0];
	ck_assert_int_eq(write(own[1], "x", 1), 1);
	host.write_fd = ends[1];
	watches[0] =
	    (struct tmf_fd_watch){.ready = read_byte, .fd = ends[0], .wanted = TMF_LOOP_FD_READ};
	ck_assert_int_eq(tmf_loop_watch_fd(loop, &watches[0], &err), 0);
	ck_assert_int_eq(tmf_loop_watch_signal(loop, SIGUSR1, on_host_signal, &ends[1], &err), 0);
	ck_assert_int_eq(tmf_loop_timeout_ms(loop), -1);
	tmf_loop_timer_arm(
	    loop, &host.timer, tmf_loop_clock(loop)->mono_ms(tmf_loop_clock(loop)) + 20);
	ck_assert_int_ge(tmf_loop_timeout_ms(loop), 0);
	ck_assert_int_le(tmf_loop_timeout_ms(loop), 20);
	do {
		char byte;

		poll(fds, 2, tmf_loop_timeout_ms(loop));
		if (fds[1].revents != 0)
			host_bytes += (int)read(own[0], &byte, 1);
		more = tmf_loop_turn(loop, 0, &err);
		if (strcmp(order, "tpa") == 0)
			raise(SIGUSR1);
	} while (more > 0);
	ck_assert_msg(more == 0, "%s", tmf_err_text(&err));
	ck_assert_str_eq(order, "tpas.");
	ck_assert_int_eq(host_bytes, 1);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(own[i]);
	}
}
END_TEST

/* A turn that waits by itself ends with the next timer, however long the caller would wait; a
 * post makes it due. */
START_TEST(a_turn_ends_with_the_next_timer)
{
	struct named_timer timer = {.timer = {.fire = fired}, .name = "x"};
	struct tmf_task task = {.run = count_run};
	struct tmf_err err = {0};

	tmf_loop_free(loop);
	loop = tmf_loop_new(NULL);
	tmf_loop_timer_arm(
	    loop, &timer.timer, tmf_loop_clock(loop)->mono_ms(tmf_loop_clock(loop)) + 5);
	while (tmf_loop_turn(loop, -1, &err) > 0)
		;
	ck_assert_str_eq(order, "x");
	runs = 3 * (int)TMF_LOOP_READY_PER_TURN_MAX;
	tmf_loop_post(loop, &task);
	ck_assert_int_eq(tmf_loop_timeout_ms(loop), 0);
	ck_assert_int_eq(tmf_loop_turn(loop, -1, &err), 0);
	tmf_loop_add_turn_hook(loop, failing_hook, NULL);
	ck_assert_int_eq(tmf_loop_turn(loop, 0, &err), -1);
	tmf_err_fini(&err);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("loop");
	TCase *tests = tcase_create("loop");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, timers_fire_in_order);
	tcase_add_test(tests, timer_heap_holds_its_order);
	tcase_add_test(tests, tasks_run_before_hooks);
	tcase_add_test(tests, a_failing_hook_ends_the_loop);
	tcase_add_test(tests, a_turn_is_bounded);
	tcase_add_test(tests, signals_come_through_the_loop);
	tcase_add_test(tests, a_signal_after_the_loop_waits);
	tcase_add_test(tests, a_signal_can_be_let_in_again);
	tcase_add_test(tests, calls_complete_once_and_later);
	tcase_add_test(tests, cancelled_calls_say_nothing);
	tcase_add_test(tests, a_watch_that_is_off_says_nothing);
	tcase_add_test(tests, a_watch_waits_for_what_is_wanted);
	tcase_add_test(tests, a_host_drives_the_loop);
	tcase_add_test(tests, a_turn_ends_with_the_next_timer);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
