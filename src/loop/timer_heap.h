#ifndef TMFLOW_LOOP_TIMER_HEAP_H
#define TMFLOW_LOOP_TIMER_HEAP_H

#include "tmflow/loop.h"

/* Armed timers, the earliest first. {0} is an empty one. */
struct timer_heap {
	struct tmf_timer **at; /* from index 1 */
	size_t count;
	size_t capacity;
};

void timer_heap_fini(struct timer_heap *heap);
struct tmf_timer *timer_heap_first(const struct timer_heap *heap); /* NULL when empty */
void timer_heap_add(struct timer_heap *heap, struct tmf_timer *timer);
void timer_heap_remove(struct timer_heap *heap, struct tmf_timer *timer);

#endif
