#ifndef TMFLOW_WEB_UI_UI_ANSWER_H
#define TMFLOW_WEB_UI_UI_ANSWER_H

#include "base/buf.h"
#include "store/store.h"

#include <stdio.h>

/* What the live view answers to a path, from the store alone: no sockets here. */

#define UI_RUNS_MAX    200  /* of one answer */
#define UI_ROWS_MAX    1000 /* outcomes or events of one answer */
#define UI_SCANNED_MAX 5000 /* looked at for one answer: the next page goes on from there */
/* Of the details of events, each of which may have all of a state's data: behind it the next page
 * begins. */
#define UI_DETAILS_BYTES_MAX 524288
/* Of a run whose page is written here, which takes a second and holds up all others. A longer
 * one is for `tmflow show -o html`. */
#define UI_PAGE_ROWS_MAX   100000
#define UI_PARAM_BYTES_MAX 256 /* of a search and the like; longer ones find nothing */

struct ui_query {
	const char *path; /* decoded, without parameters */
	/* A parameter by name, decoded; NULL: absent. Borrowed until the answer is there. */
	const char *(*param)(void *arg, const char *name);
	void *arg;
};

struct ui_answer {
	int status;
	const char *type; /* static: of the content */
	struct buf body;
	FILE *file; /* in place of the body where that may be long; NULL: none */
};

/*
 * Answers a query. Faults of the store are answers as well: status 500 and {"error", "cause"}.
 * body and file: freed and closed by the caller.
 *
 *     /                             the page
 *     /style.css /app.js            what it needs
 *     /api/runs                     ?status= &workflow= &before=CURSOR &limit=
 *     /api/runs/ID                  the run, without what takes long
 *     /api/runs/ID/why              reasons and failures
 *     /api/runs/ID/outcomes         ?outcome= &search= &after=CURSOR &limit=
 *     /api/runs/ID/history          ?state= &after=ID &limit=
 *     /api/runs/ID/report.html      the page of show -o html, of at most UI_PAGE_ROWS_MAX rows
 *     /metrics                      OpenMetrics text
 *     /api/compare                  ?a=ID &b=ID &after=CURSOR: outcomes that differ
 */
void ui_answer(struct store *store, const struct ui_query *query, struct ui_answer *answer);

#endif
