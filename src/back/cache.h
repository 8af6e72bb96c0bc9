/* cache.h - private to floor 5: the folder in which compiled code is kept, and the folders in which
 * it is made. */
#ifndef SG_BACK_CACHE_H
#define SG_BACK_CACHE_H

#include <dirent.h>

#include "back/back.h"

/* ---- site.c: a folder for one compilation ---- */

typedef struct sg_site {
	char *dir, *source, *object, *log; /* object: what the compiler writes */
	int lock;                          /* of dir: held while somebody works in it; -1: none */
} sg_site;

/* A new folder in parent with the text in it as source. */
bool sg_site_enter(sg_site *s, const char *parent, const char *text);
void sg_site_leave(sg_site *s); /* with all that is in it */
/* Removes the sites in a folder that a killed process left. */
void sg_site_sweep(int folder);

/* ---- cache.c ---- */

enum { SG_CACHE_NAME = 68 }; /* 64 digits, ".so" and a NUL */

typedef struct sg_cache {
	const char *path;
	int folder; /* open */
} sg_cache;

/* The folder that the environment means; malloc'ed. NULL: it means none. */
char *sg_cache_path(void);
/* Bytes that the entries may have together: $SYMGRAD_CACHE_MIB, else 256 MiB. */
int64_t sg_cache_bound(void);
/* Opens the folder path, which must outlive the cache; make: creates it where it is not there.
 * False: *why, which is "" where it is not there and make is false. */
bool sg_cache_open(sg_cache *c, const char *path, bool make, const char **why);
void sg_cache_close(sg_cache *c);
/* Is this entry there and undamaged? It is then the one used last. */
bool sg_cache_has(const sg_cache *c, const char *name);
/* A file of the same file system becomes the entry. */
bool sg_cache_keep(const sg_cache *c, const char *file, const char *name);
/* Who wants to make an entry waits here while another one does, unless he is asked to stop or it
 * takes too long; then the entry may be there. -1: he has waited, or nothing can be locked; go on.
 * Else others wait for him, until sg_cache_leave. */
int sg_cache_enter(const sg_cache *c, const char *name, sg_cc_stop *stop);
void sg_cache_leave(const sg_cache *c, const char *name, int lock);
/* Its names, from the first; to be closed. NULL: they can't be read. */
DIR *sg_folder_list(int folder);
/* Removes entries, the one unused for longest first, until the rest has at most bound bytes. */
void sg_cache_trim(const sg_cache *c, int64_t bound);

#endif
