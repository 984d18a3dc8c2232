#include "base/clock.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#define ISO_WALL_MS_MIN 0LL		  /* 1970 */
#define ISO_WALL_MS_MAX 253402300799999LL /* the end of 9999: a fifth digit would not fit */

/* Milliseconds are what AWS's timestamps have, and enough for every timer here. */
static int64_t
clock_now_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* For what is shown or stored; it may jump when somebody sets the clock. */
static int64_t
system_wall_ms(const struct tmf_clock *clock)
{
	(void)clock;
	return clock_now_ms(CLOCK_REALTIME);
}

/* For timers: it never goes back. */
static int64_t
system_mono_ms(const struct tmf_clock *clock)
{
	(void)clock;
	return clock_now_ms(CLOCK_MONOTONIC);
}

/* CLOCK_MONOTONIC stands still while the machine sleeps: a wait of a minute may end late by the
 * time that a laptop was closed, and never early. */
struct tmf_clock *
clock_system(void)
{
	static struct tmf_clock system = {.wall_ms = system_wall_ms, .mono_ms = system_mono_ms};

	return &system;
}

/* A fake clock is a clock with its time behind it: the interface comes first in the struct. */
static int64_t
fake_wall_ms(const struct tmf_clock *clock)
{
	return ((const struct fake_clock *)clock)->now_wall_ms;
}

static int64_t
fake_mono_ms(const struct tmf_clock *clock)
{
	return ((const struct fake_clock *)clock)->now_mono_ms;
}

/* Both clocks move together: in a test nobody sets the wall clock. */
static void
fake_advance(struct tmf_clock *clock, int64_t by_ms)
{
	struct fake_clock *fake = (struct fake_clock *)clock;

	assert(by_ms >= 0);
	fake->now_wall_ms += by_ms;
	fake->now_mono_ms += by_ms;
}

/* The monotonic clock begins at 0: a test that mixes the two up fails. */
void
fake_clock_init(struct fake_clock *fake, int64_t wall_ms)
{
	*fake = (struct fake_clock){
	    .clock = {.wall_ms = fake_wall_ms, .mono_ms = fake_mono_ms, .advance = fake_advance},
	    .now_wall_ms = wall_ms,
	};
}

/* As decimal digits without a NUL: snprintf would write one into what stands behind. */
static void
clock_iso_digits(char *out, int digits, int number)
{
	assert(number >= 0);
	while (digits-- > 0) {
		out[digits] = (char)('0' + number % 10);
		number /= 10;
	}
}

/* Not by strftime and printf: each line of the log and each signature has one. What is out of range
 * is written as the nearest time that the form can hold. */
void
clock_iso(int64_t wall_ms, char out[CLOCK_ISO_BYTES])
{
	struct tm tm;
	time_t seconds;

	if (wall_ms < ISO_WALL_MS_MIN)
		wall_ms = ISO_WALL_MS_MIN;
	if (wall_ms > ISO_WALL_MS_MAX)
		wall_ms = ISO_WALL_MS_MAX;
	seconds = (time_t)(wall_ms / 1000);
	gmtime_r(&seconds, &tm);
	clock_iso_digits(out, 4, tm.tm_year + 1900);
	clock_iso_digits(out + 5, 2, tm.tm_mon + 1);
	clock_iso_digits(out + 8, 2, tm.tm_mday);
	clock_iso_digits(out + 11, 2, tm.tm_hour);
	clock_iso_digits(out + 14, 2, tm.tm_min);
	clock_iso_digits(out + 17, 2, tm.tm_sec);
	clock_iso_digits(out + 20, 3, (int)(wall_ms % 1000));
	out[4] = out[7] = '-';
	out[10] = 'T';
	out[13] = out[16] = ':';
	out[19] = '.';
	memcpy(out + 23, "Z", 2);
}
