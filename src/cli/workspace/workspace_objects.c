#include "aws/services/s3.h"
#include "base/mem.h"
#include "cli/workspace/workspace_internal.h"

#include <assert.h>
#include <stdlib.h>

/* Objects of S3 for the engine, by a client that is made when the first one is wanted. */
struct workspace_objects {
	struct objects objects; /* first: the interface leads back here */
	struct workspace *workspace;
	struct aws_client *s3; /* NULL: not made yet */
};

/*
 * Made late, so that a run whose bucket turns out to be a folder needs neither region nor keys.
 * NULL with *err where the settings make no client.
 */
static struct aws_client *
objects_client(struct objects *objects, struct tmf_err *err)
{
	struct workspace_objects *of = (struct workspace_objects *)objects;
	struct workspace *workspace = of->workspace;

	if (of->s3 != NULL)
		return of->s3;
	if (workspace->settings.region == NULL)
		tmf_err_set(err, TMF_ERR_CONFIG,
		    "a region is missing: --region, AWS_REGION or the profile's");
	else if (workspace->own.credentials == NULL)
		tmf_err_set(err, TMF_ERR_CONFIG, "this command does not ask S3");
	else
		of->s3 = workspace_client(workspace, "s3", NULL, err);
	return of->s3;
}

static struct tmf_call *
objects_get(struct objects *objects, const struct objects_range *range)
{
	struct workspace_objects *of = (struct workspace_objects *)objects;
	struct tmf_err err = {0};
	struct aws_client *s3 = objects_client(objects, &err);

	if (s3 == NULL)
		return tmf_call_of_err(of->workspace->loop, &err);
	return s3_get_object(s3, &(struct s3_range){.bucket = range->bucket,
				     .key = range->key,
				     .version_id = range->version_id,
				     .etag = range->etag,
				     .offset = range->offset,
				     .bytes = range->bytes});
}

static struct tmf_call *
objects_list(struct objects *objects, const char *bucket, const char *prefix, const char *after)
{
	struct workspace_objects *of = (struct workspace_objects *)objects;
	struct tmf_err err = {0};
	struct aws_client *s3 = objects_client(objects, &err);

	if (s3 == NULL)
		return tmf_call_of_err(of->workspace->loop, &err);
	return s3_list_objects(s3, bucket, prefix, after);
}

/* A dry run changes nothing. */
static struct tmf_call *
objects_put(struct objects *objects, const char *bucket, const char *key, const char *content_type,
    struct buf *body)
{
	struct workspace_objects *of = (struct workspace_objects *)objects;
	struct tmf_err err = {0};
	struct aws_client *s3;

	if (of->workspace->opts->dry_run) {
		buf_fini(body);
		return tmf_call_of_result(of->workspace->loop, json_object());
	}
	s3 = objects_client(objects, &err);
	if (s3 != NULL)
		return s3_put_object(s3, bucket, key, content_type, body);
	buf_fini(body);
	return tmf_call_of_err(of->workspace->loop, &err);
}

struct objects *
workspace_objects(struct workspace *workspace)
{
	struct workspace_objects *of = workspace->objects;

	if (of == NULL) {
		of = mem_zalloc(1, sizeof(*of));
		of->objects = (struct objects){objects_get, objects_list, objects_put};
		of->workspace = workspace;
		workspace->objects = of;
	}
	return &of->objects;
}

void
workspace_free_objects(struct workspace *workspace)
{
	if (workspace->objects == NULL)
		return;
	aws_client_free(workspace->objects->s3);
	free(workspace->objects);
	workspace->objects = NULL;
}
