#include "cli/run/serving.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/ages.h"
#include "cli/answer.h"
#include "cli/harden.h"
#include "cli/record.h"
#include "cli/retention.h"
#include "cli/signals.h"
#include "cli/workspace/online.h"
#include "cli/workspace/search.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define RETENTION_MS  (INT64_C(60) * 60 * 1000) /* between two looks for old runs */
#define RETENTION_MAX 20 /* runs in a turn of the loop: they go in well under a second */

/* The run's definition: all there is to resume of what came from elsewhere is to come to an end. */
#define DEFINITION                                                                                 \
	"{\"Comment\": \"Outcomes of what came from elsewhere\", \"StartAt\": \"Over\", "          \
	"\"States\": {\"Over\": {\"Type\": \"Succeed\"}}}"

/* It is looked for once: a folder that is made later must not change where workflows are read. */
const char *
serving_workflows_dir(struct serving *serving)
{
	const char *set = getenv("TMFLOW_WORKFLOWS");

	if (serving->opts.workflows != NULL)
		return serving->opts.workflows;
	if (set != NULL && set[0] != '\0')
		return set;
	if (serving->workflows_found == NULL)
		serving->workflows_found = search_workflows_dir();
	return serving->workflows_found;
}

/* Fills in the region of what brings the work where nothing else names one. */
static int
serving_choose_region(struct serving *serving, const char *fallback, struct tmf_err *err)
{
	struct cli_opts *opts = &serving->opts;
	struct aws_settings settings;
	struct aws_env env = {0};

	if (aws_settings_load(&env, opts->region, opts->profile, &settings, err) < 0)
		return -1;
	if (settings.region == NULL)
		opts->region = fallback;
	aws_settings_fini(&settings);
	return 0;
}

/* Not all work needs a configuration: without --config its absence is a warning. */
static int
serving_read_files(struct serving *serving)
{
	struct workspace *workspace = &serving->workspace;
	char *path = workspace_config_path(workspace);
	bool there = serving->opts.hook != NULL || workspace_has_config(workspace);

	if (!there)
		cli_print(stderr,
		    "tmflow: missing configuration: neither --config nor %s: actions that need one "
		    "will fail\n",
		    path);
	free(path);
	return there ? workspace_read_files(workspace) : EXIT_OK;
}

/*
 * A served process is one run in the store: the outcomes of all its jobs have an owner, and
 * `tmflow show` finds them.
 */
static int
serving_open_store(struct serving *serving, const char *name)
{
	struct store_run *run = &serving->run;
	struct tmf_err err = {0};
	int code = EXIT_OK;

	assert(serving->store == NULL);
	serving->store = record_open_store(&serving->opts, &code);
	if (serving->store == NULL)
		return code;
	run->status = RUN_RUNNING;
	run->start_wall_ms = clock_system()->wall_ms(clock_system());
	run->workflow_name = mem_strdup(name);
	run->definition = mem_strdup(DEFINITION);
	run->input = mem_strdup("{}");
	record_put_setting(run, RECORD_SERVING, json_true());
	store_run_id_make(run->start_wall_ms, &serving->workspace.rng, run->id);
	serving->lease = store_lease_take(serving->store, run->id, &err);
	if (serving->lease == NULL || store_run_create(serving->store, run, &err) < 0 ||
	    store_commit(serving->store, &err) < 0)
		return cli_fail_take(serving->opts.output, &err);
	log_set_run(run->id);
	return EXIT_OK;
}

/* --retention, TMFLOW_RETENTION. Without either, old runs stay. */
static int
serving_read_retention(struct serving *serving, struct tmf_err *err)
{
	const char *set = getenv("TMFLOW_RETENTION");

	if (serving->opts.retention != NULL)
		return cli_age_parse(
		    "--retention", serving->opts.retention, &serving->retention_ms, err);
	if (set == NULL || set[0] == '\0')
		return 0;
	return cli_age_parse("TMFLOW_RETENTION", set, &serving->retention_ms, err);
}

static void
serving_remove_old(struct serving *serving, size_t max, bool commits)
{
	const struct retention_opts what = {
	    .age_ms = serving->retention_ms, .state = -1, .max = max, .commits = commits};
	struct retention_result result;
	struct tmf_err err = {0};

	if (retention_apply(serving->store, &what, &result, &err) < 0)
		log_event(LOG_WARN, "serving.retention", LOG_STR("cause", tmf_err_text(&err)));
	else if (result.removed > 0)
		log_event(
		    LOG_INFO, "serving.retention", LOG_INT("removed", (int64_t)result.removed));
	tmf_err_fini(&err);
}

static void
serving_arm_retention(struct serving *serving)
{
	struct tmf_clock *clock = tmf_loop_clock(serving->workspace.loop);

	tmf_loop_timer_arm(
	    serving->workspace.loop, &serving->retention, clock->mono_ms(clock) + RETENTION_MS);
}

/* The engine's commit at the end of the turn is the commit of this as well. */
static void
serving_retention_due(struct tmf_timer *timer)
{
	struct serving *serving =
	    (struct serving *)((char *)timer - offsetof(struct serving, retention));

	serving_remove_old(serving, RETENTION_MAX, false);
	serving_arm_retention(serving);
}

/* Whatever grew old while nothing ran goes at once. */
static void
serving_start_retention(struct serving *serving)
{
	if (serving->retention_ms < 0)
		return;
	serving_remove_old(serving, SIZE_MAX, true);
	serving->retention.fire = serving_retention_due;
	serving_arm_retention(serving);
}

