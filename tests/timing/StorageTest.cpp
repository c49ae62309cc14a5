// docs/timing.md, "Storages". A test's name quotes the section and the decision; what stands in
// brackets in a comment is the number that another decision would give.
//
// On all machines here what comes first in its lane enters its unit at 3 and makes its request at
// 4; the next of the same lane enters when it has finished and asks one cycle later.

#include "tests/timing/TimingCase.h"

#include <doctest/doctest.h>

#include <string>

namespace acadlc::test {

namespace {

/// \p lanes lanes with access units on `storage`, each a port; eight instructions a fetch.
std::string lanesOn(const std::string &storage, int lanes = 1) {
  return storage + "\n front: Front(width = 8)\n lane[" + std::to_string(lanes) +
         "]: MemoryLane()\n"
         "for i in 0 .. " +
         std::to_string(lanes) +
         " {\n front.issue -> lane[i].issue\n storage => lane[i].reads\n"
         "lane[i].writes => storage\n registers => lane[i].operands\n}\n";
}

/// Emits on lane 0, one after the other.
std::string onLane0(std::initializer_list<const char *> instructions) {
  std::string text;
  for (const char *instruction : instructions)
    text += "emit " + std::string(instruction) + " on arch.lane[0].unit\n";
  return text;
}

std::string sram(const std::string &attributes, int lanes = 1) {
  return lanesOn("storage: SRAM { size = 4 KiB, " + attributes + " }", lanes);
}

/// Words of \p word bits, rows of 16 bytes in \p banks banks; reads take 2 cycles, writes 3; t_RCD
/// 5, t_RP 7, t_RAS 20.
std::string dram(int banks, int lanes = 1, const std::string &word = "32") {
  return lanesOn("storage: DRAM { data_width = " + word +
                     " bit, size = 4 KiB, row_size = 16 bytes, banks = " + std::to_string(banks) +
                     ",\n read_latency = 2 cycles, write_latency = 3 cycles, t_rcd = 5 cycles,\n"
                     " t_rp = 7 cycles, t_ras = 20 cycles, read_write_ports = " +
                     std::to_string(lanes) + " }",
                 lanes);
}

/// A cache with lines of 16 bytes over an SRAM that reads a line in 1 cycle: a hit takes 1 cycle, a
/// miss 6 + 1. So a lane needs 2 cycles for each hit and 8 for each miss from the first entry, at
/// 3, on.
std::string quickCache(const std::string &attributes) {
  return lanesOn(
      "storage: SetAssociativeCache { cache_line_size = 16 bytes,\n"
      " hit_latency = 1 cycle, miss_latency = 6 cycles, " +
      attributes +
      " }\n"
      "memory: SRAM { data_width = 128 bit, size = 4 KiB }\n memory => storage => memory");
}

/// A cache of one line of 16 bytes (hit 1, miss 2) over an SRAM of 32-bit words that reads in 5 and
/// writes in 3 cycles: a line takes 20 to read and 12 to write, a word 3 to write.
std::string cacheOverSram(const std::string &attributes = "", int lanes = 1, int slots = 1) {
  const std::string count = std::to_string(slots);
  return lanesOn("storage: SetAssociativeCache { data_width = 32 bit, cache_line_size = 16 bytes,\n"
                 " sets = 1, ways = 1, hit_latency = 1 cycle, miss_latency = 2 cycles,\n"
                 " read_write_ports = " +
                     count + attributes +
                     " }\n"
                     "memory: SRAM { data_width = 32 bit, size = 4 KiB, read_latency = 5 cycles,\n"
                     " write_latency = 3 cycles, read_write_ports = " +
                     count + " }\n memory => storage => memory",
                 lanes);
}

} // namespace

TEST_CASE("timing: Storages: slots are the smaller of max_concurrent_requests and ports") {
  const auto finished = [](const std::string &attributes) {
    return timesOf(sram("data_width = 32 bit, read_latency = 4 cycles, " + attributes, 3),
                   "for i in 0 .. 3 { emit load(arch.storage[8 * i .. 8 * i + 4]) on "
                   "arch.lane[i].unit }")
        .finished;
  };
  // [4, 8), [4, 8), and what finds no slot [8, 12).
  CHECK(finished("read_write_ports = 2, max_concurrent_requests = 3") == Cycles{8, 8, 12});
  CHECK(finished("read_write_ports = 3, max_concurrent_requests = 2") == Cycles{8, 8, 12});
  CHECK(finished("read_write_ports = 3, max_concurrent_requests = 3") == Cycles{8, 8, 8});
  CHECK(finished("read_write_ports = 3") == Cycles{8, 8, 8});
}

TEST_CASE("timing: Storages: a slot that becomes free in cycle g can be granted in cycle g") {
  // (A cycle later: 8, 13, 18.)
  CHECK(timesOf(sram("data_width = 32 bit, read_latency = 4 cycles", 3),
                "for i in 0 .. 3 { emit load(arch.storage[8 * i .. 8 * i + 4]) on "
                "arch.lane[i].unit }")
            .finished == Cycles{8, 12, 16});
}

TEST_CASE("timing: Storages: a request takes ⌈⌈8·b / data_width⌉ / port_width⌉ transactions") {
  const std::string machine =
      sram("data_width = 24 bit, port_width = 2 words, read_latency = 3 cycles");
  const auto finished = [&](const std::string &bytes) {
    return timesOf(machine, "emit load(arch.storage[" + bytes + "])").cycles;
  };
  CHECK(finished("0 .. 1") == 4 + 3);
  CHECK(finished("0 .. 6") == 4 + 3);  // 2 words
  CHECK(finished("0 .. 7") == 4 + 6);  // 3 words
  CHECK(finished("0 .. 12") == 4 + 6); // 4 words
  CHECK(finished("0 .. 13") == 4 + 9); // 5 words
}

TEST_CASE("timing: Storages: a request takes at least one transaction, or one line of a cache") {
  // No description can ask for 0 bytes. Request at 3 (the builder's fetch takes 1 cycle): 5 cycles
  // of the SRAM; the lone cache misses once, 7. (No time: 3.)
  CaseBuilder builder;
  builder.fetch({2, 2});
  const arch::ObjectId memory = builder.sram(5);
  const arch::ObjectId cache = builder.cache(1, 1, 16, 1, 7, arch::noObject);
  for (const arch::ObjectId storage : {memory, cache}) {
    const arch::ObjectId stage = builder.stage(1, {builder.fetchStage()});
    builder.emit({stage}, builder.accessUnit(stage, 1, {storage})).memory = {
        builder.access(storage, 0, 0, false)};
  }
  CHECK(timesOf(builder).finished == Cycles{8, 10});
}

TEST_CASE("timing: Storages: wherever the request begins within a word") {
  // 8 bytes are 2 words, though they lie in 3. (By words touched: 4 + 9.)
  CHECK(timesOf(sram("data_width = 32 bit, read_latency = 3 cycles"),
                "emit load(arch.storage[2 .. 10])")
            .cycles == 4 + 6);
}

TEST_CASE("timing: Storages: a cache's data_width has no effect on time") {
  // Eight bytes of one line: a miss, then a hit. (A transaction for each byte: 4 + 8 · 7.)
  const std::string machine = quickCache("data_width = 8 bit, sets = 1, ways = 1");
  CHECK(timesOf(machine, onLane0({"load(arch.storage[0 .. 8])", "load(arch.storage[8 .. 16])"}))
            .finished == Cycles{11, 13});
}

TEST_CASE("timing: Storages: SRAM: transactions times read_latency or write_latency") {
  const std::string machine =
      sram("data_width = 32 bit, read_latency = 3 cycles, write_latency = 7 cycles");
  CHECK(timesOf(machine, "emit load(arch.storage[0 .. 8])").cycles == 4 + 2 * 3);
  CHECK(timesOf(machine, "emit store(arch.storage[0 .. 8])").cycles == 4 + 2 * 7);
}

TEST_CASE("timing: Storages: DRAM: a closed bank is activated first, its row stays open") {
  // At 4: 5 + 2. At 12: 2. (Rows closed behind each request: 19.)
  CHECK(timesOf(dram(1), onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[4 .. 8])"}))
            .finished == Cycles{11, 14});
}

TEST_CASE("timing: Storages: DRAM: another row waits for t_RAS, t_RP and t_RCD") {
  // Row 0 is activated at 4. Row 1 is asked for at 12: precharge at 4 + 20 = 24, then 7 + 5 + 2.
  // (Without t_RAS: 12 + 14 = 26.)
  CHECK(timesOf(dram(1), onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[16 .. 20])"}))
            .finished == Cycles{11, 38});
  // Asked for at 27, behind t_RAS: precharge at once, 14. (Always t_RAS from there: 61.)
  CHECK(timesOf(dram(1), onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[4 .. 8])",
                                  "load(arch.storage[4 .. 8])", "load(arch.storage[4 .. 8])",
                                  "load(arch.storage[4 .. 8])", "load(arch.storage[4 .. 8])",
                                  "load(arch.storage[16 .. 20])"}))
            .cycles == 27 + 14);
}

