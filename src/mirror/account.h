#ifndef TMFLOW_MIRROR_ACCOUNT_H
#define TMFLOW_MIRROR_ACCOUNT_H

#include "aws/services/ec2.h"
#include "mirror/names.h"
#include "store/outcome_tally.h"
#include "store/store.h"

#define ACCOUNT_ID_BYTES 13 /* twelve digits, and NUL */

struct mirror_members;
struct mirror_filters;
struct mirror_targets;
struct gather;
struct refusals;

/*
 * One AWS account in one region, as this process reaches it, and what the process has learned of
 * it. It lives as long as the process, however many runs or events that serves. accounts.h opens
 * and frees it. Borrows what it points to.
 */
struct account {
	struct tmf_loop *loop;
	struct aws_client *ec2; /* NULL where no action needs AWS */
	struct aws_client *elb; /* of Elastic Load Balancing; NULL: members are not looked up */
	struct store *store;	/* holds the facts: what was made, what AWS refused */
	const char *owner;	/* the run whose lease this process holds: it claims launches */
	bool dry_run;		/* nothing is changed in it */
	bool is_member;		/* reached by a role: its id is known from the start */
	bool trusts_tags;	/* a target's tags are proof enough */
	bool gathers;		/* lookups wait for company, see gather.h */
	int64_t fresh_ms;	/* how long a listing of its targets counts; 0: always */
	struct account *next;	/* on the list of accounts */

	/* Lookups by id; NULL without a client. */
	struct gather *instances;
	struct gather *sessions; /* by interface */

	/* What was learned. */
	struct mirror_targets *targets; /* the inventory; NULL without a client */
	struct mirror_members *members; /* behind load balancer targets; NULL likewise */
	struct mirror_filters *filters; /* of sessions, as far as asked for; NULL likewise */
	struct refusals *refusals;	/* what AWS will refuse again */
	char id[ACCOUNT_ID_BYTES];	/* "" until AWS listed an instance of it */
	struct outcome_tally outcomes;	/* that runs recorded in it */
	/* Refusals in a row that no look explained, however often it was repeated; see
	 * LOOKS_IN_VAIN_MAX. */
	unsigned looks_in_vain;
	/* Instances a page may hold so that it fits into a state's data; 0: not known yet. */
	int page_results_max;
};

/*
 * Learns the id from a reply of ec2_describe_instances: EC2 lists the caller's own instances only,
 * and says whose they are. It is kept for the process only, since the same store may serve another
 * account with other keys.
 */
void account_note_id(struct account *account, const json_t *reply);

#endif
