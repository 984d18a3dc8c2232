#include "asl/compile/compile_distributed.h"
#include "asl/compile/compile_object.h"

#include "base/utf8.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX	   INT32_MAX
#define ITEMS_MAX	   100000000 /* of MaxItems */
#define LABEL_CHARS_MAX	   40u
#define BATCH_BYTES_MAX	   262144 /* of MaxInputBytesPerBatch */
#define IN_READER(member)  .offset = offsetof(struct asl_reader, member)
#define IN_BATCHER(member) .offset = offsetof(struct asl_batcher, member)
#define ROW(n, f)	   .name = (n), .types = FIELD_ANY_TYPE, .compile = (f)
#define JSONPATH	   .language = FIELD_IN_JSONPATH
#define IN_WRITER(member)  .offset = offsetof(struct asl_writer, member)
#define ARN_START	   "arn:aws" /* of any partition */
#define S3_INTEGRATION	   ":states:::s3:"
#define PUT_OBJECT	   "putObject"
#define GET_OBJECT	   "getObject"
#define LIST_OBJECTS	   "listObjectsV2"
#define FOLDER_SCHEME	   "file://"

/* --- ItemReader --- */

static field_compile_fn reader_headers;
static field_compile_fn reader_config;

/* Whether a word is one that is known matters here alone, not to whether a definition is valid. */
static const struct field reader_config_fields[] = {
    {ROW("InputType", compile_string), IN_READER(input_type)},
    {ROW("Transformation", compile_string), IN_READER(transformation)},
    {ROW("ManifestType", compile_string), IN_READER(manifest_type)},
    {ROW("CSVDelimiter", compile_string), IN_READER(delimiter_word)},
    {ROW("CSVHeaderLocation", compile_string), IN_READER(header_location)},
    {ROW("CSVHeaders", reader_headers), IN_READER(headers)},
    {ROW("ItemsPointer", compile_string), IN_READER(items_pointer)},
    {ROW("MaxItems", compile_number), IN_READER(max_items), .low = 0, .high = ITEMS_MAX,
	.jsonata = offsetof(struct asl_reader, max_items.jsonata)},
    {ROW("MaxItemsPath", compile_value_number_path), IN_READER(max_items), JSONPATH},
    {0},
};
static const struct field_group reader_config_groups[] = {
    {{"MaxItems", "MaxItemsPath"}, FIELD_ANY_TYPE, 0},
    {{NULL}, 0, 0},
};
static const struct object_spec reader_config_spec = {
    .what = "ReaderConfig", .fields = reader_config_fields, .groups = reader_config_groups};

static const struct field reader_fields[] = {
    {ROW("Resource", compile_string), IN_READER(resource), .required = 1},
    {ROW("Parameters", compile_template), IN_READER(arguments), JSONPATH},
    {ROW("Arguments", compile_template), IN_READER(arguments), .language = FIELD_IN_JSONATA},
    {ROW("ReaderConfig", reader_config)},
    {0},
};
static const struct object_spec reader_spec = {.what = "ItemReader", .fields = reader_fields};

/* CSVHeaders: the names of the columns, where the file has none. An empty list is refused,
 * since it names nothing. */
static void
reader_headers(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	json_t *header;
	size_t i;

	if (!compiler_expect_array(compiler, field->name, json, false))
		return;
	*(json_t **)field_slot(field, base) = json;
	json_array_foreach (json, i, header) {
		size_t mark = compiler_push_index(compiler, i);

		compiler_expect_string(compiler, field->name, header);
		compiler_pop(compiler, mark);
	}
}

static void
reader_config(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (compiler_expect_object(compiler, field->name, json))
		compile_fields(compiler, &reader_config_spec, 0, json, base);
}

/* Where word stands among words, which end with NULL; 0, the default, where it is not given; -1 for
 * another. */
