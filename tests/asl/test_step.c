/* What a state means: entered, left, failed. */
#include "asl_vectors.h"
#include "machine_vectors.h"

#include "asl/state/step.h"
#include "base/jsonx.h"
#include "base/rng.h"

#include "run_suite.h"

#include <check.h>
#include <string.h>

#define INPUT "{'n':1,'list':[1,2],'t':5}"
#define CHILD "{'StartAt':'X','States':{'X':{'Type':'Succeed'}}}"

#define NOW_WALL_MS 1000000

/* A state and what it is tried on. */
struct trial {
	struct asl_machine *machine;
	struct vector_scope v;
	struct step step;
	struct rng rng;
	struct tmf_err err;
	struct buf stages; /* that the trace told of */
};

static void
note_stage(void *arg, const char *name, const json_t *value)
{
	struct trial *t = arg;

	ck_assert_ptr_nonnull(value);
	buf_printf(&t->stages, " %s", name);
}

static struct asl_trace trace = {.stage = note_stage};

static void
trial_init(struct trial *t, const char *state)
{
	*t = (struct trial){.machine = vector_state(state)};
	vector_scope_init(&t->v, INPUT, "{'v':42}", "{}");
	rng_seed(&t->rng, 1);
	trace.arg = t;
	t->step = (struct step){
	    .state = asl_machine_find(t->machine, "S"),
	    .scope = t->v.scope,
	    .now_wall_ms = NOW_WALL_MS,
	    .entered_event = 7,
	    .trace = &trace,
	};
	t->step.scope.rng = &t->rng;
}

static void
trial_fini(struct trial *t)
{
	vector_scope_fini(&t->v);
	asl_machine_unref(t->machine);
	tmf_err_fini(&t->err);
	buf_fini(&t->stages);
}

static const struct {
	const char *state;
	enum step_kind kind;
	const char *input; /* of the work; or the cause */
} entered[] = {
    {"{'Type':'Pass','End':true}", STEP_DONE, INPUT},
    {"{'Type':'Pass','Parameters':{'x.$':'$.n'},'End':true}", STEP_DONE, "{'x':1}"},
    {"{'Type':'Pass','Result':7,'End':true}", STEP_DONE, "7"},
    {"{'Type':'Succeed','InputPath':'$.n'}", STEP_DONE, "1"},
    {"{'Type':'Choice','Choices':[{'Variable':'$.n','NumericEquals':1,'Next':'T'}]}", STEP_DONE,
	INPUT},
    {"{'Type':'Wait','SecondsPath':'$.t','End':true}", STEP_WAIT, INPUT},
    {"{'Type':'Task','Resource':'r:x','Parameters':{'x.$':'$.n'},'TimeoutSecondsPath':'$.t',"
     "'HeartbeatSeconds':3,'End':true}",
	STEP_TASK, "{'x':1}"},
    {"{'Type':'Parallel','Branches':[" CHILD "],'End':true}", STEP_CHILDREN, INPUT},
    {"{'Type':'Map','ItemsPath':'$.list','ItemProcessor':" CHILD ",'End':true}", STEP_CHILDREN,
	INPUT},
    {"{'Type':'Fail','Error':'Mine','Cause':'so'}", STEP_FAILED, "so"},
    {"{'Type':'Wait','SecondsPath':'$.list','End':true}", STEP_FAILED,
	"The SecondsPath parameter cannot be parsed as a long value: $.list == [1,2]"},
    {"{'Type':'Choice','Choices':[{'Variable':'$.n','NumericEquals':2,'Next':'T'}]}", STEP_FAILED,
	"Failed to transition out of the state. The state does not point to a next state."},
};

START_TEST(test_enter)
{
	struct trial t;
	struct step_work work;
	enum step_kind kind;

	trial_init(&t, entered[_i].state);
	kind = step_enter(&t.step, &work, &t.err);
	ck_assert_int_eq(kind, entered[_i].kind);
	if (kind == STEP_FAILED) {
		ck_assert_str_eq(tmf_err_text(&t.err), entered[_i].input);
		ck_assert_ptr_null(work.input);
	} else {
		vector_expect(entered[_i].state, json_incref(work.input), entered[_i].input);
	}
	if (kind == STEP_WAIT)
		ck_assert_int_eq(work.until_wall_ms, NOW_WALL_MS + 5000);
	if (kind == STEP_TASK)
		ck_assert(work.timeout_s == 5 && work.heartbeat_s == 3);
	if (kind == STEP_CHILDREN)
		ck_assert(work.child_count == (work.items != NULL ? 2 : 1) &&
			  work.concurrency == -1 && work.tolerated.count == -1);
	step_work_fini(&work);
	trial_fini(&t);
}
END_TEST

