#!/usr/bin/env python3
"""Compares what `--list-operators` says of a network with the comments in its text.

Above each call of the entry function stands a comment for each of the call's operators, in order:

    # dense M=5 N=4 K=8, zero points, 160 MACs, 72 -> 80 bytes
    c = R.call_tir(...)

Details and MACs are there if there are any. A call without comments is an error. With
ACADLC_UPDATE_GOLDENS=1 in the environment the comments are rewritten and the test passes.
"""

import argparse
import csv
import io
import os
import pathlib
import re
import subprocess

CALL = re.compile(r"^( +)(\w+)(?:: .*?)? = R\.(?!dataflow|output)")


def row_text(row: dict) -> str:
    parts = [f"{row['operator']} {row['dims']}".rstrip(), row["detail"]]
    if row["macs"] != "0":
        parts.append(f"{row['macs'] or 'unknown'} MACs")
    parts.append(f"{row['bytes_read']} -> {row['bytes_written']} bytes")
    if row["free"]:
        parts.append(f"free: {row['free']}")
    return "# " + ", ".join(part for part in parts if part)


def found_rows(acadlc: str, network: pathlib.Path) -> dict[str, list[str]]:
    done = subprocess.run([acadlc, "--workload", str(network), "--list-operators", "--format", "csv"],
                          capture_output=True, text=True, check=True)
    rows: dict[str, list[str]] = {}
    for row in csv.DictReader(io.StringIO(done.stdout)):
        rows.setdefault(row["call"], []).append(row_text(row))
    return rows


def renewed(text: str, rows: dict[str, list[str]]) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        if call := CALL.match(line):
            while lines[-1].startswith(call[1] + "# "):
                lines.pop()
            lines += [call[1] + row for row in rows.pop(call[2], ["# no such call in the list"])]
        lines.append(line)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    parser.add_argument("networks", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    differs = False
    for network in options.networks:
        text = network.read_text(encoding="utf-8")
        rows = found_rows(options.acadlc, network)
        actual = renewed(text, rows)
        if rows:
            print(f"{network}: no call of the text: {', '.join(rows)}")
            return 1
        if os.environ.get("ACADLC_UPDATE_GOLDENS"):
            network.write_text(actual, encoding="utf-8")
            continue
        wanted = text.split("\n")
        for line in actual.split("\n"):
            if line.strip() and line not in wanted:
                print(f"{network}: found {line.strip()}")
        differs = differs or actual != text
        if actual != text:
            print(f"{network}: the operators are not those of its comments")
    return 1 if differs else 0


if __name__ == "__main__":
    raise SystemExit(main())
