/* blocks_around.c - a sum of what lies around each element of a tile in one step.
 *
 * A stencil adds up an array's elements at some places around each, zeros where there are none. One
 * by one each of them would be copied and then added: as many calls, and as many times through the
 * tile. The runtime's routine reads all where they lie (runtime/block_around.c.in). */
#include "back/blocks.h"

#include <string.h>

enum {
	MOST = 8, /* summands that the routine takes */
	OPEN = 4, /* summands without conditions that are worth it */
};

/* Where the condition is one on: of the loop along the tile, of that over its rows, of those
 * around. */
typedef enum { ALONG, DOWN, OUTSIDE, ELSEWHERE } where;

static where
where_of(const sg_blocks *b, sg_aff form)
{
	const sg_ext along = sg_block_stride(b, form);
	const bool stays = sg_ext_is(b->f->sp, along, 0),
		   fixed = !b->few || sg_ext_is(b->f->sp, sg_block_row_stride(b, form), 0);

	if (!sg_block_is_affine(b, form))
		return ELSEWHERE;
	if (stays && fixed)
		return OUTSIDE;
	if (fixed)
		return sg_is_1(b->f, along) ? ALONG : ELSEWHERE;
	return stays && sg_is_1(b->f, sg_block_row_stride(b, form)) ? DOWN : ELSEWHERE;
}

static bool
is_near(const sg_blocks *b, const sg_val *v)
{
	return v->kind == SG_V_LOAD && sg_type_is_float((sg_type)v->type) &&
	       sg_block_is_affine(b, v->aff) && sg_is_1(b->f, sg_block_stride(b, v->aff));
}

/* Do all conditions together hold for some columns of some rows? */
static bool
hold_in_part(const sg_blocks *b, const sg_val *v)
{
	uint32_t along = 0, down = 0;

	for (uint32_t k = 0; k < v->nconds; k++) {
		const where at = where_of(b, v->cond[k].form);

		along += at == ALONG;
		down += at == DOWN;
		if (at == ELSEWHERE)
			return false;
	}
	return along <= 1 && down <= 1;
}

bool
sg_block_is_around(const sg_blocks *b, const sg_val *v)
{
	return is_near(b, &b->n->s->val[v->arg[0]]) && hold_in_part(b, v);
}

bool
sg_block_is_spot(const sg_blocks *b, const sg_val *v)
{
	return b->item[v->arg[0]].how == SG_B_WHOLE && b->n->s->val[v->arg[0]].kind != SG_V_LOAD &&
	       !v->turned && v->type != SG_BOOL && hold_in_part(b, v);
}

bool
sg_block_needs_around(const sg_blocks *b, const sg_val *v)
{
	for (uint32_t k = 0; b->few && k < v->nconds; k++)
		if (where_of(b, v->cond[k].form) == DOWN)
			return true;
	return v->turned;
}

/* ---- which are summands ---- */

static bool
is_step(const sg_blocks *b, uint32_t v)
{
	return b->item[v].how == SG_B_STEP && b->n->s->val[v].kind == SG_V_EW &&
	       sg_type_is_float((sg_type)b->n->s->val[v].type);
}

static bool
is_sum(const sg_blocks *b, uint32_t v)
{
	const sg_op op = (sg_op)b->n->s->val[v].op;

	return is_step(b, v) && (op == SG_ADD || op == SG_SUB);
}

/* The operand that goes on with the sum v: nothing else reads it, and v adds to it or takes from
 * it. */
static uint32_t
rest_of(const sg_blocks *b, uint32_t v)
{
	const sg_val *x = &b->n->s->val[v];

	for (uint32_t k = 0; k < (x->op == SG_ADD ? 2 : 1); k++)
		if (is_sum(b, x->arg[k]) && b->item[x->arg[k]].readers == 1)
			return x->arg[k];
	return 0;
}

/* Value v, which is added, as far as it is made in the same step; false: it is one number. */
static bool
find_summand(const sg_blocks *b, uint32_t v, sg_summand *s)
{
	const sg_val *x = &b->n->s->val[v];

	*s = (sg_summand){.v = v};
	if (b->item[v].how == SG_B_WHOLE)
		return false;
	if (is_step(b, v) && x->op == SG_MUL && b->item[v].readers == 1)
		for (uint32_t k = 0; k < 2; k++)
			if (b->item[x->arg[k]].how == SG_B_WHOLE &&
			    b->item[x->arg[1 - k]].how != SG_B_WHOLE)
				s->by = x->arg[k], s->v = x->arg[1 - k], s->product = v;
	if (is_step(b, v) && x->op == SG_NEG && b->item[v].readers == 1)
		s->negate = true, s->v = x->arg[0], s->product = v;
	x = &b->n->s->val[s->v];
	s->within = x->kind == SG_V_WITHIN && b->item[s->v].how == SG_B_STEP &&
	            b->item[s->v].readers == 1 && sg_block_is_around(b, x);
	s->apart = is_near(b, x) && b->item[s->v].how == SG_B_PLAIN;
	return true;
}

