#include "frontend/tvmscript/Parser.h"

#include <doctest/doctest.h>

namespace acadlc::tir {

namespace {

/// Writes an expression with all its brackets, so that a test sees how it was read.
std::string spell(const Expr *expr) {
  if (!expr)
    return "_";
  auto list = [&](std::size_t first) {
    std::string items;
    for (std::size_t i = first; i < expr->children.size(); ++i)
      items += (i == first ? "" : ",") + spell(expr->children[i]);
    return items;
  };
  switch (expr->kind) {
  case Expr::Kind::Attribute:
    return spell(expr->children[0]) + "." + std::string(expr->text);
  case Expr::Kind::Call:
    return spell(expr->children[0]) + "(" + list(1) + ")";
  case Expr::Kind::Keyword:
    return std::string(expr->text) + "=" + spell(expr->children[0]);
  case Expr::Kind::Subscript:
    return spell(expr->children[0]) + "[" + list(1) + "]";
  case Expr::Kind::Slice:
    return list(0) + ":";
  case Expr::Kind::Tuple:
    return "<" + list(0) + ">";
  case Expr::Kind::List:
    return "[" + list(0) + "]";
  case Expr::Kind::Dict:
    return "{" + list(0) + "}";
  case Expr::Kind::Unary:
    return "(" + std::string(expr->text) + spell(expr->children[0]) + ")";
  case Expr::Kind::Binary:
    return "(" + spell(expr->children[0]) + " " + std::string(expr->text) + " " +
           spell(expr->children[1]) + ")";
  case Expr::Kind::Conditional:
    return "(" + spell(expr->children[1]) + "?" + spell(expr->children[0]) + ":" +
           spell(expr->children[2]) + ")";
  default:
    return std::string(expr->text);
  }
}

struct Parsed {
  SourceManager sources;
  Tree tree;
  DiagnosticEngine diagnostics;

