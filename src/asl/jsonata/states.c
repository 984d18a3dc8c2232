#include "asl/jsonata/states.h"

#include "asl/jsonata/evaluator.h"

#include <assert.h>
#include <string.h>

/*
 * A state has no document for its expressions: $ and $$ mean nothing at the top of an expression,
 * and neither does a name. Only the first step of a path has the context of the top; steps behind
 * it, predicates, sort terms and groups have what the step before them found. The body of a
 * function keeps the context of the place where the function is written.
 */
struct states_walk {
	unsigned allowed; /* of enum jsonata_states */
	bool reads_context;
	json_t *read;	     /* variables by name; NULL: nobody asks */
	json_t *bound;	     /* those of the expression itself */
	bool binds_eval;     /* the expression has a variable of its own called $eval */
	const char *refused; /* the first one; NULL: none */
	size_t refused_len;
	uint32_t position;
	const struct node *eval; /* the first $eval */
};

static void states_visit(struct states_walk *walk, const struct node *node, bool at_top);

static bool
states_is(const struct name_node *name, const char *text)
{
	return name->node.len == strlen(text) && memcmp(name->name, text, name->node.len) == 0;
}

static void
states_refuse(struct states_walk *walk, const struct node *node, const char *text, size_t len)
{
	if (walk->refused != NULL)
		return;
	walk->refused = text;
	walk->refused_len = len;
	walk->position = node->position;
}

static void
states_refuse_text(struct states_walk *walk, const struct node *node, const char *text)
{
	states_refuse(walk, node, text, strlen(text));
}

/* A variable of the expression itself: of :=, a parameter, @ or #. */
static void
states_bind(struct states_walk *walk, const struct name_node *name)
{
	if (states_is(name, "eval"))
		walk->binds_eval = true;
	if (walk->bound != NULL)
		json_object_setn_new(walk->bound, name->name, name->node.len, json_true());
}

/* `$$` is the document from every depth, and has the name "$". */
static void
states_visit_variable(struct states_walk *walk, const struct node *node, bool at_top)
{
	const struct name_node *variable = (const struct name_node *)node;

	if (walk->read != NULL && variable->node.len > 0 && !states_is(variable, "$") &&
	    !states_is(variable, "states") &&
	    function_find(variable->name, variable->node.len) == NULL)
		json_object_setn_new(walk->read, variable->name, variable->node.len, json_true());
	if (variable->node.len == 0 && at_top)
		states_refuse_text(walk, node, "$");
	else if (states_is(variable, "$"))
		states_refuse_text(walk, node, "$$");
	else if (states_is(variable, "eval") && walk->eval == NULL)
		walk->eval = node;
	else if (states_is(variable, "states"))
		walk->reads_context = true; /* all of it, unless a step behind it says less */
}

/* What a path that begins with $states reads of it. */
static void
states_visit_states(struct states_walk *walk, const struct step *member)
{
	const struct name_node *name = (const struct name_node *)member->node;

	if (states_is(name, "result") && (walk->allowed & JSONATA_STATES_RESULT) == 0)
		states_refuse_text(walk, member->node, "$states.result");
	else if (states_is(name, "errorOutput") && (walk->allowed & JSONATA_STATES_ERROR) == 0)
		states_refuse_text(walk, member->node, "$states.errorOutput");
	else if (states_is(name, "context"))
		walk->reads_context = true;
}

static void
states_visit_stages(struct states_walk *walk, const struct stage *stage)
{
	for (; stage != NULL; stage = stage->next) {
		if (stage->filter != NULL)
			states_visit(walk, stage->filter, false);
		if (stage->index != NULL)
			states_bind(walk, stage->index);
	}
}

static void
states_visit_pairs(struct states_walk *walk, const struct object_node *object, bool at_top)
{
	for (uint32_t i = 0; object != NULL && i < object->node.count; i++) {
		states_visit(walk, object->pairs[i].key, at_top);
		states_visit(walk, object->pairs[i].value, at_top);
	}
}

static void
states_visit_path(struct states_walk *walk, const struct path_node *path, bool at_top)
{
	const struct step *step = path->first;
	const struct step *second = step->next;

	if (step->node->type == NODE_VARIABLE && second != NULL &&
	    second->node->type == NODE_NAME &&
	    states_is((const struct name_node *)step->node, "states"))
		states_visit_states(walk, second);
	else
		states_visit(walk, step->node, at_top);
	for (; step != NULL; step = step->next) {
		if (step != path->first)
			states_visit(walk, step->node, false);
		if (step->more == NULL)
			continue;
		if (step->more->focus != NULL)
			states_bind(walk, step->more->focus);
		if (step->more->index != NULL)
			states_bind(walk, step->more->index);
		states_visit_stages(walk, step->more->stages);
	}
	states_visit_pairs(walk, path->group, false);
}

static void
states_visit_list(
    struct states_walk *walk, const struct node *const *at, uint32_t count, bool at_top)
{
	for (uint32_t i = 0; i < count; i++)
		states_visit(walk, at[i], at_top);
}

