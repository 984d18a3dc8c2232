/* Documents: YAML's 1.2 core schema and JSON, with the place of everything, and faults that name
 * theirs. */
#include "base/diag.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

static void
gives(const char *text, const char *wanted)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("d.yaml", str_of(text), &err);

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	char *got = jsonx_text(doc_root(doc));
	ck_assert_str_eq(got, wanted);
	free(got);
	doc_free(doc);
}

static void
fails(const char *name, const char *text, const char *wanted)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse(name, str_of(text), &err);

	ck_assert_msg(doc == NULL, "%s is taken", text);
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	ck_assert_msg(strncmp(tmf_err_text(&err), wanted, strlen(wanted)) == 0, "wanted %s, got %s",
	    wanted, tmf_err_text(&err));
	tmf_err_fini(&err);
}

START_TEST(core_schema)
{
	gives("[yes, no, on, off, y, Yes]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"Yes\"]");
	gives("[true, True, FALSE, null, ~, Null, '', \"null\"]",
	    "[true,true,false,null,null,null,\"\",\"null\"]");
	gives("[1, -1, +1, 0o17, 0x1F, 017, 1_000]", "[1,-1,1,15,31,17,\"1_000\"]");
	gives("[1.5, .5, 1., 1e3, 1.0, -2.5E-1, 1.2.3, 12e, 1:30]",
	    "[1.5,0.5,1.0,1000.0,1.0,-0.25,\"1.2.3\",\"12e\",\"1:30\"]");
	gives(
	    "a:\nb: !!str 1\nc: !!int '7'\nd: ! 8", "{\"a\":null,\"b\":\"1\",\"c\":7,\"d\":\"8\"}");
	gives("[9223372036854775807, 9223372036854775808]",
	    "[9223372036854775807,9.223372036854776e+18]");
}
END_TEST

START_TEST(blocks_anchors_and_merges)
{
	gives("t: |\n  a\n  b\n", "{\"t\":\"a\\nb\\n\"}");
	gives("a: &x {k: 1, l: 2}\nb: *x\n", "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":1,\"l\":2}}");
	gives("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 9}\n",
	    "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":9,\"l\":2}}");
	gives("- &x {k: 1}\n- &y {k: 2, m: 3}\n- {<<: [*x, *y]}\n",
	    "[{\"k\":1},{\"k\":2,\"m\":3},{\"k\":1,\"m\":3}]");
	gives("\xef\xbb\xbf"
	      "a: 1",
	    "{\"a\":1}");
	gives("", "null");
	gives("# only a comment\n", "null");
}
END_TEST

START_TEST(json_is_taken_as_json)
{
	gives("{\"a\": \"\\ud83d\\ude00\\/\"}", "{\"a\":\"\xf0\x9f\x98\x80/\"}");
	gives("{\"n\": 9007199254740993, \"big\": 123456789012345678901234567890, \"one\": 1}",
	    "{\"n\":9007199254740993,\"big\":1.2345678901234568e+29,\"one\":1}");
	gives("{a: [1, 2,], b: 'x'}", "{\"a\":[1,2],\"b\":\"x\"}"); /* not JSON, but YAML */
}
END_TEST

START_TEST(faults_name_their_place)
{
	fails("d.yaml", "a: 1\nb: 2\na: 3\n", "d.yaml:3:1: duplicate key \"a\" (first at line 1)");
	fails("d.yaml", "x:\n  - {a: 1, a: 2}\n", "d.yaml:2:12: duplicate key \"a\"");
	fails("d.json", "{\"a\": 1,\n \"a\": 2}", "d.json:2:2: duplicate key \"a\"");
	fails("d.json", "{\"a\": tru}", "d.json:1:");
	fails("d.yaml", "a: *b\n", "d.yaml:1:4: no anchor &b");
	fails("d.yaml", "a: &a [*a]\n", "d.yaml:1:8: no anchor &a");
	fails("d.yaml", "a: .inf\n", "d.yaml:1:4: JSON has no number .inf");
	fails("d.yaml", "a: !!int x\n", "d.yaml:1:4: ");
	fails("d.yaml", "a: !thing x\n", "d.yaml:1:4: unknown tag");
	fails("d.yaml", "? [a]\n: 1\n", "d.yaml:1:3: a key must be a scalar");
	fails("d.yaml", "a: 1\n---\nb: 2\n", "d.yaml:2:1: a second document");
	fails("d.yaml", "a: [1\nb: 2\n", "d.yaml:");
	fails("d.yaml", "a:\n\t- 1\n", "d.yaml:2:1: ");
	fails("d.yaml", "<<: 5\n", "d.yaml:1:5: << takes a mapping");
}
END_TEST

