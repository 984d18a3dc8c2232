#include "cli/commands/fleet/cmd_doctor_places.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/places/tour.h"
#include "cli/run/permissions.h"
#include "fleet/doctor/doctor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* One place while it is examined. */
struct doctor_visit {
	struct doctor *doctor;
	struct aws_client *sts;
	struct aws_client *events;
	json_t *permissions;
};

struct doctor_round {
	const struct cli_opts *opts;
	struct tmf_registry *registry;
	const struct asl_machine *machine;
	json_t *fault;	/* {"error", "cause"}: the last one that was reported */
	json_t *places; /* [[check] or null], in their order */
};

static void
doctor_round_note_fault(void *arg, const char *error, const char *cause)
{
	struct doctor_round *round = arg;

	json_decref(round->fault);
	round->fault = json_object();
	jsonx_put_string(round->fault, "error", error);
	jsonx_put_string(round->fault, "cause", cause);
}

/* --- a place --- */

/* The checks that need no network, as they were made on the way here. */
static json_t *
doctor_visit_files(const struct tour_stop *stop)
{
	const struct workspace *workspace = &stop->workspace;
	json_t *checks = json_array();

	if (workspace->config == NULL) {
		doctor_check_add(checks, "configuration", DOCTOR_WARN, "none",
		    "give --config: without one, targets, filters and networks are not looked at");
		return checks;
	}
	doctor_check_add(checks, "configuration", DOCTOR_PASS, workspace->config_name, NULL);
	doctor_check_add(checks, "hook", DOCTOR_PASS,
	    workspace->hook_name != NULL ? workspace->hook_name : "none", NULL);
	return checks;
}

/*
 * The same questions as in one place. Permissions are of the place's own configuration: one that
 * creates no targets needs no launches.
 */
static struct tmf_call *
doctor_visit_ask(void *arg, struct tour_stop *stop)
{
	struct doctor_round *round = arg;
	struct workspace *workspace = &stop->workspace;
	struct doctor_visit *visit = mem_zalloc(1, sizeof(*visit));
	struct tmf_err err = {0};

	assert(stop->state == NULL && workspace->own.ec2 != NULL);
	stop->state = visit;
	visit->sts = workspace_client(workspace, "sts", NULL, &err);
	if (visit->sts != NULL)
		visit->events = workspace_client(workspace, "events", NULL, &err);
	if (tmf_err_isset(&err))
		return tmf_call_of_err(workspace->loop, &err);
	visit->permissions = permissions_needed(round->registry, round->machine, workspace->config);
	visit->doctor = doctor_new(&(struct doctor_opts){
	    .loop = workspace->loop,
	    .ec2 = workspace->own.ec2,
	    .elb = workspace->own.elb,
	    .sts = visit->sts,
	    .events = visit->events,
	    .mirror = workspace->mirror,
	    .iam_actions = visit->permissions,
	});
	return doctor_start(visit->doctor);
}

static void
doctor_visit_free(struct doctor_visit *visit)
{
	if (visit == NULL)
		return;
	doctor_free(visit->doctor);
	json_decref(visit->permissions);
	aws_client_free(visit->events);
	aws_client_free(visit->sts);
	free(visit);
}

/*
 * A place is answered when it is done, and not in turn; its index puts it where it belongs. A fault
 * of its files has been said to standard error already, and is the check's text.
 */
static int
doctor_visit_answered(void *arg, struct tour_stop *stop, const json_t *result, struct tmf_err *err)
{
	struct doctor_round *round = arg;
	json_t *checks;
	json_t *check;
	size_t i;

	assert((result == NULL) == tmf_err_isset(err));

	if (result != NULL) {
		checks = doctor_visit_files(stop);
		json_array_extend(checks, json_object_get(result, "checks"));
	} else {
		const char *error = jsonx_get_string(round->fault, "error");
		const char *cause = jsonx_get_string(round->fault, "cause");
		char *seen = mem_printf("%s: %s", error != NULL ? error : err->name,
		    error != NULL ? cause : tmf_err_text(err));

		checks = json_array();
		doctor_check_add(checks, "place", DOCTOR_FAIL, seen,
		    "make it usable, or leave it out: the file of --accounts, --region or "
		    "--exclude");
		free(seen);
	}
	json_decref(round->fault);
	round->fault = NULL;
	json_array_foreach (checks, i, check) {
		jsonx_put_string(check, "account", stop->place->account);
		jsonx_put_string(check, "region", stop->place->region);
	}
	while (json_array_size(round->places) <= stop->at)
		json_array_append_new(round->places, json_null());
	json_array_set_new(round->places, stop->at, checks);
	doctor_visit_free(stop->state);
	stop->state = NULL;
	return 0;
}

/* --- all of them --- */

/*
 * A configuration for several places names what is in one of them. Example: filters of two regions.
 * That a rule which takes instances here names it is seen by a run; here it is a warning.
 */
