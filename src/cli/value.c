/* value.c - VALUE: a number, a JSON array, or @file.npy, @file.npz:name, @file.csv,
 * @file.csv:column.
 *
 * What a file holds is told by its first bytes, not by its name: .npy and .npz have a signature,
 * all else is read as a table of text. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static bool
parse_file(const char *path, const cli_text *bytes, const char *part, const char *input,
           cli_array *a, cli_text *err)
{
	const char *s = cli_str(bytes), *dot = strrchr(path, '.');
	bool npy = bytes->n >= 6 && memcmp(s, "\x93NUMPY", 6) == 0;
	bool npz = bytes->n >= 4 && (memcmp(s, "PK\3\4", 4) == 0 || memcmp(s, "PK\5\6", 4) == 0);

	if (npz || (dot && strcmp(dot, ".npz") == 0)) {
		return cli_npz_parse(path, s, bytes->n, part, input, a, err);
	}
	if (npy || (dot && strcmp(dot, ".npy") == 0)) {
		if (part) {
			return cli_fail(err,
			                "%s: expected an .npz file with an array named '%s', found "
			                "a single array",
			                path, part);
		}
		return cli_npy_parse(path, s, bytes->n, a, err);
	}
	return cli_csv_parse(path, s, bytes->n, part, a, err);
}

/* "weights.npz:w": what follows the last ':' names a part, unless a file is called so as a whole.
 */
static bool
read_at(const char *spec, const char *input, cli_array *a, cli_text *err)
{
	char *path = cli_copy(spec, strlen(spec));
	char *colon = strrchr(path, ':');
	const char *part = NULL;
	cli_text bytes = {0};
	bool ok;

	if (colon && !cli_is_file(path)) {
		*colon = '\0';
		part = colon + 1;
	}
	ok = cli_read_file(path, &bytes, err) && parse_file(path, &bytes, part, input, a, err);
	cli_text_free(&bytes);
	free(path);
	return ok;
}

bool
cli_value_parse(const char *text, const char *input, cli_array *a, cli_text *err)
{
	bool ok;

	*a = (cli_array){0};
	ok = *text == '@' ? read_at(text + 1, input, a, err)
	                  : cli_json_parse(text, strlen(text), a, err);
	a->file = *text == '@' ? text + 1 : NULL;
	if (!ok) {
		cli_array_free(a);
	}
	return ok;
}
