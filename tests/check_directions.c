/* check_directions.c - what forward derivatives have in front and Jacobians behind is made behind,
 * where that costs nothing, and has the same values. */
#include "derive_test.h"

static sg_ref
turned(world *w, sg_ref x)
{
	return sg_move_axis_last(&w->b, x, 0);
}

static uint32_t
transposes(const sg_program *p)
{
	const sg_ref root = p->entry[0].out[0].ref;
	const bool *live = sg_graph_live(p->g, 1, &root);
	uint32_t n = 0;

	for (sg_ref r = 1; r < p->g->n; r++)
		n += live[r] && sg_node_at(p->g, r)->op == SG_TRANSPOSE;
	return n;
}

static void
same_for_all_dims(world *w, const answer *a, const sg_program *q)
{
	for (int64_t n = 2; n < 6; n++) {
		set_dims(w, n, 7 - n, 2);
		randomise(w);
		const sg_tensor x = output(w, a, 0), y = value_in(w, q->g, q->entry[0].out[0].ref);

		same_values("turned", &x, &y, 1e-13);
	}
}

/* Tangents of N points in `dirs` directions: turned, shifted. */
static sg_ref
tangents(world *w, sg_ext dirs)
{
	static const int64_t vi[] = {0, 1}, kij[] = {2, 1, 3}, kvj[] = {2, 0, 3};
	const sg_ext three = num(w, 3);
	const sg_ref x = real_of(w, SHAPE(w, w->n, three)),
		     m = real_of(w, SHAPE(w, dirs, three, three)),
		     shift = real_of(w, SHAPE(w, three)), scale = real_of(w, SHAPE(w, w->n));
	const sg_shape *all = SHAPE(w, dirs, w->n, three);
	sg_ref t = sg_contract(&w->b, x, vi, f1(w, SG_TANH, m), kij, 3, kvj);

	t = f2(w, SG_ADD, t, sg_broadcast(&w->b, shift, all, (int64_t[]){2}));
	t = f2(w, SG_ADD, t,
	       sg_broadcast(&w->b, sg_eye(&w->b, SG_F64, SHAPE(w, dirs, three)), all,
	                    (int64_t[]){0, 2}));
	return f2(w, SG_MUL, t, sg_broadcast(&w->b, scale, all, (int64_t[]){1}));
}

/* Corners of M triangles; half of one more, one less, with a border. */
static sg_ref
corners(world *w, sg_ref t)
{
	const sg_ext one = num(w, 1), zero = num(w, 0);
	const sg_ref at = input_of(w, SG_I64, SHAPE(w, w->m, num(w, 2)));
	const sg_ref y = sg_gather(&w->b, t, at, 1, 0);
	const sg_ref first = sg_index(&w->b, y, 2, zero), second = sg_index(&w->b, y, 2, one);
	const sg_ref both[] = {f1(w, SG_NEG, f2(w, SG_SUB, first, second)), first};

	return sg_pad_axis(&w->b, sg_concat(&w->b, 2, both, 1), 1, one, one,
	                   sg_ext_add(w->sp, sg_ext_mul(w->sp, num(w, 2), w->m), num(w, 3)));
}

static void
gathered_tangents(world *w)
{
	const sg_ref y = turned(w, corners(w, tangents(w, num(w, 6))));
	answer *a = derived(w, 1, &y);
	const sg_program *q = sg_directions_last(w->ctx, &a->p);

	ck_assert_uint_eq(transposes(&a->p), 1);
	ck_assert_ptr_ne(q, &a->p);
	sg_graph_check(q->g);
	/* of what is small: the matrices, whose tanh is stored turned, and the unit vectors */
	ck_assert_uint_eq(transposes(q), 2);
	same_for_all_dims(w, a, q);
}
IN_WORLD(directions_go_behind_what_is_gathered, gathered_tangents)

/* What another output reads stays; and so does a product of matrices that would be many of them, or
 * inputs that would be read across. */
static void
what_stays(world *w)
{
	static const int64_t kvi[] = {0, 1, 2}, ij[] = {2, 3}, kvj[] = {0, 1, 3};
	const sg_ref t = tangents(w, num(w, 6)),
		     wide =
			 sg_contract(&w->b, real_of(w, SHAPE(w, num(w, 6), w->n, num(w, 20))), kvi,
	                             real_of(w, SHAPE(w, num(w, 20), num(w, 30))), ij, 3, kvj),
		     given = real_of(w, SHAPE(w, num(w, 6), w->n, num(w, 50)));
	const sg_ref root[][2] = {{turned(w, f1(w, SG_NEG, t)), t},
	                          {turned(w, f1(w, SG_NEG, wide)), 0},
	                          {turned(w, f2(w, SG_ADD, wide, wide)), 0},
	                          {turned(w, f1(w, SG_NEG, given)), 0}};

	for (int k = 0; k < 4; k++) {
		answer *a = derived(w, root[k][1] ? 2 : 1, root[k]);

		ck_assert_ptr_eq(sg_directions_last(w->ctx, &a->p), &a->p);
	}
}
IN_WORLD(directions_stay_where_it_would_cost, what_stays)

int
main(void)
{
	Suite *s = suite_create("directions");
	TCase *t = tcase_create("directions");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, directions_go_behind_what_is_gathered);
	tcase_add_test(t, directions_stay_where_it_would_cost);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
