#ifndef TMFLOW_AWS_ENDPOINT_H
#define TMFLOW_AWS_ENDPOINT_H

#include "tmflow/base/err.h"

/* Where a service listens. */
struct endpoint {
	char *url;  /* without a slash at the end of an empty path */
	char *host; /* as the Host header has it: the port only if it is not the scheme's own */
	char *path; /* "/" at least */
};

/* custom NULL: https://SERVICE.REGION.SUFFIX by the partition of the region. Errors: ERR_CONFIG. */
int endpoint_resolve(const char *service, const char *region, const char *custom,
    struct endpoint *ret_endpoint, struct err *err);
void endpoint_fini(struct endpoint *endpoint);

#endif
