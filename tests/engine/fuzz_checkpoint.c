/* Any rows at all: a resume refuses them, or the execution comes to an end. */
#include "checkpoint_rows.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/engine.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX     2000
#define START_WALL_MS 1768478400000 /* 2026-01-15T12:00:00Z */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct objects objects; /* first: of a bucket that has what the Maps read */
	struct tmf_loop *loop;
	int turns_left;
	bool is_over;
};

static enum tmf_op_next
echo(struct tmf_op *op)
{
	return tmf_op_done(op, json_incref(op->input));
}

static const struct tmf_action echo_action = {.name = "echo", .summary = "echo", .start = echo};

#define MANIFEST                                                                                   \
	"{\"fileFormat\":\"CSV\",\"fileSchema\":\"Key\",\"destinationBucket\":\"bucket\","         \
	"\"files\":[{\"key\":\"CSV\"},{\"key\":\"CSV\"}]}"

/* The key says which kind of text it is; all have one ETag. */
static struct tmf_call *
get(struct objects *objects, const struct objects_range *range)
{
	struct bench *bench = (struct bench *)objects;
	const char *text = strcmp(range->key, "MANIFEST") == 0 ? MANIFEST
			   : strcmp(range->key, "CSV") == 0    ? "a\nb\nc\n"
							       : "1\n2\n3\n4\n";
	size_t len = strlen(text);
	size_t from = range->offset < (int64_t)len ? (size_t)range->offset : len;
	struct tmf_err err = {0};
	json_t *reply;
	char *where;

	if (from == len || (range->etag != NULL && strcmp(range->etag, "e") != 0)) {
		tmf_err_set_name(&err, TMF_ERR_SERVICE,
		    from == len ? "InvalidRange" : "PreconditionFailed", "refused");
		return tmf_call_of_err(bench->loop, &err);
	}
	where = mem_printf("bytes %zu-%zu/%zu", from, len - 1, len);
	reply =
	    json_pack("{s:s, s:s, s:s}", "ETag", "e", "ContentRange", where, "Body", text + from);
	free(where);
	return tmf_call_of_result(bench->loop, reply);
}

/* An object a page. */
static struct tmf_call *
list(struct objects *objects, const char *bucket, const char *prefix, const char *after)
{
	static const char *const keys[] = {"a", "b", "c", "d", NULL};
	struct bench *bench = (struct bench *)objects;
	size_t i = 0;

	(void)bucket;
	(void)prefix;
	while (keys[i] != NULL && strcmp(keys[i], after) <= 0)
		i++;
	if (keys[i] == NULL)
		return tmf_call_of_result(
		    bench->loop, json_pack("{s:[], s:b}", "Contents", "IsTruncated", 0));
	return tmf_call_of_result(bench->loop,
	    json_pack("{s:[{s:s}], s:b}", "Contents", "Key", keys[i], "IsTruncated", 1));
}

static void
over(void *arg, struct execution *execution, const struct execution_result *result)
{
	struct bench *bench = arg;

	(void)execution;
	(void)result;
	bench->is_over = true;
	tmf_loop_stop(bench->loop);
}

static int
count_turn(void *arg, struct tmf_err *err)
{
	struct bench *bench = arg;

	(void)err;
	if (--bench->turns_left == 0)
		tmf_loop_stop(bench->loop);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct asl_machine *machine;
	static struct store *store; /* one for all: to make its tables takes longer than all else */
	struct bench bench = {.objects = {get, list, NULL}, .turns_left = TURNS_MAX};
	struct tmf_err err = {0};
	struct fake_clock clock;
	json_t *input = json_object();

	if (machine == NULL)
		machine = rows_machine();
	if (store == NULL)
		store = rows_store_new();
	rows_put(store, machine, (struct str){(const char *)data, size});
	fake_clock_init(&clock, START_WALL_MS);
	struct tmf_registry *registry = tmf_registry_new();
	tmf_registry_add(registry, &echo_action);
	bench.loop = tmf_loop_new(&clock.clock);
	struct engine *engine = engine_new(&(struct engine_opts){
	    .loop = bench.loop, .registry = registry, .store = store, .objects = &bench.objects});
	tmf_loop_add_turn_hook(bench.loop, count_turn, &bench);
	struct execution *x = execution_resume(engine,
	    &(struct execution_opts){.machine = machine,
		.run_id = ROWS_RUN_ID,
		.input = input,
		.on_done = over,
		.arg = &bench},
	    &err);
	if ((x == NULL) != tmf_err_isset(&err))
		abort();
	if (x == NULL && err.code != TMF_ERR_INVALID)
		abort();
	if (x != NULL && (tmf_loop_run(bench.loop, &err) < 0 || !bench.is_over))
		abort();
	execution_free(x);
	engine_free(engine);
	tmf_loop_free(bench.loop);
	tmf_registry_free(registry);
	json_decref(input);
	tmf_err_fini(&err);
	return 0;
}
