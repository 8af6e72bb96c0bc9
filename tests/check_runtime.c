/* check_runtime.c - the runtime: kernels against their references, integers, casts, random numbers,
 * texts and symbols. */
#include "claim.h"
#include "random_numbers.h"
#include "runtime_text.h"
#include "scalar_of.h"
#include "symgrad_reference.h"
#include "symgrad_runtime.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define M_E_ 2.718281828459045
#define M_LN2_ 0.6931471805599453

/* START_TEST pastes its argument; this expands it first. */
#define TEST(name) START_TEST(name)

#define T float
#define R(f) sgrt_##f##_f32
#define C(f) f##_f32
#define EPS 0x1p-24
#include "runtime_cases.h"
#undef T
#undef R
#undef C
#undef EPS
#define T double
#define R(f) sgrt_##f##_f64
#define C(f) f##_f64
#define EPS 0x1p-53
#include "runtime_cases.h"

/* Numbers about each power of two, whose conversion is a tie, or nearly one. */
START_TEST(integers_become_floats_as_by_conversion)
	{
		for (int k = 0; k < 64; k++)
			for (int j = 0; j < 64; j++)
				for (int64_t off = -3; off <= 3; off++) {
					const uint64_t word =
					    ((uint64_t)1 << k) + ((uint64_t)1 << j);
					const int64_t x = (int64_t)(word + (uint64_t)off);
					const float single = sgrt_from_i64_f32(x);
					const double real = sgrt_from_i64_f64(x);

					ck_assert(single >= (float)x && single <= (float)x);
					ck_assert(real >= (double)x && real <= (double)x);
				}
		ck_assert(!signbit(sgrt_from_i64_f64(0)) && !signbit(sgrt_from_i64_f32(0)));
	}
END_TEST

START_TEST(integers_wrap_and_floor)
	{
		const int32_t lo = INT32_MIN, hi = INT32_MAX;
		int status = 0, s = 0;

		ck_assert(sgrt_add_i32(hi, 1) == lo && sgrt_sub_i32(lo, 1) == hi &&
		          sgrt_neg_i32(lo) == lo);
		ck_assert(sgrt_mul_i32(hi, 2) == -2 && sgrt_abs_i32(lo) == lo &&
		          sgrt_abs_i32(-3) == 3);
		ck_assert(sgrt_add_i64(INT64_MAX, 1) == INT64_MIN &&
		          sgrt_mul_i64(INT64_MIN, -1) == INT64_MIN);
		ck_assert(sgrt_floordiv_i32(-7, 2, &s) == -4 && sgrt_mod_i32(-7, 2, &s) == 1);
		ck_assert(sgrt_floordiv_i32(7, -2, &s) == -4 && sgrt_mod_i32(7, -2, &s) == -1);
		ck_assert(sgrt_floordiv_i64(-7, -2, &s) == 3 && sgrt_mod_i64(-7, -2, &s) == -1);
		ck_assert(sgrt_floordiv_i32(lo, -1, &s) == lo && sgrt_mod_i32(lo, -1, &s) == 0 &&
		          s == SGRT_OK);
		ck_assert(sgrt_floordiv_i64(1, 0, &status) == 0 && status == SGRT_EDIVIDE);
		status = 0;
		ck_assert(sgrt_mod_i32(1, 0, &status) == 0 && status == SGRT_EDIVIDE);
		ck_assert(sgrt_pow_i64(3, 39) == 4052555153018976267 && sgrt_pow_i32(2, 32) == 0);
		ck_assert(sgrt_pow_i32(0, 0) == 1 && sgrt_pow_i32(-1, -3) == -1 &&
		          sgrt_pow_i32(5, -1) == 0);
		ck_assert(sgrt_sign_i64(-9) == -1 && sgrt_max_i32(1, 2) == 2 &&
		          sgrt_min_i32(1, 2) == 1);
		ck_assert(sgrt_clamp_i32(9, 0, 5) == 5 && sgrt_relu_i64(-4) == 0);
	}
END_TEST