/* Nine levels of ten aliases each would be a thousand million values. */
START_TEST(alias_bombs_are_bounded)
{
	struct buf bomb = {0};
	struct buf deep = {0};

	buf_add_cstr(&bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 9; i++) {
		buf_printf(&bomb, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buf_printf(&bomb, "%s*a%d", j > 0 ? ", " : "", i - 1);
		buf_add_cstr(&bomb, "]\n");
	}
	fails("bomb.yaml", buf_cstr(&bomb), "bomb.yaml:");
	for (unsigned i = 0; i < DOC_DEPTH_MAX + 10; i++)
		buf_add_char(&deep, '[');
	fails("deep.yaml", buf_cstr(&deep), "deep.yaml:");
	buf_fini(&bomb);
	buf_fini(&deep);
}
END_TEST

/* 400,000 aliases among 10,000 anchors: each is looked up by its name, not by going through all. */
START_TEST(anchors_are_found_by_name)
{
	struct tmf_err err = {0};
	struct buf text = {0};
	struct doc *doc;

	buf_add_cstr(&text, "a: [");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "&n%d %d, ", i, i);
	buf_add_cstr(&text, "&n7 again]\nb: [");
	for (int i = 0; i < 400000; i++)
		buf_add_cstr(&text, "*n9999, ");
	buf_add_cstr(&text, "*n7]\n");
	doc = doc_parse("anchors.yaml", buf_str(&text), &err);
	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	ck_assert_int_eq(json_integer_value(doc_at(doc_root(doc), "/b/399999")), 9999);
	ck_assert_str_eq(json_string_value(doc_at(doc_root(doc), "/b/400000")), "again");
	doc_free(doc);
	buf_add_cstr(&text, "c: &one_more x\n");
	fails("anchors.yaml", buf_cstr(&text), "anchors.yaml:3:4: more than 10000 anchors");
	buf_fini(&text);
}
END_TEST

static size_t
allocated_bytes(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
#endif
}

/* What a document takes while it is read, as a multiple of its text. tree: the values as well as
 * the rest. */
static void
takes_at_most(const char *name, struct buf *text, size_t multiple, bool tree)
{
	struct tmf_err err = {0};
	size_t before = allocated_bytes(), all_bytes, tree_bytes;
	struct doc *doc = doc_parse(name, buf_str(text), &err);
	json_t *root;

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	all_bytes = allocated_bytes() - before;
	root = json_incref(doc_root(doc));
	doc_free(doc);
	tree_bytes = allocated_bytes() - before;
	json_decref(root);
	if (!tree)
		all_bytes -= tree_bytes;
	ck_assert_msg(all_bytes <= multiple * text->len + 4096,
	    "%s: %zu bytes of text take %zu, of which %zu are the values", name, text->len,
	    all_bytes, tree_bytes);
	buf_fini(text);
}

/* Once a JSON pointer was kept for each value: 1.2 GB for the first of these. */
START_TEST(memory_is_a_small_multiple_of_the_text)
{
	struct buf text = {0};

	buf_add_cstr(&text, "{\"");
	for (int i = 0; i < 125000; i++)
		buf_add_char(&text, 'k');
	buf_add_cstr(&text, "\": {");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "%s\"m%d\":1", i > 0 ? "," : "", i);
	buf_add_cstr(&text, "}}");
	takes_at_most("members", &text, 16, true);

	/* As many values as a text can hold, of which jansson makes more than the places are. */
	buf_add_cstr(&text, "[1");
	for (int i = 0; i < 100000; i++)
		buf_add_cstr(&text, ",1");
	buf_add_cstr(&text, "]");
	takes_at_most("list", &text, 16, false);
	buf_add_cstr(&text, "x: [1");
	for (int i = 0; i < 100000; i++)
		buf_add_cstr(&text, ",1");
	buf_add_cstr(&text, "]\n");
	takes_at_most("list.yaml", &text, 16, false);
	for (unsigned i = 0; i < DOC_DEPTH_MAX - 1; i++)
		buf_add_cstr(&text, "{a: ");
	buf_add_cstr(&text, "1");
	for (unsigned i = 0; i < DOC_DEPTH_MAX - 1; i++)
		buf_add_cstr(&text, "}");
	takes_at_most("deep.yaml", &text, 16, false);
}
END_TEST

static void
place(const char *text, const char *pointer, unsigned key_line, unsigned key_column, unsigned line,
    unsigned column)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("d", str_of(text), &err);

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	struct doc_pos key = doc_key_pos(doc, pointer);
	struct doc_pos value = doc_value_pos(doc, pointer);
	ck_assert_msg(key.line == key_line && key.column == key_column && value.line == line &&
			  value.column == column,
	    "%s: key %u:%u, value %u:%u", pointer, key.line, key.column, value.line, value.column);
	doc_free(doc);
}

