"""A module of TVM: functions, each written once, and the Relax function `forward` that calls them."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence

from tvmscript import Function, Operator, Tensor, tuple_of

HEADER = """\
# from tvm.script import ir as I
# from tvm.script import tirx as T
# from tvm.tirx.layout import Axis
# from tvm.script import relax as R

"""


class Fusion(enum.Enum):
    """How a call takes part in fusion, after the patterns of TVM's pass FuseOps."""

    ALONE = enum.auto()
    """It is called on its own."""
    STARTS = enum.auto()
    """What follows element by element may join it."""
    JOINS = enum.auto()
    """It works element by element, and joins the call that makes one of its arguments."""
    PREPARES = enum.auto()
    """It makes an operand for one call that joins another, and goes with it."""
    REARRANGES = enum.auto()
    """It joins calls that work element by element, but no layer."""


@dataclasses.dataclass(frozen=True)
class Call:
    """A binding: `result` = `operator`(`arguments`)."""

    function: str
    operator: Operator
    arguments: tuple[Tensor, ...]
    result: Tensor
    fusion: Fusion


@dataclasses.dataclass(frozen=True)
class Alias:
    """A tuple that a pass has left behind. Nothing uses it, but it keeps calls from being fused.

    Fused texts are without it.
    """

    name: str
    entries: tuple[Tensor, ...]


@dataclasses.dataclass
class Group:
    """Calls that make one function. Only the last one's result is used outside."""

    calls: list[Call]

    def arguments(self) -> list[Tensor]:
        """What the calls take from outside, in the order of its first use."""
        inside = {call.result.name for call in self.calls}
        found = {argument.name: argument for call in self.calls for argument in call.arguments
                 if argument.name not in inside}
        return list(found.values())

    def name(self) -> str:
        """What its result is called: as the layer, if it starts with one."""
        calls = [call for call in self.calls if call.fusion is Fusion.STARTS] or self.calls[-1:]
        return calls[0].result.name

    def build(self, inputs: Sequence[Tensor]) -> Function:
        """The function, whose parameters are called as `inputs`."""
        function = Function(inputs, fused=len(self.calls) > 1)
        values = {argument.name: tensor for argument, tensor in zip(self.arguments(), inputs)}
        for call in self.calls:
            values[call.result.name] = call.operator(
                function, [values[argument.name] for argument in call.arguments])
        function.finish(values[self.calls[-1].result.name])
        return function


