#include "frontend/tvmscript/Vocabulary.h"

#include "support/CheckedArithmetic.h"
#include "support/Diagnostics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace acadlc::tir {

namespace {

std::string_view behindPrefix(const Expr &expr, Dialect dialect) {
  return expr.dialect == dialect ? expr.text.substr(prefixLength(expr.text) + 1)
                                 : std::string_view();
}

struct MathEntry {
  std::string_view name;
  MathForm form;
  std::string_view spelling;
};

constexpr std::array<MathEntry, 36> operatorForms = {{
    {"max", MathForm::Operator, "max"},
    {"min", MathForm::Operator, "min"},
    {"Max", MathForm::Operator, "max"},
    {"Min", MathForm::Operator, "min"},
    {"Add", MathForm::Operator, "+"},
    {"Sub", MathForm::Operator, "-"},
    {"Mul", MathForm::Operator, "*"},
    {"add", MathForm::Operator, "+"},
    {"subtract", MathForm::Operator, "-"},
    {"multiply", MathForm::Operator, "*"},
    {"divide", MathForm::Operator, "/"},
    {"Div", MathForm::Operator, "/"},
    {"div", MathForm::Operator, "/"},
    {"FloorDiv", MathForm::Operator, "//"},
    {"floordiv", MathForm::Operator, "//"},
    {"FloorMod", MathForm::Operator, "%"},
    {"floormod", MathForm::Operator, "%"},
    {"pow", MathForm::Operator, "pow"},
    {"power", MathForm::Operator, "pow"},
    {"shift_left", MathForm::Operator, "shift_left"},
    {"shift_right", MathForm::Operator, "shift_right"},
    {"bitwise_and", MathForm::Operator, "&"},
    {"bitwise_or", MathForm::Operator, "|"},
    {"bitwise_xor", MathForm::Operator, "^"},
    {"LT", MathForm::Comparison, "<"},
    {"LE", MathForm::Comparison, "<="},
    {"GT", MathForm::Comparison, ">"},
    {"GE", MathForm::Comparison, ">="},
    {"EQ", MathForm::Comparison, "=="},
    {"NE", MathForm::Comparison, "!="},
    {"And", MathForm::Comparison, "and"},
    {"Or", MathForm::Comparison, "or"},
    {"Not", MathForm::Comparison, "not"},
    {"likely", MathForm::Transparent, ""},
    {"meta_var", MathForm::Transparent, ""},
    {"truncdiv", MathForm::Operator, "truncdiv"},
}};

constexpr std::array<std::string_view, 59> functions = {"exp",
                                                        "exp2",
                                                        "exp10",
                                                        "log",
                                                        "log2",
                                                        "log10",
                                                        "log1p",
                                                        "sqrt",
                                                        "rsqrt",
                                                        "tanh",
                                                        "sigmoid",
                                                        "erf",
                                                        "sin",
                                                        "cos",
                                                        "tan",
                                                        "sinh",
                                                        "cosh",
                                                        "asin",
                                                        "acos",
                                                        "atan",
                                                        "asinh",
                                                        "acosh",
                                                        "atanh",
                                                        "atan2",
                                                        "round",
                                                        "nearbyint",
                                                        "floor",
                                                        "ceil",
                                                        "trunc",
                                                        "fabs",
                                                        "abs",
                                                        "isnan",
                                                        "isinf",
                                                        "isfinite",
                                                        "popcount",
                                                        "clz",
                                                        "bitwise_not",
                                                        "fmod",
                                                        "hypot",
                                                        "copysign",
                                                        "nextafter",
                                                        "ldexp",
                                                        "truncmod",
                                                        "q_multiply_shift",
                                                        "q_multiply_shift_per_axis",
                                                        "infinity",
                                                        "nan",
                                                        "min_value",
                                                        "max_value",
                                                        "reinterpret",
                                                        "Mod",
                                                        "ceildiv",
                                                        "saturate",
                                                        "fma",
                                                        "erfc",
                                                        "rint",
                                                        "cbrt",
                                                        "expm1",
                                                        "sign"};

} // namespace

