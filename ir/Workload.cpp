#include "ir/Workload.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <utility>

namespace acadlc::workload {

namespace {

constexpr std::pair<std::string_view, ElementType::Kind> typePrefixes[] = {
    {"bfloat", ElementType::Kind::BFloat},
    {"float", ElementType::Kind::Float},
    {"uint", ElementType::Kind::UInt},
    {"int", ElementType::Kind::Int},
};

constexpr std::uint16_t widest = 128;

/// Whether there are numbers of \p kind with \p bits: integers of any width, floats of those that
/// have a layout.
bool isWidth(ElementType::Kind kind, std::uint16_t bits) {
  if (kind == ElementType::Kind::BFloat)
    return bits == 16;
  if (kind == ElementType::Kind::Float)
    return bits == 4 || bits == 6 || (bits >= 8 && bits <= widest && std::has_single_bit(bits));
  return bits >= 1 && bits <= widest;
}

/// The nearest width of \p kind from \p bits on, in steps of \p step; none if there is none.
std::optional<ElementType> nextWidth(ElementType::Kind kind, int bits, int step) {
  for (int width = std::clamp<int>(bits, 0, widest + 1); width >= 0 && width <= widest + 1;
       width += step)
    if (isWidth(kind, static_cast<std::uint16_t>(width)))
      return ElementType{kind, static_cast<std::uint16_t>(width)};
  return std::nullopt;
}

} // namespace

std::string ElementType::name() const {
  if (kind == Kind::Bool)
    return "bool";
  for (const auto &[prefix, prefixKind] : typePrefixes)
    if (prefixKind == kind)
      return std::string(prefix) + std::to_string(bits);
  return {};
}

std::optional<ElementType> ElementType::fromName(std::string_view name) {
  if (name == "bool" || name == "boolean")
    return ElementType{Kind::Bool, 1};
  // What some versions of TVM called float8_e4m3fn and float8_e5m2.
  if (name == "e4m3_float8" || name == "e5m2_float8")
    return ElementType{Kind::Float, 8};
  for (const auto &[prefix, kind] : typePrefixes) {
    if (!name.starts_with(prefix))
      continue;
    std::string_view digits = name.substr(prefix.size());
    // Small floats have their layout in the name: float8_e4m3fn, float6_e2m3fn, float4_e2m1fn.
    const bool isSmall = digits.size() > 2 && digits[1] == '_' &&
                         (digits[0] == '8' || digits[0] == '6' || digits[0] == '4');
    if (kind == Kind::Float && isSmall)
      digits = digits.substr(0, 1);
    std::uint16_t bits = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error == std::errc() && end == digits.data() + digits.size() && isWidth(kind, bits))
      return ElementType{kind, bits};
    return std::nullopt;
  }
  return std::nullopt;
}

std::vector<ElementType> ElementType::near(std::string_view name) {
  std::vector<ElementType> found;
  for (const auto &[prefix, kind] : typePrefixes) {
    if (!name.starts_with(prefix))
      continue;
    const std::string_view digits = name.substr(prefix.size());
    int bits = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size())
      return found;
    for (const auto &next : {nextWidth(kind, bits, -1), nextWidth(kind, bits, 1)})
      if (next && (found.empty() || found.back() != *next))
        found.push_back(*next);
    return found;
  }
  return found;
}

std::int64_t Tensor::elementCount() const {
  std::int64_t count = 1;
  for (std::int64_t extent : shape)
    count *= extent;
  return count;
}

std::int64_t Tensor::byteCount() const {
  constexpr std::int64_t bitsPerByte = 8;
  std::int64_t count = elementCount();
  std::int64_t bits = elementType.storageBits();
  // Whole bytes first: the product in bits may be too large.
  return count / bitsPerByte * bits + (count % bitsPerByte * bits + bitsPerByte - 1) / bitsPerByte;
}

bool Padding::isIdentity() const {
  auto isZero = [](std::int64_t amount) { return amount == 0; };
  return std::all_of(before.begin(), before.end(), isZero) &&
         std::all_of(after.begin(), after.end(), isZero);
}

std::string_view operatorName(OperatorKind kind) {
  switch (kind) {
  case OperatorKind::Convolution1D:
    return "conv1d";
  case OperatorKind::Convolution2D:
    return "conv2d";
  case OperatorKind::Convolution3D:
    return "conv3d";
  case OperatorKind::DepthwiseConvolution:
    return "depthwise_conv";
  case OperatorKind::TransposedConvolution1D:
    return "transposed_conv1d";
  case OperatorKind::TransposedConvolution2D:
    return "transposed_conv2d";
  case OperatorKind::TransposedConvolution3D:
    return "transposed_conv3d";
  case OperatorKind::Dense:
    return "dense";
  case OperatorKind::MatMul:
    return "matmul";
  case OperatorKind::BatchMatMul:
    return "batch_matmul";
  case OperatorKind::MaxPool:
    return "max_pool";
  case OperatorKind::AveragePool:
    return "average_pool";
  case OperatorKind::SumPool:
    return "sum_pool";
  case OperatorKind::GlobalMaxPool:
    return "global_max_pool";
  case OperatorKind::GlobalAveragePool:
    return "global_average_pool";
  case OperatorKind::AdaptiveAveragePool:
    return "adaptive_average_pool";
  case OperatorKind::Reduction:
    return "reduction";
  case OperatorKind::Softmax:
    return "softmax";
  case OperatorKind::LogSoftmax:
    return "log_softmax";
  case OperatorKind::ArgMax:
    return "argmax";
  case OperatorKind::BatchNorm:
    return "batch_norm";
  case OperatorKind::LayerNorm:
    return "layer_norm";
  case OperatorKind::GroupNorm:
    return "group_norm";
  case OperatorKind::InstanceNorm:
    return "instance_norm";
  case OperatorKind::RmsNorm:
    return "rms_norm";
  case OperatorKind::ElementWise:
    return "elementwise";
  case OperatorKind::DataMovement:
    return "data_movement";
  case OperatorKind::Free:
    return "free";
  case OperatorKind::Other:
    break;
  }
  return "other";
}

std::string_view freeReasonName(FreeReason reason) {
  switch (reason) {
  case FreeReason::WeightOnly:
    return "weight-only";
  case FreeReason::Alias:
    return "alias";
  case FreeReason::Reshape:
    return "reshape";
  case FreeReason::IdentityPad:
    return "identity pad";
  case FreeReason::BatchNorm:
    return "batch norm";
  case FreeReason::None:
    break;
  }
  return {};
}

std::string_view partName(OperatorPart part) {
  switch (part) {
  case OperatorPart::Main:
    return "main";
  case OperatorPart::Prologue:
    return "prologue";
  case OperatorPart::Epilogue:
    return "epilogue";
  case OperatorPart::Single:
    return "single";
  case OperatorPart::Free:
    break;
  }
  return "free";
}

const Contraction *Call::contraction() const {
  auto largest =
      std::max_element(contractions.begin(), contractions.end(),
                       [](const Contraction &a, const Contraction &b) { return a.macs < b.macs; });
  return largest == contractions.end() ? nullptr : &*largest;
}

std::int64_t Workload::macs() const {
  std::int64_t sum = 0;
  for (const Call &call : calls)
    sum += call.macs;
  return sum;
}

const Tensor &tensorOf(const Workload &workload, const Call &call, TensorRef reference) {
  return reference.isLocal ? call.locals[reference.index] : workload.tensors[reference.index];
}

} // namespace acadlc::workload
