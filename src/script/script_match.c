#include "script/script_budget.h"
#include "script/script_internal.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

/*
 * Lua's patterns, matched here and not by its own library: that one backtracks without a count, so
 * ("a"):rep(48):match(("a?"):rep(48) .. ("a"):rep(48)) takes days, during which no instruction of
 * the script's is counted. Here each step is paid for from the budget of the call, and where it is
 * used up Lua's error leaves the matcher from whatever depth, since it holds nothing.
 *
 * The pattern is read while it is matched, as in Lua: a fault in a part that is never reached is
 * not reported.
 * See: https://www.lua.org/manual/5.4/manual.html#6.4.1
 */

#define MATCH_DEPTH_MAX	   200 /* Lua's own limit, on the C stack here as there */
#define MATCH_CAPTURES_MAX 32  /* Lua's, too */
#define MATCH_BYTES_STEP   64  /* bytes that are compared or searched for one step */

enum capture_state { CAPTURE_OPEN, CAPTURE_CLOSED, CAPTURE_POSITION };

struct capture {
	enum capture_state state;
	const char *start;
	size_t len; /* once it is closed */
};

struct matcher {
	lua_State *L;
	const char *subject;
	const char *subject_end;
	const char *pattern;
	const char *pattern_end;
	int depth_left;
	int capture_count;
	struct capture captures[MATCH_CAPTURES_MAX];
};

static const char *match_here(struct matcher *m, const char *s, const char *p);

/* --- one character --- */

/* Behind the item for one character that begins at p: x, ., %x or [set]. */
static const char *
match_item_end(struct matcher *m, const char *p)
{
	const char *start = p;
	char first = *p++;

	if (first == '%') {
		if (p == m->pattern_end)
			luaL_error(m->L, "malformed pattern (ends with '%%')");
		return p + 1;
	}
	if (first != '[')
		return p;
	if (p < m->pattern_end && *p == '^')
		p++;
	/* A ] at the head is a member of the set. */
	do {
		if (p == m->pattern_end)
			luaL_error(m->L, "malformed pattern (missing ']')");
		if (*p++ == '%' && p < m->pattern_end)
			p++; /* whatever it is, it does not end the set */
	} while (p == m->pattern_end || *p != ']');
	script_spend(m->L, (size_t)(p - start));
	return p + 1;
}

/* %z is not in the manual any more, but in Lua. */
static int
match_is_nul(int c)
{
	return c == '\0';
}

/* What the letter behind a % takes; a capital one the rest. Without a class it is itself. */
static bool
match_class(int c, int letter)
{
	static const struct {
		char letter;
		int (*holds)(int c);
	} classes[] = {
	    {'a', isalpha},
	    {'c', iscntrl},
	    {'d', isdigit},
	    {'g', isgraph},
	    {'l', islower},
	    {'p', ispunct},
	    {'s', isspace},
	    {'u', isupper},
	    {'w', isalnum},
	    {'x', isxdigit},
	    {'z', match_is_nul},
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].letter == tolower(letter))
			return (classes[i].holds(c) != 0) != (isupper(letter) != 0);
	return c == letter;
}

/* set: from the [ to the ] that ends it. */
static bool
match_set(int c, const char *set, const char *set_end)
{
	const char *p = set + 1;
	bool negated = *p == '^';

	if (negated)
		p++;
	for (; p < set_end; p++) {
		int low = (unsigned char)*p;

		if (low == '%') {
			if (match_class(c, (unsigned char)*++p))
				return !negated;
		} else if (p[1] == '-' && p + 2 < set_end) {
			p += 2;
			if (low <= c && c <= (unsigned char)*p)
				return !negated;
		} else if (c == low) {
			return !negated;
		}
	}
	return negated;
}

/* Whether the item from p to end takes the character at s. */
static bool
match_single(struct matcher *m, const char *s, const char *p, const char *end)
{
	int c;

	script_spend(m->L, *p == '[' ? (size_t)(end - p) : 1);
	if (s == m->subject_end)
		return false;
	c = (unsigned char)*s;
	if (*p == '.')
		return true;
	if (*p == '%')
		return match_class(c, (unsigned char)p[1]);
	if (*p == '[')
		return match_set(c, p, end - 1);
	return (unsigned char)*p == c;
}

