#include "cli/commands/commands.h"

#include "cli/answer.h"
#include "cli/places/parts.h"
#include "cli/places/places.h"
#include "cli/record.h"
#include "cli/run/new_run.h"
#include "cli/run/session.h"

#include <stddef.h>

/* What can be seen from the options alone, before a file is read. */
static int
run_check_options(const struct cli_opts *opts, struct tmf_err *err)
{
	if (opts->test_case != NULL && opts->mock == NULL)
		return tmf_err_set(err, TMF_ERR_INVALID, "--test-case: needs --mock");
	if (opts->mock != NULL && places_are_several(opts))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--mock: one run answers from it, not one for each account and region");
	if (opts->detailed_exitcode && !opts->dry_run)
		return tmf_err_set(err, TMF_ERR_INVALID, "--detailed-exitcode: needs --dry-run");
	return record_check_prune_limit(opts->prune_limit, err);
}

/*
 * Only a dry run knows at its end whether there is something to change. The exit code of a real run
 * says what was done.
 */
int
cmd_run(const struct cli_opts *opts)
{
	struct session session;
	struct tmf_err err = {0};
	int code;

	if (run_check_options(opts, &err) < 0)
		return cli_fail_take(opts->output, &err);
	if (places_are_several(opts))
		return parts_run(opts, NULL, NULL);
	session_init(&session, opts);
	session.reads_scripts = true;
	code = new_run(&session);
	session_fini(&session);
	return code;
}
