#include "http.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX	100u
#define CONNECTIONS_MAX 4000u
#define POLL_MS_MAX	60000
#define SIGNAL_PATH	"/_sim/signal"

/* One request on its way: MHD calls answer() several times for it. */
struct exchange {
	struct sim_http *http;
	char *path;
	struct buf body;
	bool too_large;
	bool handled;
	struct sim_reply reply;
	struct MHD_Connection *connection;
	int64_t due_mono_ms;   /* of a delayed reply */
	struct exchange *next; /* in the list of delayed ones */
};

struct sim_http {
	struct sim_cloud *cloud;
	struct MHD_Daemon *daemon;
	struct exchange *delayed;
	struct sim_signal signals[SIM_SIGNALS_MAX];
	size_t signals_count;
	bool verbose;
};

/* ---- signals ---- */

int
sim_http_add_signal(struct sim_http *http, const struct sim_signal *plan, struct tmf_err *err)
{
	if (plan->pid < 2 || plan->pid == getpid() || plan->number < 1 || plan->number > 64)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "a signal needs the pid of another process and a number of 1 to 64");
	if (http->signals_count == SIM_SIGNALS_MAX)
		return tmf_err_set(err, TMF_ERR_INVALID, "more than %u signals", SIM_SIGNALS_MAX);
	http->signals[http->signals_count++] = *plan;
	return 0;
}

/* Sends what is due for the request with this number. Returns true where the request is to be
 * dropped. */
static bool
send_signals(struct sim_http *http, uint64_t request, bool after)
{
	bool drop = false;
	size_t kept = 0;

	for (size_t i = 0; i < http->signals_count; i++) {
		struct sim_signal plan = http->signals[i];

		if (plan.after != after || request < plan.at) {
			http->signals[kept++] = plan;
			continue;
		}
		if (kill(plan.pid, plan.number) < 0)
			fprintf(stderr, "ec2sim: signal %d to %ld: %s\n", plan.number,
			    (long)plan.pid, strerror(errno));
		drop = drop || (!after && plan.number == SIGKILL);
	}
	http->signals_count = kept;
	return drop;
}

/* POST /_sim/signal {"at", "pid", "signal", "when": "before"|"after"} */
static int
read_signal(struct str body, struct sim_signal *ret, struct tmf_err *err)
{
	json_t *object = jsonx_parse(body, err);
	const char *when = jsonx_get_string(object, "when");

	if (object == NULL)
		return -1;
	*ret = (struct sim_signal){
	    .at = (uint64_t)json_integer_value(json_object_get(object, "at")),
	    .pid = (pid_t)json_integer_value(json_object_get(object, "pid")),
	    .number = (int)json_integer_value(json_object_get(object, "signal")),
	    .after = when != NULL && strcmp(when, "after") == 0,
	};
	json_decref(object);
	return 0;
}

static void
control_signal(struct exchange *e)
{
	struct sim_signal plan;
	struct tmf_err err = {0};

	e->reply = (struct sim_reply){
	    .status = 200, .content_type = "application/json", .operation = "control", .code = ""};
	if (read_signal(buf_str(&e->body), &plan, &err) < 0 ||
	    sim_http_add_signal(e->http, &plan, &err) < 0) {
		e->reply.status = 400;
		buf_add_cstr(&e->reply.body, "{\"error\":\"the body must be {\\\"at\\\", "
					     "\\\"pid\\\", \\\"signal\\\", \\\"when\\\"}\"}\n");
	} else {
		buf_add_cstr(&e->reply.body, "{\"ok\":true}\n");
	}
	tmf_err_fini(&err);
}

/* ---- one exchange ---- */

struct header_list {
	struct sim_header at[HEADERS_MAX];
	size_t count;
};

static enum MHD_Result
add_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct header_list *list = arg;

	(void)kind;
	if (list->count == HEADERS_MAX)
		return MHD_NO;
	list->at[list->count++] =
	    (struct sim_header){.name = name, .value = value != NULL ? value : ""};
	return MHD_YES;
}

