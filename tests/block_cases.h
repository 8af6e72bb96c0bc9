/* block_cases.h - the claims about block routines, for one type. check_block.c includes it with
 *   T the type, R(f) the runtime's f, C(f) a name of ours, and with REAL where T is a real type.
 * Each routine is held against its scalar, bit for bit, on blocks of any length, and in place. */

static void
C(fill)(uint64_t *s, ptrdiff_t n, T *x)
{
	ptrdiff_t i;

	for (i = 0; i < n; i++)
		x[i] = (T)(((double)(next_random(s) >> 11) * 0x1p-53 - 0.5) * (next_random(s) % 3 ? 8 : 2e3));
}

static void
C(same)(const char *what, ptrdiff_t n, const T *x, const T *y)
{
	ptrdiff_t i;

	for (i = 0; i < n; i++)
		ck_assert_msg(
		    memcmp(&x[i], &y[i], sizeof x[i]) == 0 || (x[i] != x[i] && y[i] != y[i]),
		    "%s: [%td] of %td: %a, not %a", what, i, n, (double)x[i], (double)y[i]);
}

static void
C(unary)(const char *what, void (*f)(ptrdiff_t, const T *, T *), T (*one)(T))
{
	T a[600], c[600], want[600];
	uint64_t seed = 17;
	ptrdiff_t i;
	int k;

	for (k = 0; k < NLENGTH; k++) {
		C(fill)(&seed, lengths[k] + 1, a);
		for (i = 0; i < lengths[k]; i++)
			want[i] = one(a[i]);
		want[i] = c[i] = a[i];
		f(lengths[k], a, c);
		C(same)(what, lengths[k] + 1, c, want);
		f(lengths[k], a, a);
		C(same)(what, lengths[k] + 1, a, want);
	}
}

/* All three forms, and each operand in the place of the result. */
static void
C(binary)(const char *what, void (*vv)(ptrdiff_t, const T *, const T *, T *),
          void (*vs)(ptrdiff_t, const T *, T, T *), void (*sv)(ptrdiff_t, T, const T *, T *),
          T (*one)(T, T))
{
	T a[600], b[600], c[600], want[600];
	uint64_t seed = 23;
	ptrdiff_t i, n;
	int k;

	for (k = 0; k < NLENGTH; k++) {
		n = lengths[k];
		C(fill)(&seed, n + 1, a);
		C(fill)(&seed, n + 1, b);
		for (i = 0; i < n; i++)
			want[i] = one(a[i], b[i]);
		want[n] = c[n] = a[n] = b[n];
		vv(n, a, b, c);
		C(same)(what, n + 1, c, want);
		memcpy(c, a, sizeof c);
		vv(n, c, b, c);
		C(same)(what, n + 1, c, want);
		memcpy(c, b, sizeof c);
		vv(n, a, c, c);
		C(same)(what, n + 1, c, want);
		vs(n, a, b[0], c);
		for (i = 0; i < n; i++)
			want[i] = one(a[i], b[0]);
		C(same)(what, n + 1, c, want);
		sv(n, a[0], b, c);
		for (i = 0; i < n; i++)
			want[i] = one(a[0], b[i]);
		C(same)(what, n + 1, c, want);
	}
}

static void
C(relation)(const char *what, void (*vv)(ptrdiff_t, const T *, const T *, uint8_t *),
            void (*vs)(ptrdiff_t, const T *, T, uint8_t *),
            void (*sv)(ptrdiff_t, T, const T *, uint8_t *), int (*one)(T, T))
{
	T a[600], b[600];
	uint8_t c[600], d[600], e[600];
	uint64_t seed = 29;
	ptrdiff_t i, n;
	int k;

	for (k = 0; k < NLENGTH; k++) {
		n = lengths[k];
		C(fill)(&seed, n + 1, a);
		C(fill)(&seed, n + 1, b);
		for (i = 0; i < n; i += 3)
			b[i] = a[i];
		c[n] = d[n] = e[n] = 77;
		vv(n, a, b, c);
		vs(n, a, b[0], d);
		sv(n, a[0], b, e);
		for (i = 0; i < n; i++)
			ck_assert_msg(c[i] == one(a[i], b[i]) && d[i] == one(a[i], b[0]) &&
			                  e[i] == one(a[0], b[i]),
			              "%s: [%td] of %td", what, i, n);
		ck_assert(c[n] == 77 && d[n] == 77 && e[n] == 77);
	}
}

