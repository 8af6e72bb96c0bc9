/* nest.c - the C text of a loop nest.
 *
 * The kept axes are the outer loops, the axes that a reduction removes the inner ones, unless
 * lanes.c finds a better order. Neighbouring
 * loops over which every index moves as over one become one. A value stands before the innermost
 * loop that it does not depend on; one that is read once and short is written into its reader. */
#include "back/nest.h"
#include "back/branch.h"

/* How many terms are added up plainly, one after the other or in lanes. */
enum { BLOCK = SG_BLOCK, BLOCK_OF_LANES = 1024 };
enum { FEW = 16 }; /* turns of a block at least, each of several terms */
enum { WRITTEN_OUT = 4 }; /* products of a sum, numbers of which one is the extreme */

/* ---- which loops are one ---- */

typedef void visit_fn(void *arg, sg_aff a);

static void
visit_forms(const sg_nest *n, visit_fn *visit, void *arg)
{
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		visit(arg, v->aff);
		for (uint32_t k = 0; k < v->nconds; k++)
			visit(arg, v->cond[k].form);
	}
	for (size_t i = 0; i < n->s->nroots; i++) {
		visit(arg, n->s->root[i].at);
		visit(arg, n->s->root[i].pos);
	}
}

typedef struct pair {
	const sg_fn *f;
	uint32_t outer, inner;
	sg_ext ext;
	bool together;
} pair;

static void
look_at_pair(void *arg, sg_aff a)
{
	pair *p = arg;
	const sg_ext o = sg_aff_coef(p->f, a, p->outer), i = sg_aff_coef(p->f, a, p->inner);

	if (p->together && o != sg_ext_mul(p->f->sp, i, p->ext))
		p->together = false;
}

static void
group_loops(sg_nest *n)
{
	const sg_step *s = n->s;
	uint32_t order[SG_MAX_LOOPS], count = 0;

	for (int reduced = 0; reduced < 2; reduced++)
		for (uint32_t k = 0; k < s->nloops; k++)
			if ((s->mask >> k & 1) == (uint32_t)reduced)
				order[count++] = k;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t var = order[i];
		const bool reduced = s->mask >> var & 1;
		bool join = false;

		if (i > 0 && reduced == (s->mask >> order[i - 1] & 1) &&
		    !(n->band && var == s->row) &&
		    !(n->band && n->band->columns && order[i - 1] == s->row)) {
			pair p = {n->f, order[i - 1], var, s->ext[var], true};

			visit_forms(n, look_at_pair, &p);
			join = p.together;
		}
		if (!join) {
			n->ext[n->ngroups] = sg_ext_int(n->f->sp, 1);
			n->nkept += !reduced;
			n->ngroups++;
		}
		n->group_of[var] = n->ngroups - 1;
		n->last[n->ngroups - 1] = var;
		n->ext[n->ngroups - 1] = sg_ext_mul(n->f->sp, n->ext[n->ngroups - 1], s->ext[var]);
	}
}

/* ---- how deep a value stands ---- */

typedef struct depth_of {
	const sg_nest *n;
	uint32_t depth;
} depth_of;

static void
look_at_depth(void *arg, sg_aff a)
{
	depth_of *d = arg;
	const sg_affine form = d->n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++) {
		const uint32_t var = form.term[i].var;
		const uint32_t depth = var >= SG_VAR_VALUE ? d->n->s->val[var - SG_VAR_VALUE].depth
		                                           : d->n->group_of[var] + 1;

		if (depth > d->depth)
			d->depth = depth;
	}
}

static void
need_vars(void *arg, sg_aff a)
{
	const sg_nest *n = arg;
	const sg_affine form = n->f->aff[a];

	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE)
			n->s->val[form.term[i].var - SG_VAR_VALUE].needed = true;
}

