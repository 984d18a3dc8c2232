#include "asl/compile/compile_choice.h"
#include "asl/compile/compile_assign.h"
#include "asl/compile/compile_object.h"
#include "asl/state/choice_internal.h"

#include <assert.h>

/* A rule while its fields are read. */
struct rule_fields {
	struct asl_choice_rule *rule;
	struct asl_path *variable;
	struct asl_template *assign;
	unsigned kinds; /* how many of the comparison operators, And, Or and Not were there */
};

static void compile_rule(struct compiler *compiler, const struct object_spec *spec, json_t *json,
    struct asl_choice_rule *rule);

static field_compile_fn compile_and;
static field_compile_fn compile_or;
static field_compile_fn compile_not;
static field_compile_fn compile_next;

#define IN_RULE(member) .offset = offsetof(struct rule_fields, member)
#define RULE_FIELDS                                                                                \
	{"Variable", .types = FIELD_ANY_TYPE, .compile = compile_path, IN_RULE(variable)},         \
	    {"And", .types = FIELD_ANY_TYPE, .compile = compile_and},                              \
	    {"Or", .types = FIELD_ANY_TYPE, .compile = compile_or},                                \
	    {"Not", .types = FIELD_ANY_TYPE, .compile = compile_not},                              \
	    {"Comment", .types = FIELD_ANY_TYPE, .compile = compile_ignored_string},               \
	{                                                                                          \
		"Condition", .types = FIELD_ANY_TYPE, .compile = compile_jsonata                   \
	}

static const struct field top_fields[] = {
    RULE_FIELDS,
    {"Next", .types = FIELD_ANY_TYPE, .required = 1, .compile = compile_next},
    {"Assign", .types = FIELD_ANY_TYPE, .compile = compile_assign, IN_RULE(assign)},
    {"Output", .types = FIELD_ANY_TYPE, .compile = compile_jsonata},
    {0},
};
/* What only a top level rule may have is known here, so that no other name is proposed. */
static const struct field nested_fields[] = {
    RULE_FIELDS,
    {"Next", .types = 0},
    {"Assign", .types = 0},
    {"Output", .types = 0},
    {0},
};

static bool
compile_comparison(struct compiler *compiler, const char *name, json_t *json, void *base);

static const struct object_spec top_spec = {
    .what = "a Choice Rule",
    .fields = top_fields,
    .other = compile_comparison,
    .other_name = choice_op_name,
};
static const struct object_spec nested_spec = {
    .what = "a nested Choice Rule",
    .fields = nested_fields,
    .other = compile_comparison,
    .other_name = choice_op_name,
};

static void
compile_next(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct rule_fields *fields = base;

	compiler_transition(compiler, field->name, json, &fields->rule->next);
}

/* And, Or and Not: rules within a rule. */
static void
compile_children(
    struct compiler *compiler, struct rule_fields *fields, enum asl_rule_kind kind, json_t *json)
{
	struct asl_choice_rule *rule = fields->rule;
	json_t *child;
	size_t i;

	fields->kinds++;
	rule->kind = kind;
	rule->child_count = json_array_size(json);
	rule->children =
	    arena_zalloc(&compiler->machine->arena, rule->child_count, sizeof(*rule->children));
	json_array_foreach (json, i, child) {
		size_t mark = compiler_push_index(compiler, i);

		compile_rule(compiler, &nested_spec, child, &rule->children[i]);
		compiler_pop(compiler, mark);
	}
}

static void
compile_and(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (compiler_expect_array(compiler, field->name, json, false))
		compile_children(compiler, base, ASL_RULE_AND, json);
}

static void
compile_or(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (compiler_expect_array(compiler, field->name, json, false))
		compile_children(compiler, base, ASL_RULE_OR, json);
}

static void
compile_not(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct rule_fields *fields = base;
	struct asl_choice_rule *rule = fields->rule;

	(void)field;
	fields->kinds++;
	rule->kind = ASL_RULE_NOT;
	rule->child_count = 1;
	rule->children = arena_zalloc(&compiler->machine->arena, 1, sizeof(*rule->children));
	compile_rule(compiler, &nested_spec, json, rule->children);
}

static void
check_operand(struct compiler *compiler, const struct asl_choice_op *op, json_t *json)
{
	struct timestamp timestamp;

	switch (op->operand) {
	case CHOICE_STRING:
		if (!json_is_string(json))
			compiler_wrong_type(compiler, op->name, "string");
		break;
	case CHOICE_NUMBER:
		if (!json_is_number(json))
			compiler_wrong_type(compiler, op->name, "number");
		break;
	case CHOICE_BOOLEAN:
		if (!json_is_boolean(json))
			compiler_wrong_type(compiler, op->name, "boolean");
		break;
	case CHOICE_TIMESTAMP:
		if (!json_is_string(json))
			compiler_wrong_type(compiler, op->name, "string");
		else if (!timestamp_parse(str_of(json_string_value(json)), &timestamp))
			compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA,
			    "such as 2026-01-15T12:00:00Z",
			    "String does not match RFC3339 timestamp");
		break;
	case CHOICE_PATH:
		assert(!"a path is compiled, not checked");
		break;
	}
}

static bool
compile_comparison(struct compiler *compiler, const char *name, json_t *json, void *base)
{
	const struct asl_choice_op *op = choice_op_find(name);
	struct rule_fields *fields = base;
	struct asl_choice_rule *rule = fields->rule;

	if (op == NULL)
		return false;
	fields->kinds++;
	rule->kind = ASL_RULE_COMPARE;
	rule->op = op;
	if (op->operand == CHOICE_PATH) {
		struct field path = {
		    .name = name, .offset = offsetof(struct asl_choice_rule, operand_path)};

		compile_path(compiler, &path, json, rule);
	} else {
		check_operand(compiler, op, json);
		rule->operand = json;
	}
	return true;
}

static void
check_rule(struct compiler *compiler, const struct rule_fields *fields, json_t *json)
{
	bool compares = fields->rule->op != NULL;
	bool has_variable = json_object_get(json, "Variable") != NULL;

	if (fields->kinds != 1 && json_object_get(json, "Condition") == NULL)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "A Choice Rule should have exactly one comparison operator, And, Or or Not");
	if (fields->kinds == 1 && compares && !has_variable)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "These fields are required: [Variable]");
	if (fields->kinds == 1 && !compares && has_variable)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "The field 'Variable' is not supported beside And, Or and Not");
}

static void
compile_rule(struct compiler *compiler, const struct object_spec *spec, json_t *json,
    struct asl_choice_rule *rule)
{
	struct rule_fields fields = {.rule = rule};

	if (!compiler_expect_object(compiler, "Choices", json))
		return;
	compile_fields(compiler, spec, 0, json, &fields);
	rule->variable = fields.variable;
	rule->assign = fields.assign;
	check_rule(compiler, &fields, json);
}

void
compile_choices(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	json_t *rule;
	size_t i;

	if (!compiler_expect_array(compiler, field->name, json, false))
		return;
	state->u.choice.rule_count = json_array_size(json);
	state->u.choice.rules = arena_zalloc(
	    &compiler->machine->arena, json_array_size(json), sizeof(*state->u.choice.rules));
	json_array_foreach (json, i, rule) {
		size_t mark = compiler_push_index(compiler, i);

		compile_rule(compiler, &top_spec, rule, &state->u.choice.rules[i]);
		compiler_pop(compiler, mark);
	}
}