std::string_view dottedName(const Expr &expr) {
  const bool isName = expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::DottedName;
  return isName ? expr.text : std::string_view();
}

std::string_view tirName(const Expr &expr) { return behindPrefix(expr, Dialect::Tir); }

std::string_view relaxName(const Expr &expr) {
  // `relax.op.add` is what `R.add` stands for.
  constexpr std::string_view operators = "op.";
  std::string_view name = behindPrefix(expr, Dialect::Relax);
  if (name.starts_with(operators))
    name.remove_prefix(operators.size());
  return name;
}

std::string_view moduleName(const Expr &expr) { return behindPrefix(expr, Dialect::Module); }

namespace {

constexpr auto graphForms = std::to_array<std::string_view>({"ExternFunc",
                                                             "assert_op",
                                                             "call_builtin_with_ctx",
                                                             "call_dps_packed",
                                                             "call_inplace_packed",
                                                             "call_packed",
                                                             "call_pure_packed",
                                                             "call_py_func",
                                                             "call_tir",
                                                             "call_tir_inplace",
                                                             "call_tir_with_grad",
                                                             "const",
                                                             "cpu",
                                                             "cuda",
                                                             "dataflow",
                                                             "device",
                                                             "dtype",
                                                             "func_attr",
                                                             "invoke_closure",
                                                             "invoke_pure_closure",
                                                             "make_closure",
                                                             "match_cast",
                                                             "null_value",
                                                             "output",
                                                             "prim_value",
                                                             "print",
                                                             "shape",
                                                             "shape_of",
                                                             "str",
                                                             "tensor_to_shape",
                                                             "tuple"});

} // namespace

bool isGraphForm(std::string_view name) {
  return std::ranges::find(graphForms, name) != graphForms.end();
}

std::string_view nearestGraphForm(std::string_view name) {
  return nearestName(name, {graphForms.begin(), graphForms.end()});
}

std::string_view tirCallName(const Expr *expr) {
  if (!expr || expr->kind != Expr::Kind::Call)
    return {};
  return tirName(*expr->children[0]);
}

std::string_view relaxCallName(const Expr *expr) {
  if (!expr || expr->kind != Expr::Kind::Call)
    return {};
  return relaxName(*expr->children[0]);
}

std::span<const Expr *const> arguments(const Expr &call) {
  // A bare name may stand where a call is expected.
  return call.children.empty() ? call.children : call.children.subspan(1);
}

const Expr *positional(const Expr &call, std::size_t index) {
  for (const Expr *argument : arguments(call)) {
    if (argument->kind == Expr::Kind::Keyword || argument->kind == Expr::Kind::Star)
      continue;
    if (index-- == 0)
      return argument;
  }
  return nullptr;
}

const Expr *keyword(const Expr &call, std::string_view name) {
  for (const Expr *argument : arguments(call))
    if (argument->kind == Expr::Kind::Keyword && argument->text == name)
      return argument->children[0];
  return nullptr;
}

namespace {

/// \p text without the underscores that Python allows between digits, kept in \p storage if it has
/// any.
std::string_view withoutUnderscores(std::string_view text, std::string &storage) {
  if (text.find('_') == std::string_view::npos)
    return text;
  storage = text;
  std::erase(storage, '_');
  return storage;
}

} // namespace

std::optional<std::int64_t> parseInteger(std::string_view text) {
  std::string storage;
  std::string_view digits = withoutUnderscores(text, storage);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
    base = 16;
  else if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'b' || digits[1] == 'B'))
    base = 2;
  if (base != 10)
    digits.remove_prefix(2);
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return value;
}

std::optional<double> parseFloat(std::string_view text) {
  if (text == "inf")
    return std::numeric_limits<double>::infinity();
  if (text == "-inf")
    return -std::numeric_limits<double>::infinity();
  if (text == "nan")
    return std::numeric_limits<double>::quiet_NaN();
  std::string storage;
  const std::string_view digits = withoutUnderscores(text, storage);
  double value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) {
    const double beyond = std::numeric_limits<double>::infinity();
    return digits.starts_with('-') ? -beyond : beyond;
  }
  if (error != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return value;
}

