#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"
#include "mirror/filters/filters.h"

#include <string.h>

/* What a filter accepts: the rule with the lowest number that fits a packet decides. */
static const struct {
	const char *rules; /* of both directions */
	enum filter_take take;
} takes[] = {
    {"[]", FILTER_NOTHING},
    {"[{'RuleNumber': 1, 'RuleAction': 'accept'}]", FILTER_ALL},
    {"[{'RuleNumber': 1, 'RuleAction': 'accept', 'Protocol': 0, 'SourceCidrBlock': '0.0.0.0/0',"
     " 'DestinationCidrBlock': '0.0.0.0/0'}]",
	FILTER_ALL},
    {"[{'RuleNumber': 1, 'RuleAction': 'reject'}]", FILTER_NOTHING},
    {"[{'RuleNumber': 1, 'RuleAction': 'accept', 'Protocol': 6}]", FILTER_SOME},
    {"[{'RuleNumber': 1, 'RuleAction': 'accept', 'SourceCidrBlock': '10.0.0.0/8'}]", FILTER_SOME},
    {"[{'RuleNumber': 1, 'RuleAction': 'accept', 'DestinationCidrBlock': '::/0'}]", FILTER_SOME},
    {"[{'RuleNumber': 1, 'RuleAction': 'accept', 'DestinationPortRange': {'FromPort': 1,"
     " 'ToPort': 2}}]",
	FILTER_SOME},
    /* In any order of the list. */
    {"[{'RuleNumber': 9, 'RuleAction': 'accept'}, {'RuleNumber': 2, 'RuleAction': 'reject',"
     " 'Protocol': 17}]",
	FILTER_SOME},
    {"[{'RuleNumber': 9, 'RuleAction': 'reject', 'Protocol': 17}, {'RuleNumber': 2, 'RuleAction':"
     " 'accept'}]",
	FILTER_ALL},
    {"[{'RuleNumber': 1, 'RuleAction': 'reject'}, {'RuleNumber': 2, 'RuleAction': 'accept'}]",
	FILTER_NOTHING},
    {"[{'RuleNumber': 1, 'RuleAction': 'accept', 'Protocol': 6}, {'RuleNumber': 2, 'RuleAction':"
     " 'reject'}]",
	FILTER_SOME},
};

static json_t *
quoted(const char *text)
{
	char *copy = strdup(text);
	json_t *parsed;

	for (char *at = copy; *at != '\0'; at++)
		*at = *at == '\'' ? '"' : *at;
	parsed = json_loads(copy, 0, NULL);
	ck_assert_ptr_nonnull(parsed);
	free(copy);
	return parsed;
}

START_TEST(test_take)
{
	json_t *rules = quoted(takes[_i].rules);
	json_t *filter =
	    jpack("{s:O, s:O}", "IngressFilterRules", rules, "EgressFilterRules", rules);

	ck_assert_int_eq(filter_take_described(filter), takes[_i].take);
	/* One direction alone is never all, and never nothing where the other takes something. */
	json_object_set_new(filter, "EgressFilterRules",
	    takes[_i].take == FILTER_NOTHING ? quoted("[{'RuleAction': 'accept'}]") : json_array());
	ck_assert_int_eq(filter_take_described(filter), FILTER_SOME);
	json_decref(filter);
	json_decref(rules);
}
END_TEST

static struct fixture fixture;
static struct process process;
static char everything[SIM_ID_BYTES];
static char nothing[SIM_ID_BYTES];

static void
open_process(int64_t fresh_ms)
{
	fixture_init_subnet(&fixture, 5, 0, 0);
	world_given_filter_id(fixture.world, 0, everything);
	world_given_filter_id(fixture.world, SIM_GIVEN_FILTERS - 1, nothing);
	process_init(&process, &fixture, &(struct process_opts){.fresh_ms = fresh_ms});
}

static void
teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

static void
load_over(void *arg, struct tmf_call *call)
{
	snprintf(arg, TMF_ERR_NAME_BYTES_MAX + 1, "%s", call->err.name);
}

/* Asks for these two and one that is on no list; "" or the error's name. Static storage. */
static const char *
load(void)
{
	static char error[TMF_ERR_NAME_BYTES_MAX + 1];
	json_t *ids = jpack("[s, s, s, s]", everything, nothing, "tmf-0gone", everything);
	struct tmf_call *call = filters_load(process.mirror->account->filters, ids);

	snprintf(error, sizeof(error), "never over");
	tmf_call_on_done(call, load_over, error);
	json_decref(ids);
	fixture_run(&fixture);
	return error;
}

static enum filter_take
take(const char *id)
{
	return filters_take_of(process.mirror->account->filters, id);
}

START_TEST(test_once)
{
	open_process(0);
	ck_assert_int_eq(take(everything), FILTER_UNKNOWN);
	ck_assert_int_eq(take(NULL), FILTER_UNKNOWN);
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(load(), "");
		ck_assert_int_eq(take(everything), FILTER_ALL);
		ck_assert_int_eq(take(nothing), FILTER_NOTHING);
		ck_assert_int_eq(take("tmf-0gone"), FILTER_MISSING);
	}
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorFilters"), 1);
	teardown();
}
END_TEST

START_TEST(test_again_in_a_service)
{
	open_process(1000);
	ck_assert_str_eq(load(), "");
	fixture.clock.now_mono_ms += 1001;
	ck_assert_str_eq(load(), "");
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorFilters"), 2);
	teardown();
}
END_TEST

/* A denied lookup is an answer: it is not asked for again. */
START_TEST(test_denied)
{
	open_process(0);
	process_fault(&process, "DescribeTrafficMirrorFilters", "UnauthorizedOperation", 403, 1000);
	ck_assert_str_eq(load(), "");
	ck_assert_str_eq(load(), "");
	ck_assert_int_eq(take(everything), FILTER_UNKNOWN);
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorFilters"), 1);
	teardown();
}
END_TEST

/* What passes is an error, and the next load asks again. */
START_TEST(test_throttled)
{
	open_process(0);
	process_fault(&process, "DescribeTrafficMirrorFilters", "Throttling", 400, 1000);
	ck_assert_str_eq(load(), "Throttling");
	process_heal(&process);
	ck_assert_str_eq(load(), "");
	ck_assert_int_eq(take(everything), FILTER_ALL);
	teardown();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("filters");
	TCase *tcase = tcase_create("filters");

	tcase_add_loop_test(tcase, test_take, 0, sizeof(takes) / sizeof(takes[0]));
	tcase_add_test(tcase, test_once);
	tcase_add_test(tcase, test_again_in_a_service);
	tcase_add_test(tcase, test_denied);
	tcase_add_test(tcase, test_throttled);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
