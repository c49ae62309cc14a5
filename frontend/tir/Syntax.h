/// \file
/// The syntax tree of TVMScript: a general Python subset without meaning.
///
/// Nodes live in the arena of a Tree and are trivially destructible, so that deep trees cost no
/// recursion when they go away.
#pragma once

#include "support/Source.h"

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

namespace acadlc::tir {

struct Expr {
  enum class Kind : std::uint8_t {
    Name,        ///< text
    Integer,     ///< text
    Float,       ///< text
    String,      ///< text: the content between the quotes, escapes as they stand
    Constant,    ///< text: True, False, None or ...
    Attribute,   ///< children[0] . text
    Call,        ///< children[0] ( children[1…] )
    Keyword,     ///< text = children[0]; only an argument of a call or subscript
    Star,        ///< * children[0]; only an argument of a call
    Subscript,   ///< children[0] [ children[1…] ]; `A[()]` has no further children
    Slice,       ///< children[0] : children[1] : children[2], each may be null
    Tuple,       ///< children
    List,        ///< children
    Dict,        ///< keys and values in turn
    Unary,       ///< text children[0]; also `not`
    Binary,      ///< children[0] text children[1]; also comparisons, `and`, `or`
    Conditional, ///< children: then, condition, else
    Lambda,      ///< children[0] is the body
  };
  Kind kind = Kind::Name;
  std::uint16_t depth = 1; ///< nodes on the longest way down; below a limit of the parser
  SourceRange range;
  std::string_view text;
  std::span<const Expr *const> children;

  [[nodiscard]] bool isName(std::string_view name) const {
    return kind == Kind::Name && text == name;
  }
};

struct Stmt;

struct Parameter {
  std::string_view name;
  const Expr *annotation = nullptr; ///< may be null
  SourceRange range;                ///< of the name
};

struct Stmt {
  enum class Kind : std::uint8_t {
    Expression,      ///< value
    Assign,          ///< targets = value
    AnnotatedAssign, ///< targets[0] : annotation [= value]
    Return,          ///< [value]
    If,              ///< if value: body [else: orElse]
    For,             ///< for targets in value: body
    While,           ///< while value: body
    With,            ///< with value [as targets]: body
    Function,        ///< decorators, def name(parameters): body
    Class,           ///< decorators, class name: body
    Other,           ///< pass, assert, break, continue, import
  };
  Kind kind = Kind::Other;
  SourceRange range;     ///< of a simple statement, or the header of a compound one
  SourceRange nameRange; ///< of the name of a function or class
  std::string_view name; ///< of a function or class; the keyword if Other
  std::span<const Expr *const> targets;
  const Expr *annotation = nullptr;
  const Expr *value = nullptr;
  std::span<const Stmt *const> body;
  std::span<const Stmt *const> orElse;
  std::span<const Expr *const> decorators;
  std::span<const Parameter> parameters;
};

/// Owns the nodes of one text.
class Tree {
public:
  template <typename Node> Node *make() {
    return new (arena_.allocate(sizeof(Node), alignof(Node))) Node();
  }
  template <typename Item> std::span<const Item> list(const std::vector<Item> &items) {
    if (items.empty())
      return {};
    const std::size_t size = items.size() * sizeof(Item); // NOLINT(bugprone-sizeof-expression)
    auto *copy = static_cast<Item *>(arena_.allocate(size, alignof(Item)));
    std::uninitialized_copy(items.begin(), items.end(), copy);
    return {copy, items.size()};
  }
  std::span<const Stmt *const> statements; ///< of the file

private:
  std::pmr::monotonic_buffer_resource arena_;
};

} // namespace acadlc::tir
