/* check_data.c - data files, values and their text: what the command reads and prints. */
#include "cli/cli.h"

#include "numpy_golden.h"

#include <check.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- values
 * -------------------------------------------------------------------------------------- */

/* What a VALUE becomes in a type, as JSON; or "! " and why not. */
static char *
read_as(const char *value, sg_dtype type)
{
	cli_text out = {0}, err = {0};
	cli_array a = {0};
	void *data = NULL;

	if (cli_value_parse(value, "x", &a, &err)) {
		data = cli_array_as(&a, type, &err);
	}
	if (data) {
		cli_json(&out, &(cli_view){type, a.rank, a.extent, data});
	} else {
		cli_printf(&out, "! %s", cli_str(&err));
	}
	free(data);
	cli_array_free(&a);
	cli_text_free(&err);
	return out.s;
}

typedef struct value_row {
	const char *value;
	sg_dtype type;
	const char *want;
} value_row;

static void
check_values(const value_row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *got = read_as(row[i].value, row[i].type);

		ck_assert_msg(strcmp(got, row[i].want) == 0, "%s gives\n  %s, not\n  %s",
		              row[i].value, got, row[i].want);
		free(got);
	}
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

START_TEST(numbers_and_lists_are_read)
	{
		static const value_row rows[] = {
		    {"3", SG_DTYPE_F64, "3"},
		    {" 3.5 ", SG_DTYPE_F64, "3.5"},
		    {"-1e-3", SG_DTYPE_F64, "-0.001"},
		    {"+2", SG_DTYPE_I32, "2"},
		    {".5", SG_DTYPE_F64, "0.5"},
		    {"0x1p-4", SG_DTYPE_F64, "0.0625"},
		    {"-0", SG_DTYPE_F64, "-0.0"},
		    {"nan", SG_DTYPE_F64, "\"nan\""},
		    {"-Infinity", SG_DTYPE_F32, "\"-inf\""},
		    {"\"inf\"", SG_DTYPE_F64, "\"inf\""},
		    {"[1, \"nan\", \"-inf\"]", SG_DTYPE_F64, "[1, \"nan\", \"-inf\"]"},
		    {"true", SG_DTYPE_BOOL, "true"},
		    {"[true, False, 1, 0.0]", SG_DTYPE_BOOL, "[true, false, true, false]"},
		    {"[true, 2]", SG_DTYPE_F64, "[1, 2]"},
		    {"[[1,2],[3,4],[5,6]]", SG_DTYPE_I64, "[[1, 2], [3, 4], [5, 6]]"},
		    {"[]", SG_DTYPE_F64, "[]"},
		    {"[[], []]", SG_DTYPE_F64, "[[], []]"},
		    {"[[[[[[[[1]]]]]]]]", SG_DTYPE_F64, "[[[[[[[[1]]]]]]]]"},
		    {"0.1", SG_DTYPE_F32, "0.1"},
		    {"9007199254740993", SG_DTYPE_I64, "9007199254740993"},
		    {"9223372036854775807", SG_DTYPE_I64, "9223372036854775807"},
		    {"-9223372036854775808", SG_DTYPE_I64, "-9223372036854775808"},
		    {"3.0", SG_DTYPE_I32, "3"},
		    {"-2147483648", SG_DTYPE_I32, "-2147483648"},
		    {"3.40282356779733e38", SG_DTYPE_F32, "3.4028235e+38"},
		};

		check_values(rows, COUNT(rows));
	}
END_TEST

START_TEST(what_does_not_fit_is_an_error)
	{
		static const value_row rows[] = {
		    {"3.5", SG_DTYPE_I32, "! 3.5 is not an i32"},
		    {"nan", SG_DTYPE_I64, "! nan is not an i64"},
		    {"[1, 2.5]", SG_DTYPE_I64, "! element [1] is 2.5 and so not an i64"},
		    {"[[1, 2], [3, 3000000000]]", SG_DTYPE_I32,
		     "! element [1, 1] is 3000000000 and so out of range for an i32"},
		    {"9223372036854775808", SG_DTYPE_I64,
		     "! 9.223372036854776e+18 is out of range for an i64"},
		    {"1e39", SG_DTYPE_F32, "! 1e+39 is out of range for an f32"},
		    {"2", SG_DTYPE_BOOL, "! 2 is not a bool"},
		    {"[0.5]", SG_DTYPE_BOOL, "! element [0] is 0.5 and so not a bool"},
		};

		check_values(rows, COUNT(rows));
	}
