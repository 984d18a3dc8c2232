/* What a checkpoint must hold: a run that is cut off after any number of turns and resumed ends
 * as one that was not. */
#include "lives.h"

#include "base/jsonx.h"

#define TURNS_MAX 400

/* A workflow that is cut off and resumed. */
struct durable {
	const char *definition;
	const char *input;
	const char *output;
	bool quiet;	     /* no history is kept */
	int starts;	     /* of ops, undisturbed */
	int starts_again;    /* at most, after a cut: those that were under way */
	int turns_again_min; /* with so many at a time it comes to its end */
};

/* A bit of everything that a checkpoint must carry: variables, a retry under way, a Map with
 * finished, live and future items, a Parallel, a Wait. */
static const char everything_text[] =
    "{StartAt: Init, States: {"
    " Init: {Type: Pass, Assign: {'base.$': $.base}, Next: Flaky},"
    " Flaky: {Type: Task, Resource: tmflow:flaky, Parameters: {Error: Busy, Times: 2}, ResultPath: "
    "null,"
    "   Retry: [{ErrorEquals: [Busy], IntervalSeconds: 5}], Next: Each},"
    " Each: {Type: Map, ItemsPath: $.items, MaxConcurrency: 2, ItemSelector: {'n.$': "
    "$$.Map.Item.Value},"
    "   ItemProcessor: {StartAt: Work, States: {"
    "     Work: {Type: Task, Resource: tmflow:sleep, Parameters: {Ms: 100, 'n.$': $.n}, Next: Sum},"
    "     Sum: {Type: Pass, Parameters: {'s.$': 'States.MathAdd($.n, $base)'}, OutputPath: $.s, "
    "End: true}}},"
    "   ResultPath: $.sums, Next: Both},"
    " Both: {Type: Parallel, Branches: ["
    "   {StartAt: W, States: {W: {Type: Wait, Seconds: 2, OutputPath: $.sums, End: true}}},"
    "   {StartAt: E, States: {E: {Type: Task, Resource: tmflow:echo, OutputPath: $.base, End: "
    "true}}}],"
    "   End: true}}}";

#define ITEMS                                                                                      \
	"[{\"ms\":900,\"n\":1},{\"ms\":100,\"n\":2},{\"ms\":600,\"n\":3},"                         \
	"{\"ms\":50,\"n\":4},{\"ms\":70,\"n\":5},{\"ms\":400,\"n\":6}]"

/* Items as they are, of which later ones end before earlier ones. */
static const char items_text[] =
    "{StartAt: Each, States: {"
    " Each: {Type: Map, MaxConcurrency: 3, ItemProcessor: {StartAt: Work, States: {"
    "     Work: {Type: Task, Resource: tmflow:sleep, Parameters: {'Ms.$': $.ms, 'n.$': $.n}, "
    "OutputPath: $.n, End: true}}}, End: true}}}";

/* Two looks and a choice, then something is done, then looked at: index 0 to 4. */
static const char reading_text[] =
    "{StartAt: Look, States: {"
    " Look: {Type: Task, Resource: tmflow:look, Parameters: {Ms: 30}, ResultPath: null, "
    "Next: Choose},"
    " Choose: {Type: Choice, Choices: [{Variable: $.n, IsPresent: true, Next: Again}]},"
    " Again: {Type: Task, Resource: tmflow:look, Parameters: {Ms: 30}, ResultPath: null, "
    "Next: Do},"
    " Do: {Type: Task, Resource: tmflow:sleep, Parameters: {Ms: 30, 'n.$': $.n}, Next: Last},"
    " Last: {Type: Task, Resource: tmflow:look, Parameters: {Ms: 30, 'n.$': $.n}, "
    "OutputPath: $.n, End: true}}}";

/* Three that wait for what the fourth does, with two places; then one more. */
static const char crowd_text[] =
    "{StartAt: Each, States: {"
    " Each: {Type: Map, MaxConcurrency: 2, ItemProcessor: {StartAt: Work, States: {"
    "     Work: {Type: Task, Resource: tmflow:crowd, Parameters: {Max: 2, Ms: 50, 'Open.$': $.o, "
    "'n.$': $.n}, OutputPath: $.n, End: true}}}, End: true}}}";

