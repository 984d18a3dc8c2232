#include "web/http/http_daemon.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- addresses --- */

union http_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int
address_invalid(const char *text, struct tmf_err *err)
{
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "not an address to listen on: %s (for example 127.0.0.1:8080, [::1]:8080)", text);
}

/* "HOST:PORT" of numbers. ret_host: malloc'ed, without brackets. */
static int
address_parse(
    const char *text, union http_address *ret_address, char **ret_host, struct tmf_err *err)
{
	const char *colon = strrchr(text, ':');
	char *end = NULL;
	long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
	bool brackets = text[0] == '[';
	char *host;

	if (colon == NULL || end == colon + 1 || *end != '\0' || port < 0 || port > UINT16_MAX ||
	    (brackets && (colon == text || colon[-1] != ']')))
		return address_invalid(text, err);
	host = brackets ? mem_strndup(text + 1, (size_t)(colon - text) - 2)
			: mem_strndup(text, (size_t)(colon - text));
	*ret_address = (union http_address){.v4 = {.sin_family = AF_INET}};
	if (!brackets && inet_pton(AF_INET, host, &ret_address->v4.sin_addr) == 1) {
		ret_address->v4.sin_port = htons((uint16_t)port);
	} else {
		*ret_address = (union http_address){.v6 = {.sin6_family = AF_INET6}};
		ret_address->v6.sin6_port = htons((uint16_t)port);
		if (!brackets || inet_pton(AF_INET6, host, &ret_address->v6.sin6_addr) != 1) {
			free(host);
			return address_invalid(text, err);
		}
	}
	*ret_host = host;
	return 0;
}

