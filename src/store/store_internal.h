#ifndef TMFLOW_STORE_STORE_INTERNAL_H
#define TMFLOW_STORE_STORE_INTERNAL_H

#include "store/store.h"

#include "store/sql.tbl.h"

#include <sqlite3.h>
#include <sys/types.h>

enum store_sql {
#define X(id, text) SQL_##id,
	SQL_TABLE(X)
#undef X
	    SQL_COUNT
};

/* The run that this store writes: its number and how many outcomes of each kind it has. */
struct store_current {
	char id[STORE_RUN_ID_BYTES_MAX + 1]; /* "" for none */
	int64_t number;
	bool counted; /* counts are those of the table */
	int64_t counts[OUTCOME_COUNT];
	int64_t alone; /* rows of instances without an interface, counted with the others */
};

#define ERROR_STORE "TMFlow.Store" /* the name of what is wrong with a store */

/* SQLite shortens a write-ahead log that is longer to this. */
#define STORE_LOG_BYTES_MAX 16777216

/* What a file is, whatever its name, and how long it and its write-ahead log were. */
struct store_file {
	dev_t device;
	ino_t inode;
	off_t bytes;
	off_t log_bytes;
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmts[SQL_COUNT]; /* NULL: not prepared yet, or in use */
	struct tmf_clock *clock;
	char *path;		/* of the file, for messages and SQLite */
	int dir_fd;		/* the state directory; -1 for a temporary store */
	char *spool;		/* of a temporary store, once somebody asked; NULL: none */
	struct store_file file; /* which one was opened */
	bool writing;		/* a transaction is open */
	bool reading;		/* one that only reads is */
	struct tmf_err fault;	/* why nothing is written any more */
	struct store_current current;
};

/* --- query.c: statements and their values --- */

enum store_arg_kind { STORE_ARG_END, STORE_ARG_INT, STORE_ARG_TEXT, STORE_ARG_BLOB };

/* A value for ?1, ?2, ... of a statement. Borrows its bytes. A text with p NULL is SQL's NULL. */
struct store_arg {
	enum store_arg_kind kind;
	int64_t number;
	struct str bytes;
};

/* Makes a value. Borrows: the text or bytes, until the statement has run. */
struct store_arg store_arg_int(int64_t number);
struct store_arg store_arg_text(const char *text);
struct store_arg store_arg_blob(struct str bytes);

#define STORE_ARGS(...) ((const struct store_arg[]){__VA_ARGS__, {.kind = STORE_ARG_END}})
#define STORE_NO_ARGS	((const struct store_arg[]){{.kind = STORE_ARG_END}})

/* One row of an answer. Returns 0 to go on, 1 to stop, -1 with *err filled. */
typedef int store_row_fn(void *arg, sqlite3_stmt *row, struct tmf_err *err);

/* Runs a statement that answers with rows. */
int store_query(struct store *store, enum store_sql sql, const struct store_arg *args,
    store_row_fn *fn, void *arg, struct tmf_err *err);

/* Opens the transaction where it is not open yet. Errors: TMF_ERR_STORE, also after an earlier
 * fault. */
int store_begin(struct store *store, struct tmf_err *err);

/* Runs a statement that changes something, within the transaction; a fault undoes all of it. */
int store_write(
    struct store *store, enum store_sql sql, const struct store_arg *args, struct tmf_err *err);

/* The same for a statement with RETURNING. */
int store_write_returning(struct store *store, enum store_sql sql, const struct store_arg *args,
    store_row_fn *fn, void *arg, struct tmf_err *err);

/* Undoes the transaction and refuses all that comes later with this fault. Takes: fault. Returns
 * -1. */
int store_abort(struct store *store, struct tmf_err *fault, struct tmf_err *err);

/* What SQLite said last, with the path and a hint. Returns -1. */
int store_fail(struct store *store, struct tmf_err *err);

/* The file holds something that this program never writes. Returns -1. */
int store_damaged(struct store *store, const char *what, struct tmf_err *err);

/* --- sum.c: the checksum of a row --- */

/*
 * Of the values of a row, in the order in which its statement has them. It shows what a disk or an
 * editor changed, and a row that was put in another's place; it is not proof against a forger.
 */
int64_t store_sum(const struct store_arg *args);

/*
 * Whether column of row, which has the checksum, is that of args. NULL, of a row of an earlier
 * release, is any row's.
 */
bool store_sum_fits(sqlite3_stmt *row, int column, const struct store_arg *args);

/* A column's text, "" for NULL; borrowed until the next row. */
const char *store_column_text(sqlite3_stmt *row, int column);
struct str store_column_bytes(sqlite3_stmt *row, int column);

/* A store_row_fn: the first column of the row as a number. arg is an int64_t. */
store_row_fn store_row_int;

/* --- dir.c: the state directory --- */

/* Checks that name is there, a path below dir_fd, or AT_FDCWD. path: the same for messages. */
int store_dir_check_there(int dir_fd, const char *name, const char *path, struct tmf_err *err);

/* Makes and checks the state directory. ret_path is its real path, malloc'ed; ret_fd is
 * close-on-exec. */
int store_dir_open(const char *dir, char **ret_path, int *ret_fd, struct tmf_err *err);

/* One process at a time makes or changes the file's tables. Waits up to STORE_BUSY_MS. */
int store_dir_lock(int dir_fd, const char *path, struct tmf_err *err);
void store_dir_unlock(int dir_fd);

/* Makes the file with mode 0600, or checks that it is ours. path is for messages. */
int store_dir_file(int dir_fd, const char *name, const char *path, struct tmf_err *err);

/* Notes which file path names. */
int store_dir_note_file(const char *path, struct store_file *ret_file, struct tmf_err *err);

/* Whether path still names that file and nothing was cut off, and notes how long it is now. Errors:
 * TMF_ERR_STORE if it was removed or replaced; TMF_ERR_INVALID, TMFlow.Store, if it was cut. */
int store_dir_check_file(const char *path, struct store_file *file, struct tmf_err *err);

/* A run needs its folder of the spool no more. */
void store_dir_forget_run(const struct store *store, const char *run_id);

/* fn for each run that has a folder; it may be a run that is not in the store. */
int store_dir_each_run(struct store *store,
    int (*fn)(struct store *store, const char *run_id, struct tmf_err *err), struct tmf_err *err);

/* The store is closed: removes the spool of a temporary one. */
void store_dir_close_spool(struct store *store);

/* --- run.c --- */

/* Looks up the number of a run. Returns: 0, with *ret_number 0 for a run that does not exist. */
int
store_run_number(struct store *store, const char *run_id, int64_t *ret_number, struct tmf_err *err);

/* The number of a run that is to be written, which becomes the current one. Errors:
 * TMF_ERR_NOT_FOUND. */
int
store_run_enter(struct store *store, const char *run_id, int64_t *ret_number, struct tmf_err *err);

/* TMF_ERR_LIMIT where bytes is over max; what names the thing. */
int store_check_size(size_t bytes, size_t max, const char *what, struct tmf_err *err);

#endif