#define ONE(NAME, TEXT)                                                                            \
	static T C(one_##NAME)(T x)                                                                \
	{                                                                                          \
		return TEXT;                                                                       \
	}
#define TWO(TYPE, NAME, TEXT)                                                                      \
	static TYPE C(two_##NAME)(T x, T y)                                                        \
	{                                                                                          \
		return TEXT;                                                                       \
	}
ONE(neg, -x)
ONE(abs, x < 0 ? -x : x)
ONE(square, x *x)
TWO(T, add, x + y)
TWO(T, sub, x - y)
TWO(T, mul, x *y)
TWO(int, lt, x < y)
TWO(int, le, x <= y)
TWO(int, eq, x == y)
TWO(int, ne, x != y)
#ifdef REAL
ONE(reciprocal, 1 / x)
TWO(T, div, x / y)
#endif

#define TEXT_OF(NAME) #NAME
#define NAME_OF(NAME) TEXT_OF(NAME)
#define SCALAR(NAME) (T(*)(T)) scalar_of(NAME_OF(R(NAME)))
#define UNARY(NAME, ONE) C(unary)(#NAME, R(block_##NAME), ONE)
#define BINARY(NAME, ONE)                                                                          \
	C(binary)(#NAME, R(block_##NAME##_vv), R(block_##NAME##_vs), R(block_##NAME##_sv), ONE)
#define RELATION(NAME)                                                                             \
	C(relation)                                                                                \
	(#NAME, R(block_##NAME##_vv), R(block_##NAME##_vs), R(block_##NAME##_sv), C(two_##NAME))

#ifdef REAL
/* All four forms, and an operand in the place of the result. */
static void
C(pair)(const char *what, void (*vvv)(ptrdiff_t, const T *, const T *, const T *, T *),
        void (*vvs)(ptrdiff_t, const T *, const T *, T, T *),
        void (*vsv)(ptrdiff_t, const T *, T, const T *, T *),
        void (*vss)(ptrdiff_t, const T *, T, T, T *), T (*one)(T, T, T))
{
	T a[600], b[600], c[600], d[600], want[600];
	uint64_t seed = 31;
	int k, form;

	for (k = 0; k < NLENGTH; k++)
		for (form = 0; form < 4; form++) {
			const ptrdiff_t n = lengths[k];

			C(fill)(&seed, n + 1, a);
			C(fill)(&seed, n + 1, b);
			C(fill)(&seed, n + 1, c);
			for (ptrdiff_t i = 0; i < n; i++)
				want[i] = one(a[i], b[form & 1 ? 0 : i], c[form & 2 ? 0 : i]);
			want[n] = a[n];
			memcpy(d, a, sizeof d);
			if (form == 0)
				vvv(n, d, b, c, d);
			else if (form == 1)
				vsv(n, d, b[0], c, d);
			else if (form == 2)
				vvs(n, d, b, c[0], d);
			else
				vss(n, d, b[0], c[0], d);
			C(same)(what, n + 1, d, want);
		}
}

#define PAIR(NAME, VALUE)                                                                          \
	static T C(three_##NAME)(T x, T y, T z)                                                    \
	{                                                                                          \
		return VALUE;                                                                      \
	}
PAIR(mul_add, x * y + z)
PAIR(mul_sub, x * y - z)
PAIR(mul_rsub, z - x * y)
PAIR(mul_mul, x * y * z)
PAIR(add_mul, (x + y) * z)
PAIR(sub_mul, (x - y) * z)
PAIR(rsub_mul, (y - x) * z)
#undef PAIR
#define PAIR(NAME)                                                                                 \
	C(pair)                                                                                    \
	(#NAME, R(block_##NAME##_vvv), R(block_##NAME##_vvs), R(block_##NAME##_vsv),               \
	 R(block_##NAME##_vss), C(three_##NAME))

TEST(C(pairs_round_twice))
{
	PAIR(mul_add);
	PAIR(mul_sub);
	PAIR(mul_rsub);
	PAIR(mul_mul);
	PAIR(add_mul);
	PAIR(sub_mul);
	PAIR(rsub_mul);
}
END_TEST
#undef PAIR

/* Those that are made of a few products, and one that is not. */
TEST(C(blocks_of_powers_are_their_scalars))
{
	static const T exponent[] = {2, 3, 4, 5, -1, -2, (T)0.5, (T)1.5, (T)-0.5, (T)2.5};
	T a[67], c[67], want;
	uint64_t seed = 12;
	size_t k;
	int i;

	C(fill)(&seed, 67, a);
	a[0] = 0, a[1] = (T)-0.0, a[2] = (T)INFINITY, a[3] = (T)-INFINITY, a[4] = (T)NAN;
	for (k = 0; k < sizeof exponent / sizeof *exponent; k++) {
		R(block_pow_vs)(67, a, exponent[k], c);
		for (i = 0; i < 67; i++) {
			want = R(pow)(a[i], exponent[k]);
			ck_assert_msg(isnan(want) ? isnan(c[i])
			                          : memcmp(&want, &c[i], sizeof want) == 0,
			              "[%d]^%g", i, (double)exponent[k]);
		}
	}
}
END_TEST

/* Of one number, one exponent after the other: within 4 ulp of pow, and what has no digits the same. */
TEST(C(powers_one_after_the_other_are_pow))
{
	static const T base[] = {0, (T)-0.0, 1, -1, 2, (T)0.5, (T)-0.7, (T)1.00001, (T)1e-20, (T)-1e20,
	                         (T)INFINITY, (T)-INFINITY, (T)NAN};
	static const ptrdiff_t first[] = {0, 1, 7, 40, 513, -3};
	const double most = 4 * (sizeof(T) == sizeof(float) ? 0x1p-23 : 0x1p-52);
	T c[67], want;
	size_t k, j;
	int i;

	for (k = 0; k < sizeof base / sizeof *base; k++)
		for (j = 0; j < sizeof first / sizeof *first; j++) {
			R(block_powers)(67, base[k], first[j], c);
			for (i = 0; i < 67; i++) {
				want = R(pow)(base[k], (T)(first[j] + i));
				CLAIM(isnan(want) ? isnan(c[i])
				                  : c[i] == want || fabs((double)c[i] - (double)want) <=
				                        most * fabs((double)want),
				      "%g^%d: %.17g, not %.17g", (double)base[k],
				      (int)first[j] + i, (double)c[i], (double)want);
			}
		}
}
END_TEST
#endif

TEST(C(blocks_of_functions_are_their_scalars))
{
	UNARY(neg, C(one_neg));
	UNARY(abs, C(one_abs));
	UNARY(sign, R(sign));
	UNARY(square, C(one_square));
	UNARY(relu, R(relu));
	BINARY(add, C(two_add));
	BINARY(sub, C(two_sub));
	BINARY(mul, C(two_mul));
	BINARY(max, R(max));
	BINARY(min, R(min));
	RELATION(lt);
	RELATION(le);
	RELATION(eq);
	RELATION(ne);
#ifdef REAL
	UNARY(reciprocal, C(one_reciprocal));
	UNARY(sqrt, M(sqrt));
	UNARY(rsqrt, R(rsqrt));
	UNARY(floor, M(floor));
	UNARY(ceil, M(ceil));
	UNARY(trunc, M(trunc));
	UNARY(round, M(nearbyint));
	UNARY(exp, SCALAR(exp));
	UNARY(log, SCALAR(log));
	UNARY(tanh, SCALAR(tanh));
	UNARY(erf, SCALAR(erf));
	UNARY(sigmoid, SCALAR(sigmoid));
	UNARY(softplus, SCALAR(softplus));
	UNARY(erfc, SCALAR(erfc));
	UNARY(silu, SCALAR(silu));
	UNARY(mish, SCALAR(mish));
	UNARY(gelu, SCALAR(gelu));
	UNARY(normal_cdf, SCALAR(normal_cdf));
	UNARY(tanhshrink, SCALAR(tanhshrink));
	UNARY(expm1, SCALAR(expm1));
	UNARY(exp2, SCALAR(exp2));
	UNARY(sinh, SCALAR(sinh));
	UNARY(cosh, SCALAR(cosh));
	UNARY(asinh, SCALAR(asinh));
	UNARY(cbrt, SCALAR(cbrt));
	UNARY(lgamma, SCALAR(lgamma));
	UNARY(digamma, SCALAR(digamma));
	BINARY(div, C(two_div));
	BINARY(mod, R(mod));
	BINARY(floordiv, R(floordiv));
	BINARY(hypot, R(hypot));
	BINARY(atan2, R(atan2));
#else
	BINARY(pow, R(pow));
#endif
}
END_TEST

TEST(C(blocks_are_loaded_stored_and_chosen))
{
	T a[2400], b[600], c[600], spread[1800];
	uint8_t k[600];
	uint64_t seed = 5;
	ptrdiff_t i, n;
	int e;

	for (e = 0; e < NLENGTH; e++) {
		n = lengths[e];
		C(fill)(&seed, 4 * n + 1, a);
		C(fill)(&seed, n + 1, b);
		for (i = 0; i < n; i++)
			k[i] = next_random(&seed) & 1;
		R(block_load)(n, a, 4, c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == a[4 * i]);
		R(block_load)(n, a, 3, c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == a[3 * i]);
		R(block_store)(n, c, spread, 3);
		for (i = 0; i < n; i++)
			ck_assert(spread[3 * i] == c[i]);
		R(block_load)(n, a + n, -1, c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == a[n - i]);
		R(block_load)(n, a, 0, c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == a[0]);
		R(block_fill)(n, b[0], c);
		C(same)("fill", n < 1 ? 0 : 1, c, b);
		R(block_where_vv)(n, k, a, b, c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == (k[i] ? a[i] : b[i]));
		R(block_where_vs)(n, k, a, b[0], c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == (k[i] ? a[i] : b[0]));
		R(block_where_sv)(n, k, a[0], b, c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == (k[i] ? a[0] : b[i]));
		R(block_where_ss)(n, k, a[0], b[0], c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == (k[i] ? a[0] : b[0]));
		for (int one = 0; one < 2; one++) {
			R(block_pick_vv)(n, (uint8_t)one, a, b, c);
			for (i = 0; i < n; i++)
				ck_assert(c[i] == (one ? a[i] : b[i]));
			R(block_pick_vs)(n, (uint8_t)one, a, b[0], c);
			for (i = 0; i < n; i++)
				ck_assert(c[i] == (one ? a[i] : b[0]));
			R(block_pick_sv)(n, (uint8_t)one, a[0], b, c);
			for (i = 0; i < n; i++)
				ck_assert(c[i] == (one ? a[0] : b[i]));
		}
		R(block_clamp_vss)(n, a, -1, 2, c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == R(clamp)(a[i], -1, 2));
	}
}
END_TEST

/* Rows of few numbers: where they lie apart, are all alike, or one number each. */
TEST(C(rows_are_loaded_stored_and_folded))
{
	static const ptrdiff_t strides[][2] = {{9, 1}, {0, 1}, {1, 0}, {1, 9}, {20, 2}};
	T a[600], b[600], c[600], back[600], sum[9], want[9];
	uint64_t seed = 11;

	C(fill)(&seed, 600, a);
	C(fill)(&seed, 600, b);
	for (ptrdiff_t rows = 0; rows < 8; rows++)
		for (ptrdiff_t n = 1; n <= 9; n++) {
			for (int k = 0; k < 5; k++) {
				const ptrdiff_t row = strides[k][0], stride = strides[k][1];

				R(block_load_rows)(rows, n, a, row, stride, c);
				memcpy(back, b, sizeof b);
				if (row >= 9 || stride >= 9)
					R(block_store_rows)(rows, n, c, back, row, stride);
				for (ptrdiff_t i = 0; i < rows; i++)
					for (ptrdiff_t j = 0; j < n; j++) {
						const ptrdiff_t at = i * row + j * stride;

						ck_assert(c[i * n + j] == a[at]);
						ck_assert(back[at] ==
						          (row >= 9 || stride >= 9 ? a : b)[at]);
					}
			}
			memcpy(sum, b, sizeof sum);
			memcpy(want, b, sizeof sum);
			R(block_cumsum_rows)(rows, n, a, sum, c);
			for (ptrdiff_t i = 0; i < rows; i++)
				for (ptrdiff_t j = 0; j < n; j++) {
					want[j] += a[i * n + j];
					ck_assert(c[i * n + j] == want[j]);
				}
			C(same)("cumsum_rows", 9, sum, want);
			memcpy(sum, b, sizeof sum);
			R(block_add_rows)(rows, n, a, sum);
			C(same)("add_rows", 9, sum, want);
		}
}
END_TEST

/* Small whole numbers, of which every order of addition gives the same; products of 1 and -1. What
 * lies behind the results stays. */
TEST(C(many_rows_are_folded_number_by_number))
{
	static const ptrdiff_t many[] = {0, 1, 7, 11, 12, 13, 23, 24, 25, 40, 99};
	T a[99 * 20], b[99 * 20], sum[21], least[21], top[21], prod[21], want[4][21];
	uint64_t seed = 19;
	ptrdiff_t i, j, at;

	for (int e = 0; e < 11; e++)
		for (ptrdiff_t n = 1; n <= 20; n++) {
			for (i = 0; i < 99 * 20; i++) {
				a[i] = (T)((int64_t)(next_random(&seed) % 21) - 10);
				b[i] = next_random(&seed) % 2 ? 1 : -1;
			}
			for (j = 0; j <= n; j++)
				sum[j] = least[j] = top[j] = prod[j] = want[0][j] = want[1][j] =
				    want[2][j] = want[3][j] = (T)(j % 3);
			for (i = 0; i < many[e]; i++)
				for (j = 0; j < n; j++) {
					at = i * n + j;
					want[0][j] += a[at];
					want[1][j] = a[at] < want[1][j] ? a[at] : want[1][j];
					want[2][j] = a[at] > want[2][j] ? a[at] : want[2][j];
					want[3][j] *= b[at];
				}
			R(block_add_rows)(many[e], n, a, sum);
			R(block_min_rows)(many[e], n, a, least);
			R(block_max_rows)(many[e], n, a, top);
			R(block_mul_rows)(many[e], n, b, prod);
			for (j = 0; j <= n; j++)
				ck_assert(sum[j] == want[0][j] && least[j] == want[1][j] &&
				          top[j] == want[2][j] && prod[j] == want[3][j]);
#ifdef REAL
			for (j = 0; j <= n; j++)
				sum[j] = want[0][j] = 5;
			for (at = 0; at < many[e] * n; at++)
				want[0][at % n] += a[at] * b[at];
			R(block_addmul_rows)(many[e], n, a, b, sum);
			C(same)("addmul_rows", n + 1, sum, want[0]);
#endif
		}
}
END_TEST

/* One number for each row, one row again and again, and rows that lie apart; their last number is the
 * last that may be read. */
TEST(C(many_rows_are_loaded))
{
	static const ptrdiff_t strides[][2] = {{0, 1}, {1, 0}, {3, 0}, {25, 1}, {40, 2}, {1, 30}, {0, 3}};
	T c[30 * 20 + 1];
	uint64_t seed = 31;

	for (int k = 0; k < 7; k++)
		for (ptrdiff_t n = 1; n <= 20; n++)
			for (ptrdiff_t rows = 1; rows <= 30; rows += 1 + rows / 4) {
				const ptrdiff_t row = strides[k][0], stride = strides[k][1],
						all = (rows - 1) * row + (n - 1) * stride + 1;
				T *a = malloc((size_t)all * sizeof *a);

				ck_assert_ptr_nonnull(a);
				C(fill)(&seed, all, a);
				c[rows * n] = 77;
				R(block_load_rows)(rows, n, a, row, stride, c);
				for (ptrdiff_t i = 0; i < rows; i++)
					for (ptrdiff_t j = 0; j < n; j++)
						ck_assert(c[i * n + j] ==
						          a[i * row + j * stride]);
				ck_assert(c[rows * n] == 77);
				free(a);
			}
}
END_TEST

#ifdef REAL
TEST(C(many_rows_are_folded_each))
{
	T a[40 * 20], b[40 * 20], sum, prod, top, least, dot, c[5][41];
	uint64_t seed = 37;
	ptrdiff_t i, j;

	for (ptrdiff_t n = 1; n <= 20; n++)
		for (ptrdiff_t rows = 0; rows <= 40; rows += 1 + rows / 4) {
			for (i = 0; i < 40 * 20; i++) {
				a[i] = (T)((int64_t)(next_random(&seed) % 21) - 10);
				b[i] = next_random(&seed) % 2 ? 1 : -1;
			}
			for (i = 0; i < 5; i++)
				c[i][rows] = 77;
			R(block_sum_each)(rows, n, a, c[0]);
			R(block_prod_each)(rows, n, b, c[1]);
			R(block_max_each)(rows, n, a, c[2]);
			R(block_min_each)(rows, n, a, c[3]);
			R(block_dot_each)(rows, n, a, b, c[4]);
			for (i = 0; i < rows; i++) {
				sum = dot = 0;
				prod = 1;
				top = least = a[i * n];
				for (j = i * n; j < i * n + n; j++) {
					sum += a[j];
					dot += a[j] * b[j];
					prod *= b[j];
					top = a[j] > top ? a[j] : top;
					least = a[j] < least ? a[j] : least;
				}
				ck_assert(c[0][i] == sum && c[1][i] == prod && c[2][i] == top &&
				          c[3][i] == least && c[4][i] == dot);
			}
			for (i = 0; i < 5; i++)
				ck_assert(c[i][rows] == 77);
		}
}
END_TEST

/* Wherever it stands in the row, and in whichever row. */
TEST(C(nan_wins_in_rows))
{
	T a[30 * 12], top[30], least[30];

	for (ptrdiff_t n = 1; n <= 12; n++)
		for (ptrdiff_t at = 0; at < 30 * n; at++) {
			for (ptrdiff_t i = 0; i < 30 * n; i++)
				a[i] = (T)i;
			a[at] = (T)NAN;
			R(block_max_each)(30, n, a, top);
			R(block_min_each)(30, n, a, least);
			for (ptrdiff_t i = 0; i < 30; i++)
				ck_assert((top[i] != top[i]) == (i == at / n) &&
				          (least[i] != least[i]) == (i == at / n));
			for (ptrdiff_t j = 0; j < n; j++)
				top[j] = least[j] = 5;
			R(block_max_rows)(30, n, a, top);
			R(block_min_rows)(30, n, a, least);
			for (ptrdiff_t j = 0; j < n; j++)
				ck_assert((top[j] != top[j]) == (j == at % n) &&
				          (least[j] != least[j]) == (j == at % n));
		}
}
END_TEST

TEST(C(sums_that_lie_apart_grow))
{
	T sum[40], rest[40], x[10];

	for (ptrdiff_t step = 1; step <= 4; step++) {
		for (ptrdiff_t i = 0; i < 40; i++)
			sum[i] = (T)i, rest[i] = 0;
		for (ptrdiff_t i = 0; i < 10; i++)
			x[i] = (T)(2 * i + 1);
		R(block_sum_add_to)(10, sum, rest, step, x);
		for (ptrdiff_t i = 0; i < 40; i++)
			ck_assert(sum[i] + rest[i] ==
			          (T)i + (i % step == 0 && i / step < 10 ? x[i / step] : 0));
	}
}
END_TEST
#endif

/* Indices may come up again and again. */
TEST(C(elements_are_taken_from_and_put_at_places))
{
	T a[600], c[600], sum[2401], want[2401];
	int64_t at[600];
	uint64_t seed = 9;
	ptrdiff_t i, n;
	int e;

	for (e = 0; e < NLENGTH; e++) {
		n = lengths[e];
		C(fill)(&seed, n, a);
		C(fill)(&seed, 2401, sum);
		for (i = 0; i < n; i++)
			at[i] = (int64_t)(next_random(&seed) % 600);
		memcpy(want, sum, sizeof sum);
		R(block_take)(n, sum, 1, at, 3, c);
		for (i = 0; i < n; i++)
			ck_assert(c[i] == sum[i + 3 * at[i]]);
		R(block_put)(n, a, sum, 0, at, 4);
		for (i = 0; i < n; i++)
			want[4 * at[i]] += a[i];
		C(same)("put", 2401, sum, want);
		R(block_put)(n, a, sum, 1, at, 3);
		for (i = 0; i < n; i++)
			want[i + 3 * at[i]] += a[i];
		C(same)("put", 2401, sum, want);
	}
}
END_TEST

/* Small whole numbers, so that every order of addition gives the same. */
TEST(C(sums_run_on))
{
	T a[601], c[601], s;
	uint64_t seed = 3;
	ptrdiff_t i;
	int e;

	for (e = 0; e < NLENGTH; e++) {
		for (i = 0; i < lengths[e]; i++)
			a[i] = (T)((int64_t)(next_random(&seed) % 100) - 50);
		c[lengths[e]] = 77;
		ck_assert(R(block_cumsum)(lengths[e], a, 5, c) == (lengths[e] ? c[lengths[e] - 1] : 5));
		for (i = 0, s = 5; i < lengths[e]; i++) {
			s += a[i];
			ck_assert(c[i] == s);
		}
		ck_assert(c[lengths[e]] == 77);
	}
}
END_TEST

#ifdef REAL
TEST(C(blocks_are_added_to_what_lies_apart))
{
	T a[600], c[1801], want[1801];
	uint64_t seed = 3;
	ptrdiff_t i, step;
	int e;

	for (e = 0; e < NLENGTH; e++)
		for (step = 1; step < 4; step++) {
			C(fill)(&seed, lengths[e], a);
			C(fill)(&seed, 1801, c);
			memcpy(want, c, sizeof c);
			for (i = 0; i < lengths[e]; i++)
				want[i * step] += a[i];
			R(block_add_to)(lengths[e], a, c, step);
			C(same)("add_to", 1801, c, want);
		}
}
END_TEST

TEST(C(recurrences_run_on))
{
	T k[600], a[600], c[600], s, size;
	uint64_t seed = 3;
	ptrdiff_t i;
	int e;

	for (e = 0; e < NLENGTH; e++) {
		C(fill)(&seed, lengths[e], a);
		C(fill)(&seed, lengths[e], k);
		for (i = 0; i < lengths[e]; i++)
			k[i] = k[i] / 1000;
		s = R(block_linrec)(lengths[e], k, a, 5, c);
		ck_assert(s == (lengths[e] ? c[lengths[e] - 1] : 5));
		for (i = 0, s = 5; i < lengths[e]; i++) {
			size = k[i] * s + a[i];
			s = c[i]; /* fused or not: the ulp of what is added */
			ck_assert(fabs((double)(s - size)) <=
			          2 * (sizeof(T) == 4 ? 0x1p-24 : 0x1p-53) *
			              (fabs((double)size) + 2 * fabs((double)a[i])));
		}
	}
}
END_TEST
#endif

TEST(C(the_first_of_the_largest_is_found))
{
	T a[600], best[600], least[600];
	int64_t where[600], low[600];
	uint64_t seed = 9;
	ptrdiff_t i, n;
	int e;

	for (e = 0; e < NLENGTH; e++) {
		n = lengths[e];
		for (i = 0; i < n; i++) {
			best[i] = least[i] = (T)(i % 7);
			where[i] = low[i] = 4;
			a[i] = (T)(next_random(&seed) % 7);
		}
		R(block_argmax)(n, a, 9, best, where);
		R(block_argmin)(n, a, 9, least, low);
		for (i = 0; i < n; i++) {
			ck_assert(where[i] == (a[i] > i % 7 ? 9 : 4));
			ck_assert(low[i] == (a[i] < i % 7 ? 9 : 4));
			ck_assert(best[i] == (a[i] > i % 7 ? a[i] : (T)(i % 7)));
			ck_assert(least[i] == (a[i] < i % 7 ? a[i] : (T)(i % 7)));
		}
#ifdef REAL
		for (i = 0; i < n; i++)
			a[i] = i % 3 ? (T)NAN : a[i];
		R(block_argmax)(n, a, 11, best, where);
		R(block_argmax)(n, a, 12, best, where);
		R(block_argmin)(n, a, 11, least, low);
		R(block_argmin)(n, a, 12, least, low);
		for (i = 0; i < n; i++)
			ck_assert(i % 3 == 0 || (where[i] == 11 && low[i] == 11 &&
			                         best[i] != best[i] && least[i] != least[i]));
#endif
	}
}
END_TEST

#ifdef REAL
/* The first of those that are beyond what was best before, ties and NaN too. */
TEST(C(places_of_extremes_are_the_first))
{
	T a[600], best, least, top, low;
	int64_t where, below, high, under;
	uint64_t seed = 19;
	ptrdiff_t i, n;
	int e, k;

	for (k = 0; k < 9; k++)
		for (e = 0; e < NLENGTH; e++) {
			n = lengths[e];
			if (n == 0)
				continue;
			best = top = k % 3 == 0 ? -(T)INFINITY : k % 3 == 1 ? 3 : (T)NAN;
			least = low = k % 3 == 0 ? (T)INFINITY : k % 3 == 1 ? 3 : (T)NAN;
			where = below = high = under = 4;
			for (i = 0; i < n; i++) {
				a[i] = (T)(next_random(&seed) % 7);
				if (k > 2 && next_random(&seed) % 64 == 0)
					a[i] = k > 5                    ? (T)NAN
					       : next_random(&seed) % 2 ? (T)INFINITY
					                                : -(T)INFINITY;
				if (a[i] > top || (a[i] != a[i] && top == top)) {
					top = a[i];
					high = 100 + 3 * i;
				}
				if (a[i] < low || (a[i] != a[i] && low == low)) {
					low = a[i];
					under = 100 + 3 * i;
				}
			}
			R(block_place_of_max)(n, a, 100, 3, &best, &where);
			R(block_place_of_min)(n, a, 100, 3, &least, &below);
			ck_assert(where == high && below == under);
			C(same)("largest", 1, &best, &top);
			C(same)("smallest", 1, &least, &low);
		}
}
END_TEST
#endif

/* Small whole numbers, so that every order of addition gives the same. */
TEST(C(blocks_are_summed_up))
{
	T a[600], sum, dot, prod, top, least;
	ptrdiff_t i, n;
	int e;

	for (e = 0; e < NLENGTH; e++) {
		n = lengths[e];
		sum = dot = 0;
		prod = 1;
		top = least = (T)(n > 0 ? -3 : 0);
		for (i = 0; i < n; i++) {
			a[i] = (T)(i * i % 11 - 3);
			sum += a[i];
			dot += a[i] * a[i];
			top = a[i] > top ? a[i] : top;
			least = a[i] < least ? a[i] : least;
		}
		ck_assert(R(block_sum)(n, a) == sum);
#ifdef REAL
		ck_assert(R(block_dot)(n, a, a) == dot);
#endif
		if (n > 0)
			ck_assert(R(block_max)(n, a) == top && R(block_min)(n, a) == least);
		for (i = 0; i < n; i++)
			prod *= a[i] = (T)(i % 97 == 5 ? 2 : i % 2 ? -1 : 1);
		ck_assert(R(block_prod)(n, a) == prod);
	}
}
END_TEST

#ifdef REAL
TEST(C(nan_wins_in_blocks))
{
	T a[40], c[40];
	uint8_t k[40];
	int i, j;

	for (j = 0; j < 40; j++) {
		for (i = 0; i < 40; i++)
			a[i] = (T)i;
		a[j] = (T)NAN;
		ck_assert(isnan(R(block_max)(40, a)) && isnan(R(block_min)(40, a)));
		R(block_max_vs)(40, a, 50, c);
		ck_assert(isnan(c[j]));
		R(block_min_sv)(40, -1, a, c);
		ck_assert(isnan(c[j]));
		R(block_isnan)(40, a, k);
		for (i = 0; i < 40; i++)
			ck_assert(k[i] == (i == j));
		a[j] = -(T)INFINITY;
		R(block_isinf)(40, a, k);
		for (i = 0; i < 40; i++)
			ck_assert(k[i] == (i == j));
		R(block_isfinite)(40, a, k);
		for (i = 0; i < 40; i++)
			ck_assert(k[i] == (i != j));
	}
}
END_TEST
#endif

/* Number i of a ring of `whole`. */
static ptrdiff_t
C(around)(ptrdiff_t i, ptrdiff_t whole)
{
	return whole == PTRDIFF_MAX ? i : (i % whole + whole) % whole;
}

TEST(C(what_goes_around_in_a_ring_is_found))
{
	static const ptrdiff_t wholes[] = {1, 2, 5, 9, 20, PTRDIFF_MAX};
	T a[900], c[3 * 36];
	uint64_t seed = 3;

	for (ptrdiff_t i = 0; i < 900; i++)
		a[i] = (T)(next_random(&seed) % 97);
	for (int e = 0; e < 25; e++)
		for (ptrdiff_t k = 0; k < 36; k++) {
			const ptrdiff_t over = wholes[e / 5], whole = wholes[e % 5 + 1], stride = 1 + k % 2;
			const ptrdiff_t first = whole == PTRDIFF_MAX ? 0 : k % 7 - 3,
					first_row = k % 5 - 2;
			const ptrdiff_t rows = k % 6, n = 1 + k % 9, row = k % 3 ? n : 30;
			const T *x = R(block_ring_rows)(rows, n, a, first_row, over, row, first, whole,
			                                stride, c);

			for (ptrdiff_t i = 0; i < rows; i++)
				for (ptrdiff_t j = 0; j < n; j++)
					ck_assert(x[i * n + j] ==
					          a[C(around)(first_row + i, over) * row +
					            C(around)(first + j, whole) * stride]);
			x = R(block_ring)(3 * k, a, first, whole < 99 ? whole : 99, stride, c);
			for (ptrdiff_t i = 0; i < 3 * k; i++)
				ck_assert(
				    x[i] ==
				    a[C(around)(first + i, whole < 99 ? whole : 99) * stride]);
		}
	ck_assert(R(block_ring)(4, a, 2, 6, 1, c) == a + 2); /* where they are */
	ck_assert(R(block_ring)(5, a, 2, 6, 1, c) == c);
}
END_TEST

TEST(C(elements_are_repeated))
{
	T a[200], c[101];

	for (ptrdiff_t i = 0; i < 200; i++)
		a[i] = (T)i;
	for (ptrdiff_t by = 1; by < 12; by++)
		for (ptrdiff_t k = 0; k < 60; k++) {
			const ptrdiff_t first = k % 13, stride = 1 + k % 2, n = k, rows = k % 5;
			const ptrdiff_t few = 1 + k % 20, row = k % 3 ? few / by * stride : 30;

			c[n] = 77;
			R(block_repeat)(n, a, first, by, stride, c);
			for (ptrdiff_t i = 0; i < n; i++)
				ck_assert(c[i] == a[(first + i) / by * stride]);
			ck_assert(c[n] == 77);
			c[rows * few] = 77;
			R(block_repeat_rows)(rows, few, a, row, first, by, stride, c);
			for (ptrdiff_t i = 0; i < rows; i++)
				for (ptrdiff_t j = 0; j < few; j++)
					ck_assert(c[i * few + j] == a[i * row + (first + j) / by * stride]);
			ck_assert(c[rows * few] == 77);
		}
}
END_TEST

TEST(C(columns_are_woven))
{
	T a[4][70], c[4 * 70 + 1];

	for (int k = 0; k < 4; k++)
		for (int i = 0; i < 70; i++)
			a[k][i] = (T)(100 * k + i);
	for (int n = 0; n <= 70; n++)
		for (int m = 2; m <= 4; m++) {
			c[n * m] = 77;
			if (m == 2)
				R(block_weave2)(n, a[0], a[1], c);
			else if (m == 3)
				R(block_weave3)(n, a[0], a[1], a[2], c);
			else
				R(block_weave4)(n, a[0], a[1], a[2], a[3], c);
			for (int i = 0; i < n * m; i++)
				ck_assert(c[i] == a[i % m][i / m]);
			ck_assert(c[n * m] == 77);
		}
}
END_TEST

static int
C(is_none)(T x)
{
#ifdef REAL
	return isnan(x);
#else
	(void)x;
	return 0;
#endif
}

/* Of few numbers, so that there are ties. */
TEST(C(places_of_extremes_of_rows_are_the_first))
{
	T a[130 * 20];
	int64_t high[131], low[131];
	uint64_t seed = 5;

	for (ptrdiff_t n = 1; n <= 20; n++)
		for (ptrdiff_t rows = 0; rows <= 130; rows += 1 + rows / 2) {
			for (ptrdiff_t i = 0; i < rows * n; i++) {
				a[i] = (T)(next_random(&seed) % 9);
#ifdef REAL
				if (next_random(&seed) % 16 == 0)
					a[i] = a[i] < 4 ? (T)NAN : -(T)INFINITY;
#endif
			}
			high[rows] = low[rows] = 77;
			R(block_place_of_max_each)(rows, n, a, 5, 3, high);
			R(block_place_of_min_each)(rows, n, a, 5, 3, low);
			for (ptrdiff_t i = 0; i < rows; i++) {
				const T *x = a + i * n;
				ptrdiff_t top = 0, least = 0;

				for (ptrdiff_t j = 1; j < n; j++) {
					const int none = C(is_none)(x[j]);

					if (!C(is_none)(x[top]) && (none || x[j] > x[top]))
						top = j;
					if (!C(is_none)(x[least]) && (none || x[j] < x[least]))
						least = j;
				}
				ck_assert(high[i] == 5 + 3 * top && low[i] == 5 + 3 * least);
			}
			ck_assert(high[rows] == 77 && low[rows] == 77);
		}
}
END_TEST

TEST(C(rows_are_read_within_bounds))
{
	T a[200], c[101];

	for (ptrdiff_t i = 0; i < 200; i++)
		a[i] = (T)i;
	for (ptrdiff_t k = 0; k < 200; k++) {
		const ptrdiff_t rows = k % 5, n = 1 + k % 20, lo = k % 7 - 2, hi = k % 23 - 1;
		const ptrdiff_t stride = k % 3 == 0 ? -1 : 1, first = 30;

		c[rows * n] = 77;
		R(block_within_rows)(rows, n, a + first, 25, stride, lo, hi, c);
		for (ptrdiff_t i = 0; i < rows; i++)
			for (ptrdiff_t j = 0; j < n; j++)
				ck_assert(c[i * n + j] ==
				          (j >= lo && j < hi ? a[first + i * 25 + j * stride] : 0));
		ck_assert(c[rows * n] == 77);
	}
}
END_TEST

TEST(C(one_number_stands_among_zeros))
{
	T c[101];

	for (ptrdiff_t k = 0; k < 500; k++) {
		const ptrdiff_t rows = k % 5, n = k % 21, first = k % 7 - 2, behind = k % 6 - 1;
		const ptrdiff_t left = k % 11 - 2, right = k % 23;

		c[rows * n] = 77;
		R(block_spot)(rows, n, 5, first, behind, left, right, c);
		for (ptrdiff_t i = 0; i < rows; i++)
			for (ptrdiff_t j = 0; j < n; j++)
				ck_assert(
				    c[i * n + j] ==
				    (i >= first && i < behind && j >= left && j < right ? 5 : 0));
		ck_assert(c[rows * n] == 77);
	}
}
END_TEST

#ifdef REAL
/* Some numbers, many of them zeros of either sign. */
static void
C(fill_with_zeros)(uint64_t *s, ptrdiff_t n, T *x)
{
	C(fill)(s, n, x);
	for (ptrdiff_t i = 0; i < n; i++)
		if (next_random(s) % 3 == 0)
			x[i] = next_random(s) % 2 ? -(T)0 : (T)0;
}

/* The sum for row i, column j, of k < m numbers that are there or zeros, one after the other. */
static T
C(sum_around)(ptrdiff_t m, const T *const *a, const T *by, const ptrdiff_t *row,
              const ptrdiff_t *at, unsigned minus, ptrdiff_t i, ptrdiff_t j)
{
	T sum = 0;

	for (ptrdiff_t k = 0; k < m; k++, at += 4) {
		const int is_there = i >= at[0] && i < at[1] && j >= at[2] && j < at[3];
		const T none = minus >> k & 1 ? -(T)0 : (T)0;
		const T x = by[k] * (is_there ? a[k][i * row[k] + j] : none);

		sum = k ? sum + x : x;
	}
	return sum;
}

TEST(C(what_lies_around_is_added_up))
{
	enum { SIZE = 30 * 40 };
	static T x[SIZE], y[SIZE], want[SIZE];
	uint64_t s = 91;

	for (int turn = 0; turn < 3000; turn++) {
		const ptrdiff_t m = 1 + turn % 8,
				rows = turn % 7 == 0 ? 1 : (ptrdiff_t)(next_random(&s) % 9),
				n = (ptrdiff_t)(next_random(&s) % 27);
		const unsigned minus = (unsigned)(next_random(&s) % 256);
		const int in_place = turn % 5 == 0;
		const T *a[8];
		ptrdiff_t row[8], at[32], beside[16];
		T by[8];

		C(fill_with_zeros)(&s, SIZE, x);
		C(fill_with_zeros)(&s, SIZE, y);
		for (ptrdiff_t k = 0; k < m; k++) {
			a[k] = x + next_random(&s) % 60;
			row[k] = turn % 4 ? n : (ptrdiff_t)(next_random(&s) % 30);
			by[k] = (T)((double)(next_random(&s) % 5) - 2.5);
			at[4 * k] = next_random(&s) % 2 ? (ptrdiff_t)(next_random(&s) % 4) - 1 : 0;
			at[4 * k + 1] = rows - (ptrdiff_t)(next_random(&s) % 2);
			at[4 * k + 2] =
			    next_random(&s) % 2 ? (ptrdiff_t)(next_random(&s) % 4) - 1 : 0;
			at[4 * k + 3] = n - (ptrdiff_t)(next_random(&s) % 3) + 1;
			if (at[4 * k + 3] > n)
				at[4 * k + 3] = n;
			beside[2 * k] = at[4 * k] > 0 || at[4 * k + 1] < 1 ? 0 : at[4 * k + 2];
			beside[2 * k + 1] = at[4 * k] > 0 || at[4 * k + 1] < 1 ? 0 : at[4 * k + 3];
		}
		if (in_place)
			a[m - 1] = y, row[m - 1] = n;
		memcpy(want, y, sizeof want);
		for (ptrdiff_t i = 0; i < rows; i++)
			for (ptrdiff_t j = 0; j < n; j++)
				want[i * n + j] = C(sum_around)(m, a, by, row, at, minus, i, j);
		if (rows == 1 && turn % 2)
			R(block_beside)(n, m, a, by, beside, minus, y);
		else
			R(block_around)(rows, n, m, a, by, row, at, minus, y);
		C(same)("around", SIZE, y, want);
	}
}
END_TEST

TEST(C(multiples_are_added_up))
{
	T x[700], y[600], want[600], by[8];
	const T *a[8];
	uint64_t s = 93;

	for (int k = 0; k < NLENGTH; k++)
		for (ptrdiff_t m = 1; m <= 8; m++) {
			const ptrdiff_t n = lengths[k];

			C(fill_with_zeros)(&s, 700, x);
			C(fill_with_zeros)(&s, 600, y);
			for (ptrdiff_t i = 0; i < m; i++) {
				a[i] = i == 1 ? y : x + 7 * i;
				by[i] = (T)((double)(next_random(&s) % 5) - 2);
			}
			memcpy(want, y, sizeof want);
			for (ptrdiff_t j = 0; j < n; j++) {
				want[j] = by[0] * a[0][j];
				for (ptrdiff_t i = 1; i < m; i++)
					want[j] += by[i] * (i == 1 ? y[j] : a[i][j]);
			}
			R(block_combine)(n, m, a, by, y);
			C(same)("combine", 600, y, want);
		}
}
END_TEST

TEST(C(rows_are_turned_into_columns_and_back))
{
	T a[23 * 20], back[23 * 20], c[20][24], *to[20];
	const T *from[20];

	for (int j = 0; j < 20; j++)
		from[j] = to[j] = c[j];
	for (int i = 0; i < 23 * 20; i++)
		a[i] = (T)i;
	for (ptrdiff_t n = 0; n <= 23; n++)
		for (ptrdiff_t m = 1; m <= 20; m++) {
			memset(back, 0, sizeof back);
			for (ptrdiff_t j = 0; j < m; j++)
				c[j][n] = 77;
			R(block_unweave)(n, a, 20, m, to);
			R(block_weave)(n, from, m, back, 20);
			for (ptrdiff_t j = 0; j < m; j++) {
				for (ptrdiff_t i = 0; i < n; i++)
					ck_assert(c[j][i] == a[i * 20 + j]);
				ck_assert(c[j][n] == 77);
			}
			for (ptrdiff_t i = 0; i < 23; i++)
				for (ptrdiff_t j = 0; j < 20; j++)
					ck_assert(back[i * 20 + j] ==
					          (i < n && j < m ? a[i * 20 + j] : 0));
		}
}
END_TEST

TEST(C(each_row_runs_on_by_itself))
{
	T k[9 * 20], a[9 * 20], c[9 * 20 + 1];
	uint64_t seed = 8;

	for (ptrdiff_t n = 1; n <= 20; n++)
		for (ptrdiff_t rows = 0; rows <= 9; rows++) {
			for (ptrdiff_t i = 0; i < rows * n; i++) {
				k[i] = (T)(next_random(&seed) % 3) - 1;
				a[i] = (T)(next_random(&seed) % 9);
			}
			c[rows * n] = 77;
			R(block_linrec_each)(rows, n, k, a, c);
			for (ptrdiff_t i = 0; i < rows * n; i++)
				ck_assert(c[i] == (i % n ? k[i] * c[i - 1] : 0) + a[i]);
			R(block_cumsum_each)(rows, n, a, c);
			for (ptrdiff_t i = 0; i < rows * n; i++)
				ck_assert(c[i] == (i % n ? c[i - 1] : 0) + a[i]);
			ck_assert(c[rows * n] == 77);
		}
}
END_TEST
#endif

static void
C(add_tests)(TCase *c)
{
	tcase_add_test(c, C(what_goes_around_in_a_ring_is_found));
	tcase_add_test(c, C(elements_are_repeated));
	tcase_add_test(c, C(columns_are_woven));
	tcase_add_test(c, C(places_of_extremes_of_rows_are_the_first));
	tcase_add_test(c, C(rows_are_read_within_bounds));
	tcase_add_test(c, C(one_number_stands_among_zeros));
#ifdef REAL
	tcase_add_test(c, C(rows_are_turned_into_columns_and_back));
	tcase_add_test(c, C(what_lies_around_is_added_up));
	tcase_add_test(c, C(multiples_are_added_up));
	tcase_add_test(c, C(each_row_runs_on_by_itself));
#endif
	tcase_add_test(c, C(blocks_of_functions_are_their_scalars));
	tcase_add_test(c, C(blocks_are_loaded_stored_and_chosen));
	tcase_add_test(c, C(rows_are_loaded_stored_and_folded));
	tcase_add_test(c, C(many_rows_are_folded_number_by_number));
	tcase_add_test(c, C(many_rows_are_loaded));
	tcase_add_test(c, C(elements_are_taken_from_and_put_at_places));
	tcase_add_test(c, C(the_first_of_the_largest_is_found));
	tcase_add_test(c, C(sums_run_on));
#ifdef REAL
	tcase_add_test(c, C(many_rows_are_folded_each));
	tcase_add_test(c, C(nan_wins_in_rows));
	tcase_add_test(c, C(sums_that_lie_apart_grow));
	tcase_add_test(c, C(recurrences_run_on));
	tcase_add_test(c, C(blocks_are_added_to_what_lies_apart));
#endif
	tcase_add_test(c, C(blocks_are_summed_up));
#ifdef REAL
	tcase_add_test(c, C(blocks_of_powers_are_their_scalars));
	tcase_add_test(c, C(powers_one_after_the_other_are_pow));
	tcase_add_test(c, C(pairs_round_twice));
	tcase_add_test(c, C(nan_wins_in_blocks));
	tcase_add_test(c, C(places_of_extremes_are_the_first));
#endif
}

#undef ONE
#undef TWO
#undef UNARY
#undef SCALAR
#undef NAME_OF
#undef TEXT_OF
#undef BINARY
#undef RELATION
#undef T
#undef R
#undef C
#undef M
