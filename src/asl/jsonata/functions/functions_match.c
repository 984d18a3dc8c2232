#include "asl/jsonata/functions/functions.h"

#include "asl/jsonata/pattern.h"
#include "asl/jsonata/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/*
 * Built-in functions that look for a string or a regular expression in a text. A function of the
 * user's may stand for the expression: it gives {match, start, end, groups, next}, and next gives
 * the match that follows. See: https://docs.jsonata.org/regex
 */

#define MATCHES_MAX 1e15 /* a larger limit does not matter */

/* What a matcher found: in bytes. */
struct found {
	size_t begin;
	size_t end;
	struct value text;
	struct value groups; /* an array */
	struct value next;   /* a matcher for what follows; undefined of a regular expression */
};

/* A matcher under way: a regular expression, or a function that behaves like one. */
struct matcher {
	struct evaluator *ev;
	const struct function *function;
	struct value text;
	size_t at; /* where a regular expression goes on */
	bool started;
	/* A place of the text, in bytes and in UTF-16 code units, from which on those of the next
	 * match are counted. */
	size_t counted_bytes, counted_units;
};

/* Group 0 is the match itself and is not listed. A group that took no part is undefined, so the
 * numbers of the others stay: /(a)|(b)/ on "b" has "b" as its second group. */
static struct value
groups_of(struct evaluator *ev, const struct value *text, const struct pattern_match *match)
{
	struct list *groups = list_new(&ev->heap, match->count);

	for (size_t i = 1; i < match->count; i++)
		list_push(&ev->heap, groups,
		    match->parts[i].begin == SIZE_MAX
			? value_undefined()
			: text_slice(text, match->parts[i].begin, match->parts[i].end));
	return value_list(groups);
}

/* An empty match would be found at one place for ever, so each but the first raises D1004: what
 * asks for one match, as $contains does, takes it. The end of the text is tested only after a first
 * match, so an empty text is searched as well. */
static bool
match_regex(struct matcher *m, struct found *found)
{
	struct pattern_match match;

	if (m->started && m->at >= m->text.len)
		return false;
	if (!pattern_find(m->function->u.regex.regex, m->text.u.text, m->text.len, m->at, &match,
		&m->ev->heap, m->ev->fault, m->ev->call_position))
		return false;
	if (m->started && match.parts[0].begin == match.parts[0].end)
		evaluator_raise(m->ev, "D1004");
	*found = (struct found){.begin = match.parts[0].begin,
	    .end = match.parts[0].end,
	    .text = text_slice(&m->text, match.parts[0].begin, match.parts[0].end),
	    .groups = groups_of(m->ev, &m->text, &match)};
	m->at = found->end;
	m->started = true;
	return true;
}

/* Of a function: {match, start, end, groups, next}, its positions in UTF-16 code units. The first
 * call passes the text, each later one calls the `next` of the match before, without arguments.
 * Positions are cut to the text, since a function may return any number. */
static bool
match_function(struct matcher *m, struct found *found)
{
	struct value result = m->started ? evaluator_call(m->ev, m->function, NULL, 0)
					 : evaluator_call(m->ev, m->function, &m->text, 1);
	struct value start, end;

	if (result.type == VALUE_UNDEFINED)
		return false;
	if (result.type != VALUE_OBJECT)
		evaluator_raise(m->ev, "T1010");
	start = value_member(&result, "start", 5);
	end = value_member(&result, "end", 3);
	found->groups = value_member(&result, "groups", 6);
	found->next = value_member(&result, "next", 4);
	if (start.type != VALUE_NUMBER || end.type != VALUE_NUMBER ||
	    found->groups.type != VALUE_ARRAY || found->next.type != VALUE_FUNCTION)
		evaluator_raise(m->ev, "T1010");
	found->text = value_member(&result, "match", 5);
	found->begin =
	    text_byte_at(&m->text, start.u.number > 0 ? (size_t)start.u.number : 0, true);
	found->end = text_byte_at(&m->text, end.u.number > 0 ? (size_t)end.u.number : 0, true);
	if (found->end < found->begin)
		evaluator_raise(m->ev, "T1010");
	m->function = found->next.u.function;
	m->started = true;
	return true;
}

static bool
matcher_next(struct matcher *m, struct found *found)
{
	return m->function->type == FUNCTION_REGEX ? match_regex(m, found)
						   : match_function(m, found);
}

/* A byte's place in UTF-16 code units. Matches come one behind the other, so that the text is
 * counted once for all of them. */
static double
matcher_units(struct matcher *m, size_t at)
{
	struct value rest = m->text;

	if (at < m->counted_bytes) /* of a function, which may give any place */
		m->counted_bytes = m->counted_units = 0;
	rest.u.text += m->counted_bytes;
	m->counted_units += text_utf16_index(&rest, at - m->counted_bytes);
	m->counted_bytes = at;
	return (double)m->counted_units;
}

/* Positions in an object are in UTF-16 code units, as JavaScript's index counts them; within this
 * file they are bytes. */
