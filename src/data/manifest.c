#include "data/manifest.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET_ARN_START "arn:"
#define BUCKET_ARN_MARK	 ":s3:::"

struct manifest {
	struct object_opts opts; /* of each file: bucket and key are not kept */
	struct object *object;	 /* the manifest */
	char etag[OBJECT_ETAG_BYTES_MAX + 1];
	struct buf text;
	json_t *document; /* NULL: it was not read to its end yet */
	char *bucket;	  /* of the files */
	struct asl_reader reader;
	struct object_rows *rows; /* of the file; NULL: it is not open */
	int64_t file;
	/* Of an earlier reading; of the first file that is opened. */
	int64_t offset;
	char file_etag[OBJECT_ETAG_BYTES_MAX + 1];
};

/* Both ETags of a stored version. */
static void
manifest_split_version(struct manifest *manifest, const char *version)
{
	const char *blank = strchr(version, ' ');
	size_t len = blank != NULL ? (size_t)(blank - version) : strlen(version);

	snprintf(manifest->etag, sizeof(manifest->etag), "%.*s", (int)len, version);
	if (blank != NULL)
		snprintf(manifest->file_etag, sizeof(manifest->file_etag), "%s", blank + 1);
}

/* The manifest is read again each time: it says which file comes next, and by its ETag whether it
 * is still the same. */
struct manifest *
manifest_open(const struct object_opts *opts, const struct manifest_place *place)
{
	struct manifest *manifest = mem_zalloc(1, sizeof(*manifest));
	struct object_opts object = *opts;

	if (place != NULL) {
		manifest->file = place->file;
		manifest->offset = place->offset;
		manifest_split_version(manifest, place->version);
	}
	object.etag = manifest->etag;
	manifest->object = object_open(&object);
	manifest->opts = *opts;
	manifest->opts.bucket = manifest->opts.key = manifest->opts.version_id = NULL;
	manifest->opts.unpacks = true;
	return manifest;
}

void
manifest_free(struct manifest *manifest)
{
	if (manifest == NULL)
		return;
	object_rows_free(manifest->rows);
	object_free(manifest->object);
	json_decref(manifest->reader.headers);
	json_decref(manifest->document);
	buf_fini(&manifest->text);
	free(manifest->bucket);
	free(manifest);
}

const char *
manifest_name(const struct manifest *manifest)
{
	return object_name(manifest->object);
}

/* Both versions are kept: the manifest says in which order the files are, and they what is in
 * them. */
void
manifest_get_place(const struct manifest *manifest, struct manifest_place *ret_place)
{
	const struct object *file =
	    manifest->rows != NULL ? object_rows_object(manifest->rows) : NULL;

	*ret_place = (struct manifest_place){.file = manifest->file};
	if (file == NULL)
		return;
	ret_place->offset = object_rows_offset(manifest->rows);
	snprintf(ret_place->version, sizeof(ret_place->version), "%s %s",
	    object_etag(manifest->object), object_etag(file));
}

/* --- the manifest itself --- */

static enum rows_next
manifest_fail(struct manifest *manifest, const char *why, struct tmf_err *err)
{
	tmf_err_set_name(
	    err, TMF_ERR_ASL, manifest->opts.error, "%s: %s", object_name(manifest->object), why);
	return ROWS_FAILED;
}

/* "Bucket, Key, Size": the names of the columns. */
static json_t *
manifest_columns(const char *schema)
{
	json_t *columns = json_array();

	while (schema != NULL && *schema != '\0') {
		size_t len = strcspn(schema, ",");
		struct str name = str_trim((struct str){schema, len});

		json_array_append_new(columns, json_stringn(name.p, name.len));
		schema += len + (schema[len] == ',');
	}
	return columns;
}

/* "arn:aws:s3:::BUCKET", or the name alone. */
static char *
manifest_bucket(const char *text)
{
	const char *mark = text != NULL ? strstr(text, BUCKET_ARN_MARK) : NULL;

	if (mark != NULL && strncmp(text, BUCKET_ARN_START, strlen(BUCKET_ARN_START)) == 0)
		return mem_strdup(mark + strlen(BUCKET_ARN_MARK));
	return mem_strdup(text);
}

