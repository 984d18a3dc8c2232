#include "engine/execution.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/op.h"

#include <assert.h>
#include <stdlib.h>

#define ERROR_THRESHOLD "States.ExceedToleratedFailureThreshold"

/* What a Map or Parallel keeps while its children run. */
struct children {
	struct branch *first; /* live ones */
	json_t *effective;    /* the state's effective input */
	json_t *items;	      /* of a Map; NULL: a Parallel */
	json_t *results;      /* array of total values; NULL: nobody wants them */
	int64_t total;
	int64_t next; /* index of the next child to be made */
	uint8_t *
	    known; /* after a restart: a bit for each child that ended or is there; NULL: those below next */
	int64_t selecting; /* the item whose selector is being evaluated; -1: none */
	int64_t live;
	int64_t ended;
	int64_t failed;	    /* and tolerated */
	int64_t last_event; /* of the child that ended last; 0: none since this process began */
	int64_t concurrency;
	bool tolerates;
	int64_t tolerated_count;     /* -1: not given */
	double tolerated_percentage; /* -1: not given */
};

static void
state_failed(struct branch *branch, struct tmf_err *err)
{
	branch_state_failed(branch, err);
	tmf_err_fini(err);
}

/* True when the results go nowhere: then none is kept, so that memory does not grow with the items. */
static bool
discards_results(const struct asl_state *state)
{
	return state->result_discard && state->result_selector == NULL && state->assign == NULL;
}

static struct children *
new_children(struct branch *branch, int64_t total)
{
	struct children *children = mem_zalloc(1, sizeof(*children));

	children->total = total;
	children->concurrency = total;
	children->selecting = -1;
	children->tolerated_count = -1;
	children->tolerated_percentage = -1;
	if (!discards_results(branch->state)) {
		children->results = json_array();
		for (int64_t i = 0; i < total; i++)
			json_array_append_new(children->results, json_null());
	}
	branch->children = children;
	branch->phase = PHASE_CHILDREN;
	return children;
}

static void
unlink_child(struct children *children, struct branch *child)
{
	if (child->prev != NULL)
		child->prev->next = child->next;
	else
		children->first = child->next;
	if (child->next != NULL)
		child->next->prev = child->prev;
	children->live--;
}

static void
link_child(struct children *children, struct branch *child)
{
	child->next = children->first;
	child->prev = NULL;
	if (children->first != NULL)
		children->first->prev = child;
	children->first = child;
	children->live++;
}

void
children_cancel(struct branch *branch)
{
	struct children *children = branch->children;

	while (children->first != NULL) {
		struct branch *child = children->first;

		unlink_child(children, child);
		branch_free(child);
	}
	checkpoint_results_forget(branch);
	json_decref(children->effective);
	json_decref(children->items);
	json_decref(children->results);
	free(children->known);
	free(children);
	branch->children = NULL;
}

void
children_wind_down(struct branch *branch)
{
	if (branch->op != NULL)
		op_wind_down(branch->op);
	if (branch->children == NULL)
		return;
	for (struct branch *child = branch->children->first; child != NULL; child = child->next)
		children_wind_down(child);
}

/* An event of a Map's iteration stands in the iteration's own line of events. */
static void
iteration_event(struct branch *child, const char *type)
{
	execution_event(child->x, child,
	    &(struct execution_event){
		.type = type, .state = child->parent->state, .number = child->index});
}

static bool
has_aborted_event(const struct asl_state *state)
{
	return state->type == ASL_TASK || state->type == ASL_WAIT || state->type == ASL_MAP ||
	       state->type == ASL_PARALLEL;
}

/* The state fails: what its other children were doing ends, the innermost first. */
static void
note_aborted(struct branch *branch)
{
	for (struct branch *child = branch->children->first; child != NULL; child = child->next) {
		if (child->children != NULL)
			note_aborted(child);
		if (has_aborted_event(child->state))
			execution_state_event(child, "StateAborted", NULL);
		if (branch->children->items != NULL)
			iteration_event(child, "MapIterationAborted");
	}
}

/* --- starting children --- */

static json_t *
item_of(const struct children *children, int64_t index)
{
	json_t *item = json_object();

	json_object_set_new(item, "Index", json_integer(index));
	json_object_set(item, "Value", json_array_get(children->items, (size_t)index));
	return item;
}

json_t *
children_map_item(const struct branch *branch)
{
	if (branch->children != NULL && branch->children->selecting >= 0)
		return item_of(branch->children, branch->children->selecting);
	for (; branch->parent != NULL; branch = branch->parent)
		if (branch->parent->children->items != NULL)
			return item_of(branch->parent->children, branch->index);
	return NULL;
}

/* A Map's child: its input is the item, or what the selector makes of it. In DISTRIBUTED mode AWS runs it as an execution of its own, which does not see
 * the variables outside. */
