/* Checkpoints of branches, results of children, facts. */
#include "store_fixture.h"

#include "base/mem.h"

#include <stdio.h>
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

/* "number=bytes " for each row; stops after stop_after rows unless that is 0. */
struct rows {
	struct buf text;
	int stop_after;
};

static int
add_row(void *arg, int64_t number, struct str bytes)
{
	struct rows *rows = arg;

	buf_printf(&rows->text, "%lld=%.*s ", (long long)number, (int)bytes.len, bytes.p);
	return --rows->stop_after == 0;
}

static void
expect_branches(const char *run_id, int stop_after, const char *expected)
{
	struct rows rows = {.stop_after = stop_after};
	struct tmf_err err = {0};

	ck_ok(store_branches_each(fx.store, run_id, add_row, &rows, &err), &err);
	ck_assert_str_eq(buf_cstr(&rows.text), expected);
	buf_fini(&rows.text);
}

static void
expect_results(const char *run_id, int64_t branch_id, const char *expected)
{
	struct rows rows = {.stop_after = 0};
	struct tmf_err err = {0};

	ck_ok(store_results_each(fx.store, run_id, branch_id, add_row, &rows, &err), &err);
	ck_assert_str_eq(buf_cstr(&rows.text), expected);
	buf_fini(&rows.text);
}

static void
put(const char *run_id, int64_t branch_id, const char *state)
{
	struct tmf_err err = {0};

	ck_ok(store_branch_put(fx.store, run_id, branch_id, str_of(state), &err), &err);
}

static void
put_result(const char *run_id, int64_t branch_id, int64_t index, const char *result)
{
	struct tmf_err err = {0};

	ck_ok(store_result_put(fx.store, run_id, branch_id, index, str_of(result), &err), &err);
}

