#include "aws/arn.h"

#include "run_suite.h"

#include <string.h>

struct vector {
	const char *text;
	const char *fault; /* part of the message; NULL: it is good */
};

static const struct vector activities[] = {
    {"arn:aws:states:us-east-1:123456789012:activity:mirror", NULL},
    {"arn:aws-cn:states:cn-north-1:123456789012:activity:a.b-c_d", NULL},
    {"arn:aws-us-gov:states:us-gov-west-1:123456789012:activity:m", NULL},
    {"", "begin with arn:"},
    {"mirror", "begin with arn:"},
    {"arn", "begin with arn:"},
    {"arn:aws:states:us-east-1", "not a complete ARN"},
    {"arn:azure:states:us-east-1:123456789012:activity:mirror", "partition"},
    {"arn:aws::us-east-1:123456789012:activity:mirror", "empty"},
    {"arn:aws:states:us-east-1:123456789012:", "empty"},
    {"arn:aws:states::123456789012:activity:mirror", "no region"},
    {"arn:aws:states:us-east-1:12345678901:activity:mirror", "12 digits"},
    {"arn:aws:states:us-east-1:12345678901x:activity:mirror", "12 digits"},
    {"arn:aws:states:us-east-1::activity:mirror", "12 digits"},
    {"arn:aws:states:us-east-1:123456789012:stateMachine:mirror", "looks like arn:aws:states"},
    {"arn:aws:lambda:us-east-1:123456789012:function:mirror", "looks like arn:aws:states"},
    {"arn:aws:states:us-east-1:123456789012:activity:", "1 to 80"},
    {"arn:aws:states:us-east-1:123456789012:activity:a b", "1 to 80"},
    {"arn:aws:states:us-east-1:123456789012:activity:a:b", "1 to 80"},
    {"arn:aws:states:us-east-1:123456789012:activity:"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"1 to 80"},
};

static const struct vector functions[] = {
    {"arn:aws:lambda:us-east-1:123456789012:function:mirror", NULL},
    {"arn:aws:lambda:us-east-1:123456789012:function:mirror:3", NULL},
    {"arn:aws:lambda:us-east-1:123456789012:function:mirror:$LATEST", NULL},
    {"arn:aws:lambda:us-east-1:123456789012:function:mirror-2_x:live", NULL},
    {"arn:aws:lambda:us-east-1:123456789012:function:", "letters, digits"},
    {"arn:aws:lambda:us-east-1:123456789012:function:a.b", "letters, digits"},
    {"arn:aws:lambda:us-east-1:123456789012:function:mirror:", "letters, digits"},
    {"arn:aws:lambda:us-east-1:123456789012:function:mirror:a:b", "letters, digits"},
    {"arn:aws:lambda:us-east-1:123456789012:layer:mirror", "looks like arn:aws:lambda"},
    {"arn:aws:states:us-east-1:123456789012:activity:mirror", "looks like arn:aws:lambda"},
};

static void
check(const struct vector *vector, int (*parse)(const char *, struct arn *, struct tmf_err *))
{
	struct tmf_err err = {0};
	struct arn arn = {0};
	int ret = parse(vector->text, &arn, &err);

	if (vector->fault == NULL) {
		ck_assert_msg(ret == 0, "%s: %s", vector->text, tmf_err_text(&err));
		ck_assert(str_is(arn.account, "123456789012"));
	} else {
		ck_assert_msg(ret < 0, "%s", vector->text);
		ck_assert_int_eq(err.code, TMF_ERR_INVALID);
		ck_assert_msg(strstr(tmf_err_text(&err), vector->fault) != NULL, "%s: %s",
		    vector->text, tmf_err_text(&err));
	}
	tmf_err_fini(&err);
}

START_TEST(test_activity)
{
	check(&activities[_i], arn_parse_activity);
}
END_TEST

START_TEST(test_function)
{
	check(&functions[_i], arn_parse_function);
}
END_TEST

START_TEST(test_parts)
{
	struct arn arn = {0};
	struct tmf_err err = {0};
	char text[ARN_BYTES_MAX + 2];

	ck_assert_int_eq(arn_parse("arn:aws-cn:iam::1:role/a:b", &arn, &err), 0);
	ck_assert(str_is(arn.partition, "aws-cn"));
	ck_assert(str_is(arn.service, "iam"));
	ck_assert(str_is(arn.region, ""));
	ck_assert(str_is(arn.account, "1"));
	ck_assert(str_is(arn.resource, "role/a:b"));
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(arn_parse(text, &arn, &err), -1);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "at most 256"));
	tmf_err_fini(&err);
}
END_TEST

/* A number has lost its zeros; nothing is made up of what is no account. */
static const struct {
	const char *json;
	const char *id; /* NULL: none */
} account_values[] = {
    {"\"012345678901\"", "012345678901"},
    {"12345678901", "012345678901"},
    {"123456789012", "123456789012"},
    {"1234567890123", NULL},
    {"0", NULL},
    {"-1", NULL},
    {"12345678901.0", NULL},
    {"\"12345678901\"", NULL},
    {"\"12345678901x\"", NULL},
    {"null", NULL},
};

START_TEST(test_account)
{
	json_t *value = json_loads(account_values[_i].json, JSON_DECODE_ANY, NULL);
	char id[ARN_ACCOUNT_DIGITS + 1] = "";

	ck_assert_int_eq(arn_account_of(value, id), account_values[_i].id != NULL);
	ck_assert_str_eq(id, account_values[_i].id != NULL ? account_values[_i].id : "");
	json_decref(value);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("aws_arn");
	TCase *cases = tcase_create("arn");

	tcase_add_loop_test(cases, test_activity, 0, sizeof(activities) / sizeof(activities[0]));
	tcase_add_loop_test(cases, test_function, 0, sizeof(functions) / sizeof(functions[0]));
	tcase_add_loop_test(
	    cases, test_account, 0, sizeof(account_values) / sizeof(account_values[0]));
	tcase_add_test(cases, test_parts);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
