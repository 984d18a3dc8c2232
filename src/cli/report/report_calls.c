#include "cli/report/report_calls.h"

#include "base/mem.h"
#include "cli/print.h"

#include <stdlib.h>

#define CALLS_SHOWN_MAX 6 /* operations, those with most requests first */

struct call_row {
	const char *operation;
	const json_t *row;
};

static json_int_t
calls_number(const struct call_row *row, const char *key)
{
	return json_integer_value(json_object_get(row->row, key));
}

/*
 * EC2 throttles by the number of requests, so that the operations with most requests matter
 * most.
 */
static int
calls_compare(const void *a, const void *b)
{
	json_int_t left = calls_number(a, "requests");
	json_int_t right = calls_number(b, "requests");

	return (left < right) - (left > right);
}

static void
calls_print_row(const struct call_row *row, FILE *out)
{
	cli_print(out,
	    "    %-36s  %8" JSON_INTEGER_FORMAT "  %7" JSON_INTEGER_FORMAT
	    "  %9" JSON_INTEGER_FORMAT "  %6" JSON_INTEGER_FORMAT "\n",
	    row->operation, calls_number(row, "requests"), calls_number(row, "retries"),
	    calls_number(row, "throttled"), calls_number(row, "failed"));
}

/*
 * A few rows are enough at the end of a run. The last line names the command that lists every
 * operation, so that none of them is hidden.
 */
void
report_calls_text(const json_t *calls, FILE *out)
{
	size_t count = json_object_size(calls);
	/* A JSON object keeps the order of insertion. The rows are sorted beside it. */
	struct call_row *rows = mem_zalloc(count, sizeof(*rows));
	const char *operation;
	json_t *row;
	size_t i = 0;

	json_object_foreach ((json_t *)calls, operation, row)
		rows[i++] = (struct call_row){operation, row};
	if (count > 0) {
		qsort(rows, count, sizeof(*rows), calls_compare);
		cli_print(out, "  %-38s  %8s  %7s  %9s  %6s\n", "calls to AWS", "requests",
		    "retries", "throttled", "failed");
	}
	for (i = 0; i < count && i < CALLS_SHOWN_MAX; i++)
		calls_print_row(&rows[i], out);
	if (count > CALLS_SHOWN_MAX)
		cli_print(out, "    and %zu other operations: `tmflow show RUN-ID -o json`\n",
		    count - CALLS_SHOWN_MAX);
	free(rows);
}
