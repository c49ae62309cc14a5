"""Layers of networks: what each one computes, and its multiply-accumulates and parameters."""

from __future__ import annotations

import dataclasses
import enum

import operators
from module import Fusion, Module
from tvmscript import Extent, Operator, Tensor, elements


@dataclasses.dataclass(frozen=True)
class Form:
    """How a network is written."""

    batch: Extent = 1
    """How many inputs at once, or the name of a symbolic size."""
    fold: bool = True
    """Batch normalisation is folded into the convolutions, and weights are laid out as they are read."""
    fuse: bool = False
    """What follows a layer element by element is in the layer's function."""
    element_type: str = "float32"
    """float32, or int8 with sums and biases of int32; then `fold` has to be set."""


class Shift(enum.Enum):
    """What follows the sum of products, channel by channel."""

    NONE = enum.auto()
    BIAS = enum.auto()
    BATCH_NORM = enum.auto()


class Activation(enum.Enum):
    """The function that TVM calls, and what it does."""

    RELU = "relu"
    RELU6 = "tir_clip"
    SIGMOID = "tir_sigmoid"
    SILU = "silu"


ACTIVATIONS: dict[Activation, Operator] = {
    Activation.RELU: operators.relu,
    Activation.RELU6: operators.relu6,
    Activation.SIGMOID: operators.sigmoid,
    Activation.SILU: operators.silu,
}

REQUANTISATION_BITS = 7
"""By how much sums are shifted right: a placeholder, as no values are known."""


