#include "asl/jsonata/parser.h"

#include "asl/jsonata/ancestry.h"
#include "asl/jsonata/lexer.h"
#include "asl/jsonata/pattern.h"
#include "asl/jsonata/signature.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A parser after Vaughan Pratt: each operator has a binding power, and an expression takes in
 * operators as long as they bind more strongly than what stands on its left.
 * See: https://crockford.com/javascript/tdop/tdop.html and https://docs.jsonata.org/
 */

#define NESTING_MAX 250 /* expressions within expressions; each takes some 300 bytes of stack */
#define PARTS_MAX                                                                                  \
	60000 /* arguments, elements, pairs of one construct: their count has 16 bits to spare */

enum power {
	POWER_NONE = 0,
	POWER_BIND = 10,
	POWER_CONDITION = 20,
	POWER_OR = 25,
	POWER_AND = 30,
	POWER_COMPARE = 40,
	POWER_ADD = 50,
	POWER_MULTIPLY = 60,
	POWER_UNARY = 70,
	POWER_STEP = 75,
	POWER_PREDICATE = 80,
};

struct parser {
	struct lexer lexer;
	struct heap *heap;
	struct fault *fault;
	struct token token; /* the next one */
	struct ancestry ancestry;
	unsigned depth;
	const struct literal_node
	    *no_step; /* a literal that stands as a step of a path; the first */
};

/* Nodes gathered until their count is known. Linked on the way back up, so that no space is lost. */
struct gathered {
	struct gathered *before;
	const struct node *node;
	const struct node *value; /* of a pair */
	bool descending;	  /* of a sort term */
};

static const struct node *parse_expression(struct parser *p, int power);

/* --- tokens --- */

static const char *
token_text(const struct parser *p, const struct token *token)
{
	return token->type == TOKEN_END ? "(end)" : heap_text(p->heap, token->text, token->len);
}

static _Noreturn void
parser_raise(struct parser *p, const struct token *token, const char *code)
{
	const char *text = token_text(p, token);

	fault_set_token(p->fault, text, strlen(text));
	fault_raise(p->fault, token->position, code, text);
}

static bool
next_is(const struct parser *p, int op)
{
	return p->token.type == TOKEN_OPERATOR && p->token.op == op;
}

/* Moves to the next token. infix: it is expected to be an operator. */
static void
skip_token(struct parser *p, bool infix)
{
	p->token = lexer_next(&p->lexer, infix);
}

/* The next token must be that operator; moves behind it. */
static void
expect(struct parser *p, int op, bool infix)
{
	char buffer[3];
	const char *wanted = lexer_operator_text(op, buffer);

	if (!next_is(p, op)) {
		const char *found = token_text(p, &p->token);

		fault_set_token(p->fault, found, strlen(found));
		if (p->token.type == TOKEN_END)
			fault_raise(p->fault, p->token.position, "S0203", wanted);
		fault_raise(p->fault, p->token.position, "S0202", wanted, found);
	}
	skip_token(p, infix);
}

/* --- nodes --- */

static void *
node_new(struct parser *p, enum node_type type, size_t bytes, uint32_t position)
{
	struct node *node = heap_alloc(p->heap, bytes);

	node->type = (uint8_t)type;
	node->position = position;
	return node;
}

static struct name_node *
name_node_new(struct parser *p, enum node_type type, const struct token *token)
{
	struct name_node *name = node_new(p, type, sizeof(*name), token->position);

	name->name = token->text;
	name->len = token->len;
	return name;
}

static struct step *
path_add(struct parser *p, struct path_node *path, struct node *node)
{
	struct step *step = heap_alloc(p->heap, sizeof(*step));

	step->node = node;
	if (path->last != NULL)
		path->last->next = step;
	else
		path->first = step;
	path->last = step;
	return step;
}

static struct path_node *
path_node_new(struct parser *p, struct node *first)
{
	struct path_node *path = node_new(p, NODE_PATH, sizeof(*path), first->position);

	path_add(p, path, first);
	return path;
}

