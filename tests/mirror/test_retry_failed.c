#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"

#include <stdio.h>
#include <string.h>

/* A retry: describe-page and match see what the ledger has as failed, and what became of it is
 * said of just that. */

#define INSTANCES 300

static struct fixture fixture;
static struct process first; /* whose ledger it is */
static struct process retry;

static const char config[] = "vpcs:\n  - {vpcId: %s, filterId: tmf-1, targetId: tmt-1%s}\n";

static void
setup_rule(const char *extra)
{
	struct sim_opts opts;
	char vpc[SIM_ID_BYTES];
	char text[256];

	sim_opts_default(&opts);
	opts.instances = INSTANCES;
	opts.vpcs = 1;
	fixture_init(&fixture, &opts);
	world_vpc_id(fixture.world, 0, vpc);
	snprintf(text, sizeof(text), config, vpc, extra);
	process_init(&first, &fixture, &(struct process_opts){.config = text});
	process_init(&retry, &fixture,
	    &(struct process_opts){.config = text, .store = first.store, .retry = true});
}

static void
setup(void)
{
	setup_rule(", interfaces: all");
}

static void
teardown(void)
{
	process_fini(&retry);
	process_fini(&first);
	fixture_fini(&fixture);
}

static void
put(const char *instance, const char *interface, enum outcome_kind kind)
{
	const struct outcome outcome = {
	    .kind = kind, .instance_id = instance, .interface_id = interface, .error = "E"};
	struct tmf_err err = {0};

	ck_assert_int_eq(store_outcome_put(first.store, "run", &outcome, &err), 0);
}

/* The first instance from `from` on that runs with `interfaces` of them. Borrowed until the next
 * call. */
static json_t *
instance_with(size_t interfaces)
{
	static json_t *page;
	json_t *instance;
	size_t i;

	page = process_run(&first, "describe-page", jpack("{s:i}", "MaxResults", 1000));
	json_array_foreach (jsonx_get_array(page, "Instances"), i, instance)
		if (strcmp(jsonx_get_string(instance, "State"), "running") == 0 &&
		    json_array_size(jsonx_get_array(instance, "NetworkInterfaces")) == interfaces)
			return instance;
	ck_abort_msg("no such instance");
	return NULL;
}

static const char *
id_of(const json_t *instance)
{
	return jsonx_get_string(instance, "InstanceId");
}

static const char *
interface_at(const json_t *instance, size_t index)
{
	return jsonx_get_string(
	    json_array_get(jsonx_get_array(instance, "NetworkInterfaces"), index),
	    "NetworkInterfaceId");
}

START_TEST(test_pages_of_failed_ones)
{
	json_t *page = process_run(&first, "describe-page", jpack("{s:i}", "MaxResults", 1000));
	json_t *instance;
	size_t listed = 0;
	size_t i;

	json_array_foreach (jsonx_get_array(page, "Instances"), i, instance)
		put(id_of(instance), NULL, i % 10 == 0 ? OUTCOME_CREATED : OUTCOME_FAILED);
	page = process_run(&retry, "describe-page", jpack("{}"));
	listed = json_array_size(jsonx_get_array(page, "Instances"));
	ck_assert_uint_eq(listed, 200);
	page = process_run(&retry, "describe-page",
	    jpack("{s:s}", "NextToken", jsonx_get_string(page, "NextToken")));
	listed += json_array_size(jsonx_get_array(page, "Instances"));
	ck_assert_uint_eq(listed, INSTANCES * 9 / 10);
	ck_assert(json_is_null(json_object_get(page, "NextToken")));
	ck_assert_uint_eq(process_calls(&retry, "DescribeInstances"), 2);
}
END_TEST

/* One that AWS does not list any more. */
START_TEST(test_gone)
{
	const json_t *page;

	put("i-00000000000000001", "eni-1", OUTCOME_FAILED);
	put("i-00000000000000001", "eni-2", OUTCOME_CREATED);
	page = process_run(&retry, "describe-page", jpack("{}"));
	ck_assert_uint_eq(json_array_size(jsonx_get_array(page, "Instances")), 0);
	ck_assert(json_is_null(json_object_get(page, "NextToken")));
	ck_assert_str_eq(process_outcome(&first, "eni-1"), "gone");
	ck_assert_str_eq(process_outcome(&first, "eni-2"), "created");
}
END_TEST

/* The instances that a workflow names: only those that failed are asked for. */
START_TEST(test_named_ones)
{
	const json_t *instance = instance_with(1);
	const char *id = id_of(instance);
	const json_t *page;

	put(id, interface_at(instance, 0), OUTCOME_CREATED);
	page = process_run(&retry, "describe-page", jpack("{s:[s]}", "InstanceIds", id));
	ck_assert_uint_eq(json_array_size(jsonx_get_array(page, "Instances")), 0);
	ck_assert_uint_eq(process_calls(&retry, ""), 0);
	put(id, interface_at(instance, 0), OUTCOME_FAILED);
	page = process_run(
	    &retry, "describe-page", jpack("{s:[s, s]}", "InstanceIds", id, "i-unknown"));
	ck_assert_uint_eq(json_array_size(jsonx_get_array(page, "Instances")), 1);
}
END_TEST

/* What was settled stays; what failed is matched; an interface that is not there any more is
 * gone. */
START_TEST(test_match_by_interface)
{
	json_t *instance = instance_with(3);
	const char *id = id_of(instance);
	const json_t *lists;

	put(id, interface_at(instance, 0), OUTCOME_CREATED);
	put(id, interface_at(instance, 1), OUTCOME_FAILED);
	put(id, interface_at(instance, 2), OUTCOME_CONFLICT);
	put(id, "eni-detached", OUTCOME_FAILED);
	lists = process_run(&retry, "match", jpack("{s:[O]}", "Instances", instance));
	ck_assert_uint_eq(json_array_size(jsonx_get_array(lists, "Matched")), 1);
	ck_assert_str_eq(jsonx_get_string(json_array_get(jsonx_get_array(lists, "Matched"), 0),
			     "NetworkInterfaceId"),
	    interface_at(instance, 1));
	ck_assert_str_eq(process_outcome(&first, "eni-detached"), "gone");
	ck_assert_str_eq(process_outcome(&first, interface_at(instance, 0)), "created");
	ck_assert_str_eq(process_outcome(&first, interface_at(instance, 2)), "conflict");
}
END_TEST

/* What is said of an instance as a whole is said of what failed of it. */
START_TEST(test_match_by_instance)
{
	json_t *instance = json_deep_copy(instance_with(2));
	const char *id = id_of(instance);

	put(id, interface_at(instance, 0), OUTCOME_CREATED);
	put(id, interface_at(instance, 1), OUTCOME_FAILED);
	json_object_set_new(instance, "State", json_string("terminated"));
	process_run(&retry, "match", jpack("{s:[O]}", "Instances", instance));
	ck_assert_str_eq(process_outcome(&first, interface_at(instance, 0)), "created");
	ck_assert_str_eq(
	    process_outcome(&first, interface_at(instance, 1)), "ineligible: terminated");
	/* And of one of which nothing failed, nothing. */
	json_object_set_new(instance, "State", json_string("running"));
	json_object_del(instance, "VpcId");
	process_run(&retry, "match", jpack("{s:[O]}", "Instances", instance));
	ck_assert_str_eq(process_outcome(&first, interface_at(instance, 0)), "created");
	json_decref(instance);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_pages_of_failed_ones, test_gone, test_named_ones,
	    test_match_by_interface, test_match_by_instance};
	Suite *suite = suite_create("retry");

	suite_add_tests(suite, "retry", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
	return run_suite(suite);
}
