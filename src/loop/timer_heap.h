#ifndef TMFLOW_LOOP_TIMER_HEAP_H
#define TMFLOW_LOOP_TIMER_HEAP_H

#include "tmflow/loop.h"

/* Armed timers, the earliest first. {0} is an empty one. */
struct timer_heap {
	struct tmf_timer **at; /* from index 1 */
	size_t count;
	size_t capacity;
};

/* Frees the heap, not the timers. */
void timer_heap_fini(struct timer_heap *heap);

/* Returns: the one that fires next, NULL when empty. Borrows. */
struct tmf_timer *timer_heap_first(const struct timer_heap *heap);

/* Adds a timer that is not armed. O(log n). Borrows: timer, until it is removed. */
void timer_heap_add(struct timer_heap *heap, struct tmf_timer *timer);

/* Removes an armed timer. O(log n). */
void timer_heap_remove(struct timer_heap *heap, struct tmf_timer *timer);

#endif
