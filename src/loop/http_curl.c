#include "loop/http.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX_DEFAULT	   64L
#define CONNECT_TIMEOUT_MS_DEFAULT 5000
#define TOTAL_TIMEOUT_MS_DEFAULT   60000
#define IDLE_HANDLES_MAX	   64	/* easy handles kept for reuse */
#define EXPECT_BODY_BYTES	   1024 /* longer ones some libcurl announces, and then waits */

struct http_curl {
	struct http_transport transport; /* first: the interface leads back here */
	struct tmf_loop *loop;
	CURLM *multi;
	struct tmf_task work;	 /* posted: libcurl wants to go on at once */
	struct tmf_timer alarm;	 /* armed: when it wants to go on */
	struct tmf_err watching; /* why a socket cannot be waited for: libcurl has given up then */
	char *ca_bundle;
	char *user_agent; /* the whole line: libcurl prints CURLOPT_USERAGENT twice a request */
	CURL *idle[IDLE_HANDLES_MAX];
	size_t idle_count;
	struct http_exchange *first;	   /* under way */
	struct socket_watch **connections; /* by descriptor; NULL: none */
	size_t connections_end;
};

/* A socket of libcurl's that it wants to hear of. That of a connection rests between two exchanges; another one, of a look-up of a name, goes when libcurl
 * wants nothing of it. */
struct socket_watch {
	struct tmf_fd_watch watch; /* first */
	struct http_curl *curl;
};

struct http_exchange {
	struct http_curl *curl;
	struct http_exchange *next;
	struct http_exchange *prev;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	struct http_handler handler;
	struct buf reply_headers; /* "Name: value\0" after another */
	size_t reply_bytes;
	size_t reply_bytes_max;
	struct tmf_err err; /* why we ended it ourselves */
};

static long
reply_status(const struct http_exchange *exchange)
{
	long status = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t
take_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *exchange = arg;
	size_t bytes = size * count;

	exchange->reply_bytes += bytes;
	if (exchange->reply_bytes > exchange->reply_bytes_max) {
		tmf_err_set(&exchange->err, TMF_ERR_LIMIT,
		    "the reply is over the limit of %zu bytes", exchange->reply_bytes_max);
		return 0;
	}
	if (exchange->handler.body(exchange->handler.arg, (int)reply_status(exchange),
		(struct str){data, bytes}, &exchange->err) != 0)
		return 0;
	return bytes;
}

static size_t
take_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *exchange = arg;
	size_t bytes = size * count;
	struct str line = str_trim((struct str){data, bytes});

	if (str_starts(line, "HTTP/"))
		buf_reset(&exchange->reply_headers); /* a new head: forget that of a 100 Continue */
	if (exchange->reply_headers.len + line.len > HTTP_REPLY_HEADER_BYTES_MAX) {
		tmf_err_set(&exchange->err, TMF_ERR_LIMIT,
		    "the reply's headers are over the limit of %u bytes",
		    HTTP_REPLY_HEADER_BYTES_MAX);
		return 0;
	}
	buf_add_str(&exchange->reply_headers, line);
	buf_add_char(&exchange->reply_headers, '\0');
	return bytes;
}

static const char *
reply_header(const struct http_exchange *exchange, const char *name)
{
	const char *p = buf_cstr(&exchange->reply_headers);
	const char *end = p + exchange->reply_headers.len;
	size_t len = strlen(name);

	for (; p < end; p += strlen(p) + 1)
		if (strncasecmp(p, name, len) == 0 && p[len] == ':')
			return p + len + 1 + strspn(p + len + 1, " \t");
	return NULL;
}

/* --- connections --- */

static void socket_ready(struct tmf_fd_watch *watch, unsigned events);

static struct socket_watch *
connection_of(const struct http_curl *curl, curl_socket_t fd)
{
	return fd >= 0 && (size_t)fd < curl->connections_end ? curl->connections[fd] : NULL;
}

static void
forget_connection(struct http_curl *curl, curl_socket_t fd)
{
	tmf_loop_unwatch_fd(curl->loop, &curl->connections[fd]->watch);
	free(curl->connections[fd]);
	curl->connections[fd] = NULL;
}

/* One that was closed behind our back: the kernel has forgotten it by itself. */
static void
forget_closed(struct http_curl *curl, curl_socket_t fd)
{
	if (connection_of(curl, fd) == NULL)
		return;
	curl->connections[fd]->watch.registered = 0;
	forget_connection(curl, fd);
}

