/* Counting interfaces in groups: whatever the values are, and however the counts come together. */
#include "fleet/coverage/coverage.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>

static struct coverage_by
coverage_by_of(const char *text)
{
	struct coverage_by by = {.count = 0};
	struct tmf_err err = {0};

	ck_assert_int_eq(coverage_by_parse(text, &by, &err), 0);
	return by;
}

/* An interface of a VPC and a subnet; NULL: not known. */
static void
add(struct coverage *coverage, const char *vpc, const char *subnet, enum coverage_class class,
    const char *reason)
{
	const struct coverage_item item = {
	    .class = class,
	    .reason = reason,
	    .keys = {[COVERAGE_KEY_VPC] = vpc, [COVERAGE_KEY_SUBNET] = subnet},
	    .interface_id = "eni-1",
	};

	coverage_add(coverage, &item);
}

static void
take_group(void *arg, const json_t *group)
{
	json_array_append_new(arg, json_deep_copy(group));
}

static json_t *
groups_of(const struct coverage *coverage)
{
	json_t *groups = json_array();

	coverage_groups_each(coverage, take_group, groups);
	ck_assert_uint_eq(json_array_size(groups), coverage_groups_count(coverage));
	return groups;
}

/* Takes value. */
static void
is(json_t *value, const char *text)
{
	char *compact = jsonx_text(value);

	ck_assert_str_eq(compact, text);
	free(compact);
	json_decref(value);
}

static json_t *
values_of(const json_t *groups)
{
	json_t *values = json_array();
	json_t *group;
	size_t i;

	json_array_foreach (groups, i, group)
		json_array_append_new(values,
		    json_pack("[O, O]", json_object_get(json_object_get(group, "by"), "vpc"),
			json_object_get(json_object_get(group, "by"), "subnet")));
	return values;
}

/* Values that look like what parts them; sorted as bytes, a prefix first and none last. */
START_TEST(test_values)
{
	static const char *const values[] = {
	    "b", "-;", "1:x;", ";", "", "a", NULL, "ab", "\xc3\xa9", "10:", "a"};
	struct coverage_by by = coverage_by_of("vpc,subnet");
	struct coverage *coverage = coverage_new(&by);
	json_t *groups;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		add(coverage, values[i], i % 2 == 0 ? "s" : NULL, COVERAGE_MIRRORED, NULL);
	groups = groups_of(coverage);
	is(values_of(groups),
	    "[[\"\",\"s\"],[\"-;\",null],[\"10:\",null],[\"1:x;\",\"s\"],[\";\",null],"
	    "[\"a\",\"s\"],[\"a\",null],[\"ab\",null],[\"b\",\"s\"],[\"\xc3\xa9\",\"s\"],"
	    "[null,\"s\"]]");
	json_decref(groups);
	coverage_free(coverage);
	coverage_by_fini(&by);
}
END_TEST

/* Two halves make the whole, in any order. */
START_TEST(test_merge)
{
	struct coverage_by by = coverage_by_of("vpc,subnet");
	struct coverage *whole = coverage_new(&by);
	struct coverage *halves[] = {coverage_new(&by), coverage_new(&by)};
	struct coverage *merged = coverage_new(&by);
	static const char *const reasons[] = {"type", NULL, "running", "type", "drifted"};

	for (size_t i = 0; i < 60; i++) {
		const char *vpc = i % 3 == 0 ? "vpc-1" : i % 3 == 1 ? "vpc-2" : NULL;
		enum coverage_class class = (enum coverage_class)(i % COVERAGE_CLASS_COUNT);

		add(whole, vpc, "s", class, reasons[i % 5]);
		add(halves[i / 7 % 2], vpc, "s", class, reasons[i % 5]);
	}
	coverage_add_bare(whole, 5);
	coverage_add_bare(halves[0], 2);
	coverage_add_bare(halves[1], 3);
	coverage_merge(merged, halves[1]);
	coverage_merge(merged, halves[0]);
	for (size_t i = 0; i < 2; i++) {
		json_t *one = i == 0 ? coverage_json(whole) : groups_of(whole);
		json_t *other = i == 0 ? coverage_json(merged) : groups_of(merged);

		ck_assert(json_equal(one, other));
		json_decref(one);
		json_decref(other);
	}
	/* What is forgotten counts no more, and the reasons are gone as well. */
	coverage_reset(merged);
	coverage_add_bare(merged, 1);
	ck_assert_uint_eq(coverage_groups_count(merged), 0);
	add(merged, "vpc-1", "s", COVERAGE_MISSING, "type");
	is(groups_of(merged),
	    "[{\"by\":{\"vpc\":\"vpc-1\",\"subnet\":\"s\"},\"interfaces\":1,\"coverage\":0.0,"
	    "\"classes\":{\"mirrored\":0,\"shadowed\":0,\"dead\":0,\"missing\":1,\"excluded\":0,"
	    "\"ineligible\":0,\"unmatched\":0,\"foreign\":0},\"reasons\":{\"missing\":"
	    "{\"type\":1}}}]");
	coverage_free(whole);
	coverage_free(halves[0]);
	coverage_free(halves[1]);
	coverage_free(merged);
	coverage_by_fini(&by);
}
END_TEST

/* Beyond the bounds, groups and reasons are counted together, and nothing is lost. */
START_TEST(test_bounds)
{
	struct coverage_by by = coverage_by_of("vpc,subnet");
	struct coverage *coverage = coverage_new(&by);
	struct coverage *merged = coverage_new(&by);
	json_t *groups, *document, *last = NULL;
	json_t *group;
	size_t i;

	for (i = 0; i < COVERAGE_GROUPS_MAX + 30; i++) {
		char *vpc = mem_printf("vpc-%05zu", i);
		char *reason = mem_printf("reason-%zu", i % (COVERAGE_REASONS_MAX + 20));

		add(coverage, vpc, "s", COVERAGE_INELIGIBLE, reason);
		free(vpc);
		free(reason);
	}
	coverage_merge(merged, coverage);
	coverage_merge(merged, coverage);
	groups = groups_of(merged);
	ck_assert_uint_eq(json_array_size(groups), COVERAGE_GROUPS_MAX + 1);
	json_array_foreach (groups, i, group) {
		bool other = i == 0; /* "(" is before "v" */
		json_int_t interfaces = json_integer_value(json_object_get(group, "interfaces"));

		ck_assert_int_eq(interfaces, other ? 60 : 2);
		last = json_object_get(json_object_get(group, "by"), "subnet");
		ck_assert_str_eq(json_string_value(last), other ? COVERAGE_OTHER : "s");
	}
	document = coverage_json(merged);
	group = json_object_get(json_object_get(document, "reasons"), "ineligible");
	ck_assert_uint_eq(json_object_size(group), COVERAGE_REASONS_MAX + 1);
	ck_assert_int_gt(json_integer_value(json_object_get(group, COVERAGE_OTHER)), 5000);
	ck_assert_int_eq(json_integer_value(json_object_get(document, "interfaces")),
	    2 * (COVERAGE_GROUPS_MAX + 30));
	json_decref(document);
	json_decref(groups);
	coverage_free(coverage);
	coverage_free(merged);
	coverage_by_fini(&by);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("coverage");
	TCase *tc = tcase_create("coverage");

	tcase_add_test(tc, test_values);
	tcase_add_test(tc, test_merge);
	tcase_add_test(tc, test_bounds);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
