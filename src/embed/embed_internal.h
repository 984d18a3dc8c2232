#ifndef TMFLOW_EMBED_INTERNAL_H
#define TMFLOW_EMBED_INTERNAL_H

#include "asl/state/machine.h"
#include "store/store.h"
#include "tmflow/store.h"
#include "tmflow/workflow.h"

/* What stands behind the opaque structs of include/tmflow/, for this layer only. */

struct tmf_store {
	struct store *store;
};

struct tmf_workflow {
	char *name;
	char *text; /* for the record of each run */
	struct asl_machine *machine;
};

#endif
