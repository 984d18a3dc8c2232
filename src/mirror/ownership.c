#include "mirror/ownership.h"

#include "mirror/names.h"

#include <assert.h>
#include <string.h>

enum session_owner
session_owner(const json_t *session, const char *configuration)
{
	const char *name = tag_value(session, TAG_CONFIGURATION);

	assert(configuration != NULL);
	if (tag_value(session, TAG_TOOL) == NULL)
		return OWNER_STRANGER;
	if (name == NULL)
		return OWNER_UNNAMED;
	return strcmp(name, configuration) == 0 ? OWNER_OURS : OWNER_OTHER;
}

/* Not by the target alone: two configurations of the time before may share one, and the rule's name
 * is all that their sessions differ by. */
bool
session_is_adoptable(const json_t *session, const struct config_rule *rule)
{
	const char *of_rule = tag_value(session, TAG_RULE);

	return session_owner(session, rule->configuration) == OWNER_UNNAMED && of_rule != NULL &&
	       strcmp(of_rule, rule->name) == 0;
}
