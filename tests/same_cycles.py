#!/usr/bin/env python3
"""Fails unless the cycles of the second report lie within the bounds of the first, layer by layer. A report
that is not bounded has one number for all of them."""

import json
import pathlib
import sys


def main() -> int:
    estimate, truth = (json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
                       for path in sys.argv[1:3])
    wrong = [f"{layer['name']}: {layer['cycles_lower']} .. {layer['cycles_upper']} estimated, "
             f"{true['cycles']} simulated"
             for layer, true in zip(estimate["layers"], truth["layers"], strict=True)
             if not layer["cycles_lower"] <= true["cycles"] <= layer["cycles_upper"]]
    print("\n".join(wrong), end="")
    return 1 if wrong or not truth["layers"] else 0


if __name__ == "__main__":
    sys.exit(main())
