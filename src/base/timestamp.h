#ifndef TMFLOW_BASE_TIMESTAMP_H
#define TMFLOW_BASE_TIMESTAMP_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* An ISO-8601 extended offset date-time (the RFC 3339 profile of the ASL specification): T and zone
 * mandatory, ranges checked, up to nine fraction digits. */
struct timestamp {
	int64_t seconds; /* since 1970 UTC */
	int32_t nanoseconds;
};

/* Returns: false when text is not a timestamp. */
bool timestamp_parse(struct str text, struct timestamp *ret_timestamp);

/* Returns: less than, equal to or greater than 0, as a is before, at or after b. */
int timestamp_compare(const struct timestamp *a, const struct timestamp *b);

#endif
