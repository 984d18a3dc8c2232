#ifndef TMFLOW_TESTS_ASL_MACHINE_VECTORS_H
#define TMFLOW_TESTS_ASL_MACHINE_VECTORS_H

#include "asl/compile/compile.h"

/* Compiles JSON text with ' for ", asserting that it is valid. */
struct asl_machine *vector_machine(const char *text);

/* As JSON text, the machine whose only interesting state is S, of the JSON text given; T is a
 * state to go on to. */
struct asl_machine *vector_state(const char *text);

/* Whether json, an array of strings, holds text. */
bool vector_has(const json_t *json, const char *text);

/* Calls one for each case in a folder of the recorded results. Returns how many there were: 0,
 * with a printed line, where the folder is not there. */
int vector_each_case(const char *folder, void (*one)(void *arg, json_t *corpus_case), void *arg);

#endif
