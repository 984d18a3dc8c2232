#include "loop/http.h"
#include "loop/loop_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * libcurl's multi interface, driven by events: libcurl says which sockets it waits for and when it
 * wants to be called, and the loop does that. It keeps at most 64 connections by default: at half a
 * second a call that is more than any bucket of EC2 refills.
 *
 * No redirects: AWS's endpoints send none, and one from a metadata service could lead credentials
 * astray. Only http and https, TLS 1.2 at least: a URL in a file must not reach file:// or
 * gopher://. HTTP/1.1, since with one connection of HTTP/2 a lost packet holds up all calls.
 */

#define CONNECTIONS_MAX_DEFAULT	   64L
#define CONNECT_TIMEOUT_MS_DEFAULT 5000
#define TOTAL_TIMEOUT_MS_DEFAULT   60000
#define IDLE_HANDLES_MAX	   64 /* easy handles kept for reuse */
/* Of each exchange, instead of 16 KiB: the reply to a create fits, and 40 are under way at once. */
#define RECEIVE_BYTES 4096L
/* Of each handle as soon as it speaks TLS, and kept with it: libcurl's least, instead of 64 KiB. */
#define SEND_BYTES	  16384L
#define EXPECT_BODY_BYTES 1024 /* longer ones some libcurl announces, and then waits */

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
	struct http_exchange *first; /* under way */
};

/* A socket of libcurl's that it waits for; between two exchanges it does not. Assigned to the
 * socket in libcurl. */
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
	struct tmf_err err;	       /* why we ended it ourselves */
	char trouble[CURL_ERROR_SIZE]; /* libcurl's own words for its failure */
};

/* 0 while no head of a reply has come. */
static long
exchange_status(const struct http_exchange *exchange)
{
	long status = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Counted here and not by CURLOPT_MAXFILESIZE, which knows only a length that the server gives
 * beforehand. */
static size_t
exchange_take_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *exchange = arg;
	size_t bytes = size * count;

	exchange->reply_bytes += bytes;
	if (exchange->reply_bytes > exchange->reply_bytes_max) {
		tmf_err_set(&exchange->err, TMF_ERR_LIMIT,
		    "the reply is over the limit of %zu bytes", exchange->reply_bytes_max);
		return 0;
	}
	if (exchange->handler.body(exchange->handler.arg, (int)exchange_status(exchange),
		(struct str){data, bytes}, &exchange->err) != 0)
		return 0;
	return bytes;
}

/* 101 would make libcurl read on until the connection ends: nobody asked to switch protocols. Of
 * the others AWS sends 100 only, and what follows one is not to be trusted. */
static bool
exchange_accepts_head(struct http_exchange *exchange, struct str line)
{
	const char *status = memchr(line.p, ' ', line.len);
	size_t rest = status != NULL ? line.len - (size_t)(status - line.p) : 0;

	if (rest < 4 || status[1] != '1' || strncmp(status + 1, "100", 3) == 0)
		return true;
	tmf_err_set(
	    &exchange->err, TMF_ERR_REPLY, "HTTP status %.3s, which nothing asked for", status + 1);
	return false;
}

/* A reply may have several heads (100 Continue, then 200): only the last counts. */
static size_t
exchange_take_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *exchange = arg;
	size_t bytes = size * count;
	struct str line = str_trim((struct str){data, bytes});

	if (str_starts(line, "HTTP/")) {
		buf_reset(&exchange->reply_headers); /* a new head: forget that of a 100 Continue */
		if (!exchange_accepts_head(exchange, line))
			return 0;
	}
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

/* The headers lie one after another with a NUL each: a reply has a dozen, of which two are asked
 * for. */
static const char *
exchange_reply_header(const struct http_exchange *exchange, const char *name)
{
	const char *p = buf_cstr(&exchange->reply_headers);
	const char *end = p + exchange->reply_headers.len;
	size_t len = strlen(name);

	for (; p < end; p += strlen(p) + 1)
		if (strncasecmp(p, name, len) == 0 && p[len] == ':')
			return p + len + 1 + strspn(p + len + 1, " \t");
	return NULL;
}

