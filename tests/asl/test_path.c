#include "asl_vectors.h"

#include "asl/path/path.h"
#include "base/jsonx.h"
#include "base/watchdog.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define STORE                                                                                      \
	"{'book':[{'t':'A','p':8,'tags':['x','y']},{'t':'B','p':12.5,'isbn':'0'},"                 \
	"{'t':'C','p':9,'isbn':null,'sold':true}],'bike':{'p':20}}"

struct path_vector {
	const char *path;
	const char *input;
	const char *expected; /* NULL: nothing */
};

static const struct path_vector found[] = {
    {"$", "1", "1"},
    {"$", "null", "null"},
    {"$.a", "{'a':null}", "null"},
    {"$.a", "{'b':1}", NULL},
    {"$.a.b", "{'a':[{'b':1}]}", NULL},
    {"$.a.b", "{'a':null}", NULL},
    {"$.a", "[1]", NULL},
    {"$.a-b.c:d.e/f.@g.$h", "{'a-b':{'c:d':{'e/f':{'@g':{'$h':1}}}}}", "1"},
    {"$['a b'].c", "{'a b':{'c':2}}", "2"},
    {"$[\"a\"][ 'b' ]", "{'a':{'b':3}}", "3"},
    {"$['']", "{'':3}", "3"},
    {"$['a.b']", "{'a.b':1,'a':{'b':2}}", "1"},
    {"$['\xc3\xa9'].\xc3\xa9", "{'\xc3\xa9':{'\xc3\xa9':1}}", "1"},
    {"$[0]", "[5]", "5"},
    {"$[1]", "[5]", NULL},
    {"$[-1]", "[5,6]", "6"},
    {"$[-3]", "[5,6]", NULL},
    {"$[0][1]", "[[5,6]]", "6"},
    {"$[0]", "{'0':1}", NULL},
    {"$.a[*]", "{'a':[1,2]}", "[1,2]"},
    {"$.a.*", "{'a':{'x':1,'y':[2]}}", "[1,[2]]"},
    {"$[*]", "[]", "[]"},
    {"$[*]", "'text'", "[]"},
    {"$.no[*]", "{}", "[]"},
    {"$.no.where[*].x", "{}", "[]"},
    {"$.no.where[1:5].x", "{}", "[]"},
    {"$[*].x", "[{'x':1},{'y':2},{'x':null}]", "[1,null]"},
    {"$[1:3]", "[0,1,2,3,4]", "[1,2]"},
    {"$[:2]", "[0,1,2,3,4]", "[0,1]"},
    {"$[3:]", "[0,1,2,3,4]", "[3,4]"},
    {"$[-2:]", "[0,1,2,3,4]", "[3,4]"},
    {"$[:-2]", "[0,1,2,3,4]", "[0,1,2]"},
    {"$[-99:99]", "[0,1]", "[0,1]"},
    {"$[3:1]", "[0,1,2,3,4]", "[]"},
    {"$[::2]", "[0,1,2,3,4]", "[0,2,4]"},
    {"$[1:4:2]", "[0,1,2,3,4]", "[1,3]"},
    {"$[::-1]", "[0,1,2]", "[2,1,0]"},
    {"$[3:0:-2]", "[0,1,2,3,4]", "[3,1]"},
    {"$.length()", "[1,[2,3]]", "2"},
    {"$.a.length()", "{'a':{'x':1,'y':2}}", "2"},
    {"$.a.length()", "{'a':'text'}", "null"},
    {"$.a.length()", "{'b':1}", NULL},
    {"$.a[0].size( )", "{'a':[[1,2,3]]}", "3"},
    {"$.sum()", "[1,2.5,'3',null]", "3.5"},
    {"$.min()", "[3,-1,2]", "-1.0"},
    {"$.max()", "[-3,-1,-2]", "-1.0"},
    {"$.avg()", "[1,2,3,4]", "2.5"},
    {"$.stddev()", "[2,4,4,4,5,5,7,9]", "2.0"},
    {"$.keys()", "{'b':1,'a':2}", "['b','a']"},
    {"$.first()", "[5,6]", "5"},
    {"$.last()", "[5,6]", "6"},
    {"$.last()", "[]", NULL},
    {"$.length", "{'length':4}", "4"},
    {"$[?(@.a.length() > 1)].n", "[{'a':[1],'n':1},{'a':[1,2],'n':2},{'n':3}]", "[2]"},
    {"$[-2::-1]", "[0,1,2]", "[1,0]"},
    {"$[ 0 : 1 ]", "[0,1,2]", "[0]"},
    {"$.a.[0].b", "{'a':[{'b':1}]}", "1"},
    {"$.[*].k", "[{'k':1},{'k':2}]", "[1,2]"},
    {"$.x.['a b']", "{'x':{'a b':1}}", "1"},
    {"$.[?(@.n > 1)].n", "[{'n':1},{'n':2}]", "[2]"},
    {"$.a \t\n", "{'a':1}", "1"},
    {"$ ", "1", "1"},
    {"$[?(@.kind==fruit)].n", "[{'kind':'fruit','n':1},{'kind':'tool','n':2}]", "[1]"},
    {"$[?(@.kind == AMOUNT_PAID && @.n>0)].n", "[{'kind':'AMOUNT_PAID','n':1},{'n':2}]", "[1]"},
    {"$[?(@.v==1.2.3)].n", "[{'v':'1.2.3','n':1},{'v':1.2,'n':2}]", "[1]"},
    {"$[?(@.d==2026-01-15)].n", "[{'d':'2026-01-15','n':1},{'d':2026,'n':2}]", "[1]"},
    {"$[?(@.v==trueish)].n", "[{'v':'trueish','n':1},{'v':true,'n':2}]", "[1]"},
    {"$[?(@.v==true)].n", "[{'v':'true','n':1},{'v':true,'n':2}]", "[2]"},
    {"$[?(@.v==12)].n", "[{'v':12,'n':1},{'v':'x','n':2}]", "[1]"},
    {"$[?(@.v in [a,b-c])].n", "[{'v':'b-c','n':1},{'v':'b','n':2}]", "[1]"},
    {"$[::2147483647]", "[0,1,2]", "[0]"},
    {"$[0,2]", "[0,1,2]", "[0,2]"},
    {"$[2, -3, 7]", "[0,1,2]", "[2,0]"},
    {"$['a','c']", "{'a':1,'b':2,'c':3}", "{'a':1,'c':3}"},
    {"$['a','c']", "{'a':1}", "{'a':1}"},
    {"$['a','c']", "[1]", NULL},
    {"$['a','c'].x", "{'a':{'x':1},'c':{'x':2}}", "[1,2]"},
    {"$[*]['a','c']", "[{'a':1,'c':2},{'a':3}]", "[{'a':1,'c':2},{'a':3}]"},
    {"$..p", STORE, "[8,12.5,9,20]"},
    {"$..a", "{'a':{'a':1,'b':[{'a':2}]},'c':{'a':3}}", "[{'a':1,'b':[{'a':2}]},1,2,3]"},
    {"$..*", "{'a':{'b':1},'c':2}", "[{'b':1},2,1]"},
    {"$..[0]", "[[1,2],[3]]", "[[1,2],1,3]"},
    {"$..['a','b']", "{'a':1,'x':{'a':2,'b':3}}", "[{'a':2,'b':3}]"},
    {"$.a..b.c", "{'a':[{'b':{'c':1}},{'b':2}]}", "[1]"},
    {"$..a..b", "{'a':{'a':{'b':1}}}", "[1,1]"},
    {"$..nope", STORE, "[]"},
};

