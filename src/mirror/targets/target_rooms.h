#ifndef TMFLOW_MIRROR_TARGETS_TARGET_ROOMS_H
#define TMFLOW_MIRROR_TARGETS_TARGET_ROOMS_H

#include "mirror/targets/target_lives.h"

/*
 * Room in targets that are interfaces: each takes 10 sources, or 100 on the largest types. What
 * they have already is listed once for each reading of the inventory, by up to
 * EC2_FILTER_VALUES_MAX targets at a time. From then on this process counts by itself: a source
 * takes its place when it is given the target, before its session is asked for, so that those who
 * wait for a new target do not all run into it. A load balancer or an endpoint takes any number,
 * and so does a target of which nothing is known.
 */
struct target_rooms;

/* Borrows both. _free cancels a count that is under way. */
struct target_rooms *target_rooms_new(struct target_listing *list, struct target_lives *lives);
void target_rooms_free(struct target_rooms *rooms);

/* New call that ends with {} once the inventory is read, lives are known, and sources are counted;
 * at once if they are. Errors: as target_lives_load, DescribeTrafficMirrorSessions. */
struct tmf_call *target_rooms_load(struct target_rooms *rooms);

/* How many sources the target takes; 0: any number, or not known. */
unsigned target_rooms_max(const struct target *target);

/* Gives the source a place at the target. False where that has none left. Before the first load
 * every target has. */
bool
target_rooms_enter(struct target_rooms *rooms, const char *target_id, const char *interface_id);

/* What became of a place that was given: used by a session, or taken back. What AWS lists stays. */
void target_rooms_settle(
    struct target_rooms *rooms, const char *target_id, const char *interface_id, bool used);

/* True if some source has a place at the target of which nothing is settled yet. */
bool target_rooms_is_awaited(const struct target_rooms *rooms, const char *target_id);

/* The target that a source of the subnet gets, with a place for it (interface_id NULL: without
 * one): the youngest that has room, and is neither full nor dead. NULL where the subnet has no such
 * target. Those whose places are all used are closed. Borrows. */
const struct target *
target_rooms_choose(struct target_rooms *rooms, const char *subnet_id, const char *interface_id);

#endif
