#include "base/diag.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * A compiler goes on after a fault, so that a person sees all of them at once, and in the order of
 * the text, although it finds the faults of a graph (a state that nothing leads to) after those of
 * all states. So faults are kept and sorted, with their texts and pointers copied: the compiler's
 * own are gone by then.
 */

static const struct {
	const char *word; /* in a line for a person */
	const char *name; /* in JSON, as ValidateStateMachineDefinition has it */
} severities[] = {
    [DIAG_ERROR] = {"error", "ERROR"},
    [DIAG_WARNING] = {"warning", "WARNING"},
};

void
diag_list_init(struct diag_list *list, const struct doc *doc)
{
	*list = (struct diag_list){.doc = doc};
}

/* The list may be used again afterwards. */
void
diag_list_fini(struct diag_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->at[i].message);
		free(list->at[i].hint);
		free(list->at[i].pointer);
	}
	free(list->at);
	*list = (struct diag_list){0};
}

/* Beyond the limits faults are still counted, so that the number at the end is right. */
void
diag_add(struct diag_list *list, enum diag_severity severity, const char *code, const char *pointer,
    enum diag_at at, const char *hint, const char *format, ...)
{
	struct diag *diag;
	struct buf message = {0};
	va_list args;

	assert(code != NULL && pointer != NULL);
	if (severity == DIAG_ERROR)
		list->errors++;
	else
		list->warnings++;
	/* 1,000 pointers through a key of 125 KB would be 125 MB. */
	if (list->count == DIAG_COUNT_MAX || list->bytes > DIAG_BYTES_MAX)
		return;
	list->at = mem_resize(list->at, list->count + 1, sizeof(*list->at));
	diag = &list->at[list->count++];
	va_start(args, format);
	buf_vprintf(&message, format, args);
	va_end(args);
	list->bytes += message.len + strlen(pointer) + (hint != NULL ? strlen(hint) : 0);
	*diag = (struct diag){
	    .severity = severity,
	    .code = code,
	    .message = buf_take(&message),
	    .hint = mem_strdup(hint),
	    .pointer = mem_strdup(pointer),
	};
	if (list->doc != NULL)
		diag->pos = at == DIAG_AT_KEY ? doc_key_pos(list->doc, pointer)
					      : doc_value_pos(list->doc, pointer);
}

/* The text is out's: a hint outlives neither the next one nor out. */
const char *
diag_hint_nearest(struct buf *out, const char *word, const char *const *known)
{
	const char *near = str_nearest(str_of(word), known);

	buf_reset(out);
	if (near == NULL)
		return NULL;
	buf_printf(out, "did you mean \"%s\"?", near);
	return buf_cstr(out);
}

/* Only strictly after, which keeps two faults at one place in the order in which they were
 * found. */
static bool
diag_comes_after(const struct diag *a, const struct diag *b)
{
	if (a->pos.line != b->pos.line)
		return a->pos.line > b->pos.line;
	return a->pos.column > b->pos.column;
}

/* Insertion sort: it is stable, and the list is short and nearly in order. */
static void
diag_sort(struct diag_list *list)
{
	for (size_t i = 1; i < list->count; i++) {
		struct diag moved = list->at[i];
		size_t j = i;

		for (; j > 0 && diag_comes_after(&list->at[j - 1], &moved); j--)
			list->at[j] = list->at[j - 1];
		list->at[j] = moved;
	}
}

/* Everything that is quoted may come from a file that somebody else wrote: nothing of it reaches a
 * terminal unescaped. */
void
diag_print_colored(struct diag_list *list, const struct diag_colors *colors, FILE *out)
{
	struct buf line = {0};

	diag_sort(list);
	for (size_t i = 0; i < list->count; i++) {
		const struct diag *diag = &list->at[i];

		buf_reset(&line);
		log_escape(&line, list->doc != NULL ? doc_name(list->doc) : "");
		buf_printf(&line, ":%u:%u: %s%s%s: ", diag->pos.line, diag->pos.column,
		    diag->severity == DIAG_ERROR ? colors->error : colors->warning,
		    severities[diag->severity].word, colors->end);
		log_escape(&line, diag->message);
		if (diag->hint != NULL) {
			buf_add_cstr(&line, " (");
			log_escape(&line, diag->hint);
			buf_add_char(&line, ')');
		}
		fprintf(out, "%s%s\n",
		    log_priority(diag->severity == DIAG_ERROR ? LOG_ERROR : LOG_WARN, out),
		    buf_cstr(&line));
	}
	if (list->errors + list->warnings > list->count)
		fprintf(out, "and %zu more\n", list->errors + list->warnings - list->count);
	buf_fini(&line);
}

void
diag_print(struct diag_list *list, FILE *out)
{
	diag_print_colored(list, &(struct diag_colors){"", "", ""}, out);
}

/* As ValidateStateMachineDefinition answers, with line and column added. */
json_t *
diag_json(struct diag_list *list)
{
	json_t *array = json_array();

	diag_sort(list);
	for (size_t i = 0; i < list->count; i++) {
		const struct diag *diag = &list->at[i];
		json_t *object = json_object();

		jsonx_put_string(object, "severity", severities[diag->severity].name);
		jsonx_put_string(object, "code", diag->code);
		jsonx_put_string(object, "message", diag->message);
		jsonx_put_string(object, "location", diag->pointer);
		jsonx_put_string(object, "hint", diag->hint);
		json_object_set_new(object, "line", json_integer(diag->pos.line));
		json_object_set_new(object, "column", json_integer(diag->pos.column));
		json_array_append_new(array, object);
	}
	return array;
}
