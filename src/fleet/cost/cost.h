#ifndef TMFLOW_FLEET_COST_COST_H
#define TMFLOW_FLEET_COST_COST_H

#include "base/doc/doc.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdint.h>

/*
 * What mirroring costs, and how long it takes to set up. A price is the
 * user's, or an estimate.
 */

/* Hours of a month, as AWS's own calculator counts them. */
#define COST_HOURS_A_MONTH 730

struct prices;

/*
 * text: an amount in dollars for an interface and hour ("0.012"); or a file (YAML or JSON) of
 * {date, source, sessionHour, regions?: {REGION: amount}, instanceHour?: {TYPE: amount}}. NULL: one
 * that is built in, an estimate.
 * Errors: TMF_ERR_INVALID; TMF_ERR_SYSTEM where the file cannot be read.
 */
struct prices *prices_new(const char *text, struct tmf_err *err);

/* NULL is fine. */
void prices_free(struct prices *prices);

/* What is to be paid for in a region. */
struct cost_items {
	int64_t sessions;
	const json_t *launched; /* {instance type: number}; NULL: none. Borrowed */
};

/*
 * Adds to total, an object that is empty at first: {"sessions", "perHour", "perMonth", "currency":
 * "USD", "date", "source", "note": what the sum is without, "estimated": true where a price is not
 * known for the region, or is built in, "instances", "instancesPerHour"? where all their types have
 * a price}.
 */
void cost_add(
    json_t *total, const struct prices *prices, const char *region, const struct cost_items *items);

/* A line for a person: "120 sessions: 1.80 USD an hour, ...". Appends. */
void cost_text(const json_t *total, struct buf *out);

/*
 * Seconds that count calls take at the account's pace: a bucket of burst calls that refills at
 * rate_per_s. rate_per_s 0: COST_CREATES_A_SECOND and COST_CREATES_BURST, EC2's published
 * defaults for calls that create.
 * See: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
#define COST_CREATES_A_SECOND 5.0
#define COST_CREATES_BURST    50.0

/* See above. Returns: 0 where the bucket holds them all. */
double cost_seconds(int64_t count, double rate_per_s, double burst);

/* "10,000 creates: 33 min at 5 a second". Appends. */
void cost_time_text(int64_t count, double rate_per_s, double burst, struct buf *out);

#endif
