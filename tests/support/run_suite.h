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

#endif
