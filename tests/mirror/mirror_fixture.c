#include "mirror_fixture.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/op.h"
#include "mirror/actions/actions.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_WALL_MS INT64_C(1772360430000) /* 2026-03-01T10:20:30Z */

void
fixture_init(struct fixture *fixture, struct sim_opts *opts)
{
	struct tmf_err err = {0};

	opts->no_auth = true;
	fake_clock_init(&fixture->clock, START_WALL_MS);
	fixture->loop = tmf_loop_new(&fixture->clock.clock);
	fixture->world = world_new(opts, &err);
	ck_assert_msg(fixture->world != NULL, "%s", tmf_err_text(&err));
}

void
fixture_init_subnet(
    struct fixture *fixture, unsigned instances, int64_t stale_ms, double empty_pages)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = instances;
	opts.vpcs = 1;
	opts.subnets_per_vpc = 1;
	opts.plain = true;
	opts.stale_ms = stale_ms;
	opts.empty_pages = empty_pages;
	fixture_init(fixture, &opts);
}

void
fixture_fini(struct fixture *fixture)
{
	tmf_loop_free(fixture->loop);
	world_free(fixture->world);
}

/* --- the transport: the account itself answers, a little later --- */

struct http_exchange {
	struct tmf_timer timer; /* first */
	struct process *process;
	struct http_handler handler;
	char *body;
};

static void
exchange_free(struct http_exchange *exchange)
{
	free(exchange->body);
	free(exchange);
}

static struct fixture_fault *
fault_of(struct process *process, const char *body)
{
	for (size_t i = 0; i < FIXTURE_FAULTS_MAX; i++) {
		struct fixture_fault *fault = &process->faults[i];
		size_t len = fault->operation != NULL ? strlen(fault->operation) : 0;

		if (fault->operation != NULL && fault->times > 0 &&
		    strncmp(body, "Action=", 7) == 0 &&
		    strncmp(body + 7, fault->operation, len) == 0 && body[7 + len] == '&')
			return fault;
	}
	return NULL;
}

static struct sim_reply
refuse(struct fixture_fault *fault)
{
	struct sim_reply reply = {.status = fault->status};

	fault->times--;
	if (fault->code == NULL) {
		reply.status = 200;
		buf_printf(&reply.body, "<%sResponse/>", fault->operation);
		return reply;
	}
	buf_printf(&reply.body,
	    "<Response><Errors><Error><Code>%s</Code><Message>by order of the "
	    "test</Message></Error></Errors><RequestID>req-test</RequestID></Response>",
	    fault->code);
	return reply;
}

static void
answer(struct tmf_timer *timer)
{
	struct http_exchange *exchange = (struct http_exchange *)timer;
	struct process *process = exchange->process;
	struct fixture_fault *fault = fault_of(process, exchange->body);
	const struct sim_request request = {
	    .method = "POST",
	    .path = "/",
	    .body = str_of(exchange->body),
	    .now_wall_ms = process->fixture->clock.now_wall_ms,
	};
	struct sim_reply reply =
	    fault != NULL ? refuse(fault) : world_handle(process->fixture->world, &request);
	struct tmf_err err = {0};

	exchange->handler.body(exchange->handler.arg, reply.status, buf_str(&reply.body), &err);
	exchange->handler.done(exchange->handler.arg, exchange, reply.status, &err);
	tmf_err_fini(&err);
	sim_reply_fini(&reply);
	exchange_free(exchange);
}

static struct http_exchange *
transport_start(struct http_transport *transport, const struct http_request *request,
    const struct http_handler *handler)
{
	struct process *process = (struct process *)transport;
	struct http_exchange *exchange = mem_zalloc(1, sizeof(*exchange));
	const char *name;

	exchange->process = process;
	exchange->handler = *handler;
	exchange->body = mem_strndup(request->body.p, request->body.len);
	name = exchange->body + strlen("Action=");
	json_array_append_new(process->calls, json_stringn(name, strcspn(name, "&")));
	json_array_append_new(process->bodies, json_string(exchange->body));
	exchange->timer.fire = answer;
	tmf_loop_timer_arm(process->fixture->loop, &exchange->timer,
	    process->fixture->clock.now_mono_ms + FIXTURE_LATENCY_MS);
	return exchange;
}

