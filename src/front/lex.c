/* lex.c - characters to tokens; every newline is still a T_END here (see lex_layout.c). */
#include "front/lex.h"

#include "front/ast.h"

#include <math.h>
#include <string.h>

typedef struct lexer {
	sg_ctx *ctx;
	const sg_source *src;
	const char *s, *end; /* from here on */
	bool comments;       /* are they tokens? */
	sg_tokens out;
} lexer;

/* ---- words ---- */

static const char *const spelling[T_COUNT] = {
#define SG_TOKEN_SPELLING(name, text) text,
    SG_TOKENS(SG_TOKEN_SPELLING)
#undef SG_TOKEN_SPELLING
};

const char *
sg_token_spelling(sg_token_kind kind)
{
	return spelling[kind];
}

/* T_NAME unless it is reserved. */
static sg_token_kind
word_kind(const char *s, size_t n)
{
	for (int k = T_FIRST_WORD; n >= 2 && n <= 5 && k <= T_LAST_WORD; k++)
		if (spelling[k][0] == s[0] && strlen(spelling[k]) == n &&
		    memcmp(spelling[k], s, n) == 0)
			return (sg_token_kind)k;
	return T_NAME;
}

bool
sg_is_reserved(const char *s, size_t n)
{
	return word_kind(s, n) != T_NAME;
}

const char *const *
sg_statement_words(size_t *n)
{
	static const char *const word[] = {"model",      "real",    "dim",    "input",    "param",
	                                   "const",      "def",     "output", "gradient", "entry",
	                                   "derivative", "include", "return"};

	*n = sizeof word / sizeof *word;
	return word;
}

bool
sg_is_statement_word(const char *s)
{
	size_t n;
	const char *const *word = sg_statement_words(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(s, word[i]) == 0)
			return true;
	return false;
}

const char *
sg_token_text(sg_ctx *ctx, const sg_source *src, const sg_token *t)
{
	int n = t->hi - t->lo < 60 ? (int)(t->hi - t->lo) : 60;

	if (t->kind == T_EOF)
		return "the end of the file";
	if (t->kind == T_END)
		return src->text[t->lo] == ';' ? "';'" : "the end of the line";
	if (t->kind == T_STRING)
		return "a string";
	return sg_text(ctx, "'%.*s'", n, src->text + t->lo);
}

/* ---- putting tokens ---- */

static sg_span
span_at(const lexer *l, const char *lo, const char *hi)
{
	return (sg_span){l->src, (uint32_t)(lo - l->src->text), (uint32_t)(hi - l->src->text)};
}

static sg_token *
put(lexer *l, sg_token_kind kind, const char *lo)
{
	sg_token t = {.kind = kind,
	              .lo = (uint32_t)(lo - l->src->text),
	              .hi = (uint32_t)(l->s - l->src->text)};

	SG_PUSH(l->ctx, l->out.item, l->out.n, l->out.cap, t);
	return &l->out.item[l->out.n - 1];
}

/* For what is written like a number and is none. */
static void
put_wrong(lexer *l, const char *lo)
{
	sg_token *t = put(l, T_FLOAT, lo);

	t->f = 1;
	t->wrong = true;
}

static char
peek(const lexer *l, size_t n)
{
	return n < (size_t)(l->end - l->s) ? l->s[n] : '\0';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_hex_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* ---- numbers ---- */

static void
skip_digits(lexer *l)
{
	while (is_digit(peek(l, 0)))
		l->s++;
}

static void
skip_hex_digits(lexer *l)
{
	while (is_hex_digit(peek(l, 0)))
		l->s++;
}

/* [letter][+-]digits, only if the digits are there */
static bool
skip_exponent(lexer *l, char letter)
{
	size_t sign = peek(l, 1) == '+' || peek(l, 1) == '-';

	if ((peek(l, 0) | 0x20) != letter || !is_digit(peek(l, 1 + sign)))
		return false;
	l->s += 1 + sign;
	skip_digits(l);
	return true;
}

/* What sticks to a number and makes it none: letters, more points. */
static void
skip_number_rest(lexer *l)
{
	while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)) ||
	       (peek(l, 0) == '.' && is_digit(peek(l, 1))))
		l->s++;
}

