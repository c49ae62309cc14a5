#include "backend/report/AssumptionsView.h"
#include "backend/report/Comparison.h"
#include "backend/report/Format.h"
#include "backend/report/Json.h"
#include "backend/report/Report.h"

#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace acadlc::report {

namespace {

using analysis::LayerEstimate;
using analysis::NetworkEstimate;
using llvm::json::OStream;

class JsonWriter {
public:
  JsonWriter(OStream &json, const ReportOptions &options) : json_(json), options_(options) {}

  void estimate(const NetworkEstimate &estimate, std::string_view version) {
    json_.object([&] {
      json_.attribute("schema", jsonSchemaVersion);
      json_.attribute("acadlc", jsonText(version));
      json_.attribute("method", jsonText(analysis::methodName(estimate.method)));
      json_.attribute("architecture", jsonText(estimate.architecture));
      json_.attributeObject("parameters", [&] {
        for (const arch::ParameterValue &parameter : estimate.parameters)
          json_.attribute(parameter.name, jsonText(parameter.value));
      });
      optionalReal("clock_hz", estimate.clockHz);
      json_.attribute(estimate.isProgram ? "program" : "workload", jsonText(estimate.workload));
      json_.attributeObject("options", [&] { asked(estimate); });
      totals(estimate);
      compared([&](ComparedModel model) { return compareAll(estimate, model); });
      coverage(estimate.coverage);
      list("unmapped", estimate.unmapped, [&](const auto &entry) { unmapped(entry); });
      list("free", estimate.free, [&](const analysis::FreeCall &call) {
        json_.object([&] {
          json_.attribute("name", jsonText(call.name));
          json_.attribute("reason", jsonText(call.reason));
        });
      });
      list("folded_batch_norms", estimate.folded,
           [&](const analysis::FoldedNorm &norm) { jsonFolded(json_, norm.into, norm.folded); });
      list("assumptions", runAssumptions(estimate),
           [&](const std::string &assumption) { json_.value(jsonText(assumption)); });
      list("layers", estimate.layers, [&](const LayerEstimate &entry) { layer(entry); });
      resources(estimate.resources, estimate.cycles);
      if (const auto counts = analysis::countReplays(estimate))
        replays(*counts);
    });
  }

private:
  template <typename List, typename Print>
  void list(llvm::StringRef name, const List &entries, Print print) {
    json_.attributeArray(name, [&] {
      for (const auto &entry : entries)
        print(entry);
    });
  }

  /// What decides about the numbers beside the parameters.
  void asked(const NetworkEstimate &estimate) {
    const analysis::AskedOptions &asked = estimate.asked;
    if (!estimate.isProgram) {
      optionalText("layer", estimate.onlyLayer);
      json_.attribute("entry", jsonText(asked.entry));
      optionalInt("batch", asked.batch);
      json_.attributeObject("sizes", [&] {
        for (const auto &[name, size] : asked.sizes)
          json_.attribute(name, size);
      });
      json_.attribute("fold_batch_norm", asked.foldsBatchNorms);
      optionalText("element_type", asked.elementType);
      list("mappings", asked.mappings, [&](const auto &forced) {
        json_.object([&] {
          json_.attribute("layer", jsonText(forced.first));
          json_.attribute("mapping", jsonText(forced.second));
        });
      });
    }
    json_.attribute("extrapolate", asked.extrapolates);
    optionalInt("budget", asked.budget);
  }

  void totals(const NetworkEstimate &estimate) {
    cycles(estimate.isBounded(), estimate.cycles, estimate.bounds);
    optionalReal("seconds", estimate.seconds());
    json_.attribute("guarantee", jsonText(analysis::guaranteeName(estimate.guarantee)));
    optionalReal("peak_macs_per_cycle", estimate.peakMacsPerCycle > 0
                                            ? std::optional(estimate.peakMacsPerCycle)
                                            : std::nullopt);
    if (estimate.peakMacsPerCycle > 0 && estimate.isPeakOfNetwork)
      json_.attribute("is_peak_of_network", true);
  }

  /// Cycles that are only bounded are not stated.
  void cycles(bool isBounded, std::int64_t cycles, const timing::CycleBounds &bounds) {
    optionalInt("cycles", isBounded ? std::nullopt : std::optional(cycles));
    json_.attribute("cycles_lower", bounds.lower);
    json_.attribute("cycles_upper", bounds.upper);
    json_.attribute("if_completes", bounds.ifCompletes);
  }

