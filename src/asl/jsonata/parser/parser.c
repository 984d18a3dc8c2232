#include "asl/jsonata/parser/parser.h"

#include "asl/jsonata/parser/parser_infix.h"
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

/* --- tokens --- */

static const char *
token_text(const struct parser *p, const struct token *token)
{
	return token->type == TOKEN_END ? "(end)" : heap_text(p->heap, token->text, token->len);
}

/* The token is kept apart from the message, since jsonata's errors have it as a member. */
static _Noreturn void
parser_raise(struct parser *p, const struct token *token, const char *code)
{
	const char *text = token_text(p, token);

	fault_set_token(p->fault, text, strlen(text));
	fault_raise(p->fault, token->position, code, text);
}

bool
parser_next_is(const struct parser *p, int op)
{
	return p->token.type == TOKEN_OPERATOR && p->token.op == op;
}

/* Moves to the next token. infix: it is expected to be an operator. */
void
parser_skip(struct parser *p, bool infix)
{
	p->token = lexer_next(&p->lexer, infix);
	if (parser_next_is(p, '~') || parser_next_is(p, '!'))
		parser_raise(p, &p->token, "S0204");
}

/* The next token must be that operator; moves behind it. */
void
parser_expect(struct parser *p, int op, bool infix)
{
	char buffer[3];
	const char *wanted = lexer_operator_text(op, buffer);

	if (!parser_next_is(p, op)) {
		const char *found = token_text(p, &p->token);

		fault_set_token(p->fault, found, strlen(found));
		if (p->token.type == TOKEN_END)
			fault_raise(p->fault, p->token.position, "S0203", wanted);
		fault_raise(p->fault, p->token.position, "S0202", wanted, found);
	}
	parser_skip(p, infix);
}

/* Moves behind a comma: false where it is missing. Something must follow it: [1,] is S0211. */
static bool
parser_skip_comma(struct parser *p)
{
	if (!parser_next_is(p, ','))
		return false;
	parser_skip(p, false);
	return true;
}

/* --- nodes --- */

void *
parser_node(struct parser *p, enum node_type type, size_t bytes, uint32_t position)
{
	struct node *node = heap_alloc(p->heap, bytes);

	node->type = (uint8_t)type;
	node->position = position;
	return node;
}

/* The name borrows the text of the expression, which lives as long as the nodes. */
static struct name_node *
name_node_new(struct parser *p, enum node_type type, const struct token *token)
{
	struct name_node *name = parser_node(p, type, sizeof(*name), token->position);

	if (token->len > NODE_NAME_MAX)
		parser_raise(p, token, "S0500");
	name->name = token->text;
	name->node.len = (uint16_t)token->len;
	return name;
}

/* The last step is kept, so that a path of n steps is built in n additions. */
struct step *
parser_path_add(struct parser *p, struct path_node *path, struct node *node)
{
	struct step *step = heap_alloc(p->heap, sizeof(*step));

	step->node = node;
	node->flags |= NODE_STEP;
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
	struct path_node *path = parser_node(p, NODE_PATH, sizeof(*path), first->position);

	parser_path_add(p, path, first);
	return path;
}

/* The node as a path: itself, or one that has it as its only step. */
struct path_node *
parser_as_path(struct parser *p, const struct node *node)
{
	/* The nodes are this parser's own until it is done. */
	struct node *own = (struct node *)node;
	struct path_node *path;

	if (own->type == NODE_PATH)
		return (struct path_node *)own;
	path = path_node_new(p, own->type == NODE_FOCUSED ? node_inner(own) : own);
	path->node.flags |= own->flags & NODE_KEEP_ARRAY;
	while (own != NULL && own->type != NODE_FOCUSED)
		own = node_inner(own);
	if (own != NULL) {
		parser_step_more(p, path->first)->focus = ((struct focused_node *)own)->variable;
		path->first->node->flags |= NODE_TUPLE;
	}
	return path;
}

/* Few steps have predicates or variables, so that part is allocated when first needed. */
struct step_more *
parser_step_more(struct parser *p, struct step *step)
{
	if (step->more == NULL)
		step->more = heap_alloc(p->heap, sizeof(*step->more));
	return step->more;
}

