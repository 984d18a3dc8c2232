#include "base/file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <unistd.h>

#define TREE_FDS_MAX 16 /* open at once, however deep a tree is */

/* By reading until the end, not by the size that fstat gives: that is 0 for a pipe and for files
 * of /proc, and a file may grow meanwhile. The limit is checked while reading, so /dev/zero ends
 * too. */
int
file_read_fd(int fd, const char *name, size_t bytes_max, struct buf *out, struct tmf_err *err)
{
	size_t before = out->len;

	for (;;) {
		ssize_t got;

		buf_reserve(out, FILE_READ_BYTES);
		got = read(fd, out->p + out->len, FILE_READ_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tmf_err_set(
			    err, TMF_ERR_SYSTEM, "cannot read %s: %s", name, strerror(errno));
		if (got == 0)
			break;
		out->len += (size_t)got;
		if (out->len - before > bytes_max)
			return tmf_err_set(
			    err, TMF_ERR_LIMIT, "%s: over the limit of %zu bytes", name, bytes_max);
	}
	out->p[out->len] = '\0';
	return 0;
}

/* ENOTDIR is missing as well: a/b does not exist when a is a file. A missing file is
 * reported apart, since for many callers that is fine. */
int
file_read(
    const char *path, size_t bytes_max, struct buf *out, bool *ret_missing, struct tmf_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (ret_missing != NULL)
		*ret_missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (fd < 0)
		return tmf_err_set(
		    err, TMF_ERR_SYSTEM, "cannot open %s: %s", path, strerror(errno));
	ret = file_read_fd(fd, path, bytes_max, out, err);
	close(fd);
	return ret;
}

/* What cannot be removed stays, and the rest goes on. */
static int
file_remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)place;
	if (type == FTW_DP)
		rmdir(path);
	else
		unlink(path);
	return 0;
}

void
file_remove_tree(const char *path)
{
	nftw(path, file_remove_one, TREE_FDS_MAX, FTW_DEPTH | FTW_PHYS);
}

/* "a/order.asl.json" gives "order", the name of a workflow. A dot at the head belongs to
 * the name. */
char *
file_stem(const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	const char *base = slash != NULL ? slash + 1 : path;

	if (base == NULL || base[0] == '\0')
		return mem_strdup(base);
	return mem_strndup(base, 1 + strcspn(base + 1, "."));
}

/* A relative name in a file means a place beside that file, not in the working directory. */
char *
file_beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	if (name[0] == '/' || slash == NULL)
		return mem_strdup(name);
	return mem_printf("%.*s/%s", (int)(slash - path), path, name);
}
