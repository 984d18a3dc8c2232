#include "fleet/cost/cost.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_A_MINUTE 60
#define SECONDS_AN_HOUR	 3600
/* Of a session and hour, in us-east-1: 10.95 USD for the 730 hours of a month in Infracost's copy
 * of AWS's list (its golden file for aws_ec2_traffic_mirror_session). Other regions differ, and
 * nobody looks at AWS's list for each release, so that it has no date, and what it gives is called
 * an estimate. */
#define PRICE_DEFAULT	     0.015
#define PRICE_DEFAULT_SOURCE "a rate built into tmflow, see https://aws.amazon.com/vpc/pricing/"

/* What depends on packets and not on sessions. */
#define COST_NOTE "traffic between zones and through load balancers costs extra"

#define AMOUNT_MAX 1000.0 /* dollars an hour; more is a mistake in the units */

/* Borrowed texts and objects are doc's. */
struct prices {
	struct doc *doc; /* NULL: one amount */
	const char *date;
	const char *source;
	double session_hour;
	const json_t *regions;	 /* {region: amount}; NULL: one amount for all */
	const json_t *instances; /* {type: amount}, or NULL */
	bool estimated;		 /* nobody has vouched for it */
};

/* A negative price or one in cents is a slip that a sum would hide. */
static bool
price_is_amount(const json_t *value)
{
	return json_is_number(value) && json_number_value(value) >= 0 &&
	       json_number_value(value) <= AMOUNT_MAX;
}

static int
price_check_amounts(const json_t *amounts, const char *key, struct tmf_err *err)
{
	const char *name;
	json_t *amount;

	if (amounts != NULL && !json_is_object(amounts))
		return tmf_err_set(err, TMF_ERR_INVALID, "%s must be a mapping", key);
	json_object_foreach ((json_t *)amounts, name, amount)
		if (!price_is_amount(amount))
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "%s: %s must be dollars an hour, from 0 to %.0f", key, name,
			    AMOUNT_MAX);
	return 0;
}

/* date and source are asked for, since a price without them cannot be checked by who reads the
 * cost. */
static int
prices_read(struct prices *prices, const char *path, struct tmf_err *err)
{
	const json_t *root;

	prices->doc = doc_read(path, err);
	if (prices->doc == NULL)
		return -1;
	root = doc_root(prices->doc);
	prices->date = jsonx_get_string(root, "date");
	prices->source = jsonx_get_string(root, "source");
	prices->regions = json_object_get(root, "regions");
	prices->instances = json_object_get(root, "instanceHour");
	prices->session_hour = json_number_value(json_object_get(root, "sessionHour"));
	if (prices->date == NULL || prices->source == NULL)
		return tmf_err_set(err, TMF_ERR_INVALID, "%s: date and source must be texts", path);
	if (!price_is_amount(json_object_get(root, "sessionHour")))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "%s: sessionHour must be dollars an hour, from 0 to %.0f", path, AMOUNT_MAX);
	if (price_check_amounts(prices->regions, "regions", err) < 0 ||
	    price_check_amounts(prices->instances, "instanceHour", err) < 0)
		return tmf_err_prefix(err, "%s", path);
	return 0;
}

/* A text that is a number is an amount, all else a file's name: a file called "0.015" is out of
 * reach, but as ./0.015. */
struct prices *
prices_new(const char *text, struct tmf_err *err)
{
	struct prices *prices = mem_zalloc(1, sizeof(*prices));
	char *end = NULL;
	double amount = text != NULL ? strtod(text, &end) : 0;

	*prices = (struct prices){
	    .date = "", .source = PRICE_DEFAULT_SOURCE, .session_hour = PRICE_DEFAULT};
	if (text == NULL) {
		prices->estimated = true;
		return prices;
	}
	if (end != text && *end == '\0') {
		if (amount >= 0 && amount <= AMOUNT_MAX) {
			prices->session_hour = amount;
			prices->date = "";
			prices->source = "--price";
			return prices;
		}
		tmf_err_set(err, TMF_ERR_INVALID,
		    "--price takes dollars an hour from 0 to %.0f, or a file: %s", AMOUNT_MAX,
		    text);
	} else if (prices_read(prices, text, err) == 0) {
		return prices;
	} else {
		tmf_err_prefix(err, "--price");
	}
	prices_free(prices);
	return NULL;
}

void
prices_free(struct prices *prices)
{
	if (prices == NULL)
		return;
	doc_free(prices->doc);
	free(prices);
}

/* Returns false where the amount is another region's, or an estimate. */
static bool
price_of_session(const struct prices *prices, const char *region, double *ret_amount)
{
	const json_t *own =
	    prices->regions != NULL ? json_object_get(prices->regions, region) : NULL;

	*ret_amount = own != NULL ? json_number_value(own) : prices->session_hour;
	return own != NULL || (prices->regions == NULL && !prices->estimated);
}

