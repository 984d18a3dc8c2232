#include "mirror/members/members.h"

#include "aws/arn.h"
#include "aws/pace/retry.h"
#include "aws/services/elbv2.h"
#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/targets/targets.h"
#include "mirror/waiters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Target groups, pages of them and batches of addresses of one lookup: AWS has at most 3,000 target
 * groups in a region by default. */
#define MEMBERS_QUESTIONS_MAX 10000

/* A load balancer or endpoint that a target leads to, and which account's keys ask: its owner's. */
struct balancer {
	const char *target_id; /* borrowed from `targets` */
	struct account *asker; /* NULL: nobody can, the owner is not reached */
	char owner_id[ACCOUNT_ID_BYTES];
};

/*
 * A lookup is a list of questions, asked one after another; an answer may add others at the end.
 * Example: a target's endpoint leads to its service, that to load balancers, each of them to target
 * groups, and each group to its members. A question is {"Kind", "Of": index of its balancer, ..}.
 */
struct mirror_members {
	struct account *account;
	json_t *by_instance; /* {InstanceId: TargetId} */
	json_t *healthy;     /* {TargetId: bool}, see members_target_is_dead */
	bool loaded;
	int64_t loaded_mono_ms;
	json_t *warned; /* {operation: true}: once is enough */

	/* The lookup under way. */
	char *configuration; /* the name of the one that asks */
	json_t *targets;     /* {TargetId: true} */
	struct balancer *balancers;
	size_t balancer_count;
	json_t *questions;
	size_t next;	/* of the questions */
	json_t *found;	/* takes the place of by_instance at its end */
	json_t *health; /* likewise of healthy */
	struct waiters waiters;
	struct tmf_call *call; /* NULL: none is under way */
};

/* What is asked. */
enum question_kind {
	QUESTION_USE,	    /* Id: of a target that no rule names. Destination: its own */
	QUESTION_ENDPOINT,  /* Id: of a VPC endpoint */
	QUESTION_SERVICE,   /* Id: its service's name */
	QUESTION_BALANCER,  /* Id: an ARN. Marker?, Inner?: it stands behind another one */
	QUESTION_GROUP,	    /* Id: an ARN. TargetType, VpcId?, Inner? */
	QUESTION_ADDRESSES, /* Addresses: [".."] in VpcId, or in any other where Outside */
	QUESTION_KINDS
};

struct question_row {
	const char *operation; /* with its service: the permission that it needs */
	bool elb;
	struct tmf_call *(*ask)(
	    struct mirror_members *members, struct account *asker, const json_t *question);
	/* Of a whole reply; NULL where pages are read as they come. */
	void (*came)(struct mirror_members *members, const json_t *question, const json_t *reply);
};
static const struct question_row question_rows[QUESTION_KINDS];

struct mirror_members *
members_new(struct account *account)
{
	struct mirror_members *members = mem_zalloc(1, sizeof(*members));

	members->account = account;
	members->by_instance = json_object();
	members->healthy = json_object();
	members->warned = json_object();
	return members;
}

/* Not the waiters: they have heard, or are let go of by members_free. */
static void
members_forget_look(struct mirror_members *members)
{
	json_decref(members->targets);
	json_decref(members->questions);
	json_decref(members->found);
	json_decref(members->health);
	free(members->balancers);
	free(members->configuration);
	members->configuration = NULL;
	members->targets = members->questions = members->found = members->health = NULL;
	members->balancers = NULL;
	members->balancer_count = members->next = 0;
}

void
members_free(struct mirror_members *members)
{
	if (members == NULL)
		return;
	tmf_call_cancel(members->call);
	waiters_fini(&members->waiters);
	members_forget_look(members);
	json_decref(members->by_instance);
	json_decref(members->healthy);
	json_decref(members->warned);
	free(members);
}

const char *
members_target_of(const struct mirror_members *members, const char *instance_id)
{
	return jsonx_get_string(members->by_instance, instance_id);
}

bool
members_target_is_dead(const struct mirror_members *members, const char *target_id)
{
	return json_is_false(json_object_get(members->healthy, target_id));
}

/* --- questions --- */

static json_t *
question_new(enum question_kind kind, const json_t *of, const char *id)
{
	json_t *question = json_object();

	json_object_set_new(question, "Kind", json_integer((json_int_t)kind));
	json_object_set(question, "Of", (json_t *)of);
	jsonx_put_string(question, "Id", id);
	return question;
}