/* The node as a path: itself, or one that has it as its only step. */
static struct path_node *
as_path(struct parser *p, const struct node *node)
{
	/* The nodes are this parser's own until it is done. */
	struct node *own = (struct node *)node;
	struct path_node *path;

	if (own->type == NODE_PATH)
		return (struct path_node *)own;
	path = path_node_new(p, own);
	path->node.flags |= own->flags & NODE_KEEP_ARRAY;
	return path;
}

static struct step_more *
step_more(struct parser *p, struct step *step)
{
	if (step->more == NULL)
		step->more = heap_alloc(p->heap, sizeof(*step->more));
	return step->more;
}

static void
add_stage(struct parser *p, struct stage **stages, const struct node *filter,
    const struct name_node *index)
{
	struct stage *stage = heap_alloc(p->heap, sizeof(*stage));

	stage->filter = filter;
	stage->index = index;
	while (*stages != NULL)
		stages = &(*stages)->next;
	*stages = stage;
}

static const struct node *
binary_new(struct parser *p, enum node_type type, int op, const struct token *at,
    const struct node *left, const struct node *right)
{
	struct binary_node *binary = node_new(p, type, sizeof(*binary), at->position);

	binary->node.op = (uint16_t)op;
	binary->left = left;
	binary->right = right;
	ancestry_hand_up(&p->ancestry, &binary->node, left);
	ancestry_hand_up(&p->ancestry, &binary->node, right);
	return &binary->node;
}

/* --- lists of parts --- */

static struct gathered *
gather(struct parser *p, struct gathered *before, const struct node *node, size_t *count)
{
	struct gathered *one = heap_alloc(p->heap, sizeof(*one));

	if (++*count > PARTS_MAX)
		parser_raise(p, &p->token, "S0500");
	one->before = before;
	one->node = node;
	return one;
}

static const struct node *
list_node_new(struct parser *p, enum node_type type, uint32_t position, const struct gathered *last,
    size_t count)
{
	struct list_node *list =
	    node_new(p, type, sizeof(*list) + count * sizeof(list->at[0]), position);

	list->count = (uint32_t)count;
	for (size_t i = count; i > 0; i--, last = last->before) {
		list->at[i - 1] = last->node;
		ancestry_hand_up(&p->ancestry, &list->node, last->node);
	}
	return &list->node;
}

/* [a, b..c] behind its bracket. */
static const struct node *
parse_array(struct parser *p, uint32_t position)
{
	struct gathered *last = NULL;
	size_t count = 0;

	while (!next_is(p, ']')) {
		const struct node *item = parse_expression(p, POWER_NONE);

		if (next_is(p, OP_RANGE)) {
			struct token at = p->token;

			skip_token(p, false);
			item = binary_new(
			    p, NODE_RANGE, OP_RANGE, &at, item, parse_expression(p, POWER_NONE));
		}
		last = gather(p, last, item, &count);
		if (!next_is(p, ','))
			break;
		skip_token(p, false);
	}
	expect(p, ']', true);
	return list_node_new(p, NODE_ARRAY, position, last, count);
}

/* (a; b) behind its parenthesis. */
static const struct node *
parse_block(struct parser *p, uint32_t position)
{
	struct gathered *last = NULL;
	size_t count = 0;
	struct node *block;

	while (!next_is(p, ')')) {
		last = gather(p, last, parse_expression(p, POWER_NONE), &count);
		if (!next_is(p, ';'))
			break;
		skip_token(p, false);
	}
	expect(p, ')', true);
	block = (struct node *)list_node_new(p, NODE_BLOCK, position, last, count);
	for (; last != NULL; last = last->before)
		block->flags |= last->node->flags & NODE_CONSTRUCTED;
	return block;
}

