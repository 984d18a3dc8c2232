#include "asl_vectors.h"
#include "machine_vectors.h"

#include "asl/state/choice_internal.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct choice_vector {
	const char *rule; /* without Next */
	bool holds;
};

#define INPUT                                                                                      \
	"{'s':'foo','t':'foobar','e':'','n':5,'r':5.5,'f':5.0,'big':9007199254740993,"             \
	"'b':true,'c':false,'z':null,'a':[1],'o':{'s':'foo'},'d':'2026-01-15T12:00:00Z',"          \
	"'d2':'2026-01-15T13:00:00.000000000+01:00','later':'2026-01-15T12:00:00.001Z',"           \
	"'star':'a*b','slash':'a\\\\b'}"

#define RULE(variable, test) "'Variable':'" variable "'," test

static const struct choice_vector vectors[] = {
    /* strings */
    {RULE("$.s", "'StringEquals':'foo'"), true},
    {RULE("$.s", "'StringEquals':'Foo'"), false},
    {RULE("$.n", "'StringEquals':'5'"), false},
    {RULE("$.s", "'StringEqualsPath':'$.o.s'"), true},
    {RULE("$.s", "'StringEqualsPath':'$.n'"), false},
    {RULE("$.s", "'StringLessThan':'foobar'"), true},
    {RULE("$.t", "'StringLessThan':'foo'"), false},
    {RULE("$.s", "'StringLessThanPath':'$.t'"), true},
    {RULE("$.e", "'StringLessThan':' '"), true},
    {RULE("$.t", "'StringGreaterThan':'foo'"), true},
    {RULE("$.s", "'StringGreaterThan':'foo'"), false},
    {RULE("$.t", "'StringGreaterThanPath':'$.s'"), true},
    {RULE("$.s", "'StringLessThanEquals':'foo'"), true},
    {RULE("$.t", "'StringLessThanEqualsPath':'$.s'"), false},
    {RULE("$.s", "'StringGreaterThanEquals':'foo'"), true},
    {RULE("$.s", "'StringGreaterThanEqualsPath':'$.t'"), false},

    /* numbers */
    {RULE("$.n", "'NumericEquals':5"), true},
    {RULE("$.n", "'NumericEquals':5.0"), true},
    {RULE("$.f", "'NumericEquals':5"), true},
    {RULE("$.r", "'NumericEquals':5.5"), true},
    {RULE("$.b", "'NumericEquals':1"), false},
    {RULE("$.s", "'NumericEquals':0"), false},
    {RULE("$.n", "'NumericEqualsPath':'$.f'"), true},
    {RULE("$.n", "'NumericLessThan':5.5"), true},
    {RULE("$.r", "'NumericLessThan':5"), false},
    {RULE("$.r", "'NumericLessThanPath':'$.n'"), false},
    {RULE("$.r", "'NumericGreaterThan':5"), true},
    {RULE("$.n", "'NumericGreaterThanPath':'$.r'"), false},
    {RULE("$.n", "'NumericLessThanEquals':5"), true},
    {RULE("$.n", "'NumericLessThanEqualsPath':'$.r'"), true},
    {RULE("$.n", "'NumericGreaterThanEquals':5.5"), false},
    {RULE("$.n", "'NumericGreaterThanEqualsPath':'$.f'"), true},
    {RULE("$.big", "'NumericEquals':9007199254740992.0"), false},
    {RULE("$.big", "'NumericGreaterThan':9007199254740992.0"), true},
    {RULE("$.big", "'NumericLessThan':1e300"), true},
    {RULE("$.big", "'NumericGreaterThan':-1e300"), true},
    {RULE("$.n", "'NumericGreaterThan':-5.5"), true},

    /* booleans */
    {RULE("$.b", "'BooleanEquals':true"), true},
    {RULE("$.c", "'BooleanEquals':true"), false},
    {RULE("$.c", "'BooleanEquals':false"), true},
    {RULE("$.z", "'BooleanEquals':false"), false},
    {RULE("$.b", "'BooleanEqualsPath':'$.b'"), true},
    {RULE("$.b", "'BooleanEqualsPath':'$.n'"), false},

    /* time stamps */
    {RULE("$.d", "'TimestampEquals':'2026-01-15T12:00:00Z'"), true},
    {RULE("$.d", "'TimestampEqualsPath':'$.d2'"), true},
    {RULE("$.d", "'TimestampEqualsPath':'$.s'"), false},
    {RULE("$.d", "'TimestampLessThanPath':'$.later'"), true},
    {RULE("$.d", "'TimestampLessThan':'2026-01-15T12:00:00Z'"), false},
    {RULE("$.later", "'TimestampGreaterThan':'2026-01-15T12:00:00Z'"), true},
    {RULE("$.d", "'TimestampGreaterThanPath':'$.later'"), false},
    {RULE("$.d", "'TimestampLessThanEqualsPath':'$.d2'"), true},
    {RULE("$.later", "'TimestampLessThanEquals':'2026-01-15T12:00:00Z'"), false},
    {RULE("$.d", "'TimestampGreaterThanEqualsPath':'$.d2'"), true},
    {RULE("$.d", "'TimestampGreaterThanEquals':'2026-01-15T12:00:01Z'"), false},
    {RULE("$.n", "'TimestampEquals':'2026-01-15T12:00:00Z'"), false},

    /* what it is */
    {RULE("$.z", "'IsNull':true"), true},
    {RULE("$.s", "'IsNull':true"), false},
    {RULE("$.s", "'IsNull':false"), true},
    {RULE("$.z", "'IsPresent':true"), true},
    {RULE("$.none", "'IsPresent':true"), false},
    {RULE("$.none", "'IsPresent':false"), true},
    {RULE("$.none.deep[3]", "'IsPresent':false"), true},
    {RULE("$.n", "'IsNumeric':true"), true},
    {RULE("$.r", "'IsNumeric':true"), true},
    {RULE("$.b", "'IsNumeric':false"), true},
    {RULE("$.s", "'IsString':true"), true},
    {RULE("$.o", "'IsString':true"), false},
    {RULE("$.c", "'IsBoolean':true"), true},
    {RULE("$.n", "'IsBoolean':true"), false},
    {RULE("$.d", "'IsTimestamp':true"), true},
    {RULE("$.s", "'IsTimestamp':true"), false},
    {RULE("$.n", "'IsTimestamp':false"), true},

    /* patterns */
    {RULE("$.t", "'StringMatches':'foobar'"), true},
    {RULE("$.t", "'StringMatches':'foo*'"), true},
    {RULE("$.t", "'StringMatches':'*bar'"), true},
    {RULE("$.t", "'StringMatches':'f*b*r'"), true},
    {RULE("$.t", "'StringMatches':'*o*o*'"), true},
    {RULE("$.t", "'StringMatches':'*o*o*o*'"), false},
    {RULE("$.t", "'StringMatches':'*'"), true},
    {RULE("$.t", "'StringMatches':''"), false},
    {RULE("$.e", "'StringMatches':'*'"), true},
    {RULE("$.e", "'StringMatches':''"), true},
    {RULE("$.t", "'StringMatches':'foo'"), false},
    {RULE("$.t", "'StringMatches':'**bar**'"), true},
    {RULE("$.star", "'StringMatches':'a\\\\*b'"), true},
    {RULE("$.t", "'StringMatches':'f\\\\*r'"), false},
    {RULE("$.slash", "'StringMatches':'a\\\\\\\\b'"), true},
    {RULE("$.slash", "'StringMatches':'a\\\\b'"), true},
    {RULE("$.slash", "'StringMatches':'*\\\\\\\\*'"), true},
    {RULE("$.star", "'StringMatches':'*\\\\\\\\*'"), false},
    {RULE("$.n", "'StringMatches':'*'"), false},

    /* where a value may come from */
    {RULE("$$.Execution.Name", "'StringEquals':'run'"), true},
    {RULE("$v.x", "'NumericEqualsPath':'$$.Execution.Number'"), true},
    {RULE("$.n", "'NumericEqualsPath':'$v.x'"), true},
    {RULE("$", "'IsPresent':true"), true},

    /* And, Or, Not */
    {"'And':[{" RULE("$.b", "'BooleanEquals':true") "},{" RULE("$.z", "'IsNull':true") "}]", true},
    {"'And':[{" RULE("$.b", "'BooleanEquals':true") "},{" RULE("$.s", "'IsNull':true") "}]", false},
    {"'And':[{" RULE("$.c", "'BooleanEquals':true") "},{" RULE("$.none", "'IsNull':true") "}]",
	false},
    {"'Or':[{" RULE("$.c", "'BooleanEquals':true") "},{" RULE("$.z", "'IsNull':true") "}]", true},
    {"'Or':[{" RULE("$.c", "'BooleanEquals':true") "},{" RULE("$.s", "'IsNull':true") "}]", false},
    {"'Or':[{" RULE("$.b", "'BooleanEquals':true") "},{" RULE("$.none", "'IsNull':true") "}]",
	true},
    {"'Not':{" RULE("$.b", "'BooleanEquals':true") "}", false},
    {"'Not':{'Or':[{'Not':{" RULE("$.b", "'BooleanEquals':true") "}}]}", true},
    {"'And':[{'Or':[{" RULE("$.n", "'NumericEquals':4") "},{" RULE(
	 "$.n", "'NumericEquals':5") "}]},{'Not':{" RULE("$.none", "'IsPresent':true") "}}]",
	true},
};

