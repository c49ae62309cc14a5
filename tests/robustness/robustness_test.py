#!/usr/bin/env python3
"""Hostile inputs: runs acadlc on them and checks exit code, time, and the diagnostic that it reports.

    robustness_test.py PATH_OF_ACADLC [--only PART_OF_A_NAME] [--list] [--sanitized]

Whatever the input, acadlc must end with 0, 1 or 2 within the time limit and with little memory. Each
case states what it expects on top of that. Big inputs are generated in a temporary folder.
"""

import argparse
import csv
import dataclasses
import os
import pathlib
import random
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"
MATMUL = (EXAMPLES / "matmul.tir").read_text(encoding="utf-8")
TINY = (EXAMPLES / "tiny_conv.tir").read_text(encoding="utf-8")
SYSTOLIC = (ROOT / "stdlib" / "systolic_array.acadl").read_text(encoding="utf-8")
ARRAY = ["std/systolic_array.acadl", "-P", "rows=2", "-P", "columns=2"]
MEMORY_LIMIT = 4_000_000 * 1024

# A small architecture; programs are appended.
BASE = """\
instruction mac(acc: inout reg, a: in reg, b: in reg) { macs = 1 }
instruction load(dst: out reg, src: in mem)
architecture A(size: bytes = 1 MiB, latency: cycles = 1 cycle, word: cycles = 1 cycle) {
  instructions: SRAM { data_width = 32 bit, size = 1 KiB }
  fetch: InstructionFetchStage { issue_buffer_size = 1 } contains { u: InstructionMemoryAccessUnit { } }
  instructions => u
  execute: ExecuteStage { latency = word } contains {
    f: FunctionalUnit { to_process = [mac], latency = latency }
    m: MemoryAccessUnit { to_process = [load] }
  }
  fetch -> execute
  regs: RegisterFile { data_width = 32 bit, registers = [a, b, c] }
  other: RegisterFile { data_width = 32 bit, registers = [z] }
  memory: SRAM { data_width = 32 bit, size = size, read_latency = latency }
  regs => f => regs
  regs => m => regs
  memory => m
}
"""
MAC = "emit mac(arch.regs.a, arch.regs.b, arch.regs.c)"
LOAD = "emit load(arch.regs.a, arch.memory[0 .. 4])"


@dataclasses.dataclass
class Case:
    """One run. `files` are written first; `{dir}` in arguments is their folder."""

    name: str
    arguments: list
    code: int  # the exit code; -1: 0 or 1
    texts: tuple = ()  # must all stand in stdout or stderr
    files: dict = dataclasses.field(default_factory=dict)
    absent: tuple = ("internal error",)
    seconds: int = 10  # of the processors; what waits is given up after ten times as many
    stdin: bytes = b""
    shell: str = ""  # a shell's redirections, appended
    lines: int = 400  # most lines on standard error
    pipe: str = ""  # name of a named pipe that nobody writes
    holes: dict = dataclasses.field(default_factory=dict)  # name and size of files without content


CASES: list[Case] = []


def case(name, arguments, code, *texts, **more):
    """Adds a case."""
    CASES.append(Case(name, list(arguments), code, texts, **more))


def check(name, source, code, *texts, arguments=(), **more):
    """Adds a case of one description that is checked."""
    case(name, ["x.acadl", *arguments], code, *texts, files={"x.acadl": source}, **more)


def program(name, body, code, *texts, arguments=(), **more):
    """Adds a case of a program on the small architecture."""
    check(name, BASE + "program p on arch: A { " + body + " }\n", code, *texts,
          arguments=["--estimate", *arguments], **more)


def network(name, source, code, *texts, arguments=("--estimate",), **more):
    """Adds a case of a network on the systolic array."""
    case(name, [*ARRAY, "--workload", "x.tir", *arguments], code, *texts,
         files={"x.tir": source}, **more)


def edited(text, old, new, count=-1):
    """`text` with `old` replaced, which must stand in it."""
    if old not in text:
        raise ValueError(f"{old!r} does not stand in the text to edit: adapt this test")
    return text.replace(old, new, count)


def mapping(name, old, new, code, *texts, **more):
    """Adds a case of the systolic array with an edited description."""
    case(name, ["x.acadl", "-P", "rows=2", "-P", "columns=2", "--workload",
                str(EXAMPLES / "matmul.tir"), "--estimate"], code, *texts,
         files={"x.acadl": edited(SYSTOLIC, old, new)}, **more)