static void
doctor_places_soften(const json_t *places)
{
	json_t *passed = json_object();
	json_t *checks, *check;
	size_t i, k;

	json_array_foreach (places, i, checks)
		json_array_foreach (checks, k, check)
			if (strcmp(jsonx_get_string(check, "status"), "pass") == 0)
				json_object_set_new(
				    passed, jsonx_get_string(check, "name"), json_true());
	json_array_foreach (places, i, checks) {
		json_array_foreach (checks, k, check) {
			if (strncmp(jsonx_get_string(check, "seen"), DOCTOR_NOT_FOUND,
				strlen(DOCTOR_NOT_FOUND)) != 0 ||
			    json_object_get(passed, jsonx_get_string(check, "name")) == NULL)
				continue;
			jsonx_put_string(check, "status", "warn");
			jsonx_put_string(check, "remedy",
			    "it is there in another account or region: see that no rule which "
			    "takes instances here names it");
		}
	}
	json_decref(passed);
}

int
doctor_places(const struct cli_opts *opts, enum cli_output output, struct tmf_registry *registry,
    const struct asl_machine *machine, json_t *checks)
{
	struct doctor_round round = {
	    .opts = opts, .registry = registry, .machine = machine, .places = json_array()};
	json_t *place;
	size_t i;
	int code;

	/* A place's own fault goes to standard error: the document is one of all places. */
	assert(opts->output == OUTPUT_TEXT && json_is_array(checks));
	cli_on_fault(doctor_round_note_fault, &round);
	code = tour_run(&(struct tour_opts){
	    .opts = opts,
	    .faults_are_answers = true,
	    .ask = doctor_visit_ask,
	    .answered = doctor_visit_answered,
	    .arg = &round,
	});
	cli_on_fault(NULL, NULL);
	doctor_places_soften(round.places);
	json_array_foreach (round.places, i, place)
		json_array_extend(checks, place);
	json_decref(round.places);
	if (code != EXIT_OK && cli_output_is_json(output) && round.fault != NULL)
		cli_print_json(round.fault);
	json_decref(round.fault);
	return code;
}

/* --- for a person --- */

/* Also where both lack the member, as the account of the keys' own. */
static bool
doctor_text_same(const json_t *a, const json_t *b, const char *key)
{
	const char *of_a = jsonx_get_string(a, key);
	const char *of_b = jsonx_get_string(b, key);

	return of_a == of_b || (of_a != NULL && of_b != NULL && strcmp(of_a, of_b) == 0);
}

/* Counts pass, warn and fail, in this order, from first up to but without end. */
static void
doctor_place_count(const json_t *checks, size_t first, size_t end, size_t counts[3])
{
	memset(counts, 0, 3 * sizeof(counts[0]));
	for (size_t i = first; i < end; i++) {
		const char *status = jsonx_get_string(json_array_get(checks, i), "status");

		counts[strcmp(status, "pass") == 0 ? 0 : strcmp(status, "warn") == 0 ? 1 : 2]++;
	}
}

/* Checks without a region are of the whole. */
static void
doctor_place_print(const json_t *checks, size_t first, size_t end)
{
	const json_t *one = json_array_get(checks, first);
	const char *account = jsonx_get_string(one, "account");
	const char *region = jsonx_get_string(one, "region");
	size_t counts[3];

	assert(first < end && end <= json_array_size(checks));
	doctor_place_count(checks, first, end, counts);
	if (region != NULL)
		cli_print(stdout, "%s%s%s: %zu pass, %zu warn, %zu fail\n",
		    account != NULL ? account : "", account != NULL ? " " : "", region, counts[0],
		    counts[1], counts[2]);
	for (size_t i = first; i < end; i++) {
		const json_t *check = json_array_get(checks, i);
		const char *status = jsonx_get_string(check, "status");
		bool passed = strcmp(status, "pass") == 0;

		if (passed && region != NULL)
			continue;
		cli_print(stdout, "%-4s  %s: %s\n", status, jsonx_get_string(check, "name"),
		    jsonx_get_string(check, "seen"));
		if (!passed)
			cli_print(stdout, "      remedy: %s\n", jsonx_get_string(check, "remedy"));
	}
}

/* Checks of one place stand together, so that a change of account or region begins the next. */
void
doctor_places_print(const json_t *checks)
{
	size_t count = json_array_size(checks);
	size_t first = 0;
	size_t places = 0;
	size_t counts[3];

	for (size_t end = 1; end <= count; end++) {
		const json_t *one = json_array_get(checks, first);

		if (end < count && doctor_text_same(one, json_array_get(checks, end), "account") &&
		    doctor_text_same(one, json_array_get(checks, end), "region"))
			continue;
		doctor_place_print(checks, first, end);
		places += json_object_get(one, "region") != NULL;
		first = end;
	}
	doctor_place_count(checks, 0, count, counts);
	cli_print(stdout, "%zu accounts and regions: %zu pass, %zu warn, %zu fail\n", places,
	    counts[0], counts[1], counts[2]);
}
