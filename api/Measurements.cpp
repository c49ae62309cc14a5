#include "api/Measurements.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/StringSet.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <utility>

namespace acadlc {

namespace {

using TypeKind = ExpectedType::Kind;

constexpr std::size_t noColumn = ~std::size_t{0};

//===--- Cells --------------------------------------------------------------------------------===//

/// The number that all of \p text is: whole if it can be, else real; nothing for other texts.
std::optional<Value> numberOf(std::string_view text) {
  const char *begin = text.data();
  const char *end = begin + text.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(begin, end, whole);
      error == std::errc() && stop == end)
    return Value::ofInt(whole);
  double real = 0;
  if (const auto [stop, error] = std::from_chars(begin, end, real);
      error == std::errc() && stop == end && std::isfinite(real))
    return Value::ofReal(real);
  return std::nullopt;
}

std::optional<bool> truthOf(std::string_view text) {
  const llvm::StringRef word(text);
  if (word.equals_insensitive("true"))
    return true;
  return word.equals_insensitive("false") ? std::optional(false) : std::nullopt;
}

/// \p text for a message, cut off where it is long.
std::string shortened(std::string_view text) {
  constexpr std::size_t most = 40;
  if (text.size() <= most)
    return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end; // not within a character
  return std::string(text.substr(0, end)) + "…";
}

/// For messages: what a cell of \p type may hold.
std::string wantedText(const ExpectedType &type) {
  switch (type.kind) {
  case TypeKind::Int:
    return "a whole number";
  case TypeKind::Real:
    return "a number";
  case TypeKind::Bool:
    return "0, 1, true or false";
  case TypeKind::Quantity:
    return fmt::format("a {}number ({})", type.isWhole ? "whole " : "", type.name);
  case TypeKind::Enum: {
    std::string text;
    for (const ast::Identifier &enumerator : type.enumeration->enumerators)
      text += (text.empty() ? "" : ", ") + enumerator.text.str();
    return fmt::format("one of {}", text);
  }
  default:
    return type.name;
  }
}

/// A real number without a fraction as a whole one: "16.0", as tables of numbers are often written.
std::optional<Value> wholeOf(const Value &value) {
  constexpr double limit = 9007199254740992; // 2^53: beyond it neighbours are missing
  if (value.is(Value::Kind::Int))
    return value;
  if (!value.is(Value::Kind::Real) || std::floor(value.asReal()) != value.asReal() ||
      std::abs(value.asReal()) > limit)
    return std::nullopt;
  return Value::ofInt(static_cast<std::int64_t>(value.asReal()), value.dimension());
}

std::optional<Value> enumeratorOf(const ast::EnumDeclaration &enumeration, llvm::StringRef name) {
  for (std::uint32_t i = 0; i < enumeration.enumerators.size(); ++i)
    if (enumeration.enumerators[i].text == name)
      return Value::ofEnumerator(enumeration, i);
  return std::nullopt;
}

/// A quantity of \p type: a bare number counts in the type's unit.
std::optional<Value> quantityOf(const Value &value, const ExpectedType &type) {
  if (!value.isNumber() || !(value.dimension().isNone() || value.dimension() == type.dimension))
    return std::nullopt;
  const double scale = value.dimension().isNone() ? static_cast<double>(type.scale) : 1.0;
  if (!type.isWhole)
    return Value::ofReal(value.asReal() * scale, type.dimension);
  const auto whole = wholeOf(value);
  std::int64_t base = 0;
  if (!whole || __builtin_mul_overflow(whole->asInt(), static_cast<std::int64_t>(scale), &base))
    return std::nullopt;
  return Value::ofInt(base, type.dimension);
}

/// \p value as a value of \p type, or nothing if it is none.
std::optional<Value> convert(const Value &value, const ExpectedType &type) {
  const bool isBare = value.isNumber() && value.dimension().isNone();
  switch (type.kind) {
  case TypeKind::Int:
    return isBare ? wholeOf(value) : std::nullopt;
  case TypeKind::Real:
    return isBare ? std::optional(Value::ofReal(value.asReal())) : std::nullopt;
  case TypeKind::Quantity:
    return quantityOf(value, type);
  case TypeKind::Bool:
    if (value.is(Value::Kind::Bool))
      return value;
    if (value.isPlainInt() && (value.asInt() == 0 || value.asInt() == 1))
      return Value::ofBool(value.asInt() == 1);
    return std::nullopt;
  case TypeKind::String:
    return value.is(Value::Kind::String) ? std::optional(value) : std::nullopt;
  case TypeKind::Enum:
    if (value.is(Value::Kind::String))
      return enumeratorOf(*type.enumeration, value.asString());
    return value.is(Value::Kind::Enumerator) && &value.enumeration() == type.enumeration
               ? std::optional(value)
               : std::nullopt;
  default:
    return std::nullopt;
  }
}

/// The text of a cell as a value of \p type. What is text there stays text: an enumerator or a
/// string may look like a number.
std::optional<Value> convertCell(const std::string &text, const ExpectedType &type) {
  if (type.kind == TypeKind::String || type.kind == TypeKind::Enum)
    return convert(Value::ofString(text), type);
  if (type.kind == TypeKind::Bool)
    if (const auto truth = truthOf(text))
      return Value::ofBool(*truth);
  const auto number = numberOf(text);
  return number ? convert(*number, type) : std::nullopt;
}

//===--- Measurements -------------------------------------------------------------------------===//

/// An expression with the name it gives a value to, if any.
struct Formula {
  std::string name;
  SourceRange nameRange;
  const ast::Expr *expression = nullptr;
  std::size_t bindable = noColumn; ///< what it sets; noColumn: nothing
  bool isUsed = false;             ///< by another expression or `--group-by`
  bool isOption = false;           ///< of the command line, not of an experiment
};

/// Where a text for reports comes from: a column, or else a formula.
struct ShownSource {
  std::size_t column = noColumn, formula = noColumn;
};

/// A column's name as the user writes it.
struct ColumnName {
  std::string name;
  SourceRange range;
};

/// A column as expressions see it.
struct TypedColumn {
  enum class Kind : std::uint8_t { Whole, Real, Bool, Text } kind = Kind::Whole;
  /// The cell that keeps the column from being one of numbers, if one does.
  SourceRange textCell;
};

/// A column that expressions name.
struct NeededColumn {
  std::size_t column = 0;
  TypedColumn type;
};

class MeasurementReader {
public:
  MeasurementReader(const MeasurementInputs &inputs, SourceManager &sources,
                    DiagnosticEngine &diagnostics)
      : inputs_(inputs), table_(inputs.table), sources_(sources), diagnostics_(diagnostics),
        types_(inputs.bindables.size()), names_(&inputs.home),
        columnOf_(inputs.bindables.size(), noColumn), formulaOf_(inputs.bindables.size(), noColumn),
        isUsed_(table_.columns.size(), false), isNeeded_(table_.columns.size(), false),
        isIgnored_(table_.columns.size(), false), bindableOf_(table_.columns.size(), noColumn) {
    for (std::size_t i = 0; i < table_.columns.size(); ++i)
      columnIndex_.try_emplace(table_.columns[i].name, i);
  }

