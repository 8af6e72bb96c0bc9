/* casadi.c - the functions that CasADi's external() loads, and with it acados and others: for each
 * entry NAME, and jac_NAME for its Jacobians, each with NAME_n_in, NAME_sparsity_out, NAME_work and
 * the rest.
 *
 * All numbers are double there and matrices column-major: an array of rank 0 is 1 x 1, of rank 1 a
 * column, and of a higher rank a matrix of its first extent by the product of the others, the first
 * index running fastest (as numpy.reshape(order="F")). What has this order in C already, and is
 * f64, is used in place; all else is copied on its way in and out, through w. An arg that is NULL
 * is zeros, a res that is NULL is not wanted.
 *
 * Sparse outputs are matrices of the rows and columns that their pattern has, compressed by
 * columns. The blocks of a Jacobian have the elements of the output by those of the input, each in
 * CasADi's order. */
#include "back/casadi.h"

#include <math.h>
#include <string.h>

typedef struct function {
	sg_file *file;
	const char *name;
	const sg_c_entry *body; /* computes the values; NULL: all are zero */
	size_t nin, nout;
	sg_casadi_matrix *in, *out;
	int64_t nw; /* doubles of w so far */
	const sg_c_entry *of;
} function;

/* ---- what a function takes and gives ---- */

static void
add_inputs(function *f, const sg_c_entry *e)
{
	sg_file *file = f->file;
	const sg_program *p = file->m.p;

	f->in = SG_NEW_ARRAY(file->m.ctx, sg_casadi_matrix, p->ninputs + e->e->nout + 1);
	for (size_t i = 0; i < p->ninputs; i++) {
		sg_casadi_matrix *m = &f->in[f->nin];

		if (!e->input[i])
			continue;
		*m =
		    sg_casadi_matrix_of(p->input[i].name, sg_casadi_array_of(file, p->input[i].type,
		                                                             p->input[i].shape));
		sg_casadi_dense(file, m);
		if (f->body && f->body->input[i])
			m->c = sg_text(file->m.ctx, "in%zu", f->nin);
		f->nin++;
	}
}

/* An output as CasADi has it. Of a sparse one, at has the place of each entry in all of the matrix.
 */
static sg_casadi_matrix
output_of(const sg_file *file, const sg_output *o, int64_t **at)
{
	const sg_node *n = &file->m.p->g->node[o->ref];
	sg_casadi_matrix m =
	    sg_casadi_matrix_of(o->name, sg_casadi_array_of(file, (sg_type)n->type, n->shape));
	int64_t k = 0;

	*at = NULL;
	if (!o->pattern)
		return m;
	m.rows = o->pattern->rows;
	m.cols = o->pattern->cols;
	*at = SG_NEW_ARRAY(file->m.ctx, int64_t, m.nnz + 1);
	for (int64_t r = 0; r < m.rows; r++)
		for (; k < o->pattern->rowptr[r + 1]; k++)
			(*at)[k] = r + o->pattern->col[k] * m.rows;
	return m;
}

static void
set_output(sg_file *file, sg_casadi_matrix *m, const int64_t *at)
{
	sg_casadi_place *p;

	if (!at) {
		sg_casadi_dense(file, m);
		return;
	}
	p = SG_NEW_ARRAY(file->m.ctx, sg_casadi_place, m->nnz + 1);
	for (int64_t k = 0; k < m->nnz; k++)
		p[k] = (sg_casadi_place){at[k] % m->rows, at[k] / m->rows, k};
	sg_casadi_sparse(file, m, m->nnz, p);
}

static void
add_outputs(function *f, const sg_c_entry *e)
{
	sg_file *file = f->file;

	f->nout = e->e->nout;
	f->out = SG_NEW_ARRAY(file->m.ctx, sg_casadi_matrix, f->nout + 1);
	for (size_t k = 0; k < f->nout; k++) {
		int64_t *at;

		f->out[k] = output_of(file, &e->e->out[k], &at);
		set_output(file, &f->out[k], at);
		f->out[k].c = sg_text(file->m.ctx, "out%zu", k);
	}
}

