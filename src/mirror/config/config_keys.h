#ifndef TMFLOW_MIRROR_CONFIG_CONFIG_KEYS_H
#define TMFLOW_MIRROR_CONFIG_CONFIG_KEYS_H

#include "mirror/config/config_internal.h"

/* Every key of a configuration, once: the checker reads by these tables, and config/schema.json is
 * made from them. */

#define IN(kind) (1u << (kind))
#define IN_ALL	 (IN(RULE_TAGS) | IN(RULE_SUBNETS) | IN(RULE_VPCS))

enum key_form {
	FORM_TEXT,
	FORM_NAME,  /* a text that goes into tags */
	FORM_TEXTS, /* with choices: of these */
	FORM_ID,
	FORM_IDS,
	FORM_ARN,
	FORM_ACCOUNTS,
	FORM_TAGS,
	FORM_CHOICE,
	FORM_INT,
	FORM_NUMBER,
	FORM_BOOLEAN,
	FORM_RULES,  /* a list of rules: one of config_list_names */
	FORM_SECTION /* a mapping with keys of its own */
};

/* The keys of a launched target have no effect beside targetId. */
enum key_role { ROLE_OTHER, ROLE_NEEDED, ROLE_TARGET, ROLE_LAUNCH, ROLE_LAUNCH_OPTIONAL };

struct config_key {
	const char *name; /* NULL ends a table */
	const char *summary;
	unsigned in; /* lists that it may stand in; of a rule only */
	enum key_form form;
	enum key_role role;
	size_t offset;	    /* in struct config_rule; of a rule only */
	const char *prefix; /* of an id */
	struct config_range range;
	const char *const *choices;
	const char *zero_word;	       /* a word that stands for 0 */
	size_t count_max;	       /* of a list's elements, of a text's bytes; 0: no limit */
	const struct config_key *keys; /* of a section */
};

extern const struct config_key config_rule_keys[];
extern const struct config_key config_root_keys[];
extern const struct config_key config_exclude_keys[];
extern const struct config_key config_guardduty_keys[];
extern const struct config_key config_types_keys[];

/* What instanceStates may name, and what matching may be. */
extern const char *const config_state_choices[];
extern const char *const config_matching_choices[];

#define CONFIG_KEYS_MAX 32 /* of any table */

/* Adds a fault for each key of object that is not one of keys that may stand in the lists `in` (0:
 * no list). */
void config_check_table(
    struct config_reader *reader, const json_t *object, const struct config_key *keys, unsigned in);

#endif