/* Stages run in the order of the text: a[x > 1][0] takes the first of those that passed. */
void
parser_add_stage(struct parser *p, struct stage **stages, const struct node *filter,
    const struct name_node *index)
{
	struct stage *stage = heap_alloc(p->heap, sizeof(*stage));

	stage->filter = filter;
	stage->index = index;
	while (*stages != NULL)
		stages = &(*stages)->next;
	*stages = stage;
}

/* Precedence is not decided here: parser_infix has passed the power with which the right side was
 * read. */
const struct node *
parser_binary(struct parser *p, enum node_type type, int op, const struct token *at,
    const struct node *left, const struct node *right)
{
	struct binary_node *binary = parser_node(p, type, sizeof(*binary), at->position);

	binary->node.op = (uint16_t)op;
	binary->left = left;
	binary->right = right;
	if (type != NODE_APPLY) {
		ancestry_hand_up(&p->ancestry, &binary->node, left);
		ancestry_hand_up(&p->ancestry, &binary->node, right);
	}
	return &binary->node;
}

/* --- lists of parts --- */

struct gathered *
parser_gather(struct parser *p, struct gathered *before, const struct node *node, size_t *count)
{
	struct gathered *one = heap_alloc(p->scratch, sizeof(*one));

	if (++*count > NODE_PARTS_MAX)
		parser_raise(p, &p->token, "S0500");
	one->before = before;
	one->node = node;
	return one;
}

/* The list is linked from its end, so it is filled backwards. */
static const struct node *
list_node_new(struct parser *p, enum node_type type, uint32_t position, const struct gathered *last,
    size_t count)
{
	struct list_node *list =
	    parser_node(p, type, sizeof(*list) + count * sizeof(void *), position);

	list->node.count = (uint16_t)count;
	for (size_t i = count; last != NULL; last = last->before) {
		assert(i > 0);
		list->at[--i] = last->node;
		ancestry_hand_up(&p->ancestry, &list->node, last->node);
	}
	return &list->node;
}

/* [a, b..c] behind its bracket. A range is valid only here: 1..5 alone is S0201. [1..3, 7] is [1,
 * 2, 3, 7]. */
static const struct node *
parse_array(struct parser *p, uint32_t position)
{
	struct gathered *last = NULL;
	size_t count = 0;

	for (bool more = !parser_next_is(p, ']'); more; more = parser_skip_comma(p)) {
		const struct node *item = parser_expression(p, POWER_NONE);

		if (parser_next_is(p, OP_RANGE)) {
			struct token at = p->token;

			parser_skip(p, false);
			item = parser_binary(
			    p, NODE_RANGE, OP_RANGE, &at, item, parser_expression(p, POWER_NONE));
		}
		last = parser_gather(p, last, item, &count);
	}
	parser_expect(p, ']', true);
	return list_node_new(p, NODE_ARRAY, position, last, count);
}

/* (a; b) behind its parenthesis. An empty block () is undefined. The mark of a constructed array
 * within passes to the block, so that a path sees it. */
static const struct node *
parse_block(struct parser *p, uint32_t position)
{
	struct gathered *last = NULL;
	size_t count = 0;
	struct node *block;

	while (!parser_next_is(p, ')')) {
		last = parser_gather(p, last, parser_expression(p, POWER_NONE), &count);
		if (!parser_next_is(p, ';'))
			break;
		parser_skip(p, false);
	}
	parser_expect(p, ')', true);
	block = (struct node *)list_node_new(p, NODE_BLOCK, position, last, count);
	for (; last != NULL; last = last->before)
		block->flags |= last->node->flags & NODE_CONSTRUCTED;
	return block;
}

/* {key: value, ...} behind its brace. seeks: parents sought in it go up to the object. Those of a
 * group behind a path do not: S0217 is not raised for them. */
