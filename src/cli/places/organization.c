#include "cli/places/organization.h"

#include "aws/arn.h"
#include "aws/services/ec2.h"
#include "aws/services/organizations.h"
#include "aws/services/pager.h"
#include "aws/wire/endpoint.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/report/progress.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct organization;

/* An account whose regions are asked for. */
struct account_look {
	struct organization *organization;
	size_t at; /* of the account */
	char *role;
	struct cli_opts opts;
	struct workspace workspace;
	struct tmf_call *call;
	bool open;
};

/*
 * What is listed, from top to bottom as it comes: units, accounts, regions, places. Strings of
 * places are copies, all others belong to the lists.
 */
struct organization {
	const struct cli_opts *opts;
	struct workspace *base;
	struct aws_client *client; /* of Organizations */
	struct places *places;
	json_t *wanted;		/* [region] of --region; empty: all that are enabled */
	json_t *ids;		/* [id] of those that are taken */
	json_t *regions;	/* {id: [name]} that are enabled */
	struct tmf_err *faults; /* of each of ids: why its regions are not known */
	struct account_look looks[ORGANIZATION_AT_ONCE_MAX];
	size_t next; /* of ids to be asked */
	size_t over;
	int code; /* of what ends it */
	struct progress progress;
};

/* --- options --- */

static bool
organization_is_unit(const char *id)
{
	return strncmp(id, "ou-", 3) == 0 || strncmp(id, "r-", 2) == 0;
}

/* A name of a unit is not unique: only ids are taken, and a name is a likely mistake. */
static int
organization_check_ids(const char *list, const char *option, bool accounts_too, struct tmf_err *err)
{
	json_t *ids = NULL;
	const json_t *id;
	int ret = places_split(list, option, &ids, err);
	size_t i;

	json_array_foreach (ids, i, id) {
		const char *text = json_string_value(id);

		if (ret == 0 && !organization_is_unit(text) &&
		    !(accounts_too && arn_is_account(str_of(text))))
			ret = tmf_err_set(err, TMF_ERR_INVALID,
			    "--%s takes ids of organizational units or roots%s, such as "
			    "ou-ab12-cdefgh34, with commas between them, not \"%s\"",
			    option, accounts_too ? ", and of accounts" : "", text);
	}
	json_decref(ids);
	return ret;
}

int
organization_check(const struct cli_opts *opts, struct tmf_err *err)
{
	const char *role = opts->assume_role;

	if (opts->account != NULL || opts->accounts != NULL)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--organization: not together with --account or --accounts: it lists them");
	if (role == NULL || (strncmp(role, "arn:", 4) == 0 && strstr(role, "{account}") == NULL))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--organization: needs --assume-role with the name of a role that each account "
		    "has, such as tmflow, or arn:aws:iam::{account}:role/tmflow");
	return organization_check_ids(opts->unit, "unit", false, err) < 0 ||
		       organization_check_ids(opts->exclude, "exclude", true, err) < 0
		   ? -1
		   : 0;
}

/* A name of a role stands for the role of that name in each account. */
static char *
organization_role(const struct organization *organization, const char *account)
{
	const char *role = organization->opts->assume_role;
	const char *partition = endpoint_partition(organization->base->settings.region);

	/* {region} is filled in for each place. */
	return strncmp(role, "arn:", 4) == 0
		   ? arn_fill_in(role, account, NULL)
		   : mem_printf("arn:%s:iam::%s:role/%s", partition, account, role);
}

/* --- accounts --- */

/* What stands in a list's pages goes into one array. */
struct organization_list {
	const char *name; /* "Accounts" */
	json_t *into;
};

static enum ec2_page_next
organization_page(void *arg, json_t *reply, struct tmf_err *err)
{
	const struct organization_list *list = arg;

	(void)err;
	json_array_extend(list->into, json_object_get(reply, list->name));
	return EC2_PAGE_MORE;
}

/* Adds what stands in the list of each page to into. */
static int
organization_pages(struct organization *organization, const struct token_list *pages,
    const char *parent, const char *name, json_t *into, struct tmf_err *err)
{
	struct organization_list list = {.name = name, .into = into};
	json_t *over = workspace_wait(organization->base,
	    token_pages(organization->client,
		&(struct token_pages){
		    .list = pages,
		    .of = parent,
		    .pages_max = ORGANIZATION_PAGES_MAX,
		    .on_page = organization_page,
		    .arg = &list,
		}),
	    err);

	if (over == NULL)
		return parent != NULL ? tmf_err_prefix(err, "%s", parent) : -1;
	json_decref(over);
	return 0;
}

