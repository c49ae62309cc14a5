"""The networks. README.md says where each one is from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from layers import Activation, Form, Network, Shift
from tvmscript import Tensor

RELU = Activation.RELU


def lenet5(form: Form) -> Network:
    """With ReLU and max pooling instead of the paper's sigmoids and trained subsampling."""
    net = Network((1, 32, 32), form)
    data = net.activation(net.convolution("conv1", net.input, 6, 5, shift=Shift.BIAS), RELU)
    data = net.max_pool("pool1", data, 2, 2)
    data = net.activation(net.convolution("conv2", data, 16, 5, shift=Shift.BIAS), RELU)
    data = net.flatten(net.max_pool("pool2", data, 2, 2))
    data = net.activation(net.dense("fc1", data, 120), RELU)
    data = net.activation(net.dense("fc2", data, 84), RELU)
    net.softmax("softmax", net.dense("fc3", data, 10))
    return net


def lenet5_caffe(form: Form) -> Network:
    net = Network((1, 28, 28), form)
    data = net.max_pool("pool1", net.convolution("conv1", net.input, 20, 5, shift=Shift.BIAS), 2, 2)
    data = net.max_pool("pool2", net.convolution("conv2", data, 50, 5, shift=Shift.BIAS), 2, 2)
    data = net.activation(net.dense("ip1", net.flatten(data), 500), RELU)
    net.softmax("prob", net.dense("ip2", data, 10))
    return net


@dataclasses.dataclass(frozen=True)
class _Filters:
    """A convolution of AlexNet."""

    outputs: int
    kernel: int
    stride: int
    padding: int
    groups: int
    pooled: bool


def _alexnet(net: Network, convolutions: tuple[_Filters, ...]) -> Network:
    data = net.input
    for number, filters in enumerate(convolutions, start=1):
        data = net.activation(
            net.convolution(f"conv{number}", data, filters.outputs, filters.kernel,
                            stride=filters.stride, padding=filters.padding, groups=filters.groups,
                            shift=Shift.BIAS), RELU)
        if filters.pooled:
            data = net.max_pool(f"pool{number}", data, 3, 2)
    data = net.activation(net.dense("fc6", net.flatten(data), 4096), RELU)
    data = net.activation(net.dense("fc7", data, 4096), RELU)
    net.dense("fc8", data, 1000)
    return net


def alexnet_torchvision(form: Form) -> Network:
    """One tower. The adaptive pooling before fc6 keeps its 6 x 6 elements, and is left out."""
    return _alexnet(Network((3, 224, 224), form),
                    (_Filters(64, 11, 4, 2, 1, True), _Filters(192, 5, 1, 2, 1, True),
                     _Filters(384, 3, 1, 1, 1, False), _Filters(256, 3, 1, 1, 1, False),
                     _Filters(256, 3, 1, 1, 1, True)))


def alexnet_bvlc(form: Form) -> Network:
    """Two towers: groups of 2. Without local response normalisation, which has no multiply-accumulates."""
    return _alexnet(Network((3, 227, 227), form),
                    (_Filters(96, 11, 4, 0, 1, True), _Filters(256, 5, 1, 2, 2, True),
                     _Filters(384, 3, 1, 1, 1, False), _Filters(384, 3, 1, 1, 2, False),
                     _Filters(256, 3, 1, 1, 2, True)))


def _basic_block(net: Network, name: str, data: Tensor, channels: int, stride: int) -> Tensor:
    """Two 3 x 3 convolutions, and the input added to them."""
    inner = net.activation(net.convolution(f"{name}.conv1", data, channels, 3, stride=stride,
                                           padding=1), RELU)
    inner = net.convolution(f"{name}.conv2", inner, channels, 3, padding=1)
    return _residual(net, name, inner, data, stride)


def _bottleneck(net: Network, name: str, data: Tensor, channels: int, stride: int) -> Tensor:
    """1 x 1, 3 x 3, 1 x 1 to four times the channels, and the input added to them."""
    inner = net.activation(net.convolution(f"{name}.conv1", data, channels, 1), RELU)
    inner = net.activation(net.convolution(f"{name}.conv2", inner, channels, 3, stride=stride,
                                           padding=1), RELU)
    inner = net.convolution(f"{name}.conv3", inner, 4 * channels, 1)
    return _residual(net, name, inner, data, stride)


