#ifndef TMFLOW_TESTS_CREDENTIALS_FIXTURE_H
#define TMFLOW_TESTS_CREDENTIALS_FIXTURE_H

#include "aws/keys/credentials_chain.h"
#include "base/clock.h"
#include "scripted_transport.h"

/* Providers on a fake clock over a scripted transport, with an environment and files of the
 * test's own. */

#define KEYS_WALL_MS	1768478400000 /* 2026-01-15T12:00:00Z */
#define KEYS_ROUTES_MAX 8
#define KEYS_WORDS_MAX	16
#define MINUTE_MS	(60 * 1000)

struct keys_fixture {
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct scripted_transport *scripted;
	struct rng rng;
	char *words[KEYS_WORDS_MAX + 1]; /* NAME=value; ends with NULL */
	char *paths[KEYS_WORDS_MAX];	 /* files to remove */
	size_t words_count;
	size_t paths_count;
	struct aws_settings settings;
	struct credentials_opts opts;
	struct credentials_provider *provider;
	/* what came last */
	int calls;
	char id[129];
	char secret[128];
	char token[256];
	unsigned serial;
	struct tmf_err err;
};

/* What a service answers: the first row of a request's that is not used up. */
struct route {
	const char *method;
	const char *where; /* in the URL or the body */
	int status;
	const char *body;
	int times; /* 0: always */
};

struct service {
	const struct route *routes;
	int used[KEYS_ROUTES_MAX];
	int64_t timeout_ms; /* of the last request */
	bool by_proxy;	    /* any */
};

/* As keys_init, over a service. routes ends with a row without method. Borrowed, both. */
void keys_init_service(struct keys_fixture *f, struct service *service, const struct route *routes);

/* script may be NULL: nothing is asked. The settings are read at the first get. */
void keys_init(struct keys_fixture *f, const struct scripted_opts *script);
void keys_fini(struct keys_fixture *f);

/* Adds a variable, or one that names a file with text. Returns the file's path, borrowed. */
void keys_env(struct keys_fixture *f, const char *name, const char *value);
const char *keys_file(struct keys_fixture *f, const char *name, const char *text);

/* Makes the chain if there is no provider yet, and asks it; the loop runs until the answer has
 * come. */
void keys_get(struct keys_fixture *f);

/* Reads the settings and fills in opts; keys_get does it where it has not been done. */
void keys_open(struct keys_fixture *f);

/* Lets the fake clock go on, timers firing. */
void keys_wait(struct keys_fixture *f, int64_t by_ms);

/* Asserts that a fault came whose text has part in it, and forgets it. */
void keys_expect_fault(struct keys_fixture *f, const char *part);

/* Asserts that keys came, and these. */
void
keys_expect(const struct keys_fixture *f, const char *id, const char *secret, const char *token);

/* How many requests were sent, and the i-th. */
size_t keys_sent(const struct keys_fixture *f);
const struct scripted_request *keys_request(const struct keys_fixture *f, size_t i);

#endif
