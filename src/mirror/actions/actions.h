#ifndef TMFLOW_MIRROR_ACTIONS_ACTIONS_H
#define TMFLOW_MIRROR_ACTIONS_ACTIONS_H

#include "mirror/mirror.h"

/* Adds every native action to the registry and sets mirror as its env. mirror may be NULL for
 * validation only. */
void actions_register(struct tmf_registry *registry, struct mirror *mirror);

#endif
