/* blocks_loop.c - which loop of a nest goes in tiles, for libtcc.
 *
 * The innermost one; but where that is short, a longer one goes inside, and where it sums up
 * elements that lie apart in memory or at indices, one along which they lie nearer (a sum over the
 * rows of a matrix). If the loop that goes inside is a kept one, sums go on for a tile of results
 * at once: a strip. */
#include "back/blocks.h"

enum {
	DEAR = 8,          /* a cost that is not paid anew for each term */
	NEAR = 4,          /* a stride that costs little */
	FAR = 8,           /* what others cost */
	MOST_OF_ROW = 64,  /* numbers; more are a tile for themselves */
	FEW_IN_ROWS = 256, /* in all rows */
};

/* The turns of a loop, SG_SHORT if they are as many or more; of one over the rows of a band those
 * in a tile. */
static int64_t
turns_of(const sg_nest *n, uint32_t group)
{
	sg_ext ext = n->ext[group];
	int64_t turns, tile = 1;

	if (n->band && n->group_of[n->s->row] == group) {
		ext = sg_ext_div(n->f->sp, ext, n->band->rows);
		tile = n->band->tile;
	}
	return sg_ext_const(n->f->sp, ext, &turns) && turns * tile < SG_SHORT ? turns * tile
	                                                                      : SG_SHORT;
}

int64_t
sg_short_tile(const sg_nest *n)
{
	return turns_of(n, n->ngroups - 1);
}

static bool
is_short(const sg_nest *n, uint32_t group)
{
	return turns_of(n, group) < SG_SHORT;
}

/* Where all kept loops are short: the longest one, of equals the inner one; ngroups: the innermost
 * loop of all is as long. */
static uint32_t
longest_loop(const sg_nest *n)
{
	uint32_t longest = n->ngroups - 1;

	for (uint32_t g = n->nkept; g-- > 0;)
		if (turns_of(n, g) > turns_of(n, longest))
			longest = g;
	return longest == n->ngroups - 1 ? n->ngroups : longest;
}

static bool
is_no_row(const sg_nest *n)
{
	return turns_of(n, n->ngroups - 1) < SG_LEAST;
}

/* What is added at places that indices say has one order for each place, whichever loop is inside;
 * whole rows are added best as they are. */
static bool
has_fold(const sg_nest *n)
{
	for (size_t i = 0; i < n->s->nroots; i++)
		if (n->s->root[i].kind == SG_R_FOLD &&
		    !(sg_adds_up(n->f, n->s->root[i].ref) && is_no_row(n)))
			return true;
	return false;
}

/* Is nothing dear done anew for each term, if loop g goes inside? An index is not, for few. */
static bool
is_cheap_inside(const sg_nest *n, uint32_t g)
{
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->depth > g && v->depth <= n->nkept &&
		    ((v->kind == SG_V_AT && !is_no_row(n)) || v->kind == SG_V_RAND ||
		     (v->kind == SG_V_EW && sg_ops[v->op].cost >= DEAR)))
			return false;
	}
	return true;
}

static bool
steps_by_one(const sg_nest *n, uint32_t g, sg_aff at)
{
	return sg_is_1(n->f, sg_aff_coef(n->f, at, n->last[g]));
}

/* May each fold go on for a tile of results along loop g at once? Where each tile of a band adds to
 * arrays, it has to find its place in them. */
static bool
may_strip(const sg_nest *n, uint32_t g)
{
	const sg_blocks b = {.n = (sg_nest *)n, .f = n->f};

	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];

		if (r->kind == SG_R_FOLD && (!sg_block_strip_fold(&b, r) ||
		                             (sg_nest_carries(n) && !n->f->at[r->ref].carried &&
		                              !steps_by_one(n, g, r->at))))
			return false;
	}
	return is_cheap_inside(n, g);
}

/* Does what an index says change from turn to turn of loop g? Of an inner loop, what is not known
 * to be the same is said to change. */
static bool
is_index_of(const sg_nest *n, uint32_t g, uint32_t v)
{
	const sg_val *x = &n->s->val[v], *index = &n->s->val[x->arg[0]];

	if (x->depth <= g)
		return false;
	return x->kind != SG_V_AT || index->kind != SG_V_LOAD ||
	       !sg_ext_is(n->f->sp, sg_aff_coef(n->f, index->aff, n->last[g]), 0);
}

