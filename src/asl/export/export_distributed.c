#include "asl/export/export.h"

#include "asl/expr/jsonata_expr.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * An expression's first variable that is not in known: where its name begins, or NULL. What stands
 * in quotes is text.
 */
static const char *
distributed_expression_variable(const char *text, const json_t *known, size_t *ret_len)
{
	bool quoted = false;

	for (const char *c = text; *c != '\0'; c++) {
		size_t len = 0;

		if (*c == '\'')
			quoted = !quoted;
		if (quoted || *c != '$' || (c > text && c[-1] == '$'))
			continue;
		while (isalnum((unsigned char)c[1 + len]) || c[1 + len] == '_')
			len++;
		if (len > 0 && json_object_getn(known, c + 1, len) == NULL) {
			*ret_len = len;
			return c + 1;
		}
	}
	return NULL;
}

static bool
distributed_key_ends(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* "x.$" of a template, the Path fields, and the Variable of a Choice rule hold expressions. */
static bool
distributed_is_expression(const char *key)
{
	return distributed_key_ends(key, ".$") || distributed_key_ends(key, "Path") ||
	       strcmp(key, "Variable") == 0;
}

/* The names that Assign fields give, at any depth. */
static void
distributed_collect_assigned(json_t *value, json_t *names)
{
	const char *key;
	const char *name;
	json_t *member;
	json_t *unused;
	size_t i;

	json_array_foreach (value, i, member)
		distributed_collect_assigned(member, names);
	json_object_foreach (value, key, member) {
		distributed_collect_assigned(member, names);
		if (strcmp(key, "Assign") != 0)
			continue;
		json_object_foreach (member, name, unused)
			json_object_setn_new(names, name, strcspn(name, "."), json_true());
	}
}

/* The first variable of a "{% ... %}" that is not in known; or NULL. Borrowed from known's reader:
 * the name is one of the text's own. */
static const char *
distributed_jsonata_variable(struct str text, const json_t *known, size_t *ret_len)
{
	struct jsonata_error error;
	struct jsonata *jsonata;
	json_t *names;
	const char *name;
	const char *found = NULL;
	json_t *unused;

	if (text.p == NULL || asl_jsonata_form(text) != ASL_JSONATA_EXPRESSION)
		return NULL;
	jsonata = jsonata_compile((struct str){text.p + 2, text.len - 4}, &error);
	if (jsonata == NULL)
		return NULL;
	names = jsonata_variables(jsonata);
	json_object_foreach (names, name, unused) {
		char *word;

		if (found != NULL || json_object_get(known, name) != NULL)
			continue;
		*ret_len = strlen(name);
		word = mem_printf("$%s", name);
		found = strstr(text.p, word) + 1;
		free(word);
	}
	json_decref(names);
	jsonata_free(jsonata);
	return found;
}

/* The first variable that an expression beneath value reads and that is not in known; or NULL. */
static const char *
distributed_outer_variable(json_t *value, const json_t *known, size_t *ret_len)
{
	const char *found = NULL;
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(value))
		return distributed_jsonata_variable(
		    (struct str){json_string_value(value), json_string_length(value)}, known,
		    ret_len);
	json_array_foreach (value, i, member)
		if ((found = distributed_outer_variable(member, known, ret_len)) != NULL)
			return found;
	json_object_foreach (value, key, member) {
		if (json_is_string(member) && distributed_is_expression(key))
			found = distributed_expression_variable(
			    json_string_value(member), known, ret_len);
		else
			found = distributed_outer_variable(member, known, ret_len);
		if (found != NULL)
			return found;
	}
	return NULL;
}

/*
 * The items of a distributed Map are executions of their own, which start without variables. So
 * what they read must be assigned within them: anything else fails on Step Functions, when it
 * runs.
 */
static int
distributed_check_map(const char *name, json_t *map, struct tmf_err *err)
{
	json_t *processor = json_object_get(map, "ItemProcessor");
	json_t *known = json_object();
	const char *variable;
	size_t len = 0;
	int rc = 0;

	if (processor == NULL)
		processor = json_object_get(map, "Iterator");
	distributed_collect_assigned(processor, known);
	variable = distributed_outer_variable(processor, known, &len);
	if (variable != NULL)
		rc = tmf_err_set(err, TMF_ERR_INVALID,
		    "--distributed: the items of %s read the variable $%.*s, which is assigned "
		    "outside of them: pass it by ItemSelector",
		    name, (int)len, variable);
	json_decref(known);
	return rc;
}

/* Maps that stand within another state are not looked at. */
int
asl_export_check_distributed(const struct asl_machine *machine, struct tmf_err *err)
{
	const char *name;
	json_t *state;

	json_object_foreach (json_object_get(asl_machine_json(machine), "States"), name, state) {
		if (strcmp(jsonx_get_string(state, "Type"), "Map") != 0)
			continue;
		if (distributed_check_map(name, state, err) < 0)
			return -1;
	}
	return 0;
}
