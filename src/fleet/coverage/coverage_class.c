#include "fleet/coverage/coverage_class.h"

#include <assert.h>
#include <stddef.h>

static const struct {
	const char *name;
	bool wanted;
} coverage_classes[COVERAGE_CLASS_COUNT] = {
#define X(id, name, wanted) [COVERAGE_##id] = {name, wanted},
    COVERAGE_CLASS_TABLE(X)
#undef X
};

/* The names are words of the documents that people read by program: they stay. */
const char *coverage_class_name(enum coverage_class class)
{
	assert(class < COVERAGE_CLASS_COUNT);
	return coverage_classes[class].name;
}

/* Wanted is what counts for the share: an interface that no rule takes lowers nothing. */
bool coverage_class_is_wanted(enum coverage_class class)
{
	assert(class < COVERAGE_CLASS_COUNT);
	return coverage_classes[class].wanted;
}

/* Of an interface that several rules take, the worst one is reported. Classes that are not in the
 * table have badness 0: they never displace another. */
bool
coverage_class_is_worse(enum coverage_class class, enum coverage_class other)
{
	static const int badness[COVERAGE_CLASS_COUNT] = {[COVERAGE_MIRRORED] = 1,
	    [COVERAGE_SHADOWED] = 2,
	    [COVERAGE_DEAD] = 3,
	    [COVERAGE_MISSING] = 4};

	assert(class < COVERAGE_CLASS_COUNT && other < COVERAGE_CLASS_COUNT);
	return badness[class] > badness[other];
}

void
coverage_counts_add(struct coverage_counts *counts, enum coverage_class class)
{
	assert(class < COVERAGE_CLASS_COUNT);
	counts->of[class]++;
}

uint64_t
coverage_counts_all(const struct coverage_counts *counts)
{
	uint64_t all = 0;

	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++)
		all += counts->of[i];
	return all;
}

uint64_t
coverage_counts_wanted(const struct coverage_counts *counts)
{
	uint64_t wanted = 0;

	for (size_t i = 0; i < COVERAGE_CLASS_COUNT; i++)
		if (coverage_classes[i].wanted)
			wanted += counts->of[i];
	return wanted;
}

/* Nothing wanted has no share. 100 % would let a gate (--min) pass that looked at nothing. */
bool
coverage_counts_share(const struct coverage_counts *counts, double *ret_share)
{
	uint64_t wanted = coverage_counts_wanted(counts);

	if (wanted == 0)
		return false;
	*ret_share = (double)counts->of[COVERAGE_MIRRORED] / (double)wanted;
	assert(*ret_share >= 0 && *ret_share <= 1);
	return true;
}
