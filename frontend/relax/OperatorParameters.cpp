#include "frontend/relax/OperatorBuilder.h"

#include <algorithm>
#include <array>

namespace acadlc::tir {

namespace {

struct Entry {
  std::string_view name;
  /// As relax.op of TVM names them, in order.
  std::string_view parameters;
  /// Attributes that other versions of TVM print.
  std::string_view elsewhere = {};
};

constexpr std::string_view convolution = "data, weight, strides, padding, dilation, groups, "
                                         "data_layout, kernel_layout, out_layout, out_dtype";
constexpr std::string_view transposedConvolution =
    "data, weight, strides, padding, output_padding, dilation, groups, data_layout, kernel_layout, "
    "out_layout, out_dtype";
constexpr std::string_view pool = "data, pool_size, strides, padding, dilation, ceil_mode, "
                                  "count_include_pad, layout, out_layout";
constexpr std::string_view poolGradient = "output_grad, data, pool_size, strides, padding, "
                                          "dilation, ceil_mode, count_include_pad, layout, "
                                          "out_layout";
constexpr std::string_view adaptivePool = "data, output_size, layout, out_layout";
constexpr std::string_view attention = "query, key, value, bias, scale, causal_mask, window_size";
constexpr std::string_view resize =
    "data, size, roi, layout, method, coordinate_transformation_mode, rounding_method, "
    "cubic_alpha, cubic_exclude, extrapolation_value, out_dtype";
constexpr std::string_view reduction = "x, axis, keepdims";
constexpr std::string_view quantisation = "data, scale, zero_point, axis, out_dtype";

/// But for the operators of one and two operands that are functions of their elements. Of
/// qnn and vision the versions of TVM differ too much.
constexpr auto entries = std::to_array<Entry>({
    {"arange", "start, end, step, dtype"},
    {"argmax", reduction},
    {"argmin", reduction},
    {"argsort", "data, axis, descending, dtype"},
    {"astype", "x, dtype"},
    {"broadcast_to", "x, shape"},
    {"bucketize", "input_tensor, boundaries, out_int32, right"},
    {"builtin.stop_lift_params", "x"},
    {"ccl.allgather", "x, num_workers, in_group"},
    {"ccl.allreduce", "x, op_type, in_group"},
    {"ccl.broadcast_from_worker0", "x"},
    {"ccl.scatter_from_worker0", "x, num_workers, axis"},
    {"clip", "x, min, max"},
    {"collapse_sum_like", "data, collapse_target"},
    {"collapse_sum_to", "data, shape"},
    {"concat", "tensors, axis"},
    {"cumprod", "data, axis, dtype, exclusive"},
    {"cumsum", "data, axis, dtype, exclusive"},
    {"dequantize", quantisation},
    {"dist.annotate_sharding", "input, device_mesh, placement"},
    {"dist.redistribute", "input, device_mesh, placement"},
    {"dist.redistribute_replica_to_shard", "input, num_workers, axis"},
    {"dynamic_strided_slice", "x, begin, end, strides"},
    {"einsum", "operands, subscripts"},
    {"ewise_fma", "x1, x2, x3"},
    {"expand_dims", "x, axis"},
    {"eye", "n, m, k, dtype"},
    {"eye_like", "x, k, dtype"},
    {"flatten", "x"},
    {"flip", "data, axis"},
    {"full", "shape, fill_value, dtype"},
    {"full_like", "x, fill_value, dtype"},
    {"gather_elements", "data, indices, axis"},
    {"gather_nd", "data, indices, batch_dims"},
    {"grad.avg_pool2d_backward", poolGradient},
    {"grad.end_checkpoint", "input"},
    {"grad.max_pool2d_backward", poolGradient},
    {"grad.nll_loss_backward",
     "output_grad, predictions, targets, weights, reduction, ignore_index"},
    {"grad.no_grad", "input"},
    {"grad.start_checkpoint", "input"},
    {"grad.take_backward", "output_grad, x, indices, axis"},
    {"hamming_window", "window_size, periodic, alpha, beta, dtype"},
    {"hint_on_device", "data, dst_vdevice, memory_scope",
     "device, device_type, device_id, dev_type, dev_id, index"},
    {"image.affine_grid", "data, size, align_corners"},
    {"image.grid_sample", "data, grid, method, layout, padding_mode, align_corners"},
    {"image.resize2d", resize},
    {"image.resize3d", resize},
    {"index_put", "data, indices, values, accumulate"},
    {"index_tensor", "data, indices"},
    {"isfinite", "x"},
    {"isinf", "x"},
    {"isnan", "x"},
    {"layout_transform", "x, index_map, pad_value, axis_separators, input_axis_separators"},
    {"linear", "data, weight, bias, out_dtype"},
    {"log_add_exp", "x1, x2"},
    {"logical_not", "x"},
    {"masked_fill", "x, mask, value"},
    {"matmul", "x1, x2, out_dtype"},
    {"max", reduction},
    {"mean", reduction},
    {"median", reduction},
    {"memory.ensure_zero_offset", "data"},
    {"memory.view", "data, shape, dtype, relative_byte_offset"},
    {"meshgrid", "tensors, indexing"},
    {"min", reduction},
    {"multinomial_from_uniform", "prob, uniform_sample, sample_indices, dtype"},
    {"negative", "x"},
    {"nn.adaptive_avg_pool1d", adaptivePool},
    {"nn.adaptive_avg_pool2d", adaptivePool},
    {"nn.adaptive_avg_pool3d", adaptivePool},
    {"nn.adaptive_max_pool1d", adaptivePool},
    {"nn.adaptive_max_pool2d", adaptivePool},
    {"nn.adaptive_max_pool3d", adaptivePool},
    {"nn.attention", attention, "out_dtype"},
    {"nn.attention_bias", attention, "out_dtype"},
    {"nn.attention_var_len",
     "query, key, value, seqstart_q, seqstart_k, max_seqlen_q, max_seqlen_k, scale, causal_mask, "
     "window_size",
     "queries, keys, values"},
    {"nn.avg_pool1d", pool},
    {"nn.avg_pool2d", pool},
    {"nn.avg_pool3d", pool},
    {"nn.batch_flatten", "data"},
    {"nn.batch_norm",
     "data, gamma, beta, moving_mean, moving_var, axis, epsilon, center, scale, momentum, "
     "training"},
    {"nn.conv1d", convolution},
    {"nn.conv1d_transpose", transposedConvolution},
    {"nn.conv2d", convolution},
    {"nn.conv2d_transpose", transposedConvolution},
    {"nn.conv3d", convolution},
    {"nn.conv3d_transpose", transposedConvolution},
    {"nn.cross_entropy_with_logits", "predictions, labels"},
    {"nn.dropout", "data, rate"},
    {"nn.gelu", "data"},
    {"nn.gelu_tanh", "data"},
    {"nn.group_norm", "data, gamma, beta, num_groups, channel_axis, axes, epsilon, center, scale"},
    {"nn.instance_norm", "data, gamma, beta, channel_axis, axes, epsilon, center, scale"},
    {"nn.layer_norm", "data, gamma, beta, axes, epsilon, center, scale"},
    {"nn.leakyrelu", "data, alpha"},
    {"nn.linear", "data, weight, bias, out_dtype"},
    {"nn.log_softmax", "data, axis"},
    {"nn.max_pool1d", pool},
    {"nn.max_pool2d", pool},
    {"nn.max_pool3d", pool},
    {"nn.nll_loss", "predictions, targets, weights, reduction, ignore_index"},
    {"nn.pad", "data, pad_width, pad_mode, pad_value"},
    {"nn.pixel_shuffle", "data, upscale_factor"},
    {"nn.prelu", "data, alpha, axis"},
    {"nn.relu", "data"},
    {"nn.relu6", "data"},
    {"nn.rms_norm", "data, weight, axes, epsilon"},
    {"nn.selu", "data"},
    {"nn.silu", "data"},
    {"nn.softmax", "data, axis"},
    {"nn.softplus", "data, beta, threshold"},
    {"nonzero", "x"},
    {"one_hot", "indices, on_value, off_value, depth, axis"},
    {"ones", "shape, dtype"},
    {"ones_like", "x, dtype"},
    {"outer", "x1, x2"},
    {"permute_dims", "x, axes"},
    {"prod", reduction},
    {"quantize", quantisation},
    {"repeat", "data, repeats, axis"},
    {"reshape", "x, shape"},
    {"scatter_elements", "data, indices, updates, axis, reduction"},
    {"scatter_nd", "data, indices, updates, reduction"},
    {"shape_to_tensor", "expr"},
    {"slice_scatter", "input_tensor, src, start, end, step, axis"},
    {"sort", "x, axis, descending"},
    {"split", "x, indices_or_sections, axis"},
    {"square", "x"},
    {"squeeze", "x, axis"},
    {"stack", "tensors, axis"},
    {"std", reduction},
    {"stop_lift_params", "x"},
    {"strided_slice", "x, axes, begin, end, strides, assume_inbound"},
    {"sum", reduction},
    {"take", "x, indices, axis, mode"},
    {"tile", "data, repeats"},
    {"to_vdevice", "data, dst_vdevice"},
    {"topk", "data, k, axis, ret_type, largest, dtype"},
    {"tril", "x, k"},
    {"triu", "x, k"},
    {"unique", "x, sorted, return_index, return_inverse, return_counts, axis"},
    {"variance", reduction},
    {"where", "condition, x1, x2"},
    {"wrap_param", "data, dtype"},
    {"zeros", "shape, dtype"},
    {"zeros_like", "x, dtype"},
});
static_assert(std::ranges::is_sorted(entries, {}, &Entry::name));

std::vector<std::string_view> split(std::string_view list) {
  constexpr std::string_view comma = ", ";
  std::vector<std::string_view> names;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(comma), list.size());
    names.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + comma.size(), list.size()));
  }
  return names;
}

} // namespace

std::optional<OperatorParameters> listedParameters(std::string_view name) {
  const auto *found = std::ranges::lower_bound(entries, name, {}, &Entry::name);
  if (found == entries.end() || found->name != name)
    return std::nullopt;
  return OperatorParameters{split(found->parameters), split(found->elsewhere)};
}

} // namespace acadlc::tir
