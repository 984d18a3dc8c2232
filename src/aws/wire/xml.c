#include "aws/wire/xml.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <expat.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XML_IDLE_PARSERS_MAX  4
#define XML_SKIPPED_DEPTH_MAX 320 /* within an element that nobody asked for */

/* What of an error reply, and of any reply, is kept beside the shape. */
enum kept { KEPT_CODE, KEPT_MESSAGE, KEPT_REQUEST_ID, KEPT_COUNT };

static const struct {
	const char *element;
	enum kept kept;
	bool in_errors_only;
} kept_elements[] = {
    {"Code", KEPT_CODE, true},
    {"Message", KEPT_MESSAGE, true},
    {"RequestID", KEPT_REQUEST_ID, false},
    {"RequestId", KEPT_REQUEST_ID, false},
    {"requestId", KEPT_REQUEST_ID, false},
};

/* An open element that holds others. */
struct frame {
	json_t *container;		 /* borrowed: object or array within the result */
	const struct xml_shape *shape;	 /* of a list; NULL: container is an object */
	const struct xml_shape *members; /* of an object */
};

struct xml_parser {
	/* NULL before something has come and after the end: of many replies that are under way only a few are being read. */
	XML_Parser expat;
	int pending; /* bytes that stand in its buffer, not parsed yet */
	const struct xml_shape *members;
	json_t *result;
	char root[XML_ROOT_BYTES_MAX];
	struct frame frames[XML_DEPTH_MAX];
	size_t depth;	 /* frames in use */
	size_t skipping; /* open elements that nobody asked for */
	bool is_error;	 /* the root says so */
	bool error_over; /* its first Error is behind us; others do not count */
	bool capturing;	 /* text goes to the element below */
	bool has_all;	 /* what the shape calls the last has come */
	const struct xml_shape
	    *scalar; /* what is captured: NULL with kept set, or an item of a list of strings */
	enum kept kept;
	struct buf text;
	struct buf kept_text[KEPT_COUNT];
	struct tmf_err err; /* the first fault */
};

static void
fail(struct xml_parser *p, const char *reason)
{
	if (!tmf_err_isset(&p->err))
		tmf_err_set(&p->err, TMF_ERR_REPLY, "the reply cannot be understood: %s", reason);
	XML_StopParser(p->expat, XML_FALSE);
}

/* Most names differ in their first letter. */
static bool
is_named(const char *element, const char *name)
{
	return element[0] == name[0] && strcmp(element, name) == 0;
}

static json_t *
list_of(json_t *object, const struct xml_shape *shape)
{
	json_t *list = json_object_get(object, shape->member);

	if (list != NULL)
		return list;
	list = json_array();
	json_object_set_new_nocheck(object, shape->member, list);
	return list;
}

/* Lists that were absent are empty ones. */
static void
add_missing_lists(json_t *object, const struct xml_shape *members)
{
	for (const struct xml_shape *s = members; s->element != NULL; s++)
		if (s->kind == XML_LIST || s->kind == XML_STRINGS)
			list_of(object, s);
}

static void
push(struct xml_parser *p, json_t *container, const struct xml_shape *list,
    const struct xml_shape *members)
{
	if (p->depth == XML_DEPTH_MAX) {
		fail(p, "nested too deep");
		return;
	}
	p->frames[p->depth++] = (struct frame){container, list, members};
}

static void
character_data(void *arg, const char *text, int len)
{
	struct xml_parser *p = arg;

	if (!p->capturing || p->skipping > 0)
		return;
	if (p->text.len + (size_t)len > XML_TEXT_BYTES_MAX)
		fail(p, "an element's text is too long");
	else
		buf_add(&p->text, text, (size_t)len);
}

static void
capture(struct xml_parser *p, const struct xml_shape *scalar)
{
	p->capturing = true;
	p->scalar = scalar;
	buf_reset(&p->text);
	XML_SetCharacterDataHandler(p->expat, character_data);
}

static bool
capture_kept(struct xml_parser *p, const char *name)
{
	for (size_t i = 0; i < sizeof(kept_elements) / sizeof(kept_elements[0]); i++) {
		enum kept kept = kept_elements[i].kept;

		if (!is_named(kept_elements[i].element, name) || p->kept_text[kept].len > 0 ||
		    (kept_elements[i].in_errors_only && (!p->is_error || p->error_over)))
			continue;
		p->kept = kept;
		capture(p, NULL);
		return true;
	}
	return false;
}

static void
start_root(struct xml_parser *p, const char *name)
{
	memcpy(p->root, name, strnlen(name, sizeof(p->root) - 1));
	p->is_error = strcmp(name, "Response") == 0 || strcmp(name, "ErrorResponse") == 0;
	p->result = json_object();
	push(p, p->result, NULL, p->members);
}

