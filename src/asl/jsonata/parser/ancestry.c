#include "asl/jsonata/parser/ancestry.h"

#include <assert.h>
#include <stdio.h>

/*
 * How a % finds its step. Each has a slot, which counts how many steps up are still to be gone. A
 * slot goes up with the nodes that the parser makes (ancestry_hand_up) until it meets a path, whose
 * steps are then gone through from the last: the step on which the level falls to 0 binds its
 * context to the slot's label, in its tuples, where evaluation finds it like a variable.
 *
 * Example: in a.b.{"x": %.%.n} the inner path %.% has level 2 in the end; b takes one, a the other.
 */

/* "!" begins a label: no variable has such a name. */
struct parent_slot *
ancestry_new_slot(struct ancestry *ancestry)
{
	struct parent_slot *slot = heap_alloc(ancestry->heap, sizeof(*slot));

	snprintf(slot->label, sizeof(slot->label), "!%u", ancestry->labels++);
	slot->level = 1;
	return slot;
}

/* Seekers are few, so a list that is searched for each node is enough. */
static void
ancestry_add(struct ancestry *ancestry, const struct node *node, struct parent_slot *slot)
{
	struct seeker *seeker = heap_alloc(ancestry->scratch, sizeof(*seeker));

	*seeker = (struct seeker){.next = ancestry->seekers, .node = node, .slot = slot};
	ancestry->seekers = seeker;
}

/* The steps are charged, as a long expression with many parents would take quadratic time. */
void
ancestry_hand_up(struct ancestry *ancestry, const struct node *node, const struct node *part)
{
	if (part == NULL || node == part)
		return;
	if (part->type == NODE_PARENT)
		ancestry_add(ancestry, node, ((const struct parent_node *)part)->slot);
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node == part)
			seeker->node = node;
	}
}

/* The parser has the same helper; this file does not depend on it. */
static struct step_more *
step_more_of(struct heap *heap, struct step *step)
{
	if (step->more == NULL)
		step->more = heap_alloc(heap, sizeof(*step->more));
	return step->more;
}

static void
ancestry_seek_node(struct ancestry *ancestry, struct node *node, struct parent_slot *slot);

/* The step before one, and before those that only bind the same context again (a@$x.b@$y). */
static struct step *
step_before(struct heap *heap, const struct path_node *path, const struct step *step)
{
	struct step *before = NULL;

	for (struct step *at = path->first; at != step; at = at->next) {
		heap_spend(heap, 1);
		before = at;
	}
	while (before != NULL && before->more != NULL && before->more->focus != NULL) {
		struct step *earlier = NULL;

		for (struct step *at = path->first; at != before; at = at->next) {
			heap_spend(heap, 1);
			earlier = at;
		}
		if (earlier == NULL || earlier->more == NULL || earlier->more->focus == NULL)
			break;
		before = earlier;
	}
	return before;
}

/* One step up from what comes behind step. Where the slot's level falls to 0, this is the step. */
static void
ancestry_seek_step(struct ancestry *ancestry, struct step *step, struct parent_slot *slot)
{
	struct step_more *more;

	if (step->node->type != NODE_NAME && step->node->type != NODE_WILDCARD) {
		ancestry_seek_node(ancestry, step->node, slot);
		return;
	}
	if (--slot->level > 0)
		return;
	more = step_more_of(ancestry->heap, step);
	if (more->ancestor == NULL)
		more->ancestor = slot;
	else /* two % mean the same step: one label serves both */
		*slot = *more->ancestor;
	step->node->flags |= NODE_TUPLE;
}

/* A lone name as a path of one step, which can bind what is sought. */
static const struct node *
ancestry_as_path(struct ancestry *ancestry, struct node *node)
{
	struct path_node *path;

	if (node->type != NODE_NAME)
		return node;
	path = heap_alloc(ancestry->heap, sizeof(*path));
	path->node =
	    (struct node){.type = NODE_PATH, .flags = node->flags, .position = node->position};
	path->first = path->last = heap_alloc(ancestry->heap, sizeof(*path->first));
	path->first->node = node;
	return &path->node;
}

static void
ancestry_seek_node(struct ancestry *ancestry, struct node *node, struct parent_slot *slot)
{
	if (node->type == NODE_PARENT) {
		slot->level++;
	} else if (node->type == NODE_FILTERED) {
		node->flags |= NODE_TUPLE;
		ancestry_seek_node(
		    ancestry, (struct node *)((struct filtered_node *)node)->expr, slot);
	} else if (node->type == NODE_BLOCK) {
		struct list_node *block = (struct list_node *)node;

		/* An empty block has no value, so nothing in it can be a parent. */
		if (block->node.count == 0)
			return;
		node->flags |= NODE_TUPLE;
		/* The nodes are this parser's own until it is done. */
		block->at[block->node.count - 1] =
		    ancestry_as_path(ancestry, (struct node *)block->at[block->node.count - 1]);
		ancestry_seek_node(ancestry, (struct node *)block->at[block->node.count - 1], slot);
	} else if (node->type == NODE_PATH) {
		struct path_node *path = (struct path_node *)node;
		struct step *step = path->last;

		node->flags |= NODE_TUPLE;
		do {
			ancestry_seek_step(ancestry, step, slot);
			step = step_before(ancestry->heap, path, step);
		} while (slot->level > 0 && step != NULL);
	} else {
		fault_raise(ancestry->fault, node->position, "S0217");
	}
}

void
ancestry_resolve(struct ancestry *ancestry, struct path_node *path)
{
	const struct node *last = path->last->node;

	if (last->type == NODE_PARENT)
		ancestry_add(ancestry, last, ((const struct parent_node *)last)->slot);
	/* What the path already seeks was not found in it: only what its last step seeks is new. */
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		struct step *step = path->last;

		if (seeker->node != last)
			continue;
		while (seeker->slot->level > 0 &&
		       (step = step_before(ancestry->heap, path, step)) != NULL)
			ancestry_seek_step(ancestry, step, seeker->slot);
		seeker->node = seeker->slot->level > 0 ? &path->node : NULL;
	}
}

/* A predicate is evaluated in the context of the value it tests, so the first level is the step
 * itself. */
void
ancestry_predicate(struct ancestry *ancestry, const struct node *expr, struct step *step,
    const struct node *predicate)
{
	if (predicate->type == NODE_PARENT)
		ancestry_add(ancestry, predicate, ((const struct parent_node *)predicate)->slot);
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node != predicate)
			continue;
		if (seeker->slot->level > 1)
			seeker->slot->level--;
		else if (step != NULL)
			ancestry_seek_step(ancestry, step, seeker->slot);
		else
			ancestry_seek_node(ancestry, (struct node *)expr, seeker->slot);
		seeker->node = seeker->slot->level > 0 ? expr : NULL;
	}
}

/* Whatever is still sought at the root lies above the input, which has no parent. */
void
ancestry_finish(struct ancestry *ancestry, const struct node *root)
{
	if (root->type == NODE_PARENT)
		fault_raise(ancestry->fault, root->position, "S0217");
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node == root)
			fault_raise(ancestry->fault, root->position, "S0217");
	}
}
