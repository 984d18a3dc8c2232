/* The public face of the engine as a host sees it: only headers of include/tmflow/, but for the
 * clock and the rows of the store that one test looks at. */
#include "base/clock.h"
#include "run_suite.h"
#include "store/store.h"
#include "tmflow/tmflow.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILLERS_MAX (TMF_LOOP_READY_PER_TURN_MAX + 10)

static char directory[] = "/tmp/tmflow-embed-XXXXXX";

struct host {
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct tmf_registry *registry;
	struct tmf_store *store;
	struct tmf_engine *engine;
	struct tmf_workflow *workflow;
	struct tmf_task *fillers;     /* NULL: none are posted at the end */
	enum tmf_run_status in_store; /* what another reader of the store saw in on_done */
	int done;
	int events;
	int64_t last_event;
	bool interrupts;
	bool unkept_end; /* a run was seen that has neither a checkpoint nor an end */
	char id[TMF_RUN_ID_BYTES_MAX + 1];
	enum tmf_run_status status;
	json_t *output;
	char *error;
};

/* --- an action that sleeps as long as it is asked to --- */

static enum tmf_op_next
nap_over(struct tmf_op *op)
{
	return tmf_op_done(op, json_incref(op->input));
}

static enum tmf_op_next
nap_start(struct tmf_op *op)
{
	json_int_t ms = json_integer_value(json_object_get(op->input, "Ms"));

	if (ms < 0)
		return tmf_op_fail(op, TMF_ERR_INVALID, "Ms: negative");
	return tmf_op_sleep(op, ms, nap_over);
}

static const struct tmf_action action_nap = {
    .name = "nap", .summary = "Sleeps", .start = nap_start};

static const char nap_text[] =
    "StartAt: Nap\n"
    "States:\n"
    "  Nap: {Type: Task, Resource: tmflow:nap, Next: Each}\n"
    "  Each:\n"
    "    Type: Map\n"
    "    ItemsPath: $.Items\n"
    "    ItemProcessor: {StartAt: P, States: {P: {Type: Pass, End: true}}}\n"
    "    End: true\n";

/* --- the host --- */

static struct tmf_workflow *
host_compile(struct host *host, const char *text, char **ret_diagnostics, struct tmf_err *err)
{
	return tmf_workflow_compile(
	    &(struct tmf_definition){.name = "nap.yaml", .text = text, .text_bytes = strlen(text)},
	    host->registry, ret_diagnostics, err);
}

static void
host_init(struct host *host, const char *dir)
{
	struct tmf_err err = {0};

	*host = (struct host){0};
	fake_clock_init(&host->clock, 1700000000000);
	host->loop = tmf_loop_new(&host->clock.clock);
	host->registry = tmf_registry_new();
	tmf_registry_add(host->registry, &action_nap);
	if (dir != NULL)
		host->store = tmf_store_open(dir, &err);
	ck_assert_str_eq(tmf_err_text(&err), "");
	host->engine = tmf_engine_new(&(struct tmf_engine_opts){
	    .loop = host->loop, .registry = host->registry, .store = host->store});
	host->workflow = host_compile(host, nap_text, NULL, &err);
	ck_assert_str_eq(tmf_err_text(&err), "");
}

static void
host_fini(struct host *host)
{
	tmf_engine_free(host->engine);
	tmf_store_close(host->store);
	tmf_registry_free(host->registry);
	tmf_loop_free(host->loop);
	tmf_workflow_free(host->workflow);
	json_decref(host->output);
	free(host->error);
	free(host->fillers);
}

static int
note_status(void *arg, const struct tmf_run_record *record)
{
	*(enum tmf_run_status *)arg = record->status;
	return 0;
}

static void
host_done(void *arg, struct tmf_run *run, const struct tmf_run_result *result)
{
	struct host *host = arg;
	struct tmf_store *reader;

	ck_assert_ptr_eq(result, tmf_run_result(run));
	host->done++;
	host->status = result->status;
	host->output = result->output != NULL ? json_deep_copy(result->output) : NULL;
	host->error = result->error != NULL ? strdup(result->error) : NULL;
	strcpy(host->id, tmf_run_id(run));
	if (host->store != NULL) {
		reader = tmf_store_open(directory, NULL);
		ck_assert_int_eq(
		    tmf_store_find_run(reader, host->id, note_status, &host->in_store, NULL), 0);
		tmf_store_close(reader);
	}
	tmf_run_free(run);
}

static void
filler_run(struct tmf_task *task)
{
	(void)task;
}

static void
host_event(void *arg, struct tmf_run *run, const struct tmf_run_event *event)
{
	struct host *host = arg;

	host->events++;
	ck_assert_int_eq(event->id, host->last_event + 1);
	host->last_event = event->id;
	if (host->interrupts && event->state != NULL)
		tmf_run_interrupt(run);
	for (int i = 0; i < FILLERS_MAX && host->fillers != NULL; i++)
		if (strcmp(event->type, "ExecutionSucceeded") == 0)
			tmf_loop_post(host->loop, &host->fillers[i]);
}

