#ifndef TMFLOW_MIRROR_ONLINE_CHECK_H
#define TMFLOW_MIRROR_ONLINE_CHECK_H

#include "aws/services/ec2.h"
#include "mirror/config/config.h"

/*
 * Whether AWS has what a configuration names: targets, filters, images, security groups, subnets
 * and VPCs. A mistake in an id would otherwise show with the first instance that needs it, perhaps
 * hours into a run.
 */

/* How a run is started without the check: for messages. */
#define ONLINE_CHECK_OFF "--no-online-check"

/* The permissions that it needs; ends with NULL. */
extern const char *const online_check_iam_actions[];

/*
 * New call that ends with a result for online_check_judge: one describe a kind of which the
 * configuration names any, and one more for each 200 ids of the kind. Borrows config until it is
 * over.
 * A describe that AWS refuses for good is part of the result. Errors: all others, such as expired
 * keys: then nothing can be said.
 */
struct tmf_call *online_check_start(struct aws_client *ec2, const struct mirror_config *config);

/*
 * Adds to diags, whose document is the configuration's, an error for each id that AWS did not list,
 * and a warning for each kind that could not be looked up, naming the permission. With
 * guardduty.roleArn an id may be a member account's; where places share a configuration (shared),
 * another place's: what is missing is a warning then. Borrows all.
 */
void online_check_judge(
    const struct mirror_config *config, const json_t *result, bool shared, struct diag_list *diags);

#endif
