/* check_front.c - every model of tests/err gives exactly the messages that stand beside it.
 *
 * err/NAME.sg is a model with mistakes, err/NAME.err the messages to the letter, as the command prints
 * them in a terminal without colours. The first line of a model may hold options: "# --real=f32" or
 * "# --dim=N=3". With UPDATE=1 in the environment the .err files are written instead: read them before
 * they are committed. */
#include "front/front.h"
#include "pass/pass.h"
#include "whole_file.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CASES = 400, MAX_FIXED = 4 };

static const char *
folder(void)
{
	static char path[4096];
	const char *dir = getenv("srcdir");

	snprintf(path, sizeof path, "%s/tests/err", dir != NULL ? dir : ".");
	return path;
}

/* ---- the cases ---- */

typedef struct cases {
	char *name[MAX_CASES]; /* without ".sg", in order */
	int n;
} cases;

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static cases
read_cases(void)
{
	cases c = {.n = 0};
	DIR *d = opendir(folder());

	for (struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) {
		const size_t n = strlen(f->d_name);

		if (n < 4 || strcmp(f->d_name + n - 3, ".sg") != 0 || c.n == MAX_CASES)
			continue;
		c.name[c.n] = calloc(1, n);
		if (c.name[c.n] != NULL)
			memcpy(c.name[c.n++], f->d_name, n - 3);
	}
	if (d != NULL)
		closedir(d);
	qsort(c.name, (size_t)c.n, sizeof c.name[0], by_name);
	return c;
}

static void
free_cases(cases *c)
{
	for (int i = 0; i < c->n; i++)
		free(c->name[i]);
}

/* ---- compiling ---- */

typedef struct job {
	sg_ctx *ctx;
	const char *path, *text; /* text NULL: that of the file */
} job;

static void
read_options(sg_ctx *ctx, const sg_source *src, sg_front_options *o)
{
	static const char *name[MAX_FIXED];
	static int64_t value[MAX_FIXED];
	const char *p = src->text, *end = p + strcspn(p, "\n");

	o->fix_name = name;
	o->fix_value = value;
	for (; *p == '#' && (p = strstr(p, "--")) != NULL && p < end; p += 2) {
		const size_t n = strcspn(p, " \n");

		if (strncmp(p, "--real=", 7) == 0) {
			o->has_real = true;
			o->real = strncmp(p + 7, "f32", 3) == 0 ? SG_F32 : SG_F64;
		} else if (strncmp(p, "--dim=", 6) == 0 && o->nfix < MAX_FIXED) {
			const char *equals = memchr(p + 6, '=', n - 6);

			ck_assert_ptr_nonnull(equals);
			name[o->nfix] = sg_intern(ctx, p + 6, (size_t)(equals - p) - 6);
			value[o->nfix++] = atoll(equals + 1);
		}
		p = end - 2;
	}
}

static void
compile(void *arg)
{
	job *j = arg;
	sg_front_options o = {.nfix = 0};
	const sg_source *src =
	    j->text != NULL ? sg_source_text(j->ctx, j->path, j->text, strlen(j->text))
	                    : sg_source_file(j->ctx, j->path, (sg_span){.src = NULL});
	sg_program *p;

	if (src == NULL)
		return;
	read_options(j->ctx, src, &o);
	if ((p = sg_front(j->ctx, src, &o)) == NULL)
		return;
	sg_derive(j->ctx, p);
	sg_clean(j->ctx, p, false);
	sg_graph_check(p->g);
}

/* The messages, in the arena. */
static const char *
messages(sg_ctx *ctx, const char *path, const char *text)
{
	job j = {.ctx = ctx, .path = path, .text = text};
	sg_buf b;

	ck_assert_msg(sg_protect(ctx, compile, &j) == 0, "%s: %s", path, sg_fault_text(ctx));
	sg_buf_init(&b, ctx);
	sg_diags_text(ctx, &b, false);
	return sg_buf_text(&b);
}

