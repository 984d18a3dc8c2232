#include "asl/jsonata/parser/lexer.h"

#include "asl/jsonata/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES_MAX 400 /* longer numbers are out of a double's range, or all zeros */
#define HIGH_SURROGATE	 0xd800u
#define LOW_SURROGATE	 0xdc00u

/* Any of these ends a name: a-b is a difference; a member of that name needs backticks. */
static const char single_operators[] = ".[]{}(),@#;:?+-*/%|=<>^&!~";

static const struct {
	char text[3];
	int op;
} double_operators[] = {
    {"..", OP_RANGE},
    {":=", OP_BIND},
    {"!=", OP_NOT_EQUAL},
    {">=", OP_AT_LEAST},
    {"<=", OP_AT_MOST},
    {"**", OP_DESCENDANT},
    {"~>", OP_APPLY},
    {"?:", OP_DEFAULT},
    {"??", OP_COALESCE},
};

static const struct {
	const char *text;
	int op;
} word_operators[] = {{"and", OP_AND}, {"or", OP_OR}, {"in", OP_IN}};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* An operator of one character is its own number, so it needs a buffer to become a text. */
const char *
lexer_operator_text(int op, char buffer[3])
{
	for (size_t i = 0; i < COUNT_OF(double_operators); i++) {
		if (double_operators[i].op == op)
			return double_operators[i].text;
	}
	for (size_t i = 0; i < COUNT_OF(word_operators); i++) {
		if (word_operators[i].op == op)
			return word_operators[i].text;
	}
	buffer[0] = (char)op;
	buffer[1] = '\0';
	return buffer;
}

/* The set that jsonata's tokenizer skips. */
static bool
lexer_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v';
}

/* Skips blanks and comments. Comments do not nest: the first end mark closes one. Blanks may follow
 * a comment and comments blanks, hence the loop. */
static void
lexer_skip(struct lexer *lexer)
{
	for (;;) {
		const char *end;

		while (lexer->at < lexer->len && lexer_is_blank(lexer->text[lexer->at]))
			lexer->at++;
		if (lexer->len - lexer->at < 2 || memcmp(lexer->text + lexer->at, "/*", 2) != 0)
			return;
		end = memmem(lexer->text + lexer->at + 2, lexer->len - lexer->at - 2, "*/", 2);
		if (end == NULL)
			fault_raise(lexer->fault, (uint32_t)lexer->at, "S0106");
		lexer->at = (size_t)(end - lexer->text) + 2;
	}
}

/* --- strings --- */

/* Exactly four digits, in either case. Where the text ends before that, it is the string that is
 * not complete. */
static unsigned
lexer_hex(struct lexer *lexer)
{
	unsigned unit = 0;
	uint32_t position = (uint32_t)lexer->at - 1; /* of the u */

	if (lexer->len - lexer->at < 4 && lexer->len > lexer->at &&
	    strspn(lexer->text + lexer->at, "0123456789abcdefABCDEF") >= lexer->len - lexer->at)
		fault_raise(lexer->fault, (uint32_t)lexer->len, "S0101");
	for (size_t i = 0; i < 4; i++) {
		char c = lexer->at < lexer->len ? lexer->text[lexer->at] : '\0';
		const char *digits = "0123456789abcdef";
		const char *found = c != '\0' ? strchr(digits, c | 0x20) : NULL;

		/* c | 0x20 makes control characters of 0x10 to 0x19 digits. */
		if (found == NULL || c < '0')
			fault_raise(lexer->fault, position, "S0104");
		unit = unit * 16 + (unsigned)(found - digits);
		lexer->at++;
	}
	return unit;
}

/* Behind \u: a character, of two escapes where they are a pair of surrogates. A lone surrogate is
 * kept, in three bytes as if it were a character: $encodeUrl refuses it, the output replaces it.
 * JavaScript's strings are UTF-16, so an emoji needs two escapes there. */
static uint32_t
lexer_unicode(struct lexer *lexer)
{
	uint32_t unit = lexer_hex(lexer);
	uint32_t low;
	size_t before = lexer->at;

	if (unit < HIGH_SURROGATE || unit > 0xdfff)
		return unit;
	if (unit < LOW_SURROGATE && lexer->len - lexer->at >= 6 &&
	    memcmp(lexer->text + lexer->at, "\\u", 2) == 0) {
		lexer->at += 2;
		low = lexer_hex(lexer);
		if (low >= LOW_SURROGATE && low <= 0xdfff)
			return 0x10000 + ((unit - HIGH_SURROGATE) << 10) + (low - LOW_SURROGATE);
		/* The second escape is not the other half: it is left for the next call. */
		lexer->at = before;
	}
	return unit;
}

/* The character of an escape. The escapes of JSON and no others: \' is S0103 even within single
 * quotes. */