TEST_CASE("timing: Storages: DRAM: a row counts as activated at precharge + t_RP") {
  // Row 1 has been activated at 24 + 7 = 31; row 0 is asked for at 39: precharge at 31 + 20 = 51,
  // then 14. (Counted from the precharge: 58. From the end of t_RCD: 70.)
  CHECK(timesOf(dram(1), onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[16 .. 20])",
                                  "load(arch.storage[0 .. 4])"}))
            .finished == Cycles{11, 38, 65});
}

TEST_CASE("timing: Storages: DRAM: rows are interleaved over the banks") {
  // Frames 0, 1, 2, 0: banks 0, 1, 0, 0. At 4: 5 + 2. At 12, another bank: 5 + 2. At 20, frame 2 is
  // row 1 of bank 0: precharge at 24, 14. At 39 row 0 again: precharge at 51, 14.
  // (Halves of the memory as banks: 38 for the second.)
  CHECK(timesOf(dram(2), onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[16 .. 20])",
                                  "load(arch.storage[32 .. 36])", "load(arch.storage[0 .. 4])"}))
            .finished == Cycles{11, 19, 38, 65});
}

TEST_CASE("timing: Storages: DRAM: transactions follow one another, each in its own row") {
  // Bytes 12 to 20: words at 12 (bank 0) and 16 (bank 1), 5 + 2 each. (One row for all: 13. Both
  // banks at once: 11.)
  CHECK(timesOf(dram(2), "emit load(arch.storage[12 .. 20])").cycles == 4 + 7 + 7);
  CHECK(timesOf(dram(2), "emit load(arch.storage[8 .. 16])").cycles == 4 + 7 + 2);
}

