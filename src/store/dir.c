#include "store/store_internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_MODE	 0700
#define FILE_MODE	 0600
#define SPOOL_NAME	 "spool"
#define LOCK_INTERVAL_MS 20 /* between two tries for the directory's lock */

/* errno is read here, so it must be called before anything that may change it. */
static int
dir_fail(struct tmf_err *err, const char *path, const char *what)
{
	return tmf_err_set(err, TMF_ERR_STORE, "%s: %s: %s", path, what, strerror(errno));
}

/* Makes path and its missing parents. Changes path in between. */
static int
dir_make(char *path, struct tmf_err *err)
{
	struct stat st;

	assert(path[0] != '\0');
	for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		/* A parent that cannot be made and is not there shows when the last one is made. */
		(void)mkdir(path, DIR_MODE);
		*p = '/';
	}
	if (mkdir(path, DIR_MODE) < 0 && errno != EEXIST && stat(path, &st) < 0)
		return dir_fail(err, path, "cannot make the state directory");
	return 0;
}

/* What was opened must be a directory of ours. Others could have put their own files in theirs. */
static int
dir_check_owner(const struct stat *st, const char *path, struct tmf_err *err)
{
	if (st->st_uid == geteuid())
		return 0;
	return tmf_err_set(err, TMF_ERR_STORE, "%s belongs to user %u and is refused by user %u",
	    path, (unsigned)st->st_uid, (unsigned)geteuid());
}

/* Who may write to the directory may put another file in the place of ours, also while it is open.
 * That others may read it is the owner's decision: the file itself has mode 0600. */
static int
dir_check_mode(const struct stat *st, const char *path, struct tmf_err *err)
{
	if ((st->st_mode & S_IWOTH) == 0)
		return 0;
	return tmf_err_set(err, TMF_ERR_STORE,
	    "%s can be written by every user (mode %04o): `chmod o-w` it, or choose another "
	    "--state-dir",
	    path, (unsigned)(st->st_mode & 07777));
}

/* The descriptor is what is checked: between a check by name and an open the directory
 * could be exchanged. */
