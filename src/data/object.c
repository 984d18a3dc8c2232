#include "data/object.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PIECE_BYTES    (64u << 10) /* of the text, at most: a processor's cache holds it */
#define GZIP_MAGIC     "\x1f\x8b"
#define GZIP_WINDOW    (MAX_WBITS + 16) /* zlib: a header of gzip is expected */
#define SIZE_UNKNOWN   (-1)
#define STATUS_CHANGED "PreconditionFailed"
#define STATUS_BEHIND  "InvalidRange"

struct object {
	struct objects *objects;
	struct objects_waiter waiter;
	const char *error;
	char *bucket;
	char *key;
	char *version_id;
	char *name;
	char etag[OBJECT_ETAG_BYTES_MAX + 1];
	bool unpacks;

	struct tmf_call *call; /* a range that is waited for */
	int64_t at;	       /* bytes of the object that came, or were passed over */
	int64_t size;
	json_t *reply; /* the last range; its Body from taken on is still to be read */
	size_t taken;
	struct tmf_err fault;

	int64_t skipping; /* bytes of the text that nobody wants again */
	bool known;	  /* whether it is packed: the first range says it */
	bool packed;
	bool inflating; /* stream is open */
	bool ended;	/* the stream has come to its end */
	bool full;	/* the last piece was: zlib may have more without any input */
	z_stream stream;
	char unpacked[PIECE_BYTES];
};

/* The first range is asked for by the first look, so that a Map without a free place asks for
 * nothing. */
struct object *
object_open(const struct object_opts *opts)
{
	struct object *object = mem_zalloc(1, sizeof(*object));

	assert(opts->objects != NULL && opts->waiter.wake != NULL);
	object->objects = opts->objects;
	object->waiter = opts->waiter;
	object->error = opts->error;
	object->bucket = mem_strdup(opts->bucket);
	object->key = mem_strdup(opts->key);
	object->version_id = mem_strdup(opts->version_id);
	object->name = mem_printf("s3://%s/%s", opts->bucket, opts->key);
	object->unpacks = opts->unpacks;
	object->size = SIZE_UNKNOWN;
	if (opts->etag != NULL)
		snprintf(object->etag, sizeof(object->etag), "%s", opts->etag);
	return object;
}

/* What came so far is forgotten. */
static void
object_rewind(struct object *object)
{
	tmf_call_cancel(object->call);
	object->call = NULL;
	json_decref(object->reply);
	object->reply = NULL;
	object->taken = 0;
	if (object->inflating)
		inflateEnd(&object->stream);
	object->inflating = object->ended = object->full = false;
	object->at = 0;
	object->skipping = 0;
}

void
object_free(struct object *object)
{
	if (object == NULL)
		return;
	object_rewind(object);
	tmf_err_fini(&object->fault);
	free(object->bucket);
	free(object->key);
	free(object->version_id);
	free(object->name);
	free(object);
}

/* Of one that may be packed the first bytes are needed, too. */
void
object_seek(struct object *object, int64_t offset)
{
	assert(offset >= 0);
	object_rewind(object);
	if (object->packed || (!object->known && object->unpacks))
		object->skipping = offset;
	else
		object->at = offset;
}

const char *
object_etag(const struct object *object)
{
	return object->etag;
}

const char *
object_name(const struct object *object)
{
	return object->name;
}

/* Kept, not reported: what fails comes from the loop, and the reader looks later. */
static void
object_fail(struct object *object, const char *why)
{
	tmf_err_set_name(&object->fault, TMF_ERR_ASL, object->error, "%s: %s", object->name, why);
}

/* --- a range --- */

/* A number, and behind it the sign that ends it. Returns: behind that; NULL where it is not so. */
static const char *
object_range_number(const char *text, char end, int64_t *ret_number)
{
	char *behind;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return NULL;
	*ret_number = strtoll(text, &behind, 10); /* one out of range fits no bytes either */
	return *behind == end ? behind + (end != '\0') : NULL;
}

/* "bytes 0-9/1234": where the body begins, and how long the whole is. Without it the body is all of
 * the object: a server may do without ranges. One that sends others than were asked for would give
 * rows that nobody wrote. */