/* Takes question. One without an id comes of a reply that lacks it, and is left out. */
static void
members_add(struct mirror_members *members, json_t *question)
{
	if (json_object_get(question, "Id") != NULL ||
	    json_object_get(question, "Addresses") != NULL)
		json_array_append(members->questions, question);
	json_decref(question);
}

static const json_t *
members_question(const struct mirror_members *members)
{
	return json_array_get(members->questions, members->next);
}

static const struct question_row *
question_row(const json_t *question)
{
	json_int_t kind = json_integer_value(json_object_get(question, "Kind"));

	assert(kind >= 0 && kind < QUESTION_KINDS);
	return &question_rows[kind];
}

static const struct balancer *
question_balancer(const struct mirror_members *members, const json_t *question)
{
	json_int_t of = json_integer_value(json_object_get(question, "Of"));

	assert(of >= 0 && (size_t)of < members->balancer_count);
	return &members->balancers[of];
}

static void
members_note(struct mirror_members *members, const json_t *question, const char *instance_id)
{
	if (instance_id != NULL)
		jsonx_put_string(
		    members->found, instance_id, question_balancer(members, question)->target_id);
}

/* [{"Name": name, "Values": values}]. Takes values. */
static json_t *
members_filters(const char *name, json_t *values)
{
	json_t *filter = json_object();
	json_t *filters = json_array();

	jsonx_put_string(filter, "Name", name);
	json_object_set_new(filter, "Values", values);
	json_array_append_new(filters, filter);
	return filters;
}

/* Takes filters. */
static struct tmf_call *
members_pages(struct mirror_members *members, struct account *asker, const struct ec2_list *list,
    json_t *filters, ec2_page_fn *on_page)
{
	/* A resource that is seen twice after a restart adds nothing but a question. */
	struct tmf_call *call = ec2_pages(asker->ec2, &(struct ec2_pages){
							  .list = list,
							  .filters = filters,
							  .on_page = on_page,
							  .arg = members,
						      });

	json_decref(filters);
	return call;
}

/* A filter on the question's id. */
static json_t *
members_id_filter(const char *name, const json_t *question)
{
	json_t *values = json_array();

	json_array_append(values, json_object_get(question, "Id"));
	return members_filters(name, values);
}

/* --- a target that no rule names --- */

/* An ARN is a load balancer's, everything else an endpoint's id. */
static void
members_add_destination(struct mirror_members *members, const json_t *of, const char *destination)
{
	const struct balancer *balancer = &members->balancers[json_integer_value(of)];
	const char *effect = "what stands behind it is not known: it belongs to an account that "
			     "is not asked, see guardduty.roleArn";

	if (balancer->asker != NULL) {
		members_add(
		    members, question_new(strncmp(destination, "arn:", 4) == 0 ? QUESTION_BALANCER
									       : QUESTION_ENDPOINT,
				 of, destination));
	} else if (json_object_get(members->warned, balancer->target_id) == NULL) {
		json_object_set_new(members->warned, balancer->target_id, json_true());
		log_event(LOG_WARN, "members.shared", LOG_STR("target", balancer->target_id),
		    LOG_STR("account", balancer->owner_id), LOG_STR("effect", effect));
	}
}

/* One session is enough: its packets reach what stands behind the target. Those of this
 * configuration do not count: its rules lead elsewhere by now, and the run moves them there or
 * says that they are unwanted. Counted, they would leave the members out of this run only, and the
 * next one would have to make up for it. */
static enum ec2_page_next
members_use_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct mirror_members *members = arg;
	const json_t *question = members_question(members);
	json_t *session;
	size_t i;

	(void)err;
	assert(members->configuration != NULL);
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorSessions"), i, session) {
		const char *made_for = tag_value(session, TAG_CONFIGURATION);

		if (made_for != NULL && strcmp(made_for, members->configuration) == 0)
			continue;
		members_add_destination(members, json_object_get(question, "Of"),
		    jsonx_get_string(question, "Destination"));
		return EC2_PAGE_ENOUGH;
	}
	return EC2_PAGE_MORE;
}

