#include "cli/places/turns.h"

#include "aws/arn.h"
#include "aws/services/sts.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TURNS_ACCOUNT_BYTES == ARN_ACCOUNT_DIGITS + 1, "an account's digits and NUL");

/*
 * Asked once: keys do not change their account. Where STS cannot be reached the lease is of "own":
 * two processes with the same keys and the same network then still exclude each other, and a
 * network without an endpoint of STS keeps nobody from reconciling.
 */
static void
turns_ask_account(struct workspace *base, char own_account[TURNS_ACCOUNT_BYTES])
{
	struct tmf_err err = {0};
	struct aws_client *sts = workspace_client(base, "sts", NULL, &err);
	json_t *identity = NULL;
	const char *account;

	if (sts != NULL)
		identity = workspace_wait(base, sts_get_caller_identity(sts), &err);
	account = jsonx_get_string(identity, "Account");
	if (account == NULL || !arn_is_account(str_of(account))) {
		log_event(LOG_DEBUG, "reconcile.account", LOG_STR("cause", tmf_err_text(&err)));
		account = "own";
	}
	snprintf(own_account, TURNS_ACCOUNT_BYTES, "%s", account);
	json_decref(identity);
	aws_client_free(sts);
	tmf_err_fini(&err);
}

/* A role names its account, so that only a place with the keys' own account needs STS. */
static void
turns_account_of(const struct place *place, struct workspace *base,
    char own_account[TURNS_ACCOUNT_BYTES], char out[TURNS_ACCOUNT_BYTES])
{
	struct arn role;

	if (place->account != NULL) {
		snprintf(out, TURNS_ACCOUNT_BYTES, "%s", place->account);
		return;
	}
	if (place->assume_role != NULL && arn_parse(place->assume_role, &role, NULL) == 0 &&
	    arn_is_account(role.account)) {
		snprintf(out, TURNS_ACCOUNT_BYTES, "%.*s", (int)role.account.len, role.account.p);
		return;
	}
	if (own_account[0] == '\0')
		turns_ask_account(base, own_account);
	snprintf(out, TURNS_ACCOUNT_BYTES, "%s", own_account);
}

/* malloc'ed: the lease's name. */
static char *
turns_name(const struct place *place, struct workspace *base, char own_account[TURNS_ACCOUNT_BYTES])
{
	char account[TURNS_ACCOUNT_BYTES];

	turns_account_of(place, base, own_account, account);
	return mem_printf("reconcile-%s-%s", account,
	    place->region != NULL ? place->region : base->settings.region);
}

int
turns_all_held(struct store *store, const struct places *places, struct workspace *base,
    char own_account[TURNS_ACCOUNT_BYTES], struct tmf_err *err)
{
	size_t held = 0;
	int ret = 0;

	for (size_t i = 0; i < places->count && ret == 0; i++) {
		char *name = turns_name(&places->at[i], base, own_account);
		struct store_holder holder = {.held = false};

		ret = store_lease_peek(store, name, &holder, err);
		held += holder.held ? 1 : 0;
		if (ret == 0 && held == places->count)
			tmf_err_set(err, TMF_ERR_BUSY, "%s is held by pid %ld on %s", name,
			    holder.pid, holder.host);
		free(name);
	}
	return ret == 0 && tmf_err_isset(err) ? 1 : ret;
}

int
turns_take(struct turns *turns, struct store *store, const struct places *places,
    struct workspace *base, char own_account[TURNS_ACCOUNT_BYTES], struct tmf_err *err)
{
	assert(turns->at == NULL && places->count > 0);
	turns->at = mem_zalloc(places->count, sizeof(struct store_lease *));
	for (size_t i = 0; i < places->count; i++) {
		char *name = turns_name(&places->at[i], base, own_account);

		turns->at[turns->count] =
		    store_run_id_check(name, err) == 0 ? store_lease_take(store, name, err) : NULL;
		free(name);
		if (turns->at[turns->count] == NULL) {
			turns_release(turns);
			return -1;
		}
		turns->count++;
	}
	return 0;
}

void
turns_release(struct turns *turns)
{
	for (size_t i = 0; i < turns->count; i++)
		store_lease_release(turns->at[i]);
	free(turns->at);
	*turns = (struct turns){0};
}
