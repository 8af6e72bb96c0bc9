#!/bin/sh
# The programs in examples/host do what they say: with the library (built by make), from C++ where there is a
# compiler and a shared library, and with written C alone.
. "${srcdir:-.}/tests/cli/harness.inc"
host=$(cd "$srcdir" && pwd)/examples/host
model=$(cd "$srcdir" && pwd)/examples/perceptron.sg
builddir=$(cd "${builddir:-.}" && pwd)
cd "$work" || exit 99

for program in newton threads implicit; do
	status "examples/host/$program" 0 "$builddir/examples/host/$program"
done
status 'examples/host/descend' 0 "$builddir/examples/host/descend" "$model"
status 'examples/host/train' 0 "$builddir/examples/host/train" "$host/../mlp.sg"
losses=$(sed -n 's/^epoch .* loss //p' out)
[ "$(echo "$losses" | wc -l)" -gt 4 ] && [ "$losses" = "$(echo "$losses" | sort -rn)" ]
judge 'its loss goes down in each epoch' $?
status 'a model that it can not train is told by what is missing' 1 "$builddir/examples/host/train" "$model"
says 'and that is told by the library' "^no input 'label' in entry 'gradient'$"
sed 's/^real f32/real f64/; s/input x/input x: f32/' "$host/../mlp.sg" >wide.sg
status 'params of another type are told' 1 "$builddir/examples/host/train" wide.sg
says 'by their name' "^param 'w1': expected f64, got f32$"

lib=$builddir/.libs/libsymgrad.so
if command -v "${CXX:-c++}" >cxx.path && [ -e "$lib" ] && ! nm -D "$lib" | grep -q __asan; then
	status 'a C++ program compiles' 0 "${CXX:-c++}" -std=c++11 -Wall -Wextra -Wpedantic -Werror \
		"-I$host/../../src/api" "$host/fit.cpp" "$lib" -o fit
	prints 'and fits a line' "y = 1.500000 -0.500000 x
as it should be: input 'y': expected [N] with N = 20, got [3]" env "LD_LIBRARY_PATH=$builddir/.libs" ./fit
else
	echo 'not tried: C++, for there is no compiler or no shared library'
fi

expect 'written C with steps of training' 0 '' '' compile "$model" --dim=N=16 --step=adam --standalone --prefix=net -o .
status 'a program without a library compiles' 0 ${CC:-cc} -std=c11 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror -I. "$host/static.c" net.c -lm -o static
status 'and its loss goes down' 0 ./static

expect 'written C with a module' 0 '' '' compile "$model" -o .
status 'a program with the runtime alone compiles' 0 ${CC:-cc} -std=c11 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	-Werror "-I$builddir/runtime" -I. "$host/module.c" perceptron.c "-L$builddir" -lsymgrad_rt -lm $sanitize -o module
status 'and its loss goes down' 0 ./module
grep -q '^int perceptron_gradient(ptrdiff_t N, const float \*x, ' out
judge 'and it says what the module has' $?

# ---- a microcontroller
if command -v arm-none-eabi-gcc >gcc.path && command -v qemu-system-arm >qemu.path &&
	echo 'float f(float); float f(float x) { return sqrtf(x); }' | arm-none-eabi-gcc -include math.h -x c -c -o have.o - 2>have.err; then
	status 'a program for a Cortex-M4 compiles' 0 arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -O2 -std=gnu11 -Wall -Wextra \
		-Werror -nostartfiles -T "$host/mcu/mcu.ld" -I. "$host/mcu/main.c" net.c -lm -o mcu.elf
	status 'and runs' 0 timeout 60 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
		-semihosting-config enable=on,target=native -kernel mcu.elf
	cat out err >said
	grep -q '^the loss went down$' said
	judge 'and its loss goes down there' $?
else
	echo 'not tried: the microcontroller, for arm-none-eabi-gcc with newlib or qemu-system-arm is not here'
fi
finish