static uint32_t
lexer_escape(struct lexer *lexer)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	char c = lexer->at < lexer->len ? lexer->text[lexer->at++] : '\0';
	const char *found = c != '\0' ? strchr(letters, c) : NULL;
	char shown[2] = {c, '\0'};

	if (c == 'u')
		return lexer_unicode(lexer);
	if (found == NULL) {
		fault_set_token(lexer->fault, shown, 1);
		fault_raise(lexer->fault, (uint32_t)lexer->at - (c != '\0'), "S0103", shown);
	}
	return (unsigned char)meanings[found - letters];
}

/* Either quote is allowed, and a line break within a string too. A string without escapes is not
 * copied: it borrows the text of the expression. */
static struct token
lexer_string(struct lexer *lexer)
{
	char quote = lexer->text[lexer->at++];
	size_t start = lexer->at;
	size_t end = start;
	bool has_escapes = false;
	char *out;
	size_t len = 0;

	while (end < lexer->len && lexer->text[end] != quote) {
		has_escapes = has_escapes || lexer->text[end] == '\\';
		end += lexer->text[end] == '\\' ? 2 : 1;
	}
	if (!has_escapes && end < lexer->len) {
		lexer->at = end + 1;
		return (struct token){.type = TOKEN_STRING,
		    .text = lexer->text + start,
		    .len = (uint32_t)(end - start),
		    .value = value_string(lexer->text + start, end - start)};
	}
	/* Each escape is longer than the character that it stands for. */
	out = heap_alloc(lexer->heap, (end < lexer->len ? end : lexer->len) - start + 1);
	while (lexer->at < lexer->len && lexer->text[lexer->at] != quote) {
		if (lexer->text[lexer->at] != '\\') {
			out[len++] = lexer->text[lexer->at++];
			continue;
		}
		lexer->at++;
		len += text_encode(out + len, lexer_escape(lexer));
	}
	if (lexer->at == lexer->len)
		fault_raise(lexer->fault, (uint32_t)lexer->at, "S0101");
	lexer->at++;
	return (struct token){.type = TOKEN_STRING,
	    .text = out,
	    .len = (uint32_t)len,
	    .value = value_string(out, len)};
}

/* --- numbers, names, regular expressions --- */

static bool
lexer_is_digit(const struct lexer *lexer, size_t at)
{
	return at < lexer->len && lexer->text[at] >= '0' && lexer->text[at] <= '9';
}

static size_t
lexer_digits(const struct lexer *lexer, size_t at)
{
	while (lexer_is_digit(lexer, at))
		at++;
	return at;
}

/* The grammar of JSON without its sign: 01 is the number 0 and then 1. An e without digits is not
 * taken, so 1e is 1 and then a name. */
static struct token
lexer_number(struct lexer *lexer)
{
	size_t start = lexer->at;
	size_t end = lexer->text[start] == '0' ? start + 1 : lexer_digits(lexer, start);
	struct token token = {.type = TOKEN_NUMBER, .text = lexer->text + start};
	char copy[NUMBER_BYTES_MAX + 1];

	/* "1..5" is a range: the point belongs to the number only before a digit. */
	if (end < lexer->len && lexer->text[end] == '.' && lexer_is_digit(lexer, end + 1))
		end = lexer_digits(lexer, end + 1);
	if (end < lexer->len && (lexer->text[end] | 0x20) == 'e') {
		size_t digits = end + 1;

		if (digits < lexer->len &&
		    (lexer->text[digits] == '+' || lexer->text[digits] == '-'))
			digits++;
		if (lexer_is_digit(lexer, digits))
			end = lexer_digits(lexer, digits);
	}
	token.len = (uint32_t)(end - start);
	lexer->at = end;
	snprintf(copy, sizeof(copy), "%.*s",
	    (int)(token.len < NUMBER_BYTES_MAX ? token.len : NUMBER_BYTES_MAX), token.text);
	token.value = value_number(strtod(copy, NULL));
	if (!isfinite(token.value.u.number)) {
		fault_set_token(lexer->fault, token.text, token.len);
		fault_raise(lexer->fault, (uint32_t)start, "S0102", copy);
	}
	return token;
}

/* `a name in backticks`. Such a name has no escapes, so it cannot hold a backtick. */
static struct token
lexer_quoted_name(struct lexer *lexer)
{
	const char *start = lexer->text + lexer->at + 1;
	const char *end = memchr(start, '`', lexer->len - lexer->at - 1);

	if (end == NULL)
		fault_raise(lexer->fault, (uint32_t)lexer->len, "S0105");
	lexer->at = (size_t)(end - lexer->text) + 1;
	return (struct token){.type = TOKEN_NAME, .text = start, .len = (uint32_t)(end - start)};
}

