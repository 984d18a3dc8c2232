#include "asl/path/path_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

static void
step_fini(struct path_step *step)
{
	switch (step->kind) {
	case PATH_KEY:
		free(step->u.key);
		break;
	case PATH_KEYS:
		for (size_t i = 0; i < step->u.keys.count; i++)
			free(step->u.keys.at[i]);
		free(step->u.keys.at);
		break;
	case PATH_INDEXES:
		free(step->u.indexes.at);
		break;
	case PATH_FILTER:
		filter_free(step->u.filter);
		break;
	case PATH_INDEX:
	case PATH_ALL:
	case PATH_SLICE:
	case PATH_FUNCTION:
		break;
	}
}

void
asl_path_free(struct asl_path *path)
{
	if (path == NULL)
		return;
	for (size_t i = 0; i < path->step_count; i++)
		step_fini(&path->steps[i]);
	free(path->steps);
	free(path->variable);
	free(path->text);
	free(path);
}

struct asl_path *
asl_path_parse(struct str text, struct tmf_err *err)
{
	struct path_parser parser = {.text = text, .err = err};
	struct asl_path *path;

	if (text.len > ASL_PATH_BYTES_MAX) {
		tmf_err_set(
		    err, TMF_ERR_INVALID, "a path of more than %u bytes", ASL_PATH_BYTES_MAX);
		return NULL;
	}
	if (memchr(text.p, '\0', text.len) != NULL) {
		tmf_err_set(err, TMF_ERR_INVALID, "a path with a NUL character");
		return NULL;
	}
	path = path_parse_at(&parser);
	if (path != NULL && parser.pos < text.len) {
		path_fail(&parser, "unexpected text after the path");
		asl_path_free(path);
		return NULL;
	}
	return path;
}

/* Why path is no reference path; NULL when it is one. */
static const char *
reference_path_fault(const struct asl_path *path)
{
	if (path->root != PATH_ROOT_INPUT)
		return "a reference path begins with $, not with a variable or the context object";
	for (size_t i = 0; i < path->step_count; i++) {
		const struct path_step *step = &path->steps[i];

		if (step->descend || (step->kind != PATH_KEY && step->kind != PATH_INDEX))
			return "a reference path leads to a single place: no .. * ? : , or ()";
		if (step->kind == PATH_INDEX && step->u.index < 0)
			return "a reference path takes no negative index";
	}
	return NULL;
}

struct asl_path *
asl_reference_path_parse(struct str text, struct tmf_err *err)
{
	struct asl_path *path = asl_path_parse(text, err);
	const char *fault;

	if (path == NULL)
		return NULL;
	fault = reference_path_fault(path);
	if (fault != NULL) {
		tmf_err_set(err, TMF_ERR_INVALID, "%s", fault);
		asl_path_free(path);
		return NULL;
	}
	return path;
}

const char *
asl_path_text(const struct asl_path *path)
{
	return path->text;
}

bool
asl_path_is_definite(const struct asl_path *path)
{
	return !path->is_list;
}

const char *
asl_path_variable(const struct asl_path *path)
{
	return path->variable;
}

static void
key_bracket_text(const char *key, struct buf *out)
{
	buf_printf(out, "['%s']", key);
}

static void
keys_bracket_text(const struct path_keys *keys, struct buf *out)
{
	for (size_t i = 0; i < keys->count; i++)
		buf_printf(out, "%s'%s'", i == 0 ? "[" : ",", keys->at[i]);
	buf_add_char(out, ']');
}

static void
indexes_bracket_text(const struct path_indexes *indexes, struct buf *out)
{
	for (size_t i = 0; i < indexes->count; i++)
		buf_printf(out, "%s%lld", i == 0 ? "[" : ",", (long long)indexes->at[i]);
	buf_add_char(out, ']');
}

static void
slice_bracket_text(const struct path_slice *slice, struct buf *out)
{
	buf_add_char(out, '[');
	if (slice->from != PATH_SLICE_OPEN)
		buf_printf(out, "%lld", (long long)slice->from);
	buf_add_char(out, ':');
	if (slice->to != PATH_SLICE_OPEN)
		buf_printf(out, "%lld", (long long)slice->to);
	if (slice->step != 1)
		buf_printf(out, ":%lld", (long long)slice->step);
	buf_add_char(out, ']');
}

static void
step_bracket_text(const struct path_step *step, struct buf *out)
{
	if (step->descend)
		buf_add_cstr(out, "..");
	switch (step->kind) {
	case PATH_KEY:
		key_bracket_text(step->u.key, out);
		break;
	case PATH_INDEX:
		buf_printf(out, "[%lld]", (long long)step->u.index);
		break;
	case PATH_KEYS:
		keys_bracket_text(&step->u.keys, out);
		break;
	case PATH_INDEXES:
		indexes_bracket_text(&step->u.indexes, out);
		break;
	case PATH_ALL:
		buf_add_cstr(out, "[*]");
		break;
	case PATH_SLICE:
		slice_bracket_text(&step->u.slice, out);
		break;
	case PATH_FILTER:
		buf_add_cstr(out, "[?]");
		break;
	case PATH_FUNCTION:
		buf_printf(out, ".%s()", path_function_name(step->u.function));
		break;
	}
}

/* The first count steps. A variable or the context object is, for AWS, a document of its own: its path begins with $. */
static void
bracket_text(const struct asl_path *path, size_t count, struct buf *out)
{
	assert(count <= path->step_count);
	buf_add_char(out, '$');
	for (size_t i = 0; i < count; i++)
		step_bracket_text(&path->steps[i], out);
}

void
asl_path_bracket_text(const struct asl_path *path, struct buf *out)
{
	bracket_text(path, path->step_count, out);
}

void
asl_path_explain(const struct asl_path *path, const struct asl_scope *scope, struct buf *out)
{
	json_t *node = path_root_get(path, scope, NULL);
	size_t at = 0;

	while (path->is_simple && node != NULL && at < path->step_count) {
		json_t *next = path_step_get(&path->steps[at], node);

		if (next == NULL)
			break;
		node = next;
		at++;
	}
	if (path->is_simple && at + 1 < path->step_count && path->steps[at].kind == PATH_KEY &&
	    json_is_object(node)) {
		buf_add_cstr(out, "Missing property in path ");
		bracket_text(path, at + 1, out);
		return;
	}
	buf_add_cstr(out, "No results for path: ");
	bracket_text(path, path->step_count, out);
}
