#include "progress.h"

#include "tmflow/base/buf.h"
#include "tmflow/base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TERMINAL_COLUMNS_DEFAULT 80

static int
terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return TERMINAL_COLUMNS_DEFAULT;
	return size.ws_col;
}

static void
erase(void *arg)
{
	struct progress *progress = arg;

	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}

static void
add_counts(struct buf *line, const struct progress *progress)
{
	int64_t counts[OUTCOME_COUNT];

	if (store_outcomes_count(progress->store, progress->run_id, counts, NULL) < 0)
		return;
	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		if (counts[kind] > 0)
			buf_printf(line, ", %" PRId64 " %s", counts[kind],
			    outcome_name((enum outcome_kind)kind));
}

static void
compose(struct buf *line, const struct progress *progress)
{
	struct clock *clock = loop_clock(progress->loop);
	int64_t elapsed_ms = clock->mono_ms(clock) - progress->start_mono_ms;

	buf_printf(line, "%" PRId64 " s", elapsed_ms / 1000);
	if (progress->mirror == NULL)
		return;
	const struct mirror_progress *done = mirror_progress(progress->mirror);
	const struct aws_stats *stats = aws_client_stats(progress->ec2);
	buf_printf(line, ", page %" PRIu64 ", %" PRIu64 " instances (%.0f/s)", done->pages,
	    done->instances,
	    elapsed_ms > 0 ? (double)done->instances * 1000.0 / (double)elapsed_ms : 0.0);
	add_counts(line, progress);
	buf_printf(line, "; %" PRIu64 " calls", stats->requests);
	if (stats->throttled > 0)
		buf_printf(line, ", %" PRIu64 " throttled", stats->throttled);
}

static void
show(struct timer *timer)
{
	struct progress *progress = (struct progress *)timer;
	struct clock *clock = loop_clock(progress->loop);
	struct buf line = {0};

	compose(&line, progress);
	if (progress->terminal) {
		erase(progress);
		fprintf(stderr, "%.*s", terminal_columns() - 1, buf_cstr(&line));
		progress->drawn = true;
	} else {
		fprintf(stderr, "tmflow: %s\n", buf_cstr(&line));
	}
	buf_fini(&line);
	loop_timer_arm(progress->loop, timer,
	    clock->mono_ms(clock) +
		(progress->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINES_MS));
}

void
progress_start(struct progress *progress)
{
	struct clock *clock = loop_clock(progress->loop);
	const char *term = getenv("TERM");

	progress->terminal = isatty(STDERR_FILENO) && term != NULL && term[0] != '\0' &&
			     str_is(str_of(term), "dumb") == false;
	progress->start_mono_ms = clock->mono_ms(clock);
	progress->timer.fire = show;
	log_set_around(erase, NULL, progress);
	loop_timer_arm(progress->loop, &progress->timer,
	    progress->start_mono_ms +
		(progress->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINES_MS));
}

void
progress_stop(struct progress *progress)
{
	if (progress->timer.fire == NULL)
		return;
	loop_timer_disarm(progress->loop, &progress->timer);
	erase(progress);
	log_set_around(NULL, NULL, NULL);
	progress->timer.fire = NULL;
}
