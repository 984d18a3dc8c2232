#include "mirror/config/config_keys.h"

#include <assert.h>
#include <stddef.h>

/* A choice is stored as its index: the words stand in the order of the enumerators. */
static const char *const tag_match_choices[] = {
    [TAG_MATCH_ANY] = "any", [TAG_MATCH_ALL] = "all", NULL};
static const char *const interfaces_choices[] = {
    [RULE_INTERFACES_PRIMARY] = "primary", [RULE_INTERFACES_ALL] = "all", NULL};
_Static_assert(sizeof(enum tag_match) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum rule_interfaces) == sizeof(unsigned), "choices are stored as unsigned");

const char *const config_matching_choices[] = {
    [MATCHING_FIRST] = "first", [MATCHING_ALL] = "all", NULL};

/* Those in which an instance has its interfaces. */
const char *const config_state_choices[] = {"pending", "running", "stopping", "stopped", NULL};

/* Where a key's value goes within a rule: the reader writes there, so the member's type must be
 * that of the key's form. */
#define AT(member) .offset = offsetof(struct config_rule, member)

/* The key names of the seed application are kept, so that a file of its users loads as it is. A
 * rule needs either ROLE_TARGET or every key of ROLE_LAUNCH; config_rule_check_target sees to that,
 * since a table cannot say it. */
const struct config_key config_rule_keys[] = {
    {"name",
	"what the rule is called in reports and in the tags of sessions; \"tags[0]\" if absent",
	IN_ALL, FORM_NAME, ROLE_OTHER, AT(name), .count_max = CONFIG_NAME_BYTES_MAX},
    {"vpcId", "instances in this VPC", IN(RULE_VPCS), FORM_ID, ROLE_NEEDED, AT(vpc_id),
	.prefix = "vpc-"},
    {"subnetId", "instances in this subnet", IN(RULE_SUBNETS), FORM_ID, ROLE_NEEDED, AT(subnet_id),
	.prefix = "subnet-"},
    {"tagList", "instances that bear any of these tags, key and value equal", IN(RULE_TAGS),
	FORM_TAGS, ROLE_NEEDED, AT(tags), .count_max = CONFIG_TAGS_PER_RULE_MAX},
    {"tagMatch", "all: the instance must bear every tag of tagList; any if absent", IN(RULE_TAGS),
	FORM_CHOICE, ROLE_OTHER, AT(tag_match), .choices = tag_match_choices},
    {"filterId", "the Traffic Mirror filter: what of the traffic is mirrored", IN_ALL, FORM_ID,
	ROLE_NEEDED, AT(filter_id), .prefix = "tmf-"},
    {"targetId", "a target that exists already", IN_ALL, FORM_ID, ROLE_TARGET, AT(target_id),
	.prefix = "tmt-"},
    {"targetInstanceType", "type of the instances that are launched as targets", IN_ALL, FORM_TEXT,
	ROLE_LAUNCH, AT(target_instance_type)},
    {"targetInstanceAmi", "their image", IN_ALL, FORM_ID, ROLE_LAUNCH, AT(target_instance_ami),
	.prefix = "ami-"},
    {"targetSecurityGroupIds", "their security groups, which must let UDP port 4789 in", IN_ALL,
	FORM_IDS, ROLE_LAUNCH, AT(target_security_group_ids), .prefix = "sg-",
	.count_max = CONFIG_NEW_TARGET_GROUPS_MAX},
    {"targetSubnetId", "one subnet for all of them, instead of each source's own", IN_ALL, FORM_ID,
	ROLE_LAUNCH_OPTIONAL, AT(target_subnet_id), .prefix = "subnet-"},
    {"sessionNumber",
	"of several sessions on an interface the lowest whose filter matches gets a packet; auto, "
	"which is the default: 100, or the next one that the interface does not have yet",
	IN_ALL, FORM_INT, ROLE_OTHER, AT(session_number), .range = {1, CONFIG_SESSION_NUMBER_MAX},
	.zero_word = "auto"},
    {"virtualNetworkId", "the VXLAN network id; if absent, AWS chooses one for each session",
	IN_ALL, FORM_INT, ROLE_OTHER, AT(virtual_network_id), .range = {0, CONFIG_VNI_MAX}},
    {"packetLength", "bytes of each packet; if absent, whole packets", IN_ALL, FORM_INT, ROLE_OTHER,
	AT(packet_length), .range = {1, CONFIG_PACKET_LENGTH_MAX}},
    {"interfaces", "all: every interface of the instance; if absent, its primary one", IN_ALL,
	FORM_CHOICE, ROLE_OTHER, AT(interfaces), .choices = interfaces_choices},
    {.name = NULL},
};

