#include "web/graph/graph.h"

#include "base/jsonx.h"

#include <string.h>

/* How the operators read. Longer endings come first. */
static const struct {
	const char *ending; /* of the operator's name, without Path */
	const char *sign;
} signs[] = {
    {"LessThanEquals", "<="},
    {"GreaterThanEquals", ">="},
    {"LessThan", "<"},
    {"GreaterThan", ">"},
    {"Equals", "=="},
    {"Matches", "matches"},
};

static const struct {
	const char *name;
	const char *word;
} kinds[] = {
    {"IsNull", "null"},
    {"IsPresent", "present"},
    {"IsNumeric", "a number"},
    {"IsString", "a string"},
    {"IsBoolean", "true or false"},
    {"IsTimestamp", "a time"},
};

static bool
label_ends_with(const char *text, size_t text_len, const char *end)
{
	size_t len = strlen(end);

	return text_len >= len && strncmp(text + text_len - len, end, len) == 0;
}

/*
 * The type in an operator's name is dropped, since the operand shows it. Example:
 * NumericLessThanEqualsPath reads "<=".
 */
static const char *
sign_of(const char *name)
{
	size_t len = strlen(name);

	if (label_ends_with(name, len, "Path"))
		len -= strlen("Path");
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (label_ends_with(name, len, signs[i].ending))
			return signs[i].sign;
	return name;
}

/* The tests for a type take true or false as operand: "IsNull": false reads "is not null". */
static const char *
kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].word;
	return NULL;
}

static void
add_comparison(const struct asl_choice_rule *rule, struct buf *out)
{
	const char *name = asl_choice_op_name(rule->op);
	const char *kind = kind_of(name);

	buf_add_cstr(out, asl_path_text(rule->variable));
	if (kind != NULL) {
		buf_printf(out, " is %s%s", json_is_true(rule->operand) ? "" : "not ", kind);
	} else if (rule->operand_path != NULL) {
		buf_printf(out, " %s %s", sign_of(name), asl_path_text(rule->operand_path));
	} else {
		buf_printf(out, " %s ", sign_of(name));
		jsonx_write(rule->operand, out);
	}
}

static void add_rule(const struct asl_choice_rule *rule, bool nested, struct buf *out);

/*
 * Parentheses stand where a joined rule is part of another joined rule. A single child joins
 * nothing, so that it gets none. Example: $.a == 1 and ($.b == 2 or $.c == 3).
 */
static void
add_joined(const struct asl_choice_rule *rule, const char *word, bool nested, struct buf *out)
{
	nested = nested && rule->child_count > 1;
	buf_add_cstr(out, nested ? "(" : "");
	for (size_t i = 0; i < rule->child_count; i++) {
		buf_add_cstr(out, i > 0 ? word : "");
		add_rule(&rule->children[i], rule->child_count > 1, out);
	}
	buf_add_cstr(out, nested ? ")" : "");
}

static void
add_rule(const struct asl_choice_rule *rule, bool nested, struct buf *out)
{
	switch (rule->kind) {
	case ASL_RULE_COMPARE:
		add_comparison(rule, out);
		break;
	case ASL_RULE_CONDITION:
		if (rule->condition != NULL)
			buf_add_cstr(out, asl_jsonata_text(rule->condition));
		else
			jsonx_write(rule->operand, out);
		break;
	case ASL_RULE_AND:
		add_joined(rule, " and ", nested, out);
		break;
	case ASL_RULE_OR:
		add_joined(rule, " or ", nested, out);
		break;
	case ASL_RULE_NOT:
		buf_add_cstr(out, "not (");
		add_rule(&rule->children[0], false, out);
		buf_add_char(out, ')');
		break;
	}
}

/* Cuts text to whole characters. */
static void
cut_short(struct buf *text)
{
	size_t chars = 0;

	for (size_t i = 0; i < text->len; i++) {
		if (((unsigned char)text->p[i] & 0xc0) == 0x80)
			continue;
		if (chars++ < GRAPH_LABEL_CHARS_MAX)
			continue;
		text->len = i;
		text->p[i] = '\0';
		buf_add_cstr(text, "...");
		return;
	}
}

/*
 * A long condition would widen the whole drawing, so that only its start is drawn. The workflow
 * itself has the full text.
 */
void
graph_condition(const struct asl_choice_rule *rule, struct buf *out)
{
	struct buf text = {0};

	add_rule(rule, false, &text);
	cut_short(&text);
	buf_add_str(out, buf_str(&text));
	buf_fini(&text);
}