/* Of this account, also where the target is shared: those are the sessions that can be seen. */
static struct tmf_call *
members_ask_use(struct mirror_members *members, struct account *asker, const json_t *question)
{
	json_t *filters = members_id_filter("traffic-mirror-target-id", question);
	struct tmf_call *call = ec2_pages(members->account->ec2, &(struct ec2_pages){
								     .list = &ec2_list_session_tags,
								     .filters = filters,
								     .on_page = members_use_page,
								     .arg = members,
								 });

	(void)asker;
	json_decref(filters);
	return call;
}

/* --- a gateway load balancer's endpoint, and its service --- */

/* Only the account's own endpoints and services are listed: those of another account lead nowhere
 * from here. */
static enum ec2_page_next
members_endpoint_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct mirror_members *members = arg;
	const json_t *of = json_object_get(members_question(members), "Of");
	json_t *endpoint;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "VpcEndpoints"), i, endpoint)
		members_add(members,
		    question_new(QUESTION_SERVICE, of, jsonx_get_string(endpoint, "ServiceName")));
	return EC2_PAGE_MORE;
}

static struct tmf_call *
members_ask_endpoint(struct mirror_members *members, struct account *asker, const json_t *question)
{
	return members_pages(members, asker, &ec2_list_endpoints,
	    members_id_filter("vpc-endpoint-id", question), members_endpoint_page);
}

static enum ec2_page_next
members_service_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct mirror_members *members = arg;
	const json_t *of = json_object_get(members_question(members), "Of");
	json_t *service;
	json_t *balancer;
	size_t i;
	size_t k;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "ServiceConfigurations"), i, service)
		json_array_foreach (
		    jsonx_get_array(service, "GatewayLoadBalancerArns"), k, balancer)
			members_add(members,
			    question_new(QUESTION_BALANCER, of, json_string_value(balancer)));
	return EC2_PAGE_MORE;
}

static struct tmf_call *
members_ask_service(struct mirror_members *members, struct account *asker, const json_t *question)
{
	return members_pages(members, asker, &ec2_list_endpoint_services,
	    members_id_filter("service-name", question), members_service_page);
}

/* --- a load balancer and its groups --- */

static struct tmf_call *
members_ask_balancer(struct mirror_members *members, struct account *asker, const json_t *question)
{
	(void)members;
	return elbv2_describe_target_groups(
	    asker->elb, jsonx_get_string(question, "Id"), jsonx_get_string(question, "Marker"));
}

static void
members_balancer_came(struct mirror_members *members, const json_t *question, const json_t *reply)
{
	const json_t *of = json_object_get(question, "Of");
	json_t *group;
	size_t i;

	json_array_foreach (jsonx_get_array(reply, "TargetGroups"), i, group) {
		json_t *next =
		    question_new(QUESTION_GROUP, of, jsonx_get_string(group, "TargetGroupArn"));

		jsonx_put_string(next, "TargetType", jsonx_get_string(group, "TargetType"));
		jsonx_put_string(next, "Protocol", jsonx_get_string(group, "Protocol"));
		jsonx_put_string(next, "VpcId", jsonx_get_string(group, "VpcId"));
		json_object_set(next, "Inner", json_object_get(question, "Inner"));
		members_add(members, next);
	}
	if (jsonx_get_string(reply, "NextMarker") != NULL) {
		json_t *next = json_deep_copy(question);

		jsonx_put_string(next, "Marker", jsonx_get_string(reply, "NextMarker"));
		members_add(members, next);
	}
}

static struct tmf_call *
members_ask_group(struct mirror_members *members, struct account *asker, const json_t *question)
{
	(void)members;
	return elbv2_describe_target_health(asker->elb, jsonx_get_string(question, "Id"));
}

/* Adds an address to the last question of its kind, or to a new one: a filter has a limit. */
static void
members_add_address(struct mirror_members *members, const json_t *group, json_t **batch,
    const json_t *member, bool outside)
{
	json_t *addresses = json_object_get(*batch, "Addresses");

	if (addresses == NULL || json_array_size(addresses) == EC2_FILTER_VALUES_MAX) {
		*batch = question_new(QUESTION_ADDRESSES, json_object_get(group, "Of"), NULL);
		addresses = json_array();
		json_object_set_new(*batch, "Addresses", addresses);
		json_object_set(*batch, "VpcId", json_object_get(group, "VpcId"));
		json_object_set_new(*batch, "Outside", json_boolean(outside));
		json_array_append_new(members->questions, *batch);
	}
	json_array_append(addresses, json_object_get(member, "Id"));
}

