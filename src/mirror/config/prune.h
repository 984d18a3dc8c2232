#ifndef TMFLOW_MIRROR_CONFIG_PRUNE_H
#define TMFLOW_MIRROR_CONFIG_PRUNE_H

#include "tmflow/error.h"

#include <stdbool.h>
#include <stdint.h>

/* How many unwanted sessions a run may remove. A rule that was edited by mistake, or a tag that
 * somebody took off a whole fleet, must not take the sessions with it. */
struct prune_limit {
	int64_t sessions; /* up to this number, whatever their share */
	int64_t percent;  /* or at most this share of the configuration's sessions */
};

/* A run that would remove more than its limit. */
#define ERROR_PRUNE_LIMIT "TMFlow.PruneLimit"

/* Without --prune-limit: up to ten, or up to a quarter. */
#define PRUNE_LIMIT_DEFAULT ((struct prune_limit){.sessions = 10, .percent = 25})

/* Reads "N" or "N%". Errors: TMF_ERR_INVALID. */
int prune_limit_parse(const char *text, struct prune_limit *ret_limit, struct tmf_err *err);

/* True if that number of unwanted sessions may be removed of all. */
bool prune_limit_allows(const struct prune_limit *limit, int64_t unwanted, int64_t sessions);

#endif
