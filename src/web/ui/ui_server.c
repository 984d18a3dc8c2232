#include "web/ui/ui_server.h"

#include "base/mem.h"
#include "web/http/http_daemon.h"
#include "web/ui/ui_answer.h"
#include "web/ui/ui_guard.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
	struct tmf_timer timer; /* first */
	struct tmf_loop *loop;
	struct store *store;
	struct http_daemon http;
	struct ui_guard guard;
	struct ui_stream streams[UI_STREAMS_MAX];
	int64_t version; /* of the store, when it was last looked at */
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
queue_text(
    struct ui_server *server, struct MHD_Connection *connection, int status, const char *text)
{
	const struct microhttpd *mhd = &server->http.mhd;
	struct MHD_Response *response =
	    mhd->create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);

	if (response != NULL)
		response_add_headers(mhd, response, "text/plain; charset=utf-8");
	return http_daemon_queue(&server->http, connection, status, response);
}

/* The token leaves the address at once, so that it is not in the history or sent on. */
static enum MHD_Result
queue_entry(struct ui_server *server, struct MHD_Connection *connection)
{
	const struct microhttpd *mhd = &server->http.mhd;
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
	return http_daemon_queue(&server->http, connection, MHD_HTTP_SEE_OTHER, response);
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

static enum MHD_Result
queue_answer(struct ui_server *server, struct MHD_Connection *connection, const char *path)
{
	const struct microhttpd *mhd = &server->http.mhd;
	struct ui_request request = {.mhd = mhd, .connection = connection};
	const struct ui_query query = {.path = path, .param = request_param, .arg = &request};
	struct MHD_Response *response;
	struct ui_answer answer;

	ui_answer(server->store, &query, &answer);
	response = answer.file != NULL ? http_daemon_response_file(&server->http, answer.file)
				       : http_daemon_response(&server->http, &answer.body);
	if (response != NULL)
		response_add_headers(mhd, response, answer.type);
	return http_daemon_queue(&server->http, connection, answer.status, response);
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
		stream->server->http.mhd.suspend_connection(stream->connection);
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
	const struct microhttpd *mhd = &server->http.mhd;
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
		return http_daemon_queue_stream(&server->http, connection, response);
	}
	return queue_text(
	    server, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many pages follow\n");
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
			server->http.mhd.resume_connection(stream->connection);
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
request_refuse(struct ui_server *server, struct MHD_Connection *connection, enum ui_verdict verdict)
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
	return queue_text(server, connection, refusals[verdict].status, refusals[verdict].text);
}

/* libmicrohttpd calls it when the head is there, for each piece of a body, and at the end. */
static enum MHD_Result
server_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *data_len, void **state)
{
	struct ui_server *server = arg;
	const struct microhttpd *mhd = &server->http.mhd;
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
		return request_refuse(server, connection, verdict);
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

static void
server_arm(struct ui_server *server)
{
	tmf_loop_timer_arm(
	    server->loop, &server->timer, tmf_loop_mono_ms(server->loop) + UI_STREAM_MS);
}

/* Once in a while a stream has something to say even so: a dead connection is found by it. */
static void
server_due(struct tmf_timer *timer)
{
	struct ui_server *server = (struct ui_server *)timer;
	int64_t seen = store_data_version(server->store);

	streams_wake(
	    server, seen != server->version, ++server->looks % HTTP_CONNECTION_SECONDS == 0);
	server->version = seen;
	http_daemon_run(&server->http);
	server_arm(server);
}

/* --- starting --- */

struct ui_server *
ui_server_start(
    struct tmf_loop *loop, struct store *store, const char *address, struct tmf_err *err)
{
	struct ui_server *server = mem_zalloc(1, sizeof(*server));
	const struct http_daemon_opts opts = {
	    .loop = loop,
	    .address = address,
	    .connections_max = UI_CONNECTIONS_MAX,
	    .handle = server_handle,
	    .arg = server,
	};

	server->loop = loop;
	server->store = store;
	server->version = store_data_version(store);
	server->timer.fire = server_due;
	if (http_daemon_start(&server->http, &opts, err) < 0) {
		ui_server_stop(server);
		return NULL;
	}
	ui_guard_init(&server->guard, server->http.host, server->http.port, server->http.loopback);
	server->url = mem_printf("http://%s/?token=%s", server->guard.host, server->guard.token);
	server_arm(server);
	return server;
}

void
ui_server_stop(struct ui_server *server)
{
	if (server == NULL)
		return;
	tmf_loop_timer_disarm(server->loop, &server->timer);
	streams_wake(server, true, false); /* a suspended connection cannot be ended */
	http_daemon_stop(&server->http);
	free(server->url);
	free(server);
}

const char *
ui_server_url(const struct ui_server *server)
{
	return server->url;
}