TEST_CASE("timing: Storages: DRAM: a transaction lies in the row that holds its first byte") {
  // Bytes 10 to 18 are transactions at 10 and 14, both in row frame 0, though bytes 16 and 17 are
  // not. (A transaction for each row touched, or words of the memory: 18.)
  CHECK(timesOf(dram(2), "emit load(arch.storage[10 .. 18])").cycles == 4 + 5 + 2 + 2);
  // Words of 12 bits: the second of 3 bytes at 14 begins ⌊1.5⌋ bytes behind it, at 15. (Rounded up:
  // 16, another bank, 18.)
  CHECK(timesOf(dram(2, 1, "12"), "emit load(arch.storage[14 .. 17])").cycles == 4 + 5 + 2 + 2);
}

TEST_CASE("timing: Storages: DRAM: the column access of a write takes write_latency") {
  CHECK(timesOf(dram(1), "emit store(arch.storage[0 .. 4])").cycles == 4 + 5 + 3);
}

TEST_CASE("timing: Storages: DRAM: there is no refresh") {
  // The row is open after a million cycles. (Closed by then: 5 cycles more.)
  const Timeline times = timesOf(
      dram(1) + "\n other: Lane()\n front.issue -> other.issue\n other.results => registers",
      onLane0({"load(arch.storage[0 .. 4])"}) +
          "emit set_in(arch.registers.a, 1_000_000) on arch.other.unit\n" +
          onLane0({"load_if(arch.storage[4 .. 8], arch.registers.a)"}));
  CHECK(times.finished == Cycles{11, 1'000'003, 1'000'003 + 1 + 2});
}

