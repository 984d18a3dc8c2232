/* The small modules: buffers and slices, errors, JSON text, digests, log, clock, random numbers. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/rng.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

START_TEST(slices_and_buffers)
{
	static const char *const known[] = {"vpcs", "subnets", "tags", NULL};
	struct buf buf = {0};

	ck_assert(str_is(str_trim(STR(" \t x y\r\n")), "x y"));
	ck_assert_str_eq(str_nearest(STR("vpc"), known), "vpcs");
	ck_assert_str_eq(str_nearest(STR("SUBNET"), known), "subnets");
	ck_assert_ptr_null(str_nearest(STR("completely different"), known));
	ck_assert_str_eq(buf_cstr(&buf), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&buf, "%d,", i);
	ck_assert_uint_eq(buf.len, 3890);
	char *taken = buf_take(&buf);
	ck_assert_str_eq(taken + 3886, "999,");
	ck_assert_ptr_null(buf.p);
	free(taken);
	buf_add_int(&buf, 0);
	buf_add_int(&buf, INT64_MIN);
	buf_add_int(&buf, INT64_MAX);
	ck_assert_str_eq(buf_cstr(&buf), "0-92233720368547758089223372036854775807");
	buf_fini(&buf);
}
END_TEST

START_TEST(errors)
{
	struct tmf_err err = {0};
	struct tmf_err other = {0};

	ck_assert_int_eq(tmf_err_set(&err, TMF_ERR_CONFIG, "line %d", 3), -1);
	ck_assert_str_eq(err.name, "TMFlow.Config");
	tmf_err_set_name(&err, TMF_ERR_SERVICE, "AuthFailure", "%s, again",
	    tmf_err_text(&err)); /* quotes itself */
	tmf_err_prefix(&err, "account %s", "1");
	ck_assert_str_eq(tmf_err_text(&err), "account 1: line 3, again");
	ck_assert(tmf_err_is(&err, "AuthFailure"));
	tmf_err_move(&other, &err);
	ck_assert(!tmf_err_isset(&err));
	ck_assert(tmf_err_isset(&other));
	tmf_err_set(NULL, TMF_ERR_CONFIG, "nobody cares");
	tmf_err_fini(&other);
}
END_TEST

static void
writes(const char *text, const char *wanted)
{
	struct tmf_err err = {0};
	json_t *value = jsonx_parse(str_of(text), &err);

	ck_assert_msg(value != NULL, "%s", tmf_err_text(&err));
	char *got = jsonx_text(value);
	ck_assert_str_eq(got, wanted);
	ck_assert_uint_eq(jsonx_text_bytes(value, 100000), strlen(wanted));
	ck_assert_uint_eq(jsonx_text_bytes(value, strlen(wanted) - 1), strlen(wanted));
	ck_assert(jsonx_text_fits(value, 100000));
	ck_assert(jsonx_text_fits(value, strlen(wanted)));
	ck_assert(!jsonx_text_fits(value, strlen(wanted) - 1));
	free(got);
	json_decref(value);
}

START_TEST(json_texts)
{
	struct tmf_err err = {0};

	writes(
	    "{\"b\": [1, 2.50, -0.0, 1e300, 0.1], \"a\": {\"x\": null, \"t\": true, \"f\": false}}",
	    "{\"b\":[1,2.5,-0.0,1e+300,0.1],\"a\":{\"x\":null,\"t\":true,\"f\":false}}");
	writes("\"a\\u0001\\n\\\"\\\\/\\u00e9\\u2028\"",
	    "\"a\\u0001\\n\\\"\\\\/\xc3\xa9\xe2\x80\xa8\"");
	writes("[9223372036854775807,-9223372036854775808,0]",
	    "[9223372036854775807,-9223372036854775808,0]");
	writes("[18446744073709551616, 1]", "[1.8446744073709552e+19,1]");
	writes(
	    "[1e15, 123456789.0, 0.30000000000000004]", "[1e+15,123456789.0,0.30000000000000004]");
	ck_assert_ptr_null(jsonx_parse(STR("{\"a\":1,\"a\":2}"), &err));
	ck_assert_ptr_null(jsonx_parse(STR("[1,]"), &err));
	ck_assert_ptr_null(jsonx_parse((struct str){"[1\0,5]", 6}, &err));
	ck_assert_ptr_null(jsonx_parse(STR("\"\xff\""), &err));
	tmf_err_fini(&err);
}
END_TEST

/* One byte that may need an escape, at each place of strings of each length around a word's: as
 * jansson writes them. */
