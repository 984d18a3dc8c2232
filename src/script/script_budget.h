#ifndef TMFLOW_SCRIPT_SCRIPT_BUDGET_H
#define TMFLOW_SCRIPT_SCRIPT_BUDGET_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * What one call of a script may use: instructions and steps, processor time, and the turn of the
 * loop that the watchdog guards. SCRIPT_INSTRUCTIONS_MAX and SCRIPT_CPU_MS_MAX are its limits.
 */
struct script_budget {
	int64_t instructions_left;
	size_t steps; /* in C since the last look */
	int64_t deadline_cpu_ms;
	time_t looked_s; /* at deadline_cpu_ms, by the coarse clock */
	long looked_ns;
	bool timed_out; /* by the watchdog */
};

/* Fills the budget, and lets L and its coroutines spend it until the next begin. Borrows: budget,
 * as long as L. */
void script_budget_begin(struct script_budget *budget, lua_State *L);

/* Takes steps from the budget of the call, as instructions are: for functions in C, which the count
 * of instructions does not interrupt. Raises when the budget or the time is used up. Units: a step
 * is some nanoseconds of work. */
void script_spend(lua_State *L, size_t steps);

#endif