START_TEST(places)
{
	static const char yaml[] = "a:\n  b: 1\n  \xc3\xa9: {c: 2}\nlist:\n  - x\n  - y: z\n";
	static const char json[] = "{\"a\":\n  {\"b\": 1, \"\xc3\xa9/\": {\"c\": [10, 20]}}}";

	place(yaml, "/a/b", 2, 3, 2, 6);
	place(yaml, "/a/\xc3\xa9/c", 3, 7, 3, 10);
	place(yaml, "/list/1/y", 6, 5, 6, 8);
	place(yaml, "/list/0", 5, 5, 5, 5);
	place(yaml, "/a/none/x", 2, 3, 2, 3); /* the nearest ancestor's value */
	place(yaml, "/list/2", 5, 3, 5, 3);
	place(yaml, "/list/0/x", 5, 5, 5, 5);
	place(yaml, "/list/x", 5, 3, 5, 3);
	place("a: &x {k: 1}\nb: *x\n", "/b/k", 2, 4, 2, 4); /* the alias's */
	place("a: {0: x, 1: y}\n", "/a/1", 1, 11, 1, 14);
	place(json, "/a/b", 2, 4, 2, 9);
	place(json, "/a/\xc3\xa9~1/c/1", 2, 29, 2, 29);
}
END_TEST

START_TEST(diagnostics)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("c.yaml", str_of("first: 1\nsecond: 2\n"), &err);
	struct diag_list list;
	char text[512] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	diag_list_init(&list, doc);
	diag_add(&list, DIAG_ERROR, "CODE", "/second", DIAG_AT_VALUE, "try\x1b[31m 3", "bad %s",
	    "value\n");
	diag_add(&list, DIAG_WARNING, "CODE", "/first", DIAG_AT_KEY, NULL, "odd");
	diag_print(&list, out);
	fclose(out);
	ck_assert_str_eq(
	    text, "c.yaml:1:1: warning: odd\nc.yaml:2:9: error: bad value\\x0A (try\\x1B[31m 3)\n");
	ck_assert_uint_eq(list.errors, 1);
	ck_assert_uint_eq(list.warnings, 1);
	json_t *json = diag_json(&list);
	ck_assert_str_eq(jsonx_get_string(json_array_get(json, 1), "severity"), "ERROR");
	ck_assert_str_eq(jsonx_get_string(json_array_get(json, 1), "location"), "/second");
	json_decref(json);
	diag_list_fini(&list);
	doc_free(doc);
}
END_TEST

/* Faults below a long key: their pointers are bounded in all, and every fault is counted. */
START_TEST(diagnostics_are_bounded)
{
	struct buf pointer = {0};
	struct diag_list list;

	diag_list_init(&list, NULL);
	for (int i = 0; i < 125000; i++)
		buf_add_char(&pointer, i == 0 ? '/' : 'k');
	for (int i = 0; i < 2000; i++)
		diag_add(&list, DIAG_ERROR, "CODE", buf_cstr(&pointer), DIAG_AT_KEY, NULL, "odd");
	ck_assert_uint_eq(list.errors, 2000);
	ck_assert_uint_eq(list.count, DIAG_BYTES_MAX / 125000 + 1);
	diag_list_fini(&list);
	buf_fini(&pointer);
}
END_TEST

START_TEST(test_value_at_a_pointer)
{
	json_t *root = json_pack("{s:{s:[i, i]}, s:i}", "a/b", "c~d", 1, 2, "", 3);

	ck_assert_ptr_eq(doc_at(root, ""), root);
	ck_assert_int_eq(json_integer_value(doc_at(root, "/a~1b/c~0d/1")), 2);
	ck_assert_int_eq(json_integer_value(doc_at(root, "/")), 3);
	ck_assert_ptr_null(doc_at(root, "/a~1b/none"));
	ck_assert_ptr_null(doc_at(root, "/a~1b/c~0d/7"));
	ck_assert_ptr_null(doc_at(root, "a~1b"));
	ck_assert_ptr_null(doc_at(NULL, "/a"));
	json_decref(root);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("doc");
	TCase *tests = tcase_create("doc");

	tcase_add_test(tests, core_schema);
	tcase_add_test(tests, blocks_anchors_and_merges);
	tcase_add_test(tests, json_is_taken_as_json);
	tcase_add_test(tests, faults_name_their_place);
	tcase_add_test(tests, alias_bombs_are_bounded);
	tcase_add_test(tests, anchors_are_found_by_name);
	tcase_add_test(tests, memory_is_a_small_multiple_of_the_text);
	tcase_add_test(tests, places);
	tcase_add_test(tests, test_value_at_a_pointer);
	tcase_add_test(tests, diagnostics);
	tcase_add_test(tests, diagnostics_are_bounded);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
