/* check_rules.c - the derivative and batching rules of every op, proved on values. */
#include "graph_test.h"

/* ---- elementwise: partials are slopes ---- */

enum { POINTS = 8 };
static const double step = 1e-5;

static bool
has_slope(uint16_t op)
{
	return sg_is_ew(op) && sg_ops[op].value && !(sg_ops[op].flags & (SG_RBOOL | SG_LOGIC));
}

/* Operands for op, in its interval: the condition of SELECT is bool, an order of POLYGAMMA is
 * whole, the bounds of CLAMP are in order. */
static void
sample(world *w, uint16_t op)
{
	const sg_op_info *info = &sg_ops[op];

	for (uint32_t k = 0; k < info->arity; k++) {
		w->value[k] = tensor_for(w, w->b.g, w->input[k]);
		for (int64_t i = 0; i < POINTS; i++)
			set(&w->value[k], i, uniform(w, info->lo, info->hi));
	}
	for (int64_t i = 0; i < POINTS; i++) {
		if (op == SG_SELECT)
			set(&w->value[0], i, (double)(i % 2));
		if (op == SG_POLYGAMMA)
			set(&w->value[0], i, (double)(1 + i % 3));
		if (op == SG_CLAMP && get(&w->value[1], i) > get(&w->value[2], i)) {
			const double v = get(&w->value[1], i);

			set(&w->value[1], i, get(&w->value[2], i));
			set(&w->value[2], i, v);
		}
	}
}

static sg_tensor
shifted(world *w, sg_ref r, uint32_t k, double by)
{
	const sg_tensor kept = w->value[k];

	w->value[k] = tensor_for(w, w->b.g, w->input[k]);
	for (int64_t i = 0; i < POINTS; i++)
		set(&w->value[k], i, get(&kept, i) + by);
	const sg_tensor v = value_of(w, r);
	w->value[k] = kept;
	return v;
}

static void
partial_is_slope(world *w, sg_ref r, uint32_t k)
{
	const uint16_t op = sg_at(&w->b, r).op;
	const sg_ref p = sg_partial(&w->b, r, k);
	const sg_tensor up = shifted(w, r, k, step), down = shifted(w, r, k, -step);
	const sg_tensor got = p ? value_of(w, p) : up;

	for (int64_t i = 0; i < POINTS; i++) {
		const double slope = (get(&up, i) - get(&down, i)) / (2 * step);
		const double partial = p ? get(&got, i) : 0;

		CLAIM(near(partial, slope, 1e-6), "d %s / d %c at %.17g: %.17g, slope %.17g",
		      sg_op_name(op), "xyz"[k], get(&w->value[k], i), partial, slope);
	}
}

static void
partials(world *w)
{
	const sg_ext points = num(w, POINTS);

	for (uint16_t op = 1; op < SG_NOPS; op++) {
		sg_ref x[3] = {0};

		if (!has_slope(op))
			continue;
		w->ninputs = 0;
		for (uint32_t k = 0; k < sg_ops[op].arity; k++)
			x[k] = input_of(w, op == SG_SELECT && k == 0 ? SG_BOOL : SG_F64,
			                sg_shape_make(w->sp, 1, &points));
		sample(w, op);
		const sg_node n = {.op = op, .type = SG_F64, .nargs = sg_ops[op].arity};
		const sg_ref r = sg_remake(&w->b, &n, x);
		for (uint32_t k = 0; k < sg_ops[op].arity; k++)
			if (!(op == SG_SELECT && k == 0) && !(op == SG_POLYGAMMA && k == 0))
				partial_is_slope(w, r, k);
	}
}
IN_WORLD(partials_are_slopes, partials)

/* ---- structured ---- */

static const int64_t sizes[][NDIMS] = {{3, 2, 4}, {1, 1, 1}, {1, 3, 2}, {2, 1, 3},
                                       {0, 2, 3}, {3, 0, 2}, {2, 3, 0}, {4, 4, 4}};
enum { NSIZES = sizeof sizes / sizeof *sizes };

static bool
has_value(const op_case *c, const int64_t *d)
{
	return !c->fails_empty || (d[0] && d[1] && d[2]);
}