static int
distributed_word(const char *word, const char *const *words)
{
	if (word == NULL)
		return 0;
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

/* "arn:aws-cn:states:::s3:getObject" is the operation getObject. */
static bool
distributed_is_of_s3(const char *resource, const char *operation)
{
	const char *integration = resource != NULL ? strstr(resource, S3_INTEGRATION) : NULL;

	return integration != NULL && strncmp(resource, ARN_START, strlen(ARN_START)) == 0 &&
	       strcspn(resource, ":") + strcspn(resource + sizeof("arn:") - 1, ":") + 1 ==
		   (size_t)(integration - resource) &&
	       strcmp(integration + strlen(S3_INTEGRATION), operation) == 0;
}

/* "" or "/a/b", in which "~" begins "~0" or "~1". See: RFC 6901 */
static bool
reader_is_pointer(const char *pointer)
{
	if (pointer[0] != '\0' && pointer[0] != '/')
		return false;
	for (; *pointer != '\0'; pointer++)
		if (pointer[0] == '~' && pointer[1] != '0' && pointer[1] != '1')
			return false;
	return true;
}

/* What a Map reads that runs on Step Functions only; NULL: nothing. */
static const char *
reader_foreign(const struct asl_reader *reader, int input)
{
	bool reads = distributed_is_of_s3(reader->resource, GET_OBJECT);

	if (!reads && !reader->lists)
		return "ItemReader with another Resource than s3:" GET_OBJECT
		       " or s3:" LIST_OBJECTS;
	if (reader->transformation != NULL && strcmp(reader->transformation, "NONE") != 0)
		return "ItemReader with Transformation";
	if (reads && input < 0)
		return "ItemReader with another InputType than CSV, JSON, JSONL or MANIFEST";
	if (reader->manifest_type != NULL && strcmp(reader->manifest_type, "S3_INVENTORY") != 0)
		return "ItemReader with another ManifestType than S3_INVENTORY";
	if (reader->items_pointer != NULL && (!reads || input > 0))
		return "ItemReader with ItemsPointer for another InputType than JSON";
	if (reader->items_pointer != NULL && !reader_is_pointer(reader->items_pointer))
		return "ItemReader with an ItemsPointer that is not a JSON Pointer";
	return NULL;
}

/* What the words mean. Returns: NULL, or what of it runs on Step Functions only. */
static const char *
reader_understand(struct asl_reader *reader)
{
	static const char *const inputs[] = {"JSON", "JSONL", "CSV", "MANIFEST", NULL};
	static const char *const delimiters[] = {
	    "COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB", NULL};
	static const char delimiter_signs[] = ",|; \t";
	static const char *const locations[] = {"FIRST_ROW", "GIVEN", NULL};
	int input = distributed_word(reader->input_type, inputs);
	int delimiter = distributed_word(reader->delimiter_word, delimiters);
	int location = distributed_word(reader->header_location, locations);
	const char *foreign;

	reader->lists = distributed_is_of_s3(reader->resource, LIST_OBJECTS);
	foreign = reader_foreign(reader, input);
	if (foreign != NULL)
		return foreign;
	if (delimiter < 0)
		return "ItemReader with an unknown CSVDelimiter";
	if (location < 0 || (location == 1 && reader->headers == NULL))
		return "ItemReader with an unknown CSVHeaderLocation, or without CSVHeaders";
	_Static_assert(ASL_READER_JSON == 0 && ASL_READER_JSONL == 1 && ASL_READER_CSV == 2 &&
			   ASL_READER_MANIFEST == 3,
	    "as in the words");
	reader->input = input >= 0 ? (enum asl_reader_input)input : ASL_READER_JSON;
	reader->delimiter = delimiter_signs[delimiter];
	if (location == 0 && reader->header_location != NULL)
		reader->headers = NULL;
	return NULL;
}

/* A bucket whose name stands in the definition; NULL: it is worked out when the Map begins. */
static const char *
distributed_bucket(const json_t *json)
{
	const json_t *arguments = json_object_get(json, "Parameters");
	const char *bucket;

	if (arguments == NULL)
		arguments = json_object_get(json, "Arguments");
	bucket = json_string_value(json_object_get(arguments, "Bucket"));
	return bucket != NULL && strncmp(bucket, "{%", 2) != 0 ? bucket : NULL;
}

/* A warning and no error: the definition is valid, and may be for Step Functions only. The first
 * part that does not run here is the one that a run names. */
static void
distributed_foreign(struct compiler *compiler, struct asl_state *state, const char *what)
{
	if (state->u.map.foreign == NULL)
		state->u.map.foreign = what;
	compiler_warn(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
	    "%s runs on Step Functions only: a Map that has it fails here", what);
}

static enum asl_s3
distributed_s3(const json_t *json)
{
	const char *bucket = distributed_bucket(json);

	if (bucket == NULL)
		return ASL_S3_PERHAPS;
	return strncmp(bucket, FOLDER_SCHEME, strlen(FOLDER_SCHEME)) == 0 ? ASL_S3_NEVER
									  : ASL_S3_SURELY;
}

void
compile_reader(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	const char *foreign;

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	compile_fields(compiler, &reader_spec, 0, json, &state->u.map.reader);
	foreign = reader_understand(&state->u.map.reader);
	if (foreign != NULL)
		distributed_foreign(compiler, state, foreign);
	else
		state->u.map.reads_s3 = distributed_s3(json);
}

/* --- ItemBatcher --- */

/* Each limit is a number or a path, never both at once. */
static const struct field batcher_fields[] = {
    {ROW("BatchInput", compile_template), IN_BATCHER(input)},
    {ROW("MaxItemsPerBatch", compile_number), IN_BATCHER(max_items), .low = 1, .high = NUMBER_MAX,
	.jsonata = offsetof(struct asl_batcher, max_items.jsonata)},
    {ROW("MaxItemsPerBatchPath", compile_value_number_path), IN_BATCHER(max_items), JSONPATH},
    {ROW("MaxInputBytesPerBatch", compile_number), IN_BATCHER(max_bytes), .low = 1,
	.high = BATCH_BYTES_MAX, .jsonata = offsetof(struct asl_batcher, max_bytes.jsonata)},
    {ROW("MaxInputBytesPerBatchPath", compile_value_number_path), IN_BATCHER(max_bytes), JSONPATH},
    {0},
};
static const struct field_group batcher_groups[] = {
    {{"MaxItemsPerBatch", "MaxItemsPerBatchPath"}, FIELD_ANY_TYPE, 0},
    {{"MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"}, FIELD_ANY_TYPE, 0},
    {{NULL}, 0, 0},
};
static const struct object_spec batcher_spec = {
    .what = "ItemBatcher", .fields = batcher_fields, .groups = batcher_groups};

void
compile_batcher(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_batcher *batcher = &((struct asl_state *)base)->u.map.batcher;

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	compile_fields(compiler, &batcher_spec, 0, json, batcher);
	batcher->given = true;
}

/* --- ResultWriter --- */

static field_compile_fn writer_config;

static const struct field writer_config_fields[] = {
    {ROW("Transformation", compile_string), IN_WRITER(transformation_word)},
    {ROW("OutputType", compile_string), IN_WRITER(output_type), .required = 1},
    {0},
};
static const struct object_spec writer_config_spec = {
    .what = "WriterConfig", .fields = writer_config_fields};

static const struct field writer_fields[] = {
    {ROW("Resource", compile_string), IN_WRITER(resource)},
    {ROW("Parameters", compile_template), IN_WRITER(arguments), JSONPATH},
    {ROW("Arguments", compile_template), IN_WRITER(arguments), .language = FIELD_IN_JSONATA},
    {ROW("WriterConfig", writer_config)},
    {0},
};
static const struct object_spec writer_spec = {.what = "ResultWriter", .fields = writer_fields};

static void
writer_config(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	if (compiler_expect_object(compiler, field->name, json))
		compile_fields(compiler, &writer_config_spec, 0, json, base);
}

/* Returns: NULL, or what of it runs on Step Functions only. */
static const char *
writer_understand(struct asl_writer *writer)
{
	static const char *const transformations[] = {"NONE", "COMPACT", "FLATTEN", NULL};
	static const char *const types[] = {"JSON", "JSONL", NULL};
	int transformation = distributed_word(writer->transformation_word, transformations);
	int type = distributed_word(writer->output_type, types);

	if (transformation < 0 || type < 0)
		return "ResultWriter with an unknown Transformation or OutputType";
	if (writer->resource == NULL && writer->output_type != NULL) {
		if (transformation == ASL_WRITER_NONE || type == 1)
			return "ResultWriter without Resource, with Transformation NONE or "
			       "OutputType JSONL,";
	} else if (!distributed_is_of_s3(writer->resource, PUT_OBJECT)) {
		return "ResultWriter with another Resource than s3:" PUT_OBJECT;
	}
	_Static_assert(ASL_WRITER_NONE == 0 && ASL_WRITER_COMPACT == 1 && ASL_WRITER_FLATTEN == 2,
	    "as in the words");
	writer->transformation = (enum asl_writer_transformation)transformation;
	writer->lines = type == 1;
	return NULL;
}

void
compile_writer(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct asl_state *state = base;
	struct asl_writer *writer = &state->u.map.writer;
	const char *foreign;

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	compile_fields(compiler, &writer_spec, 0, json, writer);
	foreign = writer_understand(writer);
	if (foreign != NULL)
		distributed_foreign(compiler, state, foreign);
	else if (writer->resource != NULL)
		state->u.map.writes_s3 = distributed_s3(json);
}

/* --- Label --- */

/* A Label becomes a part of the ARNs of the Map's executions. ASCII has a list of refused
 * characters, and both ranges of control characters are refused as well. */
static bool
label_may_hold(int32_t c)
{
	static const char refused[] = " ?*<>{}[]:;,\\|^~$#%&`\"";

	return c >= 0x20 && (c < 0x7f || c >= 0xa0) && (c >= 0x7f || strchr(refused, c) == NULL);
}

/* See: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html /.
 * Only the first refused character is named, which is enough to mend it. */
void
compile_label(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const char *label = compiler_expect_string(compiler, field->name, json);
	struct str refused = {0};
	size_t chars = 0;
	size_t len;

	((struct asl_state *)base)->u.map.label = label;
	if (label == NULL)
		return;
	for (; *label != '\0'; label += len, chars++) {
		if (!label_may_hold(utf8_decode(label, &len)) && refused.p == NULL)
			refused = (struct str){label, len};
	}
	if (chars == 0)
		compiler_fault(
		    compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL, "Label cannot be empty");
	else if (chars > LABEL_CHARS_MAX)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "Label cannot exceed %u characters", LABEL_CHARS_MAX);
	else if (refused.p != NULL)
		compiler_fault(compiler, DIAG_AT_VALUE, COMPILE_SCHEMA, NULL,
		    "Label contains invalid character: '%.*s'", (int)refused.len, refused.p);
}
