#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"

#include <stdlib.h>
#include <string.h>

/* tmflow:ensure-session, and what tmflow:find-sessions makes of what is there. */

#define INSTANCES 40

static struct fixture fixture;
static struct process process;
static char target[SIM_ID_BYTES];
static char other_target[SIM_ID_BYTES];
static char filter[SIM_ID_BYTES];
static char other_filter[SIM_ID_BYTES];
static char interface[SIM_ID_BYTES]; /* of instance 0 */
static char instance[SIM_ID_BYTES];
static char subnet[SIM_ID_BYTES];
static char vpc[SIM_ID_BYTES];

/* A process whose only rule takes the VPC; extra is more of the rule. */
static void
open_process(struct process *opened, const char *extra, const char *run_id, struct store *store)
{
	char config[1024];

	snprintf(config, sizeof(config),
	    "vpcs:\n  - {name: rule, vpcId: %s, filterId: %s, targetId: %s%s%s}\n", vpc, filter,
	    target, extra[0] != '\0' ? ", " : "", extra);
	process_init(opened, &fixture,
	    &(struct process_opts){.config = config, .run_id = run_id, .store = store});
}

static void
setup_world(int64_t stale_ms, double empty_pages)
{
	fixture_init_subnet(&fixture, INSTANCES, stale_ms, empty_pages);
	world_given_target_id(fixture.world, 0, target);
	world_given_target_id(fixture.world, 1, other_target);
	world_given_filter_id(fixture.world, 0, filter);
	world_given_filter_id(fixture.world, 1, other_filter);
	world_interface_id(fixture.world, 0, 0, interface);
	world_instance_id(fixture.world, 0, instance);
	world_subnet_id(fixture.world, 0, subnet);
	world_vpc_id(fixture.world, 0, vpc);
	open_process(&process, "", NULL, NULL);
}

static void
setup(void)
{
	setup_world(0, 0);
}

static void
setup_empty_pages(void)
{
	setup_world(0, 0.98);
}

static void
teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

static json_t *
ensure(struct process *by, const char *target_id, const char *session_id)
{
	return process_run(by, "ensure-session",
	    jpack("{s:s, s:s, s:s, s:s, s:s?}", "Rule", "rule", "NetworkInterfaceId", interface,
		"InstanceId", instance, "TargetId", target_id, "SessionId", session_id));
}

/* find-sessions for the one interface, of an instance of that type (NULL: not told): the name of
 * the list that it stands in, and the item. */
static const char *
find_item(struct process *by, const char *type, json_t **ret_item)
{
	json_t *lists = process_run(by, "find-sessions",
	    jpack("{s:[{s:{s:s, s:s, s:s?}, s:s, s:s}]}", "Matched", "Instance", "InstanceId",
		instance, "SubnetId", subnet, "InstanceType", type, "NetworkInterfaceId", interface,
		"Rule", "rule"));
	const char *found = "";
	const char *name;
	json_t *list;

	ck_assert_msg(lists != NULL, "%s", tmf_err_text(process_error(by)));
	ck_assert_uint_eq(json_object_size(lists), 4);
	json_object_foreach (lists, name, list) {
		if (json_array_size(list) == 0)
			continue;
		ck_assert_str_eq(found, "");
		found = name;
		*ret_item = json_array_get(list, 0);
	}
	return found;
}

static const char *
find(struct process *by, json_t **ret_item)
{
	return find_item(by, NULL, ret_item);
}

static const char *
find_type(struct process *by, const char *type)
{
	json_t *item;

	return find_item(by, type, &item);
}

/* Makes a session of somebody else's. */
static void
create(const char *target_id, const char *filter_id, int number)
{
	char body[512];
	struct sim_request request = {
	    .method = "POST", .path = "/", .now_wall_ms = fixture.clock.now_wall_ms};
	struct sim_reply reply;

	snprintf(body, sizeof(body),
	    "Action=CreateTrafficMirrorSession&NetworkInterfaceId=%s&TrafficMirrorTargetId=%s&"
	    "TrafficMirrorFilterId=%s&SessionNumber=%d&Version=2016-11-15",
	    interface, target_id, filter_id, number);
	request.body = str_of(body);
	reply = world_handle(fixture.world, &request);
	ck_assert_int_eq(reply.status, 200);
	sim_reply_fini(&reply);
}