START_TEST(casts_truncate_and_saturate)
	{
		ck_assert(sgrt_cast_f64_i32(-2.9) == -2 && sgrt_cast_f64_i32(2.9) == 2);
		ck_assert(sgrt_cast_f64_i32(2147483647.5) == INT32_MAX &&
		          sgrt_cast_f64_i32(1e300) == INT32_MAX);
		ck_assert(sgrt_cast_f64_i32(-2147483648.5) == INT32_MIN &&
		          sgrt_cast_f64_i32(-1e300) == INT32_MIN);
		ck_assert(sgrt_cast_f64_i32((double)NAN) == 0 &&
		          sgrt_cast_f32_i64((float)NAN) == 0);
		ck_assert(sgrt_cast_f32_i32(-2147483648.0f) == INT32_MIN &&
		          sgrt_cast_f32_i32(2147483648.0f) == INT32_MAX);
		ck_assert(sgrt_cast_f32_i32(-(float)INFINITY) == INT32_MIN &&
		          sgrt_cast_f32_i64(1e30f) == INT64_MAX);
		ck_assert(sgrt_cast_f64_i64(0x1p63) == INT64_MAX &&
		          sgrt_cast_f64_i64(-0x1p63) == INT64_MIN);
		ck_assert(sgrt_cast_f64_i64(-0x1.8p63) == INT64_MIN &&
		          sgrt_cast_f64_i64(9007199254740993.0) == 9007199254740992);
	}
END_TEST

