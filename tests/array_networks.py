#!/usr/bin/env python3
"""Runs example networks on std/systolic_fold.acadl and std/stonne_os_mesh.acadl and prints their cycles.

The cycles of every layer have to be those of the formulas of SCALE-Sim and STONNE: for a convolution of the
product of patches and weights, for groups as often as there are any."""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import stonne_os_mesh

ROOT = pathlib.Path(__file__).resolve().parent.parent
NETWORKS = ["tcresnet8", "alexnet_torchvision", "resnet18"]
# A narrow mesh takes each word by itself: it gets networks of fewer multiply-accumulates alone.
FEW_MACS = 10_000_000
SIZE = 16
# What the description is given, and what the formula says of a matrix product.
MODELS = [
    ("std/systolic_fold.acadl", {"rows": SIZE, "columns": SIZE, "dataflow": "os"},
     lambda m, n, k: fold_cycles(m, n, k, 0)),
    ("std/systolic_fold.acadl", {"rows": SIZE, "columns": SIZE, "dataflow": "ws"},
     lambda m, n, k: fold_cycles(k, n, m, SIZE)),
    ("std/systolic_fold.acadl", {"rows": SIZE, "columns": SIZE, "dataflow": "is"},
     lambda m, n, k: fold_cycles(k, m, n, SIZE)),
    ("std/stonne_os_mesh.acadl", {"dn_bw": 2 * SIZE, "rn_bw": SIZE},
     lambda m, n, k: mesh_cycles(m, n, k, 2 * SIZE, SIZE)),
]
SMALL_MODELS = [
    ("std/stonne_os_mesh.acadl", {"dn_bw": SIZE // 2, "rn_bw": 1},
     lambda m, n, k: mesh_cycles(m, n, k, SIZE // 2, 1)),
]


def fold_cycles(rows, columns, steps, fill):
    folds = math.ceil(rows / SIZE) * math.ceil(columns / SIZE)
    return folds * (fill + 2 * SIZE + steps - 2)


def mesh_cycles(m, n, k, ports, lines):
    case = {"M": m, "N": n, "K": k, "ms_rows": SIZE, "ms_cols": SIZE, "dn_bw": ports, "rn_bw": lines,
            "T_M": SIZE, "T_N": SIZE}
    return stonne_os_mesh.cycles(case, stonne_os_mesh.closed_form)


def expected(layer, formula):
    """Cycles of a layer, from its dimensions alone."""
    d = layer["dims"]
    if layer["mapping"] == "matmul":
        return d["G"] * d["H"] * formula(d["M"], d["N"], d["K"])
    return d["G"] * formula(d["B"] * d["P"] * d["Q"], d["K"], d["C"] * d["R"] * d["T"])


def estimate(acadlc, model, parameters, network):
    options = [item for name, value in parameters.items() for item in ("-P", f"{name}={value}")]
    done = subprocess.run([acadlc, model, "--workload", network, "--estimate", "--format", "json", *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def check(acadlc, model, parameters, formula, network):
    """Prints what was found; whether it is right, and the network's multiply-accumulates."""
    report = estimate(acadlc, model, parameters, str(network))
    named = " ".join(f"{name}={value}" for name, value in parameters.items())
    print(f"{network.stem}, {pathlib.Path(model).stem} {named}: {report['cycles']:,} cycles, "
          f"{len(report['layers'])} layers, {report['guarantee']}")
    wrong = [f"{layer['name']}: {layer['cycles']:,}, by formula {expected(layer, formula):,}"
             for layer in report["layers"] if layer["cycles"] != expected(layer, formula)]
    macs = report["coverage"]["macs"]
    if macs["covered"] != macs["total"] or not report["layers"]:
        wrong.append(f"{macs['covered']} of {macs['total']} multiply-accumulates are covered")
    for line in wrong:
        print(f"  WRONG: {line}")
    return not wrong, macs["total"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    acadlc = parser.parse_args().acadlc
    results = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-B", str(ROOT / "examples/networks/generate.py"), "-o", folder,
                        *NETWORKS], stdout=subprocess.DEVNULL, check=True)
        for network in [*(pathlib.Path(folder) / f"{name}.tir" for name in NETWORKS),
                        ROOT / "tests/golden/Inputs/grouped.tir"]:
            results += [check(acadlc, *case, network) for case in MODELS]
            if results[-1][1] < FEW_MACS:
                results += [check(acadlc, *case, network) for case in SMALL_MODELS]
    return 0 if all(good for good, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
