/* builtin_einsum.c - einsum: labels, "..." included, and what is done by them. */
#include "front/builtin.h"

#include <string.h>

typedef struct term {
	sg_ref ref;
	uint32_t n;
	int64_t label[SG_MAX_RANK];
} term;

/* The axes of "..." are labelled DOTS - 1, the last of them, and downwards: operands agree from the
 * right, and in alphabetical order they come before the letters. */
enum { DOTS = 32 };

static bool
is_dots(int64_t label)
{
	return label < DOTS;
}

static bool
has(uint32_t n, const int64_t *label, int64_t c)
{
	for (uint32_t i = 0; i < n; i++)
		if (label[i] == c)
			return true;
	return false;
}

/* A label that stands twice in one operand: its diagonal. */
static bool
take_diagonals(elab *e, term *t, sg_span at)
{
	for (uint32_t i = 0; i < t->n; i++)
		for (uint32_t j = i + 1; j < t->n; j++) {
			int64_t perm[SG_MAX_RANK], label[SG_MAX_RANK];
			uint32_t n = 0;

			if (t->label[i] != t->label[j])
				continue;
			for (uint32_t k = 0; k < t->n; k++)
				if (k != i && k != j)
					label[n] = t->label[k], perm[n++] = k;
			perm[n] = i;
			perm[n + 1] = j;
			label[n] = t->label[i];
			t->ref = matrix_diagonal(e, sg_transpose(e->b, t->ref, perm), at);
			if (!t->ref)
				return false;
			memcpy(t->label, label, sizeof label);
			t->n--;
			i = (uint32_t)-1;
			break;
		}
	return true;
}

/* Axes in the order of the output, the others summed. */
static sg_ref
finish(elab *e, const term *t, uint32_t no, const int64_t *lo)
{
	int64_t perm[SG_MAX_RANK];
	uint64_t mask = 0;
	uint32_t kept = 0, at[SG_MAX_RANK];
	sg_ref r;

	for (uint32_t i = 0; i < t->n; i++)
		if (!has(no, lo, t->label[i]))
			mask |= (uint64_t)1 << i;
		else
			at[i] = kept++;
	r = sg_reduce(e->b, SG_SUM, t->ref, mask);
	for (uint32_t k = 0; k < no; k++)
		for (uint32_t i = 0; i < t->n; i++)
			if (t->label[i] == lo[k])
				perm[k] = at[i];
	return sg_transpose(e->b, r, perm);
}

/* The first two terms become one; labels that neither the rest nor the output has are summed. */
static void
fold_two(elab *e, term *t, size_t n, uint32_t no, const int64_t *lo)
{
	term r = {0};

	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < t[side].n; i++) {
			const int64_t c = t[side].label[i];
			bool later = has(no, lo, c);

			for (size_t k = 2; k < n; k++)
				later = later || has(t[k].n, t[k].label, c);
			if (later && !has(r.n, r.label, c))
				r.label[r.n++] = c;
		}
	r.ref = sg_contract(e->b, t[0].ref, t[0].label, t[1].ref, t[1].label, r.n, r.label);
	t[1] = r;
}

/* The labels of p[0..len); ndots: how many axes "..." stands for. */
static bool
read_labels(elab *e, const char *p, size_t len, uint32_t ndots, sg_span at, uint32_t *n,
            int64_t *label)
{
	*n = 0;
	for (size_t k = 0; k < len; k++) {
		const bool letter = (p[k] >= 'a' && p[k] <= 'z') || (p[k] >= 'A' && p[k] <= 'Z');
		const bool dots = len - k >= 3 && strncmp(p + k, "...", 3) == 0;

		if (p[k] == ' ')
			continue;
		if (!letter && !dots) {
			sg_diag *d = elab_error(e, at, "einsum",
			                        "'%c' can't name an axis of 'einsum'", p[k]);

			sg_add_hint(e->ctx, d,
			            "letters name the axes: einsum(\"ij,jk->ik\", a, b)");
			return false;
		}
		if (*n + (dots ? ndots : 1) > SG_MAX_USER_RANK) {
			elab_error(e, at, "einsum", "more than %d axes in an 'einsum'",
			           SG_MAX_USER_RANK);
			return false;
		}
		if (letter)
			label[(*n)++] = p[k];
		for (uint32_t i = 0; dots && i < ndots; i++)
			label[(*n)++] = DOTS - ndots + i;
		k += dots ? 2 : 0;
	}
	return true;
}

