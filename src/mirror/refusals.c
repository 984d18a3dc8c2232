#include "mirror/refusals.h"

#include "aws/pace/retry.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/config/instance_types.h"
#include "mirror/waiters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a refusal may speak for, beyond the one request: a denied action for all requests of that
 * action, a subnet without capacity for all launches there. */
enum refusal_kind {
	REFUSAL_ACTION,
	REFUSAL_ACCOUNT,
	REFUSAL_TARGET,
	REFUSAL_FILTER,
	REFUSAL_TYPE,
	REFUSAL_SUBNET,
	REFUSAL_IMAGE,
	REFUSAL_KINDS
};

/* For which scope an error counts. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
static const struct {
	const char *error;
	enum refusal_kind kind;
} refusal_errors[] = {
    {"UnauthorizedOperation", REFUSAL_ACTION},
    {"AccessDenied", REFUSAL_ACTION},
    {"AccessDeniedException", REFUSAL_ACTION},
    {"TrafficMirrorSessionLimitExceeded", REFUSAL_ACCOUNT},
    {"TrafficMirrorTargetLimitExceeded", REFUSAL_ACCOUNT},
    {"VcpuLimitExceeded", REFUSAL_ACCOUNT},
    {"InstanceLimitExceeded", REFUSAL_ACCOUNT},
    {"InvalidTrafficMirrorTargetId.NotFound", REFUSAL_TARGET},
    {"InvalidTrafficMirrorTargetNotFound", REFUSAL_TARGET},
    {"InvalidTrafficMirrorTargetNoFound", REFUSAL_TARGET},
    {"InvalidTrafficMirrorFilterId.NotFound", REFUSAL_FILTER},
    {"InvalidTrafficMirrorFilterNotFound", REFUSAL_FILTER},
    {ERROR_TYPE, REFUSAL_TYPE},
    {ERROR_CAPACITY, REFUSAL_SUBNET},
    {"InsufficientHostCapacity", REFUSAL_SUBNET},
    {"InsufficientFreeAddressesInSubnet", REFUSAL_SUBNET},
    {"InvalidSubnetID.NotFound", REFUSAL_SUBNET},
    {"Unsupported", REFUSAL_SUBNET},
    {"InvalidAMIID.NotFound", REFUSAL_IMAGE},
    {"InvalidAMIID.Unavailable", REFUSAL_IMAGE},
    {"InvalidAMIID.Malformed", REFUSAL_IMAGE},
};

struct scope {
	enum refusal_kind kind;
	char *name;
	bool granted;	    /* AWS has granted such a request, or is known to */
	bool asking;	    /* one request is at it, and the others wait */
	int refused;	    /* times in a row */
	struct tmf_err err; /* set: what is answered without asking */
	int64_t until_mono_ms;
	bool warned; /* of its refusal: once, also where it comes again later */
};

struct refusals {
	struct account *account;
	json_t *by_name; /* {name: index} */
	struct scope *at;
	size_t count;
	size_t room;
	struct waiters waiters; /* for the end of some request that asks */
};

/*
 * A request on its way: the frame of a call sequence. Example: a session from an m5.large to tmt-1
 * by filter tmf-1 has the scopes "action CreateTrafficMirrorSession", "account
 * CreateTrafficMirrorSession", "target tmt-1", "filter tmf-1" and "type m5.large". As long as AWS
 * has granted none of a scope, one request at a time asks for it.
 */
struct refusal {
	struct refusals *in;
	char *names[REFUSAL_KINDS]; /* NULL: it has no such scope */
	refusals_start_fn *start;
	void *arg;
	bool started;
	bool launches;
};

struct refusals *
refusals_new(struct account *account)
{
	struct refusals *refusals = mem_zalloc(1, sizeof(*refusals));

	refusals->account = account;
	refusals->by_name = json_object();
	return refusals;
}

