#include "fd_watches_internal.h"

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

static int
control(struct fd_watches *watches, int operation, struct fd_watch *watch, struct err *err)
{
	struct epoll_event event = {.data.ptr = watch};

	if ((watch->wanted & LOOP_FD_READ) != 0)
		event.events |= EPOLLIN;
	if ((watch->wanted & LOOP_FD_WRITE) != 0)
		event.events |= EPOLLOUT;
	if (epoll_ctl(watches->epoll_fd, operation, watch->fd, &event) < 0)
		return err_set(err, ERR_SYSTEM, "epoll: %s", strerror(errno));
	return 0;
}

int
fd_watches_add(struct fd_watches *watches, struct fd_watch *watch, struct err *err)
{
	if (watches->epoll_fd < 0)
		watches->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watches->epoll_fd < 0)
		return err_set(err, ERR_SYSTEM, "epoll: %s", strerror(errno));
	if (control(watches, EPOLL_CTL_ADD, watch, err) < 0)
		return -1;
	watches->count++;
	return 0;
}

int
fd_watches_change(
    struct fd_watches *watches, struct fd_watch *watch, unsigned wanted, struct err *err)
{
	watch->wanted = wanted;
	return control(watches, EPOLL_CTL_MOD, watch, err);
}

void
fd_watches_remove(struct fd_watches *watches, const struct fd_watch *watch)
{
	int ret = epoll_ctl(watches->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);

	assert(ret == 0 && "removed twice, or after it was closed");
	watches->count--;
	for (int i = watches->events_next; i < watches->events_end; i++)
		if (watches->events[i].data.ptr == watch)
			watches->events[i].data.ptr = NULL;
}

static unsigned
events_of(const struct fd_watch *watch, uint32_t epoll_events)
{
	unsigned events = 0;

	if ((epoll_events & (EPOLLERR | EPOLLHUP)) != 0)
		return watch->wanted;
	if ((epoll_events & EPOLLIN) != 0)
		events |= LOOP_FD_READ;
	if ((epoll_events & EPOLLOUT) != 0)
		events |= LOOP_FD_WRITE;
	return events;
}

static void
tell(struct fd_watches *watches)
{
	while (watches->events_next < watches->events_end) {
		const struct epoll_event *event = &watches->events[watches->events_next++];
		struct fd_watch *watch = event->data.ptr;

		if (watch != NULL)
			watch->ready(watch, events_of(watch, event->events));
	}
}

int
fd_watches_wait(struct fd_watches *watches, int timeout_ms, struct err *err)
{
	int count;

	if (watches->epoll_fd >= 0)
		count =
		    epoll_wait(watches->epoll_fd, watches->events, FD_EVENTS_PER_WAIT, timeout_ms);
	else
		count = poll(NULL, 0, timeout_ms);
	if (count < 0 && errno != EINTR)
		return err_set(err, ERR_SYSTEM, "epoll: %s", strerror(errno));
	watches->events_next = 0;
	watches->events_end = count > 0 ? count : 0;
	tell(watches);
	return 0;
}
