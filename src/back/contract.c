/* contract.c - a CONTRACT as calls of the matrix product: which labels are its rows, columns and
 * sums.
 *
 * Labels of the result that x alone has are rows (m), those of y alone columns (n), those of both a
 * batch; summed labels are k. A role takes the innermost of its labels and, where the strides
 * agree, its neighbours; the other labels become loops around the call. The columns of the result
 * must be contiguous, so that x and y change places where the last label of the result is one of x.
 */
#include "back/emit.h"

/* Multiplications up to which a call would cost more than it brings: of a vector and a matrix;
 * where compilers make SIMD of the columns; in other cases; by libtcc. Measured. */
enum { SMALL_VECTOR = 4096, SMALL = 2048, SMALL_NARROW = 768, SMALL_JIT = 16, VECTOR = 8 };
/* Multiplications in each of many rows, and in each of many products; terms of a sum. */
enum { SMALL_ROW = 32, SMALL_PRODUCT = 64, FEW_TERMS = 4 };

typedef struct label {
	sg_ext ext;
	bool in_x, in_y, in_out;
	sg_ext x, y, out; /* strides; 0 where it is not */
} label;

typedef struct labels {
	label item[3 * SG_MAX_RANK];
	uint32_t n, nout; /* those of the result first, in its order */
} labels;

static int
find(const int64_t *w, int64_t n, int64_t what)
{
	for (int64_t i = 0; i < n; i++)
		if (w[i] == what)
			return (int)i;
	return -1;
}

/* Labels of extent 1 are left out. Strides of x and y are taken from xs, ys if given. */
static labels
collect(sg_fn *f, sg_ref r, const sg_strided *xs, const sg_strided *ys)
{
	const sg_node *c = sg_fn_node(f, r);
	const int64_t *w = c->attr->w, *lx = w + 3, *ly = lx + w[0], *lo = ly + w[1];
	const sg_shape *sx = f->g->node[c->args[0]].shape, *sy = f->g->node[c->args[1]].shape;
	const sg_ext zero = sg_ext_int(f->sp, 0);
	labels l = {.n = 0};

	for (int pass = 0; pass < 2; pass++) {
		const int64_t *list = pass ? lx : lo;
		const int64_t count = pass ? w[0] : w[2];

		for (int64_t i = 0; i < count; i++) {
			const int at_x = find(lx, w[0], list[i]), at_y = find(ly, w[1], list[i]);
			label a = {.in_x = at_x >= 0,
			           .in_y = at_y >= 0,
			           .in_out = pass == 0,
			           .x = zero,
			           .y = zero,
			           .out = zero};

			if (pass == 1 && find(lo, w[2], list[i]) >= 0)
				continue;
			a.ext = at_x >= 0 ? sx->ext[at_x] : sy->ext[at_y];
			if (sg_is_1(f, a.ext))
				continue;
			if (xs && at_x >= 0)
				a.x = xs->stride[at_x];
			if (ys && at_y >= 0)
				a.y = ys->stride[at_y];
			l.item[l.n++] = a;
		}
		if (pass == 0)
			l.nout = l.n;
	}
	for (uint32_t i = l.nout; i-- > 0;)
		l.item[i].out = i + 1 == l.nout
		                    ? sg_ext_int(f->sp, 1)
		                    : sg_ext_mul(f->sp, l.item[i + 1].out, l.item[i + 1].ext);
	return l;
}

/* Many products of matrices with a few elements, or rows that sum up a few: compilers unroll these,
 * libtcc does not. */
