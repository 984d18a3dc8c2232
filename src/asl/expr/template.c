#include "asl/expr/template.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE_DEPTH_MAX DOC_DEPTH_MAX

enum template_kind { TEMPLATE_CONSTANT, TEMPLATE_EXPR, TEMPLATE_OBJECT, TEMPLATE_ARRAY };

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
		struct template_list list;
	} u;
};

struct asl_template {
	struct template_node root;
};

/* What compiling needs at every level. */
struct compiler {
	struct diag_list *diags;
	struct buf pointer;
	unsigned depth;
	bool failed;
};

static void compile_value(struct compiler *compiler, json_t *json, struct template_node *node);

static void
node_fini(struct template_node *node)
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
	case TEMPLATE_OBJECT:
	case TEMPLATE_ARRAY:
		for (size_t i = 0; i < node->u.list.count; i++)
			node_fini(&node->u.list.at[i]);
		free(node->u.list.at);
		break;
	}
}

/* True for "x.$". */
static bool
is_dynamic(const char *key)
{
	size_t len = strlen(key);

	return len >= 2 && strcmp(key + len - 2, ".$") == 0;
}

/* True if a `key.$` stands anywhere in json. Below the depth limit nothing is looked at: compiling will say so. */
static bool
has_dynamic(json_t *json, unsigned depth)
{
	const char *key;
	json_t *value;
	size_t i;

	if (depth > TEMPLATE_DEPTH_MAX)
		return true;
	json_array_foreach (json, i, value) {
		if (has_dynamic(value, depth + 1))
			return true;
	}
	json_object_foreach (json, key, value) {
		if (is_dynamic(key) || has_dynamic(value, depth + 1))
			return true;
	}
	return false;
}

static void
fault(struct compiler *compiler, enum diag_at at, const char *hint, const char *message)
{
	compiler->failed = true;
	diag_add(compiler->diags, DIAG_ERROR, "SCHEMA_VALIDATION_FAILED",
	    buf_cstr(&compiler->pointer), at, hint, "%s", message);
}

static void
compile_expr(struct compiler *compiler, const char *field, json_t *json, struct template_node *node)
{
	struct tmf_err err = {0};
	char *message;

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
	message = mem_printf("The value for the field '%s' must be a valid JSONPath or a valid "
			     "intrinsic function call",
	    field);
	fault(compiler, DIAG_AT_VALUE, tmf_err_text(&err), message);
	free(message);
	tmf_err_fini(&err);
}

static void
compile_member(struct compiler *compiler, const char *key, json_t *json, struct template_node *node)
{
	if (!is_dynamic(key)) {
		node->key = mem_strdup(key);
		compile_value(compiler, json, node);
		return;
	}
	node->key = mem_strndup(key, strlen(key) - 2);
	compile_expr(compiler, key, json, node);
}

/* "a" and "a.$" in one object. */
static void
check_conflict(struct compiler *compiler, const char *key, json_t *object)
{
	char *plain;

	if (!is_dynamic(key))
		return;
	plain = mem_strndup(key, strlen(key) - 2);
	if (json_object_get(object, plain) != NULL) {
		char *message = mem_printf("The fields '%s' and '%s' are in conflict", plain, key);

		fault(compiler, DIAG_AT_KEY, NULL, message);
		free(message);
	}
	free(plain);
}

/* Back to the pointer of the container. */
static void
pointer_cut(struct compiler *compiler, size_t len)
{
	struct buf *pointer = &compiler->pointer;

	assert(len <= pointer->len);
	pointer->len = len;
	if (pointer->p != NULL)
		pointer->p[len] = '\0';
}

static void
compile_object(struct compiler *compiler, json_t *json, struct template_node *node)
{
	size_t pointer_len = compiler->pointer.len;
	struct template_list *list = &node->u.list;
	const char *key;
	json_t *value;

	node->kind = TEMPLATE_OBJECT;
	*list = (struct template_list){.at = mem_zalloc(json_object_size(json), sizeof(*list->at))};
	json_object_foreach (json, key, value) {
		doc_pointer_add(&compiler->pointer, key);
		check_conflict(compiler, key, json);
		compile_member(compiler, key, value, &list->at[list->count++]);
		pointer_cut(compiler, pointer_len);
	}
}

