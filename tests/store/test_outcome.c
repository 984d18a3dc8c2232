/* Outcomes: one row each, counts that are always those of the rows, size and memory with many. */
#include "store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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
put(const char *run_id, const char *instance, const char *interface, enum outcome_kind kind)
{
	struct outcome outcome = {.kind = kind, .instance_id = instance, .interface_id = interface};
	struct tmf_err err = {0};

	ck_ok(store_outcome_put(fx.store, run_id, &outcome, &err), &err);
}

/* "instance/interface:kind " for each row. */
struct rows {
	struct buf text;
	int stop_after;
};

static int
add_row(void *arg, const struct outcome *outcome)
{
	struct rows *rows = arg;

	buf_printf(&rows->text, "%s%s%s:%s ", outcome->instance_id,
	    outcome->interface_id != NULL ? "/" : "",
	    outcome->interface_id != NULL ? outcome->interface_id : "",
	    outcome_name(outcome->kind));
	return --rows->stop_after == 0;
}

static void
expect_rows(const char *run_id, int kind, int stop_after, const char *expected)
{
	struct rows rows = {.stop_after = stop_after};
	struct tmf_err err = {0};

	ck_ok(store_outcomes_each(fx.store, run_id, kind, add_row, &rows, &err), &err);
	ck_assert_str_eq(buf_cstr(&rows.text), expected);
	buf_fini(&rows.text);
}

/* "kind=n " for the kinds that are there, as this store counts and as one that has to count the
 * rows. */
static void
expect_counts(const char *run_id, const char *expected)
{
	struct tmf_err err = {0};
	struct store *other = store_open(fx.dir, &fx.clock.clock, &err);
	struct store *stores[] = {fx.store, other};

	ck_assert_msg(other != NULL, "%s", tmf_err_text(&err));
	ck_ok(store_commit(fx.store, &err), &err);
	for (size_t i = 0; i < 2; i++) {
		int64_t counts[OUTCOME_COUNT];
		struct buf text = {NULL, 0, 0};

		ck_ok(store_outcomes_count(stores[i], run_id, counts, &err), &err);
		for (int kind = 0; kind < OUTCOME_COUNT; kind++)
			if (counts[kind] != 0)
				buf_printf(
				    &text, "%s=%lld ", outcome_name(kind), (long long)counts[kind]);
		ck_assert_str_eq(buf_cstr(&text), expected);
		buf_fini(&text);
	}
	store_close(other);
}

START_TEST(test_the_same_row_twice_is_one)
{
	put(RUN, "i-1", "eni-1", OUTCOME_CREATED);
	put(RUN, "i-1", "eni-1", OUTCOME_CREATED);
	expect_counts(RUN, "created=1 ");
	put(RUN, "i-1", "eni-1", OUTCOME_PRESENT);
	expect_counts(RUN, "present=1 ");
	put(RUN, "i-2", NULL, OUTCOME_FAILED);
	put(RUN, "i-2", NULL, OUTCOME_FAILED);
	put(RUN, "i-2", "", OUTCOME_GONE); /* empty is absent */
	expect_counts(RUN, "present=1 gone=1 ");
	expect_rows(RUN, -1, 0, "i-1/eni-1:present i-2:gone ");
}
END_TEST

/* An interface is found without its instance. */
START_TEST(test_rows_of_an_interface)
{
	struct rows at = {.stop_after = 0};
	struct tmf_err err = {0};

	put(RUN, "i-1", "eni-2", OUTCOME_UNWANTED);
	put(RUN, "i-1", "eni-1", OUTCOME_UNWANTED);
	put(RUN, "i-3", "eni-1", OUTCOME_UNWANTED); /* it has moved */
	put("other", "i-4", "eni-1", OUTCOME_PRESENT);
	ck_ok(store_outcomes_at(fx.store, RUN, "eni-1", add_row, &at, &err), &err);
	ck_assert_str_eq(buf_cstr(&at.text), "i-1/eni-1:unwanted i-3/eni-1:unwanted ");
	buf_fini(&at.text);
}
END_TEST