  void coverage(const analysis::Coverage &coverage) {
    json_.attributeObject("coverage", [&] {
      share("macs", coverage.macs);
      share("bytes", coverage.bytes);
      share("calls", coverage.calls);
      share("operators", coverage.operators);
      json_.attributeObject("written", [&] {
        json_.attribute("uncounted", coverage.uncountedBytes);
        json_.attribute("total", coverage.writtenBytes);
      });
    });
  }

  void share(llvm::StringRef name, const analysis::Share &share) {
    json_.attributeObject(name, [&] {
      json_.attribute("covered", share.covered);
      json_.attribute("total", share.total);
    });
  }

  void unmapped(const analysis::UnmappedOperator &entry) {
    json_.object([&] {
      json_.attribute("name", jsonText(entry.name));
      json_.attribute("operator", jsonText(entry.operatorName));
      json_.attribute("reason", jsonText(entry.reason));
      json_.attribute("macs", entry.macs);
      json_.attribute("bytes", entry.bytes);
      json_.attribute("place", jsonText(entry.place.text()));
      optionalText("nearest", entry.nearest);
      optionalText("nearest_place", entry.nearestPlace.text());
    });
  }

  void layer(const LayerEstimate &layer) {
    json_.object([&] {
      json_.attribute("name", jsonText(layer.name));
      json_.attribute("operator", jsonText(layer.operatorName));
      numbers("dims", layer.dimensions);
      optionalText("mapping", layer.mapping);
      optionalText("mapping_place", layer.mappingPlace);
      json_.attributeObject("parameters", [&] {
        for (const arch::ParameterValue &parameter : layer.parameters)
          json_.attribute(parameter.name, jsonText(parameter.value));
      });
      numbers("coefficients", layer.coefficients);
      list("element_types", layer.tensors, [&](const auto &tensor) { elementType(tensor); });
      list("absorbed", layer.absorbed, [&](const analysis::AbsorbedStep &step) {
        json_.object([&] {
          json_.attribute("call", jsonText(step.call));
          json_.attribute("operator", jsonText(step.name));
        });
      });
      list("absent", layer.absent, [&](const std::string &step) { json_.value(jsonText(step)); });
      optionalText("absorption_end", layer.absorptionEnd);
      list("rejected", layer.rejected, [&](const auto &entry) { rejected(entry); });
      list("uncounted", layer.uncounted,
           [&](const std::string &stage) { json_.value(jsonText(stage)); });
      if (!layer.assumptions.empty())
        list("assumptions", layer.assumptions,
             [&](const std::string &assumption) { json_.value(jsonText(assumption)); });
      json_.attribute("macs", layer.macs);
      cycles(layer.isBounded(), layer.cycles, layer.cycleBounds());
      json_.attribute("guarantee", jsonText(analysis::guaranteeName(layer.guarantee)));
      json_.attribute("instructions", layer.instructions);
      json_.attribute("iterations", layer.iterations);
      json_.attribute("evaluated_iterations", layer.evaluatedIterations);
      list("certificates", layer.certificates, [&](const auto &entry) { certificate(entry); });
      optionalReal("utilisation", layer.utilisation);
      optionalText("bound_by", layer.bound ? layer.bound->object : "");
      optionalText("bound_kind", layer.bound ? analysis::boundKindName(layer.bound->kind) : "");
      compared([&](ComparedModel model) { return compare(layer, model); });
      if (options_.shows(ViewName::Bounds))
        limits(layer);
      resources(layer.resources, layer.cycles);
      if (options_.shows(ViewName::Timeline) && layer.timeline)
        list("timeline", layer.timeline->rows, [&](const auto &row) { timelineRow(row); });
      if (options_.shows(ViewName::CriticalPath) && layer.waitChain)
        criticalPath(*layer.waitChain);
    });
  }

  /// What models beside the estimate say, if they were asked for: \p comparisonWith gives it.
  template <typename Compare> void compared(Compare comparisonWith) {
    if (options_.compare.empty())
      return;
    json_.attributeObject("compared", [&] {
      for (const ComparedModel model : options_.compare) {
        const std::optional<Comparison> comparison = comparisonWith(model);
        json_.attributeObject(llvm::StringRef(comparedModelName(model)), [&] {
          optionalReal("cycles", comparison ? std::optional(comparison->cycles) : std::nullopt);
          optionalReal("ratio", comparison ? comparison->ratio : std::nullopt);
          json_.attribute("is_computation_alone", comparison && comparison->isComputationAlone);
        });
      }
    });
  }

