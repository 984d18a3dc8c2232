/* OpenMetrics text: what a parser of somebody else's must find in it. */
#include "loop/histogram.h"
#include "run_suite.h"
#include "web/metrics/metrics_text.h"

#include <check.h>
#include <string.h>

START_TEST(durations_are_counted_in_the_step_they_fit)
{
	struct histogram one = {.count = 0};
	struct histogram two = {.count = 0};

	histogram_add(&one, -1);
	histogram_add(&one, histogram_bound_ms(0));
	histogram_add(&one, histogram_bound_ms(0) + 1);
	histogram_add(&two, histogram_bound_ms(HISTOGRAM_STEPS - 1) + 1);
	ck_assert_uint_eq(one.counts[0], 2);
	ck_assert_uint_eq(one.counts[1], 1);
	histogram_merge(&one, &two);
	ck_assert_uint_eq(one.counts[HISTOGRAM_STEPS], 1);
	ck_assert_uint_eq(one.count, 4);
	ck_assert_int_eq(one.sum_ms,
	    2 * histogram_bound_ms(0) + 1 + histogram_bound_ms(HISTOGRAM_STEPS - 1) + 1);
}
END_TEST

START_TEST(bounds_rise)
{
	for (unsigned step = 1; step < HISTOGRAM_STEPS; step++)
		ck_assert_int_gt(histogram_bound_ms(step), histogram_bound_ms(step - 1));
}
END_TEST

START_TEST(a_histogram_adds_up_and_ends_without_bound)
{
	struct histogram histogram = {.count = 0};
	struct buf out = {0};
	const char *text;

	histogram_add(&histogram, 3);
	histogram_add(&histogram, 20);
	metrics_text_histogram(&out, "d_seconds", "a=\"b\"", &histogram);
	text = buf_cstr(&out);
	ck_assert_ptr_nonnull(strstr(text, "d_seconds_bucket{a=\"b\",le=\"0.005\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "d_seconds_bucket{a=\"b\",le=\"0.025\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "d_seconds_bucket{a=\"b\",le=\"3600\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "d_seconds_bucket{a=\"b\",le=\"+Inf\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "d_seconds_count{a=\"b\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "d_seconds_sum{a=\"b\"} 0.023\n"));
	buf_fini(&out);
}
END_TEST

START_TEST(labels_are_escaped)
{
	struct buf out = {0};

	metrics_text_label(&out, ",", "rule", "a\"b\\c\nd");
	ck_assert_str_eq(buf_cstr(&out), ",rule=\"a\\\"b\\\\c\\nd\"");
	buf_fini(&out);
}
END_TEST

START_TEST(samples_without_labels_have_no_braces)
{
	struct buf out = {0};

	metrics_text_counter(&out, "n", "", 18446744073709551615u);
	metrics_text_gauge(&out, "g", "", 1768478283.456);
	ck_assert_str_eq(buf_cstr(&out), "n_total 18446744073709551615\ng 1768478283.456\n");
	buf_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics text");
	TCase *tests = tcase_create("metrics text");

	tcase_add_test(tests, durations_are_counted_in_the_step_they_fit);
	tcase_add_test(tests, bounds_rise);
	tcase_add_test(tests, a_histogram_adds_up_and_ends_without_bound);
	tcase_add_test(tests, labels_are_escaped);
	tcase_add_test(tests, samples_without_labels_have_no_braces);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