  std::optional<MeasurementTable> read() {
    const std::size_t errors = diagnostics_.errorCount();
    const auto good = [&] { return diagnostics_.errorCount() == errors; };
    resolveTypes();
    readExperiment();
    readOptions();
    markMentioned();
    bindFormulas();
    resolveNames();
    bindColumns();
    checkUnused();
    checkMissing();
    const bool namesAreGood = good();
    typeColumns();
    chooseShown();
    declareEnumerators();
    // Beyond some wrong rows nothing new is learned.
    std::size_t wrongRows = 0;
    for (std::size_t row = 0; row < table_.rowCount() && wrongRows < DiagnosticEngine::maxErrors;
         ++row)
      if (!(namesAreGood ? readRow(row) : checkCells(row)))
        ++wrongRows;
    if (!good())
      return std::nullopt;
    if (result_.rows.empty()) {
      diagnostics_.report(
          DiagnosticCode::NoRowSelected, conditions_.front()->range,
          fmt::format("the {} of '{}'", table_.rowCount(), sources_.name(table_.file)));
      return std::nullopt;
    }
    return std::move(result_);
  }

private:
  using Kind = TypedColumn::Kind;

  //===--- What the user says -----------------------------------------------------------------===//

  void resolveTypes() {
    Evaluator evaluator(diagnostics_);
    for (std::size_t i = 0; i < types_.size(); ++i) {
      const Bindable &bindable = inputs_.bindables[i];
      if (bindable.isHeader()) {
        types_[i].emplace();
        types_[i]->kind = TypeKind::Int;
        types_[i]->name = "int";
      } else {
        types_[i] = evaluator.resolveType(bindable.parameter->type, *bindable.home);
      }
      if (types_[i] && types_[i]->kind == TypeKind::Enum)
        for (const ast::Identifier &enumerator : types_[i]->enumeration->enumerators)
          enumerators_.insert(enumerator.text);
    }
  }

  void readExperiment() {
    if (inputs_.experiment == nullptr)
      return;
    for (const ast::Attribute &attribute : inputs_.experiment->attributes) {
      if (attribute.name.text == "measured")
        measured_ = attribute.value;
      else if (const auto *table = ast::dynCast<ast::TableExpr>(attribute.value))
        for (const ast::TableEntry &entry : table->entries)
          formulas_.push_back(
              {entry.key.text.str(), entry.key.range, entry.value, noColumn, false, false});
      else if (const auto *list = ast::dynCast<ast::ListExpr>(attribute.value))
        for (const ast::Expr *element : list->elements)
          (attribute.name.text == "ignore" ? ignored_ : groupBy_).push_back(nameOf(*element));
    }
    if (inputs_.experiment->condition != nullptr)
      conditions_.push_back(inputs_.experiment->condition);
  }