static void
find_needed(sg_nest *n, const uint32_t *shift, uint32_t which)
{
	sg_step *s = n->s;

	for (size_t i = 0; i < s->nvals; i++)
		s->val[i].needed = false;
	for (size_t i = 0; i < s->nroots; i++) {
		if (shift && shift[i] != which)
			continue;
		for (int k = 0; k < 2; k++)
			s->val[s->root[i].val[k]].needed = true;
		need_vars(n, s->root[i].at);
		need_vars(n, s->root[i].pos);
	}
	for (size_t i = s->nvals; i-- > 1;) {
		sg_val *v = &s->val[i];

		v->needed = v->needed || v->kind == SG_V_AT || (shift && which == 0 && n->kept[i]);
		if (!v->needed || (n->power && n->power[i]) || (which > 0 && n->kept[i]))
			continue;
		need_vars(n, v->aff);
		for (uint32_t k = 0; k < v->nconds; k++)
			need_vars(n, v->cond[k].form);
		for (uint32_t k = 0; k < v->nargs; k++)
			s->val[v->arg[k]].needed = true;
	}
}

/* Indices that were split for nothing are not printed, nor what a carried power is made of. */
void
sg_find_needed(sg_nest *n)
{
	find_needed(n, NULL, 0);
}

void
sg_find_needed_for(sg_nest *n, uint32_t k)
{
	find_needed(n, n->shift, k);
}

/* Values that are only stored need no name of their own. */
static void
find_told(sg_nest *n)
{
	const sg_step *s = n->s;

	for (size_t i = 0; i < s->nroots; i++) {
		const sg_root *r = &s->root[i];
		const sg_place *p = &n->f->at[r->ref];

		s->val[r->val[0]].told =
		    (r->kind == SG_R_STORE && (!p->unit || (p->reads && !p->out))) ||
		    r->kind == SG_R_PIECE || r->kind == SG_R_COPY;
	}
}

/* Around which loops no array is read: a loop that never runs may read one that has no elements. */
static uint32_t
least_depth(const sg_nest *n)
{
	int64_t v;

	for (uint32_t d = 0; d < n->ngroups; d++)
		if (sg_ext_const(n->f->sp, n->ext[d], &v) && v == 0)
			return d + 1;
	return 0;
}

void
sg_set_depths(sg_nest *n)
{
	sg_step *s = n->s;
	const uint32_t least = least_depth(n);

	for (size_t i = 1; i < s->nvals; i++)
		s->val[i].reader_depth = 0;

	for (size_t i = 1; i < s->nvals; i++) {
		sg_val *v = &s->val[i];
		depth_of d = {n, v->kind == SG_V_LOAD ? least : 0};

		look_at_depth(&d, v->aff);
		for (uint32_t k = 0; k < v->nconds; k++)
			look_at_depth(&d, v->cond[k].form);
		for (uint32_t k = 0; k < v->nargs; k++)
			if (s->val[v->arg[k]].depth > d.depth)
				d.depth = s->val[v->arg[k]].depth;
		v->depth = (uint8_t)d.depth;
		for (uint32_t k = 0; k < v->nargs; k++)
			if (s->val[v->arg[k]].reader_depth < d.depth)
				s->val[v->arg[k]].reader_depth = (uint8_t)d.depth;
	}
	for (size_t i = 0; i < s->nroots; i++)
		for (int k = 0; k < 2; k++)
			s->val[s->root[i].val[k]].reader_depth = (uint8_t)n->ngroups;
	sg_look_at_roots(n);
}

/* ---- loops ---- */

/* Is loop d the one over the rows of a band, alone or with loops that it took in? */
static bool
is_over_rows(const sg_nest *n, uint32_t d)
{
	return n->band && n->group_of[n->s->row] == d;
}

static const char *
times_row(const sg_nest *n, uint32_t d, const char *row)
{
	const sg_ext each = sg_ext_div(n->f->sp, n->ext[d], n->band->rows);

	return sg_is_1(n->f, each) ? row : sg_text(n->f->ctx, "%s * %s", row, sg_ext_c(n->f, each));
}

const char *
sg_nest_from(const sg_nest *n, uint32_t d)
{
	if (is_over_rows(n, d))
		return times_row(n, d, n->f->row);
	return d == n->outer && n->begin ? n->begin : "0";
}

const char *
sg_nest_to(const sg_nest *n, uint32_t d)
{
	if (is_over_rows(n, d))
		return times_row(n, d, n->f->end);
	return d == n->outer && n->begin ? n->end : sg_ext_bare(n->f, n->ext[d]);
}

bool
sg_nest_carries(const sg_nest *n)
{
	return n->band && (n->s->mask >> n->s->row & 1) && !n->across;
}

