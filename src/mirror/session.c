#include "mirror/session.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/ownership.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
session_member_is(const json_t *object, const char *key, const char *wanted)
{
	const char *value = jsonx_get_string(object, key);

	return value != NULL && strcmp(value, wanted) == 0;
}

static int
session_number_of(const json_t *session)
{
	return (int)json_integer_value(json_object_get(session, "SessionNumber"));
}

/* The caller's own target is allowed without a look into the inventory: it was chosen for this
 * source a moment ago, and a listing may not show it yet. */
static bool
session_target_is_allowed(const struct session_question *question, const char *target_id)
{
	if (question->target_id != NULL && strcmp(question->target_id, target_id) == 0)
		return true;
	return targets_allowed(question->targets, question->rule,
	    question->subnet_id != NULL ? question->subnet_id
					: targets_subnet_of(question->targets, question->target_id),
	    target_id);
}

/* Interface, filter and target make a session what the rule wants. Who made it does not matter:
 * mirroring the same traffic twice would only cost. */
static bool
session_is_present(const struct session_question *question, const json_t *session)
{
	const char *target_id = jsonx_get_string(session, "TrafficMirrorTargetId");

	return session_member_is(session, "TrafficMirrorFilterId", question->rule->filter_id) &&
	       target_id != NULL && session_target_is_allowed(question, target_id);
}

/* Of what session_take has put in a session's place: the number that it is going to get. */
#define NEXT_NUMBER "NextNumber"

static bool
session_takes_number(const json_t *session, int number)
{
	return session_number_of(session) == number ||
	       json_integer_value(json_object_get(session, NEXT_NUMBER)) == number;
}

/* True if the rule asks for the number that the session has. Most rules ask for none. */
static bool
session_has_number(const struct config_rule *rule, const json_t *session)
{
	return rule->session_number != 0 && session_takes_number(session, rule->session_number);
}

static bool
session_is_of_rule(const struct config_rule *rule, const json_t *session)
{
	const char *of_rule = tag_value(session, TAG_RULE);

	return of_rule != NULL && strcmp(of_rule, rule->name) == 0;
}

/* True if the rule may change it. One from before configurations had names has to fit first, which
 * is for the caller to see. */
static bool
session_is_ours(const struct config_rule *rule, const json_t *session)
{
	return session_owner(session, rule->configuration) == OWNER_OURS ||
	       session_is_adoptable(session, rule);
}

/* Where one rule takes an interface, whatever this configuration has there stands in its place,
 * also if another rule took it when it was made. With matching: all the others are other rules'. */
static bool
session_is_drifted(const struct config_rule *rule, const json_t *session)
{
	return session_owner(session, rule->configuration) == OWNER_OURS &&
	       (rule->matching == MATCHING_FIRST || session_is_of_rule(rule, session));
}

static bool
session_option_is(const json_t *session, const char *name, int wanted)
{
	const json_t *value = json_object_get(session, name);

	return json_is_integer(value) && json_integer_value(value) == wanted;
}

/* What AWS lists as the length of a session without one where its target is a load balancer. A
 * session to an interface has no length then: whole packets. See: CreateTrafficMirrorSession,
 * PacketLength. */
#define PACKET_LENGTH_BALANCER 8500

/*
 * A rule without packetLength wants whole packets, as far as the target can take them. So 8500 is
 * as it should be at a load balancer, and cuts packets short at an interface, where somebody must
 * have asked for it.
 */
static bool
session_has_packet_length(const struct session_question *question, const json_t *session)
{
	int wanted = question->rule->packet_length;
	const json_t *length = json_object_get(session, "PacketLength");

	if (wanted != 0)
		return session_option_is(session, "PacketLength", wanted);
	if (!json_is_integer(length) || json_integer_value(length) == 0)
		return true;
	return session_option_is(session, "PacketLength", PACKET_LENGTH_BALANCER) &&
	       !targets_is_interface(
		   question->targets, jsonx_get_string(session, "TrafficMirrorTargetId"));
}

