#include "asl/path/filter.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/*
 * Characters that end a name after a dot. Beyond these all may stand, as in Jayway's JsonPath:
 * $.a-b.c:d/e has the keys "a-b" and "c:d/e". Within a filter the operators end a name too.
 */
static const char name_ends[] = ".[]()'\",?* \t\r\n";
static const char filter_name_ends[] = "=!<>&|~";

static bool
path_is_name_char(const struct path_parser *parser, char c)
{
	if ((unsigned char)c < 0x20 || strchr(name_ends, c) != NULL)
		return false;
	return parser->depth == 0 || strchr(filter_name_ends, c) == NULL;
}

/* .name() Only at the end: a function gives a value that is not in the document, and no
 * step leads on from it. */
static int
path_parse_function(struct path_parser *parser, struct str name, struct path_step *step)
{
	step->kind = PATH_FUNCTION;
	step->u.function = path_function_find(name);
	if (step->u.function == NULL || step->descend)
		return path_scan_fail(parser, "unknown path function");
	path_scan_accept(parser, "(");
	path_scan_blanks(parser);
	if (!path_scan_accept(parser, ")"))
		return path_scan_fail(parser, "a path function takes no arguments");
	if (path_scan_peek(parser) == '.' || path_scan_peek(parser) == '[')
		return path_scan_fail(parser, "a path function must be the last step");
	return 0;
}

/* .name. A name may begin with a digit: $.2nd is the key "2nd". */
static int
path_parse_name(struct path_parser *parser, struct path_step *step)
{
	size_t start = parser->pos;

	while (parser->pos < parser->text.len && path_is_name_char(parser, path_scan_peek(parser)))
		parser->pos++;
	if (parser->pos == start)
		return path_scan_fail(parser, "expected a name");
	if (path_scan_peek(parser) == '(')
		return path_parse_function(
		    parser, (struct str){parser->text.p + start, parser->pos - start}, step);
	step->kind = PATH_KEY;
	step->u.key = mem_strndup(parser->text.p + start, parser->pos - start);
	return 0;
}

/* Blanks may stand within brackets, as Jayway allows. */
static int
path_parse_bracket_end(struct path_parser *parser)
{
	path_scan_blanks(parser);
	if (!path_scan_accept(parser, "]"))
		return path_scan_fail(parser, "expected ]");
	return 0;
}

/*
 * 'a' or 'a','b'. The step owns each key as soon as it is read: what a fault leaves half done is
 * freed with the path.
 */
static int
path_parse_keys(struct path_parser *parser, struct path_step *step)
{
	struct path_keys *keys = &step->u.keys;
	struct buf key = {0};

	step->kind = PATH_KEYS;
	*keys = (struct path_keys){0};
	do {
		path_scan_blanks(parser);
		if (path_scan_peek(parser) != '\'' && path_scan_peek(parser) != '"')
			return path_scan_fail(parser, "expected a name in quotes");
		if (keys->count == PATH_UNION_MAX)
			return path_scan_fail(parser, "too many names");
		if (path_scan_quoted(parser, &key) < 0) {
			buf_fini(&key);
			return -1;
		}
		keys->at = mem_resize(keys->at, keys->count + 1, sizeof(*keys->at));
		keys->at[keys->count++] = buf_take(&key);
		path_scan_blanks(parser);
	} while (path_scan_accept(parser, ","));
	if (keys->count == 1) {
		char **only = keys->at;

		step->kind = PATH_KEY;
		step->u.key = *only;
		free(only);
	}
	return path_parse_bracket_end(parser);
}

/* Behind the first bound and its colon: to, to:step, :step. Bounds may be absent or
 * negative; only a step of 0 can never end. */
static int
path_parse_slice(struct path_parser *parser, struct path_step *step, int64_t from)
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
			return path_scan_fail(parser, "the step of a slice must not be 0");
	}
	step->kind = PATH_SLICE;
	step->u.slice = slice;
	return path_parse_bracket_end(parser);
}

/* Unions are short, so growing by one costs nothing that matters. */
static void
path_add_index(struct path_indexes *indexes, int64_t index)
{
	indexes->at = mem_resize(indexes->at, indexes->count + 1, sizeof(*indexes->at));
	indexes->at[indexes->count++] = index;
}

