#!/bin/sh
# pip.sh - the package as a stranger gets it: `pip install ./python` into a new environment, from the sources
# of the tree alone, then what people do with it. Skipped where there is no venv, or no package index.
#
# CFLAGS=-O0 makes the library in half the time; what is fast is not asked here.
# shellcheck source=tests/cli/harness.inc
. "${srcdir:-.}/tests/cli/harness.inc"
tree=$(cd "$srcdir" && pwd)
cd "$work" || exit 99
unset SYMGRAD_BUILD SYMGRAD_SYSTEM PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

skip() {
	echo "skipped: $1"
	exit 77
}
pip() { v/bin/python -m pip --quiet --retries 1 --timeout 20 "$@" >out 2>err </dev/null; }

"${PYTHON:-python3}" -m venv v >out 2>&1 || skip 'no venv; Debian: apt-get install python3-venv'
pip install numpy || skip "no package index: $(tail -n 1 err)"
pip install pytest || echo 'not there: pytest'
pip install scipy || echo 'not there: scipy'
pip install mypy || echo 'not there: mypy'
have() { v/bin/python -c "import $1" 2>no; }

mkdir copy # for pip builds in the tree that it is given
for part in src runtime python sources.mk Makefile.am configure.ac LICENSE; do cp -R "$tree/$part" copy/; done
rm -rf copy/python/build
status 'pip installs the package' 0 env CFLAGS="${PIP_CFLAGS:--O0}" v/bin/python -m pip install ./copy/python
[ "$failed" = 0 ] || {
	tail -n 30 err
	finish
	exit 1
}
rm -rf copy # nothing of it is needed any more
where=$(v/bin/python -c 'import symgrad, pathlib; print(pathlib.Path(symgrad.__file__).parent)')
for file in py.typed _core.pyi; do
	[ -e "$where/$file" ]
	judge "$file is installed" $?
done
version=$(sed -n 's/^AC_INIT(\[symgrad\], \[\(.*\)\])$/\1/p' "$tree/configure.ac")
prints 'its version is that of the tree' "$version $version" \
	v/bin/python -c 'import symgrad, importlib.metadata as m; print(symgrad.__version__, m.version("symgrad"))'
prints 'it takes a gradient' '14.0 [2. 4. 6.]' v/bin/python -c '
import numpy as np, symgrad
m = symgrad.compile("input x[N]\ngradient sum(x**2) as y wrt x\n")
print(*m.gradient(x=np.array([1.0, 2.0, 3.0])))'
# what configure found, pip's build finds
jit=$("$SYMGRAD" --version | grep -c 'jit' || :)
[ "$jit" = 0 ] || prints 'it has the JIT' True v/bin/python -c 'import symgrad; print(symgrad.have_jit)'
status 'help() prints' 0 v/bin/python -c 'import symgrad; help(symgrad)'

# ---- the examples, where what they show is there
for example in train:numpy minimise:scipy torch_function:torch; do
	if have "${example#*:}"; then
		status "examples/python/${example%:*}.py" 0 v/bin/python "$tree/examples/python/${example%:*}.py"
	else
		echo "not tried: examples/python/${example%:*}.py, for there is no ${example#*:}"
	fi
done

# ---- types and tests
if have mypy; then
	status 'mypy --strict is content with a user' 0 v/bin/python -m mypy --strict "$tree/python/tests/typed_user.py"
	[ "$failed" = 0 ] || cat out
	status 'and with the package' 0 v/bin/python -m mypy --strict -p symgrad
	[ "$failed" = 0 ] || cat out
fi
if have pytest; then
	status 'the tests of the package pass' 0 v/bin/python -m pytest -q -p no:cacheprovider "$tree/python/tests"
	cat out
	passed=$((passed + $(sed -n 's/^\([0-9]* failed, \)*\([0-9]*\) passed.*/\2/p' out)))
fi

status 'pip removes it' 0 v/bin/python -m pip uninstall -y symgrad
[ ! -e "$where" ]
judge 'and nothing stays' $?
finish
