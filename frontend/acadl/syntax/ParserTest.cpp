#include "frontend/acadl/syntax/Parser.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace acadlc;

namespace {

constexpr std::string_view systolicArray = R"acadl(//! Output-stationary systolic array.
import "std/fetch.acadl" as fetch
enum Dataflow { os, ws }
instruction mac(acc: inout reg, a: in reg, b: in reg) { macs = 1  latency = 2 cycles }
instruction load(dst: out reg, src: in mem)
/// One element.
template ProcessingElement(mac_latency: cycles = 1 cycle) {
  port issue: forward in
  port east, south: write out
  registers: RegisterFile { data_width = 32 bit, registers = [a, b, acc, r[16]] }
  execute: ExecuteStage { latency = 1 cycle } contains {
    multiply: FunctionalUnit { to_process = [mac], latency = mac_latency }
  }
  issue -> execute
  registers => multiply => registers
  multiply => [east, south]
}
architecture SystolicArray(rows: int = 8, columns: int = 8) {
  require rows >= 1 and columns >= 1, "an array needs at least one processing element"
  clock 250 MHz
  pe[rows][columns]: ProcessingElement(mac_latency = 1 cycle)
  for r in 0 .. rows, c in 0 .. columns {
    if c + 1 < columns { pe[r][c].east => pe[r][c + 1].registers }
  }
}
mapping matmul[m < M, n < N; k < K] on arch: SystolicArray
  implements C[m, n] += A[m, k] * B[k, n] then optional + bias[n], relu accepts int8, float32 as int8 {
  param tile: int = min(arch.rows, M)
  place A, B, C in arch.memory
  for m0 in 0 .. M step arch.rows {
    let h = min(arch.rows, M - m0)
    for k in 0 .. K { for r in 0 .. h { emit load(arch.pe[r][0].registers.a, A[m0 + r, k]) on arch.left[r].unit } }
  }
}
mapping conv[k < K, p < P; c < C](s) on arch: SystolicArray implements O[k, p] += I[c, p * s] * W[k, c] zero outside I {
  via matmul[M = K, N = P, K = C](tile = 2) { A[m, k] = W[m, k]  B[k, n] = I[k, n * s]  C[m, n] = O[m, n] }
}
program probe(n: int = 4) on arch: SystolicArray { for i in 0 .. n { emit load(arch.pe[0][0].registers.a, arch.memory[4 * i .. 4 * i + 4]) } }
prefer conv over matmul
experiment gemm for mapping matmul { bind = { rows: array_rows, "matmul.tile": 2 } measured = cycles + 1 where mode == isa group_by = [mode], ignore = [] }
experiment probes for program probe { }
)acadl";

/// What the sample does not use.
constexpr std::string_view restOfLanguage =
    R"acadl(function limit(x: int, y: list<int> = [1, 2]): int {
  let z: int = x, w = -y[0] % 3
  for i in 0 .. 4 step 2 { z = z + i }
  if x > 1 or not (x != 2) { return z } else if x == 0 { return 1 } else { require x <= 9, "small" }
  return if x >= 2 then 0x1F else 2.5
}
const sizes: table<int> = { ld: 8, "ex": 16, 3: 1_000 }
const squares = [for i in 0 .. 4, j in [1, 2]: i * j / 2]
const flag = true and false
instruction copy(dst: out mem, src: in mem, rows: int = 4) {
  class = dma
  phase request on src for 2 cycles signals read
  phase transfer over bus for rows after request holding entry until completed
  expands (outstanding = 2) { emit load(dst) on unit }
  require rows > 0
}
instruction compute(a: in mem) {
  phase data over bank for 16 * row together
  phase result for 38 cycles after step + 1
  phase fed after step
  phase rows after fed holding tracker until completed expands (outstanding = { ld: 8 }) {
    emit copy(a)
  }
}
architecture Other {
  route hop(a: int) = [a, a + 1]
  instruction nop()
  function id(x: int): int = x
  a, b[2]: tiles.Shape(4)
  q: Queue { size = 4 } hazards { ld waits for ex, st completed where overlapping }
  mesh: FunctionalUnit {
    to_process = [compute, lib.preload], latency = 2
    step [compute, lib.preload] before [compute]
    step [compute],
    initiation_interval = 1
  }
  if flag { a -> b[0] } else { a => b[1].x(2) }
}
scalar on arch: Other {
  let r = arch.r, n: int = 4
  memory = arch.a, values = [r[0], r[1]]
  load(d, m) { emit load(d, m) }
  counters = r
  loop_next(c,) { for i in 0 .. 2 { if i < 1 { emit add(c) } } }
  nothing() { }
}
mapping pool[n < N; k < K] on arch: Other implements O[n] max= I[n, k] then + c[n] {
  buffer tile[4, 8]: int8 in arch.a
  place I in arch.a with border at 64
}
)acadl";