static const struct durable crowd = {
    .definition = crowd_text,
    .input = "[{\"n\":1,\"o\":false},{\"n\":2,\"o\":false},{\"n\":3,\"o\":false},"
	     "{\"n\":4,\"o\":true},{\"n\":5,\"o\":false}]",
    .output = "[1,2,3,4,5]",
    .starts = 5,
    .starts_again = 5,
    .turns_again_min = 6,
};

static const struct durable everything = {
    .definition = everything_text,
    .input = "{\"base\":100,\"items\":[1,2,3,4,5]}",
    .output = "[[101,102,103,104,105],100]",
    .starts = 9, /* 3 flaky, 5 sleeps, 1 echo */
    .starts_again = 2,
    .turns_again_min = 4,
};
static const struct durable items = {
    .definition = items_text,
    .input = ITEMS,
    .output = "[1,2,3,4,5,6]",
    .starts = 6,
    .starts_again = 3,
    .turns_again_min = 4,
};
static const struct durable quiet_items = {
    .definition = items_text,
    .input = ITEMS,
    .output = "[1,2,3,4,5,6]",
    .quiet = true,
    .starts = 6,
    .starts_again = 3,
    .turns_again_min = 4,
};
static const struct durable reading = {
    .definition = reading_text,
    .input = "{\"n\":7}",
    .output = "7",
    .quiet = true,
    .starts = 4,
    .starts_again = 1,
    .turns_again_min = 4,
};
/* Five rows of a file, two at a time. */
#define ROWS_MAP(more)                                                                             \
	"{StartAt: Each, States: {"                                                                \
	" Each: {Type: Map, MaxConcurrency: 2, ItemReader: {Resource: "                            \
	"'arn:aws:states:::s3:getObject', Parameters: {Bucket: 'file://" TEST_SOURCE_DIR           \
	"/tests/engine/items', Key: five.csv}, ReaderConfig: {InputType: CSV}}, " more             \
	"   ItemProcessor: {StartAt: Work, ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: "   \
	"STANDARD}, States: {"                                                                     \
	"     Work: {Type: Task, Resource: tmflow:sleep, Parameters: {Ms: 100, 'in.$': $}, "       \
	"OutputPath: $.in, End: true}}}, End: true}}}"

static const struct durable file_rows = {
    .definition = ROWS_MAP("ItemSelector: {'n.$': $$.Map.Item.Value.n, 'i.$': "
			   "$$.Map.Item.Index},"),
    .input = "{}",
    .output = "[{\"n\":\"1\",\"i\":0},{\"n\":\"2\",\"i\":1},{\"n\":\"3\",\"i\":2},"
	      "{\"n\":\"4\",\"i\":3},{\"n\":\"5\",\"i\":4}]",
    .starts = 5,
    .starts_again = 2,
    .turns_again_min = 4,
};
static const struct durable batches = {
    .definition = ROWS_MAP("ItemSelector: {'i.$': $$.Map.Item.Index}, ItemBatcher: "
			   "{MaxItemsPerBatch: 2, BatchInput: {'b.$': $.b}},"),
    .input = "{\"b\":7}",
    .output = "[{\"BatchInput\":{\"b\":7},\"Items\":[{\"i\":0},{\"i\":1}]},"
	      "{\"BatchInput\":{\"b\":7},\"Items\":[{\"i\":2},{\"i\":3}]},"
	      "{\"BatchInput\":{\"b\":7},\"Items\":[{\"i\":4}]}]",
    .starts = 3,
    .starts_again = 2,
    .turns_again_min = 4,
};