#define NOT_FOUND(path)                                                                            \
	"Invalid path '" path "': The choice state's condition path references an invalid value."

static const struct {
	const char *rule;
	const char *cause;
} failures[] = {
    {RULE("$.none", "'StringEquals':'x'"), NOT_FOUND("$.none")},
    {RULE("$.none", "'IsNull':true"), NOT_FOUND("$.none")},
    {RULE("$.s", "'StringEqualsPath':'$.o.none'"), NOT_FOUND("$.o.none")},
    {"'Not':{" RULE("$.none", "'IsString':true") "}", NOT_FOUND("$.none")},
    {"'Or':[{" RULE("$.none", "'IsString':true") "},{" RULE("$.s", "'IsString':true") "}]",
	NOT_FOUND("$.none")},
};

/* A rule within a machine, and what it is tried on. */
struct choice {
	struct asl_machine *machine;
	const struct asl_choice_rule *rule;
	struct vector_scope v;
};

static void
choice_init(struct choice *c, const char *rule)
{
	char *state = mem_printf("{'Type':'Choice','Choices':[{%s,'Next':'T'}]}", rule);

	c->machine = vector_state(state);
	c->rule = asl_machine_find(c->machine, "S")->u.choice.rules;
	vector_scope_init(&c->v, INPUT, "{'v':{'x':5}}", "{'Execution':{'Name':'run','Number':5}}");
	free(state);
}

