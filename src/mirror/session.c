#include "mirror/session.h"

#include "base/jsonx.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

static bool
member_is(const json_t *object, const char *key, const char *wanted)
{
	const char *value = jsonx_get_string(object, key);

	return value != NULL && strcmp(value, wanted) == 0;
}

static int
number_of(const json_t *session)
{
	return (int)json_integer_value(json_object_get(session, "SessionNumber"));
}

static bool
is_target_allowed(const struct session_question *question, const char *target_id)
{
	if (question->target_id != NULL && strcmp(question->target_id, target_id) == 0)
		return true;
	return targets_allowed(question->targets, question->rule,
	    question->subnet_id != NULL ? question->subnet_id
					: targets_subnet_of(question->targets, question->target_id),
	    target_id);
}

static bool
is_present(const struct session_question *question, const json_t *session)
{
	const char *target_id = jsonx_get_string(session, "TrafficMirrorTargetId");

	return member_is(session, "TrafficMirrorFilterId", question->rule->filter_id) &&
	       target_id != NULL && is_target_allowed(question, target_id);
}

/* One that tmflow made in this rule's place: by its filter, its number or its name. Other ones of tmflow's may be another configuration's, whose
 * rules have names of their own. */
static bool
is_drifted(const struct config_rule *rule, const json_t *session)
{
	const char *of_rule = tag_value(session, TAG_RULE);

	if (tag_value(session, TAG_TOOL) == NULL)
		return false;
	return member_is(session, "TrafficMirrorFilterId", rule->filter_id) ||
	       (rule->session_number != 0 && number_of(session) == rule->session_number) ||
	       (of_rule != NULL && strcmp(of_rule, rule->name) == 0);
}

static bool
is_conflict(const struct config_rule *rule, const json_t *session)
{
	return rule->session_number != 0 && number_of(session) == rule->session_number;
}

static bool
option_is(const json_t *session, const char *name, int wanted)
{
	const json_t *value = json_object_get(session, name);

	return json_is_integer(value) && json_integer_value(value) == wanted;
}

/* AWS's default where the target is a load balancer; whole packets everywhere else. */
#define PACKET_LENGTH_BALANCER 8500

/* A rule without packetLength wants whole packets, as far as the target can take them. */
static bool
has_packet_length(const struct session_question *question, const json_t *session)
{
	int wanted = question->rule->packet_length;
	const json_t *length = json_object_get(session, "PacketLength");

	if (wanted != 0)
		return option_is(session, "PacketLength", wanted);
	if (!json_is_integer(length) || json_integer_value(length) == 0)
		return true;
	return option_is(session, "PacketLength", PACKET_LENGTH_BALANCER) &&
	       !targets_is_interface(
		   question->targets, jsonx_get_string(session, "TrafficMirrorTargetId"));
}

/* Number, VXLAN id and packet length are as the rule gives them. A VXLAN id or number that it does not give is AWS's or ours to choose: any will do. */
static bool
has_options(const struct session_question *question, const json_t *session)
{
	const struct config_rule *rule = question->rule;

	return (rule->session_number == 0 || number_of(session) == rule->session_number) &&
	       (rule->virtual_network_id < 0 ||
		   option_is(session, "VirtualNetworkId", rule->virtual_network_id)) &&
	       has_packet_length(question, session);
}

bool
session_needs_targets(const struct config_rule *rule, const json_t *session)
{
	return rule->packet_length == 0 &&
	       option_is(session, "PacketLength", PACKET_LENGTH_BALANCER) &&
	       tag_value(session, TAG_TOOL) != NULL;
}

static enum session_verdict
judge_one(const struct session_question *question, const json_t *session)
{
	bool ours = tag_value(session, TAG_TOOL) != NULL;

	if (is_present(question, session))
		return ours && !has_options(question, session) ? SESSION_DRIFTED : SESSION_PRESENT;
	if (is_drifted(question->rule, session))
		return SESSION_DRIFTED;
	return is_conflict(question->rule, session) ? SESSION_CONFLICT : SESSION_MISSING;
}

