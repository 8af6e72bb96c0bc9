/* zip.c - members of a zip archive, read from memory, and archives of stored members, written.
 *
 * Read: the central directory, found from the end; stored and deflated members; sizes
 * of 64 bits, as NumPy writes them. Not read: encryption, archives in several parts. Every offset
 * and size is checked against the bytes that are there, a deflated member against what its bytes
 * can hold at most, and each member against its checksum. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LOCAL_SIZE = 30, ENTRY_SIZE = 46, END_SIZE = 22, END64_SIZE = 56, LOCATOR_SIZE = 20 };
enum { STORED = 0, DEFLATED = 8, ENCRYPTED = 1 };

static uint64_t
le(const unsigned char *p, int width)
{
	uint64_t v = 0;

	while (width-- > 0) {
		v = v << 8 | p[width];
	}
	return v;
}

static uint32_t
checksum(const char *s, size_t n)
{
	uLong sum = crc32(0, NULL, 0);

	while (n > 0) {
		uInt part = n > 1 << 30 ? 1 << 30 : (uInt)n;

		sum = crc32(sum, (const unsigned char *)s, part);
		s += part;
		n -= part;
	}
	return (uint32_t)sum;
}

/* ---- the directory
 * -------------------------------------------------------------------------------- */

static bool
damaged(const cli_zip *z, const char *expected, cli_text *err)
{
	return cli_fail(err, "%s: damaged .npz file: expected %s, found something else", z->path,
	                expected);
}

/* The end record stands in the last 64 KiB and 22 bytes. */
static const unsigned char *
find_end(const cli_zip *z)
{
	size_t back = END_SIZE;

	for (; back <= z->n && back <= END_SIZE + 65535; back++) {
		const unsigned char *p = z->bytes + z->n - back;

		if (memcmp(p, "PK\5\6", 4) == 0 && le(p + 20, 2) == back - END_SIZE) {
			return p;
		}
	}
	return NULL;
}

/* With more than 2^16 members or 2^32 bytes, a second end record stands before the first. */
static const unsigned char *
find_end64(const cli_zip *z, const unsigned char *end)
{
	const unsigned char *p = end - LOCATOR_SIZE;
	uint64_t at;

	if (end - z->bytes < LOCATOR_SIZE + END64_SIZE || memcmp(p, "PK\6\7", 4) != 0) {
		return NULL;
	}
	at = le(p + 8, 8);
	if (at > z->n - END64_SIZE || memcmp(z->bytes + at, "PK\6\6", 4) != 0) {
		return NULL;
	}
	return z->bytes + at;
}

bool
cli_zip_open(cli_zip *z, const char *path, const void *bytes, size_t n, cli_text *err)
{
	const unsigned char *end, *end64;
	uint64_t size, at;

	*z = (cli_zip){.path = path, .bytes = bytes, .n = n};
	end = find_end(z);
	if (!end) {
		char found[CLI_SHOWN];

		cli_show(found, bytes, n < 4 ? n : 4);
		return cli_fail(
		    err,
		    "%s: expected an .npz file (a zip archive with its directory at the "
		    "end), found %zu bytes that begin with '%s'",
		    path, n, found);
	}
	end64 = find_end64(z, end);
	z->members = end64 ? le(end64 + 32, 8) : le(end + 10, 2);
	size = end64 ? le(end64 + 40, 8) : le(end + 12, 4);
	at = end64 ? le(end64 + 48, 8) : le(end + 16, 4);
	if (at > n || size > n - at || z->members > size / ENTRY_SIZE) {
		return damaged(z, "a directory inside the file", err);
	}
	z->directory = z->bytes + at;
	z->directory_end = z->directory + size;
	return true;
}

/* Sizes that do not fit 32 bits stand in the extra field with the tag 1, in this order. */
static bool
read_wide(cli_member *m, const unsigned char *p, size_t n)
{
	uint64_t *field[3] = {&m->size, &m->packed, &m->at};
	size_t k, tag_size;

	for (; n >= 4; p += 4 + tag_size, n -= 4 + tag_size) {
		tag_size = (size_t)le(p + 2, 2);
		if (tag_size > n - 4) {
			return false;
		}
		if (le(p, 2) != 1) {
			continue;
		}
		const unsigned char *q = p + 4;

		for (k = 0; k < 3; k++) {
			if (*field[k] != 0xffffffff) {
				continue;
			}
			if (q + 8 > p + 4 + tag_size) {
				return false;
			}
			*field[k] = le(q, 8);
			q += 8;
		}
	}
	return true;
}

