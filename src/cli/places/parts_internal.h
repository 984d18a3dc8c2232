#ifndef TMFLOW_CLI_PLACES_PARTS_INTERNAL_H
#define TMFLOW_CLI_PLACES_PARTS_INTERNAL_H

#include "cli/places/parts.h"
#include "cli/report/progress.h"
#include "cli/run/session.h"

/* Each holds a page of instances in memory, some 4 MiB with what belongs to it. Where there are
 * more, the others wait in the store until one of these is over. */
#define PARTS_AT_ONCE_MAX 200

/* One part: waiting, under way, or over. */
struct part {
	char id[STORE_RUN_ID_BYTES_MAX + 1];
	struct cli_opts opts; /* the whole's, for this place */
	char *config;	      /* --config, filled in */
	struct session session;
	enum session_way way;
	struct tmf_err fault; /* why its client could not be opened */
	struct place *place;  /* of a new run; borrowed */
	struct turns turns;   /* of a round of reconcile, while the part is open */
	bool ready;	      /* the session is initialised */
	bool opened;	      /* it runs, or has run */
	bool closed;	      /* its end is in the store */
};

struct parts {
	const struct cli_opts *opts;  /* without role, in one region */
	const struct cli_opts *asked; /* of a new run: as they were given */
	bool fresh;		      /* a new run */
	char *own_account;	      /* of a round of reconcile; borrowed. NULL: of none */
	json_t *files;		      /* {configuration: true}, whose warnings were said */
	struct workspace base;	      /* whose keys assume the roles; owns loop and network */
	struct store *store;	      /* borrowed */
	struct store_run *run;	      /* the whole; borrowed */
	struct part *at;
	size_t count;
	bool wait;   /* more than may be open: their sessions are made of their records */
	size_t next; /* to be opened */
	size_t open; /* opened and not closed */
	size_t over; /* closed */
	struct progress_sum past; /* of those that are closed */
	struct progress progress;
	int signals;
};

/*
 * Life: parts_init, store and run filled in, the parts made (from files or from their records),
 * parts_execute, parts_fini. Borrows base_opts. beside: as parts_run has it.
 */
void
parts_init(struct parts *parts, const struct cli_opts *base_opts, const struct workspace *beside);
void parts_fini(struct parts *parts);

/* Opens a part's client, whose calls bear the part's id. A failure is in *err. */
void part_open_client(struct part *part, struct tmf_err *err);

/* Makes a part's session of its record, part->id. Returns 0, or says why and gives the exit
 * code. */
int part_restore(struct parts *parts, struct part *part);

/* Frees a part's session: its record has all that it needs. */
void part_unload(struct part *part);

/* Runs all parts and reports how they ended. Returns the exit code. */
int parts_execute(struct parts *parts);

#endif