def command_line():
    """Wrong uses of the command line, and outputs that cannot be written."""
    tiny = ["--workload", str(EXAMPLES / "tiny_conv.tir")]
    estimate = [*ARRAY, *tiny, "--estimate"]
    case("no arguments", [], 2, "no FILE.acadl")
    case("unknown option", [*ARRAY, "--bogus"], 2, "'--bogus'")
    case("misspelt option", [*ARRAY, "--estimte"], 2, "did you mean '--estimate'?")
    case("-P without value", ["std/systolic_array.acadl", "-P"], 2, "-P")
    case("-P without =", ["std/systolic_array.acadl", "-P", "rows"], 2, "NAME=VALUE")
    case("-P without name", ["std/systolic_array.acadl", "-P", "=3"], 2, "NAME=VALUE")
    case("two files", [*ARRAY, "std/one_mac.acadl"], 2, "one FILE")
    case("estimate and simulate", [*estimate, "--simulate"], 2, "exclude each other")
    case("format xml", [*estimate, "--format", "xml"], 2, "'xml'")
    for value in ("0", "-1", "x", "99999999999999999999"):
        case(f"-j {value}", [*estimate, "-j", value], 2, "-j")
    case("-j 1000000", [*estimate, "-j", "1000000"], 0, "cycles")
    case("nothing to evaluate", [*ARRAY, "--estimate"], 2, "--workload")
    case("unknown diagnostic", ["--explain", "E9999"], 2, "E9999")
    case("iterations backwards", [*estimate, "--layer", "tiny_sums", "--dump-aidg", "a.dot",
                                  "--iterations", "4..0"], 2, "--iterations")
    case("-o folder", [*estimate, "-o", "{dir}"], 1, "[E0702]")
    case("-o nowhere", [*estimate, "-o", "/nosuch/x"], 1, "[E0702]")
    case("-o /dev/full", [*estimate, "-o", "/dev/full"], 1, "[E0702]")
    case("-o over the network", ["--workload", "x.tir", "--list-operators", "-o", "./x.tir"], 1,
         "'./x.tir': it is an input of this run", "[E0702]", files={"x.tir": TINY})
    case("--trace folder", [*estimate, "--trace", "{dir}"], 1, "[E0702]")
    case("--dump-ag nowhere", [*estimate, "--dump-ag", "/nosuch/x.dot"], 1, "[E0702]")
    case("stdout closed", estimate, 1, "[E0702]", shell=">&-")
    case("stderr closed", estimate, 0, "cycles", shell="2>&-")
    case("stdin twice", ["-", "--workload", "-"], 2, "standard input")
    case("stdin description", ["-"], 1, "<stdin>:1:10", "[E0101]", stdin=b"const a = ")
    case("no layer of this name", [*estimate, "--layer", "nosuch"], 1, "tiny_sums", "[E0706]")
    # A layer that no mapping covers: nothing can be computed.
    case("unmapped layer alone", [*estimate, "--layer", "tiny"], 1, "[E07")
    case("no entry of this name", [*estimate, "--entry", "nosuch"], 1, "[E0404]")
    case("no architecture of this name", [*estimate, "--architecture", "No"], 1, "[E0704]")
    case("no mapping of this name", [*estimate, "--mapping", "conv2d=nosuch"], 1, "[E0503]")
    case("mapping that does not fit", [*estimate, "--mapping", "conv2d=matmul"], 1, "[E0501]")
    case("strict", [*estimate, "--strict"], 1, "[E0714]")
    case("empty import", ["x.acadl"], 1, "x.acadl:1:8", "[E0310]", files={"x.acadl": 'import ""\n'})


def parameters():
    """Values of -P."""
    def value(text, code, *texts, **more):
        case(f"-P {text}"[:60], ["std/systolic_array.acadl", *(
            [] if text.startswith(("rows", "columns")) else ["-P", "rows=2"]), "-P", "columns=2",
                                 "-P", text, "--workload", str(EXAMPLES / "tiny_conv.tir"),
                                 "--estimate"], code, *texts, **more)

    value("rows=999999999999", 1, "[E0318]")
    value("rows=9223372036854775807", 1, "[E0303]")
    value("rows=9223372036854775808", 1, "too large")
    value("rows=0", 1, "[E0301]")
    value("rows=-1", 1, "[E0301]")
    value("rows=1.5", 1, "[E0212]")
    value('rows="a"', 1, "[E0212]")
    value("rows=1/0", 1, "[E0302]")
    value("rows=rows", 1, "[E0202]")
    value("rows=2 2", 1, "one value")
    value("rows=1 } architecture X {", 1, "one value")
    value("rows=2\nconst x = 3", 1, "one value")
    value("nosuch=1", 1, "its parameters are rows", "[E0223]")
    value("rows=2 parsec", 1, "[E0201]")
    value("matmul.tile=3", 1, "[E0514]")
    value("nosuch.x=3", 1, "[E0710]")
    value("memory_size=16 bytes", 1, "[E0510]")
    value("memory_size=-1 bytes", 1, "[E0314]")
    value("memory_latency=0 cycles", 1, "[E0314]")
    value("mac_latency=1 bytes", 1, "[E0212]")
    value("memory_ports=0", 1, "[E0314]")
    value("fetch_width=0", 1, "[E0314]")
    value("issue_buffer_size=1", 1, "[E0326]")
    value("rows=2 +", 1, "[E0332]", absent=("internal error", "E0322"))
    # What would take memory of that size has a limit.
    value("fetch_width=999999999999", 1, "expected at most 1048576", "[E0314]")
    value("issue_buffer_size=999999999999", 1, "expected at most 1048576", "[E0314]")
    case("-P twice", ["std/systolic_array.acadl", "-P", "rows=2", "-P", "rows=3"], 1, "[E0224]")
    for text in ("cache_sets=999999999999", "memory_banks=999999999999"):
        case(f"-P {text}", ["std/one_mac.acadl", "-P", text, "--workload",
                            str(EXAMPLES / "tiny_conv.tir"), "--estimate"], 1,
             "expected at most", "[E0314]")
    # Latencies near the end of 64 bits: an error, never a small number.
    for latency in ("memory_latency=9223372036854775807 cycles",
                    "mac_latency=9223372036854775807 cycles",
                    "memory_latency=4611686018427387904 cycles"):
        value(latency, 1, "expected at most 1099511627776 cycles", "[E0314]")


