/* random.c - random well-typed models, and what must agree on each of them.
 *
 * random [--count=N] [--seed=S] [--cc=K] [--print]       $RANDOM_COUNT and $RANDOM_SEED stand for
 * two
 *
 * Model number S+i is grown from the forms of random_forms.h: each statement applies one form to
 * values that are there; an input is declared where none fits. sg_check then holds the machine code
 * against the evaluator, each derivative against extrapolated differences and against the other
 * mode; random_runs.h holds it against the evaluator at other sizes, at NaN, and on several
 * threads; every K-th model (0: none) is compiled by cc instead of in memory. A model runs in a
 * process of its own, so that a crash or an endless loop is a failure like any other. A model that
 * fails is made smaller while it fails in the same way: statements are dropped, or become inputs;
 * what is left is printed with its seed. */
#include "random_numbers.h"
#include "symgrad.h"

#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random_forms.h"
#include "random_runs.h"

#define COUNT_OF(x) (sizeof(x) / sizeof *(x))

enum {
	MOST_LINES = 160,
	TEXT = 400,
	NAME = 24,
	RANK = 4,
	MOST_INPUTS = 8,
	MOST_NUMBERS = 800,
	SECONDS = 60
};

typedef enum line_kind { IS_GONE, IS_INPUT, IS_STATEMENT, IS_TERM, IS_ENTRY } line_kind;

/* A term is a value that the function to differentiate sums. */
typedef struct line {
	line_kind kind;
	char text[TEXT], name[NAME], shape[RANK + 1]; /* name "": it binds no value of the pool */
} line;

typedef struct model {
	uint64_t random;
	line line[MOST_LINES];
	size_t n, ninputs;
	bool single, empty; /* empty: extents may be 0 */
	size_t wide[2];     /* K, L */
} model;

typedef struct verdict {
	int kind; /* 0: all agree */
	char text[2048];
} verdict;

static size_t
below(model *m, size_t n)
{
	return random_below(&m->random, n);
}

static void
put(char *to, size_t size, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, size - n, "%s", text);
}

static line *
add(model *m, line_kind kind, const char *name, const char *shape)
{
	line *l = &m->line[m->n++];

	memset(l, 0, sizeof *l);
	l->kind = kind;
	snprintf(l->name, NAME, "%s", name);
	snprintf(l->shape, sizeof l->shape, "%s", shape);
	return l;
}

/* "[2, N]"; nothing for a scalar */
static void
put_shape(char *to, size_t size, const char *shape)
{
	for (const char *s = shape; *s; s++) {
		put(to, size, s == shape ? "[" : ", ");
		put(to, size, (char[]){*s, '\0'});
	}
	put(to, size, *shape ? "]" : "");
}

/* ---- patterns of shapes ---- */

typedef struct match {
	char lead[RANK + 1];
	bool has_lead;
	char letter[128];
} match;

static bool
fits_letter(match *b, char p, char s)
{
	char *v = &b->letter[(int)p];

	if (isdigit((unsigned char)p))
		return p == s;
	if (*v)
		return *v == s;
	if ((p == 'p' || p == 'q') && !(s >= '2' && s <= '9'))
		return false;
	if ((p == 'm' && !(s >= '1' && s <= '5')) || (p == 'n' && s != 'K' && s != 'L'))
		return false;
	*v = s;
	return true;
}

static bool
fits_lead(match *b, const char *s, size_t n)
{
	if (b->has_lead)
		return strlen(b->lead) == n && strncmp(b->lead, s, n) == 0;
	b->has_lead = true;
	memcpy(b->lead, s, n);
	b->lead[n] = '\0';
	return true;
}

/* Does the shape fit, given what is bound? Binds the rest. */
static bool
fits(match *b, const char *pattern, const char *shape)
{
	const char *star = strchr(pattern, '*');
	size_t n = strlen(shape), fixed = strlen(pattern) - (star ? 1 : 0);
	match trial = *b;

	if (star ? n < fixed : n != fixed)
		return false;
	for (const char *p = pattern, *s = shape; *p; p++) {
		if (*p != '*') {
			if (!fits_letter(&trial, *p, *s++))
				return false;
		} else {
			if (!fits_lead(&trial, s, n - fixed))
				return false;
			s += n - fixed;
		}
	}
	*b = trial;
	return true;
}

static char
one_of(model *m, const char *letters)
{
	return letters[below(m, strlen(letters))];
}

