#include "cli/report/progress.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TERMINAL_COLUMNS_DEFAULT 80u
#define CONTROL_C_COLUMNS	 3u
#define ESTIMATE_S		 10 /* shorter waits are not worth a word */
#define PACED_ACTION		 "CreateTrafficMirrorSession" /* one for each session */

/* How wide a line may be, with room for the ^C that a terminal writes behind it. */
static size_t
terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col <= CONTROL_C_COLUMNS)
		return TERMINAL_COLUMNS_DEFAULT - CONTROL_C_COLUMNS;
	return size.ws_col - CONTROL_C_COLUMNS;
}

/*
 * The carriage return goes to column 1, and ESC [ K erases from there to the end of the line. Other
 * lines of standard error then start on an empty line.
 */
static void
progress_erase(void *arg)
{
	struct progress *progress = arg;

	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}

/*
 * Adds ", part" unless that would make the line longer than its terminal: a part is shown whole
 * or not at all. Returns false where it did not fit.
 */
static bool progress_add_part(struct buf *line, size_t columns, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool
progress_add_part(struct buf *line, size_t columns, const char *format, ...)
{
	struct buf part = {0};
	const char *separator = line->len > 0 ? ", " : "";
	bool fits;
	va_list args;

	va_start(args, format);
	buf_vprintf(&part, format, args);
	va_end(args);
	fits = line->len + strlen(separator) + part.len <= columns;
	if (fits)
		buf_printf(line, "%s%s", separator, buf_cstr(&part));
	buf_fini(&part);
	return fits;
}

/* Those that a person must know of first. */
static const enum outcome_kind outcomes_first[] = {OUTCOME_FAILED, OUTCOME_CONFLICT};

static bool
progress_comes_first(enum outcome_kind kind)
{
	for (size_t i = 0; i < sizeof(outcomes_first) / sizeof(outcomes_first[0]); i++)
		if (outcomes_first[i] == kind)
			return true;
	return false;
}

/*
 * Two passes over the kinds: first those that come first, then the others. The first one that does
 * not fit ends the line, so that a lesser one cannot take its place.
 */
static void
progress_add_counts(struct buf *line, size_t columns, const struct progress *progress)
{
	int64_t counts[OUTCOME_COUNT];
	bool fits = true;

	if (store_outcomes_count(progress->store, progress->run_id, counts, NULL) < 0)
		return;
	for (int i = 0; i < 2 * OUTCOME_COUNT && fits; i++) {
		enum outcome_kind kind = (enum outcome_kind)(i % OUTCOME_COUNT);

		if (counts[kind] > 0 && progress_comes_first(kind) == (i < OUTCOME_COUNT))
			fits = progress_add_part(
			    line, columns, "%" PRId64 " %s", counts[kind], outcome_name(kind));
	}
}

/* Of several parts the last trouble stands for all: the line has room for one. */
void
progress_add(struct progress_sum *sum, const struct mirror *mirror, const struct aws_client *ec2)
{
	const struct mirror_progress *done = &mirror->progress;
	const struct aws_stats *stats = aws_client_stats(ec2);

	sum->mirrors = true;
	sum->pages += done->pages;
	sum->instances += done->instances;
	sum->requests += stats->requests;
	sum->throttled += stats->throttled;
	if (aws_client_trouble(ec2)[0] != '\0')
		sum->trouble = aws_client_trouble(ec2);
}

/* What is known to be ahead, where it takes a while at the pace that AWS allows. */
static void
progress_add_estimate(struct buf *line, size_t columns, const struct progress *progress)
{
	const struct mirror_progress *done = &progress->mirror->progress;
	struct pacer_estimate estimate;
	double seconds;

	if (progress->pacer == NULL || !pacer_estimate(progress->pacer, PACED_ACTION, &estimate) ||
	    !estimate.learnt || estimate.guess || estimate.accepted >= done->missing)
		return;
	seconds = (double)(done->missing - estimate.accepted) / estimate.rate_per_s;
	if (seconds < ESTIMATE_S)
		return;
	progress_add_part(line, columns,
	    "%" PRIu64 " sessions%s to create: at least %.0f %s at %.1f/s",
	    done->missing - estimate.accepted, done->more ? " and further pages" : "",
	    seconds < 120 ? seconds : seconds / 60, seconds < 120 ? "s" : "min",
	    estimate.rate_per_s);
}

/* Why it does not go on; on a terminal cut where the line ends. */
static void
progress_add_trouble(struct buf *line, size_t columns, const char *trouble)
{
	struct buf text = {0};
	size_t room = columns > line->len ? columns - line->len : 0;

	if (trouble == NULL)
		return;
	buf_printf(&text, "%swaiting: ", line->len > 0 ? ", " : "");
	log_escape(&text, trouble);
	if (text.len <= room)
		room = text.len;
	else
		while (room > 0 && ((unsigned char)text.p[room] & 0xc0) == 0x80)
			room--; /* not within a character */
	buf_add(line, text.p, room);
	buf_fini(&text);
}

/* The line, most important first: what does not fit into the columns is left out. */
static void
progress_compose(struct buf *line, size_t columns, const struct progress *progress)
{
	struct tmf_clock *clock = tmf_loop_clock(progress->loop);
	int64_t elapsed_ms = clock->mono_ms(clock) - progress->start_mono_ms;
	struct progress_sum sum = {0};

	if (progress->add_up != NULL)
		progress->add_up(progress->arg, &sum);
	else if (progress->mirror != NULL)
		progress_add(&sum, progress->mirror, progress->ec2);
	progress_add_part(line, columns, "%" PRId64 " s", elapsed_ms / 1000);
	if (sum.parts > 0)
		progress_add_part(line, columns, "%zu of %zu %s done", sum.parts_over, sum.parts,
		    sum.parts_noun != NULL ? sum.parts_noun : "parts");
	progress_add_trouble(line, columns, sum.trouble);
	if (!sum.mirrors)
		return;
	progress_add_part(line, columns, "page %" PRIu64, sum.pages);
	progress_add_part(line, columns, "%" PRIu64 " instances (%.0f/s)", sum.instances,
	    elapsed_ms > 0 ? (double)sum.instances * 1000.0 / (double)elapsed_ms : 0.0);
	if (progress->add_up == NULL)
		progress_add_estimate(line, columns, progress);
	if (sum.throttled > 0)
		progress_add_part(line, columns, "%" PRIu64 " of %" PRIu64 " calls throttled",
		    sum.throttled, sum.requests);
	else
		progress_add_part(line, columns, "%" PRIu64 " calls", sum.requests);
	if (progress->add_up == NULL) /* counting many parts would cost too much */
		progress_add_counts(line, columns, progress);
}

/*
 * A terminal has one line that is redrawn. A log file gets a line of its own each time, and less
 * often, because nobody can erase there.
 */
static void
progress_show(struct tmf_timer *timer)
{
	struct progress *progress = (struct progress *)timer;
	struct tmf_clock *clock = tmf_loop_clock(progress->loop);
	struct buf line = {0};

	progress_compose(&line, progress->terminal ? terminal_columns() : SIZE_MAX, progress);
	if (progress->terminal) {
		progress_erase(progress);
		fputs(buf_cstr(&line), stderr);
		progress->drawn = true;
	} else {
		fprintf(stderr, "tmflow: %s\n", buf_cstr(&line));
	}
	buf_fini(&line);
	tmf_loop_timer_arm(progress->loop, timer,
	    clock->mono_ms(clock) +
		(progress->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINES_MS));
}

void
progress_start(struct progress *progress)
{
	struct tmf_clock *clock = tmf_loop_clock(progress->loop);
	const char *term = getenv("TERM");

	progress->terminal = isatty(STDERR_FILENO) && term != NULL && term[0] != '\0' &&
			     str_is(str_of(term), "dumb") == false;
	progress->start_mono_ms = clock->mono_ms(clock);
	progress->timer.fire = progress_show;
	log_set_around(progress_erase, NULL, progress);
	tmf_loop_timer_arm(progress->loop, &progress->timer,
	    progress->start_mono_ms +
		(progress->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINES_MS));
}

void
progress_pause(struct progress *progress)
{
	progress_erase(progress);
}

void
progress_stop(struct progress *progress)
{
	if (progress->timer.fire == NULL)
		return;
	tmf_loop_timer_disarm(progress->loop, &progress->timer);
	progress_erase(progress);
	log_set_around(NULL, NULL, NULL);
	progress->timer.fire = NULL;
}
