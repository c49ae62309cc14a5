#include "backend/mapping/ScalarOperations.h"

#include "support/InternalError.h"

#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace acadlc::mapping {

/// How an operation is done by others. Parameters are called d, a, b, c as in the documentation;
/// t, u, v are registers of its own. No step but the last sets d, since d may be one of the others.
struct ScalarComposition {
  struct Step {
    std::string_view operation;
    std::array<char, 4> arguments{}; ///< 0: none
  };
  std::string_view operation;
  std::string_view parameters; ///< "dab"
  unsigned temporaries = 0;
  std::array<Step, 6> steps{}; ///< those without a name are none

  [[nodiscard]] llvm::ArrayRef<Step> used() const {
    const auto *const end =
        std::ranges::find_if(steps, [](const Step &step) { return step.operation.empty(); });
    return {steps.begin(), end};
  }
};

namespace {

/// In the order in which they are tried. All are exact for numbers; what they do to NaN and to
/// rounding is not modelled by time.
llvm::ArrayRef<ScalarComposition> compositions() {
  static constexpr auto table = std::to_array<ScalarComposition>({
      {"multiply_add", "dab", 1, {{{"multiply", {'t', 'a', 'b'}}, {"add", {'d', 'd', 't'}}}}},
      {"subtract", "dab", 1, {{{"negate", {'t', 'b'}}, {"add", {'d', 'a', 't'}}}}},
      {"negate", "da", 1, {{{"constant", {'t'}}, {"subtract", {'d', 't', 'a'}}}}},
      {"max", "dab", 1, {{{"less", {'t', 'a', 'b'}}, {"select", {'d', 't', 'b', 'a'}}}}},
      {"max",
       "dab",
       2,
       {{{"negate", {'t', 'a'}},
         {"negate", {'u', 'b'}},
         {"min", {'t', 't', 'u'}},
         {"negate", {'d', 't'}}}}},
      {"min", "dab", 1, {{{"less", {'t', 'a', 'b'}}, {"select", {'d', 't', 'a', 'b'}}}}},
      {"min",
       "dab",
       2,
       {{{"negate", {'t', 'a'}},
         {"negate", {'u', 'b'}},
         {"max", {'t', 't', 'u'}},
         {"negate", {'d', 't'}}}}},
      {"abs", "da", 1, {{{"negate", {'t', 'a'}}, {"max", {'d', 'a', 't'}}}}},
      {"rsqrt",
       "da",
       2,
       {{{"sqrt", {'t', 'a'}}, {"constant", {'u'}}, {"divide", {'d', 'u', 't'}}}}},
      {"sigmoid",
       "da",
       2,
       {{{"negate", {'t', 'a'}},
         {"exp", {'t', 't'}},
         {"constant", {'u'}},
         {"add", {'t', 't', 'u'}},
         {"divide", {'d', 'u', 't'}}}}},
      {"tanh",
       "da",
       3,
       {{{"add", {'t', 'a', 'a'}},
         {"exp", {'t', 't'}},
         {"constant", {'u'}},
         {"subtract", {'v', 't', 'u'}},
         {"add", {'t', 't', 'u'}},
         {"divide", {'d', 'v', 't'}}}}},
      {"ceil", "da", 1, {{{"negate", {'t', 'a'}}, {"floor", {'t', 't'}}, {"negate", {'d', 't'}}}}},
      {"floor_divide", "dab", 1, {{{"divide", {'t', 'a', 'b'}}, {"floor", {'d', 't'}}}}},
      {"truncate_divide", "dab", 1, {{{"divide", {'t', 'a', 'b'}}, {"trunc", {'d', 't'}}}}},
      {"floor_modulo",
       "dab",
       1,
       {{{"floor_divide", {'t', 'a', 'b'}},
         {"multiply", {'t', 't', 'b'}},
         {"subtract", {'d', 'a', 't'}}}}},
      {"truncate_modulo",
       "dab",
       1,
       {{{"truncate_divide", {'t', 'a', 'b'}},
         {"multiply", {'t', 't', 'b'}},
         {"subtract", {'d', 'a', 't'}}}}},
      {"logical_not", "da", 1, {{{"constant", {'t'}}, {"subtract", {'d', 't', 'a'}}}}},
      {"logical_and", "dab", 0, {{{"bitwise_and", {'d', 'a', 'b'}}}}},
      {"logical_and", "dab", 0, {{{"multiply", {'d', 'a', 'b'}}}}},
      {"logical_or", "dab", 0, {{{"bitwise_or", {'d', 'a', 'b'}}}}},
      {"logical_or", "dab", 0, {{{"max", {'d', 'a', 'b'}}}}},
      {"greater", "dab", 0, {{{"less", {'d', 'b', 'a'}}}}},
      {"less_equal", "dab", 1, {{{"less", {'t', 'b', 'a'}}, {"logical_not", {'d', 't'}}}}},
      {"greater_equal", "dab", 0, {{{"less_equal", {'d', 'b', 'a'}}}}},
      {"equal",
       "dab",
       2,
       {{{"less", {'t', 'a', 'b'}},
         {"less", {'u', 'b', 'a'}},
         {"logical_or", {'t', 't', 'u'}},
         {"logical_not", {'d', 't'}}}}},
      {"not_equal", "dab", 1, {{{"equal", {'t', 'a', 'b'}}, {"logical_not", {'d', 't'}}}}},
  });
  return table;
}

llvm::StringRef ref(std::string_view text) { return {text.data(), text.size()}; }

/// Puts arguments in the place of parameters in a text.
class Substitution {
public:
  Substitution(const ast::ScalarOperation &operation, llvm::ArrayRef<std::string> arguments)
      : operation_(operation), arguments_(arguments) {}

