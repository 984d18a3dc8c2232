#include "asl/path/path_internal.h"

#include <math.h>
#include <string.h>

/*
 * The functions that may end a path, as in Jayway's JsonPath, which AWS uses. See:
 * https://github.com/json-path/JsonPath#functions
 */

struct numbers {
	size_t count;
	double sum;
	double min;
	double max;
	double avg;
	double stddev; /* of the whole population, as in Jayway */
};

/* All five figures in one pass. The variance may come out below 0 by rounding, hence fmax. */
static struct numbers
function_numbers(const json_t *array)
{
	struct numbers numbers = {0};
	double squares = 0;
	json_t *element;
	size_t i;

	json_array_foreach (array, i, element) {
		double value = json_number_value(element);

		if (!json_is_number(element))
			continue;
		numbers.min = numbers.count == 0 ? value : fmin(numbers.min, value);
		numbers.max = numbers.count == 0 ? value : fmax(numbers.max, value);
		numbers.sum += value;
		squares += value * value;
		numbers.count++;
	}
	if (numbers.count == 0)
		return numbers;
	numbers.avg = numbers.sum / (double)numbers.count;
	numbers.stddev = sqrt(fmax(0, squares / (double)numbers.count - numbers.avg * numbers.avg));
	return numbers;
}

/* null, not an error, for what has no length: a string is a single value to JsonPath. */
static json_t *
function_length(const json_t *node)
{
	if (json_is_array(node))
		return json_integer((json_int_t)json_array_size(node));
	if (json_is_object(node))
		return json_integer((json_int_t)json_object_size(node));
	return json_null();
}

/* In the order of the object. */
static json_t *
function_keys(const json_t *node)
{
	json_t *keys = json_is_object(node) ? json_array() : json_null();
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)(uintptr_t)node, key, member)
		json_array_append_new(keys, json_string(key));
	return keys;
}

static json_t *
function_first(const json_t *node)
{
	return json_incref(json_array_get(node, 0));
}

static json_t *
function_last(const json_t *node)
{
	size_t size = json_array_size(node);

	return size > 0 ? json_incref(json_array_get(node, size - 1)) : NULL;
}

/* A function looks at the node itself, or at the numbers in it. */
struct path_function {
	const char *name;
	json_t *(*of_node)(const json_t *node); /* NULL: of the numbers in an array */
	size_t offset;				/* of the result in struct numbers */
};

static const struct path_function path_functions[] = {
    {"avg", NULL, offsetof(struct numbers, avg)},
    {"first", function_first, 0},
    {"keys", function_keys, 0},
    {"last", function_last, 0},
    {"length", function_length, 0},
    {"max", NULL, offsetof(struct numbers, max)},
    {"min", NULL, offsetof(struct numbers, min)},
    {"size", function_length, 0},
    {"stddev", NULL, offsetof(struct numbers, stddev)},
    {"sum", NULL, offsetof(struct numbers, sum)},
};

/* Names are compared with case, as in Jayway. */
const struct path_function *
path_function_find(struct str name)
{
	for (size_t i = 0; i < sizeof(path_functions) / sizeof(path_functions[0]); i++) {
		if (str_is(name, path_functions[i].name))
			return &path_functions[i];
	}
	return NULL;
}

const char *
path_function_name(const struct path_function *function)
{
	return function->name;
}

int
path_function_run(const struct path_function *function, const json_t *node, json_t **ret_value,
    struct tmf_err *err)
{
	struct numbers numbers;
	double number;

	if (function->of_node != NULL) {
		*ret_value = function->of_node(node);
		return 0;
	}
	/*
	 * Jayway's JsonPath fails in these words where an array has no numbers; other elements are
	 * passed over.
	 */
	numbers = function_numbers(node);
	if (numbers.count == 0)
		return tmf_err_set_name(err, TMF_ERR_ASL, "States.Runtime",
		    "Aggregation function attempted to calculate value using empty array");
	memcpy(&number, (const char *)&numbers + function->offset, sizeof(number));
	*ret_value = json_real(number);
	/* jansson makes no number of an infinite double: a sum of large numbers may be one. */
	if (*ret_value == NULL)
		return tmf_err_set_name(
		    err, TMF_ERR_ASL, "States.Runtime", "%s() is out of range", function->name);
	return 0;
}
