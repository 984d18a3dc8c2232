#include "cli/places/places.h"
#include "aws/arn.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/places/organization.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Which accounts and regions: from flags, or from a file. */

void
places_fini(struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		free(places->at[i].account);
		free(places->at[i].region);
		free(places->at[i].assume_role);
		free(places->at[i].external_id);
		if (places->at[i].fault != NULL)
			tmf_err_fini(places->at[i].fault);
		free(places->at[i].fault);
	}
	free(places->at);
	*places = (struct places){0};
}

/* With --organization the places are not known yet, but the regions of the option are. */
char *
places_first_region(const struct cli_opts *opts, const struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->at[i].region != NULL)
			return mem_strdup(places->at[i].region);
	return opts->organization && opts->region != NULL
		   ? mem_strndup(opts->region, strcspn(opts->region, ","))
		   : NULL;
}

/* A single region is an ordinary run. A comma makes several places of one account. */
bool
places_are_several(const struct cli_opts *opts)
{
	return opts->accounts != NULL || opts->account != NULL || opts->organization ||
	       (opts->region != NULL && strchr(opts->region, ',') != NULL);
}

/*
 * A place without a region stands for the default one, which is not known yet, so that it equals
 * any region of its account.
 */
static bool
places_have(const struct places *places, const char *account, const char *region)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->at[i];

		if ((account == NULL || strcmp(place->account, account) == 0) &&
		    (region == NULL || place->region == NULL || strcmp(place->region, region) == 0))
			return true;
	}
	return false;
}

/* What the places of one account share. */
struct account_row {
	const char *id; /* NULL: the keys' own */
	const char *assume_role;
	const char *external_id;
};

/* Two runs over one place would compete for the same session numbers. */
static int
places_add(struct places *places, const struct account_row *account, const char *region,
    struct tmf_err *err)
{
	const struct place place = {
	    .account = (char *)account->id,
	    .region = (char *)region,
	    .assume_role = (char *)account->assume_role,
	    .external_id = (char *)account->external_id,
	};

	if (places_have(places, account->id, region))
		return tmf_err_set(err, TMF_ERR_INVALID, "%s%s%s: given twice",
		    account->id != NULL ? account->id : "", account->id != NULL ? " " : "",
		    region != NULL ? region : "");
	return places_append(places, &place, err);
}

/* An account in each of its regions; without any, in one that is not known yet. */
static int
places_add_account(struct places *places, const struct account_row *account, const json_t *regions,
    struct tmf_err *err)
{
	const json_t *region;
	size_t i;

	if (json_array_size(regions) == 0)
		return places_add(places, account, NULL, err);
	json_array_foreach (regions, i, region)
		if (places_add(places, account, json_string_value(region), err) < 0)
			return -1;
	return 0;
}

/* --- flags --- */

/*
 * Without {account} all places would assume the same role, and the same account would be
 * mirrored several times under different names.
 */
static int
places_check_accounts(const json_t *accounts, const char *role, struct tmf_err *err)
{
	const json_t *account;
	size_t i;

	json_array_foreach (accounts, i, account)
		if (!arn_is_account(str_of(json_string_value(account))))
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "--account takes ids of %d digits, with commas between them, not "
			    "\"%s\"",
			    ARN_ACCOUNT_DIGITS, json_string_value(account));
	if (json_array_size(accounts) > 0 && (role == NULL || strstr(role, "{account}") == NULL))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--account: needs --assume-role with {account} in it, such as "
		    "arn:aws:iam::{account}:role/tmflow");
	return 0;
}

/* Every account is mirrored in every region: the places are the product of both lists. */
static int
places_of_flags(const struct cli_opts *opts, struct places *places, struct tmf_err *err)
{
	json_t *accounts = NULL;
	json_t *regions = NULL;
	struct account_row row = {
	    .assume_role = opts->assume_role, .external_id = opts->external_id};
	int ret = -1;
	json_t *account;
	size_t i;

	if (places_split(opts->account, "account", &accounts, err) < 0 ||
	    places_split(opts->region, "region", &regions, err) < 0 ||
	    places_check_accounts(accounts, opts->assume_role, err) < 0)
		goto out;
	ret = json_array_size(accounts) == 0 ? places_add_account(places, &row, regions, err) : 0;
	json_array_foreach (accounts, i, account) {
		row.id = json_string_value(account);
		if (ret == 0)
			ret = places_add_account(places, &row, regions, err);
	}
out:
	json_decref(accounts);
	json_decref(regions);
	return ret;
}

