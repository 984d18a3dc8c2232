#include "cli/commands/commands.h"

#include "aws/keys/credentials_chain.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/workspace/workspace.h"
#include "store/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GAP		  2  /* blanks between columns */
#define SOURCE_COLUMNS	  16 /* most sources: "AWS_ENDPOINT_URL" */
#define VALUE_COLUMNS_MIN 8

/*
 * tmflow config: each setting, its value and where it comes from. For the question of every first
 * hour: why does it use that account, that region, that file?
 */

static void
config_add(json_t *list, const char *name, const char *value, const char *source)
{
	json_t *row = json_object();

	assert(source != NULL);
	jsonx_put_string(row, "name", name);
	jsonx_put_string_or_null(row, "value", value);
	jsonx_put_string(row, "source", source);
	json_array_append_new(list, row);
}

/* Flags stand for what a run would be given; they are shown as such. */
static void
config_add_files(struct workspace *workspace, json_t *list)
{
	const struct cli_opts *opts = workspace->opts;
	struct tmf_err err = {0};
	char *path = workspace_config_path(workspace);
	char *dir = store_default_dir(opts->state_dir, &err);

	if (path == NULL)
		config_add(list, "configuration", NULL, "needs a region");
	else
		config_add(list, "configuration", path,
		    opts->config != NULL      ? "--config"
		    : access(path, R_OK) == 0 ? "found by the region"
					      : "by the region, but there is no such file");
	if (opts->hook != NULL)
		config_add(list, "hook", opts->hook, "--hook");
	config_add(list, "state directory", dir,
	    opts->state_dir != NULL		 ? "--state-dir"
	    : getenv("TMFLOW_STATE_DIR") != NULL ? "TMFLOW_STATE_DIR"
						 : "default");
	if (opts->endpoint_url != NULL)
		config_add(list, "endpoint of EC2", opts->endpoint_url, "--endpoint-url");
	tmf_err_fini(&err);
	free(path);
	free(dir);
}

/* The keys that were found, or why they are missing: that is no reason to fail, since it is what
 * somebody wants to see. */
static void
config_add_keys(struct workspace *workspace, json_t *list)
{
	struct tmf_err err = {0};
	json_t *found = workspace_show_credentials(workspace, &err);

	if (found != NULL) {
		config_add(list, "access key id", jsonx_get_string(found, "accessKeyId"),
		    jsonx_get_string(found, "place"));
		if (jsonx_get_string(found, "expires") != NULL)
			config_add(list, "keys expire", jsonx_get_string(found, "expires"),
			    jsonx_get_string(found, "place"));
	} else {
		config_add(list, "access key id", NULL, tmf_err_text(&err));
	}
	json_decref(found);
	tmf_err_fini(&err);
}

/* One cell: a line, filled up with blanks to width and a gap; width 0: the last one. */
static void
config_print_cell(const char *text, int width)
{
	const char *shown = text != NULL ? text : "-";
	int len = (int)strcspn(shown, "\n");
	char *cell = mem_strndup(shown, (size_t)len);

	cli_print(stdout, "%s", cell);
	if (width > 0)
		printf("%*s", (len < width ? width - len : 0) + GAP, "");
	free(cell);
}

static int
config_width(const json_t *list, const char *column, const char *title)
{
	int width = (int)strlen(title);
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row) {
		const char *text = jsonx_get_string(row, column);

		if (text != NULL && (int)strlen(text) > width)
			width = (int)strlen(text);
	}
	return width;
}

/* On a narrow terminal long values move their source, and not those of all rows. */
static int
config_value_width(const json_t *list, int name_width)
{
	int width = config_width(list, "value", "VALUE");
	int columns = (int)cli_columns(stdout);
	int room = columns - name_width - 2 * GAP - config_width(list, "source", "SOURCE");

	if (columns == 0 || room >= width)
		return width;
	room = columns - name_width - 2 * GAP - SOURCE_COLUMNS;
	return room < VALUE_COLUMNS_MIN ? VALUE_COLUMNS_MIN : room < width ? room : width;
}

/* Why there are no keys takes a line for each place: it stands below the table. */
static void
config_print(const json_t *list)
{
	int name_width = config_width(list, "name", "SETTING");
	int value_width = config_value_width(list, name_width);
	const char *long_source = NULL;
	const json_t *row;
	size_t i;

	config_print_cell("SETTING", name_width);
	config_print_cell("VALUE", value_width);
	puts("SOURCE");
	json_array_foreach (list, i, row) {
		const char *source = jsonx_get_string(row, "source");

		config_print_cell(jsonx_get_string(row, "name"), name_width);
		config_print_cell(jsonx_get_string(row, "value"), value_width);
		config_print_cell(source, 0);
		putchar('\n');
		if (strchr(source, '\n') != NULL)
			long_source = source;
	}
	if (long_source != NULL) {
		putchar('\n');
		cli_put_lines(stdout, long_source);
		putchar('\n');
	}
}

int
cmd_config(const struct cli_opts *opts)
{
	struct workspace workspace;
	const struct aws_env env = {0};
	struct tmf_err err = {0};
	json_t *list = aws_settings_list(&env, opts->region, opts->profile, &err);
	int code;

	if (list == NULL)
		return cli_fail_begin(opts->output, &err);
	workspace_init(&workspace, opts);
	code = workspace_load_what_is_set(&workspace);
	if (code == EXIT_OK) {
		config_add_keys(&workspace, list);
		config_add_files(&workspace, list);
		if (opts->output == OUTPUT_TEXT) {
			config_print(list);
		} else {
			json_t *document = json_pack("{s:O}", "settings", list);

			cli_print_json(document);
			json_decref(document);
		}
	}
	workspace_fini(&workspace);
	json_decref(list);
	return code;
}
