#include "world_internal.h"

#include "base/jsonx.h"

#include <stdlib.h>
#include <string.h>

/*
 * The services that speak JSON: CloudTrail, which lists this world's own sessions and targets;
 * Organizations, with the accounts of the realm; the Resource Access Manager, by which nothing is
 * shared; EventBridge, which has no rules. What else they may say is given as an answer.
 */

#define EVENTS_PER_PAGE_MAX   50
#define ROOT_ID		      "r-ex01"
#define UNIT_ID		      "ou-ex01-members1"
#define INNER_UNIT_ID	      "ou-ex01-inner001"
#define ACCOUNTS_PER_PAGE_MAX 20

static json_t *
read_body(const struct sim_call *c)
{
	struct tmf_err err = {0};
	json_t *body = jsonx_parse(c->request->body, &err);

	tmf_err_fini(&err);
	return json_is_object(body) ? body : json_object();
}

static int
write_answer(struct sim_call *c, json_t *answer)
{
	jsonx_write(answer, c->out);
	json_decref(answer);
	return 0;
}

/* ---- CloudTrail ---- */

/* The event in full, as text: who it was, and with which program. */
static char *
event_text(const struct sim_world *w, const char *name, const char *creator)
{
	size_t key_len = strcspn(creator, "\n");
	const char *agent = creator[key_len] == '\n' ? creator + key_len + 1 : "";
	const struct grant *grant =
	    realm_find_grant(w->realm, w->account, (struct str){creator, key_len});
	json_t *event = json_object();
	json_t *identity = json_object();
	char *user = mem_printf("arn:aws:iam::%s:user/ec2sim", w->opts.account_id);
	char *text;

	jsonx_put_string(identity, "arn", grant != NULL ? grant->arn : user);
	json_object_set_new(event, "userIdentity", identity);
	jsonx_put_string(event, "eventName", name);
	jsonx_put_string(event, "userAgent", agent);
	jsonx_put_string(event, "awsRegion", w->opts.region);
	text = jsonx_text(event);
	json_decref(event);
	free(user);
	return text;
}

struct trail_event {
	const char *name;
	const char *type;
	const char *id;
	uint32_t creator;
	int64_t wall_ms;
};

static void
add_event(const struct sim_call *c, json_t *events, const struct trail_event *of)
{
	const char *creator = c->w->creators[of->creator];
	char *text = event_text(c->w, of->name, creator);
	char *user = mem_strndup(creator, strcspn(creator, "\n"));
	json_t *event = json_object();

	jsonx_put_string(event, "EventName", of->name);
	json_object_set_new(event, "EventTime", json_real((double)of->wall_ms / 1000));
	jsonx_put_string(event, "Username", user);
	json_object_set_new(event, "Resources",
	    json_pack("[{s:s, s:s}]", "ResourceType", of->type, "ResourceName", of->id));
	jsonx_put_string(event, "CloudTrailEvent", text);
	json_array_append_new(events, event);
	free(text);
	free(user);
}

/* What the world itself made has no event: it is older than the trail. */
static void
add_events_of_sessions(const struct sim_call *c, json_t *events, const char *name, bool deletions)
{
	char id[SIM_ID_BYTES];

	for (size_t i = c->w->sessions_count; i-- > 0;) {
		const struct session *s = &c->w->sessions[i];

		if ((deletions ? !s->deleted || s->deleter == 0 : s->creator == 0))
			continue;
		id_write(c->w, ID_SESSION, i, id);
		add_event(c, events,
		    &(struct trail_event){name, "AWS::EC2::TrafficMirrorSession", id,
			deletions ? s->deleter : s->creator,
			deletions ? s->deletion.wall_ms : s->created.wall_ms});
	}
}

static void
add_events_of_targets(const struct sim_call *c, json_t *events, const char *name)
{
	char id[SIM_ID_BYTES];

	for (size_t i = c->w->targets_count; i-- > 0;) {
		const struct target *t = &c->w->targets[i];

		if (t->creator == 0)
			continue;
		id_write(c->w, ID_TARGET, i, id);
		add_event(c, events,
		    &(struct trail_event){
			name, "AWS::EC2::TrafficMirrorTarget", id, t->creator, t->created.wall_ms});
	}
}

