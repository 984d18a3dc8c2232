/* A run that failed goes on at the state that failed, with all before it kept. */
#include "lives.h"

#include "base/jsonx.h"

#include <stdio.h>

#define TURNS_MAX    400
#define REDRIVES_MAX 8

/* A workflow whose flaky actions fail so often that it FAILED `failures` times before it
 * SUCCEEDED. */
struct broken {
	const char *name;
	const char *definition;
	const char *output;
	int failed; /* ends, before the success */
	int starts; /* of actions, in all lives */
};

#define FLAKY(times)                                                                               \
	"Type: Task, Resource: tmflow:flaky, Parameters: {Error: E, Times: " times ", 'n.$': $.n}"
#define ECHO "Type: Task, Resource: tmflow:echo"

static const struct broken brokens[] = {
    {"a task between two others",
	"{StartAt: A, States: {A: {" ECHO
	", Next: B}, B: {" FLAKY("1") ", Next: C}, C: {" ECHO ", OutputPath: $.n, End: true}}}",
	"7", 1, 4},
    {"variables and data of before are there",
	"{StartAt: A, States: {A: {Type: Pass, Assign: {v: 3}, Result: {n: 4}, Next: B}, B: "
	"{" FLAKY(
	    "1") ", Next: C}, C: {Type: Pass, Parameters: {'s.$': 'States.MathAdd($.n, $v)'}, "
		 "OutputPath: $.s, End: true}}}",
	"7", 1, 2},
    {"all attempts of Retry are there again",
	"{StartAt: A, States: {A: {" FLAKY("3") ", Retry: [{ErrorEquals: [E], MaxAttempts: 1}], "
						"OutputPath: $.n, End: true}}}",
	"7", 1, 4},
    {"twice", "{StartAt: A, States: {A: {" FLAKY("2") ", OutputPath: $.n, End: true}}}", "7", 2, 3},
    {"an item of a Map: those before it are kept, those behind it begin",
	"{StartAt: M, States: {M: {Type: Map, ItemsPath: $.items, MaxConcurrency: 1, "
	"ItemProcessor: {StartAt: P, States: {P: {Type: Pass, Next: C}, C: {Type: Choice, Choices: "
	"[{Variable: $.n, NumericEquals: 2, Next: F}], Default: T}, F: {" FLAKY(
	    "2") ", Next: T}, T: {" ECHO ", OutputPath: $.n, End: true}}}, End: true}}}",
	"[0,1,2,3,4]", 2, 8},
    {"items beside the one that failed are aborted and redriven",
	"{StartAt: M, States: {M: {Type: Map, ItemsPath: $.items, MaxConcurrency: 3, "
	"ItemProcessor: {StartAt: C, States: {C: {Type: Choice, Choices: "
	"[{Variable: $.n, NumericEquals: 2, Next: F}], Default: S}, F: {" FLAKY(
	    "1") ", Next: S}, S: {Type: Task, Resource: tmflow:sleep, Parameters: {Ms: 50, 'n.$': "
		 "$.n}, OutputPath: $.n, End: true}}}, End: true}}}",
	"[0,1,2,3,4]", 1, 9},
    {"a branch of a Parallel; a Wait beside it waits again",
	"{StartAt: P, States: {P: {Type: Parallel, Branches: [{StartAt: A, States: {A: {" ECHO
	", OutputPath: $.n, End: true}}}, {StartAt: W, States: {W: {Type: Wait, Seconds: 900, "
	"OutputPath: $.n, End: true}}}, {StartAt: S, States: {S: {Type: Task, Resource: "
	"tmflow:sleep, Parameters: {Ms: 50, 'n.$': $.n}, Next: F}, F: {" FLAKY(
	    "1") ", OutputPath: $.n, End: true}}}], End: true}}}",
	"[7,7,7]", 1, 4},
    {"a Map in a Parallel in a Map",
	"{StartAt: M, States: {M: {Type: Map, ItemsPath: $.items, MaxConcurrency: 1, "
	"ItemProcessor: {StartAt: P, States: {P: {Type: Parallel, Branches: [{StartAt: I, States: "
	"{I: {Type: Map, ItemsPath: '$[*]', ItemProcessor: {StartAt: F, States: {F: {" FLAKY(
	    "1") ", OutputPath: $.n, End: true}}}, Parameters: {'n.$': $.n}, End: true}}}], End: "
		 "true}}}, End: true}}}",
	NULL, 1, 6},
    {"tolerated failures run again, too",
	"{StartAt: M, States: {M: {Type: Map, ItemsPath: $.items, MaxConcurrency: 1, "
	"ToleratedFailureCount: 1, ItemProcessor: {ProcessorConfig: {Mode: DISTRIBUTED, "
	"ExecutionType: STANDARD}, StartAt: F, States: {F: {" FLAKY(
	    "2") ", OutputPath: $.n, End: true}}}, End: true}}}",
	"[0,1,2,3,4]", 1, 7},
    {"a Map that streams, of whose items one ends in the turn in which another fails",
	"{StartAt: M, States: {M: {Type: Map, ItemsPath: $.items, MaxConcurrency: 3, "
	"ItemBatcher: {MaxItemsPerBatch: 1}, ItemProcessor: {ProcessorConfig: {Mode: DISTRIBUTED, "
	"ExecutionType: STANDARD}, StartAt: P, States: {P: {Type: Pass, InputPath: '$.Items[0]', "
	"Next: C}, C: {Type: Choice, Choices: [{Variable: $.n, NumericEquals: 2, Next: F}], "
	"Default: T}, F: {" FLAKY("1") ", Next: T}, T: {" ECHO
				       ", OutputPath: $.n, End: true}}}, End: true}}}",
	"[0,1,2,3,4]", 1, 7},
    {"a Catch around it leaves nothing to redrive",
	"{StartAt: P, States: {P: {Type: Parallel, Branches: [{StartAt: F, States: {F: {" FLAKY(
	    "9") ", End: true}}}], Catch: [{ErrorEquals: [E], ResultPath: null, Next: D}], End: "
		 "true}, D: {Type: Pass, OutputPath: $.n, End: true}}}",
	"7", 0, 1},
    {"a Retry around it runs all again",
	"{StartAt: P, States: {P: {Type: Parallel, Branches: [{StartAt: F, States: {F: {" FLAKY(
	    "3") ", OutputPath: $.n, End: true}}}], Retry: [{ErrorEquals: [E], MaxAttempts: 1}], "
		 "End: true}}}",
	"[7]", 1, 4},
    {"the machine's time is whole again",
	"{TimeoutSeconds: 5, StartAt: A, States: {A: {Type: Task, Resource: tmflow:sleep, "
	"Parameters: {Ms: 4000, 'n.$': $.n}, Next: B}, B: {Type: Task, Resource: tmflow:sleep, "
	"Parameters: {Ms: 3000, 'n.$': $.n}, OutputPath: $.n, End: true}}}",
	"7", 1, 3},
    {"a Choice that finds no rule chooses again",
	"{StartAt: F, States: {F: {" FLAKY(
	    "1") ", Next: C}, C: {Type: Choice, Choices: [{Variable: $$.Execution.RedriveCount, "
		 "NumericGreaterThan: 1, Next: D}]}, D: {Type: Pass, OutputPath: $.n, End: "
		 "true}}}",
	"7", 2, 2},
};
#define BROKENS ((int)(sizeof(brokens) / sizeof(brokens[0])))

