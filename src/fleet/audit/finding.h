#ifndef TMFLOW_FLEET_AUDIT_FINDING_H
#define TMFLOW_FLEET_AUDIT_FINDING_H

#include "base/doc/doc.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What an audit may find, and the list of what it found. */

enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL, SEVERITY_COUNT };

/* "low", ... */
const char *severity_name(enum severity severity);

/* Reads a name. Returns 0, or -1 with *err, TMF_ERR_INVALID. */
int severity_parse(const char *name, enum severity *ret_severity, struct tmf_err *err);

/*
 * X(id, kind, severity, summary, remedy). The kinds are a contract: suppressions and programs name
 * them.
 */
#define FINDING_TABLE(X)                                                                           \
	X(FOREIGN_TARGET, "foreign-target", HIGH,                                                  \
	    "A session sends traffic to a target of an account that is not trusted",               \
	    "delete the session, or name the account in trustedAccounts")                          \
	X(SHARED_TARGET, "shared-target", HIGH,                                                    \
	    "A target is shared with others, who may send their traffic to it",                    \
	    "take the principal off the resource share, or name the account in trustedAccounts")   \
	X(MIRRORED_SENSOR, "mirrored-sensor", HIGH,                                                \
	    "An interface that receives mirrored traffic is mirrored itself: a loop",              \
	    "delete the session")                                                                  \
	X(DEAD_TARGET, "dead-target", HIGH,                                                        \
	    "What is mirrored to the target is lost: nothing receives it",                         \
	    "start the target's instance, or run the backfill: it moves the sessions")             \
	X(FULL_QUOTA, "full-quota", HIGH, "A quota is used up, or nearly",                         \
	    "delete what nobody needs, or spread the sources over more accounts")                  \
	X(STRANGER_SESSION, "stranger-session", MEDIUM, "A session that tmflow did not make",      \
	    "ask who made it (--events), then delete it or suppress the finding")                  \
	X(FOREIGN_CHANGE, "foreign-change", MEDIUM,                                                \
	    "Somebody else changed or deleted a session or target of tmflow's",                    \
	    "ask who did it, and take the permission from whom does not need it")                  \
	X(EMPTY_FILTER, "empty-filter", MEDIUM, "A filter that sessions use accepts no packet",    \
	    "add rules to the filter that accept traffic")                                         \
	X(DRIFTED_SESSION, "drifted-session", MEDIUM,                                              \
	    "A session of this configuration is not as its rule asks",                             \
	    "run the backfill: it modifies the session")                                           \
	X(UNWANTED_SESSION, "unwanted-session", MEDIUM,                                            \
	    "A session of this configuration that no rule wants any more",                         \
	    "run the backfill with --prune")                                                       \
	X(DETACHED_SOURCE, "detached-source", MEDIUM,                                              \
	    "The session's interface is attached to no instance: it costs and mirrors nothing",    \
	    "delete the session")                                                                  \
	X(UNMIRRORABLE_SOURCE, "unmirrorable-source", MEDIUM,                                      \
	    "The session's instance has a type that is not mirrored: it costs and mirrors "        \
	    "nothing",                                                                             \
	    "delete the session, or change the instance's type")                                   \
	X(IDLE_INSTANCE, "idle-instance", MEDIUM,                                                  \
	    "An instance that was launched for a target has none: it costs and receives nothing",  \
	    "tmflow destroy lists it and removes it")                                              \
	X(STOPPED_SOURCE, "stopped-source", LOW,                                                   \
	    "The session's instance is stopped: the session costs and mirrors nothing",            \
	    "delete the session, or leave stopped out of instanceStates and run with --prune")     \
	X(IDLE_TARGET, "idle-target", LOW, "A target without sessions",                            \
	    "delete it: tmflow destroy removes those that tmflow made")                            \
	X(STRANGER_TARGET, "stranger-target", LOW,                                                 \
	    "A target that tmflow did not make and the configuration does not name",               \
	    "ask who made it (--events), then delete it or suppress the finding")                  \
	X(OPEN_FILTER, "open-filter", LOW, "A filter that sessions use accepts every packet",      \
	    "narrow its rules, unless all traffic is wanted")
enum finding_kind {
#define X(id, kind, severity, summary, remedy) FINDING_##id,
	FINDING_TABLE(X)
#undef X
	    FINDING_KIND_COUNT
};

struct finding_row {
	const char *kind; /* "foreign-target" */
	enum severity severity;
	const char *summary;
	const char *remedy;
};
extern const struct finding_row finding_rows[FINDING_KIND_COUNT];

/* The row of that kind, or NULL. */
const struct finding_row *finding_row_named(const char *kind);

/* Where findings are of. */
struct finding_place {
	const char *account;
	const char *region;
};

/*
 * Appends {kind, severity, resource, account, region, evidence, remedy} to findings. Copies.
 * severity SEVERITY_COUNT: that of the kind.
 */
void finding_add(json_t *findings, enum finding_kind kind, enum severity severity,
    const struct finding_place *place, const char *resource, const char *evidence);

/* The worst first, then by kind, account, region and resource: the same at each audit. */
void findings_sort(json_t *findings);

/* {"high": n, ...}: of the severities that occur. New reference. */
json_t *findings_count(const json_t *findings);

/* True if one is at least that severe. */
bool findings_reach(const json_t *findings, enum severity severity);

#endif