/* A Choice leaves by the rule that it took, with that rule's Assign; by Default with its own. */
START_TEST(test_leave_choice)
{
	for (int n = 1; n <= 2; n++) {
		struct trial t;
		struct step_work work;
		struct step_exit exit;

		trial_init(&t,
		    "{'Type':'Choice','Choices':[{'Variable':'$.n','NumericEquals':1,'Next':'T',"
		    "'Assign':{'v':'rule'}}],'Default':'S','Assign':{'v':'default'}}");
		json_object_set_new(t.step.scope.input, "n", json_integer(n));
		ck_assert_int_eq(step_enter(&t.step, &work, &t.err), STEP_DONE);
		ck_assert_int_eq(step_leave(&t.step, work.rule, work.input, &exit, &t.err), 0);
		ck_assert_str_eq(exit.next->name, n == 1 ? "T" : "S");
		vector_expect("the variables", json_incref(exit.variables),
		    n == 1 ? "{'v':'rule'}" : "{'v':'default'}");
		step_exit_fini(&exit);
		step_work_fini(&work);
		trial_fini(&t);
	}
}
END_TEST

/* Assign sees the result, the next state gets the output, and each stage is told of. */
START_TEST(test_leave)
{
	json_t *result = vector_json("{'a':[1],'b':2}");
	struct trial t;
	struct step_work work;
	struct step_exit exit;

	trial_init(&t, "{'Type':'Task','Resource':'r:x','ResultSelector':{'x.$':'$.a'},"
		       "'ResultPath':'$.r','OutputPath':'$.r','Assign':{'w.$':'$.b'},'Next':'T'}");
	ck_assert_int_eq(step_enter(&t.step, &work, &t.err), STEP_TASK);
	ck_assert_int_eq(step_leave(&t.step, NULL, result, &exit, &t.err), 0);
	vector_expect("the output", json_incref(exit.output), "{'x':[1]}");
	vector_expect("the variables", json_incref(exit.variables), "{'v':42,'w':2}");
	ck_assert_str_eq(buf_cstr(&t.stages), " afterInputPath afterParameters result "
					      "afterResultSelector afterResultPath");
	step_exit_fini(&exit);
	step_work_fini(&work);
	json_decref(result);
	trial_fini(&t);
}
END_TEST

#define FAILING                                                                                    \
	"{'Type':'Task','Resource':'r:x','Next':'T',"                                              \
	"'Retry':[{'ErrorEquals':['Busy'],'IntervalSeconds':3,'MaxAttempts':2,'BackoffRate':2},"   \
	"{'ErrorEquals':['States.ALL'],'MaxAttempts':1}],"                                         \
	"'Catch':[{'ErrorEquals':['Busy'],'ResultPath':'$.e','Next':'T','Assign':{'w.$':"          \
	"'$.Cause'}},{'ErrorEquals':['States.HeartbeatTimeout'],'Next':'S'},"                      \
	"{'ErrorEquals':['Odd'],'ResultPath':'$.n.x','Next':'S'}]}"

static enum step_failure_kind
fail_with(struct trial *t, uint32_t *retries, const char *name, struct step_failure *failure)
{
	tmf_err_set_name(&t->err, TMF_ERR_SERVICE, name, "so");
	return step_fail(&t->step, retries, &t->err, failure);
}

/* As often as the retrier says, then the catcher; a later retrier is not asked. */
START_TEST(test_retry_then_catch)
{
	uint32_t retries[2] = {0};
	struct step_failure failure;
	struct trial t;

	trial_init(&t, FAILING);
	ck_assert_int_eq(fail_with(&t, retries, "Busy", &failure), STEP_RETRY);
	ck_assert(failure.which == 0 && failure.delay_s == 3 && failure.interval_s == 3);
	ck_assert_int_eq(fail_with(&t, retries, "Busy", &failure), STEP_RETRY);
	ck_assert(failure.delay_s == 6);
	ck_assert_int_eq(fail_with(&t, retries, "Busy", &failure), STEP_CAUGHT);
	ck_assert(retries[0] == 2 && retries[1] == 0);
	ck_assert(failure.which == 0 && failure.by_name);
	ck_assert_str_eq(failure.exit.next->name, "T");
	vector_expect("the output", json_incref(failure.exit.output),
	    "{'n':1,'list':[1,2],'t':5,'e':{'Error':'Busy','Cause':'so'}}");
	vector_expect("the variables", json_incref(failure.exit.variables), "{'v':42,'w':'so'}");
	step_exit_fini(&failure.exit);
	trial_fini(&t);
}
END_TEST

