#include "backend/report/Json.h"
#include "backend/report/ReportDiff.h"

#include <llvm/Support/raw_ostream.h>

namespace acadlc::report {

namespace {

using llvm::json::OStream;

class DiffJson {
public:
  explicit DiffJson(OStream &json) : json_(json) {}

  void write(const ReportDiff &diff, const std::pair<std::string, std::string> &names,
             std::string_view version) {
    json_.object([&] {
      json_.attribute("schema", diffSchemaVersion);
      json_.attribute("acadlc", jsonText(version));
      json_.attributeObject("before", [&] { side(*diff.before, names.first); });
      json_.attributeObject("after", [&] { side(*diff.after, names.second); });
      texts("description", diff.description);
      texts("totals", diff.totals);
      operators("newly_uncovered", diff.newlyUncovered);
      operators("newly_covered", diff.newlyCovered);
      json_.attributeArray("layers", [&] {
        for (const LayerChange &change : diff.layers)
          json_.object([&] { layer(change); });
      });
    });
  }

private:
  void side(const StoredReport &report, const std::string &name) {
    json_.attribute("file", jsonText(name));
    cycles(report.cycles);
    jsonReal(json_, "seconds", report.seconds);
    json_.attribute("guarantee", jsonText(report.guarantee));
  }

  void cycles(const StoredCycles &cycles) {
    json_.attribute("cycles",
                    cycles.exact ? llvm::json::Value(*cycles.exact) : llvm::json::Value(nullptr));
    json_.attribute("cycles_lower", cycles.lower);
    json_.attribute("cycles_upper", cycles.upper);
  }

  void texts(llvm::StringRef name, const std::vector<ChangedText> &changes) {
    json_.attributeArray(name, [&] {
      for (const ChangedText &change : changes)
        json_.object([&] {
          json_.attribute("name", jsonText(change.name));
          optionalText("before", change.before);
          optionalText("after", change.after);
        });
    });
  }

  void optionalText(llvm::StringRef name, const std::optional<std::string> &text) {
    json_.attribute(name, text ? jsonText(*text) : llvm::json::Value(nullptr));
  }

  void operators(llvm::StringRef name, const std::vector<const StoredUnmapped *> &entries) {
    json_.attributeArray(name, [&] {
      for (const StoredUnmapped *entry : entries)
        json_.object([&] {
          json_.attribute("name", jsonText(entry->name));
          json_.attribute("operator", jsonText(entry->operatorName));
        });
    });
  }

  void layer(const LayerChange &change) {
    const StoredLayer &layer = change.after != nullptr ? *change.after : *change.before;
    json_.attribute("name", jsonText(layer.name));
    json_.attribute("operator", jsonText(layer.operatorName));
    dimensions(layer);
    json_.attribute("change", changeName(change));
    layerSide("before", change.before);
    layerSide("after", change.after);
    texts("details", change.details);
    json_.attribute("explained_by", change.explanation.view.empty()
                                        ? llvm::json::Value(nullptr)
                                        : jsonText(change.explanation.view));
    json_.attributeArray("largest_changes", [&] {
      for (const ChangedNumber &number : change.explanation.changes)
        json_.object([&] {
          json_.attribute("view", jsonText(number.view));
          json_.attribute("name", jsonText(number.name));
          json_.attribute("before", number.before);
          json_.attribute("after", number.after);
        });
    });
  }

  static llvm::StringRef changeName(const LayerChange &change) {
    if (change.before == nullptr)
      return "added";
    if (change.after == nullptr)
      return "removed";
    return change.isSame() ? "same" : "changed";
  }

  void layerSide(llvm::StringRef name, const StoredLayer *layer) {
    if (layer == nullptr) {
      json_.attribute(name, nullptr);
      return;
    }
    json_.attributeObject(name, [&] {
      json_.attribute("name", jsonText(layer->name));
      dimensions(*layer);
      cycles(layer->cycles);
      json_.attribute("guarantee", jsonText(layer->guarantee));
    });
  }

  void dimensions(const StoredLayer &layer) {
    json_.attributeObject("dims", [&] {
      for (const auto &[name, value] : layer.dimensions)
        json_.attribute(name, value);
    });
  }

  OStream &json_;
};

} // namespace

std::string diffJson(const ReportDiff &diff, const std::pair<std::string, std::string> &names,
                     std::string_view version) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  OStream json(stream, 2);
  DiffJson(json).write(diff, names, version);
  json.flush();
  stream << "\n";
  return out;
}

} // namespace acadlc::report
