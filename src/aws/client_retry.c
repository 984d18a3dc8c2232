#include "aws/client_internal.h"

#include "aws/tally.h"
#include "aws/wire/region.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What follows from an attempt that failed: another one, after which delay, or the end. */

int64_t
aws_call_wall_ms(const struct aws_call *call)
{
	struct tmf_clock *clock = tmf_loop_clock(call->client->loop);

	return clock->wall_ms(clock) + (call->skew_known ? call->skew_ms : call->client->skew_ms);
}

/* Whether this is a wrong name, certificate or proxy rather than a connection that was lost. */
static bool
aws_err_is_permanent(const struct tmf_err *err)
{
	return tmf_err_is(err, HTTP_ERROR_ENDPOINT) || tmf_err_is(err, HTTP_ERROR_TLS) ||
	       tmf_err_is(err, HTTP_ERROR_PROXY);
}

/* Where AWS has answered before, the same failure is a passing one: a name server that restarts, a
 * load balancer that is exchanged. Otherwise says what to look at. */
void
aws_call_name_trouble(const struct aws_call *call, struct tmf_err *err)
{
	const struct aws_client *client = call->client;
	const char *region = region_nearest(client->region);

	if (!aws_err_is_permanent(err))
		return;
	if (client->reached) {
		utf8_copy(err->name, sizeof(err->name), "TMFlow.Transport");
		return;
	}
	if (tmf_err_is(err, HTTP_ERROR_TLS))
		tmf_err_suffix(err, "; is AWS_CA_BUNDLE the file of the certificate authority?");
	else if (tmf_err_is(err, HTTP_ERROR_PROXY))
		tmf_err_suffix(err, "; see HTTPS_PROXY and NO_PROXY");
	else if (region != NULL && !client->has_custom_endpoint)
		tmf_err_suffix(err, "; did you mean the region %s?", region);
}

/* What an error means for this very call. EC2 answers NotFound to a listing while something on the
 * page is being deleted; and a token that it cannot read is InvalidParameterValue to some of its
 * actions, where the documented code is InvalidNextToken. */
static enum retry_class
aws_call_classify(const struct aws_call *call, struct tmf_err *err)
{
	const struct aws_operation *operation = &call->operation;

	if (err->code == TMF_ERR_SERVICE && operation->has_token &&
	    tmf_err_is(err, "InvalidParameterValue") && strcasestr(tmf_err_text(err), "token"))
		snprintf(err->name, sizeof(err->name), "%s", "InvalidNextToken");
	if (err->code == TMF_ERR_SERVICE && operation->lists_all &&
	    aws_error_is_not_found(err->name))
		return RETRY_TRANSIENT;
	return retry_classify(err);
}

/* Whether another attempt is worth it. Keys that have expired are replaced, in any retry mode, but
 * not those that were fresh a moment ago; where none were found there is nothing to replace. */
static bool
aws_call_may_retry(struct aws_call *call, enum retry_class retry, const struct tmf_err *err)
{
	const struct aws_client *client = call->client;
	struct credentials_provider *credentials = client->credentials;

	if (call->attempt >= client->attempts_max ||
	    (aws_err_is_permanent(err) && call->attempt >= AWS_UNREACHED_ATTEMPTS_MAX))
		return false;
	if (retry == RETRY_TRANSIENT && call->operation.lists_all)
		return true;
	if (retry != RETRY_CREDENTIALS)
		return retry_mode_retries(client->retry_mode, client->service->signing_name, err);
	if (call->operation.unsigned_request || call->refreshed || credentials->refresh == NULL ||
	    err->code == TMF_ERR_EXPIRED)
		return false;
	call->refreshed = true;
	credentials->refresh(credentials, call->keys);
	return true;
}

/* A retry, once a call: the signature was refused, and the reply's Date shows that our clock is
 * wrong. AWS accepts signatures that are at most five minutes old or early.
 * See: https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html */
static bool
aws_call_correct_clock(struct aws_call *call, const struct tmf_err *err, const char *date)
{
	const struct aws_client *client = call->client;
	int64_t skew_ms;

	if (call->skew_known || call->attempt >= client->attempts_max ||
	    !retry_may_be_skew(err->name) || !retry_skew_of(date, aws_call_wall_ms(call), &skew_ms))
		return false;
	call->skew_known = true;
	call->skew_ms = client->skew_ms + skew_ms;
	log_event(LOG_WARN, "aws.clock", LOG_STR("operation", call->operation.name),
	    LOG_INT("off_s", call->skew_ms / 1000));
	return true;
}

