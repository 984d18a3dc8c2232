#include "web/report/report_page.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "web/page/page.h"
#include "web/report/report_document.h"
#include "web/report/rows.h"

#include <assert.h>
#include <stdlib.h>

static const char *const report_scripts[] = {
    "common.js", "rows.js", "graph.js", "report.js", "report_page.js", NULL};

/* The rows of a run and of its parts, with the place of each. */
struct report_rows {
	struct store *store;
	struct rows rows;
	const char *account;
	const char *region;
	struct tmf_err err;
};

static int
report_add_row(void *arg, const struct outcome *outcome)
{
	struct report_rows *rows = arg;

	rows_add(&rows->rows, outcome, rows->account, rows->region);
	return 0;
}

static int
report_rows_of_part(void *arg, const struct store_run *part)
{
	struct report_rows *rows = arg;
	json_t *settings = jsonx_parse(str_of(part->settings), NULL);
	int ret;

	rows->account = jsonx_get_string(settings, "account");
	rows->region = jsonx_get_string(settings, "region");
	ret = store_outcomes_each(rows->store, part->id, -1, report_add_row, rows, &rows->err);
	json_decref(settings);
	return ret < 0;
}

static int
report_write_rows(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err)
{
	struct store_run_filter filter = {.status = -1, .parent = run->id};
	struct report_rows rows = {.store = store};
	int ret;

	rows_begin(&rows.rows, out);
	ret = report_has_parts(run)
		  ? store_runs_each(store, &filter, report_rows_of_part, &rows, err)
		  : store_outcomes_each(store, run->id, -1, report_add_row, &rows, err);
	rows_end(&rows.rows);
	if (!tmf_err_isset(&rows.err))
		return ret;
	tmf_err_move(err, &rows.err);
	return -1;
}

/* A failure in the rows leaves a page without all of them, and is an error. */
int
report_page_write(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err)
{
	char *title = mem_printf("tmflow run %s", run->id);
	struct page page = {.title = title, .scripts = report_scripts};
	json_t *document;
	int ret = -1;

	assert(run->parent == NULL);
	/* One look at the store, though another process may write to it. */
	store_reads_begin(store);
	document = report_document(store, run, REPORT_ALL, err);
	if (document != NULL) {
		page_begin(&page, out);
		page_put_json(out, "run", document);
		page_data_begin(out, "rows");
		ret = report_write_rows(store, run, out, err);
		page_data_end(out);
		page_end(&page, out);
	}
	store_reads_end(store);
	json_decref(document);
	free(title);
	return ret;
}
