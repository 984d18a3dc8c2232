#include "checkpoint_rows.h"

#include "base/buf.h"
#include "base/mem.h"

#include "asl/compile/compile.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 8

static const char definition[] =
    "StartAt: W\n"
    "States:\n"
    "  W: {Type: Wait, Seconds: 5, Next: T}\n"
    "  T:\n"
    "    Type: Task\n"
    "    Resource: tmflow:echo\n"
    "    TimeoutSeconds: 60\n"
    "    Retry: [{ErrorEquals: [Busy], MaxAttempts: 2}]\n"
    "    Catch: [{ErrorEquals: [Never], Next: S}]\n"
    "    Next: M\n"
    "  M:\n"
    "    Type: Map\n"
    "    ItemsPath: $.items\n"
    "    MaxConcurrency: 2\n"
    "    ToleratedFailureCount: 1\n"
    "    ItemProcessor:\n"
    "      StartAt: I\n"
    "      States:\n"
    "        I: {Type: Wait, Seconds: 1, Assign: {v.$: $}, End: true}\n"
    "    Next: P\n"
    "  # Maps that stream: of items, objects, lines, and the files of a manifest.\n"
    "  S:\n"
    "    Type: Map\n"
    "    ItemsPath: $.items\n"
    "    ItemBatcher: {MaxItemsPerBatch: 2}\n"
    "    ItemProcessor:\n"
    "      ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: EXPRESS}\n"
    "      StartAt: C\n"
    "      States:\n"
    "        C: {Type: Pass, End: true}\n"
    "    Next: L\n"
    "  L:\n"
    "    Type: Map\n"
    "    ItemReader:\n"
    "      Resource: arn:aws:states:::s3:listObjectsV2\n"
    "      Parameters: {Bucket: bucket, Key: JSON}\n"
    "      ReaderConfig: {InputType: JSON}\n"
    "    ItemBatcher: {MaxItemsPerBatch: 2}\n"
    "    ItemProcessor:\n"
    "      ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: EXPRESS}\n"
    "      StartAt: D\n"
    "      States:\n"
    "        D: {Type: Pass, End: true}\n"
    "    Next: O\n"
    "  O:\n"
    "    Type: Map\n"
    "    ItemReader:\n"
    "      Resource: arn:aws:states:::s3:getObject\n"
    "      Parameters: {Bucket: bucket, Key: JSONL}\n"
    "      ReaderConfig: {InputType: JSONL}\n"
    "    ResultPath: null\n"
    "    ItemProcessor:\n"
    "      ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: EXPRESS}\n"
    "      StartAt: E\n"
    "      States:\n"
    "        E: {Type: Pass, End: true}\n"
    "    Next: N\n"
    "  N:\n"
    "    Type: Map\n"
    "    ItemReader:\n"
    "      Resource: arn:aws:states:::s3:getObject\n"
    "      Parameters: {Bucket: bucket, Key: MANIFEST}\n"
    "      ReaderConfig: {InputType: MANIFEST}\n"
    "    ItemBatcher: {MaxItemsPerBatch: 2}\n"
    "    ItemProcessor:\n"
    "      ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: EXPRESS}\n"
    "      StartAt: F\n"
    "      States:\n"
    "        F: {Type: Pass, End: true}\n"
    "    End: true\n"
    "  P:\n"
    "    Type: Parallel\n"
    "    Branches:\n"
    "      - StartAt: A\n"
    "        States:\n"
    "          A: {Type: Pass, End: true}\n"
    "      - StartAt: B\n"
    "        States:\n"
    "          B: {Type: Succeed}\n"
    "    End: true\n";

struct asl_machine *
rows_machine(void)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("definition", STR(definition), &err);
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
rows_store_new(void)
{
	struct store *store = store_open(NULL, clock_system(), NULL);

	if (store == NULL)
		abort();
	return store;
}

void
rows_put(struct store *store, const struct asl_machine *machine, struct str text)
{
	struct store_run run = {.id = ROWS_RUN_ID, .status = RUN_RUNNING, .start_wall_ms = 1};
	char empty[] = "{}";

	run.workflow_name = run.definition = run.input = empty;
	store_run_delete(store, ROWS_RUN_ID, NULL); /* none the first time */
	if (store_run_create(store, &run, NULL) < 0)
		abort();
	while (text.len > 0) {
		const char *end = memchr(text.p, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.p) : text.len;

		rows_put_line(store, machine, (struct str){text.p, len});
		len += end != NULL;
		text.p += len;
		text.len -= len;
	}
}
