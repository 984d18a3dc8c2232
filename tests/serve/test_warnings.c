/* Warnings that are alike: once a minute, with a count, and none is lost. */
#include "serve/warnings.h"

#include "base/clock.h"
#include "base/log.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALL_MS 1768478400000 /* 2026-01-15T12:00:00Z */

static struct fake_clock fake;
static struct warnings warnings;
static char *logged;
static size_t logged_bytes;
static FILE *log_file;

static void
setup(void)
{
	fake_clock_init(&fake, WALL_MS);
	warnings = (struct warnings){.loop = tmf_loop_new(&fake.clock)};
	log_file = open_memstream(&logged, &logged_bytes);
	log_setup(LOG_INFO, LOG_LOGFMT, log_file);
}

static void
teardown(void)
{
	tmf_loop_free(warnings.loop);
	log_setup(LOG_INFO, LOG_LOGFMT, stderr);
	fclose(log_file);
	free(logged);
}

/* How many like it were held back before, or -1 where it is. */
static int
warn(const char *event, const char *name)
{
	struct tmf_err err = {0};
	unsigned repeated;
	bool due;

	tmf_err_set_name(&err, TMF_ERR_SERVICE, name, "why");
	due = warnings_due(&warnings, event, &err, &repeated);
	tmf_err_fini(&err);
	return due ? (int)repeated : -1;
}

START_TEST(once_a_minute_with_a_count)
{
	ck_assert_int_eq(warn("task.heartbeat", "Away"), 0);
	for (int i = 0; i < 1234; i++)
		ck_assert_int_eq(warn("task.heartbeat", "Away"), -1);
	fake.now_mono_ms += WARNING_EACH_MS - 1;
	ck_assert_int_eq(warn("task.heartbeat", "Away"), -1);
	fake.now_mono_ms++;
	ck_assert_int_eq(warn("task.heartbeat", "Away"), 1235);
	ck_assert_int_eq(warn("task.heartbeat", "Away"), -1);
	fake.now_mono_ms += WARNING_EACH_MS;
	ck_assert_int_eq(warn("task.heartbeat", "Away"), 1);
}
END_TEST

START_TEST(another_event_or_error_is_another_kind)
{
	ck_assert_int_eq(warn("task.heartbeat", "Away"), 0);
	ck_assert_int_eq(warn("task.heartbeat", "Denied"), 0);
	ck_assert_int_eq(warn("task.report_failed", "Away"), 0);
	ck_assert_int_eq(warn("task.heartbeat", "Away"), -1);
}
END_TEST

START_TEST(the_end_says_what_was_held_back)
{
	warn("task.heartbeat", "Away");
	warn("task.heartbeat", "Denied");
	for (int i = 0; i < 3; i++)
		warn("task.heartbeat", "Away");
	warnings_end(&warnings);
	warnings_end(&warnings);
	fflush(log_file);
	ck_assert_ptr_nonnull(strstr(logged, " warn task.heartbeat error=Away repeated=3\n"));
	ck_assert_ptr_null(strstr(logged, "Denied"));
	ck_assert_ptr_eq(strchr(logged, '\n'), strrchr(logged, '\n'));
	ck_assert_int_eq(warn("task.heartbeat", "Away"), 0);
}
END_TEST

/* More kinds than there is room for: the oldest goes, and its count is logged. */
START_TEST(the_oldest_kind_is_forgotten)
{
	char name[32];

	for (int i = 0; i <= WARNING_KINDS_MAX; i++) {
		snprintf(name, sizeof(name), "Error%d", i);
		ck_assert_int_eq(warn("some.event", name), 0);
		ck_assert_int_eq(warn("some.event", name), -1);
		fake.now_mono_ms++;
	}
	fflush(log_file);
	ck_assert_ptr_nonnull(strstr(logged, " warn some.event error=Error0 repeated=1\n"));
	ck_assert_ptr_null(strstr(logged, "Error1"));
	ck_assert_int_eq(warn("some.event", "Error2"), -1);
	ck_assert_int_eq(warn("some.event", "Error0"), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("serve/warnings");
	TCase *tcase = tcase_create("warnings");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, once_a_minute_with_a_count);
	tcase_add_test(tcase, another_event_or_error_is_another_kind);
	tcase_add_test(tcase, the_end_says_what_was_held_back);
	tcase_add_test(tcase, the_oldest_kind_is_forgotten);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