static void
note_connection(struct http_curl *curl, curl_socket_t fd)
{
	struct socket_watch *watched = mem_zalloc(1, sizeof(*watched));

	forget_closed(curl, fd);
	while (curl->connections_end <= (size_t)fd) {
		curl->connections = mem_resize(
		    curl->connections, curl->connections_end + 1, sizeof(struct socket_watch *));
		curl->connections[curl->connections_end++] = NULL;
	}
	*watched = (struct socket_watch){{.ready = socket_ready, .fd = fd}, curl};
	curl->connections[fd] = watched;
}

/* libcurl does not say why a socket could not be had. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_exchange *exchange = arg;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && !tmf_err_isset(&exchange->err))
		tmf_err_set(
		    &exchange->err, TMF_ERR_TRANSPORT, "cannot open a socket: %s", strerror(errno));
	if (fd < 0)
		return CURL_SOCKET_BAD;
	note_connection(exchange->curl, fd);
	return fd;
}

static int
close_socket(void *arg, curl_socket_t fd)
{
	struct http_curl *curl = arg;

	if (connection_of(curl, fd) != NULL)
		forget_connection(curl, fd);
	return close(fd);
}

/* With what all requests have in common; set_request sets all that differs, each time. */
static CURL *
new_handle(struct http_curl *curl)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		abort(); /* libcurl has no other reason than memory */
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (curl->ca_bundle != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, curl->ca_bundle);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	/* Not the exchange: a connection outlives the one that opened it. */
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, curl);
	return easy;
}

static CURL *
take_handle(struct http_curl *curl)
{
	return curl->idle_count > 0 ? curl->idle[--curl->idle_count] : new_handle(curl);
}

static void
keep_handle(struct http_curl *curl, CURL *easy)
{
	if (curl->idle_count == IDLE_HANDLES_MAX)
		curl_easy_cleanup(easy);
	else
		curl->idle[curl->idle_count++] = easy;
}

static void
free_exchange(struct http_exchange *exchange)
{
	struct http_curl *curl = exchange->curl;

	curl_multi_remove_handle(curl->multi, exchange->easy);
	keep_handle(curl, exchange->easy);
	if (exchange->prev != NULL)
		exchange->prev->next = exchange->next;
	else
		curl->first = exchange->next;
	if (exchange->next != NULL)
		exchange->next->prev = exchange->prev;
	curl_slist_free_all(exchange->headers);
	free(exchange->body);
	buf_fini(&exchange->reply_headers);
	tmf_err_fini(&exchange->err);
	free(exchange);
}

static void
add_header(struct http_exchange *exchange, const char *line)
{
	struct curl_slist *list = curl_slist_append(exchange->headers, line);

	if (list == NULL)
		abort();
	exchange->headers = list;
}

static void
set_headers(struct http_exchange *exchange, const struct http_request *request)
{
	bool has_content_type = false;
	struct buf line = {0};

	assert(request->headers_count <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < request->headers_count; i++) {
		const struct http_header *header = &request->headers[i];

		has_content_type |= strcasecmp(header->name, "Content-Type") == 0;
		buf_reset(&line);
		buf_add_cstr(&line, header->name);
		buf_add_str(&line, STR(": "));
		buf_add_cstr(&line, header->value);
		add_header(exchange, buf_cstr(&line));
	}
	buf_fini(&line);
	if (request->body.len > EXPECT_BODY_BYTES)
		add_header(exchange, "Expect:");
	if (exchange->curl->user_agent != NULL)
		add_header(exchange, exchange->curl->user_agent);
	if (!has_content_type)
		add_header(exchange, "Content-Type:");
	curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
}

static long
milliseconds(int64_t given_ms, long fallback_ms)
{
	if (given_ms < 0)
		return 0;
	return given_ms > 0 ? (long)given_ms : fallback_ms;
}

/* A request with a body is a POST to libcurl, whatever its method is called. */
static void
set_body(struct http_exchange *exchange, const struct http_request *request)
{
	CURL *easy = exchange->easy;

	if (request->body.len == 0 && strcmp(request->method, "POST") != 0) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	exchange->body = mem_strndup(request->body.p, request->body.len);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body);
}

