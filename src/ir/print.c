/* print.c - a program as text, a node a line, for --dump and --emit=ir. */
#include "ir/space.h"

static void
print_words(const sg_program *p, sg_buf *b, const sg_node *n)
{
	const uint32_t words = sg_op_is_splat(n->op) ? 1 : n->attr->n;

	for (uint32_t k = 0; k < words; k++) {
		int64_t w = n->attr->w[k];

		sg_buf_puts(b, k ? ", " : " {");
		if (sg_op_attr_is_ext(n->op) || (int)k == sg_op_attr_ext_word(n->op))
			sg_ext_print(p->sp, b, (sg_ext)w);
		else if (sg_op_attr_is_value(n->op) && sg_type_is_float((sg_type)n->type))
			sg_buf_num(b, sg_bits_double(w), n->type == SG_F32);
		else
			sg_buf_printf(b, "%lld", (long long)w);
	}
	sg_buf_puts(b, words < n->attr->n ? ", no path}" : words ? "}" : "");
}

static void
print_node(const sg_program *p, sg_buf *b, sg_ref r, const char *(*opname)(uint16_t op))
{
	const sg_node *n = sg_node_at(p->g, r);
	int line;

	sg_buf_printf(b, "  %%%lu = %s", (unsigned long)r, opname(n->op));
	for (uint32_t k = 0; k < n->nargs; k++)
		sg_buf_printf(b, "%s %%%lu", k == sg_data_args(n) ? " |" : k ? "," : "",
		              (unsigned long)n->args[k]);
	if (n->attr)
		print_words(p, b, n);
	sg_buf_printf(b, " : %s", sg_type_name((sg_type)n->type));
	sg_shape_print(p->sp, b, n->shape);
	if (p->g->name[r])
		sg_buf_printf(b, "  # %s", p->g->name[r]);
	if (p->g->span[r].src) {
		sg_span_place(p->g->span[r], &line, NULL);
		sg_buf_printf(b, "%s line %d", p->g->name[r] ? "," : "  #", line);
	}
	sg_buf_putc(b, '\n');
}

void
sg_program_print(const sg_program *p, sg_buf *b, const char *(*opname)(uint16_t op))
{
	sg_buf_printf(b, "model %s, real %s\n", p->name, sg_type_name(p->real));
	for (uint32_t d = 0; d < sg_space_ndims(p->sp); d++)
		sg_buf_printf(b, "dim %s\n", sg_space_dim(p->sp, d)->name);
	for (size_t i = 0; i < p->ninputs; i++) {
		const sg_input *in = &p->input[i];

		sg_buf_printf(b, "%s %s: %s", in->is_param ? "param" : "input", in->name,
		              sg_type_name(in->type));
		sg_shape_print(p->sp, b, in->shape);
		sg_buf_printf(b, " %%%lu", (unsigned long)in->ref);
		if (in->deflt)
			sg_buf_printf(b, " = %%%lu", (unsigned long)in->deflt);
		sg_buf_putc(b, '\n');
	}
	for (size_t i = 0; i < p->ndemands; i++) {
		sg_buf_puts(b, "demand ");
		sg_ext_print(p->sp, b, p->demand[i].ext);
		sg_buf_puts(b, " >= 0\n");
	}
	for (sg_ref r = 1; r < p->g->n; r++)
		print_node(p, b, r, opname);
	for (size_t e = 0; e < p->nentries; e++) {
		sg_buf_printf(b, "entry %s", p->entry[e].name);
		for (size_t k = 0; k < p->entry[e].nout; k++)
			sg_buf_printf(b, "%s %s = %%%lu", k ? "," : "", p->entry[e].out[k].name,
			              (unsigned long)p->entry[e].out[k].ref);
		sg_buf_putc(b, '\n');
	}
}