START_TEST(test_interfaces_replace_their_instance)
{
	put(RUN, "i-1", NULL, OUTCOME_FAILED);
	put(RUN, "i-2", NULL, OUTCOME_FAILED);
	expect_counts(RUN, "failed=2 ");
	put(RUN, "i-1", "eni-b", OUTCOME_CREATED);
	put(RUN, "i-1", "eni-a", OUTCOME_FAILED);
	expect_counts(RUN, "created=1 failed=2 ");
	expect_rows(RUN, -1, 0, "i-1/eni-a:failed i-1/eni-b:created i-2:failed ");
}
END_TEST

static void
put_slot(const char *instance, const char *interface, const char *slot, enum outcome_kind kind)
{
	struct outcome outcome = {
	    .kind = kind, .instance_id = instance, .interface_id = interface, .slot = slot};
	struct tmf_err err = {0};

	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
}

/* Several sessions of an interface: a row each, which takes the place of the interface's as a
 * whole. */
START_TEST(test_slots_of_an_interface)
{
	struct rows of = {.stop_after = 0};
	struct tmf_err err = {0};

	put(RUN, "i-1", NULL, OUTCOME_FAILED);
	put(RUN, "i-1", "eni-1", OUTCOME_UNMATCHED);
	put_slot("i-1", "eni-1", "b", OUTCOME_CREATED);
	put_slot("i-1", "eni-1", "a", OUTCOME_FAILED);
	put_slot("i-1", "eni-1", "a", OUTCOME_FAILED);
	expect_rows(RUN, -1, 0, "i-1/eni-1:failed i-1/eni-1:created ");
	put_slot("i-1", "eni-1", "a", OUTCOME_PRESENT);
	put_slot("i-1", "eni-1", "b", OUTCOME_PRESENT);
	put_slot("i-2", "eni-2", "a", OUTCOME_PRESENT);
	expect_counts(RUN, "present=3 ");
	ck_ok(store_outcomes_of(fx.store, RUN, "i-1", add_row, &of, &err), &err);
	ck_assert_str_eq(buf_cstr(&of.text), "i-1/eni-1:present i-1/eni-1:present ");
	buf_fini(&of.text);
}
END_TEST

START_TEST(test_runs_are_apart)
{
	struct tmf_err err = {0};

	put(RUN, "i-1", "eni-1", OUTCOME_CREATED);
	put("other", "i-1", "eni-1", OUTCOME_CONFLICT);
	put(RUN, "i-2", "eni-2", OUTCOME_CREATED);
	put("other", "i-2", "eni-2", OUTCOME_CONFLICT);
	expect_counts("other", "conflict=2 ");
	expect_counts(RUN, "created=2 ");
	expect_counts("none", "");
	expect_rows("none", -1, 0, "");
	struct outcome outcome = {.kind = OUTCOME_GONE, .instance_id = "i-1"};
	ck_assert_int_eq(store_outcome_put(fx.store, "none", &outcome, &err), -1);
	expect_err(&err, TMF_ERR_NOT_FOUND, ": none");
}
END_TEST

START_TEST(test_counts_go_on_after_reopening)
{
	put(RUN, "i-1", "eni-1", OUTCOME_CREATED);
	put(RUN, "i-2", "eni-2", OUTCOME_FAILED);
	expect_counts(RUN, "created=1 failed=1 ");
	put(RUN, "i-3", "eni-3", OUTCOME_FAILED); /* not committed */
	fixture_reopen(&fx);
	expect_counts(RUN, "created=1 failed=1 ");
	put(RUN, "i-2", "eni-2", OUTCOME_CREATED);
	expect_counts(RUN, "created=2 ");
}
END_TEST

START_TEST(test_each_filters_orders_and_stops)
{
	put(RUN, "i-2", "eni-3", OUTCOME_CREATED);
	put(RUN, "i-1", "eni-9", OUTCOME_UNMATCHED);
	put(RUN, "i-3", NULL, OUTCOME_INELIGIBLE);
	put(RUN, "i-1", "eni-1", OUTCOME_CREATED);
	expect_rows(
	    RUN, -1, 0, "i-1/eni-1:created i-1/eni-9:unmatched i-2/eni-3:created i-3:ineligible ");
	expect_rows(RUN, OUTCOME_CREATED, 0, "i-1/eni-1:created i-2/eni-3:created ");
	expect_rows(RUN, OUTCOME_FAILED, 0, "");
	expect_rows(RUN, -1, 2, "i-1/eni-1:created i-1/eni-9:unmatched ");
}
END_TEST

