#include "store/run_state.h"

#include "base/buf.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

static const char *const state_names[RUN_STATE_COUNT] = {
    [RUN_STATE_RUNNING] = "RUNNING",
    [RUN_STATE_SUCCEEDED] = "SUCCEEDED",
    [RUN_STATE_FAILED] = "FAILED",
    [RUN_STATE_TIMED_OUT] = "TIMED_OUT",
    [RUN_STATE_INTERRUPTED] = "INTERRUPTED",
    [RUN_STATE_KILLED] = "KILLED",
    [RUN_STATE_PLANNED] = "PLANNED",
};
_Static_assert(RUN_STATE_KILLED == RUN_INTERRUPTED + 1, "the record's numbers come first");

const char *
run_state_name(enum run_state_kind kind)
{
	assert(kind < RUN_STATE_COUNT);
	return state_names[kind];
}

/* Case does not matter here, because capitals are tedious to type in a shell. */
int
run_state_parse(const char *text, enum run_state_kind *ret_kind, struct tmf_err *err)
{
	struct buf names = {0};
	int ret;

	for (int kind = 0; kind < RUN_STATE_COUNT; kind++) {
		if (strcasecmp(text, state_names[kind]) == 0) {
			*ret_kind = (enum run_state_kind)kind;
			buf_fini(&names);
			return 0;
		}
		buf_printf(&names, "%s%s",
		    kind == 0			  ? ""
		    : kind + 1 == RUN_STATE_COUNT ? " or "
						  : ", ",
		    state_names[kind]);
	}
	ret = tmf_err_set(
	    err, TMF_ERR_INVALID, "--status takes %s, not \"%s\"", buf_cstr(&names), text);
	buf_fini(&names);
	return ret;
}

/*
 * The record is read again before a run is called killed: it may have ended, and let go of its
 * lock, since the caller read it.
 */
static int
state_read_unheld(
    struct store *store, const struct store_run *run, struct run_state *state, struct tmf_err *err)
{
	struct store_run again = {0};

	if (store_run_find(store, run->id, &again, err) < 0)
		return -1;
	state->kind =
	    again.status == RUN_RUNNING ? RUN_STATE_KILLED : (enum run_state_kind)again.status;
	store_run_fini(&again);
	return 0;
}

/* A part has no lease of its own: that of the whole covers it. */
int
run_state_read(struct store *store, const struct store_run *run, struct run_state *ret_state,
    struct tmf_err *err)
{
	struct run_state state = {.kind = (enum run_state_kind)run->status};

	if (run->status == RUN_RUNNING) {
		const char *id = run->parent != NULL ? run->parent : run->id;

		if (store_lease_peek(store, id, &state.holder, err) < 0)
			return -1;
		if (!state.holder.held && state_read_unheld(store, run, &state, err) < 0)
			return -1;
	}
	if (run->dry_run && state.kind == RUN_STATE_SUCCEEDED)
		state.kind = RUN_STATE_PLANNED;
	*ret_state = state;
	return 0;
}

char *
run_state_text(const struct run_state *state)
{
	const struct store_holder *holder = &state->holder;

	if (holder->held && holder->pid != 0)
		return mem_printf(
		    "%s pid %ld on %s", state_names[state->kind], holder->pid, holder->host);
	return mem_strdup(state_names[state->kind]);
}

bool
run_state_is_over(enum run_state_kind kind)
{
	return kind != RUN_STATE_RUNNING && kind != RUN_STATE_INTERRUPTED &&
	       kind != RUN_STATE_KILLED;
}

struct counts_sum {
	struct store *store;
	int64_t *counts;
	struct tmf_err *err;
	bool failed;
};

static int
counts_add_part(void *arg, const struct store_run *part)
{
	struct counts_sum *sum = arg;
	int64_t counts[OUTCOME_COUNT];

	sum->failed = store_outcomes_count(sum->store, part->id, counts, sum->err) < 0;
	for (int kind = 0; kind < OUTCOME_COUNT && !sum->failed; kind++)
		sum->counts[kind] += counts[kind];
	return sum->failed;
}

int
run_counts(struct store *store, const struct store_run *run, int64_t ret_counts[OUTCOME_COUNT],
    struct tmf_err *err)
{
	struct counts_sum sum = {.store = store, .counts = ret_counts, .err = err};

	if (store_outcomes_count(store, run->id, ret_counts, err) < 0 ||
	    store_runs_each(store, &(struct store_run_filter){.parent = run->id}, counts_add_part,
		&sum, err) < 0)
		return -1;
	return sum.failed ? -1 : 0;
}

const char *
run_outcome_word(enum outcome_kind kind, bool dry_run)
{
	if (dry_run && kind == OUTCOME_CREATED)
		return "to create";
	if (dry_run && kind == OUTCOME_UPDATED)
		return "to update";
	if (dry_run && kind == OUTCOME_REMOVED)
		return "to remove";
	return outcome_name(kind);
}
