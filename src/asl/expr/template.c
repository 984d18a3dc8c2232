#include "asl/expr/template.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE_DEPTH_MAX DOC_DEPTH_MAX

enum template_kind {
	TEMPLATE_CONSTANT,
	TEMPLATE_EXPR,	  /* the path or function of a "key.$" */
	TEMPLATE_JSONATA, /* {% ... %} */
	TEMPLATE_OBJECT,
	TEMPLATE_ARRAY,
};

/* A list for objects and arrays alike: only the members of an object have a key. */
struct template_list {
	struct template_node *at;
	size_t count;
};

/* One value of the template; key and field are there for members of an object only. */
struct template_node {
	enum template_kind kind;
	char *key;   /* in the result */
	char *field; /* TEMPLATE_EXPR: with its .$ */
	union {
		json_t *constant; /* NULL: could not be compiled */
		struct asl_expr *expr;
		struct asl_jsonata *jsonata;
		struct template_list list;
	} u;
};

/* Compiled once with the machine, and evaluated at each entry of the state. */
struct asl_template {
	struct template_node root;
};

/* A template in the making: the place in the definition, and whether there was a fault. */
struct template_builder {
	struct diag_list *diags;
	struct buf pointer;
	unsigned depth;
	bool failed;
	bool is_jsonata;
	unsigned allowed; /* JSONata: of enum jsonata_states */
	struct buf field; /* JSONata: the place in the state, as causes name it */
};

static void
template_build(struct template_builder *builder, json_t *json, struct template_node *node);

/* A node that could not be built is a constant without a value, which zeros give. */
static void
template_node_fini(struct template_node *node)
{
	free(node->key);
	free(node->field);
	switch (node->kind) {
	case TEMPLATE_CONSTANT:
		json_decref(node->u.constant);
		break;
	case TEMPLATE_EXPR:
		asl_expr_free(node->u.expr);
		break;
	case TEMPLATE_JSONATA:
		asl_jsonata_free(node->u.jsonata);
		break;
	case TEMPLATE_OBJECT:
	case TEMPLATE_ARRAY:
		for (size_t i = 0; i < node->u.list.count; i++)
			template_node_fini(&node->u.list.at[i]);
		free(node->u.list.at);
		break;
	}
}

/* True for "x.$", with the length of "x". (".$" alone is evaluated too, and named "".) */
static bool
template_is_dynamic(const char *key, size_t *ret_len)
{
	size_t len = strlen(key);

	if (len < 2 || strcmp(key + len - 2, ".$") != 0)
		return false;
	*ret_len = len - 2;
	return true;
}

static struct str
template_text(const json_t *json)
{
	return (struct str){json_string_value(json), json_string_length(json)};
}

/*
 * True if something to evaluate stands anywhere in json. Below the depth limit nothing is looked
 * at: building the template reports it.
 */
static bool
template_has_dynamic(const struct template_builder *builder, json_t *json, unsigned depth)
{
	const char *key;
	json_t *value;
	size_t i;

	if (depth > TEMPLATE_DEPTH_MAX)
		return true;
	if (builder->is_jsonata && json_is_string(json))
		return asl_jsonata_form(template_text(json)) != ASL_JSONATA_TEXT;
	json_array_foreach (json, i, value) {
		if (template_has_dynamic(builder, value, depth + 1))
			return true;
	}
	json_object_foreach (json, key, value) {
		size_t len;

		if ((!builder->is_jsonata && template_is_dynamic(key, &len)) ||
		    template_has_dynamic(builder, value, depth + 1))
			return true;
	}
	return false;
}

/* Faults carry the pointer of the member, so that the line of the definition can be shown. */
static void
template_fault_of(struct template_builder *builder, const char *code, enum diag_at at,
    const char *hint, const char *format, ...)
{
	struct buf message = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&message, format, args);
	va_end(args);
	builder->failed = true;
	diag_add(builder->diags, DIAG_ERROR, code, buf_cstr(&builder->pointer), at, hint, "%s",
	    buf_cstr(&message));
	buf_fini(&message);
}

#define template_fault(builder, ...)                                                               \
	template_fault_of(builder, "SCHEMA_VALIDATION_FAILED", __VA_ARGS__)

