#include "web/timeline.h"

#include "base/jsonx.h"
#include "run_suite.h"

#include <check.h>

#define SECOND INT64_C(1000)

static json_t *
totals(json_int_t created)
{
	return json_pack("{s:I, s:I}", "created", created, "requests", 2 * created);
}

static json_int_t
sum_of(const struct timeline *timeline, const char *key)
{
	json_int_t sum = 0;
	json_t *sample;
	size_t i;

	json_array_foreach (timeline->samples, i, sample)
		sum += json_integer_value(json_object_get(sample, key));
	return sum;
}

/* A sample has what came since the one before, and none is taken before its time. */
START_TEST(test_samples)
{
	struct timeline timeline;
	json_t *last;

	timeline_begin(&timeline, 100 * SECOND, totals(5));
	timeline_note(&timeline, 100 * SECOND + 500, totals(7), false);
	ck_assert_uint_eq(json_array_size(timeline.samples), 0);
	timeline_note(&timeline, 101 * SECOND, totals(9), false);
	timeline_note(&timeline, 101 * SECOND + 250, totals(10), true);
	ck_assert_uint_eq(json_array_size(timeline.samples), 2);
	ck_assert_int_eq(sum_of(&timeline, "created"), 5);
	last = json_array_get(timeline.samples, 1);
	ck_assert_double_eq(json_real_value(json_object_get(last, "seconds")), 0.25);
	ck_assert_int_eq(json_integer_value(json_object_get(last, "requests")), 2);
	/* A clock that was set back gives no sample of negative length. */
	timeline_note(&timeline, 90 * SECOND, totals(11), true);
	ck_assert_uint_eq(json_array_size(timeline.samples), 2);
	timeline_fini(&timeline);
}
END_TEST

/* A day has as many samples as a minute, and nothing is lost by it. */
START_TEST(test_long_runs)
{
	struct timeline timeline;
	int64_t now = 0;
	double seconds = 0;
	json_t *sample;
	size_t i;

	timeline_begin(&timeline, 0, totals(0));
	for (json_int_t n = 1; n <= 24 * 3600; n++) {
		now += SECOND;
		timeline_note(&timeline, now, totals(n), false);
		ck_assert_uint_le(json_array_size(timeline.samples), TIMELINE_SAMPLES_MAX);
	}
	timeline_note(&timeline, now + 1, totals(24 * 3600), true);
	ck_assert_uint_gt(json_array_size(timeline.samples), TIMELINE_SAMPLES_MAX / 2);
	ck_assert_int_eq(sum_of(&timeline, "created"), 24 * 3600);
	json_array_foreach (timeline.samples, i, sample)
		seconds += json_real_value(json_object_get(sample, "seconds"));
	ck_assert_double_eq_tol(seconds, 24 * 3600 + 0.001, 1e-6);
	timeline_fini(&timeline);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("timeline");
	TCase *tc = tcase_create("timeline");

	tcase_add_test(tc, test_samples);
	tcase_add_test(tc, test_long_runs);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
