/* affine.c - sums of loop variables times extents: where an element stands. */
#include "back/emit.h"

#include <string.h>

enum { MAX_TERMS = 2 * SG_MAX_LOOPS };

static sg_aff
intern(sg_fn *f, sg_ext base, uint32_t n, const sg_aff_term *term)
{
	uint32_t key[1 + 2 * MAX_TERMS];
	void **slot;

	key[0] = base;
	for (uint32_t i = 0; i < n; i++) {
		key[1 + 2 * i] = term[i].var;
		key[2 + 2 * i] = term[i].coef;
	}
	slot = sg_bytes_map_at(f->aff_map, key, (1 + 2 * (size_t)n) * sizeof *key);
	if (!*slot) {
		const sg_aff_term *own = n ? sg_copy(f->ctx, term, n * sizeof *term) : NULL;

		SG_PUSH(f->ctx, f->aff, f->naffs, f->aff_cap, (sg_affine){base, n, own});
		*slot = (void *)(uintptr_t)f->naffs;
	}
	return (sg_aff)((uintptr_t)*slot - 1);
}

sg_aff
sg_aff_ext(sg_fn *f, sg_ext base)
{
	return intern(f, base, 0, NULL);
}

sg_aff
sg_aff_var(sg_fn *f, uint32_t var)
{
	sg_aff_term t = {var, sg_ext_int(f->sp, 1)};

	return intern(f, sg_ext_int(f->sp, 0), 1, &t);
}

sg_aff
sg_aff_add(sg_fn *f, sg_aff a, sg_aff b)
{
	const sg_affine x = f->aff[a], y = f->aff[b];
	sg_aff_term t[MAX_TERMS];
	uint32_t n = 0, i = 0, j = 0;

	while (i < x.n || j < y.n) {
		sg_need(f->ctx, n < MAX_TERMS, "an index of few variables");
		if (j == y.n || (i < x.n && x.term[i].var < y.term[j].var)) {
			t[n++] = x.term[i++];
		} else if (i == x.n || y.term[j].var < x.term[i].var) {
			t[n++] = y.term[j++];
		} else {
			t[n].var = x.term[i].var;
			t[n].coef = sg_ext_add(f->sp, x.term[i++].coef, y.term[j++].coef);
			n += !sg_ext_is(f->sp, t[n].coef, 0);
		}
	}
	return intern(f, sg_ext_add(f->sp, x.base, y.base), n, t);
}

sg_aff
sg_aff_scale(sg_fn *f, sg_aff a, sg_ext k)
{
	const sg_affine x = f->aff[a];
	sg_aff_term t[MAX_TERMS];

	if (sg_ext_is(f->sp, k, 0))
		return sg_aff_ext(f, k);
	for (uint32_t i = 0; i < x.n; i++)
		t[i] = (sg_aff_term){x.term[i].var, sg_ext_mul(f->sp, x.term[i].coef, k)};
	return intern(f, sg_ext_mul(f->sp, x.base, k), x.n, t);
}

sg_ext
sg_aff_coef(const sg_fn *f, sg_aff a, uint32_t var)
{
	const sg_affine x = f->aff[a];

	for (uint32_t i = 0; i < x.n; i++)
		if (x.term[i].var == var)
			return x.term[i].coef;
	return sg_ext_int(f->sp, 0);
}

bool
sg_aff_distance(const sg_fn *f, sg_aff a, sg_aff b, sg_ext *d)
{
	const sg_affine x = f->aff[a], y = f->aff[b];

	if (x.n != y.n)
		return false;
	for (uint32_t i = 0; i < x.n; i++)
		if (x.term[i].var != y.term[i].var || x.term[i].coef != y.term[i].coef)
			return false;
	*d = sg_ext_sub(f->sp, x.base, y.base);
	return true;
}

bool
sg_aff_reads(const sg_fn *f, sg_aff a, const bool *marked)
{
	for (uint32_t i = 0; i < f->aff[a].n; i++) {
		const uint32_t var = f->aff[a].term[i].var;

		if (var >= SG_VAR_VALUE && marked[var - SG_VAR_VALUE])
			return true;
	}
	return false;
}