/* Chance and time in both query languages: the input of a task is the same for every attempt. */
static const char chance_text[] =
    "{StartAt: Flaky, States: {"
    " Flaky: {QueryLanguage: JSONata, Type: Task, Resource: tmflow:flaky,"
    "   Arguments: {Error: Busy, Times: 2, Id: '{% $uuid() %}', At: '{% $millis() %}'},"
    "   Retry: [{ErrorEquals: [Busy], IntervalSeconds: 5}], Output: '{% $states.result.Id %}',"
    "   Assign: {first: '{% $states.result.Id %}', was: '{% $states.result.At %}'}, Next: Old},"
    " Old: {Type: Task, Resource: tmflow:sleep, Parameters: {Ms: 10, 'Id.$': 'States.UUID()'},"
    "   ResultSelector: {'second.$': $.Id}, Next: Each},"
    " Each: {QueryLanguage: JSONata, Type: Map, Items: ['{% $random() %}', 2],"
    "   ItemSelector: {Ms: 10, n: '{% $states.context.Map.Item.Value %}', Id: '{% $uuid() %}'},"
    "   ItemProcessor: {StartAt: Work, States: {"
    "     Work: {QueryLanguage: JSONata, Type: Task, Resource: tmflow:sleep, End: true}}},"
    "   Output: {first: '{% $first %}', was: '{% $was - 10000 > 0 %}',"
    "     second: '{% $states.input.second %}', each: '{% $states.result.[n, Id] %}'},"
    "   End: true}}}";

static const struct durable chance = {
    .definition = chance_text,
    .input = "{}",
    .output = "{\"first\":\"4481162b-0d6f-4d6f-95f2-d01ae314342e\",\"was\":true,"
	      "\"second\":\"f3d6e78c-3a44-44cd-aede-b0b4b31a53e5\","
	      "\"each\":[[0.5341495408789039,\"b2ee978a-c658-4778-8637-f881586b3825\"],"
	      "[2,\"8b176fa2-565a-4d9a-971c-4573574293ef\"]]}",
    .starts = 6, /* 3 flaky, 3 sleeps */
    .starts_again = 2,
    .turns_again_min = 4,
};
static const struct durable *const durables[] = {
    &everything, &items, &quiet_items, &reading, &crowd, &chance, &file_rows, &batches};
#define DURABLES ((int)(sizeof(durables) / sizeof(durables[0])))

/* Runs at most so many turns. True when the execution came to its end. */
static bool
run_turns(const struct durable *durable, int turns, bool resume, int64_t start_mono_ms,
    int *failures, int *starts)
{
	struct store *store = lives_open(false);
	struct tmf_err err = {0};
	struct harness h;

	harness_init(&h, store);
	h.failures = *failures;
	h.quiet = durable->quiet;
	h.clock.now_wall_ms += start_mono_ms;
	json_t *input = jsonx_parse(str_of(durable->input), &err);
	struct asl_machine *machine = lives_compile(&h, durable->definition);
	struct execution *x = harness_start(&h, machine, input, resume);
	lives_turn(&h, turns);
	bool over = h.over;
	if (over)
		lives_expect(&h, durable->output);
	*failures = h.failures;
	*starts += h.starts;
	execution_free(x);
	asl_machine_unref(machine);
	json_decref(input);
	harness_fini(&h);
	store_close(store);
	return over;
}

/* Cut after k turns, then resumed to the end, for every k. */
START_TEST(cut_once_anywhere)
{
	bool over = false;

	for (int turns = 1; turns < TURNS_MAX && !over; turns++) {
		int failures = 0;
		int starts = 0;

		store_close(lives_open(true));
		over = run_turns(durables[_i], turns, false, 0, &failures, &starts);
		if (!over)
			ck_assert_msg(
			    run_turns(durables[_i], TURNS_MAX, true, 60000, &failures, &starts),
			    "cut after %d turns", turns);
		ck_assert_int_ge(starts, durables[_i]->starts);
		ck_assert_int_le(starts, durables[_i]->starts + durables[_i]->starts_again);
		lives_forget();
	}
	ck_assert_msg(over, "the run takes more than %d turns", TURNS_MAX);
}
END_TEST

/* Cut after every few turns, again and again: as many as an action with a sleep needs. */
START_TEST(cut_again_and_again)
{
	for (int turns = durables[_i]->turns_again_min; turns < 12; turns++) {
		int failures = 0;
		int starts = 0;
		bool over = false;

		store_close(lives_open(true));
		for (int round = 0; round < TURNS_MAX && !over; round++)
			over = run_turns(durables[_i], turns, round > 0, (int64_t)round * 60000,
			    &failures, &starts);
		ck_assert_msg(over, "%d turns at a time never end", turns);
		lives_forget();
	}
}
END_TEST

