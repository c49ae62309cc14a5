#!/usr/bin/env python3
"""Fails unless a validation (JSON) has the given number of rows, and each the cycles that were measured."""

import argparse
import json
import pathlib
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("points", type=int)
    options = parser.parse_args()
    rows = json.loads(options.report.read_text(encoding="utf-8"))["rows"]
    wrong = [f"line {row['line']}: {row['measured']} measured, {row['estimated']} estimated"
             for row in rows if row["measured"] != row["estimated"]]
    print("\n".join(wrong or [f"{len(rows)} points"]))
    return 1 if wrong or len(rows) != options.points else 0


if __name__ == "__main__":
    sys.exit(main())
