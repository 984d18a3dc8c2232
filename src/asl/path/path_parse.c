#include "asl/path/filter.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/* Characters that end a name after a dot. Beyond these anything goes, as in Jayway's JsonPath: hyphens, colons, slashes. */
static const char name_end[] = ".[]()'\",?* \t\r\n";
/* Within a filter the operators end it too. */
static const char filter_name_end[] = "=!<>&|~";

static bool
is_name_char(const struct path_parser *parser, char c)
{
	if ((unsigned char)c < 0x20 || strchr(name_end, c) != NULL)
		return false;
	return parser->depth == 0 || strchr(filter_name_end, c) == NULL;
}

/* .name() */
static int
parse_function(struct path_parser *parser, struct str name, struct path_step *step)
{
	step->kind = PATH_FUNCTION;
	step->u.function = path_function_find(name);
	if (step->u.function == NULL || step->descend)
		return path_scan_fail(parser, "there is no such path function");
	path_scan_accept(parser, "(");
	path_scan_blanks(parser);
	if (!path_scan_accept(parser, ")"))
		return path_scan_fail(parser, "a path function takes no arguments here");
	if (path_scan_peek(parser) == '.' || path_scan_peek(parser) == '[')
		return path_scan_fail(parser, "a path ends with its function");
	return 0;
}

/* .name */
static int
parse_name(struct path_parser *parser, struct path_step *step)
{
	size_t start = parser->pos;

	while (parser->pos < parser->text.len && is_name_char(parser, path_scan_peek(parser)))
		parser->pos++;
	if (parser->pos == start)
		return path_scan_fail(parser, "expected a name");
	if (path_scan_peek(parser) == '(')
		return parse_function(
		    parser, (struct str){parser->text.p + start, parser->pos - start}, step);
	step->kind = PATH_KEY;
	step->u.key = mem_strndup(parser->text.p + start, parser->pos - start);
	return 0;
}

static int
expect_bracket_end(struct path_parser *parser)
{
	path_scan_blanks(parser);
	if (!path_scan_accept(parser, "]"))
		return path_scan_fail(parser, "expected ]");
	return 0;
}

/* 'a' or 'a','b' */
static int
parse_keys(struct path_parser *parser, struct path_step *step)
{
	struct path_keys keys = {0};
	struct buf key = {0};

	step->kind = PATH_KEYS;
	step->u.keys = keys;
	do {
		path_scan_blanks(parser);
		if (path_scan_peek(parser) != '\'' && path_scan_peek(parser) != '"')
			return path_scan_fail(parser, "expected a name in quotes");
		if (keys.count == PATH_UNION_MAX)
			return path_scan_fail(parser, "too many names");
		if (path_scan_quoted(parser, &key) < 0) {
			buf_fini(&key);
			return -1;
		}
		keys.at = mem_resize(keys.at, keys.count + 1, sizeof(*keys.at));
		keys.at[keys.count++] = buf_take(&key);
		step->u.keys = keys;
		path_scan_blanks(parser);
	} while (path_scan_accept(parser, ","));
	if (keys.count == 1) {
		step->kind = PATH_KEY;
		step->u.key = keys.at[0];
		free(keys.at);
	}
	return expect_bracket_end(parser);
}

/* Behind the first bound and its colon: to, to:step, :step */
static int
parse_slice(struct path_parser *parser, struct path_step *step, int64_t from)
{
	struct path_slice slice = {.from = from, .to = PATH_SLICE_OPEN, .step = 1};

	path_scan_blanks(parser);
	if (path_scan_peek(parser) != ':' && path_scan_peek(parser) != ']' &&
	    path_scan_integer(parser, &slice.to) < 0)
		return -1;
	path_scan_blanks(parser);
	if (path_scan_accept(parser, ":")) {
		path_scan_blanks(parser);
		if (path_scan_peek(parser) != ']' && path_scan_integer(parser, &slice.step) < 0)
			return -1;
		if (slice.step == 0)
			return path_scan_fail(parser, "a slice with a step of 0");
	}
	step->kind = PATH_SLICE;
	step->u.slice = slice;
	return expect_bracket_end(parser);
}

/* Behind the first index and its comma. */
static int
parse_indexes(struct path_parser *parser, struct path_step *step, int64_t first)
{
	struct path_indexes indexes = {0};

	step->kind = PATH_INDEXES;
	indexes.at = mem_resize(NULL, 1, sizeof(*indexes.at));
	indexes.at[indexes.count++] = first;
	do {
		int64_t value = 0;

		step->u.indexes = indexes;
		path_scan_blanks(parser);
		if (indexes.count == PATH_UNION_MAX)
			return path_scan_fail(parser, "too many indexes");
		if (path_scan_integer(parser, &value) < 0)
			return -1;
		indexes.at = mem_resize(indexes.at, indexes.count + 1, sizeof(*indexes.at));
		indexes.at[indexes.count++] = value;
		step->u.indexes = indexes;
		path_scan_blanks(parser);
	} while (path_scan_accept(parser, ","));
	return expect_bracket_end(parser);
}

