#include "world_internal.h"

/* EC2's published token buckets: how many, and how many more a second.
 * See: docs.aws.amazon.com/ec2/latest/devguide, "Request throttling for the Amazon EC2 API" */
struct bucket_size {
	double size;
	double refill;
};

static const struct bucket_size sizes[] = {
    [BUCKET_NONE] = {0, 0},
    [BUCKET_DESCRIBE] = {100, 20},
    [BUCKET_MUTATE] = {50, 5},
    [BUCKET_TAGS] = {100, 10},
    [BUCKET_RUN] = {5, 2},
    [BUCKET_TERMINATE] = {100, 5},
};

/* DescribeInstances and DescribeNetworkInterfaces without filter and page size. */
static const struct bucket_size unfiltered_size = {50, 10};
/* What counts the instances of a call. */
static const struct bucket_size run_resources = {1000, 2};
static const struct bucket_size terminate_resources = {1000, 20};

static void
fill(const struct sim_world *w, struct bucket *b, const struct bucket_size *size)
{
	double full = size->size * w->opts.bucket_size_scale;

	if (!b->used) {
		*b = (struct bucket){.tokens = full, .used = true};
	} else if (w->now_wall_ms > b->filled_wall_ms) {
		b->tokens += (double)(w->now_wall_ms - b->filled_wall_ms) / 1000 * size->refill *
			     w->opts.bucket_scale;
		if (b->tokens > full)
			b->tokens = full;
	}
	b->filled_wall_ms = w->now_wall_ms;
}

bool
bucket_take(struct sim_world *w, size_t action, bool unfiltered, size_t resources)
{
	const struct sim_action *a = &world_actions[action];
	bool wide =
	    unfiltered && (a->run == op_describe_instances || a->run == op_describe_interfaces);
	struct bucket *calls = &w->buckets[action][wide];
	struct bucket *things = NULL;

	if (a->bucket == BUCKET_NONE)
		return true;
	fill(w, calls, wide ? &unfiltered_size : &sizes[a->bucket]);
	if (a->bucket == BUCKET_RUN || a->bucket == BUCKET_TERMINATE) {
		things = &w->buckets[action][1];
		fill(w, things, a->bucket == BUCKET_RUN ? &run_resources : &terminate_resources);
	}
	if (calls->tokens < 1 || (things != NULL && things->tokens < (double)resources))
		return false;
	calls->tokens -= 1;
	if (things != NULL)
		things->tokens -= (double)resources;
	return true;
}
