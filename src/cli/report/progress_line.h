#ifndef TMFLOW_CLI_REPORT_PROGRESS_LINE_H
#define TMFLOW_CLI_REPORT_PROGRESS_LINE_H

#include "base/buf.h"
#include "store/store.h"

#define PROGRESS_PART_BYTES 112
#define PROGRESS_PARTS_MAX  (OUTCOME_COUNT + 8)

/*
 * Parts of a line that fits its terminal. A part is shown whole or not at all, in its
 * full or its brief form. Which are shown goes by their rank, where they stand by their order:
 * "page 3" stands in front of "5 failed" and has to make room for it.
 */
struct progress_part {
	unsigned rank; /* 0 is shown first. Each has its own */
	char brief[PROGRESS_PART_BYTES];
	char full[PROGRESS_PART_BYTES];
	bool shown;
	bool is_full;
};

struct progress_line {
	size_t columns; /* of the terminal; SIZE_MAX: none */
	size_t count;
	struct progress_part parts[PROGRESS_PARTS_MAX];
};

/* Adds a part whose two forms are one. */
struct progress_part *progress_line_add(struct progress_line *line, unsigned rank,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Gives a part a form that is longer, for where there is room. */
void progress_part_extend(struct progress_part *part, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Chooses what fits behind what text has, and writes it there. The first by rank that does not fit
 * ends the choice, so that a lesser one cannot take its place. */
void progress_line_write(struct progress_line *line, struct buf *text);

#endif
