# Made by sources.sh; do not edit.
lib_sources = \
	src/base/base.h \
	src/base/big.c \
	src/base/big.h \
	src/base/buf.c \
	src/base/ctx.c \
	src/base/ctx.h \
	src/base/diag.c \
	src/base/diag_text.c \
	src/base/names.c \
	src/base/number.c \
	src/base/source.c \
	src/base/stack.c \
	src/base/suggest.c \
	src/ir/extdiv.c \
	src/ir/extent.c \
	src/ir/ir.h \
	src/ir/space.h \
	src/rules/build.h \
	src/rules/build_ew.c \
	src/rules/build_move.c \
	src/rules/build_struct.c \
	src/rules/ops.def \
	src/rules/partials.c \
	src/rules/rules.h \
	src/rules/stabilise.c \
	src/rules/table.c \
	src/front/ast.h \
	src/front/front.h \
	src/pass/pass.h \
	src/back/back.h \
	src/back/tcc_streams.c
cli_sources = \
	src/cli/array.c \
	src/cli/file.c \
	src/cli/npy.c \
	src/cli/text.c
runtime_templates = \
	runtime/activation.c.in \
	runtime/core.h.in \
	runtime/error.c.in \
	runtime/gamma.h.in \
	runtime/integer.h.in \
	runtime/loss.c.in \
	runtime/matmul.c.in \
	runtime/random.h.in \
	runtime/reduce.c.in \
	runtime/scalar.h.in \
	runtime/softmax.c.in \
	runtime/special.h.in \
	runtime/sum.h.in \
	runtime/symgrad_runtime.h.in \
	runtime/vector.h.in \
	runtime/vmath.c.in \
	runtime/runtime_text.h \
	runtime/symbols.h \
	runtime/expand.awk \
	runtime/snippets.awk \
	runtime/gen.sh
runtime_kernels = \
	runtime/activation.c \
	runtime/error.c \
	runtime/loss.c \
	runtime/matmul.c \
	runtime/reduce.c \
	runtime/softmax.c \
	runtime/vmath.c
test_programs = \
	tests/check_base
example_programs =
test_headers =
test_scripts = \
	tests/count.sh \
	tests/floors.sh \
	tests/sources.sh
