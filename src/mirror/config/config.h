#ifndef TMFLOW_MIRROR_CONFIG_CONFIG_H
#define TMFLOW_MIRROR_CONFIG_CONFIG_H

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>

/* config/<region>.yaml: which instances are mirrored, and where to. Immutable
 * once loaded. */

#define CONFIG_RULES_MAX	 10000u
#define CONFIG_TAGS_PER_RULE_MAX 1000u
#define CONFIG_NEW_TARGET_GROUPS_MAX                                                               \
	16u /* security groups of a launched target's interface (EC2's limit) */
#define CONFIG_SESSION_NUMBER_DEFAULT 100
#define CONFIG_SESSION_NUMBER_MAX     32766
#define CONFIG_VNI_MAX		      16777215
#define CONFIG_PACKET_LENGTH_MAX      8500
#define CONFIG_SEVERITY_MAX	      10 /* GuardDuty's scale */

enum rule_kind { RULE_TAGS, RULE_SUBNETS, RULE_VPCS }; /* in the order in which they are tried */
enum tag_match { TAG_MATCH_ANY, TAG_MATCH_ALL };
enum rule_matching { MATCHING_FIRST, MATCHING_ALL };
enum rule_interfaces { RULE_INTERFACES_PRIMARY, RULE_INTERFACES_ALL };

struct config_tag {
	const char *key;
	const char *value;
};

struct config_rule {
	enum rule_kind kind;
	size_t index;		   /* in its list, from 0 */
	const char *configuration; /* the name of the whole, see mirror_config_name */
	const char *name;	   /* given, or "tags[0]", "subnets[2]", ...; unique in the file */
	enum rule_matching
	    matching; /* the whole's: does it join others, or take an instance alone */
	const char *vpc_id;
	const char *subnet_id;
	const struct config_tag *tags;
	size_t tag_count;
	enum tag_match tag_match;
	enum rule_interfaces interfaces;
	const char *filter_id;
	const char *target_id; /* NULL: targets are created from target_* */
	const char *target_instance_type;
	const char *target_instance_ami;
	const char *target_security_group_ids[CONFIG_NEW_TARGET_GROUPS_MAX];
	size_t target_security_group_count;
	const char *target_subnet_id; /* NULL: the source's subnet */
	/* 0: none is asked for, the lowest free one from CONFIG_SESSION_NUMBER_DEFAULT on. */
	int session_number;
	int virtual_network_id; /* -1: AWS chooses */
	int packet_length;	/* 0: whole packets */
};

struct mirror_config;

/* Checks and loads. Every fault goes to diags, with file, line, column and the nearest known key.
 * NULL if there was an error. */
struct mirror_config *mirror_config_load(const struct doc *doc, struct diag_list *diags);
void mirror_config_free(struct mirror_config *config);

/* True if doc looks like a configuration rather than a workflow (no StartAt and no States), for
 * `tmflow validate`. */
bool mirror_config_is_one(const struct doc *doc);

/* What all that is made for this configuration is tagged with, and known by: `name`, or the name of
 * its file without folder and ending. */
const char *mirror_config_name(const struct mirror_config *config);

/* matching: all: each rule that matches an instance gives it a session. */
bool mirror_config_matches_all(const struct mirror_config *config);

/* How many rules there are, at least one. */
size_t mirror_config_rule_count(const struct mirror_config *config);
/* In the order of trying: tags, subnets, vpcs, each in file order. */
const struct config_rule *mirror_config_rule(const struct mirror_config *config, size_t index);
const struct config_rule *
mirror_config_rule_named(const struct mirror_config *config, const char *name);

/* True if sessions of both would mirror the same to the same place. Created targets are the
 * subnet's, whichever rule they were made for. */
bool rule_mirrors_alike(const struct config_rule *rule, const struct config_rule *other);

/* JSON pointer of the rule in its file, as "/tags/0". malloc'ed. */
char *mirror_config_rule_pointer(const struct config_rule *rule);

/* exclude: true when the instance (JSON) is configured never to be mirrored. */
bool mirror_config_excludes(const struct mirror_config *config, const json_t *instance);

/* instanceStates: why an instance in its state is not mirrored ("terminated", "stopped", ...), or
 * NULL. An instance that is over never is. Borrows. */
const char *mirror_config_refused_state(const struct mirror_config *config, const json_t *instance);

/* guardduty: which findings count. */
struct config_guardduty {
	double min_severity;	/* 0: all */
	const json_t *types;	/* [pattern] with * and ?, or NULL: all. Borrowed */
	const char *role_arn;	/* for findings of other accounts; NULL: they are left alone */
	const json_t *accounts; /* [id] that role_arn may lead into, or NULL: all. Borrowed */
};
const struct config_guardduty *mirror_config_guardduty(const struct mirror_config *config);

/* True if type fits one of the patterns, or there are no patterns. */
bool config_guardduty_wants_type(const struct config_guardduty *guardduty, const char *type);

/* True if the role may be taken in that account, or no accounts are listed. */
bool config_guardduty_has_account(const struct config_guardduty *guardduty, const char *account_id);

/* instanceTypes: what the configuration says of a type. AWS has the last word of what it does not
 * call unmirrorable. */
enum config_type_verdict { CONFIG_TYPE_UNKNOWN, CONFIG_TYPE_MIRRORABLE, CONFIG_TYPE_UNMIRRORABLE };
enum config_type_verdict mirror_config_type(const struct mirror_config *config, const char *type);

/* True if a session that such an instance has carries nothing: the configuration says that the type
 * cannot be mirrored, or AWS does. It had another type when the session was made. */
bool mirror_config_type_is_dead(const struct mirror_config *config, const char *type);

/* What AWS will say of interfaces of such an instance: by the configuration, which may know newer
 * types, then by the built-in list. */
bool mirror_config_type_is_source(const struct mirror_config *config, const char *type);

/* prune: true where each run removes unwanted sessions. */
bool mirror_config_prune(const struct mirror_config *config);

/* trustTags: true where a target's tags are proof enough that it is tmflow's. */
bool mirror_config_trusts_tags(const struct mirror_config *config);

/* trustedAccounts: true if the account is one of them. */
bool mirror_config_trusts(const struct mirror_config *config, const char *account_id);

/* hook: path as written, or NULL. */
const char *mirror_config_hook(const struct mirror_config *config);

#endif
