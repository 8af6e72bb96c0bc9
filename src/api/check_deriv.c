/* check_deriv.c - each derivative of an entry, checked where it stands in the graph.
 *
 * The source is compiled anew in f64, up to where derivatives are still nodes DERIV(y, x, v). For
 * one of them a program is made of which x is an input of its own, so that "x stands for the
 * binding" is taken by its word: F(x) is y, or y's gradient for second derivatives. F is evaluated
 * beside x, and the central differences are extrapolated to step 0 (Ridders, "Accurate computation
 * of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4, 1982). Where the mode of
 * differentiation can be chosen, the other mode must give the same. */
#include "api/proof.h"

#include <math.h>
#include <string.h>

enum { LEVELS = 8, MOST_DERIVS = 64, MOST_DIRECTIONS = 64, LEAST_DIRECTIONS = 4 };

/* One derivative node. */
typedef struct site {
	sg_ref at;
	const char *output;
	bool is_part; /* the output is made of it by more than another shape */
} site;

/* The program in f64, and data for it. */
typedef struct field {
	sg_check_run *r;
	sg_program *p;
	int64_t *dims;
	const sg_tensor **in; /* one place more than inputs */
} field;

/* One derivative made ready: a program whose last input is x. */
typedef struct trial {
	field *f;
	const char *output;
	bool is_part;
	sg_deriv_kind kind;
	sg_program q;
	sg_ref fn, x0, d, v, other;   /* in q; v, other may be 0 */
	sg_tensor x;                  /* the input that is moved */
	int64_t nf;                   /* elements of F */
	double *base, *dir;           /* x0; the direction */
	double *weight;               /* VJP: of F's elements */
	double *tab;                  /* [2][LEVELS][nf] */
	double *hi, *lo, *best, *err; /* [nf] */
	double scale;                 /* largest abs(F) */
	double eval_time;
	bool single; /* something is computed in f32 */
} trial;

/* ---- values ---- */

static double *
doubles(sg_check_run *r, int64_t n)
{
	return SG_NEW_ARRAY(r->ctx, double, n);
}

/* Value of node ref of q as doubles; *n gets the count. */
static double *
value_of(trial *t, sg_ref ref, int64_t *n)
{
	sg_check_run *r = t->f->r;
	sg_tensor v;
	double *out;

	sg_need(r->ctx, sg_tensor_shape(t->q.g, ref, t->f->dims, &v) == 0,
	        "shape of a checked value");
	v.data = sg_alloc_array(r->ctx, (size_t)v.count, sg_type_size(v.type));
	if (sg_interp(r->ctx, &t->q, 1, &ref, t->f->dims, t->f->in, &v) != 0)
		return NULL;
	out = doubles(r, v.count);
	for (int64_t i = 0; i < v.count; i++)
		out[i] = sg_tensor_get(&v, i);
	*n = v.count;
	return out;
}

/* F(x0 + h dir), weighted to one number for VJP. False when it can't be evaluated there. */
static bool
evaluate(trial *t, double h, sg_tensor *work, double *out)
{
	for (int64_t i = 0; i < t->x.count; i++)
		sg_tensor_set(&t->x, i, t->base[i] + h * t->dir[i]);
	if (sg_interp(t->f->r->ctx, &t->q, 1, &t->fn, t->f->dims, t->f->in, work) != 0)
		return false;
	if (t->weight) {
		out[0] = 0;
		for (int64_t i = 0; i < work->count; i++)
			out[0] += t->weight[i] * sg_tensor_get(work, i);
		return true;
	}
	for (int64_t i = 0; i < t->nf; i++)
		out[i] = sg_tensor_get(work, i);
	return true;
}

/* ---- extrapolated differences ---- */

/* A step that keeps every element's sign and order of magnitude. */
static double
first_step(const trial *t)
{
	double h = (double)INFINITY;

	for (int64_t i = 0; i < t->x.count; i++)
		if (t->dir[i] != 0)
			h = fmin(h, 0.1 * fmax(fabs(t->base[i]), 0.1) / fabs(t->dir[i]));
	return isfinite(h) && h > 0 ? h : 0.01;
}