/* --- the file --- */

static const char *const file_keys[] = {"assumeRole", "externalId", "regions", "accounts", NULL};
static const char *const account_keys[] = {"id", "assumeRole", "externalId", "regions", NULL};

static bool
accounts_key_known(const char *const *list, const char *word)
{
	while (*list != NULL && strcmp(*list, word) != 0)
		list++;
	return *list != NULL;
}

/* An empty list is refused: it could mean no region or the default one. */
static void
accounts_check_regions(const json_t *regions, const char *pointer, struct diag_list *diags)
{
	bool fits = regions == NULL || json_array_size(regions) > 0;
	json_t *region;
	size_t i;

	json_array_foreach (regions, i, region)
		fits = fits && json_is_string(region) && json_string_length(region) > 0;
	if (!fits)
		diag_add(diags, DIAG_ERROR, "INVALID_ACCOUNTS", pointer, DIAG_AT_VALUE, NULL,
		    "regions must be a list of names of AWS regions");
}

/* Keys, and the kinds of what both levels may hold. */
static void
accounts_check_object(
    json_t *object, const char *const *keys, const char *pointer, struct diag_list *diags)
{
	struct buf at = {0}, hint = {0};
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		buf_reset(&at);
		buf_add_cstr(&at, pointer);
		doc_pointer_add(&at, key);
		if (!accounts_key_known(keys, key))
			diag_add(diags, DIAG_ERROR, "INVALID_ACCOUNTS", buf_cstr(&at), DIAG_AT_KEY,
			    diag_hint_nearest(&hint, key, keys), "unknown key \"%s\"", key);
		else if (strcmp(key, "regions") == 0)
			accounts_check_regions(value, buf_cstr(&at), diags);
		else if (strcmp(key, "accounts") != 0 && !json_is_string(value))
			diag_add(diags, DIAG_ERROR, "INVALID_ACCOUNTS", buf_cstr(&at),
			    DIAG_AT_VALUE, "write it in quotes", "%s must be text, not a %s", key,
			    jsonx_kind(value));
	}
	buf_fini(&at);
	buf_fini(&hint);
}

/*
 * YAML reads 012345678901 without quotes as a number and drops the zero. The hint asks for
 * quotes for that reason.
 */
static void
accounts_check_one(json_t *account, size_t index, bool has_role, struct diag_list *diags)
{
	const char *id = jsonx_get_string(account, "id");
	struct buf pointer = {0};

	buf_add_cstr(&pointer, "/accounts");
	doc_pointer_add_index(&pointer, index);
	if (!json_is_object(account)) {
		diag_add(diags, DIAG_ERROR, "INVALID_ACCOUNTS", buf_cstr(&pointer), DIAG_AT_VALUE,
		    NULL, "an account must be an object with an id");
	} else {
		accounts_check_object(account, account_keys, buf_cstr(&pointer), diags);
		if (id == NULL || !arn_is_account(str_of(id)))
			diag_add(diags, DIAG_ERROR, "INVALID_ACCOUNTS", buf_cstr(&pointer),
			    DIAG_AT_VALUE, "write it in quotes",
			    "id must be the account's %d digits", ARN_ACCOUNT_DIGITS);
		if (!has_role && jsonx_get_string(account, "assumeRole") == NULL)
			diag_add(diags, DIAG_ERROR, "INVALID_ACCOUNTS", buf_cstr(&pointer),
			    DIAG_AT_VALUE, NULL,
			    "missing assumeRole: neither the account nor the file has one");
	}
	buf_fini(&pointer);
}