static int
object_note_range(struct object *object)
{
	const char *range = jsonx_get_string(object->reply, "ContentRange");
	int64_t bytes = (int64_t)json_string_length(json_object_get(object->reply, "Body"));
	int64_t from = 0;
	int64_t to = bytes - 1;
	int64_t size = bytes;

	if (range != NULL) {
		range = strncmp(range, "bytes ", 6) == 0 ? range + 6 : NULL;
		range = object_range_number(range, '-', &from);
		range = object_range_number(range, '/', &to);
		range = object_range_number(range, '\0', &size);
		if (range == NULL || to - from + 1 != bytes || size <= to) {
			object_fail(object, "the range of the reply is not that of its bytes");
			return -1;
		}
	}
	if (from != object->at) {
		object_fail(object, "the reply is another range than was asked for");
		return -1;
	}
	object->at += bytes;
	object->size = size;
	return 0;
}

/* The request has the ETag, too: a server that does not look at If-Match is found out here. */
static int
object_note_etag(struct object *object)
{
	const char *etag = jsonx_get_string(object->reply, "ETag");

	if (strlen(etag) > OBJECT_ETAG_BYTES_MAX) {
		object_fail(object, "its ETag is too long");
		return -1;
	}
	if (object->etag[0] != '\0' && strcmp(object->etag, etag) != 0) {
		object_fail(object, "changed while it was read");
		return -1;
	}
	snprintf(object->etag, sizeof(object->etag), "%s", etag);
	return 0;
}

/* "gzip", or "aws-chunked,gzip": how it was sent to S3 does not matter any more. Where a reading
 * that goes on in the middle finds that the object is packed, it begins again: the offset is one of
 * the text, and where that is in the bytes nobody knows. */
static int
object_note_encoding(struct object *object)
{
	const char *encoding = jsonx_get_string(object->reply, "ContentEncoding");
	const char *body = json_string_value(json_object_get(object->reply, "Body"));
	size_t bytes = json_string_length(json_object_get(object->reply, "Body"));
	int64_t passed = object->at - (int64_t)bytes;

	if (object->known)
		return 0;
	if (encoding != NULL && strncmp(encoding, "aws-chunked", strlen("aws-chunked")) == 0) {
		encoding += strlen("aws-chunked");
		encoding += strspn(encoding, ", ");
	}
	object->known = true;
	if (encoding != NULL && strcmp(encoding, "gzip") == 0)
		object->packed = true;
	else if (encoding != NULL && encoding[0] != '\0' && strcmp(encoding, "identity") != 0) {
		object_fail(object, "its Content-Encoding is not gzip");
		return -1;
	}
	if (object->unpacks && passed == 0 && bytes >= strlen(GZIP_MAGIC) &&
	    memcmp(body, GZIP_MAGIC, strlen(GZIP_MAGIC)) == 0)
		object->packed = true;
	if (object->packed && passed > 0)
		object_seek(object, passed); /* an offset of the text, as it turns out */
	return 0;
}

/* S3 has no range of an empty object, and none behind the end: both have nothing more to give. */
static void
object_refused(struct object *object, struct tmf_err *err)
{
	if (tmf_err_is(err, STATUS_BEHIND)) {
		object->size = object->at;
		return;
	}
	if (tmf_err_is(err, STATUS_CHANGED)) {
		object_fail(object, "changed since the run began, so that it cannot go on in the "
				    "middle");
		return;
	}
	tmf_err_set_name(&object->fault, TMF_ERR_ASL, object->error, "%s: %s: %s", object->name,
	    err->name, tmf_err_text(err));
}

/* The waiter asks for the piece itself: a fault, too, is found by reading. */
static void
object_came(void *arg, struct tmf_call *call)
{
	struct object *object = arg;

	assert(object->call == call && object->reply == NULL);
	object->call = NULL;
	object->reply = tmf_call_take_result(call);
	object->taken = 0;
	if (object->reply == NULL)
		object_refused(object, &call->err);
	else if (object_note_etag(object) == 0 && object_note_range(object) == 0)
		object_note_encoding(object);
	object->waiter.wake(object->waiter.arg);
}

