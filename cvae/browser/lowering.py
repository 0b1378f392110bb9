"""From the ATen calls of one exported module to the steps that runtime.js knows."""

import math
import operator
from typing import Any

import numpy as np
import torch
from torch.fx import Node

from cvae.browser.steps import Held, Step, Steps, at
from cvae.browser.views import View, repeated

UNARY = ("silu", "relu", "sigmoid", "tanh", "exp", "sqrt", "log", "log1p", "abs", "logit")
# The same with its operands the other way round
SWAPPED = {"add": "add", "mul": "mul", "sub": "from", "div": "into", "least": "least"}
ALIASES = ("clone", "_to_copy", "alias", "detach", "lift_fresh_copy")


class Lowering(Steps):
    """The steps of one exported module; a method `_call_NAME` for each kind of call that is not its step's own name."""

    def _call(self, node: Node) -> Held:
        if node.target is operator.getitem:
            several, place = self.views[_first(node)], node.args[1]
            assert isinstance(several, list) and isinstance(place, int)
            return several[place]
        name = str(node.target).removeprefix("aten.").split(".")[0]
        if name in ("sym_size", "_assert_tensor_metadata", "_assert_scalar", "sym_constrain_range_for_size"):
            return None
        result = getattr(self, f"_call_{name.strip('_')}", None)
        if name in ALIASES:
            return self.views[_first(node)]
        if name in UNARY:
            return self._unary(name, self._of(_first(node)))
        if name == "minimum":
            return self._binary("least", *node.args)
        if name in SWAPPED:
            return self._binary(name, *node.args[:2])
        if result is None:
            raise ValueError(f"the browser's runtime has no step for {node.target}.")
        return result(node, *(self._argument(arg) for arg in node.args))

    def _argument(self, arg: object) -> Any:
        """Return an argument of a call with views in the place of nodes."""
        if isinstance(arg, Node):
            return self.views[arg]
        return [self._argument(a) for a in arg] if isinstance(arg, list | tuple) else arg

    def _shape(self, node: Node) -> tuple[tuple[int, ...], bool]:
        """Return the shape of a node's tensor for one example, and whether its first axis is the batch."""
        shape = node.meta["val"].shape
        rows = bool(shape) and not isinstance(shape[0], int)
        if rows and str(shape[0]) != str(self.batch):
            raise ValueError(f"the browser's runtime cannot split the batch, as {node.target} does.")
        return tuple(int(side) for side in (shape[1:] if rows else shape)), rows

    def _unary(self, f: str, view: View, *numbers: float) -> View:
        view = self._solid(view)
        value = self._emit("map", view.size, view, f=f, x=at(view.value, view.start), p=list(numbers) or None)
        return self._whole(value, view.shape, view.rows)

    def _binary(self, f: str, *operands: object) -> View:
        a, b = map(self._argument, operands)
        if not isinstance(a, View):
            return self._with_number(SWAPPED[f], b, a)
        return self._with_number(f, a, b) if not isinstance(b, View) else self._with_view(f, a, b)

    def _with_number(self, f: str, view: View, number: float) -> View:
        neutral = {"add": 0, "sub": 0, "mul": 1, "div": 1}.get(f)
        if number == neutral:
            return view
        if f == "into":
            return self._unary("into", view, number)
        affine = {"add": (1, number), "sub": (1, -number), "mul": (number, 0), "from": (-1, number)}
        scale, shift = affine.get(f) or (1 / number, 0)
        return self._unary("affine", view, scale, shift)

    def _with_view(self, f: str, a: View, b: View) -> View:
        rows = a.rows or b.rows
        if rows:
            a, b = a.as_row(), b.as_row()
        shape = np.broadcast_shapes(a.shape, b.shape)
        a, b = a.expanded(shape), b.expanded(shape)
        if not a.solid and b.solid:
            f, a, b = SWAPPED[f], b, a
        a = self._solid(a)
        pattern = repeated(b.index.reshape(-1))
        if pattern is None:
            b = self._solid(b)
            pattern = b.start, 1, b.size
        start, every, size = pattern
        operands: Step = {"x": at(a.value, a.start), "y": at(b.value, start), "every": every, "of": size}
        return self._whole(self._emit("join", a.size, a, b, f=f, **operands), shape, rows)

    def _call_neg(self, node: Node, x: View) -> View:
        return self._unary("affine", x, -1, 0)

    def _call_pow(self, node: Node, x: View, exponent: float) -> View:
        if exponent != 2:
            raise ValueError(f"the browser's runtime has no step for {node.target} but squares.")
        return self._with_view("mul", x, x)

    def _call_sum(self, node: Node, x: View, axes: list[int], keep: bool = False) -> View:
        shape, rows = self._shape(node)
        reduced = sorted(axis % (len(x.shape) + x.rows) - x.rows for axis in axes)
        if reduced != list(range(len(x.shape)))[-len(reduced) :]:
            raise ValueError("the browser's runtime sums over the last axes only.")
        x = self._solid(x)
        of = math.prod(x.shape[-len(reduced) :])
        value = self._emit("sum", x.size // of, x, x=at(x.value, x.start), of=of)
        return self._whole(value, shape, rows)

    def _call_clamp(self, node: Node, x: View, low: float | None = None, high: float | None = None) -> View:
        return self._unary("clamp", x, -3e38 if low is None else low, 3e38 if high is None else high)

    _call_clamp_min = _call_clamp

    def _call_gt(self, node: Node, x: View, number: float) -> View:
        return self._unary("above", x, number)

    def _call_where(self, node: Node, told: View, a: View, b: View) -> View:
        shape, rows = self._shape(node)
        views = [view.as_row() if rows else view for view in (told, a, b)]
        told, a, b = (self._solid(view.expanded(shape)) for view in views)
        operands: Step = {key: at(view.value, view.start) for key, view in (("x", told), ("y", a), ("w", b))}
        return self._whole(self._emit("choose", told.size, told, a, b, **operands), shape, rows)

    def _call_linear(self, node: Node, x: View, weight: View, bias: View | None = None) -> View:
        x, weight = self._solid(x), self._full(weight)
        out, n = weight.shape
        b = None if bias is None else self._full(bias).value
        operands = [x, weight] if bias is None else [x, weight, bias]
        fields: Step = {"x": at(x.value, x.start), "w": weight.value, "b": b, "dims": [n, out]}
        return self._whole(self._emit("linear", out, *operands, **fields), (out,), x.rows)

    def _call_mm(self, node: Node, x: View, weight: View) -> View:
        return self._call_linear(node, x, View(weight.value, weight.index.T, weight.rows))

    def _call_addmm(self, node: Node, bias: View, x: View, weight: View) -> View:
        return self._call_linear(node, x, View(weight.value, weight.index.T, weight.rows), bias)

    def _full(self, view: View) -> View:
        """Return a constant that is a whole value of its own."""
        if view.solid and not view.start and view.size == self.sizes[view.value]:
            return view
        value = self._new(view.size, self.constant[view.value])
        self._move(view, value, np.arange(view.size))
        return self._whole(value, view.shape, view.rows)

    def _call_convolution(
        self,
        node: Node,
        x: View,
        weight: View,
        bias: View | None,
        stride: list[int],
        padding: list[int],
        dilation: list[int],
        transposed: bool,
        extra: list[int],
        groups: int,
    ) -> View:
        if any(d != 1 for d in dilation) or groups != 1:
            raise ValueError("the browser's runtime has no dilated or grouped convolutions.")
        shape, _ = self._shape(node)
        x, n_in, n_out = self._solid(x), x.shape[0], shape[0]
        kernel = weight.shape[2:]
        if transposed:
            weight = View(weight.value, np.moveaxis(weight.index, 0, -1), False)  # (out, kh, kw, in)
        weight = self._full(weight)
        bias = None if bias is None else self._full(bias)
        dims = [n_in, *x.shape[1:], n_out, *kernel, *stride, *padding, *shape[1:]]
        fields: Step = {"x": at(x.value, x.start), "w": weight.value, "b": bias and bias.value, "dims": dims}
        operands = [x, weight] if bias is None else [x, weight, bias]
        op = "deconv" if transposed else "conv"
        return self._whole(self._emit(op, math.prod(shape), *operands, **fields), shape, True)

    def _call_native_batch_norm_legit_no_training(
        self,
        node: Node,
        x: View,
        weight: View | None,
        bias: View | None,
        mean: View,
        var: View,
        momentum: float,
        eps: float,
    ) -> list[View]:
        scale = self._unary("root", self._with_number("add", var, eps), 1)  # 1 / sqrt
        scale = scale if weight is None else self._with_view("mul", scale, weight)
        maker = self.made_by.get(x.value, {})
        if maker.get("op") in ("linear", "conv", "deconv") and x.solid and self._used_once(_first(node), maker):
            self._folded(maker, x, scale, bias, mean)
            return [x]
        shift = self._with_view("mul", mean, scale)
        shift = self._unary("affine", shift, -1, 0) if bias is None else self._with_view("sub", bias, shift)
        sides = (-1,) + (1,) * (len(x.shape) - 1)
        scale, shift = (View(v.value, v.index.reshape(sides), True) for v in (scale, shift))
        return [self._with_view("add", self._with_view("mul", x, scale), shift)]

    def _used_once(self, node: Node, maker: Step) -> bool:
        """Tell whether nothing but one chain of views leads from the step that made a node's value to its only use."""
        while len(node.users) == 1 and _only_views(node):
            node = _first(node)
        view, value = self._of(node), maker["out"]
        return len(node.users) == 1 and view.value == value and view.size == self.sizes[value]

    def _folded(self, maker: Step, x: View, scale: View, bias: View | None, mean: View) -> None:
        """Put scale and shift of a BatchNorm into the weights and the bias of the step before it."""
        self.steps.remove(maker)
        # Rows of the weights, which are (out, ...) each
        rows = self.sizes[maker["out"]] if maker["op"] == "linear" else maker["dims"][3]

        def widened(view: View) -> View:
            return View(view.value, view.index.repeat(rows // view.size), False)

        wide, mean = widened(scale), widened(mean)
        weight = self._whole(maker["w"], (rows, self.sizes[maker["w"]] // rows), False)
        maker["w"] = self._with_view("mul", weight, View(wide.value, wide.index[:, None], False)).value
        if maker.get("b") is not None:
            centred = self._with_view("sub", self._whole(maker["b"], (rows,), False), mean)
        else:
            centred = self._unary("affine", mean, -1, 0)
        centred = self._with_view("mul", centred, wide)
        maker["b"] = (centred if bias is None else self._with_view("add", centred, widened(bias))).value
        self.steps.append(maker)

    def _call_cat(self, node: Node, pieces: list[View], axis: int = 0) -> View:
        shape, rows = self._shape(node)
        pieces = [piece.as_row() if rows else piece for piece in pieces]
        axis = axis % (len(shape) + rows) - rows
        pieces = [piece for piece in pieces if piece.size]
        if len(pieces) == 1:
            return pieces[0]
        value = self._new(math.prod(shape), all(self.constant[piece.value] for piece in pieces))
        ends = np.cumsum([piece.shape[axis] for piece in pieces])[:-1]
        places = np.split(np.arange(math.prod(shape)).reshape(shape), ends, axis)
        for piece, place in zip(pieces, places, strict=True):
            self._move(piece, value, place.reshape(-1))
        return self._whole(value, shape, rows)

    def _call_full(self, node: Node, sides: object, number: float) -> View:
        shape, rows = self._shape(node)
        value = self._emit("fill", 1, p=[number])
        return View(value, np.zeros(shape, int), rows)

    def _call_scalar_tensor(self, node: Node, number: float) -> View:
        return self._call_full(node, (), number)

    def _call_constant_pad_nd(self, node: Node, x: View, widths: list[int], number: float = 0.0) -> View:
        shape, rows = self._shape(node)
        value = self._new(math.prod(shape), self.constant[x.value])
        fill = View(self._emit("fill", 1, p=[number]), np.zeros(math.prod(shape), int), rows)
        self._move(fill, value, np.arange(math.prod(shape)))
        before = [*reversed(widths[::2])]
        before = [0] * (len(shape) - len(before)) + before
        inner = tuple(slice(b, b + n) for b, n in zip(before, x.shape, strict=True))
        self._move(x, value, np.arange(math.prod(shape)).reshape(shape)[inner].reshape(-1))
        return self._whole(value, shape, rows)

    # Only another view of the same numbers

    def _call_view(self, node: Node, x: View, sides: object) -> View:
        shape, rows = self._shape(node)
        if rows != x.rows:
            raise ValueError(f"the browser's runtime cannot split the batch, as {node.target} does.")
        return View(x.value, x.index.reshape(shape), rows)

    _call_reshape = _call_unsafe_view = _call_view

    def _call_expand(self, node: Node, x: View, sides: object, implicit: bool = False) -> View:
        shape, rows = self._shape(node)
        return (x.as_row() if rows else x).expanded(shape)

    def _call_permute(self, node: Node, x: View, axes: list[int]) -> View:
        if x.rows and axes[0] != 0:
            raise ValueError("the browser's runtime keeps the batch as the first axis.")
        return View(x.value, x.index.transpose([a - x.rows for a in axes[x.rows :]]), x.rows)

    def _call_slice(
        self, node: Node, x: View, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
    ) -> View:
        axis %= len(x.shape) + x.rows
        if x.rows and axis == 0:
            return x
        return View(x.value, x.index[(slice(None),) * (axis - x.rows) + (slice(start, end, step),)], x.rows)

    def _call_select(self, node: Node, x: View, axis: int, place: int) -> View:
        return View(x.value, x.index.take(place, axis % (len(x.shape) + x.rows) - x.rows), x.rows)

    def _call_split_with_sizes(self, node: Node, x: View, sizes: list[int], axis: int = 0) -> list[View]:
        axis = axis % (len(x.shape) + x.rows) - x.rows
        return [View(x.value, part, x.rows) for part in np.split(x.index, np.cumsum(sizes)[:-1], axis)]

    def _call_flip(self, node: Node, x: View, axes: list[int]) -> View:
        flipped = tuple(a % (len(x.shape) + x.rows) - x.rows for a in axes)
        return View(x.value, np.flip(x.index, flipped), x.rows)

    def _call_unsqueeze(self, node: Node, x: View, axis: int) -> View:
        shape, rows = self._shape(node)
        return View(x.value, x.index.reshape(shape), rows)

    _call_squeeze = _call_unsqueeze

    def _call_pixel_shuffle(self, node: Node, x: View, r: int) -> View:
        c, h, w = x.shape
        index = x.index.reshape(c // r**2, r, r, h, w).transpose(0, 3, 1, 4, 2)
        return View(x.value, index.reshape(-1, h * r, w * r), True)

    def _call_pixel_unshuffle(self, node: Node, x: View, r: int) -> View:
        c, h, w = x.shape
        index = x.index.reshape(c, h // r, r, w // r, r).transpose(0, 2, 4, 1, 3)
        return View(x.value, index.reshape(-1, h // r, w // r), True)

    # By numbers that stand in the weights

    def _call_empty_permuted(self, node: Node, *_: object) -> None:
        return None

    def _call_index_put(self, node: Node, x: None, places: list[View | None], values: View) -> View:
        return self._placed("put", node, places, values)

    def _call_index(self, node: Node, x: View, places: list[View | None]) -> View:
        return self._placed("take", node, places, x)

    def _call_index_select(self, node: Node, x: View, axis: int, places: View) -> View:
        return self._placed("take", node, [None] * axis + [places], x)

    def _placed(self, op: str, node: Node, places: list[View | None], x: View) -> View:
        shape, rows = self._shape(node)
        among = places[1] if len(places) == 2 and places[0] is None else None
        if among is None or len(x.shape) != 1 or not x.rows:
            raise ValueError(f"the browser's runtime has no step for {node.target} of this form.")
        x, order = self._solid(x), self._solid(among)
        value = self._emit(op, shape[0], x, x=at(x.value, x.start), w=at(order.value, order.start))
        return self._whole(value, shape, rows)

    # Only of weights

    def _call_linalg_vector_norm(self, node: Node, x: View, order: float, axes: list[int], keep: bool = False) -> View:
        if x.rows or order != 2 or [a % len(x.shape) for a in axes] != [len(x.shape) - 1]:
            raise ValueError(f"the browser's runtime has no step for {node.target} of this form.")
        shape, x = self._shape(node)[0], self._solid(x)
        value = self._emit("norm", math.prod(shape), x, x=at(x.value, x.start), of=x.shape[-1])
        return self._whole(value, shape, False)


def _first(node: Node) -> Node:
    """Return the node that a call takes first."""
    first = node.args[0]
    assert isinstance(first, Node)
    return first


def _only_views(node: Node) -> bool:
    """Tell whether a call leaves the numbers as they are."""
    return node.target is torch.ops.aten.view.default or str(node.target).startswith("aten.clone")