/* libcurl does not say why a socket could not be had: "Couldn't connect" for too many open files
 * misleads. */
static curl_socket_t
exchange_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_exchange *exchange = arg;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && !tmf_err_isset(&exchange->err))
		tmf_err_set(
		    &exchange->err, TMF_ERR_TRANSPORT, "cannot open a socket: %s", strerror(errno));
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/*
 * An option that libcurl refuses must not be left out quietly: the next request would go out
 * without its deadline, or to any protocol. It is a programmer's mistake, or a libcurl that was
 * built without what is wanted here; memory it is not, since libcurl allocates by mem_alloc.
 */
static void
transport_must(bool accepted, const char *option)
{
	if (accepted)
		return;
	fprintf(stderr, "tmflow: libcurl does not take the option %s\n", option);
	abort();
}

#define TRANSPORT_SET(easy, option, value)                                                         \
	transport_must(curl_easy_setopt((easy), option, (value)) == CURLE_OK, #option)
#define TRANSPORT_SET_MULTI(multi, option, value)                                                  \
	transport_must(curl_multi_setopt((multi), option, (value)) == CURLM_OK, #option)

/* Makes the connection one that ends: libcurl then takes or opens another. Bytes that have come are
 * dropped first, since a socket that is shut down still gives them. */
static void
socket_end(curl_socket_t fd)
{
	char dropped[4096];

	while (recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT) > 0)
		;
	shutdown(fd, SHUT_RDWR);
}

static curl_socket_t
exchange_socket(const struct http_exchange *exchange)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(exchange->easy, CURLINFO_ACTIVESOCKET, &fd);
	return fd;
}

static void
exchange_distrust(struct http_transport *transport, struct http_exchange *exchange)
{
	curl_socket_t fd = exchange_socket(exchange);

	(void)transport;
	if (fd != CURL_SOCKET_BAD)
		socket_end(fd);
}

/* Before a request goes out. A connection that was kept, and on which something has come since its
 * last reply, would take that for the reply to this request, and each later reply for that to the
 * next one. libcurl sends a request again by itself on which a kept connection has died. */
static int
exchange_check_connection(
    void *arg, char *primary_ip, char *local_ip, int primary_port, int local_port)
{
	struct http_exchange *exchange = arg;
	curl_socket_t fd = exchange_socket(exchange);
	long connects = 0;
	char byte;

	(void)primary_ip;
	(void)local_ip;
	(void)primary_port;
	(void)local_port;
	curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (connects == 0 && fd != CURL_SOCKET_BAD &&
	    recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) > 0)
		socket_end(fd);
	return CURL_PREREQFUNC_OK;
}

/* With what all requests have in common; exchange_set_request sets all that differs, each time. */
static CURL *
transport_new_handle(struct http_curl *curl)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		abort(); /* libcurl has no other reason than memory */
	TRANSPORT_SET(easy, CURLOPT_NOSIGNAL, 1L);
	TRANSPORT_SET(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
	TRANSPORT_SET(easy, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BYTES);
	/* The path that was signed: a key of S3 may have "../" in it. */
	TRANSPORT_SET(easy, CURLOPT_PATH_AS_IS, 1L);
	TRANSPORT_SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	TRANSPORT_SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	TRANSPORT_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (curl->ca_bundle != NULL)
		TRANSPORT_SET(easy, CURLOPT_CAINFO, curl->ca_bundle);
	TRANSPORT_SET(easy, CURLOPT_WRITEFUNCTION, exchange_take_body);
	TRANSPORT_SET(easy, CURLOPT_HEADERFUNCTION, exchange_take_header);
	TRANSPORT_SET(easy, CURLOPT_OPENSOCKETFUNCTION, exchange_open_socket);
	TRANSPORT_SET(easy, CURLOPT_PREREQFUNCTION, exchange_check_connection);
	return easy;
}