static size_t
live_sessions(void)
{
	json_t *report = fixture_report(&fixture);
	size_t live = (size_t)json_integer_value(
	    json_object_get(json_object_get(report, "sessions"), "live"));

	json_decref(report);
	return live;
}

START_TEST(test_created_then_present)
{
	json_t *item;
	const json_t *result;

	ck_assert_str_eq(find(&process, &item), "Missing");
	ck_assert_str_eq(jsonx_get_string(item, "InstanceId"), instance);
	ck_assert_str_eq(jsonx_get_string(item, "SubnetId"), subnet);
	ck_assert_str_eq(jsonx_get_string(item, "Rule"), "rule");
	result = ensure(&process, target, NULL);
	ck_assert_str_eq(jsonx_get_string(result, "Outcome"), "created");
	ck_assert_ptr_nonnull(jsonx_get_string(result, "SessionId"));
	ck_assert_str_eq(process_outcome(&process, interface), "created");
	ck_assert_str_eq(find(&process, &item), "Present");
	ck_assert_str_eq(process_outcome(&process, interface), "present");
	/* The look of find-sessions was enough. */
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorSessions"), 2);
	ck_assert(process_asked_with(&process, "CreateTrafficMirrorSession", "SessionNumber=100"));
	ck_assert(process_asked_with(&process, "CreateTrafficMirrorSession", "tmflow%3Arule"));
	ck_assert(process_asked_with(&process, "DescribeTrafficMirrorSessions", "MaxResults=1000"));
}
END_TEST

/* A step that runs twice, or another process that does the same: the same token, one session. */
START_TEST(test_twice)
{
	struct process other;
	char *first = strdup(jsonx_get_string(ensure(&process, target, NULL), "SessionId"));

	ck_assert_str_eq(jsonx_get_string(ensure(&process, target, NULL), "SessionId"), first);
	open_process(&other, "", "another-run", NULL);
	ck_assert_str_eq(jsonx_get_string(ensure(&other, target, NULL), "SessionId"), first);
	ck_assert_uint_eq(live_sessions(), 1);
	process_fini(&other);
	free(first);
}
END_TEST

START_TEST(test_present_by_somebody_else)
{
	json_t *item;

	create(target, filter, 7);
	ck_assert_str_eq(find(&process, &item), "Present");
	ck_assert_uint_eq(live_sessions(), 1);
}
END_TEST

/* find-sessions saw nothing, but AWS does. */
START_TEST(test_present_after_a_refusal)
{
	create(target, filter, 100);
	ck_assert_str_eq(jsonx_get_string(ensure(&process, target, NULL), "Outcome"), "present");
	ck_assert_str_eq(process_outcome(&process, interface), "present");
	ck_assert_uint_eq(live_sessions(), 1);
}
END_TEST

/* --- describes that lag: AWS refuses for what no look shows yet --- */

#define LAG_MS 9000

static void
setup_lag(void)
{
	setup_world(LAG_MS, 0);
}

START_TEST(test_present_once_it_is_listed)
{
	create(target, filter, 100);
	ck_assert_str_eq(jsonx_get_string(ensure(&process, target, NULL), "Outcome"), "present");
	ck_assert_uint_eq(live_sessions(), 1);
}
END_TEST

START_TEST(test_a_number_is_taken_once_that_is_listed)
{
	create(other_target, other_filter, 100);
	ck_assert_str_eq(jsonx_get_string(ensure(&process, target, NULL), "Outcome"), "created");
	ck_assert(process_asked_with(&process, "CreateTrafficMirrorSession", "SessionNumber=101&"));
	ck_assert_uint_eq(live_sessions(), 2);
}
END_TEST

/* Where a refusal has another reason, looks explain nothing, and after some the first one counts:
 * a fleet of them does not wait. */
