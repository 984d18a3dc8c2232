#include "world_internal.h"

#include "base/doc/doc.h"
#include "base/jsonx.h"

#include <stdlib.h>
#include <string.h>

/*
 * Which sessions a tmflow configuration asks for, worked out a second time: nothing here is shared
 * with tmflow's own rules, so that a fault in them shows. Tags before subnets before vpcs, each in
 * file order, the first rule that matches wins.
 */

#define LISTED_MAX 20u

enum rule_list { LIST_TAGS, LIST_SUBNETS, LIST_VPCS, LIST_COUNT };
static const char *const list_names[LIST_COUNT] = {"tags", "subnets", "vpcs"};

struct rule {
	enum rule_list list;
	size_t index;
	const json_t *tags; /* LIST_TAGS */
	bool all_tags;
	bool all_interfaces;
	uint64_t place; /* number of the VPC or subnet */
	uint64_t filter;
	bool given_target;
	uint64_t target;	/* where given_target */
	uint64_t target_subnet; /* UINT64_MAX: that of the source */
};

/* Why an instance has no session. */
enum verdict {
	WANTED,
	UNMATCHED,
	EXCLUDED,
	TARGET_INSTANCE,
	TARGET_MEMBER,
	ENDED,
	NO_INTERFACE,
	WRONG_TYPE,
	VERDICT_COUNT
};
static const char *const verdict_names[VERDICT_COUNT] = {
    [WANTED] = "wanted",
    [UNMATCHED] = "unmatched",
    [EXCLUDED] = "excluded",
    [TARGET_INSTANCE] = "targetInstance",
    [TARGET_MEMBER] = "targetMember",
    [ENDED] = "terminated",
    [NO_INTERFACE] = "noInterface",
    [WRONG_TYPE] = "type",
};

/* What is wrong with a session, or with its absence. */
enum fault_list { MISSING, EXTRA, WRONG_INTERFACE, WRONG_TARGET, TWICE, FAULT_LISTS };
static const char *const fault_names[FAULT_LISTS] = {
    "missing", "extra", "wrongInterface", "wrongTarget", "duplicates"};

struct comparison {
	const struct sim_world *w;
	const json_t *exclude_tags;
	const json_t *exclude_ids;
	struct rule *rules;
	size_t rules_count;
	uint64_t by_verdict[VERDICT_COUNT];
	uint64_t expected;
	uint64_t present;
	uint64_t counts[FAULT_LISTS];
	struct jo_out lists[FAULT_LISTS];
};

/* A member's text; NULL where it is absent, empty or the seed application's placeholder. */
static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL || text[0] == '\0' || strcmp(text, "<INSERT_VALUE>") == 0 ? NULL : text;
}

/* The number that an id stands for; for another text, a number that nothing has. */
static uint64_t
number_of(const struct sim_world *w, enum id_kind kind, const char *id)
{
	uint64_t n = UINT64_MAX;
	bool formed;

	return id != NULL && id_read(w, kind, str_of(id), &n, &formed) ? n : UINT64_MAX;
}

static struct rule
read_rule(const struct sim_world *w, enum rule_list list, size_t index, const json_t *object)
{
	struct rule rule = {.list = list, .index = index};
	const char *match = text_of(object, "tagMatch"),
		   *interfaces = text_of(object, "interfaces"),
		   *target = text_of(object, "targetId");

	rule.tags = json_object_get(object, "tagList");
	rule.all_tags = match != NULL && strcmp(match, "all") == 0;
	rule.all_interfaces = interfaces != NULL && strcmp(interfaces, "all") == 0;
	rule.place = number_of(w, list == LIST_VPCS ? ID_VPC : ID_SUBNET,
	    text_of(object, list == LIST_VPCS ? "vpcId" : "subnetId"));
	rule.filter = number_of(w, ID_FILTER, text_of(object, "filterId"));
	rule.given_target = target != NULL;
	rule.target = number_of(w, ID_TARGET, target);
	rule.target_subnet = number_of(w, ID_SUBNET, text_of(object, "targetSubnetId"));
	return rule;
}

static void
read_rules(struct comparison *c, const json_t *config)
{
	for (size_t list = 0; list < LIST_COUNT; list++) {
		const json_t *rules = json_object_get(config, list_names[list]);

		for (size_t i = 0; i < json_array_size(rules); i++) {
			c->rules = mem_resize(c->rules, c->rules_count + 1, sizeof(c->rules[0]));
			c->rules[c->rules_count++] =
			    read_rule(c->w, (enum rule_list)list, i, json_array_get(rules, i));
		}
	}
	c->exclude_tags = json_object_get(json_object_get(config, "exclude"), "tags");
	c->exclude_ids = json_object_get(json_object_get(config, "exclude"), "instanceIds");
}