/* Has operand k derivatives? Not the factors that a value is found by. */
static bool
is_differentiable(world *w, const sg_node *n, uint32_t k)
{
	return sg_type_is_float(sg_type_of(&w->b, n->args[k])) && !(k == 1 && sg_by_factors(n->op));
}

/* <u, J t> = <J' u, t>, for every size. The last inputs are the tangents and u. */
static void
check_adjoint(world *w, op_case c)
{
	const sg_node n = sg_at(&w->b, c.r);
	sg_ref t[4] = {0}, d[4] = {0}, u;
	bool want[4];

	for (uint32_t k = 0; k < n.nargs; k++) {
		want[k] = is_differentiable(w, &n, k);
		if (want[k])
			t[k] = input_of(w, sg_type_of(&w->b, n.args[k]),
			                sg_shape_of(&w->b, n.args[k]));
	}
	u = input_of(w, (sg_type)n.type, n.shape);
	const sg_ref jt = sg_jvp_of(n.op)(&w->b, c.r, t);
	sg_vjp_of(n.op)(&w->b, c.r, u, want, d);
	for (int i = 0; i < NSIZES; i++) {
		double there, back = 0;

		set_dims(w, sizes[i][0], sizes[i][1], sizes[i][2]);
		if (!has_value(&c, sizes[i]))
			continue;
		randomise(w);
		there = dot_of(w, u, jt);
		for (uint32_t k = 0; k < n.nargs; k++) {
			if (want[k])
				ck_assert_msg(sg_shape_of(&w->b, d[k]) ==
				                  sg_shape_of(&w->b, n.args[k]),
				              "%s: adjoint %d has another shape", c.name, (int)k);
			back += dot_of(w, d[k], t[k]);
		}
		CLAIM(near(there, back,
		           n.args && sg_type_of(&w->b, n.args[0]) == SG_F32 ? 1e-5 : 1e-12),
		      "%s at size %d: <u, J t> = %.17g, <J' u, t> = %.17g", c.name, i, there, back);
	}
}

static void
adjoints(world *w)
{
	op_case c;

	for (int i = 0; (c = make_case(w, i)).r; i++)
		check_adjoint(w, c);
}
IN_WORLD(vjp_is_adjoint_of_jvp, adjoints)

/* J t is the difference quotient along t. */
static void
check_tangent(world *w, op_case c)
{
	const sg_node n = sg_at(&w->b, c.r);
	const uint32_t nx = w->ninputs;
	sg_ref t[4] = {0};

	for (uint32_t k = 0; k < n.nargs; k++)
		if (sg_type_of(&w->b, n.args[k]) == SG_F64 && is_differentiable(w, &n, k))
			t[k] = input_of(w, SG_F64, sg_shape_of(&w->b, n.args[k]));
	if (w->ninputs == nx || !has_slopes(w, c.r))
		return;
	const sg_ref jt = sg_jvp_of(n.op)(&w->b, c.r, t);
	for (int i = 0; i < NSIZES; i++) {
		sg_tensor side[2];

		set_dims(w, sizes[i][0], sizes[i][1], sizes[i][2]);
		if (!has_value(&c, sizes[i]))
			continue;
		randomise(w);
		const sg_tensor got = value_of(w, jt);
		for (int s = 0; s < 2; s++) {
			sg_tensor kept[MAX_INPUTS];

			memcpy(kept, w->value, sizeof kept);
			for (uint32_t x = 0, to = nx; x < nx; x++) {
				if (w->value[x].type != SG_F64)
					continue;
				w->value[x] = tensor_for(w, w->b.g, w->input[x]);
				for (int64_t j = 0; j < w->value[x].count; j++)
					set(&w->value[x], j,
					    get(&kept[x], j) +
					        (s ? -step : step) * get(&kept[to], j));
				to++;
			}
			side[s] = value_of(w, c.r);
			memcpy(w->value, kept, sizeof kept);
		}
		for (int64_t j = 0; j < got.count; j++) {
			const double slope = (get(&side[0], j) - get(&side[1], j)) / (2 * step);

			CLAIM(near(get(&got, j), slope, 1e-6), "%s: tangent %.17g, slope %.17g",
			      c.name, get(&got, j), slope);
		}
	}
}