static const struct path_vector filtered[] = {
    {"$.book[?(@.p < 10)].t", STORE, "['A','C']"},
    {"$.book[?(@.p<=8)].t", STORE, "['A']"},
    {"$.book[?(@.p > 12)].t", STORE, "['B']"},
    {"$.book[?(@.p>=12.5)].t", STORE, "['B']"},
    {"$.book[?(10 > @.p)].t", STORE, "['A','C']"},
    {"$.book[?(@.t >= 'B')].t", STORE, "['B','C']"},
    {"$.book[?(@.t != 'B')].t", STORE, "['A','C']"},
    {"$.book[?(@.isbn)].t", STORE, "['B','C']"},
    {"$.book[?(!@.isbn)].t", STORE, "['A']"},
    {"$.book[?(!!@.isbn)].t", STORE, "['B','C']"},
    {"$.book[?(@.isbn == null)].t", STORE, "['C']"},
    {"$.book[?(@.isbn != null)].t", STORE, "['A','B']"},
    {"$.book[?(@.sold == true)].t", STORE, "['C']"},
    {"$.book[?(@.sold == false)].t", STORE, "[]"},
    {"$.book[?(@.t == 'A' && @.p == 8)].t", STORE, "['A']"},
    {"$.book[?(@.t == 'A' || @.t == 'B' && @.p == 0)].t", STORE, "['A']"},
    {"$.book[?((@.t == 'A' || @.t == 'B') && (@.p != 8 || !@.tags))].t", STORE, "['B']"},
    {"$.book[?(@['t'] == \"A\")].p", STORE, "[8]"},
    {"$.book[?(@.tags[0] == 'x')].t", STORE, "['A']"},
    {"$.book[?(@.tags[*])].t", STORE, "['A']"},
    {"$.book[?(@..x)].t", STORE, "[]"},
    {"$.book[?(@.t in ['A', 'C'])].t", STORE, "['A','C']"},
    {"$.book[?(@.t nin ['A', 'C'])].t", STORE, "['B']"},
    {"$.book[?(@.t IN [])].t", STORE, "[]"},
    {"$.book[?(@.tags contains 'y')].t", STORE, "['A']"},
    {"$.book[?(@.tags size 2)].t", STORE, "['A']"},
    {"$.book[?(@.t size 1)].t", STORE, "['A','B','C']"},
    {"$.book[?(@.tags empty false)].t", STORE, "['A']"},
    {"$.book[?(@.tags subsetof ['x','y','z'])].t", STORE, "['A']"},
    {"$.book[?(@.tags anyof ['y','q'])].t", STORE, "['A']"},
    {"$.book[?(@.tags noneof ['q'])].t", STORE, "['A']"},
    {"$.book[?(@.p < $.bike.p)].t", STORE, "['A','B','C']"},
    {"$.book[?(@.p > $.limit)].t", STORE, "[]"},
    {"$.bike[?(@.p == 20)]", STORE, "[{'p':20}]"},
    {"$.bike[?(@.p == 21)]", STORE, "[]"},
    {"$..[?(@.p == 20)]", STORE, "[{'p':20}]"},
    {"$..[?(@.p < 10)].t", STORE, "['A','C']"},
    {"$[?(@ > 1)]", "[1,2,'3']", "[2]"},
    {"$[?(@ == 1)]", "[1,1.0,'1','x',true,[1]]", "[1,1.0,'1']"},
    {"$[?(@ === 1)]", "[1,1.0,'1',true]", "[1,1.0]"},
    {"$[?(@ !== 1)]", "[1,1.0,'1']", "['1']"},
    {"$[?(@ == 9007199254740993)]", "[9007199254740992,9007199254740993]", "[9007199254740993]"},
    {"$[?(@ > 9007199254740992)]", "[9007199254740992,9007199254740993]", "[9007199254740993]"},
    {"$[?(@ == [1,'a',[true,null]])]", "[[1,'a',[true,null]],[1]]", "[[1,'a',[true,null]]]"},
    {"$[?(@ contains 'bc')]", "['abcd','xyz',3]", "['abcd']"},
    {"$[?(@ =~ /ab+c/)]", "['abbc','xabc','ABC',1]", "['abbc']"},
    {"$[?(@ =~ /ab+c/i)]", "['abbc','xabc','ABC']", "['abbc','ABC']"},
    {"$[?(@ =~ /i-[0-9a-f]{8,17}/)]", "['i-0123abcd','i-xyz']", "['i-0123abcd']"},
    {"$[?(@ =~ /a|b/)]", "['a','b','ab','xb']", "['a','b']"},
    {"$[?(@ =~ /\\d+\\.\\w*[\\s\\d.]/)]", "['12.ab ','x.ab ','12xab ']", "['12.ab ']"},
    {"$[?(@ =~ /[\\w.\\/]+\\D\\S?\\-\\$/)]", "['a.b/!x-$','a-']", "['a.b/!x-$']"},
    {"$[?(@ =~ /(a+)+(b{2,}|[^c])?/)]", "['aaabbb','ac','a']", "['aaabbb','a']"},
    {"$[?(@ =~ /.\xc3\xa9[\xc3\xa0-\xc3\xaf]/)]",
	"['\xe2\x82\xac\xc3\xa9\xc3\xa8','\xc3\xa9\xc3\xa9']", "['\xe2\x82\xac\xc3\xa9\xc3\xa8']"},
    {"$[?(@ =~ /^[\\]a\\-]*$/)]", "[']-a','b']", "[']-a']"},
    {"$[?(@ =~ /()|a||b{0}c{2}d{1,}e{0,2}/)]", "['','a','ccdddee','ccdeee','b']",
	"['','a','ccdddee']"},
    {"$[?(@ =~ /(a*)*b*?(c|d+?)+/)]", "['aabcd','ddd','aab']", "['aabcd','ddd']"},
    {"$[?(@ =~ /(((a*)*)*)*b/)]", "['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac']",
	"[]"},
    {"$[?(@ =~ /x.*[^A-F]/i)]", "['Xyz','xyf','XYF']", "['Xyz']"},
    {"$[?(@ =~ /a.b/)]", "['a\\nb','a b','ab']", "['a b']"},
    {"$[?(@ =~ /a$b|c^d/)]", "['ab','cd','a$b']", "[]"},
    {"$[?(@ =~ /[\\d-]+\\t\\W[a-]/)]", "['1-2\\t!-']", "['1-2\\t!-']"},
    {"$[?(@ =~ /(?:a\\/b)*/)]", "['a/ba/b','ab']", "['a/ba/b']"},
    {"$[?(@ =~ /(ab?)\\1/)]", "['abab','aba','aa']", "['abab','aa']"},
    {"$[?(@ =~ /(?=.*\\d)(?!x).*/)]", "['a1','x1','a']", "['a1']"},
    {"$[?(@ =~ /a\\b.*\\bc/)]", "['a c','abc']", "['a c']"},
    {"$[?(@ =~ /[[:alpha:]]+/)]", "['ab','a1']", "['ab']"},
    {"$[?(@ =~ /[a-z&&[^aeiou]]+/)]", "['xyz','xay']", "['xyz']"},
    {"$[?(@ =~ /[a-d[m-p]]+/)]", "['am','ae']", "['am']"},
    {"$[?(@ =~ /[^a-d[m-p]&&[^x]]/)]", "['a','m','x','y']", "['x','y']"},
    {"$[?(@ =~ /[a-z&&b-y&&[^m]]/)]", "['a','b','m','z']", "['b']"},
    {"$[?(@ =~ /[\\p{Punct}x]+/)]", "['!x','a']", "['!x']"},
    {"$[?(@ =~ /\\u0041\\u00e9/)]", "['A\xc3\xa9','u0041']", "['A\xc3\xa9']"},
    {"$[?(@ =~ /\\uD83D\\uDE00/)]", "['\xf0\x9f\x98\x80','x']", "['\xf0\x9f\x98\x80']"},
    {"$[?(@ =~ /\\0101\\07?/)]", "['A','0101']", "['A']"},
    {"$[?(@ =~ /(?d)a.b/)]", "['a b','a\\nb']", "['a b']"},
    {"$[?(@ =~ /(?iu:a)b/)]", "['Ab','AB']", "['Ab']"},
    {"$[?(@ =~ /(?U)\\w+/)]", "['\xc3\xa9','!']", "['\xc3\xa9']"},
    {"$[?(@ =~ /\\p{IsLatin}+/)]", "['ab','\xce\xb1']", "['ab']"},
    {"$[?(@ =~ /\\p{script=Greek}/)]", "['a','\xce\xb1']", "['\xce\xb1']"},
    {"$[?(@ =~ /\\P{javaLowerCase}/)]", "['a','A']", "['A']"},
    {"$[?(@ =~ /\\Qa.b[\\E+/)]", "['a.b[','axb[']", "['a.b[']"},
    {"$[?(@ =~ /a*+b/)]", "['aab','aac']", "['aab']"},
    {"$[?(@ =~ /a*+ab/)]", "['aab']", "[]"},
    {"$[?(@ =~ /((a{20}){20}){2}/)]", "['a']", "[]"},
    {"$[?(@.a[?(@.b == 2)])]", "[{'a':[{'b':1}]},{'a':[{'b':2}]}]", "[{'a':[{'b':2}]}]"},
    {"$[?(@.a=='x')]", "[{'a':'x'}]", "[{'a':'x'}]"},
    {"$[?( @.a && !(@.b) )]", "[{'a':1},{'a':1,'b':1}]", "[{'a':1}]"},
    {"$[?(@.v == 'it\\'s')]", "[{'v':1}]", "[]"},
};

