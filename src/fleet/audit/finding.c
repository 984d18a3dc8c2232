#include "fleet/audit/finding.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const severity_names[SEVERITY_COUNT] = {
    [SEVERITY_LOW] = "low",
    [SEVERITY_MEDIUM] = "medium",
    [SEVERITY_HIGH] = "high",
    [SEVERITY_CRITICAL] = "critical",
};

const struct finding_row finding_rows[FINDING_KIND_COUNT] = {
#define X(id, kind, severity, summary, remedy) {kind, SEVERITY_##severity, summary, remedy},
    FINDING_TABLE(X)
#undef X
};

const char *
severity_name(enum severity severity)
{
	assert(severity < SEVERITY_COUNT);
	return severity_names[severity];
}

int
severity_parse(const char *name, enum severity *ret_severity, struct tmf_err *err)
{
	for (size_t i = 0; i < SEVERITY_COUNT; i++) {
		if (strcmp(name, severity_names[i]) != 0)
			continue;
		*ret_severity = (enum severity)i;
		return 0;
	}
	return tmf_err_set(
	    err, TMF_ERR_INVALID, "must be low, medium, high or critical, not \"%s\"", name);
}

const struct finding_row *
finding_row_named(const char *kind)
{
	for (size_t i = 0; i < FINDING_KIND_COUNT; i++)
		if (strcmp(kind, finding_rows[i].kind) == 0)
			return &finding_rows[i];
	return NULL;
}

/* The severity is the kind's, unless the judge knows better: SEVERITY_COUNT leaves it to the
 * table. */
void
finding_add(json_t *findings, enum finding_kind kind, enum severity severity,
    const struct finding_place *place, const char *resource, const char *evidence)
{
	const struct finding_row *row = &finding_rows[kind];
	json_t *finding = json_object();

	assert(kind < FINDING_KIND_COUNT && resource != NULL && evidence != NULL);
	jsonx_put_string(finding, "kind", row->kind);
	jsonx_put_string(finding, "severity",
	    severity_names[severity < SEVERITY_COUNT ? severity : row->severity]);
	jsonx_put_string(finding, "resource", resource);
	jsonx_put_string(finding, "account", place->account);
	jsonx_put_string(finding, "region", place->region);
	jsonx_put_string(finding, "evidence", evidence);
	jsonx_put_string(finding, "remedy", row->remedy);
	json_array_append_new(findings, finding);
}

/* Of a finding that finding_add made. */
static enum severity
finding_severity(const json_t *finding)
{
	const char *name = jsonx_get_string(finding, "severity");
	size_t i = 0;

	while (i < SEVERITY_COUNT && strcmp(name, severity_names[i]) != 0)
		i++;
	assert(i < SEVERITY_COUNT);
	return (enum severity)i;
}

/* The worst first, and then by all in which two findings of a kind differ, so that two
 * audits of the same account give the same document. */
static int
finding_compare(const void *left, const void *right)
{
	static const char *const members[] = {"kind", "account", "region", "resource", "evidence"};
	const json_t *a = *(json_t *const *)left;
	const json_t *b = *(json_t *const *)right;
	int order = (int)finding_severity(b) - (int)finding_severity(a);

	for (size_t i = 0; order == 0 && i < sizeof(members) / sizeof(members[0]); i++)
		order = strcmp(jsonx_get_string(a, members[i]), jsonx_get_string(b, members[i]));
	return order;
}

/* Sorted outside of the array, since jansson has no sort; the references move with them. */
void
findings_sort(json_t *findings)
{
	size_t count = json_array_size(findings);
	json_t **all = mem_zalloc(count + 1, sizeof(json_t *));

	for (size_t i = 0; i < count; i++)
		all[i] = json_incref(json_array_get(findings, i));
	qsort(all, count, sizeof(json_t *), finding_compare);
	json_array_clear(findings);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(findings, all[i]);
	free(all);
	assert(json_array_size(findings) == count);
}

/* A severity without a finding is left out; the worst stands first. */
json_t *
findings_count(const json_t *findings)
{
	size_t counts[SEVERITY_COUNT] = {0};
	json_t *result = json_object();
	json_t *finding;
	size_t i;

	json_array_foreach (findings, i, finding)
		counts[finding_severity(finding)]++;
	for (i = SEVERITY_COUNT; i-- > 0;)
		if (counts[i] > 0)
			json_object_set_new(
			    result, severity_names[i], json_integer((json_int_t)counts[i]));
	return result;
}

bool
findings_reach(const json_t *findings, enum severity severity)
{
	json_t *finding;
	size_t i;

	json_array_foreach (findings, i, finding)
		if (finding_severity(finding) >= severity)
			return true;
	return false;
}
