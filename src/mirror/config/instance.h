#ifndef TMFLOW_MIRROR_CONFIG_INSTANCE_H
#define TMFLOW_MIRROR_CONFIG_INSTANCE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * What DescribeInstances says about an instance (JSON, with AWS's names). Pure: no call is made,
 * and a member that is missing matches nothing.
 */

/* True if the member is that text. */
bool instance_member_is(const json_t *instance, const char *key, const char *wanted);

/* True if the instance is terminated, or about to be. */
bool instance_is_over(const json_t *instance);

/* True if it is stopped, or about to be: it sends and receives nothing, until somebody starts
 * it. */
bool instance_is_stopped(const json_t *instance);

/* True if it was launched for a target, by tmflow or the seed application: such an instance says so
 * from its first moment. */
bool instance_is_marked_target(const json_t *instance);

/* The instance's interface of that id, or NULL. Borrows. */
json_t *instance_interface(const json_t *instance, const char *interface_id);

/* The interface of device index 0, or NULL. Borrows. */
json_t *instance_primary_interface(const json_t *instance);

#endif
