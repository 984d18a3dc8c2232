#ifndef TESTS_EC2SIM_SIM_TEST_H
#define TESTS_EC2SIM_SIM_TEST_H

#include "world.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>

/* A world with a clock of its own, and the last reply. */
struct sim {
	struct sim_world *world;
	int64_t now_wall_ms;
	struct sim_reply reply;
};

#define SIM_TEST_NOW_MS INT64_C(1772360430000) /* 2026-03-01T10:20:30Z */
#define SIM_TEXT_BYTES	600

/* opts without signatures to check. */
struct sim_opts sim_test_opts(uint64_t instances);
void sim_start(struct sim *sim, const struct sim_opts *opts);
void sim_stop(struct sim *sim);

/* Sends Action=..&.. (Version is added) and keeps the reply. Returns its status. */
int sim_call(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A call under /_sim/. */
int sim_control(struct sim *sim, const char *method, const char *path, const char *body);

/* Calls and fails the test unless the answer is that error (NULL: success). */
#define sim_expect(sim, code, ...)                                                                 \
	do {                                                                                       \
		sim_call((sim), __VA_ARGS__);                                                      \
		sim_check((sim), (code), __FILE__, __LINE__);                                      \
	} while (0)
void sim_check(const struct sim *sim, const char *code, const char *file, int line);

/* The text of the nth <name> (from 0) in the reply; "" where there are fewer. */
void sim_text(const struct sim *sim, const char *name, size_t nth, char out[SIM_TEXT_BYTES]);
/* How often text stands in the reply. */
size_t sim_count(const struct sim *sim, const char *text);
/* The next token in form encoding; "" for none. */
void sim_token(const struct sim *sim, char out[SIM_TEXT_BYTES]);

/* Interface ids of primary interfaces of plain worlds, given target and filter. */
struct sim_ids {
	char interface[40][SIM_ID_BYTES];
	char target[SIM_ID_BYTES];
	char filter[SIM_ID_BYTES];
	char other_filter[SIM_ID_BYTES];
	char subnet[SIM_ID_BYTES];
	char group[SIM_ID_BYTES];
};
void sim_ids(const struct sim *sim, struct sim_ids *ret);

/* Launches an instance in the first subnet and makes its interface a target. The ids go out. */
void sim_make_target(struct sim *sim, const struct sim_ids *ids, const char *type,
    char ret_target[SIM_TEXT_BYTES], char ret_instance[SIM_TEXT_BYTES]);

#define SIM_SESSION                                                                                \
	"Action=CreateTrafficMirrorSession&NetworkInterfaceId=%s&TrafficMirrorTargetId=%s&"        \
	"TrafficMirrorFilterId=%s&SessionNumber=%d"

/* Runs one Check case as main() of a suite. */
int sim_run_suite(const char *name, const TTest *const *tests, size_t count);
#define SIM_MAIN(name, ...)                                                                        \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = {__VA_ARGS__};                                        \
		return sim_run_suite(name, tests, sizeof(tests) / sizeof(tests[0]));               \
	}

#endif
