#include "api/Session.h"

#include <doctest/doctest.h>

using namespace acadlc;

namespace {

const std::string inputs = std::string(ACADLC_SOURCE_DIR) + "/tests/golden/Inputs/";

/// Cycles of mixed.tir on device.acadl; −1 if there was an error.
std::int64_t cyclesOf(Session &session, const EstimateOptions &options) {
  const auto estimate = session.estimate(options);
  return estimate ? estimate->cycles : -1;
}

} // namespace

TEST_CASE("a session answers several questions about its inputs") {
  Session session;
  REQUIRE(session.loadDescription(inputs + "device.acadl"));
  REQUIRE(session.loadWorkload(inputs + "mixed.tir"));
  REQUIRE(session.selectArchitecture({}));
  const std::int64_t estimated = cyclesOf(session, {});
  CHECK(estimated > 0);
  EstimateOptions simulated;
  simulated.method = analysis::Method::Simulate;
  simulated.jobs = 3;
  CHECK(cyclesOf(session, simulated) == estimated);
  REQUIRE(session.selectArchitecture({"Device", "", {{"mac_latency", "10"}}}));
  CHECK(cyclesOf(session, {}) > estimated);
}

TEST_CASE("layers of equal shape are evaluated once and reported each") {
  Session session;
  REQUIRE(session.loadDescription(inputs + "device.acadl"));
  REQUIRE(session.loadWorkload(inputs + "mixed.tir"));
  REQUIRE(session.selectArchitecture({}));
  std::size_t streams = 0;
  EstimateOptions options;
  options.progress = [&](std::size_t, std::size_t total) { streams = total; };
  const auto estimate = session.estimate(options);
  REQUIRE(estimate);
  CHECK(streams == 1);
  REQUIRE(estimate->layers.size() == 2);
  CHECK(estimate->layers[0].cycles == estimate->layers[1].cycles);
  CHECK(estimate->layers[1].tensors[1].network == "active");
  CHECK(estimate->coverage.calls.covered == 2);
  CHECK(estimate->coverage.calls.total == 3);
  CHECK(estimate->free.size() == 1);
}

TEST_CASE("one layer alone has the cycles that it has in the network") {
  Session session;
  REQUIRE(session.loadDescription(inputs + "device.acadl"));
  REQUIRE(session.loadWorkload(inputs + "mixed.tir"));
  REQUIRE(session.selectArchitecture({}));
  const auto all = session.estimate({});
  EstimateOptions options;
  options.layer = "second";
  const auto one = session.estimate(options);
  REQUIRE(all);
  REQUIRE(one);
  CHECK(one->layers.size() == 1);
  CHECK(one->cycles == all->layers[1].cycles);
  CHECK(one->layers[0].utilisation == all->layers[1].utilisation);
  CHECK(one->unmapped.empty());
}

TEST_CASE("an observer of a trace sees every instruction of every layer in order") {
  Session session;
  REQUIRE(session.loadDescription(inputs + "device.acadl"));
  REQUIRE(session.loadWorkload(inputs + "mixed.tir"));
  REQUIRE(session.selectArchitecture({}));
  std::vector<std::string> layers;
  std::int64_t expected = 0;
  bool inOrder = true;
  EstimateOptions options;
  options.trace = [&](const std::string &layer, const program::Program &,
                      const program::Instance &instance, const timing::InstructionTimes &) {
    if (layers.empty() || layers.back() != layer) {
      layers.push_back(layer);
      expected = 0;
    }
    inOrder = inOrder && instance.index == expected++;
  };
  REQUIRE(session.estimate(options));
  CHECK(inOrder);
  CHECK(layers == std::vector<std::string>{"first", "second"});
}

TEST_CASE("an estimate says what was asked for") {
  Session session;
  REQUIRE(session.loadDescription(inputs + "device.acadl"));
  WorkloadOptions reading;
  reading.foldBatchNorm = false;
  reading.symbols["n"] = 2;
  REQUIRE(session.loadWorkload(inputs + "numbered.tir", reading));
  REQUIRE(session.selectArchitecture({}));
  EstimateOptions options;
  options.mappings = {{"dense", "matmul"}};
  options.elementType = workload::ElementType::fromName("int8");
  const auto usual = session.estimate(options);
  REQUIRE(usual);
  CHECK(usual->asked.entry == "main");
  CHECK(usual->asked.sizes.at("n") == 2);
  CHECK(!usual->asked.batch);
  CHECK(!usual->asked.foldsBatchNorms);
  CHECK(usual->asked.elementType == "int8");
  REQUIRE(usual->asked.mappings.size() == 1);
  CHECK(usual->asked.mappings[0].second == "matmul");
  CHECK(usual->asked.extrapolates);
  CHECK(usual->asked.budget == defaultBudget);
  options.budget = unlimited;
  CHECK(!session.estimate(options)->asked.budget);
  options.budget.reset();
  options.extrapolate = false;
  CHECK(!session.estimate(options)->asked.budget);
  CHECK(!session.estimate(options)->asked.extrapolates);
  options.method = analysis::Method::Simulate;
  CHECK(!session.estimate(options)->asked.extrapolates);
}

TEST_CASE("a mapping is asked for by the name of a layer or an operator, not of a function") {
  Session session;
  REQUIRE(session.loadDescription(inputs + "device.acadl"));
  REQUIRE(session.loadWorkload(inputs + "mixed.tir"));
  REQUIRE(session.selectArchitecture({}));
  for (const char *target : {"first", "dense"}) {
    EstimateOptions options;
    options.mappings = {{target, "matmul"}};
    CHECK(session.estimate(options));
  }
  EstimateOptions options;
  options.mappings = {{"product", "matmul"}};
  CHECK_FALSE(session.estimate(options));
  REQUIRE(session.diagnostics().errorCount() == 1);
  CHECK(session.diagnostics().diagnostics().back().code == DiagnosticCode::UnknownLayer);
}

TEST_CASE("texts that are no files are described and estimated, errors are collected") {
  Session session;
  CHECK(!session.loadDescriptionText("<text>", "architecture Broken(size: bits = 8 bist) {}"));
  CHECK(session.diagnostics().hasErrors());
  CHECK(!session.loadWorkload(inputs + "no-such-file.tir"));
  CHECK(session.diagnostics().errorCount() == 2);
}

TEST_CASE("multiply-accumulates of scalar code are covered where it does all of a call") {
  Session session;
  REQUIRE(session.loadDescription(std::string(ACADLC_SOURCE_DIR) + "/stdlib/one_mac.acadl"));
  REQUIRE(session.loadWorkloadText("<text>", R"(
@I.ir_module
class Module:
    @R.function
    def main(a: R.Tensor((2, 3), "float32"), b: R.Tensor((3, 4), "float32"), c: R.Tensor((4, 5), "float32")):
        lv = R.einsum((a, b, c), subscripts="ij,jk,kl->il")
        return lv
)"));
  REQUIRE(session.selectArchitecture({}));
  const auto estimate = session.estimate({});
  REQUIRE(estimate);
  CHECK(estimate->coverage.macs.total == 2 * 2 * 5 * 3 * 4);
  CHECK(estimate->coverage.macs.covered == estimate->coverage.macs.total);
}
