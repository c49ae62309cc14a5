#!/usr/bin/env python3
"""Holds std/plasticine.acadl and std/gamma.acadl against what is known without a measurement: sums done by hand, and
limits that no machine of their size can pass. Both evaluators have to agree on all of it."""

import argparse
import csv
import json
import math
import random
import subprocess
import sys
import tempfile

CASES = 120
# --simulate gets those with at most so many multiply-accumulates.
SIMULATED_MACS = 2_000_000

# Cycles by hand. Instructions are there in cycle 2 (fetch 1, memory 1), the first is in its unit in 3 (stage 1).
#
# Plasticine with its default DRAM: 64 bytes in 1.25 cycles, 40 cycles of latency. A switch is 1, a PCU 6 stages.
PLASTICINE = [
    # One slice of depth, a column of C for each of two rows of the grid. A has 1,024 bytes: 3 .. 23 at the DRAM, then
    # 40 and 2 channels: 65. B of row 0, 64 bytes: 23 .. 25, 65, 2 channels: 67. B of row 1: 25 .. 27, 67, 68.
    # Row 0: 16 vectors 67 .. 83, 1 switch and 6 stages: 90; 15 channels 105, DRAM 107, 147.
    # Row 1: 16 vectors 68 .. 84, 1 switch and 6 stages: 91; 16 channels 107, DRAM 109, 149.
    ({"rows": 8, "columns": 16, "M": 16, "N": 2, "K": 16}, 149),
    # The same with a DRAM of 16 times as many channels: its bursts take 2 cycles or 1, so an AG that gives its link a
    # vector a cycle is the limit. A: 3 .. 5 at the DRAM, 19 out of the AG, 61. B of row 0: 19 .. 20, 62; of row 1:
    # 5 .. 6, 47. Row 0: 62 .. 78, 85; 100, DRAM 101, 141. Row 1: 61 .. 77, 84; 100, DRAM 101 .. 102, 142.
    ({"rows": 8, "columns": 16, "dram_channels": 64, "M": 16, "N": 2, "K": 16}, 142),
    # Two slices, summed up along a row of two PCUs. DRAM: A0 3 .. 23, B0 23 .. 28, A1 28 .. 48, B1 48 .. 53; in
    # their PMUs 65, 70, 92, 97. Slice 0: 64 vectors 70 .. 134, 7 more: 141. Slice 1: 97 .. 161, 168.
    # The sum: 4 vectors 168 .. 172, 1 switch and 6 stages: 179; 1 channel 180, DRAM 185, 225.
    ({"rows": 1, "columns": 4, "M": 16, "N": 4, "K": 32}, 225),
    # Three blocks of A and a slice of B that stays. DRAM: A0 3 .. 23, B 23 .. 28, A1 28 .. 48; in the PMU A0 65, B 70,
    # A1 90. Products: 70 .. 134 and 134 .. 198, out of the pipeline 141 and 205. A2 takes the place of A0 when that
    # has been read: 134 .. 154, 196. C0: 1 channel 142, waits for A2, 154 .. 159. So the third product begins when the
    # PCU is free: 198 .. 262, 269; 1 channel 270, DRAM 275, 315.
    ({"rows": 1, "columns": 2, "tile_M": 16, "M": 48, "N": 4, "K": 16}, 315),
]
# Γ̈ with its default DRAM: 64 bytes in 4 cycles, 14 more for the first row.
GAMMA = [
    # Four columns of C for each of two units. Loads begin in 3, their requests in 4. A, 256 bytes: the first unit opens
    # the row, 4 .. 34, then writes 8 vectors: 42; the second finds it open, 4 .. 20, 28. B, 128 bytes: 43 .. 51, 55
    # and 29 .. 37, 41. Products: 8 steps, and 8 cycles to the last sums: 71 and 57. Store, 128 bytes: 1 and
    # 8 cycles, 80 and 66.
    ({"units": 2, "M": 8, "N": 8, "K": 8}, 80),
    # The same and half as deep again, with one unit and slices of 4: three products of 4 + 8 cycles, for the sums in
    # registers wait for one another. Load A0 (128 bytes) 4 .. 26 and 4 vectors: 30; B0 31 .. 39, 43; A1 44 .. 52, 56;
    # B1 57 .. 65, 69. Products: 43 .. 55, 69 .. 81. A2 takes the place of A0: 70 .. 78, 82; B2 83 .. 91, 95.
    # 95 .. 107; store, 256 bytes: 108 .. 124.
    ({"units": 1, "tile_K": 4, "M": 8, "N": 8, "K": 12}, 124),
]


def peak(model, case):
    """Multiply-accumulates a cycle."""
    if model == "plasticine":
        return case["rows"] * case["columns"] // 2 * case["lanes"]
    return case["units"] * case["dim"] ** 2


