/* cache.c - the user's folder of compiled code.
 *
 * An entry is a shared object called by the SHA-256 of all that it depends on. Behind its last byte
 * stands a seal, which loaders do not look at: the SHA-256 of the bytes before it. So what was cut
 * short or changed is found out, and counts as absent.
 *
 * Entries come by rename and are never written to afterwards, so any number of processes may use
 * the folder. All is done relative to the open folder, follows no link, and touches nothing but
 * files of ours with the name of an entry, or of its lock: an empty file, which is locked and there
 * as long as somebody makes the entry. The time of last use is the time of last change, which a
 * use sets; the time of last access is not kept everywhere. */
#include "back/cache.h"
#include "back/cc.h"
#include "back/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char seal[] = "symgrad";
enum {
	MARK = sizeof seal - 1,
	SEAL = MARK + 64,
	MEBIBYTES = 256,
	LOOK = 5,         /* milliseconds from one look at a lock to the next */
	PATIENCE = 60000, /* milliseconds that another one is waited for */
};

/* ---- the folder ---- */

char *
sg_cache_path(void)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *parent, *path;

	if (base && *base == '/')
		return sg_path_join(base, "symgrad");
	if (!home || *home != '/')
		return NULL;
	parent = sg_path_join(home, ".cache");
	path = parent ? sg_path_join(parent, "symgrad") : NULL;
	free(parent);
	return path;
}

int64_t
sg_cache_bound(void)
{
	const char *text = getenv("SYMGRAD_CACHE_MIB");
	char *end;
	long long v;

	if (!text || !*text)
		return (int64_t)MEBIBYTES << 20;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || *end || v < 0 || v > INT64_MAX >> 20)
		return (int64_t)MEBIBYTES << 20;
	return (int64_t)v << 20;
}

/* The folder and the one that it stands in, by the rules of XDG: for the user alone. */
static void
make_folder(const char *path)
{
	char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));

	if (parent)
		(void)mkdir(parent, 0700);
	free(parent);
	(void)mkdir(path, 0700);
}

