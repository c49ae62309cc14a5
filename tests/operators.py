#!/usr/bin/env python3
"""Prints for each network of a folder which of its operators an architecture covers.

A line is `network: operator (mapping), …; not: operator, …`, or the first error.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess


def line_for(acadlc: str, architecture: str, network: pathlib.Path) -> str:
    done = subprocess.run([acadlc, architecture, "--workload", str(network), "--estimate",
                           "--format", "json", "-j", "1"], capture_output=True, text=True,
                          check=False, timeout=300)
    if done.returncode != 0:
        error = next((line for line in done.stderr.split("\n") if "error:" in line), "no message")
        return f"{network.stem}: {error[error.index('error:'):]}"
    report = json.loads(done.stdout)
    covered = [f"{layer['operator']} ({layer['mapping']})" for layer in report["layers"]]
    missing = [entry["operator"] for entry in report["unmapped"]]
    return f"{network.stem}: " + ", ".join(covered) + ("; not: " + ", ".join(missing)
                                                       if missing else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    parser.add_argument("architecture")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    networks = sorted(options.folder.glob("*.tir"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for line in pool.map(lambda network: line_for(options.acadlc, options.architecture, network),
                             networks):
            print(line)
    return 0 if networks else 1


if __name__ == "__main__":
    raise SystemExit(main())
