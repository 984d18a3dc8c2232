#ifndef TMFLOW_AWS_KEYS_IMDS_INTERNAL_H
#define TMFLOW_AWS_KEYS_IMDS_INTERNAL_H

#include "aws/keys/credentials_chain.h"
#include "tmflow/call.h"

/*
 * Asks the instance's metadata for path; with follow also for path and the first line of what came
 * appended, which is how a role's keys are listed. Version 2 with a token; version 1 where the
 * service has no tokens, unless that is disabled.
 * Returns: {"Status": 200, "Body": string}. Errors: those of no instance, with a text saying what
 * was tried.
 */
struct tmf_call *imds_get(const struct credentials_opts *opts, const char *path, bool follow);

#endif
