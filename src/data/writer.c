#include "data/writer.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "data/local.h"
#include "data/upload.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ERROR_WRITER "States.ResultWriterFailed"
#define FOLDER_MODE  0700
#define FILE_MODE    0600 /* results are as private as the store */
#define TYPE_JSON    "application/json"
#define TYPE_LINES   "application/jsonl"
#define MANIFEST     "manifest.json"
#define TRIAL	     ".writability_check_file_can_be_deleted" /* AWS's own name for it */

struct writer {
	const struct asl_writer *config;
	int64_t file_bytes_max;
	char *bucket;
	char *prefix; /* with the id, without a "/" at its end: what all keys begin with */
	char *folder; /* where that is, or for S3 that of the spool */
	char *arn;
	struct writer_place place;
	int fd[WRITER_KINDS]; /* -1: not open */
	struct buf text;      /* of one record */
	bool ended;	      /* no record comes any more */
	bool broken;

	/* Of S3. */
	struct upload *upload;	    /* NULL: into a folder */
	enum writer_kind next_kind; /* what is put next; WRITER_KINDS: the manifest */
	int64_t next_number;
	bool tried;
	bool put; /* the manifest was the last */
};

static const char *const writer_names[WRITER_KINDS] = {"SUCCEEDED", "FAILED"};

/* --- files --- */

static char *
writer_key(const struct writer *writer, enum writer_kind kind, int64_t number)
{
	return mem_printf("%s/%s_%" PRId64 ".%s", writer->prefix, writer_names[kind], number,
	    writer->config->lines ? "jsonl" : "json");
}

/* The local path of a key. */
static char *
writer_path(const struct writer *writer, const char *key)
{
	assert(strncmp(key, writer->prefix, strlen(writer->prefix)) == 0);
	return mem_printf("%s%s", writer->folder, key + strlen(writer->prefix));
}

/* The folders of a path, each of which may be there already. */
static int
writer_make_folders(const char *path, struct tmf_err *err)
{
	char *copy = mem_strdup(path);
	int ret = 0;

	for (char *end = copy; ret == 0 && end != NULL;) {
		end = strchr(end + 1, '/');
		if (end != NULL)
			*end = '\0';
		if (mkdir(copy, FOLDER_MODE) < 0 && errno != EEXIST)
			ret = local_fail(copy, strerror(errno), ERROR_WRITER, err);
		if (end != NULL)
			*end = '/';
	}
	free(copy);
	return ret;
}

/* Cuts off what stands behind the place; a shorter file lost what the store says is there. */
static int
writer_open_file(struct writer *writer, enum writer_kind kind, struct tmf_err *err)
{
	char *key = writer_key(writer, kind, writer->place.file[kind]);
	char *path = writer_path(writer, key);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE);
	struct stat status;
	int ret = 0;

	assert(writer->fd[kind] < 0);
	if (fd < 0 || fstat(fd, &status) < 0 ||
	    (status.st_size > writer->place.bytes[kind] &&
		ftruncate(fd, writer->place.bytes[kind]) < 0))
		ret = local_fail(path, strerror(errno), ERROR_WRITER, err);
	else if (status.st_size < writer->place.bytes[kind])
		ret = local_fail(path, "shorter than the run left it", ERROR_WRITER, err);
	if (ret < 0 && fd >= 0)
		close(fd);
	else
		writer->fd[kind] = fd;
	free(path);
	free(key);
	return ret;
}

/* At the place and not at the end of the file: what a killed process wrote behind it is
 * overwritten. */
