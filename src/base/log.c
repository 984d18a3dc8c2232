#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RUN_ID_BYTES_MAX 128

/* The version of Elastic Common Schema whose names are used; later ones have them, too. */
#define LOG_ECS_VERSION "8.11.0"

/* The log is one for the process, like standard error itself. */
static struct {
	enum log_level level;
	enum log_format format;
	FILE *stream;	     /* NULL: standard error */
	const FILE *journal; /* the stream that is systemd's journal; NULL: none is */
	char run_id[RUN_ID_BYTES_MAX];
	void (*before)(void *arg);
	void (*after)(void *arg);
	void *around_arg;
} log_state = {.level = LOG_WARN};

/* In the order of the levels. */
static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* LOG_PRIORITY of syslog(3), which sd-daemon(3) takes as it is. In the order of the levels. */
static const char *const level_priorities[] = {"<7>", "<6>", "<4>", "<3>"};

/*
 * The names of Elastic Common Schema that our fields have there; any other is a member of "tmflow",
 * since a name of a product is one that the schema will not take.
 * See: https://www.elastic.co/docs/reference/ecs/ecs-field-reference
 */
static const struct {
	const char *field;
	const char *ecs;
} log_ecs_names[] = {
    {"error", "error.type"},
    {"cause", "error.message"},
    {"request_id", "http.request.id"},
    {"instance", "cloud.instance.id"},
    {"rule", "rule.name"},
};

/* Once, before the first event: the log belongs to the process and not to a run. */
void
log_setup(enum log_level level, enum log_format format, FILE *stream)
{
	log_state.level = level;
	log_state.format = format;
	log_state.stream = stream;
}

