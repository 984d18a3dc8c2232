#ifndef TMFLOW_ASL_STATE_MACHINE_H
#define TMFLOW_ASL_STATE_MACHINE_H

#include "asl/expr/expr.h"
#include "asl/expr/template.h"
#include "asl/path/path.h"
#include "asl/state/choice.h"
#include "base/diag.h"
#include "base/timestamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A compiled state machine: checked as a whole, paths and templates parsed, transitions resolved to
 * pointers. Immutable and shared.
 * See: https://states-language.net/ and
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */

#define ASL_STATES_MAX		 10000u
#define ASL_NESTING_MAX		 32u
#define ASL_STATE_NAME_CHARS_MAX 80u
#define ASL_DATA_BYTES_MAX	 262144u /* input, result or output of a state, as JSON text */
#define ASL_SECONDS_MAX		 99999999

/* clang-format off: one a line */
#define ASL_STATE_TYPES(X)                                                                         \
	X(PASS, "Pass")                                                                            \
	X(TASK, "Task")                                                                            \
	X(CHOICE, "Choice")                                                                        \
	X(WAIT, "Wait")                                                                            \
	X(SUCCEED, "Succeed")                                                                      \
	X(FAIL, "Fail")                                                                            \
	X(PARALLEL, "Parallel")                                                                    \
	X(MAP, "Map")
/* clang-format on */
enum asl_state_type {
#define X(id, name) ASL_##id,
	ASL_STATE_TYPES(X)
#undef X
	    ASL_STATE_TYPE_COUNT
};
/* "Pass", ... */
const char *asl_state_type_name(enum asl_state_type type);

struct asl_state;
struct asl_query;

/* A scope of states: the machine itself, a branch of a Parallel, the processor of a Map. */
struct asl_states {
	const struct asl_states
	    *outer; /* whose variables its states read; NULL: the machine's own */
	const char *comment;
	struct asl_state *start;
	struct asl_state **at; /* in file order */
	size_t count;
};

/* An optional whole number that is given literally, by a path or by an expression. None of these:
 * fallback of the user of it. */
struct asl_number {
	bool given;
	int64_t value;
	struct asl_path *path;	     /* NULL: not by a path */
	struct asl_jsonata *jsonata; /* NULL: not by an expression */
};

enum asl_jitter { ASL_JITTER_NONE, ASL_JITTER_FULL };

struct asl_retrier {
	const char **errors; /* ends with NULL */
	int64_t interval_seconds;
	int64_t max_attempts;
	double backoff_rate;
	int64_t max_delay_seconds; /* 0: none */
	enum asl_jitter jitter;
};

struct asl_catcher {
	const char **errors; /* ends with NULL */
	struct asl_state *next;
	struct asl_path *result_path; /* NULL: $ */
	bool result_discard;	      /* ResultPath: null */
	struct asl_template *assign;
	struct asl_template *output; /* JSONata; NULL: the error output */
};

#define ASL_ERROR_READER "States.ItemReaderFailed"

/* How the text of an object is cut into items. */
enum asl_reader_input {
	ASL_READER_JSON,
	ASL_READER_JSONL,
	ASL_READER_CSV,
	ASL_READER_MANIFEST, /* of an S3 inventory, which names files of CSV */
};

/* A Map's ItemReader. Strings are the definition's. */
struct asl_reader {
	const char *resource;		/* NULL: the Map has none */
	struct asl_template *arguments; /* Parameters or Arguments; NULL: none */
	struct asl_number max_items;
	bool lists; /* Resource s3:listObjectsV2: the objects of a bucket are the items */
	enum asl_reader_input input;
	char delimiter;	 /* CSV */
	json_t *headers; /* CSV: array of strings; NULL: the first row has them */
	/* The words as they stand; NULL: not given. */
	const char *input_type;
	const char *header_location;
	const char *delimiter_word;
	const char *transformation;
	const char *items_pointer;
	const char *manifest_type;
};

/* A Map's ItemBatcher. */
struct asl_batcher {
	bool given;
	struct asl_template *input; /* BatchInput; NULL: none */
	struct asl_number max_items;
	struct asl_number max_bytes;
};

enum asl_writer_transformation { ASL_WRITER_NONE, ASL_WRITER_COMPACT, ASL_WRITER_FLATTEN };

/* A Map's ResultWriter. */
struct asl_writer {
	const char *resource;		/* NULL: the Map has none */
	struct asl_template *arguments; /* Parameters or Arguments; NULL: none */
	enum asl_writer_transformation transformation;
	bool lines; /* OutputType JSONL */
	/* The words as they stand; NULL: not given. */
	const char *transformation_word;
	const char *output_type;
};