int
op_lookup_events(struct sim_call *c)
{
	json_t *body = read_body(c);
	const json_t *attribute = json_array_get(jsonx_get_array(body, "LookupAttributes"), 0);
	const char *name = jsonx_get_string(attribute, "AttributeValue");
	const char *token = jsonx_get_string(body, "NextToken");
	size_t start = token != NULL ? strtoul(token, NULL, 10) : 0;
	json_t *all = json_array();
	json_t *page = json_array();
	json_t *answer = json_object();

	if (name != NULL && strcmp(name, "CreateTrafficMirrorSession") == 0)
		add_events_of_sessions(c, all, name, false);
	else if (name != NULL && strcmp(name, "DeleteTrafficMirrorSession") == 0)
		add_events_of_sessions(c, all, name, true);
	else if (name != NULL && strcmp(name, "CreateTrafficMirrorTarget") == 0)
		add_events_of_targets(c, all, name);
	for (size_t i = start; i < json_array_size(all) && i < start + EVENTS_PER_PAGE_MAX; i++)
		json_array_append(page, json_array_get(all, i));
	json_object_set_new(answer, "Events", page);
	if (start + EVENTS_PER_PAGE_MAX < json_array_size(all))
		json_object_set_new(
		    answer, "NextToken", json_sprintf("%zu", start + EVENTS_PER_PAGE_MAX));
	json_decref(all);
	json_decref(body);
	return write_answer(c, answer);
}

/* ---- Organizations ---- */

/* The first account stands in the root, and those behind it in turn in the unit below the root and
 * in the one below that. */
static const char *const parents[] = {ROOT_ID, UNIT_ID, INNER_UNIT_ID};
#define PARENT_ALL (-1)

static int
parent_of(unsigned account)
{
	return account == 0 ? 0 : account % 2 == 1 ? 1 : 2;
}

static json_t *
account_json(const struct sim_call *c, unsigned i)
{
	const char *state = realm_is_suspended(c->w->realm, i) ? "SUSPENDED" : "ACTIVE";
	json_t *account = json_object();

	jsonx_put_string(account, "Id", realm_account_id(c->w->realm, i));
	json_object_set_new(account, "Name", json_sprintf("account-%u", i + 1));
	jsonx_put_string(account, "Status", state);
	jsonx_put_string(account, "State", state);
	return account;
}

/* A page of those below the parent. The token is the account that the next page begins with. */
static int
list_accounts(struct sim_call *c, int parent)
{
	json_t *body = read_body(c);
	const char *token = jsonx_get_string(body, "NextToken");
	unsigned i = token != NULL ? (unsigned)strtoul(token, NULL, 10) : 0;
	json_t *accounts = json_array();
	json_t *answer = json_pack("{s:o}", "Accounts", accounts);

	for (; i < realm_accounts(c->w->realm); i++) {
		if (parent != PARENT_ALL && parent_of(i) != parent)
			continue;
		if (json_array_size(accounts) == ACCOUNTS_PER_PAGE_MAX)
			break;
		json_array_append_new(accounts, account_json(c, i));
	}
	if (i < realm_accounts(c->w->realm))
		json_object_set_new(answer, "NextToken", json_sprintf("%u", i));
	json_decref(body);
	return write_answer(c, answer);
}

int
op_list_accounts(struct sim_call *c)
{
	return list_accounts(c, PARENT_ALL);
}

static int
check_parent(struct sim_call *c, int *ret_parent)
{
	json_t *body = read_body(c);
	const char *parent = jsonx_get_string(body, "ParentId");
	bool known = false;

	for (int i = 0; parent != NULL && i < (int)(sizeof(parents) / sizeof(parents[0])); i++) {
		if (strcmp(parent, parents[i]) == 0) {
			*ret_parent = i;
			known = true;
		}
	}
	json_decref(body);
	return known ? 0
		     : call_fail(c, 400, "ParentNotFoundException",
			   "You specified parent that doesn't exist.");
}

int
op_list_accounts_of(struct sim_call *c)
{
	int parent;

	return check_parent(c, &parent) < 0 ? -1 : list_accounts(c, parent);
}

int
op_list_units_of(struct sim_call *c)
{
	int parent;

	if (check_parent(c, &parent) < 0)
		return -1;
	if (parent == (int)(sizeof(parents) / sizeof(parents[0])) - 1)
		return write_answer(c, json_pack("{s:[]}", "OrganizationalUnits"));
	return write_answer(c, json_pack("{s:[{s:s, s:s}]}", "OrganizationalUnits", "Id",
				   parents[parent + 1], "Name", parent == 0 ? "members" : "inner"));
}

/* ---- the Resource Access Manager, EventBridge ---- */

int
op_list_shared_resources(struct sim_call *c)
{
	return write_answer(c, json_pack("{s:[]}", "resources"));
}

int
op_list_share_principals(struct sim_call *c)
{
	return write_answer(c, json_pack("{s:[]}", "principals"));
}

int
op_list_event_rules(struct sim_call *c)
{
	return write_answer(c, json_pack("{s:[]}", "Rules"));
}
