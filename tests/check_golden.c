/* check_golden.c - every block of the files in tests/golden, on every back end.
 *
 * golden/make_golden.py and make_workloads.py wrote the files and describe their form. A block is
 * one test for a back end: it compiles the model, makes its calls, and compares all outputs with
 * the recorded values.
 */
#include "claim.h"
#include "symgrad.h"
#include "whole_file.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BLOCKS = 2000, MAX_RANK = 8, MAX_ARGS = 32 };

typedef struct block {
	const char *file;
	int line;         /* of "model" or "file" */
	const char *name; /* of the model, or of its file */
	const char *text; /* of the model, up to "end"; NULL: it stands in a file */
	size_t size;
	char **call; /* its lines "call", "arg", "want", up to NULL */
} block;

typedef struct values {
	char *name;
	int rank;
	int64_t shape[MAX_RANK];
	int64_t count;
	double rtol, atol; /* of a want */
	double *v;
} values;

static const char *const files[] = {"elementwise", "activations", "reductions", "rows",
                                    "losses",      "linear",      "linalg",     "operators",
                                    "indexing",    "shapes",      "higher",     "edges",
                                    "nets",        "notebook",    "workloads"};
enum { NFILES = sizeof files / sizeof *files };
static size_t nblocks[NFILES];

/* ---- reading ---- */

static const char *
source_folder(void)
{
	const char *dir = getenv("srcdir");

	return dir != NULL ? dir : ".";
}

static char *
read_golden(const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/tests/golden/%s.txt", source_folder(), name);
	return read_all(path);
}

/* The next line, ended by NUL; *s moves behind it. NULL at the end. */
static char *
next_line(char **s)
{
	char *line = *s, *end;

	if (*line == '\0')
		return NULL;
	end = strchr(line, '\n');
	CLAIM(end != NULL, "a line without end");
	*end = '\0';
	*s = end + 1;
	return line;
}

