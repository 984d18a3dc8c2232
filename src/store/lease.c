#include "store/store_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
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
#define HOLDER_BYTES_MAX 300  /* a host's name (255 at most) and a pid */
#define TAKE_TRIES_MAX	 100  /* a try is lost when another holder came and went meanwhile */
#define PROBE_TRIES_MAX	 2000 /* for those to end who only look */
#define PROBE_PAUSE_NS	 (2L * 1000 * 1000)

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

/* Reads what the holder wrote into the file: "host pid". */
static void
lease_read_holder(int fd, struct store_holder *holder)
{
	char text[HOLDER_BYTES_MAX];
	ssize_t bytes = pread(fd, text, sizeof(text) - 1, 0);

	text[bytes > 0 ? bytes : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	char *space = strrchr(text, ' ');
	if (space == NULL) /* it has the lock and did not get as far as writing */
		return;
	*space = '\0';
	holder->pid = strtol(space + 1, NULL, 10);
	snprintf(holder->host, sizeof(holder->host), "%.*s", (int)sizeof(holder->host) - 1, text);
}

static int
lease_fail_busy(const struct store_lease *lease, const char *run_id, struct tmf_err *err)
{
	struct store_holder holder = {.held = true};

	lease_read_holder(lease->fd, &holder);
	if (holder.pid == 0)
		return tmf_err_set(err, TMF_ERR_BUSY, "run %s is held by another process", run_id);
	return tmf_err_set(
	    err, TMF_ERR_BUSY, "run %s is held by pid %ld on %s", run_id, holder.pid, holder.host);
}

/*
 * Somebody who only looks whether the file is locked shares the lock for that moment
 * (store_lease_peek), which is long where the processor is busy. A lock that can be shared is no
 * holder's.
 */
static int
lease_lock_fd(int fd)
{
	const struct timespec pause = {.tv_nsec = PROBE_PAUSE_NS};

	for (int i = 0; i < PROBE_TRIES_MAX; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK || flock(fd, LOCK_SH | LOCK_NB) < 0)
			return -1;
		(void)flock(fd, LOCK_UN);
		(void)nanosleep(&pause, NULL);
	}
	errno = EWOULDBLOCK;
	return -1;
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
	if (lease_lock_fd(lease->fd) < 0)
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

static void
lease_name(const char *run_id, char out[LOCK_NAME_BYTES])
{
	assert(strlen(run_id) + sizeof(".lock") <= LOCK_NAME_BYTES);
	snprintf(out, LOCK_NAME_BYTES, "%s.lock", run_id);
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
	lease_name(run_id, lease->name);
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

/*
 * A pid alone proves nothing: it may be one of another container that has the same directory, or be
 * another program's by now. The process that has the file open is the holder.
 */
static bool
holder_is_here(const struct store_holder *holder, const struct stat *lock)
{
	char path[64];
	bool found = false;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", holder->pid);
	dir = holder->pid > 0 ? opendir(path) : NULL;
	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		struct stat open;

		found = fstatat(dirfd(dir), entry->d_name, &open, 0) == 0 &&
			open.st_ino == lock->st_ino && open.st_dev == lock->st_dev;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* The shared lock is let go by the close that follows: a taker waits for such a moment. */
int
store_lease_peek(
    struct store *store, const char *run_id, struct store_holder *ret_holder, struct tmf_err *err)
{
	char name[sizeof(LOCKS_NAME) + LOCK_NAME_BYTES] = LOCKS_NAME "/";
	struct stat lock;
	int fd;

	*ret_holder = (struct store_holder){.held = false};
	if (store_run_id_check(run_id, err) < 0)
		return -1;
	if (store->dir_fd < 0)
		return 0;
	lease_name(run_id, name + sizeof(LOCKS_NAME));
	fd = openat(store->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return tmf_err_set(err, TMF_ERR_STORE, "cannot open %s: %s", name, strerror(errno));
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		ret_holder->held = true;
		lease_read_holder(fd, ret_holder);
		ret_holder->here = fstat(fd, &lock) == 0 && holder_is_here(ret_holder, &lock);
	}
	close(fd);
	return 0;
}
