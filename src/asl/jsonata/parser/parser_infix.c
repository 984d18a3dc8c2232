#include "asl/jsonata/parser/parser_infix.h"

#include <assert.h>
#include <stdlib.h>

/* --- what goes on behind an expression --- */

static void
raise_no_step(struct parser *p, const struct literal_node *literal)
{
	json_t *json = value_to_json(p->heap, &literal->value);
	char *text = json_dumps(json, JSON_ENCODE_ANY);

	fault_defer(p->fault, literal->node.position, "S0213", text != NULL ? text : "");
	free(text);
	json_decref(json);
}

/* A string in a path is a name; a number or constant cannot be a step. "a".b is the path a.b, 1.b
 * is S0213, also with a predicate or a group behind it. */
static struct node *
as_step(struct parser *p, const struct node *node)
{
	struct node *inner = node_inner(node);
	const struct literal_node *literal = (const struct literal_node *)node;
	struct name_node *name;

	if (node->type == NODE_FILTERED)
		((struct filtered_node *)node)->expr = as_step(p, inner);
	else if (node->type == NODE_FOCUSED)
		((struct focused_node *)node)->expr = as_step(p, inner);
	else if (node->type == NODE_GROUPED)
		((struct grouped_node *)node)->expr = as_step(p, inner);
	if (node->type != NODE_LITERAL)
		return (struct node *)node;
	if (literal->value.type != VALUE_STRING) {
		raise_no_step(p, literal);
		return (struct node *)node;
	}
	name = parser_node(p, NODE_NAME, sizeof(*name), node->position);
	name->name = literal->value.u.text;
	if (literal->value.len > NODE_NAME_MAX)
		fault_raise(p->fault, node->position, "S0500");
	name->node.len = (uint16_t)literal->value.len;
	name->node.flags = node->flags;
	return &name->node;
}

/* An array constructor at either end of a path keeps its arrays apart. [{"a": 1}, {"a": 2}].[a] is
 * [[1], [2]], while .a is [1, 2]. */
static void
mark_constructed(const struct step *step)
{
	if (step->node->type == NODE_ARRAY)
		step->node->flags |= NODE_CONSTRUCTED;
}

/* Adds a step; what was only a variable behind its expression is one of the step. */
static struct step *
parser_add_bound(struct parser *p, struct path_node *path, const struct node *node)
{
	const struct focused_node *focused = (const struct focused_node *)node;
	struct step *step;

	if (node->type != NODE_FOCUSED)
		return parser_path_add(p, path, (struct node *)node);
	step = parser_path_add(p, path, (struct node *)focused->expr);
	step->node->flags |= NODE_TUPLE;
	parser_step_more(p, step)->focus = focused->variable;
	ancestry_hand_up(&p->ancestry, step->node, node);
	return step;
}

/* a.b.c is one path of three steps however it was put together: a.(b.c) would be two, since the
 * parentheses are a block. The steps of a right side that is a path are taken over. A filtered
 * right side gives its predicates to the new step, which then applies them for each context. */
static const struct node *
parse_step(struct parser *p, const struct node *left)
{
	struct path_node *path;
	const struct node *right = parser_expression(p, POWER_STEP);

	left = as_step(p, left);
	path = parser_as_path(p, left);
	if (left->type != NODE_PATH)
		ancestry_begin(&p->ancestry, path);
	path->first->node = as_step(p, path->first->node);
	right = as_step(p, right);
	if (right->type == NODE_PATH) {
		const struct path_node *rest = (const struct path_node *)right;

		rest->first->node = as_step(p, rest->first->node);
		path->last->next = rest->first;
		path->last = rest->last;
		path->node.flags |= right->flags & NODE_KEEP_ARRAY;
	} else if (right->type == NODE_FILTERED) {
		const struct filtered_node *filtered = (const struct filtered_node *)right;
		struct step *step = parser_add_bound(p, path, filtered->expr);

		parser_step_more(p, step)->stages = filtered->stages;
		ancestry_hand_up(&p->ancestry, step->node, right);
		ancestry_adopt(&p->ancestry, step);
	} else {
		parser_add_bound(p, path, right);
	}
	path->node.flags |= path->last->node->flags & NODE_KEEP_ARRAY;
	mark_constructed(path->first);
	mark_constructed(path->last);
	ancestry_resolve(&p->ancestry, path);
	return &path->node;
}

/* a[]. {"a": 1}.a[] is [1]. The mark is set on the node, on its path and on the last step, since
 * any of them may be the one that unpacks the sequence. */