static void
say(const struct exchange *e, const char *method)
{
	static const char *const wires[] = {[SIM_WIRE_WHOLE] = "",
	    [SIM_WIRE_CLOSE] = " closed",
	    [SIM_WIRE_TRUNCATE] = " truncated"};

	if (e->http->verbose)
		fprintf(stderr, "%llu %s %s %d %s %zu bytes%s\n",
		    (unsigned long long)cloud_requests(e->http->cloud), method, e->reply.operation,
		    e->reply.status, e->reply.code[0] != '\0' ? e->reply.code : "-",
		    e->reply.body.len, wires[e->reply.wire]);
}

static void
handle(struct exchange *e, struct MHD_Connection *connection, const char *method)
{
	struct header_list headers = {.count = 0};
	struct tmf_clock *clock = clock_system();
	struct sim_request request = {.method = method, .path = e->path, .headers = headers.at};
	bool control = strncmp(e->path, "/_sim/", 6) == 0;

	e->handled = true;
	if (strcmp(e->path, SIGNAL_PATH) == 0 && strcmp(method, "POST") == 0) {
		control_signal(e);
		return;
	}
	if (!control && send_signals(e->http, cloud_requests(e->http->cloud) + 1, false)) {
		e->reply =
		    (struct sim_reply){.operation = "-", .code = "dropped", .wire = SIM_WIRE_CLOSE};
		return;
	}
	MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, &headers);
	request.headers_count = headers.count;
	request.body = buf_str(&e->body);
	request.now_wall_ms = clock->wall_ms(clock);
	e->reply = cloud_handle(e->http->cloud, &request);
	say(e, method);
	if (!control)
		send_signals(e->http, cloud_requests(e->http->cloud), true);
}

/* Feeds half of the body, then breaks off. */
static ssize_t
read_half(void *arg, uint64_t at, char *out, size_t max)
{
	struct buf *body = arg;
	size_t half = body->len / 2, bytes;

	if (at >= half)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	bytes = half - (size_t)at < max ? half - (size_t)at : max;
	memcpy(out, body->p + at, bytes);
	return (ssize_t)bytes;
}

static void
free_half(void *arg)
{
	struct buf *body = arg;

	buf_fini(body);
	free(body);
}

static struct MHD_Response *
make_response(struct sim_reply *reply)
{
	struct buf *half;
	size_t len = reply->body.len;

	if (reply->wire == SIM_WIRE_TRUNCATE) {
		half = mem_alloc(sizeof(*half));
		*half = reply->body;
		reply->body = (struct buf){0};
		return MHD_create_response_from_callback(len, 64 << 10, read_half, half, free_half);
	}
	return MHD_create_response_from_buffer(len, buf_take(&reply->body), MHD_RESPMEM_MUST_FREE);
}

/* A reset rather than an orderly end: what is unsent is thrown away. */
static void
reset_connection(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	if (info != NULL)
		setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static enum MHD_Result
send_reply(struct exchange *e, struct MHD_Connection *connection)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	if (e->reply.wire == SIM_WIRE_CLOSE) {
		reset_connection(connection);
		return MHD_NO;
	}
	response = make_response(&e->reply);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, e->reply.content_type);
	if (e->reply.request_id[0] != '\0')
		MHD_add_response_header(response, "x-amzn-requestid", e->reply.request_id);
	result = MHD_queue_response(connection, (unsigned)e->reply.status, response);
	MHD_destroy_response(response);
	return result;
}

static int64_t
now_ms(void)
{
	struct tmf_clock *clock = clock_system();

	return clock->mono_ms(clock);
}

static enum MHD_Result
answer(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_bytes, void **exchange)
{
	struct sim_http *http = arg;
	struct exchange *e = *exchange;

	(void)url;
	(void)version;
	if (e->connection == NULL) { /* the headers are there, the body comes */
		e->connection = connection;
		return MHD_YES;
	}
	if (*upload_bytes > 0) {
		e->too_large = e->too_large || e->body.len + *upload_bytes > SIM_BODY_BYTES_MAX;
		if (!e->too_large)
			buf_add(&e->body, upload, *upload_bytes);
		*upload_bytes = 0;
		return MHD_YES;
	}
	if (e->too_large)
		return MHD_NO;
	if (!e->handled) {
		handle(e, connection, method);
		if (e->reply.delay_ms > 0) {
			e->due_mono_ms = now_ms() + e->reply.delay_ms;
			e->next = http->delayed;
			http->delayed = e;
			MHD_suspend_connection(connection);
			return MHD_YES;
		}
	}
	return send_reply(e, connection);
}

