#ifndef TMFLOW_SERVE_LISTENER_INTERNAL_H
#define TMFLOW_SERVE_LISTENER_INTERNAL_H

#include "serve/health.h"
#include "serve/listener.h"
#include "serve/poll_pace.h"
#include "serve/warnings.h"

struct receive;
struct message;

struct listener {
	struct listener_opts opts;
	struct receive *receives; /* open ones, a list */
	unsigned open_receives;
	unsigned receivers;	  /* that may be open now */
	unsigned reserved;	  /* messages that they may bring */
	struct message *messages; /* under way, a list */
	unsigned live_messages;
	struct poll_pace pace;
	struct tmf_task slot_free; /* posted: opens receives, or ends the listener */
	struct health health;	   /* fails with either of the next two */
	bool polls_fail;
	bool fails_beside;	  /* listener_note_beside */
	struct warnings warnings; /* of its messages */
	bool draining;
	struct tmf_err fault;
	struct listener_stats stats;
};

/* Begins one of ReceiveMessage's messages. Borrows. */
void message_begin(struct listener *listener, const json_t *received);

/* Cancels all of them. */
void messages_free(struct listener *listener);

#endif