/* The outputs stand behind the inputs of a function of Jacobians, which has no use for them. */
static void
add_old_outputs(function *f, const sg_c_entry *e)
{
	for (size_t k = 0; k < e->e->nout; k++) {
		int64_t *at;
		sg_casadi_matrix *m = &f->in[f->nin++];

		*m = output_of(f->file, &e->e->out[k], &at);
		m->name = sg_text(f->file->m.ctx, "out_%s", m->name);
		sg_casadi_empty(f->file, m);
	}
}

/* Where a block has its entries: pattern NULL: in all places of y by x. */
static int64_t
block_places(sg_ctx *ctx, const sg_pattern *pattern, const sg_casadi_array *y, const int64_t *y_at,
             const sg_casadi_array *x, sg_casadi_place **p)
{
	const int64_t n = pattern ? pattern->rowptr[pattern->rows] : y->count * x->count;
	int64_t used = 0;

	*p = SG_NEW_ARRAY(ctx, sg_casadi_place, n + 1);
	for (int64_t r = 0; r < y->count; r++) {
		const int64_t row = y_at ? y_at[r] : sg_casadi_index(y, r);
		const int64_t from = pattern ? pattern->rowptr[r] : 0;
		const int64_t to = pattern ? pattern->rowptr[r + 1] : x->count;

		for (int64_t k = from; k < to; k++) {
			const int64_t c = pattern ? pattern->col[k] : k;

			(*p)[used++] = (sg_casadi_place){row, sg_casadi_index(x, c),
			                                 pattern ? k : r * x->count + c};
		}
	}
	return used;
}

static void
set_block(function *f, sg_casadi_matrix *m, size_t o, size_t i)
{
	sg_file *file = f->file;
	const sg_program *p = file->m.p;
	const sg_jacobian *j = f->of->e->jacobian;
	const size_t number = o * p->ninputs + i;
	const sg_output *out = &f->of->e->out[o];
	const sg_casadi_array x = sg_casadi_array_of(file, p->input[i].type, p->input[i].shape);
	int64_t *y_at;
	const sg_casadi_matrix y = output_of(file, out, &y_at);
	sg_casadi_place *places;

	if (j->block[number]) {
		const sg_node *n = &p->g->node[f->body->e->out[j->block[number] - 1].ref];

		*m =
		    sg_casadi_matrix_of(NULL, sg_casadi_array_of(file, (sg_type)n->type, n->shape));
		m->c = sg_text(file->m.ctx, "out%zu", j->block[number] - 1);
		m->in_place = m->in_place && !y_at && !j->pattern[number];
	}
	m->name = sg_text(file->m.ctx, "jac_%s_%s", out->name, p->input[i].name);
	m->rows = y.rows * y.cols;
	m->cols = x.count;
	if (!j->block[number]) {
		sg_casadi_empty(file, m);
	} else if (!y_at && !j->pattern[number]) {
		sg_casadi_dense(file, m);
	} else {
		const int64_t n =
		    block_places(file->m.ctx, j->pattern[number], &y.a, y_at, &x, &places);

		sg_casadi_sparse(file, m, n, places);
	}
}

static void
add_blocks(function *f)
{
	const size_t ninputs = f->file->m.p->ninputs;

	f->out = SG_NEW_ARRAY(f->file->m.ctx, sg_casadi_matrix, f->of->e->nout * ninputs + 1);
	for (size_t o = 0; o < f->of->e->nout; o++)
		for (size_t i = 0; i < ninputs; i++)
			if (f->of->input[i])
				set_block(f, &f->out[f->nout++], o, i);
}

/* ---- the function ---- */

static int64_t
take_room(function *f, const sg_casadi_array *a)
{
	static const int64_t size[] = {
	    [SG_F32] = 4, [SG_F64] = 8, [SG_I32] = 4, [SG_I64] = 8, [SG_BOOL] = 1};
	const int64_t at = f->nw;

	f->nw += (a->count * size[a->type] + 7) / 8;
	return at;
}

static void
declare(function *f, const sg_casadi_matrix *m, const char *parameter, size_t number, bool input)
{
	const char *type = sg_type_c_name(m->a.type);
	const long long at = (long long)take_room(f, &m->a), n = (long long)m->a.count;

	if (m->in_place && input)
		sg_file_put(f->file, 1,
		            "const double *const %s = %s[%zu] != NULL ? %s[%zu] : memset(w + %lld, "
		            "0, %lld * sizeof *w);",
		            m->c, parameter, number, parameter, number, at, n);
	else if (m->in_place)
		sg_file_put(f->file, 1, "double *const %s = %s[%zu] != NULL ? %s[%zu] : w + %lld;",
		            m->c, parameter, number, parameter, number, at);
	else
		sg_file_put(f->file, 1, "%s *const %s = (%s *)(void *)(w + %lld);", type, m->c,
		            type, at);
}

