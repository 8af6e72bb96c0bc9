/* check.c - the test of the dimensions, before anything else: none negative, no extent negative,
 * every condition of the model met, no quotient by 0, no size beyond what a pointer can count.
 *
 * Sizes are computed in double, where nothing overflows: each summand counts with its absolute
 * value, so that no step of the same sum in ptrdiff_t can overflow either. */
#include "back/file.h"

#include <string.h>

enum { MOST_SIZES = 64 };

typedef struct check {
	sg_file *file;
	const sg_c_entry *e;
	sg_ext *sign;             /* must be >= 0 */
	sg_ext *size;             /* must be countable */
	sg_ext *whole;            /* must not divide by 0 */
	size_t nsign, sign_cap, nsize, size_cap, nwhole, whole_cap;
	sg_bytes_map *seen;
	sg_buf text;
	unsigned terms;
} check;

static const char *
double_name(void *arg, uint32_t d)
{
	const check *c = arg;

	return sg_text(c->file->m.ctx, "(double)%s", c->e->dim[d]);
}

static const char *
bare(const check *c, const char *s)
{
	const size_t n = strlen(s);

	return s[0] == '(' && s[1] != 'd' && s[n - 1] == ')'
	           ? sg_text(c->file->m.ctx, "%.*s", (int)(n - 2), s + 1)
	           : s;
}

static const char *
in_double(check *c, sg_ext e)
{
	sg_file *file = c->file;
	sg_buf b;

	sg_buf_init(&b, file->m.ctx);
	sg_ext_print_c(file->m.sp, &b, e, double_name, c, file->real_fn);
	sg_note_calls(sg_buf_text(&b), file->real_fn, file->has_real_fn);
	if (file->has_real_fn[0])
		sg_use(&file->m, "floor");
	return bare(c, sg_buf_text(&b));
}

static const char *
magnitude(check *c, sg_ext e)
{
	const char *s = in_double(c, e);
	char *t = sg_copy(c->file->m.ctx, s, strlen(s) + 1);

	for (char *p = t; *p; p++)
		if (*p == '-')
			*p = '+';
	return t;
}

static bool
uses_only(const check *c, sg_ext e)
{
	for (uint32_t d = 0; d < sg_space_ndims(c->file->m.sp); d++)
		if (sg_ext_uses(c->file->m.sp, e, d) && !c->e->dim[d])
			return false;
	return true;
}

typedef enum { SIGN, SIZE, QUOTIENT } wanted;

/* Was the extent not asked for so before? */
static bool
is_new(check *c, wanted what, sg_ext e)
{
	const uint32_t key[2] = {what, e};
	void **slot = sg_bytes_map_at(c->seen, key, sizeof key);
	const bool is = !*slot;

	*slot = c;
	return is;
}

static void
want_sign(check *c, sg_ext e)
{
	if (!is_new(c, SIGN, e) || sg_ext_nonneg(c->file->m.sp, e) || !uses_only(c, e))
		return;
	SG_PUSH(c->file->m.ctx, c->sign, c->nsign, c->sign_cap, e);
}

static void
want_quotient(check *c, sg_ext e)
{
	if (is_new(c, QUOTIENT, e) && sg_ext_may_divide_by_0(c->file->m.sp, e) && uses_only(c, e))
		SG_PUSH(c->file->m.ctx, c->whole, c->nwhole, c->whole_cap, e);
}

/* Is size a at least b, whatever the dimensions? What the samples deny needs no difference. */
static bool
covers(const check *c, sg_ext a, sg_ext b)
{
	sg_space *sp = c->file->m.sp;
	const double *x = sg_ext_samples(sp, a), *y = sg_ext_samples(sp, b);

	for (uint32_t k = 0; k < SG_SAMPLES; k++)
		if (x[k] < y[k])
			return false;
	return sg_ext_nonneg_soon(sp, sg_ext_sub(sp, a, b));
}

static void
want_size(check *c, sg_ext e)
{
	const size_t few = c->nsize < MOST_SIZES ? c->nsize : MOST_SIZES;
	size_t n = 0;

	if (!is_new(c, SIZE, e) || sg_ext_const(c->file->m.sp, e, NULL))
		return;
	for (size_t i = 0; i < few; i++)
		if (covers(c, c->size[i], e))
			return;
	for (size_t i = 0; i < few; i++)
		if (!covers(c, e, c->size[i]))
			c->size[n++] = c->size[i];
	if (n < few) {
		memmove(c->size + n, c->size + few, (c->nsize - few) * sizeof *c->size);
		c->nsize -= few - n;
	}
	SG_PUSH(c->file->m.ctx, c->size, c->nsize, c->size_cap, e);
}

