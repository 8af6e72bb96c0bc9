/* sha256.c - the name of a compiled text in the cache: SHA-256 (FIPS 180-4). */
#include "back/load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct sha {
	uint32_t h[8];
	unsigned char block[64];
	size_t used;    /* bytes in block */
	uint64_t total; /* bytes so far */
} sha;

static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t
rotate(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static void
schedule(const unsigned char *p, uint32_t w[64])
{
	for (int i = 0; i < 16; i++, p += 4)
		w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
}

static void
compress(sha *s)
{
	uint32_t w[64], v[8];

	schedule(s->block, w);
	memcpy(v, s->h, sizeof v);
	for (int i = 0; i < 64; i++) {
		uint32_t e = v[4], a = v[0];
		uint32_t t1 = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
		              ((e & v[5]) ^ (~e & v[6])) + k256[i] + w[i];
		uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
		              ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		s->h[i] += v[i];
	s->used = 0;
}

static void
feed(sha *s, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	s->total += n;
	while (n > 0) {
		size_t m = 64 - s->used < n ? 64 - s->used : n;

		memcpy(s->block + s->used, p, m);
		s->used += m;
		p += m;
		n -= m;
		if (s->used == 64)
			compress(s);
	}
}

static void
feed_count(sha *s, uint64_t v)
{
	unsigned char b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (unsigned char)(v >> (56 - 8 * i));
	feed(s, b, sizeof b);
}

static void
finish(sha *s)
{
	static const unsigned char pad[64] = {0x80};
	uint64_t bits = s->total * 8;

	feed(s, pad, s->used < 56 ? 56 - s->used : 120 - s->used);
	feed_count(s, bits);
}

static sha
begin(void)
{
	return (sha){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
	                   0x1f83d9ab, 0x5be0cd19}};
}

static void
put_digits(sha *s, char digits[65])
{
	finish(s);
	for (int i = 0; i < 64; i++)
		digits[i] = "0123456789abcdef"[s->h[i / 8] >> (28 - 4 * (i % 8)) & 15];
	digits[64] = '\0';
}

void
sg_sha256(size_t n, const char *const *texts, char digits[65])
{
	sha s = begin();

	for (size_t i = 0; i < n; i++) {
		feed_count(&s, strlen(texts[i]));
		feed(&s, texts[i], strlen(texts[i]));
	}
	put_digits(&s, digits);
}

bool
sg_sha256_file(int fd, int64_t n, char digits[65])
{
	unsigned char part[8192];
	sha s = begin();

	while (n > 0) {
		ssize_t got = read(fd, part, n < (int64_t)sizeof part ? (size_t)n : sizeof part);

		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		if (got > 0)
			feed(&s, part, (size_t)got);
		n -= got > 0 ? got : 0;
	}
	put_digits(&s, digits);
	return true;
}