static void
choice_fini(struct choice *c)
{
	vector_scope_fini(&c->v);
	asl_machine_unref(c->machine);
}

START_TEST(test_rules)
{
	struct tmf_err err = {0};
	struct choice c;

	choice_init(&c, vectors[_i].rule);
	ck_assert_msg(asl_choice_holds(c.rule, &c.v.scope, &err) == vectors[_i].holds, "%s %s",
	    vectors[_i].rule, tmf_err_text(&err));
	ck_assert(!tmf_err_isset(&err));
	choice_fini(&c);
}
END_TEST

START_TEST(test_failures)
{
	struct tmf_err err = {0};
	struct choice c;

	choice_init(&c, failures[_i].rule);
	ck_assert_int_eq(asl_choice_holds(c.rule, &c.v.scope, &err), -1);
	ck_assert_str_eq(err.name, "States.Runtime");
	ck_assert_str_eq(tmf_err_text(&err), failures[_i].cause);
	tmf_err_fini(&err);
	choice_fini(&c);
}
END_TEST

START_TEST(test_long_pattern)
{
	struct buf text = {0};
	struct choice c;

	/* Backtracking into every * of these would take until the end of the world. */
	choice_init(&c, RULE("$.s", "'StringMatches':'*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b'"));
	for (int i = 0; i < 5000; i++)
		buf_add_char(&text, 'a');
	json_object_set_new(c.v.scope.input, "s", json_string(buf_cstr(&text)));
	ck_assert_int_eq(asl_choice_holds(c.rule, &c.v.scope, NULL), 0);
	choice_fini(&c);
	buf_fini(&text);
}
END_TEST

/* How often jansson has asked for memory. */
static int allocations;

static void *
count_malloc(size_t bytes)
{
	allocations++;
	return malloc(bytes);
}