static void
check_vector(const struct path_vector *vector)
{
	struct vector_scope v;
	struct tmf_err err = {0};
	struct asl_path *path = asl_path_parse(str_of(vector->path), &err);
	json_t *value = NULL;
	enum asl_found result;

	ck_assert_msg(path != NULL, "%s: %s", vector->path, tmf_err_text(&err));
	/* The blanks behind a path are not its own. */
	ck_assert_int_eq(
	    strncmp(vector->path, asl_path_text(path), strlen(asl_path_text(path))), 0);
	ck_assert_uint_eq(strlen(asl_path_text(path)) +
			      strspn(vector->path + strlen(asl_path_text(path)), " \t\r\n"),
	    strlen(vector->path));
	vector_scope_init(&v, vector->input, NULL, NULL);
	result = asl_path_eval(path, &v.scope, &value, &err);
	ck_assert_msg(result != ASL_FOUND_ERROR, "%s: %s", vector->path, tmf_err_text(&err));
	ck_assert_msg((result == ASL_FOUND) == (vector->expected != NULL), "%s", vector->path);
	if (vector->expected != NULL)
		vector_expect(vector->path, value, vector->expected);
	vector_scope_fini(&v);
	asl_path_free(path);
}

START_TEST(test_found)
{
	check_vector(&found[_i]);
}
END_TEST

