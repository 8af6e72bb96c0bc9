/* check_fuzz.c - damaged models: whatever the text, there is a program or there are messages.
 *
 * The models of tests/err, examples and the golden tests are damaged at random places, and taken
 * through parsing, elaboration and differentiation. FUZZ_RUNS and FUZZ_SEED in the environment make
 * other runs; a failure prints the text. Best built with -fsanitize=address,undefined. */
#include "front/front.h"
#include "pass/pass.h"
#include "random_numbers.h"
#include "whole_file.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MODELS = 2000, MAX_TEXT = 1 << 16 };

static uint64_t
setting(const char *name, uint64_t other)
{
	const char *s = getenv(name);

	return s != NULL ? strtoull(s, NULL, 10) : other;
}

/* ---- models to damage ---- */

typedef struct models {
	char *text[MAX_MODELS];
	size_t n;
} models;

static void
add_model(models *m, const char *s, size_t n)
{
	if (m->n == MAX_MODELS || n >= MAX_TEXT / 2 || (m->text[m->n] = calloc(1, n + 1)) == NULL)
		return;
	memcpy(m->text[m->n++], s, n);
}

/* A file of golden tests: the models stand between lines "model ..." and "end". */
static void
add_blocks(models *m, const char *text)
{
	for (const char *p = text; (p = strstr(p, "\nmodel ")) != NULL;) {
		const char *begin = strchr(p + 1, '\n'), *end = begin != NULL ? strstr(begin, "\nend\n") : NULL;

		if (end == NULL)
			return;
		add_model(m, begin + 1, (size_t)(end - begin));
		p = end;
	}
}

static void
add_folder(models *m, const char *name)
{
	const char *dir = getenv("srcdir");
	char path[4096];
	DIR *d;

	snprintf(path, sizeof path, "%s/%s", dir != NULL ? dir : ".", name);
	d = opendir(path);
	for (struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) {
		const char *suffix = strrchr(f->d_name, '.');
		char *text;

		if (suffix == NULL || (strcmp(suffix, ".sg") != 0 && strcmp(suffix, ".txt") != 0))
			continue;
		snprintf(path, sizeof path, "%s/%s/%s", dir != NULL ? dir : ".", name, f->d_name);
		if ((text = read_all(path)) == NULL)
			continue;
		if (suffix[1] == 's')
			add_model(m, text, strlen(text));
		else
			add_blocks(m, text);
		free(text);
	}
	if (d != NULL)
		closedir(d);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
read_models(models *m)
{
	m->n = 0;
	add_folder(m, "tests/err");
	add_folder(m, "tests/golden");
	add_folder(m, "examples");
	add_folder(m, "examples/notebook");
	qsort(m->text, m->n, sizeof m->text[0], by_text); /* whatever the order of the folder */
}

static void
free_models(models *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->text[i]);
}

/* ---- damage ---- */

typedef struct text {
	char s[MAX_TEXT];
	size_t n;
} text;

