#include "mirror/ownership.h"
#include "mirror/session.h"

#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <string.h>

/* What a rule makes of the sessions of an interface: each case is a list of sessions in JSON,
 * and the verdict with the session that decides it. */

static struct mirror_config *config;

static void
open_config(const char *text)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("/etc/mirror/blue.yaml", str_of(text), &err);
	struct diag_list diags;

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	diag_list_init(&diags, doc);
	config = mirror_config_load(doc, &diags);
	if (config == NULL)
		diag_print(&diags, stderr);
	ck_assert_ptr_nonnull(config);
	diag_list_fini(&diags);
	doc_free(doc);
}

static void
close_config(void)
{
	mirror_config_free(config);
}

#define RULE "vpcs:\n  - {name: r, vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1"

static const char *rule_text = RULE;

/* "tool configuration rule filter target number", each word "-" where there is none. */
static json_t *
session_of(const char *text, size_t index)
{
	static const char *const tags[] = {TAG_TOOL, TAG_CONFIGURATION, TAG_RULE};
	char words[6][32];
	char id[16];
	json_t *session = json_object();
	json_t *list = json_array();
	int number;

	ck_assert_int_eq(sscanf(text, "%31s %31s %31s %31s %31s %d", words[0], words[1], words[2],
			     words[3], words[4], &number),
	    6);
	for (size_t i = 0; i < 3; i++)
		if (strcmp(words[i], "-") != 0)
			tag_add(list, tags[i], words[i]);
	snprintf(id, sizeof(id), "tms-%zu", index);
	jsonx_put_string(session, "TrafficMirrorSessionId", id);
	jsonx_put_string(session, "NetworkInterfaceId", "eni-1");
	jsonx_put_string(session, "TrafficMirrorFilterId", words[3]);
	jsonx_put_string(session, "TrafficMirrorTargetId", words[4]);
	json_object_set_new(session, "SessionNumber", json_integer(number));
	json_object_set_new(session, "Tags", list);
	return session;
}

#define SESSIONS_MAX 4

struct judge_case {
	const char *rule; /* more of it */
	const char *sessions[SESSIONS_MAX];
	const char *verdict; /* with the index of the session that decides it */
};

static const char *const verdicts[] = {
    [SESSION_MISSING] = "missing",
    [SESSION_PRESENT] = "present",
    [SESSION_DRIFTED] = "drifted",
    [SESSION_CONFLICT] = "conflict",
    [SESSION_LIMIT] = "limit",
    [SESSION_DEAD] = "dead",
};

