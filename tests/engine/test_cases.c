/*
 * The cases of tests/engine/cases, one file each: "spec" names the part of the specification (or of
 * AWS's documents, or what was recorded from AWS, or that it is tmflow's own), "says" puts in our
 * words what it asks for there.
 */
#include "engine_harness.h"

#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define CASES_DIR TEST_SOURCE_DIR "/tests/engine/cases"
#define CASES_MAX 200

static char *case_files[CASES_MAX];
static int case_count;

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
find_cases(void)
{
	DIR *directory = opendir(CASES_DIR);
	const struct dirent *entry;

	if (directory == NULL) {
		perror(CASES_DIR);
		exit(1);
	}
	while ((entry = readdir(directory)) != NULL)
		if (strstr(entry->d_name, ".yaml") != NULL && case_count < CASES_MAX)
			case_files[case_count++] = strdup(entry->d_name);
	closedir(directory);
	qsort(case_files, (size_t)case_count, sizeof(case_files[0]), by_name);
}

static void
expect_same(const char *file, const char *what, const json_t *wanted, const json_t *got)
{
	char *wanted_text = jsonx_text(wanted);
	char *got_text = got != NULL ? jsonx_text(got) : strdup("nothing");

	ck_assert_msg(got != NULL && jsonx_same(wanted, got), "%s: %s: wanted %s, got %s", file,
	    what, wanted_text, got_text);
	free(wanted_text);
	free(got_text);
}

static void
expect_text(const char *file, const char *what, const char *wanted, const char *got)
{
	ck_assert_msg(wanted == NULL ? got == NULL : got != NULL && strcmp(wanted, got) == 0,
	    "%s: %s: wanted %s, got %s", file, what, wanted != NULL ? wanted : "none",
	    got != NULL ? got : "none");
}

static void
expect_number(const char *file, const json_t *expect, const char *key, int64_t got)
{
	const json_t *wanted = json_object_get(expect, key);

	if (wanted != NULL)
		ck_assert_msg(json_integer_value(wanted) == got, "%s: %s: wanted %lld, got %lld",
		    file, key, (long long)json_integer_value(wanted), (long long)got);
}

/* Members of "details" are named after the event's id: {"3": {...}}. */
static void
expect_details(const char *file, json_t *wanted, const json_t *got)
{
	const char *id;
	json_t *details;

	json_object_foreach (wanted, id, details)
		expect_same(
		    file, id, details, json_array_get(got, (size_t)strtoull(id, NULL, 10) - 1));
}

static void
check_result(const char *file, const json_t *expect, const struct harness *h)
{
	expect_text(file, "status", jsonx_get_string(expect, "status"), run_status_name(h->status));
	expect_text(file, "error", jsonx_get_string(expect, "error"), h->error);
	expect_text(file, "cause", jsonx_get_string(expect, "cause"), h->cause);
	if (json_object_get(expect, "output") != NULL)
		expect_same(file, "output", json_object_get(expect, "output"), h->output);
	if (json_object_get(expect, "path") != NULL)
		expect_same(file, "path", json_object_get(expect, "path"), h->path);
	if (json_object_get(expect, "events") != NULL)
		expect_same(file, "events", json_object_get(expect, "events"), h->events);
	if (json_object_get(expect, "after") != NULL)
		expect_same(file, "after", json_object_get(expect, "after"), h->after);
	expect_details(file, json_object_get(expect, "details"), h->details);
	expect_number(file, expect, "elapsedMs", h->clock.now_wall_ms - h->start_wall_ms);
	expect_number(file, expect, "starts", h->starts);
	expect_number(file, expect, "gaveUp", h->gave_up);
	expect_number(file, expect, "elapsedAtMostMs",
	    h->clock.now_wall_ms - h->start_wall_ms <=
		    json_integer_value(json_object_get(expect, "elapsedAtMostMs"))
		? json_integer_value(json_object_get(expect, "elapsedAtMostMs"))
		: h->clock.now_wall_ms - h->start_wall_ms);
}

START_TEST(run_case)
{
	const char *file = case_files[_i];
	struct buf path = {0};
	struct tmf_err err = {0};
	struct harness h;

	buf_printf(&path, CASES_DIR "/%s", file);
	struct doc *doc = doc_read(buf_cstr(&path), &err);
	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	json_t *test = doc_root(doc);
	ck_assert_msg(
	    jsonx_get_string(test, "spec") != NULL && jsonx_get_string(test, "says") != NULL,
	    "%s: it does not say what it tests", file);
	harness_init(&h, NULL);
	struct asl_machine *machine = harness_compile(&h, json_object_get(test, "definition"));
	json_t *input = json_object_get(test, "input");
	json_t *none = json_object();
	harness_run(&h, machine, input != NULL ? input : none, false);
	check_result(file, json_object_get(test, "expect"), &h);
	json_decref(none);
	asl_machine_unref(machine);
	harness_fini(&h);
	doc_free(doc);
	buf_fini(&path);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("engine cases");
	TCase *tests = tcase_create("cases");
	int failed;

	find_cases();
	tcase_add_loop_test(tests, run_case, 0, case_count);
	suite_add_tcase(suite, tests);
	failed = run_suite(suite);
	for (int i = 0; i < case_count; i++)
		free(case_files[i]);
	return failed == 0 && case_count > 0 ? 0 : 1;
}