std::optional<std::int64_t> integerLiteral(const Expr &expr) {
  if (expr.kind == Expr::Kind::Integer)
    return parseInteger(expr.text);
  if (expr.kind == Expr::Kind::Unary && expr.text == "-") {
    auto inner = integerLiteral(*expr.children[0]);
    return inner ? checkedSub(0, *inner) : std::nullopt;
  }
  if (expr.kind == Expr::Kind::Call && expr.children.size() == 2) {
    auto type = typeNamed(*expr.children[0]);
    if (type && (type->kind == workload::ElementType::Kind::Int ||
                 type->kind == workload::ElementType::Kind::UInt))
      return integerLiteral(*expr.children[1]);
  }
  return std::nullopt;
}

bool isIntegerCast(const Expr &call) {
  const auto type = typeNamed(*call.children[0]);
  const bool isInteger = type && (type->kind == workload::ElementType::Kind::Int ||
                                  type->kind == workload::ElementType::Kind::UInt);
  return isInteger && positional(call, 0) != nullptr;
}

bool declaresSize(const Expr &expr) {
  if (expr.kind != Expr::Kind::Call)
    return false;
  // Each dialect has a `dynamic` of its own, which means the same.
  const Expr &callee = *expr.children[0];
  if (tirName(callee) == "dynamic" || moduleName(callee) == "dynamic")
    return true;
  return typeNamed(callee) && std::ranges::all_of(arguments(expr), [](const Expr *argument) {
           return argument->kind == Expr::Kind::Keyword && argument->text == "is_size_var";
         });
}

bool declaresScalar(const Expr *expr) {
  const std::string_view name = tirCallName(expr);
  return name == "local_scalar" || name == "alloc_scalar" || name == "shared_scalar";
}

std::string_view sizeOperator(const Expr &expr) {
  const std::string_view name = tirCallName(&expr);
  if (name == "ceildiv")
    return name;
  const MathName math = mathName(name);
  return math.form == MathForm::Operator ? math.spelling : std::string_view();
}

bool isSizeArithmetic(const Expr &expr) {
  const std::string_view name = tirCallName(&expr);
  return !name.empty() &&
         (name == "Cast" || name == "cast" || isIntegerCast(expr) || !sizeOperator(expr).empty());
}

bool isHugeInteger(const Expr &expr) {
  if (expr.kind == Expr::Kind::Call && expr.children.size() == 2 && typeNamed(*expr.children[0]))
    return isHugeInteger(*expr.children[1]);
  return expr.kind == Expr::Kind::Integer && !parseInteger(expr.text);
}

std::optional<workload::ElementType> typeNamed(const Expr &expr) {
  if (expr.kind == Expr::Kind::String)
    return workload::ElementType::fromName(expr.text);
  return workload::ElementType::fromName(tirName(expr));
}

std::string nearTypes(std::string_view name) {
  const auto near = workload::ElementType::near(name);
  if (near.size() == 2)
    return ", the nearest are " + near[0].name() + " and " + near[1].name();
  if (near.size() == 1)
    return ", the nearest is " + near[0].name();
  const std::string_view meant = nearestName(
      name, {"bool", "int4", "int8", "int16", "int32", "int64", "uint4", "uint8", "uint16",
             "uint32", "uint64", "float8", "float16", "float32", "float64", "bfloat16"});
  return meant.empty() ? std::string() : ", did you mean " + std::string(meant) + "?";
}

std::optional<VectorType> vectorTypeNamed(const Expr &expr) {
  const std::size_t cross = expr.text.rfind('x');
  if (expr.kind != Expr::Kind::String || cross == std::string_view::npos)
    return std::nullopt;
  const auto element = workload::ElementType::fromName(expr.text.substr(0, cross));
  const auto lanes = parseInteger(expr.text.substr(cross + 1));
  constexpr std::int64_t mostLanes = 1024;
  const bool isVector = element && lanes && *lanes > 1 && *lanes <= mostLanes;
  return isVector ? std::optional(VectorType{*element, *lanes}) : std::nullopt;
}

