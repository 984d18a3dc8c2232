#include "asl/jsonata/signature.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PARAMETERS_MAX 32 /* of one signature; the longest built-in one has four */

/* The kinds of arguments, as bits. */
enum kind {
	KIND_BOOLEAN = 1u << 0,	 /* b */
	KIND_NUMBER = 1u << 1,	 /* n */
	KIND_STRING = 1u << 2,	 /* s */
	KIND_NULL = 1u << 3,	 /* l */
	KIND_ARRAY = 1u << 4,	 /* a */
	KIND_OBJECT = 1u << 5,	 /* o */
	KIND_FUNCTION = 1u << 6, /* f */
	KIND_MISSING = 1u << 7,	 /* m: undefined */
	KIND_ANY_BUT_FUNCTION = KIND_BOOLEAN | KIND_NUMBER | KIND_STRING | KIND_NULL | KIND_ARRAY |
				KIND_OBJECT | KIND_MISSING,
	KIND_ANY = KIND_ANY_BUT_FUNCTION | KIND_FUNCTION,
};

/* "?" and "-" make a parameter optional, "+" lets it repeat. */
enum repeat { REPEAT_ONCE, REPEAT_OPTIONAL, REPEAT_MANY };

/* Types after a colon, those of the result, are read over: jsonata does not check them either. */
struct parameter {
	uint8_t kinds; /* enum kind: which arguments it takes */
	uint8_t
	    context; /* the context stands in for it where it is of these kinds; 0: it does not */
	uint8_t element; /* a<s>: what the elements must be; 0: anything */
	bool is_array;	 /* any other value is put into an array */
	uint8_t repeat;	 /* enum repeat */
};

struct signature {
	size_t count;
	struct parameter at[];
};

/* 0 marks any other character, which lets a caller separate a type letter from other characters. */
static uint8_t
kind_of_letter(char letter)
{
	switch (letter) {
	case 'b':
		return KIND_BOOLEAN;
	case 'n':
		return KIND_NUMBER;
	case 's':
		return KIND_STRING;
	case 'l':
		return KIND_NULL;
	case 'a':
		return KIND_ARRAY;
	case 'o':
		return KIND_OBJECT;
	case 'f':
		return KIND_FUNCTION;
	default:
		return 0;
	}
}

/* Undefined has a kind of its own: a parameter of any type accepts a missing value, and most
 * functions return it unchanged. */
static uint8_t
kind_of_value(const struct value *value)
{
	switch ((enum value_type)value->type) {
	case VALUE_UNDEFINED:
		return KIND_MISSING;
	case VALUE_NULL:
		return KIND_NULL;
	case VALUE_BOOLEAN:
		return KIND_BOOLEAN;
	case VALUE_NUMBER:
		return KIND_NUMBER;
	case VALUE_STRING:
		return KIND_STRING;
	case VALUE_ARRAY:
		return KIND_ARRAY;
	case VALUE_OBJECT:
		return KIND_OBJECT;
	case VALUE_FUNCTION:
		return KIND_FUNCTION;
	}
	return 0;
}

/* --- parsing --- */

/* The position behind the bracket that closes the one at `at`. An unclosed bracket extends to the
 * end of the text: the signature is then as good as cut off there. */
static size_t
signature_skip(const char *text, size_t len, size_t at, char open, char close)
{
	int depth = 0;

	for (; at < len; at++) {
		depth += (text[at] == open) - (text[at] == close);
		if (depth == 0)
			return at + 1;
	}
	return len;
}

/* A choice (sn) behind its parenthesis. A choice always accepts undefined, as single types do. */
static uint8_t
signature_choice(const char *text, size_t from, size_t to)
{
	uint8_t kinds = KIND_MISSING;

	for (size_t i = from; i < to; i++)
		kinds |= text[i] == 'x'	  ? KIND_ANY
			 : text[i] == 'j' ? KIND_ANY_BUT_FUNCTION
					  : kind_of_letter(text[i]);
	return kinds;
}

/* A function parameter is the one that does not accept undefined: $map(a, absent) is T0410. */
static struct parameter
parameter_of_letter(char letter)
{
	struct parameter parameter = {.kinds = kind_of_letter(letter) | KIND_MISSING};

	if (letter == 'x')
		parameter.kinds = KIND_ANY;
	if (letter == 'j')
		parameter.kinds = KIND_ANY_BUT_FUNCTION;
	if (letter == 'f')
		parameter.kinds = KIND_FUNCTION;
	if (letter == 'a') {
		/* A single value counts as an array of one. */
		parameter.kinds = KIND_ANY;
		parameter.is_array = true;
	}
	return parameter;
}

