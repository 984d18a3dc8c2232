#include "web/metrics/emf.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EMF_NAME_BYTES 128 /* of a metric: all are this program's own */

/* A text of ours while it is read. The last # TYPE and # UNIT are those of the samples below. */
struct emf_reading {
	struct emf *emf;
	const struct emf_context *context;
	/* {labels: {"labels": {}, "metrics": [{"Name", "Unit"}], "values": {}}} */
	json_t *documents;
	char type[EMF_NAME_BYTES];
	char unit[EMF_NAME_BYTES];
	int64_t below; /* of a histogram: what came in the steps before, since the last time */
};

/* --- a sample --- */

struct emf_sample {
	char name[EMF_NAME_BYTES];
	json_t *labels; /* without "le" */
	char *le;	/* of a histogram's step; NULL: none */
	double value;
};

/* Reads a value in quotes, with the three escapes of the format. Returns what is behind it. */
static const char *
emf_read_quoted(const char *at, struct buf *out)
{
	buf_reset(out);
	for (; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0') {
			at++;
			buf_add_char(out, *at == 'n' ? '\n' : *at);
		} else {
			buf_add_char(out, *at);
		}
	}
	return *at == '"' ? at + 1 : at;
}

/* CloudWatch takes printable ASCII in a dimension, and not too much of it. */
static void
emf_clean(struct buf *value)
{
	for (size_t i = 0; i < value->len; i++)
		if (value->p[i] < ' ' || value->p[i] > '~')
			value->p[i] = '?';
	if (value->len > EMF_VALUE_CHARS) {
		value->len = EMF_VALUE_CHARS;
		value->p[value->len] = '\0';
	}
}

/* Reads `name="value",...}`. Returns what is behind the brace. */
static const char *
emf_read_labels(const char *at, struct emf_sample *sample)
{
	struct buf value = {0};

	while (*at != '\0' && *at != '}') {
		size_t len = strcspn(at, "=");
		char name[EMF_NAME_BYTES];

		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		at += len;
		if (strncmp(at, "=\"", 2) != 0)
			break;
		at = emf_read_quoted(at + 2, &value);
		if (strcmp(name, "le") == 0) {
			free(sample->le);
			sample->le = buf_take(&value);
		} else if (strspn(buf_cstr(&value), " ") < value.len &&
			   json_object_size(sample->labels) < EMF_DIMENSIONS_MAX) {
			emf_clean(&value);
			jsonx_put_string(sample->labels, name, buf_cstr(&value));
		}
		at += strspn(at, ",");
	}
	buf_fini(&value);
	return *at == '}' ? at + 1 : at;
}

/* All is of this program's making: what is not as it should be is a fault of it. */
static void
emf_read_sample(const char *line, struct emf_sample *sample)
{
	size_t len = strcspn(line, "{ ");

	assert(len > 0 && len < sizeof(sample->name));
	*sample = (struct emf_sample){.labels = json_object()};
	memcpy(sample->name, line, len);
	line += len;
	if (*line == '{')
		line = emf_read_labels(line + 1, sample);
	sample->value = strtod(line, NULL);
}

/* The name is in place, and the value a number: two things are owned. */
static void
emf_sample_fini(struct emf_sample *sample)
{
	json_decref(sample->labels);
	free(sample->le);
}

/* --- documents --- */

/* The document of a set of labels, which is made where it is missing. Borrowed. */
static json_t *
emf_document(struct emf_reading *reading, const json_t *labels)
{
	char *key = jsonx_text(labels);
	json_t *document = json_object_get(reading->documents, key);

	if (document == NULL) {
		document =
		    json_pack("{s:O, s:[], s:{}}", "labels", (json_t *)labels, "metrics", "values");
		json_object_set_new(reading->documents, key, document);
	}
	free(key);
	return document;
}

/* CloudWatch's words for units, by how Prometheus' names end. */
static const char *
emf_unit(const struct emf_reading *reading, const char *name)
{
	const char *ending = strrchr(name, '_');

	if (strcmp(reading->unit, "seconds") == 0)
		return "Seconds";
	return ending != NULL && (strcmp(ending, "_ratio") == 0 || strcmp(ending, "_second") == 0)
		   ? "None"
		   : "Count";
}