bool
cli_zip_next(cli_zip *z, cli_member *m, cli_text *err)
{
	const unsigned char *p = z->directory;
	size_t name, extra, comment;

	if (z->members == 0) {
		return false;
	}
	z->members--;
	if (z->directory_end - p < ENTRY_SIZE || memcmp(p, "PK\1\2", 4) != 0) {
		return damaged(z, "one more member in its directory", err);
	}
	name = (size_t)le(p + 28, 2);
	extra = (size_t)le(p + 30, 2);
	comment = (size_t)le(p + 32, 2);
	if ((size_t)(z->directory_end - p - ENTRY_SIZE) < name + extra + comment) {
		return damaged(z, "one more member in its directory", err);
	}
	m->flags = (unsigned)le(p + 8, 2);
	m->method = (unsigned)le(p + 10, 2);
	m->checksum = (uint32_t)le(p + 16, 4);
	m->packed = le(p + 20, 4);
	m->size = le(p + 24, 4);
	m->at = le(p + 42, 4);
	m->name = (const char *)p + ENTRY_SIZE;
	m->name_size = name;
	z->directory = p + ENTRY_SIZE + name + extra + comment;
	return read_wide(m, p + ENTRY_SIZE + name, extra) ||
	       damaged(z, "one more member in its directory", err);
}

/* ---- one member
 * ------------------------------------------------------------------------------------ */

static bool
inflate_all(const unsigned char *p, const cli_member *m, unsigned char *to)
{
	z_stream s = {0};
	uint64_t in = m->packed, out = m->size;
	int rc;

	if (inflateInit2(&s, -MAX_WBITS) != Z_OK) {
		return false;
	}
	s.next_in = (unsigned char *)(uintptr_t)p;
	s.next_out = to;
	do {
		uInt give = in > 1 << 30 ? 1 << 30 : (uInt)in;
		uInt room = out > 1 << 30 ? 1 << 30 : (uInt)out;

		s.avail_in = give;
		s.avail_out = room;
		rc = inflate(&s, Z_NO_FLUSH);
		in -= give - s.avail_in;
		out -= room - s.avail_out;
	} while (rc == Z_OK);
	inflateEnd(&s);
	return rc == Z_STREAM_END && out == 0;
}

static bool
unpack(const cli_zip *z, const cli_member *m, const unsigned char *p, cli_text *out, cli_text *err)
{
	char name[CLI_SHOWN];

	cli_show(name, m->name, m->name_size);
	if (m->method == STORED && m->packed == m->size) {
		cli_write(out, (const char *)p, (size_t)m->size);
		return true;
	}
	if (m->method != DEFLATED || (m->flags & ENCRYPTED)) {
		return cli_fail(err, "%s: expected '%s' stored or deflated, found method %u%s",
		                z->path, name, m->method,
		                m->flags & ENCRYPTED ? ", encrypted" : "");
	}
	/* a bit of deflated data gives at most 129 bytes */
	if (m->size / 1032 > m->packed + 1) {
		return cli_fail(err, "%s: expected at most %llu bytes in '%s', found %llu claimed",
		                z->path, (unsigned long long)(m->packed + 1) * 1032, name,
		                (unsigned long long)m->size);
	}
	out->s = cli_alloc((size_t)m->size + 1, 1);
	out->cap = (size_t)m->size + 1;
	out->n = (size_t)m->size;
	if (!inflate_all(p, m, (unsigned char *)out->s)) {
		return cli_fail(err,
		                "%s: expected %llu bytes in '%s', found damaged or truncated data",
		                z->path, (unsigned long long)m->size, name);
	}
	return true;
}

