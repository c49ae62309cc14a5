#!/usr/bin/env python3
"""Maps every network of a folder and prints what is not covered, a line each: the name and the first error.

Nothing is evaluated. Networks that are not legalised (`*_relax.tir`) are left out.
"""

import argparse
import pathlib
import subprocess


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    parser.add_argument("architecture")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    networks = sorted(path for path in options.folder.glob("*.tir")
                      if not path.stem.endswith("_relax"))
    print(f"{len(networks)} networks")
    for network in networks:
        done = subprocess.run([options.acadlc, options.architecture, "--workload", str(network),
                               "--strict"], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            error = next((line for line in done.stderr.split("\n") if "error:" in line), "no message")
            print(f"{network.stem}: {error[error.index('error:'):]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
