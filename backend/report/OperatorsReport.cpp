#include "backend/report/OperatorsReport.h"

#include "backend/report/Csv.h"
#include "backend/report/Format.h"
#include "backend/report/Json.h"
#include "backend/report/Report.h"
#include "backend/report/TextTable.h"
#include "structure/BatchNormFold.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <vector>

namespace acadlc::report {

namespace {

using workload::Call;
using workload::FoldedBatchNorm;
using workload::Operator;
using workload::OperatorPart;
using workload::Workload;

bool isAll(const std::vector<std::int64_t> &values, std::int64_t wanted) {
  return std::all_of(values.begin(), values.end(),
                     [&](std::int64_t value) { return value == wanted; });
}

/// "N=1 K=6"
std::string dimensions(const Operator &entry) {
  std::string text;
  for (const workload::NamedExtent &extent : entry.dims)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", extent.name, extent.value);
  return text;
}

/// "relu", "stride 2×2, padding 1×1"; nothing that goes without saying.
std::string details(const Operator &entry) {
  std::vector<std::string> parts;
  if (!entry.detail.empty())
    parts.push_back(entry.detail);
  if (!isAll(entry.stride, 1))
    parts.push_back(fmt::format("stride {}", fmt::join(entry.stride, "×")));
  if (!isAll(entry.dilation, 1))
    parts.push_back(fmt::format("dilation {}", fmt::join(entry.dilation, "×")));
  if (entry.before != entry.after)
    parts.push_back(fmt::format("padding {} before, {} after", fmt::join(entry.before, "×"),
                                fmt::join(entry.after, "×")));
  else if (!isAll(entry.before, 0))
    parts.push_back(fmt::format("padding {}", fmt::join(entry.before, "×")));
  if (entry.groups > 1)
    parts.push_back(fmt::format("groups {}", entry.groups));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<std::string> typeNames(const Operator &entry) {
  std::vector<std::string> names;
  for (const auto *types : {&entry.reads, &entry.writes})
    for (const workload::ElementType type : *types)
      names.push_back(type.name());
  return names;
}

/// "int8 int8 -> int32"; several of the same as one.
std::string typeText(const Operator &entry) {
  const auto joined = [](const std::vector<workload::ElementType> &types) {
    std::vector<std::string> names;
    for (const workload::ElementType type : types)
      names.push_back(type.name());
    if (std::equal(names.begin() + (names.empty() ? 0 : 1), names.end(), names.begin()) &&
        !names.empty())
      names.resize(1);
    return fmt::format("{}", fmt::join(names, " "));
  };
  const std::string from = joined(entry.reads);
  const std::string to = joined(entry.writes);
  return from == to ? from : fmt::format("{} -> {}", from, to);
}

/// "main", "free: reshape"
std::string partText(const Operator &entry) {
  const std::string part(partName(entry.part));
  return entry.part == OperatorPart::Free
             ? fmt::format("{}: {}", part, freeReasonName(entry.freeReason))
             : part;
}

template <typename Visit> void forEachOperator(const Workload &workload, Visit visit) {
  for (const Call &call : workload.calls)
    for (const Operator &entry : call.operators)
      visit(call, entry);
}

void numbers(llvm::json::OStream &json, llvm::StringRef name,
             const std::vector<std::int64_t> &values) {
  json.attributeArray(name, [&] {
    for (const std::int64_t value : values)
      json.value(value);
  });
}

void writeOperator(llvm::json::OStream &json, const Call &call, const Operator &entry) {
  json.object([&] {
    json.attribute("call", jsonText(call.name));
    json.attribute("function", jsonText(call.function));
    json.attribute("operator", jsonText(operatorName(entry.kind)));
    json.attribute("detail", jsonText(entry.detail));
    json.attribute("part", jsonText(partName(entry.part)));
    json.attribute("free", entry.part == OperatorPart::Free
                               ? jsonText(freeReasonName(entry.freeReason))
                               : llvm::json::Value(nullptr));
    json.attributeObject("dims", [&] {
      for (const workload::NamedExtent &extent : entry.dims)
        json.attribute(extent.name, extent.value);
    });
    json.attributeObject("attributes", [&] {
      if (entry.stride.empty())
        return;
      numbers(json, "stride", entry.stride);
      numbers(json, "dilation", entry.dilation);
      numbers(json, "padding_before", entry.before);
      numbers(json, "padding_after", entry.after);
      json.attribute("groups", entry.groups);
    });
    json.attribute("macs", entry.hasUnknownMacs ? llvm::json::Value(nullptr)
                                                : llvm::json::Value(entry.macs));
    json.attribute("bytes_read", entry.bytesRead);
    json.attribute("bytes_written", entry.bytesWritten);
    json.attributeArray("element_types", [&] {
      for (const std::string &name : typeNames(entry))
        json.value(name);
    });
  });
}

} // namespace

std::vector<const Call *> unknownMacs(const Workload &workload) {
  std::vector<const Call *> found;
  for (const Call &call : workload.calls)
    if (std::ranges::any_of(call.operators, &Operator::hasUnknownMacs))
      found.push_back(&call);
  return found;
}

void OperatorsView::print(std::string &out) const {
  using Align = TextTable::Align;
  TextTable table({{"call"},
                   {"function"},
                   {"operator"},
                   {"dimensions"},
                   {"what"},
                   {"MACs", Align::Right},
                   {"bytes read", Align::Right},
                   {"bytes written", Align::Right},
                   {"element types"},
                   {"part"}});
  std::int64_t count = 0;
  std::int64_t free = 0;
  forEachOperator(workload_, [&](const Call &call, const Operator &entry) {
    ++count;
    free += entry.part == OperatorPart::Free ? 1 : 0;
    table.add({call.name, call.function, std::string(operatorName(entry.kind)), dimensions(entry),
               details(entry), entry.hasUnknownMacs ? "unknown" : thousands(entry.macs),
               thousands(entry.bytesRead), thousands(entry.bytesWritten), typeText(entry),
               partText(entry)});
  });
  table.print(out);
  out +=
      fmt::format("\n{}, {}, {} of them free: {}{} multiply-accumulates.\n",
                  counted(static_cast<std::int64_t>(workload_.calls.size()), "call"),
                  counted(count, "operator"), thousands(free),
                  unknownMacs(workload_).empty() ? "" : "at least ", thousands(workload_.macs()));
  for (const FoldedBatchNorm &folded : workload_.foldedBatchNorms)
    out += fmt::format("Batch norm folded into {}: {}.\n",
                       workload_.calls[folded.contraction.call].name,
                       fmt::join(foldedNames(workload_, folded), ", "));
}

std::string operatorsText(const Workload &workload) {
  std::string out = workload.name + "\n\n";
  OperatorsView(workload).print(out);
  return out;
}

std::string operatorsJson(const Workload &workload, std::string_view version) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  llvm::json::OStream json(stream, 2);
  json.object([&] {
    json.attribute("schema", jsonSchemaVersion);
    json.attribute("acadlc", jsonText(version));
    json.attribute("workload", jsonText(workload.name));
    json.attributeArray("operators", [&] {
      forEachOperator(workload, [&](const Call &call, const Operator &entry) {
        writeOperator(json, call, entry);
      });
    });
    json.attribute("total_macs", workload.macs());
    json.attributeArray("unknown_macs", [&] {
      for (const Call *call : unknownMacs(workload))
        json.value(jsonText(call->name));
    });
    json.attributeArray("folded_batch_norms", [&] {
      for (const FoldedBatchNorm &folded : workload.foldedBatchNorms)
        jsonFolded(json, workload.calls[folded.contraction.call].name,
                   foldedNames(workload, folded));
    });
  });
  json.flush();
  stream << "\n";
  return out;
}

std::string operatorsCsv(const Workload &workload) {
  std::string out;
  csvRow(out, {"call", "function", "operator", "detail", "part", "free", "dims", "macs",
               "bytes_read", "bytes_written", "element_types"});
  forEachOperator(workload, [&](const Call &call, const Operator &entry) {
    csvRow(out, {call.name, call.function, std::string(operatorName(entry.kind)), details(entry),
                 std::string(partName(entry.part)), std::string(freeReasonName(entry.freeReason)),
                 dimensions(entry), entry.hasUnknownMacs ? "" : std::to_string(entry.macs),
                 std::to_string(entry.bytesRead), std::to_string(entry.bytesWritten),
                 fmt::format("{}", fmt::join(typeNames(entry), " "))});
  });
  return out;
}

} // namespace acadlc::report
