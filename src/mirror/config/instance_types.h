#ifndef TMFLOW_MIRROR_CONFIG_INSTANCE_TYPES_H
#define TMFLOW_MIRROR_CONFIG_INSTANCE_TYPES_H

#include <stdbool.h>

/* What AWS's pages say of instance types. The lists grow, so they serve to foretell what AWS will
 * answer, never to refuse in its place. */

#define SOURCES_MAX	   10u /* of a target that is an interface, by the type of its instance */
#define SOURCES_MAX_RAISED 100u

/* True if interfaces of such an instance can be mirrored. */
bool instance_type_is_source(const char *type);

/* True if AWS names the type as one that cannot be mirrored. What is on neither list is newer than
 * this program. */
bool instance_type_is_never_source(const char *type);

/* How many interfaces may be mirrored to a target on such an instance. */
unsigned instance_type_sources_max(const char *type);

#endif
