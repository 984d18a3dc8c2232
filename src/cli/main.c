#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/watchdog.h"
#include "cli/answer.h"
#include "cli/color.h"
#include "cli/complete.h"
#include "cli/harden.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/signals.h"
#include "cli/subcommands.h"
#include "cli/version.h"
#include "store/store.h"

#include <assert.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
main_help(int argc, char **argv)
{
	const struct subcommand *command = NULL;

	if (argc > 2 && argv[2][0] != '-')
		command = cli_subcommand_find(argv[2]);
	if (argc > 2 && argv[2][0] != '-' && command == NULL)
		return main_unknown_subcommand(argv[2], OUTPUT_TEXT);
	if (command != NULL && argc == 4 && strcmp(argv[3], "--manual") == 0)
		cli_manual(command, stdout); /* for cmake --install */
	else if (command != NULL)
		cli_help_subcommand(command, stdout);
	else
		cli_help(cli_subcommands, stdout);
	return EXIT_OK;
}

static bool
main_is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static const char *const main_help_words[] = {"--help", "-h", "help", NULL};
static const char *const main_version_words[] = {"--version", "-V", "version", NULL};

/*
 * Options may stand before the subcommand, too: they are moved behind it, where they are parsed
 * with the others. Returns an argv with the subcommand as its second word; or argv itself, where
 * nothing stands in front or what does is at fault. words is of argc + 1.
 */
static char **
main_put_subcommand_first(int argc, char **argv, char **words, struct tmf_err *err)
{
	int front;

	if (argc < 2 || main_is_one_of(argv[1], main_help_words) ||
	    main_is_one_of(argv[1], main_version_words))
		return argv;
	front = cli_options_in_front(argc, argv, err);
	if (front <= 0 || front + 1 >= argc)
		return argv;
	assert(front + 1 < argc && argv[argc] == NULL);
	words[0] = argv[0];
	words[1] = argv[front + 1];
	memcpy(words + 2, argv + 1, (size_t)front * sizeof(*words));
	/* With the NULL at its end. */
	memcpy(words + 2 + front, argv + front + 2, (size_t)(argc - front - 1) * sizeof(*words));
	return words;
}

/*
 * The default level is warn, because a person at a terminal wants the result and not the way to it.
 * Log lines go to standard error, so that standard output holds the answer alone.
 */
static int
main_set_up_log(const struct cli_opts *opts, struct tmf_err *err)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	static const char *const formats[] = {"logfmt", "json", "emf", "ecs"}; /* enum log_format */
	enum log_format format = LOG_LOGFMT;
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
	known = opts->log_format == NULL;
	for (size_t i = 0; !known && i < sizeof(formats) / sizeof(formats[0]); i++) {
		known = strcmp(opts->log_format, formats[i]) == 0;
		format = (enum log_format)i;
	}
	if (!known)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--log-format takes logfmt, json, emf or ecs, not \"%s\"", opts->log_format);
	log_setup(level, format, stderr);
	return 0;
}

/* A fault in the options is reported as the -o among them asks, even if parsing never got to it. */
static int
main_run_subcommand(const struct subcommand *command, int argc, char **argv)
{
	enum cli_output output = cli_output_wanted(argc, argv);
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
#ifdef M_TRIM_THRESHOLD /* glibc's; musl has no such setting */
	mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT_BYTES);
#endif
}

/* Before any of the libraries allocates. */
static void
main_guard_memory(void)
{
	int guarded =
	    mem_guard_libraries() == 0 && store_guard_memory() == 0 && store_use_one_thread() == 0;

	assert(guarded && "nothing has used a library yet");
}

/* As of `tmflow ... | head`: the reader has what it wants. */
static bool
main_reader_has_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* A full disk or a closed pipe shows only here: an answer that was cut must not exit with 0. */
static int
main_flush(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (!main_reader_has_gone())
		perror("tmflow: standard output");
	return code == EXIT_OK ? EXIT_RUN_FAILED : code;
}

static int
main_dispatch(int argc, char **argv)
{
	enum cli_output output = cli_output_wanted(argc, argv);
	char **words = mem_zalloc((size_t)argc + 2, sizeof(*words));
	const struct subcommand *command = NULL;
	struct tmf_err err = {0};
	int code;

	cli_set_lines(output == OUTPUT_JSONL);
	if (argc > 2 && strcmp(argv[1], COMPLETE_WORD) == 0) {
		free(words);
		return cli_complete(argc - 2, argv + 2);
	}
	argv = main_put_subcommand_first(argc, argv, words, &err);
	if (argc >= 2)
		command = cli_subcommand_find(argv[1]);
	if (tmf_err_isset(&err)) {
		code = cli_fail_take(output, &err);
	} else if (argc < 2) {
		cli_help(cli_subcommands, stderr);
		code = EXIT_INVALID;
	} else if (main_is_one_of(argv[1], main_version_words)) {
		cli_version(output);
		code = EXIT_OK;
	} else if (main_is_one_of(argv[1], main_help_words)) {
		code = main_help(argc, argv);
	} else if (argv[1][0] == '-') {
		tmf_err_set(&err, TMF_ERR_INVALID, "missing subcommand (tmflow --help lists them)");
		code = cli_fail_take(output, &err);
	} else {
		code = command != NULL ? main_run_subcommand(command, argc - 1, argv + 1)
				       : main_unknown_subcommand(argv[1], output);
	}
	free(words);
	return code;
}

int
main(int argc, char **argv)
{
	static char lambda[] = "lambda";
	char *lambda_argv[] = {argv[0], lambda, NULL};

	main_guard_memory();
	/* Names in AWS are UTF-8, whatever the locale of the shell or the container. */
	setlocale(LC_CTYPE, "C.UTF-8");
	cli_open_standard_files();
	log_find_journal(getenv("JOURNAL_STREAM"), stderr);
	main_keep_memory();
	cli_forbid_core();
	cli_signals_ignore_writes();
	if (argc == 1 && main_is_bootstrap(argv[0])) {
		argv = lambda_argv;
		argc = 2;
	}
	return main_flush(main_dispatch(argc, argv));
}
