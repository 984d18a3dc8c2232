#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/run/serving.h"
#include "serve/lambda.h"

#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 128

/* A fault of the start, kept for the runtime API. */
struct init_fault {
	struct tmf_err err;
};

/* Only the first fault is kept: later ones follow from it. */
static void
lambda_note_fault(void *arg, const char *error, const char *cause)
{
	struct init_fault *fault = arg;

	if (!tmf_err_isset(&fault->err))
		tmf_err_set_name(&fault->err, TMF_ERR_CONFIG, error, "%s", cause);
}

/* An empty variable counts as unset, since a template may fill in an empty parameter. */
static const char *
lambda_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A function has no command line: what the others take as options stands in its environment. */
static struct cli_opts
lambda_opts_of_environment(const struct cli_opts *given)
{
	struct cli_opts opts = *given;

	opts.config = lambda_variable("TMFLOW_CONFIG");
	opts.hook = lambda_variable("TMFLOW_HOOK");
	opts.state_dir = lambda_variable("TMFLOW_STATE_DIR");
	opts.no_checkpoint = opts.state_dir == NULL; /* the disk is not kept */
	opts.debug_http = given->debug_http || lambda_variable("TMFLOW_DEBUG_HTTP") != NULL;
	return opts;
}

static void
lambda_over(void *arg, struct tmf_err *fault)
{
	serving_over(arg, fault);
}

/* While the process still runs: Lambda stops it once it has the answer, perhaps for ever. */
static void
lambda_answers(void *arg)
{
	serving_numbers_log(arg);
}

/*
 * Without a registered extension the process gets no signal but SIGKILL; a person's first one
 * ends it.
 */
static void
lambda_drain(void *arg)
{
	struct tmf_err none = {0};

	serving_over(arg, &none);
}

static char *
lambda_workflow_path(struct serving *serving, const char *variable_name, const char *name)
{
	const char *given = lambda_variable(variable_name);

	if (given != NULL)
		return mem_strdup(given);
	return mem_printf("%s/%s.yaml", serving_workflows_dir(serving), name);
}

/* The paths outlive the call, because the runtime borrows them until it is freed. */
static int
lambda_serve(struct serving *serving, struct aws_client *sfn, const char *api)
{
	char *on_launch = lambda_workflow_path(serving, "TMFLOW_ON_LAUNCH", "on-launch");
	char *on_guardduty = lambda_workflow_path(serving, "TMFLOW_ON_GUARDDUTY", "on-guardduty");
	char *backfill = lambda_workflow_path(serving, "TMFLOW_BACKFILL", "backfill");
	struct lambda *lambda = lambda_new(&(struct lambda_opts){
	    .loop = serving->workspace.loop,
	    .transport = serving->workspace.transport,
	    .api = api,
	    .jobs = serving->jobs,
	    .sfn = sfn,
	    .routes = {.on_launch = on_launch, .on_guardduty = on_guardduty},
	    .is_emulated = aws_settings_endpoint(&serving->workspace.settings, "states") != NULL,
	    .backfill = backfill,
	    .answers = lambda_answers,
	    .over = lambda_over,
	    .arg = serving,
	});
	int code = serving_run(serving, lambda_drain, serving);

	lambda_free(lambda);
	free(on_launch);
	free(on_guardduty);
	free(backfill);
	return code;
}

/*
 * Tells Lambda why the process cannot start. A network of its own: the fault may have come before
 * there was one.
 */
static void
lambda_report_init_error(const char *api, const struct tmf_err *why)
{
	struct tmf_loop *loop = tmf_loop_new(clock_system());
	struct tmf_err err = {0};
	struct http_transport *transport = http_curl_new(loop, &(struct http_curl_opts){0}, &err);

	if (transport == NULL || lambda_post_init_error(loop, transport, api, why, &err) < 0)
		log_event(LOG_ERROR, "lambda.init", LOG_STR("cause", tmf_err_text(&err)));
	http_curl_free(transport);
	tmf_loop_free(loop);
	tmf_err_fini(&err);
}

/*
 * The client for Step Functions takes its region from the environment, which Lambda sets to that of
 * the function.
 */
static int
lambda_start(struct serving *serving, const struct cli_opts *opts, struct aws_client **ret_sfn)
{
	struct tmf_err err = {0};
	int code = serving_open(serving, opts,
	    &(struct serving_opts){.name = "lambda", .connections_max = CONNECTIONS_MAX});

	if (code != EXIT_OK)
		return code;
	*ret_sfn = workspace_client(&serving->workspace, "states", NULL, &err);
	return *ret_sfn != NULL ? EXIT_OK : cli_fail_take(opts->output, &err);
}

/*
 * A fault of the start is posted to the runtime API, so that the caller of the function sees it and
 * not only the log. It is listened for during the start only.
 */
int
cmd_lambda(const struct cli_opts *given)
{
	struct cli_opts opts = lambda_opts_of_environment(given);
	const char *api = lambda_variable("AWS_LAMBDA_RUNTIME_API");
	struct init_fault fault = {{0}};
	struct aws_client *sfn = NULL;
	struct serving serving;
	struct tmf_err err = {0};
	int code;

	if (api == NULL) {
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "AWS_LAMBDA_RUNTIME_API is not set: tmflow lambda runs in a Lambda function "
		    "only");
		return cli_fail_take(opts.output, &err);
	}
	cli_on_fault(lambda_note_fault, &fault);
	code = lambda_start(&serving, &opts, &sfn);
	cli_on_fault(NULL, NULL);
	if (code == EXIT_OK)
		code = lambda_serve(&serving, sfn, api);
	else
		lambda_report_init_error(api, &fault.err);
	aws_client_free(sfn);
	serving_close(&serving);
	tmf_err_fini(&fault.err);
	return code;
}
