#include "fd_watches_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

void
fd_watches_init(struct fd_watches *watches)
{
	*watches = (struct fd_watches){.epoll_fd = -1};
}

void
fd_watches_fini(struct fd_watches *watches)
{
	if (watches->epoll_fd >= 0)
		close(watches->epoll_fd);
	fd_watches_init(watches);
}

int
fd_watches_add(struct fd_watches *watches, struct fd_watch *watch, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

	if (watches->epoll_fd < 0)
		watches->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watches->epoll_fd < 0 ||
	    epoll_ctl(watches->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return err_set(err, ERR_SYSTEM, "epoll: %s", strerror(errno));
	watches->count++;
	return 0;
}

void
fd_watches_remove(struct fd_watches *watches, const struct fd_watch *watch)
{
	int ret = epoll_ctl(watches->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);

	assert(ret == 0 && "removed twice, or after it was closed");
	watches->count--;
}

void
fd_watches_run(struct fd_watches *watches)
{
	struct epoll_event event;

	/* One at a time: what is ready may take another away, and the system goes round them all. */
	for (size_t i = watches->count; i > 0; i--) {
		if (epoll_wait(watches->epoll_fd, &event, 1, 0) != 1)
			return;
		struct fd_watch *watch = event.data.ptr;

		watch->ready(watch);
	}
}
