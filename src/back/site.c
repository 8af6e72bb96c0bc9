/* site.c - a folder of its own for each compilation.
 *
 * It is locked as long as its maker lives, so that others can tell one that a killed process left
 * behind from one that is in use. */
#include "back/cache.h"
#include "back/cc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char prefix[] = ".symgrad-";
static const char *const files[] = {"model.c", "model.bin", "log"};
enum { FILES = sizeof files / sizeof *files };

bool
sg_site_enter(sg_site *s, const char *parent, const char *text)
{
	char *dir = sg_path_join(parent, ".symgrad-XXXXXX");

	*s = (sg_site){.lock = -1};
	if (!dir || !mkdtemp(dir)) {
		free(dir);
		return false;
	}
	s->dir = dir;
	s->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock >= 0)
		(void)flock(s->lock, LOCK_EX | LOCK_NB); /* not all file systems can */
	s->source = sg_path_join(dir, files[0]);
	s->object = sg_path_join(dir, files[1]);
	s->log = sg_path_join(dir, files[2]);
	if (s->source && s->object && s->log && sg_file_write(s->source, text))
		return true;
	sg_site_leave(s);
	return false;
}

void
sg_site_leave(sg_site *s)
{
	char *path[FILES] = {s->source, s->object, s->log};
	const int error = errno; /* why it is left may still be told */

	for (int i = 0; i < FILES; i++) {
		if (path[i])
			unlink(path[i]);
		free(path[i]);
	}
	if (s->dir)
		rmdir(s->dir);
	if (s->lock >= 0)
		close(s->lock);
	free(s->dir);
	*s = (sg_site){.lock = -1};
	errno = error;
}

/* Removes it if nobody is in it; what is in it and not of a site stays, and so does the folder. */
static void
remove_left(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		for (int i = 0; i < FILES; i++)
			(void)unlinkat(fd, files[i], 0);
		(void)unlinkat(folder, name, AT_REMOVEDIR);
	}
	close(fd);
}

void
sg_site_sweep(int folder)
{
	DIR *d = sg_folder_list(folder);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, prefix, sizeof prefix - 1) == 0 &&
		    strlen(e->d_name) == sizeof prefix - 1 + 6)
			remove_left(folder, e->d_name);
	if (d)
		closedir(d);
}
