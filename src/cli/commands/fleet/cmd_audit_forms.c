#include "cli/commands/fleet/cmd_audit_forms.h"

#include "base/buf.h"
#include "base/jsonx.h"
#include "cli/print.h"
#include "fleet/audit/finding.h"
#include "fleet/cost/cost.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static const char *
form_text(const json_t *object, const char *key)
{
	const char *text = jsonx_get_string(object, key);

	return text != NULL ? text : "";
}

/* --- text --- */

static void
form_print_events(const json_t *finding)
{
	json_t *event;
	size_t i;

	json_array_foreach (jsonx_get_array(finding, "events"), i, event)
		cli_print(stdout, "      %s %s by %s with %s\n", form_text(event, "time"),
		    form_text(event, "name"), form_text(event, "user"),
		    form_text(event, "userAgent"));
}

/* The worst first. */
static void
form_print_counts(const json_t *document)
{
	const json_t *counts = json_object_get(document, "counts");
	size_t suppressed = json_array_size(jsonx_get_array(document, "suppressed"));
	const char *separator = "";

	for (int severity = SEVERITY_COUNT; severity-- > 0;) {
		const char *name = severity_name((enum severity)severity);
		json_int_t count = json_integer_value(json_object_get(counts, name));

		if (count == 0)
			continue;
		cli_print(stdout, "%s%" JSON_INTEGER_FORMAT " %s", separator, count, name);
		separator = ", ";
	}
	fputs(json_object_size(counts) == 0 ? "no findings" : "", stdout);
	if (suppressed > 0)
		cli_print(stdout, "; %zu suppressed", suppressed);
	fputc('\n', stdout);
}

/* True if a heading stands for both: what it says of a finding is the same. */
static bool
form_same_group(const json_t *one, const json_t *other)
{
	static const char *const keys[] = {"severity", "kind", "account", "region", "remedy"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(form_text(one, keys[i]), form_text(other, keys[i])) != 0)
			return false;
	return true;
}

/* Those from begin on that share a heading. Returns the index behind them. */
static size_t
form_print_group(const json_t *findings, size_t begin)
{
	const json_t *first = json_array_get(findings, begin);
	size_t end = begin + 1;

	while (end < json_array_size(findings) &&
	       form_same_group(first, json_array_get(findings, end)))
		end++;
	cli_print(stdout, "%-8s  %s: %zu in %s, %s\n", form_text(first, "severity"),
	    form_text(first, "kind"), end - begin, form_text(first, "account"),
	    form_text(first, "region"));
	for (size_t i = begin; i < end; i++) {
		const json_t *finding = json_array_get(findings, i);

		cli_print(stdout, "    %s  %s\n", form_text(finding, "resource"),
		    form_text(finding, "evidence"));
		form_print_events(finding);
	}
	cli_print(stdout, "    remedy: %s\n", form_text(first, "remedy"));
	return end;
}

void
audit_print_text(const json_t *document)
{
	const json_t *cost = json_object_get(document, "cost");
	const json_t *findings = jsonx_get_array(document, "findings");
	struct buf line = {0};

	for (size_t i = 0; i < json_array_size(findings);)
		i = form_print_group(findings, i);
	form_print_counts(document);
	if (json_object_size(cost) > 0) {
		cost_text(cost, &line);
		cli_print(stdout, "%s\n", buf_cstr(&line));
	}
	buf_fini(&line);
}

/* --- csv --- */

static const char *const csv_columns[] = {
    "severity", "kind", "resource", "account", "region", "evidence", "remedy"};
#define CSV_COLUMNS (sizeof(csv_columns) / sizeof(csv_columns[0]))

void
audit_print_csv(const json_t *document)
{
	json_t *finding;
	size_t i;

	for (size_t k = 0; k < CSV_COLUMNS; k++) {
		if (k > 0)
			putchar(',');
		cli_put_csv(stdout, csv_columns[k], CSV_QUOTES_WHERE_NEEDED);
	}
	fputs("\r\n", stdout);
	json_array_foreach (jsonx_get_array(document, "findings"), i, finding) {
		for (size_t k = 0; k < CSV_COLUMNS; k++) {
			if (k > 0)
				putchar(',');
			cli_put_csv(stdout, form_text(finding, csv_columns[k]), CSV_QUOTES_ALWAYS);
		}
		fputs("\r\n", stdout);
	}
}

/* --- sarif --- */

