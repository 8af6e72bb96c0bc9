/* places.c - where the entries of a sparse output stand, as constant data: NAME_OUTPUT_rowptr[] and
 * NAME_OUTPUT_col[]. Entries that give the same output share them; another pattern of the same name
 * takes the name of its entry too. Where each entry has a file, they stand in that of the first. */
#include "back/file.h"

#include <string.h>

struct sg_places {
	const char *output, *rowptr, *col;
	const sg_pattern *p;
};

static bool
known(const sg_file *file, const sg_output *o, bool *taken)
{
	*taken = false;
	for (size_t k = 0; k < file->nplaces; k++) {
		if (file->places[k].output != o->name)
			continue;
		if (file->places[k].p == o->pattern)
			return true;
		*taken = true;
	}
	return false;
}

void
sg_print_places(sg_file *file, const sg_c_entry *e)
{
	sg_ctx *ctx = file->m.ctx;

	for (size_t k = 0; k < e->e->nout; k++) {
		const sg_output *o = &e->e->out[k];
		bool taken;

		if (!o->pattern || known(file, o, &taken))
			continue;
		const char *base = taken ? e->fn : file->m.o->prefix;
		const struct sg_places s = {
		    .output = o->name,
		    .rowptr =
			sg_name_exact(&file->m.names, sg_text(ctx, "%s_%s_rowptr", base, o->name)),
		    .col = sg_name_exact(&file->m.names, sg_text(ctx, "%s_%s_col", base, o->name)),
		    .p = o->pattern};
		SG_PUSH(ctx, file->places, file->nplaces, file->places_cap, s);
		sg_file_words(file, "const int64_t", s.rowptr, s.p->rows + 1, s.p->rowptr);
		sg_file_words(file, "const int64_t", s.col, s.p->rowptr[s.p->rows], s.p->col);
	}
}

void
sg_declare_places(const sg_file *file, sg_buf *b)
{
	for (size_t k = 0; k < file->nplaces; k++) {
		const struct sg_places *s = &file->places[k];
		const long long nnz = (long long)s->p->rowptr[s->p->rows];

		sg_buf_printf(b,
		              "/* The entries of %s, by rows: those of row i are rowptr[i] to "
		              "rowptr[i + 1] - 1, in\n"
		              " * the columns col[]. %lld rows, %lld columns, %lld entries. */\n",
		              s->output, (long long)s->p->rows, (long long)s->p->cols, nnz);
		sg_buf_printf(b,
		              "extern const int64_t %s[%lld];\nextern const int64_t %s[%lld];\n\n",
		              s->rowptr, (long long)s->p->rows + 1, s->col, nnz ? nnz : 1);
	}
}
