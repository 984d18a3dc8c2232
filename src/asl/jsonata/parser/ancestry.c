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
 *
 * Which nodes hand up what is jsonata's own rule, also where it has gaps: a % on a side of ~>, in a
 * function's body or in the first step of a path is sought by nobody, and is undefined; a predicate
 * behind parentheses keeps its slots although they are found, so that `(a.b)[%.c]` is S0217
 * unless it is a step.
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

/* The slot of a node that is a %; NULL for any other. */
static struct parent_slot *
ancestry_slot_of(const struct node *node)
{
	return node->type == NODE_PARENT ? ((const struct parent_node *)node)->slot : NULL;
}

/* The steps are charged, as a long expression with many parents would take quadratic time. */
void
ancestry_hand_up(struct ancestry *ancestry, const struct node *node, const struct node *part)
{
	if (part == NULL || node == part)
		return;
	if (ancestry_slot_of(part) != NULL)
		ancestry_add(ancestry, node, ancestry_slot_of(part));
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node == part)
			seeker->node = node;
	}
}

void
ancestry_begin(struct ancestry *ancestry, const struct path_node *path)
{
	struct parent_slot *slot = ancestry_slot_of(node_bare(path->first->node));

	if (slot != NULL)
		ancestry_add(ancestry, &path->node, slot);
}

/* --- looking for the step --- */

/* The step gives its context to the slot: node is what it evaluates. */
static void
ancestry_bind(struct ancestry *ancestry, struct step *step, struct parent_slot *slot)
{
	if (step->more == NULL)
		step->more = heap_alloc(ancestry->heap, sizeof(*step->more));
	if (step->more->ancestor == NULL)
		step->more->ancestor = slot;
	else /* two % mean the same step: one label serves both */
		*slot = *step->more->ancestor;
}

/* A lone name as a path of one step, which can bind what is sought. */
static struct node *
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

static void ancestry_seek(
    struct ancestry *ancestry, struct node *node, struct step *step, struct parent_slot *slot);

/* The step before one. */
static struct step *
ancestry_before(struct heap *heap, const struct path_node *path, const struct step *step)
{
	struct step *before = NULL;

	for (struct step *at = path->first; at != step; at = at->next) {
		heap_spend(heap, 1);
		before = at;
	}
	return before;
}

static bool
ancestry_has_focus(const struct step *step)
{
	return step->more != NULL && step->more->focus != NULL;
}

/* What the last expression of a block gives is the block's. An empty one has nothing: the slot
 * passes it by. */
static void
ancestry_seek_block(struct ancestry *ancestry, struct list_node *block, struct parent_slot *slot)
{
	struct node *last;

	if (block->node.count == 0)
		return;
	block->node.flags |= NODE_TUPLE;
	/* The nodes are this parser's own until it is done. */
	last = ancestry_as_path(ancestry, (struct node *)block->at[block->node.count - 1]);
	block->at[block->node.count - 1] = last;
	ancestry_seek(ancestry, last, NULL, slot);
}

/* One step up from what comes behind node, which is that of a step or stands for itself (step:
 * NULL). Where the slot's level falls to 0, this is the one. */
static void
ancestry_seek(
    struct ancestry *ancestry, struct node *node, struct step *step, struct parent_slot *slot)
{
	struct node *inner = node_inner(node);
	struct path_node *path;

	if (inner != NULL) {
		ancestry_seek(ancestry, inner, step, slot);
		node->flags |= inner->flags & NODE_TUPLE;
		return;
	}
	switch (node->type) {
	case NODE_NAME:
	case NODE_WILDCARD:
		if (--slot->level > 0)
			return;
		node->flags |= NODE_TUPLE;
		if (step != NULL)
			ancestry_bind(ancestry, step, slot);
		return;
	case NODE_PARENT:
		slot->level++;
		return;
	case NODE_BLOCK:
		ancestry_seek_block(ancestry, (struct list_node *)node, slot);
		return;
	case NODE_PATH:
		path = (struct path_node *)node;
		node->flags |= NODE_TUPLE;
		for (step = path->last; step != NULL;
		     step = ancestry_before(ancestry->heap, path, step)) {
			ancestry_seek(ancestry, step->node, step, slot);
			if (slot->level <= 0)
				return;
		}
		return;
	default:
		fault_defer(ancestry->fault, node->position, "S0217", "");
		slot->level = 0; /* nothing more to look for */
	}
}

/* The predicates were read before the * was a step: their slots are found, but nobody binds
 * them. Of a name they are not on it, since that was a path at once. */
void
ancestry_adopt(struct ancestry *ancestry, struct step *step)
{
	if (step->node->type != NODE_WILDCARD)
		return;
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node != step->node || seeker->slot->level != 0)
			continue;
		step->node->flags |= NODE_TUPLE;
		ancestry_bind(ancestry, step, seeker->slot);
	}
}

/* Goes up a path from its last step until the slot has found its own. Of steps one behind the other
 * that bind the same context again (a@$x.b@$y) the first counts. */
static void
ancestry_climb(struct ancestry *ancestry, const struct path_node *path, struct parent_slot *slot)
{
	struct step *step = path->last;

	while (slot->level > 0) {
		step = ancestry_before(ancestry->heap, path, step);
		if (step == NULL)
			return;
		while (step != path->first && ancestry_has_focus(step)) {
			struct step *before = ancestry_before(ancestry->heap, path, step);

			if (!ancestry_has_focus(before))
				break;
			step = before;
		}
		ancestry_seek(ancestry, step->node, step, slot);
	}
}

/* A % with predicates has been handed to the node of its step before. */
static bool
ancestry_seeks(
    const struct ancestry *ancestry, const struct node *node, const struct parent_slot *slot)
{
	for (const struct seeker *seeker = ancestry->seekers; seeker != NULL;
	     seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node == node && seeker->slot == slot)
			return true;
	}
	return false;
}

void
ancestry_resolve(struct ancestry *ancestry, struct path_node *path)
{
	const struct node *last = path->last->node;
	struct parent_slot *slot = ancestry_slot_of(last);

	if (slot != NULL && !ancestry_seeks(ancestry, last, slot))
		ancestry_add(ancestry, last, slot);
	/* What the path already seeks was not found in it: only what its last step seeks is new. */
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node != last)
			continue;
		ancestry_climb(ancestry, path, seeker->slot);
		seeker->node = seeker->slot->level > 0 ? &path->node : NULL;
	}
}

/* A predicate is evaluated in the context of the value it tests, so the first level is the node
 * itself. A predicate that is a lone % is not looked at. */
void
ancestry_predicate(
    struct ancestry *ancestry, struct node *node, struct step *step, const struct node *predicate)
{
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node != predicate)
			continue;
		if (seeker->slot->level == 1)
			ancestry_seek(ancestry, node, step, seeker->slot);
		else
			seeker->slot->level--;
		seeker->node = node;
	}
}

/* Whatever the root seeks lies above the input, which has no parent. */
void
ancestry_finish(struct ancestry *ancestry, const struct node *root)
{
	if (root->type == NODE_PARENT)
		fault_defer(ancestry->fault, node_bare(root)->position, "S0217", "");
	for (struct seeker *seeker = ancestry->seekers; seeker != NULL; seeker = seeker->next) {
		heap_spend(ancestry->heap, 1);
		if (seeker->node == root)
			fault_defer(ancestry->fault, node_bare(root)->position, "S0217", "");
	}
}
