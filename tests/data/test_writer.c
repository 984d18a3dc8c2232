/* The files of a ResultWriter: what is in them, and what a killed process leaves. */
#include "data/record.h"
#include "data/writer.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static char folder[] = "/tmp/tmflow-writer-XXXXXX";

/* Of a Map's run with that id; its files are in the folder, below results/ID. */
static struct writer *
open_writer(const struct asl_writer *config, const char *id, const struct writer_place *place,
    int64_t file_bytes_max, struct tmf_err *err)
{
	char *bucket = mem_printf("file://%s", folder);
	json_t *destination = json_pack("{s:s, s:s}", "Bucket", bucket, "Prefix", "results/");
	struct writer *writer = writer_open(&(struct writer_opts){.destination = destination,
						.config = config,
						.id = id,
						.arn = "arn",
						.file_bytes_max = file_bytes_max},
	    place, err);

	json_decref(destination);
	free(bucket);
	return writer;
}

static void
put(struct writer *writer, enum writer_kind kind, const char *text)
{
	struct tmf_err err = {0};
	json_t *output = jsonx_parse(str_of(text), &err);
	json_t *record = json_pack("{s:s}", "Record", text);

	ck_assert_int_eq(
	    writer_put(writer, kind, record, kind == WRITER_SUCCEEDED ? output : NULL, &err), 0);
	json_decref(record);
	json_decref(output);
}

/* The text of a file, or NULL where there is none; malloc'ed. */
static char *
text_of(const char *id, const char *name)
{
	char *path = mem_printf("%s/results/%s/%s", folder, id, name);
	struct buf text = {0};
	struct tmf_err err = {0};
	bool missing = false;
	char *out;

	file_read(path, 1 << 20, &text, &missing, &err);
	tmf_err_fini(&err);
	free(path);
	out = missing ? NULL : buf_take(&text);
	buf_fini(&text);
	return out;
}

static void
expect_text(const char *id, const char *name, const char *wanted)
{
	char *got = text_of(id, name);

	if (wanted == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got != NULL ? got : "nothing", wanted);
	free(got);
}

static void
finish(struct writer *writer)
{
	struct tmf_err err = {0};
	json_t *details = NULL;

	ck_assert_msg(writer_finish(writer, &details, &err) == 0, "%s", tmf_err_text(&err));
	ck_assert_str_eq(jsonx_get_string(details, "MapRunArn"), "arn");
	json_decref(details);
	writer_free(writer);
}

static const struct {
	const char *id;
	struct asl_writer config;
	const char *succeeded_name;
	const char *succeeded;
	const char *failed;
} kinds[] = {
    {"none", {.transformation = ASL_WRITER_NONE}, "SUCCEEDED_0.json",
	"[{\"Record\":\"[1,2]\"},\n{\"Record\":\"3\"}]\n", "[{\"Record\":\"4\"}]\n"},
    {"compact", {.transformation = ASL_WRITER_COMPACT}, "SUCCEEDED_0.json", "[[1,2],\n3]\n",
	"[{\"Record\":\"4\"}]\n"},
    {"flat", {.transformation = ASL_WRITER_FLATTEN}, "SUCCEEDED_0.json", "[1,\n2,\n3]\n",
	"[{\"Record\":\"4\"}]\n"},
    {"lines", {.transformation = ASL_WRITER_FLATTEN, .lines = true}, "SUCCEEDED_0.jsonl",
	"1\n2\n3\n", NULL},
};

START_TEST(test_kinds)
{
	struct tmf_err err = {0};
	struct writer *writer = open_writer(&kinds[_i].config, kinds[_i].id, NULL, 0, &err);

	ck_assert_msg(writer != NULL, "%s", tmf_err_text(&err));
	put(writer, WRITER_SUCCEEDED, "[1,2]");
	put(writer, WRITER_SUCCEEDED, "3");
	put(writer, WRITER_FAILED, "4");
	finish(writer);
	expect_text(kinds[_i].id, kinds[_i].succeeded_name, kinds[_i].succeeded);
	expect_text(kinds[_i].id, "FAILED_0.json", kinds[_i].failed);
}
END_TEST

/* What was written behind the place that the store has is written again, once. */
START_TEST(test_taken_up_again)
{
	struct asl_writer config = {.transformation = ASL_WRITER_COMPACT};
	struct tmf_err err = {0};
	struct writer *writer = open_writer(&config, "again", NULL, 0, &err);
	struct writer_place place;

	put(writer, WRITER_SUCCEEDED, "1");
	place = *writer_place(writer);
	put(writer, WRITER_SUCCEEDED, "2");
	put(writer, WRITER_FAILED, "3");
	finish(writer);
	writer = open_writer(&config, "again", &place, 0, &err);
	put(writer, WRITER_SUCCEEDED, "4");
	finish(writer);
	expect_text("again", "SUCCEEDED_0.json", "[1,\n4]\n");
	expect_text("again", "FAILED_0.json", NULL);
	place.bytes[WRITER_SUCCEEDED] = 1000;
	ck_assert_ptr_null(open_writer(&config, "again", &place, 0, &err));
	ck_assert_str_eq(err.name, "States.ResultWriterFailed");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "shorter than the run left it"));
	tmf_err_fini(&err);
}
END_TEST

