#ifndef TMFLOW_DATA_LOCAL_H
#define TMFLOW_DATA_LOCAL_H

#include "tmflow/error.h"

#include <stdbool.h>

/* Whether a bucket is a folder, "file://FOLDER", and not one of S3. */
bool local_is_folder(const char *bucket);

/*
 * The path of an object in a bucket that is a folder: "file://FOLDER" and "a/b.csv" are
 * "FOLDER/a/b.csv". Keys often come from a workflow's input, which others may write: they stay in
 * the folder that the definition names. error: the name of what is reported.
 * Takes: a bucket that is a folder.
 * Returns: malloc'ed; NULL with *err for a key with ".." in it.
 */
char *local_path(const char *bucket, const char *key, const char *error, struct tmf_err *err);

/* Fills *err with "path: why". Returns: -1. */
int local_fail(const char *path, const char *why, const char *error, struct tmf_err *err);

#endif
