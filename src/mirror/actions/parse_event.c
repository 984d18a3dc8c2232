#include "aws/arn.h"
#include "base/jsonx.h"
#include "mirror/actions/action.h"

#include <ctype.h>
#include <string.h>

/*
 * tmflow:parse-event: what an EventBridge event means to tmflow. Pure: it asks AWS for nothing. A
 * finding shows an instance as GuardDuty saw it, without device indexes and perhaps hours ago; so
 * the workflow describes the instance, and counts on the ids only.
 * See: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html
 */

#define REASON_KEPT	  "reason"
#define INSTANCE_RESOURCE "instance/"
#define INSTANCES_MAX	  1000u /* what describe-page takes */

/* What is being made of the event; borrowed from it, but for instances. */
struct reading {
	const char *kind;
	const char *account_id;
	char account_digits[ARN_ACCOUNT_DIGITS + 1]; /* of an account that is a number */
	const char *region;
	json_t *instances; /* new */
};

/* --- the answer --- */

static json_t *
parse_event_ids(const json_t *instances)
{
	json_t *ids = json_array();
	json_t *instance;
	size_t i;

	json_array_foreach (instances, i, instance)
		json_array_append(ids, json_object_get(instance, "InstanceId"));
	return ids;
}

static enum tmf_op_next
parse_event_answer(struct tmf_op *op, const struct reading *reading)
{
	json_t *result = json_object();

	jsonx_put_string(result, "Kind", reading->kind);
	json_object_set(result, "Reason", tmf_op_kept(op, REASON_KEPT));
	jsonx_put_string_or_null(result, "AccountId", reading->account_id);
	jsonx_put_string_or_null(result, "Region", reading->region);
	json_object_set_new(result, "InstanceIds", parse_event_ids(reading->instances));
	json_object_set_new(
	    result, "Instances", reading->instances != NULL ? reading->instances : json_array());
	return tmf_op_done(op, result);
}