/* Runs at most so many turns; how many rows of checkpoints there are then. */
static int
rows_after(const struct durable *durable, int turns, bool over)
{
	int failures = 0;
	int starts = 0;
	struct store *store;
	int rows;

	store_close(lives_open(true));
	ck_assert(run_turns(durable, turns, false, 0, &failures, &starts) == over);
	ck_assert_int_ge(starts, 3);
	store = lives_open(false);
	rows = lives_rows(store);
	store_close(store);
	lives_forget();
	return rows;
}

/* Until its owner has recorded it, the end itself is kept: a resume reports it and starts
 * nothing. */
START_TEST(the_end_is_left_at_the_end)
{
	int failures = 0;
	int starts = 0;

	ck_assert_int_eq(rows_after(&everything, TURNS_MAX, true), 1);
	store_close(lives_open(true));
	ck_assert(run_turns(&everything, TURNS_MAX, false, 0, &failures, &starts));
	int first = starts;
	ck_assert(run_turns(&everything, TURNS_MAX, true, 60000, &failures, &starts));
	ck_assert_int_eq(starts, first);
	lives_forget();
}
END_TEST

/* Takes the index of the state in which the root stands. */
static int
take_state(void *arg, int64_t branch_id, struct str state)
{
	struct tmf_err err = {0};
	json_t *row = jsonx_parse(state, &err);

	ck_assert_msg(row != NULL, "%s", tmf_err_text(&err));
	if (branch_id == 1)
		*(int *)arg = (int)json_integer_value(json_object_get(row, "state"));
	json_decref(row);
	return 0;
}

/* Where a resume would begin once so many ops have been started. */
static int
state_when_started(const struct durable *durable, int wanted)
{
	struct tmf_err err = {0};
	int state = -1;
	int starts = 0;

	for (int turns = 1; starts < wanted; turns++) {
		struct store *store;
		int failures = 0;

		store_close(lives_open(true));
		starts = 0;
		ck_assert(!run_turns(durable, turns, false, 0, &failures, &starts));
		store = lives_open(false);
		ck_assert_int_eq(store_branches_each(store, "run", take_state, &state, &err), 0);
		store_close(store);
		lives_forget();
	}
	return state;
}

/* Every step has its row, the reading ones too. */
START_TEST(each_step_has_its_row)
{
	ck_assert_int_eq(state_when_started(&reading, 2), 2);
	ck_assert_int_eq(state_when_started(&reading, 3), 3);
	ck_assert_int_eq(state_when_started(&reading, 4), 4);
	ck_assert_int_eq(rows_after(&quiet_items, 6, false), 2 + 3);
	ck_assert_int_eq(rows_after(&items, 6, false), 2 + 3);
}
END_TEST

/* An interrupt lets what is under way end, and starts nothing new. */
START_TEST(interrupt_and_resume)
{
	struct store *store = lives_open(true);
	struct tmf_err err = {0};
	struct harness h;

	harness_init(&h, store);
	json_t *input = jsonx_parse(str_of(everything.input), &err);
	struct asl_machine *machine = lives_compile(&h, everything.definition);
	struct execution *x = harness_start(&h, machine, input, false);
	lives_turn(&h, 6);
	ck_assert(!h.over);
	execution_interrupt(x);
	int starts = h.starts;
	ck_assert_int_eq(tmf_loop_run(h.loop, &err), 0);
	ck_assert(h.over);
	ck_assert_int_eq(h.status, RUN_INTERRUPTED);
	ck_assert_int_eq(h.starts, starts);
	int failures = h.failures;
	execution_free(x);
	asl_machine_unref(machine);
	json_decref(input);
	harness_fini(&h);
	ck_assert_int_eq(store_commit(store, &err), 0);
	store_close(store);
	ck_assert(run_turns(&everything, TURNS_MAX, true, 60000, &failures, &starts));
	lives_forget();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("durability");
	TCase *tests = tcase_create("durability");

	tcase_add_loop_test(tests, cut_once_anywhere, 0, DURABLES);
	tcase_add_loop_test(tests, cut_again_and_again, 0, DURABLES);
	tcase_add_test(tests, the_end_is_left_at_the_end);
	tcase_add_test(tests, each_step_has_its_row);
	tcase_add_test(tests, interrupt_and_resume);
	suite_add_tcase(suite, tests);
	return lives_main(suite);
}