static const struct node *
keep_array(struct parser *p, const struct node *left)
{
	struct node *inner = (struct node *)left;

	while (inner->type == NODE_FILTERED)
		inner = node_inner(inner);
	if (inner->type == NODE_NAME)
		left = inner = &parser_as_path(p, inner)->node;
	if (inner->type == NODE_PATH)
		((struct path_node *)inner)->last->node->flags |= NODE_KEEP_ARRAY;
	inner->flags |= NODE_KEEP_ARRAY;
	((struct node *)left)->flags |= NODE_KEEP_ARRAY;
	return left;
}

/* A predicate behind a path belongs to its last step, and so is asked for each value that the step
 * before gave: a.b[0] is the first b of each a, (a.b)[0] the first of all. */
static const struct node *
parse_predicate(struct parser *p, const struct node *left, const struct token *token)
{
	const struct node *predicate;
	struct filtered_node *filtered;

	if (parser_next_is(p, ']')) {
		parser_skip(p, false);
		return keep_array(p, left);
	}
	predicate = parser_expression(p, POWER_NONE);
	parser_expect(p, ']', true);
	if (left->type == NODE_NAME)
		left = &parser_as_path(p, left)->node;
	/* Behind a{b: c} jsonata takes the predicate as one of the step a. Only a group of
	 * something other than a path refuses it. */
	if (left->type == NODE_GROUPED)
		fault_defer(p->fault, token->position, "S0209", "");
	if (left->type == NODE_PATH) {
		struct step *step = ((struct path_node *)left)->last;

		parser_add_stage(p, &parser_step_more(p, step)->stages, predicate, NULL);
		ancestry_predicate(&p->ancestry, step->node, step, predicate);
		return left;
	}
	/* Several predicates share one node: each is a stage of it. */
	if (left->type != NODE_FILTERED) {
		filtered = parser_node(p, NODE_FILTERED, sizeof(*filtered), token->position);
		filtered->expr = left;
		filtered->node.flags = left->flags & (NODE_KEEP_ARRAY | NODE_CONSTRUCTED);
		ancestry_hand_up(&p->ancestry, &filtered->node, left);
		left = &filtered->node;
	}
	filtered = (struct filtered_node *)left;
	parser_add_stage(p, &filtered->stages, predicate, NULL);
	ancestry_predicate(&p->ancestry, &filtered->node, NULL, predicate);
	return left;
}

/* A path keeps its group, since the group needs the tuples of the path's steps. Only one is
 * allowed: a{..}{..} is S0210. */
static const struct node *
parse_group(struct parser *p, const struct node *left, const struct token *token)
{
	const struct object_node *group = parser_object(p, token->position, false);
	struct grouped_node *grouped;

	if (left->type == NODE_GROUPED ||
	    (left->type == NODE_PATH && ((const struct path_node *)left)->group != NULL))
		fault_defer(p->fault, token->position, "S0210", "");
	if (left->type == NODE_NAME || left->type == NODE_PATH) {
		struct path_node *path = parser_as_path(p, left);

		path->group = group;
		return &path->node;
	}
	grouped = parser_node(p, NODE_GROUPED, sizeof(*grouped), token->position);
	grouped->expr = left;
	grouped->group = group;
	ancestry_hand_up(&p->ancestry, &grouped->node, left);
	return &grouped->node;
}

/* ^(<a, >b). The order is a step of its own, so that predicates behind it apply to the sorted
 * whole. Ascending is the default: [3, 1, 2]^(>$) is [3, 2, 1]. */
static const struct node *
parse_sort(struct parser *p, const struct node *left, const struct token *token)
{
	struct path_node *path = parser_as_path(p, left);
	struct gathered *last = NULL;
	struct sort_node *sort;
	size_t count = 0;

	parser_expect(p, '(', false);
	for (;;) {
		bool descending = parser_next_is(p, '>');

		if (descending || parser_next_is(p, '<'))
			parser_skip(p, false);
		last = parser_gather(p, last, parser_expression(p, POWER_NONE), &count);
		last->descending = descending;
		if (!parser_next_is(p, ','))
			break;
		parser_skip(p, false);
	}
	parser_expect(p, ')', false);
	sort = parser_node(
	    p, NODE_SORT, sizeof(*sort) + count * sizeof(sort->terms[0]), token->position);
	sort->node.count = (uint16_t)count;
	for (size_t i = count; i > 0; i--, last = last->before) {
		sort->terms[i - 1] = (struct sort_term){last->node, last->descending};
		ancestry_hand_up(&p->ancestry, &sort->node, last->node);
	}
	parser_path_add(p, path, &sort->node);
	ancestry_resolve(&p->ancestry, path);
	return &path->node;
}

