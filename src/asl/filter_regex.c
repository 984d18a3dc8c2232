#include "path_internal.h"

#include "tmflow/base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Regular expressions are POSIX extended ones with the shorthands of Java. What they cost is bounded: no back references, so that
 * matching does not search, and few nodes after regcomp has written out each + and {n,m} (a+ is aa*, so ((a+)+)+ has 8). */
#define REGEX_PATTERN_BYTES_MAX 256u
#define REGEX_NODES_MAX		1000u
#define REGEX_GROUPS_MAX	16u   /* parentheses within parentheses */
#define REGEX_SUBJECT_BYTES_MAX 2048u /* longer strings do not match */

/* Nodes of a sequence, and of its last item, to which a quantifier would apply. */
struct regex_size {
	unsigned nodes;
	unsigned last;
};

struct translator {
	struct str pattern;
	size_t at;
	struct buf out;
	struct regex_size sizes[REGEX_GROUPS_MAX];
	size_t depth; /* of the innermost open group */
	struct err *err;
};

static int
fail(struct translator *t, const char *what)
{
	return err_set(t->err, ERR_INVALID, "in the pattern at character %zu: %s", t->at + 1, what);
}

static char
peek(const struct translator *t)
{
	return t->at < t->pattern.len ? t->pattern.p[t->at] : '\0';
}

static int
count_item(struct translator *t, unsigned nodes)
{
	struct regex_size *size = &t->sizes[t->depth];

	size->nodes += nodes;
	size->last = nodes;
	return size->nodes <= REGEX_NODES_MAX ? 0 : fail(t, "too large");
}

/* The last item stands there times times over. */
static int
count_repeat(struct translator *t, unsigned times)
{
	struct regex_size *size = &t->sizes[t->depth];

	if (size->last == 0)
		return fail(t, "nothing to repeat");
	if (times > REGEX_NODES_MAX)
		return fail(t, "too large");
	size->nodes -= size->last;
	return count_item(t, size->last * times);
}

/* What a shorthand stands for within [...]. */
static const char *
shorthand(char c)
{
	switch (c) {
	case 'd':
		return "0-9";
	case 'w':
		return "A-Za-z0-9_";
	case 's':
		return " \t\n\r\f\v";
	default:
		return NULL;
	}
}

/* Behind a backslash that is not within [...]. */
static int
translate_escape(struct translator *t)
{
	char c = peek(t);
	const char *set = shorthand((char)tolower((unsigned char)c));

	if (set != NULL) {
		buf_printf(&t->out, "[%s%s]", isupper((unsigned char)c) ? "^" : "", set);
	} else if (c != '\0' && strchr(".[]{}()*+?|^$\\", c) != NULL) {
		buf_add_char(&t->out, '\\');
		buf_add_char(&t->out, c);
	} else if (ispunct((unsigned char)c) || c == ' ') {
		buf_add_char(&t->out, c);
	} else {
		return fail(t, "an escape that is not supported");
	}
	t->at++;
	return count_item(t, 1);
}

/* Behind a backslash within [...]: POSIX knows no escapes there, and cannot hold ] ^ [ - just anywhere. */
static int
translate_set_escape(struct translator *t)
{
	char c = peek(t);
	const char *set = shorthand(c);

	if (set == NULL && (!ispunct((unsigned char)c) || strchr("]^-[", c) != NULL))
		return fail(t, "an escape that is not supported in [...]");
	if (set != NULL)
		buf_add_cstr(&t->out, set);
	else
		buf_add_char(&t->out, c);
	t->at++;
	return 0;
}

/* Behind `[`. */
static int
translate_set(struct translator *t)
{
	buf_add_char(&t->out, '[');
	if (peek(t) == '^') {
		buf_add_char(&t->out, '^');
		t->at++;
	}
	while (peek(t) != ']') {
		char c = peek(t);

		if (c == '\0' || c == '[')
			return fail(t, "a set that is not closed, or [ in a set");
		t->at++;
		if (c != '\\')
			buf_add_char(&t->out, c);
		else if (translate_set_escape(t) < 0)
			return -1;
	}
	t->at++;
	buf_add_char(&t->out, ']');
	return count_item(t, 1);
}

