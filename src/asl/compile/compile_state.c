#include "asl/compile/compile_state.h"
#include "asl/compile/compile_assign.h"
#include "asl/compile/compile_choice.h"
#include "asl/compile/compile_distributed.h"
#include "asl/compile/compile_handlers.h"
#include "asl/compile/compile_object.h"
#include "asl/state/dataflow.h"

#include "base/jsonx.h"

#include <assert.h>
#include <string.h>

#define ACTION_PREFIX "tmflow:"

#define PASS	 (1u << ASL_PASS)
#define TASK	 (1u << ASL_TASK)
#define CHOICE	 (1u << ASL_CHOICE)
#define WAIT	 (1u << ASL_WAIT)
#define SUCCEED	 (1u << ASL_SUCCEED)
#define FAIL	 (1u << ASL_FAIL)
#define PARALLEL (1u << ASL_PARALLEL)
#define MAP	 (1u << ASL_MAP)
#define ALL	 (PASS | TASK | CHOICE | WAIT | SUCCEED | FAIL | PARALLEL | MAP)
#define RUNS	 (TASK | PARALLEL | MAP) /* what can be retried */
#define GOES_ON	 (PASS | TASK | WAIT | PARALLEL | MAP)

/* The row in the table must have a function, so that "Type" counts as a known field. */
static void
state_compile_type(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)compiler;
	(void)field;
	(void)json;
	(void)base; /* state_read_type has looked at it */
}

/* AWS refuses "End": false as well: the field is there or it is not. "End" and "Next"
 * exclude each other by a group below. */
static void
state_compile_end(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	(void)base; /* nothing to keep: a state without next is one that ends */
	if (!json_is_true(json))
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field '%s' should have one of these values: [true]", field->name);
}

#define ARN_PARTS 6 /* arn:partition:service:region:account:resource */

/* Partition, service and resource are there in every ARN; region and account may be empty. */
static bool
state_is_arn(const char *resource)
{
	const char *part = resource;

	for (int i = 0; i < ARN_PARTS - 1; i++) {
		const char *end = strchr(part, ':');

		if (end == NULL || (i < 3 && end == part))
			return false;
		part = end + 1;
	}
	return *part != '\0' && part[strlen(part) - 1] != ':';
}

/*
 * An ARN that lacks a part is refused, as on AWS. A word of another kind with a colon in it
 * (foo:bar) is not, although AWS refuses it: by Amazon's own statelint a Resource is any URI, and
 * the specification knows no ARN.
 */
static void
state_check_resource(struct compiler *compiler, const char *resource)
{
	if (compiler_warn_placeholder(compiler, resource))
		return;
	if (strchr(resource, ':') == NULL ||
	    (strncmp(resource, "arn:", 4) == 0 && !state_is_arn(resource)))
		compiler_fault(compiler, DIAG_AT_VALUE, "INVALID_RESOURCE",
		    "tmflow:NAME, or an ARN", "Value is not a valid resource ARN");
	else if (strncmp(resource, "arn:", 4) != 0 &&
		 strncmp(resource, ACTION_PREFIX, strlen(ACTION_PREFIX)) != 0)
		compiler_warn(compiler, DIAG_AT_VALUE, "INVALID_RESOURCE", "tmflow:NAME, or an ARN",
		    "Step Functions takes an ARN only");
}

/*
 * tmflow:NAME is an action of ours; what else has a colon is taken for an ARN. Which of them there
 * are is not known here: the caller's resources check them.
 */
static void
state_compile_resource(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	const char *resource = compiler_expect_string(compiler, field->name, json);

	if (resource == NULL)
		return;
	if (*resource == '\0') {
		compiler_fault(compiler, DIAG_AT_VALUE, "INVALID_RESOURCE", NULL,
		    "The field 'Resource' should not be empty");
		return;
	}
	state_check_resource(compiler, resource);
	state->u.task.resource = resource;
	if (strncmp(resource, ACTION_PREFIX, strlen(ACTION_PREFIX)) == 0)
		state->u.task.action = resource + strlen(ACTION_PREFIX);
}

