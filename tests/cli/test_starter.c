/* The configuration that `tmflow init` writes: valid whatever the account has, and nothing of it
 * gets out of its comment or its quotes. */
#include "cli/commands/setup/starter.h"

#include "base/doc/doc.h"
#include "base/jsonx.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each ends a line, a string or a comment somewhere, or turns text around. */
static const char *const hostile[] = {
    "\n- evil",
    "\r- evil",
    "\r\n- evil",
    "\xc2\x85- evil",
    "\xe2\x80\xa8- evil",
    "\xe2\x80\xa9- evil",
    "\"}, evil: {",
    "\\",
    "\\\"",
    "' #",
    ": ",
    "\x01",
    "\x7f",
    "\xe2\x80\xae",
    "\xef\xbb\xbf",
    "\t",
    "*alias",
    "&anchor",
    "%TAG",
    "---",
    "...",
    "\xf0\x9f\x98\x80",
};

/* Starts from {"filters": ...}; the arrays are borrowed from account. */
static char *
written(json_t *account)
{
	struct starter starter = {
	    .region = "eu-west-1",
	    .account_id = "123456789012",
	    .path = "config/eu-west-1.yaml",
	    .instances = 7,
	    .filters = json_object_get(account, "filters"),
	    .targets = json_object_get(account, "targets"),
	    .tags = json_object_get(account, "tags"),
	    .subnets = json_object_get(account, "subnets"),
	    .vpcs = json_object_get(account, "vpcs"),
	    .denied = json_object_get(account, "denied"),
	};
	struct buf text = {0};
	char *copy;

	starter_write(&starter, &text);
	copy = strdup(buf_cstr(&text));
	buf_fini(&text);
	return copy;
}

/* What text stands in every place where an account's own words are written. */
static json_t *
account_of(const char *text)
{
	json_t *account = json_pack(
	    "{s:[{s:s, s:s, s:[{}], s:[{s:s, s:s}]}], s:[{s:s, s:s, s:s, s:[{s:s, s:s}]}],"
	    " s:[{s:s, s:s, s:i}], s:[{s:s, s:s, s:s, s:s, s:i, s:[{s:s, s:s}]}],"
	    " s:[{s:s, s:s, s:i, s:[{s:s, s:s}]}], s:[]}",
	    "filters", "TrafficMirrorFilterId", "tmf-00000000000000001", "Description", text,
	    "IngressFilterRules", "Tags", "Key", "Name", "Value", text, "targets",
	    "TrafficMirrorTargetId", "tmt-00000000000000001", "Type", text, "Description", text,
	    "Tags", "Key", "Name", "Value", text, "tags", "Key", text, "Value", text, "Count", 3,
	    "subnets", "SubnetId", "subnet-00000000000000001", "VpcId", text, "CidrBlock", text,
	    "AvailabilityZone", text, "Count", 1, "Tags", "Key", "Name", "Value", text, "vpcs",
	    "VpcId", "vpc-00000000000000001", "CidrBlock", text, "Count", 2, "Tags", "Key", "Name",
	    "Value", text, "denied");

	ck_assert_ptr_nonnull(account);
	return account;
}

/* The configuration as it is read. New reference. */
static json_t *
parsed(const char *text)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("starter.yaml", str_of(text), &err);
	json_t *root;

	ck_assert_msg(doc != NULL, "%s\n%s", tmf_err_text(&err), text);
	root = json_incref(doc_root(doc));
	doc_free(doc);
	return root;
}

static size_t
lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		count++;
	return count;
}

START_TEST(no_text_of_an_account_gets_out)
{
	json_t *plain = account_of("plain");
	json_t *account = account_of(hostile[_i]);
	char *wanted = written(plain);
	char *got = written(account);
	json_t *wanted_root = parsed(wanted);
	json_t *got_root = parsed(got);

	ck_assert_uint_eq(lines(got), lines(wanted));
	ck_assert_ptr_null(strchr(got, '\r'));
	ck_assert_ptr_null(strstr(got, "\n- evil"));
	ck_assert(json_equal(got_root, wanted_root));
	json_decref(wanted_root);
	json_decref(got_root);
	free(wanted);
	free(got);
	json_decref(plain);
	json_decref(account);
}
END_TEST

/* A choice whose # is taken off says what the account has, to the byte. */
START_TEST(a_choice_is_read_back)
{
	json_t *account = account_of(hostile[_i]);
	char *text = written(account);
	char *choice = strstr(text, "# - {Key: ");
	json_t *root;
	json_t *tag;

	ck_assert_ptr_nonnull(choice);
	memmove(choice, choice + 2, strlen(choice + 2) + 1);
	root = parsed(text);
	tag = doc_at(root, "/tags/0/tagList/1");
	ck_assert_ptr_nonnull(tag);
	ck_assert_str_eq(jsonx_get_string(tag, "Key"), hostile[_i]);
	ck_assert_str_eq(jsonx_get_string(tag, "Value"), hostile[_i]);
	json_decref(root);
	free(text);
	json_decref(account);
}
END_TEST

