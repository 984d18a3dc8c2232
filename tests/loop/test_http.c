/* HTTP over libcurl against a small server of the test's own on loopback. What it answers is in
 * the path of the request. */
#include "loop/http.h"

#include "base/clock.h"
#include "run_suite.h"
#include <arpa/inet.h>

#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 8192

static pid_t server;
static int port;

/* --- the server: one connection at a time, connections are kept alive; /count tells how many
 * there were --- */

static void
send_all(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		_exit(1); /* no ck_assert here: this is no test's process */
}

/* False: the connection is to be closed. */
static bool
answer(int fd, const char *request, int connections)
{
	char text[512];

	if (strstr(request, " /count ") != NULL) {
		snprintf(text, sizeof(text),
		    "HTTP/1.1 200 OK\r\nX-Count: %d\r\nContent-Length: 2\r\n\r\nok", connections);
	} else if (strstr(request, " /echo ") != NULL) {
		const char *body = strstr(request, "\r\n\r\n") + 4;

		snprintf(text, sizeof(text),
		    "HTTP/1.1 201 Made\r\nContent-Length: %zu\r\n\r\n%.100s", strlen(body), body);
	} else if (strstr(request, " /elsewhere ") != NULL) {
		snprintf(text, sizeof(text),
		    "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:%d/ten\r\n"
		    "Content-Length: 4\r\n\r\nmove",
		    port);
	} else if (strstr(request, " /short ") != NULL) {
		send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
		return false;
	} else if (strstr(request, " /nothing ") != NULL) {
		return false;
	} else if (strstr(request, " /slow ") != NULL) {
		pause();
	} else {
		snprintf(
		    text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
	}
	send_all(fd, text);
	return true;
}

/* Reads up to the end of a head, and the body that its Content-Length names. False at the end of
 * the connection. */
static bool
read_request(int fd, char request[REQUEST_BYTES_MAX])
{
	size_t len = 0;

	for (;;) {
		ssize_t got = recv(fd, request + len, REQUEST_BYTES_MAX - 1 - len, 0);
		const char *head_end;
		const char *length;

		if (got <= 0)
			return false;
		len += (size_t)got;
		request[len] = '\0';
		head_end = strstr(request, "\r\n\r\n");
		length = strstr(request, "Content-Length: ");
		if (head_end != NULL &&
		    (length == NULL || strlen(head_end + 4) >= strtoul(length + 16, NULL, 10)))
			return true;
	}
}

static void
serve(int listener)
{
	char request[REQUEST_BYTES_MAX];

	for (int connections = 1;; connections++) {
		int fd = accept(listener, NULL, NULL);

		while (fd >= 0 && read_request(fd, request) && answer(fd, request, connections))
			;
		close(fd);
	}
}

static void
start_server(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 8) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0) {
		perror("server");
		exit(1);
	}
	port = ntohs(address.sin_port);
	server = fork();
	if (server == 0)
		serve(listener);
	close(listener);
}

/* --- what a request came to --- */

struct seen {
	struct buf body;
	int status;
	char count[16];
	struct tmf_err err;
	int ends;
	struct http_transport *transport;
};

static int
take_body(void *arg, int status, struct str part, struct tmf_err *err)
{
	struct seen *seen = arg;

	(void)status;
	(void)err;
	buf_add_str(&seen->body, part);
	return 0;
}

static void
take_end(void *arg, struct http_exchange *exchange, int status, struct tmf_err *err)
{
	struct seen *seen = arg;
	const char *count = seen->transport->reply_header(exchange, "x-count");

	seen->ends++;
	seen->status = status;
	snprintf(seen->count, sizeof(seen->count), "%s", count != NULL ? count : "");
	tmf_err_move(&seen->err, err);
}

static struct http_exchange *
get(struct http_transport *transport, const char *path, struct seen *seen,
    const struct http_request *like)
{
	struct http_request request = like != NULL ? *like : (struct http_request){.method = "GET"};
	const struct http_handler handler = {.body = take_body, .done = take_end, .arg = seen};
	char url[128];

	*seen = (struct seen){.transport = transport};
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
	request.url = url;
	request.no_proxy = true;
	return transport->start(transport, &request, &handler);
}