static void
tangents(world *w)
{
	op_case c;

	for (int i = 0; (c = make_case(w, i)).r; i++)
		check_tangent(w, c);
}
IN_WORLD(jvp_is_difference_quotient, tangents)

/* ---- batching ---- */

/* The result of the batching rule is, slice by slice, the node on the slices of the operands. */
static void
check_batch(world *w, op_case c, unsigned which)
{
	const sg_node n = sg_at(&w->b, c.r);
	const uint32_t nx = w->ninputs;
	const sg_ext size = num(w, 3);
	sg_ref arg[4];
	bool batched[4];

	for (uint32_t k = 0; k < n.nargs; k++) {
		const sg_shape *s = sg_shape_of(&w->b, n.args[k]);
		sg_ext e[SG_MAX_RANK] = {size};

		for (uint32_t i = 0; i < s->rank; i++)
			e[i + 1] = s->ext[i];
		batched[k] = which >> k & 1;
		if (k == 1 && sg_by_factors(n.op)) {
			batched[k] = batched[0];
			arg[k] = sg_lu(&w->b, arg[0]);
			continue;
		}
		arg[k] = !batched[k] ? n.args[k]
		                     : input_of(w, sg_type_of(&w->b, n.args[k]),
		                                sg_shape_make(w->sp, s->rank + 1, e));
	}
	const sg_ref r = sg_batch_of(n.op)(&w->b, &n, arg, batched, size);
	const sg_shape *s = sg_shape_of(&w->b, r);
	ck_assert(s->rank == n.shape->rank + 1 && s->ext[0] == size);
	for (int i = 0; i < NSIZES; i++) {
		set_dims(w, sizes[i][0], sizes[i][1], sizes[i][2]);
		if (!has_value(&c, sizes[i]))
			continue;
		randomise(w);
		const sg_tensor all = value_of(w, r);
		for (int64_t at = 0; at < 3; at++) {
			for (uint32_t k = 0, from = nx; k < n.nargs; k++) {
				if (!batched[k] || (k == 1 && sg_by_factors(n.op)))
					continue;
				const uint32_t x = (uint32_t)sg_at(&w->b, n.args[k]).attr->w[0];
				w->value[x].data = (char *)w->value[from++].data +
				                   (size_t)(at * w->value[x].count) *
				                       sg_type_size(w->value[x].type);
			}
			const sg_tensor one = value_of(w, c.r);
			sg_tensor slice = all;

			slice.count = one.count;
			slice.data =
			    (char *)all.data + (size_t)(at * one.count) * sg_type_size(one.type);
			same_values(c.name, &slice, &one, 1e-12);
		}
	}
}

/* Factors are batched with their matrix; an operand that is no input is not batched at all. */
static bool
is_batch(world *w, sg_ref r, unsigned which)
{
	const sg_node n = sg_at(&w->b, r);

	if (sg_by_factors(n.op))
		return !(which & 2);
	return sg_at(&w->b, n.args[0]).op == SG_INPUT;
}

static void
batches(world *w)
{
	op_case c;

	for (int i = 0; (c = make_case(w, i)).r; i++)
		for (unsigned which = 1; which < 1u << sg_at(&w->b, c.r).nargs; which++)
			if (is_batch(w, c.r, which))
				check_batch(w, make_case(w, i), which);
}
IN_WORLD(batching_is_slice_by_slice, batches)

