/* util.c - types, statuses and sentences. */
#include "api/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "symgrad_runtime.h"

const char *
sg_version(void)
{
	return SG_VERSION;
}

int
sg_have_jit(void)
{
	return sg_have_tcc();
}

/* ---- types ---- */

sg_dtype
sg_dtype_of(sg_type t)
{
	switch (t) {
	case SG_F32:
		return SG_DTYPE_F32;
	case SG_F64:
		return SG_DTYPE_F64;
	case SG_I32:
		return SG_DTYPE_I32;
	case SG_I64:
		return SG_DTYPE_I64;
	case SG_BOOL:
		return SG_DTYPE_BOOL;
	}
	return SG_DTYPE_NONE;
}

const char *
sg_dtype_name(sg_dtype t)
{
	static const char *const names[] = {"none", "f32", "f64", "i32", "i64", "bool"};

	return (unsigned)t <= SG_DTYPE_BOOL ? names[t] : names[0];
}

size_t
sg_dtype_size(sg_dtype t)
{
	static const size_t sizes[] = {0, 4, 8, 4, 8, 1};

	return (unsigned)t <= SG_DTYPE_BOOL ? sizes[t] : 0;
}

/* ---- statuses ---- */

const char *
sg_strerror(int status)
{
	if (status < 0)
		return sgrt_strerror(status);
	switch ((sg_status)status) {
	case SG_OK:
		return "no error";
	case SG_EMODEL:
		return "the model did not compile";
	case SG_ENAME:
		return "there is nothing of this name";
	case SG_ETYPE:
		return "the element type is not the declared one";
	case SG_ESHAPE:
		return "the shapes do not fit";
	case SG_EMISSING:
		return "an input or a dimension is missing";
	case SG_EBACKEND:
		return "the back end can't be used";
	case SG_EFILE:
		return "a file can't be written";
	case SG_EVALUE:
		return "an argument is not one that the function takes";
	case SG_ENOMEM:
		return "out of memory";
	case SG_ESIZE:
		return "a size is too large, or nesting too deep";
	case SG_EDEFECT:
		return "a defect in symgrad itself";
	}
	return "an unknown status";
}

int
sg_status_of(sg_fault f)
{
	switch (f) {
	case SG_FAULT_NONE:
		return SG_OK;
	case SG_FAULT_MEMORY:
		return SG_ENOMEM;
	case SG_FAULT_LIMIT:
		return SG_ESIZE;
	case SG_FAULT_DEFECT:
		return SG_EDEFECT;
	}
	return SG_EDEFECT;
}

/* What has no room ends in "...", between two characters. */
static void
cut_short(char *s, size_t size)
{
	size_t n = size - 4;

	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	memcpy(s + n, "...", 4);
}

int
sg_refuse(sg_failure *why, int status, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!why)
		return status;
	why->status = status;
	va_start(ap, fmt);
	n = vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof why->text)
		cut_short(why->text, sizeof why->text);
	return status;
}

int
sg_no_failure(sg_failure *why)
{
	if (why) {
		why->status = SG_OK;
		why->text[0] = '\0';
	}
	return SG_OK;
}

/* ---- lines ---- */

void
sg_line_add(sg_line *l, const char *fmt, ...)
{
	size_t room = sizeof l->s - l->n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->s + l->n, room, fmt, ap);
	va_end(ap);
	if (n >= 0)
		l->n = (size_t)n < room ? l->n + (size_t)n : sizeof l->s - 1;
	if (n >= 0 && (size_t)n >= room)
		cut_short(l->s, sizeof l->s);
}

void
sg_line_extents(sg_line *l, int rank, const int64_t *ext)
{
	sg_line_add(l, "[");
	for (int k = 0; k < rank; k++)
		sg_line_add(l, "%s%lld", k ? ", " : "", (long long)ext[k]);
	sg_line_add(l, "]");
}

double
sg_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