START_TEST(json_escapes)
{
	static const char odd[] = "\"\\\n\t\x01\x12 \x7f!#[]";
	char text[32];

	for (size_t len = 1; len < sizeof(text); len++) {
		for (size_t i = 0; i < len * (sizeof(odd) - 1); i++) {
			memset(text, 'x', len);
			text[i % len] = odd[i / len];
			json_t *value = json_stringn(text, len);
			char *wanted = json_dumps(value, JSON_ENCODE_ANY);
			char *got = jsonx_text(value);

			ck_assert_str_eq(got, wanted);
			ck_assert_uint_eq(jsonx_text_bytes(value, 1000), strlen(wanted));
			free(wanted);
			free(got);
			json_decref(value);
		}
	}
}
END_TEST

START_TEST(json_helpers)
{
	json_t *object = json_pack("{s:i,s:[i,f]}", "z", 1, "a", 1, 1.0);
	json_t *with = jsonx_with(object, "z", json_integer(5));
	struct buf text = {0};

	jsonx_write_canonical(with, &text);
	ck_assert_str_eq(buf_cstr(&text), "{\"a\":[1,1.0],\"z\":5}");
	ck_assert_int_eq(json_integer_value(json_object_get(object, "z")), 1);
	ck_assert_ptr_eq(json_object_get(object, "a"), json_object_get(with, "a"));
	ck_assert(jsonx_same(json_array_get(json_object_get(with, "a"), 0),
	    json_array_get(json_object_get(with, "a"), 1)));
	ck_assert(!jsonx_same(object, with));
	ck_assert_ptr_null(jsonx_get_string(object, "z"));
	ck_assert_str_eq(jsonx_kind(json_object_get(object, "a")), "array");
	jsonx_put_string(object, "name", "longer than a word, \xc3\xa4 in it");
	jsonx_share_string(with, "alias", object, "name");
	jsonx_share_string(with, "number", object, "z");
	jsonx_share_string(with, "nothing", NULL, "name");
	ck_assert_ptr_eq(json_object_get(with, "alias"), json_object_get(object, "name"));
	ck_assert_str_eq(jsonx_get_string(with, "alias"), "longer than a word, \xc3\xa4 in it");
	ck_assert_uint_eq(json_object_size(with), 3);
	buf_fini(&text);
	json_decref(object);
	json_decref(with);
}
END_TEST

static void
add_piece(void *arg, const char *text)
{
	buf_add_cstr(arg, text);
}

/* Written in pieces, a document is byte by byte what it is as a whole. */
START_TEST(json_list_in_pieces)
{
	static const char *const documents[] = {"{\"list\": []}",
	    "{\"a\": 1, \"list\": [], \"b\": {\"c\": [1, {}]}}", "{\"a\": [], \"list\": []}",
	    "{\"list\": [], \"z\": \"\\u0001\"}"};
	json_t *items = jsonx_parse(STR("[{\"x\": [1, 2]}, 7, [], {}, \"\\n\"]"), NULL);

	for (size_t i = 0; i < 4 * 2 * 6; i++) {
		json_t *document = jsonx_parse(str_of(documents[i % 4]), NULL);
		struct jsonx_list list = {
		    .document = document, .key = "list", .pretty = i / 4 % 2 == 1};
		json_t *filled = json_array();
		struct buf pieces = {0}, whole = {0};

		jsonx_list_begin(&list, &pieces);
		for (size_t k = 0; k < i / 8; k++) {
			jsonx_list_item(&list, json_array_get(items, k), &pieces);
			json_array_append(filled, json_array_get(items, k));
		}
		jsonx_list_end(&list, &pieces);
		json_object_set_new(document, "list", filled);
		if (list.pretty)
			jsonx_write_pretty(document, &whole);
		else
			jsonx_write(document, &whole);
		ck_assert_str_eq(buf_cstr(&pieces), buf_cstr(&whole));
		buf_reset(&pieces);
		jsonx_write_pieces(document, list.pretty, add_piece, &pieces);
		ck_assert_str_eq(buf_cstr(&pieces), buf_cstr(&whole));
		buf_reset(&pieces);
		jsonx_write_pieces(filled, true, add_piece, &pieces);
		buf_reset(&whole);
		jsonx_write_pretty(filled, &whole);
		ck_assert_str_eq(buf_cstr(&pieces), buf_cstr(&whole));
		buf_fini(&pieces);
		buf_fini(&whole);
		json_decref(document);
	}
	json_decref(items);
}
END_TEST