static void
other_batches(world *w)
{
	const sg_shape *nm = SHAPE(w, w->n, w->m);
	sg_build *b = &w->b;

	for (int i = 0; i < 9; i++) {
		static const sg_op op[] = {SG_ANY, SG_ALL, SG_ARGMAX, SG_ARGMIN, SG_RAND, SG_RANDN};
		op_case c = {"any", 0, true};

		w->ninputs = 0;
		if (i < 2)
			c.r = sg_reduce(b, op[i], input_of(w, SG_BOOL, nm), 2);
		else if (i < 4)
			c.r = sg_argm(b, op[i], real_of(w, nm), 1);
		else if (i < 6)
			c.r = sg_random(b, op[i], nm, input_of(w, SG_I64, sg_shape_scalar(w->sp)));
		else if (i == 8)
			c.r = sg_last_writer(b, input_of(w, SG_I64, nm), num(w, 2));
		else if (i == 6)
			c.r = sg_stop(b, real_of(w, nm));
		else
			c.r = sg_ew2(b, SG_SUB, real_of(w, nm), real_of(w, nm));
		c.name = sg_op_name(sg_at(b, c.r).op);
		for (unsigned which = 1; which < 1u << sg_at(b, c.r).nargs; which++) {
			const uint32_t nx = w->ninputs;

			check_batch(w, c, which);
			w->ninputs = nx;
		}
	}
}
IN_WORLD(batching_is_slice_by_slice_without_derivatives_too, other_batches)

/* ---- edges ---- */

static sg_ref
grad_of(world *w, sg_ref r, sg_ref u)
{
	bool want[4] = {true, true, true, true};
	sg_ref d[4] = {0};

	sg_vjp_of(sg_at(&w->b, r).op)(&w->b, r, u, want, d);
	return d[0];
}

/* The adjoint of x [4] for x's values and adjoint 1. */
static void
edge(world *w, sg_op op, const double *x, const double *expected)
{
	const sg_ext four = num(w, 4);
	sg_ref r, xr, u;

	w->ninputs = 0;
	xr = real_of(w, SHAPE(w, four));
	r = op == SG_NORM || op == SG_LOGSUMEXP ? sg_row_op(&w->b, op, xr)
	                                        : sg_reduce(&w->b, op, xr, 1);
	u = sg_const(&w->b, SG_F64, sg_shape_scalar(w->sp), 1);
	w->value[0] = tensor_for(w, w->b.g, xr);
	memcpy(w->value[0].data, x, 4 * sizeof *x);
	const sg_tensor got = value_of(w, grad_of(w, r, u));
	for (int i = 0; i < 4; i++)
		CLAIM(near(get(&got, i), expected[i], 1e-15), "%s: element %d: %g, not %g",
		      sg_op_name((uint16_t)op), i, get(&got, i), expected[i]);
}

static void
edges(world *w)
{
	edge(w, SG_AMAX, (double[]){1, 3, 3, 2}, (double[]){0, 0.5, 0.5, 0});
	edge(w, SG_AMIN, (double[]){1, 1, 1, 2}, (double[]){1. / 3, 1. / 3, 1. / 3, 0});
	edge(w, SG_AMAX, (double[]){1, NAN, 3, 2}, (double[]){NAN, NAN, NAN, NAN});
	edge(w, SG_PROD, (double[]){2, 3, 5, 7}, (double[]){105, 70, 42, 30});
	edge(w, SG_PROD, (double[]){2, 0, 5, 7}, (double[]){0, 70, 0, 0});
	edge(w, SG_PROD, (double[]){2, 0, 0, 7}, (double[]){0, 0, 0, 0});
	edge(w, SG_NORM, (double[]){0, 0, 0, 0}, (double[]){0, 0, 0, 0});
	edge(w, SG_NORM, (double[]){3, 0, -4, 0}, (double[]){0.6, 0, -0.8, 0});
	edge(w, SG_NORM, (double[]){3e200, 0, -4e200, 0}, (double[]){0.6, 0, -0.8, 0});
	edge(w, SG_LOGSUMEXP, (double[]){-INFINITY, 0, 0, -INFINITY}, (double[]){0, 0.5, 0.5, 0});
}
IN_WORLD(edges_are_as_promised, edges)

