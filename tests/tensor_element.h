/* tensor_element.h - element i of an evaluator's array, whatever its type, as a double. */
#ifndef SG_TEST_TENSOR_ELEMENT_H
#define SG_TEST_TENSOR_ELEMENT_H

#include "rules/rules.h"

static inline void
set(sg_tensor *t, int64_t i, double v)
{
	switch (t->type) {
	case SG_F32:
		((float *)t->data)[i] = (float)v;
		break;
	case SG_F64:
		((double *)t->data)[i] = v;
		break;
	case SG_I32:
		((int32_t *)t->data)[i] = (int32_t)v;
		break;
	case SG_I64:
		((int64_t *)t->data)[i] = (int64_t)v;
		break;
	case SG_BOOL:
		((uint8_t *)t->data)[i] = v != 0;
		break;
	}
}

static inline double
get(const sg_tensor *t, int64_t i)
{
	switch (t->type) {
	case SG_F32:
		return (double)((const float *)t->data)[i];
	case SG_F64:
		return ((const double *)t->data)[i];
	case SG_I32:
		return (double)((const int32_t *)t->data)[i];
	case SG_I64:
		return (double)((const int64_t *)t->data)[i];
	case SG_BOOL:
		return (double)((const uint8_t *)t->data)[i];
	}
	return 0;
}

#endif