bool
cli_zip_read(const cli_zip *z, const cli_member *m, cli_text *out, cli_text *err)
{
	const unsigned char *p;
	char name[CLI_SHOWN];
	uint64_t skip;
	uint32_t sum;

	if (m->at > z->n || z->n - m->at < LOCAL_SIZE ||
	    memcmp(z->bytes + m->at, "PK\3\4", 4) != 0) {
		return damaged(z, "a member where its directory points", err);
	}
	p = z->bytes + m->at;
	cli_show(name, m->name, m->name_size);
	skip = LOCAL_SIZE + le(p + 26, 2) + le(p + 28, 2);
	if (z->n - m->at < skip || z->n - m->at - skip < m->packed) {
		return cli_fail(err, "%s: expected %llu bytes for '%s', found the file's end",
		                z->path, (unsigned long long)m->packed, name);
	}
	if (!unpack(z, m, p + skip, out, err)) {
		return false;
	}
	sum = checksum(out->s, out->n);
	if (sum != m->checksum) {
		return cli_fail(err, "%s: expected the checksum %08lx for '%s', found %08lx",
		                z->path, (unsigned long)m->checksum, name, (unsigned long)sum);
	}
	return true;
}

/* ---- writing
 * ---------------------------------------------------------------------------------------- */

static void
put_le(cli_text *t, uint64_t v, int width)
{
	while (width-- > 0) {
		cli_putc(t, (char)(v & 255));
		v >>= 8;
	}
}

/* What the local header and the directory's entry share. 1980-01-01, so that equal contents are
 * equal files; sizes always in the extra field, as NumPy does. */
static void
put_common(cli_text *t, const char *name, uint32_t sum, uint64_t size, uint64_t at, bool entry)
{
	put_le(t, 45, 2);
	put_le(t, 0x800, 2); /* the name is UTF-8 */
	put_le(t, STORED, 2);
	put_le(t, 0, 2);
	put_le(t, 1 << 5 | 1, 2);
	put_le(t, sum, 4);
	put_le(t, 0xffffffff, 4);
	put_le(t, 0xffffffff, 4);
	put_le(t, strlen(name), 2);
	put_le(t, entry ? 28 : 20, 2);
	if (entry) {
		put_le(t, 0, 6); /* no comment, part 0, no text */
		put_le(t, (uint64_t)0600 << 16, 4);
		put_le(t, 0xffffffff, 4);
	}
	cli_puts(t, name);
	put_le(t, 1, 2);
	put_le(t, entry ? 24 : 16, 2);
	put_le(t, size, 8);
	put_le(t, size, 8);
	if (entry) {
		put_le(t, at, 8);
	}
}

void
cli_zip_add(cli_text *out, cli_text *directory, const char *name, const cli_text *content)
{
	uint64_t at = out->n;
	uint32_t sum = checksum(content->s, content->n);

	cli_write(out, "PK\3\4", 4);
	put_common(out, name, sum, content->n, at, false);
	cli_write(out, content->s, content->n);
	cli_write(directory, "PK\1\2", 4);
	put_le(directory, 45, 2);
	put_common(directory, name, sum, content->n, at, true);
}

void
cli_zip_end(cli_text *out, const cli_text *directory, size_t members)
{
	uint64_t at = out->n, end64;

	cli_write(out, cli_str(directory), directory->n);
	end64 = out->n;
	cli_write(out, "PK\6\6", 4);
	put_le(out, END64_SIZE - 12, 8);
	put_le(out, 45, 2);
	put_le(out, 45, 2);
	put_le(out, 0, 8); /* part 0 of one */
	put_le(out, members, 8);
	put_le(out, members, 8);
	put_le(out, directory->n, 8);
	put_le(out, at, 8);
	cli_write(out, "PK\6\7", 4);
	put_le(out, 0, 4);
	put_le(out, end64, 8);
	put_le(out, 1, 4);
	cli_write(out, "PK\5\6", 4);
	put_le(out, 0, 4);
	put_le(out, members < 0xffff ? members : 0xffff, 2);
	put_le(out, members < 0xffff ? members : 0xffff, 2);
	put_le(out, 0xffffffff, 4);
	put_le(out, 0xffffffff, 4);
	put_le(out, 0, 2);
}
