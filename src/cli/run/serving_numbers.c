#include "base/log.h"
#include "cli/answer.h"
#include "cli/run/serving.h"
#include "web/metrics/metrics_server.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* CloudWatch keeps a value a minute. */
#define NUMBERS_LOG_MS 60000

/* The accounts' clients are opened as work asks for them, so that they are listed each time. */
static void
numbers_add_client(struct serving_metrics *metrics, const struct aws_client *client,
    struct pacer *pacer, const char *account)
{
	if (client == NULL || metrics->client_count == SERVING_CLIENTS_MAX)
		return;
	metrics->clients[metrics->client_count++] =
	    (struct serving_client){.client = client, .pacer = pacer, .account = account};
}

static void
numbers_add_clients(struct serving *serving)
{
	const struct workspace *workspace = &serving->workspace;
	struct serving_metrics *metrics = &serving->metrics;

	metrics->client_count = 0;
	numbers_add_client(metrics, serving->source.client, NULL, "");
	numbers_add_client(metrics, workspace->own.ec2, workspace->own.pacer, "");
	numbers_add_client(metrics, workspace->own.elb, NULL, "");
	for (const struct workspace_clients *member = workspace->members; member != NULL;
	     member = member->next) {
		numbers_add_client(metrics, member->ec2, member->pacer, member->role_arn);
		numbers_add_client(metrics, member->elb, NULL, member->role_arn);
	}
}

static int
numbers_write(void *arg, struct buf *out, struct tmf_err *err)
{
	struct serving *serving = arg;

	numbers_add_clients(serving);
	return serving_metrics_write(&serving->metrics, out, err);
}

static bool
numbers_are_healthy(void *arg)
{
	const struct serving *serving = arg;

	if (serving->source.is_healthy != NULL)
		return serving->source.is_healthy(serving->source.arg);
	return serving->signals == 0;
}

/* Also at the end, so that a process that lives for less than a minute is counted. */
void
serving_numbers_log(struct serving *serving)
{
	struct buf text = {0};

	if (!log_is_emf() || serving->metrics.jobs == NULL)
		return;
	numbers_add_clients(serving);
	serving_metrics_count(&serving->metrics, &text);
	emf_log(&serving->emf, buf_cstr(&text), serving->metrics.command, serving->run.id);
	buf_fini(&text);
}

static void
numbers_arm(struct serving *serving)
{
	struct tmf_loop *loop = serving->workspace.loop;

	tmf_loop_timer_arm(loop, &serving->emf_due, tmf_loop_mono_ms(loop) + NUMBERS_LOG_MS);
}

/* A minute in which nothing was counted costs a few gauges: CloudWatch then knows the process is
 * there, and an alarm on missing data can say that it is not. */
static void
numbers_due(struct tmf_timer *timer)
{
	struct serving *serving =
	    (struct serving *)((char *)timer - offsetof(struct serving, emf_due));

	serving_numbers_log(serving);
	numbers_arm(serving);
}

/* The address is said, since port 0 lets the system choose. */
int
serving_numbers_start(struct serving *serving)
{
	struct tmf_err err = {0};

	assert(serving->jobs != NULL && serving->server == NULL);
	serving->metrics = (struct serving_metrics){
	    .command = serving->run.workflow_name,
	    .jobs = serving->jobs,
	    .kept = {.store = serving->store, .loop = serving->workspace.loop},
	    .start_wall_ms = serving->run.start_wall_ms,
	    .more = serving->source.count,
	    .arg = serving->source.arg,
	};
	serving->emf_due.fire = numbers_due;
	if (log_is_emf())
		numbers_arm(serving);
	if (serving->opts.metrics_listen == NULL)
		return EXIT_OK;
	serving->server = metrics_server_start(
	    &(struct metrics_server_opts){
		.loop = serving->workspace.loop,
		.address = serving->opts.metrics_listen,
		.write = numbers_write,
		.is_healthy = numbers_are_healthy,
		.arg = serving,
	    },
	    &err);
	if (serving->server == NULL) {
		tmf_err_prefix(&err, "--metrics-listen");
		return cli_fail_take(serving->opts.output, &err);
	}
	cli_print(stderr, "tmflow: metrics at %s\n", metrics_server_url(serving->server));
	return EXIT_OK;
}

void
serving_numbers_stop(struct serving *serving)
{
	if (serving->emf_due.fire != NULL)
		tmf_loop_timer_disarm(serving->workspace.loop, &serving->emf_due);
	serving_numbers_log(serving);
	emf_fini(&serving->emf);
	metrics_server_stop(serving->server);
	serving->server = NULL;
	serving_metrics_fini(&serving->metrics);
}
