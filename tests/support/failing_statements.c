#include "failing_statements.h"

#include "store/store_internal.h"

#include <string.h>

static struct {
	int at; /* 0: none */
	int count;
} statements;

/* SQLite does not interrupt what has no loop: BEGIN and its like, and a PRAGMA. */
static bool
is_interruptible(const char *sql)
{
	static const char *const words[] = {"BEGIN", "COMMIT", "ROLLBACK", "PRAGMA"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(sql, words[i], strlen(words[i])) == 0)
			return false;
	return true;
}

static int
on_statement(unsigned event, void *db, void *stmt, void *text)
{
	(void)event;
	(void)text;
	if (is_interruptible(sqlite3_sql(stmt)) && ++statements.count == statements.at)
		sqlite3_interrupt(db);
	return 0;
}

void
failing_statements_arm(struct store *store, int n)
{
	statements.at = n;
	statements.count = 0;
	sqlite3_trace_v2(store->db, SQLITE_TRACE_STMT, on_statement, store->db);
}

bool
failing_statements_hit(void)
{
	return statements.at > 0 && statements.count >= statements.at;
}
