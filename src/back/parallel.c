/* parallel.c - loops whose turns may go on several threads, by OpenMP.
 *
 * Which turn computes what depends on the extents alone, never on the threads: a loop is parallel
 * only if each of its turns writes elements of its own and keeps its sums to itself, and a product
 * is cut into tiles of a fixed size. So the result is the same for any number of threads. Small
 * work stays on one: where that is known from the extents nothing is printed, else a condition.
 *
 * A turn can't leave the function; one that fails sets the status, and the function returns behind
 * the loop. */
#include "back/nest.h"

/* Operations below which threads are not worth starting (an addition is 1), and the tiles of a
 * product and of a kernel that goes by rows. */
enum { LEAST = 1 << 18, ROWS = 128, COLUMNS = 256, FEW_ROWS = 16, SHARES = 64, UNIT = 1024 };

/* ---- which loops are parallel ---- */

/* Does a root write to elements that another turn may write to, or go on with what it left? */
static bool
is_shared(const sg_nest *n, const sg_root *r)
{
	if (r->kind == SG_R_FOLD)
		return sg_adds_up(n->f, r->ref);
	if (r->kind != SG_R_PIECE)
		return n->f->at[r->ref].unit;
	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *o = &n->s->root[i];

		if (o != r && o->kind == SG_R_PIECE && o->ref == r->ref && (o->add || r->add))
			return true;
	}
	return false;
}

static bool
sets_status(const sg_val *v)
{
	return v->kind == SG_V_EW &&
	       (v->op == SG_FLOORDIV || v->op == SG_MOD || v->op == SG_NONEMPTY);
}

static bool
is_independent(const sg_nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (is_shared(n, &n->s->root[i]))
			return false;
	for (size_t i = 1; i < n->s->nvals; i++)
		if (n->s->val[i].needed && sets_status(&n->s->val[i]))
			return false;
	return true;
}

/* Operations of one turn of the innermost loop. */
static int64_t
cost_of(const sg_nest *n)
{
	int64_t cost = 1;

	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->depth == n->ngroups)
			cost += v->kind == SG_V_EW ? sg_ops[v->op].cost : 1;
	}
	return cost;
}

/* Are so many turns at least about `least`? Where that is not known, *when gets the condition. */
static bool
is_enough(sg_fn *f, sg_ext turns, int64_t about, const char **when)
{
	int64_t v, least = 1;

	while (least < about)
		least *= 2;

	*when = "1";
	if (sg_ext_const(f->sp, turns, &v))
		return v >= least;
	*when = sg_text(f->ctx, "%s >= %lld", sg_ext_bare(f, turns), (long long)least);
	return true;
}

static bool
is_wanted(const sg_fn *f)
{
	return f->m->o->openmp && !f->around;
}

/* Is it a fold of which shares can be put together to the whole? */
static bool
has_shares(const sg_nest *n, const sg_root *r)
{
	switch ((int)sg_fn_node(n->f, r->ref)->op) {
	case SG_ARGMAX:
	case SG_ARGMIN:
	case SG_CUMSUM:
	case SG_LINREC:
		return r->kind != SG_R_FOLD;
	default:
		return true;
	}
}

void
sg_choose_parallel(sg_nest *n)
{
	/* the loop that would be parallel: the first kept one, or that of the strips; else all is
	 * reduced, and the outermost loop goes by shares */
	const uint32_t outer = n->nkept == 0 && n->strip ? n->ngroups - 1 : 0;
	sg_fn *f = n->f;
	int64_t v;

	if (!is_wanted(f) || n->ngroups == 0 || (sg_ext_const(f->sp, n->ext[outer], &v) && v < 2) ||
	    !is_independent(n))
		return;
	n->shares = n->nkept == 0 && !n->strip;
	for (size_t i = 0; i < n->s->nroots && n->shares; i++)
		if (!has_shares(n, &n->s->root[i]))
			return;
	n->parallel =
	    is_enough(f, sg_fn_ext_mul(f, n->ext, n->ngroups), LEAST / cost_of(n) + 1, &n->when);
}

/* ---- their text ---- */