def _residual(net: Network, name: str, inner: Tensor, shortcut: Tensor, stride: int) -> Tensor:
    if shortcut.shape != inner.shape:
        outputs = inner.shape[1]
        assert isinstance(outputs, int)
        shortcut = net.convolution(f"{name}.down", shortcut, outputs, 1, stride=stride)
    return net.activation(net.add(f"{name}.add", inner, shortcut), RELU)


Block = Callable[[Network, str, Tensor, int, int], Tensor]


def _resnet(form: Form, block: Block, depths: tuple[int, ...]) -> Network:
    net = Network((3, 224, 224), form)
    data = net.activation(net.convolution("conv1", net.input, 64, 7, stride=2, padding=3), RELU)
    data = net.max_pool("maxpool", data, 3, 2, 1)
    for stage, depth in enumerate(depths):
        for number in range(depth):
            stride = 2 if stage > 0 and number == 0 else 1
            data = block(net, f"l{stage + 1}.{number}", data, 64 << stage, stride)
    net.dense("fc", net.flatten(net.global_average_pool("gap", data)), 1000)
    return net


def resnet18(form: Form) -> Network:
    return _resnet(form, _basic_block, (2, 2, 2, 2))


def resnet50(form: Form) -> Network:
    """Version 1.5: the stride is in the 3 x 3 convolution."""
    return _resnet(form, _bottleneck, (3, 4, 6, 3))


def _depthwise(net: Network, name: str, data: Tensor, kernel: int, stride: int,
               activation: Activation) -> Tensor:
    channels = data.shape[1]
    assert isinstance(channels, int)
    return net.activation(net.convolution(name, data, channels, kernel, stride=stride,
                                          padding=kernel // 2, groups=channels), activation)


def mobilenet_v1(form: Form) -> Network:
    """Width 1.0. Padding is symmetric, where TensorFlow's has none on one side if the stride is 2."""
    net = Network((3, 224, 224), form)
    clip = Activation.RELU6
    data = net.activation(net.convolution("conv1", net.input, 32, 3, stride=2, padding=1), clip)
    blocks = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2),
              (1024, 1))
    for number, (channels, stride) in enumerate(blocks, start=1):
        data = _depthwise(net, f"dw{number}", data, 3, stride, clip)
        data = net.activation(net.convolution(f"pw{number}", data, channels, 1), clip)
    net.dense("fc", net.flatten(net.global_average_pool("gap", data)), 1000)
    return net


@dataclasses.dataclass(frozen=True)
class _Stage:
    """Inverted residual blocks; the first has the stride, the others 1."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


def _excite(net: Network, name: str, data: Tensor, squeezed: int) -> Tensor:
    """Squeeze and excitation: every channel is scaled by what two layers make of all channels' means."""
    channels = data.shape[1]
    assert isinstance(channels, int)
    scale = net.convolution(f"{name}.se_reduce", net.global_average_pool(f"{name}.se_pool", data),
                            squeezed, 1, shift=Shift.BIAS)
    scale = net.convolution(f"{name}.se_expand", net.activation(scale, Activation.SILU), channels, 1,
                            shift=Shift.BIAS)
    return net.multiply(f"{name}.se_scale", data, net.activation(scale, Activation.SIGMOID))


