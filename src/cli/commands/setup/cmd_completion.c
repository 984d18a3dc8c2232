#include "cli/commands/commands.h"

#include "cli/answer.h"

#include <string.h>

/*
 * The scripts know nothing of options and subcommands: with each press of the key they ask the
 * program (cli/complete.h), so that they are right for the version that is installed.
 */

static const char completion_bash[] =
    "# bash completion for tmflow: eval \"$(tmflow completion bash)\"\n"
    "_tmflow() {\n"
    "	local line word cur=${COMP_WORDS[COMP_CWORD]} IFS=$'\\n'\n"
    "	COMPREPLY=()\n"
    "	while read -r line; do\n"
    "		word=${line%%$'\\t'*}\n"
    "		case $word in\n"
    "		:files) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- \"$cur\")) "
    ";;\n"
    "		:folders) compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -d -- \"$cur\")) "
    ";;\n"
    "		\"$cur\"*) COMPREPLY+=(\"$word\") ;;\n"
    "		esac\n"
    "	done < <(\"${COMP_WORDS[0]}\" __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _tmflow tmflow\n";

static const char completion_zsh[] =
    "#compdef tmflow\n"
    "# zsh completion for tmflow: as _tmflow in a folder of $fpath, or\n"
    "# eval \"$(tmflow completion zsh)\" after compinit\n"
    "_tmflow() {\n"
    "	local line word tab=$'\\t'\n"
    "	local -a found\n"
    "	while IFS= read -r line; do\n"
    "		word=${line%%$tab*}\n"
    "		case $word in\n"
    "		:files) _files ;;\n"
    "		:folders) _files -/ ;;\n"
    "		*) if [[ $line == *$tab* ]]; then found+=(\"${word//:/\\\\:}:${line#*$tab}\")\n"
    "		   else found+=(\"${word//:/\\\\:}\"); fi ;;\n"
    "		esac\n"
    "	done < <($words[1] __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "	(( $#found )) && _describe tmflow found\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _tmflow ]; then _tmflow \"$@\"; else compdef _tmflow tmflow; fi\n";

static const char completion_fish[] =
    "# fish completion for tmflow: tmflow completion fish | source\n"
    "function __tmflow_complete\n"
    "	set -l words (commandline -opc) (commandline -ct)\n"
    "	for line in ($words[1] __complete $words[2..-1] 2>/dev/null)\n"
    "		switch $line\n"
    "		case ':files'\n"
    "			__fish_complete_path (commandline -ct)\n"
    "		case ':folders'\n"
    "			__fish_complete_directories (commandline -ct)\n"
    "		case '*'\n"
    "			echo $line\n"
    "		end\n"
    "	end\n"
    "end\n"
    "complete -c tmflow -f -a '(__tmflow_complete)'\n";

int
cmd_completion(const struct cli_opts *opts)
{
	static const struct {
		const char *shell;
		const char *script;
	} scripts[] = {
	    {"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
	struct tmf_err err = {0};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (strcmp(opts->args[0], scripts[i].shell) != 0)
			continue;
		fputs(scripts[i].script, stdout);
		return EXIT_OK;
	}
	tmf_err_set(
	    &err, TMF_ERR_INVALID, "completion: bash, zsh or fish, not \"%s\"", opts->args[0]);
	return cli_fail_take(opts->output, &err);
}
