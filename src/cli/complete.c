#include "cli/complete.h"

#include "asl/compile/compile.h"
#include "aws/settings/shared_files.h"
#include "aws/wire/region.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/exit.h"
#include "cli/help.h"
#include "cli/print.h"
#include "cli/subcommands.h"
#include "cli/workspace/search.h"
#include "mirror/actions/actions.h"
#include "store/run_state.h"

#include <assert.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMPLETE_RUNS_MAX 50 /* the newest: nobody reads a longer list */

/* What was typed. */
struct typed {
	const struct subcommand *command; /* NULL: not yet */
	struct cli_opts opts; /* what the words before say, as far as they can be read */
	const struct cli_option_row *value_of; /* the word before wants a value; NULL: none does */
	const char *args[2];		       /* the first positional words of the subcommand */
	int arg_count;
	const char *word; /* that is to be completed */
};

/* A word a line, with what it is behind a tab: zsh and fish show that, bash cuts it off. */
static void
complete_put(const char *word, const char *what)
{
	if (what == NULL)
		cli_print(stdout, "%s\n", word);
	else
		cli_print(stdout, "%s\t%s\n", word, what);
}

static void
complete_put_list(const char *const *words)
{
	for (; *words != NULL; words++)
		complete_put(*words, NULL);
}

/* --- what there is --- */

/* An id says nothing to a person: workflow, status and start stand beside it. */
static int
complete_run(void *arg, const struct store_run *run)
{
	int *left = arg;
	char *name = run->workflow_name != NULL ? file_stem(run->workflow_name) : mem_strdup("-");
	char start[CLOCK_ISO_BYTES];
	char *what;

	clock_iso(run->start_wall_ms, start);
	what = mem_printf("%s %s %s", name, run_status_name(run->status), start);
	complete_put(run->id, what);
	free(what);
	free(name);
	return --*left == 0;
}

/* A store is opened only where one is: a key that is pressed makes no directory. */
static void
complete_runs(const struct typed *typed)
{
	const struct store_run_filter all = {.status = -1};
	char *dir = store_default_dir(typed->opts.state_dir, NULL);
	char *path = dir != NULL ? mem_printf("%s/tmflow.db", dir) : NULL;
	struct store *store = NULL;
	int left = COMPLETE_RUNS_MAX;

	if (path != NULL && access(path, R_OK) == 0)
		store = store_open(dir, clock_system(), NULL);
	if (store != NULL) {
		complete_put("@latest", "the newest run");
		store_runs_each(store, &all, complete_run, &left, NULL);
	}
	store_close(store);
	free(path);
	free(dir);
}

/* By the names that `run` finds in its folders; a file elsewhere is the shell's own to complete. */
static void
complete_workflows(void)
{
	char **folders = search_workflow_folders();

	for (char **at = folders; *at != NULL; at++) {
		DIR *dir = opendir(*at);
		struct dirent *entry;

		while (dir != NULL && (entry = readdir(dir)) != NULL) {
			const char *ending = strrchr(entry->d_name, '.');
			char *stem;

			if (ending == NULL || ending == entry->d_name ||
			    (strcmp(ending, ".yaml") != 0 && strcmp(ending, ".json") != 0))
				continue;
			stem = file_stem(entry->d_name);
			complete_put(stem, *at);
			free(stem);
		}
		if (dir != NULL)
			closedir(dir);
	}
	search_folders_free(folders);
	puts(":files");
}

/* Of the workflow that stands before. One with faults has no states to offer. */
static void
complete_states(const char *workflow)
{
	struct doc *doc = search_workflow(workflow, NULL);
	struct diag_list diags;
	struct asl_machine *machine;

	if (doc == NULL)
		return;
	diag_list_init(&diags, doc);
	machine = asl_compile(doc, NULL, &diags);
	for (unsigned i = 0; machine != NULL && i < asl_machine_state_count(machine); i++) {
		const struct asl_state *state = asl_machine_state(machine, i);

		complete_put(state->name, asl_state_type_name(state->type));
	}
	asl_machine_unref(machine);
	diag_list_fini(&diags);
	doc_free(doc);
}

static void
complete_profile(void *arg, const char *profile)
{
	(void)arg;
	complete_put(profile, NULL);
}

/* From both files, as the AWS CLI does: a profile may be in one of them only. */
static void
complete_profiles(void)
{
	const struct aws_env env = {0};
	struct shared_files files;

	if (shared_files_read(&env, &files, NULL) < 0)
		return;
	config_file_each_profile(files.config, complete_profile, NULL);
	config_file_each_profile(files.credentials, complete_profile, NULL);
	shared_files_free(&files);
}

static void
complete_actions(void)
{
	struct tmf_registry *registry = tmf_registry_new();
	const struct tmf_action *action;

	actions_register(registry, NULL);
	for (size_t i = 0; (action = tmf_registry_at(registry, i)) != NULL; i++)
		complete_put(action->name, action->summary);
	tmf_registry_free(registry);
}

static void
complete_subcommands(void)
{
	for (const struct subcommand *c = cli_subcommands; c->name != NULL; c++)
		complete_put(c->name, c->summary);
}

static void
complete_run_states(void)
{
	for (int kind = 0; kind < RUN_STATE_COUNT; kind++)
		complete_put(run_state_name((enum run_state_kind)kind), NULL);
}

/* --- what may stand where --- */

