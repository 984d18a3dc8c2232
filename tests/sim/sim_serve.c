#include "sim_internal.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/registry.h"
#include "mirror/actions/actions.h"
#include "serve/events.h"
#include "serve/jobs.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Processes that serve: `listen`, whose queue holds an event for each instance, and `worker`, which
 * does the tasks of a backfill that Step Functions runs. Queue and state machine live on when the
 * process dies: what it had received and not finished comes again.
 */

#define ON_LAUNCH	 TEST_SOURCE_DIR "/workflows/on-launch.yaml"
#define EVENT_GAP_MS	 150
#define VISIBILITY_MS	 30000 /* until an event that was not finished comes again */
#define RECEIVES_MAX	 64    /* of one event: more means that it gets nowhere */
#define HEARTBEAT_MS	 60000 /* until a task whose worker died is known to be lost */
#define WORKER_RETURN_MS 1000
#define LINGER_MS	 (JOBS_IDLE_LOOK_MS * 5 / 2) /* of a worker whose work is done */
#define MACHINE_AFTER_MS 600000 /* until somebody looks at an execution that failed */
#define MACHINE_STARTS	 4	/* more means that it gets nowhere */

/* One event of the queue. */
struct sim_delivery {
	struct tmf_timer timer; /* first: the next receive */
	struct sim_process *process;
	uint64_t instance;
	int receives;
	struct job *job; /* under way */
	bool done;
};

/* One task that waits for a worker, or is at one. */
struct sim_task {
	struct tmf_call call; /* first */
	struct sim_process *process;
	struct sim_task *next;
	struct tmf_timer timer;
	json_t *task;
	struct job *job;
	bool lost; /* with its worker */
};

/* The other side of a process that serves. */
struct sim_service {
	struct sim_process *process;
	struct sim_delivery *queue; /* of `listen`: one an instance of the account */
	uint64_t queue_count;
	/* Of `worker`: */
	struct tmf_action proxies[TMF_ACTIONS_MAX];
	struct tmf_registry *actions; /* whose names the proxies have */
	struct tmf_registry *registry;
	struct engine *engine;
	struct execution *execution;
	struct sim_task *tasks;
	struct tmf_timer linger;
	struct tmf_timer restart; /* of the state machine, by an operator */
	int starts;
	bool machine_over;
	/* The work is done, and how it ended; the process may die before its store says so. */
	bool over;
	enum run_status status;
};

static void
service_arm(struct sim_process *process, struct tmf_timer *timer, int64_t delay_ms)
{
	struct sim *sim = process->sim;

	tmf_loop_timer_arm(sim->loop, timer, sim->clock.now_mono_ms + delay_ms);
}

static void
service_end(struct sim_process *process, enum run_status status)
{
	process->service->over = true;
	process->service->status = process->run.status = status;
	process->run.stop_wall_ms = process->sim->clock.now_wall_ms;
	process->over = true;
	tmf_loop_stop(process->sim->loop);
}

/* --- listen --- */

static void
delivery_over(void *arg, struct job_end *end)
{
	struct sim_delivery *delivery = arg;
	struct sim_process *process = delivery->process;
	const struct sim_service *service = process->service;
	bool all = true;

	delivery->job = NULL;
	event_judge(end);
	delivery->done = !tmf_err_isset(&end->err);
	if (!delivery->done && delivery->receives == RECEIVES_MAX)
		sim_broken(process->sim, "process %zu: the event of instance %llu: %s",
		    process->index, (unsigned long long)delivery->instance,
		    tmf_err_text(&end->err));
	if (!delivery->done)
		service_arm(process, &delivery->timer, VISIBILITY_MS);
	for (uint64_t i = 0; i < service->queue_count; i++)
		all = all && service->queue[i].done;
	if (all)
		service_end(process, RUN_SUCCEEDED);
}

static json_t *
delivery_event(const struct sim_delivery *delivery)
{
	char id[SIM_ID_BYTES];
	json_t *event = json_object();
	json_t *detail = json_object();

	world_instance_id(delivery->process->sim->world, delivery->instance, id);
	jsonx_put_string(detail, "instance-id", id);
	jsonx_put_string(detail, "state", "running");
	jsonx_put_string(event, "source", "aws.ec2");
	jsonx_put_string(event, "detail-type", "EC2 Instance State-change Notification");
	jsonx_put_string(event, "account", delivery->process->sim->plan->world.account_id);
	jsonx_put_string(event, "region", "us-east-1");
	json_object_set_new(event, "detail", detail);
	return event;
}

