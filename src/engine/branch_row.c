#include "engine/branch_row.h"

#include "base/jsonx.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Event and branch ids count up by one: a run would take 200 years at a million a second to get
 * there. Keeps sums from overflowing. */
#define ROW_ID_MAX (INT64_C(1) << 53)
/* The end of the year 9999, the last that a timestamp can name. A Wait until a time long past
 * may have one below 0. */
#define ROW_WALL_MS_MAX INT64_C(253402300799999)

static const char *const row_written_keys[WRITER_KINDS] = {"succeeded", "failures"};

/* --- writing --- */

static json_t *
execution_row_end(const struct execution_result *result)
{
	json_t *end = json_object();

	jsonx_put_string(end, "status", run_status_name(result->status));
	if (result->output != NULL)
		json_object_set(end, "output", result->output);
	jsonx_put_string(end, "error", result->error);
	jsonx_put_string(end, "cause", result->cause);
	return end;
}

/* Only the counters and the end: all else about a run is in its record, or in the
 * definition. */
void
execution_row_write(const struct execution *x, struct buf *out)
{
	json_t *object = json_object();

	json_object_set_new(object, "event", json_integer(x->event_id));
	json_object_set_new(object, "nextBranch", json_integer(x->next_branch_id));
	if (x->result.status != RUN_RUNNING && x->result.status != RUN_INTERRUPTED)
		json_object_set_new(object, "end", execution_row_end(&x->result));
	jsonx_write(object, out);
	json_decref(object);
}

/* Straight into the text: a branch's row is written for each step, and JSON values of its numbers
 * would cost more than the rest. No value ends with a brace that opens. */
static void
row_put_key(struct buf *out, const char *key)
{
	assert(out->len > 0);
	if (out->p[out->len - 1] != '{')
		buf_add_char(out, ',');
	buf_add_char(out, '"');
	buf_add_cstr(out, key);
	buf_add_cstr(out, "\":");
}

/* 0 is not written: most branches have no wake time and no retries, and reading takes an
 * absent number as 0. */
static void
row_put_number(struct buf *out, const char *key, int64_t value)
{
	if (value == 0)
		return;
	row_put_key(out, key);
	buf_add_int(out, value);
}

static void
row_put_value(struct buf *out, const char *key, const json_t *value)
{
	row_put_key(out, key);
	jsonx_write(value, out);
}

static void
row_put_retries(struct buf *out, const struct branch *branch)
{
	assert(branch->state->retry_count > 0);
	row_put_key(out, "retries");
	for (size_t i = 0; i < branch->state->retry_count; i++) {
		buf_add_char(out, i == 0 ? '[' : ',');
		buf_add_int(out, branch->retries[i]);
	}
	buf_add_char(out, ']');
}

static void
row_put_written(json_t *source, const struct children *children)
{
	const struct writer_place *place = &children->written;

	if (children->writer == NULL)
		return;
	for (enum writer_kind kind = 0; kind < WRITER_KINDS; kind++) {
		json_t *pair = json_array();

		json_array_append_new(pair, json_integer(place->file[kind]));
		json_array_append_new(pair, json_integer(place->bytes[kind]));
		json_object_set_new(source, row_written_keys[kind], pair);
	}
}

/* Where the items are taken up again. Together with the rows of the live children, in one commit:
 * what stands before is in these or has ended, and nothing of it is read again. */
static void
row_put_source(struct buf *out, const struct children *children)
{
	const struct items_place *place = &children->place;
	json_t *source = json_object();

	json_object_set_new(source, "offset", json_integer(place->offset));
	json_object_set_new(source, "taken", json_integer(place->taken));
	jsonx_put_string(source, "version", place->version);
	if (place->file > 0)
		json_object_set_new(source, "file", json_integer(place->file));
	if (place->after[0] != '\0')
		jsonx_put_string(source, "after", place->after);
	json_object_set_new(source, "children", json_integer(children->total));
	json_object_set_new(source, "ended", json_integer(children->ended));
	json_object_set_new(source, "failed", json_integer(children->failed));
	row_put_written(source, children);
	row_put_value(out, "source", source);
	json_decref(source);
}

/* What can be worked out again is not stored: the items of a Map come from its input, the
 * context from the run. */