static struct tmf_run_opts
host_opts(struct host *host, const char *id, json_t *input)
{
	return (struct tmf_run_opts){.workflow = host->workflow,
	    .run_id = id,
	    .input = input,
	    .on_done = host_done,
	    .on_event = host_event,
	    .arg = host};
}

static struct tmf_run *
host_start(struct host *host, const char *id, int ms)
{
	json_t *input = json_pack("{s:i, s:[i,i]}", "Ms", ms, "Items", 1, 2);
	struct tmf_run_opts opts = host_opts(host, id, input);
	struct tmf_err err = {0};
	struct tmf_run *run = tmf_run_start(host->engine, &opts, &err);

	json_decref(input);
	ck_assert_str_eq(tmf_err_text(&err), "");
	ck_assert_ptr_nonnull(run);
	return run;
}

static void
host_run(struct host *host)
{
	struct tmf_err err = {0};

	ck_assert_int_eq(tmf_loop_run(host->loop, &err), 0);
}

static int
count_records(void *arg, const struct tmf_run_record *record)
{
	ck_assert_str_eq(record->workflow_name, "nap.yaml");
	ck_assert_ptr_null(record->definition);
	++*(int *)arg;
	return 0;
}

static int
check_record(void *arg, const struct tmf_run_record *record)
{
	(void)arg;
	ck_assert_str_eq(record->definition, nap_text);
	ck_assert_int_eq(record->status, TMF_RUN_SUCCEEDED);
	ck_assert_int_gt(record->stop_wall_ms, record->start_wall_ms);
	ck_assert_int_eq(json_integer_value(json_object_get(record->input, "Ms")), 50);
	ck_assert_int_eq(json_array_size(record->output), 2);
	return 0;
}

/* --- the tests --- */

START_TEST(test_without_store)
{
	struct host host;

	host_init(&host, NULL);
	ck_assert_str_eq(tmf_workflow_name(host.workflow), "nap.yaml");
	ck_assert_int_eq(tmf_workflow_state_count(host.workflow), 3);
	struct tmf_run *run = host_start(&host, NULL, 50);
	ck_assert_ptr_null(tmf_run_result(run));
	ck_assert_int_eq(tmf_run_stats(run).branches, 1);
	host_run(&host);
	ck_assert_int_eq(host.done, 1);
	ck_assert_int_eq(host.status, TMF_RUN_SUCCEEDED);
	ck_assert_int_eq(json_array_size(host.output), 2);
	host_fini(&host);
}
END_TEST

START_TEST(test_end_is_durable_when_heard)
{
	struct host host;
	struct tmf_err err = {0};
	int count = 0;

	host_init(&host, directory);
	host_start(&host, NULL, 50);
	host_run(&host);
	ck_assert_int_eq(host.in_store, TMF_RUN_SUCCEEDED);
	ck_assert_int_eq(tmf_store_each_run(host.store, count_records, &count, &err), 0);
	ck_assert_int_ge(count, 1);
	ck_assert_int_eq(tmf_store_find_run(host.store, host.id, check_record, NULL, &err), 0);

	struct tmf_run_opts again = {.run_id = host.id};
	ck_assert_ptr_null(tmf_run_resume(host.engine, &again, &err));
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "is over: SUCCEEDED"));
	again.workflow = host.workflow;
	ck_assert_ptr_null(tmf_run_start(host.engine, &again, &err));
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	again.run_id = "unknown";
	ck_assert_ptr_null(tmf_run_resume(host.engine, &again, &err));
	ck_assert_int_eq(err.code, TMF_ERR_NOT_FOUND);
	tmf_err_fini(&err);
	host_fini(&host);
}
END_TEST

START_TEST(test_failure)
{
	struct host host;

	host_init(&host, directory);
	host_start(&host, "fails", -1);
	host_run(&host);
	ck_assert_int_eq(host.status, TMF_RUN_FAILED);
	ck_assert_str_eq(host.error, "TMFlow.InvalidInput");
	ck_assert_int_eq(host.in_store, TMF_RUN_FAILED);
	host_fini(&host);
}
END_TEST

/* Interrupted in its first state, then resumed by another process that knows the id only. */
START_TEST(test_interrupt_and_resume)
{
	struct host host;
	struct tmf_err err = {0};

	host_init(&host, directory);
	host.interrupts = true;
	host_start(&host, "stopped", 50);
	host_run(&host);
	ck_assert_int_eq(host.status, TMF_RUN_INTERRUPTED);
	ck_assert_int_eq(host.in_store, TMF_RUN_INTERRUPTED);
	int64_t last_event = host.last_event;
	host_fini(&host);

	host_init(&host, directory);
	host.last_event = last_event;
	struct tmf_run_opts opts = host_opts(&host, "stop", NULL);
	ck_assert_ptr_nonnull(tmf_run_resume(host.engine, &opts, &err));
	host_run(&host);
	ck_assert_str_eq(host.id, "stopped");
	ck_assert_int_eq(host.status, TMF_RUN_SUCCEEDED);
	ck_assert_int_eq(json_array_size(host.output), 2);
	host_fini(&host);
}
END_TEST

