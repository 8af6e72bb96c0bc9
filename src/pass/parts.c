/* parts.c - forward Jacobians by parts of x.
 *
 * A vector of a model's numbers is often several things in a row: three angles of the whole, three
 * shifts, the joints of each finger. Where y reads x by slices, what each element of x flows to is
 * known, and elements that flow to other places have sweeps of their own, each of which goes only
 * where they do. What a product adds for want of a path to it is then not there at all. */
#include "pass/elements.h"

enum {
	MOST_ELEMENTS = 64, /* of x: bits of a set */
	SIZE = 64,          /* what a dimension counts as */
};

/* What parts save, of all sweeps over the whole, at least; and what a single border saves. */
static const double GAIN = 0.2, BORDER = 0.05;

typedef struct part {
	uint32_t from, n;
	double cost; /* of all its sweeps */
} part;

typedef struct parts {
	sg_build *b;
	sg_ref x;
	uint32_t n; /* elements of x */
	sg_cone cone;
	const bool *active;
	uint64_t *set; /* by member of the cone: the elements that flow there */
	double *cost;  /* by member */
	part part[MOST_ELEMENTS];
	uint32_t nparts;
} parts;

static uint64_t
run_of(uint32_t from, uint32_t n)
{
	return (n == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1) << from;
}

/* The elements that slice r takes of x; 0: they are not known. */
static uint64_t
sliced(const parts *p, sg_ref r)
{
	const sg_node n = sg_at(p->b, r);
	int64_t start, step, count;
	uint64_t set = 0;

	if (n.op != SG_SLICE || !sg_ext_const(p->b->sp, (sg_ext)n.attr->w[0], &start) ||
	    !sg_ext_const(p->b->sp, (sg_ext)n.attr->w[1], &step) ||
	    !sg_ext_const(p->b->sp, n.shape->ext[0], &count))
		return 0;
	for (int64_t k = 0; k < count; k++) {
		if (start + k * step < 0 || start + k * step >= p->n)
			return 0;
		set |= (uint64_t)1 << (start + k * step);
	}
	return set;
}

/* Which elements flow where; false: x is read in another way than by slices. */
static bool
flow(parts *p)
{
	for (uint32_t i = 0; i < p->cone.n; i++) {
		const sg_ref r = p->cone.member[i];
		const sg_node n = sg_at(p->b, r);

		if (!p->active[i] || r == p->x)
			continue;
		for (uint32_t k = 0; k < sg_data_args(&n); k++) {
			if (n.args[k] == p->x) {
				p->set[i] = sliced(p, r);
				if (p->set[i] == 0)
					return false;
			} else if (sg_cone_has(&p->cone, n.args[k])) {
				p->set[i] |= p->set[sg_cone_at(&p->cone, n.args[k])];
			}
		}
	}
	return true;
}

static double
cost_of(const parts *p, const int64_t *dims, sg_ref r)
{
	int64_t v;

	return sg_ext_eval(p->b->sp, sg_node_cost(p->b, r), dims, &v) ? (double)v : 0;
}

/* Operations of the sweeps for elements from..from+n-1. */
static double
sweeps(const parts *p, uint32_t from, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < p->cone.n; i++)
		if (p->set[i] & run_of(from, n))
			sum += p->cost[i];
	return n * sum;
}

static double
loss(const parts *p, uint32_t k)
{
	const part *a = &p->part[k], *b = a + 1;

	return sweeps(p, a->from, a->n + b->n) - a->cost - b->cost;
}

/* Neighbours become one, those first that lose least by it. Is what is left worth it? */
static bool
join(parts *p)
{
	const double whole = sweeps(p, 0, p->n);
	double sum = 0;

	while (p->nparts > 1) {
		uint32_t at = 0;

		for (uint32_t k = 1; k + 1 < p->nparts; k++)
			if (loss(p, k) < loss(p, at))
				at = k;
		if (p->nparts <= SG_MOST_PARTS && loss(p, at) > BORDER * whole)
			break;
		p->part[at].n += p->part[at + 1].n;
		p->part[at].cost = sweeps(p, p->part[at].from, p->part[at].n);
		for (uint32_t k = at + 1; k + 1 < p->nparts; k++)
			p->part[k] = p->part[k + 1];
		p->nparts--;
	}
	for (uint32_t k = 0; k < p->nparts; k++)
		sum += p->part[k].cost;
	return p->nparts > 1 && sum < (1 - GAIN) * whole;
}

