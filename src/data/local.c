#include "data/local.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define FOLDER_SCHEME "file://"

/* A file's name and the system's own words: what a person looks for with either. */
int
local_fail(const char *path, const char *why, const char *error, struct tmf_err *err)
{
	return tmf_err_set_name(err, TMF_ERR_ASL, error, "%s: %s", path, why);
}

/* ".." is a step up only as a whole segment: "..x" is a name. */
static bool
local_key_leaves(const char *key)
{
	for (const char *at = key; at != NULL; at = strchr(at, '/')) {
		at += *at == '/';
		if (strcmp(at, "..") == 0 || strncmp(at, "../", 3) == 0)
			return true;
	}
	return false;
}

/* No bucket of S3 has a colon in its name. */
bool
local_is_folder(const char *bucket)
{
	return strncmp(bucket, FOLDER_SCHEME, strlen(FOLDER_SCHEME)) == 0;
}

/* A folder without a name is the working directory; an absolute one begins behind the third
 * slash. */
char *
local_path(const char *bucket, const char *key, const char *error, struct tmf_err *err)
{
	const char *folder = bucket + strlen(FOLDER_SCHEME);

	assert(local_is_folder(bucket));
	if (local_key_leaves(key)) {
		local_fail(key, "leaves its folder by \"..\"", error, err);
		return NULL;
	}
	return mem_printf("%s/%s", folder[0] != '\0' ? folder : ".", key);
}
