#ifndef TMFLOW_BASE_LOG_H
#define TMFLOW_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Structured log: one event a line, `time level event key=value ...` (logfmt) or a JSON object.
 * Values are escaped (control characters and terminal escapes never get out raw). Secrets have no
 * way in: struct secret (aws/credentials.h) cannot be a field.
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_NONE };
/* LOG_EMF: JSON, with metrics of CloudWatch among the lines; web/metrics/emf.h writes them.
 * LOG_ECS: JSON with the names of Elastic Common Schema. See: src/base/LOG.md */
enum log_format { LOG_LOGFMT, LOG_JSON, LOG_EMF, LOG_ECS };

struct log_field {
	const char *key;  /* NULL ends the list */
	const char *text; /* NULL: number is the value */
	int64_t number;
	bool is_optional; /* left out where the text is empty */
};

#define LOG_STR(k, v) ((struct log_field){.key = (k), .text = (v) != NULL ? (v) : ""})
#define LOG_SET(k, v) ((struct log_field){.key = (k), .text = (v), .is_optional = true})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .text = NULL, .number = (v)})

/* A struct tmf_err: its name, what happened, and AWS's id of the request where there is one. */
#define LOG_ERR(err)                                                                               \
	LOG_STR("error", (err)->name), LOG_STR("cause", tmf_err_text(err)),                        \
	    LOG_SET("request_id", (err)->request_id)

/* Sets level, form and stream (default: LOG_WARN, logfmt, stderr). The stream is borrowed. */
void log_setup(enum log_level level, enum log_format format, FILE *stream);

/*
 * Finds out whether a stream is the journal of systemd: value is that of JOURNAL_STREAM, device and
 * inode of the service's standard error, or NULL. Lines to it then begin with their priority. To be
 * called once, before anything is written. The stream is borrowed. See: systemd.exec(5)
 */
void log_find_journal(const char *value, FILE *stream);

/* What a line begins with that goes to stream: "<4>" for a warning where that is the journal, ""
 * elsewhere. Static. See: sd-daemon(3) */
const char *log_priority(enum log_level level, const FILE *stream);

/* Adds run=ID to every event that follows; NULL takes it off. Copied. */
void log_set_run(const char *run_id);

/* True if an event of this level is written. */
bool log_enabled(enum log_level level);

/* The level for an event of which a run may have thousands: warn for a program, that is in JSON,
 * and info for a person, who has the summary. */
enum log_level log_level_of_items(void);

/* True if metrics are to be written among the lines. */
bool log_is_emf(void);

/* Called before and after a line is written, so that a progress line on the same terminal can step
 * aside. Either may be NULL. */
void log_set_around(void (*before)(void *arg), void (*after)(void *arg), void *arg);

/* event is a dotted static name, such as "aws.retry". */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* With one field at least. */
#define log_event(level, event, ...)                                                               \
	do {                                                                                       \
		if (log_enabled(level))                                                            \
			log_write((level), (event),                                                \
			    (const struct log_field[]){__VA_ARGS__, {.key = NULL}});               \
	} while (0)

/* Writes text of several lines as it is, whatever the level: it ends with a newline and is escaped
 * already. To the journal each line is of LOG_INFO. */
void log_block(const char *text);

/* Appends text to a line for a person or a terminal: control characters, escapes and malformed
 * UTF-8 as \xNN. */
struct buf;
void log_escape(struct buf *out, const char *text);

/* The same for a JSON text: as \\uNNNN, so that it means what it meant. */
void log_escape_json(struct buf *out, const char *json);

#endif