  explicit Parsed(std::string text) {
    FileId file = sources.addText("test.tir", std::move(text));
    Parser::parseFile(sources, file, tree, diagnostics);
  }
  /// "line:column id" of the first diagnostic, counted from 1.
  [[nodiscard]] std::string firstError() const {
    if (diagnostics.diagnostics().empty())
      return "none";
    const Diagnostic &diagnostic = diagnostics.diagnostics()[0];
    LineColumn at = sources.lineColumn(diagnostic.range.begin);
    return std::to_string(at.line + 1) + ":" + std::to_string(at.column + 1) + " " +
           std::string(diagnosticInfo(diagnostic.code).id);
  }
};

std::string spelled(const std::string &text) {
  Parsed parsed(text);
  CHECK(parsed.firstError() == "none");
  if (parsed.tree.statements.empty())
    return "nothing";
  return spell(parsed.tree.statements[0]->value);
}

} // namespace

TEST_CASE("tir parser: operators bind as in Python") {
  CHECK(spelled("v % 400 // 25") == "((v % 400) // 25)");
  CHECK(spelled("a < b or c == d and e < f") == "((a < b) or ((c == d) and (e < f)))");
  CHECK(spelled("T.max(T.min(x, 127), -128)") == "T.max(T.min(x,127),(-128))");
  CHECK(spelled("a * -1") == "(a * (-1))");
  CHECK(spelled("-a ** -b") == "(-(a ** (-b)))");
  CHECK(spelled("not a == b and c") == "((not(a == b)) and c)");
  CHECK(spelled("a - b - (c - d)") == "((a - b) - (c - d))");
  CHECK(spelled("x if a else y if b else z") == "(a?x:(b?y:z))");
  CHECK(spelled("a << 1 + 2 & b | c ^ d") == "(((a << (1 + 2)) & b) | (c ^ d))");
}

TEST_CASE("tir parser: tuples, subscripts and arguments") {
  CHECK(spelled("f((T.int64(16),), (), [x])") == "f(<16>,<>,[x])");
  CHECK(spelled("x = a, b, c") == "<a,b,c>");
  CHECK(spelled("A[()]") == "A[]");
  CHECK(spelled("A[i, lo:hi, ::2]") == "A[i,lo,hi,_:,_,_,2:]");
  CHECK(spelled("f(x, dtype=\"float32\",)") == "f(x,dtype=float32)");
  CHECK(spelled("f({\"a\": [b], \"c\": 1})") == "f({a,[b],c,1})");
  CHECK(spelled("f(\n  x,\n# comment\n  y\n)") == "f(x,y)");
  CHECK(spelled("metadata = tvm.ir.load_json(\"\"\"{\\\"a\\\": \n)(\"\"\")") ==
        "tvm.ir.load_json({\\\"a\\\": \n)()");
}

TEST_CASE(
    "tir parser: a literal in a type is a number, whatever blanks it has; all else is a call") {
  const auto literal = [](const std::string &text) {
    Parsed parsed(text + " + x");
    CHECK(parsed.firstError() == "none");
    const Expr &left = *parsed.tree.statements[0]->value->children[0];
    CHECK(parsed.sources.textOf(left.range) == text);
    return left.kind == Expr::Kind::Integer || left.kind == Expr::Kind::Float
               ? left.elementType.name() + " " + std::string(left.text)
               : spell(&left);
  };
  CHECK(literal("T.int64(16)") == "int64 16");
  CHECK(literal("T.int8(-3)") == "int8 -3");
  CHECK(literal("T.uint8( 0x10 )") == "uint8 0x10");
  CHECK(literal("T.float32(-3.5e+38)") == "float32 -3.5e+38");
  CHECK(literal("T.float16(1)") == "float16 1");
  CHECK(literal("T.float32(\"-inf\")") == "float32 -inf");
  CHECK(literal("T.int64(- 1)") == "T.int64((-1))");
  CHECK(literal("T.int8(1e5)") == "T.int8(1e5)");
  CHECK(literal("T.int64(3, 4)") == "T.int64(3,4)");
  CHECK(literal("T.int64(n)") == "T.int64(n)");
  CHECK(literal("T.int64()") == "T.int64()");
  CHECK(literal("T.int64(3)[0]") == "3[0]");
  CHECK(literal("T.floor(3)") == "T.floor(3)");
  CHECK(literal("R.int64(3)") == "R.int64(3)");
}

TEST_CASE("tir parser: line ends, tabs, missing newline, UTF-8") {
  for (const char *text : {"if a:\r\n    b\r\n\r\nc\r\n", "if a:\n\tb\nc", "if a:\n    b\n  # x\nc",
                           "\xEF\xBB\xBFif a: b\nc # \xC3\xA9", "if a:\n    b\n\n\n\nc\n"}) {
    CAPTURE(text);
    Parsed parsed(text);
    CHECK(parsed.firstError() == "none");
    REQUIRE(parsed.tree.statements.size() == 2);
    CHECK(parsed.tree.statements[0]->body.size() == 1);
    CHECK(spell(parsed.tree.statements[1]->value) == "c");
  }
}

TEST_CASE("tir parser: ranges are exact") {
  Parsed parsed("@I.ir_module\nclass M:\n    def f(x: T.handle):\n        y[i + 1] = 2\n");
  REQUIRE(parsed.tree.statements.size() == 1);
  const Stmt *function = parsed.tree.statements[0]->body[0];
  CHECK(parsed.sources.textOf(function->nameRange) == "f");
  CHECK(parsed.sources.textOf(function->parameters[0].range) == "x");
  const Stmt *store = function->body[0];
  CHECK(parsed.sources.textOf(store->range) == "y[i + 1] = 2");
  CHECK(parsed.sources.textOf(store->targets[0]->children[1]->range) == "i + 1");
}

TEST_CASE("tir parser: mistakes are reported where they are, and reading goes on") {
  CHECK(Parsed("x = (1,\ny = 2\n").firstError() == "2:3 E0401");
  CHECK(Parsed("x = \"abc\ny = 2\n").firstError() == "1:5 E0402");
  CHECK(Parsed("x = a < b < c\n").firstError() == "1:11 E0401");
  CHECK(Parsed("if a:\n    b\n  c\n").firstError() == "3:1 E0402");
  CHECK(Parsed("for in x:\n    pass\n").firstError() == "1:5 E0401");
  CHECK(Parsed("x = $\n").firstError() == "1:5 E0402");
  CHECK(Parsed("def f(:\n    a\nb = 1\n").tree.statements.size() == 1);
  Parsed twice("x = )\ny = 1\nz = ]\n");
  CHECK(twice.diagnostics.errorCount() == 2);
  CHECK(twice.tree.statements.size() == 1);
}

TEST_CASE("tir parser: one mistake is one error") {
  std::string deep = "if a:\n";
  for (std::size_t i = 1; i < 300; ++i)
    deep += std::string(i, ' ') + "if a:\n";
  const std::pair<std::string, const char *> cases[] = {
      {"f(\"a\\\", b)\ng(c)\nx = 1\n", "1:3 E0402"}, // the string takes the bracket with it
      {"f(a\", b)\ng(c)\nx = 1\n", "1:4 E0402"},
      {"f(\"\"\"a, b)\ng(c)\n", "1:3 E0402"},
      {"x = $ y\nz = 1\n", "1:5 E0402"},
      // A line between two levels, and others that stand there too.
      {"if a:\n    b\n  c\n    d\n  e\nf\n", "3:1 E0402"},
      // A level that is left and another one as deep have nothing in common.
      {"if a:\n  if b:\n         c\n     d\n  if e:\n    if f:\n     g\n", "4:1 E0402"},
      {"if a:\n  if b:\n     c\n    d\n     e\n  f\ng\n", "4:1 E0402"},
      // Behind a tab that may be any width nobody knows what belongs where.
      {"if a:\n        if b:\n\t\tc\n        d\n\te\n", "3:1 E0402"},
      {"if a:\n        b\n\tc\n  d\n", "3:1 E0402"},
      {"a\n    b\n    c\nd\n", "2:5 E0401"},
      {deep, "201:1 E0403"},
      {"\u00A0x = 1\ny\u00A0=\u00A02\n", "1:1 E0402"},
  };
  for (const auto &[text, first] : cases) {
    CAPTURE(text);
    Parsed parsed(text);
    CHECK(parsed.diagnostics.errorCount() == 1);
    CHECK(parsed.firstError() == first);
  }
  // What does not belong to a mistake is still found.
  CHECK(Parsed("x = \"a\ny = )\n").diagnostics.errorCount() == 2);
  CHECK(Parsed("if a:\n    b\n  c\n    x = )\n").diagnostics.errorCount() == 2);
}

TEST_CASE("tir parser: a character that looks like another is reported once and counted") {
  Parsed parsed("x\u00A0= 1\ny\u00A0=\u00A02\nz \u2212 1\n");
  const auto &all = parsed.diagnostics.diagnostics();
  REQUIRE(all.size() == 2);
  REQUIRE(all[0].notes.size() == 1);
  CHECK(all[0].notes[0].message == "this character stands in 2 other places behind this one");
  CHECK(all[1].notes.empty());
}

TEST_CASE("tir parser: a bracket that is open is shown where something else was expected") {
  const std::pair<const char *, const char *> cases[] = {
      {"x = f(a, [b, c)\n", "["},
      {"x = f(a, (b, c)\ny = 1\n", "("},
      {"x = a[b\ny = 1\n", "["},
      {"x = {a: b\ny = 1\n", "{"},
      {"def f(a: T.Buffer((1, 2), b):\n    c\n", "("},
      {"x = f(a", "("},
  };
  for (const auto &[text, bracket] : cases) {
    CAPTURE(text);
    Parsed parsed(text);
    REQUIRE(parsed.diagnostics.diagnostics().size() == 1);
    const Diagnostic &error = parsed.diagnostics.diagnostics()[0];
    REQUIRE(error.notes.size() == 1);
    CHECK(parsed.sources.textOf(error.notes[0].range) == bracket);
  }
}

TEST_CASE("tir parser: depth is limited and costs no stack") {
  constexpr std::size_t many = 100'000;
  auto repeated = [](const std::string &unit) {
    std::string text;
    for (std::size_t i = 0; i < many; ++i)
      text += unit;
    return text;
  };
  for (const char *unit : {"(", "-", "not ", "2**", "1+", "[", "f(", "lambda: "}) {
    CAPTURE(unit);
    Parsed parsed("x = " + repeated(unit) + "a\n");
    CHECK(parsed.diagnostics.errorCount() == 1);
    CHECK(parsed.firstError().ends_with("E0403"));
  }
  // Names joined by dots are one name, however long.
  CHECK(spelled("x = " + repeated("a . ") + "a").size() == 2 * many + 1);
  Parsed wide("x = [" + repeated("1, ") + "]\n");
  CHECK(wide.firstError() == "none");
  Parsed chain("if a:\n    b\n" + repeated("elif a:\n    b\n"));
  // A chain is long, not deep.
  CHECK(chain.firstError() == "none");
  std::size_t links = 0;
  for (const Stmt *link = chain.tree.statements[0]; link; link = link->elseIf())
    ++links;
  CHECK(links == many + 1);
}

TEST_CASE("tir parser: what is redundant is not kept, whatever it looks like") {
  for (const char *text : {"T.reads(a[i, j + 1], b[0:4])\n", "T.reads()\n",
                           "T.reads(\n  a[i],  # a comment\n)\n", "T.writes(a[T.min(i, 4) // 2])\n",
                           "T.reads(a[f(\")\")])\n", "T.reads([x[v]]); T.writes([])\n"}) {
    CAPTURE(text);
    Parsed parsed(text);
    CHECK(parsed.firstError() == "none");
    CHECK(parsed.tree.statements.empty());
  }
  Parsed behind("T.reads(a[i]); x = 1\ny = 2\n");
  CHECK(behind.tree.statements.size() == 2);
  for (const char *text : {"T.reads(a[)\n", "T.reads(a[i]\n", "T.reads(a]\n", "T.reads(a) b\n"}) {
    CAPTURE(text);
    CHECK(Parsed(text).firstError() != "none");
  }
}

} // namespace acadlc::tir