static void
number_error(lexer *l, const char *lo, const char *rest)
{
	int n = (int)(l->s - lo), head = (int)(rest - lo);
	sg_diag *d = sg_error(l->ctx, span_at(l, lo, l->s), "number", "'%.*s' is not a number",
	                      n < 60 ? n : 60, lo);

	if (n >= 60)
		return;
	if ((rest[0] == 'f' || rest[0] == 'F') && l->s == rest + 1)
		sg_add_hint(l->ctx, d, "a number has no suffix: '%.*s'", head, lo);
	else if ((rest[0] | 0x20) == 'e' && (l->s == rest + 1 || !is_letter(rest[1])))
		sg_add_hint(l->ctx, d, "the exponent has no digits");
	else if (is_letter(rest[0]) && rest[0] != '_' && lo[0] != '.' && rest[-1] != '.')
		sg_add_hint(l->ctx, d, "did you mean '%.*s*%.*s'?", head, lo, n - head, rest);
}

/* "1." or ".5" */
static void
point_error(lexer *l, const char *lo, const char *dot)
{
	sg_span at = span_at(l, lo, l->s);
	sg_diag *d = sg_error(l->ctx, at, "number", "a decimal point has a digit on both sides");

	if (l->s - lo < 60)
		sg_add_hint(l->ctx, d, "write '%s%.*s%s%.*s'", dot == lo ? "0" : "",
		            (int)(dot - lo + 1), lo, dot + 1 < l->s && is_digit(dot[1]) ? "" : "0",
		            (int)(l->s - dot - 1), dot + 1);
}

static void
put_int(lexer *l, const char *lo)
{
	int n = (int)(l->s - lo);
	int64_t v = 0;

	if (!sg_read_int(lo, (size_t)n, &v))
		sg_add_hint(l->ctx,
		            sg_error(l->ctx, span_at(l, lo, l->s), "number",
		                     "the integer '%.*s' does not fit in 64 bits", n < 60 ? n : 60,
		                     lo),
		            "a float is written with a point or an exponent, such as '1e20'");
	put(l, T_INT, lo)->i = v;
}

static void
put_float(lexer *l, const char *lo)
{
	int n = (int)(l->s - lo);
	double v = 0;

	sg_read_double(lo, (size_t)n, &v);
	if (isinf(v))
		sg_add_hint(l->ctx,
		            sg_error(l->ctx, span_at(l, lo, l->s), "number",
		                     "the number '%.*s' is beyond the range of f64",
		                     n < 60 ? n : 60, lo),
		            "infinity is written 'inf'");
	put(l, T_FLOAT, lo)->f = v;
}

static void
lex_hex(lexer *l)
{
	const char *lo = l->s;
	bool digits;

	l->s += 2;
	digits = is_hex_digit(peek(l, 0));
	skip_hex_digits(l);
	if (peek(l, 0) == '.' && is_hex_digit(peek(l, 1))) {
		l->s++;
		skip_hex_digits(l);
	}
	if (!digits || !skip_exponent(l, 'p') || is_letter(peek(l, 0))) {
		skip_number_rest(l);
		sg_add_hint(l->ctx,
		            sg_error(l->ctx, span_at(l, lo, l->s), "number",
		                     "'%.*s' is not a number",
		                     l->s - lo < 60 ? (int)(l->s - lo) : 60, lo),
		            "a hexadecimal number has a binary exponent, such as '0x1p-4'");
		put_wrong(l, lo);
		return;
	}
	put_float(l, lo);
}

