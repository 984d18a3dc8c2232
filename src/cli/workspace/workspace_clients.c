#include "aws/arn.h"
#include "aws/services/sts.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/workspace/workspace_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Keys and clients: of the account that the workspace works in, and of others by their roles. */

/* Instead of ten: a network may have an endpoint for EC2 alone, and the run goes on without. */
#define WORKSPACE_ELB_ATTEMPTS_MAX 4

/* A session's name has 64 bytes at most, and a run's id may have as many: its beginning is what
 * made ones differ in. */
void
workspace_name_run(struct workspace *workspace, const char *run_id)
{
	assert(workspace->own.ec2 == NULL && workspace->user_agent == NULL && run_id[0] != '\0');
	workspace->user_agent = mem_printf("tmflow/" TMFLOW_VERSION " run/%s", run_id);
	workspace->session_name = mem_printf(
	    "tmflow-%.*s", (int)(STS_SESSION_NAME_BYTES_MAX - sizeof("tmflow-") + 1), run_id);
}

struct keys_wait {
	struct tmf_loop *loop;
	struct tmf_err err;
	bool over;
};

/*
 * Credentials may be there at once, before the loop runs: `over` says so, and the loop is then not
 * started.
 */
static void
keys_wait_done(void *arg, const struct credentials *credentials, struct tmf_err *err)
{
	struct keys_wait *wait = arg;

	if (credentials == NULL)
		tmf_err_move(&wait->err, err);
	wait->over = true;
	tmf_loop_stop(wait->loop);
}

/* Waits for the first keys, since nothing can be done without. */
static int
workspace_find_credentials(struct workspace *workspace, struct tmf_err *err)
{
	struct keys_wait wait = {.loop = workspace->loop};

	assert(workspace->own.credentials != NULL);
	workspace->own.credentials->get(workspace->own.credentials, keys_wait_done, &wait);
	if (!wait.over && tmf_loop_run(workspace->loop, err) < 0)
		return -1;
	if (!tmf_err_isset(&wait.err))
		return 0;
	tmf_err_move(err, &wait.err);
	return -1;
}

/* The chain, or the role that its keys assume. */
static struct credentials_provider *
workspace_new_credentials(struct workspace *workspace)
{
	const struct credentials_opts opts = workspace_credentials_opts(workspace);
	struct credentials_provider *chain = credentials_chain_new(&opts);

	if (workspace->assume_role == NULL)
		return chain;
	return credentials_role_new(&opts, chain,
	    &(struct credentials_role){
		.role_arn = workspace->assume_role,
		.external_id = workspace->external_id,
	    });
}

/* --- the clients of an account --- */

static void
clients_fini(struct workspace_clients *clients)
{
	aws_client_free(clients->elb);
	aws_client_free(clients->ec2);
	pacer_free(clients->pacer);
	credentials_provider_free(clients->credentials);
	free(clients->role_arn);
}

void
workspace_free_clients(struct workspace *workspace)
{
	while (workspace->members != NULL) {
		struct workspace_clients *member = workspace->members;

		workspace->members = member->next;
		clients_fini(member);
		free(member);
	}
	clients_fini(&workspace->own);
}

/*
 * What distinguishes this account from others in one store: the role's account, or the profile.
 * malloc'ed.
 */
static char *
workspace_owner(const struct workspace *workspace, const char *role_arn)
{
	struct arn arn = {0};

	if (role_arn != NULL && arn_parse(role_arn, &arn, NULL) == 0 && arn.account.len > 0)
		return mem_strndup(arn.account.p, arn.account.len);
	return mem_strdup(workspace->settings.profile);
}

static struct aws_client_opts
workspace_client_opts(
    struct workspace *workspace, const char *service, struct credentials_provider *credentials)
{
	struct aws_client_opts opts = aws_client_opts_of(&workspace->settings, service);

	opts.loop = workspace->loop;
	opts.rng = &workspace->rng;
	opts.transport = workspace->transport;
	opts.user_agent = workspace->user_agent;
	opts.credentials = credentials;
	return opts;
}

