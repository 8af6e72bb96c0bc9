/* step.c - one step of training as a C function, for each entry that has gradients: an output
 * grad_P of the shape and type of an input P that the entry uses. The gradients are computed into
 * the workspace and the inputs P updated in place; nothing is allocated, and after a failure
 * nothing has changed.
 *
 * The formulas are those of torch.optim (2.x), g being the gradient:
 *   sgd       p -= lr (g + weight_decay p)
 *   momentum  (Sutskever, Martens, Dahl, Hinton 2013)  g += weight_decay p; b = momentum b + g;
 *             p -= lr (nesterov ? g + momentum b : b)
 *   adam      (Kingma, Ba 2015, algorithm 1)  g += weight_decay p; m += (1 - beta1) (g - m);
 *             v = beta2 v + (1 - beta2) g g; p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 -
 * beta2^t) + eps) adamw     (Loshchilov, Hutter 2019)  p *= 1 - lr weight_decay; then adam without
 * weight_decay */
#include "back/file.h"

#include <string.h>

enum { WIDTH = 100 };

typedef enum { SGD, MOMENTUM, ADAM, ADAMW } kind;

/* A pair of an output and the input that it is the gradient of. */
typedef struct updated {
	size_t in, out;
	const char *p, *g;    /* names in C */
	const char *state[2]; /* momentum: b; adam: m, v */
	const char *count;    /* of elements */
	const char *type;
	bool f32;
} updated;

typedef struct step {
	sg_file *file;
	const sg_c_entry *e;
	kind kind;
	updated *u;
	size_t n;
	bool *is_updated, *is_gradient; /* by input; by output */
	const char *lr, *decay, *momentum, *nesterov, *t, *beta1, *beta2, *eps, *at, *status, *i,
	    *rate, *scale;
} step;

static const char *const suffix[] = {"sgd", "momentum", "adam", "adamw"};

/* The input that output k is the gradient of, as a number; ninputs: none. */
static size_t
gradient_of(const sg_program *p, const sg_entry_ir *e, const bool *used, size_t k)
{
	const sg_node *n = sg_node_at(p->g, e->out[k].ref);
	size_t i = 0;

	if (strncmp(e->out[k].name, "grad_", 5) != 0 || !sg_type_is_float((sg_type)n->type))
		return p->ninputs;
	while (i < p->ninputs &&
	       !(used[i] && strcmp(p->input[i].name, e->out[k].name + 5) == 0 &&
	         p->input[i].shape == n->shape && p->input[i].type == (sg_type)n->type))
		i++;
	return i;
}

bool
sg_entry_has_step(const sg_program *p, const sg_entry_ir *e)
{
	const sg_uses uses = sg_entry_uses(p, e);

	for (size_t k = 0; k < e->nout; k++)
		if (gradient_of(p, e, uses.input, k) < p->ninputs)
			return true;
	return false;
}

/* ---- what a step takes ---- */

static void
name_state(step *s, sg_names *names, updated *u, const char *input)
{
	sg_ctx *ctx = s->file->m.ctx;

	if (s->kind == MOMENTUM)
		u->state[0] = sg_name_exact(names, sg_text(ctx, "b_%s", input));
	if (s->kind < ADAM)
		return;
	u->state[0] = sg_name_exact(names, sg_text(ctx, "m_%s", input));
	u->state[1] = sg_name_exact(names, sg_text(ctx, "v_%s", input));
}

static void
name_numbers(step *s, sg_names *names)
{
	s->t = sg_name_exact(names, "t");
	s->lr = sg_name_exact(names, "lr");
	s->momentum = sg_name_exact(names, "momentum");
	s->beta1 = sg_name_exact(names, "beta1");
	s->beta2 = sg_name_exact(names, "beta2");
	s->eps = sg_name_exact(names, "eps");
	s->decay = sg_name_exact(names, "weight_decay");
	s->nesterov = sg_name_exact(names, "nesterov");
	s->at = sg_name_exact(names, "at");
	s->status = sg_name_exact(names, "status");
	s->i = sg_name_exact(names, "i");
	s->rate = sg_name_exact(names, "rate");
	s->scale = sg_name_exact(names, "scale");
}