/* Behind the first index and its comma. */
static int
path_parse_indexes(struct path_parser *parser, struct path_step *step, int64_t first)
{
	struct path_indexes *indexes = &step->u.indexes;

	step->kind = PATH_INDEXES;
	*indexes = (struct path_indexes){0};
	path_add_index(indexes, first);
	do {
		int64_t index = 0;

		path_scan_blanks(parser);
		if (indexes->count == PATH_UNION_MAX)
			return path_scan_fail(parser, "too many indexes");
		if (path_scan_integer(parser, &index) < 0)
			return -1;
		path_add_index(indexes, index);
		path_scan_blanks(parser);
	} while (path_scan_accept(parser, ","));
	return path_parse_bracket_end(parser);
}

/* [1], [1,2] and [1:2] begin alike, and a slice may begin with its colon. */
static int
path_parse_numbers(struct path_parser *parser, struct path_step *step)
{
	int64_t first = PATH_SLICE_OPEN;

	if (path_scan_accept(parser, ":"))
		return path_parse_slice(parser, step, first);
	if (path_scan_integer(parser, &first) < 0)
		return -1;
	path_scan_blanks(parser);
	if (path_scan_accept(parser, ":"))
		return path_parse_slice(parser, step, first);
	if (path_scan_accept(parser, ","))
		return path_parse_indexes(parser, step, first);
	step->kind = PATH_INDEX;
	step->u.index = first;
	return path_parse_bracket_end(parser);
}

static int
path_parse_filter(struct path_parser *parser, struct path_step *step)
{
	step->kind = PATH_FILTER;
	step->u.filter = NULL;
	/* depth is not taken back after a fault: the whole parse ends with it. */
	if (++parser->depth > PATH_FILTER_DEPTH_MAX)
		return path_scan_fail(parser, "filters are nested too deeply");
	step->u.filter = filter_parse(parser);
	if (step->u.filter == NULL)
		return -1;
	parser->depth--;
	return path_parse_bracket_end(parser);
}

/* Behind `[`. */
static int
path_parse_bracket(struct path_parser *parser, struct path_step *step)
{
	path_scan_blanks(parser);
	if (path_scan_accept(parser, "?"))
		return path_parse_filter(parser, step);
	if (path_scan_accept(parser, "*")) {
		step->kind = PATH_ALL;
		return path_parse_bracket_end(parser);
	}
	if (path_scan_peek(parser) == '\'' || path_scan_peek(parser) == '"')
		return path_parse_keys(parser, step);
	return path_parse_numbers(parser, step);
}

/* [...], .name, ..name, ..[...], and * for a name. AWS's own definitions write $.a.[0] as well, and
 * it takes the dot before a bracket as none. */
static int
path_parse_step(struct path_parser *parser, struct path_step *step)
{
	step->descend = path_scan_accept(parser, "..");
	if (!step->descend)
		path_scan_accept(parser, ".");
	if (path_scan_accept(parser, "["))
		return path_parse_bracket(parser, step);
	if (!path_scan_accept(parser, "*"))
		return path_parse_name(parser, step);
	step->kind = PATH_ALL;
	return 0;
}

