#!/usr/bin/env python3
"""Checks the networks that examples/networks/generate.py writes.

read    acadlc reads every network in every form without a warning about its text; multiply-accumulates
        are, layer by layer, those of the generator's summary, and parameters those of the text
batch   several inputs at once, and a symbolic number of them
tables  layers, multiply-accumulates and parameters are those of independent tables, NAME.csv
tvm     the texts are those that TVM has printed of the same networks, up to names
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import csv
import dataclasses
import difflib
import io
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARCHITECTURE = "std/systolic_array.acadl"

# Multiply-accumulates of one input, counted from the texts that TVM has printed.
TOTALS = {"alexnet_torchvision": 714_188_480, "resnet18": 1_814_073_344, "tcresnet8": 1_563_264,
          "lenet5": 416_520}

FOLDED: tuple[str, ...] = ()
KEPT = ("--batch-norm", "keep")
INT8 = ("--element-type", "int8")
FUSED = ("--form", "fused")
FORMS = (FOLDED, KEPT, INT8, FUSED, (*KEPT, *FUSED), (*INT8, *FUSED))
WITHOUT_INT8 = {"efficientnet_b0"}


class Mismatch(Exception):
    """What a network should have been and was not."""


def expect(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise Mismatch(f"{what}: {actual}, expected {expected}")


@dataclasses.dataclass(frozen=True)
class Layer:
    """A row of the generator's summary."""

    name: str
    operator: str
    output: tuple[int, ...]
    macs: int
    weights: int
    parameters: int