static const struct judge_case cases[] = {
    {"", {NULL}, "missing"},
    {"", {"tmflow blue r tmf-1 tmt-1 100"}, "present 0"},
    /* Another configuration's that mirrors the same serves as well, and keeps its number. */
    {"", {"tmflow red r tmf-1 tmt-1 7"}, "present 0"},
    {"", {"- - - tmf-1 tmt-1 7"}, "present 0"},
    /* What differs is changed where it is ours, whichever rule it was made for. */
    {"", {"tmflow blue r tmf-2 tmt-1 100"}, "drifted 0"},
    {"", {"tmflow blue r tmf-1 tmt-2 100"}, "drifted 0"},
    {"", {"tmflow blue other tmf-2 tmt-2 7"}, "drifted 0"},
    {", sessionNumber: 100", {"tmflow blue r tmf-1 tmt-1 7"}, "drifted 0"},
    /* And left alone where it is another configuration's, whatever the rules are called. */
    {", sessionNumber: 5", {"tmflow red r tmf-2 tmt-1 100"}, "missing"},
    {", sessionNumber: 5", {"tmflow red r tmf-1 tmt-2 100"}, "missing"},
    {", sessionNumber: 100", {"tmflow red r tmf-2 tmt-2 100"}, "conflict 0"},
    {", sessionNumber: 5", {"tmflow red r tmf-2 tmt-2 5"}, "conflict 0"},
    /* From before configurations had names: ours where rule, filter and target fit. */
    {"", {"tmflow - r tmf-1 tmt-1 100"}, "present 0"},
    {", sessionNumber: 5", {"tmflow - r tmf-1 tmt-1 100"}, "drifted 0"},
    {", sessionNumber: 5", {"tmflow - other tmf-1 tmt-1 100"}, "present 0"},
    {", sessionNumber: 5", {"tmflow - r tmf-2 tmt-1 100"}, "missing"},
    {", sessionNumber: 5", {"tmflow - r tmf-1 tmt-2 100"}, "missing"},
    {", sessionNumber: 100", {"tmflow - r tmf-2 tmt-1 100"}, "conflict 0"},
    /* Several: ours before others', and the rule's own before those of other rules. */
    {"", {"- - - tmf-1 tmt-1 7", "tmflow blue r tmf-1 tmt-1 100"}, "present 1"},
    {"", {"tmflow blue other tmf-2 tmt-2 7", "tmflow blue r tmf-2 tmt-2 8"}, "drifted 1"},
    {"", {"tmflow blue r tmf-2 tmt-2 7", "tmflow red r tmf-1 tmt-1 8"}, "present 1"},
    /* A rule that asks for no number has no conflict, and any number will do. */
    {"", {"- - - tmf-2 tmt-2 100"}, "missing"},
    {"", {"tmflow blue r tmf-1 tmt-1 7"}, "present 0"},
    {", sessionNumber: auto", {"- - - tmf-2 tmt-2 100", "- - - tmf-2 tmt-2 101"}, "missing"},
    /* Without room there is nothing that another number would mend. */
    {"", {"- - - tmf-2 tmt-2 100", "- - - tmf-2 tmt-2 2", "- - - tmf-2 tmt-2 3"}, "limit"},
    {", sessionNumber: 2", {"- - - tmf-2 tmt-2 1", "- - - tmf-2 tmt-2 2", "- - - tmf-2 tmt-2 3"},
	"limit"},
    {", sessionNumber: 1",
	{"- - - tmf-2 tmt-2 1", "- - - tmf-2 tmt-2 2", "tmflow blue r tmf-1 tmt-1 3"},
	"conflict 0"},
    {", sessionNumber: 5", {"- - - tmf-2 tmt-2 1", "- - - tmf-2 tmt-2 2", "- - - tmf-2 tmt-2 3"},
	"limit"},
    {", sessionNumber: 5",
	{"tmflow red r tmf-2 tmt-2 1", "tmflow red r tmf-2 tmt-2 2", "tmflow blue r tmf-2 tmt-2 3"},
	"drifted 2"},
};

static void
judge(const struct judge_case *at, bool type_is_dead)
{
	json_t *sessions = json_array();
	struct session_question question = {.interface_id = "eni-1",
	    .subnet_id = "subnet-1",
	    .type_is_dead = type_is_dead,
	    .sessions = sessions};
	const json_t *session;
	char text[256];
	char found[64];
	enum session_verdict verdict;

	snprintf(text, sizeof(text), "%s%s}\n", rule_text, at->rule);
	open_config(text);
	for (size_t i = 0; i < SESSIONS_MAX && at->sessions[i] != NULL; i++)
		json_array_append_new(sessions, session_of(at->sessions[i], i));
	question.rule = mirror_config_rule(config, 0);
	verdict = session_judge(&question, &session);
	snprintf(found, sizeof(found), "%s%s%s", verdicts[verdict], session != NULL ? " " : "",
	    session != NULL ? jsonx_get_string(session, "TrafficMirrorSessionId") + strlen("tms-")
			    : "");
	ck_assert_str_eq(found, at->verdict);
	json_decref(sessions);
	close_config();
}

START_TEST(test_verdicts)
{
	judge(&cases[_i], false);
}
END_TEST

/* A type that is not mirrored: what is there counts for nothing and is not repaired either. */
START_TEST(test_dead_type)
{
	static const struct judge_case dead[] = {
	    {"", {NULL}, "missing"},
	    {"", {"tmflow blue r tmf-1 tmt-1 100"}, "dead 0"},
	    {"", {"tmflow blue r tmf-2 tmt-1 100"}, "dead 0"},
	    {"", {"- - - tmf-1 tmt-1 100"}, "dead 0"},
	    {"", {"- - - tmf-2 tmt-1 100"}, "missing"},
	};

	for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
		judge(&dead[i], true);
}
END_TEST