START_TEST(test_looks_in_vain)
{
	int64_t began_mono_ms;
	size_t looks;

	process_fault(&process, "CreateTrafficMirrorSession", "InvalidParameterValue", 400, 100);
	for (int i = 0; i < 8; i++)
		ck_assert_ptr_null(ensure(&process, target, NULL));
	looks = process_calls(&process, "DescribeTrafficMirrorSessions");
	ck_assert_uint_eq(looks, 32);
	began_mono_ms = fixture.clock.now_mono_ms;
	ck_assert_ptr_null(ensure(&process, target, NULL));
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorSessions"), looks + 1);
	ck_assert_int_lt(fixture.clock.now_mono_ms - began_mono_ms, 1000);
	ck_assert_str_eq(process_error(&process)->name, "InvalidParameterValue");
}
END_TEST

START_TEST(test_conflict)
{
	struct process asking;
	json_t *item;
	const json_t *result;

	create(other_target, other_filter, 100);
	open_process(&asking, "sessionNumber: 100", NULL, NULL);
	ck_assert_str_eq(find(&asking, &item), "Conflicts");
	ck_assert_uint_eq(json_array_size(json_object_get(item, "Sessions")), 1);
	ck_assert_str_eq(process_outcome(&asking, interface), "conflict: session-number");
	result = ensure(&asking, target, NULL);
	ck_assert_str_eq(jsonx_get_string(result, "Outcome"), "conflict");
	ck_assert_str_eq(process_outcome(&asking, interface), "conflict: session-number");
	process_fini(&asking);
}
END_TEST

/* A rule that asks for no number: find-sessions has seen which are taken, and no second look is
 * needed. */
START_TEST(test_a_number_is_handed_on)
{
	json_t *item;
	const json_t *result;

	create(other_target, other_filter, 100);
	create(other_target, other_filter, 102);
	ck_assert_str_eq(find(&process, &item), "Missing");
	ck_assert_int_eq(json_integer_value(json_object_get(item, "SessionNumber")), 101);
	result = process_run(&process, "ensure-session",
	    jpack("{s:s, s:s, s:s, s:s, s:O}", "Rule", "rule", "NetworkInterfaceId", interface,
		"InstanceId", instance, "TargetId", target, "SessionNumber",
		json_object_get(item, "SessionNumber")));
	ck_assert_str_eq(jsonx_get_string(result, "Outcome"), "created");
	ck_assert(process_asked_with(&process, "CreateTrafficMirrorSession", "SessionNumber=101&"));
	ck_assert_uint_eq(process_calls(&process, "CreateTrafficMirrorSession"), 1);
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorSessions"), 1);
}
END_TEST

START_TEST(test_a_number_that_cannot_be)
{
	static const char *const numbers[] = {"0", "-1", "32767", "1.5"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		json_t *number = json_loads(numbers[i], JSON_DECODE_ANY, NULL);

		ck_assert_ptr_null(process_run(&process, "ensure-session",
		    jpack("{s:s, s:s, s:s, s:s, s:o}", "Rule", "rule", "NetworkInterfaceId",
			interface, "InstanceId", instance, "TargetId", target, "SessionNumber",
			number)));
		ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
	}
}
END_TEST

/* The same filter to a target that the rule may not use is not ours to count on. */
START_TEST(test_other_target_does_not_count)
{
	json_t *item;

	create(other_target, filter, 7);
	ck_assert_str_eq(find(&process, &item), "Missing");
	ck_assert_str_eq(jsonx_get_string(ensure(&process, target, NULL), "Outcome"), "created");
	ck_assert_uint_eq(live_sessions(), 2);
}
END_TEST

START_TEST(test_session_limit)
{
	json_t *item;

	for (int number = 1; number <= 3; number++)
		create(other_target, other_filter, number);
	ck_assert_str_eq(find(&process, &item), "Conflicts");
	ck_assert_str_eq(process_outcome(&process, interface), "ineligible: session-limit");
	ck_assert_str_eq(jsonx_get_string(ensure(&process, target, NULL), "Outcome"), "ineligible");
	ck_assert_str_eq(process_outcome(&process, interface), "ineligible: session-limit");
}
END_TEST

