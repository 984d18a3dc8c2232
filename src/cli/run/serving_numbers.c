#include "cli/answer.h"
#include "cli/run/serving.h"
#include "web/metrics/metrics_server.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

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

/* The address is said, since port 0 lets the system choose. */
int
serving_numbers_start(struct serving *serving)
{
	struct tmf_err err = {0};

	assert(serving->jobs != NULL && serving->server == NULL);
	if (serving->opts.metrics_listen == NULL)
		return EXIT_OK;
	serving->metrics = (struct serving_metrics){
	    .command = serving->run.workflow_name,
	    .jobs = serving->jobs,
	    .kept = {.store = serving->store, .loop = serving->workspace.loop},
	    .start_wall_ms = serving->run.start_wall_ms,
	    .more = serving->source.count,
	    .arg = serving->source.arg,
	};
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
	metrics_server_stop(serving->server);
	serving->server = NULL;
	serving_metrics_fini(&serving->metrics);
}
