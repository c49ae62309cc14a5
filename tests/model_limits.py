#!/usr/bin/env python3
"""Library models at their limits, where the cycles are known without measuring: prints them beside the bound,
and fails if one is undercut or missed by more than the model's head explains."""

import argparse
import csv
import json
import subprocess
import sys
import tempfile


# Input channels, output channels, kernel, stride, input width, zeros at each side.
TC_RESNET8 = [(40, 16, 3, 1, 101, 0), (16, 24, 9, 2, 99, 4), (16, 24, 1, 2, 99, 0), (24, 24, 9, 1, 50, 4),
              (24, 32, 9, 2, 50, 4), (24, 32, 1, 2, 50, 0), (32, 32, 9, 1, 25, 4), (32, 48, 9, 2, 25, 4),
              (32, 48, 1, 2, 25, 0), (48, 48, 9, 1, 13, 4), (48, 12, 1, 1, 1, 0)]


def multiplications(inputs, outputs, kernel, stride, width, zeros):
    """Of a 1-D convolution, one by one, without those on padding."""
    taps = sum(0 <= position + tap < width
               for position in range(-zeros, width + zeros - kernel + 1, stride) for tap in range(kernel))
    return inputs * outputs * taps


class Checker:
    def __init__(self, acadlc):
        self.acadlc = acadlc
        self.failed = False

    def run(self, *arguments):
        done = subprocess.run([self.acadlc, *arguments, "--estimate", "--format", "json"],
                              stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def matmul(self, size, **parameters):
        """Cycles of a matrix product on Gemmini."""
        row = {"M": size, "N": size, "K": size, "cycles": 1, **parameters}
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
            writer = csv.DictWriter(file, row)
            writer.writeheader()
            writer.writerow(row)
            file.flush()
            report = self.run("std/gemmini.acadl", "--validate", file.name, "--operator", "matmul")
        return report["rows"][0]["estimated"]

    def pairs(self, count, *options):
        """Cycles of preload and compute, `count` times, on Gemmini."""
        values = {"kind": "precomp", "n": count, "rows": 16, "cols": 16, "dram_stride": 64, "to_acc": "false"}
        parameters = [item for name, value in values.items() for item in ("-P", f"micro.{name}={value}")]
        return self.run("std/gemmini.acadl", "--program", "micro", *parameters, *options)["cycles"]

    def expect(self, what, cycles, bound, most):
        """The bound must be kept, and missed by at most the factor `most`."""
        good = bound <= cycles <= bound * most
        self.failed |= not good
        print(f"{what}: {cycles:,} cycles, bound {bound:,}" + ("" if good else "  WRONG"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    check = Checker(parser.parse_args().acadlc)

    # No memory takes part: each further pair costs the rows of the mesh and nothing else.
    check.expect("Gemmini, 32 more pairs of preload and compute", check.pairs(64) - check.pairs(32), 32 * 16, 1)
    # A memory that answers at once, four times as wide: the mesh is the limit. The rest is the first tile's
    # loads, the last one's stores, and reads that a row which arrives in the same bank refuses.
    check.expect("Gemmini, 512 x 512 x 512, latency 1 and 64 bytes a cycle",
                 check.matmul(512, mode="loop", mem_latency=1, bus_width=64), 512**3 // 256, 1.03)
    # One processing element works in sequence, four cycles a step as the mesh takes no fewer rows.
    check.expect("Gemmini, one element, 16 x 16 x 16", check.matmul(16, mode="loop", mem_latency=1, dim=1),
                 4 * 16**3, 1.05)
    # UltraTrail's formula with one element is the count of all taps that are not padding, and 1 a layer.
    cycles = check.run("std/ultratrail.acadl", "--workload", "examples/tc_resnet8_ultratrail.tir",
                       "-P", "rows=1", "-P", "columns=1", "-P", "most_blocks=64", "--strict")["cycles"]
    check.expect("UltraTrail, one element, TC-ResNet8", cycles,
                 sum(1 + multiplications(*layer) for layer in TC_RESNET8), 1)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