/* The summands of v, the last one first. */
static uint32_t
find_summands(const sg_blocks *b, uint32_t v, sg_summand s[MOST], uint32_t sum[MOST])
{
	uint32_t n = 0;

	for (;;) {
		const sg_val *x = &b->n->s->val[v];
		const uint32_t rest = n < MOST - 2 ? rest_of(b, v) : 0;
		const uint32_t k = rest == x->arg[0] ? 1 : 0;
		sg_summand last;

		if (!rest)
			break;
		if (!find_summand(b, x->arg[k], &last))
			break;
		last.negate = last.negate != (x->op == SG_SUB);
		sum[n] = v;
		s[n++] = last;
		v = rest;
	}
	const sg_val *x = &b->n->s->val[v];
	sg_summand two[2];

	if (find_summand(b, x->arg[1], &two[0]) && find_summand(b, x->arg[0], &two[1])) {
		two[0].negate = two[0].negate != (x->op == SG_SUB);
		sum[n] = v;
		s[n++] = two[0];
		s[n++] = two[1];
		return n;
	}
	if (n > 0)
		s[n++] = (sg_summand){.v = v};
	return n;
}

static bool
is_worth_it(const sg_summand *s, uint32_t n)
{
	uint32_t within = 0, apart = 0;

	for (uint32_t k = 0; k < n; k++) {
		within += s[k].within;
		apart += s[k].apart;
	}
	return within >= 2 || (within && n > 2) || (within + apart == n && n >= OPEN);
}

static void
make_step(sg_blocks *b, uint32_t v, const sg_summand *s, uint32_t n, const uint32_t *sum)
{
	sg_around *a = SG_NEW(b->f->ctx, sg_around);
	sg_summand *in_order = SG_NEW_ARRAY(b->f->ctx, sg_summand, n);

	for (uint32_t k = 0; k < n; k++) {
		in_order[k] = s[n - 1 - k];
		if (s[k].product)
			b->item[s[k].product].how = SG_B_NONE;
		if (s[k].within)
			b->item[s[k].v].how = SG_B_NONE;
		if (k + 1 < n && sum[k] != v)
			b->item[sum[k]].how = SG_B_NONE;
	}
	*a = (sg_around){.n = n, .summand = in_order};
	b->item[v].around = a;
}

void
sg_find_around(sg_blocks *b)
{
	for (uint32_t v = b->nvals; v-- > 1;) {
		sg_summand s[MOST];
		uint32_t sum[MOST];

		if (!is_sum(b, v))
			continue;
		const uint32_t n = find_summands(b, v, s, sum);

		if (is_worth_it(s, n))
			make_step(b, v, s, n, sum);
	}
}

void
sg_visit_around(sg_blocks *b, uint32_t item, sg_block_visit *visit)
{
	const sg_around *a = b->item[item].around;

	for (uint32_t k = 0; k < a->n; k++)
		if (!a->summand[k].within && !a->summand[k].apart)
			visit(b, item, a->summand[k].v);
}

/* ---- text ---- */

/* From where on, or up to where, a condition holds, counted from the tile's beginning. */
static const char *
bound(const sg_blocks *b, sg_ext at, sg_aff form)
{
	const char *x = sg_form_text(b->n, form).s, *bare = sg_ext_bare(b->f, at);

	return strcmp(x, "0") == 0 ? bare : sg_text(b->f->ctx, "%s - (%s)", bare, x);
}

/* Where the conditions of v, if there are any, hold: of rows or columns, the first and the one
 * behind. */
typedef struct part {
	const char *from[2], *to[2];
} part;

static part
part_of(const sg_blocks *b, const sg_val *v)
{
	part p = {{"0", "0"}, {NULL}};
	const char *outside = "";
	const where limit = b->few ? DOWN : ALONG;

	p.to[ALONG] = b->few ? sg_text(b->f->ctx, "%lld", (long long)b->few) : b->count;
	p.to[DOWN] = b->few ? b->rows : "1";
	for (uint32_t k = 0; v && k < v->nconds; k++) {
		const sg_within *c = &v->cond[k];
		const where at = where_of(b, c->form);
		const char *x = sg_form_text(b->n, c->form).s;

		if (at == OUTSIDE && c->check_lo)
			outside =
			    sg_text(b->f->ctx, "%s%s < %s || ", outside, x, sg_ext_c(b->f, c->lo));
		if (at == OUTSIDE && c->check_hi)
			outside =
			    sg_text(b->f->ctx, "%s%s >= %s || ", outside, x, sg_ext_c(b->f, c->hi));
		if (at != OUTSIDE && c->check_lo)
			p.from[at] = bound(b, c->lo, c->form);
		if (at != OUTSIDE && c->check_hi)
			p.to[at] = bound(b, c->hi, c->form);
	}
	if (*outside)
		p.to[limit] = sg_text(b->f->ctx, "%s0 ? 0 : %s", outside, p.to[limit]);
	return p;
}

/* The step from row to row of what s reads. */
static const char *
row_of(const sg_blocks *b, const sg_summand *s)
{
	const sg_val *v = &b->n->s->val[s->v];

	if (!s->within && !s->apart)
		return sg_text(b->f->ctx, "%lld", (long long)b->few);
	return sg_ext_bare(
	    b->f, sg_block_row_stride(b, s->within ? b->n->s->val[v->arg[0]].aff : v->aff));
}