/* ---- matching ---- */

static bool
bears_tag(const struct instance *i, const json_t *tag)
{
	const char *key = json_string_value(json_object_get(tag, "Key"));
	const char *value = json_string_value(json_object_get(tag, "Value"));
	const char *has = key != NULL ? tags_value(&i->tags, key) : NULL;

	return has != NULL && value != NULL && strcmp(has, value) == 0;
}

static size_t
count_tags(const struct instance *i, const json_t *list)
{
	size_t count = 0;

	for (size_t k = 0; k < json_array_size(list); k++)
		count += bears_tag(i, json_array_get(list, k));
	return count;
}

static bool
rule_matches(const struct rule *rule, const struct instance *i)
{
	size_t found;

	switch (rule->list) {
	case LIST_TAGS:
		found = count_tags(i, rule->tags);
		return rule->all_tags ? found == json_array_size(rule->tags) && found > 0
				      : found > 0;
	case LIST_SUBNETS:
		return i->interfaces > 0 && i->subnet == rule->place;
	case LIST_VPCS:
		return i->interfaces > 0 && i->vpc == rule->place;
	case LIST_COUNT:
		break;
	}
	return false;
}

static bool
is_excluded(const struct comparison *c, const struct instance *i)
{
	char id[SIM_ID_BYTES];

	if (count_tags(i, c->exclude_tags) > 0)
		return true;
	id_write(c->w, ID_INSTANCE, i->n, id);
	for (size_t k = 0; k < json_array_size(c->exclude_ids); k++) {
		const char *excluded = json_string_value(json_array_get(c->exclude_ids, k));

		if (excluded != NULL && strcmp(excluded, id) == 0)
			return true;
	}
	return false;
}

/* Behind a target, or launched to be. */
static bool
is_target(const struct comparison *c, const struct instance *i)
{
	uint64_t target;

	for (unsigned device = 0; device < i->interfaces; device++) {
		if (idmap_get(&c->w->target_of_interface, i->n * INTERFACES_MAX + device, &target))
			return true;
	}
	return i->launched && (tags_value(&i->tags, "TargetSubnetId") != NULL ||
				  tags_value(&i->tags, "tmflow:target") != NULL);
}

/* One that stood there before any client came. */
static bool
has_foreign_session(const struct sim_world *w, uint64_t target)
{
	for (uint32_t i = 0; i < w->sessions_count; i++)
		if (!w->sessions[i].deleted && w->sessions[i].creator == 0 &&
		    w->sessions[i].now.target == target)
			return true;
	return false;
}

/* Behind a load balancer that some rule mirrors to, or somebody else. */
static bool
is_member(const struct comparison *c, const struct instance *i)
{
	uint64_t target;

	if (!member_target(c->w, i->n, &target))
		return false;
	for (size_t k = 0; k < c->rules_count; k++) {
		if (c->rules[k].given_target && c->rules[k].target == target)
			return true;
	}
	return has_foreign_session(c->w, target);
}

static enum verdict
judge(const struct comparison *c, const struct instance *i, const struct rule **ret_rule)
{
	*ret_rule = NULL;
	if (i->state == STATE_TERMINATED || i->state == STATE_SHUTTING_DOWN)
		return ENDED;
	if (is_target(c, i))
		return TARGET_INSTANCE;
	if (is_member(c, i))
		return TARGET_MEMBER;
	if (is_excluded(c, i))
		return EXCLUDED;
	for (size_t k = 0; k < c->rules_count && *ret_rule == NULL; k++) {
		if (rule_matches(&c->rules[k], i))
			*ret_rule = &c->rules[k];
	}
	if (*ret_rule == NULL)
		return UNMATCHED;
	if (i->interfaces == 0)
		return NO_INTERFACE;
	return type_can_be_source(i->type) ? WANTED : WRONG_TYPE;
}

/* ---- comparing ---- */

static bool
target_fits(
    const struct sim_world *w, const struct rule *rule, const struct instance *i, uint32_t target)
{
	const struct target *t = &w->targets[target];
	struct instance holder;
	uint64_t subnet = rule->target_subnet != UINT64_MAX ? rule->target_subnet : i->subnet;

	if (rule->given_target)
		return target == rule->target;
	return t->type == TARGET_INTERFACE && interface_load(w, t->interface, LOOK_TRUE, &holder) &&
	       holder.subnet == subnet;
}