/* The handle is kept for the next request: it holds the TLS sessions that let a new connection
 * resume one. */
static void
exchange_free(struct http_exchange *exchange)
{
	struct http_curl *curl = exchange->curl;

	curl_multi_remove_handle(curl->multi, exchange->easy);
	TRANSPORT_SET(exchange->easy, CURLOPT_ERRORBUFFER, NULL);
	if (curl->idle_count < IDLE_HANDLES_MAX)
		curl->idle[curl->idle_count++] = exchange->easy;
	else
		curl_easy_cleanup(exchange->easy);
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

/* The list is libcurl's, which copies the line. */
static void
exchange_add_header(struct http_exchange *exchange, const char *line)
{
	struct curl_slist *list = curl_slist_append(exchange->headers, line);

	if (list == NULL)
		abort();
	exchange->headers = list;
}

/* libcurl adds headers of its own, which a signature does not cover: "Name:" without a value keeps
 * one off. A body of over 1 KB would be announced with Expect: 100-continue, and sent only after an
 * answer or a second. */
static void
exchange_set_headers(struct http_exchange *exchange, const struct http_request *request)
{
	bool has_content_type = false;
	bool has_agent = false;
	struct buf line = {0};

	assert(request->headers_count <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < request->headers_count; i++) {
		const struct http_header *header = &request->headers[i];

		has_content_type |= strcasecmp(header->name, "Content-Type") == 0;
		has_agent |= strcasecmp(header->name, "User-Agent") == 0;
		buf_reset(&line);
		buf_add_cstr(&line, header->name);
		buf_add_str(&line, STR(": "));
		buf_add_cstr(&line, header->value);
		exchange_add_header(exchange, buf_cstr(&line));
	}
	buf_fini(&line);
	if (request->body.len > EXPECT_BODY_BYTES)
		exchange_add_header(exchange, "Expect:");
	if (exchange->curl->user_agent != NULL && !has_agent)
		exchange_add_header(exchange, exchange->curl->user_agent);
	if (!has_content_type)
		exchange_add_header(exchange, "Content-Type:");
	TRANSPORT_SET(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
}

/* For libcurl 0 is no limit, for a request -1. */
static long
timeout_or(int64_t given_ms, long fallback_ms)
{
	if (given_ms < 0)
		return 0;
	return given_ms > 0 ? (long)given_ms : fallback_ms;
}

/* A request with a body is a POST to libcurl, whatever its method is called. */
static void
exchange_set_body(struct http_exchange *exchange, const struct http_request *request)
{
	CURL *easy = exchange->easy;

	if (request->body.len == 0 && strcmp(request->method, "POST") != 0 &&
	    strcmp(request->method, "PUT") != 0) {
		TRANSPORT_SET(easy, CURLOPT_POSTFIELDS, NULL);
		TRANSPORT_SET(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	exchange->body = mem_strndup(request->body.p, request->body.len);
	TRANSPORT_SET(easy, CURLOPT_POST, 1L);
	TRANSPORT_SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	TRANSPORT_SET(easy, CURLOPT_POSTFIELDS, exchange->body);
}

/*
 * libcurl reads http_proxy in small letters only, since a CGI server puts the header Proxy of a
 * request into HTTP_PROXY (httpoxy). Where no such server runs it counts as it does for the AWS
 * CLI; NO_PROXY is looked at in any case.
 */
static const char *
exchange_proxy(const char *url)
{
	const char *upper = getenv("HTTP_PROXY");
	const char *lower = getenv("http_proxy");

	if (strncasecmp(url, "http://", 7) != 0 || (lower != NULL && lower[0] != '\0') ||
	    getenv("REQUEST_METHOD") != NULL)
		return NULL;
	return upper != NULL && upper[0] != '\0' ? upper : NULL;
}

static void
exchange_set_request(struct http_exchange *exchange, const struct http_request *request)
{
	CURL *easy = exchange->easy;
	bool is_usual = strcmp(request->method, "GET") == 0 || strcmp(request->method, "POST") == 0;

	TRANSPORT_SET(easy, CURLOPT_URL, request->url);
	exchange_set_body(exchange, request);
	TRANSPORT_SET(easy, CURLOPT_CUSTOMREQUEST, is_usual ? NULL : request->method);
	exchange_set_headers(exchange, request);
	TRANSPORT_SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    timeout_or(request->connect_timeout_ms, CONNECT_TIMEOUT_MS_DEFAULT));
	TRANSPORT_SET(easy, CURLOPT_TIMEOUT_MS,
	    timeout_or(request->total_timeout_ms, TOTAL_TIMEOUT_MS_DEFAULT));
	TRANSPORT_SET(easy, CURLOPT_NOPROXY, request->no_proxy ? "*" : NULL);
	TRANSPORT_SET(easy, CURLOPT_PROXY, exchange_proxy(request->url));
	TRANSPORT_SET(easy, CURLOPT_WRITEDATA, exchange);
	TRANSPORT_SET(easy, CURLOPT_HEADERDATA, exchange);
	TRANSPORT_SET(easy, CURLOPT_OPENSOCKETDATA, exchange);
	TRANSPORT_SET(easy, CURLOPT_PREREQDATA, exchange);
	TRANSPORT_SET(easy, CURLOPT_ERRORBUFFER, exchange->trouble);
	TRANSPORT_SET(easy, CURLOPT_PRIVATE, exchange);
}

static struct http_exchange *
exchange_start(struct http_transport *transport, const struct http_request *request,
    const struct http_handler *handler)
{
	struct http_curl *curl = (struct http_curl *)transport;
	struct http_exchange *exchange = mem_zalloc(1, sizeof(*exchange));

	exchange->curl = curl;
	exchange->handler = *handler;
	exchange->reply_bytes_max =
	    request->reply_bytes_max > 0 ? request->reply_bytes_max : HTTP_REPLY_BYTES_MAX_DEFAULT;
	exchange->easy =
	    curl->idle_count > 0 ? curl->idle[--curl->idle_count] : transport_new_handle(curl);
	exchange_set_request(exchange, request);
	exchange->next = curl->first;
	if (curl->first != NULL)
		curl->first->prev = exchange;
	curl->first = exchange;
	if (curl_multi_add_handle(curl->multi, exchange->easy) != CURLM_OK)
		abort(); /* a handle added twice, or no memory */
	return exchange;
}

/* libcurl closes the connection when a reply is under way: what would still come belongs to no
 * request. */
static void
exchange_cancel(struct http_transport *transport, struct http_exchange *exchange)
{
	(void)transport;
	exchange_free(exchange);
}

/* The names of failures that a later attempt seldom mends. */
static const struct {
	CURLcode code;
	const char *name;
} exchange_failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_ERROR_ENDPOINT},
    {CURLE_COULDNT_CONNECT, HTTP_ERROR_ENDPOINT},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_ERROR_TLS},
    {CURLE_SSL_CACERT_BADFILE, HTTP_ERROR_TLS},
    {CURLE_SSL_CONNECT_ERROR, HTTP_ERROR_TLS},
    {CURLE_SSL_ISSUER_ERROR, HTTP_ERROR_TLS},
    {CURLE_COULDNT_RESOLVE_PROXY, HTTP_ERROR_PROXY},
    {CURLE_PROXY, HTTP_ERROR_PROXY},
};

