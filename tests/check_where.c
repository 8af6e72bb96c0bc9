/* check_where.c - the two places where a derivative is not the chain rule: where(), whose other
 * side is an absorbing zero, and the rules of the user. */
#include "derive_test.h"

/* ---- where() ---- */

static sg_ref
positive(world *w, sg_ref x)
{
	return f2(w, SG_LT, constant(w, x, 0), x);
}

/* y of x [3]: gradient, hessian's diagonal by reverse over reverse and forward over reverse. */
static void
absorbs(world *w, const char *what, sg_ref y, const double *x, const double *d1, const double *d2)
{
	const sg_ref in = w->input[0], s = sum_all(w, y), g = grad(w, s, in);
	const sg_ref one = constant(w, in, 1);

	give(w, 0, 3, x);
	is(w, what, g, 3, d1);
	is(w, what, deriv(w, SG_JVP, y, in, one), 3, d1);
	is(w, what, grad(w, sum_all(w, g), in), 3, d2);
	is(w, what, deriv(w, SG_HVP, s, in, one), 3, d2);
	is(w, what, deriv(w, SG_JVP, deriv(w, SG_JVP, y, in, one), in, one), 3, d2);
}

static void
where_elementwise(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 3))), zero = constant(w, x, 0);
	const sg_ref c = positive(w, x);
	const double at[] = {0, -1, 4};

	absorbs(w, "sqrt", where(w, c, f1(w, SG_SQRT, x), zero), at, (double[]){0, 0, 0.25},
	        (double[]){0, 0, -1. / 32});
	absorbs(w, "log", where(w, c, f1(w, SG_LOG, x), f1(w, SG_SQUARE, x)), at,
	        (double[]){0, -2, 0.25}, (double[]){2, 2, -1. / 16});
	absorbs(w, "1/x", where(w, c, f1(w, SG_RECIP, x), x), at, (double[]){1, 1, -1. / 16},
	        (double[]){0, 0, 1. / 32});
	/* the singular part twice in the side that is taken, and mixed with others */
	const sg_ref l = f1(w, SG_LOG, x), r = f1(w, SG_SQRT, x);
	absorbs(w, "log + sqrt",
	        where(w, c, f2(w, SG_ADD, f2(w, SG_MUL, l, l), f2(w, SG_MUL, r, x)), x), at,
	        (double[]){1, 1, 0.5 * log(4) + 3},
	        (double[]){0, 0, 2 * (1 - log(4)) / 16 + 0.75 / 2});
	/* nested: log(x) only where x > 0 and x < 3 */
	const sg_ref small = f2(w, SG_LT, x, constant(w, x, 3));
	absorbs(w, "nested", where(w, small, where(w, c, l, zero), r), (double[]){0, 1, 4},
	        (double[]){0, 1, 0.25}, (double[]){0, -1, -1. / 32});
	absorbs(w, "nested, other side", where(w, small, zero, where(w, c, l, zero)),
	        (double[]){0, 1, 4}, (double[]){0, 0, 0.25}, (double[]){0, 0, -1. / 16});
	/* x in each of three sides, in each order, where log(x) or sqrt(x) is not: what counts is
	 * one of them */
	const sg_ref below = f2(w, SG_LT, x, constant(w, x, -2)), sq = f1(w, SG_SQUARE, x);
	const double sides[] = {-4, -1, 4};
	absorbs(w, "three sides", where(w, c, l, where(w, below, f1(w, SG_EXP, x), sq)), sides,
	        (double[]){exp(-4), -2, 0.25}, (double[]){exp(-4), 2, -1. / 16});
	absorbs(w, "three sides, the last first",
	        where(w, below, sq, where(w, c, f2(w, SG_MUL, r, x), x)), sides,
	        (double[]){-8, 1, 3}, (double[]){2, 0, 0.375});
	absorbs(w, "four sides",
	        where(w, below, where(w, small, x, l), where(w, c, f2(w, SG_MUL, l, x), sq)), sides,
	        (double[]){1, -2, log(4) + 1}, (double[]){0, 2, 0.25});
	absorbs(w, "not a number", where(w, c, l, where(w, below, x, sq)), (double[]){NAN, -4, 4},
	        (double[]){NAN, 1, 0.25}, (double[]){2, 0, -1. / 16});
	/* a chain below the where */
	absorbs(w, "chain", where(w, c, f1(w, SG_EXP, f1(w, SG_SQRT, f1(w, SG_SQRT, x))), zero),
	        (double[]){0, 0, 16}, (double[]){0, 0, exp(2) / 32},
	        (double[]){0, 0, -exp(2) / 2048});
}
IN_WORLD(where_absorbs_to_the_second_order, where_elementwise)

