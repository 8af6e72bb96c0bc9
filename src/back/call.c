/* call.c - the C text of calls into the runtime, of clearing, and of comments; the lines
 * themselves. */
#include "back/emit.h"

#include <string.h>

enum { WIDTH = 98, TAB = 8, QUOTE = 84 };
enum { LOOKED_AT = 8 * QUOTE }; /* characters of a line, which may be as long as the model */
/* Multiplications of a product that goes in line: a call would take longer. */
enum { FEW = 512 };

/* ---- lines ---- */

/* Where to break s so that at most `room` characters stay: at a blank behind an operator or a
 * comma, in as few parentheses as can be without breaking very early; 0: nowhere. */
static size_t
break_at(const char *s, size_t room)
{
	size_t best = 0;
	int depth = 0, best_depth = 0;

	for (size_t i = 1; s[i]; i++) {
		depth += (s[i] == '(' || s[i] == '[') - (s[i] == ')' || s[i] == ']');
		if (s[i] != ' ' || !strchr(",+-*/<>=&|?:;", s[i - 1]))
			continue;
		if (i > room && best)
			break;
		if (best && depth > best_depth && best > room / 2)
			continue;
		best = i;
		best_depth = depth;
		if (i > room)
			break;
	}
	return best;
}

static void
put_indent(sg_fn *f, int more)
{
	for (int i = 0; i < f->indent; i++)
		sg_buf_putc(f->b, '\t');
	for (int i = 0; i < more; i++)
		sg_buf_putc(f->b, ' ');
}

/* s [n], broken where it is too long. */
static void
put_lines(sg_fn *f, const char *s, size_t n)
{
	for (int more = 0;; more = 4) {
		const int used = f->indent * TAB + more;
		const size_t room = used < WIDTH - 40 ? (size_t)(WIDTH - used) : 40;
		const size_t at = n > room ? break_at(s, room) : 0;

		put_indent(f, more);
		sg_buf_write(f->b, s, at ? at : n);
		sg_buf_putc(f->b, '\n');
		if (!at)
			break;
		s += at + 1;
		n -= at + 1;
	}
}

void
sg_line(sg_fn *f, const char *fmt, ...)
{
	sg_buf b;
	va_list ap;

	va_start(ap, fmt);
	if (f->m->o->jit) { /* nobody reads it */
		sg_buf_vprintf(f->b, fmt, ap);
		sg_buf_putc(f->b, '\n');
	} else {
		sg_buf_init(&b, f->ctx);
		sg_buf_vprintf(&b, fmt, ap);
		put_lines(f, sg_buf_text(&b), b.n);
	}
	va_end(ap);
}

/* ---- where it comes from ---- */

/* The line of the model, harmless in a comment: printable ASCII, no comment signs, no trigraphs. */
static void
put_quoted(sg_buf *b, const char *s, size_t n)
{
	char last = ' ';
	size_t count = 0;

	for (size_t i = 0; i < n && count < QUOTE; i++) {
		char c = s[i];

		if (c == '\t' || c == '\r')
			c = ' ';
		if (c == ' ' && last == ' ')
			continue;
		if (((unsigned char)c & 0xC0) == 0x80)
			continue; /* the rest of a character that became '?' */
		if (c < ' ' || c > '~' || c == '\\')
			c = '?';
		if ((last == '*' && c == '/') || (last == '/' && c == '*') ||
		    (last == '?' && c == '?')) {
			sg_buf_putc(b, ' ');
			count++;
		}
		sg_buf_putc(b, c);
		last = c;
		if (++count == QUOTE)
			sg_buf_puts(b, "...");
	}
}

/* The length of the line without a comment and blanks at its end. */
static size_t
code_length(const char *s, size_t n)
{
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		quoted = quoted != (s[i] == '"');
		if (s[i] == '#' && !quoted)
			n = i;
	}
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		n--;
	return n;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

typedef struct origin {
	sg_span at;
	int line;
} origin;

