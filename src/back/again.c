/* again.c - loops over what is dear go by whole vectors, the last of which begins so early that
 * none is left over.
 *
 * Compilers run what a vector has no room for turn by turn, which for rows of a few elements costs
 * more than all vectors do. Where a turn may be run once more, for it stores what it stored before,
 * the last vector ends where the row does, and begins within the one before it. A sum takes from it
 * the lanes alone that were not there (sgrt_kept_f64). The other vectors have a fixed length, which
 * lets gcc -O2 make SIMD of them. Rows shorter than one go as they are.
 *
 * It counts where the turns have functions that are inlined and have no branch: what calls libm has
 * no vectors, and what does a few sums is not worth it. */
#include "back/nest.h"

#include <string.h>

enum { VECTOR_BYTES = 64 };
enum { FEW = 4 }; /* questions that are worth no table */

/* Is it of the runtime's functions that a loop becomes SIMD with (vector.h.in)? */
static bool
is_dear(uint8_t op)
{
	switch ((sg_op)op) {
	case SG_EXP:
	case SG_EXP2:
	case SG_EXPM1:
	case SG_LOG:
	case SG_LOG1P:
	case SG_LOG2:
	case SG_LOG10:
	case SG_TANH:
	case SG_SIGMOID:
	case SG_SOFTPLUS:
		return true;
	default:
		return false;
	}
}

/* Few operations without a branch or a call: a root sets errno. */
static bool
is_plain(uint8_t op)
{
	return op != SG_FLOORDIV && op != SG_MOD && op != SG_NONEMPTY && op != SG_SQRT &&
	       op != SG_RSQRT && sg_ops[op].cost < 10;
}

bool
sg_becomes_simd(uint8_t op)
{
	return is_dear(op) || is_plain(op) || op == SG_SQRT || op == SG_RSQRT;
}

/* The type of what is dear in the innermost loop, where all of it becomes SIMD; -1: it does not, or
 * nothing is dear. */
static int
dear_type(const sg_nest *n)
{
	const sg_step *s = n->s;
	int type = -1;

	for (size_t i = 1; i < s->nvals; i++) {
		const sg_val *v = &s->val[i];

		if (!v->needed || v->kind == SG_V_CONST)
			continue;
		if (v->kind == SG_V_AT || v->kind == SG_V_PLACE || v->kind == SG_V_RAND ||
		    (v->kind == SG_V_RING && v->depth == n->ngroups))
			return -1;
		if (v->kind != SG_V_EW || v->depth != n->ngroups)
			continue;
		if (is_dear(v->op))
			type = type == SG_F32 ? SG_F32 : v->type;
		else if (!is_plain(v->op))
			return -1;
	}
	return type;
}

/* ---- may a turn be run again? ---- */

/* The array that the root stores into; NULL: it is none that may be stored into twice. */
static const char *
target_of(const sg_nest *n, const sg_root *r)
{
	const sg_fn *f = n->f;
	const sg_place *p = &f->at[r->ref];

	switch ((sg_root_kind)r->kind) {
	case SG_R_COPY:
		return f->out[r->part].kind == SG_O_POINTER ? f->out[r->part].name : NULL;
	case SG_R_PIECE:
		return r->add || p->over ? NULL : sg_array(n->f, r->ref);
	case SG_R_STORE:
		return p->unit || p->over ? NULL : sg_array(n->f, r->ref);
	case SG_R_FOLD:
	case SG_R_TEXT:
		break;
	}
	return NULL;
}

static const char *
array_loaded(const sg_nest *n, size_t i)
{
	const sg_val *v = &n->s->val[i];

	return v->needed && v->kind == SG_V_LOAD ? sg_array(n->f, v->ref) : NULL;
}

static void
find_arrays(sg_nest_arrays *a)
{
	a->at = sg_bytes_map_new(a->n->f->ctx);
	for (size_t i = 1; i < a->n->s->nvals; i++) {
		const char *name = array_loaded(a->n, i);

		if (name)
			*sg_bytes_map_at(a->at, name, strlen(name)) = a;
	}
}

bool
sg_nest_reads(sg_nest_arrays *a, const char *array)
{
	if (a->asked++ == FEW)
		find_arrays(a);
	if (a->at)
		return sg_bytes_map_get(a->at, array, strlen(array)) != NULL;
	for (size_t i = 1; i < a->n->s->nvals; i++) {
		const char *name = array_loaded(a->n, i);

		if (name && strcmp(name, array) == 0)
			return true;
	}
	return false;
}

/* Sums that go by lanes leave out what was there; the greatest and the least may see it twice. */
bool
sg_may_go_again(sg_nest_arrays *a, const sg_root *r)
{
	const sg_nest *n = a->n;
	const bool in_lanes = r->kind == SG_R_FOLD && n->lanes && !sg_adds_up(n->f, r->ref) &&
	                      sg_type_is_float((sg_type)n->s->val[r->val[0]].type);
	const char *array = in_lanes ? NULL : target_of(n, r);

	return in_lanes || (array && !sg_nest_reads(a, array));
}

static bool
may_all_go_again(const sg_nest *n)
{
	sg_nest_arrays arrays = {.n = n};

	for (size_t i = 0; i < n->s->nroots; i++)
		if (!sg_may_go_again(&arrays, &n->s->root[i]))
			return false;
	return true;
}

void
sg_choose_vectors(sg_nest *n)
{
	const int type = dear_type(n);
	int64_t ext;

	n->vector = 0;
	if (type < 0 || n->f->m->o->jit || n->strip || n->chunks || n->power || n->ngroups == 0 ||
	    (!n->lanes && n->nkept < n->ngroups) || !may_all_go_again(n))
		return;
	n->vector = VECTOR_BYTES / (int)sg_type_size((sg_type)type);
	if (sg_ext_const(n->f->sp, n->ext[n->ngroups - 1], &ext) &&
	    (ext < n->vector || ext % n->vector == 0))
		n->vector = 0;
	else
		n->apart = true;
}

sg_c_text
sg_kept_text(const sg_nest *n, sg_op op, sg_type t, sg_c_text x)
{
	if (!n->skip || op == SG_AMAX || op == SG_AMIN)
		return x;
	return (sg_c_text){
	    sg_text(n->f->ctx, "%s(%s, %s)", sg_use_typed(n->f->m, "kept", t), x.s, n->skip),
	    SG_PREC_ATOM};
}