/* Without a configuration nothing may call EC2, so that the jobs do not get the client at all. */
static int
serving_open_jobs(struct serving *serving)
{
	struct workspace *workspace = &serving->workspace;
	struct tmf_err err = {0};
	char *spool;

	assert(serving->store != NULL && serving->jobs == NULL);
	spool = store_spool(serving->store, &err);
	if (spool == NULL)
		return cli_fail_take(serving->opts.output, &err);
	serving->spool = mem_printf("%s/%s", spool, serving->run.id);
	free(spool);
	serving->jobs = jobs_new(
	    &(struct jobs_opts){
		.loop = workspace->loop,
		.rng = &workspace->rng,
		.registry = workspace->registry,
		.store = serving->store,
		.run_id = serving->run.id,
		.ec2 = workspace->config != NULL ? workspace->own.ec2 : NULL,
		.client_for = workspace_client_for,
		.client_for_arg = workspace,
		.elb_for = workspace_elb_for,
		.objects = workspace_objects(workspace),
		.spool = serving->spool,
		.config = workspace->config,
		.hook_name = workspace->hook_name,
		.hook_source = workspace->hook_text,
		.workflows_dir = serving_workflows_dir(serving),
	    },
	    &err);
	return serving->jobs != NULL ? EXIT_OK : cli_fail_take(serving->opts.output, &err);
}

/*
 * A service takes input from elsewhere, so that it first forbids that any program it starts gains
 * privileges. The region comes before the settings, since they are loaded for it.
 */
int
serving_open(struct serving *serving, const struct cli_opts *opts, const struct serving_opts *what)
{
	struct tmf_err err = {0};
	int code;

	cli_forbid_privileges();
	*serving = (struct serving){.opts = *opts, .retention_ms = -1};
	workspace_init(&serving->workspace, &serving->opts);
	serving->workspace.connections_max = what->connections_max;
	if (serving_read_retention(serving, &err) < 0 ||
	    serving_choose_region(serving, what->region, &err) < 0)
		return cli_fail_take(opts->output, &err);
	code = workspace_load_settings(&serving->workspace, NULL);
	if (code == EXIT_OK)
		code = serving_read_files(serving);
	if (code == EXIT_OK)
		code = workspace_connect(&serving->workspace);
	if (code == EXIT_OK)
		code = workspace_check_online(&serving->workspace);
	if (code == EXIT_OK)
		code = serving_open_store(serving, what->name);
	if (code == EXIT_OK)
		serving_start_retention(serving);
	return code == EXIT_OK ? serving_open_jobs(serving) : code;
}

/*
 * SIGTERM is how a container is stopped: ECS and Kubernetes send SIGKILL after a grace period of
 * 30 seconds. The first signal only drains, and the second one stops at once.
 */
static void
serving_signal(void *arg, int signo)
{
	struct serving *serving = arg;

	(void)signo;
	if (++serving->signals > 1) {
		serving->code = EXIT_INTERRUPTED;
		tmf_loop_stop(serving->workspace.loop);
		return;
	}
	fputs("tmflow: stopping: waiting for work in progress; a second signal stops at once\n",
	    stderr);
	serving->drain(serving->drain_arg);
}

/* The jobs are written as one block, so that no other line gets between them. */
static void
serving_asked_live(void *arg, int signo)
{
	struct serving *serving = arg;
	struct buf text = {0};

	(void)signo;
	jobs_write_live(serving->jobs, &text);
	if (text.len > 0)
		log_block(buf_cstr(&text));
	buf_fini(&text);
}

void
serving_set_source(struct serving *serving, const struct serving_source *source)
{
	serving->source = *source;
}

/*
 * Returns when the work is drained, after a second signal, or with the fault of a service that
 * cannot go on.
 */
int
serving_run(struct serving *serving, void (*drain)(void *arg), void *arg)
{
	struct tmf_loop *loop = serving->workspace.loop;
	struct tmf_err err = {0};
	int code, ret;

	assert(serving->jobs != NULL);
	serving->drain = drain;
	serving->drain_arg = arg;
	code = serving_numbers_start(serving);
	if (code != EXIT_OK)
		return code;
	ret = cli_signals_watch(loop, serving_signal, serving, &err);
	if (ret == 0)
		ret = cli_signals_watch_live(loop, serving_asked_live, serving, &err);
	if (ret == 0)
		ret = tmf_loop_run(loop, &err);
	serving_numbers_stop(serving);
	return ret == 0 ? serving->code : cli_fail_take(serving->opts.output, &err);
}

/* The fault decides the exit code, by which a supervisor knows whether a restart may help. */
void
serving_over(struct serving *serving, struct tmf_err *fault)
{
	if (tmf_err_isset(fault)) {
		serving->code = cli_fail(serving->opts.output, fault);
		tmf_err_fini(fault);
	}
	tmf_loop_stop(serving->workspace.loop);
}

/* Says in the store that this is over. */
static void
serving_end_run(struct serving *serving)
{
	struct store_run *run = &serving->run;
	struct tmf_err err = {0};

	run->status = serving->code == EXIT_OK ? RUN_SUCCEEDED : RUN_INTERRUPTED;
	run->stop_wall_ms = clock_system()->wall_ms(clock_system());
	if (store_run_update(serving->store, run, &err) < 0 ||
	    store_commit(serving->store, &err) < 0)
		cli_fail(OUTPUT_TEXT, &err);
	tmf_err_fini(&err);
}

/* The jobs go first, because they borrow the store and the workspace. */
void
serving_close(struct serving *serving)
{
	jobs_free(serving->jobs);
	if (serving->retention.fire != NULL)
		tmf_loop_timer_disarm(serving->workspace.loop, &serving->retention);
	if (serving->lease != NULL)
		serving_end_run(serving);
	log_set_run(NULL);
	workspace_fini(&serving->workspace);
	store_lease_release(serving->lease);
	store_close(serving->store);
	store_run_fini(&serving->run);
	free(serving->workflows_found);
	free(serving->spool);
}
