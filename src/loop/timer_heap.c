#include "loop/timer_heap.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define HEAP_CAPACITY_MIN 64

/*
 * A binary heap from index 1, so that a timer's index 0 means "not armed". Each timer knows its
 * index: most are disarmed before they fire (a timeout of a call that was answered), and searching
 * for one would cost O(n). Two timers of one millisecond fire in no particular order.
 */

static void
heap_place(struct timer_heap *heap, size_t index, struct tmf_timer *timer)
{
	heap->at[index] = timer;
	timer->heap_index = index;
}

static void
heap_sift_up(struct timer_heap *heap, size_t index, struct tmf_timer *timer)
{
	while (index > 1 && heap->at[index / 2]->at_mono_ms > timer->at_mono_ms) {
		heap_place(heap, index, heap->at[index / 2]);
		index /= 2;
	}
	heap_place(heap, index, timer);
}

static void
heap_sift_down(struct timer_heap *heap, size_t index, struct tmf_timer *timer)
{
	for (;;) {
		size_t child = 2 * index;

		if (child > heap->count)
			break;
		if (child < heap->count &&
		    heap->at[child + 1]->at_mono_ms < heap->at[child]->at_mono_ms)
			child++;
		if (heap->at[child]->at_mono_ms >= timer->at_mono_ms)
			break;
		heap_place(heap, index, heap->at[child]);
		index = child;
	}
	heap_place(heap, index, timer);
}

void
timer_heap_fini(struct timer_heap *heap)
{
	free(heap->at);
	*heap = (struct timer_heap){0};
}

/* The one that fires next. */
struct tmf_timer *
timer_heap_first(const struct timer_heap *heap)
{
	return heap->count > 0 ? heap->at[1] : NULL;
}

/* Doubles, from 64: a run has a timer for each branch that waits. */
void
timer_heap_add(struct timer_heap *heap, struct tmf_timer *timer)
{
	if (heap->count + 2 > heap->capacity) {
		heap->capacity = heap->capacity > 0 ? 2 * heap->capacity : HEAP_CAPACITY_MIN;
		heap->at = mem_resize(heap->at, heap->capacity, sizeof(struct tmf_timer *));
	}
	heap->count++;
	heap_sift_up(heap, heap->count, timer);
}

/* The last one takes the place of the removed one, and may have to go either way from there: it
 * comes from another branch. */
void
timer_heap_remove(struct timer_heap *heap, struct tmf_timer *timer)
{
	size_t index = timer->heap_index;
	struct tmf_timer *last;

	assert(index > 0 && index <= heap->count && heap->at[index] == timer);
	last = heap->at[heap->count--];
	timer->heap_index = 0;
	if (last == timer)
		return;
	if (index > 1 && heap->at[index / 2]->at_mono_ms > last->at_mono_ms)
		heap_sift_up(heap, index, last);
	else
		heap_sift_down(heap, index, last);
}
