#include "cli/report/report_document.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cli/print.h"

#include <assert.h>
#include <string.h>

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
	list->lines = cli_prints_lines();
	if (list->lines)
		jsonx_write(document, &text);
	else
		jsonx_write_pretty(document, &text);
	log_escape_json(&safe, buf_cstr(&text));
	assert(json_is_object(document) && json_object_get(document, key) == NULL);
	/* Without the closing brace, and the line end before it. */
	fwrite(safe.p, 1, safe.len - (members > 0 && !list->lines ? 2 : 1), out);
	cli_print(out, "%s", members > 0 ? "," : "");
	fputs(list->lines ? "" : "\n  ", out);
	cli_print(out, "\"%s\":", key);
	fputs(list->lines ? "[" : " [", out);
	buf_fini(&text);
	buf_fini(&safe);
}

void
report_list_item(struct report_list *list, json_t *item)
{
	assert(list->out != NULL);
	fputs(list->count > 0 ? "," : "", list->out);
	fputs(list->lines ? "" : "\n    ", list->out);
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
	fputs(list->count > 0 && !list->lines ? "\n  ]" : "]", list->out);
	if (tmf_err_isset(err)) {
		json_t *why = json_object();

		jsonx_put_string(why, "error", err->name);
		jsonx_put_string(why, "cause", tmf_err_text(err));
		fputs(list->lines ? ",\"incomplete\":" : ",\n  \"incomplete\": ", list->out);
		cli_put_json(list->out, why);
		json_decref(why);
	}
	fputs(list->lines ? "}\n" : "\n}\n", list->out);
}
