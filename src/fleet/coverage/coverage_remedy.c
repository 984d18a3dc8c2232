#include "fleet/coverage/coverage.h"

#include <stddef.h>
#include <string.h>

/* By class and reason; a row without a reason is for all others of its class. */
static const struct {
	enum coverage_class class;
	const char *reason;
	const char *remedy;
} coverage_remedies[] = {
    {COVERAGE_MIRRORED, "drifted",
	"run the backfill: number, VXLAN id or packet length differ from the rule"},
    {COVERAGE_SHADOWED, NULL,
	"give the rule a sessionNumber below the other session's, or narrow that session's filter"},
    {COVERAGE_DEAD, "target-instance",
	"start or replace the target's instance; the backfill replaces targets that tmflow made"},
    {COVERAGE_DEAD, "no-healthy-member",
	"register members that pass the health checks of the load balancer's target groups"},
    {COVERAGE_DEAD, "filter-empty", "add accept rules to the traffic mirror filter"},
    {COVERAGE_DEAD, "filter-missing", "name a traffic mirror filter that exists in the rule"},
    {COVERAGE_DEAD, NULL, "tmflow explain INSTANCE-ID says what is wrong"},
    {COVERAGE_MISSING, "no-session", "run the backfill: tmflow run workflows/backfill.yaml"},
    {COVERAGE_MISSING, "drifted", "run the backfill: filter or target differ from the rule"},
    {COVERAGE_MISSING, "session-number",
	"choose another sessionNumber in the rule, or remove the session that has it"},
    {COVERAGE_MISSING, "TMFlow.Hook", "mend the hook: it failed for these instances"},
    {COVERAGE_MISSING, NULL,
	"see tmflow show RUN-ID --failed, and retry with tmflow resume RUN-ID --retry-failed"},
    {COVERAGE_INELIGIBLE, "session-limit", "remove one of the interface's three sessions"},
    {COVERAGE_UNMATCHED, "unwanted-session", "run the backfill with --prune to remove the session"},
    {COVERAGE_UNMATCHED, "no-rule", "add a rule if these are to be mirrored"},
    {COVERAGE_UNMATCHED, "not-primary",
	"set interfaces: all in the rule if these are to be mirrored"},
    {COVERAGE_FOREIGN, NULL, "find out who mirrors them: tmflow audit"},
};

const char *
coverage_remedy(enum coverage_class class, const char *reason)
{
	for (size_t i = 0; i < sizeof(coverage_remedies) / sizeof(coverage_remedies[0]); i++)
		if (coverage_remedies[i].class == class &&
		    (coverage_remedies[i].reason == NULL ||
			strcmp(coverage_remedies[i].reason, reason) == 0))
			return coverage_remedies[i].remedy;
	return NULL;
}
