#include "store/outcome_tally.h"

#include "base/utf8.h"

#include <assert.h>

void
outcome_tally_fini(struct outcome_tally *tally)
{
	json_decref(tally->counts);
	*tally = (struct outcome_tally){.counts = NULL};
}

/* The object of a key, which is made where it is missing. Borrowed. */
static json_t *
outcome_tally_member(json_t *object, const char *key)
{
	json_t *member = json_object_get(object, key);

	if (member == NULL) {
		member = json_object();
		json_object_set_new(object, key, member);
	}
	return member;
}

/* JSON has no key that is not UTF-8, as a hook's reason may be. */
static const char *
outcome_tally_word(const char *text)
{
	size_t len;

	if (text == NULL)
		return "";
	for (const char *at = text; *at != '\0'; at += len)
		if (utf8_decode(at, &len) < 0)
			return OUTCOME_REASON_OTHER;
	return text;
}

/* An object in an object costs a few allocations an outcome, beside which the row in the store is
 * what takes time. Beyond the limit a set of its own would be a series more for each instance. */
void
outcome_tally_add(struct outcome_tally *tally, const struct outcome *outcome)
{
	bool failed = outcome->kind == OUTCOME_FAILED;
	const char *reason = outcome_tally_word(failed ? outcome->error : outcome->reason);
	const char *rule = outcome_tally_word(outcome->rule);
	json_t *kind, *rules;

	assert(outcome->kind < OUTCOME_COUNT);
	if (tally->counts == NULL)
		tally->counts = json_object();
	kind = outcome_tally_member(tally->counts, outcome_name(outcome->kind));
	rules = json_object_get(kind, reason);
	if (json_object_get(rules, rule) == NULL && tally->sets >= OUTCOME_TALLY_MAX) {
		reason = OUTCOME_REASON_OTHER;
		rule = OUTCOME_REASON_OTHER;
	}
	rules = outcome_tally_member(kind, reason);
	if (json_object_get(rules, rule) == NULL)
		tally->sets++;
	json_object_set_new(
	    rules, rule, json_integer(json_integer_value(json_object_get(rules, rule)) + 1));
	assert(tally->sets <= OUTCOME_TALLY_MAX + OUTCOME_COUNT);
}

void
outcome_tally_each(const struct outcome_tally *tally, const char *account,
    void (*fn)(void *arg, const struct outcome_count *count), void *arg)
{
	struct outcome_count count = {.account = account};
	json_t *reasons, *rules, *number;

	assert(account != NULL && fn != NULL);
	json_object_foreach (tally->counts, count.kind, reasons) {
		json_object_foreach (reasons, count.reason, rules) {
			json_object_foreach (rules, count.rule, number) {
				count.count = (uint64_t)json_integer_value(number);
				fn(arg, &count);
			}
		}
	}
}
