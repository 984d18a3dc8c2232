#ifndef TMFLOW_LOOP_FD_WATCHES_H
#define TMFLOW_LOOP_FD_WATCHES_H

#include "tmflow/loop.h"

#include <sys/epoll.h>

#define FD_EVENTS_PER_WAIT 64

/* The descriptors that a loop waits on (epoll). */
struct fd_watches {
	int epoll_fd; /* -1 until the first is added */
	size_t count;
	struct epoll_event events[FD_EVENTS_PER_WAIT]; /* what the last wait brought */
	int events_next;			       /* the first that was not delivered yet */
	int events_end;
};

/* Makes an empty set without a descriptor. */
void fd_watches_init(struct fd_watches *watches);

/* Closes the set's own descriptor, not the watched ones. */
void fd_watches_fini(struct fd_watches *watches);

/* The set's descriptor, which can be read when one of the watches is ready. Returns: -1 on failure.
 * Borrows: the set closes it. Errors: TMF_ERR_SYSTEM. */
int fd_watches_fd(struct fd_watches *watches, struct tmf_err *err);

/* Adds a watch. Borrows: watch, until it is removed. Errors: TMF_ERR_SYSTEM. */
int fd_watches_add(struct fd_watches *watches, struct tmf_fd_watch *watch, struct tmf_err *err);

/* Removes a watch, also from what the present wait brought. Its descriptor is still open. */
void fd_watches_remove(struct fd_watches *watches, struct tmf_fd_watch *watch);

/* The same for one whose descriptor may have been closed behind our back, and is not watched again
 * by then: the kernel has forgotten it. */
void fd_watches_forget(struct fd_watches *watches, struct tmf_fd_watch *watch);

/* Waits for any of them, at most timeout_ms (-1: no limit), and calls those that are ready. A
 * signal ends it too.
 * Errors: TMF_ERR_SYSTEM. */
int fd_watches_wait(struct fd_watches *watches, int timeout_ms, struct tmf_err *err);

#endif
