#!/usr/bin/env python3
"""Holds std/stonne_os_mesh.acadl against STONNE's rules, on random matrix products.

Two references are written from what STONNE does: a tick by tick one, element by element, and the closed form of
its cycles. The model uses neither."""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile

CASES = 160
# --simulate gets those with at most so many words.
SIMULATED_WORDS = 20_000


class Tile:
    """A tile of STONNE's mesh, tick by tick: the first one configures."""

    def __init__(self, case, height, width):
        self.size, self.steps, self.lines = case["ms_rows"], case["K"], case["rn_bw"]
        self.share = 2 * self.size // case["dn_bw"]
        self.height, self.width = height, width

    def arrivals(self):
        """The tick in which each operand of each step arrives, by destination: columns, then rows."""
        destinations = list(range(self.width)) + [self.size + row for row in range(self.height)]
        queues, found = {}, {}
        step, tick = 0, 2
        while step < self.steps or any(queues.values()):
            if step < self.steps:
                for destination in destinations:
                    queues.setdefault(destination // self.share, []).append((destination, step))
                step += 1
            for queue in queues.values():
                if queue:
                    found[queue.pop(0)] = tick + (1 if self.share > 1 else 0)
            tick += 1
        return found

    def fired(self):
        """The tick in which each element takes its last step."""
        arrivals = self.arrivals()
        last = {}
        for step in range(self.steps):
            for row in range(self.height):
                for column in range(self.width):
                    above = last[row - 1, column] + 1 if row else arrivals[column, step]
                    left = last[row, column - 1] + 1 if column else arrivals[self.size + row, step]
                    before = last.get((row, column), 0) + 1
                    last[row, column] = max(above, left, before)
        return last

    def ticks(self):
        """The tick in which the memory takes the last result."""
        results = {}
        for (row, column), tick in self.fired().items():
            results.setdefault(tick + 2, []).append((row * self.size + column) % self.lines)
        waiting = [0] * self.lines
        coming, queue, left, tick = 0, 0, self.height * self.width, 0
        while left > 0:
            tick += 1
            queue += coming
            taken = (queue + 1) // 2
            queue -= taken
            left -= taken
            for line in results.get(tick, []):
                waiting[line] += 1
            coming = sum(count > 0 for count in waiting)
            waiting = [max(0, count - 1) for count in waiting]
        return tick


def closed_form(case, height, width):
    """The same by formula."""
    size, steps, ports, lines = (case[name] for name in ("ms_rows", "K", "dn_bw", "rn_bw"))
    share = 2 * size // ports
    if ports == 1:
        operands = 3 + (steps - 1) * (height + width) + width
    else:
        operands = (2 if share == 1 else 3) + (steps - 1) * min(share, max(height, width))
    end = ((width - 1) % lines + height - 1
           + ((width + lines - 1) // lines - 1) * max(lines, height))
    return operands + end + 3 + (1 if min(height, width) > 1 and lines > 1 else 0)


def cycles(case, tile_cycles):
    """Of a matrix product: its tiles one behind the other."""
    rows, columns = divmod(case["M"], case["T_M"]), divmod(case["N"], case["T_N"])
    heights, widths = [(case["T_M"], rows[0]), (rows[1], 1)], [(case["T_N"], columns[0]), (columns[1], 1)]
    return sum(many * others * tile_cycles(case, height, width) for height, many in heights
               for width, others in widths if height and width and many and others)


def random_case(numbers):
    size = numbers.choice([1, 2, 4, 8, 16])
    case = {"M": numbers.randint(1, 3 * size), "N": numbers.randint(1, 3 * size),
            "K": numbers.choice([1, 2, 3, numbers.randint(4, 50)]), "ms_rows": size, "ms_cols": size,
            "dn_bw": 2**numbers.randint(0, (2 * size).bit_length() - 1),
            "rn_bw": 2**numbers.randint(0, (size * size).bit_length() - 1)}
    whole = numbers.random() < 0.5
    case["T_M"] = size if whole else numbers.randint(1, size)
    case["T_N"] = size if whole else numbers.randint(1, size)
    case["cycles"] = cycles(case, lambda case, height, width: Tile(case, height, width).ticks())
    return case


def modelled(acadlc, method, cases):
    """Cycles of the library model."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        writer = csv.DictWriter(file, cases[0])
        writer.writeheader()
        writer.writerows(cases)
        file.flush()
        done = subprocess.run([acadlc, "std/stonne_os_mesh.acadl", "--validate", file.name, "--operator",
                               "matmul", "--bind", "G=1", "--bind", "H=1", f"--{method}", "--format",
                               "json"], stdout=subprocess.PIPE, check=True)
    return [row["estimated"] for row in json.loads(done.stdout)["rows"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    acadlc = parser.parse_args().acadlc
    numbers = random.Random(20)
    cases = [random_case(numbers) for _ in range(CASES)]
    wrong = [f"{case}: by formula {cycles(case, closed_form)}" for case in cases
             if case["cycles"] != cycles(case, closed_form)]
    few = [case for case in cases if case["M"] * case["N"] * case["K"] <= SIMULATED_WORDS]
    for method, chosen in (("estimate", cases), ("simulate", few)):
        wrong += [f"{case}: {found} ({method})"
                  for case, found in zip(chosen, modelled(acadlc, method, chosen), strict=True)
                  if case["cycles"] != found]
        print(f"{method}: {len(chosen)} matrix products")
    print("\n".join(wrong) or "no differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
