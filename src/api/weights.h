/* weights.h - private to floor 6: values of params in the C that is written. */
#ifndef SG_API_WEIGHTS_H
#define SG_API_WEIGHTS_H

#include "api/api.h"

/* The model's program as it is written with o's values, inside sg_on_model; NULL with *why. outside
 * gets, by input, those of arrays that stand outside of the functions; NULL where there are none.
 */
const sg_program *sg_program_with_weights(sg_model *m, const sg_c_options *o,
                                          const sg_attr *const **outside, sg_failure *why);

#endif
