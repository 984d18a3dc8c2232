#include "web/ui/ui_server.h"

#include "base/mem.h"
#include "web/ui/microhttpd.h"
#include "web/ui/ui_answer.h"
#include "web/ui/ui_guard.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UI_EVENTS_PATH "/api/events"
#define UI_POLICY                                                                                  \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"             \
	" base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* A page that follows: an event goes out whenever the store has changed. */
struct ui_stream {
	struct ui_server *server;
	struct MHD_Connection *connection; /* NULL: free */
	bool suspended;
	bool due;  /* an event waits for room */
	bool beat; /* a comment, so that a dead connection is found */
};

struct ui_server {
	struct tmf_fd_watch watch; /* first */
	struct tmf_timer timer;
	struct tmf_loop *loop;
	struct store *store;
	struct microhttpd mhd;
	struct MHD_Daemon *daemon;
	struct ui_guard guard;
	struct ui_stream streams[UI_STREAMS_MAX];
	int64_t version; /* of the store, when it was last looked at */
	int64_t look_ms;
	unsigned looks;
	char *url;
};

/* --- answers --- */

static void
response_add_headers(const struct microhttpd *mhd, struct MHD_Response *response, const char *type)
{
	static const char *const headers[][2] = {
	    {"Content-Security-Policy", UI_POLICY},
	    {"X-Content-Type-Options", "nosniff"},
	    {"Referrer-Policy", "no-referrer"},
	    {"Cross-Origin-Resource-Policy", "same-origin"},
	    {"Cross-Origin-Opener-Policy", "same-origin"},
	    {"X-Frame-Options", "DENY"},
	    {"Cache-Control", "no-store"},
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		mhd->add_response_header(response, headers[i][0], headers[i][1]);
	mhd->add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
}

static enum MHD_Result
queue_response(const struct microhttpd *mhd, struct MHD_Connection *connection, int status,
    struct MHD_Response *response)
{
	enum MHD_Result ret;

	if (response == NULL)
		return MHD_NO;
	ret = mhd->queue_response(connection, (unsigned)status, response);
	mhd->destroy_response(response);
	return ret;
}

static enum MHD_Result
queue_text(
    const struct microhttpd *mhd, struct MHD_Connection *connection, int status, const char *text)
{
	struct MHD_Response *response =
	    mhd->create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);

	if (response != NULL)
		response_add_headers(mhd, response, "text/plain; charset=utf-8");
	return queue_response(mhd, connection, status, response);
}

/* The token leaves the address at once, so that it is not in the history or sent on. */
static enum MHD_Result
queue_entry(const struct ui_server *server, struct MHD_Connection *connection)
{
	const struct microhttpd *mhd = &server->mhd;
	struct MHD_Response *response =
	    mhd->create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	char *cookie =
	    mem_printf("%s=%s; HttpOnly; SameSite=Strict; Path=/", UI_COOKIE, server->guard.token);

	if (response != NULL) {
		response_add_headers(mhd, response, "text/plain");
		mhd->add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
		mhd->add_response_header(response, MHD_HTTP_HEADER_LOCATION, "/");
	}
	free(cookie);
	return queue_response(mhd, connection, MHD_HTTP_SEE_OTHER, response);
}

/* What the callback of a struct ui_query needs. */
struct ui_request {
	const struct microhttpd *mhd;
	struct MHD_Connection *connection;
};

