#include "aws/arn.h"
#include "aws/services/sts.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/run/workspace_internal.h"

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
	assert(workspace->ec2 == NULL && workspace->user_agent == NULL && run_id[0] != '\0');
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

	assert(workspace->credentials != NULL);
	workspace->credentials->get(workspace->credentials, keys_wait_done, &wait);
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

static struct aws_client *
workspace_new_elb(
    struct workspace *workspace, struct credentials_provider *credentials, struct tmf_err *err)
{
	struct aws_client_opts client = aws_client_opts_of(&workspace->settings, WORKSPACE_ELB);

	client.loop = workspace->loop;
	client.rng = &workspace->rng;
	client.transport = workspace->transport;
	client.user_agent = workspace->user_agent;
	client.credentials = credentials;
	if (client.retry_mode == NULL && client.attempts_max == 0)
		client.attempts_max = WORKSPACE_ELB_ATTEMPTS_MAX;
	return aws_client_new(&client, err);
}

/* Requests are paced per account and region, since EC2 keeps its token buckets so. */
int
workspace_open_client(struct workspace *workspace, struct tmf_err *err)
{
	struct aws_client_opts client = aws_client_opts_of(&workspace->settings, "ec2");
	char *owner = workspace_owner(workspace, workspace->assume_role);

	assert(workspace->ec2 == NULL && workspace->pacer == NULL);
	workspace->credentials = workspace_new_credentials(workspace);
	client.owner = owner;
	client.loop = workspace->loop;
	client.rng = &workspace->rng;
	client.pacer = workspace->pacer = pacer_new(workspace->loop);
	client.transport = workspace->transport;
	client.user_agent = workspace->user_agent;
	client.credentials = workspace->credentials;
	workspace->ec2 = aws_client_new(&client, err);
	free(owner);
	if (workspace->ec2 == NULL)
		return -1;
	workspace->elb = workspace_new_elb(workspace, workspace->credentials, err);
	return workspace->elb != NULL ? 0 : -1;
}

/* --- other accounts --- */

struct workspace_member {
	struct workspace_member *next;
	char *role_arn;
	struct credentials_provider *credentials;
	struct pacer *pacer;
	struct aws_client *ec2;
	struct aws_client *elb;
};

static void
member_free(struct workspace_member *member)
{
	aws_client_free(member->elb);
	aws_client_free(member->ec2);
	pacer_free(member->pacer);
	credentials_provider_free(member->credentials);
	free(member->role_arn);
	free(member);
}

void
workspace_free_members(struct workspace *workspace)
{
	while (workspace->members != NULL) {
		struct workspace_member *member = workspace->members;

		workspace->members = member->next;
		member_free(member);
	}
}

/* Each member has a pacer of its own: an account that EC2 throttles must not slow the others. */
static struct workspace_member *
member_new(struct workspace *workspace, const char *role_arn, struct tmf_err *err)
{
	const struct credentials_opts keys = workspace_credentials_opts(workspace);
	struct aws_client_opts client = aws_client_opts_of(&workspace->settings, "ec2");
	struct workspace_member *member = mem_zalloc(1, sizeof(*member));
	char *owner = workspace_owner(workspace, role_arn);

	member->role_arn = mem_strdup(role_arn);
	member->credentials = credentials_role_new(&keys, workspace_new_credentials(workspace),
	    &(struct credentials_role){.role_arn = member->role_arn});
	member->pacer = pacer_new(workspace->loop);
	client.owner = owner;
	client.loop = workspace->loop;
	client.rng = &workspace->rng;
	client.pacer = member->pacer;
	client.transport = workspace->transport;
	client.user_agent = workspace->user_agent;
	client.credentials = member->credentials;
	member->ec2 = aws_client_new(&client, err);
	free(owner);
	if (member->ec2 != NULL)
		member->elb = workspace_new_elb(workspace, member->credentials, err);
	if (member->elb != NULL)
		return member;
	member_free(member);
	return NULL;
}

/* Clients are kept until the end, so that each role is assumed once and not for every call. */
struct aws_client *
workspace_client_for(void *arg, const char *role_arn, struct tmf_err *err)
{
	struct workspace *workspace = arg;
	struct workspace_member *member = workspace->members;

	while (member != NULL && strcmp(member->role_arn, role_arn) != 0)
		member = member->next;
	if (member != NULL)
		return member->ec2;
	member = member_new(workspace, role_arn, err);
	if (member == NULL)
		return NULL;
	member->next = workspace->members;
	workspace->members = member;
	return member->ec2;
}

struct aws_client *
workspace_elb_for(void *arg, const struct aws_client *ec2)
{
	const struct workspace *workspace = arg;
	const struct workspace_member *member = workspace->members;

	if (ec2 == workspace->ec2)
		return workspace->elb;
	while (member != NULL && member->ec2 != ec2)
		member = member->next;
	return member != NULL ? member->elb : NULL;
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

/*
 * Services other than EC2 get no pacer: their requests are few, and the client's retries are
 * enough.
 */
struct aws_client *
workspace_client(
    struct workspace *workspace, const char *service, const char *region, struct tmf_err *err)
{
	struct aws_client_opts client = aws_client_opts_of(&workspace->settings, service);

	client.loop = workspace->loop;
	client.rng = &workspace->rng;
	client.transport = workspace->transport;
	client.user_agent = workspace->user_agent;
	client.credentials = workspace->credentials;
	if (region != NULL)
		client.region = region;
	return aws_client_new(&client, err);
}
