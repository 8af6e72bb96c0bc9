/* sg_latex.c - an expression as LaTeX. Broadcasting and conversions are left to the reader; what
 * has no sign of its own in mathematics is written as a named operator. */
#include "back/sg_text.h"

#include <math.h>
#include <string.h>

static sg_prec put_body(sg_text_writer *w, sg_ref r);

/* ---- names and numbers ---- */

static const char *const greek[] = {
    "alpha", "beta",    "gamma",  "delta", "epsilon", "zeta",  "eta",   "theta",
    "iota",  "kappa",   "lambda", "mu",    "nu",      "xi",    "rho",   "sigma",
    "tau",   "upsilon", "phi",    "chi",   "psi",     "omega", "Gamma", "Delta",
    "Theta", "Lambda",  "Xi",     "Sigma", "Phi",     "Psi",   "Omega",
};

static void
put_word(sg_text_writer *w, const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
		if (strlen(greek[i]) == n && memcmp(greek[i], s, n) == 0) {
			sg_buf_printf(w->b, "\\%s", greek[i]);
			return;
		}
	sg_buf_puts(w->b, n > 1 ? "\\mathrm{" : "");
	sg_buf_write(w->b, s, n);
	sg_buf_puts(w->b, n > 1 ? "}" : "");
}

/* grad_w is grad with index w, x1 is x with index 1. */
static void
put_name(sg_text_writer *w, const char *s)
{
	const size_t stem = strcspn(s, "_0123456789");
	bool first = true;

	if (!stem) {
		sg_buf_puts(w->b, "\\mathrm{");
		for (; *s; s++)
			sg_buf_printf(w->b, *s == '_' ? "\\%c" : "%c", *s);
		sg_buf_putc(w->b, '}');
		return;
	}
	put_word(w, s, stem);
	for (s += stem; *s;) {
		const size_t digits = strspn(s, "0123456789"),
			     n = digits ? digits : strcspn(s, "_0123456789");

		if (*s == '_') {
			s++;
			continue;
		}
		sg_buf_puts(w->b, first ? "_{" : ",");
		if (digits)
			sg_buf_write(w->b, s, n);
		else
			put_word(w, s, n);
		first = false;
		s += n;
	}
	sg_buf_puts(w->b, first ? "" : "}");
}

static sg_prec
put_number(sg_text_writer *w, const sg_node *n)
{
	const int64_t word = n->attr->w[0];
	const bool is_float = sg_type_is_float((sg_type)n->type);
	const double v = is_float ? sg_bits_double(word) : (double)word;
	size_t at = w->b->n;
	const char *text, *e;

	if (is_float && isnan(v))
		sg_buf_puts(w->b, "\\mathrm{NaN}");
	else if (is_float && isinf(v))
		sg_buf_puts(w->b, v < 0 ? "-\\infty" : "\\infty");
	else if (n->type == SG_BOOL)
		sg_buf_puts(w->b, word ? "\\mathrm{true}" : "\\mathrm{false}");
	else
		sg_put_number(w, (sg_type)n->type, word, true);
	text = sg_text(w->ctx, "%s", w->b->s + at);
	if (strcmp(text, "pi") == 0)
		sg_insert(w, at, "\\");
	e = n->type == SG_BOOL || !isfinite(v) ? NULL : strchr(text, 'e');
	if (!e)
		return text[0] == '-' ? SG_P_UNARY : SG_P_POSTFIX;
	w->b->n = at;
	sg_buf_printf(w->b, "%.*s \\cdot 10^{%s}", (int)(e - text), text,
	              e[1] == '+' ? e + 2 : e + 1);
	return SG_P_MUL;
}

/* ---- operands ---- */

static void
parens(sg_text_writer *w, size_t at, sg_prec is, sg_prec min)
{
	if (is >= min)
		return;
	sg_insert(w, at, "\\left(");
	sg_buf_puts(w->b, "\\right)");
}

