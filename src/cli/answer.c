#include "cli/answer.h"
#include "cli/color.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/print.h"

#include <assert.h>
#include <stdlib.h>

/* What a fault means for the exit code, by its kind. */
static const enum cli_exit exit_of_code[TMF_ERR_COUNT] = {
    [TMF_ERR_NONE] = EXIT_OK,
    [TMF_ERR_INVALID] = EXIT_INVALID,
    [TMF_ERR_CONFIG] = EXIT_INVALID,
    [TMF_ERR_CREDENTIALS] = EXIT_INVALID,
    [TMF_ERR_TRANSPORT] = EXIT_RUN_FAILED,
    [TMF_ERR_SERVICE] = EXIT_RUN_FAILED,
    [TMF_ERR_REPLY] = EXIT_RUN_FAILED,
    [TMF_ERR_HOOK] = EXIT_INVALID,
    [TMF_ERR_ASL] = EXIT_RUN_FAILED,
    [TMF_ERR_LIMIT] = EXIT_INVALID,
    [TMF_ERR_STORE] = EXIT_RUN_FAILED,
    [TMF_ERR_BUSY] = EXIT_HELD,
    [TMF_ERR_NOT_FOUND] = EXIT_INVALID,
    [TMF_ERR_SYSTEM] = EXIT_INVALID,
    [TMF_ERR_TIMEOUT] = EXIT_RUN_FAILED,
    [TMF_ERR_EXPIRED] = EXIT_RUN_FAILED,
};

/* Further lines are set in: a text cannot make itself look like another message. */
static void
answer_say(const char *prefix, const char *text)
{
	struct buf lines = {0};

	buf_add_cstr(&lines, prefix);
	for (; *text != '\0'; text++) {
		buf_add_char(&lines, *text);
		if (*text == '\n' && text[1] != '\0')
			buf_printf(&lines, "%s  ", log_priority(LOG_ERROR, stderr));
	}
	if (lines.p[lines.len - 1] != '\n')
		buf_add_char(&lines, '\n');
	cli_put_lines(stderr, buf_cstr(&lines));
	buf_fini(&lines);
}

/* Who hears of faults besides the reader of standard error. */
static struct {
	void (*fn)(void *arg, const char *error, const char *cause);
	void *arg;
} fault_listener;

void
cli_on_fault(void (*fn)(void *arg, const char *error, const char *cause), void *arg)
{
	fault_listener.fn = fn;
	fault_listener.arg = arg;
}

static void
fault_listener_call(const char *error, const char *cause)
{
	if (fault_listener.fn != NULL)
		fault_listener.fn(fault_listener.arg, error, cause);
}

/* The first of them stands for all. */
static void
fault_listener_call_diags(const struct diag_list *diags)
{
	char *cause;

	if (fault_listener.fn == NULL || diags->count == 0)
		return;
	cause = mem_printf("%s:%u:%u: %s", doc_name(diags->doc), diags->at[0].pos.line,
	    diags->at[0].pos.column, diags->at[0].message);
	fault_listener_call("TMFlow.InvalidInput", cause);
	free(cause);
}

/*
 * A fault with a place reads "file:line:column: error: text", as compilers write it, so that an
 * editor can jump there. Any other fault begins with the name of the program.
 */
void
cli_say(const struct tmf_err *err)
{
	const char *text = tmf_err_text_behind_place(err);
	char *place;

	fputs(log_priority(LOG_ERROR, stderr), stderr);
	if (err->line == 0) {
		answer_say("tmflow: ", text);
		return;
	}
	place = mem_printf("%.*s", (int)(text - tmf_err_text(err)), tmf_err_text(err));
	cli_put_lines(stderr, place);
	fputs(cli_color_on(stderr, COLOR_BAD), stderr);
	fputs("error", stderr);
	fputs(cli_color_off(stderr, COLOR_BAD), stderr);
	answer_say(": ", text);
	free(place);
}

/*
 * A file that cannot be parsed has no positions to point into: the location is "/", the whole
 * document. The code is that of ValidateStateMachineDefinition.
 */
json_t *
cli_unreadable_diagnostic(const struct tmf_err *err)
{
	json_t *diagnostic = json_object();

	jsonx_put_string(diagnostic, "severity", "ERROR");
	jsonx_put_string(diagnostic, "code", "INVALID_JSON_DESCRIPTION");
	jsonx_put_string(diagnostic, "message", tmf_err_text_behind_place(err));
	jsonx_put_string(diagnostic, "location", "/");
	if (err->line > 0) {
		json_object_set_new(diagnostic, "line", json_integer(err->line));
		json_object_set_new(diagnostic, "column", json_integer(err->column));
	}
	return diagnostic;
}

int
cli_fail(enum cli_output output, const struct tmf_err *err)
{
	assert(tmf_err_isset(err));
	/* A document that stands already, or is half written, is the only one: a second would break
	 * a program that parses standard output. The fault is then said on standard error alone. */
	if (cli_output_is_json(output) && !cli_has_answered()) {
		json_t *document = json_object();

		jsonx_put_string(document, "error", err->name);
		jsonx_put_string(document, "cause", tmf_err_text(err));
		if (err->line > 0)
			json_object_set_new(document, "diagnostics",
			    json_pack("[o]", cli_unreadable_diagnostic(err)));
		if (output == OUTPUT_JSONL) {
			cli_print_json_line(document);
		} else {
			cli_print_json(document);
			json_decref(document);
		}
	}
	cli_say(err);
	fault_listener_call(err->name, tmf_err_text(err));
	return (int)exit_of_code[err->code];
}

int
cli_fail_take(enum cli_output output, struct tmf_err *err)
{
	int code = cli_fail(output, err);

	tmf_err_fini(err);
	return code;
}

/*
 * Before a run has begun, any fault means that nothing was started. Only a held run keeps its own
 * code, because a later attempt may succeed.
 */
int
cli_fail_begin(enum cli_output output, struct tmf_err *err)
{
	int code = cli_fail_take(output, err);

	return code == EXIT_HELD ? EXIT_HELD : EXIT_INVALID;
}

/*
 * A program gets the diagnostics as JSON on standard output, and a person reads the same ones on
 * standard error. The exit code needs no table: invalid input is the only reason.
 */
int
cli_fail_diags(enum cli_output output, struct diag_list *diags)
{
	if (cli_output_is_json(output) && !cli_has_answered()) {
		json_t *document = json_object();
		struct buf cause = {0};

		buf_printf(&cause, "%s: %zu %s", doc_name(diags->doc), diags->errors,
		    diags->errors == 1 ? "error" : "errors");
		jsonx_put_string(document, "error", "TMFlow.InvalidInput");
		jsonx_put_string(document, "cause", buf_cstr(&cause));
		json_object_set_new(document, "diagnostics", diag_json(diags));
		cli_print_json(document);
		json_decref(document);
		buf_fini(&cause);
	}
	cli_print_diags(diags);
	fault_listener_call_diags(diags);
	return EXIT_INVALID;
}
