#ifndef TMFLOW_AWS_IMDS_H
#define TMFLOW_AWS_IMDS_H

#include "tmflow/aws/credentials.h"
#include "tmflow/loop/call.h"

/* The region that this instance is in: {"Region": string}. Fails where this is no EC2 instance. opts is borrowed while the call lives. */
struct call *imds_region(const struct credentials_opts *opts);

#endif
