#ifndef TMFLOW_MIRROR_MIRROR_INTERNAL_H
#define TMFLOW_MIRROR_MIRROR_INTERNAL_H

#include "aws/services/ec2.h"
#include "mirror/config/rules.h"
#include "mirror/mirror.h"
#include "script/script.h"

/* Tags. The first two are the seed application's, so that its targets are found again. */
#define TAG_NAME       "Name"
#define TAG_NAME_VALUE "TrafficMirroringSourceAutomation"
#define TAG_SUBNET     "TargetSubnetId" /* on the subnet's present target only */

#define TAG_TOOL       "tmflow:tool" /* on everything that tmflow makes */
#define TAG_TOOL_VALUE "tmflow"
#define TAG_OUR_SUBNET "tmflow:subnet" /* on a target, also when it is full */
#define TAG_GENERATION "tmflow:generation"
#define TAG_TARGET_OF                                                                              \
	"tmflow:target" /* on an instance that was launched for a target: its subnet */
#define TAG_RULE     "tmflow:rule"
#define TAG_WORKFLOW "tmflow:workflow"

#define SESSIONS_PER_INTERFACE_MAX 3u /* AWS's quota, not adjustable */

#define ERROR_SOURCES_LIMIT	  "TrafficMirrorSourcesPerTargetLimitExceeded"
#define ERROR_SESSIONS_LIMIT	  "TrafficMirrorSessionsPerInterfaceLimitExceeded"
#define ERROR_INTERFACE_IS_TARGET "InterfaceInUseByTrafficMirrorTarget"
#define ERROR_TYPE		  "NetworkInterfaceNotSupported"
#define ERROR_INSTANCE_TERMINATED "IdempotentInstanceTerminated"
#define ERROR_PARAMETER_MISMATCH  "IdempotentParameterMismatch"
#define ERROR_CAPACITY		  "InsufficientInstanceCapacity"

#define ACCOUNT_ID_BYTES 13 /* twelve digits, and NUL */

struct mirror_targets;
struct plan;

struct mirror {
	struct mirror_opts opts; /* as given; the strings below are copies */
	char *run_id;
	char *owner;
	char *workflow; /* without folder and extension: the same wherever the file lies */
	char *hook_name;
	struct script *hook;		/* NULL: none */
	struct rules *rules;		/* NULL where there is no configuration */
	struct mirror_targets *targets; /* NULL where there is no AWS */
	struct plan *plan;		/* NULL unless this is a dry run */
	struct mirror_progress counted;
	struct mirror_progress *progress; /* counted, or that of `of` */
	struct mirror *members;		  /* one for each other account that was asked for */
	struct mirror *next_member;
	struct mirror *
	    of; /* whose member this is: all but targets and plan are borrowed from it. NULL: none's */
	char account_id[ACCOUNT_ID_BYTES]; /* whose instances AWS lists; "" until it listed one */
	json_t *session_tags;		   /* by the rule's name, see session_tags() */
	int page_results_max; /* what a page may hold so that it fits into a state's data; 0: not known yet */
};

/* The run whose lease this process holds. */
const char *mirror_owner(const struct mirror *mirror);

/* True for what AWS answers when a target that has sessions is to be deleted. */
bool mirror_error_is_in_use(const struct tmf_err *err);

/* Learns which account this is from a reply of ec2_describe_instances. Kept for the process only: with other keys the same store may serve another account. */
void mirror_note_account(struct mirror *mirror, const json_t *reply);

/* The domain of another account, with the role that guardduty.roleArn names for it; made when it is first asked for. Borrowed. Errors: TMF_ERR_CONFIG. */
struct mirror *mirror_member(struct mirror *mirror, const char *account_id, struct tmf_err *err);

/* True if there is a role for that account. */
bool mirror_has_member(const struct mirror *mirror, const char *account_id);

void mirror_members_free(struct mirror *mirror);

/* Writes an outcome of this run. Without an interface it is said of the instance: in a retry, of all of it that failed. Errors: TMF_ERR_STORE. */
int mirror_record(struct mirror *mirror, const struct outcome *outcome, struct tmf_err *err);

/* Writes `failed` with error, cause and request id of failure. What the store refuses then is logged: there is nobody left to tell. */
void mirror_record_failed(
    struct mirror *mirror, const struct outcome *item, const struct tmf_err *failure);

/* Appends {Key, Value} to tags. */
void mirror_add_tag(json_t *tags, const char *key, const char *value);

#define CLIENT_TOKEN_BYTES 65 /* SHA-256 in hex, and NUL: AWS takes 64 */

/* [{Name, Values}] for a describe: one filter of one or many values (taken). New reference. */
json_t *mirror_filter(const char *name, json_t *values);

#endif
