# snippets.awk - cuts the expanded runtime into snippets: a function, a type, a constant, a macro,
# each with the comment that stands on it. The first file is what the header holds (static inline),
# the others are kernels; those of block.c are for the JIT alone, which needs no more than their
# prototypes. Written to dir: protos, block.h, reference.h, runtime_text.c, symbols.c,
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
	comment = ""
}

function finish(    name, proto, i, kind, reference) {
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
		sub(/\n#if defined __GNUC__\n[^\n]*\n#endif/, "", proto) # an attribute
		sub(/^static inline[ \n]/, "", proto)
		sub(/^static /, "", proto)
		sub(/\n/, " ", proto)
		proto = proto ";\n"
	}
	reference = name ~ /_ref_[fi](32|64)$/
	if (kernel && kind == "function" && body !~ /^static/) {
		i = proto
		gsub(/restrict/, "SGRT_RESTRICT", i)
		if (reference) references = references comment i "\n"
		else if (jit_only) blocks = blocks comment i "\n"
		else protos = protos comment i "\n"
		if (!reference && FILENAME !~ /\/error\.c$/) kernels[++nkernels] = name
		body = "static " body
	}
	if (reference) comment = ""
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

function write_text(f,    i, n, s, id, seen, needs, k) {
	print "/* Written by gen.sh: the runtime as text. */\n#include \"runtime_text.h\"\n" > f
	for (i = 1; i <= count; i++) {
		n = names[i]
		s = code_of[n]
		split("", seen)
		needs = ""
		k = 0
		while (match(s, /[Ss][Gg][Rr][Tt]_[A-Za-z_0-9]+/)) {
			id = substr(s, RSTART, RLENGTH)
			s = substr(s, RSTART + RLENGTH)
			if (id == n || id in seen || !(id in text_of)) continue
			seen[id] = 1
			needs = needs (k++ ? ", " : "") "\"" id "\""
		}
		nneeds[n] = k
		if (k) print "static const char *const n" i "[] = {" needs "};" > f
	}
	print "\nconst sgrt_snippet sgrt_snippets[] = {" > f
	for (i = 1; i <= count; i++) {
		n = names[i]
		print "\t{\"" n "\"," quote(text_of[n]) "," > f
		print "\t " (nneeds[n] ? "n" i : "0") ", " nneeds[n] "," > f
		print "\t " (proto_of[n] == "" ? "0" : quote(proto_of[n])) "}," > f
	}
	print "};\n\nconst size_t sgrt_nsnippets =" > f
	print "\tsizeof sgrt_snippets / sizeof sgrt_snippets[0];" > f
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

function write_dispatch(f,    i, k, n, s, returns) {
	print "/* Written by gen.sh: each kernel's plain name calls the form for this CPU. */" > f
	print "#include \"isa.h\"\n#include \"symgrad_block.h\"\n#include \"symgrad_runtime.h\"\n" > f
	declare_forms(f)
	for (i = 1; i <= nkernels; i++) {
		n = kernels[i]
		s = renamed(n, "(*const " n "_forms[])")
		sub(/;\n$/, " = {\n\t", s)
		for (k = 1; k <= nisas; k++) s = s n "_" isa[k] (k < nisas ? ", " : "};\n\n")
		print "static " s > f
		s = proto_of[n]
		sub(/;\n$/, "", s)
		returns = s ~ /^void / ? "" : "return "
		print s "\n{\n\t" returns n "_forms[sgrt_isa](" arguments(n) ");\n}\n" > f
	}
}

function write_names(f,    i) {
	print "/* Written by gen.sh: included first where kernels are compiled for one of several" > f
	print " * instruction sets, with -DSGRT_SUFFIX=_base or another. */" > f
	print "#define SGRT_JOIN(a, b) a##b\n#define SGRT_FORM(a, b) SGRT_JOIN(a, b)" > f
	for (i = 1; i <= nkernels; i++)
		print "#define " kernels[i] " SGRT_FORM(" kernels[i] ", SGRT_SUFFIX)" > f
}

# A kernel's row has its forms themselves, so that JIT-compiled code calls them and not by way of
# dispatch.c.
function write_symbols(f,    i, k, n, m, l, forms) {
	print "/* Written by gen.sh: what JIT-compiled code may call. */" > f
	print "#include \"symbols.h\"\n#include \"symgrad_block.h\"\n#include \"symgrad_runtime.h\"\n" > f
	print "#include <math.h>\n#include <string.h>\n" > f
	print "#ifdef SGRT_DISPATCH" > f
	declare_forms(f)
	forms = "(fn)f##_" isa[1]
	for (k = 2; k <= nisas; k++) forms = forms ", (fn)f##_" isa[k]
	print "#define KERNEL(f) {" forms "}\n#else\n#define KERNEL(f) PLAIN(f)\n#endif" > f
	print "#define PLAIN(f) {(fn)f, (fn)f, (fn)f}\n" > f
	n = split(libm, m, " ")
	for (i = 1; i <= n; i++) {
		names[++count] = m[i]
		names[++count] = m[i] "f"
		kind_of[m[i]] = kind_of[m[i] "f"] = "function"
	}
	names[++count] = "memcpy"; names[++count] = "memmove"; names[++count] = "memset"
	kind_of["memcpy"] = kind_of["memmove"] = kind_of["memset"] = "function"
	for (i = 1; i <= nkernels; i++) kind_of[kernels[i]] = "kernel"
	sort_names()
	print "typedef void (*fn)(void);\nconst sgrt_symbol sgrt_symbols[] = {" > f
	for (i = 1; i <= count; i++) {
		n = names[i]
		if (kind_of[n] !~ /^(function|kernel)$/ || n in hidden) continue
		print "\t{\"" n "\", " (kind_of[n] == "kernel" ? "KERNEL(" : "PLAIN(") n ")}," > f
	}
	print "};\nconst size_t sgrt_nsymbols = sizeof sgrt_symbols / sizeof sgrt_symbols[0];" > f
}

FNR == 1 {
	kernel = NR > 1
	jit_only = FILENAME ~ /\/block\.c$/
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
	write_text(dir "/runtime_text.c")
	write_symbols(dir "/symbols.c")
}
