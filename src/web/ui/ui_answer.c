#include "web/ui/ui_answer.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "store/run_state.h"
#include "web/metrics/metrics.h"
#include "web/page/asset.h"
#include "web/report/report_document.h"
#include "web/report/report_page.h"
#include "web/run_json.h"
#include "web/ui/ui_lists.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_JSON "application/json"
#define API_RUNS  "/api/runs"

static const char *const ui_scripts[] = {
    "common.js", "rows.js", "graph.js", "report.js", "ui.js", NULL};

static const char ui_shell[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<title>tmflow</title><link rel=\"stylesheet\" href=\"/style.css\"></head>"
    "<body><main><noscript>This page needs JavaScript.</noscript></main>"
    "<script src=\"/app.js\"></script></body></html>\n";

static void
answer_json(struct ui_answer *answer, int status, json_t *document)
{
	answer->status = status;
	answer->type = TYPE_JSON;
	jsonx_write(document, &answer->body);
	json_decref(document);
}

/* A run that is not there is the asker's fault, all else is ours. */
static void
answer_fault(struct ui_answer *answer, struct tmf_err *err)
{
	json_t *document = json_object();

	jsonx_put_string(document, "error", err->name);
	jsonx_put_string(document, "cause", tmf_err_text(err));
	answer_json(answer,
	    err->code == TMF_ERR_NOT_FOUND ? 404
	    : err->code == TMF_ERR_INVALID ? 400
					   : 500,
	    document);
	tmf_err_fini(err);
}

/* Takes document, which is NULL where *err is set. */
static void
answer_or_fault(struct ui_answer *answer, json_t *document, struct tmf_err *err)
{
	if (document != NULL)
		answer_json(answer, 200, document);
	else
		answer_fault(answer, err);
}

static void
answer_text(struct ui_answer *answer, const char *type, struct str text)
{
	answer->status = 200;
	answer->type = type;
	buf_add_str(&answer->body, text);
}

static void
answer_metrics(struct store *store, struct ui_answer *answer)
{
	struct tmf_err err = {0};

	answer->status = 200;
	answer->type = METRICS_TYPE;
	if (metrics_of_store(store, &answer->body, &err) == 0)
		return;
	answer->body.len = 0;
	answer_fault(answer, &err);
}

static void
answer_scripts(struct ui_answer *answer)
{
	answer_text(answer, "text/javascript; charset=utf-8", STR("'use strict';\n"));
	for (const char *const *name = ui_scripts; *name != NULL; name++)
		buf_add_str(&answer->body, web_asset(*name));
}

/* 413 where the page of a run would take too long. */
static bool
answer_too_long(struct store *store, const struct store_run *run, struct ui_answer *answer)
{
	int64_t counts[OUTCOME_COUNT] = {0};
	int64_t rows = 0;
	struct tmf_err err = {0};
	char *cause;

	if (run_counts(store, run, counts, &err) < 0) {
		answer_fault(answer, &err);
		return true;
	}
	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		rows += counts[kind];
	if (rows <= UI_PAGE_ROWS_MAX)
		return false;
	cause = mem_printf("%" PRId64 " rows take too long here: tmflow show %s -o html "
			   "--output-file run.html",
	    rows, run->id);
	answer_json(answer, 413, json_pack("{s:s, s:s}", "error", "TMFlow.Limit", "cause", cause));
	free(cause);
	return true;
}

/* The page is as long as the run has instances: it is written to a file without a name, so that
 * memory does not grow with it. */
static void
answer_report(struct store *store, const struct store_run *run, struct ui_answer *answer)
{
	struct tmf_err err = {0};

	if (answer_too_long(store, run, answer))
		return;
	answer->file = tmpfile();
	if (answer->file == NULL)
		tmf_err_set(
		    &err, TMF_ERR_SYSTEM, "failed to make a temporary file: %s", strerror(errno));
	else if (report_page_write(store, run, answer->file, &err) == 0 &&
		 (fflush(answer->file) != 0 || ferror(answer->file)))
		tmf_err_set(&err, TMF_ERR_SYSTEM, "failed to write the page: %s", strerror(errno));
	if (!tmf_err_isset(&err)) {
		answer->status = 200;
		answer->type = TYPE_HTML;
		return;
	}
	if (answer->file != NULL)
		fclose(answer->file);
	answer->file = NULL;
	answer_fault(answer, &err);
}

/* What follows the id of a run in the path. */
static void
answer_of_run(struct store *store, const struct store_run *run, const char *what,
    const struct ui_query *query, struct ui_answer *answer)
{
	struct tmf_err err = {0};

	if (*what == '\0')
		answer_or_fault(answer, report_document(store, run, REPORT_SOON, &err), &err);
	else if (strcmp(what, "/why") == 0)
		answer_or_fault(answer, report_document(store, run, REPORT_WHY, &err), &err);
	else if (strcmp(what, "/outcomes") == 0)
		answer_or_fault(answer, ui_list_outcomes(store, run, query, &err), &err);
	else if (strcmp(what, "/history") == 0)
		answer_or_fault(answer, ui_list_history(store, run, query, &err), &err);
	else if (strcmp(what, "/report.html") == 0)
		answer_report(store, run, answer);
	else
		answer_json(answer, 404, json_pack("{s:s}", "error", "no such path"));
}

/* "/api/runs/ID", perhaps with more behind the id. */
static void
answer_run(
    struct store *store, const char *rest, const struct ui_query *query, struct ui_answer *answer)
{
	size_t len = strcspn(rest, "/");
	char *id = mem_strndup(rest, len);
	struct store_run run = {0};
	struct tmf_err err = {0};

	if (store_run_find(store, id, &run, &err) < 0)
		answer_fault(answer, &err);
	else
		answer_of_run(store, &run, rest + len, query, answer);
	store_run_fini(&run);
	free(id);
}

void
ui_answer(struct store *store, const struct ui_query *query, struct ui_answer *answer)
{
	const char *path = query->path;
	struct tmf_err err = {0};

	assert(path != NULL);
	*answer = (struct ui_answer){.status = 404, .type = TYPE_JSON};
	/* One look at the store for the whole answer, though others write to it. */
	store_reads_begin(store);
	if (strcmp(path, "/") == 0)
		answer_text(answer, TYPE_HTML, STR(ui_shell));
	else if (strcmp(path, "/style.css") == 0)
		answer_text(answer, "text/css; charset=utf-8", web_asset("style.css"));
	else if (strcmp(path, "/app.js") == 0)
		answer_scripts(answer);
	else if (strcmp(path, "/favicon.ico") == 0)
		answer->status = 204; /* browsers ask for it unasked */
	else if (strcmp(path, "/metrics") == 0)
		answer_metrics(store, answer);
	else if (strcmp(path, API_RUNS) == 0)
		answer_or_fault(answer, ui_list_runs(store, query, &err), &err);
	else if (strncmp(path, API_RUNS "/", strlen(API_RUNS "/")) == 0)
		answer_run(store, path + strlen(API_RUNS "/"), query, answer);
	else if (strcmp(path, "/api/compare") == 0)
		answer_or_fault(answer, ui_list_changes(store, query, &err), &err);
	else
		answer_json(answer, 404, json_pack("{s:s}", "error", "no such path"));
	store_reads_end(store);
}
