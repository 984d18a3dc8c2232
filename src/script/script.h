#ifndef TMFLOW_SCRIPT_SCRIPT_H
#define TMFLOW_SCRIPT_SCRIPT_H

#include "base/buf.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A Lua 5.4 file in a sandbox: no files, processes, network, native modules or bytecode; memory and
 * instructions are bounded. The file returns a table of functions; these are called with JSON and
 * answer with JSON. A fault in one call (TMF_ERR_HOOK with Lua's traceback; TMF_ERR_TIMEOUT where
 * the watchdog ended it) leaves the script usable: its state is made again.
 * See: https://www.lua.org/manual/5.4/
 */
struct script;

#define SCRIPT_SOURCE_BYTES_MAX (1u << 20)
#define SCRIPT_MEMORY_BYTES_MAX (16u << 20) /* of the whole Lua state */
#define SCRIPT_INSTRUCTIONS_MAX 10000000    /* and steps in C; of loading, and of each call */
#define SCRIPT_CPU_MS_MAX	2000	    /* the same, for what a single instruction can cost */
#define SCRIPT_RESULTS_MAX	2	    /* values taken of what a function returns */

/* Of a value that crosses over: four times what a state's data may be. */
#define SCRIPT_RESULT_BYTES_MAX (1u << 20)

#define SCRIPT_DEPTH_MAX 64 /* nesting of values that cross over */

/* Compiles and runs source; name is what messages call it. Errors: TMF_ERR_HOOK. */
struct script *script_new(const char *name, struct str source, struct tmf_err *err);

/* Frees the script; NULL is fine. */
void script_free(struct script *script);

/* True if the table that the file returned has a function of this name. */
bool script_has(struct script *script, const char *function);

/* Calls a function of the table. args are borrowed. ret_results[i] are new references (JSON null
 * for nil and what is missing). Errors: TMF_ERR_HOOK, TMF_ERR_TIMEOUT. */
int script_call(struct script *script, const char *function, json_t *const *args, size_t arg_count,
    json_t *ret_results[SCRIPT_RESULTS_MAX], struct tmf_err *err);

#endif