/* What a reader sees of it: no conversion, no broadcast. */
static sg_ref
bare(const sg_text_writer *w, sg_ref r)
{
	for (;;) {
		const sg_node *n = sg_node_at(w->g, r);
		int64_t map[SG_MAX_RANK];

		if (w->name[r])
			return r;
		if (n->op == SG_RESHAPE) {
			const sg_shape *s = sg_node_at(w->g, n->args[0])->shape;

			if (!sg_inserts_ones(w, s, n->shape, map) &&
			    !sg_inserts_ones(w, n->shape, s, map))
				return r;
		} else if (n->op != SG_BROADCAST && n->op != SG_CAST && n->op != SG_NONEMPTY &&
		           n->op != SG_BIND && n->op != SG_CUSTOM && n->op != SG_STOP) {
			return r;
		}
		r = n->args[0];
	}
}

static void
put(sg_text_writer *w, sg_ref r, sg_prec min)
{
	size_t at = w->b->n;

	r = bare(w, r);
	if (w->name[r])
		put_name(w, w->name[r]);
	else
		parens(w, at, put_body(w, r), min);
}

static void
put_braces(sg_text_writer *w, const char *before, sg_ref r)
{
	sg_buf_printf(w->b, "%s{", before);
	put(w, r, SG_P_ANY);
	sg_buf_putc(w->b, '}');
}

static void
put_between(sg_text_writer *w, const char *before, sg_ref r, const char *after)
{
	sg_buf_puts(w->b, before);
	put(w, r, SG_P_ANY);
	sg_buf_puts(w->b, after);
}

static sg_prec
put_args(sg_text_writer *w, const char *name, const sg_node *n)
{
	sg_buf_printf(w->b, "%s\\left(", name);
	for (uint32_t k = 0; k < n->nargs; k++)
		put_between(w, k ? ", " : "", n->args[k], "");
	sg_buf_puts(w->b, "\\right)");
	return SG_P_POSTFIX;
}

/* ---- functions ---- */

/* How a function of one operand is called; NULL: not simply by a name before its operand. */
static const char *
function_name(uint16_t op)
{
	switch ((sg_op)op) {
	case SG_LOG:
		return "\\log";
	case SG_LOG2:
		return "\\log_{2}";
	case SG_LOG10:
		return "\\log_{10}";
	case SG_SIN:
		return "\\sin";
	case SG_COS:
		return "\\cos";
	case SG_TAN:
		return "\\tan";
	case SG_ASIN:
		return "\\arcsin";
	case SG_ACOS:
		return "\\arccos";
	case SG_ATAN:
		return "\\arctan";
	case SG_SINH:
		return "\\sinh";
	case SG_COSH:
		return "\\cosh";
	case SG_TANH:
		return "\\tanh";
	case SG_ASINH:
		return "\\operatorname{arsinh}";
	case SG_ACOSH:
		return "\\operatorname{arcosh}";
	case SG_ATANH:
		return "\\operatorname{artanh}";
	case SG_SIGMOID:
		return "\\sigma";
	case SG_DIGAMMA:
		return "\\psi";
	case SG_SIGN:
		return "\\operatorname{sgn}";
	default:
		return NULL;
	}
}

static const char *
operator_name(const sg_text_writer *w, const char *name)
{
	sg_buf b;

	sg_buf_init(&b, w->ctx);
	sg_buf_puts(&b, "\\operatorname{");
	for (; *name; name++)
		sg_buf_printf(&b, *name == '_' ? "\\%c" : "%c", *name);
	sg_buf_putc(&b, '}');
	return sg_buf_text(&b);
}

