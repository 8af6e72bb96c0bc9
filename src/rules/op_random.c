/* op_random.c - random arrays: constants to every derivative.
 *
 * The seed's shape is a prefix of the result's. Each element of it is the key of a stream of its
 * own for the rest of the axes, so that slice i of a batched array is the array that seed[i] alone
 * would give. */
#include "rules/op.h"

sg_ref
jvp_RAND(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_RAND(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_RAND(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched;
	return sg_random(b, SG_RAND, sg_shape_led(b, n->shape, size), args[0]);
}

sg_ref
jvp_RANDN(sg_build *b, sg_ref r, const sg_ref *t)
{
	return sg_no_tangent(b, r, t);
}

void
vjp_RANDN(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	sg_no_adjoint(b, r, g, want, d);
}

sg_ref
batch_RANDN(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	(void)batched;
	return sg_random(b, SG_RANDN, sg_shape_led(b, n->shape, size), args[0]);
}
