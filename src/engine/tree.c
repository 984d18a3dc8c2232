#include "engine/tree.h"

#include "base/mem.h"
#include "engine/checkpoint.h"
#include "engine/task.h"

#include <assert.h>
#include <stdlib.h>

/* The execution's row is dirty at once, because it stores the next id: an id that a row has
 * already must not be given twice after a resume. */
struct branch *
tree_branch_new(struct execution *x, struct branch *parent, int64_t index, json_t *variables)
{
	struct branch *branch = mem_zalloc(1, sizeof(*branch));

	assert(parent == NULL || parent->x == x);
	branch->x = x;
	branch->parent = parent;
	branch->index = index;
	branch->id = x->next_branch_id++;
	branch->variables = json_incref(variables);
	x->live_branches++;
	x->record_dirty = true;
	return branch;
}

/* The two functions below call each other to the depth of nested Maps and Parallels, at most
 * ASL_NESTING_MAX. */

/* Children go first: their rows name this branch as parent. A branch may be freed while its
 * end is still to be handled, so engine->ended is cleared here. */
void
tree_branch_free(struct branch *branch)
{
	struct execution *x = branch->x;
	struct engine *engine = x->engine;

	if (branch->children != NULL)
		tree_children_free(branch);
	task_drop(branch);
	tmf_loop_unpost(engine->loop, &branch->task);
	tmf_loop_timer_disarm(engine->loop, &branch->timer);
	checkpoint_forget(branch);
	if (engine->ended == branch)
		engine->ended = NULL;
	json_decref(branch->input);
	json_decref(branch->begin);
	json_decref(branch->variables);
	json_decref(branch->context);
	json_decref(branch->output);
	if (branch->failure != NULL)
		tmf_err_fini(branch->failure);
	free(branch->failure);
	free(branch->retries);
	free(branch);
	assert(x->live_branches > 0);
	x->live_branches--;
}

void
tree_children_free(struct branch *branch)
{
	struct children *children = branch->children;

	while (children->first != NULL)
		/* The analyzer loses the unlinking. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		tree_unlink_free(children->first);
	assert(children->live == 0);
	checkpoint_results_forget(branch);
	json_decref(children->effective);
	json_decref(children->items);
	batch_draft_fini(&children->draft);
	items_free(children->source);
	if (children->writer != NULL && writer_spooled(children->writer) != NULL)
		checkpoint_spool_forget(branch, writer_spooled(children->writer));
	writer_free(children->writer);
	tmf_err_fini(&children->fault);
	tmf_err_fini(&children->failing);
	json_decref(children->results);
	free(children->known);
	free(children);
	branch->children = NULL;
}

/* At the head, in constant time: the order of the list has no meaning, since results are
 * placed by index. */
void
tree_link(struct branch *child)
{
	struct children *children = child->parent->children;

	assert(child->prev == NULL && child->next == NULL);
	child->next = children->first;
	if (children->first != NULL)
		children->first->prev = child;
	children->first = child;
	children->live++;
}

/* The list is doubly linked so that a Map of 100,000 items does not search for each that
 * ends. */
void
tree_unlink_free(struct branch *child)
{
	struct children *children = child->parent->children;

	assert(children->live > 0);
	assert((child->prev == NULL) == (children->first == child));
	if (child->prev != NULL)
		child->prev->next = child->next;
	else
		children->first = child->next;
	if (child->next != NULL)
		child->next->prev = child->prev;
	children->live--;
	tree_branch_free(child);
}
