#include "cli/report/report_document.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/print.h"
#include "cli/report/report_reasons.h"

#include <assert.h>
#include <string.h>

/*
 * Kinds without an instance are left out, so that an ordinary summary has two or three members and
 * a new kind does not change the others.
 */
json_t *
report_summary(const int64_t counts[OUTCOME_COUNT])
{
	json_t *summary = json_object();

	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		if (counts[kind] > 0)
			json_object_set_new(summary, outcome_name((enum outcome_kind)kind),
			    json_integer(counts[kind]));
	return summary;
}

/*
 * 0 stands for a time that is not known yet, such as the end of a run that goes on. The member is
 * left out then, because 1970 would be read as a date.
 */
static void
document_put_time(json_t *object, const char *key, int64_t wall_ms)
{
	char text[CLOCK_ISO_BYTES];

	if (wall_ms == 0)
		return;
	clock_iso(wall_ms, text);
	jsonx_put_string(object, key, text);
}

/*
 * status, output, error and cause have the names of DescribeExecution of Step Functions. An output
 * in the store is JSON text: it is parsed, so that it is embedded as a value and not as a string.
 */
json_t *
report_document(const struct store_run *run, const int64_t counts[OUTCOME_COUNT])
{
	json_t *document = json_object();

	jsonx_put_string(document, "runId", run->id);
	jsonx_put_string(document, "status", run_status_name(run->status));
	if (run->output != NULL) {
		json_t *output = jsonx_parse(str_of(run->output), NULL);

		json_object_set_new(document, "output", output != NULL ? output : json_null());
	}
	jsonx_put_string(document, "error", run->error);
	jsonx_put_string(document, "cause", run->cause);
	document_put_time(document, "startTime", run->start_wall_ms);
	document_put_time(document, "stopTime", run->stop_wall_ms);
	if (run->dry_run)
		json_object_set_new(document, "dryRun", json_true());
	json_object_set_new(document, "summary", report_summary(counts));
	return document;
}

/* Left out where no outcome has one. Beside the counts and not in them, so that "summary" stays
 * a flat object of numbers. */
json_t *
report_document_read(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], struct tmf_err *err)
{
	json_t *reasons = json_object();
	json_t *document;

	if (report_reasons_add(reasons, store, run->id, err) < 0) {
		json_decref(reasons);
		return NULL;
	}
	document = report_document(run, counts);
	if (json_object_size(reasons) > 0)
		json_object_set(document, "reasons", reasons);
	json_decref(reasons);
	return document;
}

/* The columns of an outcome that hold text, in the order of their keys in JSON. */
static const char *
outcome_text_column(const struct outcome *outcome, size_t index, const char **ret_key)
{
	const struct {
		const char *key;
		const char *value;
	} columns[] = {
	    {"instanceId", outcome->instance_id},
	    {"networkInterfaceId", outcome->interface_id},
	    {"outcome", outcome_name(outcome->kind)},
	    {"reason", outcome->reason},
	    {"rule", outcome->rule},
	    {"targetId", outcome->target_id},
	    {"sessionId", outcome->session_id},
	    {"operation", outcome->operation},
	    {"error", outcome->error},
	    {"cause", outcome->cause},
	    {"requestId", outcome->request_id},
	    {"instanceType", outcome->instance.type},
	    {"vpcId", outcome->instance.vpc_id},
	    {"subnetId", outcome->instance.subnet_id},
	    {"availabilityZone", outcome->instance.zone},
	    {"name", outcome->instance.name},
	};

	*ret_key = index < sizeof(columns) / sizeof(columns[0]) ? columns[index].key : NULL;
	return *ret_key != NULL ? columns[index].value : NULL;
}

json_t *
report_outcome(const struct outcome *outcome)
{
	json_t *object = json_object();
	const char *key;

	for (size_t i = 0;; i++) {
		const char *value = outcome_text_column(outcome, i, &key);

		if (key == NULL)
			return object;
		jsonx_put_string(object, key, value);
	}
}

static const char *
text_or_dash(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : "-";
}

void
report_print_cause(const char *cause, FILE *out)
{
	struct buf text = {0};

	while (*cause != '\0') {
		size_t space = strspn(cause, " ");
		size_t word = strcspn(cause + space, " ");
		bool is_long = word > REPORT_WORD_BYTES_MAX;

		buf_add(&text, cause,
		    space + (is_long ? utf8_cut(cause + space, REPORT_WORD_BYTES_SHOWN) : word));
		if (is_long)
			buf_add_str(&text, STR("..."));
		cause += space + word;
	}
	cli_print(out, "%s", buf_cstr(&text));
	buf_fini(&text);
}

/*
 * The widths hold an id of today: "i-" and "eni-" are followed by 17 hexadecimal digits. A longer
 * value pushes the others to the right and is not cut, because an id is there to be copied.
 */
void
report_outcome_line(const struct outcome *outcome, FILE *out)
{
	cli_print(out, "%-19s  %-21s  %-15s  %-16s  ", text_or_dash(outcome->instance_id),
	    text_or_dash(outcome->interface_id), outcome_name(outcome->kind),
	    text_or_dash(outcome->rule));
	if (outcome->error != NULL)
		cli_print(out, "%s: ", outcome->error);
	if (outcome->cause != NULL || outcome->reason != NULL)
		report_print_cause(outcome->cause != NULL ? outcome->cause : outcome->reason, out);
	else if (outcome->session_id != NULL && outcome->target_id != NULL)
		cli_print(out, "%s to %s", outcome->session_id, outcome->target_id);
	fputc('\n', out);
}

/*
 * The list is written as it is read, since a million rows would not fit into memory at once. The
 * document therefore is printed without its closing brace, and the list becomes its last member.
 */
void
report_list_begin(struct report_list *list, const json_t *document, const char *key, FILE *out)
{
	struct buf text = {0};
	struct buf safe = {0};
	size_t members = json_object_size(document);

	*list = (struct report_list){.out = out};
	cli_answer_begins();
	jsonx_write_pretty(document, &text);
	log_escape_json(&safe, buf_cstr(&text));
	assert(json_is_object(document) && json_object_get(document, key) == NULL);
	/* Without the closing brace, and the line end before it. */
	fwrite(safe.p, 1, safe.len - (members > 0 ? 2 : 1), out);
	cli_print(out, "%s\n  \"%s\": [", members > 0 ? "," : "", key);
	buf_fini(&text);
	buf_fini(&safe);
}

void
report_list_item(struct report_list *list, json_t *item)
{
	assert(list->out != NULL);
	fputs(list->count > 0 ? ",\n    " : "\n    ", list->out);
	cli_put_json(list->out, item);
	list->count++;
	json_decref(item);
}

/*
 * A store that fails in the middle still ends the document as valid JSON. "incomplete" says that
 * rows are missing, because a short list would look like a complete one.
 */
void
report_list_end(struct report_list *list, const struct tmf_err *err)
{
	fputs(list->count > 0 ? "\n  ]" : "]", list->out);
	if (tmf_err_isset(err)) {
		json_t *why = json_object();

		jsonx_put_string(why, "error", err->name);
		jsonx_put_string(why, "cause", tmf_err_text(err));
		fputs(",\n  \"incomplete\": ", list->out);
		cli_put_json(list->out, why);
		json_decref(why);
	}
	fputs("\n}\n", list->out);
}
