/* ring.c - what is turned in a ring, read in place.
 *
 * roll(x, 1) is x[N - 1:] and behind it x[:N - 1]. Written out it would be a copy of x. Where it is
 * read element by element, its element i is that of x at i - 1, or at i - 1 + N where that is less
 * than 0. In loops around the innermost one that costs nothing; where it is the index of the
 * innermost one, borders.c makes loops of it that ask for nothing, and for libtcc a routine finds
 * the elements of a tile (blocks_ring.c). */
#include "back/demand.h"

enum {
	LONG = 16,      /* elements of a row that are worth a loop */
	LONG_ROW = 128, /* a tile of libtcc by themselves */
	MANY = 32,      /* along the ring */
	MOST = 4,       /* of those one may go around the end */
};

/* ---- which are read in place ---- */

typedef struct circle {
	sg_ring ring;
	sg_ext whole, row; /* extent of its axis; elements behind it */
	bool leads;        /* nothing is before its axis */
} circle;

static circle
circle_of(const sg_fn *f, sg_ref r)
{
	const sg_shape *s = f->g->node[r].shape;
	circle c = {.row = sg_ext_int(f->sp, 1), .leads = true};

	sg_need(f->ctx, sg_ring_of(f->g, r, &c.ring), "a ring");
	c.whole = s->ext[c.ring.axis];
	for (uint32_t k = 0; k < s->rank; k++)
		if (k > c.ring.axis)
			c.row = sg_ext_mul(f->sp, c.row, s->ext[k]);
		else
			c.leads = c.leads && (k == c.ring.axis || sg_is_1(f, s->ext[k]));
	return c;
}

/* Are the rows so short that the index in the array goes around, and not that of the row? */
static bool
has_short_rows(const sg_fn *f, const circle *c)
{
	const int64_t least = f->m->o->jit ? LONG_ROW : LONG;
	int64_t row;

	return !sg_is_1(f, c->row) && sg_ext_const(f->sp, c->row, &row) && row < least;
}

/* Do few go around the end, wherever there are many, and the others by i less `all - start`? */
static bool
goes_down(const sg_fn *f, const circle *c, bool *few)
{
	const double *all = sg_ext_samples(f->sp, c->whole),
		     *start = sg_ext_samples(f->sp, c->ring.start);
	bool up = true, down = true;

	for (int k = 0; k < SG_SAMPLES; k++) {
		up = up && !(all[k] >= MANY && start[k] > all[k] / MOST);
		down = down && !(all[k] >= MANY && all[k] - start[k] > all[k] / MOST);
	}
	*few = up || down;
	return down;
}

static bool
is_worth_it(const sg_fn *f, sg_ref r)
{
	const circle c = circle_of(f, r);
	const bool is_short = has_short_rows(f, &c);
	int64_t n;
	bool few;

	if (f->m->o->jit && sg_fn_node(f, r)->type == SG_BOOL)
		return false; /* no routine */
	if (!is_short && !sg_is_1(f, c.row))
		return true;
	if ((is_short && !c.leads) || (sg_ext_const(f->sp, c.whole, &n) && n < MANY))
		return false;
	goes_down(f, &c, &few);
	return few || f->m->o->jit;
}

/* Does it read each element of its operands for its own element? */
static bool
reads_own(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);

	return f->at[r].kind == SG_P_CALC ? sg_is_ew(n->op) || n->op == SG_CAST
	                                  : f->at[r].kind == SG_P_FOLD && n->op == SG_SUM;
}

static bool
has_ring(const sg_fn *f, const bool *live)
{
	sg_ring ring;

	for (sg_ref r = 1; r < f->g->n; r++)
		if (live[r] && f->at[r].kind == SG_P_JOIN && sg_ring_of(f->g, r, &ring))
			return true;
	return false;
}

/* Those of which all readers go element by element. */
void
sg_find_rings(sg_fn *f, const bool *live, const bool *is_out)
{
	bool *other;

	if (!has_ring(f, live))
		return;
	other = SG_NEW_ARRAY(f->ctx, bool, f->g->n);
	for (sg_ref r = 1; r < f->g->n; r++)
		for (uint32_t k = 0; live[r] && k < sg_fn_nargs(f, r); k++)
			other[sg_fn_arg(f, r, k)] |= !reads_own(f, r);
	for (sg_ref r = 1; r < f->g->n; r++) {
		sg_ring ring;

		if (live[r] && !other[r] && !is_out[r] && f->at[r].kind == SG_P_JOIN &&
		    sg_ring_of(f->g, r, &ring) && is_worth_it(f, r))
			f->at[r].kind = SG_P_CALC;
	}
}

