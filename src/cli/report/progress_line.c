#include "cli/report/progress_line.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#define SEPARATOR ", "

/* A part is short by its making: no name or message of anybody is in one. Ends the buffer. */
static void
progress_part_take(char *text, struct buf *printed)
{
	assert(printed->len < PROGRESS_PART_BYTES);
	memcpy(text, buf_cstr(printed), printed->len + 1);
	buf_fini(printed);
}

struct progress_part *
progress_line_add(struct progress_line *line, unsigned rank, const char *format, ...)
{
	struct progress_part *part = &line->parts[line->count];
	struct buf printed = {0};
	va_list args;

	assert(line->count < PROGRESS_PARTS_MAX);
	*part = (struct progress_part){.rank = rank};
	va_start(args, format);
	buf_vprintf(&printed, format, args);
	va_end(args);
	progress_part_take(part->brief, &printed);
	memcpy(part->full, part->brief, sizeof(part->full));
	line->count++;
	return part;
}

void
progress_part_extend(struct progress_part *part, const char *format, ...)
{
	struct buf printed = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&printed, format, args);
	va_end(args);
	progress_part_take(part->full, &printed);
	assert(strlen(part->full) >= strlen(part->brief));
}

/* The part of the lowest rank from rank on; NULL: no more. There are few: sorting would not pay. */
static struct progress_part *
progress_line_next(struct progress_line *line, unsigned rank)
{
	struct progress_part *next = NULL;

	for (size_t i = 0; i < line->count; i++) {
		struct progress_part *part = &line->parts[i];

		if (part->rank >= rank && (next == NULL || part->rank < next->rank))
			next = part;
	}
	return next;
}

/* All brief forms that fit come first: a long form must not drive a number out. */
static size_t
progress_line_choose(struct progress_line *line, size_t columns)
{
	struct progress_part *part = progress_line_next(line, 0);

	for (; part != NULL; part = progress_line_next(line, part->rank + 1)) {
		size_t width = strlen(SEPARATOR) + strlen(part->brief);

		if (width > columns)
			break;
		part->shown = true;
		columns -= width;
	}
	return columns;
}

/* What is left of the line goes to the long forms, again by rank. */
static void
progress_line_extend(struct progress_line *line, size_t columns)
{
	struct progress_part *part = progress_line_next(line, 0);

	for (; part != NULL; part = progress_line_next(line, part->rank + 1)) {
		size_t more = strlen(part->full) - strlen(part->brief);

		part->is_full = part->shown && more <= columns;
		if (part->is_full)
			columns -= more;
	}
}

void
progress_line_write(struct progress_line *line, struct buf *text)
{
	size_t room = line->columns > text->len ? line->columns - text->len : 0;

	assert(text->len > 0); /* each part has its separator in front */
	progress_line_extend(line, progress_line_choose(line, room));
	for (size_t i = 0; i < line->count; i++)
		if (line->parts[i].shown)
			buf_printf(text, "%s%s", SEPARATOR,
			    line->parts[i].is_full ? line->parts[i].full : line->parts[i].brief);
	assert(text->len <= line->columns || room == 0);
}