/* f^{2}(x) for functions that are written by name, else base^{2}. */
static sg_prec
put_power(sg_text_writer *w, sg_ref base, sg_ref exponent)
{
	const sg_ref x = bare(w, base);
	const sg_node *n = sg_node_at(w->g, x);
	const char *f = w->name[x] ? NULL : function_name(n->op);

	if (exponent && sg_node_at(w->g, exponent)->op != SG_CONST)
		f = NULL;
	if (f && n->op != SG_LOG2 && n->op != SG_LOG10) {
		sg_buf_printf(w->b, "%s^{", f);
	} else {
		f = NULL;
		put(w, base, SG_P_POSTFIX);
		sg_buf_puts(w->b, "^{");
	}
	if (exponent)
		put(w, exponent, SG_P_ANY);
	else
		sg_buf_putc(w->b, '2');
	sg_buf_putc(w->b, '}');
	if (f)
		put_args(w, "", n);
	return SG_P_POW;
}

static sg_prec
put_unary(sg_text_writer *w, const sg_node *n)
{
	const sg_ref x = n->args[0];
	const char *f = function_name(n->op);

	if (f)
		return put_args(w, f, n);
	switch ((sg_op)n->op) {
	case SG_NEG:
		sg_buf_putc(w->b, '-');
		put(w, x, SG_P_MUL);
		return SG_P_MUL;
	case SG_NOT:
		sg_buf_puts(w->b, "\\lnot ");
		put(w, x, SG_P_NOT);
		return SG_P_NOT;
	case SG_ABS:
		put_between(w, "\\left|", x, "\\right|");
		return SG_P_POSTFIX;
	case SG_SQUARE:
		return put_power(w, x, 0);
	case SG_RECIP:
		put_braces(w, "\\frac{1}", x);
		return SG_P_MUL;
	case SG_SQRT:
		put_braces(w, "\\sqrt", x);
		return SG_P_POSTFIX;
	case SG_RSQRT:
		put_between(w, "\\frac{1}{\\sqrt{", x, "}}");
		return SG_P_MUL;
	case SG_CBRT:
		put_braces(w, "\\sqrt[3]", x);
		return SG_P_POSTFIX;
	case SG_EXP:
		put_braces(w, "e^", x);
		return SG_P_POW;
	case SG_EXP2:
		put_braces(w, "2^", x);
		return SG_P_POW;
	case SG_EXPM1:
		put_between(w, "e^{", x, "} - 1");
		return SG_P_ADD;
	case SG_LOG1P:
		sg_buf_puts(w->b, "\\log\\left(1 + ");
		put(w, x, SG_P_FLOOR);
		sg_buf_puts(w->b, "\\right)");
		return SG_P_POSTFIX;
	case SG_LOG1MEXP:
		put_between(w, "\\log\\left(1 - e^{", x, "}\\right)");
		return SG_P_POSTFIX;
	case SG_NORMAL_CDF:
		put_between(w, "\\Phi\\left(", x, "\\right)");
		return SG_P_POSTFIX;
	case SG_LGAMMA:
		put_between(w, "\\log\\left|\\Gamma\\left(", x, "\\right)\\right|");
		return SG_P_POSTFIX;
	case SG_FLOOR:
		put_between(w, "\\left\\lfloor ", x, "\\right\\rfloor");
		return SG_P_POSTFIX;
	case SG_CEIL:
		put_between(w, "\\left\\lceil ", x, "\\right\\rceil");
		return SG_P_POSTFIX;
	default:
		return put_args(w, operator_name(w, sg_op_name(n->op)), n);
	}
}

/* ---- operators ---- */

static sg_prec
put_infix(sg_text_writer *w, const sg_node *n, sg_prec left, const char *op, sg_prec right,
          sg_prec is)
{
	put(w, n->args[0], left);
	sg_buf_puts(w->b, op);
	put(w, n->args[1], right);
	return is;
}

