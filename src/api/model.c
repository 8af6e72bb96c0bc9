/* model.c - what a model says of itself: status, entries, figures. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

int
sg_model_ok(const sg_model *m)
{
	return m && m->status == SG_OK;
}

int
sg_model_status(const sg_model *m)
{
	return m ? m->status : SG_EVALUE;
}

int
sg_model_fault(const sg_model *m)
{
	if (!m)
		return 70;
	if (m->status == SG_OK)
		return 0;
	return m->status == SG_EMODEL || m->status == SG_EVALUE || m->status == SG_ESIZE ? 1 : 70;
}

const char *
sg_model_name(const sg_model *m)
{
	return m && m->program ? m->program->name : "";
}

sg_dtype
sg_model_real(const sg_model *m)
{
	return m && m->program ? sg_dtype_of(m->program->real) : SG_DTYPE_NONE;
}

sg_times
sg_model_times(sg_model *m)
{
	sg_times t = {.parse = 0};

	if (!m)
		return t;
	pthread_rwlock_rdlock(&m->lock);
	t = m->times;
	pthread_rwlock_unlock(&m->lock);
	return t;
}

/* ---- entries, described once ---- */

static const char *const *
extent_texts(sg_space *sp, const sg_shape *s)
{
	const char **text = SG_NEW_ARRAY(sg_space_ctx(sp), const char *, s->rank);

	for (uint32_t k = 0; k < s->rank; k++)
		text[k] = sg_ext_text(sp, s->ext[k]);
	return text;
}

static sg_argument
argument(sg_space *sp, const char *name, sg_role role, sg_type type, const sg_shape *s)
{
	sg_argument a = {
	    .name = name,
	    .role = role,
	    .type = sg_dtype_of(type),
	    .rank = (int)s->rank,
	    .extents = extent_texts(sp, s),
	    .shape = sg_shape_text(sp, s),
	};

	return a;
}

static void
describe_dims(sg_model *m, sg_entry_data *e, const bool *used)
{
	sg_space *sp = m->program->sp;
	uint32_t n = sg_space_ndims(sp);
	const char **name = SG_NEW_ARRAY(m->ctx, const char *, n);

	e->dim = SG_NEW_ARRAY(m->ctx, uint32_t, n);
	e->pub.dims = name;
	for (uint32_t d = 0; d < n; d++)
		if (used[d]) {
			name[e->pub.ndims] = sg_space_dim(sp, d)->name;
			e->dim[e->pub.ndims++] = d;
		}
}

static void
describe_args(sg_model *m, sg_entry_data *e, const bool *used)
{
	const sg_program *p = m->program;
	sg_argument *arg = SG_NEW_ARRAY(m->ctx, sg_argument, p->ninputs + e->ir->nout);
	size_t n = 0;

	e->input = SG_NEW_ARRAY(m->ctx, uint32_t, p->ninputs);
	for (size_t i = 0; i < p->ninputs; i++) {
		const sg_input *in = &p->input[i];

		if (!used[i])
			continue;
		arg[n] = argument(p->sp, in->name, in->is_param ? SG_ROLE_PARAM : SG_ROLE_INPUT,
		                  in->type, in->shape);
		arg[n].has_default = in->deflt != 0;
		e->input[n++] = (uint32_t)i;
	}
	e->pub.ninputs = n;
	for (size_t i = 0; i < e->ir->nout; i++) {
		const sg_node *node = sg_node_at(p->g, e->ir->out[i].ref);

		arg[n++] = argument(p->sp, e->ir->out[i].name, SG_ROLE_OUTPUT, (sg_type)node->type,
		                    node->shape);
	}
	e->pub.noutputs = e->ir->nout;
	e->pub.args = arg;
}

/* Which nodes hold a derivative: asked of the graph in which derivatives are still nodes. */
static const bool *
derived_nodes(sg_model *m)
{
	const sg_graph *g = m->derivs->g;
	bool *derived = SG_NEW_ARRAY(m->ctx, bool, g->n);

	for (sg_ref r = 1; r < g->n; r++) {
		derived[r] = g->node[r].op == SG_DERIV;
		for (uint32_t k = 0; k < g->node[r].nargs && !derived[r]; k++)
			derived[r] = derived[sg_arg(g, r, k)];
	}
	return derived;
}

static const bool *
derived_outputs(sg_model *m, const sg_entry_ir *before, const bool *node)
{
	bool *derived = SG_NEW_ARRAY(m->ctx, bool, before->nout);

	for (size_t i = 0; i < before->nout; i++)
		derived[i] = node[before->out[i].ref];
	return derived;
}