/* What 0 is added to twice has it added once; and -0 becomes 0 wherever it did. */
static void
zeros(world *w)
{
	const sg_ref x = real_of(w, sg_shape_scalar(w->sp)), y = real_of(w, sg_shape_scalar(w->sp));
	const sg_ref zero = sg_const(&w->b, SG_F64, sg_shape_scalar(w->sp), 0);
	const sg_ref once = sg_ew2(&w->b, SG_ADD, zero, x);
	const sg_ref kept[] = {once, sg_ew2(&w->b, SG_ADD, x, zero),
	                       sg_ew2(&w->b, SG_ADD, zero, sg_ew2(&w->b, SG_ADD, x, y)),
	                       sg_ew2(&w->b, SG_ADD, zero, sg_ew2(&w->b, SG_MUL, x, y)),
	                       sg_ew2(&w->b, SG_ADD, zero, sg_ew2(&w->b, SG_SUB, x, zero))};
	const sg_ref dropped[] = {once,
	                          sg_ew2(&w->b, SG_ADD, once, y),
	                          sg_ew2(&w->b, SG_ADD, y, once),
	                          sg_ew2(&w->b, SG_SUB, once, y),
	                          sg_ew1(&w->b, SG_SQUARE, x),
	                          sg_ew1(&w->b, SG_ABS, x)};

	w->value[0] = tensor_for(w, w->b.g, x);
	w->value[1] = tensor_for(w, w->b.g, y);
	*(double *)w->value[0].data = -0.0;
	for (int sign = 0; sign < 2; sign++) {
		*(double *)w->value[1].data = sign ? -0.0 : 0.0;
		for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
			const sg_tensor got = value_of(w, kept[i]);

			CLAIM(!signbit(get(&got, 0)), "sum %zu is -0", i);
		}
		for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
			const sg_ref more = sg_ew2(&w->b, SG_ADD, dropped[i], zero);
			const sg_tensor got = value_of(w, more);

			CLAIM(more == dropped[i], "sum %zu has 0 added to it", i);
			CLAIM(!signbit(get(&got, 0)), "sum %zu without its 0 is -0", i);
		}
	}
}
IN_WORLD(a_zero_is_added_where_it_matters, zeros)

/* u*(2*x) is one product for each x, by 2*u, and the same bits; not for a u that could overflow. */
static void
doubled(world *w)
{
	const sg_shape *one = sg_shape_scalar(w->sp);
	const sg_shape *three = SHAPE(w, sg_ext_int(w->sp, 3));
	const sg_ref x = real_of(w, three), y = real_of(w, one);
	const sg_ref two = sg_const(&w->b, SG_F64, three, 2);
	const sg_ref twice = sg_ew2(&w->b, SG_MUL, two, x);
	const sg_ref count =
	    sg_ew1(&w->b, SG_RECIP, sg_cast(&w->b, sg_cast(&w->b, y, SG_I64), SG_F64));
	const sg_ref u[] = {sg_const(&w->b, SG_F64, three, 0.001),
	                    sg_broadcast(&w->b, count, three, NULL)};
	const sg_ref large[] = {sg_const(&w->b, SG_F64, three, 0x1p1023),
	                        sg_broadcast(&w->b, y, three, NULL)};

	w->value[0] = tensor_for(w, w->b.g, x);
	w->value[1] = tensor_for(w, w->b.g, y);
	for (int i = 0; i < 3; i++)
		((double *)w->value[0].data)[i] =
		    (double[]){-0.0, 0x1.921fb54442d18p-1, 0x1.8p1023}[i];
	*(double *)w->value[1].data = 7;
	for (int i = 0; i < 2; i++) {
		const double k = i ? 1.0 / 7 : 0.001;
		const sg_ref product = sg_ew2(&w->b, SG_MUL, u[i], twice);
		const sg_tensor got = value_of(w, product);

		CLAIM(product == sg_ew2(&w->b, SG_MUL, sg_ew2(&w->b, SG_MUL, two, u[i]), x),
		      "%d: two products", i);
		CLAIM(
		    memcmp((double[]){k * -0.0, k * (2 * 0x1.921fb54442d18p-1), 2 * k * 0x1.8p1023},
		           got.data, 3 * sizeof(double)) == 0,
		    "%d: other bits", i);
		CLAIM(sg_arg(w->b.g, sg_ew2(&w->b, SG_MUL, twice, large[i]), 0) == twice ||
		          sg_arg(w->b.g, sg_ew2(&w->b, SG_MUL, twice, large[i]), 1) == twice,
		      "%d: what could overflow is doubled", i);
	}
}
IN_WORLD(a_factor_of_two_joins_what_is_constant, doubled)

/* ---- comparisons with constants ---- */

