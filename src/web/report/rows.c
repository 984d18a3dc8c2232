#include "web/report/rows.h"

#include "base/digest.h"
#include "base/mem.h"
#include "web/run_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * A report's outcomes, which may be 100,000, as a page holds them: in blocks of rows, each block by
 * columns, since values of a column are alike and compress well; then zlib, then base64. The page's
 * script undoes it in the other order.
 */

#define ROWS_CHUNK_BYTES 49152 /* compressed at once; a multiple of three */

#define COLUMN_END "\x1d"
#define BLOCK_END  "\x1e"

/* The account and the region stand before the columns of an outcome. */
static const char *const place_keys[] = {"account", "region"};
#define PLACE_COLUMNS 2

/* What ids of a column begin with is said once, and not in each row. */
static const struct {
	const char *key;
	const char *prefix;
} prefixes[] = {
    {"instanceId", "i-"},
    {"networkInterfaceId", "eni-"},
    {"targetId", "tmt-"},
    {"sessionId", "tms-"},
    {"vpcId", "vpc-"},
    {"subnetId", "subnet-"},
};

static const char *
column_prefix(const char *key)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strcmp(prefixes[i].key, key) == 0)
			return prefixes[i].prefix;
	return "";
}

/* The separators cannot stand in a value: control characters of a name become a replacement. */
static void
column_add(struct buf *column, const char *prefix, const char *value)
{
	size_t len = strlen(prefix);

	if (value != NULL && len > 0 && value[0] != '\0') {
		if (strncmp(value, prefix, len) == 0)
			value += len;
		else
			buf_add_cstr(column, "\\=");
	}
	for (; value != NULL && *value != '\0'; value++) {
		if (*value == '\\')
			buf_add_cstr(column, "\\\\");
		else if (*value == '\n')
			buf_add_cstr(column, "\\n");
		else if ((unsigned char)*value < ' ')
			buf_add_char(column, '?');
		else
			buf_add_char(column, *value);
	}
	buf_add_char(column, '\n');
}

/* Base64 of whole groups of three bytes: only the last may be padded. */
static void
rows_write(struct rows *rows, bool last)
{
	size_t whole = last ? rows->encoded.len : rows->encoded.len / 3 * 3;
	struct buf text = {0};

	digest_base64_encode((struct str){rows->encoded.p, whole}, &text);
	if (text.len > 0)
		fwrite(text.p, 1, text.len, rows->out);
	if (rows->encoded.len > whole)
		memmove(rows->encoded.p, rows->encoded.p + whole, rows->encoded.len - whole);
	rows->encoded.len -= whole;
	buf_fini(&text);
}

/* Until zlib has no more to say: it keeps text back, and gives it when there is enough. */
static void
rows_deflate(struct rows *rows, struct str text, int flush)
{
	unsigned char chunk[ROWS_CHUNK_BYTES];

	rows->deflate.next_in = (z_const Bytef *)text.p;
	rows->deflate.avail_in = (uInt)text.len;
	do {
		int ret;

		rows->deflate.next_out = chunk;
		rows->deflate.avail_out = sizeof(chunk);
		ret = deflate(&rows->deflate, flush);
		assert(ret != Z_STREAM_ERROR);
		buf_add(&rows->encoded, chunk, sizeof(chunk) - rows->deflate.avail_out);
	} while (rows->deflate.avail_out == 0);
	rows_write(rows, flush == Z_FINISH);
}

/* A block: its columns one after the other, each behind its end mark. */
static void
rows_flush(struct rows *rows)
{
	for (size_t i = 0; i < ROWS_COLUMNS_MAX && rows->columns[i].len > 0; i++) {
		rows_deflate(rows, buf_str(&rows->columns[i]), Z_NO_FLUSH);
		rows_deflate(rows, STR(COLUMN_END), Z_NO_FLUSH);
		rows->columns[i].len = 0;
	}
	if (rows->held > 0)
		rows_deflate(rows, STR(BLOCK_END), Z_NO_FLUSH);
	rows->held = 0;
}

/* zlib's memory is ours, too: it aborts where memory ends. */
static voidpf
rows_zlib_alloc(voidpf arg, uInt count, uInt bytes)
{
	(void)arg;
	return mem_zalloc(count, bytes);
}

static void
rows_zlib_free(voidpf arg, voidpf p)
{
	(void)arg;
	free(p);
}

void
rows_begin(struct rows *rows, FILE *out)
{
	int ret;

	*rows = (struct rows){
	    .out = out, .deflate = {.zalloc = rows_zlib_alloc, .zfree = rows_zlib_free}};
	ret = deflateInit(&rows->deflate, Z_BEST_COMPRESSION);
	assert(ret == Z_OK);
	(void)ret;
}

void
rows_add(struct rows *rows, const struct outcome *outcome, const char *account, const char *region)
{
	const char *key;
	const char *value;

	assert(rows->out != NULL && rows->held < ROWS_BLOCK);
	column_add(&rows->columns[0], "", account);
	column_add(&rows->columns[1], "", region);
	for (size_t i = 0; run_json_column(outcome, i, &key, &value); i++) {
		assert(PLACE_COLUMNS + i < ROWS_COLUMNS_MAX);
		column_add(&rows->columns[PLACE_COLUMNS + i], column_prefix(key), value);
	}
	rows->count++;
	if (++rows->held == ROWS_BLOCK)
		rows_flush(rows);
}

void
rows_end(struct rows *rows)
{
	rows_flush(rows);
	rows_deflate(rows, STR(""), Z_FINISH);
	deflateEnd(&rows->deflate);
	for (size_t i = 0; i < ROWS_COLUMNS_MAX; i++)
		buf_fini(&rows->columns[i]);
	buf_fini(&rows->encoded);
}

/* Asked of an outcome without values: which columns there are does not depend on them. */
json_t *
rows_columns(void)
{
	const struct outcome none = {.kind = OUTCOME_CREATED};
	json_t *columns = json_array();
	const char *key;
	const char *value;

	for (size_t i = 0; i < PLACE_COLUMNS; i++)
		json_array_append_new(
		    columns, json_pack("{ssss}", "key", place_keys[i], "prefix", ""));
	for (size_t i = 0; run_json_column(&none, i, &key, &value); i++)
		json_array_append_new(
		    columns, json_pack("{ssss}", "key", key, "prefix", column_prefix(key)));
	return columns;
}
