/* whole_file.h - the text of a file. */
#ifndef SG_TEST_WHOLE_FILE_H
#define SG_TEST_WHOLE_FILE_H

#include <stdio.h>
#include <stdlib.h>

/* To be freed; NULL when it is not there. Also used outside of tests, where there is nothing to
 * assert. */
static inline char *
read_all(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *s = NULL;
	long n;

	if (f == NULL)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 &&
	    (s = calloc(1, (size_t)n + 1)) != NULL) {
		rewind(f);
		s[fread(s, 1, (size_t)n, f)] = '\0';
	}
	fclose(f);
	return s;
}

#endif
