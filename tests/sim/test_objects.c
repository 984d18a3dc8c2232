#include "sim.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "run_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A Map that streams from S3 and to it: workflows/from-csv.yaml over a list of some batches is
 * killed at every point at which it can die, in every way. Each row has its line once, the lines
 * say what the ledger does, and what is in the bucket is what the manifest lists.
 */

#define ROWS	   24
#define BATCH	   "MaxItemsPerBatch: 5" /* in place of the workflow's own */
#define POINTS_MIN 200
#define INPUT                                                                                      \
	"{\"Bucket\":\"lists\",\"Key\":\"ids.csv\",\"Results\":{\"Bucket\":\"results\","           \
	"\"Prefix\":\"done\"}}"

/* The workflow with small batches. malloc'ed. */
static char *
definition(void)
{
	static const char whole[] = "MaxItemsPerBatch: 50";
	struct buf text = {0}, out = {0};
	char *at;

	ck_assert_int_eq(
	    file_read(TEST_SOURCE_DIR "/workflows/from-csv.yaml", 1u << 20, &text, NULL, NULL), 0);
	at = strstr(buf_cstr(&text), whole);
	ck_assert_ptr_nonnull(at);
	buf_add(&out, text.p, (size_t)(at - text.p));
	buf_add_cstr(&out, BATCH);
	buf_add_cstr(&out, at + sizeof(whole) - 1);
	buf_fini(&text);
	return buf_take(&out);
}

/* The bucket with the list of all instances. New reference. */
static json_t *
lists(const struct sim_opts *opts)
{
	struct tmf_err err = {0};
	struct sim_world *world = world_new(opts, &err);
	json_t *objects = json_object();
	struct buf text = {0};
	char id[SIM_ID_BYTES];

	ck_assert_ptr_nonnull(world);
	buf_add_cstr(&text, "InstanceId,Mirror\n");
	for (uint64_t i = 0; i < opts->instances; i++) {
		world_instance_id(world, i, id);
		buf_printf(&text, "%s,%s\n", id, i % 8 == 7 ? "no" : "yes");
	}
	json_object_set_new(objects, "lists/ids.csv", json_string(buf_cstr(&text)));
	buf_fini(&text);
	world_free(world);
	return objects;
}

/* The only object whose name ends so. */
static const char *
object_of(const json_t *objects, const char *end, const char **ret_name)
{
	const char *found = NULL;
	const char *name;
	json_t *text;

	json_object_foreach ((json_t *)objects, name, text) {
		size_t len = strlen(name);

		if (len < strlen(end) || strcmp(name + len - strlen(end), end) != 0)
			continue;
		ck_assert_msg(found == NULL, "%s and %s", *ret_name, name);
		found = json_string_value(text);
		*ret_name = name;
	}
	ck_assert_msg(found != NULL, "no object ends with %s", end);
	return found;
}

/* {"INSTANCE": outcome} of the lines that the manifest lists. New reference. */
static json_t *
lines_of(const json_t *objects, const char *what)
{
	const char *name = NULL;
	json_t *manifest = jsonx_parse(str_of(object_of(objects, "manifest.json", &name)), NULL);
	const json_t *files = json_object_get(manifest, "ResultFiles");
	json_t *lines = json_object();
	json_t *file;
	size_t i;

	ck_assert_uint_eq(json_array_size(json_object_get(files, "FAILED")), 0);
	/* the list, the trial, the manifest, and what it lists */
	ck_assert_uint_eq(
	    json_object_size(objects), 3 + json_array_size(json_object_get(files, "SUCCEEDED")));
	json_array_foreach (json_object_get(files, "SUCCEEDED"), i, file) {
		char *key = mem_printf("results/%s", jsonx_get_string(file, "Key"));
		char *text = mem_strdup(json_string_value(json_object_get(objects, key)));

		ck_assert_msg(text != NULL && (json_int_t)strlen(text) ==
						  json_integer_value(json_object_get(file, "Size")),
		    "%s: %s is not as the manifest has it", what, key);
		for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
			json_t *told = jsonx_parse(str_of(line), NULL);
			const char *id = jsonx_get_string(told, "InstanceId");

			ck_assert_msg(json_object_get(lines, id) == NULL, "%s: %s twice", what, id);
			json_object_set(lines, id, json_object_get(told, "Outcome"));
			json_decref(told);
		}
		free(text);
		free(key);
	}
	json_decref(manifest);
	return lines;
}

/* A session that was made just before the end of a life is found as present in the next. */
static bool
same_outcome(const char *line, const char *calm)
{
	return strcmp(line, calm) == 0 ||
	       (strcmp(line, "present") == 0 && strcmp(calm, "created") == 0);
}

static void
check(const struct sim_result *result, const json_t *calm, const char *what)
{
	json_t *lines = lines_of(result->objects, what);
	const char *id;
	json_t *outcome;

	ck_assert_msg(
	    json_object_size(lines) == ROWS, "%s: %zu rows", what, json_object_size(lines));
	ck_assert_msg(result->spooled == 0, "%s: the spool is not empty", what);
	json_object_foreach (lines, id, outcome) {
		const char *wanted = jsonx_get_string(calm, id);

		ck_assert_msg(wanted != NULL && same_outcome(json_string_value(outcome), wanted),
		    "%s: %s is %s and not %s", what, id, json_string_value(outcome), wanted);
	}
	json_decref(lines);
}

START_TEST(every_point_of_a_stream)
{
	static const char *const names[SIM_CRASH_KINDS] = {
	    "killed", "killed within a write", "without power"};
	struct sim_plan plan = {.seed = 5, .processes_count = 1, .input = INPUT};
	struct sim_process_plan *process = &plan.processes[0];
	struct sim_result result;
	struct tmf_err err = {0};
	json_t *calm;
	uint64_t points, tried = 0;
	char *text = definition();

	sim_opts_default(&plan.world);
	plan.world.seed = 5;
	plan.world.instances = ROWS;
	plan.workflow = "from-csv.yaml";
	plan.definition = text;
	plan.objects = lists(&plan.world);
	ck_assert_msg(sim_play(&plan, &result, &err) == 0, "%s", tmf_err_text(&err));
	points = result.points;
	calm = lines_of(result.objects, "undisturbed");
	check(&result, calm, "undisturbed");
	sim_result_fini(&result);
	for (uint64_t point = 1; point <= points; point += sim_stride())
		for (int kind = 0; kind < SIM_CRASH_KINDS; kind++, tried++) {
			char what[96];

			snprintf(what, sizeof(what), "%s at point %llu", names[kind],
			    (unsigned long long)point);
			process->crashes_count = 1;
			process->crashes[0] = (struct sim_crash){
			    .point = point, .kind = (enum sim_crash_kind)kind, .down_ms = 100};
			ck_assert_msg(sim_play(&plan, &result, &err) == 0, "%s: %s", what,
			    tmf_err_text(&err));
			ck_assert_msg(result.crashes == 1, "%s: it did not die", what);
			check(&result, calm, what);
			sim_result_fini(&result);
		}
	printf("%llu points, %llu deaths\n", (unsigned long long)points, (unsigned long long)tried);
	ck_assert_uint_ge(points, POINTS_MIN);
	json_decref(calm);
	json_decref(plan.objects);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sim_objects");
	TCase *tcase = tcase_create("streams");

	tcase_add_test(tcase, every_point_of_a_stream);
	tcase_set_timeout(tcase, 3600);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
