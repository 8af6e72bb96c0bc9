/* moments.c - sums over the rows of a band whose terms have powers by the turn of the other loop.
 *
 * sum_i c[i] t[i]**j is for all j what the derivative of sum_j x[j] t[i]**j is by x. Within a tile
 * the powers would be stored by the one nest, which carries them (powers.c), and read by the other.
 * Computing them again takes a product each, c[i] being multiplied by t[i] as j moves on: that is
 * Horner's rule transposed, for which the runtime has sgrt_moments. It adds to 32 lanes of each
 * sum, which stand from tile to tile. Two rows of a tile go to a lane in one addition, so after 64
 * tiles a term has been in 70 at most, when the lanes are put together. They stand where the powers
 * would have been. Who else reads these gets them stored after all.
 *
 * libtcc makes no SIMD: for it they are stored, and only the plan of memory is the same. */
#include "back/nest.h"

enum {
	LANES = 32,                /* of sgrt_moments */
	ROWS = 64 * SG_COLUMNS,    /* whose terms are added up in lanes */
	MOST = SG_COLUMNS / LANES, /* sums that there is room for */
};

/* ---- which steps ---- */

typedef struct finder {
	sg_fn *f;
	uint32_t band; /* its number + 1 */
	sg_ref array;  /* where the powers would be stored */
	sg_ext turns;
} finder;

/* The element that a row of the array has for a turn. */
static sg_aff
element(const finder *w, uint32_t row, uint32_t turn)
{
	sg_fn *f = w->f;

	return sg_aff_add(f, sg_aff_scale(f, sg_aff_var(f, row), w->turns), sg_aff_var(f, turn));
}

/* The loop of a nest of two that is not the one over the rows. */
static uint32_t
other_loop(const sg_step *s)
{
	return 1 - s->row;
}

/* The value by which the step loads the powers; 0: it loads them in no way, or in several. */
static uint32_t
load_of(const finder *w, const sg_step *s)
{
	uint32_t at = 0;

	for (uint32_t i = 1; i < s->nvals; i++) {
		if (s->val[i].kind != SG_V_LOAD || s->val[i].ref != w->array)
			continue;
		if (at)
			return 0;
		at = i;
	}
	return at;
}

static bool
loads_any(const finder *w, const sg_step *s)
{
	for (size_t i = 1; i < s->nvals; i++)
		if (s->val[i].kind == SG_V_LOAD && s->val[i].ref == w->array)
			return true;
	return false;
}

/* What the powers are multiplied by in the sum of root r: *factor, 0 for one. It is the same for
 * all turns. */
static bool
is_moment(const finder *w, const sg_step *s, const sg_root *r, uint32_t load, const uint32_t *loops,
          uint32_t *factor)
{
	const sg_node *x = sg_fn_node(w->f, r->ref);
	const sg_val *v = &s->val[r->val[0]];
	const uint32_t turn = other_loop(s);

	if (r->kind != SG_R_FOLD || (x->op != SG_SUM && x->op != SG_CONTRACT) ||
	    !w->f->at[r->ref].carried || x->type != sg_fn_node(w->f, w->array)->type ||
	    r->at != sg_aff_var(w->f, turn))
		return false;
	*factor = 0;
	if (r->val[0] == load)
		return true;
	if (v->kind != SG_V_EW || v->op != SG_MUL || (v->arg[0] != load && v->arg[1] != load))
		return false;
	*factor = v->arg[v->arg[0] == load];
	return loops[*factor] != UINT32_MAX && (loops[*factor] >> turn & 1) == 0;
}

/* Does the step sum up over the rows what has the powers as a factor, and nothing else? */
static bool
takes_moments(const finder *w, const sg_step *s)
{
	const sg_nest n = {.f = w->f, .s = (sg_step *)(uintptr_t)s};
	const uint32_t load = load_of(w, s);
	const uint32_t *loops;
	uint32_t factor;

	if (!load || s->kind != SG_S_NEST || s->takes || s->nloops != 2 ||
	    s->mask != 1u << s->row || s->ext[other_loop(s)] != w->turns || s->val[load].guarded ||
	    s->val[load].aff != element(w, s->row, other_loop(s)))
		return false;
	loops = sg_loops_of_values(&n);
	for (size_t i = 0; i < s->nroots; i++)
		if (!is_moment(w, s, &s->root[i], load, loops, &factor))
			return false;
	return true;
}

