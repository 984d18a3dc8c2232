#ifndef TMFLOW_TESTS_SIM_H
#define TMFLOW_TESTS_SIM_H

#include "base/rng.h"
#include "fault_vfs.h"
#include "store/store.h"
#include "tmflow/error.h"
#include "world.h"

#include <jansson.h>

/*
 * Whole backfills in one process, the same way every time: the real engine, actions, client and
 * store on a fake clock, against the simulated account of tools/ec2sim, on a disk that can fail.
 * Several "processes", each with a store of its own, share the account; each can die at any point
 * and comes back, as `tmflow resume` would.
 *
 * A point is where a process can die: before a change of a file of its store, before a request
 * leaves, before a reply is heard.
 */

#define SIM_PROCESSES_MAX 6
#define SIM_CRASHES_MAX	  8
#define SIM_BOOTS_MAX	  64 /* of one process: more means that it gets nowhere */

enum sim_crash_kind { SIM_KILL, SIM_KILL_TORN, SIM_POWER_LOSS, SIM_CRASH_KINDS };

struct sim_crash {
	uint64_t point; /* counted from the process's last start, from 1 */
	enum sim_crash_kind kind;
	int64_t down_ms;
};

/* The n-th change of a file, from 1, is refused (0: none), and with lasting all later ones,
 * until the process has ended and is started again. */
struct sim_disk_fault {
	int change;
	int code;
	bool lasting;
};

enum sim_kind {
	SIM_BACKFILL,
	SIM_PLAN,   /* a backfill's dry run */
	SIM_LISTEN, /* the launch of each instance, as an event of a queue */
	SIM_WORKER, /* the tasks of a backfill that Step Functions runs */
};

struct sim_process_plan {
	enum sim_kind kind;
	int64_t start_ms;
	struct sim_crash crashes[SIM_CRASHES_MAX]; /* one after the other */
	size_t crashes_count;
	struct sim_disk_fault disk;
};

/* What is to happen. Everything is borrowed. */
struct sim_plan {
	uint64_t
	    seed; /* of what chance there is: latencies, back-off, what a loss of power leaves */
	struct sim_opts world;
	const char *workflow;	/* a file of workflows/; NULL: backfill.yaml */
	const char *definition; /* its text; NULL: that of the file */
	const char *input;	/* JSON; NULL: {} */
	json_t *objects;	/* of S3 at the beginning: {"BUCKET/KEY": text}; NULL: none */
	const char *config;	/* YAML; NULL: the account's, for all scenarios */
	/* Of every second process, by another name; NULL: all have the same. */
	const char *other_config;
	const char *hook; /* Lua source or NULL */
	/* Every so-many-th instance has a session of this configuration from before, whether a
	 * rule wants it or not, and the runs prune. 0: none, and they do not. */
	unsigned earlier_every;
	bool redrives; /* a run that FAILED goes on, as `tmflow resume` has it */
	size_t processes_count;
	struct sim_process_plan processes[SIM_PROCESSES_MAX];
	/* Adds to what a reply says or how it comes. Called for the n-th request of all, from 1.
	 * NULL: nothing. */
	void (*spoil)(
	    void *arg, uint64_t n, struct sim_reply *reply, enum tmf_err_code *ret_transport);
	void *spoil_arg;
};

struct sim_result {
	uint64_t points;   /* of the first process in its first life */
	uint64_t requests; /* in all */
	uint64_t crashes;
	uint64_t boots;
	uint64_t redrives;
	int64_t took_ms; /* on the fake clock */
	int64_t counts[SIM_PROCESSES_MAX][OUTCOME_COUNT];
	/* {"INSTANCE INTERFACE SLOT": {Outcome, Reason, Rule, TargetId}} of each process. Owned */
	json_t *ledgers[SIM_PROCESSES_MAX];
	json_t *expected; /* the account's verdict on its sessions, see world_expected. Owned */
	json_t *expected_of_other; /* the same for other_config; NULL without */
	json_t *report;		   /* the account's report with sessions. Owned */
	json_t *objects;	   /* of S3, at the end. Owned */
	size_t spooled;		   /* folders of runs beside the stores, at the end */
};
void sim_result_fini(struct sim_result *result);

/*
 * Plays the plan to its end. After every call that changes the account: no session twice, none on a
 * target's interface, no target with more sources than it may have. At the end: every run
 * SUCCEEDED, its outcomes add up and name every instance, each store opens and says so, and no
 * launched instance is without a target, or behind one that nobody has ever mirrored to. Returns -1
 * with *err saying which of these does not hold.
 */
int sim_play(const struct sim_plan *plan, struct sim_result *ret_result, struct tmf_err *err);

/* Sweeps try every so-many-th point: TMFLOW_SIM_STRIDE, which builds with sanitizers set since
 * they are slow; 1 without. */
uint64_t sim_stride(void);

#endif