/* Loops over the axes that are longer than 1, and the sums of indices by the strides of both
 * orders. */
static int
open_loops(function *f, const sg_casadi_matrix *m, sg_buf *ours, sg_buf *theirs)
{
	const sg_casadi_array *a = &m->a;
	int64_t step = 1, stride[SG_MAX_RANK] = {0};
	int depth = 2;

	for (uint32_t k = a->rank; k > 0; k--) {
		stride[k - 1] = step;
		step *= a->ext[k - 1];
	}
	step = 1;
	for (uint32_t k = 0; k < a->rank; k++) {
		if (a->ext[k] != 1) {
			sg_file_put(f->file, depth++, "for (ptrdiff_t i%u = 0; i%u < %lld; i%u++)",
			            k, k, (long long)a->ext[k], k);
			sg_buf_printf(ours, "%si%u", ours->n ? " + " : "", k);
			if (stride[k] != 1)
				sg_buf_printf(ours, " * %lld", (long long)stride[k]);
			sg_buf_printf(theirs, "%si%u", theirs->n ? " + " : "", k);
			if (step != 1)
				sg_buf_printf(theirs, " * %lld", (long long)step);
		}
		step *= a->ext[k];
	}
	if (!ours->n) {
		sg_buf_puts(ours, "0");
		sg_buf_puts(theirs, "0");
	}
	return depth;
}

static const char *
from_double(function *f, sg_type t, const char *v)
{
	sg_module *m = &f->file->m;

	switch (t) {
	case SG_F32:
		return sg_text(m->ctx, "(float)%s", v);
	case SG_F64:
		return v;
	case SG_I32:
		return sg_text(m->ctx, "%s(%s)", sg_use(m, "sgrt_cast_f64_i32"), v);
	case SG_I64:
		return sg_text(m->ctx, "%s(%s)", sg_use(m, "sgrt_cast_f64_i64"), v);
	case SG_BOOL:
		break;
	}
	return sg_text(m->ctx, "%s != 0", v);
}

static void
copy_in(function *f, const sg_casadi_matrix *m, size_t number)
{
	sg_buf ours, theirs;
	int depth;

	if (!m->c || m->in_place || !m->a.count)
		return;
	sg_buf_init(&ours, f->file->m.ctx);
	sg_buf_init(&theirs, f->file->m.ctx);
	sg_file_put(f->file, 1, "if (arg[%zu] == NULL)", number);
	sg_file_put(f->file, 2, "memset(%s, 0, %lld * sizeof *%s);", m->c, (long long)m->a.count,
	            m->c);
	sg_file_put(f->file, 1, "else");
	depth = open_loops(f, m, &ours, &theirs);
	sg_file_put(
	    f->file, depth, "%s[%s] = %s;", m->c, sg_buf_text(&ours),
	    from_double(f, m->a.type,
	                sg_text(f->file->m.ctx, "arg[%zu][%s]", number, sg_buf_text(&theirs))));
}

static void
copy_out(function *f, const sg_casadi_matrix *m, size_t number)
{
	const char *cast = m->a.type == SG_F64 ? "" : "(double)";
	sg_buf ours, theirs;
	int depth;

	if (!m->c || m->in_place || !m->nnz)
		return;
	sg_buf_init(&ours, f->file->m.ctx);
	sg_buf_init(&theirs, f->file->m.ctx);
	sg_file_put(f->file, 1, "if (res[%zu] != NULL)", number);
	if (m->at) {
		sg_file_put(f->file, 2, "for (ptrdiff_t i = 0; i < %lld; i++)", (long long)m->nnz);
		sg_file_put(f->file, 3, "res[%zu][i] = %s%s[%s[i]];", number, cast, m->c, m->at);
		return;
	}
	depth = open_loops(f, m, &ours, &theirs);
	sg_file_put(f->file, depth, "res[%zu][%s] = %s%s[%s];", number, sg_buf_text(&theirs), cast,
	            m->c, sg_buf_text(&ours));
}