/* Numbers in a value, where N and M are small. */
static size_t
size_of(const model *m, const char *shape)
{
	size_t n = 1;

	for (const char *s = shape; *s; s++)
		n *= isdigit((unsigned char)*s) ? (size_t)(*s - '0')
		     : *s == 'K' || *s == 'L'   ? m->wide[*s - 'K']
		                                : 3;
	return n;
}

/* The shape that a pattern stands for; free letters get extents. False where the rank or the size
 * is too high. */
static bool
shape_of(model *m, match *b, const char *pattern, char out[RANK + 1])
{
	const char *any = m->empty ? "0123NM0" : "1233NNM24KL";
	size_t n = 0;

	for (const char *p = pattern; *p; p++) {
		char *v = &b->letter[(int)*p];

		if (*p == '*') {
			b->has_lead = true;
			if (n + strlen(b->lead) > RANK)
				return false;
			memcpy(out + n, b->lead, strlen(b->lead));
			n += strlen(b->lead);
			continue;
		}
		if (!isdigit((unsigned char)*p) && !*v)
			*v = one_of(m, *p == 'p' || *p == 'q' ? "2234"
			               : *p == 'm'            ? "1223345"
			               : *p == 'n'            ? "KL"
			                                      : any);
		if (n == RANK)
			return false;
		out[n++] = isdigit((unsigned char)*p) ? *p : *v;
	}
	out[n] = '\0';
	return size_of(m, out) <= MOST_NUMBERS;
}

/* ---- growing ---- */

static line *
add_input(model *m, const char *shape)
{
	char name[NAME];
	line *l;

	snprintf(name, sizeof name, "x%zu", m->ninputs);
	l = add(m, IS_INPUT, name, shape);
	snprintf(l->text, TEXT, "%s %s", m->ninputs++ % 2 ? "param" : "input", name);
	put_shape(l->text, TEXT, shape);
	return l;
}

/* A value that fits, late ones rather than early; where none does, perhaps a new input. */
static const line *
operand(model *m, match *b, const char *pattern)
{
	size_t found[MOST_LINES], n = 0, from;
	char shape[RANK + 1];

	for (size_t i = 0; i < m->n; i++) {
		match trial = *b;

		if (*m->line[i].name && fits(&trial, pattern, m->line[i].shape))
			found[n++] = i;
	}
	if (n) {
		const line *l;

		from = n > 6 && below(m, 4) ? n - 6 : 0;
		l = &m->line[found[from + below(m, n - from)]];
		(void)fits(b, pattern, l->shape);
		return l;
	}
	if (m->ninputs >= MOST_INPUTS || !shape_of(m, b, pattern, shape))
		return NULL;
	return add_input(m, shape);
}

static void
expand_one(model *m, char *out, char c, const match *b, const char *a_name, const char *b_name)
{
	char number[32];

	switch (c) {
	case 'a': put(out, TEXT, a_name); break;
	case 'b': put(out, TEXT, b_name); break;
	case 't':
	case 'i':
		snprintf(number, sizeof number, c == 't' ? "v%zu" : "%zu", m->n);
		put(out, TEXT, number);
		break;
	case 'k':
		snprintf(number, sizeof number, "%.2f", 0.11 + 0.01 * (double)below(m, 80));
		put(out, TEXT, number);
		break;
	case 'u': put(out, TEXT, smooth_functions[below(m, COUNT_OF(smooth_functions))]); break;
	case 'w': put(out, TEXT, functions[below(m, COUNT_OF(functions))]); break;
	case 'r': put(out, TEXT, reductions[below(m, COUNT_OF(reductions))]); break;
	default: put(out, TEXT, (char[]){b->letter[(int)c], '\0'});
	}
}

/* One statement by a form, if its operands can be had. */
static void
grow(model *m)
{
	const form *f = &forms[below(m, COUNT_OF(forms))];
	match b = {.has_lead = false};
	char shape[RANK + 1], out[TEXT] = "", a_name[NAME], b_name[NAME] = "", name[NAME];
	const line *l = operand(m, &b, f->a);
	char *part, *text;

	if (!l)
		return;
	snprintf(a_name, NAME, "%s", l->name);
	if (*f->b) {
		l = operand(m, &b, f->b);
		if (!l)
			return;
		snprintf(b_name, NAME, "%s", l->name);
	}
	if (!shape_of(m, &b, f->shape, shape))
		return;
	for (const char *p = f->text; *p; p++)
		if (*p == '$')
			expand_one(m, out, *++p, &b, a_name, b_name);
		else
			put(out, TEXT, (char[]){*p, '\0'});
	snprintf(name, NAME, "v%zu", m->n);
	for (part = out; strchr(part, '|'); part = strchr(part, '|') + 1)
		snprintf(add(m, IS_STATEMENT, "", "")->text, TEXT, "%.*s",
		         (int)(strchr(part, '|') - part), part);
	(void)add(m, IS_STATEMENT, name, shape);
	text = m->line[m->n - 1].text;
	if (!strstr(f->text, "$t")) {
		put(text, TEXT, name);
		put(text, TEXT, " = ");
	}
	put(text, TEXT, part);
}

