/* CPU time of one signed call over a warm connection: bench_call URL CALLS prints microseconds.
 * Keys come from the environment. See tools/bench. */
#include "aws/keys/credentials_chain.h"
#include "aws/services/ec2.h"
#include "base/clock.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define WARM_UP_CALLS 200

struct bench {
	struct tmf_loop *loop;
	struct aws_client *client;
	long left;
	struct tmf_err err;
};

static void start(struct bench *bench);

static void
completed(void *arg, struct tmf_call *call)
{
	struct bench *bench = arg;
	json_t *result = tmf_call_take_result(call);

	tmf_err_move(&bench->err, &call->err);
	json_decref(result);
	if (result == NULL || --bench->left == 0)
		tmf_loop_stop(bench->loop);
	else
		start(bench);
}

static void
start(struct bench *bench)
{
	tmf_call_on_done(
	    ec2_describe_sessions(bench->client, &(struct ec2_describe){.max_results = 5}),
	    completed, bench);
}

/* Microseconds of CPU time for calls, one after another; negative if one fails. */
static double
measure(struct bench *bench, long calls)
{
	struct rusage before;
	struct rusage after;

	bench->left = calls;
	getrusage(RUSAGE_SELF, &before);
	start(bench);
	if (tmf_loop_run(bench->loop, &bench->err) < 0 || tmf_err_isset(&bench->err))
		return -1;
	getrusage(RUSAGE_SELF, &after);
	return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
			before.ru_stime.tv_sec) *
		   1e6 +
	       (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
			before.ru_stime.tv_usec);
}

static int
run(struct bench *bench, const char *url, long calls)
{
	struct aws_settings settings = {0};
	struct credentials_provider *credentials = NULL;
	struct rng rng;
	double micros = -1;
	struct http_transport *transport = http_curl_new(
	    bench->loop, &(struct http_curl_opts){.user_agent = "tmflow/bench"}, &bench->err);

	rng_seed(&rng, 1);
	if (transport != NULL && aws_settings_load(&(struct aws_env){0}, "us-east-1", NULL,
				     &settings, &bench->err) == 0) {
		aws_settings_set_endpoint(&settings, "ec2", url);
		struct aws_client_opts opts = aws_client_opts_of(&settings, "ec2");

		credentials = credentials_chain_new(&(struct credentials_opts){
		    .loop = bench->loop,
		    .transport = transport,
		    .rng = &rng,
		    .settings = &settings,
		});
		opts.loop = bench->loop;
		opts.transport = transport;
		opts.credentials = credentials;
		opts.rng = &rng;
		bench->client = aws_client_new(&opts, &bench->err);
	}
	if (bench->client != NULL && measure(bench, WARM_UP_CALLS) >= 0)
		micros = measure(bench, calls);
	if (micros >= 0)
		printf("%.1f\n", micros / (double)calls);
	else
		fprintf(stderr, "bench_call: %s\n", tmf_err_text(&bench->err));
	aws_client_free(bench->client);
	credentials_provider_free(credentials);
	http_curl_free(transport);
	aws_settings_fini(&settings);
	return micros >= 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct bench bench = {.loop = tmf_loop_new(clock_system())};
	long calls = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	int code;

	if (calls < 1) {
		fputs("usage: bench_call URL CALLS\n", stderr);
		return 2;
	}
	code = run(&bench, argv[1], calls);
	tmf_err_fini(&bench.err);
	tmf_loop_free(bench.loop);
	return code;
}
