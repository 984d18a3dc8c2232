#include "fleet/coverage/coverage_ledger.h"

#include "base/jsonx.h"

#include <assert.h>
#include <string.h>

/* Rows come by interface, so that those of one interface follow each other. */
struct ledger_reading {
	const struct coverage_ledger *ledger;
	uint64_t bare;
	bool pending; /* item is to be given */
	struct coverage_item item;
	json_t *texts; /* of item */
};

/* Why no rule wants an interface with a session of ours, in the words of find-unwanted. Returns
 * false where no instance has the interface any more. */
static bool
ledger_class_of_unwanted(const char *reason, enum coverage_class *ret_class)
{
	static const struct {
		const char *reason;
		enum coverage_class class;
	} rows[] = {
	    {"configured", COVERAGE_EXCLUDED},
	    {"target-instance", COVERAGE_EXCLUDED},
	    {"target-member", COVERAGE_EXCLUDED},
	    {"no-rule", COVERAGE_UNMATCHED},
	};

	if (reason != NULL && strcmp(reason, "not-attached") == 0)
		return false;
	*ret_class = reason != NULL ? COVERAGE_INELIGIBLE : COVERAGE_UNMATCHED;
	for (size_t i = 0; reason != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].reason, reason) == 0)
			*ret_class = rows[i].class;
	return true;
}

/* What a run made is there; what a plan would make is not. */
static void
ledger_set_made(const struct outcome *outcome, bool planned, enum coverage_class *ret_class,
    const char **ret_reason)
{
	bool shadowed =
	    outcome->reason != NULL && strcmp(outcome->reason, outcome_name(OUTCOME_SHADOWED)) == 0;

	*ret_class = planned ? COVERAGE_MISSING : shadowed ? COVERAGE_SHADOWED : COVERAGE_MIRRORED;
	*ret_reason = !planned				 ? (shadowed ? "lower-session" : NULL)
		      : outcome->kind == OUTCOME_CREATED ? "no-session"
							 : "drifted";
}

/* False for what is not an interface of this account any more. */
static bool
ledger_class_of(const struct outcome *outcome, bool planned, enum coverage_class *ret_class,
    const char **ret_reason)
{
	*ret_reason = outcome->reason;
	switch (outcome->kind) {
	case OUTCOME_CREATED:
	case OUTCOME_UPDATED:
		ledger_set_made(outcome, planned, ret_class, ret_reason);
		return true;
	case OUTCOME_PRESENT:
		*ret_class = COVERAGE_MIRRORED;
		return true;
	case OUTCOME_SHADOWED:
		*ret_class = COVERAGE_SHADOWED;
		*ret_reason = "lower-session";
		return true;
	case OUTCOME_UNMATCHED:
		*ret_class = COVERAGE_UNMATCHED;
		*ret_reason = "no-rule";
		return true;
	case OUTCOME_EXCLUDED:
		*ret_class = COVERAGE_EXCLUDED;
		return true;
	case OUTCOME_INELIGIBLE:
		*ret_class = COVERAGE_INELIGIBLE;
		return true;
	case OUTCOME_CONFLICT:
		*ret_class = COVERAGE_MISSING;
		return true;
	case OUTCOME_FAILED:
		*ret_class = COVERAGE_MISSING;
		*ret_reason = outcome->error;
		return true;
	case OUTCOME_UNWANTED:
	case OUTCOME_REMOVED:
		return ledger_class_of_unwanted(outcome->reason, ret_class);
	case OUTCOME_GONE:
	case OUTCOME_FOREIGN_ACCOUNT:
	case OUTCOME_COUNT:
		break;
	}
	return false;
}

/* With matching: all an interface has a row for each rule, one behind the other. It is counted
 * once, by the worst of them. */
static void
ledger_give_pending(struct ledger_reading *reading)
{
	if (reading->pending)
		reading->ledger->on_item(reading->ledger->arg, &reading->item);
	reading->pending = false;
}

/* The texts of a row end with it, so those of the pending item are kept. */
static void
ledger_keep(struct ledger_reading *reading, const struct coverage_item *item)
{
	const char *const texts[] = {
	    item->reason, item->instance_id, item->interface_id, item->name, item->session_id};
	const char **kept[] = {&reading->item.reason, &reading->item.instance_id,
	    &reading->item.interface_id, &reading->item.name, &reading->item.session_id};
	size_t count = sizeof(texts) / sizeof(texts[0]);

	reading->item = (struct coverage_item){.class = item->class};
	reading->pending = true;
	json_decref(reading->texts);
	reading->texts = json_array();
	for (size_t i = 0; i < count + COVERAGE_KEY_COUNT; i++) {
		const char *text = i < count ? texts[i] : item->keys[i - count];

		json_array_append_new(
		    reading->texts, text != NULL ? jsonx_text_value(text) : json_null());
		text = json_string_value(json_array_get(reading->texts, i));
		if (i < count)
			*kept[i] = text;
		else
			reading->item.keys[i - count] = text;
	}
}

/* An outcome of an instance without an interface is only counted: nothing of it could be
 * mirrored. */
static int
ledger_row(void *arg, const struct outcome *outcome)
{
	struct ledger_reading *reading = arg;
	const struct coverage_ledger *ledger = reading->ledger;
	struct coverage_item item = {
	    .keys = {[COVERAGE_KEY_ACCOUNT] = ledger->account,
		[COVERAGE_KEY_REGION] = ledger->region,
		[COVERAGE_KEY_VPC] = outcome->instance.vpc_id,
		[COVERAGE_KEY_SUBNET] = outcome->instance.subnet_id,
		[COVERAGE_KEY_ZONE] = outcome->instance.zone,
		[COVERAGE_KEY_TYPE] = outcome->instance.type,
		[COVERAGE_KEY_RULE] = outcome->rule,
		[COVERAGE_KEY_TARGET] = outcome->target_id},
	    .instance_id = outcome->instance_id,
	    .interface_id = outcome->interface_id,
	    .name = outcome->instance.name,
	    .session_id = outcome->session_id,
	};

	if (!ledger_class_of(outcome, ledger->run->dry_run, &item.class, &item.reason))
		return 0;
	if (outcome->interface_id == NULL) {
		reading->bare++;
		return 0;
	}
	if (reading->pending && strcmp(reading->item.interface_id, outcome->interface_id) == 0) {
		if (coverage_class_is_worse(item.class, reading->item.class))
			ledger_keep(reading, &item);
		return 0;
	}
	ledger_give_pending(reading);
	ledger_keep(reading, &item);
	return 0;
}

int
coverage_ledger_read(const struct coverage_ledger *ledger, uint64_t *ret_bare, struct tmf_err *err)
{
	struct ledger_reading reading = {.ledger = ledger};
	int ret;

	assert(ledger->store != NULL && ledger->run != NULL);
	ret = store_outcomes_each(ledger->store, ledger->run->id, -1, ledger_row, &reading, err);
	if (ret == 0)
		ledger_give_pending(&reading);
	json_decref(reading.texts);
	*ret_bare = reading.bare;
	return ret;
}
