#include "cli/report/report_states.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/ages.h"
#include "cli/color.h"
#include "cli/print.h"
#include "cli/report/report_document.h"
#include "web/graph/graph.h"
#include "web/report/failures.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STATE_COLUMNS	  44 /* where the counts begin: a name of 80 characters moves them */
#define STATE_COLUMNS_MIN 12
#define COUNT_COLUMNS	  26 /* of the mark and the counts */

/* Numbers without names: states_take reads them in this order. A state that was never entered takes
 * no place. */
json_t *
report_states_json(const struct asl_machine *machine, const struct execution_tally *tallies)
{
	json_t *states = json_object();

	for (unsigned i = 0; i < asl_machine_state_count(machine); i++) {
		const struct execution_tally *tally = &tallies[i];

		if (tally->entered == 0)
			continue;
		json_object_set_new(states, asl_machine_state(machine, i)->name,
		    json_pack("[I, I, I, I, I, I]", (json_int_t)tally->entered,
			(json_int_t)tally->left, (json_int_t)tally->caught,
			(json_int_t)tally->retried, (json_int_t)tally->failed,
			(json_int_t)tally->spent_ms));
	}
	return states;
}

struct states_reading {
	const struct asl_machine *machine;
	struct execution_tally *tallies;
};

/* A name that the machine does not have is left out: the counts are for the eye alone. */
static int
states_take(void *arg, const char *key, struct str value)
{
	const struct states_reading *reading = arg;
	json_t *states = jsonx_parse(value, NULL);
	const char *name;
	json_t *numbers;

	(void)key;
	json_object_foreach (states, name, numbers) {
		const struct asl_state *state = asl_machine_find(reading->machine, name);
		struct execution_tally *tally;

		if (state == NULL)
			continue;
		tally = &reading->tallies[state->index];
		tally->entered += json_integer_value(json_array_get(numbers, 0));
		tally->left += json_integer_value(json_array_get(numbers, 1));
		tally->caught += json_integer_value(json_array_get(numbers, 2));
		tally->retried += json_integer_value(json_array_get(numbers, 3));
		tally->failed += json_integer_value(json_array_get(numbers, 4));
		tally->spent_ms += json_integer_value(json_array_get(numbers, 5));
	}
	json_decref(states);
	return 0;
}

int
report_states_read(struct store *store, const char *run_id, const struct asl_machine *machine,
    struct execution_tally *tallies, struct tmf_err *err)
{
	struct states_reading reading = {machine, tallies};

	return store_facts_each(store, run_id, REPORT_STATES_FACT, states_take, &reading, err);
}

struct states_print {
	const struct execution_tally *tallies;
	bool live;
	FILE *out;
	int name_columns;
};

/* Whether the run is there now, or ended there. */
static const char *
states_mark(const struct states_print *print, const struct execution_tally *tally,
    enum cli_color *ret_color)
{
	bool inside = tally->entered > tally->left + tally->failed;

	*ret_color = COLOR_NONE;
	if (tally->entered == 0)
		return "\u00b7"; /* not reached */
	if (inside && print->live) {
		*ret_color = COLOR_LIVE;
		return "\u25b6";
	}
	if (tally->failed > 0) {
		*ret_color = COLOR_BAD;
		return "\u2717";
	}
	*ret_color = tally->caught > 0 || inside ? COLOR_WARN : COLOR_GOOD;
	return tally->caught > 0 ? "!" : inside ? "\u2016" : "\u2713"; /* stopped within; done */
}

/* Further left on a narrow terminal. */
static int
states_name_columns(FILE *out)
{
	int columns = (int)cli_columns(out);

	if (columns == 0 || columns >= STATE_COLUMNS + COUNT_COLUMNS)
		return STATE_COLUMNS;
	return columns > STATE_COLUMNS_MIN + COUNT_COLUMNS ? columns - COUNT_COLUMNS
							   : STATE_COLUMNS_MIN;
}

