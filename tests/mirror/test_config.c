#include "mirror/config/config.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "config_schema.h"
#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What `tmflow validate` would print, and the configuration if it is one. */
struct loaded {
	struct mirror_config *config;
	char *text;
};

static struct loaded
load(const char *yaml)
{
	struct loaded loaded = {0};
	struct diag_list diags;
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("c.yaml", str_of(yaml), &err);
	size_t size;
	FILE *out = open_memstream(&loaded.text, &size);

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	diag_list_init(&diags, doc);
	loaded.config = mirror_config_load(doc, &diags);
	ck_assert_int_eq(loaded.config == NULL, diags.errors > 0);
	diag_print(&diags, out);
	fclose(out);
	diag_list_fini(&diags);
	doc_free(doc);
	return loaded;
}

static void
unload(struct loaded *loaded)
{
	mirror_config_free(loaded->config);
	free(loaded->text);
}

#define TARGET "    filterId: tmf-1\n    targetId: tmt-1\n"
#define CREATED                                                                                    \
	"    filterId: tmf-1\n    targetInstanceType: t3.large\n"                                  \
	"    targetInstanceAmi: ami-1\n    targetSecurityGroupIds: [sg-1, sg-2]\n"

/* --- faults: each with its place, all of them at once --- */

static const struct {
	const char *yaml;
	const char *expected;
} faults[] = {
    {"", "c.yaml:1:1: error: at least one rule is required, under vpcs, subnets or tags\n"},
    {"{}", "c.yaml:1:1: error: at least one rule is required, under vpcs, subnets or tags\n"},
    {"vpcs:\n", "c.yaml:1:1: error: at least one rule is required, under vpcs, subnets or tags\n"},
    {"vpcs: []\ntags: []\n",
	"c.yaml:1:1: error: at least one rule is required, under vpcs, subnets or tags\n"},
    {"- vpcs\n",
	"c.yaml:1:1: error: a configuration must be a mapping with vpcs, subnets or tags\n"},
    {"vpcs: vpc-1\nsubnets:\n  - subnetId: subnet-1\n" TARGET,
	"c.yaml:1:7: error: vpcs must be a list of rules\n"},
    {"vpcs: [vpc-1]\n", "c.yaml:1:8: error: a rule must be a mapping\n"},
    {"vpcs:\n  - vpcId: vpc-1\n" TARGET "    filterID: tmf-1\n    name: a\nhooks: x.lua\n",
	"c.yaml:5:5: error: unknown key \"filterID\" (did you mean \"filterId\"?)\n"
	"c.yaml:7:1: error: unknown key \"hooks\" (did you mean \"hook\"?)\n"},
    {"subnets:\n  - subnetId: subnet-1\n    tagMatch: any\n" TARGET,
	"c.yaml:3:5: error: unknown key \"tagMatch\"\n"},
    {"vpcs:\n  - vpcId: subnet-1\n" TARGET,
	"c.yaml:2:12: error: vpcId is \"subnet-1\", but must be an id like \"vpc-...\"\n"},
    {"vpcs:\n  - vpcId: vpc-\n" TARGET,
	"c.yaml:2:12: error: vpcId is \"vpc-\", but must be an id like \"vpc-...\"\n"},
    {"subnets:\n  - subnetId: 7\n" TARGET,
	"c.yaml:2:15: error: subnetId must be a string: write it in quotes\n"},
    {"subnets:\n  - subnetId: subnet-1\n    targetId: tmt-1\n",
	"c.yaml:2:5: error: filterId is missing\n"},
    {"subnets:\n  - subnetId:\n    filterId: <INSERT_VALUE>\n    targetId: tmt-1\n",
	"c.yaml:2:14: error: subnetId is missing\n"
	"c.yaml:3:15: error: filterId is missing\n"},
    {"subnets:\n  - subnetId: subnet-1\n    filterId: tmf-1\n    targetId: ''\n",
	"c.yaml:4:15: error: the rule has no target: give targetId, or targetInstanceType, "
	"targetInstanceAmi and targetSecurityGroupIds to have one created\n"},
    {"vpcs:\n  - vpcId: vpc-1\n    filterId: tmf-1\n    targetInstanceType: t3.large\n",
	"c.yaml:2:5: error: targetInstanceAmi is missing: a target that is created needs it\n"
	"c.yaml:2:5: error: targetSecurityGroupIds is missing: a target that is created needs "
	"it\n"},
    {"tags:\n  - tagList: [{Key: a}]\n" TARGET, "c.yaml:2:15: error: the tag has no Value\n"},
    {"tags:\n  - tagList: [{Key: '', Value: a}, {Key: b, Value: null}, {Key: c, Value: "
     "<INSERT_VALUE>}]\n" TARGET,
	"c.yaml:2:21: error: the tag has no Key\n"
	"c.yaml:2:52: error: the tag has no Value\n"
	"c.yaml:2:75: error: the tag has no Value\n"},
    {"y-a: 1\nvpcs:\n  - vpcId: vpc-1\n    X-b: 1\n" TARGET,
	"c.yaml:1:1: error: unknown key \"y-a\"\nc.yaml:4:5: error: unknown key \"X-b\"\n"},
    {"vpcs:\n  - vpcId: vpc-1\n" TARGET "instanceStates: [running, terminated]\n",
	"c.yaml:5:17: error: instanceStates must be a list of pending, running, stopping and "
	"stopped, or some of them\n"},
    {"vpcs:\n  - vpcId: vpc-1\n" TARGET "instanceStates: []\n",
	"c.yaml:5:17: error: instanceStates must be a list of pending, running, stopping and "
	"stopped, or some of them\n"},
    {"tags:\n  - tagList: [{Key: a, Value: 1}]\n" TARGET,
	"c.yaml:2:31: error: Value must be a string: write it in quotes\n"},
    {"tags:\n  - tagList: [{key: a, Value: b}]\n" TARGET,
	"c.yaml:2:15: error: the tag has no Key\n"
	"c.yaml:2:16: error: unknown key \"key\" (did you mean \"Key\"?)\n"},
    {"tags:\n  - tagList: []\n" TARGET, "c.yaml:2:14: error: tagList is missing\n"},
    {"tags:\n  - tagList: {Key: a, Value: b}\n" TARGET,
	"c.yaml:2:14: error: tagList must be a list of 1 to 1000 tags, each with Key and Value\n"},
    {"vpcs:\n  - vpcId: vpc-1\n    sessionNumber: 0\n    virtualNetworkId: 16777216\n"
     "    packetLength: 8501\n    interfaces: both\n" TARGET,
	"c.yaml:3:20: error: sessionNumber must be a whole number from 1 to 32766\n"
	"c.yaml:4:23: error: virtualNetworkId must be a whole number from 0 to 16777215\n"
	"c.yaml:5:19: error: packetLength must be a whole number from 1 to 8500\n"
	"c.yaml:6:17: error: interfaces is \"both\", but must be \"primary\" or \"all\"\n"},
    {"vpcs:\n  - vpcId: vpc-1\n    name: a\n" TARGET "  - vpcId: vpc-2\n    name: a\n" TARGET,
	"c.yaml:7:11: error: the name \"a\" is taken by another rule\n"},
    {"vpcs:\n  - vpcId: vpc-1\n" TARGET "exclude:\n  tags: [{Key: a}]\n  instanceIds: [eni-1]\n",
	"c.yaml:6:10: error: the tag has no Value\n"
	"c.yaml:7:17: error: instanceIds is \"eni-1\", but must be an id like \"i-...\"\n"},
    {"vpcs:\n  - vpcId: vpc-1\n" TARGET
     "guardduty: {minSeverity: 11, types: a, roleArn: role/x, minSeverty: 1}\n",
	"c.yaml:5:26: error: minSeverity must be a number from 0 to 10\n"
	"c.yaml:5:37: error: types must be a list of strings\n"
	"c.yaml:5:49: error: roleArn must be an ARN: \"arn:...\"\n"
	"c.yaml:5:57: error: unknown key \"minSeverty\" (did you mean \"minSeverity\"?)\n"},
    {"vpcs:\n  - vpcId: vpc-1\n" TARGET "guardduty:\n  accounts: ['1']\n",
	"c.yaml:6:13: error: accounts must be a list of account ids of twelve digits\n"},
    {"vpcs:\n  - vpcId: vpc-1\n" TARGET "guardduty:\n  accounts: '123456789012'\n",
	"c.yaml:6:13: error: accounts must be a list of account ids of twelve digits\n"},
};

