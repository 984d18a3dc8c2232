#include "cli/commands/commands.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "cli/workspace/workspace.h"
#include "mirror/explain.h"

#include <string.h>

/* --- for a person --- */

static const char *
explain_text(const json_t *object, const char *key)
{
	const char *text = jsonx_get_string(object, key);

	return text != NULL ? text : "-";
}

/*
 * An instance that cannot be mirrored is explained to the end: its rules may be of interest once
 * the reason is gone.
 */
static void
explain_print_instance(const json_t *result)
{
	const json_t *excluded = json_object_get(result, "excluded");

	cli_print(stdout, "%s  %s  %s  %s  %s\n", explain_text(result, "instanceId"),
	    explain_text(result, "instanceType"), explain_text(result, "state"),
	    explain_text(result, "vpcId"), explain_text(result, "subnetId"));
	if (!json_is_true(json_object_get(result, "eligible"))) {
		cli_print(stdout, "  cannot be mirrored: %s", explain_text(result, "reason"));
		if (jsonx_get_string(result, "hookReason") != NULL)
			cli_print(stdout, " (%s)", jsonx_get_string(result, "hookReason"));
		putchar('\n');
	}
	if (excluded != NULL)
		cli_print(stdout, "  excluded: %s %s\n", explain_text(excluded, "reason"),
		    jsonx_get_string(excluded, "targetId") != NULL
			? jsonx_get_string(excluded, "targetId")
			: "");
}

/*
 * A hook may overrule a rule. Both verdicts are shown, because the question is often which of
 * the two decided.
 */
static void
explain_print_rules(const json_t *result)
{
	json_t *rule;
	size_t i;

	puts("  rules, in the order in which they are tried:");
	json_array_foreach (jsonx_get_array(result, "rules"), i, rule) {
		bool matches = json_is_true(json_object_get(rule, "matches"));
		bool by_hook = strcmp(explain_text(rule, "by"), "hook") == 0;

		cli_print(
		    stdout, "    %-4s %s", matches ? "yes" : "no", explain_text(rule, "rule"));
		if (by_hook)
			cli_print(
			    stdout, ": the hook says %s (the rule alone: ", matches ? "yes" : "no");
		else
			fputs(": ", stdout);
		cli_print(stdout, "%s%s", explain_text(rule, "why"), by_hook ? ")" : "");
		putchar('\n');
	}
	if (jsonx_get_string(result, "rule") == NULL)
		puts("    no rule matches");
}

/*
 * An interface may hold three sessions, and EC2 tries them by ascending number. The sessions of
 * others are shown, because one of them may hold the number that a rule wants.
 */
static void
explain_print_sessions(const json_t *interface)
{
	json_t *session;
	size_t i;

	json_array_foreach (jsonx_get_array(interface, "sessions"), i, session) {
		const char *configuration = jsonx_get_string(session, "configuration");

		cli_print(stdout,
		    "      session %s, number %" JSON_INTEGER_FORMAT
		    ", %s%s%s: filter %s, target %s\n",
		    explain_text(session, "sessionId"),
		    json_integer_value(json_object_get(session, "sessionNumber")),
		    json_is_true(json_object_get(session, "ours")) ? "tmflow's" : "not tmflow's",
		    configuration != NULL ? " for " : "",
		    configuration != NULL ? configuration : "", explain_text(session, "filterId"),
		    explain_text(session, "targetId"));
	}
}

/* What a run would do about it, by the outcome that it would record. */
static const struct {
	const char *outcome;
	const char *words;
} meanings[] = {
    {"created", "a run would create a session"},
    {"present", "mirrored as the rule says"},
    {"shadowed", "mirrored, but a session of somebody else takes all packets"},
    {"updated", "a run would modify its session"},
    {"conflict", "its session number is used by another session"},
    {"ineligible", "it cannot have a session"},
};

/* An outcome of a later release has no words here, and is shown by its name. */
static const char *
explain_meaning(const char *outcome)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strcmp(meanings[i].outcome, outcome) == 0)
			return meanings[i].words;
	return outcome;
}

/*
 * The differences say more than the reason, and are preferred. A session that would be created has
 * no target id yet if its target is new as well.
 */
static void
explain_print_interface(const json_t *interface)
{
	const char *outcome = jsonx_get_string(interface, "outcome");
	const char *detail = jsonx_get_string(interface, "differences");

	if (detail == NULL)
		detail = jsonx_get_string(interface, "reason");
	if (detail == NULL)
		detail = jsonx_get_string(interface, "shadowedBy");
	cli_print(stdout, "  interface %s, device index %" JSON_INTEGER_FORMAT ": %s",
	    explain_text(interface, "networkInterfaceId"),
	    json_integer_value(json_object_get(interface, "deviceIndex")),
	    outcome != NULL ? explain_meaning(outcome) : "not to be mirrored");
	if (detail != NULL)
		cli_print(stdout, " (%s)", detail);
	if (jsonx_get_string(interface, "rule") != NULL)
		cli_print(stdout, ", rule %s", jsonx_get_string(interface, "rule"));
	if (jsonx_get_string(interface, "sessionId") != NULL)
		cli_print(stdout, ", session %s", jsonx_get_string(interface, "sessionId"));
	if (jsonx_get_string(interface, "targetId") != NULL)
		cli_print(stdout, ", target %s", jsonx_get_string(interface, "targetId"));
	else if (outcome != NULL && strcmp(outcome, "created") == 0)
		fputs(", on a new target", stdout);
	putchar('\n');
	explain_print_sessions(interface);
}

static void
explain_print(const json_t *result)
{
	json_t *interface;
	size_t i;

	explain_print_instance(result);
	explain_print_rules(result);
	json_array_foreach (jsonx_get_array(result, "interfaces"), i, interface)
		explain_print_interface(interface);
}

/* --- */

static int
explain_run(struct workspace *workspace)
{
	struct explanation *explanation =
	    explanation_new(workspace->mirror, workspace->opts->args[0]);
	struct tmf_err err = {0};
	json_t *result = workspace_wait(workspace, explanation_start(explanation), &err);
	int code = EXIT_OK;

	if (result == NULL)
		code = cli_fail_take(workspace->opts->output, &err);
	else if (workspace->opts->output != OUTPUT_TEXT)
		cli_print_json(result);
	else
		explain_print(result);
	json_decref(result);
	explanation_free(explanation);
	return code;
}

/* The accounts are those of a dry run, so that an explanation changes nothing in AWS. */
int
cmd_explain(const struct cli_opts *opts)
{
	struct workspace workspace;
	struct store *store = NULL;
	int code;

	workspace_init(&workspace, opts);
	code = workspace_load_settings(&workspace, NULL);
	if (code == EXIT_OK)
		code = workspace_read_files(&workspace);
	if (code == EXIT_OK)
		code = workspace_connect(&workspace);
	if (code == EXIT_OK && (store = record_open_store(opts, &code)) != NULL)
		workspace_open_accounts(&workspace,
		    &(struct accounts_opts){.store = store, .owner = "", .dry_run = true});
	if (code == EXIT_OK)
		code = workspace_open_mirror(
		    &workspace, &(struct mirror_opts){.run_id = "", .workflow = "explain"});
	if (code == EXIT_OK)
		code = explain_run(&workspace);
	workspace_fini(&workspace);
	store_close(store);
	return code;
}
