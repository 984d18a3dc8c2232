#ifndef TMFLOW_MIRROR_TARGETS_TARGET_REQUESTS_H
#define TMFLOW_MIRROR_TARGETS_TARGET_REQUESTS_H

#include "mirror/account.h"
#include "mirror/config/rules.h"

/* What is asked of AWS to create a target. Each request is a function of the order alone, and so
 * is its client token: two processes that ask at the same time get the same instance and the
 * same target. Borrows. */
struct target_order {
	const char *subnet_id;
	int generation;
	const char *image_id;
	const char *instance_type;
	json_t *group_ids;	   /* [id] */
	const char *configuration; /* NULL: of a launch that is older than their names */
};

/* The client token of the launch: what the order is known by in the store. */
void target_order_token(const struct target_order *order, char ret_token[CLIENT_TOKEN_BYTES]);

/* Asks for the instance of the order. Ends with RunInstances' reply. */
struct tmf_call *target_order_launch(struct aws_client *ec2, const struct target_order *order);

/* Asks for the target on its interface. Ends with CreateTrafficMirrorTarget's reply. */
struct tmf_call *target_order_attach(
    struct aws_client *ec2, const struct target_order *order, const char *interface_id);

/* The target that holds an interface. */
struct tmf_call *target_order_look_up(struct aws_client *ec2, const char *interface_id);

/* Takes TAG_SUBNET off a target that is full or dead. */
struct tmf_call *
target_order_untag(struct aws_client *ec2, const char *target_id, const char *subnet_id);

#endif
