#include "cli/commands/commands.h"

#include "asl/expr/expr.h"
#include "asl/expr/jsonata_expr.h"
#include "asl/jsonata/jsonata.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/answer.h"

#include <stdlib.h>
#include <string.h>

/*
 * One expression, as a person tries it before it goes into a workflow; with --batch many, as a
 * program that compares evaluators asks them. An expression that fails is an answer like any other:
 * {"error": {"code", "message", "position"}} and exit code 1.
 */

#define LANGUAGE_JSONATA  "jsonata"
#define LANGUAGE_JSONPATH "jsonpath"

/* One question. All borrowed. */
struct eval {
	const char *expr;
	size_t len;
	json_t *input;	   /* NULL: undefined */
	json_t *variables; /* NULL: none */
	bool jsonpath;
	bool states;
	struct rng *rng;
};

/* {"code", "message", "position"}; JSONPath's faults have no position. */
static json_t *
eval_error(const char *code, const char *message, int64_t position)
{
	json_t *error = json_object();

	jsonx_put_string(error, "code", code);
	jsonx_put_string(error, "message", message);
	if (position >= 0)
		json_object_set_new(error, "position", json_integer(position));
	return error;
}

/* What --states adds to the language: the faults that AWS finds when a machine is created. */
static bool
eval_fits_states(const struct jsonata *jsonata, json_t **ret_error)
{
	struct jsonata_error error = {.position = 0};
	char *message;
	bool fits =
	    jsonata_fits_states(jsonata, JSONATA_STATES_RESULT | JSONATA_STATES_ERROR, &error);

	if (fits)
		return true;
	message =
	    strcmp(error.token, "$eval") == 0
		? mem_strdup("the function $eval is not supported")
		: mem_printf("reference to '%s' at the top level is not supported", error.token);
	*ret_error = eval_error("UNSUPPORTED_JSONATA_EXPRESSION", message, error.position);
	free(message);
	return false;
}

/* Where --variables has no $states of its own, it is what a state without a result has. */
static json_t *
eval_states(const struct eval *eval)
{
	json_t *given = json_object_get(eval->variables, "states");
	json_t *states = json_is_object(given) ? json_copy(given) : json_object();

	if (eval->input != NULL)
		json_object_set(states, "input", eval->input);
	else if (json_object_get(states, "input") == NULL)
		json_object_set_new(states, "input", json_object());
	if (json_object_get(states, "context") == NULL)
		json_object_set_new(states, "context", json_object());
	return states;
}

/* In a state the expression stands between {% and %}, which are no part of it. */
static struct str
eval_text(const struct eval *eval)
{
	struct str text = {eval->expr, eval->len};

	if (eval->states && asl_jsonata_form(text) == ASL_JSONATA_EXPRESSION)
		return (struct str){text.p + 2, text.len - 4};
	return text;
}

/* Returns 0 with *ret_result (NULL: undefined), or -1 with *ret_error; new references. */
static int
eval_jsonata(const struct eval *eval, json_t **ret_result, json_t **ret_error)
{
	json_t *states = eval->states ? eval_states(eval) : NULL;
	struct jsonata_opts opts = {
	    .input = eval->states ? NULL : eval->input,
	    .states = states,
	    .variables = eval->variables,
	    .now_wall_ms = clock_system()->wall_ms(clock_system()),
	    .rng = eval->rng,
	};
	struct jsonata_error error = {.position = 0};
	struct jsonata *jsonata = jsonata_compile(eval_text(eval), &error);
	int ret = -1;

	if (jsonata == NULL || !eval->states || eval_fits_states(jsonata, ret_error)) {
		ret = jsonata != NULL ? jsonata_evaluate(jsonata, &opts, ret_result, &error) : -1;
		if (ret < 0)
			*ret_error = eval_error(error.code, error.message, error.position);
	}
	jsonata_free(jsonata);
	json_decref(states);
	return ret;
}

/* $$ of an expression outside any execution. */
static json_t *
eval_no_context(void *arg)
{
	return arg;
}

/*
 * $$ is an empty object, because the expression is evaluated outside any execution. Without an
 * input $ is {}, as in an execution that is started without one.
 */
static int
eval_jsonpath(const struct eval *eval, json_t **ret_result, json_t **ret_error)
{
	json_t *context = json_object();
	json_t *input = eval->input != NULL ? json_incref(eval->input) : json_object();
	struct asl_scope scope = {
	    .input = input,
	    .variables = eval->variables,
	    .context = eval_no_context,
	    .context_arg = context,
	    .rng = eval->rng,
	};
	struct tmf_err err = {0};
	struct asl_expr *expr = asl_expr_parse((struct str){eval->expr, eval->len}, &err);
	int ret = expr != NULL ? asl_expr_eval(expr, eval->expr, &scope, ret_result, &err) : -1;

	if (ret < 0)
		*ret_error = eval_error(err.name, tmf_err_text(&err), -1);
	asl_expr_free(expr);
	tmf_err_fini(&err);
	json_decref(input);
	json_decref(context);
	return ret;
}

static int
eval_one(const struct eval *eval, json_t **ret_result, json_t **ret_error)
{
	*ret_result = NULL;
	*ret_error = NULL;
	return eval->jsonpath ? eval_jsonpath(eval, ret_result, ret_error)
			      : eval_jsonata(eval, ret_result, ret_error);
}

/* --- --batch --- */

/* The unit of the escape \uXXXX at text; 0 for any other text. */
static unsigned long
eval_escaped_unit(const char *text, size_t len)
{
	char digits[5] = {0};

	if (len < 6 || text[0] != '\\' || text[1] != 'u')
		return 0;
	memcpy(digits, text + 2, 4);
	return strtoul(digits, NULL, 16);
}

