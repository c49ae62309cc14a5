#!/usr/bin/env python3
"""Writes well-known networks as TVMScript (.tir), without TVM.

They have no trained weights: latency depends on shapes alone. Without names, all networks are written.
"""

from __future__ import annotations

import argparse
import csv
import pathlib
import sys

from definitions import NETWORKS
from layers import Form, Network, UnsupportedForm
from tvmscript import Extent


def batch_size(text: str) -> Extent:
    if text == "n":
        return text
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is neither a positive number nor n")


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"of {', '.join(NETWORKS)} (default: all)")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("."),
                        metavar="FOLDER", help="where NAME.tir are written (default: here)")
    parser.add_argument("--batch-norm", choices=["fold", "keep"], default="fold",
                        help="fold: folded into weights and biases, all in the shape in which they are "
                             "read (default); keep: as trained, so that the text has the calls that "
                             "prepare weights")
    parser.add_argument("--form", choices=["plain", "fused"], default="plain",
                        help="plain: a function for every operator (default); fused: bias, activation "
                             "and addition are in the function of the layer before them")
    parser.add_argument("--element-type", choices=["float32", "int8"], default="float32",
                        help="int8: sums and biases are int32, rounded to int8 behind each layer; not "
                             "for efficientnet_b0")
    parser.add_argument("--batch", type=batch_size, default=1, metavar="N",
                        help="how many inputs at once (default: 1); n leaves the size symbolic")
    parser.add_argument("--summary", action="store_true",
                        help="print each layer's output, multiply-accumulates for one input and "
                             "parameters as CSV, instead of writing files")
    parser.add_argument("--list", action="store_true", help="print the names of the networks")
    return parser


def print_summary(networks: dict[str, Network]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["network", "layer", "operator", "output", "macs", "weights", "parameters"])
    for name, network in networks.items():
        for layer in network.layers:
            writer.writerow([name, layer.name, layer.operator, "x".join(map(str, layer.output)),
                             layer.macs, layer.weights, layer.parameters])
        writer.writerow([name, "total", "", "",
                         *(sum(getattr(layer, count) for layer in network.layers)
                           for count in ("macs", "weights", "parameters"))])


def main() -> int:
    parser = command_line()
    options = parser.parse_args()
    if options.list:
        print("\n".join(NETWORKS))
        return 0
    unknown = [name for name in options.names if name not in NETWORKS]
    if unknown:
        parser.error(f"unknown network '{unknown[0]}'; there are {', '.join(NETWORKS)}")
    form = Form(options.batch, fold=options.batch_norm == "fold", fuse=options.form == "fused",
                element_type=options.element_type)
    networks: dict[str, Network] = {}
    for name in options.names or NETWORKS:
        try:
            networks[name] = NETWORKS[name](form)
        except UnsupportedForm as error:
            parser.error(f"{name} cannot be written so: {error}")
    if options.summary:
        print_summary(networks)
        return 0
    options.output.mkdir(parents=True, exist_ok=True)
    for name, network in networks.items():
        (options.output / f"{name}.tir").write_text(network.text(), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