/* What rounding may have added to a difference over 2h of element i, where F goes through f32.
 * Steps may be so small that all differences are 0, and seem to agree. */
static double
rounding(const trial *t, int64_t i, double h)
{
	return t->single ? 0x1p-23 * fmax(fabs(t->hi[i]), fabs(t->lo[i])) / h : 0;
}

static void
refine(trial *t, int level, double h, const double *older, double *newer)
{
	const double con2 = 1.96;

	for (int64_t i = 0; i < t->nf; i++) {
		double fac = con2;

		for (int j = 1; j <= level; j++, fac *= con2) {
			double a = newer[(j - 1) * t->nf + i], b = older[(j - 1) * t->nf + i];
			double c = (a * fac - b) / (fac - 1), e = fmax(fabs(c - a), fabs(c - b));

			e = fmax(e, rounding(t, i, h));
			newer[j * t->nf + i] = c;
			if (e <= t->err[i]) {
				t->err[i] = e;
				t->best[i] = c;
			}
		}
	}
}

/* One table of extrapolations, from step h down; better estimates replace those that are there. */
static bool
extrapolate(trial *t, double h, sg_tensor *work)
{
	double *older = t->tab, *newer = t->tab + LEVELS * t->nf;

	for (int k = 0; k < LEVELS; k++, h /= 1.4) {
		double *swap = older;

		if (!evaluate(t, h, work, t->hi) || !evaluate(t, -h, work, t->lo))
			return false;
		older = newer;
		newer = swap;
		for (int64_t i = 0; i < t->nf; i++) {
			newer[i] = (t->hi[i] - t->lo[i]) / (2 * h);
			if (isinf(t->err[i]))
				t->best[i] = newer[i];
		}
		refine(t, k, h, older, newer);
	}
	return true;
}

static bool
settled(const trial *t)
{
	for (int64_t i = 0; i < t->nf; i++)
		if (!(t->err[i] <= 1e-8 * (fabs(t->best[i]) + t->scale)))
			return false;
	return true;
}

/* dF/dt along dir into best[nf]. Where a kink lies within the first steps (a maximum, a relu), the
 * estimates disagree: then again from smaller ones. */
static bool
differentiate(trial *t, sg_tensor *work)
{
	enum { ROUNDS = 4 };
	double h = first_step(t);

	for (int64_t i = 0; i < t->nf; i++)
		t->err[i] = (double)INFINITY;
	for (int k = 0; k < ROUNDS; k++, h *= 0.02) {
		if (!extrapolate(t, h, work))
			return false;
		if (settled(t))
			break;
	}
	return true;
}

/* Beside a kink estimates over all steps may agree by chance, and be wrong. Where they are not what
 * they are compared with, plain differences over ever smaller steps may show that: as far as
 * rounding lets them. */
static bool
reconsider(trial *t, sg_tensor *work, const double *d, int64_t stride, double limit)
{
	enum { STEPS = 4 };
	double h = first_step(t), scale = 1e-6 * t->scale + 1e-300;
	bool doubtful = false;

	for (int64_t i = 0; i < t->nf; i++)
		scale = isfinite(d[i * stride]) ? fmax(scale, fabs(d[i * stride])) : scale;
	for (int64_t i = 0; i < t->nf; i++)
		doubtful = doubtful || fabs(d[i * stride] - t->best[i]) > limit * scale;
	for (int k = 0; doubtful && k < STEPS; k++) {
		h /= 10;
		if (!evaluate(t, h, work, t->hi) || !evaluate(t, -h, work, t->lo))
			return false;
		for (int64_t i = 0; i < t->nf; i++) {
			const double slope = (t->hi[i] - t->lo[i]) / (2 * h), is = d[i * stride];
			const double rounded = 0x1p-50 * fmax(fabs(t->hi[i]), fabs(t->lo[i])) / h;

			if (fabs(is - slope) < fabs(is - t->best[i]))
				t->best[i] = fabs(is - slope) <= rounded ? is : slope;
		}
	}
	return true;
}