#define AT(member)     .offset = offsetof(struct asl_state, member)
#define FLAG(member)   .flag = offsetof(struct asl_state, member)
#define SECONDS_RANGE  .low = 1, .high = ASL_SECONDS_MAX
#define FIELD(n, t, f) .name = (n), .types = (t), .compile = (f)
#define JSONPATH       .language = FIELD_IN_JSONPATH
#define JSONATA	       .language = FIELD_IN_JSONATA
#define OR_EXPR(slot)  .jsonata = offsetof(struct asl_state, slot)
#define RESULT	       .reads = JSONATA_STATES_RESULT

/*
 * The fields of all states, and which types have them. Two rows may share a member: "Seconds" and
 * "SecondsPath" fill in one number; that only one of them is there is said by the groups below.
 * See: https://states-language.net/spec.html#state-type-table
 */
static const struct field state_fields[] = {
    {FIELD("Type", ALL, state_compile_type)},
    {FIELD("Comment", ALL, compile_string), AT(comment)},
    {FIELD("QueryLanguage", ALL, compile_query_language)},
    {FIELD("Next", GOES_ON, compile_transition_field), AT(next)},
    {FIELD("End", GOES_ON, state_compile_end)},
    {FIELD("InputPath", ALL & ~FAIL, compile_path_or_null), AT(input_path), FLAG(input_discard),
	JSONPATH},
    {FIELD("OutputPath", ALL & ~FAIL, compile_path_or_null), AT(output_path), FLAG(output_discard),
	JSONPATH},
    {FIELD("ResultPath", PASS | RUNS, compile_result_path), AT(result_path), FLAG(result_discard),
	JSONPATH},
    {FIELD("Parameters", PASS | RUNS, compile_template), AT(parameters), JSONPATH},
    {FIELD("ResultSelector", RUNS, compile_template), AT(result_selector), JSONPATH},
    {FIELD("Assign", ALL & ~(SUCCEED | FAIL), compile_assign), AT(assign), RESULT},
    {FIELD("Retry", RUNS, compile_retry)},
    {FIELD("Catch", RUNS, compile_catch)},

    {FIELD("Result", PASS, compile_constant), AT(u.pass.result), JSONPATH},

    {FIELD("Resource", TASK, state_compile_resource), .required = TASK},
    {FIELD("TimeoutSeconds", TASK, compile_number), AT(u.task.timeout_seconds), SECONDS_RANGE,
	OR_EXPR(u.task.timeout_seconds.jsonata)},
    {FIELD("TimeoutSecondsPath", TASK, compile_number_path), AT(u.task.timeout_seconds), JSONPATH},
    {FIELD("HeartbeatSeconds", TASK, compile_number), AT(u.task.heartbeat_seconds), SECONDS_RANGE,
	OR_EXPR(u.task.heartbeat_seconds.jsonata)},
    {FIELD("HeartbeatSecondsPath", TASK, compile_number_path), AT(u.task.heartbeat_seconds),
	JSONPATH},
    {FIELD("Credentials", TASK, compile_object_template), AT(u.task.credentials)},

    {FIELD("Choices", CHOICE, compile_choices), .required = CHOICE},
    {FIELD("Default", CHOICE, compile_transition_field), AT(u.choice.otherwise)},

    {FIELD("Seconds", WAIT, compile_number), AT(u.wait.seconds), .low = 0, .high = ASL_SECONDS_MAX,
	OR_EXPR(u.wait.seconds.jsonata)},
    {FIELD("SecondsPath", WAIT, compile_number_path), AT(u.wait.seconds), JSONPATH},
    {FIELD("Timestamp", WAIT, compile_timestamp), AT(u.wait.timestamp),
	FLAG(u.wait.timestamp_given), OR_EXPR(u.wait.timestamp_jsonata)},
    {FIELD("TimestampPath", WAIT, compile_path), AT(u.wait.timestamp_path), JSONPATH},

    {FIELD("Error", FAIL, compile_string), AT(u.fail.error), OR_EXPR(u.fail.error_jsonata)},
    {FIELD("Cause", FAIL, compile_string), AT(u.fail.cause), OR_EXPR(u.fail.cause_jsonata)},
    {FIELD("ErrorPath", FAIL, compile_text_expr), AT(u.fail.error_path), JSONPATH},
    {FIELD("CausePath", FAIL, compile_text_expr), AT(u.fail.cause_path), JSONPATH},

    {FIELD("Branches", PARALLEL, compile_branches), .required = PARALLEL},

    {FIELD("ItemProcessor", MAP, compile_processor)},
    {FIELD("Iterator", MAP, compile_processor)},
    {FIELD("ItemsPath", MAP, compile_path), AT(u.map.items_path), JSONPATH},
    {FIELD("ItemSelector", MAP, compile_template), AT(parameters)},
    {FIELD("MaxConcurrency", MAP, compile_number), AT(u.map.max_concurrency),
	OR_EXPR(u.map.max_concurrency.jsonata)},
    {FIELD("MaxConcurrencyPath", MAP, compile_value_number_path), AT(u.map.max_concurrency),
	JSONPATH},
    {FIELD("ToleratedFailureCount", MAP, compile_number), AT(u.map.tolerated_failure_count),
	OR_EXPR(u.map.tolerated_failure_count.jsonata)},
    {FIELD("ToleratedFailureCountPath", MAP, compile_value_number_path),
	AT(u.map.tolerated_failure_count), JSONPATH},
    {FIELD("ToleratedFailurePercentage", MAP, compile_real), AT(u.map.tolerated_failure_percentage),
	FLAG(u.map.tolerated_failure_percentage_given), .high = 100,
	OR_EXPR(u.map.tolerated_failure_percentage_jsonata)},
    {FIELD("ToleratedFailurePercentagePath", MAP, compile_value_path),
	AT(u.map.tolerated_failure_percentage_path), JSONPATH},
    {FIELD("Label", MAP, compile_label)},
    {FIELD("ItemReader", MAP, compile_reader)},
    {FIELD("ItemBatcher", MAP, compile_batcher)},
    {FIELD("ResultWriter", MAP, compile_writer)},

    {FIELD("Arguments", TASK | PARALLEL, compile_template), AT(parameters), JSONATA},
    {FIELD("Output", ALL & ~FAIL, compile_template), AT(output), JSONATA, RESULT},
    {FIELD("Items", MAP, compile_items), AT(u.map.items), JSONATA},
    {0},
};

