/* check_cache.c - the cache of compiled code: what is kept, found, refused, thrown away and left
 * alone. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/symgrad.h"
#include "back/cache.h"
#include "back/cc.h"
#include "back/load.h"
#include "scratch.h"

static char folder[80];

static void
make_base(void)
{
	make_scratch();
	unsetenv("SYMGRAD_CC"); /* whatever it was around the test */
	snprintf(folder, sizeof folder, "%s/symgrad", scratch);
}

static void
remove_base(void)
{
	remove_scratch();
	unsetenv("SYMGRAD_CC");
	unsetenv("SYMGRAD_CACHE_MIB");
}

static const char *
inside(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void
put_file(const char *path, size_t bytes)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	while (bytes-- > 0)
		ck_assert_int_ne(fputc('x', f), EOF);
	ck_assert_int_eq(fclose(f), 0);
}

static int
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* A text that is another one for each k. */
static const char *
text_of(int k)
{
	static char text[64];

	snprintf(text, sizeof text, "int f(void);\nint f(void) { return %d; }\n", k);
	return text;
}

static int
value_of(const char *text)
{
	static const char *const name = "f";
	char *why;
	void *addr;
	int (*f)(void);
	sg_code *code = sg_load_cc(text, 1, &name, &addr, &why);
	int v;

	ck_assert_msg(code != NULL, "%s", why);
	memcpy(&f, &addr, sizeof f);
	v = f();
	sg_unload(code);
	return v;
}

static sg_cache_state
show(void)
{
	sg_cache_state s;
	sg_failure why;

	ck_assert_msg(sg_cache_show(&s, &why) == SG_OK, "%s", why.text);
	ck_assert_str_eq(s.folder, folder);
	return s;
}

/* The path of the only entry. */
static const char *
only_entry(void)
{
	static char path[256];
	DIR *d = opendir(folder);
	const struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof path, "%s/%.100s", folder, e->d_name);
			n++;
		}
	closedir(d);
	ck_assert_int_eq(n, 1);
	return path;
}

/* ---- entries ---- */

START_TEST(what_was_compiled_is_found_again)
	{
		struct stat before, after;

		ck_assert_int_eq(show().entries, 0);
		ck_assert(!exists(folder)); /* who only looks makes nothing */
		ck_assert_int_eq(value_of(text_of(1)), 1);
		ck_assert_int_eq(show().entries, 1);
		ck_assert_int_gt((int)show().bytes, 1000);
		ck_assert_int_eq(stat(only_entry(), &before), 0);
		setenv("SYMGRAD_CC", "cc", 1);
		ck_assert_int_eq(value_of(text_of(1)), 1);
		ck_assert_int_eq(stat(only_entry(), &after), 0);
		ck_assert(before.st_ino == after.st_ino);
	}
END_TEST

START_TEST(text_and_compiler_make_the_name)
	{
		value_of(text_of(1));
		value_of(text_of(2));
		ck_assert_int_eq(show().entries, 2);
		setenv("SYMGRAD_CC", "cc -DA=1", 1);
		value_of(text_of(1));
		ck_assert_int_eq(show().entries, 3);
	}
END_TEST

START_TEST(the_compiler_s_words_may_say_how_much_to_optimise)
	{
		static const char text[] = "int f(void);\n"
					   "#ifdef __OPTIMIZE__\n"
					   "int f(void) { return 3; }\n"
					   "#else\n"
					   "int f(void) { return 0; }\n"
					   "#endif\n";

		ck_assert_int_eq(value_of(text), 3);
		setenv("SYMGRAD_CC", "cc -O0", 1);
		ck_assert_int_eq(value_of(text), 0);
	}
END_TEST