START_TEST(the_first_filter_and_target_count)
{
	json_t *account = account_of("plain");
	json_t *root;
	char *text;

	json_array_append_new(json_object_get(account, "filters"),
	    json_pack("{s:s}", "TrafficMirrorFilterId", "tmf-00000000000000002"));
	text = written(account);
	root = parsed(text);
	ck_assert_str_eq(
	    jsonx_get_string(doc_at(root, "/tags/0"), "filterId"), "tmf-00000000000000001");
	ck_assert_str_eq(
	    jsonx_get_string(doc_at(root, "/tags/0"), "targetId"), "tmt-00000000000000001");
	ck_assert_ptr_nonnull(
	    strstr(text, "\n  # filterId: tmf-00000000000000002 # no rules: mirrors nothing\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "  filterId: tmf-00000000000000001 # 1 rule, \"plain\""));
	ck_assert_ptr_nonnull(
	    strstr(text, "# - {vpcId: vpc-00000000000000001, <<: *mirror-to} # 2 instances, "));
	ck_assert_ptr_nonnull(strstr(
	    text, "# - {subnetId: subnet-00000000000000001, <<: *mirror-to} # 1 instance, "));
	json_decref(root);
	free(text);
	json_decref(account);
}
END_TEST

START_TEST(absent_is_not_denied)
{
	json_t *account = json_pack(
	    "{s:[s,s]}", "denied", "ec2:DescribeTrafficMirrorFilters", "ec2:DescribeVpcs");
	char *text = written(account);
	json_t *root = parsed(text);

	ck_assert_ptr_nonnull(strstr(text, "traffic mirror filters could not be listed: "
					   "ec2:DescribeTrafficMirrorFilters is denied."));
	ck_assert_ptr_nonnull(
	    strstr(text, "VPCs could not be listed: ec2:DescribeVpcs is denied."));
	ck_assert_ptr_nonnull(strstr(text, "There are no traffic mirror targets in this region."));
	ck_assert_ptr_nonnull(strstr(text, "There are no subnets in this region."));
	ck_assert_str_eq(
	    jsonx_get_string(doc_at(root, "/tags/0"), "filterId"), "tmf-00000000000000000");
	ck_assert_str_eq(
	    jsonx_get_string(doc_at(root, "/tags/0"), "targetId"), "tmt-00000000000000000");
	json_decref(root);
	free(text);
	json_decref(account);
}
END_TEST

START_TEST(a_long_list_ends_in_a_number)
{
	json_t *vpcs = json_array();
	json_t *account = json_pack("{s:o}", "vpcs", vpcs);
	char *text;
	char id[32];

	for (int i = 0; i < STARTER_CHOICES_MAX + 3; i++) {
		snprintf(id, sizeof(id), "vpc-%017d", i);
		json_array_append_new(vpcs, json_pack("{s:s, s:i}", "VpcId", id, "Count", i));
	}
	text = written(account);
	snprintf(id, sizeof(id), "vpc-%017d", STARTER_CHOICES_MAX - 1);
	ck_assert_ptr_nonnull(strstr(text, id));
	snprintf(id, sizeof(id), "vpc-%017d", STARTER_CHOICES_MAX);
	ck_assert_ptr_null(strstr(text, id));
	ck_assert_ptr_nonnull(strstr(text, "\n  # ... and 3 more\n"));
	json_decref(parsed(text));
	free(text);
	json_decref(account);
}
END_TEST

/* An id that is none: an endpoint other than AWS's may say anything. */
START_TEST(a_strange_id_is_quoted)
{
	json_t *account = json_pack("{s:[{s:s}]}", "filters", "TrafficMirrorFilterId", "x: {y\n");
	char *text = written(account);
	json_t *root = parsed(text);

	ck_assert_str_eq(jsonx_get_string(doc_at(root, "/tags/0"), "filterId"), "x: {y\n");
	json_decref(root);
	free(text);
	json_decref(account);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cli/starter");
	TCase *tcase = tcase_create("starter");

	tcase_add_loop_test(
	    tcase, no_text_of_an_account_gets_out, 0, sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_loop_test(tcase, a_choice_is_read_back, 0, sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(tcase, the_first_filter_and_target_count);
	tcase_add_test(tcase, absent_is_not_denied);
	tcase_add_test(tcase, a_long_list_ends_in_a_number);
	tcase_add_test(tcase, a_strange_id_is_quoted);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
