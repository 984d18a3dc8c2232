#ifndef TMFLOW_MIRROR_OWNERSHIP_H
#define TMFLOW_MIRROR_OWNERSHIP_H

#include "mirror/config/config.h"

/*
 * Whose session it is. Everything that tmflow makes bears TAG_TOOL, and in TAG_CONFIGURATION the
 * name of the configuration that it was made for. Only sessions of the same configuration are
 * changed or removed, so that two configurations may mirror the same interfaces whatever their
 * rules are called. Another configuration's session may serve this one as well: one that mirrors as
 * the rule wants is `present`.
 */
enum session_owner {
	OWNER_STRANGER, /* not made by tmflow */
	OWNER_OTHER,	/* made by tmflow for another configuration */
	OWNER_UNNAMED, /* by a tmflow whose configurations had no names: see session_is_adoptable */
	OWNER_OURS     /* of the configuration: may be changed and removed */
};

/* Whose it is, as the configuration of that name sees it. session: as described, with its Tags. */
enum session_owner session_owner(const json_t *session, const char *configuration);

/* True if the session was made before configurations had names, for a rule that has this one's
 * name. Where filter and target fit as well, it is this configuration's: find-sessions gives it the
 * name, and from then on session_owner says OWNER_OURS. */
bool session_is_adoptable(const json_t *session, const struct config_rule *rule);

#endif