static void
transport_cancel(struct http_transport *transport, struct http_exchange *exchange)
{
	struct process *process = (struct process *)transport;

	tmf_loop_timer_disarm(process->fixture->loop, &exchange->timer);
	exchange_free(exchange);
}

static const char *
transport_header(const struct http_exchange *exchange, const char *name)
{
	(void)exchange;
	(void)name;
	return NULL;
}

static void
give_keys(struct credentials_provider *provider,
    void (*done)(void *arg, const struct credentials *credentials, struct tmf_err *err), void *arg)
{
	struct credentials keys = {
	    .access_key_id = SIM_ACCESS_KEY_DEFAULT, .expires_wall_ms = INT64_MAX};

	(void)provider;
	secret_set(&keys.secret_access_key, SIM_SECRET_KEY_DEFAULT);
	done(arg, &keys, NULL);
	credentials_fini(&keys);
}

/* --- a process --- */

static struct mirror_config *
load_config(const struct fixture *fixture, const struct process_opts *opts)
{
	struct mirror_config *config;
	struct diag_list diags;
	struct tmf_err err = {0};
	struct buf text = {0};
	struct doc *doc;

	if (opts->config != NULL)
		buf_add_cstr(&text, opts->config);
	else
		world_config(fixture->world, opts->scenario, &text);
	doc = doc_parse("config.yaml", buf_str(&text), &err);
	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	diag_list_init(&diags, doc);
	config = mirror_config_load(doc, &diags);
	if (config == NULL)
		diag_print(&diags, stderr);
	ck_assert_ptr_nonnull(config);
	diag_list_fini(&diags);
	doc_free(doc);
	buf_fini(&text);
	return config;
}

static int
commit(void *arg, struct tmf_err *err)
{
	return store_commit(arg, err);
}

static void
open_store(struct process *process, const struct process_opts *opts, const char *run_id)
{
	struct store_run run = {.workflow_name = (char *)"backfill.yaml"};
	struct tmf_err err = {0};

	process->owns_store = opts->store == NULL;
	process->store = opts->store != NULL
			     ? opts->store
			     : store_open(NULL, &process->fixture->clock.clock, &err);
	ck_assert_msg(process->store != NULL, "%s", tmf_err_text(&err));
	snprintf(run.id, sizeof(run.id), "%s", run_id);
	if (!opts->retry && !opts->resumes)
		ck_assert_msg(
		    store_run_create(process->store, &run, &err) == 0, "%s", tmf_err_text(&err));
	tmf_loop_add_turn_hook(process->fixture->loop, commit, process->store);
}

static struct aws_client *
client_for(void *arg, const char *role_arn, struct tmf_err *err)
{
	struct process *process = arg;

	(void)err;
	json_array_append_new(process->roles, json_string(role_arn));
	return process->ec2;
}

static struct aws_client *
elb_for(void *arg, const struct aws_client *ec2)
{
	(void)ec2;
	return ((struct process *)arg)->elb;
}

static struct aws_client *
open_client(struct process *process, const char *service)
{
	struct tmf_err err = {0};
	struct aws_client *client = aws_client_new(
	    &(struct aws_client_opts){
		.loop = process->fixture->loop,
		.transport = &process->transport,
		.credentials = &process->credentials,
		.rng = &process->rng,
		.service = service,
		.region = "us-east-1",
	    },
	    &err);

	ck_assert_msg(client != NULL, "%s", tmf_err_text(&err));
	return client;
}

