#include "sim_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/actions/actions.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The life of one tmflow process: what cli/ does, on interfaces that the simulation owns. */

static const struct sim_crash *
next_crash(const struct sim_process *process)
{
	return process->crashes_done < process->plan->crashes_count
		   ? &process->plan->crashes[process->crashes_done]
		   : NULL;
}

bool
sim_point(struct sim_process *process)
{
	const struct sim_crash *crash = next_crash(process);

	if (process->dead)
		return true;
	process->points++;
	if (crash == NULL || process->points < crash->point)
		return false;
	process->dead = true;
	process->died_of = crash->kind;
	process->disk.dead = true;
	tmf_loop_stop(process->sim->loop);
	return true;
}

static enum fault_verdict
disk_changes(void *arg)
{
	struct sim_process *process = arg;

	if (!sim_point(process))
		return FAULT_GO_ON;
	return process->died_of == SIM_KILL_TORN ? FAULT_DIE_TORN : FAULT_DIE;
}

static void
give_keys(struct credentials_provider *provider,
    void (*done)(void *arg, const struct credentials *credentials, struct tmf_err *err), void *arg)
{
	struct credentials keys = {
	    .access_key_id = SIM_ACCESS_KEY_DEFAULT, .expires_wall_ms = INT64_MAX};

	(void)provider;
	secret_set(&keys.secret_access_key, SIM_SECRET_KEY_DEFAULT);
	done(arg, &keys, NULL);
	credentials_fini(&keys);
}

static void
start_time_came(struct tmf_timer *timer)
{
	struct sim_process *process =
	    (struct sim_process *)((char *)timer - offsetof(struct sim_process, start));
	struct tmf_err err = {0};

	if (sim_process_boot(process, &err) < 0 && !process->dead && !process->disk.hit)
		sim_broken(process->sim, "process %zu does not start: %s", process->index,
		    tmf_err_text(&err));
	else if (!process->over && process->execution == NULL && process->jobs == NULL)
		tmf_loop_stop(process->sim->loop); /* for whoever looks after the dead */
	tmf_err_fini(&err);
}

/* There are always others. */
static void
refresh_keys(struct credentials_provider *provider, unsigned serial)
{
	(void)serial;
	(void)provider;
}

void
sim_process_init(struct sim_process *process, struct sim *sim, size_t index)
{
	char name[FAULT_VFS_NAME_BYTES];

	*process =
	    (struct sim_process){.sim = sim, .index = index, .plan = &sim->plan->processes[index]};
	sim_transport_init(&process->transport);
	sim_objects_init(&process->objects);
	process->credentials.get = give_keys;
	process->credentials.refresh = refresh_keys;
	rng_seed(&process->rng, sim->plan->seed * SIM_PROCESSES_MAX + index);
	process->dir = mem_printf("%s/%zu", sim->dir, index);
	snprintf(name, sizeof(name), "tmflow-sim-%zu", index);
	fault_vfs_register(&process->disk, name);
	process->disk.keeps_shadows = true;
	process->disk.on_change = disk_changes;
	process->disk.arg = process;
	fault_vfs_arm(&process->disk, process->plan->disk.change, process->plan->disk.code,
	    process->plan->disk.lasting);
	process->start.fire = start_time_came;
	if (process->plan->kind == SIM_LISTEN || process->plan->kind == SIM_WORKER)
		sim_service_init(process);
	tmf_loop_timer_arm(
	    sim->loop, &process->start, sim->clock.now_mono_ms + process->plan->start_ms);
}

void
sim_process_fini(struct sim_process *process)
{
	tmf_loop_timer_disarm(process->sim->loop, &process->start);
	sim_process_unload(process);
	sim_service_fini(process);
	fault_vfs_unregister(&process->disk);
	free(process->dir);
}

/* --- boot --- */

