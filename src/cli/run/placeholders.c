#include "cli/run/placeholders.h"

#include "asl/compile/placeholder.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The form is that of DefinitionSubstitutions of a SAM template: names with strings, numbers, true
 * or false. */
static int
placeholders_read_file(const char *path, json_t *values, struct tmf_err *err)
{
	struct doc *doc = doc_read(path, err);
	const char *name;
	json_t *value;
	int ret = 0;

	if (doc == NULL)
		return tmf_err_prefix(err, "--set-file");
	if (!json_is_object(doc_root(doc)))
		ret = tmf_err_set(err, TMF_ERR_INVALID,
		    "--set-file takes names with their values, not %s: %s",
		    jsonx_kind(doc_root(doc)), path);
	json_object_foreach (doc_root(doc), name, value) {
		if (ret < 0)
			break;
		if (json_is_object(value) || json_is_array(value) || json_is_null(value))
			ret = tmf_err_set(err, TMF_ERR_INVALID,
			    "--set-file: the value of %s must be a string, a number, true or "
			    "false: %s",
			    name, path);
		else
			json_object_set(values, name, value);
	}
	doc_free(doc);
	return ret;
}

/* NAME=VALUE; the value may be empty, and may hold further =. */
static int
placeholders_read_word(const char *word, json_t *values, struct tmf_err *err)
{
	const char *equals = strchr(word, '=');
	json_t *value = equals != NULL ? json_string(equals + 1) : NULL;
	char *name;

	if (value == NULL || equals == word) {
		json_decref(value);
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--set takes NAME=VALUE in UTF-8, not \"%s\"", word);
	}
	name = mem_strndup(word, (size_t)(equals - word));
	json_object_set_new(values, name, value);
	free(name);
	return 0;
}

static int
placeholders_read(const struct cli_opts *opts, json_t *values, struct tmf_err *err)
{
	if (opts->set_file != NULL && placeholders_read_file(opts->set_file, values, err) < 0)
		return -1;
	for (size_t i = 0; i < opts->sets.count; i++)
		if (placeholders_read_word(opts->sets.at[i], values, err) < 0)
			return -1;
	return 0;
}

/* A name with a typing error would leave its placeholder as it is. A file may serve several
 * workflows, so only --set is asked. */
static int
placeholders_check_used(
    const struct cli_opts *opts, const struct doc *doc, const json_t *used, struct tmf_err *err)
{
	for (size_t i = 0; i < opts->sets.count; i++) {
		const char *word = opts->sets.at[i];
		char *name = mem_strndup(word, strcspn(word, "="));
		bool is_used = json_object_get(used, name) != NULL;

		if (!is_used)
			tmf_err_set(err, TMF_ERR_INVALID, "--set: %s has no placeholder ${%s}",
			    doc_name(doc), name);
		free(name);
		if (!is_used)
			return -1;
	}
	return 0;
}

int
placeholders_fill(
    const struct cli_opts *opts, struct doc *doc, bool *ret_filled, struct tmf_err *err)
{
	json_t *values = json_object();
	json_t *used = json_object();
	int ret = placeholders_read(opts, values, err);

	assert(doc != NULL);
	if (ret == 0 && json_object_size(values) > 0) {
		doc_take_root(doc, placeholder_fill(doc_root(doc), values, used));
		if (ret_filled != NULL)
			ret = placeholders_check_used(opts, doc, used, err);
	}
	if (ret_filled != NULL)
		*ret_filled = json_object_size(used) > 0;
	json_decref(values);
	json_decref(used);
	return ret;
}
