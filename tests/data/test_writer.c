/* The files of a ResultWriter: what is in them, and what a killed process leaves. */
#include "data/record.h"
#include "data/writer.h"

#include "base/clock.h"
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

	ck_assert_msg(
	    writer_finish(writer, &details, &err) == WRITER_OVER, "%s", tmf_err_text(&err));
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
    {"{\"Bucket\":\"b\"}",
	"s3://b: S3 is not asked here; a local folder has Bucket: file://FOLDER"},
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

/* --- S3 --- */

/* A bucket: what was put in it, in order. */
struct bucket {
	struct objects objects; /* first */
	struct tmf_loop *loop;
	json_t *puts;	    /* [[key, content type, text]] */
	const char *refuse; /* the object of this name cannot be put; NULL: all can */
	int woken;
};

static struct tmf_call *
bucket_put(struct objects *objects, const char *name, const char *key, const char *content_type,
    struct buf *body)
{
	struct bucket *bucket = (struct bucket *)objects;
	struct tmf_err err = {0};

	ck_assert_str_eq(name, "b");
	json_array_append_new(
	    bucket->puts, json_pack("[s,s,s]", key, content_type, buf_cstr(body)));
	buf_fini(body);
	if (bucket->refuse == NULL || strstr(key, bucket->refuse) == NULL)
		return tmf_call_of_result(bucket->loop, json_object());
	tmf_err_set_name(&err, TMF_ERR_SERVICE, "AccessDenied", "no");
	return tmf_call_of_err(bucket->loop, &err);
}

static void
bucket_wake(void *arg)
{
	struct bucket *bucket = arg;

	bucket->woken++;
	tmf_loop_stop(bucket->loop);
}

static void
bucket_init(struct bucket *bucket)
{
	*bucket = (struct bucket){
	    .objects = {.put = bucket_put}, .loop = tmf_loop_new(NULL), .puts = json_array()};
}

static void
bucket_fini(struct bucket *bucket)
{
	json_decref(bucket->puts);
	tmf_loop_free(bucket->loop);
}

static struct writer *
open_in_bucket(
    struct bucket *bucket, const struct asl_writer *config, const struct writer_place *place)
{
	json_t *destination = json_pack("{s:s, s:s}", "Bucket", "b", "Prefix", "p");
	char *spool = mem_printf("%s/spool/run", folder);
	struct tmf_err err = {0};
	struct writer *writer = writer_open(&(struct writer_opts){.destination = destination,
						.config = config,
						.id = "id",
						.arn = "arn",
						.file_bytes_max = 4,
						.objects = &bucket->objects,
						.spool = spool,
						.waiter = {bucket_wake, bucket}},
	    place, &err);

	ck_assert_msg(writer != NULL, "%s", tmf_err_text(&err));
	free(spool);
	json_decref(destination);
	return writer;
}

/* Until the writer need not wait any more. */
static enum writer_turn
try_bucket(struct bucket *bucket, struct writer *writer, struct tmf_err *err)
{
	enum writer_turn turn;

	while ((turn = writer_try(writer, err)) == WRITER_WAIT)
		ck_assert_int_eq(tmf_loop_run(bucket->loop, NULL), 0);
	return turn;
}

static enum writer_turn
finish_in_bucket(
    struct bucket *bucket, struct writer *writer, json_t **ret_details, struct tmf_err *err)
{
	enum writer_turn turn;

	while ((turn = writer_finish(writer, ret_details, err)) == WRITER_WAIT)
		ck_assert_int_eq(tmf_loop_run(bucket->loop, NULL), 0);
	return turn;
}

static void
expect_put(
    const struct bucket *bucket, size_t i, const char *key, const char *type, const char *text)
{
	const json_t *put_i = json_array_get(bucket->puts, i);

	ck_assert_str_eq(json_string_value(json_array_get(put_i, 0)), key);
	ck_assert_str_eq(json_string_value(json_array_get(put_i, 1)), type);
	if (text != NULL)
		ck_assert_str_eq(json_string_value(json_array_get(put_i, 2)), text);
}

/* The bucket is tried first, and the manifest comes last, after a process that died on the way,
 * too. */