/* The call of our own function: the inputs that it uses, its outputs, the workspace. */
static void
put_call(function *f, int64_t bytes)
{
	sg_file *file = f->file;
	sg_buf b;

	sg_buf_init(&b, file->m.ctx);
	for (size_t i = 0; i < f->nin; i++)
		if (f->in[i].c)
			sg_buf_printf(&b, "%s, ", f->in[i].c);
	for (size_t k = 0; k < f->body->e->nout; k++)
		sg_buf_printf(&b, "out%zu, ", k);
	if (bytes)
		sg_file_put(
		    file, 1,
		    "const int status = %s(%s(void *)(((uintptr_t)(w + %lld) + 63) / 64 * 64));",
		    f->body->fn, sg_buf_text(&b), (long long)f->nw);
	else
		sg_file_put(file, 1, "const int status = %s(%sNULL);", f->body->fn,
		            sg_buf_text(&b));
	f->nw += bytes ? (bytes + 63) / 8 : 0;
}

static void
put_body(function *f)
{
	int64_t bytes = 0;

	(void)sg_ext_const(f->file->m.sp, f->body->bytes, &bytes);
	for (size_t i = 0; i < f->nin; i++)
		if (f->in[i].c)
			declare(f, &f->in[i], "arg", i, true);
	for (size_t k = 0; k < f->nout; k++)
		if (f->out[k].c)
			declare(f, &f->out[k], "res", k, false);
	sg_buf_putc(&f->file->m.body, '\n');
	sg_file_put(f->file, 1, "(void)arg, (void)iw, (void)w, (void)mem;");
	for (size_t i = 0; i < f->nin; i++)
		copy_in(f, &f->in[i], i);
	put_call(f, bytes);
	sg_file_put(f->file, 1, "if (status != 0)");
	sg_file_put(f->file, 2, "return status;");
	for (size_t k = 0; k < f->nout; k++)
		copy_out(f, &f->out[k], k);
	sg_file_put(f->file, 1, "return 0;");
}

static void
put_function(function *f)
{
	sg_file_put(f->file, 0, "CASADI_SYMBOL_EXPORT int");
	sg_file_put(f->file, 0,
	            "%s(const casadi_real **arg, casadi_real **res, casadi_int *iw, casadi_real "
	            "*w, int mem)",
	            f->name);
	sg_file_put(f->file, 0, "{");
	if (f->body) {
		put_body(f);
	} else {
		sg_file_put(f->file, 1, "(void)arg, (void)res, (void)iw, (void)w, (void)mem;");
		sg_file_put(f->file, 1, "return 0;");
	}
	sg_buf_puts(&f->file->m.body, "}\n\n");
}

/* ---- what it says of itself ---- */

static void
put_number(function *f, const char *what, size_t n)
{
	sg_file_put(f->file, 0, "CASADI_SYMBOL_EXPORT casadi_int");
	sg_file_put(f->file, 0, "%s_%s(void)", f->name, what);
	sg_file_put(f->file, 0, "{");
	sg_file_put(f->file, 1, "return %zu;", n);
	sg_buf_puts(&f->file->m.body, "}\n\n");
}

static void
open_choice(function *f, const char *type, const char *what)
{
	sg_file_put(f->file, 0, "CASADI_SYMBOL_EXPORT %s", type);
	sg_file_put(f->file, 0, "%s_%s(casadi_int i)", f->name, what);
	sg_file_put(f->file, 0, "{");
	sg_file_put(f->file, 1, "switch (i) {");
}

static void
close_choice(function *f, const char *otherwise)
{
	sg_file_put(f->file, 1, "default: return %s;", otherwise);
	sg_file_put(f->file, 1, "}");
	sg_buf_puts(&f->file->m.body, "}\n\n");
}

static void
put_names(function *f, const char *what, size_t n, const sg_casadi_matrix *m)
{
	open_choice(f, "const char *", what);
	for (size_t i = 0; i < n; i++)
		sg_file_put(f->file, 1, "case %zu: return \"%s\";", i, m[i].name);
	close_choice(f, "NULL");
}

