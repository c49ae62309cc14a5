#!/usr/bin/env python3
"""Runs a command and compares exit code, standard output and standard error with a golden file.

The golden of tests/golden/foo.test is tests/golden/foo.expected; a test with several commands names
them: `%golden --part 2 acadlc ...` uses foo.2.expected. With ACADLC_UPDATE_GOLDENS=1 in the
environment the golden is rewritten and the test passes.

The path of the repository is replaced by <root>, so that goldens fit every checkout.
"""

import argparse
import difflib
import os
import pathlib
import subprocess
import sys


def shown(text: bytes, root: pathlib.Path) -> str:
    return text.decode("utf-8", errors="backslashreplace").replace(str(root), "<root>")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", type=pathlib.Path, required=True)
    parser.add_argument("--part", help="names this command's golden among several of a test")
    parser.add_argument("--stdin", type=pathlib.Path, help="file that the command reads")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent

    # The command runs in the repository, so that inputs are named by relative paths.
    stdin = options.stdin.read_bytes() if options.stdin else b""
    done = subprocess.run(options.command, cwd=root, input=stdin, capture_output=True, check=False)
    actual = f"exit code {done.returncode}\n" + shown(done.stdout, root)
    if done.stderr:
        if not actual.endswith("\n"):
            actual += "\n[no line break at the end]\n"
        actual += "---- standard error ----\n" + shown(done.stderr, root)

    suffix = f".{options.part}.expected" if options.part else ".expected"
    path = options.test.with_suffix(suffix)
    if os.environ.get("ACADLC_UPDATE_GOLDENS") == "1":
        path.write_text(actual, encoding="utf-8")
        return 0
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if actual == expected:
        return 0
    sys.stdout.writelines(difflib.unified_diff(expected.splitlines(keepends=True),
                                               actual.splitlines(keepends=True), str(path),
                                               "actual"))
    print(f"\n{path.name} differs; ACADLC_UPDATE_GOLDENS=1 scripts/test renews it")
    return 1


if __name__ == "__main__":
    sys.exit(main())