static sg_prec
put_sum(sg_text_writer *w, const sg_node *n)
{
	const bool is_sub = n->op == SG_SUB;
	size_t mid;
	bool minus;

	put(w, n->args[0], SG_P_ADD);
	mid = w->b->n;
	put(w, n->args[1], SG_P_FLOOR);
	minus = w->b->s[mid] == '-';
	if (minus) {
		memmove(w->b->s + mid, w->b->s + mid + 1, w->b->n - mid);
		w->b->n--;
	}
	sg_insert(w, mid, minus != is_sub ? " - " : " + ");
	return SG_P_ADD;
}

static sg_prec
put_product(sg_text_writer *w, const sg_node *n)
{
	const bool turn = sg_node_at(w->g, bare(w, n->args[1]))->op == SG_CONST &&
	                  sg_node_at(w->g, bare(w, n->args[0]))->op != SG_CONST;
	size_t mid;

	put(w, n->args[turn ? 1 : 0], SG_P_MUL);
	mid = w->b->n;
	put(w, n->args[turn ? 0 : 1], SG_P_POW);
	sg_insert(w, mid, strchr("0123456789.", w->b->s[mid]) ? " \\cdot " : " ");
	return SG_P_MUL;
}

static sg_prec
put_cases(sg_text_writer *w, const sg_node *n)
{
	put_between(w, "\\begin{cases} ", n->args[1], "");
	put_between(w, " & \\text{if } ", n->args[0], " \\\\ ");
	put_between(w, "", n->args[2], " & \\text{otherwise} \\end{cases}");
	return SG_P_OR;
}

static sg_prec
put_elementwise(sg_text_writer *w, const sg_node *n)
{
	if (n->nargs == 1)
		return put_unary(w, n);
	switch ((sg_op)n->op) {
	case SG_ADD:
	case SG_SUB:
		return put_sum(w, n);
	case SG_MUL:
		return put_product(w, n);
	case SG_DIV:
		put_braces(w, "\\frac", n->args[0]);
		put_braces(w, "", n->args[1]);
		return SG_P_MUL;
	case SG_FLOORDIV:
		put_braces(w, "\\left\\lfloor \\frac", n->args[0]);
		put_braces(w, "", n->args[1]);
		sg_buf_puts(w->b, " \\right\\rfloor");
		return SG_P_POSTFIX;
	case SG_MOD:
		return put_infix(w, n, SG_P_POW, " \\bmod ", SG_P_POW, SG_P_FLOOR);
	case SG_POW:
		return put_power(w, n->args[0], n->args[1]);
	case SG_LT:
		return put_infix(w, n, SG_P_ADD, " < ", SG_P_ADD, SG_P_CMP);
	case SG_LE:
		return put_infix(w, n, SG_P_ADD, " \\le ", SG_P_ADD, SG_P_CMP);
	case SG_EQ:
		return put_infix(w, n, SG_P_ADD, " = ", SG_P_ADD, SG_P_CMP);
	case SG_NE:
		return put_infix(w, n, SG_P_ADD, " \\ne ", SG_P_ADD, SG_P_CMP);
	case SG_AND:
		return put_infix(w, n, SG_P_AND, " \\land ", SG_P_NOT, SG_P_AND);
	case SG_OR:
		return put_infix(w, n, SG_P_OR, " \\lor ", SG_P_AND, SG_P_OR);
	case SG_MAX:
		return put_args(w, "\\max", n);
	case SG_MIN:
		return put_args(w, "\\min", n);
	case SG_POLYGAMMA:
		put_between(w, "\\psi^{(", n->args[0], ")}");
		put_between(w, "\\left(", n->args[1], "\\right)");
		return SG_P_POSTFIX;
	case SG_SELECT:
		return put_cases(w, n);
	default:
		return put_args(w, operator_name(w, sg_op_name(n->op)), n);
	}
}

/* ---- structured ops ---- */