static void
delivery_came(struct tmf_timer *timer)
{
	struct sim_delivery *delivery = (struct sim_delivery *)timer;
	struct jobs *jobs = delivery->process->jobs;
	json_t *event = delivery_event(delivery);
	struct tmf_err err = {0};
	const struct workflow *workflow = jobs_read_workflow(jobs, ON_LAUNCH, &err);

	assert(workflow != NULL && delivery->job == NULL);
	delivery->receives++;
	delivery->job = job_start_workflow(jobs, workflow, event, delivery_over, delivery);
	json_decref(event);
}

static void
queue_begin(struct sim_process *process)
{
	struct sim_service *service = process->service;
	int64_t delay_ms = 0;

	for (uint64_t i = 0; i < service->queue_count; i++)
		if (!service->queue[i].done)
			service_arm(process, &service->queue[i].timer, delay_ms += EVENT_GAP_MS);
}

/* --- worker --- */

static void
task_over(void *arg, struct job_end *end)
{
	struct sim_task *task = arg;

	task->job = NULL;
	if (tmf_err_isset(&end->err)) {
		tmf_call_complete_err(&task->call, &end->err);
	} else {
		tmf_call_complete(&task->call, json_incref(end->output));
	}
}

/* Received by the worker, where there is one; or given up, where that has died. */
static void
task_came(struct tmf_timer *timer)
{
	struct sim_task *task =
	    (struct sim_task *)((char *)timer - offsetof(struct sim_task, timer));
	struct tmf_err err = {0};

	if (task->lost) {
		tmf_err_set_name(&err, TMF_ERR_ASL, "States.Timeout", "no heartbeat came");
		tmf_call_complete_err(&task->call, &err);
	} else if (task->process->jobs == NULL) {
		service_arm(task->process, &task->timer, WORKER_RETURN_MS);
	} else {
		task->job = job_start(task->process->jobs, task->task, task_over, task);
	}
}

static void
task_cancel(struct tmf_call *call)
{
	struct sim_task *task = (struct sim_task *)call;

	job_cancel(task->job);
	task->job = NULL;
	tmf_loop_timer_disarm(task->process->sim->loop, &task->timer);
}

static void
task_free(struct tmf_call *call)
{
	struct sim_task *task = (struct sim_task *)call;
	struct sim_task **at = &task->process->service->tasks;

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	json_decref(task->task);
	free(task);
}

static const struct tmf_call_ops task_ops = {.cancel = task_cancel, .free_call = task_free};

/* Stands in the state machine for the action of that name. */
static enum tmf_op_next
proxy_start(struct tmf_op *op)
{
	struct sim_process *process = op->env;
	struct sim_task *task = mem_zalloc(1, sizeof(*task));

	tmf_call_init(&task->call, &task_ops, process->sim->loop);
	task->process = process;
	task->task = json_object();
	task->timer.fire = task_came;
	jsonx_put_string(task->task, "action", op->action->name);
	json_object_set(task->task, "input", op->input);
	task->next = process->service->tasks;
	process->service->tasks = task;
	service_arm(process, &task->timer, 1);
	return tmf_op_await_result(op, &task->call);
}

/* Where calls fail often enough, a state uses up its attempts: an operator starts it again. */
static void
machine_over(void *arg, struct execution *execution, const struct execution_result *result)
{
	struct sim_process *process = arg;
	struct sim_service *service = process->service;

	(void)execution;
	if (result->status == RUN_FAILED && service->starts < MACHINE_STARTS) {
		service_arm(process, &service->restart, MACHINE_AFTER_MS);
		return;
	}
	if (result->status != RUN_SUCCEEDED)
		sim_broken(process->sim, "process %zu: the state machine ended %s: %s",
		    process->index, run_status_name(result->status), result->cause);
	service->machine_over = true;
	service_arm(process, &service->linger, LINGER_MS);
}

static void
machine_start(struct sim_process *process)
{
	struct sim_service *service = process->service;
	json_t *input = json_object();

	service->starts++;
	execution_free(service->execution);
	service->execution = execution_start(service->engine, &(struct execution_opts){
								  .machine = process->sim->machine,
								  .run_id = SIM_RUN_ID,
								  .machine_name = "backfill",
								  .input = input,
								  .env = process,
								  .on_done = machine_over,
								  .arg = process,
							      });
	json_decref(input);
}