/* Sums over the rows that stand on the powers; 0: there are too many, or something else reads them.
 */
static uint32_t
count_moments(const finder *w, const sg_band *b)
{
	uint32_t count = 0;

	for (uint32_t k = 0; k < b->n; k++) {
		const sg_step *s = &w->f->step[w->f->order[b->first + k]];

		if (!loads_any(w, s))
			continue;
		if (!takes_moments(w, s))
			return 0;
		count += (uint32_t)s->nroots;
	}
	return count <= MOST ? count : 0;
}

/* Its sums go on with powers that another step carries. */
static void
take(const finder *w, sg_step *s, sg_moments *m)
{
	const sg_nest n = {.f = w->f, .s = s};
	const uint32_t load = load_of(w, s), *loops = sg_loops_of_values(&n);

	for (size_t i = 0; i < s->nroots; i++) {
		uint32_t factor;

		(void)is_moment(w, s, &s->root[i], load, loops, &factor);
		s->root[i].val[0] = factor;
		s->root[i].part = m->nsums++;
	}
	s->takes = m;
}

static void
drop_root(sg_step *s, size_t at)
{
	s->nroots--;
	for (size_t i = at; i < s->nroots; i++)
		s->root[i] = s->root[i + 1];
}

/* n.power: the powers that the step carries, by value; NULL: none, or it is of another kind. */
static sg_nest
powers_of(sg_fn *f, sg_step *s)
{
	sg_nest n = {.f = f, .s = s, .ngroups = 1};

	if (s->kind != SG_S_NEST || s->nloops != 2 || s->mask != 1u << other_loop(s))
		return n;
	n.last[0] = other_loop(s);
	n.ext[0] = s->ext[n.last[0]];
	sg_find_needed(&n);
	sg_find_powers(&n, s->row);
	return n;
}

bool
sg_carries_powers(sg_fn *f, sg_step *s)
{
	return powers_of(f, s).power != NULL;
}

/* Is the value of root `at` one that another root of the step needs as well? */
static bool
is_needed_besides(sg_fn *f, sg_step *s, size_t at)
{
	const uint32_t v = s->root[at].val[0];
	const sg_nest n = {.f = f, .s = s};

	s->root[at].val[0] = 0;
	sg_find_needed((sg_nest *)(uintptr_t)&n);
	s->root[at].val[0] = v;
	return s->val[v].needed;
}

/* Are the powers that root `at` of the step stores best not stored? */
static bool
is_stored_in_vain(finder *w, const sg_band *b, sg_step *s, const sg_nest *n, size_t at)
{
	const sg_root *r = &s->root[at];

	w->array = r->ref;
	w->turns = s->ext[other_loop(s)];
	return r->kind == SG_R_STORE && r->from == r->ref && !r->masked && n->power[r->val[0]] &&
	       w->f->at[r->ref].band == w->band && r->at == element(w, s->row, other_loop(s)) &&
	       is_needed_besides(w->f, s, at) && count_moments(w, b) > 0;
}

static void
give(const finder *w, const sg_band *b, sg_step *s, const sg_nest *n, size_t at)
{
	sg_fn *f = w->f;
	const uint32_t power = s->root[at].val[0];
	sg_moments *m = SG_NEW(f->ctx, sg_moments);

	f->at[w->array].stands = true;
	if (f->m->o->jit)
		return;
	*m = (sg_moments){
	    .power = power, .more = n->power[power]->more, .array = w->array, .next = s->gives};
	s->gives = m;
	for (uint32_t k = 0; k < b->n; k++) {
		sg_step *reader = &f->step[f->order[b->first + k]];

		if (loads_any(w, reader))
			take(w, reader, m);
	}
	drop_root(s, at);
}

void
sg_find_moments(sg_fn *f)
{
	for (uint32_t i = 0; i < f->nbands; i++) {
		const sg_band *b = &f->band[i];
		finder w = {.f = f, .band = i + 1};

		for (uint32_t k = 0; b->room && k < b->n; k++) {
			sg_step *s = &f->step[f->order[b->first + k]];
			const sg_nest n = powers_of(f, s);

			for (size_t r = s->nroots; n.power && r-- > 0;)
				if (is_stored_in_vain(&w, b, s, &n, r))
					give(&w, b, s, &n, r);
		}
	}
}

/* ---- text ---- */

/* Of each row of the tile, where all that is read is of the tile: then the rows that the last one
 * lacks are there too. */
