"""report.py - the table of bench/RESULTS.md and its picture, an SVG of bars."""
import datetime

from built import show

OURS = ("C native", "C -O2", "JIT", "hand")


def best_peer(forms):
    peers = [f for f in forms if f.name not in OURS]
    return min(peers, key=lambda f: f.median) if peers else None


def form(forms, name):
    return next((f for f in forms if f.name == name), None)


def verdict(ok):
    return "yes" if ok else "**no**"


# Of the machine's limit, what counts as the limit.
NEAR = 0.85


class Report:
    def __init__(self, bench, command):
        self.bench, self.command = bench, command

    def head(self):
        b = self.bench
        return ["# Measured", "", "Made by `bench/run`, which docs/benchmarks.md explains. " + ("Medians of the process's own time;" if self.bench.a.clock == "cpu" else "Medians;")
                + " all forms of a case in turn in one run.", "",
                f"- command: `{self.command}`", f"- date: {datetime.date.today().isoformat()}", f"- machine: {b.machine()}",
                "- versions: " + "; ".join(b.versions()),
                f"- limits of one core: reads {b.read / 1e9:.1f} GB/s, triad {b.triad / 1e9:.1f} GB/s"
                + (f", matrix product {b.gemm / 1e9:.0f} GFLOP/s in f32" if b.gemm else ""), ""]

    def cases(self):
        if not self.bench.results:
            return []
        out = ["## Against peers: value and gradient", "",
               "Ratio: the fastest peer's median over ours; in brackets by the best times instead of the medians.", "",
               "| case | C, -O3 -march=native | C, -O2 | JIT | peers | ratio C | ratio -O2 | ratio JIT | PyTorch / C | aim C; JIT | reached | of the limit |",
               "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
        for case, forms, bound in self.bench.results:
            peer = best_peer(forms)
            native, o2, jit, hand = (form(forms, n) for n in OURS)
            ratio = lambda f: f"{peer.median / f.median:.3g} ({peer.best / f.best:.3g})" if peer and f else "-"
            torch = form(forms, "torch")
            others = [f for f in forms if f.name not in OURS] + ([hand] if hand else [])
            reached = "-"
            if peer and case.aim:
                ok = (peer.median / native.median >= case.aim
                      and (not case.aim_jit or not jit or peer.median / jit.median >= case.aim_jit))
                reached = "the limit" if not ok and bound and bound >= NEAR * native.best else verdict(ok)
            out.append("| " + " | ".join([
                case.title, show(native.median), show(o2.median), show(jit.median) if jit else "-",
                ", ".join(f"{f.name} {show(f.median)}" for f in others) or "-", ratio(native), ratio(o2), ratio(jit),
                f"{torch.median / native.median:.3g}" if torch else "-",
                f"{case.aim or '-'}; {case.aim_jit or '-'}", reached, f"{100 * bound / native.best:.0f} %" if bound else "-"]) + " |")
        return out + [""]

    def cold(self):
        if not self.bench.colds:
            return []
        out = ["## Text to first gradient, cold process, JIT", "", "| model | median | shortest from start to end | aim | reached |", "| --- | --- | --- | --- | --- |"]
        out += [f"| (the library loaded, nothing done) | {show(self.bench.floor[0])} | {show(self.bench.floor[1])} | | |"]
        return out + [f"| {n} | {show(m)} | {show(b)} | {show(limit)} | {verdict(m <= limit)} |" for n, m, b, limit in self.bench.colds] + [""]

    def calls(self):
        if not self.bench.calls:
            return []
        out = ["## What a call costs above the raw pointer", "", "The perceptron's gradient for one row, JIT, in turns with the raw pointer.", "",
               "| call | raw pointer | call | above it | aim | reached |", "| --- | --- | --- | --- | --- | --- |"]
        return out + [f"| {what} | {show(raw)} | {show(call)} | {show(max(call - raw, 0))} | {show(aim)} | {verdict(call - raw <= aim)} |"
                      for what, raw, call, aim in self.bench.calls] + [""]

    def workloads(self):
        if not self.bench.ratios:
            return []
        out = ["## Workloads: written C at -O3 -march=native", "",
               "Value against the same by hand at -Ofast (bench/hand; aim 1: no slower), derivative against our own value.", "",
               "| workload | size | value | by hand | hand / value | reached | derivative | derivative / value | at most | reached | workspace |",
               "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
        for w, value, hand, derivative, work in self.bench.ratios:
            r, d = hand.median / value.median, derivative.median / value.median
            out.append("| " + " | ".join([
                w.name, w.size, show(value.median), show(hand.median), f"{r:.2f} ({hand.best / value.best:.2f})", verdict(round(r, 2) >= 1), show(derivative.median),
                f"{d:.2f} ({derivative.best / value.best:.2f})", f"{w.at_most or '-'}", verdict(round(d, 2) <= w.at_most) if w.at_most else "-",
                f"{work / 1024:.0f} KiB"]) + " |")
        return out + [""]

    def write(self, path):
        picture = path.rsplit(".", 1)[0] + ".svg"
        notes = ["## Notes", ""] + [f"- {n}" for n in self.bench.notes] + [""]
        has_picture = self.draw(picture)
        link = [f"![ratios]({picture.rsplit('/', 1)[-1]})", ""] if has_picture else []
        with open(path, "w") as f:
            f.write("\n".join(self.head() + link + self.cases() + self.cold() + self.calls() + self.workloads() + notes))
        print(f"wrote {path}")

    def draw(self, path):
        """Bars of the ratios, on a logarithmic axis; a stroke where the aim is."""
        rows = []
        for case, forms, _ in self.bench.results:
            peer, native, jit = best_peer(forms), form(forms, "C native"), form(forms, "JIT")
            if peer:
                rows.append((case.name, peer.median / native.median, jit and peer.median / jit.median, case.aim))
        for w, value, hand, _, _ in self.bench.ratios:
            rows.append((w.name + " / hand", hand.median / value.median, None, 1))
        if not rows:
            return False
        import math
        left, width, step = 150, 560, 22
        lo, hi = -1.0, 3.0
        place = lambda v: left + width * (min(max(math.log10(v), lo), hi) - lo) / (hi - lo)
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" height="{step * len(rows) + 50}" font-family="sans-serif" font-size="12">',
               '<rect width="100%" height="100%" fill="white"/>',
               f'<text x="{left}" y="14">fastest peer / ours: written C (dark), JIT (light); the stroke is the aim</text>']
        for e in range(int(lo), int(hi) + 1):
            x = place(10.0**e)
            out.append(f'<line x1="{x:.1f}" y1="22" x2="{x:.1f}" y2="{step * len(rows) + 26}" stroke="#ddd"/>'
                       f'<text x="{x:.1f}" y="{step * len(rows) + 42}" text-anchor="middle">{10.0**e:g}</text>')
        for i, (name, ratio, jit, aim) in enumerate(rows):
            y = 26 + step * i
            out.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{name}</text>')
            for v, top, height, colour in ((ratio, y + 2, 9, "#2b5f8a"), (jit, y + 11, 7, "#9cc3e0")):
                if v:
                    x = min(place(v), place(1))
                    out.append(f'<rect x="{x:.1f}" y="{top}" width="{abs(place(v) - place(1)):.1f}" height="{height}" fill="{colour}"/>')
            if aim:
                out.append(f'<line x1="{place(aim):.1f}" y1="{y}" x2="{place(aim):.1f}" y2="{y + 19}" stroke="#c0392b" stroke-width="2"/>')
            out.append(f'<text x="{place(max(ratio, jit or 0, 1)) + 4:.1f}" y="{y + 13}">{ratio:.3g}</text>')
        with open(path, "w") as f:
            f.write("\n".join(out + ["</svg>"]) + "\n")
        return True
