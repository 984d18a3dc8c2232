#ifndef TMFLOW_BASE_CLOCK_H
#define TMFLOW_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Time as an interface, so that a test can own it. Wall time (ms since 1970, UTC) is for
 * signatures, timestamps and records; monotonic time (ms since some start) is for timers. They
 * never share a name.
 */
struct tmf_clock {
	int64_t (*wall_ms)(const struct tmf_clock *clock);
	int64_t (*mono_ms)(const struct tmf_clock *clock);
	/* NULL for the real clock. A fake clock moves itself forward instead of letting the loop
	 * sleep. */
	void (*advance)(struct tmf_clock *clock, int64_t by_ms);
};

/* The machine's clock; static, never freed. */
struct tmf_clock *clock_system(void);

/* A clock that moves only by its advance. */
struct fake_clock {
	struct tmf_clock clock;
	int64_t now_wall_ms;
	int64_t now_mono_ms;
};

/* Begins at wall_ms, and at 0 of the monotonic clock. */
void fake_clock_init(struct fake_clock *fake, int64_t wall_ms);

#define CLOCK_ISO_BYTES 25 /* 2026-01-15T12:00:00.000Z and NUL */

/* Writes wall_ms as YYYY-MM-DDTHH:MM:SS.mmmZ. */
void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_BYTES]);

#endif
