/* level.c - which nests may be one.
 *
 * Each node has a level: that of its operands, or one more where an operand must be complete before
 * (because it is the result of a nest that is not read at the same index). What is of one level and
 * over one space stands in one nest. */
#include "back/branch.h"

#include <stdlib.h>
#include <string.h>

enum {
	MANY = 256,     /* nests among which no two are looked for */
	WORK = 1 << 18, /* nodes that are looked at, all in all */
	CHEAP = 3,      /* operations that may as well be done in another nest */
};

static uint32_t
max2(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t
own_of(const sg_fn *f, sg_ref r)
{
	return f->at[r].own;
}

static uint32_t
ready_of(const sg_fn *f, sg_ref r)
{
	return f->at[r].ready;
}

/* The level of piece k of a JOIN. Those that are added come after those that are set. */
uint32_t
sg_piece_level(const sg_fn *f, sg_ref r, const sg_join *j, uint32_t k)
{
	const uint32_t nset = j->n - j->npads;
	uint32_t level = 0;

	if (sg_is_branch(f, r)) {
		level = max2(own_of(f, j->piece[k]), sg_guard_level(f, sg_branch_side(f, r, k)));
		return sg_has_one_element(f, j->piece[k]) ? max2(level, ready_of(f, j->piece[k]))
		                                          : level;
	}
	if (j->lay && !sg_has_one_element(f, j->piece[k]) && f->at[j->piece[k]].cost <= CHEAP)
		return j->lay[j->lay[k].kin].level;
	if (k < nset && j->npads == 0)
		return sg_has_one_element(f, j->piece[k]) ? ready_of(f, j->piece[k])
		                                          : own_of(f, j->piece[k]);
	for (uint32_t i = 0; i < nset; i++)
		level = max2(level, own_of(f, j->piece[i]));
	if (k < nset)
		return level;
	level += nset > 0;
	return max2(level, own_of(f, sg_arg(f->g, j->piece[k], 0)));
}

/* What is cheap is written with the last of what lies beside it, so that each place in memory is
 * gone to once. */
static void
set_kin_levels(const sg_fn *f, const sg_join *j)
{
	for (uint32_t k = 0; k < j->n; k++)
		j->lay[k].level = 0;
	for (uint32_t k = 0; k < j->n; k++) {
		sg_laid *kin = &j->lay[j->lay[k].kin];

		kin->level = max2(kin->level, own_of(f, j->piece[k]));
	}
}

static uint32_t
join_level(const sg_fn *f, sg_ref r)
{
	const sg_join *j = sg_join_of(f, r);
	const uint32_t nset = j->n - j->npads;
	uint32_t level = 0, least = 0;

	if (j->lay)
		set_kin_levels(f, j);
	if (j->npads == 0) {
		for (uint32_t k = 0; k < j->n; k++)
			level = max2(level, sg_piece_level(f, r, j, k));
		return level;
	}
	least = sg_piece_level(f, r, j, 0);
	for (uint32_t k = nset; k < j->n; k++)
		level = max2(level, own_of(f, sg_arg(f->g, j->piece[k], 0)));
	return max2(level, least + (nset > 0));
}

static uint32_t
operands_level(const sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_place *p = &f->at[r];
	uint32_t level = 0;

	for (uint32_t k = 0; k < sg_nreads(f, r); k++) {
		const bool elsewhere =
		    sg_is_ring(f, r) || p->kind == SG_P_VIEW || p->kind == SG_P_CALL || p->unit ||
		    n->op == SG_CONTRACT || n->op == SG_GATHER || n->op == SG_UNWINDOW ||
		    n->op == SG_RAND || n->op == SG_RANDN || (n->op == SG_SCATTER && k == 0);
		const bool is_fold =
		    p->kind == SG_P_FOLD && n->op != SG_CONTRACT && n->op != SG_UNWINDOW;

		level = max2(level, elsewhere && !(is_fold && k + 1 == n->nargs)
		                        ? ready_of(f, n->args[k])
		                        : own_of(f, n->args[k]));
	}
	return level;
}

/* Of the nest that fills a carry's buffer with `init`. */
uint32_t
sg_first_level(const sg_fn *f, sg_ref loop, sg_ref init)
{
	return max2(own_of(f, init), sg_guard_level(f, sg_guard_of(f, loop)));
}

/* A carry's buffer is filled by a nest before, which others that wait for the loop must not join.
 */
static uint32_t
loop_level(const sg_fn *f, const sg_loop_plan *p)
{
	uint32_t level = 0;

	for (size_t k = 0; k < p->nargs; k++)
		level = max2(level, p->arg[k].role == SG_L_FIRST
		                        ? sg_first_level(f, p->ref, p->arg[k].ref) + 1
		                        : ready_of(f, p->arg[k].ref));
	return level;
}

/* least: by node, the level that a nest must have at least; NULL: any. */
static void
set_level(sg_fn *f, sg_ref r, const uint32_t *least)
{
	const sg_node *n = sg_fn_node(f, r);
	sg_place *p = &f->at[r];

	switch ((sg_place_kind)p->kind) {
	case SG_P_DEAD:
		return;
	case SG_P_VIEW:
		if (!p->stored && (sg_view_is_plain(f, r) || sg_is_row_view(f, r))) {
			p->own = own_of(f, n->args[0]);
			p->ready = ready_of(f, n->args[0]);
			return;
		}
		p->level = p->own = p->ready = operands_level(f, r);
		p->ready += p->stored;
		return;
	case SG_P_LEAF:
		p->ready = p->stored;
		return;
	case SG_P_CALC:
		p->level = max2(operands_level(f, r), least ? least[r] : 0);
		p->own = p->level + p->before;
		p->ready = p->level + !p->unit;
		return;
	case SG_P_CALL:
		p->level = p->own = p->ready = operands_level(f, r);
		return;
	case SG_P_FOLD:
		p->level = max2(operands_level(f, r), least ? least[r] : 0);
		p->own = p->ready = p->level + 1;
		return;
	case SG_P_JOIN:
		p->level = join_level(f, r);
		p->own = p->ready = p->level + 1;
		return;
	case SG_P_LOOP:
		p->level = p->own = p->ready = loop_level(f, f->plan[r]);
		return;
	case SG_P_PICK:
		p->level = p->own = p->ready = f->at[n->args[0]].level;
		return;
	case SG_P_ROOM:
		return;
	}
}

/* What has a guard waits for its conditions. */
static void
raise_level(sg_fn *f, sg_ref r)
{
	const uint32_t least = sg_guard_level(f, sg_guard_of(f, r));
	sg_place *p = &f->at[r];
	const uint32_t level = p->kind == SG_P_VIEW && !p->stored ? p->own : p->level;

	if (least <= level)
		return;
	p->level += least - level;
	p->own += least - level;
	p->ready += least - level;
}

/* Conditions come before what they guard. */
static void
set_guarded_levels(sg_fn *f)
{
	const sg_guards *w = f->guards;

	for (size_t i = 0; i < w->norder; i++) {
		set_level(f, w->order[i], NULL);
		if (f->at[w->order[i]].kind != SG_P_DEAD)
			raise_level(f, w->order[i]);
	}
}

static void
set_levels(sg_fn *f, const uint32_t *least)
{
	for (sg_ref r = f->guards ? f->guarded : 1; r < f->g->n; r++)
		set_level(f, r, least);
}

/* ---- nests that wait for others over the same space ---- */

/* What stands in a nest that may be made later than it could be. */
typedef struct root {
	sg_ref r;
	uint32_t kin; /* those of one kin are over one space */
} root;

typedef struct roots {
	root *at;
	size_t n, cap;
	uint32_t kins;
	uint32_t *least, *before; /* by node; before: another one is tried */
	uint64_t *key;            /* room for each root */
} roots;

/* Sums into places that indices say. What is computed element by element stays where it is: it is
 * seldom worth a longer life of what it reads. */
static bool
may_wait(const sg_fn *f, sg_ref r)
{
	return f->at[r].kind == SG_P_FOLD && sg_fn_node(f, r)->op == SG_SCATTER;
}

static uint32_t
kin_of(sg_fn *f, roots *w, sg_bytes_map *kin, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *s = f->g->node[n->args[n->nargs - 1]].shape;
	uint32_t key[SG_MAX_RANK + 1] = {0}, len = 1;
	void **slot;

	for (uint32_t k = 0; k < s->rank; k++)
		if (!sg_is_1(f, s->ext[k]))
			key[len++] = s->ext[k];
	len -= sg_fold_row(f, r);
	slot = sg_bytes_map_at(kin, key, len * sizeof *key);
	if (!*slot)
		*slot = (void *)(uintptr_t)++w->kins;
	return (uint32_t)(uintptr_t)*slot;
}

static void
find_roots(sg_fn *f, roots *w)
{
	sg_bytes_map *kin = sg_bytes_map_new(f->ctx);

	for (sg_ref r = 1; r < f->g->n; r++)
		if (may_wait(f, r))
			SG_PUSH(f->ctx, w->at, w->n, w->cap, (root){r, kin_of(f, w, kin, r)});
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* How many nests the roots are in. */
static size_t
count_nests(const sg_fn *f, const roots *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		w->key[i] = (uint64_t)w->at[i].kin << 32 | f->at[w->at[i].r].level;
	qsort(w->key, w->n, sizeof *w->key, by_number);
	for (size_t i = 0; i < w->n; i++)
		n += i == 0 || w->key[i] != w->key[i - 1];
	return n;
}

/* Of the levels of root i's kin the next one; 0: it has the last. */
static uint32_t
next_level(const sg_fn *f, const roots *w, size_t i)
{
	const uint32_t level = f->at[w->at[i].r].level;
	uint32_t next = 0;

	for (size_t k = 0; k < w->n; k++) {
		const uint32_t other = f->at[w->at[k].r].level;

		if (w->at[k].kin == w->at[i].kin && other > level && (next == 0 || other < next))
			next = other;
	}
	return next;
}

/* Lets the nest that root i is in have that level at least. */
static void
wait_until(const sg_fn *f, roots *w, size_t i, uint32_t level)
{
	for (size_t k = 0; k < w->n; k++)
		if (w->at[k].kin == w->at[i].kin &&
		    f->at[w->at[k].r].level == f->at[w->at[i].r].level)
			w->least[w->at[k].r] = level;
}

/* Lets the nest of root i wait for the next one over its space; does that leave fewer? */
static bool
join_next(sg_fn *f, roots *w, size_t i, uint32_t level)
{
	const size_t size = f->g->n * sizeof *w->least, nests = count_nests(f, w);

	memcpy(w->before, w->least, size);
	wait_until(f, w, i, level);
	set_levels(f, w->least);
	if (count_nests(f, w) < nests)
		return true;
	memcpy(w->least, w->before, size);
	set_levels(f, w->least);
	return false;
}

/* Makes one nest of two over one space, the first of which could be made before the second, where
 * all in all that saves one: then what both read is read once. */
static void
join_nests(sg_fn *f)
{
	const uint32_t n = f->g->n;
	size_t work = 0;
	roots w = {0};

	find_roots(f, &w);
	if (w.n < 2 || w.n > MANY)
		return;
	w.least = SG_NEW_ARRAY(f->ctx, uint32_t, n);
	w.before = SG_NEW_ARRAY(f->ctx, uint32_t, n);
	w.key = SG_NEW_ARRAY(f->ctx, uint64_t, w.n);
	for (size_t i = 0; i < w.n && work < WORK;) {
		const uint32_t level = next_level(f, &w, i);

		work += n;
		if (level == 0 || !join_next(f, &w, i, level))
			i++;
	}
}

/* ensures: level, own, ready of each node. */
void
sg_set_levels(sg_fn *f)
{
	if (f->guards)
		set_guarded_levels(f);
	set_levels(f, NULL);
	if (!f->guards)
		join_nests(f);
}