/* ---- what is compared with what ---- */

static bool
along_one_direction(const trial *t)
{
	return t->kind == SG_JVP || t->kind == SG_HVP;
}

static int64_t
directions(const trial *t)
{
	double can = 1.0 / (2 * LEVELS * fmax(t->eval_time, 1e-9));
	int64_t n = can > MOST_DIRECTIONS    ? MOST_DIRECTIONS
	            : can < LEAST_DIRECTIONS ? LEAST_DIRECTIONS
	                                     : (int64_t)can;

	return n < t->x.count ? n : t->x.count;
}

/* Differences along each of m unit vectors, or along v: rows of nf numbers beside those of d. */
static bool
compare_differences(trial *t, const double *d, sg_tensor *work)
{
	sg_check_run *r = t->f->r;
	int64_t m = along_one_direction(t) ? 1 : directions(t), n = t->x.count, count = m * t->nf;
	double *is = doubles(r, count), *expected = doubles(r, count);
	int64_t *index = SG_NEW_ARRAY(r->ctx, int64_t, count);
	sg_pair p = {.output = t->output,
	             .against = "finite differences",
	             .count = count,
	             .is = is,
	             .expected = expected,
	             .index = index,
	             .is_part = t->is_part,
	             .floor = 1e-6 * t->scale + 1e-300,
	             .limit = t->single ? 2e-2 : 1e-6};

	for (int64_t k = 0; k < m; k++) {
		int64_t col =
		    m == n ? k
			   : (int64_t)(((double)k + sg_random_number(&r->random)) * (double)n / (double)m);

		if (!along_one_direction(t)) {
			memset(t->dir, 0, (size_t)n * sizeof *t->dir);
			t->dir[col] = 1;
		}
		if (!differentiate(t, work) ||
		    !reconsider(t, work, along_one_direction(t) ? d : d + col,
		                along_one_direction(t) ? 1 : n, p.limit))
			return false;
		for (int64_t i = 0; i < t->nf; i++) {
			int64_t at = along_one_direction(t) ? i : i * n + col;

			index[k * t->nf + i] = at;
			is[k * t->nf + i] = d[at];
			expected[k * t->nf + i] = t->best[i];
		}
	}
	sg_check_compare(r, &p);
	return true;
}

static void
compare_modes(trial *t, const double *d, int64_t nd, bool other_is_forward)
{
	int64_t n;
	double *o = t->other ? value_of(t, t->other, &n) : NULL;
	sg_pair p = {.output = t->output,
	             .against = other_is_forward ? "forward mode" : "reverse mode",
	             .count = nd,
	             .is = d,
	             .expected = o,
	             .is_part = t->is_part,
	             .floor = 1e-6 * t->scale + 1e-300,
	             .limit = t->single ? 1e-3 : 1e-9};

	if (o)
		sg_check_compare(t->f->r, &p);
}

/* ---- one derivative ---- */

/* DERIV of the same in the other mode; 0 where there is no choice, or it would be too large. */
static sg_ref
other_mode(sg_build *b, const trial *t, const sg_node *n, bool *forward)
{
	sg_deriv_mode mode = (sg_deriv_mode)n->attr->w[1];
	sg_tensor x;

	*forward = mode != SG_MODE_FORWARD;
	if (t->kind != SG_GRAD && t->kind != SG_JACOBIAN && t->kind != SG_HESSIAN)
		return 0;
	if (sg_tensor_shape(b->g, n->args[1], t->f->dims, &x) != 0 || x.count > 4096)
		return 0;
	return sg_deriv(b, t->kind, *forward ? SG_MODE_FORWARD : SG_MODE_REVERSE, n->args[0],
	                n->args[1], 0);
}

/* Is a derivative taken below y, of nodes that x was made before? */
static bool
takes_derivatives(const sg_graph *g, sg_ref y, sg_ref x)
{
	const bool *live = sg_graph_live(g, 1, &y);

	for (sg_ref r = x; r <= y; r++)
		if (live[r] && sg_node_at(g, r)->op == SG_DERIV)
			return true;
	return false;
}