START_TEST(another_compiler_of_the_same_name_is_another)
	{
		char program[128], command[256];
		FILE *f;

		snprintf(program, sizeof program, "%s/mycc", scratch);
		snprintf(command, sizeof command, "sh %s", program);
		for (int version = 1; version <= 2; version++) {
			f = fopen(program, "w");
			ck_assert_ptr_nonnull(f);
			fprintf(f, "exec cc -DVERSION=%d \"$@\"\n", version);
			fclose(f);
			setenv("SYMGRAD_CC", command, 1);
			ck_assert_int_eq(
			    value_of("int f(void);\nint f(void) { return VERSION; }\n"), version);
		}
		ck_assert_int_eq(show().entries, 2);
	}
END_TEST

static void
cut(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(truncate(path, st.st_size / 2), 0);
}

static void
empty(const char *path)
{
	ck_assert_int_eq(truncate(path, 0), 0);
}

static void
change_a_byte(const char *path)
{
	int fd = open(path, O_RDWR);
	char byte;

	ck_assert_int_eq(pread(fd, &byte, 1, 4000), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, 4000), 1);
	close(fd);
}

static void
be_a_link(const char *path)
{
	char other[128];

	snprintf(other, sizeof other, "%s/moved", scratch);
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert_int_eq(symlink(other, path), 0);
}

static void
be_writable(const char *path)
{
	ck_assert_int_eq(chmod(path, 0777), 0);
}

static void (*const damages[])(const char *) = {cut, empty, change_a_byte, be_a_link, be_writable};

START_TEST(a_damaged_entry_is_made_anew)
	{
		struct stat before, after;
		const char *path;

		ck_assert_int_eq(value_of(text_of(3)), 3);
		path = only_entry();
		ck_assert_int_eq(lstat(path, &before), 0);
		damages[_i](path);
		ck_assert_int_eq(value_of(text_of(3)), 3);
		ck_assert_int_eq(lstat(path, &after), 0);
		ck_assert(S_ISREG(after.st_mode));
		ck_assert(before.st_ino != after.st_ino);
		ck_assert_int_eq(value_of(text_of(3)), 3);
		ck_assert_int_eq(lstat(path, &before), 0);
		ck_assert(before.st_ino == after.st_ino);
	}
END_TEST

START_TEST(a_sealed_entry_that_does_not_load_is_made_anew)
	{
		char name[SG_CACHE_NAME], garbage[128];
		const char *why;
		sg_cache c;

		ck_assert_int_eq(value_of(text_of(4)), 4);
		snprintf(name, sizeof name, "%s", strrchr(only_entry(), '/') + 1);
		snprintf(garbage, sizeof garbage, "%s/garbage", scratch);
		put_file(garbage, 5000);
		ck_assert(sg_cache_open(&c, folder, false, &why));
		ck_assert(sg_cache_keep(&c, garbage, name) && sg_cache_has(&c, name));
		sg_cache_close(&c);
		ck_assert_int_eq(value_of(text_of(4)), 4);
		ck_assert_int_eq(show().entries, 1);
	}
END_TEST

/* ---- the bound ---- */

static void
set_age(const char *path, time_t seconds)
{
	const struct timespec t[2] = {{.tv_sec = time(NULL) - seconds},
	                              {.tv_sec = time(NULL) - seconds}};

	ck_assert_int_eq(utimensat(AT_FDCWD, path, t, 0), 0);
}

static const char *
entry_name(int k)
{
	static char name[SG_CACHE_NAME];

	snprintf(name, sizeof name, "%064d.so", k);
	return name;
}

START_TEST(entries_unused_for_longest_go_first)
	{
		const char *why;
		sg_cache c;

		ck_assert(sg_cache_open(&c, folder, true, &why));
		for (int k = 0; k < 6; k++) {
			char file[128];

			snprintf(file, sizeof file, "%s/new", scratch);
			put_file(file, 1000);
			ck_assert(sg_cache_keep(&c, file, entry_name(k)));
			set_age(inside(entry_name(k)), 1000 - k);
		}
		ck_assert(sg_cache_has(&c, entry_name(0))); /* so it is the youngest */
		sg_cache_trim(&c, 3 * 1100);
		ck_assert_int_eq(show().entries, 3);
		for (int k = 0; k < 6; k++)
			ck_assert_int_eq(sg_cache_has(&c, entry_name(k)), k == 0 || k >= 4);
		sg_cache_trim(&c, 0);
		ck_assert_int_eq(show().entries, 0);
		sg_cache_close(&c);
	}
