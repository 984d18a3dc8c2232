#ifndef TMFLOW_CLI_COMMANDS_LANGUAGE_POLICY_H
#define TMFLOW_CLI_COMMANDS_LANGUAGE_POLICY_H

#include "asl/compile/compile.h"
#include "engine/registry.h"
#include "mirror/config/config.h"

/* Borrowed. */
struct policy_opts {
	struct tmf_registry *registry;
	const struct asl_machine *machine;
	/* Narrows the policy to the filters, targets, images, groups, subnets and types that its
	 * rules name. NULL: any of them; what is changed bears tmflow's tags in either case. */
	const struct mirror_config *config;
	const char *region;	  /* NULL: any */
	const char *command;	  /* whose policy: "run", "coverage", ..; NULL: run */
	const char *activity_arn; /* of a worker; NULL: none */
	bool organization;	  /* of one of its accounts, or of the keys that list these */
	/* The policy of the keys that assume this role, a name or an ARN with {account}. NULL: of
	 * who does the work. */
	const char *assume_role;
};

/* The IAM policy: {"Version", "Statement"}. New reference, or NULL with *err, TMF_ERR_INVALID. */
json_t *policy_document(const struct policy_opts *opts, struct tmf_err *err);

#endif
