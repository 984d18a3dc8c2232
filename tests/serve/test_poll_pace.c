/* When a poll may follow another: pauses, what ends them, what ends the process, and what is
 * logged. */
#include "serve/poll_pace.h"

#include "base/clock.h"
#include "base/log.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALL_MS 1768478400000 /* 2026-01-15T12:00:00Z */

static struct fake_clock fake;
static struct tmf_loop *loop;
static struct rng rng;
static struct poll_pace pace;
static unsigned resumed;
static char *logged;
static size_t logged_bytes;
static FILE *log_file;

static bool
is_final(const struct tmf_err *err)
{
	return tmf_err_is(err, "NoSuchThing");
}

static void
resume(void *arg)
{
	ck_assert_ptr_eq(arg, &resumed);
	resumed++;
}

static void
setup(void)
{
	fake_clock_init(&fake, WALL_MS);
	loop = tmf_loop_new(&fake.clock);
	rng_seed(&rng, 1);
	resumed = 0;
	log_file = open_memstream(&logged, &logged_bytes);
	log_setup(LOG_INFO, LOG_LOGFMT, log_file);
	poll_pace_init(&pace, &(struct poll_pace_opts){
				  .loop = loop,
				  .rng = &rng,
				  .event = "some.poll",
				  .kind = "thing",
				  .name = "thing-1",
				  .is_final = is_final,
				  .resume = resume,
				  .arg = &resumed,
			      });
}

static void
teardown(void)
{
	poll_pace_fini(&pace);
	tmf_loop_free(loop);
	log_setup(LOG_INFO, LOG_LOGFMT, stderr);
	fclose(log_file);
	free(logged);
}

static struct tmf_err
refused(const char *name, int status)
{
	struct tmf_err err = {0};

	tmf_err_set_name(&err, TMF_ERR_SERVICE, name, "why");
	err.http_status = status;
	return err;
}

/* A poll that fails at once. True if others have a point. */
static bool
failing_poll(const char *name, int status)
{
	struct poll_ticket ticket = poll_pace_start(&pace);
	struct tmf_err err = refused(name, status);
	bool more = poll_pace_failed(&pace, &ticket, &err);

	tmf_err_fini(&err);
	return more;
}

/* Runs the loop until the pause is over; how long it was. */
static int64_t
wait_ms(void)
{
	int64_t from_mono_ms = tmf_loop_mono_ms(loop);
	struct tmf_err err = {0};

	ck_assert_int_eq(tmf_loop_run(loop, &err), 0);
	return tmf_loop_mono_ms(loop) - from_mono_ms;
}

/* Warnings that were logged; adds to *counted those that each of them counts besides. */
static size_t
logged_lines(unsigned *counted)
{
	size_t count = 0;

	fflush(log_file);
	for (const char *at = logged; (at = strstr(at, "some.poll")) != NULL; at++) {
		const char *more = strstr(at, "repeated=");

		ck_assert_ptr_nonnull(more);
		*counted += (unsigned)atoi(more + strlen("repeated="));
		count++;
	}
	return count;
}

START_TEST(pauses_double_to_a_minute)
{
	int64_t most_ms = POLL_PAUSE_MIN_MS;

	for (unsigned i = 1; i <= 12; i++) {
		int64_t pause_ms;

		ck_assert(poll_pace_allows(&pace, 0));
		ck_assert(failing_poll("InternalFailure", 500));
		ck_assert(!poll_pace_allows(&pace, 0));
		pause_ms = wait_ms();
		ck_assert_uint_eq(resumed, i);
		ck_assert_int_ge(pause_ms, most_ms / 2);
		ck_assert_int_le(pause_ms, most_ms);
		most_ms = 2 * most_ms < POLL_PAUSE_MAX_MS ? 2 * most_ms : POLL_PAUSE_MAX_MS;
	}
	ck_assert_int_eq(most_ms, POLL_PAUSE_MAX_MS);
}
END_TEST

/* After a failure one poll goes ahead; when it is answered, all may. */
START_TEST(one_poll_tries_for_all)
{
	struct poll_ticket ticket;

	ck_assert(poll_pace_allows(&pace, 9));
	failing_poll("InternalFailure", 500);
	wait_ms();
	ck_assert(poll_pace_allows(&pace, 0));
	ck_assert(!poll_pace_allows(&pace, 1));
	ticket = poll_pace_start(&pace);
	poll_pace_answered(&pace, &ticket, true);
	ck_assert(poll_pace_allows(&pace, 9));
	failing_poll("InternalFailure", 500);
	ck_assert_int_le(wait_ms(), POLL_PAUSE_MIN_MS);
}
END_TEST

/* Ten polls that are open while a service goes away are one failure; and one of them that is
 * answered ends the pause. */