static int
starts(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

/* The model's lines stay one text: only the calls are cut into lines. */
static char *
read_model(char *s, block *b, int *line)
{
	char *end = strstr(s, "\nend\n");

	ck_assert_msg(end != NULL, "%s:%d: no end", b->file, b->line);
	b->text = s;
	b->size = (size_t)(end + 1 - s);
	for (; s < end + 5; s++)
		*line += *s == '\n';
	return end + 5;
}

/* Blocks of one text into b; returns their number. lines has room for the text's lines. */
static size_t
read_blocks(const char *file, char *s, block *b, char **lines)
{
	size_t n = 0;
	int line = 0;
	char *l;

	while ((l = next_line(&s)) != NULL) {
		line++;
		if (*l == '#')
			continue;
		if (starts(l, "model ")) {
			*lines++ = NULL;
			b[n] = (block){.file = file, .line = line, .name = l + 6, .call = lines};
			s = read_model(s, &b[n++], &line);
		} else if (starts(l, "file ")) {
			*lines++ = NULL;
			b[n++] = (block){.file = file, .line = line, .name = l + 5, .call = lines};
		} else {
			*lines++ = l;
		}
	}
	*lines = NULL;
	return n;
}

static size_t
count_lines(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

/* "x 2x3 = 1 2 ...", with tolerances before '=' where the line is a want. */
static values
read_values(char *s, int is_want)
{
	values v = {.name = s, .count = 1};
	char *p = strchr(s, ' ');

	*p++ = '\0';
	if (*p == '-') {
		p++;
	} else {
		do {
			CLAIM(v.rank < MAX_RANK, "%s: a rank above %d", v.name, MAX_RANK);
			v.shape[v.rank] = strtoll(p + (*p == 'x'), &p, 10);
			v.count *= v.shape[v.rank++];
		} while (*p == 'x');
	}
	if (is_want) {
		v.rtol = strtod(p, &p);
		v.atol = strtod(p, &p);
	}
	p = strchr(p, '=') + 1;
	v.v = calloc((size_t)v.count + 1, sizeof *v.v);
	for (int64_t i = 0; i < v.count; i++)
		v.v[i] = strtod(p, &p);
	return v;
}

/* ---- calling ---- */

static sg_dtype
input_type(const sg_entry *e, const char *name)
{
	for (size_t i = 0; i < e->ninputs; i++)
		if (strcmp(e->args[i].name, name) == 0)
			return e->args[i].type;
	return SG_DTYPE_F64;
}

/* v in the type t, in place: no type is wider than double. */
static void
narrow(double *v, int64_t n, sg_dtype t)
{
	char *to = (char *)v;

	for (int64_t i = 0; i < n; i++, to += sg_dtype_size(t)) {
		double d = v[i];
		float f = (float)d;
		int64_t l = t == SG_DTYPE_I64 ? (int64_t)d : 0;
		int32_t k = t == SG_DTYPE_I32 ? (int32_t)d : 0;
		uint8_t b = d != 0;

		memcpy(to,
		       t == SG_DTYPE_F32   ? (const void *)&f
		       : t == SG_DTYPE_F64 ? (const void *)&d
		       : t == SG_DTYPE_I32 ? (const void *)&k
		       : t == SG_DTYPE_I64 ? (const void *)&l
		                           : (const void *)&b,
		       sg_dtype_size(t));
	}
}

/* Binds an input, or fixes a dimension. */
static int
give(sg_call *c, const values *v)
{
	const sg_dtype type = input_type(sg_call_entry(c), v->name);
	const double first = v->v[0];
	int status;

	narrow(v->v, v->count, type);
	status = sg_call_bind(c, v->name, type, v->rank, v->shape, v->v);
	return status == SG_ENAME ? sg_call_set_dim(c, v->name, (int64_t)first) : status;
}

static double
element(const sg_array *a, int64_t i)
{
	switch (a->type) {
	case SG_DTYPE_F32:
		return (double)((const float *)a->data)[i];
	case SG_DTYPE_F64:
		return ((const double *)a->data)[i];
	case SG_DTYPE_I32:
		return (double)((const int32_t *)a->data)[i];
	case SG_DTYPE_I64:
		return (double)((const int64_t *)a->data)[i];
	case SG_DTYPE_BOOL:
		return (double)((const uint8_t *)a->data)[i];
	case SG_DTYPE_NONE:
		break;
	}
	return NAN;
}

static int
close_to(double got, double want, const values *v)
{
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got);
	if (isinf(want) || isinf(got))
		return isinf(want) && isinf(got) && signbit(want) == signbit(got);
	return fabs(got - want) <= v->atol + v->rtol * fabs(want);
}

static void
compare(const block *b, const sg_array *got, const values *want)
{
	ck_assert_msg(got != NULL, "%s: %s has no output %s", b->file, b->name, want->name);
	ck_assert_msg(got->rank == want->rank, "%s: %s: %s has rank %d, not %d", b->file, b->name,
	              want->name, got->rank, want->rank);
	for (int k = 0; k < want->rank; k++)
		ck_assert_msg(got->shape[k] == want->shape[k],
		              "%s: %s: extent %d of %s is %lld, not %lld", b->file, b->name, k,
		              want->name, (long long)got->shape[k], (long long)want->shape[k]);
	for (int64_t i = 0; i < want->count; i++)
		CLAIM(close_to(element(got, i), want->v[i], want),
		      "%s: %s: %s at %lld is %.17g, not %.17g", b->file, b->name, want->name,
		      (long long)i, element(got, i), want->v[i]);
}

/* One "call" line and its args and wants; returns the line behind them. */
static char **
make_call(const block *b, sg_model *m, sg_backend backend, char **line)
{
	sg_call *c = sg_call_new(m, *line++ + 5, backend);
	double *data[MAX_ARGS];
	size_t n = 0;

	ck_assert_ptr_nonnull(c);
	ck_assert_msg(sg_call_status(c) == SG_OK, "%s: %s: %s", b->file, b->name,
	              sg_call_message(c));
	for (; *line != NULL && starts(*line, "arg "); line++) {
		values v = read_values(*line + 4, 0);

		ck_assert_uint_lt(n, MAX_ARGS);
		data[n++] = v.v;
		ck_assert_msg(give(c, &v) == SG_OK, "%s: %s: %s", b->file, b->name,
		              sg_call_message(c));
	}
	ck_assert_msg(sg_call_run(c) == SG_OK, "%s: %s: %s", b->file, b->name, sg_call_message(c));
	for (; *line != NULL && starts(*line, "want "); line++) {
		values v = read_values(*line + 5, 1);

		compare(b, sg_call_output(c, v.name), &v);
		free(v.v);
	}
	while (n > 0)
		free(data[--n]);
	sg_call_free(c);
	return line;
}

/* ---- the tests ---- */

static sg_model *
compile(const block *b)
{
	char path[4096];

	if (b->text != NULL)
		return sg_compile_string(b->name, b->text, b->size, NULL);
	snprintf(path, sizeof path, "%s/%s", source_folder(), b->name);
	return sg_compile_file(path, NULL);
}

static void
run_block(int i, sg_backend backend)
{
	block *blocks = calloc(MAX_BLOCKS, sizeof *blocks);
	char *text, **lines, **line;
	size_t k = (size_t)i, f = 0;
	sg_model *m;

	while (k >= nblocks[f])
		k -= nblocks[f++];
	/* The text is cut up by reading, so each test reads its own file again. */
	text = read_golden(files[f]);
	ck_assert_ptr_nonnull(text);
	lines = calloc(count_lines(text) + 2, sizeof *lines);
	ck_assert_uint_eq(read_blocks(files[f], text, blocks, lines), nblocks[f]);
	m = compile(&blocks[k]);
	ck_assert_ptr_nonnull(m);
	ck_assert_msg(sg_model_ok(m), "%s:%d: %s does not compile:\n%s", blocks[k].file,
	              blocks[k].line, blocks[k].name, sg_model_report(m, 0));
	for (line = blocks[k].call; *line != NULL;)
		line = make_call(&blocks[k], m, backend, line);
	sg_model_free(m);
	free(lines);
	free(text);
	free(blocks);
}

START_TEST(the_evaluator_gives_the_recorded_values)
	{
		run_block(_i, SG_BACKEND_INTERP);
	}
END_TEST

START_TEST(jit_code_gives_the_recorded_values)
	{
		run_block(_i, SG_BACKEND_JIT);
	}
END_TEST

START_TEST(code_of_the_c_compiler_gives_the_recorded_values)
	{
		run_block(_i, SG_BACKEND_CC);
	}
END_TEST

/* Counts what is in each file; the sum, or -1 when a file can't be read. */
static int
count_blocks(void)
{
	size_t n = 0;

	for (size_t f = 0; f < NFILES; f++) {
		char *text = read_golden(files[f]);

		if (text == NULL)
			return -1;
		for (const char *s = text; (s = strchr(s, '\n')) != NULL; s++)
			nblocks[f] += starts(s, "\nmodel ") || starts(s, "\nfile ");
		n += nblocks[f];
		free(text);
	}
	return (int)n;
}

int
main(void)
{
	Suite *s = suite_create("golden");
	TCase *interp = tcase_create("interp"), *jit = tcase_create("jit"),
	      *cc = tcase_create("cc");
	SRunner *r = srunner_create(s);
	int n = count_blocks(), failed;

	if (n < 0) {
		fputs("cannot read tests/golden; is srcdir set?\n", stderr);
		return EXIT_FAILURE;
	}
	tcase_set_timeout(interp, 60);
	tcase_set_timeout(jit, 60);
	tcase_set_timeout(cc, 60);
	suite_add_tcase(s, interp);
	suite_add_tcase(s, jit);
	suite_add_tcase(s, cc);
	tcase_add_loop_test(interp, the_evaluator_gives_the_recorded_values, 0, n);
	if (sg_have_jit())
		tcase_add_loop_test(jit, jit_code_gives_the_recorded_values, 0, n);
	/* Half a second a block: on request. */
	if (getenv("GOLDEN_CC") != NULL)
		tcase_add_loop_test(cc, code_of_the_c_compiler_gives_the_recorded_values, 0, n);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