def bandwidth(model, case):
    """Bytes a cycle of the DRAM."""
    if model == "plasticine":
        return 64 * case["dram_channels"] / (4 * 1e9 / 800e6)
    return case["dram_ports"] * 64 / 4


def bound(model, case):
    """Cycles that no machine of that size can go below: its products, or each word moved once."""
    words = case["M"] * case["K"] + case["K"] * case["N"] + case["M"] * case["N"]
    return max(case["M"] * case["N"] * case["K"] / peak(model, case), 4 * words / bandwidth(model, case))


def random_case(model, numbers):
    case = {name: numbers.choice([1, numbers.randint(2, 40), numbers.randint(41, 300)]) for name in "MNK"}
    if model == "plasticine":
        lanes = numbers.choice([1, 4, 16])
        case |= {"rows": numbers.randint(1, 5), "columns": 2 * numbers.randint(1, 4), "lanes": lanes,
                 "stages": 2 + lanes.bit_length() - 1 + numbers.randint(0, 4), "tile_M": numbers.randint(1, 64),
                 "tile_N": numbers.randint(1, 32), "tile_K": lanes * numbers.randint(1, 64 // lanes),
                 "dram_channels": numbers.choice([1, 2, 4, 64])}
    else:
        case |= {"units": numbers.randint(1, 5), "dim": numbers.choice([1, 3, 8]), "dram_ports": numbers.randint(1, 4),
                 "vectors": 4096, "tile_M": numbers.randint(1, 32), "tile_N": numbers.randint(1, 32),
                 "tile_K": numbers.randint(1, 64)}
    return case


def cycles(acadlc, model, method, cases):
    """Of matrix products; the cases have the same columns."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        writer = csv.DictWriter(file, [*cases[0], "cycles"])
        writer.writeheader()
        writer.writerows({**case, "cycles": 1} for case in cases)
        file.flush()
        done = subprocess.run([acadlc, f"std/{model}.acadl", "--validate", file.name, "--operator", "matmul",
                               "--bind", "G=1", "--bind", "H=1", f"--{method}", "--format", "json"],
                              stdout=subprocess.PIPE, check=True)
    return [row["estimated"] for row in json.loads(done.stdout)["rows"]]


def by_hand(acadlc, model, expected):
    for case, right in expected:
        for method in ("estimate", "simulate"):
            [found] = cycles(acadlc, model, method, [case])
            if found != right:
                yield f"{model} {case}: {found:,} ({method}), by hand {right:,}"


def at_random(acadlc, model, numbers):
    """No case is faster than its bound."""
    cases = [random_case(model, numbers) for _ in range(CASES)]
    found = cycles(acadlc, model, "estimate", cases)
    few = [place for place, case in enumerate(cases) if case["M"] * case["N"] * case["K"] <= SIMULATED_MACS]
    simulated = cycles(acadlc, model, "simulate", [cases[place] for place in few])
    print(f"{model}: {len(cases)} matrix products, {len(few)} of them simulated")
    for place, other in zip(few, simulated, strict=True):
        if found[place] != other:
            yield f"{model} {cases[place]}: {found[place]:,}, simulated {other:,}"
    for case, number in zip(cases, found, strict=True):
        if number < bound(model, case):
            yield f"{model} {case}: {number:,} is faster than the bound {bound(model, case):,.0f}"


def at_limit(acadlc, model, what, case, most):
    """A large case comes within the factor `most` of its bound."""
    [found] = cycles(acadlc, model, "estimate", [case])
    least = math.ceil(bound(model, case))
    print(f"{model}, {what}: {found:,} cycles, bound {least:,}")
    if not least <= found <= least * most:
        yield f"{model} {case}: {found:,} is not within a factor of {most} of {least:,}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    acadlc = parser.parse_args().acadlc
    numbers = random.Random(11)
    grid = {"rows": 8, "columns": 16, "lanes": 16, "dram_channels": 4}
    pair = {"units": 2, "dim": 8, "dram_ports": 2}
    wrong = [
        *by_hand(acadlc, "plasticine", PLASTICINE), *by_hand(acadlc, "gamma", GAMMA),
        *at_random(acadlc, "plasticine", numbers), *at_random(acadlc, "gamma", numbers),
        *at_limit(acadlc, "plasticine", "compute", {**grid, "M": 4096, "N": 1024, "K": 1024}, 1.03),
        *at_limit(acadlc, "plasticine", "memory", {**grid, "M": 1, "N": 4096, "K": 4096}, 1.03),
        *at_limit(acadlc, "gamma", "compute", {**pair, "M": 1024, "N": 1024, "K": 1024}, 1.03),
        # A load writes its scratchpad before the next one asks the DRAM, so it takes more units than ports to keep
        # these busy. The bound knows no rows; here every tile opens rows, in banks that the other units use too.
        *at_limit(acadlc, "gamma", "memory", {**pair, "units": 8, "M": 1, "N": 4096, "K": 4096}, 1.2),
    ]
    print("\n".join(wrong) or "no differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
