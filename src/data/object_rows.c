#include "data/object_rows.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

struct object_rows {
	struct object *object;
	struct rows *rows;
	int64_t seek; /* where to go on, once the columns have their names; 0: done */
};

/* Where it goes on in the middle the columns' names are still to be read, at the first look. */
struct object_rows *
object_rows_open(const struct object_opts *opts, const struct asl_reader *reader, int64_t offset)
{
	struct object_rows *of = mem_zalloc(1, sizeof(*of));

	of->object = object_open(opts);
	of->rows = rows_new(reader);
	of->seek = offset;
	return of;
}

void
object_rows_free(struct object_rows *of)
{
	if (of == NULL)
		return;
	object_free(of->object);
	rows_free(of->rows);
	free(of);
}

int64_t
object_rows_offset(const struct object_rows *of)
{
	return rows_offset(of->rows);
}

const struct object *
object_rows_object(const struct object_rows *of)
{
	return of->object;
}

/* Returns: ROWS_ITEM for a piece that was fed, or the end. */
static enum rows_next
object_rows_feed(struct object_rows *of, struct tmf_err *err)
{
	struct str piece;

	switch (object_read(of->object, &piece, err)) {
	case OBJECT_PIECE:
		rows_feed(of->rows, piece);
		return ROWS_ITEM;
	case OBJECT_OVER:
		rows_finish(of->rows);
		return ROWS_ITEM;
	case OBJECT_WAIT:
		return ROWS_MORE;
	case OBJECT_FAILED:
		break;
	}
	return ROWS_FAILED;
}

/* An error of the text bears the name of the object, as one of the object does already. */
static enum rows_next
object_rows_look(struct object_rows *of, json_t **ret_item, struct tmf_err *err)
{
	for (;;) {
		enum rows_next next = rows_next(of->rows, ret_item, err);

		if (next == ROWS_FAILED)
			tmf_err_prefix(err, "%s", object_name(of->object));
		if (next != ROWS_MORE)
			return next;
		next = object_rows_feed(of, err);
		if (next != ROWS_ITEM)
			return next;
	}
}

/* The columns' names stand at the beginning, wherever it goes on. The row behind them comes with
 * them: the seek throws it away. */
static enum rows_next
object_rows_go(struct object_rows *of, struct tmf_err *err)
{
	enum rows_next next = ROWS_ITEM;
	json_t *item = NULL;

	if (rows_wants_header(of->rows))
		next = object_rows_look(of, &item, err);
	json_decref(item);
	if (next == ROWS_MORE || next == ROWS_FAILED)
		return next;
	rows_seek(of->rows, of->seek);
	object_seek(of->object, of->seek);
	of->seek = 0;
	return ROWS_ITEM;
}

enum rows_next
object_rows_next(struct object_rows *of, json_t **ret_item, struct tmf_err *err)
{
	assert(of->seek >= 0);
	if (of->seek > 0) {
		enum rows_next next = object_rows_go(of, err);

		if (next != ROWS_ITEM)
			return next;
	}
	return object_rows_look(of, ret_item, err);
}