/* What .sg text says of the node beyond its operand: x[1:] has "[1:]". */
static const char *
index_text(sg_text_writer *w, const sg_node *n, sg_ref r)
{
	sg_buf own, *b = w->b;
	size_t base;

	sg_buf_init(&own, w->ctx);
	w->b = &own;
	sg_put(w, n->args[0], SG_P_POSTFIX);
	base = own.n;
	own.n = 0;
	sg_put_struct(w, r);
	w->b = b;
	return sg_text(w->ctx, "%s", own.s + base);
}

static void
put_indexed(sg_text_writer *w, sg_ref x, const char *index)
{
	put(w, x, SG_P_POSTFIX);
	sg_buf_puts(w->b, "_{");
	for (const char *s = index; *s; s++)
		if (*s == '_')
			sg_buf_puts(w->b, "\\_");
		else if (*s == '*')
			sg_buf_puts(w->b, " \\cdot ");
		else
			sg_buf_putc(w->b, *s);
	sg_buf_putc(w->b, '}');
}

/* \sum_{...} x, the axes below. */
static sg_prec
put_big_operator(sg_text_writer *w, const sg_node *n, const char *sign)
{
	const uint32_t rank = sg_node_at(w->g, n->args[0])->shape->rank;
	const uint64_t mask = (uint64_t)n->attr->w[0], all = ((uint64_t)1 << rank) - 1;
	bool any = false;

	sg_buf_puts(w->b, sign);
	for (uint32_t i = 0; i < rank && mask != all; i++)
		if (mask >> i & 1) {
			sg_buf_printf(w->b, any ? ", %u" : "_{\\mathrm{axis}\\,%u", i);
			any = true;
		}
	sg_buf_puts(w->b, any ? "} " : " ");
	put(w, n->args[0], SG_P_MUL);
	return SG_P_MATMUL;
}

static sg_prec
put_einsum(sg_text_writer *w, sg_ref r)
{
	sg_ref arg[2];

	sg_buf_puts(w->b, "\\operatorname{einsum}_{");
	sg_put_einsum_labels(w, r, " \\to ", arg);
	sg_buf_puts(w->b, "}\\left(");
	put(w, arg[0], SG_P_ANY);
	sg_buf_puts(w->b, ", ");
	put(w, arg[1], SG_P_ANY);
	sg_buf_puts(w->b, "\\right)");
	return SG_P_POSTFIX;
}

static sg_prec
put_contract(sg_text_writer *w, sg_ref r)
{
	bool xt, yt;
	sg_ref x, y;

	if (!sg_contract_as_matmul(w, r, &x, &y, &xt, &yt))
		return put_einsum(w, r);
	if (sg_node_at(w->g, x)->shape->rank == 1 && sg_node_at(w->g, y)->shape->rank == 1) {
		put(w, x, SG_P_POSTFIX);
		sg_buf_puts(w->b, " \\cdot ");
		put(w, y, SG_P_POSTFIX);
		return SG_P_MATMUL;
	}
	put(w, x, SG_P_POSTFIX);
	sg_buf_puts(w->b, xt ? "^{\\top} " : " ");
	put(w, y, SG_P_POSTFIX);
	sg_buf_puts(w->b, yt ? "^{\\top}" : "");
	return SG_P_MATMUL;
}

static sg_prec
put_list(sg_text_writer *w, const sg_node *n)
{
	sg_buf_puts(w->b, "\\left[");
	for (uint32_t k = 0; k < n->nargs; k++)
		put_between(w, k ? ", " : "", n->args[k], "");
	sg_buf_puts(w->b, "\\right]");
	return SG_P_POSTFIX;
}

static sg_prec
put_extent(sg_text_writer *w, sg_ext e)
{
	size_t at = w->b->n;
	sg_prec is = sg_put_extent(w, e);
	const char *s = sg_text(w->ctx, "%s", w->b->s + at);

	w->b->n = at;
	while (*s) {
		const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
		                           "0123456789");

		if (n && !strchr("0123456789", *s)) {
			put_name(w, sg_text(w->ctx, "%.*s", (int)n, s));
			s += n;
		} else {
			sg_buf_puts(w->b, *s == '*' ? " \\cdot " : (char[]){*s, 0});
			s++;
		}
	}
	return is;
}

