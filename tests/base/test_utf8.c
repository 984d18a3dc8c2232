#include "base/jsonx.h"
#include "base/log.h"
#include "base/utf8.h"
#include "tmflow/error.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Malformed in every way: a lone continuation, too long a form, a surrogate, beyond the last
 * character, cut off. */
static const char *const malformed[] = {
    "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "\xe2\x82"};

START_TEST(characters)
{
	static const struct {
		const char *text;
		int32_t point;
	} whole[] = {{"a", 'a'}, {"\x7f", 0x7f}, {"\xc3\xa4", 0xe4}, {"\xe2\x82\xac", 0x20ac},
	    {"\xf0\x9f\x98\x80", 0x1f600}, {"\xf4\x8f\xbf\xbf", 0x10ffff}};
	size_t len;

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		ck_assert_int_eq(utf8_decode(whole[i].text, &len), whole[i].point);
		ck_assert_uint_eq(len, strlen(whole[i].text));
	}
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		ck_assert_int_eq(utf8_decode(malformed[i], &len), -1);
		ck_assert_uint_eq(len, 1);
	}
}
END_TEST

START_TEST(cuts)
{
	char out[4];

	ck_assert_uint_eq(utf8_cut("abc", 5), 3);
	ck_assert_uint_eq(utf8_cut("abc", 3), 3);
	ck_assert_uint_eq(utf8_cut("abc", 2), 2);
	ck_assert_uint_eq(utf8_cut("a\xe2\x82\xac", 3), 1);
	ck_assert_uint_eq(utf8_cut("a\xe2\x82\xac", 4), 4);
	ck_assert_uint_eq(utf8_cut("\xe2\x82\xac", 0), 0);
	utf8_copy(out, sizeof(out), "ab\xe2\x82\xac");
	ck_assert_str_eq(out, "ab");
	utf8_copy(out, sizeof(out), "\xe2\x82\xac!");
	ck_assert_str_eq(out, "\xe2\x82\xac");
	utf8_copy(out, sizeof(out),
	    "a\xff"
	    "b");
	ck_assert_str_eq(out, "a?b");
}
END_TEST

START_TEST(any_bytes_become_json)
{
	struct tmf_err err = {0};
	char name[TMF_ERR_NAME_BYTES_MAX + 2];

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		json_t *object = json_object();
		char *text;

		jsonx_put_string(object, "a", malformed[i]);
		jsonx_put_string_or_null(object, "b", malformed[i]);
		text = jsonx_text(object);
		ck_assert_ptr_nonnull(strstr(text, "\xef\xbf\xbd"));
		json_decref(object);
		object = jsonx_parse(str_of(text), &err);
		ck_assert_msg(object != NULL, "%s", tmf_err_text(&err));
		ck_assert_uint_eq(json_object_size(object), 2);
		json_decref(object);
		free(text);
	}
	/* A name that is too long is cut between characters. */
	memset(name, 'x', sizeof(name));
	memcpy(name + TMF_ERR_NAME_BYTES_MAX - 1, "\xc3\xa4", 3);
	tmf_err_set_name(&err, TMF_ERR_SERVICE, name, "text");
	ck_assert_uint_eq(strlen(err.name), TMF_ERR_NAME_BYTES_MAX - 1);
	tmf_err_fini(&err);
}
END_TEST

START_TEST(json_for_a_terminal)
{
	struct buf out = {0};
	struct tmf_err err = {0};
	json_t *value;
	char *text;

	/* CSI as one character, DEL, a direction mark, and what nobody minds. */
	value = json_pack("{s:s}", "k", "\xc2\x9b[31m \x7f \xe2\x80\xae \xc3\xa4 \n");
	text = jsonx_text(value);
	log_escape_json(&out, text);
	free(text);
	ck_assert_str_eq(buf_cstr(&out), "{\"k\":\"\\u009b[31m \\u007f \\u202e \xc3\xa4 \\n\"}");
	json_t *again = jsonx_parse(buf_str(&out), &err);
	ck_assert(json_equal(value, again));
	json_decref(again);
	json_decref(value);
	buf_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tests = tcase_create("utf8");

	tcase_add_test(tests, characters);
	tcase_add_test(tests, cuts);
	tcase_add_test(tests, any_bytes_become_json);
	tcase_add_test(tests, json_for_a_terminal);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
