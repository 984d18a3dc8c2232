#include "cli/report/report_reasons.h"

#include "base/buf.h"
#include "cli/color.h"
#include "cli/print.h"
#include "store/run_state.h"
#include "web/run_json.h"

#include <inttypes.h>
#include <string.h>

#define REASONS_SHOWN_MAX 5 /* of an outcome; a line still fits on a screen */

/* ": 740 type t2.micro, 210 terminated" of each kind. */
struct reason_lines {
	struct buf text[OUTCOME_COUNT];
	int shown[OUTCOME_COUNT];
	int64_t rest[OUTCOME_COUNT]; /* rows of reasons beyond REASONS_SHOWN_MAX */
};

static int
reason_add_text(void *arg, const struct outcome_reason *reason)
{
	struct reason_lines *lines = arg;
	struct buf *text = &lines->text[reason->kind];
	const char *joint = reason->kind == OUTCOME_FAILED ? " of " : " ";

	if (!run_json_reason_is_shown(reason))
		return 0;
	if (++lines->shown[reason->kind] > REASONS_SHOWN_MAX) {
		lines->rest[reason->kind] += reason->count;
		return 0;
	}
	buf_printf(text, "%s%" PRId64 " %s%s%s", text->len > 0 ? ", " : ": ", reason->count,
	    reason->reason, reason->detail[0] != '\0' ? joint : "", reason->detail);
	return 0;
}

int
report_reasons_text(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out, struct tmf_err *err)
{
	struct reason_lines lines = {.text = {{0}}};
	int64_t total = 0;
	int ret = store_outcome_reasons(store, run->id, reason_add_text, &lines, err);

	for (int kind = 0; kind < OUTCOME_COUNT; kind++) {
		enum cli_color color = cli_color_of_outcome((enum outcome_kind)kind);

		if (ret == 0 && counts[kind] > 0) {
			cli_print(out, "  %10" PRId64 "  ", counts[kind]);
			fputs(cli_color_on(out, color), out);
			cli_print(
			    out, "%s", run_outcome_word((enum outcome_kind)kind, run->dry_run));
			fputs(cli_color_off(out, color), out);
			cli_print(out, "%s", buf_cstr(&lines.text[kind]));
			if (lines.rest[kind] > 0)
				cli_print(out, ", %" PRId64 " for other reasons", lines.rest[kind]);
			fputc('\n', out);
		}
		total += counts[kind];
		buf_fini(&lines.text[kind]);
	}
	if (ret == 0 && total > 0)
		cli_print(out, "  %10" PRId64 "  in all\n", total);
	return ret;
}
