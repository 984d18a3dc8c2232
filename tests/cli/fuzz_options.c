/* The command line: one word a line, the subcommand first. */
#include "base/mem.h"
#include "cli/subcommands.h"
#include "loop/url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts text into words; returns how many. argv is of WORDS_MAX + 1. */
static int
split(char *text, char **argv)
{
	char *at = text;
	int argc = 0;

	while (argc < WORDS_MAX && at != NULL)
		argv[argc++] = strsep(&at, "\n");
	argv[argc] = NULL;
	return argc;
}

static void
read_values(const struct cli_opts *opts)
{
	const struct cli_number number = {"--pollers", opts->pollers, 1, 1000, 10};
	struct tmf_err err = {0};
	struct url url;
	long value;

	if (cli_number_parse(&number, &value, &err) == 0 && (value < 1 || value > 1000))
		abort();
	tmf_err_fini(&err);
	if (opts->endpoint_url != NULL && url_parse(opts->endpoint_url, &url) == 0) {
		if (url.scheme == NULL || url.host == NULL || url.host[0] == '\0')
			abort();
		url_fini(&url);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);
	char *argv[WORDS_MAX + 1];
	int argc = split(text, argv);
	const struct subcommand *command = cli_subcommand_find(argv[0]);
	struct cli_opts opts = {0};
	struct tmf_err err = {0};

	cli_output_wanted(argc, argv);
	cli_options_in_front(argc, argv, &err);
	tmf_err_fini(&err);
	if (command != NULL && cli_options_parse(command, argc, argv, &opts, &err) == 0) {
		if (opts.arg_count >= argc || (!opts.help && opts.arg_count < command->args_min) ||
		    opts.activity_arns.count > CLI_LIST_MAX)
			abort();
		read_values(&opts);
	} else if (command != NULL && err.code != TMF_ERR_INVALID) {
		abort();
	}
	tmf_err_fini(&err);
	free(text);
	return 0;
}
