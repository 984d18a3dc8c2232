#include "web/ui/ui_guard.h"

#include "base/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define TOKEN_RANDOM_BYTES ((UI_TOKEN_BYTES - 1) / 2)

void
ui_guard_init(struct ui_guard *guard, const char *host, uint16_t port, bool loopback)
{
	uint8_t random[TOKEN_RANDOM_BYTES];

	*guard = (struct ui_guard){.port = port, .loopback = loopback};
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort();
	digest_hex(random, sizeof(random), guard->token);
	snprintf(guard->host, sizeof(guard->host), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u",
	    host, port);
}

static bool
token_is(const struct ui_guard *guard, const char *text, size_t len)
{
	return len == UI_TOKEN_BYTES - 1 && CRYPTO_memcmp(text, guard->token, len) == 0;
}

/* "a=1; tmflow=TOKEN; b=2". */
static bool
cookie_has_token(const struct ui_guard *guard, const char *cookie)
{
	const char *name = UI_COOKIE "=";

	while (cookie != NULL && *cookie != '\0') {
		size_t len = strcspn(cookie, ";");

		if (strncmp(cookie, name, strlen(name)) == 0 && len > strlen(name) &&
		    token_is(guard, cookie + strlen(name), len - strlen(name)))
			return true;
		cookie += len;
		cookie += strspn(cookie, "; ");
	}
	return false;
}

static bool
host_is_ours(const struct ui_guard *guard, const char *host)
{
	char local[sizeof(guard->host)];

	if (host == NULL)
		return false;
	if (!guard->loopback)
		return true; /* a host with other addresses has names that we do not know */
	snprintf(local, sizeof(local), "localhost:%u", guard->port);
	return strcasecmp(host, guard->host) == 0 || strcasecmp(host, local) == 0;
}

/* A link from a mail or another page may lead here ("none", or a navigation), a script may not. */
static bool
origin_is_ours(const struct ui_credentials *credentials)
{
	const char *scheme = "http://";

	if (credentials->origin != NULL &&
	    (strncmp(credentials->origin, scheme, strlen(scheme)) != 0 ||
		strcasecmp(credentials->origin + strlen(scheme), credentials->host) != 0))
		return false;
	return credentials->fetch_site == NULL ||
	       strcmp(credentials->fetch_site, "same-origin") == 0 ||
	       strcmp(credentials->fetch_site, "none") == 0;
}

enum ui_verdict
ui_guard_check(const struct ui_guard *guard, const struct ui_credentials *credentials)
{
	assert(credentials->method != NULL && guard->token[0] != '\0');
	if (strcmp(credentials->method, "GET") != 0 && strcmp(credentials->method, "HEAD") != 0)
		return UI_WRONG_METHOD;
	if (!host_is_ours(guard, credentials->host))
		return UI_WRONG_HOST;
	if (!origin_is_ours(credentials))
		return UI_WRONG_ORIGIN;
	if (credentials->token != NULL)
		return token_is(guard, credentials->token, strlen(credentials->token))
			   ? UI_ENTERED
			   : UI_NO_TOKEN;
	return cookie_has_token(guard, credentials->cookie) ? UI_ALLOWED : UI_NO_TOKEN;
}