static struct value
match_object(struct evaluator *ev, struct matcher *m, const struct found *found)
{
	struct object *object = object_new(&ev->heap);

	object_set(&ev->heap, object, "match", 5, found->text);
	object_set(&ev->heap, object, "start", 5, value_number(matcher_units(m, found->begin)));
	object_set(&ev->heap, object, "end", 3, value_number(matcher_units(m, found->end)));
	object_set(&ev->heap, object, "groups", 6, found->groups);
	return value_object(object);
}

struct value
function_match(
    struct evaluator *ev, const struct pattern *regex, const struct value *text, size_t start)
{
	struct function *next = heap_alloc(&ev->heap, sizeof(*next));
	/* It lives for this call only: m is not kept, and `next` below has its own function on the
	 * heap. */
	struct function self = {.type = FUNCTION_REGEX, .u.regex = {.regex = regex}};
	struct matcher m = {.ev = ev, .function = &self, .text = *text, .at = start};
	struct found found;
	struct value object;

	m.started = start > 0;
	if (text->type != VALUE_STRING || !match_regex(&m, &found))
		return value_undefined();
	*next = (struct function){.type = FUNCTION_NEXT_MATCH,
	    .u.regex = {.regex = regex, .text = *text, .start = found.end}};
	object = match_object(ev, &m, &found);
	object_set(&ev->heap, object.u.object, "next", 4, value_function(next));
	return object;
}

/* The limit on a number of matches; SIZE_MAX where none is given. code: for one below zero. It is
 * compared with the count of matches so far, so a limit of 0.5 allows one. */
static size_t
match_limit(
    struct evaluator *ev, const struct value *args, size_t count, size_t which, const char *code)
{
	if (count <= which || args[which].type != VALUE_NUMBER)
		return SIZE_MAX;
	if (args[which].u.number < 0)
		evaluator_raise(ev, code);
	return args[which].u.number < MATCHES_MAX ? (size_t)ceil(args[which].u.number) : SIZE_MAX;
}

/* A signature lets undefined stand for any argument, but nothing can be looked for with that. */
static struct matcher
matcher_of(struct evaluator *ev, const struct value *args)
{
	if (args[1].type != VALUE_FUNCTION)
		evaluator_raise(ev, "T0410", "2", ev->call_name != NULL ? ev->call_name : "");
	return (struct matcher){.ev = ev, .text = args[0], .function = args[1].u.function};
}

/* $match("abc", /(b)/) is an object, not an array: a sequence of one stands for its element. */
struct value
function_matches(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list = list_sequence(&ev->heap);
	struct matcher m;
	struct found found;
	size_t limit;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	limit = match_limit(ev, args, count, 2, "D3040");
	m = matcher_of(ev, args);
	/* As in jsonata, the match behind the last one that is wanted is looked for, too. */
	while (limit > 0 && matcher_next(&m, &found) && list->count < limit) {
		struct object *object = object_new(&ev->heap);

		object_set(&ev->heap, object, "match", 5, found.text);
		object_set(
		    &ev->heap, object, "index", 5, value_number(matcher_units(&m, found.begin)));
		object_set(&ev->heap, object, "groups", 6, found.groups);
		list_push(&ev->heap, list, value_object(object));
	}
	return value_list(list);
}

/* The empty string is in every text: $contains("abc", "") is true. */
struct value
function_contains(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct matcher m;
	struct found found;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || args[1].type == VALUE_UNDEFINED)
		return value_undefined();
	if (args[1].type == VALUE_STRING)
		return value_boolean(text_find(&args[0], &args[1], 0) != SIZE_MAX);
	m = matcher_of(ev, args);
	return value_boolean(matcher_next(&m, &found));
}

/* The parts between the places of a string; of the empty string, the characters. $split("abc", "")
 * is ["a", "b", "c"]. It splits by characters, where JavaScript would cut pairs of surrogates in
 * two. */
static struct value
split_by_text(
    struct evaluator *ev, const struct value *text, const struct value *separator, size_t limit)
{
	struct list *list = list_new(&ev->heap, 0);
	size_t at = 0;

	while (list->count < limit) {
		size_t found = text_find(text, separator, at);
		size_t bytes = 0;

		if (separator->len == 0) {
			if (at >= text->len)
				break;
			text_decode(text->u.text + at, text->len - at, &bytes);
			found = at + bytes;
		}
		if (found == SIZE_MAX) {
			list_push(&ev->heap, list, text_slice(text, at, text->len));
			break;
		}
		list_push(&ev->heap, list, text_slice(text, at, found));
		at = found + separator->len;
	}
	return value_list(list);
}

struct value
function_split(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct list *list;
	struct matcher m;
	struct found found;
	size_t limit, at = 0;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	limit = match_limit(ev, args, count, 2, "D3020");
	/* Of a text JavaScript's own split takes the limit, which drops a fraction. */
	if (args[1].type == VALUE_STRING && limit != SIZE_MAX)
		limit = (size_t)args[2].u.number;
	else if (args[1].type == VALUE_STRING && count > 2 && isinf(args[2].u.number))
		limit = 0; /* as 32 bits of it */
	if (args[1].type == VALUE_STRING)
		return split_by_text(ev, &args[0], &args[1], limit);
	list = list_new(&ev->heap, 0);
	m = matcher_of(ev, args);
	while (limit > 0 && matcher_next(&m, &found) && list->count < limit) {
		list_push(&ev->heap, list, text_slice(&args[0], at, found.begin));
		at = found.end;
	}
	/* The limit counts parts: the rest of the text is dropped where the limit is reached
	 * before. */
	if (list->count < limit)
		list_push(&ev->heap, list, text_slice(&args[0], at, args[0].len));
	return value_list(list);
}

