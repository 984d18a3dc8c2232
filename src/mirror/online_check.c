#include "mirror/online_check.h"

#include "aws/pace/retry.h"
#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/config_keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CODE_MISSING_ONLINE "NOT_FOUND_IN_AWS"
#define CODE_NOT_LOOKED_UP  "NOT_LOOKED_UP"

/* By the prefix of its ids. A filter and not the list of ids: EC2 refuses a whole call for one id
 * that it does not know. */
static const struct check_kind {
	const char *prefix;
	const char *noun;
	const struct ec2_list *list;
	const char *filter;
	const char *set;    /* of the reply */
	const char *member; /* of its elements: the id */
} check_kinds[] = {
    {"tmt-", "traffic mirror target", &ec2_list_targets, "traffic-mirror-target-id",
	"TrafficMirrorTargets", "TrafficMirrorTargetId"},
    {"tmf-", "traffic mirror filter", &ec2_list_filters, "traffic-mirror-filter-id",
	"TrafficMirrorFilters", "TrafficMirrorFilterId"},
    {"ami-", "image", &ec2_list_images, "image-id", "Images", "ImageId"},
    {"sg-", "security group", &ec2_list_security_groups, "group-id", "SecurityGroups", "GroupId"},
    {"subnet-", "subnet", &ec2_list_subnets, "subnet-id", "Subnets", "SubnetId"},
    {"vpc-", "VPC", &ec2_list_vpcs, "vpc-id", "Vpcs", "VpcId"},
};

#define CHECK_KINDS (sizeof(check_kinds) / sizeof(check_kinds[0]))

const char *const online_check_iam_actions[] = {"ec2:DescribeTrafficMirrorTargets",
    "ec2:DescribeTrafficMirrorFilters", "ec2:DescribeImages", "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets", "ec2:DescribeVpcs", NULL};

/* --- what the configuration names --- */

/* kind: index into check_kinds. pointer: of the id's place in the document. */
typedef void check_visit_fn(void *arg, size_t kind, const char *id, const char *pointer);

static void
check_visit_id(const json_t *value, const char *pointer, check_visit_fn *visit, void *arg)
{
	const char *id = json_string_value(value);

	if (id == NULL || !config_given(value))
		return;
	for (size_t kind = 0; kind < CHECK_KINDS; kind++)
		if (strncmp(id, check_kinds[kind].prefix, strlen(check_kinds[kind].prefix)) == 0)
			visit(arg, kind, id, pointer);
}

/* The keys by which a target is launched mean nothing beside a target that is given. */
static bool
check_key_counts(const struct config_key *key, const struct config_rule *rule)
{
	bool launches = key->role == ROLE_LAUNCH || key->role == ROLE_LAUNCH_OPTIONAL;

	return key->prefix != NULL && !(launches && rule->target_id != NULL);
}

static void
check_visit_key(const json_t *rule, const struct config_key *key, const char *pointer,
    check_visit_fn *visit, void *arg)
{
	const json_t *value = json_object_get(rule, key->name);
	char *at = mem_printf("%s/%s", pointer, key->name);

	check_visit_id(value, at, visit, arg);
	for (size_t i = 0; i < json_array_size(value); i++) {
		char *element = mem_printf("%s/%zu", at, i);

		check_visit_id(json_array_get(value, i), element, visit, arg);
		free(element);
	}
	free(at);
}

/* By the one table of keys, so that a key with an id is looked up as soon as it is in there. */
static void
check_visit_ids(const struct mirror_config *config, check_visit_fn *visit, void *arg)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_rule *rule = &config->slots[i].rule;
		const char *list = config_list_names[rule->kind];
		const json_t *object =
		    json_array_get(json_object_get(config->root, list), rule->index);
		char *pointer = mem_printf("/%s/%zu", list, rule->index);

		for (const struct config_key *key = config_rule_keys; key->name != NULL; key++)
			if (check_key_counts(key, rule))
				check_visit_key(object, key, pointer, visit, arg);
		free(pointer);
	}
}

/* --- asking --- */

/* The frame of a call sequence. */
struct online_check {
	struct aws_client *ec2;
	json_t *wanted[CHECK_KINDS]; /* [id], each once */
	json_t *seen;		     /* {id: true} */
	size_t kind;		     /* being asked for */
	size_t asked;		     /* ids of it that were asked for */
	json_t *result;		     /* {"Found": {id: true}, "Refused": {kind: text}} */
};

static void
check_free(void *frame)
{
	struct online_check *check = frame;

	for (size_t kind = 0; kind < CHECK_KINDS; kind++)
		json_decref(check->wanted[kind]);
	json_decref(check->seen);
	json_decref(check->result);
	free(check);
}

static void
check_want(void *arg, size_t kind, const char *id, const char *pointer)
{
	struct online_check *check = arg;

	assert(kind < CHECK_KINDS);
	(void)pointer;
	if (json_object_get(check->seen, id) != NULL)
		return;
	json_object_set_new(check->seen, id, json_true());
	json_array_append_new(check->wanted[kind], json_string(id));
}

