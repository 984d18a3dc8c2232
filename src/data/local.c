#include "data/local.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

#define FOLDER_SCHEME "file://"

int
local_fail(const char *path, const char *why, const char *error, struct tmf_err *err)
{
	return tmf_err_set_name(err, TMF_ERR_ASL, error, "%s: %s", path, why);
}

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

char *
local_path(const char *bucket, const char *key, const char *error, struct tmf_err *err)
{
	const char *folder = bucket + strlen(FOLDER_SCHEME);

	if (strncmp(bucket, FOLDER_SCHEME, strlen(FOLDER_SCHEME)) != 0) {
		tmf_err_set_name(err, TMF_ERR_ASL, error,
		    "s3://%s/%s: this version knows local files only: Bucket: " FOLDER_SCHEME
		    "FOLDER",
		    bucket, key);
		return NULL;
	}
	if (local_key_leaves(key)) {
		local_fail(key, "leaves its folder by \"..\"", error, err);
		return NULL;
	}
	return mem_printf("%s/%s", folder[0] != '\0' ? folder : ".", key);
}
