#ifndef TMFLOW_CLI_COMPLETE_H
#define TMFLOW_CLI_COMPLETE_H

/* The word by which the shells' scripts ask; not listed in help. */
#define COMPLETE_WORD "__complete"

/*
 * Prints what may stand for the last of the words (which may be empty) that follow the program's
 * name, a line each: "WORD" or "WORD<tab>WHAT". The shell drops those that do not begin with what
 * was typed. A line ":files" or ":folders" asks it for its own names. Returns the exit code; what
 * cannot be read is left out, since a message would stand in the line that is being typed.
 */
int cli_complete(int count, char **words);

#endif
