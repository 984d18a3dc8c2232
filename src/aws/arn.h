#ifndef TMFLOW_AWS_ARN_H
#define TMFLOW_AWS_ARN_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>

/*
 * Amazon Resource Names: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.
 * See: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */

#define ARN_BYTES_MAX                                                                              \
	256u /* Step Functions API: activityArn; a Task's Resource is no longer either */

/* Parts of an ARN. All borrow from the text that was parsed. */
struct arn {
	struct str partition; /* "aws", "aws-cn", "aws-us-gov", ... */
	struct str service;
	struct str region;
	struct str account;
	struct str resource; /* all that follows, colons included: "activity:mirror" */
};

#define ARN_ACCOUNT_DIGITS 12

/* True for an account's id: twelve digits. */
bool arn_is_account(struct str account);

/* The account's id that value is: a string of twelve digits, or a number, which has lost its
 * leading zeros. False, and nothing is written, for anything else. */
bool arn_account_of(const json_t *value, char ret_id[ARN_ACCOUNT_DIGITS + 1]);

/* A template, of an ARN or another name, with {account} and {region} filled in; a value that is
 * NULL leaves its place as it is. NULL for NULL. malloc'ed. */
char *arn_fill_in(const char *template, const char *account, const char *region);

/* Splits text, which must have a partition and a service. Errors: TMF_ERR_INVALID saying which part
 * is wrong. */
int arn_parse(const char *text, struct arn *ret_arn, struct tmf_err *err);

/* arn:PARTITION:states:REGION:ACCOUNT:activity:NAME. Errors: TMF_ERR_INVALID with the form that is
 * wanted. */
int arn_parse_activity(const char *text, struct arn *ret_arn, struct tmf_err *err);

/* arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME, perhaps with :VERSION or :ALIAS. Errors:
 * likewise. */
int arn_parse_function(const char *text, struct arn *ret_arn, struct tmf_err *err);

#endif