static void
replace(text *t, size_t at, size_t gone, const char *s, size_t n)
{
	at = at < t->n ? at : t->n;
	gone = gone < t->n - at ? gone : t->n - at;
	if (t->n - gone + n >= MAX_TEXT)
		return;
	memmove(t->s + at + n, t->s + at + gone, t->n - at - gone);
	memcpy(t->s + at, s, n);
	t->n += n - gone;
	t->s[t->n] = '\0';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The word, or the character, at a random place. */
static size_t
word_at(const char *s, size_t n, uint64_t *r, size_t *length)
{
	size_t at = random_below(r, n), end;

	while (at > 0 && is_word(s[at]) && is_word(s[at - 1]))
		at--;
	for (end = at; end < n && is_word(s[end]);)
		end++;
	*length = end > at ? end - at : n > 0;
	return at;
}

static void
put_piece(text *t, uint64_t *r)
{
	static const char *const piece[] = {
	    "(", ")", "[", "]", "{", "}", ",", ";", "=", "->", ":", "..", "...", "x", "y", "N", "grad(",
	    "sum(", "none", "[:, 0]", "[0]", ".T", "@", "**", "-1", "0", "1", "1e308", "0.5", "true",
	    "9223372036854775807", "(0 - 9223372036854775807 - 1)", "\"mean\"", "if ", "then ", "else ",
	    "def f(a) = ", "input ", "param ", "dim ", "const ", "output ", "gradient ", "entry e = ",
	    "as z", "wrt x", "\n", "reshape(x, ", "concat((x, x))", "split(x, ", "zeros([N, ",
	    "[e for i in 0..3]", "jacobian(y, x)", "hessian(", "jvp(", "//", "%", "and ", "not ", "<",
	    "axis=", "keepdims=true", "1:", "::-1", "einsum(\"ij,jk->ik\", ", "arange(", "pad(x, ",
	    "roll(x, ", "map(", "scan(", "while(", "stack((", "where(", "_", "one_hot(", "transpose(x, ",
	    "cast(x, i32)", "f32", "i64", "bool", "\xff", "\"", "#", "derivative f(a; d) = ", "return ",
	    "real f32", "stop_gradient(", "(x) -> ", "shape(x, 0)", "rank(x)", "tile(x, ", "diag(",
	};
	const char *p = piece[random_below(r, sizeof piece / sizeof *piece)];
	size_t length, at = word_at(t->s, t->n, r, &length);

	replace(t, at, random_below(r, 2) ? length : 0, p, strlen(p));
}

static void
copy_word(text *t, uint64_t *r)
{
	char word[64];
	size_t n, length, from = word_at(t->s, t->n, r, &n), at = word_at(t->s, t->n, r, &length);

	n = n < sizeof word ? n : sizeof word;
	memcpy(word, t->s + from, n);
	replace(t, at, length, word, n);
}

static void
drop_line(text *t, uint64_t *r)
{
	size_t at = random_below(r, t->n), end = at;

	while (at > 0 && t->s[at - 1] != '\n')
		at--;
	while (end < t->n && t->s[end] != '\n')
		end++;
	replace(t, at, end - at, "", 0);
}

/* A line of another model behind a line of this one. */
static void
graft_line(text *t, uint64_t *r, const models *m)
{
	const char *s = m->text[random_below(r, m->n)];
	size_t n = strlen(s), from = random_below(r, n), end = from, at = random_below(r, t->n);

	while (from > 0 && s[from - 1] != '\n')
		from--;
	while (end < n && s[end] != '\n')
		end++;
	while (at < t->n && t->s[at] != '\n')
		at++;
	replace(t, at, 0, "\n", 1);
	replace(t, at + 1, 0, s + from, end - from);
}

static void
damage(text *t, uint64_t *r, const models *m)
{
	const char byte = (char)random_below(r, 256);

	switch (random_below(r, 8)) {
	case 0: replace(t, random_below(r, t->n), 1, "", 0); break;
	case 1: replace(t, random_below(r, t->n), 1, &byte, 1); break;
	case 2:
	case 3: put_piece(t, r); break;
	case 4:
	case 5: copy_word(t, r); break;
	case 6: drop_line(t, r); break;
	default: graft_line(t, r, m); break;
	}
}

/* ---- compiling ---- */

typedef struct job {
	sg_ctx *ctx;
	const text *t;
	bool expression, done;
} job;

static void
compile(void *arg)
{
	job *j = arg;
	const sg_source *src = sg_source_text(j->ctx, "fuzz.sg", j->t->s, j->t->n);
	sg_program *p =
	    j->expression ? sg_front_expr(j->ctx, src, NULL, 0, NULL) : sg_front(j->ctx, src, NULL);

	j->done = p != NULL;
	if (p == NULL)
		return;
	sg_derive(j->ctx, p);
	sg_clean(j->ctx, p, false);
	sg_graph_check(p->g);
}

/* Compiles, and prints the messages in all forms. */
static void
try_text(const text *t, bool expression, uint64_t seed)
{
	sg_ctx *ctx = sg_ctx_new();
	job j = {.ctx = ctx, .t = t, .expression = expression};
	const sg_fault fault = sg_protect(ctx, compile, &j);
	sg_buf b;

	ck_assert_msg(fault != SG_FAULT_DEFECT, "%s, seed %llu:\n%s", sg_fault_text(ctx),
	              (unsigned long long)seed, t->s);
	ck_assert_msg(fault || j.done || sg_error_count(ctx), "no message, seed %llu:\n%s",
	              (unsigned long long)seed, t->s);
	sg_buf_init(&b, ctx);
	sg_diags_text(ctx, &b, true);
	sg_diags_json(ctx, &b);
	sg_ctx_free(ctx);
}

START_TEST(a_damaged_model_gives_a_program_or_messages)
{
	const uint64_t runs = setting("FUZZ_RUNS", 4000), first = setting("FUZZ_SEED", 1);
	models m;
	text *t = calloc(1, sizeof *t);

	read_models(&m);
	ck_assert_uint_gt(m.n, 100);
	for (uint64_t seed = first; seed < first + runs; seed++) {
		uint64_t r = seed * 0xD1342543DE82EF95u;
		const bool expression = random_below(&r, 8) == 0;

		t->n = 0;
		replace(t, 0, 0, m.text[seed % m.n], strlen(m.text[seed % m.n]));
		if (expression) { /* what stands behind the first '=' */
			const char *p = strchr(t->s, '=');

			replace(t, 0, p != NULL ? (size_t)(p - t->s) + 1 : 0, "", 0);
			t->n = strcspn(t->s, "\n");
			t->s[t->n] = '\0';
		}
		for (size_t k = 1 + random_below(&r, 3) * random_below(&r, 2); k > 0 && t->n > 0; k--)
			damage(t, &r, &m);
		try_text(t, expression, seed);
	}
	free_models(&m);
	free(t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fuzz");
	TCase *t = tcase_create("models");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_damaged_model_gives_a_program_or_messages);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