/* --- repetition: p to end is the item, behind end the * + or - --- */

/* As many as there are, then fewer. */
static const char *
match_most(struct matcher *m, const char *s, const char *p, const char *end)
{
	size_t count = 0;

	while (match_single(m, s + count, p, end))
		count++;
	for (;; count--) {
		const char *rest = match_here(m, s + count, end + 1);

		if (rest != NULL || count == 0)
			return rest;
	}
}

/* As few as there need to be. */
static const char *
match_least(struct matcher *m, const char *s, const char *p, const char *end)
{
	for (;; s++) {
		const char *rest = match_here(m, s, end + 1);

		if (rest != NULL || !match_single(m, s, p, end))
			return rest;
	}
}

/* --- captures, and the items that are longer than a character --- */

/* A capture is taken back where what follows it does not match. */
static const char *
match_open(struct matcher *m, const char *s, const char *p)
{
	bool is_position = p + 1 < m->pattern_end && p[1] == ')';
	const char *rest;

	if (m->capture_count == MATCH_CAPTURES_MAX)
		luaL_error(m->L, "too many captures");
	m->captures[m->capture_count++] =
	    (struct capture){.state = is_position ? CAPTURE_POSITION : CAPTURE_OPEN, .start = s};
	rest = match_here(m, s, p + (is_position ? 2 : 1));
	if (rest == NULL)
		m->capture_count--;
	return rest;
}

/* The innermost that is open. */
static const char *
match_close(struct matcher *m, const char *s, const char *p)
{
	int at = m->capture_count - 1;
	const char *rest;

	while (at >= 0 && m->captures[at].state != CAPTURE_OPEN)
		at--;
	if (at < 0)
		luaL_error(m->L, "invalid pattern capture");
	m->captures[at].state = CAPTURE_CLOSED;
	m->captures[at].len = (size_t)(s - m->captures[at].start);
	rest = match_here(m, s, p + 1);
	if (rest == NULL)
		m->captures[at].state = CAPTURE_OPEN;
	return rest;
}

/* %1 to %9: the text of a capture again. Behind it, or NULL. */
static const char *
match_back(struct matcher *m, const char *s, char digit)
{
	int at = digit - '1';
	const struct capture *capture = &m->captures[at];

	if (at < 0 || at >= m->capture_count || capture->state == CAPTURE_OPEN) {
		luaL_error(m->L, "invalid capture index %%%d", at + 1);
		return NULL; /* luaL_error does not return, but is not declared so */
	}
	if (capture->state == CAPTURE_POSITION)
		return NULL;
	script_spend(m->L, capture->len / MATCH_BYTES_STEP);
	if ((size_t)(m->subject_end - s) < capture->len ||
	    memcmp(capture->start, s, capture->len) != 0)
		return NULL;
	return s + capture->len;
}

/* %bxy: from an x to the y that balances it. p: at the x. */
static const char *
match_balanced(struct matcher *m, const char *s, const char *p)
{
	size_t open = 1;

	if (m->pattern_end - p < 2)
		luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
	if (s == m->subject_end || *s != p[0])
		return NULL;
	while (++s < m->subject_end) {
		script_spend(m->L, 1);
		if (*s == p[1]) {
			if (--open == 0)
				return s + 1;
		} else if (*s == p[0]) {
			open++;
		}
	}
	return NULL;
}

/* %f[set]: where the character before is not in the set and this one is; beyond both ends is a
 * NUL. p: at the [. */
static bool
match_frontier(struct matcher *m, const char *s, const char *p, const char *end)
{
	int before = s == m->subject ? '\0' : (unsigned char)s[-1];
	int here = s == m->subject_end ? '\0' : (unsigned char)*s;

	script_spend(m->L, (size_t)(end - p));
	return !match_set(before, p, end - 1) && match_set(here, p, end - 1);
}

/* At p, if it is %b, %f or a back reference: moves *s and *p behind it, *s is NULL where it does
 * not match. False: it is something else. */
