/* band.c - steps that run together, tile by tile.
 *
 * Steps that have an axis in common, the rows, and hand on to each other nothing but whole rows can
 * take turns: some rows (a tile) go through all of them before the next rows do. What they hand on
 * is then no larger than a tile and stays in the cache, and what several of them read comes from
 * memory once. What sums up over the rows is complete behind the band only; who reads it, or reads
 * other rows than its own, stays outside.
 *
 * A band opens at a step with a long leading axis. Of the steps behind it in the order, those that
 * can join do; those that depend on a member and cannot join come after the band, all others before
 * it. A band that would save nothing is left as single steps. */
#include "back/emit.h"

#include <string.h>

enum {
	WINDOW = 256, /* steps that are looked at for one band */
	MANY_ROWS = 128,
	FEW_ROWS = 8, /* not worth tiles */
	LEAST_TILE = 16,
	USUAL_TILE = 64,
	MOST_TILE = 256,
	MOST_WEIGHTS = 1 << 15, /* elements of a product that each tile reads or adds to */
	CACHE = 32 << 10,       /* bytes */
	SECOND_CACHE = 256 << 10,
};

typedef enum { BEFORE, INSIDE, BEHIND } side;

typedef struct finder {
	sg_fn *f;
	sg_ext rows;
	uint32_t guard;             /* that its members have */
	uint32_t turn;              /* number of the band that is looked for */
	uint32_t *joined, *blocked; /* by step: the turn in which it did */
	uint32_t *wrote;            /* by node: the turn in which a member wrote its array */
	uint32_t *noted;            /* by node: the turn in which its array was found local */
	bool *aligned;              /* by node: its members all wrote the rows that they were at */
	uint32_t *users;            /* by node: steps that read or write its array */
	uint32_t *needed;           /* by step: the turn in which a member waits for it */
	uint32_t old[WINDOW], keep[3][WINDOW];
	side side[WINDOW];
} finder;

/* ---- rows of arrays ---- */

static uint32_t
leading_axis(const sg_fn *f, const sg_shape *s)
{
	uint32_t k = 0;

	while (k < s->rank && sg_is_1(f, s->ext[k]))
		k++;
	return k;
}

sg_ext
sg_row_length(sg_fn *f, sg_ref r)
{
	const sg_shape *s = sg_fn_node(f, r)->shape;
	const uint32_t k = leading_axis(f, s) + 1;

	return k <= s->rank ? sg_fn_ext_mul(f, s->ext + k, s->rank - k) : sg_ext_int(f->sp, 1);
}

/* Elements of a row, if the leading axis is the rows. Where that is 0 no index has the row in it. */
static bool
row_length(const finder *w, sg_ref r, sg_ext *length)
{
	const sg_shape *s = sg_fn_node(w->f, r)->shape;
	const uint32_t k = leading_axis(w->f, s);

	*length = sg_row_length(w->f, r);
	return k < s->rank && s->ext[k] == w->rows && !sg_ext_is(w->f->sp, *length, 0);
}

/* Adds to `high` the most that the term can be; false: that is not known, or it can be negative. */
static bool
add_term(const finder *w, sg_ext coef, sg_ext count, sg_ext *high)
{
	sg_space *sp = w->f->sp;
	const sg_ext last = sg_ext_sub(sp, count, sg_ext_int(sp, 1));

	*high = sg_ext_add(sp, *high, sg_ext_mul(sp, coef, last));
	return sg_ext_nonneg(sp, coef);
}

static bool
is_below(const finder *w, sg_ext high, sg_ext length)
{
	sg_space *sp = w->f->sp;

	return sg_ext_nonneg(sp, sg_ext_sub(sp, sg_ext_sub(sp, length, sg_ext_int(sp, 1)), high));
}

/* The values that the variable of a form takes, *lo to *hi; false: not known. What is read within
 * bounds is read where those hold only. */
