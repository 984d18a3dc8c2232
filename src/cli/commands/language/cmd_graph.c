#include "cli/commands/commands.h"

#include "base/jsonx.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "cli/run/definition.h"
#include "mirror/actions/actions.h"
#include "web/graph/graph.h"

#include <stdlib.h>
#include <string.h>

enum format { FORMAT_DOT, FORMAT_MERMAID, FORMAT_SVG };

static const char *const format_names[] = {"dot", "mermaid", "svg"};

/*
 * DOT is the default, because it needs no other program and every format of Graphviz can be made
 * from it.
 */
static int
graph_format_parse(const char *text, enum format *ret_format, struct tmf_err *err)
{
	*ret_format = FORMAT_DOT;
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(format_names) / sizeof(format_names[0]); i++) {
		if (strcmp(format_names[i], text) != 0)
			continue;
		*ret_format = (enum format)i;
		return 0;
	}
	return tmf_err_set(
	    err, TMF_ERR_INVALID, "--format takes dot, mermaid or svg, not \"%s\"", text);
}

/* Only SVG can fail: it is drawn by Graphviz, which may not be installed. */
static int
graph_draw(const struct graph *graph, enum format format, struct buf *out, struct tmf_err *err)
{
	switch (format) {
	case FORMAT_DOT:
		graph_dot(graph, out);
		return 0;
	case FORMAT_MERMAID:
		graph_mermaid(graph, out);
		return 0;
	case FORMAT_SVG:
		break;
	}
	return graph_svg(graph, out, err);
}

/* The picture itself, or with -o json {"format", "graph"}. */
static void
graph_print(enum cli_output output, enum format format, const struct buf *picture)
{
	json_t *document;

	if (output == OUTPUT_TEXT) {
		cli_put_lines(stdout, buf_cstr(picture));
		return;
	}
	document = json_object();
	jsonx_put_string(document, "format", format_names[format]);
	jsonx_put_string(document, "graph", buf_cstr(picture));
	cli_print_json(document);
	json_decref(document);
}

/* Looks the run up; *ret_states is malloc'ed. */
static int
graph_load_run(const struct cli_opts *opts, struct store *store, const struct asl_machine *machine,
    struct graph_state **ret_states, struct tmf_err *err)
{
	struct store_run run = {0};
	bool history = false;

	if (store_run_find(store, opts->run, &run, err) < 0)
		return -1;
	*ret_states = graph_marks(store, &run, machine, &history, err);
	if (*ret_states != NULL && !history)
		cli_print(stderr,
		    "tmflow: run %s kept no history: only its current states are shown (tmflow run "
		    "--history keeps it)\n",
		    run.id);
	store_run_fini(&run);
	return *ret_states != NULL ? 0 : -1;
}

/*
 * The store is opened for --run only, so that a drawing works where no run ever was. The picture is
 * complete before its first byte is written: a failure must not leave half a file behind a
 * redirection.
 */
static int
graph_of_workflow(
    const struct cli_opts *opts, enum format format, const struct asl_machine *machine)
{
	const char *slash = strrchr(opts->args[0], '/');
	struct graph_state *states = NULL;
	struct buf picture = {0};
	struct tmf_err err = {0};
	int code = EXIT_OK;
	struct store *store = opts->run != NULL ? record_find_store(opts, &code) : NULL;

	if (code != EXIT_OK)
		return code;
	struct graph graph = {
	    .machine = machine, .name = slash != NULL ? slash + 1 : opts->args[0]};
	if (store != NULL && graph_load_run(opts, store, machine, &states, &err) < 0)
		code = cli_fail_take(opts->output, &err);
	graph.states = states;
	if (code == EXIT_OK && graph_draw(&graph, format, &picture, &err) < 0)
		code = cli_fail_take(opts->output, &err);
	else if (code == EXIT_OK)
		graph_print(opts->output, format, &picture);
	buf_fini(&picture);
	free(states);
	store_close(store);
	return code;
}

/*
 * The workflow is compiled as for a run, so that an invalid one is refused with its diagnostics.
 * The actions are registered without a mirror, because none of them is called.
 */
int
cmd_graph(const struct cli_opts *opts)
{
	struct tmf_registry *registry;
	struct asl_machine *machine;
	struct tmf_err err = {0};
	enum format format;
	int code = EXIT_INVALID;

	if (graph_format_parse(opts->format, &format, &err) < 0)
		return cli_fail_take(opts->output, &err);
	registry = tmf_registry_new();
	actions_register(registry, NULL);
	machine = definition_read(opts->args[0], registry, opts->output, NULL);
	if (machine != NULL)
		code = graph_of_workflow(opts, format, machine);
	asl_machine_unref(machine);
	tmf_registry_free(registry);
	return code;
}