END_TEST

START_TEST(malformed_values_are_errors)
	{
		static const value_row rows[] = {
		    {"", SG_DTYPE_F64, "! expected a number, found the end"},
		    {"abc", SG_DTYPE_F64, "! expected a number, found 'abc' at character 1"},
		    {"1e999", SG_DTYPE_F64,
		     "! '1e999' is beyond the range of f64; infinity is written \"inf\""},
		    {"1,2", SG_DTYPE_F64, "! expected nothing more, found ',2' at character 2"},
		    {"[1, 2", SG_DTYPE_F64, "! expected ',' or ']', found the end"},
		    {"[1 2]", SG_DTYPE_F64, "! expected ',' or ']', found '2]' at character 4"},
		    {"[1,]", SG_DTYPE_F64, "! expected a number, found ']' at character 4"},
		    {"[[1], 2]", SG_DTYPE_F64,
		     "! expected a list as beside it, found '2]' at character 7"},
		    {"[1, [2]]", SG_DTYPE_F64,
		     "! expected a number as beside it, found '[2]]' at character 5"},
		    {"[[1, 2], [3]]", SG_DTYPE_F64,
		     "! expected lists of equal lengths, found 1 beside 2 before character 13"},
		    {"[[], [3]]", SG_DTYPE_F64,
		     "! expected lists of equal lengths, found 1 beside 0 before character 9"},
		    {"[[[[[[[[[1]]]]]]]]]", SG_DTYPE_F64,
		     "! expected lists nested at most 8 deep, found more"},
		    {"\"abc\"", SG_DTYPE_F64,
		     "! expected a number (\"nan\", \"inf\" and \"-inf\" are the only strings), "
		     "found "
		     "'\"abc\"' at character 1"},
		    {"@/no/such.npy", SG_DTYPE_F64,
		     "! cannot read '/no/such.npy': No such file or directory"},
		    {"@/", SG_DTYPE_F64, "! cannot read '/': it is a folder"},
		};

		check_values(rows, COUNT(rows));
	}
END_TEST

/* ---- tables
 * ----------------------------------------------------------------------------------------- */

/* What was read as f64 JSON, or "! " and why not. Frees both. */
static char *
take_read(bool ok, cli_array *a, cli_text *err)
{
	cli_text out = {0};

	if (ok) {
		void *data = cli_array_as(a, SG_DTYPE_F64, err);

		cli_json(&out, &(cli_view){SG_DTYPE_F64, a->rank, a->extent, data});
		free(data);
	} else {
		cli_printf(&out, "! %s", cli_str(err));
	}
	cli_array_free(a);
	cli_text_free(err);
	return out.s;
}

static char *
read_table(const char *text, const char *column)
{
	cli_text err = {0};
	cli_array a;
	const bool ok = cli_csv_parse("t.csv", text, strlen(text), column, &a, &err);

	return take_read(ok, &a, &err);
}

START_TEST(tables_are_read)
	{
		static const struct {
			const char *text, *column, *want;
		} rows[] = {
		    {"1,2\n3,4\n", NULL, "[[1, 2], [3, 4]]"},
		    {"a,b\n1,2\n3,4", NULL, "[[1, 2], [3, 4]]"},
		    {"\xef\xbb\xbf\"a b\",c\r\n1.5,-2e3\r\n\r\n", NULL, "[[1.5, -2000]]"},
		    {"x;y\n1;2\n", NULL, "[[1, 2]]"},
		    {"1\t2\n3\t4\n", NULL, "[[1, 2], [3, 4]]"},
		    {"# made by hand\n  1   2 \n 3 4\n", NULL, "[[1, 2], [3, 4]]"},
		    {"1\n2\n3\n", NULL, "[[1], [2], [3]]"},
		    {"nan,inf,-inf,true\n", NULL, "[[\"nan\", \"inf\", \"-inf\", 1]]"},
		    {"\"1\",\" 2 \"\n", NULL, "[[1, 2]]"},
		    {"a,b\n1,2\n3,4\n", "b", "[2, 4]"},
		    {"1,2\n3,4\n", "1", "[1, 3]"},
		    {"a,b\n", NULL, "[]"},
		    {"", NULL, "! t.csv: expected rows of numbers, found none"},
		    {"# nothing\n", NULL, "! t.csv: expected rows of numbers, found none"},
		    {"1,2\n3\n", NULL, "! t.csv:2: expected 2 cells as in line 1, found 1"},
		    {"a\n\n1\n2,3\n", NULL,
		     "! t.csv:4: expected a number in column 1, found '2,3'"},
		    {"1,2\n3,x\n", NULL, "! t.csv:2: expected a number in column 2, found 'x'"},
		    {"1,2\n,4\n", NULL, "! t.csv:2: expected a number in column 1, found nothing"},
		    {"1,NA\n3,4\n", NULL,
		     "! t.csv:1: expected a number in column 2, found 'NA' (a header has no number in it)"},
		    {"1,NA\n3,4\n", "1", "[1, 3]"},
		    {"1,2,\n", NULL, "! t.csv:1: expected a number in column 3, found nothing"},
		    {"a,b\n1,2\n", "c", "! t.csv: expected a column named 'c', found a, b"},
		    {"1,2\n", "c",
		     "! t.csv: expected a column named 'c', found 2 columns without a header"},
		};

		for (size_t i = 0; i < COUNT(rows); i++) {
			char *got = read_table(rows[i].text, rows[i].column);

			ck_assert_msg(strcmp(got, rows[i].want) == 0,
			              "row %zu gives\n  %s, not\n  %s", i, got, rows[i].want);
			free(got);
		}
	}
