#ifndef TMFLOW_MIRROR_SESSION_H
#define TMFLOW_MIRROR_SESSION_H

#include "mirror/filters/filters.h"
#include "mirror/targets/targets.h"
#include "store/store.h"

/* What has to be done about an interface, judged by the sessions that it has. */
enum session_verdict {
	SESSION_MISSING,
	SESSION_PRESENT,  /* the same interface, filter and a target that the rule may use */
	SESSION_DRIFTED,  /* one of ours, with another filter, target, number, VXLAN id or length;
			   * ours: see ownership.h */
	SESSION_CONFLICT, /* the session number that the rule asks for is somebody else's */
	SESSION_LIMIT,	  /* no room for another one */
	SESSION_DEAD	  /* as the rule wants, or nearly, but nothing can flow: the type */
};

struct session_question {
	const struct mirror_targets
	    *targets; /* loaded where the rule's targets are created, or session_needs_targets */
	const struct config_rule *rule;
	const char *target_id; /* one that the rule may use in any case; NULL: none is known */
	const char *subnet_id; /* the source's; NULL: that of target_id */
	const char *interface_id;
	bool type_is_dead;	/* its instance's, see mirror_config_type_is_dead */
	const json_t *sessions; /* as described; those of other interfaces are skipped */
};

/* Judges the interface. *ret_session: the one that decides it (borrowed), NULL for missing and
 * limit. A dead one is neither changed nor counted on; a run that prunes removes it. */
enum session_verdict
session_judge(const struct session_question *question, const json_t **ret_session);

#define SESSION_LIMIT_REASON "session-limit" /* of an interface without room for another one */

/* Sets kind and reason of a verdict on which nothing can be done: SESSION_CONFLICT, SESSION_LIMIT
 * or SESSION_DEAD. */
void session_verdict_put(enum session_verdict verdict, struct outcome *outcome);

/* True if what kind of target the session has decides whether it is as the rule wants it. */
bool session_needs_targets(const struct config_rule *rule, const json_t *session);

/*
 * Appends the targets of this configuration's sessions on the interface that no listing knows yet.
 * Another process may have made them a moment ago, with their sessions: whether such a session has
 * drifted is not known before its target is. True if there are any.
 */
bool session_await_targets(const struct session_question *question, json_t *target_ids);

/* How often what a describe may show late is looked for, and the first pause; each further one is
 * twice as long: 2, 4 and 8 s. */
#define SESSION_LOOKS_MAX     4
#define SESSION_LOOK_DELAY_MS 2000

/* The session's target where the rule may use it: it needs no other one. NULL otherwise, and for no
 * session. Borrows. */
const char *session_kept_target(const struct session_question *question, const json_t *session);

/* Appends in what a session differs from its rule: "filter tmf-1 instead of tmf-2, ...". */
void session_differences(
    const struct session_question *question, const json_t *session, struct buf *out);

/* The number of a session that is created: the rule's, or where it asks for none the lowest from
 * the default on that no session of the interface has. What others numbered lower stays before it:
 * a packet goes to the lowest session whose filter accepts it. sessions NULL: none are known. */
int session_number_for(
    const struct config_rule *rule, const json_t *sessions, const char *interface_id);

/* In which of the rounds a rule has its turn where several rules share an interface: first what is
 * there as it should be, so that no other rule changes it; then what asks for a number. */
enum session_round { SESSION_ROUND_FIRST, SESSION_ROUND_NUMBERED, SESSION_ROUND_LAST };
enum session_round
session_round(const struct session_question *question, enum session_verdict verdict);

/*
 * With matching: all several rules look at one interface. What one of them counts on (session), or
 * is going to make (NULL), is not for the others, but takes a number and a place: so it stays in
 * the list without what a rule would know it by. One that is to get another number takes both: it
 * is changed when what is missing has been made. sessions: the interface's, changed.
 */
void session_take(json_t *sessions, const struct session_question *question,
    enum session_verdict verdict, const json_t *session);

/*
 * A packet goes to the session with the lowest number whose filter accepts it, and to no other. So
 * somebody else's session that takes all packets leaves nothing to one with a higher number.
 * What both look at: sessions of others on the interface, of those that are given.
 */
struct session_shadows {
	const struct mirror_filters *filters;
	const struct config_rule *rule; /* whose session it is about */
	const char *interface_id;
	const json_t *sessions; /* of the interface, as described; NULL: none */
};

/* Appends the filters to ids that have to be known before session_shadow is asked. */
void session_shadow_filters(const struct session_shadows *shadows, json_t *ids);

/* The session that takes all packets before one with that number; NULL: none is known. Borrows.
 * Only after filters_load. */
const json_t *session_shadow(const struct session_shadows *shadows, int number);

#define SESSION_CAUSE_BYTES 320 /* of the texts below: an id and a configuration's name */
/* What a report says of it: "session tms-1 of somebody else takes all packets before". session: as
 * described; NULL: only its id is known. Returns out. */
const char *
session_shadow_cause(const char *session_id, const json_t *session, char out[SESSION_CAUSE_BYTES]);

/* The reason of an interface that is `present` by a session which its configuration did not make,
 * does not change and would not remove. */
#define SESSION_OTHER_REASON "other-owner"
/* Whose that is: "session tms-1 is of the configuration us-east-1", or NULL for one of the rule's
 * own. Returns out. */
const char *session_other_cause(
    const struct config_rule *rule, const json_t *session, char out[SESSION_CAUSE_BYTES]);

/* How a session is made: the same for every attempt, run and process. */
struct session_order {
	const struct config_rule *rule;
	const char *interface_id;
	const char *target_id;
	const char *session_id; /* to modify; NULL: to create */
	json_t *tags;		/* of a session that is created */
	int session_number;	/* 0: as it is, for a session that is modified */
	int64_t after_wall_ms; /* of the last destroy; 0: none. A request after it is another one */
};

/* Asks AWS to create the order's session, or to modify it: a new call with AWS's reply. Borrows
 * order until it returns. */
struct tmf_call *session_order_create(struct aws_client *ec2, const struct session_order *order);
struct tmf_call *session_order_modify(struct aws_client *ec2, const struct session_order *order);

/*
 * When this store last had sessions destroyed (0: never), and noting that it has. AWS does not say
 * what the client token of a deleted session does. Should it answer with the session that is gone,
 * one that is made afterwards needs another token. Errors: TMF_ERR_STORE.
 */
int sessions_destroyed(struct account *account, int64_t *ret_wall_ms, struct tmf_err *err);
int sessions_note_destroyed(struct account *account, struct tmf_err *err);

#endif
