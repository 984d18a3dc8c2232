/* Rows that an engine did not write: each is refused with the row and what does not fit, and
 * none crashes or hangs a resume. */
#include "checkpoint_rows.h"
#include "engine_harness.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define OWN   "0 {\"event\":9,\"nextBranch\":9}\n"
#define ITEMS "\"input\":{\"items\":[1,2,3]}"
#define LONG  "0123456789012345678901234567890123456789012345678901234567890123456789"
#define STREAM                                                                                     \
	OWN "1 {\"state\":@S,\"phase\":4," ITEMS                                                   \
	    ",\"source\":{\"offset\":3,\"taken\":3,\"version\":\"\",\"children\":2,\"ended\":2,"   \
	    "\"failed\":0}}\n"
#define SOURCE(members) "{\"state\":@M,\"phase\":4," ITEMS ",\"source\":{" members "}}"
#define ENDED(members)	"0 {\"event\":9,\"nextBranch\":9,\"end\":{" members "}}\n"
#define MAP		OWN "1 {\"state\":@M,\"phase\":4," ITEMS "}\n"

static const struct {
	const char *rows;
	const char *why; /* "row ...": what the error says; else the output */
} cases[] = {
    /* The phase and the state's type. */
    {OWN "1 {\"state\":@W,\"phase\":4,\"input\":1}", "row 1: state 'W' has no phase 4"},
    {OWN "1 {\"state\":@T,\"phase\":4,\"input\":1}", "row 1: state 'T' has no phase 4"},
    {OWN "1 {\"state\":@W,\"phase\":2,\"input\":1}", "row 1: state 'W' has no phase 2"},
    {OWN "1 {\"state\":@T,\"phase\":1,\"input\":1}", "row 1: state 'T' has no phase 1"},
    {OWN "1 {\"state\":@M,\"phase\":3,\"input\":1}", "row 1: state 'M' has no phase 3"},
    {OWN "1 {\"state\":@W,\"phase\":5,\"input\":1}", "row 1: \"phase\" is out of range: 5"},
    {OWN "1 {\"state\":@W,\"phase\":-1,\"input\":1}", "row 1: \"phase\" is out of range: -1"},
    /* Types and ranges. */
    {OWN "1 {\"state\":99,\"input\":1}", "row 1: \"state\" is out of range: 99"},
    {OWN "1 {\"state\":\"W\",\"input\":1}", "row 1: \"state\" is not a whole number"},
    {OWN "1 {\"input\":1}", "row 1: \"state\" is missing"},
    {OWN "1 {\"state\":@W}", "row 1: \"input\" is missing"},
    {OWN "1 [1]", "row 1: not an object"},
    {OWN "1 {\"state\"", "row 1: "},
    {OWN "1 {\"state\":@W,\"input\":1,\"variables\":[1]}", "row 1: \"variables\" is not an object"},
    {OWN "1 {\"state\":@W,\"input\":1,\"shares\":true}", "row 1: \"shares\" is not true, or"},
    {OWN "1 {\"state\":@W,\"input\":1,\"index\":-1}", "row 1: \"index\" is out of range: -1"},
    {OWN "1 {\"state\":@W,\"phase\":1,\"input\":1,\"wake\":9223372036854775807}",
	"row 1: \"wake\" is out of range"},
    {OWN "1 {\"state\":@W,\"input\":1,\"entered\":-5}", "row 1: \"entered\" is out of range: -5"},
    {OWN "1 {\"state\":@W,\"input\":1,\"event\":1.5}", "row 1: \"event\" is not a whole number"},
    {OWN "1 {\"state\":@T,\"input\":1,\"retryCount\":-1}", "row 1: \"retryCount\" is out of range"},
    {OWN "1 {\"state\":@T,\"input\":1,\"retries\":[]}", "row 1: \"retries\" is not a list with a"},
    {OWN "1 {\"state\":@T,\"input\":1,\"retries\":[3]}", "row 1: \"retries\" has a count that is"},
    {OWN "1 {\"state\":@T,\"input\":1,\"retries\":{\"a\":1}}", "row 1: \"retries\" is not a list"},
    {OWN "1 {\"state\":@T,\"input\":1,\"retries\":[-1]}", "row 1: \"retries\" has a count that is"},
    {OWN "1 {\"state\":@T,\"input\":1,\"retries\":[1.5]}",
	"row 1: \"retries\" has a count that is"},
    {OWN "1 {\"state\":@T,\"input\":1,\"retries\":null}", "row 1: \"retries\" is not a list"},
    {OWN "1 {\"state\":@W,\"input\":1,\"event\":-1}", "row 1: \"event\" is out of range: -1"},
    {OWN "1 {\"state\":@W,\"input\":1,\"lastEvent\":-1}", "row 1: \"lastEvent\" is out of range"},
    {OWN "1 {\"state\":@W,\"input\":1,\"entries\":-1}", "row 1: \"entries\" is out of range"},
    {OWN "1 {\"state\":@W,\"input\":1,\"begun\":-1}", "row 1: \"begun\" is out of range: -1"},
    {OWN "1 {\"state\":@W,\"input\":1,\"items\":-1}", "row 1: \"items\" is out of range: -1"},
    {OWN "1 {\"state\":@W,\"input\":1,\"shares\":false}", "row 1: \"shares\" is not true, or"},
    {MAP "2 {\"parent\":1,\"state\":@I,\"input\":1,\"shares\":true,\"variables\":{}}",
	"row 2: \"shares\" is not true, or there is nothing to share"},
    {OWN "9223372036854775807 {\"state\":@W,\"input\":1}", "not the number of a branch"},
    /* Times: a wait has a longest. */
    {OWN "1 {\"state\":@W,\"input\":1,\"entered\":9000000000000}",
	"row 1: \"entered\" is in the future: 9000000000000"},
    {OWN "1 {\"state\":@W,\"phase\":1,\"input\":1,\"wake\":9000000000000}",
	"row 1: \"wake\" is later than state 'W' can wait"},
    {OWN "1 {\"state\":@T,\"phase\":3,\"input\":1,\"retries\":[1],\"wake\":9000000000000}",
	"row 1: \"wake\" is later than state 'T' can wait"},
    {OWN "1 {\"state\":@T,\"phase\":3,\"input\":1,\"wake\":9000000000000}",
	"row 1: \"wake\" is later than state 'T' can wait"},
    /* Where the items of a distributed Map come from. */
    {OWN "1 {\"state\":@W,\"input\":1,\"source\":{\"version\":\"1\"}}",
	"row 1: \"source\" is not that of a Map"},
    {OWN "1 {\"state\":@P,\"phase\":4,\"input\":1,\"source\":{\"version\":\"1\"}}",
	"row 1: \"source\" is not that of a Map"},
    {OWN "1 " SOURCE("\"offset\":1"), "row 1: \"source\" is not that of a Map"},
    {OWN "1 " SOURCE("\"version\":\"" LONG LONG "\""), "row 1: \"source\" is not that of a Map"},
    {OWN "1 " SOURCE("\"version\":\"1\""), "row 1: state 'M' has other items: the definition"},
    {OWN "1 " SOURCE("\"version\":\"1\",\"offset\":-1"), "row 1: \"offset\" is out of range: -1"},
    {OWN "1 " SOURCE("\"version\":\"1\",\"taken\":-1"), "row 1: \"taken\" is out of range: -1"},
    {OWN "1 " SOURCE("\"version\":\"1\",\"taken\":1,\"children\":2"),
	"row 1: \"children\" is out of range: 2"},
    {OWN "1 " SOURCE("\"version\":\"1\",\"taken\":1,\"children\":1,\"ended\":2"),
	"row 1: \"ended\" is out of range: 2"},
    {OWN "1 " SOURCE("\"version\":\"1\",\"taken\":1,\"failed\":2"),
	"row 1: \"failed\" is out of range: 2"},
    {OWN "1 " SOURCE("\"version\":\"1\",\"succeeded\":[-1,0]"), "is out of range"},
    {OWN "1 " SOURCE("\"version\":\"1\",\"succeeded\":[0,-1]"), "is out of range"},
    {MAP "2 {\"parent\":1,\"state\":@I,\"input\":1,\"items\":3}",
	"row 2: \"items\" is there, or missing, against its parent"},
    /* The execution's own row. */
    {"0 [1]\n", "row 0: not an object"},
    {ENDED("\"status\":\"RUNNING\""), "row 0: \"end\" has no status that ends a run"},
    {ENDED(""), "row 0: \"end\" has no status that ends a run"},
    {ENDED("\"status\":\"FAILED\",\"output\":1"), "row 0: \"end\" has no output, or should not"},
    {ENDED("\"status\":\"SUCCEEDED\""), "row 0: \"end\" has no output, or should not"},
    {"0 {\"event\":-1,\"nextBranch\":9}\n", "row 0: \"event\" is out of range: -1"},
    {"0 {\"event\":9}\n", "row 0: \"nextBranch\" is missing"},
    {OWN, "row 0: no branch is the root"},
    {"1 {\"state\":@W,\"input\":1}", "row 1: the execution has no row"},
    {OWN "9 {\"state\":@W,\"input\":1}", "row 9: not counted in \"nextBranch\""},
    /* The tree. */
    {OWN "1 {\"state\":@W,\"input\":1}\n2 {\"state\":@W,\"input\":1}",
	"row 2: a second branch without a parent"},
    {OWN "1 {\"state\":@I,\"input\":1}", "row 1: state 'I' does not stand where the branch is"},
    {MAP "2 {\"parent\":2,\"state\":@I,\"input\":1}", "row 2: \"parent\" is out of range: 2"},
    {MAP "3 {\"parent\":2,\"state\":@I,\"input\":1}", "row 3: its parent is missing"},
    {MAP "2 {\"parent\":1,\"state\":@A,\"input\":1}", "row 2: state 'A' does not stand where"},
    {MAP "2 {\"parent\":1,\"index\":3,\"state\":@I,\"input\":1}",
	"row 1: state 'M' has no child 3"},
    {MAP "2 {\"parent\":1,\"state\":@I,\"input\":1}\n3 {\"parent\":1,\"state\":@I,\"input\":1}",
	"row 1: child 0 of state 'M' is there twice"},
    {OWN "1 {\"state\":@W,\"input\":1}\n2 {\"parent\":1,\"state\":@I,\"input\":1}",
	"row 2: its parent has no children"},
    {OWN "1 {\"state\":@M,\"phase\":4,\"input\":{}}", "row 1: state 'M' does not take its input: "},
    {OWN "1 {\"state\":@P,\"phase\":4,\"input\":1}\n2 {\"parent\":1,\"index\":1,\"state\":@A,"
	 "\"input\":1}",
	"row 2: state 'A' does not stand where"},
    /* Results. */
    {MAP "1/3 {\"r\":1}", "row 1: state 'M' has no child 3"},
    {MAP "1/0 {}", "row 1: the result of child 0 of state 'M' is not one"},
    {MAP "1/0 [1]", "row 1: the result of child 0 of state 'M' is not one"},
    {MAP "1/0 {\"r\"", "a result of row 1"},
    {MAP "1/0 {\"f\":true}\n1/1 {\"f\":true}", "row 1: more children of state 'M' failed than it"},
    {MAP "2 {\"parent\":1,\"state\":@I,\"input\":1}\n1/0 {\"r\":1}",
	"row 1: child 0 of state 'M' is there twice"},
    {STREAM "1/1 {\"f\":true}", "row 1: the result of child 1 of state 'S' is not one"},
    /* Sound ones, also such as an engine would hardly write. */
    {"", "[[],[]]"},
    {MAP, "[[1,2,3],[1,2,3]]"},
    {MAP "1/1 {\"r\":7}\n1/2 {\"f\":true}", "[[1,7,null],[1,7,null]]"},
    {MAP "2 "
	 "{\"parent\":1,\"index\":2,\"state\":@I,\"phase\":1,\"input\":5,\"shares\":true,\"wake\":"
	 "1}",
	"[[1,2,5],[1,2,5]]"},
    {OWN "1 {\"state\":@T,\"phase\":3,\"input\":{\"items\":[4]},\"retries\":[2],\"retryCount\":2,"
	 "\"wake\":1,\"variables\":{\"v\":1}}",
	"[[4],[4]]"},
    {OWN "1 {\"state\":@T,\"phase\":2,\"input\":{\"items\":[]}}", "[[],[]]"},
    {OWN "1 {\"state\":@W,\"phase\":1,\"input\":{\"items\":[4]},\"wake\":-1}", "[[4],[4]]"},
    {OWN "1 {\"state\":@P,\"phase\":4,\"input\":1}\n1/0 {\"r\":2}\n1/1 {\"r\":3}", "[2,3]"},
};