/* A string of a template in JSONata that is an expression, or is half of one. */
static void
template_build_jsonata(
    struct template_builder *builder, const json_t *json, struct template_node *node)
{
	struct asl_jsonata_fault fault;

	if (asl_jsonata_form(template_text(json)) == ASL_JSONATA_HALF) {
		template_fault(builder, DIAG_AT_VALUE, "as in \"{% $states.input.name %}\"",
		    "A JSONata expression begins with {%% and ends with %%}");
		return;
	}
	node->kind = TEMPLATE_JSONATA;
	node->u.jsonata = asl_jsonata_parse(
	    template_text(json), buf_cstr(&builder->field), builder->allowed, &fault);
	if (node->u.jsonata == NULL)
		template_fault_of(builder, fault.code, DIAG_AT_VALUE,
		    fault.hint[0] != '\0' ? fault.hint : NULL, "%s", fault.message);
}

/* The message is AWS's, recorded; the hint says what the parser found, and where. */
static void
template_build_expr(
    struct template_builder *builder, const char *field, json_t *json, struct template_node *node)
{
	struct tmf_err err = {0};

	if (json_is_string(json)) {
		struct str text = {json_string_value(json), json_string_length(json)};

		node->u.expr = asl_expr_parse(text, &err);
		node->kind = TEMPLATE_EXPR;
		node->field = mem_strdup(field);
		if (node->u.expr != NULL)
			return;
	} else {
		tmf_err_set(&err, TMF_ERR_INVALID, "it is of type %s", jsonx_kind(json));
	}
	template_fault(builder, DIAG_AT_VALUE, tmf_err_text(&err),
	    "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function "
	    "call",
	    field);
	tmf_err_fini(&err);
}

/* AWS refuses "a" and "a.$" in one object: both would be the "a" of the result. */
static void
template_build_member(struct template_builder *builder, json_t *object, const char *key,
    json_t *value, struct template_node *node)
{
	size_t len;

	if (builder->is_jsonata || !template_is_dynamic(key, &len)) {
		node->key = mem_strdup(key);
		template_build(builder, value, node);
		return;
	}
	node->key = mem_strndup(key, len);
	if (json_object_get(object, node->key) != NULL)
		template_fault(builder, DIAG_AT_KEY, NULL,
		    "The fields '%s' and '%s' are in conflict", node->key, key);
	template_build_expr(builder, key, value, node);
}

/* Back to the place of the container. One buffer for all places: a member appends its key, and it
 * is cut off again. */
static void
template_cut(struct buf *place, size_t len)
{
	assert(len <= place->len);
	place->len = len;
	if (place->p != NULL)
		place->p[len] = '\0';
}

/* An object or an array with something to evaluate in it. */
static void
template_build_list(struct template_builder *builder, json_t *json, struct template_node *node)
{
	size_t pointer_len = builder->pointer.len;
	size_t field_len = builder->field.len;
	struct template_list *list = &node->u.list;
	size_t size = json_object_size(json) + json_array_size(json);
	const char *key;
	json_t *value;
	size_t i;

	assert(json_is_object(json) || json_is_array(json));
	node->kind = json_is_object(json) ? TEMPLATE_OBJECT : TEMPLATE_ARRAY;
	*list = (struct template_list){.at = mem_zalloc(size, sizeof(*list->at))};
	json_object_foreach (json, key, value) {
		doc_pointer_add(&builder->pointer, key);
		buf_printf(&builder->field, "/%s", key);
		template_build_member(builder, json, key, value, &list->at[list->count++]);
		template_cut(&builder->pointer, pointer_len);
		template_cut(&builder->field, field_len);
	}
	json_array_foreach (json, i, value) {
		doc_pointer_add_index(&builder->pointer, i);
		buf_printf(&builder->field, "[%zu]", i);
		template_build(builder, value, &list->at[list->count++]);
		template_cut(&builder->pointer, pointer_len);
		template_cut(&builder->field, field_len);
	}
}

/*
 * What holds nothing to evaluate is one constant, however large it is: each result refers to it
 * instead of making a copy.
 */
