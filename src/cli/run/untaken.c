#include "cli/run/untaken.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define UNTAKEN_RULE "UNUSED_RULE"
#define LISTING	     "tmflow:describe-page"

/* True if some Task of the definition lists whatever there is, rather than given instances. */
static bool
untaken_lists_all(const json_t *value)
{
	const char *resource = jsonx_get_string(value, "Resource");
	const json_t *given = json_object_get(value, "Parameters");
	const char *key;
	json_t *member;
	size_t i;

	if (given == NULL)
		given = json_object_get(value, "Arguments");
	if (resource != NULL && strcmp(resource, LISTING) == 0 && json_is_object(given) &&
	    json_object_get(given, "InstanceIds") == NULL &&
	    json_object_get(given, "InstanceIds.$") == NULL)
		return true;
	json_object_foreach ((json_t *)value, key, member)
		if (untaken_lists_all(member))
			return true;
	json_array_foreach (value, i, member)
		if (untaken_lists_all(member))
			return true;
	return false;
}

/* {rule: true, or false where all that it took is excluded} */
static int
untaken_note(void *arg, const char *rule, enum outcome_kind kind)
{
	json_t *taken = arg;
	bool whole = kind == OUTCOME_EXCLUDED;

	/* These two bear the name of the rule that a session was made for. */
	if (kind == OUTCOME_UNWANTED || kind == OUTCOME_REMOVED)
		return 0;
	if (json_object_get(taken, rule) == NULL || !whole)
		json_object_set_new(taken, rule, json_boolean(!whole));
	return 0;
}

/* True if the checker has something to say of the rule at that pointer. */
static bool
untaken_is_known(const struct diag_list *known, const char *pointer)
{
	for (size_t i = 0; i < known->count; i++)
		if (strcmp(known->at[i].pointer, pointer) == 0)
			return true;
	return false;
}

static void
untaken_judge(const struct mirror_config *config, const json_t *taken, const char *where,
    const struct diag_list *known, struct diag_list *diags)
{
	for (size_t i = 0; i < mirror_config_rule_count(config); i++) {
		const struct config_rule *rule = mirror_config_rule(config, i);
		const json_t *some = json_object_get(taken, rule->name);
		char *pointer = mirror_config_rule_pointer(rule);

		if (!json_is_true(some) && !untaken_is_known(known, pointer))
			diag_add(diags, DIAG_WARNING, UNTAKEN_RULE, pointer, DIAG_AT_VALUE, NULL,
			    some == NULL ? "the rule %s took no instance in %s"
					 : "all that the rule %s took in %s is excluded",
			    rule->name, where);
		free(pointer);
	}
}

/* A rule may be for one account or region of several, so a part says of which it speaks. A part of
 * the keys' own account has no other name than its region. */
static char *
untaken_where(const struct store_run *run)
{
	json_t *settings = record_settings(run);
	const char *account = jsonx_get_string(settings, RECORD_ACCOUNT);
	const char *region = jsonx_get_string(settings, "region");
	char *where;

	if (run->parent == NULL || region == NULL)
		where = mem_strdup("this run");
	else
		where = mem_printf(
		    "%s%s%s", account != NULL ? account : "", account != NULL ? " " : "", region);
	json_decref(settings);
	return where;
}

/* The text is parsed once more for the places of its values, and checked once more for what was
 * said at the start. */
int
untaken_warn(const struct session *session, struct tmf_err *err)
{
	const struct workspace *workspace = &session->workspace;
	struct diag_list known, diags;
	struct mirror_config *config;
	char *where;
	struct doc *doc;
	json_t *taken;

	if (session->run.status != RUN_SUCCEEDED || workspace->config == NULL ||
	    !untaken_lists_all(asl_machine_json(session->machine)))
		return 0;
	taken = json_object();
	if (store_outcome_rules(session->store, session->run.id, untaken_note, taken, err) < 0) {
		json_decref(taken);
		return -1;
	}
	doc = doc_parse(workspace->config_name, str_of(workspace->config_text), NULL);
	assert(doc != NULL); /* it has been loaded before */
	diag_list_init(&known, doc);
	diag_list_init(&diags, doc);
	config = mirror_config_load(doc, &known);
	assert(config != NULL);
	where = untaken_where(&session->run);
	untaken_judge(config, taken, where, &known, &diags);
	diag_print(&diags, stderr);
	free(where);
	mirror_config_free(config);
	diag_list_fini(&diags);
	diag_list_fini(&known);
	doc_free(doc);
	json_decref(taken);
	return 0;
}
