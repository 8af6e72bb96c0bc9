/* check_base.c - floor 0: faults, arena, names, numbers, places, diagnostics. */
#include "base/base.h"
#include "claim.h"
#include "random_numbers.h"

#include <check.h>
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sg_ctx *ctx;

static void
setup(void)
{
	ctx = sg_ctx_new();
	ck_assert_ptr_nonnull(ctx);
}

static void
teardown(void)
{
	sg_ctx_free(ctx);
}

/* ---- faults and the stack ---- */

static void
raise_limit(void *arg)
{
	sg_raise(arg, SG_FAULT_LIMIT, "too much");
}

static void
raise_inside(void *arg)
{
	ck_assert_int_eq(sg_protect(arg, raise_limit, arg), SG_FAULT_LIMIT);
	sg_need((sg_ctx *)arg, 1 + 1 == 3, "sums are right");
}

START_TEST(a_fault_is_caught_at_the_innermost_protect)
	{
		ck_assert_str_eq(sg_fault_text(ctx), "");
		ck_assert_int_eq(sg_protect(ctx, raise_inside, ctx), SG_FAULT_DEFECT);
		ck_assert_ptr_nonnull(strstr(sg_fault_text(ctx), "check_base.c: sums are right"));
		ck_assert_int_eq(sg_protect(ctx, raise_limit, ctx), SG_FAULT_LIMIT);
		ck_assert_str_eq(sg_fault_text(ctx), "too much");
	}
END_TEST

static int
descend(sg_ctx *c, int depth, int most)
{
	volatile char frame[256];

	frame[0] = (char)depth;
	if (depth == most || !sg_stack_left(c))
		return depth;
	return descend(c, depth + 1, most) + (frame[0] != (char)depth);
}

static void
descend_a_million(void *arg)
{
	*(int *)arg = descend(ctx, 0, 1000000);
}

static void
descend_for_ever(void *arg)
{
	*(int *)arg = descend(ctx, 0, 1 << 30);
}

START_TEST(recursion_a_million_deep_fits_and_its_end_is_seen)
	{
		int depth = 0;

		ck_assert_int_eq(sg_protect(ctx, descend_a_million, &depth), SG_FAULT_NONE);
		ck_assert_int_eq(depth, 1000000);
		ck_assert_int_eq(sg_protect(ctx, descend_for_ever, &depth), SG_FAULT_NONE);
		ck_assert_int_gt(depth, 1000000);
	}
END_TEST

/* ---- memory ---- */

static void
allocate_much(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < 3000; i++) {
		unsigned char *p = sg_alloc(ctx, i * 7);

		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		ck_assert(i == 0 || (p[0] == 0 && memcmp(p, p + 1, i * 7 - 1) == 0));
		memset(p, 0xAA, i * 7);
	}
}

static void
allocate_too_much(void *arg)
{
	sg_alloc_array(ctx, SIZE_MAX / 2, *(size_t *)arg);
}

static void
allocate_most(void *arg)
{
	(void)arg;
	sg_alloc(ctx, SIZE_MAX - 8);
}

START_TEST(blocks_are_zero_aligned_and_apart)
	{
		ck_assert_int_eq(sg_protect(ctx, allocate_much, NULL), SG_FAULT_NONE);
		ck_assert_uint_gt(sg_ctx_bytes(ctx), 3000u * 2999u / 2u * 7u);
	}
END_TEST

START_TEST(absurd_sizes_are_faults)
	{
		size_t size = 16;

		ck_assert_int_eq(sg_protect(ctx, allocate_too_much, &size), SG_FAULT_LIMIT);
		ck_assert_int_eq(sg_protect(ctx, allocate_most, NULL), SG_FAULT_MEMORY);
	}
END_TEST

static void
do_many_things(void *arg)
{
	const sg_source *src = sg_source_text(ctx, "t.sg", "a = b\n", 6);
	sg_map *m = sg_map_new(ctx);
	sg_bytes_map *bm = sg_bytes_map_new(ctx);
	sg_buf b;

	sg_buf_init(&b, ctx);
	for (int i = 0; i < 200; i++) {
		const char *name = sg_intern_z(ctx, sg_text(ctx, "name%d", i));

		sg_map_put(m, name, m);
		*sg_bytes_map_at(bm, &i, sizeof i) = bm;
		sg_buf_num(&b, i * 0.1, false);
	}
	sg_add_hint(ctx, sg_error(ctx, (sg_span){src, 4, 5}, "x", "unknown '%s'", "b"), "try a");
	sg_diags_text(ctx, &b, true);
	sg_source_file(ctx, "/dev/null", (sg_span){NULL, 0, 0});
	*(int *)arg += 1;
}