/* Are all of them there for all of the tile, one number behind the other? */
static bool
are_whole(const sg_blocks *b, const sg_summand *s, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (s[k].within ||
		    (b->few && s[k].apart &&
		     !sg_ext_is(b->f->sp, sg_block_row_stride(b, b->n->s->val[s[k].v].aff),
		                b->few)))
			return false;
	return true;
}

static const char *
array_of(sg_blocks *b, uint32_t item, const sg_summand *s)
{
	const sg_val *v = &b->n->s->val[s->v], *x = s->within ? &b->n->s->val[v->arg[0]] : v;

	if (!s->within && !s->apart)
		return sg_block_array(b, s->v, b->item[item].at);
	return sg_block_start(b, sg_array(b->f, x->ref), sg_place_of(b->n, x->ref, x->aff));
}

static const char *
factor_of(const sg_blocks *b, const sg_summand *s)
{
	const char *by = s->by ? sg_val_text(b->n, s->by).s : "1";

	return s->negate ? sg_text(b->f->ctx, "-(%s)", by) : by;
}

/* What tells the routine where each is a number, and which zeros there are else. */
static const char *
print_parts(sg_blocks *b, const sg_summand *s, uint32_t n)
{
	const char *name = sg_name_fresh(&b->f->names, "at"), *rows = "";
	unsigned minus = 0;
	sg_buf steps, all;

	sg_buf_init(&steps, b->f->ctx);
	sg_buf_init(&all, b->f->ctx);
	for (uint32_t k = 0; k < n; k++) {
		const sg_val *v = s[k].within ? &b->n->s->val[s[k].v] : NULL;
		const part p = part_of(b, v);

		sg_buf_printf(&steps, "%s%s", k ? ", " : "", row_of(b, &s[k]));
		sg_buf_puts(&all, k ? ", " : "");
		if (b->few)
			sg_buf_printf(&all, "%s, %s, ", p.from[DOWN], p.to[DOWN]);
		sg_buf_printf(&all, "%s, %s", p.from[ALONG], p.to[ALONG]);
		minus |= (unsigned)(v && v->turned) << k;
	}
	if (b->few) {
		rows = sg_name_fresh(&b->f->names, "steps");
		sg_line(b->f, "const ptrdiff_t %s[] = {%s};", rows, sg_buf_text(&steps));
		rows = sg_text(b->f->ctx, "%s, ", rows);
	}
	sg_line(b->f, "const ptrdiff_t %s[] = {%s};", name, sg_buf_text(&all));
	return sg_text(b->f->ctx, "%s%s, %u", rows, name, minus);
}

void
sg_print_around(sg_blocks *b, uint32_t item, const sg_summand *s, uint32_t n, const char *to)
{
	sg_fn *f = b->f;
	const sg_type type = (sg_type)b->n->s->val[item].type;
	const char *c = sg_type_c_name(type), *array = sg_name_fresh(&f->names, "around"),
		   *factor = sg_name_fresh(&f->names, "by");
	sg_buf arrays, factors;

	sg_buf_init(&arrays, f->ctx);
	sg_buf_init(&factors, f->ctx);
	for (uint32_t k = 0; k < n; k++) {
		sg_buf_printf(&arrays, "%s%s", k ? ", " : "", array_of(b, item, &s[k]));
		sg_buf_printf(&factors, "%s%s", k ? ", " : "", factor_of(b, &s[k]));
	}
	sg_line(f, "const %s *const %s[] = {%s};", c, array, sg_buf_text(&arrays));
	sg_line(f, "const %s %s[] = {%s};", c, factor, sg_buf_text(&factors));
	if (are_whole(b, s, n)) {
		sg_line(f, "%s(%s, %u, %s, %s, %s);", sg_block_typed(b, "combine", type), b->count,
		        (unsigned)n, array, factor, to);
		return;
	}
	const char *at = print_parts(b, s, n);
	if (b->few)
		sg_line(f, "%s(%s, %lld, %u, %s, %s, %s, %s);", sg_block_typed(b, "around", type),
		        b->rows, (long long)b->few, (unsigned)n, array, factor, at, to);
	else
		sg_line(f, "%s(%s, %u, %s, %s, %s, %s);", sg_block_typed(b, "beside", type),
		        b->count, (unsigned)n, array, factor, at, to);
}

void
sg_print_spot(sg_blocks *b, uint32_t item, const char *to)
{
	const sg_val *v = &b->n->s->val[item];
	const part p = part_of(b, v);

	sg_line(b->f, "%s(%s, %s, %s, %s, %s, %s, %s, %s);",
	        sg_block_typed(b, "spot", (sg_type)v->type), b->few ? b->rows : "1",
	        b->few ? sg_text(b->f->ctx, "%lld", (long long)b->few) : b->count,
	        sg_val_text(b->n, v->arg[0]).s, p.from[DOWN], p.to[DOWN], p.from[ALONG],
	        p.to[ALONG], to);
}
