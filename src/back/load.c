/* load.c - loaded code as an object, and what compilers say as text. */
#include "back/load.h"

#include <stdlib.h>
#include <string.h>

sg_code *
sg_code_new(void *handle, void (*close)(void *handle))
{
	sg_code *code = malloc(sizeof *code);

	if (code)
		*code = (sg_code){handle, close};
	else
		close(handle);
	return code;
}

void
sg_unload(sg_code *code)
{
	if (code)
		code->close(code->handle);
	free(code);
}

void
sg_say(char **text, const char *more)
{
	size_t n = *text ? strlen(*text) : 0, m = strlen(more);
	char *longer = realloc(*text, n + m + 1);

	if (longer) {
		memcpy(longer + n, more, m + 1);
		*text = longer;
	}
}