static void
print_pragma(sg_fn *f, unsigned loops, const char *when)
{
	f->m->has_parallel = true;
	sg_line(f, "SGRT_PARALLEL%s(%s)", loops > 1 ? "_2" : "", when);
}

static void
print_tile_loop(sg_fn *f, const char *i, sg_ext ext, int step)
{
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s += %d)", i, i, sg_ext_bare(f, ext), i, step);
	f->indent++;
}

/* As many as are left, and at most `step`. */
static const char *
width_text(sg_fn *f, const char *ext, const char *i, int step)
{
	return sg_text(f->ctx, "%s - %s < %d ? %s - %s : %d", ext, i, step, ext, i, step);
}

static bool
is_tiled(const sg_fn *f, sg_ext ext, int step)
{
	int64_t v;

	return !sg_ext_const(f->sp, ext, &v) || v > step;
}

static sg_ext
product_work(sg_fn *f, const sg_product *p)
{
	const sg_ext one[] = {p->m, p->n, p->k, sg_fn_ext_mul(f, p->ext, p->nloops)};

	return sg_fn_ext_mul(f, one, 4);
}

void
sg_open_product(sg_fn *f, const sg_product *p, sg_tile *t)
{
	const bool rows = is_tiled(f, p->m, ROWS), columns = is_tiled(f, p->n, COLUMNS);
	const char *when;

	*t = (sg_tile){.rows = sg_ext_bare(f, p->m), .columns = sg_ext_bare(f, p->n)};
	if (!is_wanted(f) || !is_enough(f, product_work(f, p), 8 * LEAST, &when))
		return;
	if (p->nloops > 0 && !sg_ext_is(f->sp, p->c_step[0], 0))
		print_pragma(f, 1, when);
	if (p->nloops > 0 || (!rows && !columns))
		return;
	print_pragma(f, (unsigned)rows + columns, when);
	if (rows) {
		t->row = f->loop[0];
		print_tile_loop(f, t->row, p->m, ROWS);
		t->rows = width_text(f, t->rows, t->row, ROWS);
	}
	if (columns) {
		t->column = f->loop[1];
		print_tile_loop(f, t->column, p->n, COLUMNS);
		t->columns = width_text(f, t->columns, t->column, COLUMNS);
	}
}

void
sg_open_rows(sg_fn *f, sg_ext m, sg_ext n, sg_tile *t)
{
	const sg_ext both[] = {m, n};
	const char *when;

	*t = (sg_tile){.rows = sg_ext_bare(f, m)};
	if (!is_wanted(f) || !is_tiled(f, m, FEW_ROWS) ||
	    !is_enough(f, sg_fn_ext_mul(f, both, 2), LEAST / 32, &when))
		return;
	print_pragma(f, 1, when);
	t->row = f->loop[0];
	print_tile_loop(f, t->row, m, FEW_ROWS);
	t->rows = width_text(f, t->rows, t->row, FEW_ROWS);
}

void
sg_open_parallel(sg_nest *n)
{
	print_pragma(n->f, 1, n->when);
	n->inside = true;
}

void
sg_print_failure(sg_nest *n, const char *when, const char *code)
{
	sg_fn *f = n->f;

	if (!n->inside) {
		sg_line(f, "if (%s)", when);
		sg_line(f, "\treturn %s;", code);
		return;
	}
	n->fails = f->has_status = true;
	sg_line(f, "if (%s) {", when);
	sg_line(f, "\tSGRT_ATOMIC_WRITE");
	sg_line(f, "\t%s = %s;", f->status, code);
	sg_line(f, "\tcontinue;");
	sg_line(f, "}");
}

void
sg_close_parallel(sg_nest *n)
{
	sg_fn *f = n->f;

	n->inside = false;
	if (!n->fails)
		return;
	sg_line(f, "if (%s != %s)", f->status, sg_use(f->m, "SGRT_OK"));
	sg_line(f, "\treturn %s;", f->status);
}

/* ---- shares ---- */

typedef struct share {
	sg_nest *n;
	const char *number, *begin, *end;
	const char **sum, **rest; /* by root: an array by share; NULL: there is none */
} share;

static bool
is_fold(const share *s, size_t i)
{
	return s->n->s->root[i].kind == SG_R_FOLD;
}

