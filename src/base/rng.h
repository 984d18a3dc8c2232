#ifndef TMFLOW_BASE_RNG_H
#define TMFLOW_BASE_RNG_H

#include <stdint.h>

/* A seeded generator (xoshiro256**): the same seed, the same numbers. Not for secrets. */
struct rng {
	uint64_t s[4];
};

/* Begins the series of a seed. */
void rng_seed(struct rng *rng, uint64_t seed);

/* Seeds from the operating system. */
void rng_seed_system(struct rng *rng);

/* Uniform over all 64 bits. */
uint64_t rng_next(struct rng *rng);

/* Uniform in [0, bound), bound > 0, without modulo bias. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* Uniform in [0, 1). */
double rng_unit(struct rng *rng);

#endif
