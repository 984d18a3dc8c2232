#ifndef TMFLOW_WEB_HTTP_MICROHTTPD_H
#define TMFLOW_WEB_HTTP_MICROHTTPD_H

#include "tmflow/error.h"

#include <microhttpd.h>

/*
 * libmicrohttpd, loaded when something is to be served: only ui and --metrics-listen need it, and
 * with it GnuTLS would start in every run. See: src/decisions/080-what-one-command-needs.md
 */

/* The functions that are used here, without their MHD_. */
#define MICROHTTPD_FUNCTIONS(X)                                                                    \
	X(add_response_header)                                                                     \
	X(create_response_from_buffer)                                                             \
	X(create_response_from_callback)                                                           \
	X(create_response_from_fd64)                                                               \
	X(destroy_response)                                                                        \
	X(get_connection_info)                                                                     \
	X(get_daemon_info)                                                                         \
	X(get_timeout)                                                                             \
	X(lookup_connection_value)                                                                 \
	X(queue_response)                                                                          \
	X(resume_connection)                                                                       \
	X(run)                                                                                     \
	X(start_daemon)                                                                            \
	X(stop_daemon)                                                                             \
	X(suspend_connection)

/* Each with the type that the library's own header gives it. */
struct microhttpd {
#define MICROHTTPD_MEMBER(name) __typeof__(MHD_##name) *name;
	MICROHTTPD_FUNCTIONS(MICROHTTPD_MEMBER)
#undef MICROHTTPD_MEMBER
};

/*
 * Fills in all of them. The library stays loaded until the process ends: its constructors have
 * started others. Errors: TMF_ERR_SYSTEM, where it is not installed or lacks a function.
 */
int microhttpd_load(struct microhttpd *ret, struct tmf_err *err);

#endif