static void
add_entries(model *m)
{
	size_t k = below(m, m->ninputs), seen = 0;
	const char *x = "x0";
	bool scalar = false;
	char *text;

	for (size_t i = 0; i < m->n; i++)
		if (m->line[i].kind == IS_INPUT && seen++ == k) {
			x = m->line[i].name;
			scalar = !*m->line[i].shape;
		}
	text = add(m, IS_ENTRY, "", "")->text;
	switch (below(m, 8)) {
	case 0: snprintf(text, TEXT, "entry e = hvp(y, %s, 0.5*%s + 0.1) as h", x, x); break;
	case 1: snprintf(text, TEXT, "entry e = hessian(y, %s) as h", x); break;
	case 2: snprintf(text, TEXT, "entry e = grad(y, %s, mode=\"forward\") as g", x); break;
	case 3: snprintf(text, TEXT, "entry e = jvp(y, %s, sin(%s)) as g", x, x); break;
	case 4: snprintf(text, TEXT, "entry e = grad(norm(grad(y, %s)), %s) as g", x, x); break;
	case 5:
		snprintf(text, TEXT, "entry e = jacobian(%s, %s) as j", scalar ? "y" : "0.5*y", x);
		break;
	default: m->n--;
	}
}

static void
make_model(model *m, uint64_t seed)
{
	static const char *const shapes[] = {"",  "3",  "N",  "N3",  "23",  "33",  "2N3", "MN",
	                                     "2", "13", "NK", "N22", "N33", "N44", "L"};
	static const char *const with_empty[] = {"0", "N0", "03", "30", "N", "2", "1", "00", "10", "20N"};
	size_t most, terms = 0;

	m->random = seed * UINT64_C(0xd1342543de82ef95) + 1;
	m->n = m->ninputs = 0;
	m->single = below(m, 4) == 0;
	m->empty = below(m, 16) == 0;
	for (int i = 0; i < 2; i++)
		m->wide[i] = 5 + below(m, below(m, 4) ? 8 : 36);
	most = 3 + below(m, below(m, 8) ? 10 : 28);
	for (size_t i = 1 + below(m, 3); i > 0; i--)
		(void)add_input(m, m->empty ? with_empty[below(m, COUNT_OF(with_empty))]
		                            : shapes[below(m, COUNT_OF(shapes))]);
	for (size_t i = 0; i < most; i++)
		grow(m);
	for (size_t i = m->n; i-- > 0 && terms < 3;)
		if (*m->line[i].name) {
			(void)add(m, IS_TERM, m->line[i].name, "");
			terms++;
		}
	for (size_t i = 0; i < m->n; i++)
		if (m->line[i].kind == IS_TERM) {
			memcpy(m->line[i].text, m->line[i].name, NAME);
			*m->line[i].name = '\0';
		}
	add_entries(m);
}

/* ---- the text ---- */

static void
put_kind(const model *m, line_kind kind, char *out, size_t size)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->line[i].kind == kind) {
			put(out, size, m->line[i].text);
			put(out, size, "\n");
		}
}

static bool
has_dim(const model *m, char dim)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->line[i].kind == IS_INPUT && strchr(m->line[i].shape, dim))
			return true;
	return false;
}

static void
put_model(const model *m, char *out, size_t size)
{
	const char *join = "y = ";
	char wide[64];
	bool index = false;

	*out = '\0';
	put(out, size, m->single ? "real f32\n" : "");
	for (size_t i = 0; i < m->n; i++)
		index = index || (m->line[i].kind == IS_STATEMENT && strstr(m->line[i].text, "index,")) ||
		        (m->line[i].kind == IS_STATEMENT && strstr(m->line[i].text, "[index]"));
	if (!has_dim(m, 'N'))
		put(out, size, "dim N = 3\n");
	if (!has_dim(m, 'M'))
		put(out, size, "dim M = 2\n");
	snprintf(wide, sizeof wide, "dim K = %zu, L = %zu\n", m->wide[0], m->wide[1]);
	put(out, size, wide);
	put(out, size, index ? "input index: i32[3]\n" : "");
	put_kind(m, IS_INPUT, out, size);
	put_kind(m, IS_STATEMENT, out, size);
	for (size_t i = 0; i < m->n; i++)
		if (m->line[i].kind == IS_TERM) {
			put(out, size, join);
			put(out, size, "sum(sin(0.4 + ");
			put(out, size, m->line[i].text);
			put(out, size, "))");
			join = " + ";
		}
	put(out, size, "\ngradient y wrt ");
	join = "";
	for (size_t i = 0; i < m->n; i++)
		if (m->line[i].kind == IS_INPUT) {
			put(out, size, join);
			put(out, size, m->line[i].name);
			join = ", ";
		}
	put(out, size, "\n");
	put_kind(m, IS_ENTRY, out, size);
}