  /// What an experiment speaks of means something, also where the command line says it otherwise.
  void markMentioned() {
    if (inputs_.experiment == nullptr)
      return;
    for (const ast::Attribute &attribute : inputs_.experiment->attributes)
      forEachFreeName(attribute.value, [&](const ast::NameExpr &name) {
        if (const std::size_t column = columnNamed(name.name); column != noColumn)
          isUsed_[column] = true;
      });
  }

  static ColumnName nameOf(const ast::Expr &element) {
    if (const auto *text = ast::dynCast<ast::StringExpr>(&element))
      return {text->value.str(), element.range};
    const auto *name = ast::dynCast<ast::NameExpr>(&element);
    return {name != nullptr ? name->name.str() : "", element.range};
  }

  void readOptions() {
    std::vector<std::string> names;
    for (const ColumnBinding &binding : inputs_.options.bindings) {
      addBinding(binding, llvm::is_contained(names, binding.name));
      names.push_back(binding.name);
    }
    if (!inputs_.options.measured.empty())
      measured_ = parse("--measured", inputs_.options.measured).expression;
    if (!inputs_.options.where.empty())
      if (const ast::Expr *condition = parse("--where", inputs_.options.where).expression)
        conditions_.push_back(condition);
    if (!inputs_.options.groupBy.empty())
      groupBy_ = columnNames("--group-by", inputs_.options.groupBy);
    for (ColumnName &name : columnNames("--ignore", inputs_.options.ignore))
      ignored_.push_back(std::move(name));
    isMeasuredGiven_ = measured_ != nullptr || !inputs_.options.measured.empty();
  }

  void addBinding(const ColumnBinding &binding, bool isRepeated) {
    const ParsedOverride &parsed = parse("--bind", binding.expression, binding.name);
    if (isRepeated) {
      diagnostics_.report(DiagnosticCode::GivenTwice, parsed.nameRange, binding.name);
      return;
    }
    // It takes the place of the experiment's.
    std::erase_if(formulas_, [&](const Formula &other) { return other.name == binding.name; });
    if (parsed.expression != nullptr)
      formulas_.push_back(
          {binding.name, parsed.nameRange, parsed.expression, noColumn, false, true});
  }

  /// The text of an option as an expression; reports if it is none.
  const ParsedOverride &parse(const std::string &option, const std::string &text,
                              const std::string &name = "") {
    texts_.push_back(parseOverride(option, name, text, sources_));
    const ParsedOverride &parsed = texts_.back();
    if (parsed.expression == nullptr) {
      hasBrokenExpression_ = true;
      auto report = diagnostics_.report(DiagnosticCode::OptionSyntax, parsed.valueRange,
                                        name.empty() ? option : option + " " + name);
      for (const DiagnosticNote &problem : parsed.problems)
        report.note(problem.range, problem.message);
    }
    return parsed;
  }

  /// Names of an option, each with a place where messages can show it.
  std::vector<ColumnName> columnNames(const char *option, const std::vector<std::string> &names) {
    std::string text;
    std::vector<std::size_t> begins;
    for (const std::string &name : names) {
      text += text.empty() ? "" : ",";
      begins.push_back(text.size());
      text += name;
    }
    const FileId file = sources_.addText(option, text);
    std::vector<ColumnName> result;
    for (std::size_t i = 0; i < names.size() && file.isValid(); ++i)
      result.push_back(
          {names[i],
           {sources_.location(file, static_cast<std::uint32_t>(begins[i])),
            sources_.location(file, static_cast<std::uint32_t>(begins[i] + names[i].size()))}});
    return result;
  }

  //===--- Names ------------------------------------------------------------------------------===//

  [[nodiscard]] std::size_t columnNamed(llvm::StringRef name) const {
    const auto found = columnIndex_.find(name);
    return found == columnIndex_.end() ? noColumn : found->second;
  }

  /// The formula behind \p end that computes \p name, or null.
  Formula *formulaNamed(llvm::StringRef name, std::size_t end) {
    for (std::size_t i = 0; i < end; ++i)
      if (formulas_[i].name == name)
        return &formulas_[i];
    return nullptr;
  }

  void bindFormulas() {
    for (std::size_t i = 0; i < formulas_.size(); ++i) {
      Formula &formula = formulas_[i];
      const std::size_t bindable = bindableCalled(formula.name, formula.nameRange);
      if (bindable == noColumn)
        continue;
      if (!formula.isOption && inputs_.isFixed[bindable]) {
        formula.isUsed = true; // the command line takes its place
        continue;
      }
      formula.bindable = bindable;
      if (formulaOf_[bindable] != noColumn) {
        const Formula &other = formulas_[formulaOf_[bindable]];
        diagnostics_
            .report(DiagnosticCode::BoundTwice, formula.nameRange,
                    inputs_.bindables[bindable].text(), fmt::format("the binding '{}'", other.name),
                    fmt::format("the binding '{}'", formula.name))
            .note(other.nameRange, "the first is here");
      } else {
        formulaOf_[bindable] = i;
        checkNotFixed(bindable, formula.nameRange, fmt::format("the binding '{}'", formula.name));
      }
    }
  }