START_TEST(test_branches)
{
	struct tmf_err err = {0};

	expect_branches(RUN, 0, "");
	put(RUN, 10, "ten");
	put(RUN, 2, "two");
	put("other", 2, "else");
	put(RUN, INT64_MAX, "");
	expect_branches(RUN, 0, "2=two 10=ten 9223372036854775807= ");
	expect_branches(RUN, 1, "2=two ");
	put(RUN, 2, "TWO");
	expect_branches(RUN, 0, "2=TWO 10=ten 9223372036854775807= ");
	ck_ok(store_branch_delete(fx.store, RUN, 10, &err), &err);
	ck_ok(store_branch_delete(fx.store, RUN, 11, &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	fixture_reopen(&fx);
	expect_branches(RUN, 0, "2=TWO 9223372036854775807= ");
	expect_branches("other", 0, "2=else ");
}
END_TEST

START_TEST(test_results)
{
	struct tmf_err err = {0};

	put_result(RUN, 1, 12, "l");
	put_result(RUN, 1, 3, "c");
	put_result(RUN, 2, 0, "x");
	put_result("other", 1, 3, "o");
	put_result(RUN, 1, 3, "C");
	expect_results(RUN, 1, "3=C 12=l ");
	ck_ok(store_results_delete(fx.store, RUN, 1, &err), &err);
	expect_results(RUN, 1, "");
	expect_results(RUN, 2, "0=x ");
	expect_results("other", 1, "3=o ");
}
END_TEST

START_TEST(test_delete_of_a_runs_checkpoints)
{
	struct tmf_err err = {0};
	struct outcome outcome = {.kind = OUTCOME_CREATED, .instance_id = "i-1"};
	int64_t counts[OUTCOME_COUNT];

	put(RUN, 1, "a");
	put_result(RUN, 1, 0, "b");
	put("other", 1, "c");
	put_result("other", 1, 0, "d");
	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
	ck_ok(store_checkpoints_delete(fx.store, RUN, &err), &err);
	expect_branches(RUN, 0, "");
	expect_results(RUN, 1, "");
	expect_branches("other", 0, "1=c ");
	expect_results("other", 1, "0=d ");
	ck_ok(store_outcomes_count(fx.store, RUN, counts, &err), &err);
	ck_assert_int_eq(counts[OUTCOME_CREATED], 1);
}
END_TEST

START_TEST(test_a_run_that_is_not_there)
{
	struct tmf_err err = {0};

	ck_assert_int_eq(store_branch_put(fx.store, "none", 1, STR("a"), &err), -1);
	expect_err(&err, TMF_ERR_NOT_FOUND, ": none");
	ck_assert_int_eq(store_result_put(fx.store, "none", 1, 1, STR("a"), &err), -1);
	expect_err(&err, TMF_ERR_NOT_FOUND, ": none");
	expect_branches("none", 0, "");
	expect_results("none", 1, "");
	ck_ok(store_branch_delete(fx.store, "none", 1, &err), &err);
	ck_ok(store_results_delete(fx.store, "none", 1, &err), &err);
	ck_ok(store_checkpoints_delete(fx.store, "none", &err), &err);
	put(RUN, 1, "goes on");
	ck_ok(store_commit(fx.store, &err), &err);
}
END_TEST

START_TEST(test_any_bytes_up_to_the_limit)
{
	struct tmf_err err = {0};
	char *bytes = mem_zalloc(STORE_STATE_BYTES_MAX + 1, 1);

	ck_ok(store_branch_put(fx.store, RUN, 1, (struct str){NULL, 0}, &err), &err);
	ck_ok(store_branch_put(fx.store, RUN, 2, (struct str){bytes, STORE_STATE_BYTES_MAX}, &err),
	    &err);
	ck_assert_int_eq(store_branch_put(fx.store, RUN, 3,
			     (struct str){bytes, STORE_STATE_BYTES_MAX + 1}, &err),
	    -1);
	expect_err(&err, TMF_ERR_LIMIT, "the checkpoint of a branch has 8388609 bytes");
	ck_assert_int_eq(store_result_put(fx.store, RUN, 3, 0,
			     (struct str){bytes, STORE_STATE_BYTES_MAX + 1}, &err),
	    -1);
	expect_err(&err, TMF_ERR_LIMIT, "the result of a branch");
	ck_ok(store_commit(fx.store, &err), &err);
	free(bytes);
}
END_TEST

static int
read_again(void *arg, int64_t branch_id, struct str state)
{
	int *count = arg;

	(void)state;
	if (branch_id == 1)
		expect_branches(RUN, 0, "1=a 2=b ");
	(*count)++;
	return 0;
}

START_TEST(test_reading_within_reading)
{
	struct tmf_err err = {0};
	int count = 0;

	put(RUN, 1, "a");
	put(RUN, 2, "b");
	ck_ok(store_branches_each(fx.store, RUN, read_again, &count, &err), &err);
	ck_assert_int_eq(count, 2);
	expect_branches(RUN, 0, "1=a 2=b ");
}
END_TEST

static int
add_fact(void *arg, const char *key, struct str value)
{
	struct rows *rows = arg;

	buf_printf(&rows->text, "%s=%.*s ", key, (int)value.len, value.p);
	return --rows->stop_after == 0;
}

static void
expect_facts(const char *scope, const char *kind, int stop_after, const char *expected)
{
	struct rows rows = {.stop_after = stop_after};
	struct tmf_err err = {0};

	ck_ok(store_facts_each(fx.store, scope, kind, add_fact, &rows, &err), &err);
	ck_assert_str_eq(buf_cstr(&rows.text), expected);
	buf_fini(&rows.text);
}

START_TEST(test_facts)
{
	struct tmf_err err = {0};

	ck_ok(store_fact_put(fx.store, "1/us", "target", "b", STR("{2}"), &err), &err);
	ck_ok(store_fact_put(fx.store, "1/us", "target", "a", STR("{1}"), &err), &err);
	ck_ok(store_fact_put(fx.store, "1/us", "eni", "a", STR("e"), &err), &err);
	ck_ok(store_fact_put(fx.store, "1/eu", "target", "a", STR("eu"), &err), &err);
	expect_facts("1/us", "target", 0, "a={1} b={2} ");
	expect_facts("1/us", "target", 1, "a={1} ");
	ck_ok(store_fact_put(fx.store, "1/us", "target", "a", STR("new"), &err), &err);
	ck_ok(store_fact_delete(fx.store, "1/us", "target", "b", &err), &err);
	ck_ok(store_fact_delete(fx.store, "1/us", "target", "c", &err), &err);
	ck_ok(store_commit(fx.store, &err), &err);
	fixture_reopen(&fx);
	expect_facts("1/us", "target", 0, "a=new ");
	expect_facts("1/us", "eni", 0, "a=e ");
	expect_facts("1/eu", "target", 0, "a=eu ");
	expect_facts("2/us", "target", 0, "");
}
END_TEST

START_TEST(test_limits_of_facts)
{
	struct tmf_err err = {0};
	char *bytes = mem_zalloc(STORE_FACT_BYTES_MAX + 1, 1);
	struct str longest = {bytes, STORE_FACT_BYTES_MAX};

	memset(bytes, 'x', STORE_FACT_BYTES_MAX);
	ck_ok(store_fact_put(fx.store, "s", "k", "key", longest, &err), &err);
	longest.len++;
	ck_assert_int_eq(store_fact_put(fx.store, "s", "k", "key", longest, &err), -1);
	expect_err(&err, TMF_ERR_LIMIT, "the value of a fact");
	ck_assert_int_eq(store_fact_put(fx.store, bytes, "k", "key", STR("v"), &err), -1);
	expect_err(&err, TMF_ERR_LIMIT, "the scope of a fact");
	ck_assert_int_eq(store_fact_put(fx.store, "s", bytes, "key", STR("v"), &err), -1);
	expect_err(&err, TMF_ERR_LIMIT, "the kind of a fact");
	ck_assert_int_eq(store_fact_put(fx.store, "s", "k", bytes, STR("v"), &err), -1);
	expect_err(&err, TMF_ERR_LIMIT, "the key of a fact");
	free(bytes);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *checkpoint = tcase_create("checkpoint");

	tcase_add_checked_fixture(checkpoint, setup, teardown);
	tcase_add_test(checkpoint, test_branches);
	tcase_add_test(checkpoint, test_results);
	tcase_add_test(checkpoint, test_delete_of_a_runs_checkpoints);
	tcase_add_test(checkpoint, test_a_run_that_is_not_there);
	tcase_add_test(checkpoint, test_any_bytes_up_to_the_limit);
	tcase_add_test(checkpoint, test_reading_within_reading);
	tcase_add_test(checkpoint, test_facts);
	tcase_add_test(checkpoint, test_limits_of_facts);
	suite_add_tcase(suite, checkpoint);
}

int
main(void)
{
	return run_suite("store_checkpoint", add_cases);
}