/* The rows of a tile are few, but each may stand for many turns of the loop. */
static bool
is_short(const sg_nest *n, uint32_t d, int64_t block)
{
	int64_t v;

	if (is_over_rows(n, d))
		return n->ext[d] == n->band->rows;
	return sg_ext_const(n->f->sp, n->ext[d], &v) && v <= block;
}

static void
declare_parts(sg_nest *n)
{
	sg_fn *f = n->f;

	if (n->tiles) {
		sg_begin_tile_block(n->tiles);
		return;
	}
	for (size_t i = 0; i < n->s->nroots; i++) {
		sg_root *r = &n->s->root[i];
		const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;

		if (r->tree)
			r->into =
			    sg_declare_var(n, sg_type_c_name(t), sg_name_fresh(&f->names, "part"),
			                   sg_c_const(f, t, 0).s, true);
	}
}

/* from: where the block begins; NULL: it is the only one. Most sums are of one block. */
static void
add_parts(sg_nest *n, const char *from)
{
	sg_fn *f = n->f;
	const bool begins =
	    from && !n->strip && !f->m->o->jit && n->nkept + 1 == n->ngroups;

	if (n->tiles) {
		sg_end_tile_block(n->tiles);
		return;
	}
	if (n->strip)
		sg_open_lane(n, false);
	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];
		const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;

		if (r->tree && begins && !r->whole)
			sg_line(f, "%s(&%s, &%s, %s, %s == 0);", sg_use_typed(f->m, "sum_first", t),
			        r->acc, r->acc2, r->into, from);
		else if (r->tree)
			sg_line(f, "%s(&%s, &%s, %s);", sg_use_typed(f->m, "sum_add", t), r->acc,
			        r->acc2, r->into);
	}
	if (n->strip)
		sg_close(n);
}

/* Is it one of some numbers, or the place of one? */
static bool
is_extreme(const sg_fn *f, sg_ref r)
{
	const uint16_t op = sg_fn_node(f, r)->op;

	return op == SG_AMAX || op == SG_AMIN || op == SG_ARGMAX || op == SG_ARGMIN;
}

/* Is the innermost loop a sum of so few products, or the extreme of so few numbers, that its turns
 * are written out? gcc at -O2 would leave the loop within the one around it, and that without SIMD.
 */
static bool
is_written_out(const sg_nest *n, uint32_t d, bool *apart)
{
	int64_t v;
	size_t extremes = 0;

	if (n->f->m->o->jit || d + 1 != n->ngroups || d < n->nkept || is_over_rows(n, d) ||
	    (n->parallel && d == 0 && !n->inside) || !sg_ext_const(n->f->sp, n->ext[d], &v) || v > WRITTEN_OUT)
		return false;
	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];

		if (r->kind != SG_R_FOLD)
			return false;
		extremes += is_extreme(n->f, r->ref);
		if (!is_extreme(n->f, r->ref) && sg_fn_node(n->f, r->ref)->op != SG_CONTRACT)
			return false;
	}
	*apart = extremes > 0;
	return extremes == 0 || extremes == n->s->nroots;
}

/* A turn of the loop. apart: in braces; else NULL if it is more than one statement for each sum. */
static const char *
turn_text(sg_nest *n, uint32_t d, int turn, bool apart)
{
	sg_fn *f = n->f;
	const sg_names names = f->names;
	const char *i = f->loop[d], *s;
	sg_buf *out = f->b, text;
	size_t statements = 0;

	sg_buf_init(&text, f->ctx);
	f->b = &text;
	f->loop[d] = sg_text(f->ctx, "%d", turn);
	if (apart) {
		f->names = sg_names_in(f->ctx, &names);
		sg_line(f, "{");
		f->indent++;
	}
	sg_print_level(n, d + 1);
	if (apart) {
		sg_close(n);
		f->names = names;
	}
	f->loop[d] = i;
	f->b = out;
	for (s = sg_buf_text(&text); *s; s++)
		statements += *s == ';';
	return apart || statements == n->s->nroots ? sg_buf_text(&text) : NULL;
}

/* false: nothing is written. A later turn may be more than a statement where the first is not: the
 * places of turn 0 are shorter, and so not kept in a variable. */