/* number = digits ["." digits] [("e"|"E") ["+"|"-"] digits] */
static void
lex_decimal(lexer *l)
{
	const char *lo = l->s, *dot = NULL, *rest;
	bool is_float;

	skip_digits(l);
	if (peek(l, 0) == '.' && peek(l, 1) != '.') {
		dot = l->s++;
		skip_digits(l);
	}
	is_float = skip_exponent(l, 'e') || dot;
	rest = l->s;
	skip_number_rest(l);
	if (l->s > rest)
		number_error(l, lo, rest);
	else if (dot && (dot == lo || !is_digit(dot[1])))
		point_error(l, lo, dot);
	if (l->s > rest)
		put_wrong(l, lo);
	else if (is_float)
		put_float(l, lo);
	else
		put_int(l, lo);
}

/* ---- strings ---- */

static void
put_string(lexer *l, const char *lo, const char *text, const char *end)
{
	put(l, T_STRING, lo)->name = sg_intern(l->ctx, text, (size_t)(end - text));
}

static void
lex_string(lexer *l)
{
	const char *lo = l->s++;

	while (l->s < l->end && *l->s != '"' && *l->s != '\n')
		l->s++;
	if (peek(l, 0) == '"') {
		l->s++;
		put_string(l, lo, lo + 1, l->s - 1);
		return;
	}
	sg_add_hint(l->ctx,
	            sg_error(l->ctx, span_at(l, lo, lo + 1), "string", "this string has no end"),
	            "close it with '\"' on the same line");
	put(l, T_BAD, lo);
}

/* A string in other quotes than "...", up to the next quote of any kind on the line. */
static void
lex_quoted(lexer *l, size_t width, const char *what)
{
	const char *lo = l->s, *text = lo + width, *end;
	int32_t c = 0;
	size_t n = 0;

	for (l->s = text; l->s < l->end && *l->s != '\n'; l->s += n) {
		n = sg_utf8(l->s, l->end, &c);
		if (c == '\'' || c == '"' || (c >= 0x2018 && c <= 0x201F))
			break;
	}
	end = l->s;
	l->s += l->s < l->end && *l->s != '\n' ? n : 0;
	sg_add_hint(l->ctx,
	            sg_error(l->ctx, span_at(l, lo, l->s), "character", "unexpected %s", what),
	            "a string is written \"...\"");
	put_string(l, lo, text, end);
}

/* ---- characters that are none of ours ---- */

typedef struct foreign {
	int32_t c;
	const char *name, *write;
	sg_token_kind kind; /* the token that was meant; T_END: a space */
} foreign;

