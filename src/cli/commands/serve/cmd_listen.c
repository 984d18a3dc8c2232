#include "cli/commands/commands.h"

#include "base/mem.h"
#include "cli/answer.h"
#include "cli/commands/serve/listen_reconcile.h"
#include "cli/run/rounds.h"
#include "cli/run/serving.h"
#include "serve/listener.h"
#include "web/metrics/metrics_text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX	 128 /* of the runs: more at once would only be refused by EC2's quota */
#define CONNECTIONS_MORE 8   /* beside two requests for each message under way */

struct listen_plan {
	long receivers;
	long concurrency;
	long visibility_s;
	char *region; /* of the queue's host; NULL: it does not say */
	char *on_launch;
	char *on_guardduty;
	char *backfill;	  /* of --reconcile; NULL: not asked for */
	int64_t every_ms; /* likewise */
};

/* What a listener does: the queue's events, and perhaps the backfill beside them. */
struct listen_work {
	struct listener *listener;
	struct listen_reconcile *reconcile; /* NULL: none */
};

/* "https://sqs.eu-west-1.amazonaws.com/123456789012/events" says where the queue is. */
static char *
listen_region_of_url(const char *url)
{
	const char *host = strstr(url, "://sqs.");
	const char *region = host != NULL ? host + sizeof("://sqs.") - 1 : NULL;
	size_t len = region != NULL ? strcspn(region, ".:/") : 0;

	return len > 0 && region[len] == '.' ? mem_strndup(region, len) : NULL;
}

/*
 * A queue is named by its URL, not its ARN, because that is what the API of SQS takes. http://
 * is accepted for emulators and VPC endpoints.
 */
static int
listen_plan_make(const struct cli_opts *opts, struct listen_plan *plan, struct tmf_err *err)
{
	const struct cli_number numbers[] = {
	    {"--pollers", opts->pollers, 1, LISTENER_CONCURRENCY_MAX, LISTENER_RECEIVERS_DEFAULT},
	    {"--concurrency", opts->concurrency, 1, LISTENER_CONCURRENCY_MAX,
		LISTENER_CONCURRENCY_DEFAULT},
	    {"--visibility", opts->visibility, LISTENER_VISIBILITY_MIN, LISTENER_VISIBILITY_MAX,
		LISTENER_VISIBILITY_DEFAULT},
	};
	long *const values[] = {&plan->receivers, &plan->concurrency, &plan->visibility_s};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (cli_number_parse(&numbers[i], values[i], err) < 0)
			return -1;
	if (opts->reconcile != NULL &&
	    rounds_parse("--reconcile", opts->reconcile, &plan->every_ms, err) < 0)
		return -1;
	if (opts->queue_url == NULL)
		return tmf_err_set(err, TMF_ERR_INVALID, "missing queue: give --queue-url URL");
	if (strncmp(opts->queue_url, "http://", 7) != 0 &&
	    strncmp(opts->queue_url, "https://", 8) != 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--queue-url takes a URL such as "
		    "https://sqs.us-east-1.amazonaws.com/123456789012/events, not \"%s\"",
		    opts->queue_url);
	plan->region = listen_region_of_url(opts->queue_url);
	return 0;
}

/* Example: without --on-launch the workflow is "workflows/on-launch.yaml". */
static char *
listen_workflow_path(struct serving *serving, const char *given, const char *name)
{
	if (given != NULL)
		return mem_strdup(given);
	return mem_printf("%s/%s.yaml", serving_workflows_dir(serving), name);
}

/* Reads the workflows, so that what is wrong with them is known before the first event. */
static int
listen_check_workflows(struct serving *serving, struct listen_plan *plan)
{
	struct tmf_err err = {0};

	plan->on_launch = listen_workflow_path(serving, serving->opts.on_launch, "on-launch");
	plan->on_guardduty =
	    listen_workflow_path(serving, serving->opts.on_guardduty, "on-guardduty");
	if (jobs_read_workflow(serving->jobs, plan->on_launch, &err) == NULL ||
	    jobs_read_workflow(serving->jobs, plan->on_guardduty, &err) == NULL)
		return cli_fail_take(serving->opts.output, &err);
	if (serving->opts.reconcile == NULL)
		return EXIT_OK;
	plan->backfill = listen_workflow_path(serving, NULL, "backfill");
	if (serving->workspace.config == NULL)
		tmf_err_set(
		    &err, TMF_ERR_CONFIG, "--reconcile: missing configuration: give --config");
	if (tmf_err_isset(&err) || jobs_read_workflow(serving->jobs, plan->backfill, &err) == NULL)
		return cli_fail_take(serving->opts.output, &err);
	return EXIT_OK;
}

/*
 * Messages under way are finished, since SQS would deliver them again otherwise. A round is
 * stopped: it may last for hours, and the next one does what it left undone.
 */
static void
listen_drain(void *arg)
{
	const struct listen_work *work = arg;

	listen_reconcile_stop(work->reconcile);
	listener_drain(work->listener);
}

static void
listen_over(void *arg, struct tmf_err *fault)
{
	serving_over(arg, fault);
}

/*
 * On standard error, where a container's log collects it with the events. "Twice" counts deliveries
 * of a message that is under way already, since a standard queue may deliver one again.
 */
