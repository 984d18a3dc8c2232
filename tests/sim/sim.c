#include "sim_internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/registry.h"
#include "mirror/actions/actions.h"
#include "remove_tree.h"

#include <assert.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Plays a plan: turns the loop, buries the dead, starts them again, and looks at the end. */

#define WORKFLOWS	 TEST_SOURCE_DIR "/workflows/"
#define REDRIVE_AFTER_MS 60000

void
sim_broken(struct sim *sim, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	if (!tmf_err_isset(&sim->broken))
		tmf_err_set(&sim->broken, TMF_ERR_INVALID, "%s", buf_cstr(&text));
	buf_fini(&text);
	tmf_loop_stop(sim->loop);
}

static void
append(void *arg, struct str part)
{
	buf_add_str(arg, part);
}

json_t *
sim_report(const struct sim *sim, bool with_sessions)
{
	struct buf text = {0};
	const struct sim_sink sink = {.write = append, .arg = &text};
	json_t *report;

	world_report(sim->world, with_sessions, &sink);
	report = jsonx_parse(buf_str(&text), NULL);
	assert(report != NULL);
	buf_fini(&text);
	return report;
}

/* --- set up --- */

static struct doc *
parse(const char *name, const char *text)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse(name, str_of(text), &err);

	if (doc == NULL)
		fprintf(stderr, "%s\n", tmf_err_text(&err));
	assert(doc != NULL);
	return doc;
}

static struct mirror_config *
load_config_text(const char *name, const char *text)
{
	struct doc *doc = parse(name, text);
	struct mirror_config *config;
	struct diag_list diags;

	diag_list_init(&diags, doc);
	config = mirror_config_load(doc, &diags);
	if (config == NULL)
		diag_print(&diags, stderr);
	assert(config != NULL);
	diag_list_fini(&diags);
	doc_free(doc);
	return config;
}

static void
load_configs(struct sim *sim)
{
	struct buf text = {0};

	if (sim->plan->config != NULL)
		buf_add_cstr(&text, sim->plan->config);
	else
		world_config(sim->world, SIM_SCENARIO_ALL, &text);
	sim->config_texts[0] = buf_take(&text);
	sim->configs[0] = load_config_text("config.yaml", sim->config_texts[0]);
	if (sim->plan->other_config == NULL)
		return;
	sim->config_texts[1] = mem_strdup(sim->plan->other_config);
	sim->configs[1] = load_config_text("other.yaml", sim->config_texts[1]);
}

static void
load_workflow(struct sim *sim)
{
	struct tmf_registry *registry = tmf_registry_new();
	struct buf text = {0};
	struct diag_list diags;
	struct doc *doc;
	char *path = mem_printf(
	    WORKFLOWS "%s", sim->plan->workflow != NULL ? sim->plan->workflow : "backfill.yaml");
	int ret = 0;

	if (sim->plan->definition != NULL)
		buf_add_cstr(&text, sim->plan->definition);
	else
		ret = file_read(path, DOC_BYTES_MAX, &text, NULL, NULL);
	assert(ret == 0);
	free(path);
	sim->workflow_text = buf_take(&text);
	actions_register(registry, NULL);
	struct asl_resources resources = registry_resources(registry);
	doc = parse("backfill.yaml", sim->workflow_text);
	diag_list_init(&diags, doc);
	sim->machine = asl_compile(doc, &resources, &diags);
	assert(sim->machine != NULL);
	diag_list_fini(&diags);
	doc_free(doc);
	tmf_registry_free(registry);
}