static void
put_sparsities(function *f, const char *what, size_t n, const sg_casadi_matrix *m)
{
	open_choice(f, "const casadi_int *", what);
	for (size_t i = 0; i < n; i++)
		sg_file_put(f->file, 1, "case %zu: return %s;", i, m[i].sparsity);
	close_choice(f, "NULL");
}

/* CasADi has one number for all elements: what the model makes otherwise is 0 here. */
static void
put_defaults(function *f)
{
	sg_file *file = f->file;
	const sg_program *p = file->m.p;
	const sg_build b = {.ctx = file->m.ctx, .sp = file->m.sp, .g = p->g};
	size_t number = 0;

	open_choice(f, "casadi_real", "default_in");
	for (size_t i = 0; i < p->ninputs; i++) {
		double v;
		sg_buf text;

		if (!f->of->input[i])
			continue;
		sg_buf_init(&text, file->m.ctx);
		if (p->input[i].deflt && sg_is_const(&b, p->input[i].deflt, &v) && isfinite(v)) {
			sg_buf_num(&text, v, false);
			sg_file_put(file, 1, "case %zu: return %s;", number, sg_buf_text(&text));
		}
		number++;
	}
	close_choice(f, "0");
}

static void
put_work(function *f, const char *what, const char *times_arg, const char *times_real)
{
	sg_file *file = f->file;

	sg_file_put(file, 0, "CASADI_SYMBOL_EXPORT int");
	sg_file_put(
	    file, 0,
	    "%s_%s(casadi_int *sz_arg, casadi_int *sz_res, casadi_int *sz_iw, casadi_int *sz_w)",
	    f->name, what);
	sg_file_put(file, 0, "{");
	sg_file_put(file, 1, "if (sz_arg != NULL)");
	sg_file_put(file, 2, "*sz_arg = (casadi_int)(%zu%s);", f->nin, times_arg);
	sg_file_put(file, 1, "if (sz_res != NULL)");
	sg_file_put(file, 2, "*sz_res = (casadi_int)(%zu%s);", f->nout, times_arg);
	sg_file_put(file, 1, "if (sz_iw != NULL)");
	sg_file_put(file, 2, "*sz_iw = 0;");
	sg_file_put(file, 1, "if (sz_w != NULL)");
	sg_file_put(file, 2, "*sz_w = (casadi_int)(%lld%s);", (long long)f->nw, times_real);
	sg_file_put(file, 1, "return 0;");
	sg_buf_puts(&file->m.body, "}\n\n");
}

