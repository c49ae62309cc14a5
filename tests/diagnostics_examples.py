#!/usr/bin/env python3
"""Runs acadlc on the example of every diagnostic and fails if the diagnostic is not reported."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import generate_diagnostics  # noqa: E402

ARGUMENTS = re.compile(r"^(?://|#) args:(.*)$")


# A limit of the processor's time: how long a run takes depends on what else the machine does.
CPU_SECONDS = 60


def limit_time() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def run_example(acadlc: str, entry: generate_diagnostics.Entry, folder: pathlib.Path) -> str:
    """Empty if acadlc reports the diagnostic, else what is wrong."""
    path = folder / f"{entry.id}{entry.example_kind}"
    path.write_text(entry.example + "\n", encoding="utf-8")
    match = ARGUMENTS.match(entry.example.split("\n", 1)[0])
    arguments = shlex.split(match.group(1)) if match else []
    # A network is no description, nor are measurements: they go where they belong.
    given = {".acadl": [str(path)], ".tir": ["--workload", str(path)],
             ".json": ["--diff", str(path), str(path)],
             ".csv": [*shlex.split(entry.example_arguments), "--validate", str(path)]}
    command = [acadlc] + given[entry.example_kind] + arguments
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False,
                          preexec_fn=limit_time)
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return (f"{entry.id} {entry.name}: no end after {CPU_SECONDS} s of processor time: "
                f"{shlex.join(command)}")
    output = (done.stdout + done.stderr).decode("utf-8", errors="replace")
    wrong = []
    if f"[{entry.id}]" not in output:
        wrong.append("is not reported")
    if (done.returncode == 0) == (entry.severity == "error") or done.returncode not in (0, 1):
        wrong.append(f"ends with exit code {done.returncode}")
    if not wrong:
        return ""
    return (f"{entry.path}:{entry.line}: example of {entry.id} {entry.name} "
            f"{' and '.join(wrong)}\n  $ {shlex.join(command)}\n" +
            "".join(f"  {line}\n" for line in output.splitlines()[:20]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acadlc", default="acadlc", help="the program, by path or in PATH")
    parser.add_argument("only", nargs="*", help="ids or names; all by default")
    options = parser.parse_args()
    entries = [entry for entry in
               generate_diagnostics.read_tables(ROOT / "support" / "diagnostics")
               if entry.has_example]
    if options.only:
        entries = [e for e in entries if e.id in options.only or e.name in options.only]
    acadlc = options.acadlc
    if os.sep in acadlc:
        acadlc = str(pathlib.Path(acadlc).resolve())
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # Examples that need a description and a network take `--workload examples/….tir`.
        (pathlib.Path(folder) / "examples").symlink_to(ROOT / "examples")
        results = list(pool.map(
            lambda entry: run_example(acadlc, entry, pathlib.Path(folder)), entries))
    failures = [result for result in results if result]
    print("\n".join(failures), end="")
    print(f"{len(entries) - len(failures)} of {len(entries)} examples report their diagnostic")
    return 1 if failures or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
