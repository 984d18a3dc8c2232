#ifndef TMFLOW_AWS_KEYS_DPOP_H
#define TMFLOW_AWS_KEYS_DPOP_H

#include "base/buf.h"
#include "base/rng.h"
#include "tmflow/error.h"

#include <stdint.h>

/*
 * Appends a proof that the sender has the key to which a refresh token is bound: a JSON Web Token,
 * signed with ES256, for a POST to url. private_key_pem is a key on the curve P-256.
 * Errors: TMF_ERR_CREDENTIALS for anything else.
 * See: https://datatracker.ietf.org/doc/html/rfc9449 (DPoP).
 */
int dpop_proof(const char *private_key_pem, const char *url, int64_t wall_ms, struct rng *rng,
    struct buf *out, struct tmf_err *err);

#endif
