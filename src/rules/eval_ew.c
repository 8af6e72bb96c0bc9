/* eval_ew.c - values of the elementwise ops, compiled from the texts of ops.def.
 *
 * ops.def is read once for each element type. A row becomes a function over arrays; a row that has
 * no value on the type (NA) becomes one that is never called. bool computes as int32_t. */
#include "rules/eval.h"

#include <math.h>
#include <string.h>

#define ODD 0
#define EVEN 0
#define MONO 0
#define LINEAR 0
#define ZERO 0
#define COMM 0
#define INTS 0
#define BOOL 1
#define LOGIC 1
#define NA 0
#define STATUS (&status)
#define S(f) R(f)

typedef int ew_fn(int64_t n, const void *xs, const void *ys, const void *zs, void *out);

/* One row over arrays of T, the first of X; the result is bool (uint8_t) or T. */
#define EW_FUNCTION(ID, X, FLAGS, VALUE)                                                           \
	static int NAME_OF(ID)(int64_t n, const void *xs, const void *ys, const void *zs,          \
	                       void *out)                                                          \
	{                                                                                          \
		int status = 0;                                                                    \
                                                                                                   \
		for (int64_t i = 0; i < n; i++) {                                                  \
			const X x = ((const X *)xs)[i];                                            \
			const T y = ((const T *)ys)[i], z = ((const T *)zs)[i];                    \
                                                                                                   \
			(void)x, (void)y, (void)z;                                                 \
			if (FLAGS)                                                                 \
				((uint8_t *)out)[i] = (uint8_t)((VALUE) != 0);                     \
			else                                                                       \
				((T *)out)[i] = (T)(VALUE);                                        \
		}                                                                                  \
		return status;                                                                     \
	}

/* The first operand of the rows with three: a condition or one of the type. */
#define X_CLAMP T
#define X_SELECT uint8_t

/* ---- f32 ---- */
#define T float
#define NAME_OF(ID) ew_f32_##ID
#define M(name) name##f
#define R(f) sgrt_##f##_f32
#define K(v) ((float)(v))
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI) EW_FUNCTION(ID, T, FLAGS, V)
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI) EW_FUNCTION(ID, T, FLAGS, V)
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI) EW_FUNCTION(ID, X_##ID, FLAGS, V)
#include "rules/ops.def"
#undef T
#undef NAME_OF
#undef M
#undef R
#undef K

/* ---- f64 ---- */
#define T double
#define NAME_OF(ID) ew_f64_##ID
#define M(f) f
#define R(f) sgrt_##f##_f64
#define K(v) ((double)(v))
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI) EW_FUNCTION(ID, T, FLAGS, V)
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI) EW_FUNCTION(ID, T, FLAGS, V)
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI) EW_FUNCTION(ID, X_##ID, FLAGS, V)
#include "rules/ops.def"
#undef T
#undef NAME_OF
#undef M
#undef R
#undef K

/* ---- i32 ---- */
#define T int32_t
#define NAME_OF(ID) ew_i32_##ID
#define R(f) sgrt_##f##_i32
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI) EW_FUNCTION(ID, T, FLAGS, I)
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI) EW_FUNCTION(ID, T, FLAGS, I)
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI) EW_FUNCTION(ID, X_##ID, FLAGS, I)
#include "rules/ops.def"
#undef T
#undef NAME_OF

/* ---- bool ---- */
#define T uint8_t
#define NAME_OF(ID) ew_b_##ID
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI) EW_FUNCTION(ID, T, FLAGS, I)
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI) EW_FUNCTION(ID, T, FLAGS, I)
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI) EW_FUNCTION(ID, X_##ID, FLAGS, I)
#include "rules/ops.def"
#undef T
#undef NAME_OF
#undef R

/* ---- i64 ---- */
#define T int64_t
#define NAME_OF(ID) ew_i64_##ID
#define R(f) sgrt_##f##_i64
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI) EW_FUNCTION(ID, T, FLAGS, I)
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI) EW_FUNCTION(ID, T, FLAGS, I)
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI) EW_FUNCTION(ID, X_##ID, FLAGS, I)
#include "rules/ops.def"
#undef T
#undef NAME_OF
#undef R

/* Indexed by sg_type. */
static ew_fn *const ew[SG_NOPS][5] = {
#define FIVE(ID)                                                                                   \
	{                                                                                          \
		ew_f32_##ID, ew_f64_##ID, ew_i32_##ID, ew_i64_##ID, ew_b_##ID                      \
	}
#define EW1(ID, NAME, FLAGS, COST, V, I, DX, LO, HI) [SG_##ID] = FIVE(ID),
#define EW2(ID, NAME, FLAGS, COST, V, I, DX, DY, LO, HI) [SG_##ID] = FIVE(ID),
#define EW3(ID, NAME, FLAGS, COST, V, I, DX, DY, DZ, LO, HI) [SG_##ID] = FIVE(ID),
#include "rules/ops.def"
};

int
sg_eval_ew(const sg_eval *e)
{
	const sg_op_info *row = &sg_ops[e->n->op];
	uint32_t last =
	    e->n->nargs - 1; /* has the operands' type, where the first is a condition too */
	sg_type t = e->args[last]->type;
	const void *data[3];

	for (uint32_t k = 0; k < 3; k++)
		data[k] = e->args[k <= last ? k : last]->data;
	sg_need(e->ctx, sg_type_is_float(t) ? row->value : row->ivalue,
	        "an elementwise op on a type that it has no value for");
	return ew[e->n->op][t](e->out->count, data[0], data[1], data[2], e->out->data);
}