TEST_CASE("timing: Storages: DRAM: slots see the rows in the order of grants") {
  // Both are granted at 4. The older one activates the row; for the younger one it is open: 4 + 2.
  // (Each waits for the activation: 11, 11.)
  CHECK(timesOf(dram(1, 2), "emit load(arch.storage[0 .. 4]) on arch.lane[0].unit\n"
                            "emit load(arch.storage[4 .. 8]) on arch.lane[1].unit")
            .finished == Cycles{11, 6});
}

TEST_CASE("timing: Storages: cache: without a lower storage the latencies are totals") {
  // A description's operands lie in memories, so this cache stands in no description. Its requests
  // are made at 3, 11 and 13: a store that misses, 7, and two hits. Nothing is filled or written.
  CaseBuilder builder;
  builder.fetch({3, 3});
  const arch::ObjectId cache = builder.cache(1, 1, 16, 1, 7, arch::noObject);
  const arch::ObjectId stage = builder.stage(1, {builder.fetchStage()});
  const arch::ObjectId unit = builder.accessUnit(stage, 1, {cache});
  builder.emit({stage}, unit).memory = {builder.access(cache, 0, 4, true)};
  builder.emit({stage}, unit).memory = {builder.access(cache, 4, 4, false)};
  builder.emit({stage}, unit).memory = {builder.access(cache, 8, 4, true)};
  CHECK(timesOf(builder).finished == Cycles{10, 12, 14});
}

TEST_CASE("timing: Storages: a unit asks the storage that the text names") {
  // The lane has edges to the cache and to the memory below. Through the cache: a miss of 6 + 1,
  // then a hit; 1 cycle of the unit each. The memory itself: 1 cycle each, so 5 and 7 in both.
  const std::string objects =
      quickCache("data_width = 32 bit, sets = 1, ways = 1") + "memory => lane[0].reads\n";
  CHECK(timesOf(objects, onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[4 .. 8])"}))
            .finished == Cycles{11, 13});
  CHECK(timesOf(objects, onLane0({"load(arch.memory[0 .. 4])", "load(arch.memory[4 .. 8])"}))
            .finished == Cycles{5, 7});
  // Buffers lie in memories.
  CHECK(timesOf(objects,
                "buffer row[8]: int32 in arch.memory\n" + onLane0({"load(row[0])", "load(row[1])"}))
            .finished == Cycles{5, 7});
  // Without an edge to the memory, naming it means the cache.
  CHECK(timesOf(quickCache("data_width = 32 bit, sets = 1, ways = 1"),
                onLane0({"load(arch.memory[0 .. 4])", "load(arch.memory[4 .. 8])"}))
            .finished == Cycles{11, 13});
}

TEST_CASE("timing: Storages: cache: lines are taken one after the other, in address order") {
  // 2 misses, then the second line is in the cache. (At once: 11. The lines in reverse order would
  // leave the first one in the cache: 27 at the end.)
  CHECK(timesOf(quickCache("data_width = 32 bit, sets = 1, ways = 1"),
                onLane0({"load(arch.storage[12 .. 20])", "load(arch.storage[16 .. 20])"}))
            .finished == Cycles{18, 20});
}

