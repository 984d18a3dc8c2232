#include "aws/keys/credentials_internal.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* In the AWS CLI's order. */
static const struct place {
	const char *name;
	credentials_look_fn *look;
	bool of_profile; /* also of a source_profile */
} places[] = {
    {"environment", credentials_look_environment, false},
    {"role of the profile", credentials_look_role, false},
    {"web identity", credentials_look_web_identity, true},
    {"IAM Identity Center", credentials_look_sso, true},
    {"shared credentials file", credentials_look_credentials_file, true},
    {"console sign-in", credentials_look_login, true},
    {"credential process", credentials_look_process, true},
    {"shared config file", credentials_look_config_file, true},
    {"container", credentials_look_container, false},
    {"instance metadata", credentials_look_imds, false},
};

#define KEY_ID_SHOWN_BYTES 4
#define PLACES		   (sizeof(places) / sizeof(places[0]))

/* A walk along the places. The reasons of all places are kept, since the error must say what was
 * missing in each. */
struct search {
	const struct credentials_opts *opts;
	char *profile;
	bool profile_only;
	size_t at;
	size_t *winner; /* where it ended; borrowed, may be NULL */
	struct buf reasons;
};

static void
search_free(void *frame)
{
	struct search *search = frame;

	buf_fini(&search->reasons);
	free(search->profile);
	free(search);
}

/* A source_profile means the keys of that profile: the environment is not looked at. Example:
 * with profile_only the walk begins with web identity. */
static size_t
search_next_place(const struct search *search, size_t at)
{
	while (at < PLACES && search->profile_only && !places[at].of_profile)
		at++;
	return at;
}

/* Files are read again at each look, so that keys that a tool rotates there are found. A place
 * always gives a call, also where it has nothing to ask. */
static struct tmf_call *
search_look(struct search *search)
{
	return places[search->at].look(search->opts, search->profile, search->profile_only);
}

/* Keys are most often missing where another profile has them, which nothing names. */
static void
search_add_profiles(struct search *search)
{
	struct shared_files files;
	struct buf names = {0};
	bool named;

	profile_name(&search->opts->env, search->opts->profile, &named);
	if (named || search->profile_only ||
	    shared_files_read(&search->opts->env, &files, NULL) < 0)
		return;
	shared_files_list(&files, search->profile, &names);
	if (names.len > 0)
		buf_printf(&search->reasons,
		    "\n  profiles of the shared AWS files: %s (--profile or AWS_PROFILE names one)",
		    buf_cstr(&names));
	buf_fini(&names);
	shared_files_free(&files);
}

/* One place has been looked at: its keys, its fault, or the next one. A place that has something
 * but is broken ends the walk: to use other keys than those that were set up would act in another
 * account. */
static struct tmf_call *
search_seen(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct search *search = frame;

	*ret_result = tmf_call_take_result(over);
	if (*ret_result != NULL) {
		if (search->winner != NULL)
			*search->winner = search->at;
		return NULL;
	}
	if (!tmf_err_is(&over->err, CREDENTIALS_NOTHING)) {
		tmf_err_move(err, &over->err);
		tmf_err_prefix(err, "%s", places[search->at].name);
		return NULL;
	}
	buf_printf(
	    &search->reasons, "\n  %s: %s", places[search->at].name, tmf_err_text(&over->err));
	search->at = search_next_place(search, search->at + 1);
	if (search->at < PLACES)
		return search_look(search);
	search_add_profiles(search);
	tmf_err_set(err, TMF_ERR_CREDENTIALS, "no AWS credentials were found%s%s:%s",
	    search->profile_only ? " in the profile " : "",
	    search->profile_only ? search->profile : "", buf_cstr(&search->reasons));
	return NULL;
}

/* A refresh begins at the winner of the first walk, and not at the environment. */
static struct tmf_call *
search_from(const struct credentials_opts *opts, const char *profile, bool profile_only,
    size_t first, size_t *winner)
{
	struct search *search = mem_zalloc(1, sizeof(*search));

	search->opts = opts;
	search->profile = mem_strdup(profile);
	search->profile_only = profile_only;
	search->winner = winner;
	assert(first < PLACES);
	search->at = search_next_place(search, first);
	return tmf_call_sequence(search_look(search), search_seen, search, search_free);
}

/* The winner is not kept: this search serves one AssumeRole. */
struct tmf_call *
credentials_look_profile(
    const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	return search_from(opts, profile, profile_only, 0, NULL);
}

/* The chain: remembers which place had something, so that fresh keys come from there. */
struct chain {
	size_t winner; /* 0 at first: all are looked at */
};

/* Fresh keys come from where the first came from: work that began with one identity must not go on
 * with another. */
static struct tmf_call *
chain_look(const struct credentials_opts *opts, void *arg)
{
	struct chain *chain = arg;
	bool named;
	const char *profile = profile_name(&opts->env, opts->profile, &named);

	return search_from(opts, profile, false, chain->winner, &chain->winner);
}

/* The cache owns the chain, and frees it with itself. */
struct credentials_provider *
credentials_chain_new(const struct credentials_opts *opts)
{
	const struct credentials_source source = {
	    .look = chain_look,
	    .arg = mem_zalloc(1, sizeof(struct chain)),
	    .free_arg = free,
	};

	return credentials_cache_new(opts, &source);
}

/* --- for people --- */

/* As `aws configure list` masks a key. */
static char *
find_mask(const char *access_key_id)
{
	size_t len = strlen(access_key_id);

	return mem_printf("****************%s",
	    len > KEY_ID_SHOWN_BYTES ? access_key_id + len - KEY_ID_SHOWN_BYTES : "");
}

static struct tmf_call *
find_seen(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	const size_t *winner = frame;
	json_t *answer = tmf_call_take_result(over);
	const json_t *expires_ms = json_object_get(answer, "ExpiresMs");
	char iso[CLOCK_ISO_BYTES];
	char *masked;

	if (answer == NULL) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	assert(*winner < PLACES);
	masked = find_mask(jsonx_get_string(answer, "AccessKeyId"));
	*ret_result = json_object();
	jsonx_put_string(*ret_result, "place", places[*winner].name);
	jsonx_put_string(*ret_result, "accessKeyId", masked);
	if (expires_ms != NULL) {
		clock_iso(json_integer_value(expires_ms), iso);
		jsonx_put_string(*ret_result, "expires", iso);
	}
	free(masked);
	jsonx_wipe(answer);
	return NULL;
}

struct tmf_call *
credentials_find(const struct credentials_opts *opts)
{
	size_t *winner = mem_zalloc(1, sizeof(*winner));
	bool named;
	const char *profile = profile_name(&opts->env, opts->profile, &named);

	return tmf_call_sequence(
	    search_from(opts, profile, false, 0, winner), find_seen, winner, free);
}
