/* A worker on a fake clock: when hearts beat, what is told when, and what becomes of a task that
 * nobody waits for. */
#include "aws/services/sfn.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/actions/actions.h"
#include "scripted_transport.h"
#include "serve/poll_pace.h"
#include "serve/worker.h"

#include "base/clock.h"
#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARN	     "arn:aws:states:us-east-1:123456789012:activity:mirror"
#define WALL_MS	     1768478400000 /* 2026-01-15T12:00:00Z */
#define HEARTBEAT_MS 20000
#define BEATS_MAX    16
#define REFUSALS     12
#define HELD_MS	     65000 /* AWS holds a poll for 60 s, and wants clients to wait 65 s at least */

struct fixture {
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct rng rng;
	struct credentials_provider credentials;
	struct scripted_transport *scripted;
	struct aws_client *sfn;
	struct tmf_registry *registry;
	struct store *store;
	struct jobs *jobs;
	struct worker *worker;

	/* what the service does */
	const char *input; /* of the one task */
	bool given;
	const char *beat_error; /* every heartbeat is refused with; NULL: none */
	const char *tell_error; /* the first ends are refused with */
	int tell_refusals;
	const char *poll_error;	 /* the first polls are refused with */
	int poll_refusals;	 /* so many */
	const char *health_file; /* NULL: none */

	/* what it saw */
	int64_t beats_mono_ms[BEATS_MAX];
	size_t beats;
	int64_t polls_mono_ms[BEATS_MAX];
	size_t polls;
	bool healthy_at_work; /* the health file was there while the task lasted */
	int64_t told_mono_ms;
	char *told; /* the request's body */
	const char *told_how;
	bool over;
	struct tmf_err fault;
};

static void
give_keys(struct credentials_provider *provider,
    void (*done)(void *arg, const struct credentials *credentials, struct tmf_err *err), void *arg)
{
	static struct credentials keys = {.access_key_id = "AKIDEXAMPLE"};

	(void)provider;
	done(arg, &keys, NULL);
}

static int
refuse(struct buf *body, const char *error)
{
	buf_printf(body, "{\"__type\":\"%s\",\"message\":\"why\"}", error);
	return 400;
}

/* The health file, taken away at the first refused poll, is not to come back before the last. */
static int
refuse_poll(struct fixture *f, struct buf *body)
{
	if (f->health_file != NULL && f->polls == 1)
		ck_assert_int_eq(unlink(f->health_file), 0);
	else if (f->health_file != NULL)
		ck_assert_int_ne(access(f->health_file, F_OK), 0);
	f->poll_refusals--;
	return refuse(body, f->poll_error);
}

/* The one task; whoever asks once more is told that there is nothing, and drained. */
static int
answer_poll(struct fixture *f, const struct http_request *request, struct buf *body)
{
	json_t *task;

	ck_assert_int_gt(request->total_timeout_ms, HELD_MS);
	ck_assert_uint_lt(f->polls, BEATS_MAX);
	f->polls_mono_ms[f->polls++] = f->clock.now_mono_ms;
	if (f->poll_refusals > 0)
		return refuse_poll(f, body);

	if (f->given) {
		worker_drain(f->worker);
		buf_add_cstr(body, "{}");
		return 200;
	}
	f->given = true;
	task = json_pack("{s:s, s:s}", "taskToken", "token", "input", f->input);
	jsonx_write(task, body);
	json_decref(task);
	return 200;
}

static int
answer_beat(struct fixture *f, struct buf *body)
{
	ck_assert_uint_lt(f->beats, BEATS_MAX);
	f->beats_mono_ms[f->beats++] = f->clock.now_mono_ms;
	f->healthy_at_work = f->health_file != NULL && access(f->health_file, F_OK) == 0;
	if (f->beat_error != NULL)
		return refuse(body, f->beat_error);
	buf_add_cstr(body, "{}");
	return 200;
}

static int
answer_end(struct fixture *f, const char *how, const struct http_request *request, struct buf *body)
{
	if (f->tell_refusals > 0) {
		f->tell_refusals--;
		return refuse(body, f->tell_error);
	}
	f->told_how = how;
	f->told = mem_strndup(request->body.p, request->body.len);
	f->told_mono_ms = f->clock.now_mono_ms;
	buf_add_cstr(body, "{}");
	return 200;
}

static const char *
target_of(const struct http_request *request)
{
	for (size_t i = 0; i < request->headers_count; i++)
		if (strcmp(request->headers[i].name, "X-Amz-Target") == 0)
			return strchr(request->headers[i].value, '.') + 1;
	return "";
}

static void
answer(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	struct fixture *f = arg;
	const char *target = target_of(request);

	if (strcmp(target, "GetActivityTask") == 0)
		*ret_status = answer_poll(f, request, ret_body);
	else if (strcmp(target, "SendTaskHeartbeat") == 0)
		*ret_status = answer_beat(f, ret_body);
	else if (strcmp(target, "SendTaskSuccess") == 0)
		*ret_status = answer_end(f, "SUCCESS", request, ret_body);
	else
		*ret_status = answer_end(f, "FAILURE", request, ret_body);
}