START_TEST(test_filtered)
{
	check_vector(&filtered[_i]);
}
END_TEST

/* FACTS 12: a backslash before a double quote is an ordinary character. */
START_TEST(test_escapes_in_names)
{
	json_t *input = json_pack("{s:i,s:i,s:i}", "Test\\\"\"Name\"", 1, "it's", 2, "a\\b", 3);
	struct asl_scope scope = {.input = input};
	static const char *const paths[] = {"$['Test\\\"\"Name\"']", "$['it\\'s']", "$['a\\\\b']"};

	for (int i = 0; i < 3; i++) {
		struct asl_path *path = asl_path_parse(str_of(paths[i]), NULL);
		json_t *value = NULL;

		ck_assert_int_eq(asl_path_eval(path, &scope, &value, NULL), ASL_FOUND);
		ck_assert_int_eq(json_integer_value(value), i + 1);
		json_decref(value);
		asl_path_free(path);
	}
	json_decref(input);
}
END_TEST

static const char *const invalid[] = {
    "",
    "a",
    ".a",
    "..a",
    "()",
    " $",
    "$.",
    "$..",
    "$...",
    "$.a.",
    "$.a b",
    "$a b",
    "$.a[",
    "$.a]",
    "$[]",
    "$['a",
    "$['a'",
    "$['a',]",
    "$['a' 'b']",
    "$['a',1]",
    "$[1,'a']",
    "$[a]",
    "$[1.5]",
    "$[1:2:0]",
    "$[1:2:3:4]",
    "$[1,]",
    "$[--1]",
    "$[99999999999]",
    "$.a.length(",
    "$.a.length(1)",
    "$.a.length().b",
    "$.a.length()[0]",
    "$.a.Length()",
    "$.a.concat('b')",
    "$.a['length']()",
    "$.a,b",
    "$.*.sum()",
    "$.a[1:].sum()",
    "$..length()",
    "$['a','b'].keys()",
    "$['a'](1)",
    "$$$",
    "$.a\x01",
    "$[?]",
    "$[?()]",
    "$[?(@.a]",
    "$[?(@.a)",
    "$[?@.a]",
    "$[?(@.a ==)]",
    "$[?(== 1)]",
    "$[?(1)]",
    "$[?('a')]",
    "$[?(@.a = 1)]",
    "$[?(@.a == 1 &&)]",
    "$[?(@.a == 1 & @.b)]",
    "$[?(@.a == /x/)]",
    "$[?(@.a == x y)]",
    "$[?(fruit)]",
    "$[?(@.a in [x y])]",
    "$[?(@.a in [1,)]",
    "$[?(@.a =~ 'x')]",
    "$[?(@.a =~ /x)]",
    "$[?(@.a =~ /(/)]",
    "$[?(@.a =~ /a++++++++++++/)]",
    "$[?(@.a =~ /*a/)]",
    "$[?(@.a =~ /a)(b/)]",
    "$[?(@.a =~ /a{2,1}/)]",

    "$[?(@.a =~ /[z-a]/)]",
    "$[?(@.a =~ /[]/)]",
    "$[?(@.a =~ /a**/)]",
    "$[?(@.a =~ /a|*/)]",
    "$[?(@.a =~ /a\\/)]",
    "$[?(@.a =~ /[a/)]",
    "$[?(@.a =~ /t[e\\d]{1,\xff\x33}x/)]", /* not UTF-8 */
    "@.a",
    "$[?(@.a.length( > 1)]",
    "$[?(@.a == {})]",
};