/* The rule's filter was changed: the session of ours is modified, not a second one created. */
START_TEST(test_drifted_is_updated)
{
	struct process later;
	json_t *item;
	const json_t *result;

	ensure(&process, target, NULL);
	snprintf(filter, sizeof(filter), "%s", other_filter);
	open_process(&later, "", "later", NULL);
	ck_assert_str_eq(find(&later, &item), "Drifted");
	result = ensure(&later, target, jsonx_get_string(item, "SessionId"));
	ck_assert_str_eq(jsonx_get_string(result, "Outcome"), "updated");
	ck_assert_uint_eq(process_calls(&later, "ModifyTrafficMirrorSession"), 1);
	ck_assert_uint_eq(process_calls(&later, "CreateTrafficMirrorSession"), 0);
	ck_assert_str_eq(find(&later, &item), "Present");
	ck_assert_uint_eq(live_sessions(), 1);
	process_fini(&later);
}
END_TEST

static const char *const changed_options[] = {
    "sessionNumber: 7", "virtualNetworkId: 77", "packetLength: 96"};

START_TEST(test_changed_options_are_updated)
{
	struct process later;
	json_t *item;

	ensure(&process, target, NULL);
	open_process(&later, changed_options[_i], "later", NULL);
	ck_assert_str_eq(find(&later, &item), "Drifted");
	ck_assert_str_eq(
	    jsonx_get_string(
		ensure(&later, target, jsonx_get_string(item, "SessionId")), "Outcome"),
	    "updated");
	ck_assert_str_eq(find(&later, &item), "Present");
	ck_assert_uint_eq(live_sessions(), 1);
	process_fini(&later);
}
END_TEST

/* Filter and number were changed together: it is still the session that this rule made. */
START_TEST(test_all_of_a_rule_changed)
{
	struct process later;
	json_t *item;

	ensure(&process, target, NULL);
	snprintf(filter, sizeof(filter), "%s", other_filter);
	open_process(&later, "sessionNumber: 7", "later", NULL);
	ck_assert_str_eq(find(&later, &item), "Drifted");
	ck_assert_str_eq(
	    jsonx_get_string(
		ensure(&later, target, jsonx_get_string(item, "SessionId")), "Outcome"),
	    "updated");
	ck_assert_uint_eq(live_sessions(), 1);
	process_fini(&later);
}
END_TEST

/* Any number and any VXLAN id will do where the rule names none. */
START_TEST(test_default_options_do_not_drift)
{
	struct process first;
	struct process automatic;
	json_t *item;

	open_process(&first, "virtualNetworkId: 77", "first", NULL);
	ensure(&first, target, NULL);
	ck_assert_str_eq(find(&process, &item), "Present");
	open_process(&automatic, "sessionNumber: auto", "automatic", NULL);
	ck_assert_str_eq(find(&automatic, &item), "Present");
	process_fini(&automatic);
	process_fini(&first);
}
END_TEST

/* But a rule without packetLength wants whole packets: sessions of ours that cut them short are
 * repaired, once. */
START_TEST(test_packet_length_is_removed)
{
	struct process later;
	struct process first;
	json_t *item;

	open_process(&first, "virtualNetworkId: 77, packetLength: 96", "first", NULL);
	ensure(&first, target, NULL);
	open_process(&later, "", "later", NULL);
	ck_assert_str_eq(find(&later, &item), "Drifted");
	ck_assert_str_eq(
	    jsonx_get_string(
		ensure(&later, target, jsonx_get_string(item, "SessionId")), "Outcome"),
	    "updated");
	ck_assert(process_asked_with(
	    &later, "ModifyTrafficMirrorSession", "RemoveField.1=packet-length"));
	ck_assert(!process_asked_with(&later, "ModifyTrafficMirrorSession", "virtual-network-id"));
	ck_assert_str_eq(find(&later, &item), "Present");
	ck_assert_uint_eq(live_sessions(), 1);
	process_fini(&later);
	process_fini(&first);
}
END_TEST