void
process_init(struct process *process, struct fixture *fixture, const struct process_opts *opts)
{
	const char *run_id = opts->run_id != NULL ? opts->run_id : "run";
	struct tmf_err err = {0};

	*process = (struct process){
	    .transport = {.start = transport_start,
		.cancel = transport_cancel,
		.reply_header = transport_header},
	    .fixture = fixture,
	    .credentials = {.get = give_keys},
	    .calls = json_array(),
	    .bodies = json_array(),
	    .roles = json_array(),
	};
	rng_seed(&process->rng, 1);
	process->ec2 = open_client(process, "ec2");
	if (opts->looks_behind_balancers)
		process->elb = open_client(process, "elasticloadbalancing");
	open_store(process, opts, run_id);
	process->config = load_config(fixture, opts);
	process->accounts = opts->accounts;
	process->owns_accounts = opts->accounts == NULL;
	if (process->owns_accounts)
		process->accounts = accounts_new(&(struct accounts_opts){
		    .loop = fixture->loop,
		    .ec2 = process->ec2,
		    .client_for = client_for,
		    .client_for_arg = process,
		    .elb_for = elb_for,
		    .store = process->store,
		    .owner = run_id,
		    .dry_run = opts->dry_run,
		    .gathers = opts->gathers,
		    .fresh_ms = opts->fresh_ms,
		});
	process->mirror = mirror_new(
	    &(struct mirror_opts){
		.accounts = process->accounts,
		.config = process->config,
		.run_id = run_id,
		.workflow = "workflows/backfill.yaml",
		.hook_name = opts->hook != NULL ? "hook.lua" : NULL,
		.hook_source = opts->hook,
		.only_failed = opts->retry,
		.shares_run = opts->shares_run,
	    },
	    &err);
	ck_assert_msg(process->mirror != NULL, "%s", tmf_err_text(&err));
	process->registry = tmf_registry_new();
	actions_register(process->registry, process->mirror);
}

void
process_fini(struct process *process)
{
	tmf_loop_remove_turn_hook(process->fixture->loop, commit, process->store);
	tmf_registry_free(process->registry);
	mirror_free(process->mirror);
	if (process->owns_accounts)
		accounts_free(process->accounts);
	mirror_config_free(process->config);
	aws_client_free(process->elb);
	aws_client_free(process->ec2);
	if (process->owns_store)
		store_close(process->store);
	json_decref(process->calls);
	json_decref(process->bodies);
	json_decref(process->roles);
	for (size_t i = 0; i < process->ops; i++) {
		json_decref(process->ends[i].result);
		tmf_err_fini(&process->ends[i].err);
	}
}

void
process_fault(
    struct process *process, const char *operation, const char *code, int status, int times)
{
	for (size_t i = 0; i < FIXTURE_FAULTS_MAX; i++) {
		if (process->faults[i].operation == NULL) {
			process->faults[i] = (struct fixture_fault){
			    .operation = operation, .code = code, .status = status, .times = times};
			return;
		}
	}
	ck_abort_msg("too many faults");
}

void
process_heal(struct process *process)
{
	memset(process->faults, 0, sizeof(process->faults));
}

static void
settled(void *arg, struct tmf_call *call)
{
	json_t *result = tmf_call_take_result(call);

	ck_assert_msg(result != NULL, "%s", tmf_err_text(&call->err));
	json_decref(result);
	*(bool *)arg = true;
}

void
process_settle(struct process *process)
{
	bool over = false;

	tmf_call_on_done(accounts_settle(process->accounts, false), settled, &over);
	fixture_run(process->fixture);
	ck_assert(over);
}

static void
op_over(void *arg, struct tmf_op *op)
{
	struct fixture_end *end = arg;

	end->over = true;
	end->result = op_take_result(op);
	if (end->result == NULL && op->action->gave_up != NULL)
		op->action->gave_up(op);
	tmf_err_move(&end->err, &op->err);
	op_free(op);
}

struct fixture_end *
process_start(struct process *process, const char *name, json_t *input)
{
	const struct tmf_action *action = tmf_registry_find(process->registry, name);
	struct fixture_end *end = &process->ends[process->ops++];

	ck_assert_ptr_nonnull(action);
	ck_assert_uint_le(process->ops, FIXTURE_OPS_MAX);
	*end = (struct fixture_end){.process = process};
	op_start(action, process->mirror, process->fixture->loop, input, op_over, end);
	json_decref(input);
	return end;
}

void
fixture_run(struct fixture *fixture)
{
	struct tmf_err err = {0};

	ck_assert_msg(tmf_loop_run(fixture->loop, &err) == 0, "%s", tmf_err_text(&err));
}