/* {key: value, ...} behind its brace. */
static const struct object_node *
parse_object(struct parser *p, uint32_t position, bool seeks)
{
	struct gathered *last = NULL;
	struct object_node *object;
	size_t count = 0;

	while (!next_is(p, '}')) {
		last = gather(p, last, parse_expression(p, POWER_NONE), &count);
		expect(p, ':', false);
		last->value = parse_expression(p, POWER_NONE);
		if (!next_is(p, ','))
			break;
		skip_token(p, false);
	}
	expect(p, '}', true);
	object =
	    node_new(p, NODE_OBJECT, sizeof(*object) + count * sizeof(object->pairs[0]), position);
	object->count = (uint32_t)count;
	for (size_t i = count; i > 0; i--, last = last->before) {
		object->pairs[i - 1] = (struct pair){last->node, last->value};
		if (seeks) {
			ancestry_hand_up(&p->ancestry, &object->node, last->node);
			ancestry_hand_up(&p->ancestry, &object->node, last->value);
		}
	}
	return object;
}

/* --- functions --- */

/* Whether the node is the word that begins a function: `function` or a lambda sign. */
static bool
is_function_word(const struct node *node)
{
	const struct name_node *name = (const struct name_node *)node;

	return node->type == NODE_NAME &&
	       ((name->len == 8 && memcmp(name->name, "function", 8) == 0) ||
		   (name->len == 2 && memcmp(name->name, "\xce\xbb", 2) == 0));
}

/* <...> behind the parameters. */
static const struct signature *
parse_signature(struct parser *p)
{
	const char *start = p->token.text;
	uint32_t position = p->token.position;
	const char *end = start;
	int depth = 0;

	while (p->token.type != TOKEN_END && !next_is(p, '{')) {
		end = p->token.text + p->token.len;
		depth += next_is(p, '<') - next_is(p, '>');
		skip_token(p, true);
		if (depth == 0)
			break;
	}
	return signature_parse(start, (size_t)(end - start), position, p->heap, p->fault);
}

/* What a function ends with is its value: a call there needs no frame of its own to return to. */
static void
mark_tail(const struct node *body)
{
	if (body == NULL)
		return;
	if (body->type == NODE_CALL) {
		((struct node *)body)->flags |= NODE_TAIL;
	} else if (body->type == NODE_CONDITION) {
		mark_tail(((const struct condition_node *)body)->then);
		mark_tail(((const struct condition_node *)body)->otherwise);
	} else if (body->type == NODE_BLOCK) {
		const struct list_node *block = (const struct list_node *)body;

		if (block->count > 0)
			mark_tail(block->at[block->count - 1]);
	}
}

static const struct node *
parse_lambda(struct parser *p, const struct node *word, const struct gathered *last, size_t count)
{
	struct lambda_node *lambda = node_new(p, NODE_LAMBDA,
	    sizeof(*lambda) + count * sizeof(lambda->parameters[0]), word->position);

	lambda->count = (uint32_t)count;
	for (size_t i = count; i > 0; i--, last = last->before) {
		if (last->node->type != NODE_VARIABLE)
			fault_raise(p->fault, last->node->position, "S0208");
		lambda->parameters[i - 1] = (const struct name_node *)last->node;
	}
	if (next_is(p, '<'))
		lambda->signature = parse_signature(p);
	expect(p, '{', false);
	lambda->body = parse_expression(p, POWER_NONE);
	expect(p, '}', true);
	mark_tail(lambda->body);
	return &lambda->node;
}

/* The arguments behind a parenthesis: of a call, of a partial application, or of a definition. */
static const struct node *
parse_call(struct parser *p, const struct node *procedure, uint32_t position)
{
	enum node_type type = NODE_CALL;
	struct gathered *last = NULL;
	struct call_node *call;
	size_t count = 0;

	while (!next_is(p, ')')) {
		if (next_is(p, '?')) {
			type = NODE_PARTIAL;
			last = gather(p, last,
			    node_new(p, NODE_PLACEHOLDER, sizeof(struct node), p->token.position),
			    &count);
			skip_token(p, true);
		} else {
			last = gather(p, last, parse_expression(p, POWER_NONE), &count);
		}
		if (!next_is(p, ','))
			break;
		skip_token(p, false);
	}
	expect(p, ')', true);
	if (is_function_word(procedure))
		return parse_lambda(p, procedure, last, count);
	call = node_new(p, type, sizeof(*call) + count * sizeof(call->arguments[0]), position);
	call->procedure = procedure;
	call->count = (uint32_t)count;
	for (size_t i = count; i > 0; i--, last = last->before) {
		call->arguments[i - 1] = last->node;
		ancestry_hand_up(&p->ancestry, &call->node, last->node);
	}
	return &call->node;
}

