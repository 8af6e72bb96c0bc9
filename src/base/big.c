/* big.c - schoolbook arithmetic on natural numbers. */
#include "base/big.h"

#include <stdbool.h>

void
sg_big_set(sg_big *b, uint64_t v)
{
	b->limb[0] = (uint32_t)v;
	b->limb[1] = (uint32_t)(v >> 32);
	b->n = b->limb[1] ? 2 : b->limb[0] ? 1 : 0;
}

void
sg_big_mul_add(sg_big *b, uint32_t factor, uint32_t addend)
{
	uint64_t carry = addend;

	for (int i = 0; i < b->n; i++) {
		carry += (uint64_t)b->limb[i] * factor;
		b->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		b->limb[b->n++] = (uint32_t)carry;
}

/* 10^k = 5^k 2^k, and 5^13 is the largest power of 5 below 2^32 */
void
sg_big_mul_pow10(sg_big *b, int k)
{
	static const uint32_t pow5[14] = {1,       5,        25,        125,       625,
	                                  3125,    15625,    78125,     390625,    1953125,
	                                  9765625, 48828125, 244140625, 1220703125};

	for (int left = k; left > 0; left -= 13)
		sg_big_mul_add(b, pow5[left < 13 ? left : 13], 0);
	sg_big_shl(b, k);
}

void
sg_big_shl(sg_big *b, int bits)
{
	int limbs = bits / 32, rest = bits % 32;
	uint64_t w = 0;

	if (b->n == 0 || bits == 0)
		return;
	for (int i = b->n; i >= 0; i--) {
		w = (i < b->n ? (uint64_t)b->limb[i] << 32 : 0) | (i > 0 ? b->limb[i - 1] : 0);
		b->limb[i + limbs] = (uint32_t)(w >> (32 - rest));
	}
	for (int i = 0; i < limbs; i++)
		b->limb[i] = 0;
	b->n += limbs;
	b->n += b->limb[b->n] != 0;
}

static void
trim(sg_big *b)
{
	while (b->n > 0 && b->limb[b->n - 1] == 0)
		b->n--;
}

void
sg_big_sub(sg_big *a, const sg_big *b)
{
	int64_t borrow = 0;

	for (int i = 0; i < a->n && (i < b->n || borrow); i++) {
		borrow += (int64_t)a->limb[i] - (i < b->n ? b->limb[i] : 0);
		a->limb[i] = (uint32_t)borrow;
		borrow = borrow < 0 ? -1 : 0;
	}
	trim(a);
}

int
sg_big_cmp(const sg_big *a, const sg_big *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (int i = a->n - 1; i >= 0; i--)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

/* The sum is made limb by limb from below; the highest limb that differs decides. */
int
sg_big_cmp_sum(const sg_big *a, const sg_big *b, const sg_big *c)
{
	int n = a->n > b->n ? a->n : b->n, order = 0;
	uint64_t carry = 0;

	if (n + 1 < c->n || n > c->n)
		return n > c->n ? 1 : -1;
	for (int i = 0; i < n || i < c->n; i++) {
		uint32_t want = i < c->n ? c->limb[i] : 0;

		carry += (uint64_t)(i < a->n ? a->limb[i] : 0) + (i < b->n ? b->limb[i] : 0);
		if ((uint32_t)carry != want)
			order = (uint32_t)carry < want ? -1 : 1;
		carry >>= 32;
	}
	return carry ? 1 : order;
}

int
sg_big_bits(const sg_big *b)
{
	return b->n ? 32 * b->n - __builtin_clz(b->limb[b->n - 1]) : 0;
}

/* a -= q*b */
static void
sub_multiple(sg_big *a, const sg_big *b, uint32_t q)
{
	uint64_t product = 0;
	int64_t borrow = 0;

	for (int i = 0; i < a->n; i++) {
		product += (uint64_t)q * (i < b->n ? b->limb[i] : 0);
		borrow += (int64_t)a->limb[i] - (int64_t)(uint32_t)product;
		a->limb[i] = (uint32_t)borrow;
		borrow = borrow < 0 ? -1 : 0;
		product >>= 32;
	}
	trim(a);
}

/* The estimate from the leading 64 bits is never too large and, the quotient being at most 9, at
 * most one too small. */
uint32_t
sg_big_div_digit(sg_big *a, const sg_big *b)
{
	uint64_t high_a, high_b;
	uint32_t q;

	if (sg_big_cmp(a, b) < 0)
		return 0;
	if (b->n == 1) {
		high_a = a->limb[0] | (a->n > 1 ? (uint64_t)a->limb[1] << 32 : 0);
		q = (uint32_t)(high_a / b->limb[0]);
	} else {
		int lead = __builtin_clz(b->limb[b->n - 1]), n = b->n;
		int drop = lead < 4 ? 4 - lead : 0; /* so that 10 b fits 64 bits */

		high_b = ((uint64_t)b->limb[n - 1] << 32 | b->limb[n - 2]) >> drop;
		high_a = ((uint64_t)a->limb[n - 1] << 32 | a->limb[n - 2]) >> drop;
		if (a->n > n)
			high_a += (uint64_t)a->limb[n] << (64 - drop);
		q = (uint32_t)(high_a / (high_b + 1));
	}
	sub_multiple(a, b, q);
	if (sg_big_cmp(a, b) >= 0) {
		sg_big_sub(a, b);
		q++;
	}
	return q;
}
