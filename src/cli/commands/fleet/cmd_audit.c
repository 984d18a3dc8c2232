#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/commands/fleet/cmd_audit_forms.h"
#include "cli/places/tour.h"
#include "fleet/audit/audit.h"
#include "fleet/audit/finding.h"
#include "fleet/audit/suppression.h"
#include "fleet/cost/cost.h"
#include "web/metrics/fleet_metrics.h"
#include "web/metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>

/* The audit of one place, with the clients that are its own. */
struct audit_stop {
	struct audit *audit;
	struct aws_client *sts;
	struct aws_client *ram;
	struct aws_client *trail;
};

/* All places together. */
struct audit_run {
	const struct cli_opts *opts;
	struct prices *prices;
	struct doc *suppressions; /* NULL: none */
	const json_t *list;	  /* of them; borrowed */
	bool gates;		  /* --fail-on is given */
	enum severity gate;
	json_t *findings;
	json_t *incomplete;
	json_t *failed;
	json_t *cost;
	struct tmf_err err; /* of the last place that failed */
};

/* --- one place --- */

static void
audit_stop_free(struct audit_stop *asked)
{
	if (asked == NULL)
		return;
	audit_free(asked->audit);
	aws_client_free(asked->sts);
	aws_client_free(asked->ram);
	aws_client_free(asked->trail);
	free(asked);
}

/* CloudTrail takes two lookups a second: it is asked with --events only. */
static struct tmf_call *
audit_ask(void *arg, struct tour_stop *stop)
{
	const struct audit_run *run = arg;
	struct workspace *workspace = &stop->workspace;
	struct audit_stop *asked = mem_zalloc(1, sizeof(*asked));
	struct tmf_err err = {0};

	stop->state = asked;
	asked->sts = workspace_client(workspace, "sts", NULL, &err);
	if (asked->sts != NULL)
		asked->ram = workspace_client(workspace, "ram", NULL, &err);
	if (asked->ram != NULL && run->opts->events)
		asked->trail = workspace_client(workspace, "cloudtrail", NULL, &err);
	if (tmf_err_isset(&err))
		return tmf_call_of_err(workspace->loop, &err);
	asked->audit = audit_new(&(struct audit_opts){
	    .loop = workspace->loop,
	    .ec2 = workspace->own.ec2,
	    .sts = asked->sts,
	    .ram = asked->ram,
	    .trail = asked->trail,
	    .mirror = workspace->mirror,
	    .trusted = tour_accounts(stop),
	});
	return audit_start(asked->audit);
}

/* What was found, and what of it could not be looked up, with the place. */
static void
audit_run_add(struct audit_run *run, const json_t *result)
{
	const char *account = jsonx_get_string(result, "account");
	const char *region = jsonx_get_string(result, "region");
	json_t *item;
	size_t i;

	json_array_extend(run->findings, json_object_get(result, "findings"));
	json_array_foreach (jsonx_get_array(result, "incomplete"), i, item) {
		jsonx_put_string(item, "account", account);
		jsonx_put_string(item, "region", region);
		json_array_append(run->incomplete, item);
	}
	cost_add(run->cost, run->prices, region,
	    &(struct cost_items){
		.sessions = json_integer_value(json_object_get(result, "sessions")),
		.launched = json_object_get(result, "launched"),
	    });
}

/* The error stays for a single place, whose failure is the command's. */
static int
audit_answered(void *arg, struct tour_stop *stop, const json_t *result, struct tmf_err *err)
{
	struct audit_run *run = arg;

	if (result != NULL) {
		audit_run_add(run, result);
	} else {
		json_t *failure = json_object();

		jsonx_put_string(failure, "account", stop->place->account);
		jsonx_put_string(failure, "region", stop->workspace.settings.region);
		jsonx_put_string(failure, "error", err->name);
		jsonx_put_string(failure, "cause", tmf_err_text(err));
		json_array_append_new(run->failed, failure);
		tmf_err_fini(&run->err);
		tmf_err_move(&run->err, err);
	}
	audit_stop_free(stop->state);
	stop->state = NULL;
	return 0;
}

/* --- all of them --- */

/* A wrong file ends the command: an audit without it would raise an alarm for what is accepted. */
static int
audit_run_read_suppressions(struct audit_run *run)
{
	struct diag_list diags;
	struct tmf_err err = {0};
	int code = EXIT_OK;

	if (run->opts->suppress == NULL)
		return EXIT_OK;
	run->suppressions = doc_read(run->opts->suppress, &err);
	if (run->suppressions == NULL)
		return cli_fail_take(run->opts->output, &err);
	diag_list_init(&diags, run->suppressions);
	run->list = suppressions_of(run->suppressions, &diags);
	if (run->list == NULL)
		code = cli_fail_diags(run->opts->output, &diags);
	diag_list_fini(&diags);
	return code;
}