void
refusals_free(struct refusals *refusals)
{
	if (refusals == NULL)
		return;
	for (size_t i = 0; i < refusals->count; i++) {
		tmf_err_fini(&refusals->at[i].err);
		free(refusals->at[i].name);
	}
	waiters_fini(&refusals->waiters);
	json_decref(refusals->by_name);
	free(refusals->at);
	free(refusals);
}

static int64_t
refusals_mono_ms(const struct refusals *refusals)
{
	struct tmf_clock *clock = tmf_loop_clock(refusals->account->loop);

	return clock->mono_ms(clock);
}

/* Of a request; NULL where it has none of that kind. The pointer holds until the next scope. */
static struct scope *
refusal_scope(const struct refusal *refusal, size_t kind)
{
	struct refusals *refusals = refusal->in;
	const char *name = refusal->names[kind];
	const json_t *index;
	struct scope *scope;

	if (name == NULL)
		return NULL;
	index = json_object_get(refusals->by_name, name);
	if (index != NULL)
		return &refusals->at[json_integer_value(index)];
	if (refusals->count == refusals->room) {
		refusals->room = refusals->room == 0 ? 16 : refusals->room * 2;
		refusals->at = mem_resize(refusals->at, refusals->room, sizeof(refusals->at[0]));
	}
	assert(refusals->at != NULL && refusals->count < refusals->room);
	scope = &refusals->at[refusals->count];
	*scope = (struct scope){.kind = (enum refusal_kind)kind, .name = mem_strdup(name)};
	json_object_set_new(refusals->by_name, name, json_integer((json_int_t)refusals->count++));
	return scope;
}

/* As if nothing had been asked: the next request asks alone, and the others wait for it. */
static void
refusal_forget_scope(struct scope *scope)
{
	tmf_err_fini(&scope->err);
	scope->refused = 0;
	scope->granted = false;
}

/* True where it is refused: err is set then. In a process that serves events a refusal is trusted
 * for a while only, since its operator mends the cause meanwhile. */
static bool
refusal_is_known(const struct refusal *refusal, struct tmf_err *err)
{
	for (size_t kind = 0; kind < REFUSAL_KINDS; kind++) {
		struct scope *scope = refusal_scope(refusal, kind);

		if (scope == NULL || !tmf_err_isset(&scope->err))
			continue;
		if (refusal->in->account->fresh_ms > 0 &&
		    refusals_mono_ms(refusal->in) >= scope->until_mono_ms) {
			refusal_forget_scope(scope);
			continue;
		}
		tmf_err_copy(err, &scope->err);
		tmf_err_prefix(err, "not asked again");
		return true;
	}
	return false;
}

/* True where another one asks for one of its scopes. */
static bool
refusal_is_held(const struct refusal *refusal)
{
	for (size_t kind = 0; kind < REFUSAL_KINDS; kind++) {
		const struct scope *scope = refusal_scope(refusal, kind);

		if (scope != NULL && !scope->granted && scope->asking)
			return true;
	}
	return false;
}

/* False where it is held. Otherwise this one asks, for all of its scopes. */
static bool
refusal_may_ask(const struct refusal *refusal)
{
	struct scope *scope;

	if (refusal_is_held(refusal))
		return false;
	for (size_t kind = 0; kind < REFUSAL_KINDS; kind++) {
		scope = refusal_scope(refusal, kind);
		if (scope != NULL && !scope->granted)
			scope->asking = true;
	}
	return true;
}

static bool
refusal_kind_of(const struct tmf_err *err, enum refusal_kind *ret_kind)
{
	if (err->code != TMF_ERR_SERVICE)
		return false;
	for (size_t i = 0; i < sizeof(refusal_errors) / sizeof(refusal_errors[0]); i++)
		if (tmf_err_is(err, refusal_errors[i].error)) {
			*ret_kind = refusal_errors[i].kind;
			return true;
		}
	return false;
}

bool
refusals_count(const struct tmf_err *err)
{
	enum refusal_kind kind;

	return refusal_kind_of(err, &kind);
}

