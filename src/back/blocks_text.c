/* blocks_text.c - the C text of tiles: a call for each step, loops for what is scalar code. */
#include "back/blocks.h"

#include <string.h>

enum {
	MOST_PLACES = 32, /* that are told apart by looking at each */
	ALIGN = 64,
};

/* ---- buffers ---- */

/* A + 0 would be one more addition for libtcc to read and type, and tiles are most arguments. */
static const char *
tile_at(const sg_fn *root, sg_type t, int64_t offset)
{
	const char *type = sg_type_c_name(t);

	if (offset == 0)
		return sg_text(root->ctx, "(%s *)%s", type, root->tile);
	return sg_text(root->ctx, "(%s *)(%s + %lld)", type, root->tile, (long long)offset);
}

const char *
sg_block_slot_for(sg_blocks *b, sg_type t, uint32_t from, uint32_t until)
{
	const uint32_t size = (uint32_t)sg_type_size(t);
	sg_fn *root = b->f;
	size_t k = 0;

	while (root->around)
		root = root->around;
	while (k < b->nslots && (b->slot[k].size != size || b->slot[k].until >= from))
		k++;
	if (k == b->nslots) {
		SG_PUSH(b->f->ctx, b->slot, b->nslots, b->slot_cap,
		        (sg_block_slot){.size = size, .offset = b->bytes});
		b->bytes += (int64_t)size * b->tile + ALIGN;
		if (b->bytes > root->tile_bytes)
			root->tile_bytes = b->bytes;
	}
	b->slot[k].until = until;
	return tile_at(root, t, b->slot[k].offset);
}

/* ---- texts of what is there ---- */

/* Pointer to the element at the start of the tile. */
const char *
sg_block_start(const sg_blocks *b, const char *array, sg_aff at)
{
	for (size_t k = 0; k < b->nplaces; k++)
		if (b->place[k].at == at && b->place[k].name)
			return sg_text(b->f->ctx, "%s + %s", array, b->place[k].name);
	const char *form = sg_form_text(b->n, at).s;
	return strcmp(form, "0") == 0 ? array : sg_text(b->f->ctx, "%s + %s", array, form);
}

static const char *
in_array(const sg_blocks *b, const char *pointer)
{
	return sg_text(b->f->ctx, "(%s)[%s - %s]", pointer, b->i, b->from);
}

const char *
sg_block_typed(const sg_blocks *b, const char *name, sg_type t)
{
	return sg_use_typed(b->f->m, sg_text(b->f->ctx, "block_%s", name), t);
}

/* Elements that lie with a stride, or indices, side by side. */
static const char *
copy_plain(sg_blocks *b, const sg_val *v, const char *to)
{
	const char *stride = sg_ext_bare(b->f, sg_block_stride(b, v->aff));

	if (b->few)
		return sg_block_copy_rows(b, v, to);
	if (v->kind == SG_V_INDEX)
		sg_line(b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "iota", SG_I64), b->count,
		        sg_form_text(b->n, v->aff).s, stride, to);
	else
		sg_line(
		    b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "load", (sg_type)v->type),
		    b->count,
		    sg_block_start(b, sg_array(b->f, v->ref), sg_place_of(b->n, v->ref, v->aff)),
		    stride, to);
	return to;
}

/* As many as the tile has if there is something to sum up, else none. */
static const char *
count_if_any(const sg_blocks *b)
{
	const char *count = b->count;

	for (uint32_t g = b->n->nkept; g + 1 < b->n->ngroups; g++) {
		const char *from = sg_nest_from(b->n, g);
		int64_t turns;

		if (strcmp(from, "0") == 0 &&
		    !(sg_ext_const(b->f->sp, b->n->ext[g], &turns) && turns > 0))
			count = sg_text(b->f->ctx, "%s > 0 ? %s : 0", sg_nest_to(b->n, g), count);
	}
	return count;
}

void
sg_block_copy_ahead(sg_blocks *b)
{
	const char *all = b->count;

	if (b->few)
		return;
	b->count = count_if_any(b);
	for (uint32_t v = 1; v < b->nvals; v++)
		if (sg_block_is_ahead(b, v)) {
			const sg_val *x = &b->n->s->val[v];

			b->item[v].text =
			    copy_plain(b, x, sg_block_slot_for(b, (sg_type)x->type, 0, UINT32_MAX));
		}
	b->count = all;
}

