#include "store/store_internal.h"

#include <assert.h>
#include <string.h>

/*
 * FNV-1a over words of 64 bits. Each step is a bijection of the state, so one word that differs
 * always gives another sum. A step is on the way of every checkpoint: a table or a digest would
 * cost more than it finds.
 */
#define SUM_START UINT64_C(0xcbf29ce484222325)
#define SUM_PRIME UINT64_C(0x100000001b3)

static uint64_t
sum_word(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * SUM_PRIME;
	return sum ^ sum >> 32;
}

/* The length goes first: otherwise "ab", "c" would be "a", "bc". */
static uint64_t
sum_bytes(uint64_t sum, struct str bytes)
{
	size_t at = 0;

	sum = sum_word(sum, bytes.len);
	for (; bytes.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, bytes.p + at, sizeof(word));
		sum = sum_word(sum, word);
	}
	for (; at < bytes.len; at++)
		sum = sum_word(sum, (unsigned char)bytes.p[at]);
	return sum;
}

/* SQL's NULL differs from an empty text. */
int64_t
store_sum(const struct store_arg *args)
{
	uint64_t sum = SUM_START;

	for (; args->kind != STORE_ARG_END; args++) {
		if (args->kind == STORE_ARG_INT)
			sum = sum_word(sum, (uint64_t)args->number);
		else if (args->bytes.p == NULL)
			sum = sum_word(sum, UINT64_MAX);
		else
			sum = sum_bytes(sum, args->bytes);
	}
	return (int64_t)sum;
}

bool
store_sum_fits(sqlite3_stmt *row, int column, const struct store_arg *args)
{
	assert(column < sqlite3_column_count(row));
	return sqlite3_column_type(row, column) == SQLITE_NULL ||
	       sqlite3_column_int64(row, column) == store_sum(args);
}
