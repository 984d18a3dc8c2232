#include "mirror/filters/filters.h"

#include "aws/pace/retry.h"
#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FILTERS_OPERATION "ec2:DescribeTrafficMirrorFilters"

struct mirror_filters {
	struct account *account;
	json_t *known;	       /* {id: enum filter_take} */
	int64_t since_mono_ms; /* of the oldest of them */
	bool warned;
};

struct mirror_filters *
filters_new(struct account *account)
{
	struct mirror_filters *filters = mem_zalloc(1, sizeof(*filters));

	filters->account = account;
	filters->known = json_object();
	return filters;
}

void
filters_free(struct mirror_filters *filters)
{
	if (filters == NULL)
		return;
	json_decref(filters->known);
	free(filters);
}

enum filter_take
filters_take_of(const struct mirror_filters *filters, const char *id)
{
	const json_t *take = id != NULL ? json_object_get(filters->known, id) : NULL;

	return take != NULL ? (enum filter_take)json_integer_value(take) : FILTER_UNKNOWN;
}

/* --- what a filter accepts --- */

/* A rule without a block is about any address. IPv6 is left aside: a filter that takes all of IPv4
 * leaves nothing of what most interfaces send. */
static bool
filter_block_is_all(const json_t *rule, const char *member)
{
	const char *block = jsonx_get_string(rule, member);

	return block == NULL || strcmp(block, "0.0.0.0/0") == 0;
}

static bool
filter_rule_is_wide(const json_t *rule)
{
	return json_integer_value(json_object_get(rule, "Protocol")) == 0 &&
	       json_object_get(rule, "DestinationPortRange") == NULL &&
	       json_object_get(rule, "SourcePortRange") == NULL &&
	       filter_block_is_all(rule, "DestinationCidrBlock") &&
	       filter_block_is_all(rule, "SourceCidrBlock");
}

/* Of one direction. The rule with the lowest number that fits a packet decides, so a rejection
 * counts only before the rule that accepts everything, and an acceptance only before one that
 * rejects everything. What no rule fits is not mirrored. */
static enum filter_take
filter_take_of_rules(const json_t *rules)
{
	json_int_t first_wide = INT64_MAX;
	bool wide_accepts = false;
	bool accepts = false;
	bool rejects = false;
	json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule) {
		json_int_t number = json_integer_value(json_object_get(rule, "RuleNumber"));

		if (number < first_wide && filter_rule_is_wide(rule)) {
			const char *action = jsonx_get_string(rule, "RuleAction");

			first_wide = number;
			wide_accepts = action != NULL && strcmp(action, "accept") == 0;
		}
	}
	json_array_foreach (rules, i, rule) {
		const char *action = jsonx_get_string(rule, "RuleAction");
		bool accept = action != NULL && strcmp(action, "accept") == 0;

		if (json_integer_value(json_object_get(rule, "RuleNumber")) >= first_wide)
			continue;
		accepts = accepts || accept;
		rejects = rejects || !accept;
	}
	if (wide_accepts)
		return rejects ? FILTER_SOME : FILTER_ALL;
	return accepts ? FILTER_SOME : FILTER_NOTHING;
}

enum filter_take
filter_take_described(const json_t *filter)
{
	enum filter_take in = filter_take_of_rules(jsonx_get_array(filter, "IngressFilterRules"));
	enum filter_take out = filter_take_of_rules(jsonx_get_array(filter, "EgressFilterRules"));

	return in == out ? in : FILTER_SOME;
}

/* --- asking --- */

/* The frame of a load. */
struct filters_look {
	struct mirror_filters *filters;
	json_t *ids; /* that are not known yet */
	size_t asked;
};

static void
filters_look_free(void *frame)
{
	struct filters_look *look = frame;

	json_decref(look->ids);
	free(look);
}

static enum ec2_page_next
filters_page(void *arg, json_t *reply, struct tmf_err *err)
{
	const struct filters_look *look = arg;
	json_t *filter;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorFilters"), i, filter) {
		const char *id = jsonx_get_string(filter, "TrafficMirrorFilterId");

		if (id != NULL)
			json_object_set_new(look->filters->known, id,
			    json_integer((json_int_t)filter_take_described(filter)));
	}
	return EC2_PAGE_MORE;
}