/* Number, VXLAN id and packet length are as the rule gives them. What it does not give AWS or
 * tmflow chose, and any value will do: otherwise each run would change every session. */
static bool
session_has_options(const struct session_question *question, const json_t *session)
{
	const struct config_rule *rule = question->rule;

	return (rule->session_number == 0 || session_number_of(session) == rule->session_number) &&
	       (rule->virtual_network_id < 0 ||
		   session_option_is(session, "VirtualNetworkId", rule->virtual_network_id)) &&
	       session_has_packet_length(question, session);
}

/* Only where 8500 is listed and the rule gives no length: then it is fine at a load balancer, and
 * drift at an interface. */
bool
session_needs_targets(const struct config_rule *rule, const json_t *session)
{
	return rule->packet_length == 0 &&
	       session_option_is(session, "PacketLength", PACKET_LENGTH_BALANCER) &&
	       session_is_ours(rule, session);
}

/* What has to be known before a session to target_id can be judged: that target, and the subnet
 * that the caller's own one serves, which says what others will do. NULL: both are known. */
static const char *
session_awaited_target(const struct session_question *question, const char *target_id)
{
	if (targets_may_come(question->targets, target_id))
		return target_id;
	if (question->subnet_id == NULL && question->target_id != NULL &&
	    targets_may_come(question->targets, question->target_id))
		return question->target_id;
	return NULL;
}

bool
session_await_targets(const struct session_question *question, json_t *target_ids)
{
	size_t before = json_array_size(target_ids);
	json_t *session;
	size_t i;

	if (question->rule->target_id != NULL)
		return false;
	json_array_foreach (question->sessions, i, session) {
		const char *target_id = jsonx_get_string(session, "TrafficMirrorTargetId");

		if (target_id != NULL && session_is_ours(question->rule, session) &&
		    session_member_is(session, "NetworkInterfaceId", question->interface_id) &&
		    !session_target_is_allowed(question, target_id) &&
		    session_awaited_target(question, target_id) != NULL)
			json_array_append_new(
			    target_ids, json_string(session_awaited_target(question, target_id)));
	}
	return json_array_size(target_ids) > before;
}

/* The options count for sessions of ours only. Another's session with another number mirrors what
 * is wanted, and is not ours to change. */
static enum session_verdict
session_judge_one(const struct session_question *question, const json_t *session)
{
	bool ours = session_is_ours(question->rule, session);

	if (session_is_present(question, session))
		return ours && !session_has_options(question, session) ? SESSION_DRIFTED
								       : SESSION_PRESENT;
	if (session_is_drifted(question->rule, session))
		return SESSION_DRIFTED;
	return session_has_number(question->rule, session) ? SESSION_CONFLICT : SESSION_MISSING;
}

/* Of two sessions with the same verdict ours goes first; of ours the one that has the number which
 * the rule asks for, since no other one can get it; then the one that was made for the rule: a user
 * finds that again by its tags. */
static bool
session_is_nearer(const struct config_rule *rule, const json_t *session, const json_t *other)
{
	const json_t *both[] = {other, session};
	int nearness[2];

	for (size_t i = 0; i < 2; i++)
		nearness[i] = !session_is_ours(rule, both[i])	  ? 0
			      : session_has_number(rule, both[i]) ? 3
			      : session_is_of_rule(rule, both[i]) ? 2
								  : 1;
	return nearness[1] > nearness[0];
}

