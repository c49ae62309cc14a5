#include "frontend/acadl/evaluation/Evaluator.h"

#include "frontend/acadl/evaluation/Module.h"

#include <doctest/doctest.h>

#include <string>

using namespace acadlc;

namespace {

/// Evaluates the constant `it` of a text: its value as text, or its first error.
std::string evaluate(const std::string &text, Evaluator::Limits limits = {}) {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  Compilation compilation(sources, diagnostics);
  const Module *module = compilation.loadText("test.acadl", text);
  REQUIRE(module);
  REQUIRE_MESSAGE(!diagnostics.hasErrors(),
                  renderDiagnostics(diagnostics.diagnostics(), sources, {}));
  const Symbol *it = module->scope->find("it");
  REQUIRE(it);
  const auto &constant = ast::cast<ast::ConstantDeclaration>(*it->declaration);
  Evaluator evaluator(diagnostics, limits);
  std::optional<Value> value;
  if (!constant.type.isValid())
    value = evaluator.evaluate(*constant.value, *module->scope);
  else if (const auto type = evaluator.resolveType(constant.type, *module->scope))
    value = evaluator.evaluateAs(*constant.value, *module->scope, *type, "it");
  if (value) {
    CHECK(!diagnostics.hasErrors());
    return value->text();
  }
  REQUIRE(diagnostics.hasErrors());
  const Diagnostic &first = diagnostics.diagnostics().front();
  return std::string(sources.textOf(first.range)) + ": " + first.message;
}
std::string value(const std::string &expression) { return evaluate("const it = " + expression); }

} // namespace

TEST_CASE("evaluate: whole numbers and reals") {
  CHECK(value("1 + 2 * 3") == "7");
  CHECK(value("-7 / 2") == "-4");
  CHECK(value("-7 % 2") == "1");
  CHECK(value("7.0 / 2") == "3.5");
  CHECK(value("0x10 + 1_000") == "1016");
  CHECK(value("9223372036854775807 + 1") ==
        "9223372036854775807 + 1: 9223372036854775807 + 1 does not fit into 64 bits");
  CHECK(value("1 / (2 - 2)").ends_with("division by zero"));
  CHECK(value("1e300 * 1e300").ends_with("is no finite number"));
  CHECK(value("1 + true") == "1 + true: operator '+' is not defined for int and bool");
}

TEST_CASE("evaluate: quantities") {
  CHECK(value("2 * 8 bits + 1 byte") == "24 bits");
  CHECK(value("16 bytes / (4 bytes)") == "4");
  CHECK(value("64 bytes / (1 cycle)") == "512 bits / cycles");
  CHECK(value("0.5 KiB") == "512 bytes");
  CHECK(value("1 MiB") == "1 MiB");
  CHECK(value("round(250 MHz * 4000 ns)") == "1000");
  CHECK(value("8 bits == 1 byte") == "true");
  CHECK(value("1 byte + 1 cycle") ==
        "1 byte + 1 cycle: '+' needs the same unit everywhere, found bits and cycles");
  CHECK(value("1 cycle < 2").find("the same unit") != std::string::npos);
  CHECK(value("value(6 bytes, bits)") == "48");
  CHECK(value("value(3 ms, us)") == "3000");
  CHECK(value("value(12 bits, bytes)").ends_with("value: 12 bits is not a whole number of bytes"));
  CHECK(evaluate("const it: cycles = 4") == "4: it takes cycles, found a bare number");
  CHECK(evaluate("const it: cycles = 1.5 cycles").ends_with("it takes cycles, found 1.5 cycles"));
  CHECK(evaluate("const it: seconds = 2 s") == "2 s");
  CHECK(evaluate("const it: real = 2") == "2");
}

TEST_CASE("evaluate: logic, conditionals, comparisons") {
  CHECK(value("true or 1 / 0 == 1") == "true");
  CHECK(value("false and 1 / 0 == 1") == "false");
  CHECK(value("if 1 < 2 then 3 else 1 / 0") == "3");
  CHECK(value("not (1 == 1.0)") == "false");
  CHECK(value("if 1 then 2 else 3") == "1: a condition takes bool, found int");
  CHECK(value("\"a\" == \"a\"") == "true");
  CHECK(value("\"a\" == 1").find("is not defined for string and int") != std::string::npos);
}

