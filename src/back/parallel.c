/* parallel.c - loops whose turns may go on several threads: by OpenMP where that is asked for, in
 * code for libtcc by the library's own pool, which calls the loop as a function of its own
 * (part.c).
 *
 * Which turn computes what depends on the extents alone, never on the threads: a loop is parallel
 * only if each of its turns writes elements of its own and keeps its sums to itself, and a product
 * is cut into tiles of a fixed size. So the result is the same for any number of threads. Small
 * work stays on one: where that is known from the extents nothing is printed, else a condition.
 *
 * By OpenMP a turn can't leave the function; one that fails sets the status, and the function
 * returns behind the loop. */
#include "back/nest.h"

enum {
	LEAST = 1 << 18, /* operations below which threads are not worth it (an addition is 1) */
	CHUNK = 1 << 17, /* operations that a thread of the pool takes at a time, about */
	ROWS = 256,      /* the tiles of a product */
	COLUMNS = 512,
	FEW_ROWS = 16, /* and of a kernel that goes by rows */
	SHARES = 64,   /* of a reduction of everything, at most */
	ROW = 128,     /* of tiles: no less, as a routine's call takes a row */
	UNIT = 1024,   /* where only one loop is left, what is cut off is a multiple of this */
};

/* ---- which loops are parallel ---- */

/* Does each turn of the first loop write to a stretch of its own? */
static bool
is_apart(const sg_nest *n, const sg_root *r)
{
	const sg_affine form = n->f->aff[r->at];
	int64_t step, ext, span = 1, outer = 0;

	if (!n->f->m->o->jit)
		return false;
	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_MAX_LOOPS)
			return false;
	for (uint32_t g = 0; g < n->ngroups; g++) {
		if (!sg_ext_const(n->f->sp, sg_aff_coef(n->f, r->at, n->last[g]), &step) ||
		    !sg_ext_const(n->f->sp, n->ext[g], &ext) || step < 0)
			return false;
		if (g == n->outer)
			outer = step;
		else if (ext > 0 && step > (PTRDIFF_MAX - span) / ext)
			return false;
		else
			span += (ext - 1) * step;
	}
	return outer >= span;
}

/* Does a root write to elements that another turn may write to, or go on with what it left? */
static bool
is_shared(const sg_nest *n, const sg_root *r)
{
	if (r->kind == SG_R_FOLD && r->whole)
		return true;
	if (r->kind == SG_R_FOLD)
		return sg_adds_up(n->f, r->ref) && !is_apart(n, r);
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
	       (v->op == SG_NONEMPTY || sg_is_checked(v->op, (sg_type)v->type));
}

static bool
is_independent(const sg_nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (is_shared(n, &n->s->root[i]))
			return false;
	for (size_t i = 1; i < n->s->nvals && n->f->m->o->openmp; i++)
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
	return (f->m->o->openmp || (f->m->o->threads && !f->split)) && !f->around;
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
	if (f->m->o->threads && outer > 0) /* a part is cut along loop 0 */
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

/* All turns as one chunk where there is little work, else each by itself. */
static void
open_part(sg_fn *f, sg_tile *t, const char *turns, const char *when)
{
	t->is_part = true;
	t->turns = turns;
	t->grain = sg_text(f->ctx, "%s ? 1 : %s", when, turns);
	sg_part_open(f, &t->part);
}

static const char *
count_text(sg_fn *f, sg_ext ext, int step)
{
	return sg_text(f->ctx, "(%s + %d) / %d", sg_ext_bare(f, ext), step - 1, step);
}

/* The loop over the tiles of a product, by their number. */
static void
print_turns(sg_fn *f, const sg_product *p, sg_tile *t)
{
	const char *turn = sg_name_fresh(&f->names, "turn");
	const char *across = t->column ? count_text(f, p->n, COLUMNS) : NULL;

	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", turn, t->part.begin, turn,
	        t->part.end, turn);
	f->indent++;
	if (t->row && across)
		sg_line(f, "const ptrdiff_t %s = %s / (%s) * %d;", t->row, turn, across, ROWS);
	else if (t->row)
		sg_line(f, "const ptrdiff_t %s = %s * %d;", t->row, turn, ROWS);
	if (t->row && across)
		sg_line(f, "const ptrdiff_t %s = %s %% (%s) * %d;", t->column, turn, across,
		        COLUMNS);
	else if (across)
		sg_line(f, "const ptrdiff_t %s = %s * %d;", t->column, turn, COLUMNS);
}

