#include "backend/timing/StorageModel.h"

#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

namespace acadlc::timing {

namespace {

using arch::ObjectId;
using test::CaseBuilder;

Request load(std::int64_t address, std::int64_t bytes) { return {address, bytes, false}; }
Request store(std::int64_t address, std::int64_t bytes) { return {address, bytes, true}; }

/// A cache of one set with two ways and lines of 16 bytes: hit 1, miss 3; below it an SRAM that
/// reads a line in 4 · 10 and writes it in 4 · 20 cycles.
struct CacheFixture {
  CacheFixture() {
    memory = builder.sram(10);
    builder.object(memory).writeLatency = 20;
    cache = builder.cache(1, 2, 16, 1, 3, memory);
  }
  StorageModel model() { return StorageModel(builder.graph()); }
  CaseBuilder builder;
  ObjectId memory, cache;
};

constexpr std::int64_t hit = 1, miss = 3, fill = 40, writeBack = 80, writeWord = 20;

} // namespace

TEST_CASE("a request makes transactions of whole words") {
  arch::Object storage;
  storage.dataWidth = 12;
  storage.portWidth = 2;
  CHECK(transactions(storage, 0) == 1);
  CHECK(transactions(storage, 3) == 1);
  CHECK(transactions(storage, 4) == 2);
  CHECK(transactions(storage, 6) == 2);
  CHECK(transactions(storage, 7) == 3);
  CHECK(transactions(storage, INT64_MAX) == StorageModel::overflow);
}

TEST_CASE("an SRAM takes its latency for each transaction") {
  CaseBuilder builder;
  const ObjectId memory = builder.sram(3);
  builder.object(memory).writeLatency = 5;
  StorageModel model(builder.graph());
  CHECK(model.serve(memory, load(0, 16), 100) == 12);
  CHECK(model.serve(memory, store(2, 5), 100) == 10);
  CHECK_FALSE(model.hasState(memory));
  CHECK(model.serve(memory, load(0, INT64_MAX), 0) == StorageModel::overflow);
}

TEST_CASE("DRAM rows are opened, kept open and closed for others") {
  CaseBuilder builder;
  // Column access 2, 2 banks, rows of 16 bytes, t_RCD 3, t_RP 5, t_RAS 20.
  const ObjectId dram = builder.dram(2, 1, 2, 16, 3, 5, 20);
  StorageModel model(builder.graph());
  CHECK(model.serve(dram, load(0, 4), 100) == 3 + 2);  // bank 0 was closed
  CHECK(model.serve(dram, load(4, 8), 105) == 2 * 2);  // the row is open
  CHECK(model.serve(dram, load(16, 4), 110) == 3 + 2); // bank 1
  // Row 1 of bank 0: precharge at 100 + 20, not at 115.
  CHECK(model.serve(dram, load(32, 4), 115) == 5 + 5 + 3 + 2);
  CHECK(model.banks(dram)[0] == Bank{true, 1, 125});
  // Long after that nothing but precharge and activation.
  CHECK(model.serve(dram, load(0, 4), 1000) == 5 + 3 + 2);
}

TEST_CASE("a DRAM request that spans rows opens each") {
  CaseBuilder builder;
  const ObjectId dram = builder.dram(2, 1, 2, 16, 3, 5, 0);
  StorageModel model(builder.graph());
  // Words at 8, 12 | 16, …, 28 | 32: frames 0, 1 and 2 = banks 0, 1 and 0 again.
  CHECK(model.serve(dram, load(8, 28), 0) == (3 + 2 * 2) + (3 + 4 * 2) + (5 + 3 + 2));
  // A transaction counts to the row of its first byte: 14 begins in frame 0, 18 in frame 1.
  StorageModel other(builder.graph());
  CHECK(other.serve(dram, load(14, 8), 0) == (3 + 2) + (3 + 2));
  CHECK(other.serve(dram, load(-16, 4), 50) == 5 + 3 + 2); // frame −1: row −1 of bank 1
}

TEST_CASE("a cache fills lines from below and then hits") {
  CacheFixture fixture;
  StorageModel model = fixture.model();
  CHECK(model.serve(fixture.cache, load(4, 4), 0) == miss + fill);
  CHECK(model.serve(fixture.cache, load(8, 4), 0) == hit);
  CHECK(model.serve(fixture.cache, load(12, 8), 0) == hit + miss + fill); // two lines
  CHECK(model.hasState(fixture.cache));
}

TEST_CASE("LRU and FIFO choose other victims") {
  for (const auto policy : {arch::ReplacementPolicy::LRU, arch::ReplacementPolicy::FIFO}) {
    CacheFixture fixture;
    fixture.builder.object(fixture.cache).replacement = policy;
    StorageModel model = fixture.model();
    model.serve(fixture.cache, load(0, 4), 0);
    model.serve(fixture.cache, load(16, 4), 0);
    model.serve(fixture.cache, load(0, 4), 0);
    model.serve(fixture.cache, load(32, 4), 0);
    const bool isLru = policy == arch::ReplacementPolicy::LRU;
    CHECK(model.serve(fixture.cache, load(0, 4), 0) == (isLru ? hit : miss + fill));
  }
}

TEST_CASE("write-back: dirty victims are written when they are replaced") {
  CacheFixture fixture;
  StorageModel model = fixture.model();
  CHECK(model.serve(fixture.cache, store(0, 4), 0) == miss + fill); // allocates
  CHECK(model.serve(fixture.cache, store(4, 4), 0) == hit);
  CHECK(model.serve(fixture.cache, load(16, 4), 0) == miss + fill);
  CHECK(model.serve(fixture.cache, load(32, 4), 0) == miss + writeBack + fill);
  CHECK(model.serve(fixture.cache, load(48, 4), 0) == miss + fill); // 16 was clean
}

TEST_CASE("write-through: every write goes below, no line gets dirty") {
  CacheFixture fixture;
  fixture.builder.object(fixture.cache).writeBack = false;
  StorageModel model = fixture.model();
  CHECK(model.serve(fixture.cache, store(0, 4), 0) == miss + fill + writeWord);
  CHECK(model.serve(fixture.cache, store(4, 8), 0) == hit + 2 * writeWord);
  model.serve(fixture.cache, load(16, 4), 0);
  CHECK(model.serve(fixture.cache, load(32, 4), 0) == miss + fill);
}

TEST_CASE("without write_allocate a write that misses goes below and leaves no line") {
  CacheFixture fixture;
  fixture.builder.object(fixture.cache).writeAllocate = false;
  StorageModel model = fixture.model();
  CHECK(model.serve(fixture.cache, store(0, 4), 0) == miss + writeWord);
  CHECK(model.serve(fixture.cache, load(0, 4), 0) == miss + fill);
  CHECK(model.serve(fixture.cache, store(0, 4), 0) == hit); // write-back: now there is a line
}

TEST_CASE("without a lower storage the latencies of a cache are totals") {
  CaseBuilder builder;
  const ObjectId cache = builder.cache(1, 1, 16, 2, 30, arch::noObject);
  StorageModel model(builder.graph());
  CHECK(model.serve(cache, store(0, 4), 0) == 30);
  CHECK(model.serve(cache, load(0, 4), 0) == 2);
  CHECK(model.serve(cache, load(16, 4), 0) == 30);
}

TEST_CASE("a cache over a DRAM asks it at the times at which its steps begin") {
  CaseBuilder builder;
  const ObjectId dram = builder.dram(2, 1, 1, 32, 3, 5, 20);
  const ObjectId cache = builder.cache(1, 1, 8, 1, 4, dram);
  StorageModel model(builder.graph());
  // The fill begins at 104; a line is two transactions.
  CHECK(model.serve(cache, store(0, 4), 100) == 4 + 3 + 2 * 2);
  CHECK(model.banks(dram)[0].activated == 104);
  // Written back at 110 into the open row; then the other row, precharged at 104 + 20.
  CHECK(model.serve(cache, load(64, 4), 106) == (4 + 2 * 2) + (124 - 114) + (5 + 3 + 2 * 2));
}

TEST_CASE("what a cache asks below is noted down for each request, if that is wanted") {
  CacheFixture fixture;
  StorageModel model = fixture.model();
  model.serve(fixture.cache, load(0, 4), 0);
  CHECK(model.lowerRequests().empty()); // nobody wanted it
  model.noteLowerRequests();
  model.serve(fixture.cache, load(0, 4), 0);
  CHECK(model.lowerRequests().empty());         // a hit
  model.serve(fixture.cache, store(16, 32), 0); // two lines, both dirty; the first is gone
  REQUIRE(model.lowerRequests().size() == 1);
  CHECK_FALSE(model.lowerRequests()[0].isWrite);
  CHECK(model.lowerRequests()[0].storage == fixture.memory);
  CHECK(model.lowerRequests()[0].count == 2);
  CHECK(model.lowerRequests()[0].bytes == 32);
  model.serve(fixture.cache, load(0, 4), 0); // gives one back, fills another
  REQUIRE(model.lowerRequests().size() == 2);
  CHECK(model.lowerRequests()[0].isWrite);
  CHECK(model.lowerRequests()[0].bytes == 16);
  CHECK(model.lowerRequests()[1].bytes == 16);
}

TEST_CASE("caches may stand above caches") {
  CaseBuilder builder;
  const ObjectId memory = builder.sram(50);
  const ObjectId outer = builder.cache(4, 1, 16, 5, 6, memory);
  const ObjectId inner = builder.cache(1, 1, 8, 1, 2, outer);
  StorageModel model(builder.graph());
  CHECK(model.serve(inner, load(0, 4), 0) == 2 + 6 + 4 * 50);
  CHECK(model.serve(inner, load(8, 4), 0) == 2 + 5);
}

} // namespace acadlc::timing