/* ---- judging ---- */

enum { AGREES, REFUSED, NOT_RUN, DIFFERS, CRASHED };

/* All values are of order 1, so a difference far below the limit is rounding, though what should
 * cancel to 0 is small itself. The worst element of a row is so by its difference. */
static bool
is_wrong(const sg_check_row *r)
{
	return !r->ok && !(fabs(r->is - r->expected) <= 1e-2 * r->limit);
}

static const sg_check_row *
wrong_row(const sg_report *report)
{
	for (size_t i = 0; i < report->nrows; i++)
		if (is_wrong(&report->rows[i]))
			return &report->rows[i];
	return NULL;
}

static void
check_entry(sg_model *m, const sg_entry *e, sg_backend b, uint64_t seed, verdict *v)
{
	const int64_t small[] = {3, 3, 3, 3};
	sg_call *c;
	const sg_check_row *r;
	sg_report report;
	sg_figures f;
	sg_failure why;

	if (sg_entry_figures(m, e, small, &f, NULL) == SG_OK && f.noperations > MOST_EVALUATED)
		return;
	c = sg_call_new(m, e->name, b);
	if (sg_check(c, seed, &report, &why) != SG_OK) {
		v->kind = NOT_RUN;
		snprintf(v->text, sizeof v->text, "%s: %s", e->name, why.text);
	} else if ((r = wrong_row(&report)) != NULL) {
		v->kind = DIFFERS;
		snprintf(v->text, sizeof v->text, "%s, %s: %.17g, by %s %.17g (error %.2g, limit %.2g)",
		         e->name, r->output, r->is, r->against, r->expected, r->error, r->limit);
		sg_report_free(&report);
	} else {
		sg_report_free(&report);
	}
	if (v->kind == AGREES && !entry_runs(m, e, b, seed, v->text, sizeof v->text))
		v->kind = DIFFERS;
	sg_call_free(c);
}

static void
judge_here(const char *text, sg_backend b, uint64_t seed, verdict *v)
{
	sg_model *m = sg_compile_string("random.sg", text, strlen(text), NULL);

	memset(v, 0, sizeof *v);
	if (!m || !sg_model_ok(m)) {
		v->kind = REFUSED;
		snprintf(v->text, sizeof v->text, "%s", m ? sg_model_report(m, 0) : "no memory");
	}
	for (size_t i = 0; v->kind == AGREES && i < sg_model_nentries(m); i++)
		check_entry(m, sg_model_entry(m, i), b, seed, v);
	sg_model_free(m);
}

/* In a process of its own. */
static void
judge(const char *text, sg_backend b, uint64_t seed, verdict *v)
{
	int pipes[2], status = 0;
	pid_t child;
	ssize_t got;

	memset(v, 0, sizeof *v);
	v->kind = CRASHED;
	if (pipe(pipes) != 0 || (child = fork()) < 0) {
		snprintf(v->text, sizeof v->text, "no process for it");
		return;
	}
	if (child == 0) {
		alarm(SECONDS);
		judge_here(text, b, seed, v);
		_exit(write(pipes[1], v, sizeof *v) == (ssize_t)sizeof *v ? 0 : 1);
	}
	close(pipes[1]);
	got = read(pipes[0], v, sizeof *v);
	close(pipes[0]);
	waitpid(child, &status, 0);
	if (got != (ssize_t)sizeof *v || status != 0) {
		v->kind = CRASHED;
		snprintf(v->text, sizeof v->text, "signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
}

/* ---- shrinking ---- */

static bool
same_failure(const verdict *a, const verdict *b)
{
	const char *x = strrchr(a->text, '['), *y = strrchr(b->text, '[');

	if (a->kind != b->kind)
		return false;
	return a->kind != REFUSED || (x && y && strncmp(x, y, strcspn(x, "]")) == 0);
}

/* Keeps what was done to the model when it fails as before; else takes it back. */
static bool
keep(model *m, line *l, const line *before, sg_backend b, uint64_t seed, const verdict *v)
{
	char text[MOST_LINES * 100];
	verdict now;

	put_model(m, text, sizeof text);
	judge(text, b, seed, &now);
	if (same_failure(v, &now))
		return true;
	*l = *before;
	return false;
}

static bool
shrink_line(model *m, line *l, sg_backend b, uint64_t seed, const verdict *v)
{
	const line before = *l;

	if (l->kind == IS_GONE)
		return false;
	l->kind = IS_GONE;
	if (keep(m, l, &before, b, seed, v))
		return true;
	if (before.kind != IS_STATEMENT || !*before.name)
		return false;
	l->kind = IS_INPUT;
	snprintf(l->text, TEXT, "input %s", l->name);
	put_shape(l->text, TEXT, l->shape);
	return keep(m, l, &before, b, seed, v);
}

static void
shrink(model *m, sg_backend b, uint64_t seed, const verdict *v)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = m->n; i-- > 0;)
			changed = shrink_line(m, &m->line[i], b, seed, v) || changed;
	}
}