enum session_verdict
session_judge(const struct session_question *question, const json_t **ret_session)
{
	/* The first of these that any session gives is the answer. */
	static const enum session_verdict order[] = {
	    SESSION_PRESENT, SESSION_DRIFTED, SESSION_CONFLICT};
	const json_t *found[SESSION_LIMIT + 1] = {NULL};
	size_t count = 0;
	json_t *session;
	size_t i;

	json_array_foreach (question->sessions, i, session) {
		enum session_verdict verdict;

		if (!member_is(session, "NetworkInterfaceId", question->interface_id))
			continue;
		count++;
		verdict = judge_one(question, session);
		if (found[verdict] == NULL)
			found[verdict] = session;
	}
	/* A number that somebody else has cannot be given to ours. */
	if (found[SESSION_CONFLICT] != NULL && found[SESSION_DRIFTED] != NULL &&
	    number_of(found[SESSION_DRIFTED]) != question->rule->session_number)
		found[SESSION_DRIFTED] = NULL;
	*ret_session = NULL;
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (found[order[i]] != NULL) {
			*ret_session = found[order[i]];
			return order[i];
		}
	}
	return count >= SESSIONS_PER_INTERFACE_MAX ? SESSION_LIMIT : SESSION_MISSING;
}

const char *
session_kept_target(const struct session_question *question, const json_t *session)
{
	const char *target_id = jsonx_get_string(session, "TrafficMirrorTargetId");

	return target_id != NULL && is_target_allowed(question, target_id) ? target_id : NULL;
}

static void
add_difference(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
add_difference(struct buf *out, const char *format, ...)
{
	va_list args;

	if (out->len > 0)
		buf_add_cstr(out, ", ");
	va_start(args, format);
	buf_vprintf(out, format, args);
	va_end(args);
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

	if (!member_is(session, "TrafficMirrorFilterId", rule->filter_id))
		add_difference(out, "filter %s instead of %s",
		    jsonx_get_string(session, "TrafficMirrorFilterId"), rule->filter_id);
	if (target_id != NULL && !is_target_allowed(question, target_id))
		add_difference(out, "target %s instead of %s", target_id,
		    rule->target_id != NULL ? rule->target_id : "the subnet's");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const json_t *value = json_object_get(session, options[i].member);

		if (!options[i].given || option_is(session, options[i].member, options[i].wanted))
			continue;
		if (json_is_integer(value))
			add_difference(out, "%s %d instead of %d", options[i].name,
			    (int)json_integer_value(value), options[i].wanted);
		else
			add_difference(
			    out, "no %s instead of %d", options[i].name, options[i].wanted);
	}
	if (rule->packet_length == 0 && !has_packet_length(question, session))
		add_difference(out, "packet length %d instead of whole packets",
		    (int)json_integer_value(json_object_get(session, "PacketLength")));
}

static bool
is_taken(const json_t *sessions, const char *interface_id, int number)
{
	json_t *session;
	size_t i;

	json_array_foreach (sessions, i, session)
		if (member_is(session, "NetworkInterfaceId", interface_id) &&
		    number_of(session) == number)
			return true;
	return false;
}

int
session_free_number(const json_t *sessions, const char *interface_id)
{
	int number = CONFIG_SESSION_NUMBER_DEFAULT;

	while (is_taken(sessions, interface_id, number))
		number++;
	return number;
}

#define FACT_DESTROYED "sessions-destroyed"
#define FACT_KEY       "last"

int
sessions_destroyed(struct account *account, int64_t *ret_wall_ms, struct tmf_err *err)
{
	return store_fact_time(account->store, aws_client_scope(account->ec2), FACT_DESTROYED,
	    FACT_KEY, ret_wall_ms, err);
}

int
sessions_note_destroyed(struct account *account, struct tmf_err *err)
{
	return store_fact_put(account->store, aws_client_scope(account->ec2), FACT_DESTROYED,
	    FACT_KEY, STR("1"), err);
}

/* --- requests --- */

static struct ec2_session_spec
spec_of(const struct session_order *order)
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

struct tmf_call *
session_order_create(struct aws_client *ec2, const struct session_order *order)
{
	struct ec2_session_spec spec = spec_of(order);

	spec.tags = order->tags;
	spec.token_epoch = order->after_wall_ms;
	return ec2_create_session(ec2, &spec);
}

struct tmf_call *
session_order_modify(struct aws_client *ec2, const struct session_order *order)
{
	const struct ec2_session_spec spec = spec_of(order);

	return ec2_modify_session(ec2, &spec, EC2_REMOVE_PACKET_LENGTH);
}

struct tmf_call *
sessions_describe(struct aws_client *ec2, json_t *interface_ids, const char *next_token)
{
	json_t *filters = filter_new("network-interface-id", json_incref(interface_ids));
	const struct ec2_describe describe = {
	    .next_token = next_token,
	    .max_results = EC2_PAGE_RESULTS_MAX,
	    .filters = filters,
	};
	struct tmf_call *call;

	assert(json_array_size(interface_ids) > 0 &&
	       json_array_size(interface_ids) <= EC2_FILTER_VALUES_MAX);
	call = ec2_describe_sessions(ec2, &describe);
	json_decref(filters);
	return call;
}