/* Whether a distributed Map reads from S3 or writes to it. */
enum asl_s3 {
	ASL_S3_NEVER,	/* there is nothing of the kind, or it is in a local folder */
	ASL_S3_PERHAPS, /* the bucket is worked out when the Map begins */
	ASL_S3_SURELY,
};

struct asl_state {
	enum asl_state_type type;
	unsigned index; /* dense, unique in the machine */
	const char *name;
	const char *comment;
	const struct asl_states *scope; /* what it stands in */
	const char *pointer;		/* its place in the definition */
	const struct asl_query *query;	/* its query language, see dataflow.h; never NULL */

	struct asl_path *input_path; /* NULL: $ */
	bool input_discard;	     /* InputPath: null, the input is {} */
	struct asl_path *output_path;
	bool output_discard;
	struct asl_path *result_path; /* NULL: $ */
	bool result_discard;
	/* Parameters or Arguments (for a Map: ItemSelector or Parameters) */
	struct asl_template *parameters;
	struct asl_template *result_selector;
	struct asl_template *assign; /* for a Choice: what a run through Default gets */
	struct asl_template *output; /* JSONata; likewise. NULL: the result as it is */

	struct asl_state *next; /* NULL: End, or a terminal type */
	struct asl_retrier *retry;
	size_t retry_count;
	struct asl_catcher *catchers;
	size_t catcher_count;

	union {
		struct {
			json_t *result; /* NULL: none */
		} pass;
		struct {
			const char *resource; /* "tmflow:describe-page" or an ARN */
			const char *action;   /* after "tmflow:"; NULL for another resource */
			struct asl_number timeout_seconds;
			struct asl_number heartbeat_seconds;
			struct asl_template *credentials;
		} task;
		struct {
			struct asl_choice_rule *rules; /* top level ones, in order */
			size_t rule_count;
			struct asl_state *otherwise; /* Default, or NULL */
		} choice;
		struct {
			struct asl_number seconds; /* Seconds, SecondsPath */
			bool timestamp_given;
			struct timestamp timestamp;
			struct asl_path *timestamp_path;
			struct asl_jsonata *timestamp_jsonata;
		} wait;
		struct {
			const char *error; /* NULL: none */
			const char *cause;
			struct asl_expr *error_path;
			struct asl_expr *cause_path;
			struct asl_jsonata *error_jsonata;
			struct asl_jsonata *cause_jsonata;
		} fail;
		struct {
			struct asl_states **branches;
			size_t branch_count;
		} parallel;
		struct {
			struct asl_states *processor;
			struct asl_path *items_path; /* NULL: $ */
			struct asl_template *items;  /* JSONata; NULL: the input of the state */
			struct asl_number max_concurrency;
			struct asl_number tolerated_failure_count;
			bool tolerated_failure_percentage_given;
			double tolerated_failure_percentage;
			struct asl_path *tolerated_failure_percentage_path;
			struct asl_jsonata *tolerated_failure_percentage_jsonata;
			bool distributed;
			struct asl_reader reader;
			struct asl_batcher batcher;
			struct asl_writer writer;
			enum asl_s3 reads_s3;
			enum asl_s3 writes_s3;
			const char *label; /* NULL: none */
			/* What runs on Step Functions only: entering the state fails with it.
			 * NULL: nothing. */
			const char *foreign;
		} map;
	} u;
};

struct asl_machine;

/* Shared and immutable; freed with the last reference. NULL is fine for unref. */
struct asl_machine *asl_machine_ref(struct asl_machine *machine);
void asl_machine_unref(struct asl_machine *machine);

/* What the definition says of the machine itself. Borrowed. */
const struct asl_states *asl_machine_states(const struct asl_machine *machine);
const char *asl_machine_comment(const struct asl_machine *machine);
int64_t asl_machine_timeout_seconds(const struct asl_machine *machine); /* 0: none */
size_t asl_machine_state_count(const struct asl_machine *machine);	/* nested ones included */
/* Whether one of its Maps reads from S3 or writes to it. */
enum asl_s3 asl_machine_asks_s3(const struct asl_machine *machine);
/* The same of the latter alone. */
enum asl_s3 asl_machine_writes_s3(const struct asl_machine *machine);
/* By index; NULL past the end. Borrowed. */
const struct asl_state *asl_machine_state(const struct asl_machine *machine, unsigned index);
const struct asl_state *
asl_machine_find(const struct asl_machine *machine, const char *name); /* NULL if none */
/*
 * Whether all numbers of the definition are there. A placeholder such as ${Wait} in the place of
 * one is valid in a definition that is for SAM or Terraform, but cannot be run.
 * Errors: TMF_ERR_INVALID, naming the first.
 */
int asl_machine_check_filled(const struct asl_machine *machine, struct tmf_err *err);
json_t *asl_machine_json(const struct asl_machine *machine); /* the definition, borrowed */

#endif
