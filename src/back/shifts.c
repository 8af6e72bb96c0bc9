/* shifts.c - loops that add to one array at places that overlap, one for each shift.
 *
 * The derivative of a stencil adds to a[i], a[i + 1] and a[i + 2] in turn i. What one turn stores
 * the next one reads, so that compilers make no SIMD of it, and a turn waits for the one before it.
 * So the innermost loop goes by strips that stay in the first cache, each with a loop for every
 * shift, in which no two turns meet. The first one does all that the nest does besides, and keeps
 * what the others add in arrays, unless that is computed anew as fast as it is read. */
#include "back/nest.h"

#include <string.h>

enum {
	STRIP = 512, /* turns */
	FEW = 16,    /* turns that compilers unroll */
	MANY = 8,    /* loops for a strip */
	KEPT = 4,    /* arrays at most */
	FREE = 1,    /* operations that are as fast as an array */
};

/* Can two turns of the innermost loop add to one element, by these two? */
static bool
may_meet(const sg_nest *n, const sg_root *p, const sg_root *q)
{
	sg_space *sp = n->f->sp;
	const uint32_t inner = n->ngroups - 1;
	const sg_ext each = sg_aff_coef(n->f, p->at, n->last[inner]);
	const sg_ext span = sg_ext_mul(sp, each, n->ext[inner]);
	sg_ext d;

	if (p->ref != q->ref || p->at == q->at)
		return false;
	if (!sg_ext_nonneg(sp, each) || !sg_aff_distance(n->f, p->at, q->at, &d))
		return true;
	return !sg_ext_nonneg(sp, sg_ext_sub(sp, d, span)) &&
	       !sg_ext_nonneg(sp, sg_ext_sub(sp, sg_ext_sub(sp, sg_ext_int(sp, 0), d), span));
}

/* Does the root do the same whatever is added meanwhile, and have no order of turns? */
static bool
stands_apart(const sg_nest *n, const sg_root *r)
{
	if (r->kind != SG_R_FOLD)
		return r->kind != SG_R_TEXT && !r->masked;
	return n->lanes && sg_is_float_fold(n, r);
}

/* The array that the root stores into; NULL: it is none. */
static const char *
stored_into(const sg_nest *n, const sg_root *r)
{
	const sg_fn *f = n->f;

	if (r->kind == SG_R_COPY)
		return f->out[r->part].kind == SG_O_POINTER ? f->out[r->part].name : NULL;
	return r->kind != SG_R_FOLD && !f->at[r->ref].unit ? sg_array(n->f, r->ref) : NULL;
}

/* Names of arrays that roots store into, other than those that add. */
static sg_bytes_map *
find_stored(const sg_nest *n)
{
	sg_bytes_map *stored = sg_bytes_map_new(n->f->ctx);

	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];
		const char *array = sg_is_added(r) ? NULL : stored_into(n, r);

		if (array)
			*sg_bytes_map_at(stored, array, strlen(array)) = stored;
	}
	return stored;
}

/* Can the roots be in several loops, and what they need be computed in each? */
static bool
can_part(const sg_nest *n)
{
	sg_nest_arrays arrays = {.n = n};
	sg_bytes_map *stored = NULL;

	for (size_t i = 0; i < n->s->nroots; i++) {
		const sg_root *r = &n->s->root[i];

		if (!sg_is_added(r)) {
			if (!stands_apart(n, r))
				return false;
			continue;
		}
		const char *array = sg_array(n->f, r->ref); /* the nest does nothing else with it */

		if (!stored)
			stored = find_stored(n);
		if (sg_bytes_map_get(stored, array, strlen(array)) || sg_nest_reads(&arrays, array))
			return false;
	}
	for (size_t i = 1; i < n->s->nvals; i++) {
		const sg_val *v = &n->s->val[i];

		if (v->needed && v->depth == n->ngroups &&
		    (v->kind == SG_V_AT || v->kind == SG_V_PLACE))
			return false;
	}
	return true;
}

/* Puts each root in the first loop where it meets none; the number of loops. */
static uint32_t
share_out(const sg_nest *n, uint32_t *loop)
{
	uint32_t count = 0;

	for (size_t i = 0; i < n->s->nroots; i++) {
		bool taken[MANY + 1] = {0};

		for (size_t k = 0; k < i && sg_is_added(&n->s->root[i]); k++)
			if (sg_is_added(&n->s->root[k]) &&
			    may_meet(n, &n->s->root[i], &n->s->root[k]))
				taken[loop[k]] = true;
		while (loop[i] < MANY && taken[loop[i]])
			loop[i]++;
		if (loop[i] == MANY)
			return 0;
		count = loop[i] + 1 > count ? loop[i] + 1 : count;
	}
	return count;
}

