#include "fleet/audit/suppression.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "fleet/audit/finding.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define CODE_SUPPRESSION "SUPPRESSION"
#define DATE_BYTES	 10 /* 2027-01-31 */

static const struct {
	const char *name;
	bool needed;
} suppression_keys[] = {
    {"kind", true},
    {"resource", true},
    {"account", false},
    {"region", false},
    {"reason", true},
    {"until", true},
};
#define KEYS (sizeof(suppression_keys) / sizeof(suppression_keys[0]))

/* True for a day that there is. */
static bool
suppression_is_date(const char *text)
{
	struct timestamp ignored;
	char *midnight = mem_printf("%sT00:00:00Z", text);
	bool is = strlen(text) == DATE_BYTES && timestamp_parse(str_of(midnight), &ignored);

	free(midnight);
	return is;
}

static void
suppression_fault(struct diag_list *diags, enum diag_severity severity, size_t index,
    const char *key, const char *text)
{
	char *pointer = key != NULL ? mem_printf("/suppressions/%zu/%s", index, key)
				    : mem_printf("/suppressions/%zu", index);

	diag_add(diags, severity, CODE_SUPPRESSION, pointer, DIAG_AT_VALUE, NULL, "%s", text);
	free(pointer);
}

/* An unknown key is a fault: a misspelt "acount" would suppress the finding in every account. */
static bool
suppression_knows(const char *key)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(suppression_keys[i].name, key) == 0)
			return true;
	return false;
}

/* Reason and date are needed, so that nothing is accepted for ever and without a word why. */
static void
suppression_check(struct diag_list *diags, size_t index, const json_t *suppression)
{
	const char *kind = jsonx_get_string(suppression, "kind");
	const char *until = jsonx_get_string(suppression, "until");
	const char *key;
	json_t *value;

	for (size_t i = 0; i < KEYS; i++) {
		const char *name = suppression_keys[i].name;
		const json_t *given = json_object_get(suppression, name);
		const char *text = json_string_value(given);

		if (given == NULL && !suppression_keys[i].needed)
			continue;
		if (text == NULL || text[0] == '\0') {
			char *fault = mem_printf("%s must be a text", name);

			suppression_fault(diags, DIAG_ERROR, index, NULL, fault);
			free(fault);
		}
	}
	json_object_foreach ((json_t *)suppression, key, value)
		if (!suppression_knows(key))
			suppression_fault(diags, DIAG_ERROR, index, key, "unknown key");
	if (kind != NULL && strcmp(kind, "*") != 0 && finding_row_named(kind) == NULL)
		suppression_fault(
		    diags, DIAG_ERROR, index, "kind", "not a kind of finding, nor \"*\"");
	if (until != NULL && !suppression_is_date(until))
		suppression_fault(
		    diags, DIAG_ERROR, index, "until", "not a date such as 2027-01-31");
}

const json_t *
suppressions_of(const struct doc *doc, struct diag_list *diags)
{
	size_t before = diags->errors;
	const json_t *list = jsonx_get_array(doc_root(doc), "suppressions");
	json_t *suppression;
	size_t i;

	if (list == NULL || json_object_size(doc_root(doc)) != 1)
		diag_add(diags, DIAG_ERROR, CODE_SUPPRESSION, "", DIAG_AT_VALUE, NULL,
		    "the file must have one key, suppressions, with a list");
	else if (json_array_size(list) > SUPPRESSIONS_MAX)
		diag_add(diags, DIAG_ERROR, CODE_SUPPRESSION, "/suppressions", DIAG_AT_VALUE, NULL,
		    "more than %d suppressions", SUPPRESSIONS_MAX);
	else
		json_array_foreach (list, i, suppression)
			suppression_check(diags, i, suppression);
	return diags->errors == before ? list : NULL;
}

/* A key that is absent fits anything. */
static bool
suppression_fits_member(const json_t *suppression, const json_t *finding, const char *key)
{
	const char *pattern = jsonx_get_string(suppression, key);
	const char *text = jsonx_get_string(finding, key);

	return pattern == NULL || (text != NULL && fnmatch(pattern, text, FNM_NOESCAPE) == 0);
}

/* The date sorts as text: both are YYYY-MM-DD. */
static bool
suppression_has_ended(const json_t *suppression, const char *today)
{
	return strncmp(jsonx_get_string(suppression, "until"), today, DATE_BYTES) < 0;
}

/* The index of the first that fits and has not ended, or the length of the list. */
static size_t
suppression_find(const json_t *list, const json_t *finding, const char *today)
{
	static const char *const members[] = {"kind", "resource", "account", "region"};
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *suppression = json_array_get(list, i);
		bool fits = !suppression_has_ended(suppression, today);

		for (size_t m = 0; fits && m < sizeof(members) / sizeof(members[0]); m++)
			fits = suppression_fits_member(suppression, finding, members[m]);
		if (fits)
			return i;
	}
	return i;
}

/* One that ended, or fits nothing, is a warning, not an error: the audit is complete either way. */
static void
suppressions_warn(const json_t *list, const bool *used, const char *today, struct diag_list *diags)
{
	json_t *suppression;
	size_t i;

	json_array_foreach (list, i, suppression) {
		if (suppression_has_ended(suppression, today))
			suppression_fault(diags, DIAG_WARNING, i, "until",
			    "the suppression has ended: its findings count again");
		else if (!used[i])
			suppression_fault(
			    diags, DIAG_WARNING, i, NULL, "the suppression fits no finding");
	}
}

/* A finding moves from one list to the other as a whole: what is accepted stays visible. */
void
suppressions_apply(const json_t *list, int64_t now_wall_ms, json_t *findings, json_t *suppressed,
    struct diag_list *diags)
{
	bool *used = mem_zalloc(json_array_size(list) + 1, sizeof(*used));
	char today[CLOCK_ISO_BYTES];

	assert(json_array_size(list) <= SUPPRESSIONS_MAX);
	clock_iso(now_wall_ms, today);
	for (size_t i = 0; i < json_array_size(findings);) {
		json_t *finding = json_array_get(findings, i);
		size_t at = suppression_find(list, finding, today);
		const json_t *suppression = json_array_get(list, at);

		if (suppression == NULL) {
			i++;
			continue;
		}
		assert(at < json_array_size(list) && !suppression_has_ended(suppression, today));
		used[at] = true;
		jsonx_share_string(finding, "reason", suppression, "reason");
		jsonx_share_string(finding, "until", suppression, "until");
		json_array_append(suppressed, finding);
		json_array_remove(findings, i);
	}
	suppressions_warn(list, used, today, diags);
	free(used);
}