static void
print_one_origin(sg_fn *f, sg_span at, int line)
{
	const sg_source *src = at.src;
	const size_t lo = sg_source_line_start(src, at.lo < src->len ? at.lo : src->len);
	const char *start = src->text + lo;
	const size_t most = src->len - lo < LOOKED_AT ? src->len - lo : LOOKED_AT;
	const char *end = memchr(start, '\n', most);
	sg_buf b;

	sg_buf_init(&b, f->ctx);
	sg_buf_puts(&b, "/* ");
	put_quoted(&b, base_name(src->name), strlen(base_name(src->name)));
	sg_buf_printf(&b, ":%d: ", line);
	put_quoted(&b, start, code_length(start, end ? (size_t)(end - start) : most));
	put_indent(f, 0);
	sg_buf_printf(f->b, "%s */\n", sg_buf_text(&b));
}

/* Up to four lines in order, each once; none where it is the line of the comment before. */
void
sg_print_origin(sg_fn *f, const sg_ref *r, size_t n)
{
	enum { MOST = 4 };
	origin o[MOST];
	size_t count = 0;

	if (f->m->o->jit)
		return;
	for (size_t i = 0; i < n && count < MOST; i++) {
		origin x = {f->g->span[r[i]], 0};
		bool old = false;
		size_t k = count;

		if (!x.at.src)
			continue;
		sg_span_place(x.at, &x.line, NULL);
		for (size_t j = 0; j < count; j++)
			old = old || o[j].line == x.line;
		if (old)
			continue;
		for (; k > 0 && o[k - 1].line > x.line; k--)
			o[k] = o[k - 1];
		o[k] = x;
		count++;
	}
	if (count == 0 || (count == 1 && o[0].line == f->line && o[0].at.src == f->src))
		return;
	if (f->b->n)
		sg_buf_putc(f->b, '\n');
	for (size_t k = 0; k < count; k++)
		print_one_origin(f, o[k].at, o[k].line);
	f->line = o[count - 1].line;
	f->src = o[count - 1].at.src;
}

/* ---- arrays ---- */

const char *
sg_array(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const sg_place *p = &f->at[r];

	if (p->stored)
		return p->out ? f->out[p->out - 1].name : p->name;
	if (n->op == SG_DATA)
		return sg_data_name(f->m, f->g, r);
	sg_need(f->ctx, n->op == SG_INPUT, "an array in memory");
	if (f->is_read)
		f->is_read[n->attr->w[0]] = true;
	if (p->unit) /* a variable of the function around */
		return sg_text(f->ctx, "&%s", p->name);
	return f->input[n->attr->w[0]];
}

const char *
sg_hint(sg_fn *f, sg_ref r, const char *otherwise)
{
	return f->g->name[r] ? f->g->name[r] : otherwise;
}

void
sg_print_fill(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const char *name = sg_array(f, r), *i = f->loop[0];
	const sg_ext size = sg_held_size(f, r);
	const char *count = sg_ext_c(f, size), *bare = sg_ext_bare(f, size);
	const int64_t word = n->op == SG_WRITER ? -1 : 0;

	if (f->at[r].band && !sg_ext_const(f->sp, size, NULL)) {
		bare = sg_text(f->ctx, "(%s - %s) * %s", f->end, f->row,
		               sg_ext_c(f, sg_row_length(f, r)));
		count = sg_text(f->ctx, "(%s)", bare);
	}
	if (f->m->o->jit || sg_ext_const(f->sp, size, NULL)) {
		sg_line(f, "%s(%s, %d, (size_t)%s * sizeof *%s);", sg_use(f->m, "memset"), name,
		        (int)word, count, name);
		return;
	}
	/* an array of nothing may be NULL, which memset does not take */
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++)", i, i, bare, i);
	sg_line(f, "\t%s[%s] = %s;", name, i, sg_c_const(f, (sg_type)n->type, word).s);
}

/* ---- kernels ---- */

/* Pointer to the first element: the array, plus base, plus a step for each loop around, plus one
 * for the rows before the tile. */
