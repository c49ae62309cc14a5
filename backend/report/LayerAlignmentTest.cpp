#include "backend/report/LayerAlignment.h"

#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

using namespace acadlc;
using namespace acadlc::report;

namespace {

using Partners = std::vector<std::optional<std::size_t>>;
constexpr auto none = std::nullopt;

StoredLayer layer(std::string name, std::int64_t extent, std::int64_t cycles = 1) {
  StoredLayer result;
  result.name = std::move(name);
  result.operatorName = "dense";
  result.dimensions = {{"M", extent}, {"B", 1}};
  result.mapping = "matmul";
  result.cycles.exact = cycles;
  return result;
}

/// The length of the longest common subsequence of extents, by trying everything.
std::size_t longest(const std::vector<StoredLayer> &before, const std::vector<StoredLayer> &after,
                    std::size_t i, std::size_t j) {
  if (i == before.size() || j == after.size())
    return 0;
  const std::size_t skipped =
      std::max(longest(before, after, i + 1, j), longest(before, after, i, j + 1));
  return before[i].dimensions != after[j].dimensions
             ? skipped
             : std::max(skipped, 1 + longest(before, after, i + 1, j + 1));
}

} // namespace

TEST_CASE("what a layer computes decides, not its name") {
  // A printer numbers again: an operator that stands between moves the names on.
  const std::vector<StoredLayer> before{layer("lv", 64), layer("lv1", 256), layer("lv2", 8)};
  const std::vector<StoredLayer> after{layer("lv", 64), layer("lv2", 256), layer("lv4", 8)};
  CHECK(alignLayers(before, after) == Partners{0, 1, 2});
}

TEST_CASE("of equal layers, those of equal mappings, names and cycles are partners") {
  StoredLayer other = layer("b", 4);
  other.mapping = "other";
  CHECK(alignLayers({layer("a", 4), other}, {layer("b", 4)}) == Partners{0});
  CHECK(alignLayers({layer("a", 4), layer("b", 4)}, {layer("b", 4)}) == Partners{1});
  CHECK(alignLayers({layer("a", 4, 5), layer("b", 4, 7)}, {layer("c", 4, 7)}) == Partners{1});
  CHECK(alignLayers({layer("b", 4)}, {layer("a", 4), layer("b", 4)}) == Partners{none, 0});
}

TEST_CASE("one pair more counts more than names that agree") {
  CHECK(alignLayers({layer("a", 4), layer("b", 5), layer("c", 4)},
                    {layer("c", 4), layer("d", 5)}) == Partners{0, 1});
  CHECK(alignLayers({layer("a", 4), layer("b", 8)},
                    {layer("c", 4), layer("a", 4), layer("d", 8)}) == Partners{none, 0, 1});
}

TEST_CASE("an index of one value is no other dimension") {
  StoredLayer plain = layer("a", 4);
  plain.dimensions.erase("B");
  CHECK(alignLayers({layer("x", 4)}, {plain}) == Partners{0});
}

TEST_CASE("another operator is another layer") {
  StoredLayer conv = layer("a", 4);
  conv.operatorName = "conv2d";
  CHECK(alignLayers({layer("a", 4)}, {conv}) == Partners{none});
}

TEST_CASE("layers that have moved are found, those of the same name first") {
  CHECK(alignLayers({layer("a", 2), layer("b", 3), layer("c", 4)},
                    {layer("x", 4), layer("y", 2), layer("z", 3)}) == Partners{2, 0, 1});
  CHECK(alignLayers({layer("p", 2), layer("q", 2), layer("c", 3), layer("d", 4), layer("e", 5)},
                    {layer("c", 3), layer("d", 4), layer("e", 5), layer("q", 2)}) ==
        Partners{2, 3, 4, 1});
}

TEST_CASE("a layer of the same name between the same partners has changed its dimensions") {
  CHECK(alignLayers({layer("a", 2), layer("b", 3), layer("c", 4)},
                    {layer("a", 2), layer("b", 9), layer("c", 4)}) == Partners{0, 1, 2});
  CHECK(alignLayers({layer("a", 2), layer("b", 3)}, {layer("a", 20), layer("b", 30)}) ==
        Partners{0, 1});
  // On the other side of a partner the name means another layer.
  CHECK(alignLayers({layer("b", 3), layer("c", 4)}, {layer("c", 4), layer("b", 9)}) ==
        Partners{1, none});
}

TEST_CASE("long lists are paired without a table") {
  std::vector<StoredLayer> before, after;
  for (int i = 0; i < 50; ++i) {
    before.push_back(layer("v" + std::to_string(i), i % 7 + 2));
    after.push_back(layer("w" + std::to_string(i), i % 7 + 2));
  }
  before.push_back(layer("end", 100));
  after.push_back(layer("end", 200));
  Partners expected;
  for (std::size_t i = 0; i <= 50; ++i)
    expected.emplace_back(i);
  CHECK(alignLayers(before, after, 100) == expected);
  CHECK(alignLayers(before, after) == expected);
  CHECK(alignLayers({}, after, 100) == Partners(after.size()));
  CHECK(alignLayers(before, {}, 100).empty());
}

TEST_CASE("random lists: partners are unique, of one operator, and as many as there can be") {
  for (std::size_t seed = 0; seed < test::propertyCases(300); ++seed) {
    auto generator = test::propertyGenerator(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(generator);
    };
    const auto list = [&] {
      std::vector<StoredLayer> layers;
      for (int count = pick(0, 7); count > 0; --count)
        layers.push_back(layer(std::string(1, static_cast<char>('a' + pick(0, 4))), pick(2, 4)));
      return layers;
    };
    const std::vector<StoredLayer> before = list(), after = list();
    const Partners partners = alignLayers(before, after);
    REQUIRE(partners.size() == after.size());
    std::vector<bool> isTaken(before.size());
    std::size_t equal = 0;
    std::map<std::int64_t, int> left;
    for (std::size_t j = 0; j < after.size(); ++j) {
      if (!partners[j])
        continue;
      const std::size_t i = *partners[j];
      CHECK(!isTaken[i]);
      isTaken[i] = true;
      if (before[i].dimensions == after[j].dimensions)
        ++equal;
      else
        CHECK(before[i].name == after[j].name);
    }
    // All that both have is paired, in order or moved; so at least the longest common subsequence.
    std::size_t common = 0;
    for (std::int64_t extent = 2; extent <= 4; ++extent) {
      const auto has = [&](const StoredLayer &each) { return each.dimensions.at("M") == extent; };
      common += static_cast<std::size_t>(
          std::min(std::ranges::count_if(before, has), std::ranges::count_if(after, has)));
    }
    CHECK(equal == common);
    CHECK(equal >= longest(before, after, 0, 0));
    CHECK(alignLayers(before, before).size() == before.size());
    for (std::size_t i = 0; i < before.size(); ++i)
      CHECK(alignLayers(before, before)[i] == i);
  }
}