static void
checkpoint_done(void *arg, struct execution *execution, const struct execution_result *result)
{
	struct harness *h = arg;

	(void)execution;
	h->over = true;
	h->output = json_incref(result->output);
	tmf_loop_stop(h->loop);
}

static struct execution *
checkpoint_resume(struct harness *h, struct asl_machine *machine, struct tmf_err *err)
{
	json_t *input = jsonx_parse(STR("{\"items\":[]}"), err);
	const struct execution_opts opts = {
	    .machine = machine,
	    .run_id = ROWS_RUN_ID,
	    .input = input,
	    .on_done = checkpoint_done,
	    .arg = h,
	};
	struct execution *x = execution_resume(h->engine, &opts, err);

	json_decref(input);
	return x;
}

START_TEST(resumes_or_says_why)
{
	const char *wanted = cases[_i].why;
	struct asl_machine *machine = rows_machine();
	struct store *store = rows_store_new();
	struct tmf_err err = {0};
	struct harness h;

	rows_put(store, machine, str_of(cases[_i].rows));
	harness_init(&h, store);
	struct execution *x = checkpoint_resume(&h, machine, &err);
	if (x == NULL) {
		ck_assert_msg(strstr(tmf_err_text(&err), wanted) != NULL, "%s\n%s: %s",
		    cases[_i].rows, wanted, tmf_err_text(&err));
		ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	} else {
		ck_assert_msg(wanted[0] == '[', "%s\nwas resumed", cases[_i].rows);
		ck_assert_int_eq(tmf_loop_run(h.loop, &err), 0);
		ck_assert(h.over);
		char *output = jsonx_text(h.output);
		ck_assert_str_eq(output, wanted);
		free(output);
	}
	execution_free(x);
	harness_fini(&h);
	store_close(store);
	asl_machine_unref(machine);
	tmf_err_fini(&err);
}
END_TEST

