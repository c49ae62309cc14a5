#!/usr/bin/env python3
"""Checks an SVG picture: it is XML, refers to nothing outside, and shows the texts that are asked for."""

import argparse
import sys
import xml.etree.ElementTree as tree

SVG = "{http://www.w3.org/2000/svg}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture")
    parser.add_argument("texts", nargs="*", help="parts of texts that it has to show")
    options = parser.parse_args()
    root = tree.parse(options.picture).getroot()
    shown = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    wrong = [f"no text has {text!r}" for text in options.texts
             if not any(text in each for each in shown)]
    if root.tag != f"{SVG}svg":
        wrong.append(f"it is a {root.tag}")
    for element in root.iter():
        wrong += [f"{element.tag} refers to {value}" for name, value in element.attrib.items()
                  if name.endswith("href")]
        wrong += [f"{element.tag} has {name}={value!r}" for name, value in element.attrib.items()
                  if "nan" in value or "inf" in value]
    print("\n".join(wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
