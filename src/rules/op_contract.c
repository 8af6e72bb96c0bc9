/* op_contract.c - z = sum over the labels not in z of x*y (einsum), and so matrix products.
 *   dz = contract(dx, y) + contract(x, dy)
 *   X = contract(Z, y -> labels of x)   Y = contract(x, Z -> labels of y)
 * (Laue, Mitterreiter and Giesen 2018; for matrices Giles 2008, 2.2.1). The conditions on
 * labels are symmetric in x, y and z, so the adjoints are contractions without further ado. */
#include "rules/op.h"

#include <string.h>

typedef struct labels {
	uint32_t nz;
	const int64_t *x, *y, *z;
} labels;

static labels
labels_of(const sg_node *n)
{
	const int64_t *w = n->attr->w;

	return (labels){(uint32_t)w[2], w + 3, w + 3 + w[0], w + 3 + w[0] + w[1]};
}

sg_ref
jvp_CONTRACT(sg_build *b, sg_ref r, const sg_ref *t)
{
	const sg_node n = sg_at(b, r);
	const labels l = labels_of(&n);
	sg_ref dx = 0, dy = 0;

	if (t[0])
		dx = sg_contract(b, t[0], l.x, n.args[1], l.y, l.nz, l.z);
	if (t[1])
		dy = sg_contract(b, n.args[0], l.x, t[1], l.y, l.nz, l.z);
	return sg_sum_of(b, dx, dy);
}

void
vjp_CONTRACT(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const sg_node n = sg_at(b, r);
	const labels l = labels_of(&n);
	const uint32_t nx = (uint32_t)n.attr->w[0], ny = (uint32_t)n.attr->w[1];

	d[0] = want[0] ? sg_contract(b, g, l.z, n.args[1], l.y, nx, l.x) : 0;
	d[1] = want[1] ? sg_contract(b, n.args[0], l.x, g, l.z, ny, l.y) : 0;
}

/* The batch is a label more, in whichever operand has it. */
sg_ref
batch_CONTRACT(sg_build *b, const sg_node *n, const sg_ref *args, const bool *batched, sg_ext size)
{
	const uint32_t part[3] = {(uint32_t)n->attr->w[0], (uint32_t)n->attr->w[1],
	                          (uint32_t)n->attr->w[2]};
	const bool led[3] = {batched[0], batched[1], true};
	const int64_t *w = n->attr->w + 3;
	int64_t label[3][SG_MAX_RANK + 1], fresh = 0;

	(void)size;
	for (uint32_t i = 3; i < n->attr->n; i++)
		fresh = n->attr->w[i] >= fresh ? n->attr->w[i] + 1 : fresh;
	for (int p = 0; p < 3; p++) {
		label[p][0] = fresh;
		if (part[p])
			memcpy(label[p] + led[p], w, part[p] * sizeof *w);
		w += part[p];
	}
	if (part[2] == SG_MAX_RANK)
		sg_raise(b->ctx, SG_FAULT_LIMIT, "a batched derivative needs too many axes");
	return sg_contract(b, args[0], label[0], args[1], label[1], part[2] + 1, label[2]);
}
