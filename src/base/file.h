#ifndef TMFLOW_BASE_FILE_H
#define TMFLOW_BASE_FILE_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <stdbool.h>

/* Room that reading needs behind what is read already: who knows how long a file is reserves that
 * much more. */
#define FILE_READ_BYTES (64u << 10)

/* Appends a whole file to out. Errors: TMF_ERR_SYSTEM when it cannot be read (the text names
 * path), TMF_ERR_LIMIT over bytes_max. ret_missing (may be NULL): set to true when there is no
 * such file. */
int file_read(
    const char *path, size_t bytes_max, struct buf *out, bool *ret_missing, struct tmf_err *err);

/* The same from an open descriptor; name is what messages call it. */
int file_read_fd(int fd, const char *name, size_t bytes_max, struct buf *out, struct tmf_err *err);

/* Removes a folder with all that is in it, as far as that can be; links are not followed. One that
 * is not there is fine. */
void file_remove_tree(const char *path);

/* A file's name without folder and ending: "workflows/backfill.yaml" is "backfill". A first dot of
 * a name ends nothing. Returns: malloc'ed; NULL for NULL. */
char *file_stem(const char *path);

/* The path of what the file `path` calls `name`: from the folder that it is in, unless it is
 * absolute. Returns: malloc'ed. */
char *file_beside(const char *path, const char *name);

#endif