/* ---- indices ---- */

/* The form, as if no index went around the end of a ring of this extent, or SG_NO_MOST: of any. Of
 * a ring of `whole` it is the same index, or one that lies whole turns away. */
sg_aff
sg_straight_in(sg_fn *f, const sg_step *s, sg_aff a, sg_ext whole)
{
	for (uint32_t i = 0; i < f->aff[a].n; i++) {
		const sg_aff_term t = f->aff[a].term[i];
		const bool is_value = t.var >= SG_VAR_VALUE && t.var < SG_VAR_LANE;
		const sg_val *v = is_value ? &s->val[t.var - SG_VAR_VALUE] : NULL;
		sg_aff in;

		if (!v || v->kind != SG_V_RING || (whole != (sg_ext)SG_NO_MOST && v->ext != whole))
			continue;
		in = sg_aff_add(f, v->aff,
		                sg_aff_scale(f, sg_aff_var(f, t.var), sg_ext_int(f->sp, -1)));
		return sg_straight_in(f, s, sg_aff_add(f, a, sg_aff_scale(f, in, t.coef)), whole);
	}
	return a;
}

sg_aff
sg_straight(sg_fn *f, const sg_step *s, sg_aff a)
{
	return sg_straight_in(f, s, a, (sg_ext)SG_NO_MOST);
}

/* By how many an element goes on, of a ring of `whole`: where that is 1 unless there are none, 1.
 */
static sg_ext
turn(const sg_fn *f, sg_ext by, sg_ext whole)
{
	sg_space *sp = f->sp;
	const sg_ext one = sg_ext_int(sp, 1),
		     is_empty = sg_ext_div(sp, one, sg_ext_add(sp, whole, one));

	return by == sg_ext_sub(sp, one, is_empty) ? one : by;
}

/* The index x, of a ring of `whole`, that may be below 0, or not below its end. */
static sg_aff
index_in(sg_asker *a, sg_aff x, sg_ext whole, bool down)
{
	sg_fn *f = a->f;
	const sg_ext zero = sg_ext_int(f->sp, 0);
	const sg_ext more = down ? whole : sg_ext_sub(f->sp, zero, whole);
	const sg_aff straight = sg_straight_in(f, &f->step[a->step], x, whole);
	const sg_within cond = {
	    .form = x, .lo = zero, .hi = whole, .check_lo = down, .check_hi = !down};
	const uint32_t key[] = {whole, down};

	if (sg_is_below(a, x, whole))
		return x;
	if (straight != x && sg_is_below(a, straight, whole))
		return straight;
	return sg_value_var(f, sg_val_once(a, SG_KEY_RING, x, 2, key,
	                                   (sg_val){.kind = SG_V_RING,
	                                            .type = SG_I64,
	                                            .aff = x,
	                                            .ext = whole,
	                                            .more = more,
	                                            .cond = sg_copy(f->ctx, &cond, sizeof cond),
	                                            .nconds = 1}));
}

sg_spot
sg_around(sg_asker *a, sg_ref r, const sg_spot *ix, sg_ref *of)
{
	sg_fn *f = a->f;
	const circle c = circle_of(f, r);
	const sg_shape *s = f->g->node[r].shape;
	const bool flat = has_short_rows(f, &c);
	const sg_ext each = flat ? c.row : sg_ext_int(f->sp, 1);
	const sg_ext rest = turn(f, sg_ext_sub(f->sp, c.whole, c.ring.start), c.whole);
	bool few;
	const bool down = goes_down(f, &c, &few);
	const sg_ext by =
	    down ? sg_ext_sub(f->sp, sg_ext_int(f->sp, 0), rest) : turn(f, c.ring.start, c.whole);
	sg_spot to = {.flat = true, .n = 1};
	sg_aff *at = to.at;

	*of = c.ring.x;
	if (flat) {
		to.at[0] = sg_linear_from(f, ix, s, 0);
	} else {
		to = sg_unflatten(a, ix, s);
		at = &to.at[c.ring.axis];
	}
	*at = sg_aff_add(f, *at, sg_aff_ext(f, sg_ext_mul(f->sp, by, each)));
	*at = index_in(a, *at, sg_ext_mul(f->sp, c.whole, each), down);
	return to;
}
