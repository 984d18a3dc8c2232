#ifndef TMFLOW_BASE_WATCHDOG_H
#define TMFLOW_BASE_WATCHDOG_H

#include "tmflow/error.h"

#include <stdbool.h>

/*
 * Looks from outside at how long one piece of work holds the thread: a timer on the thread's
 * processor time, whose signal says that the piece is overdue. What interprets input (Lua, paths,
 * JSONata, documents) asks watchdog_overdue where it counts its own budget, and fails what it is
 * at. It does not trust those budgets: what one of them counts wrongly still ends.
 */

#define WATCHDOG_TICK_MS     500 /* of processor time: a slow disk does not count */
#define WATCHDOG_TICKS_MAX   10	 /* a piece that takes more is overdue: 5 s */
#define WATCHDOG_TICKS_ABORT 120 /* one that does not even ask ends the process: 60 s */

/* Starts the watch over the calling thread, once. For a program; a library does not set signals of
 * its host. Without it nothing is ever overdue.
 * Units: tick_ms is WATCHDOG_TICK_MS, but in tests. Effects: SIGRTMIN is handled. Errors:
 * TMF_ERR_SYSTEM. */
int watchdog_start(int tick_ms, struct tmf_err *err);

/* A piece of work begins: a timer, a posted task, a hook, an event of a descriptor. */
void watchdog_begin(void);

/* What follows is not watched: the loop has ended, or waits. */
void watchdog_end(void);

/* True if the piece that is at work has used more than WATCHDOG_TICKS_MAX. Costs two loads. */
bool watchdog_overdue(void);

/* Returns: 0, or -1 with TMF_ERR_TIMEOUT if the piece is overdue. what: what is ended by it. */
int watchdog_check(const char *what, struct tmf_err *err);

/* Makes the piece that is at work overdue: for tests. */
void watchdog_expire(void);

#endif
