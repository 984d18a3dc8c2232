#include "store/store_internal.h"

#include <assert.h>
#include <string.h>

/*
 * All of SQLite goes through here. Three rules that callers rely on: a statement is prepared once
 * and kept; a write begins the transaction by itself; and the first fault of a write ends all
 * writing, because what SQLite still holds of the transaction after a full disk is not what the
 * engine believes to have written.
 */

static const char *const sql_texts[SQL_COUNT] = {
#define X(id, text) [SQL_##id] = text,
    SQL_TABLE(X)
#undef X
};

/* What the user can do about it, by SQLite's primary result code. */
static const struct {
	int code;
	const char *hint;
} hints[] = {
    {SQLITE_FULL, "is the disk full?"},
    {SQLITE_IOERR, "does the disk work, and is there space left?"},
    {SQLITE_READONLY, "may this user write to it?"},
    {SQLITE_CANTOPEN, "may this user open it and make files beside it?"},
    {SQLITE_CORRUPT, "the file is damaged: move it away to start with an empty one"},
    {SQLITE_NOTADB, "no database: move it away to start with an empty one"},
    {SQLITE_BUSY, "another process has held it for too long"},
};

/* The low byte of an extended code is the primary one: SQLITE_IOERR_FSYNC is an SQLITE_IOERR. */
static const char *
sqlite_hint(int code)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].code == (code & 0xff))
			return hints[i].hint;
	return NULL;
}

/* The system's error where there is one: "disk I/O error" alone does not say that a quota is used
 * up. */
int
store_fail(struct store *store, struct tmf_err *err)
{
	int code = sqlite3_extended_errcode(store->db);
	int number = sqlite3_system_errno(store->db);
	const char *hint = sqlite_hint(code);
	bool system =
	    number != 0 && ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN);

	/* Found while nothing is under way, it is damage that was there before. */
	bool damaged =
	    !store->writing && ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB);

	return tmf_err_set_name(err, damaged ? TMF_ERR_INVALID : TMF_ERR_STORE, ERROR_STORE,
	    "%s: %s%s%s%s%s", store->path, sqlite3_errmsg(store->db), system ? ": " : "",
	    system ? strerror(number) : "", hint != NULL ? "; " : "", hint != NULL ? hint : "");
}

/* For what SQLite accepts and this program cannot have written. Invalid as a workflow can be: it is
 * found before anything is started. */
int
store_damaged(struct store *store, const char *what, struct tmf_err *err)
{
	return tmf_err_set_name(err, TMF_ERR_INVALID, ERROR_STORE, "%s: %s; %s", store->path, what,
	    sqlite_hint(SQLITE_CORRUPT));
}

/* Arguments are values of their own kind, so a call lists them in the statement's order. */
struct store_arg
store_arg_int(int64_t number)
{
	return (struct store_arg){.kind = STORE_ARG_INT, .number = number};
}

struct store_arg
store_arg_text(const char *text)
{
	struct str bytes = {text, text != NULL ? strlen(text) : 0};

	return (struct store_arg){.kind = STORE_ARG_TEXT, .bytes = bytes};
}

/* For bytes that need not be text. */
struct store_arg
store_arg_blob(struct str bytes)
{
	/* SQLite takes a NULL pointer for SQL's NULL, an empty slice may have one. */
	if (bytes.p == NULL)
		bytes = STR("");
	return (struct store_arg){.kind = STORE_ARG_BLOB, .bytes = bytes};
}

/* Without a copy (SQLITE_STATIC): stmt_put clears the bindings before the caller's bytes can go. */
static int
bind_one(sqlite3_stmt *stmt, int index, const struct store_arg *arg)
{
	const struct str *bytes = &arg->bytes;

	switch (arg->kind) {
	case STORE_ARG_INT:
		return sqlite3_bind_int64(stmt, index, arg->number);
	case STORE_ARG_TEXT:
		return sqlite3_bind_text64(
		    stmt, index, bytes->p, bytes->len, SQLITE_STATIC, SQLITE_UTF8);
	case STORE_ARG_BLOB:
		return sqlite3_bind_blob64(stmt, index, bytes->p, bytes->len, SQLITE_STATIC);
	case STORE_ARG_END:
		break;
	}
	return SQLITE_MISUSE;
}

/* A wrong number of arguments is a fault of the program. */
static int
bind_all(sqlite3_stmt *stmt, const struct store_arg *args)
{
	int count = 0;

	for (; args[count].kind != STORE_ARG_END; count++) {
		int code = bind_one(stmt, count + 1, &args[count]);

		if (code != SQLITE_OK)
			return code;
	}
	assert(count == sqlite3_bind_parameter_count(stmt));
	return SQLITE_OK;
}

/* Takes the statement out of the cache, so that a callback which needs the same one prepares its
 * own. */
