#include "store/store_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>

/*
 * Facts outlive the run that put them: the targets that were made for an appliance, when something
 * was destroyed last, the rate that AWS allowed. Each is known with the time of its put, since the
 * answers of AWS lag behind its changes and a fact counts for a while only. They are a help, not a
 * truth: AWS is asked before one is relied on.
 */

/* A key is a part of an index, so its size is bounded more closely than that of a value. */
static int
fact_check_key(const char *scope, const char *kind, const char *key, struct tmf_err *err)
{
	if (store_check_size(strlen(scope), STORE_KEY_BYTES_MAX, "the scope of a fact", err) < 0 ||
	    store_check_size(strlen(kind), STORE_KEY_BYTES_MAX, "the kind of a fact", err) < 0)
		return -1;
	return store_check_size(strlen(key), STORE_KEY_BYTES_MAX, "the key of a fact", err);
}

/* What the checksum of a row is made of. */
#define FACT_ROW(scope, kind, key, value, put_wall_ms)                                             \
	STORE_ARGS(store_arg_text(scope), store_arg_text(kind), store_arg_text(key),               \
	    store_arg_blob(value), store_arg_int(put_wall_ms))

/* The store's clock gives the time, so that a caller cannot forget it. */
int
store_fact_put(struct store *store, const char *scope, const char *kind, const char *key,
    struct str value, struct tmf_err *err)
{
	assert(value.p != NULL || value.len == 0);
	if (fact_check_key(scope, kind, key, err) < 0 ||
	    store_check_size(value.len, STORE_FACT_BYTES_MAX, "the value of a fact", err) < 0)
		return -1;
	const int64_t now_wall_ms = store->clock->wall_ms(store->clock);
	return store_write(store, SQL_FACT_PUT,
	    STORE_ARGS(store_arg_text(scope), store_arg_text(kind), store_arg_text(key),
		store_arg_blob(value), store_arg_int(now_wall_ms),
		store_arg_int(store_sum(FACT_ROW(scope, kind, key, value, now_wall_ms)))),
	    err);
}

int
store_fact_delete(
    struct store *store, const char *scope, const char *kind, const char *key, struct tmf_err *err)
{
	return store_write(store, SQL_FACT_DELETE,
	    STORE_ARGS(store_arg_text(scope), store_arg_text(kind), store_arg_text(key)), err);
}

/* 0 where there is no such fact, since time 0 is older than any limit. */
int
store_fact_time(struct store *store, const char *scope, const char *kind, const char *key,
    int64_t *ret_put_wall_ms, struct tmf_err *err)
{
	int64_t put_wall_ms = 0;

	if (store_query(store, SQL_FACT_TIME,
		STORE_ARGS(store_arg_text(scope), store_arg_text(kind), store_arg_text(key)),
		store_row_int, &put_wall_ms, err) < 0)
		return -1;
	*ret_put_wall_ms = put_wall_ms;
	return 0;
}

struct fact_each {
	struct store *store;
	const char *scope;
	const char *kind;
	int (*fn)(void *arg, const char *key, struct str value);
	void *arg;
};

static int
fact_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct fact_each *each = arg;
	const char *key = store_column_text(row, 0);
	const struct str value = store_column_bytes(row, 1);
	const int64_t put_wall_ms = sqlite3_column_int64(row, 2);

	assert(sqlite3_column_count(row) == 4);
	if (!store_sum_fits(row, 3, FACT_ROW(each->scope, each->kind, key, value, put_wall_ms)))
		return store_damaged(each->store, "a fact has a wrong checksum", err);
	return each->fn(each->arg, key, value) != 0;
}

int
store_facts_each(struct store *store, const char *scope, const char *kind,
    int (*fn)(void *arg, const char *key, struct str value), void *arg, struct tmf_err *err)
{
	struct fact_each each = {store, scope, kind, fn, arg};

	return store_query(store, SQL_FACT_LIST,
	    STORE_ARGS(store_arg_text(scope), store_arg_text(kind)), fact_row, &each, err);
}
