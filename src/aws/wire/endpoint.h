#ifndef TMFLOW_AWS_WIRE_ENDPOINT_H
#define TMFLOW_AWS_WIRE_ENDPOINT_H

#include "tmflow/error.h"

#include <stdbool.h>

/* Where a service listens. */
struct endpoint {
	char *url;  /* without a slash at the end of an empty path */
	char *host; /* as the Host header has it: the port only if it is not the scheme's own */
	char *path; /* "/" at least */
	char *signing_region;
};

struct endpoint_opts {
	const char *service; /* its signing name, see service.c */
	const char *region;
	const char *custom; /* URL, or NULL: by the region's partition */
	bool fips;	    /* the addresses that keep to FIPS 140; not with custom */
	bool dual_stack;    /* those with IPv6 too; not with custom */
	/* STS at its one global address, for the regions that are older than their own address. */
	bool sts_global;
};

/* Errors: TMF_ERR_CONFIG. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html */
int endpoint_resolve(
    const struct endpoint_opts *opts, struct endpoint *ret_endpoint, struct tmf_err *err);

/* True if host is below a domain that AWS serves its APIs from, in whatever partition. */
bool endpoint_is_aws_host(const char *host);

/* The partition of a region, as ARNs name it: "aws", "aws-cn", "aws-us-gov", ... Static text. */
const char *endpoint_partition(const char *region);

/* Frees what it holds, and empties it. */
void endpoint_fini(struct endpoint *endpoint);

#endif
