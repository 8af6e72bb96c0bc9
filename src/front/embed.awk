# embed.awk - a text file becomes a C string: awk -v name=sg_prelude -f embed.awk prelude.sg
BEGIN {
	print "/* Made by embed.awk from the text of this name; do not edit. */"
	print "#pragma GCC diagnostic ignored \"-Woverlength-strings\""
	print "extern const char " name "[];"
	print "const char " name "[] ="
}
{
	gsub(/\\/, "\\\\&")
	gsub(/"/, "\\\"")
	gsub(/\t/, "\\t")
	print "\t\"" $0 "\\n\""
}
END { print "\t\"\";" }