/* What stands for x where it moves: the input, but to derivatives below y it depends on what x depends
 * on. */
static sg_ref
moved(sg_build *b, sg_ref y, sg_ref x, sg_ref input)
{
	const int64_t own = -1;

	if (!takes_derivatives(b->g, y, x))
		return input;
	return sg_bind(b, sg_ew2(b, SG_ADD, x, sg_stop(b, sg_ew2(b, SG_SUB, input, x))), own);
}

/* t->q: entry of F, x0, d, v, the other mode; its last input is x. */
static void
make_program(trial *t, const sg_node *n, sg_ref at, bool *forward)
{
	field *f = t->f;
	sg_ctx *ctx = f->r->ctx;
	sg_build b = {.ctx = ctx, .sp = f->p->sp, .g = f->p->g};
	sg_ref y = n->args[0], x = n->args[1];
	sg_type type = sg_type_of(&b, x);
	const sg_shape *shape = sg_shape_of(&b, x);
	sg_ref input = sg_input_node(&b, type, shape, (uint32_t)f->p->ninputs);
	sg_ref free = moved(&b, y, x, input);
	sg_output *out = SG_NEW_ARRAY(ctx, sg_output, 5);
	sg_entry_ir *entry = SG_NEW(ctx, sg_entry_ir);
	size_t nout = 3;
	size_t at_v = 0, at_other = 0;
	sg_ref other;

	sg_substitute(&b, 1, &y, 1, &x, &free);
	if (t->kind == SG_HESSIAN || t->kind == SG_HVP)
		y = sg_deriv(&b, SG_GRAD, SG_MODE_AUTO, y, free, 0);
	out[0] = (sg_output){.name = "fn", .ref = y};
	out[1] = (sg_output){.name = "x0", .ref = x};
	out[2] = (sg_output){.name = "d", .ref = at};
	if (n->nargs > 2)
		out[at_v = nout++] = (sg_output){.name = "v", .ref = n->args[2]};
	other = other_mode(&b, t, n, forward);
	if (other)
		out[at_other = nout++] = (sg_output){.name = "other", .ref = other};
	*entry = (sg_entry_ir){.name = "check", .out = out, .nout = nout};
	t->q = *f->p;
	t->q.input = SG_NEW_ARRAY(ctx, sg_input, f->p->ninputs + 1);
	memcpy(t->q.input, f->p->input, f->p->ninputs * sizeof *f->p->input);
	t->q.input[t->q.ninputs++] =
	    (sg_input){.name = "check_x", .type = type, .shape = shape, .ref = input};
	t->q.entry = entry;
	t->q.nentries = 1;
	sg_derive(ctx, &t->q);
	sg_merge_loops(ctx, &t->q);
	sg_clean(ctx, &t->q, false);
	t->fn = out[0].ref;
	t->x0 = out[1].ref;
	t->d = out[2].ref;
	t->v = at_v ? out[at_v].ref : 0;
	t->other = at_other ? out[at_other].ref : 0;
}

static bool
uses_f32(const sg_graph *g)
{
	for (sg_ref r = 1; r < g->n; r++)
		if (g->node[r].type == SG_F32)
			return true;
	return false;
}

