"""A model's architecture drawn from its configuration: one picture in the page's colours, no weights needed."""

import html
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor, nn

from cvae.config import ModelConfig
from cvae.models import build_model
from cvae.networks import ResidualBlock

WIDTH, ROW, GAP = 400, 28, 10
MIDDLE, RAIL = 200, 20  # x of the layers, and of the line on which a condition reaches them
JOINS = "the decoder also sees the encoder's maps of the same size"
COLOUR = "#e8590c"  # of the condition
NAMES = {nn.Linear: "dense", nn.Conv2d: "conv", nn.ConvTranspose2d: "transposed conv", ResidualBlock: "residual"}


@dataclass
class Layer:
    """What layers in a row put out, without the batch, and which they are."""

    shape: tuple[int, ...]
    kinds: dict[str, int] = field(default_factory=dict)  # name -> how many in a row

    def text(self) -> str:
        """Return one line such as "64 x 7 x 7 \u00b7 conv, 3 residual"."""
        kinds = ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in self.kinds.items())
        return f"{_by(self.shape)} \u00b7 {kinds}"


@dataclass(frozen=True)
class Architecture:
    """The parts of a model, each a list of layers, and which of them the condition reaches."""

    takes: str
    encoder: list[Layer]
    latent: str  # empty where there is no z
    decoder: list[Layer]
    gives: str
    prior: str = ""
    condition: str = ""
    reaches: frozenset[str] = frozenset()  # of: encoder, prior, decoder
    note: str = ""  # what else there is to know

    def sentence(self) -> str:
        """Return all of it in words."""
        parts = [self.takes, *(layer.text() for layer in self.encoder), self.latent]
        parts += [*(layer.text() for layer in self.decoder), self.gives]
        says = " -> ".join(filter(None, parts))
        says += f"; prior: {self.prior}" if self.prior else ""
        return says + (f"; {self.condition} enters {', '.join(sorted(self.reaches))}" if self.reaches else "")


def architecture(config: ModelConfig) -> Architecture:
    """Return the parts of the model that `config` builds, found by running it without numbers."""
    with torch.device("meta"):
        model = build_model(config).eval()
        x, z = torch.zeros(1, *config.image_shape), torch.zeros(1, config.latent_dim)
        picture = _by(config.image_shape)
        if not config.kind.draws:
            layers = _trace(model, lambda: model(x))
            gives = f"log-odds of {config.n_classes} classes" if config.n_classes else "log-odds of ink"
            return Architecture(f"picture {picture}", layers, "", [], gives)
        if config.kind.cleans:
            encoder = _trace(model.encoder, lambda: model(x))
            decoder = _trace(model.decoder, lambda: model(x))
            takes, makes = f"spoiled picture {picture}", f"clean picture {picture}"
            return Architecture(takes, encoder, "", decoder, makes, note=JOINS)
        c = _example(config)
        encoder = _trace(model.encoder, lambda: model.encode(x, c))
        decoder = _trace(model.decoder, lambda: model.decode(z, c))
    condition = config.kind.given
    takes = f"{'full ' if config.kind.completes else ''}picture {picture}"
    reaches = _reaches(config) if condition else frozenset()
    latent, prior, note = _latent(config), _prior(config), _note(config)
    return Architecture(takes, encoder, latent, decoder, f"picture {picture}", prior, condition, reaches, note)


def _example(config: ModelConfig) -> Tensor:
    """Return a condition of the shape that the model takes."""
    channels, height, width = config.image_shape
    shape = (channels + 1, height, width) if config.kind.completes else (config.n_classes,)
    return torch.zeros(1, *shape)


def _reaches(config: ModelConfig) -> frozenset[str]:
    """Return which parts of a conditional model are told its condition."""
    told = {"encoder": config.label_in == "both", "decoder": True, "prior": config.flow_layers > 0}
    if config.sees_pixels:
        told["encoder"] = False  # it sees the full picture and the mask
    return frozenset(part for part in told if told[part])


def _latent(config: ModelConfig) -> str:
    if not config.kind.has_prior:
        return f"code z, {config.latent_dim}"
    bent = ", bent" if config.posterior_flow_layers else ""  # by couplings, as the prior is
    return f"z ~ N(\u03bc, \u03c3\u00b2){bent}, {config.latent_dim}"


def _prior(config: ModelConfig) -> str:
    if not config.kind.has_prior:
        return "no prior"
    return f"{config.flow_layers} couplings" if config.flow_layers else "N(0, I)"


def _note(config: ModelConfig) -> str:
    if config.sees_pixels:
        return "a network like the encoder looks at the visible pixels"
    return "beside both a fixed linear path: the principal components" if config.linear else ""


