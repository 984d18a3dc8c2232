#ifndef FAULT_VFS_H
#define FAULT_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

#define FAULT_VFS_NAME "tmflow-fault"

/*
 * A VFS over the default one whose n-th change of a file (open, write, sync, truncate) fails, and with
 * `lasting` all that come after. The disk is full or broken as `code` says. Reads never fail.
 */
struct fault_vfs {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	int code;      /* SQLITE_FULL, SQLITE_IOERR_WRITE, ... */
	int remaining; /* changes until the fault; 0: it has come; negative: none */
	bool lasting;
	bool hit; /* it has come */
};

void fault_vfs_register(struct fault_vfs *fault);
void fault_vfs_unregister(struct fault_vfs *fault);

/* The n-th change from now, from 1; 0 for none. */
void fault_vfs_arm(struct fault_vfs *fault, int n, int code, bool lasting);

#endif
