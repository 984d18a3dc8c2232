#ifndef TMFLOW_WEB_UI_UI_GUARD_H
#define TMFLOW_WEB_UI_UI_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Who may see the live view. A page of somebody else's in the same browser can send requests to
 * the loopback address, and a name of his can be made to mean it (DNS rebinding): so that a request
 * has to bear the token, as a cookie that only our own pages send, and has to name our host.
 */

#define UI_TOKEN_BYTES 33 /* 128 random bits in hex, and NUL */
#define UI_COOKIE      "tmflow"

struct ui_guard {
	char token[UI_TOKEN_BYTES];
	char host[64]; /* as in a Host header: "127.0.0.1:8080" */
	uint16_t port;
	bool loopback; /* then "localhost" names it, too */
};

/* What a request says of itself. NULL = absent. */
struct ui_credentials {
	const char *method;
	const char *host;
	const char *origin;
	const char *fetch_site; /* Sec-Fetch-Site */
	const char *cookie;
	const char *token; /* in the address of the first visit */
};

enum ui_verdict {
	UI_ALLOWED,
	UI_ENTERED,	 /* by the token: answer with the cookie and without the token */
	UI_NO_TOKEN,	 /* 403 */
	UI_WRONG_HOST,	 /* 421: the name is not ours */
	UI_WRONG_ORIGIN, /* 403: another site asks */
	UI_WRONG_METHOD, /* 405: nothing here changes anything */
};

/* Makes a token from the system's random source. Aborts where that fails. */
void ui_guard_init(struct ui_guard *guard, const char *host, uint16_t port, bool loopback);

/* Compares in constant time what is secret. */
enum ui_verdict
ui_guard_check(const struct ui_guard *guard, const struct ui_credentials *credentials);

#endif