static bool
write_out(sg_nest *n, uint32_t d)
{
	sg_buf all;
	int64_t v = 0;
	bool apart = false;

	if (!is_written_out(n, d, &apart) || !sg_ext_const(n->f->sp, n->ext[d], &v))
		return false;
	sg_buf_init(&all, n->f->ctx);
	for (int i = 0; i < v; i++) {
		const char *turn = turn_text(n, d, i, apart);

		if (!turn)
			return false;
		sg_buf_puts(&all, turn);
	}
	sg_buf_puts(n->f->b, sg_buf_text(&all));
	return true;
}

void
sg_print_nest_loop(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	const char *i = f->loop[d];

	if (n->strip == 1 && n->tiled == 2 && d + 2 == n->ngroups) {
		sg_print_row_tiles(n->tiles, from, to);
		return;
	} else if (n->strip && d + 1 == n->ngroups) {
		sg_print_strip(n, d);
		return;
	} else if ((n->lanes ||
	            ((n->vector || n->turned) && !(n->parallel && d == 0 && !n->inside))) &&
	           d + 1 == n->ngroups) {
		sg_print_lanes(n, d, from, to);
		return;
	} else if (write_out(n, d)) {
		return;
	} else {
		if (n->parallel && d == 0 && !n->inside)
			sg_open_parallel(n);
		else
			sg_print_advice(n, d);
		sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", i, from, i, to, i);
		f->indent++;
		sg_print_term_by_term(n, d);
	}
	sg_print_level(n, d + 1);
	sg_close(n);
}

static void
print_loop(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	if (n->chunks && d + 1 == n->ngroups)
		sg_print_chunks(n, d, from, to);
	else if (n->nshifts && d + 1 == n->ngroups)
		sg_print_shifts(n, d, from, to);
	else if (n->borders && d + 1 == n->ngroups)
		sg_print_borders(n, d, from, to);
	else if (n->stretched && d + 1 == n->ngroups)
		sg_print_stretches(n, d, from, to);
	else if (n->horner && d + 2 == n->ngroups)
		sg_print_horner(n, d, from, to);
	else if (n->chosen && !n->tiles && d + 2 == n->ngroups)
		sg_print_chosen(n, d, from, to);
	else
		sg_print_nest_loop(n, d, from, to);
}

int
sg_block_of(const sg_nest *n)
{
	return n->lanes ? BLOCK_OF_LANES : n->horner ? SG_BLOCK_OF_HORNER : BLOCK;
}

/* The turns of one turn of the loop whose blocks are summed up, for all loops within it. */
static int64_t
turns_within(const sg_nest *n, uint32_t d)
{
	int64_t all = 1, v;

	for (uint32_t g = d + 1; g + n->strip < n->ngroups; g++) {
		if (!sg_ext_const(n->f->sp, n->ext[g], &v) || v > BLOCK)
			return BLOCK + 1;
		all *= v > 0 ? v : 1;
	}
	return all;
}

/* The loop whose turns are summed up block by block: the innermost one that is reduced, or one
 * around, where what is within has few turns. */
static uint32_t
loop_of_blocks(const sg_nest *n)
{
	uint32_t d = n->ngroups - 1 - n->strip;

	while (!n->tiles && !n->lanes && !n->power && !n->horner && d > n->nkept) {
		const int64_t most = is_over_rows(n, d - 1) ? n->band->tile : FEW;

		if (turns_within(n, d - 1) * most > BLOCK)
			break;
		d--;
	}
	return d;
}

bool
sg_sums_by_first(const sg_nest *n)
{
	return n->columns && n->tree && n->nkept + 2 == n->ngroups &&
	       !is_short(n, n->nkept, sg_block_of(n));
}

/* Where there is more to do, the turns of a loop around the blocks are little beside it. */
bool
sg_ends_apart(const sg_nest *n)
{
	uint32_t sums = 0;
	int64_t v;

	if (!n->tree || !n->lanes || !n->is_light || n->ngroups > 1 || n->band || n->parallel ||
	    n->begin || n->vector || n->turned || n->tiles || n->chunks || n->nshifts ||
	    n->borders || n->stretched || n->chosen || sg_ext_const(n->f->sp, n->ext[0], &v))
		return false;
	for (size_t i = 0; i < n->s->nroots; i++) {
		sums += n->s->root[i].kind == SG_R_FOLD;
		if (n->s->root[i].whole)
			return false;
	}
	return sums <= 2;
}