static void
machine_restarts(struct tmf_timer *timer)
{
	struct sim_service *service =
	    (struct sim_service *)((char *)timer - offsetof(struct sim_service, restart));

	machine_start(service->process);
}

/* A worker goes on waiting for tasks; meanwhile it looks after what it has left. */
static void
worker_leaves(struct tmf_timer *timer)
{
	struct sim_service *service =
	    (struct sim_service *)((char *)timer - offsetof(struct sim_service, linger));

	service_end(service->process, RUN_SUCCEEDED);
}

static void
machine_open(struct sim_process *process)
{
	struct sim_service *service = process->service;
	const struct tmf_action *action;

	service->actions = tmf_registry_new();
	service->registry = tmf_registry_new();
	actions_register(service->actions, NULL);
	for (size_t i = 0; (action = tmf_registry_at(service->actions, i)) != NULL; i++) {
		service->proxies[i] =
		    (struct tmf_action){.name = action->name, .start = proxy_start};
		tmf_registry_add(service->registry, &service->proxies[i]);
	}
	tmf_registry_set_env(service->registry, process);
	service->engine = engine_new(
	    &(struct engine_opts){.loop = process->sim->loop, .registry = service->registry});
	machine_start(process);
}

/* --- */

int
sim_service_begin(struct sim_process *process, struct tmf_err *err)
{
	process->jobs = jobs_new(
	    &(struct jobs_opts){
		.loop = process->sim->loop,
		.rng = &process->rng,
		.registry = process->registry,
		.store = process->store,
		.run_id = SIM_RUN_ID,
		.ec2 = process->ec2,
		.client_for_arg = process,
		.elb_for = sim_process_elb_for,
		.config = process->sim->configs[0],
		.hook_name = process->sim->plan->hook != NULL ? "hook.lua" : NULL,
		.hook_source = process->sim->plan->hook,
	    },
	    err);
	if (process->jobs == NULL)
		return -1;
	if (process->service->over)
		service_end(process, process->service->status);
	else if (process->plan->kind == SIM_LISTEN)
		queue_begin(process);
	else if (process->service->engine == NULL)
		machine_open(process);
	else if (process->service->machine_over)
		service_arm(process, &process->service->linger, LINGER_MS);
	return 0;
}

void
sim_service_unload(struct sim_process *process)
{
	struct sim_service *service = process->service;

	if (service == NULL)
		return;
	for (uint64_t i = 0; i < service->queue_count; i++) {
		tmf_loop_timer_disarm(process->sim->loop, &service->queue[i].timer);
		job_cancel(service->queue[i].job);
		service->queue[i].job = NULL;
	}
	tmf_loop_timer_disarm(process->sim->loop, &service->linger);
	for (struct sim_task *task = service->tasks; task != NULL; task = task->next) {
		if (task->job == NULL)
			continue;
		job_cancel(task->job);
		task->job = NULL;
		task->lost = true;
		service_arm(process, &task->timer, HEARTBEAT_MS);
	}
	jobs_free(process->jobs);
	process->jobs = NULL;
}

void
sim_service_init(struct sim_process *process)
{
	struct sim_service *service = mem_zalloc(1, sizeof(*service));

	process->service = service;
	service->process = process;
	service->linger.fire = worker_leaves;
	service->restart.fire = machine_restarts;
	if (process->plan->kind != SIM_LISTEN)
		return;
	service->queue_count = process->sim->plan->world.instances;
	service->queue = mem_zalloc(service->queue_count, sizeof(service->queue[0]));
	for (uint64_t i = 0; i < service->queue_count; i++)
		service->queue[i] = (struct sim_delivery){
		    .timer.fire = delivery_came, .process = process, .instance = i};
}

void
sim_service_fini(struct sim_process *process)
{
	struct sim_service *service = process->service;

	if (service == NULL)
		return;
	tmf_loop_timer_disarm(process->sim->loop, &service->restart);
	execution_free(service->execution);
	engine_free(service->engine);
	tmf_registry_free(service->registry);
	tmf_registry_free(service->actions);
	free(service->queue);
	free(service);
}
