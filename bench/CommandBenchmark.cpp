#include "bench/Benchmarks.h"
#include "bench/Estimating.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <unistd.h>
#include <vector>

namespace acadlc::bench {

namespace {

double seconds(const timeval &time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// Runs acadlc without showing what it prints; returns the CPU seconds that it took.
double runProgram(const std::vector<std::string> &arguments) {
  std::vector<std::string> words = {ACADLC_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char *> pointers;
  for (std::string &word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int output : {STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int problem =
      posix_spawn(&child, ACADLC_PROGRAM, &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0)
    throw std::runtime_error("cannot start " ACADLC_PROGRAM);
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(ACADLC_PROGRAM " failed");
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void registerCommand(const std::string &name, const std::vector<std::string> &arguments) {
  registerBenchmark("commands/" + name, [arguments](benchmark::State &state) {
    for ([[maybe_unused]] const auto &pass : state)
      state.SetIterationTime(runProgram(arguments));
  });
}

} // namespace

void registerCommands() {
  const std::string array = "std/systolic_array.acadl";
  const auto estimate = [&](const char *network) {
    return std::vector<std::string>{
        array,       "-P", "rows=8", "-P", "columns=8", "--workload", repositoryPath(network),
        "--estimate"};
  };
  registerCommand("version", {"--version"});
  registerCommand("check", {array, "--check"});
  registerCommand("tc_resnet8", estimate("examples/tc_resnet8_ultratrail.tir"));
  registerCommand("alexnet", estimate("examples/alexnet.tir"));
}

} // namespace acadlc::bench
