"""Configuration as frozen dataclasses; a checkpoint's config.json rebuilds them strictly."""

import math
import re
import reprlib
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, get_args

from cvae import limits, migration
from cvae.families import FAMILIES, PIXELS, Family


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {value!r}.")


def _between(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}; got {reprlib.repr(value)}.")


@dataclass(frozen=True)
class ModelConfig:
    """What is needed to build a model; every field is stored beside its weights."""

    family: str = "vae"  # a key of families.FAMILIES
    network: str = "dense"  # dense | conv | residual
    image_shape: tuple[int, int, int] = (1, 28, 28)  # channels, height, width
    latent_dim: int = 2
    widths: tuple[int, ...] = (512, 256)  # dense: units per layer; else: channels at 1/2, 1/4, ... of the size
    blocks: tuple[int, ...] = (2, 2)  # residual blocks per width (residual networks only)
    kernel: int = 3  # side of the encoder's convolutions (conv networks only)
    decoder: str = ""  # dense | conv | residual, where the decoder is of another kind than the encoder
    decoder_widths: tuple[int, ...] = ()  # of that decoder, in the encoder's order: the layer next to the pixels first
    label_in: str = "both"  # both | decoder: whether the encoder is told the label too
    norm: str = "none"  # none | batch: BatchNorm1d after each hidden layer of a dense network
    linear: bool = False  # beside encoder and decoder a fixed linear path, the principal components
    fold: int = 2  # residual: 2 starts at half the size, each 2x2 pixels as channels; 1 at the full size, at more cost
    n_classes: int = 0  # 0: not conditional
    likelihood: str = "bernoulli"  # bernoulli | gaussian
    flow_layers: int = 0  # coupling layers of the prior; 0: standard normal prior
    flow_width: int = 128  # of its networks, and of what an inpainting model tells it about the visible pixels
    posterior_flow_layers: int = 0  # coupling layers of the posterior; 0: diagonal Gaussian

    def __post_init__(self) -> None:
        _one_of("family", self.family, tuple(FAMILIES))
        _one_of("network", self.network, ("dense", "conv", "residual"))
        _one_of("decoder", self.decoder, ("", "dense", "conv", "residual"))
        _one_of("label_in", self.label_in, ("both", "decoder"))
        _one_of("norm", self.norm, ("none", "batch"))
        _one_of("likelihood", self.likelihood, ("bernoulli", "gaussian"))
        _between("fold", self.fold, 1, 2)
        _between("latent_dim", self.latent_dim, 1 if self.kind.latent else 0, limits.LATENTS)
        _between("n_classes", self.n_classes, 2 if self.kind.labelled else 0, limits.CLASSES)
        self._check_sizes()
        self._check_networks()
        self._check_flows()
        for network, widths in self._stacks():
            self._check_stack(network, widths)
        if any(side % self.side_step for side in self.image_shape[1:]):
            wanted, shape = f"sides divisible by {self.side_step}", "x".join(map(str, self.image_shape[1:]))
            raise ValueError(f"a residual network of {len(self.widths)} widths needs {wanted}; got {shape}.")

    def _check_sizes(self) -> None:
        """Raise ValueError where a number is so large, or so small, that nothing could be built of it."""
        channels, *sides = self.image_shape
        if channels not in limits.CHANNELS:
            raise ValueError(f"pictures must have 1 channel (grey) or 3 (colour); got {channels}.")
        for side in sides:
            _between("the sides of image_shape", side, 1, limits.SIDE)
        for width in (*self.widths, *self.decoder_widths, self.flow_width):
            _between("each width", width, 1, limits.WIDTH)
        for count in (*self.blocks, self.flow_layers, self.posterior_flow_layers):
            _between("each of blocks and flow_layers", count, 0, limits.LAYERS)
        layers = len(self.widths) + len(self.decoder_widths) + sum(self.blocks)
        layers += self.flow_layers + self.posterior_flow_layers
        _between("the number of layers, of widths, blocks and flow_layers together,", layers, 0, limits.LAYERS)
        _between("kernel", self.kernel, 1, limits.KERNEL)

    def _stacks(self) -> list[tuple[str, tuple[int, ...]]]:
        """Return the networks of the encoder and of a decoder of another kind, each with its widths."""
        return [(self.network, self.widths)] + ([(self.decoder, self.decoder_widths)] if self.decoder else [])

    def _check_stack(self, network: str, widths: tuple[int, ...]) -> None:
        if network == "dense":
            return
        most = limits.SIDE.bit_length()
        if not 1 <= len(widths) <= most:
            raise ValueError(f"a {network} network halves its pictures 1 to {most} times; got {len(widths)} widths.")
        if network == "residual" and len(self.blocks) != len(widths):
            wanted = f"as many blocks as widths, {len(widths)}"
            raise ValueError(f"a residual network needs {wanted}; got {len(self.blocks)}.")
        area = math.prod(self.image_shape[1:])
        largest = max(width * area // 4**i for i, width in enumerate(widths))
        if largest > limits.FEATURES:
            got = f"these widths and sides give {largest:,}"
            raise ValueError(f"a feature map of a picture may have at most {limits.FEATURES:,} numbers; {got}.")

    def _check_networks(self) -> None:
        kind = self.kind
        if self.network not in kind.networks:
            wanted = " or ".join(map(repr, kind.networks))
            raise ValueError(f"the {self.family} family needs network {wanted}; got {self.network!r}.")
        if bool(self.decoder) != bool(self.decoder_widths):
            raise ValueError("decoder and decoder_widths go together: name both or neither.")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, so that a convolution has a middle; got {self.kernel}.")
        if self.norm != "none" and self.network != "dense":
            others = f"the others have their own. Got network {self.network!r}"
            raise ValueError(f"norm {self.norm!r} is for network 'dense'; {others}.")
        if self.linear and not kind.decodes:
            raise ValueError(f"linear is for the autoencoder, vae and cvae families; got {self.family!r}.")

    def _check_flows(self) -> None:
        if self.kind.posterior == "point" and (self.flow_layers or self.n_classes):
            lacks = "neither a learned prior nor labels"
            raise ValueError(f"an autoencoder has {lacks}: flow_layers and n_classes must be 0.")
        if self.n_classes and not self.kind.labelled:
            raise ValueError(f"the {self.family} family takes no labels: n_classes must be 0; got {self.n_classes}.")
        if self.kind.given == PIXELS and bool(self.flow_layers) != self.sees_pixels:
            reason = "its prior depends on the visible pixels; a dense one has none"
            raise ValueError(f"a residual inpainting model needs flow_layers of 1 or more: {reason}.")
        if self.posterior_flow_layers and not self.flow_layers:
            reason = "a posterior that bends needs a prior that does"
            raise ValueError(f"posterior_flow_layers needs flow_layers of 1 or more: {reason}.")
        if self.flow_layers and self.latent_dim < 2:
            raise ValueError(f"flow_layers={self.flow_layers} needs latent_dim of at least 2; got {self.latent_dim}.")

    @property
    def kind(self) -> Family:
        """The record of the model's family."""
        return FAMILIES[self.family]

    @property
    def sees_pixels(self) -> bool:
        """Whether a prior network looks at the visible pixels; else they enter encoder and decoder as numbers."""
        return self.kind.given == PIXELS and self.network == "residual"

    @property
    def side_step(self) -> int:
        """What must divide both sides of a picture: residual networks halve them without rounding."""
        steps = (self.fold * 2 ** (len(widths) - 1) for kind, widths in self._stacks() if kind == "residual")
        return max(steps, default=1)


@dataclass(frozen=True)
class DataConfig:
    """Which images, how many are held out, and whether pixels are drawn anew as 0 or 1 each time."""

    dataset: str = "mnist"  # a name in data.DATASETS, or the path of a folder with one subfolder per class
    binarize: bool = False  # True: x ~ Bernoulli(pixel), fresh for every visit
    hole: str = "any"  # any | centre: what is hidden from an inpainting model in training
    mirror: bool = False  # True: half of the pictures mirrored left to right, as faces may be
    shift: int = 0  # pixels by which each picture is shifted at most, at random
    turn: float = 0.0  # degrees by which half of the pictures are turned at most, at random
    zoom: float = 0.0  # share by which the same pictures are scaled at most, at random
    blur: float = 0.0  # largest standard deviation, in pixels, of a blur of its own for every picture
    movement: float = 0.0  # how far pictures move at first, then less: 1 is 0.15 radians, 10 %, 7 % of half the side
    elastic: float = 0.0  # how far their parts move apart at first, as a share of the same 7 %; only with movement
    augment: bool = False  # True: small random rotation, shift and scale (the classifier only)
    crop: int = 80  # pixels of the middle of a face's picture, of 250 (lfw only): 80 the face alone, 160 the head
    n_validation: int = 2000
    n_training: int = 0  # of the other pictures, those that are learned from; 0: all
    split_seed: int = 0

    def __post_init__(self) -> None:
        _one_of("hole", self.hole, ("any", "centre"))
        _between("crop", self.crop, 16, 250)


@dataclass(frozen=True)
class Stage:
    """A run of epochs with one optimizer and one cycle of the learning rate: it rises, then falls to zero."""

    epochs: int = 20
    lr: float = 1e-3
    objective: str = ""  # a key of objectives.OBJECTIVES; empty: that of the model's family
    samples: int = 1  # of each posterior, where the objective takes several
    frozen: str = ""  # a part of the model that does not learn yet, such as posterior_flow

    def __post_init__(self) -> None:
        _between("epochs", self.epochs, 1, 1_000_000)
        _between("samples", self.samples, 1, 10_000)
        if not 0 < self.lr <= 1:
            raise ValueError(f"lr must be above 0 and at most 1, such as 1e-3; got {self.lr}.")


@dataclass(frozen=True)
class TrainConfig:
    """The optimisation: its stages, one after another, and what holds for all of them."""

    stages: tuple[Stage, ...] = (Stage(),)
    batch_size: int = 128  # over all processes together
    weight_decay: float = 0.0
    clip: float = 200.0  # maximum gradient norm, a guard against rare spikes that is seldom reached; 0: no limit
    beta: float = 1.0  # weight of the KL in the objective; never part of a reported elbo
    kl_warmup: float = 0.1  # share of the first stage over which beta rises from 0
    ema_decay: float = 0.999
    settle: int = 0  # batches on which BatchNorm's statistics are measured after each epoch, for the averaged weights
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("stages must hold at least one stage.")
        _between("the number of stages", len(self.stages), 1, limits.STAGES)
        _between("batch_size", self.batch_size, 1, 1_000_000)
        if not 0 <= self.beta <= 1e6:
            raise ValueError(f"beta must be from 0 to 1e6 (1 is the plain evidence lower bound); got {self.beta}.")
        _between("seed", self.seed, 0, 2**31)

    @property
    def epochs(self) -> int:
        """Epochs of the first stage, in which the whole model learns."""
        return self.stages[0].epochs

    @property
    def lr(self) -> float:
        """The highest learning rate of the first stage."""
        return self.stages[0].lr


@dataclass(frozen=True)
class Preset:
    """One model of the zoo: its name, what it is and why, and the three configurations that make it."""

    name: str
    about: str  # model card: one paragraph with the paper it follows
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    classes: tuple[str, ...] = ()  # class names in label order; filled in from the data set

    def __post_init__(self) -> None:
        if not all(isinstance(text, str) for text in (self.name, self.about, *self.classes)):
            raise ValueError("name, about and each of classes must be text.")
        labels, named = self.model.n_classes, len(self.classes)
        if labels and named and named != labels:
            raise ValueError(f"classes must name each of the {labels} labels of the model; they name {named}.")

    @property
    def summary(self) -> str:
        """The beginning of `about` that says what the model is, without the paper."""
        about = re.sub(r" \([^()]*\d{4}[^()]*\)", "", self.about)
        start = re.match(r".{20,}?(?=[.:?]( |$))", about)
        return start[0] if start else about

    def to_dict(self) -> dict[str, Any]:
        """Return plain containers, ready for JSON, with the version of their form."""
        return {"version": migration.VERSION, **asdict(self)}


_PARTS = {"model": ModelConfig, "data": DataConfig}


def preset_from_dict(content: Any) -> Preset:
    """Rebuild a Preset from `to_dict`, of this version or an earlier one.

    ValueError names an unknown or missing key, or a value of the wrong type.
    """
    content = migration.current(content)
    version = content.pop("version", None) if isinstance(content, dict) else None
    content = _checked(Preset, content)
    if version != migration.VERSION:
        read = f"this code reads versions 1 to {migration.VERSION}: update it"
        raise ValueError(f"it is of version {reprlib.repr(version)}; {read}.")
    for part, kind in _PARTS.items():
        content[part] = kind(**_checked(kind, content.get(part, {})))
    train = _checked(TrainConfig, content.get("train", {}))
    stages = train.get("stages", ({},))
    return Preset(**content | {"train": TrainConfig(**train | {"stages": tuple(map(_stage, stages))})})


def _stage(content: Any) -> Stage:
    return Stage(**_checked(Stage, content))


def _checked(kind: type, content: Any) -> dict[str, Any]:
    """Return `content` as keyword arguments of dataclass `kind`, lists as tuples; ValueError if it does not fit."""
    if not isinstance(content, dict):
        raise ValueError(f"expected an object with the keys of {kind.__name__}; got {type(content).__name__}.")
    known = {f.name: f for f in fields(kind)}
    if unknown := sorted(set(content) - set(known)):
        got = reprlib.repr(unknown[0])
        raise ValueError(f"unknown key {got} in {kind.__name__}; known keys are {', '.join(known)}.")
    required = [n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    if missing := [n for n in required if n not in content]:
        raise ValueError(f"key {missing[0]!r} is missing in {kind.__name__}.")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    for name, value in values.items():
        if not _fits(value, wanted := known[name].type):
            raise ValueError(f"{kind.__name__}.{name} must be {_said(wanted)}; got {reprlib.repr(value)}.")
    return values


_SAID = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _said(wanted: Any) -> str:
    """Return in words what a value of this type is."""
    if not (parts := get_args(wanted)):
        return _SAID.get(wanted, "an object")
    of = _SAID.get(parts[0], "object").removeprefix("a ") + "s"
    return f"a list of {of}" if parts[-1] is Ellipsis else f"a list of {len(parts)} {of}"


def _fits(value: Any, wanted: Any) -> bool:
    """Tell whether a value from JSON is of the type of a field; the parts of a Preset are judged by themselves."""
    if wanted is float:
        return type(value) in (int, float) and abs(value) < 1e300
    if wanted is str:
        return type(value) is str and len(value) <= limits.WORDS
    if not (parts := get_args(wanted)):
        return type(value) is wanted or wanted not in _SAID
    open_ended = parts[-1] is Ellipsis
    fits = isinstance(value, tuple) and (len(value) <= limits.LISTED if open_ended else len(value) == len(parts))
    return fits and all(_fits(item, parts[0]) for item in value)