static sg_ref
spread(world *w, sg_ref c, sg_ref like)
{
	return sg_broadcast(&w->b, c, sg_shape_of(&w->b, like), NULL);
}

/* A scalar where around vector computations, and a where of vectors inside of a reduction. */
static void
where_structured(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 3)));
	const sg_ref l = f1(w, SG_LOG, x), s = sum_all(w, x), zero = constant(w, s, 0);
	const sg_ref c = f2(w, SG_LT, zero, s);
	const double at[] = {0, -1, -2};

	absorbs(w, "sum", spread(w, where(w, c, sum_all(w, l), zero), x), at, (double[]){0, 0, 0},
	        (double[]){0, 0, 0});
	absorbs(w, "prod", spread(w, where(w, c, sg_reduce(&w->b, SG_PROD, l, 1), s), x), at,
	        (double[]){3, 3, 3}, (double[]){0, 0, 0});
	absorbs(w, "norm", spread(w, where(w, c, sg_row_op(&w->b, SG_NORM, l), s), x), at,
	        (double[]){3, 3, 3}, (double[]){0, 0, 0});
	absorbs(w, "softmax", where(w, spread(w, c, x), sg_row_op(&w->b, SG_SOFTMAX, l), x), at,
	        (double[]){1, 1, 1}, (double[]){0, 0, 0});
	absorbs(w, "logsumexp", spread(w, where(w, c, sg_row_op(&w->b, SG_LOGSUMEXP, l), s), x), at,
	        (double[]){3, 3, 3}, (double[]){0, 0, 0});
	absorbs(w, "cumsum", where(w, spread(w, c, x), sg_cumsum(&w->b, l), x), at,
	        (double[]){1, 1, 1}, (double[]){0, 0, 0});
	absorbs(w, "linrec", where(w, spread(w, c, x), sg_linrec(&w->b, l, l), x), at,
	        (double[]){1, 1, 1}, (double[]){0, 0, 0});
	absorbs(w, "max", spread(w, where(w, c, sg_reduce(&w->b, SG_AMAX, l, 1), s), x), at,
	        (double[]){3, 3, 3}, (double[]){0, 0, 0});
	absorbs(w, "dot", spread(w, where(w, c, sg_matmul(&w->b, l, f1(w, SG_SQRT, x)), s), x), at,
	        (double[]){3, 3, 3}, (double[]){0, 0, 0});
	absorbs(w, "broadcast below",
	        where(w, positive(w, x), spread(w, f1(w, SG_LOG, s), x), constant(w, x, 1)), at,
	        (double[]){0, 0, 0}, (double[]){0, 0, 0});
	give(w, 0, 3, (double[]){1, 2, 4});
	is(w, "taken after all", grad(w, where(w, c, sum_all(w, l), zero), x), 3,
	   (double[]){1, 0.5, 0.25});
}
IN_WORLD(where_absorbs_around_reductions_and_broadcasts, where_structured)

/* Rows that are not taken stay out of what rows share: y = sum over i of where(c[i], log(x[i]) . v,
 * 0). */
