#include "base/rng.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

/* splitmix64, as the authors of xoshiro advise: a small seed is spread over the whole state, which
 * must not be all zeros. */
static uint64_t
rng_spread(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t
rng_rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

void
rng_seed(struct rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		rng->s[i] = rng_spread(&seed);
}

/* getrandom may give less than was asked for only above 256 bytes: fewer means that the kernel has
 * none. */
void
rng_seed_system(struct rng *rng)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		abort();
	rng_seed(rng, seed);
}

/* xoshiro256**. See: https://prng.di.unimi.it/xoshiro256starstar.c */
uint64_t
rng_next(struct rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rng_rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rng_rotate(s[3], 45);
	return result;
}

/* x % bound alone would favour small numbers: of 2^64 values, those above the last multiple of
 * bound are drawn again. */
uint64_t
rng_below(struct rng *rng, uint64_t bound)
{
	uint64_t limit;
	uint64_t x;

	assert(bound > 0);
	limit = UINT64_MAX - UINT64_MAX % bound;
	do
		x = rng_next(rng);
	while (x >= limit);
	return x % bound;
}

/* 53 bits are all that a double holds between 1/2 and 1; 1 itself is never reached. */
double
rng_unit(struct rng *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}