/* One interface that AWS refuses does not speak for a type that its pages list as a source; where
 * they do not, the first refusal is proof enough. */
static bool
refusal_is_proven(const struct scope *scope)
{
	bool doubtful =
	    scope->granted ||
	    (scope->kind == REFUSAL_TYPE && instance_type_is_source(strchr(scope->name, ' ') + 1));

	return scope->refused >= (doubtful ? REFUSAL_PROOF : 1);
}

/* Launches of a rule in a subnet are all alike: what is wrong with one (an image whose terms were
 * not accepted, an unknown security group) is wrong with the next, whatever AWS calls it. */
static bool
refusal_scope_of(
    const struct refusal *refusal, const struct tmf_err *err, enum refusal_kind *ret_kind)
{
	if (refusal_kind_of(err, ret_kind))
		return true;
	*ret_kind = REFUSAL_ACTION;
	return refusal->launches && err->code == TMF_ERR_SERVICE &&
	       retry_classify(err) == RETRY_NEVER;
}

/* Notes what a refusal speaks for. While it is not proven nothing changes for others. */
static void
refusal_learn(const struct refusal *refusal, const struct tmf_err *err)
{
	enum refusal_kind kind;
	struct scope *scope =
	    refusal_scope_of(refusal, err, &kind) ? refusal_scope(refusal, kind) : NULL;

	if (scope == NULL || tmf_err_isset(&scope->err))
		return;
	assert(scope->kind == kind && scope->refused < REFUSAL_PROOF);
	scope->refused++;
	if (!refusal_is_proven(scope))
		return;
	tmf_err_copy(&scope->err, err);
	scope->until_mono_ms = refusals_mono_ms(refusal->in) + REFUSAL_TRUSTED_MS;
	/* That a type cannot be mirrored is nothing to mend: the summary counts it. */
	log_event(kind == REFUSAL_TYPE || scope->warned ? LOG_INFO : LOG_WARN, "refused",
	    LOG_STR("scope", scope->name), LOG_ERR(err));
	scope->warned = true;
}

/* Whoever waits for one of the scopes looks again, now that the answer is there or the request is
 * given up (err and granted false then). */
static void
refusal_over(struct refusal *refusal, bool granted, const struct tmf_err *err)
{
	json_t *result = json_object();
	bool held = false;

	assert(!granted || err == NULL || !tmf_err_isset(err));
	for (size_t kind = 0; kind < REFUSAL_KINDS; kind++) {
		struct scope *scope = refusal_scope(refusal, kind);

		if (scope == NULL)
			continue;
		held = held || scope->asking;
		scope->asking = false;
		if (granted) {
			scope->granted = true;
			scope->refused = 0;
			scope->warned = false;
		}
	}
	if (err != NULL && tmf_err_isset(err))
		refusal_learn(refusal, err);
	/* Most requests are for what was granted long ago, and hold up nobody. */
	if (held)
		waiters_complete(&refusal->in->waiters, result);
	json_decref(result);
}

/* A request that is cancelled on its way lets the next one ask. */
static void
refusal_free(void *frame)
{
	struct refusal *refusal = frame;

	if (refusal->started)
		refusal_over(refusal, false, NULL);
	for (size_t kind = 0; kind < REFUSAL_KINDS; kind++)
		free(refusal->names[kind]);
	free(refusal);
}

/* Either the request's own call is over, or somebody else's that it has waited for. */
static struct tmf_call *
refusal_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct refusal *refusal = frame;
	json_t *result = tmf_call_take_result(over);

	if (refusal->started) {
		refusal->started = false;
		refusal_over(refusal, result != NULL, &over->err);
		*ret_result = result;
		if (result == NULL)
			tmf_err_move(err, &over->err);
		return NULL;
	}
	json_decref(result);
	if (refusal_is_known(refusal, err))
		return NULL;
	if (!refusal_may_ask(refusal))
		return waiters_add(&refusal->in->waiters, refusal->in->account->loop);
	refusal->started = true;
	return refusal->start(refusal->arg);
}

