#include "aws/keys/credentials_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* Before the expiry: fresh keys are tried for from here on, and waited for from there on.
 * botocore's numbers. */
#define TRY_AHEAD_MS   (15LL * 60 * 1000)
#define BLOCK_AHEAD_MS (10LL * 60 * 1000)

/* Keys of a short life, such as a role's 15 minutes, are not fetched all the time: a third of
 * their life is ahead enough. */
#define LIFE_PARTS 3

/* After a failed try the old keys are used for this long before the next. */
#define RETRY_AFTER_MS 30000

/* The instance's keys that do not get fresher are asked for again after 2 to 12 minutes. */
#define KEEP_ON_MS	(2LL * 60 * 1000)
#define KEEP_ON_MORE_MS (10LL * 60 * 1000)

/* A callback and its argument name a waiter, so that it can be cancelled without a handle. */
struct waiter {
	struct waiter *next;
	credentials_done_fn *done;
	void *arg;
};

/* Wall time for the expiry, which AWS states as a date; monotonic time for the pause after a
 * failure, which a corrected clock must not stretch. */
struct cache {
	struct credentials_provider provider; /* first */
	struct credentials_opts opts;
	struct credentials_source source;
	struct credentials credentials;
	bool found;
	bool keep_on; /* may be used beyond the expiry */
	bool refused; /* AWS took them for expired */
	int64_t try_wall_ms;
	int64_t block_wall_ms;
	int64_t held_until_mono_ms; /* the last try failed */
	struct tmf_call *look;	    /* under way, or NULL */
	struct waiter *waiters;
	struct waiter *served; /* those that hear now */
};

/* Keys that AWS refused are not usable, whatever their expiry says: they may have been revoked. */
static bool
cache_usable(const struct cache *cache)
{
	return cache->found && !cache->refused &&
	       (cache->keep_on ||
		   credentials_wall_ms(&cache->opts) < cache->credentials.expires_wall_ms);
}

/* Otherwise a place that is down would be asked with each call, thousands of times a second. The
 * pause counts from the failure, and a look that succeeds ends it. */
static bool
cache_held(const struct cache *cache)
{
	return tmf_loop_mono_ms(cache->opts.loop) < cache->held_until_mono_ms;
}

/* At the end: first come, first served. */
static void
cache_add_waiter(struct cache *cache, credentials_done_fn *done, void *arg)
{
	struct waiter *waiter = mem_zalloc(1, sizeof(*waiter));
	struct waiter **at = &cache->waiters;

	while (*at != NULL)
		at = &(*at)->next;
	waiter->done = done;
	waiter->arg = arg;
	*at = waiter;
}

/* Tells all that wait by now. One that hears may cancel another, or ask again: that one waits
 * for the next time. The list is moved first, so that a new waiter cannot join the one that is
 * walked. */
static void
cache_serve(struct cache *cache, const struct credentials *credentials, const struct tmf_err *err)
{
	assert(cache->served == NULL);
	cache->served = cache->waiters;
	cache->waiters = NULL;
	while (cache->served != NULL) {
		struct waiter *waiter = cache->served;
		struct tmf_err copy = {0};

		cache->served = waiter->next;
		if (err != NULL)
			tmf_err_copy(&copy, err);
		waiter->done(waiter->arg, credentials, &copy);
		tmf_err_fini(&copy);
		free(waiter);
	}
}

/* A waiter that is in neither list has been called already. */
static void
cache_drop_waiter(struct waiter **list, credentials_done_fn *done, const void *arg)
{
	while (*list != NULL && ((*list)->done != done || (*list)->arg != arg))
		list = &(*list)->next;
	if (*list != NULL) {
		struct waiter *waiter = *list;

		*list = waiter->next;
		free(waiter);
	}
}

/* When to look for the next ones. Example: keys of 6 hours are tried for 15 minutes before their
 * end, and waited for 10 minutes before it; keys of 15 minutes 5 minutes and 3:20 before it.
 * Keys that never expire are not looked for again unless AWS refuses them. The random part keeps
 * many machines from asking at once. */
static void
cache_plan_refresh(struct cache *cache)
{
	int64_t now_wall_ms = credentials_wall_ms(&cache->opts);
	int64_t expires_wall_ms = cache->credentials.expires_wall_ms;
	int64_t part_ms = (expires_wall_ms - now_wall_ms) / LIFE_PARTS;
	int64_t ahead_ms = part_ms < TRY_AHEAD_MS ? part_ms : TRY_AHEAD_MS;

	if (cache->keep_on && expires_wall_ms <= now_wall_ms + TRY_AHEAD_MS) {
		cache->try_wall_ms = now_wall_ms + KEEP_ON_MS +
				     (int64_t)(rng_unit(cache->opts.rng) * KEEP_ON_MORE_MS);
		cache->block_wall_ms = INT64_MAX;
		return;
	}
	cache->try_wall_ms = expires_wall_ms - ahead_ms;
	cache->block_wall_ms = expires_wall_ms - ahead_ms * BLOCK_AHEAD_MS / TRY_AHEAD_MS;
	if (expires_wall_ms == INT64_MAX)
		cache->try_wall_ms = cache->block_wall_ms = INT64_MAX;
}

/* The serial is what a client hands back with a refusal: one that was signed with older keys must
 * not throw away these. */
