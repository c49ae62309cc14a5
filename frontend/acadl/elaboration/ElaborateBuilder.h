/// \file
/// Runs the block of an architecture and of its templates and makes the objects and edges that they
/// describe. Private to the elaborator.
#pragma once

#include "frontend/acadl/elaboration/Elaborate.h"
#include "frontend/acadl/elaboration/ElaborateAttributes.h"
#include "frontend/acadl/elaboration/ElaborateEdges.h"
#include "frontend/acadl/elaboration/ElaborateReports.h"
#include "frontend/acadl/evaluation/Evaluator.h"
#include "frontend/acadl/evaluation/Scope.h"
#include "frontend/acadl/syntax/Ast.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringSet.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace acadlc {

class StructureBuilder {
public:
  StructureBuilder(Evaluator &evaluator, const ElaborationLimits &limits,
                   arch::ArchitectureGraph &graph)
      : evaluator_(evaluator), limits_(limits), graph_(graph) {}

  /// Builds the block of \p architecture, whose parameters \p scope holds. Objects, instances and
  /// so on become names of \p scope.
  void build(const ast::ArchitectureDeclaration &architecture, Scope &scope);

private:
  /// The stages whose `contains` block is being run: one, or an array of them.
  struct Containment {
    const ast::ObjectStatement *statement = nullptr;
    arch::ObjectClass objectClass{};
    llvm::SmallVector<std::int64_t, 2> shape;
    std::vector<arch::ObjectId> stages; ///< row-major
  };
  /// Where in the structure a block stands.
  struct Frame {
    Scope *scope = nullptr;
    const ast::StructureDeclaration *structure = nullptr;
    std::string prefix; ///< of names: "pe[0][1]."
    std::uint32_t instance = 0;
    unsigned depth = 0; ///< of instances
    const Containment *containment = nullptr;
    llvm::SmallVector<llvm::StringRef, 4> loopNames; ///< of the loops around the block
  };
  using Shape = llvm::SmallVector<std::int64_t, 4>;

  void runBlock(ast::Block block, Frame &frame);
  void declareLocals(ast::Block block, Frame &frame);
  void runStatement(const ast::Statement &statement, Frame &frame);
  void declareFailed(const ast::ObjectStatement &object, const Frame &frame);
  bool runFor(const ast::ForStatement &statement, Frame &frame);
  bool runIf(const ast::IfStatement &statement, Frame &frame);
  bool runClock(const ast::ClockStatement &statement, const Frame &frame);
  bool runObject(const ast::ObjectStatement &statement, Frame &frame);
  bool runPort(const ast::PortStatement &statement, Frame &frame);
  bool runEdge(const ast::EdgeStatement &statement, const Frame &frame);

  bool makeObjects(const ast::ObjectStatement &statement, const ast::Declarator &declarator,
                   const ObjectPrototype &prototype, Frame &frame);
  Value makeObject(const ObjectPrototype &prototype, std::string name, SourceRange range,
                   arch::ObjectId container);
  Value registerFileValue(arch::ObjectId id, const ObjectPrototype &prototype);
  bool makeInstances(const ast::ObjectStatement &statement, const ast::Declarator &declarator,
                     const ast::TemplateDeclaration &declaration, const Scope &home, Frame &frame);
  Value makeInstance(const ast::ObjectStatement &statement,
                     const ast::TemplateDeclaration &declaration, const Scope &home,
                     const Frame &frame, std::string name);
  bool mayContain(const ast::ObjectStatement &statement, arch::ObjectClass objectClass,
                  const Frame &frame);

  std::optional<Shape> shapeOf(const ast::Declarator &declarator, const Frame &frame);
  /// Makes an array of \p shape (one value if it is empty) of what \p make gives for each index.
  template <typename Make>
  Value makeArray(llvm::ArrayRef<std::int64_t> shape, std::string name, Make &&make);
  std::string baseName(const ast::Identifier &name, const Frame &frame);
  bool declare(const ast::Identifier &name, Value value, const Frame &frame);
  /// Counts what is about to be made against the limit.
  bool reserve(const Shape &shape, SourceRange at, llvm::StringRef name, std::size_t each);
  void fail() { isFatal_ = true; }

  bool collectEnds(const Value &value, const ast::Expr &at, std::vector<EdgeNode> &ends);
  bool checkPort(const EdgeNode &end, bool isSource, ast::ArrowKind arrow, SourceRange range,
                 const Frame &frame);
  void addEdges(llvm::ArrayRef<EdgeNode> sources, llvm::ArrayRef<EdgeNode> targets,
                ast::ArrowKind arrow, SourceRange range, const Frame &frame);
  void warnOfLoosePorts();

  const Scope *architecture_ = nullptr; ///< of the block of the architecture
  Evaluator &evaluator_;
  const ElaborationLimits &limits_;
  arch::ArchitectureGraph &graph_;
  GroupedReports reports_;
  std::vector<PortNode> ports_;
  std::vector<WrittenEdge> edges_;
  std::uint32_t instances_ = 0; ///< templates' instances made; 0 is the architecture
  std::size_t made_ = 0;        ///< objects, instances and ports
  std::size_t registers_ = 0;
  bool isFatal_ = false; ///< a limit was reached: nothing more is built
  /// What has failed once fails in every instance and iteration: it is not tried again.
  llvm::DenseSet<const ast::Statement *> failed_;
  llvm::StringSet<> loopObjectNames_; ///< full names of objects of loops
  bool hasClock_ = false;
};

} // namespace acadlc
