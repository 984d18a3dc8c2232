/* Items out of texts that are cut into pieces of every size, and taken up behind each item. */
#include "data/rows.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* A text, and its items as a JSON list with ' for ", or why it has none. */
static const struct {
	enum asl_reader_input input;
	char delimiter;
	/* JSON, of CSV; NULL: the first row has them. Of JSON: ItemsPointer */
	const char *headers;
	const char *text;
	const char *items; /* those before a fault, too */
	const char *fault; /* NULL: none */
} texts[] = {
    {ASL_READER_CSV, ',', NULL, "id,name\ni-1,a\ni-2,b\n",
	"[{'id':'i-1','name':'a'},{'id':'i-2','name':'b'}]", NULL},
    {ASL_READER_CSV, ',', NULL, "\xef\xbb\xbfid\r\ni-1\r\n\r\ni-2", "[{'id':'i-1'},{'id':'i-2'}]",
	NULL},
    {ASL_READER_CSV, ',', NULL, "a,b\n1\n1,2,3\n,\n",
	"[{'a':'1','b':''},{'a':'1','b':'2'},{'a':'','b':''}]", NULL},
    {ASL_READER_CSV, ',', NULL, "a,b\n\"x,\ny\",\"say \"\"so\"\"\"\n\"\",\"q\"z\n",
	"[{'a':'x,\\ny','b':'say \\\"so\\\"'},{'a':'','b':'qz'}]", NULL},
    {ASL_READER_CSV, ',', NULL, "a,b\n1\\,2,\\\\\n\\x,\\\"\n\"in \\\" and \\\\\",e\"f\n",
	"[{'a':'1,2','b':'\\\\'},{'a':'x','b':'\\\"'},{'a':'in \\\" and \\\\','b':'e\\\"f'}]",
	NULL},
    {ASL_READER_CSV, '|', NULL, "a|b\n1,2|3\n", "[{'a':'1,2','b':'3'}]", NULL},
    {ASL_READER_CSV, '\t', "[\"x\",\"y\"]", "1\t2\n3\t4\r", "[{'x':'1','y':'2'},{'x':'3','y':'4'}]",
	NULL},
    {ASL_READER_CSV, ',', NULL, "\xc3\xa4,b\n\xe2\x82\xac,2",
	"[{'\xc3\xa4':'\xe2\x82\xac','b':'2'}]", NULL},
    {ASL_READER_CSV, ',', NULL, "", "[]", NULL},
    {ASL_READER_CSV, ',', NULL, "a,b\n", "[]", NULL},
    {ASL_READER_CSV, ',', NULL, "a,b,a\n1,2,3\n", "[]", "byte 0: two columns have the same name"},
    {ASL_READER_CSV, ',', NULL, "a\n1\n\"2\n", "[{'a':'1'}]", "byte 4: a quote is not closed"},
    {ASL_READER_CSV, ',', NULL, "a\n\xff\n", "[]", "byte 2: the row is not UTF-8"},
    {ASL_READER_JSONL, ',', NULL, "{\"a\":1}\n\n 2 \r\n\"x\"", "[{'a':1},2,'x']", NULL},
    {ASL_READER_JSONL, ',', NULL, "", "[]", NULL},
    {ASL_READER_JSONL, ',', NULL, "1\n{\"a\":\n", "[1]",
	"byte 2: invalid JSON at line 1, column 5: unexpected token near end of file"},
    {ASL_READER_JSON, ',', NULL, " [ ] \n", "[]", NULL},
    {ASL_READER_JSON, ',', NULL,
	"[1,\"a]\\\"\",{\"x\":[1,{\"y\":\"}\\\\\"}]},[],true , null,-1.5e3\n]",
	"[1,'a]\\\"',{'x':[1,{'y':'}\\\\'}]},[],true,null,-1500.0]", NULL},
    {ASL_READER_JSON, ',', NULL, "\xef\xbb\xbf[\"\xe2\x82\xac\"]", "['\xe2\x82\xac']", NULL},
    {ASL_READER_JSON, ',', NULL, "{\"a\":[1]}", "[]", "byte 0: not a JSON array"},
    {ASL_READER_JSON, ',', NULL, "", "[]", "byte 0: not a JSON array"},
    {ASL_READER_JSON, ',', NULL, "[1 2]", "[1]",
	"byte 3: a comma or the end of the array is missing"},
    {ASL_READER_JSON, ',', NULL, "[1,2", "[1]", "byte 3: the array ends within an element"},
    {ASL_READER_JSON, ',', NULL, "[1,{\"a\":2}", "[1,{'a':2}]",
	"byte 10: a comma or the end of the array is missing"},
    {ASL_READER_JSON, ',', NULL, "[1,", "[1]", "byte 3: the array has no end"},
    {ASL_READER_JSON, ',', NULL, "[1,]", "[1]", "byte 3: the array ends within an element"},
    {ASL_READER_JSON, ',', NULL, "[1] x", "[1]", "byte 4: something stands behind the array"},
    {ASL_READER_JSON, ',', "/b/c",
	"{\"a\":[9],\"b\":{\"x\":1,\"c\":[1,{\"d\":2}]},\"e\":", "[1,{'d':2}]", NULL},
    {ASL_READER_JSON, ',', "/a~1b~0",
	" {\"x\\\"]\": \"}\\\"\", \"y\" : [ [1,\"]\"], {} ],\"n\":-1.5 , \"t\":true,\"a/b~\" :[ ] "
	"}",
	"[]", NULL},
    {ASL_READER_JSON, ',', "/2/1", "[7,\"x,\",[[5],[1,2]],8]", "[1,2]", NULL},
    {ASL_READER_JSON, ',', "/0", "[[3]]", "[3]", NULL},
    {ASL_READER_JSON, ',', "", "[3]", "[3]", NULL},
    {ASL_READER_JSON, ',', "/", "{\"\":[3]}", "[3]", NULL},
    {ASL_READER_JSON, ',', "/b", "{\"a\":1}", "[]",
	"byte 6: ItemsPointer names nothing in the text"},
    {ASL_READER_JSON, ',', "/a/1", "{\"a\":[1]}", "[]",
	"byte 7: ItemsPointer names nothing in the text"},
    {ASL_READER_JSON, ',', "/a", "{\"a\":1}", "[]", "byte 5: not a JSON array"},
    {ASL_READER_JSON, ',', "/a", "{}", "[]", "byte 1: ItemsPointer names nothing in the text"},
    {ASL_READER_JSON, ',', "/01", "[[1],[2]]", "[]",
	"byte 0: ItemsPointer names nothing in the text"},
    {ASL_READER_JSON, ',', "/a", "{\"a\" [1]}", "[]", "byte 1: a colon is missing"},
    {ASL_READER_JSON, ',', "/a", "{\"a\"", "[]", "byte 1: ItemsPointer names nothing in the text"},
    {ASL_READER_JSON, ',', "/a", "{\"a\":[1", "[]", "byte 6: the array ends within an element"},
};