/* Known answers of Random123 1.09, kat_vectors. */
START_TEST(philox_gives_the_published_numbers)
	{
		static const uint32_t kat[][10] = {
		    {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
		    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
		     0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
		     0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		};
		sgrt_philox_block b;
		size_t i;

		for (i = 0; i < 3; i++) {
			b = sgrt_philox(kat[i][0], kat[i][1], kat[i][2], kat[i][3], kat[i][4],
			                kat[i][5]);
			ck_assert(memcmp(b.w, &kat[i][6], sizeof b.w) == 0);
		}
	}
END_TEST

/* The bits must never change: they are part of what a seed means. (First computed by this code.) */
START_TEST(random_numbers_keep_their_bits)
	{
		static const double want[] = {0x1.8013f3b9e8c0fp-1, 0x1.972f7826d05d1p-1,
		                              0x1.14fdda00c71p-7, 0x1.0021adbd8f904p-2};
		static const double wantn[] = {-0x1.c2c3eaca08d61p+0, 0x1.f380f4fb8e216p-2,
		                               -0x1.7d9f8367d4e35p-2, 0x1.007d8da51032ap+0};
		double x[4];
		float f[4];
		int i;

		for (i = 0; i < 4; i++)
			ck_assert_msg(sgrt_rand_f64(7, i) == want[i] &&
			                  sgrt_randn_f64(7, i) == wantn[i],
			              "%a %a", sgrt_rand_f64(7, i), sgrt_randn_f64(7, i));
		sgrt_vrandn_f64(7, 1, 3, x);
		ck_assert(x[0] == wantn[1] && x[2] == wantn[3]);
		sgrt_vrand_f32(7, 0, 4, f);
		ck_assert(f[3] == (float)want[3]);
	}
END_TEST

/* 2^17 numbers: mean, variance, kurtosis, tails and the value by <math.h> from the same bits. */
START_TEST(normal_numbers_are_normal)
	{
		const int n = 1 << 17;
		double s1 = 0, s2 = 0, s4 = 0, u = 0, x, r, c;
		sgrt_philox_block b;
		int i, far = 0;

		for (i = 0; i < n; i++) {
			x = sgrt_randn_f64(-3, i);
			s1 += x;
			s2 += x * x;
			s4 += x * x * x * x;
			far += fabs(x) > 1.959963984540054;
			u += sgrt_rand_f64(-3, i);
			b = sgrt_random_bits(-3, i, 1);
			r = ldexp((double)(((uint64_t)b.w[1] << 32) | b.w[0] | 1), -64);
			c = ldexp((double)(((uint64_t)b.w[3] << 32) | b.w[2]), -64) *
			    1.5707963267948966;
			ck_assert(fabs(fabs(x) - sqrt(-2 * log(r)) * cos(c)) <
			          1e-7 * (1 + fabs(x)));
		}
		ck_assert(fabs(s1 / n) < 0.011 && fabs(s2 / n - 1) < 0.016 &&
		          fabs(s4 / n - 3) < 0.11);
		ck_assert(fabs((double)far / n - 0.05) < 0.0025 && fabs(u / n - 0.5) < 0.0033);
	}
END_TEST

/* In f32 many are drawn by a way of their own, which is sure of most and asks the other for the
 * rest. */
START_TEST(normal_numbers_in_f32_are_the_f64_ones_rounded)
	{
		enum { N = 1 << 12 };
		static float y[N];

		for (int k = 0; k < 40; k++) {
			const int64_t seed = k % 2 ? k * INT64_C(123456789012) : -k,
				      first = (int64_t)k << 3 * (k % 16);

			sgrt_vrandn_f32(seed, first, N - k, y);
			for (int i = 0; i < N - k; i++) {
				const float want = (float)sgrt_randn_f64(seed, first + i);

				if (memcmp(&y[i], &want, sizeof want) != 0)
					ck_abort_msg("seed %d, number %d + %d: %a, not %a",
					             (int)seed, (int)first, i, (double)y[i],
					             (double)want);
			}
		}
	}
END_TEST

START_TEST(snippets_are_sorted_and_need_what_exists)
	{
		for (size_t i = 0; i < sgrt_nsnippets; i++) {
			const sgrt_snippet *s = &sgrt_snippets[i];
			const char *name = sgrt_text_at(s->name);

			if (i > 0)
				ck_assert_str_lt(sgrt_text_at(s[-1].name), name);
			ck_assert(strstr(sgrt_text_at(s->text), name) != NULL);
			ck_assert(!s->decl || strstr(sgrt_text_at(s->decl), name) != NULL);
			for (size_t j = 0; j < s->nneeds; j++) {
				const size_t need = sgrt_needs[s->need + j];

				ck_assert_uint_lt(need, sgrt_nsnippets);
				ck_assert(strstr(sgrt_text_at(s->text),
				                 sgrt_text_at(sgrt_snippets[need].name)) != NULL);
			}
		}
	}
END_TEST

START_TEST(symbols_are_sorted_and_hold_every_public_function)
	{
		static const char *const some[] = {"sgrt_sigmoid_f32",
		                                   "sgrt_matmul_f64",
		                                   "sgrt_add_i64",
		                                   "sgrt_randn_f32",
		                                   "tanhf",
		                                   "nearbyint",
		                                   "memcpy",
		                                   "sgrt_sum_push_f64",
		                                   "sgrt_block_exp_f32",
		                                   "sgrt_strerror"};
		size_t i, k, found = 0;

		for (i = 0; i < sgrt_nsymbols; i++) {
			for (k = 0; k < SGRT_ISA_COUNT; k++)
				ck_assert(sgrt_symbol_address(i, (int)k) != NULL);
			if (i > 0)
				ck_assert_str_lt(sgrt_symbol_name(i - 1), sgrt_symbol_name(i));
			for (k = 0; k < sizeof some / sizeof some[0]; k++)
				found += strcmp(some[k], sgrt_symbol_name(i)) == 0;
		}
		ck_assert_uint_eq(found, sizeof some / sizeof some[0]);
	}
END_TEST

START_TEST(every_code_has_its_sentence)
	{
		int c, d;

		for (c = SGRT_EARG; c <= SGRT_OK; c++)
			for (d = SGRT_EARG - 1; d < c; d++)
				ck_assert_str_ne(sgrt_strerror(c), sgrt_strerror(d));
		ck_assert_str_eq(sgrt_strerror(1), sgrt_strerror(-99));
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("runtime");
	TCase *c = tcase_create("all");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 60);
	add_tests_f32(c);
	add_tests_f64(c);
	tcase_add_test(c, integers_become_floats_as_by_conversion);
	tcase_add_test(c, integers_wrap_and_floor);
	tcase_add_test(c, casts_truncate_and_saturate);
	tcase_add_test(c, philox_gives_the_published_numbers);
	tcase_add_test(c, random_numbers_keep_their_bits);
	tcase_add_test(c, normal_numbers_are_normal);
	tcase_add_test(c, normal_numbers_in_f32_are_the_f64_ones_rounded);
	tcase_add_test(c, snippets_are_sorted_and_need_what_exists);
	tcase_add_test(c, symbols_are_sorted_and_hold_every_public_function);
	tcase_add_test(c, every_code_has_its_sentence);
	suite_add_tcase(s, c);
	srunner_run_all(run, CK_ENV);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
