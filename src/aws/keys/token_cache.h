#ifndef TMFLOW_AWS_KEYS_TOKEN_CACHE_H
#define TMFLOW_AWS_KEYS_TOKEN_CACHE_H

#include "aws/settings/environment.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The tokens that `aws sso login` and `aws login` leave on disk: a JSON object a file, which the
 * AWS tools share. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
 */

/* Reads one. Returns: 1 with *ret_token (a new reference, to be wiped), 0 if there is no such file,
 * -1. Errors: TMF_ERR_CREDENTIALS for a file that is not a JSON object. */
int token_cache_read(const char *path, json_t **ret_token, struct tmf_err *err);

/* Replaces one, readable by its owner only: a reader sees the old one or the new one, whole.
 * Errors: TMF_ERR_SYSTEM. */
int token_cache_write(const char *path, const json_t *token, struct tmf_err *err);

/* A member that is a time, as ms of wall time. Also takes the zone as "UTC", which older versions
 * of the AWS CLI wrote. Returns: false where it is absent or not a time. */
bool token_cache_time(const json_t *token, const char *key, int64_t *ret_wall_ms);

/* Sets a member to a time, in whole seconds, as the AWS CLI writes it. */
void token_cache_set_time(json_t *token, const char *key, int64_t wall_ms);

#endif
