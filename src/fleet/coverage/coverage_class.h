#ifndef TMFLOW_FLEET_COVERAGE_COVERAGE_CLASS_H
#define TMFLOW_FLEET_COVERAGE_COVERAGE_CLASS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What is to be said of an interface that could be mirrored. Each is in exactly one class, so the
 * counts of the classes add up to all interfaces.
 */

/* id, name, whether a rule wants the interface to be mirrored: those count for the coverage. */
#define COVERAGE_CLASS_TABLE(X)                                                                    \
	X(MIRRORED, "mirrored", true)	   /* as a rule wants, and packets can flow */             \
	X(SHADOWED, "shadowed", true)	   /* so, but others' lower session takes its packets */   \
	X(DEAD, "dead", true)		   /* a session is there, and no packet can flow */        \
	X(MISSING, "missing", true)	   /* a rule wants a session, and it has none   */         \
	X(EXCLUDED, "excluded", false)	   /* by the configuration, or it receives traffic */      \
	X(INELIGIBLE, "ineligible", false) /* it cannot be mirrored */                             \
	X(UNMATCHED, "unmatched", false)   /* no rule takes it */                                  \
	X(FOREIGN, "foreign", false)	   /* likewise, but others mirror it */
enum coverage_class {
#define X(id, name, wanted) COVERAGE_##id,
	COVERAGE_CLASS_TABLE(X)
#undef X
	    COVERAGE_CLASS_COUNT
};

/* "mirrored", ... */
const char *coverage_class_name(enum coverage_class class);

/* True if a rule wants interfaces of that class to be mirrored. */
bool coverage_class_is_wanted(enum coverage_class class);

/* Where several rules take an interface, the worst finding is the interface's: a gap of one of them
 * is a gap. What no rule wants is never worse. */
bool coverage_class_is_worse(enum coverage_class class, enum coverage_class other);

/* How many interfaces are in each class. Zeroed: none. */
struct coverage_counts {
	uint64_t of[COVERAGE_CLASS_COUNT];
};

/* One more interface of the class. */
void coverage_counts_add(struct coverage_counts *counts, enum coverage_class class);

/* All of them. */
uint64_t coverage_counts_all(const struct coverage_counts *counts);

/* Those that a rule wants to be mirrored. */
uint64_t coverage_counts_wanted(const struct coverage_counts *counts);

/* Which part of the wanted ones is mirrored, from 0 to 1. Returns false where none is wanted. */
bool coverage_counts_share(const struct coverage_counts *counts, double *ret_share);

#endif
