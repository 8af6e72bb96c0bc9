/* lanes_text.c - the text of loops that go by lanes (lanes.c): whole vectors of sums, what is left over by
 * fours and one by one, or in a vector that ends where the loop does. */
#include "back/nest.h"

enum { FEW = 8 }; /* turns that take less time than lanes for them. Measured */

typedef struct lanes {
	sg_nest *n;
	uint32_t d;
	const char *from, *to, *at, *lane;
	const char **name; /* by root: the array of its lanes */
} lanes;

static const char *
lane_total(const sg_fn *f, sg_op op, sg_type t)
{
	return sg_use_typed(f->m,
	                    op == SG_AMAX   ? "lanes_max"
	                    : op == SG_AMIN ? "lanes_min"
	                                    : "lanes_sum",
	                    t);
}

static void
declare_lanes(lanes *l)
{
	sg_fn *f = l->n->f;

	for (size_t i = 0; i < l->n->s->nroots; i++) {
		const sg_root *r = &l->n->s->root[i];
		const sg_node *x = sg_fn_node(f, r->ref);
		const char *type;

		if (!sg_is_float_fold(l->n, r))
			continue;
		type = sg_type_c_name((sg_type)x->type);
		l->name[i] = sg_name_fresh(&f->names, "lanes");
		if (sg_is_addition(x->op)) {
			sg_line(f, "%s %s[%d];", type, l->name[i], SG_LANES);
			sg_line(f, "%s(%s);", sg_use_typed(f->m, "lanes_clear", (sg_type)x->type),
			        l->name[i]);
			continue;
		}
		sg_line(f, "%s %s[%d];", type, l->name[i], SG_LANES);
		sg_line(f, "for (ptrdiff_t %s = 0; %s < %d; %s++)", l->lane, l->lane, SG_LANES,
		        l->lane);
		sg_line(f, "\t%s[%s] = %sINFINITY;", l->name[i], l->lane,
		        x->op == SG_AMAX ? "-" : "");
	}
}

void
sg_print_for_turn(sg_nest *n, uint32_t d, const char *at, const char *lane, bool always,
                  void (*print)(sg_nest *n, uint32_t d))
{
	sg_fn *f = n->f;
	const char *turn = f->loop[d - 1];
	sg_buf *out = f->b, text;

	sg_buf_init(&text, f->ctx);
	f->b = &text;
	print(n, d);
	f->b = out;
	if (always || sg_has_word(sg_buf_text(&text), turn))
		sg_line(f, "const ptrdiff_t %s = %s + %s;", turn, at, lane);
	sg_buf_puts(f->b, sg_buf_text(&text));
}

/* The loop over as many lanes as `count` says. */
static void
print_turns(lanes *l, const char *count)
{
	sg_nest *n = l->n;
	sg_fn *f = n->f;
	const char **into = SG_NEW_ARRAY(f->ctx, const char *, n->s->nroots);

	for (size_t i = 0; i < n->s->nroots; i++) {
		into[i] = n->s->root[i].into;
		if (l->name[i])
			n->s->root[i].into = sg_text(f->ctx, "%s[%s]", l->name[i], l->lane);
	}
	if (n->turned)
		sg_open_turned(n, l->at, count);
	if (n->vector && !n->turned)
		sg_print_vector(f);
	else
		sg_print_promise(n);
	sg_line(f, "for (ptrdiff_t %s = 0; %s < %s; %s++) {", l->lane, l->lane, count, l->lane);
	f->indent++;
	sg_print_for_turn(n, l->d + 1, l->at, l->lane, !n->turned, sg_print_level);
	sg_close(n);
	if (n->turned)
		sg_close_turned(n, l->at, count);
	for (size_t i = 0; i < n->s->nroots; i++)
		n->s->root[i].into = into[i];
}

static void
add_lanes(lanes *l)
{
	sg_fn *f = l->n->f;

	for (size_t i = 0; i < l->n->s->nroots; i++) {
		const sg_root *r = &l->n->s->root[i];
		const sg_node *x = sg_fn_node(f, r->ref);
		const sg_type t = (sg_type)x->type;

		if (!l->name[i])
			continue;
		sg_print_update(l->n, r->into, (sg_op)x->op, t,
		                (sg_c_text){sg_text(f->ctx, "%s(%s)",
		                                    lane_total(f, (sg_op)x->op, t), l->name[i]),
		                            SG_PREC_ATOM});
	}
}