json_t *
process_run(struct process *process, const char *action, json_t *input)
{
	const struct fixture_end *end = process_start(process, action, input);

	fixture_run(process->fixture);
	ck_assert_msg(end->over, "%s did not end", action);
	return end->result;
}

const struct tmf_err *
process_error(const struct process *process)
{
	return &process->ends[process->ops - 1].err;
}

size_t
process_calls(const struct process *process, const char *operation)
{
	size_t count = 0;
	json_t *call;
	size_t i;

	json_array_foreach (process->calls, i, call)
		count += operation[0] == '\0' || strcmp(json_string_value(call), operation) == 0;
	return count;
}

void
process_forget_calls(struct process *process)
{
	json_array_clear(process->calls);
	json_array_clear(process->bodies);
}

bool
process_asked_with(const struct process *process, const char *operation, const char *text)
{
	for (size_t i = json_array_size(process->calls); i-- > 0;)
		if (strcmp(json_string_value(json_array_get(process->calls, i)), operation) == 0)
			return strstr(json_string_value(json_array_get(process->bodies, i)),
				   text) != NULL;
	return false;
}

static int
collect_outcome(void *arg, const struct outcome *outcome)
{
	json_t *row = json_object();

	jsonx_put_string(row, "outcome", outcome_name(outcome->kind));
	jsonx_put_string(row, "instance", outcome->instance_id);
	jsonx_put_string(row, "interface", outcome->interface_id);
	jsonx_put_string(row, "reason", outcome->reason);
	jsonx_put_string(row, "rule", outcome->rule);
	jsonx_put_string(row, "target", outcome->target_id);
	jsonx_put_string(row, "session", outcome->session_id);
	jsonx_put_string(row, "error", outcome->error);
	jsonx_put_string(row, "cause", outcome->cause);
	jsonx_put_string(row, "request", outcome->request_id);
	json_array_append_new(arg, row);
	return 0;
}

json_t *
process_outcomes(struct process *process)
{
	json_t *rows = json_array();
	struct tmf_err err = {0};

	ck_assert_msg(
	    store_outcomes_each(process->store, "run", -1, collect_outcome, rows, &err) == 0, "%s",
	    tmf_err_text(&err));
	return rows;
}

const char *
process_outcome(struct process *process, const char *id)
{
	static char text[256];
	json_t *rows = process_outcomes(process);
	json_t *row;
	size_t i;

	text[0] = '\0';
	json_array_foreach (rows, i, row) {
		const char *interface = jsonx_get_string(row, "interface");
		const char *reason = jsonx_get_string(row, "reason");
		const char *key = interface != NULL ? interface : jsonx_get_string(row, "instance");

		if (strcmp(key, id) == 0)
			snprintf(text, sizeof(text), "%s%s%s", jsonx_get_string(row, "outcome"),
			    reason != NULL ? ": " : "", reason != NULL ? reason : "");
	}
	json_decref(rows);
	return text;
}

static void
append(void *arg, struct str part)
{
	buf_add_str(arg, part);
}

json_t *
fixture_report(struct fixture *fixture)
{
	struct buf text = {0};
	const struct sim_sink sink = {.write = append, .arg = &text};
	struct tmf_err err = {0};
	json_t *report;

	world_report(fixture->world, true, &sink);
	report = jsonx_parse(buf_str(&text), &err);
	ck_assert_msg(report != NULL, "%s", tmf_err_text(&err));
	buf_fini(&text);
	return report;
}

json_t *
jpack(const char *format, ...)
{
	json_error_t error;
	va_list args;
	json_t *value;

	va_start(args, format);
	value = json_vpack_ex(&error, 0, format, args);
	va_end(args);
	ck_assert_msg(value != NULL, "%s: %s", format, error.text);
	return value;
}

void
fixture_check_used(const json_t *report)
{
	json_t *reason;
	size_t i;

	json_array_foreach (json_object_get(report, "reasons"), i, reason)
		ck_assert_msg(strstr(json_string_value(reason), "nobody has mirrored to") != NULL,
		    "%s", json_string_value(reason));
}