static sqlite3_stmt *
stmt_take(struct store *store, enum store_sql sql, struct tmf_err *err)
{
	sqlite3_stmt *stmt;

	assert(sql < SQL_COUNT);
	stmt = store->stmts[sql];
	store->stmts[sql] = NULL;
	if (stmt == NULL && sqlite3_prepare_v3(store->db, sql_texts[sql], -1,
				SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
		store_fail(store, err);
		return NULL;
	}
	return stmt;
}

/* Puts it back. Its bound values are borrowed and must not be seen again. */
static void
stmt_put(struct store *store, enum store_sql sql, sqlite3_stmt *stmt)
{
	assert(stmt != NULL);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	if (store->stmts[sql] == NULL)
		store->stmts[sql] = stmt;
	else
		sqlite3_finalize(stmt);
}

/* Within a transaction it ends that one, a read as well: who then commits must not find the half of
 * what a call wrote. */
static int
query_refused(struct store *store, struct tmf_err *fault, struct tmf_err *err)
{
	if (store->writing)
		return store_abort(store, fault, err);
	tmf_err_move(err, fault);
	return -1;
}

int
store_query(struct store *store, enum store_sql sql, const struct store_arg *args, store_row_fn *fn,
    void *arg, struct tmf_err *err)
{
	struct tmf_err fault = {0};
	int result = 0;
	sqlite3_stmt *stmt = stmt_take(store, sql, &fault);

	if (stmt == NULL)
		return query_refused(store, &fault, err);
	int code = bind_all(stmt, args);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	while (code == SQLITE_ROW) {
		assert(fn != NULL);
		result = fn(arg, stmt, err);
		if (result != 0)
			break;
		code = sqlite3_step(stmt);
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		store_fail(store, &fault);
	stmt_put(store, sql, stmt);
	if (tmf_err_isset(&fault))
		return query_refused(store, &fault, err);
	return result < 0 ? -1 : 0;
}

/* err may be NULL. Returns -1. */
static int
query_say_fault(const struct store *store, struct tmf_err *err)
{
	if (err != NULL)
		tmf_err_copy(err, &store->fault);
	return -1;
}

int
store_abort(struct store *store, struct tmf_err *fault, struct tmf_err *err)
{
	assert(tmf_err_isset(fault) && !tmf_err_isset(&store->fault));
	store->writing = false;
	/* SQLite may have rolled back by itself. A failing ROLLBACK leaves nothing to be done: it
	 * is repeated by the process that opens the file next. */
	if (!sqlite3_get_autocommit(store->db))
		store_query(store, SQL_ROLLBACK, STORE_NO_ARGS, NULL, NULL, NULL);
	store->reading = false;
	store->current = (struct store_current){0};
	tmf_err_move(&store->fault, fault);
	return query_say_fault(store, err);
}

/* A failure is left to the reads themselves: they then take a lock each, and say what is wrong. */
void
store_reads_begin(struct store *store)
{
	if (!store->writing && !store->reading)
		store->reading =
		    store_query(store, SQL_BEGIN_READING, STORE_NO_ARGS, NULL, NULL, NULL) == 0;
}

static int
query_take_number(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	(void)err;
	*(int64_t *)arg = sqlite3_column_int64(row, 0);
	return 0;
}

int64_t
store_data_version(struct store *store)
{
	int64_t version = 0;

	store_query(store, SQL_DATA_VERSION, STORE_NO_ARGS, query_take_number, &version, NULL);
	return version;
}

void
store_reads_end(struct store *store)
{
	if (store->reading)
		store_query(store, SQL_COMMIT, STORE_NO_ARGS, NULL, NULL, NULL);
	store->reading = false;
}

/* IMMEDIATE (see sql.tbl.h): the lock for writing is taken now, so that a busy file is found before
 * the first write of a turn and not in its middle. */
int
store_begin(struct store *store, struct tmf_err *err)
{
	if (tmf_err_isset(&store->fault))
		return query_say_fault(store, err);
	if (store->writing)
		return 0;
	store_reads_end(store);
	if (store_query(store, SQL_BEGIN, STORE_NO_ARGS, NULL, NULL, err) < 0)
		return -1;
	assert(!store->reading && !sqlite3_get_autocommit(store->db));
	store->writing = true;
	return 0;
}

int
store_write_returning(struct store *store, enum store_sql sql, const struct store_arg *args,
    store_row_fn *fn, void *arg, struct tmf_err *err)
{
	struct tmf_err fault = {0};

	if (store_begin(store, err) < 0)
		return -1;
	assert(store->writing);
	if (store_query(store, sql, args, fn, arg, &fault) == 0)
		return 0;
	if (store->writing) /* it was fn that found a fault */
		return store_abort(store, &fault, err);
	tmf_err_move(err, &fault);
	return -1;
}

int
store_write(
    struct store *store, enum store_sql sql, const struct store_arg *args, struct tmf_err *err)
{
	return store_write_returning(store, sql, args, NULL, NULL, err);
}

bool
store_is_temporary(const struct store *store)
{
	return store->dir_fd < 0;
}

/* Also without a write: the reads that were begun together end here, or else this process would
 * keep the WAL from being copied into the file for as long as it waits. */
int
store_commit(struct store *store, struct tmf_err *err)
{
	struct tmf_err fault = {0};

	if (tmf_err_isset(&store->fault))
		return query_say_fault(store, err);
	store_reads_end(store);
	if (!store->writing)
		return 0;
	if (!store_is_temporary(store) &&
	    store_dir_check_file(store->path, &store->file, &fault) < 0)
		return store_abort(store, &fault, err);
	if (store_query(store, SQL_COMMIT, STORE_NO_ARGS, NULL, NULL, err) < 0)
		return -1;
	assert(sqlite3_get_autocommit(store->db));
	store->writing = false;
	return 0;
}

/* SQLite ends a text with NUL; one that holds a NUL is seen up to it, as everywhere. */
const char *
store_column_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	assert(column < sqlite3_column_count(row));
	return text != NULL ? text : "";
}

struct str
store_column_bytes(sqlite3_stmt *row, int column)
{
	const char *p = sqlite3_column_blob(row, column); /* before its bytes: it may convert */

	assert(column < sqlite3_column_count(row));
	return (struct str){p != NULL ? p : "", (size_t)sqlite3_column_bytes(row, column)};
}

/* A statement without a row leaves *ret as the caller set it. */
int
store_row_int(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	int64_t *ret = arg;

	(void)err;
	*ret = sqlite3_column_int64(row, 0);
	return 0;
}
