#include "mirror/config/instance.h"
#include "mirror/config/rules.h"

#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <string.h>

static const char config_text[] =
    "vpcs:\n"
    "  - {name: vpc, vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n"
    "  - {name: vpc-again, vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n"
    "subnets:\n"
    "  - {name: subnet, subnetId: subnet-1, filterId: tmf-1, targetId: tmt-1}\n"
    "tags:\n"
    "  - {name: all, tagList: [{Key: a, Value: \"1\"}, {Key: b, Value: \"2\"}], tagMatch: all,"
    " filterId: tmf-1, targetId: tmt-1}\n"
    "  - {name: any, tagList: [{Key: a, Value: \"1\"}, {Key: c, Value: \"3\"}],"
    " filterId: tmf-1, targetId: tmt-1}\n";

struct fixture {
	struct mirror_config *config;
	struct script *hook;
	struct rules *rules;
	struct tmf_err err;
};

static void
open_rules(struct fixture *f, const char *hook)
{
	struct doc *doc = doc_parse("c.yaml", str_of(config_text), &f->err);
	struct diag_list diags;

	diag_list_init(&diags, doc);
	f->config = mirror_config_load(doc, &diags);
	ck_assert_ptr_nonnull(f->config);
	diag_list_fini(&diags);
	doc_free(doc);
	f->hook = hook != NULL ? script_new("hook.lua", str_of(hook), &f->err) : NULL;
	ck_assert_msg(hook == NULL || f->hook != NULL, "%s", tmf_err_text(&f->err));
	f->rules = rules_new(f->config, f->hook, &f->err);
}

static void
close_rules(struct fixture *f)
{
	rules_free(f->rules);
	script_free(f->hook);
	mirror_config_free(f->config);
	tmf_err_fini(&f->err);
}

/* The rule's name, "-" for none, "!" for an error. */
static const char *
taker(struct fixture *f, const char *instance_text)
{
	json_t *instance = jsonx_parse(str_of(instance_text), NULL);
	const struct config_rule *rule;
	int ret;

	ck_assert_ptr_nonnull(instance);
	ret = rules_find(f->rules, instance, NULL, &rule, &f->err);
	json_decref(instance);
	if (ret < 0)
		return "!";
	return rule != NULL ? rule->name : "-";
}

#define TAG(key, value) "{\"Key\": \"" key "\", \"Value\": \"" value "\"}"
#define IN_BOTH		"\"SubnetId\": \"subnet-1\", \"VpcId\": \"vpc-1\""

static const struct {
	const char *instance;
	const char *rule;
} cases[] = {
    {"{" IN_BOTH ", \"Tags\": [" TAG("a", "1") "," TAG("b", "2") "]}", "all"},
    {"{" IN_BOTH ", \"Tags\": [" TAG("a", "1") "]}", "any"},
    {"{" IN_BOTH ", \"Tags\": [" TAG("c", "3") "]}", "any"},
    {"{\"Tags\": [" TAG("c", "3") "]}", "any"},
    {"{" IN_BOTH ", \"Tags\": [" TAG("b", "2") "]}", "subnet"},
    {"{" IN_BOTH ", \"Tags\": [" TAG("A", "1") "," TAG("c", "1") "]}", "subnet"},
    {"{" IN_BOTH "}", "subnet"},
    {"{\"SubnetId\": \"subnet-2\", \"VpcId\": \"vpc-1\", \"Tags\": []}", "vpc"},
    {"{\"SubnetId\": \"subnet-2\", \"VpcId\": \"vpc-2\"}", "-"},
    {"{}", "-"},
    {"{\"SubnetId\": null, \"VpcId\": null, \"Tags\": null}", "-"},
};

START_TEST(test_which_rule)
{
	struct fixture f = {0};

	open_rules(&f, NULL);
	ck_assert_str_eq(taker(&f, cases[_i].instance), cases[_i].rule);
	close_rules(&f);
}
END_TEST

START_TEST(test_hook_orders_rules)
{
	struct fixture f = {0};

	open_rules(&f, "return {priority = function(rule)\n"
		       "  if rule.Kind == 'vpcs' then return 50 end\n"
		       "end}");
	ck_assert_str_eq(taker(&f, cases[0].instance), "vpc");
	ck_assert_str_eq(taker(&f, cases[3].instance), "any");
	close_rules(&f);
}
END_TEST

START_TEST(test_hook_answers_for_rules)
{
	struct fixture f = {0};

	open_rules(&f, "return {match = function(instance, rule)\n"
		       "  if rule.Name == 'any' then return false end\n"
		       "  if rule.Name == 'vpc-again' then return true end\n"
		       "end}");
	ck_assert_str_eq(taker(&f, cases[1].instance), "subnet");
	ck_assert_str_eq(taker(&f, "{}"), "vpc-again");
	close_rules(&f);
}
END_TEST

