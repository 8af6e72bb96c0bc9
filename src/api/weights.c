/* weights.c - values of params become part of the C that is written.
 *
 * Inline: the param's node becomes the values, as if the model had them as constants. Outside: it
 * stays, and the entry reads an array of the module in its place. Either way an entry that takes a
 * derivative with respect to a param keeps it as an argument, since who asks for that derivative
 * moves the param; its default is the value then. The model itself stays as it is: this is a copy.
 */
#include "api/weights.h"

#include <string.h>

#include "symgrad_runtime.h"

typedef struct weights {
	sg_model *m;
	const sg_c_options *o;
	sg_failure *why;
	sg_program *q;          /* the copy */
	bool **keeps;           /* by entry and input: it is an argument all the same */
	const sg_value **given; /* by input */
	const sg_attr **value;  /* by input; NULL: of no use, or no param */
} weights;

/* ---- which params stay arguments ---- */

/* The input that a derivative is taken with respect to, or ninputs. */
static size_t
input_of(const sg_program *p, sg_ref x)
{
	const sg_node *n = sg_node_at(p->g, x);

	while (n->op == SG_BIND)
		n = sg_node_at(p->g, n->args[0]);
	return n->op == SG_INPUT ? (size_t)n->attr->w[0] : p->ninputs;
}

/* From the program that has derivatives to be taken still. */
static bool *
kept_by(sg_ctx *ctx, const sg_program *p, const sg_entry_ir *e)
{
	bool *keeps = SG_NEW_ARRAY(ctx, bool, p->ninputs + 1);
	sg_ref *root = SG_NEW_ARRAY(ctx, sg_ref, e->nout + 1);
	const bool *live;

	for (size_t k = 0; k < e->nout; k++)
		root[k] = e->out[k].ref;
	live = sg_graph_live(p->g, e->nout, root);
	for (sg_ref r = 1; r < p->g->n; r++)
		if (live[r] && p->g->node[r].op == SG_DERIV)
			keeps[input_of(p, p->g->node[r].args[1])] = true;
	return keeps;
}

/* The entry that computes another one's Jacobians takes what that one takes. */
static void
find_kept(weights *w)
{
	const sg_program *p = w->m->derivs;

	w->keeps = SG_NEW_ARRAY(w->m->ctx, bool *, p->nentries + 1);
	for (size_t i = 0; i < p->nentries; i++)
		if (!p->entry[i].is_jacobian)
			w->keeps[i] = kept_by(w->m->ctx, p, &p->entry[i]);
	for (size_t i = 0; i < p->nentries; i++)
		if (p->entry[i].jacobian && p->entry[i].jacobian->entry)
			w->keeps[p->entry[i].jacobian->entry - 1] = w->keeps[i];
}

/* ---- the values that are given ---- */

