#include "checkpoint_rows.h"

#include "base/buf.h"
#include "base/mem.h"

#include "asl/compile/compile.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 8

struct asl_machine *
rows_machine(void)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("definition", STR(ROWS_DEFINITION), &err);
	struct diag_list diags;
	struct asl_machine *machine;

	diag_list_init(&diags, doc);
	machine = asl_compile(doc, NULL, &diags);
	diag_list_fini(&diags);
	doc_free(doc);
	return machine;
}

/* Puts the index of a state for each @NAME. */
static void
rows_resolve(const struct asl_machine *machine, struct str line, struct buf *out)
{
	for (size_t i = 0; i < line.len; i++) {
		char name[NAME_BYTES_MAX] = {
		    line.p[i] == '@' && i + 1 < line.len ? line.p[i + 1] : '\0'};
		const struct asl_state *state =
		    name[0] != '\0' ? asl_machine_find(machine, name) : NULL;

		if (state == NULL) {
			buf_add_char(out, line.p[i]);
			continue;
		}
		buf_add_int(out, state->index);
		i++;
	}
}

static void
rows_put_line(struct store *store, const struct asl_machine *machine, struct str line)
{
	struct buf text = {0};
	char *rest;
	long long id;
	long long index = -1;

	rows_resolve(machine, line, &text);
	id = strtoll(buf_cstr(&text), &rest, 10);
	if (*rest == '/')
		index = strtoll(rest + 1, &rest, 10);
	if (*rest == ' ' && id >= 0 && index >= 0)
		store_result_put(store, ROWS_RUN_ID, id, index, str_of(rest + 1), NULL);
	else if (*rest == ' ' && id >= 0 && index < 0)
		store_branch_put(store, ROWS_RUN_ID, id, str_of(rest + 1), NULL);
	buf_fini(&text);
}

struct store *
rows_store(const struct asl_machine *machine, struct str text)
{
	struct store_run run = {.id = ROWS_RUN_ID, .status = RUN_RUNNING, .start_wall_ms = 1};
	struct store *store = store_open(NULL, clock_system(), NULL);
	char empty[] = "{}";

	run.workflow_name = run.definition = run.input = empty;
	if (store == NULL || store_run_create(store, &run, NULL) < 0)
		abort();
	while (text.len > 0) {
		const char *end = memchr(text.p, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.p) : text.len;

		rows_put_line(store, machine, (struct str){text.p, len});
		len += end != NULL;
		text.p += len;
		text.len -= len;
	}
	return store;
}
