#include "asl/path/regex.h"

#include "base/mem.h"
#include "base/watchdog.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Regular expressions after Java's, for =~: . [...] ( ) (?: ) | * + ? {n,m} ^ $ and \d \w \s.
 * Compiled to a program of at most REGEX_INSTS_MAX instructions and run as a set of threads, so
 * that time is bounded by program times text whatever the pattern (regcomp of the C library takes
 * exponential time and memory for some of a few dozen bytes). That product is still seconds for
 * the longest of both, and a filter matches every node of a list: so each match counts its steps,
 * which its caller takes from the budget of the path.
 * See: Russ Cox, Regular Expression Matching: the Virtual Machine Approach
 */
#define REGEX_PATTERN_BYTES_MAX 256u
#define REGEX_INSTS_MAX		1000u
#define REGEX_REPEAT_MAX	1000u
#define REGEX_SUBJECT_BYTES_MAX 8192u /* longer strings do not match */

/* SET reads a character; SPLIT goes on at two places; START and END pass only at the ends
 * of the text. */
enum regex_op { REGEX_SET, REGEX_SPLIT, REGEX_START, REGEX_END, REGEX_MATCH };

/* Code points, both ends included. */
struct regex_range {
	uint32_t low;
	uint32_t high;
};

struct regex_inst {
	enum regex_op op;
	bool negated;	/* SET */
	uint32_t first; /* SET: its ranges */
	uint32_t count;
	int32_t x; /* SPLIT: where to go on, relative, so that code can be moved and copied */
	int32_t y;
};

struct regex {
	bool ignore_case;
	struct regex_inst *insts;
	size_t inst_count;
	struct regex_range *ranges;
	size_t range_count;
};

/* The program is written while the pattern is read, without a tree in between. */
struct regex_compiler {
	struct str pattern;
	size_t at;
	struct regex *regex;
	struct tmf_err *err;
};

static int compile_alternatives(struct regex_compiler *c);

/* Refused rather than guessed: a pattern that Java reads in another way would filter
 * wrongly without a message. */
static int
regex_fail(struct regex_compiler *c, const char *what)
{
	return tmf_err_set(
	    c->err, TMF_ERR_INVALID, "in the pattern at character %zu: %s", c->at + 1, what);
}

/* A NUL at the end never stands for a character of the pattern, since expressions with a
 * NUL are refused. */
static char
peek(const struct regex_compiler *c)
{
	return c->at < c->pattern.len ? c->pattern.p[c->at] : '\0';
}

/* The end is asked for by its place, since '\0' alone would be ambiguous. */
static bool
accept(struct regex_compiler *c, char expected)
{
	if (c->at == c->pattern.len || c->pattern.p[c->at] != expected)
		return false;
	c->at++;
	return true;
}

/* The character at the head of well-formed UTF-8; moves past it. jansson gives only
 * well-formed UTF-8, so no check of the bytes is needed. */
static uint32_t
regex_take_char(const char *text, size_t len, size_t *at)
{
	unsigned char lead = (unsigned char)text[(*at)++];
	uint32_t code = lead < 0xc0   ? lead
			: lead < 0xe0 ? lead & 0x1fu
			: lead < 0xf0 ? lead & 0x0fu
				      : lead & 0x07u;

	while (lead >= 0xc0 && *at < len && ((unsigned char)text[*at] & 0xc0) == 0x80)
		code = code << 6 | ((unsigned char)text[(*at)++] & 0x3fu);
	return code;
}

/* Makes room for count instructions at index. In the middle, because an operator comes
 * behind what it applies to. The limit also bounds nested repeats, (a{100}){100} for
 * example, which multiply. */
static int
insert(struct regex_compiler *c, size_t index, size_t count)
{
	struct regex *regex = c->regex;

	assert(index <= regex->inst_count);
	if (regex->inst_count + count > REGEX_INSTS_MAX)
		return regex_fail(c, "the pattern is too large");
	regex->insts = mem_resize(regex->insts, regex->inst_count + count, sizeof(*regex->insts));
	memmove(regex->insts + index + count, regex->insts + index,
	    (regex->inst_count - index) * sizeof(*regex->insts));
	regex->inst_count += count;
	return 0;
}