/*
 * A line as JSON. JavaScript's strings may hold half a pair of surrogates, which no UTF-8 can: in
 * an expression it stays an escape, which JSONata reads as such. New reference, or NULL.
 */
static json_t *
eval_read_line(struct str line, struct tmf_err *err)
{
	struct buf kept = {0};
	json_t *question;

	for (size_t i = 0; i < line.len; i++) {
		unsigned long unit = eval_escaped_unit(line.p + i, line.len - i);
		unsigned long next =
		    eval_escaped_unit(line.p + i + 6, line.len - i > 6 ? line.len - i - 6 : 0);
		bool is_pair = unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000;
		size_t bytes = is_pair ? 12 : 1;

		if (!is_pair && unit >= 0xd800 && unit < 0xe000)
			buf_add_char(&kept, '\\');
		else if (line.p[i] == '\\' && i + 1 < line.len)
			bytes = is_pair ? 12 : 2; /* \\u is not an escape of a character */
		buf_add(&kept, line.p + i, bytes);
		i += bytes - 1;
	}
	question = jsonx_parse_last_wins(buf_str(&kept), err);
	buf_fini(&kept);
	return question;
}

/* The answer to one line: {"id", "result"}, {"id"} for undefined, or {"id", "error"}. */
static json_t *
eval_answer(struct str line, const struct eval *common)
{
	struct tmf_err err = {0};
	json_t *question = eval_read_line(line, &err);
	json_t *answer = json_object();
	const json_t *expr = json_object_get(question, "expr");
	json_t *result = NULL, *error = NULL;

	if (!json_is_string(expr)) {
		error = eval_error("TMFlow.InvalidInput",
		    question == NULL ? tmf_err_text(&err) : "a line has no string \"expr\"", -1);
	} else {
		struct eval eval = *common;

		eval.expr = json_string_value(expr);
		eval.len = json_string_length(expr);
		eval.input = json_object_get(question, "data");
		eval.variables = json_object_get(question, "variables");
		eval_one(&eval, &result, &error);
	}
	if (json_object_get(question, "id") != NULL)
		json_object_set(answer, "id", json_object_get(question, "id"));
	if (error != NULL)
		json_object_set_new(answer, "error", error);
	else if (result != NULL)
		json_object_set_new(answer, "result", result);
	json_decref(question);
	tmf_err_fini(&err);
	return answer;
}

static int
eval_batch(const struct eval *common)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;

	while ((len = getline(&line, &capacity, stdin)) >= 0) {
		struct str text = str_trim((struct str){line, (size_t)len});

		if (text.len == 0)
			continue;
		cli_print_json_line(eval_answer(text, common));
		/* Who asks line by line waits for each answer. */
		fflush(stdout);
	}
	free(line);
	return EXIT_OK;
}

/* --- one expression --- */

/*
 * A result of undefined prints nothing, because JSON has no value for it. The exit code is 0 even
 * so.
 */
static int
eval_expression(const struct cli_opts *opts, struct eval *eval)
{
	json_t *result, *error, *document;

	if (eval_one(eval, &result, &error) == 0) {
		if (result != NULL)
			cli_print_json(result);
		json_decref(result);
		return EXIT_OK;
	}
	cli_print(stderr, "tmflow: %s: %s\n", jsonx_get_string(error, "code"),
	    jsonx_get_string(error, "message"));
	document = json_object();
	json_object_set_new(document, "error", error);
	if (opts->output != OUTPUT_TEXT)
		cli_print_json(document);
	json_decref(document);
	return EXIT_RUN_FAILED;
}

/* Checks the words of the command. Errors: TMF_ERR_INVALID. */
static int
eval_read_options(const struct cli_opts *opts, struct eval *eval, struct tmf_err *err)
{
	const char *language =
	    opts->query_language != NULL ? opts->query_language : LANGUAGE_JSONATA;

	eval->jsonpath = strcmp(language, LANGUAGE_JSONPATH) == 0;
	if (!eval->jsonpath && strcmp(language, LANGUAGE_JSONATA) != 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--query-language takes jsonata or jsonpath, not \"%s\"", language);
	eval->states = opts->states;
	if (eval->states && eval->jsonpath)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--states and --query-language jsonpath exclude each other");
	/* Exactly one of the two: an expression beside --batch would never be evaluated. */
	if (opts->batch == (opts->arg_count > 0))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "eval takes an EXPRESSION, or --batch and lines on standard input");
	if (opts->batch)
		return 0;
	eval->expr = opts->args[0];
	eval->len = strlen(eval->expr);
	if (opts->input != NULL && (eval->input = cli_read_value(opts->input, err)) == NULL)
		return -1;
	if (opts->variables != NULL &&
	    (eval->variables = cli_read_value(opts->variables, err)) == NULL)
		return -1;
	if (eval->variables != NULL && !json_is_object(eval->variables))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--variables takes an object with a member for each variable");
	return 0;
}

int
cmd_eval(const struct cli_opts *opts)
{
	struct rng rng;
	struct eval eval = {.rng = &rng};
	struct tmf_err err = {0};
	int code;

	rng_seed_system(&rng);
	if (eval_read_options(opts, &eval, &err) < 0)
		code = cli_fail_take(opts->output, &err);
	else
		code = opts->batch ? eval_batch(&eval) : eval_expression(opts, &eval);
	json_decref(eval.input);
	json_decref(eval.variables);
	return code;
}
