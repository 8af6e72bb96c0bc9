/* fmt_space.c - which words of a piece have a space between them.
 *
 * Sums, comparisons and words stand between spaces; powers and signs never do. A product is tight
 * within brackets and beside a looser operator, "2*x + 1", and where all its factors are names and
 * numbers, "a*b"; else it is the statement's backbone and has spaces, "0.1 * randn(...)". With '@'
 * it always has. Bounds of slices and ranges are tight throughout, "x[i+1:n-1]". */
#include "front/fmt.h"

/* ---- brackets ---- */

static void
match_brackets(sg_fmt *f, const sg_piece *p)
{
	uint32_t inside = 0, depth = 0;

	for (uint32_t i = p->lo; i < p->hi; i++) {
		sg_word *w = &f->word[i];

		if (w->role == SG_R_CLOSE) {
			w->match = inside - 1;
			f->word[w->match].match = i;
			inside = f->word[w->match].inside;
			depth--;
		}
		w->inside = inside;
		w->depth = depth;
		if (w->role == SG_R_OPEN) {
			inside = i + 1;
			depth++;
		}
	}
}

/* ---- operators ---- */

/* Words [lo, hi) of one bracket level, without a delimiter between them. */
typedef struct part {
	uint32_t lo, hi;
	bool top;   /* in no bracket */
	bool bound; /* of a slice or a range */
} part;

static uint32_t
next_word(const sg_fmt *f, uint32_t i)
{
	return f->word[i].role == SG_R_OPEN ? f->word[i].match + 1 : i + 1;
}

static bool
is_loose(const sg_word *w)
{
	return w->role == SG_R_PLUS || w->role == SG_R_COMPARE || w->role == SG_R_LOGIC;
}

static bool
has_loose(const sg_fmt *f, const part *p)
{
	for (uint32_t i = p->lo; i < p->hi; i = next_word(f, i))
		if (is_loose(&f->word[i]))
			return true;
	return false;
}

/* The factors from lo up to a looser operator, whose place it returns. */
static uint32_t
space_product(sg_fmt *f, const part *p, uint32_t lo, bool alone)
{
	bool has_at = false, has_bracket = false;
	uint32_t hi;

	for (hi = lo; hi < p->hi && !is_loose(&f->word[hi]); hi = next_word(f, hi)) {
		has_at = has_at || f->word[hi].t.kind == T_AT;
		has_bracket = has_bracket || f->word[hi].role == SG_R_OPEN;
	}
	for (uint32_t i = lo; i < hi; i = next_word(f, i))
		if (f->word[i].role == SG_R_TIMES)
			f->word[i].spaced = has_at || (alone && has_bracket);
	return hi;
}

static void
space_part(sg_fmt *f, const part *p)
{
	const bool alone = p->top && !has_loose(f, p);
	uint32_t i = p->lo;

	while (i < p->hi) {
		sg_word *w = &f->word[i];

		if (!is_loose(w)) {
			i = space_product(f, p, i, alone);
			continue;
		}
		w->spaced = w->role != SG_R_PLUS || !p->bound;
		i++;
	}
}

static bool
delimits(const sg_word *w)
{
	return w->role == SG_R_COMMA || w->role == SG_R_COLON || w->role == SG_R_RANGE ||
	       w->role == SG_R_ASSIGN || w->role == SG_R_ARROW || w->role == SG_R_WORD;
}

/* All parts of a piece, or of what stands in a bracket. */
static void
space_level(sg_fmt *f, uint32_t lo, uint32_t hi)
{
	const bool top = lo == hi || f->word[lo].inside == 0;
	part p = {.lo = lo, .top = top};

	for (uint32_t i = lo; i < hi; i = next_word(f, i)) {
		const sg_word *w = &f->word[i];
		const bool bounds = w->role == SG_R_RANGE || (w->role == SG_R_COLON && !top);

		if (!delimits(w))
			continue;
		p.hi = i;
		p.bound = p.bound || bounds;
		space_part(f, &p);
		p = (part){.lo = i + 1, .top = top, .bound = bounds};
	}
	p.hi = hi;
	space_part(f, &p);
}

/* ---- neighbours ---- */

static bool
in_square(const sg_fmt *f, const sg_word *w)
{
	return w->inside && f->word[w->inside - 1].t.kind == T_LSQUARE;
}

static bool
is_number(const sg_word *w)
{
	return w->t.kind == T_INT || w->t.kind == T_FLOAT;
}

/* Does the word, whichever side it is seen from, stand between spaces? */
static bool
wants_space(const sg_fmt *f, const sg_word *w)
{
	switch ((sg_fmt_role)w->role) {
	case SG_R_ASSIGN:
		return w->inside == 0;
	case SG_R_RANGE:
	case SG_R_POWER:
		return false;
	case SG_R_COLON:
		return !in_square(f, w);
	case SG_R_TIMES:
	case SG_R_PLUS:
	case SG_R_COMPARE:
	case SG_R_LOGIC:
		return w->spaced;
	default:
		return true;
	}
}

static bool
is_space_between(const sg_fmt *f, const sg_word *a, const sg_word *b)
{
	if (b->role == SG_R_DOT)
		return is_number(a);
	if (b->role == SG_R_COMMA || b->role == SG_R_CLOSE || a->role == SG_R_OPEN ||
	    a->role == SG_R_DOT || a->role == SG_R_SIGN)
		return false;
	if (b->role == SG_R_OPEN && (a->role == SG_R_OPERAND || a->role == SG_R_CLOSE))
		return false;
	if (a->role == SG_R_COMMA)
		return true;
	if (b->role == SG_R_COLON)
		return false;
	return wants_space(f, a) && wants_space(f, b);
}

void
sg_fmt_space(sg_fmt *f, const sg_piece *p)
{
	const sg_word *before = NULL;

	match_brackets(f, p);
	space_level(f, p->lo, p->hi);
	for (uint32_t i = p->lo; i < p->hi; i++)
		if (f->word[i].role == SG_R_OPEN)
			space_level(f, i + 1, f->word[i].match);
	for (uint32_t i = p->lo; i < p->hi; i++) {
		sg_word *w = &f->word[i];

		if (w->role == SG_R_COMMENT)
			continue;
		w->space = before && is_space_between(f, before, w);
		before = w;
	}
}