static void
update(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* ---- tests ---- */

START_TEST(messages_are_as_recorded)
{
	cases c = read_cases();
	sg_ctx *ctx = sg_ctx_new();
	char path[300], *want;
	const char *got;

	ck_assert_int_gt(c.n, _i);
	ck_assert_int_eq(chdir(folder()), 0);
	snprintf(path, sizeof path, "%s.sg", c.name[_i]);
	got = messages(ctx, path, NULL);
	snprintf(path, sizeof path, "%s.err", c.name[_i]);
	if (getenv("UPDATE") != NULL)
		update(path, got);
	want = read_all(path);
	ck_assert_msg(want != NULL, "%s is not there", path);
	ck_assert_msg(strcmp(got, want) == 0, "%s\n---- got:\n%s---- wanted:\n%s", path, got, want);
	free(want);
	sg_ctx_free(ctx);
	free_cases(&c);
}
END_TEST

/* Codes that only the library and the command give, or that need a text made by a program. */
static bool
is_elsewhere(const char *code)
{
	static const char *const codes[] = {"unknown-entry",    "prefix",      "nested-too-deeply",
	                                    "casadi-dimension", "casadi-name", "step",
	                                    "no-loss"};

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

START_TEST(every_code_has_a_case)
{
	cases c = read_cases();
	size_t n;
	const char *const *code = sg_codes(&n);
	char path[8192], word[100];

	for (size_t k = 0; k < n; k++) {
		bool found = is_elsewhere(code[k]);

		snprintf(word, sizeof word, " [%s]\n", code[k]);
		for (int i = 0; i < c.n && !found; i++) {
			char *text;

			snprintf(path, sizeof path, "%s/%s.err", folder(), c.name[i]);
			text = read_all(path);
			found = text != NULL && strstr(text, word) != NULL;
			free(text);
		}
		ck_assert_msg(found, "no case has the code %s", code[k]);
		ck_assert_ptr_nonnull(sg_explain(code[k]));
	}
	free_cases(&c);
}
END_TEST

/* What stands in front of n opening brackets and behind the closing ones. */
static char *
nested(const char *open, const char *close, int n)
{
	const size_t a = strlen(open), b = strlen(close), size = (a + b) * (size_t)n;
	char *s = calloc(1, size + 40), *p = s + 4;

	ck_assert_ptr_nonnull(s);
	memcpy(s, "y = ", 4);
	for (int i = 0; i < n; i++, p += a)
		memcpy(p, open, a);
	*p++ = '1';
	for (int i = 0; i < n; i++, p += b)
		memcpy(p, close, b);
	memcpy(p, "\noutput y\n", 11);
	return s;
}

START_TEST(what_nests_too_deeply_is_told_once)
{
	static const struct {
		const char *open, *close;
		int n;
	} form[] = {{"(", ")", 300000}, {"sin(", ")", 300000}, {"1 + (", ")", 300000}};

	for (size_t k = 0; k < sizeof form / sizeof *form; k++) {
		sg_ctx *ctx = sg_ctx_new();
		char *text = nested(form[k].open, form[k].close, form[k].n);
		const char *got;

		sg_ctx_limit_stack(ctx, 16 << 20);
		got = messages(ctx, "deep.sg", text);

		ck_assert_msg(strstr(got, "[nested-too-deeply]") != NULL, "%s: %s",
		              form[k].open, got);
		ck_assert_uint_eq(sg_error_count(ctx), 1);
		free(text);
		sg_ctx_free(ctx);
	}
}
END_TEST

START_TEST(no_more_than_a_hundred_errors_are_told)
{
	sg_ctx *ctx = sg_ctx_new();
	char *text = calloc(1, 200 * 20 + 1);

	for (int i = 0; i < 200; i++)
		sprintf(text + strlen(text), "y%d = unknown_%d\n", i, i);
	messages(ctx, "many.sg", text);
	ck_assert_uint_eq(sg_error_count(ctx), 100);
	free(text);
	sg_ctx_free(ctx);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("front");
	TCase *t = tcase_create("messages");
	cases c = read_cases();
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, messages_are_as_recorded, 0, c.n);
	free_cases(&c);
	tcase_add_test(t, every_code_has_a_case);
	tcase_add_test(t, what_nests_too_deeply_is_told_once);
	tcase_add_test(t, no_more_than_a_hundred_errors_are_told);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