/* Takes value, a number or an array. */
static void
emf_put(struct emf_reading *reading, const struct emf_sample *sample, const char *name,
    const char *unit, json_t *value)
{
	json_t *document = emf_document(reading, sample->labels);
	json_t *metrics = json_object_get(document, "metrics");
	json_t *values = json_object_get(document, "values");

	assert(json_array_size(metrics) < EMF_METRICS_MAX);
	if (json_object_get(values, name) == NULL)
		json_array_append_new(metrics, json_pack("{s:s, s:s}", "Name", name, "Unit", unit));
	json_object_set_new(values, name, value);
}

/* What was added to a sample since the time before. A process counts from 0. */
static int64_t
emf_difference(struct emf *emf, const char *line, size_t key_len, double value)
{
	char *key = mem_strndup(line, key_len);
	int64_t before;

	if (emf->before == NULL)
		emf->before = json_object();
	before = json_integer_value(json_object_get(emf->before, key));
	json_object_set_new(emf->before, key, json_integer((json_int_t)value));
	free(key);
	return (int64_t)value - before;
}

/*
 * A step of a histogram: that number of values more, each as long as its upper bound, or, without
 * one, as the longest step. A document takes a hundred of them. Of more each step keeps its share,
 * so that percentiles stay right; the number of all is in NAME_count.
 */
static void
emf_put_step(struct emf_reading *reading, const struct emf_sample *sample, int64_t added)
{
	char name[EMF_NAME_BYTES];
	json_t *document = emf_document(reading, sample->labels);
	json_t *steps;

	snprintf(name, sizeof(name), "%.*s", (int)(strlen(sample->name) - strlen("_bucket")),
	    sample->name);
	steps = json_object_get(json_object_get(document, "steps"), name);
	if (steps == NULL) {
		if (json_object_get(document, "steps") == NULL)
			json_object_set_new(document, "steps", json_object());
		steps = json_array();
		json_object_set_new(json_object_get(document, "steps"), name, steps);
	}
	if (strcmp(sample->le, "+Inf") == 0)
		json_array_append_new(steps,
		    json_pack("[f, I]",
			json_number_value(
			    json_array_get(json_array_get(steps, json_array_size(steps) - 1), 0)),
			(json_int_t)added));
	else
		json_array_append_new(
		    steps, json_pack("[f, I]", strtod(sample->le, NULL), (json_int_t)added));
}

/* The hundred values of a histogram at most. Rounding down for each step alone would lose up to a
 * value a step; down for the sum so far loses none. New reference. */
static json_t *
emf_values_of_steps(const json_t *steps)
{
	json_t *values = json_array();
	int64_t all = 0, seen = 0, put = 0;
	json_t *step;
	size_t i;

	json_array_foreach ((json_t *)steps, i, step)
		all += json_integer_value(json_array_get(step, 1));
	json_array_foreach ((json_t *)steps, i, step) {
		seen += json_integer_value(json_array_get(step, 1));
		/* Of the first n of all values as many are put as their share of the hundred. */
		for (; put < (all <= EMF_VALUES_MAX ? seen : seen * EMF_VALUES_MAX / all); put++)
			json_array_append(values, json_array_get(step, 0));
	}
	assert(json_array_size(values) <= EMF_VALUES_MAX);
	return values;
}

/* What a sample is goes by its ending, as the format names them. */
static bool
emf_ends_in(const char *name, const char *ending)
{
	size_t len = strlen(name), end = strlen(ending);

	return len > end && strcmp(name + len - end, ending) == 0;
}

/* CloudWatch has no metric for a time of day, nor for the sum beside all values. */
static void
emf_add_sample(struct emf_reading *reading, const char *line)
{
	size_t key_len = (size_t)(strrchr(line, ' ') - line);
	struct emf_sample sample;
	int64_t added;

	emf_read_sample(line, &sample);
	if (strcmp(reading->type, "gauge") == 0) {
		if (!emf_ends_in(sample.name, "_timestamp_seconds"))
			emf_put(reading, &sample, sample.name, emf_unit(reading, sample.name),
			    json_real(sample.value));
	} else if (!emf_ends_in(sample.name, "_sum")) {
		added = emf_difference(reading->emf, line, key_len, sample.value);
		if (emf_ends_in(sample.name, "_bucket")) {
			emf_put_step(reading, &sample, added - reading->below);
			reading->below = strcmp(sample.le, "+Inf") == 0 ? 0 : added;
		} else if (added > 0) {
			emf_put(reading, &sample, sample.name, "Count", json_integer(added));
		}
	}
	emf_sample_fini(&sample);
}

