#ifndef TMFLOW_MIRROR_REFUSALS_H
#define TMFLOW_MIRROR_REFUSALS_H

#include "mirror/account.h"

/*
 * What AWS has refused, and will refuse again: a subnet has no capacity, a filter is missing, an
 * action is denied. One bad place must not hold up the others, nor be asked for by each item. So a
 * request goes through here: while AWS has not answered yet for one of its scopes, one request asks
 * and those of the same scope wait for the answer; a refusal that counts for a scope is the answer
 * to all that come after. Known as long as the process lives; where that serves events, for
 * REFUSAL_TRUSTED_MS.
 */
struct refusals;

#define REFUSAL_TRUSTED_MS 60000
/* Refusals in a row that count where AWS has granted such a request before, or where its pages say
 * that it would. Elsewhere the first one counts. */
#define REFUSAL_PROOF 3

/* What a request is about: each names a scope; NULL: it does not apply. Borrows. */
struct refusal_request {
	const char *operation; /* for denied actions and for quotas */
	const char *rule;      /* a policy may deny an action here, and allow it there */
	const char *target_id;
	const char *filter_id;
	const char *instance_type; /* of the source */
	const char *subnet_id;	   /* in which an instance is launched */
	const char *launch_type;   /* of that */
	const char *image_id;
};

/* Nothing known. Borrows account. _free after all calls of refusals_ask are over or cancelled. */
struct refusals *refusals_new(struct account *account);
void refusals_free(struct refusals *refusals);

/* Starts the request itself. */
typedef struct tmf_call *refusals_start_fn(void *arg);

/*
 * New call that ends as start's does; start is called once, when the request may be made: at once,
 * if it may now. arg is borrowed until then. Errors: start's; what was refused before, without
 * calling start: AWS's error, "not asked again".
 */
struct tmf_call *refusals_ask(struct refusals *refusals, const struct refusal_request *request,
    refusals_start_fn *start, void *arg);

/* New call that ends with {} when refusals_ask would start the request at once, or refuse it; NULL
 * where it would now. For those who have something better to do than to wait there. */
struct tmf_call *refusals_wait(struct refusals *refusals, const struct refusal_request *request);

/* True where the error counts for a scope, and not for the one request. */
bool refusals_count(const struct tmf_err *err);

/* All that was refused may be asked for again. */
void refusals_forget(struct refusals *refusals);

#endif
