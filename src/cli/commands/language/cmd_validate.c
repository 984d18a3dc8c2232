#include "cli/commands/commands.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/color.h"
#include "cli/run/placeholders.h"
#include "cli/run/scripts.h"
#include "cli/workspace/online.h"
#include "engine/registry.h"
#include "mirror/actions/actions.h"
#include "mirror/config/config.h"
#include "script/script.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What files are checked with. */
struct validation {
	const struct cli_opts *opts;
	struct tmf_registry *registry;
	struct workspace *online; /* NULL without --online */
	const char *hook;	  /* NULL: those that the configurations name */
};

/*
 * The scripts are loaded too, so that a check in CI finds the same faults as a run would at its
 * start.
 */
static void
validate_workflow(const struct doc *doc, struct tmf_registry *registry, struct diag_list *diags)
{
	struct asl_resources resources = registry_resources(registry);
	struct asl_machine *machine = asl_compile(doc, &resources, diags);

	if (machine != NULL)
		json_decref(scripts_read(machine, doc_name(doc), diags));
	asl_machine_unref(machine);
}

/*
 * The hook is what a run would load: --hook, or what the configuration names, from where that
 * stands. A fault in it is one of the configuration that uses it.
 */
static void
validate_hook(const struct validation *validation, const struct doc *doc,
    const struct mirror_config *config, struct diag_list *diags)
{
	const char *named = mirror_config_hook(config);
	char *path = NULL;
	struct buf source = {0};
	struct tmf_err err = {0};

	if (validation->hook != NULL)
		path = mem_strdup(validation->hook);
	else if (named != NULL)
		path = file_beside(doc_name(doc), named);
	if (path == NULL)
		return;
	if (file_read(path, SCRIPT_SOURCE_BYTES_MAX, &source, NULL, &err) < 0 ||
	    workspace_try_hook(config, path, str_of(buf_cstr(&source)), &err) < 0)
		diag_add(diags, DIAG_ERROR, "INVALID_HOOK", validation->hook != NULL ? "" : "/hook",
		    DIAG_AT_VALUE, NULL, "the hook does not load: %s", tmf_err_text(&err));
	tmf_err_fini(&err);
	buf_fini(&source);
	free(path);
}

/* Where nothing can be looked up, the file is not valid: that is what was asked. */
static void
validate_config(const struct doc *doc, const struct validation *validation, struct diag_list *diags)
{
	struct mirror_config *config = mirror_config_load(doc, diags);
	struct workspace *online = validation->online;
	struct tmf_err err = {0};

	if (config != NULL)
		validate_hook(validation, doc, config, diags);
	if (config != NULL && online != NULL && workspace_look_up(online, config, diags, &err) < 0)
		diag_add(diags, DIAG_ERROR, "NOT_LOOKED_UP", "", DIAG_AT_VALUE, NULL,
		    "not looked up in AWS: %s: %s", err.name, tmf_err_text(&err));
	tmf_err_fini(&err);
	mirror_config_free(config);
}

/* The content decides and not the name, so that one command can check all files of a project. */
static void
validate_document(
    const struct doc *doc, const struct validation *validation, struct diag_list *diags)
{
	if (mirror_config_is_one(doc))
		validate_config(doc, validation, diags);
	else
		validate_workflow(doc, validation->registry, diags);
}

/* Adds a file's diagnostics to those of all, each with the file's name. */
static void
validate_append(json_t *all, json_t *diagnostics, const char *path)
{
	json_t *diagnostic;
	size_t i;

	json_array_foreach (diagnostics, i, diagnostic) {
		jsonx_put_string(diagnostic, "file", path);
		json_array_append(all, diagnostic);
	}
	json_decref(diagnostics);
}

/* With --set and --set-file filled in. */
static struct doc *
validate_read(const char *path, const struct cli_opts *opts, struct tmf_err *err)
{
	struct doc *doc = doc_read(path, err);

	if (doc == NULL || placeholders_fill(opts, doc, NULL, err) == 0)
		return doc;
	doc_free(doc);
	return NULL;
}

/* True if the file is valid. */
static bool
validate_file(const char *path, const struct validation *validation, json_t *all)
{
	struct tmf_err err = {0};
	struct doc *doc = validate_read(path, validation->opts, &err);
	struct diag_list diags;
	json_t *diagnostics;
	bool valid = false;

	if (doc == NULL) {
		cli_say(&err);
		diagnostics = json_array();
		json_array_append_new(diagnostics, cli_unreadable_diagnostic(&err));
	} else {
		diag_list_init(&diags, doc);
		validate_document(doc, validation, &diags);
		cli_print_diags(&diags);
		diagnostics = diag_json(&diags);
		valid = diags.errors == 0;
		diag_list_fini(&diags);
	}
	validate_append(all, diagnostics, path);
	doc_free(doc);
	tmf_err_fini(&err);
	return valid;
}

