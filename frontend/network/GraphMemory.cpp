#include "frontend/network/GraphReader.h"
#include "frontend/tvmscript/Vocabulary.h"

#include <algorithm>
#include <iterator>
#include <utility>

// Texts from behind the passes that replace `R.call_tir` by calls into memory that they reserve.

namespace acadlc::tir {

using namespace workload;

/// Memory for a tensor. Its shape is positional argument \p shape, its type the one behind that.
GraphValue GraphReader::allocate(const Expr &expr, std::size_t shape, const std::string &name) {
  const Expr *shapeExpr = positional(expr, shape);
  const Expr *typeExpr = keyword(expr, "dtype");
  if (!typeExpr)
    typeExpr = positional(expr, shape + 1);
  // `R.dtype("float32")`, in old texts `"float32"`.
  const Expr *typeName = relaxCallName(typeExpr) == "dtype" ? positional(*typeExpr, 0) : typeExpr;
  const Expr *extents = relaxCallName(shapeExpr) == "shape" ? positional(*shapeExpr, 0) : nullptr;
  const auto element = typeName ? typeNamed(*typeName) : std::nullopt;
  if (!element || !extents) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "memory whose shape and type are not in the text");
    return {};
  }
  auto read = readShape(*extents);
  return read ? GraphValue::memory({name, {std::move(*read), *element}, std::nullopt})
              : GraphValue{};
}

/// `R.memory.alloc_tensor(…)`, `R.vm.kill_object(…)` and their like.
GraphValue GraphReader::evaluateMemory(const Expr &expr, std::string_view relax,
                                       const std::string &name) {
  if (relax == "builtin.alloc_tensor")
    return allocate(expr, 0, name);
  // Behind the storage and the place in it.
  if (relax == "memory.alloc_tensor" || relax == "vm.alloc_tensor")
    return allocate(expr, 2, name);
  if (relax == "vm.call_tir_dyn")
    return callDynamic(expr);
  if (relax.ends_with(".alloc_storage") || relax.find(".kill_") != std::string_view::npos)
    return GraphValue::of(GraphValue::Kind::Other);
  diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                      "'R." + std::string(relax) +
                          "' (print the module before the passes that plan its memory)");
  stopped_ = true;
  return {};
}

void keepWritten(const GraphValue &result,
                 const std::vector<std::shared_ptr<Allocation>> &written) {
  if (result.kind == GraphValue::Kind::Tensor && !written.empty())
    written[0]->tensor = result.tensor;
  if (result.kind == GraphValue::Kind::Tuple)
    for (std::size_t i = 0; i < written.size(); ++i)
      written[i]->tensor = (*result.elements)[i].tensor;
}

/// `cls.f(x, y, alloc)`: the function writes the memory that stands last among its arguments.
GraphValue GraphReader::callIntoMemory(Function &function, const Expr &expr) {
  std::vector<GraphValue> given;
  for (const Expr *argument : arguments(expr))
    given.push_back(evaluate(*argument, std::string(function.stmt->name) + "_argument"));
  return writeIntoMemory(function, expr, std::move(given), {});
}

/// `R.vm.call_tir_dyn(cls.f, (x, y, alloc, R.shape([n])))`: the same, with sizes that the function
/// is given behind the memory.
GraphValue GraphReader::callDynamic(const Expr &expr) {
  const Expr *calleeExpr = positional(expr, 0);
  const Expr *argumentExpr = positional(expr, 1);
  Function *function = calleeExpr && argumentExpr ? calleeOf(*calleeExpr) : nullptr;
  if (!calleeExpr || !argumentExpr || (function && !function->isPrim))
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "'R.vm.call_tir_dyn' without a 'T.prim_func' and arguments");
  if (!function || !function->isPrim)
    return {};
  GraphValue arguments = evaluate(*argumentExpr, std::string(function->stmt->name) + "_argument");
  if (arguments.kind == GraphValue::Kind::Unknown)
    return {};
  std::vector<GraphValue> given{arguments};
  if (arguments.kind == GraphValue::Kind::Tuple)
    given = *arguments.elements;
  std::vector<GraphValue> sizes;
  if (!given.empty() && given.back().kind == GraphValue::Kind::Tuple) {
    sizes = *given.back().elements;
    given.pop_back();
  }
  return writeIntoMemory(*function, expr, std::move(given), std::move(sizes));
}

/// A call of \p function with \p given, of which the memory that stands last is written, and \p
/// sizes.
GraphValue GraphReader::writeIntoMemory(Function &function, const Expr &expr,
                                        std::vector<GraphValue> given,
                                        std::vector<GraphValue> sizes) {
  std::vector<std::shared_ptr<Allocation>> written;
  std::vector<TensorType> types;
  std::size_t inputs = given.size();
  while (inputs > 0 && given[inputs - 1].kind == GraphValue::Kind::Memory)
    --inputs;
  for (std::size_t i = inputs; i < given.size(); ++i) {
    written.push_back(given[i].allocation);
    types.push_back(given[i].allocation->type);
  }
  for (std::size_t i = 0; i < inputs; ++i) {
    if (given[i].kind == GraphValue::Kind::Unknown)
      return {};
    if (given[i].kind != GraphValue::Kind::Memory)
      continue;
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "memory that '" + std::string(function.stmt->name) +
                            "' reads before anything is written to it");
    return {};
  }
  if (written.empty()) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "a direct call of '" + std::string(function.stmt->name) +
                            "' without memory for its results");
    return {};
  }
  function.isReached = true;
  given.resize(inputs);
  std::ranges::move(sizes, std::back_inserter(given));
  const GraphValue result = callFunctionOfTir(function, expr, GraphValue::tuple(std::move(given)),
                                              std::move(types), written[0]->name);
  keepWritten(result, written);
  // What is wrong with the call has been said, and all that reads its results would say it again.
  if (result.kind == GraphValue::Kind::Unknown)
    stopped_ = true;
  return result;
}

} // namespace acadlc::tir