static bool
range_of(const finder *w, const sg_step *s, uint32_t var, const sg_val *within, sg_ext *lo,
         sg_ext *hi)
{
	const sg_val *v = var < SG_VAR_VALUE ? NULL : &s->val[var - SG_VAR_VALUE];
	const sg_ext one = sg_ext_int(w->f->sp, 1);

	*lo = sg_ext_int(w->f->sp, 0);
	*hi = sg_ext_sub(w->f->sp, v ? v->ext : s->ext[var], one);
	for (uint32_t k = 0; within && k < within->nconds; k++) {
		const sg_within *c = &within->cond[k];

		if (c->form != sg_aff_var(w->f, var))
			continue;
		if (c->check_lo)
			*lo = c->lo;
		if (c->check_hi)
			*hi = sg_ext_sub(w->f->sp, c->hi, one);
	}
	return !v || v->kind == SG_V_AT || v->kind == SG_V_PLACE || v->kind == SG_V_MOD ||
	       v->kind == SG_V_RING;
}

/* Is the element of array r at form a, in each turn of loop `row`, one of that row? */
static bool
in_row(const finder *w, const sg_step *s, sg_ref r, sg_aff a, uint32_t row, const sg_val *within)
{
	const sg_affine form = w->f->aff[a];
	sg_space *sp = w->f->sp;
	sg_ext length, low = form.base, high = form.base, lo, hi;

	if (!row_length(w, r, &length) || sg_aff_coef(w->f, a, row) != length)
		return false;
	for (uint32_t i = 0; i < form.n; i++) {
		const sg_ext coef = form.term[i].coef;

		if (form.term[i].var == row)
			continue;
		if (!range_of(w, s, form.term[i].var, within, &lo, &hi) || !sg_ext_nonneg(sp, coef))
			return false;
		low = sg_ext_add(sp, low, sg_ext_mul(sp, coef, lo));
		high = sg_ext_add(sp, high, sg_ext_mul(sp, coef, hi));
	}
	return sg_ext_nonneg(sp, low) && is_below(w, high, length);
}

/* The same of what value v loads, wherever it is read. */
static bool
loads_in_row(const finder *w, const sg_step *s, uint32_t v, uint32_t row)
{
	const sg_val *x = &s->val[v];
	uint32_t seen = 0;

	for (size_t i = v + 1; x->guarded && seen < x->uses && i < s->nvals; i++) {
		const sg_val *within = &s->val[i];

		if (within->kind != SG_V_WITHIN || within->arg[0] != v)
			continue;
		if (!in_row(w, s, x->ref, x->aff, row, within))
			return false;
		seen++;
	}
	return (seen && seen == x->uses) || in_row(w, s, x->ref, x->aff, row, NULL);
}

bool
sg_loads_in_row(sg_fn *f, sg_ext rows, const sg_step *s, uint32_t v)
{
	const finder w = {.f = f, .rows = rows};

	return loads_in_row(&w, s, v, s->row);
}

/* The axis of a view, of the shape, along which it sees row by row of its array, and in each row
 * nothing else; -1: there is none. */
static int
row_axis(const finder *w, const sg_strided *x, const sg_shape *s)
{
	sg_ext length, high = x->base;
	int axis = -1;

	if (!row_length(w, x->root, &length) || !sg_ext_nonneg(w->f->sp, x->base))
		return -1;
	for (uint32_t k = 0; k < s->rank; k++) {
		if (sg_is_1(w->f, s->ext[k]))
			continue;
		if (axis < 0 && s->ext[k] == w->rows && x->stride[k] == length)
			axis = (int)k;
		else if (!add_term(w, x->stride[k], s->ext[k], &high))
			return -1;
	}
	return axis >= 0 && is_below(w, high, length) ? axis : -1;
}

/* ---- who can join ---- */

static bool
is_member(const finder *w, uint32_t step)
{
	return w->joined[step] == w->turn;
}

