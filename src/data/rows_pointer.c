#include "data/rows_internal.h"

#include "base/jsonx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * The way to the array that ItemsPointer names. What stands beside the way is passed over byte by
 * byte, so that it may be of any length; only the name of a member has to be in memory.
 * See: RFC 6901
 */

#define POINTER_MISSING "ItemsPointer names nothing in the text"

/* The first token of what is left of the pointer, behind its slash. */
static struct str
pointer_token(const struct rows *rows)
{
	const char *token = rows->way.pointer + 1;

	assert(rows->way.pointer[0] == '/');
	return (struct str){token, strcspn(token, "/")};
}

/* "~1" is a slash and "~0" a tilde. */
static bool
pointer_names(struct str token, const char *name)
{
	for (size_t i = 0; i < token.len; i++, name++) {
		char c = token.p[i];

		if (c == '~' && i + 1 < token.len)
			c = token.p[++i] == '1' ? '/' : '~';
		if (*name != c)
			return false;
	}
	return *name == '\0';
}

/* Down into the member or element that stands next. */
static void
pointer_descend(struct rows *rows)
{
	rows->way.pointer += 1 + pointer_token(rows).len;
	rows->way.step = ROWS_AT_VALUE;
}

/* The start of an object or an array on the way. */
static enum rows_next
pointer_enter(struct rows *rows, char c, struct tmf_err *err)
{
	struct str token = pointer_token(rows);
	char *end;

	if (c == '{') {
		rows->way.step = ROWS_AT_NAME;
	} else if (c == '[' && token.len > 0 && token.p[0] >= '0' && token.p[0] <= '9' &&
		   (token.p[0] != '0' || token.len == 1)) {
		rows->way.left = strtoll(token.p, &end, 10);
		if (end != token.p + token.len)
			return rows_fail(rows, err, POINTER_MISSING);
		rows->way.step = ROWS_AT_ELEMENT;
	} else {
		return rows_fail(rows, err, POINTER_MISSING);
	}
	rows->at++;
	return ROWS_ITEM;
}

/* The name of a member, and its colon. */
static enum rows_next
pointer_take_name(struct rows *rows, struct tmf_err *err)
{
	struct str rest = rows_rest(rows);
	size_t bytes = rest.p[0] == '"' ? rows_json_extent(rest) : 0;
	size_t colon = bytes;
	json_t *name = NULL;

	if (rest.p[0] != '"')
		return rows_fail(rows, err, POINTER_MISSING);
	while (bytes > 0 && colon < rest.len && rows_json_is_blank(rest.p[colon]))
		colon++;
	if (bytes == 0 || colon == rest.len)
		return rows->finished ? rows_fail(rows, err, POINTER_MISSING)
				      : rows_wait(rows, err);
	if (rest.p[colon] != ':')
		return rows_fail(rows, err, "a colon is missing");
	if (rows_parse(rows, (struct str){rest.p, bytes}, &name, err) == ROWS_FAILED)
		return ROWS_FAILED;
	rows->at += colon + 1;
	if (pointer_names(pointer_token(rows), json_string_value(name)))
		pointer_descend(rows);
	else
		rows->way.step = ROWS_PASSING;
	json_decref(name);
	return ROWS_ITEM;
}

/* A byte of a value that is passed over. False: the value ended before it. */
static bool
pointer_pass(struct rows *rows, char c)
{
	struct rows_way *way = &rows->way;

	if (way->quoted) {
		way->quoted = way->escaped || c != '"';
		way->escaped = !way->escaped && c == '\\';
		if (!way->quoted && way->depth == 0)
			way->step = ROWS_PASSED;
	} else if (way->depth == 0 && way->begun && strchr(",]}", c) != NULL) {
		way->step = ROWS_PASSED;
		return false;
	} else if (c == '"') {
		way->quoted = true;
	} else if (c == '[' || c == '{') {
		way->depth++;
	} else if ((c == ']' || c == '}') && (way->depth == 0 || --way->depth == 0)) {
		way->step = ROWS_PASSED;
	}
	way->begun = true;
	return true;
}

/* Behind a value beside the way: a comma, or the end of what holds it. */
static enum rows_next
pointer_go_on(struct rows *rows, char c, struct tmf_err *err)
{
	bool in_array = rows->way.left > 0;

	if (c != ',')
		return rows_fail(rows, err, POINTER_MISSING);
	rows->way.left -= in_array;
	rows->way.step = in_array ? ROWS_AT_ELEMENT : ROWS_AT_NAME;
	rows->at++;
	return ROWS_ITEM;
}

/* One step, at a byte that is not blank. Returns: ROWS_ITEM where it was made. */
static enum rows_next
pointer_step(struct rows *rows, char c, struct tmf_err *err)
{
	struct rows_way *way = &rows->way;

	switch (way->step) {
	case ROWS_AT_VALUE:
		return pointer_enter(rows, c, err);
	case ROWS_AT_NAME:
		return pointer_take_name(rows, err);
	case ROWS_AT_ELEMENT:
		if (c == ']')
			return rows_fail(rows, err, POINTER_MISSING);
		if (way->left == 0)
			pointer_descend(rows);
		else
			way->step = ROWS_PASSING;
		break;
	case ROWS_PASSING:
		rows->at += pointer_pass(rows, c);
		if (way->step == ROWS_PASSED)
			way->quoted = way->begun = way->escaped = false;
		break;
	case ROWS_PASSED:
		return pointer_go_on(rows, c, err);
	}
	return ROWS_ITEM;
}

enum rows_next
rows_pointer_go(struct rows *rows, struct tmf_err *err)
{
	enum rows_next next = ROWS_ITEM;

	while (next == ROWS_ITEM && rows->way.pointer[0] != '\0') {
		struct str rest = rows_rest(rows);

		if (rest.len == 0)
			return rows->finished ? rows_fail(rows, err, POINTER_MISSING) : ROWS_MORE;
		if (rows_json_is_blank(rest.p[0]) && !rows->way.quoted)
			rows->at++;
		else
			next = pointer_step(rows, rest.p[0], err);
	}
	return next;
}
