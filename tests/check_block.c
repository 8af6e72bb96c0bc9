/* check_block.c - the routines that the JIT calls on blocks, against their scalars. */
#include "claim.h"
#include "random_numbers.h"
#include "scalar_of.h"
#include "symgrad_block.h"
#include "symgrad_runtime.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const ptrdiff_t lengths[] = {0, 1, 2, 7, 15, 16, 17, 31, 64, 100, 511, 512};
enum { NLENGTH = 12 };

/* START_TEST pastes its argument; this expands it first. */
#define TEST(name) START_TEST(name)

#define T int32_t
#define R(f) sgrt_##f##_i32
#define C(f) f##_i32
#include "block_cases.h"
#define T int64_t
#define R(f) sgrt_##f##_i64
#define C(f) f##_i64
#include "block_cases.h"
#define REAL
#define T float
#define R(f) sgrt_##f##_f32
#define C(f) f##_f32
#define M(g) g##f
#include "block_cases.h"
#define T double
#define R(f) sgrt_##f##_f64
#define C(f) f##_f64
#define M(g) g
#include "block_cases.h"

START_TEST(indices_are_counted_from_the_end_and_checked)
	{
		const int64_t a[] = {0, 6, -1, -7, 7, -8, INT64_MIN, INT64_MAX};
		const int64_t want[] = {0, 6, 6, 0};
		const int32_t b[] = {0, 6, -1, -7, 7, -8, INT32_MIN, INT32_MAX};
		int64_t c[8];
		int i;

		ck_assert(sgrt_block_place_i64(4, a, 7, c) == 0);
		ck_assert(memcmp(c, want, sizeof want) == 0);
		ck_assert(sgrt_block_place_i32(4, b, 7, c) == 0);
		ck_assert(memcmp(c, want, sizeof want) == 0);
		ck_assert(sgrt_block_place_i64(0, a, 0, c) == 0);
		ck_assert(sgrt_block_place_i64(1, a, 0, c) == 1);
		for (i = 4; i < 8; i++) {
			ck_assert(sgrt_block_place_i64(1, a + i, 7, c) == 1);
			ck_assert(sgrt_block_place_i32(1, b + i, 7, c) == 1);
		}
	}
END_TEST

START_TEST(integers_are_divided_and_counted)
	{
		const int64_t a[] = {-7, 7, -7, 5}, b[] = {2, -2, -2, 0}, q[] = {-4, -4, 3, 0},
			      m[] = {1, -1, -1, 0};
		int64_t c[40];
		int status = 0, i;

		sgrt_block_floordiv_vv_i64(3, a, b, c, &status);
		ck_assert(memcmp(c, q, 3 * sizeof *c) == 0 && status == SGRT_OK);
		sgrt_block_mod_vv_i64(4, a, b, c, &status);
		ck_assert(memcmp(c, m, sizeof m) == 0 && status == SGRT_EDIVIDE);
		status = 0;
		sgrt_block_mod_vs_i64(4, a, 0, c, &status);
		ck_assert(c[1] == 0 && status == SGRT_EDIVIDE);
		sgrt_block_floordiv_sv_i64(3, 7, b, c, &status);
		ck_assert(c[0] == 3 && c[1] == -4 && c[2] == -4);
		sgrt_block_iota_rows_i64(5, 8, 3, 10, -2, c);
		for (i = 0; i < 40; i++)
			ck_assert(c[i] == 3 + i / 8 * 10 - i % 8 * 2);
		sgrt_block_iota_i64(40, 3, -2, c);
		for (i = 0; i < 40; i++)
			ck_assert(c[i] == 3 - 2 * i);
	}
END_TEST

/* Of what grows, stands, or falls down to 0. */
START_TEST(quotients_and_rests_go_on)
	{
		int64_t first, step, by, c[40], d[40];
		int i;

		for (by = 1; by < 9; by++)
			for (step = -20; step <= 20; step++) {
				first = step < 0 ? -39 * step + by % 3 : by % 5;
				sgrt_block_quotients_i64(40, first, step, by, c);
				sgrt_block_rests_i64(40, first, step, by, d);
				for (i = 0; i < 40; i++)
					ck_assert(c[i] == (first + i * step) / by &&
					          d[i] == (first + i * step) % by);
			}
	}