static const char *
pointer(sg_fn *f, sg_ref r, sg_ext base, uint32_t nloops, const sg_ext *step, sg_ext row)
{
	sg_buf b;

	sg_buf_init(&b, f->ctx);
	sg_buf_puts(&b, sg_array(f, r));
	if (!sg_ext_is(f->sp, base, 0))
		sg_buf_printf(&b, " + %s", sg_ext_c(f, base));
	for (uint32_t i = 0; i < nloops; i++) {
		if (sg_ext_is(f->sp, step[i], 0))
			continue;
		sg_buf_printf(&b, " + %s", f->loop[i]);
		if (!sg_is_1(f, step[i]))
			sg_buf_printf(&b, " * %s", sg_ext_c(f, step[i]));
	}
	if (!f->at[r].band && !sg_ext_is(f->sp, row, 0))
		sg_buf_printf(&b, sg_is_1(f, row) ? " + %s" : " + %s * %s", f->row,
		              sg_ext_c(f, row));
	return sg_buf_text(&b);
}

/* The pointer, moved on by i steps; i NULL: it stays. */
static const char *
behind(sg_fn *f, const char *pointer, const char *i, sg_ext step)
{
	if (!i || sg_ext_is(f->sp, step, 0))
		return pointer;
	if (sg_is_1(f, step))
		return sg_text(f->ctx, "%s + %s", pointer, i);
	return sg_text(f->ctx, "%s + %s * %s", pointer, i, sg_ext_c(f, step));
}

/* The rows of a tile, each standing for as many as make up `all`. */
static const char *
tile_rows(sg_fn *f, const sg_step *s, sg_ext all)
{
	const sg_ext each = sg_ext_div(f->sp, all, f->band[s->band - 1].rows);
	const char *rows = sg_text(f->ctx, "%s - %s", f->end, f->row);

	return sg_is_1(f, each) ? rows : sg_text(f->ctx, "(%s) * %s", rows, sg_ext_c(f, each));
}

static void
plan_product(sg_fn *f, sg_ref r, sg_strided *a, sg_strided *b, sg_product *p)
{
	const sg_node *n = sg_fn_node(f, r);
	sg_strided x, y;

	(void)sg_strided_of(f, n->args[0], &x);
	(void)sg_strided_of(f, n->args[1], &y);
	sg_contract_plan(f, r, &x, &y, p);
	*a = p->swapped ? y : x;
	*b = p->swapped ? x : y;
}

/* Is the product of step s added to a carry? */
static bool
grows(const sg_fn *f, const sg_step *s)
{
	const uint32_t out = f->at[s->ref].out;

	return out && f->out[out - 1].adds;
}

/* Is it a sum of products that begins at 0? In a band it is where it sums over the rows. */
static bool
adds_up(const sg_fn *f, const sg_step *s, const sg_product *p)
{
	return (p->accumulate || (s->band && s->row == SG_ROLE_TERM)) && !grows(f, s);
}

/* Does the first tile of a band set what the others add to? libtcc's code does so, for the pass over memory
 * that it saves; people read less of it. Then only a band of no tile at all leaves zeros. */
static bool
begins_itself(const sg_fn *f, const sg_step *s, const sg_product *p)
{
	return f->m->o->jit && s->band && s->row == SG_ROLE_TERM && !p->accumulate && !grows(f, s) &&
	       !f->at[s->ref].band;
}

void
sg_open_call(sg_fn *f, const sg_step *s)
{
	sg_strided a, b;
	sg_product p;

	if (sg_fn_node(f, s->ref)->op != SG_CONTRACT || f->at[s->ref].band)
		return;
	plan_product(f, s->ref, &a, &b, &p);
	if (!adds_up(f, s, &p))
		return;
	sg_print_origin(f, &s->ref, 1);
	if (begins_itself(f, s, &p)) {
		sg_line(f, "if (%s <= 0)", sg_ext_bare(f, f->band[s->band - 1].rows));
		f->indent++;
	}
	sg_print_fill(f, s->ref);
	f->indent -= begins_itself(f, s, &p);
}

static void
open_loops(sg_fn *f, const sg_step *s, const sg_product *p, const sg_tile *t)
{
	for (uint32_t i = 0; i < p->nloops; i++) {
		const bool over_rows = s->band && s->row == SG_NROLES + i;

		sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++)", f->loop[i],
		        over_rows            ? f->row
		        : i == 0 && t->first ? t->first
		                             : "0",
		        f->loop[i],
		        over_rows            ? f->end
		        : i == 0 && t->first ? t->end
		                             : sg_ext_bare(f, p->ext[i]),
		        f->loop[i]);
		f->indent++;
	}
}

