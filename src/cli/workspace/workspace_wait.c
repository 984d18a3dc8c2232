#include "cli/workspace/workspace.h"

struct call_wait {
	struct tmf_loop *loop;
	json_t *result;
	struct tmf_err err;
};

/* Stops the loop, which workspace_wait runs for this one call. */
static void
call_wait_done(void *arg, struct tmf_call *call)
{
	struct call_wait *wait = arg;

	wait->result = tmf_call_take_result(call);
	if (wait->result == NULL)
		tmf_err_move(&wait->err, &call->err);
	tmf_loop_stop(wait->loop);
}

json_t *
workspace_wait(struct workspace *workspace, struct tmf_call *call, struct tmf_err *err)
{
	struct call_wait wait = {.loop = workspace->loop};

	tmf_call_on_done(call, call_wait_done, &wait);
	if (tmf_loop_run(workspace->loop, err) < 0)
		return NULL;
	if (wait.result == NULL)
		tmf_err_move(err, &wait.err);
	return wait.result;
}