static const char *
label_text(elab *e, int64_t c)
{
	return is_dots(c) ? "..." : sg_text(e->ctx, "%c", (char)c);
}

/* NumPy spreads axes of "..." that have extent 1; here they go, and the other operands have them.
 */
static void
drop_ones(elab *e, size_t n, term *t)
{
	const sg_ext one = sg_ext_int(e->sp, 1);
	bool spread[DOTS] = {false};

	for (size_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < t[k].n; i++)
			if (is_dots(t[k].label[i]) && sg_shape_of(e->b, t[k].ref)->ext[i] != one)
				spread[t[k].label[i]] = true;
	for (size_t k = 0; k < n; k++)
		for (uint32_t i = t[k].n; i-- > 0;) {
			const int64_t c = t[k].label[i];

			if (!is_dots(c) || !spread[c] || sg_shape_of(e->b, t[k].ref)->ext[i] != one)
				continue;
			t[k].ref = sg_squeeze(e->b, t[k].ref, i);
			memmove(t[k].label + i, t[k].label + i + 1,
			        (--t[k].n - i) * sizeof *t[k].label);
		}
}

static bool
check_extents(elab *e, size_t n, const term *t, sg_span at)
{
	sg_ext of[128] = {0};
	bool known[128] = {false};

	for (size_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < t[k].n; i++) {
			const int64_t c = t[k].label[i];
			const sg_ext x = sg_shape_of(e->b, t[k].ref)->ext[i];

			if (known[c] && of[c] != x) {
				sg_buf p, q;

				sg_buf_init(&p, e->ctx);
				sg_buf_init(&q, e->ctx);
				sg_ext_print(e->sp, &p, of[c]);
				sg_ext_print(e->sp, &q, x);
				elab_error(e, at, "einsum", "axis '%s' has extents %s and %s",
				           label_text(e, c), sg_buf_text(&p), sg_buf_text(&q));
				return false;
			}
			known[c] = true;
			of[c] = x;
		}
	return true;
}

/* Without "->": the axes of "...", then the labels that stand once, in alphabetical order. */
static void
implicit_output(size_t n, const term *t, uint32_t *no, int64_t *lo)
{
	int count[128] = {0};

	*no = 0;
	for (size_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < t[k].n; i++)
			count[t[k].label[i]]++;
	for (int64_t c = 0; c < 128; c++)
		if ((count[c] == 1 || (count[c] && is_dots(c))) && *no < SG_MAX_USER_RANK)
			lo[(*no)++] = c;
}

static size_t
count_operands(const char *spec)
{
	size_t n = 1;

	for (const char *c = spec; *c && *c != '-'; c++)
		n += *c == ',';
	return n;
}

/* One operand, whose labels are p[0..len). */
static bool
read_term(elab *e, const char *spec, const char *p, size_t len, size_t k, sg_span at, term *t)
{
	const sg_shape *s = sg_shape_of(e->b, t->ref);
	const char *dots = strstr(p, "...");
	uint32_t letters = 0;

	dots = dots && dots < p + len ? dots : NULL;
	for (size_t i = 0; i < len; i++)
		letters += p[i] != ' ' && p[i] != '.';
	if (!read_labels(e, p, len, dots && s->rank > letters ? s->rank - letters : 0, at, &t->n,
	                 t->label))
		return false;
	if (dots ? s->rank >= letters : s->rank == letters)
		return true;
	elab_error(e, at, "einsum", "operand %zu has %u axes%s in \"%s\" but is %s", k + 1, letters,
	           dots ? " or more" : "", spec, sg_shape_text(e->sp, s));
	return false;
}