/* The body stands there once, for all lanes or as many as there is something left for. */
static void
print_long(lanes *l)
{
	sg_fn *f = l->n->f;
	const char *width = sg_name_fresh(&f->names, "width");

	const int most = l->n->turned ? sg_turned_lanes(l->n) : SG_LANES;

	declare_lanes(l);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", l->at, l->from, l->at, l->to,
	        l->at, most);
	f->indent++;
	sg_line(f, "const ptrdiff_t %s = %s - %s < %d ? %s - %s : %d;", width, l->to, l->at, most,
	        l->to, l->at, most);
	print_turns(l, width);
	sg_close(l->n);
	add_lanes(l);
}

/* Nothing is left over: gcc warns of a loop that it finds to have no turns. Blocks and shares begin
 * at multiples of the lanes, tiles of rows need not. */
static bool
is_even(const lanes *l)
{
	const sg_nest *n = l->n;
	int64_t v;

	if (n->stretched)
		return sg_ext_const(n->f->sp, n->stretch, &v) && v % SG_LANES == 0;
	return sg_ext_const(n->f->sp, n->ext[l->d], &v) && v % SG_LANES == 0 && !n->within &&
	       !(n->band && n->group_of[n->s->row] == l->d);
}

static void
print_even(lanes *l)
{
	sg_fn *f = l->n->f;

	declare_lanes(l);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s += %d) {", l->at, l->from, l->at, l->to,
	        l->at, SG_LANES);
	f->indent++;
	print_turns(l, sg_text(f->ctx, "%d", SG_LANES));
	sg_close(l->n);
	add_lanes(l);
}

/* How often the loop turns; INT64_MAX: that is not known. */
static int64_t
known_turns(const lanes *l)
{
	int64_t v;

	return sg_ext_const(l->n->f->sp, l->n->ext[l->d], &v) && !l->n->within && !l->n->band &&
	               !l->n->stretched
	           ? v
	           : INT64_MAX;
}

/* Are the folds sums alone, of so little that one addition would wait for the one before? */
static bool
has_fours(const lanes *l)
{
	const sg_nest *n = l->n;

	for (size_t i = 0; i < n->s->nroots; i++)
		if (sg_is_float_fold(n, &n->s->root[i]) &&
		    !sg_is_addition(sg_fn_node(n->f, n->s->root[i].ref)->op))
			return false;
	return n->is_light;
}

/* What is left over goes by fours. */
static void
print_fours(lanes *l)
{
	sg_nest *n = l->n;
	sg_fn *f = n->f;

	for (size_t i = 0; i < n->s->nroots; i++) {
		if (!sg_is_float_fold(n, &n->s->root[i]))
			continue;
		l->name[i] = sg_name_fresh(&f->names, "four");
		sg_line(f, "%s %s[4] = {0};",
		        sg_type_c_name((sg_type)sg_fn_node(f, n->s->root[i].ref)->type), l->name[i]);
	}
	sg_line(f, "for (; %s - %s >= 4; %s += 4) {", l->to, l->at, l->at);
	f->indent++;
	print_turns(l, "4");
	sg_close(n);
	for (size_t i = 0; i < n->s->nroots; i++)
		if (l->name[i])
			sg_line(f, "%s += (%s[0] + %s[2]) + (%s[1] + %s[3]);", n->s->root[i].into,
			        l->name[i], l->name[i], l->name[i], l->name[i]);
}

/* The turns one by one, added up as they come. */
static void
print_one_by_one(lanes *l, const char *from)
{
	sg_fn *f = l->n->f;
	const char *i = f->loop[l->d];

	sg_print_promise(l->n);
	sg_line(f, "for (ptrdiff_t %s = %s; %s < %s; %s++) {", i, from, i, l->to, i);
	f->indent++;
	sg_print_level(l->n, l->d + 1);
	sg_close(l->n);
}