static int
take_bound(struct translator *t, unsigned *ret_bound)
{
	unsigned bound = 0;

	if (!isdigit((unsigned char)peek(t)))
		return fail(t, "expected a number");
	while (isdigit((unsigned char)peek(t)) && bound <= REGEX_NODES_MAX)
		bound = bound * 10 + (unsigned)(t->pattern.p[t->at++] - '0');
	*ret_bound = bound;
	return 0;
}

/* Behind `{`: n} or n,} or n,m} */
static int
translate_bounds(struct translator *t)
{
	unsigned from;
	unsigned to;

	if (take_bound(t, &from) < 0)
		return -1;
	to = from;
	buf_printf(&t->out, "{%u", from);
	if (peek(t) == ',') {
		t->at++;
		buf_add_char(&t->out, ',');
		if (peek(t) != '}') {
			if (take_bound(t, &to) < 0)
				return -1;
			buf_printf(&t->out, "%u", to);
		}
	}
	if (peek(t) != '}')
		return fail(t, "expected }");
	t->at++;
	buf_add_char(&t->out, '}');
	return count_repeat(t, (to > from ? to : from) + 1);
}

/* Behind `(`. Groups capture nothing, so that (?: is ( . */
static int
translate_group(struct translator *t)
{
	if (peek(t) == '?') {
		if (t->at + 1 >= t->pattern.len || t->pattern.p[t->at + 1] != ':')
			return fail(t, "(? is not supported");
		t->at += 2;
	}
	if (++t->depth == REGEX_GROUPS_MAX)
		return fail(t, "groups are nested too deeply");
	t->sizes[t->depth] = (struct regex_size){0};
	buf_add_char(&t->out, '(');
	return 0;
}

/* Behind `)`. */
static int
translate_group_end(struct translator *t)
{
	unsigned nodes = t->sizes[t->depth].nodes;

	if (t->depth == 0)
		return fail(t, "a ) too many");
	t->depth--;
	buf_add_char(&t->out, ')');
	return count_item(t, nodes + 1);
}

static int
translate_one(struct translator *t)
{
	char c = t->pattern.p[t->at++];

	switch (c) {
	case '\\':
		return translate_escape(t);
	case '[':
		return translate_set(t);
	case '{':
		return translate_bounds(t);
	case '(':
		return translate_group(t);
	case ')':
		return translate_group_end(t);
	case '*':
	case '?':
		buf_add_char(&t->out, c);
		return count_repeat(t, 1);
	case '+':
		buf_add_char(&t->out, c);
		return count_repeat(t, 2);
	default:
		buf_add_char(&t->out, c);
		return count_item(t, 1);
	}
}

static int
translate(struct translator *t)
{
	/* The text must match as a whole. */
	buf_add_cstr(&t->out, "^(");
	while (t->at < t->pattern.len) {
		if (translate_one(t) < 0)
			return -1;
	}
	if (t->depth > 0)
		return fail(t, "a ( that is not closed");
	buf_add_cstr(&t->out, ")$");
	return 0;
}

static regex_t *
compile(const char *posix, bool ignore_case, struct err *err)
{
	regex_t *regex = mem_zalloc(1, sizeof(*regex));
	int flags = REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0);

	if (regcomp(regex, posix, flags) == 0)
		return regex;
	free(regex);
	err_set(err, ERR_INVALID, "a pattern that is no regular expression");
	return NULL;
}

regex_t *
filter_regex_new(struct str pattern, bool ignore_case, struct err *err)
{
	struct translator t = {.pattern = pattern, .err = err};
	regex_t *regex = NULL;

	if (pattern.len > REGEX_PATTERN_BYTES_MAX)
		err_set(
		    err, ERR_INVALID, "a pattern of more than %u bytes", REGEX_PATTERN_BYTES_MAX);
	else if (translate(&t) == 0)
		regex = compile(buf_cstr(&t.out), ignore_case, err);
	buf_fini(&t.out);
	return regex;
}

void
filter_regex_free(regex_t *regex)
{
	if (regex == NULL)
		return;
	regfree(regex);
	free(regex);
}

bool
filter_regex_matches(const regex_t *regex, const json_t *text)
{
	if (!json_is_string(text) || json_string_length(text) > REGEX_SUBJECT_BYTES_MAX)
		return false;
	return regexec(regex, json_string_value(text), 0, NULL, 0) == 0;
}
