/* npz.c - .npz files: a zip archive whose members are .npy files named NAME.npy. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* The member's name without ".npy". */
static size_t
stem(const cli_member *m)
{
	size_t n = m->name_size;

	return n > 4 && memcmp(m->name + n - 4, ".npy", 4) == 0 ? n - 4 : n;
}

static bool
is_named(const cli_member *m, const char *name)
{
	size_t n = strlen(name);

	return (m->name_size == n || stem(m) == n) && memcmp(m->name, name, n) == 0;
}

static void
list_name(cli_text *t, const cli_member *m)
{
	char shown[CLI_SHOWN];

	cli_show(shown, m->name, stem(m));
	cli_printf(t, "%s%s", t->n ? ", " : "", shown);
}

/* The member called name; without a name the only one, or else the one called like the input. */
static bool
choose(cli_zip *z, const char *name, const char *input, cli_member *m, cli_text *err)
{
	cli_member each, sole = {0}, like = {0};
	cli_text names = {0};
	size_t n = 0;

	for (; cli_zip_next(z, &each, err); n++) {
		list_name(&names, &each);
		sole = each;
		if (is_named(&each, name ? name : input)) {
			like = each;
		}
	}
	if (!err->n && like.name) {
		*m = like;
	} else if (!err->n && !name && n == 1) {
		*m = sole;
	} else {
		cli_fail(err, "%s: expected an array named '%s', found %s", z->path,
		         name ? name : input, n ? cli_str(&names) : "no array at all");
	}
	cli_text_free(&names);
	return !err->n;
}

bool
cli_npz_parse(const char *path, const void *bytes, size_t n, const char *name, const char *input,
              cli_array *a, cli_text *err)
{
	cli_text content = {0}, label = {0};
	char shown[CLI_SHOWN];
	cli_member m;
	cli_zip z;
	bool ok;

	*a = (cli_array){0};
	if (!cli_zip_open(&z, path, bytes, n, err) || !choose(&z, name, input, &m, err)) {
		return false;
	}
	cli_show(shown, m.name, stem(&m));
	cli_printf(&label, "%s:%s", path, shown);
	ok = cli_zip_read(&z, &m, &content, err) &&
	     cli_npy_parse(label.s, cli_str(&content), content.n, a, err);
	cli_text_free(&label);
	cli_text_free(&content);
	return ok;
}

void
cli_npz_write(cli_text *out, size_t n, const char *const *name, const cli_view *view)
{
	cli_text directory = {0}, content = {0}, member = {0};
	size_t i;

	for (i = 0; i < n; i++) {
		content.n = member.n = 0;
		cli_npy_write(&content, &view[i]);
		cli_printf(&member, "%s.npy", name[i]);
		cli_zip_add(out, &directory, member.s, &content);
	}
	cli_zip_end(out, &directory, n);
	cli_text_free(&directory);
	cli_text_free(&content);
	cli_text_free(&member);
}