  void criticalPath(const analysis::WaitChain &chain) {
    json_.attributeObject("critical_path", [&] {
      optionalText("missing", chain.missing);
      json_.attribute("cycles", chain.cycles);
      json_.attribute("unknown_waits", chain.unknown);
      list("shares", chain.shares, [&](const analysis::ChainShare &share) {
        json_.object([&] {
          json_.attribute("object", jsonText(share.object));
          json_.attribute("activity", jsonText(analysis::activityName(share.activity)));
          json_.attribute("words_of_others", share.isContended);
          json_.attribute("cycles", share.cycles);
        });
      });
      json_.attributeArray("steps", [&] { chainItems(chain.items, 0); });
    });
  }

  /// What recurs stands in front of its steps, which are one deeper.
  void chainItems(const std::vector<analysis::ChainItem> &items, std::int64_t depth) {
    for (const analysis::ChainItem &item : items) {
      json_.object([&] { chainItem(item, depth); });
      chainItems(item.body, depth + 1);
    }
  }

  void chainItem(const analysis::ChainItem &item, std::int64_t depth) {
    json_.attribute("depth", depth);
    json_.attribute("cycles", item.cycles);
    json_.attribute("times", item.times);
    json_.attribute("recurs", !item.body.empty());
    if (!item.body.empty())
      return;
    json_.attribute("activity", jsonText(analysis::activityName(item.activity)));
    json_.attribute("object", jsonText(item.object));
    json_.attribute("words_of_others", item.isContended);
    json_.attribute("waited_for", jsonText(analysis::waitKindName(item.over)));
    optionalText("awaited", item.awaited);
    optionalText("operation", item.operation);
    optionalText("phase", item.phase);
    optionalText("source", item.place);
  }

  void timelineRow(const analysis::TimelineRow &row) {
    json_.object([&] {
      json_.attribute("instruction", jsonText(row.age));
      json_.attribute("operation", jsonText(row.operation));
      json_.attribute("unit", jsonText(row.unit));
      json_.attribute("source", jsonText(row.place));
      json_.attribute("fetched", row.times.fetched);
      json_.attribute("issued", row.times.issued);
      json_.attribute("entered", row.times.entered);
      json_.attribute("started", row.times.started);
      json_.attribute("finished", row.times.finished);
    });
  }

  /// What the layer would take at least with a single limit.
  void limits(const LayerEstimate &layer) {
    list("bounds", analysis::soleLimits(layer), [&](const analysis::SoleLimit &limit) {
      json_.object([&] {
        json_.attribute("limit", jsonText(analysis::boundKindName(limit.kind)));
        json_.attribute("resource", jsonText(limit.object));
        json_.attribute("cycles_at_least", limit.cycles);
        json_.attribute("may_be_more", limit.isLeast);
        json_.attribute("is_bottleneck",
                        !layer.isBounded() &&
                            static_cast<double>(limit.cycles) >=
                                analysis::bottleneckShare * static_cast<double>(layer.cycles));
      });
    });
    optionalText("dependence_missing", layer.dependences ? layer.dependences->missing : "");
  }

  /// With their work and with their traffic, as far as these were asked for.
  void resources(const std::vector<analysis::Resource> &resources, std::int64_t cycles) {
    if (options_.shows(ViewName::Resources))
      list("resources", resources,
           [&](const analysis::Resource &resource) { work(resource, cycles); });
    if (!options_.shows(ViewName::Traffic))
      return;
    std::vector<analysis::Resource> storages;
    std::ranges::copy_if(resources, std::back_inserter(storages), [](const auto &resource) {
      return arch::isStorage(resource.objectClass);
    });
    list("traffic", storages, [&](const analysis::Resource &storage) { traffic(storage); });
  }

  /// \p cycles: of the layer or network, if they are known.
  void work(const analysis::Resource &resource, std::int64_t cycles) {
    json_.object([&] {
      json_.attribute("resource", jsonText(resource.object));
      json_.attribute("class", jsonText(arch::className(resource.objectClass)));
      json_.attribute("objects", resource.objects);
      json_.attribute("used", resource.used);
      json_.attribute("uses", resource.sum.uses);
      json_.attribute("work", resource.sum.work);
      json_.attribute("is_work_least", resource.sum.isWorkLeast);
      json_.attribute("cycles_at_least", resource.leastCycles);
      json_.attribute("reads", resource.sum.reads);
      json_.attribute("writes", resource.sum.writes);
      if (!resource.usage)
        json_.attribute("usage", nullptr);
      else
        json_.attributeObject("usage", [&] { usage(*resource.usage, cycles); });
      if (resource.buffered)
        json_.attribute("buffered", *resource.buffered);
    });
  }

  /// What a resource did in \p cycles, in cycles of its places.
  void usage(const timing::ObjectUsage &usage, std::int64_t cycles) {
    json_.attribute("places", usage.places);
    json_.attribute("busy", usage.busy());
    json_.attributeObject("waiting", [&] {
      json_.attribute("operands", usage.operands);
      json_.attribute("requests", usage.requests);
      json_.attribute("next", usage.next);
    });
    json_.attribute("idle", usage.idle(cycles));
  }

