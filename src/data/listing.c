#include "data/listing.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "base/timestamp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	struct objects *objects;
	struct objects_waiter waiter;
	const char *error;
	char *bucket;
	char *prefix; /* NULL: all */
	char *name;
	char *after; /* the last key of the page */
	struct tmf_call *call;
	json_t *page; /* NULL: none has come yet */
	size_t taken; /* of the page */
	struct tmf_err fault;
};

/* By the last key and not by S3's token: the place in a checkpoint outlives both. */
struct listing *
listing_open(const struct listing_opts *opts)
{
	struct listing *listing = mem_zalloc(1, sizeof(*listing));

	assert(opts->objects != NULL && opts->waiter.wake != NULL);
	listing->objects = opts->objects;
	listing->waiter = opts->waiter;
	listing->error = opts->error;
	listing->bucket = mem_strdup(opts->bucket);
	listing->prefix = mem_strdup(opts->prefix);
	listing->name =
	    mem_printf("s3://%s/%s", opts->bucket, opts->prefix != NULL ? opts->prefix : "");
	listing->after = mem_strdup(opts->after);
	return listing;
}

void
listing_free(struct listing *listing)
{
	if (listing == NULL)
		return;
	tmf_call_cancel(listing->call);
	json_decref(listing->page);
	tmf_err_fini(&listing->fault);
	free(listing->bucket);
	free(listing->prefix);
	free(listing->name);
	free(listing->after);
	free(listing);
}

const char *
listing_name(const struct listing *listing)
{
	return listing->name;
}

/* The next page begins behind the last key of this one. A truncated page without a key has no next
 * one; what is not in the order of the keys would be read for ever. */
static int
listing_check(struct listing *listing)
{
	const json_t *contents = jsonx_get_array(listing->page, "Contents");
	const json_t *object;
	size_t i;

	json_array_foreach (contents, i, object) {
		const char *key = jsonx_get_string(object, "Key");

		if (key == NULL || strlen(key) > LISTING_KEY_BYTES_MAX ||
		    strcmp(key, listing->after) <= 0)
			return tmf_err_set_name(&listing->fault, TMF_ERR_ASL, listing->error,
			    "%s: a page of the list is not in the order of its keys",
			    listing->name);
		free(listing->after);
		listing->after = mem_strdup(key);
	}
	if (json_array_size(contents) == 0)
		json_object_set_new(listing->page, "IsTruncated", json_false());
	return 0;
}

/* A page stays until its last item was taken. */
static void
listing_came(void *arg, struct tmf_call *call)
{
	struct listing *listing = arg;

	assert(listing->call == call && listing->page == NULL);
	listing->call = NULL;
	listing->page = tmf_call_take_result(call);
	listing->taken = 0;
	if (listing->page == NULL)
		tmf_err_set_name(&listing->fault, TMF_ERR_ASL, listing->error, "%s: %s: %s",
		    listing->name, call->err.name, tmf_err_text(&call->err));
	else
		listing_check(listing);
	listing->waiter.wake(listing->waiter.arg);
}

/* AWS gives the time as a number, where S3 has a text. */
static json_t *
listing_item(const json_t *object)
{
	json_t *item = json_copy((json_t *)(uintptr_t)object);
	const char *text = jsonx_get_string(object, "LastModified");
	struct timestamp modified;

	if (text != NULL && timestamp_parse(str_of(text), &modified))
		json_object_set_new(item, "LastModified", json_integer(modified.seconds));
	return item;
}

/* An object that is written while the list is read is in it where its key comes later. AWS takes a
 * list as it is while it reads, too. */
enum object_next
listing_next(struct listing *listing, json_t **ret_item, struct tmf_err *err)
{
	const json_t *object;

	if (tmf_err_isset(&listing->fault)) {
		tmf_err_copy(err, &listing->fault);
		return OBJECT_FAILED;
	}
	object = json_array_get(jsonx_get_array(listing->page, "Contents"), listing->taken);
	if (object != NULL) {
		listing->taken++;
		*ret_item = listing_item(object);
		return OBJECT_PIECE;
	}
	if (listing->page != NULL && !json_is_true(json_object_get(listing->page, "IsTruncated")))
		return OBJECT_OVER;
	json_decref(listing->page);
	listing->page = NULL;
	if (listing->call == NULL) {
		listing->call = listing->objects->list(
		    listing->objects, listing->bucket, listing->prefix, listing->after);
		tmf_call_on_done(listing->call, listing_came, listing);
	}
	return OBJECT_WAIT;
}
