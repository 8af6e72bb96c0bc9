/* suggest.c - the name that a misspelt one was meant to be.
 *
 * Distance: insertions, deletions, replacements and swaps of neighbours (optimal string alignment),
 * without regard to case. A name is near enough when a third of its letters, rounded up, differ. */
#include "base/base.h"

#include <string.h>

enum { LONGEST = 48 };

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int
least(int a, int b)
{
	return a < b ? a : b;
}

/* na, nb <= LONGEST */
static int
distance(const char *a, size_t na, const char *b, size_t nb)
{
	int row[3][LONGEST + 1]; /* row i % 3: distances of a's first i letters to b's first j */

	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (int)j;
	for (size_t i = 1; i <= na; i++) {
		int *now = row[i % 3];
		const int *above = row[(i + 2) % 3], *two_above = row[(i + 1) % 3];

		now[0] = (int)i;
		for (size_t j = 1; j <= nb; j++) {
			int differs = lower(a[i - 1]) != lower(b[j - 1]);

			now[j] = least(above[j - 1] + differs, least(above[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], two_above[j - 2] + 1);
		}
	}
	return row[na % 3][nb];
}

const char *
sg_did_you_mean(const char *name, const char *const *names, size_t n)
{
	size_t len = strlen(name);
	const char *best = NULL;
	int best_distance = (int)((len + 2) / 3) + 1;

	if (len == 0 || len > LONGEST)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t l = names[i] ? strlen(names[i]) : 0;
		int d;

		if (l == 0 || l > LONGEST || strcmp(name, names[i]) == 0)
			continue;
		d = distance(name, len, names[i], l);
		if (d < best_distance && (size_t)d < (l > len ? l : len)) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}