END_TEST

START_TEST(a_table_fits_the_rank_that_is_wanted)
	{
		cli_array column = {.table = true, .rank = 2, .extent = {3, 1}, .count = 3};
		cli_array row = {.table = true, .rank = 2, .extent = {1, 3}, .count = 3};
		cli_array cell = {.table = true, .rank = 2, .extent = {1, 1}, .count = 1};
		cli_array list = {.table = true, .rank = 1, .extent = {3}, .count = 3};
		cli_array json = {.rank = 2, .extent = {3, 1}, .count = 3};

		cli_array_fit_rank(&column, 1);
		cli_array_fit_rank(&row, 1);
		cli_array_fit_rank(&cell, 0);
		cli_array_fit_rank(&list, 2);
		cli_array_fit_rank(&json, 1);
		ck_assert(column.rank == 1 && column.extent[0] == 3);
		ck_assert(row.rank == 1 && row.extent[0] == 3);
		ck_assert_int_eq(cell.rank, 0);
		ck_assert(list.rank == 2 && list.extent[0] == 3 && list.extent[1] == 1);
		ck_assert_int_eq(json.rank, 2);
	}
END_TEST

/* ---- .npy
 * ---------------------------------------------------------------------------------------------- */

/* A .npy file of version 1 with this header and data. */
static cli_text
npy(const char *header, const void *data, size_t n)
{
	cli_text t = {0};
	size_t len = strlen(header);

	cli_write(&t, "\x93NUMPY\1\0", 8);
	cli_putc(&t, (char)(len & 255));
	cli_putc(&t, (char)(len >> 8));
	cli_puts(&t, header);
	cli_write(&t, data, n);
	return t;
}

static char *
parse_npy(const char *bytes, size_t n)
{
	cli_text out = {0}, err = {0};
	cli_array a;

	if (cli_npy_parse("a.npy", bytes, n, &a, &err)) {
		sg_dtype type = a.kind == CLI_REAL  ? SG_DTYPE_F64
		                : a.kind == CLI_INT ? SG_DTYPE_I64
		                                    : SG_DTYPE_BOOL;
		void *data = cli_array_as(&a, type, &err);

		cli_json(&out, &(cli_view){type, a.rank, a.extent, data});
		free(data);
	} else {
		cli_printf(&out, "! %s", cli_str(&err));
	}
	cli_array_free(&a);
	cli_text_free(&err);
	return out.s;
}

