#include "base/log.h"
#include "base/jsonx.h"
#include "mirror/actions/action.h"

#include <stdlib.h>

/* tmflow:log: writes its input to the log and gives it back, so that it can stand between any two
 * states. It has no table of fields, since any input will do. */

/* As JSON text, since a field of a log event is a string. */
static enum tmf_op_next
log_start(struct tmf_op *op)
{
	char *text = jsonx_text(op->input);

	log_event(LOG_INFO, "workflow.log", LOG_STR("input", text));
	free(text);
	return tmf_op_done(op, json_incref(op->input));
}

const struct tmf_action action_log = {
    .name = "log",
    .summary = "Writes its input to the log (level info) and gives it back",
    .start = log_start,
};