/* The first character may not be a digit, so that $1 is not a variable. */
static bool
path_is_variable_char(char c, bool first)
{
	return c == '_' || isalpha((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       (!first && isdigit((unsigned char)c));
}

/*
 * $ the input, $$ the context object, $name a variable, and in filters @ the node that is tried. So
 * $.name is a key of the input, and $name.x is x in a variable.
 */
static int
path_parse_root(struct path_parser *parser, struct asl_path *path)
{
	size_t start;

	if (parser->depth > 0 && path_scan_accept(parser, "@")) {
		path->root = PATH_ROOT_CURRENT;
		return 0;
	}
	if (!path_scan_accept(parser, "$"))
		return path_scan_fail(parser, "a path must begin with $");
	if (path_scan_accept(parser, "$")) {
		path->root = PATH_ROOT_CONTEXT;
		return 0;
	}
	start = parser->pos;
	while (path_is_variable_char(path_scan_peek(parser), parser->pos == start))
		parser->pos++;
	if (parser->pos > start) {
		path->root = PATH_ROOT_VARIABLE;
		path->variable = mem_strndup(parser->text.p + start, parser->pos - start);
	}
	return 0;
}

/*
 * Which steps make it yield a list. A union of names at the end gives one object with those names
 * (as in Jayway's JsonPath), everything else that branches gives a list.
 */
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

/* JsonPath implementations differ in what a function makes of several nodes: it is refused. */
static int
path_check_function(struct path_parser *parser, const struct asl_path *path)
{
	size_t count = path->step_count;

	if (count > 0 && path->steps[count - 1].kind == PATH_FUNCTION &&
	    (path->is_list || (count > 1 && path->steps[count - 2].kind == PATH_KEYS)))
		return path_scan_fail(parser, "a path function needs a path to a single node");
	return 0;
}

/* What follows a path (a comma, an operator, a bracket of a call) ends its steps. */
static int
path_parse_steps(struct path_parser *parser, struct asl_path *path)
{
	while (path_scan_peek(parser) == '.' || path_scan_peek(parser) == '[') {
		struct path_step *step;

		if (path->step_count == ASL_PATH_STEPS_MAX)
			return path_scan_fail(parser, "too many steps");
		path->steps = mem_resize(path->steps, path->step_count + 1, sizeof(*path->steps));
		step = &path->steps[path->step_count++];
		*step = (struct path_step){.kind = PATH_ALL};
		if (path_parse_step(parser, step) < 0)
			return -1;
	}
	return 0;
}

/* In a call or a filter the path is a part of the text, and is known by that part. */
struct asl_path *
path_parse_at(struct path_parser *parser)
{
	struct asl_path *path = mem_zalloc(1, sizeof(*path));
	size_t start = parser->pos;

	if (path_parse_root(parser, path) < 0 || path_parse_steps(parser, path) < 0) {
		asl_path_free(path);
		return NULL;
	}
	path->text = mem_strndup(parser->text.p + start, parser->pos - start);
	path_classify(path);
	assert(!path->is_simple || !path->is_list);
	if (path_check_function(parser, path) == 0)
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
		tmf_err_set(err, TMF_ERR_INVALID, "the path is too long: the limit is %u bytes",
		    ASL_PATH_BYTES_MAX);
		return NULL;
	}
	if (memchr(text.p, '\0', text.len) != NULL) {
		tmf_err_set(err, TMF_ERR_INVALID, "the path contains a NUL character");
		return NULL;
	}
	path = path_parse_at(&parser);
	path_scan_blanks(&parser); /* AWS takes them behind a path, but not before it */
	if (path != NULL && parser.pos < text.len) {
		path_scan_fail(&parser, "unexpected text after the path");
		asl_path_free(path);
		return NULL;
	}
	return path;
}

/* Why path is not a reference path; NULL when it is one. By the specification a Reference
 * Path names one node of the input. */
static const char *
path_reference_fault(const struct asl_path *path)
{
	for (size_t i = 0; i < path->step_count; i++) {
		const struct path_step *step = &path->steps[i];

		if (step->descend || (step->kind != PATH_KEY && step->kind != PATH_INDEX))
			return "a reference path must lead to a single node: without .. * ? : , or "
			       "()";
		if (step->kind == PATH_INDEX && step->u.index < 0)
			return "a reference path must not have a negative index";
	}
	return NULL;
}

/* Parsed, then judged. may_be_variable: as in the fields where a path is read, never written. */
static struct asl_path *
path_parse_reference(struct str text, bool may_be_variable, struct tmf_err *err)
{
	struct asl_path *path = asl_path_parse(text, err);
	const char *fault;

	if (path == NULL)
		return NULL;
	fault = path_reference_fault(path);
	if (path->root == PATH_ROOT_CONTEXT)
		fault = "a reference path must not begin with $$, the context object";
	if (path->root == PATH_ROOT_VARIABLE && !may_be_variable)
		fault = "a reference path must begin with $, not with a variable";
	if (fault != NULL) {
		tmf_err_set(err, TMF_ERR_INVALID, "%s", fault);
		asl_path_free(path);
		return NULL;
	}
	return path;
}

struct asl_path *
asl_reference_path_parse(struct str text, struct tmf_err *err)
{
	return path_parse_reference(text, false, err);
}

struct asl_path *
asl_value_path_parse(struct str text, struct tmf_err *err)
{
	return path_parse_reference(text, true, err);
}