class Module:
    """Bindings in the order of their calls, and the functions that they need.

    Functions of equal structure are one, whose parameters have the names of its first call.
    """

    def __init__(self, inputs: Sequence[Tensor], symbols: Sequence[str] = ()):
        self._inputs = list(inputs)
        self._symbols = list(symbols)
        self._weights: list[Tensor] = []
        self._bindings: list[Call | Alias] = []
        self._names: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def weight(self, name: str, shape: tuple[int, ...], element_type: str) -> Tensor:
        """A parameter of the network that does not depend on its input."""
        tensor = Tensor(name, shape, element_type)
        self._weights.append(tensor)
        return tensor

    def call(self, name: str, function: str, operator: Operator, *arguments: Tensor,
             fusion: Fusion = Fusion.ALONE) -> Tensor:
        """Binds `name` to what the operator computes; its function is called `function`, or numbered."""
        probe = Function(arguments)
        result = dataclasses.replace(operator(probe, arguments), name=name)
        call = Call(function, operator, arguments, result, fusion)
        self._bindings.append(dataclasses.replace(call, function=self._declare(Group([call]), function)))
        return result

    def alias(self, name: str, *entries: Tensor) -> None:
        """Binds `name` to a tuple that nothing uses."""
        self._bindings.append(Alias(name, entries))

    def text(self, fuse: bool) -> str:
        """The module as TVM prints it, behind its fusing passes if `fuse`."""
        bindings = self._fused() if fuse else [
            Group([binding]) if isinstance(binding, Call) else binding for binding in self._bindings]
        names = {group.calls[-1].result.name: group.name() for group in bindings
                 if isinstance(group, Group)}
        lines: list[str] = []
        used: set[str] = set()
        for binding in bindings:
            if isinstance(binding, Alias):
                lines.append(_alias_text(binding))
                continue
            function = self._function_of(binding)
            used.add(function)
            lines.append(_call_text(binding, function, names))
        functions = "\n".join(self._texts[name] for name in sorted(used))
        return f"{self._head()}{functions}\n{self._forward(lines, names)}"

    def _declare(self, group: Group, name: str) -> str:
        """The name of the group's function, which is added unless there is one of equal structure."""
        arguments = group.arguments()
        structure = group.build([dataclasses.replace(argument, name=f"argument{number}")
                                 for number, argument in enumerate(arguments)]).text("")
        if structure not in self._names:
            candidate, number = name, 0
            while candidate in self._texts:
                number += 1
                candidate = f"{name}{number}"
            self._names[structure] = candidate
            self._texts[candidate] = group.build(arguments).text(candidate)
        return self._names[structure]

    def _function_of(self, group: Group) -> str:
        if len(group.calls) == 1:
            return group.calls[0].function
        return self._declare(group, "_".join(["fused", *(call.function for call in group.calls)]))

    def _fused(self) -> list[Group]:
        """Groups of calls, each where its last call stands."""
        uses = self._uses()
        calls = [binding for binding in self._bindings if isinstance(binding, Call)]
        positions = {call.result.name: position for position, call in enumerate(calls)}
        groups: dict[str, Group] = {}
        for call in calls:
            parts = _joined(call, [groups[argument.name] for argument in call.arguments
                                   if argument.name in groups], uses)
            for part in parts:
                del groups[part.calls[-1].result.name]
            before = [other for part in parts for other in part.calls]
            before.sort(key=lambda other: positions[other.result.name])
            groups[call.result.name] = Group([*before, call])
        return list(groups.values())

    def _uses(self) -> dict[str, int]:
        """How often the result of a binding is used; that of the last one leaves the network."""
        count: dict[str, int] = {}
        for binding in self._bindings:
            for tensor in binding.arguments if isinstance(binding, Call) else binding.entries:
                count[tensor.name] = count.get(tensor.name, 0) + 1
        return count

    def _head(self) -> str:
        symbols = "".join(f'{symbol} = TypeVar("{symbol}")\n' for symbol in self._symbols)
        start = "# from typing import TypeVar\n" if symbols else ""
        return f"{start}{HEADER}{symbols}@I.ir_module\nclass Module:\n"

    def _forward(self, lines: Sequence[str], names: dict[str, str]) -> str:
        parameters = ", ".join(f"{tensor.name}: {tensor.relax_type()}"
                               for tensor in [*self._inputs, *self._weights])
        last = self._bindings[-1]
        if isinstance(last, Alias):
            raise ValueError("a network ends with a call")
        result = names[last.result.name]
        body = "".join(f"            {line}\n" for line in [*lines, f"R.output({result})"])
        return ("    @R.function\n"
                f"    def forward({parameters}) -> {last.result.relax_type()}:\n"
                f'        R.func_attr({{"num_input": {len(self._inputs)}}})\n'
                "        cls = Module\n"
                "        with R.dataflow():\n"
                f"{body}"
                f"        return {result}\n")


def _joined(call: Call, producers: Sequence[Group], uses: dict[str, int]) -> list[Group]:
    """The groups that become one with a call: one that it joins, and those that prepare its operands."""
    alone = [group for group in producers if uses[group.calls[-1].result.name] == 1]
    prepared = [group for group in alone if group.calls[-1].fusion is Fusion.PREPARES]
    match call.fusion:
        case Fusion.JOINS:
            joined = [group for group in alone
                      if group.calls[-1].fusion in (Fusion.STARTS, Fusion.JOINS)
                      and group.calls[-1].result.shape == call.result.shape]
            return [*joined[:1], *prepared]
        case Fusion.PREPARES:
            return prepared
        case Fusion.REARRANGES:
            return [group for group in alone
                    if all(other.fusion is Fusion.JOINS for other in group.calls)]
        case _:
            return []


def _call_text(group: Group, function: str, names: dict[str, str]) -> str:
    """The binding of a call; `names` are those of other calls' results."""
    result = group.calls[-1].result
    given = tuple_of([names.get(argument.name, argument.name) for argument in group.arguments()])
    return (f"{names[result.name]} = R.call_tir(cls.{function}, {given}, "
            f"out_ty={result.relax_type()})")


def _alias_text(alias: Alias) -> str:
    types = ", ".join(tensor.relax_type() for tensor in alias.entries)
    return (f"{alias.name}: R.Tuple({types}) = "
            f"{', '.join(tensor.name for tensor in alias.entries)}")