/* Makes an interface of instance 1 a target. */
static void
make_interface_target(char ret_target[SIM_ID_BYTES])
{
	char holder[SIM_ID_BYTES];
	char body[256];
	struct sim_request request = {
	    .method = "POST", .path = "/", .now_wall_ms = fixture.clock.now_wall_ms};
	struct sim_reply reply;
	const char *id;

	world_interface_id(fixture.world, 1, 0, holder);
	snprintf(body, sizeof(body),
	    "Action=CreateTrafficMirrorTarget&NetworkInterfaceId=%s&Version=2016-11-15", holder);
	request.body = str_of(body);
	reply = world_handle(fixture.world, &request);
	ck_assert_int_eq(reply.status, 200);
	id = strstr(buf_cstr(&reply.body), "tmt-");
	ck_assert_ptr_nonnull(id);
	snprintf(ret_target, SIM_ID_BYTES, "%.*s", (int)strcspn(id, "<"), id);
	sim_reply_fini(&reply);
}

/* 8500 is what a load balancer gets by itself, and what somebody wanted of an interface. */
START_TEST(test_default_packet_length_of_each_kind_of_target)
{
	struct process first;
	struct process later;
	json_t *item;

	if (_i == 1)
		make_interface_target(target);
	open_process(&first, "packetLength: 8500", "first", NULL);
	ensure(&first, target, NULL);
	open_process(&later, "", "later", NULL);
	ck_assert_str_eq(find(&later, &item), _i == 0 ? "Present" : "Drifted");
	ck_assert_uint_eq(process_calls(&later, "DescribeTrafficMirrorTargets"), 1);
	ck_assert_str_eq(
	    jsonx_get_string(
		ensure(&later, target, jsonx_get_string(item, "SessionId")), "Outcome"),
	    "updated");
	ck_assert_str_eq(find(&later, &item), "Present");
	process_fini(&later);
	process_fini(&first);
}
END_TEST

/* Options of a session that somebody else made are theirs. */
START_TEST(test_options_of_others_do_not_drift)
{
	struct process strict;
	json_t *item;

	create(target, filter, 7);
	open_process(&strict, "virtualNetworkId: 77, packetLength: 96", NULL, NULL);
	ck_assert_str_eq(find(&strict, &item), "Present");
	process_fini(&strict);
}
END_TEST

/* The rule's new number is somebody else's: the session stays as it is, and says so. */
START_TEST(test_changed_number_is_taken)
{
	struct process later;
	json_t *item;

	ensure(&process, target, NULL);
	create(other_target, other_filter, 7);
	open_process(&later, "sessionNumber: 7", NULL, NULL);
	ck_assert_str_eq(find(&later, &item), "Conflicts");
	ck_assert_str_eq(process_outcome(&later, interface), "conflict: session-number");
	process_fini(&later);
}
END_TEST

/* The one to modify has gone since. */
START_TEST(test_drifted_is_gone)
{
	process_fault(&process, "ModifyTrafficMirrorSession",
	    "InvalidTrafficMirrorSessionId.NotFound", 400, 1);
	ck_assert_str_eq(
	    jsonx_get_string(ensure(&process, target, "tms-gone"), "Outcome"), "created");
	ck_assert_uint_eq(live_sessions(), 1);
}
END_TEST

START_TEST(test_auto_takes_a_free_number)
{
	struct process automatic;

	create(other_target, other_filter, 100);
	create(other_target, other_filter, 101);
	open_process(&automatic, "sessionNumber: auto", NULL, NULL);
	ck_assert_str_eq(jsonx_get_string(ensure(&automatic, target, NULL), "Outcome"), "created");
	ck_assert(
	    process_asked_with(&automatic, "CreateTrafficMirrorSession", "SessionNumber=102&"));
	ck_assert_uint_eq(live_sessions(), 3);
	process_fini(&automatic);
}
END_TEST

START_TEST(test_options_are_sent)
{
	struct process special;

	open_process(
	    &special, "sessionNumber: 5, virtualNetworkId: 77, packetLength: 96", NULL, NULL);
	ensure(&special, target, NULL);
	ck_assert(process_asked_with(&special, "CreateTrafficMirrorSession", "SessionNumber=5&"));
	ck_assert(
	    process_asked_with(&special, "CreateTrafficMirrorSession", "VirtualNetworkId=77&"));
	ck_assert(process_asked_with(&special, "CreateTrafficMirrorSession", "PacketLength=96&"));
	process_fini(&special);
}
END_TEST

/* --- refusals --- */