/* Returns false where a type has no price: half a sum would look like a whole one. */
static bool
price_of_launched(
    const struct prices *prices, const json_t *launched, int64_t *ret_count, double *ret_amount)
{
	bool known = true;
	const char *type;
	json_t *number;

	assert(launched == NULL || json_is_object(launched));
	*ret_count = 0;
	*ret_amount = 0;
	json_object_foreach ((json_t *)launched, type, number) {
		const json_t *amount =
		    prices->instances != NULL ? json_object_get(prices->instances, type) : NULL;

		known = known && amount != NULL;
		*ret_count += json_integer_value(number);
		*ret_amount += json_number_value(amount) * (double)json_integer_value(number);
	}
	return known;
}

/* Sums go up as accounts and regions are added: total is an account's, a region's or all. */
static void
cost_put_sum(json_t *total, const char *key, double amount)
{
	json_object_set_new(
	    total, key, json_real(json_number_value(json_object_get(total, key)) + amount));
}

static void
cost_put_count(json_t *total, const char *key, int64_t count)
{
	json_object_set_new(
	    total, key, json_integer(json_integer_value(json_object_get(total, key)) + count));
}

void
cost_add(
    json_t *total, const struct prices *prices, const char *region, const struct cost_items *items)
{
	double session_hour;
	double launched_hour;
	int64_t launched;
	bool known = price_of_session(prices, region, &session_hour);
	bool launched_known = price_of_launched(prices, items->launched, &launched, &launched_hour);

	assert(items->sessions >= 0 && json_is_object(total));
	assert(session_hour >= 0 && launched >= 0);
	cost_put_count(total, "sessions", items->sessions);
	cost_put_sum(total, "perHour", session_hour * (double)items->sessions);
	cost_put_sum(
	    total, "perMonth", session_hour * (double)items->sessions * COST_HOURS_A_MONTH);
	jsonx_put_string(total, "currency", "USD");
	jsonx_put_string(total, "date", prices->date);
	jsonx_put_string(total, "source", prices->source);
	jsonx_put_string(total, "note", COST_NOTE);
	if (!known && items->sessions > 0)
		json_object_set_new(total, "estimated", json_true());
	cost_put_count(total, "instances", launched);
	if (launched > 0 && launched_known)
		cost_put_sum(total, "instancesPerHour", launched_hour);
}

static double
cost_number(const json_t *total, const char *key)
{
	return json_number_value(json_object_get(total, key));
}

/* Where a price comes from stands beside each amount: who pays checks it before anything else. */
void
cost_text(const json_t *total, struct buf *out)
{
	const char *date = jsonx_get_string(total, "date");
	json_int_t instances = json_integer_value(json_object_get(total, "instances"));

	buf_printf(out, "%lld sessions: %.2f USD an hour, %.2f a month",
	    (long long)json_integer_value(json_object_get(total, "sessions")),
	    cost_number(total, "perHour"), cost_number(total, "perMonth"));
	if (json_is_true(json_object_get(total, "estimated")))
		buf_add_cstr(out, " (estimated; audit and coverage take --price)");
	buf_printf(out, "; prices of %s%s%s", jsonx_get_string(total, "source"),
	    date[0] != '\0' ? ", " : "", date);
	if (instances > 0)
		buf_printf(out, "; and %lld launched instances", (long long)instances);
	if (json_object_get(total, "instancesPerHour") != NULL)
		buf_printf(out, ": %.2f USD an hour", cost_number(total, "instancesPerHour"));
	buf_printf(out, "; %s", jsonx_get_string(total, "note"));
}

/* The bucket is full at first, so that what it holds takes no time. */
double
cost_seconds(int64_t count, double rate_per_s, double burst)
{
	double rate = rate_per_s > 0 ? rate_per_s : COST_CREATES_A_SECOND;
	double at_once = rate_per_s > 0 ? burst : COST_CREATES_BURST;
	double waiting = (double)count - at_once;

	assert(count >= 0);
	return waiting > 0 ? waiting / rate : 0;
}

/* 10000 as "10,000". */
static void
cost_put_thousands(struct buf *out, int64_t count)
{
	if (count >= 1000) {
		cost_put_thousands(out, count / 1000);
		buf_printf(out, ",%03d", (int)(count % 1000));
	} else {
		buf_printf(out, "%d", (int)count);
	}
}

/* Seconds up to a minute, minutes up to two hours, then hours: more digits than that are not
 * known. */
void
cost_time_text(int64_t count, double rate_per_s, double burst, struct buf *out)
{
	double seconds = cost_seconds(count, rate_per_s, burst);
	double rate = rate_per_s > 0 ? rate_per_s : COST_CREATES_A_SECOND;

	cost_put_thousands(out, count);
	buf_add_cstr(out, count == 1 ? " create: " : " creates: ");
	if (seconds < SECONDS_A_MINUTE)
		buf_printf(out, "%.0f s", ceil(seconds));
	else if (seconds < 2 * SECONDS_AN_HOUR)
		buf_printf(out, "%.0f min", round(seconds / SECONDS_A_MINUTE));
	else
		buf_printf(out, "%.1f h", seconds / SECONDS_AN_HOUR);
	buf_printf(out, " at %g a second", rate);
}
