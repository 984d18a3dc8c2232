/* The watchdog, with ticks of a few milliseconds. */

#include "base/watchdog.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#define TICK_MS 2

/* Bounded, so that a watchdog that does not bark fails the test and does not hang it. */
#define TURNS_MAX 20000000000u

/* Until the piece that is at work is overdue; false if it never is. */
static bool
busy_until_overdue(void)
{
	for (volatile unsigned long i = 0; i < TURNS_MAX; i++)
		if (watchdog_overdue())
			return true;
	return false;
}

START_TEST(one_piece_is_overdue_and_the_next_is_not)
{
	struct tmf_err err = {0};

	ck_assert_int_eq(watchdog_start(TICK_MS, &err), 0);
	watchdog_begin();
	ck_assert_int_eq(watchdog_check("a path", &err), 0);
	ck_assert(busy_until_overdue());
	ck_assert_int_eq(watchdog_check("a path", &err), -1);
	ck_assert_str_eq(err.name, "TMFlow.Timeout");
	ck_assert_str_eq(
	    tmf_err_text(&err), "a path: ended, its step has used more than 5 s of processor time");
	watchdog_begin();
	ck_assert(!watchdog_overdue());
	ck_assert(busy_until_overdue());
	watchdog_end();
	ck_assert(!watchdog_overdue());
	tmf_err_fini(&err);
}
END_TEST

/* A signal that the loop would have read from its descriptor ends a piece that never asks. */
START_TEST(a_pending_signal_ends_a_piece_that_does_not_ask)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	raise(SIGTERM);
	ck_assert_int_eq(watchdog_start(TICK_MS, NULL), 0);
	watchdog_begin();
	for (volatile unsigned long i = 0; i < TURNS_MAX; i++)
		;
}
END_TEST

START_TEST(what_never_asks_is_aborted)
{
	ck_assert_int_eq(watchdog_start(TICK_MS, NULL), 0);
	watchdog_begin();
	for (volatile unsigned long i = 0; i < TURNS_MAX; i++)
		;
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("watchdog");
	TCase *tests = tcase_create("watchdog");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, one_piece_is_overdue_and_the_next_is_not);
	tcase_add_test_raise_signal(
	    tests, a_pending_signal_ends_a_piece_that_does_not_ask, SIGTERM);
	tcase_add_test_raise_signal(tests, what_never_asks_is_aborted, SIGABRT);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
