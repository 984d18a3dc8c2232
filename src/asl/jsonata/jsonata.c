#include "asl/jsonata/jsonata.h"

#include "asl/jsonata/evaluator.h"
#include "asl/jsonata/parser/parser.h"
#include "asl/jsonata/states.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a parsed expression: the largest text, with each of its characters a node of its own. */
#define PARSED_BYTES_MAX ((size_t)32 << 20)

/* One block of just the size that it needs, for an expression lives as long as its workflow. */
struct jsonata {
	struct heap_owned *owned; /* patterns */
	const struct node *root;
	uint32_t parsed_bytes;
	uint32_t text_len;
	/* The text, and the nodes, which point into it. */
	alignas(max_align_t) char parsed[];
};

/* What is needed while one is made. */
struct compilation {
	struct heap parsed;
	struct heap scratch;
	struct fault fault;
	struct jsonata *jsonata;
};

/* The heap's limit is passed: a fault like any other. */
static void
raise_exhausted(void *arg)
{
	fault_raise(arg, 0, "U1001");
}

/* Positions are kept in bytes; jsonata's own are UTF-16 code units. A character of four bytes
 * counts as two units: its lead byte is 0xf0 or more. */
static void
report_fault(
    const struct fault *fault, const char *text, size_t len, struct jsonata_error *ret_error)
{
	uint32_t units = 0;

	for (size_t i = 0; i < fault->position && i < len; i++)
		units +=
		    (((unsigned char)text[i] & 0xc0) != 0x80) + ((unsigned char)text[i] >= 0xf0);
	memcpy(ret_error->code, fault->code, sizeof(ret_error->code));
	memcpy(ret_error->message, fault->message, sizeof(ret_error->message));
	memcpy(ret_error->token, fault->token, sizeof(ret_error->token));
	ret_error->position = units;
}

/* The lexer and PCRE2 rely on it: neither checks again. A NUL is accepted here and refused by the
 * lexer. */
static bool
is_utf8(struct str text)
{
	for (size_t at = 0; at < text.len;) {
		size_t bytes = 1;

		if (text.p[at] != '\0' && utf8_decode(text.p + at, &bytes) < 0)
			return false;
		at += bytes;
	}
	return true;
}

/* A function of its own: gcc warns of a temporary beside setjmp. */
static void
require_utf8(struct fault *fault, const char *text, size_t len)
{
	if (!is_utf8((struct str){text, len}))
		fault_raise(fault, 0, "S0201", "byte that is not UTF-8");
}

/* Parses text into the heap `parsed`. Raises where it is not valid. */
static const struct node *
compile_text(struct compilation *c, struct str text)
{
	char *copy = heap_text(&c->parsed, text.p, text.len);

	require_utf8(&c->fault, copy, text.len);
	return parser_parse(copy, text.len, &c->parsed, &c->scratch, &c->fault);
}

/* In two passes: the first finds faults, and how much memory the second needs. */
static void
compile_checked(struct compilation *c, struct str text)
{
	struct jsonata *jsonata;
	size_t bytes;

	if (text.len > JSONATA_TEXT_BYTES_MAX)
		fault_raise(&c->fault, 0, "S0500");
	compile_text(c, text);
	bytes = c->parsed.used_bytes;
	heap_fini(&c->parsed);
	jsonata = mem_alloc(sizeof(*jsonata) + bytes);
	c->jsonata = jsonata;
	heap_init_at(&c->parsed, jsonata->parsed, bytes, raise_exhausted, &c->fault);
	jsonata->root = compile_text(c, text);
	assert(c->parsed.used_bytes == bytes);
	jsonata->parsed_bytes = (uint32_t)bytes;
	jsonata->text_len = (uint32_t)text.len;
	jsonata->owned = heap_take_owned(&c->parsed);
}

/* Nothing but the heaps and the block is held between setjmp and the end, so a fault cannot
 * leak. */