/*
 * Makes the clients over clients->credentials, keys of role_arn (NULL: of no role). Requests are
 * paced per account and region, since EC2 keeps its token buckets so: an account that EC2
 * throttles must not slow the others.
 */
static int
clients_open(struct workspace *workspace, struct workspace_clients *clients, const char *role_arn,
    struct tmf_err *err)
{
	struct aws_client_opts ec2 = workspace_client_opts(workspace, "ec2", clients->credentials);
	struct aws_client_opts elb =
	    workspace_client_opts(workspace, WORKSPACE_ELB, clients->credentials);
	char *owner = workspace_owner(workspace, role_arn);

	assert(clients->credentials != NULL && clients->ec2 == NULL);
	clients->pacer = pacer_new(workspace->loop);
	ec2.owner = owner;
	ec2.pacer = clients->pacer;
	clients->ec2 = aws_client_new(&ec2, err);
	free(owner);
	if (clients->ec2 == NULL)
		return -1;
	if (elb.retry_mode == NULL && elb.attempts_max == 0)
		elb.attempts_max = WORKSPACE_ELB_ATTEMPTS_MAX;
	clients->elb = aws_client_new(&elb, err);
	return clients->elb != NULL ? 0 : -1;
}

int
workspace_open_client(struct workspace *workspace, struct tmf_err *err)
{
	workspace->own.credentials = workspace_new_credentials(workspace);
	return clients_open(workspace, &workspace->own, workspace->assume_role, err);
}

/*
 * Clients of other accounts are kept until the end, so that each role is assumed once and not for
 * every call.
 */
struct aws_client *
workspace_client_for(void *arg, const char *role_arn, struct tmf_err *err)
{
	struct workspace *workspace = arg;
	const struct credentials_opts keys = workspace_credentials_opts(workspace);
	struct workspace_clients *member = workspace->members;

	while (member != NULL && strcmp(member->role_arn, role_arn) != 0)
		member = member->next;
	if (member != NULL)
		return member->ec2;
	member = mem_zalloc(1, sizeof(*member));
	member->role_arn = mem_strdup(role_arn);
	member->credentials = credentials_role_new(&keys, workspace_new_credentials(workspace),
	    &(struct credentials_role){.role_arn = member->role_arn});
	if (clients_open(workspace, member, role_arn, err) < 0) {
		clients_fini(member);
		free(member);
		return NULL;
	}
	member->next = workspace->members;
	workspace->members = member;
	return member->ec2;
}

struct aws_client *
workspace_elb_for(void *arg, const struct aws_client *ec2)
{
	const struct workspace *workspace = arg;
	const struct workspace_clients *clients = &workspace->own;

	if (ec2 != clients->ec2)
		clients = workspace->members;
	while (clients != NULL && clients->ec2 != ec2)
		clients = clients->next;
	return clients != NULL ? clients->elb : NULL;
}

/* --- connecting --- */

int
workspace_connect(struct workspace *workspace)
{
	struct tmf_err err = {0};

	if (workspace_open_client(workspace, &err) < 0 ||
	    workspace_find_credentials(workspace, &err) < 0)
		return cli_fail_take(workspace->opts->output, &err);
	return EXIT_OK;
}

int
workspace_connect_objects(struct workspace *workspace, bool surely)
{
	struct tmf_err err = {0};

	workspace->own.credentials = workspace_new_credentials(workspace);
	if (surely && workspace_find_credentials(workspace, &err) < 0)
		return cli_fail_take(workspace->opts->output, &err);
	return EXIT_OK;
}

/*
 * Services other than EC2 get no pacer: their requests are few, and the client's retries are
 * enough.
 */
struct aws_client *
workspace_client(
    struct workspace *workspace, const char *service, const char *region, struct tmf_err *err)
{
	struct aws_client_opts client =
	    workspace_client_opts(workspace, service, workspace->own.credentials);

	if (region != NULL)
		client.region = region;
	return aws_client_new(&client, err);
}