static bool
is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool
sg_cache_open(sg_cache *c, const char *path, bool make, const char **why)
{
	struct stat st;

	if (make)
		make_folder(path);
	*c = (sg_cache){path, open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
	if (c->folder < 0) {
		*why = errno == ENOENT && !make             ? ""
		       : errno == ELOOP || errno == ENOTDIR ? "it is no folder"
		                                            : "it can't be opened";
		return false;
	}
	if (fstat(c->folder, &st) == 0 && is_ours(&st))
		return true;
	*why = "others may write to it";
	sg_cache_close(c);
	return false;
}

void
sg_cache_close(sg_cache *c)
{
	if (c->folder >= 0)
		close(c->folder);
	c->folder = -1;
}

DIR *
sg_folder_list(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		close(fd);
	return d;
}

/* ---- entries ---- */

static bool
is_name(const char *s)
{
	return strspn(s, "0123456789abcdef") == 64 && strcmp(s + 64, ".so") == 0;
}

static bool
read_seal(int fd, char found[SEAL])
{
	size_t n = 0;

	while (n < SEAL) {
		ssize_t got = read(fd, found + n, SEAL - n);

		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		n += got > 0 ? (size_t)got : 0;
	}
	return memcmp(found, seal, MARK) == 0;
}

static bool
is_sealed(int fd)
{
	char digits[65], found[SEAL];
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_ours(&st) && st.st_size > SEAL &&
	       sg_sha256_file(fd, st.st_size - SEAL, digits) && read_seal(fd, found) &&
	       memcmp(found + MARK, digits, 64) == 0;
}

bool
sg_cache_has(const sg_cache *c, const char *name)
{
	int fd = openat(c->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool ok = fd >= 0 && is_sealed(fd);

	if (ok)
		(void)futimens(fd, NULL);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
put_seal(const char *file)
{
	int fd = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	char digits[65], text[SEAL];
	struct stat st;
	bool ok = fd >= 0 && fstat(fd, &st) == 0 && fchmod(fd, 0700) == 0 &&
	          sg_sha256_file(fd, st.st_size, digits);

	if (ok) {
		memcpy(text, seal, MARK);
		memcpy(text + MARK, digits, 64);
		ok = write(fd, text, SEAL) == SEAL;
	}
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	return ok;
}

bool
sg_cache_keep(const sg_cache *c, const char *file, const char *name)
{
	return put_seal(file) && renameat(AT_FDCWD, file, c->folder, name) == 0;
}

/* ---- who makes it ---- */

static bool
is_lock(const char *s)
{
	return *s == '.' && is_name(s + 1);
}

/* The file's descriptor, which locks it; -1, and busy where another one does. */
static int
try_lock(const sg_cache *c, const char *file, bool *busy)
{
	int fd = openat(c->folder, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat mine, there;

	*busy = false;
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		*busy = errno == EWOULDBLOCK; /* else the file system can't */
	else if (fstat(fd, &mine) == 0 &&
	         fstatat(c->folder, file, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	         mine.st_ino == there.st_ino)
		return fd;
	else
		*busy = true; /* who had it has removed it meanwhile */
	close(fd);
	return -1;
}

static void
lock_name(char file[SG_CACHE_NAME + 1], const char *name)
{
	file[0] = '.';
	memcpy(file + 1, name, SG_CACHE_NAME);
}

int
sg_cache_enter(const sg_cache *c, const char *name, sg_cc_stop *stop)
{
	const struct timespec look = {.tv_nsec = LOOK * 1000000};
	char file[SG_CACHE_NAME + 1];
	bool busy;
	int fd;

	lock_name(file, name);
	fd = try_lock(c, file, &busy);
	if (!busy)
		return fd;
	for (int t = 0; busy && t < PATIENCE && !sg_cc_stop_asked(stop); t += LOOK) {
		(void)nanosleep(&look, NULL);
		fd = try_lock(c, file, &busy);
	}
	sg_cache_leave(c, name, fd);
	return -1;
}

void
sg_cache_leave(const sg_cache *c, const char *name, int lock)
{
	char file[SG_CACHE_NAME + 1];

	if (lock < 0)
		return;
	lock_name(file, name);
	(void)unlinkat(c->folder, file, 0);
	(void)flock(lock, LOCK_UN); /* a child that the host has forked holds it too */
	close(lock);
}

/* Removes the locks that killed processes left. */
static void
sweep_locks(const sg_cache *c)
{
	DIR *d = sg_folder_list(c->folder);
	const struct dirent *e;
	struct stat st;
	bool busy;

	while (d && (e = readdir(d)))
		if (is_lock(e->d_name) &&
		    fstatat(c->folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == geteuid())
			sg_cache_leave(c, e->d_name + 1, try_lock(c, e->d_name, &busy));
	if (d)
		closedir(d);
}

/* ---- all of them ---- */

typedef struct item {
	char name[SG_CACHE_NAME];
	int64_t bytes;
	struct timespec used;
} item;

typedef struct items {
	item *at;
	size_t n, cap;
	int64_t bytes;
} items;

static bool
add_item(items *all, const char *name, const struct stat *st)
{
	if (all->n == all->cap) {
		size_t cap = all->cap ? 2 * all->cap : 64;
		item *more = realloc(all->at, cap * sizeof *more);

		if (!more)
			return false;
		all->at = more;
		all->cap = cap;
	}
	all->at[all->n] = (item){.bytes = st->st_size, .used = st->st_mtim};
	memcpy(all->at[all->n].name, name, SG_CACHE_NAME);
	all->n++;
	all->bytes += st->st_size;
	return true;
}

/* What there is no memory for is left out. */
static items
list_items(const sg_cache *c)
{
	DIR *d = sg_folder_list(c->folder);
	const struct dirent *e;
	items all = {0};
	struct stat st;
	bool room = true;

	while (d && room && (e = readdir(d)))
		if (is_name(e->d_name) &&
		    fstatat(c->folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == geteuid())
			room = add_item(&all, e->d_name, &st);
	if (d)
		closedir(d);
	return all;
}

static int
older_first(const void *a, const void *b)
{
	const struct timespec x = ((const item *)a)->used, y = ((const item *)b)->used;

	if (x.tv_sec != y.tv_sec)
		return x.tv_sec < y.tv_sec ? -1 : 1;
	return (x.tv_nsec > y.tv_nsec) - (x.tv_nsec < y.tv_nsec);
}

/* Until the rest has at most bound bytes. False when one that is there can't be removed. */
static bool
remove_items(const sg_cache *c, int64_t bound, sg_cache_figures *gone)
{
	items all = list_items(c);
	bool ok = true;

	if (all.n)
		qsort(all.at, all.n, sizeof *all.at, older_first);
	for (size_t i = 0; i < all.n && all.bytes > bound; i++) {
		all.bytes -= all.at[i].bytes;
		if (unlinkat(c->folder, all.at[i].name, 0) == 0) {
			gone->entries++;
			gone->bytes += all.at[i].bytes;
		} else if (errno != ENOENT) {
			ok = false;
		}
	}
	free(all.at);
	return ok;
}

void
sg_cache_trim(const sg_cache *c, int64_t bound)
{
	sg_cache_figures gone = {0};

	(void)remove_items(c, bound, &gone);
	sg_site_sweep(c->folder);
	sweep_locks(c);
}

/* ---- for people ---- */

static bool
open_for_people(sg_cache *c, char **path, const char **why)
{
	*path = sg_cache_path();
	*c = (sg_cache){NULL, -1};
	*why = "neither XDG_CACHE_HOME nor HOME names a folder";
	return *path && (sg_cache_open(c, *path, false, why) || !**why);
}

bool
sg_cache_look(char **path, sg_cache_figures *f, const char **why)
{
	sg_cache c;
	bool ok = open_for_people(&c, path, why);

	*f = (sg_cache_figures){.bound = sg_cache_bound()};
	if (c.folder >= 0) {
		items all = list_items(&c);

		f->entries = (int64_t)all.n;
		f->bytes = all.bytes;
		free(all.at);
	}
	sg_cache_close(&c);
	return ok;
}

bool
sg_cache_clear(char **path, sg_cache_figures *gone, const char **why)
{
	sg_cache c;
	bool ok = open_for_people(&c, path, why);

	*gone = (sg_cache_figures){.bound = sg_cache_bound()};
	if (c.folder >= 0) {
		sg_site_sweep(c.folder);
		sweep_locks(&c);
		ok = remove_items(&c, -1, gone);
		*why = "an entry can't be removed";
	}
	sg_cache_close(&c);
	return ok;
}
