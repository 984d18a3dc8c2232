/* Where a Map's items come from: files and lists, and where the taking stands in them. */
#include "data/items.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static char folder[] = "/tmp/tmflow-items-XXXXXX";
static const struct asl_reader csv = {.input = ASL_READER_CSV, .delimiter = ','};

static void
write_file(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	free(path);
}

/* Of the file of that key in the folder, at most so many items. */
static struct step_source
source_of(const char *key, int64_t items_max)
{
	char *bucket = mem_printf("file://%s", folder);
	struct step_source source = {.streamed = true, .items_max = items_max};

	source.arguments = json_pack("{s:s, s:s}", "Bucket", bucket, "Key", key);
	free(bucket);
	return source;
}

static void
not_woken(void *arg)
{
	(void)arg;
	ck_abort_msg("nothing is waited for");
}

static struct items *
open_items(const struct step_source *source, json_t *list, const struct items_place *place,
    struct tmf_err *err)
{
	return items_open(&(struct items_opts){.source = source,
			      .reader = &csv,
			      .list = list,
			      .place = place,
			      .waiter = {not_woken, NULL}},
	    err);
}

/* Takes what is left: how many items, each the number behind the last. */
static int
take_numbers(struct items *items, int number)
{
	struct tmf_err err = {0};
	json_t *item;

	while (items_peek(items, &item, &err) == ROWS_ITEM) {
		char *wanted = mem_printf("%d", ++number);

		ck_assert_str_eq(jsonx_get_string(item, "n"), wanted);
		free(wanted);
		items_take(items);
	}
	ck_assert_msg(!tmf_err_isset(&err), "%s", tmf_err_text(&err));
	ck_assert(items_are_over(items));
	return number;
}

START_TEST(test_goes_on_where_it_stood)
{
	struct tmf_err err = {0};
	json_t *item;

	write_file("n.csv", "n\n1\n2\n3\n4\n");
	for (int taken = 0; taken <= 4; taken++) {
		struct step_source source = source_of("n.csv", -1);
		struct items *items = open_items(&source, NULL, NULL, &err);
		struct items_place place;

		ck_assert_msg(items != NULL, "%s", tmf_err_text(&err));
		for (int i = 0; i < taken; i++) {
			ck_assert_int_eq(items_peek(items, &item, &err), ROWS_ITEM);
			items_take(items);
		}
		items_peek(items, &item, &err); /* looking takes nothing */
		place = *items_place(items);
		ck_assert_int_eq(place.taken, taken);
		items_free(items);
		items = open_items(&source, NULL, &place, &err);
		ck_assert_msg(items != NULL, "%s", tmf_err_text(&err));
		ck_assert_int_eq(take_numbers(items, taken), 4);
		items_free(items);
		json_decref(source.arguments);
	}
}
END_TEST

/* MaxItems counts those before a restart, too. */
START_TEST(test_items_max)
{
	struct tmf_err err = {0};

	write_file("n.csv", "n\n1\n2\n3\n4\n");
	for (int max = 0; max <= 5; max++) {
		struct step_source source = source_of("n.csv", max);
		struct items *items = open_items(&source, NULL, NULL, &err);

		ck_assert_int_eq(take_numbers(items, 0), max < 4 ? max : 4);
		items_free(items);
		json_decref(source.arguments);
	}
}
END_TEST

START_TEST(test_changed_file)
{
	struct step_source source;
	struct tmf_err err = {0};
	struct items_place place;
	struct items *items;
	json_t *item;

	write_file("c.csv", "n\n1\n2\n");
	source = source_of("c.csv", -1);
	items = open_items(&source, NULL, NULL, &err);
	ck_assert_int_eq(items_peek(items, &item, &err), ROWS_ITEM);
	items_take(items);
	place = *items_place(items);
	items_free(items);
	write_file("c.csv", "n\n1\n2\n3\n");
	ck_assert_ptr_null(open_items(&source, NULL, &place, &err));
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "changed since the run began"));
	tmf_err_fini(&err);
	json_decref(source.arguments);
}
END_TEST