static const foreign *
find_foreign(int32_t c)
{
	static const foreign table[] = {
	    {'^', NULL, "'**' is the power", T_POW},
	    {'&', NULL, "write 'and'", T_AND},
	    {'|', NULL, "write 'or'", T_OR},
	    {'!', NULL, "write 'not'", T_NOT},
	    {'?', NULL, "a conditional is 'if c then a else b'", T_BAD},
	    {0x00A0, "no-break space", "write a plain space", T_END},
	    {0x00B2, "superscript two", "write '**2'", T_BAD},
	    {0x00B3, "superscript three", "write '**3'", T_BAD},
	    {0x00B7, "middle dot", "write '*' or '@'", T_STAR},
	    {0x00D7, "multiplication sign", "write '*'", T_STAR},
	    {0x00F7, "division sign", "write '/'", T_SLASH},
	    {0x03C0, "letter pi", "write 'pi'", T_PI},
	    {0x2009, "thin space", "write a plain space", T_END},
	    {0x200B, "zero-width space", "delete it", T_END},
	    {0x2010, "hyphen", "write '-'", T_MINUS},
	    {0x2011, "no-break hyphen", "write '-'", T_MINUS},
	    {0x2013, "en dash", "write '-'", T_MINUS},
	    {0x2014, "em dash", "write '-'", T_MINUS},
	    {0x2026, "ellipsis", "write '...'", T_ELLIPSIS},
	    {0x202F, "narrow no-break space", "write a plain space", T_END},
	    {0x2192, "arrow", "write '->'", T_ARROW},
	    {0x2212, "minus sign", "write '-'", T_MINUS},
	    {0x2215, "division slash", "write '/'", T_SLASH},
	    {0x2217, "asterisk operator", "write '*'", T_STAR},
	    {0x221A, "square root sign", "write 'sqrt(...)'", T_BAD},
	    {0x221E, "infinity sign", "write 'inf'", T_INF},
	    {0x2260, "not-equal sign", "write '!='", T_NE},
	    {0x2264, "less-or-equal sign", "write '<='", T_LE},
	    {0x2265, "greater-or-equal sign", "write '>='", T_GE},
	    {0x22C5, "dot operator", "write '*' or '@'", T_STAR},
	    {0x3000, "ideographic space", "write a plain space", T_END},
	    {0xFEFF, "byte order mark", "delete it", T_END},
	    {0xFF08, "fullwidth parenthesis", "write '('", T_LPAREN},
	    {0xFF09, "fullwidth parenthesis", "write ')'", T_RPAREN},
	    {0xFF0C, "fullwidth comma", "write ','", T_COMMA},
	    {0xFF1D, "fullwidth equals sign", "write '='", T_ASSIGN},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].c == c)
			return &table[i];
	return NULL;
}

/* n bytes, twice where people write it twice (&&, ||) */
static void
lex_foreign(lexer *l, const foreign *f, size_t n)
{
	const char *lo = l->s;
	size_t twice = (f->c == '&' || f->c == '|') && peek(l, 1) == f->c;
	sg_span at;
	sg_diag *d;

	l->s += n + twice;
	at = span_at(l, lo, l->s);
	if (f->name)
		d = sg_error(l->ctx, at, "character", "unexpected %s '%.*s' (U+%04X)", f->name,
		             (int)n, lo, (unsigned)f->c);
	else
		d = sg_error(l->ctx, at, "character", "unexpected '%.*s'", (int)(n + twice), lo);
	sg_add_hint(l->ctx, d, "%s", f->write);
	if (f->kind != T_END)
		put(l, f->kind, lo);
}

/* Is there a character of no use to us, and beyond ASCII? Its length, or 0. */
static size_t
odd_letter(const lexer *l, int32_t *c)
{
	size_t n;

	if (l->s == l->end || !(*l->s & 0x80))
		return 0;
	n = sg_utf8(l->s, l->end, c);
	return *c < 0 || find_foreign(*c) || (*c >= 0x2018 && *c <= 0x201F) ? 0 : n;
}

/* A name; with letters beyond ASCII it is an error, but still one name. */
static void
lex_name(lexer *l)
{
	const char *lo = l->s, *odd = NULL;
	int32_t c = 0, first = 0;
	size_t n = 0, odd_n = 0;
	sg_token_kind kind;

	for (;;) {
		while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
			l->s++;
		n = odd_letter(l, &c);
		if (n == 0)
			break;
		if (!odd) {
			odd = l->s;
			odd_n = n;
			first = c;
		}
		l->s += n;
	}
	if (odd)
		sg_add_hint(l->ctx,
		            sg_error(l->ctx, span_at(l, odd, odd + odd_n), "character",
		                     "unexpected character '%.*s' (U+%04X)", (int)odd_n, odd,
		                     (unsigned)first),
		            "names are made of A-Z, a-z, 0-9 and '_'");
	kind = word_kind(lo, (size_t)(l->s - lo));
	n = (size_t)(l->s - lo);
	put(l, kind, lo)->name = kind == T_NAME ? sg_intern(l->ctx, lo, n) : NULL;
}

