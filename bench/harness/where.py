"""where.py - which statements of a written function its time goes to: bench/run CASE --where[=DEPTH].

A clock is read before each loop and each call of a routine, down to DEPTH levels of blocks. To read it costs
some 50 ns, so small steps within deep loops look larger than they are.
"""
import ctypes
import re

from built import show

CLOCK = """
#include <time.h>
double where_time[%(n)d];
static int where_at;
static double where_from;
static void where(int next)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	double now = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
	if (where_at)
		where_time[where_at] += now - where_from;
	where_at = next;
	where_from = now;
}
"""
STEP = re.compile(r"^(\t+)(for \(|while \(|sgrt_\w+\(|memset\(|const \w+ \w+ = sgrt_)")


def marked(path, function, depth):
    """The text with clocks in the function, and what each clock stands before."""
    labels, out, comment, inside = [""], [], "", False
    lines = open(path).read().split("\n")
    for i, line in enumerate(lines):
        if line.startswith((function + "(", function + "_any(")):
            inside = True
        note = re.match(r"^\t+/\* (\S+:\d+): (.*) \*/$", line)
        if note:
            comment = note.group(1)
        step = STEP.match(line)
        before = lines[i - 1].rstrip()
        stands_alone = before.endswith((";", "{", "}", "*/")) or not before
        if inside and step and len(step.group(1)) <= depth and stands_alone:
            out.append(f"{step.group(1)}where({len(labels)});")
            labels.append(f"{comment:14} line {i + 1}: {line.strip()} {lines[i + 1].strip()}"[:150])
        if inside and re.match(r"^\treturn (SGRT_OK|status);", line):
            out.append("\twhere(0);")
        inside = inside and line != "}"
        out.append(line)
    return CLOCK % {"n": len(labels)} + "\n".join(out), labels


def print_where(tools, model, entry, depth, flags, make):
    """make(pointer) gives the Function to call."""
    function_name = f"{model.prefix}_{entry}"
    text, labels = marked(model.path, function_name, depth)
    path = f"{model.path[:-2]}_{entry}_where.c"
    with open(path, "w") as f:
        f.write(text)
    lib = tools.load(tools.shared(function_name + "-where", [path], flags))
    function = make(ctypes.cast(getattr(lib, function_name), ctypes.c_void_p))
    spent = (ctypes.c_double * len(labels)).in_dll(lib, "where_time")
    function.seconds(2)
    calls = []
    for _ in range(15):
        ctypes.memset(spent, 0, ctypes.sizeof(spent))
        function.seconds(1)
        calls.append(list(spent))
    spent = [sorted(column)[len(calls) // 2] for column in zip(*calls)]
    total = sum(spent) or 1
    print(f"{function_name}: {show(total)} a call, by statements of {model.path}")
    for share, label in sorted(((spent[i], labels[i]) for i in range(1, len(labels))), reverse=True)[:12]:
        if share > 0.01 * total:
            print(f"  {100 * share / total:5.1f} %  {show(share):>8}  {label}")
