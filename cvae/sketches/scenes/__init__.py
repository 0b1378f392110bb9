"""Made pictures as people photograph them: digits on paper, boards and tables, among other marks, in any light.

They are what the network that finds ink is trained on. Colours are float32 (H, W, 3) in [0, 1]; a cover (H, W) in
[0, 1] says how far each pixel is painted over; lengths are in pixels unless they are said to be shares of the side.
"""

import numpy as np
import torch
from torch import Tensor

from cvae.sketches.scenes import glyphs, hands
from cvae.sketches.scenes.glyphs import Glyph
from cvae.sketches.scenes.scene import draw

SIZES = [(192, 192), (192, 192), (160, 224), (224, 160), (128, 288)]  # height, width, of about one area
OTHERS = 0.3  # of the digits are not those given, but of other hands, printed, or of seven segments

__all__ = ["draw", "photographs"]


def photographs(digits: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the ink of digits, (N, 1, H, W), and photographs that show them, (N, 3, H, W), both float32 in [0, 1].

    `digits` are MNIST's, (N, 1, 28, 28) in [0, 1]. The size is drawn for all pictures together.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    rng = np.random.default_rng(seed)
    supply = [_glyph((255 * digit[0]).byte().numpy(), rng) for digit in digits.cpu()]
    size = SIZES[rng.integers(len(SIZES))]
    made = [draw(size, supply[i:] + supply[:i], rng) for i in range(len(supply))]
    pictures = torch.from_numpy(np.stack([picture for picture, _ in made])).permute(0, 3, 1, 2)
    ink = torch.from_numpy(np.stack([ink for _, ink in made]))[:, None]
    return ink, (pictures.float() / 255).contiguous(memory_format=torch.channels_last)


def _glyph(digit: np.ndarray, rng: np.random.Generator) -> Glyph:
    """Return a digit of MNIST, uint8 (28, 28), as a glyph, or one of another kind in its place."""
    kind, label = rng.random() / OTHERS, int(rng.integers(10))
    if kind < 0.6:
        return glyphs.of_lines(hands.strokes(label, rng))
    if kind < 0.8:
        return glyphs.of_picture(hands.printed(label))
    if kind < 1:
        return glyphs.of_lines(hands.segments(label))
    return glyphs.of_picture(digit) if digit.max() > glyphs.INSIDE else glyphs.of_lines(hands.strokes(label, rng))
