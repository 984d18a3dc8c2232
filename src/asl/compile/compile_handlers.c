#include "asl/compile/compile_handlers.h"
#include "asl/compile/compile_assign.h"
#include "asl/compile/compile_errors.h"
#include "asl/compile/compile_object.h"

#include <string.h>

#define DELAY_SECONDS_MAX 31622400 /* a year of 366 days: AWS's limit of MaxDelaySeconds */

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
	*(const char ***)(void *)((char *)base + field->offset) = errors;
	json_array_foreach (json, i, name) {
		size_t mark = compiler_push_index(compiler, i);
		const char *error = compiler_expect_string(compiler, field->name, name);

		errors[i] = error != NULL ? error : "";
		compiler_pop(compiler, mark);
	}
}

static void
compile_jitter(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	static const char *const known[] = {
	    [ASL_JITTER_NONE] = "NONE", [ASL_JITTER_FULL] = "FULL", NULL};
	const char *jitter = compiler_expect_string(compiler, field->name, json);
	struct asl_retrier *retrier = base;
	struct buf hint = {0};

	if (jitter == NULL)
		return;
	if (strcmp(jitter, known[ASL_JITTER_FULL]) == 0)
		retrier->jitter = ASL_JITTER_FULL;
	else if (strcmp(jitter, known[ASL_JITTER_NONE]) != 0)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
		    compiler_hint(compiler, &hint, jitter, known),
		    "The field 'JitterStrategy' should have one of these values: [FULL, NONE]");
	buf_fini(&hint);
}

#define RETRY_FIELD(n, f)  .name = (n), .types = FIELD_ANY_TYPE, .compile = (f)
#define IN_RETRIER(member) .offset = offsetof(struct asl_retrier, member)
#define IN_CATCHER(member) .offset = offsetof(struct asl_catcher, member)

static const struct field retrier_fields[] = {
    {RETRY_FIELD("ErrorEquals", compile_error_equals), .required = 1, IN_RETRIER(errors)},
    {RETRY_FIELD("IntervalSeconds", compile_integer), IN_RETRIER(interval_seconds), .low = 1,
	.high = ASL_SECONDS_MAX},
    {RETRY_FIELD("MaxAttempts", compile_integer), IN_RETRIER(max_attempts), .low = 0,
	.high = ASL_SECONDS_MAX},
    {RETRY_FIELD("BackoffRate", compile_real), IN_RETRIER(backoff_rate), .low = 1},
    {RETRY_FIELD("MaxDelaySeconds", compile_integer), IN_RETRIER(max_delay_seconds), .low = 1,
	.high = DELAY_SECONDS_MAX},
    {RETRY_FIELD("JitterStrategy", compile_jitter)},
    {RETRY_FIELD("Comment", compile_ignored_string)},
    {0},
};

static const struct field catcher_fields[] = {
    {RETRY_FIELD("ErrorEquals", compile_error_equals), .required = 1, IN_CATCHER(errors)},
    {RETRY_FIELD("Next", compile_transition_field), .required = 1, IN_CATCHER(next)},
    {RETRY_FIELD("ResultPath", compile_result_path), IN_CATCHER(result_path),
	.flag = offsetof(struct asl_catcher, result_discard)},
    {RETRY_FIELD("Assign", compile_assign), IN_CATCHER(assign)},
    {RETRY_FIELD("Comment", compile_ignored_string)},
    {RETRY_FIELD("Output", compile_jsonata)},
    {0},
};

static const struct object_spec retrier_spec = {.what = "a retrier", .fields = retrier_fields};
static const struct object_spec catcher_spec = {.what = "a catcher", .fields = catcher_fields};

void
compile_retry(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	json_t *retrier;
	size_t i;

	if (!compiler_expect_array(compiler, field->name, json, true))
		return;
	state->retry =
	    arena_zalloc(&compiler->machine->arena, json_array_size(json), sizeof(*state->retry));
	state->retry_count = json_array_size(json);
	json_array_foreach (json, i, retrier) {
		size_t mark = compiler_push_index(compiler, i);

		state->retry[i] = (struct asl_retrier){
		    .interval_seconds = 1, .max_attempts = 3, .backoff_rate = 2.0};
		if (compiler_expect_object(compiler, field->name, retrier)) {
			compile_fields(compiler, &retrier_spec, 0, retrier, &state->retry[i]);
			compile_check_errors(compiler,
			    &(struct handlers){.list = json, .type = state->type, .catches = false},
			    i);
		}
		compiler_pop(compiler, mark);
	}
}

void
compile_catch(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	json_t *catcher;
	size_t i;

	if (!compiler_expect_array(compiler, field->name, json, true))
		return;
	state->catchers = arena_zalloc(
	    &compiler->machine->arena, json_array_size(json), sizeof(*state->catchers));
	state->catcher_count = json_array_size(json);
	json_array_foreach (json, i, catcher) {
		size_t mark = compiler_push_index(compiler, i);

		if (compiler_expect_object(compiler, field->name, catcher)) {
			compile_fields(compiler, &catcher_spec, 0, catcher, &state->catchers[i]);
			compile_check_errors(compiler,
			    &(struct handlers){.list = json, .type = state->type, .catches = true},
			    i);
		}
		compiler_pop(compiler, mark);
	}
}
