#include "backend/report/StoredReport.h"

#include "backend/report/Report.h"
#include "support/JsonNesting.h"

#include <fmt/format.h>
#include <llvm/Support/JSON.h>

#include <algorithm>

namespace acadlc::report {

using llvm::json::ObjectMapper;
using llvm::json::Path;
using llvm::json::Value;

namespace {

/// Reports are nested 6 deep.
constexpr unsigned maxNesting = 100;

/// A number of things or cycles.
bool mapCount(ObjectMapper &mapper, llvm::StringLiteral name, std::int64_t &count, Path path) {
  if (!mapper.map(name, count))
    return false;
  if (count >= 0)
    return true;
  path.field(name).report("expected 0 or more");
  return false;
}

/// Texts that are null where there are none.
bool mapText(ObjectMapper &mapper, llvm::StringLiteral name, std::string &text) {
  std::optional<std::string> found;
  if (!mapper.map(name, found))
    return false;
  text = found.value_or("");
  return true;
}

bool mapCycles(ObjectMapper &mapper, StoredCycles &cycles, Path path) {
  if (!mapper.map("cycles", cycles.exact) ||
      !mapCount(mapper, "cycles_lower", cycles.lower, path) ||
      !mapCount(mapper, "cycles_upper", cycles.upper, path))
    return false;
  if (cycles.exact.value_or(0) >= 0)
    return true;
  path.field("cycles").report("expected 0 or more");
  return false;
}

} // namespace

// Found by ObjectMapper, by name.

static bool fromJSON(const Value &value, StoredLimit &limit, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("limit", limit.limit) && mapper.map("resource", limit.resource) &&
         mapCount(mapper, "cycles_at_least", limit.cyclesAtLeast, path);
}

static bool fromJSON(const Value &value, StoredResource &resource, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("resource", resource.resource) &&
         mapCount(mapper, "cycles_at_least", resource.cyclesAtLeast, path);
}

static bool fromJSON(const Value &value, StoredTraffic &traffic, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("storage", traffic.storage) &&
         mapCount(mapper, "bytes_read", traffic.bytesRead, path) &&
         mapCount(mapper, "bytes_written", traffic.bytesWritten, path);
}

static bool fromJSON(const Value &value, StoredShare &share, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapCount(mapper, "covered", share.covered, path) &&
         mapCount(mapper, "total", share.total, path);
}

static bool fromJSON(const Value &value, StoredUnmapped &entry, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("name", entry.name) && mapper.map("operator", entry.operatorName) &&
         mapCount(mapper, "macs", entry.macs, path) && mapCount(mapper, "bytes", entry.bytes, path);
}

static bool fromJSON(const Value &value, StoredForcedMapping &forced, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("layer", forced.layer) && mapper.map("mapping", forced.mapping);
}

static bool fromJSON(const Value &value, StoredOptions &options, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapText(mapper, "layer", options.layer) &&
         mapText(mapper, "entry", options.entry) &&
         mapText(mapper, "element_type", options.elementType) &&
         mapper.map("batch", options.batch) && mapper.map("budget", options.budget) &&
         mapper.mapOptional("sizes", options.sizes) &&
         mapper.map("fold_batch_norm", options.foldsBatchNorms) &&
         mapper.map("extrapolate", options.extrapolates) &&
         mapper.mapOptional("mappings", options.mappings);
}

static bool fromJSON(const Value &value, StoredLayer &layer, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("name", layer.name) && mapper.map("operator", layer.operatorName) &&
         mapper.map("dims", layer.dimensions) && mapText(mapper, "mapping", layer.mapping) &&
         mapper.mapOptional("parameters", layer.parameters) &&
         mapper.map("guarantee", layer.guarantee) && mapText(mapper, "bound_by", layer.boundBy) &&
         mapText(mapper, "bound_kind", layer.boundKind) && mapCycles(mapper, layer.cycles, path) &&
         mapCount(mapper, "instructions", layer.instructions, path) &&
         mapCount(mapper, "macs", layer.macs, path) && mapper.map("bounds", layer.bounds) &&
         mapper.map("resources", layer.resources) && mapper.map("traffic", layer.traffic);
}

namespace {

bool readCoverage(const Value &value, StoredReport &report, Path path) {
  ObjectMapper mapper(value, path);
  return mapper && mapper.map("macs", report.macs) && mapper.map("bytes", report.bytes) &&
         mapper.map("calls", report.calls) && mapper.map("operators", report.operators);
}

bool readMembers(const Value &value, StoredReport &report, Path path) {
  ObjectMapper mapper(value, path);
  const llvm::json::Object &object = *value.getAsObject();
  const Value *coverage = object.get("coverage");
  const bool isProgram = object.get("program") != nullptr;
  return mapper && mapper.map("acadlc", report.version) && mapper.map("method", report.method) &&
         mapper.map("architecture", report.architecture) &&
         (isProgram ? mapper.map("program", report.subject)
                    : mapper.map("workload", report.subject)) &&
         mapper.map("parameters", report.parameters) && mapper.map("options", report.options) &&
         mapper.map("clock_hz", report.clockHz) && mapper.map("seconds", report.seconds) &&
         mapper.map("peak_macs_per_cycle", report.peakMacsPerCycle) &&
         mapCycles(mapper, report.cycles, path) && mapper.map("guarantee", report.guarantee) &&
         readCoverage(*coverage, report, path.field("coverage")) &&
         mapper.map("unmapped", report.unmapped) && mapper.map("layers", report.layers);
}

/// Whether \p text can be shown at all; a program, say, cannot.
bool isText(std::string_view text) {
  return text.find('\0') == std::string_view::npos && llvm::json::isUTF8(text);
}

/// Of what begins as no array and no object, the parser reads no more than one value.
bool isNested(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && (text[begin] == '[' || text[begin] == '{') &&
         isJsonNestedDeeperThan(text, maxNesting);
}

/// What is no report of a network or program at all; empty if it may be one.
std::string refusalOf(const Value &value) {
  const llvm::json::Object *object = value.getAsObject();
  if (object == nullptr || object->get("schema") == nullptr)
    return "it is no report of acadlc: there is no member 'schema'";
  for (const char *name : {"architecture", "layers", "coverage"})
    if (object->get(name) == nullptr)
      return fmt::format("it is no report of --estimate or --simulate: there is no member '{}'",
                         name);
  const auto schema = object->getInteger("schema");
  if (!schema || *schema != jsonSchemaVersion)
    return fmt::format("it has another version of the layout; this acadlc reads schema {}",
                       jsonSchemaVersion);
  return {};
}

} // namespace

std::variant<StoredReport, ReportProblem> readReport(std::string_view text) {
  if (!isText(text))
    return ReportProblem{"it is no JSON report: it is no text"};
  if (isNested(text))
    return ReportProblem{fmt::format("it is nested more than {} deep", maxNesting)};
  llvm::Expected<Value> value = llvm::json::parse(text);
  if (!value) {
    std::string problem = llvm::toString(value.takeError());
    std::ranges::replace(problem, '\n', ' ');
    return ReportProblem{"it is no JSON: " + problem};
  }
  if (std::string refusal = refusalOf(*value); !refusal.empty())
    return ReportProblem{std::move(refusal)};
  Path::Root root("report");
  StoredReport report;
  if (readMembers(*value, report, root))
    return report;
  return ReportProblem{"it follows no schema: " + llvm::toString(root.getError())};
}

} // namespace acadlc::report