/* There is no memory of its own, so there is nothing to count or to set up. */
static void
put_memory(function *f)
{
	static const struct {
		const char *type, *name, *parameters, *body;
	} row[] = {
	    {"int", "alloc_mem", "void", "return 0;"},
	    {"int", "init_mem", "int mem", "(void)mem;\n\treturn 0;"},
	    {"void", "free_mem", "int mem", "(void)mem;"},
	    {"int", "checkout", "void", "return 0;"},
	    {"void", "release", "int mem", "(void)mem;"},
	    {"void", "incref", "void", ""},
	    {"void", "decref", "void", ""},
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		sg_buf_printf(&f->file->m.body,
		              "CASADI_SYMBOL_EXPORT %s\n%s_%s(%s)\n{\n%s%s%s}\n\n", row[i].type,
		              f->name, row[i].name, row[i].parameters, *row[i].body ? "\t" : "",
		              row[i].body, *row[i].body ? "\n" : "");
}

static void
put_all(function *f)
{
	put_function(f);
	put_number(f, "n_in", f->nin);
	put_number(f, "n_out", f->nout);
	put_names(f, "name_in", f->nin, f->in);
	put_names(f, "name_out", f->nout, f->out);
	put_sparsities(f, "sparsity_in", f->nin, f->in);
	put_sparsities(f, "sparsity_out", f->nout, f->out);
	put_defaults(f);
	put_work(f, "work", "", "");
	put_work(f, "work_bytes", " * sizeof(void *)", " * sizeof(casadi_real)");
	put_memory(f);
}

void
sg_print_casadi(sg_file *file, const sg_c_entry *e)
{
	function f = {.file = file, .name = e->casadi, .body = e, .of = e};

	add_inputs(&f, e);
	add_outputs(&f, e);
	put_all(&f);
	if (!e->e->jacobian)
		return;
	f = (function){.file = file,
	               .name = e->casadi_jac,
	               .of = e,
	               .body =
	                   e->e->jacobian->entry ? &file->entry[e->e->jacobian->entry - 1] : NULL};
	add_inputs(&f, e);
	add_old_outputs(&f, e);
	add_blocks(&f);
	put_all(&f);
}

void
sg_open_casadi(sg_file *file)
{
	sg_buf_puts(&file->m.body,
	            "#ifndef CASADI_SYMBOL_EXPORT\n"
	            "#if defined __GNUC__\n"
	            "#define CASADI_SYMBOL_EXPORT __attribute__((visibility(\"default\")))\n"
	            "#else\n#define CASADI_SYMBOL_EXPORT\n#endif\n#endif\n\n"
	            "_Static_assert(sizeof(casadi_real) == sizeof(double), \"casadi_real is "
	            "double\");\n\n");
}

/* ---- declarations ---- */

static void
declare_function(sg_buf *b, const char *name)
{
	sg_buf_printf(b,
	              "int %s(const casadi_real **arg, casadi_real **res, casadi_int *iw, "
	              "casadi_real *w, int mem);\n",
	              name);
	sg_buf_printf(b, "casadi_int %s_n_in(void);\ncasadi_int %s_n_out(void);\n", name, name);
	sg_buf_printf(
	    b, "const char *%s_name_in(casadi_int i);\nconst char *%s_name_out(casadi_int i);\n",
	    name, name);
	sg_buf_printf(b,
	              "const casadi_int *%s_sparsity_in(casadi_int i);\nconst casadi_int "
	              "*%s_sparsity_out(casadi_int i);\n",
	              name, name);
	sg_buf_printf(b, "casadi_real %s_default_in(casadi_int i);\n", name);
	sg_buf_printf(b,
	              "int %s_work(casadi_int *sz_arg, casadi_int *sz_res, casadi_int *sz_iw, "
	              "casadi_int *sz_w);\n",
	              name);
	sg_buf_printf(b,
	              "int %s_work_bytes(casadi_int *sz_arg, casadi_int *sz_res, casadi_int "
	              "*sz_iw, casadi_int *sz_w);\n",
	              name);
	sg_buf_printf(
	    b, "int %s_alloc_mem(void);\nint %s_init_mem(int mem);\nvoid %s_free_mem(int mem);\n",
	    name, name, name);
	sg_buf_printf(b,
	              "int %s_checkout(void);\nvoid %s_release(int mem);\nvoid "
	              "%s_incref(void);\nvoid %s_decref(void);\n\n",
	              name, name, name, name);
}

static void
declare_entry(const sg_file *file, sg_buf *b, const sg_c_entry *e)
{
	sg_buf_printf(b, "/* %s: ", e->casadi);
	for (size_t k = 0, n = 0; k < file->m.p->ninputs; k++)
		if (e->input[k])
			sg_buf_printf(b, "%s%s %s", n++ ? ", " : "", file->m.p->input[k].name,
			              sg_shape_text(file->m.sp, file->m.p->input[k].shape));
	sg_buf_puts(b, " ->");
	for (size_t k = 0; k < e->e->nout; k++)
		sg_buf_printf(
		    b, "%s %s %s", k ? "," : "", e->e->out[k].name,
		    sg_shape_text(file->m.sp, file->m.p->g->node[e->e->out[k].ref].shape));
	sg_buf_puts(b, " */\n");
	declare_function(b, e->casadi);
	if (!e->e->jacobian)
		return;
	sg_buf_printf(
	    b,
	    "/* %s: the Jacobians of its outputs, one after the other, by each of its inputs. */\n",
	    e->casadi_jac);
	declare_function(b, e->casadi_jac);
}

void
sg_declare_casadi(const sg_file *file, sg_buf *b, const sg_c_entry *e)
{
	sg_buf_puts(b, "#ifndef casadi_real\n#define casadi_real double\n#endif\n"
	               "#ifndef casadi_int\n#define casadi_int long long int\n#endif\n\n");
	for (size_t i = 0; i < file->nentries; i++)
		if (!file->entry[i].e->is_jacobian && (!e || e == &file->entry[i]))
			declare_entry(file, b, &file->entry[i]);
}