enum { NCOMPARED = 4 * 2 * 2 * 4 }; /* op, side of the constant, not, constant - 1 */

static sg_ref
compared(world *w, sg_ref x, int i)
{
	static const sg_op op[] = {SG_EQ, SG_NE, SG_LT, SG_LE};
	const sg_ref c = sg_const_int(&w->b, SG_I64, sg_shape_of(&w->b, x), i / 16 - 1);
	const sg_ref is = sg_ew2(&w->b, op[i % 4], i & 4 ? c : x, i & 4 ? x : c);

	return i & 8 ? sg_ew1(&w->b, SG_NOT, is) : is;
}

static bool
is_so(int64_t x, int i)
{
	const int64_t a = i & 4 ? i / 16 - 1 : x, b = i & 4 ? x : i / 16 - 1;
	const bool is[] = {a == b, a != b, a < b, a <= b};

	return is[i % 4] != !!(i & 8);
}

/* The node r over x, of which `is` tells the values for x = lo ...: right, and a constant where they
 * are all the same. */
static void
is_right(world *w, sg_ref r, int64_t lo, int n, const bool *is, const char *what, int i, int k)
{
	const sg_ref input = w->input[0];
	int holds = 0;

	for (int at = 0; at < n; at++) {
		if (sg_type_of(&w->b, input) == SG_BOOL)
			*(uint8_t *)w->value[0].data = (uint8_t)(lo + at);
		else
			*(int64_t *)w->value[0].data = lo + at;
		const sg_tensor got = value_of(w, r);

		CLAIM((get(&got, 0) != 0) == is[at], "%s %d, %d: wrong for %d", what, i, k, (int)lo + at);
		holds += is[at];
	}
	CLAIM((holds > 0 && holds < n) || w->b.g->node[r].op == SG_CONST,
	      "%s %d, %d: is always the same", what, i, k);
}

static void
comparisons(world *w, sg_type t, int64_t lo, int n)
{
	const sg_ref x = input_of(w, t, sg_shape_scalar(w->sp)), as_int = sg_cast(&w->b, x, SG_I64);
	bool is[3][8];

	w->value[0] = tensor_for(w, w->b.g, x);
	for (int i = 0; i < NCOMPARED; i++)
		for (int k = 0; k < NCOMPARED; k++) {
			const sg_ref p = compared(w, as_int, i), q = compared(w, as_int, k);

			for (int at = 0; at < n; at++) {
				is[0][at] = is_so(lo + at, i);
				is[1][at] = is[0][at] && is_so(lo + at, k);
				is[2][at] = is[0][at] || is_so(lo + at, k);
			}
			if (k == 0)
				is_right(w, p, lo, n, is[0], "comparison", i, k);
			is_right(w, sg_ew2(&w->b, SG_AND, p, q), lo, n, is[1], "and", i, k);
			is_right(w, sg_ew2(&w->b, SG_OR, p, q), lo, n, is[2], "or", i, k);
		}
}

static void
of_integers(world *w)
{
	comparisons(w, SG_I64, -3, 8);
}
IN_WORLD(comparisons_with_constants_are_right_and_known_where_they_can_be, of_integers)

static void
of_bools(world *w)
{
	comparisons(w, SG_BOOL, 0, 2);
}
IN_WORLD(comparisons_of_bools_are_too, of_bools)

/* ---- bounds of integers ---- */

enum { NBOUNDED = 13 };

/* Integers made of x, which is a real number; known: least and largest of them, if they are to be
 * told. */