static void
states_visit_lambda(struct states_walk *walk, const struct lambda_node *lambda, bool at_top)
{
	for (uint32_t i = 0; i < lambda->node.count; i++)
		states_bind(walk, lambda->parameters[i]);
	states_visit(walk, lambda->body, at_top);
}

/* The kinds that hold one or two expressions, or none. */
static void
states_visit_operator(struct states_walk *walk, const struct node *node, bool at_top)
{
	const struct condition_node *condition = (const struct condition_node *)node;
	const struct bind_node *bind = (const struct bind_node *)node;
	const struct binary_node *binary = (const struct binary_node *)node;

	switch (node->type) {
	case NODE_NEGATE:
		states_visit(walk, ((const struct unary_node *)node)->expr, at_top);
		break;
	case NODE_CONDITION:
		states_visit(walk, condition->condition, at_top);
		states_visit(walk, condition->then, at_top);
		if (condition->otherwise != NULL)
			states_visit(walk, condition->otherwise, at_top);
		break;
	case NODE_BIND:
		states_bind(walk, bind->variable);
		states_visit(walk, bind->value, at_top);
		break;
	case NODE_LITERAL:
	case NODE_REGEX:
	case NODE_WILDCARD:
	case NODE_DESCENDANT:
	case NODE_PARENT:
	case NODE_PLACEHOLDER:
		break;
	default:
		assert(node->type >= NODE_ARITHMETIC && node->type <= NODE_DEFAULT);
		states_visit(walk, binary->left, at_top);
		states_visit(walk, binary->right, at_top);
		break;
	}
}

static void
states_visit_transform(struct states_walk *walk, const struct transform_node *transform)
{
	states_visit(walk, transform->pattern, false);
	states_visit(walk, transform->update, false);
	if (transform->removal != NULL)
		states_visit(walk, transform->removal, false);
}

/* As deep as the parser lets expressions nest. */
static void
states_visit(struct states_walk *walk, const struct node *node, bool at_top)
{
	const struct name_node *name = (const struct name_node *)node;
	const struct list_node *list = (const struct list_node *)node;
	const struct call_node *call = (const struct call_node *)node;
	const struct filtered_node *filtered = (const struct filtered_node *)node;
	const struct focused_node *focused = (const struct focused_node *)node;
	const struct grouped_node *grouped = (const struct grouped_node *)node;
	const struct sort_node *sort = (const struct sort_node *)node;

	switch (node->type) {
	case NODE_NAME:
		if (at_top)
			states_refuse(walk, node, name->name, name->node.len);
		break;
	case NODE_VARIABLE:
		states_visit_variable(walk, node, at_top);
		break;
	case NODE_PATH:
		states_visit_path(walk, (const struct path_node *)node, at_top);
		break;
	case NODE_FILTERED:
		states_visit(walk, filtered->expr, at_top);
		states_visit_stages(walk, filtered->stages);
		break;
	case NODE_FOCUSED:
		states_visit(walk, focused->expr, at_top);
		states_bind(walk, focused->variable);
		break;
	case NODE_GROUPED:
		states_visit(walk, grouped->expr, at_top);
		states_visit_pairs(walk, grouped->group, false);
		break;
	case NODE_SORT:
		for (uint32_t i = 0; i < sort->node.count; i++)
			states_visit(walk, sort->terms[i].expr, false);
		break;
	case NODE_ARRAY:
	case NODE_BLOCK:
		states_visit_list(walk, list->at, list->node.count, at_top);
		break;
	case NODE_OBJECT:
		states_visit_pairs(walk, (const struct object_node *)node, at_top);
		break;
	case NODE_LAMBDA:
		states_visit_lambda(walk, (const struct lambda_node *)node, at_top);
		break;
	case NODE_CALL:
	case NODE_PARTIAL:
		states_visit(walk, call->procedure, at_top);
		states_visit_list(walk, call->arguments, call->node.count, at_top);
		break;
	case NODE_TRANSFORM:
		states_visit_transform(walk, (const struct transform_node *)node);
		break;
	default:
		states_visit_operator(walk, node, at_top);
		break;
	}
}

bool
states_check(const struct node *root, unsigned allowed, struct fault *ret_fault)
{
	struct states_walk walk = {.allowed = allowed};

	assert(root != NULL);
	states_visit(&walk, root, true);
	if (walk.eval != NULL && !walk.binds_eval)
		states_refuse_text(&walk, walk.eval, "$eval");
	if (walk.refused == NULL)
		return true;
	fault_set_token(ret_fault, walk.refused, walk.refused_len);
	ret_fault->position = walk.position;
	return false;
}

bool
states_reads_context(const struct node *root)
{
	struct states_walk walk = {.allowed = 0};

	states_visit(&walk, root, true);
	return walk.reads_context;
}

/* A name that the expression binds anywhere is taken for its own everywhere: one text would hardly
 * mean two variables by it. */
json_t *
states_variables(const struct node *root)
{
	struct states_walk walk = {.read = json_object(), .bound = json_object()};
	const char *name;
	json_t *unused;

	states_visit(&walk, root, true);
	json_object_foreach (walk.bound, name, unused)
		json_object_del(walk.read, name);
	json_decref(walk.bound);
	return walk.read;
}