static void
settled(void *arg, struct tmf_call *call)
{
	struct sim_process *process = arg;

	process->settling = NULL;
	if (tmf_err_isset(&call->err) && !process->dead && !process->disk.hit)
		sim_broken(
		    process->sim, "process %zu: %s", process->index, tmf_err_text(&call->err));
	process->over = true;
	tmf_loop_stop(process->sim->loop);
}

static void
execution_over(void *arg, struct execution *execution, const struct execution_result *result)
{
	struct sim_process *process = arg;
	struct store_run *run = &process->run;

	(void)execution;
	run->status = result->status;
	run->stop_wall_ms = process->sim->clock.now_wall_ms;
	if (result->output != NULL)
		run->output = jsonx_text(result->output);
	run->error = mem_strdup(result->error);
	run->cause = mem_strdup(result->cause);
	process->settling = accounts_settle(process->accounts, true);
	tmf_call_on_done(process->settling, settled, process);
}

/* Which of the configurations is the process's. */
static size_t
config_of(const struct sim_process *process)
{
	return process->sim->configs[1] != NULL ? process->index % 2 : 0;
}

/* Finds the run's record, or makes it. *ret_resumes: there is something to go on from. */
static int
open_run(struct sim_process *process, bool *ret_resumes, struct tmf_err *err)
{
	struct sim *sim = process->sim;
	const struct store_opts opts = {
	    .dir = process->dir, .clock = &sim->clock.clock, .vfs_name = process->disk.name};
	struct store_run *run = &process->run;

	process->store = store_open_with(&opts, err);
	if (process->store == NULL)
		return -1;
	*ret_resumes = true;
	process->redrives = false;
	if (store_run_find(process->store, SIM_RUN_ID, run, err) == 0) {
		process->redrives = sim->plan->redrives && run->status == RUN_FAILED;
		if (process->redrives)
			store_run_begin_again(run, sim->clock.now_wall_ms);
		return 0;
	}
	if (err->code != TMF_ERR_NOT_FOUND)
		return -1;
	tmf_err_fini(err);
	*ret_resumes = false;
	snprintf(run->id, sizeof(run->id), "%s", SIM_RUN_ID);
	run->status = RUN_RUNNING;
	run->start_wall_ms = sim->clock.now_wall_ms;
	run->workflow_name = mem_strdup("backfill.yaml");
	run->definition = mem_strdup(sim->workflow_text);
	run->input = mem_strdup(sim->plan->input != NULL ? sim->plan->input : "{}");
	run->config = mem_strdup(sim->config_texts[config_of(process)]);
	return store_run_create(process->store, run, err) < 0 ||
		       store_commit(process->store, err) < 0
		   ? -1
		   : 0;
}

static struct aws_client *
open_client(struct sim_process *process, const char *service, struct tmf_err *err)
{
	return aws_client_new(
	    &(struct aws_client_opts){
		.loop = process->sim->loop,
		.transport = &process->transport,
		.credentials = &process->credentials,
		.rng = &process->rng,
		.service = service,
		.region = "us-east-1",
	    },
	    err);
}

struct aws_client *
sim_process_elb_for(void *arg, const struct aws_client *ec2)
{
	(void)ec2;
	return ((struct sim_process *)arg)->elb;
}

static int
open_clients(struct sim_process *process, struct tmf_err *err)
{
	process->ec2 = open_client(process, "ec2", err);
	process->elb =
	    process->ec2 != NULL ? open_client(process, "elasticloadbalancing", err) : NULL;
	return process->elb != NULL ? 0 : -1;
}