/* A service may have sent its standard error elsewhere since, so the numbers are compared. */
void
log_find_journal(const char *value, FILE *stream)
{
	char found[64];
	struct stat stat;

	log_state.journal = NULL;
	if (value == NULL || fstat(fileno(stream), &stat) != 0)
		return;
	snprintf(found, sizeof(found), "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
	if (strcmp(found, value) == 0)
		log_state.journal = stream;
}

const char *
log_priority(enum log_level level, const FILE *stream)
{
	assert(level < LOG_NONE);
	return stream != NULL && stream == log_state.journal ? level_priorities[level] : "";
}

/* Copied: the run's own struct is freed before the last lines are logged. */
void
log_set_run(const char *run_id)
{
	snprintf(log_state.run_id, sizeof(log_state.run_id), "%s", run_id != NULL ? run_id : "");
}

/* Asked before the fields are made: a debug line that nobody sees costs a comparison. */
bool
log_enabled(enum log_level level)
{
	return level >= log_state.level && level < LOG_NONE;
}

/* The form says who reads it. */
enum log_level
log_level_of_items(void)
{
	return log_state.format == LOG_LOGFMT ? LOG_INFO : LOG_WARN;
}

/* Who counts asks before counting: it reads rows. */
bool
log_is_emf(void)
{
	return log_state.format == LOG_EMF;
}

/* One pair of functions is enough: there is one progress line. */
void
log_set_around(void (*before)(void *arg), void (*after)(void *arg), void *arg)
{
	log_state.before = before;
	log_state.after = after;
	log_state.around_arg = arg;
}

/*
 * What steers a terminal or cannot be seen there: control characters, line and paragraph
 * separators, and Unicode's format characters (category Cf). An instance whose Name tag holds
 * U+202E could make a line read as something else ("Trojan source"); two names that differ only in
 * a U+200B look the same.
 * See: https://www.unicode.org/Public/UCD/latest/ucd/extracted/DerivedGeneralCategory.txt
 */
static const struct {
	int32_t first;
	int32_t last;
} log_hidden[] = {
    {0x00, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, /* soft hyphen */
    {0x600, 0x605},
    {0x61c, 0x61c}, /* Arabic letter mark: a direction, as those of 0x200e and 0x202a */
    {0x6dd, 0x6dd}, {0x70f, 0x70f}, {0x890, 0x891}, {0x8e2, 0x8e2}, {0x180e, 0x180e},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
    {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe007f}, /* tags: a second, invisible text */
};

/* Most text is ASCII and ends at the first row's comparison. */
static bool
log_steers_terminal(int32_t point)
{
	for (size_t i = 0; i < sizeof(log_hidden) / sizeof(log_hidden[0]); i++)
		if (point <= log_hidden[i].last)
			return point >= log_hidden[i].first;
	return false;
}

/* \xNN for each byte, not for the character: what is malformed has no character. */
void
log_escape(struct buf *out, const char *text)
{
	size_t len;

	for (; *text != '\0'; text += len) {
		int32_t point = utf8_decode(text, &len);

		if (point >= 0 && !log_steers_terminal(point))
			buf_add(out, text, len);
		else
			for (size_t i = 0; i < len; i++)
				buf_printf(out, "\\x%02X", (unsigned char)text[i]);
	}
}

/* As JSON writes a character: one beyond 16 bits is a pair of surrogates. */
static void
log_add_json_escape(struct buf *out, int32_t point)
{
	uint32_t code = point >= 0 ? (uint32_t)point : 0xfffd;

	if (code > 0xffff) {
		code -= 0x10000;
		buf_printf(out, "\\u%04x", 0xd800 + (code >> 10));
		code = 0xdc00 + (code & 0x3ff);
	}
	buf_printf(out, "\\u%04x", code);
}

/* The text stays valid JSON, so it can still be read by a program. */
void
log_escape_json(struct buf *out, const char *json)
{
	size_t len;

	for (; *json != '\0'; json += len) {
		int32_t point = utf8_decode(json, &len);

		/* Only a line feed may stand outside of a string; within one JSON escapes it. */
		if (point == '\n' || (point >= 0 && !log_steers_terminal(point)))
			buf_add(out, json, len);
		else
			log_add_json_escape(out, point);
	}
}

/*
 * Quoted when it must be: a parser of logfmt ends an unquoted value at a blank. Within quotes a
 * backslash escapes, so one of the text's own is doubled: else `\"` in a text would end the value,
 * and what follows would be read as fields of ours.
 */
static void
logfmt_add(struct buf *line, const char *key, const char *text)
{
	struct buf escaped = {0};

	buf_printf(line, " %s=", key);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_add_char(&escaped, '\\');
		buf_add_char(&escaped, *p);
	}
	if (escaped.len > 0 && strpbrk(buf_cstr(&escaped), " =\\") == NULL) {
		log_escape(line, buf_cstr(&escaped));
	} else {
		buf_add_char(line, '"');
		log_escape(line, buf_cstr(&escaped));
		buf_add_char(line, '"');
	}
	buf_fini(&escaped);
}

/* Empty says nothing where most lines have none. */
static bool
log_field_is_left_out(const struct log_field *field)
{
	return field->is_optional && field->text[0] == '\0';
}

/* The run comes first of the fields, so that lines of one run can be cut out by a prefix. */
static void
logfmt_compose(struct buf *line, const char *event, const struct log_field *fields)
{
	buf_add_cstr(line, event);
	if (log_state.run_id[0] != '\0')
		logfmt_add(line, "run", log_state.run_id);
	for (; fields->key != NULL; fields++) {
		if (log_field_is_left_out(fields))
			continue;
		if (fields->text != NULL)
			logfmt_add(line, fields->key, fields->text);
		else
			buf_printf(line, " %s=%" PRId64, fields->key, fields->number);
	}
}

/* Escaped as in logfmt, although JSON could hold anything: a person reads this line too, through jq
 * -r. */
static void
log_json_put(json_t *object, const char *key, const char *text)
{
	struct buf safe = {0};

	log_escape(&safe, text);
	jsonx_put_string(object, key, buf_cstr(&safe));
	buf_fini(&safe);
}

/* The members that every line has come first. */
static void
log_json_compose(struct buf *line, const char *time, const char *level, const char *event,
    const struct log_field *fields)
{
	json_t *object = json_object();

	jsonx_put_string(object, "time", time);
	jsonx_put_string(object, "level", level);
	jsonx_put_string(object, "event", event);
	if (log_state.run_id[0] != '\0')
		log_json_put(object, "run", log_state.run_id);
	for (; fields->key != NULL; fields++) {
		if (log_field_is_left_out(fields))
			continue;
		if (fields->text != NULL)
			log_json_put(object, fields->key, fields->text);
		else
			json_object_set_new(object, fields->key, json_integer(fields->number));
	}
	jsonx_write(object, line);
	json_decref(object);
}

/* NULL: the schema has none. */
static const char *
log_ecs_name(const char *field)
{
	for (size_t i = 0; i < sizeof(log_ecs_names) / sizeof(log_ecs_names[0]); i++)
		if (strcmp(log_ecs_names[i].field, field) == 0)
			return log_ecs_names[i].ecs;
	return NULL;
}

/* An empty text is left out: in an index it would be a value of its own. */
static void
log_ecs_put_field(json_t *object, json_t *own, const struct log_field *field)
{
	const char *name = log_ecs_name(field->key);

	if (field->text == NULL)
		json_object_set_new(own, field->key, json_integer(field->number));
	else if (field->text[0] != '\0')
		log_json_put(
		    name != NULL ? object : own, name != NULL ? name : field->key, field->text);
}

/*
 * The message is the line for a reader, without what stands beside it in every viewer. Names keep
 * their dots, as loggers of the schema write them.
 * See: https://github.com/elastic/ecs-logging/blob/main/spec/spec.json
 */
static void
log_ecs_compose(struct buf *line, const char *time, const char *level, const char *event,
    const struct log_field *fields)
{
	json_t *object = json_object();
	json_t *own = json_object();
	struct buf message = {0};

	logfmt_compose(&message, event, fields);
	jsonx_put_string(object, "@timestamp", time);
	jsonx_put_string(object, "log.level", level);
	jsonx_put_string(object, "message", buf_cstr(&message));
	jsonx_put_string(object, "ecs.version", LOG_ECS_VERSION);
	jsonx_put_string(object, "service.name", "tmflow");
	jsonx_put_string(object, "event.dataset", "tmflow");
	jsonx_put_string(object, "event.action", event);
	if (log_state.run_id[0] != '\0')
		log_json_put(own, "run", log_state.run_id);
	for (; fields->key != NULL; fields++)
		log_ecs_put_field(object, own, fields);
	if (json_object_size(own) > 0)
		json_object_set(object, "tmflow", own);
	jsonx_write(object, line);
	json_decref(own);
	json_decref(object);
	buf_fini(&message);
}

static void
log_compose(struct buf *line, const char *time, enum log_level level, const char *event,
    const struct log_field *fields)
{
	switch (log_state.format) {
	case LOG_LOGFMT:
		buf_printf(line, "%s %s ", time, level_names[level]);
		logfmt_compose(line, event, fields);
		break;
	case LOG_JSON:
	case LOG_EMF:
		log_json_compose(line, time, level_names[level], event, fields);
		break;
	case LOG_ECS:
		log_ecs_compose(line, time, level_names[level], event, fields);
		break;
	}
	buf_add_char(line, '\n');
}

/* For the journal each line is an entry, with a priority of its own. */
static void
log_put(FILE *stream, const char *priority, const char *text)
{
	size_t len;

	if (*priority == '\0') {
		fputs(text, stream);
		return;
	}
	for (; *text != '\0'; text += len) {
		len = strcspn(text, "\n");
		len += text[len] == '\n' ? 1 : 0;
		fprintf(stream, "%s%.*s", priority, (int)len, text);
	}
}

/* Flushed at once: the last line before a crash is the one that is needed. */
static void
log_put_around(enum log_level level, const char *text)
{
	FILE *stream = log_state.stream != NULL ? log_state.stream : stderr;

	if (log_state.before != NULL)
		log_state.before(log_state.around_arg);
	log_put(stream, log_priority(level, stream), text);
	fflush(stream);
	if (log_state.after != NULL)
		log_state.after(log_state.around_arg);
}

void
log_block(const char *text)
{
	log_put_around(LOG_INFO, text);
}

/* Composed as a whole and written at once, so that lines of two processes on one terminal do not
 * mix. */
void
log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	char time[CLOCK_ISO_BYTES];
	struct buf line = {0};

	assert(level < LOG_NONE);
	clock_iso(clock_system()->wall_ms(clock_system()), time);
	log_compose(&line, time, level, event, fields);
	log_put_around(level, buf_cstr(&line));
	buf_fini(&line);
}