/* What lasts from one process to the next. */
struct life {
	const struct broken *broken;
	int64_t now_ms; /* on the fake clock */
	int64_t redrives;
	int64_t redrive_wall_ms;
	int failures;
	int starts;
	bool failed; /* the execution has ended so, and the record says it */
	bool begun;
};

/* A process that is killed after so many turns. Returns true after the success. */
static bool
life_process(struct life *life, int turns)
{
	const char *input_text =
	    "{\"n\":7,\"items\":[{\"n\":0},{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4}]}";
	struct tmf_err err = {0};
	struct store *store = lives_open(!life->begun);
	json_t *input = jsonx_parse(str_of(input_text), &err);
	bool redrive = life->failed;
	struct harness h;

	harness_init(&h, store);
	h.failures = life->failures;
	h.clock.now_wall_ms += life->now_ms;
	h.start_wall_ms = 0;
	if (redrive) {
		life->redrives++;
		life->redrive_wall_ms = h.clock.now_wall_ms;
	}
	h.redrives = redrive ? life->redrives : 0;
	h.redrive_wall_ms = life->redrive_wall_ms;
	struct asl_machine *machine = lives_compile(&h, life->broken->definition);
	struct execution *x = harness_start(&h, machine, input, life->begun);
	lives_turn(&h, turns);
	life->begun = true;
	life->failures = h.failures;
	life->starts += h.starts;
	life->now_ms += 3600000;
	life->failed = h.over && h.status != RUN_SUCCEEDED;
	bool over = h.over && h.status == RUN_SUCCEEDED;
	if (over && life->broken->output != NULL)
		lives_expect(&h, life->broken->output);
	execution_free(x);
	asl_machine_unref(machine);
	json_decref(input);
	harness_fini(&h);
	store_close(store);
	return over;
}

