#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* A listing under way: the frame of a call sequence, one describe after another. */
struct pager {
	struct aws_client *client;
	struct ec2_pages opts;	   /* filters: a reference of our own; list NULL: not EC2's */
	struct token_pages others; /* where it is another service's */
	const char *operation;
	const char *token; /* the reply's member with the next token */
	int pages;	   /* since the last restart */
	int restarts;
};

static void
pager_free(void *frame)
{
	struct pager *pager = frame;

	json_decref(pager->opts.filters);
	free(pager);
}

/* The filters are repeated with each page: a token holds only for the parameters of the first
 * page. */
static struct tmf_call *
pager_ask(struct pager *pager, const char *next_token)
{
	const struct ec2_describe describe = {
	    .filters = pager->opts.filters,
	    .max_results = pager->opts.max_results,
	    .next_token = next_token,
	};

	assert(pager->pages < pager->opts.pages_max);
	pager->pages++;
	if (pager->opts.list == NULL)
		return pager->others.list->ask(pager->client, pager->others.of, next_token);
	/* cppcheck-suppress returnDanglingLifetime ; the call copies what it needs */
	return ec2_describe(pager->client, pager->opts.list, &describe);
}

/* EC2 documents both for one fault. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
bool
ec2_refused_token(const struct tmf_err *err)
{
	return tmf_err_is(err, "InvalidNextToken") || tmf_err_is(err, "InvalidPaginationToken");
}

/* A NextToken lives for an hour or less, and a listing that waits for its bucket may take
 * longer: that is no reason to fail. The first page has no token, so that a refusal of it is a
 * fault of another kind. A restart begins at the first page, and the caller forgets what it has. */
static struct tmf_call *
pager_refused(struct pager *pager, struct tmf_err *refusal, struct tmf_err *err)
{
	if (!ec2_refused_token(refusal) || pager->pages == 1 || pager->opts.list == NULL ||
	    pager->restarts == EC2_PAGES_RESTARTS_MAX) {
		tmf_err_move(err, refusal);
		return NULL;
	}
	pager->restarts++;
	pager->pages = 0;
	if (pager->opts.on_restart != NULL)
		pager->opts.on_restart(pager->opts.arg);
	return pager_ask(pager, NULL);
}

/* The token is borrowed from the reply: asked with before that is dropped. A page that the
 * caller refuses ends the listing with the caller's error. */
static struct tmf_call *
pager_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct pager *pager = frame;
	json_t *reply = tmf_call_take_result(over);
	const char *next_token = jsonx_get_string(reply, pager->token);
	struct tmf_call *next = NULL;
	enum ec2_page_next wanted;

	if (reply == NULL)
		return pager_refused(pager, &over->err, err);
	wanted = pager->opts.on_page(pager->opts.arg, reply, err);
	assert((wanted == EC2_PAGE_FAIL) == tmf_err_isset(err));
	if (wanted == EC2_PAGE_ENOUGH || (wanted == EC2_PAGE_MORE && next_token == NULL))
		*ret_result = json_object();
	else if (wanted == EC2_PAGE_MORE && pager->pages == pager->opts.pages_max)
		tmf_err_set(err, TMF_ERR_LIMIT, "%s: the list has more than %d pages",
		    pager->operation, pager->opts.pages_max);
	else if (wanted == EC2_PAGE_MORE)
		next = pager_ask(pager, next_token);
	json_decref(reply);
	return next;
}

/* Both limits are checked here once, so that no caller can page without them. */
struct tmf_call *
ec2_pages(struct aws_client *ec2, const struct ec2_pages *opts)
{
	struct pager *pager = mem_zalloc(1, sizeof(*pager));

	assert(opts->list != NULL && opts->on_page != NULL);
	pager->client = ec2;
	pager->opts = *opts;
	pager->operation = opts->list->operation;
	pager->token = "NextToken";
	json_incref(opts->filters);
	if (opts->max_results == 0)
		pager->opts.max_results = EC2_PAGE_RESULTS_MAX;
	if (opts->pages_max == 0)
		pager->opts.pages_max = EC2_PAGES_MAX;
	assert(pager->opts.max_results >= EC2_PAGE_RESULTS_MIN &&
	       pager->opts.max_results <= EC2_PAGE_RESULTS_MAX);
	return tmf_call_sequence(pager_ask(pager, NULL), pager_step, pager, pager_free);
}

struct tmf_call *
token_pages(struct aws_client *client, const struct token_pages *opts)
{
	struct pager *pager = mem_zalloc(1, sizeof(*pager));

	assert(opts->list != NULL && opts->on_page != NULL && opts->pages_max > 0);
	pager->client = client;
	pager->others = *opts;
	pager->operation = opts->list->operation;
	pager->token = opts->list->token;
	pager->opts.pages_max = opts->pages_max;
	pager->opts.on_page = opts->on_page;
	pager->opts.arg = opts->arg;
	return tmf_call_sequence(pager_ask(pager, NULL), pager_step, pager, pager_free);
}
