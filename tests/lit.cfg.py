"""Configuration of lit for acadlc. scripts/test runs it; by hand:

    lit.py --param build_dir=build/release tests
"""

import os
import pathlib
import shutil

import lit.formats

root = pathlib.Path(__file__).resolve().parent.parent
build_dir = pathlib.Path(lit_config.params.get("build_dir", root / "build" / "release")).resolve()

config.name = "acadlc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".test"]
config.excludes = ["Inputs", "fuzz", "unit"]
config.test_source_root = str(root / "tests")
config.test_exec_root = str(build_dir / "lit")

# Programs under test are named without a path in RUN lines.
config.environment["PATH"] = os.pathsep.join(
    [str(build_dir / "bin"), "/usr/lib/llvm-19/bin", os.environ.get("PATH", "")])
config.environment["LC_ALL"] = "C.UTF-8"
for name in ("ACADLC_UPDATE_GOLDENS", "ACADLC_PROPERTY_CASES", "ACADLC_SHARED_DIR",
             "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# %golden COMMAND...   compares with the .expected file beside the test, see tests/golden.py
# %sanitized           --sanitized for programs with sanitizers, else nothing
# %root                the repository, %examples its examples, %shared data beside the repository
shared = pathlib.Path(os.environ.get("ACADLC_SHARED_DIR", root.parent / "shared"))
config.substitutions += [
    ("%golden", f"python3 {root}/tests/golden.py --test %s"),
    ("%root", str(root)),
    ("%examples", str(root / "examples")),
    ("%shared", str(shared)),
    ("%python", "python3"),
    ("%sanitized", "--sanitized" if lit_config.params.get("sanitizers") else ""),
]

# REQUIRES: and UNSUPPORTED: of tests.
if shared.is_dir():
    config.available_features.add("shared")
if lit_config.params.get("sanitizers"):
    config.available_features.add("sanitizers")
if lit_config.params.get("long"):
    config.available_features.add("long")
for program in ("dot", "nvim", "node"):
    if shutil.which(program):
        config.available_features.add(program)
for program in ("acadlc", "acadl-lsp"):
    if (build_dir / "bin" / program).exists():
        config.available_features.add(program)
