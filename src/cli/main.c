#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/watchdog.h"
#include "cli/answer.h"
#include "cli/color.h"
#include "cli/harden.h"
#include "cli/help.h"
#include "cli/signals.h"
#include "cli/subcommands.h"
#include "store/store.h"

#include <assert.h>
#include <locale.h>
#include <malloc.h>
#include <string.h>

#define MEMORY_KEPT_BYTES (2 << 20) /* free, at the end of the heap */

/* "no such subcommand", with the nearest one. */
static int
main_unknown_subcommand(const char *word, enum cli_output output)
{
	const char *known[CLI_SUBCOMMANDS_MAX + 1] = {NULL};
	struct tmf_err err = {0};
	const char *near;

	for (size_t i = 0; cli_subcommands[i].name != NULL; i++)
		known[i] = cli_subcommands[i].name;
	near = str_nearest(str_of(word), known);
	if (near != NULL)
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "unknown subcommand \"%s\" (did you mean \"%s\"?)", word, near);
	else
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "unknown subcommand \"%s\" (tmflow --help lists them)", word);
	return cli_fail_take(output, &err);
}

/* Help that was asked for goes to standard output, so that it can be piped into a pager. */
static int
main_help_or_version(int argc, char **argv)
{
	const struct subcommand *command = NULL;

	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("tmflow " TMFLOW_VERSION);
		return EXIT_OK;
	}
	if (argc > 2)
		command = cli_subcommand_find(argv[2]);
	if (argc > 2 && command == NULL)
		return main_unknown_subcommand(argv[2], OUTPUT_TEXT);
	if (command != NULL)
		cli_help_subcommand(command, stdout);
	else
		cli_help(cli_subcommands, stdout);
	return EXIT_OK;
}

static bool
main_is_help_or_version(const char *word)
{
	static const char *const words[] = {"--help", "-h", "help", "--version", "-V"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/*
 * The default level is warn, because a person at a terminal wants the result and not the way to it.
 * Log lines go to standard error, so that standard output holds the answer alone.
 */
static int
main_set_up_log(const struct cli_opts *opts, struct tmf_err *err)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	enum log_level level = LOG_WARN;
	bool known = opts->log_level == NULL;

	for (size_t i = 0; !known && i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(opts->log_level, levels[i]) != 0)
			continue;
		level = (enum log_level)i;
		known = true;
	}
	if (!known)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--log-level takes debug, info, warn or error, not \"%s\"", opts->log_level);
	if (opts->log_format != NULL && strcmp(opts->log_format, "logfmt") != 0 &&
	    strcmp(opts->log_format, "json") != 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--log-format takes logfmt or json, not \"%s\"", opts->log_format);
	log_setup(level,
	    opts->log_format != NULL && strcmp(opts->log_format, "json") == 0 ? LOG_JSON
									      : LOG_LOGFMT,
	    stderr);
	return 0;
}

/* A fault in the options is reported as the -o among them asks, even if parsing never got to it. */
static int
main_run_subcommand(const struct subcommand *command, int argc, char **argv)
{
	enum cli_output output = cli_wants_json(argc, argv) ? OUTPUT_JSON : OUTPUT_TEXT;
	struct cli_opts opts = {0};
	struct tmf_err err = {0};

	if (cli_options_parse(command, argc, argv, &opts, &err) < 0 ||
	    cli_color_setup(opts.color, &err) < 0 ||
	    (!opts.help && main_set_up_log(&opts, &err) < 0)) {
		return cli_fail_take(output, &err);
	}
	if (opts.help) {
		cli_help_subcommand(command, stdout);
		return EXIT_OK;
	}
	if (watchdog_start(WATCHDOG_TICK_MS, &err) < 0)
		return cli_fail_take(output, &err);
	return command->run(&opts);
}

/* Lambda starts a custom runtime by this name, without arguments. */
static bool
main_is_bootstrap(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash != NULL ? slash + 1 : path, "bootstrap") == 0;
}

/*
 * A page of instances is freed as a whole, and the next one needs as much again: the system need
 * not clear that memory each time. More than a page needs goes back to it.
 */
static void
main_keep_memory(void)
{
	mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT_BYTES);
}

/* Before any of the libraries allocates. */
static void
main_guard_memory(void)
{
	int guarded = mem_guard_libraries() == 0 && store_guard_memory() == 0;

	assert(guarded && "nothing has used a library yet");
}

/* A full disk or a closed pipe shows only here: an answer that was cut must not exit with 0. */
static int
main_flush(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	perror("tmflow: standard output");
	return code == EXIT_OK ? EXIT_RUN_FAILED : code;
}

int
main(int argc, char **argv)
{
	const struct subcommand *command;

	static char lambda[] = "lambda";
	char *lambda_argv[] = {argv[0], lambda, NULL};

	main_guard_memory();
	/* Names in AWS are UTF-8, whatever the locale of the shell or the container. */
	setlocale(LC_CTYPE, "C.UTF-8");
	cli_open_standard_files();
	main_keep_memory();
	cli_forbid_core();
	cli_signals_ignore_writes();
	if (argc == 1 && main_is_bootstrap(argv[0])) {
		argv = lambda_argv;
		argc = 2;
	}
	if (argc < 2) {
		cli_help(cli_subcommands, stderr);
		return EXIT_INVALID;
	}
	if (main_is_help_or_version(argv[1]))
		return main_flush(main_help_or_version(argc, argv));
	command = cli_subcommand_find(argv[1]);
	if (command == NULL)
		return main_unknown_subcommand(
		    argv[1], cli_wants_json(argc, argv) ? OUTPUT_JSON : OUTPUT_TEXT);
	return main_flush(main_run_subcommand(command, argc - 1, argv + 1));
}
