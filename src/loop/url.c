#include "loop/url.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

/*
 * By libcurl's own parser, so that what is checked here (plain http only to loopback, say) is the
 * host that libcurl will connect to. Two parsers that differ over http://a@b\\c are how such
 * checks are bypassed.
 */

/* A part as a string of our own, NULL if absent. */
static char *
url_part(CURLU *handle, CURLUPart part)
{
	char *text = NULL;
	char *copy;

	if (curl_url_get(handle, part, &text, 0) != CURLUE_OK)
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
		abort(); /* no memory */
	if (curl_url_set(handle, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK) {
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
