#include "aws/client_internal.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Copied by value: a client made of it outlives a change of the settings' flags, but borrows their
 * texts. */
struct aws_client_opts
aws_client_opts_of(const struct aws_settings *settings, const char *service)
{
	return (struct aws_client_opts){
	    .service = service,
	    .region = settings->region,
	    .endpoint = aws_settings_endpoint(settings, service),
	    .use_fips = settings->use_fips,
	    .use_dual_stack = settings->use_dual_stack,
	    .sts_global = settings->sts_global,
	    .retry_mode = settings->retry_mode,
	    .attempts_max = settings->attempts_max,
	};
}

/* The owner is an account, or a profile: the default one goes without saying. */
static char *
client_place(const struct aws_client_opts *opts)
{
	if (opts->owner == NULL || strcmp(opts->owner, "default") == 0)
		return mem_strdup(opts->region);
	return mem_printf("%s (%s)", opts->region, opts->owner);
}

/* The limits of attempts and the mode are settled here, so that a call never looks at the
 * settings. */
struct aws_client *
aws_client_new(const struct aws_client_opts *opts, struct tmf_err *err)
{
	const struct endpoint_opts where = {
	    .service = opts->service,
	    .region = opts->region,
	    .custom = opts->endpoint,
	    .fips = opts->use_fips,
	    .dual_stack = opts->use_dual_stack,
	    .sts_global = opts->sts_global,
	};
	struct aws_client *client;
	struct endpoint endpoint;

	assert(opts->loop != NULL && opts->transport != NULL && opts->rng != NULL);
	if (endpoint_resolve(&where, &endpoint, err) < 0)
		return NULL;
	client = mem_zalloc(1, sizeof(*client));
	client->endpoint = endpoint;
	client->region = mem_strdup(opts->region);
	client->has_custom_endpoint = opts->endpoint != NULL;
	client->loop = opts->loop;
	client->transport = opts->transport;
	client->credentials = opts->credentials;
	client->rng = opts->rng;
	client->quota.tokens = RETRY_QUOTA_MAX;
	client->tally = json_object();
	client->service = aws_service_at(aws_service_index(opts->service));
	/* Two accounts may be asked at one host, and one account at two: all three say what an
	 * answer holds for. */
	client->scope = mem_printf("%s%s%s %s", opts->owner != NULL ? opts->owner : "",
	    opts->owner != NULL ? " " : "", opts->region, endpoint.host);
	client->place = client_place(opts);
	client->user_agent = mem_strdup(opts->user_agent);
	client->retry_mode = opts->retry_mode != NULL ? opts->retry_mode : &retry_mode_default;
	client->attempts_max =
	    opts->attempts_max > 0 ? opts->attempts_max : client->retry_mode->attempts_max;
	client->pacer = opts->pacer;
	/* Not both: a pacer that knows EC2's buckets is nearly always slower than the adaptive
	 * rate. */
	if (client->pacer == NULL && client->retry_mode->limits_rate)
		client->pacer = client->own_pacer = pacer_new_adaptive(client->loop);
	return client;
}

/* The quota and the clock's skew go with it: the next client learns its own. A pacer of the
 * caller's outlives the client: only its own is freed. */
void
aws_client_free(struct aws_client *client)
{
	if (client == NULL)
		return;
	pacer_free(client->own_pacer);
	endpoint_fini(&client->endpoint);
	sigv4_key_fini(&client->key);
	sigv4_result_fini(&client->signature);
	buf_fini(&client->trouble);
	json_decref(client->tally);
	free(client->region);
	free(client->scope);
	free(client->place);
	free(client->user_agent);
	free(client);
}

const struct aws_stats *
aws_client_stats(const struct aws_client *client)
{
	return &client->stats;
}

const json_t *
aws_client_tally(const struct aws_client *client)
{
	return client->tally;
}

const struct histogram *
aws_client_durations(const struct aws_client *client)
{
	return &client->durations;
}

const char *
aws_client_service(const struct aws_client *client)
{
	return client->service->signing_name;
}

/* Empty after any reply: then the endpoint can be reached. */
const char *
aws_client_trouble(const struct aws_client *client)
{
	return buf_cstr(&client->trouble);
}

/* That of the signature, which differs from the one that was asked for where STS's global
 * address is used. */
const char *
aws_client_region(const struct aws_client *client)
{
	return client->endpoint.signing_region;
}

struct tmf_loop *
aws_client_loop(const struct aws_client *client)
{
	return client->loop;
}

int64_t
aws_client_seen_skew_ms(const struct aws_client *client)
{
	return client->seen_skew_ms;
}

const char *
aws_client_scope(const struct aws_client *client)
{
	return client->scope;
}
