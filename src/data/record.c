#include "data/record.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ARN "arn:aws:states:%s:000000000000:"

/* Derived from its parts and not random: after a crash a child has the name that it had, and the
 * run of a Map its folder. */
void
record_id(const char *run_id, int64_t branch, int64_t number, char out[RECORD_ID_BYTES])
{
	char *whole = mem_printf("%s/%" PRId64 "/%" PRId64, run_id, branch, number);
	char hex[DIGEST_SHA256_HEX_BYTES];

	digest_sha256_hex(str_of(whole), hex);
	snprintf(out, RECORD_ID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
	    hex + 16, hex + 20);
	free(whole);
}

/* The account is twelve zeros: the files are local, but what reads a manifest expects an ARN. */
char *
record_map_arn(const struct record_map *map)
{
	return mem_printf(ARN "mapRun:%s/%s:%s", map->region, map->machine, map->label, map->id);
}

static void
record_put_own(json_t *record, const char *key, char *text)
{
	jsonx_put_string(record, key, text);
	free(text);
}

/* As on AWS a text with JSON in it. */
static void
record_put_data(json_t *record, const char *key, const char *details_key, const json_t *data)
{
	json_t *details = json_object();

	record_put_own(record, key, jsonx_text(data));
	json_object_set_new(details, "Included", json_true());
	json_object_set_new(record, details_key, details);
}

static void
record_put_time(json_t *record, const char *key, int64_t wall_ms)
{
	char text[CLOCK_ISO_BYTES];

	clock_iso(wall_ms, text);
	jsonx_put_string(record, key, text);
}

/* A child that neither succeeded nor failed was stopped with its Map. */
static const char *
record_status(const struct record_child *child)
{
	if (child->output != NULL)
		return "SUCCEEDED";
	return child->err != NULL ? "FAILED" : "ABORTED";
}

/* Laid out as in the files of AWS's ResultWriter, so that what reads those reads these. */
json_t *
record_of(const struct record_map *map, const struct record_child *child)
{
	json_t *record = json_object();
	char name[RECORD_ID_BYTES];

	assert(child->input != NULL && (child->output == NULL || child->err == NULL));
	record_id(map->id, child->index, 0, name);
	record_put_own(record, "ExecutionArn",
	    mem_printf(ARN "execution:%s/%s:%s", map->region, map->machine, map->label, name));
	if (child->err != NULL) {
		jsonx_put_string(record, "Cause", child->err->text);
		jsonx_put_string(record, "Error", child->err->name);
	}
	record_put_data(record, "Input", "InputDetails", child->input);
	jsonx_put_string(record, "Name", name);
	if (child->output != NULL)
		record_put_data(record, "Output", "OutputDetails", child->output);
	record_put_time(record, "StartDate", child->start_wall_ms);
	record_put_own(record, "StateMachineArn",
	    mem_printf(ARN "stateMachine:%s/%s", map->region, map->machine, map->label));
	jsonx_put_string(record, "Status", record_status(child));
	record_put_time(record, "StopDate", child->stop_wall_ms);
	return record;
}