enum session_verdict
session_judge(const struct session_question *question, const json_t **ret_session)
{
	/* The first of these that any session gives is the answer: one that is as wanted is enough,
	 * whatever others there are. */
	static const enum session_verdict order[] = {
	    SESSION_DEAD, SESSION_PRESENT, SESSION_DRIFTED, SESSION_CONFLICT};
	const json_t *found[SESSION_DEAD + 1] = {NULL};
	size_t count = 0;
	json_t *session;
	size_t i;

	assert(question->rule != NULL);
	json_array_foreach (question->sessions, i, session) {
		enum session_verdict verdict;

		if (!session_member_is(session, "NetworkInterfaceId", question->interface_id))
			continue;
		count++;
		verdict = session_judge_one(question, session);
		if (question->type_is_dead &&
		    (verdict == SESSION_PRESENT || verdict == SESSION_DRIFTED))
			verdict = SESSION_DEAD;
		if (found[verdict] == NULL ||
		    session_is_nearer(question->rule, session, found[verdict]))
			found[verdict] = session;
	}
	*ret_session = NULL;
	/* With another number there would be no room for it either. */
	if (found[SESSION_PRESENT] == NULL && found[SESSION_DRIFTED] == NULL &&
	    found[SESSION_DEAD] == NULL && count >= SESSIONS_PER_INTERFACE_MAX)
		return SESSION_LIMIT;
	/* A session of ours with number 7 cannot become 100 while a stranger's has that: a
	 * conflict, until that one goes. */
	if (found[SESSION_CONFLICT] != NULL && found[SESSION_DRIFTED] != NULL &&
	    session_number_of(found[SESSION_DRIFTED]) != question->rule->session_number)
		found[SESSION_DRIFTED] = NULL;
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (found[order[i]] != NULL) {
			*ret_session = found[order[i]];
			return order[i];
		}
	}
	return SESSION_MISSING;
}

void
session_verdict_put(enum session_verdict verdict, struct outcome *outcome)
{
	assert(verdict == SESSION_CONFLICT || verdict == SESSION_LIMIT || verdict == SESSION_DEAD);
	outcome->kind = verdict == SESSION_CONFLICT ? OUTCOME_CONFLICT : OUTCOME_INELIGIBLE;
	if (verdict == SESSION_CONFLICT)
		outcome->reason = "session-number";
	else
		outcome->reason =
		    verdict == SESSION_LIMIT ? SESSION_LIMIT_REASON : OUTCOME_REASON_TYPE;
}

/* A drifted session whose target is right keeps it, so that its source does not take a place in a
 * second one. */
const char *
session_kept_target(const struct session_question *question, const json_t *session)
{
	const char *target_id = jsonx_get_string(session, "TrafficMirrorTargetId");

	return target_id != NULL && session_target_is_allowed(question, target_id) ? target_id
										   : NULL;
}

static void session_add_difference(struct buf *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
session_add_difference(struct buf *out, const char *format, ...)
{
	va_list args;

	if (out->len > 0)
		buf_add_cstr(out, ", ");
	va_start(args, format);
	buf_vprintf(out, format, args);
	va_end(args);
}

/* In the order in which the outcome's reader looks: what is mirrored, where to, and how. */
/* Of a rule whose targets are created: only they are judged. */
static bool
session_target_is_dead(const struct session_question *question, const char *target_id)
{
	const struct target *target =
	    question->rule->target_id == NULL
		? inventory_find(targets_inventory(question->targets), target_id)
		: NULL;

	return target != NULL && target->dead;
}

void
session_differences(const struct session_question *question, const json_t *session, struct buf *out)
{
	const struct config_rule *rule = question->rule;
	const char *target_id = jsonx_get_string(session, "TrafficMirrorTargetId");
	const struct {
		const char *name;
		const char *member;
		int wanted;
		bool given;
	} options[] = {
	    {"session number", "SessionNumber", rule->session_number, rule->session_number != 0},
	    {"virtual network id", "VirtualNetworkId", rule->virtual_network_id,
		rule->virtual_network_id >= 0},
	    {"packet length", "PacketLength", rule->packet_length, rule->packet_length != 0},
	};

	if (!session_member_is(session, "TrafficMirrorFilterId", rule->filter_id))
		session_add_difference(out, "filter %s instead of %s",
		    jsonx_get_string(session, "TrafficMirrorFilterId"), rule->filter_id);
	if (target_id != NULL && !session_target_is_allowed(question, target_id))
		session_add_difference(out, "target %s%s instead of %s", target_id,
		    session_target_is_dead(question, target_id)
			? ", whose instance is stopped or gone,"
			: "",
		    rule->target_id != NULL ? rule->target_id : "the subnet's");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const json_t *value = json_object_get(session, options[i].member);

		if (!options[i].given ||
		    session_option_is(session, options[i].member, options[i].wanted))
			continue;
		if (json_is_integer(value))
			session_add_difference(out, "%s %d instead of %d", options[i].name,
			    (int)json_integer_value(value), options[i].wanted);
		else
			session_add_difference(
			    out, "no %s instead of %d", options[i].name, options[i].wanted);
	}
	if (rule->packet_length == 0 && !session_has_packet_length(question, session))
		session_add_difference(out, "packet length %d instead of whole packets",
		    (int)json_integer_value(json_object_get(session, "PacketLength")));
}

