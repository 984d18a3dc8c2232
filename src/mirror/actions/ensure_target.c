#include "base/jsonx.h"
#include "mirror/actions/action.h"
#include "mirror/dry_run.h"
#include "mirror/refusals.h"

#include <assert.h>
#include <string.h>

/*
 * tmflow:ensure-target: the target that a source's traffic goes to, created where the subnet has no
 * target with room. The source's place there is taken now, before its session is asked for: of
 * forty that wait for a new target ten go on to it, and the others to the next one. A target that
 * answered that it takes no more sources comes in as FullTargetId.
 *
 * Stages: start > counted > done, or counted > created > counted. For a rule's own target: start >
 * known > entered, or done where the target takes any number.
 */

/* Creations that a source waits for while others take the places: ENGINE_PARKED_MAX of a Map
 * wait at once, and a target takes ten or more. */
#define ROUNDS_MAX 400

struct ensure_target {
	int rounds;
	bool waited; /* for somebody else's creation */
};

static tmf_op_stage_fn ensure_target_known;
static tmf_op_stage_fn ensure_target_entered;
static tmf_op_stage_fn ensure_target_counted;
static enum tmf_op_next ensure_target_ask(struct tmf_op *op, const struct target_request *request);

/* True for a source of a type that AWS does not list as one that can be mirrored. The list may be
 * too old, so AWS is asked; but until it has answered, such a source takes no place from others,
 * nor is an instance launched for it where the subnet has a target. If that is full and the source
 * can be mirrored after all, it comes again with FullTargetId. */
static bool
ensure_target_is_doubtful(struct tmf_op *op)
{
	const char *type = action_text_of(op, "InstanceType");

	return type != NULL && action_text_of(op, "FullTargetId") == NULL &&
	       !mirror_config_type_is_source(env(op)->config, type);
}

/* Borrows from op's input. */
static struct target_request
ensure_target_request(struct tmf_op *op)
{
	return (struct target_request){
	    .rule = action_rule_of(op, action_text_of(op, "Rule")),
	    .subnet_id = action_text_of(op, "SubnetId"),
	    .interface_id =
		ensure_target_is_doubtful(op) ? NULL : action_text_of(op, "NetworkInterfaceId"),
	    .full_target_id = action_text_of(op, "FullTargetId"),
	};
}

static json_t *
ensure_target_result(const char *target_id, bool created)
{
	json_t *result = json_object();

	jsonx_put_string(result, "TargetId", target_id);
	json_object_set_new(result, "Created", json_boolean(created));
	return result;
}

/* A session's own target comes before the subnet's: moving a source to a newer target would
 * interrupt its traffic and take a place there. */
static enum tmf_op_next
ensure_target_start(struct tmf_op *op)
{
	struct mirror_targets *targets;
	struct target_request request;

	if (action_input_check(op) < 0)
		return TMF_OP_FAIL;
	targets = action_account(op)->targets;
	request = ensure_target_request(op);
	if (request.rule == NULL)
		return TMF_OP_FAIL;
	if (request.rule->target_id != NULL)
		return request.interface_id != NULL
			   ? tmf_op_await(op, targets_load(targets), ensure_target_known)
			   : ensure_target_known(op);
	if (action_text_of(op, "SessionTargetId") != NULL)
		return tmf_op_done(
		    op, ensure_target_result(action_text_of(op, "SessionTargetId"), false));
	if (request.full_target_id != NULL && targets_note_full(targets, &request, &op->err) < 0)
		return TMF_OP_FAIL;
	return tmf_op_await(op, targets_load_rooms(targets), ensure_target_counted);
}

/* --- a target that the configuration names --- */

/* Taken as it is. When it is full, tmflow may not choose another one for it. */
static enum tmf_op_next
ensure_target_known(struct tmf_op *op)
{
	struct mirror_targets *targets = action_account(op)->targets;
	const struct target_request request = ensure_target_request(op);
	const char *target_id = request.rule->target_id;

	if (request.full_target_id != NULL && strcmp(request.full_target_id, target_id) == 0) {
		if (targets_note_full(targets, &request, &op->err) == 0)
			tmf_err_set_name(&op->err, TMF_ERR_SERVICE, ERROR_SOURCES_LIMIT,
			    "target %s, which rule %s names, takes no more sources", target_id,
			    request.rule->name);
		return TMF_OP_FAIL;
	}
	return request.interface_id != NULL && targets_is_interface(targets, target_id)
		   ? tmf_op_await(op, targets_load_rooms(targets), ensure_target_entered)
		   : tmf_op_done(op, ensure_target_result(target_id, false));
}

