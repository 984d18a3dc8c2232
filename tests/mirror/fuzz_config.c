#include "base/jsonx.h"
#include "mirror/config/config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads rules as the actions do, so that a member that was not checked shows. */
static size_t
use_config(const struct mirror_config *config)
{
	json_t *instance =
	    json_pack("{s:s,s:[{s:s,s:s}]}", "InstanceId", "i-1", "Tags", "Key", "a", "Value", "b");
	size_t sum = mirror_config_excludes(config, instance);

	for (size_t i = 0; i < mirror_config_rule_count(config); i++) {
		const struct config_rule *rule = mirror_config_rule(config, i);

		if (rule->filter_id == NULL || mirror_config_rule_named(config, rule->name) != rule)
			abort();
		if ((rule->target_id == NULL) != (rule->target_instance_ami != NULL))
			abort();
		for (size_t k = 0; k < rule->tag_count; k++)
			sum += str_of(rule->tags[k].key).len + str_of(rule->tags[k].value).len;
		for (size_t k = 0; k < rule->target_security_group_count; k++)
			sum += str_of(rule->target_security_group_ids[k]).len;
	}
	json_decref(instance);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct doc *doc = doc_parse("fuzz", (struct str){(const char *)data, size}, NULL);
	struct mirror_config *config;
	struct diag_list diags;

	if (doc == NULL)
		return 0;
	diag_list_init(&diags, doc);
	config = mirror_config_load(doc, &diags);
	if ((config == NULL) != (diags.errors > 0))
		abort();
	if (config != NULL && use_config(config) == SIZE_MAX)
		abort();
	json_decref(diag_json(&diags));
	mirror_config_free(config);
	diag_list_fini(&diags);
	doc_free(doc);
	return 0;
}
