#ifndef TMFLOW_WEB_HTTP_HTTP_DAEMON_H
#define TMFLOW_WEB_HTTP_HTTP_DAEMON_H

#include "base/buf.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"
#include "web/http/microhttpd.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

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
/* Until an answer is read to its end, unless that is a stream. 40 MiB by a line of 1 Mbit/s take
 * half of it; a client that reads a byte now and then is never idle. */
#define HTTP_ANSWER_SECONDS 600
/* Of a body in memory: a longer one lies in a file without a name while it is read, so that slow
 * readers cost no memory. */
#define HTTP_BODY_BYTES_MAX 16384
/* No address has the last quarter of the connections, so that a probe is answered while one address
 * holds the rest. */
#define HTTP_RESERVED_PART 4
#define HTTP_TICK_MS	   1000 /* between two runs of a server without work */

/* What a connection does, and so how long it may take. */
enum http_peer_doing {
	HTTP_ASKS,    /* its next request is waited for */
	HTTP_READS,   /* an answer */
	HTTP_FOLLOWS, /* a stream: as long as it likes */
	HTTP_ENDS,    /* it took too long: once is enough */
};

/* A connection, from its start to its end. */
struct http_peer {
	int fd; /* libmicrohttpd's; -1: free */
	enum http_peer_doing doing;
	int64_t since_ms; /* since when it does so */
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
enum MHD_Result http_daemon_queue(struct http_daemon *daemon, struct MHD_Connection *connection,
    int status, struct MHD_Response *response);

/* The same for a stream, whose reader may take as long as it likes. */
enum MHD_Result http_daemon_queue_stream(
    struct http_daemon *daemon, struct MHD_Connection *connection, struct MHD_Response *response);

/* An answer of a text. Takes body. Returns: NULL where memory is short. */
struct MHD_Response *http_daemon_response(const struct http_daemon *daemon, struct buf *body);

/* The same of a file, from its first byte to its last. Takes file. Returns: NULL on failure. */
struct MHD_Response *http_daemon_response_file(const struct http_daemon *daemon, FILE *file);

#endif
