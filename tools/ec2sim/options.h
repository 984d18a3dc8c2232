#ifndef EC2SIM_OPTIONS_H
#define EC2SIM_OPTIONS_H

#include "http.h"

#include <stdio.h>

/* The command line of ec2sim. */
struct sim_command {
	struct sim_cloud_opts cloud;
	struct sim_http_opts http;
	struct sim_signal signals[SIM_SIGNALS_MAX];
	size_t signals_count;
	const char *port_file;
	const char *report;
	const char *config_out;
	enum sim_scenario scenario;
	bool print_world;
	bool print_operations;
	bool help;
	char *credentials[SIM_CREDENTIALS_MAX]; /* owned; cloud.world.credentials point into them */
	size_t credentials_count;
};

/* Fills ret_command, whose strings are borrowed from argv. Errors: TMF_ERR_INVALID. */
int sim_command_parse(int argc, char **argv, struct sim_command *ret_command, struct tmf_err *err);
void sim_command_fini(struct sim_command *command);
void sim_command_help(FILE *out);

#endif