/* An item of a list: a struct, or a string. */
static void
start_item(struct xml_parser *p, const struct frame *top, const char *name)
{
	json_t *object;

	if (strcmp(name, "item") != 0 && strcmp(name, "member") != 0) {
		p->skipping = 1;
		return;
	}
	if (top->shape->kind == XML_STRINGS) {
		capture(p, top->shape);
		return;
	}
	object = json_object();
	json_array_append_new(top->container, object);
	push(p, object, NULL, top->shape->members);
}

static void
start_member(struct xml_parser *p, const struct frame *top, const char *name)
{
	const struct xml_shape *s = top->members;

	while (s->element != NULL && !is_named(s->element, name))
		s++;
	if (s->element == NULL) {
		p->skipping = 1;
	} else if (s->kind == XML_LIST || s->kind == XML_STRINGS) {
		push(p, list_of(top->container, s), s, s->members);
	} else if (s->kind == XML_STRUCT) {
		json_t *object = json_object();

		json_object_set_new_nocheck(top->container, s->member, object);
		push(p, object, NULL, s->members);
	} else {
		capture(p, s);
	}
}

static void
start_element(void *arg, const char *name, const char **attributes)
{
	struct xml_parser *p = arg;
	const struct frame *top;

	(void)attributes;
	if (p->skipping > 0 || p->capturing) {
		p->skipping++;
		if (p->skipping > XML_SKIPPED_DEPTH_MAX)
			fail(p, "nested too deep");
		return;
	}
	if (p->depth == 0) {
		start_root(p, name);
		return;
	}
	top = &p->frames[p->depth - 1];
	/* What is kept stands in the root; an error wraps it. */
	if ((p->depth == 1 || p->is_error) && capture_kept(p, name))
		return;
	/* Within an error the wrappers <Errors><Error> are walked into. */
	if (p->is_error)
		push(p, p->result, NULL, p->members);
	else if (top->shape != NULL)
		start_item(p, top, name);
	else
		start_member(p, top, name);
}

static json_t *
integer_of(const char *text)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' ? json_integer(value) : NULL;
}

/* expat lets nothing through but UTF-8. */
static json_t *
text_value(const struct buf *text)
{
	return json_stringn_nocheck(buf_cstr(text), text->len);
}

static json_t *
scalar_value(const struct xml_shape *shape, const struct buf *text)
{
	if (shape->kind == XML_INTEGER)
		return integer_of(buf_cstr(text));
	if (shape->kind == XML_BOOLEAN)
		return json_boolean(str_is(buf_str(text), "true"));
	return text_value(text);
}

static void
end_capture(struct xml_parser *p)
{
	struct frame *top = &p->frames[p->depth - 1];
	json_t *value;

	p->capturing = false;
	XML_SetCharacterDataHandler(
	    p->expat, NULL); /* the rest are line ends and what nobody asked for */
	if (p->scalar == NULL) {
		buf_add_str(&p->kept_text[p->kept], buf_str(&p->text));
		return;
	}
	if (p->scalar->kind == XML_STRINGS) {
		json_array_append_new(top->container, text_value(&p->text));
		return;
	}
	value = scalar_value(p->scalar, &p->text);
	if (value == NULL)
		fail(p, "an element that should be a number is none");
	else
		json_object_set_new_nocheck(top->container, p->scalar->member, value);
	if (p->scalar->kind == XML_LAST_STRING) {
		p->has_all = true;
		XML_StopParser(p->expat, XML_FALSE);
	}
}

/* The item that the list at the top of the stack ends with is complete. */
static void
convert_item(const struct frame *list)
{
	size_t last = json_array_size(list->container) - 1;
	json_t *item = json_incref(json_array_get(list->container, last));

	json_array_set_new(list->container, last, list->shape->convert(item));
}

/* A list, or a struct, which may be an item of a list. */
static void
end_container(struct xml_parser *p)
{
	const struct frame *ended = &p->frames[--p->depth];
	const struct frame *around = p->depth > 0 ? &p->frames[p->depth - 1] : NULL;

	if (ended->shape != NULL || p->is_error)
		return;
	add_missing_lists(ended->container, ended->members);
	if (around != NULL && around->shape != NULL && around->shape->convert != NULL)
		convert_item(around);
}

static void
end_element(void *arg, const char *name)
{
	struct xml_parser *p = arg;

	if (p->skipping > 0) {
		p->skipping--;
	} else if (p->capturing) {
		end_capture(p);
	} else if (p->depth > 0) {
		end_container(p);
		p->error_over |= p->is_error && strcmp(name, "Error") == 0;
	}
}

static void
start_doctype(
    void *arg, const char *name, const char *system_id, const char *public_id, int has_internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal;
	fail(arg, "it has a DTD");
}

