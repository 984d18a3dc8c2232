#include "store/store_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Counted here and not by SQLite's GROUP BY, which would sort a million rows through temporary
 * files for what is nearly always less than twenty groups.
 */

/* A group; its texts are owned. */
struct reason_group {
	enum outcome_kind kind;
	char *reason;
	char *detail;
	int64_t count;
};

struct reason_groups {
	struct store *store;
	struct reason_group at[OUTCOME_REASONS_MAX + OUTCOME_COUNT]; /* the last ones: OTHER */
	size_t count;
};

static void
reason_groups_fini(struct reason_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		free(groups->at[i].reason);
		free(groups->at[i].detail);
	}
}

static struct reason_group *
reason_groups_find(
    struct reason_groups *groups, enum outcome_kind kind, const char *reason, const char *detail)
{
	for (size_t i = 0; i < groups->count; i++) {
		struct reason_group *group = &groups->at[i];

		if (group->kind == kind && strcmp(group->reason, reason) == 0 &&
		    strcmp(group->detail, detail) == 0)
			return group;
	}
	return NULL;
}

/* When the table is full, there is still room for one group of each kind. */
static struct reason_group *
reason_groups_get(
    struct reason_groups *groups, enum outcome_kind kind, const char *reason, const char *detail)
{
	struct reason_group *group = reason_groups_find(groups, kind, reason, detail);

	if (group != NULL)
		return group;
	if (groups->count >= OUTCOME_REASONS_MAX) {
		reason = OUTCOME_REASON_OTHER;
		detail = "";
		group = reason_groups_find(groups, kind, reason, detail);
		if (group != NULL)
			return group;
	}
	assert(groups->count < sizeof(groups->at) / sizeof(groups->at[0]));
	group = &groups->at[groups->count++];
	*group = (struct reason_group){
	    .kind = kind, .reason = mem_strdup(reason), .detail = mem_strdup(detail)};
	return group;
}

static int
reason_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct reason_groups *groups = arg;
	int64_t kind = sqlite3_column_int64(row, 0);

	if (kind < 0 || kind >= OUTCOME_COUNT)
		return store_damaged(groups->store, "it holds an outcome that cannot be", err);
	reason_groups_get(
	    groups, (enum outcome_kind)kind, store_column_text(row, 1), store_column_text(row, 2))
	    ->count++;
	return 0;
}

/* By name where they are equally frequent, so that two reports of a run are the same. */
static int
reason_group_compare(const void *left, const void *right)
{
	const struct reason_group *a = left, *b = right;
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	order = strcmp(a->reason, b->reason);
	return order != 0 ? order : strcmp(a->detail, b->detail);
}

int
store_outcome_reasons(struct store *store, const char *run_id,
    int (*fn)(void *arg, const struct outcome_reason *reason), void *arg, struct tmf_err *err)
{
	struct reason_groups *groups = mem_zalloc(1, sizeof(*groups));
	int64_t run;
	int ret = store_run_number(store, run_id, &run, err);

	groups->store = store;
	if (ret == 0)
		ret = store_query(store, SQL_OUTCOME_REASONS,
		    STORE_ARGS(store_arg_int(run), store_arg_int(OUTCOME_FAILED),
			store_arg_text(OUTCOME_REASON_TYPE)),
		    reason_row, groups, err);
	if (ret == 0)
		qsort(groups->at, groups->count, sizeof(groups->at[0]), reason_group_compare);
	for (size_t i = 0; ret == 0 && i < groups->count; i++) {
		const struct reason_group *group = &groups->at[i];
		const struct outcome_reason reason = {
		    group->kind, group->reason, group->detail, group->count};

		if (fn(arg, &reason) != 0)
			break;
	}
	reason_groups_fini(groups);
	free(groups);
	return ret;
}

struct reason_rule_each {
	struct store *store;
	int (*fn)(void *arg, const char *rule, enum outcome_kind kind);
	void *arg;
};

static int
reason_rule_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct reason_rule_each *each = arg;
	int64_t kind = sqlite3_column_int64(row, 1);

	if (kind < 0 || kind >= OUTCOME_COUNT)
		return store_damaged(each->store, "it holds an outcome that cannot be", err);
	return each->fn(each->arg, store_column_text(row, 0), (enum outcome_kind)kind) != 0;
}

/* Not DISTINCT, for the reason above: the caller has a place for each of its rules anyway. */
int
store_outcome_rules(struct store *store, const char *run_id,
    int (*fn)(void *arg, const char *rule, enum outcome_kind kind), void *arg, struct tmf_err *err)
{
	struct reason_rule_each each = {.store = store, .fn = fn, .arg = arg};
	int64_t run;

	assert(fn != NULL);
	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_query(
	    store, SQL_OUTCOME_RULES, STORE_ARGS(store_arg_int(run)), reason_rule_row, &each, err);
}
