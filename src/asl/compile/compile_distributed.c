#include "asl/compile/compile_distributed.h"
#include "asl/compile/compile_object.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

#define NUMBER_MAX	   INT32_MAX
#define ITEMS_MAX	   100000000 /* of MaxItems */
#define LABEL_CHARS_MAX	   40u
#define BATCH_BYTES_MAX	   262144 /* of MaxInputBytesPerBatch */
#define IN_SCRATCH(member) .offset = offsetof(struct distributed_fields, member)
#define ROW(n, f)	   .name = (n), .types = FIELD_ANY_TYPE, .compile = (f)
#define JSONPATH	   .language = FIELD_IN_JSONPATH
#define OR_EXPR		   .jsonata = offsetof(struct distributed_fields, jsonata)

/*
 * The fields of a distributed Map that need a service, or batches. They are checked, so that a
 * definition for Step Functions can be validated here. But nothing is kept of them besides the
 * state's flags: all of them are compiled into this, which is thrown away.
 */
struct distributed_fields {
	struct asl_template *tmpl;
	struct asl_number number;
	struct asl_path *path;
	struct asl_jsonata *jsonata;
};

static field_compile_fn distributed_config;
static field_compile_fn distributed_headers;

/* The values of the words are not checked: they matter to AWS alone. */
static const struct field reader_config_fields[] = {
    {ROW("InputType", compile_ignored_string)},
    {ROW("Transformation", compile_ignored_string)},
    {ROW("ManifestType", compile_ignored_string)},
    {ROW("CSVDelimiter", compile_ignored_string)},
    {ROW("CSVHeaderLocation", compile_ignored_string)},
    {ROW("CSVHeaders", distributed_headers)},
    {ROW("ItemsPointer", compile_ignored_string)},
    {ROW("MaxItems", compile_number), IN_SCRATCH(number), .low = 0, .high = ITEMS_MAX, OR_EXPR},
    {ROW("MaxItemsPath", compile_value_path), IN_SCRATCH(path), JSONPATH},
    {0},
};
static const struct field_group reader_config_groups[] = {
    {{"MaxItems", "MaxItemsPath"}, FIELD_ANY_TYPE, 0},
    {{NULL}, 0, 0},
};

static const struct field writer_config_fields[] = {
    {ROW("Transformation", compile_ignored_string)},
    {ROW("OutputType", compile_ignored_string), .required = 1},
    {0},
};

static const struct field reader_fields[] = {
    {ROW("Resource", compile_ignored_string), .required = 1},
    {ROW("Parameters", compile_template), IN_SCRATCH(tmpl), JSONPATH},
    {ROW("Arguments", compile_template), IN_SCRATCH(tmpl), .language = FIELD_IN_JSONATA},
    {ROW("ReaderConfig", distributed_config)},
    {0},
};

static const struct field writer_fields[] = {
    {ROW("Resource", compile_ignored_string)},
    {ROW("Parameters", compile_template), IN_SCRATCH(tmpl), JSONPATH},
    {ROW("Arguments", compile_template), IN_SCRATCH(tmpl), .language = FIELD_IN_JSONATA},
    {ROW("WriterConfig", distributed_config)},
    {0},
};

/* Each limit is a number or a path, never both at once. */
static const struct field batcher_fields[] = {
    {ROW("BatchInput", compile_template), IN_SCRATCH(tmpl)},
    {ROW("MaxItemsPerBatch", compile_number), IN_SCRATCH(number), .low = 1, .high = NUMBER_MAX,
	OR_EXPR},
    {ROW("MaxItemsPerBatchPath", compile_value_path), IN_SCRATCH(path), JSONPATH},
    {ROW("MaxInputBytesPerBatch", compile_number), IN_SCRATCH(number), .low = 1,
	.high = BATCH_BYTES_MAX, OR_EXPR},
    {ROW("MaxInputBytesPerBatchPath", compile_value_path), IN_SCRATCH(path), JSONPATH},
    {0},
};
static const struct field_group batcher_groups[] = {
    {{"MaxItemsPerBatch", "MaxItemsPerBatchPath"}, FIELD_ANY_TYPE, 0},
    {{"MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"}, FIELD_ANY_TYPE, 0},
    {{NULL}, 0, 0},
};

static const struct object_spec distributed_specs[] = {
    {.what = "ItemReader", .fields = reader_fields},
    {.what = "ResultWriter", .fields = writer_fields},
    {.what = "ItemBatcher", .fields = batcher_fields, .groups = batcher_groups},
    {.what = "ReaderConfig", .fields = reader_config_fields, .groups = reader_config_groups},
    {.what = "WriterConfig", .fields = writer_config_fields},
};

/* CSVHeaders: the names of the columns, where the file has none. An empty list is refused,
 * since it names nothing. */
static void
distributed_headers(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	json_t *header;
	size_t i;

	(void)base;
	if (!compiler_expect_array(compiler, field->name, json, false))
		return;
	json_array_foreach (json, i, header) {
		size_t mark = compiler_push_index(compiler, i);

		compiler_expect_string(compiler, field->name, header);
		compiler_pop(compiler, mark);
	}
}

/* An object's spec is called as the field that holds it. The specs of all these objects
 * stand in one table, so a name that is missing there is a fault of the program. */
static void
distributed_config(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	const struct object_spec *spec = distributed_specs;

	if (!compiler_expect_object(compiler, field->name, json))
		return;
	while (strcmp(spec->what, field->name) != 0) {
		spec++;
		assert(spec < distributed_specs + sizeof(distributed_specs) / sizeof(*spec));
	}
	compile_fields(compiler, spec, 0, json, base);
}

/* A warning and no error: the definition is valid, and may be for Step Functions only. */
void
compile_distributed(struct compiler *compiler, const struct field *field, json_t *json, void *base)
{
	struct distributed_fields fields = {0};

	distributed_config(compiler, field, json, &fields);
	field_raise(field, base);
	compiler_warn(compiler, DIAG_AT_KEY, COMPILE_SCHEMA, NULL,
	    "%s runs on Step Functions only: a Map that has it fails here", field->name);
}

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

	(void)base;
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
