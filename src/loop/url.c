#include "loop/url.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * By libcurl's own parser, so that what is checked here (plain http only to loopback, say) is the
 * host that libcurl will connect to. Two parsers that differ over http://a@b\\c are how such
 * checks are bypassed.
 */

/* Out of memory is not a wrong URL. It comes here where no transport has set libcurl's allocator
 * yet. */
static bool
url_accepted(CURLUcode code)
{
	if (code == CURLUE_OUT_OF_MEMORY)
		mem_exhausted(0);
	return code == CURLUE_OK;
}

/* A part as a string of our own, NULL if absent. */
static char *
url_part(CURLU *handle, CURLUPart part)
{
	char *text = NULL;
	char *copy;

	if (!url_accepted(curl_url_get(handle, part, &text, 0)))
		return NULL;
	copy = mem_strdup(text);
	curl_free(text);
	return copy;
}

/* An IPv6 host stands in brackets in a URL, and without them everywhere else. */
static void
url_drop_brackets(char *host)
{
	size_t len = strlen(host);

	if (len < 2 || host[0] != '[' || host[len - 1] != ']')
		return;
	memmove(host, host + 1, len - 2);
	host[len - 2] = '\0';
}

int
url_parse(const char *text, struct url *ret_url)
{
	CURLU *handle = curl_url();
	char *user;

	*ret_url = (struct url){0};
	if (handle == NULL)
		mem_exhausted(0);
	if (url_accepted(curl_url_set(handle, CURLUPART_URL, text, CURLU_DISALLOW_USER))) {
		ret_url->scheme = url_part(handle, CURLUPART_SCHEME);
		ret_url->host = url_part(handle, CURLUPART_HOST);
	}
	user = url_part(handle, CURLUPART_USER);
	curl_url_cleanup(handle);
	if (user == NULL && ret_url->scheme != NULL && ret_url->host != NULL) {
		url_drop_brackets(ret_url->host);
		return 0;
	}
	free(user);
	url_fini(ret_url);
	return -1;
}

void
url_fini(struct url *url)
{
	free(url->scheme);
	free(url->host);
	*url = (struct url){0};
}