TEST_CASE("evaluate: lists, tables, ranges") {
  CHECK(value("[for i in 0 .. 4: i * i]") == "[0, 1, 4, 9]");
  CHECK(value("[for i in 0 .. 2, j in [5, 7]: i * 10 + j]") == "[5, 7, 15, 17]");
  CHECK(value("[for i in 0 .. 7 step 3: i]") == "[0, 3, 6]");
  CHECK(value("[1, 2, 3][2]") == "3");
  CHECK(value("[1, 2, 3][3]") == "3: index 3 is out of range: the list has 3 elements");
  CHECK(value("[1][-1]").find("index -1 is out of range") != std::string::npos);
  CHECK(value("{ ld: 8, ex: 16 }.ex") == "16");
  CHECK(value("{ ld: 8 }.st") == "st: a value of type table has no member 'st'");
  CHECK(value("sum([for i in 0 .. 4: i * 1 cycle])") == "6 cycles");
  CHECK(value("[for i in 0 .. 4 step 0: i]") == "0: a loop needs a positive step, found 0");
}

TEST_CASE("evaluate: built-in functions") {
  CHECK(value("min(3, 2, 5)") == "2");
  CHECK(value("max(3 cycles, 4 cycles)") == "4 cycles");
  CHECK(value("max(3 cycles, 4)").ends_with("argument 2 of 'max' takes cycles, found int"));
  CHECK(value("ceil_div(7, 2)") == "4");
  CHECK(value("ceil_div(33 bits, 1 byte)") == "5");
  CHECK(value("ceil(2.1) + floor(2.9) + round(2.5)") == "8");
  CHECK(value("log2(16) + ceil_log2(17)") == "9");
  CHECK(value("log2(12)") == "12: log2: 12 is not a power of two");
  CHECK(value("abs(-3 cycles)") == "3 cycles");
  CHECK(value("is_power_of_two(0)") == "false");
  CHECK(value("int(2.9) + int(true)") == "3");
  CHECK(value("length([1, 2])") == "2");
  CHECK(value("sqrt(16)") == "4");
  CHECK(value("log2(1, 2)").ends_with("function 'log2' takes 1 argument, found 2"));
  CHECK(value("mim(1, 2)") == "mim: unknown function 'mim'");
}

TEST_CASE("evaluate: names, constants, enumerations") {
  CHECK(evaluate("const it = b + 1\nconst b = 2") == "3");
  CHECK(evaluate("const it = b\nconst b = it") == "b: the value of 'b' needs itself");
  CHECK(evaluate("enum Flow { os, ws }\nconst it = Flow.ws") == "Flow.ws");
  CHECK(evaluate("enum Flow { os, ws }\nconst it: Flow = ws") == "Flow.ws");
  CHECK(evaluate("enum Flow { os, ws }\nconst f = Flow.ws\nconst it = f == ws") == "true");
  CHECK(evaluate("enum Flow { os, ws }\nconst f = Flow.ws\nconst it = os != f") == "true");
  CHECK(evaluate("enum Flow { os, ws }\nconst it = Flow.is") ==
        "is: enum 'Flow' has no member 'is'");
  CHECK(evaluate("const it = missing") == "missing: unknown name 'missing'");
  CHECK(evaluate("function f(): int = 1\nconst it = f") == "f: function 'f' is no value");
}

TEST_CASE("evaluate: functions") {
  CHECK(evaluate("function f(x: int, y: int = x + 1): int = x * y\nconst it = f(3)") == "12");
  CHECK(evaluate("function f(x: int, y: int = 2): int = x * y\nconst it = f(y = 5, x = 3)") ==
        "15");
  CHECK(evaluate("function f(n: int): int { let s = 0 for i in 0 .. n { s = s + i } return s }\n"
                 "const it = f(10)") == "45");
  CHECK(evaluate(
            "function f(n: int): int { for i in 0 .. n { if i * i > n { return i } else if i > 9 "
            "{ return -1 } } return 0 }\nconst it = f(20)") == "5");
  CHECK(evaluate("function f(n: int): int { require n > 3, \"more\" return n }\nconst it = f(1)") ==
        "n > 3: requirement failed: more");
  CHECK(evaluate("function f(n: int): int { let a = n }\nconst it = f(1)") ==
        "f(1): function 'f' can end without a result");
  CHECK(
      evaluate("function f(n: int): int = g(n)\nfunction g(n: int): int = f(n)\nconst it = f(1)") ==
      "f(n): function 'f' calls itself");
  CHECK(evaluate("function f(n: int): int = n\nconst it = f()")
            .starts_with("f(): function 'f' needs a value for parameter 'n'"));
  CHECK(evaluate("function f(n: int): int = n\nconst it = f(1, n = 2)")
            .starts_with("n: 'n' is given twice"));
  CHECK(evaluate("function f(n: cycles): cycles = n\nconst it = f(1)")
            .starts_with("1: parameter 'n' takes cycles, found a bare number"));
}

