#ifndef TMFLOW_CLI_COMMANDS_COMMANDS_H
#define TMFLOW_CLI_COMMANDS_COMMANDS_H

#include "cli/options.h"

/* What each does, in the file of its name. Return the exit code. */
int cmd_run(const struct cli_opts *opts);
int cmd_resume(const struct cli_opts *opts);
int cmd_runs(const struct cli_opts *opts);
int cmd_store(const struct cli_opts *opts);
int cmd_show(const struct cli_opts *opts);
int cmd_stop(const struct cli_opts *opts);
int cmd_eval(const struct cli_opts *opts);
int cmd_validate(const struct cli_opts *opts);
int cmd_actions(const struct cli_opts *opts);
int cmd_test_state(const struct cli_opts *opts);
int cmd_graph(const struct cli_opts *opts);
int cmd_export(const struct cli_opts *opts);
int cmd_ui(const struct cli_opts *opts);
int cmd_worker(const struct cli_opts *opts);
int cmd_coverage(const struct cli_opts *opts);
int cmd_explain(const struct cli_opts *opts);
int cmd_audit(const struct cli_opts *opts);
int cmd_doctor(const struct cli_opts *opts);
int cmd_destroy(const struct cli_opts *opts);
int cmd_listen(const struct cli_opts *opts);
int cmd_reconcile(const struct cli_opts *opts);
int cmd_lambda(const struct cli_opts *opts);
int cmd_completion(const struct cli_opts *opts);
int cmd_config(const struct cli_opts *opts);
int cmd_init(const struct cli_opts *opts);

#endif