/* A name, a variable, a constant, or an operator that is a word. A name is whatever stands up to a
 * blank or an operator, in any script. The words and, or, in are operators here; the parser makes
 * names of them where no operator can stand: {"and": 1}.and is 1. */
static struct token
lexer_word(struct lexer *lexer)
{
	struct token token = {.type = TOKEN_NAME, .text = lexer->text + lexer->at};

	while (lexer->at < lexer->len && !lexer_is_blank(lexer->text[lexer->at]) &&
	       strchr(single_operators, lexer->text[lexer->at]) == NULL)
		lexer->at++;
	token.len = (uint32_t)(lexer->text + lexer->at - token.text);
	if (token.len == 0) /* a NUL */
		fault_raise(lexer->fault, (uint32_t)lexer->at, "S0204", "\\0");
	if (token.text[0] == '$') {
		token.type = TOKEN_VARIABLE;
		token.text++;
		token.len--;
		return token;
	}
	for (size_t i = 0; i < COUNT_OF(word_operators); i++) {
		if (strlen(word_operators[i].text) == token.len &&
		    memcmp(word_operators[i].text, token.text, token.len) == 0) {
			token.type = TOKEN_OPERATOR;
			token.op = word_operators[i].op;
		}
	}
	if ((token.len == 4 && memcmp(token.text, "true", 4) == 0) ||
	    (token.len == 5 && memcmp(token.text, "false", 5) == 0)) {
		token.type = TOKEN_CONSTANT;
		token.value = value_boolean(token.len == 4);
	} else if (token.len == 4 && memcmp(token.text, "null", 4) == 0) {
		token.type = TOKEN_CONSTANT;
		token.value = value_null();
	}
	return token;
}

/* A / ends the pattern where it is not escaped and not within brackets of any kind. As in jsonata,
 * /[/]/ and /(a/b)/ are each one pattern. */
static struct token
lexer_regex(struct lexer *lexer)
{
	struct token token = {.type = TOKEN_REGEX, .text = lexer->text + lexer->at + 1};
	int depth = 0;

	for (lexer->at++; lexer->at < lexer->len; lexer->at++) {
		char c = lexer->text[lexer->at];
		bool escaped = false;

		/* An even count of backslashes escapes itself, an odd one escapes the character. */
		for (size_t back = lexer->at; back > 0 && lexer->text[back - 1] == '\\'; back--)
			escaped = !escaped;
		if (c == '/' && !escaped && depth == 0)
			break;
		if (!escaped)
			depth +=
			    (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
	}
	if (lexer->at == lexer->len)
		fault_raise(lexer->fault, (uint32_t)lexer->at, "S0302");
	token.len = (uint32_t)(lexer->text + lexer->at - token.text);
	if (token.len == 0)
		fault_raise(lexer->fault, (uint32_t)lexer->at, "S0301");
	for (lexer->at++; lexer->at < lexer->len; lexer->at++) {
		/* Flags may repeat; g is not one of them and would begin a name. */
		if (lexer->text[lexer->at] == 'i')
			token.regex_ignores_case = true;
		else if (lexer->text[lexer->at] == 'm')
			token.regex_multiline = true;
		else
			break;
	}
	return token;
}

/* Two characters win over one: a..b is a range, not two steps. */
static struct token
lexer_operator(struct lexer *lexer)
{
	struct token token = {.type = TOKEN_OPERATOR, .text = lexer->text + lexer->at, .len = 1};

	for (size_t i = 0; i < COUNT_OF(double_operators) && lexer->len - lexer->at >= 2; i++) {
		if (memcmp(token.text, double_operators[i].text, 2) == 0) {
			token.op = double_operators[i].op;
			token.len = 2;
		}
	}
	/* An operator of one character is represented by that character. */
	if (token.len == 1)
		token.op = (unsigned char)token.text[0];
	lexer->at += token.len;
	return token;
}

/* A slash is a division after an operand and starts a regular expression elsewhere, which only the
 * parser knows. The position is the end of the token: jsonata reports errors there. */
struct token
lexer_next(struct lexer *lexer, bool infix)
{
	struct token token;
	char c;

	lexer_skip(lexer);
	if (lexer->at == lexer->len)
		return (struct token){.type = TOKEN_END, .position = (uint32_t)lexer->len};
	c = lexer->text[lexer->at];
	/* Comments have been skipped, so a slash here is not the start of one. */
	if (c == '/' && !infix)
		token = lexer_regex(lexer);
	else if (c == '"' || c == '\'')
		token = lexer_string(lexer);
	else if (c >= '0' && c <= '9')
		token = lexer_number(lexer);
	else if (c == '`')
		token = lexer_quoted_name(lexer);
	else if (c != '\0' && strchr(single_operators, c) != NULL)
		token = lexer_operator(lexer);
	else
		token = lexer_word(lexer);
	token.position = (uint32_t)lexer->at;
	return token;
}
