#ifndef TMFLOW_WEB_HTTP_HTTP_DAEMON_H
#define TMFLOW_WEB_HTTP_HTTP_DAEMON_H

#include "tmflow/error.h"
#include "tmflow/loop.h"
#include "web/http/microhttpd.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A server of HTTP/1.1 on a loop, without a thread of its own: libmicrohttpd does the protocol.
 * Each connection has bounded memory and time. What is answered is the owner's.
 * See: https://www.gnu.org/software/libmicrohttpd/
 */

#define HTTP_CONNECTION_BYTES	32768 /* of a request's head */
#define HTTP_CONNECTION_SECONDS 15    /* without a byte */
/* Until a request is whole, from the connection's start or the answer before: a client that sends a
 * byte every few seconds is never idle. */
#define HTTP_REQUEST_SECONDS 30
/* No address has the last quarter of the connections, so that a probe is answered while one address
 * holds the rest. */
#define HTTP_RESERVED_PART 4
#define HTTP_TICK_MS	   1000 /* between two runs of a server without work */

/* A connection, from its start to its end. */
struct http_peer {
	int fd;		  /* libmicrohttpd's; -1: free */
	int64_t asks_ms;  /* since when its next request is waited for */
	bool is_answered; /* it waits for nothing: an answer is on its way */
};

/* Lives in its owner. Zeroed: not started. */
struct http_daemon {
	struct tmf_fd_watch watch; /* first */
	struct tmf_timer timer;
	struct tmf_loop *loop;
	struct microhttpd mhd;
	struct MHD_Daemon *daemon;
	struct http_peer *peers; /* peers_max of them. Owned */
	unsigned peers_max;
	char *host; /* of numbers, without brackets. Owned */
	uint16_t port;
	bool loopback;
};

struct http_daemon_opts {
	struct tmf_loop *loop; /* borrowed until http_daemon_stop, as is arg */
	const char *address;   /* "127.0.0.1:8080", "[::1]:0", "0.0.0.0:8080"; port 0: a free one */
	unsigned connections_max;
	MHD_AccessHandlerCallback handle; /* called from the loop */
	void *arg;
};

/* Listens. Errors: TMF_ERR_INVALID for an address, TMF_ERR_SYSTEM. */
int http_daemon_start(
    struct http_daemon *daemon, const struct http_daemon_opts *opts, struct tmf_err *err);

/* Ends all connections. Fine where it was not started. */
void http_daemon_stop(struct http_daemon *daemon);

/* To be called after a suspended connection was resumed. */
void http_daemon_run(struct http_daemon *daemon);

/* Queues an answer. Takes response; NULL, where memory is short, ends the connection. */
enum MHD_Result http_daemon_queue(const struct microhttpd *mhd, struct MHD_Connection *connection,
    int status, struct MHD_Response *response);

#endif
