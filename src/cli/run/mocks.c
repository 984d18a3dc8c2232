#include "cli/run/mocks.h"

#include "base/doc/doc.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MOCKS_FACT	"mock-count" /* kind of the facts under the run's id */
#define MOCKS_ATTEMPTS	1000000	     /* the numbers of responses are below it */
#define MOCKS_NAMES_MAX 20	     /* that a message lists */

/* --- the file --- */

/* "3" or "1-2". False for anything else. */
static bool
mocks_parse_range(const char *key, long *ret_first, long *ret_last)
{
	char *end;

	if (!isdigit((unsigned char)*key))
		return false;
	*ret_first = *ret_last = strtol(key, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		*ret_last = strtol(end + 1, &end, 10);
	return *end == '\0' && *ret_first <= *ret_last && *ret_last < MOCKS_ATTEMPTS;
}

/* {"Return": ...} or {"Throw": {"Error": "...", "Cause": "..."}}, and no more. */
static bool
mocks_is_response(const json_t *response)
{
	const json_t *error = json_object_get(response, "Throw");
	const json_t *cause = json_object_get(error, "Cause");

	if (!json_is_object(response) || json_object_size(response) != 1)
		return false;
	if (error == NULL)
		return json_object_get(response, "Return") != NULL;
	return jsonx_get_string(error, "Error") != NULL && (cause == NULL || json_is_string(cause));
}

static int
mocks_check_responses(const char *name, json_t *responses, struct tmf_err *err)
{
	const char *key;
	json_t *response;
	long first;
	long last;

	if (!json_is_object(responses))
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "MockedResponses: no responses by the name \"%s\"", name);
	json_object_foreach (responses, key, response) {
		if (!mocks_parse_range(key, &first, &last))
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "MockedResponses: %s: \"%s\" is not a number or a range such as "
			    "\"1-2\"",
			    name, key);
		if (!mocks_is_response(response))
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "MockedResponses: %s: \"%s\" must be {\"Return\": ...} or {\"Throw\": "
			    "{\"Error\": \"...\", \"Cause\": \"...\"}}",
			    name, key);
	}
	return 0;
}

/* "A, B, ...": what could have been meant. */
static void
mocks_list(const json_t *object, struct buf *out)
{
	const char *key;
	json_t *value;
	int count = 0;

	json_object_foreach ((json_t *)object, key, value) {
		if (count++ == MOCKS_NAMES_MAX) {
			buf_add_cstr(out, ", ...");
			return;
		}
		buf_printf(out, "%s%s", count > 1 ? ", " : "", key);
	}
}

/* The member that is asked for, or the only one where none is. */
static json_t *
mocks_choose(const json_t *object, const char *what, const char *wanted, const char **ret_name,
    struct tmf_err *err)
{
	void *only = json_object_size(object) == 1 ? json_object_iter((json_t *)object) : NULL;
	json_t *found = wanted != NULL ? json_object_get(object, wanted) : NULL;
	struct buf names = {0};

	*ret_name = wanted;
	if (found == NULL && wanted == NULL && only != NULL) {
		*ret_name = json_object_iter_key(only);
		found = json_object_iter_value(only);
	}
	if (found != NULL)
		return found;
	mocks_list(object, &names);
	if (wanted != NULL)
		tmf_err_set(err, TMF_ERR_INVALID, "no %s by the name \"%s\", but: %s", what, wanted,
		    buf_cstr(&names));
	else
		tmf_err_set(err, TMF_ERR_INVALID,
		    "--test-case NAME or MACHINE#NAME is needed: there are several %ss: %s", what,
		    buf_cstr(&names));
	buf_fini(&names);
	return NULL;
}

/* The machine that the test case names, or the workflow's own, or the only one. */
static json_t *
mocks_choose_machine(const json_t *machines, const char *wanted, const char *workflow,
    const char **ret_name, struct tmf_err *err)
{
	if (wanted == NULL && json_object_size(machines) != 1 &&
	    json_object_get(machines, workflow) != NULL)
		wanted = workflow;
	return mocks_choose(machines, "state machine", wanted, ret_name, err);
}

/* {state: name of its responses} becomes {state: its responses}. */
static json_t *
mocks_resolve(const json_t *test_case, const json_t *responses, struct tmf_err *err)
{
	json_t *states = json_object();
	const char *state;
	json_t *name;

	json_object_foreach ((json_t *)test_case, state, name) {
		json_t *found = json_is_string(name)
				    ? json_object_get(responses, json_string_value(name))
				    : NULL;
		const char *called = json_is_string(name) ? json_string_value(name) : state;

		if (mocks_check_responses(called, found, err) < 0) {
			json_decref(states);
			return NULL;
		}
		json_object_set(states, state, found);
	}
	return states;
}

static json_t *
mocks_of(const json_t *root, const char *machine, const char *test_case, const char *workflow,
    struct tmf_err *err)
{
	const json_t *machines = jsonx_get_object(root, "StateMachines");
	const json_t *responses = jsonx_get_object(root, "MockedResponses");
	const json_t *chosen;
	json_t *states;
	const char *name;