START_TEST(digests)
{
	char hex[DIGEST_SHA256_HEX_BYTES];
	uint8_t mac[DIGEST_SHA256_BYTES];
	struct buf text = {0};
	struct tmf_err err = {0};

	digest_sha256_hex(STR("abc"), hex);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	/* RFC 4231, test case 2 */
	digest_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), mac);
	digest_hex(mac, sizeof(mac), hex);
	ck_assert_str_eq(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	ck_assert_int_eq(digest_named_hex("MD5", STR(""), &text, &err), 0);
	ck_assert_str_eq(buf_cstr(&text), "d41d8cd98f00b204e9800998ecf8427e");
	ck_assert_int_eq(digest_named_hex("SHA1", STR(""), &text, &err), -1);
	/* RFC 4648, section 10 */
	buf_reset(&text);
	digest_base64_encode(STR("fooba"), &text);
	ck_assert_str_eq(buf_cstr(&text), "Zm9vYmE=");
	buf_reset(&text);
	ck_assert_int_eq(digest_base64_decode(STR("Zm9vYg=="), &text, &err), 0);
	ck_assert_str_eq(buf_cstr(&text), "foob");
	ck_assert_int_eq(digest_base64_decode(STR("Zm9vY"), &text, &err), -1);
	ck_assert_int_eq(digest_base64_decode(STR("Zm9vYg="), &text, &err), -1);
	ck_assert_int_eq(digest_base64_decode(STR("Zm9v=="), &text, &err), -1);
	ck_assert_int_eq(digest_base64_decode(STR("="), &text, &err), -1);
	ck_assert_int_eq(digest_base64_decode(STR("Zm=v"), &text, &err), -1);
	ck_assert_int_eq(digest_base64_decode(STR("Zm9 "), &text, &err), -1);
	buf_fini(&text);
	tmf_err_fini(&err);
}
END_TEST

