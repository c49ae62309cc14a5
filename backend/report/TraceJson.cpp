#include "backend/report/TraceJson.h"

#include "backend/report/Json.h"

#include <fmt/format.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <queue>
#include <tuple>
#include <vector>

namespace acadlc::report {

namespace {

using analysis::LayerEstimate;
using analysis::NetworkEstimate;
using analysis::TimelineRow;
using llvm::json::OStream;

/// A part of the way of an instruction.
struct Slice {
  std::int64_t begin = 0, end = 0; ///< cycles of the network
  std::string_view category;       ///< "wait", "route", "operands", "execute", "layer"
  const LayerEstimate *layer = nullptr;
  const TimelineRow *row = nullptr; ///< null: the whole layer
};

/// What one instruction does at one object, without a gap.
struct Stay {
  std::int64_t begin = 0, end = 0;
  std::vector<Slice> slices;
};

/// All stays at one object.
struct Track {
  std::string name;
  std::vector<Stay> stays;
};

/// By stay: in which of the lanes it stands; and how many there are. No two of a lane overlap;
/// there are as many lanes as stays at once at the most.
struct Lanes {
  std::vector<std::size_t> laneOf;
  std::size_t count = 0;
};

Lanes assignLanes(const std::vector<Stay> &stays) {
  std::vector<std::size_t> order(stays.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return stays[i].begin; });
  Lanes lanes;
  lanes.laneOf.resize(stays.size());
  // Lanes by when they become free, and free ones by number: the lowest is taken.
  using Entry = std::pair<std::int64_t, std::size_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> busy;
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> free;
  for (const std::size_t i : order) {
    for (; !busy.empty() && busy.top().first <= stays[i].begin; busy.pop())
      free.push(busy.top().second);
    if (free.empty())
      free.push(lanes.count++);
    lanes.laneOf[i] = free.top();
    free.pop();
    busy.emplace(stays[i].end, lanes.laneOf[i]);
  }
  return lanes;
}

class TraceWriter {
public:
  explicit TraceWriter(const NetworkEstimate &estimate) : estimate_(estimate) {
    tracks_.push_back({"layers", {}});
    tracks_.push_back({"waits for its issue", {}});
    std::int64_t start = 0;
    for (const LayerEstimate &layer : estimate.layers) {
      if (!layer.isBounded())
        addLayer(layer, start);
      if (layer.timeline)
        for (const TimelineRow &row : layer.timeline->rows)
          addRow(layer, row, start);
      start += layer.isBounded() ? 0 : layer.cycles;
    }
  }

  std::string write(std::string_view version) {
    out_ = "{\"displayTimeUnit\": \"ns\",\n\"otherData\": ";
    object([&](OStream &json) {
      json.attribute("acadlc", jsonText(version));
      json.attribute("architecture", jsonText(estimate_.architecture));
      json.attribute(estimate_.isProgram ? "program" : "workload", jsonText(estimate_.workload));
      json.attribute("unit", "1 us is 1 cycle");
    });
    out_ += ",\n\"traceEvents\": [";
    name("process_name", 0, estimate_.architecture);
    events();
    out_ += "\n]}\n";
    return std::move(out_);
  }

private:
  /// An event, and what decides its place among others.
  struct Event {
    const Slice *slice;
    std::size_t thread;
  };
  /// An arrow from the instruction that wrote something to one that reads it.
  struct Arrow {
    Event from, to; ///< where they execute
  };
  /// An end of an arrow.
  struct ArrowEnd {
    std::int64_t time = 0;
    std::size_t number = 0; ///< of the arrow
    bool isTip = false;
  };

  void addLayer(const LayerEstimate &layer, std::int64_t start) {
    const std::int64_t end = start + layer.cycles;
    tracks_[0].stays.push_back({start, end, {{start, end, "layer", &layer, nullptr}}});
  }

  void addRow(const LayerEstimate &layer, const TimelineRow &row, std::int64_t start) {
    const timing::InstructionTimes &times = row.times;
    const auto slice = [&](std::int64_t from, std::int64_t to, std::string_view category) {
      return Slice{start + from, start + to, category, &layer, &row};
    };
    const auto stay = [&](std::size_t track, std::vector<Slice> slices) {
      std::erase_if(slices, [](const Slice &each) {
        return each.begin == each.end && each.category != "execute";
      });
      if (!slices.empty())
        tracks_[track].stays.push_back(
            {slices.front().begin, slices.back().end, std::move(slices)});
    };
    stay(1, {slice(times.fetched, times.issued, "wait")});
    const std::size_t unit = trackOf(row.unit);
    stay(unit, {slice(times.issued, times.entered, "route")});
    stay(unit + 1, {slice(times.entered, times.started, "operands"),
                    slice(times.started, times.finished, "execute")});
  }

  /// The tracks of a unit: on the way to it, and behind that its own.
  std::size_t trackOf(const std::string &unit) {
    const auto [entry, isNew] = places_.try_emplace(unit, tracks_.size());
    if (isNew) {
      tracks_.push_back({unit + ", on the way", {}});
      tracks_.push_back({unit, {}});
    }
    return entry->second;
  }