TEST_CASE("timing: Storages: cache: line n lies in set n mod sets") {
  // Lines 0 and 1 have sets of their own, lines 0 and 2 share one: 3 + 8 + 8 + 2 or + 8.
  CHECK(timesOf(quickCache("data_width = 32 bit, sets = 2, ways = 1"),
                onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[16 .. 20])",
                         "load(arch.storage[0 .. 4])"}))
            .cycles == 21);
  CHECK(timesOf(quickCache("data_width = 32 bit, sets = 2, ways = 1"),
                onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[32 .. 36])",
                         "load(arch.storage[0 .. 4])"}))
            .cycles == 27);
}

TEST_CASE("timing: Storages: cache: a hit counts as a use for LRU, not for FIFO") {
  // Lines 0, 1, 0, 2: LRU replaces 1, FIFO replaces 0. Then 0 hits or misses:
  // 3 + 8 + 8 + 2 + 8 + 2 or + 8.
  const auto cycles = [](const std::string &policy) {
    return timesOf(quickCache("data_width = 32 bit, sets = 1, ways = 2, replacement_policy = " +
                              policy),
                   onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[16 .. 20])",
                            "load(arch.storage[0 .. 4])", "load(arch.storage[32 .. 36])",
                            "load(arch.storage[0 .. 4])"}))
        .cycles;
  };
  CHECK(cycles("lru") == 31);
  CHECK(cycles("fifo") == 37);
}

TEST_CASE("timing: Storages: cache: a miss takes miss_latency, then a read of the line below") {
  // 4 + 2 + 20. Then a hit: 27 + 1. (The requested word only: 11. hit_latency on top: 27.)
  CHECK(timesOf(cacheOverSram(),
                onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[8 .. 12])"}))
            .finished == Cycles{26, 28});
}

TEST_CASE("timing: Storages: cache: a dirty victim is written below before the line is read") {
  // The store allocates: 4 + 2 + 20. The load at 27 replaces its line: 2 + 12 + 20. The load at 62
  // replaces a clean one: 2 + 20. (Without the write: 49. The written bytes only: 52.)
  CHECK(timesOf(cacheOverSram(),
                onLane0({"store(arch.storage[0 .. 4])", "load(arch.storage[16 .. 20])",
                         "load(arch.storage[32 .. 36])"}))
            .finished == Cycles{26, 61, 84});
}

TEST_CASE("timing: Storages: cache: a store that hits makes its line dirty with write-back") {
  // 26; store at 27: 1; load at 29: 2 + 12 + 20. Without write_allocate too: the line is there.
  const std::string program = onLane0({"load(arch.storage[0 .. 4])", "store(arch.storage[0 .. 4])",
                                       "load(arch.storage[16 .. 20])"});
  CHECK(timesOf(cacheOverSram(), program).finished == Cycles{26, 28, 63});
  CHECK(timesOf(cacheOverSram(", write_allocate = false"), program).finished == Cycles{26, 28, 63});
}

TEST_CASE("timing: Storages: cache: without write_allocate a store that misses keeps no line") {
  // 4 + 2 + 3; the load at 10 misses: 2 + 20.
  CHECK(timesOf(cacheOverSram(", write_allocate = false"),
                onLane0({"store(arch.storage[0 .. 4])", "load(arch.storage[0 .. 4])"}))
            .finished == Cycles{9, 32});
  // The bytes of each line by themselves: 4 + (2 + 3) + (2 + 3). (All together: 4 + 2 + 2 · 3.)
  CHECK(timesOf(cacheOverSram(", write_allocate = false"), "emit store(arch.storage[12 .. 20])")
            .cycles == 14);
}

TEST_CASE("timing: Storages: cache: write-through writes the request's bytes below, last") {
  // Miss: 4 + 2 + 20 + 3. Hit at 30: 1 + 2 · 3. The load at 38 finds no dirty line: 2 + 20.
  // (Dirty: 72. The whole line written: 38 for the first.)
  CHECK(timesOf(cacheOverSram(", write_back = false"),
                onLane0({"store(arch.storage[0 .. 4])", "store(arch.storage[0 .. 8])",
                         "load(arch.storage[16 .. 20])"}))
            .finished == Cycles{29, 37, 60});
  // Without a line nothing is written twice: 4 + 2 + 3. (Twice: 12.)
  CHECK(timesOf(cacheOverSram(", write_back = false, write_allocate = false"),
                "emit store(arch.storage[0 .. 4])")
            .cycles == 9);
}