/* Pointer to the elements of value v, for a step at position p. */
const char *
sg_block_array(sg_blocks *b, uint32_t v, uint32_t p)
{
	const sg_val *x = &b->n->s->val[v];
	sg_block *y = &b->item[v];
	const sg_type t = (sg_type)x->type;
	const char *to;

	if (y->text)
		return y->text;
	if (y->how == SG_B_WHOLE) {
		to = sg_block_slot_for(b, t, p, p);
		sg_line(b->f, "%s(%s, %s, %s);", sg_block_typed(b, "fill", t), b->count,
		        sg_val_text(b->n, v).s, to);
		return to;
	}
	sg_need(b->f->ctx, y->how == SG_B_PLAIN, "an array that was made before it is read");
	if (y->woven) {
		sg_print_unwoven(b, v, p);
		return y->text;
	}
	return y->text = y->in_row ? sg_block_start(b, sg_array(b->f, x->ref),
	                                            sg_place_of(b->n, x->ref, x->aff))
	                           : copy_plain(b, x, sg_block_slot_for(b, t, p, y->last));
}

/* An operand of a step. */
const char *
sg_block_operand(sg_blocks *b, uint32_t v, uint32_t p)
{
	return b->item[v].how == SG_B_WHOLE ? sg_val_text(b->n, v).s : sg_block_array(b, v, p);
}

/* ---- values by a step ---- */

const char *
sg_block_root_array(const sg_blocks *b, const sg_root *r)
{
	return r->kind == SG_R_COPY ? b->f->out[r->part].name : sg_array(b->f, r->ref);
}

sg_aff
sg_block_root_place(const sg_blocks *b, const sg_root *r)
{
	return r->kind == SG_R_COPY ? r->at : sg_place_of(b->n, r->ref, r->at);
}

/* Where the value goes: into its array, or a buffer. */
static const char *
destination(sg_blocks *b, uint32_t v)
{
	sg_block *x = &b->item[v];

	if (x->into) {
		const sg_root *r = &b->n->s->root[x->into - 1];

		return sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r));
	}
	return sg_block_slot_for(b, (sg_type)b->n->s->val[v].type, x->at + 1,
	                         x->last > x->at ? x->last : x->at);
}

static void
powers_step(sg_blocks *b, uint32_t item)
{
	const sg_val *v = &b->n->s->val[item];
	const char *x = sg_block_operand(b, v->arg[0], b->item[item].at),
		   *to = destination(b, item);
	int64_t more = 0;

	(void)sg_block_counts_powers(b, v, &more);
	b->item[item].text = to;
	sg_line(b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "powers", (sg_type)v->type),
	        b->count, x,
	        more ? sg_text(b->f->ctx, "%s + %lld", b->from, (long long)more) : b->from, to);
}

static void
elementwise_step(sg_blocks *b, uint32_t item)
{
	const sg_val *v = &b->n->s->val[item];
	const uint32_t pair = b->item[item].pair, n = pair ? 3 : v->nargs;
	uint32_t both[3];
	const uint32_t *arg = pair ? both : v->arg;
	const char *to,
	    *routine = pair ? sg_block_pair(b, v, pair, both) : sg_block_elementwise(b, v);
	sg_buf text;

	sg_buf_init(&text, b->f->ctx);
	for (uint32_t k = 0; k < n; k++)
		sg_buf_printf(&text, ", %s", sg_block_operand(b, arg[k], b->item[item].at));
	if (v->kind == SG_V_CAST && v->type == SG_BOOL)
		sg_buf_puts(&text, ", 0");
	b->item[item].text = to = destination(b, item);
	if (sg_block_fails(b, v)) {
		b->f->has_status = true;
		to = sg_text(b->f->ctx, "%s, &%s", to, b->f->status);
	}
	sg_line(b->f, "%s(%s%s, %s);", sg_use(b->f->m, routine), b->count, sg_buf_text(&text), to);
}

/* The first turn of the tile, if there is one, in which x, which grows by `step`, is `bound` or above. */
static const char *
first_turn(const sg_blocks *b, const char *bound, const char *x, int64_t step)
{
	if (step == 1)
		return sg_text(b->f->ctx, "%s - (%s)", bound, x);
	return sg_text(b->f->ctx, "(%s - (%s) + %lld) / %lld", bound, x, (long long)(step - 1),
	               (long long)step);
}