/* Lists and no patterns: what is excluded should be plain to see in the file. */
const struct config_key config_exclude_keys[] = {
    {"tags", "instances that bear any of these tags", .form = FORM_TAGS,
	.count_max = CONFIG_TAGS_PER_RULE_MAX},
    {"instanceIds", "these instances", .form = FORM_IDS, .prefix = "i-",
	.count_max = CONFIG_RULES_MAX},
    {.name = NULL},
};

const struct config_key config_guardduty_keys[] = {
    {"minSeverity", "findings of less severity are ignored; none if absent", .form = FORM_NUMBER,
	.range = {0, CONFIG_SEVERITY_MAX}},
    {"types", "only findings of these types count, * and ? stand for anything; all if absent",
	.form = FORM_TEXTS},
    {"roleArn",
	"the role to take for findings of member accounts; {account} stands for the account's id",
	.form = FORM_ARN},
    {"accounts",
	"only findings of these member accounts count; all that the role leads to if absent",
	.form = FORM_ACCOUNTS},
    {.name = NULL},
};

/* Both lists, since AWS may take a type off as well as add one. Where both fit, AWS is not
 * asked. */
const struct config_key config_types_keys[] = {
    {"unmirrorable", "types that AWS does not mirror: it is not asked; * and ? stand for anything",
	.form = FORM_TEXTS},
    {"mirrorable", "types that it does mirror, although tmflow's list does not say so",
	.form = FORM_TEXTS},
    {.name = NULL},
};

const struct config_key config_root_keys[] = {
    {"name",
	"whose sessions and targets these are: a tag on all that is made; the file's name without "
	"folder and ending if absent",
	.form = FORM_NAME, .count_max = CONFIG_NAME_BYTES_MAX},
    {"tags", "rules by tags: tried first, in this order; the first that matches takes an instance",
	.in = IN(RULE_TAGS), .form = FORM_RULES},
    {"subnets", "rules by subnets: tried second", .in = IN(RULE_SUBNETS), .form = FORM_RULES},
    {"vpcs", "rules by VPCs: tried last", .in = IN(RULE_VPCS), .form = FORM_RULES},
    {"exclude", "instances that are never mirrored, whichever rule matches", .form = FORM_SECTION,
	.keys = config_exclude_keys},
    {"guardduty", "which findings make tmflow mirror the instance that they name",
	.form = FORM_SECTION, .keys = config_guardduty_keys},
    {"instanceTypes", "what AWS mirrors, where tmflow's own list is out of date",
	.form = FORM_SECTION, .keys = config_types_keys},
    {"matching",
	"all: each rule that matches an instance gives it a session, at most three on an "
	"interface; if absent, the first that matches takes it",
	.form = FORM_CHOICE, .choices = config_matching_choices},
    {"instanceStates",
	"instances in these states are mirrored; pending, running, stopping and stopped if absent",
	.form = FORM_TEXTS, .choices = config_state_choices},
    {"prune",
	"true: each run also removes sessions of this configuration that no rule wants any more",
	.form = FORM_BOOLEAN},
    {"trustTags",
	"true: targets that only bear tmflow's or the seed application's tags are used for new "
	"sources, too, without proof that they are tmflow's",
	.form = FORM_BOOLEAN},
    {"trustedAccounts",
	"other accounts whose targets may receive from this one, and who may be given targets of "
	"this one: tmflow audit reports all others",
	.form = FORM_ACCOUNTS},
    {"hook", "a Lua file with functions that answer in the rules' place", .form = FORM_TEXT},
    {.name = NULL},
};

/* Which keys a rule may have depends on its list: `vpcId` under `subnets` is unknown there. The
 * assert is on the tables above, not on the file: a key too many is found by the first test. */
void
config_check_table(
    struct config_reader *reader, const json_t *object, const struct config_key *keys, unsigned in)
{
	const char *known[CONFIG_KEYS_MAX + 1];
	size_t count = 0;

	for (; keys->name != NULL; keys++) {
		assert(count < CONFIG_KEYS_MAX);
		if (in == 0 || (keys->in & in) != 0)
			known[count++] = keys->name;
	}
	known[count] = NULL;
	config_check_keys(reader, object, known);
}
