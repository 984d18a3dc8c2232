#include "loop/fd_watches.h"

#include "base/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
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

/* Made when it is first needed: a loop of timers and tasks alone takes no descriptor. */
int
fd_watches_fd(struct fd_watches *watches, struct tmf_err *err)
{
	if (watches->epoll_fd < 0)
		watches->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watches->epoll_fd < 0)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "epoll: %s", strerror(errno));
	return watches->epoll_fd;
}

/* A descriptor may be watched once: to read and to write at once is one watch. */
int
fd_watches_add(struct fd_watches *watches, struct tmf_fd_watch *watch, struct tmf_err *err)
{
	struct epoll_event event = {.data.ptr = watch};
	int fd = fd_watches_fd(watches, err);

	assert(watch->wanted != 0 && watch->ready != NULL);
	if (fd < 0)
		return -1;
	if ((watch->wanted & TMF_LOOP_FD_READ) != 0)
		event.events |= EPOLLIN;
	if ((watch->wanted & TMF_LOOP_FD_WRITE) != 0)
		event.events |= EPOLLOUT;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "epoll: %s", strerror(errno));
	watches->count++;
	return 0;
}

static void
fd_watches_drop(struct fd_watches *watches, const struct tmf_fd_watch *watch)
{
	assert(watches->count > 0);
	watches->count--;
	/* An event of this wait that was not delivered yet would call what may be freed by then. */
	for (int i = watches->events_next; i < watches->events_end; i++)
		if (watches->events[i].data.ptr == watch)
			watches->events[i].data.ptr = NULL;
}

/* Called before the descriptor is closed: epoll forgets a closed one by itself. */
void
fd_watches_remove(struct fd_watches *watches, struct tmf_fd_watch *watch)
{
	int ret = epoll_ctl(watches->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);

	assert(ret == 0 && "removed twice, or after it was closed");
	fd_watches_drop(watches, watch);
}

void
fd_watches_forget(struct fd_watches *watches, struct tmf_fd_watch *watch)
{
	(void)epoll_ctl(watches->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	fd_watches_drop(watches, watch);
}

/* A hangup or an error (EPOLLHUP, EPOLLERR) comes as all that was wanted: the next read or write
 * finds out which. */
static unsigned
fd_watch_events(const struct tmf_fd_watch *watch, uint32_t epoll_events)
{
	unsigned events = 0;

	if ((epoll_events & (EPOLLERR | EPOLLHUP)) != 0)
		return watch->wanted;
	if ((epoll_events & EPOLLIN) != 0)
		events |= TMF_LOOP_FD_READ;
	if ((epoll_events & EPOLLOUT) != 0)
		events |= TMF_LOOP_FD_WRITE;
	return events;
}

/* Level-triggered, 64 at a time: what is left stays ready and comes with the next wait, so no
 * descriptor starves. A callback may remove any watch; those that were already reported are taken
 * out of the row by fd_watches_remove. Without a watch there is nothing to poll, and epoll_wait
 * would need a descriptor for nothing. */
int
fd_watches_wait(struct fd_watches *watches, int timeout_ms, struct tmf_err *err)
{
	int count;

	if (watches->epoll_fd >= 0)
		count =
		    epoll_wait(watches->epoll_fd, watches->events, FD_EVENTS_PER_WAIT, timeout_ms);
	else
		count = poll(NULL, 0, timeout_ms);
	if (count < 0 && errno != EINTR)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "epoll: %s", strerror(errno));
	watches->events_next = 0;
	watches->events_end = count > 0 ? count : 0;
	while (watches->events_next < watches->events_end) {
		const struct epoll_event *event = &watches->events[watches->events_next++];
		struct tmf_fd_watch *watch = event->data.ptr;

		if (watch == NULL)
			continue;
		watchdog_begin();
		watch->ready(watch, fd_watch_events(watch, event->events));
	}
	return 0;
}