static const struct field_group state_groups[] = {
    {{"Next", "End"}, GOES_ON, GOES_ON},
    {{"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}, WAIT, WAIT},
    {{"ItemProcessor", "Iterator"}, MAP, MAP},
    {{"ItemSelector", "Parameters"}, MAP, 0},
    {{"TimeoutSeconds", "TimeoutSecondsPath"}, TASK, 0},
    {{"HeartbeatSeconds", "HeartbeatSecondsPath"}, TASK, 0},
    {{"Error", "ErrorPath"}, FAIL, 0},
    {{"Cause", "CausePath"}, FAIL, 0},
    {{"MaxConcurrency", "MaxConcurrencyPath"}, MAP, 0},
    {{"ToleratedFailureCount", "ToleratedFailureCountPath"}, MAP, 0},
    {{"ToleratedFailurePercentage", "ToleratedFailurePercentagePath"}, MAP, 0},
    {{NULL}, 0, 0},
};

static const struct object_spec state_spec = {.fields = state_fields, .groups = state_groups};

/* In the order in which AWS lists them, and which of ours each is. The order shows in the
 * message for a Type that is unknown. */
static const char *const type_words[] = {
    "Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map", NULL};
static const enum asl_state_type type_of_word[ASL_STATE_TYPE_COUNT] = {
    ASL_TASK, ASL_WAIT, ASL_PASS, ASL_SUCCEED, ASL_FAIL, ASL_CHOICE, ASL_PARALLEL, ASL_MAP};

/*
 * Which fields a state may have depends on its Type, wherever it stands among them: so it is read
 * before all others. False after a fault.
 */
static bool
state_read_type(struct compiler *compiler, json_t *json, enum asl_state_type *ret_type)
{
	json_t *type = json_object_get(json, "Type");
	size_t mark;
	int word;

	if (type == NULL) {
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "These fields are required: [Type]");
		return false;
	}
	mark = compiler_push(compiler, "Type");
	word = compiler_expect_word(compiler, "Type", type, type_words);
	compiler_pop(compiler, mark);
	if (word < 0)
		return false;
	*ret_type = type_of_word[word];
	assert(strcmp(asl_state_type_name(*ret_type), type_words[word]) == 0);
	return true;
}

/*
 * The language of a state is its own, else that of the machine: what holds a Map does not pass its
 * own on to the states within. AWS lets a state turn to JSONata, but not back.
 */
static const struct asl_query *
state_read_query(struct compiler *compiler, json_t *json)
{
	const char *language = jsonx_get_string(json, "QueryLanguage");

	if (language != NULL && strcmp(language, asl_query_jsonata.name) == 0)
		return &asl_query_jsonata;
	if (language == NULL || strcmp(language, asl_query_jsonpath.name) != 0)
		return compiler->machine_query; /* another word is a fault of the field */
	if (compiler->machine_query == &asl_query_jsonata)
		compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
		    "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state "
		    "machine");
	return &asl_query_jsonpath;
}

