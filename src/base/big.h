/* big.h - natural numbers of up to 5120 bits, for exact conversion between binary and decimal; for
 * src/base/ alone. Enough for 800 digits over 10^1125; the callers keep within that. */
#ifndef SG_BASE_BIG_H
#define SG_BASE_BIG_H

#include <stdint.h>

enum { SG_BIG_LIMBS = 160 };

typedef struct sg_big {
	int n; /* limbs in use; the last is not 0 */
	uint32_t limb[SG_BIG_LIMBS];
} sg_big;

void sg_big_set(sg_big *b, uint64_t v);
void sg_big_mul_add(sg_big *b, uint32_t factor, uint32_t addend); /* b = b*factor + addend */
void sg_big_mul_pow10(sg_big *b, int k);                          /* k >= 0 */
void sg_big_shl(sg_big *b, int bits);
void sg_big_sub(sg_big *a, const sg_big *b);                           /* a >= b */
int sg_big_cmp(const sg_big *a, const sg_big *b);                      /* < 0, 0, > 0 */
int sg_big_cmp_sum(const sg_big *a, const sg_big *b, const sg_big *c); /* a + b against c */
int sg_big_bits(const sg_big *b);                      /* of the leading 1; 0 for 0 */
uint32_t sg_big_div_digit(sg_big *a, const sg_big *b); /* a %= b; the quotient is at most 9 */

#endif