static int
dir_open_owned(const char *path, struct tmf_err *err)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return tmf_err_set(err, TMF_ERR_STORE,
		    "%s is a symbolic link: name the state directory itself", path);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return dir_fail(err, path, "cannot open the state directory");
	if (fstat(fd, &st) < 0)
		dir_fail(err, path, "cannot look at the state directory");
	else if (dir_check_owner(&st, path, err) == 0 && dir_check_mode(&st, path, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A name that is mistyped would otherwise be an empty store, without runs and without faults. */
int
store_dir_check_there(int dir_fd, const char *name, const char *path, struct tmf_err *err)
{
	if (faccessat(dir_fd, name, F_OK, 0) == 0)
		return 0;
	return tmf_err_set(
	    err, TMF_ERR_STORE, "no store, and no runs: %s: %s", path, strerror(errno));
}

/* The real path is kept, so that a change of the working directory does not matter. */
int
store_dir_open(const char *dir, char **ret_path, int *ret_fd, struct tmf_err *err)
{
	size_t len = strlen(dir);

	if (len == 0)
		return tmf_err_set(err, TMF_ERR_STORE, "the name of the state directory is empty");
	while (len > 1 && dir[len - 1] == '/') /* "link/" would be what the link points to */
		len--;
	char *path = mem_strndup(dir, len);
	int fd = dir_make(path, err) < 0 ? -1 : dir_open_owned(path, err);
	char *real = fd < 0 ? NULL : realpath(path, NULL);
	if (fd >= 0 && real == NULL) {
		dir_fail(err, path, "cannot resolve the state directory");
		close(fd);
	}
	free(path);
	if (real == NULL)
		return -1;
	*ret_path = real;
	*ret_fd = fd;
	return 0;
}

/* By trying, not by waiting in flock: that would have no limit, and a signal could not end it. The
 * one who holds it makes or upgrades the tables, which takes milliseconds. */
int
store_dir_lock(int dir_fd, const char *path, struct tmf_err *err)
{
	assert(dir_fd >= 0);
	for (int waited_ms = 0; flock(dir_fd, LOCK_EX | LOCK_NB) < 0;) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return dir_fail(err, path, "cannot lock the state directory");
		if (waited_ms >= STORE_BUSY_MS)
			return tmf_err_set(err, TMF_ERR_STORE,
			    "%s: another process has been opening it for more than %d s", path,
			    STORE_BUSY_MS / 1000);
		(void)poll(NULL, 0, LOCK_INTERVAL_MS);
		waited_ms += LOCK_INTERVAL_MS;
	}
	return 0;
}

/* Closing the descriptor would do it as well, but that stays open. */
void
store_dir_unlock(int dir_fd)
{
	(void)flock(dir_fd, LOCK_UN);
}

/* A file that was there before may have any owner and mode. */
static int
dir_check_file(int dir_fd, const char *name, const char *path, struct tmf_err *err)
{
	struct stat st;

	/* Looked at by name: closing a descriptor of the file would drop the POSIX locks that
	 * SQLite holds on it for another store of this process. */
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return dir_fail(err, path, "cannot look at the file");
	if (S_ISLNK(st.st_mode))
		return tmf_err_set(
		    err, TMF_ERR_STORE, "%s is a symbolic link and is refused", path);
	if (!S_ISREG(st.st_mode))
		return tmf_err_set(err, TMF_ERR_STORE, "%s is not a regular file", path);
	if (dir_check_owner(&st, path, err) < 0)
		return -1;
	/* SQLite gives the -wal and -shm files the mode of this one. */
	if ((st.st_mode & 077) != 0 && fchmodat(dir_fd, name, FILE_MODE, 0) < 0)
		return dir_fail(err, path, "cannot keep others from reading the file");
	/* Else SQLite opens it for reading only, and fails at the first write. */
	if (faccessat(dir_fd, name, R_OK | W_OK, AT_EACCESS) < 0)
		return dir_fail(err, path, "this user may not write the file");
	return 0;
}

/* O_EXCL: a new file has our owner and mode from the start; only one that was there is looked
 * at. */
int
store_dir_file(int dir_fd, const char *name, const char *path, struct tmf_err *err)
{
	int fd;

	assert(dir_fd >= 0 && strchr(name, '/') == NULL);
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd < 0 && errno != EEXIST)
		return dir_fail(err, path, "cannot make the file");
	if (fd < 0)
		return dir_check_file(dir_fd, name, path, err);
	close(fd);
	return 0;
}

/* 0 where it is missing: SQLite makes it with the first write, and removes it with the last one who
 * closes the file. */
static off_t
dir_log_bytes(const char *path)
{
	struct stat st;
	char *log = mem_printf("%s-wal", path);
	off_t bytes = lstat(log, &st) == 0 ? st.st_size : 0;

	free(log);
	return bytes;
}

int
store_dir_note_file(const char *path, struct store_file *ret_file, struct tmf_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return dir_fail(err, path, "cannot look at the file");
	*ret_file = (struct store_file){.device = st.st_dev,
	    .inode = st.st_ino,
	    .bytes = st.st_size,
	    .log_bytes = dir_log_bytes(path)};
	return 0;
}

static int
dir_cut(struct tmf_err *err, const char *path, const char *suffix, off_t now, off_t before)
{
	return tmf_err_set_name(err, TMF_ERR_INVALID, ERROR_STORE,
	    "%s%s was cut under this process: %lld bytes, before that %lld; what it held is lost",
	    path, suffix, (long long)now, (long long)before);
}

/*
 * What is written to a file without a name is lost with the process: the run would do things of
 * which no resume knows. And what SQLite writes behind the end of a file that was cut makes a file
 * with a hole, of which nobody can read even what was written before. By itself it shortens neither
 * file, but for a log that has outgrown its limit.
 */