START_TEST(test_faults)
{
	struct loaded loaded = load(faults[_i].yaml);

	ck_assert_str_eq(loaded.text, faults[_i].expected);
	unload(&loaded);
}
END_TEST

/* --- what is read --- */

START_TEST(test_rules_in_order_of_trying)
{
	struct loaded loaded = load("vpcs:\n  - vpcId: vpc-1\n" TARGET "  - vpcId: vpc-2\n" TARGET
				    "tags:\n  - tagList: [{Key: a, Value: b}]\n" TARGET
				    "subnets:\n  - subnetId: subnet-1\n    name: mine\n" TARGET);
	static const char *const names[] = {"tags[0]", "mine", "vpcs[0]", "vpcs[1]"};

	ck_assert_uint_eq(mirror_config_rule_count(loaded.config), 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_str_eq(mirror_config_rule(loaded.config, i)->name, names[i]);
	ck_assert_str_eq(mirror_config_rule_named(loaded.config, "vpcs[1]")->vpc_id, "vpc-2");
	ck_assert_ptr_null(mirror_config_rule_named(loaded.config, "vpcs[2]"));
	unload(&loaded);
}
END_TEST

START_TEST(test_defaults)
{
	struct loaded loaded = load("vpcs:\n  - vpcId: vpc-1\n" TARGET);
	const struct config_rule *rule = mirror_config_rule(loaded.config, 0);

	ck_assert_int_eq(rule->session_number, 0);
	ck_assert_int_eq(rule->virtual_network_id, -1);
	ck_assert_int_eq(rule->packet_length, 0);
	ck_assert_int_eq(rule->interfaces, RULE_INTERFACES_PRIMARY);
	ck_assert_str_eq(rule->target_id, "tmt-1");
	ck_assert_ptr_null(rule->target_subnet_id);
	ck_assert_ptr_null(mirror_config_hook(loaded.config));
	unload(&loaded);
}
END_TEST

START_TEST(test_every_key)
{
	struct loaded loaded =
	    load("tags:\n  - tagList: [{Key: a, Value: b}, {Key: c, Value: d}]\n"
		 "    tagMatch: all\n    sessionNumber: auto\n"
		 "    virtualNetworkId: 0\n    packetLength: 96\n"
		 "    interfaces: all\n    targetSubnetId: subnet-9\n" CREATED
		 "hook: h.lua\nguardduty: {minSeverity: 4.5, types: [x], roleArn: "
		 "\"arn:aws:iam::1:role/r\"}\n");
	const struct config_rule *rule = mirror_config_rule(loaded.config, 0);

	ck_assert_str_eq(loaded.text, "");
	ck_assert_uint_eq(rule->tag_count, 2);
	ck_assert_str_eq(rule->tags[1].key, "c");
	ck_assert_str_eq(rule->tags[1].value, "d");
	ck_assert_int_eq(rule->tag_match, TAG_MATCH_ALL);
	ck_assert_int_eq(rule->session_number, 0);
	ck_assert_int_eq(rule->virtual_network_id, 0);
	ck_assert_int_eq(rule->packet_length, 96);
	ck_assert_int_eq(rule->interfaces, RULE_INTERFACES_ALL);
	ck_assert_ptr_null(rule->target_id);
	ck_assert_str_eq(rule->target_instance_type, "t3.large");
	ck_assert_str_eq(rule->target_instance_ami, "ami-1");
	ck_assert_uint_eq(rule->target_security_group_count, 2);
	ck_assert_str_eq(rule->target_security_group_ids[1], "sg-2");
	ck_assert_str_eq(rule->target_subnet_id, "subnet-9");
	ck_assert_str_eq(mirror_config_hook(loaded.config), "h.lua");
	unload(&loaded);
}
END_TEST

/* An empty list lets nobody in; what is no list at all counts as absent. An id without quotes
 * has lost its zeros. */
static const struct {
	const char *accounts;
	const char *account_id;
	bool has;
} account_lists[] = {
    {"['123456789012', 000000000012]", "123456789012", true},
    {"['123456789012', 000000000012]", "000000000012", true},
    {"['123456789012', '<INSERT_VALUE>']", "210987654321", false},
    {"['<INSERT_VALUE>']", "210987654321", false},
    {"[]", "210987654321", false},
    {"<INSERT_VALUE>", "210987654321", true},
    {"null", "210987654321", true},
};

START_TEST(test_accounts)
{
	char *yaml = mem_printf("vpcs:\n  - vpcId: vpc-1\n" TARGET "guardduty: {accounts: %s}\n",
	    account_lists[_i].accounts);
	struct loaded loaded = load(yaml);

	ck_assert_str_eq(loaded.text, "");
	ck_assert_int_eq(config_guardduty_has_account(
			     mirror_config_guardduty(loaded.config), account_lists[_i].account_id),
	    account_lists[_i].has);
	unload(&loaded);
	free(yaml);
}
END_TEST

START_TEST(test_guardduty_and_types)
{
	struct loaded loaded = load(
	    "vpcs:\n  - vpcId: vpc-1\n" TARGET
	    "guardduty: {minSeverity: 4.5, types: ['A:*'], roleArn: \"arn:aws:iam::1:role/r\"}\n"
	    "instanceTypes: {unmirrorable: ['t2.*', m9g.metal], mirrorable: ['m9g.*']}\n");
	const struct config_guardduty *guardduty;

	ck_assert_str_eq(loaded.text, "");
	guardduty = mirror_config_guardduty(loaded.config);
	ck_assert_double_eq(guardduty->min_severity, 4.5);
	ck_assert_str_eq(guardduty->role_arn, "arn:aws:iam::1:role/r");
	ck_assert(config_guardduty_wants_type(guardduty, "A:B/C"));
	ck_assert(!config_guardduty_wants_type(guardduty, "B:A:C"));
	ck_assert(config_guardduty_has_account(guardduty, "123456789012"));
	ck_assert_int_eq(mirror_config_type(loaded.config, "t2.nano"), CONFIG_TYPE_UNMIRRORABLE);
	ck_assert_int_eq(mirror_config_type(loaded.config, "m9g.metal"), CONFIG_TYPE_UNMIRRORABLE);
	ck_assert_int_eq(mirror_config_type(loaded.config, "m9g.large"), CONFIG_TYPE_MIRRORABLE);
	ck_assert_int_eq(mirror_config_type(loaded.config, "t3.nano"), CONFIG_TYPE_UNKNOWN);
	ck_assert(mirror_config_type_is_dead(loaded.config, "m9g.metal"));
	ck_assert(mirror_config_type_is_dead(loaded.config, "r3.large"));
	ck_assert(!mirror_config_type_is_dead(loaded.config, "m9g.large"));
	ck_assert(!mirror_config_type_is_dead(loaded.config, "x99.large"));
	unload(&loaded);
}
END_TEST

START_TEST(test_rule_that_is_never_reached)
{
	struct loaded loaded =
	    load("vpcs:\n  - vpcId: vpc-1\n" TARGET "  - vpcId: vpc-1\n" TARGET
		 "subnets:\n  - subnetId: subnet-1\n" TARGET "  - subnetId: subnet-1\n" TARGET);

	ck_assert_str_eq(loaded.text,
	    "c.yaml:5:5: warning: vpc-1 is taken by the rule vpcs[0], which is tried before\n"
	    "c.yaml:12:5: warning: subnet-1 is taken by the rule subnets[0], which is tried "
	    "before\n");
	ck_assert_ptr_nonnull(loaded.config);
	unload(&loaded);
}
END_TEST

/* With matching: all two rules of one place have a session each, unless both mirror the same. */
START_TEST(test_places_and_numbers_of_all)
{
	struct loaded loaded = load(
	    "matching: all\nvpcs:\n  - vpcId: vpc-1\n    sessionNumber: 7\n" TARGET
	    "  - vpcId: vpc-1\n    filterId: tmf-2\n    targetId: tmt-1\n"
	    "  - vpcId: vpc-1\n    sessionNumber: 8\n" TARGET
	    "  - vpcId: vpc-1\n    sessionNumber: 7\n    filterId: tmf-3\n    targetId: tmt-1\n"
	    "  - vpcId: vpc-2\n    sessionNumber: 7\n    filterId: tmf-3\n    targetId: tmt-1\n");

	ck_assert_str_eq(loaded.text,
	    "c.yaml:10:5: warning: vpc-1 is mirrored by the rule vpcs[0], which is tried before, "
	    "with the same filter to the same target\n"
	    "c.yaml:14:5: warning: the rule vpcs[0] asks for the session number 7 of the same "
	    "interfaces: the later one is in conflict\n");
	ck_assert_ptr_nonnull(loaded.config);
	unload(&loaded);
}
END_TEST

#define A_TAG(key, value) "{Key: " key ", Value: v" value "}"

/* The tags of two rules that ask for one number, and whether some instance surely has both. */
static const struct {
	const char *one;
	const char *other;
	bool warned;
} meetings[] = {
    {"[" A_TAG("a", "1") ", " A_TAG("b", "1") "]", "[" A_TAG("b", "1") ", " A_TAG("c", "1") "]",
	true},
    {"[" A_TAG("a", "1") "]", "[" A_TAG("a", "1") ", " A_TAG("b", "1") "]\n    tagMatch: all",
	true},
    {"[" A_TAG("a", "1") "]", "[" A_TAG("a", "2") "]", false},
    {"[" A_TAG("a", "1") ", " A_TAG("b", "1") "]\n    tagMatch: all",
	"[" A_TAG("b", "1") ", " A_TAG("c", "1") "]\n    tagMatch: all", false},
};

START_TEST(test_tags_that_meet)
{
	char *yaml = mem_printf("matching: all\ntags:\n"
				"  - tagList: %s\n    sessionNumber: 5\n" TARGET
				"  - tagList: %s\n    sessionNumber: 5\n    filterId: tmf-2\n"
				"    targetId: tmt-1\n",
	    meetings[_i].one, meetings[_i].other);
	struct loaded loaded = load(yaml);

	ck_assert_int_eq(strstr(loaded.text, "session number 5") != NULL, meetings[_i].warned);
	ck_assert_ptr_nonnull(loaded.config);
	unload(&loaded);
	free(yaml);
}
END_TEST

START_TEST(test_tags_that_take_nothing)
{
	struct loaded loaded = load("tags:\n  - tagList: [" A_TAG("a", "1") ", " A_TAG("a",
	    "2") "]\n"
		 "    tagMatch: all\n" TARGET "  - tagList: [" A_TAG("a", "1") ", " A_TAG(
		     "b", "1") "]\n" TARGET "  - tagList: [" A_TAG("b", "1") ", " A_TAG("c",
		     "1") "]\n"
			  "    tagMatch: all\n" TARGET "  - tagList: [" A_TAG("b", "1") ", " A_TAG(
			      "c", "1") "]\n" TARGET "  - tagList: [" A_TAG("d",
			      "1") "]\n" TARGET "exclude: {tags: [" A_TAG("d", "1") "]}\n");

	ck_assert_ptr_nonnull(loaded.config);
	ck_assert_ptr_nonnull(strstr(loaded.text,
	    "the rule can never match: with tagMatch: all the tag a must have two values\n"));
	ck_assert_ptr_nonnull(strstr(loaded.text,
	    "the rule tags[1], which is tried before, takes all instances of the rule\n"));
	ck_assert_ptr_nonnull(strstr(loaded.text,
	    "exclude takes all instances of the rule: its tags are among exclude.tags\n"));
	ck_assert_ptr_null(strstr(loaded.text, "tags[3]"));
	unload(&loaded);
	loaded = load("matching: all\ntags:\n  - tagList: [" A_TAG(
	    "a", "1") "]\n" TARGET "  - tagList: [" A_TAG("a", "1") "]\n" TARGET);
	ck_assert_str_eq(loaded.text, "");
	unload(&loaded);
}
END_TEST

/* The given target counts, and the keys of a launch are not even looked at. */
START_TEST(test_given_target_and_launch_keys)
{
	struct loaded loaded = load(
	    "vpcs:\n  - vpcId: vpc-1\n    targetSubnetId: 7\n" CREATED "    targetId: tmt-1\n");
	const struct config_rule *rule = mirror_config_rule(loaded.config, 0);

	ck_assert_str_eq(loaded.text,
	    "c.yaml:5:25: warning: keys are ignored, because the rule has a targetId: "
	    "targetInstanceType, targetInstanceAmi, targetSecurityGroupIds, targetSubnetId\n");
	ck_assert_str_eq(rule->target_id, "tmt-1");
	ck_assert_ptr_null(rule->target_instance_type);
	ck_assert_ptr_null(rule->target_subnet_id);
	ck_assert_uint_eq(rule->target_security_group_count, 0);
	unload(&loaded);
}
END_TEST

START_TEST(test_empty_tag_value)
{
	struct loaded loaded = load("tags:\n  - tagList: [{Key: a, Value: ''}]\n" TARGET
				    "exclude:\n  tags: [{Key: b, Value: \"\"}]\n");
	json_t *instance =
	    jsonx_parse(STR("{\"Tags\": [{\"Key\": \"b\", \"Value\": \"\"}]}"), NULL);

	ck_assert_str_eq(loaded.text, "");
	ck_assert_str_eq(mirror_config_rule(loaded.config, 0)->tags[0].value, "");
	ck_assert(mirror_config_excludes(loaded.config, instance));
	json_decref(instance);
	unload(&loaded);
}
END_TEST

START_TEST(test_states)
{
	static const struct {
		const char *states;
		const char *state; /* NULL: none is listed */
		const char *refused;
	} cases[] = {
	    {"", "stopped", NULL},
	    {"", "terminated", "terminated"},
	    {"", "shutting-down", "terminated"},
	    {"", NULL, NULL},
	    {"instanceStates: <INSERT_VALUE>\n", "stopped", NULL},
	    {"instanceStates: [running]\n", "running", NULL},
	    {"instanceStates: [running]\n", "stopped", "stopped"},
	    {"instanceStates: [running]\n", NULL, NULL},
	    {"instanceStates: [stopped, running]\n", "stopping", "stopping"},
	    {"instanceStates: [running]\n", "terminated", "terminated"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *yaml = mem_printf("vpcs:\n  - vpcId: vpc-1\n" TARGET "%s", cases[i].states);
		struct loaded loaded = load(yaml);
		json_t *instance = json_object();
		const char *refused;

		ck_assert_str_eq(loaded.text, "");
		jsonx_put_string(instance, "State", cases[i].state);
		refused = mirror_config_refused_state(loaded.config, instance);
		ck_assert_str_eq(refused != NULL ? refused : "-",
		    cases[i].refused != NULL ? cases[i].refused : "-");
		json_decref(instance);
		unload(&loaded);
		free(yaml);
	}
}
END_TEST

/* They hold YAML's anchors, and may hold anything. */
START_TEST(test_extension_keys)
{
	struct loaded loaded =
	    load("x-goal: &goal\n" TARGET "x-other: [1, {vpcs: 2}]\nvpcs:\n  - <<: *goal\n"
		 "    vpcId: vpc-1\n    x-owner: us\nexclude: {x-why: 1, instanceIds: [i-1]}\n");

	ck_assert_str_eq(loaded.text, "");
	ck_assert_str_eq(mirror_config_rule(loaded.config, 0)->target_id, "tmt-1");
	unload(&loaded);
}
END_TEST

/* The seed application's template with only some values filled in: the rest is as if it were not
 * there. */
START_TEST(test_seed_placeholders)
{
	struct loaded loaded =
	    load("---\nvpcs:\n- vpcId: vpc-1a2b3c4d\n  filterId: tmf-06d57ab5b80cc5dc7\n"
		 "  targetId: tmt-06d57ab5b80cc5dc7\n"
		 "  targetInstanceType: <INSERT_VALUE>\n  targetInstanceAmi: <INSERT_VALUE>\n"
		 "  targetSecurityGroupIds:\n  - <INSERT_VALUE>\n  - <INSERT_VALUE>\n"
		 "  targetSubnetId: <INSERT_VALUE>\n");

	ck_assert_str_eq(loaded.text, "");
	ck_assert_str_eq(mirror_config_rule(loaded.config, 0)->target_id, "tmt-06d57ab5b80cc5dc7");
	unload(&loaded);
	loaded = load("vpcs:\n- vpcId: vpc-1\n  filterId: tmf-1\n  targetId: <INSERT_VALUE>\n"
		      "  targetInstanceType: c5.xlarge\n  targetInstanceAmi: ami-1\n"
		      "  targetSecurityGroupIds:\n  - sg-1\n  - <INSERT_VALUE>\n");
	ck_assert_str_eq(loaded.text, "");
	ck_assert_uint_eq(mirror_config_rule(loaded.config, 0)->target_security_group_count, 1);
	unload(&loaded);
}
END_TEST

START_TEST(test_excludes)
{
	struct loaded loaded =
	    load("vpcs:\n  - vpcId: vpc-1\n" TARGET
		 "exclude: {tags: [{Key: mirror, Value: never}], instanceIds: [null, i-1]}\n");
	static const struct {
		const char *instance;
		bool excluded;
	} cases[] = {
	    {"{\"InstanceId\": \"i-1\"}", true},
	    {"{\"InstanceId\": \"i-2\"}", false},
	    {"{\"InstanceId\": \"i-2\", \"Tags\": [{\"Key\": \"x\", \"Value\": \"never\"}, "
	     "{\"Key\": \"mirror\", \"Value\": \"never\"}]}",
		true},
	    {"{\"InstanceId\": \"i-2\", \"Tags\": [{\"Key\": \"mirror\", \"Value\": \"Never\"}]}",
		false},
	    {"{}", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *instance = jsonx_parse(str_of(cases[i].instance), NULL);

		ck_assert_int_eq(
		    mirror_config_excludes(loaded.config, instance), cases[i].excluded);
		json_decref(instance);
	}
	unload(&loaded);
}
END_TEST

START_TEST(test_shipped_files)
{
	static const char *const names[] = {
	    "example.yaml", "scenario-tag.yaml", "scenario-vpc-and-subnet.yaml"};
	char path[4096];
	struct tmf_err err = {0};
	struct doc *doc;
	struct diag_list diags;
	struct mirror_config *config;

	snprintf(path, sizeof(path), "%s/config/%s", TEST_SOURCE_DIR, names[_i]);
	doc = doc_read(path, &err);
	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	ck_assert(mirror_config_is_one(doc));
	diag_list_init(&diags, doc);
	config = mirror_config_load(doc, &diags);
	diag_print(&diags, stderr);
	ck_assert_ptr_nonnull(config);
	ck_assert_uint_eq(diags.warnings, 0);
	mirror_config_free(config);
	diag_list_fini(&diags);
	doc_free(doc);
}
END_TEST

START_TEST(test_workflow_is_no_config)
{
	struct doc *doc = doc_parse("w.yaml", STR("StartAt: A\nStates: {}\n"), NULL);

	ck_assert(!mirror_config_is_one(doc));
	doc_free(doc);
}
END_TEST

#define SCHEMA_BYTES_MAX (1u << 20)

/* config/schema.json is what the checker's tables say. With TMFLOW_WRITE_SCHEMA in the
 * environment the file is written anew. */
START_TEST(test_schema_file)
{
	static const char path[] = TEST_SOURCE_DIR "/config/schema.json";
	json_t *schema = config_schema();
	struct buf wanted = {0};
	struct buf got = {0};
	struct tmf_err err = {0};

	jsonx_write_pretty(schema, &wanted);
	buf_add_char(&wanted, '\n');
	if (getenv("TMFLOW_WRITE_SCHEMA") != NULL) {
		FILE *out = fopen(path, "w");

		ck_assert_ptr_nonnull(out);
		fputs(buf_cstr(&wanted), out);
		fclose(out);
	}
	ck_assert_msg(
	    file_read(path, SCHEMA_BYTES_MAX, &got, NULL, &err) == 0, "%s", tmf_err_text(&err));
	ck_assert_msg(strcmp(buf_cstr(&got), buf_cstr(&wanted)) == 0,
	    "config/schema.json is not what the checker knows: write it anew with "
	    "TMFLOW_WRITE_SCHEMA=1");
	buf_fini(&got);
	buf_fini(&wanted);
	json_decref(schema);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");
	int failed;

	tcase_add_loop_test(tcase, test_faults, 0, sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(tcase, test_rules_in_order_of_trying);
	tcase_add_test(tcase, test_defaults);
	tcase_add_test(tcase, test_every_key);
	tcase_add_test(tcase, test_guardduty_and_types);
	tcase_add_loop_test(
	    tcase, test_accounts, 0, sizeof(account_lists) / sizeof(account_lists[0]));
	tcase_add_test(tcase, test_rule_that_is_never_reached);
	tcase_add_test(tcase, test_seed_placeholders);
	tcase_add_test(tcase, test_tags_that_take_nothing);
	tcase_add_test(tcase, test_places_and_numbers_of_all);
	tcase_add_loop_test(tcase, test_tags_that_meet, 0, sizeof(meetings) / sizeof(meetings[0]));
	tcase_add_test(tcase, test_given_target_and_launch_keys);
	tcase_add_test(tcase, test_empty_tag_value);
	tcase_add_test(tcase, test_states);
	tcase_add_test(tcase, test_extension_keys);
	tcase_add_test(tcase, test_excludes);
	tcase_add_loop_test(tcase, test_shipped_files, 0, 3);
	tcase_add_test(tcase, test_workflow_is_no_config);
	tcase_add_test(tcase, test_schema_file);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
