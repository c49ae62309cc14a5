#!/usr/bin/env python3
"""Turns the diagnostic tables (support/diagnostics/*.txt) into C++ and Markdown.

A table is a sequence of entries; lines that start with '#' before the first entry are comments:

    == E0101 unknown-unit error
    message: unknown unit '{0}'
    explain:
      prose, Markdown, any number of indented lines
    example: .acadl
      indented input text that triggers it

The example is a complete input file. If its first line reads '// args: ...' or '# args: ...', these
are more command-line arguments for acadlc. A .json file is a report that is compared with itself. A
.csv file has no comments: the arguments that go with '--validate FILE' stand behind its kind,
'example: .csv std/one_mac.acadl --operator matmul'. What no input can lead to, because it would be a
mistake of acadlc, has 'example: none' with the reason below it. The file name of a table starts with a
digit, which is the second digit of the ids in it:
1-parse.txt holds E01xx and W01xx.
"""

import argparse
import pathlib
import re
import sys
from dataclasses import dataclass

HEADING = re.compile(r"^== ([EW]\d{4}) ([a-z][a-z0-9]*(?:-[a-z0-9]+)*) (error|warning)$")
NO_EXAMPLE = "none"
EXAMPLE_KINDS = (".acadl", ".tir", ".csv", ".json", NO_EXAMPLE)
SEVERITY_LETTER = {"error": "E", "warning": "W"}


@dataclass
class Entry:
    path: pathlib.Path
    line: int
    id: str
    name: str
    severity: str
    message: str = ""
    explanation: str = ""
    example_kind: str = ""
    example_arguments: str = ""  # of a .csv file
    example: str = ""  # or why there is none

    @property
    def has_example(self) -> bool:
        return self.example_kind != NO_EXAMPLE

    @property
    def example_heading(self) -> str:
        return f"{self.example_kind} {self.example_arguments}".rstrip()

    @property
    def enumerator(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("-"))


class TableError(Exception):
    def __init__(self, path: pathlib.Path, line: int, text: str):
        super().__init__(f"{path}:{line}: error: {text}")


def dedent_block(lines: list[str]) -> str:
    """Takes the block's two columns of indentation and its outer empty lines away."""
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(line[2:] for line in lines)


def parse_table(path: pathlib.Path) -> list[Entry]:
    prefix = path.name.split("-")[0]
    if not re.fullmatch(r"\d", prefix):
        raise TableError(path, 1, "a table's file name starts with one digit and '-'")
    entries: list[Entry] = []
    blocks: dict[str, list[str]] = {}
    block: list[str] | None = None

    def finish() -> None:
        if not entries:
            return
        entry = entries[-1]
        entry.explanation = dedent_block(blocks.get("explain", []))
        entry.example = dedent_block(blocks.get("example", []))
        for what, text in (("message:", entry.message), ("explain:", entry.explanation),
                           ("example:", entry.example)):
            if not text:
                raise TableError(path, entry.line, f"{entry.id} {entry.name} has no {what}")

    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("=="):
            finish()
            match = HEADING.match(line)
            if not match:
                raise TableError(path, number, "expected '== E0101 some-name error' "
                                 "(or W… and warning), found: " + line)
            identifier, name, severity = match.groups()
            if identifier[0] != SEVERITY_LETTER[severity]:
                raise TableError(path, number, f"{identifier} does not fit '{severity}': "
                                 "errors start with E, warnings with W")
            if identifier[1:3] != "0" + prefix:
                raise TableError(path, number, f"{identifier} does not belong into {path.name}: "
                                 f"ids here are {identifier[0]}0{prefix}xx")
            entries.append(Entry(path, number, identifier, name, severity))
            blocks, block = {}, None
        elif not entries:
            if line.strip() and not line.startswith("#"):
                raise TableError(path, number, "text before the first '==' entry")
        elif line.startswith("message:"):
            if entries[-1].message:
                raise TableError(path, number, "second 'message:' in one entry")
            block = None
            entries[-1].message = line[len("message:"):].strip()
            check_message(path, number, entries[-1].message)
        elif line.startswith("explain:") or line.startswith("example:"):
            key, rest = line.split(":", 1)
            rest = rest.strip()
            if key in blocks:
                raise TableError(path, number, f"second '{key}:' in one entry")
            if key == "explain" and rest:
                raise TableError(path, number, "the text of 'explain:' starts on the next line")
            if key == "example":
                kind, _, arguments = rest.partition(" ")
                if kind not in EXAMPLE_KINDS or (arguments != "") != (kind == ".csv"):
                    raise TableError(path, number, "expected 'example: .acadl', 'example: .tir', "
                                     "'example: .csv ARGUMENTS', 'example: .json' or "
                                     f"'example: none', found: {line}")
                entries[-1].example_kind = kind
                entries[-1].example_arguments = arguments
            block = blocks[key] = []
        elif not line.strip():
            if block is not None:
                block.append("")
        elif line.startswith("  ") and block is not None:
            block.append(line.rstrip())
        elif line.startswith("#"):
            block = None
        else:
            raise TableError(path, number, "expected '==', 'message:', 'explain:', 'example:' or "
                             f"a line indented by two spaces, found: {line}")
    finish()
    return entries


def check_message(path: pathlib.Path, line: int, message: str) -> None:
    if not message:
        raise TableError(path, line, "empty message")
    if message.endswith("."):
        raise TableError(path, line, "a message does not end in a period")
    if re.match(r"[A-Z]([a-z ]|$)", message):  # but abbreviations may
        raise TableError(path, line, "a message starts with a lower-case letter")
    rest = re.sub(r"\{\d\}", "", message)
    if "{" in rest or "}" in rest:
        raise TableError(path, line, "braces other than {0} … {9} in a message")
    places = sorted({int(digit) for digit in re.findall(r"\{(\d)\}", message)})
    if places != list(range(len(places))):
        raise TableError(path, line, "placeholders are numbered {0}, {1}, … without a gap")