TEST_CASE("timing: Storages: cache: what is below is asked at the moment of its step") {
  // Past the cache, row 0 of the DRAM is activated at 4: 5 + 2. Through the cache a request made at
  // 3 + 9 misses and asks for row 1 at 14: precharge at 4 + 20 = 24, then 7 + 5 + 2 · 2. (Asked at
  // the grant, the same precharge, and miss_latency on top: 42.)
  const std::string machine =
      lanesOn("storage: SetAssociativeCache { data_width = 32 bit, cache_line_size = 8 bytes,\n"
              " sets = 1, ways = 1, hit_latency = 1 cycle, miss_latency = 2 cycles }\n"
              "memory: DRAM { data_width = 32 bit, size = 4 KiB, row_size = 16 bytes,\n"
              " read_latency = 2 cycles, t_rcd = 5 cycles, t_rp = 7 cycles, t_ras = 20 cycles,\n"
              " read_write_ports = 2 }\n memory => storage => memory",
              2) +
      "memory => lane[1].reads";
  CHECK(timesOf(machine, "emit load(arch.memory[0 .. 4]) on arch.lane[1].unit\n"
                         "emit load_in(arch.storage[16 .. 20], 9) on arch.lane[0].unit")
            .finished == Cycles{11, 40});
}

TEST_CASE("timing: Storages: cache: the lower storage may be a cache itself") {
  // Lines of 16 bytes here, of 64 below (hit 3, miss 29 + 1). Misses in both: 4 + 2 + 30; then here
  // only: 37 + 2 + 3.
  const std::string machine =
      lanesOn("storage: SetAssociativeCache { data_width = 32 bit, cache_line_size = 16 bytes,\n"
              " sets = 1, ways = 1, hit_latency = 1 cycle, miss_latency = 2 cycles }\n"
              "outer: SetAssociativeCache { data_width = 32 bit, cache_line_size = 64 bytes,\n"
              " sets = 1, ways = 1, hit_latency = 3 cycles, miss_latency = 29 cycles }\n"
              "memory: SRAM { data_width = 512 bit, size = 4 KiB }\n"
              "memory => outer => memory\n outer => storage => outer");
  CHECK(timesOf(machine, onLane0({"load(arch.storage[0 .. 4])", "load(arch.storage[16 .. 20])"}))
            .finished == Cycles{36, 42});
}

TEST_CASE("timing: Storages: cache: a request holds its slot until all of that is done") {
  // One slot: a miss in [4, 26), then a hit. (Free behind miss_latency: 7.)
  CHECK(timesOf(cacheOverSram("", 2), "emit load(arch.storage[0 .. 4]) on arch.lane[0].unit\n"
                                      "emit load(arch.storage[4 .. 8]) on arch.lane[1].unit")
            .finished == Cycles{26, 27});
}

TEST_CASE("timing: Storages: cache: tags change at the grant") {
  // Two slots: while the line is on its way for instruction 0, it is a hit for 1. (Tags change at
  // the end, or the hit waits for the line: 26.)
  CHECK(timesOf(cacheOverSram("", 2, 2), "emit load(arch.storage[0 .. 4]) on arch.lane[0].unit\n"
                                         "emit load(arch.storage[4 .. 8]) on arch.lane[1].unit")
            .finished == Cycles{26, 5});
}

