#include "engine/execution.h"

#include "base/jsonx.h"

struct peek {
	const struct asl_machine *machine;
	int (*fn)(void *arg, const struct asl_state *state);
	void *arg;
	struct tmf_err fault;
};

/* The execution's own row names no state. */
static int
peek_row(void *arg, int64_t id, struct str text)
{
	struct peek *peek = arg;
	json_t *object = jsonx_parse(text, &peek->fault);
	const json_t *index = json_object_get(object, "state");
	json_int_t number = json_integer_value(index);
	int stop = 0;

	(void)id;
	if (object == NULL)
		return 1;
	if (index != NULL &&
	    (number < 0 || number >= (json_int_t)asl_machine_state_count(peek->machine)))
		stop = -tmf_err_set(&peek->fault, TMF_ERR_INVALID,
		    "the run's checkpoint does not fit the workflow: it is another one");
	else if (index != NULL)
		stop = peek->fn(peek->arg, asl_machine_state(peek->machine, (unsigned)number));
	json_decref(object);
	return stop;
}

int
execution_peek(struct store *store, const struct asl_machine *machine, const char *run_id,
    int (*fn)(void *arg, const struct asl_state *state), void *arg, struct tmf_err *err)
{
	struct peek peek = {.machine = machine, .fn = fn, .arg = arg};

	if (store_branches_each(store, run_id, peek_row, &peek, err) < 0)
		return -1;
	if (!tmf_err_isset(&peek.fault))
		return 0;
	tmf_err_move(err, &peek.fault);
	return -1;
}
