#include "cli/commands/setup/starter.h"

#include "base/jsonx.h"
#include "base/utf8.h"
#include "mirror/names.h"

#include <assert.h>
#include <string.h>

/* Where an account has none: valid, and `validate --online` and each run say that it is missing. */
#define STARTER_NO_FILTER "tmf-00000000000000000"
#define STARTER_NO_TARGET "tmt-00000000000000000"

/* --- texts of others --- */

/*
 * Names and tags may hold anything. A line end in a comment would end it, and what follows would
 * be obeyed: YAML knows five of them, U+0085, U+2028 and U+2029 among them. General punctuation
 * also holds what reverses the direction of text, so that only its visible marks pass.
 */
static bool
starter_is_plain(int32_t point)
{
	if (point < 0x80)
		return point >= 0x20 && point < 0x7f;
	if (point >= 0x2000 && point <= 0x206f)
		return (point >= 0x2010 && point <= 0x2027) || (point >= 0x2030 && point <= 0x205e);
	return point > 0xa0 && point < 0xfffe && point != 0x61c && point != 0xfeff;
}

/* A quoted YAML string. What is not plain is written by its number, which YAML reads back. */
static void
starter_add_quoted(struct buf *out, const char *text)
{
	size_t len;

	buf_add_char(out, '"');
	for (; *text != '\0'; text += len) {
		int32_t point = utf8_decode(text, &len);

		assert(point >= 0 && len > 0); /* jansson holds UTF-8 only */
		if (point == '"' || point == '\\')
			buf_printf(out, "\\%c", (char)point);
		else if (starter_is_plain(point))
			buf_add(out, text, len);
		else
			buf_printf(out, "\\U%08x", (unsigned)point);
	}
	buf_add_char(out, '"');
}

/* An id or another word of AWS's: bare where it looks like one, and quoted where an endpoint that
 * is not AWS's says something else. */
static void
starter_add_word(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_";

	if (word[0] != '\0' && word[0] != '-' && word[strspn(word, plain)] == '\0')
		buf_add_cstr(out, word);
	else
		starter_add_quoted(out, word);
}

/* ", TEXT" of a remark, where there is a text. */
static void
starter_add_remark(struct buf *out, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	buf_add_cstr(out, ", ");
	starter_add_quoted(out, text);
}

static void
starter_add_count(struct buf *out, const json_t *item)
{
	json_int_t count = json_integer_value(json_object_get(item, "Count"));

	buf_printf(out, "%" JSON_INTEGER_FORMAT " instance%s", count, count == 1 ? "" : "s");
}

/* Why a list has nothing to offer: there is nothing, or it must not be seen. */
static void
starter_add_absent(const struct starter *starter, struct buf *out, const char *indent,
    const char *what, const char *iam_action)
{
	bool denied = false;
	json_t *action;
	size_t i;

	json_array_foreach (starter->denied, i, action)
		denied = denied || strcmp(json_string_value(action), iam_action) == 0;
	if (denied)
		buf_printf(
		    out, "%s# %s could not be listed: %s is denied.\n", indent, what, iam_action);
	else
		buf_printf(out, "%s# There are no %s in this region.\n", indent, what);
}

static void
starter_add_more(struct buf *out, const char *indent, const json_t *list)
{
	size_t count = json_array_size(list);

	if (count > STARTER_CHOICES_MAX)
		buf_printf(out, "%s# ... and %zu more\n", indent, count - STARTER_CHOICES_MAX);
}

/* --- where packets go --- */

static void
starter_add_filter(struct buf *out, const json_t *filter)
{
	size_t rules = json_array_size(json_object_get(filter, "IngressFilterRules")) +
		       json_array_size(json_object_get(filter, "EgressFilterRules"));

	buf_add_cstr(out, "filterId: ");
	starter_add_word(out, jsonx_get_string(filter, "TrafficMirrorFilterId"));
	buf_add_cstr(out, " # ");
	if (rules == 0)
		buf_add_cstr(out, "no rules: mirrors nothing");
	else
		buf_printf(out, "%zu rule%s", rules, rules == 1 ? "" : "s");
	starter_add_remark(out, tag_value(filter, "Name"));
	starter_add_remark(out, jsonx_get_string(filter, "Description"));
	buf_add_char(out, '\n');
}

static void
starter_add_target(struct buf *out, const json_t *target)
{
	const char *kind = jsonx_get_string(target, "Type");

	buf_add_cstr(out, "targetId: ");
	starter_add_word(out, jsonx_get_string(target, "TrafficMirrorTargetId"));
	buf_add_cstr(out, " # ");
	starter_add_word(out, kind != NULL ? kind : "unknown-type");
	starter_add_remark(out, tag_value(target, "Name"));
	starter_add_remark(out, jsonx_get_string(target, "Description"));
	buf_add_char(out, '\n');
}

/* The first one counts, the others are comments. */
static void
starter_add_alternatives(
    struct buf *out, const json_t *list, void (*add)(struct buf *out, const json_t *item))
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (i == STARTER_CHOICES_MAX)
			break;
		buf_add_cstr(out, i == 0 ? "  " : "  # ");
		add(out, item);
	}
	starter_add_more(out, "  ", list);
}