/* --- directories --- */

/* Names of the files to check. Owned. */
struct file_list {
	char **at;
	size_t count;
};

static void
file_list_add(struct file_list *files, char *path)
{
	assert(path != NULL);
	files->at = mem_resize(files->at, files->count + 1, sizeof(*files->at));
	files->at[files->count++] = path;
}

static void
file_list_fini(struct file_list *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->at[i]);
	free(files->at);
}

static int
file_list_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
validate_is_named_so(const char *name)
{
	static const char *const endings[] = {".yaml", ".yml", ".json"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t end = strlen(endings[i]);

		if (name[0] != '.' && len > end && strcmp(name + len - end, endings[i]) == 0)
			return true;
	}
	return false;
}

/*
 * The files of a directory by name, not those of the directories in it: the parts that workflows
 * are made of are no workflows. An empty directory is an error: a typing error would be valid.
 */
static int
validate_add_directory(struct file_list *files, const char *path, struct tmf_err *err)
{
	DIR *dir = opendir(path);
	size_t before = files->count;
	struct dirent *entry;

	if (dir == NULL)
		return tmf_err_set(err, TMF_ERR_INVALID, "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)) != NULL)
		if (validate_is_named_so(entry->d_name))
			file_list_add(files, mem_printf("%s/%s", path, entry->d_name));
	closedir(dir);
	if (files->count == before)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "%s: no *.yaml, *.yml or *.json in this directory", path);
	qsort(files->at + before, files->count - before, sizeof(*files->at), file_list_compare);
	return 0;
}

static int
validate_list_files(const struct cli_opts *opts, struct file_list *files, struct tmf_err *err)
{
	for (int i = 0; i < opts->arg_count; i++) {
		const char *path = opts->args[i];
		struct stat what;

		if (stat(path, &what) < 0 || !S_ISDIR(what.st_mode))
			file_list_add(files, mem_strdup(path));
		else if (validate_add_directory(files, path, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * {"result", "diagnostics", "truncated"}, as ValidateStateMachineDefinition answers; nothing is
 * left out.
 */
static int
validate_files(const struct cli_opts *opts, const struct validation *validation)
{
	struct file_list files = {.count = 0};
	struct tmf_err err = {0};
	json_t *document;
	json_t *diagnostics;
	int invalid = 0;

	assert(opts->arg_count > 0);
	if (validate_list_files(opts, &files, &err) < 0) {
		file_list_fini(&files);
		return cli_fail_take(opts->output, &err);
	}
	document = json_object();
	diagnostics = json_array();
	for (size_t i = 0; i < files.count; i++) {
		if (!validate_file(files.at[i], validation, diagnostics))
			invalid++;
		else if (opts->output == OUTPUT_TEXT)
			cli_print(stdout, "%s: valid\n", files.at[i]);
	}
	file_list_fini(&files);
	jsonx_put_string(document, "result", invalid == 0 ? "OK" : "FAIL");
	json_object_set_new(document, "diagnostics", diagnostics);
	json_object_set_new(document, "truncated", json_false());
	if (opts->output != OUTPUT_TEXT)
		cli_print_json(document);
	json_decref(document);
	return invalid == 0 ? EXIT_OK : EXIT_INVALID;
}

/* Keys and network are opened once for all files, which are of one region then. */
static int
validate_online(const struct cli_opts *opts)
{
	struct workspace workspace;
	int code;

	workspace_init(&workspace, opts);
	code = workspace_load_settings(&workspace, NULL);
	if (code == EXIT_OK)
		code = workspace_connect(&workspace);
	if (code == EXIT_OK)
		code = validate_files(opts, &(struct validation){.opts = opts,
						.registry = workspace.registry,
						.online = &workspace,
						.hook = opts->hook});
	workspace_fini(&workspace);
	return code;
}

/* An option without effect would make the operator believe that it had one. */
static bool
validate_asks_in_vain(const struct cli_opts *opts)
{
	return opts->region != NULL || opts->profile != NULL || opts->assume_role != NULL ||
	       opts->external_id != NULL || opts->mfa_token != NULL || opts->endpoint_url != NULL ||
	       opts->debug_http;
}

int
cmd_validate(const struct cli_opts *opts)
{
	struct tmf_registry *registry;
	struct tmf_err err = {0};
	int code;

	if (opts->online)
		return validate_online(opts);
	if (validate_asks_in_vain(opts)) {
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "region, endpoint and credentials: need --online, without which AWS is not "
		    "asked");
		return cli_fail_take(opts->output, &err);
	}
	registry = tmf_registry_new();
	actions_register(registry, NULL);
	code = validate_files(
	    opts, &(struct validation){.opts = opts, .registry = registry, .hook = opts->hook});
	tmf_registry_free(registry);
	return code;
}