START_TEST(polls_that_fail_together_are_one_failure)
{
	struct poll_ticket ticket = poll_pace_start(&pace);
	struct tmf_err err;

	for (int i = 0; i < 10; i++) {
		err = refused("AccessDenied", 400);
		ck_assert(poll_pace_failed(&pace, &ticket, &err));
		tmf_err_fini(&err);
	}
	ck_assert_uint_eq(pace.failures, 1);
	ck_assert_uint_eq(pace.refusals, 1);
	poll_pace_answered(&pace, &ticket, true);
	ck_assert(poll_pace_allows(&pace, 9));
	ck_assert_int_eq(wait_ms(), 0);
	ck_assert_uint_eq(resumed, 0);
}
END_TEST

/* What is asked again at once gets slower; what was held does not. */
START_TEST(an_empty_answer_that_comes_fast_is_a_failure)
{
	struct poll_ticket ticket = poll_pace_start(&pace);

	poll_pace_answered(&pace, &ticket, false);
	ck_assert(!poll_pace_allows(&pace, 0));
	wait_ms();
	ticket = poll_pace_start(&pace);
	poll_pace_answered(&pace, &ticket, false);
	ck_assert_uint_eq(pace.failures, 2);
	ck_assert_int_gt(wait_ms(), POLL_PAUSE_MIN_MS / 2);
	ticket = poll_pace_start(&pace);
	fake.now_mono_ms += POLL_HELD_LEAST_MS;
	poll_pace_answered(&pace, &ticket, false);
	ck_assert(poll_pace_allows(&pace, 9));
	fflush(log_file);
	ck_assert_ptr_nonnull(strstr(logged, "does not hold the poll"));
}
END_TEST

static const struct {
	const char *name;
	int status;
	bool ends;
} refusals[] = {
    {"AccessDeniedException", 400, true},
    {"TMFlow.InvalidReply", 400, true},
    {"UnrecognizedClientException", 403, true},
    {"ExpiredTokenException", 400, true},
    {"NotFound", 404, true},
    {"ThrottlingException", 400, false},
    {"InternalFailure", 500, false},
    {"InternalFailure", 400, false},
    {"RequestTimeout", 408, false},
    {"TMFlow.Transport", 0, false},
};

START_TEST(what_is_refused_for_good_ends_the_process)
{
	unsigned failures = 1;

	while (failures < 50 && failing_poll(refusals[_i].name, refusals[_i].status)) {
		wait_ms();
		failures++;
	}
	ck_assert_uint_eq(failures, refusals[_i].ends ? POLL_REFUSALS_MAX : 50);
}
END_TEST

START_TEST(a_refusal_in_between_does_not_count)
{
	for (int i = 0; i < 2 * POLL_REFUSALS_MAX; i++) {
		ck_assert(failing_poll(
		    i % 2 == 0 ? "AccessDenied" : "InternalFailure", i % 2 == 0 ? 400 : 500));
		wait_ms();
	}
}
END_TEST

START_TEST(what_does_not_exist_ends_at_once)
{
	struct poll_ticket ticket = poll_pace_start(&pace);
	struct tmf_err err = refused("NoSuchThing", 400);

	ck_assert(!poll_pace_failed(&pace, &ticket, &err));
	ck_assert_int_eq(err.code, TMF_ERR_CONFIG);
	ck_assert_str_eq(tmf_err_text(&err), "thing-1: why");
	tmf_err_fini(&err);
}
END_TEST

/* Once a minute, with a count of those that were not; another error at once. */
START_TEST(equal_warnings_are_counted)
{
	unsigned failures = 0;
	unsigned counted = 0;
	size_t lines;

	for (; tmf_loop_mono_ms(loop) < 10 * WARNING_EACH_MS; failures++) {
		failing_poll("InternalFailure", 500);
		wait_ms();
	}
	failing_poll("ThrottlingException", 400);
	failures++;
	lines = logged_lines(&counted);
	ck_assert_uint_gt(failures, 10);
	ck_assert_uint_le(lines, 11);
	ck_assert_uint_gt(counted, 3);
	poll_pace_fini(&pace);
	counted = 0;
	lines = logged_lines(&counted);
	ck_assert_uint_le(lines, 12);
	ck_assert_uint_ge(lines + counted, failures); /* none is lost ... */
	ck_assert_uint_le(
	    lines + counted, failures + 1); /* ... and the last line is of no failure */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("serve/poll_pace");
	TCase *tcase = tcase_create("poll_pace");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, pauses_double_to_a_minute);
	tcase_add_test(tcase, one_poll_tries_for_all);
	tcase_add_test(tcase, polls_that_fail_together_are_one_failure);
	tcase_add_test(tcase, an_empty_answer_that_comes_fast_is_a_failure);
	tcase_add_loop_test(tcase, what_is_refused_for_good_ends_the_process, 0,
	    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tcase, a_refusal_in_between_does_not_count);
	tcase_add_test(tcase, what_does_not_exist_ends_at_once);
	tcase_add_test(tcase, equal_warnings_are_counted);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
