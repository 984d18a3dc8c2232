#include "base/timestamp.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>

struct timestamp_vector {
	const char *text;
	int64_t seconds;
	int32_t nanoseconds;
};

static const struct timestamp_vector valid[] = {
    {"1970-01-01T00:00:00Z", 0, 0},
    {"2016-03-14T01:59:00Z", 1457920740, 0},
    {"2016-12-05T21:29:29.123456789Z", 1480973369, 123456789},
    {"2016-12-05T21:29:29.5Z", 1480973369, 500000000},
    {"2016-12-05T23:29:29+02:00", 1480973369, 0},
    {"2016-12-05T15:59:29-05:30", 1480973369, 0},
    {"2016-12-05T21:29:29-00:00", 1480973369, 0},
    {"2000-02-29T12:00:00Z", 951825600, 0},
    {"2024-02-29T23:59:59Z", 1709251199, 0},
    {"1969-12-31T23:59:59Z", -1, 0},
    {"1900-03-01T00:00:00Z", -2203891200, 0},
    {"9999-12-31T23:59:59Z", 253402300799, 0},
    {"0000-01-01T00:00:00Z", -62167219200, 0},
};

static const char *const invalid[] = {
    "",
    "2016",
    "2016-12-05",
    "2016-12-05 21:29:29Z",
    "2016-12-05T21:29:29",
    "05-12-2016T21:29:29Z",
    "2016-12-05T25:29:29Z",
    "2016-12-05T24:00:00Z",
    "2016-12-05T21:60:29Z",
    "2016-12-05T21:29:60Z",
    "2016-13-05T21:29:29Z",
    "2016-00-05T21:29:29Z",
    "2016-12-00T21:29:29Z",
    "2016-12-32T21:29:29Z",
    "2016-04-31T21:29:29Z",
    "2015-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2016-12-05t21:29:29Z",
    "2016-12-05T21:29:29z",
    "2016-12-05T21:29:29.Z",
    "2016-12-05T21:29:29.1234567890Z",
    "2016-12-05T21:29:29,5Z",
    "2016-12-05T21:29Z",
    "2016-12-05T21:29:29+2:00",
    "2016-12-05T21:29:29+0200",
    "2016-12-05T21:29:29+24:00",
    "2016-12-05T21:29:29+02:60",
    "2016-12-05T21:29:29ZZ",
    "2016-12-05T21:29:29Z ",
    " 2016-12-05T21:29:29Z",
    "16-12-05T21:29:29Z",
    "+2016-12-05T21:29:29Z",
    "2016-1-5T21:29:29Z",
    "2016-12-05T1:29:29Z",
    "x016-12-05T21:29:29Z",
};

START_TEST(test_valid)
{
	const struct timestamp_vector *vector = &valid[_i];
	struct timestamp timestamp;

	ck_assert_msg(timestamp_parse(str_of(vector->text), &timestamp), "%s", vector->text);
	ck_assert_int_eq(timestamp.seconds, vector->seconds);
	ck_assert_int_eq(timestamp.nanoseconds, vector->nanoseconds);
}
END_TEST

START_TEST(test_invalid)
{
	struct timestamp timestamp = {7, 7};

	ck_assert_msg(!timestamp_parse(str_of(invalid[_i]), &timestamp), "%s", invalid[_i]);
	ck_assert_int_eq(timestamp.seconds, 7);
}
END_TEST

/* Every prefix of a valid one is none. */
START_TEST(test_prefixes)
{
	struct str text = STR("2016-12-05T21:29:29.123+01:00");
	struct timestamp timestamp;

	ck_assert(timestamp_parse(text, &timestamp));
	while (text.len > 0) {
		text.len--;
		ck_assert(!timestamp_parse(text, &timestamp));
	}
}
END_TEST

START_TEST(test_compare)
{
	struct timestamp a = {1, 5};
	struct timestamp b = {1, 6};
	struct timestamp c = {2, 0};

	ck_assert_int_lt(timestamp_compare(&a, &b), 0);
	ck_assert_int_gt(timestamp_compare(&b, &a), 0);
	ck_assert_int_lt(timestamp_compare(&b, &c), 0);
	ck_assert_int_gt(timestamp_compare(&c, &a), 0);
	ck_assert_int_eq(timestamp_compare(&a, &a), 0);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("timestamp");
	TCase *tcase = tcase_create("timestamp");
	int failed;

	tcase_add_loop_test(tcase, test_valid, 0, COUNT(valid));
	tcase_add_loop_test(tcase, test_invalid, 0, COUNT(invalid));
	tcase_add_test(tcase, test_prefixes);
	tcase_add_test(tcase, test_compare);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