static const char *const sarif_levels[SEVERITY_COUNT] = {
    [SEVERITY_LOW] = "note",
    [SEVERITY_MEDIUM] = "warning",
    [SEVERITY_HIGH] = "error",
    [SEVERITY_CRITICAL] = "error",
};

/* GitHub sorts alerts by this number, from 0 to 10. */
static const char *const sarif_scores[SEVERITY_COUNT] = {
    [SEVERITY_LOW] = "3.0",
    [SEVERITY_MEDIUM] = "5.5",
    [SEVERITY_HIGH] = "8.0",
    [SEVERITY_CRITICAL] = "9.5",
};

static json_t *
sarif_message(const char *text)
{
	json_t *message = json_object();

	jsonx_put_string(message, "text", text);
	return message;
}

/* All kinds, also those without a finding: a viewer shows what was looked for. */
static json_t *
sarif_rules(void)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < FINDING_KIND_COUNT; i++) {
		const struct finding_row *row = &finding_rows[i];
		json_t *rule = json_object();
		json_t *configuration = json_object();

		jsonx_put_string(configuration, "level", sarif_levels[row->severity]);
		jsonx_put_string(rule, "id", row->kind);
		json_object_set_new(rule, "shortDescription", sarif_message(row->summary));
		json_object_set_new(rule, "help", sarif_message(row->remedy));
		json_object_set_new(rule, "defaultConfiguration", configuration);
		json_object_set_new(rule, "properties",
		    json_pack("{s:s}", "security-severity", sarif_scores[row->severity]));
		json_array_append_new(rules, rule);
	}
	return rules;
}

/* A resource has no file: its place is a logical one, and its fingerprint what it is about, so that
 * the same finding of the next audit is known as the same. */
static json_t *
sarif_result(const json_t *finding)
{
	enum severity severity = SEVERITY_LOW;
	struct buf name = {0};
	struct buf message = {0};
	struct tmf_err err = {0};
	json_t *result = json_object();
	int known = severity_parse(form_text(finding, "severity"), &severity, &err);

	assert(known == 0);
	(void)known;
	buf_printf(&name, "%s/%s/%s", form_text(finding, "account"), form_text(finding, "region"),
	    form_text(finding, "resource"));
	buf_printf(&message, "%s: %s. Remedy: %s", form_text(finding, "resource"),
	    form_text(finding, "evidence"), form_text(finding, "remedy"));
	jsonx_put_string(result, "ruleId", form_text(finding, "kind"));
	jsonx_put_string(result, "level", sarif_levels[severity]);
	json_object_set_new(result, "message", sarif_message(buf_cstr(&message)));
	json_object_set_new(result, "locations",
	    json_pack("[{s:[{s:s, s:s}]}]", "logicalLocations", "fullyQualifiedName",
		buf_cstr(&name), "kind", "resource"));
	buf_printf(&name, "/%s", form_text(finding, "kind"));
	json_object_set_new(
	    result, "partialFingerprints", json_pack("{s:s}", "finding/v1", buf_cstr(&name)));
	buf_fini(&name);
	buf_fini(&message);
	return result;
}

/* What is suppressed is there, with its reason, and marked so that viewers leave it out. */
static json_t *
sarif_results(const json_t *document)
{
	json_t *results = json_array();
	json_t *finding;
	size_t i;

	json_array_foreach (jsonx_get_array(document, "findings"), i, finding)
		json_array_append_new(results, sarif_result(finding));
	json_array_foreach (jsonx_get_array(document, "suppressed"), i, finding) {
		json_t *result = sarif_result(finding);

		json_object_set_new(result, "suppressions",
		    json_pack("[{s:s, s:s}]", "kind", "external", "justification",
			form_text(finding, "reason")));
		json_array_append_new(results, result);
	}
	return results;
}

void
audit_print_sarif(const json_t *document)
{
	json_t *sarif = json_object();
	json_t *driver = json_object();

	jsonx_put_string(driver, "name", "tmflow");
	jsonx_put_string(driver, "version", TMFLOW_VERSION);
	json_object_set_new(driver, "rules", sarif_rules());
	jsonx_put_string(sarif, "$schema", SARIF_SCHEMA);
	jsonx_put_string(sarif, "version", "2.1.0");
	json_object_set_new(sarif, "runs",
	    json_pack(
		"[{s:{s:o}, s:o}]", "tool", "driver", driver, "results", sarif_results(document)));
	cli_print_json(sarif);
	json_decref(sarif);
}