/* What does not name a file that can be read. */
static const struct {
	const char *arguments; /* with @ for the folder */
	const char *fault;     /* likewise */
} bad[] = {
    {"{}", "ItemReader: Bucket and Key must be strings that are not empty"},
    {"{\"Bucket\":\"file://@\",\"Key\":7}",
	"ItemReader: Bucket and Key must be strings that are not empty"},
    {"{\"Bucket\":\"b\",\"Key\":\"k\"}",
	"s3://b/k: S3 is not asked here; a local file has Bucket: file://FOLDER"},
    {"{\"Bucket\":\"file://@\",\"Key\":\"../x\"}", "../x: leaves its folder by \"..\""},
    {"{\"Bucket\":\"file://@\",\"Key\":\"a/..\"}", "a/..: leaves its folder by \"..\""},
    {"{\"Bucket\":\"file://@\",\"Key\":\"a/../b\"}", "a/../b: leaves its folder by \"..\""},
    {"{\"Bucket\":\"file://@\",\"Key\":\"..none\"}", "@/..none: No such file or directory"},
    {"{\"Bucket\":\"file://@\",\"Key\":\".\"}", "@/.: not a regular file"},
    {"{\"Bucket\":\"file://@\",\"Key\":\"pipe\"}", "@/pipe: not a regular file"},
};

static char *
with_folder(const char *text)
{
	const char *at = strchr(text, '@');

	return at == NULL ? mem_strdup(text)
			  : mem_printf("%.*s%s%s", (int)(at - text), text, folder, at + 1);
}

START_TEST(test_bad_objects)
{
	struct step_source source = {.streamed = true, .items_max = -1};
	char *arguments = with_folder(bad[_i].arguments);
	char *fault = with_folder(bad[_i].fault);
	char *pipe_path = mem_printf("%s/pipe", folder);
	struct tmf_err err = {0};

	mkfifo(pipe_path, 0600);
	source.arguments = jsonx_parse(str_of(arguments), &err);
	ck_assert_ptr_null(open_items(&source, NULL, NULL, &err));
	ck_assert_str_eq(err.name, "States.ItemReaderFailed");
	ck_assert_str_eq(tmf_err_text(&err), fault);
	json_decref(source.arguments);
	tmf_err_fini(&err);
	free(pipe_path);
	free(fault);
	free(arguments);
}
END_TEST

/* A fault in the text bears the name of the file. */
START_TEST(test_bad_text)
{
	struct step_source source;
	struct tmf_err err = {0};
	struct items *items;
	json_t *item;
	char *wanted = with_folder("@/q.csv: byte 2: a quote is not closed");

	write_file("q.csv", "n\n\"1\n");
	source = source_of("q.csv", -1);
	items = open_items(&source, NULL, NULL, &err);
	ck_assert_int_eq(items_peek(items, &item, &err), ROWS_FAILED);
	ck_assert_str_eq(tmf_err_text(&err), wanted);
	items_free(items);
	tmf_err_fini(&err);
	json_decref(source.arguments);
	free(wanted);
}
END_TEST

START_TEST(test_list)
{
	struct step_source source = {
	    .streamed = true, .items_max = -1, .batch_items = 2, .batch_bytes = 99};
	json_t *list = json_pack("[{s:s}, {s:s}, {s:s}]", "n", "1", "n", "2", "n", "3");
	struct items_place place = {.offset = 1, .taken = 1};
	struct tmf_err err = {0};
	struct items *items = open_items(&source, list, &place, &err);

	ck_assert_msg(items != NULL, "%s", tmf_err_text(&err));
	ck_assert_str_eq(items_source(items), "STATE_DATA");
	ck_assert_int_eq(items_batch_items(items), 2);
	ck_assert_int_eq(items_batch_bytes(items), 99);
	ck_assert_int_eq(take_numbers(items, 1), 3);
	items_free(items);
	place.offset = 7; /* a store may have been edited */
	ck_assert_ptr_null(open_items(&source, list, &place, &err));
	ck_assert_str_eq(tmf_err_text(&err), "STATE_DATA: no such place in a list");
	tmf_err_fini(&err);
	json_decref(list);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("data items");
	TCase *tests = tcase_create("items");
	char *command;
	int failed;

	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	tcase_add_test(tests, test_goes_on_where_it_stood);
	tcase_add_test(tests, test_items_max);
	tcase_add_test(tests, test_changed_file);
	tcase_add_loop_test(tests, test_bad_objects, 0, COUNT(bad));
	tcase_add_test(tests, test_bad_text);
	tcase_add_test(tests, test_list);
	suite_add_tcase(suite, tests);
	failed = run_suite(suite);
	command = mem_printf("rm -rf %s", folder);
	if (system(command) != 0)
		perror(command);
	free(command);
	return failed;
}