/* |pattern|update, removal| behind the first bar. */
static const struct node *
parse_transform(struct parser *p, uint32_t position)
{
	struct transform_node *transform =
	    node_new(p, NODE_TRANSFORM, sizeof(*transform), position);

	transform->pattern = parse_expression(p, POWER_NONE);
	expect(p, '|', false);
	transform->update = parse_expression(p, POWER_NONE);
	if (next_is(p, ',')) {
		skip_token(p, false);
		transform->removal = parse_expression(p, POWER_NONE);
	}
	expect(p, '|', true);
	return &transform->node;
}

/* --- what begins an expression --- */

static const struct node *
literal_new(struct parser *p, const struct token *token)
{
	struct literal_node *literal = node_new(p, NODE_LITERAL, sizeof(*literal), token->position);

	literal->value = token->value;
	return &literal->node;
}

static const struct node *
parse_negation(struct parser *p, uint32_t position)
{
	const struct node *expr = parse_expression(p, POWER_UNARY);
	const struct literal_node *literal = (const struct literal_node *)expr;
	struct unary_node *unary;

	if (expr->type == NODE_LITERAL && literal->value.type == VALUE_NUMBER) {
		((struct literal_node *)expr)->value.u.number *= -1;
		return expr;
	}
	unary = node_new(p, NODE_NEGATE, sizeof(*unary), position);
	unary->expr = expr;
	ancestry_hand_up(&p->ancestry, &unary->node, expr);
	return &unary->node;
}

static const struct node *
parse_parent(struct parser *p, uint32_t position)
{
	struct parent_node *parent = node_new(p, NODE_PARENT, sizeof(*parent), position);

	parent->slot = ancestry_new_slot(&p->ancestry);
	return &parent->node;
}

static const struct node *
parse_prefix_operator(struct parser *p, const struct token *token)
{
	switch (token->op) {
	case '-':
		return parse_negation(p, token->position);
	case '(':
		return parse_block(p, token->position);
	case '[':
		return parse_array(p, token->position);
	case '{':
		return &parse_object(p, token->position, true)->node;
	case '|':
		return parse_transform(p, token->position);
	case '*':
		return node_new(p, NODE_WILDCARD, sizeof(struct node), token->position);
	case OP_DESCENDANT:
		return node_new(p, NODE_DESCENDANT, sizeof(struct node), token->position);
	case '%':
		return parse_parent(p, token->position);
	case OP_AND:
	case OP_OR:
	case OP_IN: /* as the name of a member */
		return &name_node_new(p, NODE_NAME, token)->node;
	default:
		parser_raise(p, token, "S0211");
	}
}

/* Whether what follows a token of this kind is an operator, not a regular expression. */
static bool
ends_operand(const struct token *token)
{
	return token->type != TOKEN_OPERATOR || token->op == '*' || token->op == '%' ||
	       token->op == OP_DESCENDANT || token->op == OP_AND || token->op == OP_OR ||
	       token->op == OP_IN;
}