static void
starter_add_destination(const struct starter *starter, struct buf *out)
{
	buf_add_cstr(out,
	    "# What is mirrored of the traffic, and where to. The rules below take both "
	    "from here.\nx-mirror-to: &mirror-to\n");
	if (json_array_size(starter->filters) == 0) {
		starter_add_absent(starter, out, "  ", "traffic mirror filters",
		    "ec2:DescribeTrafficMirrorFilters");
		buf_add_cstr(out, "  # `aws ec2 create-traffic-mirror-filter` makes one, "
				  "`create-traffic-mirror-filter-rule` its rules.\n"
				  "  filterId: " STARTER_NO_FILTER " # put its id here\n");
	}
	starter_add_alternatives(out, starter->filters, starter_add_filter);
	buf_add_char(out, '\n');
	if (json_array_size(starter->targets) == 0) {
		starter_add_absent(starter, out, "  ", "traffic mirror targets",
		    "ec2:DescribeTrafficMirrorTargets");
		buf_add_cstr(out, "  # `aws ec2 create-traffic-mirror-target` makes one, or let "
				  "tmflow launch them, as below.\n"
				  "  targetId: " STARTER_NO_TARGET " # put its id here\n");
	}
	starter_add_alternatives(out, starter->targets, starter_add_target);
	buf_add_cstr(out, "\n  # Instead of targetId: tmflow launches a target in each subnet that "
			  "needs one, and another when it is full.\n"
			  "  # targetInstanceType: c5.xlarge\n"
			  "  # targetInstanceAmi: ami-...\n"
			  "  # targetSecurityGroupIds: [sg-...] # must let UDP port 4789 in\n\n");
}

/* --- which instances --- */

static void
starter_add_tags(const struct starter *starter, struct buf *out)
{
	json_t *tag;
	size_t i;

	buf_add_cstr(out, "# Instances with any of these tags. Tags are tried first, then subnets, "
			  "then VPCs.\n"
			  "tags:\n"
			  "  - name: opted-in\n"
			  "    <<: *mirror-to\n"
			  "    tagList:\n"
			  "      - {Key: tmflow, Value: mirror}\n");
	if (json_array_size(starter->tags) > 0)
		buf_printf(out,
		    "      # The commonest tags of the %zu instances that were "
		    "looked at:\n",
		    starter->instances);
	else
		starter_add_absent(
		    starter, out, "      ", "tags of instances", "ec2:DescribeInstances");
	json_array_foreach (starter->tags, i, tag) {
		if (i == STARTER_CHOICES_MAX)
			break;
		buf_add_cstr(out, "      # - {Key: ");
		starter_add_quoted(out, jsonx_get_string(tag, "Key"));
		buf_add_cstr(out, ", Value: ");
		starter_add_quoted(out, jsonx_get_string(tag, "Value"));
		buf_add_cstr(out, "} # ");
		starter_add_count(out, tag);
		buf_add_char(out, '\n');
	}
	starter_add_more(out, "      ", starter->tags);
}

/* Places are a line each, so that one # less makes a rule. */
static void
starter_add_places(struct buf *out, const json_t *list, const char *key, const char *id_member)
{
	json_t *place;
	size_t i;

	json_array_foreach (list, i, place) {
		const char *vpc_id = jsonx_get_string(place, "VpcId");
		const char *id = jsonx_get_string(place, id_member);

		if (i == STARTER_CHOICES_MAX)
			break;
		buf_printf(out, "  # - {%s: ", key);
		starter_add_word(out, id);
		buf_add_cstr(out, ", <<: *mirror-to} # ");
		starter_add_count(out, place);
		starter_add_remark(out, tag_value(place, "Name"));
		starter_add_remark(out, jsonx_get_string(place, "CidrBlock"));
		starter_add_remark(out, jsonx_get_string(place, "AvailabilityZone"));
		if (vpc_id != NULL && strcmp(vpc_id, id) != 0)
			starter_add_remark(out, vpc_id);
		buf_add_char(out, '\n');
	}
	starter_add_more(out, "  ", list);
}

static void
starter_add_rules(const struct starter *starter, struct buf *out)
{
	starter_add_tags(starter, out);
	buf_add_cstr(out, "\n# All instances of a subnet.\nsubnets:\n");
	if (json_array_size(starter->subnets) == 0)
		starter_add_absent(starter, out, "  ", "subnets", "ec2:DescribeSubnets");
	starter_add_places(out, starter->subnets, "subnetId", "SubnetId");
	buf_add_cstr(out, "\n# All instances of a VPC.\nvpcs:\n");
	if (json_array_size(starter->vpcs) == 0)
		starter_add_absent(starter, out, "  ", "VPCs", "ec2:DescribeVpcs");
	starter_add_places(out, starter->vpcs, "vpcId", "VpcId");
	buf_add_cstr(out, "\n# Never mirrored, whichever rule matches.\n"
			  "exclude:\n"
			  "  tags:\n"
			  "    - {Key: tmflow, Value: never}\n");
}

void
starter_write(const struct starter *starter, struct buf *out)
{
	assert(starter->region != NULL && starter->path != NULL);
	buf_add_cstr(out, "# What tmflow mirrors. Written by `tmflow init` from what there is in ");
	starter_add_quoted(out, starter->region);
	if (starter->account_id != NULL) {
		buf_add_cstr(out, " of account ");
		starter_add_quoted(out, starter->account_id);
	}
	buf_add_cstr(out,
	    ".\n#\n"
	    "# As it stands, instances with the tag tmflow=mirror are mirrored, and no "
	    "others. Choose more by taking\n"
	    "# the # off lines below, then look before anything is changed:\n#\n"
	    "#     tmflow validate --online FILE                 is there what it names?\n"
	    "#     tmflow doctor --config FILE                   will it work?\n"
	    "#     tmflow run backfill --config FILE --dry-run   what would be done\n#\n"
	    "# FILE is ");
	starter_add_quoted(out, starter->path);
	buf_add_cstr(out, ". config/example.yaml among tmflow's files has every key there is.\n\n");
	starter_add_destination(starter, out);
	starter_add_rules(starter, out);
}