START_TEST(each_allocation_may_fail_and_the_context_lives_on)
	{
		int done = 0;

		for (size_t nth = 1; done == 0; nth++) {
			sg_fault fault;

			sg_ctx_fail_alloc(ctx, nth);
			fault = sg_protect(ctx, do_many_things, &done);
			ck_assert_int_eq(fault, done ? SG_FAULT_NONE : SG_FAULT_MEMORY);
			sg_ctx_fail_alloc(ctx, 0);
			if (nth % 37 == 0) {
				int after = 0;

				ck_assert_int_eq(sg_protect(ctx, do_many_things, &after),
				                 SG_FAULT_NONE);
			}
		}
	}
END_TEST

static void
overflow_product(void *arg)
{
	*(int64_t *)arg = sg_mul_size(ctx, INT64_C(1) << 32, *(int64_t *)arg);
}

static void
overflow_sum(void *arg)
{
	*(int64_t *)arg = sg_add_size(ctx, INT64_MAX, *(int64_t *)arg);
}

START_TEST(products_and_sums_of_sizes_are_checked)
	{
		int64_t a = 3, big = INT64_C(1) << 31, zero = 0, one = 1;

		ck_assert_int_eq(sg_protect(ctx, overflow_product, &a), SG_FAULT_NONE);
		ck_assert_int_eq(a, INT64_C(3) << 32);
		ck_assert_int_eq(sg_protect(ctx, overflow_product, &big), SG_FAULT_LIMIT);
		ck_assert_int_eq(sg_protect(ctx, overflow_sum, &zero), SG_FAULT_NONE);
		ck_assert_int_eq(sg_protect(ctx, overflow_sum, &one), SG_FAULT_LIMIT);
	}
END_TEST

/* ---- names and maps ---- */

START_TEST(equal_names_are_one_pointer)
	{
		const char *a = sg_intern(ctx, "alphabet", 5), *many[1000];

		for (int i = 0; i < 1000; i++)
			many[i] = sg_intern_z(ctx, sg_text(ctx, "n%d", i));
		for (int i = 0; i < 1000; i++)
			ck_assert_ptr_eq(many[i], sg_intern_z(ctx, sg_text(ctx, "n%d", i)));
		ck_assert_ptr_eq(a, sg_intern_z(ctx, "alpha"));
		ck_assert_ptr_ne(a, sg_intern_z(ctx, "alphabet"));
		ck_assert_str_eq(a, "alpha");
		ck_assert_str_eq(sg_intern(ctx, "", 0), "");
	}
END_TEST

START_TEST(maps_find_what_was_put)
	{
		static char keys[5000];
		sg_map *m = sg_map_new(ctx);
		sg_bytes_map *b = sg_bytes_map_new(ctx);

		ck_assert_ptr_null(sg_map_get(m, keys));
		for (int i = 0; i < 5000; i++)
			sg_map_put(m, &keys[i], &keys[4999 - i]);
		sg_map_put(m, &keys[7], &keys[7]);
		ck_assert_ptr_eq(sg_map_get(m, &keys[7]), &keys[7]);
		ck_assert_ptr_eq(sg_map_get(m, &keys[8]), &keys[4991]);
		ck_assert_ptr_null(sg_map_get(m, m));
		for (int i = 0; i < 5000; i++)
			*sg_bytes_map_at(b, &i, sizeof i) = &keys[i];
		for (int i = 0; i < 5000; i++)
			ck_assert_ptr_eq(*sg_bytes_map_at(b, &i, sizeof i), &keys[i]);
		ck_assert_ptr_null(*sg_bytes_map_at(b, "", 0));
		ck_assert_ptr_null(*sg_bytes_map_at(b, "abcde", 5));
	}
END_TEST

/* ---- text ---- */