	if (machines == NULL || responses == NULL) {
		tmf_err_set(err, TMF_ERR_INVALID,
		    "a mock configuration has StateMachines and MockedResponses");
		return NULL;
	}
	chosen = mocks_choose_machine(machines, machine, workflow, &machine, err);
	if (chosen == NULL)
		return NULL;
	chosen = jsonx_get_object(chosen, "TestCases");
	if (chosen == NULL) {
		tmf_err_set(
		    err, TMF_ERR_INVALID, "the state machine \"%s\" has no TestCases", machine);
		return NULL;
	}
	chosen = mocks_choose(chosen, "test case", test_case, &name, err);
	states = chosen != NULL ? mocks_resolve(chosen, responses, err) : NULL;
	if (states == NULL)
		return NULL;
	return json_pack(
	    "{s:o, s:o}", "testCase", json_sprintf("%s#%s", machine, name), "states", states);
}

json_t *
mocks_read(const char *path, const char *test_case, const char *machine_name, struct tmf_err *err)
{
	struct doc *doc = doc_read(path, err);
	const char *hash = test_case != NULL ? strchr(test_case, '#') : NULL;
	char *machine = hash != NULL ? mem_strndup(test_case, (size_t)(hash - test_case)) : NULL;
	json_t *record = NULL;

	if (doc != NULL) {
		record = mocks_of(
		    doc_root(doc), machine, hash != NULL ? hash + 1 : test_case, machine_name, err);
		if (record == NULL)
			tmf_err_prefix(err, "--mock: %s", path);
	}
	free(machine);
	doc_free(doc);
	return record;
}

/* --- a run --- */

/* Nothing catches it: a Catch of States.ALL would hide that a mock is missing. */
static json_t *
mocks_missing(const struct mocks *mocks, const struct asl_state *state, const char *what)
{
	return json_pack("{s:{s:s, s:o}}", "Throw", "Error", "States.Runtime", "Cause",
	    json_sprintf("The state '%s' is not mocked: the test case %s has no response for %s.",
		state->name, jsonx_get_string(mocks->record, "testCase"), what));
}

static json_t *
mocks_response(const json_t *responses, long attempt)
{
	const char *key;
	json_t *response;
	long first;
	long last;

	json_object_foreach ((json_t *)responses, key, response) {
		if (mocks_parse_range(key, &first, &last) && first <= attempt && attempt <= last)
			return json_incref(response);
	}
	return NULL;
}

/* What runs without AWS runs in a mocked run, too: a log entry, a Lua function. */
static bool
mocks_leave_alone(const struct mocks *mocks, const struct asl_state *state)
{
	const struct tmf_action *action = NULL;

	if (state->u.task.action != NULL)
		action = tmf_registry_find(mocks->registry, state->u.task.action);
	return action != NULL && !action->needs_aws;
}

/* The count is written in the transaction that has what came of the answer, so that a killed run
 * asks for the same one again. */
static json_t *
mocks_answer(void *arg, const struct asl_state *state)
{
	struct mocks *mocks = arg;
	const json_t *responses =
	    json_object_get(jsonx_get_object(mocks->record, "states"), state->name);
	long attempt = (long)json_integer_value(json_object_get(mocks->counts, state->name));
	json_t *response;
	char text[64];

	assert(state->type == ASL_TASK && attempt >= 0);
	if (responses == NULL)
		return mocks_leave_alone(mocks, state) ? NULL : mocks_missing(mocks, state, "it");
	json_object_set_new(mocks->counts, state->name, json_integer(attempt + 1));
	snprintf(text, sizeof(text), "%ld", attempt + 1);
	if (!tmf_err_isset(&mocks->err))
		store_fact_put(mocks->store, mocks->run_id, MOCKS_FACT, state->name, str_of(text),
		    &mocks->err);
	response = mocks_response(responses, attempt);
	snprintf(text, sizeof(text), "its attempt %ld (the first is 0)", attempt);
	return response != NULL ? response : mocks_missing(mocks, state, text);
}

static int
mocks_restore(void *arg, const char *key, struct str value)
{
	struct mocks *mocks = arg;
	json_t *count = jsonx_parse(value, NULL);

	if (json_is_integer(count) && json_integer_value(count) >= 0)
		json_object_set(mocks->counts, key, count);
	json_decref(count);
	return 0;
}

int
mocks_init(struct mocks *mocks, const json_t *record, struct tmf_registry *registry,
    struct store *store, const char *run_id, struct tmf_err *err)
{
	assert(json_is_object(record) && store != NULL);
	*mocks = (struct mocks){.record = record,
	    .registry = registry,
	    .store = store,
	    .run_id = run_id,
	    .counts = json_object(),
	    .engine = {.answer = mocks_answer, .arg = mocks}};
	return store_facts_each(store, run_id, MOCKS_FACT, mocks_restore, mocks, err);
}

void
mocks_fini(struct mocks *mocks)
{
	json_decref(mocks->counts);
	tmf_err_fini(&mocks->err);
}
