#!/usr/bin/env python3
"""Checks what the documentation shows.

Every ```acadl block of docs/language.md, docs/validation.md and docs/design/*.md is parsed and checked;
the blocks of a page are one text. Blocks that are not complete are marked ```acadl-fragment and left
out. Every line of a ```sh block of README.md, docs/validation.md, docs/workloads.md and
examples/networks/README.md that calls acadlc or a generator is run and has to succeed; a ```console
block there has to show what its command prints (`…` stands for anything). Such a command finds the
page's text as NAME.acadl, e.g. validation.acadl.
"""

import argparse
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(`{3,})\s*([\w-]*)\s*$")


def blocks(path: pathlib.Path, kind: str) -> list[tuple[int, list[str]]]:
    """The blocks of one kind with the number of their first line."""
    found: list[tuple[int, list[str]]] = []
    fence, current = "", None
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        match = FENCE.match(line)
        if not fence:
            if match:
                fence = match.group(1)
                current = [] if match.group(2) == kind else None
                if current is not None:
                    found.append((number + 1, current))
        elif line.rstrip() == fence:
            fence, current = "", None
        elif current is not None:
            current.append(line)
    return found


def page_text(path: pathlib.Path) -> str:
    """The page's blocks at the lines where they stand, so that messages name the page's lines."""
    lines: list[str] = []
    for first, block in blocks(path, "acadl"):
        lines += [""] * (first - 1 - len(lines)) + block
    return "\n".join(lines) + "\n"


def run(command: list[str], folder: pathlib.Path) -> str:
    """Empty if the command succeeds, else what it printed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=600)
    if done.returncode == 0:
        return ""
    output = (done.stdout + done.stderr).decode("utf-8", errors="replace")
    return f"$ {shlex.join(command)}\nexit code {done.returncode}\n{output}"


def check_page(acadlc: str, page: pathlib.Path, folder: pathlib.Path) -> str:
    path = folder / (page.stem + ".acadl")
    path.write_text(page_text(page), encoding="utf-8")
    return run([acadlc, str(path), "--check"], folder).replace(str(path), str(page.relative_to(ROOT)))


def commands_of(page: pathlib.Path) -> list[list[str]]:
    return [shlex.split(line, comments=True)
            for _, block in blocks(page, "sh") for line in block
            if re.match(r"(\S*/)?acadlc |examples/\S*\.py ", line)]


def run_shown(acadlc: str, command: list[str], folder: pathlib.Path) -> str:
    """Runs a command of a page with the acadlc that is tested."""
    if command[0].endswith(".py"):
        return run([sys.executable, "-B", *command], folder)
    return run([acadlc, *command[1:]], folder)


def check_console(acadlc: str, page: pathlib.Path, block: list[str], folder: pathlib.Path) -> str:
    """Empty if the block shows the beginning of what its command prints."""
    command = shlex.split(block[0].removeprefix("$ "))
    done = subprocess.run([acadlc, *command[1:]], cwd=folder, capture_output=True, text=True,
                          check=False, timeout=600)
    shown = block[1:]
    printed = (done.stdout + done.stderr).split("\n")
    if "…" in shown:
        shown = shown[:shown.index("…")]
    if printed[:len(shown)] == shown:
        return ""
    return f"{page.name} shows something else than\n{block[0]}\n" + "\n".join(printed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acadlc", default="acadlc")
    parser.add_argument("what", choices=["pages", "readme"])
    options = parser.parse_args()
    failures = []
    count = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if options.what == "pages":
            for page in [ROOT / "docs/language.md", ROOT / "docs/tutorial.md",
                         ROOT / "docs/validation.md", *sorted((ROOT / "docs/design").glob("*.md"))]:
                count += 1
                failures.append(check_page(options.acadlc, page, folder))
        else:
            # What a command writes is not to stay in the repository.
            (folder / "examples").symlink_to(ROOT / "examples")
            (folder / "typo.acadl").write_text((ROOT / "tests/docs/typo.acadl").read_text())
            for page in [ROOT / "README.md", ROOT / "docs/validation.md", ROOT / "docs/workloads.md",
                         ROOT / "examples/networks/README.md"]:
                (folder / (page.stem + ".acadl")).write_text(page_text(page), encoding="utf-8")
                for command in commands_of(page):
                    count += 1
                    failures.append(run_shown(options.acadlc, command, folder))
                for _, block in blocks(page, "console"):
                    count += 1
                    failures.append(check_console(options.acadlc, page, block, folder))
    failures = [failure for failure in failures if failure]
    print("\n".join(failures))
    print(f"{count - len(failures)} of {count} succeed")
    return 1 if failures or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
