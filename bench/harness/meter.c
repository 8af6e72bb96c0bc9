/* meter.c - what bench/run does in C: data from a seed, and the machine's own limits.
 *
 * Compiled with the host's C compiler at each run; meter_loop is written there, for each signature.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* Of the process: on one core, what others run on it does not count. */
#ifndef METER_CLOCK
#define METER_CLOCK CLOCK_PROCESS_CPUTIME_ID
#endif

double
meter_now(void)
{
	struct timespec t;

	clock_gettime(METER_CLOCK, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t
next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double
uniform(uint64_t *state)
{
	return (double)(next(state) >> 11) * 0x1p-53;
}

/* scale times a normal number, plus shift (Box and Muller) */
static double
normal(uint64_t *state, double scale, double shift)
{
	double r = sqrt(-2 * log(1 - uniform(state)));

	return shift + scale * r * cos(6.28318530717958648 * uniform(state));
}

void
meter_fill_f64(double *x, ptrdiff_t n, uint64_t seed, double scale, double shift)
{
	ptrdiff_t i;

	for (i = 0; i < n; i++) {
		x[i] = normal(&seed, scale, shift);
	}
}

void
meter_fill_f32(float *x, ptrdiff_t n, uint64_t seed, double scale, double shift)
{
	ptrdiff_t i;

	for (i = 0; i < n; i++) {
		x[i] = (float)normal(&seed, scale, shift);
	}
}

/* Seconds to read n doubles, by sums in eight lanes. */
double
meter_read(const double *x, ptrdiff_t n, double *sum)
{
	double lane[8] = {0}, from = meter_now();
	ptrdiff_t i;
	int k;

	for (i = 0; i + 8 <= n; i += 8) {
		for (k = 0; k < 8; k++) {
			lane[k] += x[i + k];
		}
	}
	for (*sum = 0, k = 0; k < 8; k++) {
		*sum += lane[k];
	}
	return meter_now() - from;
}

/* Seconds for a = b + 3 c, which moves three arrays (McCalpin's triad). */
double
meter_triad(double *restrict a, const double *restrict b, const double *restrict c, ptrdiff_t n)
{
	double from = meter_now();
	ptrdiff_t i;

	for (i = 0; i < n; i++) {
		a[i] = b[i] + 3 * c[i];
	}
	return meter_now() - from;
}
