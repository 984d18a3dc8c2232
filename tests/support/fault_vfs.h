#ifndef TMFLOW_TESTS_FAULT_VFS_H
#define TMFLOW_TESTS_FAULT_VFS_H

#include "base/rng.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_VFS_NAME "tmflow-fault"

#define FAULT_VFS_NAME_BYTES 32

struct fault_shadow;

/*
 * A VFS over the default one, a disk of its own that can fail in three ways.
 *
 * Refuse: its n-th change of a file (open, write, sync, truncate) fails, and with `lasting` all
 * that come after. The disk is full or broken as `code` says. Reads never fail.
 *
 * Die with its process: on_change hears of every change before it is made and may end the process
 * there. From then on nothing is changed any more.
 *
 * Lose power: with `shadows` it knows what was synced. fault_vfs_lose_power puts every file back to
 * that, plus a random part of what was written since: whole sectors, some of them torn off.
 */
enum fault_verdict {
	FAULT_GO_ON,
	FAULT_DIE,	/* before the change */
	FAULT_DIE_TORN, /* half of a write is done */
};

struct fault_vfs {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	char name[FAULT_VFS_NAME_BYTES];
	int code;      /* SQLITE_FULL, SQLITE_IOERR_WRITE, ... */
	int remaining; /* changes until the fault; 0: it has come; negative: none */
	bool lasting;
	bool hit; /* it has come */

	enum fault_verdict (*on_change)(void *arg); /* NULL: nobody listens */
	void *arg;
	bool dead;
	bool keeps_shadows;
	struct fault_shadow *shadows;
};

/* name NULL: FAULT_VFS_NAME. */
void fault_vfs_register(struct fault_vfs *fault, const char *name);
void fault_vfs_unregister(struct fault_vfs *fault);

/* The n-th change from now, from 1; 0 for none. */
void fault_vfs_arm(struct fault_vfs *fault, int n, int code, bool lasting);

/* After the process has died and its files are closed: the disk as it comes back. */
void fault_vfs_lose_power(struct fault_vfs *fault, struct rng *rng);

#endif
