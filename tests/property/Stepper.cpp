#include "tests/property/Stepper.h"

#include "backend/timing/StorageModel.h"

#include <algorithm>

namespace acadlc::test {

namespace {

using arch::Arbitration;
using arch::ArchitectureGraph;
using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;
using program::Instruction;

struct Item {
  const Instruction *instruction = nullptr;
  program::InstructionId id = 0;
  std::int64_t index = 0;
  std::vector<std::int64_t> loopValues, addresses;
  std::vector<ObjectId> objects;
  enum State { NotFetched, Buffered, InStage, InUnit, Running, WantsSlot, InSlot, Finished };
  State state = NotFetched;
  std::size_t position = 0; ///< objects entered
  std::size_t request = 0;
  std::int64_t until = 0; ///< end of what it does in InStage, Running, InSlot
  timing::InstructionTimes times;
  [[nodiscard]] bool isIn(ObjectId object) const {
    return state > Buffered && state < Finished && objects[position - 1] == object;
  }
};

class Stepper {
public:
  Stepper(const ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), model_(graph) {
    program::InstructionStream stream(program);
    program::Instance instance;
    while (stream.next(instance)) {
      Item item;
      item.instruction = instance.instruction;
      item.id = instance.id;
      item.index = instance.index;
      item.loopValues.assign(instance.loopValues.begin(), instance.loopValues.end());
      const program::Route &route = program.routes[instance.instruction->route];
      item.objects = route.stages;
      item.objects.push_back(route.unit);
      for (const auto &operand : instance.instruction->memory)
        item.addresses.push_back(program.evaluate(operand.address, instance.loopValues));
      items_.push_back(std::move(item));
    }
    fetchStage_ = graph.fetchStage();
    fetchUnit_ = graph.contains[fetchStage_][0];
    fetchStorage_ = graph.readsFrom[fetchUnit_][0];
  }

  timing::Evaluation run(const timing::InstructionObserver &observer) {
    timing::Evaluation result;
    for (now_ = 0; first_ < items_.size(); ++now_) {
      releases();
      moveUntilStable();
      startFetch();
      moveUntilStable();
      while (first_ < items_.size() && items_[first_].state == Item::Finished)
        ++first_;
      if (first_ < items_.size() && !anythingRuns()) {
        result.deadlock.emplace();
        result.deadlock->time = now_;
        return result;
      }
    }
    for (const Item &item : items_) {
      result.cycles = std::max(result.cycles, item.times.finished);
      ++result.instructions;
      if (observer)
        observer({item.instruction, item.id, item.index, item.loopValues}, item.times);
    }
    return result;
  }

private:
  enum FetchState { Idle, InFetchUnit, WantsFetchSlot, InFetchSlot, InFetchStage };

  // Instructions that time is concerned with: fetched and perhaps not finished.
  template <typename Function> void forActive(Function function) {
    for (std::size_t i = first_; i < fetched_; ++i)
      function(items_[i]);
  }

  bool isBranch(const Item &item) const { return item.objects.back() == fetchUnit_; }

  bool anythingRuns() {
    bool runs = fetch_ == InFetchUnit || fetch_ == InFetchSlot || fetch_ == InFetchStage;
    forActive([&](const Item &item) {
      runs = runs || ((item.state == Item::InStage || item.state == Item::Running ||
                       item.state == Item::InSlot) &&
                      item.until > now_);
    });
    return runs;
  }

  void releases() {
    forActive([&](Item &item) {
      if (item.until != now_)
        return;
      if (item.state != Item::Running && item.state != Item::InSlot)
        return;
      if (item.state == Item::InSlot)
        ++item.request;
      if (item.request < item.instruction->requestCount())
        item.state = Item::WantsSlot;
      else
        finish(item);
    });
    if (fetch_ == InFetchUnit && fetchUntil_ == now_)
      fetch_ = WantsFetchSlot;
    if (fetch_ == InFetchSlot && fetchUntil_ == now_) {
      fetch_ = InFetchStage;
      fetchUntil_ = now_ + graph_.objects[fetchStage_].latency;
    }
    if (fetch_ == InFetchStage && fetchUntil_ == now_)
      deliver();
  }

