/* What only a distributed Map has. */
#include "asl/compile/compile.h"

#include "run_suite.h"

#include "base/mem.h"

#include <check.h>
#include <stdlib.h>

#define FORTY "1234567890123456789012345678901234567890"

static const struct {
	const char *label; /* as it stands in YAML */
	const char *fault; /* NULL: fine */
} labels[] = {
    {"Items-1_a.b", NULL},
    {"\"" FORTY "\"", NULL},
    {"\"\xc3\xa4\xe2\x82\xac\"", NULL},
    {"\"\"", "Label cannot be empty"},
    {"\"" FORTY "1\"", "Label cannot exceed 40 characters"},
    {"a b", "Label contains invalid character: ' '"},
    {"\"a\\\\b\"", "Label contains invalid character: '\\'"},
    {"\"a`b\"", "Label contains invalid character: '`'"},
    {"\"a\\u009bb\"", "Label contains invalid character: '\xc2\x9b'"},
    {"\"a\\tb\"", "Label contains invalid character: '\t'"},
    {"[a]", "The field 'Label' should have a value of type string"},
};

START_TEST(test_labels)
{
	struct diag_list diags;
	struct tmf_err err = {0};
	char *text =
	    mem_printf("StartAt: M\nStates:\n"
		       "  M:\n"
		       "    Type: Map\n"
		       "    Label: %s\n"
		       "    ItemProcessor: {StartAt: P, States: {P: {Type: Pass, End: true}}}\n"
		       "    End: true\n",
		labels[_i].label);
	struct doc *doc = doc_parse("w.yaml", str_of(text), &err);

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	diag_list_init(&diags, doc);
	struct asl_machine *machine = asl_compile(doc, NULL, &diags);
	ck_assert_uint_eq(diags.count, labels[_i].fault != NULL);
	ck_assert_int_eq(machine != NULL, labels[_i].fault == NULL);
	if (labels[_i].fault != NULL) {
		ck_assert_str_eq(diags.at[0].message, labels[_i].fault);
		ck_assert_str_eq(diags.at[0].pointer, "/States/M/Label");
		ck_assert_uint_eq(diags.at[0].pos.line, 5);
	}
	asl_machine_unref(machine);
	diag_list_fini(&diags);
	doc_free(doc);
	free(text);
}
END_TEST

/* Fields of a reader that run on Step Functions only: a warning, and the run says the same. */
#define FOREIGN(what) what " runs on Step Functions only: a Map that has it fails here"

static const struct {
	const char *fields; /* in YAML, of ItemReader */
	const char *warning;
} readers[] = {
    {"ReaderConfig: {InputType: PARQUET}",
	FOREIGN("ItemReader with another InputType than CSV, JSON, JSONL or MANIFEST")},
    {"ReaderConfig: {InputType: CSV, CSVDelimiter: DOT}",
	FOREIGN("ItemReader with an unknown CSVDelimiter")},
    {"ReaderConfig: {InputType: CSV, CSVHeaderLocation: GIVEN}",
	FOREIGN("ItemReader with an unknown CSVHeaderLocation, or without CSVHeaders")},
    {"ReaderConfig: {InputType: CSV, ItemsPointer: /a}",
	FOREIGN("ItemReader with ItemsPointer for another InputType than JSON")},
    {"ReaderConfig: {InputType: JSON, ItemsPointer: a}",
	FOREIGN("ItemReader with an ItemsPointer that is not a JSON Pointer")},
    {"ReaderConfig: {InputType: JSON, ItemsPointer: /a~2}",
	FOREIGN("ItemReader with an ItemsPointer that is not a JSON Pointer")},
    {"ReaderConfig: {Transformation: LOAD_AND_FLATTEN}", FOREIGN("ItemReader with Transformation")},
    {"ReaderConfig: {InputType: MANIFEST, ManifestType: ATHENA_DATA}",
	FOREIGN("ItemReader with another ManifestType than S3_INVENTORY")},
};

START_TEST(test_readers_from_elsewhere)
{
	struct diag_list diags;
	struct tmf_err err = {0};
	char *text =
	    mem_printf("StartAt: M\nStates:\n"
		       "  M:\n"
		       "    Type: Map\n"
		       "    ItemReader: {Resource: 'arn:aws:states:::s3:getObject', %s}\n"
		       "    ItemProcessor: {StartAt: P, States: {P: {Type: Pass, End: true}}}\n"
		       "    End: true\n",
		readers[_i].fields);
	struct doc *doc = doc_parse("w.yaml", str_of(text), &err);

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	diag_list_init(&diags, doc);
	struct asl_machine *machine = asl_compile(doc, NULL, &diags);
	ck_assert_ptr_nonnull(machine);
	ck_assert_uint_eq(diags.errors, 0);
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_str_eq(diags.at[0].message, readers[_i].warning);
	ck_assert_str_eq(diags.at[0].pointer, "/States/M/ItemReader");
	asl_machine_unref(machine);
	diag_list_fini(&diags);
	doc_free(doc);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("asl distributed");
	TCase *tests = tcase_create("labels");

	tcase_add_loop_test(tests, test_labels, 0, sizeof(labels) / sizeof(labels[0]));
	tcase_add_loop_test(
	    tests, test_readers_from_elsewhere, 0, sizeof(readers) / sizeof(readers[0]));
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