/* By a filter and not by ids: EC2 refuses a whole call for one id that it does not know. */
static struct tmf_call *
filters_ask(struct filters_look *look)
{
	json_t *values = json_array();
	struct tmf_call *call;
	json_t *by;

	while (look->asked < json_array_size(look->ids) &&
	       json_array_size(values) < EC2_FILTER_VALUES_MAX)
		json_array_append(values, json_array_get(look->ids, look->asked++));
	assert(json_array_size(values) > 0);
	by = describe_filter("traffic-mirror-filter-id", values);
	call = ec2_pages(look->filters->account->ec2, &(struct ec2_pages){
							  .list = &ec2_list_filters,
							  .filters = by,
							  .on_page = filters_page,
							  .arg = look,
						      });
	json_decref(by);
	return call;
}

/* What the replies left out. Only at the end: until then a second load must not take them for
 * known. */
static void
filters_settle_rest(struct filters_look *look, enum filter_take take)
{
	json_t *known = look->filters->known;
	assert(take == FILTER_MISSING || take == FILTER_UNKNOWN);
	json_t *id;
	size_t i;

	json_array_foreach (look->ids, i, id)
		if (json_object_get(known, json_string_value(id)) == NULL)
			json_object_set_new(
			    known, json_string_value(id), json_integer((json_int_t)take));
}

static void
filters_warn(struct mirror_filters *filters, const struct tmf_err *err)
{
	const char *needs = FILTERS_OPERATION;
	const char *effect = "whether sessions of others take all packets is not known";

	if (filters->warned)
		return;
	filters->warned = true;
	log_event(LOG_WARN, "filters.unknown", LOG_STR("needs", needs), LOG_ERR(err),
	    LOG_STR("effect", effect));
}

static struct tmf_call *
filters_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct filters_look *look = frame;
	json_t *reply = tmf_call_take_result(over);

	if (reply == NULL &&
	    (over->err.code != TMF_ERR_SERVICE || retry_classify(&over->err) != RETRY_NEVER)) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	if (reply != NULL && look->asked < json_array_size(look->ids)) {
		json_decref(reply);
		return filters_ask(look);
	}
	if (reply == NULL)
		filters_warn(look->filters, &over->err);
	filters_settle_rest(look, reply != NULL ? FILTER_MISSING : FILTER_UNKNOWN);
	json_decref(reply);
	*ret_result = json_object();
	return NULL;
}

/* Old answers go all at once, as the inventory does. */
static void
filters_freshen(struct mirror_filters *filters)
{
	struct tmf_clock *clock = tmf_loop_clock(filters->account->loop);
	int64_t now_ms = clock->mono_ms(clock);

	if (filters->account->fresh_ms != 0 &&
	    now_ms - filters->since_mono_ms > filters->account->fresh_ms)
		json_object_clear(filters->known);
	if (json_object_size(filters->known) == 0)
		filters->since_mono_ms = now_ms;
}

struct tmf_call *
filters_load(struct mirror_filters *filters, const json_t *ids)
{
	struct filters_look *look;
	json_t *unknown = json_array();
	json_t *seen = json_object();
	json_t *id;
	size_t i;

	filters_freshen(filters);
	json_array_foreach (ids, i, id) {
		if (json_object_get(filters->known, json_string_value(id)) != NULL ||
		    json_object_get(seen, json_string_value(id)) != NULL)
			continue;
		json_object_set_new(seen, json_string_value(id), json_true());
		json_array_append(unknown, id);
	}
	json_decref(seen);
	if (json_array_size(unknown) == 0) {
		json_decref(unknown);
		return tmf_call_of_result(filters->account->loop, json_object());
	}
	look = mem_zalloc(1, sizeof(*look));
	look->filters = filters;
	look->ids = unknown;
	return tmf_call_sequence(filters_ask(look), filters_step, look, filters_look_free);
}
