#ifndef TMFLOW_BASE_ERR_H
#define TMFLOW_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

/* Limits: AWS error names are at most 256 characters (Step Functions API, SendTaskFailure). */
#define ERR_NAME_BYTES_MAX	 256
#define ERR_REQUEST_ID_BYTES_MAX 128

/* What kind of fault it is; the table in err.c gives each its default name. */
enum err_code {
	ERR_NONE = 0,
	ERR_INVALID,	 /* bad input of the user's: TMFlow.InvalidInput */
	ERR_CONFIG,	 /* TMFlow.Config */
	ERR_CREDENTIALS, /* TMFlow.Credentials */
	ERR_TRANSPORT,	 /* no usable reply: TMFlow.Transport */
	ERR_SERVICE,	 /* AWS answered with an error: name is AWS's code */
	ERR_REPLY,	 /* a reply that cannot be understood: TMFlow.InvalidReply */
	ERR_HOOK,	 /* TMFlow.Hook */
	ERR_ASL,	 /* an error of the language: name is States.* */
	ERR_LIMIT,	 /* a named limit was passed: TMFlow.Limit */
	ERR_STORE,	 /* TMFlow.Store */
	ERR_BUSY,	 /* held by another process: TMFlow.Busy */
	ERR_NOT_FOUND,	 /* TMFlow.NotFound */
	ERR_SYSTEM,	 /* an operating system call failed: TMFlow.System */
	ERR_COUNT
};

/* One fault on its way up. {0} is "none". Owns text: err_fini or err_move. */
struct err {
	enum err_code code;
	int http_status;			       /* 0 where there was no reply */
	char name[ERR_NAME_BYTES_MAX + 1];	       /* what Catch sees */
	char request_id[ERR_REQUEST_ID_BYTES_MAX + 1]; /* AWS's, "" if none */
	unsigned line; /* of a fault in a document, from 1; else 0 */
	unsigned column;
	char *text; /* one line (the ASL Cause); NULL if none */
};

/* Fills *err (which may hold an earlier fault; NULL is allowed and ignored) with the code's default name and a text.
 * Returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a name of its own, for AWS's codes and States.* errors. format may be NULL: no text at all. */
int err_set_name(struct err *err, enum err_code code, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A fault of the user's at a place in a document: ERR_INVALID with "name:line:column: text", and the place. */
int err_set_at(struct err *err, const char *name, unsigned line, unsigned column,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The text behind "name:line:column: "; all of it where there is no place. */
const char *err_text_behind_place(const struct err *err);

/* Puts "context: " in front of the text and keeps the rest. Returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text, or "" */
const char *err_text(const struct err *err);
bool err_is(const struct err *err, const char *name);
bool err_isset(const struct err *err);

/* Moves src to dst (dst's old content is freed) and leaves src empty. */
void err_move(struct err *dst, struct err *src);
void err_copy(struct err *dst, const struct err *src);
void err_fini(struct err *err);

#endif
