/* claim.h - an assertion about each of many numbers.
 *
 * It is free where it holds. Those of libcheck write a message each time, which for millions of
 * numbers takes longer than what is tested. */
#ifndef CLAIM_H
#define CLAIM_H

#include <check.h>

#define CLAIM(cond, ...)                                                                           \
	do                                                                                         \
		if (!(cond))                                                                       \
			ck_abort_msg(__VA_ARGS__);                                                 \
	while (0)

#endif
