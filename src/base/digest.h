#ifndef TMFLOW_BASE_DIGEST_H
#define TMFLOW_BASE_DIGEST_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <stdint.h>

#define DIGEST_SHA256_BYTES	32
#define DIGEST_SHA256_HEX_BYTES (2 * DIGEST_SHA256_BYTES + 1)

/* All over OpenSSL. A failure inside OpenSSL aborts: it means a broken library. */
void digest_sha256(struct str data, uint8_t out[DIGEST_SHA256_BYTES]);
void digest_sha256_hex(struct str data, char out[DIGEST_SHA256_HEX_BYTES]);
void digest_hmac_sha256(struct str key, struct str data, uint8_t out[DIGEST_SHA256_BYTES]);

/* Lower-case hex of a digest named as States.Hash names them: MD5, SHA-1, SHA-256, SHA-384,
 * SHA-512.
 * Errors: TMF_ERR_INVALID for another name. */
int
digest_named_hex(const char *algorithm, struct str data, struct buf *ret_hex, struct tmf_err *err);

/* Lower-case hex of len bytes. out has room for 2 * len + 1. */
void digest_hex(const uint8_t *bytes, size_t len, char *out);

/* RFC 4648 with padding, no line breaks. Decoding also takes text without padding, and refuses
 * anything else (TMF_ERR_INVALID). */
void digest_base64_encode(struct str data, struct buf *out);
int digest_base64_decode(struct str text, struct buf *out, struct tmf_err *err);

#endif