static bool
has_small_rows(sg_fn *f, const labels *l)
{
	int64_t terms = 1, columns = 1, most = SMALL_ROW, v;

	if (f->m->o->jit)
		return false;
	for (uint32_t i = l->nout; i < l->n && terms <= SMALL_PRODUCT; i++)
		terms *= sg_ext_const(f->sp, l->item[i].ext, &v) && v <= SMALL_PRODUCT ? v : SMALL;
	for (uint32_t i = l->nout; i-- > 0 && columns <= SMALL_PRODUCT; columns *= v) {
		const label *a = &l->item[i];

		if (!sg_ext_const(f->sp, a->ext, &v) || v > SMALL_PRODUCT)
			break;
		if (a->in_x != a->in_y && a->in_x != l->item[l->nout - 1].in_x)
			break; /* another row */
		if (a->in_x && a->in_y) {
			most = SMALL_PRODUCT;
			break;
		}
	}
	if (terms <= FEW_TERMS)
		return columns <= SMALL_ROW;
	return columns > 1 && terms * columns <= most;
}

/* Does an operand lie along the columns of the result, which are vectors? */
static bool
has_vectors(const sg_fn *f, sg_ref r, const labels *l)
{
	const sg_node *c = sg_fn_node(f, r);
	const int64_t *w = c->attr->w, *lx = w + 3, *ly = lx + w[0], *lo = ly + w[1];
	const int64_t column = w[2] > 0 ? lo[w[2] - 1] : -1;
	int64_t v;

	return sg_ext_const(f->sp, l->item[l->nout - 1].ext, &v) && v >= VECTOR &&
	       ((w[0] > 0 && lx[w[0] - 1] == column) || (w[1] > 0 && ly[w[1] - 1] == column));
}

static int64_t
most_by_loops(const sg_fn *f, sg_ref r, const labels *l)
{
	bool x = false, y = false;

	if (f->m->o->jit)
		return SMALL_JIT;
	for (uint32_t i = 0; i < l->nout; i++) {
		x = x || l->item[i].in_x;
		y = y || l->item[i].in_y;
	}
	return !x || !y ? SMALL_VECTOR : has_vectors(f, r, l) ? SMALL : SMALL_NARROW;
}

bool
sg_contract_is_loops(sg_fn *f, sg_ref r)
{
	const labels l = collect(f, r, NULL, NULL);
	int64_t product = 1, most, v;
	bool large = false;

	if (!sg_type_is_float((sg_type)sg_fn_node(f, r)->type) || l.nout == 0 || l.n == l.nout)
		return true;
	most = most_by_loops(f, r, &l);
	for (uint32_t i = 0; i < l.n; i++) {
		const label *a = &l.item[i];

		if (a->in_x && a->in_y && a->in_out && !f->m->o->jit)
			continue; /* of many products each is a call */
		if (!sg_ext_const(f->sp, a->ext, &v))
			large = true;
		else if (!large && product <= most)
			product = v <= most ? product * v : most + 1;
	}
	if ((!large && product <= most) || has_small_rows(f, &l))
		return true;
	return l.item[l.nout - 1].in_x && l.item[l.nout - 1].in_y;
}

/* Does a product of known extents, in loops, read each number of operand k many times? */
bool
sg_contract_reads_often(sg_fn *f, sg_ref r, uint32_t k)
{
	enum { OFTEN = 9 };
	int64_t times = 1, v;

	if (f->m->o->jit || sg_fn_node(f, r)->op != SG_CONTRACT)
		return false;
	const labels l = collect(f, r, NULL, NULL);
	for (uint32_t i = 0; i < l.n; i++) {
		const label *a = &l.item[i];

		if (!sg_ext_const(f->sp, a->ext, &v) || v > SMALL_VECTOR)
			return false;
		if (k == 0 ? !a->in_x : !a->in_y)
			times = times > OFTEN ? times : times * v;
	}
	return times >= OFTEN;
}

/* ---- roles ---- */

typedef enum { ROW, COLUMN, TERM, BATCH } role;

static role
role_of(const label *a, bool swapped)
{
	const bool in_a = swapped ? a->in_y : a->in_x, in_b = swapped ? a->in_x : a->in_y;

	return !a->in_out ? TERM : in_a && in_b ? BATCH : in_a ? ROW : COLUMN;
}

static bool
joins(sg_fn *f, const label *outer, const label *inner)
{
	return outer->x == sg_ext_mul(f->sp, inner->x, inner->ext) &&
	       outer->y == sg_ext_mul(f->sp, inner->y, inner->ext) &&
	       outer->out == sg_ext_mul(f->sp, inner->out, inner->ext);
}

