#include "sim_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The network: the account answers after a while, and what goes wrong on the way goes wrong
 * here. */

#define LATENCY_MS_MAX 40

struct http_exchange {
	struct tmf_timer timer; /* first */
	struct sim_process *process;
	struct http_handler handler;
	struct sim_reply reply;
	enum tmf_err_code transport; /* TMF_ERR_NONE: the reply comes whole */
	char *url;
};

static void
exchange_free(struct http_exchange *exchange)
{
	sim_reply_fini(&exchange->reply);
	free(exchange->url);
	free(exchange);
}

static void
swallow(void *arg, struct str part)
{
	(void)arg;
	(void)part;
}

/* What must hold at every instant. That a launched instance has a target, only at the end. */
static void
check_account(struct sim *sim, const char *operation)
{
	static const char *const always[] = {"duplicate sessions",
	    "sessions on interfaces that are targets",
	    "targets with more sources than they may have"};
	const struct sim_sink nowhere = {.write = swallow};
	json_t *report, *reason;
	size_t i;

	if (strncmp(operation, "Describe", 8) == 0 || world_report(sim->world, false, &nowhere))
		return;
	report = sim_report(sim, false);
	json_array_foreach (jsonx_get_array(report, "reasons"), i, reason)
		for (size_t k = 0; k < sizeof(always) / sizeof(always[0]); k++)
			if (strstr(json_string_value(reason), always[k]) != NULL)
				sim_broken(
				    sim, "after a %s: %s", operation, json_string_value(reason));
	json_decref(report);
}

/* The part of the body that arrives, then the end. */
static void
deliver(struct http_exchange *exchange)
{
	struct str body = buf_str(&exchange->reply.body);
	struct tmf_err err = {0};
	int status = exchange->transport == TMF_ERR_NONE ? exchange->reply.status : 0;

	if (exchange->reply.wire == SIM_WIRE_TRUNCATE)
		body.len /= 2;
	if (exchange->transport != TMF_ERR_NONE && exchange->reply.wire != SIM_WIRE_TRUNCATE)
		body.len = 0;
	if (body.len > 0)
		exchange->handler.body(exchange->handler.arg, exchange->reply.status, body, &err);
	if (status == 0)
		tmf_err_set(
		    &err, exchange->transport, "the connection broke, by order of the test");
	exchange->handler.done(exchange->handler.arg, exchange, status, &err);
	tmf_err_fini(&err);
}

static void
answered(struct tmf_timer *timer)
{
	struct http_exchange *exchange = (struct http_exchange *)timer;

	if (sim_point(exchange->process))
		return; /* freed when the client is, which cancels it */
	deliver(exchange);
	exchange_free(exchange);
}

/* The account does what is asked for at the time at which it arrives, which is now. */
static void
handle(struct http_exchange *exchange, const struct http_request *request)
{
	struct sim *sim = exchange->process->sim;
	const struct sim_plan *plan = sim->plan;
	const struct sim_request asked = {
	    .method = "POST",
	    .path = "/",
	    .body = request->body,
	    .now_wall_ms = sim->clock.now_wall_ms,
	};

	exchange->reply = world_handle(sim->world, &asked);
	sim->result->requests++;
	if (exchange->reply.wire != SIM_WIRE_WHOLE)
		exchange->transport = TMF_ERR_TRANSPORT;
	if (plan->spoil != NULL)
		plan->spoil(
		    plan->spoil_arg, sim->result->requests, &exchange->reply, &exchange->transport);
	if (getenv("TMFLOW_SIM_TRACE") != NULL)
		printf("%8lld ms  process %zu  %s  %d %s%s\n",
		    (long long)(sim->clock.now_wall_ms - SIM_START_WALL_MS),
		    exchange->process->index, exchange->reply.operation, exchange->reply.status,
		    exchange->reply.code,
		    exchange->transport != TMF_ERR_NONE ? ", lost on the way" : "");
	check_account(sim, exchange->reply.operation);
}

static struct http_exchange *
start(struct http_transport *transport, const struct http_request *request,
    const struct http_handler *handler)
{
	struct sim_process *process = (struct sim_process *)transport;
	struct sim *sim = process->sim;
	struct http_exchange *exchange = mem_zalloc(1, sizeof(*exchange));
	int64_t latency_ms = 1 + (int64_t)(rng_unit(&sim->rng) * LATENCY_MS_MAX);

	exchange->process = process;
	exchange->handler = *handler;
	exchange->url = mem_strdup(request->url);
	exchange->timer.fire = answered;
	if (sim_point(process))
		return exchange; /* it never left, and nobody will hear of it */
	handle(exchange, request);
	latency_ms += exchange->reply.delay_ms;
	if (request->total_timeout_ms > 0 && latency_ms > request->total_timeout_ms) {
		latency_ms = request->total_timeout_ms;
		exchange->transport = TMF_ERR_TRANSPORT;
	}
	tmf_loop_timer_arm(sim->loop, &exchange->timer, sim->clock.now_mono_ms + latency_ms);
	return exchange;
}

static void
cancel(struct http_transport *transport, struct http_exchange *exchange)
{
	struct sim_process *process = (struct sim_process *)transport;

	tmf_loop_timer_disarm(process->sim->loop, &exchange->timer);
	exchange_free(exchange);
}

static const char *
reply_header(const struct http_exchange *exchange, const char *name)
{
	return strcasecmp(name, "x-amzn-requestid") == 0 ? exchange->reply.request_id : NULL;
}

void
sim_transport_init(struct http_transport *transport)
{
	*transport =
	    (struct http_transport){.start = start, .cancel = cancel, .reply_header = reply_header};
}
