#include "cli/report/progress.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/print.h"
#include "cli/report/progress_line.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TERMINAL_COLUMNS_DEFAULT 80u
#define CONTROL_C_COLUMNS	 3u
#define ESTIMATE_S		 10  /* shorter waits are not worth a word */
#define ESTIMATE_S_MAX		 120 /* longer ones are in minutes */
#define PACED_ACTION		 "CreateTrafficMirrorSession" /* one for each session */

/* How wide a line may be, with room for the ^C that a terminal writes behind it. */
static size_t
terminal_columns(void)
{
	size_t columns = cli_columns(stderr);

	return (columns > CONTROL_C_COLUMNS ? columns : TERMINAL_COLUMNS_DEFAULT) -
	       CONTROL_C_COLUMNS;
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

/* The order in which the parts of the line give way: the last ones first. */
enum progress_rank {
	RANK_FAILED,
	RANK_INSTANCES,
	RANK_ESTIMATE,
	RANK_THROTTLED,
	RANK_CONFLICT,
	RANK_PAGE,
	RANK_CALLS,
	RANK_OTHERS /* and above: the other outcomes */
};

static unsigned
progress_outcome_rank(enum outcome_kind kind)
{
	if (kind == OUTCOME_FAILED)
		return RANK_FAILED;
	return kind == OUTCOME_CONFLICT ? RANK_CONFLICT : RANK_OTHERS + (unsigned)kind;
}

/* Two passes over the kinds: those that a person must know of stand in front. */
static void
progress_add_counts(struct progress_line *line, const struct progress *progress)
{
	int64_t counts[OUTCOME_COUNT];

	if (store_outcomes_count(progress->store, progress->run_id, counts, NULL) < 0)
		return;
	for (int i = 0; i < 2 * OUTCOME_COUNT; i++) {
		enum outcome_kind kind = (enum outcome_kind)(i % OUTCOME_COUNT);
		unsigned rank = progress_outcome_rank(kind);

		if (counts[kind] > 0 && (rank < RANK_OTHERS) == (i < OUTCOME_COUNT))
			progress_line_add(
			    line, rank, "%" PRId64 " %s", counts[kind], outcome_name(kind));
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
	sum->instances_before += done->instances_before;
	sum->requests += stats->requests;
	sum->throttled += stats->throttled;
	if (aws_client_trouble(ec2)[0] != '\0')
		sum->trouble = aws_client_trouble(ec2);
}

/* What is known to be ahead, where it takes a while at the pace that AWS allows. */
static void
progress_add_estimate(struct progress_line *line, const struct progress *progress)
{
	const struct mirror_progress *done = &progress->mirror->progress;
	struct pacer_estimate estimate;
	struct progress_part *part;
	const char *unit = "s";
	double left;

	if (progress->pacer == NULL || !pacer_estimate(progress->pacer, PACED_ACTION, &estimate) ||
	    !estimate.learnt || estimate.guess || estimate.accepted >= done->missing)
		return;
	left = (double)(done->missing - estimate.accepted) / estimate.rate_per_s;
	if (left < ESTIMATE_S)
		return;
	if (left >= ESTIMATE_S_MAX) {
		left /= 60;
		unit = "min";
	}
	part = progress_line_add(
	    line, RANK_ESTIMATE, "%s%.0f %s left", done->more ? "over " : "", left, unit);
	progress_part_extend(part, "%" PRIu64 " sessions%s to create: at least %.0f %s at %.1f/s",
	    done->missing - estimate.accepted, done->more ? " and further pages" : "", left, unit,
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

/* How far the work itself is. */
static void
progress_add_work(struct progress_line *line, const struct progress *progress,
    const struct progress_sum *sum, int64_t elapsed_ms)
{
	uint64_t here = sum->instances - sum->instances_before;
	struct progress_part *part;

	progress_line_add(line, RANK_PAGE, "page %" PRIu64, sum->pages);
	part = progress_line_add(line, RANK_INSTANCES, "%" PRIu64 " instances", sum->instances);
	progress_part_extend(part, "%" PRIu64 " instances (%.0f/s)", sum->instances,
	    elapsed_ms > 0 ? (double)here * 1000.0 / (double)elapsed_ms : 0.0);
	if (progress->add_up == NULL)
		progress_add_estimate(line, progress);
	if (sum->throttled > 0) {
		part = progress_line_add(
		    line, RANK_THROTTLED, "%" PRIu64 " throttled", sum->throttled);
		progress_part_extend(part, "%" PRIu64 " of %" PRIu64 " calls throttled",
		    sum->throttled, sum->requests);
	} else {
		progress_line_add(line, RANK_CALLS, "%" PRIu64 " calls", sum->requests);
	}
	if (progress->add_up == NULL) /* counting many parts would cost too much */
		progress_add_counts(line, progress);
}

/* How long it has taken and what it waits for come first; the rest as there is room. */
static void
progress_compose(struct buf *text, size_t columns, const struct progress *progress)
{
	struct tmf_clock *clock = tmf_loop_clock(progress->loop);
	int64_t elapsed_ms = clock->mono_ms(clock) - progress->start_mono_ms;
	struct progress_line line = {.columns = columns};
	struct progress_sum sum = {0};

	if (progress->add_up != NULL)
		progress->add_up(progress->arg, &sum);
	else if (progress->mirror != NULL)
		progress_add(&sum, progress->mirror, progress->ec2);
	buf_printf(text, "%" PRId64 " s", elapsed_ms / 1000);
	if (sum.parts > 0)
		buf_printf(text, ", %zu of %zu %s done", sum.parts_over, sum.parts,
		    sum.parts_noun != NULL ? sum.parts_noun : "parts");
	progress_add_trouble(text, columns, sum.trouble);
	if (!sum.mirrors)
		return;
	progress_add_work(&line, progress, &sum, elapsed_ms);
	progress_line_write(&line, text);
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
