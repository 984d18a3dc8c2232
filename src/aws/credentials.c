#include "aws/credentials.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The copy is made first: value may be what the secret holds. */
void
secret_set(struct secret *secret, const char *value)
{
	char *copy = mem_strdup(value);

	secret_fini(secret);
	secret->hidden = copy;
}

/* Never NULL, so that an absent token reads as an empty one. */
const char *
secret_reveal(const struct secret *secret)
{
	return secret->hidden != NULL ? secret->hidden : "";
}

/* Wiped before it is freed, so that a core dump or a later allocation does not hold it. */
void
secret_fini(struct secret *secret)
{
	if (secret->hidden != NULL)
		mem_wipe(secret->hidden, strlen(secret->hidden));
	free(secret->hidden);
	secret->hidden = NULL;
}

/* The access key id is not secret, but is emptied with the rest, so that no half pair is left. */
void
credentials_fini(struct credentials *credentials)
{
	secret_fini(&credentials->secret_access_key);
	secret_fini(&credentials->session_token);
	*credentials = (struct credentials){0};
}

/* Each provider frees what it is made of; NULL is allowed, as with free. */
void
credentials_provider_free(struct credentials_provider *provider)
{
	if (provider != NULL)
		provider->free_provider(provider);
}