/* lo <= form < hi holds for a stretch of the tile. */
static void
print_stretch(sg_blocks *b, const sg_within *c, const char *lo, const char *hi)
{
	const char *x = sg_form_text(b->n, c->form).s, *turn;
	int64_t step = 0;

	if (sg_ext_const(b->f->sp, sg_block_stride(b, c->form), &step) && step > 0) {
		turn = first_turn(b, sg_ext_c(b->f, c->lo), x, step);
		if (c->check_lo)
			sg_line(b->f, "if (%s > %s) %s = %s;", turn, lo, lo, turn);
		turn = first_turn(b, sg_ext_c(b->f, c->hi), x, step);
		if (c->check_hi)
			sg_line(b->f, "if (%s < %s) %s = %s;", turn, hi, hi, turn);
		return;
	}
	if (c->check_lo)
		sg_line(b->f, "if (%s < %s) %s = 0;", x, sg_ext_bare(b->f, c->lo), hi);
	if (c->check_hi)
		sg_line(b->f, "if (%s >= %s) %s = 0;", x, sg_ext_bare(b->f, c->hi), hi);
}

static void
within_step(sg_blocks *b, uint32_t item)
{
	const sg_val *v = &b->n->s->val[item], *x = &b->n->s->val[v->arg[0]];
	const char *lo = sg_name_fresh(&b->f->names, "lo"), *hi = sg_name_fresh(&b->f->names, "hi"),
		   *to;

	b->item[item].text = to = destination(b, item);
	if (sg_block_is_spot(b, v)) {
		sg_print_spot(b, item, to);
		return;
	}
	if (sg_block_needs_around(b, v)) {
		sg_print_around(b, item, &(sg_summand){.v = item, .within = true}, 1, to);
		return;
	}
	const char *count = b->few ? sg_text(b->f->ctx, "%lld", (long long)b->few) : b->count;
	sg_line(b->f, "ptrdiff_t %s = 0, %s = %s;", lo, hi, count);
	for (uint32_t k = 0; k < v->nconds; k++)
		print_stretch(b, &v->cond[k], lo, hi);
	const char *from =
	    sg_block_start(b, sg_array(b->f, x->ref), sg_place_of(b->n, x->ref, x->aff));
	const char *stride = sg_ext_bare(b->f, sg_block_stride(b, x->aff));
	if (b->few)
		sg_line(b->f, "%s(%s, %s, %s, %s, %s, %s, %s, %s);",
		        sg_block_typed(b, "within_rows", (sg_type)v->type), b->rows, count, from,
		        sg_ext_bare(b->f, sg_block_row_stride(b, x->aff)), stride, lo, hi, to);
	else
		sg_line(b->f, "%s(%s, %s, %s, %s, %s, %s);",
		        sg_block_typed(b, "within", (sg_type)v->type), count, from, stride, lo, hi,
		        to);
}

static void
around_step(sg_blocks *b, uint32_t item)
{
	const sg_around *a = b->item[item].around;
	const char *to = destination(b, item);

	b->item[item].text = to;
	sg_print_around(b, item, a->summand, a->n, to);
}

/* The form with 0 for the checked index in it. */
static sg_aff
without_index(const sg_blocks *b, sg_aff a, uint32_t at, sg_ext by)
{
	const sg_ext back = sg_ext_sub(b->f->sp, sg_ext_int(b->f->sp, 0), by);

	return sg_aff_add(b->f, a, sg_aff_scale(b->f, sg_aff_var(b->f, SG_VAR_VALUE + at), back));
}

/* Indices, counted from the end where they are negative, and checked. */
static void
index_step(sg_blocks *b, uint32_t item)
{
	const sg_val *v = &b->n->s->val[item];
	const sg_type t = (sg_type)b->n->s->val[v->arg[0]].type;
	const char *x = sg_block_array(b, v->arg[0], b->item[item].at), *to = destination(b, item);

	b->item[item].text = to;
	sg_print_failure(b->n,
	                 sg_text(b->f->ctx, "%s(%s, %s, %s, %s)", sg_block_typed(b, "place", t),
	                         b->count, x, sg_ext_bare(b->f, v->ext), to),
	                 sg_use(b->f->m, "SGRT_EINDEX"));
}