static void
open_tiles(sg_fn *f, const sg_product *p, sg_tile *t, const char *when)
{
	const bool both = t->row && t->column;
	const char *turns = both     ? sg_text(f->ctx, "%s * (%s)", count_text(f, p->m, ROWS),
	                                       count_text(f, p->n, COLUMNS))
	                    : t->row ? count_text(f, p->m, ROWS)
	                             : count_text(f, p->n, COLUMNS);

	if (f->m->o->threads) {
		open_part(f, t, turns, when);
		print_turns(f, p, t);
	} else {
		print_pragma(f, both ? 2 : 1, when);
		if (t->row)
			print_tile_loop(f, t->row, p->m, ROWS);
		if (t->column)
			print_tile_loop(f, t->column, p->n, COLUMNS);
	}
	if (t->row)
		t->rows = width_text(f, t->rows, t->row, ROWS);
	if (t->column)
		t->columns = width_text(f, t->columns, t->column, COLUMNS);
}

void
sg_open_product(sg_fn *f, const sg_product *p, sg_tile *t)
{
	const bool rows = is_tiled(f, p->m, ROWS), columns = is_tiled(f, p->n, COLUMNS);
	const char *when;

	*t = (sg_tile){.rows = sg_ext_bare(f, p->m),
	               .columns = sg_ext_bare(f, p->n),
	               .first = "0",
	               .end = p->nloops ? sg_ext_bare(f, p->ext[0]) : NULL,
	               .indent = f->indent};
	if (!is_wanted(f) || !is_enough(f, product_work(f, p), 8 * LEAST, &when))
		return;
	if (p->nloops == 0 && (rows || columns)) {
		t->row = rows ? f->loop[0] : NULL;
		t->column = columns ? f->loop[1] : NULL;
		open_tiles(f, p, t, when);
	} else if (p->nloops > 0 && !sg_ext_is(f->sp, p->c_step[0], 0) && f->m->o->threads) {
		open_part(f, t, t->end, when);
		t->first = t->part.begin;
		t->end = t->part.end;
	} else if (p->nloops > 0 && !sg_ext_is(f->sp, p->c_step[0], 0)) {
		print_pragma(f, 1, when);
	}
}

void
sg_open_rows(sg_fn *f, sg_ext m, sg_ext n, sg_tile *t)
{
	const sg_ext both[] = {m, n};
	const char *when;

	*t = (sg_tile){.rows = sg_ext_bare(f, m), .indent = f->indent};
	if (!is_wanted(f) || !is_tiled(f, m, FEW_ROWS) ||
	    !is_enough(f, sg_fn_ext_mul(f, both, 2), LEAST / 32, &when))
		return;
	t->row = f->loop[0];
	if (f->m->o->threads) {
		const char *turn = sg_name_fresh(&f->names, "turn");

		open_part(f, t, count_text(f, m, FEW_ROWS), when);
		sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", turn, t->part.begin, turn,
		        t->part.end, turn);
		f->indent++;
		sg_line(f, "const ptrdiff_t %s = %s * %d;", t->row, turn, FEW_ROWS);
	} else {
		print_pragma(f, 1, when);
		print_tile_loop(f, t->row, m, FEW_ROWS);
	}
	t->rows = width_text(f, t->rows, t->row, FEW_ROWS);
}

void
sg_close_calls(sg_fn *f, sg_tile *t)
{
	f->indent = t->indent;
	if (!t->is_part)
		return;
	if (t->row || t->column) {
		f->indent = 1;
		sg_line(f, "}");
	}
	sg_part_close(f, &t->part, t->turns, t->grain);
}

