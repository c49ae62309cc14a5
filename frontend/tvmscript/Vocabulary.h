/// \file
/// Recognises the names and literals that TVMScript gives meaning to.
#pragma once

#include "frontend/tvmscript/Syntax.h"
#include "ir/Workload.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace acadlc::tir {

/// `a.b.c` as text; empty if \p expr is no chain of names.
std::string_view dottedName(const Expr &expr);
/// What stands behind the prefix of TIR: "grid" of `T.grid`; empty if it is no such name.
std::string_view tirName(const Expr &expr);
/// The same for Relax: "call_tir" of `R.call_tir`.
std::string_view relaxName(const Expr &expr);
/// The same for what belongs to modules: "GlobalVar" of `I.GlobalVar`.
std::string_view moduleName(const Expr &expr);
/// tirName of the callee of a call; empty if \p expr is no call of such a name.
std::string_view tirCallName(const Expr *expr);
std::string_view relaxCallName(const Expr *expr);

/// Whether \p name, without `R.`, is no operator but a form of the graph itself: `call_tir`,
/// `dataflow`, `shape`, ….
bool isGraphForm(std::string_view name);
/// The form of the graph nearest to \p name; empty if none is near.
std::string_view nearestGraphForm(std::string_view name);

/// Arguments of a call or subscript without its callee.
std::span<const Expr *const> arguments(const Expr &call);
/// Positional argument \p index (keywords and stars do not count); null if there is none.
const Expr *positional(const Expr &call, std::size_t index);
/// Value of the argument called \p name; null if there is none.
const Expr *keyword(const Expr &call, std::string_view name);

/// Value of an integer literal, also one in a type (`T.int64(3)`) or with a sign.
std::optional<std::int64_t> integerLiteral(const Expr &expr);
/// Whether \p expr is an integer literal, perhaps in a type, that leaves 64 bits.
bool isHugeInteger(const Expr &expr);

/// Whether \p call is `T.int64(e)` or its like: e as an integer.
bool isIntegerCast(const Expr &call);

/// Whether \p expr declares what it is assigned to as a number: `T.int64()`, also with
/// `is_size_var`, and `I.dynamic("n")`.
bool declaresSize(const Expr &expr);

/// Whether \p expr makes a scalar that is assigned by its name: `T.local_scalar("int32")`. May be
/// null.
bool declaresScalar(const Expr *expr);

/// Whether \p expr is a call that makes an integer of integers: `T.min(n, 2)`, `T.int64(n)`, a
/// cast.
bool isSizeArithmetic(const Expr &expr);

/// What the call \p expr does to two integers: "min" for `T.min(a, b)`, "//", …; empty if it is no
/// such arithmetic.
std::string_view sizeOperator(const Expr &expr);
/// Value of the text of an integer token; none if it leaves 64 bits.
std::optional<std::int64_t> parseInteger(std::string_view text);
/// Value of the text of a float token or of "inf", "-inf" or "nan".
std::optional<double> parseFloat(std::string_view text);

/// The type that `T.float32` or "float32" names.
std::optional<workload::ElementType> typeNamed(const Expr &expr);

/// What an error says behind \p name, which is no element type: ", the nearest are float16 and
/// float32" or the like; empty if nothing is near.
std::string nearTypes(std::string_view name);

/// The type of vectors that "float32x4" names.
struct VectorType {
  workload::ElementType element;
  std::int64_t lanes = 0; ///< elements of a vector, 2 or more
};
std::optional<VectorType> vectorTypeNamed(const Expr &expr);

/// The lanes of the vectors that \p value says it has; 0 if it says nothing.
std::int64_t lanesIn(const Expr &value);

/// Whether two expressions are written the same way.
bool sameText(const Expr &left, const Expr &right);

/// How a TIR function of one name reads as a value.
enum class MathForm : std::uint8_t {
  Unknown,
  Function,    ///< any number of operands
  Operator,    ///< the binary operator `spelling`
  Comparison,  ///< the comparison `spelling`
  Transparent, ///< its only operand
};
struct MathName {
  MathForm form = MathForm::Unknown;
  std::string_view spelling;
};
MathName mathName(std::string_view name);

/// The name of TIR nearest to \p name, without `T.`; empty if none is near.
std::string_view nearestTirName(std::string_view name);

/// The operands a, b, c of a call that is a · b + c in one: `T.fma(a, b, c)`, or the same as a call
/// of an intrinsic or of the C library; none if it is no such call.
std::optional<std::array<const Expr *, 3>> fusedMultiplyAdd(const Expr &call);

} // namespace acadlc::tir