static bool
is_handed_on(const finder *w, sg_ref r)
{
	return w->wrote[r] == w->turn;
}

static void
note_write(finder *w, sg_ref r, bool aligned)
{
	w->aligned[r] = aligned && (!is_handed_on(w, r) || w->aligned[r]);
	w->wrote[r] = w->turn;
}

/* A fold over the rows that goes on from tile to tile. */
static bool
can_pause(const sg_fn *f, const sg_root *root)
{
	const uint16_t op = sg_fn_node(f, root->ref)->op;

	return op != SG_ARGMAX && op != SG_ARGMIN && op != SG_CUMSUM && op != SG_LINREC;
}

static bool
writes_array(const sg_fn *f, const sg_root *root)
{
	return root->kind != SG_R_COPY && f->at[root->ref].stored;
}

/* A piece of a CONCAT, or of a branch, which is written to places of its own. */
static bool
is_apart(const sg_fn *f, const sg_root *root)
{
	return root->kind == SG_R_PIECE && sg_join_of(f, root->ref)->npads == 0;
}

static bool
roots_allow(const finder *w, const sg_step *s, uint32_t row)
{
	for (size_t i = 0; i < s->nroots; i++) {
		const sg_root *root = &s->root[i];

		if ((s->mask >> row & 1) && root->kind == SG_R_FOLD &&
		    (root->whole || !can_pause(w->f, root)))
			return false;
		if (writes_array(w->f, root) && is_handed_on(w, root->ref) &&
		    !is_apart(w->f, root) &&
		    !(w->aligned[root->ref] && in_row(w, s, root->ref, root->at, row, NULL)))
			return false;
	}
	return true;
}

/* Tiles of another axis than the first would tear arrays apart. A sum of products has its axes in
 * the order of its operands' labels. */
static bool
is_leading(const finder *w, const sg_step *s, uint32_t row)
{
	return row == 0 ||
	       ((s->mask >> row & 1) && sg_fn_node(w->f, s->root[0].ref)->op == SG_CONTRACT);
}

static bool
nest_joins(const finder *w, const sg_step *s, uint32_t row)
{
	if (s->ext[row] != w->rows || !is_leading(w, s, row) || !roots_allow(w, s, row))
		return false;
	for (size_t i = 1; i < s->nvals; i++) {
		const sg_val *v = &s->val[i];

		if (v->kind == SG_V_LOCAL && w->f->at[v->ref].done &&
		    is_member(w, w->f->at[v->ref].done - 1))
			return false;
		if (v->kind == SG_V_LOAD && is_handed_on(w, v->ref) &&
		    !(w->aligned[v->ref] && loads_in_row(w, s, (uint32_t)i, row)))
			return false;
	}
	return true;
}

static bool
join_nest(finder *w, sg_step *s)
{
	uint32_t row = 0;

	while (row < s->nloops && !nest_joins(w, s, row))
		row++;
	if (row == s->nloops)
		return false;
	s->row = row;
	for (size_t i = 0; i < s->nroots; i++)
		if (writes_array(w->f, &s->root[i]))
			note_write(w, s->root[i].ref,
			           in_row(w, s, s->root[i].ref, s->root[i].at, row, NULL));
	return true;
}

/* Operand k of call r: nothing of the band, or row by row with this stride. */
static bool
operand_allows(const finder *w, sg_ref r, uint32_t k, sg_ext stride)
{
	const sg_ref a = sg_arg(w->f->g, r, k);
	const sg_shape *s = sg_fn_node(w->f, a)->shape;
	sg_strided x;
	int axis;

	(void)sg_strided_of(w->f, a, &x);
	if (w->f->at[x.root].unit)
		return !(w->f->at[x.root].done && is_member(w, w->f->at[x.root].done - 1));
	if (!is_handed_on(w, x.root))
		return true;
	axis = row_axis(w, &x, s);
	return w->aligned[x.root] && axis >= 0 && x.stride[axis] == stride;
}

