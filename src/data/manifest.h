#ifndef TMFLOW_DATA_MANIFEST_H
#define TMFLOW_DATA_MANIFEST_H

#include "data/object_rows.h"

/*
 * The items of an inventory of S3: the rows of all CSV files that its manifest.json names, in
 * order, with the columns that it names.
 * See: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
 */
struct manifest;

#define MANIFEST_BYTES_MAX	   (4u << 20)
#define MANIFEST_VERSION_BYTES_MAX (2 * OBJECT_ETAG_BYTES_MAX + 1)

/* Where the reading stands. */
struct manifest_place {
	int64_t file;	/* index in the manifest */
	int64_t offset; /* bytes of its text */
	/* "ETAG ETAG": of the manifest and of the file; "": of none yet. */
	char version[MANIFEST_VERSION_BYTES_MAX + 1];
};

/* opts: of the manifest; unpacks and etag are not asked for. place: NULL: at the beginning. */
struct manifest *manifest_open(const struct object_opts *opts, const struct manifest_place *place);
/* Gives up what was asked for. NULL is fine. */
void manifest_free(struct manifest *manifest);

/* As object_rows_next. Errors: also a manifest that is not an inventory's of CSV. */
enum rows_next manifest_next(struct manifest *manifest, json_t **ret_item, struct tmf_err *err);

/* Behind the last item. */
void manifest_get_place(const struct manifest *manifest, struct manifest_place *ret_place);

/* That of the manifest. Borrowed. */
const char *manifest_name(const struct manifest *manifest);

#endif
