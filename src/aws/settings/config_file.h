#ifndef TMFLOW_AWS_SETTINGS_CONFIG_FILE_H
#define TMFLOW_AWS_SETTINGS_CONFIG_FILE_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <stdbool.h>

/*
 * The AWS tools' shared files: sections of `key = value`, comments, and nested keys (indented lines
 * under a key without value).
 * See: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
struct config_file;

#define CONFIG_FILE_BYTES_MAX (1u << 20)

/* Which of the two it is: in config, profiles are `[profile NAME]` (but `[default]`); in
 * credentials, `[NAME]`. */
enum config_file_kind { CONFIG_FILE_CONFIG, CONFIG_FILE_CREDENTIALS };

/* Parses text; name is what messages call it. Errors: TMF_ERR_CONFIG with name and line. */
struct config_file *config_file_parse(
    const char *name, struct str text, enum config_file_kind kind, struct tmf_err *err);

/* Reads path. A file that is not there is an empty one. */
struct config_file *
config_file_read(const char *path, enum config_file_kind kind, struct tmf_err *err);

/* Wipes the values: some are keys. NULL is fine. */
void config_file_free(struct config_file *file);

/* Whether the profile has a section, even an empty one. */
bool config_file_has_profile(const struct config_file *file, const char *profile);

/* Calls fn with the name of each profile that has a section, in the order of the file. Borrowed. */
void config_file_each_profile(
    const struct config_file *file, void (*fn)(void *arg, const char *profile), void *arg);

/* A profile's value; nested keys are "key.subkey". NULL if absent. Borrowed. */
const char *config_file_get(const struct config_file *file, const char *profile, const char *key);

/* Where that stands, as "FILE:LINE", for messages. NULL if absent; the caller frees it. */
char *config_file_where(const struct config_file *file, const char *profile, const char *key);

/* A value of another kind of section: `[services NAME]`. */
const char *config_file_get_in(
    const struct config_file *file, const char *section_kind, const char *name, const char *key);

#endif
