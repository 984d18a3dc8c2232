#ifndef TMFLOW_TMFLOW_H
#define TMFLOW_TMFLOW_H

/*
 * libtmflow: the workflow engine of tmflow, to be embedded. This header includes the seven others.
 *
 *     error.h     the one way in which functions fail
 *     loop.h      one thread, one loop; how a host drives it from its own
 *     call.h      asynchronous calls, for actions that wait
 *     action.h    native actions: what `Resource: tmflow:NAME` runs
 *     workflow.h  definitions in the Amazon States Language
 *     store.h     runs that outlive their process
 *     engine.h    runs: start, resume, interrupt
 *
 * Words: a function that can fail returns 0 or -1, or NULL, and fills *err, which is last and may
 * be NULL. _new, _open, _start: to be freed. ret_x: written only on success, unless it says
 * otherwise. "Takes": the callee owns it from then on. "Borrows", const: the caller keeps it. What
 * a caller must not do (a NULL where none is allowed) is an assert, in release builds too. Out of
 * memory aborts; see tmf_guard_memory.
 */

#include "tmflow/action.h"
#include "tmflow/call.h"
#include "tmflow/engine.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"
#include "tmflow/store.h"
#include "tmflow/workflow.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of these headers. The library has the same functions as long as its soname is the
 * same. */
#define TMF_VERSION "0.1.0"

/* The version of the library that the program runs with. Returns: a static string. */
const char *tmf_version(void);

/*
 * Makes jansson, libcrypto and SQLite abort where they are out of memory, as the library itself
 * does. They belong to the whole process, so it is the host that says so: once, before it uses any
 * of the three. Without it, a run that meets the end of memory within jansson may continue without
 * a member; the library looks at no result of jansson's that can fail for no other reason.
 * Returns: 0. Errors: TMF_ERR_SYSTEM where libcrypto or SQLite is in use already.
 */
int tmf_guard_memory(struct tmf_err *err);

enum tmf_log_level {
	TMF_LOG_DEBUG,
	TMF_LOG_INFO,
	TMF_LOG_WARN,
	TMF_LOG_ERROR,
	TMF_LOG_NONE,
};

/*
 * Events of this level and above go to stream (borrowed), one a line: "TIME LEVEL EVENT KEY=VALUE
 * ...". Until it is called: TMF_LOG_WARN to stderr. It holds for the whole process.
 */
void tmf_log_setup(enum tmf_log_level level, FILE *stream);

#ifdef __cplusplus
}
#endif

#endif