static bool
match_special(struct matcher *m, const char **s, const char **p)
{
	const char *at = *p;
	const char *end;

	if (*at != '%' || at + 1 == m->pattern_end)
		return false;
	if (at[1] == 'b') {
		*s = match_balanced(m, *s, at + 2);
		*p = at + 4;
		return true;
	}
	if (at[1] == 'f') {
		if (at + 2 == m->pattern_end || at[2] != '[')
			luaL_error(m->L, "missing '[' after '%%f' in pattern");
		end = match_item_end(m, at + 2);
		if (!match_frontier(m, *s, at + 2, end))
			*s = NULL;
		*p = end;
		return true;
	}
	if (!isdigit((unsigned char)at[1]))
		return false;
	*s = match_back(m, *s, at[1]);
	*p = at + 2;
	return true;
}

/* Behind the match of the pattern from p on at s, or NULL. Calls itself where there is more than
 * one way to go on, or something to take back. */
static const char *
match_here(struct matcher *m, const char *s, const char *p)
{
	const char *rest = NULL;

	if (m->depth_left-- == 0)
		luaL_error(m->L, "pattern too complex");
	while (s != NULL) {
		const char *end;
		char repeat;

		script_spend(m->L, 1);
		if (p == m->pattern_end || (*p == '$' && p + 1 == m->pattern_end)) {
			rest = p == m->pattern_end || s == m->subject_end ? s : NULL;
			break;
		}
		if (*p == '(' || *p == ')') {
			rest = *p == '(' ? match_open(m, s, p) : match_close(m, s, p);
			break;
		}
		if (match_special(m, &s, &p))
			continue;
		end = match_item_end(m, p);
		repeat = end < m->pattern_end ? *end : '\0';
		if (repeat == '*' || repeat == '-') {
			rest = repeat == '*' ? match_most(m, s, p, end) : match_least(m, s, p, end);
			break;
		}
		if (repeat == '+') {
			rest = match_single(m, s, p, end) ? match_most(m, s + 1, p, end) : NULL;
			break;
		}
		if (repeat == '?') {
			if (match_single(m, s, p, end) &&
			    (rest = match_here(m, s + 1, end + 1)) != NULL)
				break;
			p = end + 1;
			continue;
		}
		s = match_single(m, s, p, end) ? s + 1 : NULL;
		p = end;
	}
	m->depth_left++;
	return rest;
}

/* --- what the four functions share --- */

/* The subject and the pattern are arguments or upvalues, so they stay where they are. */
static void
matcher_init(struct matcher *m, lua_State *L, int subject_index, int pattern_index)
{
	size_t subject_len;
	size_t pattern_len;

	*m = (struct matcher){.L = L};
	m->subject = luaL_checklstring(L, subject_index, &subject_len);
	m->subject_end = m->subject + subject_len;
	m->pattern = luaL_checklstring(L, pattern_index, &pattern_len);
	m->pattern_end = m->pattern + pattern_len;
}

/* One try, at s. */
static const char *
matcher_try(struct matcher *m, const char *s)
{
	m->depth_left = MATCH_DEPTH_MAX;
	m->capture_count = 0;
	return match_here(m, s, m->pattern);
}

/* Capture number at; without captures the whole match, from s to end, is the first. */
static void
matcher_push_capture(struct matcher *m, int at, const char *s, const char *end)
{
	const struct capture *capture = &m->captures[at];

	if (at >= m->capture_count) {
		if (at > 0)
			luaL_error(m->L, "invalid capture index %%%d", at + 1);
		lua_pushlstring(m->L, s, (size_t)(end - s));
		return;
	}
	if (capture->state == CAPTURE_OPEN)
		luaL_error(m->L, "unfinished capture");
	if (capture->state == CAPTURE_POSITION) {
		lua_pushinteger(m->L, capture->start - m->subject + 1);
		return;
	}
	script_spend(m->L, capture->len / MATCH_BYTES_STEP);
	lua_pushlstring(m->L, capture->start, capture->len);
}

/* s NULL: only what stands in parentheses. Returns how many. */
static int
matcher_push_captures(struct matcher *m, const char *s, const char *end)
{
	int count = m->capture_count == 0 && s != NULL ? 1 : m->capture_count;

	luaL_checkstack(m->L, count, "too many captures");
	for (int i = 0; i < count; i++)
		matcher_push_capture(m, i, s, end);
	return count;
}