void
branch_row_write(const struct branch *branch, struct buf *out)
{
	/* Variables that are the parent's very object are not stored twice: a Map over 1,000
	 * items may have 1,000 such children. */
	bool shares = branch->parent != NULL && branch->variables == branch->parent->variables;

	assert(branch->id > BRANCH_ROW_EXECUTION && branch->state != NULL && branch->input != NULL);
	buf_add_char(out, '{');
	row_put_number(out, "parent", branch->parent != NULL ? branch->parent->id : 0);
	row_put_number(out, "index", branch->index);
	row_put_key(out, "state");
	buf_add_int(out, branch->state->index);
	row_put_number(out, "phase", branch->phase);
	row_put_value(out, "input", branch->input);
	if (shares)
		row_put_value(out, "shares", json_true());
	else if (branch->variables != NULL)
		row_put_value(out, "variables", branch->variables);
	if (branch->retries != NULL)
		row_put_retries(out, branch);
	row_put_number(out, "retryCount", branch->retry_count);
	row_put_number(out, "entries", branch->entries);
	row_put_number(out, "entered", branch->entered_wall_ms);
	row_put_number(out, "event", branch->entered_event);
	row_put_number(out, "lastEvent", branch->last_event);
	row_put_number(out, "wake", branch->wake_wall_ms);
	row_put_number(out, "items", branch->item_count);
	row_put_number(out, "begun", branch->begun_wall_ms);
	if (branch->begin != NULL && branch->begin != branch->input)
		row_put_value(out, "begin", branch->begin);
	if (branch->children != NULL && branch->children->source != NULL)
		row_put_source(out, branch->children);
	buf_add_char(out, '}');
}

/* --- reading --- */

/* The usual cause is a definition that was edited after the checkpoint, so the message says
 * "does not fit" and names the row. */
int
branch_row_misfit(struct tmf_err *err, int64_t id, const char *format, ...)
{
	struct buf why = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&why, format, args);
	va_end(args);
	tmf_err_set(err, TMF_ERR_INVALID,
	    "the checkpoint does not fit the workflow: row %" PRId64 ": %s", id, buf_cstr(&why));
	buf_fini(&why);
	return -1;
}

/* Takes a whole number from min to max; 0 where it is absent. A row comes from a file that
 * others may have written, so every number is checked before it is used as an index or in a
 * sum. */
static int
row_number(int64_t id, const json_t *object, const char *key, int64_t min, int64_t max,
    int64_t *ret_value, struct tmf_err *err)
{
	const json_t *value = json_object_get(object, key);

	if (value != NULL && !json_is_integer(value))
		return branch_row_misfit(err, id, "\"%s\" is not a whole number", key);
	*ret_value = json_integer_value(value);
	if (value != NULL && (*ret_value < min || *ret_value > max))
		return branch_row_misfit(
		    err, id, "\"%s\" is out of range: %" PRId64, key, *ret_value);
	return 0;
}

/* A store that was edited by hand may hold anything in a row. */
static json_t *
row_object(int64_t id, struct str text, struct tmf_err *err)
{
	json_t *object = jsonx_parse(text, err);

	if (object == NULL) {
		tmf_err_prefix(err, "the checkpoint: row %" PRId64, id);
		return NULL;
	}
	if (json_is_object(object))
		return object;
	json_decref(object);
	branch_row_misfit(err, id, "not an object");
	return NULL;
}

/* An interrupted execution has no end: it goes on from its branches. */
static int
row_read_end(struct execution_row *row, struct tmf_err *err)
{
	static const enum run_status ends[] = {RUN_SUCCEEDED, RUN_FAILED, RUN_TIMED_OUT};
	const int64_t id = BRANCH_ROW_EXECUTION;
	const json_t *end = json_object_get(row->object, "end");
	const char *status = jsonx_get_string(end, "status");

	if (end == NULL)
		return 0;
	for (size_t i = 0; status != NULL && i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcmp(status, run_status_name(ends[i])) == 0)
			row->status = ends[i];
	if (row->status == RUN_RUNNING)
		return branch_row_misfit(err, id, "\"end\" has no status that ends a run");
	row->output = json_object_get(end, "output");
	if ((row->output != NULL) != (row->status == RUN_SUCCEEDED))
		return branch_row_misfit(err, id, "\"end\" has no output, or should not have one");
	row->error = jsonx_get_string(end, "error");
	row->cause = jsonx_get_string(end, "cause");
	return 0;
}

/* "nextBranch" may not be absent: an id given twice would overwrite a live branch. */
static int
row_read_execution(struct execution_row *row, struct tmf_err *err)
{
	const int64_t id = BRANCH_ROW_EXECUTION;

	if (row_number(id, row->object, "event", 0, ROW_ID_MAX, &row->event_id, err) < 0 ||
	    row_number(id, row->object, "nextBranch", 1, ROW_ID_MAX, &row->next_branch_id, err) < 0)
		return -1;
	if (row->next_branch_id == 0)
		return branch_row_misfit(err, id, "\"nextBranch\" is missing");
	return row_read_end(row, err);
}

