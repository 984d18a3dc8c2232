#include "asl/compile/compile_handlers.h"
#include "asl/compile/compile_assign.h"
#include "asl/compile/compile_errors.h"
#include "asl/compile/compile_object.h"

#include <assert.h>

#define DELAY_SECONDS_MAX 31622400 /* a year of 366 days: AWS's limit of MaxDelaySeconds */

/* The list ends with NULL instead of a count, so a handler is walked without its size. */
static void
compile_error_equals(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char **errors;
	json_t *name;
	size_t i;

	if (!compiler_expect_array(compiler, field->name, json, false))
		return;
	errors = arena_zalloc(
	    &compiler->machine->arena, json_array_size(json) + 1, sizeof(const char *));
	*(const char ***)field_slot(field, base) = errors;
	json_array_foreach (json, i, name) {
		size_t mark = compiler_push_index(compiler, i);
		const char *error = compiler_expect_string(compiler, field->name, name);

		/* The list ends with NULL: after a fault something must stand here. */
		errors[i] = error != NULL ? error : "";
		compiler_pop(compiler, mark);
	}
}

/* FULL: a retry waits for a random part of its interval. */
static void
compile_jitter(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const words[] = {"FULL", "NONE", NULL};
	struct asl_retrier *retrier = base;

	if (compiler_expect_word(compiler, field->name, json, words) == 0)
		retrier->jitter = ASL_JITTER_FULL;
}

/*
 * Recorded from AWS: MaxAttempts counts retries, so 2 means three runs, and 0 is valid. A Catcher
 * has a ResultPath of its own, whose default is $ whatever the state's ResultPath says.
 */
#define HANDLER_FIELD(n, f) .name = (n), .types = FIELD_ANY_TYPE, .compile = (f)
#define IN_RETRIER(member)  .offset = offsetof(struct asl_retrier, member)
#define IN_CATCHER(member)  .offset = offsetof(struct asl_catcher, member)

static const struct field retrier_fields[] = {
    {HANDLER_FIELD("ErrorEquals", compile_error_equals), .required = 1, IN_RETRIER(errors)},
    {HANDLER_FIELD("IntervalSeconds", compile_integer), IN_RETRIER(interval_seconds), .low = 1,
	.high = ASL_SECONDS_MAX},
    {HANDLER_FIELD("MaxAttempts", compile_integer), IN_RETRIER(max_attempts), .low = 0,
	.high = ASL_SECONDS_MAX},
    {HANDLER_FIELD("BackoffRate", compile_real), IN_RETRIER(backoff_rate), .low = 1},
    {HANDLER_FIELD("MaxDelaySeconds", compile_integer), IN_RETRIER(max_delay_seconds), .low = 1,
	.high = DELAY_SECONDS_MAX},
    {HANDLER_FIELD("JitterStrategy", compile_jitter)},
    {HANDLER_FIELD("Comment", compile_ignored_string)},
    {0},
};

static const struct field catcher_fields[] = {
    {HANDLER_FIELD("ErrorEquals", compile_error_equals), .required = 1, IN_CATCHER(errors)},
    {HANDLER_FIELD("Next", compile_transition_field), .required = 1, IN_CATCHER(next)},
    {HANDLER_FIELD("ResultPath", compile_result_path), IN_CATCHER(result_path),
	.flag = offsetof(struct asl_catcher, result_discard), .language = FIELD_IN_JSONPATH},
    {HANDLER_FIELD("Assign", compile_assign), IN_CATCHER(assign), .reads = JSONATA_STATES_ERROR},
    {HANDLER_FIELD("Comment", compile_ignored_string)},
    {HANDLER_FIELD("Output", compile_template), IN_CATCHER(output), .reads = JSONATA_STATES_ERROR,
	.language = FIELD_IN_JSONATA},
    {0},
};

static const struct object_spec retrier_spec = {.what = "a retrier", .fields = retrier_fields};
static const struct object_spec catcher_spec = {.what = "a catcher", .fields = catcher_fields};

/* Each entry of the list into its place in the array at, of elements of that many bytes. A
 * handler is compiled in place, so that its fields are at fixed offsets. */
static void
handlers_compile(struct compiler *compiler, const struct handlers *handlers,
    const struct field *field, void *at, size_t bytes)
{
	json_t *handler;
	size_t i;

	assert(handlers->type == ASL_TASK || handlers->type == ASL_PARALLEL ||
	       handlers->type == ASL_MAP);
	json_array_foreach (handlers->list, i, handler) {
		size_t mark = compiler_push_index(compiler, i);

		if (compiler_expect_object(compiler, field->name, handler)) {
			compile_fields(compiler, handlers->catches ? &catcher_spec : &retrier_spec,
			    0, handler, (char *)at + i * bytes);
			compile_check_errors(compiler, handlers, i);
		}
		compiler_pop(compiler, mark);
	}
}

/* The defaults are set before the fields, which only overwrite what the author gives. */
void
compile_retry(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	const struct handlers handlers = {.list = json, .type = state->type, .catches = false};
	size_t count = json_array_size(json);

	/* Recorded from AWS: "Retry": [] and "Catch": [] are accepted and do nothing. */
	if (!compiler_expect_array(compiler, field->name, json, true))
		return;
	state->retry = arena_zalloc(&compiler->machine->arena, count, sizeof(*state->retry));
	state->retry_count = count;
	/* See: https://states-language.net/spec.html#errors for the defaults. */
	for (size_t i = 0; i < count; i++)
		state->retry[i] = (struct asl_retrier){
		    .interval_seconds = 1, .max_attempts = 3, .backoff_rate = 2.0};
	handlers_compile(compiler, &handlers, field, state->retry, sizeof(*state->retry));
}

/* A catcher needs no defaults: without ResultPath the error output replaces the input. */
void
compile_catch(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	const struct handlers handlers = {.list = json, .type = state->type, .catches = true};
	size_t count = json_array_size(json);

	if (!compiler_expect_array(compiler, field->name, json, true))
		return;
	state->catchers = arena_zalloc(&compiler->machine->arena, count, sizeof(*state->catchers));
	state->catcher_count = count;
	handlers_compile(compiler, &handlers, field, state->catchers, sizeof(*state->catchers));
}
