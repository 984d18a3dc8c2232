#include "mirror/targets/target_listing.h"

#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "mirror/targets/target_facts.h"

#include <assert.h>

void
target_listing_init(struct target_listing *listing, struct account *account)
{
	*listing = (struct target_listing){.account = account};
	inventory_init(&listing->inventory);
	inventory_init(&listing->coming);
}

void
target_listing_fini(struct target_listing *listing)
{
	tmf_call_cancel(listing->call);
	waiters_fini(&listing->waiters);
	inventory_fini(&listing->inventory);
	inventory_fini(&listing->coming);
}

static int64_t
target_listing_mono_ms(const struct target_listing *listing)
{
	struct tmf_clock *clock = tmf_loop_clock(listing->account->loop);

	return clock->mono_ms(clock);
}

/* Nothing is decided by a page: what a later page says of the same target may differ. */
static enum ec2_page_next
target_listing_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct target_listing *listing = arg;
	json_t *listed;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorTargets"), i, listed)
		inventory_add_listed(
		    &listing->coming, listed, listing->account->id, listing->account->trusts_tags);
	return EC2_PAGE_MORE;
}

/* A page token expires, and the listing begins again. What the earlier pages said is dropped, since
 * a target may have gone in between. */
static void
target_listing_restart(void *arg)
{
	struct target_listing *listing = arg;

	inventory_fini(&listing->coming);
	inventory_init(&listing->coming);
}

/*
 * The listing takes the inventory's place as a whole, so that what others deleted goes too.
 * Whatever this process made or used up meanwhile is a fact of the store, and comes in from
 * there. Part of a list must not become the inventory: a target that it left out would be made a
 * second time.
 */
static void
target_listing_over(void *arg, struct tmf_call *call)
{
	struct target_listing *listing = arg;
	json_t *result = tmf_call_take_result(call);
	struct tmf_err err = {0};

	assert(listing->call == call && listing->held == 0);
	listing->call = NULL;
	if (result == NULL) {
		waiters_fail(&listing->waiters, &call->err);
		return;
	}
	if (target_facts_merge(listing->account, &listing->coming, &err) < 0) {
		waiters_fail(&listing->waiters, &err);
	} else {
		inventory_fini(&listing->inventory);
		listing->inventory = listing->coming;
		inventory_init(&listing->coming);
		listing->times++;
		listing->read_mono_ms = target_listing_mono_ms(listing);
		waiters_complete(&listing->waiters, result);
	}
	tmf_err_fini(&err);
	json_decref(result);
}

bool
target_listing_is_fresh(const struct target_listing *listing)
{
	int64_t fresh_ms = listing->account->fresh_ms;

	if (listing->times == 0 || listing->call != NULL)
		return false;
	if (listing->times < listing->wanted && listing->held == 0)
		return false;
	return fresh_ms == 0 || listing->held > 0 ||
	       target_listing_mono_ms(listing) - listing->read_mono_ms <= fresh_ms;
}

/* Many actions may ask at once, but there is one listing: DescribeTrafficMirrorTargets has a small
 * request quota, which is shared by the whole account and region. */
struct tmf_call *
target_listing_load(struct target_listing *listing)
{
	struct tmf_call *call;

	if (target_listing_is_fresh(listing))
		return tmf_call_of_result(listing->account->loop, json_object());
	call = waiters_add(&listing->waiters, listing->account->loop);
	if (listing->call == NULL) {
		target_listing_restart(listing);
		listing->call =
		    ec2_pages(listing->account->ec2, &(struct ec2_pages){.list = &ec2_list_targets,
							 .on_page = target_listing_page,
							 .on_restart = target_listing_restart,
							 .arg = listing});
		tmf_call_on_done(listing->call, target_listing_over, listing);
	}
	return call;
}