/* Values of options that are one of a few words; ends with a row without name. */
#define COMPLETE_WORDS_MAX 8
static const struct {
	const char *option;
	const char *const words[COMPLETE_WORDS_MAX + 1]; /* ends with NULL */
} complete_words[] = {
    {"fail-on", {"low", "medium", "high", "critical"}},
    {"for", {"run", "reconcile", "worker", "listen", "coverage", "audit", "doctor", "destroy"}},
    {"color", {"auto", "always", "never"}},
    {"log-format", {"logfmt", "json", "emf", "ecs"}},
    {"format", {"dot", "mermaid", "svg"}},
    {"query-language", {"jsonata", "jsonpath"}},
    {"inspection-level", {"INFO", "DEBUG", "TRACE"}},
    {NULL, {NULL}},
};

/* The forms of the subcommand: SARIF of an audit, a page of a run. */
static void
complete_outputs(const struct typed *typed)
{
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		const char *name = cli_output_name(typed->command, (enum cli_output)i);

		if (name != NULL)
			complete_put(name, NULL);
	}
}

/* By what the option takes, as help shows it. Others are numbers and names that nobody knows. */
static void
complete_value(const struct typed *typed)
{
	const struct cli_option_row *option = typed->value_of;
	static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

	assert(option->arg != NULL);
	for (size_t i = 0; complete_words[i].option != NULL; i++)
		if (strcmp(option->name, complete_words[i].option) == 0)
			complete_put_list(complete_words[i].words);
	if (strcmp(option->name, "log-level") == 0)
		complete_put_list(levels);
	else if (strcmp(option->name, "output") == 0)
		complete_outputs(typed);
	else if (strcmp(option->arg, "FILE") == 0 || strcmp(option->arg, "JSON") == 0)
		puts(":files");
	else if (strcmp(option->arg, "DIR") == 0)
		puts(":folders");
	else if (strcmp(option->arg, "RUN-ID") == 0)
		complete_runs(typed);
	else if (strcmp(option->arg, "REGION") == 0)
		complete_put_list(region_list());
	else if (strcmp(option->arg, "STATUS") == 0)
		complete_run_states();
	else if (strcmp(option->name, "workflow") == 0)
		complete_workflows();
	else if (strcmp(option->name, "profile") == 0)
		complete_profiles();
}

/* Before the subcommand every option is offered: some people type those first. */
static void
complete_options(const struct typed *typed)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		struct buf help = {0};
		char *name;

		if (typed->command != NULL && !(typed->command->options & CLI_OPTION_BIT(i)))
			continue;
		name = mem_printf("--%s", cli_options[i].name);
		cli_option_help(typed->command, (enum cli_option)i, &help);
		complete_put(name, buf_cstr(&help));
		buf_fini(&help);
		free(name);
	}
}

/* The word of .args in subcommands.c that stands at this place; the last one where it repeats. */
static const char *
complete_arg_at(const struct subcommand *command, int place)
{
	const char *args = command->args;

	while (place-- > 0 && strchr(args, ' ') != NULL)
		args = strchr(args, ' ') + 1;
	return args[0] == '[' ? args + 1 : args;
}

/* What the words of the usage line stand for. */
static void
complete_argument(const struct typed *typed)
{
	static const char *const shells[] = {"bash", "zsh", "fish", NULL};
	const char *kind;

	assert(typed->command != NULL);
	if (typed->command->args_max >= 0 && typed->arg_count >= typed->command->args_max)
		return;
	kind = complete_arg_at(typed->command, typed->arg_count);
	if (strncmp(kind, "RUN-ID", 6) == 0)
		complete_runs(typed);
	else if (strncmp(kind, "WORKFLOW", 8) == 0)
		complete_workflows();
	else if (strncmp(kind, "STATE", 5) == 0)
		complete_states(typed->args[0]);
	else if (strncmp(kind, "SHELL", 5) == 0)
		complete_put_list(shells);
	else if (strncmp(kind, "NAME", 4) == 0)
		complete_actions();
	else if (strncmp(kind, "FILE", 4) == 0)
		puts(":files");
	else if (kind[0] >= 'a' && kind[0] <= 'z') /* the word itself, as in `store check` */
		complete_put(kind, NULL);
}

/* The option that a whole word names, NULL for none; those of no subcommand in particular too. */
static const struct cli_option_row *
complete_find_option(const char *word)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct cli_option_row *row = &cli_options[i];

		if ((word[0] == '-' && word[1] == '-' && strcmp(word + 2, row->name) == 0) ||
		    (row->letter != 0 && word[0] == '-' && word[1] == row->letter &&
			word[2] == '\0'))
			return row;
	}
	return NULL;
}

/* A line that is being typed is full of faults: words are taken for what they look like. */
static void
complete_read(int count, char **words, struct typed *typed)
{
	assert(count > 0);
	typed->word = words[count - 1];
	for (int i = 0; i + 1 < count; i++) {
		const struct cli_option_row *option = complete_find_option(words[i]);

		/* bash gives --output=json as three words. */
		if (option != NULL && i + 2 < count && strcmp(words[i + 1], "=") == 0)
			i++;
		if (option != NULL && option->arg != NULL && i + 2 == count) {
			typed->value_of = option;
		} else if (option != NULL && option->arg != NULL) {
			if (strcmp(option->name, "state-dir") == 0)
				typed->opts.state_dir = words[i + 1];
			i++;
		} else if (words[i][0] != '-' && typed->command == NULL) {
			typed->command = cli_subcommand_find(words[i]);
		} else if (words[i][0] != '-' && typed->arg_count < 2) {
			typed->args[typed->arg_count++] = words[i];
		}
	}
}

int
cli_complete(int count, char **words)
{
	struct typed typed = {.command = NULL};

	if (count < 1)
		return EXIT_INVALID;
	complete_read(count, words, &typed);
	if (typed.value_of != NULL)
		complete_value(&typed);
	else if (typed.word[0] == '-')
		complete_options(&typed);
	else if (typed.command == NULL)
		complete_subcommands();
	else
		complete_argument(&typed);
	return EXIT_OK;
}
