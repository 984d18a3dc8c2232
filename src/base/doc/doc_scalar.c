#include "base/doc/doc_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * YAML 1.1, which many programs still read, has yes, no, on and off as booleans, 017 as fifteen
 * and 1:30 as ninety: an account id with a leading zero would become another number. The core
 * schema of 1.2 has none of that. What JSON cannot hold (.inf, .nan) is an error here and not a
 * string: who wrote it meant a number.
 */

#define NUMBER_BYTES_MAX 400 /* a longer plain scalar is a string */

/* The plain scalars of the 1.2 core schema that are neither strings nor numbers. */
static const struct {
	const char *text;
	json_type type;
} words[] = {
    {"", JSON_NULL},
    {"~", JSON_NULL},
    {"null", JSON_NULL},
    {"Null", JSON_NULL},
    {"NULL", JSON_NULL},
    {"true", JSON_TRUE},
    {"True", JSON_TRUE},
    {"TRUE", JSON_TRUE},
    {"false", JSON_FALSE},
    {"False", JSON_FALSE},
    {"FALSE", JSON_FALSE},
};

/* The spellings are those of the schema: tRUE is a string. */
static json_t *
scalar_word(const char *text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].text) != 0)
			continue;
		if (words[i].type == JSON_NULL)
			return json_null();
		return json_boolean(words[i].type == JSON_TRUE);
	}
	return NULL;
}

/* [-+]?[0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+; integers beyond 64 bits become reals, as in
 * JSON. A leading zero is decimal here: 017 is seventeen. */
static json_t *
scalar_integer(const char *text)
{
	const char *digits = text + (*text == '-' || *text == '+');
	const char *allowed = "0123456789";
	int base = 10;
	long long value;

	if (strncmp(text, "0o", 2) == 0) {
		base = 8;
		digits = text + 2;
		allowed = "01234567";
	} else if (strncmp(text, "0x", 2) == 0) {
		base = 16;
		digits = text + 2;
		allowed = "0123456789abcdefABCDEF";
	}
	if (*digits == '\0' || digits[strspn(digits, allowed)] != '\0')
		return NULL;
	errno = 0;
	value = strtoll(base == 10 ? text : digits, NULL, base);
	if (errno == ERANGE)
		return json_real(strtod(text, NULL));
	return json_integer(value);
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? By hand and not by
 * strtod, which takes "0x1p3", "inf" and a locale's comma. */
static bool
scalar_is_float(const char *p)
{
	size_t whole;
	size_t fraction = 0;

	p += *p == '-' || *p == '+';
	whole = strspn(p, "0123456789");
	p += whole;
	if (*p == '.') {
		fraction = strspn(p + 1, "0123456789");
		p += 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		size_t exponent;

		p++;
		p += *p == '-' || *p == '+';
		exponent = strspn(p, "0123456789");
		if (exponent == 0)
			return false;
		p += exponent;
	}
	return *p == '\0';
}

/* The spellings are those of the schema, with a sign or without. */
static bool
scalar_is_infinite(const char *text)
{
	static const char *const spellings[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
	const char *unsigned_text = text + (*text == '-' || *text == '+');

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		if (strcmp(unsigned_text, spellings[i]) == 0)
			return true;
	return false;
}

/* A number of 400 digits was meant by nobody: a long text is not looked at. */
static int
scalar_number(const char *text, json_t **ret_value, struct tmf_err *err)
{
	double real;

	*ret_value = NULL;
	if (strlen(text) > NUMBER_BYTES_MAX)
		return 0;
	*ret_value = scalar_integer(text);
	if (*ret_value != NULL)
		return 0;
	if (scalar_is_infinite(text))
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "JSON has no number %s (quote it for a string)", text);
	if (!scalar_is_float(text))
		return 0;
	real = strtod(text, NULL);
	if (!isfinite(real))
		return tmf_err_set(err, TMF_ERR_INVALID, "the number %s is too large", text);
	*ret_value = json_real(real);
	return 0;
}

/* An integer is a float too: `!!float 1` is 1. */
static bool
scalar_fits_tag(const char *tag, const json_t *value)
{
	if (strcmp(tag, "int") == 0)
		return json_is_integer(value);
	if (strcmp(tag, "float") == 0)
		return json_is_number(value);
	if (strcmp(tag, "bool") == 0)
		return json_is_boolean(value);
	return strcmp(tag, "null") == 0 && json_is_null(value);
}

/* "!" is the tag of a string, whatever it looks like. A quoted scalar is a string unless a tag says
 * otherwise: !!int "7" is 7. */
int
doc_scalar_value(const struct doc_scalar *scalar, json_t **ret_value, struct tmf_err *err)
{
	static const char core[] = "tag:yaml.org,2002:";
	const char *tag = scalar->tag;
	json_t *value = NULL;
	bool string = tag == NULL ? !scalar->plain : strcmp(tag, "!") == 0;

	if (tag != NULL && !string) {
		if (strncmp(tag, core, sizeof(core) - 1) != 0)
			return tmf_err_set(err, TMF_ERR_INVALID, "unknown tag %s", tag);
		tag += sizeof(core) - 1;
		string = strcmp(tag, "str") == 0;
	}
	if (!string && memchr(scalar->text, '\0', scalar->bytes) == NULL) {
		value = scalar_word(scalar->text);
		if (value == NULL && scalar_number(scalar->text, &value, err) < 0)
			return -1;
	}
	if (tag != NULL && !string && (value == NULL || !scalar_fits_tag(tag, value))) {
		json_decref(value);
		return tmf_err_set(err, TMF_ERR_INVALID, "not a !!%s: \"%s\"", tag, scalar->text);
	}
	if (value == NULL)
		value = json_stringn(scalar->text, scalar->bytes);
	if (value == NULL)
		return tmf_err_set(err, TMF_ERR_INVALID, "the text is not UTF-8");
	*ret_value = value;
	return 0;
}
