#include "aws/client.h"
#include "aws/keys/credentials_internal.h"
#include "aws/services/sts.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Roles assumed with other keys. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html */

#define SESSION_NAME_DEFAULT "tmflow"
#define PROFILES_MAX	     16 /* in a chain of source_profile */

/* AWS lets a role that was assumed with a role's keys last an hour at most. */
#define CHAINED_SECONDS_MAX 3600

/* The texts of a copy are owned, and const for its readers: hence the casts. */
static struct credentials_role
role_copy(const struct credentials_role *role)
{
	return (struct credentials_role){
	    .role_arn = mem_strdup(role->role_arn),
	    .role_session_name = mem_strdup(role->role_session_name),
	    .external_id = mem_strdup(role->external_id),
	    .duration_seconds = role->duration_seconds,
	    .mfa_serial = mem_strdup(role->mfa_serial),
	};
}

static void
role_fini(struct credentials_role *role)
{
	free((char *)(uintptr_t)role->role_arn);
	free((char *)(uintptr_t)role->role_session_name);
	free((char *)(uintptr_t)role->external_id);
	free((char *)(uintptr_t)role->mfa_serial);
	*role = (struct credentials_role){0};
}

/* --- one AssumeRole --- */

/* The client and the keys that it signs with, for the time of one call. The keys must outlive
 * the call, since each attempt asks for them again. */
struct assume {
	struct aws_client *sts;
	struct credentials_provider *base; /* owned if own_base */
	bool own_base;
	bool asking; /* the call under way is for the code of the MFA device */
	struct credentials_role role;
};

/* The client goes before the keys that it borrows. */
static void
assume_free(void *frame)
{
	struct assume *assume = frame;

	aws_client_free(assume->sts);
	if (assume->own_base)
		credentials_provider_free(assume->base);
	role_fini(&assume->role);
	free(assume);
}

/* token_code NULL: the role needs none. */
static struct tmf_call *
assume_send(struct assume *assume, const char *token_code)
{
	const struct credentials_role *role = &assume->role;
	const struct sts_assume_role request = {
	    .role_arn = role->role_arn,
	    .role_session_name =
		role->role_session_name != NULL ? role->role_session_name : SESSION_NAME_DEFAULT,
	    .external_id = role->external_id,
	    .duration_seconds = role->duration_seconds,
	    .serial_number = token_code != NULL ? role->mfa_serial : NULL,
	    .token_code = token_code,
	};

	assume->asking = false;
	return sts_assume_role(assume->sts, &request);
}

/* The name of AWS's error is in the text only: AccessDenied of a run would be taken for an error of
 * EC2 by its Catch. */
static struct tmf_call *
assume_answered(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct assume *assume = frame;
	json_t *result = tmf_call_take_result(over);
	struct tmf_call *next = NULL;

	if (result == NULL && assume->asking)
		tmf_err_move(err, &over->err);
	else if (result == NULL)
		tmf_err_set(err,
		    over->err.code == TMF_ERR_EXPIRED ? TMF_ERR_EXPIRED : TMF_ERR_CREDENTIALS,
		    "%s cannot be assumed: %s: %s", assume->role.role_arn, over->err.name,
		    tmf_err_text(&over->err));
	else if (!assume->asking)
		credentials_answer_of_sts(result, ret_result, err);
	else
		next = assume_send(assume, jsonx_get_string(result, "Code"));
	if (next != NULL)
		jsonx_wipe(result);
	return next;
}

/* NULL with *err. */
static struct tmf_call *
assume_first_call(const struct credentials_opts *opts, struct assume *assume, struct tmf_err *err)
{
	struct aws_client_opts client = aws_client_opts_of(opts->settings, "sts");

	client.loop = opts->loop;
	client.transport = opts->transport;
	client.rng = opts->rng;
	client.credentials = assume->base;
	assume->sts = aws_client_new(&client, err);
	if (assume->sts == NULL)
		return NULL;
	if (assume->role.mfa_serial == NULL)
		return assume_send(assume, NULL);
	if (opts->ask_code == NULL) {
		tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "%s wants a code of the MFA device %s, and nobody can be asked for it here",
		    assume->role.role_arn, assume->role.mfa_serial);
		return NULL;
	}
	assume->asking = true;
	return opts->ask_code(opts->ask_code_arg, assume->role.mfa_serial);
}

/* A client for one call: the next look is an hour away, and its quota and clock are not worth
 * keeping. */
static struct tmf_call *
assume_start(const struct credentials_opts *opts, struct credentials_provider *base, bool own_base,
    const struct credentials_role *role)
{
	struct assume *assume = mem_zalloc(1, sizeof(*assume));
	struct credentials_role named = *role;
	struct tmf_err err = {0};
	struct tmf_call *first;

	assert(base != NULL && role->role_arn != NULL);
	if (named.role_session_name == NULL)
		named.role_session_name = opts->role_session_name;
	*assume = (struct assume){.base = base, .own_base = own_base, .role = role_copy(&named)};
	first = assume_first_call(opts, assume, &err);
	if (first != NULL)
		return tmf_call_sequence(first, assume_answered, assume, assume_free);
	assume_free(assume);
	return tmf_call_of_err(opts->loop, &err);
}