/* What sg_text makes is what the C library makes of the same format. */
#define SAME(...)                                                                                  \
	do {                                                                                       \
		char want[256];                                                                    \
                                                                                                   \
		snprintf(want, sizeof want, __VA_ARGS__);                                          \
		ck_assert_str_eq(sg_text(ctx, __VA_ARGS__), want);                                 \
	} while (0)

START_TEST(formats_mean_what_they_mean_to_the_c_library)
	{
		SAME("plain, 100%%");
		SAME("%s|%.3s|%.*s|%8s|%-8s|%*s|%.0s|%.9s", "abcdef", "abcdef", 2, "abcdef", "ab",
		     "ab", -5, "ab", "ab", "ab");
		SAME("%c%c|%3c|%-3c|", 'a', '\t', 'b', 'c');
		SAME("%d %i %5d %-5d| %05d %0*d %d", 0, -7, -42, 42, -42, 4, 7, INT_MIN);
		SAME("%u %x %X %04x %08lx", UINT_MAX, 0xbeefu, 0xbeefu, 7u, 0x1234ul);
		SAME("%ld %lld %lu %llu", LONG_MIN, LLONG_MIN, ULONG_MAX, ULLONG_MAX);
		SAME("%zu %td %jd %ju %zd", SIZE_MAX, PTRDIFF_MIN, INTMAX_MIN, UINTMAX_MAX,
		     (ssize_t)-3);
		SAME("%s%s", "", "");
	}
END_TEST

static void
write_odd_format(void *arg)
{
	sg_text(arg, "%g", 0.5);
}

START_TEST(a_format_that_is_not_known_is_a_defect)
	{
		ck_assert_int_eq(sg_protect(ctx, write_odd_format, ctx), SG_FAULT_DEFECT);
	}
END_TEST

/* ---- numbers ---- */

static const char *
number(double v, bool is_f32, bool is_c)
{
	sg_buf b;

	sg_buf_init(&b, ctx);
	(is_c ? sg_buf_c_num : sg_buf_num)(&b, v, is_f32);
	return sg_buf_text(&b);
}

/* Golden values: Python 3 repr (David Gay's dtoa) without ".0"; numpy.float32 for f32. */
START_TEST(numbers_are_written_as_python_does)
	{
		static const struct {
			double v;
			bool is_f32;
			const char *text, *c;
		} t[] = {
		    {0, false, "0", "0.0"},
		    {-0.0, false, "-0", "-0.0"},
		    {1, false, "1", "1.0"},
		    {0.1, false, "0.1", "0.1"},
		    {-0.5, false, "-0.5", "-0.5"},
		    {1e-7, false, "1e-07", "1e-07"},
		    {0.0001, false, "0.0001", "0.0001"},
		    {0.00001234, false, "1.234e-05", "1.234e-05"},
		    {1e15, false, "1000000000000000", "1000000000000000.0"},
		    {1e16, false, "1e+16", "1e+16"},
		    {123456789012345680.0, false, "1.2345678901234568e+17",
		     "1.2345678901234568e+17"},
		    {9007199254740993.0, false, "9007199254740992", "9007199254740992.0"},
		    {0x1p-44, false, "5.684341886080802e-14", "5.684341886080802e-14"},
		    {0x1p-1074, false, "5e-324", "5e-324"},
		    {DBL_MIN, false, "2.2250738585072014e-308", "2.2250738585072014e-308"},
		    {DBL_MAX, false, "1.7976931348623157e+308", "1.7976931348623157e+308"},
		    {1.0 / 3, false, "0.3333333333333333", "0.3333333333333333"},
		    {5e-324, true, "0", "0.0f"},
		    {0.1, true, "0.1", "0.1f"},
		    {16777216, true, "16777216", "16777216.0f"},
		    {0x1p-149, true, "1e-45", "1e-45f"},
		    {FLT_MAX, true, "3.4028235e+38", "3.4028235e+38f"},
		    {1.0 / 3, true, "0.33333334", "0.33333334f"},
		    {2, true, "2", "2.0f"},
		    {1e300, true, "inf", "INFINITY"},
		    {INFINITY, false, "inf", "INFINITY"},
		    {-INFINITY, false, "-inf", "(-INFINITY)"},
		    {NAN, false, "nan", "NAN"},
		};

		for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
			ck_assert_str_eq(number(t[i].v, t[i].is_f32, false), t[i].text);
			ck_assert_str_eq(number(t[i].v, t[i].is_f32, true), t[i].c);
		}
	}
