#!/usr/bin/env python3
"""Checks a JSON report against docs/report.schema.json, or against docs/NAME.schema.json.

Knows the part of JSON Schema that the schema uses, and refuses schemas that use more.
"""

import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
KNOWN = {"$schema", "title", "description", "type", "enum", "minimum", "required", "properties",
         "additionalProperties", "items"}


def has_type(value: object, name: str) -> bool:
    if name == "null":
        return value is None
    if name == "boolean":
        return isinstance(value, bool)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "array": list, "object": dict}[name])


def problems(value: object, schema: dict, where: str = "$") -> list[str]:
    if unknown := set(schema) - KNOWN:
        return [f"{where}: this checker does not know {sorted(unknown)}"]
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(has_type(value, name) for name in types):
        return [f"{where}: {value!r} is no {' or '.join(types)}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "minimum" in schema and has_type(value, "number") and value < schema["minimum"]:
        found.append(f"{where}: {value} is less than {schema['minimum']}")
    if isinstance(value, list) and "items" in schema:
        for index, entry in enumerate(value):
            found += problems(entry, schema["items"], f"{where}[{index}]")
    if isinstance(value, dict):
        found += [f"{where}: {name} is missing" for name in schema.get("required", [])
                  if name not in value]
        for name, entry in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
            if inner is False:
                found.append(f"{where}: {name} is not in the schema")
            elif inner is not True:
                found += problems(entry, inner, f"{where}.{name}")
    return found


def self_test(report: dict, schema: dict) -> list[str]:
    """The checker must refuse reports that are wrong."""
    entries = next(name for name in ("layers", "rows", "operators") if name in report)
    number = next((name for name in ("cycles", "points", "total_macs") if name in report), "schema")
    wrong = [{**report, number: "12"}, {**report, "schema": 2}, {**report, number: -1},
             {**report, "surplus": 1}, {k: v for k, v in report.items() if k != entries},
             {**report, entries: [{}]}]
    return [f"wrong report {index} is accepted" for index, entry in enumerate(wrong)
            if not problems(entry, schema)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=pathlib.Path, help="- is standard input")
    parser.add_argument("--schema", default="report", help="report (default), validation, operators or diff")
    options = parser.parse_args()
    schema = json.loads((ROOT / "docs" / f"{options.schema}.schema.json").read_text("utf-8"))
    text = sys.stdin.read() if str(options.report) == "-" else options.report.read_text("utf-8")
    report = json.loads(text)
    found = problems(report, schema) + self_test(report, schema)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