/* A^{-1} b, with the triangle of A that counts. */
static sg_prec
put_solution(sg_text_writer *w, const sg_node *n)
{
	const bool triangular = n->op == SG_TRISOLVE;
	const uint32_t last = n->nargs - 1;

	if (triangular)
		put_between(w, n->attr->w[0] ? "\\operatorname{tril}\\left(" : "\\operatorname{triu}\\left(",
		            n->args[0], "\\right)");
	else
		put(w, n->args[0], SG_P_POSTFIX);
	sg_buf_puts(w->b, n->attr->w[triangular] ? "^{-\\top}" : "^{-1}");
	if (!sg_is_written(w, n, last))
		return SG_P_POW;
	sg_buf_putc(w->b, ' ');
	put(w, n->args[last], SG_P_POSTFIX);
	return SG_P_MATMUL;
}

static sg_prec
put_structured(sg_text_writer *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);

	switch ((sg_op)n->op) {
	case SG_INPUT:
		put_name(w, w->p->input[n->attr->w[0]].name);
		return SG_P_POSTFIX;
	case SG_CONST:
		return put_number(w, n);
	case SG_DATA:
		sg_put_struct(w, r);
		return SG_P_POSTFIX;
	case SG_DIM:
		return put_extent(w, (sg_ext)n->attr->w[0]);
	case SG_IOTA:
		sg_buf_puts(w->b, "\\left(0, 1, \\ldots, ");
		put_extent(w, sg_ext_sub(w->sp, n->shape->ext[0], sg_ext_int(w->sp, 1)));
		sg_buf_puts(w->b, "\\right)");
		return SG_P_POSTFIX;
	case SG_TRANSPOSE:
		put(w, n->args[0], SG_P_POSTFIX);
		sg_buf_puts(w->b, "^{\\top}");
		return SG_P_POW;
	case SG_SLICE:
		put_indexed(w, n->args[0], index_text(w, n, r));
		return SG_P_POSTFIX;
	case SG_GATHER:
		put(w, n->args[0], SG_P_POSTFIX);
		put_braces(w, "_", n->args[1]);
		return SG_P_POSTFIX;
	case SG_CONCAT:
		return put_list(w, n);
	case SG_SUM:
		return put_big_operator(w, n, "\\sum");
	case SG_PROD:
		return put_big_operator(w, n, "\\prod");
	case SG_AMAX:
		return put_big_operator(w, n, "\\max");
	case SG_AMIN:
		return put_big_operator(w, n, "\\min");
	case SG_ANY:
		return put_big_operator(w, n, "\\bigvee");
	case SG_ALL:
		return put_big_operator(w, n, "\\bigwedge");
	case SG_CONTRACT:
		return put_contract(w, r);
	case SG_NORM:
		put_between(w, "\\left\\|", n->args[0], "\\right\\|");
		return SG_P_POSTFIX;
	case SG_LUSOLVE:
	case SG_TRISOLVE:
		return put_solution(w, n);
	case SG_DET:
		put_between(w, "\\det\\left(", n->args[0], "\\right)");
		return SG_P_POSTFIX;
	case SG_LOGDET:
		put_between(w, "\\log\\det\\left(", n->args[0], "\\right)");
		return SG_P_POSTFIX;
	case SG_LOGSUMEXP:
		sg_buf_puts(w->b, "\\log \\sum ");
		put_braces(w, "e^", n->args[0]);
		return SG_P_MATMUL;
	default:
		return put_args(w, operator_name(w, sg_op_name(n->op)), n);
	}
}

static sg_prec
put_body(sg_text_writer *w, sg_ref r)
{
	const sg_node *n = sg_node_at(w->g, r);

	return sg_is_ew(n->op) ? put_elementwise(w, n) : put_structured(w, r);
}

