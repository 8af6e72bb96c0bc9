/* cname.c - names in the written C: which the model may keep, and new ones.
 *
 * A parameter keeps the model's name unless C, C++, or a macro of a header that the file includes
 * would read it otherwise. Functions of the C library are no such clash: a parameter hides them.
 * Only where the written function itself calls one is the parameter renamed. */
#include "back/emit.h"

#include <string.h>

enum { LONGEST = 40 }; /* of the names that we make */

/* Sorted. Keywords of C (to C23) and C++ (to C++23) and alternative tokens; macros and types of
 * <math.h>, <stddef.h>, <stdint.h>, <string.h>; macros that compilers predefine in their GNU modes.
 * And, as a program may include what it likes before the header, macros of the rest of the C library. */
static const char *const reserved[] = {"BUFSIZ",
                                       "CHAR_BIT",
                                       "CHAR_MAX",
                                       "CHAR_MIN",
                                       "CLOCKS_PER_SEC",
                                       "DECIMAL_DIG",
                                       "DOMAIN",
                                       "EDOM",
                                       "EILSEQ",
                                       "EOF",
                                       "ERANGE",
                                       "EXIT_FAILURE",
                                       "EXIT_SUCCESS",
                                       "FE_ALL_EXCEPT",
                                       "FE_DIVBYZERO",
                                       "FE_DOWNWARD",
                                       "FE_INEXACT",
                                       "FE_INVALID",
                                       "FE_OVERFLOW",
                                       "FE_TONEAREST",
                                       "FE_TOWARDZERO",
                                       "FE_UNDERFLOW",
                                       "FE_UPWARD",
                                       "FILENAME_MAX",
                                       "FOPEN_MAX",
                                       "HUGE",
                                       "HUGE_VAL",
                                       "HUGE_VALF",
                                       "HUGE_VALL",
                                       "I",
                                       "INFINITY",
                                       "INT_MAX",
                                       "INT_MIN",
                                       "LC_ALL",
                                       "LC_COLLATE",
                                       "LC_CTYPE",
                                       "LC_MONETARY",
                                       "LC_NUMERIC",
                                       "LC_TIME",
                                       "LLONG_MAX",
                                       "LLONG_MIN",
                                       "LONG_MAX",
                                       "LONG_MIN",
                                       "L_tmpnam",
                                       "MATH_ERREXCEPT",
                                       "MATH_ERRNO",
                                       "MAXFLOAT",
                                       "MB_CUR_MAX",
                                       "MB_LEN_MAX",
                                       "NAME_MAX",
                                       "NAN",
                                       "NULL",
                                       "ONCE_FLAG_INIT",
                                       "OVERFLOW",
                                       "PATH_MAX",
                                       "PLOSS",
                                       "PTRDIFF_MAX",
                                       "PTRDIFF_MIN",
                                       "RAND_MAX",
                                       "SCHAR_MAX",
                                       "SCHAR_MIN",
                                       "SEEK_CUR",
                                       "SEEK_END",
                                       "SEEK_SET",
                                       "SHRT_MAX",
                                       "SHRT_MIN",
                                       "SIGABRT",
                                       "SIGFPE",
                                       "SIGILL",
                                       "SIGINT",
                                       "SIGSEGV",
                                       "SIGTERM",
                                       "SIG_ATOMIC_MAX",
                                       "SIG_ATOMIC_MIN",
                                       "SIG_DFL",
                                       "SIG_ERR",
                                       "SIG_IGN",
                                       "SING",
                                       "SIZE_MAX",
                                       "SNAN",
                                       "SNANF",
                                       "SNANL",
                                       "SSIZE_MAX",
                                       "TIME_UTC",
                                       "TLOSS",
                                       "TMP_MAX",
                                       "UCHAR_MAX",
                                       "UINT_MAX",
                                       "ULLONG_MAX",
                                       "ULONG_MAX",
                                       "UNDERFLOW",
                                       "USHRT_MAX",
                                       "WCHAR_MAX",
                                       "WCHAR_MIN",
                                       "WINT_MAX",
                                       "WINT_MIN",
                                       "X_TLOSS",
                                       "alignas",
                                       "alignof",
                                       "and",
                                       "and_eq",
                                       "asm",
                                       "assert",
                                       "atomic_cancel",
                                       "atomic_commit",
                                       "atomic_noexcept",
                                       "auto",
                                       "bitand",
                                       "bitor",
                                       "bool",
                                       "break",
                                       "case",
                                       "catch",
                                       "char",
                                       "char16_t",
                                       "char32_t",
                                       "char8_t",
                                       "class",
                                       "co_await",
                                       "co_return",
                                       "co_yield",
                                       "compl",
                                       "complex",
                                       "concept",
                                       "const",
                                       "const_cast",
                                       "consteval",
                                       "constexpr",
                                       "constinit",
                                       "continue",
                                       "decltype",
                                       "default",
                                       "delete",
                                       "do",
                                       "double",
                                       "double_t",
                                       "dynamic_cast",
                                       "else",
                                       "enum",
                                       "errno",
                                       "explicit",
                                       "export",
                                       "extern",
                                       "false",
                                       "float",
                                       "float_t",
                                       "for",
                                       "fpclassify",
                                       "friend",
                                       "goto",
                                       "i386",
                                       "if",
                                       "imaginary",
                                       "inline",
                                       "int",
                                       "isfinite",
                                       "isgreater",
                                       "isgreaterequal",
                                       "isinf",
                                       "isless",
                                       "islessequal",
                                       "islessgreater",
                                       "isnan",
                                       "isnormal",
                                       "isunordered",
                                       "linux",
                                       "long",
                                       "math_errhandling",
                                       "max_align_t",
                                       "mutable",
                                       "namespace",
                                       "new",
                                       "noexcept",
                                       "noreturn",
                                       "not",
                                       "not_eq",
                                       "nullptr",
                                       "nullptr_t",
                                       "offsetof",
                                       "operator",
                                       "or",
                                       "or_eq",
                                       "private",
                                       "protected",
                                       "ptrdiff_t",
                                       "public",
                                       "reflexpr",
                                       "register",
                                       "reinterpret_cast",
                                       "requires",
                                       "restrict",
                                       "return",
                                       "short",
                                       "signbit",
                                       "signed",
                                       "signgam",
                                       "size_t",
                                       "sizeof",
                                       "static",
                                       "static_assert",
                                       "static_cast",
                                       "stderr",
                                       "stdin",
                                       "stdout",
                                       "struct",
                                       "switch",
                                       "synchronized",
                                       "template",
                                       "this",
                                       "thread_local",
                                       "throw",
                                       "true",
                                       "try",
                                       "typedef",
                                       "typeid",
                                       "typename",
                                       "typeof",
                                       "typeof_unqual",
                                       "union",
                                       "unix",
                                       "unsigned",
                                       "using",
                                       "virtual",
                                       "void",
                                       "volatile",
                                       "wchar_t",
                                       "while",
                                       "xor",
                                       "xor_eq"};