/* A loop over the rows counts from the first of all, an array of a tile from the tile's first. */
static const char *
row_pointer(sg_fn *f, const sg_step *s, sg_ref r, sg_ext base, const sg_product *p,
            const sg_ext *step, sg_ext row)
{
	const sg_ext zero = sg_ext_int(f->sp, 0);

	if (!s->band || s->row < SG_NROLES)
		return pointer(f, r, base, p->nloops, step, row);
	const char *at = pointer(f, r, base, p->nloops, step, zero);
	if (!f->at[r].band)
		return at;
	return sg_text(f->ctx, "%s - %s * %s", at, f->row, sg_ext_c(f, row));
}

/* How many rows, columns and terms a call takes, and where its tile begins. */
static void
open_product(sg_fn *f, const sg_step *s, const sg_product *p, sg_tile *t, const char **terms)
{
	*terms = sg_ext_bare(f, p->k);
	if (!s->band) {
		sg_open_product(f, p, t);
		return;
	}
	*t = (sg_tile){
	    .rows = sg_ext_bare(f, p->m), .columns = sg_ext_bare(f, p->n), .indent = f->indent};
	if (s->row == SG_ROLE_ROW)
		t->rows = tile_rows(f, s, p->m);
	else if (s->row == SG_ROLE_TERM)
		*terms = tile_rows(f, s, p->k);
}

/* Of written C: where the run-time extent of three is small, in which case the others make a product of
 * a few numbers, it goes in line. NULL: nowhere. */
static const char *
few_when(sg_fn *f, const sg_product *p, const sg_tile *t, const char *terms, const char **kernel)
{
	const sg_ext ext[3] = {p->m, p->n, p->k};
	const char *const count[3] = {t->rows, t->columns, terms}, *many = NULL;
	int64_t each = 1, v;

	if (f->m->o->jit)
		return NULL;
	for (int i = 0; i < 3; i++)
		if (!sg_ext_const(f->sp, ext[i], &v)) {
			if (many)
				return NULL;
			many = count[i];
			*kernel = i == 2 ? "few_outers" : "few_dots";
		} else if (each > FEW || v > FEW) {
			return NULL;
		} else {
			each *= v;
		}
	if (!many || each < 1 || each > FEW / 4)
		return NULL;
	return sg_text(f->ctx, "%s <= %lld", many, (long long)(FEW / each));
}

static void
print_product(sg_fn *f, const sg_step *s)
{
	const sg_ref r = s->ref;
	const sg_ext zero = sg_ext_int(f->sp, 0), one = sg_ext_int(f->sp, 1);
	sg_role row = {zero, zero, zero, zero};
	const char *terms, *at[3], *add, *few, *args, *kernel = NULL;
	const sg_type type = (sg_type)sg_fn_node(f, r)->type;
	sg_strided a, b;
	sg_product p;
	sg_tile t;

	plan_product(f, r, &a, &b, &p);
	if (begins_itself(f, s, &p))
		add = sg_text(f->ctx, "%s > 0", f->row);
	else
		add = adds_up(f, s, &p) || grows(f, s) ? "1" : "0";
	if (s->band)
		row = sg_product_role(&p, s->row);
	if (adds_up(f, s, &p) && (!s->band || f->at[r].band))
		sg_print_fill(f, r);
	open_product(f, s, &p, &t, &terms);
	open_loops(f, s, &p, &t);
	at[0] = behind(f, row_pointer(f, s, a.root, a.base, &p, p.a_step, row.a), t.row, p.a_row);
	at[1] =
	    behind(f, row_pointer(f, s, b.root, b.base, &p, p.b_step, row.b), t.column, p.b_col);
	at[2] = behind(f, row_pointer(f, s, r, zero, &p, p.c_step, row.c), t.row, p.c_row);
	at[2] = behind(f, at[2], t.column, one);
	few = few_when(f, &p, &t, terms, &kernel);
	args = sg_text(f->ctx, "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s", t.rows, t.columns, terms,
	               at[0], sg_ext_bare(f, p.a_row), sg_ext_bare(f, p.a_col), at[1],
	               sg_ext_bare(f, p.b_row), sg_ext_bare(f, p.b_col), at[2],
	               sg_ext_bare(f, p.c_row), add);
	if (few) {
		sg_line(f, "if (%s)", few);
		f->indent++;
		sg_line(f, "%s(%s);", sg_use_typed(f->m, kernel, type), args);
		f->indent--;
		sg_line(f, "else");
	}
	f->indent += few != NULL;
	sg_line(f, "%s(%s);", sg_use_typed(f->m, "matmul", type), args);
	f->indent -= few != NULL;
	sg_close_calls(f, &t);
}