/* Distances are relative to the instruction, so a copied piece needs no correction. */
static int
insert_split(struct regex_compiler *c, size_t index, ptrdiff_t x, ptrdiff_t y)
{
	if (insert(c, index, 1) < 0)
		return -1;
	c->regex->insts[index] =
	    (struct regex_inst){.op = REGEX_SPLIT, .x = (int32_t)x, .y = (int32_t)y};
	return 0;
}

static int
append(struct regex_compiler *c, const struct regex_inst *insts, size_t count)
{
	size_t index = c->regex->inst_count;

	if (insert(c, index, count) < 0)
		return -1;
	memcpy(c->regex->insts + index, insts, count * sizeof(*insts));
	return 0;
}

/* These instructions have nothing but their kind. */
static int
append_op(struct regex_compiler *c, enum regex_op op)
{
	return append(c, &(struct regex_inst){.op = op}, 1);
}

static void
add_range(struct regex *regex, uint32_t low, uint32_t high)
{
	regex->ranges = mem_resize(regex->ranges, regex->range_count + 1, sizeof(*regex->ranges));
	regex->ranges[regex->range_count++] = (struct regex_range){low, high};
}

/* The ranges from first on, as one instruction. */
static int
append_set(struct regex_compiler *c, size_t first, bool negated)
{
	return append(c,
	    &(struct regex_inst){.op = REGEX_SET,
		.negated = negated,
		.first = (uint32_t)first,
		.count = (uint32_t)(c->regex->range_count - first)},
	    1);
}

/* \d, \w and \s; false for another letter. Java's classes are those of ASCII by default,
 * and so are these. */
static bool
add_class(struct regex *regex, char letter)
{
	switch (letter) {
	case 'd':
		add_range(regex, '0', '9');
		return true;
	case 'w':
		add_range(regex, 'a', 'z');
		add_range(regex, 'A', 'Z');
		add_range(regex, '0', '9');
		add_range(regex, '_', '_');
		return true;
	case 's':
		add_range(regex, '\t', '\r');
		add_range(regex, ' ', ' ');
		return true;
	default:
		return false;
	}
}

/* Behind a backslash: a character that stands for itself, or a control. */
static int
take_escaped(struct regex_compiler *c, uint32_t *ret_char)
{
	static const char letters[] = "tnrf";
	static const char controls[] = "\t\n\r\f";
	const char *letter = peek(c) != '\0' ? strchr(letters, peek(c)) : NULL;

	if (letter != NULL)
		*ret_char = (uint32_t)controls[letter - letters];
	else if (ispunct((unsigned char)peek(c)) || peek(c) == ' ')
		*ret_char = (uint32_t)peek(c);
	else
		return regex_fail(c, "an escape that is not supported");
	c->at++;
	return 0;
}

/* A capital letter is the complement: \D is all but \d. A letter without a meaning here is
 * refused: in Java \b is a boundary and \p a class. */
static int
compile_escape(struct regex_compiler *c)
{
	size_t first = c->regex->range_count;
	char letter = peek(c);
	uint32_t character;

	if (add_class(c->regex, (char)tolower((unsigned char)letter))) {
		c->at++;
		return append_set(c, first, isupper((unsigned char)letter));
	}
	if (take_escaped(c, &character) < 0)
		return -1;
	add_range(c->regex, character, character);
	return append_set(c, first, false);
}

/* One end of a range within [...]. Java gives [ and && within a set a meaning, so both are
 * refused when they stand bare. */
static int
take_set_char(struct regex_compiler *c, uint32_t *ret_char)
{
	if (accept(c, '\\'))
		return take_escaped(c, ret_char);
	if (c->at == c->pattern.len || peek(c) == '[' || peek(c) == '&')
		return regex_fail(c, "a set that is not closed, or that holds [ or & bare");
	*ret_char = regex_take_char(c->pattern.p, c->pattern.len, &c->at);
	return 0;
}

/* a, a-z or \d within [...]. A minus at the end of the set is itself: [a-] takes "a" and
 * "-". */