void
sg_describe(sg_model *m)
{
	const sg_program *p = m->program;
	sg_entry_data *entry = SG_NEW_ARRAY(m->ctx, sg_entry_data, p->nentries);
	const bool *derived = derived_nodes(m);

	for (size_t i = 0; i < p->nentries; i++) {
		sg_uses uses = sg_entry_uses(p, &p->entry[i]);

		entry[i].ir = &p->entry[i];
		entry[i].pub.name = p->entry[i].name;
		describe_dims(m, &entry[i], uses.dim);
		describe_args(m, &entry[i], uses.input);
		sg_name_args(m->ctx, &entry[i]);
		entry[i].demand = sg_entry_demands(m->ctx, p, &p->entry[i], &entry[i].ndemands);
		entry[i].derived = derived_outputs(m, &m->derivs->entry[i], derived);
	}
	m->entry = entry;
	m->nentries = p->nentries;
}

/* ---- entries, asked for ---- */

size_t
sg_model_nentries(const sg_model *m)
{
	return m ? m->nentries : 0;
}

const sg_entry *
sg_model_entry(const sg_model *m, size_t i)
{
	return m && i < m->nentries ? &m->entry[i].pub : NULL;
}

static const sg_entry *
find(const sg_model *m, const char *name)
{
	for (size_t i = 0; i < m->nentries; i++)
		if (strcmp(m->entry[i].pub.name, name) == 0)
			return &m->entry[i].pub;
	return NULL;
}

const sg_entry *
sg_model_find(const sg_model *m, const char *name)
{
	const sg_entry *e;

	if (!m)
		return NULL;
	if (name)
		return find(m, name);
	e = find(m, "gradient");
	if (!e)
		e = find(m, "forward");
	return e ? e : sg_model_entry(m, 0);
}

const sg_entry_data *
sg_entry_of(const sg_model *m, const sg_entry *e)
{
	const uintptr_t at = (uintptr_t)e - (uintptr_t)&m->entry[0].pub, size = sizeof *m->entry;

	return m->nentries && at % size == 0 && at / size < m->nentries ? &m->entry[at / size] : NULL;
}

int
sg_need_entry(const sg_model *m, const sg_entry *e, const sg_entry_data **own, sg_failure *why)
{
	if (!e)
		return sg_refuse(why, SG_EVALUE, "the entry is NULL");
	*own = sg_entry_of(m, e);
	return *own ? SG_OK : sg_refuse(why, SG_ENAME, "the entry is none of this model's");
}

/* ---- figures ---- */

static int64_t
value_of(const sg_space *sp, sg_ext e, const int64_t *dims)
{
	int64_t v;

	if (dims ? sg_ext_eval(sp, e, dims, &v) : sg_ext_const(sp, e, &v))
		return v;
	return -1;
}

/* The entry with those outputs alone that hold no derivative. */
static sg_entry_ir
value_part(sg_model *m, const sg_entry_data *e)
{
	sg_entry_ir part = *e->ir;

	part.out = SG_NEW_ARRAY(m->ctx, sg_output, e->ir->nout);
	part.nout = 0;
	for (size_t i = 0; i < e->ir->nout; i++)
		if (!e->derived[i])
			part.out[part.nout++] = e->ir->out[i];
	return part;
}

/* What the JIT's text of entries [first, first + count) asks for, so that nothing is planned twice. */
void
sg_keep_work(sg_model *m, size_t first, size_t count, const sg_c_names *c)
{
	for (size_t i = 0; i < count; i++) {
		sg_entry_data *e = &m->entry[first + i];

		if (!e->has_work)
			e->work = c[i].bytes;
		e->has_work = true;
	}
}

sg_ext
sg_work_of(sg_model *m, const sg_entry_data *e)
{
	sg_entry_data *own = &m->entry[e - m->entry];

	if (!own->has_work) {
		own->work = sg_entry_work(m->ctx, m->program, own->ir, true);
		own->has_work = true;
	}
	return own->work;
}

/* What sg_figures says of an entry, made at the first question. */
typedef struct sg_costs {
	sg_ext all, value, work;
	const char *all_text, *value_text, *work_text;
	int64_t *dims; /* room for the values of all dimensions of the space */
} sg_costs;

static const sg_costs *
costs_of(sg_model *m, const sg_entry_data *e)
{
	sg_space *sp = m->program->sp;
	sg_entry_ir part;
	sg_costs *c;

	if (e->costs)
		return e->costs;
	part = value_part(m, e);
	c = SG_NEW(m->ctx, sg_costs);
	c->all = sg_entry_cost(m->ctx, m->program, e->ir);
	c->value = sg_entry_cost(m->ctx, m->program, &part);
	c->work = sg_entry_work(m->ctx, m->program, e->ir, false);
	c->all_text = sg_ext_text(sp, c->all);
	c->value_text = sg_ext_text(sp, c->value);
	c->work_text = sg_ext_text(sp, c->work);
	c->dims = SG_NEW_ARRAY(m->ctx, int64_t, sg_space_ndims(sp) + 1u);
	m->entry[e - m->entry].costs = c;
	return c;
}