static void
template_build(struct template_builder *builder, json_t *json, struct template_node *node)
{
	if (!template_has_dynamic(builder, json, builder->depth)) {
		node->kind = TEMPLATE_CONSTANT;
		node->u.constant = json_incref(json);
		return;
	}
	if (builder->depth == TEMPLATE_DEPTH_MAX) {
		template_fault(builder, DIAG_AT_VALUE, NULL, "The template is nested too deeply");
		return;
	}
	if (json_is_string(json)) {
		template_build_jsonata(builder, json, node);
		return;
	}
	builder->depth++;
	template_build_list(builder, json, node);
	builder->depth--;
}

/* Building goes on after a fault, so that all faults of a template are reported at once.
 * NULL after any fault, since half a template must not be run. */
static struct asl_template *
template_compile(struct template_builder *builder, json_t *json, const char *pointer)
{
	struct asl_template *tmpl = mem_zalloc(1, sizeof(*tmpl));

	buf_add_cstr(&builder->pointer, pointer);
	template_build(builder, json, &tmpl->root);
	buf_fini(&builder->pointer);
	buf_fini(&builder->field);
	if (!builder->failed)
		return tmpl;
	asl_template_free(tmpl);
	return NULL;
}

struct asl_template *
asl_template_compile(json_t *json, const char *pointer, struct diag_list *diags)
{
	struct template_builder builder = {.diags = diags};

	return template_compile(&builder, json, pointer);
}

struct asl_template *
asl_template_compile_jsonata(
    json_t *json, const char *field, unsigned allowed, const char *pointer, struct diag_list *diags)
{
	struct template_builder builder = {.diags = diags, .is_jsonata = true, .allowed = allowed};

	buf_add_cstr(&builder.field, field);
	return template_compile(&builder, json, pointer);
}

const struct asl_jsonata *
asl_template_jsonata(const struct asl_template *tmpl)
{
	return tmpl->root.kind == TEMPLATE_JSONATA ? tmpl->root.u.jsonata : NULL;
}

/* NULL is fine: a state may have no template. */
void
asl_template_free(struct asl_template *tmpl)
{
	if (tmpl == NULL)
		return;
	template_node_fini(&tmpl->root);
	free(tmpl);
}

/* Members come in the order of the template. AWS puts constants first and the rest in an
 * order of its own; no recorded execution depends on it. /. A failure in one member fails
 * the whole template, and what was built is dropped. */
static int
template_eval(const struct template_node *node, const struct asl_scope *scope, json_t **ret_value,
    struct tmf_err *err)
{
	const struct template_list *list = &node->u.list;
	json_t *result;
	json_t *value;

	if (node->kind == TEMPLATE_CONSTANT) {
		*ret_value = json_incref(node->u.constant);
		return 0;
	}
	if (node->kind == TEMPLATE_EXPR)
		return asl_expr_eval(node->u.expr, node->field, scope, ret_value, err);
	if (node->kind == TEMPLATE_JSONATA)
		return asl_jsonata_eval(node->u.jsonata, scope, ret_value, err);
	result = node->kind == TEMPLATE_OBJECT ? json_object() : json_array();
	for (size_t i = 0; i < list->count; i++) {
		if (template_eval(&list->at[i], scope, &value, err) < 0) {
			json_decref(result);
			return -1;
		}
		if (node->kind == TEMPLATE_OBJECT)
			json_object_set_new_nocheck(result, list->at[i].key, value);
		else
			json_array_append_new(result, value);
	}
	*ret_value = result;
	return 0;
}

/* The expression of a "key.$" needs a key, so the root cannot be one. */
int
asl_template_eval(const struct asl_template *tmpl, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err)
{
	assert(tmpl->root.kind != TEMPLATE_EXPR);
	return template_eval(&tmpl->root, scope, ret_value, err);
}

/* An Assign of constants alone is one constant node, whose keys are those of the result. */
json_t *
asl_template_pick(const struct asl_template *tmpl, const json_t *object)
{
	const struct template_node *root = &tmpl->root;
	json_t *picked = json_object();
	const char *key;
	json_t *value;

	assert(root->kind == TEMPLATE_OBJECT || json_is_object(root->u.constant));
	if (root->kind == TEMPLATE_CONSTANT) {
		json_object_foreach (root->u.constant, key, value)
			json_object_set(picked, key, json_object_get(object, key));
		return picked;
	}
	for (size_t i = 0; i < root->u.list.count; i++) {
		key = root->u.list.at[i].key;
		json_object_set(picked, key, json_object_get(object, key));
	}
	return picked;
}
