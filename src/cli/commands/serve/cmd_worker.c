#include "cli/commands/commands.h"

#include "aws/arn.h"
#include "aws/services/sfn.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/run/serving.h"
#include "serve/worker.h"
#include "web/metrics/metrics_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_BYTES	 64
#define MS		 1000
#define CONNECTIONS_MORE 8 /* beside a poll or a task's requests for each slot */

/* The numbers of the command line, and what the ARNs have in common. */
struct worker_plan {
	long pollers;
	long concurrency;
	long heartbeat_s;
	char *region;
};

/*
 * One client serves all activities, and a client signs for one region: an activity in another
 * region would be answered with InvalidArn at every poll.
 */
static int
worker_check_arns(const struct cli_list *arns, char **ret_region, struct tmf_err *err)
{
	struct arn first = {.region = STR("")};

	if (arns->count == 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "missing activity: give --activity-arn ARN, once for each");
	for (size_t i = 0; i < arns->count; i++) {
		struct arn arn = {0};

		if (arn_parse_activity(arns->at[i], &arn, err) < 0)
			return tmf_err_prefix(err, "--activity-arn");
		if (i == 0)
			first = arn;
		else if (!str_eq(arn.region, first.region))
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "--activity-arn: not in the region of the first: %s", arns->at[i]);
	}
	*ret_region = mem_strndup(first.region.p, first.region.len);
	return 0;
}

/*
 * Each activity needs at least one poll, and a poll takes a slot: with fewer slots than
 * activities one of them would never be asked.
 */
static int
worker_plan_make(const struct cli_opts *opts, struct worker_plan *plan, struct tmf_err *err)
{
	const struct cli_number numbers[] = {
	    {"--pollers", opts->pollers, 1, WORKER_CONCURRENCY_MAX, WORKER_POLLERS_DEFAULT},
	    {"--concurrency", opts->concurrency, 1, WORKER_CONCURRENCY_MAX,
		WORKER_CONCURRENCY_DEFAULT},
	    {"--heartbeat", opts->heartbeat, 1, WORKER_HEARTBEAT_SECONDS_MAX,
		WORKER_HEARTBEAT_MS_DEFAULT / MS},
	};
	long *const values[] = {&plan->pollers, &plan->concurrency, &plan->heartbeat_s};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (cli_number_parse(&numbers[i], values[i], err) < 0)
			return -1;
	if (worker_check_arns(&opts->activity_arns, &plan->region, err) < 0)
		return -1;
	if (plan->concurrency < (long)opts->activity_arns.count)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--concurrency: %ld is too small for %zu activities with a poll each",
		    plan->concurrency, opts->activity_arns.count);
	return 0;
}

/* "host-4711": distinguishes workers in Step Functions' history. */
static char *
worker_make_name(void)
{
	char host[HOST_BYTES];

	if (gethostname(host, sizeof(host)) < 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	return mem_printf("%s-%ld", host[0] != '\0' ? host : "tmflow", (long)getpid());
}

/*
 * Tasks under way are finished: one that is dropped would fail only once its heartbeat or its
 * timeout has passed.
 */
static void
worker_drain_on_signal(void *arg)
{
	worker_drain(arg);
}

static void
worker_over(void *arg, struct tmf_err *fault)
{
	serving_over(arg, fault);
}

/* On standard error, where a container's log collects it with the events. */
static void
worker_print_stats(const struct worker_stats *stats)
{
	cli_print(stderr,
	    "tmflow: %llu tasks: %llu succeeded, %llu failed, %llu dropped; %llu heartbeats\n",
	    (unsigned long long)stats->tasks, (unsigned long long)stats->succeeded,
	    (unsigned long long)stats->failed, (unsigned long long)stats->dropped,
	    (unsigned long long)stats->heartbeats);
}

static void
worker_count(void *arg, struct buf *out)
{
	const struct worker_stats *stats = worker_stats(arg);

	metrics_text_begin(out, "tmflow_worker_tasks_received", "counter", NULL,
	    "Tasks that Step Functions handed out.");
	metrics_text_counter(out, "tmflow_worker_tasks_received", "", stats->tasks);
	metrics_text_begin(
	    out, "tmflow_worker_tasks", "counter", NULL, "Tasks by what became of them.");
	metrics_text_counter(out, "tmflow_worker_tasks", "result=\"succeeded\"", stats->succeeded);
	metrics_text_counter(out, "tmflow_worker_tasks", "result=\"failed\"", stats->failed);
	metrics_text_counter(out, "tmflow_worker_tasks", "result=\"dropped\"", stats->dropped);
	metrics_text_begin(
	    out, "tmflow_worker_heartbeats", "counter", NULL, "Heartbeats that were sent.");
	metrics_text_counter(out, "tmflow_worker_heartbeats", "", stats->heartbeats);
}

static bool
worker_probe(void *arg)
{
	return worker_is_healthy(arg);
}

/* The numbers are within their bounds since worker_plan_make, so that the casts keep them. */
static int
worker_run(struct serving *serving, const struct worker_plan *plan)
{
	const struct cli_opts *opts = &serving->opts;
	struct tmf_err err = {0};
	struct aws_client *sfn =
	    workspace_client(&serving->workspace, "states", plan->region, &err);
	char *name = worker_make_name();
	struct worker *worker;
	int code;

	assert(plan->pollers >= 1 && plan->concurrency >= 1);
	assert(plan->heartbeat_s >= 1);
	if (sfn == NULL) {
		free(name);
		return cli_fail_take(opts->output, &err);
	}
	worker = worker_new(&(struct worker_opts){
	    .loop = serving->workspace.loop,
	    .jobs = serving->jobs,
	    .sfn = sfn,
	    .activity_arns = opts->activity_arns.at,
	    .activity_count = opts->activity_arns.count,
	    .name = name,
	    .pollers = (unsigned)plan->pollers,
	    .concurrency = (unsigned)plan->concurrency,
	    .heartbeat_ms = (int64_t)plan->heartbeat_s * MS,
	    .health_file = opts->health_file,
	    .over = worker_over,
	    .arg = serving,
	});
	serving_set_source(serving, &(struct serving_source){
					.client = sfn,
					.count = worker_count,
					.is_healthy = worker_probe,
					.arg = worker,
				    });
	code = serving_run(serving, worker_drain_on_signal, worker);
	worker_print_stats(worker_stats(worker));
	worker_free(worker);
	aws_client_free(sfn);
	free(name);
	return code;
}

int
cmd_worker(const struct cli_opts *opts)
{
	struct worker_plan plan = {.region = NULL};
	struct serving serving;
	struct tmf_err err = {0};
	int code;

	if (worker_plan_make(opts, &plan, &err) < 0) {
		free(plan.region);
		return cli_fail_take(opts->output, &err);
	}
	code = serving_open(&serving, opts,
	    &(struct serving_opts){
		.name = "worker",
		.region = plan.region,
		/* A task has its heartbeat and its calls to EC2 open at once. */
		.connections_max = 2 * plan.concurrency + CONNECTIONS_MORE,
	    });
	if (code == EXIT_OK)
		code = worker_run(&serving, &plan);
	serving_close(&serving);
	free(plan.region);
	return code;
}
