#ifndef TMFLOW_LOOP_FD_WATCHES_INTERNAL_H
#define TMFLOW_LOOP_FD_WATCHES_INTERNAL_H

#include "tmflow/loop/loop.h"

/* The descriptors of a loop behind one of their own (epoll), which a poller waits on beside the network's. */
struct fd_watches {
	int epoll_fd; /* -1 until the first is added */
	size_t count;
};

void fd_watches_init(struct fd_watches *watches);
void fd_watches_fini(struct fd_watches *watches);
int fd_watches_add(struct fd_watches *watches, struct fd_watch *watch, struct err *err);
void fd_watches_remove(struct fd_watches *watches, const struct fd_watch *watch);

/* Tells those that are ready, each at most once or so; any may be removed meanwhile. */
void fd_watches_run(struct fd_watches *watches);

#endif