/* A product reads, or adds to, all that is not of the rows once for each tile. Large products are
 * best left whole. */
static bool
is_light(const finder *w, const sg_product *p, uint32_t role)
{
	const sg_ext size[2] = {role == SG_ROLE_TERM ? p->m : p->k, p->n};
	int64_t v;

	return !sg_ext_const(w->f->sp, sg_fn_ext_mul(w->f, size, 2), &v) || v <= MOST_WEIGHTS;
}

static bool
join_product(finder *w, sg_step *s)
{
	const sg_node *n = sg_fn_node(w->f, s->ref);
	sg_strided x, y;
	sg_product p;

	(void)sg_strided_of(w->f, n->args[0], &x);
	(void)sg_strided_of(w->f, n->args[1], &y);
	sg_contract_plan(w->f, s->ref, &x, &y, &p);
	for (uint32_t i = 0; i < SG_NROLES + p.nloops; i++) {
		const sg_role role = sg_product_role(&p, i);
		sg_ext length;
		const bool leads = row_length(w, s->ref, &length) && role.c == length;

		if (role.ext != w->rows || i == SG_ROLE_COLUMN || !is_light(w, &p, i) ||
		    !(leads || sg_ext_is(w->f->sp, role.c, 0)) ||
		    !operand_allows(w, s->ref, 0, p.swapped ? role.b : role.a) ||
		    !operand_allows(w, s->ref, 1, p.swapped ? role.a : role.b))
			continue;
		s->row = i;
		note_write(w, s->ref, leads);
		return true;
	}
	return false;
}

static bool
is_row_kernel(uint16_t op)
{
	return op == SG_SOFTMAX || op == SG_LOG_SOFTMAX || op == SG_LOGSUMEXP || op == SG_NORM ||
	       op == SG_AMAX || op == SG_AMIN || op == SG_ARGMAX || op == SG_ARGMIN;
}

static bool
join_row_kernel(finder *w, sg_step *s)
{
	const sg_ref a = sg_arg(w->f->g, s->ref, 0);
	const sg_shape *shape = sg_fn_node(w->f, a)->shape;
	sg_ext length;
	sg_strided x;
	const uint32_t k = leading_axis(w->f, shape);

	if (k + 1 >= shape->rank || shape->ext[k] != w->rows || !row_length(w, s->ref, &length))
		return false;
	(void)sg_strided_of(w->f, a, &x);
	if (w->f->at[x.root].unit || !operand_allows(w, s->ref, 0, x.stride[k]))
		return false;
	s->row = k;
	note_write(w, s->ref, true);
	if (s->with)
		note_write(w, s->with, true);
	return true;
}

/* An array that is put together is complete when all its parts are, row by row. */
static bool
join_done(finder *w, const sg_step *s)
{
	for (size_t k = 0; k < s->ndeps; k++)
		if (is_member(w, s->dep[k]))
			return is_handed_on(w, s->ref) && w->aligned[s->ref];
	return false;
}

static bool
join_fill(finder *w, const sg_step *s)
{
	sg_ext length;

	if (!row_length(w, s->ref, &length))
		return false;
	note_write(w, s->ref, true);
	return true;
}

static bool
join(finder *w, sg_step *s)
{
	if (s->guard != w->guard && s->kind != SG_S_DONE)
		return false;
	switch ((sg_step_kind)s->kind) {
	case SG_S_NEST:
		return join_nest(w, s);
	case SG_S_CALL:
		if (sg_fn_node(w->f, s->ref)->op == SG_CONTRACT)
			return join_product(w, s);
		return is_row_kernel(sg_fn_node(w->f, s->ref)->op) && join_row_kernel(w, s);
	case SG_S_DONE:
		return join_done(w, s);
	case SG_S_FILL:
		return join_fill(w, s);
	case SG_S_LOOP:
	case SG_S_TEST:
	case SG_S_TURN:
		break;
	}
	return false;
}