/* Whether the quota pays for another attempt. A timeout costs more, since it cost the service
 * more. */
static bool
aws_call_pay(struct aws_call *call, const struct tmf_err *err)
{
	struct aws_client *client = call->client;
	const struct retry_mode *mode = client->retry_mode;
	bool timed_out =
	    err->code == TMF_ERR_TRANSPORT &&
	    tmf_loop_mono_ms(client->loop) - call->sent_mono_ms >= AWS_CONNECT_TIMEOUT_MS;
	int cost = timed_out ? RETRY_COST_TIMEOUT : RETRY_COST;

	/* Calls that were under way when a bucket ran empty are refused together, a hundred at
	 * once, and would empty the quota at once; but the pacer spreads what follows. */
	if (!mode->has_quota || (call->refused && client->pacer != NULL && mode->trusts_pacer))
		cost = 0;
	if (!retry_quota_take(&client->quota, cost))
		return false;
	call->retry_cost = cost;
	return true;
}

/* Random and exponential, or what the reply asks for. The first refusal is not followed by a delay
 * where the pacer knows when the bucket has a token. */
static int64_t
aws_call_delay_ms(const struct aws_call *call, const struct aws_reply_headers *headers)
{
	const struct aws_client *client = call->client;
	bool pacer_knows = client->pacer != NULL && client->own_pacer == NULL;
	int counted = call->attempt - (call->refused && pacer_knows ? 1 : 0);
	int64_t delay_ms =
	    counted > 0 ? retry_delay_ms(client->rng, counted, client->retry_mode->delay_max_ms)
			: 0;

	if (headers == NULL)
		return delay_ms;
	return retry_after_ms(delay_ms, headers->get(headers->arg, "x-amz-retry-after"),
	    headers->get(headers->arg, "Retry-After"));
}

/* AWS's own text names neither the operation nor the place in most errors. An error of the keys
 * says which call failed by itself. */
static void
aws_call_name_operation(const struct aws_call *call, struct tmf_err *err)
{
	const struct aws_client *client = call->client;

	if (err->operation[0] != '\0')
		return;
	snprintf(err->operation, sizeof(err->operation), "%s:%s", client->service->signing_name,
	    call->operation.name);
	tmf_err_prefix(err, "%s in %s", err->operation, client->place);
}

static void
aws_call_give_up(struct aws_call *call, enum retry_class retry, struct tmf_err *err)
{
	call->client->stats.failed++;
	tally_failure(call->client->tally, call->operation.name);
	if (retry == RETRY_CREDENTIALS && !call->operation.unsigned_request &&
	    err->code != TMF_ERR_EXPIRED) {
		tmf_err_prefix(err,
		    "the credentials have expired or were revoked, or this machine's "
		    "clock is wrong");
		err->code = TMF_ERR_EXPIRED;
	}
	aws_call_name_operation(call, err);
	tmf_call_complete_err(&call->call, err);
}

void
aws_call_failed(struct aws_call *call, struct tmf_err *err, const struct aws_reply_headers *headers)
{
	struct aws_client *client = call->client;
	enum retry_class retry = aws_call_classify(call, err);
	const char *date = headers != NULL ? headers->get(headers->arg, "Date") : NULL;
	int64_t delay_ms;

	assert(tmf_err_isset(err) && call->exchange == NULL);
	if (err->code == TMF_ERR_SERVICE && retry != RETRY_CREDENTIALS)
		call->refreshed = false; /* these keys were good: if they end too, others may be */
	call->refused = retry == RETRY_THROTTLING;
	client->stats.throttled += call->refused;
	/* Any reply but a refusal took a token out of the bucket. */
	pacer_answer(&call->ticket, call->refused		   ? PACER_REFUSED
				    : err->code == TMF_ERR_SERVICE ? PACER_ACCEPTED
								   : PACER_UNKNOWN);
	if (!aws_call_correct_clock(call, err, date) &&
	    (!aws_call_may_retry(call, retry, err) || !aws_call_pay(call, err))) {
		aws_call_give_up(call, retry, err);
		return;
	}
	delay_ms = aws_call_delay_ms(call, headers);
	client->stats.retries++;
	log_event(LOG_INFO, "aws.retry", LOG_STR("operation", call->operation.name),
	    LOG_INT("attempt", call->attempt), LOG_ERR(err), LOG_INT("delay_ms", delay_ms));
	tmf_err_fini(err);
	tmf_loop_timer_arm(client->loop, &call->backoff, tmf_loop_mono_ms(client->loop) + delay_ms);
}
