/* counts.c - how often a condition holds, where rows then add by the words of its bits.
 *
 * The gradient of a minimum is split among ties: for each row of a tile it is counted how often
 * the condition holds that turns.c finds words of bits for, one bit for each result. So the words
 * are found where it is counted, and the count is that of their bits; the rows find them there,
 * save where there are more results than a word has bits. */
#include "back/nest.h"

enum { NESTED = 8 /* operands that are compared, of operands */ };

/* ---- the same condition in two nests of a band ---- */

typedef struct twin {
	const sg_nest *n, *m;
} twin;

/* Variables that stand for the same: the row, and what is counted along. */
static bool
same_form(const twin *t, sg_aff a, sg_aff b)
{
	const sg_fn *f = t->n->f;
	const sg_affine x = f->aff[a], y = f->aff[b];
	const uint32_t row[2] = {t->n->s->row, t->m->s->row};
	const uint32_t turn[2] = {t->n->last[0], t->m->last[0]};

	for (uint32_t i = 0; i < x.n; i++)
		if (x.term[i].var != row[0] && x.term[i].var != turn[0])
			return false;
	return x.base == y.base && x.n == y.n &&
	       sg_aff_coef(f, a, row[0]) == sg_aff_coef(f, b, row[1]) &&
	       sg_aff_coef(f, a, turn[0]) == sg_aff_coef(f, b, turn[1]);
}

static bool
same_value(const twin *t, uint32_t a, uint32_t b, int nested)
{
	const sg_val *v = &t->n->s->val[a], *w = &t->m->s->val[b];

	if (v->kind != w->kind || v->type != w->type || v->op != w->op || v->nargs != w->nargs ||
	    v->nconds || w->nconds || nested == NESTED)
		return false;
	switch ((sg_val_kind)v->kind) {
	case SG_V_CONST:
		return sg_fn_node(t->n->f, v->ref)->attr->w[0] ==
		       sg_fn_node(t->n->f, w->ref)->attr->w[0];
	case SG_V_LOAD:
		return v->ref == w->ref && !v->guarded && !w->guarded && w->depth > 0 &&
		       same_form(t, v->aff, w->aff);
	case SG_V_CAST:
	case SG_V_EW:
		break;
	case SG_V_DIM:
	case SG_V_LOCAL:
	case SG_V_INDEX:
	case SG_V_RAND:
	case SG_V_AT:
	case SG_V_WITHIN:
	case SG_V_DIV:
	case SG_V_MOD:
	case SG_V_RING:
	case SG_V_PLACE:
		return false;
	}
	for (uint32_t k = 0; k < v->nargs; k++)
		if (!same_value(t, v->arg[k], w->arg[k], nested + 1))
			return false;
	return true;
}

/* The condition that a nest in columns counts along its outer loop, and nothing else; 0: none. */
static uint32_t
what_is_counted(const sg_nest *n)
{
	const sg_root *r = n->s ? &n->s->root[0] : NULL;
	const sg_val *v;

	if (!r || !n->columns || n->chunks || n->power || n->nkept > 0 || n->ngroups != 2 ||
	    n->s->nloops != 2 || n->s->nroots != 1 || r->kind != SG_R_FOLD ||
	    !n->f->at[r->ref].band || n->f->at[r->ref].unit ||
	    !sg_is_addition(sg_fn_node(n->f, r->ref)->op))
		return 0;
	v = &n->s->val[r->val[0]];
	return v->kind == SG_V_CAST && sg_type_is_float((sg_type)v->type) &&
	               n->s->val[v->arg[0]].type == SG_BOOL
	           ? v->arg[0]
	           : 0;
}

void
sg_find_counts(sg_nest *nest, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < k && nest[k].by_rows && !nest[k].words; i++) {
			const uint32_t cond = nest[i].counts ? 0 : what_is_counted(&nest[i]);

			if (!cond || nest[i].ext[0] != nest[k].ext[0] ||
			    !same_value(&(twin){&nest[i], &nest[k]}, cond, nest[k].chosen, 0))
				continue;
			nest[i].counts = &nest[k];
			nest[k].words = sg_name_fresh(&nest[k].f->names, "chosen");
		}
}

/* ---- text ---- */

/* A statement for each lane. */
static void
print_each(sg_nest *n, const char *to, const char *how, const char *value)
{
	sg_open_lane(n, false);
	sg_line(n->f, "%s %s %s;", to, how, value);
	sg_close(n);
}

void
sg_print_counts(sg_nest *n)
{
	sg_fn *f = n->f;
	sg_nest *rows = n->counts;
	const sg_root *r = &n->s->root[0];
	const sg_type t = (sg_type)sg_fn_node(f, r->ref)->type;
	const char *count = sg_element_of(n, r->ref, r->at);
	const char *word = sg_text(f->ctx, "%s[%s]", rows->words, n->lane);
	const char *bits = sg_text(f->ctx, "%s(%s)", sg_use(f->m, "sgrt_count_bits"), word);

	sg_line(f, "uint64_t %s[%d];", rows->words, SG_COLUMNS);
	print_each(n, count, "=", sg_c_const(f, t, 0).s);
	sg_open_near(rows);
	print_each(n, word, "=", "0");
	sg_print_words(rows, rows->words);
	print_each(n, count, "+=", t == SG_F32 ? sg_text(f->ctx, "(float)%s", bits) : bits);
	sg_close(n);
}
