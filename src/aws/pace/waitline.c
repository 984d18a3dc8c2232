#include "aws/pace/waitline.h"

#include <assert.h>
#include <stddef.h>

/* In front go those that were refused before: they have waited longest. The waiter belongs to
 * the caller: a line allocates nothing, so that joining cannot fail. */
void
waitline_join(struct waitline *line, struct waiter *waiter, bool in_front)
{
	assert(!waiter->waiting);
	waiter->next = in_front ? line->first : NULL;
	waiter->prev = in_front ? NULL : line->last;
	if (waiter->next != NULL)
		waiter->next->prev = waiter;
	else
		line->last = waiter;
	if (waiter->prev != NULL)
		waiter->prev->next = waiter;
	else
		line->first = waiter;
	waiter->waiting = true;
	line->count++;
}

/* Anybody may leave, not only the first: a call may be cancelled while it waits. Links in both
 * directions make that as cheap in the middle as at the end. The links are cleared, so that the
 * same waiter can join again. */
void
waitline_leave(struct waitline *line, struct waiter *waiter)
{
	assert(waiter->waiting);
	if (waiter->next != NULL)
		waiter->next->prev = waiter->prev;
	else
		line->last = waiter->prev;
	if (waiter->prev != NULL)
		waiter->prev->next = waiter->next;
	else
		line->first = waiter->next;
	*waiter = (struct waiter){NULL, NULL, false};
	line->count--;
	assert((line->count == 0) == (line->first == NULL));
	assert((line->first == NULL) == (line->last == NULL));
}