def _trace(network: nn.Module, run: Callable[[], object]) -> list[Layer]:
    """Return what the layers of a network put out while run() calls it, those of one shape together."""
    steps: list[tuple[str, tuple[int, ...]]] = []

    def note(module: nn.Module, _inputs: tuple[Tensor, ...], out: Tensor) -> None:
        if isinstance(module, nn.PixelShuffle):
            steps[-1] = (steps[-1][0], tuple(out.shape[1:]))  # one step with the convolution before it
        else:
            steps.append((NAMES[type(module)], tuple(out.shape[1:])))

    hooks = [module.register_forward_hook(note) for module in _layers(network)]
    run()
    for hook in hooks:
        hook.remove()
    rows: list[Layer] = []
    for kind, shape in steps:
        if not rows or rows[-1].shape != shape:
            rows.append(Layer(shape))
        rows[-1].kinds[kind] = rows[-1].kinds.get(kind, 0) + 1
    return rows


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Give the layers worth naming; the maps that a decoder joins are drawn as a line instead."""
    if type(module) in NAMES or isinstance(module, nn.PixelShuffle):
        yield module
        return
    for name, child in module.named_children():
        if name != "joins":
            yield from _layers(child)


def _by(shape: tuple[int, ...]) -> str:
    return " \u00d7 ".join(map(str, shape))


@lru_cache(maxsize=64)
def svg(config: ModelConfig) -> str:
    """Return the drawing: an hourglass from the picture through z to the picture, and where the condition enters."""
    built = architecture(config)
    most = math.log(max(2, *(math.prod(layer.shape) for layer in [*built.encoder, *built.decoder])))
    parts, y = [], 4
    places: dict[str, float] = {}

    def bar(text: str, size: float, strength: float = 0.1) -> None:
        nonlocal y
        parts.append(_box(MIDDLE, y, size, text, strength))
        y += ROW + GAP

    def stack(part: str, layers: list[Layer]) -> None:
        places[part] = y + ROW / 2
        for layer in layers:
            bar(layer.text(), 200 + 80 * math.log(max(2, math.prod(layer.shape))) / most)

    bar(built.takes, 290, 0)
    stack("encoder", built.encoder)
    if built.latent:
        y += GAP
        places["z"] = y + ROW / 2
        bar(built.latent, 60 + 7 * len(built.latent), 0.3)
        parts.append(_aside(built, places["z"]))
        y += GAP + (16 if "prior" in built.reaches else 0)
    if built.decoder:
        stack("decoder", built.decoder)
    bar(built.gives, 290, 0)
    if built.reaches:
        parts.append(_rail(built, places))
    if built.note:
        y += 8
        parts.append(_text(MIDDLE, y, built.note, 0.75))
    return _framed(parts, y + 6, built.sentence())


def _framed(parts: list[str], height: float, says: str) -> str:
    """Return the whole drawing of the parts, with what it says in words."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{html.escape(says)}" fill="currentColor" '
        f'style="width:100%;max-width:{WIDTH}px;font-size:12px">{"".join(parts)}</svg>'
    )


def _aside(built: Architecture, y: float) -> str:
    """Draw the prior to the right of z."""
    text = built.prior if built.prior == "no prior" else f"prior {built.prior}"
    return _text(WIDTH - 2, y + 4, text, 0.85, "end")


def _rail(built: Architecture, places: dict[str, float]) -> str:
    """Draw the condition and its way into the parts that it reaches."""
    z = places["z"]
    lines = [f'<text x="4" y="{z + 4:.0f}" fill="{COLOUR}" font-weight="600">{built.condition.split()[0]}</text>']
    for part, sign in (("encoder", -1), ("decoder", 1)):
        if part in built.reaches:
            y = places[part]
            lines.append(f'<path d="M{RAIL} {z + 12 * sign:.0f}V{y:.0f}H{MIDDLE - 142}" {_stroke()}/>')
            lines.append(_head(MIDDLE - 142, y))
    if "prior" in built.reaches:
        y = z + ROW / 2 + 12
        lines.append(f'<path d="M{RAIL} {z + 12:.0f}V{y:.0f}H{WIDTH - 40}V{z + 14:.0f}" {_stroke()}/>')
        lines.append(f'<path d="M{WIDTH - 44} {z + 15:.0f}l4 -7 4 7z" fill="{COLOUR}"/>')
    return "".join(lines)


def _stroke() -> str:
    return f'fill="none" stroke="{COLOUR}" stroke-width="1.5"'


def _head(x: float, y: float) -> str:
    return f'<path d="M{x - 1} {y - 4:.0f}l7 4 -7 4z" fill="{COLOUR}"/>'


def _box(x: float, y: float, width: float, text: str, strength: float) -> str:
    rim = "stroke-dasharray='3 3'" if not strength else ""
    shape = f'<rect x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{ROW}" rx="6"'
    look = f'fill-opacity="{strength}" stroke="currentColor" stroke-opacity=".45"'
    return f"{shape} {look} {rim}/>{_text(x, y + ROW / 2 + 4, text)}"


def _text(x: float, y: float, text: str, opacity: float = 1, anchor: str = "middle") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" opacity="{opacity}">{html.escape(text)}</text>'
