/* cc.h - private to floor 5: the system's C compiler as a process of its own. */
#ifndef SG_BACK_CC_H
#define SG_BACK_CC_H

#include <stdbool.h>
#include <stddef.h>

#include "back/back.h"

enum { SG_CC_ARGS = 32 };

/* A compiler: the words of $SYMGRAD_CC, else "cc", as the environment was when it was opened. All
 * that it takes from there is copied: it may be run on another thread while the host changes it. */
typedef struct sg_cc {
	char *words; /* what argv points into */
	char *argv[SG_CC_ARGS];
	int argc;
	int own;       /* words of the compiler's name itself */
	char *program; /* the file that argv[0] names; NULL: there is none */
	char **env;
} sg_cc;

/* false without memory, or when $SYMGRAD_CC has too many words. */
bool sg_cc_open(sg_cc *cc);
void sg_cc_close(sg_cc *cc);
/* arg must live until the compiler has run. */
void sg_cc_add(sg_cc *cc, const char *arg);
/* Who the compiler is: the files that its words name, when they were changed, and the processor
 * that -march=native means; a malloc'ed text, or NULL where there is no such compiler. */
char *sg_cc_identity(const sg_cc *cc);
/* Runs it with no input and all its output in the file `log`. True when it ended with status 0.
 * With stop (which may be NULL) it and its children are a process group of their own. */
bool sg_cc_run(sg_cc *cc, const char *log, sg_cc_stop *stop);
bool sg_cc_stop_asked(sg_cc_stop *stop); /* of NULL: no */

/* ---- small things with files; paths are malloc'ed, NULL without memory ---- */

char *sg_path_join(const char *dir, const char *name);
bool sg_file_write(const char *path, const char *text);
char *sg_file_read(const char *path, size_t most); /* at most so many bytes; NULL: can't */

#endif
