"""What a model is given about a picture beside the picture itself: nothing, its label, or the pixels that are visible.

Sohn, Lee and Yan (2015), "Learning Structured Output Representation using Deep Conditional Generative Models".
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cvae.config import ModelConfig
from cvae.families import LABEL, PIXELS
from cvae.networks import ResidualEncoder


@dataclass(frozen=True)
class Condition:
    """The condition c of N pictures in the forms in which networks take it.

    What callers pass as c is a tensor: labels (N,) int64; one-hot rows (N, n_classes) float, which may be mixtures of
    labels; or pixels with their mask, cat(x * visible, visible) (N, C + 1, H, W). `read` makes a Condition of any.
    """

    rows: Tensor  # (N, K) float: one-hot labels, or pixels and mask as one long row; K = 0 where no numbers join z
    pixels: Tensor | None = None  # (N, C, H, W), 0 where hidden
    visible: Tensor | None = None  # (N, 1, H, W) bool, True = known
    maps: tuple[Tensor, ...] = ()  # feature maps that the prior network makes of both (see Pyramid.maps), largest first
    summary: Tensor | None = None  # and its output (N, flow_width)

    @property
    def context(self) -> Tensor:
        """What the flow of the prior is conditional on, (N, ...)."""
        return self.rows if self.summary is None else self.summary

    def seen_by(self, network: ResidualEncoder) -> "Condition":
        """Return the condition with all that a prior network makes of pixels and mask, in the place of their rows."""
        assert self.pixels is not None and self.visible is not None  # what a prior network looks at
        nothing = self.rows[:, :0]
        maps = network.maps(torch.cat([self.pixels, self.visible.to(self.pixels.dtype)], dim=1), nothing)
        return Condition(nothing, self.pixels, self.visible, tuple(maps), network.summary(maps[-1]))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Condition":
        """Return the condition with every tensor changed in the same way."""
        pixels, visible, summary = (
            None if part is None else change(part) for part in (self.pixels, self.visible, self.summary)
        )
        return Condition(change(self.rows), pixels, visible, tuple(map(change, self.maps)), summary)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice) -> "Condition":
        return self.each(lambda part: part[index])

    def repeat(self, k: int) -> "Condition":
        """Return all N rows k times over, in the order of a flattened (K, N, ...)."""
        return self.each(lambda part: part.repeat(k, *[1] * (part.dim() - 1)))

    def repeat_interleave(self, k: int) -> "Condition":
        """Return each row k times, in the order of a flattened (N, K, ...)."""
        return self.each(lambda part: part.repeat_interleave(k, 0))

    def split(self, size: int) -> list["Condition"]:
        """Return the parts of `size` rows each; the last may be shorter."""
        return [self[i : i + size] for i in range(0, max(1, len(self)), size)]


def n_numbers(config: ModelConfig) -> int:
    """Return how many numbers join picture and z, the K of Condition.rows as the networks get them."""
    channels, height, width = config.image_shape
    as_numbers = (channels + 1) * height * width if not config.sees_pixels else 0
    return {LABEL: config.n_classes, PIXELS: as_numbers}.get(config.kind.given, 0)


def read(c: Tensor | None, like: Tensor, config: ModelConfig) -> Condition:
    """Return the condition that a tensor c stands for, for the N rows of `like`; without conditions c is ignored.

    ValueError, with what was expected, if c is missing or does not fit.
    """
    if reader := READERS.get(config.kind.given):
        return reader(c, like, config)
    return Condition(like.new_zeros(like.shape[0], 0))


def _labels(c: Tensor | None, like: Tensor, config: ModelConfig) -> Condition:
    n = config.n_classes
    if c is None:
        raise ValueError(f"a conditional model needs a label from 0 to {n - 1} for every row; got none.")
    if c.dim() == 2:
        return Condition(c)
    try:
        return Condition(nn.functional.one_hot(c, n).to(like.dtype))
    except RuntimeError as error:
        raise ValueError(f"labels must be whole numbers from 0 to {n - 1}; got {c.tolist()[:5]}.") from error


def _pixels(c: Tensor | None, like: Tensor, config: ModelConfig) -> Condition:
    channels, height, width = config.image_shape
    if c is None or c.shape[1:] != (channels + 1, height, width):
        got = "none" if c is None else " x ".join(map(str, c.shape))
        wanted = f"N x {channels + 1} x {height} x {width}"
        raise ValueError(f"an inpainting model needs cat(x * visible, visible), {wanted}; got {got}.")
    return Condition(c.flatten(1), c[:, :-1], c[:, -1:] > 0.5)


READERS = {LABEL: _labels, PIXELS: _pixels}