START_TEST(test_the_next_file)
{
	struct asl_writer config = {.transformation = ASL_WRITER_COMPACT};
	struct tmf_err err = {0};
	struct writer *writer = open_writer(&config, "many", NULL, 4, &err);
	json_t *manifest;
	char *text;

	for (int i = 0; i < 5; i++)
		put(writer, WRITER_SUCCEEDED, "7");
	finish(writer);
	expect_text("many", "SUCCEEDED_0.json", "[7,\n7]\n");
	expect_text("many", "SUCCEEDED_1.json", "[7,\n7]\n");
	expect_text("many", "SUCCEEDED_2.json", "[7]\n");
	text = text_of("many", "manifest.json");
	manifest = jsonx_parse(str_of(text), &err);
	json_t *files = json_object_get(manifest, "ResultFiles");
	json_t *wanted = json_pack("[{s:s,s:i},{s:s,s:i},{s:s,s:i}]", "Key",
	    "results/many/SUCCEEDED_0.json", "Size", 7, "Key", "results/many/SUCCEEDED_1.json",
	    "Size", 7, "Key", "results/many/SUCCEEDED_2.json", "Size", 4);
	ck_assert(json_equal(json_object_get(files, "SUCCEEDED"), wanted));
	ck_assert_uint_eq(json_array_size(json_object_get(files, "FAILED")), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(files, "PENDING")), 0);
	json_decref(wanted);
	json_decref(manifest);
	free(text);
}
END_TEST

static const struct {
	const char *destination;
	const char *fault;
} bad[] = {
    {"{}", "ResultWriter: Bucket must be a string that is not empty, and Prefix a string"},
    {"{\"Bucket\":\"file:///tmp\",\"Prefix\":1}",
	"ResultWriter: Bucket must be a string that is not empty, and Prefix a string"},
    {"{\"Bucket\":\"b\"}", "s3://b: this version writes local files only: Bucket: file://FOLDER"},
    {"{\"Bucket\":\"file:///tmp\",\"Prefix\":\"../x\"}", "../x/id: leaves its folder by \"..\""},
    {"{\"Bucket\":\"file:///proc\"}", "/proc/id: No such file or directory"},
};

START_TEST(test_bad_destinations)
{
	static const struct asl_writer config;
	struct tmf_err err = {0};
	json_t *destination = jsonx_parse(str_of(bad[_i].destination), &err);

	ck_assert_ptr_null(writer_open(
	    &(struct writer_opts){
		.destination = destination, .config = &config, .id = "id", .arn = "arn"},
	    NULL, &err));
	ck_assert_str_eq(err.name, "States.ResultWriterFailed");
	ck_assert_str_eq(tmf_err_text(&err), bad[_i].fault);
	tmf_err_fini(&err);
	json_decref(destination);
}
END_TEST

/* As AWS words it: input and output are texts. */
START_TEST(test_records)
{
	char id[RECORD_ID_BYTES];
	char again[RECORD_ID_BYTES];
	struct record_map map = {"local", "m", "L", id};
	json_t *input = json_pack("{s:i}", "a", 1);
	struct tmf_err err = {0};
	json_t *record;

	record_id("run", 1, 2, id);
	record_id("run", 1, 2, again);
	ck_assert_str_eq(id, again);
	ck_assert_uint_eq(strlen(id), 36);
	record_id("run", 1, 3, again);
	ck_assert_str_ne(id, again);
	record = record_of(&map, &(struct record_child){.input = input, .output = input});
	ck_assert_str_eq(jsonx_get_string(record, "Status"), "SUCCEEDED");
	ck_assert_str_eq(jsonx_get_string(record, "Input"), "{\"a\":1}");
	ck_assert_str_eq(jsonx_get_string(record, "Output"), "{\"a\":1}");
	ck_assert_str_eq(jsonx_get_string(record, "StartDate"), "1970-01-01T00:00:00.000Z");
	json_decref(record);
	tmf_err_set_name(&err, TMF_ERR_SERVICE, "E", "why");
	record = record_of(&map, &(struct record_child){.input = input, .err = &err});
	ck_assert_str_eq(jsonx_get_string(record, "Status"), "FAILED");
	ck_assert_str_eq(jsonx_get_string(record, "Error"), "E");
	ck_assert_str_eq(jsonx_get_string(record, "Cause"), "why");
	ck_assert_ptr_null(json_object_get(record, "Output"));
	json_decref(record);
	record = record_of(&map, &(struct record_child){.input = input});
	ck_assert_str_eq(jsonx_get_string(record, "Status"), "ABORTED");
	json_decref(record);
	json_decref(input);
	tmf_err_fini(&err);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("data writer");
	TCase *tests = tcase_create("writer");
	char *command;
	int failed;

	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	tcase_add_loop_test(tests, test_kinds, 0, COUNT(kinds));
	tcase_add_test(tests, test_taken_up_again);
	tcase_add_test(tests, test_the_next_file);
	tcase_add_loop_test(tests, test_bad_destinations, 0, COUNT(bad));
	tcase_add_test(tests, test_records);
	suite_add_tcase(suite, tests);
	failed = run_suite(suite);
	command = mem_printf("rm -rf %s", folder);
	if (system(command) != 0)
		perror(command);
	free(command);
	return failed;
}
