#include "mirror/members/question.h"

#include "aws/services/elbv2.h"
#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

struct question_row {
	const char *operation;
	bool elb;
	struct tmf_call *(*ask)(
	    struct look *look, struct account *asker, const struct question *question);
	/* Of a whole reply; NULL where pages are read as they come. */
	void (*answer)(struct look *look, const struct question *question, const json_t *reply);
};

/* A filter on value, which is taken. A resource that is seen twice after a restart adds nothing but
 * a question. */
static struct tmf_call *
question_ask_pages(struct look *look, struct account *asker, const struct ec2_list *list,
    const char *filter, json_t *values, ec2_page_fn *on_page)
{
	json_t *filters = json_pack("[{s:s, s:o}]", "Name", filter, "Values", values);
	struct tmf_call *call = ec2_pages(asker->ec2, &(struct ec2_pages){
							  .list = list,
							  .filters = filters,
							  .on_page = on_page,
							  .arg = look,
						      });

	json_decref(filters);
	return call;
}

static json_t *
question_ids(const struct question *question)
{
	json_t *ids = json_array();

	json_array_append_new(ids, json_string(question->id));
	return ids;
}

/* --- a target that no rule names --- */

/* One session is enough: its packets reach what stands behind the target. Those of this
 * configuration do not count: its rules lead elsewhere by now, and the run moves them there or
 * says that they are unwanted. Counted, they would leave the members out of this run only, and the
 * next one would have to make up for it. */
static enum ec2_page_next
question_use_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct look *look = arg;
	const struct question *question = look_question(look);
	json_t *session;
	size_t i;

	(void)err;
	assert(question->kind == QUESTION_USE && question->destination != NULL);
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorSessions"), i, session) {
		const char *made_for = tag_value(session, TAG_CONFIGURATION);

		if (made_for != NULL && strcmp(made_for, look->configuration) == 0)
			continue;
		look_add_destination(look, question->of, question->destination);
		return EC2_PAGE_ENOUGH;
	}
	return EC2_PAGE_MORE;
}

/* Of this account, also where the target is shared: those are the sessions that can be seen. */
static struct tmf_call *
question_ask_use(struct look *look, struct account *asker, const struct question *question)
{
	(void)asker;
	return question_ask_pages(look, look->account, &ec2_list_session_tags,
	    "traffic-mirror-target-id", question_ids(question), question_use_page);
}

/* --- a gateway load balancer's endpoint, and its service --- */

/* Only the account's own endpoints and services are listed: those of another account lead nowhere
 * from here. */
static enum ec2_page_next
question_endpoint_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct look *look = arg;
	size_t of = look_question(look)->of;
	json_t *endpoint;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "VpcEndpoints"), i, endpoint)
		look_add(look, QUESTION_SERVICE, of, jsonx_get_string(endpoint, "ServiceName"));
	return EC2_PAGE_MORE;
}

static struct tmf_call *
question_ask_endpoint(struct look *look, struct account *asker, const struct question *question)
{
	return question_ask_pages(look, asker, &ec2_list_endpoints, "vpc-endpoint-id",
	    question_ids(question), question_endpoint_page);
}

static enum ec2_page_next
question_service_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct look *look = arg;
	size_t of = look_question(look)->of;
	json_t *service;
	json_t *arn;
	size_t i;
	size_t k;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "ServiceConfigurations"), i, service)
		json_array_foreach (jsonx_get_array(service, "GatewayLoadBalancerArns"), k, arn)
			look_add(look, QUESTION_BALANCER, of, json_string_value(arn));
	return EC2_PAGE_MORE;
}

static struct tmf_call *
question_ask_service(struct look *look, struct account *asker, const struct question *question)
{
	return question_ask_pages(look, asker, &ec2_list_endpoint_services, "service-name",
	    question_ids(question), question_service_page);
}

/* --- a load balancer and its groups --- */

static struct tmf_call *
question_ask_balancer(struct look *look, struct account *asker, const struct question *question)
{
	(void)look;
	return elbv2_describe_target_groups(asker->elb, question->id, question->marker);
}

static void
question_balancer_answer(struct look *look, const struct question *question, const json_t *reply)
{
	const char *marker = jsonx_get_string(reply, "NextMarker");
	struct question *next;
	json_t *group;
	size_t i;

	json_array_foreach (jsonx_get_array(reply, "TargetGroups"), i, group) {
		next = look_add(
		    look, QUESTION_GROUP, question->of, jsonx_get_string(group, "TargetGroupArn"));
		if (next == NULL)
			continue;
		next->members_are = mem_strdup(jsonx_get_string(group, "TargetType"));
		next->protocol = mem_strdup(jsonx_get_string(group, "Protocol"));
		next->vpc_id = mem_strdup(jsonx_get_string(group, "VpcId"));
		next->is_inner = question->is_inner;
	}
	if (marker != NULL) {
		next = look_add(look, QUESTION_BALANCER, question->of, question->id);
		next->marker = mem_strdup(marker);
		next->is_inner = question->is_inner;
	}
}

static struct tmf_call *
question_ask_group(struct look *look, struct account *asker, const struct question *question)
{
	(void)look;
	return elbv2_describe_target_health(asker->elb, question->id);
}

/* An Application Load Balancer stands behind a Network Load Balancer, never the other way round:
 * one step is enough, and a circle is impossible. */
static void
question_add_inner(struct look *look, const struct question *group, const char *arn)
{
	struct question *next;

	if (group->is_inner)
		return;
	next = look_add(look, QUESTION_BALANCER, group->of, arn);
	next->is_inner = true;
}

/* VXLAN comes over UDP, and behind a gateway load balancer over GENEVE: groups of other protocols
 * take none of it. The members of an inner load balancer are not the target's own. */
