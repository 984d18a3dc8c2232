#ifndef TMFLOW_TESTS_RUN_SUITE_H
#define TMFLOW_TESTS_RUN_SUITE_H

#include <check.h>

/* Runs a suite (taken) and gives what main returns. */
static inline int
run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/* Adds a case of these tests, each between set-up and tear-down in its own process. Returns the
 * case, for tests with a loop. */
static inline TCase *
suite_add_tests(Suite *suite, const char *name, SFun setup, SFun teardown,
    const TTest *const *tests, size_t count)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return tcase;
}

#endif