START_TEST(test_invalid)
{
	struct tmf_err err = {0};
	struct asl_path *path = asl_path_parse(str_of(invalid[_i]), &err);

	ck_assert_msg(path == NULL, "%s", invalid[_i]);
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	ck_assert_str_ne(tmf_err_text(&err), "");
	tmf_err_fini(&err);
}
END_TEST

START_TEST(test_nul_is_refused)
{
	struct tmf_err err = {0};

	ck_assert_ptr_null(asl_path_parse((struct str){"$.a\0b", 5}, &err));
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	tmf_err_fini(&err);
}
END_TEST

static void
expect_too_much(const char *head, const char *part, size_t times, const char *tail)
{
	struct buf text = {0};
	struct tmf_err err = {0};

	buf_add_cstr(&text, head);
	for (size_t i = 0; i < times; i++)
		buf_add_cstr(&text, part);
	buf_add_cstr(&text, tail);
	ck_assert_ptr_null(asl_path_parse(buf_str(&text), &err));
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	tmf_err_fini(&err);
	buf_fini(&text);
}

START_TEST(test_limits_of_the_text)
{
	expect_too_much("$", ".a", ASL_PATH_STEPS_MAX + 1, "");
	expect_too_much("$.", "a", ASL_PATH_BYTES_MAX, "");
	expect_too_much("$[?(", "(", 100, "");
	expect_too_much("$[0", ",0", 1000, "]");
	expect_too_much("$['a'", ",'a'", 1000, "]");
	expect_too_much("$[?(@ in ", "[", 100, "");
	expect_too_much("$", "[?(@", 100, "");
	expect_too_much("$[?(@ =~ /", "a", 300, "/)]");
}
END_TEST