/* A state that was not reached has its name only: zeros would hide what did happen. */
static void
states_print_one(const struct states_print *print, const struct asl_state *state, int depth)
{
	const struct execution_tally *tally = &print->tallies[state->index];
	FILE *out = print->out;
	enum cli_color color;
	const char *mark = states_mark(print, tally, &color);
	char spent[CLI_DURATION_BYTES];
	int room = print->name_columns - 2 * depth;

	fprintf(out, "  %*s", 2 * depth, "");
	fputs(cli_color_on(out, color), out);
	fputs(mark, out);
	fputs(cli_color_off(out, color), out);
	if (tally->entered == 0) {
		cli_print(out, " %s\n", state->name);
		return;
	}
	cli_duration(tally->spent_ms, spent);
	cli_print(out, " %s", state->name);
	/* The pad of a name that is longer than the room is 0. */
	fprintf(
	    out, "%*s", room > (int)strlen(state->name) ? room - (int)strlen(state->name) : 0, "");
	cli_print(out, "  %8" PRId64 "x  %8s", tally->entered, spent);
	if (tally->failed > 0)
		cli_print(out, "  %" PRId64 " failed", tally->failed);
	if (tally->caught > 0)
		cli_print(out, "  %" PRId64 " caught", tally->caught);
	if (tally->retried > 0)
		cli_print(out, "  %" PRId64 " retried", tally->retried);
	fputc('\n', out);
}

/* As deep as the language nests: ASL_NESTING_MAX. */
static void
states_print_scope(const struct states_print *print, const struct asl_states *scope, int depth)
{
	assert(depth <= (int)ASL_NESTING_MAX);
	for (size_t i = 0; i < scope->count; i++) {
		const struct asl_states *inner;

		states_print_one(print, scope->at[i], depth);
		for (size_t k = 0; (inner = graph_scope(scope->at[i], k)) != NULL; k++)
			states_print_scope(print, inner, depth + 1);
	}
}

/* A run of before states were counted has none: nothing is printed then. */
int
report_states_text(struct store *store, const struct store_run *run, const struct run_state *state,
    FILE *out, struct tmf_err *err)
{
	struct asl_machine *machine = graph_machine_of_run(run);
	struct states_print print = {.live = state->kind == RUN_STATE_RUNNING,
	    .out = out,
	    .name_columns = states_name_columns(out)};
	struct execution_tally *tallies;
	bool any = false;
	int ret;

	if (machine == NULL)
		return 0;
	tallies = mem_zalloc(asl_machine_state_count(machine), sizeof(*tallies));
	ret = report_states_read(store, run->id, machine, tallies, err);
	for (size_t i = 0; i < asl_machine_state_count(machine); i++)
		any |= tallies[i].entered > 0;
	print.tallies = tallies;
	if (ret == 0 && any)
		states_print_scope(&print, asl_machine_states(machine), 0);
	free(tallies);
	asl_machine_unref(machine);
	return ret;
}

/* --- failures --- */

#define FAILURE_GROUPS_SHOWN_MAX 20 /* a screen of them; the rest is counted together */

static int
states_count_failure(void *arg, const struct outcome *outcome)
{
	failures_add(arg, outcome);
	return 0;
}

static void
states_print_failure(const json_t *group, FILE *out)
{
	const char *error = jsonx_get_string(group, "error");
	const char *operation = jsonx_get_string(group, "operation");
	const char *cause = jsonx_get_string(group, "cause");
	json_int_t count = json_integer_value(json_object_get(group, "count"));

	fputs(cli_color_on(out, COLOR_BAD), out);
	cli_print(out, "  %6" JSON_INTEGER_FORMAT " x %s%s%s, rule %s", count,
	    error != NULL ? error : "failed", operation != NULL ? " of " : "",
	    operation != NULL ? operation : "", jsonx_get_string(group, "rule"));
	fputs(cli_color_off(out, COLOR_BAD), out);
	cli_print(out, "\n           %s: ", jsonx_get_string(group, "instanceId"));
	report_print_cause(cause != NULL ? cause : "no cause", out);
	fputc('\n', out);
}

int
report_failures_text(struct store *store, const char *run_id, FILE *out, struct tmf_err *err)
{
	struct failures failures;
	json_int_t others = 0;
	json_t *groups;
	json_t *group;
	size_t i;
	int ret;

	failures_begin(&failures);
	ret = store_outcomes_each(
	    store, run_id, OUTCOME_FAILED, states_count_failure, &failures, err);
	groups = failures_take(&failures);
	json_array_foreach (groups, i, group) {
		if (ret == 0 && i < FAILURE_GROUPS_SHOWN_MAX)
			states_print_failure(group, out);
		else
			others += json_integer_value(json_object_get(group, "count"));
	}
	if (ret == 0 && others > 0)
		cli_print(out, "  %6" JSON_INTEGER_FORMAT " x other errors\n", others);
	json_decref(groups);
	return ret;
}