static void
cache_install(struct cache *cache, struct credentials *fresh, bool keep_on)
{
	char expires[CLOCK_ISO_BYTES] = "never";

	fresh->serial = cache->credentials.serial + 1;
	credentials_fini(&cache->credentials);
	cache->credentials = *fresh;
	cache->found = true;
	cache->keep_on = keep_on;
	cache->refused = false;
	cache->held_until_mono_ms = 0;
	cache_plan_refresh(cache);
	if (fresh->expires_wall_ms != INT64_MAX)
		clock_iso(fresh->expires_wall_ms, expires);
	log_event(LOG_DEBUG, "aws.credentials", LOG_STR("expires", expires));
	cache_serve(cache, &cache->credentials, NULL);
}

/* No fresh keys: the old ones are used while they last. A place that is down for a minute must
 * not stop work that has valid keys. Waiters get the error only where no usable keys are left; if
 * there were some, the work has begun and can go on once they are renewed. */
static void
cache_look_failed(struct cache *cache, struct tmf_err *err)
{
	cache->held_until_mono_ms = tmf_loop_mono_ms(cache->opts.loop) + RETRY_AFTER_MS;
	if (!cache_usable(cache)) {
		if (err->code == TMF_ERR_CREDENTIALS && cache->credentials.access_key_id[0] != '\0')
			err->code = TMF_ERR_EXPIRED;
		cache_serve(cache, NULL, err);
		return;
	}
	log_event(LOG_WARN, "aws.credentials_not_refreshed", LOG_STR("cause", tmf_err_text(err)));
	cache_serve(cache, &cache->credentials, NULL);
}

/* A clock that is an hour fast sees every fresh key expired: the text names both causes. */
static void
cache_look_over(void *arg, struct tmf_call *look)
{
	struct cache *cache = arg;
	json_t *answer = tmf_call_take_result(look);
	struct credentials fresh;
	struct tmf_err err = {0};
	bool keep_on;

	cache->look = NULL;
	if (answer == NULL) {
		cache_look_failed(cache, &look->err);
		return;
	}
	credentials_answer_take(answer, &fresh, &keep_on);
	if (keep_on || fresh.expires_wall_ms > credentials_wall_ms(&cache->opts)) {
		cache_install(cache, &fresh, keep_on);
		return;
	}
	credentials_fini(&fresh);
	tmf_err_set(&err, TMF_ERR_CREDENTIALS,
	    "the AWS credentials that were found have expired already (or this machine's clock is "
	    "wrong)");
	cache_look_failed(cache, &err);
	tmf_err_fini(&err);
}

/* However many calls wait, one look is made: STS and the instance have request limits too.
 * Waiters that come later join the look under way. */
static void
cache_start_look(struct cache *cache)
{
	if (cache->look != NULL)
		return;
	cache->look = cache->source.look(&cache->opts, cache->source.arg);
	tmf_call_on_done(cache->look, cache_look_over, cache);
}

/* From the second limit on the caller waits, from the first the look runs beside the work. done
 * may be called before this returns. */
static void
cache_get(struct credentials_provider *provider, credentials_done_fn *done, void *arg)
{
	struct cache *cache = (struct cache *)provider;
	int64_t now_wall_ms = credentials_wall_ms(&cache->opts);

	if (!cache_usable(cache) || (now_wall_ms >= cache->block_wall_ms && !cache_held(cache))) {
		cache_add_waiter(cache, done, arg);
		cache_start_look(cache);
		return;
	}
	if (now_wall_ms >= cache->try_wall_ms && !cache_held(cache))
		cache_start_look(cache);
	done(arg, &cache->credentials, NULL);
}

/* The waiter may be in either list: a callback may cancel another one that is about to hear. */
static void
cache_cancel(struct credentials_provider *provider, credentials_done_fn *done, void *arg)
{
	struct cache *cache = (struct cache *)provider;

	cache_drop_waiter(&cache->waiters, done, arg);
	cache_drop_waiter(&cache->served, done, arg);
}

/* A call that was signed with older keys changes nothing: the newer ones have not been refused.
 * The next get then waits for a look. */
static void
cache_refresh(struct credentials_provider *provider, unsigned serial)
{
	struct cache *cache = (struct cache *)provider;

	if (serial == cache->credentials.serial)
		cache->refused = true;
}

static void
cache_free_waiters(struct waiter *waiter)
{
	while (waiter != NULL) {
		struct waiter *next = waiter->next;

		free(waiter);
		waiter = next;
	}
}

/* Waiters are dropped without being called. */
static void
cache_free(struct credentials_provider *provider)
{
	struct cache *cache = (struct cache *)provider;

	tmf_call_cancel(cache->look);
	cache_free_waiters(cache->waiters);
	credentials_fini(&cache->credentials);
	if (cache->source.free_arg != NULL)
		cache->source.free_arg(cache->source.arg);
	free(cache);
}

struct credentials_provider *
credentials_cache_new(const struct credentials_opts *opts, const struct credentials_source *source)
{
	struct cache *cache = mem_zalloc(1, sizeof(*cache));

	cache->provider = (struct credentials_provider){
	    .get = cache_get,
	    .cancel = cache_cancel,
	    .refresh = cache_refresh,
	    .free_provider = cache_free,
	};
	cache->opts = *opts;
	cache->source = *source;
	return &cache->provider;
}