/* --- a provider of its own: --assume-role --- */

struct role_source {
	struct credentials_provider *base;
	struct credentials_role role;
};

/* The base is owned here, since it has no other user. */
static void
role_source_free(void *arg)
{
	struct role_source *source = arg;

	credentials_provider_free(source->base);
	role_fini(&source->role);
	free(source);
}

/* The base stays from one refresh to the next: its own cache decides when its keys are too old. */
static struct tmf_call *
role_source_look(const struct credentials_opts *opts, void *arg)
{
	const struct role_source *source = arg;

	return assume_start(opts, source->base, false, &source->role);
}

/* A run keeps the role's ARN, so that resume assumes the same one. The texts are copied: the
 * caller's may go. */
struct credentials_provider *
credentials_role_new(const struct credentials_opts *opts, struct credentials_provider *base,
    const struct credentials_role *role)
{
	struct role_source *arg = mem_zalloc(1, sizeof(*arg));
	const struct credentials_source source = {role_source_look, arg, role_source_free};

	arg->base = base;
	arg->role = role_copy(role);
	return credentials_cache_new(opts, &source);
}

/* --- a profile's role --- A profile may be its own source: its keys then assume its role. */
static bool
profile_has_keys(const struct shared_files *files, const char *profile)
{
	return shared_files_get(files, profile, "aws_access_key_id") != NULL &&
	       shared_files_get(files, profile, "aws_secret_access_key") != NULL;
}

/* A role by web identity is that place's. Such a profile's role_arn is left to
 * credentials_look_web_identity. */
static bool
profile_has_role(const struct shared_files *files, const char *profile)
{
	return shared_files_get(files, profile, "role_arn") != NULL &&
	       shared_files_get(files, profile, "web_identity_token_file") == NULL;
}

/* Whether the keys of this profile, as another's source, come by a role again. */
static bool
profile_role_is_source(const struct shared_files *files, const char *profile)
{
	return profile_has_role(files, profile) && !profile_has_keys(files, profile);
}

/* Follows source_profile to its end: each must be there, and none may come twice. Example: a -> b
 * -> a is an error unless one of both has keys of its own, where the chain ends. Checked before
 * anything is asked, as each link is a call of STS. */
static int
profile_check_sources(const struct shared_files *files, const char *profile, struct tmf_err *err)
{
	const char *seen[PROFILES_MAX] = {profile};

	for (size_t count = 1; count < PROFILES_MAX; count++) {
		const char *source = shared_files_get(files, seen[count - 1], "source_profile");

		if (source == NULL)
			return 0;
		if (!shared_files_have(files, source))
			return tmf_err_set(err, TMF_ERR_CREDENTIALS,
			    "the source_profile \"%s\" of the profile \"%s\" is in neither of the "
			    "shared AWS files",
			    source, seen[count - 1]);
		if (!profile_role_is_source(files, source))
			return 0;
		for (size_t i = 0; i < count; i++)
			if (strcmp(seen[i], source) == 0)
				return tmf_err_set(err, TMF_ERR_CREDENTIALS,
				    "the source_profile of \"%s\" leads back to \"%s\": a profile "
				    "that is its own source needs aws_access_key_id and "
				    "aws_secret_access_key",
				    seen[count - 1], source);
		seen[count] = source;
	}
	return tmf_err_set(err, TMF_ERR_CREDENTIALS,
	    "more than %d profiles follow each other by source_profile", PROFILES_MAX);
}

/* A wrong duration is an error before anything is sent: STS would name its own parameter, and
 * not the profile. See:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html (role chaining). */
static int
profile_duration(
    const struct shared_files *files, const char *profile, int *ret_seconds, struct tmf_err *err)
{
	const char *text = shared_files_get(files, profile, "duration_seconds");
	const char *source = shared_files_get(files, profile, "source_profile");
	char *end;
	long seconds;

	*ret_seconds = 0;
	if (text == NULL)
		return 0;
	seconds = strtol(text, &end, 10);
	if (*end != '\0' || seconds < STS_DURATION_SECONDS_MIN ||
	    seconds > STS_DURATION_SECONDS_MAX)
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "duration_seconds of the profile \"%s\" must be %d to %d", profile,
		    STS_DURATION_SECONDS_MIN, STS_DURATION_SECONDS_MAX);
	if (source != NULL && profile_role_is_source(files, source) &&
	    seconds > CHAINED_SECONDS_MAX)
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "duration_seconds of the profile \"%s\" must be at most %d: its source is a "
		    "role too, and AWS lets such a chain last no longer",
		    profile, CHAINED_SECONDS_MAX);
	*ret_seconds = (int)seconds;
	return 0;
}

