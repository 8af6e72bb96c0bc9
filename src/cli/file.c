/* file.c - whole files in, whole files out.
 *
 * Nothing is ever half-written: a file is made beside its target under a name of its own, flushed
 * to the disk, and renamed; when anything fails it is removed. Several files that belong together
 * (NAME.c and NAME.h) are all made before the first is renamed. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
read_all(FILE *f, const char *path, cli_text *out, cli_text *err)
{
	char part[1 << 16];
	size_t n;

	while ((n = fread(part, 1, sizeof part, f)) > 0) {
		cli_write(out, part, n);
	}
	if (ferror(f)) {
		return cli_fail(err, "cannot read '%s': %s", path, strerror(errno));
	}
	return true;
}

bool
cli_read_file(const char *path, cli_text *out, cli_text *err)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	bool ok;

	if (!f) {
		return cli_fail(err, "cannot read '%s': %s", path, strerror(errno));
	}
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(f);
		return cli_fail(err, "cannot read '%s': it is a folder", path);
	}
	ok = read_all(f, path, out, err);
	fclose(f);
	return ok;
}

bool
cli_is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

bool
cli_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
cli_make_folder(const char *path, bool *made, cli_text *err)
{
	*made = false;
	if (!*path || cli_is_folder(path)) {
		return true;
	}
	*made = mkdir(path, 0777) == 0;
	if (*made) {
		return true;
	}
	return cli_fail(err, "cannot make the folder '%s': %s", path,
	                errno == EEXIST || errno == ENOTDIR ? "a file has that name"
	                                                    : strerror(errno));
}

/* ---- writing
 * ------------------------------------------------------------------------------------- */

/* The name beside the target: "out/.a.c.XXXXXX". */
static char *
name_beside(const char *path)
{
	const char *base = strrchr(path, '/');
	cli_text t = {0};

	base = base ? base + 1 : path;
	cli_write(&t, path, (size_t)(base - path));
	/* a file name has 255 bytes at most; a long target leaves no room for more */
	cli_printf(&t, ".%.200s.XXXXXX", base);
	return t.s;
}

static bool
put_all(int fd, const char *s, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, s, n > 1 << 30 ? 1 << 30 : n);

		if (k < 0 && errno == EINTR) {
			continue;
		}
		if (k <= 0) {
			return false;
		}
		s += k;
		n -= (size_t)k;
	}
	return true;
}

static mode_t
mode_of_new_files(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static mode_t
mode_of(const cli_out *o)
{
	struct stat st;

	if (o->keep && stat(o->path, &st) == 0) {
		return st.st_mode & 07777;
	}
	return mode_of_new_files() | o->mode;
}

/* /dev/stderr and its like: links to what the process has open, maybe to a plain file. */
static bool
is_descriptor(const char *path)
{
	static const char proc[] = "/proc/";
	char to[sizeof proc - 1];

	return strncmp(path, proc, sizeof to) == 0 || strncmp(path, "/dev/fd/", 8) == 0 ||
	       (readlink(path, to, sizeof to) == (ssize_t)sizeof to &&
	        memcmp(to, proc, sizeof to) == 0);
}

/* A target that is there and is no plain file (/dev/null, a pipe) can't be renamed onto; and a
 * rename would put a file in the place of /dev/stderr itself. */
static bool
is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode) &&
	       (!S_ISREG(st.st_mode) || is_descriptor(path));
}

static bool
write_special(const cli_out *o, cli_text *err)
{
	int fd = open(o->path, O_WRONLY | O_APPEND);
	bool ok = fd >= 0 && put_all(fd, o->bytes, o->n);
	int why = errno;

	if (fd >= 0 && close(fd) != 0) {
		why = errno;
		ok = false;
	}
	return ok || cli_fail(err, "cannot write '%s': %s", o->path, strerror(why));
}

static bool
make_beside(cli_out *o, cli_text *err)
{
	int fd, why;
	bool ok;

	if (cli_is_folder(o->path)) {
		return cli_fail(err, "cannot write '%s': it is a folder", o->path);
	}
	o->beside = name_beside(o->path);
	fd = mkstemp(o->beside);
	if (fd < 0) {
		why = errno;
		free(o->beside);
		o->beside = NULL;
		return cli_fail(err, "cannot write '%s': %s", o->path, strerror(why));
	}
	ok = put_all(fd, o->bytes, o->n) && fchmod(fd, mode_of(o)) == 0 && fsync(fd) == 0;
	why = errno;
	if (close(fd) != 0 && ok) {
		why = errno;
		ok = false;
	}
	return ok || cli_fail(err, "cannot write '%s': %s", o->path, strerror(why));
}

static bool
put_in_place(cli_out *o, cli_text *err)
{
	if (!o->beside) {
		return write_special(o, err);
	}
	if (rename(o->beside, o->path) != 0) {
		return cli_fail(err, "cannot write '%s': %s", o->path, strerror(errno));
	}
	free(o->beside);
	o->beside = NULL;
	return true;
}

bool
cli_write_files(cli_out *o, size_t n, cli_text *err)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < n; i++) {
		o[i].beside = NULL;
	}
	for (i = 0; ok && i < n; i++) {
		ok = is_special(o[i].path) || make_beside(&o[i], err);
	}
	for (i = 0; ok && i < n; i++) {
		ok = put_in_place(&o[i], err);
	}
	for (i = 0; i < n; i++) {
		if (o[i].beside) {
			unlink(o[i].beside);
			free(o[i].beside);
			o[i].beside = NULL;
		}
	}
	return ok;
}

bool
cli_write_stdout(const char *s, size_t n, cli_text *err)
{
	errno = 0;
	if (fwrite(s, 1, n, stdout) != n || fflush(stdout) != 0) {
		return cli_fail(err, "cannot write to standard output: %s",
		                strerror(errno ? errno : EIO));
	}
	return true;
}
