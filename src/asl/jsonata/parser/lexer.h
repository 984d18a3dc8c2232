#ifndef TMFLOW_ASL_JSONATA_PARSER_LEXER_H
#define TMFLOW_ASL_JSONATA_PARSER_LEXER_H

#include "asl/jsonata/fault.h"
#include "asl/jsonata/value.h"

#include <stdbool.h>

/* Cuts the text of an expression into tokens. */

enum token_type {
	TOKEN_END,
	TOKEN_OPERATOR, /* also `and`, `or`, `in` */
	TOKEN_NAME,
	TOKEN_VARIABLE, /* text without its $ */
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_CONSTANT, /* true, false, null */
	TOKEN_REGEX,	/* text is the pattern, flags behind it */
};

/* Operators of two characters have their own numbers, those of one their character. */
enum token_operator {
	OP_RANGE = 256, /* .. */
	OP_BIND,	/* := */
	OP_NOT_EQUAL,	/* != */
	OP_AT_LEAST,	/* >= */
	OP_AT_MOST,	/* <= */
	OP_DESCENDANT,	/* ** */
	OP_APPLY,	/* ~> */
	OP_DEFAULT,	/* ?: */
	OP_COALESCE,	/* ?? */
	OP_AND,
	OP_OR,
	OP_IN,
	OP_COUNT
};

struct token {
	enum token_type type;
	int op;		  /* TOKEN_OPERATOR */
	const char *text; /* as it is meant: strings without their escapes; not NUL-terminated */
	uint32_t len;
	uint32_t position;  /* bytes up to its end */
	struct value value; /* of literals */
	bool regex_multiline, regex_ignores_case;
};

struct lexer {
	const char *text;
	size_t len;
	size_t at;
	struct heap *heap;
	struct fault *fault;
};

/* Reads the next token. infix: an operator is expected, so that / divides instead of beginning a
 * regular expression. Raises S0101 to S0106, S0204, S0301, S0302. */
struct token lexer_next(struct lexer *lexer, bool infix);

/* The text of an operator. */
const char *lexer_operator_text(int op, char buffer[3]);

#endif