  std::string apply(const ast::Statement &statement, std::string_view text) {
    visit(statement);
    std::ranges::sort(edits_, {}, [](const Edit &edit) { return edit.range.begin.raw(); });
    const std::uint32_t base = statement.range.begin.raw();
    std::string result;
    std::size_t done = 0;
    for (const Edit &edit : edits_) {
      const std::size_t begin = edit.range.begin.raw() - base;
      result += text.substr(done, begin - done);
      result += *edit.argument;
      done = edit.range.end.raw() - base;
    }
    return result + std::string(text.substr(done));
  }

private:
  struct Edit {
    SourceRange range;
    const std::string *argument = nullptr;
  };

  void visit(ast::Block block) {
    for (const ast::Statement *statement : block)
      if (statement != nullptr)
        visit(*statement);
  }

  void visit(const ast::Statement &statement) {
    if (const auto *let = ast::dynCast<ast::LetStatement>(&statement)) {
      for (const ast::Binding &binding : let->bindings)
        visit(binding.value);
    } else if (const auto *require = ast::dynCast<ast::RequireStatement>(&statement)) {
      visit(require->condition);
    } else if (const auto *branch = ast::dynCast<ast::IfStatement>(&statement)) {
      visit(branch->condition);
      visit(branch->thenBlock);
      visit(branch->elseBlock);
    } else if (const auto *loop = ast::dynCast<ast::ForStatement>(&statement)) {
      visit(loop->loops);
      visit(loop->body);
    } else if (const auto *emit = ast::dynCast<ast::EmitStatement>(&statement)) {
      visit(emit->arguments);
      visit(emit->unit);
      visit(emit->over);
    } else {
      ACADLC_CHECK(false, "a statement that the checker lets no operation have");
    }
  }

  void visit(llvm::ArrayRef<ast::LoopHeader> loops) {
    for (const ast::LoopHeader &header : loops) {
      visit(header.iterated);
      visit(header.step);
    }
  }
  void visit(llvm::ArrayRef<ast::Argument> arguments) {
    for (const ast::Argument &argument : arguments)
      visit(argument.value);
  }
  void visit(llvm::ArrayRef<const ast::Expr *> expressions) {
    for (const ast::Expr *expression : expressions)
      visit(expression);
  }

