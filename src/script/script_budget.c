#include "script/script_budget.h"

#include "base/watchdog.h"
#include "script/script.h"

#include <lauxlib.h>

/* Instructions between looks at the budget. One that compares two texts of 4 MB takes milliseconds,
 * so they are few; a look costs as much as some ten. */
#define HOOK_INSTRUCTIONS 50

#define SPEND_STEPS 1000 /* in C, between looks */

/* Processor time of this thread, so that a machine that was suspended does not count. */
static int64_t
budget_cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct script_budget *
budget_of(lua_State *L)
{
	return *(struct script_budget **)lua_getextraspace(L);
}

static void budget_count(lua_State *L, lua_Debug *debug);

/* The processor's clock costs a system call, so it is asked only when the coarse one has moved, a
 * few hundred times a second. */
static bool
budget_is_late(struct script_budget *budget)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec == budget->looked_s && now.tv_nsec == budget->looked_ns)
		return false;
	budget->looked_s = now.tv_sec;
	budget->looked_ns = now.tv_nsec;
	return budget_cpu_ms() >= budget->deadline_cpu_ms;
}

/* Over budget: from now on every single instruction raises, so that no pcall of the script's can go
 * on. */
static void
budget_check(lua_State *L, struct script_budget *budget)
{
	bool overdue = watchdog_overdue();

	if (budget->instructions_left >= 0 && !overdue && !budget_is_late(budget))
		return;
	lua_sethook(L, budget_count, LUA_MASKCOUNT, 1);
	budget->instructions_left = -1;
	budget->timed_out |= overdue;
	luaL_error(
	    L, "more than %d instructions or %d ms", SCRIPT_INSTRUCTIONS_MAX, SCRIPT_CPU_MS_MAX);
}

/* Lua calls this once in a number of instructions, so the budget costs next to nothing. */
static void
budget_count(lua_State *L, lua_Debug *debug)
{
	struct script_budget *budget = budget_of(L);

	(void)debug;
	budget->instructions_left -= HOOK_INSTRUCTIONS;
	budget_check(L, budget);
}

void
script_budget_begin(struct script_budget *budget, lua_State *L)
{
	*budget = (struct script_budget){
	    .instructions_left = SCRIPT_INSTRUCTIONS_MAX,
	    .deadline_cpu_ms = budget_cpu_ms() + SCRIPT_CPU_MS_MAX,
	};
	*(struct script_budget **)lua_getextraspace(L) = budget;
	lua_sethook(L, budget_count, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
}

void
script_spend(lua_State *L, size_t steps)
{
	struct script_budget *budget = budget_of(L);

	budget->steps += steps;
	if (budget->steps < SPEND_STEPS)
		return;
	budget->instructions_left -= (int64_t)budget->steps;
	budget->steps = 0;
	budget_check(L, budget);
}