/* ---- the program ---- */

/* Where an extent is 0 there may be no element to index, no maximum, and a mean of NaN. */
static bool
is_about_nothing(const verdict *v)
{
	return (v->kind == REFUSED && strstr(v->text, "[index-range]")) ||
	       (v->kind == DIFFERS && strstr(v->text, "nan")) ||
	       (v->kind == NOT_RUN && (strstr(v->text, "of nothing") || strstr(v->text, "out of range")));
}

static bool
try_model(model *m, uint64_t seed, sg_backend b, bool print)
{
	char text[MOST_LINES * 100];
	verdict v;

	make_model(m, seed);
	put_model(m, text, sizeof text);
	if (print)
		printf("%s\n", text);
	judge(text, b, seed, &v);
	for (uint64_t i = 1; i < 4 && v.kind == DIFFERS && strstr(v.text, "finite differences"); i++)
		judge(text, b, ~seed * i, &v); /* not by a kink that happens to be there */
	if (v.kind == AGREES || (m->empty && is_about_nothing(&v)))
		return true;
	printf("seed %llu%s: %s\n", (unsigned long long)seed, b == SG_BACKEND_CC ? " (cc)" : "",
	       v.text);
	fflush(stdout);
	if (v.kind == CRASHED && strstr(v.text, "signal 14")) /* SECONDS for each line */
		return false;
	judge(text, b, seed, &v);
	if (v.kind == AGREES)
		judge(text, b, seed = ~seed, &v);
	shrink(m, b, seed, &v);
	put_model(m, text, sizeof text);
	judge(text, b, seed, &v);
	printf("smaller: %s\n%s\n", v.text, text);
	fflush(stdout);
	return false;
}

static bool
option(const char *arg, const char *name, unsigned long long *value)
{
	size_t n = strlen(name);
	char *end;

	if (strncmp(arg, name, n) != 0)
		return false;
	*value = strtoull(arg + n, &end, 10);
	return end != arg + n && !*end;
}

int
main(int argc, char **argv)
{
	/* without libtcc each model is compiled by cc, which takes far longer */
	unsigned long long count = sg_have_jit() ? 800 : 250, seed = 1, cc = 100, failed = 0;
	bool print = false;
	model *m = malloc(sizeof *m);

	if (getenv("RANDOM_COUNT"))
		count = strtoull(getenv("RANDOM_COUNT"), NULL, 10);
	if (getenv("RANDOM_SEED"))
		seed = strtoull(getenv("RANDOM_SEED"), NULL, 10);
	for (int i = 1; i < argc; i++) {
		print = print || strcmp(argv[i], "--print") == 0;
		if (strcmp(argv[i], "--print") != 0 && !option(argv[i], "--count=", &count) &&
		    !option(argv[i], "--seed=", &seed) && !option(argv[i], "--cc=", &cc)) {
			fprintf(stderr, "usage: random [--count=N] [--seed=S] [--cc=K] [--print]\n");
			free(m);
			return 2;
		}
	}
	for (unsigned long long i = 0; m && i < count; i++) {
		sg_backend b = cc && i % cc == cc - 1 ? SG_BACKEND_CC : SG_BACKEND_AUTO;

		failed += !try_model(m, seed + i, b, print);
	}
	printf("%llu passed, %llu failed\n", count - failed, failed);
	free(m);
	return failed || !m;
}
