#ifndef TMFLOW_AWS_SERVICES_PAGER_H
#define TMFLOW_AWS_SERVICES_PAGER_H

#include "aws/services/ec2.h"
#include "aws/services/operation.h"

/*
 * The one way to read a whole list, page after page: ec2_pages of EC2's, token_pages of the other
 * services'. A list that is cut off is never taken for a whole one.
 */

/* Pages of one listing: 10 million resources of full pages. AWS may send short and empty ones. */
#define EC2_PAGES_MAX 10000

/* How often a listing starts over because AWS no longer knows its NextToken. */
#define EC2_PAGES_RESTARTS_MAX 3

/* What a page's reader wants next. */
enum ec2_page_next {
	EC2_PAGE_MORE,	 /* the next page, where there is one */
	EC2_PAGE_ENOUGH, /* no other page */
	EC2_PAGE_FAIL,	 /* the listing fails with *err, which the reader has set */
};

/* reply: of the describe, see ec2.h; borrowed. */
typedef enum ec2_page_next ec2_page_fn(void *arg, json_t *reply, struct tmf_err *err);

struct ec2_pages {
	const struct ec2_list *list; /* what is listed: &ec2_list_sessions .. */
	json_t *filters;	     /* [{"Name": .., "Values": [..]}] or NULL */
	int max_results;	     /* of a page; 0: EC2_PAGE_RESULTS_MAX */
	int pages_max;		     /* 0: EC2_PAGES_MAX */
	ec2_page_fn *on_page;
	/* The list is read again from its first page: what on_page collected is to be dropped.
	 * NULL: on_page does not mind seeing a resource twice. */
	void (*on_restart)(void *arg);
	void *arg; /* must outlive the call */
};

/* Gives each page to on_page, always asked for with MaxResults: a describe without it draws on a
 * smaller token bucket. Returns a call that ends with {} behind the last page, or behind the one
 * that was enough.
 * Borrows opts until it returns. An empty page with a NextToken is not the end.
 * Errors: AWS's; on_page's; TMF_ERR_LIMIT where pages_max pages were not all. A NextToken that AWS
 * refuses (InvalidNextToken, InvalidPaginationToken) is an error only after EC2_PAGES_RESTARTS_MAX
 * restarts.
 * See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination
 */
struct tmf_call *ec2_pages(struct aws_client *ec2, const struct ec2_pages *opts);

struct token_pages {
	const struct token_list *list; /* &eventbridge_list_rules .. */
	const char *of;		       /* as the list says; must outlive the call */
	int pages_max;
	ec2_page_fn *on_page;
	void *arg; /* must outlive the call */
};

/* The same for a service whose lists have a token. Borrows opts until it returns.
 * Errors: as ec2_pages, but a token that AWS refuses is one at once. */
struct tmf_call *token_pages(struct aws_client *client, const struct token_pages *opts);

/* True for AWS's errors about a NextToken that it does not know (any more). */
bool ec2_refused_token(const struct tmf_err *err);

#endif
