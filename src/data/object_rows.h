#ifndef TMFLOW_DATA_OBJECT_ROWS_H
#define TMFLOW_DATA_OBJECT_ROWS_H

#include "data/object.h"
#include "data/rows.h"

/* The items in the text of an object of S3. */
struct object_rows;

/* opts: of the object. reader: how its text is to be read, kept. offset: where to go on, as
 * object_rows_offset gave it; 0: at the beginning. */
struct object_rows *
object_rows_open(const struct object_opts *opts, const struct asl_reader *reader, int64_t offset);
/* Gives up what was asked for. NULL is fine. */
void object_rows_free(struct object_rows *of);

/* The next item, a new reference. ROWS_MORE: the waiter will be woken. Errors: those of object_read
 * and rows_next, naming the object. */
enum rows_next object_rows_next(struct object_rows *of, json_t **ret_item, struct tmf_err *err);

/* Behind the last item. Units: bytes of the text. */
int64_t object_rows_offset(const struct object_rows *of);

/* The object. Borrowed. */
const struct object *object_rows_object(const struct object_rows *of);

#endif
