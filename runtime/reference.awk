# reference.awk - parts a kernel file from its naive references (functions called NAME_ref_TYPE).
# With want=1 the references are printed, with want=0 the rest: references are compiled once and
# only for the tests, kernels for each instruction set.

function flush() {
	if (naive == want) printf "%s", chunk
	chunk = ""
	naive = 0
}

{ chunk = chunk $0 "\n" }
/^sgrt_[a-z0-9_]*_ref_[fi](32|64)\(/ { naive = 1 }
/^\{/ { inside = 1 }
/^}/ { inside = 0 }
/^$/ && !inside { flush() }
END { flush() }