def read_tables(folder: pathlib.Path) -> list[Entry]:
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise TableError(folder, 1, "no tables (*.txt) in this folder")
    entries = [entry for path in paths for entry in parse_table(path)]
    for attribute in ("id", "name", "enumerator"):
        seen: dict[str, Entry] = {}
        for entry in entries:
            key = getattr(entry, attribute)
            # E0101 and W0101 would be told apart by one letter only: the number counts.
            key = key[1:] if attribute == "id" else key
            if key in seen:
                first = seen[key]
                raise TableError(entry.path, entry.line, f"duplicate {attribute}: {entry.id} "
                                 f"{entry.name}; the first is {first.id} {first.name} at "
                                 f"{first.path}:{first.line}")
            seen[key] = entry
    return entries


def literal(text: str) -> str:
    """A C++ string literal, one piece per line of text."""
    pieces = []
    for line in text.split("\n"):
        chars = []
        for byte in (line + "\n").encode("utf-8"):
            char = chr(byte)
            if char == "\n":
                chars.append("\\n")
            elif char in '"\\?':
                chars.append("\\" + char)
            elif 32 <= byte < 127:
                chars.append(char)
            else:
                chars.append(f"\\{byte:03o}")
        pieces.append("".join(chars))
    pieces[-1] = pieces[-1][:-2]  # the last line has no break
    return "\n     ".join(f'"{piece}"' for piece in pieces)


def header_text(entries: list[Entry]) -> str:
    lines = ["// Generated by scripts/generate_diagnostics.py; do not edit.", "#pragma once", "",
             "#include <cstdint>", "", "namespace acadlc {", "",
             "/// Every diagnostic of support/diagnostics/*.txt.",
             "enum class DiagnosticCode : std::uint16_t {"]
    lines += [f"  {entry.enumerator}, ///< {entry.id}: {entry.message}" for entry in entries]
    lines += ["};", "", "} // namespace acadlc", ""]
    return "\n".join(lines)


def source_text(entries: list[Entry]) -> str:
    lines = ["// Generated by scripts/generate_diagnostics.py; do not edit.",
             '#include "support/Diagnostics.h"', "", "namespace acadlc::detail {", "",
             "// Indexed by DiagnosticCode.",
             "extern const DiagnosticInfo diagnosticTable[];",
             "extern const std::size_t diagnosticTableSize;", "",
             "const DiagnosticInfo diagnosticTable[] = {"]
    for entry in entries:
        example = f"{entry.example_heading}\n{entry.example}" if entry.has_example else ""
        lines.append(f'    {{"{entry.id}", "{entry.name}", '
                     f"Severity::{entry.severity.capitalize()},\n"
                     f"     {literal(entry.message)},\n     {literal(entry.explanation)},\n"
                     f"     {literal(example)}}},")
    lines += ["};", f"const std::size_t diagnosticTableSize = {len(entries)};", "",
              "} // namespace acadlc::detail", ""]
    return "\n".join(lines)


def markdown_text(entries: list[Entry]) -> str:
    lines = ["<!-- Generated by scripts/generate_diagnostics.py; edit support/diagnostics/*.txt. -->",
             "# Diagnostics", "",
             "Every error (E) and warning (W) that acadlc reports, with an input that shows it. "
             "`acadlc --explain E0101` prints the same text.", "",
             "| id | name | message |", "|---|---|---|"]
    for entry in entries:
        message = entry.message.replace("|", "\\|")
        anchor = f"{entry.id}-{entry.name}".lower()
        lines.append(f"| [{entry.id}](#{anchor}) | {entry.name} | {message} |")
    for entry in entries:
        fence = "```"
        while fence in entry.example:
            fence += "`"
        lines += ["", f"## {entry.id} {entry.name}", "", f"{entry.severity}: `{entry.message}`",
                  "", entry.explanation, ""]
        if not entry.has_example:
            lines.append(entry.example)
            continue
        if entry.example_arguments:
            lines += [f"`acadlc {entry.example_arguments} --validate FILE` on", ""]
        lines += [fence + {".acadl": "acadl", ".tir": "python", ".csv": "csv", ".json": "json"}[entry.example_kind],
                  entry.example, fence]
    return "\n".join(lines) + "\n"


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--tables", type=pathlib.Path, default=root / "support" / "diagnostics")
    parser.add_argument("--header", type=pathlib.Path, help="write the enumeration to this file")
    parser.add_argument("--source", type=pathlib.Path, help="write the table to this file")
    parser.add_argument("--markdown", type=pathlib.Path, nargs="?", const=root / "docs" /
                        "diagnostics.md", help="write the reference (default docs/diagnostics.md)")
    parser.add_argument("--check-markdown", type=pathlib.Path, nargs="?", const=root / "docs" /
                        "diagnostics.md", help="fail unless this file is up to date")
    options = parser.parse_args()
    try:
        entries = read_tables(options.tables)
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    if options.header:
        write(options.header, header_text(entries))
    if options.source:
        write(options.source, source_text(entries))
    if options.markdown:
        write(options.markdown, markdown_text(entries))
    if options.check_markdown:
        path = options.check_markdown
        if not path.exists() or path.read_text(encoding="utf-8") != markdown_text(entries):
            print(f"{path} is out of date: run scripts/generate_diagnostics.py --markdown",
                  file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
