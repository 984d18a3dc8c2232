#include "sim_internal.h"

#include "base/digest.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* S3, as the engine sees it: objects that outlive the processes. A request that leaves has its
 * effect, also where nobody lives to hear of it. */

#define LATENCY_MS_MAX	40
#define RANGE_BYTES_MAX 200 /* of an answer, so that a short file has rows across two of them */

struct object_call {
	struct tmf_call call; /* first */
	struct tmf_timer timer;
	struct sim_process *process;
	json_t *reply; /* NULL: fault */
	struct tmf_err fault;
};

static void
object_call_cancel(struct tmf_call *call)
{
	struct object_call *of = (struct object_call *)call;

	tmf_loop_timer_disarm(of->process->sim->loop, &of->timer);
}

static void
object_call_free(struct tmf_call *call)
{
	struct object_call *of = (struct object_call *)call;

	json_decref(of->reply);
	tmf_err_fini(&of->fault);
	free(of);
}

static const struct tmf_call_ops object_call_ops = {object_call_cancel, object_call_free};

static void
object_call_answered(struct tmf_timer *timer)
{
	struct object_call *of =
	    (struct object_call *)((char *)timer - offsetof(struct object_call, timer));

	if (sim_point(of->process))
		return; /* cancelled when its process is taken away */
	if (of->reply != NULL)
		tmf_call_complete(&of->call, json_incref(of->reply));
	else
		tmf_call_complete_err(&of->call, &of->fault);
}

static struct object_call *
object_call_new(struct objects *objects)
{
	struct sim_process *process =
	    (struct sim_process *)((char *)objects - offsetof(struct sim_process, objects));
	struct object_call *of = mem_zalloc(1, sizeof(*of));

	of->process = process;
	of->timer.fire = object_call_answered;
	tmf_call_init(&of->call, &object_call_ops, process->sim->loop);
	return of;
}

static struct tmf_call *
object_call_begin(struct object_call *of)
{
	struct sim *sim = of->process->sim;
	int64_t latency_ms = 1 + (int64_t)(rng_unit(&sim->rng) * LATENCY_MS_MAX);

	if (!of->process->dead)
		tmf_loop_timer_arm(sim->loop, &of->timer, sim->clock.now_mono_ms + latency_ms);
	return &of->call;
}

static void
object_get(struct object_call *of, const struct objects_range *range)
{
	char *name = mem_printf("%s/%s", range->bucket, range->key);
	const json_t *object = json_object_get(of->process->sim->objects, name);
	const char *text = json_string_value(object);
	int64_t size = (int64_t)json_string_length(object);
	int64_t bytes = range->bytes < RANGE_BYTES_MAX ? range->bytes : RANGE_BYTES_MAX;
	char etag[DIGEST_SHA256_HEX_BYTES];

	free(name);
	if (text == NULL || range->offset >= size) {
		tmf_err_set_name(&of->fault, TMF_ERR_SERVICE,
		    text == NULL ? "NoSuchKey" : "InvalidRange", "there is none");
		return;
	}
	if (bytes > size - range->offset)
		bytes = size - range->offset;
	digest_sha256_hex(str_of(text), etag);
	of->reply = json_object();
	json_object_set_new(of->reply, "ETag", json_sprintf("%.16s", etag));
	json_object_set_new(of->reply, "ContentRange",
	    json_sprintf("bytes %" PRId64 "-%" PRId64 "/%" PRId64, range->offset,
		range->offset + bytes - 1, size));
	json_object_set_new(of->reply, "Body", json_stringn(text + range->offset, (size_t)bytes));
}

static struct tmf_call *
objects_get(struct objects *objects, const struct objects_range *range)
{
	struct object_call *of = object_call_new(objects);

	if (!sim_point(of->process))
		object_get(of, range);
	return object_call_begin(of);
}

static struct tmf_call *
objects_put(struct objects *objects, const char *bucket, const char *key, const char *content_type,
    struct buf *body)
{
	struct object_call *of = object_call_new(objects);

	(void)content_type;
	if (!sim_point(of->process)) {
		char *name = mem_printf("%s/%s", bucket, key);

		json_object_set_new(
		    of->process->sim->objects, name, json_stringn(buf_cstr(body), body->len));
		free(name);
		of->reply = json_object();
	}
	buf_fini(body);
	return object_call_begin(of);
}

void
sim_objects_init(struct objects *objects)
{
	*objects = (struct objects){.get = objects_get, .put = objects_put};
}