static const char *
row_kernel(sg_op op)
{
	switch ((int)op) {
	case SG_SOFTMAX:
		return "softmax";
	case SG_LOG_SOFTMAX:
		return "log_softmax";
	case SG_LOGSUMEXP:
		return "logsumexp";
	case SG_AMAX:
		return "max_rows";
	case SG_AMIN:
		return "min_rows";
	case SG_ARGMAX:
		return "argmax_rows";
	case SG_ARGMIN:
		return "argmin_rows";
	default:
		return "norm_rows";
	}
}

/* Where a kernel writes to: an array, or the address of a variable, which is declared. */
static const char *
destination(sg_fn *f, sg_ref r)
{
	const sg_place *p = &f->at[r];
	const uint8_t out = p->out ? f->out[p->out - 1].kind : SG_O_POINTER;

	if (!p->unit)
		return sg_array(f, r);
	if (p->reads || (p->out && out == SG_O_NEW)) {
		const sg_type t = (sg_type)sg_fn_node(f, r)->type;

		if (!p->leaves)
			sg_line(f, "%s %s = %s;", sg_type_c_name(t), p->name,
			        sg_c_const(f, t, 0).s);
		return sg_text(f->ctx, "&%s", p->name);
	}
	return sg_text(f->ctx, "%s%s", out == SG_O_PLACE ? "&" : "", f->out[p->out - 1].name);
}

/* A variable that is an output too. */
static void
hand_out(sg_fn *f, sg_ref r)
{
	const sg_place *p = &f->at[r];

	if (p->unit && p->reads && p->out)
		sg_print_out(f, p->out - 1, p->name);
}

/* The array of operand k of r, which is contiguous. */
static const char *
operand(sg_fn *f, sg_ref r, uint32_t k, sg_ext row)
{
	sg_strided x;

	(void)sg_strided_of(f, sg_arg(f->g, r, k), &x);
	return pointer(f, x.root, x.base, 0, NULL, row);
}

/* Elements between rows of the operand, in a band. */
static sg_ext
rows_apart(sg_fn *f, const sg_step *s)
{
	sg_strided x;

	if (!s->band)
		return sg_ext_int(f->sp, 0);
	(void)sg_strided_of(f, sg_arg(f->g, s->ref, 0), &x);
	return x.stride[s->row];
}

/* Where the rows of r go, which is one of the step's results. */
static const char *
result(sg_fn *f, const sg_step *s, sg_ref r)
{
	return s->band ? pointer(f, r, sg_ext_int(f->sp, 0), 0, NULL, sg_row_length(f, r))
	               : destination(f, r);
}

/* Elements of a row that the kernel writes of `length`. */
static sg_ext
written_of(const sg_fn *f, sg_ref r, sg_ext length)
{
	const uint16_t op = sg_fn_node(f, r)->op;

	return op == SG_SOFTMAX || op == SG_LOG_SOFTMAX ? length : sg_ext_int(f->sp, 1);
}

/* There is no extreme of nothing. */
static void
check_row(sg_fn *f, uint16_t op, sg_ext rows, sg_ext row)
{
	const bool any = op == SG_AMAX || op == SG_AMIN || op == SG_ARGMAX || op == SG_ARGMIN;

	if (!any || sg_ext_nonneg(f->sp, sg_ext_sub(f->sp, row, sg_ext_int(f->sp, 1))))
		return;
	sg_line(f, "if (%s == 0 && %s > 0)", sg_ext_bare(f, row), sg_ext_bare(f, rows));
	sg_line(f, "\treturn %s;", sg_use(f->m, "SGRT_EEMPTY"));
}