END_TEST

/* The fewest digits with which the C library's exact conversion reads back. */
static int
fewest_digits(double v, bool is_f32)
{
	char s[64];
	int n = 1;

	for (; n < 17; n++) {
		snprintf(s, sizeof s, "%.*e", n - 1, v);
		if (is_f32 ? strtof(s, NULL) == (float)v : strtod(s, NULL) == v)
			break;
	}
	return n;
}

static int
digits_of(const char *s)
{
	int n = 0, zeros = 0, seen = 0;

	for (; *s && *s != 'e'; s++) {
		if (*s < '0' || *s > '9')
			continue;
		seen |= *s != '0';
		n += seen;
		zeros = *s == '0' ? zeros + 1 : 0;
	}
	return n - (zeros < n ? zeros : 0);
}

static void
check_round_trip(double v, bool is_f32)
{
	const char *s = number(v, is_f32, false);
	double back = 0;

	CLAIM(sg_read_double(s, strlen(s), &back), "%s", s);
	CLAIM(is_f32 ? (float)back == (float)v : back == v, "%a gave %s", v, s);
	CLAIM(is_f32 ? strtof(s, NULL) == (float)v : strtod(s, NULL) == v, "%a gave %s", v, s);
	CLAIM(digits_of(s) <= fewest_digits(v, is_f32), "%a gave %s", v, s);
}

START_TEST(random_bit_patterns_read_back_from_the_fewest_digits)
	{
		uint64_t state = 1;

		for (int i = 0; i < 20000; i++) {
			uint64_t bits = next_random(&state);
			uint32_t half = (uint32_t)(bits >> 32);
			double v;
			float f;

			if (i % 4 == 0)
				bits &= UINT64_C(0x800FFFFFFFFFFFFF); /* subnormal */
			memcpy(&v, &bits, sizeof v);
			memcpy(&f, &half, sizeof f);
			if (isfinite(v))
				check_round_trip(v, false);
			if (isfinite(f))
				check_round_trip((double)f, true);
		}
	}
END_TEST

START_TEST(powers_of_two_and_ten_read_back_from_the_fewest_digits)
	{
		for (int e = -1074; e < 1024; e++) {
			check_round_trip(ldexp(1, e), false);
			check_round_trip(nextafter(ldexp(1, e), INFINITY), false);
			check_round_trip(nextafter(ldexp(1, e), 0), false);
		}
		for (int e = -149; e < 128; e++) {
			check_round_trip(ldexp(1, e), true);
			check_round_trip((double)nextafterf(ldexpf(1, e), 0), true);
		}
		for (int e = -323; e < 309; e++)
			check_round_trip(strtod(sg_text(ctx, "1e%d", e), NULL), false);
	}
END_TEST

START_TEST(literals_are_read_as_the_c_library_reads_them)
	{
		static const char *const good[] = {
		    "0",
		    "1",
		    "2.5",
		    "1e-3",
		    "0x1p-4",
		    "0x1.8p1",
		    "0X.8P+3",
		    "0x10",
		    "1E5",
		    "1e+5",
		    "5.",
		    ".5",
		    "-3.25",
		    "+7",
		    "123456789012345678901234567890",
		    "0.000000000000000000000000000012345",
		    "1e400",
		    "-1e400",
		    "1e-400",
		    "2.4703282292062327208e-324",
		    "2.4703282292062328e-324",
		    "2.2250738585072011e-308",
		    "1.7976931348623158e308",
		    "1.7976931348623159e308",
		    "9007199254740993",
		    "9007199254740992.999999999999999999999999",
		    "9007199254740993.0000001",
		    "0e999999999999999999999",
		    "1e99999999999999999999",
		    "1e-99999999999999999999",
		    "0x1.fffffffffffff7p1023",
		    "0x1.fffffffffffff8p1023",
		    "0x1p-1075",
		    "0x1.8p-1075",
		    "0x0.00000000000000000000000001p100",
		    "0x123456789abcdef01234567p-3",
		    "0x1p-1074",
		    "0x1.00000000000008p0",
		    "0x1.000000000000080000000000000001p0",
		    "8.5e-1",
		    "6.02214076e23",
		};
		double v;

		for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
			double want = strtod(good[i], NULL);

			ck_assert_msg(sg_read_double(good[i], strlen(good[i]), &v), "%s", good[i]);
			ck_assert_msg(memcmp(&v, &want, sizeof v) == 0, "%s gave %a for %a",
			              good[i], v, want);
		}
	}