static int
check_full(void *arg, const struct outcome *outcome)
{
	int *count = arg;

	ck_assert_int_eq(outcome->kind, OUTCOME_FAILED);
	ck_assert_str_eq(outcome->instance_id, "i-1");
	ck_assert_str_eq(outcome->interface_id, "eni-1");
	ck_assert_str_eq(outcome->reason, "reason");
	ck_assert_str_eq(outcome->rule, "tags[0]");
	ck_assert_str_eq(outcome->target_id, "tmt-1");
	ck_assert_str_eq(outcome->session_id, "tms-1");
	ck_assert_str_eq(outcome->operation, "ec2:DoThis");
	ck_assert_str_eq(outcome->error, "Some.Error");
	ck_assert_str_eq(outcome->cause, "because");
	ck_assert_str_eq(outcome->request_id, "req");
	(*count)++;
	return 0;
}

static int
check_bare(void *arg, const struct outcome *outcome)
{
	int *count = arg;

	ck_assert_ptr_null(outcome->interface_id);
	ck_assert_ptr_null(outcome->reason);
	ck_assert_ptr_null(outcome->rule);
	ck_assert_ptr_null(outcome->target_id);
	ck_assert_ptr_null(outcome->session_id);
	ck_assert_ptr_null(outcome->operation);
	ck_assert_ptr_null(outcome->error);
	ck_assert_ptr_null(outcome->cause);
	ck_assert_ptr_null(outcome->request_id);
	(*count)++;
	return 0;
}

START_TEST(test_keeps_every_field)
{
	struct outcome full = {.kind = OUTCOME_FAILED,
	    .instance_id = "i-1",
	    .interface_id = "eni-1",
	    .reason = "reason",
	    .rule = "tags[0]",
	    .target_id = "tmt-1",
	    .session_id = "tms-1",
	    .operation = "ec2:DoThis",
	    .error = "Some.Error",
	    .cause = "because",
	    .request_id = "req"};
	struct tmf_err err = {0};
	int count = 0;

	ck_ok(store_outcome_put(fx.store, RUN, &full, &err), &err);
	ck_ok(store_outcomes_each(fx.store, RUN, -1, check_full, &count, &err), &err);
	put("other", "i-1", NULL, OUTCOME_UNMATCHED);
	ck_ok(store_outcomes_each(fx.store, "other", -1, check_bare, &count, &err), &err);
	ck_assert_int_eq(count, 2);
}
END_TEST

static int
check_cut(void *arg, const struct outcome *outcome)
{
	int *count = arg;

	/* One byte less than the limit, so as not to cut the two bytes of the last character
	 * apart. */
	ck_assert_uint_eq(strlen(outcome->cause), STORE_OUTCOME_BYTES_MAX - 1);
	ck_assert_uint_eq(strlen(outcome->reason), STORE_OUTCOME_BYTES_MAX);
	(*count)++;
	return 0;
}

