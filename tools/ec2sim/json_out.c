#include "world_internal.h"

#define FLUSH_BYTES 65536u

static void
put_string(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(out, '\\');
		if ((unsigned char)*text < 0x20)
			buf_printf(out, "\\u%04x", (unsigned char)*text);
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

/* What stands before a value: a comma, a name. */
static void
lead(struct jo_out *j, const char *key)
{
	if (j->sink != NULL && j->buf.len >= FLUSH_BYTES)
		jo_flush(j);
	if (j->comma)
		buf_add_char(&j->buf, ',');
	if (key != NULL) {
		put_string(&j->buf, key);
		buf_add_char(&j->buf, ':');
	}
	j->comma = true;
}

void
jo_open(struct jo_out *j, const char *key, char bracket)
{
	lead(j, key);
	buf_add_char(&j->buf, bracket);
	j->comma = false;
}

void
jo_close(struct jo_out *j, char bracket)
{
	buf_add_char(&j->buf, bracket);
	j->comma = true;
}

void
jo_text(struct jo_out *j, const char *key, const char *text)
{
	lead(j, key);
	put_string(&j->buf, text);
}

void
jo_int(struct jo_out *j, const char *key, uint64_t value)
{
	lead(j, key);
	buf_printf(&j->buf, "%llu", (unsigned long long)value);
}

void
jo_bool(struct jo_out *j, const char *key, bool value)
{
	lead(j, key);
	buf_add_cstr(&j->buf, value ? "true" : "false");
}

void
jo_id(struct jo_out *j, const char *key, const struct sim_world *w, enum id_kind kind, uint64_t n)
{
	char id[SIM_ID_BYTES];

	id_write(w, kind, n, id);
	jo_text(j, key, id);
}

void
jo_flush(struct jo_out *j)
{
	if (j->sink == NULL || j->buf.len == 0)
		return;
	j->sink->write(j->sink->arg, buf_str(&j->buf));
	buf_reset(&j->buf);
}
