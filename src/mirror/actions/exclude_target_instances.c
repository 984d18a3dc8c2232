#include "base/jsonx.h"
#include "mirror/actions/action.h"
#include "mirror/members/members.h"
#include "mirror/targets/targets.h"

/*
 * tmflow:exclude-target-instances: mirroring what receives mirrored traffic would be a loop: each
 * mirrored packet would arrive as a new one to mirror. An instance behind any mirror target is left
 * out, no matter who made the target, and with all of its interfaces; so is one behind the load
 * balancer of a target that a rule names or somebody else mirrors to. Also leaves out what the
 * configuration excludes, which match has marked.
 */

static tmf_op_stage_fn exclude_loaded, exclude_members_known;

/* As match gives an entry: the instance is a member of it, without its tags. */
static const char *
exclude_instance(const json_t *entry)
{
	return jsonx_get_string(json_object_get(entry, "Instance"), "InstanceId");
}

/* The whole list is checked first, so that no outcome is recorded for a list that is refused. */
static int
exclude_check(struct tmf_op *op)
{
	const json_t *matched = action_field_of(op, "Matched");
	json_t *entry;
	size_t i;

	json_array_foreach (matched, i, entry)
		if (exclude_instance(entry) == NULL ||
		    jsonx_get_string(entry, "NetworkInterfaceId") == NULL)
			return tmf_err_set(&op->err, TMF_ERR_INVALID,
			    "Matched: entry %zu lacks NetworkInterfaceId or Instance.InstanceId",
			    i);
	return 0;
}

/* Without a look at lives: an instance behind a dead target is left out as well. */
static enum tmf_op_next
exclude_start(struct tmf_op *op)
{
	if (action_input_check(op) < 0 || exclude_check(op) < 0)
		return TMF_OP_FAIL;
	return tmf_op_await(op, targets_load(action_account(op)->targets), exclude_loaded);
}

/* What load balancers lead to is looked up by the inventory. */
static enum tmf_op_next
exclude_loaded(struct tmf_op *op)
{
	const struct members_opts opts = {
	    .config = env(op)->config,
	    .account_of = mirror_account_of,
	    .arg = env(op),
	};

	return tmf_op_await(
	    op, members_load(action_account(op)->members, &opts), exclude_members_known);
}

/* {InstanceId: TargetId}: an instance may stand in several entries, one an interface. Over all
 * entries first, since one interface that is a target excludes the entries of the others. */
static json_t *
exclude_holders(const struct inventory *inventory, const json_t *matched)
{
	json_t *found = json_object();
	json_t *entry;
	size_t i;

	json_array_foreach (matched, i, entry) {
		const struct target *held =
		    inventory_held_by(inventory, json_object_get(entry, "Instance"));

		if (held != NULL)
			jsonx_put_string(found, exclude_instance(entry), held->id);
	}
	return found;
}

/* A target is the stronger reason: the configuration cannot be changed to lift it. */
static int
exclude_one(struct tmf_op *op, json_t *excluded, const json_t *entry, const char *held_id)
{
	const char *member_id =
	    members_target_of(action_account(op)->members, exclude_instance(entry));
	const char *target_id = held_id != NULL ? held_id : member_id;
	const char *reason = held_id != NULL	 ? "target-instance"
			     : member_id != NULL ? "target-member"
						 : jsonx_get_string(entry, "Excluded");
	const struct outcome outcome = {
	    .kind = OUTCOME_EXCLUDED,
	    .instance_id = exclude_instance(entry),
	    .interface_id = jsonx_get_string(entry, "NetworkInterfaceId"),
	    .reason = reason,
	    .rule = jsonx_get_string(entry, "Rule"),
	    .target_id = target_id,
	};
	json_t *item = json_object();

	jsonx_put_string(item, "InstanceId", outcome.instance_id);
	jsonx_put_string(item, "NetworkInterfaceId", outcome.interface_id);
	jsonx_put_string(item, "TargetId", target_id);
	jsonx_put_string(item, "Reason", reason);
	json_array_append_new(excluded, item);
	return ledger_put(env(op), &outcome, &op->err);
}

/* A failed write ends the action: the workflow runs it again as a whole, and rows that were written
 * are written over. */
static int
exclude_sort(struct tmf_op *op, json_t *kept, json_t *excluded)
{
	const json_t *matched = action_field_of(op, "Matched");
	json_t *targets = exclude_holders(targets_inventory(action_account(op)->targets), matched);
	json_t *entry;
	size_t i;
	int ret = 0;

	json_array_foreach (matched, i, entry) {
		const char *target_id = jsonx_get_string(targets, exclude_instance(entry));

		if (target_id == NULL && jsonx_get_string(entry, "Excluded") == NULL &&
		    members_target_of(action_account(op)->members, exclude_instance(entry)) == NULL)
			json_array_append(kept, entry);
		else if ((ret = exclude_one(op, excluded, entry, target_id)) < 0)
			break;
	}
	json_decref(targets);
	return ret;
}

static enum tmf_op_next
exclude_members_known(struct tmf_op *op)
{
	json_t *result = json_object();
	json_t *kept = json_array();
	json_t *excluded = json_array();

	json_object_set_new(result, "Matched", kept);
	json_object_set_new(result, "Excluded", excluded);
	if (exclude_sort(op, kept, excluded) == 0)
		return tmf_op_done(op, result);
	json_decref(result);
	return TMF_OP_FAIL;
}

static const struct tmf_action_field input[] = {
    {"Matched", "list of {Instance, NetworkInterfaceId, Rule}", true, "as tmflow:match gives it"},
    MEMBER_ACCOUNT_FIELD,
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"Matched", "list of {Instance, NetworkInterfaceId, Rule}", true, "what is left to mirror"},
    {"Excluded", "list of {InstanceId, NetworkInterfaceId, TargetId?, Reason}", true,
	"target-instance, target-member or configured"},
    {.name = NULL},
};

static const char *const iam_actions[] = {
    "ec2:DescribeTrafficMirrorSessions",
    "ec2:DescribeTrafficMirrorTargets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcEndpointServiceConfigurations",
    "ec2:DescribeNetworkInterfaces",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    NULL,
};

const struct tmf_action action_exclude_target_instances = {
    .name = "exclude-target-instances",
    .summary = "Leaves out instances behind mirror targets, and what the configuration excludes",
    .input = input,
    .output = output,
    .iam_actions = iam_actions,
    .needs_aws = true,
    .start = exclude_start,
};
