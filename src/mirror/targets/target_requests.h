#ifndef TMFLOW_MIRROR_TARGETS_TARGET_REQUESTS_H
#define TMFLOW_MIRROR_TARGETS_TARGET_REQUESTS_H

#include "mirror/account.h"
#include "mirror/config/rules.h"

/* A source that wants a target. Borrows. */
struct target_request {
	const struct config_rule *rule; /* one whose targets are created */
	const char *subnet_id;
	const char *interface_id;   /* the source, which gets a place there; NULL: it gets none */
	const char *full_target_id; /* answered that it takes no more sources; NULL: none did */
};

/* The subnet of the rule's targets for a source in subnet_id, or of a request. Borrow. */
const char *target_subnet(const struct config_rule *rule, const char *subnet_id);
const char *target_request_subnet(const struct target_request *request);

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

/* The id of the target in its reply; NULL where it has none. Borrows. */
const char *target_order_found(const json_t *reply);

/* Describes the instance, and terminates it. */
struct tmf_call *target_order_find(struct aws_client *ec2, const char *instance_id);
struct tmf_call *target_order_terminate(struct aws_client *ec2, const char *instance_id);

/* Takes TAG_SUBNET off a target that is full or dead. */
struct tmf_call *
target_order_untag(struct aws_client *ec2, const char *target_id, const char *subnet_id);

/* True for an error that asking again does not change. */
bool target_error_is_permanent(const struct tmf_err *err);

/* True for an error of target_order_launch after which no instance of that token exists. */
bool target_order_launched_nothing(const struct tmf_err *err);

#endif