static const char *
exchange_failure_name(const struct http_exchange *exchange, CURLcode code)
{
	long proxy_status = 0;

	/* To libcurl a proxy that refuses CONNECT is a failure to receive. */
	curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (proxy_status >= 300)
		return HTTP_ERROR_PROXY;
	for (size_t i = 0; i < sizeof(exchange_failures) / sizeof(exchange_failures[0]); i++)
		if (exchange_failures[i].code == code)
			return exchange_failures[i].name;
	return "TMFlow.Transport";
}

/* What we found out ourselves comes before libcurl's word for it: a callback that refuses a reply
 * is "Failed writing received data" there. */
static void
exchange_describe_failure(struct http_exchange *exchange, CURLcode code, struct tmf_err *err)
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
	tmf_err_set_name(err, TMF_ERR_TRANSPORT, exchange_failure_name(exchange, code),
	    "no complete reply from %s: %s", url != NULL ? url : "the server",
	    exchange->trouble[0] != '\0' ? exchange->trouble : curl_easy_strerror(code));
}

/* The handler may start other exchanges, also on this connection; this one is freed after it, since
 * it may still ask for a header. */
static void
exchange_finish(struct http_exchange *exchange, CURLcode code)
{
	struct tmf_err err = {0};
	int status = 0;

	if (code == CURLE_OK)
		status = (int)exchange_status(exchange);
	else
		exchange_describe_failure(exchange, code, &err);
	exchange->handler.done(exchange->handler.arg, exchange, status, &err);
	tmf_err_fini(&err);
	exchange_free(exchange);
}

