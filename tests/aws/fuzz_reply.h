#ifndef TMFLOW_TESTS_FUZZ_REPLY_H
#define TMFLOW_TESTS_FUZZ_REPLY_H

#include "aws_fixture.h"

/* What fuzz_reply.c asks, so that there is a reply to read: one file a service. */

extern const char *const fuzz_service;

/* Starts one of the service's operations; any number means one. */
struct tmf_call *fuzz_start(struct aws_client *client, unsigned which);

#endif
