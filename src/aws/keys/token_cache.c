#include "aws/keys/token_cache.h"

#include "aws/keys/credentials_internal.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "base/timestamp.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_FILE_BYTES_MAX (256u << 10)
#define ISO_SECONDS_BYTES    19 /* 2026-01-15T12:00:00 */

/* The text of the file is never in an error: it is a secret, whatever else is wrong with it. */
int
token_cache_read(const char *path, json_t **ret_token, struct tmf_err *err)
{
	struct tmf_err cause = {0};
	struct buf text = {0};
	bool missing = false;
	json_t *token = NULL;
	int ret = -1;

	if (file_read(path, TOKEN_FILE_BYTES_MAX, &text, &missing, &cause) < 0) {
		ret = missing ? 0 : -1;
		if (!missing)
			tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s", tmf_err_text(&cause));
	} else {
		token = jsonx_parse_last_wins(buf_str(&text), NULL);
		ret = json_is_object(token) ? 1 : -1;
		if (ret < 0)
			tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s is not a JSON object", path);
	}
	tmf_err_fini(&cause);
	mem_wipe(text.p, text.cap);
	buf_fini(&text);
	if (ret == 1)
		*ret_token = token;
	else
		jsonx_wipe(token);
	return ret;
}

/* mkstemp makes the file with mode 0600. */
static int
token_cache_write_beside(const char *path, struct str text, char *temporary)
{
	int fd = mkstemp(temporary);
	bool written;

	if (fd < 0)
		return -1;
	written = write(fd, text.p, text.len) == (ssize_t)text.len && fsync(fd) == 0;
	if (close(fd) == 0 && written && rename(temporary, path) == 0)
		return 0;
	unlink(temporary);
	return -1;
}

/* A rename, so that a process that is killed here leaves the token of before: a refresh token that
 * is cut off would end the sign-in of all tools. */
int
token_cache_write(const char *path, const json_t *token, struct tmf_err *err)
{
	char *temporary = mem_printf("%s.XXXXXX", path);
	struct buf text = {0};
	int ret;

	assert(json_is_object(token));
	jsonx_write(token, &text);
	ret = token_cache_write_beside(path, buf_str(&text), temporary);
	if (ret < 0)
		tmf_err_set(err, TMF_ERR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
	mem_wipe(text.p, text.cap);
	buf_fini(&text);
	free(temporary);
	return ret;
}

bool
token_cache_time(const json_t *token, const char *key, int64_t *ret_wall_ms)
{
	struct str text = str_of(jsonx_get_string(token, key));
	struct timestamp time;
	struct buf utc = {0};
	bool ok;

	if (text.len > 3 && strcmp(text.p + text.len - 3, "UTC") == 0) {
		buf_add(&utc, text.p, text.len - 3);
		buf_add_char(&utc, 'Z');
		text = buf_str(&utc);
	}
	ok = timestamp_parse(text, &time);
	if (ok)
		*ret_wall_ms = time.seconds * 1000;
	buf_fini(&utc);
	return ok;
}

void
token_cache_set_time(json_t *token, const char *key, int64_t wall_ms)
{
	char iso[CLOCK_ISO_BYTES];

	assert(json_is_object(token));
	clock_iso(wall_ms, iso);
	json_object_set_new(token, key, json_sprintf("%.*sZ", ISO_SECONDS_BYTES, iso));
}
