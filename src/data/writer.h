#ifndef TMFLOW_DATA_WRITER_H
#define TMFLOW_DATA_WRITER_H

#include "asl/state/step.h"
#include "data/objects.h"

/*
 * The files that a Map's ResultWriter makes of what became of its children, in a local folder or in
 * a bucket of S3:
 *
 *   PREFIX/ID/SUCCEEDED_0.json   a list of records; .jsonl: one a line
 *   PREFIX/ID/FAILED_0.json
 *   PREFIX/ID/manifest.json      which files there are, at the end
 *
 * Where the writing stands is a place that can be stored: what was written behind it, by a process
 * that died before its commit, is cut off when the writing is taken up again. What goes to S3 is
 * written to a spool first, a local folder, and put at the end.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
 */
struct writer;

/* Of a file, before the next begins: as AWS; and of one that is put to S3, which is in memory then.
 * A record that begins below may pass it. */
#define WRITER_FILE_BYTES_MAX	(INT64_C(5) << 30)
#define WRITER_OBJECT_BYTES_MAX (INT64_C(8) << 20)

enum writer_kind { WRITER_SUCCEEDED, WRITER_FAILED, WRITER_KINDS };

struct writer_place {
	int64_t file[WRITER_KINDS];  /* number of the last one */
	int64_t bytes[WRITER_KINDS]; /* of that one; 0: it is not there */
};

struct writer_opts {
	const json_t *destination;	 /* step_source's. Borrowed */
	const struct asl_writer *config; /* of the state. Borrowed, kept */
	const char *id;			 /* of the Map's run: the last folder */
	const char *arn;		 /* of the Map's run, for the manifest */
	int64_t file_bytes_max;		 /* 0: one of the limits above */
	struct objects *objects;	 /* borrowed; NULL: S3 cannot be reached */
	const char *spool;		 /* a folder, made when it is needed; NULL: as above */
	struct objects_waiter waiter;	 /* for what was put */
};

/*
 * place: NULL for the beginning, where files of the same names are emptied.
 * Returns: NULL with States.ResultWriterFailed.
 */
struct writer *
writer_open(const struct writer_opts *opts, const struct writer_place *place, struct tmf_err *err);
void writer_free(struct writer *writer);

enum writer_turn {
	WRITER_OVER,
	WRITER_WAIT, /* S3 is asked: ask again when the waiter is woken */
	WRITER_BROKEN,
};

/* Before the first record: whether the bucket may be written to, as AWS tries it, so that a million
 * children do not run in vain. Errors: States.ResultWriterFailed. */
enum writer_turn writer_try(struct writer *writer, struct tmf_err *err);

/*
 * Appends what became of a child: its record, or in a COMPACT or FLATTEN transformation of a child
 * that succeeded its output. Errors: States.ResultWriterFailed.
 */
int writer_put(struct writer *writer, enum writer_kind kind, json_t *record, json_t *output,
    struct tmf_err *err);

/* Where the writing stands now. */
const struct writer_place *writer_place(const struct writer *writer);

/*
 * Ends the files, and puts them where they belong, the manifest last. No record comes after that,
 * but in a writer that is opened again at a place before it.
 * Returns: WRITER_OVER with the result of the Map, {"MapRunArn", "ResultWriterDetails": {"Bucket",
 * "Key"}}. Errors: States.ResultWriterFailed.
 */
enum writer_turn writer_finish(struct writer *writer, json_t **ret_details, struct tmf_err *err);

/* Whether one of the above has failed: its files may lack something. */
bool writer_is_broken(const struct writer *writer);

/* Gives up what is on its way to S3: the waiter is not woken any more. */
void writer_stop(struct writer *writer);

/* The folder in the spool, which nobody needs once the Map's end is committed. Borrowed; NULL: the
 * files are where they belong. */
const char *writer_spooled(const struct writer *writer);

#endif