END_TEST

START_TEST(types_are_converted_as_by_the_scalars)
	{
		const float x[] = {-2.9f, 2.9f, 3e9f, -3e19f, (float)NAN, 0.5f};
		double d[6];
		float f[6];
		int64_t l[6];
		int32_t s[6];
		uint8_t k[6];
		int i;

		sgrt_block_cast_f32_f64(6, x, d);
		sgrt_block_cast_f64_f32(6, d, f);
		sgrt_block_cast_f32_i64(6, x, l);
		sgrt_block_cast_f64_i32(6, d, s);
		for (i = 0; i < 6; i++) {
			ck_assert(memcmp(&f[i], &x[i], sizeof *f) == 0);
			ck_assert(l[i] == sgrt_cast_f32_i64(x[i]) &&
			          s[i] == sgrt_cast_f64_i32(d[i]));
		}
		sgrt_block_cast_i64_i32(6, l, s);
		for (i = 0; i < 6; i++)
			ck_assert(s[i] == sgrt_cast_f32_i32(x[i]));
		sgrt_block_cast_i32_i64(6, s, l);
		sgrt_block_cast_i64_f64(6, l, d);
		sgrt_block_cast_i32_f32(6, s, f);
		for (i = 0; i < 6; i++)
			ck_assert(l[i] == s[i] && d[i] == (double)s[i] && f[i] == (float)s[i]);
		sgrt_block_ne_vs_i64(6, l, 0, k);
		sgrt_block_cast_bool_f32(6, k, f);
		sgrt_block_cast_bool_i64(6, k, l);
		for (i = 0; i < 6; i++)
			ck_assert(k[i] == (i < 4) && f[i] == (float)(i < 4) && l[i] == (i < 4));
	}
END_TEST

START_TEST(truths_are_joined)
	{
		uint8_t a[40], b[40], c[40];
		int i, j;

		for (i = 0; i < 40; i++) {
			a[i] = i & 1;
			b[i] = i >> 1 & 1;
		}
		sgrt_block_and_vv_bool(40, a, b, c);
		for (i = 0; i < 40; i++)
			ck_assert(c[i] == (a[i] && b[i]));
		sgrt_block_or_vv_bool(40, a, b, c);
		for (i = 0; i < 40; i++)
			ck_assert(c[i] == (a[i] || b[i]));
		sgrt_block_ne_vv_bool(40, a, b, c);
		for (i = 0; i < 40; i++)
			ck_assert(c[i] == (a[i] != b[i]));
		sgrt_block_not_bool(40, a, c);
		for (i = 0; i < 40; i++)
			ck_assert(c[i] == !a[i]);
		for (j = 0; j < 40; j++) {
			memset(c, 0, sizeof c);
			ck_assert(!sgrt_block_any_bool(40, c));
			c[j] = 1;
			ck_assert(sgrt_block_any_bool(40, c) && !sgrt_block_all_bool(40, c));
			memset(c, 1, sizeof c);
			ck_assert(sgrt_block_all_bool(40, c));
			c[j] = 0;
			ck_assert(!sgrt_block_all_bool(40, c));
		}
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("blocks");
	TCase *c = tcase_create("all");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 60);
	add_tests_i32(c);
	add_tests_i64(c);
	add_tests_f32(c);
	add_tests_f64(c);
	tcase_add_test(c, indices_are_counted_from_the_end_and_checked);
	tcase_add_test(c, integers_are_divided_and_counted);
	tcase_add_test(c, quotients_and_rests_go_on);
	tcase_add_test(c, types_are_converted_as_by_the_scalars);
	tcase_add_test(c, truths_are_joined);
	suite_add_tcase(s, c);
	srunner_run_all(run, CK_ENV);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