/* A heartbeat that is not shorter than the timeout could never be missed before the
 * timeout. Only literals can be compared here: a path has no value yet. */
static void
state_check_task(struct compiler *compiler, const struct asl_state *state, json_t *json)
{
	const struct asl_number *timeout = &state->u.task.timeout_seconds;
	const struct asl_number *heartbeat = &state->u.task.heartbeat_seconds;
	const struct asl_resources *resources = compiler->resources;

	if (timeout->given && heartbeat->given && timeout->path == NULL &&
	    heartbeat->path == NULL && timeout->value > 0 && heartbeat->value >= timeout->value)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field 'HeartbeatSeconds' should be smaller than 'TimeoutSeconds'");
	if (state->u.task.resource != NULL && resources != NULL && resources->check != NULL)
		resources->check(resources->arg, state, json, state->pointer, compiler->diags);
}

/* A state without a Type cannot be compiled, so checks of the graph would report what is
 * only a consequence. A Map and a Parallel hold states of another language: what belongs to the
 * state around is put back afterwards. */
void
compile_state(struct compiler *compiler, struct asl_state *state, json_t *json)
{
	const struct compiler outer = *compiler;

	state->query = compiler->machine_query;
	if (!compiler_expect_object(compiler, state->name, json))
		return;
	state->query = state_read_query(compiler, json);
	if (!state_read_type(compiler, json, &state->type)) {
		compiler->incomplete = true;
		return;
	}
	compiler->query = state->query;
	compiler->state_mark = compiler->pointer.len;
	compiler->readable = JSONATA_STATES_ERROR;
	if ((RUNS & 1u << state->type) != 0)
		compiler->readable |= JSONATA_STATES_RESULT;
	compile_fields(compiler, &state_spec, state->type, json, state);
	compiler->query = outer.query;
	compiler->state_mark = outer.state_mark;
	compiler->readable = outer.readable;
	if (state->type == ASL_TASK)
		state_check_task(compiler, state, json);
	if (state->type == ASL_MAP && state->u.map.distributed)
		compiler_warn(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "Mode DISTRIBUTED runs in this process, without executions of its own");
}
