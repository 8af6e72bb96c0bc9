/* number.c - numbers <-> text and the nearest name, for hosts that want them as symgrad has them.
 */
#include "api/symgrad.h"

#include "base/base.h"

#include <string.h>

char *
sg_number_text(char out[SG_NUMBER_SIZE], double v, int f32)
{
	/* long enough for any number, so that nothing is ever taken from an arena */
	sg_buf b = {.s = out, .cap = SG_NUMBER_SIZE};

	if (!out)
		return NULL;
	out[0] = '\0';
	sg_buf_num(&b, v, f32 != 0);
	return out;
}

int
sg_number_read(const char *text, size_t size, double *v)
{
	return text && v && sg_read_double(text, size, v);
}

const char *
sg_nearest_name(const char *name, const char *const *names, size_t n)
{
	return name && names ? sg_did_you_mean(name, names, n) : NULL;
}
