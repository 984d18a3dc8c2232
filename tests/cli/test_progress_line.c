/* Which parts of a progress line are shown where there is little room. */
#include "cli/report/progress_line.h"
#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* As of a run that is at work: where the parts stand is not how they rank. */
static void
fill(struct progress_line *line, size_t columns)
{
	*line = (struct progress_line){.columns = columns};
	progress_line_add(line, 5, "page 12");
	progress_part_extend(progress_line_add(line, 1, "2400 instances"), "2400 instances (31/s)");
	progress_part_extend(progress_line_add(line, 2, "90 s left"),
	    "450 sessions to create: at least 90 s at 5.0/s");
	progress_part_extend(progress_line_add(line, 3, "7 throttled"), "7 of 512 calls throttled");
	progress_line_add(line, 0, "3 failed");
	progress_line_add(line, 6, "1900 created");
}

static const struct {
	size_t columns;
	const char *text;
} widths[] = {
    {5, "77 s"},
    {14, "77 s, 3 failed"},
    {30, "77 s, 2400 instances, 3 failed"},
    {37, "77 s, 2400 instances (31/s), 3 failed"},
    {41, "77 s, 2400 instances, 90 s left, 3 failed"},
    {77, "77 s, page 12, 2400 instances, 90 s left, 7 throttled, 3 failed, 1900 created"},
    {84, "77 s, page 12, 2400 instances (31/s), 90 s left, 7 throttled, 3 failed, 1900 created"},
    {SIZE_MAX,
	"77 s, page 12, 2400 instances (31/s), 450 sessions to create: at least 90 s at 5.0/s, "
	"7 of 512 calls throttled, 3 failed, 1900 created"},
};

START_TEST(what_counts_most_is_shown)
{
	struct progress_line line;
	struct buf text = {0};

	buf_printf(&text, "77 s");
	fill(&line, widths[_i].columns);
	progress_line_write(&line, &text);
	ck_assert_str_eq(buf_cstr(&text), widths[_i].text);
	buf_fini(&text);
}
END_TEST

START_TEST(no_width_cuts_a_part)
{
	struct progress_line line;
	struct buf whole = {0};

	buf_printf(&whole, "77 s");
	fill(&line, SIZE_MAX);
	progress_line_write(&line, &whole);
	for (size_t columns = 4; columns <= whole.len; columns++) {
		struct buf text = {0};
		char *rest;

		buf_printf(&text, "77 s");
		fill(&line, columns);
		progress_line_write(&line, &text);
		ck_assert_uint_le(text.len, columns);
		rest = (char *)buf_cstr(&text);
		for (char *part; (part = strsep(&rest, ",")) != NULL;) {
			size_t i = 0;

			while (i < line.count && strcmp(part + 1, line.parts[i].brief) != 0 &&
			       strcmp(part + 1, line.parts[i].full) != 0)
				i++;
			ck_assert_msg(i < line.count || strcmp(part, "77 s") == 0, "%s", part);
		}
		buf_fini(&text);
	}
	buf_fini(&whole);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cli/progress_line");
	TCase *tcase = tcase_create("progress_line");

	tcase_add_loop_test(
	    tcase, what_counts_most_is_shown, 0, sizeof(widths) / sizeof(widths[0]));
	tcase_add_test(tcase, no_width_cuts_a_part);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
