#include "worker_internal.h"

#include "tmflow/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEALTH_FILE_MODE 0644

static int
touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, HEALTH_FILE_MODE);
	int ret;

	if (fd < 0)
		return -1;
	ret = futimens(fd, NULL);
	close(fd);
	return ret;
}

static void
touch_and_arm(struct worker *worker)
{
	struct clock *clock = loop_clock(worker->opts.loop);

	if (!worker->failing && touch(worker->opts.health_file) < 0)
		log_event(LOG_ERROR, "worker.health", LOG_STR("file", worker->opts.health_file),
		    LOG_STR("cause", strerror(errno)));
	loop_timer_arm(
	    worker->opts.loop, &worker->health, clock->mono_ms(clock) + WORKER_HEALTH_MS);
}

static void
health_due(struct timer *timer)
{
	touch_and_arm((struct worker *)((char *)timer - offsetof(struct worker, health)));
}

void
worker_health_start(struct worker *worker)
{
	worker->health.fire = health_due;
	if (worker->opts.health_file != NULL)
		touch_and_arm(worker);
}

void
worker_health_stop(struct worker *worker)
{
	loop_timer_disarm(worker->opts.loop, &worker->health);
	if (worker->opts.health_file != NULL)
		(void)unlink(worker->opts.health_file);
}
