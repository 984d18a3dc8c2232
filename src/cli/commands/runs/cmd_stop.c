#include "cli/commands/commands.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "store/run_state.h"
#include "web/run_json.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * tmflow stop RUN-ID: as ^C in the terminal of the run. Calls in flight end, the run is
 * checkpointed, and `tmflow resume` goes on from there.
 */

#define STOP_LOOK_NS   (100L * 1000 * 1000) /* between two looks whether it has ended */
#define STOP_SECONDS   30 /* twice what a run grants its calls in flight, and time to commit */
#define STOP_LOOKS_MAX 300
_Static_assert(STOP_LOOKS_MAX *(STOP_LOOK_NS / 1000000) == STOP_SECONDS * 1000L, "looks");

/* The signal goes to a process that /proc shows to be the holder, and to no other. */
static int
stop_signal(const struct store_run *run, const struct run_state *state, struct tmf_err *err)
{
	const struct store_holder *holder = &state->holder;

	assert(state->kind != RUN_STATE_RUNNING || holder->held);
	if (state->kind == RUN_STATE_KILLED || state->kind == RUN_STATE_INTERRUPTED)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "run %s is not running, it is %s: `tmflow resume %s` continues it", run->id,
		    run_state_name(state->kind), run->id);
	if (state->kind != RUN_STATE_RUNNING)
		return tmf_err_set(err, TMF_ERR_INVALID, "run %s is not running, it is %s", run->id,
		    run_state_name(state->kind));
	if (!holder->here)
		return tmf_err_set(err, TMF_ERR_BUSY,
		    "run %s is held by pid %ld on %s, which is not a process that can be seen from "
		    "here: stop it there, as the same user",
		    run->id, holder->pid, holder->host);
	assert(holder->pid > 0 && "0 and below are groups of processes");
	if (kill((pid_t)holder->pid, SIGTERM) < 0)
		return tmf_err_set(
		    err, TMF_ERR_SYSTEM, "cannot signal pid %ld: %s", holder->pid, strerror(errno));
	return 0;
}

/* Until the run is let go of. ret_state is how it is then, RUNNING where it takes longer. */
static int
stop_wait(struct store *store, const char *id, struct run_state *ret_state, struct tmf_err *err)
{
	const struct timespec pause = {.tv_nsec = STOP_LOOK_NS};

	for (int i = 0; i < STOP_LOOKS_MAX; i++) {
		struct store_run run = {0};

		if (store_run_find(store, id, &run, err) < 0)
			return -1;
		int ret = run_state_read(store, &run, ret_state, err);
		store_run_fini(&run);
		if (ret < 0 || ret_state->kind != RUN_STATE_RUNNING)
			return ret;
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

static int
stop_report(const struct cli_opts *opts, const char *id, const struct run_state *state)
{
	if (state->kind == RUN_STATE_RUNNING) {
		struct tmf_err err = {0};

		tmf_err_set(&err, TMF_ERR_BUSY,
		    "run %s was asked to stop and has not yet done so: pid %ld waits for calls in "
		    "flight; `tmflow stop %s` again stops it at once",
		    id, state->holder.pid, id);
		return cli_fail_take(opts->output, &err);
	}
	if (opts->output != OUTPUT_TEXT) {
		json_t *document = json_object();

		jsonx_put_string(document, "runId", id);
		run_json_put_state(document, state);
		cli_print_json(document);
		json_decref(document);
	} else if (run_state_is_over(state->kind)) {
		cli_print(stdout, "run %s  %s\n", id, run_state_name(state->kind));
	} else {
		cli_print(stdout, "run %s  %s\n  continue with `tmflow resume %s`\n", id,
		    run_state_name(state->kind), id);
	}
	return EXIT_OK;
}

int
cmd_stop(const struct cli_opts *opts)
{
	struct store_run run = {0};
	struct run_state state;
	struct tmf_err err = {0};
	int code = EXIT_OK;
	struct store *store = record_find_store(opts, &code);

	if (store == NULL)
		return code;
	if (store_run_find(store, opts->args[0], &run, &err) < 0 ||
	    run_state_read(store, &run, &state, &err) < 0 || stop_signal(&run, &state, &err) < 0 ||
	    stop_wait(store, run.id, &state, &err) < 0)
		code = cli_fail_take(opts->output, &err);
	else
		code = stop_report(opts, run.id, &state);
	store_run_fini(&run);
	store_close(store);
	return code;
}
