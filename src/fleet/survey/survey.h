#ifndef TMFLOW_FLEET_SURVEY_SURVEY_H
#define TMFLOW_FLEET_SURVEY_SURVEY_H

#include "mirror/mirror.h"

/*
 * Reads what there is in an account and region, a page of instances at a time with the sessions of
 * all their interfaces, so that memory holds one page whatever the account holds. Before the first
 * page the targets, whether they live, and what stands behind load balancers are known to the
 * account of the mirror; with each page the filters of its sessions are.
 */

/* Instances of a page: with some 1.4 interfaces each they mostly need two describes of sessions. A
 * million instances take 0.012 calls each and 15 MiB; 400 on a page took 0.010 and over 16. */
#define SURVEY_PAGE_RESULTS 250

/* Borrowed until on_page returns. */
struct survey_page {
	json_t *instances; /* [Instance] */
	json_t *sessions;  /* {interface: [session]}, only those that have any */
};

struct survey_opts {
	struct mirror *mirror; /* with AWS and a configuration. Borrowed */
	/* Returns 0, or -1 with *err, which ends the survey. */
	int (*on_page)(void *arg, const struct survey_page *page, struct tmf_err *err);
	/* AWS does not know the listing's token any more: it begins again from the first page. */
	void (*on_restart)(void *arg);
	void *arg;
};

/*
 * New call that ends with {} behind the last page. opts is copied; what it points to must outlive
 * the call. Errors that pass are waited for and asked again, SURVEY_RETRIES_MAX times in a row.
 * Errors: AWS's, on_page's, TMF_ERR_LIMIT after EC2_PAGES_MAX pages.
 */
struct tmf_call *survey_start(const struct survey_opts *opts);
#define SURVEY_RETRIES_MAX 6

#endif
