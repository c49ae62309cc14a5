/// \file
/// What the parts of the checker share: facts about declarations, found out when first asked for.
/// Private to the checker's sources.
#pragma once

#include "frontend/acadl/check/CheckTypes.h"
#include "frontend/acadl/evaluation/Module.h"
#include "support/Diagnostics.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringSet.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::checking {

/// Finds out something at most once, and notices if finding it out asks for itself.
enum class Progress : std::uint8_t { NotStarted, Started, Done };

/// What is known of a template or an architecture once it has been checked.
struct StructureInfo {
  struct Instance {
    const ast::StructureDeclaration *structure = nullptr;
    SourceRange range;
    bool isConditional = false; ///< stands in an `if` or `for`
  };
  Progress progress = Progress::NotStarted;
  std::unique_ptr<Names> names; ///< parameters and members
  std::vector<Instance> instances;
  /// Instructions that its units list, without those of its instances.
  llvm::SetVector<const ast::InstructionDeclaration *> processed;
  bool processesUnknown = false; ///< a to_process could not be read
  /// Names declared in nested blocks, for notes.
  llvm::DenseMap<llvm::StringRef, SourceRange> inner;
};

/// What the header of a mapping and its params say.
struct MappingInfo {
  Progress progress = Progress::NotStarted;
  const ast::ArchitectureDeclaration *architecture = nullptr; ///< null: unknown (reported)
  std::deque<Tensor> tensors;                                 ///< the result first
  llvm::SmallVector<const ast::Parameter *> params;
  llvm::SmallVector<const ast::MappingDeclaration *> unconditionalVias;
  [[nodiscard]] const Tensor *find(llvm::StringRef name) const;
};

/// The checker of one compilation. Diagnostics of each declaration are collected apart and
/// appended in the order of the texts: facts are found out in another order.
class Checker {
public:
  Checker(const Compilation &compilation, DiagnosticEngine &diagnostics);
  void run();

  /// Where to report what is wrong in a declaration of a file.
  DiagnosticEngine &engineOf(const ast::Declaration &declaration);
  [[nodiscard]] const Module &moduleOf(const ast::Declaration &declaration) const;
  /// The same; null if it stands inside a structure.
  [[nodiscard]] const Module *findModule(const ast::Declaration &declaration) const {
    return modules_.lookup(&declaration);
  }
  [[nodiscard]] const Compilation &compilation() const { return *compilation_; }

  Type constantType(const ast::ConstantDeclaration &constant, SourceRange use,
                    DiagnosticEngine &user);
  /// The type of a call of \p function. \p home holds the names around a function that stands in a
  /// structure, null for one of a file.
  Type functionResult(const ast::FunctionDeclaration &function, Names *home, SourceRange use,
                      DiagnosticEngine &user);
  /// Checks \p structure if that has not been done. While it is under way (a template that
  /// instantiates itself) the members known so far.
  StructureInfo &structure(const ast::StructureDeclaration &structure);
  MappingInfo &mapping(const ast::MappingDeclaration &mapping);

  /// The unit of `a`, or of a template in `a`, that can process \p instruction; true if unknown.
  bool canProcess(const ast::StructureDeclaration &architecture,
                  const ast::InstructionDeclaration &instruction);
  /// The instruction that \p name means in a body on \p architecture (may be null) in \p names.
  const ast::InstructionDeclaration *
  findInstruction(llvm::StringRef name, Names &names,
                  const ast::ArchitectureDeclaration *architecture);

  /// Classes that instructions have (`class = ld`) and names of instructions, in all files.
  [[nodiscard]] const std::vector<std::string_view> &instructionClasses() const {
    return instructionClasses_;
  }
  /// Events of instructions: the built-in ones and those that phases signal, in all files.
  [[nodiscard]] const std::vector<std::string_view> &events() const { return events_; }
  /// All declarations, in the order of the texts.
  [[nodiscard]] const std::vector<const ast::Declaration *> &declarations() const {
    return declarations_;
  }
  /// Whether some architecture or template declares an instruction of that name for itself.
  [[nodiscard]] bool isStructureInstruction(llvm::StringRef name) const {
    return structureInstructions_.contains(name);
  }
  void markProcessed(const ast::InstructionDeclaration &instruction) {
    processed_.insert(&instruction);
  }

  /// Guards the recursion of the checker: facts about chains of declarations, deep trees.
  class Depth {
  public:
    explicit Depth(Checker &checker) : checker_(&checker) { ++checker.depth_; }
    ~Depth() { --checker_->depth_; }
    Depth(const Depth &) = delete;
    Depth &operator=(const Depth &) = delete;
    [[nodiscard]] bool isTooDeep() const { return checker_->depth_ > maxDepth; }

  private:
    /// Above the nesting that the parser lets pass, and far from the end of the stack.
    static constexpr unsigned maxDepth = 1500;
    Checker *checker_;
  };

private:
  llvm::StringSet<> structureInstructions_;

  struct Fact {
    Progress progress = Progress::NotStarted;
    Type type;
  };

  void collect(const Module &module);
  void collectInstruction(const ast::InstructionDeclaration &instruction);
  void collectBlock(ast::Block block);
  void checkDeclaration(const ast::Declaration &declaration);
  void checkPrefer(const ast::PreferDeclaration &prefer);
  void checkEnum(const ast::EnumDeclaration &enumeration);
  void checkTemplateRecursion(const ast::StructureDeclaration &structure);
  void checkViaRecursion(const ast::MappingDeclaration &mapping);
  void warnUnused(const ast::StructureDeclaration &structure);
  void warnUnprocessed(const ast::InstructionDeclaration &instruction);