static step
step_of(sg_file *file, const sg_c_entry *e, kind k)
{
	const sg_program *p = file->m.p;
	sg_names names = sg_names_in(file->m.ctx, (sg_names *)(uintptr_t)&e->names);
	step s = {.file = file,
	          .e = e,
	          .kind = k,
	          .u = SG_NEW_ARRAY(file->m.ctx, updated, e->e->nout + 1)};

	s.is_updated = SG_NEW_ARRAY(file->m.ctx, bool, p->ninputs + 1);
	s.is_gradient = SG_NEW_ARRAY(file->m.ctx, bool, e->e->nout + 1);
	for (size_t o = 0; o < e->e->nout; o++) {
		const size_t i = gradient_of(p, e->e, e->uses.input, o);
		const sg_shape *shape = sg_node_at(p->g, e->e->out[o].ref)->shape;

		if (i == p->ninputs || s.is_updated[i])
			continue;
		s.is_updated[i] = s.is_gradient[o] = true;
		s.u[s.n] =
		    (updated){.in = i,
		              .out = o,
		              .p = e->input[i],
		              .g = e->out[o],
		              .count = sg_ext_bare(e->body, sg_shape_size(file->m.sp, shape)),
		              .type = sg_type_c_name(p->input[i].type),
		              .f32 = p->input[i].type == SG_F32};
		name_state(&s, &names, &s.u[s.n++], p->input[i].name);
	}
	name_numbers(&s, &names);
	return s;
}

/* ---- prototypes ---- */

static void
put_array(sg_buf *b, const char *constant, const char *type, const char *name, bool body)
{
	sg_buf_printf(b, "%s%s *%s%s, ", constant, type, body ? "restrict " : "", name);
}

static void
put_numbers(const step *s, sg_buf *b)
{
	switch (s->kind) {
	case SGD:
		sg_buf_printf(b, "double %s, double %s", s->lr, s->decay);
		return;
	case MOMENTUM:
		sg_buf_printf(b, "double %s, double %s, double %s, int %s", s->lr, s->momentum,
		              s->decay, s->nesterov);
		return;
	case ADAM:
	case ADAMW:
		break;
	}
	sg_buf_printf(b, "int64_t %s, double %s, double %s, double %s, double %s, double %s", s->t,
	              s->lr, s->beta1, s->beta2, s->eps, s->decay);
}

/* The text with its lines broken behind commas, under the bracket that opens the list. */
static void
put_wrapped(sg_buf *b, const char *text)
{
	const char *newline = strchr(text, '\n'), *line = newline ? newline + 1 : text;
	const size_t indent = strcspn(line, "(") + 1;
	size_t column = 0;

	for (const char *c = text; *c; c++) {
		const bool item = c > text + 1 && c[-1] == ' ' && c[-2] == ',';

		if (item && column + strcspn(c, ",)") >= WIDTH) {
			b->s[--b->n] = '\0';
			sg_buf_printf(b, "\n%*s", (int)indent, "");
			column = indent;
		}
		sg_buf_putc(b, *c);
		column = *c == '\n' ? 0 : column + 1;
	}
}

static void
put_prototype(const step *s, sg_buf *to, bool body)
{
	sg_buf line, *const b = &line;
	const sg_program *p = s->file->m.p;
	const sg_c_entry *e = s->e;

	sg_buf_init(b, s->file->m.ctx);
	sg_buf_printf(b, "int%c%s(", body ? '\n' : ' ', e->step[s->kind]);
	sg_put_dims(s->file, b, e, true);
	if (e->has_dims)
		sg_buf_puts(b, ", ");
	else
		b->n -= strlen("void");
	for (size_t i = 0; i < p->ninputs; i++)
		if (e->input[i])
			put_array(b, s->is_updated[i] ? "" : "const ",
			          sg_type_c_name(p->input[i].type), e->input[i], body);
	for (size_t k = 0; k < e->e->nout; k++)
		if (!s->is_gradient[k])
			put_array(b, "",
			          sg_type_c_name((sg_type)sg_node_at(p->g, e->e->out[k].ref)->type),
			          e->out[k], body);
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < s->n; i++)
			if (s->u[i].state[k])
				put_array(b, "", s->u[i].type, s->u[i].state[k], body);
	put_numbers(s, b);
	sg_buf_printf(b, ", void *%s)", e->work);
	put_wrapped(to, sg_buf_text(b));
}

/* ---- bodies ---- */

static const char *
dim_names(const step *s)
{
	sg_buf b;

	sg_buf_init(&b, s->file->m.ctx);
	sg_put_dims(s->file, &b, s->e, false);
	return sg_buf_text(&b);
}

/* The gradients stand behind the entry's own workspace. */
static void
put_gradients(const step *s)
{
	sg_file *f = s->file;

	sg_file_put(f, 1, "size_t %s = (%s(%s) + 63) / 64 * 64;", s->at, s->e->work_fn,
	            dim_names(s));
	for (size_t i = 0; i < s->n; i++) {
		const updated *u = &s->u[i];

		sg_file_put(f, 1, "%s *const %s = (%s *)(void *)((unsigned char *)%s + %s);",
		            u->type, u->g, u->type, s->e->work, s->at);
		if (i + 1 < s->n)
			sg_file_put(f, 1, "%s += ((size_t)(%s) * sizeof *%s + 63) / 64 * 64;",
			            s->at, u->count, u->g);
	}
}

