/* What the judges share: noting a finding, and asking what was listed and what is configured. */
#include "fleet/audit/audit_internal.h"

#include "base/jsonx.h"

#include <stdarg.h>
#include <string.h>

/* The evidence is what AWS's lists showed, so that a reader can check it without tmflow. */
void
audit_find(struct audit *audit, enum finding_kind kind, enum severity severity,
    const char *resource, const char *evidence, ...)
{
	const struct finding_place place = {audit->account, audit->region};
	struct buf text = {0};
	va_list args;

	va_start(args, evidence);
	buf_vprintf(&text, evidence, args);
	va_end(args);
	finding_add(audit->findings, kind, severity, &place, resource, buf_cstr(&text));
	buf_fini(&text);
}

json_t *
audit_holder(const struct audit *audit, const char *interface_id)
{
	const json_t *interface =
	    interface_id != NULL ? json_object_get(audit->interfaces, interface_id) : NULL;
	const char *id = jsonx_get_string(json_object_get(interface, "Attachment"), "InstanceId");

	return id != NULL ? json_object_get(audit->instances, id) : NULL;
}

/* A resource that a rule names is in use, also while nothing leads to it yet. */
bool
audit_is_named(const struct audit *audit, const char *id)
{
	const struct mirror_config *config =
	    audit->opts.mirror != NULL ? audit->opts.mirror->config : NULL;

	for (size_t i = 0; config != NULL && i < mirror_config_rule_count(config); i++) {
		const struct config_rule *rule = mirror_config_rule(config, i);

		if (strcmp(rule->filter_id, id) == 0 ||
		    (rule->target_id != NULL && strcmp(rule->target_id, id) == 0))
			return true;
	}
	return false;
}