static bool
question_group_takes_packets(const struct question *group)
{
	const char *protocol = group->protocol;

	return protocol != NULL && !group->is_inner &&
	       (strcmp(protocol, "UDP") == 0 || strcmp(protocol, "TCP_UDP") == 0 ||
		   strcmp(protocol, "GENEVE") == 0);
}

/* "unavailable": health checks are off. "initial": they have not ended yet. */
static bool
question_member_is_healthy(const json_t *health)
{
	const char *state = jsonx_get_string(json_object_get(health, "TargetHealth"), "State");

	return state == NULL || strcmp(state, "healthy") == 0 || strcmp(state, "initial") == 0 ||
	       strcmp(state, "unavailable") == 0;
}

static bool
question_is_ipv6(const char *address)
{
	return strchr(address, ':') != NULL;
}

/* A member whose zone is "all" is an address outside of the group's VPC: in a peered one, perhaps,
 * or not in AWS at all. */
static void
question_group_answer(struct look *look, const struct question *group, const json_t *reply)
{
	struct question *batches[2][2] = {{NULL}}; /* outside of the VPC? IPv6? Borrowed */
	const char *kind = group->members_are;
	bool healthy = false;
	json_t *health;
	size_t i;

	if (kind == NULL)
		return;
	json_array_foreach (jsonx_get_array(reply, "TargetHealthDescriptions"), i, health) {
		const json_t *member = json_object_get(health, "Target");
		const char *id = jsonx_get_string(member, "Id");
		const char *zone = jsonx_get_string(member, "AvailabilityZone");
		bool is_outside = zone != NULL && strcmp(zone, "all") == 0;
		struct question **batch;

		if (id == NULL)
			continue;
		batch = &batches[is_outside][question_is_ipv6(id)];
		healthy = healthy || question_member_is_healthy(health);
		if (strcmp(kind, "instance") == 0) {
			look_note(look, group, id);
		} else if (strcmp(kind, "ip") == 0) {
			*batch = look_add_address(look, *batch, group, id);
			(*batch)->is_outside = is_outside;
		} else if (strcmp(kind, "alb") == 0) {
			question_add_inner(look, group, id);
		}
	}
	if (question_group_takes_packets(group))
		look_note_health(look, group, healthy);
}

/* --- addresses --- */

static bool
question_has_place(const struct question *question, const json_t *interface)
{
	const char *wanted = question->vpc_id;
	const char *vpc = jsonx_get_string(interface, "VpcId");
	bool same = wanted != NULL && vpc != NULL && strcmp(wanted, vpc) == 0;

	return same != question->is_outside;
}

/* The same address may stand in several VPCs. */
static enum ec2_page_next
question_addresses_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct look *look = arg;
	const struct question *question = look_question(look);
	json_t *interface;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "NetworkInterfaces"), i, interface)
		if (question_has_place(question, interface))
			look_note(look, question,
			    jsonx_get_string(
				json_object_get(interface, "Attachment"), "InstanceId"));
	return EC2_PAGE_MORE;
}

/* One describe for a group's addresses, secondary ones included: so that pages of instances need
 * not carry the addresses of all interfaces. Those of a batch are all IPv4 or all IPv6. In this
 * account, also where the load balancer is shared: its instances are those that could be
 * mirrored. */
static struct tmf_call *
question_ask_addresses(struct look *look, struct account *asker, const struct question *question)
{
	const char *first = json_string_value(json_array_get(question->addresses, 0));
	const char *filter = question_is_ipv6(first) ? "ipv6-addresses.ipv6-address"
						     : "addresses.private-ip-address";

	(void)asker;
	return question_ask_pages(look, look->account, &ec2_list_interfaces, filter,
	    json_incref(question->addresses), question_addresses_page);
}

/* --- the table --- */

static const struct question_row question_rows[QUESTION_KINDS] = {
    [QUESTION_USE] = {"ec2:DescribeTrafficMirrorSessions", false, question_ask_use, NULL},
    [QUESTION_ENDPOINT] = {"ec2:DescribeVpcEndpoints", false, question_ask_endpoint, NULL},
    [QUESTION_SERVICE] = {"ec2:DescribeVpcEndpointServiceConfigurations", false,
	question_ask_service, NULL},
    [QUESTION_BALANCER] = {"elasticloadbalancing:DescribeTargetGroups", true, question_ask_balancer,
	question_balancer_answer},
    [QUESTION_GROUP] = {"elasticloadbalancing:DescribeTargetHealth", true, question_ask_group,
	question_group_answer},
    [QUESTION_ADDRESSES] = {"ec2:DescribeNetworkInterfaces", false, question_ask_addresses, NULL},
};

struct tmf_call *
question_ask(struct look *look)
{
	const struct question *question = look_question(look);

	assert(question != NULL && question->kind < QUESTION_KINDS);
	assert((question->id != NULL) == (question->kind != QUESTION_ADDRESSES));
	return question_rows[question->kind].ask(
	    look, look_balancer(look, question)->asker, question);
}

void
question_answer(struct look *look, const json_t *reply)
{
	const struct question *question = look_question(look);

	if (question_rows[question->kind].answer != NULL)
		question_rows[question->kind].answer(look, question, reply);
}

/* What was not looked up may be healthy. But not one of an inner load balancer, or of addresses
 * whose health is known. */
void
question_leave(struct look *look)
{
	const struct question *question = look_question(look);

	if (!question->is_inner && question->kind != QUESTION_ADDRESSES)
		look_note_health(look, question, true);
}

const char *
question_operation(const struct question *question)
{
	return question_rows[question->kind].operation;
}

bool
question_is_of_elb(const struct question *question)
{
	return question_rows[question->kind].elb;
}