START_TEST(test_definite_paths_make_nothing)
{
	static const char rule[] =
	    "'And':[{'Variable':'$.s','StringMatches':'f*'},{'Variable':'$.n','NumericLessThanPath'"
	    ":"
	    "'$.r'},{'Variable':'$.o','IsPresent':true},{'Not':{'Variable':'$$.Execution.Number',"
	    "'NumericGreaterThanPath':'$v.x'}},{'Variable':'$.d','TimestampEqualsPath':'$.d2'}]";
	struct choice c;

	choice_init(&c, rule);
	json_set_alloc_funcs(count_malloc, free);
	ck_assert_int_eq(asl_choice_holds(c.rule, &c.v.scope, NULL), 1);
	ck_assert_int_eq(allocations, 0);
	json_decref(json_array()); /* were it made, it would be counted */
	ck_assert_int_gt(allocations, 0);
	choice_fini(&c);
}
END_TEST

/* --- recorded results --- */

struct tally {
	int cases;
	int wrong;
	int jsonata;
};

/* The name of the state that is entered behind the first Choice. */
static const char *
chosen(const struct asl_state *state, json_t *input)
{
	struct asl_scope scope = {.input = input};

	for (size_t i = 0; i < state->u.choice.rule_count; i++) {
		struct tmf_err err = {0};
		int holds = asl_choice_holds(&state->u.choice.rules[i], &scope, &err);

		ck_assert_msg(holds >= 0, "%s", tmf_err_text(&err));
		if (holds > 0)
			return state->u.choice.rules[i].next->name;
	}
	return state->u.choice.otherwise->name;
}

static void
try_case(void *arg, json_t *corpus_case)
{
	static const char *const groups[] = {"ls.boolean_equals.", "ls.numeric.",
	    "ls.is_operators.", "ls.string_operators.", "ls.timestamp_operators."};
	struct tally *tally = arg;
	const char *id = jsonx_get_string(corpus_case, "id");
	json_t *output = json_object_get(json_object_get(corpus_case, "expect"), "output");
	const char *want = jsonx_get_string(output, "TestResult.$");
	struct asl_machine *machine;
	const char *got;
	bool ours = false;
	char *text;

	if (vector_has(json_object_get(corpus_case, "features"), "JSONata")) {
		tally->jsonata++;
		return;
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		ours = ours || strncmp(id, groups[i], strlen(groups[i])) == 0;
	if (!ours)
		return;
	text = jsonx_text(json_object_get(corpus_case, "definition"));
	machine = vector_machine(text);
	got = chosen(asl_machine_states(machine)->start, json_object_get(corpus_case, "input"));
	tally->cases++;
	if (want == NULL || strcmp(want, got) != 0) {
		printf("%s: AWS took %s, here it is %s\n", id, want, got);
		tally->wrong++;
	}
	asl_machine_unref(machine);
	free(text);
}

START_TEST(test_recordings)
{
	struct tally tally = {0};

	if (vector_each_case(TEST_SHARED_DIR "/asl-conformance/execution", try_case, &tally) == 0)
		return;
	printf(
	    "%d recorded choices, %d of them not as AWS made them; %d cases in JSONata skipped\n",
	    tally.cases, tally.wrong, tally.jsonata);
	ck_assert_int_gt(tally.cases, 250);
	ck_assert_int_eq(tally.wrong, 0);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* A star before a text that nearly matches at each place: seconds, where each is tried in turn. */
START_TEST(wildcards_take_a_linear_time)
{
	struct buf pattern = {0};
	struct buf text = {0};

	buf_add_char(&pattern, '*');
	for (int i = 0; i < 200000; i++)
		buf_add_char(&text, 'a');
	buf_add(&pattern, text.p, 100000);
	buf_add_cstr(&pattern, "b*");
	ck_assert(!choice_matches(buf_str(&pattern), buf_str(&text)));
	buf_add_char(&text, 'b');
	ck_assert(choice_matches(buf_str(&pattern), buf_str(&text)));
	buf_fini(&pattern);
	buf_fini(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("asl_choice");
	TCase *tcase = tcase_create("choice");
	int failed;

	tcase_add_loop_test(tcase, test_rules, 0, COUNT(vectors));
	tcase_add_loop_test(tcase, test_failures, 0, COUNT(failures));
	tcase_add_test(tcase, test_long_pattern);
	tcase_add_test(tcase, wildcards_take_a_linear_time);
	tcase_add_test(tcase, test_definite_paths_make_nothing);
	tcase_add_test(tcase, test_recordings);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
