/* custom.c - derivatives through a user's rule.
 *
 * A CUSTOM node holds, beside its value, the adjoint of each param as a graph over placeholders for
 * the adjoints of the results. Reverse mode puts the adjoint in. Forward mode transposes: a rule is
 * linear in its placeholders, so the tangent of result k is the adjoint of its placeholder when the
 * rules are weighted by the params' tangents (Radul et al. 2022, "You only linearize once"). */
#include "pass/sweep.h"
#include "rules/op.h"

typedef struct parts {
	uint32_t nparams, nresults, k;
	const sg_ref *seed, *param, *rule;
} parts;

static parts
parts_of(const sg_build *b, sg_ref r)
{
	const sg_node n = sg_at(b, r);
	parts p = {(uint32_t)n.attr->w[0],
	           (uint32_t)n.attr->w[1],
	           (uint32_t)n.attr->w[2],
	           n.args + 1,
	           NULL,
	           NULL};

	p.param = p.seed + p.nresults;
	p.rule = p.param + p.nparams;
	return p;
}

/* The placeholders of p in the roots become 0, and the one of this result g (unless 0). */
static void
fill(sg_build *b, const parts *p, sg_ref g, size_t nroots, sg_ref *root)
{
	sg_ref *to = SG_NEW_ARRAY(b->ctx, sg_ref, p->nresults);

	for (uint32_t i = 0; i < p->nresults; i++)
		to[i] = g && i == p->k ? g : sg_const_like(b, p->seed[i], 0);
	sg_substitute(b, nroots, root, p->nresults, p->seed, to);
}

void
sg_custom_vjp(sg_build *b, sg_ref r, sg_ref g, const bool *want, sg_ref *d)
{
	const parts p = parts_of(b, r);

	for (uint32_t i = 0; i < p.nparams; i++)
		d[i] = want[i] ? p.rule[i] : 0;
	fill(b, &p, g, p.nparams, d);
}

sg_ref
sg_custom_jvp(sg_build *b, sg_ref r, const sg_ref *t)
{
	const parts p = parts_of(b, r);
	sg_ref sum = 0, part;

	for (uint32_t i = 0; i < p.nparams; i++)
		if (t[i]) {
			sg_reverse(b, p.rule[i], t[i], 1, &p.seed[p.k], &part);
			sum = sg_sum_of(b, sum, part);
		}
	if (sum)
		fill(b, &p, 0, 1, &sum);
	return sum;
}