/* ---- one band ---- */

static side
side_of(finder *w, uint32_t step)
{
	sg_step *s = &w->f->step[step];
	bool depends = false;

	for (size_t k = 0; k < s->ndeps; k++) {
		if (w->blocked[s->dep[k]] == w->turn)
			return BEHIND;
		depends = depends || is_member(w, s->dep[k]);
	}
	return join(w, s) ? INSIDE : depends ? BEHIND : BEFORE;
}

/* What no member waits for can wait for a band of its own. */
static void
put_off(finder *w, uint32_t lo, uint32_t hi)
{
	for (uint32_t i = hi; i-- > lo;) {
		const uint32_t step = w->f->order[i];
		const sg_step *s = &w->f->step[step];

		if (w->side[i - lo] == BEFORE && w->needed[step] != w->turn)
			w->side[i - lo] = BEHIND;
		for (size_t k = 0; w->side[i - lo] != BEHIND && k < s->ndeps; k++)
			w->needed[s->dep[k]] = w->turn;
	}
}

/* Sorts order[lo..hi) into before, inside, behind; inside begins and ends at the places given back.
 */
static void
sort_steps(finder *w, uint32_t lo, uint32_t hi, uint32_t *inside, uint32_t *behind)
{
	uint32_t *order = w->f->order, n[3] = {0};

	for (uint32_t i = lo; i < hi; i++) {
		const side at = side_of(w, order[i]);

		w->side[i - lo] = at;
		if (at != BEFORE)
			(at == INSIDE ? w->joined : w->blocked)[order[i]] = w->turn;
	}
	put_off(w, lo, hi);
	for (uint32_t i = lo; i < hi; i++) {
		const side at = w->side[i - lo];

		w->keep[at][n[at]++] = order[i];
	}
	for (int k = 0; k < 3; k++) {
		if (n[k])
			memcpy(order + lo, w->keep[k], n[k] * sizeof *order);
		lo += n[k];
		if (k == BEFORE)
			*inside = lo;
		if (k == INSIDE)
			*behind = lo;
	}
}

/* ---- what it saves ---- */

typedef struct touched {
	sg_ref *array; /* that members read or write */
	size_t n, cap;
} touched;

static void
count_users(finder *w, const uint32_t *order, uint32_t lo, uint32_t hi, int by)
{
	for (uint32_t i = lo; i < hi; i++) {
		const sg_step *s = &w->f->step[order[i]];

		for (size_t k = 0; k < s->nreads; k++)
			w->users[s->read[k]] += (uint32_t)by;
	}
}

/* Arrays of rows that nobody outside reads are made as large as a tile. */
static bool
is_local(const finder *w, sg_ref r)
{
	const sg_place *p = &w->f->at[r];

	return is_handed_on(w, r) && w->aligned[r] && !p->out && p->kind != SG_P_ROOM &&
	       p->kind != SG_P_PICK && w->users[r] == 0;
}

static bool
is_work(const sg_step *s)
{
	return s->kind == SG_S_NEST || s->kind == SG_S_CALL;
}

/* Notes the arrays that become local, and gives back the bytes of a row of all of them; 0: none. */
static sg_ext
find_local(finder *w, uint32_t lo, uint32_t hi, touched *local)
{
	sg_fn *f = w->f;
	sg_ext bytes = sg_ext_int(f->sp, 0), length;

	for (uint32_t i = lo; i < hi; i++) {
		const sg_step *s = &f->step[f->order[i]];

		for (size_t k = 0; k < s->nreads; k++) {
			const sg_ref r = s->read[k];

			if (w->noted[r] == w->turn || !is_local(w, r) || !row_length(w, r, &length))
				continue;
			w->noted[r] = w->turn;
			SG_PUSH(f->ctx, local->array, local->n, local->cap, r);
			bytes = sg_ext_add(
			    f->sp, bytes,
			    sg_ext_mul(f->sp, length,
			               sg_ext_int(f->sp, (int64_t)sg_type_size(
							     (sg_type)sg_fn_node(f, r)->type))));
		}
	}
	return bytes;
}

