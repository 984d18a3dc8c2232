#ifndef EC2SIM_HTTP_H
#define EC2SIM_HTTP_H

#include "cloud.h"

#include <stdint.h>
#include <sys/types.h>

/* The cloud over HTTP/1.1: one thread, one loop. */
struct sim_http;

#define SIM_SIGNALS_MAX 64u

/* A signal to another process when a certain request comes: for tests of what a crash leaves
 * behind. */
struct sim_signal {
	uint64_t at; /* the at-th request (cloud_requests) or the first after it */
	pid_t pid;
	int number;
	bool
	    after; /* once the request has had its effect; else before, and with SIGKILL the request is dropped unhandled */
};

struct sim_http_opts {
	const char *listen; /* an IPv4 address */
	uint16_t port;	    /* 0: any */
	bool verbose;	    /* a line a request on standard error */
};

/* Listens. The cloud is borrowed. Errors: TMF_ERR_SYSTEM. */
struct sim_http *
sim_http_new(struct sim_cloud *cloud, const struct sim_http_opts *opts, struct tmf_err *err);
void sim_http_free(struct sim_http *http);
uint16_t sim_http_port(const struct sim_http *http);

/* Serves until stop_fd is readable. Errors: TMF_ERR_SYSTEM. */
int sim_http_run(struct sim_http *http, int stop_fd, struct tmf_err *err);

/* Adds a signal. Errors: TMF_ERR_INVALID for process ids below 2, one's own, signal 0, or more
 * than SIM_SIGNALS_MAX pending. */
int sim_http_add_signal(struct sim_http *http, const struct sim_signal *plan, struct tmf_err *err);

#endif
