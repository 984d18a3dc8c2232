#ifndef TMFLOW_DATA_OBJECTS_H
#define TMFLOW_DATA_OBJECTS_H

#include "base/buf.h"
#include "tmflow/call.h"

/* A part of an object that is wanted. Borrowed until the call is made. */
struct objects_range {
	const char *bucket;
	const char *key;
	const char *version_id; /* NULL: the newest */
	const char *etag;	/* the state of it that is wanted; NULL: whichever */
	int64_t offset;
	int64_t bytes;
};

/* How objects that are not local files are reached: S3, by a caller that can ask it. The results
 * and the errors of the calls are those of aws/services/s3.h, which this layer does not know. */
struct objects {
	struct tmf_call *(*get)(struct objects *objects, const struct objects_range *range);
	/* after: the last key that is known; "": none. */
	struct tmf_call *(*list)(
	    struct objects *objects, const char *bucket, const char *prefix, const char *after);
	/* Moves body. */
	struct tmf_call *(*put)(struct objects *objects, const char *bucket, const char *key,
	    const char *content_type, struct buf *body);
};

/* Who waits for what was asked: woken from the loop, once, when there is more to be had. */
struct objects_waiter {
	void (*wake)(void *arg);
	void *arg;
};

#endif