static const struct {
	const char *code;
	int status;
	const char *outcome; /* recorded; NULL: the action fails with that code */
} refusals[] = {
    {"NetworkInterfaceNotSupported", 400, "ineligible: type"},
    {"InvalidNetworkInterfaceID.NotFound", 400, "gone"},
    {"InvalidNetworkInterfaceId.NotFound", 400, "gone"},
    {"InterfaceInUseByTrafficMirrorTarget", 400, "excluded: target-instance"},
    {"TrafficMirrorSessionsPerInterfaceLimitExceeded", 400, "ineligible: session-limit"},
    {"TrafficMirrorSourcesPerTargetLimitExceeded", 400, NULL},
    {"TrafficMirrorSessionLimitExceeded", 400, NULL},
    {"InvalidTrafficMirrorFilterId.NotFound", 400, NULL},
    {"InvalidTrafficMirrorTargetId.NotFound", 400, NULL},
    {"UnauthorizedOperation", 403, NULL},
    {"InvalidParameterValue", 400, NULL},
    {"RequestLimitExceeded", 503, NULL},
    {"InternalError", 500, NULL},
};

START_TEST(test_refusals)
{
	const json_t *result;
	json_t *outcomes;

	process_fault(
	    &process, "CreateTrafficMirrorSession", refusals[_i].code, refusals[_i].status, 1000);
	result = ensure(&process, target, NULL);
	if (refusals[_i].outcome != NULL) {
		ck_assert_ptr_nonnull(result);
		ck_assert(json_is_null(json_object_get(result, "SessionId")));
		ck_assert_str_eq(process_outcome(&process, interface), refusals[_i].outcome);
		return;
	}
	ck_assert_ptr_null(result);
	ck_assert_str_eq(process_error(&process)->name, refusals[_i].code);
	ck_assert_str_eq(process_error(&process)->request_id, "req-test");
	outcomes = process_outcomes(&process);
	ck_assert_uint_eq(json_array_size(outcomes), 1);
	ck_assert_str_eq(jsonx_get_string(json_array_get(outcomes, 0), "outcome"), "failed");
	ck_assert_str_eq(jsonx_get_string(json_array_get(outcomes, 0), "error"), refusals[_i].code);
	ck_assert_str_eq(jsonx_get_string(json_array_get(outcomes, 0), "request"), "req-test");
	json_decref(outcomes);
}
END_TEST

/* What the configuration calls unmirrorable is not asked for, and what AWS refused is not asked
 * for again. */
START_TEST(test_types_that_are_not_asked_for)
{
	struct process other;
	char config[512];
	json_t *item;

	process_fault(
	    &process, "CreateTrafficMirrorSession", "NetworkInterfaceNotSupported", 400, 1);
	process_run(&process, "ensure-session",
	    jpack("{s:s, s:s, s:s, s:s, s:s}", "Rule", "rule", "NetworkInterfaceId", interface,
		"InstanceId", instance, "TargetId", target, "InstanceType", "t2.nano"));
	ck_assert_str_eq(
	    find(&process, &item), "Missing"); /* of a type that find() does not tell */
	ck_assert_str_eq(find_item(&process, "t2.nano", &item), "Conflicts");
	ck_assert_str_eq(jsonx_get_string(item, "Outcome"), "ineligible");
	ck_assert_str_eq(jsonx_get_string(item, "Reason"), "type");
	ck_assert_str_eq(process_outcome(&process, interface), "ineligible: type");
	ck_assert_str_eq(find_type(&process, "t3.nano"), "Missing"); /* changed since */
	snprintf(config, sizeof(config),
	    "vpcs: [{name: rule, vpcId: %s, filterId: %s, targetId: %s}]\n"
	    "instanceTypes: {unmirrorable: ['t3.*']}\n",
	    vpc, filter, target);
	process_init(&other, &fixture, &(struct process_opts){.config = config});
	ck_assert_str_eq(find_type(&other, "t3.nano"), "Conflicts");
	ck_assert_str_eq(process_outcome(&other, interface), "ineligible: type");
	ck_assert_str_eq(find_type(&other, "t2.nano"), "Missing"); /* another store */
	process_fini(&other);
}
END_TEST