  void deliver() {
    fetch_ = Idle;
    for (std::int64_t i = 0; i < width() && fetched_ < items_.size(); ++i) {
      Item &item = items_[fetched_++];
      item.state = Item::Buffered;
      item.times.fetched = now_;
      if (isBranch(item))
        return;
    }
  }

  void finish(Item &item) {
    item.state = Item::Finished;
    item.times.finished = now_;
  }

  std::int64_t width() const { return graph_.objects[fetchStorage_].portWidth; }

  void startFetch() {
    std::int64_t buffered = 0;
    bool branch = false;
    forActive([&](const Item &item) {
      buffered += item.state == Item::Buffered ? 1 : 0;
      branch = branch || (isBranch(item) && item.state != Item::Finished);
    });
    if (fetch_ != Idle || branch || fetched_ == items_.size() ||
        graph_.objects[fetchStage_].issueBufferSize - buffered < width())
      return;
    const std::int64_t latency = graph_.objects[fetchUnit_].latency;
    fetch_ = latency == 0 ? WantsFetchSlot : InFetchUnit;
    fetchUntil_ = now_ + latency;
  }

  void moveUntilStable() {
    while (startSomething() || enterSomething() || grantSomething()) {
    }
  }

  static bool overlap(const program::MemoryOperand &a, std::int64_t addressA,
                      const program::MemoryOperand &b, std::int64_t addressB) {
    return a.memory == b.memory && (a.isWrite || b.isWrite) && addressA < addressB + b.bytes &&
           addressB < addressA + a.bytes;
  }

  static bool depends(const Item &younger, const Item &older) {
    const auto meets = [](const auto &a, const auto &b) {
      return std::find_first_of(a.begin(), a.end(), b.begin(), b.end()) != a.end();
    };
    const Instruction &y = *younger.instruction, &o = *older.instruction;
    if (meets(y.reads, o.writes) || meets(y.writes, o.writes) || meets(y.writes, o.reads))
      return true;
    for (std::size_t i = 0; i < y.memory.size(); ++i)
      for (std::size_t j = 0; j < o.memory.size(); ++j)
        if (overlap(y.memory[i], younger.addresses[i], o.memory[j], older.addresses[j]))
          return true;
    return false;
  }

  bool startSomething() {
    for (std::size_t i = first_; i < fetched_; ++i) {
      Item &item = items_[i];
      if (item.state != Item::InUnit)
        continue;
      bool waits = false;
      for (std::size_t j = first_; j < i; ++j)
        waits = waits || (items_[j].state != Item::Finished && depends(item, items_[j]));
      if (waits)
        continue;
      item.state = Item::Running;
      item.times.started = now_;
      item.until = now_ + item.instruction->latency;
      return true;
    }
    return false;
  }

  /// Whether the object cannot take an instruction now.
  bool isOccupied(ObjectId id) {
    const Object &object = graph_.objects[id];
    bool occupied = false;
    forActive([&](const Item &item) {
      if (!item.isIn(id))
        return;
      const bool pipelined = object.objectClass == ObjectClass::FunctionalUnit &&
                             object.initiationInterval > 0 && item.state == Item::Running;
      if (!pipelined || now_ < item.times.started + object.initiationInterval)
        occupied = true;
    });
    return occupied;
  }

  bool wants(const Item &item, ObjectId id) {
    if (item.position == item.objects.size() || item.objects[item.position] != id)
      return false;
    if (item.state == Item::InStage)
      return item.until <= now_;
    return item.state == Item::Buffered;
  }

  std::size_t predecessors(ObjectId id) const {
    return static_cast<std::size_t>(
        std::count_if(graph_.edges.begin(), graph_.edges.end(), [id](const arch::Edge &edge) {
          return edge.target == id &&
                 (edge.kind == arch::EdgeKind::Forward || edge.kind == arch::EdgeKind::Contains);
        }));
  }

  bool enterSomething() {
    for (ObjectId id = 0; id < graph_.objects.size(); ++id)
      if ((arch::isStage(graph_.objects[id].objectClass) ||
           arch::isUnit(graph_.objects[id].objectClass)) &&
          !isOccupied(id) && enterInto(id))
        return true;
    return false;
  }

