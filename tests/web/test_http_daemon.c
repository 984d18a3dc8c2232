/* A server's connections on a fake clock: how long each may take for what it does. */
#include "web/http/http_daemon.h"

#include "base/clock.h"
#include "run_suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY_BYTES (16u << 20) /* more than the sockets of both sides hold */
#define TURNS_MAX  2000	       /* of a millisecond */

static struct fake_clock fake;
static struct tmf_loop *loop;
static struct http_daemon http;

/* An endless stream: a byte at a time. */
static ssize_t
stream_byte(void *arg, uint64_t pos, char *out, size_t max)
{
	(void)arg;
	(void)pos;
	ck_assert_uint_gt(max, 0);
	*out = '.';
	return 1;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *data, size_t *data_len, void **state)
{
	struct buf body = {0};

	(void)arg;
	(void)method;
	(void)version;
	(void)data;
	if (*state == NULL) {
		*state = &http;
		return MHD_YES;
	}
	if (*data_len > 0) {
		*data_len = 0;
		return MHD_YES;
	}
	if (strcmp(url, "/stream") == 0)
		return http_daemon_queue_stream(&http, connection,
		    http.mhd.create_response_from_callback(
			MHD_SIZE_UNKNOWN, 1024, stream_byte, NULL, NULL));
	for (size_t i = 0; i < BODY_BYTES / 16; i++)
		buf_add(&body, "0123456789abcdef", 16);
	return http_daemon_queue(&http, connection, 200, http_daemon_response(&http, &body));
}

static void
set_up(void)
{
	const struct http_daemon_opts opts = {
	    .loop = loop = tmf_loop_new((fake_clock_init(&fake, 1000000), &fake.clock)),
	    .address = "127.0.0.1:0",
	    .connections_max = 4,
	    .handle = handle,
	};
	struct tmf_err err = {0};

	ck_assert_msg(http_daemon_start(&http, &opts, &err) == 0, "%s", tmf_err_text(&err));
}

static void
tear_down(void)
{
	http_daemon_stop(&http);
	tmf_loop_free(loop);
}

static int
connect_and_say(const char *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(http.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	return fd;
}

static int
connections(void)
{
	int count = 0;

	for (unsigned i = 0; i < http.peers_max; i++)
		count += http.peers[i].fd >= 0;
	return count;
}

/* Runs the server until that many connections are there and fd has something to read (-1: none). */
static bool
run_until(int wanted, int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	for (int i = 0; i < TURNS_MAX; i++) {
		http_daemon_run(&http);
		if (connections() == wanted && (fd < 0 || poll(&poll_fd, 1, 0) == 1))
			return true;
		(void)poll(NULL, 0, 1);
	}
	return false;
}

/* Open files that have no name any more. */
static int
nameless_files(void)
{
	int count = 0;

	for (int fd = 0; fd < 100; fd++) {
		char name[64];
		char target[256];
		ssize_t len;

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		len = readlink(name, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		count += strstr(target, " (deleted)") != NULL;
	}
	return count;
}

/* Who has not read an answer in that time is ended, a moment before it is not. */
START_TEST(slow_reader)
{
	int before = nameless_files();
	int fd = connect_and_say("GET /body HTTP/1.1\r\nHost: x\r\n\r\n");

	ck_assert(run_until(1, fd));
	ck_assert_int_eq(nameless_files(), before + 1); /* the answer lies there, not in memory */
	fake.now_mono_ms += HTTP_ANSWER_SECONDS * INT64_C(1000) - 1;
	ck_assert(run_until(1, fd));
	fake.now_mono_ms += 1;
	ck_assert(run_until(0, -1));
	ck_assert_int_eq(nameless_files(), before);
	close(fd);
}
END_TEST

/* A request that is never whole, wherever it stands; the last one has an answer before. */
static const char *const unfinished[] = {
    "G",
    "GET / HTTP/1.1\r\nHost: x\r\nX: ",
    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n",
    "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nX: ",
};

/* A byte every few seconds does not keep it: it is never idle, and ends even so. */
START_TEST(slow_asker)
{
	int fd = connect_and_say(unfinished[_i]);

	ck_assert(run_until(1, -1));
	for (int i = 0; i < HTTP_REQUEST_SECONDS * 1000 - 1; i += 1000) {
		fake.now_mono_ms += i == 0 ? 999 : 1000;
		ck_assert_int_eq(send(fd, "a", 1, MSG_NOSIGNAL), 1);
		ck_assert(run_until(1, -1));
	}
	fake.now_mono_ms += 1000; /* an answer before may have ended a second later */
	ck_assert(run_until(0, -1));
	close(fd);
}
END_TEST

/* A page that follows stays as long as it likes. */
START_TEST(stream_stays)
{
	int fd = connect_and_say("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");

	ck_assert(run_until(1, fd));
	fake.now_mono_ms += HTTP_ANSWER_SECONDS * INT64_C(100000);
	for (int i = 0; i < 50; i++)
		ck_assert(run_until(1, fd));
	close(fd);
	ck_assert(run_until(0, -1));
}
END_TEST

/* A long answer is whole, and the connection takes another request then. */
START_TEST(answers)
{
	int fd = connect_and_say("GET /body HTTP/1.1\r\nHost: x\r\n\r\n");
	static char text[1 << 16];
	size_t seen = 0;

	while (seen < BODY_BYTES) {
		ssize_t len;

		http_daemon_run(&http);
		len = recv(fd, text, sizeof(text), MSG_DONTWAIT);
		ck_assert(len > 0 || (len < 0 && errno == EAGAIN));
		seen += len > 0 ? (size_t)len : 0;
	}
	ck_assert_uint_lt(seen, BODY_BYTES + 1024);
	fake.now_mono_ms += HTTP_REQUEST_SECONDS * INT64_C(1000) - 1;
	ck_assert_int_eq(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL), 27);
	ck_assert(run_until(1, fd));
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("http_daemon");
	TCase *tests = tcase_create("connections");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, slow_reader);
	tcase_add_loop_test(
	    tests, slow_asker, 0, (int)(sizeof(unfinished) / sizeof(unfinished[0])));
	tcase_add_test(tests, stream_stays);
	tcase_add_test(tests, answers);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