END_TEST

START_TEST(the_environment_sets_the_bound)
	{
		static const struct {
			const char *text;
			int64_t mib;
		} cases[] = {
		    {"", 256},   {"1", 1},      {"10000", 10000}, {"0", 0},
		    {"-1", 256}, {"many", 256}, {"1k", 256},      {"99999999999999999999", 256}};

		ck_assert_int_eq(show().bound, (int64_t)256 << 20);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			setenv("SYMGRAD_CACHE_MIB", cases[i].text, 1);
			ck_assert_int_eq(show().bound, cases[i].mib << 20);
		}
	}
END_TEST

START_TEST(a_bound_of_nothing_keeps_nothing)
	{
		setenv("SYMGRAD_CACHE_MIB", "0", 1);
		ck_assert_int_eq(value_of(text_of(5)), 5);
		ck_assert(!exists(folder));
	}
END_TEST

/* ---- what is not ours ---- */

START_TEST(foreign_files_are_left_alone)
	{
		static const char *const foreign[] = {"notes.txt", "zz.so", "0123.so",
		                                      ".symgrad-nosite.txt"};
		char outside[128], link[256], dir[256], site[256];
		sg_cache_state s;

		value_of(text_of(6));
		snprintf(outside, sizeof outside, "%s/outside", scratch);
		put_file(outside, 100);
		for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
			put_file(inside(foreign[i]), 10);
		snprintf(link, sizeof link, "%s", inside(entry_name(1)));
		ck_assert_int_eq(symlink(outside, link), 0);
		snprintf(dir, sizeof dir, "%s", inside(entry_name(2)));
		ck_assert_int_eq(mkdir(dir, 0700), 0);
		snprintf(site, sizeof site, "%s", inside(".symgrad-LINKED"));
		ck_assert_int_eq(symlink(scratch, site), 0);
		ck_assert_int_eq(show().entries, 1);
		ck_assert_int_eq(sg_cache_empty(&s, NULL), SG_OK);
		ck_assert_int_eq(s.entries, 1);
		ck_assert_int_eq(show().entries, 0);
		for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
			ck_assert(exists(inside(foreign[i])));
		ck_assert(exists(link) && exists(dir) && exists(site) && exists(outside));
	}
END_TEST

START_TEST(folders_of_killed_processes_are_swept)
	{
		sg_site used;
		char left[256], mine[256];
		sg_cache_state s;

		value_of(text_of(7));
		ck_assert(sg_site_enter(&used, folder, "in use"));
		snprintf(left, sizeof left, "%s", inside(".symgrad-abcdef"));
		ck_assert_int_eq(mkdir(left, 0700), 0);
		put_file(inside(".symgrad-abcdef/model.c"), 10);
		snprintf(mine, sizeof mine, "%s", inside(".symgrad-ghijkl"));
		ck_assert_int_eq(mkdir(mine, 0700), 0);
		put_file(inside(".symgrad-ghijkl/precious"), 10);
		ck_assert_int_eq(sg_cache_empty(&s, NULL), SG_OK);
		ck_assert(!exists(left));
		ck_assert(exists(inside(".symgrad-ghijkl/precious")));
		ck_assert(exists(used.source));
		sg_site_leave(&used);
	}
END_TEST

/* ---- many at once ---- */

/* A compiler that waits while a file is there, and of whose runs a line in another one tells. */
static const char *
slow_compiler(void)
{
	static char log[128];
	char program[128], command[256];
	FILE *f;

	snprintf(log, sizeof log, "%s/runs", scratch);
	snprintf(program, sizeof program, "%s/slow", scratch);
	snprintf(command, sizeof command, "sh %s", program);
	put_file(log, 0);
	f = fopen(program, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f,
	        "echo run >> %s\nwhile test -e %s/slowly; do sleep 0.1; done\n"
	        "exec cc \"$@\"\n",
	        log, scratch);
	ck_assert_int_eq(fclose(f), 0);
	setenv("SYMGRAD_CC", command, 1);
	return log;
}