def generate(*arguments: str) -> str:
    """What the generator prints."""
    done = subprocess.run([sys.executable, "-B", str(ROOT / "examples/networks/generate.py"), *arguments],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Mismatch(f"generate.py {' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout


def summaries() -> dict[str, list[Layer]]:
    """The layers of every network; each network's total has been checked."""
    found: dict[str, list[Layer]] = {}
    for row in csv.DictReader(io.StringIO(generate("--summary"))):
        counts = [int(row[count]) for count in ("macs", "weights", "parameters")]
        layers = found.setdefault(row["network"], [])
        if row["layer"] == "total":
            sums = [sum(getattr(layer, count) for layer in layers)
                    for count in ("macs", "weights", "parameters")]
            expect(f"total of {row['network']}", counts, sums)
        else:
            output = tuple(int(extent) for extent in row["output"].split("x"))
            layers.append(Layer(row["layer"], row["operator"], output, *counts))
    return found


def check_readme(networks: dict[str, list[Layer]]) -> list[str]:
    """The table of examples/networks/README.md has every network's counts."""
    page = (ROOT / "examples/networks/README.md").read_text(encoding="utf-8")
    shown = {name: (parameters, macs) for name, parameters, macs
             in re.findall(r"^\| `(\w+)` \| [^|]* \| ([\d,]+) \| ([\d,]+) \|", page, re.MULTILINE)}
    counted = {name: tuple(f"{sum(getattr(layer, count) for layer in layers):,}"
                           for count in ("parameters", "macs")) for name, layers in networks.items()}
    return [] if shown == counted else [f"README.md shows {shown}, expected {counted}"]


def binding(layer: str) -> str:
    return layer.replace(".", "_")


# What acadlc finds in a text.

def report(acadlc: str, network: pathlib.Path, *arguments: str) -> dict:
    """acadlc's report; that operators are not covered is the only warning."""
    done = subprocess.run([acadlc, ARCHITECTURE, "--workload", str(network), "--estimate", "--format",
                           "json", "-j", "1", *arguments],
                          capture_output=True, text=True, check=False, timeout=300)
    complaints = [line for line in done.stderr.split("\n")
                  if re.search(r"\b(error|warning): ", line) and "[W0712]" not in line]
    if done.returncode != 0 or complaints:
        raise Mismatch(f"exit code {done.returncode}: " + "; ".join(complaints))
    return json.loads(done.stdout)


def check_macs(found: dict, layers: list[Layer], batch: int = 1) -> None:
    expect("multiply-accumulates",
           {layer["name"]: layer["macs"] for layer in found["layers"] if layer["macs"] > 0},
           {binding(layer.name): layer.macs * batch for layer in layers if layer.macs > 0})
    expect("multiply-accumulates in total", found["coverage"]["macs"]["total"],
           batch * sum(layer.macs for layer in layers))


def parameter_sizes(text: str) -> dict[str, dict[str, int]]:
    """Elements of the parameters of a text by layer and kind, e.g. `weight`."""
    [signature] = re.findall(r"def forward\((.*)\) ->", text)
    sizes: dict[str, dict[str, int]] = collections.defaultdict(dict)
    for name, shape in re.findall(r"(\w+): R\.Tensor\(\(([^()]*)\)", signature)[1:]:
        layer, kind = name.rsplit("_", 1)
        sizes[layer][kind] = math.prod(int(extent) for extent in shape.split(",") if extent.strip())
    return sizes


def check_parameters(text: str, layers: list[Layer], folded: bool) -> None:
    sizes = parameter_sizes(text)
    expect("layers with parameters", sorted(sizes),
           sorted(binding(layer.name) for layer in layers if layer.parameters > 0))
    for layer in layers:
        kinds = sizes.get(binding(layer.name), {})
        expect(f"weights of {layer.name}", kinds.get("weight", 0), layer.weights)
        others = layer.parameters - layer.weights
        if folded:
            expect(f"biases of {layer.name}", kinds.get("bias", 0), layer.output[1] if others else 0)
        else:
            trained = sum(size for kind, size in kinds.items() if kind not in ("mean", "variance"))
            expect(f"parameters of {layer.name}", trained, layer.parameters)


def check_network(acadlc: str, folder: pathlib.Path, name: str, layers: list[Layer],
                  form: tuple[str, ...]) -> str:
    """Empty if a network is as its summary says."""
    try:
        network = folder / f"{name}.tir"
        check_macs(report(acadlc, network), layers)
        check_parameters(network.read_text(encoding="ascii"), layers, folded="keep" not in form)
    except Mismatch as mismatch:
        return f"{name} {' '.join(form)}: {mismatch}"
    return ""


def check_reading(acadlc: str) -> list[str]:
    networks = summaries()
    failures = [f"{name}: the total is not {total}" for name, total in TOTALS.items()
                if sum(layer.macs for layer in networks[name]) != total] + check_readme(networks)
    for form in FORMS:
        names = [name for name in networks if form[:2] != INT8 or name not in WITHOUT_INT8]
        with (tempfile.TemporaryDirectory() as place,
              concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool):
            folder = pathlib.Path(place)
            generate("-o", place, *form, *names)
            failures += pool.map(
                lambda name, folder=folder, form=form: check_network(acadlc, folder, name,
                                                                     networks[name], form), names)
    for name in WITHOUT_INT8:
        failures.append(refusal(name))
    return failures


def refusal(name: str) -> str:
    """Empty if the generator says that a network has no int8 form."""
    try:
        generate(name, *INT8)
    except Mismatch as mismatch:
        return "" if f"{name} cannot be written so" in str(mismatch) else str(mismatch)
    return f"{name} has an int8 form"


# Batches.

def check_batch(acadlc: str) -> list[str]:
    """A batch multiplies the multiply-accumulates; a symbolic one has to be given."""
    failures = []
    names = ("lenet5", "tcresnet8", "mobilenet_v1")
    layers = summaries()
    symbols = accepts_symbols(acadlc)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        generate("-o", str(folder / "4"), "--batch", "4", *names)
        generate("-o", str(folder / "n"), "--batch", "n", *names)
        for name in names:
            try:
                check_macs(report(acadlc, folder / "4" / f"{name}.tir"), layers[name], batch=4)
                check_symbolic(acadlc, folder / "n" / f"{name}.tir", layers[name], symbols)
            except Mismatch as mismatch:
                failures.append(f"{name}: {mismatch}")
    if not symbols:
        print("skipped: symbolic sizes with a value, which acadlc has no option for")
    return failures


def accepts_symbols(acadlc: str) -> bool:
    done = subprocess.run([acadlc, "--help"], capture_output=True, text=True, check=True)
    return "--shape" in done.stdout


def check_symbolic(acadlc: str, network: pathlib.Path, layers: list[Layer], symbols: bool) -> None:
    try:
        report(acadlc, network)
    except Mismatch as mismatch:
        if "'n'" not in str(mismatch):
            raise
    else:
        raise Mismatch("the symbolic size needs no value")
    if symbols:
        check_macs(report(acadlc, network, "--shape", "n=4"), layers, batch=4)


# Tables of networks.

OPERATORS = {"conv": {"conv2d"}, "dwconv": {"dwconv2d"}, "conv1d": {"conv1d"}, "add": {"add"},
             "fc": {"dense", "conv2d"}, "maxpool": {"max_pool"}, "mul": {"multiply"},
             "gavgpool": {"global_average_pool"}}

# This table counts weights alone.
WEIGHTS_ALONE = {"tcresnet8_ultratrail"}


def table_name(row: dict[str, str]) -> str:
    """A layer's name without remarks as `+relu`."""
    return re.split(r"[+ ]", row["layer"])[0]


def check_row(row: dict[str, str], layer: Layer, weights_alone: bool) -> None:
    """`layer.output` begins with the batch, and has no extents of 1 that its operator does not know."""
    if layer.operator not in OPERATORS[row["type"]]:
        raise Mismatch(f"{layer.name} is of type {layer.operator}, expected {row['type']}")
    output = tuple(int(row[column]) for column in ("Cout", "Hout", "Wout"))
    expect(f"output of {layer.name}", [extent for extent in layer.output[1:] if extent > 1],
           [extent for extent in output if extent > 1])
    expect(f"multiply-accumulates of {layer.name}", layer.macs, int(row["MACs"]))
    expect(f"parameters of {layer.name}", layer.weights if weights_alone else layer.parameters,
           int(row["params"]))


def check_table(table: pathlib.Path, layers: list[Layer]) -> None:
    with table.open(encoding="utf-8") as lines:
        rows = {table_name(row): row for row in csv.DictReader(lines)}
    own = {layer.name: layer for layer in layers if layer.operator != "softmax"}
    expect("layers", list(own), list(rows))
    for name, row in rows.items():
        check_row(row, own[name], table.stem in WEIGHTS_ALONE)


def check_tables(folder: pathlib.Path) -> list[str]:
    networks = summaries()
    tables = sorted(folder.glob("*.csv"))
    failures = [] if tables else [f"{folder} has no tables"]
    for table in tables:
        try:
            if table.stem not in networks:
                raise Mismatch("there is no such network")
            check_table(table, networks[table.stem])
        except Mismatch as mismatch:
            failures.append(f"{table.stem}: {mismatch}")
    return failures


# Texts of TVM.

PARTNERS = [
    *((name, form, f"{theirs}{suffix}")
      for name, theirs in (("alexnet_torchvision", "alexnet"), ("lenet5", "lenet5"),
                           ("resnet18", "resnet18"))
      for form, suffix in ((KEPT, ""), (FOLDED, "_fold"), (INT8, "_int8"), ((*KEPT, *FUSED), "_fused"),
                           (FUSED, "_fold_fused"), ((*INT8, *FUSED), "_int8_fused"))),
    # The other forms of this network have biases more.
    ("tcresnet8", KEPT, "tc_resnet8"), ("tcresnet8", (*KEPT, *FUSED), "tc_resnet8_fused")]

DECLARATION = re.compile(r"^ +(\w+)(?:: R\.Tuple\(.*\))? = ", re.MULTILINE)


def renamed(text: str) -> str:
    """A text whose tensors are numbered in each function, without attributes that mean nothing."""
    text = re.sub(r'"op_pattern": \d+, ', "", text)
    # A block that is called after what it sums.
    text = re.sub(r'sblock\("\w+_red"\)', 'sblock("sum")', text)
    return "".join(renamed_function(part) for part in re.split(r"(?m)^(?=    @)", text))


def renamed_function(text: str) -> str:
    parts = re.fullmatch(r"(    @.*\n    def \w+)(\(.*\n)((?:.*\n)*)", text)
    if not parts:
        return text
    decorator, parameters, body = parts.groups()
    declared = re.findall(r"(\w+): [TR]\.", parameters) + [
        name for name in DECLARATION.findall(body) if name != "cls"]
    names = {name: f"tensor{number}" for number, name in enumerate(dict.fromkeys(declared))}
    return decorator + re.sub(r'(?<![\w."])\w+(?![\w"])',
                              lambda word: names.get(word.group(), word.group()), parameters + body)


def check_text(theirs: pathlib.Path, form: tuple[str, ...], name: str) -> str:
    """Empty if the texts are the same."""
    with tempfile.TemporaryDirectory() as place:
        generate("-o", place, *form, name)
        own = (pathlib.Path(place) / f"{name}.tir").read_text(encoding="ascii")
    left, right = (renamed(text).split("\n") for text in (own, theirs.read_text(encoding="ascii")))
    if left == right:
        return ""
    difference = list(difflib.unified_diff(left, right, name, theirs.name, lineterm="", n=0))
    return "\n".join(line[:200] for line in difference[:10])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    parser.add_argument("what", choices=["read", "batch", "tables", "tvm"])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="of tables, or of TVM's texts")
    options = parser.parse_args()
    match options.what:
        case "read":
            failures = check_reading(options.acadlc)
        case "batch":
            failures = check_batch(options.acadlc)
        case "tables":
            failures = check_tables(options.folder)
        case _:
            failures = [check_text(options.folder / f"{theirs}.tir", form, name)
                        for name, form, theirs in PARTNERS]
    failures = [failure for failure in failures if failure]
    print("\n".join(failures) or "no differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