  /// What \p name means; noColumn if nothing, or if several things (reported).
  std::size_t bindableCalled(llvm::StringRef name, SourceRange at) {
    std::vector<std::size_t> meant;
    for (std::size_t i = 0; i < inputs_.bindables.size(); ++i)
      if (inputs_.bindables[i].isCalled(name))
        meant.push_back(i);
    if (meant.size() < 2)
      return meant.empty() ? noColumn : meant.front();
    std::string texts;
    for (const std::size_t i : meant)
      texts += (texts.empty() ? "" : " or ") + inputs_.bindables[i].text();
    auto report = diagnostics_.report(DiagnosticCode::AmbiguousBinding, at, name.str(), texts);
    for (const std::size_t i : meant)
      report.note(inputs_.bindables[i].name.range,
                  fmt::format("'{}' means this one", inputs_.bindables[i].qualifiedName()));
    wasAmbiguous_ = true;
    return noColumn;
  }

  void checkNotFixed(std::size_t bindable, SourceRange at, const std::string &what) {
    if (inputs_.isFixed[bindable])
      diagnostics_.report(DiagnosticCode::BoundTwice, at, inputs_.bindables[bindable].text(), what,
                          "-P");
  }

  /// Every name of an expression must be a column, a binding in front of it, an enumerator, or
  /// something of the file.
  void resolveNames() {
    for (std::size_t i = 0; i < formulas_.size(); ++i)
      resolveNames(formulas_[i].expression, i);
    for (const ast::Expr *condition : conditions_)
      resolveNames(condition, formulas_.size());
    if (isMeasuredGiven_)
      resolveNames(measured_, formulas_.size());
    else if (columnNamed("cycles") != noColumn)
      isUsed_[columnNamed("cycles")] = true;
    else if (Formula *formula = formulaNamed("cycles", formulas_.size()))
      formula->isUsed = true;
    else
      diagnostics_.report(DiagnosticCode::NothingMeasured, headerRange());
    llvm::StringSet<> groups;
    for (const ColumnName &name : groupBy_) {
      resolveName(name.name, name.range, formulas_.size(), isUsed_);
      if (!groups.insert(name.name).second)
        diagnostics_.report(DiagnosticCode::GivenTwice, name.range, name.name);
    }
    for (const ColumnName &name : ignored_) {
      const std::size_t column = columnNamed(name.name);
      if (column != noColumn)
        isIgnored_[column] = true;
      else
        reportNoColumn(name.name, name.range, 0);
    }
  }

  void resolveNames(const ast::Expr *expr, std::size_t formulas) {
    forEachFreeName(expr, [&](const ast::NameExpr &name) {
      const bool isKnown =
          columnNamed(name.name) != noColumn || formulaNamed(name.name, formulas) != nullptr;
      if (isKnown || (!enumerators_.contains(name.name) && inputs_.home.find(name.name) == nullptr))
        resolveName(name.name, name.range, formulas, isNeeded_);
    });
  }

  void resolveName(llvm::StringRef name, SourceRange at, std::size_t formulas,
                   std::vector<bool> &columns) {
    if (const std::size_t column = columnNamed(name); column != noColumn)
      columns[column] = true;
    else if (Formula *formula = formulaNamed(name, formulas))
      formula->isUsed = true;
    else
      reportNoColumn(name, at, formulas);
  }

  void reportNoColumn(llvm::StringRef name, SourceRange at, std::size_t formulas) {
    auto report = diagnostics_.report(DiagnosticCode::NoSuchColumn, at, name.str());
    std::vector<std::string_view> names;
    names.reserve(table_.columns.size() + formulas);
    for (const CsvTable::Column &column : table_.columns)
      names.emplace_back(column.name);
    for (std::size_t i = 0; i < formulas; ++i)
      names.emplace_back(formulas_[i].name);
    const std::string_view nearest = nearestName(name, names);
    if (nearest.empty())
      return;
    report.note({}, fmt::format("did you mean '{}'?", nearest));
    if (const std::size_t column = columnNamed(nearest); column != noColumn)
      isUsed_[column] = true; // to say that it means nothing would help nobody
  }

  //===--- Columns ----------------------------------------------------------------------------===//

  [[nodiscard]] SourceRange headerRange() const {
    return {table_.columns.front().range.begin, table_.columns.back().range.end};
  }