struct Parsed {
  explicit Parsed(std::string_view text)
      : id(sources.addText("test.acadl", std::string(text))),
        file(parseAcadl(sources, id, diagnostics)) {}

  std::string dump() const { return dumpAst(file, sources); }
  [[nodiscard]] std::string firstError() const {
    if (diagnostics.diagnostics().empty())
      return {};
    const Diagnostic &error = diagnostics.diagnostics().front();
    const LineColumn place = sources.lineColumn(error.range.begin, ColumnUnit::CodePoint);
    return std::to_string(place.line + 1) + ":" + std::to_string(place.column + 1) + ": " +
           error.message;
  }

  SourceManager sources;
  DiagnosticEngine diagnostics;
  FileId id;
  ast::SourceFile file;
};

std::string repeated(std::string_view text, std::size_t count) {
  std::string result;
  result.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

bool contains(const std::string &text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the parser reads every construct") {
  const Parsed array(systolicArray);
  CHECK(array.firstError() == "");
  CHECK(array.file.declarations.size() == 12);
  CHECK(array.file.documentation == "Output-stationary systolic array.");
  CHECK(array.file.declarations[4]->documentation == "One element.");
  const Parsed rest(restOfLanguage);
  CHECK(rest.firstError() == "");
  const std::string dump = rest.dump();
  for (const std::string_view part : {"Function limit: int",
                                      "Parameter y: list<int>",
                                      "Unary not",
                                      "Conditional",
                                      "Number 31",
                                      "Number 2.5",
                                      "Entry ex",
                                      "Comprehension",
                                      "Bool false",
                                      "Phase transfer",
                                      "Over",
                                      "Holding until completed",
                                      "After request",
                                      "Signals read",
                                      "Limit outstanding",
                                      "After step",
                                      "Distance",
                                      "Together",
                                      "Entry ld",
                                      "Step compute, lib.preload before compute",
                                      "Step compute @",
                                      "Attribute initiation_interval",
                                      "Route hop",
                                      "Object a, b: tiles.Shape",
                                      "Bounds of b",
                                      "Hazard ld waits for ex, st completed",
                                      "Value max=",
                                      "Then +",
                                      "Buffer tile: int8",
                                      "Place I with border",
                                      "Else",
                                      "Scalar on arch: Other",
                                      "Let",
                                      "Attribute counters",
                                      "Operation load(d, m)",
                                      "Operation nothing()"})
    CHECK_MESSAGE(contains(dump, part), part);
}

TEST_CASE("expands behind the clauses of a phase belongs to the phase") {
  const Parsed parsed(
      "instruction x() {\n  phase a for 2 cycles\n  phase b after a signals done expands { }\n"
      "  expands { }\n}");
  REQUIRE(parsed.firstError() == "");
  const auto &instruction =
      ast::cast<ast::InstructionDeclaration>(*parsed.file.declarations.front());
  REQUIRE(instruction.phases.size() == 2);
  CHECK(instruction.phases[0].expansion == nullptr);
  CHECK(instruction.phases[1].expansion != nullptr);
  CHECK(instruction.expansions.size() == 1);
  CHECK(ast::isExpanding(instruction));
}

TEST_CASE("a clause behind expands is answered with its place") {
  const Parsed parsed("instruction x() {\n  phase rows expands { } after a\n}");
  REQUIRE(parsed.diagnostics.diagnostics().size() == 1);
  const Diagnostic &error = parsed.diagnostics.diagnostics().front();
  REQUIRE(error.notes.size() == 1);
  CHECK(error.notes[0].message == "the clauses of a phase stand in front of its 'expands'");
  CHECK(Parsed("instruction x() {\n  phase rows expands { } 4\n}")
            .diagnostics.diagnostics()
            .front()
            .notes.empty());
}

TEST_CASE("a clause that may stand once is reported if it stands twice") {
  CHECK(contains(
      Parsed("instruction x() { phase a over b for 2 bytes together together }").firstError(),
      "'together'"));
  CHECK(contains(Parsed("instruction x() { phase a after step after step + 2 }").firstError(),
                 "'step'"));
}

TEST_CASE("a name behind a number is its unit unless it starts what follows") {
  const Parsed parsed(
      "architecture A {\n  let n = 4 a, b: X { latency = 4 read_latency = 2 words }\n"
      "  let t = { x: 4 cycles, y: 5 }  let m = 3 a -> b\n}");
  CHECK(parsed.firstError() == "");
  const std::string dump = parsed.dump();
  CHECK(contains(dump, "Object a, b: X"));
  CHECK(contains(dump, "Number 2 words"));
  CHECK(contains(dump, "Number 4 cycles"));
  CHECK(contains(dump, "Edge"));
}

TEST_CASE("places are exact to the byte behind text that is not ASCII") {
  const std::string text =
      "\xEF\xBB\xBF// größe → 𝄞\nconst name = \"ü\" /* é */ const b = 2 cycles";
  const Parsed parsed(text);
  REQUIRE(parsed.firstError() == "");
  REQUIRE(parsed.file.declarations.size() == 2);
  const ast::Declaration &second = *parsed.file.declarations[1];
  CHECK(parsed.sources.textOf(second.range) == "const b = 2 cycles");
  CHECK(parsed.sources.offsetOf(second.name.range.begin) == text.find("b = 2"));
  CHECK(second.name.text == "b");
}

TEST_CASE("documentation is the lines directly in front") {
  const Parsed parsed("/// lost\n\n/// one\n/// two\nconst a = 1 /// not of b\nconst b = 2\n"
                      "//// four\nconst c = 3\nfunction f(\n  /// of x\n  x: int) = x");
  REQUIRE(parsed.file.declarations.size() == 4);
  CHECK(parsed.file.declarations[0]->documentation == "one\ntwo");
  CHECK(parsed.file.declarations[1]->documentation == "");
  CHECK(parsed.file.declarations[2]->documentation == "");
  CHECK(ast::cast<ast::FunctionDeclaration>(*parsed.file.declarations[3])
            .parameters[0]
            .documentation == "of x");
}

TEST_CASE("syntax errors say what was expected and what was found, once") {
  struct Case {
    std::string_view text, error;
  };
  for (const Case &example : std::initializer_list<Case>{
           {"architecture A() {\n  multiply FunctionalUnit { latency = 1 }\n  ok: Foo\n}",
            "2:12: expected ':' behind the object's name, found 'FunctionalUnit'"},
           {"architecture A() {\n  step: Foo { a = 1 }\n}",
            "2:3: 'step' is a word of the language and cannot be a name"},
           {"architecture A() {\n  x: Foo { port = 1, b = 2 }\n}",
            "2:12: 'port' is a word of the language and cannot be a name"},
           {"architecture A() {\n  x: Foo { a == 1, b = 2 }\n}",
            "2:14: expected '=' behind the attribute's name, found '=='"},
           {"architecture A() {\n  x: Foo { a = , b = 2 }\n}",
            "2:16: expected an expression, found ','"},
           {"architecture A() {\n  x: Foo(a = 1 b = 2)\n}", "2:16: expected ',' or ')', found 'b'"},
           {"architecture A() {\n  for i 0 .. 4 { }\n}",
            "2:9: expected 'in' behind the loop's name, found '0'"},
           {"architecture A() {\n  x: Foo;\n}",
            "2:9: expected an object, an edge, a statement or '}', found ';'"},
           {"architecture A() {\n  let a = 1 + not b\n}",
            "2:15: expected an expression, found 'not'"},
           {"architecture A() {\n  a → b\n}", "2:5: unexpected character '→' (U+2192)"},
           {"architecture A() {\n  x.y: Foo\n}",
            "2:3: expected an object's name, like 'pe' or 'pe[4]', in front of ':', found 'x.y'"},
           {"program p() on a: A {\n  x -> y\n}", "2:3: expected a statement or '}', found 'x'"},
           {"program p() on a: A {\n  place A in m at 1 at 2\n}", "2:21: 'at' is given twice"},
           {"template T {\narchitecture A() { }",
            "2:1: expected an object, an edge, a statement or '}', found 'architecture'"},
           {"mapping m[m < M] on a: A implements C[m] foo= A[m] { }",
            "1:42: expected '=', '+=', 'max=' or 'min=', found 'foo'"},
           {"const = 4", "1:7: expected a name behind 'const', found '='"},
           {"const x",
            "1:8: expected '=' or ':' behind the constant's name, found the end of the file"},
           {"const x = 0x", "1:11: '0x' is not a number"},
           {"const x = 9223372036854775808", "1:11: the number 9223372036854775808 is too large"},
           {"const x = \"a\\qc\"", "1:13: '\\q' means nothing in a string"},
           {"const x = \"abc", "1:11: this string has no end: '\"' is missing"},
           {"const x = 1 /* abc", "1:13: this comment has no end: '*/' is missing"},
           {"const x = \x1b[0m", "1:11: unexpected character U+001B"},
           {"const \xff", "1:7: not a text file: byte 0xFF at offset 6 is not UTF-8"},
           {"\xff\xfe", "1:1: wrong encoding: UTF-16; save the file as UTF-8"},
           {"let x = 1", "1:1: expected a declaration, found 'let'"},
       }) {
    const Parsed parsed(example.text);
    CHECK(parsed.firstError() == example.error);
    CHECK_MESSAGE(parsed.diagnostics.errorCount() == 1, example.text);
    parsed.dump();
  }
}

TEST_CASE("a comment of another language is one mistake, with a hint") {
  const Parsed parsed("# one } word (\nconst a = 1 # another\nconst b = 2\n");
  REQUIRE(parsed.diagnostics.errorCount() == 2);
  CHECK(parsed.firstError() == "1:1: unexpected character '#'");
  const Diagnostic &first = parsed.diagnostics.diagnostics()[0];
  REQUIRE(first.notes.size() == 1);
  CHECK(first.notes[0].message == "a comment begins with '//'");
  CHECK(contains(parsed.dump(), "Constant a"));
  CHECK(contains(parsed.dump(), "Constant b"));
}

TEST_CASE("parsing goes on behind an error") {
  const Parsed parsed(
      "architecture A() {\n  x: Foo { a = }\n  y: Foo\n  a -> -> b\n}\nconst good = 1\n"
      "const = 2\n");
  CHECK(parsed.diagnostics.errorCount() == 3);
  CHECK(contains(parsed.dump(), "Constant good"));
  CHECK(contains(parsed.dump(), "Object y: Foo"));
}

TEST_CASE("an empty file is fine") {
  for (const std::string_view text : {"", "\xEF\xBB\xBF", "\n", "// only a comment"}) {
    const Parsed parsed(text);
    CHECK(parsed.firstError() == "");
    CHECK(parsed.file.declarations.empty());
  }
}

TEST_CASE("nesting of any depth is an error at worst") {
  constexpr std::size_t count = 100'000;
  const std::string program = "program p() on a: A { ";
  const std::string deep[] = {
      "const x = " + repeated("(", count) + "1" + repeated(")", count),
      "const x = " + repeated("([{", count),
      "architecture A { x[" + repeated("(", count),
      program + repeated("if x {", count) + repeated("}", count) + "}",
      program + "if x {} " + repeated("else if x {} ", count / 10) + "}",
      "const x = " + repeated("-", count) + "1",
      "const x = " + repeated("not ", count) + "a",
      "const x = " + repeated("if a then 1 else ", count / 10) + "1",
      "const x = " + repeated("if ", count),
      "const x = a" + repeated(".b", count),
      "const x = 1" + repeated("+1", count / 2),
  };
  for (const std::string &text : deep) {
    const Parsed parsed(text);
    CHECK(parsed.diagnostics.errorCount() == 1);
    parsed.dump();
  }
  const Parsed allowed("const x = " + repeated("(", 990) + "1" + repeated(")", 990) +
                       repeated(" + 1", 900));
  CHECK(allowed.firstError() == "");
}

TEST_CASE("mutations of valid texts never crash the parser") {
  std::mt19937 random(4711); // NOLINT: the same cases in every run
  const std::string seeds[] = {std::string(systolicArray), std::string(restOfLanguage)};
  constexpr std::string_view pieces[] = {"{",  "}",  "(",   ")",     "[",    "]",    ",",
                                         ":",  "=",  "->",  "if ",   "for ", "not ", "step",
                                         "\"", "/*", "..",  "4",     "a",    "\n",   "\xC3\xA9",
                                         "$",  "-",  "in ", "else ", "///",  "\\"};
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int run = 0; run < 3'000; ++run) {
    std::string text = seeds[below(2)];
    for (std::size_t change = 0; change <= below(4); ++change) {
      const std::size_t place = below(text.size());
      switch (below(3)) {
      case 0:
        text.erase(place, 1 + below(12));
        break;
      case 1:
        text.insert(place, pieces[below(std::size(pieces))]);
        break;
      default:
        text.insert(place, text.substr(below(text.size()), below(20)));
        break;
      }
    }
    const Parsed parsed(text);
    CHECK(parsed.file.arena != nullptr);
    parsed.dump();
  }
}
