#include "cli/run/trial_internal.h"

#include "base/jsonx.h"

/* What a Map makes of its input before any iteration begins, as TestState tells it. */

/* The context object within the trial of one item. */
struct item_scope {
	json_t *context;
};

static json_t *
item_context(void *arg)
{
	return ((struct item_scope *)arg)->context;
}

/* What the item's iteration would be given. */
static int
select_item(struct trial *trial, size_t index, json_t *item, json_t **ret_input)
{
	struct item_scope of_item = {.context = json_copy(trial_context(trial))};
	struct asl_scope scope = trial_scope(trial, trial->effective);
	int ret;

	json_object_set_new(of_item.context, "Map",
	    json_pack("{s:{s:I,s:O}}", "Item", "Index", (json_int_t)index, "Value", item));
	scope.context = item_context;
	scope.context_arg = &of_item;
	ret = asl_template_eval(trial->state->parameters, &scope, ret_input, &trial->err);
	json_decref(of_item.context);
	return ret;
}

static int
select_items(struct trial *trial, const json_t *items)
{
	json_t *inputs = json_array();
	json_t *item;
	json_t *input;
	size_t i;

	json_array_foreach (items, i, item) {
		if (select_item(trial, i, item, &input) < 0) {
			json_decref(inputs);
			return -1;
		}
		json_array_append_new(inputs, input);
	}
	trial_inspect(trial, "afterItemSelector", inputs);
	json_decref(inputs);
	return 0;
}

static int
inspect_number(
    struct trial *trial, const struct asl_number *number, const char *field, const char *key)
{
	struct asl_scope scope = trial_scope(trial, trial->effective);
	int64_t value;

	if (asl_number_eval(number, field, -1, &scope, &value, &trial->err) < 0)
		return -1;
	if (value >= 0)
		json_object_set_new(trial->inspection, key, json_integer(value));
	return 0;
}

static int
inspect_limits(struct trial *trial)
{
	const struct asl_state *state = trial->state;
	struct asl_scope scope = trial_scope(trial, trial->effective);
	double percentage;

	if (inspect_number(
		trial, &state->u.map.max_concurrency, "MaxConcurrencyPath", "maxConcurrency") < 0 ||
	    inspect_number(trial, &state->u.map.tolerated_failure_count,
		"ToleratedFailureCountPath", "toleratedFailureCount") < 0 ||
	    asl_tolerated_percentage(state, &scope, &percentage, &trial->err) < 0)
		return -1;
	if (percentage >= 0)
		json_object_set_new(
		    trial->inspection, "toleratedFailurePercentage", json_real(percentage));
	return 0;
}

int
trial_begin_map(struct trial *trial)
{
	struct asl_scope scope = trial_scope(trial, trial->effective);
	json_t *items = NULL;
	int ret = 0;

	if (asl_map_items(trial->state, &scope, &items, &trial->err) < 0)
		return -1;
	trial_inspect(trial, "afterItemsPath", items);
	if (trial->state->parameters != NULL)
		ret = select_items(trial, items);
	json_decref(items);
	return ret < 0 ? -1 : inspect_limits(trial);
}
