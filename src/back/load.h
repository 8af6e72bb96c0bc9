/* load.h - private to floor 5: what the two loaders share. */
#ifndef SG_BACK_LOAD_H
#define SG_BACK_LOAD_H

#include "back/back.h"

/* Loaded code: what it was got from, and how that is given back. */
struct sg_code {
	void *handle;
	void (*close)(void *handle);
};

/* NULL without memory; handle is then closed. */
sg_code *sg_code_new(void *handle, void (*close)(void *handle));

/* A text outside the arena: what a compiler says. Without memory it stays as it is. */
void sg_say(char **text, const char *more);

/* SHA-256 (FIPS 180-4) of the texts one after another, each with its length, as 64 hexadecimal
 * digits and a NUL. */
void sg_sha256(size_t n, const char *const *texts, char digits[65]);
/* The same of the next n bytes of a file alone; false where it has not so many. */
bool sg_sha256_file(int fd, int64_t n, char digits[65]);

#endif
