#include "asl/path/filter.h"

#include <assert.h>
#include <stdlib.h>

/* A step that could not be parsed to its end is freed, too: what it lacks is NULL or
 * counted. Kinds without memory of their own stand at the end. */
static void
path_step_fini(struct path_step *step)
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

/* NULL is fine: most fields of a state have no path. */
void
asl_path_free(struct asl_path *path)
{
	if (path == NULL)
		return;
	for (size_t i = 0; i < path->step_count; i++)
		path_step_fini(&path->steps[i]);
	free(path->steps);
	free(path->variable);
	free(path->text);
	free(path);
}

/* As the author wrote it, for messages. */
const char *
asl_path_text(const struct asl_path *path)
{
	return path->text;
}

/* What JSONPath calls definite: one node at most, so that no list is needed to hold the
 * result. Callers that need one value refuse a path that may yield several. */
bool
asl_path_is_definite(const struct asl_path *path)
{
	return !path->is_list;
}

/* NULL where the path begins at the input or the context object. */
const char *
asl_path_variable(const struct asl_path *path)
{
	return path->variable;
}

/* One form of a step in brackets: ['a'], [1], ['a','b'], [*], [1:5:2]. The form in brackets
 * is what AWS has in its messages, however the author wrote the path: $.a becomes $['a']. */
static void
path_write_step(const struct path_step *step, struct buf *out)
{
	const struct path_slice *slice = &step->u.slice;

	/* A filter is written as [?], as Jayway's JsonPath writes it. */
	if (step->descend)
		buf_add_cstr(out, "..");
	switch (step->kind) {
	case PATH_KEY:
		buf_printf(out, "['%s']", step->u.key);
		break;
	case PATH_INDEX:
		buf_printf(out, "[%lld]", (long long)step->u.index);
		break;
	case PATH_KEYS:
		for (size_t i = 0; i < step->u.keys.count; i++)
			buf_printf(out, "%s'%s'", i == 0 ? "[" : ",", step->u.keys.at[i]);
		buf_add_char(out, ']');
		break;
	case PATH_INDEXES:
		for (size_t i = 0; i < step->u.indexes.count; i++)
			buf_printf(
			    out, "%s%lld", i == 0 ? "[" : ",", (long long)step->u.indexes.at[i]);
		buf_add_char(out, ']');
		break;
	case PATH_ALL:
		buf_add_cstr(out, "[*]");
		break;
	case PATH_SLICE:
		buf_add_char(out, '[');
		if (slice->from != PATH_SLICE_OPEN)
			buf_printf(out, "%lld", (long long)slice->from);
		buf_add_char(out, ':');
		if (slice->to != PATH_SLICE_OPEN)
			buf_printf(out, "%lld", (long long)slice->to);
		if (slice->step != 1)
			buf_printf(out, ":%lld", (long long)slice->step);
		buf_add_char(out, ']');
		break;
	case PATH_FILTER:
		buf_add_cstr(out, "[?]");
		break;
	case PATH_FUNCTION:
		buf_printf(out, ".%s()", path_function_name(step->u.function));
		break;
	}
}

/* For AWS a variable or the context object is a document of its own: its path begins with
 * $, too. /. The count lets a message show the path up to the step that failed. */
void
path_write_steps(const struct asl_path *path, size_t count, struct buf *out)
{
	assert(count <= path->step_count);
	buf_add_char(out, '$');
	for (size_t i = 0; i < count; i++)
		path_write_step(&path->steps[i], out);
}

/* The text that AWS would show, for messages that must be the same. */
void
asl_path_bracket_text(const struct asl_path *path, struct buf *out)
{
	path_write_steps(path, path->step_count, out);
}
