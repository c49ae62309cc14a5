/// \file
/// Understands the operators of Relax (`R.nn.conv2d`, `R.add`, …) of texts before legalisation.
///
/// A text that is not legalised holds no loops for its operators. Each known one gets the loops
/// that TVM's LegalizeOps would give it, as a function of the workload IR.
#pragma once

#include "frontend/tir/FunctionTemplate.h"
#include "ir/Workload.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace acadlc::tir {

struct TensorType {
  Shape shape;
  workload::ElementType elementType;
  friend bool operator==(const TensorType &, const TensorType &) = default;
};

/// "(1, 3, 224, 224) of float32".
std::string describe(const TensorType &type);

/// `lambda i, j: (i // 4, j, i % 4)`: where the element of each index goes.
struct IndexMap {
  std::size_t inputs = 0;
  std::vector<workload::IndexExprPtr> outputs; ///< over axes 0 … inputs − 1
};

/// An argument of an operator.
struct OperatorArgument {
  /// Indices into OperatorCall::tensors: one of a tensor, several of a tuple of tensors.
  std::vector<std::size_t> tensors;
  /// A number or a list or tuple of numbers, such as a shape.
  std::optional<Shape> integers;
  bool isList = false;                             ///< of integers
  std::optional<workload::ElementType> numberType; ///< of a single number
  std::optional<double> number;                    ///< a single number, also one with a point
  std::optional<IndexMap> map;
  /// Set if numbers are missing: the symbolic size that has no value, or empty for another reason.
  std::optional<std::string_view> unread;
  std::string_view text; ///< the content of a string; `True`, `False` or `None`; else empty
};

/// A call of an operator, its arguments evaluated.
struct OperatorCall {
  std::string_view name; ///< without `R.`: "nn.conv2d"
  SourceRange range;
  std::vector<TensorType> tensors; ///< all that are given, in the order of the text
  /// Of those, the constants of one number, by index: they are part of the operator, as LegalizeOps
  /// has it, and nothing that is read.
  std::map<std::size_t, double> numbers;
  std::vector<OperatorArgument> positional;
  std::map<std::string_view, OperatorArgument> keywords;
  /// The types that the binding gives the results; empty if it says nothing of them.
  std::vector<TensorType> annotated;
  bool annotatesTuple = false;

  /// The argument called \p keyword, or else positional argument \p position; null if there is
  /// neither, or if it is `None`.
  [[nodiscard]] const OperatorArgument *find(std::string_view keyword, std::size_t position) const;
};

/// Equal for calls of the same operator with the same arguments, of tensors their types: what they
/// compute is the same. None if a call cannot be compared.
std::optional<std::string> keyOf(const OperatorCall &call);

/// One of the values that an operator returns.
struct OperatorResult {
  bool isInput = false;  ///< a tensor that was given, passed on
  std::size_t index = 0; ///< into OperatorCall::tensors, or of the output
};

/// What an operator computes: its tensors are the parameters, inputs first.
struct OperatorFunction {
  FunctionTemplate function;
  std::vector<OperatorResult> results;
  bool isTuple = false; ///< returns a tuple, also of one
};

/// Whether \p name, without `R.`, is an operator that describeOperator() knows.
bool isKnownOperator(std::string_view name);

/// What an operator takes.
struct OperatorParameters {
  std::vector<std::string_view> names;     ///< in order; each may also be given by name
  std::vector<std::string_view> elsewhere; ///< attributes of other versions, by name alone
};

/// The parameters of the known operator \p name; none where versions of TVM differ too much.
std::optional<OperatorParameters> parametersOf(std::string_view name);

/// A function that is not in the text, called \p name: its results are of \p types, what it
/// computes is not known.
std::variant<OperatorFunction, std::string> describeExternal(const OperatorCall &call,
                                                             const std::string &name,
                                                             const std::vector<TensorType> &types,
                                                             bool isTuple);

/// The function of a known operator, or what is wrong with the call.
std::variant<OperatorFunction, std::string> describeOperator(const OperatorCall &call);

} // namespace acadlc::tir