static void
where_rows(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 3))), v = real_of(w, SHAPE(w, num(w, 2)));
	const int64_t axis[] = {0};
	const sg_shape *rows = SHAPE(w, num(w, 3), num(w, 2));
	const sg_ref l = sg_broadcast(&w->b, f1(w, SG_LOG, x), rows, axis);
	const sg_ref p = sg_matmul(&w->b, f2(w, SG_ADD, l, constant(w, l, 0)), v);
	const sg_ref lv = sg_matmul(&w->b, f1(w, SG_SQUARE, l), v);
	const sg_ref y = where(w, positive(w, x), f2(w, SG_ADD, p, lv), constant(w, x, 0));

	give(w, 0, 3, (double[]){-1, 0, exp(1)});
	give(w, 1, 2, (double[]){5, 7});
	is(w, "to v", grad(w, sum_all(w, y), v), 2, (double[]){2, 2});
	is(w, "to x", grad(w, sum_all(w, y), x), 3, (double[]){0, 0, 36 / exp(1)});
	is(w, "jacobian", deriv(w, SG_JACOBIAN, y, v, 0), 6, (double[]){0, 0, 0, 0, 2, 2});
	is(w, "jacobian to x", with_mode(w, SG_JACOBIAN, SG_MODE_REVERSE, y, x), 9,
	   (double[]){0, 0, 0, 0, 0, 0, 0, 0, 36 / exp(1)});
	is(w, "jacobian to x, forward", with_mode(w, SG_JACOBIAN, SG_MODE_FORWARD, y, x), 9,
	   (double[]){0, 0, 0, 0, 0, 0, 0, 0, 36 / exp(1)});
}
IN_WORLD(where_absorbs_row_by_row, where_rows)

/* Movement: the side taken is a part of what is moved. */
static void
where_moved(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 3)));
	const sg_ref l = f1(w, SG_LOG, x), two = constant(w, x, 2);
	const sg_ref back = sg_slice_axis(&w->b, l, 0, num(w, 2), num(w, -1), num(w, 3));
	const sg_ref flipped = sg_slice_axis(&w->b, x, 0, num(w, 2), num(w, -1), num(w, 3));
	sg_ref parts[2] = {l, f1(w, SG_SQRT, x)};

	const sg_ref there = where(w, positive(w, flipped), back, two);
	const sg_ref again = sg_slice_axis(&w->b, there, 0, num(w, 2), num(w, -1), num(w, 3));
	absorbs(w, "flip", again, (double[]){0, -1, 4}, (double[]){0, 0, 0.25},
	        (double[]){0, 0, -1. / 16});
	const sg_ref both = sg_concat(&w->b, 2, parts, 0);
	const sg_ref pick = sg_slice_axis(&w->b, both, 0, num(w, 1), num(w, 1), num(w, 3));
	const int64_t take[] = {0, 1, 0}; /* log(x[2]) alone */
	const sg_ref c = sg_data(&w->b, SG_BOOL, sg_shape_of(&w->b, x), take);
	const sg_ref y = sum_all(w, where(w, c, pick, two));
	give(w, 0, 3, (double[]){0, 0, 4});
	is(w, "concat and slice", grad(w, y, x), 3, (double[]){0, 0, 0.25});
	is(w, "its second", grad(w, sum_all(w, grad(w, y, x)), x), 3, (double[]){0, 0, -1. / 16});
}
IN_WORLD(where_absorbs_through_movement, where_moved)

/* ---- rules of the user ---- */

/* s(x, p) = x p, with the rule dx = 3 dz p, dp = dz x: the 3 shows that the rule is what is used.
 */
static sg_ref
custom(world *w, sg_ref x, sg_ref p)
{
	const sg_ref dz = sg_seed(&w->b, SG_F64, sg_shape_of(&w->b, x), 7);
	const sg_ref gx = f2(w, SG_MUL, constant(w, x, 3), f2(w, SG_MUL, dz, p));
	const sg_ref args[] = {f2(w, SG_MUL, x, p), dz, x, p, gx, f2(w, SG_MUL, dz, x)};

	return sg_custom(&w->b, 2, 1, 0, args);
}

