#include "fleet/doctor/doctor_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[] = {
    [DOCTOR_PASS] = "pass", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "fail"};

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

struct doctor *
doctor_new(const struct doctor_opts *opts)
{
	struct doctor *doctor = mem_zalloc(1, sizeof(*doctor));

	assert(opts->loop != NULL && opts->ec2 != NULL && opts->elb != NULL && opts->sts != NULL);
	doctor->opts = *opts;
	doctor->region = aws_client_region(opts->ec2);
	json_t **const objects[] = {&doctor->regions, &doctor->targets, &doctor->filters,
	    &doctor->sessions, &doctor->subnets, &doctor->vpcs, &doctor->acls,
	    &doctor->route_tables, &doctor->groups, &doctor->images, &doctor->interfaces,
	    &doctor->receivers, &doctor->balancers, &doctor->refused, &doctor->denied,
	    &doctor->wanted};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		*objects[i] = json_object();
	doctor->rules = json_array();
	doctor->queue = json_array();
	doctor->checks = json_array();
	return doctor;
}

void
doctor_free(struct doctor *doctor)
{
	if (doctor == NULL)
		return;
	json_t *const owned[] = {doctor->regions, doctor->targets, doctor->filters,
	    doctor->sessions, doctor->subnets, doctor->vpcs, doctor->acls, doctor->route_tables,
	    doctor->groups, doctor->images, doctor->interfaces, doctor->receivers,
	    doctor->balancers, doctor->refused, doctor->denied, doctor->wanted, doctor->rules,
	    doctor->queue, doctor->checks};

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		json_decref(owned[i]);
	free(doctor->caller);
	free(doctor);
}

/* Even a gathering that ended early is judged: where keys are wrong, that is the answer. */
static struct tmf_call *
doctor_over(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct doctor *doctor = frame;

	(void)err;
	tmf_err_fini(&over->err);
	doctor_judge(doctor);
	*ret_result = json_pack("{s:O}", "checks", doctor->checks);
	return NULL;
}

struct tmf_call *
doctor_start(struct doctor *doctor)
{
	return tmf_call_sequence(doctor_gather(doctor), doctor_over, doctor, NULL);
}
