#ifndef TMFLOW_AWS_SETTINGS_SHARED_FILES_H
#define TMFLOW_AWS_SETTINGS_SHARED_FILES_H

#include "aws/settings/config_file.h"
#include "aws/settings/environment.h"

#include <stdbool.h>

/* Of one message: nobody reads more. */
#define PROFILES_NAMED_MAX 10

/* Both shared files; one that is not there is empty. */
struct shared_files {
	struct config_file *config;
	struct config_file *credentials;
};

/* Reads AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, or those of ~/.aws. Errors: TMF_ERR_CONFIG
 * with file and line. */
int
shared_files_read(const struct aws_env *env, struct shared_files *ret_files, struct tmf_err *err);

/* Frees both, and empties it. */
void shared_files_free(struct shared_files *files);

/* A profile's value; the credentials file wins. */
const char *
shared_files_get(const struct shared_files *files, const char *profile, const char *key);

/* Where it stands, as "FILE:LINE". NULL if absent; the caller frees it. */
char *shared_files_where(const struct shared_files *files, const char *profile, const char *key);

/* Whether either file has the profile. */
bool shared_files_have(const struct shared_files *files, const char *profile);

/* Appends the names of the profiles that they have, but not this one: "prod, test", the first
 * PROFILES_NAMED_MAX of them. Nothing where they have no other. */
void shared_files_list(const struct shared_files *files, const char *but, struct buf *out);

/* The fault of a profile that they do not have, with the names of those that they have. */
int shared_files_fault_missing(const struct shared_files *files, const char *profile,
    enum tmf_err_code code, struct tmf_err *err);

/* The flag, AWS_DEFAULT_PROFILE, AWS_PROFILE, or "default"; *ret_named: somebody asked for it. */
const char *profile_name(const struct aws_env *env, const char *flag_profile, bool *ret_named);

#endif
