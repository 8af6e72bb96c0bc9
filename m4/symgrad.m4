# SG_LIBTCC
# ---------
# Asks for libtcc, and how its tcc_relocate is called. Where there is an archive, libsymgrad takes a
# private copy of it (see Makefile.am), because an archive made for programs does not link into a
# shared library as it is. Sets with_tcc, TCC_ARCHIVE, TCC_LIBS and the conditionals TCC and
# TCC_PRIVATE.
AC_DEFUN([SG_LIBTCC], [
AC_ARG_WITH([tcc],
	[AS_HELP_STRING([--without-tcc], [leave out the JIT backend (cc and interp remain)])],
	[], [with_tcc=check])
sg_asked=$with_tcc
AS_IF([test "x$with_tcc" != xno], [
	with_tcc=yes
	AC_CHECK_HEADER([libtcc.h], [], [with_tcc=no])
	AC_CHECK_LIB([tcc], [tcc_new], [], [with_tcc=no], [-ldl])
	LIBS=`AS_ECHO([" $LIBS "]) | sed 's/ -ltcc / /'`
	AS_IF([test "x$sg_asked$with_tcc" = xyesno],
		[AC_MSG_ERROR([libtcc not found; Debian: apt-get install libtcc-dev])])])
SG_DEFS=
TCC_ARCHIVE=
TCC_LIBS=
AS_IF([test "x$with_tcc" = xyes], [
	SG_DEFS="-DSG_HAVE_TCC=1"
	TCC_LIBS="-ltcc"
	AC_CACHE_CHECK([whether tcc_relocate takes a place], [sg_cv_tcc_relocate_auto],
		[AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <libtcc.h>]],
			[[return tcc_relocate(tcc_new(), TCC_RELOCATE_AUTO);]])],
			[sg_cv_tcc_relocate_auto=yes], [sg_cv_tcc_relocate_auto=no])])
	AS_IF([test "x$sg_cv_tcc_relocate_auto" = xyes],
		[SG_DEFS="$SG_DEFS -DSG_TCC_RELOCATE_AUTO=1"])
	AC_MSG_CHECKING([for the archive of libtcc])
	TCC_ARCHIVE=`$CC -print-file-name=libtcc.a`
	AS_CASE([$TCC_ARCHIVE$OBJCOPY], [/*libtcc.ano], [TCC_ARCHIVE=], [/*], [], [TCC_ARCHIVE=])
	AC_MSG_RESULT([${TCC_ARCHIVE:-none}])
	AS_IF([test -n "$TCC_ARCHIVE"], [SG_DEFS="$SG_DEFS -DSG_TCC_PRIVATE=1"])])
AC_SUBST([SG_DEFS])
AC_SUBST([TCC_ARCHIVE])
AC_SUBST([TCC_LIBS])
AM_CONDITIONAL([TCC], [test "x$with_tcc" = xyes])
AM_CONDITIONAL([TCC_PRIVATE], [test -n "$TCC_ARCHIVE"])
TCC_PC_LIBS=
AS_IF([test -n "$TCC_ARCHIVE"], [TCC_PC_LIBS="-lsymgrad_tcc"],
	[test "x$with_tcc" = xyes], [TCC_PC_LIBS="-ltcc"])
AC_SUBST([TCC_PC_LIBS])
])

# SG_GRAPHVIZ
# -----------
# Asks for Graphviz' library, which draws pictures. It is loaded when the first one is drawn, so it is
# compiled against and not linked. Sets with_graphviz, GVC_CFLAGS and SG_GVC_SONAME.
AC_DEFUN([SG_GRAPHVIZ], [
AC_ARG_WITH([graphviz],
	[AS_HELP_STRING([--without-graphviz], [draw no pictures (graph --emit=dot remains)])],
	[], [with_graphviz=check])
sg_asked=$with_graphviz
AS_IF([test "x$with_graphviz" != xno], [
	PKG_CHECK_MODULES([GVC], [libgvc], [with_graphviz=yes], [with_graphviz=no])
	AS_IF([test "x$with_graphviz" = xyes], [
		AC_MSG_CHECKING([for the name of Graphviz' library])
		sg_gvc=`$PKG_CONFIG --variable=libdir libgvc`/libgvc.so
		sg_gvc=`$OBJDUMP -p "$sg_gvc" 2>/dev/null | $AWK '$[]1 == "SONAME" { print $[]2 }'`
		AC_MSG_RESULT([${sg_gvc:-unknown}])
		test -n "$sg_gvc" || with_graphviz=no])
	AS_IF([test "x$sg_asked$with_graphviz" = xyesno],
		[AC_MSG_ERROR([libgvc not found; Debian: apt-get install libgraphviz-dev])])])
AS_IF([test "x$with_graphviz" = xyes],
	[AC_DEFINE_UNQUOTED([SG_GVC_SONAME], ["$sg_gvc"], [Graphviz' library, for dlopen])
	GVC_CFLAGS=`AS_ECHO(["$GVC_CFLAGS"]) | sed 's/-I/-isystem /g'`],
	[GVC_CFLAGS=])
AC_SUBST([GVC_CFLAGS])
])

# SG_LBFGS
# --------
# liblbfgs, for the command's `train --optimizer=lbfgs`: LBFGS_LIBS, and SG_HAVE_LBFGS in config.h.
AC_DEFUN([SG_LBFGS], [
AC_ARG_WITH([lbfgs],
	[AS_HELP_STRING([--without-lbfgs], [train without L-BFGS])],
	[], [with_lbfgs=check])
sg_asked=$with_lbfgs
AS_IF([test "x$with_lbfgs" != xno], [
	with_lbfgs=no
	AC_CHECK_HEADER([lbfgs.h], [AC_CHECK_LIB([lbfgs], [lbfgs_parameter_init], [with_lbfgs=yes])])
	AS_IF([test "x$sg_asked$with_lbfgs" = xyesno],
		[AC_MSG_ERROR([liblbfgs not found; Debian: apt-get install liblbfgs-dev])])])
AS_IF([test "x$with_lbfgs" = xyes],
	[AC_DEFINE([SG_HAVE_LBFGS], [1], [Is liblbfgs there?])
	LBFGS_LIBS=-llbfgs], [LBFGS_LIBS=])
AC_SUBST([LBFGS_LIBS])
])

# SG_TEST_LIBS
# ------------
# What the tests alone need: libcheck, and MPFR as the judge of accuracy.
AC_DEFUN([SG_TEST_LIBS], [
PKG_CHECK_MODULES([CHECK], [check >= 0.10], [have_check=yes], [have_check=no])
AM_CONDITIONAL([HAVE_CHECK], [test "x$have_check" = xyes])
have_mpfr=no
AC_CHECK_HEADER([mpfr.h], [AC_CHECK_LIB([mpfr], [mpfr_init2], [have_mpfr=yes], [], [-lgmp])])
AS_IF([test "x$have_mpfr" = xyes], [MPFR_LIBS="-lmpfr -lgmp"
	MPFR_DEFS=-DSG_HAVE_MPFR=1], [MPFR_LIBS=
	MPFR_DEFS=])
AC_SUBST([MPFR_LIBS])
AC_SUBST([MPFR_DEFS])
])

# SG_RUNTIME - how the kernels are compiled. Where the compiler makes AVX2 and AVX-512 for x86-64, each
# is made for these too, and the CPU chooses (runtime/isa.h). Sets SGRT_DISPATCH, AVX512_WIDTH and
# ONLY_PIC: with shared libraries what is in them is compiled once, for both kinds.
AC_DEFUN([SG_RUNTIME], [
sgrt_dispatch=no
sg_saved_cflags=$CFLAGS
CFLAGS="$CFLAGS -mavx2 -mfma -mavx512f -mavx512vl -mavx512bw -mavx512dq"
AC_MSG_CHECKING([whether the kernels can be chosen by the CPU])
AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#if !defined __x86_64__
#error one form is enough
#endif
__attribute__((constructor)) static void before(void) { __builtin_cpu_init(); }
]], [[return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");]])],
	[sgrt_dispatch=yes])
AC_MSG_RESULT([$sgrt_dispatch])
CFLAGS="$sg_saved_cflags -mprefer-vector-width=512"
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AVX512_WIDTH=-mprefer-vector-width=512], [AVX512_WIDTH=])
CFLAGS=$sg_saved_cflags
AM_CONDITIONAL([SGRT_DISPATCH], [test $sgrt_dispatch = yes])
AS_IF([test $sgrt_dispatch = yes], [SG_DEFS="$SG_DEFS -DSGRT_DISPATCH"])
AS_IF([test "x$enable_shared" = xyes], [ONLY_PIC=-shared], [ONLY_PIC=])
AC_SUBST([SG_DEFS])
AC_SUBST([AVX512_WIDTH])
AC_SUBST([ONLY_PIC])
])
