#ifndef TMFLOW_DATA_OBJECT_H
#define TMFLOW_DATA_OBJECT_H

#include "data/objects.h"

#include <stdbool.h>

/*
 * The text of an object of S3, as a stream of pieces: by ranges, so that memory holds one of them
 * however large it is, and so that a lost connection costs one. What is compressed with gzip is
 * unpacked on the way. All ranges are of one state of the object: a changed one is an error.
 *
 *   object_read -> OBJECT_PIECE: a part of the text
 *                  OBJECT_WAIT:  ask again when the waiter is woken
 */
struct object;

#define OBJECT_RANGE_BYTES    (1 << 20) /* of one request */
#define OBJECT_ETAG_BYTES_MAX 64

struct object_opts {
	struct objects *objects; /* borrowed */
	const char *bucket;
	const char *key;
	const char *version_id; /* NULL: the newest */
	const char *etag;	/* of an earlier reading; NULL or "": whichever it is now */
	bool unpacks;		/* gzip even where no header says so, by its first bytes */
	const char *error;	/* the name of what is reported. Static */
	struct objects_waiter waiter;
};

enum object_next { OBJECT_PIECE, OBJECT_WAIT, OBJECT_OVER, OBJECT_FAILED };

/* Asks for nothing yet: object_read does. opts is borrowed until it returns. */
struct object *object_open(const struct object_opts *opts);
/* Gives up what was asked for. NULL is fine. */
void object_free(struct object *object);

/* The next piece, borrowed until the next call. Errors: as opts.error, naming the object. */
enum object_next object_read(struct object *object, struct str *ret_piece, struct tmf_err *err);

/* The next piece begins at this offset of the text. One that is compressed is read again from its
 * beginning, since nobody knows where that offset is. */
void object_seek(struct object *object, int64_t offset);

/* Which state of the object is read; "" until the first piece. Borrowed. */
const char *object_etag(const struct object *object);

/* "s3://BUCKET/KEY". Borrowed. */
const char *object_name(const struct object *object);

#endif