/* Does a product read, for each tile, what fills the cache by itself? */
static bool
is_heavy(const finder *w, const sg_step *s)
{
	sg_fn *f = w->f;
	sg_strided x, y;
	sg_product p;
	int64_t v;

	(void)sg_strided_of(f, sg_arg(f->g, s->ref, 0), &x);
	(void)sg_strided_of(f, sg_arg(f->g, s->ref, 1), &y);
	sg_contract_plan(f, s->ref, &x, &y, &p);
	const sg_type t = (sg_type)sg_fn_node(f, s->ref)->type;
	const sg_ext size[3] = {s->row == SG_ROLE_TERM ? p.m : p.k, p.n,
	                        sg_ext_int(f->sp, (int64_t)sg_type_size(t))};

	return sg_ext_const(f->sp, sg_fn_ext_mul(f, size, 3), &v) && v >= CACHE;
}

/* What the products of a band are like. */
typedef struct products {
	bool any;   /* that take rows together */
	bool heavy; /* one of them */
} products;

/* Products want many rows at once, save those of which each row has one of its own, and where they
 * are heavy what is handed on may as well lie in the second cache. Few rows are worth it if each is
 * long: one at a time. 0: they are not. */
static uint32_t
tile_of(const finder *w, sg_ext bytes, products p)
{
	const uint32_t least = p.any ? USUAL_TILE : LEAST_TILE;
	const int64_t cache = p.heavy ? SECOND_CACHE : CACHE;
	sg_fn *f = w->f;
	int64_t v, rows;
	uint32_t tile = MOST_TILE;

	if (sg_ext_const(f->sp, w->rows, &rows) && rows < MANY_ROWS)
		return !sg_ext_const(f->sp, bytes, &v) || v >= CACHE;
	if (!sg_ext_const(f->sp, bytes, &v))
		return USUAL_TILE;
	if (!p.any && v > SECOND_CACHE / LEAST_TILE)
		return v < SECOND_CACHE ? (uint32_t)(SECOND_CACHE / v) : 1;
	while (tile > least && v > cache / tile)
		tile /= 2;
	return tile;
}

/* Sums over the rows that leave axes are arrays to which each tile adds. */
static void
carry_sums(sg_fn *f, sg_step *s)
{
	uint32_t kept = 0;

	if (s->kind != SG_S_NEST || !(s->mask >> s->row & 1))
		return;
	for (uint32_t k = 0; k < s->nloops; k++)
		kept += !(s->mask >> k & 1);
	for (size_t i = 0; kept && i < s->nroots; i++) {
		const sg_node *n = sg_fn_node(f, s->root[i].ref);

		if (s->mask == 1u << s->row)
			s->root[i].tree = false; /* a tile is short */
		if (s->root[i].kind == SG_R_FOLD && sg_type_is_float((sg_type)n->type) &&
		    (n->op == SG_SUM || n->op == SG_CONTRACT || n->op == SG_UNWINDOW))
			f->at[s->root[i].ref].carried = true;
	}
}

/* Of steps lo..hi of the order. */
static products
find_products(const finder *w, uint32_t lo, uint32_t hi)
{
	products p = {false, false};

	for (uint32_t i = lo; i < hi && !p.heavy; i++) {
		const sg_step *s = &w->f->step[w->f->order[i]];

		if (s->kind != SG_S_CALL || sg_fn_node(w->f, s->ref)->op != SG_CONTRACT)
			continue;
		p.any = p.any || s->row < SG_NROLES;
		p.heavy = is_heavy(w, s);
	}
	return p;
}