/* Many descents over a list would visit its elements over and over. */
START_TEST(test_limit_of_visits)
{
	json_t *input = json_array();
	struct asl_scope scope = {.input = input};
	struct asl_path *path = asl_path_parse(STR("$[*][?($..[*])]"), NULL);
	struct tmf_err err = {0};
	json_t *value = NULL;

	for (int i = 0; i < 1000; i++)
		json_array_append_new(input, json_pack("[i,i]", i, i));
	ck_assert_int_eq(asl_path_eval(path, &scope, &value, &err), ASL_FOUND_ERROR);
	ck_assert_str_eq(err.name, "States.Runtime");
	ck_assert_ptr_null(value);
	tmf_err_fini(&err);
	asl_path_free(path);
	json_decref(input);
}
END_TEST

/* {"arr": [...], "big": ..., "same": a copy of big}: 100,000 elements, and a text of 8,191 ~ and
 * what makes no match of it. */
static json_t *
limit_input(void)
{
	char text[8193];
	json_t *list = json_array();

	memset(text, '~', sizeof(text) - 2);
	text[sizeof(text) - 2] = '!';
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 100000; i++)
		json_array_append_new(list, json_integer(i));
	return json_pack("{s:o, s:s, s:s}", "arr", list, "big", text, "same", text);
}

/* Evaluates text on input, which must end as err_name says. */
static void
expect_path_fails(const char *text, json_t *input, const char *err_name)
{
	struct asl_scope scope = {.input = input};
	struct tmf_err err = {0};
	struct asl_path *path = asl_path_parse(str_of(text), &err);
	json_t *value = NULL;

	ck_assert_msg(path != NULL, "%s", tmf_err_text(&err));
	ck_assert_int_eq(asl_path_eval(path, &scope, &value, &err), ASL_FOUND_ERROR);
	ck_assert_str_eq(err.name, err_name);
	ck_assert_ptr_null(value);
	tmf_err_fini(&err);
	asl_path_free(path);
}

/* One comparison of large values, or one match, for each node of a list: hours without the budget
 * of the path. */
START_TEST(test_limit_of_work)
{
	static const char *const paths[] = {
	    "$.arr[?($.big == $.same)]", "$.arr[?($.big === $.same)]", "$.arr[?($.big <= $.same)]",
	    "$.arr[?($.big contains 'x')]", "$.arr[?('x' in $.arr)]", "$.arr[?($.arr == $.arr)]",
	    "$.arr[?($.big =~ /(?:~~?)*[xy]/)]", /* more ways than anybody waits for */
	    "$.arr[?($.big =~ /(.*)*[xy]/i)]",
	    "$.arr[?($.big =~ /~*!/)]", /* cheap each, a hundred thousand times */
	};
	json_t *input = limit_input();

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		expect_path_fails(paths[i], input, "States.Runtime");
	json_decref(input);
}
END_TEST

/* The watchdog ends a path in its middle, with a name that Catch can take. */
START_TEST(test_watchdog)
{
	json_t *input = limit_input();

	watchdog_begin();
	watchdog_expire();
	expect_path_fails("$.arr[*]", input, "TMFlow.Timeout");
	expect_path_fails("$.arr[?(@ =~ /a/)]", input, "TMFlow.Timeout");
	watchdog_end();
	json_decref(input);
}
END_TEST

START_TEST(test_limit_of_depth)
{
	json_t *input = json_array();
	struct asl_scope scope = {0};
	struct asl_path *path = asl_path_parse(STR("$..a"), NULL);
	struct tmf_err err = {0};
	json_t *value = NULL;

	for (int i = 0; i < 3000; i++)
		input = json_pack("[o]", input);
	scope.input = input;
	ck_assert_int_eq(asl_path_eval(path, &scope, &value, &err), ASL_FOUND_ERROR);
	ck_assert_str_eq(err.name, "States.Runtime");
	tmf_err_fini(&err);
	asl_path_free(path);
	json_decref(input);
}
END_TEST

static const struct path_vector rooted[] = {
    {"$$.Map.Item.Value.a", NULL, "7"},
    {"$$", NULL, "{'Map':{'Item':{'Value':{'a':7}}}}"},
    {"$x.a[1]", NULL, "2"},
    {"$x", NULL, "{'a':[1,2]}"},
    {"$_y1", NULL, "3"},
    {"$x.b", NULL, NULL},
    {"$.list[?(@ == $_y1)]", NULL, "[3]"},
    {"$.list[?(@ == $x.a[1])]", NULL, "[2]"},
};