/* A wait of five seconds and a retry after one, of a process whose clock was ahead, by less than
 * the state had taken or by more. */
START_TEST(a_clock_that_was_set_back)
{
	static const struct {
		const char *row;
		int64_t entered_s; /* from now */
		int64_t wake_s;
		int64_t longest_ms;
	} waits[] = {
	    {OWN "1 {\"state\":@W,\"phase\":1,\"input\":{\"items\":[]},", 7200, 7205, 5000},
	    {OWN "1 {\"state\":@W,\"phase\":1,\"input\":{\"items\":[]},", -1, 7200, 5000},
	    {OWN "1 "
		 "{\"state\":@T,\"phase\":3,\"input\":{\"items\":[]},\"retries\":[1],"
		 "\"retryCount\":1,",
		-9000, 3600, 1000},
	};
	struct asl_machine *machine = rows_machine();
	struct store *store = rows_store_new();
	struct tmf_err err = {0};
	struct harness h;

	harness_init(&h, store);
	char *rows = mem_printf("%s\"entered\":%lld,\"wake\":%lld}", waits[_i].row,
	    (long long)(h.clock.now_wall_ms + waits[_i].entered_s * 1000),
	    (long long)(h.clock.now_wall_ms + waits[_i].wake_s * 1000));
	rows_put(store, machine, str_of(rows));
	struct execution *x = checkpoint_resume(&h, machine, &err);
	ck_assert_msg(x != NULL, "%s", tmf_err_text(&err));
	ck_assert_int_eq(tmf_loop_run(h.loop, &err), 0);
	ck_assert(h.over);
	ck_assert_int_le(h.clock.now_mono_ms, waits[_i].longest_ms + 100);
	execution_free(x);
	harness_fini(&h);
	free(rows);
	store_close(store);
	asl_machine_unref(machine);
}
END_TEST