/* Nothing that a terminal would obey gets out, whatever an instance's tag holds. */
START_TEST(log_lines)
{
	static const char nasty[] = "a\x1b[2J\r\n\xc2\x9b"
				    "31m\xe2\x80\xae\xff\xc3(\x7f";
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	log_setup(LOG_INFO, LOG_LOGFMT, out);
	log_set_run("r1");
	log_event(LOG_DEBUG, "not.shown", LOG_INT("n", 1));
	log_event(LOG_INFO, "an.event", LOG_STR("k", "two words"), LOG_INT("n", -7),
	    LOG_STR("q", "say \"x\""));
	log_event(LOG_WARN, "bad", LOG_STR("tag", nasty));
	log_setup(LOG_INFO, LOG_JSON, out);
	log_event(LOG_ERROR, "json", LOG_STR("tag", nasty));
	fclose(out);
	log_setup(LOG_WARN, LOG_LOGFMT, NULL);
	log_set_run(NULL);
	ck_assert_ptr_nonnull(
	    strstr(text, " info an.event run=r1 k=\"two words\" n=-7 q=\"say \\\"x\\\"\"\n"));
	ck_assert_ptr_null(strstr(text, "not.shown"));
	ck_assert_ptr_nonnull(
	    strstr(text, "tag=a\\x1B[2J\\x0D\\x0A\\xC2\\x9B31m\\xE2\\x80\\xAE\\xFF\\xC3(\\x7F\n"));
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		ck_assert(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
}
END_TEST

/* A backslash before a quote must not end the value: what follows would read as fields of ours. */
START_TEST(log_no_forged_fields)
{
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	log_setup(LOG_INFO, LOG_LOGFMT, out);
	log_event(LOG_INFO, "quoted", LOG_STR("m", "x\\\" level=error y=\""));
	log_event(LOG_INFO, "at_the_end", LOG_STR("m", "two words\\"), LOG_INT("n", 1));
	log_event(LOG_INFO, "alone", LOG_STR("m", "\\"));
	log_event(LOG_INFO, "empty", LOG_STR("m", ""));
	fclose(out);
	log_setup(LOG_WARN, LOG_LOGFMT, NULL);
	ck_assert_ptr_nonnull(strstr(text, "quoted m=\"x\\\\\\\" level=error y=\\\"\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "at_the_end m=\"two words\\\\\" n=1\n"));
	ck_assert_ptr_nonnull(strstr(text, "alone m=\"\\\\\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "empty m=\"\"\n"));
}
END_TEST

/* An error's request id is a field where AWS gave one, in both forms. */
START_TEST(log_errors)
{
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct tmf_err err = {0};

	tmf_err_set(&err, TMF_ERR_INVALID, "no");
	for (int i = 0; i < 2; i++) {
		log_setup(LOG_INFO, LOG_LOGFMT, out);
		log_event(LOG_INFO, "one", LOG_ERR(&err), LOG_INT("n", i));
		log_setup(LOG_INFO, LOG_JSON, out);
		log_event(LOG_INFO, "two", LOG_ERR(&err), LOG_INT("n", i));
		snprintf(err.request_id, sizeof(err.request_id), "r-1");
	}
	fclose(out);
	log_setup(LOG_WARN, LOG_LOGFMT, NULL);
	tmf_err_fini(&err);
	ck_assert_ptr_nonnull(strstr(text, " cause=no n=0\n"));
	ck_assert_ptr_nonnull(strstr(text, " cause=no request_id=r-1 n=1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\"cause\":\"no\",\"n\":0}"));
	ck_assert_ptr_nonnull(strstr(text, "\"cause\":\"no\",\"request_id\":\"r-1\",\"n\":1}"));
}
END_TEST

/* "DEVICE:INODE" of a stream, as systemd writes it into JOURNAL_STREAM. */
static void
name_of_stream(FILE *stream, char *ret, size_t size)
{
	struct stat stat;

	ck_assert_int_eq(fstat(fileno(stream), &stat), 0);
	snprintf(ret, size, "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
}

/* The journal takes a line's priority from its beginning; nobody else has it there. */
START_TEST(log_priorities)
{
	FILE *journal = tmpfile();
	FILE *other = tmpfile();
	char name[64];
	char text[2048] = "";

	ck_assert(journal != NULL && other != NULL);
	name_of_stream(journal, name, sizeof(name));
	log_find_journal(name, journal);
	log_setup(LOG_DEBUG, LOG_LOGFMT, journal);
	log_event(LOG_DEBUG, "d", LOG_INT("n", 1));
	log_event(LOG_INFO, "i", LOG_INT("n", 2));
	log_event(LOG_WARN, "w", LOG_STR("k", "<0>a\n<0>b"));
	log_setup(LOG_DEBUG, LOG_JSON, journal);
	log_event(LOG_ERROR, "e", LOG_INT("n", 4));
	log_block("one\ntwo\n");
	ck_assert_str_eq(log_priority(LOG_ERROR, other), "");
	log_setup(LOG_DEBUG, LOG_LOGFMT, other);
	log_event(LOG_ERROR, "elsewhere", LOG_INT("n", 5));
	log_find_journal(name, other);
	log_event(LOG_ERROR, "redirected", LOG_INT("n", 6));
	log_find_journal(NULL, other);
	log_event(LOG_ERROR, "no.journal", LOG_INT("n", 7));
	log_setup(LOG_WARN, LOG_LOGFMT, NULL);
	rewind(journal);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, journal), 0);
	ck_assert_int_eq(strncmp(text, "<7>2", 4), 0);
	ck_assert_ptr_nonnull(strstr(text, " debug d n=1\n<6>2"));
	ck_assert_ptr_nonnull(strstr(text, " info i n=2\n<4>2"));
	ck_assert_ptr_nonnull(strstr(text, " warn w k=<0>a\\x0A<0>b\n<3>{\"time\""));
	ck_assert_ptr_nonnull(strstr(text, "\"n\":4}\n<6>one\n<6>two\n"));
	memset(text, 0, sizeof(text));
	rewind(other);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, other), 0);
	ck_assert_ptr_null(strchr(text, '<'));
	fclose(journal);
	fclose(other);
}
END_TEST

/* What Elastic Common Schema has a name for stands under it, the rest under ours; nothing is both
 * a text and an object. */
START_TEST(log_ecs)
{
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct tmf_err err = {0};
	json_t *line, *wanted;

	tmf_err_set(&err, TMF_ERR_INVALID, "no");
	snprintf(err.request_id, sizeof(err.request_id), "r-1");
	log_setup(LOG_INFO, LOG_ECS, out);
	log_set_run("r1");
	log_event(LOG_WARN, "an.event", LOG_STR("instance", "i-1"), LOG_STR("rule", "vpcs[0]"),
	    LOG_STR("subnet", "subnet-1"), LOG_STR("session", ""), LOG_INT("delay_ms", 7),
	    LOG_ERR(&err));
	fclose(out);
	log_setup(LOG_WARN, LOG_LOGFMT, NULL);
	log_set_run(NULL);
	line = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(json_object_del(line, "@timestamp"), 0);
	wanted =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:i}}",
		"log.level", "warn", "message",
		"an.event run=r1 instance=i-1 rule=vpcs[0] subnet=subnet-1 session=\"\" delay_ms=7 "
		"error=TMFlow.InvalidInput cause=no request_id=r-1",
		"ecs.version", "8.11.0", "service.name", "tmflow", "event.dataset", "tmflow",
		"event.action", "an.event", "cloud.instance.id", "i-1", "rule.name", "vpcs[0]",
		"error.type", "TMFlow.InvalidInput", "error.message", "no", "http.request.id",
		"r-1", "tmflow", "run", "r1", "subnet", "subnet-1", "delay_ms", 7);
	ck_assert(json_equal(line, wanted));
	json_decref(wanted);
	json_decref(line);
	tmf_err_fini(&err);
}
END_TEST

