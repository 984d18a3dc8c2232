#include "fleet/doctor/doctor_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Everything is listed before anything is judged: a check compares what several lists say. Empty
 * objects and no NULLs, so that a list which was refused reads as one without members; `refused`
 * keeps the difference. */
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
