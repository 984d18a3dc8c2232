#include "tmflow/tmflow.h"

#include "base/log.h"
#include "base/mem.h"
#include "store/store.h"

/* The public levels are cast to the internal ones, so the two lists must agree. */
_Static_assert((int)TMF_LOG_DEBUG == (int)LOG_DEBUG && (int)TMF_LOG_INFO == (int)LOG_INFO &&
		   (int)TMF_LOG_WARN == (int)LOG_WARN && (int)TMF_LOG_ERROR == (int)LOG_ERROR &&
		   (int)TMF_LOG_NONE == (int)LOG_NONE,
    "the levels are the log's");

const char *
tmf_version(void)
{
	return TMFLOW_VERSION;
}

int
tmf_guard_memory(struct tmf_err *err)
{
	if (mem_guard_libraries() < 0)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "libcrypto is in use already");
	if (store_guard_memory() < 0)
		return tmf_err_set(err, TMF_ERR_SYSTEM, "SQLite is in use already");
	return 0;
}

/* The format is fixed for hosts: logfmt has one event on a line. */
void
tmf_log_setup(enum tmf_log_level level, FILE *stream)
{
	log_setup((enum log_level)level, LOG_LOGFMT, stream);
}