static void
list_fault(struct comparison *c, enum fault_list which, const struct instance *i, unsigned device,
    const struct rule *rule, uint32_t session)
{
	struct jo_out *j = &c->lists[which];
	char *name;

	if (c->counts[which]++ >= LISTED_MAX)
		return;
	jo_open(j, NULL, '{');
	jo_id(j, "instanceId", c->w, ID_INSTANCE, i->n);
	jo_id(j, "networkInterfaceId", c->w, ID_INTERFACE, i->n * INTERFACES_MAX + device);
	if (session != 0)
		jo_id(j, "sessionId", c->w, ID_SESSION, session - 1);
	if (rule != NULL) {
		name = mem_printf("%s[%zu]", list_names[rule->list], rule->index);
		jo_text(j, "rule", name);
		free(name);
	}
	jo_close(j, '}');
}

/* The next session of tmflow's or of another client; the world's own are somebody else's, whom
 * no configuration concerns. */
static uint32_t
skip_given(const struct sim_world *w, uint32_t at)
{
	while (at != 0 && w->sessions[at - 1].creator == 0)
		at = w->sessions[at - 1].interface_next;
	return at;
}

/* An interface that is to have exactly one session by the rule. */
static void
compare_wanted(
    struct comparison *c, const struct instance *i, unsigned device, const struct rule *rule)
{
	const struct sim_world *w = c->w;
	unsigned good = 0;

	c->expected++;
	for (uint32_t at = skip_given(w, sessions_first(w, i->n * INTERFACES_MAX + device));
	     at != 0; at = skip_given(w, w->sessions[at - 1].interface_next)) {
		const struct session_value *value = &w->sessions[at - 1].now;

		if (value->filter != rule->filter)
			list_fault(c, EXTRA, i, device, rule, at);
		else if (!target_fits(w, rule, i, value->target))
			list_fault(c, WRONG_TARGET, i, device, rule, at);
		else if (good++ > 0)
			list_fault(c, TWICE, i, device, rule, at);
	}
	if (good == 0)
		list_fault(c, MISSING, i, device, rule, 0);
	else
		c->present++;
}

static void
compare_unwanted(struct comparison *c, const struct instance *i, unsigned device,
    const struct rule *rule, enum fault_list which)
{
	for (uint32_t at = skip_given(c->w, sessions_first(c->w, i->n * INTERFACES_MAX + device));
	     at != 0; at = skip_given(c->w, c->w->sessions[at - 1].interface_next))
		list_fault(c, which, i, device, rule, at);
}

static void
compare_instance(struct comparison *c, const struct instance *i)
{
	const struct rule *rule;
	enum verdict verdict = judge(c, i, &rule);

	c->by_verdict[verdict]++;
	for (unsigned device = 0; device < i->interfaces; device++) {
		if (verdict != WANTED)
			compare_unwanted(c, i, device, rule, EXTRA);
		else if (device == 0 || rule->all_interfaces)
			compare_wanted(c, i, device, rule);
		else
			compare_unwanted(c, i, device, rule, WRONG_INTERFACE);
	}
}

static void
write_comparison(struct comparison *c, struct buf *out)
{
	struct jo_out j = {0};
	bool ok = true;

	for (size_t i = 0; i < FAULT_LISTS; i++)
		ok = ok && c->counts[i] == 0;
	jo_open(&j, NULL, '{');
	jo_bool(&j, "ok", ok);
	jo_int(&j, "expectedSessions", c->expected);
	jo_int(&j, "presentSessions", c->present);
	jo_int(&j, "sessions", c->w->sessions_live);
	jo_open(&j, "instances", '{');
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		jo_int(&j, verdict_names[i], c->by_verdict[i]);
	jo_close(&j, '}');
	jo_open(&j, "counts", '{');
	for (size_t i = 0; i < FAULT_LISTS; i++)
		jo_int(&j, fault_names[i], c->counts[i]);
	jo_close(&j, '}');
	for (size_t i = 0; i < FAULT_LISTS; i++) {
		jo_open(&j, fault_names[i], '[');
		buf_add_str(&j.buf, buf_str(&c->lists[i].buf));
		jo_close(&j, ']');
		buf_fini(&c->lists[i].buf);
	}
	jo_close(&j, '}');
	buf_add_char(&j.buf, '\n');
	buf_add_str(out, buf_str(&j.buf));
	buf_fini(&j.buf);
}

int
world_expected(
    const struct sim_world *world, struct str config, struct buf *out, struct tmf_err *err)
{
	struct doc *doc = doc_parse("config", config, err);
	struct comparison c = {.w = world};
	struct instance i;

	if (doc == NULL)
		return -1;
	read_rules(&c, doc_root(doc));
	if (c.rules_count == 0) {
		doc_free(doc);
		return tmf_err_set(err, TMF_ERR_INVALID, "the configuration has no rule");
	}
	for (uint64_t n = 0; n < instances_end(world); n++) {
		if (instance_load(world, n, LOOK_TRUE, &i))
			compare_instance(&c, &i);
	}
	write_comparison(&c, out);
	free(c.rules);
	doc_free(doc);
	return 0;
}