/* Bytes by hand, from the format's description and IEEE 754. */
START_TEST(npy_of_each_type_and_order)
	{
		static const struct {
			const char *descr, *shape, *order, *bytes;
			size_t n;
			const char *want;
		} rows[] = {
		    {"<f8", "()", "False", "\0\0\0\0\0\0\xf8\x3f", 8, "1.5"},
		    {">f8", "(1,)", "False", "\x3f\xf8\0\0\0\0\0\0", 8, "[1.5]"},
		    {"<f4", "(2,)", "False", "\0\0\x80\x3f\0\0\x80\x7f", 8, "[1, \"inf\"]"},
		    {">f4", "(1, 1)", "False", "\xc0\0\0\0", 4, "[[-2]]"},
		    {"<f2", "(6,)", "False", "\0\x3c\1\0\xff\x7b\0\xfc\1\x7e\0\x80", 12,
		     "[1, 5.960464477539063e-08, 65504, \"-inf\", \"nan\", -0.0]"},
		    {">f2", "(1,)", "False", "\x3c\0", 2, "[1]"},
		    {"|i1", "(2,)", "False", "\xff\x7f", 2, "[-1, 127]"},
		    {"|u1", "(2,)", "False", "\xff\x7f", 2, "[255, 127]"},
		    {"<i2", "(1,)", "False", "\xfe\xff", 2, "[-2]"},
		    {">u2", "(1,)", "False", "\xff\xfe", 2, "[65534]"},
		    {"<i4", "(1,)", "False", "\0\0\0\x80", 4, "[-2147483648]"},
		    {"<u4", "(1,)", "False", "\0\0\0\x80", 4, "[2147483648]"},
		    {"<i8", "(1,)", "False", "\0\0\0\0\0\0\0\x80", 8, "[-9223372036854775808]"},
		    {"<u8", "(2,)", "False", "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16, "[1, 2]"},
		    {"<u8", "(1,)", "False", "\0\0\0\0\0\0\0\x80", 8, "[9.223372036854776e+18]"},
		    {"|b1", "(2, 1)", "False", "\1\0", 2, "[[true], [false]]"},
		    {"|i1", "(2, 3)", "True", "\1\4\2\5\3\6", 6, "[[1, 2, 3], [4, 5, 6]]"},
		    {"|i1", "(2, 3)", "False", "\1\2\3\4\5\6", 6, "[[1, 2, 3], [4, 5, 6]]"},
		    {"|i1", "(1, 2, 2)", "True", "\1\3\2\4", 4, "[[[1, 2], [3, 4]]]"},
#if LDBL_MANT_DIG == 64 /* x87: what fills up the 16 bytes is left to chance; bytes by NumPy 2 */
		    {"<f16", "(6,)", "False",
		     "\000\000\000\000\000\000\000\300\377\077\241\006\374\177\000\000"
		     "\315\314\314\314\314\314\314\314\373\277\241\006\374\177\000\000"
		     "\000\000\000\000\000\000\000\200\377\177\241\006\374\177\000\000"
		     "\346\371\237\313\310\077\166\332\057\105\241\006\374\177\000\000"
		     "\365\275\004\312\112\211\346\334\372\273\241\006\374\177\000\000"
		     "\000\000\000\000\000\000\000\000\000\000\067\165\203\177\000\000", 96,
		     "[1.5, -0.1, \"inf\", \"inf\", -3e-310, 0]"},
		    {">f16", "(2,)", "False",
		     "\000\000\177\374\006\241\077\377\300\000\000\000\000\000\000\000"
		     "\000\000\177\374\006\241\277\373\314\314\314\314\314\314\314\315", 32, "[1.5, -0.1]"},
#endif
		    {"<f8", "(0, 3)", "False", "", 0, "[]"},
		    {"<f8", "(3, 0)", "True", "", 0, "[[], [], []]"},
		};

		for (size_t i = 0; i < COUNT(rows); i++) {
			char header[128], *got;
			cli_text t;

			snprintf(header, sizeof header,
			         "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }   \n",
			         rows[i].descr, rows[i].order, rows[i].shape);
			t = npy(header, rows[i].bytes, rows[i].n);
			got = parse_npy(t.s, t.n);
			ck_assert_msg(strcmp(got, rows[i].want) == 0, "%s %s gives %s, not %s",
			              rows[i].descr, rows[i].shape, got, rows[i].want);
			free(got);
			cli_text_free(&t);
		}
	}
END_TEST

START_TEST(npy_headers_come_in_other_forms)
	{
		static const char *const headers[] = {
		    "{\"shape\":(2L,),\"descr\":\"|i1\",\"fortran_order\":False}",
		    "{ 'fortran_order' : True , 'shape' : ( 2 , ) , 'descr' : 'i1' }\n",
		};
		static const char wide[] =
		    "\x93NUMPY\2\0\72\0\0\0"
		    "{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }\n"
		    "\1\2";
		char *got;

		for (size_t i = 0; i < COUNT(headers); i++) {
			cli_text t = npy(headers[i], "\1\2", 2);

			got = parse_npy(t.s, t.n);
			ck_assert_str_eq(got, "[1, 2]");
			free(got);
			cli_text_free(&t);
		}
		got = parse_npy(wide, sizeof wide - 1);
		ck_assert_str_eq(got, "[1, 2]");
		free(got);
	}
END_TEST

#define HEADER(descr, shape) "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }"

START_TEST(hostile_npy_is_an_error)
	{
		static const struct {
			const char *header, *want;
		} rows[] = {
		    {HEADER("<f8", "(3,)"),
		     "! a.npy: expected 24 bytes of data for the shape [3] of <f8, found 8"},
		    {HEADER("<f8", "()") "", NULL},
		    {HEADER("<f4", "()"),
		     "! a.npy: expected 4 bytes of data for the shape [] of <f4, "
		     "found 8"},
		    {HEADER("<f8", "(4611686018427387904, 4611686018427387904)"),
		     "! a.npy: expected data for the shape [4611686018427387904, "
		     "4611686018427387904] of "
		     "<f8, which no memory holds, found 8 bytes"},
		    {HEADER("<f8", "(2305843009213693953,)"),
		     "! a.npy: expected data for the shape [2305843009213693953] of <f8, which no "
		     "memory "
		     "holds, found 8 bytes"},
		    {HEADER("<f8", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"),
		     "! a.npy: expected at most 8 axes, found more"},
		    {HEADER("<c16", "()"), "! a.npy: expected elements of type f2 f4 f8 f16 i1 i2 i4 "
		                           "i8 u1 u2 u4 u8 or b1, found "
		                           "'<c16' (complex numbers)"},
		    {HEADER("|O", "()"), "! a.npy: expected elements of type f2 f4 f8 f16 i1 i2 i4 i8 "
		                         "u1 u2 u4 u8 or b1, found "
		                         "'|O'"},
		    {HEADER("<U4", "()"), "! a.npy: expected elements of type f2 f4 f8 f16 i1 i2 i4 i8 "
		                          "u1 u2 u4 u8 or b1, found "
		                          "'<U4'"},
		    {HEADER("<f3", "()"), "! a.npy: expected elements of type f2 f4 f8 f16 i1 i2 i4 i8 "
		                          "u1 u2 u4 u8 or b1, found "
		                          "'<f3'"},
		    {HEADER("", "()"), "! a.npy: expected elements of type f2 f4 f8 f16 i1 i2 i4 i8 u1 "
		                       "u2 u4 u8 or b1, found "
		                       "''"},
		    {"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (), }",
		     "! a.npy: expected numbers, found records"},
		    {HEADER("<f8", "(-1,)"), "! a.npy: expected a header {'descr': .., "
		                             "'fortran_order': .., 'shape': ..}, found "
		                             "''shape': (-1,), }'"},
		    {HEADER("<f8", "(99999999999999999999,)"),
		     "! a.npy: expected a header {'descr': .., 'fortran_order': .., 'shape': ..}, "
		     "found "
		     "''shape': (99999999999999999999,), }'"},
		    {"{'descr': '<f8'}", "! a.npy: expected a header {'descr': .., "
		                         "'fortran_order': .., 'shape': ..}, found "
		                         "'{'descr': '<f8'}'"},
		    {"{'descr': '<f8", "! a.npy: expected a header {'descr': .., 'fortran_order': "
		                       ".., 'shape': ..}, found "
		                       "''descr': '<f8'"},
		    {"",
		     "! a.npy: expected a header {'descr': .., 'fortran_order': .., 'shape': ..}, "
		     "found ''"},
		};

		for (size_t i = 0; i < COUNT(rows); i++) {
			cli_text t = npy(rows[i].header, "\0\0\0\0\0\0\xf8\x3f", 8);
			char *got = parse_npy(t.s, t.n);
			const char *want = rows[i].want ? rows[i].want : "1.5";

			ck_assert_msg(strcmp(got, want) == 0, "%s gives\n  %s, not\n  %s",
			              rows[i].header, got, want);
			free(got);
			cli_text_free(&t);
		}
	}
END_TEST

START_TEST(every_truncation_of_an_npy_file_is_an_error)
	{
		cli_text t = npy(HEADER("<f8", "(1,)"), "\0\0\0\0\0\0\xf8\x3f", 8);

		for (size_t n = 0; n < t.n; n++) {
			char *part =
			    malloc(n ? n : 1); /* of exactly this size, for the sanitizers */
			char *got;

			memcpy(part, t.s, n);
			got = parse_npy(part, n);
			ck_assert_msg(strncmp(got, "! a.npy: expected", 17) == 0,
			              "%zu bytes give %s", n, got);
			free(got);
			free(part);
		}
		cli_text_free(&t);
	}
END_TEST

/* ---- .npz
 * ------------------------------------------------------------------------------------------------
 */

/* Two members, x and y. */
static cli_text
archive(void)
{
	static const double x[] = {1, 2.5, 3};
	static const int32_t y[] = {7};
	static const int64_t extent[] = {3};
	static const char *const name[] = {"x", "y"};
	const cli_view view[] = {
	    {SG_DTYPE_F64, 1, extent, x},
	    {SG_DTYPE_I32, 0, NULL, y},
	};
	cli_text t = {0};

	cli_npz_write(&t, 2, name, view);
	return t;
}

static char *
parse_npz(const char *bytes, size_t n, const char *name, const char *input)
{
	cli_text err = {0};
	cli_array a;
	const bool ok = cli_npz_parse("a.npz", bytes, n, name, input, &a, &err);

	return take_read(ok, &a, &err);
}

START_TEST(what_is_written_as_npz_reads_back)
	{
		static const struct {
			const char *name, *input, *want;
		} rows[] = {
		    {"x", "w", "[1, 2.5, 3]"},
		    {"x.npy", "w", "[1, 2.5, 3]"},
		    {NULL, "y", "7"},
		    {"z", "x", "! a.npz: expected an array named 'z', found x, y"},
		    {NULL, "z", "! a.npz: expected an array named 'z', found x, y"},
		};
		cli_text t = archive();

		for (size_t i = 0; i < COUNT(rows); i++) {
			char *got = parse_npz(t.s, t.n, rows[i].name, rows[i].input);

			ck_assert_str_eq(got, rows[i].want);
			free(got);
		}
		cli_text_free(&t);
	}
END_TEST

START_TEST(deflated_members_are_read)
	{
		char *got = parse_npz((const char *)deflated, sizeof deflated, NULL, "x");

		ck_assert_str_eq(got, "[1.5, -2, 0.25]");
		free(got);
	}
END_TEST

/* Every byte in turn is damaged, and every end cut off: an error or a right answer, never a crash.
 */
static void
damage(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *copy = malloc(n), *got;

		memcpy(copy, bytes, n);
		copy[i] = (char)(copy[i] ^ 0xff);
		got = parse_npz(copy, n, "x", "x");
		free(got);
		copy[i] = (char)(copy[i] ^ 0x81);
		got = parse_npz(copy, n, NULL, "y");
		free(got);
		free(copy);
		copy = malloc(i ? i : 1);
		memcpy(copy, bytes, i);
		got = parse_npz(copy, i, "x", "x");
		ck_assert_int_eq(got[0], '!');
		free(got);
		free(copy);
	}
}

START_TEST(a_damaged_npz_never_crashes)
	{
		cli_text t = archive();

		damage(t.s, t.n);
		damage((const char *)deflated, sizeof deflated);
		cli_text_free(&t);
	}
END_TEST

START_TEST(a_changed_element_is_found_by_the_checksum)
	{
		cli_text t = archive();
		char *got;
		size_t i = 0;

		while (memcmp(t.s + i, "\0\0\0\0\0\0\x04\x40", 8) != 0) { /* 2.5 */
			i++;
		}
		t.s[i] = 1;
		got = parse_npz(t.s, t.n, "x", "x");
		ck_assert(strncmp(got, "! a.npz: expected the checksum ", 31) == 0);
		free(got);
		cli_text_free(&t);
	}
END_TEST

/* ---- printing
 * ------------------------------------------------------------------------------------------------
 */

START_TEST(tensors_print_as_numpy_prints_them)
	{
		for (size_t i = 0; i < COUNT(numpy_rows); i++) {
			const numpy_row *r = &numpy_rows[i];
			cli_text out = {0}, err = {0};
			cli_array a;
			void *data;

			ck_assert_msg(cli_value_parse(r->value, "x", &a, &err), "%s",
			              cli_str(&err));
			data = cli_array_as(&a, r->type, &err);
			ck_assert_msg(data != NULL, "%s", cli_str(&err));
			cli_print(&out, &(cli_view){r->type, a.rank, a.extent, data}, 0);
			ck_assert_msg(strcmp(cli_str(&out), r->want) == 0, "%s gives\n%s\nnot\n%s",
			              r->value, cli_str(&out), r->want);
			free(data);
			cli_array_free(&a);
			cli_text_free(&out);
		}
	}
END_TEST

/* print(np.arange(1001).reshape(7, 11, 13)) and print(np.arange(1001.0) / 8), numpy 2.4.6 */
START_TEST(more_than_1000_elements_are_summarised)
	{
		static const char line[] = "[  0.      0.125   0.25  ... 124.75  124.875 125.   ]";
		int64_t extent[] = {7, 11, 13}, n = 1001, *i64 = malloc(1001 * sizeof *i64);
		double *f64 = malloc(1001 * sizeof *f64);
		cli_text out = {0};

		for (int i = 0; i < 1001; i++) {
			i64[i] = i;
			f64[i] = i / 8.0;
		}
		cli_print(&out, &(cli_view){SG_DTYPE_I64, 3, extent, i64}, 0);
		ck_assert_str_eq(out.s, cube);
		out.n = 0;
		cli_print(&out, &(cli_view){SG_DTYPE_F64, 1, &n, f64}, 0);
		ck_assert_str_eq(out.s, line);
		cli_text_free(&out);
		free(i64);
		free(f64);
	}
END_TEST

START_TEST(further_rows_stand_under_the_first)
	{
		static const double x[] = {1, 2, 3, 4};
		static const int64_t extent[] = {2, 2};
		cli_text out = {0};

		cli_puts(&out, "grad_w = ");
		cli_print(&out, &(cli_view){SG_DTYPE_F64, 2, extent, x}, 9);
		ck_assert_str_eq(out.s, "grad_w = [[1. 2.]\n          [3. 4.]]");
		cli_text_free(&out);
	}
END_TEST

/* ---- files
 * ------------------------------------------------------------------------------------------------------
 */

START_TEST(several_files_are_written_all_or_none)
	{
		char folder[] = "/tmp/check-data-XXXXXX";
		char a[64], b[64];
		cli_text err = {0}, back = {0};
		cli_out out[2];

		ck_assert(mkdtemp(folder) != NULL);
		snprintf(a, sizeof a, "%s/a", folder);
		snprintf(b, sizeof b, "%s/no/b", folder);
		out[0] = (cli_out){.path = a, .bytes = "one", .n = 3};
		out[1] = (cli_out){.path = b, .bytes = "two", .n = 3};
		ck_assert(!cli_write_files(out, 2, &err));
		ck_assert(strstr(err.s, "/no/b': No such file or directory") != NULL);
		ck_assert(!cli_is_file(a));
		err.n = 0;
		ck_assert(cli_write_files(out, 1, &err));
		ck_assert(cli_read_file(a, &back, &err));
		ck_assert_str_eq(back.s, "one");
		ck_assert_int_eq(unlink(a), 0);
		ck_assert_msg(rmdir(folder) == 0, "something else was left in the folder");
		cli_text_free(&err);
		cli_text_free(&back);
	}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("data");
	TCase *t = tcase_create("data");

	tcase_add_test(t, numbers_and_lists_are_read);
	tcase_add_test(t, what_does_not_fit_is_an_error);
	tcase_add_test(t, malformed_values_are_errors);
	tcase_add_test(t, tables_are_read);
	tcase_add_test(t, a_table_fits_the_rank_that_is_wanted);
	tcase_add_test(t, npy_of_each_type_and_order);
	tcase_add_test(t, npy_headers_come_in_other_forms);
	tcase_add_test(t, hostile_npy_is_an_error);
	tcase_add_test(t, every_truncation_of_an_npy_file_is_an_error);
	tcase_add_test(t, what_is_written_as_npz_reads_back);
	tcase_add_test(t, deflated_members_are_read);
	tcase_add_test(t, a_damaged_npz_never_crashes);
	tcase_add_test(t, a_changed_element_is_found_by_the_checksum);
	tcase_add_test(t, tensors_print_as_numpy_prints_them);
	tcase_add_test(t, more_than_1000_elements_are_summarised);
	tcase_add_test(t, further_rows_stand_under_the_first);
	tcase_add_test(t, several_files_are_written_all_or_none);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
