/* op_misc.c - conversions, bindings, stop_gradient; nodes that stand for a derivative or hold a
 * user's. */
#include "rules/op.h"

/* ---- cast: linear between floats, without derivative from or to integers and bool ---- */

static bool
between_floats(const sg_build *b, sg_ref r)
{
	return sg_type_is_float(sg_type_of(b, r)) &&
	       sg_type_is_float(sg_type_of(b, sg_arg(b->g, r, 0)));
}

sg_ref
jvp_CAST(sg_build *b, sg_ref r, const sg_ref *t)
{
	return t[0] && between_floats(b, r) ? sg_cast(b, t[0], sg_type_of(b, r)) : 0;
}

void
vjp_CAST(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)want;
	d[0] = between_floats(b, r) ? sg_cast(b, g, sg_type_of(b, sg_arg(b->g, r, 0))) : 0;
}

sg_ref
batch_CAST(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return sg_cast(b, args[0], (sg_type)n->type);
}

/* ---- bind: its operand, under a name ---- */

sg_ref
jvp_BIND(sg_build *b, sg_ref r, const sg_ref *t)
{
	(void)b, (void)r;
	return t[0];
}

void
vjp_BIND(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)b, (void)r, (void)want;
	d[0] = g;
}

sg_ref
batch_BIND(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched, (void)size;
	return sg_bind(b, args[0], n->attr->w[0]);
}

/* ---- stop_gradient ---- */

sg_ref
jvp_STOP(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_STOP(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_STOP(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)n, (void)batched, (void)size;
	return sg_stop(b, args[0]);
}

/* ---- custom: a user's rule is a graph, so its derivatives are sweeps (pass/custom.c) ---- */

sg_ref
jvp_CUSTOM(sg_build *b, sg_ref r, const sg_ref *t)
{
	(void)r, (void)t;
	sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: a custom rule is applied by the sweeps");
}

void
vjp_CUSTOM(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)r, (void)g, (void)want, (void)d;
	sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: a custom rule is applied by the sweeps");
}

/* Seeds come batched (pass/batch.c sees to it), so the adjoints in the rules do, and the params
 * have to be of their shape. */
sg_ref
batch_CUSTOM(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	sg_ref *led = SG_NEW_ARRAY(b->ctx, sg_ref, n->nargs);

	sg_led_args(b, n->nargs, args, batched, size, led);
	return sg_custom(b, n->attr->w[0], n->attr->w[1], n->attr->w[2], led);
}

/* ---- deriv and map: gone before any rule is asked ---- */

sg_ref
jvp_DERIV(sg_build *b, sg_ref r, const sg_ref *t)
{
	(void)r, (void)t;
	sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: derivatives are taken innermost first");
}

void
vjp_DERIV(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)r, (void)g, (void)want, (void)d;
	sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: derivatives are taken innermost first");
}

sg_ref
batch_DERIV(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)n, (void)args, (void)batched, (void)size;
	sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: derivatives are taken before batching");
}

sg_ref
jvp_MAP(sg_build *b, sg_ref r, const sg_ref *t)
{
	(void)r, (void)t;
	sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: a map is batched before what reads it is differentiated");
}

void
vjp_MAP(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	(void)r, (void)g, (void)want, (void)d;
	sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: a map is batched before what reads it is differentiated");
}

sg_ref
batch_MAP(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)n, (void)args, (void)batched, (void)size;
	sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: a map inside is batched before the one outside");
}

/* ---- loops: their rules stand in floor 4 (pass/loop*.c), since they sweep over bodies ---- */

#define IN_THE_PASSES(ID)                                                                          \
	sg_ref jvp_##ID(sg_build *b, sg_ref r, const sg_ref *t)                                    \
	{                                                                                          \
		(void)r, (void)t;                                                                  \
		sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: a loop is differentiated by loop.c");\
	}                                                                                          \
	void vjp_##ID(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)                \
	{                                                                                          \
		(void)r, (void)g, (void)want, (void)d;                                             \
		sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: a loop is differentiated by loop.c");\
	}                                                                                          \
	sg_ref batch_##ID(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched,  \
	                  sg_ext size)                                                             \
	{                                                                                          \
		(void)n, (void)args, (void)batched, (void)size;                                    \
		sg_raise(b->ctx, SG_FAULT_DEFECT, "op_misc.c: a loop is batched by loop_batch.c"); \
	}
IN_THE_PASSES(SCAN)
IN_THE_PASSES(WHILE)
IN_THE_PASSES(PICK)