/* Freed under way, as by a host that ends: the run stays resumable, and its lease is free. */
START_TEST(test_freed_under_way)
{
	struct host host;
	struct tmf_err err = {0};

	host_init(&host, directory);
	struct tmf_run *run = host_start(&host, "freed", 50);
	ck_assert_int_gt(tmf_loop_turn(host.loop, 0, &err), 0);
	struct tmf_run_opts opts = host_opts(&host, "freed", NULL);
	ck_assert_ptr_null(tmf_run_resume(host.engine, &opts, &err));
	ck_assert_int_eq(err.code, TMF_ERR_BUSY);
	tmf_err_fini(&err);
	tmf_run_free(run);
	host.last_event = 2;
	ck_assert_ptr_nonnull(tmf_run_resume(host.engine, &opts, &err));
	host_run(&host);
	ck_assert_int_eq(host.done, 1);
	ck_assert_int_eq(host.status, TMF_RUN_SUCCEEDED);
	host_fini(&host);
}
END_TEST

static int
count_branch(void *arg, int64_t branch_id, struct str state)
{
	(void)branch_id;
	(void)state;
	++*(int *)arg;
	return 0;
}

/* What a process would find that is started after this very commit. */
static int
look_at_store(void *arg, struct tmf_err *err)
{
	struct host *host = arg;
	struct store *store = store_open(directory, clock_system(), err);
	struct store_run run = {0};
	int branches = 0;

	ck_assert_int_eq(store_run_find(store, "atomic", &run, err), 0);
	ck_assert_int_eq(store_branches_each(store, "atomic", count_branch, &branches, err), 0);
	if (run.status == RUN_RUNNING && branches == 0)
		host->unkept_end = true;
	store_run_fini(&run);
	store_close(store);
	return 0;
}

/* A queue so long that the turn ends, and commits, between the last state and the report of the
 * end. */
START_TEST(test_end_and_checkpoints_in_one_commit)
{
	struct host host;

	host_init(&host, directory);
	host.fillers = calloc(FILLERS_MAX, sizeof(*host.fillers));
	for (int i = 0; i < FILLERS_MAX; i++)
		host.fillers[i].run = filler_run;
	host_start(&host, "atomic", 50);
	tmf_loop_add_turn_hook(host.loop, look_at_store, &host);
	host_run(&host);
	ck_assert_int_eq(host.status, TMF_RUN_SUCCEEDED);
	ck_assert(!host.unkept_end);
	tmf_loop_remove_turn_hook(host.loop, look_at_store, &host);
	host_fini(&host);
}
END_TEST

START_TEST(test_diagnostics)
{
	struct host host;
	struct tmf_err err = {0};
	char *text = NULL;

	host_init(&host, NULL);
	ck_assert_ptr_null(host_compile(&host,
	    "StartAt: A\nStates:\n  A:\n    Type: Task\n    Resource: tmflow:nip\n    End: true\n",
	    &text, &err));
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	ck_assert_int_eq(err.line, 5);
	ck_assert_ptr_nonnull(strstr(text, "nap.yaml:5:15: error: "));
	ck_assert_ptr_nonnull(strstr(text, "nap\"?"));
	free(text);
	ck_assert_ptr_null(host_compile(&host, "a: [", &text, &err));
	ck_assert_ptr_nonnull(strstr(text, "nap.yaml:"));
	free(text);
	ck_assert_ptr_null(tmf_workflow_read("/nonexistent/x.yaml", host.registry, &text, NULL));
	free(text);
	tmf_err_fini(&err);
	struct tmf_workflow *fine = host_compile(&host, nap_text, &text, &err);
	ck_assert_ptr_nonnull(fine);
	ck_assert_ptr_null(text);
	tmf_workflow_free(fine);
	host_fini(&host);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(tmf_version(), TMF_VERSION);
	ck_assert_str_eq(tmf_run_status_name(TMF_RUN_TIMED_OUT), "TIMED_OUT");
	ck_assert_ptr_null(tmf_store_open("/proc/nowhere", NULL));
	struct tmf_store *store = tmf_store_open_temporary(NULL);
	ck_assert_ptr_nonnull(store);
	tmf_store_close(store);
}
END_TEST

static int
forget_file(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
	(void)stat;
	(void)kind;
	(void)place;
	return remove(path);
}

int
main(void)
{
	Suite *suite = suite_create("embed");
	TCase *tests = tcase_create("embed");
	int ret;

	if (mkdtemp(directory) == NULL) {
		perror(directory);
		return 1;
	}
	tcase_add_test(tests, test_without_store);
	tcase_add_test(tests, test_end_is_durable_when_heard);
	tcase_add_test(tests, test_failure);
	tcase_add_test(tests, test_interrupt_and_resume);
	tcase_add_test(tests, test_freed_under_way);
	tcase_add_test(tests, test_end_and_checkpoints_in_one_commit);
	tcase_add_test(tests, test_diagnostics);
	tcase_add_test(tests, test_names);
	suite_add_tcase(suite, tests);
	ret = run_suite(suite);
	nftw(directory, forget_file, 8, FTW_DEPTH | FTW_PHYS);
	return ret;
}