/* Elements that flow to the same places, in runs. */
static void
find_runs(parts *p)
{
	for (uint32_t e = 0; e < p->n; e++) {
		bool differs = e == 0;

		for (uint32_t i = 0; i < p->cone.n && !differs; i++)
			differs =
			    p->cost[i] > 0 && (p->set[i] >> e & 1) != (p->set[i] >> (e - 1) & 1);
		if (differs)
			p->part[p->nparts++] = (part){.from = e};
		p->part[p->nparts - 1].n++;
	}
	for (uint32_t k = 0; k < p->nparts; k++)
		p->part[k].cost = sweeps(p, p->part[k].from, p->part[k].n);
}

static void
set_costs(parts *p)
{
	const uint32_t ndims = sg_space_ndims(p->b->sp);
	int64_t *dims = SG_NEW_ARRAY(p->b->ctx, int64_t, ndims + 1);

	for (uint32_t d = 0; d < ndims; d++)
		dims[d] = SIZE;
	for (uint32_t i = 0; i < p->cone.n; i++)
		if (p->set[i])
			p->cost[i] = cost_of(p, dims, p->cone.member[i]);
}

/* ---- the sweeps ---- */

/* The tangent of slice r of x for the tangent `seed` of part k. */
static sg_ref
tangent(const parts *p, const part *k, sg_ref r, sg_ref seed)
{
	sg_build *b = p->b;
	const sg_node n = sg_at(b, r);
	sg_ext start = (sg_ext)n.attr->w[0], step = (sg_ext)n.attr->w[1];
	const sg_ext from = sg_ext_int(b->sp, k->from), one = sg_ext_int(b->sp, 1);

	if (sliced(p, r) & ~run_of(k->from, k->n))
		seed = sg_pad(b, seed, sg_shape_of(b, p->x), &from, &one);
	else
		start = sg_ext_sub(b->sp, start, from);
	return sg_slice(b, seed, n.shape, &start, &step);
}

/* The tangent of y for the tangent `seed` of part k. */
static sg_ref
sweep(const parts *p, const part *k, sg_ref y, sg_ref seed)
{
	sg_ref *x = SG_NEW_ARRAY(p->b->ctx, sg_ref, p->cone.n + 1);
	sg_ref *t = SG_NEW_ARRAY(p->b->ctx, sg_ref, p->cone.n + 1);
	size_t n = 0;

	for (uint32_t i = 0; i < p->cone.n; i++) {
		const sg_ref r = p->cone.member[i];

		if (r == p->x || !(p->set[i] & run_of(k->from, k->n)) ||
		    sg_arg(p->b->g, r, 0) != p->x)
			continue;
		x[n] = r;
		t[n++] = tangent(p, k, r, seed);
	}
	return n ? sg_forward(p->b, y, n, x, t) : 0;
}

/* Is x a vector whose elements fit a set? */
static bool
is_vector(const sg_build *b, sg_ref x, uint32_t *n)
{
	const sg_shape *s = sg_shape_of(b, x);
	int64_t v;

	if (s->rank != 1 || !sg_ext_const(b->sp, s->ext[0], &v) || v < 2 || v > MOST_ELEMENTS)
		return false;
	*n = (uint32_t)v;
	return true;
}

uint32_t
sg_sweep_parts(sg_build *b, sg_ref y, sg_ref x, sg_part_sweep *made)
{
	parts p = {.b = b, .x = x};

	if (!is_vector(b, x, &p.n))
		return 0;
	p.cone = sg_cone_make(b, SG_FOLLOW_DERIVS, 1, &y, x);
	p.active = sg_cone_active(b, &p.cone, 1, &x);
	p.set = SG_NEW_ARRAY(b->ctx, uint64_t, p.cone.n + 1);
	p.cost = SG_NEW_ARRAY(b->ctx, double, p.cone.n + 1);
	if (!flow(&p))
		return 0;
	set_costs(&p);
	find_runs(&p);
	if (!join(&p))
		return 0;
	for (uint32_t k = 0; k < p.nparts; k++) {
		const sg_ext n = sg_ext_int(b->sp, p.part[k].n);
		const sg_ref seed = sg_seed(b, sg_type_of(b, x), sg_shape_make(b->sp, 1, &n),
		                            sg_space_fresh(b->sp));

		made[k] = (sg_part_sweep){n, seed, sweep(&p, &p.part[k], y, seed)};
	}
	return p.nparts;
}