void
sg_open_parallel(sg_nest *n)
{
	if (n->f->m->o->threads) /* it stands in a part */
		return;
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

/* ---- chunks for the pool ---- */

/* Turns of the outer loop that make up a chunk, as C; from the extents alone. */
static const char *
grain_text(sg_nest *n)
{
	sg_fn *f = n->f;
	const sg_ext inner =
	    sg_ext_mul(f->sp, sg_fn_ext_mul(f, n->ext, n->outer),
	               sg_fn_ext_mul(f, n->ext + n->outer + 1, n->ngroups - 1 - n->outer));
	const int64_t turns = CHUNK / cost_of(n) + 1;
	int64_t v;

	if (n->ngroups == 1)
		return sg_text(f->ctx, "%lld", (long long)((turns + UNIT - 1) / UNIT * UNIT));
	const long long unit = n->outer == n->ngroups - 1 ? ROW : 1;

	if (sg_ext_const(f->sp, inner, &v))
		return sg_text(f->ctx, "%lld", (turns / (v + 1) / unit + 1) * unit);
	if (unit > 1)
		return sg_text(f->ctx, "(1 + %lld / (1 + %s) / %lld) * %lld", (long long)turns,
		               sg_ext_bare(f, inner), unit, unit);
	return sg_text(f->ctx, "1 + %lld / (1 + %s)", (long long)turns, sg_ext_bare(f, inner));
}

static void
print_part(sg_nest *n)
{
	sg_fn *f = n->f;
	const char *turns = sg_ext_bare(f, n->ext[n->outer]), *grain = grain_text(n);
	sg_part_text p;

	sg_part_open(f, &p);
	n->begin = p.begin;
	n->end = p.end;
	sg_print_level(n, 0);
	sg_part_close(f, &p, turns, grain);
}

/* ---- shares ---- */

typedef struct share {
	sg_nest *n;
	const char *number, *count; /* how many there are */
	const char *grain;          /* of the pool: turns of one */
	const char **sum, **rest;   /* by root: an array by share; NULL: there is none */
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
	sg_nest *n = s->n;
	sg_fn *f = n->f;
	const char *ext = sg_ext_bare(f, n->ext[0]), *all = sg_ext_c(f, n->ext[0]);

	n->begin = sg_name_fresh(&f->names, "begin");
	n->end = sg_name_fresh(&f->names, "end");
	if (n->ngroups > 1) {
		sg_line(f, "const ptrdiff_t %s = %s * %s / %d;", n->begin, all, s->number, SHARES);
		sg_line(f, "const ptrdiff_t %s = %s * (%s + 1) / %d;", n->end, all, s->number,
		        SHARES);
		return;
	}
	sg_line(f, "const ptrdiff_t %s = (%s + %d) / %d * %s / %d * %d;", n->begin, ext, UNIT - 1,
	        UNIT, s->number, SHARES, UNIT);
	sg_line(f, "const ptrdiff_t %s = %s + 1 == %d ? %s : (%s + %d) / %d * (%s + 1) / %d * %d;",
	        n->end, s->number, SHARES, ext, ext, UNIT - 1, UNIT, s->number, SHARES, UNIT);
}

static const char *
declare_share(sg_fn *f, const char *hint, const char *type)
{
	const char *name = sg_name_fresh(&f->names, hint);

	sg_line(f, "%s %s[%d];", type, name, SHARES);
	return name;
}

static void
declare_shares(share *s)
{
	sg_fn *f = s->n->f;

	s->sum = SG_NEW_ARRAY(f->ctx, const char *, s->n->s->nroots);
	s->rest = SG_NEW_ARRAY(f->ctx, const char *, s->n->s->nroots);
	for (size_t i = 0; i < s->n->s->nroots; i++) {
		const sg_root *r = &s->n->s->root[i];
		const char *type = sg_type_c_name((sg_type)s->n->s->val[r->val[0]].type);

		if (is_fold(s, i))
			s->sum[i] = declare_share(f, "shares", type);
		if (is_fold(s, i) && r->tree)
			s->rest[i] = declare_share(f, "rests", type);
	}
}

static void
keep_share(const share *s, const char *number)
{
	sg_fn *f = s->n->f;

	for (size_t i = 0; i < s->n->s->nroots; i++) {
		const sg_root *r = &s->n->s->root[i];

		if (s->sum[i])
			sg_line(f, "%s[%s] = %s;", s->sum[i], number, r->acc);
		if (s->rest[i])
			sg_line(f, "%s[%s] = %s;", s->rest[i], number, r->acc2);
	}
}

static void
add_shares(const share *s)
{
	sg_nest *n = s->n;
	sg_fn *f = n->f;

	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", s->number, s->number, s->count,
	        s->number);
	f->indent++;
	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];
		const sg_type t = (sg_type)n->s->val[r->val[0]].type;
		const char *x = s->sum[i] ? sg_text(f->ctx, "%s[%s]", s->sum[i], s->number) : NULL;

		if (s->rest[i]) {
			sg_line(f, "%s(&%s, &%s, %s);", sg_use_typed(f->m, "sum_add", t), r->acc,
			        r->acc2, x);
			sg_line(f, "%s += %s[%s];", r->acc2, s->rest[i], s->number);
		} else if (x) {
			sg_print_update(n, r->acc, (sg_op)sg_fn_node(f, r->ref)->op, t,
			                (sg_c_text){x, SG_PREC_ATOM});
		}
	}
	sg_close(n);
}