static sg_ref
bounded(world *w, sg_ref x, int i, int known[2])
{
	static const int bounds[NBOUNDED][2] = {{0, 61},  {1, 62}, {-6, 63}, {-7, 54}, {0, 61},
	                                        {0, 6},   {-3, 3}, {0, 0},   {0, 0},   {0, 4000},
	                                        {-4, 70}, {0, 61}, {0, 0}};
	sg_build *b = &w->b;
	const sg_ref low = sg_const_like(b, x, 1.25), high = sg_const_like(b, x, 61.75);
	const sg_ref within = sg_ew3(b, SG_CLAMP, x, low, high);
	const sg_ref k = sg_cast(b, sg_ew1(b, SG_FLOOR, within), SG_I64);
	const sg_ref one = sg_const_like(b, k, 1), seven = sg_const_like(b, k, 7);
	const sg_ref near = sg_ew2(b, SG_MIN, sg_ew2(b, SG_MAX, x, sg_const_like(b, x, -2.5)),
	                           sg_const_like(b, x, 2.5));
	const sg_ref is = sg_ew2(b, SG_LT, x, low), next = sg_ew2(b, SG_ADD, k, one);

	known[0] = bounds[i][0];
	known[1] = bounds[i][1];
	switch (i) {
	case 0:
		return k;
	case 1:
		return next;
	case 2:
		return sg_ew3(b, SG_SELECT, is, sg_ew2(b, SG_SUB, next, seven),
		              sg_const_like(b, k, 63));
	case 3:
		return sg_ew2(b, SG_SUB, k, seven);
	case 4:
		return sg_cast(b, within, SG_I32);
	case 5:
		return sg_ew2(b, SG_MOD, sg_cast(b, x, SG_I64), seven);
	case 6:
		return sg_cast(b, sg_ew1(b, SG_CEIL, sg_cast(b, near, SG_F32)), SG_I64);
	case 7:
		return sg_cast(b, x, SG_I64);
	case 8:
		return sg_cast(b, sg_ew2(b, SG_MIN, x, high), SG_I64);
	case 9:
		return sg_ew2(b, SG_MUL, k, next);
	case 10:
		return sg_ew3(b, SG_CLAMP, sg_cast(b, x, SG_I64), sg_const_like(b, k, -4),
		              sg_const_like(b, k, 70));
	case 11:
		return sg_cast(b, sg_ew1(b, SG_TRUNC, sg_cast(b, sg_cast(b, k, SG_F32), SG_F64)),
		               SG_I64);
	default:
		return sg_ew2(b, SG_ADD, sg_cast(b, x, SG_I64), one);
	}
}

static void
bounds_hold(world *w)
{
	static const double at[] = {NAN, -INFINITY, -1e300, -7.5, -2.5, -0.5, 0,      1.25,
	                            2.5, 3,         61.5,   62,   64.5, 1e9,  9.3e18, INFINITY};
	const sg_ref x = input_of(w, SG_F64, sg_shape_scalar(w->sp));

	w->value[0] = tensor_for(w, w->b.g, x);
	for (int i = 0; i < NBOUNDED; i++) {
		int known[2];
		const sg_ref r = bounded(w, x, i, known);

		for (int c = -9; c < 75; c++) {
			const sg_ref is = sg_ew2(&w->b, SG_LT, r, sg_const_like(&w->b, r, c));

			CLAIM(known[0] == known[1] || (c > known[0] && c <= known[1]) ||
			          w->b.g->node[is].op == SG_CONST,
			      "%d: < %d is not known", i, c);
			for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
				*(double *)w->value[0].data = at[k];
				const sg_tensor v = value_of(w, r), less = value_of(w, is);

				CLAIM((get(&v, 0) < c) == (get(&less, 0) != 0), "%d: %g < %d of %g",
				      i, get(&v, 0), c, at[k]);
			}
		}
	}
}
IN_WORLD(integers_stay_within_the_bounds_that_are_known_of_them, bounds_hold)

int
main(void)
{
	Suite *s = suite_create("rules");
	TCase *t = tcase_create("rules");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, partials_are_slopes);
	tcase_add_test(t, vjp_is_adjoint_of_jvp);
	tcase_add_test(t, jvp_is_difference_quotient);
	tcase_add_test(t, batching_is_slice_by_slice);
	tcase_add_test(t, batching_is_slice_by_slice_without_derivatives_too);
	tcase_add_test(t, edges_are_as_promised);
	tcase_add_test(t, a_zero_is_added_where_it_matters);
	tcase_add_test(t, a_factor_of_two_joins_what_is_constant);
	tcase_add_test(t, comparisons_with_constants_are_right_and_known_where_they_can_be);
	tcase_add_test(t, comparisons_of_bools_are_too);
	tcase_add_test(t, integers_stay_within_the_bounds_that_are_known_of_them);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
