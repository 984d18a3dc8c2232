#include "loop/timer_heap.h"

#include "base/mem.h"

#include <stdlib.h>

#define HEAP_CAPACITY_MIN 64

/* A binary heap from index 1, so that a timer's index 0 means "not armed". */

static void
place(struct timer_heap *heap, size_t index, struct tmf_timer *timer)
{
	heap->at[index] = timer;
	timer->heap_index = index;
}

static void
sift_up(struct timer_heap *heap, size_t index, struct tmf_timer *timer)
{
	while (index > 1 && heap->at[index / 2]->at_mono_ms > timer->at_mono_ms) {
		place(heap, index, heap->at[index / 2]);
		index /= 2;
	}
	place(heap, index, timer);
}

static void
sift_down(struct timer_heap *heap, size_t index, struct tmf_timer *timer)
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
		place(heap, index, heap->at[child]);
		index = child;
	}
	place(heap, index, timer);
}

void
timer_heap_fini(struct timer_heap *heap)
{
	free(heap->at);
	*heap = (struct timer_heap){0};
}

struct tmf_timer *
timer_heap_first(const struct timer_heap *heap)
{
	return heap->count > 0 ? heap->at[1] : NULL;
}

void
timer_heap_add(struct timer_heap *heap, struct tmf_timer *timer)
{
	if (heap->count + 2 > heap->capacity) {
		heap->capacity = heap->capacity > 0 ? 2 * heap->capacity : HEAP_CAPACITY_MIN;
		heap->at = mem_resize(heap->at, heap->capacity, sizeof(struct tmf_timer *));
	}
	heap->count++;
	sift_up(heap, heap->count, timer);
}

void
timer_heap_remove(struct timer_heap *heap, struct tmf_timer *timer)
{
	size_t index = timer->heap_index;
	struct tmf_timer *last = heap->at[heap->count--];

	timer->heap_index = 0;
	if (last == timer)
		return;
	if (index > 1 && heap->at[index / 2]->at_mono_ms > last->at_mono_ms)
		sift_up(heap, index, last);
	else
		sift_down(heap, index, last);
}