static int
open_domain(struct sim_process *process, struct tmf_err *err)
{
	struct sim *sim = process->sim;

	process->accounts = accounts_new(&(struct accounts_opts){
	    .loop = sim->loop,
	    .ec2 = process->ec2,
	    .client_for_arg = process,
	    .elb_for = sim_process_elb_for,
	    .store = process->store,
	    .owner = SIM_RUN_ID,
	    .dry_run = process->plan->kind == SIM_PLAN,
	});
	process->mirror = mirror_new(
	    &(struct mirror_opts){
		.accounts = process->accounts,
		.config = sim->configs[config_of(process)],
		.run_id = SIM_RUN_ID,
		.workflow = "backfill",
		.hook_name = sim->plan->hook != NULL ? "hook.lua" : NULL,
		.hook_source = sim->plan->hook,
		.prune = sim->plan->earlier_every > 0,
		.prune_limit = &(struct prune_limit){.percent = 100},
	    },
	    err);
	if (process->mirror == NULL)
		return -1;
	process->spool = store_spool(process->store, err);
	process->registry = tmf_registry_new();
	actions_register(process->registry, process->mirror);
	process->engine = engine_new(&(struct engine_opts){
	    .loop = sim->loop,
	    .registry = process->registry,
	    .store = process->store,
	    .objects = &process->objects,
	    .spool = process->spool,
	});
	return 0;
}

static int
start_execution(struct sim_process *process, bool resumes, struct tmf_err *err)
{
	json_t *input = jsonx_parse(str_of(process->run.input), NULL);
	const struct execution_opts opts = {
	    .machine = process->sim->machine,
	    .run_id = SIM_RUN_ID,
	    .machine_name = "backfill",
	    .input = input,
	    .start_wall_ms = process->run.start_wall_ms,
	    .redrives = process->run.redrives,
	    .redrive_wall_ms = process->run.redrive_wall_ms,
	    .on_done = execution_over,
	    .arg = process,
	};

	if (process->redrives)
		process->execution = execution_redrive(process->engine, &opts, err);
	else
		process->execution = resumes ? execution_resume(process->engine, &opts, err)
					     : execution_start(process->engine, &opts);
	json_decref(input);
	if (process->execution == NULL)
		return -1;
	return process->redrives ? store_run_update(process->store, &process->run, err) : 0;
}

int
sim_process_boot(struct sim_process *process, struct tmf_err *err)
{
	bool resumes = false;

	process->points = 0;
	process->boots++;
	process->sim->result->boots++;
	process->dead = false;
	process->disk.dead = false;
	if (open_run(process, &resumes, err) < 0)
		return -1;
	if (process->run.status != RUN_RUNNING) {
		process->over = true; /* it died after the last word was written */
		tmf_loop_stop(process->sim->loop);
		return 0;
	}
	if (open_clients(process, err) < 0)
		return -1;
	if (process->service != NULL) {
		process->registry = tmf_registry_new();
		actions_register(process->registry, NULL);
		return sim_service_begin(process, err);
	}
	if (open_domain(process, err) < 0)
		return -1;
	return start_execution(process, resumes, err);
}

int
sim_process_finish(struct sim_process *process, struct tmf_err *err)
{
	struct sim_result *result = process->sim->result;

	if (store_run_end(process->store, &process->run, err) < 0 ||
	    store_commit(process->store, err) < 0 ||
	    store_outcomes_count(process->store, SIM_RUN_ID, result->counts[process->index], err) <
		0)
		return -1;
	if (process->index == 0 && process->boots == 1)
		result->points = process->points;
	process->finished = true;
	return 0;
}

void
sim_process_unload(struct sim_process *process)
{
	tmf_call_cancel(process->settling);
	sim_service_unload(process);
	execution_free(process->execution);
	engine_free(process->engine);
	mirror_free(process->mirror);
	accounts_free(process->accounts);
	tmf_registry_free(process->registry);
	aws_client_free(process->elb);
	aws_client_free(process->ec2);
	free(process->spool);
	process->spool = NULL;
	store_close(process->store);
	store_run_fini(&process->run);
	process->settling = NULL;
	process->execution = NULL;
	process->engine = NULL;
	process->mirror = NULL;
	process->accounts = NULL;
	process->registry = NULL;
	process->ec2 = NULL;
	process->elb = NULL;
	process->store = NULL;
	process->over = false;
}