START_TEST(test_roots)
{
	const struct path_vector *vector = &rooted[_i];
	struct vector_scope v;
	struct asl_path *path = asl_path_parse(str_of(vector->path), NULL);
	json_t *value = NULL;
	enum asl_found result;

	vector_scope_init(&v, "{'list':[1,2,3]}", "{'x':{'a':[1,2]},'_y1':3}",
	    "{'Map':{'Item':{'Value':{'a':7}}}}");
	result = asl_path_eval(path, &v.scope, &value, NULL);
	ck_assert_int_eq(result, vector->expected != NULL ? ASL_FOUND : ASL_FOUND_NOTHING);
	if (vector->expected != NULL)
		vector_expect(vector->path, value, vector->expected);
	vector_scope_fini(&v);
	asl_path_free(path);
}
END_TEST

START_TEST(test_undefined_variable)
{
	static const char *const paths[] = {"$no", "$no[*]", "$[?(@ == $no)]"};
	struct vector_scope v;

	vector_scope_init(&v, "[1]", "{'x':1}", NULL);
	for (size_t i = 0; i < 3; i++) {
		struct asl_path *path = asl_path_parse(str_of(paths[i]), NULL);
		struct tmf_err err = {0};
		json_t *value = NULL;

		ck_assert_int_eq(asl_path_eval(path, &v.scope, &value, &err), ASL_FOUND_ERROR);
		ck_assert_str_eq(err.name, "States.Runtime");
		ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "'$no'"));
		tmf_err_fini(&err);
		asl_path_free(path);
	}
	vector_scope_fini(&v);
}
END_TEST

/* A definite path hands out the very node, not a copy. */
START_TEST(test_definite_shares)
{
	struct vector_scope v;
	struct asl_path *path = asl_path_parse(STR("$.a"), NULL);
	json_t *value = NULL;

	vector_scope_init(&v, "{'a':[1]}", NULL, NULL);
	ck_assert_int_eq(asl_path_eval(path, &v.scope, &value, NULL), ASL_FOUND);
	ck_assert_ptr_eq(value, json_object_get(v.scope.input, "a"));
	json_decref(value);
	asl_path_free(path);
	vector_scope_fini(&v);
}
END_TEST

struct text_vector {
	const char *path;
	const char *bracket;
	bool definite;
	const char *variable;
};

static const struct text_vector texts[] = {
    {"$", "$", true, NULL},
    {"$.a.b[0]", "$['a']['b'][0]", true, NULL},
    {"$['a'][-1]", "$['a'][-1]", true, NULL},
    {"$.a.*", "$['a'][*]", false, NULL},
    {"$..a[1:]", "$..['a'][1:]", false, NULL},
    {"$[:2:2]", "$[:2:2]", false, NULL},
    {"$[1,2]", "$[1,2]", false, NULL},
    {"$['a','b']", "$['a','b']", true, NULL},
    {"$['a','b'].c", "$['a','b']['c']", false, NULL},
    {"$.a[?(@.b)]", "$['a'][?]", false, NULL},
    {"$v.a", "$['a']", true, "v"},
    {"$$.a", "$['a']", true, NULL},
};

START_TEST(test_texts)
{
	const struct text_vector *vector = &texts[_i];
	struct asl_path *path = asl_path_parse(str_of(vector->path), NULL);
	struct buf out = {0};

	asl_path_bracket_text(path, &out);
	ck_assert_str_eq(buf_cstr(&out), vector->bracket);
	ck_assert_int_eq(asl_path_is_definite(path), vector->definite);
	if (vector->variable == NULL)
		ck_assert_ptr_null(asl_path_variable(path));
	else
		ck_assert_str_eq(asl_path_variable(path), vector->variable);
	buf_fini(&out);
	asl_path_free(path);
}
END_TEST

static const struct path_vector explained[] = {
    {"$.NoSuchInputPath", "{'a':1}", "No results for path: $['NoSuchInputPath']"},
    {"$.no.such.result.path", "{'a':1}", "Missing property in path $['no']"},
    {"$.a.b.c", "{'a':{}}", "Missing property in path $['a']['b']"},
    {"$.a.b", "{'a':{}}", "No results for path: $['a']['b']"},
    {"$.a[3].b", "{'a':[]}", "No results for path: $['a'][3]['b']"},
    {"$.a.b.c", "{'a':'text'}", "No results for path: $['a']['b']['c']"},
};

