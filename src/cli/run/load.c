#include "cli/cli.h"

#include "base/clock.h"
#include "cli/run/scripts.h"
#include "engine/registry.h"

#include <signal.h>
#include <stdlib.h>

struct asl_machine *
cli_load_scripted_workflow(const struct doc *doc, struct tmf_registry *registry,
    enum cli_output output, json_t **ret_scripts)
{
	struct asl_resources resources = registry_resources(registry);
	struct asl_machine *machine;
	struct diag_list diags;
	json_t *scripts = NULL;

	diag_list_init(&diags, doc);
	machine = asl_compile(doc, &resources, &diags);
	if (machine != NULL && ret_scripts != NULL)
		scripts = scripts_read(machine, doc_name(doc), &diags);
	if (diags.errors > 0) {
		cli_fail_diags(output, &diags);
		asl_machine_unref(machine);
		json_decref(scripts);
		machine = NULL;
	} else {
		diag_print(&diags, stderr); /* warnings */
		if (ret_scripts != NULL)
			*ret_scripts = scripts;
	}
	diag_list_fini(&diags);
	return machine;
}

struct asl_machine *
cli_load_workflow(const struct doc *doc, struct tmf_registry *registry, enum cli_output output)
{
	return cli_load_scripted_workflow(doc, registry, output, NULL);
}

struct asl_machine *
cli_read_workflow(
    const char *path, struct tmf_registry *registry, enum cli_output output, json_t **ret_scripts)
{
	struct asl_machine *machine;
	struct tmf_err err = {0};
	struct doc *doc = doc_read(path, &err);

	if (doc == NULL) {
		cli_fail_take(output, &err);
		return NULL;
	}
	machine = cli_load_scripted_workflow(doc, registry, output, ret_scripts);
	doc_free(doc);
	return machine;
}

struct store *
cli_open_store(const struct cli_opts *opts, int *ret_exit)
{
	struct store *store = NULL;
	struct tmf_err err = {0};
	char *dir = NULL;

	if (opts->no_checkpoint)
		store = store_open(NULL, clock_system(), &err);
	else if ((dir = store_default_dir(opts->state_dir, &err)) != NULL)
		store = store_open(dir, clock_system(), &err);
	if (store == NULL) {
		cli_fail(opts->output, &err);
		*ret_exit = EXIT_INVALID; /* whatever is wrong with it: nothing was started */
	}
	free(dir);
	tmf_err_fini(&err);
	return store;
}

struct store_lease *
cli_name_run(const struct cli_opts *opts, struct rng *rng, struct store *store,
    struct store_run *run, struct tmf_err *err)
{
	if (opts->run_id != NULL && store_run_id_check(opts->run_id, err) < 0)
		return NULL;
	run->status = RUN_RUNNING;
	run->dry_run = opts->dry_run;
	run->start_wall_ms = clock_system()->wall_ms(clock_system());
	if (opts->run_id != NULL)
		snprintf(run->id, sizeof(run->id), "%s", opts->run_id);
	else
		store_run_id_make(run->start_wall_ms, rng, run->id);
	return store_lease_take(store, run->id, err);
}

int
cli_watch_signals(
    struct tmf_loop *loop, void (*caught)(void *arg, int signo), void *arg, struct tmf_err *err)
{
	static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
		if (tmf_loop_watch_signal(loop, watched[i], caught, arg, err) < 0)
			return -1;
	return 0;
}
