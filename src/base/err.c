#include "base/err.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name that Catch sees when the fault brings none of its own. */
static const char *const default_names[ERR_COUNT] = {
    [ERR_NONE] = "",
    [ERR_INVALID] = "TMFlow.InvalidInput",
    [ERR_CONFIG] = "TMFlow.Config",
    [ERR_CREDENTIALS] = "TMFlow.Credentials",
    [ERR_TRANSPORT] = "TMFlow.Transport",
    [ERR_SERVICE] = "TMFlow.Service",
    [ERR_REPLY] = "TMFlow.InvalidReply",
    [ERR_HOOK] = "TMFlow.Hook",
    [ERR_ASL] = "States.Runtime",
    [ERR_LIMIT] = "TMFlow.Limit",
    [ERR_STORE] = "TMFlow.Store",
    [ERR_BUSY] = "TMFlow.Busy",
    [ERR_NOT_FOUND] = "TMFlow.NotFound",
    [ERR_SYSTEM] = "TMFlow.System",
};

static int
err_vset(struct err *err, enum err_code code, const char *name, const char *format, va_list args)
{
	char *text = NULL;

	if (err == NULL)
		return -1;
	/* The text may quote the old one: make it before that is freed. */
	if (format != NULL && vasprintf(&text, format, args) < 0)
		abort();
	err_fini(err);
	err->code = code;
	err->text = text;
	utf8_copy(err->name, sizeof(err->name), name);
	return -1;
}

int
err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	assert(code > ERR_NONE && code < ERR_COUNT);
	va_start(args, format);
	err_vset(err, code, default_names[code], format, args);
	va_end(args);
	return -1;
}

int
err_set_name(struct err *err, enum err_code code, const char *name, const char *format, ...)
{
	va_list args;

	assert(code > ERR_NONE && code < ERR_COUNT);
	va_start(args, format);
	err_vset(err, code, name, format, args);
	va_end(args);
	return -1;
}

int
err_set_at(
    struct err *err, const char *name, unsigned line, unsigned column, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	err_set(err, ERR_INVALID, "%s:%u:%u: %s", name, line, column, buf_cstr(&text));
	buf_fini(&text);
	if (err != NULL) {
		err->line = line;
		err->column = column;
	}
	return -1;
}

const char *
err_text_behind_place(const struct err *err)
{
	const char *text = err_text(err), *found;
	char place[sizeof(":4294967295:4294967295: ")];

	if (err->line == 0)
		return text;
	snprintf(place, sizeof(place), ":%u:%u: ", err->line, err->column);
	found = strstr(text, place);
	return found != NULL ? found + strlen(place) : text;
}

int
err_prefix(struct err *err, const char *format, ...)
{
	va_list args;
	char *context;
	char *text;

	if (err == NULL)
		return -1;
	va_start(args, format);
	if (vasprintf(&context, format, args) < 0)
		abort();
	va_end(args);
	text = mem_printf("%s: %s", context, err_text(err));
	free(context);
	free(err->text);
	err->text = text;
	return -1;
}

const char *
err_text(const struct err *err)
{
	return err->text != NULL ? err->text : "";
}

bool
err_is(const struct err *err, const char *name)
{
	return strcmp(err->name, name) == 0;
}

bool
err_isset(const struct err *err)
{
	return err->code != ERR_NONE;
}

void
err_move(struct err *dst, struct err *src)
{
	if (dst == src)
		return;
	if (dst == NULL) {
		err_fini(src);
		return;
	}
	free(dst->text);
	*dst = *src;
	*src = (struct err){0};
}

void
err_copy(struct err *dst, const struct err *src)
{
	char *text = mem_strdup(src->text);

	free(dst->text);
	*dst = *src;
	dst->text = text;
}

void
err_fini(struct err *err)
{
	free(err->text);
	*err = (struct err){0};
}
