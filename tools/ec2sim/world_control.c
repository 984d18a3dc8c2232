#include "world_internal.h"

#include "base/jsonx.h"

#include <stdlib.h>
#include <string.h>

/* The calls under /_sim/: not EC2's, not signed, not counted. */

#define INSTANCE_PATH "/_sim/instances/"

static void
append(void *arg, struct str part)
{
	buf_add_str(arg, part);
}

static void
answer_error(struct sim_reply *reply, int status, const char *text)
{
	struct jo_out j = {0};

	jo_open(&j, NULL, '{');
	jo_text(&j, "error", text);
	jo_close(&j, '}');
	buf_add_char(&j.buf, '\n');
	reply->status = status;
	buf_fini(&reply->body);
	reply->body = j.buf;
}

static void
answer_done(struct sim_reply *reply)
{
	buf_add_cstr(&reply->body, "{\"ok\":true}\n");
}

/* Ends with the fault where one is there, else with {"ok":true}. */
static void
answer_result(struct sim_reply *reply, int result, struct tmf_err *err)
{
	if (result < 0)
		answer_error(reply, err->code == TMF_ERR_NOT_FOUND ? 404 : 400, tmf_err_text(err));
	else
		answer_done(reply);
	tmf_err_fini(err);
}

static void
control_report(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	struct sim_sink sink = {.write = append, .arg = &reply->body};

	world_report(w, strstr(request->path, "sessions=1") != NULL, &sink);
}

static void
control_world(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	struct sim_sink sink = {.write = append, .arg = &reply->body};
	const char *limit = strstr(request->path, "limit=");

	world_print(w, limit != NULL ? strtoull(limit + 6, NULL, 10) : 0, &sink);
}

static void
control_config(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	enum sim_scenario scenario = SIM_SCENARIO_ALL;

	if (strstr(request->path, "scenario=tags") != NULL)
		scenario = SIM_SCENARIO_TAGS;
	else if (strstr(request->path, "scenario=vpcs") != NULL)
		scenario = SIM_SCENARIO_VPCS;
	else if (strstr(request->path, "scenario=created") != NULL)
		scenario = SIM_SCENARIO_CREATED;
	reply->content_type = "application/yaml";
	world_config(w, scenario, &reply->body);
}

static void
control_expected(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	struct tmf_err err = {0};

	if (world_expected(w, request->body, &reply->body, &err) < 0)
		answer_error(reply, 400, tmf_err_text(&err));
	tmf_err_fini(&err);
}

static void
control_faults(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	const char *texts[SIM_FAULTS_MAX];
	struct tmf_err err = {0};
	json_t *body = jsonx_parse(request->body, &err);
	json_t *list = json_is_object(body) ? json_object_get(body, "faults") : body;
	size_t count = json_array_size(list);
	int result = -1;

	if (body != NULL && (!json_is_array(list) || count > SIM_FAULTS_MAX)) {
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "the body must be {\"faults\": [\"KIND[:OPERATION]@P\", ...]}");
	} else if (body != NULL) {
		for (size_t i = 0; i < count; i++) {
			const char *text = json_string_value(json_array_get(list, i));

			texts[i] = text != NULL ? text : "";
		}
		result = world_set_faults(w, texts, count, &err);
	}
	answer_result(reply, result, &err);
	json_decref(body);
}

static void
control_reset(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	(void)request;
	world_reset_counters(w);
	answer_done(reply);
}

static void
control_expire(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	(void)request;
	world_expire_tokens(w);
	answer_done(reply);
}

/* /_sim/answers?operation=NAME */
static void
control_answers(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	if (answer_set(w, request))
		answer_done(reply);
	else
		answer_error(reply, 404, "no such operation");
}

/* /_sim/instances/ID/terminate and /stop */
static void
control_instance(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	const char *id = request->path + strlen(INSTANCE_PATH);
	size_t len = strcspn(id, "/");
	char *copy = mem_strndup(id, len);
	struct tmf_err err = {0};

	if (strcmp(id + len, "/terminate") == 0)
		answer_result(reply, world_terminate(w, copy, request->now_wall_ms, &err), &err);
	else if (strcmp(id + len, "/stop") == 0)
		answer_result(reply, world_stop(w, copy, request->now_wall_ms, &err), &err);
	else
		answer_error(reply, 404, "no such control call");
	free(copy);
}

static const struct {
	const char *method;
	const char *path; /* with a final slash: what begins with it */
	void (*run)(
	    struct sim_world *w, const struct sim_request *request, struct sim_reply *reply);
} controls[] = {
    {"GET", "/_sim/report", control_report},
    {"GET", "/_sim/world", control_world},
    {"GET", "/_sim/config", control_config},
    {"POST", "/_sim/expected", control_expected},
    {"POST", "/_sim/answers", control_answers},
    {"POST", "/_sim/faults", control_faults},
    {"POST", "/_sim/reset-counters", control_reset},
    {"POST", "/_sim/expire-tokens", control_expire},
    {"POST", INSTANCE_PATH, control_instance},
};

void
control_handle(struct sim_world *w, const struct sim_request *request, struct sim_reply *reply)
{
	struct str path = {request->path, strcspn(request->path, "?")};

	reply->content_type = "application/json";
	reply->operation = "control";
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		size_t len = strlen(controls[i].path);
		bool same = controls[i].path[len - 1] == '/' ? str_starts(path, controls[i].path)
							     : str_is(path, controls[i].path);

		if (same && strcmp(request->method, controls[i].method) == 0) {
			controls[i].run(w, request, reply);
			return;
		}
	}
	answer_error(reply, 404, "no such control call");
}