/* The place in a text of len bytes that an argument means, from 0: a negative one counts from the
 * end, and what lies before the start is the start. May be beyond the end. */
static size_t
match_offset(lua_Integer init, size_t len)
{
	if (init > 0)
		return (size_t)init - 1;
	if (init == 0 || init < -(lua_Integer)len)
		return 0;
	return len + (size_t)init;
}

static bool
match_is_plain(const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (pattern[i] != '\0' && strchr("^$*+?.([%-", pattern[i]) != NULL)
			return false;
	return true;
}

/* memmem takes a time that is linear in both lengths. Lua's own search takes their product. */
static int
match_find_plain(struct matcher *m, const char *s)
{
	size_t len = (size_t)(m->pattern_end - m->pattern);
	const char *found;

	script_spend(m->L, ((size_t)(m->subject_end - s) + len) / MATCH_BYTES_STEP);
	found = memmem(s, (size_t)(m->subject_end - s), m->pattern, len);
	if (found == NULL) {
		lua_pushnil(m->L);
		return 1;
	}
	lua_pushinteger(m->L, found - m->subject + 1);
	lua_pushinteger(m->L, found - m->subject + (lua_Integer)len);
	return 2;
}

/* string.find and string.match differ in what they return. */
static int
match_first(lua_State *L, bool is_find)
{
	struct matcher m;
	bool anchored;
	const char *s;
	size_t start;

	matcher_init(&m, L, 1, 2);
	start = match_offset(luaL_optinteger(L, 3, 1), (size_t)(m.subject_end - m.subject));
	if (start > (size_t)(m.subject_end - m.subject)) {
		lua_pushnil(L);
		return 1;
	}
	s = m.subject + start;
	script_spend(L, (size_t)(m.pattern_end - m.pattern) / MATCH_BYTES_STEP);
	if (is_find &&
	    (lua_toboolean(L, 4) || match_is_plain(m.pattern, (size_t)(m.pattern_end - m.pattern))))
		return match_find_plain(&m, s);
	anchored = m.pattern < m.pattern_end && *m.pattern == '^';
	if (anchored)
		m.pattern++;
	do {
		const char *end = matcher_try(&m, s);

		if (end == NULL)
			continue;
		if (!is_find)
			return matcher_push_captures(&m, s, end);
		lua_pushinteger(L, s - m.subject + 1);
		lua_pushinteger(L, end - m.subject);
		return matcher_push_captures(&m, NULL, NULL) + 2;
	} while (s++ < m.subject_end && !anchored);
	lua_pushnil(L);
	return 1;
}

int
script_string_find(lua_State *L)
{
	return match_first(L, true);
}

int
script_string_match(lua_State *L)
{
	return match_first(L, false);
}

/* --- gmatch --- */

/* The upvalues of the iterator. */
enum {
	GMATCH_SUBJECT = 1,
	GMATCH_PATTERN,
	GMATCH_NEXT, /* where to look, from 0 */
	GMATCH_LAST, /* where the last match ended: an empty one is not found there again; or -1 */
	GMATCH_COUNT = GMATCH_LAST,
};

/* The end of the loop: no match, no value. */
static int
gmatch_next(lua_State *L)
{
	struct matcher m;
	const char *last;
	lua_Integer next = lua_tointeger(L, lua_upvalueindex(GMATCH_NEXT));
	lua_Integer last_at = lua_tointeger(L, lua_upvalueindex(GMATCH_LAST));

	matcher_init(&m, L, lua_upvalueindex(GMATCH_SUBJECT), lua_upvalueindex(GMATCH_PATTERN));
	last = last_at >= 0 ? m.subject + last_at : NULL;
	if (next > m.subject_end - m.subject)
		return 0;
	for (const char *s = m.subject + next; s <= m.subject_end; s++) {
		const char *end = matcher_try(&m, s);

		if (end == NULL || end == last)
			continue;
		lua_pushinteger(L, end - m.subject);
		lua_copy(L, -1, lua_upvalueindex(GMATCH_NEXT));
		lua_replace(L, lua_upvalueindex(GMATCH_LAST));
		return matcher_push_captures(&m, s, end);
	}
	return 0;
}

