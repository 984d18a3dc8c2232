/* The history of a run's events. */
#include "store_fixture.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#define RUN FIXTURE_RUN

static struct fixture fx;

static void
setup(void)
{
	fixture_init_with_runs(&fx);
}

static void
teardown(void)
{
	fixture_fini(&fx);
}

static void
put(const char *run, int64_t id, int64_t previous, const char *type, const char *details)
{
	const struct store_event event = {
	    .id = id,
	    .previous_id = previous,
	    .wall_ms = FIXTURE_WALL_MS + id,
	    .top_level = id % 2 == 1,
	    .type = type,
	    .details = details,
	};
	struct tmf_err err = {0};

	ck_ok(store_event_put(fx.store, run, &event, &err), &err);
}

/* "id<previous type details; " for each event; stops after stop_after of them unless that is 0. */
struct rows {
	struct buf text;
	int stop_after;
};

static int
add_event(void *arg, const struct store_event *event)
{
	struct rows *rows = arg;

	ck_assert_int_eq(event->wall_ms, FIXTURE_WALL_MS + event->id);
	ck_assert_int_eq(event->top_level, event->id % 2 == 1);
	buf_printf(&rows->text, "%lld<%lld %s %s; ", (long long)event->id,
	    (long long)event->previous_id, event->type,
	    event->details != NULL ? event->details : "-");
	return --rows->stop_after == 0;
}

static void
expect_events(const char *run, int stop_after, const char *expected)
{
	struct rows rows = {.stop_after = stop_after};
	struct tmf_err err = {0};

	ck_ok(store_events_each(fx.store, run, 0, add_event, &rows, &err), &err);
	ck_assert_str_eq(buf_cstr(&rows.text), expected);
	buf_fini(&rows.text);
}

START_TEST(test_in_order_of_id)
{
	put(RUN, 2, 0, "PassStateEntered", "{\"a\":1}");
	put(RUN, 1, 0, "ExecutionStarted", NULL);
	put("other", 3, 2, "ExecutionFailed", NULL);
	expect_events(RUN, 0, "1<0 ExecutionStarted -; 2<0 PassStateEntered {\"a\":1}; ");
	expect_events(RUN, 1, "1<0 ExecutionStarted -; ");
	expect_events("other", 0, "3<2 ExecutionFailed -; ");
}
END_TEST

/* After a crash the steps since the last commit run again and give the same numbers. */
START_TEST(test_same_id_is_written_over)
{
	put(RUN, 1, 0, "ExecutionStarted", NULL);
	put(RUN, 1, 0, "ExecutionStarted", "{}");
	expect_events(RUN, 0, "1<0 ExecutionStarted {}; ");
}
END_TEST

START_TEST(test_committed_with_the_rest)
{
	struct tmf_err err = {0};

	put(RUN, 1, 0, "ExecutionStarted", NULL);
	ck_ok(store_commit(fx.store, &err), &err);
	put(RUN, 2, 1, "PassStateEntered", NULL);
	fixture_reopen(&fx);
	expect_events(RUN, 0, "1<0 ExecutionStarted -; ");
}
END_TEST

START_TEST(test_without_a_run)
{
	const struct store_event event = {.id = 1, .type = "ExecutionStarted"};
	struct tmf_err err = {0};

	ck_assert_int_eq(store_event_put(fx.store, "none", &event, &err), -1);
	expect_err(&err, TMF_ERR_NOT_FOUND, "none");
	expect_events("none", 0, "");
}
END_TEST

START_TEST(test_limit)
{
	char *details = malloc(STORE_TEXT_BYTES_MAX + 2);
	const struct store_event event = {.id = 1, .type = "T", .details = details};
	struct tmf_err err = {0};

	memset(details, 'x', STORE_TEXT_BYTES_MAX + 1);
	details[STORE_TEXT_BYTES_MAX + 1] = '\0';
	ck_assert_int_eq(store_event_put(fx.store, RUN, &event, &err), -1);
	expect_err(&err, TMF_ERR_LIMIT, "an event of the history");
	free(details);
	expect_events(RUN, 0, "");
}
END_TEST

static void
add(Suite *suite)
{
	TCase *cases = tcase_create("history");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, test_in_order_of_id);
	tcase_add_test(cases, test_same_id_is_written_over);
	tcase_add_test(cases, test_committed_with_the_rest);
	tcase_add_test(cases, test_without_a_run);
	tcase_add_test(cases, test_limit);
	suite_add_tcase(suite, cases);
}

int
main(void)
{
	return run_suite("store history", add);
}
