#include "cli/print.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * Everything that a person reads on a terminal goes through here, so that nothing that came from
 * elsewhere is obeyed by the terminal.
 */

/* The arguments, so that a function can take the next one. */
struct values {
	va_list list;
};

/* One conversion, such as "%-4s": fills in the next value. */
static void
print_add_value(struct buf *line, const char *spec, struct values *values)
{
	size_t len = strlen(spec);
	char kind = spec[len - 1];
	bool is_long = len > 1 && (strchr("lz", spec[len - 2]) != NULL);
	struct buf safe = {0};

	_Static_assert(sizeof(long) == sizeof(long long) && sizeof(long) == sizeof(size_t),
	    "l, ll and z are read alike");
	if (kind == 's') {
		const char *text = va_arg(values->list, const char *);

		log_escape(&safe, text != NULL ? text : "-");
		buf_printf(line, spec, buf_cstr(&safe));
	} else if (kind == 'f') {
		double real = va_arg(values->list, double);

		buf_printf(line, spec, real);
	} else if (is_long) {
		long whole = va_arg(values->list, long);

		buf_printf(line, spec, whole);
	} else {
		int small = va_arg(values->list, int);

		assert(kind == 'd' || kind == 'u' || kind == 'c');
		buf_printf(line, spec, small);
	}
	buf_fini(&safe);
}

/*
 * The conversions are split here instead of passed to vprintf whole, so that each %s can be escaped
 * before it is padded. No width by "*": the specification must be complete in itself.
 */
static void
print_add_values(struct buf *line, const char *format, struct values *values)
{
	while (*format != '\0') {
		size_t plain = strcspn(format, "%");
		char spec[16];
		size_t len;

		buf_add(line, format, plain);
		format += plain;
		if (*format == '\0')
			return;
		len = 1 + strspn(format + 1, "-0123456789.lz");
		assert(len + 1 < sizeof(spec));
		memcpy(spec, format, len + 1);
		spec[len + 1] = '\0';
		print_add_value(line, spec, values);
		format += len + 1;
	}
}

void
cli_print(FILE *out, const char *format, ...)
{
	struct values values;
	struct buf line = {0};

	va_start(values.list, format);
	print_add_values(&line, format, &values);
	va_end(values.list);
	fwrite(line.p, 1, line.len, out);
	buf_fini(&line);
}

/*
 * Line ends are kept and everything within a line is escaped, because text from elsewhere may hold
 * control sequences of the terminal.
 */
void
cli_put_lines(FILE *out, const char *text)
{
	struct buf safe = {0};

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		char *line = mem_strndup(text, len);

		log_escape(&safe, line);
		free(line);
		if (text[len] == '\n')
			buf_add_char(&safe, text[len++]);
		text += len;
	}
	fwrite(safe.p, 1, safe.len, out);
	buf_fini(&safe);
}

size_t
cli_columns(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Standard output is the process's: so is what stands on it. */
static bool answered;

bool
cli_has_answered(void)
{
	return answered;
}

void
cli_answer_begins(void)
{
	answered = true;
}

static bool prints_lines;

void
cli_set_lines(bool lines)
{
	prints_lines = lines;
}

bool
cli_prints_lines(void)
{
	return prints_lines;
}

/* JSON text for a reader who may be a terminal. */
static void
print_json_text(FILE *out, const char *text)
{
	struct buf safe = {0};

	log_escape_json(&safe, text);
	fwrite(safe.p, 1, safe.len, out);
	buf_fini(&safe);
}

void
cli_put_json(FILE *out, const json_t *value)
{
	char *text = jsonx_text(value);

	print_json_text(out, text);
	free(text);
}

void
cli_print_json_line(json_t *value)
{
	cli_put_json(stdout, value);
	putchar('\n');
	json_decref(value);
}

static void
print_json_piece(void *arg, const char *text)
{
	print_json_text(arg, text);
}

/* In pieces: the text of an audit of hundreds of accounts is longer than all else that it holds. */
void
cli_print_json(const json_t *document)
{
	answered = true;
	jsonx_write_pieces(document, !prints_lines, print_json_piece, stdout);
	putchar('\n');
}

/* A text that holds what is printed at once, and no more. */
static void
print_piece(struct buf *text)
{
	print_json_text(stdout, buf_cstr(text));
	buf_fini(text);
}

void
cli_print_list_begin(struct jsonx_list *list)
{
	struct buf text = {0};

	answered = true;
	list->pretty = !prints_lines;
	jsonx_list_begin(list, &text);
	print_piece(&text);
}

void
cli_print_list_item(struct jsonx_list *list, const json_t *item)
{
	struct buf text = {0};

	jsonx_list_item(list, item, &text);
	print_piece(&text);
}

void
cli_print_list_end(const struct jsonx_list *list)
{
	struct buf text = {0};

	jsonx_list_end(list, &text);
	print_piece(&text);
	putchar('\n');
}

void
cli_put_csv(FILE *out, const char *text, enum csv_quotes quotes)
{
	bool is_formula = text != NULL && text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;

	if (text == NULL)
		text = "";
	if (!is_formula && quotes == CSV_QUOTES_WHERE_NEEDED && strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, out);
		return;
	}
	fputs(is_formula ? "\"'" : "\"", out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}