/* All faults of the file are collected, so that one attempt shows them all. */
static void
accounts_check_file(json_t *root, struct diag_list *diags)
{
	const json_t *accounts = json_object_get(root, "accounts");
	json_t *account;
	size_t i;

	if (json_is_object(root))
		accounts_check_object(root, file_keys, "", diags);
	if (json_array_size(accounts) == 0)
		diag_add(diags, DIAG_ERROR, "INVALID_ACCOUNTS", "", DIAG_AT_VALUE, NULL,
		    "accounts must be a list with at least one account");
	json_array_foreach (accounts, i, account)
		accounts_check_one(account, i, jsonx_get_string(root, "assumeRole") != NULL, diags);
}

/* An account's own value comes before the file's common one. */
static const char *
accounts_text(const json_t *object, const json_t *otherwise, const char *key)
{
	const char *text = jsonx_get_string(object, key);

	return text != NULL ? text : jsonx_get_string(otherwise, key);
}

/* Flags fill in what the file leaves out. */
static int
accounts_add_file(
    const json_t *root, const struct cli_opts *opts, struct places *places, struct tmf_err *err)
{
	json_t *flag_regions = NULL;
	const json_t *account;
	int ret = 0;
	size_t i;

	if (places_split(opts->region, "region", &flag_regions, err) < 0)
		return -1;
	json_array_foreach (jsonx_get_array(root, "accounts"), i, account) {
		const json_t *regions = jsonx_get_array(account, "regions");
		const struct account_row row = {
		    .id = jsonx_get_string(account, "id"),
		    .assume_role = accounts_text(account, root, "assumeRole"),
		    .external_id = accounts_text(account, root, "externalId"),
		};

		if (regions == NULL)
			regions = jsonx_get_array(root, "regions");
		if (ret == 0)
			ret = places_add_account(places, &row,
			    json_array_size(flag_regions) > 0 ? flag_regions : regions, err);
	}
	json_decref(flag_regions);
	return ret;
}

int
places_of_doc(const struct doc *doc, const struct cli_opts *opts, struct diag_list *diags,
    struct places *places, struct tmf_err *err)
{
	accounts_check_file(doc_root(doc), diags);
	return diags->errors > 0 ? -1 : accounts_add_file(doc_root(doc), opts, places, err);
}

/*
 * A fault of the form has its line in the file. Faults that show only beyond it, such as a place
 * that is given twice, have none.
 */
static int
places_of_file(const struct cli_opts *opts, struct places *places)
{
	struct tmf_err err = {0};
	struct diag_list diags;
	struct doc *doc = doc_read(opts->accounts, &err);
	int code = EXIT_OK;

	if (doc == NULL)
		return cli_fail_take(opts->output, &err);
	diag_list_init(&diags, doc);
	if (places_of_doc(doc, opts, &diags, places, &err) < 0)
		code = diags.errors > 0 ? cli_fail_diags(opts->output, &diags)
					: cli_fail_take(opts->output, &err);
	diag_list_fini(&diags);
	doc_free(doc);
	return code;
}

/* A role beside --accounts would contradict the roles in the file, so that it is refused. */
int
places_of(const struct cli_opts *opts, struct places *ret_places)
{
	struct places places = {0};
	struct tmf_err err = {0};
	int code = EXIT_OK;

	if (opts->accounts != NULL && !opts->organization &&
	    (opts->account != NULL || opts->assume_role != NULL))
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "--accounts: not together with --account or --assume-role, the file has both");
	else if (!opts->organization && (opts->unit != NULL || opts->exclude != NULL))
		tmf_err_set(
		    &err, TMF_ERR_INVALID, "--unit and --exclude: only with --organization");
	else if (opts->organization)
		organization_check(opts, &err);
	else if (opts->accounts != NULL)
		code = places_of_file(opts, &places);
	else
		places_of_flags(opts, &places, &err);
	if (tmf_err_isset(&err))
		code = cli_fail_take(opts->output, &err);
	if (code == EXIT_OK)
		*ret_places = places;
	else
		places_fini(&places);
	return code;
}
