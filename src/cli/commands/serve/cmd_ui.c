#include "cli/commands/commands.h"

#include "base/mem.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "web/ui/ui_server.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define UI_ADDRESS_DEFAULT "127.0.0.1:0"

/* The desktop's own choice of a browser. Without one the printed address is enough. */
static void
ui_open(const char *url)
{
	char *address = mem_strdup(url);
	char program[] = "xdg-open";
	char *const argv[] = {program, address, NULL};
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
		cli_print(stderr, "tmflow: no xdg-open here: open the address by hand\n");
	free(address);
}

static void
ui_signal(void *arg, int signo)
{
	(void)signo;
	tmf_loop_stop(arg);
}

static int
ui_serve(
    struct tmf_loop *loop, struct store *store, const struct cli_opts *opts, struct tmf_err *err)
{
	const char *address = opts->listen != NULL ? opts->listen : UI_ADDRESS_DEFAULT;
	struct ui_server *server;
	int ret;

	if (tmf_loop_watch_signal(loop, SIGINT, ui_signal, loop, err) < 0 ||
	    tmf_loop_watch_signal(loop, SIGTERM, ui_signal, loop, err) < 0 ||
	    tmf_loop_watch_signal(loop, SIGHUP, ui_signal, loop, err) < 0)
		return -1;
	server = ui_server_start(loop, store, address, err);
	if (server == NULL)
		return -1;
	/* Data, for a script as well as for a person: the one line on standard output. */
	cli_print(stdout, "%s\n", ui_server_url(server));
	fflush(stdout);
	if (opts->open)
		ui_open(ui_server_url(server));
	ret = tmf_loop_run(loop, err);
	ui_server_stop(server);
	return ret;
}

/* It only reads: any number of them may look at a store while runs write to it. */
int
cmd_ui(const struct cli_opts *opts)
{
	struct tmf_err err = {0};
	int code = EXIT_OK;
	struct store *store = record_open_store(opts, &code);
	struct tmf_loop *loop;

	if (store == NULL)
		return code;
	loop = tmf_loop_new(NULL);
	if (ui_serve(loop, store, opts, &err) < 0)
		code = cli_fail_begin(opts->output, &err);
	tmf_loop_free(loop);
	store_close(store);
	return code;
}
