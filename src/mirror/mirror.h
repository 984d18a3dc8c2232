#ifndef TMFLOW_MIRROR_MIRROR_H
#define TMFLOW_MIRROR_MIRROR_H

#include "mirror/accounts.h"
#include "mirror/config/config.h"
#include "mirror/config/prune.h"
#include "mirror/config/rules.h"
#include "tmflow/action.h"

struct dry_run;

/* Counters for the progress line. */
struct mirror_progress {
	uint64_t pages;		   /* described */
	uint64_t instances;	   /* seen in them */
	uint64_t instances_before; /* of them, in earlier processes of the run */
	uint64_t failed;	   /* recorded as `failed`, since the last round began if it has */
	uint64_t missing;	   /* sessions found missing, to be created */
	bool more;		   /* the listing goes on after the last page */
};

/*
 * One run of a workflow, as the native actions see it: what it goes by and where it records. The
 * env of every action. It lives as long as the run; what was learned of AWS belongs to the
 * accounts, which may outlive it.
 */
struct mirror {
	struct accounts *accounts;
	struct account *account; /* the process's own; its loop and store are the run's */
	const struct mirror_config *config; /* NULL where no action needs AWS */
	struct rules *rules;		    /* NULL likewise */
	struct script *hook;		    /* NULL: none */
	char *hook_name;
	char *run_id;	   /* whose ledger is written */
	char *workflow;	   /* without folder and extension: the same wherever the file lies */
	json_t *scripts;   /* Lua sources by the name of their file; NULL: none */
	bool shares_run;   /* other runs of this process write to the same ledger */
	bool retry_failed; /* `resume --retry-failed`, as mirror_opts has it */
	/* At work on what run_id has recorded as failed: in such a resume, or the last round. */
	bool only_failed;
	bool last_round;
	bool prune; /* sessions that no rule wants any more are removed */
	struct prune_limit prune_limit;
	struct mirror_progress progress;
	struct dry_run *dry_run; /* NULL: AWS is really asked */
	json_t *session_tags;	 /* by the rule's name, see mirror_session_tags() */
};

struct mirror_opts {
	struct accounts *accounts;	    /* borrowed */
	const struct mirror_config *config; /* NULL where no action needs AWS; borrowed */
	const char *run_id;
	const char *workflow;	 /* its name, for the tags of what is made */
	const char *hook_name;	 /* NULL: none */
	const char *hook_source; /* NULL: none */
	json_t *scripts;	 /* for tmflow:lua; NULL: none. A reference is taken */
	bool shares_run;
	bool only_failed;
	bool prune; /* also where the configuration does not say so */
	/* NULL: PRUNE_LIMIT_DEFAULT. Borrowed until mirror_new returns. */
	const struct prune_limit *prune_limit;
};

/* A dry run where the accounts are opened for one. Returns NULL when the hook does not load, or
 * cannot say in which order rules are tried. Errors: TMF_ERR_HOOK. */
struct mirror *mirror_new(const struct mirror_opts *opts, struct tmf_err *err);
void mirror_free(struct mirror *mirror);

/* Says whether the run is in its last round now, in which it tries once more what failed. Not where
 * the ledger is shared: there what failed may be another run's. */
void mirror_set_last_round(struct mirror *mirror, bool last_round);

/* Another account that guardduty.roleArn leads to; NULL stands for the process's own. Borrows.
 * Errors: TMF_ERR_CONFIG. */
struct account *
mirror_account(const struct mirror *mirror, const char *account_id, struct tmf_err *err);

/* True if guardduty.roleArn leads into that account, unless guardduty.accounts leaves it out. */
bool mirror_reaches(const struct mirror *mirror, const char *account_id);

/* The account with that id, where this process reaches it; else NULL. For members_opts: arg is a
 * struct mirror. Borrows. */
struct account *mirror_account_of(void *mirror, const char *account_id);

/* What a rule's sessions are tagged with, in every account. Borrowed; made once for each rule. */
json_t *mirror_session_tags(struct mirror *mirror, const struct config_rule *rule);

/* True if a Task of that action (without "tmflow:") may take guardduty.roleArn of another account:
 * parameters (its Parameters; NULL: its input as it is) say so. */
bool mirror_task_takes_roles(const char *action, const json_t *parameters);

/* What a Script field means: true for a file's name (it ends in .lua), false for Lua source. */
bool mirror_is_script_file(const char *script);

#endif