/* The variable behind @ or #. The power of a predicate keeps what follows out of the name: in
 * a@$x.b only $x is taken. */
static const struct name_node *
parse_binding_name(struct parser *p, const struct token *token)
{
	const struct node *right = parser_expression(p, POWER_PREDICATE);

	if (right->type != NODE_VARIABLE) {
		fault_set_token(p->fault, token->text, token->len);
		fault_raise(p->fault, right->position, "S0214", token->op == '@' ? "@" : "#");
	}
	return (const struct name_node *)right;
}

/* A variable must be bound before the predicates that may use it, hence S0215. Only a name makes a
 * path: behind anything else the variable waits until that becomes a step. */
static const struct node *
parse_focus(struct parser *p, const struct node *left, const struct token *token)
{
	const struct name_node *variable = parse_binding_name(p, token);
	struct focused_node *focused;

	if (left->type == NODE_NAME || left->type == NODE_PATH) {
		struct path_node *path = parser_as_path(p, left);
		struct step *step = path->last;

		if (step->more != NULL && step->more->stages != NULL)
			fault_defer(p->fault, token->position, "S0215", "");
		if (step->node->type == NODE_SORT)
			fault_defer(p->fault, token->position, "S0216", "");
		parser_step_more(p, step)->focus = variable;
		step->node->flags |= NODE_TUPLE;
		return &path->node;
	}
	for (const struct node *node = left; node != NULL; node = node_inner(node)) {
		if (node->type == NODE_FILTERED)
			fault_defer(p->fault, token->position, "S0215", "");
	}
	focused = parser_node(p, NODE_FOCUSED, sizeof(*focused), token->position);
	focused->expr = left;
	focused->variable = variable;
	focused->node.flags = left->flags & (NODE_KEEP_ARRAY | NODE_CONSTRUCTED);
	ancestry_hand_up(&p->ancestry, &focused->node, left);
	return &focused->node;
}

/* A # behind a predicate numbers what the predicate has left, so it becomes a stage at that place.
 * Before any predicate it numbers the values of the step. */
static const struct node *
parse_index(struct parser *p, const struct node *left, const struct token *token)
{
	const struct name_node *variable = parse_binding_name(p, token);
	struct path_node *path;
	struct step *step;

	if (left->type == NODE_FILTERED) {
		const struct filtered_node *filtered = (const struct filtered_node *)left;

		path = parser_as_path(p, filtered->expr);
		parser_step_more(p, path->last)->stages = filtered->stages;
		ancestry_hand_up(&p->ancestry, path->last->node, left);
		ancestry_adopt(&p->ancestry, path->last);
	} else {
		path = parser_as_path(p, left);
	}
	step = path->last;
	if (step->more == NULL || step->more->stages == NULL)
		parser_step_more(p, step)->index = variable;
	else
		parser_add_stage(p, &step->more->stages, NULL, variable);
	step->node->flags |= NODE_TUPLE;
	return &path->node;
}

/* Without ":" the condition has no value where it is false. The other branch is read with no power,
 * so a ? b : c ? d : e nests to the right. */
static const struct node *
parse_condition(struct parser *p, const struct node *left, const struct token *token)
{
	struct condition_node *condition =
	    parser_node(p, NODE_CONDITION, sizeof(*condition), token->position);

	condition->condition = left;
	condition->then = parser_expression(p, POWER_NONE);
	if (parser_next_is(p, ':')) {
		parser_skip(p, false);
		condition->otherwise = parser_expression(p, POWER_NONE);
	}
	ancestry_hand_up(&p->ancestry, &condition->node, condition->condition);
	ancestry_hand_up(&p->ancestry, &condition->node, condition->then);
	ancestry_hand_up(&p->ancestry, &condition->node, condition->otherwise);
	return &condition->node;
}

/* a := b := 1 assigns 1 to both. The body's own parents are sought outside, as those of any
 * part. */
static const struct node *
parse_bind(struct parser *p, const struct node *left, const struct token *token)
{
	struct bind_node *bind;

	if (left->type != NODE_VARIABLE)
		fault_raise(p->fault, left->position, "S0212");
	/* The result of := is the value, so it may stand within any expression. */
	bind = parser_node(p, NODE_BIND, sizeof(*bind), token->position);
	bind->variable = (const struct name_node *)left;
	bind->value = parser_expression(p, POWER_BIND - 1); /* binds to the right */
	ancestry_hand_up(&p->ancestry, &bind->node, bind->value);
	return &bind->node;
}