  void events() {
    std::vector<Event> events;
    std::size_t thread = 0; // 0 is the process itself
    for (const Track &track : tracks_) {
      const Lanes lanes = assignLanes(track.stays);
      for (std::size_t lane = 0; lane < lanes.count; ++lane)
        name("thread_name", thread + 1 + lane,
             lane == 0 ? track.name : fmt::format("{} ({})", track.name, lane + 1));
      for (std::size_t i = 0; i < track.stays.size(); ++i)
        for (const Slice &slice : track.stays[i].slices)
          events.push_back({&slice, thread + 1 + lanes.laneOf[i]});
      thread += lanes.count;
    }
    // Behind one another as time goes on, whatever thread they are in. Of those that begin at once
    // in a thread all but the last take no time.
    std::ranges::stable_sort(events, {}, [](const Event &event) {
      return std::tuple(event.slice->begin, event.thread, event.slice->end);
    });
    findArrows(events);
    auto end = ends_.begin();
    const auto arrowsUpTo = [&](std::int64_t time) {
      for (; end != ends_.end() && end->time <= time; ++end)
        arrowEnd(*end);
    };
    for (const Event &each : events) {
      arrowsUpTo(each.slice->begin - 1);
      event(each);
    }
    if (!events.empty())
      arrowsUpTo(events.back().slice->begin);
  }

  /// The arrows between the instructions of \p events; they begin and end where these begin to
  /// execute, which is where viewers look for the slices.
  void findArrows(const std::vector<Event> &events) {
    std::map<const TimelineRow *, const Event *> executions;
    for (const Event &each : events)
      if (each.slice->category == "execute")
        executions[each.slice->row] = &each;
    for (const LayerEstimate &layer : estimate_.layers) {
      if (!layer.timeline)
        continue;
      const std::vector<TimelineRow> &rows = layer.timeline->rows;
      for (const TimelineRow &row : rows)
        for (const std::size_t writer : row.dependences)
          arrows_.push_back({*executions.at(&rows[writer]), *executions.at(&row)});
    }
    for (std::size_t i = 0; i < arrows_.size(); ++i) {
      ends_.push_back({arrows_[i].from.slice->begin, i, false});
      ends_.push_back({arrows_[i].to.slice->begin, i, true});
    }
    std::ranges::stable_sort(ends_, {}, &ArrowEnd::time);
  }

  void arrowEnd(const ArrowEnd &end) {
    const Arrow &arrow = arrows_[end.number];
    separate();
    object([&](OStream &json) {
      json.attribute("ph", end.isTip ? "f" : "s");
      if (end.isTip)
        json.attribute("bp", "e");
      json.attribute("pid", 1);
      json.attribute("tid",
                     static_cast<std::int64_t>(end.isTip ? arrow.to.thread : arrow.from.thread));
      json.attribute("ts", end.time);
      json.attribute("id", static_cast<std::int64_t>(end.number));
      json.attribute("name", "data");
      json.attribute("cat", "data");
    });
  }

  void name(llvm::StringRef what, std::size_t thread, const std::string &text) {
    separate();
    object([&](OStream &json) {
      json.attribute("ph", "M");
      json.attribute("pid", 1);
      json.attribute("tid", static_cast<std::int64_t>(thread));
      json.attribute("name", what);
      json.attributeObject("args", [&] { json.attribute("name", jsonText(text)); });
    });
    if (what != "thread_name")
      return;
    separate();
    object([&](OStream &json) {
      json.attribute("ph", "M");
      json.attribute("pid", 1);
      json.attribute("tid", static_cast<std::int64_t>(thread));
      json.attribute("name", "thread_sort_index");
      json.attributeObject(
          "args", [&] { json.attribute("sort_index", static_cast<std::int64_t>(thread)); });
    });
  }

  void event(const Event &event) {
    const Slice &slice = *event.slice;
    separate();
    object([&](OStream &json) {
      json.attribute("ph", "X");
      json.attribute("pid", 1);
      json.attribute("tid", static_cast<std::int64_t>(event.thread));
      json.attribute("ts", slice.begin);
      json.attribute("dur", slice.end - slice.begin);
      json.attribute("name",
                     jsonText(slice.row != nullptr ? slice.row->operation : slice.layer->name));
      json.attribute("cat", llvm::StringRef(slice.category));
      json.attributeObject("args", [&] {
        if (slice.row == nullptr)
          json.attribute("operator", jsonText(slice.layer->operatorName));
        else
          arguments(json, *slice.layer, *slice.row);
      });
    });
  }

  static void arguments(OStream &json, const LayerEstimate &layer, const TimelineRow &row) {
    json.attribute("layer", jsonText(layer.name));
    json.attribute("instruction", jsonText(row.age));
    if (!row.operands.empty())
      json.attribute("operands", jsonText(row.operands));
    json.attributeArray("loops", [&] {
      for (const std::int64_t value : row.loops)
        json.value(value);
    });
    json.attribute("source", jsonText(row.place));
  }

  void separate() {
    out_ += isFirst_ ? "\n" : ",\n";
    isFirst_ = false;
  }

  /// Appends an object on one line.
  template <typename Write> void object(Write write) {
    llvm::raw_string_ostream stream(out_);
    OStream json(stream);
    json.object([&] { write(json); });
  }

  const NetworkEstimate &estimate_;
  std::vector<Track> tracks_;
  std::map<std::string, std::size_t> places_; ///< by unit: its first track
  std::vector<Arrow> arrows_;
  std::vector<ArrowEnd> ends_; ///< in the order of time
  std::string out_;
  bool isFirst_ = true;
};

} // namespace

std::optional<std::size_t> layerOfUnknownLength(const NetworkEstimate &estimate) {
  for (std::size_t i = 0; i + 1 < estimate.layers.size(); ++i)
    if (estimate.layers[i].isBounded())
      return i;
  return std::nullopt;
}

std::string traceJson(const NetworkEstimate &estimate, std::string_view version) {
  return TraceWriter(estimate).write(version);
}

} // namespace acadlc::report
