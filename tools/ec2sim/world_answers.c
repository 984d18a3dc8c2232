#include "world_internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * Answers that stand in for what an operation would say: a world that no seed makes, such as a
 * target that another account shares, a network ACL that drops, a member that is not healthy. The
 * call is signed, counted, throttled and refused as ever; only what it says is given.
 */

static size_t
answer_action(const char *path)
{
	const char *name = strstr(path, "operation=");
	size_t len;

	if (name == NULL)
		return world_actions_count;
	name += strlen("operation=");
	len = strcspn(name, "&");
	for (size_t i = 0; i < world_actions_count; i++)
		if (strlen(world_actions[i].name) == len &&
		    memcmp(world_actions[i].name, name, len) == 0)
			return i;
	return world_actions_count;
}

bool
answer_set(struct sim_world *w, const struct sim_request *request)
{
	size_t action = answer_action(request->path);

	if (action == world_actions_count)
		return false;
	free(w->answers[action]);
	w->answers[action] =
	    request->body.len > 0 ? mem_strndup(request->body.p, request->body.len) : NULL;
	return true;
}

bool
answer_give(struct sim_call *c)
{
	const char *answer = c->w->answers[c->action_index];

	if (answer == NULL || str_is(params_get(&c->params, "DryRun"), "true"))
		return false;
	buf_add_cstr(c->out, answer);
	return true;
}

void
answers_free(struct sim_world *w)
{
	for (size_t i = 0; i < SIM_ACTIONS_MAX; i++)
		free(w->answers[i]);
}
