#ifndef TMFLOW_DATA_LOCAL_H
#define TMFLOW_DATA_LOCAL_H

#include "tmflow/error.h"

/*
 * The path of an object in a bucket that is a folder: "file://FOLDER" and "a/b.csv" are
 * "FOLDER/a/b.csv". Keys often come from a workflow's input, which others may write: they stay in
 * the folder that the definition names. error: the name of what is reported.
 * Returns: malloc'ed; NULL with *err for another bucket (of S3), or a key with ".." in it.
 */
char *local_path(const char *bucket, const char *key, const char *error, struct tmf_err *err);

/* Fills *err with "path: why". Returns: -1. */
int local_fail(const char *path, const char *why, const char *error, struct tmf_err *err);

#endif