static void
compile_array(struct compiler *compiler, json_t *json, struct template_node *node)
{
	size_t pointer_len = compiler->pointer.len;
	struct template_list *list = &node->u.list;
	json_t *value;
	size_t i;

	node->kind = TEMPLATE_ARRAY;
	*list = (struct template_list){.at = mem_zalloc(json_array_size(json), sizeof(*list->at))};
	json_array_foreach (json, i, value) {
		doc_pointer_add_index(&compiler->pointer, i);
		compile_value(compiler, value, &list->at[list->count++]);
		pointer_cut(compiler, pointer_len);
	}
}

static void
compile_value(struct compiler *compiler, json_t *json, struct template_node *node)
{
	if (!has_dynamic(json, compiler->depth)) {
		node->kind = TEMPLATE_CONSTANT;
		node->u.constant = json_incref(json);
		return;
	}
	if (compiler->depth == TEMPLATE_DEPTH_MAX) {
		fault(compiler, DIAG_AT_VALUE, NULL, "The template is nested too deeply");
		return;
	}
	compiler->depth++;
	if (json_is_object(json))
		compile_object(compiler, json, node);
	else
		compile_array(compiler, json, node);
	compiler->depth--;
}

struct asl_template *
asl_template_compile(json_t *json, const char *pointer, struct diag_list *diags)
{
	struct compiler compiler = {.diags = diags};
	struct asl_template *tmpl = mem_zalloc(1, sizeof(*tmpl));

	buf_add_cstr(&compiler.pointer, pointer);
	compile_value(&compiler, json, &tmpl->root);
	buf_fini(&compiler.pointer);
	if (compiler.failed) {
		asl_template_free(tmpl);
		return NULL;
	}
	return tmpl;
}

void
asl_template_free(struct asl_template *tmpl)
{
	if (tmpl == NULL)
		return;
	node_fini(&tmpl->root);
	free(tmpl);
}

static int eval_node(const struct template_node *node, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err);

static int
eval_object(const struct template_list *list, const struct asl_scope *scope, json_t **ret_value,
    struct tmf_err *err)
{
	json_t *object = json_object();
	json_t *value;

	for (size_t i = 0; i < list->count; i++) {
		if (eval_node(&list->at[i], scope, &value, err) < 0) {
			json_decref(object);
			return -1;
		}
		json_object_set_new_nocheck(object, list->at[i].key, value);
	}
	*ret_value = object;
	return 0;
}

static int
eval_array(const struct template_list *list, const struct asl_scope *scope, json_t **ret_value,
    struct tmf_err *err)
{
	json_t *array = json_array();
	json_t *value;

	for (size_t i = 0; i < list->count; i++) {
		if (eval_node(&list->at[i], scope, &value, err) < 0) {
			json_decref(array);
			return -1;
		}
		json_array_append_new(array, value);
	}
	*ret_value = array;
	return 0;
}

static int
eval_node(const struct template_node *node, const struct asl_scope *scope, json_t **ret_value,
    struct tmf_err *err)
{
	switch (node->kind) {
	case TEMPLATE_CONSTANT:
		*ret_value = json_incref(node->u.constant);
		return 0;
	case TEMPLATE_EXPR:
		return asl_expr_eval(node->u.expr, node->field, scope, ret_value, err);
	case TEMPLATE_OBJECT:
		return eval_object(&node->u.list, scope, ret_value, err);
	case TEMPLATE_ARRAY:
		return eval_array(&node->u.list, scope, ret_value, err);
	}
	assert(!"a template node of unknown kind");
	return -1;
}

int
asl_template_eval(const struct asl_template *tmpl, const struct asl_scope *scope,
    json_t **ret_value, struct tmf_err *err)
{
	return eval_node(&tmpl->root, scope, ret_value, err);
}

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