static enum ec2_page_next
check_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct online_check *check = arg;
	const struct check_kind *kind = &check_kinds[check->kind];
	json_t *found = json_object_get(check->result, "Found");
	json_t *item;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, kind->set), i, item) {
		const char *id = jsonx_get_string(item, kind->member);

		if (id != NULL)
			json_object_set_new(found, id, json_true());
	}
	return EC2_PAGE_MORE;
}

/* The next 200 ids, of this kind or the next one; NULL when all were asked for. */
static struct tmf_call *
check_ask(struct online_check *check)
{
	const json_t *wanted;
	struct tmf_call *call;
	json_t *values;
	json_t *filters;

	while (check->kind < CHECK_KINDS &&
	       check->asked >= json_array_size(check->wanted[check->kind])) {
		check->kind++;
		check->asked = 0;
	}
	if (check->kind == CHECK_KINDS)
		return NULL;
	wanted = check->wanted[check->kind];
	assert(check->asked < json_array_size(wanted));
	values = json_array();
	while (check->asked < json_array_size(wanted) &&
	       json_array_size(values) < EC2_FILTER_VALUES_MAX)
		json_array_append(values, json_array_get(wanted, check->asked++));
	filters =
	    json_pack("[{s:s, s:o}]", "Name", check_kinds[check->kind].filter, "Values", values);
	call = ec2_pages(check->ec2, &(struct ec2_pages){
					 .list = check_kinds[check->kind].list,
					 .filters = filters,
					 .on_page = check_page,
					 .arg = check,
				     });
	json_decref(filters);
	return call;
}

/* Refused for good, and not because of the keys: with other keys all would be different. */
static bool
check_is_refusal(const struct tmf_err *err)
{
	static const char *const keys[] = {"AuthFailure", "InvalidClientTokenId",
	    "UnrecognizedClientException", "SignatureDoesNotMatch", "IncompleteSignature",
	    "MissingAuthenticationToken"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (tmf_err_is(err, keys[i]))
			return false;
	return err->code == TMF_ERR_SERVICE && retry_classify(err) == RETRY_NEVER;
}

static struct tmf_call *
check_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct online_check *check = frame;
	json_t *reply = tmf_call_take_result(over);
	struct tmf_call *next;

	if (reply == NULL && !check_is_refusal(&over->err)) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	if (reply == NULL) {
		jsonx_put_string(json_object_get(check->result, "Refused"),
		    check_kinds[check->kind].prefix, over->err.name);
		check->asked = json_array_size(check->wanted[check->kind]);
	}
	json_decref(reply);
	next = check_ask(check);
	if (next == NULL)
		*ret_result = json_incref(check->result);
	return next;
}

struct tmf_call *
online_check_start(struct aws_client *ec2, const struct mirror_config *config)
{
	struct online_check *check = mem_zalloc(1, sizeof(*check));
	struct tmf_call *first;

	check->ec2 = ec2;
	check->seen = json_object();
	check->result = json_object();
	json_object_set_new(check->result, "Found", json_object());
	json_object_set_new(check->result, "Refused", json_object());
	for (size_t kind = 0; kind < CHECK_KINDS; kind++)
		check->wanted[kind] = json_array();
	check_visit_ids(config, check_want, check);
	first = check_ask(check);
	/* Each rule names a filter at least. */
	assert(first != NULL);
	return tmf_call_sequence(first, check_step, check, check_free);
}

/* --- judging --- */

struct check_judgement {
	const json_t *found;
	const json_t *refused;
	bool others; /* ids may be of member accounts */
	bool said[CHECK_KINDS];
	struct diag_list *diags;
};

/* Once a kind, at the first place that names one. */
static void
check_say_refused(
    struct check_judgement *judgement, size_t kind, const char *error, const char *pointer)
{
	if (judgement->said[kind])
		return;
	judgement->said[kind] = true;
	diag_add(judgement->diags, DIAG_WARNING, CODE_NOT_LOOKED_UP, pointer, DIAG_AT_VALUE,
	    ONLINE_CHECK_OFF " leaves the lookup out", "%s not looked up: ec2:%s: %s",
	    check_kinds[kind].noun, check_kinds[kind].list->operation, error);
}

static void
check_judge_id(void *arg, size_t kind, const char *id, const char *pointer)
{
	struct check_judgement *judgement = arg;
	const char *error = jsonx_get_string(judgement->refused, check_kinds[kind].prefix);

	if (error != NULL)
		check_say_refused(judgement, kind, error, pointer);
	else if (json_object_get(judgement->found, id) == NULL)
		diag_add(judgement->diags, judgement->others ? DIAG_WARNING : DIAG_ERROR,
		    CODE_MISSING_ONLINE, pointer, DIAG_AT_VALUE,
		    judgement->others ? "it may be of another account" : NULL,
		    "%s not found in this account and region: %s", check_kinds[kind].noun, id);
}

void
online_check_judge(
    const struct mirror_config *config, const json_t *result, bool shared, struct diag_list *diags)
{
	struct check_judgement judgement = {
	    .found = json_object_get(result, "Found"),
	    .refused = json_object_get(result, "Refused"),
	    .others = shared || mirror_config_guardduty(config)->role_arn != NULL,
	    .diags = diags,
	};

	assert(judgement.found != NULL && judgement.refused != NULL);
	check_visit_ids(config, check_judge_id, &judgement);
}
