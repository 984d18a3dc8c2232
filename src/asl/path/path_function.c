#include "asl/path/path_internal.h"

#include <math.h>

/* The functions that may end a path. See: https://github.com/json-path/JsonPath#functions */

struct numbers {
	size_t count;
	double sum;
	double sum_of_squares;
	double min;
	double max;
};

static struct numbers
numbers_of(const json_t *array)
{
	struct numbers numbers = {0};
	json_t *element;
	size_t i;

	json_array_foreach (array, i, element) {
		double value = json_number_value(element);

		if (!json_is_number(element))
			continue;
		numbers.min = numbers.count == 0 ? value : fmin(numbers.min, value);
		numbers.max = numbers.count == 0 ? value : fmax(numbers.max, value);
		numbers.sum += value;
		numbers.sum_of_squares += value * value;
		numbers.count++;
	}
	return numbers;
}

static double
run_sum(const struct numbers *numbers)
{
	return numbers->sum;
}

static double
run_avg(const struct numbers *numbers)
{
	return numbers->sum / (double)numbers->count;
}

static double
run_min(const struct numbers *numbers)
{
	return numbers->min;
}

static double
run_max(const struct numbers *numbers)
{
	return numbers->max;
}

static double
run_stddev(const struct numbers *numbers)
{
	double mean = run_avg(numbers);

	return sqrt(fmax(0, numbers->sum_of_squares / (double)numbers->count - mean * mean));
}

static json_t *
run_length(const json_t *node)
{
	if (json_is_array(node))
		return json_integer((json_int_t)json_array_size(node));
	if (json_is_object(node))
		return json_integer((json_int_t)json_object_size(node));
	return json_null();
}

static json_t *
run_keys(const json_t *node)
{
	json_t *keys = json_is_object(node) ? json_array() : json_null();
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)(uintptr_t)node, key, member)
		json_array_append_new(keys, json_string(key));
	return keys;
}

static json_t *
run_first(const json_t *node)
{
	return json_incref(json_array_get(node, 0));
}

static json_t *
run_last(const json_t *node)
{
	size_t size = json_array_size(node);

	return size > 0 ? json_incref(json_array_get(node, size - 1)) : NULL;
}

/* Exactly one of the two. */
struct path_function {
	const char *name;
	double (*of_numbers)(const struct numbers *numbers);
	json_t *(*of_node)(const json_t *node); /* NULL: nothing is there */
};

static const struct path_function functions[] = {
    {"avg", run_avg, NULL},
    {"first", NULL, run_first},
    {"keys", NULL, run_keys},
    {"last", NULL, run_last},
    {"length", NULL, run_length},
    {"max", run_max, NULL},
    {"min", run_min, NULL},
    {"size", NULL, run_length},
    {"stddev", run_stddev, NULL},
    {"sum", run_sum, NULL},
};

const struct path_function *
path_function_find(struct str name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (str_is(name, functions[i].name))
			return &functions[i];
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

	if (function->of_node != NULL) {
		*ret_value = function->of_node(node);
		return 0;
	}
	numbers = numbers_of(node);
	if (numbers.count == 0)
		return tmf_err_set_name(err, TMF_ERR_ASL, "States.Runtime",
		    "Aggregation function attempted to calculate value using empty array");
	*ret_value = json_real(function->of_numbers(&numbers));
	if (*ret_value == NULL)
		return tmf_err_set_name(
		    err, TMF_ERR_ASL, "States.Runtime", "%s() is out of range", function->name);
	return 0;
}