/* HELP is for people, and # EOF says nothing here: the text is in memory, and whole. */
static void
emf_add_line(struct emf_reading *reading, const char *line)
{
	const char *value = strrchr(line, ' ');

	if (strncmp(line, "# TYPE ", 7) == 0) {
		snprintf(reading->type, sizeof(reading->type), "%s", value + 1);
		reading->unit[0] = '\0';
		reading->below = 0;
	} else if (strncmp(line, "# UNIT ", 7) == 0) {
		snprintf(reading->unit, sizeof(reading->unit), "%s", value + 1);
	} else if (line[0] != '#' && value != NULL) {
		emf_add_sample(reading, line);
	}
}

/* One document as CloudWatch wants it. */
static void
emf_write_document(const struct emf_context *context, json_t *document, struct buf *out)
{
	json_t *labels = json_object_get(document, "labels");
	json_t *names = json_array();
	json_t *line;
	const char *name;
	json_t *label;

	json_object_foreach (labels, name, label)
		json_array_append_new(names, json_string(name));
	line = json_pack("{s:{s:I, s:[{s:s, s:[o], s:O}]}}", "_aws", "Timestamp",
	    (json_int_t)context->wall_ms, "CloudWatchMetrics", "Namespace", EMF_NAMESPACE,
	    "Dimensions", names, "Metrics", json_object_get(document, "metrics"));
	assert(line != NULL);
	jsonx_put_string(line, "version", TMFLOW_VERSION);
	jsonx_put_string(line, "process", context->command);
	jsonx_put_string(line, "run", context->run_id);
	json_object_update(line, labels);
	json_object_update(line, json_object_get(document, "values"));
	jsonx_write(line, out);
	buf_add_char(out, '\n');
	json_decref(line);
}

/* A histogram to which nothing was added has no values. */
static void
emf_close_document(struct emf_reading *reading, json_t *document)
{
	const struct emf_sample sample = {.labels = json_object_get(document, "labels")};
	const char *name;
	json_t *steps;

	json_object_foreach (json_object_get(document, "steps"), name, steps) {
		json_t *values = emf_values_of_steps(steps);

		if (json_array_size(values) > 0)
			emf_put(reading, &sample, name, "Seconds", values);
		else
			json_decref(values);
	}
}

void
emf_write(struct emf *emf, const char *metrics, const struct emf_context *context, struct buf *out)
{
	struct emf_reading reading = {.emf = emf, .context = context, .documents = json_object()};
	struct buf line = {0};
	const char *labels;
	json_t *document;

	while (*metrics != '\0') {
		size_t len = strcspn(metrics, "\n");

		buf_reset(&line);
		buf_add(&line, metrics, len);
		if (len > 0)
			emf_add_line(&reading, buf_cstr(&line));
		metrics += len + (metrics[len] == '\n' ? 1 : 0);
	}
	json_object_foreach (reading.documents, labels, document) {
		emf_close_document(&reading, document);
		if (json_array_size(json_object_get(document, "metrics")) > 0)
			emf_write_document(context, document, out);
	}
	json_decref(reading.documents);
	buf_fini(&line);
}

void
emf_fini(struct emf *emf)
{
	json_decref(emf->before);
	emf->before = NULL;
}

/* In one block: a line of the log stands before or behind them. */
void
emf_log(struct emf *emf, const char *metrics, const char *command, const char *run_id)
{
	const struct emf_context context = {
	    .command = command,
	    .run_id = run_id,
	    .wall_ms = clock_system()->wall_ms(clock_system()),
	};
	struct buf lines = {0};

	if (!log_is_emf())
		return;
	emf_write(emf, metrics, &context, &lines);
	if (lines.len > 0)
		log_block(buf_cstr(&lines));
	buf_fini(&lines);
}
