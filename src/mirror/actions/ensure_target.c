#include "base/jsonx.h"
#include "mirror/actions/action.h"
#include "mirror/dry_run.h"

#include <assert.h>
#include <string.h>

/*
 * tmflow:ensure-target: the target that a source's traffic goes to, created where the subnet has no
 * target with room. A target that answered that it takes no more sources comes in as FullTargetId:
 * AWS does not list how many sources a target has, so being refused is how one finds out.
 */

static tmf_op_stage_fn ensure_target_loaded;

/* Created is false, as for every target that was there before. */
static json_t *
ensure_target_result(const char *target_id)
{
	json_t *result = json_object();

	jsonx_put_string(result, "TargetId", target_id);
	json_object_set_new(result, "Created", json_false());
	return result;
}

/* A target that the configuration names is taken as it is. When it is full, tmflow may not choose
 * another one for it. */
static enum tmf_op_next
ensure_target_given(struct tmf_op *op, const struct config_rule *rule)
{
	const char *full = action_text_of(op, "FullTargetId");

	if (full != NULL && strcmp(full, rule->target_id) == 0) {
		tmf_err_set_name(&op->err, TMF_ERR_SERVICE, ERROR_SOURCES_LIMIT,
		    "target %s, which rule %s names, takes no more sources", full, rule->name);
		return TMF_OP_FAIL;
	}
	return tmf_op_done(op, ensure_target_result(rule->target_id));
}

/* A session's own target comes before the subnet's: moving a source to a newer target would
 * interrupt its traffic and take a place there. */
static enum tmf_op_next
ensure_target_start(struct tmf_op *op)
{
	const struct config_rule *rule;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	rule = action_rule_of(op, action_text_of(op, "Rule"));
	if (rule == NULL)
		return TMF_OP_FAIL;
	if (rule->target_id != NULL)
		return ensure_target_given(op, rule);
	if (action_text_of(op, "SessionTargetId") != NULL)
		return tmf_op_done(op, ensure_target_result(action_text_of(op, "SessionTargetId")));
	return tmf_op_await(
	    op, targets_load_lives(action_account(op)->targets), ensure_target_loaded);
}

static enum tmf_op_next
ensure_target_loaded(struct tmf_op *op)
{
	struct account *account = action_account(op);
	struct dry_run *dry_run = env(op)->dry_run;
	const struct target_request request = {
	    .rule = action_rule_of(op, action_text_of(op, "Rule")),
	    .subnet_id = action_text_of(op, "SubnetId"),
	    .full_target_id = action_text_of(op, "FullTargetId"),
	};
	const struct target *target;

	assert(request.rule != NULL && request.rule->target_id == NULL);
	if (targets_choose(account->targets, &request, &target, &op->err) < 0)
		return TMF_OP_FAIL;
	/* Not at once: sources that wait for a target go on in the order in which they asked. */
	if (target != NULL)
		return tmf_op_await_result(
		    op, tmf_call_of_result(account->loop, ensure_target_result(target->id)));
	return tmf_op_await_result(op, dry_run != NULL
					   ? dry_run_target(dry_run, account, &request)
					   : targets_create(account->targets, &request));
}

/* Recorded here, since without a target ensure-session is never reached for this source. */
static void
ensure_target_gave_up(struct tmf_op *op)
{
	const struct outcome item = {
	    .instance_id = action_text_of(op, "InstanceId"),
	    .interface_id = action_text_of(op, "NetworkInterfaceId"),
	    .rule = action_text_of(op, "Rule"),
	    .target_id = action_text_of(op, "FullTargetId"),
	};

	if (item.instance_id != NULL)
		ledger_put_failed(env(op), &item, &op->err);
}

static const struct tmf_action_field input[] = {
    {"Rule", "string", true, "the rule's name"},
    {"SubnetId", "string", true, "the source's subnet"},
    {"FullTargetId", "string", false, "a target that answered that it takes no more sources"},
    {"SessionTargetId", "string", false, "the target that the source's session may keep"},
    {"InstanceId", "string", false, "the source, to record a failure for"},
    {"NetworkInterfaceId", "string", false, "the same"},
    MEMBER_ACCOUNT_FIELD,
    {.name = NULL},
};

static const struct tmf_action_field output[] = {
    {"TargetId", "string", true, "where to mirror to"},
    {"Created", "boolean", true, "it was made just now"},
    {.name = NULL},
};

static const char *const iam_actions[] = {
    "ec2:CreateTags",
    "ec2:CreateTrafficMirrorTarget",
    "ec2:DeleteTags",
    "ec2:DeleteTrafficMirrorTarget",
    "ec2:DescribeInstances",
    "ec2:DescribeTrafficMirrorTargets",
    "ec2:RunInstances",
    "ec2:TerminateInstances",
    NULL,
};

const struct tmf_action action_ensure_target = {
    .name = "ensure-target",
    .summary = "Gives the target for a source, and creates it where none exists",
    .input = input,
    .output = output,
    .iam_actions = iam_actions,
    .needs_aws = true,
    .start = ensure_target_start,
    .gave_up = ensure_target_gave_up,
};
