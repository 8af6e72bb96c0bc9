/* blocks_ring.c - elements of tiles at places that go around in a ring, or stay for several turns:
 * what roll moves (ring.c), tile and repeat.
 *
 * An index in a ring, which may be a remainder, grows by 1 up to its end; a quotient grows by 1 after
 * so many turns. One routine finds either by itself, and mostly a ring's elements where they lie. */
#include "back/blocks.h"

/* The values, by number, that are such indices in a form; 0: none. */
typedef struct rings {
	uint32_t row, number; /* along the loop over rows, along the innermost one */
	bool flat;            /* number: along both as one */
} rings;

bool
sg_block_is_turn(const sg_blocks *b, uint32_t v)
{
	const uint8_t kind = b->n->s->val[v].kind;

	return kind == SG_V_RING || kind == SG_V_MOD || kind == SG_V_DIV;
}

static bool
is_repeated(const sg_blocks *b, uint32_t v)
{
	return b->n->s->val[v].kind == SG_V_DIV;
}

static sg_aff
without(const sg_blocks *b, sg_aff a, uint32_t v)
{
	const sg_aff at = sg_aff_var(b->f, SG_VAR_VALUE + v);
	const sg_ext by = sg_aff_coef(b->f, a, SG_VAR_VALUE + v);

	return sg_aff_add(
	    b->f, a, sg_aff_scale(b->f, at, sg_ext_sub(b->f->sp, sg_ext_int(b->f->sp, 0), by)));
}

/* The index, as if no end was in the way: whole turns away at most. */
static sg_aff
straight(const sg_blocks *b, uint32_t ring)
{
	const sg_val *v = &b->n->s->val[ring];

	return sg_straight_in(b->f, b->n->s, v->aff, v->ext);
}

/* A ring along one loop of the tile, which the form reads in no other way, or along rows that are
 * one behind the other in it. */
static bool
add_ring(const sg_blocks *b, sg_aff a, uint32_t v, rings *all)
{
	sg_space *sp = b->f->sp;

	if (!sg_block_is_turn(b, v) || !sg_block_is_affine(b, straight(b, v)))
		return false;
	const sg_aff at = straight(b, v);
	const sg_ext step = sg_block_stride(b, at),
		     row = b->few ? sg_block_row_stride(b, at) : sg_ext_int(sp, 0);
	const bool leaves_number = sg_ext_is(sp, sg_block_stride(b, a), 0),
		   leaves_row = !b->few || sg_ext_is(sp, sg_block_row_stride(b, a), 0);
	if (sg_ext_is(sp, step, 0) && sg_is_1(b->f, row) && leaves_row && !all->row &&
	    !is_repeated(b, v)) {
		all->row = v;
		return true;
	}
	if (!sg_is_1(b->f, step) || !leaves_number || all->number)
		return false;
	all->number = v;
	all->flat = b->few && sg_ext_is(sp, row, b->few);
	return all->flat ? leaves_row && !all->row : sg_ext_is(sp, row, 0);
}

static bool
find_rings(const sg_blocks *b, sg_aff a, rings *all)
{
	const sg_affine form = b->f->aff[a];

	*all = (rings){0};
	for (uint32_t i = 0; i < form.n; i++)
		if (form.term[i].var >= SG_VAR_VALUE &&
		    sg_block_is_inner(b, form.term[i].var - SG_VAR_VALUE) &&
		    (all->flat || !add_ring(b, a, form.term[i].var - SG_VAR_VALUE, all)))
			return false;
	return (all->row || all->number) &&
	       !(all->row && all->number && is_repeated(b, all->number));
}

bool
sg_block_turns(const sg_blocks *b, const sg_val *v)
{
	rings all;

	return v->type != SG_BOOL && !v->guarded && find_rings(b, v->aff, &all);
}

/* Where the index begins, and of how many it is one: ", first, whole". */
static const char *
ring_text(const sg_blocks *b, uint32_t ring)
{
	if (!ring)
		return ", 0, PTRDIFF_MAX";
	return sg_text(b->f->ctx, ", %s, %s", sg_form_text(b->n, straight(b, ring)).s,
	               sg_ext_bare(b->f, b->n->s->val[ring].ext));
}

static const char *
step_text(const sg_blocks *b, sg_aff a, uint32_t ring, sg_ext plain)
{
	return sg_ext_bare(b->f, ring ? sg_aff_coef(b->f, a, SG_VAR_VALUE + ring) : plain);
}

static const char *
repeat_text(sg_blocks *b, const sg_val *v, const rings *all, const char *from, const char *to)
{
	const sg_type t = (sg_type)v->type;
	const char *end = sg_text(b->f->ctx, "%s, %s, %s", ring_text(b, all->number),
	                          step_text(b, v->aff, all->number, 0), to);

	if (!b->few || all->flat)
		return sg_text(b->f->ctx, "%s(%s, %s%s);", sg_block_typed(b, "repeat", t), b->count,
		               from, end);
	return sg_text(b->f->ctx, "%s(%s, %lld, %s, %s%s);", sg_block_typed(b, "repeat_rows", t),
	               b->rows, (long long)b->few, from,
	               sg_ext_bare(b->f, sg_block_row_stride(b, v->aff)), end);
}

/* The call, which gives a pointer to the elements: where they are, or `to`, where it copied them. */
static const char *
call_text(sg_blocks *b, const sg_val *v, const rings *all, const char *from, const char *to)
{
	const sg_type t = (sg_type)v->type;
	const char *step = step_text(b, v->aff, all->number, sg_block_stride(b, v->aff));

	if (!b->few || all->flat)
		return sg_text(b->f->ctx, "%s(%s, %s%s, %s, %s)", sg_block_typed(b, "ring", t),
		               b->count, from, ring_text(b, all->number), step, to);
	return sg_text(
	    b->f->ctx, "%s(%s, %lld, %s%s, %s%s, %s, %s)", sg_block_typed(b, "ring_rows", t),
	    b->rows, (long long)b->few, from, ring_text(b, all->row),
	    step_text(b, v->aff, all->row, sg_block_row_stride(b, v->aff)),
	    ring_text(b, all->number), step, to);
}

const char *
sg_print_turned(sg_blocks *b, uint32_t item, const char *to)
{
	const sg_val *v = &b->n->s->val[item];
	const sg_type t = (sg_type)v->type;
	rings all;

	const bool found = find_rings(b, v->aff, &all);
	sg_need(b->f->ctx, found, "a ring");
	const sg_aff place = sg_place_of(b->n, v->ref, v->aff);
	sg_aff start = all.number ? without(b, place, all.number) : place;
	start = all.row ? without(b, start, all.row) : start;
	const char *from = sg_block_start(b, sg_array(b->f, v->ref), start), *call;
	if (all.number && is_repeated(b, all.number)) {
		sg_line(b->f, "%s", repeat_text(b, v, &all, from, to));
		return to;
	}
	call = call_text(b, v, &all, from, to);
	if (b->item[item].into) {
		sg_line(b->f, "%s(%s, %s, 1, %s);", sg_block_typed(b, "load", t), b->count, call, to);
		return to;
	}
	const char *name = sg_name_fresh(&b->f->names, "turned");
	sg_line(b->f, "const %s *const %s = %s;", sg_type_c_name(t), name, call);
	return name;
}
