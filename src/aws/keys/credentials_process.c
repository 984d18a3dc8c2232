#include "aws/keys/credentials_internal.h"
#include "aws/wire/redact.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "loop/process.h"

#include <stdlib.h>
#include <string.h>

/* A program that puts out keys. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */

#define WORDS_MAX	 64
#define OUTPUT_BYTES_MAX (64u << 10)
#define REASON_BYTES_MAX 600
#define TIMEOUT_MS	 60000 /* it may ask a service, or wait for a key to be touched */

/* A command in words. The end with NULL is what execve wants. */
struct words {
	char *at[WORDS_MAX + 1]; /* ends with NULL */
	size_t count;
};

/* Only the words before the closing NULL are owned. */
static void
words_fini(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->at[i]);
}

/* One character within quotes or without; moves past it. Within "..." a backslash takes " and \
 * literally, without quotes any. A backslash at the end of the command is itself. */
static void
words_take_char(const char **text, char quote, struct buf *word)
{
	const char *p = *text;
	bool escapes = *p == '\\' && p[1] != '\0' && quote != '\'' &&
		       (quote == '\0' || p[1] == '"' || p[1] == '\\');

	if (escapes)
		p++;
	buf_add_char(word, *p);
	*text = p + 1;
}

/* The next word. Returns false for an open quote. Example: a"b c"d is the word ab cd. An empty
 * pair of quotes is an empty word, and so an argument. */
static bool
words_take_word(const char **text, struct buf *word)
{
	char quote = '\0';

	buf_reset(word);
	while (**text != '\0' && (quote != '\0' || strchr(" \t\r\n", **text) == NULL)) {
		bool is_quote = **text == '"' || **text == '\'';

		if (is_quote && (quote == '\0' || quote == **text)) {
			quote = quote == '\0' ? **text : '\0';
			(*text)++;
		} else {
			words_take_char(text, quote, word);
		}
	}
	return quote == '\0';
}

/* As a shell's quoting goes, but nothing is replaced: no variables, no ~. A shell is not
 * started: botocore starts none either, and a profile that works here works there. The command
 * is never in an error's text: it may hold a password as an argument. */
static int
words_split(const char *command, struct words *words, struct tmf_err *err)
{
	struct buf word = {0};
	int ret = 0;

	for (;;) {
		command += strspn(command, " \t\r\n");
		if (*command == '\0' || ret < 0)
			break;
		if (words->count == WORDS_MAX)
			ret = tmf_err_set(err, TMF_ERR_CREDENTIALS,
			    "credential_process has more than %d words", WORDS_MAX);
		else if (!words_take_word(&command, &word))
			ret = tmf_err_set(err, TMF_ERR_CREDENTIALS,
			    "credential_process has a quote that is not closed");
		else
			words->at[words->count++] = mem_strdup(buf_cstr(&word));
	}
	buf_fini(&word);
	if (ret == 0 && words->count == 0)
		ret = tmf_err_set(err, TMF_ERR_CREDENTIALS, "credential_process is empty");
	return ret;
}

/* The version is looked at first: what else a later one may mean is not known. AWS documents
 * Version 1 only. */
static int
process_check_version(const char *text, struct tmf_err *err)
{
	json_t *object = jsonx_parse(str_of(text), NULL);
	const json_t *version = json_object_get(object, "Version");
	int ret = 0;

	if (!json_is_object(object))
		ret = tmf_err_set(err, TMF_ERR_CREDENTIALS, "its output is not a JSON object");
	else if (!json_is_integer(version) || json_integer_value(version) != 1)
		ret = tmf_err_set(err, TMF_ERR_CREDENTIALS, "its output: Version is not 1");
	jsonx_wipe(object);
	return ret;
}

/* The last line of its standard error is what a user needs to know ("the sign-in has expired");
 * keys are taken out of it. The object is parsed again for its keys, which is cheap and keeps the
 * check apart. */
static struct tmf_call *
process_answered(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	json_t *result = tmf_call_take_result(over);
	const char *output = jsonx_get_string(result, "Output");

	(void)frame;
	if (result == NULL) {
		struct buf text = {0};

		redact_body(&text, str_of(tmf_err_text(&over->err)), REASON_BYTES_MAX, NULL);
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s", buf_cstr(&text));
		buf_fini(&text);
	} else if (process_check_version(output, err) == 0) {
		credentials_answer_parse(
		    "its output", str_of(output), "SessionToken", ret_result, err);
	}
	jsonx_wipe(result);
	return NULL;
}

/* Nothing is started for a command that cannot be split: half a command could do something else. */
static struct tmf_call *
process_start(const struct credentials_opts *opts, const char *command)
{
	struct words words = {.count = 0};
	struct tmf_err err = {0};
	struct tmf_call *call;

	if (words_split(command, &words, &err) < 0) {
		call = tmf_call_of_err(opts->loop, &err);
	} else {
		const struct process_opts process = {
		    .argv = (const char *const *)words.at,
		    .timeout_ms = TIMEOUT_MS,
		    .output_bytes_max = OUTPUT_BYTES_MAX,
		};

		call = tmf_call_sequence(
		    process_run(opts->loop, &process), process_answered, NULL, NULL);
	}
	words_fini(&words);
	return call;
}

/* The command may stand in either of the shared files. */
struct tmf_call *
credentials_look_process(
    const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	struct shared_files files;
	struct tmf_err err = {0};
	const char *command;
	struct tmf_call *call;

	(void)profile_only;
	if (shared_files_read(&opts->env, &files, &err) < 0)
		return tmf_call_of_err(opts->loop, &err);
	command = shared_files_get(&files, profile, "credential_process");
	if (command == NULL)
		call = credentials_nothing(
		    opts->loop, "the profile \"%s\" has no credential_process", profile);
	else
		call = process_start(opts, command);
	shared_files_free(&files);
	return call;
}