/* Room for all that moves, and F at x0 itself. */
static bool
prepare(trial *t, sg_tensor *work)
{
	sg_check_run *r = t->f->r;
	int64_t n, nv;
	double *v = t->v ? value_of(t, t->v, &nv) : NULL, start;

	t->base = value_of(t, t->x0, &n);
	if (!t->base || (t->v && !v))
		return false;
	sg_need(r->ctx,
	        sg_tensor_shape(t->q.g, t->q.input[t->q.ninputs - 1].ref, t->f->dims, &t->x) == 0,
	        "shape of a checked variable");
	sg_need(r->ctx, sg_tensor_shape(t->q.g, t->fn, t->f->dims, work) == 0,
	        "shape of a checked function");
	t->x.data = sg_alloc_array(r->ctx, (size_t)n, sg_type_size(t->x.type));
	work->data = sg_alloc_array(r->ctx, (size_t)work->count, sg_type_size(work->type));
	t->f->in[t->q.ninputs - 1] = &t->x;
	t->weight = t->kind == SG_VJP ? v : NULL;
	t->nf = t->weight ? 1 : work->count;
	t->dir = along_one_direction(t) ? v : doubles(r, n);
	t->tab = doubles(r, sg_mul_size(r->ctx, 2 * LEVELS, t->nf));
	t->hi = doubles(r, t->nf);
	t->lo = doubles(r, t->nf);
	t->best = doubles(r, t->nf);
	t->err = doubles(r, t->nf);
	t->single = uses_f32(t->q.g);
	start = sg_clock();
	if (!evaluate(t, 0, work, t->hi))
		return false;
	t->eval_time = sg_clock() - start;
	for (int64_t i = 0; i < t->nf; i++)
		t->scale = isfinite(t->hi[i]) ? fmax(t->scale, fabs(t->hi[i])) : t->scale;
	return true;
}

typedef struct site_task {
	field *f;
	const site *s;
} site_task;

static void
check_site(void *arg)
{
	site_task *s = arg;
	field *f = s->f;
	const sg_node n = *sg_node_at(f->p->g, s->s->at);
	trial t = {.f = f,
	           .output = s->s->output,
	           .is_part = s->s->is_part,
	           .kind = (sg_deriv_kind)n.attr->w[0]};
	sg_tensor work;
	int64_t nd;
	bool forward;
	double *d;

	make_program(&t, &n, s->s->at, &forward);
	d = value_of(&t, t.d, &nd);
	if (!d || !prepare(&t, &work))
		return;
	if (t.x.count > 0 && nd > 0)
		(void)compare_differences(&t, d, &work);
	compare_modes(&t, d, nd, forward);
}

/* ---- all of an entry ---- */

static const sg_entry_ir *
find_entry(const sg_program *p, const char *name)
{
	for (size_t i = 0; i < p->nentries; i++)
		if (strcmp(p->entry[i].name, name) == 0)
			return &p->entry[i];
	return NULL;
}

/* The placeholders that a node binds for the operands that are its body. */
static void
bind_seeds(const sg_graph *g, sg_ref r, bool *bound)
{
	const sg_node *n = sg_node_at(g, r);

	if (n->op == SG_MAP)
		for (uint32_t k = 0; k < (uint32_t)n->attr->w[0]; k++)
			bound[n->args[(uint32_t)n->attr->w[0] + k]] = true;
	if (n->op == SG_CUSTOM)
		for (uint32_t k = 0; k < (uint32_t)n->attr->w[1]; k++)
			bound[n->args[1 + k]] = true;
	if (n->op == SG_SCAN || n->op == SG_WHILE) {
		const sg_loop l = sg_loop_of(g, r);

		for (uint32_t k = 0; k < l.nc; k++)
			bound[l.cparam[k]] = true;
		for (uint32_t k = 0; k < l.nx; k++)
			bound[l.xparam[k]] = true;
	}
}

/* Whether r stands in the body of a loop, where it has not one value. */
static bool
is_in_a_body(const field *f, sg_ref r)
{
	const sg_graph *g = f->p->g;
	bool *needed = SG_NEW_ARRAY(f->r->ctx, bool, r + 1);
	bool *bound = SG_NEW_ARRAY(f->r->ctx, bool, r + 1);

	needed[r] = true;
	for (sg_ref at = r; at > 0; at--) {
		if (!needed[at])
			continue;
		if (g->node[at].op == SG_SEED && !bound[at])
			return true;
		bind_seeds(g, at, bound);
		for (uint32_t k = 0; k < g->node[at].nargs; k++)
			needed[sg_arg(g, at, k)] = true;
	}
	return false;
}

static bool
is_reshaped(const sg_graph *g, sg_ref out, sg_ref r)
{
	while (out != r && (g->node[out].op == SG_RESHAPE || g->node[out].op == SG_BIND))
		out = sg_arg(g, out, 0);
	return out == r;
}