static int
start_iteration(struct branch *branch, int64_t index, struct tmf_err *err)
{
	struct children *children = branch->children;
	json_t *item = json_array_get(children->items, (size_t)index);
	json_t *input = NULL;
	struct branch *child;
	int ret = 0;

	if (branch->state->parameters == NULL) {
		input = json_incref(item);
	} else {
		struct asl_scope scope = branch_scope(branch, children->effective);

		context_forget(branch);
		children->selecting = index;
		ret = asl_template_eval(branch->state->parameters, &scope, &input, err);
		children->selecting = -1;
		context_forget(branch);
	}
	if (ret == 0) {
		child = branch_new(branch->x, branch, index, NULL, NULL,
		    branch->state->u.map.distributed ? NULL : branch->variables);
		child->last_event = branch->last_event;
		iteration_event(child, "MapIterationStarted");
		link_child(children, child);
		branch_enter(child, branch->state->u.map.processor->start, input);
		tmf_loop_post(branch->x->engine->loop, &child->task);
	}
	return ret;
}

static int
start_parallel_branch(struct branch *branch, int64_t index)
{
	struct children *children = branch->children;
	struct branch *child = branch_new(branch->x, branch, index, NULL, NULL, branch->variables);

	child->last_event = branch->last_event;
	link_child(children, child);
	branch_enter(child, branch->state->u.parallel.branches[index]->start,
	    json_incref(children->effective));
	tmf_loop_post(branch->x->engine->loop, &child->task);
	return 0;
}

/* All children ended: the state's result is their results, in order. */
static void
collect(struct branch *branch)
{
	struct children *children = branch->children;
	json_t *results = children->results != NULL ? json_incref(children->results) : json_array();

	if (children->last_event != 0)
		branch->last_event = children->last_event;
	execution_state_event(branch, "StateSucceeded", NULL);
	children_cancel(branch);
	branch_state_done(branch, results);
}

#define BITS_A_BYTE 8

static void
note_known(struct children *children, int64_t index)
{
	children->known[index / BITS_A_BYTE] |= (uint8_t)(1u << (index % BITS_A_BYTE));
}

/* Whether a child is still to be made: next then. */
static bool
has_next(struct children *children)
{
	const uint8_t *known = children->known;

	while (known != NULL && children->next < children->total &&
	       (known[children->next / BITS_A_BYTE] >> (children->next % BITS_A_BYTE) & 1) != 0)
		children->next++;
	return children->next < children->total;
}

void
children_go_on(struct branch *branch)
{
	struct children *children = branch->children;
	struct tmf_err err = {0};

	while (has_next(children) && children->live < children->concurrency &&
	       branch->x->live_branches < ENGINE_BRANCHES_MAX) {
		int64_t index = children->next++;
		int ret = children->items != NULL ? start_iteration(branch, index, &err)
						  : start_parallel_branch(branch, index);

		if (ret == 0)
			continue;
		children_cancel(branch);
		state_failed(branch, &err);
		return;
	}
	if (children->live == 0 && children->ended == children->total)
		collect(branch);
}

/* --- entering the state --- */

static int
map_limits(struct branch *branch, const struct asl_scope *scope, struct tmf_err *err)
{
	const struct asl_state *state = branch->state;
	struct children *children = branch->children;
	int64_t concurrency;

	if (asl_number_eval(&state->u.map.max_concurrency, "MaxConcurrencyPath", 0, scope,
		&concurrency, err) < 0 ||
	    asl_number_eval(&state->u.map.tolerated_failure_count, "ToleratedFailureCountPath", -1,
		scope, &children->tolerated_count, err) < 0 ||
	    asl_tolerated_percentage(state, scope, &children->tolerated_percentage, err) < 0)
		return -1;
	children->concurrency = concurrency > 0 ? concurrency : ENGINE_MAP_CONCURRENCY_DEFAULT;
	children->tolerates = children->tolerated_count >= 0 || children->tolerated_percentage >= 0;
	return 0;
}

/* Works out items and limits; branch->children is there afterwards. */
static int
prepare_map(struct branch *branch, struct tmf_err *err)
{
	struct asl_scope raw = branch_scope(branch, branch->input);
	json_t *effective = NULL;
	json_t *items = NULL;

	if (asl_state_input_path(branch->state, &raw, &effective, err) < 0)
		return -1;
	struct asl_scope scope = branch_scope(branch, effective);
	if (asl_map_items(branch->state, &scope, &items, err) < 0) {
		json_decref(effective);
		return -1;
	}
	struct children *children = new_children(branch, (int64_t)json_array_size(items));
	children->effective = effective;
	children->items = items;
	return map_limits(branch, &scope, err);
}