/* Only Retry and Catch see the heartbeat's own name. */
START_TEST(test_heartbeat)
{
	uint32_t retries[2] = {2, 1};
	struct step_failure failure;
	struct trial t;

	trial_init(&t, FAILING);
	ck_assert_int_eq(fail_with(&t, retries, "States.HeartbeatTimeout", &failure), STEP_CAUGHT);
	ck_assert_str_eq(jsonx_get_string(failure.exit.output, "Error"), "States.Timeout");
	step_exit_fini(&failure.exit);
	trial_fini(&t);
	trial_init(&t, "{'Type':'Task','Resource':'r:x','End':true}");
	ck_assert_int_eq(fail_with(&t, NULL, "States.HeartbeatTimeout", &failure), STEP_UNCAUGHT);
	ck_assert_str_eq(t.err.name, "States.Timeout");
	trial_fini(&t);
	/* The author of a Fail may give it any name. */
	trial_init(&t, "{'Type':'Fail','Error':'States.HeartbeatTimeout'}");
	ck_assert_int_eq(fail_with(&t, NULL, "States.HeartbeatTimeout", &failure), STEP_UNCAUGHT);
	ck_assert_str_eq(t.err.name, "States.HeartbeatTimeout");
	trial_fini(&t);
}
END_TEST

/* A catcher whose own data flow fails: the state fails with that, in AWS's words. */
START_TEST(test_catcher_fails)
{
	uint32_t retries[2] = {2, 1};
	struct step_failure failure;
	struct trial t;

	trial_init(&t, FAILING);
	ck_assert_int_eq(fail_with(&t, retries, "Odd", &failure), STEP_UNCAUGHT);
	ck_assert_int_eq(failure.which, 2);
	ck_assert_ptr_null(failure.exit.output);
	ck_assert_str_eq(t.err.name, "States.ResultPathMatchFailure");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&t.err),
	    "An error occurred while executing the state 'S' (entered at the event id #7). "));
	/* Worded once: a Map around the state hands it on as it is. */
	ck_assert(!asl_cause_is_prefixed(&t.err));
	trial_fini(&t);
}
END_TEST

static const struct {
	struct step_tolerance tolerated;
	int64_t failed;
	int64_t items; /* -1: not known */
	bool goes_on;
} tolerances[] = {
    {{-1, -1}, 0, 4, true},
    {{-1, -1}, 1, 4, false},
    {{0, -1}, 0, 4, true},
    {{0, -1}, 1, 4, false},
    {{2, -1}, 2, -1, true},
    {{2, -1}, 3, -1, false},
    {{-1, 50}, 2, 4, true},
    {{-1, 50}, 3, 4, false},
    {{-1, 50}, 3, -1, true},
    {{-1, 0}, 1, 1, false},
    {{-1, 100}, 4, 4, true},
    {{1, 50}, 2, 4, false}, /* both limits hold */
    {{3, 25}, 2, 4, false},
};

START_TEST(test_tolerance)
{
	ck_assert_int_eq(
	    step_tolerates(&tolerances[_i].tolerated, tolerances[_i].failed, tolerances[_i].items),
	    tolerances[_i].goes_on);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("step");
	TCase *tcase = tcase_create("step");

	tcase_add_loop_test(tcase, test_enter, 0, sizeof(entered) / sizeof(entered[0]));
	tcase_add_test(tcase, test_leave_choice);
	tcase_add_test(tcase, test_leave);
	tcase_add_test(tcase, test_retry_then_catch);
	tcase_add_test(tcase, test_heartbeat);
	tcase_add_test(tcase, test_catcher_fails);
	tcase_add_loop_test(tcase, test_tolerance, 0, sizeof(tolerances) / sizeof(tolerances[0]));
	suite_add_tcase(suite, tcase);
	return run_suite(suite) == 0 ? 0 : 1;
}
