#ifndef TMFLOW_TESTS_SIM_INTERNAL_H
#define TMFLOW_TESTS_SIM_INTERNAL_H

#include "aws/client.h"
#include "base/clock.h"
#include "data/objects.h"
#include "engine/engine.h"
#include "mirror/mirror.h"
#include "sim.h"

#define SIM_RUN_ID	  "run"
#define SIM_START_WALL_MS INT64_C(1772360430000) /* 2026-03-01T10:20:30Z */
#define EARLIER_MS	  3600000		 /* longer than any describe lags behind */

struct jobs;
struct sim;
struct sim_service;

/* One tmflow process: what lives from boot to end or death stands behind `store`. */
struct sim_process {
	struct http_transport transport; /* first */
	struct sim *sim;
	size_t index;
	const struct sim_process_plan *plan;
	char *dir;
	struct fault_vfs disk;
	struct tmf_timer start; /* armed while it is down */
	size_t crashes_done;
	uint64_t points; /* passed since the last boot */
	uint64_t boots;
	bool dead; /* from here on nothing that it does has an effect */
	enum sim_crash_kind died_of;
	bool over;     /* the execution is */
	bool finished; /* and the store says so */
	bool redrives; /* this life goes on with a run that had failed */

	struct objects objects; /* those of the simulation, as this process reaches them */
	struct credentials_provider credentials;
	struct rng rng;
	struct store *store;
	char *spool;
	struct aws_client *ec2;
	struct aws_client *elb;
	struct accounts *accounts;
	struct mirror *mirror;
	struct tmf_registry *registry;
	struct engine *engine;
	struct execution *execution;
	struct tmf_call *settling;
	struct jobs *jobs;	     /* of one that serves */
	struct sim_service *service; /* the other side of it, which outlives its lives */
	struct store_run run;	     /* owned */
};

struct sim {
	const struct sim_plan *plan;
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct sim_world *world;
	struct rng rng;
	struct mirror_config *configs[2]; /* the second one: other_config; NULL without */
	char *config_texts[2];
	char *workflow_text;
	struct asl_machine *machine;
	char *dir;
	json_t *objects; /* of S3: {"BUCKET/KEY": text} */
	struct sim_process processes[SIM_PROCESSES_MAX];
	struct sim_result *result;
	struct tmf_err broken; /* the first invariant that did not hold */
};

/* Passes a point. True if the process dies there (or is dead already). */
bool sim_point(struct sim_process *process);

/* sim_process.c */
void sim_process_init(struct sim_process *process, struct sim *sim, size_t index);
void sim_process_fini(struct sim_process *process);

/* Starts it, or goes on with what its store holds. Returns -1 with *err where it could not (it
 * may have died on the way: look at dead). */
int sim_process_boot(struct sim_process *process, struct tmf_err *err);

/* Writes the end of the run. */
int sim_process_finish(struct sim_process *process, struct tmf_err *err);

/* Takes it off the machine, dead or done. */
void sim_process_unload(struct sim_process *process);

/* For accounts_opts and jobs_opts; arg is the process. */
struct aws_client *sim_process_elb_for(void *arg, const struct aws_client *ec2);

/* sim_serve.c */
void sim_service_init(struct sim_process *process);
void sim_service_fini(struct sim_process *process);

/* Starts its jobs, or goes on with what was not finished. */
int sim_service_begin(struct sim_process *process, struct tmf_err *err);

/* Ends what is under way; the queue and the state machine stay. NULL service is fine. */
void sim_service_unload(struct sim_process *process);

/* sim_transport.c */
void sim_transport_init(struct http_transport *transport);

/* sim_objects.c */
void sim_objects_init(struct objects *objects);

/* The account's report. New reference. */
json_t *sim_report(const struct sim *sim, bool with_sessions);

/* Notes that an invariant is broken, once, and stops. */
void sim_broken(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