static int
compile_set_item(struct regex_compiler *c)
{
	uint32_t low = 0;
	uint32_t high;

	if (peek(c) == '\\' && c->at + 1 < c->pattern.len &&
	    add_class(c->regex, c->pattern.p[c->at + 1])) {
		c->at += 2;
		return 0;
	}
	if (take_set_char(c, &low) < 0)
		return -1;
	high = low;
	if (peek(c) == '-' && c->at + 1 < c->pattern.len && c->pattern.p[c->at + 1] != ']') {
		c->at++;
		if (take_set_char(c, &high) < 0)
			return -1;
	}
	if (high < low)
		return regex_fail(c, "a range whose end comes before its start");
	add_range(c->regex, low, high);
	return 0;
}

/* Behind `[`. A do loop, because "]" at the head is a member of the set: a set is never
 * empty. */
static int
compile_set(struct regex_compiler *c)
{
	size_t first = c->regex->range_count;
	bool negated = accept(c, '^');

	do {
		if (compile_set_item(c) < 0)
			return -1;
	} while (!accept(c, ']'));
	return append_set(c, first, negated);
}

/* Behind `(`. Groups capture nothing. Groups nest on the C stack, at most as deep as the
 * pattern is long: 256. */
static int
compile_group(struct regex_compiler *c)
{
	if (accept(c, '?') && !accept(c, ':'))
		return regex_fail(c, "(? is not supported");
	if (compile_alternatives(c) < 0)
		return -1;
	return accept(c, ')') ? 0 : regex_fail(c, "expected )");
}

/* Any character but the ends of lines. */
static int
compile_any(struct regex_compiler *c)
{
	size_t first = c->regex->range_count;

	add_range(c->regex, '\n', '\n');
	add_range(c->regex, '\r', '\r');
	return append_set(c, first, true);
}

/* A quantifier at the head of a sequence has nothing before it. */
static int
compile_char(struct regex_compiler *c)
{
	size_t first = c->regex->range_count;
	uint32_t character;

	if (strchr("*+?{", peek(c)) != NULL)
		return regex_fail(c, "nothing to repeat");
	character = regex_take_char(c->pattern.p, c->pattern.len, &c->at);
	add_range(c->regex, character, character);
	return append_set(c, first, false);
}

/* The anchors are atoms as well; one that is repeated does no harm. */
static int
compile_atom(struct regex_compiler *c)
{
	if (accept(c, '\\'))
		return compile_escape(c);
	if (accept(c, '['))
		return compile_set(c);
	if (accept(c, '('))
		return compile_group(c);
	if (accept(c, '.'))
		return compile_any(c);
	if (accept(c, '^'))
		return append_op(c, REGEX_START);
	if (accept(c, '$'))
		return append_op(c, REGEX_END);
	return compile_char(c);
}

/* The bound is checked with each digit, so it cannot overflow. */
static int
take_bound(struct regex_compiler *c, unsigned *ret_bound)
{
	unsigned bound = 0;

	if (!isdigit((unsigned char)peek(c)))
		return regex_fail(c, "expected a number");
	while (isdigit((unsigned char)peek(c))) {
		bound = bound * 10 + (unsigned)(c->pattern.p[c->at++] - '0');
		if (bound > REGEX_REPEAT_MAX)
			return regex_fail(c, "too many repetitions");
	}
	*ret_bound = bound;
	return 0;
}

struct regex_repeat {
	unsigned least;
	unsigned most;
	bool open; /* without an upper bound */
};

/* Behind `{`. */
static int
take_bounds(struct regex_compiler *c, struct regex_repeat *repeat)
{
	if (take_bound(c, &repeat->least) < 0)
		return -1;
	repeat->most = repeat->least;
	repeat->open = false;
	if (accept(c, ',')) {
		repeat->open = peek(c) == '}';
		if (!repeat->open && take_bound(c, &repeat->most) < 0)
			return -1;
	}
	if (!accept(c, '}') || repeat->most < repeat->least)
		return regex_fail(c, "wrong bounds");
	return 0;
}