/* The operators that only join two values. */
static const struct {
	int op;
	enum power power;
	enum node_type type;
} joining[] = {
    {'+', POWER_ADD, NODE_ARITHMETIC},
    {'-', POWER_ADD, NODE_ARITHMETIC},
    {'*', POWER_MULTIPLY, NODE_ARITHMETIC},
    {'/', POWER_MULTIPLY, NODE_ARITHMETIC},
    {'%', POWER_MULTIPLY, NODE_ARITHMETIC},
    {'&', POWER_ADD, NODE_CONCAT},
    {'=', POWER_COMPARE, NODE_EQUALITY},
    {OP_NOT_EQUAL, POWER_COMPARE, NODE_EQUALITY},
    {'<', POWER_COMPARE, NODE_COMPARISON},
    {'>', POWER_COMPARE, NODE_COMPARISON},
    {OP_AT_MOST, POWER_COMPARE, NODE_COMPARISON},
    {OP_AT_LEAST, POWER_COMPARE, NODE_COMPARISON},
    {OP_IN, POWER_COMPARE, NODE_IN},
    {OP_AND, POWER_AND, NODE_AND},
    {OP_OR, POWER_OR, NODE_OR},
    {OP_APPLY, POWER_COMPARE, NODE_APPLY},
    {OP_COALESCE, POWER_COMPARE, NODE_COALESCE},
    {OP_DEFAULT, POWER_COMPARE, NODE_DEFAULT},
};

#define JOINING_COUNT (sizeof(joining) / sizeof(joining[0]))

/* The others, which take in more than one expression. */
static const struct {
	int op;
	enum power power;
} others[] = {
    {'.', POWER_STEP},
    {'[', POWER_PREDICATE},
    {'(', POWER_PREDICATE},
    {'@', POWER_PREDICATE},
    {'#', POWER_PREDICATE},
    {'{', POWER_UNARY},
    {'^', POWER_COMPARE},
    {'?', POWER_CONDITION},
    {OP_BIND, POWER_BIND},
};

/* Any token that is not an infix operator ends the expression, a name as well as the end of the
 * text: the caller then reports what it expected instead. */
int
parser_power(const struct token *token, size_t *ret_joining)
{
	*ret_joining = JOINING_COUNT;
	if (token->type != TOKEN_OPERATOR)
		return POWER_NONE;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i].op == token->op)
			return others[i].power;
	}
	for (size_t i = 0; i < JOINING_COUNT; i++) {
		if (joining[i].op == token->op) {
			*ret_joining = i;
			return joining[i].power;
		}
	}
	return POWER_NONE;
}

/* Whether `[]` stands behind the expression, or behind the first step of a path. */
static bool
keeps_array(const struct node *node)
{
	while (node->type == NODE_FILTERED)
		node = ((const struct filtered_node *)node)->expr;
	if (node->type == NODE_PATH)
		node = ((const struct path_node *)node)->first->node;
	return (node->flags & NODE_KEEP_ARRAY) != 0;
}

/* What a function gives for `a[]` is kept an array, too: a[] ~> $filter(f). */
static const struct node *
joined(const struct node *node)
{
	const struct binary_node *binary = (const struct binary_node *)node;

	if (node->type == NODE_APPLY && (keeps_array(binary->left) || keeps_array(binary->right)))
		((struct node *)node)->flags |= NODE_KEEP_ARRAY;
	return node;
}

/* After an operator an operand follows, so a slash there opens a regular expression. */
const struct node *
parser_infix(struct parser *p, const struct node *left, size_t which)
{
	struct token token = p->token;

	parser_skip(p, false);
	/* As in jsonata, what follows ?? and ?: reaches as far as it can, as the last part of a
	 * condition does: a ?? b and c is a ?? (b and c). */
	if (which < JOINING_COUNT)
		return joined(parser_binary(p, joining[which].type, token.op, &token, left,
		    parser_expression(p, token.op == OP_COALESCE || token.op == OP_DEFAULT
					     ? POWER_NONE
					     : joining[which].power)));
	switch (token.op) {
	case '.':
		return parse_step(p, left);
	case '[':
		return parse_predicate(p, left, &token);
	case '(':
		return parser_call(p, left, token.position);
	case '{':
		return parse_group(p, left, &token);
	case '^':
		return parse_sort(p, left, &token);
	case '@':
		return parse_focus(p, left, &token);
	case '#':
		return parse_index(p, left, &token);
	case '?':
		return parse_condition(p, left, &token);
	default:
		assert(token.op == OP_BIND);
		return parse_bind(p, left, &token);
	}
}