/* dims of an entry, in the order of its names, as values of all dimensions of the space */
static const int64_t *
all_dims(const sg_costs *c, const sg_entry_data *e, const int64_t *dims)
{
	if (!dims)
		return NULL;
	for (size_t i = 0; i < e->pub.ndims; i++)
		c->dims[e->dim[i]] = dims[i];
	return c->dims;
}

typedef struct figures_task {
	const sg_entry *e;
	const int64_t *dims;
	sg_figures *f;
	sg_failure *why;
} figures_task;

static int
figures(sg_model *m, void *arg)
{
	figures_task *t = arg;
	const sg_entry_data *e;
	const int status = sg_need_entry(m, t->e, &e, t->why);
	const sg_space *sp = m->program->sp;
	const int64_t *dims;
	const sg_costs *c;

	if (status != SG_OK)
		return status;
	c = costs_of(m, e);
	dims = all_dims(c, e, t->dims);
	*t->f = (sg_figures){
	    .operations = c->all_text,
	    .value_operations = c->value_text,
	    .work = c->work_text,
	    .noperations = value_of(sp, c->all, dims),
	    .nvalue_operations = value_of(sp, c->value, dims),
	    .nwork = value_of(sp, c->work, dims),
	};
	return SG_OK;
}

int
sg_entry_figures(sg_model *m, const sg_entry *e, const int64_t *dims, sg_figures *f,
                 sg_failure *why)
{
	figures_task t = {.e = e, .dims = dims, .f = f, .why = why};

	if (!f)
		return sg_refuse(why, SG_EVALUE, "expected a place for the figures, got NULL");
	return sg_on_model(m, figures, &t, why);
}

static int
find_work(sg_model *m, void *arg)
{
	figures_task *t = arg;
	const sg_entry_data *e;
	const int status = sg_need_entry(m, t->e, &e, t->why);

	if (status == SG_OK)
		(void)sg_work_of(m, e);
	return status;
}

static int
check_dims(const sg_entry *e, const int64_t *dims, sg_failure *why)
{
	if (e->ndims && !dims)
		return sg_refuse(why, SG_EVALUE, "expected values of %zu dimensions, got NULL",
		                 e->ndims);
	for (size_t i = 0; i < e->ndims; i++)
		if (dims[i] < 0)
			return sg_refuse(why, SG_EVALUE, "dimension '%s': %lld is negative",
			                 e->dims[i], (long long)dims[i]);
	return SG_OK;
}

/* The most that any function of entry i asks for which the model has made; the lock is held for reading.
 * Back ends plan apart from one another. -1: too large. */
static int64_t
most_work(const sg_model *m, size_t i, const int64_t *dims)
{
	const sg_code_entry *const made[] = {m->jit.entry == i ? m->jit.one.entry : NULL,
	                                     m->jit.all.entry, m->cc.entry, sg_tier_code(m)};
	int64_t most = value_of(m->program->sp, m->entry[i].work, dims);

	for (size_t k = 0; most >= 0 && k < sizeof made / sizeof *made; k++) {
		const int64_t v = made[k] ? value_of(m->program->sp, made[k][i].work, dims) : 0;

		most = v < 0 || v > most ? v : most;
	}
	return most;
}

int
sg_entry_worksize(sg_model *m, const sg_entry *e, const int64_t *dims, size_t *bytes,
                  sg_failure *why)
{
	figures_task t = {.e = e, .why = why};
	int status = sg_on_model(m, find_work, &t, why);
	const sg_entry_data *own;
	int64_t *all, v = -1;

	if (status == SG_OK && !bytes)
		status = sg_refuse(why, SG_EVALUE, "expected a place for the size, got NULL");
	if (status == SG_OK)
		status = check_dims(e, dims, why);
	if (status != SG_OK)
		return status;
	own = sg_entry_of(m, e);
	all = calloc(sg_space_ndims(m->program->sp) + 1u, sizeof *all);
	if (!all)
		return sg_refuse(why, SG_ENOMEM, "out of memory");
	for (size_t i = 0; i < e->ndims; i++)
		all[own->dim[i]] = dims[i];
	pthread_rwlock_rdlock(&m->lock);
	v = most_work(m, (size_t)(own - m->entry), all);
	pthread_rwlock_unlock(&m->lock);
	free(all);
	if (v < 0)
		return sg_refuse(why, SG_ESIZE, "the workspace is too large");
	*bytes = (size_t)v;
	return SG_OK;
}