/* A file in the folder above the cache. */
static const char *
beside(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", scratch, name);
	return path;
}

static int
runs(const char *log)
{
	struct stat st;

	return stat(log, &st) == 0 ? (int)(st.st_size / 4) : 0;
}

static void
wait_a_while(int milliseconds)
{
	const struct timespec t = {.tv_nsec = milliseconds * 1000000L};

	nanosleep(&t, NULL);
}

static pid_t
child_that_compiles(int k)
{
	const pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(value_of(text_of(k)) == k ? 0 : 1);
	return child;
}

START_TEST(of_many_processes_one_compiles)
	{
		enum { MANY = 8 };
		const char *log = slow_compiler();
		pid_t child[MANY];
		int status;

		put_file(beside("slowly"), 0);
		for (int i = 0; i < MANY; i++)
			child[i] = child_that_compiles(9);
		wait_a_while(500); /* for all of them to come so far */
		ck_assert_int_eq(unlink(beside("slowly")), 0);
		for (int i = 0; i < MANY; i++) {
			ck_assert_int_eq(waitpid(child[i], &status, 0), child[i]);
			ck_assert_int_eq(status, 0);
		}
		ck_assert_int_eq(runs(log), 1);
		ck_assert(exists(only_entry()));
	}
END_TEST

static int
entries_with_a_dot(void)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)))
		n += e->d_name[0] == '.' && e->d_name[1] != '.' && e->d_name[1] != '\0';
	closedir(d);
	return n;
}

START_TEST(a_killed_process_is_not_waited_for)
	{
		const char *log = slow_compiler();
		int status;
		pid_t child;

		put_file(beside("slowly"), 0);
		child = child_that_compiles(10);
		while (runs(log) == 0)
			wait_a_while(10);
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(entries_with_a_dot(), 2); /* what it worked in, and its lock */
		ck_assert_int_eq(unlink(beside("slowly")), 0);
		ck_assert_int_eq(value_of(text_of(10)), 10);
		ck_assert_int_eq(runs(log), 2);
		ck_assert_int_eq(entries_with_a_dot(), 0);
	}
END_TEST

START_TEST(a_lock_that_was_left_is_swept)
	{
		char lock[256];
		sg_cache_state s;

		value_of(text_of(11));
		snprintf(lock, sizeof lock, "%s/.%s", folder, entry_name(1));
		put_file(lock, 0);
		ck_assert_int_eq(sg_cache_empty(&s, NULL), SG_OK);
		ck_assert_int_eq(s.entries, 1);
		ck_assert(!exists(lock));
	}
END_TEST

START_TEST(who_is_asked_to_stop_does_not_wait)
	{
		sg_cc_stop *stop = sg_cc_stop_new();
		const char *why;
		sg_cache c;
		int lock;

		ck_assert_ptr_nonnull(stop);
		ck_assert(sg_cache_open(&c, folder, true, &why));
		lock = sg_cache_enter(&c, entry_name(1), NULL);
		ck_assert_int_ge(lock, 0);
		sg_cc_stop_ask(stop);
		ck_assert_int_eq(sg_cache_enter(&c, entry_name(1), stop), -1);
		sg_cache_leave(&c, entry_name(1), lock);
		ck_assert_int_eq(entries_with_a_dot(), 0);
		sg_cache_close(&c);
		sg_cc_stop_free(stop);
	}
END_TEST

/* ---- folders that are not used ---- */

static void
is_refused(const char *said)
{
	sg_cache_state s;
	sg_failure why;

	ck_assert_int_eq(sg_cache_show(&s, &why), SG_EFILE);
	ck_assert_msg(strstr(why.text, said) != NULL, "%s", why.text);
	ck_assert_int_eq(sg_cache_empty(&s, &why), SG_EFILE);
	ck_assert_int_eq(value_of(text_of(8)), 8); /* it goes without */
}