END_TEST

START_TEST(long_random_literals_are_read_as_the_c_library_reads_them)
	{
		uint64_t state = 2;

		for (int i = 0; i < 3000; i++) {
			int n = 1 + (int)(next_random(&state) % (i % 20 == 0 ? 1200 : 40));
			int dot = (int)(next_random(&state) % (uint64_t)n), e;
			double v, want;
			sg_buf b;

			sg_buf_init(&b, ctx);
			for (int k = 0; k < n; k++) {
				sg_buf_putc(&b, (char)('0' + next_random(&state) % 10));
				sg_buf_puts(&b, k == dot ? "." : "");
			}
			e = i % 2 ? -(int)(next_random(&state) % 28)
			          : (int)(next_random(&state) % 700) - 350;
			sg_buf_printf(&b, "e%d", e);
			want = strtod(b.s, NULL);
			ck_assert_msg(sg_read_double(b.s, b.n, &v) && v == want, "%s gave %a", b.s,
			              v);
		}
	}
END_TEST

/* The exact decimal of a midpoint between two doubles, and its neighbours in the last digit. */
START_TEST(midpoints_go_to_the_even_double)
	{
		uint64_t state = 3;

		for (int i = 0; i < 300 && LDBL_MANT_DIG > DBL_MANT_DIG; i++) {
			uint64_t bits = next_random(&state) >> 1;
			double lo, hi, v;
			char s[1200];

			if (i % 3 == 0)
				bits &= UINT64_C(0xFFFFFFFFFFFFF);
			else
				bits = (bits & UINT64_C(0xFFFFFFFFFFFFF)) | (900 + bits % 140)
				                                                << 52;
			memcpy(&lo, &bits, sizeof lo);
			hi = nextafter(lo, INFINITY);
			snprintf(s, sizeof s, "%.1100Lf", ((long double)lo + (long double)hi) / 2);
			ck_assert(sg_read_double(s, strlen(s), &v));
			ck_assert_double_eq(v, bits % 2 ? hi : lo);
			s[strlen(s) - 1] = '1';
			ck_assert(sg_read_double(s, strlen(s), &v));
			ck_assert_double_eq(v, hi);
		}
	}
END_TEST

START_TEST(malformed_numbers_are_refused)
	{
		static const char *const bad[] = {
		    "",   "-",  ".",  "1e",  "1e+", "e5",   "0x",  "0xp1", "0x.p1", "1.2.3",
		    "1 ", " 1", "1f", "nan", "inf", "0x1p", "--1", "1,5",  "1e5.0"};
		static const char *const bad_int[] = {"",
		                                      "-",
		                                      "+",
		                                      "1.0",
		                                      "9223372036854775808",
		                                      "0x1",
		                                      " 1",
		                                      "-9223372036854775809",
		                                      "1e3"};
		double v;
		int64_t i;

		for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
			ck_assert_msg(!sg_read_double(bad[k], strlen(bad[k]), &v), "%s", bad[k]);
		for (size_t k = 0; k < sizeof bad_int / sizeof *bad_int; k++)
			ck_assert_msg(!sg_read_int(bad_int[k], strlen(bad_int[k]), &i), "%s",
			              bad_int[k]);
		ck_assert(sg_read_int("9223372036854775807", 19, &i) && i == INT64_MAX);
		ck_assert(sg_read_int("-9223372036854775808", 20, &i) && i == INT64_MIN);
		ck_assert(sg_read_int("007", 3, &i) && i == 7);
	}
END_TEST

START_TEST(the_locale_does_not_matter)
	{
		static const char *const locales[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8",
		                                      "fr_FR"};
		double v;

		for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
			if (setlocale(LC_ALL, locales[i]))
				break;
		ck_assert_str_eq(number(1234.5, false, false), "1234.5");
		ck_assert(sg_read_double("1234.5", 6, &v));
		ck_assert_double_eq(v, 1234.5);
		setlocale(LC_ALL, "C");
	}
