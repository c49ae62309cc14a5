#include "bench/Measure.h"

#include "backend/aidg/Batch.h"
#include "support/Diagnostics.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <malloc.h>
#include <map>
#include <stdexcept>

namespace acadlc::bench {

namespace {

/// What decides whether two layers are the same.
std::string signatureOf(const analysis::LayerEstimate &layer) {
  std::string text = layer.mapping;
  for (const auto *list : {&layer.dimensions, &layer.coefficients})
    for (const analysis::NamedNumber &number : *list)
      text += ' ' + number.name + '=' + std::to_string(number.value);
  for (const analysis::AbsorbedStep &step : layer.absorbed)
    text += ' ' + step.name;
  return text;
}

void require(bool good, const Session &session) {
  if (!good)
    throw std::runtime_error(problemsOf(session));
}

std::shared_ptr<const program::Program> streamOf(Session &session, const std::string &layer) {
  EstimateOptions options;
  options.layer = layer;
  auto program = session.stream(options);
  require(program != nullptr, session);
  return program;
}

} // namespace

double processSeconds() {
  std::timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double peakMebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      double kibibytes = 0;
      status >> kibibytes;
      return kibibytes / 1024;
    }
  throw std::runtime_error("/proc/self/status does not tell the peak memory");
}

void resetPeak() {
  malloc_trim(0);
  constexpr const char *resetHighWaterMark = "5";
  std::ofstream command("/proc/self/clear_refs");
  command << resetHighWaterMark;
  if (!command.flush())
    throw std::runtime_error("/proc/self/clear_refs does not reset the peak memory");
}

std::string repositoryPath(const std::string &path) {
  return std::string(ACADLC_SOURCE_DIR "/") + path;
}

std::string sharedNetwork(const std::string &name) {
  const char *folder = std::getenv("ACADLC_SHARED_DIR");
  return (folder != nullptr ? std::string(folder) : repositoryPath("../shared")) + "/tir/nets/" +
         name;
}

std::string problemsOf(const Session &session) {
  return renderDiagnostics(session.diagnostics().diagnostics(), session.sources(), {});
}

std::unique_ptr<Session> load(const Job &job) {
  auto session = std::make_unique<Session>();
  require(session->loadDescription(job.description), *session);
  if (!job.workload.empty() || !job.text.empty())
    require(loadNetwork(*session, job), *session);
  require(session->selectArchitecture(job.selection), *session);
  return session;
}

bool loadNetwork(Session &session, const Job &job) {
  if (job.workload.empty() && job.text.empty())
    return true;
  return job.workload.empty() ? session.loadWorkloadText("network.tir", job.text)
                              : session.loadWorkload(job.workload);
}

Selection squareArray(std::int64_t size) {
  return {{}, {}, {{"rows", std::to_string(size)}, {"columns", std::to_string(size)}}};
}

Streams streamsOf(Session &session) {
  Streams streams;
  if (session.workload() == nullptr) {
    streams.entries.push_back({streamOf(session, ""), 1});
    return streams;
  }
  EstimateOptions options;
  options.jobs = 1;
  const auto estimate = session.estimate(options);
  require(estimate.has_value(), session);
  streams.cycles = estimate->cycles;
  std::map<std::string, std::size_t> known;
  for (const analysis::LayerEstimate &layer : estimate->layers) {
    const auto [place, isNew] = known.try_emplace(signatureOf(layer), streams.entries.size());
    if (isNew)
      streams.entries.push_back({streamOf(session, layer.name), 1});
    else
      ++streams.entries[place->second].count;
  }
  return streams;
}

Sum estimateAll(const arch::ArchitectureGraph &graph, const Streams &streams) {
  Sum sum;
  std::vector<const program::Program *> programs;
  for (const Streams::Entry &entry : streams.entries)
    programs.push_back(entry.program.get());
  aidg::Batch batch(graph, programs);
  std::vector<timing::Evaluation> results(programs.size());
  for (const std::vector<std::size_t> &group : batch.groups())
    for (const std::size_t stream : group)
      results[stream] = batch.estimate(stream, {});
  for (std::size_t i = 0; i != results.size(); ++i) {
    const Streams::Entry &entry = streams.entries[i];
    const timing::Evaluation &result = results[i];
    sum.cycles += result.cycles * entry.count;
    sum.instructions += result.instructions;
    sum.iterations += result.kernelIterations;
    sum.evaluated += result.evaluatedIterations;
    sum.guarantee = std::max(sum.guarantee, result.guarantee);
  }
  return sum;
}

} // namespace acadlc::bench