static void
put_call(const step *s)
{
	const sg_program *p = s->file->m.p;
	const char *dims = dim_names(s);
	sg_buf b;

	sg_buf_init(&b, s->file->m.ctx);
	if (*dims)
		sg_buf_printf(&b, "%s, ", dims);
	for (size_t i = 0; i < p->ninputs; i++)
		if (s->e->input[i])
			sg_buf_printf(&b, "%s, ", s->e->input[i]);
	for (size_t k = 0; k < s->e->e->nout; k++)
		sg_buf_printf(&b, "%s, ", s->e->out[k]);
	sg_file_put(s->file, 1, "const int %s = %s(%s%s);", s->status, s->e->fn, sg_buf_text(&b),
	            s->e->work);
	sg_file_put(s->file, 1, "if (%s != %s)", s->status, sg_use(&s->file->m, "SGRT_OK"));
	sg_file_put(s->file, 2, "return %s;", s->status);
}

/* A number of the caller's in the type of the array. */
static const char *
in_type(const step *s, const updated *u, const char *number)
{
	return u->f32 ? sg_text(s->file->m.ctx, "(float)%s", number) : number;
}

static void
put_descent(const step *s, const updated *u)
{
	const char *lr = in_type(s, u, s->lr),
		   *mu = s->kind == MOMENTUM ? in_type(s, u, s->momentum) : "";
	sg_ctx *ctx = s->file->m.ctx;
	const char *p = sg_text(ctx, "%s[%s]", u->p, s->i), *g = sg_text(ctx, "%s[%s]", u->g, s->i);

	sg_file_put(s->file, 2, "%s += %s * %s;", g, in_type(s, u, s->decay), p);
	if (s->kind == SGD) {
		sg_file_put(s->file, 2, "%s -= %s * %s;", p, lr, g);
		return;
	}
	sg_file_put(s->file, 2, "%s[%s] = %s * %s[%s] + %s;", u->state[0], s->i, mu, u->state[0],
	            s->i, g);
	sg_file_put(s->file, 2, "%s -= %s * (%s ? %s + %s * %s[%s] : %s[%s]);", p, lr, s->nesterov,
	            g, mu, u->state[0], s->i, u->state[0], s->i);
}

static void
put_adam(const step *s, const updated *u)
{
	sg_ctx *ctx = s->file->m.ctx;
	const char *p = sg_text(ctx, "%s[%s]", u->p, s->i), *g = sg_text(ctx, "%s[%s]", u->g, s->i);
	const char *m = sg_text(ctx, "%s[%s]", u->state[0], s->i),
		   *v = sg_text(ctx, "%s[%s]", u->state[1], s->i);
	const char *one_less = sg_text(ctx, "(1 - %s)", s->beta1);

	if (s->kind == ADAM)
		sg_file_put(s->file, 2, "%s += %s * %s;", g, in_type(s, u, s->decay), p);
	else
		sg_file_put(s->file, 2, "%s *= %s;", p,
		            in_type(s, u, sg_text(ctx, "(1 - %s * %s)", s->lr, s->decay)));
	sg_file_put(s->file, 2, "%s += %s * (%s - %s);", m, in_type(s, u, one_less), g, m);
	sg_file_put(s->file, 2, "%s = %s * %s + %s * %s * %s;", v, in_type(s, u, s->beta2), v,
	            in_type(s, u, sg_text(ctx, "(1 - %s)", s->beta2)), g, g);
	sg_file_put(s->file, 2, "%s -= %s * %s / (%s(%s) / %s + %s);", p, in_type(s, u, s->rate), m,
	            u->f32 ? "sqrtf" : "sqrt", v, in_type(s, u, s->scale), in_type(s, u, s->eps));
}

