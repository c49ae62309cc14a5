#!/usr/bin/env python3
"""Prints the cycles of TC-ResNet8 on UltraTrail arrays of several sizes, by both evaluators."""

import argparse
import json
import subprocess
import sys


def cycles(acadlc: str, size: int, method: str) -> int:
    # The 2 x 2 array needs wider counters than the device has.
    done = subprocess.run([acadlc, "std/ultratrail.acadl", "--workload",
                           "examples/tc_resnet8_ultratrail.tir", f"--{method}", "--strict",
                           "--format", "json", "-P", f"rows={size}", "-P", f"columns={size}",
                           "-P", "most_blocks=24"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["cycles"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    options = parser.parse_args()
    for size in (2, 4, 6, 8, 16, 32):
        estimated, simulated = (cycles(options.acadlc, size, method)
                                for method in ("estimate", "simulate"))
        print(f"{size} x {size}: {estimated:,}")
        if estimated != simulated:
            print(f"  but simulated {simulated:,}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
