#include "engine/branch_row.h"

struct peek {
	const struct asl_machine *machine;
	int (*fn)(void *arg, const struct asl_state *state);
	void *arg;
	struct tmf_err err;
};

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
