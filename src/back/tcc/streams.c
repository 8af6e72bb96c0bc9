/* streams.c - what libtcc's private copy sees as stdout, stderr and environ.
 *
 * Debian's libtcc.a is compiled for programs and reaches these three by copy relocation, which a shared
 * library can't have. The build renames them in a copy of the archive (Makefile.am) to the variables
 * here, hidden in our library and set when it is loaded. They are written once, before main, so they
 * are constants to everybody else: the one exception to "no mutable state at file scope". */
#include <stdio.h>

extern char **environ;

extern FILE *sg_tcc_stdout, *sg_tcc_stderr;
extern char **sg_tcc_environ;
FILE *sg_tcc_stdout, *sg_tcc_stderr;
char **sg_tcc_environ;

__attribute__((constructor)) static void
set_streams(void)
{
	sg_tcc_stdout = stdout;
	sg_tcc_stderr = stderr;
	sg_tcc_environ = environ;
}
