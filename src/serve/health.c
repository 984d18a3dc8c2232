#include "serve/health.h"

#include "base/clock.h"
#include "base/log.h"

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

static void
health_touch_and_arm(struct health *health)
{
	struct tmf_clock *clock = tmf_loop_clock(health->loop);

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

void
health_stop(struct health *health)
{
	tmf_loop_timer_disarm(health->loop, &health->timer);
	if (health->file != NULL)
		(void)unlink(health->file);
}