END_TEST

/* ---- sources and diagnostics ---- */

static const sg_source *
source(const char *text)
{
	return sg_source_text(ctx, "m.sg", text, strlen(text));
}

START_TEST(places_count_lines_and_code_points)
	{
		const sg_source *src = source("a\r\nb\xC3\xA9z\n\nend");
		static const struct {
			uint32_t at;
			int line, col;
		} t[] = {{0, 1, 1}, {1, 1, 2}, {3, 2, 1},  {4, 2, 2}, {6, 2, 3},
		         {8, 3, 1}, {9, 4, 1}, {12, 4, 4}, {99, 4, 4}};

		for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
			int line, col;

			sg_span_place((sg_span){src, t[i].at, t[i].at}, &line, &col);
			ck_assert_int_eq(line, t[i].line);
			ck_assert_int_eq(col, t[i].col);
		}
	}
END_TEST

START_TEST(places_are_right_far_into_a_source)
	{
		sg_buf b;
		int line, col;

		sg_buf_init(&b, ctx);
		for (int i = 0; i < 20000; i++)
			sg_buf_puts(&b, "abc\n");
		for (uint32_t at = 0; at < b.n; at += 997) {
			sg_span_place((sg_span){source(b.s), at, at}, &line, &col);
			ck_assert_int_eq(line, (int)at / 4 + 1);
			ck_assert_int_eq(col, (int)at % 4 + 1);
		}
	}
END_TEST

static const char *
text_of_diagnostics(void)
{
	sg_buf b;

	sg_buf_init(&b, ctx);
	sg_diags_text(ctx, &b, false);
	return sg_buf_text(&b);
}

START_TEST(a_diagnostic_shows_line_mark_note_and_hint)
	{
		const sg_source *src = source("param w[2, 10]\n\no = sigmoid(x @ w)\n");
		sg_diag *d = sg_error(ctx, (sg_span){src, 28, 33}, "matmul-shape",
		                      "inner extents of '@' differ: %s @ %s", "[N, 10]", "[2, 10]");

		sg_diag_point(d, (sg_span){src, 30, 31});
		sg_add_note(ctx, d, (sg_span){src, 6, 7}, "'w' is [2, 10]");
		sg_add_hint(ctx, d, "did you mean '%s'?", "x @ w.T");
		ck_assert_str_eq(text_of_diagnostics(),
		                 "m.sg:3:15: error: inner extents of '@' differ: [N, 10] @ [2, 10] "
		                 "[matmul-shape]\n"
		                 "    3 | o = sigmoid(x @ w)\n"
		                 "      |             ~~^~~\n"
		                 "m.sg:1:7: note: 'w' is [2, 10]\n"
		                 "hint: did you mean 'x @ w.T'?\n");
	}
END_TEST

/* Marks under each kind of line: the text, a span, and the two lines of the excerpt. */
START_TEST(marks_stand_under_their_span)
	{
		static const struct {
			const char *text;
			uint32_t lo, hi;
			const char *excerpt;
		} t[] = {
		    {"a = bcd\r\n", 4, 7, "    1 | a = bcd\n      |     ^~~\n"},
		    {"\ta\t= bcd", 5, 8, "    1 | \ta\t= bcd\n      | \t \t  ^~~\n"},
		    {"\xC3\xA9 = x", 5, 6, "    1 | \xC3\xA9 = x\n      |     ^\n"},
		    {"\xE6\xBC\xA2 = x", 6, 7, "    1 | \xE6\xBC\xA2 = x\n      |      ^\n"},
		    {"\xE6\xBC\xA2 = x", 0, 3, "    1 | \xE6\xBC\xA2 = x\n      | ^~\n"},
		    {"f(a,\nb)", 0, 7, "    1 | f(a,\n      | ^~~~\n"},
		    {"a = ", 4, 4, "    1 | a = \n      |     ^\n"},
		    {"a\n", 2, 2, "    2 | \n      | ^\n"},
		    {"", 0, 0, "    1 | \n      | ^\n"},
		    {"a\x1b[2J\xFF b", 7, 8, "    1 | a?[2J? b\n      |        ^\n"},
		};

		for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
			const char *s;

			sg_ctx_free(ctx);
			ctx = sg_ctx_new();
			sg_error(ctx, (sg_span){source(t[i].text), t[i].lo, t[i].hi}, "x", "wrong");
			s = strchr(text_of_diagnostics(), '\n') + 1;
			ck_assert_str_eq(s, t[i].excerpt);
		}
	}
