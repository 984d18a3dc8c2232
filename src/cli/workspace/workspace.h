#ifndef TMFLOW_CLI_WORKSPACE_WORKSPACE_H
#define TMFLOW_CLI_WORKSPACE_WORKSPACE_H

#include "aws/client.h"
#include "aws/keys/credentials_chain.h"
#include "base/rng.h"
#include "cli/options.h"
#include "cli/workspace/mfa.h"
#include "data/objects.h"
#include "loop/http.h"
#include "mirror/config/config.h"
#include "mirror/mirror.h"

/* Keys and clients of an account. */
struct workspace_clients {
	struct workspace_clients *next; /* of a member */
	char *role_arn;			/* of a member: whose keys they are */
	struct credentials_provider *credentials;
	struct pacer *pacer;
	struct aws_client *ec2;
	struct aws_client *elb; /* what stands behind load balancers */
};

/*
 * What a subcommand that asks AWS works with: the settings, configuration and hook that flags,
 * files and environment give, the client made of them, and the domain with its actions over that.
 *
 * Life: workspace_init; then, where AWS is needed, workspace_load_settings, workspace_read_files
 * (or the texts are put in from a run's record), workspace_load_config, workspace_connect; then
 * workspace_open_mirror; workspace_fini. Each that can fail says why and returns the exit code,
 * EXIT_OK when all is well.
 */
struct workspace {
	const struct cli_opts *opts;
	struct rng rng;
	struct tmf_registry
	    *registry; /* every native action; its env is mirror once that is open */
	struct tmf_loop *loop;
	bool shares; /* loop and network are another workspace's */

	/*
	 * the caller, before workspace_load_settings: how many connections may be open; 0: the
	 * transport's default
	 */
	long connections_max;

	/* workspace_load_settings */
	struct aws_settings settings;
	char *assume_role;		  /* ARN, or NULL */
	char *external_id;		  /* that goes with it, or NULL */
	struct mfa mfa;			  /* where the code of a profile's MFA device comes from */
	struct http_transport *transport; /* of all requests */
	struct http_transport *curl;	  /* below it: the same, or NULL where it is shared */
	struct http_transport *trace;	  /* between them with --debug-http; NULL: none */

	/* workspace_read_files, or the caller. Owned; the hook's are NULL without a hook */
	char *config_name;
	char *config_text;
	char *hook_name;
	char *hook_text;

	/* the caller, before workspace_load_config: its warnings were said before */
	bool warned;

	/* workspace_load_config */
	struct mirror_config *config;

	/* workspace_name_run; NULL: of no run */
	char *user_agent;
	char *session_name; /* of assumed roles */

	/* workspace_connect */
	struct workspace_clients own;
	struct workspace_clients *members; /* of other accounts, see workspace_client_for */

	struct workspace_objects *objects; /* of S3; NULL until asked for */

	/* workspace_open_mirror */
	struct accounts *accounts; /* NULL until opened */
	struct mirror *mirror;
};

/* With a loop of its own. Borrows opts while the workspace lives. */
void workspace_init(struct workspace *workspace, const struct cli_opts *opts);

/* The same on the loop and the network of another, which has its settings and outlives this one. */
void workspace_init_beside(
    struct workspace *workspace, const struct cli_opts *opts, const struct workspace *other);

/* Frees what it holds, in any state that it is in. */
void workspace_fini(struct workspace *workspace);

/*
 * Region, endpoint, profile and role: from flags, then recorded (a run's settings as JSON text,
 * or NULL), then environment and shared files; the region then from the instance's metadata.
 * Opens the network.
 */
int workspace_load_settings(struct workspace *workspace, const char *recorded);

/* The same where a missing region is not an error: settings.region is NULL then. */
int workspace_load_what_is_set(struct workspace *workspace);

/* --config, or config/REGION.yaml. malloc'ed; NULL where neither is known. */
char *workspace_config_path(const struct workspace *workspace);

/* True if there is a configuration to read: --config, which must be there, or a file at the path
 * above. For subcommands that can do without. */
bool workspace_has_config(const struct workspace *workspace);

/* Which place has keys, after either of the loads: see credentials_find. New reference, or NULL
 * with *err. */
json_t *workspace_show_credentials(struct workspace *workspace, struct tmf_err *err);

/* What a run's record keeps of them. malloc'ed JSON text. */
char *workspace_settings_text(const struct workspace *workspace);

/* Reads --config, or config/REGION.yaml, and --hook, or the configuration's; checks both. */
int workspace_read_files(struct workspace *workspace);

/* Sees that a hook loads and can say in which order rules are tried. Returns: 0, -1 with *err. */
int workspace_try_hook(
    const struct mirror_config *config, const char *name, struct str source, struct tmf_err *err);

/* Checks config_text. Warnings go to standard error. */
int workspace_load_config(struct workspace *workspace);

/*
 * A client of another service over the same network and keys, after workspace_connect. region
 * NULL: the workspace's. The caller frees it.
 */
struct aws_client *workspace_client(
    struct workspace *workspace, const char *service, const char *region, struct tmf_err *err);

/*
 * An EC2 client with the keys of a role that this one's keys assume, kept until workspace_fini:
 * for accounts_opts.client_for. Borrowed.
 */
struct aws_client *workspace_client_for(void *workspace, const char *role_arn, struct tmf_err *err);

/* The client of Elastic Load Balancing beside an EC2 client of this workspace: for
 * accounts_opts.elb_for. Borrowed. */
struct aws_client *workspace_elb_for(void *workspace, const struct aws_client *ec2);

/* Objects of S3, for an engine: by a client over these keys that is made when the first is wanted.
 * Borrowed; no call of it may be under way at workspace_fini. */
struct objects *workspace_objects(struct workspace *workspace);

/*
 * Whose calls these are, before the clients are opened: user agent and role session name carry the
 * run's id, so that CloudTrail shows which run made what.
 */
void workspace_name_run(struct workspace *workspace, const char *run_id);

/* Opens the EC2 client, and looks for credentials: without keys nothing is started. */
int workspace_connect(struct workspace *workspace);

/*
 * The same without looking: missing keys fail the first call. Returns -1 with
 * *err.
 */
int workspace_open_client(struct workspace *workspace, struct tmf_err *err);

/*
 * Keys for S3 alone, where no action needs AWS. surely: that they are needed, so that they are
 * looked for now; else they may be missing, and so may the region.
 */
int workspace_connect_objects(struct workspace *workspace, bool surely);

/* The accounts, for what `of` says of store, owner and kind of run; the rest is the workspace's. */
void workspace_open_accounts(struct workspace *workspace, const struct accounts_opts *of);

/*
 * The run, after workspace_open_accounts, for what `of` says of it and its workflow; the rest is
 * the workspace's.
 */
int workspace_open_mirror(struct workspace *workspace, const struct mirror_opts *of);

/* The same, but returns -1 with *err. */
int workspace_make_mirror(
    struct workspace *workspace, const struct mirror_opts *of, struct tmf_err *err);

/* Runs the loop until call (taken) is over. New reference to its result, or NULL with *err. */
json_t *workspace_wait(struct workspace *workspace, struct tmf_call *call, struct tmf_err *err);

#endif