static void
print_step(const step *s)
{
	sg_file *f = s->file;

	put_prototype(s, &f->m.body, true);
	sg_buf_puts(&f->m.body, "\n{\n");
	if (s->e->has_dims) {
		sg_file_put(f, 1, "if (%s(%s) != %s)", s->e->check, dim_names(s),
		            sg_use(&f->m, "SGRT_OK"));
		sg_file_put(f, 2, "return %s;", sg_use(&f->m, "SGRT_EDIM"));
	}
	put_gradients(s);
	put_call(s);
	if (s->kind >= ADAM) {
		sg_file_put(f, 1, "const double %s = %s / (1 - pow(%s, (double)%s));", s->rate,
		            s->lr, s->beta1, s->t);
		sg_file_put(f, 1, "const double %s = sqrt(1 - pow(%s, (double)%s));", s->scale,
		            s->beta2, s->t);
	}
	for (size_t i = 0; i < s->n; i++) {
		sg_file_put(f, 1, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", s->i, s->i,
		            s->u[i].count, s->i);
		if (s->kind < ADAM)
			put_descent(s, &s->u[i]);
		else
			put_adam(s, &s->u[i]);
		sg_file_put(f, 1, "}");
	}
	sg_file_put(f, 1, "return %s;", sg_use(&f->m, "SGRT_OK"));
	sg_buf_puts(&f->m.body, "}\n\n");
}

static void
print_work(const step *s)
{
	sg_file *f = s->file;

	sg_buf_printf(&f->m.body, "size_t\n%s(", s->e->step_work);
	sg_put_dims(f, &f->m.body, s->e, true);
	sg_buf_puts(&f->m.body, ")\n{\n");
	if (s->e->has_dims) {
		sg_file_put(f, 1, "if (%s(%s) != %s)", s->e->check, dim_names(s),
		            sg_use(&f->m, "SGRT_OK"));
		sg_file_put(f, 2, "return 0;");
	}
	sg_file_put(f, 1, "size_t %s = (%s(%s) + 63) / 64 * 64;", s->at, s->e->work_fn,
	            dim_names(s));
	for (size_t i = 0; i < s->n; i++)
		sg_file_put(f, 1, "%s += ((size_t)(%s) * sizeof(%s) + 63) / 64 * 64;", s->at,
		            s->u[i].count, s->u[i].type);
	sg_file_put(f, 1, "return %s;", s->at);
	sg_buf_puts(&f->m.body, "}\n\n");
}

/* Does the entry get any? */
static bool
has_steps(const sg_file *file, const sg_c_entry *e)
{
	return file->m.o->steps && sg_entry_has_step(file->m.p, e->e);
}

void
sg_print_steps(sg_file *file, const sg_c_entry *e)
{
	if (!has_steps(file, e))
		return;
	const step any = step_of(file, e, SGD); /* the workspace is the same for all */

	print_work(&any);
	for (kind k = SGD; k <= ADAMW; k++) {
		const step s = step_of(file, e, k);

		if (file->m.o->steps & 1u << k)
			print_step(&s);
	}
}

/* Bytes of workspace where they are fixed. */
static int64_t
fixed_bytes(const step *s)
{
	int64_t bytes = 0;

	(void)sg_ext_const(s->file->m.sp, s->e->bytes, &bytes);
	bytes = (bytes + 63) / 64 * 64;
	for (size_t i = 0; i < s->n; i++) {
		const sg_node *n = sg_node_at(s->file->m.p->g, s->e->e->out[s->u[i].out].ref);
		int64_t count = 0;

		(void)sg_ext_const(s->file->m.sp, sg_shape_size(s->file->m.sp, n->shape), &count);
		bytes += (count * (s->u[i].f32 ? 4 : 8) + 63) / 64 * 64;
	}
	return bytes;
}

static void
declare_work(const step *s, sg_buf *b)
{
	const sg_c_entry *e = s->e;

	sg_buf_printf(
	    b,
	    "/* One step of training each, in place: what has a gradient is updated, and so is "
	    "the\n"
	    " * state of the optimizer (b_, m_, v_: of the same shapes, zeros before the first "
	    "step). t\n"
	    " * counts the steps from 1. work: %s bytes, aligned to 64. Result as above;\n"
	    " * after a failure nothing has changed but the outputs. */\n",
	    e->step_work);
	sg_buf_printf(b, "size_t %s(", e->step_work);
	sg_put_dims(s->file, b, e, true);
	sg_buf_puts(b, ");\n");
	if (!e->has_dims)
		sg_buf_printf(b, "#define %s %lld\n", e->step_macro, (long long)fixed_bytes(s));
}

void
sg_declare_steps(sg_file *file, sg_buf *b, const sg_c_entry *e)
{
	if (!has_steps(file, e))
		return;
	const step any = step_of(file, e, SGD);

	declare_work(&any, b);
	for (kind k = SGD; k <= ADAMW; k++) {
		const step s = step_of(file, e, k);

		if (!(file->m.o->steps & 1u << k))
			continue;
		put_prototype(&s, b, false);
		sg_buf_puts(b, ";\n");
	}
	sg_buf_putc(b, '\n');
}

const char *
sg_step_suffix(unsigned k)
{
	return suffix[k];
}