/* The units themselves, and all that are below them. units: [id], to which those are added. */
static int
organization_add_units(struct organization *organization, json_t *units, struct tmf_err *err)
{
	for (size_t i = 0; i < json_array_size(units); i++) {
		json_t *below = json_array();
		const json_t *unit;
		int ret = organization_pages(organization, &organizations_list_units_of,
		    json_string_value(json_array_get(units, i)), "OrganizationalUnits", below, err);
		size_t k;

		json_array_foreach (below, k, unit)
			json_array_append(units, json_object_get(unit, "Id"));
		json_decref(below);
		if (ret < 0)
			return -1;
		if (json_array_size(units) > ORGANIZATION_UNITS_MAX)
			return tmf_err_set(err, TMF_ERR_LIMIT, "more than %d organizational units",
			    ORGANIZATION_UNITS_MAX);
	}
	return 0;
}

/* Adds all accounts below the units of the list to accounts, and those that the list names. */
static int
organization_resolve(
    struct organization *organization, const char *text, json_t *accounts, struct tmf_err *err)
{
	json_t *ids = NULL;
	json_t *units = json_array();
	const json_t *id;
	int ret = places_split(text, "unit", &ids, err);
	size_t i;

	json_array_foreach (ids, i, id) {
		if (organization_is_unit(json_string_value(id)))
			json_array_append(units, (json_t *)id);
		else
			json_array_append_new(
			    accounts, json_pack("{s:s}", "Id", json_string_value(id)));
	}
	if (ret == 0)
		ret = organization_add_units(organization, units, err);
	for (i = 0; ret == 0 && i < json_array_size(units); i++)
		ret = organization_pages(organization, &organizations_list_accounts_of,
		    json_string_value(json_array_get(units, i)), "Accounts", accounts, err);
	json_decref(units);
	json_decref(ids);
	return ret;
}

/* AWS replaces Status by State, which has more values; either says ACTIVE. */
static const char *
organization_state(const json_t *account)
{
	const char *state = jsonx_get_string(account, "State");

	if (state == NULL)
		state = jsonx_get_string(account, "Status");
	return state != NULL ? state : "ACTIVE";
}

/*
 * Those that are active and not excluded, each once: where --unit names a unit and one above it, an
 * account comes twice. An excluded account has no line, not even a suspended one: the caller named
 * it.
 */
static int
organization_take(struct organization *organization, const json_t *listed, const json_t *excluded)
{
	json_t *seen = json_object(); /* {id: true}: excluded, or listed before */
	const json_t *account;
	size_t i;

	json_array_foreach (excluded, i, account)
		json_object_set_new(seen, jsonx_get_string(account, "Id"), json_true());
	json_array_foreach (listed, i, account) {
		const char *id = jsonx_get_string(account, "Id");
		const char *state = organization_state(account);

		if (id == NULL || !arn_is_account(str_of(id)) || json_object_get(seen, id) != NULL)
			continue;
		json_object_set_new(seen, id, json_true());
		if (strcmp(state, "ACTIVE") == 0)
			json_array_append_new(organization->ids, json_string(id));
		else
			cli_print(stderr, "tmflow: account %s (%s) is left out: it is %s\n", id,
			    jsonx_get_string(account, "Name"), state);
	}
	json_decref(seen);
	return json_array_size(organization->ids) > 0 ? 0 : -1;
}

static int
organization_list_accounts(struct organization *organization, struct tmf_err *err)
{
	const struct cli_opts *opts = organization->opts;
	json_t *listed = json_array();
	json_t *excluded = json_array();
	int ret = opts->unit != NULL
		      ? organization_resolve(organization, opts->unit, listed, err)
		      : organization_pages(organization, &organizations_list_accounts, NULL,
			    "Accounts", listed, err);

	if (ret == 0)
		ret = organization_resolve(organization, opts->exclude, excluded, err);
	if (ret == 0 && organization_take(organization, listed, excluded) < 0)
		ret = tmf_err_set(err, TMF_ERR_INVALID, "no active account is left");
	json_decref(listed);
	json_decref(excluded);
	if (ret < 0)
		tmf_err_prefix(err, "--organization");
	if (ret < 0 && tmf_err_isset(err) && strncmp(err->name, "AccessDenied", 12) == 0)
		tmf_err_suffix(err,
		    "; the organization is listed by keys of its management account or of a "
		    "delegated administrator that may call ListAccounts, ListAccountsForParent and "
		    "ListOrganizationalUnitsForParent");
	return ret;
}