static enum tmf_op_next
ensure_target_entered(struct tmf_op *op)
{
	const struct target_request request = ensure_target_request(op);

	if (targets_enter(action_account(op)->targets, request.rule->target_id,
		request.interface_id, &op->err) < 0) {
		tmf_err_prefix(&op->err, "rule %s", request.rule->name);
		return TMF_OP_FAIL;
	}
	return tmf_op_done(op, ensure_target_result(request.rule->target_id, false));
}

/* --- one that is created --- */

/* Many wait here while the first of them creates: the subnet may have a target by now. */
static struct tmf_call *
ensure_target_create(void *arg)
{
	struct tmf_op *op = arg;
	struct account *account = action_account(op);
	struct target_request request = ensure_target_request(op);

	request.interface_id = NULL;
	return targets_choose(account->targets, &request) != NULL
		   ? tmf_call_of_result(account->loop, json_object())
		   : targets_create(account->targets, &request);
}

/* Sources that wait for a new target go on in the order in which they asked, so the answer does not
 * come at once: what is asked in the same turn would overtake them. */
static enum tmf_op_next
ensure_target_counted(struct tmf_op *op)
{
	struct ensure_target *f = op->frame;
	struct account *account = action_account(op);
	const struct target_request request = ensure_target_request(op);
	const struct target *target = targets_choose(account->targets, &request);

	assert(request.rule != NULL && request.rule->target_id == NULL);
	if (target == NULL && ensure_target_is_doubtful(op))
		target = inventory_current(
		    targets_inventory(account->targets), target_request_subnet(&request));
	if (target == NULL && env(op)->dry_run != NULL) {
		if (ensure_target_is_doubtful(op))
			return tmf_op_done(
			    op, ensure_target_result(DRY_RUN_TARGET_PREFIX "unplanned", false));
		dry_run_target(account, &request);
		f->rounds = 1;
		target = targets_choose(account->targets, &request);
	}
	if (target != NULL)
		return tmf_op_await_result(
		    op, tmf_call_of_result(account->loop,
			    ensure_target_result(target->id, f->waited || f->rounds > 0)));
	return ensure_target_ask(op, &request);
}

/* Creates the target, or waits for the source that does. What waits holds no place of its Map,
 * which begins sources of other subnets; the creation itself holds one. */
static enum tmf_op_next
ensure_target_ask(struct tmf_op *op, const struct target_request *request)
{
	struct ensure_target *f = op->frame;
	struct account *account = action_account(op);
	const struct refusal_request refusal = {
	    .operation = "CreateTrafficMirrorTarget",
	    .rule = request->rule->name,
	    .subnet_id = target_request_subnet(request),
	    .launch_type = request->rule->target_instance_type,
	    .image_id = request->rule->target_instance_ami,
	};
	struct tmf_call *wait = refusals_wait(account->refusals, &refusal);
	struct tmf_call *call;
	bool joins;

	if (wait != NULL) {
		f->waited = true;
		return tmf_op_await_parked(op, wait, ensure_target_counted);
	}
	if (f->rounds++ == ROUNDS_MAX)
		return tmf_op_fail(op, TMF_ERR_LIMIT,
		    "subnet %s: %d new targets were full before this source had its place",
		    request->subnet_id, ROUNDS_MAX);
	joins = targets_creating(account->targets, request);
	call = refusals_ask(account->refusals, &refusal, ensure_target_create, op);
	return joins ? tmf_op_await_parked(op, call, ensure_target_counted)
		     : tmf_op_await(op, call, ensure_target_counted);
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
    {"NetworkInterfaceId", "string", false, "the same, and to keep a place for it"},
    {"InstanceType", "string", false, "no instance is launched for a type that is not mirrored"},
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
    "ec2:DescribeTrafficMirrorSessions",
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
    .frame_size = sizeof(struct ensure_target),
    .needs_aws = true,
    .start = ensure_target_start,
    .gave_up = ensure_target_gave_up,
};
