#include "store/store_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A run belongs to the process that holds flock(2) on locks/RUN.lock. The system lets it go when
 * the process ends, however it dies, so a stale lease need not be judged by a pid or a clock.
 * flock is used and not the POSIX lock, which is lost when the process closes any other descriptor
 * of the file.
 *
 * The file is removed when the lease ends. Without the check of its inode two processes could both
 * hold "the" lock: A locks the file; B opens it and waits; A removes it and lets go; C makes a new
 * one and locks that; B gets its lock on the old one.
 */

#define LOCKS_NAME	 "locks"
#define LOCK_NAME_BYTES	 (STORE_RUN_ID_BYTES_MAX + sizeof(".lock"))
#define HOLDER_BYTES_MAX 300 /* a host's name (255 at most) and a pid */
#define TAKE_TRIES_MAX	 100 /* a try is lost when another holder came and went meanwhile */

/* Held as long as the lock on fd is. Both are -1 for a temporary store. */
struct store_lease {
	int locks_fd; /* the directory */
	int fd;
	char name[LOCK_NAME_BYTES];
};

static int
lease_fail(struct tmf_err *err, const struct store_lease *lease, const char *what)
{
	return tmf_err_set(
	    err, TMF_ERR_STORE, "%s " LOCKS_NAME "/%s: %s", what, lease->name, strerror(errno));
}

static int
lease_open_locks(struct store_lease *lease, int dir_fd, struct tmf_err *err)
{
	assert(dir_fd >= 0 && lease->locks_fd < 0);
	if (mkdirat(dir_fd, LOCKS_NAME, 0700) < 0 && errno != EEXIST)
		return lease_fail(err, lease, "cannot make the directory of");
	lease->locks_fd =
	    openat(dir_fd, LOCKS_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (lease->locks_fd < 0)
		return lease_fail(err, lease, "cannot open the directory of");
	return 0;
}

/* Names the holder by what it wrote into the file: "host pid". */
static int
lease_fail_busy(const struct store_lease *lease, const char *run_id, struct tmf_err *err)
{
	char text[HOLDER_BYTES_MAX];
	ssize_t bytes = pread(lease->fd, text, sizeof(text) - 1, 0);

	text[bytes > 0 ? bytes : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	char *space = strrchr(text, ' ');
	if (space == NULL) /* it has the lock and did not get as far as writing */
		return tmf_err_set(err, TMF_ERR_BUSY, "run %s is held by another process", run_id);
	*space = '\0';
	return tmf_err_set(
	    err, TMF_ERR_BUSY, "run %s is held by pid %s on %s", run_id, space + 1, text);
}

/* Opens and locks the file. Returns 1 when it had been removed in between: another try is
 * needed. */
static int
lease_lock_file(struct store_lease *lease, const char *run_id, struct tmf_err *err)
{
	struct stat locked, named;

	assert(lease->locks_fd >= 0 && lease->fd < 0);
	lease->fd =
	    openat(lease->locks_fd, lease->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lease->fd < 0)
		return lease_fail(err, lease, "cannot open");
	if (flock(lease->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? lease_fail_busy(lease, run_id, err)
					    : lease_fail(err, lease, "cannot lock");
	if (fstat(lease->fd, &locked) < 0)
		return lease_fail(err, lease, "cannot look at");
	if (fstatat(lease->locks_fd, lease->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    named.st_ino == locked.st_ino && named.st_dev == locked.st_dev)
		return 0;
	close(lease->fd);
	lease->fd = -1;
	return 1;
}

static int
lease_write_holder(struct store_lease *lease, struct tmf_err *err)
{
	char host[HOST_NAME_MAX + 1] = "";

	assert(lease->fd >= 0);
	if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
		memcpy(host, "?", sizeof("?"));
	char *text = mem_printf("%s %ld\n", host, (long)getpid());
	size_t bytes = strlen(text);
	bool written =
	    ftruncate(lease->fd, 0) == 0 && pwrite(lease->fd, text, bytes, 0) == (ssize_t)bytes;
	free(text);
	return written ? 0 : lease_fail(err, lease, "cannot write");
}

static int
lease_lock(struct store_lease *lease, const char *run_id, struct tmf_err *err)
{
	for (int i = 0; i < TAKE_TRIES_MAX; i++) {
		int result = lease_lock_file(lease, run_id, err);

		if (result == 0)
			return lease_write_holder(lease, err);
		if (result < 0)
			return -1;
	}
	return tmf_err_set(
	    err, TMF_ERR_BUSY, "run %s is held by one process after another", run_id);
}

static void
lease_close(struct store_lease *lease)
{
	if (lease->fd >= 0)
		close(lease->fd);
	if (lease->locks_fd >= 0)
		close(lease->locks_fd);
	free(lease);
}

struct store_lease *
store_lease_take(struct store *store, const char *run_id, struct tmf_err *err)
{
	if (store_run_id_check(run_id, err) < 0)
		return NULL;
	struct store_lease *lease = mem_zalloc(1, sizeof(*lease));
	lease->locks_fd = -1;
	lease->fd = -1;
	if (store->dir_fd < 0)
		return lease;
	assert(strlen(run_id) + sizeof(".lock") <= sizeof(lease->name));
	memcpy(lease->name, run_id, strlen(run_id));
	memcpy(lease->name + strlen(run_id), ".lock", sizeof(".lock"));
	if (lease_open_locks(lease, store->dir_fd, err) == 0 && lease_lock(lease, run_id, err) == 0)
		return lease;
	lease_close(lease);
	return NULL;
}

void
store_lease_release(struct store_lease *lease)
{
	if (lease == NULL)
		return;
	/* Removed while it is locked: who opened it before and gets the lock now finds that the
	 * name has gone or is another file, and tries again. */
	if (lease->fd >= 0)
		(void)unlinkat(lease->locks_fd, lease->name, 0);
	lease_close(lease);
}