/* Quotients of what grows by one number from each element to the next, or what is left. */
static void
quotient_step(sg_blocks *b, uint32_t item)
{
	const sg_val *v = &b->n->s->val[item];
	const char *to = destination(b, item);

	b->item[item].text = to;
	sg_line(b->f, "%s(%s, %s, %s, %s, %s);",
	        sg_block_typed(b, v->kind == SG_V_DIV ? "quotients" : "rests", SG_I64), b->count,
	        sg_form_text(b->n, v->aff).s, sg_ext_bare(b->f, sg_block_stride(b, v->aff)),
	        sg_ext_bare(b->f, v->ext), to);
}

static void
take_step(sg_blocks *b, uint32_t item)
{
	const sg_val *v = &b->n->s->val[item];
	uint32_t at = 0;
	sg_ext by = 0;

	if (b->item[item].turned) {
		const char *room = destination(b, item);

		b->item[item].text = sg_print_turned(b, item, room);
		return;
	}
	(void)sg_block_indirect(b, v->aff, &at, &by);
	const char *where = sg_block_array(b, at, b->item[item].at), *to = destination(b, item);
	const sg_aff from = without_index(b, sg_place_of(b->n, v->ref, v->aff), at, by);
	b->item[item].text = to;
	sg_line(b->f, "%s(%s, %s, %s, %s, %s, %s);", sg_block_typed(b, "take", (sg_type)v->type),
	        b->count, sg_block_start(b, sg_array(b->f, v->ref), from),
	        sg_ext_bare(b->f, sg_block_stride(b, v->aff)), where, sg_ext_bare(b->f, by), to);
}

static void
random_step(sg_blocks *b, uint32_t item)
{
	const sg_val *v = &b->n->s->val[item];
	const char *to = destination(b, item);

	b->item[item].text = to;
	sg_line(b->f, "%s(%s, %s, %s, %s);",
	        sg_use_typed(b->f->m, v->op == SG_RAND ? "vrand" : "vrandn", (sg_type)v->type),
	        sg_val_text(b->n, v->arg[0]).s, sg_form_text(b->n, v->aff).s, b->count, to);
}

/* ---- roots by a step ---- */

static void
add_to_row(sg_blocks *b, uint32_t item, sg_type t)
{
	const sg_root *r = sg_block_root(b, item);
	const uint32_t product = b->item[item].product, p = b->item[item].at;
	const char *to = sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r));

	if (product)
		sg_block_add_product(b, &b->n->s->val[product], p, to);
	else
		sg_line(b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "add_vv", t), b->count, to,
		        sg_block_array(b, r->val[0], p), to);
}

/* What is added at checked indices, one after the other. */
static void
put_step(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);
	const uint32_t p = b->item[item].at;
	const sg_type t = (sg_type)b->n->s->val[r->val[0]].type;
	uint32_t at = 0;
	sg_ext by = 0;

	if (sg_block_adds_row(b, r)) {
		add_to_row(b, item, t);
		return;
	}
	const char *x = sg_block_array(b, r->val[0], p);
	if (!sg_block_indirect(b, r->at, &at, &by)) {
		sg_line(b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "add_to", t), b->count, x,
		        sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r)),
		        sg_ext_bare(b->f, sg_block_stride(b, r->at)));
		return;
	}
	const char *where = sg_block_array(b, at, p);
	sg_line(b->f, "%s(%s, %s, %s, %s, %s, %s);", sg_block_typed(b, "put", t), b->count, x,
	        sg_block_start(b, sg_block_root_array(b, r),
	                       without_index(b, sg_block_root_place(b, r), at, by)),
	        sg_ext_bare(b->f, sg_block_stride(b, r->at)), where, sg_ext_bare(b->f, by));
}

/* Does it copy what lies apart in memory, for nobody else? */
static bool
is_copy(const sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);
	const sg_block *v = &b->item[r->val[0]];

	return b->item[item].in_row && !r->add && !r->negate && v->copied && v->readers == 1;
}