/* The derivatives that the entry's outputs hold, save those in bodies of loops, each with the first
 * output that holds it. Operands come before users, so one backward walk passes the outputs'
 * numbers down. */
static size_t
find_sites(const field *f, const sg_entry_ir *e, site *out)
{
	const sg_graph *g = f->p->g;
	size_t *holder = SG_NEW_ARRAY(f->r->ctx, size_t, g->n), n = 0; /* output number + 1 */

	for (size_t i = e->nout; i-- > 0;)
		holder[e->out[i].ref] = i + 1;
	for (sg_ref r = g->n - 1; r > 0; r--)
		for (uint32_t k = 0; holder[r] && k < g->node[r].nargs; k++) {
			size_t *h = &holder[sg_arg(g, r, k)];

			*h = *h && *h < holder[r] ? *h : holder[r];
		}
	for (sg_ref r = 1; r < g->n && n < MOST_DERIVS; r++)
		if (holder[r] && g->node[r].op == SG_DERIV && !is_in_a_body(f, r))
			out[n++] = (site){r, e->out[holder[r] - 1].name,
			                  !is_reshaped(g, e->out[holder[r] - 1].ref, r)};
	return n;
}

/* The call's array of this name in the program's type; else the default, else random numbers. */
static const sg_tensor *
input_value(field *f, size_t i)
{
	const sg_input *in = &f->p->input[i];
	const sg_array *a = sg_call_input(f->r->call, in->name);
	sg_tensor *t = SG_NEW(f->r->ctx, sg_tensor);

	if (sg_tensor_shape(f->p->g, in->ref, f->dims, t) != 0)
		return NULL;
	t->data = sg_alloc_array(f->r->ctx, (size_t)t->count, sg_type_size(t->type));
	if (a) {
		sg_tensor from = sg_tensor_of(a);

		for (int64_t k = 0; k < t->count && k < from.count; k++)
			sg_tensor_set(t, k, sg_tensor_get(&from, k));
	} else if (!in->deflt ||
	           sg_interp(f->r->ctx, f->p, 1, &in->deflt, f->dims, f->in, t) != 0) {
		sg_fill(&f->r->random, in, t);
	}
	return t;
}

static void
fill_field(field *f)
{
	const sg_call *c = f->r->call;
	uint32_t ndims = sg_space_ndims(f->p->sp);

	f->dims = SG_NEW_ARRAY(f->r->ctx, int64_t, ndims);
	f->in = SG_NEW_ARRAY(f->r->ctx, const sg_tensor *, f->p->ninputs + 1);
	for (uint32_t d = 0; d < ndims; d++)
		f->dims[d] = d < c->ndims && c->known[d] ? c->value[d] : 3;
	for (size_t i = 0; i < f->p->ninputs; i++)
		f->in[i] = input_value(f, i);
}

static sg_program *
compile_again(sg_check_run *r)
{
	const sg_model *m = r->call->m;
	const sg_origin *o = &m->origin;
	const sg_source *src = sg_source_text(r->ctx, o->name, o->text, o->size);
	sg_front_options front = m->front;

	front.has_real = true;
	front.real = SG_F64;
	if (o->is_expr)
		return sg_front_expr(r->ctx, src, &front, o->nwrt, o->wrt);
	return sg_front(r->ctx, src, &front);
}

void
sg_check_derivs(sg_check_run *r)
{
	field f = {.r = r, .p = compile_again(r)};
	const sg_entry_ir *e = f.p ? find_entry(f.p, r->entry) : NULL;
	site *s = SG_NEW_ARRAY(r->ctx, site, MOST_DERIVS);
	size_t n;

	if (!e)
		return;
	fill_field(&f);
	n = find_sites(&f, e, s);
	for (size_t i = 0; i < n; i++) {
		site_task t = {&f, &s[i]};
		sg_fault fault = sg_protect(r->ctx, check_site, &t);

		if (fault == SG_FAULT_MEMORY || fault == SG_FAULT_DEFECT)
			sg_raise(r->ctx, fault, sg_fault_text(r->ctx));
	}
}
