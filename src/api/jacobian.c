/* jacobian.c - what CasADi's calling convention asks of a model: fixed sizes, names that do not
 * clash, and for each entry a function of its Jacobians, by the blocks (output, input) that CasADi
 * takes them in.
 *
 * Blocks are matrices of all elements of the output by all of the input. The places that can't be
 * proved zero are found here, and what stands there alone is computed, by as few sweeps as colouring
 * finds; a block without any has no output, and one without zeros no pattern.
 */
#include "api/api.h"

#include <string.h>

/* ---- what the convention can't express ---- */

static void
refuse_dim(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e, uint32_t d)
{
	const sg_dim *dim = sg_space_dim(p->sp, d);
	sg_diag *diag = sg_error(
	    ctx, dim->at, "casadi-dimension",
	    "entry '%s' depends on the dimension '%s', and functions of CasADi have fixed sizes",
	    e->name, dim->name);

	sg_add_hint(ctx, diag, "fix it: dim %s = 128, or --dim=%s=128", dim->name, dim->name);
}

static bool
check_dims(sg_ctx *ctx, const sg_program *p)
{
	bool ok = true;

	for (uint32_t d = 0; d < sg_space_ndims(p->sp); d++)
		for (size_t i = 0; i < p->nentries; i++)
			if (sg_entry_uses(p, &p->entry[i]).dim[d]) {
				refuse_dim(ctx, p, &p->entry[i], d);
				ok = false;
				break;
			}
	return ok;
}

/* Is name `longer` one that the functions of entry `shorter` need? */
static const char *
clash(const char *shorter, const char *longer)
{
	static const char *const suffix[] = {
	    "n_in",       "n_out",   "name_in",    "name_out",  "sparsity_in", "sparsity_out",
	    "default_in", "work",    "work_bytes", "alloc_mem", "init_mem",    "free_mem",
	    "checkout",   "release", "incref",     "decref"};
	const size_t n = strlen(shorter);

	if (strncmp(longer, shorter, n) != 0 || longer[n] != '_')
		return NULL;
	for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++)
		if (strcmp(longer + n + 1, suffix[i]) == 0)
			return suffix[i];
	return NULL;
}

static bool
check_names(sg_ctx *ctx, const sg_program *p)
{
	bool ok = true;

	for (size_t i = 0; i < p->nentries; i++)
		for (size_t k = 0; k < p->nentries; k++) {
			const char *s = clash(p->entry[i].name, p->entry[k].name);

			if (!s)
				continue;
			sg_error(ctx, p->entry[k].at, "casadi-name",
			         "CasADi's convention needs the name of entry '%s' for the "
			         "function '%s' of entry '%s'",
			         p->entry[k].name, s, p->entry[i].name);
			ok = false;
		}
	return ok;
}

/* ---- blocks ---- */

static int64_t
count_of(const sg_build *b, sg_ref r)
{
	int64_t n = 0;

	(void)sg_ext_const(b->sp, sg_shape_size(b->sp, sg_shape_of(b, r)), &n);
	return n;
}

/* Where the block is not zero; NULL: anywhere, or too many places to look at. */
static const sg_pattern *
places(sg_build *b, sg_ref y, sg_ref x)
{
	const int64_t rows = count_of(b, y), cols = count_of(b, x);
	sg_pattern *p = SG_NEW(b->ctx, sg_pattern);

	if (sg_pattern_of(b, y, 1, &x, p))
		return NULL;
	return rows && cols && p->rowptr[p->rows] == rows * cols ? NULL : p;
}

static const sg_pattern *
nowhere(sg_ctx *ctx)
{
	sg_pattern *p = SG_NEW(ctx, sg_pattern);

	p->rowptr = SG_NEW_ARRAY(ctx, int64_t, 1);
	return p;
}

/* All of it, or the entries that can't be proved zero, by rows. */
static sg_ref
block(sg_build *b, sg_ref y, sg_ref x, const sg_pattern *p)
{
	return p ? sg_sparse_entries(b, y, 1, &x, p, sg_pattern_colours)
	         : sg_deriv(b, SG_JACOBIAN, SG_MODE_AUTO, y, x, 0);
}

typedef struct blocks {
	sg_build b;
	sg_program *p;
	const sg_entry_ir *e;
	sg_jacobian *j;
	sg_entry_ir jac;
	size_t cap;
} blocks;

static void
add_block(blocks *k, size_t out, size_t in)
{
	const size_t at = out * k->p->ninputs + in;
	const sg_ref y = k->e->out[out].ref, x = k->p->input[in].ref;
	const bool floats =
	    sg_type_is_float(sg_type_of(&k->b, y)) && sg_type_is_float(sg_type_of(&k->b, x));

	k->j->pattern[at] = floats ? places(&k->b, y, x) : nowhere(k->b.ctx);
	if (k->j->pattern[at] && !k->j->pattern[at]->rowptr[k->j->pattern[at]->rows])
		return;
	SG_PUSH(k->b.ctx, k->jac.out, k->jac.nout, k->cap,
	        (sg_output){.name = sg_text(k->b.ctx, "jac_%s_%s", k->e->out[out].name,
	                                    k->p->input[in].name),
	                    .ref = block(&k->b, y, x, k->j->pattern[at]),
	                    .at = k->e->out[out].at});
	k->j->block[at] = k->jac.nout;
}

/* The entry's Jacobians; *jac computes them, and has no outputs where all are zero. */
static sg_jacobian *
jacobian_of(sg_ctx *ctx, sg_program *p, const sg_entry_ir *e, sg_entry_ir *jac)
{
	const sg_uses uses = sg_entry_uses(p, e);
	const size_t n = e->nout * p->ninputs;
	blocks k = {
	    .b = {.ctx = ctx, .sp = p->sp, .g = p->g},
	    .p = p,
	    .e = e,
	    .j = SG_NEW(ctx, sg_jacobian),
	    .jac = {.name = sg_intern_z(ctx, sg_text(ctx, "jac_%s", e->name)), .at = e->at}};

	k.j->block = SG_NEW_ARRAY(ctx, size_t, n + 1);
	k.j->pattern = SG_NEW_ARRAY(ctx, const sg_pattern *, n + 1);
	p->g->here = e->at;
	for (size_t o = 0; o < e->nout; o++)
		for (size_t i = 0; i < p->ninputs; i++)
			if (uses.input[i])
				add_block(&k, o, i);
	k.jac.is_jacobian = true;
	*jac = k.jac;
	return k.j;
}

void
sg_add_jacobians(sg_ctx *ctx, sg_program *p)
{
	const size_t n = p->nentries;
	sg_entry_ir *entry;

	if (!check_dims(ctx, p) || !check_names(ctx, p))
		return;
	entry = SG_NEW_ARRAY(ctx, sg_entry_ir, 2 * n);
	memcpy(entry, p->entry, n * sizeof *entry);
	for (size_t i = 0; i < n; i++) {
		sg_entry_ir jac;
		sg_jacobian *j = jacobian_of(ctx, p, &entry[i], &jac);

		entry[i].jacobian = j;
		if (!jac.nout)
			continue;
		entry[p->nentries] = jac;
		j->entry = ++p->nentries;
	}
	p->entry = entry;
}