static void
print_rows(sg_fn *f, const sg_step *s)
{
	const bool turned = s->with && sg_fn_node(f, s->ref)->op == SG_SOFTMAX;
	const sg_ref r = turned ? s->with : s->ref, with = turned ? s->ref : s->with;
	const sg_node *n = sg_fn_node(f, r);
	const sg_shape *shape = f->g->node[n->args[0]].shape;
	const sg_ext row = shape->ext[shape->rank - 1];
	const sg_ext rows = sg_fn_ext_mul(f, shape->ext, shape->rank - 1);
	const char *to = result(f, s, r), *second = with ? result(f, s, with) : NULL;
	const char *name = sg_use_typed(f->m, with ? "logsumexp_softmax" : row_kernel((sg_op)n->op),
	                                (sg_type)f->g->node[n->args[0]].type);
	sg_tile t = {.indent = f->indent};

	check_row(f, n->op, rows, row);
	if (s->band)
		t.rows = tile_rows(f, s, rows);
	else
		sg_open_rows(f, rows, row, &t);
	to = behind(f, to, t.row, written_of(f, r, row));
	if (with)
		to = sg_text(f->ctx, "%s, %s", to,
		             behind(f, second, t.row, written_of(f, with, row)));
	sg_line(f, "%s(%s, %s, %s, %s);", name, t.rows, sg_ext_bare(f, row),
	        behind(f, operand(f, r, 0, rows_apart(f, s)), t.row, row), to);
	sg_close_calls(f, &t);
	hand_out(f, r);
	if (with)
		hand_out(f, with);
}

/* ---- linear algebra ---- */

/* Its kernel; NULL: it is no linear algebra. */
static const char *
linalg_kernel(sg_op op)
{
	switch ((int)op) {
	case SG_LU:
		return "lu";
	case SG_LUSOLVE:
		return "lu_solve";
	case SG_DET:
		return "det";
	case SG_LOGDET:
		return "logdet";
	case SG_CHOLESKY:
		return "cholesky";
	case SG_CHOLBACK:
		return "cholesky_adjoint";
	case SG_TRISOLVE:
		return "solve_triangular";
	default:
		return NULL;
	}
}

/* How many matrices, their order, right sides and flags, operands, result. A kernel that fails ends
 * the call of the function: what it should have written is not there. */
static void
print_linalg(sg_fn *f, sg_ref r)
{
	const sg_node *n = sg_fn_node(f, r);
	const bool factored = sg_by_factors(n->op), fails = !factored && n->op != SG_CHOLBACK,
		   solves = n->op == SG_LUSOLVE || n->op == SG_TRISOLVE;
	const uint32_t first = factored;
	const sg_shape *s = f->g->node[n->args[first]].shape;
	const char *to = destination(f, r);
	sg_buf b;

	sg_buf_init(&b, f->ctx);
	sg_buf_printf(&b, "%s(%s, %s",
	              sg_use_typed(f->m, linalg_kernel((sg_op)n->op), (sg_type)n->type),
	              sg_ext_bare(f, sg_fn_ext_mul(f, s->ext, s->rank - 2)),
	              sg_ext_bare(f, s->ext[s->rank - 2]));
	if (solves)
		sg_buf_printf(&b, ", %s", sg_ext_bare(f, n->shape->ext[n->shape->rank - 1]));
	for (uint32_t k = 0; n->attr && k < n->attr->n; k++)
		sg_buf_printf(&b, ", %d", (int)n->attr->w[k]);
	for (uint32_t k = first; k < n->nargs; k++)
		sg_buf_printf(&b, ", %s", operand(f, r, k, sg_ext_int(f->sp, 0)));
	if (fails) {
		f->has_status = true;
		sg_line(f, "if (%s, %s, &%s) != %s)", sg_buf_text(&b), to, f->status,
		        sg_use(f->m, "SGRT_OK"));
		sg_line(f, "\treturn %s;", f->status);
	} else {
		sg_line(f, "%s, %s);", sg_buf_text(&b), to);
	}
	hand_out(f, r);
}

void
sg_print_call(sg_fn *f, sg_step *s)
{
	sg_print_origin(f, &s->ref, 1);
	if (sg_fn_node(f, s->ref)->op == SG_CONTRACT)
		print_product(f, s);
	else if (linalg_kernel((sg_op)sg_fn_node(f, s->ref)->op))
		print_linalg(f, s->ref);
	else
		print_rows(f, s);
}