static const struct node *
parse_prefix(struct parser *p)
{
	struct token token = p->token;
	struct regex_node *regex;

	skip_token(p, ends_operand(&token));
	switch (token.type) {
	case TOKEN_END:
		parser_raise(p, &token, "S0207");
	case TOKEN_OPERATOR:
		return parse_prefix_operator(p, &token);
	case TOKEN_NAME:
		return &name_node_new(p, NODE_NAME, &token)->node;
	case TOKEN_VARIABLE:
		return &name_node_new(p, NODE_VARIABLE, &token)->node;
	case TOKEN_STRING:
	case TOKEN_NUMBER:
	case TOKEN_CONSTANT:
		return literal_new(p, &token);
	case TOKEN_REGEX:
		regex = node_new(p, NODE_REGEX, sizeof(*regex), token.position);
		regex->regex = pattern_compile(token.text, token.len, token.regex_ignores_case,
		    token.regex_multiline, token.position, p->heap, p->fault);
		return &regex->node;
	}
	return NULL;
}

/* --- what goes on behind an expression --- */

/* A string in a path is a name; a number or constant cannot be a step. */
static struct node *
as_step(struct parser *p, const struct node *node)
{
	const struct literal_node *literal = (const struct literal_node *)node;
	struct name_node *name;

	if (node->type != NODE_LITERAL)
		return (struct node *)node;
	if (literal->value.type != VALUE_STRING) {
		/* Any fault of the syntax behind it comes first. */
		if (p->no_step == NULL)
			p->no_step = literal;
		return (struct node *)node;
	}
	name = node_new(p, NODE_NAME, sizeof(*name), node->position);
	name->name = literal->value.u.text;
	name->len = literal->value.len;
	return &name->node;
}

/* An array constructor at either end of a path keeps its arrays apart. */
static void
mark_constructed(const struct step *step)
{
	if (step->node->type == NODE_ARRAY)
		step->node->flags |= NODE_CONSTRUCTED;
}

static const struct node *
parse_step(struct parser *p, const struct node *left)
{
	struct path_node *path;
	const struct node *right = parse_expression(p, POWER_STEP);

	left = as_step(p, left);
	path = as_path(p, left);
	if (left->type != NODE_PATH)
		ancestry_hand_up(&p->ancestry, &path->node, left);
	right = as_step(p, right);
	if (right->type == NODE_PATH) {
		const struct path_node *rest = (const struct path_node *)right;

		path->last->next = rest->first;
		path->last = rest->last;
		path->node.flags |= right->flags & NODE_KEEP_ARRAY;
	} else if (right->type == NODE_FILTERED) {
		const struct filtered_node *filtered = (const struct filtered_node *)right;
		struct step *step = path_add(p, path, as_step(p, filtered->expr));

		step_more(p, step)->stages = filtered->stages;
		ancestry_hand_up(&p->ancestry, step->node, right);
	} else {
		path_add(p, path, (struct node *)right);
	}
	path->node.flags |= path->last->node->flags & NODE_KEEP_ARRAY;
	mark_constructed(path->first);
	mark_constructed(path->last);
	ancestry_resolve(&p->ancestry, path);
	return &path->node;
}

/* a[] */
static const struct node *
keep_array(struct parser *p, const struct node *left)
{
	struct node *inner = (struct node *)left;

	while (inner->type == NODE_FILTERED)
		inner = (struct node *)((struct filtered_node *)inner)->expr;
	if (inner->type == NODE_NAME)
		left = inner = &as_path(p, inner)->node;
	if (inner->type == NODE_PATH)
		((struct path_node *)inner)->last->node->flags |= NODE_KEEP_ARRAY;
	inner->flags |= NODE_KEEP_ARRAY;
	((struct node *)left)->flags |= NODE_KEEP_ARRAY;
	return left;
}

