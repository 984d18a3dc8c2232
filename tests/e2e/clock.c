/*
 * Preloaded into a program: its wall clock is off by as many seconds as the file TMFLOW_CLOCK_FILE
 * says, a number of 64 bits that a test may change at any time, as when somebody sets the clock.
 * The monotonic clock goes on.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CANNOT_BEGIN_EXIT 99

static int (*clock_next)(clockid_t id, struct timespec *ret);
static const volatile int64_t *clock_off_s;

__attribute__((constructor)) static void
clock_begin(void)
{
	const char *path = getenv("TMFLOW_CLOCK_FILE");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapped = mmap(NULL, sizeof(*clock_off_s), PROT_READ, MAP_SHARED, fd, 0);

	*(void **)&clock_next = dlsym(RTLD_NEXT, "clock_gettime");
	if (mapped == MAP_FAILED || clock_next == NULL)
		_exit(CANNOT_BEGIN_EXIT);
	clock_off_s = mapped;
	close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *ret)
{
	int result;

	if (clock_next == NULL) /* another library's constructor came first */
		*(void **)&clock_next = dlsym(RTLD_NEXT, "clock_gettime");
	result = clock_next(id, ret);
	if (result == 0 && clock_off_s != NULL &&
	    (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ret->tv_sec += *clock_off_s;
	return result;
}

int
gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *ret)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	if (ret != NULL)
		*ret = now.tv_sec;
	return now.tv_sec;
}
