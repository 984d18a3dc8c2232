#ifndef TMFLOW_ASL_TIMESTAMP_H
#define TMFLOW_ASL_TIMESTAMP_H

#include "tmflow/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* An ISO-8601 extended offset date-time (the RFC 3339 profile of the ASL specification): T and zone mandatory, ranges checked, up to nine fraction digits. */
struct asl_timestamp {
	int64_t seconds; /* since 1970 UTC */
	int32_t nanoseconds;
};

/* False when text is none. */
bool asl_timestamp_parse(struct str text, struct asl_timestamp *ret_timestamp);
int asl_timestamp_compare(const struct asl_timestamp *a, const struct asl_timestamp *b);

#endif
