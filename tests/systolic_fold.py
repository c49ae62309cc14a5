#!/usr/bin/env python3
"""Builds single folds from processing elements and holds std/systolic_fold.acadl against them.

The description of the elements says what each does and whom it waits for; it knows no formula. Both
evaluators must count the cycles that the library model has for the fold."""

import argparse
import csv
import itertools
import json
import subprocess
import sys
import tempfile

ELEMENTS = "tests/golden/Inputs/systolic_elements.acadl"
# Fetch and dispatch, which the elements have too and the library model hides.
FRONT_END = 3
SIZES = [(4, 4), (8, 8), (3, 5), (6, 2), (4, 1)]
STEPS = [1, 2, 7, 40]
DATAFLOWS = ["os", "ws", "is"]


def report(acadlc, *arguments):
    done = subprocess.run([acadlc, *arguments, "--format", "json"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def element_cycles(acadlc, method, rows, columns, dataflow, steps):
    """Cycles of a fold that fills the array, element by element."""
    found = report(acadlc, ELEMENTS, "--program", "fold", f"--{method}", "-P", f"rows={rows}",
                   "-P", f"columns={columns}", "-P", f"fold.dataflow={dataflow}",
                   "-P", f"fold.steps={steps}")
    return found["cycles"] - FRONT_END


def product(rows, columns, dataflow, steps):
    """The matrix product that is this one fold."""
    extents = {"os": (rows, columns, steps), "ws": (steps, columns, rows), "is": (columns, steps, rows)}
    return dict(zip("MNK", extents[dataflow], strict=True))


def fold_cycles(acadlc, method, cases):
    """Cycles of the library model for all cases."""
    rows = [{"rows": rows, "columns": columns, "dataflow": dataflow, "cycles": 1,
             **product(rows, columns, dataflow, steps)} for (rows, columns), dataflow, steps in cases]
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        file.flush()
        found = report(acadlc, "std/systolic_fold.acadl", "--validate", file.name, "--operator", "matmul",
                       "--bind", "G=1", "--bind", "H=1", f"--{method}")
    return [row["estimated"] for row in found["rows"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    acadlc = parser.parse_args().acadlc
    cases = list(itertools.product(SIZES, DATAFLOWS, STEPS))
    failed = False
    for method in ("estimate", "simulate"):
        folds = fold_cycles(acadlc, method, cases)
        for ((rows, columns), dataflow, steps), fold in zip(cases, folds, strict=True):
            elements = element_cycles(acadlc, method, rows, columns, dataflow, steps)
            if elements != fold or method == "estimate":
                print(f"{rows} x {columns} {dataflow}, {steps} steps: {elements:,} cycles"
                      + ("" if elements == fold else f"  WRONG, a fold takes {fold:,} ({method})"))
            failed |= elements != fold
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
