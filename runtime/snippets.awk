# snippets.awk - cuts the expanded runtime into snippets: a function, a type, a constant, a macro,
# each with the comment that stands on it. The first file is what the header holds (static inline),
# the others are kernels; those of block*.c are for the JIT alone, which needs no more than their
# prototypes. Written to dir: protos, block.h, reference.h, runtime_text.c, symbols.c, scalars.c,
# isa_names.h, dispatch.c.
#
# What it relies on: a definition begins in column 0 and ends at the first line that begins with
# '}', or, if it has no brace, ends with ';'. The name of a function begins its line. A comment
# begins in column 0.

function fail(what) {
	print "snippets.awk: " FILENAME ": " what > "/dev/stderr"
	failed = 1
	exit 1
}

function word_before(s, stop) { # the identifier before the first character of `stop`
	s = substr(s, 1, match(s, stop) - 1)
	sub(/[ \t]+$/, "", s)
	match(s, /[A-Za-z_0-9]+$/)
	return substr(s, RSTART)
}

function strip_comments(s,    out, e) {
	out = ""
	while (match(s, /\/\*/)) {
		out = out substr(s, 1, RSTART - 1)
		s = substr(s, RSTART + 2)
		e = index(s, "*/")
		s = substr(s, e + 2)
	}
	return out s
}

function add(name, text, kind, proto) {
	if (name in text_of) fail("two snippets are called " name)
	if (length(comment text) > 4000) fail(name " is too long for a string literal")
	names[++count] = name
	text_of[name] = comment text
	code_of[name] = strip_comments(text)
	kind_of[name] = kind
	proto_of[name] = proto
	if (kernel && FILENAME !~ /\/error\.c$/) is_kernels[name] = 1
	comment = ""
}