/* What is wrong on the command line is said before AWS is asked. */
static int
audit_run_prepare(struct audit_run *run)
{
	struct tmf_err err = {0};

	run->gates = run->opts->fail_on != NULL;
	if (run->gates && severity_parse(run->opts->fail_on, &run->gate, &err) < 0) {
		tmf_err_prefix(&err, "--fail-on");
		return cli_fail_take(run->opts->output, &err);
	}
	run->prices = prices_new(run->opts->price, &err);
	if (run->prices == NULL)
		return cli_fail_take(run->opts->output, &err);
	return audit_run_read_suppressions(run);
}

/* Members that would be empty are left out, except findings and counts, which programs read. */
static json_t *
audit_run_document(struct audit_run *run)
{
	json_t *suppressed = json_array();
	json_t *document = json_object();
	struct diag_list diags;

	diag_list_init(&diags, run->suppressions);
	suppressions_apply(
	    run->list, clock_system()->wall_ms(clock_system()), run->findings, suppressed, &diags);
	diag_print(&diags, stderr);
	diag_list_fini(&diags);
	findings_sort(run->findings);
	json_object_set(document, "findings", run->findings);
	json_object_set_new(document, "counts", findings_count(run->findings));
	if (json_array_size(suppressed) > 0)
		json_object_set(document, "suppressed", suppressed);
	if (json_array_size(run->incomplete) > 0)
		json_object_set(document, "incomplete", run->incomplete);
	if (json_array_size(run->failed) > 0)
		json_object_set(document, "failed", run->failed);
	json_object_set(document, "cost", run->cost);
	json_decref(suppressed);
	return document;
}

/* On standard error in every form, so that a gap is seen where the data is piped away. */
static void
audit_run_warn(const struct audit_run *run)
{
	json_t *item;
	size_t i;

	json_array_foreach (run->incomplete, i, item)
		cli_print(stderr, "tmflow: audit of %s in %s is not complete: %s: %s\n",
		    jsonx_get_string(item, "account"), jsonx_get_string(item, "region"),
		    jsonx_get_string(item, "operation"), jsonx_get_string(item, "error"));
	json_array_foreach (run->failed, i, item)
		cli_print(stderr, "tmflow: %s in %s was not audited: %s: %s\n",
		    jsonx_get_string(item, "account"), jsonx_get_string(item, "region"),
		    jsonx_get_string(item, "error"), jsonx_get_string(item, "cause"));
}

static void
audit_run_print(const struct audit_run *run, const json_t *document)
{
	json_t *finding;
	size_t i;

	switch (run->opts->output) {
	case OUTPUT_HTML: /* its row does not have it */
	case OUTPUT_TEXT:
		audit_print_text(document);
		break;
	case OUTPUT_JSON:
		cli_print_json(document);
		break;
	case OUTPUT_JSONL:
		json_array_foreach (run->findings, i, finding)
			cli_print_json_line(json_incref(finding));
		break;
	case OUTPUT_CSV:
		audit_print_csv(document);
		break;
	case OUTPUT_SARIF:
		audit_print_sarif(document);
		break;
	}
}

static int
audit_run_write_metrics(const struct audit_run *run, const json_t *document, struct tmf_err *err)
{
	struct buf text = {0};
	int ret;

	if (!metrics_are_wanted(run->opts->metrics_file))
		return 0;
	metrics_of_audit(document, clock_system()->wall_ms(clock_system()), &text);
	ret = metrics_report(run->opts->metrics_file, "audit", &text, err);
	buf_fini(&text);
	return ret;
}

/* Findings go before failures: who gates by them wants to see both, and has one exit code. */
static int
audit_run_answer(struct audit_run *run)
{
	struct tmf_err err = {0};
	json_t *document;
	size_t failed = json_array_size(run->failed);
	int code = failed > 0 ? EXIT_RUN_FAILED : EXIT_OK;

	if (failed == 1 && json_object_size(run->cost) == 0)
		return cli_fail_take(run->opts->output, &run->err);
	document = audit_run_document(run);
	audit_run_print(run, document);
	audit_run_warn(run);
	if (run->gates && findings_reach(run->findings, run->gate))
		code = EXIT_FINDINGS;
	if (audit_run_write_metrics(run, document, &err) < 0)
		code = cli_fail_take(run->opts->output, &err);
	json_decref(document);
	return code;
}

int
cmd_audit(const struct cli_opts *opts)
{
	struct audit_run run = {
	    .opts = opts,
	    .findings = json_array(),
	    .incomplete = json_array(),
	    .failed = json_array(),
	    .cost = json_object(),
	};
	const struct tour_opts tour = {
	    .opts = opts, .ask = audit_ask, .answered = audit_answered, .arg = &run};
	int code = audit_run_prepare(&run);

	if (code == EXIT_OK)
		code = tour_run(&tour);
	if (code == EXIT_OK)
		code = audit_run_answer(&run);
	tmf_err_fini(&run.err);
	json_decref(run.findings);
	json_decref(run.incomplete);
	json_decref(run.failed);
	json_decref(run.cost);
	doc_free(run.suppressions);
	prices_free(run.prices);
	return code;
}