  void bindColumns() {
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const CsvTable::Column &column = table_.columns[i];
      if (isIgnored_[i] || column.name.empty())
        continue;
      const std::size_t bindable = bindableCalled(column.name, column.range);
      if (bindable == noColumn) {
        // An ambiguous name is reported as such alone.
        isUsed_[i] = isUsed_[i] || std::exchange(wasAmbiguous_, false);
        continue;
      }
      bindableOf_[i] = bindable;
      const std::string what = fmt::format("column '{}'", column.name);
      checkNotFixed(bindable, column.range, what);
      if (formulaOf_[bindable] != noColumn) {
        const Formula &formula = formulas_[formulaOf_[bindable]];
        diagnostics_
            .report(DiagnosticCode::BoundTwice, column.range, inputs_.bindables[bindable].text(),
                    what, fmt::format("the binding '{}'", formula.name))
            .note(formula.nameRange, "bound here; --ignore the column if this is meant");
      } else if (columnOf_[bindable] != noColumn) {
        const CsvTable::Column &other = table_.columns[columnOf_[bindable]];
        diagnostics_
            .report(DiagnosticCode::BoundTwice, column.range, inputs_.bindables[bindable].text(),
                    fmt::format("column '{}'", other.name), what)
            .note(other.range, "the first is here");
      } else {
        columnOf_[bindable] = i;
      }
    }
  }

  /// Columns and bindings that mean nothing.
  void checkUnused() {
    std::vector<std::size_t> unknown;
    for (std::size_t i = 0; i < table_.columns.size() && !hasBrokenExpression_; ++i)
      if (bindableOf_[i] == noColumn && !isUsed_[i] && !isNeeded_[i] && !isIgnored_[i])
        unknown.push_back(i);
    // More are not shown.
    const std::size_t shown = std::min(unknown.size(), DiagnosticEngine::maxErrors);
    for (std::size_t i = 0; i < shown; ++i)
      reportUnknown(unknown[i], i + 1 == unknown.size() ? ignoreText(unknown) : "");
    for (const Formula &formula : formulas_)
      if (formula.bindable == noColumn && !formula.isUsed)
        reportUnknownBinding(formula);
  }

  /// "--ignore a,b leaves all of them out"; empty where that helps nobody.
  [[nodiscard]] std::string ignoreText(const std::vector<std::size_t> &columns) const {
    constexpr std::size_t most = 50;
    std::string names;
    for (const std::size_t column : columns) {
      const std::string &name = table_.columns[column].name;
      if (columns.size() < 2 || columns.size() > most || name.empty() ||
          name.find(',') != std::string::npos)
        return {};
      names += (names.empty() ? "" : ",") + shortened(name);
    }
    return fmt::format("--ignore {} leaves all of them out", names);
  }

  void reportUnknown(std::size_t index, const std::string &advice) {
    const CsvTable::Column &column = table_.columns[index];
    if (column.name.empty()) {
      diagnostics_.report(DiagnosticCode::UnknownColumn, column.range,
                          fmt::format("{} has no name and", index + 1));
      return;
    }
    auto report = diagnostics_.report(DiagnosticCode::UnknownColumn, column.range,
                                      fmt::format("'{}'", shortened(column.name)));
    noteNearest(report, column.name);
    if (column.name.find_first_of(";\t") != std::string::npos)
      report.note({}, "columns are separated by commas");
    if (!advice.empty())
      report.note({}, advice);
  }

  void reportUnknownBinding(const Formula &formula) {
    if (llvm::any_of(inputs_.bindables,
                     [&](const Bindable &other) { return other.isCalled(formula.name); }))
      return; // ambiguous: reported
    std::vector<std::string> owners;
    for (const Bindable &bindable : inputs_.bindables)
      if (!llvm::is_contained(owners, bindable.owner))
        owners.push_back(bindable.owner.str());
    auto report = diagnostics_.report(
        DiagnosticCode::UnknownBinding, formula.nameRange, formula.name,
        owners.empty() ? "what is evaluated" : fmt::format("'{}'", fmt::join(owners, "' or '")));
    noteNearest(report, formula.name);
  }

