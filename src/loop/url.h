#ifndef TMFLOW_LOOP_URL_H
#define TMFLOW_LOOP_URL_H

/* The parts of a URL as the transport will understand it. */
struct url {
	char *scheme; /* in lower case */
	char *host;   /* an IPv6 address without its brackets */
};

/* Returns 0, or -1 for a text that lacks scheme or host, is malformed, or names a user; *ret_url is
 * empty then. */
int url_parse(const char *text, struct url *ret_url);

/* Frees the parts and leaves none. */
void url_fini(struct url *url);

#endif