START_TEST(test_hook_eligible)
{
	struct fixture f = {0};
	json_t *web = json_pack("{s:s}", "InstanceId", "i-1");
	json_t *reason = NULL;
	bool eligible;

	open_rules(&f, "return {eligible = function(i)\n"
		       "  if i.InstanceId == 'i-1' then return false, 'quarantine' end\n"
		       "end}");
	ck_assert_int_eq(rules_eligible(f.rules, web, &eligible, &reason, &f.err), 0);
	ck_assert(!eligible);
	ck_assert_str_eq(json_string_value(reason), "quarantine");
	json_decref(reason);
	json_object_set_new(web, "InstanceId", json_string("i-2"));
	ck_assert_int_eq(rules_eligible(f.rules, web, &eligible, &reason, &f.err), 0);
	ck_assert(eligible);
	json_decref(web);
	close_rules(&f);
}
END_TEST

static const struct {
	const char *hook;
	bool loads; /* the rules can be ordered */
} faulty_hooks[] = {
    {"return {match = function() error('no') end}", true},
    {"return {match = function() return 'yes' end}", true},
    {"return {match = function() while true do end end}", true},
    {"return {priority = function() return 'first' end}", false},
    {"return {priority = function() error('no') end}", false},
};

START_TEST(test_hook_faults)
{
	struct fixture f = {0};

	open_rules(&f, faulty_hooks[_i].hook);
	ck_assert_int_eq(f.rules != NULL, faulty_hooks[_i].loads);
	if (f.rules != NULL)
		ck_assert_str_eq(taker(&f, "{}"), "!");
	ck_assert(tmf_err_is(&f.err, "TMFlow.Hook"));
	close_rules(&f);
}
END_TEST

START_TEST(test_primary_interface)
{
	json_t *instance =
	    jsonx_parse(STR("{\"NetworkInterfaces\": ["
			    "{\"NetworkInterfaceId\": \"eni-2\", \"DeviceIndex\": 1},"
			    "{\"NetworkInterfaceId\": \"eni-1\", \"DeviceIndex\": 0}]}"),
		NULL);
	json_t *none =
	    jsonx_parse(STR("{\"NetworkInterfaces\": [{\"NetworkInterfaceId\": \"eni-2\","
			    "\"DeviceIndex\": 1}, {\"NetworkInterfaceId\": \"eni-3\"}]}"),
		NULL);

	ck_assert_str_eq(
	    jsonx_get_string(instance_primary_interface(instance), "NetworkInterfaceId"), "eni-1");
	ck_assert_ptr_null(instance_primary_interface(none));
	ck_assert_ptr_null(instance_primary_interface(NULL));
	json_decref(instance);
	json_decref(none);
}
END_TEST

static const struct {
	const char *rule;
	const char *instance;
	const char *why;
} explanations[] = {
    {"vpc", "{\"VpcId\": \"vpc-1\"}", "its VPC is vpc-1"},
    {"vpc", "{\"VpcId\": \"vpc-2\"}", "its VPC is vpc-2, not vpc-1"},
    {"vpc", "{}", "it has no VPC"},
    {"subnet", "{\"SubnetId\": \"subnet-2\"}", "its subnet is subnet-2, not subnet-1"},
    {"all", "{\"Tags\": [{\"Key\": \"a\", \"Value\": \"1\"}]}", "tag a=1 and no tag b=2"},
    {"any", "{\"Tags\": [{\"Key\": \"a\", \"Value\": \"9\"}]}",
	"tag a is \"9\", not \"1\" or no tag c=3"},
};

START_TEST(test_explanations)
{
	json_t *instance = jsonx_parse(str_of(explanations[_i].instance), NULL);
	struct fixture f = {0};
	struct buf why = {0};

	open_rules(&f, NULL);
	rule_explain(mirror_config_rule_named(f.config, explanations[_i].rule), instance, &why);
	ck_assert_str_eq(buf_cstr(&why), explanations[_i].why);
	buf_fini(&why);
	json_decref(instance);
	close_rules(&f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rules");
	TCase *tcase = tcase_create("rules");
	int failed;

	tcase_add_loop_test(tcase, test_which_rule, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_hook_orders_rules);
	tcase_add_test(tcase, test_hook_answers_for_rules);
	tcase_add_test(tcase, test_hook_eligible);
	tcase_add_loop_test(
	    tcase, test_hook_faults, 0, sizeof(faulty_hooks) / sizeof(faulty_hooks[0]));
	tcase_add_test(tcase, test_primary_interface);
	tcase_add_loop_test(
	    tcase, test_explanations, 0, sizeof(explanations) / sizeof(explanations[0]));
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
