#include "cli/commands/fleet/coverage_report.h"

#include "base/buf.h"
#include "base/jsonx.h"
#include "cli/print.h"
#include "fleet/cost/cost.h"

/* Groups that text shows; a program gets all of them. */
#define REPORT_GROUPS_SHOWN_MAX 50

/* Columns of an interface's line, by the members of coverage_item_json. */
static const char *const coverage_columns[] = {"class", "reason", "networkInterfaceId",
    "instanceId", "name", "account", "region", "vpcId", "subnetId", "availabilityZone",
    "instanceType", "rule", "targetId", "sessionId", "remedy"};

/* --- CSV, as RFC 4180 has it --- */

static void
csv_put(FILE *out, const char *text, bool first)
{
	if (!first)
		putc(',', out);
	cli_put_csv(out, text, CSV_QUOTES_WHERE_NEEDED);
}

static void
csv_end(FILE *out)
{
	fputs("\r\n", out);
}

void
coverage_report_csv_heading(FILE *out)
{
	for (size_t i = 0; i < sizeof(coverage_columns) / sizeof(coverage_columns[0]); i++)
		csv_put(out, coverage_columns[i], i == 0);
	csv_end(out);
}

void
coverage_report_csv_item(const json_t *item, FILE *out)
{
	for (size_t i = 0; i < sizeof(coverage_columns) / sizeof(coverage_columns[0]); i++)
		csv_put(out, jsonx_get_string(item, coverage_columns[i]), i == 0);
	csv_end(out);
}

/* Groups while they are written, as CSV or as text. */
struct coverage_report_groups {
	const struct coverage_by *by; /* of CSV */
	size_t count;
	FILE *out;
};

static void
coverage_report_group_csv(void *arg, const json_t *group)
{
	const struct coverage_report_groups *groups = arg;
	const json_t *values = json_object_get(group, "by");
	const json_t *share = json_object_get(group, "coverage");
	FILE *out = groups->out;

	for (size_t k = 0; k < groups->by->count; k++)
		csv_put(out, jsonx_get_string(values, groups->by->at[k].name), k == 0);
	fprintf(out, ",%" JSON_INTEGER_FORMAT ",",
	    json_integer_value(json_object_get(group, "interfaces")));
	if (json_is_real(share))
		fprintf(out, "%.6f", json_real_value(share));
	for (size_t k = 0; k < COVERAGE_CLASS_COUNT; k++)
		fprintf(out, ",%" JSON_INTEGER_FORMAT,
		    json_integer_value(json_object_get(json_object_get(group, "classes"),
			coverage_class_name((enum coverage_class)k))));
	csv_end(out);
}

void
coverage_report_groups_csv(const struct coverage *coverage, const struct coverage_by *by, FILE *out)
{
	struct coverage_report_groups groups = {.by = by, .out = out};

	for (size_t i = 0; i < by->count; i++)
		csv_put(out, by->at[i].name, i == 0);
	csv_put(out, "interfaces", false);
	csv_put(out, "coverage", false);
	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++)
		csv_put(out, coverage_class_name((enum coverage_class)i), false);
	csv_end(out);
	coverage_groups_each(coverage, coverage_report_group_csv, &groups);
}

/* --- text --- */

static json_int_t
coverage_class_count(const json_t *counted, enum coverage_class class)
{
	return json_integer_value(
	    json_object_get(json_object_get(counted, "classes"), coverage_class_name(class)));
}

/* What a rule wants and could be mirrored: the others do not lower the share. */
static json_int_t
coverage_wanted(const json_t *counted)
{
	return coverage_class_count(counted, COVERAGE_MIRRORED) +
	       coverage_class_count(counted, COVERAGE_SHADOWED) +
	       coverage_class_count(counted, COVERAGE_DEAD) +
	       coverage_class_count(counted, COVERAGE_MISSING);
}

/* Cut, and not rounded up: 99.96 % is not all. */
static void
coverage_print_share(const json_t *counted, FILE *out)
{
	json_int_t wanted = coverage_wanted(counted);
	json_int_t tenths =
	    wanted > 0 ? coverage_class_count(counted, COVERAGE_MIRRORED) * 1000 / wanted : 0;

	if (wanted > 0)
		fprintf(out, "%3" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT " %%", tenths / 10,
		    tenths % 10);
	else
		fputs("      -", out);
}

/* A class without interfaces has no line: most accounts have three or four. */
static void
coverage_print_classes(const json_t *document, FILE *out)
{
	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++) {
		const char *name = coverage_class_name((enum coverage_class)i);
		json_t *reasons = json_object_get(json_object_get(document, "reasons"), name);
		const char *separator = "   ";
		const char *reason;
		json_t *count;

		if (coverage_class_count(document, (enum coverage_class)i) == 0)
			continue;
		cli_print(out, "  %-10s %9" JSON_INTEGER_FORMAT, name,
		    coverage_class_count(document, (enum coverage_class)i));
		json_object_foreach (reasons, reason, count) {
			cli_print(out, "%s%" JSON_INTEGER_FORMAT " ", separator,
			    json_integer_value(count));
			cli_print(out, "%s", reason);
			separator = ", ";
		}
		putc('\n', out);
	}
}