bool
sg_aff_reads_values(const sg_fn *f, sg_aff a)
{
	for (uint32_t i = 0; i < f->aff[a].n; i++)
		if (f->aff[a].term[i].var >= SG_VAR_VALUE)
			return true;
	return false;
}

static const char *
dim_name(void *arg, uint32_t d)
{
	const sg_fn *f = arg;

	return f->dim[d];
}

void
sg_note_calls(const char *text, const char *const fn[3], bool has[3])
{
	const char *at = strchr(text, '(');

	for (; at; at = strchr(at + 1, '('))
		for (int k = 0; k < 3; k++) {
			const size_t n = strlen(fn[k]);

			has[k] = has[k] || ((size_t)(at - text) >= n && !memcmp(at - n, fn[k], n));
		}
}

/* A name for the extent with a quotient in it, which is declared once. */
static const char *
named(sg_fn *f, sg_ext e, const char *text)
{
	sg_named_ext one = {.ext = e, .text = text};

	for (size_t k = 0; k < f->nexts; k++)
		if (f->ext[k].ext == e)
			return f->ext[k].name;
	/* no name in a function begins like this */
	one.name = sg_text(f->ctx, "sgrt_extent%u", (unsigned)f->nexts + 1);
	SG_PUSH(f->ctx, f->ext, f->nexts, f->ext_cap, one);
	if (f->types)
		sg_part_variable(f, one.name, "ptrdiff_t ");
	return one.name;
}

const char *
sg_ext_c(sg_fn *f, sg_ext e)
{
	bool calls[3] = {false};
	sg_fn *root = f;
	sg_buf b;

	sg_buf_init(&b, f->ctx);
	sg_ext_print_c(f->sp, &b, e, dim_name, f, f->m->ext_fn);
	sg_note_calls(sg_buf_text(&b), f->m->ext_fn, calls);
	if (!calls[0] && !calls[1] && !calls[2])
		return sg_buf_text(&b);
	for (int k = 0; k < 3; k++)
		f->m->has_ext_fn[k] = f->m->has_ext_fn[k] || calls[k];
	while (root->around)
		root = root->around;
	return root->names_exts && calls[0] ? named(root, e, sg_buf_text(&b)) : sg_buf_text(&b);
}

void
sg_declare_exts(sg_fn *f)
{
	for (size_t k = 0; k < f->nexts; k++)
		sg_line(f, "const ptrdiff_t %s = %s;", f->ext[k].name, f->ext[k].text);
}

static const char *
unsigned_name(void *arg, uint32_t d)
{
	const sg_fn *f = arg;

	return sg_text(f->ctx, "(uint64_t)%s", f->dim[d]);
}

/* Is it the size of an array, which the check of the dimensions looks at? */
static bool
is_size(sg_fn *f, sg_ext e)
{
	for (; f; f = f->around) {
		if (!f->sizes) {
			f->sizes = sg_bytes_map_new(f->ctx);
			for (sg_ref r = 1; r < f->g->n; r++) {
				const sg_ext size = sg_shape_size(f->sp, sg_fn_node(f, r)->shape);

				if (f->at[r].kind != SG_P_DEAD)
					*sg_bytes_map_at(f->sizes, &size, sizeof size) = f;
			}
		}
		if (sg_bytes_map_get(f->sizes, &e, sizeof e))
			return true;
	}
	return false;
}

/* As a number, which wraps where it is not known to fit. */
const char *
sg_ext_number(sg_fn *f, sg_ext e)
{
	sg_buf b;

	if (!sg_ext_wraps(f->sp, e) || is_size(f, e))
		return sg_ext_c(f, e);
	sg_buf_init(&b, f->ctx);
	sg_ext_print_c(f->sp, &b, e, unsigned_name, f, f->m->ext_fn);
	return sg_text(f->ctx, "(int64_t)%s", sg_buf_text(&b));
}

/* Without the parentheses around a sum or product, for where nothing binds tighter. */
const char *
sg_ext_bare(sg_fn *f, sg_ext e)
{
	const char *s = sg_ext_c(f, e);
	const size_t n = strlen(s);

	return s[0] == '(' && s[n - 1] == ')' ? sg_text(f->ctx, "%.*s", (int)(n - 2), s + 1) : s;
}