/* <s-:s> takes the context where no argument is given; <n?> an optional number; <x+> one or more of
 * any type. The text begins with "<", so the scan starts behind it. */
const struct signature *
signature_parse(
    const char *text, size_t len, uint32_t position, struct heap *heap, struct fault *fault)
{
	struct parameter parameters[PARAMETERS_MAX] = {0};
	struct parameter *last = NULL;
	struct signature *signature;
	size_t count = 0, end;

	for (size_t i = 1; i < len && text[i] != ':' && text[i] != '>'; i++) {
		if (text[i] == '-' && last != NULL) {
			last->context = last->kinds;
			last->repeat = REPEAT_OPTIONAL;
		} else if (text[i] == '?' && last != NULL) {
			last->repeat = REPEAT_OPTIONAL;
		} else if (text[i] == '+' && last != NULL) {
			last->repeat = REPEAT_MANY;
		} else if (text[i] == '<') {
			end = signature_skip(text, len, i, '<', '>');
			if (last == NULL || (!last->is_array && last->kinds != KIND_FUNCTION))
				fault_raise(fault, position + (uint32_t)i, "S0401");
			/* f<n:n> describes a function's own signature, which is not checked. */
			if (last->is_array)
				last->element = kind_of_letter(text[i + 1]);
			i = end - 1;
		} else if (count == PARAMETERS_MAX) {
			fault_raise(fault, position, "S0500");
		} else if (text[i] == '(') {
			end = signature_skip(text, len, i, '(', ')');
			/* jsonata has no elements' type within a choice. */
			if (memchr(text + i, '<', end - i) != NULL)
				fault_raise(fault, position + (uint32_t)i, "S0402");
			last = &parameters[count++];
			*last = (struct parameter){.kinds = signature_choice(text, i + 1, end)};
			i = end - 1;
		} else if (kind_of_letter(text[i]) != 0 || text[i] == 'x' || text[i] == 'j') {
			last = &parameters[count++];
			*last = parameter_of_letter(text[i]);
		}
	}
	signature = heap_alloc(heap, sizeof(*signature) + count * sizeof(parameters[0]));
	signature->count = count;
	memcpy(signature->at, parameters, count * sizeof(parameters[0]));
	return signature;
}

/* --- checking --- */

struct matching {
	const struct signature *signature;
	struct arguments given;
	size_t counts[PARAMETERS_MAX]; /* how many arguments each parameter takes */
	unsigned char *failed;	       /* [parameter][argument]: known not to match from there on */
};

static bool
matching_takes(const struct matching *m, size_t parameter, size_t argument)
{
	return argument < m->given.count &&
	       (m->signature->at[parameter].kinds & kind_of_value(&m->given.at[argument])) != 0;
}

/* Deals the arguments from `argument` on out to the parameters from `parameter` on: the first as
 * many as they can have, as a regular expression would. Without the memory of failed positions a
 * signature such as <s?s?s?s?> would take exponential time. */
static bool
matching_deal(struct matching *m, size_t parameter, size_t argument)
{
	const struct parameter *p = &m->signature->at[parameter];
	unsigned char *failed;
	size_t most = 0, least;

	if (parameter == m->signature->count)
		return argument == m->given.count;
	failed = &m->failed[parameter * (m->given.count + 1) + argument];
	if (*failed)
		return false;
	/* An argument of the wrong type may also be left out by an optional parameter and taken by
	 * the next. */
	least = p->repeat == REPEAT_OPTIONAL ? 0 : 1;
	while ((most == 0 || p->repeat == REPEAT_MANY) &&
	       matching_takes(m, parameter, argument + most))
		most++;
	for (size_t count = most + 1; count-- > least;) {
		m->counts[parameter] = count;
		if (matching_deal(m, parameter + 1, argument + count))
			return true;
	}
	*failed = 1;
	return false;
}

/* Raises T0410 for the first argument that no parameter takes. The count stops at the first
 * argument that its parameter refuses, so the error names the argument that a user would
 * correct. */