/* An Application Load Balancer stands behind a Network Load Balancer, never the other way round:
 * one step is enough, and a circle is impossible. */
static void
members_add_inner(struct mirror_members *members, const json_t *group, const json_t *member)
{
	json_t *next;

	if (json_is_true(json_object_get(group, "Inner")))
		return;
	next = question_new(
	    QUESTION_BALANCER, json_object_get(group, "Of"), jsonx_get_string(member, "Id"));
	json_object_set_new(next, "Inner", json_true());
	members_add(members, next);
}

/* What was not looked up may be healthy: one such group is enough. */
static void
members_note_health(struct mirror_members *members, const json_t *question, bool healthy)
{
	const char *target_id = question_balancer(members, question)->target_id;

	if (healthy || json_object_get(members->health, target_id) == NULL)
		json_object_set_new(members->health, target_id, json_boolean(healthy));
}

/* A lookup that failed leaves open who is behind the target: but not one of an inner load balancer,
 * or of addresses whose health is known. */
static void
members_note_unknown(struct mirror_members *members, const json_t *question)
{
	if (!json_is_true(json_object_get(question, "Inner")) &&
	    json_object_get(question, "Addresses") == NULL)
		members_note_health(members, question, true);
}

/* VXLAN comes over UDP, and behind a gateway load balancer over GENEVE: groups of other protocols
 * take none of it. The members of an inner load balancer are not the target's own. */
static bool
members_group_takes_packets(const json_t *question)
{
	const char *protocol = jsonx_get_string(question, "Protocol");

	return protocol != NULL && !json_is_true(json_object_get(question, "Inner")) &&
	       (strcmp(protocol, "UDP") == 0 || strcmp(protocol, "TCP_UDP") == 0 ||
		   strcmp(protocol, "GENEVE") == 0);
}

/* "unavailable": health checks are off. "initial": they have not ended yet. */
static bool
members_is_healthy(const json_t *health)
{
	const char *state = jsonx_get_string(json_object_get(health, "TargetHealth"), "State");

	return state == NULL || strcmp(state, "healthy") == 0 || strcmp(state, "initial") == 0 ||
	       strcmp(state, "unavailable") == 0;
}

/* A member whose zone is "all" is an address outside of the group's VPC: in a peered one, perhaps,
 * or not in AWS at all. */
static void
members_group_came(struct mirror_members *members, const json_t *question, const json_t *reply)
{
	const char *type = jsonx_get_string(question, "TargetType");
	json_t *batches[2] = {NULL, NULL}; /* inside of the VPC, and outside. Borrowed */
	bool healthy = false;
	json_t *health;
	size_t i;

	if (type == NULL)
		return;
	json_array_foreach (jsonx_get_array(reply, "TargetHealthDescriptions"), i, health) {
		const json_t *member = json_object_get(health, "Target");
		const char *zone = jsonx_get_string(member, "AvailabilityZone");
		bool outside = zone != NULL && strcmp(zone, "all") == 0;

		if (jsonx_get_string(member, "Id") == NULL)
			continue;
		healthy = healthy || members_is_healthy(health);
		if (strcmp(type, "instance") == 0)
			members_note(members, question, jsonx_get_string(member, "Id"));
		else if (strcmp(type, "ip") == 0)
			members_add_address(members, question, &batches[outside], member, outside);
		else if (strcmp(type, "alb") == 0)
			members_add_inner(members, question, member);
	}
	if (members_group_takes_packets(question))
		members_note_health(members, question, healthy);
}

/* --- addresses --- */

static bool
members_is_in_place(const json_t *question, const json_t *interface)
{
	const char *wanted = jsonx_get_string(question, "VpcId");
	const char *vpc = jsonx_get_string(interface, "VpcId");
	bool same = wanted != NULL && vpc != NULL && strcmp(wanted, vpc) == 0;

	return same != json_is_true(json_object_get(question, "Outside"));
}

/* The same address may stand in several VPCs. */
static enum ec2_page_next
members_addresses_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct mirror_members *members = arg;
	const json_t *question = members_question(members);
	json_t *interface;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "NetworkInterfaces"), i, interface)
		if (members_is_in_place(question, interface))
			members_note(members, question,
			    jsonx_get_string(
				json_object_get(interface, "Attachment"), "InstanceId"));
	return EC2_PAGE_MORE;
}

/* One describe for a group's addresses, secondary ones included: so that pages of instances need
 * not carry the addresses of all interfaces. In this account, also where the load balancer is
 * shared: its instances are those that could be mirrored. */