START_TEST(goes_on_where_it_failed)
{
	struct life life = {.broken = &brokens[_i]};
	int ends = 0;

	while (!life_process(&life, TURNS_MAX)) {
		ck_assert_msg(life.failed && ++ends <= REDRIVES_MAX, "%s", brokens[_i].name);
	}
	ck_assert_msg(ends == brokens[_i].failed, "%s: %d ends", brokens[_i].name, ends);
	ck_assert_msg(
	    life.starts == brokens[_i].starts, "%s: %d starts", brokens[_i].name, life.starts);
	lives_forget();
}
END_TEST

/* Killed after every so many turns, before, in and after a redrive. A failure is taken for
 * recorded only when its turn was not cut off. */
START_TEST(killed_on_the_way)
{
	for (int turns = 4; turns < 12; turns++) {
		struct life life = {.broken = &brokens[_i]};
		int rounds = 0;

		while (!life_process(&life, turns))
			ck_assert_msg(
			    ++rounds < TURNS_MAX, "%s: %d turns", brokens[_i].name, turns);
		lives_forget();
	}
}
END_TEST

/* They go two weeks after the failure, when another run begins; then there is nothing to go on
 * from. */
START_TEST(checkpoints_expire)
{
	struct life life = {.broken = &brokens[0]};
	struct tmf_err err = {0};
	struct fake_clock clock;

	ck_assert(!life_process(&life, TURNS_MAX) && life.failed);
	fake_clock_init(&clock, 0);
	clock.now_wall_ms = 1000000;
	struct store *store = lives_open_with(&clock.clock);
	struct store_run run = {0};
	ck_assert_int_eq(store_run_find(store, "run", &run, &err), 0);
	run.status = RUN_FAILED;
	run.stop_wall_ms = clock.now_wall_ms;
	ck_assert_int_eq(store_run_end(store, &run, &err), 0);
	for (int day = 14; day <= 15; day++) {
		struct store_run other = {.status = RUN_RUNNING};

		clock.now_wall_ms = run.stop_wall_ms + (int64_t)day * 24 * 3600 * 1000;
		snprintf(other.id, sizeof(other.id), "other-%d", day);
		ck_assert_int_eq(store_run_create(store, &other, &err), 0);
		ck_assert_int_eq(lives_rows(store), day == 14 ? 2 : 0);
	}
	struct harness h;
	harness_init(&h, store);
	struct asl_machine *machine = lives_compile(&h, brokens[0].definition);
	json_t *input = json_object();
	const struct execution_opts opts = {.machine = machine,
	    .run_id = "run",
	    .input = input,
	    .redrives = 1,
	    .redrive_wall_ms = 1};
	ck_assert_ptr_null(execution_redrive(h.engine, &opts, &err));
	ck_assert_int_eq(err.code, TMF_ERR_NOT_FOUND);
	tmf_err_fini(&err);
	json_decref(input);
	asl_machine_unref(machine);
	harness_fini(&h);
	store_run_fini(&run);
	store_close(store);
	lives_forget();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("redrive");
	TCase *tests = tcase_create("redrive");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, goes_on_where_it_failed, 0, BROKENS);
	tcase_add_loop_test(tests, killed_on_the_way, 0, BROKENS);
	tcase_add_test(tests, checkpoints_expire);
	suite_add_tcase(suite, tests);
	return lives_main(suite);
}
