#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/branch_row.h"
#include "engine/engine.h"
#include "engine/op.h"
#include "engine/tree.h"

#include <assert.h>
#include <inttypes.h>

/*
 * What is shown of an execution from outside, without touching it: the states in which the rows of
 * a run stand (for `tmflow graph --run`, where nothing may be alive any more), and the branches of
 * a live one (for SIGUSR1).
 */

/* --- rows --- */

struct peek {
	const struct asl_machine *machine;
	int (*fn)(void *arg, const struct asl_state *state);
	void *arg;
	struct tmf_err err;
};

/* Reads the row as a resume would, so a row that a resume rejects is an error here as well. */
static int
peek_row(void *arg, int64_t id, struct str text)
{
	struct peek *peek = arg;
	struct branch_row row;
	int stop;

	if (id == BRANCH_ROW_EXECUTION)
		return 0; /* it names no state */
	if (branch_row_read(peek->machine, id, text, &row, &peek->err) < 0)
		return -1;
	stop = peek->fn(peek->arg, row.state);
	branch_row_fini(&row);
	return stop;
}

int
execution_peek(struct store *store, const struct asl_machine *machine, const char *run_id,
    int (*fn)(void *arg, const struct asl_state *state), void *arg, struct tmf_err *err)
{
	struct peek peek = {.machine = machine, .fn = fn, .arg = arg};

	if (store_branches_each(store, run_id, peek_row, &peek, err) < 0)
		return -1;
	if (!tmf_err_isset(&peek.err))
		return 0;
	tmf_err_move(err, &peek.err);
	return -1;
}

/* --- live branches --- */

#define MS 1000.0
/* Lines for an execution: a person reads some, and a Map may have 100,000 branches. */
#define DUMP_BRANCHES_MAX 1000u

static const char *const dump_phases[PHASE_COUNT] = {
    [PHASE_ENTERED] = "entered",
    [PHASE_WAITING] = "waiting",
    [PHASE_TASK] = "task",
    [PHASE_BACKOFF] = "backoff",
    [PHASE_CHILDREN] = "children",
};

/* "Both[0]/Each[12]/Work" */
static void
dump_path(const struct branch *branch, struct buf *out)
{
	if (branch->parent != NULL) {
		dump_path(branch->parent, out);
		buf_printf(out, "[%" PRId64 "]/", branch->index);
	}
	log_escape(out, branch->state->name);
}

/* Goes as deep as Maps nest, which the compiler limits. */
static void
dump_branch(const struct branch *branch, size_t *left, struct buf *out)
{
	struct tmf_clock *clock = tmf_loop_clock(branch->x->engine->loop);
	int64_t now_wall_ms = clock->wall_ms(clock);

	if (*left == 0)
		return;
	--*left;
	buf_printf(out, "  %" PRId64 " ", branch->id);
	dump_path(branch, out);
	buf_printf(out, ": %s, entered %.1f s ago", dump_phases[branch->phase],
	    (double)(now_wall_ms - branch->entered_wall_ms) / MS);
	if (branch->phase == PHASE_WAITING || branch->phase == PHASE_BACKOFF)
		buf_printf(
		    out, ", %.1f s to go", (double)(branch->wake_wall_ms - now_wall_ms) / MS);
	if (branch->op != NULL) {
		buf_add_cstr(out, ", ");
		op_write_live(branch->op, out);
	}
	if (branch->children != NULL)
		buf_printf(out, ", %" PRId64 " of %" PRId64 " ended, %" PRId64 " live",
		    branch->children->ended, branch->children->total, branch->children->live);
	buf_add_char(out, '\n');
	if (branch->children == NULL)
		return;
	for (const struct branch *child = branch->children->first; child != NULL;
	     child = child->next)
		dump_branch(child, left, out);
}

/* The count behind the last line says how much was left out. */
void
engine_write_live(const struct engine *engine, struct buf *out)
{
	for (const struct execution *x = engine->first; x != NULL; x = x->next) {
		size_t left = DUMP_BRANCHES_MAX;

		assert(x->live_ops <= x->live_branches);
		buf_printf(out, "run %s (%s): %zu branches, %zu ops, %" PRIu64 " transitions\n",
		    x->run_id, x->machine_name, x->live_branches, x->live_ops, x->transitions);
		if (x->root != NULL)
			dump_branch(x->root, &left, out);
		if (x->live_branches > DUMP_BRANCHES_MAX)
			buf_printf(out, "  and %zu more\n", x->live_branches - DUMP_BRANCHES_MAX);
	}
}
