# expand.awk - a runtime template becomes C.
#
# "@types f32 f64" (or i32 i64, or none) in a line of its own: the lines up to the next one, or to
# the end, are written once for each of these types, with
#   T  the type: float double int32_t int64_t     U, I  its unsigned and signed bits
#   R(f)  sgrt_f_f32       M(f)  tanhf, tanh      K(v)  0.5f, 0.5     PICK(a, b)  a for 32 bits, b
# for 64
#   INLINE  static inline, and always so in code that is made for speed: a loop over it has vectors
#     only then
# "@f32 TEXT": the line TEXT in that type's text alone. "@types f32 f64 for exp log": once more for
# each of these names, which NAME stands for (and SHORT for i32 where that is int32_t, LONG for
# int32_t where that is i32). "@for NAME VALUE" or "@for NAME VALUE ; VALUE OF INTEGERS" in the
# lines behind @types: once more for each of these, VALUE too is replaced; without the second form
# the integers are passed over. "@include FILE", of the same folder: its lines stand here.

function name_types(t) {
	wide = t ~ /64$/
	float = t ~ /^f/
	bits = wide ? "64" : "32"
	type["T"] = float ? (wide ? "double" : "float") : "int" bits "_t"
	type["U"] = "uint" bits "_t"
	type["I"] = "int" bits "_t"
}

function call(id, arg, t,    p) {
	if (id == "R") return "sgrt_" arg "_" t
	if (id == "M") return arg (wide ? "" : "f")
	if (id == "K") return arg (float && !wide ? "f" : "")
	p = index(arg, ",")
	return wide ? substr(arg, p + 2) : substr(arg, 1, p - 1)
}

function expand(s, t,    out, id, close_at) {
	out = ""
	while (match(s, /[A-Za-z_0-9]+/)) {
		id = substr(s, RSTART, RLENGTH)
		out = out substr(s, 1, RSTART - 1)
		s = substr(s, RSTART + RLENGTH)
		if (id in type) {
			out = out type[id]
		} else if (id ~ /^([RMK]|PICK)$/ && substr(s, 1, 1) == "(") {
			close_at = index(s, ")")
			out = out call(id, substr(s, 2, close_at - 2), t)
			s = substr(s, close_at + 1)
		} else if (id == "INLINE") {
			out = out "static inline\n#if defined __GNUC__ && defined __OPTIMIZE__ && !defined __OPTIMIZE_SIZE__\n" \
			    "\t__attribute__((always_inline))\n#endif"
		} else {
			out = out id
		}
	}
	return out s
}

function short_name(name) {
	sub(/^int/, "i", name)
	sub(/_t$/, "", name)
	return name
}

function long_name(name) {
	if (name ~ /^i(32|64)$/) return "int" substr(name, 2) "_t"
	return name == "bool" ? "uint8_t" : name
}

function print_section(t, name, value,    i, s) {
	name_types(t)
	gsub(/[\\&]/, "\\\\&", value)
	for (i = 1; i <= lines; i++) {
		s = line[i]
		if (s ~ /^@[fi](32|64) /) {
			if (substr(s, 2, 3) != t) continue
			s = substr(s, 6)
		}
		if (name != "") {
			gsub(/NAME/, name, s)
			gsub(/SHORT/, short_name(name), s)
			gsub(/LONG/, long_name(name), s)
			gsub(/VALUE/, value, s)
		}
		print expand(s, t)
	}
}

# Row i of "@for" on type t.
function print_row(t, i,    cut) {
	cut = index(row_value[i], " ; ")
	if (t ~ /^f/) print_section(t, row_name[i], cut ? substr(row_value[i], 1, cut - 1) : row_value[i])
	else if (cut) print_section(t, row_name[i], substr(row_value[i], cut + 3))
}

function flush_section(    i, k, n, t, names, name) {
	n = split(types, t, " ")
	for (k = 1; k <= n; k++) {
		names = split(for_names, name, " ")
		if (names == 0 && rows == 0) print_section(t[k], "", "")
		for (i = 1; i <= names; i++) print_section(t[k], name[i], "")
		for (i = 1; i <= rows; i++) print_row(t[k], i)
	}
	lines = rows = 0
}

function read_line(s,    dir, inner) {
	if (s ~ /^@include /) {
		dir = FILENAME
		sub(/[^\/]*$/, "", dir)
		while ((getline inner < (dir substr(s, 10))) > 0) read_line(inner)
		close(dir substr(s, 10))
	} else if (s ~ /^@types /) {
		flush_section()
		types = substr(s, 8)
		for_names = ""
		if (match(types, / for /)) {
			for_names = substr(types, RSTART + 5)
			types = substr(types, 1, RSTART - 1)
		}
		if (types == "none") types = ""
	} else if (types == "") {
		print s
	} else if (s ~ /^@for /) {
		split(s, word, " ")
		row_name[++rows] = word[2]
		row_value[rows] = substr(s, length(word[2]) + 7)
	} else {
		line[++lines] = s
	}
}

BEGIN { types = "" }
{ read_line($0) }
END { flush_section() }