static void
listen_print_stats(const struct listener_stats *stats)
{
	cli_print(stderr,
	    "tmflow: %llu messages received: %llu done, %llu ignored, %llu failed, %llu "
	    "unreadable, %llu twice\n",
	    (unsigned long long)stats->received, (unsigned long long)stats->done,
	    (unsigned long long)stats->ignored, (unsigned long long)stats->failed,
	    (unsigned long long)stats->unreadable, (unsigned long long)stats->duplicates);
}

static void
listen_count(void *arg, struct buf *out)
{
	const struct listen_work *work = arg;
	const struct listener_stats *stats = listener_stats(work->listener);
	const struct {
		const char *labels;
		uint64_t count;
	} results[] = {
	    {"result=\"done\"", stats->done},
	    {"result=\"ignored\"", stats->ignored},
	    {"result=\"failed\"", stats->failed},
	    {"result=\"unreadable\"", stats->unreadable},
	    {"result=\"duplicate\"", stats->duplicates},
	};

	metrics_text_begin(out, "tmflow_listen_messages_received", "counter", NULL,
	    "Messages that came from the queue, duplicates included.");
	metrics_text_counter(out, "tmflow_listen_messages_received", "", stats->received);
	metrics_text_begin(
	    out, "tmflow_listen_messages", "counter", NULL, "Messages by what became of them.");
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		metrics_text_counter(
		    out, "tmflow_listen_messages", results[i].labels, results[i].count);
	metrics_text_begin(out, "tmflow_listen_message_age_seconds", "histogram", "seconds",
	    "How long messages had been in the queue when they came.");
	metrics_text_histogram(out, "tmflow_listen_message_age_seconds", "", &stats->ages);
	if (work->reconcile != NULL)
		listen_reconcile_count(work->reconcile, out);
}

static bool
listen_probe(void *arg)
{
	const struct listen_work *work = arg;

	return listener_is_healthy(work->listener);
}

static void
listen_note_rounds(void *arg, bool failing)
{
	listener_note_beside(arg, failing);
}

/* The loop runs only if the schedule could be begun. */
static int
listen_work_run(struct serving *serving, const struct listen_plan *plan, struct listen_work *work)
{
	struct tmf_err err = {0};
	const struct workflow *backfill;

	if (plan->backfill != NULL) {
		backfill = jobs_read_workflow(serving->jobs, plan->backfill, &err);
		assert(backfill != NULL); /* it was read before */
		work->reconcile = listen_reconcile_new(
		    serving, backfill, plan->every_ms, listen_note_rounds, work->listener, &err);
		if (work->reconcile == NULL)
			return cli_fail_take(serving->opts.output, &err);
	}
	return serving_run(serving, listen_drain, work);
}

/* The client signs for the queue's region, which need not be the region of the instances. */
static int
listen_run(struct serving *serving, const struct listen_plan *plan)
{
	const struct cli_opts *opts = &serving->opts;
	struct tmf_err err = {0};
	struct aws_client *sqs = workspace_client(&serving->workspace, "sqs", plan->region, &err);
	struct listen_work work = {.reconcile = NULL};
	int code;

	assert(plan->receivers >= 1 && plan->concurrency >= 1);
	if (sqs == NULL)
		return cli_fail_take(opts->output, &err);
	work.listener = listener_new(&(struct listener_opts){
	    .loop = serving->workspace.loop,
	    .jobs = serving->jobs,
	    .sqs = sqs,
	    .queue_url = opts->queue_url,
	    .routes = {.on_launch = plan->on_launch, .on_guardduty = plan->on_guardduty},
	    .receivers = (unsigned)plan->receivers,
	    .concurrency = (unsigned)plan->concurrency,
	    .visibility_seconds = (int)plan->visibility_s,
	    .health_file = opts->health_file,
	    .over = listen_over,
	    .arg = serving,
	});
	serving_set_source(serving, &(struct serving_source){
					.client = sqs,
					.count = listen_count,
					.is_healthy = listen_probe,
					.arg = &work,
				    });
	code = listen_work_run(serving, plan, &work);
	listen_reconcile_free(work.reconcile);
	listen_print_stats(listener_stats(work.listener));
	listener_free(work.listener);
	aws_client_free(sqs);
	return code;
}

/* Each message may have two requests open at once, and each receiver has a poll of its own. */
static long
listen_connections(const struct listen_plan *plan)
{
	long runs =
	    2 * plan->concurrency < CONNECTIONS_MAX ? 2 * plan->concurrency : CONNECTIONS_MAX;
	long receivers = plan->receivers > (long)LISTENER_RECEIVERS_STORM
			     ? plan->receivers
			     : (long)LISTENER_RECEIVERS_STORM;

	return receivers + runs + CONNECTIONS_MORE;
}

/* The plan is made before anything is opened: a typing error must not wait for credentials. */
int
cmd_listen(const struct cli_opts *opts)
{
	struct listen_plan plan = {.region = NULL};
	struct serving serving;
	struct tmf_err err = {0};
	int code;

	if (listen_plan_make(opts, &plan, &err) < 0)
		return cli_fail_take(opts->output, &err);
	code = serving_open(&serving, opts,
	    &(struct serving_opts){
		.name = "listen",
		.region = plan.region,
		.connections_max = listen_connections(&plan),
	    });
	if (code == EXIT_OK)
		code = listen_check_workflows(&serving, &plan);
	if (code == EXIT_OK)
		code = listen_run(&serving, &plan);
	serving_close(&serving);
	free(plan.region);
	free(plan.on_launch);
	free(plan.on_guardduty);
	free(plan.backfill);
	return code;
}
