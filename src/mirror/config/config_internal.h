#ifndef TMFLOW_MIRROR_CONFIG_CONFIG_INTERNAL_H
#define TMFLOW_MIRROR_CONFIG_CONFIG_INTERNAL_H

#include "mirror/config/config.h"

#define CONFIG_PLACEHOLDER    "<INSERT_VALUE>" /* the seed application's */
#define CONFIG_EXTENSION      "x-"
#define CONFIG_KINDS	      3	  /* of rules */
#define CONFIG_NAME_BYTES_MAX 128 /* names go into tags, whose values have at most 256 */

/* A rule and what it owns; every other string is the document's. */
struct config_rule_slot {
	struct config_rule rule;
	char made_name[32]; /* "subnets[2]", where none is given */
	struct config_tag *tags;
};

struct mirror_config {
	json_t *root; /* a reference: strings of rules point into it */
	char *name;
	enum rule_matching matching;
	struct config_rule_slot *slots;
	size_t count;
	const char *hook;
	bool prune;
	bool trusts_tags;
	struct config_guardduty guardduty;
	const json_t *unmirrorable; /* [pattern]; borrowed from root */
	const json_t *mirrorable;
	const json_t *states;  /* [state]; NULL: all but those of an instance that is over */
	const json_t *trusted; /* [account] or NULL; borrowed from root */
	json_t *exclude_tags;  /* borrowed from root, like the next */
	json_t *exclude_ids;
};

/* "tags", "subnets", "vpcs" */
extern const char *const config_list_names[CONFIG_KINDS + 1];

/* A walk through the document: where it is, and what was found wrong. */
struct config_reader {
	struct diag_list *diags;
	struct buf pointer;
};

/* Steps into a member or element; the result undoes it. */
size_t config_enter(struct config_reader *reader, const char *key);
size_t config_enter_index(struct config_reader *reader, size_t index);
void config_leave(struct config_reader *reader, size_t mark);

/* False for what counts as missing: absent, null, an empty string, the seed application's
 * "<INSERT_VALUE>", or a list of nothing but these. */
bool config_given(const json_t *value);

/* Adds a fault of the present place, or of its member key. */
void config_missing(struct config_reader *reader, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void config_invalid(struct config_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Codes of warnings. */
#define CONFIG_UNREACHED    "UNREACHED_RULE"	   /* a rule that takes nothing */
#define CONFIG_NUMBER_TWICE "SESSION_NUMBER_TWICE" /* two rules, one number, one interface */
#define CONFIG_IGNORED	    "IGNORED_KEY"	   /* a key that has no effect beside another */

/* Adds a warning of the present place. The configuration still loads. */
void config_warn(struct config_reader *reader, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Warns of rules by tags that can take no instance, as their tags contradict each other, are all
 * excluded, or are those of a rule before. */
void config_check_reach(struct config_reader *reader, const struct mirror_config *config);

/* Adds a fault for each key of object that is not in known, with the nearest that is. Keys that
 * begin with CONFIG_EXTENSION may stand anywhere and mean nothing: they hold YAML's anchors. */
void
config_check_keys(struct config_reader *reader, const json_t *object, const char *const *known);

/* Each reads the value at the present place, called name in messages; on a fault it is added and
 * nothing is stored. */
void config_read_text(
    struct config_reader *reader, const char *name, const json_t *value, const char **ret_text);
/* A text of at most CONFIG_NAME_BYTES_MAX bytes. */
void config_read_name(struct config_reader *reader, const json_t *value, const char **ret_name);
/* A text that begins with prefix and goes on. */
void config_read_id(struct config_reader *reader, const char *name, const json_t *value,
    const char *prefix, const char **ret_id);
/* [{Key, Value}] */
void config_read_tags(struct config_reader *reader, const char *name, const json_t *value,
    struct config_tag **ret_tags, size_t *ret_count);
/* A list of ids, at most max; what counts as missing is left out. */
void config_read_ids(struct config_reader *reader, const char *name, const json_t *value,
    const char *prefix, const char **ret_ids, size_t max, size_t *ret_count);
struct config_range {
	int min;
	int max;
};
void config_read_int(struct config_reader *reader, const char *name, const json_t *value,
    struct config_range range, int *ret_number);
void config_read_choice(struct config_reader *reader, const char *name, const json_t *value,
    const char *const *choices, unsigned *ret_choice);

/* Fills slot from a rule of the list `kind` at the present place, and adds its faults. */
void config_read_rule(struct config_reader *reader, const json_t *rule, enum rule_kind kind,
    struct config_rule_slot *slot);

#endif