static bool
reads_at_index(const sg_nest *n, uint32_t g, sg_aff a)
{
	const sg_affine form = n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE &&
		    is_index_of(n, g, form.term[i].var - SG_VAR_VALUE))
			return true;
	return false;
}

/* What it takes to read elements that lie so far apart. */
static int
cost_of_stride(const sg_nest *n, sg_ext stride)
{
	int64_t step;

	if (sg_is_1(n->f, stride))
		return 0;
	return sg_ext_const(n->f->sp, stride, &step) && step <= NEAR ? 1 : FAR;
}

/* What it takes to read along loop g elements that lie apart; -1: none changes. */
static int
cost_of_reading(const sg_nest *n, uint32_t g)
{
	int cost = -1;

	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (!v->needed || v->kind != SG_V_LOAD)
			continue;
		const sg_ext stride = sg_aff_coef(n->f, v->aff, n->last[g]);
		const bool by_index = reads_at_index(n, g, v->aff);

		if (by_index || !sg_ext_is(n->f->sp, stride, 0))
			cost = (cost > 0 ? cost : 0) + (by_index ? FAR : cost_of_stride(n, stride));
	}
	return cost;
}

static bool
is_read_better(const sg_nest *n, uint32_t g, int cost)
{
	const int along = cost_of_reading(n, g);

	return along >= 0 && along < cost;
}

/* The loop that should go inside; ngroups: none. */
static uint32_t
better_loop(const sg_nest *n)
{
	const uint32_t in = n->ngroups - 1;
	uint32_t g = n->nkept;

	if (is_short(n, in)) {
		while (g > 0 && is_short(n, g - 1))
			g--;
		return g > 0 ? g - 1 : longest_loop(n);
	}
	const int cost = cost_of_reading(n, in);
	if (n->nkept == n->ngroups || cost <= 0)
		return n->ngroups;
	while (g > 0 && (is_short(n, g - 1) || !is_read_better(n, g - 1, cost)))
		g--;
	return g > 0 ? g - 1 : n->ngroups;
}

bool
sg_move_tile_loop(sg_nest *n)
{
	const uint32_t g = better_loop(n);

	if (g == n->ngroups)
		return false;
	if (n->nkept < n->ngroups ? !may_strip(n, g) : has_fold(n))
		return false;
	n->strip = n->nkept < n->ngroups ? 1 : 0;
	n->nkept -= n->strip;
	n->tile_at = g;
	sg_move_inside(n, g);
	if (g == n->outer)
		n->outer = n->ngroups - 1;
	return true;
}

/* Is the innermost kept loop one of few turns, in one of many? */
static bool
are_rows(const sg_nest *n, uint32_t g)
{
	int64_t few;

	return g > 0 && g + 1 == n->nkept && sg_ext_const(n->f->sp, n->ext[g], &few) &&
	       few <= MOST_OF_ROW && turns_of(n, g - 1) == SG_SHORT;
}

bool
sg_has_few_rows(const sg_nest *n)
{
	const uint32_t g = n->ngroups - 2;
	int64_t few, rows;

	return n->ngroups > 2 && n->nkept == g + 1 && !n->strip &&
	       sg_ext_const(n->f->sp, n->ext[g], &rows) && rows <= MOST_OF_ROW &&
	       sg_ext_const(n->f->sp, n->ext[g + 1], &few) && rows * few < FEW_IN_ROWS;
}

bool
sg_move_row_loops(sg_nest *n)
{
	uint32_t g = better_loop(n);
	int64_t few;

	if (are_rows(n, g))
		g--;
	if (g == n->ngroups || n->nkept == n->ngroups || g + 2 != n->nkept || n->strip ||
	    n->outer == g + 1 || sg_nest_carries(n) ||
	    !sg_ext_const(n->f->sp, n->ext[g + 1], &few) || few < 2 || !may_strip(n, g))
		return false;
	n->strip = 2;
	n->tiled = 2;
	n->nkept -= 2;
	n->tile_at = g;
	sg_move_inside(n, g);
	sg_move_inside(n, g);
	if (n->outer == g)
		n->outer = n->ngroups - 2;
	return true;
}
