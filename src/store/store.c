#include "store/store_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME      "tmflow.db"
#define APPLICATION_ID 0x746d666c /* "tmfl": what file(1) and we know the file by */

#define TEXT_OF_NUMBER(number) #number
#define TEXT_OF(macro)	       TEXT_OF_NUMBER(macro)

/* No value or row may be larger: a run's row holds up to ten texts of STORE_TEXT_BYTES_MAX. */
#define ROW_BYTES_MAX (11 * (int)STORE_TEXT_BYTES_MAX)

/*
 * The steps from one version of the schema to the next; a step that was released is never changed.
 * Outcomes and facts are kept in the order of their keys (WITHOUT ROWID): one B-tree each, read in
 * order without sorting. Not so checkpoints: a row may be large, and a lookup in such a B-tree
 * reads all of each row that it passes. Wide columns come last, so that lists need not read them.
 */
static const char *const schema_steps[STORE_SCHEMA_VERSION] = {
    "CREATE TABLE runs (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status INTEGER NOT NULL,"
    " start_ms INTEGER NOT NULL, stop_ms INTEGER NOT NULL, retry_ms INTEGER NOT NULL,"
    " dry_run INTEGER NOT NULL, parent TEXT, workflow_name TEXT, config_name TEXT,"
    " hook_name TEXT, settings TEXT, error TEXT, cause TEXT, input TEXT, output TEXT,"
    " definition TEXT, config TEXT, hook TEXT) STRICT;"
    "CREATE INDEX runs_by_start ON runs (start_ms, id);"
    "CREATE INDEX runs_by_parent ON runs (parent, id) WHERE parent IS NOT NULL;"
    "CREATE TABLE branches (run INTEGER NOT NULL, branch INTEGER NOT NULL, state BLOB NOT NULL,"
    " UNIQUE (run, branch)) STRICT;"
    "CREATE TABLE results (run INTEGER NOT NULL, branch INTEGER NOT NULL, item INTEGER NOT NULL,"
    " result BLOB NOT NULL, UNIQUE (run, branch, item)) STRICT;"
    "CREATE TABLE outcomes (run INTEGER NOT NULL, instance TEXT NOT NULL, interface TEXT NOT NULL,"
    " kind INTEGER NOT NULL, reason TEXT, rule TEXT, target TEXT, session TEXT, error TEXT,"
    " cause TEXT, request TEXT, PRIMARY KEY (run, instance, interface)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE history (run INTEGER NOT NULL, event INTEGER NOT NULL, previous INTEGER NOT NULL,"
    " time_ms INTEGER NOT NULL, top INTEGER NOT NULL, type TEXT NOT NULL, details TEXT,"
    " PRIMARY KEY (run, event)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE facts (scope TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,"
    " value BLOB NOT NULL, put_ms INTEGER NOT NULL, PRIMARY KEY (scope, kind, key))"
    " STRICT, WITHOUT ROWID;",
    /* 2: a session says its interface and not its instance. */
    "CREATE INDEX outcomes_by_interface ON outcomes (run, interface);",
    /* 3: what was refused, and of what instance. */
    "ALTER TABLE outcomes ADD COLUMN operation TEXT;"
    "CREATE TABLE instances (run INTEGER NOT NULL, instance TEXT NOT NULL,"
    " interface TEXT NOT NULL, type TEXT, vpc TEXT, subnet TEXT, zone TEXT, name TEXT,"
    " PRIMARY KEY (run, instance, interface)) STRICT, WITHOUT ROWID;",
    /* 4: a failed run goes on, until its checkpoint expires. */
    "ALTER TABLE runs ADD COLUMN redrive_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE runs ADD COLUMN redrives INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX runs_by_stop ON runs (status, stop_ms);",
    /* 5: several outcomes of an interface. */
    "DROP INDEX outcomes_by_interface; ALTER TABLE outcomes RENAME TO outcomes_before;"
    "CREATE TABLE outcomes (run INTEGER NOT NULL, instance TEXT NOT NULL, interface TEXT NOT NULL,"
    " slot TEXT NOT NULL DEFAULT '', kind INTEGER NOT NULL, reason TEXT, rule TEXT, target TEXT,"
    " session TEXT, error TEXT, cause TEXT, request TEXT, operation TEXT,"
    " PRIMARY KEY (run, instance, interface, slot)) STRICT, WITHOUT ROWID;"
    "INSERT INTO outcomes SELECT run, instance, interface, '', kind, reason, rule, target,"
    " session, error, cause, request, operation FROM outcomes_before;"
    "DROP TABLE outcomes_before;"
    "CREATE INDEX outcomes_by_interface ON outcomes (run, interface);",
    /* 6: checksums; NULL in a row of an earlier release. */
    "ALTER TABLE runs ADD COLUMN start_sum INTEGER;"
    "ALTER TABLE runs ADD COLUMN end_sum INTEGER;"
    "ALTER TABLE branches ADD COLUMN sum INTEGER;"
    "ALTER TABLE results ADD COLUMN sum INTEGER;"
    "ALTER TABLE facts ADD COLUMN sum INTEGER;"};

