#ifndef TMFLOW_ASL_JSONATA_AST_H
#define TMFLOW_ASL_JSONATA_AST_H

#include "asl/jsonata/value.h"

/*
 * The parsed expression: nodes of the size that their kind needs, in the heap of the expression,
 * never changed once it is parsed. Each kind of node begins with a struct node. They are kept
 * small: a workflow may hold hundreds of expressions for as long as it runs.
 */

#define NODE_PARTS_MAX 60000u /* fit in 16 bits, as do the bytes of a name */
#define NODE_NAME_MAX  65535u

enum node_type {
	NODE_LITERAL,	  /* struct literal_node: string, number, true, false, null */
	NODE_NAME,	  /* struct name_node: a member of the context; a path of one step */
	NODE_VARIABLE,	  /* struct name_node: $name, or $ with an empty name */
	NODE_WILDCARD,	  /* struct node: * */
	NODE_DESCENDANT,  /* struct node: ** */
	NODE_PARENT,	  /* struct parent_node: % */
	NODE_REGEX,	  /* struct regex_node */
	NODE_PATH,	  /* struct path_node */
	NODE_SORT,	  /* struct sort_node: only as a step of a path */
	NODE_FILTERED,	  /* struct filtered_node: predicates on what is not a path */
	NODE_FOCUSED,	  /* struct focused_node: @ $name behind what is not a path */
	NODE_GROUPED,	  /* struct grouped_node: {..} behind what is not a path */
	NODE_ARITHMETIC,  /* struct binary_node: + - * / % */
	NODE_COMPARISON,  /* struct binary_node: < <= > >= */
	NODE_EQUALITY,	  /* struct binary_node: = != */
	NODE_IN,	  /* struct binary_node */
	NODE_AND,	  /* struct binary_node */
	NODE_OR,	  /* struct binary_node */
	NODE_CONCAT,	  /* struct binary_node: & */
	NODE_RANGE,	  /* struct binary_node: .. */
	NODE_APPLY,	  /* struct binary_node: ~> */
	NODE_COALESCE,	  /* struct binary_node: ?? */
	NODE_DEFAULT,	  /* struct binary_node: ?: */
	NODE_NEGATE,	  /* struct unary_node */
	NODE_ARRAY,	  /* struct list_node: [..] */
	NODE_OBJECT,	  /* struct object_node: {..} */
	NODE_BLOCK,	  /* struct list_node: (..; ..) */
	NODE_CONDITION,	  /* struct condition_node */
	NODE_BIND,	  /* struct bind_node: := */
	NODE_LAMBDA,	  /* struct lambda_node */
	NODE_CALL,	  /* struct call_node */
	NODE_PARTIAL,	  /* struct call_node with a NODE_PLACEHOLDER among its arguments */
	NODE_PLACEHOLDER, /* struct node: ? */
	NODE_TRANSFORM,	  /* struct transform_node: |..| */
};

enum node_flag {
	NODE_KEEP_ARRAY = 1u << 0,  /* `[]` stands behind it */
	NODE_TUPLE = 1u << 1,	    /* it gives a stream of tuples */
	NODE_CONSTRUCTED = 1u << 2, /* an array constructor at the end or start of a path */
	NODE_TAIL = 1u << 3,	    /* a call whose value is that of its function: a tail call */
	NODE_STEP = 1u << 4,	    /* it is a step of a path */
};

struct node {
	uint8_t type;  /* enum node_type */
	uint8_t flags; /* enum node_flag */
	union {
		uint16_t op;	/* of a binary node: its character, or an enum token_operator */
		uint16_t count; /* of what has parts: how many */
		uint16_t len;	/* of a name, in bytes */
	};
	uint32_t position; /* bytes of the text up to the end of its token */
};

struct literal_node {
	struct node node;
	struct value value;
};

struct name_node {
	struct node node;
	const char *name; /* node.len bytes */
};

/* What a % stands for: the ancestor that is `level` steps up. The step found binds it to
 * `label`. */
struct parent_slot {
	char label[12]; /* "!0", "!1": no variable can have such a name */
	int level;
};

struct parent_node {
	struct node node;
	struct parent_slot *slot;
};

struct regex_node {
	struct node node;
	const struct pattern *regex;
};

/* What follows a step: predicates, and where a # stands among them. */
struct stage {
	struct stage *next;
	const struct node *filter; /* NULL: it binds the position to `index` */
	const struct name_node *index;
};

/* What few steps have. */
struct step_more {
	struct stage *stages;
	const struct name_node *focus;	    /* @ $name */
	const struct name_node *index;	    /* # $name, before any predicate */
	const struct parent_slot *ancestor; /* a later % means the context of this step */
};

struct step {
	struct step *next;
	struct node *node;
	struct step_more *more; /* NULL: nothing */
};

struct pair {
	const struct node *key;
	const struct node *value;
};

struct object_node {
	struct node node;
	struct pair pairs[];
};

struct path_node {
	struct node node; /* NODE_KEEP_ARRAY: of any of its steps */
	struct step *first;
	struct step *last;
	const struct object_node *group; /* NULL: none */
};

struct sort_term {
	const struct node *expr;
	bool descending;
};

struct sort_node {
	struct node node;
	struct sort_term terms[];
};

struct filtered_node {
	struct node node;
	const struct node *expr;
	struct stage *stages;
};

/* Only a step binds the variable; where this is not one, it is `expr` alone. */
struct focused_node {
	struct node node;
	const struct node *expr;
	const struct name_node *variable;
};

struct grouped_node {
	struct node node;
	const struct node *expr;
	const struct object_node *group;
};

struct binary_node {
	struct node node;
	const struct node *left;
	const struct node *right;
};

struct unary_node {
	struct node node;
	const struct node *expr;
};

struct list_node {
	struct node node;
	const struct node *at[];
};

struct condition_node {
	struct node node;
	const struct node *condition;
	const struct node *then;
	const struct node *otherwise; /* NULL: undefined */
};

struct bind_node {
	struct node node;
	const struct name_node *variable;
	const struct node *value;
};

struct lambda_node {
	struct node node;
	const struct signature *signature; /* NULL: none */
	const struct node *body;
	const struct name_node *parameters[];
};

struct call_node {
	struct node node;
	const struct node *procedure;
	const struct node *arguments[];
};

struct transform_node {
	struct node node;
	const struct node *pattern;
	const struct node *update;
	const struct node *removal; /* NULL: none */
};

/* What node adds predicates, a variable or a group to; NULL where it is of another kind. */
static inline struct node *
node_inner(const struct node *node)
{
	/* The nodes are the parser's own until it is done; afterwards nobody writes. */
	if (node->type == NODE_FILTERED)
		return (struct node *)((const struct filtered_node *)node)->expr;
	if (node->type == NODE_FOCUSED)
		return (struct node *)((const struct focused_node *)node)->expr;
	if (node->type == NODE_GROUPED)
		return (struct node *)((const struct grouped_node *)node)->expr;
	return NULL;
}

/* The same down to what is of another kind. */
static inline struct node *
node_bare(const struct node *node)
{
	const struct node *inner;

	while ((inner = node_inner(node)) != NULL)
		node = inner;
	return (struct node *)node;
}

#endif
