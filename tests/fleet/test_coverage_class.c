#include "fleet/coverage/coverage_class.h"

#include "run_suite.h"

#include <check.h>
#include <string.h>

/* The names are a contract: documents of `coverage -o json` have them as keys. */
START_TEST(test_names)
{
	static const char *const names[] = {"mirrored", "shadowed", "dead", "missing", "excluded",
	    "ineligible", "unmatched", "foreign"};

	ck_assert_uint_eq(COVERAGE_CLASS_COUNT, sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++)
		ck_assert_str_eq(coverage_class_name((enum coverage_class)i), names[i]);
}
END_TEST

/* Only what a rule wants counts for the share, and all count for the whole. */
START_TEST(test_share)
{
	struct coverage_counts counts = {{0}};
	double share = -1;

	ck_assert(!coverage_counts_share(&counts, &share));
	for (size_t i = COVERAGE_EXCLUDED; i < COVERAGE_CLASS_COUNT; i++)
		coverage_counts_add(&counts, (enum coverage_class)i);
	ck_assert(!coverage_counts_share(&counts, &share));
	ck_assert_double_eq(share, -1);
	for (size_t i = COVERAGE_MIRRORED; i <= COVERAGE_MISSING; i++)
		coverage_counts_add(&counts, (enum coverage_class)i);
	ck_assert(coverage_counts_share(&counts, &share));
	ck_assert_double_eq(share, 0.25);
	ck_assert_uint_eq(coverage_counts_wanted(&counts), 4);
	ck_assert_uint_eq(coverage_counts_all(&counts), 8);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("coverage_class");
	TCase *tc = tcase_create("coverage_class");

	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_share);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
