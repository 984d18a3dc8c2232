#ifndef TMFLOW_TESTS_TARGETS_FIXTURE_H
#define TMFLOW_TESTS_TARGETS_FIXTURE_H

#include "mirror_fixture.h"

/* An account of one subnet, and a process whose rule "vpcs[0]" has its targets created. */

#define SOURCES 64

extern struct fixture fixture;
extern struct process process;
extern char subnet[SIM_ID_BYTES];

/* Without a process. */
void targets_setup_world(int64_t stale_ms, double empty_pages);

/* Check's fixtures. */
void targets_setup(void);
void targets_setup_stale(void);
void targets_setup_empty_pages(void);
void targets_teardown(void);

/* Input of tmflow:ensure-target for a source in the subnet. New reference. */
json_t *targets_request(const char *full_target_id);

/* The target of a result; the test fails where process has an error instead. Borrows. */
const char *targets_id_of(const json_t *result);

/* How many instances were launched in all. */
int targets_launched_in_all(void);

/* Launched, behind a target; and no live launched one without target. */
void targets_check_launches(int launched, int behind_target);

/* Mirrors interfaces first .. first + count - 1 to the target; the account refuses the eleventh
 * on a small instance. */
const struct tmf_err *targets_fill(const char *target_id, unsigned first, unsigned count);

/* The newest instance that was launched for a target, as AWS lists it. Static storage. */
const char *targets_launched_instance(void);
void targets_terminate_launched(void);
void targets_stop_launched(void);

#endif
