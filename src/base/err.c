#include "tmflow/error.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * An error is a value on the stack of the one who asked: no errno, no last error of a thread. The
 * text is the only part on the heap, so that an error without a text costs no allocation and
 * freeing a zeroed one is right.
 *
 * Names are what Catch and Retry of a workflow compare, so they are a contract. AWS's own codes
 * and the States.* names come with the fault; the table below has those of tmflow.
 */

/* The name that Catch sees when the fault brings none of its own. */
static const char *const default_names[TMF_ERR_COUNT] = {
    [TMF_ERR_NONE] = "",
    [TMF_ERR_INVALID] = "TMFlow.InvalidInput",
    [TMF_ERR_CONFIG] = "TMFlow.Config",
    [TMF_ERR_CREDENTIALS] = "TMFlow.Credentials",
    [TMF_ERR_TRANSPORT] = "TMFlow.Transport",
    [TMF_ERR_SERVICE] = "TMFlow.Service",
    [TMF_ERR_REPLY] = "TMFlow.InvalidReply",
    [TMF_ERR_HOOK] = "TMFlow.Hook",
    [TMF_ERR_ASL] = "States.Runtime",
    [TMF_ERR_LIMIT] = "TMFlow.Limit",
    [TMF_ERR_STORE] = "TMFlow.Store",
    [TMF_ERR_BUSY] = "TMFlow.Busy",
    [TMF_ERR_NOT_FOUND] = "TMFlow.NotFound",
    [TMF_ERR_SYSTEM] = "TMFlow.System",
    [TMF_ERR_TIMEOUT] = "TMFlow.Timeout",
    [TMF_ERR_EXPIRED] = "TMFlow.Credentials",
};

static int
err_vset(
    struct tmf_err *err, enum tmf_err_code code, const char *name, const char *format, va_list args)
{
	char *text = NULL;

	if (err == NULL)
		return -1;
	/* The text may quote the old one: make it before that is freed. */
	if (format != NULL && vasprintf(&text, format, args) < 0)
		mem_exhausted(0);
	tmf_err_fini(err);
	err->code = code;
	err->text = text;
	utf8_copy(err->name, sizeof(err->name), name);
	return -1;
}

/* A code without a name of its own has the table's. */
int
tmf_err_set(struct tmf_err *err, enum tmf_err_code code, const char *format, ...)
{
	va_list args;

	assert(code > TMF_ERR_NONE && code < TMF_ERR_COUNT);
	va_start(args, format);
	err_vset(err, code, default_names[code], format, args);
	va_end(args);
	return -1;
}

int
tmf_err_set_name(
    struct tmf_err *err, enum tmf_err_code code, const char *name, const char *format, ...)
{
	va_list args;

	assert(code > TMF_ERR_NONE && code < TMF_ERR_COUNT);
	va_start(args, format);
	err_vset(err, code, name, format, args);
	va_end(args);
	return -1;
}

/* The place is in the text, for a person, and in numbers, for a program. */
int
tmf_err_set_at(
    struct tmf_err *err, const char *name, unsigned line, unsigned column, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	tmf_err_set(err, TMF_ERR_INVALID, "%s:%u:%u: %s", name, line, column, buf_cstr(&text));
	buf_fini(&text);
	if (err != NULL) {
		err->line = line;
		err->column = column;
	}
	return -1;
}

/* The name of a file may hold a colon, so the place is searched for as it was written and not by
 * its colons. */
const char *
tmf_err_text_behind_place(const struct tmf_err *err)
{
	const char *text = tmf_err_text(err), *found;
	char place[sizeof(":4294967295:4294967295: ")];

	if (err->line == 0)
		return text;
	snprintf(place, sizeof(place), ":%u:%u: ", err->line, err->column);
	found = strstr(text, place);
	return found != NULL ? found + strlen(place) : text;
}

/* The name stays: "cannot read the configuration: ..." of a TMFlow.System is still caught as
 * TMFlow.System. */
int
tmf_err_prefix(struct tmf_err *err, const char *format, ...)
{
	va_list args;
	char *context;
	char *text;

	if (err == NULL)
		return -1;
	assert(tmf_err_isset(err));
	va_start(args, format);
	if (vasprintf(&context, format, args) < 0)
		mem_exhausted(0);
	va_end(args);
	text = mem_printf("%s: %s", context, tmf_err_text(err));
	free(context);
	free(err->text);
	err->text = text;
	return -1;
}

/* For a hint: what a person can do about the fault. */
int
tmf_err_suffix(struct tmf_err *err, const char *format, ...)
{
	va_list args;
	char *hint;
	char *text;

	if (err == NULL)
		return -1;
	assert(tmf_err_isset(err));
	va_start(args, format);
	if (vasprintf(&hint, format, args) < 0)
		abort();
	va_end(args);
	text = mem_printf("%s%s", tmf_err_text(err), hint);
	free(hint);
	free(err->text);
	err->text = text;
	return -1;
}

const char *
tmf_err_text(const struct tmf_err *err)
{
	return err->text != NULL ? err->text : "";
}

bool
tmf_err_is(const struct tmf_err *err, const char *name)
{
	return strcmp(err->name, name) == 0;
}

bool
tmf_err_isset(const struct tmf_err *err)
{
	return err->code != TMF_ERR_NONE;
}

/* dst may be NULL where the caller of the caller does not want to know: the fault is then dropped,
 * not leaked. */
void
tmf_err_move(struct tmf_err *dst, struct tmf_err *src)
{
	assert(src != NULL);
	if (dst == src)
		return;
	if (dst == NULL) {
		tmf_err_fini(src);
		return;
	}
	free(dst->text);
	*dst = *src;
	*src = (struct tmf_err){0};
}

void
tmf_err_copy(struct tmf_err *dst, const struct tmf_err *src)
{
	char *text = mem_strdup(src->text);

	free(dst->text);
	*dst = *src;
	dst->text = text;
}

void
tmf_err_fini(struct tmf_err *err)
{
	free(err->text);
	*err = (struct tmf_err){0};
}
