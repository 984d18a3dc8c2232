#ifndef TMFLOW_ASL_JSONATA_PARSER_PARSER_INFIX_H
#define TMFLOW_ASL_JSONATA_PARSER_PARSER_INFIX_H

#include "asl/jsonata/parser/ancestry.h"
#include "asl/jsonata/parser/lexer.h"

/*
 * What the two halves of the parser share: parser.c reads what begins an expression, parser_infix.c
 * what goes on behind one. Of no concern to others.
 */

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
	struct heap *scratch; /* of what is not needed once it is parsed */
	struct fault *fault;
	struct token token; /* the next one */
	struct ancestry ancestry;
	unsigned depth;
};

/* Nodes gathered until their count is known. */
struct gathered {
	struct gathered *before;
	const struct node *node;
	const struct node *value; /* of a pair */
	bool descending;	  /* of a sort term */
};

/* --- parser.c --- */

/* Parses an expression up to the first operator that binds no more strongly than power. */
const struct node *parser_expression(struct parser *p, int power);

/* Whether the next token is that operator. */
bool parser_next_is(const struct parser *p, int op);

/* Moves to the next token. infix: it is expected to be an operator. */
void parser_skip(struct parser *p, bool infix);

/* Moves behind the next token, which must be that operator. Raises S0202, S0203. */
void parser_expect(struct parser *p, int op, bool infix);

/* A new node of that size, zeroed but for its type and position. */
void *parser_node(struct parser *p, enum node_type type, size_t bytes, uint32_t position);

/* A node of two sides. at: the operator. */
const struct node *parser_binary(struct parser *p, enum node_type type, int op,
    const struct token *at, const struct node *left, const struct node *right);

/* Adds a part to those before; counts it. Raises S0500 where there are too many. */
struct gathered *
parser_gather(struct parser *p, struct gathered *before, const struct node *node, size_t *count);

/* {key: value, ...} behind its brace. seeks: a % in it may mean a step outside. */
const struct object_node *parser_object(struct parser *p, uint32_t position, bool seeks);

/* The arguments behind a parenthesis: of a call, a partial application, or a definition. */
const struct node *parser_call(struct parser *p, const struct node *procedure, uint32_t position);

/* The node as a path: itself, or one that has it as its only step. */
struct path_node *parser_as_path(struct parser *p, const struct node *node);

/* Adds a step to the end of a path. */
struct step *parser_path_add(struct parser *p, struct path_node *path, struct node *node);

/* What few steps have, made where it is absent. */
struct step_more *parser_step_more(struct parser *p, struct step *step);

/* Adds a predicate or an index variable behind the stages. */
void parser_add_stage(struct parser *p, struct stage **stages, const struct node *filter,
    const struct name_node *index);

/* --- parser_infix.c --- */

/* How strongly a token binds as an operator; POWER_NONE for any other token. *ret_joining is for
 * parser_infix. */
int parser_power(const struct token *token, size_t *ret_joining);

/* Parses the operator that is next, and what is on its right. which: from parser_power. */
const struct node *parser_infix(struct parser *p, const struct node *left, size_t which);

#endif