START_TEST(test_explain)
{
	const struct path_vector *vector = &explained[_i];
	struct asl_path *path = asl_path_parse(str_of(vector->path), NULL);
	struct vector_scope v;
	struct buf out = {0};

	vector_scope_init(&v, vector->input, NULL, NULL);
	asl_path_explain(path, &v.scope, &out);
	ck_assert_str_eq(buf_cstr(&out), vector->expected);
	buf_fini(&out);
	vector_scope_fini(&v);
	asl_path_free(path);
}
END_TEST

static const struct path_vector put_vectors[] = {
    {"$", "{'a':1}", "'new'"},
    {"$.a", "{'a':1,'b':2}", "{'a':'new','b':2}"},
    {"$.c", "{'a':1}", "{'a':1,'c':'new'}"},
    {"$.a.b.c", "{}", "{'a':{'b':{'c':'new'}}}"},
    {"$.a.b", "{'a':{'x':1}}", "{'a':{'x':1,'b':'new'}}"},
    {"$.a[1]", "{'a':[1,2,3]}", "{'a':[1,'new',3]}"},
    {"$[0].x", "[{},2]", "[{'x':'new'},2]"},
    {"$['a b']", "{}", "{'a b':'new'}"},
    {"$.a", "[1]", NULL},
    {"$.a", "'text'", NULL},
    {"$.a", "null", NULL},
    {"$.a.b", "{'a':1}", NULL},
    {"$.a[3]", "{'a':[1,2,3]}", NULL},
    {"$.a[0]", "{'a':[]}", NULL},
    {"$.a[0]", "{}", NULL},
    {"$.a[0]", "{'a':{}}", NULL},
};

START_TEST(test_put)
{
	const struct path_vector *vector = &put_vectors[_i];
	struct asl_path *path = asl_reference_path_parse(str_of(vector->path), NULL);
	json_t *target = vector_json(vector->input);
	json_t *value = json_string("new");
	json_t *result = NULL;
	struct tmf_err err = {0};
	int rc = asl_path_put(path, target, value, &result, &err);

	ck_assert_msg((rc == 0) == (vector->expected != NULL), "%s", vector->path);
	if (rc == 0) {
		vector_expect(vector->path, result, vector->expected);
	} else {
		ck_assert_str_eq(err.name, "States.ResultPathMatchFailure");
		ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), vector->path));
	}
	vector_expect("the target stays as it was", target, vector->input);
	tmf_err_fini(&err);
	json_decref(value);
	asl_path_free(path);
}
END_TEST

START_TEST(test_put_shares)
{
	struct asl_path *path = asl_reference_path_parse(STR("$.a"), NULL);
	json_t *target = vector_json("{'big':[1,2,3]}");
	json_t *result = NULL;

	ck_assert_int_eq(asl_path_put(path, target, json_null(), &result, NULL), 0);
	ck_assert_ptr_eq(json_object_get(result, "big"), json_object_get(target, "big"));
	json_decref(result);
	json_decref(target);
	asl_path_free(path);
}
END_TEST

static const char *const no_references[] = {
    "$foo",
    "$$",
    "$$.a",
    "$.a[*]",
    "$.*",
    "$..a",
    "$.a[1:2]",
    "$.a[0,1]",
    "$['a','b']",
    "$[?(@.a)]",
    "$.a[-1]",
    "$...",
    "..guid",
    ".guid",
    "()",
    "",
};

START_TEST(test_no_reference_path)
{
	struct tmf_err err = {0};

	ck_assert_ptr_null(asl_reference_path_parse(str_of(no_references[_i]), &err));
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	tmf_err_fini(&err);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("asl_path");
	TCase *tcase = tcase_create("path");
	int failed;

	tcase_add_loop_test(tcase, test_found, 0, COUNT(found));
	tcase_add_loop_test(tcase, test_filtered, 0, COUNT(filtered));
	tcase_add_test(tcase, test_escapes_in_names);
	tcase_add_loop_test(tcase, test_invalid, 0, COUNT(invalid));
	tcase_add_test(tcase, test_nul_is_refused);
	tcase_add_test(tcase, test_limits_of_the_text);
	tcase_add_test(tcase, test_limit_of_visits);
	tcase_add_test(tcase, test_limit_of_work);
	tcase_add_test(tcase, test_watchdog);
	tcase_add_test(tcase, test_limit_of_depth);
	tcase_add_loop_test(tcase, test_roots, 0, COUNT(rooted));
	tcase_add_test(tcase, test_undefined_variable);
	tcase_add_test(tcase, test_definite_shares);
	tcase_add_loop_test(tcase, test_texts, 0, COUNT(texts));
	tcase_add_loop_test(tcase, test_explain, 0, COUNT(explained));
	tcase_add_loop_test(tcase, test_put, 0, COUNT(put_vectors));
	tcase_add_test(tcase, test_put_shares);
	tcase_add_loop_test(tcase, test_no_reference_path, 0, COUNT(no_references));
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
