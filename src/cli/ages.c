#include "cli/ages.h"

#include "base/mem.h"
#include "base/timestamp.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND_MS  INT64_C(1000)
#define MINUTE_MS  (60 * SECOND_MS)
#define HOUR_MS	   (60 * MINUTE_MS)
#define DAY_MS	   (24 * HOUR_MS)
#define AMOUNT_MAX 1000000 /* of any unit: weeks then still fit, and no sum overflows */

static const struct age_unit {
	char letter;
	int64_t ms;
} age_units[] = {
    {'s', SECOND_MS}, {'m', MINUTE_MS}, {'h', HOUR_MS}, {'d', DAY_MS}, {'w', 7 * DAY_MS}};

/* True if text is a number and one of the letters, and nothing else. */
static bool
age_read(const char *text, int64_t *ret_ms)
{
	char *end;

	assert(text != NULL);
	long long amount = strtoll(text, &end, 10);

	if (end == text || amount < 0 || amount > AMOUNT_MAX || end[0] == '\0' || end[1] != '\0')
		return false;
	for (size_t i = 0; i < sizeof(age_units) / sizeof(age_units[0]); i++) {
		if (age_units[i].letter != end[0])
			continue;
		*ret_ms = amount * age_units[i].ms;
		return true;
	}
	return false;
}

int
cli_age_parse(const char *option, const char *text, int64_t *ret_ms, struct tmf_err *err)
{
	if (age_read(text, ret_ms))
		return 0;
	return tmf_err_set(
	    err, TMF_ERR_INVALID, "%s takes an age (30m, 36h, 7d, 2w), not \"%s\"", option, text);
}

int
cli_moment_parse(const char *option, const char *text, int64_t now_wall_ms, int64_t *ret_wall_ms,
    struct tmf_err *err)
{
	struct timestamp at;
	int64_t age_ms;
	/* A day alone means its midnight in UTC, as all times in the store. */
	char *day = mem_printf("%sT00:00:00Z", text);
	bool is_day = timestamp_parse(str_of(day), &at);

	free(day);
	if (is_day || timestamp_parse(str_of(text), &at)) {
		*ret_wall_ms = at.seconds * SECOND_MS;
		return 0;
	}
	if (age_read(text, &age_ms)) {
		*ret_wall_ms = now_wall_ms - age_ms;
		return 0;
	}
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "%s takes a day (2026-01-15), a time (2026-01-15T12:00:00Z) or an age (30m, 36h, 7d), "
	    "not \"%s\"",
	    option, text);
}

/* Two units at most: who reads a column of days wants no seconds. */
void
cli_duration(int64_t ms, char out[CLI_DURATION_BYTES])
{
	if (ms < 0) /* the clock was set back */
		ms = 0;
	if (ms < MINUTE_MS)
		snprintf(out, CLI_DURATION_BYTES, "%.1fs", (double)ms / (double)SECOND_MS);
	else if (ms < HOUR_MS)
		snprintf(out, CLI_DURATION_BYTES, "%" PRId64 "m%02" PRId64 "s", ms / MINUTE_MS,
		    ms % MINUTE_MS / SECOND_MS);
	else if (ms < DAY_MS)
		snprintf(out, CLI_DURATION_BYTES, "%" PRId64 "h%02" PRId64 "m", ms / HOUR_MS,
		    ms % HOUR_MS / MINUTE_MS);
	else
		snprintf(out, CLI_DURATION_BYTES, "%" PRId64 "d%02" PRId64 "h", ms / DAY_MS,
		    ms % DAY_MS / HOUR_MS);
}