/* Checked before the first call, so that a fault is reported with the profile's name. */
static int
profile_role(const struct shared_files *files, const char *profile,
    struct credentials_role *ret_role, struct tmf_err *err)
{
	const char *name = shared_files_get(files, profile, "role_session_name");
	struct credentials_role role = {
	    .role_arn = shared_files_get(files, profile, "role_arn"),
	    .role_session_name = name,
	    .external_id = shared_files_get(files, profile, "external_id"),
	    .mfa_serial = shared_files_get(files, profile, "mfa_serial"),
	};

	if (name != NULL && !sts_session_name_is_valid(name))
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "role_session_name of the profile \"%s\" must be 2 to %d letters, digits and "
		    "_+=,.@-",
		    profile, STS_SESSION_NAME_BYTES_MAX);
	if (profile_duration(files, profile, &role.duration_seconds, err) < 0)
		return -1;
	*ret_role = role;
	return 0;
}

/* The three names that the AWS documentation lists for credential_source. */
static const struct {
	const char *name;
	credentials_look_fn *look;
} credential_sources[] = {
    {"Environment", credentials_look_environment},
    {"Ec2InstanceMetadata", credentials_look_imds},
    {"EcsContainer", credentials_look_container},
};

/* What the role is assumed with: a place, and the profile to look for there. profile_only: a
 * source_profile means that profile, and not the environment. */
struct base {
	credentials_look_fn *look;
	char *profile;
	bool profile_only;
};

static void
role_base_free(void *arg)
{
	struct base *base = arg;

	free(base->profile);
	free(base);
}

static struct tmf_call *
role_base_look(const struct credentials_opts *opts, void *arg)
{
	const struct base *base = arg;

	return base->look(opts, base->profile, base->profile_only);
}

/* The names are compared with case, as botocore does. */
static credentials_look_fn *
role_base_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof(credential_sources) / sizeof(credential_sources[0]); i++)
		if (strcmp(credential_sources[i].name, name) == 0)
			return credential_sources[i].look;
	return NULL;
}

/* Exactly one, as with the AWS CLI: a profile with both would be read differently by different
 * tools. A source that has a role of its own leads to another AssumeRole, and any other source
 * to the walk along its places. */
static int
role_base_find(const struct shared_files *files, const char *profile, struct base *ret_base,
    struct tmf_err *err)
{
	const char *source = shared_files_get(files, profile, "source_profile");
	const char *credential_source = shared_files_get(files, profile, "credential_source");

	if ((source == NULL) == (credential_source == NULL))
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "the profile \"%s\" has role_arn and needs exactly one of source_profile and "
		    "credential_source",
		    profile);
	*ret_base = (struct base){.profile = mem_strdup(source), .profile_only = source != NULL};
	if (source != NULL)
		ret_base->look = profile_role_is_source(files, source) ? credentials_look_role
								       : credentials_look_profile;
	else
		ret_base->look = role_base_of_name(credential_source);
	if (ret_base->look != NULL)
		return 0;
	return tmf_err_set(err, TMF_ERR_CREDENTIALS,
	    "credential_source of the profile \"%s\" must be Environment, Ec2InstanceMetadata or "
	    "EcsContainer",
	    profile);
}

/* Returns the call, or NULL with *err. The base has a cache of its own, which is freed with the
 * call: its keys serve this one AssumeRole. */
static struct tmf_call *
assume_role_of_profile(const struct credentials_opts *opts, const struct shared_files *files,
    const char *profile, struct tmf_err *err)
{
	struct credentials_role role = {0};
	struct base found;
	struct base *base;
	struct credentials_opts inner = *opts;

	if (profile_role(files, profile, &role, err) < 0 ||
	    profile_check_sources(files, profile, err) < 0 ||
	    role_base_find(files, profile, &found, err) < 0)
		return NULL;
	base = mem_zalloc(1, sizeof(*base));
	*base = found;
	inner.profile = NULL; /* credential_source = Environment means it, --profile or not */
	return assume_start(opts,
	    credentials_cache_new(
		&inner, &(struct credentials_source){role_base_look, base, role_base_free}),
	    true, &role);
}

/* A profile that was named and does not exist is an error, so that no other place's keys are
 * used instead. */
struct tmf_call *
credentials_look_role(const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	struct shared_files files;
	struct tmf_err err = {0};
	struct tmf_call *call = NULL;
	bool named;

	(void)profile_only;
	profile_name(&opts->env, opts->profile, &named);
	if (shared_files_read(&opts->env, &files, &err) < 0)
		return tmf_call_of_err(opts->loop, &err);
	if (named && !shared_files_have(&files, profile))
		shared_files_fault_missing(&files, profile, TMF_ERR_CREDENTIALS, &err);
	else if (!profile_has_role(&files, profile))
		call =
		    credentials_nothing(opts->loop, "the profile \"%s\" has no role_arn", profile);
	else
		call = assume_role_of_profile(opts, &files, profile, &err);
	shared_files_free(&files);
	return call != NULL ? call : tmf_call_of_err(opts->loop, &err);
}
