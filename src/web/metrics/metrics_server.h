#ifndef TMFLOW_WEB_METRICS_METRICS_SERVER_H
#define TMFLOW_WEB_METRICS_METRICS_SERVER_H

#include "base/buf.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"

/*
 * The numbers of a process that serves, over HTTP: /metrics for Prometheus, /healthz for a probe.
 * Read-only and without a token, since neither can send one: nothing that it says is secret. What a
 * page of another site asks for in a browser is refused.
 */

#define METRICS_CONNECTIONS_MAX 32

struct metrics_server;

/* Borrowed; called from the loop. */
struct metrics_server_opts {
	struct tmf_loop *loop;
	const char *address;					       /* as http_daemon's */
	int (*write)(void *arg, struct buf *out, struct tmf_err *err); /* all of /metrics */
	bool (*is_healthy)(void *arg);
	void *arg;
};

/* Listens. NULL with *err. Errors: TMF_ERR_INVALID for an address, TMF_ERR_SYSTEM. */
struct metrics_server *
metrics_server_start(const struct metrics_server_opts *opts, struct tmf_err *err);

/* Ends all connections. NULL is fine. */
void metrics_server_stop(struct metrics_server *server);

/* "http://127.0.0.1:9400/metrics". Borrowed. */
const char *metrics_server_url(const struct metrics_server *server);

#endif