function finish(    name, proto, i, kind, reference, inner) {
	kind = "function"
	if (body ~ /^typedef/) {
		kind = "type"
		name = body
		sub(/;\n$/, "", name)
		sub(/\n#.*/, "", name)
		match(name, /[A-Za-z_0-9]+$/)
		name = substr(name, RSTART)
		proto = ""
	} else if (fname == "") {
		kind = "constant"
		name = word_before(body, "[[=]")
		proto = ""
	} else {
		name = fname
		proto = body
		sub(/\n\{.*/, "", proto)
		sub(/\n#if defined __GNUC__[^\n]*\n[^\n]*\n#endif/, "", proto) # an attribute
		sub(/^static inline[ \n]/, "", proto)
		sub(/^static /, "", proto)
		sub(/\n/, " ", proto)
		proto = proto ";\n"
	}
	reference = name ~ /_ref_[fi](32|64)$/
	inner = jit_only && (kind == "type" || body ~ /^static/) # what no JIT's code names
	if (kernel && kind == "function" && body !~ /^static/) {
		i = proto
		gsub(/restrict/, "SGRT_RESTRICT", i)
		if (reference) references = references comment i "\n"
		else if (jit_only) blocks = blocks comment i "\n"
		else protos = protos comment i "\n"
		if (!reference && FILENAME !~ /\/error\.c$/) kernels[++nkernels] = name
		body = "static " body
	}
	if (kind == "function" && FILENAME ~ /\/(matmul|softmax|normal)\.c$/) products[name] = 1
	if (reference || inner) comment = ""
	else add(name, jit_only ? proto : body, kind, proto)
	body = ""
	fname = ""
}

function quote(s,    n, i, l, out) {
	n = split(s, l, "\n")
	out = ""
	for (i = 1; i < n; i++) {
		gsub(/\\/, "&&", l[i])
		gsub(/"/, "\\\"", l[i])
		gsub(/\t/, "\\t", l[i])
		out = out "\n\t \"" l[i] "\\n\""
	}
	return out
}

function sort_names(    i, j, n) { # Shell's sort
	for (g = 364; g >= 1; g = int(g / 3))
		for (i = g + 1; i <= count; i++) {
			n = names[i]
			for (j = i - g; j >= 1 && names[j] > n; j -= g) names[j + g] = names[j]
			names[j + g] = n
		}
}

# Strings stand one behind the other in a structure without pointers, which a loader would have to move and
# each process to have pages of its own for. string() gives the place of one.
function string(s) {
	strings[++nstrings] = s
	size_of_strings += length(s) + 1
	return size_of_strings - length(s) - 1
}

function write_strings(f,    i, q) {
	print "static const struct {" > f
	for (i = 1; i <= nstrings; i++) printf "\tchar s%d[%d];\n", i, length(strings[i]) + 1 > f
	print "} strings = {" > f
	for (i = 1; i <= nstrings; i++) {
		q = strings[i] ~ /\n$/ ? quote(strings[i]) : "\t\"" strings[i] "\""
		print q "," > f
	}
	print "};\n" > f
	print "_Static_assert(sizeof strings == " size_of_strings ", \"no room between strings\");\n" > f
	nstrings = size_of_strings = 0
}

# Which scalar functions come to sgrt_fuse, and so to other bits where a processor fuses.
function find_fused(    i, n, s, id, again) {
	for (i = 1; i <= count; i++) {
		n = names[i]
		if (kind_of[n] == "function" && code_of[n] ~ /sgrt_[a-z0-9_]+\(/) candidates[n] = code_of[n]
	}
	fuses["sgrt_fuse_f32"] = fuses["sgrt_fuse_f64"] = 1
	for (again = 1; again;) {
		again = 0
		for (n in candidates) {
			s = candidates[n]
			while (!(n in fuses) && match(s, /sgrt_[A-Za-z_0-9]+/)) {
				id = substr(s, RSTART, RLENGTH)
				s = substr(s, RSTART + RLENGTH)
				if (id in fuses) again = fuses[n] = 1
			}
			if (n in fuses) delete candidates[n]
		}
	}
}

function write_text(f,    i, n, s, id, seen, k, all, rows, place) {
	print "/* Written by gen.sh: the runtime as text. */\n#include \"runtime_text.h\"\n" > f
	all = 0
	for (i = 1; i <= count; i++) place[names[i]] = i - 1
	print "const uint16_t sgrt_needs[] = {" > f
	for (i = 1; i <= count; i++) {
		n = names[i]
		s = code_of[n]
		split("", seen)
		k = 0
		while (match(s, /[Ss][Gg][Rr][Tt]_[A-Za-z_0-9]+/)) {
			id = substr(s, RSTART, RLENGTH)
			s = substr(s, RSTART + RLENGTH)
			if (id == n || id in seen || !(id in text_of)) continue
			seen[id] = 1
			print "\t" place[id] "," > f
			k++
		}
		rows = rows "\t{" string(n) ", " string(text_of[n]) ", " \
			(proto_of[n] == "" ? 0 : string(proto_of[n])) ", " all ", " k ", " (n in products) ", " (n in is_kernels) "},\n"
		all += k
	}
	print "};\n" > f
	write_strings(f)
	print "const sgrt_snippet sgrt_snippets[] = {\n" rows "};" > f
	print "const size_t sgrt_nsnippets = sizeof sgrt_snippets / sizeof sgrt_snippets[0];\n" > f
	print "const char *\nsgrt_text_at(uint32_t place)\n{" > f
	print "\treturn (const char *)&strings + place;\n}" > f
}

# The prototype of a function under another name, or as a pointer.
function renamed(n, name,    p) {
	p = proto_of[n]
	sub(n "\\(", name "(", p)
	return p
}

# The names of a function's parameters, as a call has them.
function arguments(n,    p, k, i, part, out) {
	p = proto_of[n]
	sub(/^[^(]*\(/, "", p)
	sub(/\);\n$/, "", p)
	k = split(p, part, ",")
	out = ""
	for (i = 1; i <= k; i++) {
		match(part[i], /[A-Za-z_0-9]+$/)
		out = out (i > 1 ? ", " : "") substr(part[i], RSTART)
	}
	return out
}

function declare_forms(f,    i, k) {
	for (i = 1; i <= nkernels; i++)
		for (k = 1; k <= nisas; k++) printf "%s", renamed(kernels[i], kernels[i] "_" isa[k]) > f
	print "" > f
}

# The form of kernel n for the instruction set that `by` says.
function choice(n, by,    k, s) {
	s = n "_" isa[1]
	for (k = 2; k <= nisas; k++) s = by " == " k - 1 " ? " n "_" isa[k] " : " s
	return s
}

function write_dispatch(f,    i, n, s, returns) {
	print "/* Written by gen.sh: each kernel's plain name calls the form for this CPU. */" > f
	print "#include \"isa.h\"\n#include \"symgrad_block.h\"\n#include \"symgrad_runtime.h\"\n" > f
	declare_forms(f)
	for (i = 1; i <= nkernels; i++) {
		n = kernels[i]
		s = proto_of[n]
		sub(/;\n$/, "", s)
		returns = s ~ /^void / ? "" : "return "
		print s "\n{\n\t" returns "(" choice(n, "sgrt_isa") ")(" arguments(n) ");\n}\n" > f
	}
}

function write_names(f,    i) {
	print "/* Written by gen.sh: included first where kernels are compiled for one of several" > f
	print " * instruction sets, with -DSGRT_SUFFIX=_base or another. */" > f
	print "#define SGRT_JOIN(a, b) a##b\n#define SGRT_FORM(a, b) SGRT_JOIN(a, b)" > f
	print "#define sgrt_scalar_address SGRT_FORM(sgrt_scalar_address, SGRT_SUFFIX)" > f
	for (i = 1; i <= nkernels; i++)
		print "#define " kernels[i] " SGRT_FORM(" kernels[i] ", SGRT_SUFFIX)" > f
}

# Functions of <math.h> are reached through ours, so that the loader looks up those alone that are called.
function wrapper(f, type, n,    p, arg) {
	p = type " x"
	arg = "x"
	if (n ~ /^(atan2|copysign|fma|fmax|fmin|fmod|hypot|pow)f?$/) { p = p ", " type " y"; arg = arg ", y" }
	if (n ~ /^fmaf?$/) { p = p ", " type " z"; arg = arg ", z" }
	if (n ~ /^ldexpf?$/) { p = p ", int n"; arg = arg ", n" }
	print "static " type " m_" n "(" p ") { return " n "(" arg "); }" > f
}

function write_libm(f, m,    i) {
	for (i = 1; i in m; i++) {
		wrapper(f, "double", m[i])
		wrapper(f, "float", m[i] "f")
	}
	print "static void *m_memcpy(void *t, const void *s, size_t n) { return n ? memcpy(t, s, n) : t; }" > f
	print "static void *m_memmove(void *t, const void *s, size_t n) { return n ? memmove(t, s, n) : t; }" > f
	print "static void *m_memset(void *t, int c, size_t n) { return n ? memset(t, c, n) : t; }\n" > f
}

# A kernel has its forms themselves, so that JIT-compiled code calls them and not by way of dispatch.c. The
# addresses stand in code and not in an array, for which a loader would have to write each.
# Scalar functions that fuse have a form for each instruction set too, so that a value is the same whether
# it is made by itself or in a block: scalars holds these, by their place among the symbols.
function write_symbols(f, scalars,    i, k, n, m, rows, places, address) {
	print "/* Written by gen.sh: what JIT-compiled code may call. */" > f
	print "#include \"symbols.h\"\n#include \"symgrad_block.h\"\n#include \"symgrad_runtime.h\"\n" > f
	print "#include <math.h>\n#include <stdint.h>\n#include <string.h>\n" > f
	print "typedef void (*fn)(void);\n" > f
	print "#ifdef SGRT_DISPATCH" > f
	declare_forms(f)
	n = choice("(fn)f##", "isa")
	for (k = 1; k <= nisas; k++) print "fn sgrt_scalar_address_" isa[k] "(int i);" > f
	print "#define KERNEL(f) (" n ")" > f
	print "#define SCALAR(i) (" choice("sgrt_scalar_address", "isa") ")(i)\n#else" > f
	print "fn sgrt_scalar_address(int i);" > f
	print "#define KERNEL(f) (fn)f\n#define SCALAR(i) sgrt_scalar_address(i)\n#endif\n" > f
	print "/* Written by gen.sh: scalar functions as JIT-compiled code calls them. */" > scalars
	print "#include \"symgrad_runtime.h\"\n\ntypedef void (*fn)(void);\nfn sgrt_scalar_address(int i);\n" > scalars
	print "fn\nsgrt_scalar_address(int i)\n{\n\tswitch (i) {" > scalars
	n = split(libm, m, " ")
	write_libm(f, m)
	for (i = 1; i <= n; i++) {
		names[++count] = m[i]
		names[++count] = m[i] "f"
		kind_of[m[i]] = kind_of[m[i] "f"] = "libm"
	}
	names[++count] = "memcpy"; names[++count] = "memmove"; names[++count] = "memset"
	kind_of["memcpy"] = kind_of["memmove"] = kind_of["memset"] = "libm"
	for (i = 1; i <= nkernels; i++) kind_of[kernels[i]] = "kernel"
	sort_names()
	rows = 0
	for (i = 1; i <= count; i++) {
		n = names[i]
		if (kind_of[n] !~ /^(function|kernel|libm)$/ || n in hidden) continue
		places = places "\t" string(n) ",\n"
		address = kind_of[n] == "kernel" ? "KERNEL(" n ")" : (kind_of[n] == "libm" ? "(fn)m_" : "(fn)") n
		if (kind_of[n] == "function" && n in fuses) {
			print "\tcase " rows ": return (fn)" n ";" > scalars
			address = "SCALAR(" rows ")"
		}
		body_of_switch = body_of_switch "\tcase " rows++ ": return " address ";\n"
	}
	write_strings(f)
	print "static const uint16_t place[] = {\n" places "};" > f
	print "const size_t sgrt_nsymbols = sizeof place / sizeof place[0];\n" > f
	print "const char *\nsgrt_symbol_name(size_t i)\n{\n\treturn (const char *)&strings + place[i];\n}\n" > f
	print "void (*sgrt_symbol_address(size_t i, int isa))(void)\n{\n\t(void)isa;\n\tswitch (i) {" > f
	print body_of_switch "\t}\n\treturn 0;\n}" > f
	print "\t}\n\treturn 0;\n}" > scalars
}

FNR == 1 {
	kernel = NR > 1
	jit_only = FILENAME ~ /\/block(_fold|_pair)?\.c$/
	comment = body = fname = ""
	in_comment = in_macro = depth = 0
}
in_comment {
	comment = comment $0 "\n"
	if ($0 ~ /\*\//) in_comment = 0
	next
}
in_macro {
	body = body $0 "\n"
	if ($0 !~ /\\$/) {
		in_macro = 0
		add(fname, body, "macro", "")
		body = fname = ""
	}
	next
}
body == "" && /^\/\*/ {
	comment = $0 "\n"
	in_comment = $0 !~ /\*\//
	next
}
body == "" && /^$/ { comment = ""; next }
body == "" && /^#define / {
	fname = word_before($2 " ", "[( ]")
	if ($0 ~ /\\$/) { in_macro = 1; body = $0 "\n"; next }
	add(fname, $0 "\n", "macro", "")
	fname = ""
	next
}
body == "" && /^#/ { comment = ""; next }
{
	if (fname == "" && match($0, /^[A-Za-z_0-9]+\(/)) fname = substr($0, 1, RLENGTH - 1)
	body = body $0 "\n"
	bare = $0
	depth += gsub(/\{/, "", bare) - gsub(/\}/, "", bare)
	if (depth == 0 && $0 ~ /^}|;$/) {
		if (kernel && body ~ /^static/) hidden[fname] = 1
		finish()
	}
}
END {
	if (failed) exit 1
	printf "%s", protos > (dir "/protos")
	f = dir "/block.h"
	print "/* Written by gen.sh: the kernels that only JIT-compiled code calls. */" > f
	print "#ifndef SYMGRAD_BLOCK_H\n#define SYMGRAD_BLOCK_H\n" > f
	print "#include \"symgrad_runtime.h\"\n\n" blocks "#endif" > f
	f = dir "/reference.h"
	print "/* Written by gen.sh: the naive references of the kernels, for tests. */" > f
	print "#ifndef SYMGRAD_REFERENCE_H\n#define SYMGRAD_REFERENCE_H\n" > f
	print "#include \"symgrad_runtime.h\"\n\n" references "#endif" > f
	write_names(dir "/isa_names.h")
	nisas = split("base avx2 avx512", isa, " ")
	write_dispatch(dir "/dispatch.c")
	sort_names()
	find_fused()
	write_text(dir "/runtime_text.c")
	write_symbols(dir "/symbols.c", dir "/scalars.c")
}