static void
set_request(struct http_exchange *exchange, const struct http_request *request)
{
	CURL *easy = exchange->easy;
	bool is_usual = strcmp(request->method, "GET") == 0 || strcmp(request->method, "POST") == 0;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	set_body(exchange, request);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, is_usual ? NULL : request->method);
	set_headers(exchange, request);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    milliseconds(request->connect_timeout_ms, CONNECT_TIMEOUT_MS_DEFAULT));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
	    milliseconds(request->total_timeout_ms, TOTAL_TIMEOUT_MS_DEFAULT));
	curl_easy_setopt(easy, CURLOPT_NOPROXY, request->no_proxy ? "*" : NULL);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
}

static struct http_exchange *
start(struct http_transport *transport, const struct http_request *request,
    const struct http_handler *handler)
{
	struct http_curl *curl = (struct http_curl *)transport;
	struct http_exchange *exchange = mem_zalloc(1, sizeof(*exchange));

	exchange->curl = curl;
	exchange->handler = *handler;
	exchange->reply_bytes_max =
	    request->reply_bytes_max > 0 ? request->reply_bytes_max : HTTP_REPLY_BYTES_MAX_DEFAULT;
	exchange->easy = take_handle(curl);
	set_request(exchange, request);
	exchange->next = curl->first;
	if (curl->first != NULL)
		curl->first->prev = exchange;
	curl->first = exchange;
	if (curl_multi_add_handle(curl->multi, exchange->easy) != CURLM_OK)
		abort(); /* a handle added twice, or no memory */
	return exchange;
}

static void
cancel(struct http_transport *transport, struct http_exchange *exchange)
{
	(void)transport;
	free_exchange(exchange);
}

static void
describe_failure(struct http_exchange *exchange, CURLcode code, struct tmf_err *err)
{
	const char *url = NULL;

	if (tmf_err_isset(&exchange->err)) {
		tmf_err_move(err, &exchange->err);
		return;
	}
	if (tmf_err_isset(&exchange->curl->watching)) {
		tmf_err_set(err, TMF_ERR_TRANSPORT, "cannot wait for a socket: %s",
		    tmf_err_text(&exchange->curl->watching));
		return;
	}
	curl_easy_getinfo(exchange->easy, CURLINFO_EFFECTIVE_URL, &url);
	tmf_err_set(err, TMF_ERR_TRANSPORT, "no complete reply from %s: %s",
	    url != NULL ? url : "the server", curl_easy_strerror(code));
}

/* Tells the handler of an exchange that libcurl has finished. */
static void
finish(struct http_exchange *exchange, CURLcode code)
{
	struct tmf_err err = {0};
	int status = 0;

	if (code == CURLE_OK)
		status = (int)reply_status(exchange);
	else
		describe_failure(exchange, code, &err);
	exchange->handler.done(exchange->handler.arg, exchange, status, &err);
	tmf_err_fini(&err);
	free_exchange(exchange);
}

/* --- libcurl on the loop --- */

static void
finish_all(struct http_curl *curl)
{
	const CURLMsg *message;
	int queued;

	while ((message = curl_multi_info_read(curl->multi, &queued)) != NULL) {
		struct http_exchange *exchange;
		CURLcode result = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
		finish(exchange, result);
	}
}

/* Lets libcurl do what is due. fd: the socket that is ready, or CURL_SOCKET_TIMEOUT. Its failures come as those of the exchanges. */
static void
go_on(struct http_curl *curl, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(curl->multi, fd, events, &running);
	finish_all(curl);
}

static void
work_due(struct tmf_task *task)
{
	go_on((struct http_curl *)((char *)task - offsetof(struct http_curl, work)),
	    CURL_SOCKET_TIMEOUT, 0);
}

static void
alarm_rings(struct tmf_timer *timer)
{
	go_on((struct http_curl *)((char *)timer - offsetof(struct http_curl, alarm)),
	    CURL_SOCKET_TIMEOUT, 0);
}

static void
socket_ready(struct tmf_fd_watch *watch, unsigned events)
{
	int mask = 0;

	if ((events & TMF_LOOP_FD_READ) != 0)
		mask |= CURL_CSELECT_IN;
	if ((events & TMF_LOOP_FD_WRITE) != 0)
		mask |= CURL_CSELECT_OUT;
	go_on(((struct socket_watch *)watch)->curl, watch->fd, mask);
}