static struct tmf_call *
members_ask_addresses(struct mirror_members *members, struct account *asker, const json_t *question)
{
	json_t *filters = members_filters(
	    "addresses.private-ip-address", json_incref(json_object_get(question, "Addresses")));

	(void)asker;
	return members_pages(
	    members, members->account, &ec2_list_interfaces, filters, members_addresses_page);
}

static const struct question_row question_rows[QUESTION_KINDS] = {
    [QUESTION_USE] = {"ec2:DescribeTrafficMirrorSessions", false, members_ask_use, NULL},
    [QUESTION_ENDPOINT] = {"ec2:DescribeVpcEndpoints", false, members_ask_endpoint, NULL},
    [QUESTION_SERVICE] = {"ec2:DescribeVpcEndpointServiceConfigurations", false,
	members_ask_service, NULL},
    [QUESTION_BALANCER] = {"elasticloadbalancing:DescribeTargetGroups", true, members_ask_balancer,
	members_balancer_came},
    [QUESTION_GROUP] = {"elasticloadbalancing:DescribeTargetHealth", true, members_ask_group,
	members_group_came},
    [QUESTION_ADDRESSES] = {"ec2:DescribeNetworkInterfaces", false, members_ask_addresses, NULL},
};

/* --- the walk --- */

static void members_ask_next(struct mirror_members *members);

static int64_t
members_mono_ms(const struct mirror_members *members)
{
	struct tmf_clock *clock = tmf_loop_clock(members->account->loop);

	return clock->mono_ms(clock);
}

static void
members_settle(struct mirror_members *members)
{
	json_t *result = json_object();

	assert(members->call == NULL && members->found != NULL);
	json_decref(members->by_instance);
	members->by_instance = json_incref(members->found);
	json_decref(members->healthy);
	members->healthy = json_incref(members->health);
	members->loaded = true;
	members->loaded_mono_ms = members_mono_ms(members);
	members_forget_look(members);
	waiters_complete(&members->waiters, result);
	json_decref(result);
}

static void
members_fail(struct mirror_members *members, const struct tmf_err *err)
{
	assert(members->call == NULL);
	members_forget_look(members);
	waiters_fail(&members->waiters, err);
}

/* Passing errors fail the lookup, and the workflow's Retry asks again. All else would be the same
 * then: the run goes on without. That nobody answers counts as such for load balancers, since a
 * network may have an endpoint for EC2 alone, and an emulator no such service (501). */
static bool
members_goes_on_without(const struct question_row *row, const struct tmf_err *err)
{
	if (row->elb && (err->code == TMF_ERR_TRANSPORT || err->http_status == 501))
		return true;
	return err->code == TMF_ERR_SERVICE && retry_classify(err) == RETRY_NEVER;
}

static void
members_warn(struct mirror_members *members, const char *operation, const char *target_id,
    const struct tmf_err *err)
{
	const char *effect = "instances behind its load balancer may be mirrored, which is a loop";

	if (json_object_get(members->warned, operation) != NULL)
		return;
	json_object_set_new(members->warned, operation, json_true());
	log_event(LOG_WARN, "members.unknown", LOG_STR("target", target_id),
	    LOG_STR("needs", operation), LOG_ERR(err), LOG_STR("effect", effect));
}

static void
members_answered(void *arg, struct tmf_call *call)
{
	struct mirror_members *members = arg;
	const json_t *question = members_question(members);
	const struct question_row *row = question_row(question);
	json_t *reply = tmf_call_take_result(call);

	assert(members->call == call && members->next < json_array_size(members->questions));
	members->call = NULL;
	if (reply == NULL && !members_goes_on_without(row, &call->err)) {
		members_fail(members, &call->err);
		return;
	}
	if (reply == NULL) {
		members_warn(members, row->operation,
		    question_balancer(members, question)->target_id, &call->err);
		members_note_unknown(members, question);
	} else if (row->came != NULL) {
		row->came(members, question, reply);
	}
	json_decref(reply);
	members->next++;
	members_ask_next(members);
}