static bool
reads_tile_only(const sg_nest *n)
{
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->kind == SG_V_LOAD && !n->f->at[v->ref].band &&
		    !sg_ext_is(n->f->sp, sg_aff_coef(n->f, v->aff, n->s->row), 0))
			return false;
	}
	return true;
}

/* requires: values needed are known. The factors are evaluated as in columns. */
void
sg_choose_moments(sg_nest *n)
{
	sg_fn *f = n->f;
	const bool all = reads_tile_only(n);

	sg_move_inside(n, n->group_of[n->s->row]);
	n->columns = true;
	n->at = f->row;
	n->lane = sg_name_fresh(&f->names, "lane");
	n->width =
	    all ? sg_text(f->ctx, "%d", SG_COLUMNS) : sg_text(f->ctx, "%s - %s", f->end, f->row);
}

static const char *
lanes_of(const sg_nest *n, const sg_root *r)
{
	const char *array = sg_array(n->f, n->s->takes->array);

	return r->part ? sg_text(n->f->ctx, "%s + %s * %u", array, sg_ext_c(n->f, n->ext[0]),
	                         (unsigned)(LANES * r->part))
	               : array;
}

void
sg_open_moments(sg_nest *n)
{
	sg_fn *f = n->f;
	const char *i = f->loop[0];

	for (size_t k = 0; k < n->s->nroots; k++) {
		const sg_root *r = &n->s->root[k];

		sg_line(f, "for (ptrdiff_t %s = 0; %s < %s * %d; %s++)", i, i,
		        sg_ext_c(f, n->ext[0]), LANES, i);
		sg_line(f, "\t%s[%s] = %s;",
		        r->part ? sg_text(f->ctx, "(%s)", lanes_of(n, r)) : lanes_of(n, r), i,
		        sg_c_const(f, (sg_type)sg_fn_node(f, r->ref)->type, 0).s);
	}
}

/* Do the factors stand in an array of the tile? Of the rows that the last tile lacks nobody asks,
 * so they may be set to 0 there. */
static bool
stands(const sg_nest *n, const sg_val *v)
{
	return v->kind == SG_V_LOAD && !v->guarded && n->f->at[v->ref].band &&
	       v->aff == sg_aff_var(n->f, n->s->row) && reads_tile_only(n);
}

/* An array of what the powers are multiplied by, which is what the terms are at power 0. */
static const char *
print_factors(sg_nest *n, const sg_root *r)
{
	sg_fn *f = n->f;
	const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;
	const char *name;

	if (r->val[0] && stands(n, &n->s->val[r->val[0]]))
		return sg_array(f, n->s->val[r->val[0]].ref);
	name = sg_name_fresh(&f->names, "terms");
	sg_line(f, "%s %s[%d];", sg_type_c_name(t), name, SG_COLUMNS);
	if (r->val[0]) {
		sg_print_for_lanes(n, r->val[0], true, name);
		return name;
	}
	sg_open_lane(n, false);
	sg_line(f, "%s[%s] = %s;", name, n->lane, t == SG_F32 ? "1.0f" : "1.0");
	sg_close(n);
	return name;
}

void
sg_print_moments(sg_nest *n)
{
	sg_fn *f = n->f;
	const sg_moments *m = n->s->takes;
	const char *turns = sg_ext_bare(f, n->ext[0]);

	for (size_t k = 0; k < n->s->nroots; k++) {
		const sg_root *r = &n->s->root[k];
		const char *terms = print_factors(n, r);

		sg_line(f, "%s(&%s, %s - %s, %lld, %s, %s, %s);",
		        sg_use_typed(f->m, "moments", (sg_type)sg_fn_node(f, r->ref)->type),
		        m->name, f->end, f->row, (long long)m->more, turns, terms, lanes_of(n, r));
	}
	sg_line(f, "if (%s == %s || %s %% %d == 0) {", f->end, sg_ext_bare(f, n->band->rows),
	        f->end, ROWS);
	f->indent++;
	for (size_t k = 0; k < n->s->nroots; k++) {
		const sg_root *r = &n->s->root[k];

		sg_line(f, "%s(%s, %s, %s, &%s);",
		        sg_use_typed(f->m, "lanes_add", (sg_type)sg_fn_node(f, r->ref)->type),
		        turns, lanes_of(n, r), sg_array(f, r->ref), sg_carry_at(n, r, "0"));
	}
	sg_close(n);
}