TEST_CASE("evaluate: limits") {
  CHECK(evaluate("const it = sum([for i in 0 .. 1_000_000: i])", {.steps = 1000}) ==
        "[for i in 0 .. 1_000_000: i]: this loop takes more than 1000 steps");
  CHECK(evaluate("function f(n: int): int { let s = 0 for i in 0 .. n { s = s + i } return s }\n"
                 "const it = sum([for i in 0 .. 1000: f(100)])",
                 {.steps = 10000})
            .ends_with("this loop takes more than 10000 steps"));
}

TEST_CASE("evaluate: symbolic values") {
  struct Name : SymbolicPayload {
    explicit Name(std::string n) : name(std::move(n)) {}
    std::string name;
  };
  struct Text : SymbolicArithmetic {
    static std::string of(const Value &v) {
      return v.is(Value::Kind::Symbolic) ? static_cast<const Name &>(v.symbolic()).name : v.text();
    }
    static Value make(std::string n) {
      return Value::ofSymbolic(std::make_shared<Name>(std::move(n)));
    }
    std::optional<Value> binary(ast::BinaryOperator op, const Value &a, const Value &b,
                                const ast::Expr &) override {
      return make("(" + of(a) + ast::spelling(op).str() + of(b) + ")");
    }
    std::optional<Value> negate(const Value &a, const ast::Expr &) override {
      return make("-" + of(a));
    }
    std::optional<Value> builtin(llvm::StringRef name, llvm::ArrayRef<Value> arguments,
                                 const ast::Expr &) override {
      return make(name.str() + of(arguments[0]));
    }
    std::optional<Value> requireKnown(const Value &, const ast::Expr &) override {
      return Value::ofInt(1);
    }
  };
  SourceManager sources;
  DiagnosticEngine diagnostics;
  Compilation compilation(sources, diagnostics);
  const Module *module =
      compilation.loadText("t", "const a = min(i * 2 + 1, 4)\nconst b = [5, 6][i]\nconst c = -i");
  Text text;
  Evaluator evaluator(diagnostics, {}, &text);
  Scope scope(module->scope.get());
  scope.declare("i", Symbol::ofValue(Text::make("i"), {}));
  const auto run = [&](llvm::StringRef name) {
    const auto *constant =
        ast::dynCast<ast::ConstantDeclaration>(module->scope->find(name)->declaration);
    return Text::of(*evaluator.evaluate(*constant->value, scope));
  };
  CHECK(run("a") == "min((i*2)+1)");
  CHECK(run("b") == "6");
  CHECK(run("c") == "-i");
}

TEST_CASE("scopes: many names, marks and shadowing") {
  Scope outer;
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i)
    names.push_back("n" + std::to_string(i));
  for (int i = 0; i < 40; ++i)
    CHECK(outer.declare(names[i], Symbol::ofValue(Value::ofInt(i), {})));
  CHECK_FALSE(outer.declare("n7", Symbol{}));
  Scope inner(&outer);
  inner.declare("n7", Symbol::ofValue(Value::ofInt(-7), {}));
  CHECK(inner.find("n7")->value == Value::ofInt(-7));
  CHECK(inner.find("n39")->value == Value::ofInt(39));
  outer.rewind(5);
  CHECK_FALSE(outer.find("n39"));
  CHECK(outer.find("n4"));
  CHECK(outer.declare("n39", Symbol{}));
  CHECK(inner.nearest("n_4") == "n4");
}