const struct object_node *
parser_object(struct parser *p, uint32_t position, bool seeks)
{
	struct gathered *last = NULL;
	struct object_node *object;
	size_t count = 0;

	for (bool more = !parser_next_is(p, '}'); more; more = parser_skip_comma(p)) {
		last = parser_gather(p, last, parser_expression(p, POWER_NONE), &count);
		parser_expect(p, ':', false);
		last->value = parser_expression(p, POWER_NONE);
	}
	parser_expect(p, '}', true);
	object = parser_node(
	    p, NODE_OBJECT, sizeof(*object) + count * sizeof(object->pairs[0]), position);
	object->node.count = (uint16_t)count;
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

/* Whether the node is the word that begins a function: `function` or a lambda sign. The words are
 * not reserved: function as the name of a member stays valid where no parenthesis follows. */
static bool
is_function_word(const struct node *node)
{
	const struct name_node *name = (const struct name_node *)node;

	return node->type == NODE_NAME &&
	       ((name->node.len == 8 && memcmp(name->name, "function", 8) == 0) ||
		   (name->node.len == 2 && memcmp(name->name, "\xce\xbb", 2) == 0));
}

/* <...> behind the parameters. The lexer has split the signature into operators and names, so it is
 * read as text between the first and last token. */
static const struct signature *
parse_signature(struct parser *p)
{
	const char *start = p->token.text;
	uint32_t position = p->token.position;
	const char *end = start;
	int depth = 1;

	while (depth > 0 && !parser_next_is(p, '{')) {
		parser_skip(p, false);
		if (p->token.type == TOKEN_END)
			break; /* it has no text */
		end = p->token.text + p->token.len;
		depth += parser_next_is(p, '<') - parser_next_is(p, '>');
	}
	parser_expect(p, '>', false);
	return signature_parse(start, (size_t)(end - start), position, p->heap, p->fault);
}

/* What a function ends with is its value: a call there needs no frame of its own to return to. Both
 * branches of a condition end the function, but of a block only its last expression. */
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

		if (block->node.count > 0)
			mark_tail(block->at[block->node.count - 1]);
	}
}

/* Parameters were parsed as arguments, so each must turn out to be a variable: S0208 otherwise. */
static const struct node *
parse_lambda(struct parser *p, const struct node *word, const struct gathered *last, size_t count)
{
	struct lambda_node *lambda =
	    parser_node(p, NODE_LAMBDA, sizeof(*lambda) + count * sizeof(void *), word->position);

	lambda->node.count = (uint16_t)count;
	for (size_t i = count; i > 0; i--, last = last->before) {
		if (last->node->type != NODE_VARIABLE)
			fault_raise(p->fault, last->node->position, "S0208");
		lambda->parameters[i - 1] = (const struct name_node *)last->node;
	}
	if (parser_next_is(p, '<'))
		lambda->signature = parse_signature(p);
	parser_expect(p, '{', false);
	lambda->body = parser_expression(p, POWER_NONE);
	parser_expect(p, '}', false);
	mark_tail(lambda->body);
	return &lambda->node;
}

/* Only the bracket behind them shows what they are: $f(1) is a call, $f(?, 1) a partial
 * application, and function($x) the head of a definition, whose arguments must then be variables.
 * The arguments behind a parenthesis: of a call, of a partial application, or of a definition. */
const struct node *
parser_call(struct parser *p, const struct node *procedure, uint32_t position)
{
	enum node_type type = NODE_CALL;
	struct gathered *last = NULL;
	struct call_node *call;
	size_t count = 0;

	for (bool more = !parser_next_is(p, ')'); more; more = parser_skip_comma(p)) {
		if (parser_next_is(p, '?')) {
			type = NODE_PARTIAL;
			last = parser_gather(p, last,
			    parser_node(
				p, NODE_PLACEHOLDER, sizeof(struct node), p->token.position),
			    &count);
			parser_skip(p, true);
		} else {
			last = parser_gather(p, last, parser_expression(p, POWER_NONE), &count);
		}
	}
	parser_expect(p, ')', true);
	if (is_function_word(procedure))
		return parse_lambda(p, procedure, last, count);
	call = parser_node(p, type, sizeof(*call) + count * sizeof(void *), position);
	call->procedure = procedure;
	call->node.count = (uint16_t)count;
	for (size_t i = count; i > 0; i--, last = last->before) {
		call->arguments[i - 1] = last->node;
		ancestry_hand_up(&p->ancestry, &call->node, last->node);
	}
	return &call->node;
}

/* |pattern|update, removal| behind the first bar. The bar is not an infix operator, so it ends each
 * of the expressions. */
static const struct node *
parse_transform(struct parser *p, uint32_t position)
{
	struct transform_node *transform =
	    parser_node(p, NODE_TRANSFORM, sizeof(*transform), position);

	transform->pattern = parser_expression(p, POWER_NONE);
	parser_expect(p, '|', false);
	transform->update = parser_expression(p, POWER_NONE);
	if (parser_next_is(p, ',')) {
		parser_skip(p, false);
		transform->removal = parser_expression(p, POWER_NONE);
	}
	parser_expect(p, '|', false);
	return &transform->node;
}

