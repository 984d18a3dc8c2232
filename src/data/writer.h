#ifndef TMFLOW_DATA_WRITER_H
#define TMFLOW_DATA_WRITER_H

#include "asl/state/step.h"

/*
 * The files that a Map's ResultWriter makes of what became of its children:
 *
 *   PREFIX/ID/SUCCEEDED_0.json   a list of records; .jsonl: one a line
 *   PREFIX/ID/FAILED_0.json
 *   PREFIX/ID/manifest.json      which files there are, at the end
 *
 * Where the writing stands is a place that can be stored: what was written behind it, by a process
 * that died before its commit, is cut off when the writing is taken up again.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
 */
struct writer;

#define WRITER_FILE_BYTES_MAX (INT64_C(5) << 30) /* of a file, before the next begins: as AWS */

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
	int64_t file_bytes_max;		 /* 0: WRITER_FILE_BYTES_MAX */
};

/*
 * place: NULL for the beginning, where files of the same names are emptied.
 * Returns: NULL with States.ResultWriterFailed.
 */
struct writer *
writer_open(const struct writer_opts *opts, const struct writer_place *place, struct tmf_err *err);
void writer_free(struct writer *writer);

/*
 * Appends what became of a child: its record, or in a COMPACT or FLATTEN transformation of a child
 * that succeeded its output. Errors: States.ResultWriterFailed.
 */
int writer_put(struct writer *writer, enum writer_kind kind, json_t *record, json_t *output,
    struct tmf_err *err);

/* Where the writing stands now. */
const struct writer_place *writer_place(const struct writer *writer);

/*
 * Ends the files and writes the manifest. Nothing is put after it, but in a writer that is opened
 * again at a place before it.
 * Returns: 0 with the result of the Map, {"MapRunArn", "ResultWriterDetails": {"Bucket", "Key"}}.
 * Errors: States.ResultWriterFailed.
 */
int writer_finish(struct writer *writer, json_t **ret_details, struct tmf_err *err);

#endif
