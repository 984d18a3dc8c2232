#ifndef TMFLOW_TESTS_EC2_BY_NAME_H
#define TMFLOW_TESTS_EC2_BY_NAME_H

#include "aws/services/ec2.h"
#include "base/doc/doc.h"

/* What the suites of the typed calls share. */

/* Starts an operation by AWS's name of it with parameters as AWS names them. NULL: not one of
 * ours. */
struct tmf_call *ec2_by_name_start(struct aws_client *ec2, const char *name, const json_t *params);

/* True where only those of a resource's members are read that lead somewhere. */
bool ec2_by_name_reads_a_part(const char *name);

/* JSON with single quotes, which C need not escape. New. */
json_t *relaxed_json(const char *text);

/* Fails the test with both texts unless they are the same; what says which. */
void expect_same_json(const json_t *wanted, const json_t *got, const char *what);

/* The list named member of a file among the shared ones, or NULL with a line that says so.
 * *ret_doc keeps it. */
json_t *shared_list_read(const char *path, const char *member, struct doc **ret_doc);

#endif