class UnsupportedForm(ValueError):
    """The network cannot be written in this form."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """A line of the summary."""

    name: str
    operator: str
    output: tuple[Extent, ...]
    macs: int = 0
    """Multiply-accumulates of one input, those that meet padding included."""
    weights: int = 0
    """Factors of the multiply-accumulates."""
    parameters: int = 0
    """What is trained: weights, biases, scales and shifts of batch normalisations."""


class Network:
    """Puts a network together, layer by layer; tensors flow from one call to the next."""

    def __init__(self, shape: tuple[int, ...], form: Form):
        self.form = form
        self.layers: list[Layer] = []
        if form.element_type == "int8" and not form.fold:
            raise UnsupportedForm("batch normalisation has no int8 form: it has to be folded")
        self.input = Tensor("x", (form.batch, *shape), form.element_type)
        self.module = Module([self.input],
                             symbols=[form.batch] if isinstance(form.batch, str) else [])

    def text(self) -> str:
        return self.module.text(self.form.fuse)

    def convolution(self, name: str, data: Tensor, outputs: int, kernel: int, *, stride: int = 1,
                    padding: int = 0, groups: int = 1, shift: Shift = Shift.BATCH_NORM) -> Tensor:
        """One- or two-dimensional, as the data are; `padding` on both sides of every dimension."""
        rank = len(data.shape) - 2
        inputs = _constant(data.shape[1]) // groups
        weight = self._weight(f"{_binding(name)}_weight", (outputs, inputs, *(kernel,) * rank))
        result = self.module.call(_binding(name), f"conv{rank}d",
                                  operators.convolution(stride, padding, groups), data, weight,
                                  fusion=Fusion.STARTS)
        kind = f"dwconv{rank}d" if groups > 1 and inputs == 1 else f"conv{rank}d"
        self._count(name, kind, result, weight, shift)
        return self._requantise(_binding(name), self._shift(name, result, shift))

    def dense(self, name: str, data: Tensor, outputs: int, *, bias: bool = True) -> Tensor:
        """Fully connected: all inputs of `data` (batch, inputs) to every output."""
        inputs = _constant(data.shape[1])
        binding = _binding(name)
        if self.form.fold:
            weight = factors = self._weight(f"{binding}_weight", (inputs, outputs))
        else:
            weight = self._weight(f"{binding}_weight", (outputs, inputs))
            factors = self.module.call(f"{binding}_weight_transposed", "transpose",
                                       operators.transpose, weight)
        result = self.module.call(binding, "matmul", operators.matmul, data, factors,
                                  fusion=Fusion.STARTS)
        self._count(name, "dense", result, weight, Shift.BIAS if bias else Shift.NONE)
        if bias:
            result = self._each(f"{binding}_biased", "add", operators.add, result,
                                self._offset(f"{binding}_bias", (outputs,)))
        return self._requantise(binding, result)

    def activation(self, data: Tensor, which: Activation) -> Tensor:
        """Of int8 data only ReLU; it stands for ReLU6 too, whose 6 is the upper end of the range."""
        if self.form.element_type == "int8":
            if which not in (Activation.RELU, Activation.RELU6):
                raise UnsupportedForm(f"{which.name} has no int8 form")
            which = Activation.RELU
        return self._each(f"{data.name}_{which.name.lower()}", which.value, ACTIVATIONS[which], data)

    def add(self, name: str, left: Tensor, right: Tensor) -> Tensor:
        return self._pair(name, "add", operators.add, left, right)

    def multiply(self, name: str, left: Tensor, right: Tensor) -> Tensor:
        """The right one may have extents of 1."""
        return self._pair(name, "multiply", operators.multiply, left, right)

    def max_pool(self, name: str, data: Tensor, kernel: int, stride: int, padding: int = 0) -> Tensor:
        result = self.module.call(_binding(name), f"max_pool{len(data.shape) - 2}d",
                                  operators.max_pool(kernel, stride, padding), data)
        self.layers.append(Layer(name, "max_pool", result.shape))
        return result

    def global_average_pool(self, name: str, data: Tensor) -> Tensor:
        if self.form.element_type == "int8":
            result = self._integer_average(_binding(name), data)
        else:
            result = self.module.call(_binding(name), f"adaptive_avg_pool{len(data.shape) - 2}d",
                                      operators.global_average_pool, data)
        self.layers.append(Layer(name, "global_average_pool", result.shape))
        return result

    def flatten(self, data: Tensor) -> Tensor:
        return self.module.call(f"{data.name}_flat", "reshape", operators.flatten, data,
                                fusion=Fusion.REARRANGES)

    def softmax(self, name: str, data: Tensor) -> Tensor:
        """Left out of int8 networks, whose result are the scores."""
        if self.form.element_type == "int8":
            return data
        result = self.module.call(_binding(name), "softmax", operators.softmax, data)
        self.layers.append(Layer(name, "softmax", result.shape))
        return result

    def _weight(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return self.module.weight(name, shape, self.form.element_type)

    def _offset(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """A parameter that is added to sums."""
        return self.module.weight(name, shape,
                                  "int32" if self.form.element_type == "int8" else "float32")

    def _requantise(self, binding: str, sums: Tensor) -> Tensor:
        """Sums of an int8 network, rounded to int8."""
        if self.form.element_type != "int8":
            return sums
        rounded = self._each(f"{binding}_offset", "add",
                             operators.add_integer(1 << (REQUANTISATION_BITS - 1)), sums)
        shifted = self._each(f"{binding}_shifted", "right_shift",
                             operators.shift_right(REQUANTISATION_BITS), rounded)
        clipped = self._each(f"{binding}_clipped", "tir_clip", operators.clip_to_int8, shifted)
        return self._each(f"{binding}_int8", "cast", operators.cast("int8"), clipped)

    def _integer_average(self, binding: str, data: Tensor) -> Tensor:
        """The sum over all positions, divided by the power of two that is not less than their number."""
        bits = (elements(data.shape[2:]) - 1).bit_length()
        wide = self._each(f"{binding}_wide", "cast", operators.cast("int32"), data)
        total = self.module.call(f"{binding}_sum", "sum", operators.sum_positions, wide)
        shifted = self._each(f"{binding}_shifted", "right_shift", operators.shift_right(bits), total)
        return self._each(binding, "cast", operators.cast("int8"), shifted)

    def _shift(self, name: str, data: Tensor, shift: Shift) -> Tensor:
        """Bias or batch normalisation of a convolution's sums."""
        if shift is Shift.NONE:
            return data
        if shift is Shift.BATCH_NORM and not self.form.fold:
            return self._batch_norm(_binding(name), data)
        return self._bias(_binding(name), data)

    def _bias(self, binding: str, data: Tensor) -> Tensor:
        channels, rank = _constant(data.shape[1]), len(data.shape)
        if self.form.fold:
            bias = self._offset(f"{binding}_bias", (1, channels, *(1,) * (rank - 2)))
        else:
            bias = self.module.call(f"{binding}_bias_reshaped", "reshape",
                                    operators.reshape_bias(rank),
                                    self._offset(f"{binding}_bias", (channels,)))
        return self._each(f"{binding}_biased", "add", operators.add, data, bias)

    def _batch_norm(self, binding: str, data: Tensor) -> Tensor:
        """As TVM takes it apart: (data - mean) / sqrt(variance + epsilon) * gamma + beta."""
        channels = (_constant(data.shape[1]),)
        gamma, beta, mean, variance = (self._offset(f"{binding}_{part}", channels)
                                       for part in ("gamma", "beta", "mean", "variance"))
        centred = self._each(f"{binding}_centred", "subtract", operators.subtract, data,
                             self._expand(mean, data))
        shifted = self._prepare(f"{binding}_variance_shifted", "add", operators.add_epsilon,
                                self._expand(variance, data))
        deviation = self._prepare(f"{binding}_deviation", "tir_sqrt", operators.square_root, shifted)
        unit = self._each(f"{binding}_unit", "divide", operators.divide, centred, deviation)
        scaled = self._each(f"{binding}_scaled", "multiply", operators.multiply, unit,
                            self._expand(gamma, data))
        result = self._each(f"{binding}_normalised", "add", operators.add, scaled,
                            self._expand(beta, data))
        self.module.alias(f"{binding}_batch_norm", result, mean, variance)
        return result

    def _expand(self, values: Tensor, like: Tensor) -> Tensor:
        return self._prepare(f"{values.name}_expanded", "expand_dims",
                             operators.expand_dims(len(like.shape)), values)

    def _prepare(self, binding: str, function: str, operator: Operator, argument: Tensor) -> Tensor:
        return self.module.call(binding, function, operator, argument, fusion=Fusion.PREPARES)

    def _each(self, binding: str, function: str, operator: Operator, *arguments: Tensor) -> Tensor:
        return self.module.call(binding, function, operator, *arguments, fusion=Fusion.JOINS)

    def _pair(self, name: str, function: str, operator: Operator, left: Tensor,
              right: Tensor) -> Tensor:
        result = self._each(_binding(name), function, operator, left, right)
        self.layers.append(Layer(name, function, result.shape))
        return result

    def _count(self, name: str, kind: str, result: Tensor, weight: Tensor, shift: Shift) -> None:
        channels = _constant(result.shape[1])
        weights = elements(weight.shape)
        macs = elements(result.shape[1:]) * weights // channels
        others = {Shift.NONE: 0, Shift.BIAS: channels, Shift.BATCH_NORM: 2 * channels}[shift]
        self.layers.append(Layer(name, kind, result.shape, macs, weights, weights + others))


def _binding(layer: str) -> str:
    """A layer's name as a name of Python's grammar."""
    return layer.replace(".", "_")


def _constant(extent: Extent) -> int:
    return elements((extent,))
