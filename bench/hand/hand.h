/* hand.h - the values of the twelve workloads, written by hand as one would for speed.
 *
 * Each has the signature of the function that symgrad writes, with `hand_` before its name; the
 * dimensions and arrays are the model's. bench/run compiles them with -Ofast -march=native: they
 * are the yardstick for our values. They assume good data and check nothing. */
#ifndef HAND_H
#define HAND_H

#include <stddef.h>
#include <stdint.h>

int hand_hello_square(const double *x, double *y, void *work);
int hand_gmm_objective(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const double *x, const double *gamma,
                       const double *m, const double *alpha, const double *mu, const double *q,
                       const double *l, double *objective, void *work);
int hand_ba_objective(ptrdiff_t n, ptrdiff_t m, ptrdiff_t p, const double *cams,
                      const double *points, const double *w, const int64_t *obs,
                      const double *feats, double *reproj_error, double *w_err, void *work);
int hand_lstm2_objective(ptrdiff_t b, ptrdiff_t c, const double *state, const double *sequence,
                         const double *main, const double *extra, double *loss, void *work);
int hand_ht_objective(ptrdiff_t n, ptrdiff_t V, ptrdiff_t T, const double *theta, const double *us,
                      const double *base_positions, const double *weights,
                      const double *base_relatives, const double *inverse_base_absolutes,
                      const int64_t *parents, const int64_t *triangles,
                      const int64_t *correspondences, const double *points,
                      const uint8_t *is_mirrored, double *error, void *work);
int hand_kmeans_cost(ptrdiff_t N, ptrdiff_t D, ptrdiff_t K, const double *points,
                     const double *centroids, double *cost, void *work);
int hand_llsq_primal(ptrdiff_t n, ptrdiff_t m, const double *x, double *y, void *work);
int hand_lse_primal(ptrdiff_t n, const double *x, double *y, void *work);
int hand_det7_primal(const double *A, double *d, void *work);
int hand_det10_primal(const double *A, double *d, void *work);
int hand_ode_primal(ptrdiff_t s, ptrdiff_t n, const double *x, double *y, void *work);
int hand_particle_ff(const double *w, double *w_min, void *work);
int hand_saddle_ff(const double *start, double *pq, void *work);

/* Value and gradient: the loops that bench/cases stand against. */
int hand_rosenbrock_gradient(ptrdiff_t n, const double *x, double *f, double *grad_x, void *work);
int hand_perceptron1_gradient(ptrdiff_t N, const float *x, const float *y, const float *w,
                              float *loss, float *grad_w, void *work);
int hand_perceptron2_gradient(ptrdiff_t N, const float *x, const float *y, const float *w,
                              float *loss, float *grad_w, void *work);
int hand_softmax3_gradient(const float *a, float *p1, float *grad_a, void *work);
int hand_chain_gradient(ptrdiff_t n, const float *x, const float *y, const float *a, const float *b,
                        float *loss, float *grad_a, float *grad_b, void *work);

#endif