static void
coverage_print_group(void *arg, const json_t *group)
{
	struct coverage_report_groups *groups = arg;
	FILE *out = groups->out;
	const char *key;
	json_t *value;

	if (groups->count++ >= REPORT_GROUPS_SHOWN_MAX)
		return;
	fputs("   ", out);
	coverage_print_share(group, out);
	fprintf(out, " %9" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT " %10" JSON_INTEGER_FORMAT,
	    coverage_class_count(group, COVERAGE_MIRRORED), coverage_wanted(group),
	    json_integer_value(json_object_get(group, "interfaces")));
	json_object_foreach (json_object_get(group, "by"), key, value)
		cli_print(out, "  %s", json_is_string(value) ? json_string_value(value) : "-");
	putc('\n', out);
}

static void
coverage_print_groups(const struct coverage *coverage, FILE *out)
{
	struct coverage_report_groups groups = {.out = out};

	if (coverage_groups_count(coverage) == 0)
		return;
	fputs("\n  coverage  mirrored    wanted interfaces\n", out);
	coverage_groups_each(coverage, coverage_print_group, &groups);
	if (groups.count > REPORT_GROUPS_SHOWN_MAX)
		fprintf(out, "  and %zu more groups (-o json)\n",
		    groups.count - REPORT_GROUPS_SHOWN_MAX);
}

static void
coverage_print_gaps(const json_t *document, FILE *out)
{
	json_t *gap;
	size_t i;

	if (json_array_size(jsonx_get_array(document, "gaps")) > 0)
		fputs("\nWhat to do:\n", out);
	json_array_foreach (jsonx_get_array(document, "gaps"), i, gap)
		cli_print(out, "  %d %s, %s: %s\n",
		    (int)json_integer_value(json_object_get(gap, "interfaces")),
		    jsonx_get_string(gap, "class"), jsonx_get_string(gap, "reason"),
		    jsonx_get_string(gap, "remedy"));
}

/* What there is, by the hour; and how long a run takes for what is missing. */
static void
coverage_print_cost(const json_t *document, FILE *out)
{
	const json_t *cost = json_object_get(document, "cost");
	json_int_t missing = coverage_class_count(document, COVERAGE_MISSING);
	struct buf text = {0};

	if (json_integer_value(json_object_get(cost, "sessions")) > 0) {
		cost_text(cost, &text);
		cli_print(out, "\n%s\n", buf_cstr(&text));
	}
	if (missing > 0) {
		buf_reset(&text);
		cost_time_text(missing, 0, 0, &text);
		cli_print(out, "%s\n", buf_cstr(&text));
	}
	buf_fini(&text);
}

/* The share first, since it is what most look for, and what was not read last, where the eye ends:
 * without it the share would be taken for that of the whole fleet. */
void
coverage_report_text(const struct coverage *coverage, const json_t *document, FILE *out)
{
	json_int_t wanted = coverage_wanted(document);
	json_int_t bare =
	    json_integer_value(json_object_get(document, "instancesWithoutInterface"));
	json_t *failed;
	size_t i;

	if (wanted == 0) {
		fputs("Coverage: no rule wants any interface to be mirrored\n", out);
	} else {
		fputs("Coverage ", out);
		coverage_print_share(document, out);
		fprintf(out,
		    ": %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
		    " wanted interfaces are mirrored\n",
		    coverage_class_count(document, COVERAGE_MIRRORED), wanted);
	}
	fprintf(out, "\n  interfaces %9" JSON_INTEGER_FORMAT "\n",
	    json_integer_value(json_object_get(document, "interfaces")));
	coverage_print_classes(document, out);
	if (bare > 0)
		fprintf(out,
		    "  %" JSON_INTEGER_FORMAT
		    " instances without an interface (terminated, mostly) are not counted\n",
		    bare);
	coverage_print_groups(coverage, out);
	coverage_print_gaps(document, out);
	coverage_print_cost(document, out);
	if (json_array_size(jsonx_get_array(document, "failed")) > 0)
		fputs("\nNot read, and not counted:\n", out);
	json_array_foreach (jsonx_get_array(document, "failed"), i, failed)
		cli_print(out, "  %s %s: %s: %s\n", jsonx_get_string(failed, "account"),
		    jsonx_get_string(failed, "region"), jsonx_get_string(failed, "error"),
		    jsonx_get_string(failed, "cause"));
}
