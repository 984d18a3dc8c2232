#include "credentials_internal.h"

#include "tmflow/base/buf.h"
#include "tmflow/base/mem.h"

#include <stdlib.h>

/* In the AWS CLI's order: the first that has something wins, one that is broken ends the search. */
static const struct {
	const char *name;
	credentials_source_fn *look;
} sources[] = {
    {"environment", credentials_from_environment},
    {"shared files", credentials_from_profile},
};

struct chain {
	struct credentials_provider provider; /* first */
	struct aws_env env;
	char *flag_profile;
	struct credentials credentials;
	bool found;
};

static int
look_everywhere(struct chain *chain, struct err *err)
{
	struct buf reasons = {0};
	int found = 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && found == 0; i++) {
		char *reason = NULL;

		found = sources[i].look(
		    &chain->env, chain->flag_profile, &chain->credentials, &reason, err);
		if (found == 0)
			buf_printf(&reasons, "\n  %s: %s", sources[i].name, reason);
		free(reason);
	}
	if (found == 0)
		err_set(
		    err, ERR_CREDENTIALS, "no AWS credentials were found:%s", buf_cstr(&reasons));
	buf_fini(&reasons);
	return found == 1 ? 0 : -1;
}

static void
chain_get(struct credentials_provider *provider,
    void (*done)(void *arg, const struct credentials *credentials, struct err *err), void *arg)
{
	struct chain *chain = (struct chain *)provider;
	struct err err = {0};

	if (!chain->found && look_everywhere(chain, &err) < 0) {
		done(arg, NULL, &err);
		err_fini(&err);
		return;
	}
	chain->found = true;
	done(arg, &chain->credentials, NULL);
}

/* Another program may have written fresh keys to the shared files. */
static void
chain_refresh(struct credentials_provider *provider)
{
	struct chain *chain = (struct chain *)provider;

	credentials_fini(&chain->credentials);
	chain->found = false;
}

static void
chain_free(struct credentials_provider *provider)
{
	struct chain *chain = (struct chain *)provider;

	credentials_fini(&chain->credentials);
	free(chain->flag_profile);
	free(chain);
}

struct credentials_provider *
credentials_chain_new(const struct aws_env *env, const char *flag_profile, struct loop *loop)
{
	struct chain *chain = mem_zalloc(1, sizeof(*chain));

	(void)loop; /* for providers that ask the network */
	chain->provider = (struct credentials_provider){
	    .get = chain_get, .free_provider = chain_free, .refresh = chain_refresh};
	chain->env = *env;
	chain->flag_profile = mem_strdup(flag_profile);
	return &chain->provider;
}