static bool
session_number_is_taken(const json_t *sessions, const char *interface_id, int number)
{
	json_t *session;
	size_t i;

	json_array_foreach (sessions, i, session)
		if (session_member_is(session, "NetworkInterfaceId", interface_id) &&
		    session_takes_number(session, number))
			return true;
	return false;
}

/* The loop ends, since an interface has SESSIONS_PER_INTERFACE_MAX sessions at most. */
int
session_number_for(const struct config_rule *rule, const json_t *sessions, const char *interface_id)
{
	int number = CONFIG_SESSION_NUMBER_DEFAULT;

	if (rule->session_number != 0)
		return rule->session_number;
	while (session_number_is_taken(sessions, interface_id, number))
		number++;
	return number;
}

/* --- several rules on one interface --- */

enum session_round
session_round(const struct session_question *question, enum session_verdict verdict)
{
	if (verdict == SESSION_PRESENT)
		return SESSION_ROUND_FIRST;
	return question->rule->session_number != 0 ? SESSION_ROUND_NUMBERED : SESSION_ROUND_LAST;
}

void
session_take(json_t *sessions, const struct session_question *question,
    enum session_verdict verdict, const json_t *session)
{
	const struct config_rule *rule = question->rule;
	json_t *taken = json_object();
	json_t *other;
	size_t i;
	int number = session != NULL ? session_number_of(session)
				     : session_number_for(rule, sessions, question->interface_id);

	assert(sessions != NULL && question->interface_id != NULL && verdict <= SESSION_DRIFTED);
	jsonx_put_string(taken, "NetworkInterfaceId", question->interface_id);
	json_object_set_new(taken, "SessionNumber", json_integer(number));
	if (verdict == SESSION_DRIFTED)
		json_object_set_new(taken, NEXT_NUMBER, json_integer(rule->session_number));
	json_array_foreach (sessions, i, other) {
		if (other == session) {
			json_array_set_new(sessions, i, taken);
			return;
		}
	}
	json_array_append_new(sessions, taken);
}

/* --- what comes before a session --- */

static bool
session_is_before(const struct session_shadows *shadows, const json_t *session, int number)
{
	return session_member_is(session, "NetworkInterfaceId", shadows->interface_id) &&
	       session_number_of(session) < number && !session_is_ours(shadows->rule, session);
}

/* Most interfaces have one session, and then there is nothing to look up. */
void
session_shadow_filters(const struct session_shadows *shadows, json_t *ids)
{
	int highest = session_number_for(shadows->rule, shadows->sessions, shadows->interface_id);
	json_t *session;
	size_t i;

	json_array_foreach (shadows->sessions, i, session)
		if (session_number_of(session) > highest)
			highest = session_number_of(session);
	json_array_foreach (shadows->sessions, i, session) {
		json_t *filter = json_object_get(session, "TrafficMirrorFilterId");

		if (json_is_string(filter) && session_is_before(shadows, session, highest))
			json_array_append(ids, filter);
	}
}