int
execution_row_read(struct str text, struct execution_row *ret_row, struct tmf_err *err)
{
	struct execution_row row = {.object = row_object(BRANCH_ROW_EXECUTION, text, err)};

	if (row.object == NULL)
		return -1;
	if (row_read_execution(&row, err) < 0) {
		execution_row_fini(&row);
		return -1;
	}
	*ret_row = row;
	return 0;
}

/* As for a branch's row. */
void
execution_row_fini(struct execution_row *row)
{
	json_decref(row->object);
	*row = (struct execution_row){0};
}

/* A phase belongs to a type of state: with a definition that was changed, a Wait may have
 * become a Task under the same index. */
static bool
row_phase_fits(enum phase phase, const struct asl_state *state)
{
	switch (phase) {
	case PHASE_ENTERED:
		return true;
	case PHASE_WAITING:
		return state->type == ASL_WAIT;
	case PHASE_TASK:
		return state->type == ASL_TASK;
	case PHASE_BACKOFF:
		return state->retry_count > 0;
	case PHASE_CHILDREN:
		return state->type == ASL_MAP || state->type == ASL_PARALLEL;
	case PHASE_COUNT:
		break;
	}
	return false;
}

/* A parent has a lower id than its child, which rules out circles. */
static int
row_read_numbers(struct branch_row *row, struct tmf_err *err)
{
	const int64_t id = row->id;
	const json_t *object = row->object;

	if (row_number(id, object, "parent", 1, id - 1, &row->parent_id, err) < 0 ||
	    row_number(id, object, "index", 0, ROW_ID_MAX, &row->index, err) < 0 ||
	    row_number(id, object, "retryCount", 0, ROW_ID_MAX, &row->retry_count, err) < 0 ||
	    row_number(id, object, "entries", 0, ROW_ID_MAX, &row->entries, err) < 0 ||
	    row_number(id, object, "entered", 0, ROW_WALL_MS_MAX, &row->entered_wall_ms, err) < 0 ||
	    row_number(id, object, "event", 0, ROW_ID_MAX, &row->entered_event, err) < 0 ||
	    row_number(id, object, "lastEvent", 0, ROW_ID_MAX, &row->last_event, err) < 0)
		return -1;
	return row_number(
	    id, object, "wake", -ROW_WALL_MS_MAX, ROW_WALL_MS_MAX, &row->wake_wall_ms, err);
}

/* State and phase, and what of the row belongs to these. The index of the state is its
 * number in the compiled machine, so inserting a state into a definition changes it. The
 * counts of retries may not pass the limits that the definition gives now. */
static int
row_read_state(const struct asl_machine *machine, struct branch_row *row, struct tmf_err *err)
{
	const int64_t id = row->id;
	const int64_t index_max = (int64_t)asl_machine_state_count(machine) - 1;
	int64_t number = 0;
	json_t *count;
	size_t i;

	if (json_object_get(row->object, "state") == NULL)
		return branch_row_misfit(err, id, "\"state\" is missing");
	if (row_number(id, row->object, "state", 0, index_max, &number, err) < 0)
		return -1;
	row->state = asl_machine_state(machine, (unsigned)number);
	if (row_number(id, row->object, "phase", 0, PHASE_COUNT - 1, &number, err) < 0)
		return -1;
	row->phase = (enum phase)number;
	if (!row_phase_fits(row->phase, row->state))
		return branch_row_misfit(
		    err, id, "state '%s' has no phase %" PRId64, row->state->name, number);
	row->retries = json_object_get(row->object, "retries");
	if (row->retries == NULL)
		return 0;
	if (!json_is_array(row->retries) ||
	    json_array_size(row->retries) != row->state->retry_count)
		return branch_row_misfit(err, id,
		    "\"retries\" is not a list with a count for each of the %zu retriers of "
		    "state '%s'",
		    row->state->retry_count, row->state->name);
	json_array_foreach (row->retries, i, count)
		if (!json_is_integer(count) || json_integer_value(count) < 0 ||
		    json_integer_value(count) > row->state->retry[i].max_attempts)
			return branch_row_misfit(
			    err, id, "\"retries\" has a count that is out of range");
	return 0;
}

/* "shares" is either true or absent: anything else would leave open which variables the
 * child has. */