END_TEST

START_TEST(long_lines_are_shown_through_a_window)
	{
		sg_buf b;
		const char *s, *mark;

		sg_buf_init(&b, ctx);
		for (int i = 0; i < 100000; i++)
			sg_buf_putc(&b, (char)('a' + i % 26));
		memcpy(b.s + 50000, "WRONG", 5);
		sg_error(ctx, (sg_span){source(b.s), 50000, 50005}, "x", "wrong");
		s = text_of_diagnostics();
		ck_assert_uint_lt(strlen(s), 350);
		mark = strstr(s, "^~~~~\n");
		ck_assert_ptr_nonnull(mark);
		s = strchr(s, '\n') + 1;
		mark = strchr(s, '\n') + 1;
		ck_assert_int_eq(strstr(s, "WRONG") - s, strchr(mark, '^') - mark);
		ck_assert_int_eq(strncmp(s, "    1 | ...", 11), 0);
		ck_assert_int_eq(strncmp(mark - 4, "...\n", 4), 0);
	}
END_TEST

START_TEST(diagnostics_come_in_source_order_without_repetition)
	{
		const sg_source *src = source("a b c"), *other = source("z");

		sg_error(ctx, (sg_span){other, 0, 1}, "x", "in another");
		sg_error(ctx, (sg_span){src, 4, 5}, "x", "third");
		sg_warning(ctx, (sg_span){src, 2, 3}, "x", "second");
		sg_error(ctx, (sg_span){src, 0, 1}, "x", "first");
		sg_error(ctx, (sg_span){src, 0, 1}, "x", "first again");
		sg_error(ctx, (sg_span){NULL, 0, 0}, "x", "nowhere");
		ck_assert_uint_eq(sg_error_count(ctx), 4);
		ck_assert_uint_eq(sg_diag_count(ctx), 5);
		ck_assert_str_eq(text_of_diagnostics(), "error: nowhere [x]\n"
		                                        "m.sg:1:1: error: first [x]\n"
		                                        "    1 | a b c\n      | ^\n"
		                                        "m.sg:1:3: warning: second [x]\n"
		                                        "    1 | a b c\n      |   ^\n"
		                                        "m.sg:1:5: error: third [x]\n"
		                                        "    1 | a b c\n      |     ^\n"
		                                        "m.sg:1:1: error: in another [x]\n"
		                                        "    1 | z\n      | ^\n");
	}
END_TEST

START_TEST(the_hundredth_error_is_the_last)
	{
		const sg_source *src = source(sg_text(ctx, "%500s", ""));

		for (uint32_t i = 0; i < 300; i++) {
			sg_add_hint(ctx, sg_error(ctx, (sg_span){src, i, i + 1}, "x", "wrong"),
			            "hint");
			sg_warning(ctx, (sg_span){src, i, i + 1}, "y", "odd");
		}
		ck_assert_uint_eq(sg_error_count(ctx), 100);
		ck_assert_uint_eq(sg_diag_count(ctx), 200);
	}
END_TEST

START_TEST(json_escapes_and_places)
	{
		const sg_source *src = sg_source_text(ctx, "a\"\\b.sg", "x\ny", 3);
		sg_diag *d = sg_error(ctx, (sg_span){src, 2, 3}, "x", "tab\there \xFF \xC3\xA9");
		sg_buf b;

		sg_add_hint(ctx, d, "h");
		sg_buf_init(&b, ctx);
		sg_diags_json(ctx, &b);
		ck_assert_str_eq(
		    sg_buf_text(&b),
		    "[{\"severity\":\"error\",\"code\":\"x\",\"message\":\"tab\\u0009here \\ufffd "
		    "\xC3\xA9\",\"file\":\"a\\\"\\\\b.sg\",\"line\":2,\"column\":1,\"end_line\":2,"
		    "\"end_column\":2,\"notes\":[{\"kind\":\"hint\",\"message\":\"h\"}]}]\n");
	}