/* Of a nest of one loop, in multiples of what is added up plainly. */
static void
print_bounds(share *s)
{
	sg_fn *f = s->n->f;
	const char *ext = sg_ext_bare(f, s->n->ext[0]), *all = sg_ext_c(f, s->n->ext[0]);
	const int unit = s->n->ngroups > 1 ? 1 : UNIT;

	s->begin = sg_name_fresh(&f->names, "begin");
	s->end = sg_name_fresh(&f->names, "end");
	if (unit == 1) {
		sg_line(f, "const ptrdiff_t %s = %s * %s / %d;", s->begin, all, s->number, SHARES);
		sg_line(f, "const ptrdiff_t %s = %s * (%s + 1) / %d;", s->end, all, s->number,
		        SHARES);
		return;
	}
	sg_line(f, "const ptrdiff_t %s = (%s + %d) / %d * %s / %d * %d;", s->begin, ext, unit - 1,
	        unit, s->number, SHARES, unit);
	sg_line(f, "const ptrdiff_t %s = %s + 1 == %d ? %s : (%s + %d) / %d * (%s + 1) / %d * %d;",
	        s->end, s->number, SHARES, ext, ext, unit - 1, unit, s->number, SHARES, unit);
}

static void
declare_shares(share *s)
{
	sg_fn *f = s->n->f;

	for (size_t i = 0; i < s->n->s->nroots; i++) {
		const sg_root *r = &s->n->s->root[i];
		const char *type = sg_type_c_name((sg_type)s->n->s->val[r->val[0]].type);

		if (!is_fold(s, i))
			continue;
		s->sum[i] = sg_name_fresh(&f->names, "shares");
		sg_line(f, "%s %s[%d];", type, s->sum[i], SHARES);
		if (!r->tree)
			continue;
		s->rest[i] = sg_name_fresh(&f->names, "rests");
		sg_line(f, "%s %s[%d];", type, s->rest[i], SHARES);
	}
}

static void
keep_share(const share *s)
{
	sg_fn *f = s->n->f;

	for (size_t i = 0; i < s->n->s->nroots; i++) {
		const sg_root *r = &s->n->s->root[i];

		if (s->sum[i])
			sg_line(f, "%s[%s] = %s;", s->sum[i], s->number, r->acc);
		if (s->rest[i])
			sg_line(f, "%s[%s] = %s;", s->rest[i], s->number, r->acc2);
	}
}

static void
add_shares(const share *s)
{
	sg_nest *n = s->n;
	sg_fn *f = n->f;

	sg_line(f, "for (ptrdiff_t %s = 0; %s < %d; %s++) {", s->number, s->number, SHARES,
	        s->number);
	f->indent++;
	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];
		const sg_type t = (sg_type)n->s->val[r->val[0]].type;
		const char *x = sg_text(f->ctx, "%s[%s]", s->sum[i], s->number);

		if (s->rest[i]) {
			sg_line(f, "%s(&%s, &%s, %s);", sg_use_typed(f->m, "sum_add", t), r->acc,
			        r->acc2, x);
			sg_line(f, "%s += %s[%s];", r->acc2, s->rest[i], s->number);
		} else if (s->sum[i]) {
			sg_print_update(n, r->acc, (sg_op)sg_fn_node(f, r->ref)->op, t,
			                (sg_c_text){x, SG_PREC_ATOM});
		}
	}
	sg_close(n);
}

void
sg_print_shares(sg_nest *n)
{
	sg_fn *f = n->f;
	share s = {.n = n,
	           .number = sg_name_fresh(&f->names, "share"),
	           .sum = SG_NEW_ARRAY(f->ctx, const char *, n->s->nroots),
	           .rest = SG_NEW_ARRAY(f->ctx, const char *, n->s->nroots)};

	declare_shares(&s);
	sg_open_parallel(n);
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %d; %s++) {", s.number, s.number, SHARES, s.number);
	f->indent++;
	print_bounds(&s);
	n->begin = s.begin;
	n->end = s.end;
	sg_print_level(n, 0);
	keep_share(&s);
	sg_close(n);
	sg_close_parallel(n);
	sg_declare_folds(n);
	add_shares(&s);
	sg_finish_folds(n);
}
