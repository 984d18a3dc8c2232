#include "asl/compile/compile_choice.h"
#include "asl/compile/compile_assign.h"
#include "asl/compile/compile_object.h"
#include "asl/state/choice_internal.h"

#include <assert.h>
#include <string.h>

/* A rule while its fields are read. A rule's kind is known only when all its fields were
 * read. */
struct rule_fields {
	struct asl_choice_rule *rule;
	struct asl_path *variable;
	struct asl_template *assign;
	struct asl_template *output;
	struct asl_jsonata *condition;
	unsigned kinds; /* how many of the comparison operators, And, Or and Not were there */
};

/* Rules hold rules: by And, Or and Not. */
static void rule_compile(struct compiler *compiler, const struct object_spec *spec, json_t *json,
    struct asl_choice_rule *rule);

static field_compile_fn rule_compile_group;
static field_compile_fn rule_compile_not;
static field_compile_fn rule_compile_next;
static field_compile_fn rule_compile_condition;

#define IN_RULE(member) .offset = offsetof(struct rule_fields, member)
#define RULE_JSONPATH	.types = FIELD_ANY_TYPE, .language = FIELD_IN_JSONPATH
#define RULE_FIELDS                                                                                \
	{"Variable", RULE_JSONPATH, .compile = compile_path, IN_RULE(variable)},                   \
	    {"And", RULE_JSONPATH, .compile = rule_compile_group},                                 \
	    {"Or", RULE_JSONPATH, .compile = rule_compile_group},                                  \
	    {"Not", RULE_JSONPATH, .compile = rule_compile_not},                                   \
	    {"Comment", .types = FIELD_ANY_TYPE, .compile = compile_ignored_string},               \
	{                                                                                          \
		"Condition", .types = FIELD_ANY_TYPE, .compile = rule_compile_condition,           \
			     .language = FIELD_IN_JSONATA,                                         \
			     .jsonata = offsetof(struct rule_fields, condition)                    \
	}

static const struct field rule_fields_top[] = {
    RULE_FIELDS,
    {"Next", .types = FIELD_ANY_TYPE, .required = 1, .compile = rule_compile_next},
    {"Assign", .types = FIELD_ANY_TYPE, .compile = compile_assign, IN_RULE(assign)},
    {"Output", .types = FIELD_ANY_TYPE, .compile = compile_template, IN_RULE(output),
	.language = FIELD_IN_JSONATA},
    {0},
};
/*
 * What only a rule at the top may have stands here without a type: so its fault says that it is in
 * the wrong place, and does not propose some other name.
 */
static const struct field rule_fields_nested[] = {
    RULE_FIELDS,
    {"Next", .types = 0},
    {"Assign", .types = 0},
    {"Output", .types = 0},
    {0},
};

static bool
rule_compile_comparison(struct compiler *compiler, const char *name, json_t *json, void *base);

/* The names of the operators serve the hint for a typing error. */
static const struct object_spec rule_spec_top = {
    .what = "a Choice Rule",
    .fields = rule_fields_top,
    .other = rule_compile_comparison,
    .other_name = choice_op_name,
};
static const struct object_spec rule_spec_nested = {
    .what = "a nested Choice Rule",
    .fields = rule_fields_nested,
    .other = rule_compile_comparison,
    .other_name = choice_op_name,
};

/*
 * The target goes right into the rule: a transition is filled in after struct rule_fields is gone.
 */
static void
rule_compile_next(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct rule_fields *fields = base;

	compiler_transition(compiler, field->name, json, &fields->rule->next);
}

/* Recorded from AWS: a Condition may be a bare true. An expression goes to condition. */
static void
rule_compile_condition(
    struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct rule_fields *fields = base;

	if (json_is_boolean(json))
		fields->rule->operand = json;
	else
		compiler_wrong_type(compiler, field->name, "boolean, or a JSONata expression");
}

/* A list of rules, each at its place. The places are made at once, since children are kept
 * as an array. */
static struct asl_choice_rule *
rule_compile_list(struct compiler *compiler, const struct object_spec *spec, json_t *json)
{
	struct asl_choice_rule *rules =
	    arena_zalloc(&compiler->machine->arena, json_array_size(json), sizeof(*rules));
	json_t *rule;
	size_t i;

	json_array_foreach (json, i, rule) {
		size_t mark = compiler_push_index(compiler, i);

		rule_compile(compiler, spec, rule, &rules[i]);
		compiler_pop(compiler, mark);
	}
	return rules;
}

/* And, Or. An empty list is refused: it would have no answer of its own. */
static void
rule_compile_group(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct rule_fields *fields = base;
	struct asl_choice_rule *rule = fields->rule;

	if (!compiler_expect_array(compiler, field->name, json, false))
		return;
	fields->kinds++;
	rule->kind = strcmp(field->name, "And") == 0 ? ASL_RULE_AND : ASL_RULE_OR;
	rule->child_count = json_array_size(json);
	rule->children = rule_compile_list(compiler, &rule_spec_nested, json);
}

