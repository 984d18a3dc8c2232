#ifndef TMFLOW_ERROR_H
#define TMFLOW_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Limits: AWS error names are at most 256 characters (Step Functions API, SendTaskFailure). */
#define TMF_ERR_NAME_BYTES_MAX	     256
#define TMF_ERR_REQUEST_ID_BYTES_MAX 128
#define TMF_ERR_OPERATION_BYTES_MAX  63

/* What kind of fault it is; the table in err.c gives each its default name. */
enum tmf_err_code {
	TMF_ERR_NONE = 0,
	TMF_ERR_INVALID,     /* bad input of the user's: TMFlow.InvalidInput */
	TMF_ERR_CONFIG,	     /* TMFlow.Config */
	TMF_ERR_CREDENTIALS, /* TMFlow.Credentials */
	TMF_ERR_TRANSPORT,   /* no usable reply: TMFlow.Transport */
	TMF_ERR_SERVICE,     /* AWS answered with an error: name is AWS's code */
	TMF_ERR_REPLY,	     /* a reply that cannot be understood: TMFlow.InvalidReply */
	TMF_ERR_HOOK,	     /* TMFlow.Hook */
	TMF_ERR_ASL,	     /* an error of the language: name is States.* */
	TMF_ERR_LIMIT,	     /* a named limit was passed: TMFlow.Limit */
	TMF_ERR_STORE,	     /* TMFlow.Store */
	TMF_ERR_BUSY,	     /* held by another process: TMFlow.Busy */
	TMF_ERR_NOT_FOUND,   /* TMFlow.NotFound */
	TMF_ERR_SYSTEM,	     /* an operating system call failed: TMFlow.System */
	TMF_ERR_TIMEOUT,     /* one step held the thread for too long: TMFlow.Timeout */
	/* Credentials that were good are not any more, and no others were found: AWS's code, or
	 * TMFlow.Credentials. A run is interrupted by it, unless its workflow names the error. */
	TMF_ERR_EXPIRED,
	TMF_ERR_COUNT
};

/* One fault on its way up. {0} is "none". Owns text: tmf_err_fini or tmf_err_move. */
struct tmf_err {
	enum tmf_err_code code;
	int http_status;				   /* 0 where there was no reply */
	char name[TMF_ERR_NAME_BYTES_MAX + 1];		   /* what Catch sees */
	char request_id[TMF_ERR_REQUEST_ID_BYTES_MAX + 1]; /* AWS's, "" if none */
	char operation[TMF_ERR_OPERATION_BYTES_MAX + 1];   /* as "ec2:RunInstances", or "" */
	unsigned line; /* of a fault in a document, from 1; else 0 */
	unsigned column;
	char *text; /* one line (the ASL Cause); NULL if none */
};

/* Fills *err with the code's default name and a text. *err may hold an earlier fault, which is
 * freed; the text may quote it. NULL is allowed and ignored.
 * Returns: -1, so that `return tmf_err_set(...)` reads well. */
int tmf_err_set(struct tmf_err *err, enum tmf_err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a name of its own, for AWS's codes and States.* errors. format may be NULL: no text
 * at all.
 * Returns: -1. Limits: a longer name is cut off at TMF_ERR_NAME_BYTES_MAX. */
int tmf_err_set_name(struct tmf_err *err, enum tmf_err_code code, const char *name,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A fault of the user's at a place in a document: TMF_ERR_INVALID with "name:line:column: text",
 * and the place.
 * Returns: -1. Units: line and column from 1, in characters. */
int tmf_err_set_at(struct tmf_err *err, const char *name, unsigned line, unsigned column,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The text behind "name:line:column: ", or all of it for a fault without a place. Borrows: valid as
 * long as the text. */
const char *tmf_err_text_behind_place(const struct tmf_err *err);

/* Puts "context: " in front of the text of a fault and keeps the rest. NULL is ignored. Returns:
 * -1. */
int
tmf_err_prefix(struct tmf_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts a text behind that of a fault and keeps the rest. NULL is ignored. Returns: -1. */
int
tmf_err_suffix(struct tmf_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text, or "". Borrows: valid until the fault is set, moved or freed. */
const char *tmf_err_text(const struct tmf_err *err);

/* True if the fault has this name. */
bool tmf_err_is(const struct tmf_err *err, const char *name);

/* True if there is a fault. */
bool tmf_err_isset(const struct tmf_err *err);

/* Moves src to dst, whose old fault is freed, and leaves src empty. dst NULL: src is freed. */
void tmf_err_move(struct tmf_err *dst, struct tmf_err *src);

/* Copies src to dst, whose old fault is freed. */
void tmf_err_copy(struct tmf_err *dst, const struct tmf_err *src);

/* Frees the text and leaves no fault. */
void tmf_err_fini(struct tmf_err *err);

#ifdef __cplusplus
}
#endif

#endif