static bool
read_terms(elab *e, const char *spec, call_args *a, sg_type type, term *t)
{
	const size_t n = a->nrest, wants = count_operands(spec);
	const sg_span at = a->at[0];
	const char *p = spec;

	for (size_t k = 0; k < n; k++)
		if (!(t[k].ref = to_tensor(e, a->rest[k], (int)type, e->user_at)))
			return false;
	if (wants != n) {
		elab_error(e, at, "einsum", "\"%s\" has %zu operand%s, but %zu %s given", spec,
		           wants, wants == 1 ? "" : "s", n, n == 1 ? "is" : "are");
		return false;
	}
	for (size_t k = 0; k < n; k++) {
		const size_t len = strcspn(p, ",-");

		if (!read_term(e, spec, p, len, k, at, &t[k]))
			return false;
		p += len + 1;
	}
	drop_ones(e, n, t);
	return check_extents(e, n, t, at);
}

/* How many axes "..." stands for in the output: the most of any operand. */
static uint32_t
most_dots(size_t n, const term *t)
{
	uint32_t most = 0;

	for (size_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < t[k].n; i++)
			if (is_dots(t[k].label[i]) && DOTS - (uint32_t)t[k].label[i] > most)
				most = DOTS - (uint32_t)t[k].label[i];
	return most;
}

static bool
read_output(elab *e, const char *spec, size_t n, const term *t, sg_span at, uint32_t *no,
            int64_t *lo)
{
	const char *arrow = strstr(spec, "->");
	const uint32_t ndots = most_dots(n, t);

	if (!arrow) {
		implicit_output(n, t, no, lo);
		return true;
	}
	if (!read_labels(e, arrow + 2, strlen(arrow + 2), ndots, at, no, lo))
		return false;
	if (ndots && !strstr(arrow, "...")) {
		elab_error(e, at, "einsum", "the output lacks the '...' of the operands");
		return false;
	}
	for (uint32_t i = 0; i < *no; i++) {
		bool there = false;

		for (size_t k = 0; k < n; k++)
			there = there || has(t[k].n, t[k].label, lo[i]);
		if (there && !has(i, lo, lo[i]))
			continue;
		elab_error(e, at, "einsum",
		           there ? "'%s' stands twice in the output"
		                 : "no operand has the axis '%s'",
		           label_text(e, lo[i]));
		return false;
	}
	return true;
}

value
f_einsum(elab *e, call_args *a)
{
	size_t n = a->nrest;
	term *t = SG_NEW_ARRAY(e->ctx, term, n + 1);
	sg_span *spans = SG_NEW_ARRAY(e->ctx, sg_span, n + 1);
	int64_t lo[SG_MAX_RANK];
	const char *spec;
	uint32_t no;
	sg_type type;

	if (!need_string(e, a->v[0], a->at[0], "the first argument of 'einsum'", &spec))
		return POISON;
	for (size_t k = 0; k < n; k++)
		spans[k] = e->user_at;
	if (!n) {
		elab_error(e, e->user_at, "arity", "the operands of 'einsum' are missing");
		return POISON;
	}
	if (!common_type(e, a->rest, n, spans, &type) ||
	    !read_terms(e, spec, a, type == SG_BOOL ? SG_I64 : type, t) ||
	    !read_output(e, spec, n, t, a->at[0], &no, lo))
		return POISON;
	for (size_t k = 0; k < n; k++)
		if (!take_diagonals(e, &t[k], a->at[0]))
			return POISON;
	for (; n > 1; n--, t++)
		fold_two(e, t, n, no, lo);
	return v_tensor(finish(e, t, no, lo));
}
