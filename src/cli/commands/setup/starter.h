#ifndef TMFLOW_CLI_COMMANDS_SETUP_STARTER_H
#define TMFLOW_CLI_COMMANDS_SETUP_STARTER_H

#include "base/buf.h"

#include <jansson.h>

/*
 * A configuration to start from, as `tmflow init` writes it: valid as it stands, and with what an
 * account has as choices in comments.
 */

/* Choices of one kind that are listed; the rest is a number. Limits: a file that can be read. */
#define STARTER_CHOICES_MAX 20

/* What an account has. Each is an array of AWS's own objects, borrowed, in the order in which they
 * are offered; the first filter and target are the ones that count. */
struct starter {
	const char *region;
	const char *account_id;
	const char *path; /* of the file, as commands in it name it */
	size_t instances; /* that were looked at */
	json_t *filters;
	json_t *targets;
	json_t *tags;	 /* [{Key, Value, Count}] */
	json_t *subnets; /* each also with Count: its instances */
	json_t *vpcs;	 /* the same */
	json_t *denied;	 /* IAM actions, ["ec2:DescribeVpcs"]: what could not be listed */
};

/* Appends the file's text: YAML. Nothing of an account can end a comment or a string. */
void starter_write(const struct starter *starter, struct buf *out);

#endif