static void
store_step(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);
	const sg_type t = (sg_type)sg_fn_node(b->f, r->ref)->type;
	const uint32_t v = r->val[0], p = b->item[item].at;
	const bool whole = b->item[v].how == SG_B_WHOLE;
	const char *to = sg_block_start(b, sg_block_root_array(b, r), sg_block_root_place(b, r)),
		   *x;

	if (is_copy(b, item)) {
		copy_plain(b, &b->n->s->val[v], to);
		return;
	}
	x = b->item[item].in_row ? sg_block_operand(b, v, p) : sg_block_array(b, v, p);
	if (r->add)
		sg_line(b->f, "%s(%s, %s, %s, %s);",
		        sg_block_typed(b, r->negate ? "sub_vv" : "add_vv", t), b->count, to, x, to);
	else if (r->negate)
		sg_line(b->f, "%s(%s, %s, %s);", sg_block_typed(b, "neg", t), b->count, x, to);
	else if (!b->item[item].in_row && b->few)
		sg_block_store_rows(b, t, x, to, r->at);
	else if (!b->item[item].in_row)
		sg_line(b->f, "%s(%s, %s, %s, %s);", sg_block_typed(b, "store", t), b->count, x, to,
		        sg_ext_bare(b->f, sg_block_stride(b, r->at)));
	else if (whole)
		sg_line(b->f, "%s(%s, %s, %s);", sg_block_typed(b, "fill", t), b->count, x, to);
	else
		sg_line(b->f, "%s(%s, %s, (size_t)%s * sizeof(%s));", sg_use(b->f->m, "memcpy"), to,
		        x, b->count, sg_type_c_name(t));
}

static void
print_step(sg_blocks *b, uint32_t item)
{
	const sg_root *r = sg_block_root(b, item);

	if (r && b->item[item].done)
		return;
	if (r && r->kind == SG_R_FOLD && sg_adds_up(b->f, r->ref))
		put_step(b, item);
	else if (r && r->kind == SG_R_FOLD)
		sg_print_tile_fold(b, item);
	else if (b->item[item].woven)
		sg_print_woven(b, item);
	else if (r)
		store_step(b, item);
	else if (b->item[item].around)
		around_step(b, item);
	else if (b->n->s->val[item].kind == SG_V_WITHIN)
		within_step(b, item);
	else if (b->n->s->val[item].kind == SG_V_AT)
		index_step(b, item);
	else if (b->n->s->val[item].kind == SG_V_DIV || b->n->s->val[item].kind == SG_V_MOD)
		quotient_step(b, item);
	else if (b->n->s->val[item].kind == SG_V_LOAD)
		take_step(b, item);
	else if (b->n->s->val[item].kind == SG_V_RAND)
		random_step(b, item);
	else if (b->item[item].powers)
		powers_step(b, item);
	else
		elementwise_step(b, item);
}

/* ---- scalar code ---- */

/* The text of value v as an element, for a reader in scalar code. */
static void
name_element(sg_blocks *b, uint32_t item, uint32_t v)
{
	sg_val *x = &b->n->s->val[v];
	const sg_block *y = &b->item[v];

	(void)item;
	if (y->how == SG_B_PLAIN) {
		const sg_c_text t =
		    x->kind == SG_V_INDEX
			? sg_form_text(b->n, x->aff)
			: (sg_c_text){sg_element_of(b->n, x->ref, x->aff), SG_PREC_ATOM};

		x->text = t.s;
		x->prec = (int8_t)t.prec;
		x->weight = 0;
	} else if (y->text && y->how >= SG_B_STEP) {
		x->text = in_array(b, y->text);
		x->prec = SG_PREC_ATOM;
		x->weight = 0;
	}
}

static void
print_each(sg_blocks *b, uint32_t item, const char *to)
{
	sg_nest *n = b->n;

	sg_blocks_operands(b, item, name_element);
	if (item >= b->nvals) {
		sg_print_root(n, &n->s->root[item - b->nvals]);
		return;
	}
	sg_print_val(n, &n->s->val[item]);
	if (to)
		sg_line(b->f, "%s = %s;", in_array(b, to), n->s->val[item].text);
}