static int
count_state(void *arg, const struct asl_state *state)
{
	ck_assert_ptr_nonnull(state);
	++*(int *)arg;
	return 0;
}

/* Who only looks is as careful. */
START_TEST(peeks_or_says_why)
{
	struct asl_machine *machine = rows_machine();
	struct store *store = rows_store_new();
	struct tmf_err err = {0};
	int count = 0;

	rows_put(store, machine, STR(MAP "2 {\"parent\":1,\"state\":@I,\"input\":1}"));
	ck_assert_int_eq(execution_peek(store, machine, ROWS_RUN_ID, count_state, &count, &err), 0);
	ck_assert_int_eq(count, 2);
	rows_put(store, machine, STR(OWN "1 {\"state\":@W,\"phase\":4,\"input\":1}"));
	ck_assert_int_eq(
	    execution_peek(store, machine, ROWS_RUN_ID, count_state, &count, &err), -1);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "row 1: state 'W' has no phase 4"));
	tmf_err_fini(&err);
	store_close(store);
	asl_machine_unref(machine);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("checkpoint");
	TCase *tests = tcase_create("checkpoint");

	tcase_add_loop_test(tests, resumes_or_says_why, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tests, a_clock_that_was_set_back, 0, 3);
	tcase_add_test(tests, peeks_or_says_why);
	suite_add_tcase(suite, tests);
	return run_suite(suite) == 0 ? 0 : 1;
}