END_TEST

static const char *
temporary_file(const char *bytes, size_t n)
{
	static char path[64];
	int fd;

	strcpy(path, "/tmp/check_base_XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	return path;
}

START_TEST(files_are_read_whole_or_refused)
	{
		sg_span none = {NULL, 0, 0};
		const char *path = temporary_file("a = 1\n", 6);
		const sg_source *src = sg_source_file(ctx, path, none);

		unlink(path);
		ck_assert_ptr_nonnull(src);
		ck_assert_str_eq(src->text, "a = 1\n");
		ck_assert_uint_eq(src->len, 6);
		path = temporary_file("a\0b", 3);
		ck_assert_ptr_null(sg_source_file(ctx, path, none));
		unlink(path);
		ck_assert_ptr_null(sg_source_file(ctx, "/tmp", none));
		ck_assert_uint_eq(sg_error_count(ctx), 1); /* same code, same place */
		sg_source_file(ctx, "no/such.sg", (sg_span){src, 0, 1});
		ck_assert_str_eq(sg_diag_at(ctx, 1)->message,
		                 "can't read 'no/such.sg': no such file");
	}
END_TEST

START_TEST(misspelt_names_find_their_neighbour)
	{
		static const char *const names[] = {"sigmoid", "softmax",   "sum",
		                                    "mean",    "logsumexp", "w"};
		size_t n = sizeof names / sizeof *names;

		ck_assert_str_eq(sg_did_you_mean("sigmiod", names, n), "sigmoid");
		ck_assert_str_eq(sg_did_you_mean("Softmax", names, n), "softmax");
		ck_assert_str_eq(sg_did_you_mean("logsumxp", names, n), "logsumexp");
		ck_assert_str_eq(sg_did_you_mean("maen", names, n), "mean");
		ck_assert_ptr_null(sg_did_you_mean("transpose", names, n));
		ck_assert_ptr_null(sg_did_you_mean("q", names, n));
		ck_assert_str_eq(sg_did_you_mean("W", names, n), "w");
		ck_assert_ptr_null(sg_did_you_mean("", names, n));
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_fault_is_caught_at_the_innermost_protect);
	tcase_add_test(t, recursion_a_million_deep_fits_and_its_end_is_seen);
	tcase_add_test(t, blocks_are_zero_aligned_and_apart);
	tcase_add_test(t, absurd_sizes_are_faults);
	tcase_add_test(t, each_allocation_may_fail_and_the_context_lives_on);
	tcase_add_test(t, products_and_sums_of_sizes_are_checked);
	tcase_add_test(t, equal_names_are_one_pointer);
	tcase_add_test(t, maps_find_what_was_put);
	tcase_add_test(t, formats_mean_what_they_mean_to_the_c_library);
	tcase_add_test(t, a_format_that_is_not_known_is_a_defect);
	tcase_add_test(t, numbers_are_written_as_python_does);
	tcase_add_test(t, random_bit_patterns_read_back_from_the_fewest_digits);
	tcase_add_test(t, powers_of_two_and_ten_read_back_from_the_fewest_digits);
	tcase_add_test(t, literals_are_read_as_the_c_library_reads_them);
	tcase_add_test(t, long_random_literals_are_read_as_the_c_library_reads_them);
	tcase_add_test(t, midpoints_go_to_the_even_double);
	tcase_add_test(t, malformed_numbers_are_refused);
	tcase_add_test(t, the_locale_does_not_matter);
	tcase_add_test(t, places_count_lines_and_code_points);
	tcase_add_test(t, places_are_right_far_into_a_source);
	tcase_add_test(t, a_diagnostic_shows_line_mark_note_and_hint);
	tcase_add_test(t, marks_stand_under_their_span);
	tcase_add_test(t, long_lines_are_shown_through_a_window);
	tcase_add_test(t, diagnostics_come_in_source_order_without_repetition);
	tcase_add_test(t, the_hundredth_error_is_the_last);
	tcase_add_test(t, json_escapes_and_places);
	tcase_add_test(t, files_are_read_whole_or_refused);
	tcase_add_test(t, misspelt_names_find_their_neighbour);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