static void
over(void *arg, struct tmf_err *fault)
{
	struct fixture *f = arg;

	f->over = true;
	tmf_err_move(&f->fault, fault);
	tmf_loop_stop(f->loop);
}

static void
fixture_init(struct fixture *f)
{
	struct tmf_err err = {0};
	static char name[] = "worker";
	static char nothing[] = "{}";
	const struct store_run run = {
	    .id = "run", .workflow_name = name, .definition = nothing, .input = nothing};

	fake_clock_init(&f->clock, WALL_MS);
	f->loop = tmf_loop_new(&f->clock.clock);
	rng_seed(&f->rng, 1);
	f->credentials.get = give_keys;
	f->scripted = scripted_transport_new(
	    &(struct scripted_opts){.loop = f->loop, .answer = answer, .answer_arg = f});
	f->sfn = aws_client_new(
	    &(struct aws_client_opts){
		.loop = f->loop,
		.transport = scripted_transport_http(f->scripted),
		.credentials = &f->credentials,
		.rng = &f->rng,
		.service = "states",
		.region = "us-east-1",
		.attempts_max = 1,
	    },
	    &err);
	f->registry = tmf_registry_new();
	actions_register(f->registry, NULL);
	f->store = store_open(NULL, &f->clock.clock, &err);
	ck_assert_int_eq(store_run_create(f->store, &run, &err), 0);
	f->jobs = jobs_new(
	    &(struct jobs_opts){
		.loop = f->loop,
		.rng = &f->rng,
		.registry = f->registry,
		.store = f->store,
		.run_id = "run",
		.workflows_dir = "nowhere",
	    },
	    &err);
	ck_assert_ptr_nonnull(f->jobs);
}

/* Runs the worker with one slot until it has drained. */
static struct worker_stats
run_worker(struct fixture *f)
{
	static const char *const arns[] = {ARN};
	struct worker_stats stats;
	struct tmf_err err = {0};

	f->worker = worker_new(&(struct worker_opts){
	    .loop = f->loop,
	    .jobs = f->jobs,
	    .sfn = f->sfn,
	    .activity_arns = arns,
	    .activity_count = 1,
	    .name = "w",
	    .pollers = 1,
	    .concurrency = 1,
	    .heartbeat_ms = HEARTBEAT_MS,
	    .health_file = f->health_file,
	    .over = over,
	    .arg = f,
	});
	ck_assert_int_eq(tmf_loop_run(f->loop, &err), 0);
	ck_assert(f->over);
	ck_assert_int_eq(tmf_err_isset(&f->fault), f->poll_refusals > 0);
	stats = *worker_stats(f->worker);
	worker_free(f->worker);
	return stats;
}

static void
fixture_fini(struct fixture *f)
{
	jobs_free(f->jobs);
	store_close(f->store);
	tmf_registry_free(f->registry);
	aws_client_free(f->sfn);
	scripted_transport_free(f->scripted);
	tmf_loop_free(f->loop);
	free(f->told);
	tmf_err_fini(&f->fault);
}

#define WAITS(seconds)                                                                             \
	"{\"workflow\": {\"StartAt\": \"W\", \"States\": {\"W\": {\"Type\": \"Wait\", "            \
	"\"Seconds\": " #seconds ", \"End\": true}}}}"

START_TEST(hearts_beat_until_the_end)
{
	struct fixture f = {.input = WAITS(65)};
	struct worker_stats stats;

	fixture_init(&f);
	stats = run_worker(&f);
	ck_assert_uint_eq(f.beats, 3);
	for (size_t i = 0; i < f.beats; i++)
		ck_assert_int_eq(
		    f.beats_mono_ms[i] - f.beats_mono_ms[0], (int64_t)i * HEARTBEAT_MS);
	ck_assert_str_eq(f.told_how, "SUCCESS");
	ck_assert_int_eq(f.told_mono_ms - f.beats_mono_ms[0], 45000);
	ck_assert_uint_eq(stats.succeeded, 1);
	ck_assert_uint_eq(stats.heartbeats, 3);
	fixture_fini(&f);
}
END_TEST

/* Supervisors see that nothing is to be had, and that it is again. */
START_TEST(the_health_file_is_there_while_polls_are_answered)
{
	char name[] = "/tmp/tmflow-health-XXXXXX";
	struct fixture f = {.input = WAITS(65),
	    .poll_error = "InternalFailure",
	    .poll_refusals = REFUSALS,
	    .health_file = name};
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	close(fd);
	fixture_init(&f);
	run_worker(&f);
	ck_assert_int_ge(
	    f.polls_mono_ms[REFUSALS] - f.polls_mono_ms[0], (REFUSALS - 7) * POLL_PAUSE_MAX_MS / 2);
	ck_assert(f.healthy_at_work);
	ck_assert_str_eq(f.told_how, "SUCCESS");
	ck_assert_int_ne(access(name, F_OK), 0);
	fixture_fini(&f);
}
END_TEST