/* Whole blocks, and what is left over for the last one. */
static void
print_last_apart(sg_nest *n, uint32_t d)
{
	sg_fn *f = n->f;
	const char *from = sg_name_fresh(&f->names, "block"), *to = sg_nest_to(n, d);
	const int block = sg_block_of(n);

	const sg_names names = f->names; /* those in the loop are free again behind it */

	sg_line(f, "ptrdiff_t %s = 0;", from);
	sg_line(f, "for (; %s - %s > %d; %s += %d) {", to, from, block, from, block);
	f->indent++;
	f->names = sg_names_in(f->ctx, &names);
	declare_parts(n);
	n->whole_block = true;
	print_loop(n, d, from, sg_text(f->ctx, "%s + %d", from, block));
	n->whole_block = false;
	add_parts(n, NULL);
	f->names = names;
	sg_close(n);
	declare_parts(n);
	print_loop(n, d, from, to);
}

/* What a block has summed up goes to those before it. */
static void
put_by(sg_nest *n)
{
	sg_fn *f = n->f;

	sg_line(f, "if (%s > 0) {", f->from);
	f->indent++;
	sg_open_lane(n, false);
	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];

		if (r->tree)
			sg_line(
			    f, "%s(&%s, &%s, &%s, %s == %d);",
			    sg_use_typed(f->m, "sum_next", (sg_type)sg_fn_node(f, r->ref)->type),
			    r->acc, r->acc2, r->into, f->from, sg_block_of(n));
	}
	sg_close(n);
	sg_close(n);
}

/* The loop of which sums go in blocks. */
static void
print_blocks(sg_nest *n, uint32_t d)
{
	sg_fn *f = n->f;
	const char *first = sg_nest_from(n, d), *ext = sg_nest_to(n, d);
	const int block = sg_block_of(n) / (int)turns_within(n, d);
	const bool by_first = sg_sums_by_first(n);

	if (is_short(n, d, block)) {
		declare_parts(n);
		print_loop(n, d, first, ext);
		add_parts(n, NULL);
		return;
	}
	if (sg_ends_apart(n)) {
		print_last_apart(n, d);
		return;
	}
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", f->from, first, f->from, ext,
	        f->from, block);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s : %s + %d;", f->to, ext, f->from, block,
	        ext, f->from, block);
	if (by_first)
		put_by(n);
	else
		declare_parts(n);
	print_loop(n, d, f->from, f->to);
	if (!by_first)
		add_parts(n, f->from);
	sg_close(n);
}

void
sg_print_level(sg_nest *n, uint32_t d)
{
	if (n->window && d + n->window == n->ngroups) {
		sg_print_window(n);
		return;
	}
	if (n->strip && d == n->nkept && !n->tiles)
		sg_open_strip(n);
	if (d == n->nkept && !n->across && !(n->strip && n->tiles))
		sg_declare_folds(n, false);
	for (size_t i = 1; i < n->s->nvals; i++)
		if (n->s->val[i].depth == d && n->s->val[i].needed)
			sg_print_val(n, &n->s->val[i]);
	if (sg_is_tested_at(n, d)) {
		sg_line(n->f, "if (%s) {", n->s->val[n->mask].text);
		n->f->indent++;
	}
	if (n->power && d == n->nkept)
		sg_open_powers(n);
	if (n->power && !n->by_horner && d + 1 == n->ngroups)
		sg_step_powers(n);
	if (n->tiles && d == n->tile_at)
		sg_open_tiles(n->tiles);
	if (n->tiles && n->strip && d == n->nkept)
		sg_begin_tile_folds(n->tiles);
	if (d == n->ngroups) {
		sg_print_roots(n);
		if (n->nshifts)
			sg_print_kept_values(n);
	} else if (n->tiles && d + (n->strip ? n->strip : n->tiled) == n->ngroups) {
		sg_print_tiles(n->tiles);
	} else if (n->tree && d == loop_of_blocks(n)) {
		print_blocks(n, d);
	} else {
		print_loop(n, d, sg_nest_from(n, d), sg_nest_to(n, d));
	}
	if (n->tiles && n->strip && d == n->nkept)
		sg_end_tile_folds(n->tiles);
	if (n->tiles && d == n->tile_at)
		sg_close_tiles(n->tiles);
	if (sg_is_tested_at(n, d))
		sg_close(n);
	if (n->tiles && n->strip)
		return;
	if (d == n->nkept && !(n->begin && n->shares) && !n->across)
		sg_finish_folds(n, false);
	if (n->strip && d == n->nkept)
		sg_close_strip(n);
}