def _inverted_residual(net: Network, name: str, data: Tensor, stage: _Stage, stride: int,
                       activation: Activation, excite: bool) -> Tensor:
    """Expansion, depthwise convolution, projection; the input is added if it has the same shape."""
    inputs = data.shape[1]
    assert isinstance(inputs, int)
    inner = data
    if stage.expansion > 1:
        inner = net.activation(net.convolution(f"{name}.expand", data, inputs * stage.expansion, 1),
                               activation)
    inner = _depthwise(net, f"{name}.dw", inner, stage.kernel, stride, activation)
    if excite:
        inner = _excite(net, name, inner, inputs // 4)
    inner = net.convolution(f"{name}.project", inner, stage.channels, 1)
    return net.add(f"{name}.add", inner, data) if inner.shape == data.shape else inner


def _inverted_residuals(net: Network, first: str, last: str, stages: tuple[_Stage, ...],
                        activation: Activation, excite: bool) -> Network:
    data = net.activation(net.convolution(first, net.input, 32, 3, stride=2, padding=1), activation)
    number = 0
    for stage in stages:
        for position in range(stage.blocks):
            number += 1
            data = _inverted_residual(net, f"b{number}", data, stage,
                                      stage.stride if position == 0 else 1, activation, excite)
    data = net.activation(net.convolution(last, data, 1280, 1), activation)
    net.dense("fc", net.flatten(net.global_average_pool("gap", data)), 1000)
    return net


def mobilenet_v2(form: Form) -> Network:
    """Width 1.0."""
    stages = (_Stage(1, 3, 1, 1, 16), _Stage(2, 3, 2, 6, 24), _Stage(3, 3, 2, 6, 32),
              _Stage(4, 3, 2, 6, 64), _Stage(3, 3, 1, 6, 96), _Stage(3, 3, 2, 6, 160),
              _Stage(1, 3, 1, 6, 320))
    return _inverted_residuals(Network((3, 224, 224), form), "conv0", "conv_last", stages,
                               Activation.RELU6, excite=False)


def efficientnet_b0(form: Form) -> Network:
    """The layers of squeeze and excitation are 1 x 1 convolutions, as in torchvision."""
    stages = (_Stage(1, 3, 1, 1, 16), _Stage(2, 3, 2, 6, 24), _Stage(2, 5, 2, 6, 40),
              _Stage(3, 3, 2, 6, 80), _Stage(3, 5, 1, 6, 112), _Stage(4, 5, 2, 6, 192),
              _Stage(1, 3, 1, 6, 320))
    return _inverted_residuals(Network((3, 224, 224), form), "stem", "head", stages,
                               Activation.SILU, excite=True)


def _tcresnet8(net: Network, data: Tensor, shortcut_first: bool) -> Network:
    """What follows the first convolution, whose result is `data`."""
    for number, channels in enumerate((24, 32, 48), start=1):
        data = _temporal_block(net, f"b{number}", data, channels, shortcut_first)
    net.dense("fc", net.flatten(net.global_average_pool("gap", data)), 12, bias=False)
    return net


def _temporal_block(net: Network, name: str, data: Tensor, channels: int,
                    shortcut_first: bool) -> Tensor:
    """Two convolutions over nine frames, and every second frame of the input added to them."""

    def shortcut() -> Tensor:
        return net.activation(net.convolution(f"{name}.down", data, channels, 1, stride=2), RELU)

    inner = net.activation(net.convolution(f"{name}.conv_a", data, channels, 9, stride=2, padding=4),
                           RELU)
    other = shortcut() if shortcut_first else None
    inner = net.convolution(f"{name}.conv_b", inner, channels, 9, padding=4)
    return net.activation(net.add(f"{name}.add", inner, other or shortcut()), RELU)


def tcresnet8(form: Form) -> Network:
    """Every convolution padded; nothing between the first convolution and the first block."""
    net = Network((40, 101), form)
    data = net.convolution("conv0", net.input, 16, 3, padding=1, shift=Shift.NONE)
    return _tcresnet8(net, data, shortcut_first=False)


def tcresnet8_ultratrail(form: Form) -> Network:
    """As UltraTrail runs it: conv0 without padding, and the shortcut before the second convolution."""
    net = Network((40, 101), form)
    data = net.activation(net.convolution("conv0", net.input, 16, 3), RELU)
    return _tcresnet8(net, data, shortcut_first=True)


NETWORKS: dict[str, Callable[[Form], Network]] = {
    definition.__name__: definition
    for definition in (alexnet_bvlc, alexnet_torchvision, efficientnet_b0, lenet5, lenet5_caffe,
                       mobilenet_v1, mobilenet_v2, resnet18, resnet50, tcresnet8,
                       tcresnet8_ultratrail)
}
