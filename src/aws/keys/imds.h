#ifndef TMFLOW_AWS_KEYS_IMDS_H
#define TMFLOW_AWS_KEYS_IMDS_H

#include "aws/keys/credentials_chain.h"
#include "tmflow/call.h"

/* The region that this instance is in: {"Region": string}. Fails on a machine that is not an EC2
 * instance. opts is borrowed while the call lives. */
struct tmf_call *imds_region(const struct credentials_opts *opts);

#endif