static char *
refusal_name(const char *kind, const char *of, const char *with)
{
	if (of == NULL)
		return NULL;
	return with != NULL ? mem_printf("%s %s %s", kind, of, with)
			    : mem_printf("%s %s", kind, of);
}

/* A denial is the policy's word on the action with all that the request names: another rule may
 * have another target, filter or VPC, and another subnet other tags. */
static char *
refusal_action_name(const struct refusal_request *request)
{
	return mem_printf("action %s%s%s%s%s", request->operation,
	    request->rule != NULL ? " rule " : "", request->rule != NULL ? request->rule : "",
	    request->subnet_id != NULL ? " in " : "",
	    request->subnet_id != NULL ? request->subnet_id : "");
}

static struct refusal *
refusal_new(struct refusals *refusals, const struct refusal_request *request)
{
	struct refusal *refusal = mem_zalloc(1, sizeof(*refusal));

	assert(refusals != NULL && request->operation != NULL);
	assert((request->subnet_id == NULL) == (request->launch_type == NULL));
	refusal->in = refusals;
	refusal->launches = request->subnet_id != NULL;
	refusal->names[REFUSAL_ACTION] = refusal_action_name(request);
	refusal->names[REFUSAL_ACCOUNT] = refusal_name("account", request->operation, NULL);
	refusal->names[REFUSAL_TARGET] = refusal_name("target", request->target_id, NULL);
	refusal->names[REFUSAL_FILTER] = refusal_name("filter", request->filter_id, NULL);
	refusal->names[REFUSAL_TYPE] = refusal_name("type", request->instance_type, NULL);
	refusal->names[REFUSAL_SUBNET] =
	    refusal_name("subnet", request->subnet_id, request->launch_type);
	refusal->names[REFUSAL_IMAGE] = refusal_name("image", request->image_id, NULL);
	return refusal;
}

/* At once where it may: of many that come in one turn the second sees that the first one asks. */
struct tmf_call *
refusals_ask(struct refusals *refusals, const struct refusal_request *request,
    refusals_start_fn *start, void *arg)
{
	struct refusal *refusal = refusal_new(refusals, request);
	struct tmf_loop *loop = refusals->account->loop;
	struct tmf_err err = {0};
	struct tmf_call *first;

	assert(start != NULL);
	if (refusal_is_known(refusal, &err)) {
		refusal_free(refusal);
		return tmf_call_of_err(loop, &err);
	}
	refusal->start = start;
	refusal->arg = arg;
	refusal->started = refusal_may_ask(refusal);
	first = refusal->started ? start(arg) : waiters_add(&refusals->waiters, loop);
	return tmf_call_sequence(first, refusal_step, refusal, refusal_free);
}

/* Waits again where the next in line asks by now. */
static struct tmf_call *
refusal_wait_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct refusal *refusal = frame;
	struct tmf_err known = {0};
	bool refused = refusal_is_known(refusal, &known);
	json_t *result = tmf_call_take_result(over);

	assert(result != NULL);
	(void)err;
	tmf_err_fini(&known);
	if (!refused && refusal_is_held(refusal)) {
		json_decref(result);
		return waiters_add(&refusal->in->waiters, refusal->in->account->loop);
	}
	*ret_result = result;
	return NULL;
}

struct tmf_call *
refusals_wait(struct refusals *refusals, const struct refusal_request *request)
{
	struct refusal *refusal = refusal_new(refusals, request);
	struct tmf_err known = {0};
	bool refused = refusal_is_known(refusal, &known);

	tmf_err_fini(&known);
	if (!refused && refusal_is_held(refusal))
		return tmf_call_sequence(waiters_add(&refusals->waiters, refusals->account->loop),
		    refusal_wait_step, refusal, refusal_free);
	refusal_free(refusal);
	return NULL;
}

void
refusals_forget(struct refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++)
		if (tmf_err_isset(&refusals->at[i].err))
			refusal_forget_scope(&refusals->at[i]);
}
