#include "aws/wire/xml.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <expat.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define XML_SKIPPED_DEPTH_MAX 320 /* within an element that nobody asked for */

/* What of an error reply, and of any reply, is kept beside the shape. */
enum kept { KEPT_CODE, KEPT_MESSAGE, KEPT_REQUEST_ID, KEPT_COUNT };

/* The request's id has three spellings: EC2 sends RequestID with an error and requestId with a
 * result, the Query protocol RequestId. */
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

/* Of an item of XML_PAIRS. Neither has a member: the item becomes one itself. */
static const struct xml_shape pair_shape[] = {
    {"key", NULL, XML_STRING, NULL, NULL},
    {"value", NULL, XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* An open element that holds others. Either shape or members leads on: an array's items have one
 * form, an object's members one each. */
struct frame {
	json_t *container;		 /* borrowed: object or array within the result */
	const struct xml_shape *shape;	 /* of a list; NULL: container is an object */
	const struct xml_shape *members; /* of an object */
};

/* A reply is converted while it comes in, and the XML is never kept. Skipped and captured
 * elements have no frame, so that the depth of the frames is that of the shapes. */
struct xml_parser {
	XML_Parser expat; /* NULL before something has come */
	const struct xml_shape *members;
	json_t *result;
	char root[XML_ROOT_BYTES_MAX];
	struct frame frames[XML_DEPTH_MAX];
	size_t depth;	 /* frames in use */
	size_t skipping; /* open elements that nobody asked for */
	bool is_error;	 /* the root says so */
	bool error_over; /* its first Error is behind us; others do not count */
	bool capturing;	 /* text goes to the element below */
	const struct xml_shape
	    *scalar; /* what is captured: NULL with kept set, or an item of a list of strings */
	enum kept kept;
	struct buf text;
	struct buf kept_text[KEPT_COUNT];
	struct buf pair[2]; /* key and value of the item that is open */
	struct tmf_err err; /* the first fault */
};

/* The parser is stopped, not only ignored: nothing more of a hostile reply is looked at. */
static void
xml_fail(struct xml_parser *p, const char *reason)
{
	if (!tmf_err_isset(&p->err))
		tmf_err_set(&p->err, TMF_ERR_REPLY, "the reply cannot be understood: %s", reason);
	XML_StopParser(p->expat, XML_FALSE);
}

static bool
xml_is_list(const struct xml_shape *shape)
{
	return shape->kind == XML_LIST || shape->kind == XML_STRINGS || shape->kind == XML_PAIRS;
}

/* AWS sends an empty list as <set/> or not at all. The list that is there is used, so that one
 * that comes in two parts becomes one. */
static json_t *
xml_list_of(json_t *object, const struct xml_shape *shape)
{
	json_t *list = json_object_get(object, shape->member);

	if (list != NULL)
		return list;
	list = shape->kind == XML_PAIRS ? json_object() : json_array();
	json_object_set_new_nocheck(object, shape->member, list);
	return list;
}

/* Lists that were absent are empty ones. Callers then read every list without asking whether it
 * was sent. */
static void
xml_add_missing_lists(json_t *object, const struct xml_shape *members)
{
	for (const struct xml_shape *s = members; s->element != NULL; s++)
		if (xml_is_list(s) || s->kind == XML_FLAT)
			xml_list_of(object, s);
}

/* Bounded: a document that only opens elements must not grow a stack. */
static void
xml_push(struct xml_parser *p, json_t *container, const struct xml_shape *list,
    const struct xml_shape *members)
{
	if (p->depth == XML_DEPTH_MAX) {
		xml_fail(p, "nested too deep");
		return;
	}
	p->frames[p->depth++] = (struct frame){container, list, members};
}

/* expat hands over a text in several parts, such as before and after an entity. */
static void
xml_character_data(void *arg, const char *text, int len)
{
	struct xml_parser *p = arg;

	if (!p->capturing || p->skipping > 0)
		return;
	if (p->text.len + (size_t)len > XML_TEXT_BYTES_MAX)
		xml_fail(p, "an element's text is too long");
	else
		buf_add(&p->text, text, (size_t)len);
}

/* Elements inside a captured one are skipped, with their text. */
static void
xml_capture(struct xml_parser *p, const struct xml_shape *scalar)
{
	assert(!p->capturing && p->skipping == 0);
	p->capturing = true;
	p->scalar = scalar;
	buf_reset(&p->text);
}

/* The first wins: an Error may hold others, and Client.* stands in some. */
static bool
xml_capture_kept(struct xml_parser *p, const char *name)
{
	for (size_t i = 0; i < sizeof(kept_elements) / sizeof(kept_elements[0]); i++) {
		enum kept kept = kept_elements[i].kept;

		if (strcmp(kept_elements[i].element, name) != 0 || p->kept_text[kept].len > 0 ||
		    (kept_elements[i].in_errors_only && (!p->is_error || p->error_over)))
			continue;
		p->kept = kept;
		xml_capture(p, NULL);
		return true;
	}
	return false;
}

/* EC2 answers errors with <Response>, the Query protocol with <ErrorResponse>, S3 with <Error>. A
 * longer name is cut off: no operation here has one, and an error shows its beginning. */
static void
xml_start_root(struct xml_parser *p, const char *name)
{
	memcpy(p->root, name, strnlen(name, sizeof(p->root) - 1));
	p->is_error = strcmp(name, "Response") == 0 || strcmp(name, "ErrorResponse") == 0 ||
		      strcmp(name, "Error") == 0;
	p->result = json_object();
	xml_push(p, p->result, NULL, p->members);
}

/* An item of a list: struct, string or pair. EC2 calls an item item, the Query protocol member. */
static void
xml_start_item(struct xml_parser *p, const struct frame *top, const char *name)
{
	json_t *object;

	if (strcmp(name, "item") != 0 && strcmp(name, "member") != 0) {
		p->skipping = 1;
		return;
	}
	if (top->shape->kind == XML_STRINGS) {
		xml_capture(p, top->shape);
		return;
	}
	if (top->shape->kind == XML_PAIRS) {
		buf_reset(&p->pair[0]);
		buf_reset(&p->pair[1]);
		xml_push(p, top->container, NULL, pair_shape);
		return;
	}
	object = json_object();
	json_array_append_new(top->container, object);
	xml_push(p, object, NULL, top->shape->members);
}

/* What no shape names is skipped with all that is in it: AWS adds members without notice. A
 * struct becomes an object at once, so that an empty element gives an empty object. */
static void
xml_start_member(struct xml_parser *p, const struct frame *top, const char *name)
{
	const struct xml_shape *s = top->members;

	while (s->element != NULL && strcmp(s->element, name) != 0)
		s++;
	if (s->element == NULL) {
		p->skipping = 1;
	} else if (s->kind == XML_FLAT) {
		json_t *item = json_object();

		json_array_append_new(xml_list_of(top->container, s), item);
		xml_push(p, item, NULL, s->members);
	} else if (xml_is_list(s)) {
		xml_push(p, xml_list_of(top->container, s), s, s->members);
	} else if (s->kind == XML_STRUCT) {
		json_t *object = json_object();

		json_object_set_new_nocheck(top->container, s->member, object);
		xml_push(p, object, NULL, s->members);
	} else {
		xml_capture(p, s);
	}
}

static void
xml_start_element(void *arg, const char *name, const char **attributes)
{
	struct xml_parser *p = arg;
	const struct frame *top;

	(void)attributes;
	if (p->skipping > 0 || p->capturing) {
		p->skipping++;
		if (p->skipping > XML_SKIPPED_DEPTH_MAX)
			xml_fail(p, "nested too deep");
		return;
	}
	if (p->depth == 0) {
		xml_start_root(p, name);
		return;
	}
	top = &p->frames[p->depth - 1];
	/* What is kept stands in the root; an error wraps it. */
	if ((p->depth == 1 || p->is_error) && xml_capture_kept(p, name))
		return;
	/* Within an error the wrappers <Errors><Error> are walked into. */
	if (p->is_error)
		xml_push(p, p->result, NULL, p->members);
	else if (top->shape != NULL)
		xml_start_item(p, top, name);
	else
		xml_start_member(p, top, name);
}

/* Out of range is an error, not the nearest number: it would be another session's number. A
 * blank behind the number is an error as well. */
static json_t *
xml_integer(const char *text)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' ? json_integer(value) : NULL;
}

/* Text needs no check: expat lets nothing through but UTF-8. NULL: not a number. */
static json_t *
xml_scalar(const struct xml_shape *shape, const struct buf *text)
{
	if (shape->kind == XML_INTEGER)
		return xml_integer(buf_cstr(text));
	if (shape->kind == XML_BOOLEAN)
		return json_boolean(str_is(buf_str(text), "true"));
	return json_stringn_nocheck(buf_cstr(text), text->len);
}

/* A member that is sent twice counts as it was sent last. */
static void
xml_end_capture(struct xml_parser *p)
{
	struct frame *top = &p->frames[p->depth - 1];
	json_t *value;

	assert(p->depth > 0);
	p->capturing = false;
	if (p->scalar == NULL) {
		buf_add_str(&p->kept_text[p->kept], buf_str(&p->text));
		return;
	}
	if (p->scalar->member == NULL) {
		buf_add_str(&p->pair[p->scalar - pair_shape], buf_str(&p->text));
		return;
	}
	if (p->scalar->kind == XML_STRINGS) {
		json_array_append_new(top->container, xml_scalar(p->scalar, &p->text));
		return;
	}
	value = xml_scalar(p->scalar, &p->text);
	if (value == NULL)
		xml_fail(p, "a number was expected");
	else
		json_object_set_new_nocheck(top->container, p->scalar->member, value);
}

/* The item that the list at the top of the stack ends with is complete. At once, so that a page
 * of 1,000 instances never stands in memory in both forms. The converter takes a reference of
 * its own, and its result replaces the item. */
static void
xml_convert_item(const struct frame *list)
{
	size_t last = json_array_size(list->container) - 1;
	json_t *item = json_incref(json_array_get(list->container, last));

	json_array_set_new(list->container, last, list->shape->convert(item));
}

/* A list, or a struct, which may be an item of a list. */
static void
xml_end_container(struct xml_parser *p)
{
	assert(p->depth > 0);
	const struct frame *ended = &p->frames[--p->depth];
	const struct frame *around = p->depth > 0 ? &p->frames[p->depth - 1] : NULL;

	if (ended->shape != NULL || p->is_error)
		return;
	if (ended->members == pair_shape) {
		json_object_set_new_nocheck(ended->container, buf_cstr(&p->pair[0]),
		    json_stringn_nocheck(buf_cstr(&p->pair[1]), p->pair[1].len));
		return;
	}
	xml_add_missing_lists(ended->container, ended->members);
	if (around != NULL && around->shape != NULL && around->shape->convert != NULL)
		xml_convert_item(around);
}

/* Only text between a known start and its end counts: what is skipped or captured counts its own
 * depth. */
static void
xml_end_element(void *arg, const char *name)
{
	struct xml_parser *p = arg;

	if (p->skipping > 0) {
		p->skipping--;
	} else if (p->capturing) {
		xml_end_capture(p);
	} else if (p->depth > 0) {
		xml_end_container(p);
		p->error_over |= p->is_error && strcmp(name, "Error") == 0;
	}
}

/* AWS sends none. An entity of its own could grow a small reply a million times. */
static void
xml_start_doctype(
    void *arg, const char *name, const char *system_id, const char *public_id, int has_internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal;
	xml_fail(arg, "it has a DTD");
}

struct xml_parser *
xml_parser_new(const struct xml_shape *members)
{
	struct xml_parser *p = mem_zalloc(1, sizeof(*p));

	p->members = members;
	return p;
}

/* Makes expat's part of it. Not before something comes: thousands of calls may wait for their
 * replies, and few replies are read at once. */
static void
xml_begin(struct xml_parser *p)
{
	/* Out of memory aborts: expat would call the reply malformed. */
	static const XML_Memory_Handling_Suite memory = {mem_alloc, mem_realloc, free};

	assert(p->result == NULL && p->depth == 0);
	p->expat = XML_ParserCreate_MM(NULL, &memory, NULL);
	assert(p->expat != NULL && "mem_alloc has no other answer");
	XML_SetUserData(p->expat, p);
	XML_SetElementHandler(p->expat, xml_start_element, xml_end_element);
	XML_SetCharacterDataHandler(p->expat, xml_character_data);
	XML_SetStartDoctypeDeclHandler(p->expat, xml_start_doctype);
}

/* Parses a part. What was wrong with an earlier one stays wrong. The bound is expat's: it takes
 * the length as an int. */
static int
xml_parse(struct xml_parser *p, struct str part, bool last, struct tmf_err *err)
{
	assert(part.len <= INT32_MAX);
	if (p->expat == NULL)
		xml_begin(p);
	if (!tmf_err_isset(&p->err) &&
	    XML_Parse(p->expat, part.p, (int)part.len, last) == XML_STATUS_ERROR)
		xml_fail(p, XML_ErrorString(XML_GetErrorCode(p->expat)));
	if (!tmf_err_isset(&p->err))
		return 0;
	tmf_err_copy(err, &p->err);
	return -1;
}

void
xml_parser_free(struct xml_parser *p)
{
	if (p == NULL)
		return;
	XML_ParserFree(p->expat);
	json_decref(p->result);
	buf_fini(&p->text);
	buf_fini(&p->pair[0]);
	buf_fini(&p->pair[1]);
	for (size_t i = 0; i < KEPT_COUNT; i++)
		buf_fini(&p->kept_text[i]);
	tmf_err_fini(&p->err);
	free(p);
}

int
xml_parser_feed(struct xml_parser *p, struct str part, struct tmf_err *err)
{
	return xml_parse(p, part, false, err);
}

/* The result goes to the caller, so that freeing the parser leaves it alone. */
int
xml_parser_finish(struct xml_parser *p, json_t **ret_value, struct tmf_err *err)
{
	if (xml_parse(p, STR(""), true, err) < 0)
		return -1;
	/* expat accepts no document without a root element that is closed. */
	assert(p->depth == 0 && p->skipping == 0 && !p->capturing && p->result != NULL);
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