START_TEST(a_folder_that_is_a_link_is_not_used)
	{
		char other[128];

		snprintf(other, sizeof other, "%s/other", scratch);
		ck_assert_int_eq(mkdir(other, 0700), 0);
		ck_assert_int_eq(symlink(other, folder), 0);
		is_refused("it is no folder");
		ck_assert_int_eq(rmdir(other), 0); /* still empty */
	}
END_TEST

START_TEST(a_folder_that_others_write_to_is_not_used)
	{
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		ck_assert_int_eq(chmod(folder, 0770), 0);
		is_refused("others may write to it");
		ck_assert_int_eq(rmdir(folder), 0);
	}
END_TEST

START_TEST(no_folder_at_all_is_said)
	{
		char *home = getenv("HOME");
		sg_cache_state s;
		sg_failure why;

		home = home ? strdup(home) : NULL;
		setenv("XDG_CACHE_HOME", "relative", 1);
		unsetenv("HOME");
		ck_assert_int_eq(sg_cache_show(&s, &why), SG_EFILE);
		ck_assert_str_eq(why.text,
		                 "no cache: neither XDG_CACHE_HOME nor HOME names a folder");
		ck_assert_str_eq(s.folder, "");
		ck_assert_int_eq(value_of(text_of(9)), 9);
		if (home)
			setenv("HOME", home, 1);
		free(home);
	}
END_TEST

/* ---- many at once ---- */

/* One of the processes: what it gets is right, whatever the others do to the folder. */
static void
work(int who)
{
	sg_cache_state s;

	for (int k = 0; k < 12; k++) {
		if (value_of(text_of(k % 3)) != k % 3)
			_exit(1);
		if (who == 7)
			(void)sg_cache_empty(&s, NULL);
	}
	_exit(0);
}

START_TEST(eight_processes_at_once)
	{
		enum { PROCESSES = 8 };
		pid_t pid[PROCESSES];
		int status;

		for (int i = 0; i < PROCESSES; i++) {
			pid[i] = fork();
			ck_assert_int_ge(pid[i], 0);
			if (pid[i] == 0)
				work(i);
		}
		for (int i = 0; i < PROCESSES; i++) {
			ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
			ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		}
		ck_assert_int_le((int)show().entries, 3);
		for (int k = 0; k < 3; k++)
			ck_assert_int_eq(value_of(text_of(k)), k);
		ck_assert_int_eq(show().entries, 3);
	}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cache");
	TCase *c = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, make_base, remove_base);
	tcase_add_test(c, what_was_compiled_is_found_again);
	tcase_add_test(c, text_and_compiler_make_the_name);
	tcase_add_test(c, the_compiler_s_words_may_say_how_much_to_optimise);
	tcase_add_test(c, another_compiler_of_the_same_name_is_another);
	tcase_add_loop_test(c, a_damaged_entry_is_made_anew, 0,
	                    (int)(sizeof damages / sizeof *damages));
	tcase_add_test(c, a_sealed_entry_that_does_not_load_is_made_anew);
	tcase_add_test(c, entries_unused_for_longest_go_first);
	tcase_add_test(c, the_environment_sets_the_bound);
	tcase_add_test(c, a_bound_of_nothing_keeps_nothing);
	tcase_add_test(c, foreign_files_are_left_alone);
	tcase_add_test(c, folders_of_killed_processes_are_swept);
	tcase_add_test(c, of_many_processes_one_compiles);
	tcase_add_test(c, a_killed_process_is_not_waited_for);
	tcase_add_test(c, a_lock_that_was_left_is_swept);
	tcase_add_test(c, who_is_asked_to_stop_does_not_wait);
	tcase_add_test(c, a_folder_that_is_a_link_is_not_used);
	tcase_add_test(c, a_folder_that_others_write_to_is_not_used);
	tcase_add_test(c, no_folder_at_all_is_said);
	tcase_add_test(c, eight_processes_at_once);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