static struct tmf_loop *loop;
static struct http_transport *transport;

static void
set_up_transport(void)
{
	struct tmf_err err = {0};

	transport =
	    http_curl_new(loop, &(struct http_curl_opts){.user_agent = "tmflow/test"}, &err);
	ck_assert_msg(transport != NULL, "%s", tmf_err_text(&err));
}

static void
set_up(void)
{
	loop = tmf_loop_new(clock_system());
	set_up_transport();
}

static void
tear_down(void)
{
	http_curl_free(transport);
	tmf_loop_free(loop);
}

static void
forget(struct seen *seen)
{
	buf_fini(&seen->body);
	tmf_err_fini(&seen->err);
}

static void
run(void)
{
	struct tmf_err err = {0};

	ck_assert_msg(tmf_loop_run(loop, &err) == 0, "%s", tmf_err_text(&err));
}

START_TEST(connections_are_reused)
{
	struct seen seen;

	for (int i = 0; i < 3; i++) {
		get(transport, "/count", &seen, NULL);
		ck_assert_int_eq(seen.ends, 0);
		run();
		ck_assert_int_eq(seen.ends, 1);
		ck_assert_int_eq(seen.status, 200);
		ck_assert_str_eq(buf_cstr(&seen.body), "ok");
		static char first[16];
		if (i == 0)
			strcpy(first, seen.count);
		ck_assert_str_eq(seen.count, first);
		forget(&seen);
	}
}
END_TEST

START_TEST(bodies_go_out)
{
	const struct http_request post = {.method = "POST", .body = STR("Action=X&a=b")};
	struct seen seen;

	get(transport, "/echo", &seen, &post);
	run();
	ck_assert_int_eq(seen.status, 201);
	ck_assert_str_eq(buf_cstr(&seen.body), "Action=X&a=b");
	forget(&seen);
}
END_TEST

static void
fails(const char *path, const struct http_request *like, enum tmf_err_code code)
{
	struct seen seen;

	get(transport, path, &seen, like);
	run();
	ck_assert_int_eq(seen.ends, 1);
	ck_assert_int_eq(seen.status, 0);
	ck_assert_int_eq(seen.err.code, code);
	forget(&seen);
}

START_TEST(incomplete_replies_are_errors)
{
	const struct http_request impatient = {.method = "GET", .total_timeout_ms = 50};
	const struct http_request small = {.method = "GET", .reply_bytes_max = 9};

	fails("/short", NULL, TMF_ERR_TRANSPORT);
	fails("/nothing", NULL, TMF_ERR_TRANSPORT);
	fails("/ten", &small, TMF_ERR_LIMIT);
	fails("/slow", &impatient, TMF_ERR_TRANSPORT);
}
END_TEST

/* A reply cannot send a request, and the signature or the keys in it, elsewhere. */
START_TEST(redirects_are_not_followed)
{
	const struct http_request post = {.method = "POST", .body = STR("secret")};
	const struct http_request *const requests[] = {NULL, &post};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct seen seen;

		get(transport, "/elsewhere", &seen, requests[i]);
		run();
		ck_assert_int_eq(seen.status, 307);
		ck_assert_str_eq(buf_cstr(&seen.body), "move");
		forget(&seen);
	}
}
END_TEST

/* Neither the configuration of an end point nor a reply makes it read files, say. */
START_TEST(other_protocols_are_refused)
{
	static const char *const urls[] = {"file:///etc/hostname", "ftp://127.0.0.1/",
	    "gopher://127.0.0.1/", "dict://127.0.0.1/", "ldap://127.0.0.1/"};
	const struct http_handler handler = {.body = take_body, .done = take_end};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		const struct http_request request = {.method = "GET", .url = urls[i]};
		struct seen seen = {.transport = transport};
		struct http_handler into = handler;

		into.arg = &seen;
		transport->start(transport, &request, &into);
		run();
		ck_assert_int_eq(seen.ends, 1);
		ck_assert_int_eq(seen.err.code, TMF_ERR_TRANSPORT);
		ck_assert_uint_eq(seen.body.len, 0);
		forget(&seen);
	}
}
END_TEST