  const Compilation *compilation_;
  DiagnosticEngine *diagnostics_;
  std::vector<const ast::Declaration *> declarations_; ///< of all files, in the order of the texts
  llvm::DenseMap<const ast::Declaration *, const Module *> modules_;
  std::map<const ast::Declaration *, std::unique_ptr<DiagnosticEngine>> engines_;
  std::map<const ast::ConstantDeclaration *, Fact> constants_;
  std::map<const ast::FunctionDeclaration *, Fact> functions_;
  std::map<const ast::StructureDeclaration *, StructureInfo> structures_;
  std::map<const ast::MappingDeclaration *, MappingInfo> mappings_;
  std::vector<std::string_view> instructionClasses_;
  std::vector<std::string_view> events_;
  llvm::DenseSet<const ast::InstructionDeclaration *> processed_; ///< some unit lists it
  std::vector<const ast::FunctionDeclaration *> activeFunctions_; ///< the chain under way
  unsigned depth_ = 0;
};

// ---- the parts, each in a file of its own -------------------------------------------------------

/// Checks the body of \p function and returns the type of what it gives.
Type checkFunction(Checker &checker, DiagnosticEngine &diagnostics, Names &around,
                   const ast::FunctionDeclaration &function);
void checkInstruction(Checker &checker, DiagnosticEngine &diagnostics, Names &around,
                      const ast::InstructionDeclaration &instruction, bool isInStructure);
/// Reports phases that wait for one another in a circle.
void checkPhaseOrder(DiagnosticEngine &diagnostics, const ast::InstructionDeclaration &instruction);
void checkStructure(Checker &checker, DiagnosticEngine &diagnostics,
                    const ast::StructureDeclaration &structure, StructureInfo &info);
/// The header: fills \p info.
void checkMappingHeader(Checker &checker, DiagnosticEngine &diagnostics,
                        const ast::MappingDeclaration &mapping, MappingInfo &info);
void checkMappingBody(Checker &checker, DiagnosticEngine &diagnostics,
                      const ast::MappingDeclaration &mapping, MappingInfo &info);
void checkProgram(Checker &checker, DiagnosticEngine &diagnostics,
                  const ast::ProgramDeclaration &program);
void checkExperiment(Checker &checker, DiagnosticEngine &diagnostics,
                     const ast::ExperimentDeclaration &experiment);
void checkScalar(Checker &checker, DiagnosticEngine &diagnostics,
                 const ast::ScalarDeclaration &scalar);
/// The body of an operation of scalar code, within its parameters and what is \p around them.
void checkScalarOperation(Checker &checker, DiagnosticEngine &diagnostics, Names &around,
                          const ast::ArchitectureDeclaration *architecture, ast::Block body);
/// Reports unless \p expr is an SRAM or a DRAM. \p what names who takes it.
void checkStorage(Checker &checker, DiagnosticEngine &diagnostics, const ast::Expr *expr,
                  Names &names, const std::string &what);
/// The loop nest of `expands`, within the operands \p around.
void checkExpansion(Checker &checker, DiagnosticEngine &diagnostics, Names &around,
                    const ast::Expansion &expansion);

/// Whether the value of a to_process lists \p operation; nothing if that can't be read from its
/// text.
std::optional<bool> listsOperation(const ast::Expr *toProcess, llvm::StringRef operation);

// ---- reporting ----------------------------------------------------------------------------------

/// Adds "did you mean" with its fix-it if one of \p candidates is near.
void suggest(DiagnosticBuilder &builder, const ast::Identifier &wrong,
             const std::vector<std::string_view> &candidates);
/// Reports that \p wrong is none of the words \p allowed that \p what may be.
void reportUnknownWord(DiagnosticEngine &diagnostics, const ast::Identifier &wrong,
                       llvm::StringRef what, llvm::ArrayRef<llvm::StringRef> allowed);
/// Reports keys of \p table that stand in it twice.
void reportRepeatedKeys(DiagnosticEngine &diagnostics, const ast::TableExpr &table);
/// Adds \p name to \p names, or reports that the block has it already.
Name *declare(DiagnosticEngine &diagnostics, Names &names, Name name);
/// Warns of names of \p kind in this block that nobody uses.
void warnUnusedNames(DiagnosticEngine &diagnostics, Names &names, Name::Kind kind,
                     llvm::StringRef word);
/// Reports that a global name of the wanted kind does not exist (or is something else), suggesting
/// names of that kind.
void reportUnknownDeclaration(DiagnosticEngine &diagnostics, const Names &names,
                              const ast::QualifiedName &name, const Symbol *found,
                              ast::DeclarationKind wanted);
/// The architecture that a mapping, program or scalar code is `on`; null and a report if \p name is
/// none.
const ast::ArchitectureDeclaration *
findArchitecture(DiagnosticEngine &diagnostics, const Names &names, const ast::QualifiedName &name);
/// The type of the name of \p architecture in bodies; an error type if it is null.
Type instanceType(const ast::ArchitectureDeclaration *architecture);
/// Both for `on NAME: ARCHITECTURE`; adds NAME to \p names.
const ast::ArchitectureDeclaration *declareArchitecture(DiagnosticEngine &diagnostics, Names &names,
                                                        const ast::Identifier &name,
                                                        const ast::QualifiedName &architecture);
/// Reports that \p name is no instruction, suggesting those that can be named in \p names and in
/// \p architecture (may be null).
void reportUnknownInstruction(DiagnosticEngine &diagnostics, const ast::Identifier &name,
                              Names &names, const StructureInfo *architecture);
/// \p name as a name of one part.
ast::QualifiedName qualified(const ast::Identifier &name);

} // namespace acadlc::checking