/* Parquet and ORC are not read: they would need libraries of their own for what CSV says, too. */
static enum rows_next
manifest_understand(struct manifest *manifest, struct tmf_err *err)
{
	const char *format;

	manifest->document = jsonx_parse_last_wins(buf_str(&manifest->text), err);
	buf_fini(&manifest->text);
	if (manifest->document == NULL) {
		tmf_err_fini(err);
		return manifest_fail(manifest, "not a JSON text, as a manifest.json is", err);
	}
	format = jsonx_get_string(manifest->document, "fileFormat");
	if (format == NULL || jsonx_get_array(manifest->document, "files") == NULL)
		return manifest_fail(manifest,
		    "not the manifest.json of an S3 inventory: it has no fileFormat or no files",
		    err);
	if (strcmp(format, "CSV") != 0)
		return manifest_fail(
		    manifest, "its fileFormat is not CSV: others are read on AWS only", err);
	manifest->bucket =
	    manifest_bucket(jsonx_get_string(manifest->document, "destinationBucket"));
	manifest->reader = (struct asl_reader){.input = ASL_READER_CSV,
	    .delimiter = ',',
	    .headers = manifest_columns(jsonx_get_string(manifest->document, "fileSchema"))};
	if (manifest->bucket == NULL || json_array_size(manifest->reader.headers) == 0)
		return manifest_fail(manifest, "it has no destinationBucket or no fileSchema", err);
	return ROWS_ITEM;
}

/* Whole, since it is one JSON text. AWS makes one file of 5 GiB at most, so that it has few. */
static enum rows_next
manifest_read(struct manifest *manifest, struct tmf_err *err)
{
	struct str piece;

	for (;;) {
		switch (object_read(manifest->object, &piece, err)) {
		case OBJECT_PIECE:
			if (manifest->text.len + piece.len > MANIFEST_BYTES_MAX)
				return manifest_fail(manifest, "longer than 4 MiB", err);
			buf_add_str(&manifest->text, piece);
			break;
		case OBJECT_OVER:
			return manifest_understand(manifest, err);
		case OBJECT_WAIT:
			return ROWS_MORE;
		case OBJECT_FAILED:
			return ROWS_FAILED;
		}
	}
}

/* --- its files --- */

/* Returns: ROWS_ITEM with the file open, ROWS_OVER where there are no more. */
static enum rows_next
manifest_open_file(struct manifest *manifest, struct tmf_err *err)
{
	const json_t *files = jsonx_get_array(manifest->document, "files");
	const json_t *file = json_array_get(files, (size_t)manifest->file);
	struct object_opts opts = manifest->opts;

	if (file == NULL)
		return ROWS_OVER;
	opts.bucket = manifest->bucket;
	opts.key = jsonx_get_string(file, "key");
	opts.etag = manifest->file_etag;
	if (opts.key == NULL)
		return manifest_fail(manifest, "one of its files has no key", err);
	manifest->rows = object_rows_open(&opts, &manifest->reader, manifest->offset);
	manifest->offset = 0;
	manifest->file_etag[0] = '\0';
	return ROWS_ITEM;
}

/* A file without rows is passed over. The place moves to the next file with its first row, so that
 * a stored one is always that of a row. */
enum rows_next
manifest_next(struct manifest *manifest, json_t **ret_item, struct tmf_err *err)
{
	enum rows_next next = ROWS_ITEM;

	if (manifest->document == NULL)
		next = manifest_read(manifest, err);
	while (next == ROWS_ITEM) {
		if (manifest->rows == NULL &&
		    (next = manifest_open_file(manifest, err)) != ROWS_ITEM)
			break;
		next = object_rows_next(manifest->rows, ret_item, err);
		if (next != ROWS_OVER)
			break;
		object_rows_free(manifest->rows);
		manifest->rows = NULL;
		manifest->file++;
		next = ROWS_ITEM;
	}
	assert(next != ROWS_ITEM || manifest->rows != NULL);
	return next;
}
