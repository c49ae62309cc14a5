#!/usr/bin/env python3
"""Maps every network of a folder, and prints what is not covered, a line each: the name, the first error, and the
line of the network that the error's first note names.

Nothing is evaluated. With --evaluate NAME ... these networks are evaluated, by the simulator too, and the cycles and
instructions of their layers are compared.
"""

import argparse
import json
import pathlib
import subprocess


def place_of(errors: str) -> str:
    """Where the first error's note points to: "FILE:LINE", or nothing."""
    lines = errors.split("\n")
    first = next((i for i, line in enumerate(lines) if "error:" in line), len(lines))
    note = next((line for line in lines[first + 1:] if ": note:" in line), "")
    return ":".join(pathlib.Path(note).name.split(":")[:2]) if note else ""


def layers(acadlc: str, architecture: str, network: pathlib.Path, how: str) -> list[tuple[str, ...]]:
    """Name, instructions and cycles of all layers."""
    done = subprocess.run([acadlc, architecture, "--workload", str(network), how, "--format", "json"],
                          capture_output=True, text=True, check=True, timeout=1800)
    return [(layer["name"], layer["instructions"], layer["cycles"])
            for layer in json.loads(done.stdout)["layers"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    parser.add_argument("--evaluate", nargs="+", default=[], metavar="NAME")
    parser.add_argument("architecture")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    networks = sorted(options.folder.glob("*.tir"))
    for name in options.evaluate:
        network = options.folder / f"{name}.tir"
        estimated, simulated = (layers(options.acadlc, options.architecture, network, how)
                                for how in ("--estimate", "--simulate"))
        if estimated != simulated:
            print(f"{name}: {estimated} is not {simulated}")
            return 1
        print(f"{name}: {len(estimated)} layers, the same cycles")
    if options.evaluate:
        return 0
    print(f"{len(networks)} networks")
    for network in networks:
        done = subprocess.run([options.acadlc, options.architecture, "--workload", str(network),
                               "--strict"], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            error = next((line for line in done.stderr.split("\n") if "error:" in line), "no message")
            place = place_of(done.stderr)
            print(f"{network.stem}: {error[error.index('error:'):]}" + (f" at {place}" if place else ""))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
