/* Other programs on a real loop: their output, their end, and what stops them. */
#include "base/jsonx.h"
#include "loop/process.h"

#include "base/clock.h"
#include "run_suite.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tmf_loop *loop;
static json_t *result;
static struct tmf_err fault;
static int completions;

static bool testing; /* not so in the parent, where Check waits for the tests */
static int hanging;  /* this many times waitpid is to find that the process has not ended */

/* Instead of the C library's: the loop must never block in it, also not for a process that was
 * killed and hangs. */
pid_t
waitpid(pid_t pid, int *ret_status, int options)
{
	if (testing)
		ck_assert_int_eq(options, WNOHANG);
	if (hanging > 0) {
		hanging--;
		return 0;
	}
	return wait4(pid, ret_status, options, NULL);
}

static void
set_up(void)
{
	loop = tmf_loop_new(clock_system());
	completions = 0;
	testing = true;
}

static void
tear_down(void)
{
	tmf_loop_free(loop);
	json_decref(result);
	result = NULL;
	tmf_err_fini(&fault);
}

static void
completed(void *arg, struct tmf_call *call)
{
	(void)arg;
	completions++;
	json_decref(result);
	result = tmf_call_take_result(call);
	tmf_err_move(&fault, &call->err);
}

static struct tmf_call *
start_shell(const char *script, size_t output_bytes_max)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct process_opts opts = {
	    .argv = argv, .timeout_ms = 60000, .output_bytes_max = output_bytes_max};

	return process_run(loop, &opts);
}

static void
run_shell(const char *script, size_t output_bytes_max)
{
	struct tmf_err err = {0};

	tmf_call_on_done(start_shell(script, output_bytes_max), completed, NULL);
	ck_assert_int_eq(completions, 0);
	ck_assert_msg(tmf_loop_run(loop, &err) == 0, "%s", tmf_err_text(&err));
	ck_assert_int_eq(completions, 1);
	completions = 0;
}

START_TEST(output_and_status)
{
	run_shell("printf 'a\\nb'", 100);
	ck_assert_str_eq(jsonx_get_string(result, "Output"), "a\nb");
	run_shell("echo not-this >&2; read x || echo nothing-to-read", 100);
	ck_assert_str_eq(jsonx_get_string(result, "Output"), "nothing-to-read\n");
	run_shell("i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done", 22000);
	ck_assert_uint_eq(strlen(jsonx_get_string(result, "Output")), 22000);
	/* The last line that it complains with, however much came before. */
	run_shell("seq 20000 >&2; printf 'the sign-in\\nhas \\377ended\\n\\n' >&2; exit 3", 100);
	ck_assert_str_eq(tmf_err_text(&fault), "sh ended with status 3: has \xef\xbf\xbd"
					       "ended");
	run_shell("head -c 1000 /dev/zero | tr '\\0' x >&2; exit 1", 100);
	ck_assert_uint_eq(strlen(tmf_err_text(&fault)),
	    strlen("sh ended with status 1: ") + PROCESS_REASON_BYTES_MAX);
	/* Its output closed early, its end later. */
	run_shell("exec >&-; exit 7", 100);
	ck_assert_ptr_null(result);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&fault), "status 7"));
	run_shell("printf '\\377'", 100);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&fault), "UTF-8"));
	run_shell("echo 12345", 5);
	ck_assert_int_eq(fault.code, TMF_ERR_LIMIT);
}
END_TEST

/* Signals that we hold back or ignore are as usual there. */
START_TEST(signals_are_its_own)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGTERM, SIG_IGN);
	run_shell("kill -TERM $$; echo survived", 100);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&fault), "signal 15"));
}
END_TEST

/* Stopped with what it started: the pipe that both hold comes to its end. */
START_TEST(cancelled_with_all_it_started)
{
	char *script;
	struct tmf_call *call;
	char byte;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_gt(asprintf(&script, "sleep 1000 & sleep 1000"), 0);
	call = start_shell(script, 100);
	tmf_call_on_done(call, completed, NULL);
	close(ends[1]);
	tmf_call_cancel(call);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	ck_assert_int_eq(completions, 0);
	close(ends[0]);
	free(script);
}
END_TEST

/* Nobody waits for one that hangs, and it is no zombie once it has ended: the next turns ask for
 * it. */
START_TEST(killed_ones_are_reaped_later)
{
	struct tmf_err err = {0};
	siginfo_t info;
	struct tmf_call *call = start_shell("sleep 1000", 100);

	tmf_call_on_done(call, completed, NULL);
	hanging = 2;
	tmf_call_cancel(call);
	ck_assert_int_eq(hanging, 1);
	ck_assert_int_eq(tmf_loop_turn(loop, -1, &err), 0);
	ck_assert_int_eq(hanging, 0);
	/* It has ended, and is still there to be reaped. */
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(tmf_loop_turn(loop, -1, &err), 0);
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), -1);
}
END_TEST

START_TEST(programs_that_cannot_start)
{
	const char *const argv[] = {"/nonexistent/program", NULL};
	const struct process_opts opts = {.argv = argv, .timeout_ms = 1000, .output_bytes_max = 10};
	struct tmf_err err = {0};

	tmf_call_on_done(process_run(loop, &opts), completed, NULL);
	ck_assert_int_eq(completions, 0);
	ck_assert_int_eq(tmf_loop_run(loop, &err), 0);
	ck_assert_int_eq(fault.code, TMF_ERR_SYSTEM);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&fault), "/nonexistent/program"));
}
END_TEST

/* --- calls one after another --- */

struct frame {
	int steps;
	int *freed;
};

static struct tmf_call *
count_step(void *arg, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct frame *frame = arg;
	json_t *value = tmf_call_take_result(over);

	if (value == NULL) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	if (++frame->steps < 3)
		return tmf_call_of_result(over->loop, value);
	*ret_result = value;
	return NULL;
}

static void
free_frame(void *arg)
{
	++*((struct frame *)arg)->freed;
}

START_TEST(calls_in_sequence)
{
	int freed = 0;
	struct frame frame = {0, &freed};
	struct tmf_err err = {0};
	struct tmf_call *call;

	call = tmf_call_sequence(
	    tmf_call_of_result(loop, json_integer(7)), count_step, &frame, free_frame);
	tmf_call_on_done(call, completed, NULL);
	ck_assert_int_eq(tmf_loop_run(loop, &err), 0);
	ck_assert_int_eq(json_integer_value(result), 7);
	ck_assert_int_eq(frame.steps, 3);
	ck_assert_int_eq(freed, 1);

	tmf_err_set(&err, TMF_ERR_INVALID, "no");
	call = tmf_call_sequence(tmf_call_of_err(loop, &err), count_step, &frame, free_frame);
	tmf_call_on_done(call, completed, NULL);
	ck_assert_int_eq(tmf_loop_run(loop, &err), 0);
	ck_assert_str_eq(tmf_err_text(&fault), "no");
	ck_assert_int_eq(freed, 2);

	call = tmf_call_sequence(
	    tmf_call_of_result(loop, json_integer(7)), count_step, &frame, free_frame);
	tmf_call_cancel(call);
	ck_assert_int_eq(tmf_loop_run(loop, &err), 0);
	ck_assert_int_eq(freed, 3);
	ck_assert_int_eq(completions, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("process");
	TCase *tests = tcase_create("process");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, output_and_status);
	tcase_add_test(tests, signals_are_its_own);
	tcase_add_test(tests, cancelled_with_all_it_started);
	tcase_add_test(tests, killed_ones_are_reaped_later);
	tcase_add_test(tests, programs_that_cannot_start);
	tcase_add_test(tests, calls_in_sequence);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
