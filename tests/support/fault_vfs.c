#include "fault_vfs.h"

#include "base/buf.h"
#include "base/mem.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR_BYTES 512 /* what a disk writes whole or not at all */

/* The real file lies behind this one in SQLite's memory (szOsFile). */
struct fault_file {
	sqlite3_file base;
	struct fault_vfs *fault;
	struct fault_shadow *shadow; /* NULL: none is kept */
	sqlite3_file *real;
};

#define REAL(file) (((struct fault_file *)(file))->real)

/* --- what a loss of power leaves --- */

/* A write or truncation (data.p NULL) that no sync has followed. */
struct fault_pending {
	struct fault_pending *next;
	sqlite3_int64 offset; /* or the new length */
	struct buf data;
	bool truncates;
};

struct fault_shadow {
	struct fault_shadow *next;
	char *path;
	struct buf synced;
	struct fault_pending *first;
	struct fault_pending **end;
};

static void
put_at(struct buf *file, sqlite3_int64 offset, const char *data, size_t bytes)
{
	size_t end = (size_t)offset + bytes;

	while (file->len < end)
		buf_add_char(file, 0);
	if (bytes > 0)
		memcpy(file->p + offset, data, bytes);
}

static void
drop_pending(struct fault_shadow *shadow)
{
	while (shadow->first != NULL) {
		struct fault_pending *pending = shadow->first;

		shadow->first = pending->next;
		buf_fini(&pending->data);
		free(pending);
	}
	shadow->end = &shadow->first;
}

static void
apply(struct buf *file, const struct fault_pending *pending)
{
	if (!pending->truncates)
		put_at(file, pending->offset, pending->data.p, pending->data.len);
	else if (file->len > (size_t)pending->offset)
		file->len = (size_t)pending->offset;
}

static void
shadow_synced(struct fault_shadow *shadow)
{
	for (const struct fault_pending *p = shadow->first; p != NULL; p = p->next)
		apply(&shadow->synced, p);
	drop_pending(shadow);
}

static void
shadow_note(struct fault_shadow *shadow, sqlite3_int64 offset, const void *data, size_t bytes,
    bool truncates)
{
	struct fault_pending *pending = mem_zalloc(1, sizeof(*pending));

	pending->offset = offset;
	pending->truncates = truncates;
	if (bytes > 0)
		buf_add(&pending->data, data, bytes);
	*shadow->end = pending;
	shadow->end = &pending->next;
}

static void
read_whole(const char *path, struct buf *out)
{
	char part[8192];
	FILE *file = fopen(path, "rb");
	size_t bytes;

	while (file != NULL && (bytes = fread(part, 1, sizeof(part), file)) > 0)
		buf_add(out, part, bytes);
	if (file != NULL)
		fclose(file);
}

static struct fault_shadow *
shadow_of(struct fault_vfs *fault, const char *path)
{
	struct fault_shadow *shadow = fault->shadows;

	while (shadow != NULL && strcmp(shadow->path, path) != 0)
		shadow = shadow->next;
	if (shadow != NULL)
		return shadow;
	shadow = mem_zalloc(1, sizeof(*shadow));
	shadow->path = mem_strdup(path);
	shadow->end = &shadow->first;
	read_whole(path, &shadow->synced);
	shadow->next = fault->shadows;
	fault->shadows = shadow;
	return shadow;
}

/* Some writes reached the disk before the power went, in whole sectors; others did not. */
static void
apply_some(struct buf *file, const struct fault_pending *pending, struct rng *rng)
{
	double fate = rng_unit(rng);
	size_t bytes = pending->data.len;

	if (fate < 0.4)
		return;
	if (fate < 0.6 && bytes > SECTOR_BYTES)
		bytes = (size_t)(rng_unit(rng) * (double)bytes) / SECTOR_BYTES * SECTOR_BYTES;
	if (pending->truncates)
		apply(file, pending);
	else
		put_at(file, pending->offset, pending->data.p, bytes);
}

static void
write_whole(const char *path, const struct buf *content)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0)
		return; /* it was deleted, which a disk is taken to remember */
	size_t written = content->len > 0 ? (size_t)write(fd, content->p, content->len) : 0;
	assert(written == content->len);
	close(fd);
}

void
fault_vfs_lose_power(struct fault_vfs *fault, struct rng *rng)
{
	for (struct fault_shadow *shadow = fault->shadows; shadow != NULL; shadow = shadow->next) {
		for (const struct fault_pending *p = shadow->first; p != NULL; p = p->next)
			apply_some(&shadow->synced, p, rng);
		drop_pending(shadow);
		write_whole(shadow->path, &shadow->synced);
	}
}

/* --- changes --- */

/* The code to fail with, or SQLITE_OK. *ret_torn: a write is to be done by half. */
static int
change(struct fault_vfs *fault, bool *ret_torn)
{
	enum fault_verdict verdict = FAULT_GO_ON;

	*ret_torn = false;
	if (fault->dead)
		return SQLITE_IOERR;
	if (fault->on_change != NULL)
		verdict = fault->on_change(fault->arg);
	if (verdict != FAULT_GO_ON) {
		fault->dead = true;
		*ret_torn = verdict == FAULT_DIE_TORN;
		return SQLITE_IOERR;
	}
	if (fault->remaining < 0)
		return SQLITE_OK;
	if (fault->remaining > 0 && --fault->remaining > 0)
		return SQLITE_OK;
	if (fault->hit && !fault->lasting)
		return SQLITE_OK;
	fault->hit = true;
	*ret_torn = true; /* a disk that fills up takes a part of it */
	return fault->code;
}

static int
file_change(sqlite3_file *file, bool *ret_torn)
{
	return change(((struct fault_file *)file)->fault, ret_torn);
}

