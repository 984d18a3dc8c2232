#ifndef TMFLOW_TESTS_MIRROR_FIXTURE_H
#define TMFLOW_TESTS_MIRROR_FIXTURE_H

#include "aws/services/ec2.h"
#include "base/clock.h"
#include "mirror/mirror.h"
#include "world.h"

#include <check.h>

/*
 * Native actions against the simulated account of tools/ec2sim, in one process and without a
 * network: a fake clock, one loop, and as many "processes" (domain, store and client) as a test
 * wants.
 */

#define FIXTURE_OPS_MAX	   256
#define FIXTURE_FAULTS_MAX 16
#define FIXTURE_LATENCY_MS 5 /* of every reply */

struct fixture {
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct sim_world *world;
};

/* opts: as given, without signatures to check. */
void fixture_init(struct fixture *fixture, struct sim_opts *opts);

/* A plain world of one subnet. */
void fixture_init_subnet(
    struct fixture *fixture, unsigned instances, int64_t stale_ms, double empty_pages);
void fixture_fini(struct fixture *fixture);

/* An operation that is answered with an error instead of being handed to the account. */
struct fixture_fault {
	const char *operation; /* NULL: free */
	const char *code;
	int status;
	int times;
};

/* How an action ended. */
struct fixture_end {
	struct process *process;
	json_t *result; /* NULL on failure */
	struct tmf_err err;
	bool over;
};

/* What one tmflow process has. */
struct process {
	struct http_transport transport; /* first */
	struct fixture *fixture;
	struct credentials_provider credentials;
	struct rng rng;
	struct aws_client *ec2;
	struct aws_client *elb; /* NULL unless it looks behind load balancers */
	struct store *store;
	bool owns_store;
	struct mirror_config *config;
	struct accounts *accounts;
	bool owns_accounts;
	struct mirror *mirror;
	struct tmf_registry *registry;
	struct fixture_fault faults[FIXTURE_FAULTS_MAX];
	json_t *calls;	/* names of the operations asked for, in order */
	json_t *bodies; /* the requests themselves */
	json_t *
	    roles; /* ARNs that a client was wanted for: it is this account's, so a second pair of eyes on the same */
	struct fixture_end ends[FIXTURE_OPS_MAX];
	size_t ops;
};

struct process_opts {
	struct store *store;	    /* NULL: one of its own */
	const char *config;	    /* YAML; NULL: the account's */
	enum sim_scenario scenario; /* of the account's */
	const char *hook;	    /* Lua source or NULL */
	const char *run_id;	    /* NULL: "run" */
	bool dry_run;
	bool retry;   /* of what the run has recorded */
	bool resumes; /* the run is in the store already */
	bool shares_run;
	bool gathers;
	bool looks_behind_balancers; /* at one load balancer's members for each target of a rule */
	int64_t fresh_ms;
	struct accounts *accounts; /* another process's; NULL: its own */
};
void
process_init(struct process *process, struct fixture *fixture, const struct process_opts *opts);
void process_fini(struct process *process);

/* As at the end of a run. */
void process_settle(struct process *process);

/* The next `times` calls of operation are answered with code; NULL: with a reply that lists
 * nothing. */
void process_fault(
    struct process *process, const char *operation, const char *code, int status, int times);

/* From now on all calls are answered by the account. */
void process_heal(struct process *process);

/* Starts an action (input is taken) and leaves it to fixture_run to end it. As in the engine
 * without Retry, gave_up hears of a failure. */
struct fixture_end *process_start(struct process *process, const char *action, json_t *input);
void fixture_run(struct fixture *fixture);

/* Both at once. The result is borrowed; NULL on failure, and then process_error tells. */
json_t *process_run(struct process *process, const char *action, json_t *input);
const struct tmf_err *process_error(const struct process *process);

/* How often the operation was asked for; "" counts all. */
size_t process_calls(const struct process *process, const char *operation);
void process_forget_calls(struct process *process);

/* True if the last request of the operation has text in its body. */
bool process_asked_with(const struct process *process, const char *operation, const char *text);

/* All outcomes: [{"outcome", "instance", "interface"?, "reason"?, "error"?, ...}]. New
 * reference. */
json_t *process_outcomes(struct process *process);
/* The outcome of an interface or instance, "created" or "ineligible: type"; "" if it has none.
 * Static storage. */
const char *process_outcome(struct process *process, const char *id);

/* The account's own verdict. New reference. */
json_t *fixture_report(struct fixture *fixture);

/* Fails unless the report finds nothing wrong, but for targets that nobody mirrors to: a test of
 * targets alone has no sessions. */
void fixture_check_used(const json_t *report);

/* json_pack that takes no wrong format for an answer. */
json_t *jpack(const char *format, ...);

#endif