  bool enterInto(ObjectId id) {
    const Object &object = graph_.objects[id];
    const bool keepsOrder = predecessors(id) > 1 && object.arbitration == Arbitration::ProgramOrder;
    bool portBlocked = false;
    for (std::size_t i = first_; i < fetched_; ++i) {
      Item &item = items_[i];
      const auto begin = item.objects.begin() + static_cast<std::ptrdiff_t>(item.position);
      if (wants(item, id) && !(item.state == Item::Buffered && portBlocked)) {
        item.times.issued = item.state == Item::Buffered ? now_ : item.times.issued;
        ++item.position;
        item.state = arch::isUnit(object.objectClass) ? Item::InUnit : Item::InStage;
        if (item.state == Item::InUnit)
          item.times.entered = now_;
        else
          item.until = now_ + object.latency;
        return true;
      }
      if (item.state == Item::Buffered && item.objects[0] == id)
        portBlocked = true;
      // An older one that has still to pass comes first.
      if (keepsOrder && item.state != Item::Finished &&
          std::find(begin, item.objects.end(), id) != item.objects.end())
        return false;
    }
    return false;
  }

  std::int64_t inService(ObjectId storage) {
    std::int64_t count = fetch_ == InFetchSlot && fetchStorage_ == storage ? 1 : 0;
    forActive([&](const Item &item) {
      if (item.state == Item::InSlot && item.instruction->memory[item.request].storage == storage)
        ++count;
    });
    return count;
  }

  /// The oldest request of all that may be granted.
  bool grantSomething() {
    for (std::size_t i = first_; i < fetched_; ++i) {
      Item &item = items_[i];
      if (item.state != Item::WantsSlot)
        continue;
      const program::MemoryOperand &operand = item.instruction->memory[item.request];
      const Object &storage = graph_.objects[operand.storage];
      if (inService(operand.storage) >= storage.slots() || mustWaitAt(operand.storage, i))
        continue;
      item.state = Item::InSlot;
      item.until = now_ + service(item, operand, storage);
      return true;
    }
    if (fetch_ != WantsFetchSlot ||
        inService(fetchStorage_) >= graph_.objects[fetchStorage_].slots() ||
        mustWaitAt(fetchStorage_, fetched_))
      return false;
    fetch_ = InFetchSlot;
    fetchUntil_ = now_ + graph_.objects[fetchStorage_].readLatency;
    return true;
  }

  /// Whether a request of instruction number \p i has to wait for one of an older instruction that
  /// has not been granted, made or not.
  bool mustWaitAt(ObjectId storage, std::size_t i) {
    if (graph_.objects[storage].arbitration != Arbitration::ProgramOrder)
      return false;
    for (std::size_t j = first_; j < i; ++j) {
      const Item &item = items_[j];
      const auto &memory = item.instruction->memory;
      const std::size_t granted = item.request + (item.state == Item::InSlot ? 1 : 0);
      for (std::size_t k = granted;
           item.state != Item::Finished && k < item.instruction->requestCount(); ++k)
        if (memory[k].storage == storage)
          return true;
    }
    return false;
  }

  std::int64_t service(const Item &item, const program::MemoryOperand &operand,
                       const Object &storage) {
    if (storage.objectClass != ObjectClass::SRAM)
      return model_.serve(operand.storage,
                          {item.addresses[item.request], operand.bytes, operand.isWrite}, now_);
    const std::int64_t perTransaction = storage.dataWidth * storage.portWidth;
    const std::int64_t words = (operand.bytes * 8 + storage.dataWidth - 1) / storage.dataWidth;
    const std::int64_t count = std::max<std::int64_t>(
        1, (words * storage.dataWidth + perTransaction - 1) / perTransaction);
    return count * (operand.isWrite ? storage.writeLatency : storage.readLatency);
  }

  const ArchitectureGraph &graph_;
  timing::StorageModel model_;
  std::vector<Item> items_;
  std::size_t first_ = 0;   ///< all before have finished
  std::size_t fetched_ = 0; ///< all before have reached the buffer
  std::int64_t now_ = 0;
  ObjectId fetchStage_ = 0, fetchUnit_ = 0, fetchStorage_ = 0;
  FetchState fetch_ = Idle;
  std::int64_t fetchUntil_ = 0;
};

} // namespace

timing::Evaluation step(const ArchitectureGraph &graph, const program::Program &program,
                        const timing::InstructionObserver &observer) {
  return Stepper(graph, program).run(observer);
}

} // namespace acadlc::test
