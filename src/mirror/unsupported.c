#include "mirror/unsupported.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

#define FACT_UNSUPPORTED "unsupported-interface"

/* The type is a part of the key: an instance that is stopped and started with another type keeps
 * its interface, and may be mirrored from then on. Example: "eni-0a1b/t2.micro". */
int
unsupported_remember(struct account *account, const char *interface_id, const char *instance_type,
    struct tmf_err *err)
{
	char *key = mem_printf("%s/%s", interface_id, instance_type);
	int ret = store_fact_put(
	    account->store, aws_client_scope(account->ec2), FACT_UNSUPPORTED, key, STR("1"), err);

	free(key);
	return ret;
}

/* The configuration comes first: what it calls unmirrorable needs no memory. What it calls
 * mirrorable is still looked up, since AWS has the last word. */
int
unsupported_known(const struct account *account, const struct mirror_config *config,
    const char *interface_id, const char *instance_type, struct tmf_err *err)
{
	struct tmf_clock *clock = tmf_loop_clock(account->loop);
	int64_t put_wall_ms = 0;
	char *key;
	int ret;

	if (instance_type == NULL)
		return 0;
	if (mirror_config_type(config, instance_type) == CONFIG_TYPE_UNMIRRORABLE)
		return 1;
	key = mem_printf("%s/%s", interface_id, instance_type);
	ret = store_fact_time(account->store, aws_client_scope(account->ec2), FACT_UNSUPPORTED, key,
	    &put_wall_ms, err);
	free(key);
	if (ret < 0)
		return -1;
	return put_wall_ms > 0 && clock->wall_ms(clock) - put_wall_ms < UNSUPPORTED_TRUSTED_MS;
}