  void noteNearest(DiagnosticBuilder &report, std::string_view name) {
    // Texts of megabytes are no misspelt names.
    constexpr std::size_t longest = 200;
    if (name.size() > longest)
      return;
    std::vector<std::string> qualified;
    for (const Bindable &bindable : inputs_.bindables)
      qualified.push_back(bindable.qualifiedName());
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < qualified.size(); ++i) {
      if (!inputs_.bindables[i].needsOwner)
        names.emplace_back(inputs_.bindables[i].name.text);
      names.emplace_back(qualified[i]);
    }
    if (!isMeasuredGiven_)
      names.emplace_back("cycles"); // what was measured stands there
    if (const std::string_view nearest = nearestName(name, names); !nearest.empty())
      report.note({}, fmt::format("did you mean '{}'?", nearest));
  }

  void checkMissing() {
    for (std::size_t i = 0; i < inputs_.bindables.size(); ++i) {
      const Bindable &bindable = inputs_.bindables[i];
      const bool hasDefault =
          bindable.kind == Bindable::Kind::Coefficient || bindable.needsOwner ||
          (bindable.parameter != nullptr && bindable.parameter->defaultValue != nullptr);
      if (hasDefault || inputs_.isFixed[i] || columnOf_[i] != noColumn ||
          formulaOf_[i] != noColumn || isNamedAmbiguously(bindable))
        continue;
      diagnostics_.report(DiagnosticCode::ValueMissing, headerRange(), bindable.text())
          .note(bindable.name.range, "it is declared here");
    }
  }

  /// Whether a column or binding could mean \p bindable among others: that is reported, and once is
  /// enough.
  [[nodiscard]] bool isNamedAmbiguously(const Bindable &bindable) const {
    for (const Formula &formula : formulas_)
      if (bindable.isCalled(formula.name))
        return true;
    for (std::size_t i = 0; i < table_.columns.size(); ++i)
      if (!isIgnored_[i] && bindable.isCalled(table_.columns[i].name))
        return true;
    return false;
  }

  //===--- Rows -------------------------------------------------------------------------------===//

  [[nodiscard]] std::string textOf(std::size_t row, std::size_t column) const {
    return csvText(sources_, table_.cell(row, column));
  }

  /// What expressions see: a column is one of numbers or booleans if all its cells are.
  void typeColumns() {
    for (std::size_t column = 0; column < table_.columns.size(); ++column)
      if (isNeeded_[column])
        needed_.push_back({column, typeOf(column)});
  }

  void chooseShown() {
    for (std::size_t i = 0; i < inputs_.bindables.size(); ++i)
      if (columnOf_[i] != noColumn || formulaOf_[i] != noColumn)
        addShown({columnOf_[i], formulaOf_[i]});
    for (const ColumnName &name : groupBy_) {
      ShownSource source{columnNamed(name.name), noColumn};
      if (source.column == noColumn)
        source.formula = formulaIndex(name.name);
      if (source.column == noColumn && source.formula == noColumn)
        continue; // reported
      result_.groupBy.push_back(name.name);
      groupSources_.push_back(source);
      if (!llvm::is_contained(result_.columns, name.name))
        addShown(source);
    }
  }

  void addShown(ShownSource source) {
    shownSources_.push_back(source);
    result_.columns.push_back(source.column != noColumn ? table_.columns[source.column].name
                                                        : formulas_[source.formula].name);
  }

  [[nodiscard]] std::size_t formulaIndex(llvm::StringRef name) const {
    const auto found =
        llvm::find_if(formulas_, [&](const Formula &formula) { return formula.name == name; });
    return found == formulas_.end() ? noColumn
                                    : static_cast<std::size_t>(found - formulas_.begin());
  }

  /// Enumerators that nothing of the file hides stand for their texts, so that a column of them can
  /// be compared also where it holds others.
  void declareEnumerators() {
    for (const auto &entry : enumerators_)
      if (inputs_.home.find(entry.getKey()) == nullptr)
        names_.declare(entry.getKey(), Symbol::ofValue(Value::ofString(entry.getKey()), {}));
  }

  TypedColumn typeOf(std::size_t column) const {
    std::size_t wholes = 0;
    std::size_t reals = 0;
    std::size_t truths = 0;
    TypedColumn result;
    for (std::size_t row = 0; row < table_.rowCount(); ++row) {
      const std::string text = textOf(row, column);
      const auto number = numberOf(text);
      wholes += number && number->is(Value::Kind::Int);
      reals += number && number->is(Value::Kind::Real);
      truths += truthOf(text).has_value();
      if (!number && !result.textCell.isValid())
        result.textCell = table_.cell(row, column);
    }
    if (truths == table_.rowCount())
      result.kind = Kind::Bool;
    else if (wholes == table_.rowCount())
      result.kind = Kind::Whole;
    else
      result.kind = wholes + reals == table_.rowCount() ? Kind::Real : Kind::Text;
    return result;
  }

  [[nodiscard]] Value valueOf(std::size_t row, const NeededColumn &needed) const {
    const std::string text = textOf(row, needed.column);
    switch (needed.type.kind) {
    case Kind::Whole:
      return *numberOf(text);
    case Kind::Real:
      return Value::ofReal(numberOf(text)->asReal());
    case Kind::Bool:
      return Value::ofBool(*truthOf(text));
    case Kind::Text:
      break;
    }
    return Value::ofString(text);
  }

  /// False if something is wrong with the row.
  bool readRow(std::size_t row) {
    const std::size_t errors = diagnostics_.errorCount();
    // What an expression does wrong is shown with the row for which it does.
    DiagnosticEngine problems;
    Scope columns(&names_);
    for (const NeededColumn &needed : needed_)
      columns.declare(table_.columns[needed.column].name,
                      Symbol::ofValue(valueOf(row, needed), table_.columns[needed.column].range));
    Evaluator evaluator(problems, rowLimits);
    const std::vector<std::optional<Value>> computed = evaluateFormulas(evaluator, columns);
    DiagnosticEngine conditionProblems;
    const auto selected = isSelected(columns, conditionProblems);
    if (selected && !*selected)
      return true; // whatever its bindings are
    problems.append(conditionProblems);
    Measurement measurement;
    measurement.row = row;
    measurement.values.resize(inputs_.bindables.size());
    const bool areGood = takeFormulas(computed, problems, measurement);
    if (readCells(row, measurement) && areGood &&
        readMeasured(row, evaluator, columns, computed, measurement) && !problems.hasErrors()) {
      show(row, computed, measurement);
      result_.rows.push_back(std::move(measurement));
      return true;
    }
    if (!problems.diagnostics().empty())
      diagnostics_.append(problems, {table_.row(row), "for this row" + textColumns()});
    return !problems.hasErrors() && diagnostics_.errorCount() == errors;
  }

  /// "; column 'x' is text because of 'n/a' in line 7": what explains most wrong operands.
  [[nodiscard]] std::string textColumns() const {
    constexpr std::size_t longest = 200;
    std::string text;
    for (const NeededColumn &needed : needed_)
      if (needed.type.kind == Kind::Text && text.size() < longest)
        text += fmt::format("; column '{}' is text because of '{}' in line {}",
                            shortened(table_.columns[needed.column].name),
                            shortened(csvText(sources_, needed.type.textCell)),
                            sources_.lineColumn(needed.type.textCell.begin).line + 1);
    return text;
  }

  /// Whether all conditions hold; nothing if that can't be told.
  std::optional<bool> isSelected(const Scope &columns, DiagnosticEngine &problems) const {
    Evaluator evaluator(problems, rowLimits);
    for (const ast::Expr *condition : conditions_) {
      const auto holds = evaluator.evaluateBool(*condition, columns, "the condition");
      if (!holds || !*holds)
        return holds;
    }
    return true;
  }

  /// The values of the formulas; each is visible to those behind it unless a column has its name.
  std::vector<std::optional<Value>> evaluateFormulas(Evaluator &evaluator, Scope &columns) const {
    std::vector<std::optional<Value>> values;
    for (const Formula &formula : formulas_) {
      const bool sets = formula.bindable != noColumn && types_[formula.bindable];
      values.push_back(evaluator.evaluate(*formula.expression, columns,
                                          sets ? &*types_[formula.bindable] : nullptr));
      columns.declare(formula.name,
                      Symbol::ofValue(values.back().value_or(Value::ofError()), formula.nameRange));
    }
    return values;
  }

  /// Gives dimensions and parameters the values of formulas.
  bool takeFormulas(const std::vector<std::optional<Value>> &computed, DiagnosticEngine &problems,
                    Measurement &measurement) const {
    bool isGood = true;
    for (std::size_t i = 0; i < formulas_.size(); ++i) {
      const Formula &formula = formulas_[i];
      if (!computed[i]) {
        isGood = false;
        continue;
      }
      if (formula.bindable == noColumn || !types_[formula.bindable])
        continue;
      const ExpectedType &type = *types_[formula.bindable];
      const Bindable &bindable = inputs_.bindables[formula.bindable];
      auto value = convert(*computed[i], type);
      if (!value)
        problems.report(DiagnosticCode::CellType, formula.expression->range, bindable.text(),
                        wantedText(type), shortened(computed[i]->text()));
      isGood =
          value && checkExtent(bindable, *value, formula.expression->range, problems) && isGood;
      measurement.values[formula.bindable] = std::move(value);
    }
    return isGood;
  }

  static bool checkExtent(const Bindable &bindable, const Value &value, SourceRange at,
                          DiagnosticEngine &diagnostics) {
    if (bindable.kind != Bindable::Kind::Extent || value.asInt() >= 1)
      return true;
    diagnostics.report(DiagnosticCode::NotPositive, at, bindable.text(), "at least 1",
                       value.asInt());
    return false;
  }

  /// Converts the cells that columns give to dimensions and parameters; reports all that are wrong.
  bool readCells(std::size_t row, Measurement &measurement) {
    bool isGood = true;
    for (std::size_t i = 0; i < inputs_.bindables.size(); ++i) {
      if (columnOf_[i] == noColumn || !types_[i])
        continue;
      const std::string text = textOf(row, columnOf_[i]);
      const SourceRange cell = table_.cell(row, columnOf_[i]);
      const Bindable &bindable = inputs_.bindables[i];
      auto value = convertCell(text, *types_[i]);
      if (!value)
        reportCell(cell, bindable.text(), *types_[i], text);
      isGood = value && checkExtent(bindable, *value, cell, diagnostics_) && isGood;
      measurement.values[i] = std::move(value);
    }
    return isGood;
  }

  /// What can be said of a row without the expressions.
  bool checkCells(std::size_t row) {
    if (!conditions_.empty())
      return true; // it may not be selected
    Measurement ignored;
    ignored.values.resize(inputs_.bindables.size());
    return readCells(row, ignored);
  }

  void reportCell(SourceRange cell, const std::string &what, const ExpectedType &type,
                  const std::string &text) {
    auto report =
        diagnostics_.report(DiagnosticCode::CellType, cell, what, wantedText(type),
                            text.empty() ? "an empty cell" : fmt::format("'{}'", shortened(text)));
    if (type.kind != TypeKind::Enum)
      return;
    std::vector<std::string_view> names;
    for (const ast::Identifier &enumerator : type.enumeration->enumerators)
      names.emplace_back(enumerator.text);
    const std::string_view nearest = text.size() < 200 ? nearestName(text, names) : "";
    if (!nearest.empty())
      report.note({}, fmt::format("did you mean '{}'?", nearest));
  }

  bool readMeasured(std::size_t row, Evaluator &evaluator, const Scope &columns,
                    const std::vector<std::optional<Value>> &computed, Measurement &measurement) {
    const auto *name = ast::dynCast<ast::NameExpr>(measured_);
    const llvm::StringRef plain =
        !isMeasuredGiven_ ? "cycles" : (name != nullptr ? name->name : "");
    std::optional<Value> value;
    SourceRange at;
    if (const std::size_t column = plain.empty() ? noColumn : columnNamed(plain);
        column != noColumn) {
      // A cell is read as it is, whatever the others of its column are.
      ExpectedType number;
      number.kind = TypeKind::Real;
      at = table_.cell(row, column);
      const std::string text = textOf(row, column);
      value = convertCell(text, number);
      if (!value)
        reportCell(at, fmt::format("measured column '{}'", plain.str()), number, text);
    } else if (measured_ == nullptr) {
      value = computed[formulaIndex("cycles")];
      at = table_.row(row);
    } else {
      value = evaluator.evaluate(*measured_, columns);
      at = table_.row(row);
    }
    return value && takeMeasured(*value, at, evaluator.diagnostics(), measurement);
  }

  bool takeMeasured(const Value &value, SourceRange at, DiagnosticEngine &problems,
                    Measurement &measurement) {
    const bool isCycles = value.isNumber() && (value.dimension().isNone() ||
                                               value.dimension() == builtins::cyclesDimension);
    if (!isCycles) {
      problems.report(DiagnosticCode::WrongType,
                      measured_ != nullptr ? measured_->range : headerRange(), "what was measured",
                      "cycles", value.typeName());
      return false;
    }
    measurement.cycles = value.asReal();
    if (measurement.cycles > 0 && std::isfinite(measurement.cycles))
      return true;
    diagnostics_.report(DiagnosticCode::NotPositive, at, "the measured number of cycles",
                        "more than 0", fmt::format("{}", measurement.cycles));
    return false;
  }

  /// The texts of a row for reports.
  void show(std::size_t row, const std::vector<std::optional<Value>> &computed,
            Measurement &measurement) const {
    const auto textOfSource = [&](const ShownSource &source) {
      if (source.column != noColumn)
        return textOf(row, source.column);
      const Value &value = *computed[source.formula];
      return value.is(Value::Kind::String) ? value.asString().str() : value.text();
    };
    for (const ShownSource &source : shownSources_)
      measurement.shown.push_back(textOfSource(source));
    for (const ShownSource &source : groupSources_)
      measurement.group.push_back(textOfSource(source));
  }

  /// An expression of a row is short; what runs longer is a mistake and would run for every row.
  static constexpr Evaluator::Limits rowLimits{.steps = 100'000, .depth = 2'000};

  const MeasurementInputs &inputs_;
  const CsvTable &table_;
  SourceManager &sources_;
  DiagnosticEngine &diagnostics_;
  std::vector<std::optional<ExpectedType>> types_; ///< one for each bindable; none: reported
  llvm::StringSet<> enumerators_;                  ///< of the types
  Scope names_;                                    ///< around the columns
  std::deque<ParsedOverride> texts_;

  // What the user says
  std::vector<Formula> formulas_; ///< in the order of evaluation
  const ast::Expr *measured_ = nullptr;
  bool isMeasuredGiven_ = false;
  bool hasBrokenExpression_ = false; ///< nobody knows which columns it would have used
  std::vector<const ast::Expr *> conditions_;
  std::vector<ColumnName> groupBy_, ignored_;

  // What that means
  llvm::StringMap<std::size_t> columnIndex_;
  std::vector<std::size_t> columnOf_;  ///< one for each bindable: the column that sets it
  std::vector<std::size_t> formulaOf_; ///< one for each bindable: the binding that sets it
  std::vector<bool> isUsed_;           ///< one for each column: its text is
  std::vector<bool> isNeeded_;         ///< one for each column: an expression names it
  std::vector<bool> isIgnored_;
  std::vector<std::size_t> bindableOf_; ///< one for each column
  bool wasAmbiguous_ = false;
  std::vector<NeededColumn> needed_;
  std::vector<ShownSource> shownSources_, groupSources_;
  MeasurementTable result_;
};

} // namespace

std::optional<MeasurementTable> readMeasurements(const MeasurementInputs &inputs,
                                                 SourceManager &sources,
                                                 DiagnosticEngine &diagnostics) {
  return MeasurementReader(inputs, sources, diagnostics).read();
}

} // namespace acadlc
