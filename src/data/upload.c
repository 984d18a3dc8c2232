#include "data/upload.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

struct upload {
	struct objects *objects;
	struct objects_waiter waiter;
	const char *error;
	char *bucket;
	struct tmf_call *call; /* NULL: none is on its way */
	char *name;	       /* of the object that is, or was last */
	struct tmf_err fault;
};

/* The bucket's name is copied: the definition's may be worked out, and freed before the Map
 * ends. */
struct upload *
upload_new(const struct upload_opts *opts)
{
	struct upload *upload = mem_zalloc(1, sizeof(*upload));

	assert(opts->objects != NULL && opts->waiter.wake != NULL);
	upload->objects = opts->objects;
	upload->waiter = opts->waiter;
	upload->error = opts->error;
	upload->bucket = mem_strdup(opts->bucket);
	return upload;
}

void
upload_stop(struct upload *upload)
{
	if (upload == NULL)
		return;
	tmf_call_cancel(upload->call);
	upload->call = NULL;
}

void
upload_free(struct upload *upload)
{
	if (upload == NULL)
		return;
	upload_stop(upload);
	tmf_err_fini(&upload->fault);
	free(upload->bucket);
	free(upload->name);
	free(upload);
}

/* S3 has an object whole or not at all, so that a fault leaves nothing half done. */
static void
upload_done(void *arg, struct tmf_call *call)
{
	struct upload *upload = arg;
	json_t *reply = tmf_call_take_result(call);

	assert(upload->call == call);
	upload->call = NULL;
	if (reply == NULL)
		tmf_err_set_name(&upload->fault, TMF_ERR_ASL, upload->error, "%s: %s: %s",
		    upload->name, call->err.name, tmf_err_text(&call->err));
	json_decref(reply);
	upload->waiter.wake(upload->waiter.arg);
}

void
upload_put(struct upload *upload, const char *key, const char *content_type, struct buf *body)
{
	assert(upload->call == NULL && !tmf_err_isset(&upload->fault));
	free(upload->name);
	upload->name = mem_printf("s3://%s/%s", upload->bucket, key);
	upload->call =
	    upload->objects->put(upload->objects, upload->bucket, key, content_type, body);
	tmf_call_on_done(upload->call, upload_done, upload);
}

/* The fault is handed out once, so that who asks again does not fail twice. */
enum upload_turn
upload_turn(struct upload *upload, struct tmf_err *err)
{
	if (upload->call != NULL)
		return UPLOAD_WAIT;
	if (!tmf_err_isset(&upload->fault))
		return UPLOAD_IDLE;
	tmf_err_move(err, &upload->fault);
	return UPLOAD_FAILED;
}
