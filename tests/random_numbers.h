/* random_numbers.h - the same numbers in each run: SplitMix64 (Steele, Lea, Flood 2014). */
#ifndef SG_TEST_RANDOM_NUMBERS_H
#define SG_TEST_RANDOM_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* In [0, n); 0 for n = 0. */
static inline size_t
random_below(uint64_t *state, size_t n)
{
	const uint64_t z = next_random(state);

	return n ? (size_t)(z % n) : 0;
}

/* In [lo, hi). */
static inline double
random_between(uint64_t *state, double lo, double hi)
{
	return lo + (hi - lo) * ((double)(next_random(state) >> 11) * 0x1p-53);
}

#endif
