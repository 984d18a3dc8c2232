/* The checks of a report, one after the other. */
#include "fleet/doctor/doctor_internal.h"

#include "base/jsonx.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

static const char *const status_names[] = {
    [DOCTOR_PASS] = "pass", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "fail"};

/* All four members are always there, so that a program need not ask which are. */
void
doctor_check_add(json_t *checks, const char *name, enum doctor_status status, const char *seen,
    const char *remedy)
{
	json_t *check = json_object();

	assert(name != NULL && seen != NULL && (remedy != NULL || status == DOCTOR_PASS));
	jsonx_put_string(check, "name", name);
	jsonx_put_string(check, "status", status_names[status]);
	jsonx_put_string(check, "seen", seen);
	jsonx_put_string(check, "remedy", status != DOCTOR_PASS ? remedy : "");
	json_array_append_new(checks, check);
}

/* A warning does not count: exit code 1 means that a run would fail. */
bool
doctor_has_failed(const json_t *checks)
{
	json_t *check;
	size_t i;

	json_array_foreach (checks, i, check)
		if (strcmp(jsonx_get_string(check, "status"), status_names[DOCTOR_FAIL]) == 0)
			return true;
	return false;
}

void
doctor_check(struct doctor *doctor, const char *name, enum doctor_status status, const char *remedy,
    const char *seen, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, seen);
	buf_vprintf(&text, seen, args);
	va_end(args);
	doctor_check_add(doctor->checks, name, status, buf_cstr(&text), remedy);
	buf_fini(&text);
}

/* One missing permission costs the checks that need it, and not the whole report. */
bool
doctor_lacks(struct doctor *doctor, const char *name, const char *operation)
{
	const json_t *refusal = json_object_get(doctor->refused, operation);

	if (refusal == NULL)
		return false;
	doctor_check(doctor, name, DOCTOR_WARN, "grant the permission, to have this looked at",
	    "not looked at: %s: %s", operation, jsonx_get_string(refusal, "error"));
	return true;
}