/* --- regions --- */

static void organization_look_on(struct organization *organization);

/* The look's client goes here, so that no more of them are alive than are asked. */
static void
account_look_over(struct account_look *look, const json_t *reply, struct tmf_err *err)
{
	struct organization *organization = look->organization;
	const char *id = json_string_value(json_array_get(organization->ids, look->at));
	json_t *names = json_array();
	const json_t *region;
	size_t i;

	assert(look->open && look->call == NULL && id != NULL);
	assert((reply == NULL) == tmf_err_isset(err));

	json_array_foreach (jsonx_get_array(reply, "Regions"), i, region)
		json_array_append(names, json_object_get(region, "RegionName"));
	if (reply != NULL)
		json_object_set(organization->regions, id, names);
	else
		tmf_err_move(&organization->faults[look->at], err);
	json_decref(names);
	workspace_fini(&look->workspace);
	free(look->role);
	*look = (struct account_look){.open = false};
	organization->over++;
}

static void
account_look_answered(void *arg, struct tmf_call *call)
{
	struct account_look *look = arg;
	struct organization *organization = look->organization;
	json_t *reply = tmf_call_take_result(call);
	struct tmf_err err = {0};

	assert(look->open && look->call == call);
	look->call = NULL;
	if (reply == NULL)
		tmf_err_move(&err, &call->err);
	account_look_over(look, reply, &err);
	json_decref(reply);
	organization_look_on(organization);
}

/* A call of the client's own is freed behind its completion, in which the client goes already. */
static struct tmf_call *
account_look_pass_on(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	(void)frame;
	*ret_result = tmf_call_take_result(over);
	if (*ret_result == NULL)
		tmf_err_move(err, &over->err);
	return NULL;
}

static void
account_look_begin(struct organization *organization, struct account_look *look)
{
	size_t at = organization->next++;
	struct tmf_err err = {0};

	assert(!look->open && at < json_array_size(organization->ids));

	*look = (struct account_look){.organization = organization, .at = at, .open = true};
	look->role = organization_role(
	    organization, json_string_value(json_array_get(organization->ids, at)));
	look->opts = *organization->opts;
	look->opts.region = organization->base->settings.region;
	look->opts.assume_role = look->role;
	workspace_init_beside(&look->workspace, &look->opts, organization->base);
	organization->code = workspace_load_settings(&look->workspace, NULL);
	if (organization->code != EXIT_OK)
		return;
	if (workspace_open_client(&look->workspace, &err) < 0) {
		account_look_over(look, NULL, &err);
		return;
	}
	look->call = tmf_call_sequence(
	    ec2_describe_regions(look->workspace.own.ec2), account_look_pass_on, NULL, NULL);
	tmf_call_on_done(look->call, account_look_answered, look);
}

/*
 * Keeps the looks busy; the loop ends when there is nothing left. A look that ends at once, because
 * its client cannot be made, is free again for the next account.
 */
static void
organization_look_on(struct organization *organization)
{
	size_t count = json_array_size(organization->ids);

	assert(organization->over <= organization->next && organization->next <= count);
	for (size_t i = 0; i < ORGANIZATION_AT_ONCE_MAX; i++)
		while (!organization->looks[i].open && organization->next < count &&
		       organization->code == EXIT_OK)
			account_look_begin(organization, &organization->looks[i]);
	if (organization->over == count || organization->code != EXIT_OK)
		tmf_loop_stop(organization->base->loop);
}

static void
organization_add_up(void *arg, struct progress_sum *ret_sum)
{
	const struct organization *organization = arg;

	*ret_sum = (struct progress_sum){
	    .parts_noun = "accounts",
	    .parts = json_array_size(organization->ids),
	    .parts_over = organization->over,
	};
}

static int
organization_ask_regions(struct organization *organization, struct tmf_err *err)
{
	int ret = 0;

	organization->progress = (struct progress){
	    .loop = organization->base->loop, .add_up = organization_add_up, .arg = organization};
	if (!organization->opts->quiet)
		progress_start(&organization->progress);
	organization_look_on(organization);
	if (organization->over < json_array_size(organization->ids) &&
	    organization->code == EXIT_OK)
		ret = tmf_loop_run(organization->base->loop, err);
	progress_stop(&organization->progress);
	for (size_t i = 0; i < ORGANIZATION_AT_ONCE_MAX; i++) {
		struct account_look *look = &organization->looks[i];

		if (!look->open)
			continue;
		tmf_call_cancel(look->call);
		workspace_fini(&look->workspace);
		free(look->role);
	}
	return ret;
}