/* Operations of value `of` in a turn. */
static uint32_t
operations(const sg_nest *n, uint32_t of)
{
	bool *seen = SG_NEW_ARRAY(n->f->ctx, bool, of + 1);
	uint32_t count = 0;

	seen[of] = true;
	for (uint32_t i = of; i > 0; i--) {
		const sg_val *v = &n->s->val[i];

		if (!seen[i] || v->depth < n->ngroups)
			continue;
		count += v->kind == SG_V_EW ? (uint32_t)sg_ops[v->op].cost : 0;
		for (uint32_t k = 0; k < v->nargs; k++)
			seen[v->arg[k]] = true;
	}
	return count;
}

static void
choose_kept(sg_nest *n)
{
	const sg_step *s = n->s;
	uint32_t count = 0;

	n->kept = SG_NEW_ARRAY(n->f->ctx, const char *, s->nvals);
	for (size_t i = 0; i < s->nroots; i++) {
		const uint32_t v = s->root[i].val[0];

		if (n->shift[i] == 0 || n->kept[v] || count == KEPT || s->val[v].guarded ||
		    operations(n, v) <= FREE)
			continue;
		n->kept[v] = sg_name_fresh(&n->f->names, "kept");
		count++;
	}
}

void
sg_choose_shifts(sg_nest *n)
{
	int64_t turns;

	if (n->f->m->o->jit || n->ngroups == 0 || (n->nkept < n->ngroups && !n->lanes) ||
	    n->columns || n->window || n->chunks || n->strip || n->vector || n->turned || n->mask ||
	    n->parallel || n->power || n->unrolls || n->s->nroots < 2 || !can_part(n))
		return;
	if (sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &turns) && turns < FEW)
		return;
	n->shift = SG_NEW_ARRAY(n->f->ctx, uint32_t, n->s->nroots);
	n->nshifts = share_out(n, n->shift);
	if (n->nshifts < 2) {
		n->nshifts = 0;
		return;
	}
	n->apart = true;
	choose_kept(n);
}

bool
sg_is_kept(const sg_nest *n, size_t v)
{
	return n->nshifts && n->now > 0 && n->kept[v];
}

/* ---- text ---- */

/* Element of an array that holds a value of the strip that begins at `from`. */
static const char *
element(const sg_nest *n, uint32_t d, const char *from, const char *array)
{
	const char *turn = n->f->loop[d];

	if (strcmp(from, "0") == 0)
		return sg_text(n->f->ctx, "%s[%s]", array, turn);
	return sg_text(n->f->ctx, "%s[%s - %s]", array, turn, from);
}

void
sg_print_kept_values(const sg_nest *n)
{
	for (size_t i = 1; i < n->s->nvals && n->now == 0; i++)
		if (n->kept[i])
			sg_line(n->f, "%s = %s;", n->kept[i], sg_val_text(n, (uint32_t)i).s);
}

/* The loops of a strip of at most `most` turns. */
static void
print_strip(sg_nest *n, uint32_t d, const char *from, const char *to, int64_t most)
{
	sg_fn *f = n->f;
	const bool lanes = n->lanes;
	const char **array = SG_NEW_ARRAY(f->ctx, const char *, n->s->nvals);

	for (size_t i = 1; i < n->s->nvals; i++) {
		array[i] = n->kept[i];
		if (!array[i])
			continue;
		sg_line(f, "%s %s[%lld];", sg_type_c_name((sg_type)n->s->val[i].type), array[i],
		        (long long)most);
		n->kept[i] = element(n, d, from, array[i]);
	}
	for (n->now = 0; n->now < n->nshifts; n->now++) {
		n->lanes = lanes && n->now == 0;
		sg_find_needed_for(n, n->now);
		sg_print_nest_loop(n, d, from, to);
	}
	n->lanes = lanes;
	memcpy(n->kept, array, n->s->nvals * sizeof *array);
	sg_find_needed(n);
}

/* Blocks of a sum are strips. */
void
sg_print_shifts(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	int64_t turns;
	const bool known = sg_ext_const(f->sp, n->ext[d], &turns);
	const int64_t most = n->tree ? sg_block_of(n) : STRIP;

	if (n->tree || (known && turns <= STRIP)) {
		print_strip(n, d, from, to, known && turns < most ? turns : most);
		return;
	}
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", f->from, from, f->from, to,
	        f->from, STRIP);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s : %s + %d;", f->to, to, f->from, STRIP,
	        to, f->from, STRIP);
	print_strip(n, d, f->from, f->to, STRIP);
	sg_close(n);
}
