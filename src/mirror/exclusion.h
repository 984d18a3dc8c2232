#ifndef TMFLOW_MIRROR_EXCLUSION_H
#define TMFLOW_MIRROR_EXCLUSION_H

#include "mirror/account.h"
#include "mirror/config/config.h"

/* Why an instance is left out as a whole, whichever rule takes it. */
struct exclusion {
	/* "target-instance", "target-member" or "configured", as tmflow:exclude-target-instances
	 * records it; NULL: it is not left out. Static. */
	const char *reason;
	/* Which it is, or behind which it stands; NULL: not known, or "configured". Borrowed until
	 * targets or members of the account are loaded again. */
	const char *target_id;
};

/* Asks what was learned of the account: targets_load and members_load come before. */
struct exclusion exclusion_of(
    const struct account *account, const struct mirror_config *config, const json_t *instance);

#endif