/* Not holds one rule instead of a list; to the evaluator it is a list of one. */
static void
rule_compile_not(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct rule_fields *fields = base;
	struct asl_choice_rule *rule = fields->rule;

	(void)field;
	fields->kinds++;
	rule->kind = ASL_RULE_NOT;
	rule->child_count = 1;
	rule->children = arena_zalloc(&compiler->machine->arena, 1, sizeof(*rule->children));
	rule_compile(compiler, &rule_spec_nested, json, rule->children);
}

/* A literal operand. (That of a "...Path" operator is compiled as a path.) */
static void
rule_check_operand(struct compiler *compiler, const struct asl_choice_op *op, json_t *json)
{
	struct timestamp timestamp;

	if (op->operand != CHOICE_STRING && compiler_accept_placeholder(compiler, json))
		return;
	switch (op->operand) {
	case CHOICE_NUMBER:
		if (!json_is_number(json))
			compiler_wrong_type(compiler, op->name, "number");
		break;
	case CHOICE_BOOLEAN:
		if (!json_is_boolean(json))
			compiler_wrong_type(compiler, op->name, "boolean");
		break;
	case CHOICE_STRING:
	case CHOICE_TIMESTAMP:
		if (!json_is_string(json))
			compiler_wrong_type(compiler, op->name, "string");
		else if (op->operand == CHOICE_TIMESTAMP &&
			 !timestamp_parse(str_of(json_string_value(json)), &timestamp))
			compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
			    "such as 2026-01-15T12:00:00Z",
			    "String does not match RFC3339 timestamp");
		break;
	case CHOICE_PATH:
		assert(!"a path is compiled, not checked");
		break;
	}
}

/* A field named after an operator: "NumericLessThan": 5, or "NumericLessThanPath": "$.max".
 * The operators are in a table of their own, choice_op.c, and so is what operand each
 * takes. /. Any other name may be an operator, of which there are 39. */
static bool
rule_compile_comparison(struct compiler *compiler, const char *name, json_t *json, void *base)
{
	const struct asl_choice_op *op = choice_op_find(name);
	struct rule_fields *fields = base;
	struct asl_choice_rule *rule = fields->rule;

	if (op == NULL)
		return false;
	if (compiler_is_jsonata(compiler)) {
		compiler_fault(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, "use Condition",
		    "The QueryLanguage is set to 'JSONata', but field '%s' is only supported for "
		    "the 'JSONPath' QueryLanguage",
		    name);
		return true;
	}
	fields->kinds++;
	rule->kind = ASL_RULE_COMPARE;
	rule->op = op;
	if (op->operand == CHOICE_PATH) {
		struct field path = {
		    .name = name, .offset = offsetof(struct asl_choice_rule, operand_path)};

		compile_path(compiler, &path, json, rule);
	} else {
		rule_check_operand(compiler, op, json);
		rule->operand = json;
	}
	return true;
}

static void
rule_check(struct compiler *compiler, const struct rule_fields *fields, json_t *json)
{
	/* Recorded from AWS: a rule has one operator, in any order with its other fields. */
	bool compares = fields->rule->op != NULL;
	bool has_variable = json_object_get(json, "Variable") != NULL;

	if (compiler_is_jsonata(compiler)) {
		fields->rule->kind = ASL_RULE_CONDITION;
		fields->rule->condition = fields->condition;
		if (json_object_get(json, "Condition") == NULL)
			compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
			    "These fields are required: [Condition]");
		return;
	}
	if (fields->kinds != 1)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "A Choice Rule should have exactly one comparison operator, And, Or or Not");
	if (fields->kinds == 1 && compares && !has_variable)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "These fields are required: [Variable]");
	if (fields->kinds == 1 && !compares && has_variable)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field 'Variable' is not supported beside And, Or and Not");
}

/* Fields come in any order, so the rule is put together and checked when all have been read. */
static void
rule_compile(struct compiler *compiler, const struct object_spec *spec, json_t *json,
    struct asl_choice_rule *rule)
{
	struct rule_fields fields = {.rule = rule};

	if (!compiler_expect_object(compiler, "Choices", json))
		return;
	compile_fields(compiler, spec, 0, json, &fields);
	rule->variable = fields.variable;
	rule->assign = fields.assign;
	rule->output = fields.output;
	rule_check(compiler, &fields, json);
}

void
compile_choices(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;

	if (!compiler_expect_array(compiler, field->name, json, false))
		return;
	state->u.choice.rule_count = json_array_size(json);
	state->u.choice.rules = rule_compile_list(compiler, &rule_spec_top, json);
}
