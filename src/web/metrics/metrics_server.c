#include "web/metrics/metrics_server.h"

#include "base/mem.h"
#include "web/http/http_daemon.h"
#include "web/metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_TYPE "text/plain; charset=utf-8"

struct metrics_server {
	struct http_daemon daemon;
	struct metrics_server_opts opts;
	char *url;
};

/* Takes text. */
static enum MHD_Result
metrics_queue(struct http_daemon *daemon, struct MHD_Connection *connection, int status,
    const char *type, struct buf *text)
{
	const struct microhttpd *mhd = &daemon->mhd;
	struct MHD_Response *response;

	assert(text->len > 0);
	response = http_daemon_response(daemon, text);
	if (response != NULL) {
		mhd->add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
		mhd->add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		mhd->add_response_header(response, "X-Content-Type-Options", "nosniff");
		mhd->add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	}
	return http_daemon_queue(daemon, connection, status, response);
}

static enum MHD_Result
metrics_queue_words(
    struct http_daemon *daemon, struct MHD_Connection *connection, int status, const char *words)
{
	struct buf text = {0};

	buf_add_cstr(&text, words);
	return metrics_queue(daemon, connection, status, PLAIN_TYPE, &text);
}

/* A store that is busy fails one scrape: the process goes on. */
static enum MHD_Result
metrics_queue_numbers(struct metrics_server *server, struct MHD_Connection *connection)
{
	struct http_daemon *daemon = &server->daemon;
	struct buf text = {0};
	struct tmf_err err = {0};

	if (server->opts.write(server->opts.arg, &text, &err) == 0)
		return metrics_queue(daemon, connection, MHD_HTTP_OK, METRICS_TYPE, &text);
	buf_reset(&text);
	buf_printf(&text, "%s\n", tmf_err_text(&err));
	tmf_err_fini(&err);
	return metrics_queue(daemon, connection, MHD_HTTP_INTERNAL_SERVER_ERROR, PLAIN_TYPE, &text);
}

/* A browser says which site asks; Prometheus, curl and a probe say nothing of the kind. */
static bool
metrics_asked_by_site(const struct microhttpd *mhd, struct MHD_Connection *connection)
{
	const char *site =
	    mhd->lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-Fetch-Site");

	if (mhd->lookup_connection_value(connection, MHD_HEADER_KIND, "Origin") != NULL)
		return true;
	return site != NULL && strcmp(site, "none") != 0 && strcmp(site, "same-origin") != 0;
}

static enum MHD_Result
metrics_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *data_len, void **state)
{
	struct metrics_server *server = arg;
	struct http_daemon *daemon = &server->daemon;

	(void)version;
	(void)data;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return metrics_queue_words(daemon, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		    "only GET: nothing changes here\n");
	if (metrics_asked_by_site(&daemon->mhd, connection))
		return metrics_queue_words(
		    daemon, connection, MHD_HTTP_FORBIDDEN, "another site has asked\n");
	if (*state == NULL || *data_len > 0) {
		*state = server;
		*data_len = 0; /* a body says nothing here */
		return MHD_YES;
	}
	if (strcmp(url, "/metrics") == 0)
		return metrics_queue_numbers(server, connection);
	if (strcmp(url, "/healthz") != 0)
		return metrics_queue_words(
		    daemon, connection, MHD_HTTP_NOT_FOUND, "here are /metrics and /healthz\n");
	return server->opts.is_healthy(server->opts.arg)
		   ? metrics_queue_words(daemon, connection, MHD_HTTP_OK, "ok\n")
		   : metrics_queue_words(
			 daemon, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "takes no work now\n");
}

struct metrics_server *
metrics_server_start(const struct metrics_server_opts *opts, struct tmf_err *err)
{
	struct metrics_server *server = mem_zalloc(1, sizeof(*server));
	const struct http_daemon_opts how = {
	    .loop = opts->loop,
	    .address = opts->address,
	    .connections_max = METRICS_CONNECTIONS_MAX,
	    .handle = metrics_handle,
	    .arg = server,
	};

	server->opts = *opts;
	if (http_daemon_start(&server->daemon, &how, err) < 0) {
		metrics_server_stop(server);
		return NULL;
	}
	server->url = mem_printf(strchr(server->daemon.host, ':') != NULL ? "http://[%s]:%u/metrics"
									  : "http://%s:%u/metrics",
	    server->daemon.host, (unsigned)server->daemon.port);
	return server;
}

void
metrics_server_stop(struct metrics_server *server)
{
	if (server == NULL)
		return;
	http_daemon_stop(&server->daemon);
	free(server->url);
	free(server);
}

const char *
metrics_server_url(const struct metrics_server *server)
{
	return server->url;
}