static void
members_ask_next(struct mirror_members *members)
{
	const json_t *question = members_question(members);
	struct tmf_err err = {0};

	if (question == NULL) {
		members_settle(members);
		return;
	}
	if (json_array_size(members->questions) > MEMBERS_QUESTIONS_MAX) {
		tmf_err_set(&err, TMF_ERR_LIMIT,
		    "load balancers of the configuration's targets: more than %d target groups",
		    MEMBERS_QUESTIONS_MAX);
		members_fail(members, &err);
		tmf_err_fini(&err);
		return;
	}
	members->call = question_row(question)->ask(
	    members, question_balancer(members, question)->asker, question);
	tmf_call_on_done(members->call, members_answered, members);
}

/* --- which load balancers --- */

/* Fills in who asks about the target's load balancer: its owner, where that is another account. A
 * role of such an account is taken for what a rule names only. */
static void
members_fill_asker(struct mirror_members *members, const struct members_opts *opts,
    const struct target *target, struct balancer *balancer, bool by_rule)
{
	struct account *own = members->account;
	struct arn arn = {0};
	char *id = balancer->owner_id;

	if (arn_parse(target->destination, &arn, NULL) == 0 && arn.account.len < ACCOUNT_ID_BYTES)
		memcpy(id, arn.account.p, arn.account.len);
	else if (target->owner_id != NULL && strlen(target->owner_id) < ACCOUNT_ID_BYTES)
		memcpy(id, target->owner_id, strlen(target->owner_id));
	balancer->asker = own;
	if (id[0] != '\0' && own->id[0] != '\0' && strcmp(id, own->id) != 0)
		balancer->asker = by_rule ? opts->account_of(opts->arg, id) : NULL;
}

/* A target of a kind that has members, once. One that a rule names is looked up at once, others
 * only where there is a session to them: an account without such a session needs no permission
 * for it. */
static void
members_add_target(struct mirror_members *members, const struct members_opts *opts,
    const struct target *target, bool by_rule)
{
	struct balancer *balancer;
	json_t *question;
	json_t *of;

	assert(members->found != NULL && members->call == NULL);
	if (target == NULL || target->destination == NULL ||
	    json_object_get(members->targets, target->id) != NULL)
		return;
	json_object_set_new(members->targets, target->id, json_true());
	members->balancers = mem_resize(
	    members->balancers, members->balancer_count + 1, sizeof(*members->balancers));
	balancer = &members->balancers[members->balancer_count];
	*balancer = (struct balancer){
	    .target_id = json_object_iter_key(json_object_iter_at(members->targets, target->id)),
	};
	members_fill_asker(members, opts, target, balancer, by_rule);
	if (balancer->asker != NULL && balancer->asker->elb == NULL)
		return;
	of = json_integer((json_int_t)members->balancer_count++);
	if (by_rule) {
		members_add_destination(members, of, target->destination);
	} else {
		question = question_new(QUESTION_USE, of, target->id);
		jsonx_put_string(question, "Destination", target->destination);
		members_add(members, question);
	}
	json_decref(of);
}

/* The rules' first, so that their targets need no look at sessions. */
static void
members_add_targets(struct mirror_members *members, const struct members_opts *opts)
{
	const struct inventory *inventory = targets_inventory(members->account->targets);

	for (size_t i = 0; i < mirror_config_rule_count(opts->config); i++) {
		const char *target_id = mirror_config_rule(opts->config, i)->target_id;

		if (target_id != NULL)
			members_add_target(
			    members, opts, inventory_find(inventory, target_id), true);
	}
	for (size_t i = 0; i < inventory->count; i++)
		members_add_target(members, opts, inventory->at[i], false);
}

static bool
members_are_fresh(const struct mirror_members *members)
{
	int64_t fresh_ms = members->account->fresh_ms;

	if (!members->loaded || members->call != NULL)
		return false;
	return fresh_ms == 0 || members_mono_ms(members) - members->loaded_mono_ms <= fresh_ms;
}

struct tmf_call *
members_load(struct mirror_members *members, const struct members_opts *opts)
{
	struct tmf_loop *loop = members->account->loop;
	struct tmf_call *call;

	if (members_are_fresh(members))
		return tmf_call_of_result(loop, json_object());
	if (members->call != NULL)
		return waiters_add(&members->waiters, loop);
	members_forget_look(members);
	members->targets = json_object();
	members->questions = json_array();
	members->found = json_object();
	members->health = json_object();
	members->configuration = mem_strdup(mirror_config_name(opts->config));
	members_add_targets(members, opts);
	call = waiters_add(&members->waiters, loop);
	members_ask_next(members);
	return call;
}