static struct fault_shadow *
shadow_of_file(sqlite3_file *file)
{
	return ((struct fault_file *)file)->shadow;
}

static int
fault_close(sqlite3_file *file)
{
	return REAL(file)->pMethods->xClose(REAL(file));
}

static int
fault_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 offset)
{
	return REAL(file)->pMethods->xRead(REAL(file), data, bytes, offset);
}

static int
fault_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset)
{
	bool torn;
	int code = file_change(file, &torn);
	int written = code == SQLITE_OK ? bytes : torn ? bytes / 2 : 0;

	if (shadow_of_file(file) != NULL && written > 0)
		shadow_note(shadow_of_file(file), offset, data, (size_t)written, false);
	if (code != SQLITE_OK) {
		if (written > 0)
			REAL(file)->pMethods->xWrite(REAL(file), data, written, offset);
		return code;
	}
	return REAL(file)->pMethods->xWrite(REAL(file), data, bytes, offset);
}

static int
fault_truncate(sqlite3_file *file, sqlite3_int64 bytes)
{
	bool torn;
	int code = file_change(file, &torn);

	if (code != SQLITE_OK)
		return SQLITE_IOERR_TRUNCATE;
	if (shadow_of_file(file) != NULL)
		shadow_note(shadow_of_file(file), bytes, NULL, 0, true);
	return REAL(file)->pMethods->xTruncate(REAL(file), bytes);
}

static int
fault_sync(sqlite3_file *file, int flags)
{
	bool torn;
	int code = file_change(file, &torn);

	if (code != SQLITE_OK)
		return SQLITE_IOERR_FSYNC;
	if (shadow_of_file(file) != NULL)
		shadow_synced(shadow_of_file(file));
	return REAL(file)->pMethods->xSync(REAL(file), flags);
}

static int
fault_file_size(sqlite3_file *file, sqlite3_int64 *ret_bytes)
{
	return REAL(file)->pMethods->xFileSize(REAL(file), ret_bytes);
}

static int
fault_lock(sqlite3_file *file, int level)
{
	return REAL(file)->pMethods->xLock(REAL(file), level);
}

static int
fault_unlock(sqlite3_file *file, int level)
{
	return REAL(file)->pMethods->xUnlock(REAL(file), level);
}

static int
fault_check_lock(sqlite3_file *file, int *ret)
{
	return REAL(file)->pMethods->xCheckReservedLock(REAL(file), ret);
}

static int
fault_control(sqlite3_file *file, int op, void *arg)
{
	return REAL(file)->pMethods->xFileControl(REAL(file), op, arg);
}

static int
fault_sector_size(sqlite3_file *file)
{
	return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static int
fault_characteristics(sqlite3_file *file)
{
	return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static int
fault_shm_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **ret)
{
	return REAL(file)->pMethods->xShmMap(REAL(file), page, bytes, extend, ret);
}

static int
fault_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags);
}

static void
fault_shm_barrier(sqlite3_file *file)
{
	REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int
fault_shm_unmap(sqlite3_file *file, int remove)
{
	return REAL(file)->pMethods->xShmUnmap(REAL(file), remove);
}

/* Version 2: without the mapping of files into memory, which would go past the writes here. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_file_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_lock,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector_size,
    .xDeviceCharacteristics = fault_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static int
fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
	struct fault_vfs *fault = vfs->pAppData;
	struct fault_file *file = (struct fault_file *)base;
	bool torn;

	file->base.pMethods = NULL;
	file->fault = fault;
	file->shadow = NULL;
	file->real = (sqlite3_file *)(file + 1);
	if (change(fault, &torn) != SQLITE_OK)
		return SQLITE_CANTOPEN;
	if (fault->keeps_shadows && name != NULL)
		file->shadow = shadow_of(fault, name);
	int code = fault->real->xOpen(fault->real, name, file->real, flags, ret_flags);
	if (file->real->pMethods != NULL)
		file->base.pMethods = &methods;
	return code;
}

/* A file that is deleted is gone, also after a loss of power. */
static int
fault_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	struct fault_vfs *fault = vfs->pAppData;

	if (fault->dead)
		return SQLITE_IOERR_DELETE;
	for (struct fault_shadow *shadow = fault->shadows; shadow != NULL; shadow = shadow->next)
		if (strcmp(shadow->path, name) == 0) {
			drop_pending(shadow);
			buf_reset(&shadow->synced);
		}
	return fault->real->xDelete(fault->real, name, sync_dir);
}

void
fault_vfs_register(struct fault_vfs *fault, const char *name)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	*fault = (struct fault_vfs){.vfs = *real, .real = real, .remaining = -1};
	snprintf(fault->name, sizeof(fault->name), "%s", name != NULL ? name : FAULT_VFS_NAME);
	fault->vfs.szOsFile = (int)sizeof(struct fault_file) + real->szOsFile;
	fault->vfs.zName = fault->name;
	fault->vfs.pAppData = fault;
	fault->vfs.pNext = NULL;
	fault->vfs.xOpen = fault_open;
	fault->vfs.xDelete = fault_delete;
	sqlite3_vfs_register(&fault->vfs, 0);
}

void
fault_vfs_unregister(struct fault_vfs *fault)
{
	sqlite3_vfs_unregister(&fault->vfs);
	while (fault->shadows != NULL) {
		struct fault_shadow *shadow = fault->shadows;

		fault->shadows = shadow->next;
		drop_pending(shadow);
		buf_fini(&shadow->synced);
		free(shadow->path);
		free(shadow);
	}
}

void
fault_vfs_arm(struct fault_vfs *fault, int n, int code, bool lasting)
{
	fault->remaining = n > 0 ? n : -1;
	fault->code = code;
	fault->lasting = lasting;
	fault->hit = false;
}
