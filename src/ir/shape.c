/* shape.c - interned shapes and attributes; the types. */
#include "ir/space.h"

#include <string.h>

const char *
sg_type_name(sg_type t)
{
	switch (t) {
	case SG_F32:
		return "f32";
	case SG_F64:
		return "f64";
	case SG_I32:
		return "i32";
	case SG_I64:
		return "i64";
	case SG_BOOL:
		return "bool";
	}
	return "?";
}

const char *
sg_type_c_name(sg_type t)
{
	switch (t) {
	case SG_F32:
		return "float";
	case SG_F64:
		return "double";
	case SG_I32:
		return "int32_t";
	case SG_I64:
		return "int64_t";
	case SG_BOOL:
		return "uint8_t";
	}
	return "?";
}

size_t
sg_type_size(sg_type t)
{
	switch (t) {
	case SG_F32:
	case SG_I32:
		return 4;
	case SG_F64:
	case SG_I64:
		return 8;
	case SG_BOOL:
		return 1;
	}
	return 0;
}

const sg_shape *
sg_shape_make(sg_space *sp, uint32_t rank, const sg_ext *ext)
{
	size_t size = rank * sizeof *ext;
	sg_shape *s;
	void **at;

	sg_need(sp->ctx, rank <= SG_MAX_RANK, "a shape's rank is beyond the limit");
	at = sg_bytes_map_at(sp->shape_map, rank ? (const void *)ext : "", size);
	if (!*at) {
		s = sg_alloc(sp->ctx, sizeof *s + size);
		s->rank = rank;
		if (rank)
			memcpy(s->ext, ext, size);
		*at = s;
	}
	return *at;
}

const sg_shape *
sg_shape_scalar(sg_space *sp)
{
	return sp->scalar;
}

sg_ext
sg_shape_size(sg_space *sp, const sg_shape *s)
{
	sg_ext size = sg_ext_int(sp, 1);

	for (uint32_t i = 0; i < s->rank; i++)
		size = sg_ext_mul(sp, size, s->ext[i]);
	return size;
}

void
sg_shape_print(sg_space *sp, sg_buf *b, const sg_shape *s)
{
	sg_buf_putc(b, '[');
	for (uint32_t i = 0; i < s->rank; i++) {
		sg_buf_puts(b, i ? ", " : "");
		sg_ext_print(sp, b, s->ext[i]);
	}
	sg_buf_putc(b, ']');
}

const char *
sg_shape_text(sg_space *sp, const sg_shape *s)
{
	sg_buf b;

	sg_buf_init(&b, sp->ctx);
	sg_shape_print(sp, &b, s);
	return sg_buf_text(&b);
}

const sg_attr *
sg_attr_make(sg_space *sp, uint32_t n, const int64_t *w)
{
	size_t size = n * sizeof *w;
	void **at = sg_bytes_map_at(sp->attr_map, n ? (const void *)w : "", size);
	sg_attr *a;

	if (!*at) {
		a = sg_alloc(sp->ctx, sizeof *a + size);
		a->n = n;
		if (n)
			memcpy(a->w, w, size);
		*at = a;
	}
	return *at;
}

int64_t
sg_double_bits(double v)
{
	int64_t w;

	memcpy(&w, &v, sizeof w);
	return w;
}

double
sg_bits_double(int64_t w)
{
	double v;

	memcpy(&v, &w, sizeof v);
	return v;
}

int64_t
sg_space_fresh(sg_space *sp)
{
	return ((int64_t)1 << 40) + sp->fresh++;
}
