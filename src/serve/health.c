#include "serve/health.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0644

static int
health_touch(const char *path)
{
	/* Neither what a link leads to, nor a pipe that would block. */
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, FILE_MODE);
	int ret;

	if (fd < 0)
		return -1;
	ret = futimens(fd, NULL);
	close(fd);
	return ret;
}

/*
 * A probe compares the file's age with its bound. While polls fail the file is not touched, so
 * that it grows old and the probe sees the fault. The timer runs on, and the next success is
 * seen.
 */
static void
health_touch_and_arm(struct health *health)
{
	struct tmf_clock *clock = tmf_loop_clock(health->loop);

	assert(health->file != NULL);
	if (!health->failing && health_touch(health->file) < 0)
		log_event(LOG_ERROR, "health.file", LOG_STR("file", health->file),
		    LOG_STR("cause", strerror(errno)));
	tmf_loop_timer_arm(health->loop, &health->timer, clock->mono_ms(clock) + HEALTH_TOUCH_MS);
}

static void
health_touch_due(struct tmf_timer *timer)
{
	health_touch_and_arm((struct health *)((char *)timer - offsetof(struct health, timer)));
}

void
health_start(struct health *health, struct tmf_loop *loop, const char *file)
{
	*health = (struct health){.loop = loop, .file = file, .timer.fire = health_touch_due};
	if (file != NULL)
		health_touch_and_arm(health);
}

/* A process that ended leaves no file behind that would look alive until it is too old. */
void
health_stop(struct health *health)
{
	tmf_loop_timer_disarm(health->loop, &health->timer);
	if (health->file != NULL)
		(void)unlink(health->file);
}