static void
print_origin(sg_fn *f, const sg_step *s)
{
	sg_ref *refs = SG_NEW_ARRAY(f->ctx, sg_ref, s->nroots);

	for (size_t i = 0; i < s->nroots; i++)
		refs[i] = s->root[i].kind == SG_R_PIECE && !sg_is_branch(f, s->root[i].ref)
		              ? s->root[i].from
		              : s->root[i].ref;
	sg_print_origin(f, refs, s->nroots);
}

static void
fill_targets(sg_nest *n, bool of_a_tile)
{
	sg_fn *f = n->f;

	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];

		if (r->kind == SG_R_FOLD && r->turn == 0 && sg_adds_up(f, r->ref) &&
		    (f->at[r->ref].band != 0) == of_a_tile)
			sg_print_fill(f, r->ref);
	}
}

void
sg_nest_open(sg_nest *n, sg_fn *f, sg_step *s)
{
	*n = (sg_nest){.f = f, .s = s, .band = s->band ? &f->band[s->band - 1] : NULL, .tiled = 1};
	for (size_t i = 0; i < s->nroots; i++)
		n->tree = n->tree || s->root[i].tree;
	n->columns = n->band && n->band->columns && !(s->mask >> s->row & 1);
	sg_widen(f, s);
	group_loops(n);
	n->across = n->band && (s->mask >> s->row & 1) && n->nkept == 0;
	sg_find_needed(n);
	if (s->takes)
		sg_choose_moments(n);
	else
		sg_choose_window(n);
	const bool by_loops = !s->takes && !n->window;

	if (by_loops)
		sg_choose_lanes(n);
	sg_set_depths(n);
	if (by_loops) {
		sg_choose_chunks(n);
		sg_choose_vectors(n);
	}
	if (!n->band)
		sg_choose_parallel(n);
	if (by_loops)
		sg_choose_turned(n);
	n->tiles = n->window ? NULL : sg_plan_tiles(n);
	sg_choose_shifts(n);
	sg_choose_borders(n);
	sg_choose_stretches(n);
	if (!n->tiles)
		find_told(n);
	if (!n->band || n->across || sg_nest_carries(n))
		print_origin(f, s);
	fill_targets(n, false);
	sg_declare_folds(n, true);
	if (n->across)
		sg_declare_folds(n, false);
	else if (sg_nest_carries(n))
		sg_open_sums(n);
	if (s->takes)
		sg_open_moments(n);
	n->by_rows = sg_goes_by_rows(n);
	if (n->by_rows)
		sg_open_rows_of_sums(n);
}

void
sg_nest_print(sg_nest *n)
{
	if (n->band)
		print_origin(n->f, n->s);
	fill_targets(n, true);
	if (n->s->takes) {
		sg_print_moments(n);
		return;
	}
	if (n->by_rows || n->counts) {
		if (n->by_rows)
			sg_print_by_rows(n);
		else
			sg_print_counts(n);
		return;
	}
	if (n->parallel && (n->shares || n->f->m->o->threads)) {
		sg_print_parallel(n);
		return;
	}
	sg_print_level(n, 0);
	if (n->parallel)
		sg_close_parallel(n);
}

void
sg_nest_close(sg_nest *n)
{
	sg_finish_folds(n, true);
	if (n->across)
		sg_finish_folds(n, false);
	else if (sg_nest_carries(n))
		sg_close_sums(n);
	sg_forget_chosen(n);
}

void
sg_print_texts(sg_fn *f, sg_step *s)
{
	sg_nest n = {.f = f, .s = s};

	sg_set_depths(&n);
	for (size_t i = 1; i < s->nvals; i++)
		sg_print_val(&n, &s->val[i]);
}
