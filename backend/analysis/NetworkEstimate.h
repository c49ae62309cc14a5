/// \file
/// What acadlc answers about a network on an architecture: plain data, without any text layout.
///
/// Nothing here points into sources or graphs; an estimate outlives the session that made it.
#pragma once

#include "backend/analysis/Bound.h"
#include "backend/analysis/Resources.h"
#include "backend/analysis/Roofline.h"
#include "backend/analysis/Timeline.h"
#include "backend/analysis/WaitChain.h"
#include "backend/timing/Evaluation.h"
#include "ir/ArchitectureGraph.h"

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc::analysis {

/// How the cycles of layers were found.
enum class Method : std::uint8_t { Estimate, Simulate };
std::string_view methodName(Method method);                  ///< "estimate", "simulate"
std::string_view guaranteeName(timing::Guarantee guarantee); ///< "exact", "certified", "bounded"

/// A name with a whole number: an extent ("K", 64) or a coefficient ("sh", 4).
struct NamedNumber {
  std::string name;
  std::int64_t value = 0;
};

/// How a tensor of the network lies in memory, next to what the mapping's header says.
enum class TensorLayout : std::uint8_t {
  AsInHeader, ///< row-major, dimensions in the header's order
  Reordered,  ///< row-major, dimensions in another order
  Blocked,    ///< dimensions of the header are several ones that do not lie side by side
};
std::string_view layoutName(TensorLayout layout); ///< "as in header", "reordered", "blocked"

/// A tensor of a mapping's header and what the network has for it.
struct LayerTensor {
  std::string name;     ///< in the mapping's header
  std::string network;  ///< in the network
  std::string declared; ///< element type that the network says
  std::string readAs;   ///< element type that the mapping reads it as
  std::vector<std::int64_t> shape;
  TensorLayout layout = TensorLayout::AsInHeader;
  [[nodiscard]] bool isReinterpreted() const { return declared != readAs; }
};

/// What came out when a certificate was gone through again in the simulator.
struct CertificateReplay {
  enum class Outcome : std::uint8_t {
    Holds,
    Fails,
    InPart,      ///< nothing differs, but not all that it says was compared
    NotReplayed, ///< not gone through
  } outcome = Outcome::NotReplayed;
  std::string finding; ///< what was compared, what differs, or why it was not replayed
};

/// A line of a source.
struct SourceLine {
  std::string file;
  std::int64_t line = 0; ///< from 1
  /// "arch.acadl:130"; empty without a file.
  [[nodiscard]] std::string text() const;
  friend std::strong_ordering operator<=>(const SourceLine &, const SourceLine &) = default;
  friend bool operator==(const SourceLine &, const SourceLine &) = default;
};

/// Proof that a loop repeats itself, see timing::Certificate.
struct LayerCertificate {
  SourceLine loop; ///< of its header
  std::int64_t k0 = 0, period = 0, cyclesPerPeriod = 0;
  std::optional<CertificateReplay> replay; ///< if it was asked for
  std::int64_t periods = 0;                ///< that it holds for; 0: all that follow
  bool isDrift = false;
};

/// A mapping that was not taken for a layer, and why.
struct RejectedMapping {
  std::string mapping, reason;
  SourceLine place; ///< what of its header differs
};

/// What dependences alone would take.
struct DependenceLimit {
  std::optional<SoleLimit> limit;
  std::string missing; ///< a clause why it is not known; empty: it is
};

/// A step behind a layer's main computation that its mapping absorbs.
struct AbsorbedStep {
  std::string call; ///< of the network that does it
  std::string name; ///< in the mapping's header: "bias", "relu"
};

/// One contraction of the network (or one `program`) and its time.
struct LayerEstimate {
  std::string name;                    ///< the call's binding
  std::string operatorName;            ///< "conv2d"; "program"
  std::vector<NamedNumber> dimensions; ///< extents of the mapping's indices, by the header's names
  std::string mapping;                 ///< empty for a program
  std::string mappingPlace;            ///< "arch.acadl:120"
  std::vector<NamedNumber> coefficients;
  std::vector<arch::ParameterValue> parameters; ///< of the mapping or program
  std::vector<LayerTensor> tensors;
  std::vector<RejectedMapping> rejected;
  std::vector<AbsorbedStep> absorbed; ///< in their order
  std::vector<std::string> absent; ///< steps that the mapping could absorb and that are not there
  std::string absorptionEnd;       ///< why no more is; empty if the mapping absorbs nothing ever
  /// What is fused that the mapping does not compute: stages ("add"), "zero points", "scale".
  std::vector<std::string> uncounted;
  std::vector<std::string> assumptions; ///< on what data decides, one clause each
  std::int64_t macs = 0; ///< of the operator, taps on padding included; of a program: emitted ones

  std::int64_t cycles = 0; ///< meaningless if bounded
  timing::Guarantee guarantee = timing::Guarantee::Exact;
  timing::CycleBounds bounds; ///< if bounded; else meaningless
  std::int64_t instructions = 0;
  std::int64_t iterations = 0;          ///< trips of innermost loops
  std::int64_t evaluatedIterations = 0; ///< those evaluated one by one
  std::vector<LayerCertificate> certificates;
  bool boundsMeet = false;           ///< Certified because a lower and an upper bound are equal
  std::optional<double> utilisation; ///< none without macs
  std::optional<Bound> bound;
  bool boundIsPartial = false;     ///< `bound` is that of the stream's first instructions alone
  std::vector<Resource> resources; ///< if they were asked for
  std::optional<DependenceLimit> dependences; ///< if it was asked for
  std::optional<Timeline> timeline;           ///< if it was asked for
  std::vector<LevelTraffic> traffic;     ///< by NetworkEstimate::memoryLevels, if it was asked for
  std::optional<SimpleEstimates> simple; ///< if they were asked for and there are any
  std::shared_ptr<const WaitChain> waitChain; ///< likewise; null: it was not

  [[nodiscard]] bool isBounded() const { return guarantee == timing::Guarantee::Bounded; }
  /// Bounds of the cycles: both are `cycles` unless bounded.
  [[nodiscard]] timing::CycleBounds cycleBounds() const;
};

/// An operator that costs time and that no mapping covers: its cycles are missing.
struct UnmappedOperator {
  std::string name, operatorName;
  std::string reason; ///< a clause: why, with the mapping that came nearest
  std::int64_t macs = 0, bytes = 0;
  SourceLine place;        ///< of the call
  std::string nearest;     ///< the mapping that came nearest; empty if none did
  SourceLine nearestPlace; ///< what of its header differs
};

/// A call that costs nothing at run time.
struct FreeCall {
  std::string name, reason; ///< "weight-only", "alias", "reshape", "identity pad", "batch norm"
};

/// A batch norm that is part of the weights of the layer before it.
struct FoldedNorm {
  std::string into;                ///< the call
  std::vector<std::string> folded; ///< calls, and stages of that call, which cost nothing therefore
};

/// How much of something mappings cover.
struct Share {
  std::int64_t covered = 0, total = 0;
};

struct Coverage {
  Share macs;      ///< multiply-accumulates
  Share bytes;     ///< read and written by calls; by operators where a call has several main ones
  Share calls;     ///< those that are not free
  Share operators; ///< of these calls: their main operators and layers, at least one for each call
  /// Bytes that the stages of these calls write, also to tensors inside a call; and of them those
  /// that LayerEstimate::uncounted names.
  std::int64_t writtenBytes = 0, uncountedBytes = 0;
};

/// What was asked for that decides about the numbers and stands nowhere else in an estimate.
struct AskedOptions {
  std::string entry; ///< the function that the network starts from; empty: none, as for a program
  std::optional<std::int64_t> batch;         ///< `--batch`
  std::map<std::string, std::int64_t> sizes; ///< `--shape`: symbolic sizes
  bool foldsBatchNorms = false;              ///< of a network
  std::string elementType;                   ///< `--element-type`; empty: each tensor's own
  std::vector<std::pair<std::string, std::string>> mappings; ///< `--mapping`: layer, mapping
  bool extrapolates = false; ///< whether iterations may be skipped, with proof
  /// Instructions of a layer that are evaluated one by one before its cycles are only bounded;
  /// none: all are.
  std::optional<std::int64_t> budget;
};

struct NetworkEstimate {
  Method method = Method::Estimate;
  bool isProgram = false;
  /// The peak is known from the best instructions of this network alone
  /// (PeakRate::dependsOnNetwork).
  bool isPeakOfNetwork = false;
  bool areCertificatesReplayed = false;                   ///< as far as the limits of a replay go
  timing::Guarantee guarantee = timing::Guarantee::Exact; ///< the weakest of the layers
  std::string architecture;
  std::vector<arch::ParameterValue> parameters;
  std::optional<double> clockHz;
  std::string workload;  ///< name of the network; of the program if isProgram
  std::string onlyLayer; ///< `--layer`; empty: all
  AskedOptions asked;
  std::int64_t cycles = 0;    ///< meaningless if bounded
  timing::CycleBounds bounds; ///< sums over the layers; both are `cycles` unless bounded
  /// Most multiply-accumulates that the architecture can do in a cycle (analysis/PeakRate.h).
  double peakMacsPerCycle = 0;
  Coverage coverage;
  std::vector<LayerEstimate> layers; ///< in execution order
  std::vector<UnmappedOperator> unmapped;
  std::vector<FreeCall> free;
  std::vector<FoldedNorm> folded;
  std::vector<Resource> resources;       ///< of all layers together, if they were asked for
  std::vector<MemoryLevel> memoryLevels; ///< of the architecture, if rooflines were asked for

  [[nodiscard]] bool isBounded() const { return guarantee == timing::Guarantee::Bounded; }
  /// Length of the run in seconds, if the architecture has a clock and the cycles are known.
  [[nodiscard]] std::optional<double> seconds() const;
};

/// The largest limit of each kind that \p layer has, as far as they were asked for and are known,
/// largest first.
std::vector<SoleLimit> soleLimits(const LayerEstimate &layer);

/// Fills what follows from the layers: cycles, guarantee, bounds and the layers' utilisation. False
/// if the sum of cycles, or of their upper bounds, leaves the 64-bit range.
[[nodiscard]] bool summarize(NetworkEstimate &estimate);

/// How many certificates of all layers there are, and what came out when they were replayed. None
/// is refuted: there is no estimate then.
struct CertificateCounts {
  std::int64_t total = 0, verified = 0, inPart = 0, notReplayed = 0;
};
/// None unless they were replayed.
std::optional<CertificateCounts> countReplays(const NetworkEstimate &estimate);

/// What a network is bound by.
struct NetworkBound {
  /// The kind of bound that most cycles are under, with the object that has most of them; its share
  /// is that of all cycles which layers so bounded take.
  Bound bound;
  bool isPartial = false; ///< the bound of a layer is that of its first instructions alone
};
/// None unless all layers have a bound and all cycles are known.
std::optional<NetworkBound> networkBound(const NetworkEstimate &estimate);

} // namespace acadlc::analysis