START_TEST(test_in_a_bucket)
{
	struct asl_writer config = {.transformation = ASL_WRITER_COMPACT, .lines = true};
	struct tmf_err err = {0};
	struct bucket bucket;
	struct writer *writer;
	struct writer_place place;
	json_t *details = NULL;

	bucket_init(&bucket);
	writer = open_in_bucket(&bucket, &config, NULL);
	ck_assert_int_eq(try_bucket(&bucket, writer, &err), WRITER_OVER);
	expect_put(
	    &bucket, 0, "p/id/.writability_check_file_can_be_deleted", "application/json", "");
	for (int i = 0; i < 3; i++)
		put(writer, WRITER_SUCCEEDED, "7");
	put(writer, WRITER_FAILED, "8");
	place = *writer_place(writer);
	ck_assert_uint_eq(json_array_size(bucket.puts), 1);
	ck_assert_int_eq(writer_finish(writer, &details, &err), WRITER_WAIT);
	writer_free(writer); /* what is on its way is given up */
	json_array_clear(bucket.puts);

	writer = open_in_bucket(&bucket, &config, &place);
	ck_assert_int_eq(try_bucket(&bucket, writer, &err), WRITER_OVER);
	ck_assert_uint_eq(json_array_size(bucket.puts), 0); /* it was tried before */
	ck_assert_int_eq(finish_in_bucket(&bucket, writer, &details, &err), WRITER_OVER);
	expect_put(&bucket, 0, "p/id/SUCCEEDED_0.jsonl", "application/jsonl", "7\n7\n");
	expect_put(&bucket, 1, "p/id/SUCCEEDED_1.jsonl", "application/jsonl", "7\n");
	expect_put(&bucket, 2, "p/id/FAILED_0.jsonl", "application/jsonl", "{\"Record\":\"8\"}\n");
	expect_put(&bucket, 3, "p/id/manifest.json", "application/json", NULL);
	ck_assert_uint_eq(json_array_size(bucket.puts), 4);
	ck_assert_str_eq(
	    jsonx_get_string(json_object_get(details, "ResultWriterDetails"), "Bucket"), "b");
	ck_assert_str_eq(jsonx_get_string(json_object_get(details, "ResultWriterDetails"), "Key"),
	    "p/id/manifest.json");
	ck_assert_int_eq(bucket.woken, 5);
	ck_assert_ptr_nonnull(strstr(writer_spooled(writer), "/spool/run/id"));
	json_decref(details);
	writer_free(writer);
	bucket_fini(&bucket);
}
END_TEST

static const struct {
	const char *refuse;
	bool tries; /* that is where it fails */
	const char *fault;
} refusals[] = {
    {".writability", true, "s3://b/p/id/.writability_check_file_can_be_deleted: AccessDenied: no"},
    {"SUCCEEDED_0", false, "s3://b/p/id/SUCCEEDED_0.json: AccessDenied: no"},
    {"manifest", false, "s3://b/p/id/manifest.json: AccessDenied: no"},
};

START_TEST(test_a_bucket_that_refuses)
{
	struct asl_writer config = {.transformation = ASL_WRITER_COMPACT};
	struct tmf_err err = {0};
	struct bucket bucket;
	struct writer *writer;
	json_t *details = NULL;

	bucket_init(&bucket);
	bucket.refuse = refusals[_i].refuse;
	writer = open_in_bucket(&bucket, &config, NULL);
	ck_assert_int_eq(
	    try_bucket(&bucket, writer, &err), refusals[_i].tries ? WRITER_BROKEN : WRITER_OVER);
	ck_assert(writer_is_broken(writer) == refusals[_i].tries);
	if (!refusals[_i].tries) {
		put(writer, WRITER_SUCCEEDED, "7");
		ck_assert_int_eq(finish_in_bucket(&bucket, writer, &details, &err), WRITER_BROKEN);
	}
	ck_assert(writer_is_broken(writer));
	ck_assert_str_eq(err.name, "States.ResultWriterFailed");
	ck_assert_str_eq(tmf_err_text(&err), refusals[_i].fault);
	tmf_err_fini(&err);
	writer_free(writer);
	bucket_fini(&bucket);
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
	tcase_add_test(tests, test_in_a_bucket);
	tcase_add_loop_test(tests, test_a_bucket_that_refuses, 0, COUNT(refusals));
	tcase_add_test(tests, test_records);
	suite_add_tcase(suite, tests);
	failed = run_suite(suite);
	command = mem_printf("rm -rf %s", folder);
	if (system(command) != 0)
		perror(command);
	free(command);
	return failed;
}