/* $join([]) is "", $join of undefined is undefined. The signature has seen to it that each part is
 * a string. */
struct value
function_join(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct text out = {.heap = &ev->heap};

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	for (size_t i = 0; i < value_count(&args[0]); i++) {
		struct value part = value_at(&args[0], i);

		if (i > 0 && count > 1 && args[1].type == VALUE_STRING)
			text_add_value(&out, &args[1]);
		text_add_value(&out, &part);
	}
	return text_value(&out);
}

/* --- $replace --- */

/* The number of a group behind a $: as many digits as the number of groups has, one less where that
 * is too large. Returns its digits; 0 where it has none. With 12 groups $12 is group 12; with 3
 * groups it is group 1 and the digit 2. A number beyond the groups stands for the empty string:
 * $replace("abc", /(b)/, "[$1$2]") is "a[b]c". */
static size_t
group_number(const struct value *replacement, size_t at, size_t groups, size_t *ret_number)
{
	size_t most = 1, digits;

	for (size_t n = groups; n >= 10; n /= 10)
		most++;
	for (;; most--) {
		*ret_number = 0;
		for (digits = 0; digits < most && at + digits < replacement->len &&
				 replacement->u.text[at + digits] >= '0' &&
				 replacement->u.text[at + digits] <= '9';
		     digits++)
			*ret_number =
			    *ret_number * 10 + (size_t)(replacement->u.text[at + digits] - '0');
		if (most == 1 || *ret_number <= groups)
			return digits;
	}
}

/* A replacement text: $0 is the match, $1 a group, $$ a dollar. A $ before anything else stays a
 * dollar. */
static void
add_replacement(struct text *out, const struct value *replacement, const struct found *found)
{
	size_t groups = value_count(&found->groups);

	for (size_t at = 0; at < replacement->len;) {
		size_t number, digits;

		if (replacement->u.text[at] != '$') {
			text_add_char(out, replacement->u.text[at++]);
			continue;
		}
		at++;
		if (at < replacement->len && replacement->u.text[at] == '$') {
			text_add_char(out, '$');
			at++;
			continue;
		}
		if (at < replacement->len && replacement->u.text[at] == '0') {
			text_add_value(out, &found->text);
			at++;
			continue;
		}
		digits = group_number(replacement, at, groups, &number);
		if (digits == 0) {
			text_add_char(out, '$');
		} else if (number >= 1 && number <= groups) {
			struct value group = value_at(&found->groups, number - 1);

			if (group.type == VALUE_STRING)
				text_add_value(out, &group);
		}
		at += digits;
	}
}

/* With a string as the pattern the replacement is literal: $1 has no meaning there. */
static struct value
replace_text(struct evaluator *ev, const struct value *args, size_t limit)
{
	struct text out = {.heap = &ev->heap};
	size_t at = 0;

	for (size_t n = 0; n < limit; n++) {
		size_t found = text_find(&args[0], &args[1], at);

		if (found == SIZE_MAX)
			break;
		if (args[2].type != VALUE_STRING)
			evaluator_raise(ev, "D3012");
		text_add(&out, args[0].u.text + at, found - at);
		text_add_value(&out, &args[2]);
		at = found + args[1].len;
	}
	text_add(&out, args[0].u.text + at, args[0].len - at);
	return text_value(&out);
}

struct value
function_replace(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct text out = {.heap = &ev->heap};
	struct matcher m;
	struct found found;
	size_t limit, at = 0;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	/* An empty pattern is refused before a limit below zero, as in jsonata. */
	if (args[1].type == VALUE_STRING && args[1].len == 0)
		evaluator_raise(ev, "D3010");
	limit = match_limit(ev, args, count, 3, "D3011");
	if (args[1].type == VALUE_STRING)
		return replace_text(ev, args, limit);
	m = matcher_of(ev, args);
	for (size_t n = 0; limit > 0 && matcher_next(&m, &found) && n < limit; n++) {
		text_add(&out, args[0].u.text + at, found.begin - at);
		if (args[2].type == VALUE_FUNCTION) {
			struct value match = match_object(ev, &m, &found);
			struct value text = evaluator_call(ev, args[2].u.function, &match, 1);

			/* A number is not cast: the result of the function must be a string. */
			if (text.type != VALUE_STRING)
				evaluator_raise(ev, "D3012");
			text_add_value(&out, &text);
		} else {
			add_replacement(&out, &args[2], &found);
		}
		at = found.end;
	}
	text_add(&out, args[0].u.text + at, args[0].len - at);
	return text_value(&out);
}