static int
writer_append(struct writer *writer, enum writer_kind kind, struct str text, struct tmf_err *err)
{
	int64_t *bytes = &writer->place.bytes[kind];

	while (text.len > 0) {
		ssize_t written = pwrite(writer->fd[kind], text.p, text.len, *bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return local_fail(writer->folder, strerror(errno), ERROR_WRITER, err);
		*bytes += written;
		text = (struct str){text.p + written, text.len - (size_t)written};
	}
	return 0;
}

/* One that is not there is fine: a file is also removed that only a killed process may have
 * begun. */
static void
writer_remove(const struct writer *writer, enum writer_kind kind, int64_t number)
{
	char *key = writer_key(writer, kind, number);
	char *path = writer_path(writer, key);

	unlink(path);
	free(path);
	free(key);
}

/* The end of the list that a file is. One without a record is removed: AWS writes none. */
static int
writer_end_file(struct writer *writer, enum writer_kind kind, struct tmf_err *err)
{
	int ret = 0;

	if (writer->fd[kind] < 0)
		return 0;
	if (writer->place.bytes[kind] == 0)
		writer_remove(writer, kind, writer->place.file[kind]);
	else if (!writer->config->lines)
		ret = writer_append(writer, kind, STR("]\n"), err);
	if (ret == 0 && fsync(writer->fd[kind]) < 0)
		ret = local_fail(writer->folder, strerror(errno), ERROR_WRITER, err);
	close(writer->fd[kind]);
	writer->fd[kind] = -1;
	return ret;
}

/* One element of the list, or one line. */
static int
writer_add(struct writer *writer, enum writer_kind kind, const json_t *value, struct tmf_err *err)
{
	struct buf *text = &writer->text;
	struct writer_place *place = &writer->place;

	if (writer->fd[kind] < 0 && writer_open_file(writer, kind, err) < 0)
		return -1;
	if (place->bytes[kind] >= writer->file_bytes_max) {
		if (writer_end_file(writer, kind, err) < 0)
			return -1;
		place->file[kind]++;
		place->bytes[kind] = 0;
		if (writer_open_file(writer, kind, err) < 0)
			return -1;
	}
	buf_reset(text);
	if (!writer->config->lines)
		buf_add_cstr(text, place->bytes[kind] == 0 ? "[" : ",\n");
	jsonx_write(value, text);
	if (writer->config->lines)
		buf_add_char(text, '\n');
	return writer_append(writer, kind, buf_str(text), err);
}

/* AWS leaves the records of failed children as they are, whatever the transformation. */
static int
writer_add_child(struct writer *writer, enum writer_kind kind, json_t *record, json_t *output,
    struct tmf_err *err)
{
	json_t *element;
	size_t i;

	if (kind == WRITER_FAILED || writer->config->transformation == ASL_WRITER_NONE)
		return writer_add(writer, kind, record, err);
	if (writer->config->transformation == ASL_WRITER_COMPACT || !json_is_array(output))
		return writer_add(writer, kind, output, err);
	json_array_foreach (output, i, element)
		if (writer_add(writer, kind, element, err) < 0)
			return -1;
	return 0;
}

int
writer_put(struct writer *writer, enum writer_kind kind, json_t *record, json_t *output,
    struct tmf_err *err)
{
	int ret;

	assert((kind == WRITER_SUCCEEDED) == (output != NULL) && !writer->ended);
	ret = writer_add_child(writer, kind, record, output, err);
	writer->broken = writer->broken || ret < 0;
	return ret;
}

const struct writer_place *
writer_place(const struct writer *writer)
{
	return &writer->place;
}

/* --- the end --- */

/* The files of a kind, as the manifest lists them. */
static json_t *
writer_list(const struct writer *writer, enum writer_kind kind)
{
	json_t *list = json_array();

	for (int64_t number = 0; number <= writer->place.file[kind]; number++) {
		char *key = writer_key(writer, kind, number);
		char *path = writer_path(writer, key);
		struct stat status;

		if (stat(path, &status) == 0 && status.st_size > 0) {
			json_t *file = json_object();

			jsonx_put_string(file, "Key", key);
			json_object_set_new(file, "Size", json_integer(status.st_size));
			json_array_append_new(list, file);
		}
		free(path);
		free(key);
	}
	return list;
}

/* PENDING is for children that AWS has made and not begun: here one is made when it begins. */
static json_t *
writer_manifest(const struct writer *writer)
{
	json_t *manifest = json_object();
	json_t *files = json_object();

	jsonx_put_string(manifest, "DestinationBucket", writer->bucket);
	jsonx_put_string(manifest, "MapRunArn", writer->arn);
	json_object_set_new(files, "FAILED", writer_list(writer, WRITER_FAILED));
	json_object_set_new(files, "PENDING", json_array());
	json_object_set_new(files, "SUCCEEDED", writer_list(writer, WRITER_SUCCEEDED));
	json_object_set_new(manifest, "ResultFiles", files);
	return manifest;
}

/* The names of the files, which a loss of power could take though their bytes are on the disk. The
 * folder of a file system that cannot do that is as good as it is. */
static int
writer_sync_folder(const struct writer *writer, struct tmf_err *err)
{
	int fd = open(writer->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		ret = local_fail(writer->folder, strerror(errno), ERROR_WRITER, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

static void
writer_add_manifest(const struct writer *writer, struct buf *out)
{
	json_t *manifest = writer_manifest(writer);

	jsonx_write_pretty(manifest, out);
	buf_add_char(out, '\n');
	json_decref(manifest);
}

/* By way of another name: who waits for the manifest never sees half of it. */
static int
writer_save_manifest(const struct writer *writer, struct tmf_err *err)
{
	char *path = mem_printf("%s/" MANIFEST, writer->folder);
	char *draft = mem_printf("%s.new", path);
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	struct buf text = {0};
	int ret = 0;

	writer_add_manifest(writer, &text);
	if (fd < 0 || write(fd, text.p, text.len) != (ssize_t)text.len || fsync(fd) < 0 ||
	    rename(draft, path) < 0)
		ret = local_fail(path, strerror(errno), ERROR_WRITER, err);
	if (fd >= 0)
		close(fd);
	buf_fini(&text);
	free(draft);
	free(path);
	return ret;
}

/* The manifest comes last: where it is, the files that it lists are complete and on the disk. */
static int
writer_end(struct writer *writer, struct tmf_err *err)
{
	for (enum writer_kind kind = 0; kind < WRITER_KINDS; kind++)
		if (writer_end_file(writer, kind, err) < 0)
			return -1;
	if (writer->upload == NULL &&
	    (writer_save_manifest(writer, err) < 0 || writer_sync_folder(writer, err) < 0))
		return -1;
	writer->ended = true;
	return 0;
}

/* As AWS gives it to the state behind the Map. */
static json_t *
writer_details(const struct writer *writer)
{
	json_t *result = json_object();
	json_t *details = json_object();
	char *key = mem_printf("%s/" MANIFEST, writer->prefix);

	jsonx_put_string(details, "Bucket", writer->bucket);
	jsonx_put_string(details, "Key", key);
	jsonx_put_string(result, "MapRunArn", writer->arn);
	json_object_set_new(result, "ResultWriterDetails", details);
	free(key);
	return result;
}

/* --- to S3 --- */

/* Read at once: a buffer that grows would be in memory twice. */
static int
writer_read(const char *path, struct buf *out, struct tmf_err *err)
{
	struct tmf_err fault = {0};
	struct stat status;
	int ret;

	if (stat(path, &status) < 0)
		return local_fail(path, strerror(errno), ERROR_WRITER, err);
	buf_reserve(out, (size_t)status.st_size + FILE_READ_BYTES);
	ret = file_read(path, (size_t)status.st_size, out, NULL, &fault);
	if (ret < 0)
		tmf_err_set_name(err, TMF_ERR_ASL, ERROR_WRITER, "%s", tmf_err_text(&fault));
	tmf_err_fini(&fault);
	return ret;
}

/* A file of the spool; the last one of a kind may have no record, and is not there. */
static int
writer_upload_file(
    struct writer *writer, enum writer_kind kind, int64_t number, struct tmf_err *err)
{
	char *key = writer_key(writer, kind, number);
	char *path = writer_path(writer, key);
	struct buf body = {0};
	int ret = 0;

	if (number < writer->place.file[kind] || writer->place.bytes[kind] > 0) {
		ret = writer_read(path, &body, err);
		if (ret == 0)
			upload_put(writer->upload, key,
			    writer->config->lines ? TYPE_LINES : TYPE_JSON, &body);
	}
	buf_fini(&body);
	free(path);
	free(key);
	return ret;
}

/* Made from the files of the spool, whose sizes are those of the objects. */
static void
writer_upload_manifest(struct writer *writer)
{
	char *key = mem_printf("%s/" MANIFEST, writer->prefix);
	struct buf body = {0};

	writer_add_manifest(writer, &body);
	upload_put(writer->upload, key, TYPE_JSON, &body);
	writer->put = true;
	free(key);
}

/* One at a time, so that memory holds one. A process that dies on the way begins again with the
 * first: the same bytes lie there then. */
static enum writer_turn
writer_upload(struct writer *writer, struct tmf_err *err)
{
	for (;;) {
		enum upload_turn turn = upload_turn(writer->upload, err);

		if (turn != UPLOAD_IDLE)
			return turn == UPLOAD_WAIT ? WRITER_WAIT : WRITER_BROKEN;
		if (writer->put)
			return WRITER_OVER;
		if (writer->next_kind == WRITER_KINDS) {
			writer_upload_manifest(writer);
		} else if (writer->next_number > writer->place.file[writer->next_kind]) {
			writer->next_kind++;
			writer->next_number = 0;
		} else if (writer_upload_file(
			       writer, writer->next_kind, writer->next_number++, err) < 0) {
			return WRITER_BROKEN;
		}
	}
}

/* May be called again after it waited: what was ended stays so, and what was put is not put
 * again. */
enum writer_turn
writer_finish(struct writer *writer, json_t **ret_details, struct tmf_err *err)
{
	enum writer_turn turn = WRITER_OVER;

	if (!writer->ended && writer_end(writer, err) < 0)
		turn = WRITER_BROKEN;
	else if (writer->upload != NULL)
		turn = writer_upload(writer, err);
	if (turn == WRITER_OVER)
		*ret_details = writer_details(writer);
	writer->broken = writer->broken || turn == WRITER_BROKEN;
	return turn;
}

/* The empty object stays, as AWS's does: the right to delete it is not asked for. */
enum writer_turn
writer_try(struct writer *writer, struct tmf_err *err)
{
	struct buf nothing = {0};
	enum upload_turn turn;
	char *key;

	if (writer->upload == NULL)
		return WRITER_OVER;
	if (!writer->tried) {
		writer->tried = true;
		key = mem_printf("%s/" TRIAL, writer->prefix);
		upload_put(writer->upload, key, TYPE_JSON, &nothing);
		free(key);
	}
	turn = upload_turn(writer->upload, err);
	writer->broken = turn == UPLOAD_FAILED;
	if (turn == UPLOAD_IDLE)
		return WRITER_OVER;
	return turn == UPLOAD_WAIT ? WRITER_WAIT : WRITER_BROKEN;
}

bool
writer_is_broken(const struct writer *writer)
{
	return writer->broken;
}

void
writer_stop(struct writer *writer)
{
	upload_stop(writer->upload);
}

const char *
writer_spooled(const struct writer *writer)
{
	return writer->upload != NULL ? writer->folder : NULL;
}

/* --- the beginning --- */

/* The id of the Map run is the last folder, so that two runs with one Prefix never share files. */
static int
writer_set_folder(struct writer *writer, const struct writer_opts *opts, struct tmf_err *err)
{
	const char *bucket = jsonx_get_string(opts->destination, "Bucket");
	const char *prefix = jsonx_get_string(opts->destination, "Prefix");
	size_t len = prefix != NULL ? strlen(prefix) : 0;

	if (bucket == NULL || bucket[0] == '\0' ||
	    (prefix == NULL && json_object_get(opts->destination, "Prefix") != NULL))
		return tmf_err_set_name(err, TMF_ERR_ASL, ERROR_WRITER,
		    "ResultWriter: Bucket must be a string that is not empty, and Prefix a string");
	if (!local_is_folder(bucket) && (opts->objects == NULL || opts->spool == NULL))
		return tmf_err_set_name(err, TMF_ERR_ASL, ERROR_WRITER,
		    "s3://%s: S3 is not asked here; a local folder has Bucket: file://FOLDER",
		    bucket);
	while (len > 0 && prefix[len - 1] == '/')
		len--;
	writer->bucket = mem_strdup(bucket);
	writer->prefix =
	    len > 0 ? mem_printf("%.*s/%s", (int)len, prefix, opts->id) : mem_strdup(opts->id);
	if (local_is_folder(bucket))
		writer->folder = local_path(bucket, writer->prefix, ERROR_WRITER, err);
	else
		writer->folder = mem_printf("%s/%s", opts->spool, opts->id);
	return writer->folder != NULL ? writer_make_folders(writer->folder, err) : -1;
}

/* A bucket that took no record yet is tried, also after a restart. Once a record is in a file the
 * trial has succeeded, since it comes before the first child. */
static void
writer_set_bucket(struct writer *writer, const struct writer_opts *opts)
{
	const struct writer_place *place = &writer->place;
	bool local = local_is_folder(writer->bucket);

	writer->file_bytes_max = local ? WRITER_FILE_BYTES_MAX : WRITER_OBJECT_BYTES_MAX;
	if (opts->file_bytes_max > 0)
		writer->file_bytes_max = opts->file_bytes_max;
	for (enum writer_kind kind = 0; kind < WRITER_KINDS; kind++)
		writer->tried = writer->tried || place->file[kind] > 0 || place->bytes[kind] > 0;
	if (!local)
		writer->upload = upload_new(&(struct upload_opts){.objects = opts->objects,
		    .bucket = writer->bucket,
		    .error = ERROR_WRITER,
		    .waiter = opts->waiter});
}

/* Both files are opened at once, so that what a killed process left behind the place goes in any
 * case. */
struct writer *
writer_open(const struct writer_opts *opts, const struct writer_place *place, struct tmf_err *err)
{
	struct writer *writer = mem_zalloc(1, sizeof(*writer));

	writer->config = opts->config;
	writer->arn = mem_strdup(opts->arn);
	if (place != NULL)
		writer->place = *place;
	for (enum writer_kind kind = 0; kind < WRITER_KINDS; kind++)
		writer->fd[kind] = -1;
	if (writer_set_folder(writer, opts, err) < 0)
		goto failed;
	writer_set_bucket(writer, opts);
	for (enum writer_kind kind = 0; kind < WRITER_KINDS; kind++) {
		writer_remove(writer, kind, writer->place.file[kind] + 1);
		if (writer_open_file(writer, kind, err) < 0)
			goto failed;
	}
	return writer;
failed:
	writer_free(writer);
	return NULL;
}

void
writer_free(struct writer *writer)
{
	if (writer == NULL)
		return;
	for (enum writer_kind kind = 0; kind < WRITER_KINDS; kind++)
		if (writer->fd[kind] >= 0)
			close(writer->fd[kind]);
	upload_free(writer->upload);
	buf_fini(&writer->text);
	free(writer->bucket);
	free(writer->prefix);
	free(writer->folder);
	free(writer->arn);
	free(writer);
}
