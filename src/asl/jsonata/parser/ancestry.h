#ifndef TMFLOW_ASL_JSONATA_PARSER_ANCESTRY_H
#define TMFLOW_ASL_JSONATA_PARSER_ANCESTRY_H

#include "asl/jsonata/ast.h"
#include "asl/jsonata/fault.h"

/*
 * Which step a % means. It is resolved while the expression is parsed: a path looks for the steps
 * that its own % signs ask for; what it does not have, the expression around it must give. So
 * `Account.Order.Product.(Price * %.Discount)` makes the step Order give its context to the label
 * of the %.
 */

struct seeker {
	struct seeker *next;
	const struct node *node; /* the expression that contains the % */
	struct parent_slot *slot;
};

struct ancestry {
	struct heap *heap;
	struct heap *scratch; /* of seekers */
	struct fault *fault;
	struct seeker *seekers;
	unsigned labels; /* given so far */
};

/* A slot for one %, with a label of its own. */
struct parent_slot *ancestry_new_slot(struct ancestry *ancestry);

/* node contains part: what part seeks, node seeks from now on. */
void ancestry_hand_up(struct ancestry *ancestry, const struct node *node, const struct node *part);

/* A path begins with what its first step has: a % there is sought by the path. */
void ancestry_begin(struct ancestry *ancestry, const struct path_node *path);

/* A * with predicates has become a step: what they seek one step up is its context. */
void ancestry_adopt(struct ancestry *ancestry, struct step *step);

/* A path is complete up to its last step: what that step seeks is looked for in the steps before
 * it. */
void ancestry_resolve(struct ancestry *ancestry, struct path_node *path);

/* A predicate stands behind a step, or behind an expression that is not a step (step: NULL). What
 * it seeks may be the context of node itself. */
void ancestry_predicate(
    struct ancestry *ancestry, struct node *node, struct step *step, const struct node *predicate);

/* Defers S0217 where the root seeks anything. */
void ancestry_finish(struct ancestry *ancestry, const struct node *root);

#endif