TEST_CASE(
    "timing: Storages: cache: of several grants in a cycle the oldest instruction's is first") {
  // Both inner caches miss at 4 and share one line of the outer cache: the older instruction misses
  // there, 2 + 30, the younger one hits, 2 + 3, whichever cache is declared first.
  // (In the order of declaration: both cases give the same two numbers changed.)
  const std::string inner =
      ": SetAssociativeCache { data_width = 32 bit, cache_line_size = 16 bytes,\n"
      " sets = 1, ways = 1, hit_latency = 1 cycle, miss_latency = 2 cycles }\n";
  const std::string machine =
      "front: Front(width = 2)\n x: MemoryLane()\n y: MemoryLane()\n"
      "front.issue -> [x.issue, y.issue]\n one" +
      inner + "two" + inner +
      "outer: SetAssociativeCache { data_width = 32 bit, cache_line_size = 64 bytes, sets = 1,\n"
      " ways = 1, hit_latency = 3 cycles, miss_latency = 29 cycles, read_write_ports = 2 }\n"
      "memory: SRAM { data_width = 512 bit, size = 4 KiB, read_write_ports = 2 }\n"
      "memory => outer => [one, two]\n one => x.reads\n two => y.reads";
  const std::string onX = "emit load(arch.one[0 .. 4]) on arch.x.unit\n";
  const std::string onY = "emit load(arch.two[0 .. 4]) on arch.y.unit\n";
  CHECK(timesOf(machine, onX + onY).finished == Cycles{36, 9});
  CHECK(timesOf(machine, onY + onX).finished == Cycles{36, 9});
}

TEST_CASE("timing: Storages: a storage below a cache needs slots for all who may ask it at once") {
  const auto machine = [](int cacheSlots, int memorySlots) {
    return lanesOn(
               "storage: SetAssociativeCache { data_width = 32 bit, cache_line_size = 16 bytes,\n"
               " sets = 1, ways = 1, hit_latency = 1 cycle, miss_latency = 2 cycles,\n"
               " read_write_ports = " +
                   std::to_string(cacheSlots) +
                   " }\n"
                   "memory: SRAM { data_width = 32 bit, size = 4 KiB, read_latency = 5 cycles,\n"
                   " read_write_ports = " +
                   std::to_string(memorySlots) + " }\n memory => storage",
               2) +
           "memory => lane[1].reads";
  };
  const std::string through = "emit load(arch.storage[0 .. 4]) on arch.lane[0].unit\n";
  const std::string past = "emit load(arch.memory[32 .. 36]) on arch.lane[1].unit\n";
  CHECK(errorsOf(machine(1, 1), through) == "");
  CHECK(errorsOf(machine(2, 1), through) == "E0604");
  CHECK(errorsOf(machine(1, 1), through + past) == "E0604");
  CHECK(errorsOf(machine(2, 2), through + past) == "E0604");
  // Then neither waits for the other: 4 + 2 + 20 and 4 + 5. (One after the other: 31.)
  CHECK(timesOf(machine(1, 2), through + past).finished == Cycles{26, 9});
}

TEST_CASE("timing: Storages: fetching counts among those who ask a storage below a cache") {
  const auto machine = [](int slots) {
    return "memory: SRAM { data_width = 32 bit, size = 4 KiB, read_write_ports = " +
           std::to_string(slots) +
           " }\n"
           "fetch: InstructionFetchStage { issue_buffer_size = 2 } contains {\n"
           "  fetcher: InstructionMemoryAccessUnit\n}\n"
           "cache: SetAssociativeCache { data_width = 32 bit, cache_line_size = 16 bytes,\n"
           " sets = 1, ways = 1, hit_latency = 1 cycle, miss_latency = 2 cycles }\n"
           "lane: MemoryLane()\n fetch -> lane.issue\n"
           "memory => [fetcher, cache]\n cache => lane.reads";
  };
  const std::string twoLoads = "emit load(arch.cache[0 .. 4]) emit load(arch.cache[64 .. 68])";
  CHECK(errorsOf(machine(1), twoLoads) == "E0604");
  // Fetches do not wait for lines: [0, 2), [2, 4). Misses at 4 and 11: 2 + 4 words.
  const Timeline times = timesOf(machine(2), twoLoads);
  CHECK(times.fetched == Cycles{2, 4});
  CHECK(times.finished == Cycles{10, 17});
}

} // namespace acadlc::test