START_TEST(test_cuts_long_texts_and_refuses_long_ids)
{
	char cause[2 * STORE_OUTCOME_BYTES_MAX + 2] = "a", reason[STORE_OUTCOME_BYTES_MAX + 1];
	char id[STORE_KEY_BYTES_MAX + 2];
	struct outcome outcome = {
	    .kind = OUTCOME_FAILED, .instance_id = "i-1", .cause = cause, .reason = reason};
	struct tmf_err err = {0};
	int count = 0;

	for (size_t i = 1; i + 2 < sizeof(cause); i += 2)
		memcpy(cause + i, "\xc3\xa4", 3);
	memset(reason, 'r', sizeof(reason));
	reason[STORE_OUTCOME_BYTES_MAX] = '\0';
	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
	ck_ok(store_outcomes_each(fx.store, RUN, -1, check_cut, &count, &err), &err);
	ck_assert_int_eq(count, 1);

	memset(id, 'i', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	outcome.instance_id = id;
	ck_assert_int_eq(store_outcome_put(fx.store, RUN, &outcome, &err), -1);
	expect_err(&err, TMF_ERR_LIMIT, "the instance id");
	outcome.instance_id = "i-1";
	outcome.interface_id = id;
	ck_assert_int_eq(store_outcome_put(fx.store, RUN, &outcome, &err), -1);
	expect_err(&err, TMF_ERR_LIMIT, "the interface id");
	outcome.instance_id = NULL;
	ck_assert_int_eq(store_outcome_put(fx.store, RUN, &outcome, &err), -1);
	expect_err(&err, TMF_ERR_INVALID, "instance id");
	expect_counts(RUN, "failed=1 ");
}
END_TEST

START_TEST(test_refuses_rows_that_cannot_be)
{
	struct tmf_err err = {0};
	struct rows rows = {.stop_after = 0};
	int64_t counts[OUTCOME_COUNT];
	struct outcome outcome = {.kind = OUTCOME_CREATED, .instance_id = "i-1"};

	put(RUN, "i-1", NULL, OUTCOME_CREATED);
	ck_ok(store_commit(fx.store, &err), &err);
	fixture_sql(&fx, "UPDATE outcomes SET kind = 100");
	ck_assert_int_eq(store_outcomes_each(fx.store, RUN, -1, add_row, &rows, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "an outcome that cannot be");
	ck_assert_int_eq(store_outcome_put(fx.store, RUN, &outcome, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "an outcome that cannot be");
	fixture_reopen(&fx);
	ck_assert_int_eq(store_outcomes_count(fx.store, RUN, counts, &err), -1);
	expect_err(&err, TMF_ERR_STORE, "an outcome that cannot be");
	buf_fini(&rows.text);
}
END_TEST

/* --- what is known of instances --- */

static int
add_known(void *arg, const struct outcome *outcome)
{
	const struct store_instance *known = &outcome->instance;
	const char *texts[] = {outcome->instance_id, outcome->interface_id, known->type,
	    known->vpc_id, known->subnet_id, known->zone, known->name};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		buf_printf(arg, "%s ", texts[i] != NULL ? texts[i] : "-");
	return 0;
}

/* Before or after the outcomes: an event may be recorded as gone first. */
START_TEST(test_rows_bear_what_is_known_of_the_instance)
{
	const struct store_instance one = {"t3.nano", "vpc-1", "subnet-1", "us-east-1a", "web"};
	const struct store_instance over = {.type = "t3.nano"}; /* as when it is terminated */
	const struct store_instance beside = {.vpc_id = "vpc-1", .subnet_id = "subnet-2"};
	struct tmf_err err = {0};
	struct buf rows = {0};

	put(RUN, "i-1", "eni-1", OUTCOME_CREATED);
	ck_ok(store_instance_put(fx.store, RUN, "i-1", NULL, &one, &err), &err);
	ck_ok(store_instance_put(fx.store, RUN, "i-1", "eni-2", &beside, &err), &err);
	ck_ok(store_instance_put(fx.store, RUN, "i-1", NULL, &over, &err), &err);
	put(RUN, "i-1", "eni-2", OUTCOME_PRESENT);
	put(RUN, "i-2", NULL, OUTCOME_GONE);
	put("other", "i-1", NULL, OUTCOME_GONE);
	ck_ok(store_outcomes_each(fx.store, RUN, -1, add_known, &rows, &err), &err);
	ck_assert_str_eq(buf_cstr(&rows),
	    "i-1 eni-1 t3.nano vpc-1 subnet-1 us-east-1a web "
	    "i-1 eni-2 t3.nano vpc-1 subnet-2 us-east-1a web i-2 - - - - - - ");
	buf_reset(&rows);
	ck_ok(store_outcomes_of(fx.store, RUN, "i-2", add_known, &rows, &err), &err);
	ck_ok(store_outcomes_each(fx.store, "other", -1, add_known, &rows, &err), &err);
	ck_assert_str_eq(buf_cstr(&rows), "i-2 - - - - - - i-1 - - - - - - ");
	buf_fini(&rows);
	ck_assert_int_eq(store_instance_put(fx.store, "none", "i-1", NULL, &one, &err), -1);
	expect_err(&err, TMF_ERR_NOT_FOUND, ": none");
}
END_TEST

/* --- reasons --- */

static void
put_reason(int instance, enum outcome_kind kind, const char *reason, const char *detail)
{
	struct tmf_err err = {0};
	char id[32];
	struct outcome outcome = {.kind = kind, .instance_id = id, .reason = reason};
	const struct store_instance known = {.type = detail};

	snprintf(id, sizeof(id), "i-%d", instance);
	if (kind == OUTCOME_FAILED) {
		outcome.reason = NULL;
		outcome.error = reason;
		outcome.operation = detail;
	} else {
		ck_ok(store_instance_put(fx.store, RUN, id, NULL, &known, &err), &err);
	}
	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
}

static int
add_reason(void *arg, const struct outcome_reason *reason)
{
	buf_printf(arg, "%s/%s/%s=%lld ", outcome_name(reason->kind), reason->reason,
	    reason->detail, (long long)reason->count);
	return 0;
}

START_TEST(test_counts_reasons)
{
	struct tmf_err err = {0};
	struct buf text = {0};

	put_reason(1, OUTCOME_INELIGIBLE, "terminated", "t2.micro");
	put_reason(2, OUTCOME_INELIGIBLE, "type", "t2.micro");
	put_reason(3, OUTCOME_INELIGIBLE, "type", "t2.micro");
	put_reason(4, OUTCOME_INELIGIBLE, "type", "t1.micro");
	put_reason(5, OUTCOME_UNMATCHED, NULL, NULL);
	put_reason(6, OUTCOME_FAILED, "Denied", "ec2:RunInstances");
	put_reason(7, OUTCOME_FAILED, "Denied", "ec2:CreateTrafficMirrorSession");
	put_reason(8, OUTCOME_FAILED, "Denied", "ec2:CreateTrafficMirrorSession");
	ck_ok(store_outcome_reasons(fx.store, RUN, add_reason, &text, &err), &err);
	ck_assert_str_eq(buf_cstr(&text),
	    "unmatched//=1 ineligible/type/t2.micro=2 ineligible/terminated/=1 "
	    "ineligible/type/t1.micro=1 failed/Denied/ec2:CreateTrafficMirrorSession=2 "
	    "failed/Denied/ec2:RunInstances=1 ");
	buf_fini(&text);
}
END_TEST

static int
add_rule(void *arg, const char *rule, enum outcome_kind kind)
{
	buf_printf(arg, "%s/%s ", rule, outcome_name(kind));
	return 0;
}

/* A row without a rule is none of a rule's. */
START_TEST(test_lists_rules)
{
	struct tmf_err err = {0};
	struct buf text = {0};
	struct outcome outcome = {.kind = OUTCOME_CREATED, .instance_id = "i-1", .rule = "a"};

	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
	outcome = (struct outcome){.kind = OUTCOME_UNMATCHED, .instance_id = "i-2"};
	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
	ck_ok(store_outcome_rules(fx.store, RUN, add_rule, &text, &err), &err);
	ck_assert_str_eq(buf_cstr(&text), "a/created ");
	buf_fini(&text);
}
END_TEST

/* A slot beside the interface's own row leaves that alone; one in its place does not. */
START_TEST(test_a_row_beside)
{
	struct tmf_err err = {0};
	int64_t counts[OUTCOME_COUNT];
	struct outcome outcome = {
	    .kind = OUTCOME_PRESENT, .instance_id = "i-1", .interface_id = "eni-1"};

	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
	outcome.kind = OUTCOME_UNWANTED;
	outcome.slot = "tms-1";
	outcome.beside = true;
	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
	ck_ok(store_outcomes_count(fx.store, RUN, counts, &err), &err);
	ck_assert_int_eq(counts[OUTCOME_PRESENT], 1);
	ck_assert_int_eq(counts[OUTCOME_UNWANTED], 1);
	outcome.kind = OUTCOME_CREATED;
	outcome.slot = "a rule";
	outcome.beside = false;
	ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
	ck_ok(store_outcomes_count(fx.store, RUN, counts, &err), &err);
	ck_assert_int_eq(counts[OUTCOME_PRESENT], 0);
	ck_assert_int_eq(counts[OUTCOME_CREATED], 1);
}
END_TEST

struct reason_sum {
	int64_t rows;
	int64_t other;
	int groups;
};

static int
sum_reason(void *arg, const struct outcome_reason *reason)
{
	struct reason_sum *sum = arg;

	sum->rows += reason->count;
	sum->groups++;
	if (strcmp(reason->reason, OUTCOME_REASON_OTHER) == 0)
		sum->other += reason->count;
	return 0;
}

/* A workflow may record a reason of its own for each instance. */
START_TEST(test_reasons_without_end_are_counted_together)
{
	struct tmf_err err = {0};
	struct reason_sum sum = {0};
	char reason[32];

	for (int i = 0; i < 2 * OUTCOME_REASONS_MAX; i++) {
		snprintf(reason, sizeof(reason), "reason %d", i);
		put_reason(i, OUTCOME_EXCLUDED, reason, NULL);
	}
	ck_ok(store_outcome_reasons(fx.store, RUN, sum_reason, &sum, &err), &err);
	ck_assert_int_eq(sum.rows, 2 * OUTCOME_REASONS_MAX);
	ck_assert_int_eq(sum.other, OUTCOME_REASONS_MAX);
	ck_assert_int_eq(sum.groups, OUTCOME_REASONS_MAX + 1);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(outcome_name(OUTCOME_CREATED), "created");
	ck_assert_str_eq(outcome_name(OUTCOME_FOREIGN_ACCOUNT), "foreign-account");
	ck_assert_str_eq(outcome_name(OUTCOME_FAILED), "failed");
}
END_TEST

/* --- many --- */

#define MANY	  100000
#define PAGE	  1000 /* a commit each, as a page of a backfill */
#define BYTES_MAX (8 << 20)

static void
put_many(int from)
{
	struct rng rng;
	struct tmf_err err = {0};

	rng_seed(&rng, (uint64_t)from);
	for (int i = from; i < from + PAGE; i++) {
		char ids[4][32];
		/* As real ids are: in no order. */
		unsigned long long spread = rng_next(&rng);

		snprintf(ids[0], sizeof(ids[0]), "i-0%016llx", spread);
		snprintf(ids[1], sizeof(ids[1]), "eni-0%016llx", spread);
		snprintf(ids[2], sizeof(ids[2]), "tmt-0%016d", i / 1000);
		snprintf(ids[3], sizeof(ids[3]), "tms-0%016llx", spread);
		struct outcome outcome = {.kind = OUTCOME_CREATED,
		    .instance_id = ids[0],
		    .interface_id = ids[1],
		    .rule = "vpcs[0]",
		    .target_id = ids[2],
		    .session_id = ids[3]};
		ck_ok(store_outcome_put(fx.store, RUN, &outcome, &err), &err);
	}
	ck_ok(store_commit(fx.store, &err), &err);
}

static int
count_row(void *arg, const struct outcome *outcome)
{
	int *count = arg;

	ck_assert_int_eq(outcome->kind, OUTCOME_CREATED);
	(*count)++;
	return 0;
}

static void
write_and_read_many(int many)
{
	struct tmf_err err = {0};
	int64_t counts[OUTCOME_COUNT];
	int count = 0;

	sqlite3_memory_highwater(1);
	for (int i = 0; i < many; i += PAGE) {
		put_many(i);
		ck_ok(store_outcomes_count(fx.store, RUN, counts, &err), &err);
		ck_assert_int_eq(counts[OUTCOME_CREATED], i + PAGE);
	}
	ck_ok(store_outcomes_each(fx.store, RUN, -1, count_row, &count, &err), &err);
	ck_assert_int_eq(count, many);
	ck_assert_int_lt(sqlite3_memory_highwater(0), BYTES_MAX);
}

START_TEST(test_many_rows_take_little)
{
	char path[PATH_BYTES];
	struct stat st;

	write_and_read_many(MANY);
	fixture_close(&fx);
	ck_assert_int_eq(stat(fixture_state_path(&fx, "tmflow.db", path), &st), 0);
	printf("%lld bytes an outcome\n", (long long)st.st_size / MANY);
	ck_assert_int_lt(st.st_size / MANY, 200);
}
END_TEST

START_TEST(test_many_rows_in_a_temporary_store)
{
	fixture_close(&fx);
	fx.store = store_open(NULL, &fx.clock.clock, NULL);
	ck_assert_ptr_nonnull(fx.store);
	fixture_run(&fx, RUN, 1);
	write_and_read_many(MANY / 4);
}
END_TEST

static int
add_instance(void *arg, const char *instance_id)
{
	buf_printf(arg, "%s ", instance_id);
	return 0;
}

START_TEST(test_failed_instances_by_page)
{
	struct buf text = {0};
	struct rows rows = {0};
	struct tmf_err err = {0};

	put(RUN, "i-3", "eni-1", OUTCOME_FAILED);
	put(RUN, "i-1", "eni-1", OUTCOME_CREATED);
	put(RUN, "i-2", NULL, OUTCOME_FAILED);
	put(RUN, "i-3", "eni-2", OUTCOME_FAILED);
	put(RUN, "i-3", "eni-0", OUTCOME_PRESENT);
	put(RUN, "i-4", "eni-1", OUTCOME_FAILED);
	put("other", "i-5", "eni-1", OUTCOME_FAILED);
	ck_ok(store_failed_instances(fx.store, RUN, "", 2, add_instance, &text, &err), &err);
	ck_assert_str_eq(buf_cstr(&text), "i-2 i-3 ");
	buf_reset(&text);
	ck_ok(store_failed_instances(fx.store, RUN, "i-3", 2, add_instance, &text, &err), &err);
	ck_assert_str_eq(buf_cstr(&text), "i-4 ");
	ck_ok(store_outcomes_of(fx.store, RUN, "i-3", add_row, &rows, &err), &err);
	ck_assert_str_eq(
	    buf_cstr(&rows.text), "i-3/eni-0:present i-3/eni-1:failed i-3/eni-2:failed ");
	buf_fini(&text);
	buf_fini(&rows.text);
}
END_TEST

static void
add_cases(Suite *suite)
{
	TCase *outcome = tcase_create("outcome"), *many = tcase_create("many");

	tcase_add_checked_fixture(outcome, setup, teardown);
	tcase_add_test(outcome, test_the_same_row_twice_is_one);
	tcase_add_test(outcome, test_interfaces_replace_their_instance);
	tcase_add_test(outcome, test_slots_of_an_interface);
	tcase_add_test(outcome, test_rows_of_an_interface);
	tcase_add_test(outcome, test_runs_are_apart);
	tcase_add_test(outcome, test_counts_go_on_after_reopening);
	tcase_add_test(outcome, test_each_filters_orders_and_stops);
	tcase_add_test(outcome, test_keeps_every_field);
	tcase_add_test(outcome, test_cuts_long_texts_and_refuses_long_ids);
	tcase_add_test(outcome, test_refuses_rows_that_cannot_be);
	tcase_add_test(outcome, test_rows_bear_what_is_known_of_the_instance);
	tcase_add_test(outcome, test_counts_reasons);
	tcase_add_test(outcome, test_lists_rules);
	tcase_add_test(outcome, test_a_row_beside);
	tcase_add_test(outcome, test_reasons_without_end_are_counted_together);
	tcase_add_test(outcome, test_names);
	tcase_add_test(outcome, test_failed_instances_by_page);
	suite_add_tcase(suite, outcome);
	tcase_set_timeout(many, 60); /* seconds; it takes 5 with the sanitizers */
	tcase_add_checked_fixture(many, setup, teardown);
	tcase_add_test(many, test_many_rows_take_little);
	tcase_add_test(many, test_many_rows_in_a_temporary_store);
	suite_add_tcase(suite, many);
}

int
main(void)
{
	return run_suite("store_outcome", add_cases);
}