/* A ^ is no anchor here, as the loop would never get further.  words:keep */
int
script_string_gmatch(lua_State *L)
{
	size_t len;
	size_t start;

	luaL_checklstring(L, 1, &len);
	luaL_checkstring(L, 2);
	start = match_offset(luaL_optinteger(L, 3, 1), len);
	lua_settop(L, 2);
	lua_pushinteger(L, start > len ? (lua_Integer)len + 1 : (lua_Integer)start);
	lua_pushinteger(L, -1);
	lua_pushcclosure(L, gmatch_next, GMATCH_COUNT);
	return 1;
}

/* --- gsub --- */

/* The text that replaces the match from s to end, with %0 to %9 and %% in it. */
static void
gsub_add_text(struct matcher *m, luaL_Buffer *out, const char *s, const char *end)
{
	size_t len;
	const char *text = lua_tolstring(m->L, 3, &len);
	const char *text_end = text + len;

	script_spend(m->L, len / MATCH_BYTES_STEP);
	while (text < text_end) {
		const char *percent = memchr(text, '%', (size_t)(text_end - text));
		char c;

		if (percent == NULL)
			percent = text_end;
		luaL_addlstring(out, text, (size_t)(percent - text));
		if (percent == text_end)
			return;
		script_spend(m->L, 1);
		c = percent + 1 < text_end ? percent[1] : '\0';
		text = percent + 2;
		if (c == '%') {
			luaL_addchar(out, '%');
		} else if (c == '0') {
			luaL_addlstring(out, s, (size_t)(end - s));
		} else if (isdigit((unsigned char)c)) {
			matcher_push_capture(m, c - '1', s, end);
			luaL_tolstring(m->L, -1, NULL); /* a position is a number */
			lua_remove(m->L, -2);
			luaL_addvalue(out);
		} else {
			luaL_error(m->L, "invalid use of '%%' in replacement string");
		}
	}
}

/* Adds what stands in for the match from s to end. False: the match itself, as it was. */
static bool
gsub_add(struct matcher *m, luaL_Buffer *out, const char *s, const char *end)
{
	int type = lua_type(m->L, 3);

	if (type == LUA_TSTRING || type == LUA_TNUMBER) {
		gsub_add_text(m, out, s, end);
		return true;
	}
	if (type == LUA_TFUNCTION) {
		lua_pushvalue(m->L, 3);
		lua_call(m->L, matcher_push_captures(m, s, end), 1);
	} else {
		matcher_push_capture(m, 0, s, end);
		lua_gettable(m->L, 3);
	}
	if (!lua_toboolean(m->L, -1)) {
		lua_pop(m->L, 1);
		luaL_addlstring(out, s, (size_t)(end - s));
		return false;
	}
	if (!lua_isstring(m->L, -1))
		luaL_error(m->L, "invalid replacement value (a %s)", luaL_typename(m->L, -1));
	luaL_addvalue(out);
	return true;
}

/* An empty match right behind a match is not one. */
int
script_string_gsub(lua_State *L)
{
	struct matcher m;
	luaL_Buffer out;
	const char *s;
	const char *last = NULL;
	lua_Integer count = 0;
	lua_Integer count_max;
	bool anchored;
	bool changed = false;
	int type = lua_type(L, 3);

	matcher_init(&m, L, 1, 2);
	luaL_argexpected(L,
	    type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
		type == LUA_TTABLE,
	    3, "string/function/table");
	count_max = luaL_optinteger(L, 4, m.subject_end - m.subject + 1);
	anchored = m.pattern < m.pattern_end && *m.pattern == '^';
	if (anchored)
		m.pattern++;
	s = m.subject;
	luaL_buffinit(L, &out);
	while (count < count_max) {
		const char *end = matcher_try(&m, s);

		if (end != NULL && end != last) {
			count++;
			changed |= gsub_add(&m, &out, s, end);
			s = last = end;
		} else if (s < m.subject_end) {
			luaL_addchar(&out, *s++);
		} else {
			break;
		}
		if (anchored)
			break;
	}
	luaL_addlstring(&out, s, (size_t)(m.subject_end - s));
	luaL_pushresult(&out);
	if (!changed)
		lua_pushvalue(L, 1);
	lua_pushinteger(L, count);
	return 2;
}