static void look_at_body(check *c, const sg_fn *f);

static void
look_at_loop(check *c, const sg_loop_plan *p)
{
	if (p->l.op == SG_SCAN || p->l.limited)
		want_sign(c, p->l.length);
	look_at_body(c, p->step_fn);
	if (p->cond_fn)
		look_at_body(c, p->cond_fn);
}

static void
look_at_body(check *c, const sg_fn *f)
{
	sg_space *sp = c->file->m.sp;
	sg_ext work = sg_ext_int(sp, f->fixed), ext[SG_MOST_DEMANDS];

	for (sg_ref r = 1; r < f->g->n; r++) {
		const sg_node *n = &f->g->node[r];
		const sg_ext word = sg_ext_int(sp, (int64_t)sg_type_size((sg_type)n->type));

		if (f->at[r].kind == SG_P_DEAD)
			continue;
		if (f->at[r].kind == SG_P_LOOP)
			look_at_loop(c, f->plan[r]);
		if (n->op == SG_DIM)
			want_quotient(c, (sg_ext)n->attr->w[0]);
		for (uint32_t k = 0; k < n->shape->rank; k++)
			want_quotient(c, n->shape->ext[k]);
		const uint32_t m = sg_node_demands(sp, f->g, r, ext);
		for (uint32_t k = 0; k < m; k++) {
			want_quotient(c, ext[k]);
			want_sign(c, ext[k]);
		}
		want_size(c, sg_ext_mul(sp, word, sg_shape_size(sp, n->shape)));
	}
	for (size_t i = 0; i < f->nslots; i++)
		work = sg_ext_add(sp, work, sg_ext_add(sp, f->slot[i].bytes, sg_ext_int(sp, 64)));
	want_size(c, work);
}

static void
add_condition(check *c, const char *text)
{
	sg_buf_printf(&c->text, "%s%s", c->terms++ ? " || " : "", text);
}

void
sg_print_check(sg_file *file, const sg_c_entry *e)
{
	sg_ctx *ctx = file->m.ctx;
	const sg_program *p = file->m.p;
	check c = {.file = file, .e = e, .seen = sg_bytes_map_new(ctx)};

	for (size_t i = 0; i < p->ndemands; i++) {
		want_quotient(&c, p->demand[i].ext);
		want_sign(&c, p->demand[i].ext);
	}
	look_at_body(&c, e->body);
	for (size_t i = 0; i < p->ninputs; i++)
		if (e->deflt[i])
			look_at_body(&c, e->deflt[i]);
	sg_buf_init(&c.text, ctx);
	for (uint32_t d = 0; d < sg_space_ndims(p->sp); d++)
		if (e->dim[d])
			add_condition(&c, sg_text(ctx, "%s < 0", e->dim[d]));
	for (size_t i = 0; i < c.nsign; i++)
		add_condition(&c, sg_text(ctx, "!(%s >= 0)", in_double(&c, c.sign[i])));
	for (size_t i = 0; i < c.nsize; i++)
		add_condition(
		    &c, sg_text(ctx, "!(%s < (double)PTRDIFF_MAX)", magnitude(&c, c.size[i])));
	for (size_t i = 0; i < c.nwhole; i++) /* infinite or NaN, divided by 0 */
		add_condition(&c, sg_text(ctx, "!((%s) * 0 >= 0)", in_double(&c, c.whole[i])));
	sg_file_put(file, 0, "static int");
	sg_buf_printf(&file->m.body, "%s(", e->check);
	if (e->dims)
		sg_buf_printf(&file->m.body, "const ptrdiff_t *%s", e->dims);
	else
		sg_put_dims(file, &file->m.body, e, true);
	sg_buf_puts(&file->m.body, ")\n{\n");
	if (e->dims)
		sg_take_dims(file, e);
	sg_file_put(file, 1, "if (%s)", sg_buf_text(&c.text));
	sg_file_put(file, 1, "\treturn %s;", sg_use(&file->m, "SGRT_EDIM"));
	sg_file_put(file, 1, "return %s;", sg_use(&file->m, "SGRT_OK"));
	sg_buf_puts(&file->m.body, "}\n\n");
}