/*
 * Memory stays at the page cache of 512 KiB, however large the file is: no mapping, and a
 * transaction that outgrows the cache spills to the disk.
 *
 * With synchronous NORMAL a commit in WAL is a write without an fsync: it outlives the process, and
 * after a loss of power the file is whole and holds all but the newest commits. FULL would cost an
 * fsync in every turn of the loop and gain nothing, since a step that is done again does nothing
 * twice. The WAL is copied into the file, with an fsync of each, when it has grown to 16 MiB (4,000
 * pages), and by the last one to close the file.
 */
static const char pragmas_file[] = "PRAGMA mmap_size = 0; PRAGMA cache_size = -512;"
				   "PRAGMA cell_size_check = ON;"
				   "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
				   "PRAGMA wal_autocheckpoint = 4000;"
				   "PRAGMA journal_size_limit = " TEXT_OF(STORE_LOG_BYTES_MAX) ";";

/* A temporary store is gone after a crash: there is nothing to recover. */
static const char pragmas_temporary[] = "PRAGMA mmap_size = 0; PRAGMA cache_size = -512;"
					"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;";

static int
store_exec(struct store *store, const char *sql, struct tmf_err *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(store, err);
	return 0;
}

static int
query_int(struct store *store, enum store_sql sql, int64_t *ret, struct tmf_err *err)
{
	return store_query(store, sql, STORE_NO_ARGS, store_row_int, ret, err);
}

/* SQLite's own functions, which keep count of the bytes in use. */
static sqlite3_mem_methods memory_methods;

static void *
memory_alloc(int bytes)
{
	void *p = memory_methods.xMalloc(bytes);

	return p != NULL ? p : mem_exhausted((size_t)bytes);
}

static void *
memory_resize(void *old, int bytes)
{
	void *p = memory_methods.xRealloc(old, bytes);

	return p != NULL ? p : mem_exhausted((size_t)bytes);
}

int
store_guard_memory(void)
{
	sqlite3_mem_methods guarded;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory_methods) != SQLITE_OK)
		return -1;
	guarded = memory_methods;
	guarded.xMalloc = memory_alloc;
	guarded.xRealloc = memory_resize;
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &guarded) == SQLITE_OK ? 0 : -1;
}

int
store_use_one_thread(void)
{
	return sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK &&
		       sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK
		   ? 0
		   : -1;
}

static int
store_connect(struct store *store, const struct store_opts *opts, struct tmf_err *err)
{
	/* No mutexes: the program has one thread. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	bool temporary = opts->dir == NULL;

	if (!temporary)
		flags |= SQLITE_OPEN_NOFOLLOW;
	/* The empty name is a temporary file, which the system removes when it is closed. */
	if (sqlite3_open_v2(temporary ? "" : store->path, &store->db, flags, opts->vfs_name) !=
	    SQLITE_OK)
		return store_fail(store, err);
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX);
	/* The file is data: it cannot run anything here. */
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	return 0;
}

/* Is it ours, and of which version? 0 for an empty file. */
static int
schema_read_version(struct store *store, int64_t *ret_version, struct tmf_err *err)
{
	int64_t application = 0, version = 0, tables = 0;

	if (query_int(store, SQL_APPLICATION_ID, &application, err) < 0 ||
	    query_int(store, SQL_USER_VERSION, &version, err) < 0 ||
	    query_int(store, SQL_SCHEMA_COUNT, &tables, err) < 0)
		return -1;
	if (application != APPLICATION_ID && (application != 0 || tables != 0))
		return tmf_err_set(err, TMF_ERR_STORE,
		    "%s is the database of another program: choose another --state-dir",
		    store->path);
	if (version > STORE_SCHEMA_VERSION)
		return tmf_err_set(err, TMF_ERR_STORE,
		    "%s was written by a newer tmflow (schema %lld, this one knows %d): upgrade "
		    "tmflow, or choose another --state-dir",
		    store->path, (long long)version, STORE_SCHEMA_VERSION);
	if (version < 0 || (version == 0) != (tables == 0))
		return store_damaged(store, "the version of the schema is wrong", err);
	*ret_version = version;
	return 0;
}

