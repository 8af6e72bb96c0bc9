/* branch.h - private to emission: steps that wait for a condition (branch.c). */
#ifndef SG_BRANCH_H
#define SG_BRANCH_H

#include "back/emit.h"

/* First of all, on the function's graph. */
void sg_find_branches(sg_fn *f);
/* The guard under which the node is needed; 0: always. */
uint32_t sg_guard_of(const sg_fn *f, sg_ref r);
/* Is it a SELECT of arrays whose sides are pieces of a JOIN, each under a guard of its own? */
bool sg_is_branch(const sg_fn *f, sg_ref r);
uint32_t sg_branch_side(const sg_fn *f, sg_ref r, uint32_t k);
/* A scalar SELECT or AND whose operands may stand under a guard, so that each has a variable. */
bool sg_guards_operands(const sg_fn *f, sg_ref r);
bool sg_is_condition(const sg_fn *f, sg_ref r);
/* Least level of a step with the guard: all its conditions are known. */
uint32_t sg_guard_level(const sg_fn *f, uint32_t guard);

/* Text. */
void sg_find_leaving(sg_fn *f); /* before names are given */
void sg_open_tests(sg_fn *f);
void sg_declare_tests(sg_fn *f);
void sg_print_test(sg_fn *f, sg_step *s);
uint32_t sg_item_guard(const sg_fn *f, size_t at);
size_t sg_print_run(sg_fn *f, size_t at);

/* func.c: the step or band at a place of the order, whatever its guard; the place behind it. */
void sg_print_steps_at(sg_fn *f, size_t at);
size_t sg_item_end(const sg_fn *f, size_t at);
/* split.c: are both steps printed in one piece? */
bool sg_same_piece(const sg_fn *f, uint32_t s, uint32_t t);

#endif
