/* scratch.h - a folder that a test has for itself, and as the place of the cache; gone afterwards.
 */
#ifndef SG_TEST_SCRATCH_H
#define SG_TEST_SCRATCH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch[64];

static void
make_scratch(void)
{
	strcpy(scratch, "/tmp/symgrad-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(setenv("XDG_CACHE_HOME", scratch, 1), 0);
}

static void
remove_scratch(void)
{
	char line[128];

	snprintf(line, sizeof line, "rm -rf '%s'", scratch);
	ck_assert_int_eq(system(line), 0);
}

#endif