/* No descriptor is left for a connection: it is said so, and later there may be one again. */
START_TEST(descriptors_run_out)
{
	struct rlimit limit;
	struct rlimit none;
	struct seen seen;

	get(transport, "/ten", &seen, NULL);
	run(); /* what libcurl opens for itself is open now */
	forget(&seen);
	http_curl_free(transport);
	set_up_transport();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)dup(0), .rlim_max = limit.rlim_max};
	close((int)none.rlim_cur);
	get(transport, "/ten", &seen, NULL);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	run();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(seen.err.code, TMF_ERR_TRANSPORT);
	ck_assert_str_eq(tmf_err_text(&seen.err), "cannot open a socket: Too many open files");
	forget(&seen);
	get(transport, "/ten", &seen, NULL);
	run();
	ck_assert_int_eq(seen.status, 200);
	forget(&seen);
}
END_TEST

START_TEST(a_closed_port)
{
	int open_port = port;

	port = 1; /* nobody listens there */
	fails("/", NULL, TMF_ERR_TRANSPORT);
	port = open_port;
}
END_TEST

/* Ends the loop after some turns. */
struct turns {
	struct tmf_task task;
	int left;
};

static void
count_turn(struct tmf_task *task)
{
	struct turns *turns = (struct turns *)task;

	if (--turns->left == 0)
		tmf_loop_stop(loop);
	else
		tmf_loop_post(loop, task);
}

/* A port whose queue is full, so that a connection to it is under way for ever. fds: its sockets. */
static uint16_t
full_port(int fds[], size_t count)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(address);

	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fds[0], (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fds[0], 0), 0);
	ck_assert_int_eq(getsockname(fds[0], (struct sockaddr *)&address, &len), 0);
	for (size_t i = 1; i < count; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&address, sizeof(address));
	}
	return ntohs(address.sin_port);
}

START_TEST(cancelled_while_it_connects)
{
	struct turns turns = {.task.run = count_turn, .left = 20};
	struct http_exchange *exchange;
	uint16_t open_port = port;
	struct seen cancelled;
	struct seen other;
	int fds[8];

	port = full_port(fds, 8);
	exchange = get(transport, "/ten", &cancelled, NULL);
	tmf_loop_post(loop, &turns.task);
	run();
	ck_assert_int_eq(cancelled.ends, 0);
	transport->cancel(transport, exchange);
	port = open_port;
	get(transport, "/ten", &other, NULL);
	run();
	ck_assert_int_eq(cancelled.ends, 0);
	ck_assert_int_eq(other.ends, 1);
	forget(&cancelled);
	forget(&other);
	for (size_t i = 0; i < 8; i++)
		close(fds[i]);
}
END_TEST

START_TEST(cancelled_exchanges_say_nothing)
{
	struct seen cancelled;
	struct seen other;
	struct http_exchange *exchange = get(transport, "/ten", &cancelled, NULL);

	transport->cancel(transport, exchange);
	get(transport, "/ten", &other, NULL);
	run();
	ck_assert_int_eq(cancelled.ends, 0);
	ck_assert_int_eq(other.ends, 1);
	ck_assert_str_eq(buf_cstr(&other.body), "0123456789");
	forget(&cancelled);
	forget(&other);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http");
	TCase *tests = tcase_create("http");

	start_server();
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, connections_are_reused);
	tcase_add_test(tests, bodies_go_out);
	tcase_add_test(tests, redirects_are_not_followed);
	tcase_add_test(tests, other_protocols_are_refused);
	tcase_add_test(tests, descriptors_run_out);
	tcase_add_test(tests, a_closed_port);
	tcase_add_test(tests, cancelled_exchanges_say_nothing);
	tcase_add_test(tests, cancelled_while_it_connects);
	tcase_add_test(
	    tests, incomplete_replies_are_errors); /* last: it leaves the server waiting */
	suite_add_tcase(s, tests);
	int failed = run_suite(s);
	kill(server, SIGKILL);
	return failed == 0 ? 0 : 1;
}
