/// \file
/// The syntax tree of TVMScript: a general Python subset without meaning.
///
/// Nodes live in the arena of a Tree and are trivially destructible, so that deep trees cost no
/// recursion when they go away.
#pragma once

#include "frontend/tvmscript/Prefixes.h"
#include "ir/Workload.h"
#include "support/Source.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace acadlc::tir {

/// A literal in a type, `T.int64(3)`, is one node, not a call: texts of TVM consist of these.
struct Expr {
  enum class Kind : std::uint8_t {
    Name,        ///< text
    DottedName,  ///< text: names joined by dots, `T.axis.remap`
    Integer,     ///< text with its sign, of type elementType
    Float,       ///< text with its sign, or "inf", "-inf", "nan"; of type elementType
    String,      ///< text: the content between the quotes, escapes as they stand
    Constant,    ///< text: True, False, None or ...
    Attribute,   ///< children[0] . text, where children[0] is no name
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
    Lambda,      ///< children[0] is the body, the others are the names of the parameters
  };
  Kind kind = Kind::Name;
  Dialect dialect = Dialect::None;   ///< of a dotted name: what its first part stands for
  std::uint16_t depth = 1;           ///< nodes on the longest way down; below a limit of the parser
  workload::ElementType elementType; ///< of a literal
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

  /// The `if` that alone stands in the `else` of this one: an `elif`. Null if there is none. Such
  /// chains are as long as the text; go along them, not down.
  [[nodiscard]] const Stmt *elseIf() const {
    const bool isChain = kind == Kind::If && orElse.size() == 1 && orElse[0]->kind == Kind::If;
    return isChain ? orElse[0] : nullptr;
  }
};

/// Owns the nodes of one text.
class Tree {
public:
  template <typename Node> Node *make() { return new (allocate(sizeof(Node))) Node(); }
  template <typename Item> std::span<const Item> list(std::span<const Item> items) {
    static_assert(std::is_trivially_copyable_v<Item>);
    if (items.empty())
      return {};
    auto *copy = static_cast<Item *>(allocate(items.size_bytes()));
    std::memcpy(copy, items.data(), items.size_bytes());
    return {copy, items.size()};
  }
  template <typename Item> std::span<const Item> list(const std::vector<Item> &items) {
    return list(std::span<const Item>(items));
  }

  /// A moment in the making of the tree.
  struct Mark {
    std::size_t chunks = 0, used = 0;
  };
  [[nodiscard]] Mark mark() const { return {chunks_.size(), used_}; }
  /// Forgets all nodes that were made since \p mark.
  void release(Mark mark) {
    // A chunk that was begun since then is simply filled further.
    if (mark.chunks == chunks_.size())
      used_ = mark.used;
  }
  std::span<const Stmt *const> statements; ///< of the file
  Prefixes prefixes;

private:
  static constexpr std::size_t chunkSize = std::size_t{256} * 1024;

  void *allocate(std::size_t size) {
    size = (size + alignof(void *) - 1) / alignof(void *) * alignof(void *);
    static_assert(alignof(Stmt) <= alignof(void *) && alignof(Expr) <= alignof(void *));
    if (size > chunkSize / 4)
      return addChunk(large_, size);
    if (chunks_.empty() || used_ + size > chunkSize) {
      addChunk(chunks_, chunkSize);
      used_ = 0;
    }
    void *place = chunks_.back().get() + used_;
    used_ += size;
    return place;
  }
  using Chunks = std::vector<std::unique_ptr<std::byte[]>>; // NOLINT(*-avoid-c-arrays)
  static void *addChunk(Chunks &chunks, std::size_t size) {
    chunks.push_back(std::make_unique_for_overwrite<std::byte[]>(size)); // NOLINT(*-c-arrays)
    return chunks.back().get();
  }

  Chunks chunks_; ///< the last one is filled up to used_
  Chunks large_;  ///< of long lists, one each
  std::size_t used_ = 0;
};

} // namespace acadlc::tir