static sg_role
as_role(const label *a, bool swapped)
{
	return (sg_role){a->ext, swapped ? a->y : a->x, swapped ? a->x : a->y, a->out};
}

sg_role
sg_product_role(const sg_product *p, uint32_t i)
{
	if (i < SG_NROLES)
		return p->head[i];
	i -= SG_NROLES;
	return (sg_role){p->ext[i], p->a_step[i], p->b_step[i], p->c_step[i]};
}

/* Gives the role its labels, which leave the list; those that do not fit stay. */
static label
take(sg_fn *f, labels *l, role want, bool swapped, sg_role *head)
{
	const sg_ext zero = sg_ext_int(f->sp, 0), one = sg_ext_int(f->sp, 1);
	label taken = {.ext = one, .x = zero, .y = zero, .out = zero};
	bool any = false;

	*head = as_role(&taken, swapped);
	for (uint32_t i = l->n; i-- > 0;) {
		label *a = &l->item[i];

		if (role_of(a, swapped) != want || (any && !joins(f, a, &taken)))
			continue;
		*head = as_role(a, swapped);
		if (any) {
			taken.ext = sg_ext_mul(f->sp, taken.ext, a->ext);
		} else {
			taken = *a;
			any = true;
		}
		for (uint32_t k = i; k + 1 < l->n; k++)
			l->item[k] = l->item[k + 1];
		l->n--;
	}
	return taken;
}

static bool
is_few(const sg_fn *f, const label *a)
{
	int64_t v;

	return sg_ext_const(f->sp, a->ext, &v) && v <= FEW_TERMS;
}

/* A vector times matrices, of whose columns the last label has few and the one before many, and
 * does not join it: calls for those few are worth more, and the many are rows then, in any stride.
 * The two change places in the list. */
static bool
has_long_rows(sg_fn *f, labels *l)
{
	label *last = l->nout > 1 ? &l->item[l->nout - 1] : NULL, turned;

	for (uint32_t i = 0; i < l->nout; i++)
		if (l->item[i].in_x)
			return false;
	if (!last || !is_few(f, last) || is_few(f, last - 1) || joins(f, last - 1, last))
		return false;
	turned = last[-1], last[-1] = last[0], last[0] = turned;
	return true;
}

void
sg_contract_plan(sg_fn *f, sg_ref r, const sg_strided *x, const sg_strided *y, sg_product *p)
{
	labels l = collect(f, r, x, y);
	bool columns = false;

	*p = (sg_product){.swapped = false};
	for (uint32_t i = 0; i < l.nout; i++)
		columns = columns || (l.item[i].in_y && !l.item[i].in_x);
	/* without columns the rows may lie in any stride: a matrix times a vector */
	p->swapped = columns && (l.item[l.nout - 1].in_x || has_long_rows(f, &l));
	const label n = take(f, &l, COLUMN, p->swapped, &p->head[SG_ROLE_COLUMN]);
	const label m = take(f, &l, ROW, p->swapped, &p->head[SG_ROLE_ROW]);
	const label k = take(f, &l, TERM, p->swapped, &p->head[SG_ROLE_TERM]);

	p->m = m.ext, p->n = n.ext, p->k = k.ext;
	p->a_row = p->swapped ? m.y : m.x, p->a_col = p->swapped ? k.y : k.x;
	p->b_row = p->swapped ? k.x : k.y, p->b_col = p->swapped ? n.x : n.y;
	p->c_row = m.out;
	for (uint32_t i = 0; i < l.n; i++) {
		const label *a = &l.item[i];
		const sg_role step = as_role(a, p->swapped);

		p->ext[i] = step.ext;
		p->a_step[i] = step.a;
		p->b_step[i] = step.b;
		p->c_step[i] = step.c;
		p->accumulate = p->accumulate || !a->in_out;
	}
	p->nloops = l.n;
}
