#!/bin/sh
# What `make` does from a clone before it hands over: configure is run once, with CONFIGURE_FLAGS, and again when
# others are given. A tree that has nothing but GNUmakefile and a configure that tells its arguments shows it.
. "${srcdir:-.}/tests/cli/harness.inc"
cp "$srcdir/GNUmakefile" "$work" && cd "$work" || exit 99
unset MAKEFLAGS MFLAGS MAKELEVEL CONFIGURE_FLAGS
cat >configure <<'EOF'
#!/bin/sh
echo "configure:$(printf ' <%s>' "$@")"
printf 'all:\n\t@echo all\nclean:\n\t@echo clean\n' >Makefile
EOF
chmod +x configure

# did WHAT FLAG...: what configure and the build folder's make say to `make FLAG...`
did() {
	said=$1
	shift
	prints "make $*: $said" "$said" sh -c 'make "$@" | grep "^configure:\|^all$\|^clean$" | tr "\n" " "' make "$@"
}

did 'configure: <> all ' --no-print-directory
did 'all '
did 'clean configure: <--prefix=/a> <CFLAGS=-O0 -g> all ' "CONFIGURE_FLAGS=--prefix=/a 'CFLAGS=-O0 -g'"
did 'all ' "CONFIGURE_FLAGS=--prefix=/a 'CFLAGS=-O0 -g'"
did 'all '
touch configure
did 'configure: <--prefix=/a> <CFLAGS=-O0 -g> all '
did 'clean configure: <> all ' CONFIGURE_FLAGS=
finish