/* Appends the piece of code as often as repeat says. x{2,4} becomes x x x? x?, and x{2,}
 * becomes x x x*. The star is a split over the piece and a jump back to that split. */
static int
append_repeated(struct regex_compiler *c, const struct regex_inst *piece, size_t count,
    const struct regex_repeat *repeat)
{
	for (unsigned i = 0; i < repeat->most; i++) {
		/* What need not be there can be jumped over. */
		if (i >= repeat->least &&
		    insert_split(c, c->regex->inst_count, 1, (ptrdiff_t)count + 1) < 0)
			return -1;
		if (append(c, piece, count) < 0)
			return -1;
	}
	if (!repeat->open)
		return 0;
	if (insert_split(c, c->regex->inst_count, 1, (ptrdiff_t)count + 2) < 0 ||
	    append(c, piece, count) < 0)
		return -1;
	return insert_split(c, c->regex->inst_count, -(ptrdiff_t)count - 1, -(ptrdiff_t)count - 1);
}

/* Takes the code from start on away and puts it back repeated. */
static int
compile_repeat(struct regex_compiler *c, size_t start, const struct regex_repeat *repeat)
{
	size_t count = c->regex->inst_count - start;
	struct regex_inst *piece = mem_zalloc(count, sizeof(*piece));
	int rc;

	if (count > 0)
		memcpy(piece, c->regex->insts + start, count * sizeof(*piece));
	c->regex->inst_count = start;
	rc = count > 0 ? append_repeated(c, piece, count, repeat) : 0;
	free(piece);
	return rc;
}

/* Without a quantifier the code stays as it is. */
static int
compile_quantified(struct regex_compiler *c)
{
	size_t start = c->regex->inst_count;
	struct regex_repeat repeat = {.open = true};

	if (compile_atom(c) < 0)
		return -1;
	if (accept(c, '+'))
		repeat.least = repeat.most = 1;
	else if (accept(c, '?'))
		repeat = (struct regex_repeat){.most = 1};
	else if (accept(c, '{')) {
		if (take_bounds(c, &repeat) < 0)
			return -1;
	} else if (!accept(c, '*'))
		return 0;
	/* Lazy or not makes no difference where the whole text must match. */
	accept(c, '?');
	return compile_repeat(c, start, &repeat);
}

/* A sequence, or sequences with | between. a|b becomes: split to a or b; a; jump behind b;
 * b. The jump is a split whose two ways are one. Its distance is filled in when the length
 * of b is known. */
static int
compile_alternatives(struct regex_compiler *c)
{
	size_t start = c->regex->inst_count;
	size_t jump;
	ptrdiff_t length;

	while (c->at < c->pattern.len && peek(c) != '|' && peek(c) != ')') {
		if (compile_quantified(c) < 0)
			return -1;
	}
	if (!accept(c, '|'))
		return 0;
	length = (ptrdiff_t)(c->regex->inst_count - start);
	jump = c->regex->inst_count + 1;
	if (insert_split(c, start, 1, length + 2) < 0 || insert_split(c, jump, 0, 0) < 0 ||
	    compile_alternatives(c) < 0)
		return -1;
	length = (ptrdiff_t)(c->regex->inst_count - jump);
	c->regex->insts[jump].x = (int32_t)length;
	c->regex->insts[jump].y = (int32_t)length;
	return 0;
}

/* Matching is of the whole text, so the program ends with MATCH, which counts only at the
 * end. */
static int
compile(struct regex_compiler *c)
{
	if (c->pattern.len > REGEX_PATTERN_BYTES_MAX)
		return regex_fail(c, "the pattern is too long");
	if (compile_alternatives(c) < 0)
		return -1;
	if (c->at < c->pattern.len)
		return regex_fail(c, "a ) too many");
	return append_op(c, REGEX_MATCH);
}

struct regex *
regex_new(struct str pattern, bool ignore_case, struct tmf_err *err)
{
	struct regex_compiler c = {
	    .pattern = pattern, .regex = mem_zalloc(1, sizeof(*c.regex)), .err = err};

	c.regex->ignore_case = ignore_case;
	if (compile(&c) < 0) {
		regex_free(c.regex);
		return NULL;
	}
	return c.regex;
}

