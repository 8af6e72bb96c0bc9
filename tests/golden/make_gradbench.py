#!/usr/bin/env python3
"""make_gradbench.py - writes gradbench.txt: requests to bench/gradbench, and the numbers of the answers.

Run by hand, where make_workloads.py runs. Three lines for each:

    # who computed it
    ask {"id":...}                    as the tool gets it
    want RTOL ATOL = NUMBER ...       all numbers of the answer's output, in their order

Most data and values are those of workloads.txt, in the protocol's form. What differs in form, and sizes
that are models of their own (minors of nine rows, other numbers of layers), is computed here by the
functions of make_workloads.py. Nothing is computed by symgrad.
"""
import json
import os

import mpmath
import numpy as np
import torch

from make_workloads import HERE, MP, TORCH, array, ba_error, draw, lstm_loss, number

lines = []


def ask(module, function, data, want, origin, rtol=1e-9, atol=1e-11):
    flat = [v for part in want for v in np.asarray(part, dtype=float).ravel()]
    scale = max([abs(v) for v in flat], default=0)
    request = dict(id=len(lines), kind="evaluate", module=module, function=function, input=data)
    lines.extend([f"# {origin}", "ask " + json.dumps(request),
                  " ".join([f"want {rtol:g} {atol * scale:.3g} =", *map(number, flat)])])


def tensor(word, shape):
    v = [float(t) for t in word]
    v = [int(t) if t == int(t) else t for t in v]
    if shape == "-":
        return v[0]
    return np.array(v, dtype=object).reshape([int(t) for t in shape.split("x")]).tolist()


def read_workloads():
    """(file, origin, entry, arguments, results) of each call in workloads.txt."""
    calls = []
    for line in open(os.path.join(HERE, "workloads.txt")):
        words = line.split()
        if words[0] == "#":
            origin = line[1:].strip()
        elif words[0] == "file":
            model = os.path.basename(words[1])[:-3]
        elif words[0] == "call":
            calls.append((model, origin, words[1], {}, {}))
        elif words[0] == "arg":
            calls[-1][3][words[1]] = tensor(words[4:], words[2])
        elif words[0] == "want":
            calls[-1][4][words[1]] = [float(t) for t in words[6:]]
    return calls


def recorded():
    for model, origin, entry, args, wants in read_workloads():
        if model == "ba" or entry == "path":
            continue
        data, want = args, list(wants.values())
        if model == "hello":
            data = args["x"]
        elif model == "gmm":
            data = dict(n=len(args["x"]), d=len(args["x"][0]), k=len(args["alpha"]), **args)
        elif model == "lstm":
            data = dict(main_params=args["main"], extra_params=args["extra"], state=args["state"], sequence=args["sequence"])
        elif model == "ht":
            hand = {k: v for k, v in args.items() if k not in ("theta", "us", "correspondences", "points")}
            hand["is_mirrored"] = bool(hand["is_mirrored"])
            hand.setdefault("triangles", [])
            bones = len(hand["parents"])
            data = dict(theta=args["theta"], us=args.get("us", []), data=dict(
                model=dict(bone_count=bones, bone_names=[f"bone \"{i}\"" for i in range(bones)], **hand),
                correspondences=args["correspondences"], points=args["points"]))
            entry = entry.replace("_simple", "")
        elif model == "kmeans":
            data = dict(points=args["points"], k=len(args["centroids"]), centroids=args["centroids"])
            want = [wants.get("cost", wants.get("step"))]
        elif model == "det":
            data = dict(A=[v for row in args["A"] for v in row], ell=len(args["A"]))
        loose = model in ("particle", "saddle")
        ask(model, entry, data, want, origin, 1e-6 if loose else 1e-9)


def ba():
    n, m, p = 3, 4, 7
    cam = np.concatenate([0.3 * draw(111, 3), 0.2 * draw(112, 3), [1.5], 0.1 * draw(113, 2), 0.05 * draw(114, 2)])
    x, w, feat = draw(115, 3) + [0, 0, 5], 0.75, draw(116, 2)
    data = dict(n=n, m=m, p=p, cam=cam.tolist(), x=x.tolist(), w=w, feat=feat.tolist())
    a = [torch.tensor(v) for v in (cam, x, w)]
    f = lambda c, x, w: ba_error(c, x, w, torch.tensor(feat))
    origin = f"{TORCH}: the rotation as a matrix exponential; the pattern by counting"
    ask("ba", "objective", data, [array(f(*a)), p, 1 - w * w, p], origin)
    J = torch.autograd.functional.jacobian(f, tuple(a))
    J = np.concatenate([array(J[0]), array(J[1]), array(J[2])[:, None]], axis=1)
    rows, cols, vals = [0], [], []
    for i in range(p):
        for r in range(2):
            cols += [11 * (i % n) + c for c in range(11)] + [11 * n + 3 * (i % m) + c for c in range(3)] + [11 * n + 3 * m + i]
            vals += J[r].tolist()
            rows.append(len(cols))
    for i in range(p):
        cols.append(11 * n + 3 * m + i)
        vals.append(-2 * w)
        rows.append(len(cols))
    ends = lambda v: v if len(v) <= 31 else v[:30] + v[-1:]
    ask("ba", "jacobian", data, [ends(rows), ends(cols), ends(vals)], origin)


def lstm():
    for L in (1, 3):
        b, c = 3, 4
        main, extra, state = draw(120 + L, 2 * L, 4 * b), draw(130 + L, 3, b), draw(140 + L, 2 * L, b)
        seq = np.eye(b)[[0, 2, 1, 2]]
        a = [torch.tensor(v, requires_grad=True) for v in (main, extra)]
        y = lstm_loss(*a, torch.tensor(state), torch.tensor(seq))
        data = dict(main_params=main.tolist(), extra_params=extra.tolist(), state=state.tolist(), sequence=seq.tolist())
        origin = f"{TORCH}: sigmoid by tanh, a loop on lists"
        ask("lstm", "objective", data, [array(y)], origin)
        ask("lstm", "jacobian", data, [array(v) for v in torch.autograd.grad(y, a)], origin)


def det():
    for ell in (1, 9):
        A = draw(150 + ell, ell, ell)
        M = mpmath.matrix(A.tolist())
        d = mpmath.det(M)
        data = dict(A=A.ravel().tolist(), ell=ell)
        ask("det", "primal", data, [float(d)], f"{MP}, by elimination")
        ask("det", "gradient", data, [np.array((d * (M**-1).T).tolist(), dtype=float)], f"{MP}: d inv(A)'")


recorded()
ba()
lstm()
det()
with open(os.path.join(HERE, "gradbench.txt"), "w") as f:
    f.write("# Made by make_gradbench.py, which says how to read it; do not edit.\n" + "\n".join(lines) + "\n")
