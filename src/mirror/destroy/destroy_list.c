#include "mirror/destroy/destroy_internal.h"

#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <stdlib.h>

/* Instances first: they show which account this is. */
static const enum destroy_kind listing_order[DESTROY_KINDS] = {
    DESTROY_INSTANCES, DESTROY_TARGETS, DESTROY_SESSIONS};

struct destroy_listing {
	struct destroy *in;
	size_t at; /* in listing_order; DESTROY_KINDS: over */
	bool account_asked;
};

/* Every page may name the account; account_note_id takes no harm from other replies. */
static enum ec2_page_next
destroy_list_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct destroy_listing *listing = arg;
	enum destroy_kind kind = listing_order[listing->at];
	json_t *resource;
	size_t i;

	(void)err;
	account_note_id(listing->in->account, reply);
	json_array_foreach (jsonx_get_array(reply, destroy_kinds[kind].list_name), i, resource)
		destroy_judge_resource(listing->in, kind, resource);
	return EC2_PAGE_MORE;
}

/* A list that is cut off fails the pass: a session of somebody else's that it left out would cost
 * them their target. Only instances have a documented filter for tags: the mirror resources are all
 * listed, and their tags compared here. */
static struct tmf_call *
destroy_list_ask(struct destroy_listing *listing)
{
	enum destroy_kind kind = listing_order[listing->at];
	json_t *filters = NULL;
	struct tmf_call *call;

	if (kind == DESTROY_INSTANCES) {
		json_t *values = json_array();

		json_array_append_new(values, json_string(TAG_TOOL_VALUE));
		filters = describe_filter("tag:" TAG_TOOL, values);
	}
	call = ec2_pages(
	    listing->in->account->ec2, &(struct ec2_pages){.list = destroy_kinds[kind].list,
					   .filters = filters,
					   .on_page = destroy_list_page,
					   .arg = listing});
	json_decref(filters);
	return call;
}

static enum ec2_page_next
destroy_account_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct destroy_listing *listing = arg;
	struct account *account = listing->in->account;

	(void)err;
	account_note_id(account, reply);
	return account->id[0] != '\0' ? EC2_PAGE_ENOUGH : EC2_PAGE_MORE;
}

/* No instance of ours shows which account this is; any other will do. */
static struct tmf_call *
destroy_account_ask(struct destroy_listing *listing)
{
	return ec2_pages(listing->in->account->ec2,
	    &(struct ec2_pages){
		.list = &ec2_list_instances, .on_page = destroy_account_page, .arg = listing});
}

static struct tmf_call *
destroy_list_next(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct destroy_listing *listing = frame;

	if (tmf_err_isset(&over->err)) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	if (listing->at == 0 && !listing->account_asked && listing->in->account->id[0] == '\0') {
		listing->account_asked = true;
		return destroy_account_ask(listing);
	}
	if (++listing->at < DESTROY_KINDS)
		return destroy_list_ask(listing);
	if (destroy_judge(listing->in, err) == 0)
		*ret_result = json_object();
	return NULL;
}

struct tmf_call *
destroy_list(struct destroy *destroy)
{
	struct destroy_listing *listing = mem_zalloc(1, sizeof(*listing));

	listing->in = destroy;
	return tmf_call_sequence(destroy_list_ask(listing), destroy_list_next, listing, free);
}