std::int64_t lanesIn(const Expr &value) {
  const std::string_view name = tirCallName(&value);
  const bool isRamp = name == "Ramp" || name == "ramp";
  const Expr *count = isRamp                                       ? positional(value, 2)
                      : name == "Broadcast" || name == "broadcast" ? positional(value, 1)
                                                                   : nullptr;
  if (count)
    return integerLiteral(*count).value_or(0);
  std::int64_t lanes = 0;
  for (const Expr *child : value.children) {
    const auto vector = child ? vectorTypeNamed(*child) : std::nullopt;
    if (child)
      lanes = std::max(lanes, vector ? vector->lanes : lanesIn(*child));
  }
  return lanes;
}

bool sameText(const Expr &left, const Expr &right) {
  if (&left == &right)
    return true;
  if (left.kind != right.kind || left.text != right.text ||
      left.children.size() != right.children.size())
    return false;
  for (std::size_t i = 0; i < left.children.size(); ++i) {
    const Expr *a = left.children[i];
    const Expr *b = right.children[i];
    if (!a || !b ? a != b : !sameText(*a, *b))
      return false;
  }
  return true;
}

std::string_view nearestTirName(std::string_view name) {
  static constexpr auto forms =
      std::to_array<std::string_view>({"alloc_buffer", "alloc_local",   "alloc_shared",
                                       "allocate",     "axis.opaque",   "axis.reduce",
                                       "axis.remap",   "axis.scan",     "axis.spatial",
                                       "block",        "block_attr",    "buffer_store",
                                       "Cast",         "decl_buffer",   "evaluate",
                                       "func_attr",    "grid",          "if_then_else",
                                       "init",         "launch_thread", "let",
                                       "match_buffer", "parallel",      "reads",
                                       "sblock",       "sblock_attr",   "sblock_alloc_buffer",
                                       "Select",       "serial",        "thread_binding",
                                       "unroll",       "vectorized",    "where",
                                       "writes",       "float16",       "float32",
                                       "float64",      "int8",          "int16",
                                       "int32",        "int64",         "uint8",
                                       "uint16",       "uint32",        "uint64",
                                       "bool",         "bfloat16"});
  std::vector<std::string_view> names(forms.begin(), forms.end());
  for (const MathEntry &entry : operatorForms)
    names.push_back(entry.name);
  names.insert(names.end(), functions.begin(), functions.end());
  return nearestName(name, names);
}

MathName mathName(std::string_view name) {
  for (const MathEntry &entry : operatorForms)
    if (entry.name == name)
      return {entry.form, entry.spelling};
  if (std::find(functions.begin(), functions.end(), name) != functions.end())
    return {MathForm::Function, name};
  return {};
}

std::optional<std::array<const Expr *, 3>> fusedMultiplyAdd(const Expr &call) {
  const std::string_view name = tirCallName(&call);
  std::size_t first = 0;
  if (name == "call_pure_extern" || name == "call_extern" || name == "call_intrin") {
    constexpr auto fused = std::to_array<std::string_view>({"fma", "fmaf", "tir.fma", "tirx.fma"});
    const Expr *callee = positional(call, 1);
    if (!callee || callee->kind != Expr::Kind::String ||
        std::ranges::find(fused, callee->text) == fused.end())
      return std::nullopt;
    first = 2; // behind the type and the name
  } else if (name != "fma") {
    return std::nullopt;
  }
  const std::array<const Expr *, 3> operands = {
      positional(call, first), positional(call, first + 1), positional(call, first + 2)};
  const bool isWhole = operands[0] && operands[1] && operands[2] && !positional(call, first + 3);
  return isWhole ? std::optional(operands) : std::nullopt;
}

} // namespace acadlc::tir