static bool
refuse_name(weights *w, const char *name)
{
	const sg_program *p = w->m->program;
	const char **names = SG_NEW_ARRAY(w->m->ctx, const char *, p->ninputs + 1), *near;
	size_t n = 0;

	for (size_t i = 0; i < p->ninputs; i++)
		if (p->input[i].is_param)
			names[n++] = p->input[i].name;
	near = sg_did_you_mean(name, names, n);
	sg_refuse(w->why, SG_ENAME, "the model has no param '%s'%s%s%s", name,
	          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return false;
}

static bool
find_param(weights *w, const char *name, size_t *at)
{
	const sg_program *p = w->m->program;

	for (*at = 0; *at < p->ninputs && strcmp(p->input[*at].name, name) != 0;)
		++*at;
	if (*at == p->ninputs)
		return refuse_name(w, name);
	if (p->input[*at].is_param)
		return true;
	sg_refuse(w->why, SG_ENAME, "'%s' is an input, and values are of params", name);
	return false;
}

static bool
wrong_shape(weights *w, const sg_value *v, const sg_shape *s)
{
	sg_line got = {.n = 0};

	sg_line_extents(&got, v->rank, v->shape);
	sg_refuse(w->why, SG_ESHAPE, "param '%s': expected %s, got %s", v->name,
	          sg_shape_text(w->m->program->sp, s), got.s);
	return false;
}

static bool
check_value(weights *w, const sg_value *v, const sg_input *in)
{
	const sg_shape *s = in->shape;
	int64_t ext, count = 1;

	if (v->type != sg_dtype_of(in->type)) {
		sg_refuse(w->why, SG_ETYPE, "param '%s': expected %s, got %s", v->name,
		          sg_type_name(in->type), sg_dtype_name(v->type));
		return false;
	}
	if (v->rank != (int)s->rank || (v->rank && !v->shape))
		return wrong_shape(w, v, s);
	for (uint32_t k = 0; k < s->rank; k++) {
		if (sg_ext_const(w->m->program->sp, s->ext[k], &ext) && ext != v->shape[k])
			return wrong_shape(w, v, s);
		count = v->shape[k] ? count : 0;
	}
	if (v->data || !count)
		return true;
	sg_refuse(w->why, SG_EVALUE, "param '%s': the data is NULL", v->name);
	return false;
}

static bool
take_given(weights *w)
{
	const sg_program *p = w->m->program;
	size_t at;

	w->given = SG_NEW_ARRAY(w->m->ctx, const sg_value *, p->ninputs + 1);
	for (size_t k = 0; k < w->o->nvalues; k++) {
		const sg_value *v = &w->o->values[k];

		if (!v->name) {
			sg_refuse(w->why, SG_EVALUE, "a value has no name");
			return false;
		}
		if (!find_param(w, v->name, &at) || !check_value(w, v, &p->input[at]))
			return false;
		if (w->given[at]) {
			sg_refuse(w->why, SG_EVALUE, "param '%s' is given twice", v->name);
			return false;
		}
		w->given[at] = v;
	}
	return true;
}

/* ---- all values ---- */

static bool
has_fixed_shape(const sg_space *sp, const sg_shape *s)
{
	for (uint32_t k = 0; k < s->rank; k++)
		if (!sg_ext_const(sp, s->ext[k], NULL))
			return false;
	return true;
}

/* The dimension that the default depends on, or NULL. */
static const char *
dim_of_default(const sg_program *p, const sg_input *in)
{
	sg_output out = {.name = in->name, .ref = in->deflt};
	const sg_entry_ir e = {.name = in->name, .out = &out, .nout = 1};
	const sg_uses uses = sg_entry_uses(p, &e);

	for (uint32_t d = 0; d < sg_space_ndims(p->sp); d++)
		if (uses.dim[d])
			return sg_space_dim(p->sp, d)->name;
	return NULL;
}

/* By the reference evaluator, which is always there. */
static int
evaluate_default(sg_model *m, const sg_input *in, sg_tensor *t, sg_failure *why)
{
	const sg_program *p = m->program;
	const uint32_t ndims = sg_space_ndims(p->sp);
	int64_t *dims = SG_NEW_ARRAY(m->ctx, int64_t, ndims + 1);
	const char *dim;
	int status;

	if (!in->deflt)
		return sg_refuse(why, SG_EMISSING,
		                 "param '%s' has no default, and no value is given", in->name);
	if (!has_fixed_shape(p->sp, in->shape))
		return sg_refuse(why, SG_ESHAPE, "param '%s': its shape %s is not fixed", in->name,
		                 sg_shape_text(p->sp, in->shape));
	dim = dim_of_default(p, in);
	if (dim)
		return sg_refuse(why, SG_EMISSING,
		                 "param '%s': its default depends on the dimension '%s'", in->name,
		                 dim);
	status = sg_tensor_shape(p->g, in->deflt, dims, t);
	if (status == SGRT_OK) {
		t->data = sg_alloc_array(m->ctx, (size_t)t->count + 1, sg_type_size(t->type));
		status = sg_interp(m->ctx, p, 1, &in->deflt, dims,
		                   SG_NEW_ARRAY(m->ctx, const sg_tensor *, p->ninputs + 1), t);
	}
	return status == SGRT_OK ? SG_OK
	                         : sg_refuse(why, status, "the default of param '%s': %s", in->name,
	                                     sgrt_strerror(status));
}

static int64_t
word_of(const sg_tensor *t, int64_t i)
{
	switch (t->type) {
	case SG_F32:
		return sg_double_bits((double)((const float *)t->data)[i]);
	case SG_F64:
		return sg_double_bits(((const double *)t->data)[i]);
	case SG_I32:
		return ((const int32_t *)t->data)[i];
	case SG_I64:
		return ((const int64_t *)t->data)[i];
	case SG_BOOL:
		break;
	}
	return ((const uint8_t *)t->data)[i] != 0;
}

static const sg_attr *
words_of(weights *w, const sg_tensor *t)
{
	int64_t *word = SG_NEW_ARRAY(w->m->ctx, int64_t, t->count + 1);

	if (t->count > UINT32_MAX)
		sg_raise(w->m->ctx, SG_FAULT_LIMIT, "a param has more than 2^32 elements");
	for (int64_t i = 0; i < t->count; i++)
		word[i] = word_of(t, i);
	return sg_attr_make(w->m->program->sp, (uint32_t)t->count, word);
}

static bool
take_value(weights *w, size_t i)
{
	const sg_program *p = w->m->program;
	const sg_input *in = &p->input[i];
	const sg_value *v = w->given[i];
	sg_tensor t = {.type = in->type, .rank = in->shape->rank, .count = 1};

	if (v && !has_fixed_shape(p->sp, in->shape)) {
		sg_refuse(w->why, SG_ESHAPE, "param '%s': its shape %s is not fixed", in->name,
		          sg_shape_text(p->sp, in->shape));
		return false;
	}
	if (!v && evaluate_default(w->m, in, &t, w->why) != SG_OK)
		return false;
	for (uint32_t k = 0; v && k < t.rank; k++)
		t.count = sg_mul_size(w->m->ctx, t.count, v->shape[k]);
	if (v)
		t.data = (void *)(uintptr_t)v->data;
	w->value[i] = words_of(w, &t);
	return true;
}

/* Of the params that some entry uses. */
static bool
take_values(weights *w)
{
	const sg_program *p = w->m->program;
	bool *used = SG_NEW_ARRAY(w->m->ctx, bool, p->ninputs + 1);

	w->value = SG_NEW_ARRAY(w->m->ctx, const sg_attr *, p->ninputs + 1);
	for (size_t e = 0; e < p->nentries; e++) {
		const sg_uses uses = sg_entry_uses(p, &p->entry[e]);

		for (size_t i = 0; i < p->ninputs; i++)
			used[i] = used[i] || uses.input[i];
	}
	for (size_t i = 0; i < p->ninputs; i++)
		if (p->input[i].is_param && used[i] && !take_value(w, i))
			return false;
	return true;
}

/* ---- the program with them ---- */

static sg_ref
data_node(sg_build *b, const weights *w, size_t i)
{
	const sg_input *in = &w->q->input[i];
	const sg_ref r = sg_data(b, in->type, in->shape, w->value[i]->w);

	if (!b->g->name[r])
		b->g->name[r] = in->name;
	return r;
}

/* Entry e of the program reads the values instead of the params. */
static void
put_inline(sg_build *b, weights *w, sg_entry_ir *e, const bool *keeps, const sg_ref *data)
{
	const size_t ninputs = w->q->ninputs;
	sg_ref *from = SG_NEW_ARRAY(b->ctx, sg_ref, ninputs + 1),
	       *to = SG_NEW_ARRAY(b->ctx, sg_ref, ninputs + 1),
	       *root = SG_NEW_ARRAY(b->ctx, sg_ref, e->nout + 1);
	size_t n = 0;

	for (size_t i = 0; i < ninputs; i++)
		if (w->value[i] && !keeps[i]) {
			from[n] = w->q->input[i].ref;
			to[n++] = data[i];
		}
	for (size_t k = 0; k < e->nout; k++)
		root[k] = e->out[k].ref;
	sg_substitute(b, e->nout, root, n, from, to);
	for (size_t k = 0; k < e->nout; k++)
		e->out[k].ref = root[k];
}

static void
put_all_inline(weights *w)
{
	sg_program *q = w->q;
	sg_build b = {.ctx = w->m->ctx, .sp = q->sp};
	sg_ref *data = SG_NEW_ARRAY(w->m->ctx, sg_ref, q->ninputs + 1);

	sg_clean(b.ctx, q, false); /* a graph of its own */
	b.g = q->g;
	for (size_t i = 0; i < q->ninputs; i++)
		if (w->value[i])
			q->input[i].deflt = data[i] = data_node(&b, w, i);
	for (size_t e = 0; e < q->nentries; e++)
		put_inline(&b, w, &q->entry[e], w->keeps[e], data);
	sg_clean(b.ctx, q, false);
}

/* Entries read arrays that stand outside; a default is the array's content. */
static void
put_all_outside(weights *w)
{
	sg_program *q = w->q;

	for (size_t i = 0; i < q->ninputs; i++)
		if (w->value[i])
			q->input[i].deflt = q->input[i].ref;
	for (size_t e = 0; e < q->nentries; e++) {
		bool *outside = SG_NEW_ARRAY(w->m->ctx, bool, q->ninputs + 1);

		for (size_t i = 0; i < q->ninputs; i++)
			outside[i] = w->value[i] && !w->keeps[e][i];
		q->entry[e].outside = outside;
	}
}

/* ---- Jacobians by what is no argument any more ---- */

/* Leaves those blocks out; *jac loses their outputs. */
static const sg_jacobian *
fewer_blocks(weights *w, const sg_jacobian *j, size_t nout, const bool *keeps, sg_entry_ir *jac)
{
	const size_t ninputs = w->q->ninputs;
	sg_jacobian *fewer = sg_copy(w->m->ctx, j, sizeof *j);
	sg_output *out = SG_NEW_ARRAY(w->m->ctx, sg_output, nout * ninputs + 1);
	size_t n = 0;

	fewer->block = SG_NEW_ARRAY(w->m->ctx, size_t, nout * ninputs + 1);
	for (size_t k = 0; k < nout * ninputs; k++)
		if (j->block[k] && !(w->value[k % ninputs] && !keeps[k % ninputs])) {
			out[n++] = jac->out[j->block[k] - 1];
			fewer->block[k] = n;
		}
	jac->out = out;
	jac->nout = n;
	return fewer;
}

/* Entries of Jacobians without any go; places[e] is 1 + the place of entry e then. */
static void
drop_empty(sg_ctx *ctx, sg_program *q)
{
	size_t *place = SG_NEW_ARRAY(ctx, size_t, q->nentries + 1), n = 0;

	for (size_t e = 0; e < q->nentries; e++)
		if (!q->entry[e].is_jacobian || q->entry[e].nout) {
			q->entry[n] = q->entry[e];
			place[e] = ++n;
		}
	q->nentries = n;
	for (size_t e = 0; e < n; e++)
		if (q->entry[e].jacobian && q->entry[e].jacobian->entry) {
			sg_jacobian *j = sg_copy(ctx, q->entry[e].jacobian, sizeof *j);

			j->entry = place[j->entry - 1];
			q->entry[e].jacobian = j;
		}
}

static void
drop_blocks(weights *w)
{
	sg_program *q = w->q;

	for (size_t e = 0; e < q->nentries; e++) {
		const sg_jacobian *j = q->entry[e].jacobian;

		if (j && j->entry)
			q->entry[e].jacobian = fewer_blocks(w, j, q->entry[e].nout, w->keeps[e],
			                                    &q->entry[j->entry - 1]);
	}
}

/* ---- the whole ---- */

const sg_program *
sg_program_with_weights(sg_model *m, const sg_c_options *o, const sg_attr *const **outside,
                        sg_failure *why)
{
	weights w = {.m = m, .o = o, .why = why};

	*outside = NULL;
	if (o->weights == SG_WEIGHTS_NONE)
		return m->program;
	if (!take_given(&w) || !take_values(&w))
		return NULL;
	find_kept(&w);
	w.q = sg_program_snapshot(m->ctx, m->program);
	drop_blocks(&w);
	if (o->weights == SG_WEIGHTS_INLINE)
		put_all_inline(&w);
	else
		put_all_outside(&w);
	drop_empty(m->ctx, w.q);
	if (o->weights == SG_WEIGHTS_EXTERN)
		*outside = w.value;
	return w.q;
}

/* ---- a default by itself ---- */

typedef struct default_task {
	const char *name;
	sg_array *a;
	sg_failure *why;
} default_task;

static int
find_default(sg_model *m, void *arg)
{
	default_task *t = arg;
	weights w = {.m = m, .why = t->why};
	sg_tensor v = {.rank = 0};
	size_t at;
	int status;

	if (!find_param(&w, t->name, &at))
		return SG_ENAME;
	status = evaluate_default(m, &m->program->input[at], &v, t->why);
	if (status != SG_OK)
		return status;
	*t->a = (sg_array){.name = m->program->input[at].name,
	                   .type = sg_dtype_of(v.type),
	                   .rank = (int)v.rank,
	                   .count = v.count,
	                   .data = v.data};
	memcpy(t->a->shape, v.ext, v.rank * sizeof *v.ext);
	return SG_OK;
}

int
sg_param_default(sg_model *m, const char *name, sg_array *a, sg_failure *why)
{
	default_task t = {.name = name, .a = a, .why = why};

	if (!name || !a)
		return sg_refuse(why, SG_EVALUE, "the %s is NULL", name ? "array" : "name");
	return sg_on_model(m, find_default, &t, why);
}