/* The same for a rule whose targets are created: what serves the source is judged by the
 * target's subnet. */
START_TEST(test_refusal_with_created_targets)
{
	struct process creating;
	const char *target_id;

	process_init(&creating, &fixture, &(struct process_opts){0});
	target_id =
	    jsonx_get_string(process_run(&creating, "ensure-target",
				 jpack("{s:s, s:s}", "Rule", "vpcs[0]", "SubnetId", subnet)),
		"TargetId");
	ck_assert_ptr_nonnull(target_id);
	create(target_id, other_filter, 100);
	ck_assert_str_eq(jsonx_get_string(process_run(&creating, "ensure-session",
					      jpack("{s:s, s:s, s:s, s:s}", "Rule", "vpcs[0]",
						  "NetworkInterfaceId", interface, "InstanceId",
						  instance, "TargetId", target_id)),
			     "Outcome"),
	    "present");
	process_fini(&creating);
}
END_TEST

/* Another request for the same session, before anybody looked: one session in the end. */
START_TEST(test_other_request)
{
	struct process other;

	ensure(&process, target, NULL);
	open_process(&other, "packetLength: 96", NULL, NULL);
	ck_assert_str_eq(jsonx_get_string(ensure(&other, target, NULL), "Outcome"), "updated");
	ck_assert_uint_eq(live_sessions(), 1);
	process_fini(&other);
}
END_TEST

/* A page may be empty and have a token all the same: what is looked for stands on a later one. */
START_TEST(test_found_behind_empty_pages)
{
	json_t *item;
	size_t describes;

	ensure(&process, target, NULL);
	process_forget_calls(&process);
	ck_assert_str_eq(find(&process, &item), "Present");
	describes = process_calls(&process, "DescribeTrafficMirrorSessions");
	ck_assert_uint_ge(describes, 2);
}
END_TEST

/* The number that is tried is refused, and the session that has it stands behind a dozen empty
 * pages. */
START_TEST(test_number_behind_empty_pages)
{
	struct process other;

	create(target, filter, 100);
	open_process(&other, "sessionNumber: auto", NULL, NULL);
	ck_assert_str_eq(jsonx_get_string(ensure(&other, target, NULL), "Outcome"), "present");
	ck_assert_uint_gt(process_calls(&other, "DescribeTrafficMirrorSessions"), 10);
	ck_assert_uint_eq(process_calls(&other, "CreateTrafficMirrorSession"), 1);
	process_fini(&other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sessions");
	TCase *tcase;
	const TTest *const tests[] = {test_created_then_present, test_twice,
	    test_present_by_somebody_else, test_present_after_a_refusal, test_conflict,
	    test_other_target_does_not_count, test_a_number_is_handed_on,
	    test_a_number_that_cannot_be, test_session_limit, test_drifted_is_updated,
	    test_drifted_is_gone, test_auto_takes_a_free_number, test_options_are_sent,
	    test_all_of_a_rule_changed, test_default_options_do_not_drift,
	    test_packet_length_is_removed, test_options_of_others_do_not_drift,
	    test_changed_number_is_taken, test_refusal_with_created_targets, test_other_request,
	    test_types_that_are_not_asked_for};

	tcase = suite_add_tests(
	    suite, "sessions", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
	tcase_add_loop_test(tcase, test_changed_options_are_updated, 0,
	    sizeof(changed_options) / sizeof(changed_options[0]));
	tcase_add_loop_test(tcase, test_default_packet_length_of_each_kind_of_target, 0, 2);
	tcase_add_loop_test(tcase, test_refusals, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase = tcase_create("lag");
	tcase_add_checked_fixture(tcase, setup_lag, teardown);
	tcase_add_test(tcase, test_present_once_it_is_listed);
	tcase_add_test(tcase, test_a_number_is_taken_once_that_is_listed);
	tcase_add_test(tcase, test_looks_in_vain);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("pages");
	tcase_add_checked_fixture(tcase, setup_empty_pages, teardown);
	tcase_add_test(tcase, test_found_behind_empty_pages);
	tcase_add_test(tcase, test_number_behind_empty_pages);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