/* A reply's parser is used again for the next: to make one costs more than to parse a small reply. */
static struct {
	XML_Parser idle[XML_IDLE_PARSERS_MAX];
	size_t count;
	unsigned long salt; /* of the hash tables, against names that are made to collide */
} parsers;

static void
free_idle_parsers(void)
{
	while (parsers.count > 0)
		XML_ParserFree(parsers.idle[--parsers.count]);
}

/* Once, before the first: expat would ask the system for a salt for each reply. */
static void
prepare_parsers(void)
{
	if (getrandom(&parsers.salt, sizeof(parsers.salt), 0) != (ssize_t)sizeof(parsers.salt))
		parsers.salt = 0; /* then expat does */
	atexit(free_idle_parsers);
}

static XML_Parser
take_parser(void)
{
	static bool prepared;
	XML_Parser expat;

	if (!prepared)
		prepare_parsers();
	prepared = true;
	expat = parsers.count > 0 ? parsers.idle[--parsers.count] : XML_ParserCreate(NULL);
	if (expat == NULL)
		abort(); /* no memory */
	XML_SetHashSalt(expat, parsers.salt);
	return expat;
}

static void
give_back(struct xml_parser *p)
{
	if (p->expat == NULL)
		return;
	if (parsers.count < XML_IDLE_PARSERS_MAX && XML_ParserReset(p->expat, NULL))
		parsers.idle[parsers.count++] = p->expat;
	else
		XML_ParserFree(p->expat);
	p->expat = NULL;
}

struct xml_parser *
xml_parser_new(const struct xml_shape *members)
{
	struct xml_parser *p = mem_zalloc(1, sizeof(*p));

	p->members = members;
	return p;
}

static void
prepare(struct xml_parser *p)
{
	p->expat = take_parser();
	XML_SetUserData(p->expat, p);
	XML_SetElementHandler(p->expat, start_element, end_element);
	XML_SetStartDoctypeDeclHandler(p->expat, start_doctype);
}

void
xml_parser_free(struct xml_parser *p)
{
	if (p == NULL)
		return;
	give_back(p);
	json_decref(p->result);
	buf_fini(&p->text);
	for (size_t i = 0; i < KEPT_COUNT; i++)
		buf_fini(&p->kept_text[i]);
	tmf_err_fini(&p->err);
	free(p);
}

static int
parse_pending(struct xml_parser *p, bool last, struct tmf_err *err)
{
	int pending = p->pending;

	p->pending = 0;
	if (!tmf_err_isset(&p->err) && !p->has_all &&
	    XML_ParseBuffer(p->expat, pending, last) == XML_STATUS_ERROR && !p->has_all)
		fail(p, XML_ErrorString(XML_GetErrorCode(p->expat)));
	if (!tmf_err_isset(&p->err))
		return 0;
	tmf_err_copy(err, &p->err);
	return -1;
}

/* A part is parsed when the next one comes, or the end: most replies have one part, and expat counts lines only up to the last. */
int
xml_parser_feed(struct xml_parser *p, struct str part, struct tmf_err *err)
{
	void *buffer;

	assert(part.len <= INT32_MAX);
	if (p->expat == NULL)
		prepare(p);
	if (p->pending > 0 && parse_pending(p, false, err) < 0)
		return -1;
	if (part.len == 0 || p->has_all)
		return 0;
	buffer = XML_GetBuffer(p->expat, (int)part.len);
	if (buffer == NULL)
		abort(); /* no memory */
	memcpy(buffer, part.p, part.len);
	p->pending = (int)part.len;
	return 0;
}

int
xml_parser_finish(struct xml_parser *p, json_t **ret_value, struct tmf_err *err)
{
	int ret;

	if (p->expat == NULL)
		prepare(p);
	ret = parse_pending(p, true, err);
	give_back(p);
	if (ret < 0)
		return -1;
	while (p->depth > 0) /* what was not read to its end */
		end_container(p);
	*ret_value = p->result;
	p->result = NULL;
	return 0;
}

const char *
xml_parser_root(const struct xml_parser *p)
{
	return p->root;
}

const char *
xml_parser_error_code(const struct xml_parser *p)
{
	const char *code = buf_cstr(&p->kept_text[KEPT_CODE]);

	/* Some tools put the fault's side in front. */
	if (strncmp(code, "Client.", 7) == 0 || strncmp(code, "Server.", 7) == 0)
		return code + 7;
	return code;
}

const char *
xml_parser_error_message(const struct xml_parser *p)
{
	return buf_cstr(&p->kept_text[KEPT_MESSAGE]);
}

const char *
xml_parser_request_id(const struct xml_parser *p)
{
	return buf_cstr(&p->kept_text[KEPT_REQUEST_ID]);
}