static void
lex_stray_byte(lexer *l)
{
	unsigned byte = (unsigned char)*l->s;
	const char *lo = l->s++;
	sg_span at = span_at(l, lo, l->s);

	if (byte >= 0x80)
		sg_error(l->ctx, at, "character", "byte 0x%02X is not UTF-8", byte);
	else if (byte < 0x20 || byte == 0x7F)
		sg_error(l->ctx, at, "character", "unexpected control character U+%04X", byte);
	else
		sg_error(l->ctx, at, "character", "unexpected '%c'", (char)byte);
	put(l, T_BAD, lo);
}

static void
lex_other(lexer *l)
{
	int32_t c;
	size_t n = sg_utf8(l->s, l->end, &c);
	const foreign *f = find_foreign(c);

	if (f)
		lex_foreign(l, f, n);
	else if (c == '\'')
		lex_quoted(l, n, "single quote");
	else if (c >= 0x2018 && c <= 0x201F)
		lex_quoted(
		    l, n,
		    sg_text(l->ctx, "quotation mark '%.*s' (U+%04X)", (int)n, l->s, (unsigned)c));
	else if (c >= 0x80)
		lex_name(l);
	else
		lex_stray_byte(l);
}

/* ---- all of it ---- */

/* The longest that fits. */
static bool
lex_punctuation(lexer *l)
{
	const char *lo = l->s;
	size_t best = 0, left = (size_t)(l->end - l->s);
	int kind = T_BAD;

	for (int k = T_LPAREN; k < T_COUNT; k++) {
		size_t n;

		if (spelling[k][0] != *lo)
			continue;
		n = strlen(spelling[k]);
		if (n > best && n <= left && memcmp(spelling[k], lo, n) == 0) {
			best = n;
			kind = k;
		}
	}
	l->s += best;
	if (best)
		put(l, (sg_token_kind)kind, lo);
	return best > 0;
}

static void
lex_comment(lexer *l)
{
	const char *lo = l->s;

	while (l->s < l->end && *l->s != '\n')
		l->s++;
	if (l->comments)
		put(l, T_COMMENT, lo);
}

static void
lex_one(lexer *l)
{
	char c = *l->s;

	if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
		l->s++;
	} else if (c == '\n') {
		l->s++;
		put(l, T_END, l->s - 1);
	} else if (c == '#') {
		lex_comment(l);
	} else if (is_letter(c)) {
		lex_name(l);
	} else if (c == '0' && (peek(l, 1) | 0x20) == 'x') {
		lex_hex(l);
	} else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1)))) {
		lex_decimal(l);
	} else if (c == '"') {
		lex_string(l);
	} else if (!lex_punctuation(l)) {
		lex_other(l);
	}
}

static sg_tokens
lex_all(sg_ctx *ctx, const sg_source *src, size_t lo, size_t hi, bool comments)
{
	lexer l = {.ctx = ctx,
	           .src = src,
	           .s = src->text + lo,
	           .end = src->text + hi,
	           .comments = comments};

	if (lo == 0 && hi >= 3 && memcmp(src->text, "\xEF\xBB\xBF", 3) == 0)
		l.s += 3;
	l.out.cap =
	    (hi - lo) / 3 + 16; /* more than most texts have; pages not touched cost nothing */
	l.out.item = SG_NEW_ARRAY(ctx, sg_token, l.out.cap);
	while (l.s < l.end)
		lex_one(&l);
	put(&l, T_EOF, l.s);
	return l.out;
}

sg_tokens
sg_lex_part(sg_ctx *ctx, const sg_source *src, size_t lo, size_t hi)
{
	sg_tokens t = lex_all(ctx, src, lo, hi, false);

	sg_lex_layout(ctx, &t);
	return t;
}

sg_tokens
sg_lex(sg_ctx *ctx, const sg_source *src)
{
	return sg_lex_part(ctx, src, 0, src->len);
}

sg_tokens
sg_lex_written(sg_ctx *ctx, const sg_source *src)
{
	return lex_all(ctx, src, 0, src->len, true);
}