static int
row_read_data(struct branch_row *row, struct tmf_err *err)
{
	const json_t *shares = json_object_get(row->object, "shares");

	row->input = json_object_get(row->object, "input");
	row->variables = json_object_get(row->object, "variables");
	row->shares = json_is_true(shares);
	if (row->input == NULL)
		return branch_row_misfit(err, row->id, "\"input\" is missing");
	if (row->variables != NULL && !json_is_object(row->variables))
		return branch_row_misfit(err, row->id, "\"variables\" is not an object");
	if (shares != NULL && (!row->shares || row->variables != NULL || row->parent_id == 0))
		return branch_row_misfit(
		    err, row->id, "\"shares\" is not true, or there is nothing to share");
	return 0;
}

/* The length of the file is held to it when it is opened. */
static int
row_read_written(struct branch_row *row, const json_t *source, struct tmf_err *err)
{
	struct writer_place *place = &row->source.written;

	for (enum writer_kind kind = 0; kind < WRITER_KINDS; kind++) {
		const json_t *pair = json_object_get(source, row_written_keys[kind]);

		place->file[kind] = json_integer_value(json_array_get(pair, 0));
		place->bytes[kind] = json_integer_value(json_array_get(pair, 1));
		if (place->file[kind] < 0 || place->file[kind] >= ROW_ID_MAX ||
		    place->bytes[kind] < 0 || place->bytes[kind] >= ROW_ID_MAX)
			return branch_row_misfit(
			    err, row->id, "\"%s\" is out of range", row_written_keys[kind]);
	}
	return 0;
}

/* What only some kinds of sources have. */
static int
row_read_object_place(struct branch_row *row, const json_t *source, struct tmf_err *err)
{
	struct items_place *place = &row->source.place;
	const char *after = jsonx_get_string(source, "after");

	if (after != NULL && strlen(after) >= sizeof(place->after))
		return branch_row_misfit(err, row->id, "\"after\" is longer than a key");
	snprintf(place->after, sizeof(place->after), "%s", after != NULL ? after : "");
	return row_number(row->id, source, "file", 0, ROW_ID_MAX, &place->file, err);
}

/* More children than items, or more ends than children, would be waited for for ever. */
static int
row_read_source(struct branch_row *row, struct tmf_err *err)
{
	const json_t *object = json_object_get(row->object, "source");
	const char *version = jsonx_get_string(object, "version");
	struct streamed_row *source = &row->source;

	row->streams = object != NULL;
	row->begin = json_object_get(row->object, "begin");
	if (row_number(
		row->id, row->object, "begun", 0, ROW_WALL_MS_MAX, &row->begun_wall_ms, err) < 0)
		return -1;
	if (row_number(row->id, row->object, "items", 0, ROW_ID_MAX, &row->item_count, err) < 0)
		return -1;
	if (object == NULL)
		return 0;
	if (row->phase != PHASE_CHILDREN || row->state->type != ASL_MAP || version == NULL ||
	    strlen(version) >= sizeof(source->place.version))
		return branch_row_misfit(err, row->id, "\"source\" is not that of a Map");
	memcpy(source->place.version, version, strlen(version) + 1);
	if (row_read_object_place(row, object, err) < 0 ||
	    row_number(row->id, object, "offset", 0, ROW_ID_MAX, &source->place.offset, err) < 0 ||
	    row_number(row->id, object, "taken", 0, ROW_ID_MAX, &source->place.taken, err) < 0 ||
	    row_number(
		row->id, object, "children", 0, source->place.taken, &source->children, err) < 0 ||
	    row_number(row->id, object, "ended", 0, source->children, &source->ended, err) < 0)
		return -1;
	if (row_number(row->id, object, "failed", 0, source->place.taken, &source->failed, err) < 0)
		return -1;
	return row_read_written(row, object, err);
}

int
branch_row_read(const struct asl_machine *machine, int64_t id, struct str text,
    struct branch_row *ret_row, struct tmf_err *err)
{
	struct branch_row row = {.id = id};

	if (id <= BRANCH_ROW_EXECUTION || id >= ROW_ID_MAX)
		return branch_row_misfit(err, id, "not the number of a branch");
	row.object = row_object(id, text, err);
	if (row.object == NULL)
		return -1;
	if (row_read_numbers(&row, err) < 0 || row_read_state(machine, &row, err) < 0 ||
	    row_read_data(&row, err) < 0 || row_read_source(&row, err) < 0) {
		branch_row_fini(&row);
		return -1;
	}
	*ret_row = row;
	return 0;
}

/* The values in the row are borrowed from the object, so it is kept as long as they are. */
void
branch_row_fini(struct branch_row *row)
{
	json_decref(row->object);
	*row = (struct branch_row){0};
}
