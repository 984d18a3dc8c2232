#include "fault_vfs.h"

#include <string.h>

/* The real file lies behind this one in SQLite's memory (szOsFile). */
struct fault_file {
	sqlite3_file base;
	struct fault_vfs *fault;
	sqlite3_file *real;
};

#define REAL(file) (((struct fault_file *)(file))->real)

/* The code to fail with, or SQLITE_OK. */
static int
change(struct fault_vfs *fault)
{
	if (fault->remaining < 0)
		return SQLITE_OK;
	if (fault->remaining > 0 && --fault->remaining > 0)
		return SQLITE_OK;
	if (fault->hit && !fault->lasting)
		return SQLITE_OK;
	fault->hit = true;
	return fault->code;
}

static int
file_change(sqlite3_file *file)
{
	return change(((struct fault_file *)file)->fault);
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
	int code = file_change(file);

	/* A disk that fills up takes a part of it. */
	if (code != SQLITE_OK) {
		REAL(file)->pMethods->xWrite(REAL(file), data, bytes / 2, offset);
		return code;
	}
	return REAL(file)->pMethods->xWrite(REAL(file), data, bytes, offset);
}

static int
fault_truncate(sqlite3_file *file, sqlite3_int64 bytes)
{
	int code = file_change(file);

	return code != SQLITE_OK ? SQLITE_IOERR_TRUNCATE
				 : REAL(file)->pMethods->xTruncate(REAL(file), bytes);
}

static int
fault_sync(sqlite3_file *file, int flags)
{
	int code = file_change(file);

	return code != SQLITE_OK ? SQLITE_IOERR_FSYNC
				 : REAL(file)->pMethods->xSync(REAL(file), flags);
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

	file->base.pMethods = NULL;
	file->fault = fault;
	file->real = (sqlite3_file *)(file + 1);
	if (change(fault) != SQLITE_OK)
		return SQLITE_CANTOPEN;
	int code = fault->real->xOpen(fault->real, name, file->real, flags, ret_flags);
	if (file->real->pMethods != NULL)
		file->base.pMethods = &methods;
	return code;
}

void
fault_vfs_register(struct fault_vfs *fault)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	*fault = (struct fault_vfs){.vfs = *real, .real = real, .remaining = -1};
	fault->vfs.szOsFile = (int)sizeof(struct fault_file) + real->szOsFile;
	fault->vfs.zName = FAULT_VFS_NAME;
	fault->vfs.pAppData = fault;
	fault->vfs.pNext = NULL;
	fault->vfs.xOpen = fault_open;
	sqlite3_vfs_register(&fault->vfs, 0);
}

void
fault_vfs_unregister(struct fault_vfs *fault)
{
	sqlite3_vfs_unregister(&fault->vfs);
}

void
fault_vfs_arm(struct fault_vfs *fault, int n, int code, bool lasting)
{
	fault->remaining = n > 0 ? n : -1;
	fault->code = code;
	fault->lasting = lasting;
	fault->hit = false;
}
