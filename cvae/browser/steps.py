"""What a part of a program is put together from: values, steps, and views of values."""

import math
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.fx import Node

from cvae.browser.views import View, affine

OPERANDS = ("x", "y", "w", "b")
Step: TypeAlias = dict[str, Any]  # as runtime.js reads it
Held: TypeAlias = View | list[View] | None  # of a node: its tensor, its tensors, or none that is needed


class Steps:
    """The steps of one exported module whose inputs all have the batch as their first axis.

    A value of a program is the numbers of one example, or of none where it follows from weights alone; a View says
    where in a value the elements of one of torch's tensors lie, so views, slices and permutations cost nothing until
    an operation needs its operands in one piece.
    """

    def __init__(self, exported: torch.export.ExportedProgram, takes: tuple[str, ...], gives: tuple[str, ...]) -> None:
        self.sizes: list[int] = []
        self.constant: list[bool] = []
        self.steps: list[Step] = []
        self.tensors: dict[str, int] = {}
        self.inputs: dict[str, int] = {}
        self.views: dict[Node, Held] = {}
        self.made_by: dict[int, Step] = {}
        signature = exported.graph_signature
        self.targets = signature.inputs_to_parameters | signature.inputs_to_buffers
        self.names = dict(zip(signature.user_inputs, takes, strict=True))
        self.shapes: dict[str, list[int]] = {}
        for node in exported.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node)
            elif node.op == "call_function":
                self.views[node] = self._call(node)
            elif node.op == "output":
                self.outputs = dict(zip(gives, map(self._finished, node.args[0]), strict=True))

    def part(self) -> dict:
        """Return the part of a program, without steps and tensors that nothing needs, its values numbered in order."""
        needed = {out[0] for out in self.outputs.values()} | set(self.inputs.values())
        kept: list[Step] = []
        for step in reversed(self.steps):
            if step["out"] in needed:
                kept.insert(0, step)
                needed |= {_value(step[key]) for key in OPERANDS if step.get(key) is not None}
        tensors = {name: value for name, value in self.tensors.items() if value in needed}
        order = [*tensors.values(), *self.inputs.values()]
        order += [v for v in dict.fromkeys(step["out"] for step in kept) if v not in order]
        number = {value: i for i, value in enumerate(order)}
        steps = [_renumbered(step, number) for step in kept]
        once = [self.constant[step["out"]] for step in kept]
        return {
            "inputs": self.shapes,
            "tensors": list(tensors),
            "sizes": [self.sizes[value] for value in order],
            "once": [step for step, constant in zip(steps, once, strict=True) if constant],
            "steps": [step for step, constant in zip(steps, once, strict=True) if not constant],
            "outputs": {name: [number[value], shape] for name, (value, shape) in self.outputs.items()},
        }

    def _call(self, node: Node) -> Held:
        """Add the steps of a call and return what its node stands for; ValueError where the runtime has none."""
        raise NotImplementedError

    # Values

    def _placeholder(self, node: Node) -> None:
        shape = tuple(node.meta["val"].shape)
        if node.name in self.names:
            name = self.names[node.name]
            self.batch = shape[0]
            value = self.inputs[name] = self._new(math.prod(shape[1:]), constant=False)
            self.shapes[name] = [int(side) for side in shape[1:]]
            self.views[node] = View(value, np.arange(self.sizes[value]).reshape(shape[1:]), rows=True)
        elif node.name in self.targets:
            name = self.targets[node.name].removeprefix("model.")
            value = self.tensors[name] = self._new(math.prod(shape), constant=True)
            self.views[node] = View(value, np.arange(self.sizes[value]).reshape(shape), rows=False)
        else:
            raise ValueError(f"the model holds a tensor that its weights do not: {node.name}.")

    def _of(self, node: Node) -> View:
        """Return the view of a node that is one tensor."""
        view = self.views[node]
        assert isinstance(view, View)
        return view

    def _new(self, size: int, constant: bool) -> int:
        self.sizes.append(int(size))
        self.constant.append(constant)
        return len(self.sizes) - 1

    def _emit(self, op: str, size: int, *operands: View, into: int | None = None, **fields: Any) -> int:
        """Add a step whose operands are named by `fields`; return its value, which is constant if all operands are."""
        constant = all(self.constant[view.value] for view in operands)
        value = self._new(size, constant) if into is None else into
        step: Step = {"op": op, "out": value} | {key: field for key, field in fields.items() if field is not None}
        self.steps.append(step)
        self.made_by[value] = step
        return value

    def _whole(self, value: int, shape: tuple[int, ...], rows: bool) -> View:
        return View(value, np.arange(math.prod(shape)).reshape(shape), rows)

    def _solid(self, view: View) -> View:
        """Return the view with its elements side by side and in order, moved there where they are not."""
        if view.solid:
            return view
        value = self._new(view.size, self.constant[view.value])
        self._move(view, value, np.arange(view.size))
        return self._whole(value, view.shape, view.rows)

    def _move(self, view: View, into: int, places: np.ndarray) -> None:
        sides, (start, steps), (to, strides) = affine(view.index.reshape(-1), places)
        moved = {"x": at(view.value, start), "sides": sides, "by": steps, "to": to, "strides": strides}
        self._emit("move", 0, view, into=into, **moved)

    def _finished(self, node: Node) -> tuple[int, list[int]]:
        view = self._solid(self._of(node))
        if view.start or view.size != self.sizes[view.value]:
            value = self._new(view.size, self.constant[view.value])
            self._move(view, value, np.arange(view.size))
            view = self._whole(value, view.shape, view.rows)
        return view.value, list(view.shape)


def at(value: int, start: int) -> int | list[int]:
    return [value, int(start)] if start else value


def _value(operand: int | list[int]) -> int:
    return operand[0] if isinstance(operand, list) else operand


def _renumbered(step: Step, number: dict[int, int]) -> Step:
    new = step | {"out": number[step["out"]]}
    for key in OPERANDS:
        if step.get(key) is not None:
            operand = step[key]
            new[key] = [number[operand[0]], operand[1]] if isinstance(operand, list) else number[operand]
    return new