static void
print_full_and_rest(lanes *l)
{
	sg_fn *f = l->n->f;
	const int64_t turns = known_turns(l);
	const bool fours = has_fours(l);

	sg_line(f, "ptrdiff_t %s = %s;", l->at, l->from);
	if (turns >= SG_LANES) {
		sg_line(f, "if (%s - %s >= %d) {", l->to, l->at, SG_LANES);
		f->indent++;
		declare_lanes(l);
		sg_line(f, "for (; %s - %s >= %d; %s += %d) {", l->to, l->at, SG_LANES, l->at, SG_LANES);
		f->indent++;
		print_turns(l, sg_text(f->ctx, "%d", SG_LANES));
		sg_close(l->n);
		add_lanes(l);
		sg_close(l->n);
	}
	if (fours)
		print_fours(l);
	if (fours && turns < INT64_MAX && turns % 4 == 0)
		return;
	print_one_by_one(l, l->at);
}

/* Are there turns for a vector at least, in all that the loop is printed for? */
static bool
fills_vectors(const lanes *l)
{
	const sg_nest *n = l->n;
	int64_t v;

	return sg_ext_const(n->f->sp, n->ext[l->d], &v) && v <= sg_block_of(n) && !n->begin &&
	       !(n->band && n->group_of[n->s->row] == l->d);
}

/* What is left over, in a vector that ends where the loop does. */
static void
print_last_vector(lanes *l)
{
	sg_nest *n = l->n;
	sg_fn *f = n->f;
	const char *first = l->at, *size = sg_text(f->ctx, "%d", n->vector);

	l->at = sg_name_fresh(&f->names, "at");
	sg_line(f, "/* what is left over, and some turns once more */");
	sg_line(f, "if (%s < %s) {", first, l->to);
	f->indent++;
	if (fills_vectors(l)) {
		sg_line(f, "const ptrdiff_t %s = %s - %s;", l->at, l->to, size);
	} else {
		sg_line(f, "const ptrdiff_t %s = %s > %s ? %s - %s : %s;", l->at, first, l->from,
		        l->to, size, first);
		size = sg_text(f->ctx, "%s - %s", l->to, l->at);
	}
	n->skip = sg_text(f->ctx, "%s, %s - %s", l->lane, first, l->at);
	print_turns(l, size);
	n->skip = NULL;
	sg_close(n);
}

/* May a sum be of a few terms only? To clear and to add up its lanes would take longer than they
 * do. */
static bool
may_be_few(const lanes *l)
{
	const sg_nest *n = l->n;

	return n->lanes && !n->is_long && n->ngroups == 1 && !fills_vectors(l);
}

static void
print_vectors(lanes *l)
{
	sg_nest *n = l->n;
	sg_fn *f = n->f;
	const bool few = may_be_few(l);

	if (few) {
		sg_line(f, "if (%s - %s < %d) {", l->to, l->from, FEW);
		f->indent++;
		print_one_by_one(l, l->from);
		f->indent--;
		sg_line(f, "} else {");
		f->indent++;
	}
	sg_line(f, "ptrdiff_t %s = %s;", l->at, l->from);
	declare_lanes(l);
	sg_line(f, "for (; %s - %s >= %d; %s += %d) {", l->to, l->at, n->vector, l->at, n->vector);
	f->indent++;
	print_turns(l, sg_text(f->ctx, "%d", n->vector));
	sg_close(n);
	print_last_vector(l);
	add_lanes(l);
	if (few)
		sg_close(n);
}

void
sg_print_lanes(sg_nest *n, uint32_t d, const char *from, const char *to)
{
	sg_fn *f = n->f;
	lanes l = {n,
	           d,
	           from,
	           to,
	           sg_name_fresh(&f->names, "first"),
	           sg_name_fresh(&f->names, "lane"),
	           SG_NEW_ARRAY(f->ctx, const char *, n->s->nroots)};

	n->lane = n->turned ? l.lane : n->lane;
	if (n->turned)
		print_long(&l);
	else if (n->vector)
		print_vectors(&l);
	else if (n->whole_block || (is_even(&l) && known_turns(&l) >= SG_LANES))
		print_even(&l);
	else if (n->is_long)
		print_long(&l);
	else
		print_full_and_rest(&l);
}
