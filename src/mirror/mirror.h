#ifndef TMFLOW_MIRROR_MIRROR_H
#define TMFLOW_MIRROR_MIRROR_H

#include "aws/client.h"
#include "mirror/config/config.h"
#include "store/store.h"
#include "tmflow/action.h"

/* The domain as one object: what the native actions share within a process. Their env is a struct mirror *. */
struct mirror;

/* In a dry run "new:SUBNET:GENERATION" is the id of a target that a run would create. */
#define MIRROR_NEW_TARGET_PREFIX "new:"

struct mirror_opts {
	struct tmf_loop *loop;
	struct aws_client *ec2; /* NULL where no action needs AWS */
	/* A client of the same region with the keys of a role, for findings of other accounts. Borrowed, for as long as the mirror lives. NULL: there are none.
	 * Errors: TMF_ERR_CONFIG. What the role is refused for, its calls say. */
	struct aws_client *(*client_for)(void *arg, const char *role_arn, struct tmf_err *err);
	void *client_for_arg;
	const struct mirror_config *config; /* NULL likewise; borrowed */
	struct store *store;		    /* outcomes and facts; never NULL */
	const char *run_id;
	const char *owner; /* the run whose lease this process holds; NULL: run_id */
	bool shares_run;   /* other domains of this process have the same run_id at the same time */
	const char *workflow;  /* its name, for the tags of what is made */
	const char *hook_name; /* NULL: none */
	const char *hook_source;
	json_t *
	    scripts; /* Lua sources by the name of their file, for tmflow:lua; NULL: none. A reference is taken */
	bool dry_run; /* nothing is changed; outcomes say what a run would do */
	bool retry;   /* only what run_id has recorded as failed is looked at and recorded */
};

/* NULL when the hook does not load, or cannot say in which order rules are tried. Errors: TMF_ERR_HOOK. */
struct mirror *mirror_new(const struct mirror_opts *opts, struct tmf_err *err);
void mirror_free(struct mirror *mirror);

/* New call for the end of a run, and for the start of a process that serves: ends with {} once what was launched for targets in this run, or in one that no process holds any
 * more, has a target or is terminated, as far as AWS lets that be done now. Nothing in a dry run. Errors: TMF_ERR_STORE. */
struct tmf_call *mirror_settle(struct mirror *mirror);

/* Adds every native action to the registry and sets mirror as its env. mirror may be NULL for validation only. */
void mirror_register_actions(struct tmf_registry *registry, struct mirror *mirror);

/* True if a Task of that action (without "tmflow:") may take guardduty.roleArn of another account: parameters (its Parameters; NULL: its input as it is) say so. */
bool mirror_task_takes_roles(const char *action, const json_t *parameters);

/* What a Script field means: true for a file's name (it ends in .lua), false for Lua source. */
bool mirror_is_script_file(const char *script);

/* Counters for the progress line. */
struct mirror_progress {
	uint64_t pages;	    /* described */
	uint64_t instances; /* seen in them */
	uint64_t failed;    /* recorded as `failed` */
	uint64_t missing;   /* sessions found missing, to be created */
	bool more;	    /* the listing goes on after the last page */
};
const struct mirror_progress *mirror_progress(const struct mirror *mirror);

#endif
