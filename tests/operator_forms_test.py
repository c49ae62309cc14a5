#!/usr/bin/env python3
"""Draws operators, prints each in many forms, and compares what acadlc finds in them with the truth.

A form is understood as the truth or refused with an error, never understood as anything else. Only
what is computed in tiles of other loops may be refused. Small operators are executed too.
ACADLC_PROPERTY_CASES in the environment raises the number of operators: one for a hundred cases of
the unit tests, which are faster. A failure prints the seeds that `--case` and `--form` take to print its
text.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from operator_forms import Form, draw_form, print_case  # noqa: E402
from random_operators import Case, Row, draw_case  # noqa: E402
from stage_interpreter import contradiction  # noqa: E402


MOST_POINTS = 1500  # of an operator that is executed


def expected_rows(case: Case, form: Form) -> list[Row]:
    rows = [layer.row for layer in case.layers if layer.row]
    if form.is_fused and case.fused_epilogue:
        is_chain = rows[0].operator == "elementwise"
        rows = [case.fused_epilogue] if is_chain else [rows[0], case.fused_epilogue]
    return rows


def row_text(row: Row, form: Form) -> str:
    name = row.operator
    if name == "dense" and not (form.has_graph and form.has_roles):
        name = "matmul"
    name += "" if row.detail is None else f" {row.detail}"
    name += f" dims={row.dims}"
    # A window of one tap or at one position is a product of matrices there.
    if form.loses_units and row.detail is None:
        name = "main"
    if form.is_flat:
        return f"macs={row.macs} written={row.written}"
    # What of a padded tensor is made in each tile is read as it is, zeros too.
    if form.attach:
        return f"macs={row.macs} written={row.written} types={' '.join(sorted(row.types))}"
    return (f"{name} macs={row.macs} read={row.read} written={row.written} "
            f"types={' '.join(sorted(row.types))}")


def found_rows(report: dict, expected: list[Row], form: Form) -> list[str]:
    checked = {row.operator for row in expected if row.detail is not None}
    rows = []
    for each in report["operators"]:
        if each["free"]:
            continue
        detail = each["detail"] if each["operator"] in checked else None
        row = Row(each["operator"], list(each["dims"].values()), each["element_types"], each["bytes_read"],
                  each["bytes_written"], each["macs"], detail)
        if row.operator == "data_movement" and each["part"] == "prologue":
            continue  # a weight that is rearranged first
        rows.append(row_text(row, form))
    return rows


def check(acadlc: str, case: Case, form: Form, folder: pathlib.Path) -> tuple[str, str]:
    """"same", "refused" or "differs", and what was said."""
    path = folder / "form.tir"
    path.write_text(print_case(case, form), encoding="utf-8")
    done = subprocess.run([acadlc, "--workload", str(path), "--list-operators", "--format", "json"],
                          capture_output=True, text=True, check=False, timeout=60)
    if done.returncode not in (0, 1):
        return "crashed", f"code {done.returncode}\n{done.stderr}"
    if done.returncode == 1:
        return ("refused" if "error:" in done.stderr else "crashed"), done.stderr
    expected = expected_rows(case, form)
    wanted = [row_text(row, form) for row in expected]
    found = found_rows(json.loads(done.stdout), expected, form)
    if sorted(wanted) == sorted(found):
        return "same", ""
    return "differs", "\n".join(["  expected " + each for each in wanted] + ["  found    " + each for each in found])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    parser.add_argument("--case", type=int, help="only this operator")
    parser.add_argument("--form", type=int, help="only this form; with --case its text is printed")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, help="how many operators")
    parser.add_argument("--forms", type=int, default=8, help="how many forms of each operator")
    options = parser.parse_args()
    count = options.count or max(60, int(os.environ.get("ACADLC_PROPERTY_CASES", "0")) // 100)
    cases = [options.case] if options.case is not None else range(options.first, options.first + count)
    outcomes: collections.Counter[str] = collections.Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in cases:
            case = draw_case(seed)
            if case.points <= MOST_POINTS:
                for message in filter(None, map(contradiction, case.layers)):
                    outcomes["contradicted"] += 1
                    wrong += 1
                    print(f"contradicted: --case {seed}: {case.name}: {message}")
            for number in range(options.forms) if options.form is None else [options.form]:
                form = draw_form(seed * 1000 + number) if number else Form()
                if options.form is not None and options.case is not None:
                    print(print_case(case, form))
                outcome, message = check(options.acadlc, case, form, pathlib.Path(folder))
                outcomes[outcome] += 1
                if outcome == "refused" and form.attach:
                    continue
                wrong += outcome != "same"
                if outcome != "same":
                    print(f"{outcome}: --case {seed} --form {number}: {case.name}; {form.describe()}\n{message}")
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