const json_t *
session_shadow(const struct session_shadows *shadows, int number)
{
	json_t *session;
	size_t i;

	json_array_foreach (shadows->sessions, i, session) {
		const char *filter = jsonx_get_string(session, "TrafficMirrorFilterId");

		if (session_is_before(shadows, session, number) &&
		    filters_take_of(shadows->filters, filter) == FILTER_ALL)
			return session;
	}
	return NULL;
}

/* A configuration that was renamed finds its sessions under the former name: that is what a reader
 * looks for here. */
static void
session_owner_text(const json_t *session, char out[SESSION_CAUSE_BYTES])
{
	const char *configuration =
	    tag_value(session, TAG_TOOL) != NULL ? tag_value(session, TAG_CONFIGURATION) : NULL;

	if (configuration != NULL)
		snprintf(out, SESSION_CAUSE_BYTES, "of the configuration %s", configuration);
	else
		snprintf(out, SESSION_CAUSE_BYTES, "of somebody else");
}

const char *
session_shadow_cause(const char *session_id, const json_t *session, char out[SESSION_CAUSE_BYTES])
{
	char owner[SESSION_CAUSE_BYTES];

	session_owner_text(session, owner);
	snprintf(out, SESSION_CAUSE_BYTES,
	    "session %.40s %.200s has a lower number and takes all packets",
	    session_id != NULL ? session_id : "?", owner);
	return out;
}

const char *
session_other_cause(
    const struct config_rule *rule, const json_t *session, char out[SESSION_CAUSE_BYTES])
{
	const char *id = jsonx_get_string(session, "TrafficMirrorSessionId");
	char owner[SESSION_CAUSE_BYTES];

	if (session_is_ours(rule, session))
		return NULL;
	session_owner_text(session, owner);
	snprintf(out, SESSION_CAUSE_BYTES, "session %.40s is %.200s", id != NULL ? id : "?", owner);
	return out;
}

#define FACT_DESTROYED "sessions-destroyed"
#define FACT_KEY       "last"

int
sessions_destroyed(struct account *account, int64_t *ret_wall_ms, struct tmf_err *err)
{
	return store_fact_time(account->store, aws_client_scope(account->ec2), FACT_DESTROYED,
	    FACT_KEY, ret_wall_ms, err);
}

/* The value has no meaning: the time of writing is the fact. */
int
sessions_note_destroyed(struct account *account, struct tmf_err *err)
{
	return store_fact_put(account->store, aws_client_scope(account->ec2), FACT_DESTROYED,
	    FACT_KEY, STR("1"), err);
}

/* --- requests --- */

static struct ec2_session_spec
session_order_spec(const struct session_order *order)
{
	return (struct ec2_session_spec){
	    .session_id = order->session_id,
	    .network_interface_id = order->interface_id,
	    .target_id = order->target_id,
	    .filter_id = order->rule->filter_id,
	    .session_number = order->session_number,
	    .virtual_network_id = order->rule->virtual_network_id,
	    .packet_length = order->rule->packet_length,
	};
}

/* The epoch is part of the client token, see sessions_destroyed. */
struct tmf_call *
session_order_create(struct aws_client *ec2, const struct session_order *order)
{
	struct ec2_session_spec spec = session_order_spec(order);

	assert(order->session_id == NULL);
	spec.tags = order->tags;
	spec.token_epoch = order->after_wall_ms;
	return ec2_create_session(ec2, &spec);
}

/* A length that the rule does not give is removed, since a modification that leaves it out keeps
 * it. */
struct tmf_call *
session_order_modify(struct aws_client *ec2, const struct session_order *order)
{
	const struct ec2_session_spec spec = session_order_spec(order);

	assert(order->session_id != NULL);
	return ec2_modify_session(ec2, &spec, EC2_REMOVE_PACKET_LENGTH);
}