def files():
    """What is no text, is not there, or stops in the middle."""
    case("no such file", ["nosuch.acadl"], 1, "[E0310]")
    case("folder", ["{dir}"], 1, "[E0310]")
    case("no such network", [*ARRAY, "--workload", "nosuch.tir"], 1, "[E0701]")
    case("network is a folder", [*ARRAY, "--workload", "{dir}"], 1, "[E0701]")
    check("empty description", "", 0)
    network("empty network", "", 1, "[E0404]")
    binary = bytes(range(256)) * 20
    check("binary description", binary, 1, "[E0108]", lines=20)
    network("binary network", binary, 1, "[E0", lines=60)
    check("UTF-16 description", "const a = 1\n".encode("utf-16"), 1, "UTF-16", "[E0108]")
    network("UTF-16 network", MATMUL.encode("utf-16"), 1, "UTF-16", lines=60)
    check("Latin-1 description", "const a = 1 // é\n".encode("latin-1"), 1, "[E0108]")
    check("zero byte", b"a\0b", 1, "[E0108]")
    check("byte order mark", b"\xef\xbb\xbfconst a = 1\n", 0)
    check("unused constant that divides by zero", "const a = 1\nconst b = a / 0\n", 1, "x.acadl:2:15",
          "[E0302]")
    check("unused constant without end", "function f(n: int): int = f(n + 1)\nconst a = f(0)\n", 1,
          "[E0")
    case("misspelt column of what was measured",
         [*ARRAY, "--validate", "x.csv", "--operator", "matmul"], 1, "[E0813]", "[E0807]",
         "did you mean 'cycles'?", files={"x.csv": "M,N,K,cycels\n1,1,1,9\n"})
    check("endless file", 'import "/dev/zero"\n', 1, "no regular file", "[E0310]")
    case("endless description", ["/dev/zero"], 1, "no regular file", "[E0310]")
    case("endless network", [*ARRAY, "--workload", "/dev/zero"], 1, "no regular file", "[E0701]")
    case("import of a pipe", ["x.acadl"], 1, "no regular file", "[E0310]",
         files={"x.acadl": 'import "pipe"\n'}, pipe="pipe")
    case("import of a folder", ["x.acadl"], 1, "[E0310]", files={"x.acadl": 'import "."\n'})
    case("description of 300 MiB", ["big"], 1, "256 MiB", "[E0310]", holes={"big": 300 << 20})
    case("network of 300 MiB", [*ARRAY, "--workload", "big"], 1, "256 MiB", "[E0701]",
         holes={"big": 300 << 20})
    check("import of itself", 'import "x.acadl"\n', 1, "[E0312]")
    case("cyclic imports", ["x.acadl"], 1, "[E0312]",
         files={"x.acadl": 'import "y.acadl"\n', "y.acadl": 'import "x.acadl"\n'})
    check("import of nothing", 'import "nosuch.acadl"\n', 1, "x.acadl:1:8", "[E0310]")
    check("import from the library", 'import "std/nosuch.acadl"\n', 1, "[E0311]")
    for percent in (3, 17, 31, 44, 58, 73, 88, 97):
        cut = SYSTOLIC[:len(SYSTOLIC) * percent // 100]
        # Where a cut leaves whole declarations, nothing is wrong: any of 0 and 1 will do.
        check(f"description cut at {percent} %", cut, -1)
        network(f"network cut at {percent} %", TINY[:len(TINY) * percent // 100], -1)
    start = MATMUL.index("result = R.call_tir")
    network("network cut in a call", MATMUL[:start + 15], -1)
    network("network without calls", MATMUL[:MATMUL.index("        with R.dataflow")] +
            "        return left\n", -1)


def nesting():
    """100,000 levels of everything."""
    n = 100_000
    for name, text in {
            "parentheses": "const a = " + "(" * n + "1" + ")" * n,
            "brackets": "const a = " + "[" * n + "]" * n,
            "blocks": "architecture A() {" + "if true {" * n + "}" * n + "}",
            "tables": "const a = " + "{a:" * n + "1" + "}" * n,
            "minus": "const a = " + "-" * n + "1",
            "not": "const a = " + "not " * n + "true",
            "if": "const a = " + "if true then " * n + "1" + " else 2" * n,
            "sum": "const a = " + "1+" * n + "1",
            "members": "const a = a" + ".a" * n,
            "indices": "const a = a" + "[0]" * n,
            "calls": "function f(x: int): int = " + "f(" * n + "1" + ")" * n,
            "contains": "architecture A() {" + "a: X contains {" * n + "}" * n + "}",
    }.items():
        check(f"nested {name}", text, 1, "x.acadl:1:", "[E0109]", lines=20)
    check("nested types", "const a: " + "list<" * n + "int" + ">" * n + " = 1", 1, "[E01")
    check("open parentheses", "(" * n, 1, "[E0101]", lines=20)
    check("no characters of the language", "@ " * n, 1, "[E0102]", lines=400)
    factor = "left[v_m, v_k] * "
    network("nested parentheses in a network",
            edited(MATMUL, factor, "(" * n + "left[v_m, v_k]" + ")" * n + " * "), 1, "[E0403]")
    network("nested minus in a network", edited(MATMUL, factor, "-" * n + factor), 1, "[E0403]")
    network("long product in a network",
            edited(MATMUL, factor, factor + "T.float32(1)*" * n), 1, "[E0403]")
    network("nested blocks in a network",
            "class A:\n" + "\n".join(" " * i + "if x:" for i in range(1, 3000)), 1, "[E0403]")


def elaboration():
    """Recursion, loops and arrays without end."""
    check("template in itself", "template T() { x: T() }\narchitecture A() { y: T() }", 1,
          "[E0240]")
    check("two templates in each other", "template T() { x: U() }\ntemplate U() { x: T() }\n"
          "architecture A() { y: T() }", 1, "[E0240]")
    check("templates without end", "template T(n: int) { if n > 0 { x: T(n = n + 1) } }\n"
          "architecture A() { y: T(n = 1) }", 1, "[E0320]")
    check("2^40 templates", "template T(n: int) { if n > 0 { x: T(n = n - 1)\n"
          "y: T(n = n - 1) } }\narchitecture A() { y: T(n = 40) }", 1, "[E03")
    check("chain of 3000 templates", "\n".join(
        f"template T{i}() {{ x: T{i + 1}() }}" for i in range(3000)) +
          "\ntemplate T3000() { }\narchitecture A() { y: T0() }", -1)
    check("recursive function", "function f(x: int): int = f(x)\nconst a = f(1)", 1, "[E0227]")
    check("recursive functions", "function f(x: int): int = g(x)\n"
          "function g(x: int): int = f(x)\nconst a = f(1)", 1, "[E0227]")
    check("loop in an architecture", "architecture A() { for i in 0 .. 1000000000 "
          "{ let a = i } }", 1, "[E03")
    check("loop in a function", "function f(): int { let a = 0\n"
          "for i in 0 .. 1000000000000 { a = a + 1 } return a }\n"
          "architecture A() { require f() > 0 }", 1, "[E0307]")
    check("list of 2^64", "architecture A() { require length([for i in -9223372036854775807 .. "
          "9223372036854775807: i]) > 0 }", 1, "[E03")
    check("2^60 calls", "\n".join(f"function f{i}(x: int): int = f{i + 1}(x) + f{i + 1}(x)"
                                  for i in range(60)) + "\nfunction f60(x: int): int = x\n"
          "architecture A() { require f0(1) > 0 }", 1, "[E03")
    check("array of 10^9", "architecture A() { a[1000000000]: PipelineStage { } }", 1, "[E0318]")
    check("array of 2^64", "architecture A() { a[4294967296][4294967296]: PipelineStage { } }",
          1, "[E0318]")
    check("array of -1", "architecture A() { a[-1]: PipelineStage { } }", 1, "[E0315]")
    check("2^63 registers", "architecture A() { r: RegisterFile { data_width = 8 bit, "
          "registers = [r[9223372036854775807]] } }", 1, "[E0314]")
    for name, text, code in (
            ("overflow of +", "9223372036854775807 + 1 > 0", "[E0303]"),
            ("overflow of -", "-9223372036854775807 - 2 < 0", "[E0303]"),
            ("overflow of *", "4611686018427387904 * 2 > 0", "[E0303]"),
            ("overflow of /", "(-9223372036854775807 - 1) / -1 > 0", "[E0303]"),
            ("overflow of abs", "abs(-9223372036854775807 - 1) > 0", "[E03"),
            ("division by 0", "1 / 0 == 0", "[E0302]"), ("remainder by 0", "1 % 0 == 0", "[E0302]"),
            ("ceil_div by 0", "ceil_div(1, 0) == 0", "[E03"), ("log2 of 0", "log2(0) == 0", "[E03"),
            ("int of 1e300", "int(1e300) > 0", "[E03"), ("index", "[1, 2][5] == 0", "[E0304]"),
            ("bytes and cycles", "1 byte + 1 cycle > 0 bytes", "[E0213]")):
        check(name, "architecture A() { require " + text + " }", 1, code, "x.acadl:1:")


def programs():
    """Instruction streams."""
    program("program", MAC, 0, "cycles")
    program("10^15 iterations", f"for i in 0 .. 1000000000000000 {{ {MAC} }}", 0,
            "2,000,000,000,000,00")
    program("2^63 iterations", f"for i in 0 .. 9223372036854775807 {{ {MAC} }}", 1, "[E0513]")
    program("2^90 iterations", "for i in 0 .. 1000000000, j in 0 .. 1000000000, "
            f"k in 0 .. 1000000000 {{ {MAC} }}", 1, "[E0513]")
    program("irregular loop", f"for i in 0 .. 100000000 {{ if i * i % 7 == 3 {{ {MAC} }} }}", 1,
            "[E0504]")
    program("step 0", f"for i in 0 .. 10 step 0 {{ {MAC} }}", 1, "[E0308]")
    program("unknown instruction", "emit nosuch(arch.regs.a)", 1, "[E0238]")
    program("no edge to the registers", "emit mac(arch.other.z, arch.regs.b, arch.regs.c)", 1,
            "[E0505]")
    program("too few operands", "emit mac(arch.regs.a, arch.regs.b)", 1, "[E0225]")
    program("number for a register", "emit mac(1, arch.regs.b, arch.regs.c)", 1, "[E0261]")
    program("wrong unit", MAC + " on arch.m", 1, "[E0262]")
    program("outside the storage", "emit load(arch.regs.a, arch.memory[0 .. 2000000])", 1,
            "[E0517]")
    program("before the storage", "emit load(arch.regs.a, arch.memory[-4 .. 4])", 1, "[E0517]")
    program("empty slice", "emit load(arch.regs.a, arch.memory[4 .. 4])", 1, "[E0516]")
    program("buffer larger than its storage", "buffer b[1000000]: int32 in arch.memory "
            "emit load(arch.regs.a, b[0])", 1, "[E0510]")
    program("buffer of 2^64", "buffer b[4294967296, 4294967296]: int32 in arch.memory "
            "emit load(arch.regs.a, b[0, 0])", 1, "[E05")
    program("index outside a buffer", "buffer b[4]: int32 in arch.memory "
            "emit load(arch.regs.a, b[9])", 1, "[E0511]")
    program("unknown parameter of a program", MAC, 1, "[E0514]", arguments=["-P", "p.nosuch=2"])
    check("misspelt parameter of a program", BASE + "program p(count: int = 1) on arch: A { " +
          MAC + " }\n", 1, "did you mean 'count'?", "[E0514]",
          arguments=["--estimate", "-P", "p.cuont=2"])
    check("latency of an instruction", edited(BASE, "macs = 1", "latency = 1099511627777 cycles") +
          "program p on arch: A { " + MAC + " }\n", 1, "at most 1099511627776 cycles", "[E0333]",
          arguments=["--estimate"])
    for mode in ("--estimate", "--simulate"):
        for parameter, body in (("latency", LOAD), ("latency", MAC), ("word", MAC)):
            check(f"{mode} {body[5:9]} with {parameter} 2^63 - 1",
                  BASE + "program p on arch: A { " + body + " }\n", 1,
                  "at most 1099511627776 cycles", "[E0314]",
                  arguments=[mode, "-P", parameter + "=9223372036854775807 cycles"])


def mappings():
    """Wrong mappings and edges."""
    place = "place A, B, C in arch.memory\n  for"
    mapping("lost tile", "for m0 in 0 .. M step", "for m0 in 0 .. M - 2 step", 1,
            "253952", "262144", "[E0508]")
    mapping("index outside a tensor", "A[m0 + r, k])", "A[m0 + r + 1, k])", 1, "[E0511]")
    mapping("tensor not placed", place, "place A, B in arch.memory\n  for", 1, "[E0264]")
    mapping("tensor placed twice", place, "place A, B, C, A in arch.memory\n  for", 1, "[E02")
    mapping("placed in registers", place, "place A, B, C in arch.pe[0][0].registers\n  for", 1,
            "[E0212]")
    mapping("placed behind the end", place, "place A, B, C in arch.memory at 1073741820\n  for",
            1, "[E0510]")
    mapping("placed before the start", place, "place A, B, C in arch.memory at -4\n  for", 1,
            "the address must be at least 0, found -4", "[E0517]",
            absent=("internal error", "-1073725440"))
    mapping("too few indices", "B[k, n0 + c]", "B[k]", 1, "[E0219]")
    mapping("unit out of range", "on arch.left[r].unit", "on arch.left[r + 7].unit", 1, "[E0304]")
    mapping("unreachable unit", "fetch -> left[r].issue", "", 1, "[E0507]")
    mapping("no edge from the memory", "memory => left[r].data", "", 1, "READ_DATA", "[E0505]")
    mapping("forbidden edge", "fetch -> left[r].issue", "memory -> left[r].issue", 1, "[E0244]")
    mapping("unknown unit", "word: bits = 32 bit", "word: bits = 32 bitt", 1, "[E0201]")
    mapping("clock in cycles", "clock 250 MHz", "clock 250 cycles", 1, "[E0212]")
    mapping("clock of 0", "clock 250 MHz", "clock 0 Hz", 1, "[E0212]")
    mapping("latency of 0", "execute: ExecuteStage { latency = 1 cycle }",
            "execute: ExecuteStage { latency = 0 cycles }", 1, "[E0314]")
    mapping("processed by nothing", "to_process = [mac, clear]", "to_process = [mac]", 1,
            "[E0263]")
    mapping("negative macs", "macs = 1", "macs = -1", 1, "[E0333]")
    mapping("twice the macs", "macs = 1", "macs = 2", 1, "[E0508]")
    mapping("division by zero in a loop", "let w = min(arch.columns, N - n0)",
            "let w = min(arch.columns, N - n0) * (m0 - 4) / (m0 - 4)", 1, "[E0302]")
    mapping("index of nothing", "+= A[m, k] * B[k, n]", "+= A[m, k] * B[k, q]", 1, "[E0202]")


def networks():
    """Wrong networks."""
    both = "(T.int64(64), T.int64(64))"
    network("tabs", MATMUL.replace("    ", "\t"), 0, "430,094 cycles")
    network("CRLF", MATMUL.replace("\n", "\r\n"), 0, "430,094 cycles")
    network("wrong indentation", edited(MATMUL, "                T.reads", " " * 19 + "T.reads"),
            1, "x.tir:16:", "[E0401]")
    network("unknown decorator", edited(MATMUL, "@T.prim_func", "@X.unheard_of"), 1, "[E0425]")
    network("misspelt decorator of the graph", edited(MATMUL, "@R.function", "@R.functon"), 1,
            "'R.functon' is no decorator", "R.function", "[E0404]", lines=6)
    network("text of no-break spaces", MATMUL.replace(" ", "\u00a0"), 1, "other places", "[E0402]",
            lines=8)
    network("10,000,000 no-break spaces", "\u00a0x" * 10_000_000, 1, "[E0402]", lines=8)
    network("tabs of eight in part of the lines", MATMUL.replace(" " * 8, "\t"), 1,
            "tabs and spaces are mixed", lines=6)
    network("one undefined name in 500,000 places", edited(
        MATMUL, "                T.reads", "                nosuch[0] = nosuch[1]\n" * 500_000 +
        "                T.reads"), 1, "'nosuch'", "[E0409]", lines=8)
    # A grid of many loops, operands without end: time is linear in the text.
    loops = 60_000
    network("grid of 60,000 loops", edited(
        MATMUL, "for ", "for " + "".join(f"q{i}, " for i in range(loops)), 1).replace(
            "T.grid(", "T.grid(" + "2, " * loops, 1), -1)
    network("maximum of 1,000,000 numbers", edited(
        MATMUL, "left[v_m, v_k] * ", "T.max(" + "1, " * 1_000_000 + "1) * "), 1, "T.max", "[E0410]")
    call = "R.call_tir(cls.product, (left, right),"
    start = MATMUL.index("            result = " + call)
    line = MATMUL[start:MATMUL.index("\n", start) + 1]
    case("one name bound 60,000 times", ["--workload", "x.tir", "--list-operators"], 0,
         "60,000 calls", "200 warnings", files={"x.tir": edited(MATMUL, line, line * 60_000)},
         lines=601)
    network("division by zero", edited(MATMUL, "left[v_m, v_k] *", "left[v_m, v_k // 0] *"), 1,
            "'v_k // 0'", "[E0429]")
    network("decorator without a function", MATMUL.replace("def product", "product", 1), 1,
            "'def' or 'class'", "[E0401]")
    for bracket in "()[]{}":
        network(f"one more {bracket}", edited(MATMUL, "left[v_m, v_k] *",
                                              f"left[v_m, v_k] {bracket} *"), 1, "[E0401]")
    network("bracket that is never closed", edited(MATMUL, "left[v_m, v_k] *", "left[v_m, v_k *"),
            1, "x.tir:", "[E0401]")
    network("unknown operator", edited(MATMUL, "R.call_tir(cls.product, (left, right),",
                                       "R.unheard_of((left, right),"), 1, "[E0415]")
    network("size that is not there", MATMUL, 1, "'n'", "no symbolic size", "[E0427]",
            arguments=("--estimate", "--shape", "n=4"))
    network("batch of a network for one", MATMUL, 1, "[E0428]",
            arguments=("--estimate", "--batch", "4"))
    # 30 MB of constants, of comments and of one line.
    n = 10_000_000
    network("triple-quoted string of 30 MB",
            'metadata = tvm.ir.load_json("""' + "\\\"x" * n + '""")\n' + MATMUL, 0, "430,094 cycles")
    network("triple-quoted string of 30 MB without end",
            'metadata = tvm.ir.load_json("""' + "abc" * n + "\n" + MATMUL, 1, "x.tir:1:29",
            "[E0402]", lines=20)
    network("list of 30 MB", "x = [" + "1, " * n + "]\n" + MATMUL, 0, "430,094 cycles")
    network("comment of 30 MB", "# " + "abc" * n + "\n" + MATMUL, 0, "430,094 cycles")
    network("lines of 30 MB without sense", "a b\n" * (n * 3 // 4), 1, "[E0401]", lines=2000)
    network("unknown callee", edited(MATMUL, "cls.product", "cls.prodct"), 1, "replace with",
            "[E0406]")
    network("shape mismatch", edited(MATMUL, "main(left: R.Tensor((64, 64)",
                                     "main(left: R.Tensor((32, 64)"), 1, "[E0408]")
    network("wrong type", edited(MATMUL, 'left: R.Tensor((64, 64), dtype="float32"',
                                 'left: R.Tensor((64, 64), dtype="float16"'), 1, "[E0408]")
    network("too few tensors", edited(MATMUL, "(left, right), out", "(left,), out"), 1,
            "[E0407]")
    network("unknown tensor", edited(MATMUL, "+ left[", "+ lft["), 1, "[E0409]")
    network("too few indices of a tensor", edited(MATMUL, "+ left[v_m, v_k]", "+ left[v_m]"), 1,
            "[E0420]")
    network("read outside a tensor", edited(MATMUL, "left[v_m, v_k]", "left[v_m + 1, v_k]"), 1,
            "[E0")
    # One image is stored, two are computed: the second lies outside of all tensors.
    network("loop larger than the tensors",
            edited(TINY, "n, k, p, q, c, r, s in T.grid(T.int64(1)",
                   "n, k, p, q, c, r, s in T.grid(T.int64(2)"), 1, "error:")
    network("batch of 10^6 outside the tensors",
            edited(TINY, "n, k, p, q, c, r, s in T.grid(T.int64(1)",
                   "n, k, p, q, c, r, s in T.grid(T.int64(1000000)"), 1, "error:")
    network("axes differ in number", edited(MATMUL, "[m, n, k])", "[m, n])"), 1, "[E0421]")
    network("axis of an unknown kind", edited(MATMUL, '"SSR"', '"SSX"'), 1, "[E0421]")
    network("function twice", MATMUL + MATMUL, 1, "[E0422]")
    network("call of itself", edited(MATMUL, "cls.product", "cls.main"), 1, "[E0425]")
    network("unknown result", edited(MATMUL, "return result", "return nothing"), 1, "[E0409]")
    for extent, code in (("0", "[E0413]"), ("-1", "[E0413]"), ("n", "[E0412]"), ("1.5", "[E04"),
                         ("9223372036854775807", "[E0414]"), ("9223372036854775808", "[E04"),
                         ("4294967296", "[E0414]")):
        text = edited(edited(MATMUL, both, f"(T.int64({extent}), T.int64({extent}))"),
                      "(64, 64)", f"({extent}, {extent})")
        network(f"extent {extent}", text, 1, code)


def measured(name, text, code, *texts, arguments=(), **more):
    """Adds a case of measurements of a matrix product on the systolic array."""
    case(name, [*ARRAY, "--operator", "matmul", "--validate", "x.csv", *arguments], code, *texts,
         files={"x.csv": text}, **more)


def measurements():
    """Wrong, hostile and huge files for --validate."""
    head = "M,N,K,cycles\n"
    measured("one row", head + "2,2,2,50\n", 0, "MAPE")
    case("no file of measurements", [*ARRAY, "--operator", "matmul", "--validate", "nosuch.csv"], 1,
         "[E0701]")
    case("measurements in a folder", [*ARRAY, "--operator", "matmul", "--validate", "{dir}"], 1,
         "it is a directory", "[E0701]")
    case("measurements from standard input", [*ARRAY, "--operator", "matmul", "--validate", "-"], 0,
         "<stdin>", "MAPE", stdin=b"M,N,K,cycles\n2,2,2,50\n")
    case("measurements of 300 MB", [*ARRAY, "--operator", "matmul", "--validate", "x.csv"], 1,
         "[E0701]", holes={"x.csv": 300_000_000})
    case("2 MB of zero bytes", [*ARRAY, "--operator", "matmul", "--validate", "x.csv"], 1, "[E08",
         holes={"x.csv": 2_000_000})
    measured("empty file", "", 1, "[E0801]")
    measured("only line breaks", "\r\n" * 100_000, 1, "[E0801]")
    measured("binary", bytes(range(256)) * 1000, 1, "error:", lines=1000)
    measured("random bytes", random.Random(1).randbytes(200_000), 1, "error:", lines=1000)
    measured("UTF-16", (head + "2,2,2,50\n").encode("utf-16"), 1, "error:")
    measured("byte order mark and CRLF", b"\xef\xbb\xbf" + (head + "2,2,2,50\n").replace(
        "\n", "\r\n").encode(), 0, "MAPE")
    measured("lone carriage returns", (head + "2,2,2,50\n").replace("\n", "\r"), 0, "MAPE")
    measured("NUL in a cell", head + "2,\0,2,50\n", 1, "x.csv:2:3", "<00>", "[E0810]")
    measured("terminal control in a cell", head + "2,\033[2J,2,50\n", 1, "<1B>[2J", "[E0810]",
             absent=("internal error", "\033[2J"))
    measured("terminal control in a name", "M,N,K,cycles,\033[2J\n2,2,2,50,1\n", 1, "<1B>[2J",
             "[E0807]", absent=("internal error", "\033[2J"))
    measured("terminal control in a group", "M,N,K,cycles,g\n2,2,2,50,\033[2J\n", 0, "<1B>[2J",
             arguments=["--group-by", "g"], absent=("internal error", "\033[2J"))
    measured("cell of 20 MB", head + "2," + "9" * 20_000_000 + ",2,50\n", 1, "[E0810]")
    measured("quoted cell of 20 MB", head + '2,"' + 'x""' * 7_000_000 + '",2,50\n', 1, "[E0810]")
    measured("unterminated cell of 20 MB", head + '2,"' + "x,\n" * 7_000_000, 1, "x.csv:2:3",
             "[E0803]")
    measured("name of 20 MB", "M,N,K,cycles," + "x" * 20_000_000 + "\n2,2,2,50,1\n", 1, "[E0807]")
    measured("10^6 columns", head.strip() + "".join(f",c{i}" for i in range(1_000_000)) +
             "\n2,2,2,50" + ",1" * 1_000_000 + "\n", 1, "[E0807]", lines=1000, seconds=30)
    measured("10^6 columns without a name", head.strip() + "," * 1_000_000 + "\n2,2,2,50" +
             "," * 1_000_000 + "\n", 1, "[E0807]", lines=1000, seconds=30)
    measured("2 * 10^6 columns", "a," * 2_000_000 + "\n1\n", 1, "[E080", lines=2000, seconds=30)
    measured("10^6 ragged rows", head + "1,2\n" * 1_000_000, 1, "[E0802]", lines=1000)
    measured("2 * 10^6 rows", head + "1,1,1,9\n" * 2_000_000, 1, "more than 1048576 rows", "[E0801]")
    measured("200000 equal rows", head + "2,2,2,50\n" * 200_000, 0, "MAPE", seconds=30)
    measured("10^5 wrong rows", head + "x,1,1,9\n" * 100_000, 1, "[E0810]", lines=1000)
    rows = ["std/systolic_array.acadl", "--operator", "matmul", "--validate", "x.csv"]
    case("10^5 architectures that are wrong", rows, 1, "[E0301]", "x.csv:2:1", lines=2000, seconds=30,
         files={"x.csv": "M,N,K,rows,cycles\n" + "".join(
             f"1,1,1,{-i},9\n" for i in range(100_000))})
    case("array of 2^31 rows", rows, 1, "[E03", "x.csv:2:1", seconds=30,
         files={"x.csv": "M,N,K,rows,cycles\n1,1,1,2147483648,9\n"})
    for value in ("9223372036854775807", "9223372036854775808", "1e308", "1e400", "nan", "inf",
                  "-inf", "0x10", "1_000", "1,5", "+5", "-1", "0", "", " ", "1e-400", "--1"):
        measured(f"dimension {value!r}", head + f"{value},2,2,50\n", 1, "x.csv:2:", "[E08")
        measured(f"measured {value!r}", head + f"2,2,2,{value}\n", -1)
    measured("measured 1e-300", head + "2,2,2,1e-300\n", 0, "e+", arguments=["--plot", "p.svg"])
    measured("measured 1e308", head + "2,2,2,1e308\n", 0, "-100.0 %", arguments=["--plot", "p.svg"])
    for form in ("json", "csv"):
        measured(f"errors beyond numbers as {form}", head + "2,2,2,5e-324\n", 0,
                 arguments=["--format", form])
    measured("2^62 multiply-accumulates", head + "2147483648,2,2147483648,50\n", 1, "[E0")
    measured("huge dimensions", head + "4611686018427387904,1,1,50\n", 1, "[E0816]")
    deep = "(" * 5000 + "cycles" + ")" * 5000
    for option in ("--measured", "--where"):
        measured(f"{option} that is deep", head + "2,2,2,50\n", 1, "[E0819]",
                 arguments=[option, deep])
        measured(f"{option} that is long", head + "2,2,2,50\n", 1, "error:",
                 arguments=[option, "cycles" + " + cycles" * 10_000])
        measured(f"{option} that never ends", head + "2,2,2,50\n" * 1000, 1, "[E0307]",
                 arguments=[option, "sum([for i in 0 .. 1000000000: i]) > cycles"])
        measured(f"{option} that is a declaration", head + "2,2,2,50\n", 1, "[E0819]",
                 arguments=[option, "cycles const x = 1"])
        measured(f"{option} that is empty", head + "2,2,2,50\n", 1, "[E0819]",
                 arguments=[option, " "])
        measured(f"{option} of zero bytes", head + "2,2,2,50\n", 1, "[E0819]",
                 arguments=[option, "\x01"])
    measured("division by a column of zeros", "M,N,K,cycles,z\n2,2,2,50,0\n", 1, "[E0302]",
             "x.csv:2:1", arguments=["--measured", "cycles / z"])
    measured("binding to a keyword", head + "2,2,2,50\n", 1, "error:", arguments=["--bind", "for=1"])
    measured("binding to nothing", head + "2,2,2,50\n", 1, "[E0818]", arguments=["--bind", "..=1"])
    measured("picture in a folder", head + "2,2,2,50\n", 1, "[E0702]",
             arguments=["--plot", "/nosuch/p.svg"])
    measured("-j 1000000 for measurements", head + "".join(f"{i},1,1,9\n" for i in range(1, 300)),
             0, "MAPE", arguments=["-j", "1000000"])


def determinism(acadlc, folder):
    """The same bytes for every number of threads; --estimate equals --simulate. Yields what is wrong."""
    def run(*arguments):
        done = subprocess.run([acadlc, *arguments], cwd=folder, capture_output=True, check=False,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr

    for form in ("text", "json", "csv"):
        line = [*ARRAY, "--workload", str(EXAMPLES / "lenet5.tir"), "--estimate", "--format", form]
        outputs = {run(*line, "-j", j) for j in ("1", "2", "2", "7")}
        yield f"determinism of {form}", "" if len(outputs) == 1 else "outputs differ"
    for options in (["memory_ports=1", "fetch_width=3", "memory_latency=20 cycles"],
                    ["rows=3", "columns=5", "memory_ports=2", "fetch_width=7"],
                    ["rows=1", "columns=1", "fetch_width=1", "memory_latency=1 cycle"],
                    ["rows=8", "columns=8", "memory_ports=3"]):
        numbers = {}
        for mode in ("--estimate", "--simulate"):
            code, out, _ = run("std/systolic_array.acadl", *(x for o in options for x in ("-P", o)),
                               "--workload", str(EXAMPLES / "tiny_conv.tir"), mode, "--format",
                               "csv")
            rows = list(csv.DictReader(out.decode().splitlines()))
            numbers[mode] = (code, [(r["name"], r["cycles"]) for r in rows])
        same = numbers["--estimate"] == numbers["--simulate"] and numbers["--estimate"][0] == 0
        yield f"estimate and simulate with {' '.join(options)}", "" if same else str(numbers)


def run_case(acadlc, item, folder, sanitized):
    """Empty if all is as expected, else what is wrong; and how long it took."""
    for name, content in item.files.items():
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        (folder / name).write_bytes(data)
    if item.pipe:
        os.mkfifo(folder / item.pipe)
    for name, size in item.holes.items():
        with open(folder / name, "wb") as file:
            file.truncate(size)
    arguments = [a.replace("{dir}", str(folder)) for a in item.arguments]
    command = [acadlc, *arguments]
    if item.shell:
        command = ["sh", "-c", "exec " + shlex.join(command) + " " + item.shell]

    allowed = item.seconds * (10 if sanitized else 1)

    def limits():
        if not sanitized:  # shadow memory is a reservation of terabytes
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed))

    start = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, input=item.stdin,
                              timeout=10 * allowed, check=False, preexec_fn=limits)
    except subprocess.TimeoutExpired:
        return f"no end after {10 * allowed} s", time.monotonic() - start
    seconds = time.monotonic() - start
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"no end after {allowed} s of the processors", seconds
    output = (done.stdout + done.stderr).decode("utf-8", errors="replace")
    wrong = []
    expected = (item.code,) if item.code >= 0 else (0, 1)
    if done.returncode not in expected:
        wrong.append(f"exit code {done.returncode} instead of {' or '.join(map(str, expected))}")
    if done.returncode == 1 and "error:" not in output and not item.shell:
        wrong.append("exit code 1 without an error")
    wrong += [f"{text!r} is not printed" for text in item.texts if text not in output]
    wrong += [f"{text!r} is printed" for text in item.absent if text in output]
    if done.stderr.count(b"\n") > item.lines:
        wrong.append(f"{done.stderr.count(10)} lines of diagnostics, more than {item.lines}")
    if wrong:
        shown = [line[:160] for line in output.splitlines()[:4]]
        return "; ".join(wrong) + "".join(f"\n    | {line}" for line in shown), seconds
    return "", seconds


def main():
    """Runs all cases."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("acadlc", help="path of the program")
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--list", action="store_true", help="print the time of every case")
    parser.add_argument("--sanitized", action="store_true",
                        help="for sanitizer builds: no limit of memory, ten times the time")
    options = parser.parse_args()
    acadlc = str(pathlib.Path(shutil.which(options.acadlc) or options.acadlc).resolve())
    if not os.access(acadlc, os.X_OK):
        parser.error(f"{acadlc} cannot be run")
    for group in (command_line, parameters, files, nesting, elaboration, programs, mappings,
                  networks, measurements):
        group()
    passed = failed = 0

    def report(name, wrong, seconds):
        nonlocal passed, failed
        if wrong:
            failed += 1
            print(f"FAILED {name}: {wrong}", flush=True)
        else:
            passed += 1
        if options.list:
            print(f"{seconds:6.2f} s  {name}", flush=True)

    with tempfile.TemporaryDirectory() as top:
        for number, item in enumerate(CASES):
            if options.only not in item.name:
                continue
            folder = pathlib.Path(top) / str(number)
            folder.mkdir()
            wrong, seconds = run_case(acadlc, item, folder, options.sanitized)
            if wrong:
                wrong += f"\n    $ acadlc {shlex.join(item.arguments)[:200]}"
            report(item.name, wrong, seconds)
        if not options.only:
            for name, wrong in determinism(acadlc, top):
                report(name, wrong, 0.0)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
