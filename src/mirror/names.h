#ifndef TMFLOW_MIRROR_NAMES_H
#define TMFLOW_MIRROR_NAMES_H

#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>

/* What things are called in AWS: the tags by which tmflow finds again what it made, filters, and
 * the errors that decide what is done next. */

/* The first two are the seed application's, so that its targets are found as well. */
#define TAG_NAME       "Name"
#define TAG_NAME_VALUE "TrafficMirroringSourceAutomation"
#define TAG_SUBNET     "TargetSubnetId" /* on the subnet's present target only */

#define TAG_TOOL	  "tmflow:tool" /* on everything that tmflow makes */
#define TAG_TOOL_VALUE	  "tmflow"
#define TAG_OUR_SUBNET	  "tmflow:subnet" /* on a target, also when it is full */
#define TAG_GENERATION	  "tmflow:generation"
#define TAG_TARGET_OF	  "tmflow:target" /* on an instance launched for a target: its subnet */
#define TAG_RULE	  "tmflow:rule"
#define TAG_CONFIGURATION "tmflow:configuration" /* the name of whose it is, see ownership.h */
#define TAG_WORKFLOW	  "tmflow:workflow"

#define ERROR_SOURCES_LIMIT	  "TrafficMirrorSourcesPerTargetLimitExceeded"
#define ERROR_TARGET_SESSIONS	  "TrafficMirrorSessionsPerTargetLimitExceeded"
#define ERROR_SESSIONS_LIMIT	  "TrafficMirrorSessionsPerInterfaceLimitExceeded"
#define ERROR_TARGET_NOT_READY	  "TMFlow.TargetNotReady"
#define ERROR_INTERFACE_IS_TARGET "InterfaceInUseByTrafficMirrorTarget"
#define ERROR_TYPE		  "NetworkInterfaceNotSupported"
#define ERROR_INSTANCE_TERMINATED "IdempotentInstanceTerminated"
#define ERROR_PARAMETER_MISMATCH  "IdempotentParameterMismatch"
#define ERROR_CAPACITY		  "InsufficientInstanceCapacity"

#define SESSIONS_PER_INTERFACE_MAX 3u /* AWS's quota, not adjustable */
#define CLIENT_TOKEN_BYTES	   65 /* SHA-256 in hex, and NUL: AWS takes 64 */

/* Appends {Key, Value} to tags, a list as the create calls take it. Nothing where value is NULL. */
void tag_add(json_t *tags, const char *key, const char *value);

/* The value of an instance's, target's or session's tag in its Tags, or NULL. Borrows. Tags are a
 * list of {Key, Value}, or an object. */
const char *tag_value(const json_t *resource, const char *key);

/* [{Name, Values}] for a describe: one filter of one or many values (taken). New reference. */
json_t *describe_filter(const char *name, json_t *values);

/* True for both ways in which AWS says that a target takes no more. */
bool error_is_target_full(const struct tmf_err *err);

/* True for what AWS answers when a target that has sessions is to be deleted. */
bool error_is_target_in_use(const struct tmf_err *err);

#endif
