#ifndef TMFLOW_LOOP_FD_WATCHES_H
#define TMFLOW_LOOP_FD_WATCHES_H

#include "tmflow/loop.h"

#include <sys/epoll.h>

#define FD_EVENTS_PER_WAIT 64

/* The descriptors that a loop waits on (epoll). */
struct fd_watches {
	int epoll_fd;				       /* -1 until the first is added */
	size_t count;				       /* that do not rest */
	struct epoll_event events[FD_EVENTS_PER_WAIT]; /* what the last wait brought */
	int events_next;			       /* the first that was not told yet */
	int events_end;
};

void fd_watches_init(struct fd_watches *watches);
void fd_watches_fini(struct fd_watches *watches);
int fd_watches_add(struct fd_watches *watches, struct tmf_fd_watch *watch, struct tmf_err *err);
int fd_watches_change(
    struct fd_watches *watches, struct tmf_fd_watch *watch, unsigned wanted, struct tmf_err *err);
void fd_watches_remove(struct fd_watches *watches, struct tmf_fd_watch *watch);

/* Waits for any of them, at most timeout_ms (-1: no limit), and tells those that are ready. A signal ends it too. Errors: TMF_ERR_SYSTEM. */
int fd_watches_wait(struct fd_watches *watches, int timeout_ms, struct tmf_err *err);

#endif