static int
parse_numbers(struct path_parser *parser, struct path_step *step)
{
	int64_t first = PATH_SLICE_OPEN;

	if (path_scan_accept(parser, ":"))
		return parse_slice(parser, step, first);
	if (path_scan_integer(parser, &first) < 0)
		return -1;
	path_scan_blanks(parser);
	if (path_scan_accept(parser, ":"))
		return parse_slice(parser, step, first);
	if (path_scan_accept(parser, ","))
		return parse_indexes(parser, step, first);
	step->kind = PATH_INDEX;
	step->u.index = first;
	return expect_bracket_end(parser);
}

static int
parse_filter(struct path_parser *parser, struct path_step *step)
{
	step->kind = PATH_FILTER;
	step->u.filter = NULL;
	if (++parser->depth > PATH_FILTER_DEPTH_MAX)
		return path_scan_fail(parser, "filters are nested too deeply");
	step->u.filter = filter_parse(parser);
	if (step->u.filter == NULL)
		return -1;
	parser->depth--;
	return expect_bracket_end(parser);
}

/* Behind `[`. */
static int
parse_bracket(struct path_parser *parser, struct path_step *step)
{
	path_scan_blanks(parser);
	if (path_scan_accept(parser, "?"))
		return parse_filter(parser, step);
	if (path_scan_accept(parser, "*")) {
		step->kind = PATH_ALL;
		return expect_bracket_end(parser);
	}
	if (path_scan_peek(parser) == '\'' || path_scan_peek(parser) == '"')
		return parse_keys(parser, step);
	return parse_numbers(parser, step);
}

/* Behind a dot, or two. */
static int
parse_dotted(struct path_parser *parser, struct path_step *step)
{
	if (step->descend && path_scan_accept(parser, "["))
		return parse_bracket(parser, step);
	if (path_scan_accept(parser, "*")) {
		step->kind = PATH_ALL;
		return 0;
	}
	return parse_name(parser, step);
}

static int
parse_step(struct path_parser *parser, struct path_step *step)
{
	if (path_scan_accept(parser, "["))
		return parse_bracket(parser, step);
	step->descend = path_scan_accept(parser, "..");
	if (!step->descend)
		path_scan_accept(parser, ".");
	return parse_dotted(parser, step);
}

static bool
is_variable_char(char c, bool first)
{
	return c == '_' || isalpha((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       (!first && isdigit((unsigned char)c));
}

static int
parse_root(struct path_parser *parser, struct asl_path *path)
{
	size_t start;

	if (parser->depth > 0 && path_scan_accept(parser, "@")) {
		path->root = PATH_ROOT_CURRENT;
		return 0;
	}
	if (!path_scan_accept(parser, "$"))
		return path_scan_fail(parser, "a path begins with $");
	if (path_scan_accept(parser, "$")) {
		path->root = PATH_ROOT_CONTEXT;
		return 0;
	}
	start = parser->pos;
	while (is_variable_char(path_scan_peek(parser), parser->pos == start))
		parser->pos++;
	if (parser->pos > start) {
		path->root = PATH_ROOT_VARIABLE;
		path->variable = mem_strndup(parser->text.p + start, parser->pos - start);
	}
	return 0;
}

/* A union of names at the end gives one object with those names (Jayway), anything else that branches gives a list. */
static void
path_classify(struct asl_path *path)
{
	path->is_simple = true;
	for (size_t i = 0; i < path->step_count; i++) {
		const struct path_step *step = &path->steps[i];
		bool last = i + 1 == path->step_count;

		if (!step->descend && (step->kind == PATH_KEY || step->kind == PATH_INDEX))
			continue;
		path->is_simple = false;
		if (step->kind == PATH_FUNCTION)
			continue;
		if (step->descend || step->kind != PATH_KEYS || !last)
			path->is_list = true;
	}
}

/* What a function makes of several nodes is told differently by different programs. */
static int
check_function(struct path_parser *parser, const struct asl_path *path)
{
	size_t count = path->step_count;

	if (count > 0 && path->steps[count - 1].kind == PATH_FUNCTION &&
	    (path->is_list || (count > 1 && path->steps[count - 2].kind == PATH_KEYS)))
		return path_scan_fail(
		    parser, "a path function is for a path that leads to a single place");
	return 0;
}

static int
parse_steps(struct path_parser *parser, struct asl_path *path)
{
	while (path_scan_peek(parser) == '.' || path_scan_peek(parser) == '[') {
		struct path_step *step;

		if (path->step_count == ASL_PATH_STEPS_MAX)
			return path_scan_fail(parser, "too many steps");
		path->steps = mem_resize(path->steps, path->step_count + 1, sizeof(*path->steps));
		step = &path->steps[path->step_count++];
		*step = (struct path_step){.kind = PATH_ALL};
		if (parse_step(parser, step) < 0)
			return -1;
	}
	return 0;
}

struct asl_path *
path_parse_at(struct path_parser *parser)
{
	struct asl_path *path = mem_zalloc(1, sizeof(*path));
	size_t start = parser->pos;

	if (parse_root(parser, path) < 0 || parse_steps(parser, path) < 0) {
		asl_path_free(path);
		return NULL;
	}
	path->text = mem_strndup(parser->text.p + start, parser->pos - start);
	path_classify(path);
	if (check_function(parser, path) == 0)
		return path;
	asl_path_free(path);
	return NULL;
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
		path_scan_fail(&parser, "unexpected text after the path");
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