int
store_dir_check_file(const char *path, struct store_file *file, struct tmf_err *err)
{
	struct store_file now = {0};
	off_t kept = file->log_bytes < STORE_LOG_BYTES_MAX ? file->log_bytes : STORE_LOG_BYTES_MAX;

	if (store_dir_note_file(path, &now, err) < 0)
		return tmf_err_prefix(err, "the state directory was removed under this process");
	if (now.device != file->device || now.inode != file->inode)
		return tmf_err_set(err, TMF_ERR_STORE,
		    "%s: another file has taken the place of the one that this process writes",
		    path);
	if (now.bytes < file->bytes)
		return dir_cut(err, path, "", now.bytes, file->bytes);
	if (now.log_bytes < kept)
		return dir_cut(err, path, "-wal", now.log_bytes, file->log_bytes);
	*file = now;
	return 0;
}

/* A variable of the environment, NULL when unset or empty. XDG treats an empty variable as
 * an unset one. */
static const char *
dir_env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* --- files of runs --- */

/*
 * What is too large for rows, which say how much of it counts: a folder for each run, named as the
 * run. Nothing here is a part of a transaction. A folder may go before a commit that does not come:
 * a resume then says that a file is shorter than the run left it.
 */

/* Beside the file, whose path ends with its name. A temporary store has it once somebody asked. */
static char *
dir_spool(const struct store *store)
{
	return store->dir_fd < 0 ? mem_strdup(store->spool) : file_beside(store->path, SPOOL_NAME);
}

/* mkdtemp gives it mode 0700, and no name that somebody else could have made before. */
static char *
dir_make_temporary(struct tmf_err *err)
{
	const char *parent = dir_env("TMPDIR");
	char *path = mem_printf("%s/tmflow-spool-XXXXXX", parent != NULL ? parent : "/tmp");

	if (mkdtemp(path) != NULL)
		return path;
	dir_fail(err, path, "cannot make a temporary folder");
	free(path);
	return NULL;
}

char *
store_spool(struct store *store, struct tmf_err *err)
{
	if (store->dir_fd < 0 && store->spool == NULL)
		store->spool = dir_make_temporary(err);
	return dir_spool(store);
}

void
store_dir_close_spool(struct store *store)
{
	if (store->spool != NULL)
		file_remove_tree(store->spool);
	free(store->spool);
	store->spool = NULL;
}

/* What cannot be removed is found again by the next run's expiry. */
void
store_dir_forget_run(const struct store *store, const char *run_id)
{
	char *spool = dir_spool(store);
	char *path = spool != NULL ? mem_printf("%s/%s", spool, run_id) : NULL;

	if (path != NULL)
		file_remove_tree(path);
	free(path);
	free(spool);
}

/* Most state directories have no such folder. */
int
store_dir_each_run(struct store *store,
    int (*fn)(struct store *store, const char *run_id, struct tmf_err *err), struct tmf_err *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = store->dir_fd >= 0 ? openat(store->dir_fd, SPOOL_NAME, flags) : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int ret = 0;

	if (dir == NULL && fd >= 0)
		close(fd);
	while (dir != NULL && ret == 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			ret = fn(store, entry->d_name, err);
	if (dir != NULL)
		closedir(dir);
	return ret;
}

/* --- where it is --- */

/* The flag comes before the variable, and both before the default, as with all settings. */
char *
store_default_dir(const char *flag, struct tmf_err *err)
{
	const char *dir = flag != NULL ? flag : dir_env("TMFLOW_STATE_DIR");
	const char *state_home = dir_env("XDG_STATE_HOME");
	const char *home = dir_env("HOME");

	if (dir != NULL)
		return mem_strdup(dir);
	if (state_home != NULL && state_home[0] == '/') /* XDG: a relative one is to be ignored */
		return mem_printf("%s/tmflow", state_home);
	if (home != NULL)
		return mem_printf("%s/.local/state/tmflow", home);
	tmf_err_set(err, TMF_ERR_CONFIG,
	    "no place for the state: HOME is not set; give --state-dir or TMFLOW_STATE_DIR");
	return NULL;
}