/* libcurl: call me in so many milliseconds; -1: not any more. */
static int
set_alarm(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_curl *curl = arg;
	struct tmf_clock *clock = tmf_loop_clock(curl->loop);

	(void)multi;
	tmf_loop_timer_disarm(curl->loop, &curl->alarm);
	if (timeout_ms == 0)
		tmf_loop_post(curl->loop, &curl->work);
	else if (timeout_ms > 0)
		tmf_loop_timer_arm(curl->loop, &curl->alarm, clock->mono_ms(clock) + timeout_ms);
	return 0;
}

static unsigned
wanted_of(int what)
{
	unsigned wanted = 0;

	if ((what & CURL_POLL_IN) != 0)
		wanted |= TMF_LOOP_FD_READ;
	if ((what & CURL_POLL_OUT) != 0)
		wanted |= TMF_LOOP_FD_WRITE;
	return wanted;
}

static int
watch_other_socket(struct http_curl *curl, curl_socket_t fd, unsigned wanted)
{
	struct socket_watch *watched = mem_zalloc(1, sizeof(*watched));

	*watched = (struct socket_watch){{.ready = socket_ready, .fd = fd, .wanted = wanted}, curl};
	if (tmf_loop_watch_fd(curl->loop, &watched->watch, &curl->watching) < 0) {
		free(watched);
		return -1;
	}
	curl_multi_assign(curl->multi, fd, watched);
	return 0;
}

/* libcurl: tell me of this socket. of_socket: what is assigned to it, nothing to a connection. */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	struct http_curl *curl = arg;
	struct socket_watch *connection = connection_of(curl, fd);
	struct socket_watch *watched = connection != NULL ? connection : of_socket;

	(void)easy;
	if (watched == NULL)
		return what != CURL_POLL_REMOVE ? watch_other_socket(curl, fd, wanted_of(what)) : 0;
	if (what != CURL_POLL_REMOVE || watched == connection)
		return tmf_loop_rewatch_fd(
		    curl->loop, &watched->watch, wanted_of(what), &curl->watching);
	tmf_loop_unwatch_fd(curl->loop, &watched->watch);
	free(watched);
	return 0;
}

static CURLM *
new_multi(struct http_curl *curl, long connections_max)
{
	CURLM *multi = curl_multi_init();

	if (multi == NULL)
		abort();
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_max);
	/* All are kept: else libcurl keeps four for each exchange under way, and closes the rest whenever there are few. */
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections_max);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, curl);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_alarm);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, curl);
	return multi;
}

struct http_transport *
http_curl_new(struct tmf_loop *loop, const struct http_curl_opts *opts, struct tmf_err *err)
{
	struct http_curl *curl;

	/* Its thousands of error texts are never shown: libcurl has its own for what users meet. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		tmf_err_set(err, TMF_ERR_SYSTEM, "libcurl does not start");
		return NULL;
	}
	curl = mem_zalloc(1, sizeof(*curl));
	curl->transport =
	    (struct http_transport){.start = start, .cancel = cancel, .reply_header = reply_header};
	curl->loop = loop;
	curl->work.run = work_due;
	curl->alarm.fire = alarm_rings;
	curl->ca_bundle = mem_strdup(opts->ca_bundle);
	if (opts->user_agent != NULL)
		curl->user_agent = mem_printf("User-Agent: %s", opts->user_agent);
	curl->multi = new_multi(
	    curl, opts->connections_max > 0 ? opts->connections_max : CONNECTIONS_MAX_DEFAULT);
	return &curl->transport;
}

void
http_curl_free(struct http_transport *transport)
{
	struct http_curl *curl = (struct http_curl *)transport;
	struct http_exchange *next;

	if (curl == NULL)
		return;
	for (struct http_exchange *exchange = curl->first; exchange != NULL; exchange = next) {
		next = exchange->next;
		free_exchange(exchange);
	}
	while (curl->idle_count > 0)
		curl_easy_cleanup(curl->idle[--curl->idle_count]);
	curl_multi_cleanup(curl->multi); /* closes the connections */
	for (size_t fd = 0; fd < curl->connections_end; fd++)
		forget_closed(curl, (curl_socket_t)fd);
	free(curl->connections);
	tmf_loop_timer_disarm(curl->loop, &curl->alarm);
	tmf_loop_unpost(curl->loop, &curl->work);
	tmf_err_fini(&curl->watching);
	free(curl->ca_bundle);
	free(curl->user_agent);
	free(curl);
	curl_global_cleanup();
}