/* --- what begins an expression --- */

/* Literals are values already: evaluation returns them as they are. */
static const struct node *
literal_new(struct parser *p, const struct token *token)
{
	struct literal_node *literal =
	    parser_node(p, NODE_LITERAL, sizeof(*literal), token->position);

	literal->value = token->value;
	return &literal->node;
}

/* A number takes its sign at once, so that -1 is a literal: a[-1] may then use the quick way.
 * What stands behind the number is applied to the negative one: -2[$ > 1] is nothing.
 * POWER_UNARY binds more strongly than arithmetic: -5 % 3 is (-5) % 3, which is -2. */
static const struct node *
parse_negation(struct parser *p, uint32_t position)
{
	const struct node *expr = parser_expression(p, POWER_UNARY);
	struct node *bare = node_bare(expr);
	struct literal_node *literal = (struct literal_node *)bare;
	struct unary_node *unary;

	if (bare->type == NODE_LITERAL && literal->value.type == VALUE_NUMBER) {
		literal->value.u.number *= -1;
		return expr;
	}
	unary = parser_node(p, NODE_NEGATE, sizeof(*unary), position);
	unary->expr = expr;
	ancestry_hand_up(&p->ancestry, &unary->node, expr);
	return &unary->node;
}

static const struct node *
parse_parent(struct parser *p, uint32_t position)
{
	struct parent_node *parent = parser_node(p, NODE_PARENT, sizeof(*parent), position);

	parent->slot = ancestry_new_slot(&p->ancestry);
	return &parent->node;
}

/* These characters are operands at the start of an expression: * is a wildcard and % the parent,
 * where an infix * multiplies. */
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
		return &parser_object(p, token->position, true)->node;
	case '|':
		return parse_transform(p, token->position);
	case '*':
		return parser_node(p, NODE_WILDCARD, sizeof(struct node), token->position);
	case OP_DESCENDANT:
		return parser_node(p, NODE_DESCENDANT, sizeof(struct node), token->position);
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

/* Whatever begins an expression is followed by an operator as far as the lexer is concerned, also a
 * parenthesis or a minus: as in jsonata, a regular expression must not be the first thing within
 * one. (/a/) is S0211, $f(/a/) is not. */
static const struct node *
parse_prefix(struct parser *p)
{
	struct token token = p->token;
	struct regex_node *regex;

	parser_skip(p, true);
	switch (token.type) {
	case TOKEN_END: /* a bracket that is not closed is reported first */
		fault_defer(p->fault, token.position, "S0207", "");
		return literal_new(p, &token);
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
		regex = parser_node(p, NODE_REGEX, sizeof(*regex), token.position);
		regex->regex = pattern_compile(token.text, token.len, token.regex_ignores_case,
		    token.regex_multiline, token.position, p->heap, p->fault);
		return &regex->node;
	}
	return NULL;
}

/* The loop is the whole of operator precedence: an operator of the same power ends it, so operators
 * associate to the left. */
const struct node *
parser_expression(struct parser *p, int power)
{
	const struct node *left;
	size_t which;

	if (++p->depth > NESTING_MAX)
		parser_raise(p, &p->token, "S0500");
	left = parse_prefix(p);
	while (parser_power(&p->token, &which) > power)
		left = parser_infix(p, left, which);
	p->depth--;
	return left;
}

/* What remains after a whole expression is a syntax error: "01" is the number 0, then 1, and raises
 * S0201. */
const struct node *
parser_parse(
    const char *text, size_t len, struct heap *heap, struct heap *scratch, struct fault *fault)
{
	struct parser p = {
	    .lexer = {.text = text, .len = len, .heap = heap, .fault = fault},
	    .heap = heap,
	    .scratch = scratch,
	    .fault = fault,
	    .ancestry = {.heap = heap, .scratch = scratch, .fault = fault},
	};
	const struct node *root;

	parser_skip(&p, false);
	root = parser_expression(&p, POWER_NONE);
	if (p.token.type != TOKEN_END)
		parser_raise(&p, &p.token, "S0201");
	ancestry_finish(&p.ancestry, root);
	fault_raise_deferred(fault);
	return root;
}
