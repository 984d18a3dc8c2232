#include "serve/warnings.h"

#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Says that there were more than the lines of the log. */
static void
warning_kind_end(const struct warning_kind *kind)
{
	if (kind->event != NULL && kind->held_back > 0)
		log_event(LOG_WARN, kind->event, LOG_STR("error", kind->error),
		    LOG_INT("repeated", kind->held_back));
}

/* The kind's row; else the row of the one that was logged longest ago, for the new one. */
static struct warning_kind *
warnings_find(struct warnings *warnings, const char *event, const char *error)
{
	struct warning_kind *oldest = &warnings->kinds[0];

	assert(error[0] != '\0'); /* an error has a name: it is half of the kind */

	for (size_t i = 0; i < WARNING_KINDS_MAX; i++) {
		struct warning_kind *kind = &warnings->kinds[i];

		if (kind->event != NULL && strcmp(kind->event, event) == 0 &&
		    strcmp(kind->error, error) == 0)
			return kind;
		if (oldest->event != NULL &&
		    (kind->event == NULL || kind->logged_mono_ms < oldest->logged_mono_ms))
			oldest = kind;
	}
	warning_kind_end(oldest);
	/* A new kind, for the caller. The count of the old one is in the log by now. */
	oldest->event = NULL;
	oldest->held_back = 0;
	return oldest;
}

/*
 * The first one is logged at once, since it may be the only one. Those that follow within the
 * minute say nothing new but their number.
 */
bool
warnings_due(
    struct warnings *warnings, const char *event, const struct tmf_err *err, unsigned *ret_repeated)
{
	struct warning_kind *kind = warnings_find(warnings, event, err->name);
	int64_t now_mono_ms = tmf_loop_mono_ms(warnings->loop);

	assert(warnings->loop != NULL);
	assert(tmf_err_isset(err));
	/* A kind that is here has been logged: its time is of the past. */
	assert(kind->event == NULL || kind->logged_mono_ms <= now_mono_ms);
	if (kind->event != NULL && now_mono_ms - kind->logged_mono_ms < WARNING_EACH_MS) {
		kind->held_back++;
		return false;
	}
	*ret_repeated = kind->event != NULL ? kind->held_back : 0;
	*kind = (struct warning_kind){.event = event, .logged_mono_ms = now_mono_ms};
	snprintf(kind->error, sizeof(kind->error), "%s", err->name);
	return true;
}

/* The rows are emptied, so that a second call (an owner drains, then is freed) repeats nothing. */
void
warnings_end(struct warnings *warnings)
{
	for (size_t i = 0; i < WARNING_KINDS_MAX; i++) {
		warning_kind_end(&warnings->kinds[i]);
		warnings->kinds[i] = (struct warning_kind){0};
	}
}