static const char *
request_param(void *arg, const char *name)
{
	const struct ui_request *request = arg;

	return request->mhd->lookup_connection_value(
	    request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Of a file, which libmicrohttpd sends piece by piece and closes. Takes file. */
static struct MHD_Response *
response_of_file(const struct microhttpd *mhd, FILE *file)
{
	struct MHD_Response *response = NULL;
	struct stat stat;
	int fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);

	fclose(file);
	if (fd >= 0 && fstat(fd, &stat) == 0)
		response = mhd->create_response_from_fd64((uint64_t)stat.st_size, fd);
	if (response == NULL && fd >= 0)
		close(fd);
	return response;
}

static enum MHD_Result
queue_answer(struct ui_server *server, struct MHD_Connection *connection, const char *path)
{
	const struct microhttpd *mhd = &server->mhd;
	struct ui_request request = {.mhd = mhd, .connection = connection};
	const struct ui_query query = {.path = path, .param = request_param, .arg = &request};
	struct MHD_Response *response;
	struct ui_answer answer;
	size_t len;

	ui_answer(server->store, &query, &answer);
	len = answer.body.len;
	response = answer.file != NULL ? response_of_file(mhd, answer.file)
				       : mhd->create_response_from_buffer(
					     len, buf_take(&answer.body), MHD_RESPMEM_MUST_FREE);
	if (response != NULL)
		response_add_headers(mhd, response, answer.type);
	return queue_response(mhd, connection, answer.status, response);
}

/* --- streams --- */

/* Called when there is room for more. 0: suspended, it waits for the next event. */
static ssize_t
stream_read(void *arg, uint64_t pos, char *out, size_t max)
{
	struct ui_stream *stream = arg;
	struct str text =
	    stream->due ? STR("event: change\ndata: {}\n\n") : STR(": still here\n\n");

	(void)pos;
	if ((!stream->due && !stream->beat) || text.len > max) {
		stream->suspended = true;
		stream->server->mhd.suspend_connection(stream->connection);
		return 0;
	}
	stream->due = stream->beat = false;
	memcpy(out, text.p, text.len);
	return (ssize_t)text.len;
}

static void
stream_free(void *arg)
{
	struct ui_stream *stream = arg;

	*stream = (struct ui_stream){.server = stream->server};
}

static enum MHD_Result
queue_stream(struct ui_server *server, struct MHD_Connection *connection)
{
	const struct microhttpd *mhd = &server->mhd;
	struct MHD_Response *response;

	for (size_t i = 0; i < UI_STREAMS_MAX; i++) {
		struct ui_stream *stream = &server->streams[i];

		if (stream->connection != NULL)
			continue;
		*stream =
		    (struct ui_stream){.server = server, .connection = connection, .beat = true};
		response = mhd->create_response_from_callback(
		    MHD_SIZE_UNKNOWN, 1024, stream_read, stream, stream_free);
		if (response == NULL) {
			stream_free(stream);
			return MHD_NO;
		}
		response_add_headers(mhd, response, "text/event-stream");
		return queue_response(mhd, connection, MHD_HTTP_OK, response);
	}
	return queue_text(mhd, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many pages follow\n");
}

static void
streams_wake(struct ui_server *server, bool changed, bool beat)
{
	for (size_t i = 0; i < UI_STREAMS_MAX; i++) {
		struct ui_stream *stream = &server->streams[i];

		if (stream->connection == NULL)
			continue;
		stream->due |= changed;
		stream->beat |= beat;
		if (stream->suspended && (stream->due || stream->beat)) {
			stream->suspended = false;
			server->mhd.resume_connection(stream->connection);
		}
	}
}

/* --- requests --- */

static const char *
request_header(const struct microhttpd *mhd, struct MHD_Connection *connection, const char *name)
{
	return mhd->lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Refused at once: its body is not waited for, and the connection ends with it. */
static enum MHD_Result
request_refuse(
    const struct microhttpd *mhd, struct MHD_Connection *connection, enum ui_verdict verdict)
{
	static const struct {
		int status;
		const char *text;
	} refusals[] = {
	    [UI_NO_TOKEN] = {MHD_HTTP_FORBIDDEN,
		"this page opens by the address that `tmflow ui` printed\n"},
	    [UI_WRONG_HOST] = {MHD_HTTP_MISDIRECTED_REQUEST, "another host was asked for\n"},
	    [UI_WRONG_ORIGIN] = {MHD_HTTP_FORBIDDEN, "another site has asked\n"},
	    [UI_WRONG_METHOD] = {MHD_HTTP_METHOD_NOT_ALLOWED, "only GET: nothing changes here\n"},
	};

	assert(refusals[verdict].text != NULL);
	return queue_text(mhd, connection, refusals[verdict].status, refusals[verdict].text);
}

/* libmicrohttpd calls it when the head is there, for each piece of a body, and at the end. */
static enum MHD_Result
server_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *data_len, void **state)
{
	struct ui_server *server = arg;
	const struct microhttpd *mhd = &server->mhd;
	struct ui_request request = {.mhd = mhd, .connection = connection};
	const struct ui_credentials credentials = {
	    .method = method,
	    .host = request_header(mhd, connection, MHD_HTTP_HEADER_HOST),
	    .origin = request_header(mhd, connection, "Origin"),
	    .fetch_site = request_header(mhd, connection, "Sec-Fetch-Site"),
	    .cookie = request_header(mhd, connection, MHD_HTTP_HEADER_COOKIE),
	    .token = request_param(&request, "token"),
	};
	enum ui_verdict verdict = ui_guard_check(&server->guard, &credentials);

	(void)version;
	(void)data;
	if (verdict != UI_ALLOWED && verdict != UI_ENTERED)
		return request_refuse(mhd, connection, verdict);
	if (*state == NULL || *data_len > 0) {
		*state = server;
		*data_len = 0; /* a body says nothing here */
		return MHD_YES;
	}
	if (verdict == UI_ENTERED)
		return queue_entry(server, connection);
	if (strcmp(url, UI_EVENTS_PATH) == 0)
		return queue_stream(server, connection);
	return queue_answer(server, connection, url);
}

/* --- the loop --- */

static void server_arm(struct ui_server *server);

static void
server_run(struct ui_server *server)
{
	(void)server->mhd.run(server->daemon);
	server_arm(server);
}

static void
server_ready(struct tmf_fd_watch *watch, unsigned events)
{
	(void)events;
	server_run((struct ui_server *)watch);
}

static void
server_due(struct tmf_timer *timer)
{
	struct ui_server *server =
	    (struct ui_server *)(void *)((char *)timer - offsetof(struct ui_server, timer));
	int64_t now = tmf_loop_mono_ms(server->loop);

	if (now >= server->look_ms) {
		int64_t seen = store_data_version(server->store);

		streams_wake(
		    server, seen != server->version, ++server->looks % UI_CONNECTION_SECONDS == 0);
		server->version = seen;
		server->look_ms = now + UI_STREAM_MS;
	}
	server_run(server);
}

/* Whichever is earlier: what libmicrohttpd waits for, or the next look at the store. */
static void
server_arm(struct ui_server *server)
{
	int64_t now = tmf_loop_mono_ms(server->loop);
	int64_t due = server->look_ms;
	MHD_UNSIGNED_LONG_LONG wait_ms;

	if (server->mhd.get_timeout(server->daemon, &wait_ms) == MHD_YES &&
	    now + (int64_t)wait_ms < due)
		due = now + (int64_t)wait_ms;
	tmf_loop_timer_arm(server->loop, &server->timer, due > now ? due : now + 1);
}

/* --- starting --- */

union ui_address {
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
address_parse(const char *text, union ui_address *ret_address, char **ret_host, struct tmf_err *err)
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
	*ret_address = (union ui_address){.v4 = {.sin_family = AF_INET}};
	if (!brackets && inet_pton(AF_INET, host, &ret_address->v4.sin_addr) == 1) {
		ret_address->v4.sin_port = htons((uint16_t)port);
	} else {
		*ret_address = (union ui_address){.v6 = {.sin6_family = AF_INET6}};
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
address_is_loopback(const union ui_address *address)
{
	if (address->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
	return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static int
server_open(struct ui_server *server, const union ui_address *address, const char *text,
    struct tmf_err *err)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	const union MHD_DaemonInfo *info;

	if (microhttpd_load(&server->mhd, err) < 0)
		return -1;
	if (address->any.sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	server->daemon = server->mhd.start_daemon(flags, 0, NULL, NULL, server_handle, server,
	    MHD_OPTION_SOCK_ADDR, &address->any, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)UI_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)UI_CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)UI_CONNECTION_SECONDS, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
	    MHD_OPTION_END);
	if (server->daemon == NULL)
		return tmf_err_set(
		    err, TMF_ERR_SYSTEM, "failed to listen on %s: %s", text, strerror(errno));
	info = server->mhd.get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	server->watch = (struct tmf_fd_watch){
	    .ready = server_ready, .fd = info->epoll_fd, .wanted = TMF_LOOP_FD_READ};
	return tmf_loop_watch_fd(server->loop, &server->watch, err);
}

struct ui_server *
ui_server_start(
    struct tmf_loop *loop, struct store *store, const char *address, struct tmf_err *err)
{
	struct ui_server *server = mem_zalloc(1, sizeof(*server));
	const union MHD_DaemonInfo *info;
	union ui_address parsed = {.v4 = {.sin_family = AF_INET}};
	char *host = NULL;

	server->loop = loop;
	server->store = store;
	server->version = store_data_version(store);
	server->timer.fire = server_due;
	if (address_parse(address, &parsed, &host, err) < 0 ||
	    server_open(server, &parsed, address, err) < 0) {
		free(host);
		ui_server_stop(server);
		return NULL;
	}
	info = server->mhd.get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
	ui_guard_init(&server->guard, host, info->port, address_is_loopback(&parsed));
	server->url = mem_printf("http://%s/?token=%s", server->guard.host, server->guard.token);
	free(host);
	server_arm(server);
	return server;
}

void
ui_server_stop(struct ui_server *server)
{
	if (server == NULL)
		return;
	tmf_loop_timer_disarm(server->loop, &server->timer);
	if (server->daemon != NULL) {
		tmf_loop_unwatch_fd(server->loop, &server->watch);
		streams_wake(server, true, false);
		server->mhd.stop_daemon(server->daemon);
	}
	free(server->url);
	free(server);
}

const char *
ui_server_url(const struct ui_server *server)
{
	return server->url;
}