/* Steps lo..hi of the order become a band, if that saves anything. */
static bool
make_band(finder *w, uint32_t lo, uint32_t hi)
{
	sg_fn *f = w->f;
	touched local = {0};
	uint32_t nwork = 0, tile;
	sg_ext bytes;

	for (uint32_t i = lo; i < hi; i++)
		nwork += is_work(&f->step[f->order[i]]);
	if (nwork < 2)
		return false;
	count_users(w, f->order, lo, hi, -1);
	bytes = find_local(w, lo, hi, &local);
	count_users(w, f->order, lo, hi, 1);
	if (local.n == 0)
		return false;
	tile = tile_of(w, bytes, find_products(w, lo, hi));
	if (tile == 0)
		return false;
	SG_PUSH(f->ctx, f->band, f->nbands, f->band_cap,
	        (sg_band){.rows = w->rows, .first = lo, .n = hi - lo, .tile = tile});
	for (uint32_t i = lo; i < hi; i++) {
		f->step[f->order[i]].band = (uint32_t)f->nbands;
		carry_sums(f, &f->step[f->order[i]]);
	}
	for (size_t i = 0; i < local.n; i++)
		f->at[local.array[i]].band = (uint32_t)f->nbands;
	return true;
}

/* ---- all bands ---- */

/* The rows that a band could have that opens with the step. */
static bool
opens(const sg_fn *f, const sg_step *s, sg_ext *rows)
{
	const sg_shape *shape = sg_fn_node(f, s->ref)->shape;
	const uint32_t k = leading_axis(f, shape);
	int64_t v;

	if (s->kind == SG_S_NEST && s->nloops > 0) {
		*rows = s->ext[0];
	} else if (s->kind == SG_S_CALL && k < shape->rank) {
		*rows = shape->ext[k];
	} else {
		return false;
	}
	return !sg_ext_const(f->sp, *rows, &v) || v >= FEW_ROWS;
}

/* Steps lo..end of the order: bands are put together. */
static void
arrange(finder *w, uint32_t lo, uint32_t end)
{
	sg_fn *f = w->f;
	uint32_t inside = lo, behind = lo; /* gcc -O1 does not see that they are set */

	while (lo < end) {
		if (!opens(f, &f->step[f->order[lo]], &w->rows)) {
			lo++;
			continue;
		}
		const uint32_t hi = end - lo < WINDOW ? end : lo + WINDOW;
		const size_t size = (hi - lo) * sizeof *f->order;

		memcpy(w->old, f->order + lo, size);
		w->turn++;
		w->guard = f->step[f->order[lo]].guard;
		sort_steps(w, lo, hi, &inside, &behind);
		if (make_band(w, inside, behind)) {
			arrange(w, lo, inside);
			lo = behind;
			continue;
		}
		memcpy(f->order + lo, w->old, size);
		lo++;
	}
}

/* requires: an order, values.  ensures: the order is one still; bands are together in it. */
void
sg_find_bands(sg_fn *f)
{
	finder *w = SG_NEW(f->ctx, finder);

	if (f->m->o->openmp) /* threads want long loops */
		return;
	w->f = f;
	w->joined = SG_NEW_ARRAY(f->ctx, uint32_t, f->nsteps + 1);
	w->blocked = SG_NEW_ARRAY(f->ctx, uint32_t, f->nsteps + 1);
	w->needed = SG_NEW_ARRAY(f->ctx, uint32_t, f->nsteps + 1);
	w->wrote = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n);
	w->noted = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n);
	w->aligned = SG_NEW_ARRAY(f->ctx, bool, f->g->n);
	w->users = SG_NEW_ARRAY(f->ctx, uint32_t, f->g->n);
	count_users(w, f->order, 0, (uint32_t)f->nsteps, 1);
	arrange(w, 0, (uint32_t)f->nsteps);
	sg_turn_bands(f);
}