/* One range at a time, and the next one only when this one was read: a Map takes items as its
 * children can begin, which may be hours apart, and memory holds no more than is taken. */
static void
object_ask(struct object *object)
{
	object->call = object->objects->get(
	    object->objects, &(struct objects_range){.bucket = object->bucket,
				 .key = object->key,
				 .version_id = object->version_id,
				 .etag = object->etag[0] != '\0' ? object->etag : NULL,
				 .offset = object->at,
				 .bytes = OBJECT_RANGE_BYTES});
	tmf_call_on_done(object->call, object_came, object);
}

/* --- the text --- */

/* What is left of the range. */
static struct str
object_raw(const struct object *object)
{
	const json_t *body = json_object_get(object->reply, "Body");

	assert(object->reply != NULL && object->taken <= json_string_length(body));
	return (struct str){
	    json_string_value(body) + object->taken, json_string_length(body) - object->taken};
}

/* A piece of at most PIECE_BYTES, so that a small range that unpacks to much takes no memory.
 * Several streams one after another are one text, as gzip writes them. */
static int
object_inflate(struct object *object, struct str raw, struct str *ret_piece)
{
	z_stream *stream = &object->stream;
	int ret;

	if (!object->inflating || object->ended) {
		if (object->inflating)
			inflateEnd(stream);
		*stream = (z_stream){0};
		object->inflating = inflateInit2(stream, GZIP_WINDOW) == Z_OK;
		object->ended = false;
		if (!object->inflating) {
			object_fail(object, "zlib does not start");
			return -1;
		}
	}
	stream->next_in = (unsigned char *)(uintptr_t)raw.p;
	stream->avail_in = (unsigned)raw.len;
	stream->next_out = (unsigned char *)object->unpacked;
	stream->avail_out = sizeof(object->unpacked);
	ret = inflate(stream, Z_NO_FLUSH);
	if (ret != Z_OK && ret != Z_STREAM_END && ret != Z_BUF_ERROR) {
		object_fail(object, "not a whole text in gzip's form");
		return -1;
	}
	object->ended = ret == Z_STREAM_END;
	object->full = stream->avail_out == 0 && !object->ended;
	object->taken += raw.len - stream->avail_in;
	*ret_piece = (struct str){object->unpacked, sizeof(object->unpacked) - stream->avail_out};
	return 0;
}

/* The next piece out of the range that is there; an empty one where there is nothing more in it. */
static int
object_next_piece(struct object *object, struct str *ret_piece)
{
	struct str piece = object_raw(object);

	if (object->packed) {
		if (object_inflate(object, piece, &piece) < 0)
			return -1;
	} else {
		if (piece.len > PIECE_BYTES)
			piece.len = PIECE_BYTES;
		object->taken += piece.len;
	}
	if ((int64_t)piece.len <= object->skipping) {
		object->skipping -= (int64_t)piece.len;
		piece.len = 0;
	} else {
		piece.p += object->skipping;
		piece.len -= (size_t)object->skipping;
		object->skipping = 0;
	}
	*ret_piece = piece;
	return 0;
}

/* The fault stays: who asks again is answered again. Where the text ends without the end of its
 * stream, a part of it is missing, though all bytes of the object came. */
enum object_next
object_read(struct object *object, struct str *ret_piece, struct tmf_err *err)
{
	while (!tmf_err_isset(&object->fault)) {
		if (object->call != NULL)
			return OBJECT_WAIT;
		if (object->reply != NULL && (object_raw(object).len > 0 || object->full)) {
			if (object_next_piece(object, ret_piece) == 0 && ret_piece->len > 0)
				return OBJECT_PIECE;
			continue;
		}
		json_decref(object->reply);
		object->reply = NULL;
		if (object->size == SIZE_UNKNOWN || object->at < object->size) {
			object_ask(object);
			continue;
		}
		if (!object->inflating || object->ended)
			return OBJECT_OVER;
		object_fail(object, "the text in gzip's form is cut off");
	}
	tmf_err_copy(err, &object->fault);
	return OBJECT_FAILED;
}