/* --- libcurl on the loop --- */

/* Lets libcurl do what is due. fd: the socket that is ready, or CURL_SOCKET_TIMEOUT. Its failures
 * come as those of the exchanges. */
static void
transport_go_on(struct http_curl *curl, curl_socket_t fd, int events)
{
	const CURLMsg *message;
	int count;

	curl_multi_socket_action(curl->multi, fd, events, &count);
	while ((message = curl_multi_info_read(curl->multi, &count)) != NULL) {
		struct http_exchange *exchange;
		CURLcode result = message->data.result; /* freed with the handle */

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
		exchange_finish(exchange, result);
	}
}

/* For an alarm of 0 ms: libcurl asks to be called again at once. */
static void
transport_work_due(struct tmf_task *task)
{
	transport_go_on((struct http_curl *)((char *)task - offsetof(struct http_curl, work)),
	    CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl keeps its own timeouts and asks for one alarm, that of the nearest. */
static void
transport_alarm_due(struct tmf_timer *timer)
{
	transport_go_on((struct http_curl *)((char *)timer - offsetof(struct http_curl, alarm)),
	    CURL_SOCKET_TIMEOUT, 0);
}

/* The watch comes first in its socket_watch, so the pointer is that of both. */
static void
transport_socket_ready(struct tmf_fd_watch *watch, unsigned events)
{
	int mask = 0;

	if ((events & TMF_LOOP_FD_READ) != 0)
		mask |= CURL_CSELECT_IN;
	if ((events & TMF_LOOP_FD_WRITE) != 0)
		mask |= CURL_CSELECT_OUT;
	transport_go_on(((struct socket_watch *)watch)->curl, watch->fd, mask);
}

/* libcurl: call me in timeout_ms; -1: no longer. 0 is posted, since libcurl must not be called from
 * here. */
static int
transport_set_alarm(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_curl *curl = arg;

	(void)multi;
	tmf_loop_timer_disarm(curl->loop, &curl->alarm);
	if (timeout_ms == 0)
		tmf_loop_post(curl->loop, &curl->work);
	else if (timeout_ms > 0)
		tmf_loop_timer_arm(
		    curl->loop, &curl->alarm, tmf_loop_mono_ms(curl->loop) + timeout_ms);
	return 0;
}

/* libcurl: wait for this socket, or no longer. of_socket is what was assigned to it.
 * CURL_POLL_REMOVE comes before it is closed, but for a connection that was not there yet when its
 * request was cancelled: libcurl 7.88 closes that first. */
static int
transport_watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	struct http_curl *curl = arg;
	struct socket_watch *watched = of_socket;
	unsigned wanted = 0;

	(void)easy;
	if (watched != NULL) {
		loop_forget_fd(curl->loop, &watched->watch);
		free(watched);
		curl_multi_assign(curl->multi, fd, NULL);
	}
	if ((what & CURL_POLL_IN) != 0)
		wanted |= TMF_LOOP_FD_READ;
	if ((what & CURL_POLL_OUT) != 0)
		wanted |= TMF_LOOP_FD_WRITE;
	if (what == CURL_POLL_REMOVE || wanted == 0)
		return 0;
	watched = mem_zalloc(1, sizeof(*watched));
	*watched = (struct socket_watch){
	    {.ready = transport_socket_ready, .fd = fd, .wanted = wanted}, curl};
	if (tmf_loop_watch_fd(curl->loop, &watched->watch, &curl->watching) < 0) {
		free(watched);
		return -1;
	}
	curl_multi_assign(curl->multi, fd, watched);
	return 0;
}

static CURLM *
transport_new_multi(struct http_curl *curl, long connections_max)
{
	CURLM *multi = curl_multi_init();

	if (multi == NULL)
		abort();
	TRANSPORT_SET_MULTI(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_max);
	/* All are kept: else libcurl keeps four for each exchange under way, and closes the rest
	 * whenever there are few. */
	TRANSPORT_SET_MULTI(multi, CURLMOPT_MAXCONNECTS, connections_max);
	TRANSPORT_SET_MULTI(multi, CURLMOPT_SOCKETFUNCTION, transport_watch_socket);
	TRANSPORT_SET_MULTI(multi, CURLMOPT_SOCKETDATA, curl);
	TRANSPORT_SET_MULTI(multi, CURLMOPT_TIMERFUNCTION, transport_set_alarm);
	TRANSPORT_SET_MULTI(multi, CURLMOPT_TIMERDATA, curl);
	return multi;
}

struct http_transport *
http_curl_new(struct tmf_loop *loop, const struct http_curl_opts *opts, struct tmf_err *err)
{
	struct http_curl *curl;

	/* Its thousands of error texts are never shown: libcurl has its own for what users meet. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, free, mem_realloc, mem_strdup,
		mem_zalloc) != CURLE_OK) {
		tmf_err_set(err, TMF_ERR_SYSTEM, "libcurl does not start");
		return NULL;
	}
	curl = mem_zalloc(1, sizeof(*curl));
	curl->transport = (struct http_transport){.start = exchange_start,
	    .cancel = exchange_cancel,
	    .distrust = exchange_distrust,
	    .reply_header = exchange_reply_header};
	curl->loop = loop;
	curl->work.run = transport_work_due;
	curl->alarm.fire = transport_alarm_due;
	curl->ca_bundle = mem_strdup(opts->ca_bundle);
	if (opts->user_agent != NULL)
		curl->user_agent = mem_printf("User-Agent: %s", opts->user_agent);
	curl->multi = transport_new_multi(
	    curl, opts->connections_max > 0 ? opts->connections_max : CONNECTIONS_MAX_DEFAULT);
	return &curl->transport;
}

/* The handles before the multi handle: libcurl wants it so. */
void
http_curl_free(struct http_transport *transport)
{
	struct http_curl *curl = (struct http_curl *)transport;
	struct http_exchange *next;

	if (curl == NULL)
		return;
	for (struct http_exchange *exchange = curl->first; exchange != NULL; exchange = next) {
		next = exchange->next;
		exchange_free(exchange);
	}
	while (curl->idle_count > 0)
		curl_easy_cleanup(curl->idle[--curl->idle_count]);
	curl_multi_cleanup(curl->multi); /* closes the connections */
	tmf_loop_timer_disarm(curl->loop, &curl->alarm);
	tmf_loop_unpost(curl->loop, &curl->work);
	tmf_err_fini(&curl->watching);
	free(curl->ca_bundle);
	free(curl->user_agent);
	free(curl);
	curl_global_cleanup();
}