/* Its keys may not poll: after a while the process ends, with the reason and no task lost. */
START_TEST(a_worker_that_is_refused_for_good_ends)
{
	struct fixture f = {.poll_error = "AccessDeniedException", .poll_refusals = 1000};

	fixture_init(&f);
	run_worker(&f);
	ck_assert_uint_eq(f.polls, POLL_REFUSALS_MAX);
	ck_assert_str_eq(f.fault.name, "AccessDeniedException");
	ck_assert_int_eq(strncmp(tmf_err_text(&f.fault), ARN ": ", strlen(ARN ": ")), 0);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.fault), "why"));
	fixture_fini(&f);
}
END_TEST

static const char *const closed[] = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"};

START_TEST(work_ends_when_nobody_waits_for_it)
{
	struct fixture f = {.input = WAITS(6500), .beat_error = closed[_i]};
	struct worker_stats stats;

	fixture_init(&f);
	stats = run_worker(&f);
	ck_assert_uint_eq(f.beats, 1);
	ck_assert_ptr_null(f.told);
	ck_assert_uint_eq(stats.dropped, 1);
	ck_assert_int_lt(f.clock.now_mono_ms, 30000);
	fixture_fini(&f);
}
END_TEST

/* The heart beats on while an end waits to be told once more. */
START_TEST(an_end_is_told_in_the_end)
{
	struct fixture f = {.input = WAITS(1),
	    .tell_error = "ThrottlingException",
	    .tell_refusals = 2,
	    .beat_error = "ThrottlingException"};
	struct worker_stats stats;

	fixture_init(&f);
	stats = run_worker(&f);
	ck_assert_str_eq(f.told_how, "SUCCESS");
	ck_assert_uint_eq(f.beats, 2);
	ck_assert_int_ge(f.told_mono_ms, 1000 + 2 * WORKER_ANSWER_PAUSE_MS);
	ck_assert_uint_eq(stats.succeeded, 1);
	fixture_fini(&f);
}
END_TEST

START_TEST(an_end_that_nobody_takes_is_dropped)
{
	struct fixture f = {
	    .input = WAITS(1), .tell_error = "AccessDeniedException", .tell_refusals = 1};
	struct worker_stats stats;

	fixture_init(&f);
	stats = run_worker(&f);
	ck_assert_ptr_null(f.told);
	ck_assert_uint_eq(stats.dropped, 1);
	fixture_fini(&f);
}
END_TEST

START_TEST(an_output_that_is_refused_fails_the_task)
{
	struct fixture f = {.input = WAITS(1), .tell_error = "InvalidOutput", .tell_refusals = 1};
	struct worker_stats stats;

	fixture_init(&f);
	stats = run_worker(&f);
	ck_assert_str_eq(f.told_how, "FAILURE");
	ck_assert_ptr_nonnull(strstr(f.told, "InvalidOutput"));
	ck_assert_uint_eq(stats.failed, 1);
	fixture_fini(&f);
}
END_TEST

START_TEST(outputs_have_a_limit)
{
	struct buf input = {0};
	struct fixture f = {.beats = 0};
	struct worker_stats stats;

	buf_add_cstr(&input, "{\"action\": \"log\", \"input\": \"");
	while (input.len < SFN_OUTPUT_BYTES_MAX + 64)
		buf_add_cstr(&input, "0123456789");
	buf_add_cstr(&input, "\"}");
	f.input = buf_cstr(&input);
	fixture_init(&f);
	stats = run_worker(&f);
	ck_assert_str_eq(f.told_how, "FAILURE");
	ck_assert_ptr_nonnull(strstr(f.told, "TMFlow.Limit"));
	ck_assert_ptr_nonnull(strstr(f.told, "262144"));
	ck_assert_uint_eq(stats.failed, 1);
	fixture_fini(&f);
	buf_fini(&input);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("serve/worker");
	TCase *tcase = tcase_create("worker");

	tcase_add_test(tcase, hearts_beat_until_the_end);
	tcase_add_test(tcase, the_health_file_is_there_while_polls_are_answered);
	tcase_add_test(tcase, a_worker_that_is_refused_for_good_ends);
	tcase_add_loop_test(
	    tcase, work_ends_when_nobody_waits_for_it, 0, sizeof(closed) / sizeof(closed[0]));
	tcase_add_test(tcase, an_end_is_told_in_the_end);
	tcase_add_test(tcase, an_end_that_nobody_takes_is_dropped);
	tcase_add_test(tcase, an_output_that_is_refused_fails_the_task);
	tcase_add_test(tcase, outputs_have_a_limit);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