static bool
address_is_loopback(const union http_address *address)
{
	if (address->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
	return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* --- peers --- */

static void
peer_begin(struct http_daemon *daemon, struct http_peer *peer, enum http_peer_doing doing)
{
	peer->doing = doing;
	peer->since_ms = tmf_loop_mono_ms(daemon->loop);
}

/* Called when a connection begins and ends: a request that never becomes one has no other call. */
static void
peer_notice(void *arg, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	struct http_daemon *daemon = arg;
	struct http_peer *peer = *context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (peer != NULL)
			peer->fd = -1;
		*context = NULL;
		return;
	}
	for (unsigned i = 0; i < daemon->peers_max; i++) {
		if (daemon->peers[i].fd >= 0)
			continue;
		daemon->peers[i] = (struct http_peer){
		    .fd = daemon->mhd
			      .get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			      ->connect_fd,
		};
		peer_begin(daemon, &daemon->peers[i], HTTP_ASKS);
		*context = &daemon->peers[i];
		return;
	}
}

static struct http_peer *
peer_of(const struct microhttpd *mhd, struct MHD_Connection *connection)
{
	return mhd->get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

/* An answer is over: the connection is kept for the next request. */
static void
peer_answered(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct http_daemon *daemon = arg;
	struct http_peer *peer = peer_of(&daemon->mhd, connection);

	(void)state;
	(void)code;
	if (peer != NULL)
		peer_begin(daemon, peer, HTTP_ASKS);
}

static bool
peer_is_slow(const struct http_peer *peer, int64_t now_ms)
{
	static const int64_t seconds[] = {
	    [HTTP_ASKS] = HTTP_REQUEST_SECONDS,
	    [HTTP_READS] = HTTP_ANSWER_SECONDS,
	    [HTTP_FOLLOWS] = INT64_MAX / 1000,
	    [HTTP_ENDS] = INT64_MAX / 1000,
	};

	return peer->fd >= 0 && now_ms - peer->since_ms >= seconds[peer->doing] * 1000;
}

/* Its end is found by the next read or write of libmicrohttpd, which closes it then. */
static void
peers_end_slow(struct http_daemon *daemon)
{
	int64_t now_ms = tmf_loop_mono_ms(daemon->loop);

	for (unsigned i = 0; i < daemon->peers_max; i++) {
		struct http_peer *peer = &daemon->peers[i];

		if (!peer_is_slow(peer, now_ms))
			continue;
		(void)shutdown(peer->fd, SHUT_RDWR);
		peer_begin(daemon, peer, HTTP_ENDS);
	}
}

/* --- the loop --- */

/* Without a pending timeout it is run as well: at the limit of connections libmicrohttpd listens no
 * more, and begins again only when it is run after one has gone. */
static void
daemon_arm(struct http_daemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	if (daemon->mhd.get_timeout(daemon->daemon, &wait_ms) != MHD_YES || wait_ms > HTTP_TICK_MS)
		wait_ms = HTTP_TICK_MS;
	/* At once is in the next millisecond: a turn of the loop has other work as well. */
	tmf_loop_timer_arm(daemon->loop, &daemon->timer,
	    tmf_loop_mono_ms(daemon->loop) + (wait_ms > 0 ? (int64_t)wait_ms : 1));
}

void
http_daemon_run(struct http_daemon *daemon)
{
	peers_end_slow(daemon);
	(void)daemon->mhd.run(daemon->daemon);
	daemon_arm(daemon);
}

static void
daemon_ready(struct tmf_fd_watch *watch, unsigned events)
{
	(void)events;
	http_daemon_run((struct http_daemon *)watch);
}

static void
daemon_due(struct tmf_timer *timer)
{
	http_daemon_run(
	    (struct http_daemon *)(void *)((char *)timer - offsetof(struct http_daemon, timer)));
}

/* --- starting --- */

static int
daemon_open(struct http_daemon *daemon, const union http_address *address,
    const struct http_daemon_opts *opts, struct tmf_err *err)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	const union MHD_DaemonInfo *info;

	if (address->any.sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	daemon->daemon = daemon->mhd.start_daemon(flags, 0, NULL, NULL, opts->handle, opts->arg,
	    MHD_OPTION_SOCK_ADDR, &address->any, MHD_OPTION_CONNECTION_LIMIT, opts->connections_max,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT,
	    opts->connections_max - opts->connections_max / HTTP_RESERVED_PART,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_CONNECTION_SECONDS,
	    MHD_OPTION_NOTIFY_CONNECTION, peer_notice, daemon, MHD_OPTION_NOTIFY_COMPLETED,
	    peer_answered, daemon, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (daemon->daemon == NULL)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "failed to listen on %s: %s", opts->address,
		    strerror(errno));
	info = daemon->mhd.get_daemon_info(daemon->daemon, MHD_DAEMON_INFO_BIND_PORT);
	daemon->port = info->port;
	info = daemon->mhd.get_daemon_info(daemon->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	daemon->watch = (struct tmf_fd_watch){
	    .ready = daemon_ready, .fd = info->epoll_fd, .wanted = TMF_LOOP_FD_READ};
	return tmf_loop_watch_fd(daemon->loop, &daemon->watch, err);
}

int
http_daemon_start(
    struct http_daemon *daemon, const struct http_daemon_opts *opts, struct tmf_err *err)
{
	union http_address address = {.v4 = {.sin_family = AF_INET}};

	*daemon = (struct http_daemon){.loop = opts->loop, .timer.fire = daemon_due};
	daemon->peers_max = opts->connections_max;
	daemon->peers = mem_zalloc(daemon->peers_max, sizeof(*daemon->peers));
	for (unsigned i = 0; i < daemon->peers_max; i++)
		daemon->peers[i].fd = -1;
	if (address_parse(opts->address, &address, &daemon->host, err) < 0 ||
	    microhttpd_load(&daemon->mhd, err) < 0 ||
	    daemon_open(daemon, &address, opts, err) < 0) {
		http_daemon_stop(daemon);
		return -1;
	}
	daemon->loopback = address_is_loopback(&address);
	daemon_arm(daemon);
	return 0;
}

void
http_daemon_stop(struct http_daemon *daemon)
{
	if (daemon->loop == NULL)
		return;
	tmf_loop_timer_disarm(daemon->loop, &daemon->timer);
	if (daemon->watch.ready != NULL)
		tmf_loop_unwatch_fd(daemon->loop, &daemon->watch);
	if (daemon->daemon != NULL)
		daemon->mhd.stop_daemon(daemon->daemon);
	free(daemon->peers);
	free(daemon->host);
	*daemon = (struct http_daemon){.loop = NULL};
}

/* --- answers --- */

static enum MHD_Result
daemon_queue(struct http_daemon *daemon, struct MHD_Connection *connection, int status,
    struct MHD_Response *response, enum http_peer_doing doing)
{
	struct http_peer *peer = peer_of(&daemon->mhd, connection);
	enum MHD_Result ret;

	if (response == NULL)
		return MHD_NO;
	if (peer != NULL)
		peer_begin(daemon, peer, doing);
	ret = daemon->mhd.queue_response(connection, (unsigned)status, response);
	daemon->mhd.destroy_response(response);
	return ret;
}

enum MHD_Result
http_daemon_queue(struct http_daemon *daemon, struct MHD_Connection *connection, int status,
    struct MHD_Response *response)
{
	return daemon_queue(daemon, connection, status, response, HTTP_READS);
}

enum MHD_Result
http_daemon_queue_stream(
    struct http_daemon *daemon, struct MHD_Connection *connection, struct MHD_Response *response)
{
	return daemon_queue(daemon, connection, MHD_HTTP_OK, response, HTTP_FOLLOWS);
}

/* libmicrohttpd sends it piece by piece, and closes it. */
struct MHD_Response *
http_daemon_response_file(const struct http_daemon *daemon, FILE *file)
{
	struct MHD_Response *response = NULL;
	struct stat stat;
	int fd = fflush(file) == 0 ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 0) : -1;

	fclose(file);
	if (fd >= 0 && fstat(fd, &stat) == 0)
		response = daemon->mhd.create_response_from_fd64((uint64_t)stat.st_size, fd);
	if (response == NULL && fd >= 0)
		close(fd);
	return response;
}

/* Where no file can be had, as on a full disk, it stays in memory. */
struct MHD_Response *
http_daemon_response(const struct http_daemon *daemon, struct buf *body)
{
	size_t len = body->len;
	FILE *file = len > HTTP_BODY_BYTES_MAX ? tmpfile() : NULL;

	if (file != NULL && fwrite(body->p, 1, len, file) == len && fflush(file) == 0) {
		buf_fini(body);
		return http_daemon_response_file(daemon, file);
	}
	if (file != NULL)
		fclose(file);
	return daemon->mhd.create_response_from_buffer(len, buf_take(body), MHD_RESPMEM_MUST_FREE);
}