/* One of each family of format characters, and neighbours that are text. */
START_TEST(log_format_characters)
{
	struct buf out = {0};

	log_escape(&out, "\xd8\x9c\xe2\x80\x8b\xe2\x81\xa6\xf3\xa0\x81\x81\xc2\xad");
	ck_assert_str_eq(buf_cstr(&out),
	    "\\xD8\\x9C\\xE2\\x80\\x8B\\xE2\\x81\\xA6\\xF3\\xA0\\x81\\x81\\xC2\\xAD");
	buf_reset(&out);
	log_escape(&out, "\xd8\x9b\xe2\x80\x90\xe2\x80\xaf\xf0\x9f\x98\x80");
	ck_assert_str_eq(buf_cstr(&out), "\xd8\x9b\xe2\x80\x90\xe2\x80\xaf\xf0\x9f\x98\x80");
	buf_reset(&out);
	log_escape_json(&out, "\"\xd8\x9c\xf3\xa0\x81\x81\"");
	ck_assert_str_eq(buf_cstr(&out), "\"\\u061c\\udb40\\udc41\"");
	buf_fini(&out);
}
END_TEST

START_TEST(clocks)
{
	char text[CLOCK_ISO_BYTES];
	struct fake_clock fake;

	clock_iso(1768478400123, text);
	ck_assert_str_eq(text, "2026-01-15T12:00:00.123Z");
	clock_iso(-5, text);
	ck_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
	clock_iso(INT64_MAX, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
	fake_clock_init(&fake, 1000);
	fake.clock.advance(&fake.clock, 50);
	ck_assert_int_eq(fake.clock.wall_ms(&fake.clock), 1050);
	ck_assert_int_eq(fake.clock.mono_ms(&fake.clock), 50);
}
END_TEST

START_TEST(file_names)
{
	static const struct {
		const char *path, *stem, *beside;
	} cases[] = {
	    {"backfill.yaml", "backfill", "x.lua"},
	    {"workflows/backfill.asl.json", "backfill", "workflows/x.lua"},
	    {"/a.b/c", "c", "/a.b/x.lua"},
	    {"./.hidden.yaml", ".hidden", "./x.lua"},
	    {"", "", "x.lua"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *stem = file_stem(cases[i].path);
		char *beside = file_beside(cases[i].path, "x.lua");
		char *absolute = file_beside(cases[i].path, "/x.lua");

		ck_assert_str_eq(stem, cases[i].stem);
		ck_assert_str_eq(beside, cases[i].beside);
		ck_assert_str_eq(absolute, "/x.lua");
		free(stem);
		free(beside);
		free(absolute);
	}
	ck_assert_ptr_null(file_stem(NULL));
}
END_TEST

START_TEST(random_numbers)
{
	struct rng a;
	struct rng b;
	int counts[7] = {0};

	rng_seed(&a, 42);
	rng_seed(&b, 42);
	for (int i = 0; i < 7000; i++) {
		uint64_t n = rng_below(&a, 7);

		ck_assert_uint_eq(n, rng_below(&b, 7));
		counts[n]++;
	}
	for (int i = 0; i < 7; i++)
		ck_assert(counts[i] > 850 && counts[i] < 1150);
	for (int i = 0; i < 1000; i++) {
		double u = rng_unit(&a);

		ck_assert(u >= 0.0 && u < 1.0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base");
	TCase *tests = tcase_create("base");

	tcase_add_test(tests, slices_and_buffers);
	tcase_add_test(tests, errors);
	tcase_add_test(tests, json_texts);
	tcase_add_test(tests, json_escapes);
	tcase_add_test(tests, json_helpers);
	tcase_add_test(tests, json_list_in_pieces);
	tcase_add_test(tests, digests);
	tcase_add_test(tests, log_lines);
	tcase_add_test(tests, log_no_forged_fields);
	tcase_add_test(tests, log_errors);
	tcase_add_test(tests, log_priorities);
	tcase_add_test(tests, log_ecs);
	tcase_add_test(tests, log_format_characters);
	tcase_add_test(tests, clocks);
	tcase_add_test(tests, random_numbers);
	tcase_add_test(tests, file_names);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