static int
schema_upgrade(struct store *store, int64_t version, struct tmf_err *err)
{
	assert(version >= 0 && version <= STORE_SCHEMA_VERSION);
	if (version == STORE_SCHEMA_VERSION)
		return 0;
	if (store_begin(store, err) < 0)
		return -1;
	for (; version < STORE_SCHEMA_VERSION; version++)
		if (store_exec(store, schema_steps[version], err) < 0)
			return -1;
	char *numbers = mem_printf("PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    APPLICATION_ID, STORE_SCHEMA_VERSION);
	int result = store_exec(store, numbers, err);
	free(numbers);
	return result < 0 ? -1 : store_commit(store, err);
}

static int
store_open_db(struct store *store, const struct store_opts *opts, struct tmf_err *err)
{
	int64_t version = 0;
	bool temporary = opts->dir == NULL;

	if (store_connect(store, opts, err) < 0 || schema_read_version(store, &version, err) < 0 ||
	    store_exec(store, temporary ? pragmas_temporary : pragmas_file, err) < 0 ||
	    schema_upgrade(store, version, err) < 0)
		return -1;
	/* Last, because it also forbids journal_mode OFF and the changes of an upgrade. */
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return 0;
}

static int
store_open_dir(struct store *store, const struct store_opts *opts, struct tmf_err *err)
{
	char *dir;

	if (opts->existing && store_dir_check_there(AT_FDCWD, opts->dir, opts->dir, err) < 0)
		return -1;
	if (store_dir_open(opts->dir, &dir, &store->dir_fd, err) < 0)
		return -1;
	store->path = mem_printf("%s/" FILE_NAME, dir);
	free(dir);
	if (opts->existing && store_dir_check_there(store->dir_fd, FILE_NAME, store->path, err) < 0)
		return -1;
	if (store_dir_lock(store->dir_fd, store->path, err) < 0)
		return -1;
	int result = store_dir_file(store->dir_fd, FILE_NAME, store->path, err);
	if (result == 0)
		result = store_dir_note_file(store->path, &store->file, err);
	/* While nobody has the file open its log may come and go. */
	store->file.bytes = store->file.log_bytes = 0;
	if (result == 0)
		result = store_open_db(store, opts, err);
	if (result == 0)
		result = store_dir_check_file(store->path, &store->file, err);
	store_dir_unlock(store->dir_fd);
	return result;
}

struct store *
store_open_with(const struct store_opts *opts, struct tmf_err *err)
{
	struct store *store = mem_zalloc(1, sizeof(*store));
	int result;

	assert(opts->clock != NULL);
	store->clock = opts->clock;
	store->dir_fd = -1;
	if (opts->dir != NULL) {
		result = store_open_dir(store, opts, err);
	} else {
		store->path = mem_strdup("the temporary store");
		result = store_open_db(store, opts, err);
	}
	if (result == 0)
		return store;
	store_close(store);
	return NULL;
}

struct store *
store_open(const char *dir, struct tmf_clock *clock, struct tmf_err *err)
{
	return store_open_with(&(struct store_opts){.dir = dir, .clock = clock}, err);
}

int
store_sync(struct store *store, struct tmf_err *err)
{
	sqlite3_file *log = NULL;
	int code;

	if (store_is_temporary(store))
		return 0;
	code = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (code == SQLITE_OK && log != NULL && log->pMethods != NULL)
		code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
	if (code == SQLITE_OK)
		return 0;
	return tmf_err_set(err, TMF_ERR_STORE, "%s: not written to the disk: %s", store->path,
	    sqlite3_errstr(code));
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(store->stmts[i]);
	/* Rolls back what is open. Busy would mean a statement that is still stepped: closed from
	 * within fn. */
	int code = sqlite3_close(store->db);
	assert(code == SQLITE_OK);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	store_dir_close_spool(store);
	tmf_err_fini(&store->fault);
	free(store->path);
	free(store);
}
