/* names.c - interned names and hash maps: open addressing, linear probing, at most half full. */
#include "base/ctx.h"

#include <stdarg.h>
#include <string.h>

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	return h;
}

uint64_t
sg_hash(const void *bytes, size_t size, uint64_t seed)
{
	const unsigned char *p = bytes;
	uint64_t h = seed ^ (size * UINT64_C(0x9e3779b97f4a7c15)), w;

	for (; size >= 8; p += 8, size -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29; /* the last mix does the rest */
	}
	w = 0;
	if (size >= 4) {
		uint32_t a, b;

		memcpy(&a, p, 4);
		memcpy(&b, p + size - 4, 4);
		w = (uint64_t)b << 32 | a;
	} else if (size > 0) {
		w = (uint64_t)p[0] | (uint64_t)p[size / 2] << 8 | (uint64_t)p[size - 1] << 16;
	}
	return mix((h ^ w) * UINT64_C(0x2545f4914f6cdd1d));
}

/* ---- names ---- */

/* The slot of the name, or the empty one where it belongs. */
static sg_name **
find_name(sg_name **slots, size_t cap, const char *s, size_t n, uint64_t hash)
{
	for (size_t i = (size_t)hash & (cap - 1);; i = (i + 1) & (cap - 1)) {
		sg_name *e = slots[i];

		if (!e || (e->hash == hash && e->n == n && memcmp(e->s, s, n) == 0))
			return &slots[i];
	}
}

static void
grow_names(sg_ctx *ctx)
{
	size_t cap = ctx->name_cap ? ctx->name_cap * 2 : 64;
	sg_name **slots = SG_NEW_ARRAY(ctx, sg_name *, cap);

	for (size_t i = 0; i < ctx->name_cap; i++) {
		sg_name *e = ctx->name[i];

		if (e)
			*find_name(slots, cap, e->s, e->n, e->hash) = e;
	}
	ctx->name = slots;
	ctx->name_cap = cap;
}

const char *
sg_intern(sg_ctx *ctx, const char *s, size_t n)
{
	uint64_t hash = sg_hash(s, n, 0);
	sg_name **slot, *e;

	if (ctx->nnames * 2 >= ctx->name_cap)
		grow_names(ctx);
	slot = find_name(ctx->name, ctx->name_cap, s, n, hash);
	if (!*slot) {
		if (n > SIZE_MAX - sizeof *e - 1)
			sg_raise(ctx, SG_FAULT_LIMIT, "a name is too long");
		e = sg_alloc(ctx, sizeof *e + n + 1);
		e->hash = hash;
		e->n = n;
		memcpy(e->s, s, n);
		*slot = e;
		ctx->nnames++;
	}
	return (*slot)->s;
}

const char *
sg_intern_z(sg_ctx *ctx, const char *s)
{
	return sg_intern(ctx, s, strlen(s));
}

const char *
sg_text(sg_ctx *ctx, const char *fmt, ...)
{
	sg_buf b;
	va_list ap;

	sg_buf_init(&b, ctx);
	va_start(ap, fmt);
	sg_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return sg_buf_text(&b);
}

/* ---- maps from pointers ---- */

typedef struct pointer_entry {
	const void *key; /* NULL: empty */
	void *value;
} pointer_entry;

struct sg_map {
	sg_ctx *ctx;
	pointer_entry *e;
	size_t n, cap;
};

static pointer_entry *
find_pointer(pointer_entry *e, size_t cap, const void *key)
{
	size_t i = (size_t)mix((uint64_t)(uintptr_t)key) & (cap - 1);

	while (e[i].key && e[i].key != key)
		i = (i + 1) & (cap - 1);
	return &e[i];
}

sg_map *
sg_map_new(sg_ctx *ctx)
{
	sg_map *m = SG_NEW(ctx, sg_map);

	m->ctx = ctx;
	return m;
}

void *
sg_map_get(const sg_map *m, const void *key)
{
	return m->cap && key ? find_pointer(m->e, m->cap, key)->value : NULL;
}

void
sg_map_put(sg_map *m, const void *key, void *value)
{
	pointer_entry *e;

	sg_need(m->ctx, key, "a map's key is not NULL");
	if (m->n * 2 >= m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 16;

		e = SG_NEW_ARRAY(m->ctx, pointer_entry, cap);
		for (size_t i = 0; i < m->cap; i++)
			if (m->e[i].key)
				*find_pointer(e, cap, m->e[i].key) = m->e[i];
		m->e = e;
		m->cap = cap;
	}
	e = find_pointer(m->e, m->cap, key);
	m->n += !e->key;
	e->key = key;
	e->value = value;
}

/* ---- maps from bytes ---- */

typedef struct bytes_entry {
	uint64_t hash;
	size_t size;
	void *value;
	char key[];
} bytes_entry;

struct sg_bytes_map {
	sg_ctx *ctx;
	bytes_entry **e;
	size_t n, cap;
};

static bytes_entry **
find_bytes(bytes_entry **slots, size_t cap, const void *key, size_t size, uint64_t hash)
{
	for (size_t i = (size_t)hash & (cap - 1);; i = (i + 1) & (cap - 1)) {
		bytes_entry *e = slots[i];

		if (!e || (e->hash == hash && e->size == size &&
		           (size == 0 || memcmp(e->key, key, size) == 0)))
			return &slots[i];
	}
}

sg_bytes_map *
sg_bytes_map_new(sg_ctx *ctx)
{
	sg_bytes_map *m = SG_NEW(ctx, sg_bytes_map);

	m->ctx = ctx;
	return m;
}

static void
grow_bytes_map(sg_bytes_map *m)
{
	size_t cap = m->cap ? m->cap * 2 : 16;
	bytes_entry **slots = SG_NEW_ARRAY(m->ctx, bytes_entry *, cap);

	for (size_t i = 0; i < m->cap; i++) {
		bytes_entry *e = m->e[i];

		if (e)
			*find_bytes(slots, cap, e->key, e->size, e->hash) = e;
	}
	m->e = slots;
	m->cap = cap;
}

void **
sg_bytes_map_at(sg_bytes_map *m, const void *key, size_t size)
{
	uint64_t hash = sg_hash(key, size, 0);
	bytes_entry **slot, *e;

	if (m->n * 2 >= m->cap)
		grow_bytes_map(m);
	slot = find_bytes(m->e, m->cap, key, size, hash);
	if (!*slot) {
		if (size > SIZE_MAX - sizeof *e)
			sg_raise(m->ctx, SG_FAULT_LIMIT, "a key is too long");
		e = sg_alloc(m->ctx, sizeof *e + size);
		e->hash = hash;
		e->size = size;
		if (size)
			memcpy(e->key, key, size);
		*slot = e;
		m->n++;
	}
	return &(*slot)->value;
}

void *
sg_bytes_map_get(const sg_bytes_map *m, const void *key, size_t size)
{
	const bytes_entry *e;

	if (!m->cap)
		return NULL;
	e = *find_bytes(m->e, m->cap, key, size, sg_hash(key, size, 0));
	return e ? e->value : NULL;
}