  void visit(const ast::Expr *expr) {
    if (const auto *name = ast::dynCast<ast::NameExpr>(expr)) {
      for (std::size_t i = 0; i < operation_.parameters.size(); ++i)
        if (operation_.parameters[i].text == name->name)
          edits_.push_back({name->range, &arguments_[i]});
    } else if (const auto *member = ast::dynCast<ast::MemberExpr>(expr)) {
      visit(member->object);
    } else if (const auto *index = ast::dynCast<ast::IndexExpr>(expr)) {
      visit(index->object);
      visit(index->indices);
    } else if (const auto *call = ast::dynCast<ast::CallExpr>(expr)) {
      visit(call->arguments);
    } else if (const auto *unary = ast::dynCast<ast::UnaryExpr>(expr)) {
      visit(unary->operand);
    } else if (const auto *binary = ast::dynCast<ast::BinaryExpr>(expr)) {
      visit(binary->left);
      visit(binary->right);
    } else if (const auto *range = ast::dynCast<ast::RangeExpr>(expr)) {
      visit(range->low);
      visit(range->high);
    } else if (const auto *conditional = ast::dynCast<ast::ConditionalExpr>(expr)) {
      visit(conditional->condition);
      visit(conditional->thenValue);
      visit(conditional->elseValue);
    } else if (const auto *list = ast::dynCast<ast::ListExpr>(expr)) {
      visit(list->elements);
    } else if (const auto *comprehension = ast::dynCast<ast::ComprehensionExpr>(expr)) {
      visit(comprehension->loops);
      visit(comprehension->value);
    } else if (const auto *table = ast::dynCast<ast::TableExpr>(expr)) {
      for (const ast::TableEntry &entry : table->entries)
        visit(entry.value);
    }
  }

  const ast::ScalarOperation &operation_;
  llvm::ArrayRef<std::string> arguments_;
  std::vector<Edit> edits_;
};

} // namespace

ScalarOperations::ScalarOperations(const ast::ScalarDeclaration &declaration,
                                   const SourceManager &sources)
    : sources_(sources) {
  for (const ast::ScalarOperation &operation : declaration.operations)
    plans_[operation.name.text] = {&operation, nullptr, 0};
  compose();
}

/// Adds what can be composed of what is there, until there is nothing more.
void ScalarOperations::compose() {
  for (bool changes = true; changes;) {
    changes = false;
    for (const ScalarComposition &composition : compositions()) {
      const auto steps = composition.used();
      if (has(ref(composition.operation)) ||
          !llvm::all_of(steps, [&](const auto &step) { return has(ref(step.operation)); }))
        continue;
      unsigned nested = 0;
      for (const ScalarComposition::Step &step : steps)
        nested = std::max(nested, temporaries(ref(step.operation)));
      plans_[ref(composition.operation)] = {nullptr, &composition,
                                            composition.temporaries + nested};
      changes = true;
    }
  }
}

unsigned ScalarOperations::temporaries(llvm::StringRef name) const {
  return plans_.lookup(name).temporaries;
}

std::vector<std::string> ScalarOperations::lacks(llvm::StringRef name) const {
  std::vector<std::string> fewest;
  for (const ScalarComposition &composition : compositions()) {
    if (ref(composition.operation) != name)
      continue;
    std::vector<std::string> missing;
    for (const ScalarComposition::Step &step : composition.used())
      if (!has(ref(step.operation)) && !llvm::is_contained(missing, step.operation))
        missing.emplace_back(step.operation);
    if (fewest.empty() || missing.size() < fewest.size())
      fewest = std::move(missing);
  }
  return fewest;
}

void ScalarOperations::write(llvm::StringRef name, llvm::ArrayRef<std::string> arguments,
                             const std::function<std::string(unsigned)> &temporary,
                             const std::function<void(std::string)> &line) const {
  const auto found = plans_.find(name);
  ACADLC_CHECK(found != plans_.end(), "an operation that is not there");
  if (found->second.declared != nullptr)
    return writeDeclared(*found->second.declared, arguments, line);
  const ScalarComposition &composition = *found->second.composed;
  const auto inner = [&](unsigned index) { return temporary(composition.temporaries + index); };
  for (const ScalarComposition::Step &step : composition.used()) {
    std::vector<std::string> given;
    for (const char letter : step.arguments) {
      if (letter == 0)
        break;
      const std::size_t parameter = composition.parameters.find(letter);
      given.push_back(parameter != std::string_view::npos
                          ? arguments[parameter]
                          : temporary(static_cast<unsigned>(letter - 't')));
    }
    write(ref(step.operation), given, inner, line);
  }
}

void ScalarOperations::writeDeclared(const ast::ScalarOperation &operation,
                                     llvm::ArrayRef<std::string> arguments,
                                     const std::function<void(std::string)> &line) const {
  for (const ast::Statement *statement : operation.body)
    line(Substitution(operation, arguments).apply(*statement, sources_.textOf(statement->range)));
}

} // namespace acadlc::mapping
