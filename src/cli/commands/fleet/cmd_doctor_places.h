#ifndef TMFLOW_CLI_COMMANDS_FLEET_CMD_DOCTOR_PLACES_H
#define TMFLOW_CLI_COMMANDS_FLEET_CMD_DOCTOR_PLACES_H

#include "asl/compile/compile.h"
#include "cli/options.h"
#include "engine/registry.h"

/*
 * The doctor in several accounts and regions: what one place lacks is a check of that place, and
 * holds up no other. checks: [check], to which those of all places are added, in the places' order,
 * with "account" (where it is named) and "region". machine NULL: no workflow is given.
 * opts->output is text, since standard output has one document; output: the command's.
 * Returns EXIT_OK, or says why and returns the exit code.
 */
int doctor_places(const struct cli_opts *opts, enum cli_output output,
    struct tmf_registry *registry, const struct asl_machine *machine, json_t *checks);

/* Writes those checks for a person: a line a place, and what did not pass. */
void doctor_places_print(const json_t *checks);

#endif