/* With matching: all an interface has sessions of several rules: each changes its own only. */
START_TEST(test_matching_all)
{
	static const struct judge_case all[] = {
	    {"", {"tmflow blue r tmf-1 tmt-1 100"}, "present 0"},
	    {"", {"tmflow blue other tmf-1 tmt-1 100"}, "present 0"},
	    {"", {"tmflow blue r tmf-2 tmt-1 100"}, "drifted 0"},
	    {"", {"tmflow blue other tmf-2 tmt-1 100"}, "missing"},
	    {", sessionNumber: 100", {"tmflow blue other tmf-2 tmt-1 100"}, "conflict 0"},
	    {"",
		{"tmflow blue a tmf-2 tmt-1 1", "tmflow blue b tmf-3 tmt-1 2",
		    "tmflow blue c tmf-4 tmt-1 3"},
		"limit"},
	};

	rule_text = "matching: all\n" RULE;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		judge(&all[i], false);
}
END_TEST

START_TEST(test_number)
{
	static const struct {
		const char *rule;
		const char *sessions[SESSIONS_MAX];
		int number;
	} numbers[] = {
	    {"", {NULL}, 100},
	    {"", {"- - - tmf-2 tmt-2 99", "- - - tmf-2 tmt-2 101"}, 100},
	    {"", {"- - - tmf-2 tmt-2 101", "- - - tmf-2 tmt-2 100"}, 102},
	    {", sessionNumber: auto", {"- - - tmf-2 tmt-2 100"}, 101},
	    {", sessionNumber: 100", {"- - - tmf-2 tmt-2 100"}, 100},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		json_t *sessions = json_array();
		char text[256];

		snprintf(text, sizeof(text), RULE "%s}\n", numbers[i].rule);
		open_config(text);
		for (size_t k = 0; k < SESSIONS_MAX && numbers[i].sessions[k] != NULL; k++)
			json_array_append_new(sessions, session_of(numbers[i].sessions[k], k));
		ck_assert_int_eq(
		    session_number_for(mirror_config_rule(config, 0), sessions, "eni-1"),
		    numbers[i].number);
		/* Others' interfaces do not count. */
		ck_assert_int_eq(
		    session_number_for(mirror_config_rule(config, 0), sessions, "eni-2"), 100);
		json_decref(sessions);
		close_config();
	}
}
END_TEST

START_TEST(test_owner)
{
	static const struct {
		const char *session;
		enum session_owner owner;
		bool adoptable;
	} owners[] = {
	    {"- - - tmf-1 tmt-1 1", OWNER_STRANGER, false},
	    {"- blue r tmf-1 tmt-1 1", OWNER_STRANGER, false},
	    {"tmflow red r tmf-1 tmt-1 1", OWNER_OTHER, false},
	    {"tmflow - r tmf-1 tmt-1 1", OWNER_UNNAMED, true},
	    {"tmflow - other tmf-1 tmt-1 1", OWNER_UNNAMED, false},
	    {"tmflow - - tmf-1 tmt-1 1", OWNER_UNNAMED, false},
	    {"tmflow blue other tmf-1 tmt-1 1", OWNER_OURS, false},
	};

	open_config(RULE "}\n");
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		json_t *session = session_of(owners[i].session, i);

		ck_assert_int_eq(session_owner(session, "blue"), owners[i].owner);
		ck_assert_int_eq(session_is_adoptable(session, mirror_config_rule(config, 0)),
		    owners[i].adoptable);
		json_decref(session);
	}
	close_config();
}
END_TEST

/* Without a name of its own a configuration has that of its file. */
START_TEST(test_name)
{
	open_config(RULE "}\n");
	ck_assert_str_eq(mirror_config_name(config), "blue");
	close_config();
	open_config("name: green\n" RULE "}\n");
	ck_assert_str_eq(mirror_config_name(config), "green");
	ck_assert_str_eq(mirror_config_rule(config, 0)->configuration, "green");
	close_config();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session_judge");
	TCase *tcase = tcase_create("session_judge");

	tcase_add_loop_test(tcase, test_verdicts, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_dead_type);
	tcase_add_test(tcase, test_matching_all);
	tcase_add_test(tcase, test_number);
	tcase_add_test(tcase, test_owner);
	tcase_add_test(tcase, test_name);
	suite_add_tcase(suite, tcase);
	return run_suite(suite) == 0 ? 0 : 1;
}