static int
prepare_parallel(struct branch *branch, struct tmf_err *err)
{
	struct asl_scope raw = branch_scope(branch, branch->input);
	json_t *effective = NULL;

	if (asl_state_input(branch->state, &raw, &effective, err) < 0)
		return -1;
	new_children(branch, (int64_t)branch->state->u.parallel.branch_count)->effective =
	    effective;
	return 0;
}

static void
begin(struct branch *branch, int (*prepare)(struct branch *branch, struct tmf_err *err))
{
	struct tmf_err err = {0};

	if (prepare(branch, &err) < 0) {
		if (branch->children != NULL)
			children_cancel(branch);
		state_failed(branch, &err);
		return;
	}
	execution_event(branch->x, branch,
	    &(struct execution_event){
		.type =
		    branch->children->items != NULL ? "MapStateStarted" : "ParallelStateStarted",
		.number = branch->children->total,
	    });
	checkpoint_mark(branch);
	children_go_on(branch);
}

void
children_begin_map(struct branch *branch)
{
	begin(branch, prepare_map);
}

void
children_begin_parallel(struct branch *branch)
{
	begin(branch, prepare_parallel);
}

/* --- a child ended --- */

static void
put_result(struct children *children, int64_t index, json_t *value)
{
	if (children->results != NULL)
		json_array_set_new(children->results, (size_t)index, value);
	else
		json_decref(value);
}

void
children_child_done(struct branch *child, json_t *output)
{
	struct branch *branch = child->parent;
	struct children *children = branch->children;
	json_t *record = json_object();

	if (children->items != NULL)
		iteration_event(child, "MapIterationSucceeded");
	children->last_event = child->last_event;
	if (children->results != NULL)
		json_object_set(record, "r", output);
	checkpoint_result(branch, child->index, record);
	put_result(children, child->index, output);
	children->ended++;
	unlink_child(children, child);
	branch_free(child);
	if (!branch->x->interrupting || children->ended == children->total)
		children_go_on(branch);
}

static bool
tolerated(const struct children *children)
{
	if (!children->tolerates)
		return false;
	if (children->tolerated_count >= 0 && children->failed > children->tolerated_count)
		return false;
	return children->tolerated_percentage < 0 ||
	       (double)children->failed * 100.0 <=
		   children->tolerated_percentage * (double)children->total;
}

/* The state fails with the child's own error, or with the threshold's. */
static void
fail_state(struct branch *branch, struct tmf_err *child_err)
{
	bool tolerates = branch->children->tolerates;
	struct tmf_err err = {0};

	if (tolerates)
		tmf_err_set_name(&err, TMF_ERR_ASL, ERROR_THRESHOLD,
		    "The specified tolerated failure threshold was exceeded");
	else
		tmf_err_move(&err, child_err);
	note_aborted(branch);
	branch->last_event = branch->children->last_event;
	execution_state_event(branch, "StateFailed", NULL);
	children_cancel(branch);
	state_failed(branch, &err);
}

void
children_child_failed(struct branch *child, struct tmf_err *err)
{
	struct branch *branch = child->parent;
	struct children *children = branch->children;
	int64_t index = child->index;

	if (children->items != NULL)
		iteration_event(child, "MapIterationFailed");
	children->last_event = child->last_event;
	unlink_child(children, child);
	branch_free(child);
	children->failed++;
	if (!tolerated(children)) {
		fail_state(branch, err);
		return;
	}
	checkpoint_result(branch, index, json_pack("{s:b}", "f", 1));
	children->ended++;
	if (!branch->x->interrupting || children->ended == children->total)
		children_go_on(branch);
}

/* --- after a restart --- */

int
children_restore(struct branch *branch, struct tmf_err *err)
{
	int ret = branch->state->type == ASL_MAP ? prepare_map(branch, err)
						 : prepare_parallel(branch, err);

	if (ret == 0)
		branch->children->known =
		    mem_zalloc((size_t)branch->children->total / BITS_A_BYTE + 1, sizeof(uint8_t));
	return ret;
}

bool
children_has(const struct branch *branch, int64_t index)
{
	return index >= 0 && index < branch->children->total;
}

int
children_restore_result(struct branch *branch, int64_t index, json_t *record, struct tmf_err *err)
{
	struct children *children = branch->children;
	json_t *result = json_object_get(record, "r");

	if (!children_has(branch, index))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "a stored result has no place in state '%s'", branch->state->name);
	note_known(children, index);
	children->ended++;
	if (json_is_true(json_object_get(record, "f")))
		children->failed++;
	else if (result != NULL)
		put_result(children, index, json_incref(result));
	return 0;
}

void
children_restore_live(struct branch *branch, struct branch *child)
{
	note_known(branch->children, child->index);
	link_child(branch->children, child);
}