static void
customs(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 2))), p = real_of(w, SHAPE(w, num(w, 2)));
	const sg_ref one = constant(w, x, 1), z = custom(w, f1(w, SG_SQUARE, x), p);
	const sg_ref y = sum_all(w, z);

	give(w, 0, 2, (double[]){2, 5});
	give(w, 1, 2, (double[]){7, 11});
	is(w, "value", z, 2, (double[]){28, 275});
	is(w, "reverse", grad(w, y, x), 2, (double[]){84, 330});
	is(w, "to p", grad(w, y, p), 2, (double[]){4, 25});
	is(w, "forward", deriv(w, SG_JVP, z, x, one), 2, (double[]){84, 330});
	is(w, "second", grad(w, sum_all(w, grad(w, y, x)), x), 2, (double[]){42, 66});
	is(w, "hvp", deriv(w, SG_HVP, y, x, one), 2, (double[]){42, 66});
	is(w, "jvp twice", deriv(w, SG_JVP, deriv(w, SG_JVP, z, x, one), x, one), 2,
	   (double[]){42, 66});
	is(w, "jacobian", deriv(w, SG_JACOBIAN, z, x, 0), 4, (double[]){84, 0, 0, 330});
	is(w, "jacobian, forward", with_mode(w, SG_JACOBIAN, SG_MODE_FORWARD, z, x), 4,
	   (double[]){84, 0, 0, 330});
}
IN_WORLD(custom_rules_work_in_both_modes, customs)

/* A rule that applies a function with a rule to its adjoint; batched while it waits for
 * derivatives. */
static void
nested_customs(world *w)
{
	const sg_ref x = real_of(w, SHAPE(w, num(w, 2)));
	const sg_ref dz = sg_seed(&w->b, SG_F64, sg_shape_of(&w->b, x), 8);
	const sg_ref args[] = {f1(w, SG_SQUARE, x), dz, x, custom(w, dz, x)};
	const sg_ref z = sg_custom(&w->b, 1, 1, 0, args);  /* dz -> dz x, by the other's value */
	const sg_ref jac = deriv(w, SG_JACOBIAN, z, x, 0); /* diag(x) */

	give(w, 0, 2, (double[]){2, 5});
	is(w, "jacobian", jac, 4, (double[]){2, 0, 0, 5});
	is(w, "forward", with_mode(w, SG_JACOBIAN, SG_MODE_FORWARD, z, x), 4,
	   (double[]){6, 0, 0, 15});
	is(w, "its gradient", grad(w, sum_all(w, f1(w, SG_SQUARE, jac)), x), 2, (double[]){4, 10});
	is(w, "its jacobian", deriv(w, SG_JACOBIAN, jac, x, 0), 8,
	   (double[]){1, 0, 0, 0, 0, 0, 0, 1});
}
IN_WORLD(custom_rules_may_be_batched_and_nested, nested_customs)

/* Two results, each with its adjoint. */
static void
two_results(world *w)
{
	const sg_ref x = real_of(w, scalar(w)), p = real_of(w, scalar(w));
	const sg_ref du = sg_seed(&w->b, SG_F64, scalar(w), 1),
		     dv = sg_seed(&w->b, SG_F64, scalar(w), 2);
	const sg_ref gx = f2(w, SG_ADD, f2(w, SG_MUL, du, p), dv);
	sg_ref args[] = {f2(w, SG_MUL, x, p), du, dv, x, p, gx, f2(w, SG_MUL, du, x)};
	const sg_ref u = sg_custom(&w->b, 2, 2, 0, args);

	args[0] = x;
	const sg_ref v = sg_custom(&w->b, 2, 2, 1, args), y = f2(w, SG_ADD, u, f1(w, SG_SQUARE, v));
	give(w, 0, 1, (double[]){3});
	give(w, 1, 1, (double[]){5});
	is(w, "x", grad(w, y, x), 1, (double[]){11});
	is(w, "p", grad(w, y, p), 1, (double[]){3});
	is(w, "jvp", deriv(w, SG_JVP, y, x, constant(w, x, 1)), 1, (double[]){11});
	is(w, "second", grad(w, grad(w, y, x), x), 1, (double[]){2});
	is(w, "mixed", grad(w, grad(w, y, x), p), 1, (double[]){1});
}
IN_WORLD(custom_rules_may_have_several_results, two_results)

int
main(void)
{
	Suite *s = suite_create("where");
	TCase *t = tcase_create("where");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, where_absorbs_to_the_second_order);
	tcase_add_test(t, where_absorbs_around_reductions_and_broadcasts);
	tcase_add_test(t, where_absorbs_row_by_row);
	tcase_add_test(t, where_absorbs_through_movement);
	tcase_add_test(t, custom_rules_work_in_both_modes);
	tcase_add_test(t, custom_rules_may_be_batched_and_nested);
	tcase_add_test(t, custom_rules_may_have_several_results);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