static const struct node *
parse_predicate(struct parser *p, const struct node *left, const struct token *token)
{
	const struct node *predicate;
	struct filtered_node *filtered;

	if (next_is(p, ']')) {
		skip_token(p, true);
		return keep_array(p, left);
	}
	predicate = parse_expression(p, POWER_NONE);
	expect(p, ']', true);
	if (left->type == NODE_NAME || left->type == NODE_WILDCARD)
		left = &as_path(p, left)->node;
	/* Behind a{b: c} jsonata takes the predicate as one of the step a; only a group of something
	 * other than a path refuses it. */
	if (left->type == NODE_GROUPED)
		fault_raise(p->fault, token->position, "S0209");
	if (left->type == NODE_PATH) {
		struct step *step = ((struct path_node *)left)->last;

		add_stage(p, &step_more(p, step)->stages, predicate, NULL);
		ancestry_predicate(&p->ancestry, step->node, step, predicate);
		return left;
	}
	if (left->type != NODE_FILTERED) {
		filtered = node_new(p, NODE_FILTERED, sizeof(*filtered), token->position);
		filtered->expr = left;
		filtered->node.flags = left->flags & (NODE_KEEP_ARRAY | NODE_CONSTRUCTED);
		ancestry_hand_up(&p->ancestry, &filtered->node, left);
		left = &filtered->node;
	}
	filtered = (struct filtered_node *)left;
	add_stage(p, &filtered->stages, predicate, NULL);
	ancestry_predicate(&p->ancestry, &filtered->node, NULL, predicate);
	return left;
}

static const struct node *
parse_group(struct parser *p, const struct node *left, const struct token *token)
{
	const struct object_node *group = parse_object(p, token->position, false);
	struct grouped_node *grouped;

	if (left->type == NODE_GROUPED ||
	    (left->type == NODE_PATH && ((const struct path_node *)left)->group != NULL))
		fault_raise(p->fault, token->position, "S0210");
	if (left->type == NODE_NAME || left->type == NODE_PATH) {
		struct path_node *path = as_path(p, left);

		path->group = group;
		return &path->node;
	}
	grouped = node_new(p, NODE_GROUPED, sizeof(*grouped), token->position);
	grouped->expr = left;
	grouped->group = group;
	ancestry_hand_up(&p->ancestry, &grouped->node, left);
	return &grouped->node;
}

/* ^(<a, >b) */
static const struct node *
parse_sort(struct parser *p, const struct node *left, const struct token *token)
{
	struct path_node *path = as_path(p, left);
	struct gathered *last = NULL;
	struct sort_node *sort;
	size_t count = 0;

	expect(p, '(', false);
	for (;;) {
		bool descending = next_is(p, '>');

		if (descending || next_is(p, '<'))
			skip_token(p, false);
		last = gather(p, last, parse_expression(p, POWER_NONE), &count);
		last->descending = descending;
		if (!next_is(p, ','))
			break;
		skip_token(p, false);
	}
	expect(p, ')', true);
	sort =
	    node_new(p, NODE_SORT, sizeof(*sort) + count * sizeof(sort->terms[0]), token->position);
	sort->count = (uint32_t)count;
	for (size_t i = count; i > 0; i--, last = last->before) {
		sort->terms[i - 1] = (struct sort_term){last->node, last->descending};
		ancestry_hand_up(&p->ancestry, &sort->node, last->node);
	}
	path_add(p, path, &sort->node);
	ancestry_resolve(&p->ancestry, path);
	return &path->node;
}

/* The variable behind @ or #. */
static const struct name_node *
parse_binding_name(struct parser *p, const struct token *token)
{
	const struct node *right = parse_expression(p, POWER_PREDICATE);

	if (right->type != NODE_VARIABLE) {
		fault_set_token(p->fault, token->text, token->len);
		fault_raise(p->fault, right->position, "S0214", token->op == '@' ? "@" : "#");
	}
	return (const struct name_node *)right;
}

static const struct node *
parse_focus(struct parser *p, const struct node *left, const struct token *token)
{
	const struct name_node *variable = parse_binding_name(p, token);
	struct path_node *path = as_path(p, left);
	struct step *step = path->last;

	if (left->type == NODE_FILTERED || (step->more != NULL && step->more->stages != NULL))
		fault_raise(p->fault, token->position, "S0215");
	if (step->node->type == NODE_SORT)
		fault_raise(p->fault, token->position, "S0216");
	step_more(p, step)->focus = variable;
	step->node->flags |= NODE_TUPLE;
	return &path->node;
}

