#!/usr/bin/env python3
"""No two headers define a type of the same name in the same namespace: the linker would join templates over
them, one taken for the other, without a word."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{")
DEFINITION = re.compile(r"^(?:struct|class|enum class|union) (\w+)(?: final)?(?: :[^;]*)? ?\{")


def definitions(path):
    """Types that the header defines in a named namespace, not inside other types."""
    namespaces = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if opened := NAMESPACE.match(line):
            namespaces.append(opened[1])
        elif line.startswith("} // namespace") and namespaces:
            namespaces.pop()
        elif found := DEFINITION.match(line):
            yield "::".join([*namespaces, found[1]])


def main():
    first, code = {}, 0
    headers = [path for path in sorted(ROOT.rglob("*.h")) if "build" not in path.relative_to(ROOT).parts]
    for path in headers:
        for name in definitions(path):
            other = first.setdefault(name, path)
            if other != path:
                print(f"{name}: {other.relative_to(ROOT)} and {path.relative_to(ROOT)}")
                code = 1
    print(f"{len(first)} types" if len(first) > 100 else "too few types found")
    return code if len(first) > 100 else 1


if __name__ == "__main__":
    sys.exit(main())