static _Noreturn void
matching_raise(const struct matching *m, const char *name, struct fault *fault)
{
	size_t good = 0;
	char number[24];

	for (size_t i = 0; i < m->signature->count && matching_takes(m, i, good); i++)
		good++;
	snprintf(number, sizeof(number), "%zu", good + 1);
	fault_raise(fault, fault->call_position, "T0410", number, name);
}

/* The plural serves the message of T0412: "an array of numbers". */
static const char *
kind_name(unsigned kind)
{
	switch (kind) {
	case KIND_BOOLEAN:
		return "booleans";
	case KIND_NUMBER:
		return "numbers";
	case KIND_STRING:
		return "strings";
	case KIND_OBJECT:
		return "objects";
	case KIND_ARRAY:
		return "arrays";
	case KIND_FUNCTION:
		return "functions";
	default:
		return "nulls";
	}
}

/* An argument of an array parameter: as an array, its elements checked. a<n> of a single number is
 * an array of one: $sum(1) is 1. Undefined passes through, so that $sum(absent) is undefined. */
static struct value
signature_array(const struct parameter *parameter, const struct value *value, size_t number,
    const char *name, struct heap *heap, struct fault *fault)
{
	bool good = parameter->element == 0 || value->type == VALUE_ARRAY ||
		    kind_of_value(value) == parameter->element;
	struct list *list;

	if (value->type == VALUE_UNDEFINED)
		return *value;
	for (size_t i = 0; value->type == VALUE_ARRAY && parameter->element != 0 && good &&
			   i < value_count(value);
	     i++) {
		struct value element = value_at(value, i);

		good = kind_of_value(&element) == parameter->element;
	}
	if (!good) {
		char text[24];

		snprintf(text, sizeof(text), "%zu", number);
		fault_raise(fault, fault->call_position, "T0412", text, name,
		    kind_name(parameter->element));
	}
	if (value->type == VALUE_ARRAY)
		return *value;
	list = list_new(heap, 1);
	list_push(heap, list, *value);
	return value_list(list);
}

/* Whether each parameter takes just the argument in its place, as it is. That is how most calls
 * are, and then there is nothing to deal out. */
static bool
signature_fits(const struct signature *signature, struct arguments given)
{
	if (given.count != signature->count)
		return false;
	for (size_t i = 0; i < given.count; i++) {
		const struct parameter *parameter = &signature->at[i];
		uint8_t kind = kind_of_value(&given.at[i]);

		if ((parameter->kinds & kind) == 0 || parameter->repeat == REPEAT_MANY)
			return false;
		if (parameter->is_array && (kind != KIND_ARRAY || parameter->element != 0))
			return false;
	}
	return true;
}

/* jsonata builds a regular expression from the signature and matches the types of the arguments as
 * text; dealing them out here gives the same result. */
struct arguments
signature_apply(const struct signature *signature, struct arguments given,
    const struct value *context, const char *name, struct heap *heap, struct fault *fault)
{
	struct matching m;
	struct value *out;
	size_t argument = 0, count = 0;

	if (signature_fits(signature, given))
		return given;
	out = heap_array(heap, given.count + signature->count + 1, sizeof(struct value));
	m.signature = signature;
	m.given = given;
	m.failed = heap_array(heap, (signature->count + 1) * (given.count + 1), 1);
	if (!matching_deal(&m, 0, 0))
		matching_raise(&m, name, fault);
	for (size_t i = 0; i < signature->count; i++) {
		const struct parameter *parameter = &signature->at[i];

		if (m.counts[i] == 0 && parameter->context != 0) {
			if ((parameter->context & kind_of_value(context)) == 0) {
				char text[24];

				snprintf(text, sizeof(text), "%zu", argument + 1);
				fault_raise(fault, fault->call_position, "T0411", text, name);
			}
			out[count++] = *context;
		} else if (m.counts[i] == 0) {
			/* As jsonata does: an argument that a parameter does not take stands in its
			 * place nevertheless, and is counted. */
			out[count++] =
			    argument < given.count ? given.at[argument] : value_undefined();
			argument++;
		}
		for (size_t k = 0; k < m.counts[i]; k++, argument++) {
			struct value value =
			    argument < given.count ? given.at[argument] : value_undefined();

			if (parameter->is_array)
				value = signature_array(
				    parameter, &value, argument + 1, name, heap, fault);
			out[count++] = value;
		}
	}
	return (struct arguments){out, count};
}