static const struct node *
parse_index(struct parser *p, const struct node *left, const struct token *token)
{
	const struct name_node *variable = parse_binding_name(p, token);
	struct path_node *path;
	struct step *step;

	if (left->type == NODE_FILTERED) {
		const struct filtered_node *filtered = (const struct filtered_node *)left;

		path = as_path(p, filtered->expr);
		step_more(p, path->last)->stages = filtered->stages;
	} else {
		path = as_path(p, left);
	}
	step = path->last;
	if (step->more == NULL || step->more->stages == NULL)
		step_more(p, step)->index = variable;
	else
		add_stage(p, &step->more->stages, NULL, variable);
	step->node->flags |= NODE_TUPLE;
	return &path->node;
}

static const struct node *
parse_condition(struct parser *p, const struct node *left, const struct token *token)
{
	struct condition_node *condition =
	    node_new(p, NODE_CONDITION, sizeof(*condition), token->position);

	condition->condition = left;
	condition->then = parse_expression(p, POWER_NONE);
	if (next_is(p, ':')) {
		skip_token(p, false);
		condition->otherwise = parse_expression(p, POWER_NONE);
	}
	ancestry_hand_up(&p->ancestry, &condition->node, condition->condition);
	ancestry_hand_up(&p->ancestry, &condition->node, condition->then);
	ancestry_hand_up(&p->ancestry, &condition->node, condition->otherwise);
	return &condition->node;
}

static const struct node *
parse_bind(struct parser *p, const struct node *left, const struct token *token)
{
	struct bind_node *bind;

	if (left->type != NODE_VARIABLE)
		fault_raise(p->fault, left->position, "S0212");
	bind = node_new(p, NODE_BIND, sizeof(*bind), token->position);
	bind->variable = (const struct name_node *)left;
	bind->value = parse_expression(p, POWER_BIND - 1); /* binds to the right */
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

static int
power_of(const struct token *token, size_t *ret_joining)
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

static const struct node *
parse_infix(struct parser *p, const struct node *left, size_t which)
{
	struct token token = p->token;

	skip_token(p, false);
	if (which < JOINING_COUNT)
		return binary_new(p, joining[which].type, token.op, &token, left,
		    parse_expression(p, joining[which].power));
	switch (token.op) {
	case '.':
		return parse_step(p, left);
	case '[':
		return parse_predicate(p, left, &token);
	case '(':
		return parse_call(p, left, token.position);
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

static const struct node *
parse_expression(struct parser *p, int power)
{
	const struct node *left;
	size_t which;

	if (++p->depth > NESTING_MAX)
		parser_raise(p, &p->token, "S0500");
	left = parse_prefix(p);
	while (power_of(&p->token, &which) > power)
		left = parse_infix(p, left, which);
	p->depth--;
	return left;
}

static _Noreturn void
raise_no_step(const struct parser *p)
{
	json_t *json = value_to_json(p->heap, &p->no_step->value);
	char *text = json_dumps(json, JSON_ENCODE_ANY);
	char shown[40];

	snprintf(shown, sizeof(shown), "%s", text);
	free(text);
	json_decref(json);
	fault_raise(p->fault, p->no_step->node.position, "S0213", shown);
}

const struct node *
parser_parse(const char *text, size_t len, struct heap *heap, struct fault *fault)
{
	struct parser p = {
	    .lexer = {.text = text, .len = len, .heap = heap, .fault = fault},
	    .heap = heap,
	    .fault = fault,
	    .ancestry = {.heap = heap, .fault = fault},
	};
	const struct node *root;

	skip_token(&p, false);
	root = parse_expression(&p, POWER_NONE);
	if (p.token.type != TOKEN_END)
		parser_raise(&p, &p.token, "S0201");
	if (p.no_step != NULL)
		raise_no_step(&p);
	ancestry_finish(&p.ancestry, root);
	return root;
}
