#ifndef TMFLOW_LOOP_LOOP_INTERNAL_H
#define TMFLOW_LOOP_LOOP_INTERNAL_H

#include "tmflow/loop.h"

#include <sys/types.h>

/* Waits, without blocking, for a child process that was killed: the loop asks for it now and in
 * each turn until it has ended. It does not keep the loop from being idle. */
void loop_reap(struct tmf_loop *loop, pid_t pid);

/* tmf_loop_unwatch_fd for a descriptor that may be closed already. */
void loop_forget_fd(struct tmf_loop *loop, struct tmf_fd_watch *watch);

#endif