/* A loop for the items from position p on that stand together; the position behind them. */
static size_t
print_run(sg_blocks *b, size_t p)
{
	sg_fn *f = b->f;
	const uint32_t key = b->item[b->order[p]].key;
	const char **to = SG_NEW_ARRAY(f->ctx, const char *, b->nvals);
	size_t end = p;

	for (; end < b->norder && b->item[b->order[end]].key == key; end++) {
		const uint32_t v = b->order[end];

		if (v < b->nvals && b->item[v].array)
			to[v] = sg_block_slot_for(b, (sg_type)b->n->s->val[v].type, (uint32_t)p,
			                          b->item[v].last);
	}
	f->loop[b->group] = b->i;
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s + %s; %s++) {", b->i, b->from, b->i, b->from,
	        b->count, b->i);
	f->indent++;
	for (size_t k = p; k < end; k++)
		print_each(b, b->order[k], b->order[k] < b->nvals ? to[b->order[k]] : NULL);
	f->indent--;
	sg_line(f, "}");
	f->loop[b->group] = b->one ? NULL : b->from;
	for (size_t k = p; k < end; k++)
		if (b->order[k] < b->nvals)
			b->item[b->order[k]].text = to[b->order[k]];
	return end;
}

/* ---- the loop ---- */

static bool
is_one_tile(const sg_blocks *b)
{
	int64_t turns;

	return sg_ext_const(b->f->sp, b->n->ext[b->group], &turns) && turns > 0 &&
	       turns <= b->tile && strcmp(sg_nest_from(b->n, b->group), "0") == 0;
}

void
sg_open_tiles(sg_blocks *b)
{
	sg_fn *f = b->f;
	const char *ext = sg_nest_to(b->n, b->group);

	b->i = f->loop[b->group];
	if (b->few) {
		f->loop[b->group] = NULL;
		b->count = ext;
		if (b->n->strip != 1)
			sg_open_row_tiles(b, sg_nest_from(b->n, b->turn),
			                  sg_nest_to(b->n, b->turn));
		return;
	}
	if (is_one_tile(b)) {
		b->one = true;
		b->from = "0";
		b->count = ext;
		f->loop[b->group] = NULL;
		return;
	}
	b->from = b->n->strip ? sg_name_fresh(&f->names, "tile") : f->from;
	b->count = sg_name_fresh(&f->names, "count");
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %u) {", b->from,
	        sg_nest_from(b->n, b->group), b->from, ext, b->from, (unsigned)b->tile);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %u ? %s - %s : %u;", b->count, ext, b->from,
	        (unsigned)b->tile, ext, b->from, (unsigned)b->tile);
	f->loop[b->group] = b->from;
}

void
sg_close_tiles(sg_blocks *b)
{
	b->f->loop[b->group] = b->i;
	if (!b->few && !b->one)
		sg_close(b->n);
	else if (b->few && b->n->strip != 1)
		sg_close_row_tiles(b);
}

static void
count_place(sg_blocks *b, sg_aff at)
{
	const sg_block_place one = {.at = at, .readers = 1};

	for (size_t k = 0; k < b->nplaces; k++)
		if (b->place[k].at == at) {
			b->place[k].readers++;
			return;
		}
	if (b->f->aff[at].n > 1 && b->nplaces < MOST_PLACES)
		SG_PUSH(b->f->ctx, b->place, b->nplaces, b->place_cap, one);
}

/* A place that several steps read or write gets a name: libtcc takes each one as it stands. */
static void
name_places(sg_blocks *b)
{
	const sg_step *s = b->n->s;

	for (uint32_t v = 1; v < b->nvals; v++)
		if (b->item[v].array && b->item[v].in_row)
			count_place(b, sg_place_of(b->n, s->val[v].ref, s->val[v].aff));
	for (uint32_t k = b->nvals; k < b->nitems; k++)
		if (b->item[k].in_row && sg_block_root(b, k)->kind != SG_R_FOLD)
			count_place(b, sg_block_root_place(b, sg_block_root(b, k)));
	for (size_t k = 0; k < b->nplaces; k++) {
		sg_block_place *x = &b->place[k];

		if (x->readers < 2)
			continue;
		const char *form = sg_form_text(b->n, x->at).s;
		x->name = sg_name_fresh(&b->f->names, "place");
		sg_line(b->f, "const ptrdiff_t %s = %s;", x->name, form);
	}
}

void
sg_print_tiles(sg_blocks *b)
{
	const uint32_t cond = b->n->chosen;

	if (cond) {
		sg_line(b->f, "if (%s) {", sg_val_text(b->n, cond).s);
		b->f->indent++;
	}
	name_places(b);
	for (size_t p = 0; p < b->norder;)
		if (b->item[b->order[p]].how == SG_B_EACH)
			p = print_run(b, p);
		else
			print_step(b, b->order[p++]);
	b->nplaces = 0;
	if (cond)
		sg_close(b->n);
}
