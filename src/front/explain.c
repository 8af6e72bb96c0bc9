/* explain.c - the long form of each diagnostic's code. */
#include "front/front.h"

#include <string.h>

typedef struct row {
	const char *code, *title, *text;
} row;

static const row rows[] = {
#define CODE(code, title, text) {code, title, text},
#include "front/codes.def"
#undef CODE
};
enum { NROWS = sizeof rows / sizeof *rows };

const char *
sg_explain(const char *code)
{
	for (size_t k = 0; k < NROWS; k++)
		if (strcmp(rows[k].code, code) == 0)
			return rows[k].text;
	return NULL;
}

const char *
sg_explain_title(const char *code)
{
	for (size_t k = 0; k < NROWS; k++)
		if (strcmp(rows[k].code, code) == 0)
			return rows[k].title;
	return NULL;
}

const char *const *
sg_codes(size_t *n)
{
	static const char *const codes[] = {
#define CODE(code, title, text) code,
#include "front/codes.def"
#undef CODE
	};

	*n = NROWS;
	return codes;
}