/* Memory where there is a file system of it: the disk is not what is tested. */
static char *
make_dir(void)
{
	char *dir =
	    mem_printf("%s/tmflow-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	char *made = mkdtemp(dir);

	assert(made != NULL);
	return dir;
}

/* The sessions of an earlier run, for rules that the configuration no longer has. AWS refuses
 * some, as the types of their instances cannot be mirrored. */
static void
make_earlier(struct sim *sim)
{
	unsigned every = sim->plan->earlier_every;
	char target[SIM_ID_BYTES], filter[SIM_ID_BYTES], interface[SIM_ID_BYTES];

	world_given_target_id(sim->world, 0, target);
	world_given_filter_id(sim->world, 0, filter);
	for (uint64_t i = 0; every > 0 && i < sim->plan->world.instances; i += every) {
		struct buf body = {0};
		struct sim_request request = {.method = "POST", .path = "/"};

		world_interface_id(sim->world, i, 0, interface);
		buf_printf(&body,
		    "Action=CreateTrafficMirrorSession&Version=2016-11-15&NetworkInterfaceId=%s"
		    "&TrafficMirrorTargetId=%s&TrafficMirrorFilterId=%s&SessionNumber=77"
		    "&TagSpecification.1.ResourceType=traffic-mirror-session"
		    "&TagSpecification.1.Tag.1.Key=%s&TagSpecification.1.Tag.1.Value=%s"
		    "&TagSpecification.1.Tag.2.Key=%s&TagSpecification.1.Tag.2.Value=%s"
		    "&TagSpecification.1.Tag.3.Key=%s&TagSpecification.1.Tag.3.Value=earlier",
		    interface, target, filter, TAG_TOOL, TAG_TOOL_VALUE, TAG_CONFIGURATION,
		    mirror_config_name(sim->configs[0]), TAG_RULE);
		request.body = buf_str(&body);
		request.now_wall_ms = SIM_START_WALL_MS - EARLIER_MS;
		struct sim_reply reply = world_handle(sim->world, &request);

		sim_reply_fini(&reply);
		buf_fini(&body);
	}
}

static void
set_up(struct sim *sim, const struct sim_plan *plan, struct sim_result *result)
{
	struct sim_opts world = plan->world;
	struct tmf_err err = {0};

	*sim = (struct sim){.plan = plan, .result = result};
	world.no_auth = true;
	fake_clock_init(&sim->clock, SIM_START_WALL_MS);
	sim->loop = tmf_loop_new(&sim->clock.clock);
	sim->world = world_new(&world, &err);
	if (sim->world == NULL)
		fprintf(stderr, "%s\n", tmf_err_text(&err));
	assert(sim->world != NULL);
	rng_seed(&sim->rng, plan->seed);
	load_configs(sim);
	load_workflow(sim);
	make_earlier(sim);
	sim->objects = plan->objects != NULL ? json_copy(plan->objects) : json_object();
	sim->dir = make_dir();
	for (size_t i = 0; i < plan->processes_count; i++)
		sim_process_init(&sim->processes[i], sim, i);
}

static void
tear_down(struct sim *sim)
{
	for (size_t i = 0; i < sim->plan->processes_count; i++)
		sim_process_fini(&sim->processes[i]);
	remove_tree(sim->dir);
	free(sim->dir);
	asl_machine_unref(sim->machine);
	for (size_t i = 0; i < 2; i++) {
		mirror_config_free(sim->configs[i]);
		free(sim->config_texts[i]);
	}
	free(sim->workflow_text);
	json_decref(sim->objects);
	world_free(sim->world);
	tmf_loop_free(sim->loop);
	tmf_err_fini(&sim->broken);
}

/* --- the dead and the done --- */

static void
restart_after(struct sim_process *process, int64_t down_ms)
{
	struct sim *sim = process->sim;

	if (process->boots == SIM_BOOTS_MAX)
		sim_broken(sim, "process %zu was started %d times and gets nowhere", process->index,
		    SIM_BOOTS_MAX);
	else
		tmf_loop_timer_arm(sim->loop, &process->start, sim->clock.now_mono_ms + down_ms);
}

static void
bury(struct sim_process *process)
{
	const struct sim_crash *crash = &process->plan->crashes[process->crashes_done];

	sim_process_unload(process);
	if (process->died_of == SIM_POWER_LOSS)
		fault_vfs_lose_power(&process->disk, &process->sim->rng);
	process->finished = false; /* it may die even while it closes its store */
	process->crashes_done++;
	process->sim->result->crashes++;
	restart_after(process, crash->down_ms);
}

/* Its store refused a write: it has ended with an error, and is started again once the disk is
 * well. */
static void
disk_failed(struct sim_process *process)
{
	sim_process_unload(process);
	fault_vfs_arm(&process->disk, 0, SQLITE_OK, false);
	restart_after(process, 1000);
}

/* Looks after one that has stopped for whatever reason. */
static void
look_after(struct sim_process *process)
{
	struct sim *sim = process->sim;
	struct tmf_err err = {0};

	if (!process->dead && process->over && sim_process_finish(process, &err) == 0) {
		bool redrives = sim->plan->redrives && process->run.status == RUN_FAILED;

		sim_process_unload(process);
		if (redrives) {
			process->finished = false;
			sim->result->redrives++;
			restart_after(process, REDRIVE_AFTER_MS);
		}
	}
	if (process->dead)
		bury(process);
	else if (process->disk.hit && !process->finished)
		disk_failed(process);
	else if (tmf_err_isset(&err))
		sim_broken(sim, "process %zu: %s", process->index, tmf_err_text(&err));
	tmf_err_fini(&err);
}

static bool
all_finished(const struct sim *sim)
{
	for (size_t i = 0; i < sim->plan->processes_count; i++)
		if (!sim->processes[i].finished)
			return false;
	return true;
}

static bool
somebody_has_stopped(const struct sim *sim)
{
	for (size_t i = 0; i < sim->plan->processes_count; i++) {
		const struct sim_process *process = &sim->processes[i];

		if (!process->finished && (process->dead || process->over || process->disk.hit))
			return true;
	}
	return false;
}

static void
play(struct sim *sim)
{
	struct tmf_err err = {0};

	while (!all_finished(sim) && !tmf_err_isset(&sim->broken)) {
		int ret = tmf_loop_run(sim->loop, &err);

		if (!somebody_has_stopped(sim))
			sim_broken(sim, "the loop ended %s%s", ret < 0 ? "with " : "idle",
			    ret < 0 ? tmf_err_text(&err) : "");
		for (size_t i = 0; i < sim->plan->processes_count; i++)
			if (!sim->processes[i].finished)
				look_after(&sim->processes[i]);
		tmf_err_fini(&err);
	}
}

/* --- the end --- */

/* Rows come in order of the instance. */
struct ledger {
	json_t *all;
	int64_t rows;
	uint64_t instances;
	char last[SIM_ID_BYTES];
};

static int
count_row(void *arg, const struct outcome *outcome)
{
	struct ledger *ledger = arg;
	json_t *row = json_object();
	char *key = mem_printf("%s %s %s", outcome->instance_id,
	    outcome->interface_id != NULL ? outcome->interface_id : "-",
	    outcome->slot != NULL ? outcome->slot : "-");

	jsonx_put_string(row, "Outcome", outcome_name(outcome->kind));
	jsonx_put_string(row, "Reason", outcome->reason);
	jsonx_put_string(row, "Rule", outcome->rule);
	jsonx_put_string(row, "TargetId", outcome->target_id);
	json_object_set_new(ledger->all, key, row);
	free(key);
	ledger->rows++;
	if (strcmp(ledger->last, outcome->instance_id) != 0)
		ledger->instances++;
	snprintf(ledger->last, sizeof(ledger->last), "%s", outcome->instance_id);
	return 0;
}

static const char *
first_reason(const json_t *report)
{
	const char *reason =
	    json_string_value(json_array_get(jsonx_get_array(report, "reasons"), 0));

	return reason != NULL ? reason : "no reason";
}

/* How many runs have a folder beside the store. */
static size_t
count_spooled(const struct sim_process *process)
{
	char *path = mem_printf("%s/spool", process->dir);
	DIR *dir = opendir(path);
	size_t count = 0;
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	free(path);
	return count;
}

/* What the store of an ended process says when it is opened anew. */
static void
check_store(struct sim_process *process)
{
	struct sim *sim = process->sim;
	const struct store_opts opts = {.dir = process->dir, .clock = &sim->clock.clock};
	struct ledger ledger = {.all = json_object()};
	int64_t sum = 0;
	struct store_run run = {0};
	struct tmf_err err = {0};
	struct store *store = store_open_with(&opts, &err);

	if (store == NULL || store_run_find(store, SIM_RUN_ID, &run, &err) < 0 ||
	    store_outcomes_each(store, SIM_RUN_ID, -1, count_row, &ledger, &err) < 0)
		sim_broken(sim, "the store of process %zu: %s", process->index, tmf_err_text(&err));
	else if (run.status != RUN_SUCCEEDED)
		sim_broken(sim, "process %zu ended %s: %s: %s", process->index,
		    run_status_name(run.status), run.error != NULL ? run.error : "",
		    run.cause != NULL ? run.cause : "");
	for (size_t kind = 0; kind < OUTCOME_COUNT; kind++)
		sum += sim->result->counts[process->index][kind];
	if (sum != ledger.rows)
		sim_broken(sim, "process %zu counts %lld outcomes and has %lld", process->index,
		    (long long)sum, (long long)ledger.rows);
	sim->result->ledgers[process->index] = ledger.all;
	sim->result->spooled += count_spooled(process);
	if (process->service == NULL && sim->plan->workflow == NULL &&
	    ledger.instances < sim->plan->world.instances)
		sim_broken(sim, "process %zu tells of %llu instances of %llu", process->index,
		    (unsigned long long)ledger.instances,
		    (unsigned long long)sim->plan->world.instances);
	store_run_fini(&run);
	store_close(store);
	tmf_err_fini(&err);
}

/* New reference; NULL where there is no such configuration. */
static json_t *
expected_of(struct sim *sim, const char *config)
{
	struct buf text = {0};
	struct tmf_err err = {0};
	json_t *expected = NULL;

	if (config == NULL)
		return NULL;
	if (world_expected(sim->world, str_of(config), &text, &err) < 0)
		sim_broken(sim, "%s", tmf_err_text(&err));
	else
		expected = jsonx_parse(buf_str(&text), NULL);
	buf_fini(&text);
	tmf_err_fini(&err);
	return expected;
}

static void
check_end(struct sim *sim)
{
	struct sim_result *result = sim->result;

	for (size_t i = 0; i < sim->plan->processes_count && !tmf_err_isset(&sim->broken); i++)
		check_store(&sim->processes[i]);
	result->objects = json_incref(sim->objects);
	result->report = sim_report(sim, true);
	if (!json_is_true(json_object_get(result->report, "ok")))
		sim_broken(sim, "at the end: %s", first_reason(result->report));
	result->expected = expected_of(sim, sim->config_texts[0]);
	result->expected_of_other = expected_of(sim, sim->config_texts[1]);
}

uint64_t
sim_stride(void)
{
	const char *text = getenv("TMFLOW_SIM_STRIDE");
	uint64_t stride = text != NULL ? strtoull(text, NULL, 10) : 1;

	return stride > 0 ? stride : 1;
}

void
sim_result_fini(struct sim_result *result)
{
	json_decref(result->expected);
	json_decref(result->expected_of_other);
	json_decref(result->report);
	json_decref(result->objects);
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++)
		json_decref(result->ledgers[i]);
	*result = (struct sim_result){0};
}

int
sim_play(const struct sim_plan *plan, struct sim_result *ret_result, struct tmf_err *err)
{
	struct sim sim;
	int ret;

	assert(plan->processes_count <= SIM_PROCESSES_MAX);
	*ret_result = (struct sim_result){0};
	set_up(&sim, plan, ret_result);
	play(&sim);
	ret_result->took_ms = sim.clock.now_wall_ms - SIM_START_WALL_MS;
	if (!tmf_err_isset(&sim.broken))
		check_end(&sim);
	ret = tmf_err_isset(&sim.broken) ? -1 : 0;
	tmf_err_move(err, &sim.broken);
	tear_down(&sim);
	return ret;
}
