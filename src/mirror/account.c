#include "mirror/account.h"

#include "base/jsonx.h"

#include <assert.h>
#include <string.h>

/* Each reply is looked at, since it costs nothing and saves check-account a request of its own. */
void
account_note_id(struct account *account, const json_t *reply)
{
	const char *owner = jsonx_get_string(reply, "OwnerId");

	/* A member is looked up by its id: that must not change under those that hold it. */
	assert(!account->is_member || account->id[0] != '\0');
	if (!account->is_member && owner != NULL && strlen(owner) < sizeof(account->id))
		memcpy(account->id, owner, strlen(owner) + 1);
}