/* The first thing that MHD reports: the raw path with its query. */
static void *
begin(void *arg, const char *path, struct MHD_Connection *connection)
{
	struct exchange *e = mem_zalloc(1, sizeof(*e));

	(void)connection;
	e->http = arg;
	e->path = mem_strdup(path);
	return e;
}

static void
end(void *arg, struct MHD_Connection *connection, void **exchange,
    enum MHD_RequestTerminationCode code)
{
	struct exchange *e = *exchange;

	(void)arg;
	(void)connection;
	(void)code;
	if (e == NULL)
		return;
	sim_reply_fini(&e->reply);
	buf_fini(&e->body);
	free(e->path);
	free(e);
	*exchange = NULL;
}

/* ---- the loop ---- */

struct sim_http *
sim_http_new(struct sim_cloud *cloud, const struct sim_http_opts *opts, struct tmf_err *err)
{
	struct sim_http *http = mem_zalloc(1, sizeof(*http));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(opts->port)};

	http->cloud = cloud;
	http->verbose = opts->verbose;
	if (inet_pton(AF_INET, opts->listen, &address.sin_addr) != 1) {
		free(http);
		tmf_err_set(err, TMF_ERR_INVALID, "\"%s\" is not an IPv4 address", opts->listen);
		return NULL;
	}
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
	    answer, http, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK, begin, http,
	    MHD_OPTION_NOTIFY_COMPLETED, end, NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(64 << 10),
	    MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (http->daemon == NULL) {
		tmf_err_set(err, TMF_ERR_SYSTEM, "cannot listen on %s:%u: %s", opts->listen,
		    opts->port, strerror(errno));
		free(http);
		return NULL;
	}
	return http;
}

/* Lets the delayed replies that are due go out, with the MHD_run that must follow: nothing else
 * would wake it. */
static void
resume_due(struct sim_http *http)
{
	struct exchange **link = &http->delayed;
	int64_t now = now_ms();

	while (*link != NULL) {
		struct exchange *e = *link;

		if (e->due_mono_ms > now) {
			link = &e->next;
			continue;
		}
		*link = e->next;
		MHD_resume_connection(e->connection);
	}
}

/* How long nothing will be due; at most POLL_MS_MAX. */
static int64_t
ms_until_due(const struct sim_http *http)
{
	int64_t due_ms = now_ms() + POLL_MS_MAX;
	int64_t left_ms;

	for (const struct exchange *e = http->delayed; e != NULL; e = e->next)
		if (e->due_mono_ms < due_ms)
			due_ms = e->due_mono_ms;
	left_ms = due_ms - now_ms();
	return left_ms > 0 ? left_ms : 0;
}

void
sim_http_free(struct sim_http *http)
{
	if (http == NULL)
		return;
	for (struct exchange *e = http->delayed; e != NULL; e = e->next)
		MHD_resume_connection(e->connection);
	http->delayed = NULL;
	MHD_stop_daemon(http->daemon);
	free(http);
}

uint16_t
sim_http_port(const struct sim_http *http)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info != NULL ? info->port : 0;
}

int
sim_http_run(struct sim_http *http, int stop_fd, struct tmf_err *err)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd polled[] = {
	    {.fd = info->epoll_fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
	MHD_UNSIGNED_LONG_LONG daemon_ms;

	for (;;) {
		int64_t wait_ms = ms_until_due(http);

		if (MHD_get_timeout(http->daemon, &daemon_ms) == MHD_YES &&
		    (int64_t)daemon_ms < wait_ms)
			wait_ms = (int64_t)daemon_ms;
		if (poll(polled, 2, (int)wait_ms) < 0 && errno != EINTR)
			return tmf_err_set(err, TMF_ERR_SYSTEM, "poll: %s", strerror(errno));
		if (polled[1].revents != 0)
			return 0;
		resume_due(http);
		if (MHD_run(http->daemon) != MHD_YES)
			return tmf_err_set(err, TMF_ERR_SYSTEM, "libmicrohttpd gave up");
	}
}
