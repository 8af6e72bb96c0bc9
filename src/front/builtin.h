/* builtin.h - private to floor 3: the handlers of the built-in functions. */
#ifndef SG_FRONT_BUILTIN_H
#define SG_FRONT_BUILTIN_H

#include "front/elab.h"

builtin_fn f_ew1, f_ew1_any, f_ew2, f_clamp, f_where, f_cast, f_operator;
builtin_fn f_reduce, f_mean, f_var, f_std, f_norm, f_logsumexp, f_row, f_arg, f_cum;
builtin_fn f_shape, f_rank, f_reshape, f_flatten, f_transpose, f_concat, f_stack, f_split,
    f_broadcast_to, f_expand_dims, f_squeeze, f_flip, f_roll, f_pad, f_repeat, f_tile;
builtin_fn f_zeros, f_full, f_eye, f_linspace, f_arange, f_random, f_one_hot;
builtin_fn f_dot, f_outer, f_einsum, f_trace, f_diag, f_tri;
builtin_fn f_conv, f_max_pool, f_avg_pool, f_index_add, f_index_put, f_is_number, f_is_bool;
builtin_fn f_map, f_scan, f_while;
builtin_fn f_det, f_inv, f_solve, f_solve_triangular, f_cholesky;
builtin_fn f_stop, f_deriv;
builtin_fn f_fail, f_is_int, f_is_tensor, f_take_class, f_same_shape, f_need_float, f_last, f_whole_shape;

/* The diagonal of the last two axes, the smaller extent long; 0 after an error. */
sg_ref matrix_diagonal(elab *e, sg_ref x, sg_span at);

#endif