/* --- places --- */

/* The fault goes with the place: the command that asks there reports it as the place's result. */
static int
organization_add_place(struct organization *organization, const char *account, const char *region,
    const struct tmf_err *fault, struct tmf_err *err)
{
	char *role = organization_role(organization, account);
	const struct place place = {
	    .account = (char *)account,
	    .region = (char *)region,
	    .assume_role = role,
	    .external_id = (char *)organization->opts->external_id,
	};
	int ret = places_append(organization->places, &place, err);

	if (ret == 0 && fault != NULL) {
		struct place *added = &organization->places->at[organization->places->count - 1];

		added->fault = mem_zalloc(1, sizeof(*added->fault));
		tmf_err_copy(added->fault, fault);
	}
	free(role);
	return ret;
}

/* The lists are short: AWS has some 35 regions. */
static bool
organization_has_region(const json_t *enabled, const char *region)
{
	const json_t *name;
	size_t i;

	json_array_foreach (enabled, i, name)
		if (strcmp(json_string_value(name), region) == 0)
			return true;
	return false;
}

/*
 * Where an account does not say which regions it has, --region is taken at its word, and each of
 * its places fails or works by itself. Without --region one place stands for the account, with the
 * fault.
 */
static int
organization_add_account(
    struct organization *organization, const char *account, size_t at, struct tmf_err *err)
{
	const json_t *enabled = json_object_get(organization->regions, account);
	const json_t *wanted = organization->wanted;
	const json_t *name;
	int ret = 0;
	size_t i;

	if (enabled == NULL && json_array_size(wanted) == 0)
		return organization_add_place(organization, account,
		    organization->base->settings.region, &organization->faults[at], err);
	json_array_foreach (json_array_size(wanted) > 0 ? wanted : enabled, i, name) {
		const char *region = json_string_value(name);

		if (enabled != NULL && !organization_has_region(enabled, region))
			cli_print(stderr,
			    "tmflow: %s of account %s is left out: the region is not enabled\n",
			    region, account);
		else if (ret == 0)
			ret = organization_add_place(organization, account, region, NULL, err);
	}
	return ret;
}

static int
organization_add_places(struct organization *organization, struct tmf_err *err)
{
	const json_t *id;
	size_t i;

	json_array_foreach (organization->ids, i, id)
		if (organization_add_account(organization, json_string_value(id), i, err) < 0)
			return -1;
	return organization->places->count > 0
		   ? 0
		   : tmf_err_set(err, TMF_ERR_INVALID,
			 "--organization: no account has one of the regions enabled");
}

/* Frees the lists. Looks are over, or were cancelled. */
static void
organization_fini(struct organization *organization)
{
	for (size_t i = 0; organization->faults != NULL && i < json_array_size(organization->ids);
	     i++)
		tmf_err_fini(&organization->faults[i]);
	free(organization->faults);
	aws_client_free(organization->client);
	json_decref(organization->wanted);
	json_decref(organization->ids);
	json_decref(organization->regions);
}

int
organization_list(
    const struct cli_opts *opts, struct workspace *base, struct places *places, struct tmf_err *err)
{
	struct organization organization = {
	    .opts = opts,
	    .base = base,
	    .places = places,
	    .ids = json_array(),
	    .regions = json_object(),
	    .code = EXIT_OK,
	};
	int ret = places_split(opts->region, "region", &organization.wanted, err);

	assert(places->count == 0 && base->own.credentials != NULL);
	assert(opts->organization && opts->assume_role != NULL);
	if (ret == 0)
		organization.client = workspace_client(
		    base, "organizations", organizations_region(base->settings.region), err);
	if (organization.client == NULL || organization_list_accounts(&organization, err) < 0) {
		organization_fini(&organization);
		return -1;
	}
	organization.faults =
	    mem_zalloc(json_array_size(organization.ids), sizeof(organization.faults[0]));
	ret = organization_ask_regions(&organization, err);
	if (ret == 0 && organization.code != EXIT_OK)
		ret = tmf_err_set(
		    err, TMF_ERR_INVALID, "--organization: settings of an account cannot be read");
	if (ret == 0)
		ret = organization_add_places(&organization, err);
	organization_fini(&organization);
	return ret;
}
