#include "tmflow/loop/http.h"

#include "tmflow/base/mem.h"

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

#define CONNECTIONS_MAX_DEFAULT	   64L
#define CONNECT_TIMEOUT_MS_DEFAULT 5000
#define TOTAL_TIMEOUT_MS_DEFAULT   60000
#define IDLE_HANDLES_MAX	   64 /* easy handles kept for reuse */

struct http_curl {
	struct http_transport transport; /* first: the interface leads back here */
	struct poller poller;
	struct loop *loop;
	CURLM *multi;
	char *ca_bundle;
	char *user_agent;
	CURL *idle[IDLE_HANDLES_MAX];
	size_t idle_count;
	struct http_exchange *first; /* under way */
	size_t active;
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
	struct err err; /* why we ended it ourselves */
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
		err_set(&exchange->err, ERR_LIMIT, "the reply is over the limit of %zu bytes",
		    exchange->reply_bytes_max);
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
		err_set(&exchange->err, ERR_LIMIT,
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

static CURL *
take_handle(struct http_curl *curl)
{
	CURL *easy;

	if (curl->idle_count > 0)
		return curl->idle[--curl->idle_count];
	easy = curl_easy_init();
	if (easy == NULL)
		abort(); /* libcurl has no other reason than memory */
	return easy;
}

static void
keep_handle(struct http_curl *curl, CURL *easy)
{
	if (curl->idle_count == IDLE_HANDLES_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
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
	curl->active--;
	curl_slist_free_all(exchange->headers);
	free(exchange->body);
	buf_fini(&exchange->reply_headers);
	err_fini(&exchange->err);
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

	assert(request->headers_count <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < request->headers_count; i++) {
		const struct http_header *header = &request->headers[i];
		char *line = mem_printf("%s: %s", header->name, header->value);

		has_content_type |= strcasecmp(header->name, "Content-Type") == 0;
		add_header(exchange, line);
		free(line);
	}
	add_header(exchange, "Expect:");
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

/* libcurl does not say why a socket could not be had. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_exchange *exchange = arg;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && !err_isset(&exchange->err))
		err_set(&exchange->err, ERR_TRANSPORT, "cannot open a socket: %s", strerror(errno));
	return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static void
set_limits(struct http_exchange *exchange, const struct http_request *request)
{
	CURL *easy = exchange->easy;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    milliseconds(request->connect_timeout_ms, CONNECT_TIMEOUT_MS_DEFAULT));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
	    milliseconds(request->total_timeout_ms, TOTAL_TIMEOUT_MS_DEFAULT));
	if (exchange->curl->ca_bundle != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, exchange->curl->ca_bundle);
	if (exchange->curl->user_agent != NULL)
		curl_easy_setopt(easy, CURLOPT_USERAGENT, exchange->curl->user_agent);
	if (request->no_proxy)
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

static void
set_request(struct http_exchange *exchange, const struct http_request *request)
{
	CURL *easy = exchange->easy;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	if (request->body.len > 0 || strcmp(request->method, "POST") == 0) {
		exchange->body = mem_strndup(request->body.p, request->body.len);
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body);
	}
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "POST") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	set_headers(exchange, request);
	set_limits(exchange, request);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
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
	curl->active++;
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
describe_failure(struct http_exchange *exchange, CURLcode code, struct err *err)
{
	const char *url = NULL;

	if (err_isset(&exchange->err)) {
		err_move(err, &exchange->err);
		return;
	}
	curl_easy_getinfo(exchange->easy, CURLINFO_EFFECTIVE_URL, &url);
	err_set(err, ERR_TRANSPORT, "no complete reply from %s: %s",
	    url != NULL ? url : "the server", curl_easy_strerror(code));
}

/* Tells the handler of an exchange that libcurl has finished. */
static void
finish(struct http_exchange *exchange, CURLcode code)
{
	struct err err = {0};
	int status = 0;

	if (code == CURLE_OK)
		status = (int)reply_status(exchange);
	else
		describe_failure(exchange, code, &err);
	exchange->handler.done(exchange->handler.arg, exchange, status, &err);
	err_fini(&err);
	free_exchange(exchange);
}

static int
curl_poll(struct poller *poller, int timeout_ms, int wake_fd, struct err *err)
{
	struct http_curl *curl =
	    (struct http_curl *)((char *)poller - offsetof(struct http_curl, poller));
	struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
	const CURLMsg *message;
	CURLMcode code;
	int running;
	int queued;

	code = curl_multi_perform(curl->multi, &running);
	if (code == CURLM_OK && running == (int)curl->active)
		code = curl_multi_poll(curl->multi, &wake, wake_fd >= 0 ? 1 : 0,
		    timeout_ms < 0 ? INT_MAX : timeout_ms, NULL);
	if (code == CURLM_OK)
		code = curl_multi_perform(curl->multi, &running);
	if (code != CURLM_OK)
		return err_set(err, ERR_SYSTEM, "libcurl: %s", curl_multi_strerror(code));
	while ((message = curl_multi_info_read(curl->multi, &queued)) != NULL) {
		struct http_exchange *exchange;
		CURLcode result = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
		finish(exchange, result);
	}
	return 0;
}

static bool
curl_busy(const struct poller *poller)
{
	const struct http_curl *curl =
	    (const struct http_curl *)((const char *)poller - offsetof(struct http_curl, poller));

	return curl->active > 0;
}

struct http_transport *
http_curl_new(struct loop *loop, const struct http_curl_opts *opts, struct err *err)
{
	struct http_curl *curl;
	long connections_max;

	/* Its thousands of error texts are never shown: libcurl has its own for what users meet. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, ERR_SYSTEM, "libcurl does not start");
		return NULL;
	}
	curl = mem_zalloc(1, sizeof(*curl));
	curl->transport =
	    (struct http_transport){.start = start, .cancel = cancel, .reply_header = reply_header};
	curl->poller = (struct poller){.poll = curl_poll, .busy = curl_busy};
	curl->loop = loop;
	curl->multi = curl_multi_init();
	if (curl->multi == NULL)
		abort();
	curl->ca_bundle = mem_strdup(opts->ca_bundle);
	curl->user_agent = mem_strdup(opts->user_agent);
	connections_max =
	    opts->connections_max > 0 ? opts->connections_max : CONNECTIONS_MAX_DEFAULT;
	curl_multi_setopt(curl->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_max);
	/* All are kept: else libcurl keeps four for each exchange under way, and closes the rest whenever there are few. */
	curl_multi_setopt(curl->multi, CURLMOPT_MAXCONNECTS, connections_max);
	loop_set_poller(loop, &curl->poller);
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
	curl_multi_cleanup(curl->multi);
	loop_set_poller(curl->loop, NULL);
	free(curl->ca_bundle);
	free(curl->user_agent);
	free(curl);
	curl_global_cleanup();
}
