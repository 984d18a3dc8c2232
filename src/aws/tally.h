#ifndef TMFLOW_AWS_TALLY_H
#define TMFLOW_AWS_TALLY_H

#include <jansson.h>
#include <stdbool.h>

/*
 * What became of requests, counted by operation, as JSON that can be kept and added up: {OPERATION:
 * {"requests", "retries", "throttled", "failed", "replies": {"200": n, "503 RequestLimitExceeded":
 * n, "TMFlow.Transport": n}}} requests are all that were sent, retries those of them that were not
 * the first of their call, failed the calls that ended in an error. Numbers that are 0 are left
 * out.
 */

/* Error codes come from the other side: more kinds of reply than that are counted together as
 * "other". */
#define TALLY_REPLIES_MAX 32

/* Counts a request that is sent; again: not the first of its call. */
void tally_request(json_t *tally, const char *operation, bool again);

/* status 0: there was no reply, and error is the name of why. error NULL: none. */
void
tally_reply(json_t *tally, const char *operation, int status, const char *error, bool throttled);

/* Counts a call that ended in an error. */
void tally_failure(json_t *tally, const char *operation);

/* Adds more, perhaps from a file: what is not of that form is left out. Borrows both. */
void tally_add(json_t *tally, const json_t *more);

#endif