static json_t *
rows_of(const char *text)
{
	char *json = mem_strdup(text);
	struct tmf_err err = {0};
	json_t *value;

	for (char *p = json; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	value = jsonx_parse(str_of(json), &err);
	ck_assert_msg(value != NULL, "%s: %s", json, tmf_err_text(&err));
	free(json);
	return value;
}

/* A text that is brought in pieces of one size. */
struct feed {
	struct rows *rows;
	const char *text;
	size_t at;
	size_t piece;
};

static enum rows_next
feed_next(struct feed *feed, json_t **ret_item, struct tmf_err *err)
{
	size_t left;
	enum rows_next next;

	while ((next = rows_next(feed->rows, ret_item, err)) == ROWS_MORE) {
		left = strlen(feed->text + feed->at);
		if (left > feed->piece)
			left = feed->piece;
		if (left == 0)
			rows_finish(feed->rows);
		else
			rows_feed(feed->rows, (struct str){feed->text + feed->at, left});
		feed->at += left;
	}
	return next;
}

/* Reads all that is left; the items from the index on are those of wanted. */
static void
expect_rest(struct feed *feed, const json_t *wanted, size_t index, const char *fault)
{
	struct tmf_err err = {0};
	json_t *item = NULL;
	enum rows_next next;

	for (; (next = feed_next(feed, &item, &err)) == ROWS_ITEM; index++) {
		char *got = jsonx_text(item);

		ck_assert_msg(jsonx_same(item, json_array_get(wanted, index)),
		    "%s in pieces of %zu: item %zu is %s", feed->text, feed->piece, index, got);
		free(got);
		json_decref(item);
	}
	ck_assert_uint_eq(index, json_array_size(wanted));
	ck_assert_int_eq(next, fault != NULL ? ROWS_FAILED : ROWS_OVER);
	if (fault != NULL) {
		ck_assert_str_eq(tmf_err_text(&err), fault);
		ck_assert_str_eq(err.name, "States.ItemReaderFailed");
	}
	tmf_err_fini(&err);
}

static struct asl_reader
reader_of(int i)
{
	return (struct asl_reader){.input = texts[i].input,
	    .delimiter = texts[i].delimiter,
	    .items_pointer = texts[i].input == ASL_READER_JSON ? texts[i].headers : NULL,
	    .headers = texts[i].input == ASL_READER_CSV && texts[i].headers != NULL
			   ? rows_of(texts[i].headers)
			   : NULL};
}

START_TEST(test_pieces_of_any_size)
{
	struct asl_reader reader = reader_of(_i);
	json_t *wanted = rows_of(texts[_i].items);

	for (size_t piece = 1; piece <= strlen(texts[_i].text) + 1; piece++) {
		struct feed feed = {rows_new(&reader), texts[_i].text, 0, piece};

		expect_rest(&feed, wanted, 0, texts[_i].fault);
		rows_free(feed.rows);
	}
	json_decref(wanted);
	json_decref(reader.headers);
}
END_TEST

/* As after a crash: a new reader takes the header, then goes to the place that was stored. */
START_TEST(test_taken_up_behind_any_item)
{
	struct asl_reader reader = reader_of(_i);
	json_t *wanted = rows_of(texts[_i].items);

	for (size_t taken = 1; taken <= json_array_size(wanted); taken++) {
		struct feed first = {rows_new(&reader), texts[_i].text, 0, 3};
		struct feed again = {rows_new(&reader), texts[_i].text, 0, 2};
		struct tmf_err err = {0};
		json_t *item = NULL;

		for (size_t i = 0; i < taken; i++) {
			ck_assert_int_eq(feed_next(&first, &item, &err), ROWS_ITEM);
			json_decref(item);
		}
		if (rows_wants_header(again.rows)) {
			ck_assert_int_eq(feed_next(&again, &item, &err), ROWS_ITEM);
			json_decref(item);
		}
		rows_seek(again.rows, rows_offset(first.rows));
		again.at = (size_t)rows_offset(first.rows);
		expect_rest(&again, wanted, taken, texts[_i].fault);
		rows_free(first.rows);
		rows_free(again.rows);
	}
	json_decref(wanted);
	json_decref(reader.headers);
}
END_TEST

/* A text without an end is not kept until the memory is gone. */
static const struct {
	enum asl_reader_input input;
	const char *begin;
	const char *rest;
	const char *fault;
} endless[] = {
    {ASL_READER_CSV, "a\n\"", "xxxxxxxx", "byte 2: the item is longer than 1 MiB"},
    {ASL_READER_JSONL, "[", "1,2,3,4,", "byte 0: the item is longer than 1 MiB"},
    {ASL_READER_JSON, "[[", "1,2,3,4,", "byte 1: the item is longer than 1 MiB"},
    {ASL_READER_CSV, "a\n", "\"xxxxxxx", "byte 2: the item is longer than 1 MiB"},
};

START_TEST(test_endless_item)
{
	struct asl_reader reader = {.input = endless[_i].input, .delimiter = ','};
	struct rows *rows = rows_new(&reader);
	struct tmf_err err = {0};
	struct buf piece = {0};
	json_t *item = NULL;
	enum rows_next next;
	size_t fed = 0;

	while (piece.len < 65536)
		buf_add_cstr(&piece, endless[_i].rest);
	rows_feed(rows, str_of(endless[_i].begin));
	for (; (next = rows_next(rows, &item, &err)) == ROWS_MORE; fed += piece.len) {
		ck_assert_uint_lt(fed, 2 * ROWS_ITEM_BYTES_MAX);
		rows_feed(rows, buf_str(&piece));
	}
	ck_assert_int_eq(next, ROWS_FAILED);
	ck_assert_str_eq(tmf_err_text(&err), endless[_i].fault);
	tmf_err_fini(&err);
	buf_fini(&piece);
	rows_free(rows);
}
END_TEST

/* AWS holds an item to 256 KiB of JSON text, and the names of the columns to 10 KiB. */
START_TEST(test_large_items)
{
	static const struct {
		const char *begin;
		size_t bytes;
		const char *fault; /* NULL: just fits */
	} larges[] = {
	    {"a\n", 262144 - 8, NULL},
	    {"a\n", 262144 - 7, "byte 2: the item is larger than 256 KiB"},
	    {"", 10240, "byte 0: the row of column names is longer than 10 KiB"},
	};

	for (int i = 0; i < COUNT(larges); i++) {
		struct asl_reader reader = {.input = ASL_READER_CSV, .delimiter = ','};
		struct rows *rows = rows_new(&reader);
		struct tmf_err err = {0};
		struct buf text = {0};
		json_t *item = NULL;

		buf_add_cstr(&text, larges[i].begin);
		while (text.len < strlen(larges[i].begin) + larges[i].bytes)
			buf_add_char(&text, 'x');
		buf_add_char(&text, '\n');
		rows_feed(rows, buf_str(&text));
		ck_assert_int_eq(rows_next(rows, &item, &err),
		    larges[i].fault != NULL ? ROWS_FAILED : ROWS_ITEM);
		if (larges[i].fault != NULL)
			ck_assert_str_eq(tmf_err_text(&err), larges[i].fault);
		json_decref(item);
		tmf_err_fini(&err);
		buf_fini(&text);
		rows_free(rows);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("data rows");
	TCase *tests = tcase_create("rows");

	tcase_add_loop_test(tests, test_pieces_of_any_size, 0, COUNT(texts));
	tcase_add_loop_test(tests, test_taken_up_behind_any_item, 0, COUNT(texts));
	tcase_add_loop_test(tests, test_endless_item, 0, COUNT(endless));
	tcase_add_test(tests, test_large_items);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
