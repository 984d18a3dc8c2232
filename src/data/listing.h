#ifndef TMFLOW_DATA_LISTING_H
#define TMFLOW_DATA_LISTING_H

#include "data/object.h"

#include <jansson.h>

/*
 * The objects of a bucket whose keys begin with a prefix, as items in the order of their keys:
 * {"Etag", "Key", "LastModified": seconds since 1970, "Size", "StorageClass"}. Memory holds a page.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
 */
struct listing;

#define LISTING_KEY_BYTES_MAX 1024 /* AWS's own limit */

struct listing_opts {
	struct objects *objects; /* borrowed */
	const char *bucket;
	const char *prefix; /* NULL: all */
	const char *after;  /* the key behind which it begins; "": at the beginning */
	const char *error;  /* the name of what is reported. Static */
	struct objects_waiter waiter;
};

/* Asks for nothing yet. opts is borrowed until it returns. */
struct listing *listing_open(const struct listing_opts *opts);
/* Gives up what was asked for. NULL is fine. */
void listing_free(struct listing *listing);

/* The next one, a new reference: OBJECT_PIECE. */
enum object_next listing_next(struct listing *listing, json_t **ret_item, struct tmf_err *err);

/* "s3://BUCKET/PREFIX". Borrowed. */
const char *listing_name(const struct listing *listing);

#endif
