#ifndef TMFLOW_MIRROR_FILTERS_FILTERS_H
#define TMFLOW_MIRROR_FILTERS_FILTERS_H

#include "mirror/account.h"

/*
 * What the filters of sessions accept. A filter is described when a session that bears it is first
 * looked at: once in a process, and as often as the inventory in one that serves.
 */
struct mirror_filters;

/* How much of an interface's traffic goes through a filter. */
enum filter_take {
	FILTER_UNKNOWN, /* it was not looked up, or that was refused */
	FILTER_MISSING, /* AWS does not list it */
	FILTER_NOTHING, /* no rule of it accepts anything */
	FILTER_SOME,
	FILTER_ALL /* every IPv4 packet, in both directions */
};

/* Borrows account. NULL is fine for free; no call of filters_load may be under way then. */
struct mirror_filters *filters_new(struct account *account);
void filters_free(struct mirror_filters *filters);

/*
 * New call that ends with {} once these filters are known; at once where they are. ids: [string],
 * borrowed until it returns. Where AWS refuses the lookup for good, that is warned of once and they
 * stay FILTER_UNKNOWN.
 * Errors: those that pass, such as throttling.
 */
struct tmf_call *filters_load(struct mirror_filters *filters, const json_t *ids);

/* As far as filters_load knows. id NULL: FILTER_UNKNOWN. */
enum filter_take filters_take_of(const struct mirror_filters *filters, const char *id);

/* What a filter accepts, as AWS describes it. */
enum filter_take filter_take_described(const json_t *filter);

#endif