static bool
starts(const char *s, const char *with)
{
	return s[0] == with[0] && strncmp(s, with, strlen(with)) == 0;
}

static bool
ends(const char *s, const char *with)
{
	size_t n = strlen(s), w = strlen(with);

	return n >= w && strcmp(s + n - w, with) == 0;
}

/* int8_t, UINT_FAST16_MAX, INT64_C and their like. */
static bool
is_sized_int(const char *s)
{
	if (starts(s, "int") || starts(s, "uint"))
		return ends(s, "_t");
	if (starts(s, "INT") || starts(s, "UINT"))
		return ends(s, "_MAX") || ends(s, "_MIN") || ends(s, "_C") || ends(s, "_WIDTH");
	return false;
}

bool
sg_name_reserved(const char *s)
{
	size_t lo = 0, hi = sizeof reserved / sizeof *reserved;

	if (s[0] == '_' && (s[1] == '_' || (s[1] >= 'A' && s[1] <= 'Z')))
		return true;
	if (starts(s, "sgrt_") || starts(s, "SGRT_") || starts(s, "FP_") || starts(s, "M_"))
		return true;
	if (starts(s, "DBL_") || starts(s, "FLT_") || starts(s, "LDBL_"))
		return true;
	if (is_sized_int(s))
		return true;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(s, reserved[mid]);

		if (order == 0)
			return true;
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

bool
sg_name_is_libm(const char *s)
{
	static const char *const fn[] = {"acos",  "acosh", "asin",  "asinh", "atan",      "atan2",
	                                 "atanh", "cbrt",  "ceil",  "cos",   "cosh",      "erf",
	                                 "exp",   "exp2",  "expm1", "fabs",  "floor",     "hypot",
	                                 "log",   "log10", "log1p", "log2",  "nearbyint", "pow",
	                                 "sin",   "sinh",  "sqrt",  "tan",   "tanh",      "trunc"};
	size_t n = strlen(s);

	if (strcmp(s, "memset") == 0 || strcmp(s, "memcpy") == 0)
		return true;
	for (size_t i = 0; i < sizeof fn / sizeof *fn; i++) {
		size_t k;

		if (s[0] != fn[i][0] || s[1] != fn[i][1]) /* few names get past this */
			continue;
		k = strlen(fn[i]);
		if (strncmp(s, fn[i], k) == 0 && (n == k || (n == k + 1 && s[k] == 'f')))
			return true;
	}
	return false;
}

/* ---- scopes ---- */

sg_names
sg_names_in(sg_ctx *ctx, const sg_names *outer)
{
	return (sg_names){ctx, sg_bytes_map_new(ctx), outer};
}

bool
sg_name_taken(const sg_names *n, const char *s)
{
	const size_t len = strlen(s);

	for (; n; n = n->outer)
		if (sg_bytes_map_get(n->taken, s, len))
			return true;
	return false;
}

void
sg_name_take(sg_names *n, const char *s)
{
	void **slot = sg_bytes_map_at(n->taken, s, strlen(s));

	if (!*slot)
		*slot = (void *)(uintptr_t)1;
}

static bool
usable(const sg_names *n, const char *s)
{
	return !sg_name_taken(n, s) && !sg_name_reserved(s) && !sg_name_is_libm(s);
}

/* A reserved beginning (_E, M_, sgrt_) stays reserved whatever follows, but not behind a letter. */
static const char *
open_beginning(const sg_names *n, const char *s)
{
	if (sg_name_reserved(s) && sg_name_reserved(sg_text(n->ctx, "%s_", s)))
		return sg_text(n->ctx, "u%s", s);
	return s;
}

const char *
sg_name_exact(sg_names *n, const char *s)
{
	s = open_beginning(n, s);
	while (sg_name_reserved(s) || sg_name_taken(n, s))
		s = sg_text(n->ctx, "%s_", s);
	sg_name_take(n, s);
	return s;
}

/* The last number that was given to the stem, here or around: all before it are taken. A name that is taken
 * around without its stem being asked for there makes that known there, so that the next inner scope
 * does not try it again. */
static uintptr_t
last_number(const sg_names *n, const char *stem, size_t len)
{
	uintptr_t last = 0;

	for (; n; n = n->outer) {
		const uintptr_t k = (uintptr_t)sg_bytes_map_get(n->taken, stem, len);

		last = k > last ? k : last;
	}
	return last;
}

static void
note_taken(const sg_names *n, const char *stem, size_t len, uintptr_t k, const char *s)
{
	for (n = n->outer; n; n = n->outer) {
		void **slot;

		if (!sg_name_taken(n, s))
			return;
		slot = sg_bytes_map_at(n->taken, stem, len);
		if ((uintptr_t)*slot + 1 == k || ((uintptr_t)*slot == 1 && k == 2))
			*slot = (void *)k;
	}
}

/* hint, hint2, hint3 ...; the last number that was given to the hint is kept with it. */
const char *
sg_name_fresh(sg_names *n, const char *hint)
{
	size_t len = hint ? strlen(hint) : 0;
	const char *stem, *s;
	void **slot;
	uintptr_t k;

	if (len == 0)
		hint = "t", len = 1;
	if (len > LONGEST)
		len = LONGEST;
	while (len > 1 && hint[len - 1] == '_')
		len--;
	stem = s = hint[0] != '_' && hint[len] == '\0' ? hint : sg_text(n->ctx, "%s%.*s", hint[0] == '_' ? "u" : "", (int)len, hint);
	stem = s = open_beginning(n, stem);
	len = strlen(stem);
	k = last_number(n, stem, len);
	while (k > 0 || sg_name_reserved(s) || sg_name_is_libm(s)) {
		k = k < 2 ? 2 : k + 1;
		s = stem[len - 1] >= '0' && stem[len - 1] <= '9'
		        ? sg_text(n->ctx, "%s_%llu", stem, (unsigned long long)k)
		        : sg_text(n->ctx, "%s%llu", stem, (unsigned long long)k);
		if (usable(n, s))
			break;
		note_taken(n, stem, len, k, s);
	}
	slot = sg_bytes_map_at(n->taken, stem, len);
	*slot = (void *)(k < 1 ? (uintptr_t)1 : k);
	if (s != stem)
		sg_name_take(n, s);
	return s;
}
