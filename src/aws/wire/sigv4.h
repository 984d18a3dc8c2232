#ifndef TMFLOW_AWS_WIRE_SIGV4_H
#define TMFLOW_AWS_WIRE_SIGV4_H

#include "aws/credentials.h"
#include "base/buf.h"
#include "base/digest.h"
#include "loop/http.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * AWS Signature Version 4, in headers.
 * See: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */

/* Of a region, or of a service: a longer one is signed for, but its key not kept. */
#define SIGV4_NAME_BYTES_MAX 95
#define SIGV4_DATE_BYTES     17 /* 20260115T120000Z and NUL */

/* The signing key of one day, region and service, kept from call to call. {0} is an empty one.
 * Wiped by sigv4_key_fini. */
struct sigv4_key {
	char day[9];
	char region[SIGV4_NAME_BYTES_MAX + 1];
	char service[SIGV4_NAME_BYTES_MAX + 1];
	struct secret secret; /* which it was made of */
	uint8_t key[DIGEST_SHA256_BYTES];
};

/* Wipes it. */
void sigv4_key_fini(struct sigv4_key *key);

#define SIGV4_PATH_SEGMENTS_MAX                                                                    \
	128 /* more is a programmer's mistake: a custom endpoint is bounded */
#define SIGV4_QUERY_PARAMS_MAX 256

/* All borrowed. */
struct sigv4_request {
	const char *method;
	struct str path;  /* as sent, without the query; percent-encoded once or not at all */
	struct str query; /* as sent, without '?' */
	const struct http_header *headers; /* to be signed, Host among them; names in any case */
	size_t headers_count;
	struct str body;
	bool normalize_path; /* resolve . and .., fold slashes (all services but S3) */
	bool path_as_sent;   /* S3: the path is not encoded once more for the signature */
	bool sign_body;	     /* also add x-amz-content-sha256 to the signed headers */
	bool token_unsigned; /* the session token is added to the request after signing */
};

struct sigv4_scope {
	const char *region;
	const char *service;
	int64_t wall_ms; /* when */
};

/* What comes out; every part is a text of its own, for tests and for the request. */
struct sigv4_result {
	char date[SIGV4_DATE_BYTES]; /* X-Amz-Date */
	char content_sha256[DIGEST_SHA256_HEX_BYTES];
	struct buf canonical_request;
	struct buf string_to_sign;
	char signature[DIGEST_SHA256_HEX_BYTES];
	struct buf authorization; /* value of the Authorization header */
};

/* Frees its buffers. */
void sigv4_result_fini(struct sigv4_result *result);

/* Signs. X-Amz-Date, the session token and (sign_body) the body's hash are added to the signed
 * headers here; they must not be among request->headers. result may be reused from call to call:
 * its buffers are emptied first. */
void sigv4_sign(const struct sigv4_request *request, const struct sigv4_scope *scope,
    const struct credentials *credentials, struct sigv4_key *key, struct sigv4_result *result);

#endif