struct jsonata *
jsonata_compile(struct str text, struct jsonata_error *ret_error)
{
	struct compilation *c = mem_zalloc(1, sizeof(*c));
	struct jsonata *jsonata;

	heap_init(&c->parsed, PARSED_BYTES_MAX, raise_exhausted, &c->fault);
	heap_init(&c->scratch, PARSED_BYTES_MAX, raise_exhausted, &c->fault);
	if (setjmp(c->fault.out) == 0) {
		compile_checked(c, text);
	} else {
		report_fault(&c->fault, text.p, text.len, ret_error);
		heap_fini(&c->parsed);
		free(c->jsonata);
		c->jsonata = NULL;
	}
	heap_fini(&c->scratch);
	jsonata = c->jsonata;
	free(c);
	return jsonata;
}

size_t
jsonata_bytes(const struct jsonata *jsonata)
{
	return sizeof(*jsonata) + jsonata->parsed_bytes;
}

bool
jsonata_fits_states(
    const struct jsonata *jsonata, unsigned allowed, struct jsonata_error *ret_error)
{
	struct fault fault = {.position = 0};

	if (states_check(jsonata->root, allowed, &fault))
		return true;
	report_fault(&fault, jsonata->parsed, jsonata->text_len, ret_error);
	return false;
}

json_t *
jsonata_variables(const struct jsonata *jsonata)
{
	return states_variables(jsonata->root);
}

bool
jsonata_reads_context(const struct jsonata *jsonata)
{
	return states_reads_context(jsonata->root);
}

void
jsonata_free(struct jsonata *jsonata)
{
	if (jsonata == NULL)
		return;
	heap_release(jsonata->owned);
	free(jsonata);
}

/* The input as the expression sees it. An array is wrapped, so that a path goes through its
 * elements while $ is the whole of it. */
static struct value
wrap_input(struct evaluator *ev, json_t *input)
{
	struct value value = value_of_json(input);
	struct list *outer;

	if (value.type != VALUE_ARRAY)
		return value;
	outer = list_sequence(&ev->heap);
	list_push(&ev->heap, outer, value);
	outer->is_outer = true;
	return value_list(outer);
}

struct evaluation {
	struct evaluator evaluator;
	struct fault fault;
};

/* The compiled expression is not changed, so it can be evaluated any number of times. */
int
jsonata_evaluate(const struct jsonata *jsonata, const struct jsonata_opts *opts,
    json_t **ret_result, struct jsonata_error *ret_error)
{
	/* Both live where longjmp does not lose their values, but only what is read is set: the
	 * texts of a fault, and the error's, take as long to clear as a short path to evaluate. */
	struct evaluation *evaluation = mem_alloc(sizeof(*evaluation));
	struct fault *fault = &evaluation->fault;
	struct evaluator *ev = &evaluation->evaluator;
	volatile int ret = 0;

	ret_error->code[0] = ret_error->message[0] = ret_error->token[0] = '\0';
	ret_error->position = 0;
	fault->token[0] = '\0';
	fault->call_position = fault->claimed = 0;
	*ev = (struct evaluator){.call_name = NULL};
	assert(opts->rng != NULL);
	heap_init(&ev->heap, EVALUATOR_HEAP_MAX, raise_exhausted, fault);
	if (opts->steps_max > 0)
		ev->heap.steps_max = opts->steps_max;
	ev->fault = fault;
	ev->outside = (struct evaluator_outside){
	    .now_wall_ms = opts->now_wall_ms, .rng = opts->rng, .variables = opts->variables};
	if (setjmp(fault->out) == 0) {
		struct value input = wrap_input(ev, opts->input);
		struct frame *frame = frame_new(ev, NULL);
		struct value result;

		if (opts->states != NULL)
			frame_bind(ev, frame, "states", 6, value_of_json(opts->states));
		/* $$ is the input from every depth; without an input it stays unbound and is
		 * undefined. */
		if (opts->input != NULL)
			frame_bind(ev, frame, "$", 1, value_of_json(opts->input));
		result = evaluate(ev, jsonata->root, &input, frame);
		/* The array put around the input is not part of the result: $ returns the input. */
		if (value_is_array(&result) && !result.is_json && result.u.list->is_outer)
			result = result.u.list->at[0];
		if (opts->refuses_functions && result.type == VALUE_FUNCTION)
			ret = -1;
		else
			*ret_result = value_to_json(&ev->heap, &result);
	} else {
		report_fault(fault, jsonata->parsed, jsonata->text_len, ret_error);
		ret = -1;
	}
	heap_fini(&ev->heap);
	free(evaluation);
	return ret;
}