static void
print_shares_by_openmp(share *s)
{
	sg_nest *n = s->n;
	sg_fn *f = n->f;

	s->count = sg_text(f->ctx, "%d", SHARES);
	sg_open_parallel(n);
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %d; %s++) {", s->number, s->number, SHARES,
	        s->number);
	f->indent++;
	print_bounds(s);
	sg_print_level(n, 0);
	keep_share(s, s->number);
	sg_close(n);
	sg_close_parallel(n);
}

/* Chunks are shares, as few as the work wants. */
static void
declare_grain(share *s)
{
	sg_nest *n = s->n;
	sg_fn *f = n->f;
	const char *ext = sg_ext_bare(f, n->ext[0]), *all = sg_ext_c(f, n->ext[0]);
	const char *least = sg_name_fresh(&f->names, "least"), *want = grain_text(n);
	const int unit = n->ngroups == 1 ? UNIT : 1;

	s->grain = sg_name_fresh(&f->names, "grain");
	s->count = sg_name_fresh(&f->names, "count");
	sg_line(f, "const ptrdiff_t %s = (%s + %d) / %d * %d;", least, ext, SHARES * unit - 1,
	        SHARES * unit, unit);
	sg_line(f, "const ptrdiff_t %s = %s < %s ? %s : %s;", s->grain, least, want, want, least);
	sg_line(f, "const ptrdiff_t %s = %s > %s ? (%s - 1) / %s + 1 : 1;", s->count, all, s->grain,
	        all, s->grain);
	sg_part_variable(f, s->grain, "ptrdiff_t ");
}

static void
print_shares_by_pool(share *s)
{
	sg_nest *n = s->n;
	sg_fn *f = n->f;
	sg_part_text p;

	sg_part_open(f, &p);
	f->b = p.out;
	f->indent = p.indent;
	declare_grain(s);
	for (size_t i = 0; i < n->s->nroots; i++) {
		const char *type = sg_type_c_name((sg_type)n->s->val[n->s->root[i].val[0]].type);

		sg_part_variable(f, s->sum[i], sg_text(f->ctx, "%s *", type));
		sg_part_variable(f, s->rest[i], sg_text(f->ctx, "%s *", type));
	}
	f->b = &p.text;
	f->indent = 1;
	n->begin = p.begin;
	n->end = p.end;
	sg_print_level(n, 0);
	keep_share(s, sg_text(f->ctx, "%s / %s", p.begin, s->grain));
	sg_part_close(f, &p, sg_ext_bare(f, n->ext[0]), s->grain);
}

void
sg_print_parallel(sg_nest *n)
{
	share s = {.n = n};

	if (!n->shares) {
		print_part(n);
		return;
	}
	s.number = sg_name_fresh(&n->f->names, "share");
	declare_shares(&s);
	if (n->f->m->o->threads)
		print_shares_by_pool(&s);
	else
		print_shares_by_openmp(&s);
	n->begin = n->end = NULL;
	sg_declare_folds(n, false);
	add_shares(&s);
	sg_finish_folds(n, false);
}
