#ifndef TMFLOW_MIRROR_TARGETS_TARGET_LEFTOVERS_H
#define TMFLOW_MIRROR_TARGETS_TARGET_LEFTOVERS_H

#include "mirror/targets/target_creations.h"
#include "mirror/targets/target_rooms.h"

/*
 * Launches that no creation is at any more: a crash, or errors that outlasted all retries, came
 * between launch and target, and nobody asked for the subnet's target again. What is taken up is
 * of this run (in whichever life), or of a run that no process holds; what other processes are
 * at is theirs. The same holds for targets that were made and that nobody has mirrored to when the
 * run ends: AWS refused the only source, or another process was faster. They are taken back.
 */
struct target_leftovers;

/* Borrows all. _free cancels the settling that is under way. */
struct target_leftovers *target_leftovers_new(struct account *account,
    struct target_creations *creations, struct target_rooms *rooms, struct target_lives *lives);
void target_leftovers_free(struct target_leftovers *leftovers);

/* New call that ends with {} when creations that are under way have ended, and each leftover has
 * a target or is over, or cannot be settled now (which is logged); takes_back: and each idle target
 * is gone. What fails in passing is tried again for five minutes. Without any it costs a query of
 * the store for each kind. Errors: TMF_ERR_STORE. */
struct tmf_call *target_leftovers_settle(struct target_leftovers *leftovers, bool takes_back);

#endif