/* Notes in passing why the event counts, or why not. */
static void parse_event_reason(struct tmf_op *op, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
parse_event_reason(struct tmf_op *op, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	tmf_op_keep(op, REASON_KEPT, json_string(buf_cstr(&text)));
	buf_fini(&text);
}

/* --- instances --- */

/* An id goes into a request, and an event is written by others: only what can be an id is let
 * through. */
static bool
parse_event_is_instance_id(const char *id)
{
	if (id == NULL || strncmp(id, "i-", 2) != 0 || id[2] == '\0')
		return false;
	for (id += 2; *id != '\0'; id++)
		if (!isalnum((unsigned char)*id))
			return false;
	return true;
}

/* In the form of DescribeInstances, with lists that are empty rather than missing, so that states
 * can count on them. */
static json_t *
parse_event_instance(const char *id, const char *type, const char *state)
{
	json_t *instance = json_object();

	jsonx_put_string(instance, "InstanceId", id);
	jsonx_put_string(instance, "InstanceType", type);
	jsonx_put_string(instance, "State", state);
	json_object_set_new(instance, "Tags", json_array());
	json_object_set_new(instance, "NetworkInterfaces", json_array());
	return instance;
}

static json_t *
parse_event_list(json_t *instance)
{
	json_t *list = json_array();

	json_array_append_new(list, instance);
	return list;
}

/* A finding's {key, value} as DescribeInstances has them. EC2 takes tags without a value, which a
 * finding leaves out; as a tag they have an empty one. */
static void
parse_event_add_tags(json_t *instance, const json_t *details)
{
	json_t *tag;
	size_t i;

	json_array_foreach (jsonx_get_array(details, "tags"), i, tag) {
		const char *value = jsonx_get_string(tag, "value");

		if (jsonx_get_string(tag, "key") != NULL)
			tag_add(jsonx_get_array(instance, "Tags"), jsonx_get_string(tag, "key"),
			    value != NULL ? value : "");
	}
}

/* Sets the instance's member to what all of its interfaces agree in. A finding has no device
 * indexes: where two interfaces are in different subnets, the instance's own is not known. */
static void
parse_event_set_common(json_t *instance, const char *member)
{
	const char *common = NULL;
	json_t *interface;
	size_t i;

	json_array_foreach (jsonx_get_array(instance, "NetworkInterfaces"), i, interface) {
		const char *value = jsonx_get_string(interface, member);

		if (value == NULL || (common != NULL && strcmp(common, value) != 0))
			return;
		common = value;
	}
	jsonx_put_string(instance, member, common);
}

static void
parse_event_add_interfaces(json_t *instance, const json_t *details)
{
	json_t *interface;
	size_t i;

	json_array_foreach (jsonx_get_array(details, "networkInterfaces"), i, interface) {
		json_t *added = json_object();

		jsonx_put_string(
		    added, "NetworkInterfaceId", jsonx_get_string(interface, "networkInterfaceId"));
		jsonx_put_string(added, "SubnetId", jsonx_get_string(interface, "subnetId"));
		jsonx_put_string(added, "VpcId", jsonx_get_string(interface, "vpcId"));
		json_array_append_new(jsonx_get_array(instance, "NetworkInterfaces"), added);
	}
	parse_event_set_common(instance, "VpcId");
	parse_event_set_common(instance, "SubnetId");
}

/* Some tools that pass events on make a number of the id. */
static void
parse_event_take_account(struct reading *reading, const json_t *id)
{
	if (json_is_string(id))
		reading->account_id = json_string_value(id);
	else if (arn_account_of(id, reading->account_digits))
		reading->account_id = reading->account_digits;
}

/* --- state changes --- */

/* Only `running` counts: a pending instance may have no interface yet, and the others end. */
static int
parse_event_state_change(struct tmf_op *op, const json_t *detail, struct reading *reading)
{
	const char *id = jsonx_get_string(detail, "instance-id");
	const char *state = jsonx_get_string(detail, "state");

	if (!parse_event_is_instance_id(id))
		return tmf_err_set(
		    &op->err, TMF_ERR_INVALID, "detail.instance-id must be an id like \"i-...\"");
	if (state == NULL)
		return tmf_err_set(&op->err, TMF_ERR_INVALID, "detail.state must be a string");
	reading->instances = parse_event_list(parse_event_instance(id, NULL, state));
	parse_event_reason(op, "instance %s is %s", id, state);
	if (strcmp(state, "running") == 0)
		reading->kind = "launch";
	return 0;
}

/* --- findings --- */

/* GuardDuty's `Generate sample findings` makes findings of instances that do not exist. Older ones
 * have additionalInfo.sample: true, newer ones JSON text in additionalInfo.value:
 * "{\"sample\": true, ...}". */
static bool
finding_is_sample(const json_t *detail)
{
	const json_t *info =
	    jsonx_get_object(jsonx_get_object(detail, "service"), "additionalInfo");
	const char *value = jsonx_get_string(info, "value");
	json_t *parsed = value != NULL ? jsonx_parse(str_of(value), NULL) : NULL;
	bool sample = json_is_true(json_object_get(info, "sample")) ||
		      json_is_true(json_object_get(parsed, "sample"));

	json_decref(parsed);
	return sample;
}

/* What the configuration asks of findings. A workflow without a configuration takes them all. Each
 * reason is kept, since a finding that was ignored is what somebody will ask about. */
static bool
finding_is_wanted(struct tmf_op *op, const json_t *detail, const char *type)
{
	const struct mirror *mirror = env(op);
	const struct config_guardduty *wanted;
	double severity = json_number_value(json_object_get(detail, "severity"));

	if (mirror == NULL || mirror->config == NULL)
		return true;
	wanted = mirror_config_guardduty(mirror->config);
	if (severity < wanted->min_severity) {
		parse_event_reason(op, "severity %g is below guardduty.minSeverity, %g", severity,
		    wanted->min_severity);
		return false;
	}
	if (!config_guardduty_wants_type(wanted, type)) {
		parse_event_reason(
		    op, "guardduty.types has no pattern that fits the type %s", type);
		return false;
	}
	return true;
}

/* What runs on no instance. A finding about one carries the instance that the keys were issued to,
 * which says nothing of its traffic. */
static const char *const finding_other_resources[] = {"AccessKey", "S3Bucket", "S3Object", NULL};

static bool
finding_is_of_another(const char *resource_type)
{
	for (const char *const *other = finding_other_resources; *other != NULL; other++)
		if (resource_type != NULL && strcmp(resource_type, *other) == 0)
			return true;
	return false;
}

/* The finding's own instance, whatever else its resource is: findings of containers and clusters
 * carry the instance that they run on. */
static int
finding_read_instance(struct tmf_op *op, const json_t *resource, struct reading *reading)
{
	const json_t *details = jsonx_get_object(resource, "instanceDetails");
	const char *resource_type = jsonx_get_string(resource, "resourceType");
	const char *id = jsonx_get_string(details, "instanceId");
	json_t *instance;

	if (finding_is_of_another(resource_type)) {
		parse_event_reason(op,
		    "the finding is on a resource of type %s, not on an instance", resource_type);
		return 0;
	}
	if (!parse_event_is_instance_id(id)) {
		parse_event_reason(op, "the finding names no instance: its resource is of type %s",
		    resource_type != NULL ? resource_type : "unknown");
		return 0;
	}
	instance = parse_event_instance(id, jsonx_get_string(details, "instanceType"),
	    jsonx_get_string(details, "instanceState"));
	parse_event_add_tags(instance, details);
	parse_event_add_interfaces(instance, details);
	json_array_append_new(reading->instances, instance);
	return 0;
}

/* --- attack sequences --- */

/* The sequences whose resources are hosts. Those of IAM/ and S3/ are about keys and buckets. */
static const char *const sequence_types[] = {
    "AttackSequence:EC2/", "AttackSequence:ECS/", "AttackSequence:EKS/", NULL};

static bool
sequence_is_one(const char *type)
{
	for (const char *const *prefix = sequence_types; *prefix != NULL; prefix++)
		if (str_starts(str_of(type), *prefix))
			return true;
	return false;
}

static bool
sequence_has(const struct reading *reading, struct str id)
{
	json_t *instance;
	size_t i;

	json_array_foreach (reading->instances, i, instance)
		if (str_is(id, jsonx_get_string(instance, "InstanceId")))
			return true;
	return false;
}

/*
 * uid is an instance's ARN: arn:aws:ec2:us-east-1:111122223333:instance/i-0a1b. One of another
 * account or region is left out, since a describe would not find it and the whole would fail.
 * data: what the resource says of the instance, or NULL.
 */
static void
sequence_add(struct reading *reading, const char *uid, const json_t *data)
{
	struct arn arn;
	const char *id;

	if (uid == NULL || arn_parse(uid, &arn, NULL) < 0 ||
	    !str_starts(arn.resource, INSTANCE_RESOURCE))
		return;
	id = arn.resource.p + strlen(INSTANCE_RESOURCE);
	if (!parse_event_is_instance_id(id) || sequence_has(reading, str_of(id)) ||
	    (reading->account_id != NULL && !str_is(arn.account, reading->account_id)) ||
	    (reading->region != NULL && !str_is(arn.region, reading->region)))
		return;
	json_array_append_new(
	    reading->instances, parse_event_instance(id, jsonx_get_string(data, "instanceType"),
				    jsonx_get_string(data, "instanceState")));
}

/*
 * A resource is an instance, or one that has instances: a cluster, an Auto Scaling group, an
 * instance profile, a launch template. Its data is the one member of `data`, by the name of the
 * type.
 * See: https://docs.aws.amazon.com/guardduty/latest/APIReference/API_ResourceV2.html
 */
static void
sequence_add_resource(struct reading *reading, const json_t *resource)
{
	const json_t *all = jsonx_get_object(resource, "data");
	const char *name;
	json_t *data;
	json_t *uid;
	size_t i;

	sequence_add(
	    reading, jsonx_get_string(resource, "uid"), jsonx_get_object(all, "ec2Instance"));
	json_object_foreach ((json_t *)all, name, data)
		json_array_foreach (jsonx_get_array(data, "ec2InstanceUids"), i, uid)
			sequence_add(reading, json_string_value(uid), NULL);
}

static int
finding_read_sequence(struct tmf_op *op, const json_t *detail, struct reading *reading)
{
	const json_t *detection =
	    jsonx_get_object(jsonx_get_object(detail, "service"), "detection");
	const json_t *sequence = jsonx_get_object(detection, "sequence");
	json_t *resource;
	size_t i;

	json_array_foreach (jsonx_get_array(sequence, "resources"), i, resource) {
		sequence_add_resource(reading, resource);
		if (json_array_size(reading->instances) > INSTANCES_MAX)
			return tmf_err_set(&op->err, TMF_ERR_INVALID,
			    "detail.service.detection.sequence.resources: more than %u instances",
			    INSTANCES_MAX);
	}
	if (json_array_size(reading->instances) == 0)
		parse_event_reason(op, "the attack sequence names no instance");
	return 0;
}

/* --- */

/* The instances that a reason names: the first, and how many others. */
static void
finding_reason(struct tmf_op *op, const char *type, const struct reading *reading)
{
	size_t count = json_array_size(reading->instances);
	const char *id = jsonx_get_string(json_array_get(reading->instances, 0), "InstanceId");

	if (count == 1)
		parse_event_reason(op, "finding %s on instance %s", type, id);
	else
		parse_event_reason(
		    op, "finding %s on instance %s and %zu others", type, id, count - 1);
}

/* The finding's own account comes before the event's: an administrator account receives its
 * members' findings, and the event may name either. A finding that is not wanted is ignored rather
 * than an error: the event was read as it should be. */
static int
parse_event_finding(struct tmf_op *op, const json_t *detail, struct reading *reading)
{
	const char *type = jsonx_get_string(detail, "type");
	int ret;

	parse_event_take_account(reading, json_object_get(detail, "accountId"));
	if (jsonx_get_string(detail, "region") != NULL)
		reading->region = jsonx_get_string(detail, "region");
	if (type == NULL)
		return tmf_err_set(&op->err, TMF_ERR_INVALID, "detail.type must be a string");
	reading->instances = json_array();
	ret = sequence_is_one(type)
		  ? finding_read_sequence(op, detail, reading)
		  : finding_read_instance(op, jsonx_get_object(detail, "resource"), reading);
	if (ret < 0 || json_array_size(reading->instances) == 0)
		return ret;
	if (finding_is_sample(detail)) {
		parse_event_reason(op, "the finding is a sample: its instance does not exist");
		return 0;
	}
	if (!finding_is_wanted(op, detail, type))
		return 0;
	finding_reason(op, type, reading);
	reading->kind = "guardduty";
	return 0;
}

/* --- events --- */

static const struct {
	const char *source;
	const char *detail_type;
	int (*read)(struct tmf_op *op, const json_t *detail, struct reading *reading);
} parse_event_kinds[] = {
    {"aws.ec2", "EC2 Instance State-change Notification", parse_event_state_change},
    {"aws.guardduty", "GuardDuty Finding", parse_event_finding},
};

static bool
event_member_is(const json_t *object, const char *key, const char *wanted)
{
	const char *text = jsonx_get_string(object, key);

	return text != NULL && strcmp(text, wanted) == 0;
}

static int
parse_event_read(struct tmf_op *op, struct reading *reading)
{
	const json_t *detail = jsonx_get_object(op->input, "detail");
	const char *type = jsonx_get_string(op->input, "detail-type");

	for (size_t i = 0; i < sizeof(parse_event_kinds) / sizeof(parse_event_kinds[0]); i++) {
		if (!event_member_is(op->input, "source", parse_event_kinds[i].source) ||
		    !event_member_is(op->input, "detail-type", parse_event_kinds[i].detail_type))
			continue;
		if (detail == NULL)
			return tmf_err_set(&op->err, TMF_ERR_INVALID, "detail must be an object");
		return parse_event_kinds[i].read(op, detail, reading);
	}
	if (type != NULL)
		parse_event_reason(op, "events of detail-type \"%s\" are not for tmflow", type);
	else
		parse_event_reason(op, "not an EventBridge event: the input has no detail-type");
	return 0;
}

/* A configuration names resources of its own region only, and rules may send events across
 * regions: what happens elsewhere is somebody else's to mirror. */
static void
parse_event_check_region(struct tmf_op *op, struct reading *reading)
{
	const struct mirror *mirror = env(op);
	const char *ours = mirror != NULL && mirror->account->ec2 != NULL
			       ? aws_client_region(mirror->account->ec2)
			       : "";

	if (strcmp(reading->kind, "ignored") == 0 || reading->region == NULL || ours[0] == '\0' ||
	    strcmp(reading->region, ours) == 0)
		return;
	reading->kind = "ignored";
	parse_event_reason(op, "the event is of another region: %s, not %s", reading->region, ours);
}

static enum tmf_op_next
parse_event_start(struct tmf_op *op)
{
	struct reading reading = {
	    .kind = "ignored",
	    .region = jsonx_get_string(op->input, "region"),
	};

	if (!json_is_object(op->input))
		return tmf_op_fail(op, TMF_ERR_INVALID,
		    "the input of tmflow:parse-event must be an event, an object, but is of kind "
		    "%s",
		    jsonx_kind(op->input));
	parse_event_take_account(&reading, json_object_get(op->input, "account"));
	if (parse_event_read(op, &reading) == 0) {
		parse_event_check_region(op, &reading);
		return parse_event_answer(op, &reading);
	}
	json_decref(reading.instances);
	return TMF_OP_FAIL;
}

static const struct tmf_action_field output[] = {
    {"Kind", "string", true, "launch: an instance runs; guardduty: a finding; or ignored"},
    {"Reason", "string", true, "why it is that"},
    {"AccountId", "string or null", true, "the instances' account, where the event names it"},
    {"Region", "string or null", true, "their region"},
    {"InstanceIds", "list of string", true, "the instances that the event names"},
    {"Instances", "list of Instance", true,
	"what the event says about them: describe them for the rest"},
    {.name = NULL},
};

const struct tmf_action action_parse_event = {
    .name = "parse-event",
    .summary = "Reads an EventBridge event: a launched instance, a GuardDuty finding, or neither",
    .output = output,
    .start = parse_event_start,
};
