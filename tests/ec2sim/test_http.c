#include "http.h"
#include "sim_test.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The world over HTTP: a forked server on a free port, libcurl in front. */

struct server {
	pid_t pid;
	int stop; /* closing it ends the server */
	uint16_t port;
	CURL *curl;
	struct buf body;
};

static void
serve(int port_fd, int stop_fd)
{
	struct sim_cloud_opts opts = {.world = sim_test_opts(100)};
	struct sim_http_opts http_opts = {.listen = "127.0.0.1"};
	struct sim_cloud *cloud = cloud_new(&opts, NULL);
	struct sim_http *http = sim_http_new(cloud, &http_opts, NULL);
	uint16_t port = http != NULL ? sim_http_port(http) : 0;
	int status = EXIT_FAILURE;

	if (write(port_fd, &port, sizeof(port)) == (ssize_t)sizeof(port) && port != 0)
		status = sim_http_run(http, stop_fd, NULL) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	sim_http_free(http);
	cloud_free(cloud);
	_exit(status);
}

static void
server_start(struct server *s)
{
	int port[2], stop[2];

	*s = (struct server){0};
	ck_assert_int_eq(pipe(port), 0);
	ck_assert_int_eq(pipe(stop), 0);
	s->pid = fork();
	if (s->pid == 0) {
		close(stop[1]);
		serve(port[1], stop[0]);
	}
	close(stop[0]);
	s->stop = stop[1];
	ck_assert_int_eq(read(port[0], &s->port, sizeof(s->port)), sizeof(s->port));
	ck_assert_uint_ne(s->port, 0);
	close(port[0]);
	close(port[1]);
	s->curl = curl_easy_init();
}

static void
server_stop(struct server *s)
{
	int status;

	curl_easy_cleanup(s->curl);
	buf_fini(&s->body);
	close(s->stop);
	ck_assert_int_eq(waitpid(s->pid, &status, 0), s->pid);
	ck_assert_int_eq(WEXITSTATUS(status), EXIT_SUCCESS);
}

static size_t
take(char *data, size_t size, size_t count, void *arg)
{
	buf_add(arg, data, size * count);
	return size * count;
}

/* Posts; the status goes out, curl's result comes back. */
static CURLcode
post(struct server *s, const char *path, const char *body, long *ret_status)
{
	char url[200];
	CURLcode result;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", s->port, path);
	buf_reset(&s->body);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, &s->body);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(s->curl, CURLOPT_PROXY, "");
	result = curl_easy_perform(s->curl);
	*ret_status = 0;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, ret_status);
	return result;
}

#define VPCS "Action=DescribeVpcs&Version=2016-11-15"

START_TEST(calls_are_answered_on_one_connection)
{
	struct server s;
	long status, connects;

	server_start(&s);
	for (unsigned i = 0; i < 50; i++) {
		ck_assert_int_eq(post(&s, "/", VPCS, &status), CURLE_OK);
		ck_assert_int_eq(status, 200);
		ck_assert_ptr_nonnull(strstr(buf_cstr(&s.body), "</DescribeVpcsResponse>"));
	}
	curl_easy_getinfo(s.curl, CURLINFO_NUM_CONNECTS, &connects);
	ck_assert_int_eq(connects, 0);
	ck_assert_int_eq(post(&s, "/", "Action=Nothing&Version=2016-11-15", &status), CURLE_OK);
	ck_assert_int_eq(status, 400);
	server_stop(&s);
}
END_TEST

START_TEST(a_large_body_comes_through)
{
	struct buf form = {0};
	struct server s;
	long status;

	server_start(&s);
	buf_add_cstr(&form, "Action=DescribeInstances&Version=2016-11-15");
	for (unsigned i = 1; i <= 200; i++)
		buf_printf(&form, "&Filter.1.Value.%u=%0200u", i, i);
	buf_add_cstr(&form, "&Filter.1.Name=instance-id");
	ck_assert_int_eq(post(&s, "/", buf_cstr(&form), &status), CURLE_OK);
	ck_assert_int_eq(status, 200);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&s.body), "<reservationSet/>"));
	buf_fini(&form);
	server_stop(&s);
}
END_TEST

static void
set_fault(struct server *s, const char *fault)
{
	char json[100];
	long status;

	snprintf(json, sizeof(json), "{\"faults\": [\"%s\"]}", fault);
	ck_assert_int_eq(post(s, "/_sim/faults", json, &status), CURLE_OK);
	ck_assert_int_eq(status, 200);
}

START_TEST(faults_reach_the_wire)
{
	struct server s;
	CURLcode result;
	long status;

	server_start(&s);
	set_fault(&s, "reset-before@1");
	result = post(&s, "/", VPCS, &status);
	ck_assert(result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR);
	set_fault(&s, "truncate@1");
	ck_assert_int_eq(post(&s, "/", VPCS, &status), CURLE_PARTIAL_FILE);
	ck_assert_int_eq(status, 200);
	set_fault(&s, "503@1");
	ck_assert_int_eq(post(&s, "/", VPCS, &status), CURLE_OK);
	ck_assert_int_eq(status, 503);
	set_fault(&s, "delay:30@1");
	ck_assert_int_eq(post(&s, "/", VPCS, &status), CURLE_OK);
	ck_assert_int_eq(status, 200);
	server_stop(&s);
}
END_TEST

/* A victim that waits to be killed; post returns what curl says of the request that killed it. */
static CURLcode
kill_at(struct server *s, const char *when)
{
	pid_t victim = fork();
	CURLcode result;
	char json[200];
	long status;
	int ended;

	if (victim == 0) {
		for (;;)
			pause();
	}
	ck_assert_int_eq(post(s, "/_sim/reset-counters", "", &status), CURLE_OK);
	snprintf(json, sizeof(json), "{\"at\": 2, \"pid\": %ld, \"signal\": 9, \"when\": \"%s\"}",
	    (long)victim, when);
	ck_assert_int_eq(post(s, "/_sim/signal", json, &status), CURLE_OK);
	ck_assert_int_eq(status, 200);
	ck_assert_int_eq(post(s, "/", VPCS, &status), CURLE_OK);
	ck_assert_int_eq(waitpid(victim, &ended, WNOHANG), 0);
	result = post(s, "/", VPCS, &status);
	ck_assert_int_eq(waitpid(victim, &ended, 0), victim);
	ck_assert(WIFSIGNALED(ended));
	return result;
}

START_TEST(signals_are_sent_at_the_nth_request)
{
	CURLcode result;
	struct server s;
	long status;

	server_start(&s);
	curl_easy_setopt(
	    s.curl, CURLOPT_FRESH_CONNECT, 1L); /* on a used connection curl would try again */
	result = kill_at(&s, "before");
	ck_assert(result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR);
	ck_assert_int_eq(kill_at(&s, "after"), CURLE_OK);
	ck_assert_int_eq(
	    post(&s, "/_sim/signal", "{\"at\": 1, \"pid\": 1, \"signal\": 9}", &status), CURLE_OK);
	ck_assert_int_eq(status, 400);
	server_stop(&s);
}
END_TEST

SIM_MAIN("ec2sim http", calls_are_answered_on_one_connection, a_large_body_comes_through,
    faults_reach_the_wire, signals_are_sent_at_the_nth_request)