  void traffic(const analysis::Resource &storage) {
    json_.object([&] {
      json_.attribute("storage", jsonText(storage.object));
      json_.attribute("bytes_read", storage.sum.bytesRead);
      json_.attribute("bytes_written", storage.sum.bytesWritten);
      if (!storage.isBelowCaches)
        return;
      const auto &lower = storage.lower;
      optionalInt("by_caches_bytes_read", lower ? std::optional(lower->bytesRead) : std::nullopt);
      optionalInt("by_caches_bytes_written",
                  lower ? std::optional(lower->bytesWritten) : std::nullopt);
    });
  }

  void elementType(const analysis::LayerTensor &tensor) {
    json_.object([&] {
      json_.attribute("tensor", jsonText(tensor.name));
      json_.attribute("network", jsonText(tensor.network));
      json_.attribute("declared", jsonText(tensor.declared));
      json_.attribute("read_as", jsonText(tensor.readAs));
      json_.attribute("layout", jsonText(analysis::layoutName(tensor.layout)));
    });
  }

  void rejected(const analysis::RejectedMapping &entry) {
    json_.object([&] {
      json_.attribute("mapping", jsonText(entry.mapping));
      json_.attribute("place", jsonText(entry.place.text()));
      json_.attribute("reason", jsonText(entry.reason));
    });
  }

  void certificate(const analysis::LayerCertificate &certificate) {
    json_.object([&] {
      json_.attribute("loop", jsonText(certificate.loop.text()));
      json_.attribute("k0", certificate.k0);
      json_.attribute("period", certificate.period);
      json_.attribute("cycles_per_period", certificate.cyclesPerPeriod);
      if (certificate.periods != 0)
        json_.attribute("periods", certificate.periods);
      if (certificate.isDrift)
        json_.attribute("drift", true);
      if (certificate.replay)
        json_.attribute("verified", verified(certificate.replay->outcome));
    });
  }

  static llvm::json::Value verified(analysis::CertificateReplay::Outcome outcome) {
    using Outcome = analysis::CertificateReplay::Outcome;
    if (outcome == Outcome::InPart || outcome == Outcome::NotReplayed)
      return nullptr;
    return outcome == Outcome::Holds;
  }

  void replays(const analysis::CertificateCounts &counts) {
    json_.attributeObject("verification", [&] {
      json_.attribute("certificates", counts.total);
      json_.attribute("verified", counts.verified);
      json_.attribute("in_part", counts.inPart);
      json_.attribute("not_gone_through", counts.notReplayed);
    });
  }

  void numbers(llvm::StringRef name, const std::vector<analysis::NamedNumber> &numbers) {
    json_.attributeObject(name, [&] {
      for (const analysis::NamedNumber &entry : numbers)
        json_.attribute(entry.name, entry.value);
    });
  }

  void optionalText(llvm::StringRef name, std::string_view value) {
    json_.attribute(name, value.empty() ? llvm::json::Value(nullptr) : jsonText(value));
  }
  void optionalInt(llvm::StringRef name, std::optional<std::int64_t> value) {
    json_.attribute(name, value ? llvm::json::Value(*value) : llvm::json::Value(nullptr));
  }
  void optionalReal(llvm::StringRef name, std::optional<double> value) {
    jsonReal(json_, name, value);
  }

  OStream &json_;
  const ReportOptions &options_;
};

} // namespace

llvm::json::Value jsonText(std::string_view value) {
  return llvm::json::isUTF8(value) ? llvm::json::Value(std::string(value))
                                   : llvm::json::Value(llvm::json::fixUTF8(value));
}

void jsonReal(OStream &json, llvm::StringRef name, std::optional<double> value) {
  if (!value || !std::isfinite(*value)) {
    json.attribute(name, nullptr);
    return;
  }
  json.attributeBegin(name);
  json.rawValue(number(*value));
  json.attributeEnd();
}

void jsonFolded(OStream &json, std::string_view into, const std::vector<std::string> &folded) {
  json.object([&] {
    json.attribute("into", jsonText(into));
    json.attributeArray("folded", [&] {
      for (const std::string &name : folded)
        json.value(jsonText(name));
    });
  });
}

std::string jsonReport(const NetworkEstimate &estimate, const ReportOptions &options,
                       std::string_view version) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  OStream json(stream, 2);
  JsonWriter(json, options).estimate(estimate, version);
  json.flush();
  stream << "\n";
  return out;
}

} // namespace acadlc::report