/* ---- lines ---- */

static void put_lines(sg_text_writer *w, size_t nroots, const sg_ref *roots);

static void
put_refs(sg_text_writer *w, size_t n, const sg_ref *r)
{
	sg_buf_puts(w->b, n > 1 ? "\\left(" : "");
	for (size_t k = 0; k < n; k++)
		put_between(w, k ? ", " : "", r[k], "");
	sg_buf_puts(w->b, n > 1 ? "\\right)" : "");
}

static void
put_names(sg_text_writer *w, size_t n, const char *const *name)
{
	sg_buf_puts(w->b, n > 1 ? "\\left(" : "");
	for (size_t k = 0; k < n; k++) {
		sg_buf_puts(w->b, k ? ", " : "");
		put_name(w, name[k]);
	}
	sg_buf_puts(w->b, n > 1 ? "\\right)" : "");
}

static void
put_results(sg_text_writer *w, const sg_loop_text *t)
{
	const char **name = SG_NEW_ARRAY(w->ctx, const char *, t->nresults);
	size_t n = 0;

	for (uint32_t k = 0; k < t->nresults; k++)
		if (t->pick[k] || k < t->l.nc)
			name[n++] = t->pick[k] ? w->name[t->pick[k]] : "_";
	put_names(w, n, name);
}

/* What a step needs first; then (results) = scan(params -> next, stacked; start; over what). */
static void
put_loop(sg_text_writer *w, sg_ref r)
{
	const sg_loop_text *t = w->loop[r];
	const sg_loop *l = &t->l;
	const char **param;
	sg_text_writer step, cond;

	sg_open_loop(w, r, &param, &step, &cond);
	if (t->cond)
		put_lines(&cond, 1, t->cond->root);
	put_lines(&step, t->nroots, t->step->root);
	put_results(w, t);
	sg_buf_printf(w->b, " = %s%s\\left(", operator_name(w, sg_op_name((uint16_t)l->op)),
	              l->reverse ? "^{\\leftarrow}" : "");
	if (t->cond) {
		put_names(w, l->nc, param);
		put_between(&cond, " \\mapsto ", t->cond->root[0], ";\\ ");
	}
	put_names(w, l->nc + l->nx, param);
	sg_buf_puts(w->b, " \\mapsto ");
	put_refs(&step, t->nroots, t->step->root);
	sg_buf_puts(w->b, ";\\ ");
	put_refs(w, l->nc, l->init);
	sg_buf_puts(w->b, l->nx ? ";\\ " : "");
	put_refs(w, l->nx, l->xs);
	sg_buf_puts(w->b, "\\right) \\\\\n");
}

static void
put_lines(sg_text_writer *w, size_t nroots, const sg_ref *roots)
{
	const bool *live = sg_text_live(w, nroots, roots);

	for (sg_ref k = 1; k < w->g->n; k++) {
		const uint16_t op = sg_node_at(w->g, k)->op;

		if (live[k] && w->loop[k]) {
			put_loop(w, k);
		} else if (live[k] && w->name[k] && op != SG_INPUT && op != SG_PICK) {
			put_name(w, w->name[k]);
			sg_buf_puts(w->b, " = ");
			put_body(w, k);
			sg_buf_puts(w->b, " \\\\\n");
		}
	}
}

void
sg_expr_latex(sg_ctx *ctx, const sg_program *p, sg_ref r, sg_buf *out)
{
	const sg_plan_options o = {.small = 12, .largest = 150};
	const char *line = sg_take_line(out);
	sg_text_writer w;

	sg_text_writer_init(&w, ctx, p, out);
	sg_plan(&w, 1, &r, &o);
	if (sg_node_at(p->g, r)->op != SG_PICK)
		w.name[r] = NULL;
	put_lines(&w, 1, &r);
	sg_buf_puts(out, line);
	put(&w, r, SG_P_ANY);
}