void
regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	free(regex->insts);
	free(regex->ranges);
	free(regex);
}

/* The threads that wait at one place of the text: instructions, each at most once. A thread
 * is only a place in the program: without captures two at one place are the same. */
struct regex_threads {
	size_t count;
	uint16_t at[REGEX_INSTS_MAX];
};

struct regex_run {
	const struct regex *regex;
	bool at_start;
	bool at_end;
	bool matched;
	uint32_t seen[REGEX_INSTS_MAX]; /* the round in which an instruction was last added */
	uint32_t round;
	uint64_t steps; /* so far */
};

/* Adds the instruction, or what it leads to without reading. Each instruction is added once
 * a round, so loops without a character, (a*)* for example, come to an end. */
static void
add_thread(struct regex_run *run, struct regex_threads *threads, size_t at)
{
	const struct regex_inst *inst = &run->regex->insts[at];

	assert(at < run->regex->inst_count);
	run->steps++;
	if (run->seen[at] == run->round)
		return;
	run->seen[at] = run->round;
	switch (inst->op) {
	case REGEX_SET:
		threads->at[threads->count++] = (uint16_t)at;
		break;
	case REGEX_SPLIT:
		add_thread(run, threads, (size_t)((ptrdiff_t)at + inst->x));
		add_thread(run, threads, (size_t)((ptrdiff_t)at + inst->y));
		break;
	case REGEX_START:
		if (run->at_start)
			add_thread(run, threads, at + 1);
		break;
	case REGEX_END:
		if (run->at_end)
			add_thread(run, threads, at + 1);
		break;
	case REGEX_MATCH:
		run->matched = run->at_end;
		break;
	}
}

/* A walk is enough, since a set has few ranges. */
static bool
in_ranges(struct regex_run *run, const struct regex_inst *inst, uint32_t character)
{
	run->steps += inst->count;
	for (uint32_t i = 0; i < inst->count; i++) {
		const struct regex_range *range = &run->regex->ranges[inst->first + i];

		if (character >= range->low && character <= range->high)
			return true;
	}
	return false;
}

/* Case is that of ASCII, as it is in Java by default. */
static bool
regex_takes(struct regex_run *run, const struct regex_inst *inst, uint32_t character)
{
	bool in = in_ranges(run, inst, character);

	if (!in && run->regex->ignore_case && character < 0x80)
		in = in_ranges(run, inst, (uint32_t)tolower((int)character)) ||
		     in_ranges(run, inst, (uint32_t)toupper((int)character));
	return in != inst->negated;
}

/* Two lists change places with each character. The depth of add_thread is bounded by the
 * number of instructions. */
static int
regex_run(const struct regex *regex, const char *text, size_t len, uint64_t *steps)
{
	struct regex_threads threads[2] = {{0}, {0}};
	struct regex_threads *now = &threads[0];
	struct regex_threads *next = &threads[1];
	struct regex_run run = {.regex = regex, .at_start = true, .at_end = len == 0, .round = 1};
	size_t at = 0;

	add_thread(&run, now, 0);
	while (at < len && now->count > 0 && run.steps < *steps && !watchdog_overdue()) {
		uint32_t character = regex_take_char(text, len, &at);
		struct regex_threads *done = now;

		run.at_start = false;
		run.at_end = at == len;
		run.round++;
		next->count = 0;
		for (size_t i = 0; i < now->count; i++) {
			if (regex_takes(&run, &regex->insts[now->at[i]], character))
				add_thread(&run, next, now->at[i] + 1u);
		}
		now = next;
		next = done;
	}
	if (run.steps >= *steps || watchdog_overdue()) {
		*steps = 0;
		return -1;
	}
	*steps -= run.steps;
	return run.matched;
}

int
regex_matches(const struct regex *regex, const json_t *text, uint64_t *steps)
{
	if (!json_is_string(text) || json_string_length(text) > REGEX_SUBJECT_BYTES_MAX)
		return 0;
	return regex_run(regex, json_string_value(text), json_string_length(text), steps);
}
