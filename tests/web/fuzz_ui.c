/* A request to the live view: the path, then its parameters, NAME=VALUE, each behind a CR. */
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "web/ui/ui_answer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One run with every kind of row, so that lists and cursors have something to walk over. */
static struct store *
store_make(void)
{
	static const struct store_run run = {.id = "one",
	    .status = RUN_SUCCEEDED,
	    .start_wall_ms = 1000,
	    .stop_wall_ms = 2000,
	    .workflow_name = (char *)"w.yaml",
	    .definition = (char *)"StartAt: A\nStates: {A: {Type: Succeed}}\n",
	    .input = (char *)"{}"};
	struct tmf_err err = {0};
	struct store *store = store_open(NULL, clock_system(), &err);

	if (store == NULL || store_run_create(store, &run, &err) < 0)
		abort();
	for (int i = 0; i < 3 * OUTCOME_COUNT; i++) {
		char *id = mem_printf("i-%d", i);
		struct outcome outcome = {.kind = (enum outcome_kind)(i % OUTCOME_COUNT),
		    .instance_id = id,
		    .interface_id = i % 3 == 0 ? NULL : "eni-1",
		    .reason = "reason"};
		struct store_event event = {.id = i + 1, .type = "PassStateEntered"};

		if (store_outcome_put(store, run.id, &outcome, &err) < 0 ||
		    store_event_put(store, run.id, &event, &err) < 0)
			abort();
		free(id);
	}
	if (store_commit(store, &err) < 0)
		abort();
	return store;
}

static const char *
param(void *arg, const char *name)
{
	size_t len = strlen(name);

	for (char **line = arg; *line != NULL; line++)
		if (strncmp(*line, name, len) == 0 && (*line)[len] == '=')
			return *line + len + 1;
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *store;
	char *text = mem_strndup((const char *)data, size);
	char *lines[16] = {NULL};
	struct ui_query query = {.path = text, .param = param, .arg = lines};
	struct ui_answer answer;
	char *rest = text;

	if (store == NULL)
		store = store_make();
	strsep(&rest, "\r");
	for (size_t i = 0; i + 1 < sizeof(lines) / sizeof(lines[0]) && rest != NULL; i++)
		lines[i] = strsep(&rest, "\r");
	ui_answer(store, &query, &answer);
	if (answer.status == 500)
		abort();
	if (strcmp(answer.type, "application/json") == 0 && answer.body.len > 0) {
		json_t *document = jsonx_parse(buf_str(&answer.body), NULL);

		if (!json_is_object(document))
			abort();
		json_decref(document);
	}
	if (answer.file != NULL)
		fclose(answer.file);
	buf_fini(&answer.body);
	free(text);
	return 0;
}
