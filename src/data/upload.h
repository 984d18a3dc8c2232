#ifndef TMFLOW_DATA_UPLOAD_H
#define TMFLOW_DATA_UPLOAD_H

#include "data/objects.h"

/* Objects of a bucket of S3 that are put one after another. */
struct upload;

struct upload_opts {
	struct objects *objects; /* borrowed */
	const char *bucket;
	const char *error; /* the name of what is reported. Static */
	struct objects_waiter waiter;
};

enum upload_turn {
	UPLOAD_IDLE, /* what was put is there: the next one may be */
	UPLOAD_WAIT, /* ask again when the waiter is woken */
	UPLOAD_FAILED,
};

/* Asks for nothing yet. opts is borrowed until it returns. */
struct upload *upload_new(const struct upload_opts *opts);
/* Gives up what is on its way. NULL is fine. */
void upload_free(struct upload *upload);

/* Puts an object. Moves body. Takes: an upload that is idle. */
void upload_put(struct upload *upload, const char *key, const char *content_type, struct buf *body);

/* How far it is. Errors: as opts.error, naming the object, once: the upload is idle then. */
enum upload_turn upload_turn(struct upload *upload, struct tmf_err *err);

/* Gives up what is on its way: the waiter is not woken any more. NULL is fine. */
void upload_stop(struct upload *upload);

#endif
